"""Whatever is around the program: its output, its descriptors, its limits, pipes, files of other editors."""
import contextlib
import csv
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time

import pytest
from conftest import ROOT, VARVE

EVENTS = "".join('{"key":"k%d","timestamp":1700000000000,"value":1}\n' % number for number in range(3))
SUITE = """suite: tiny
repeats: 2
warmup: 0
baseline: {backend: buffered}
defaults: {target: log, bytes: 64KiB, batch_bytes: 16KiB, drain: false, memory: cold}
axes: {backend: [buffered, uring-buffered]}
"""


@pytest.fixture
def place(varve, folder):
    """A folder with a suite and a log of three records."""
    (folder / "tiny.yaml").write_text(SUITE)
    (folder / "events.jsonl").write_text(EVENTS)
    assert varve("log", "import", folder / "events.jsonl", "--dir", folder / "log").status == 0
    return folder


def bench(out):
    return ["bench", "tiny.yaml", "--out", out, "--data", "d", "--histories", "0"]


SEGMENT = "log/events-0/00000000000000000000.log"
PRINTING = {
    "bench": bench("out"), "dry run": ["bench", "tiny.yaml", "--dry-run"], "columns": ["columns"],
    "crash": ["crash", "--seeds", "5"], "one seed": ["crash", "--seed", "5"], "dump": ["log", "dump", SEGMENT],
    "dump as JSON": ["log", "dump", SEGMENT, "--json"], "verify": ["log", "verify", "log"],
    "verify as JSON": ["log", "verify", "log", "--json"], "help": ["--help"], "version": ["--version"],
    "import": ["log", "import", "events.jsonl", "--dir", "other"], "doctor": ["doctor"], "backends": ["backends"],
    "settings": ["serve", "--settings-help"], "serve": ["serve", "--data", "served", "--listen", "127.0.0.1:0"],
}


def run(place, arguments, **options):
    process = subprocess.run([VARVE, *arguments], cwd=place, stdin=subprocess.DEVNULL, timeout=120, **options)
    assert process.returncode >= 0, f"ended by signal {-process.returncode}"
    return process


@pytest.mark.parametrize("arguments", PRINTING.values(), ids=PRINTING.keys())
def test_output_that_is_lost_is_a_failure(place, arguments):
    with open("/dev/full", "w") as full:
        process = run(place, arguments, stdout=full, stderr=subprocess.PIPE, text=True)
    assert process.returncode == 1
    assert "standard output: write failed: No space left on device" in process.stderr


@pytest.mark.parametrize("arguments", PRINTING.values(), ids=PRINTING.keys())
def test_a_closed_output_and_one_without_a_reader_are_failures(place, arguments):
    process = run(place, arguments, stderr=subprocess.PIPE, preexec_fn=lambda: os.close(1))
    assert process.returncode == 1 and b"standard output" in process.stderr
    reader, writer = os.pipe()
    os.close(reader)
    shutil.rmtree(place / "out", ignore_errors=True)
    process = run(place, arguments, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert process.returncode == 1 and b"Broken pipe" in process.stderr


def test_an_error_that_nobody_hears_is_still_a_failure(place):
    with open("/dev/full", "w") as full:
        assert run(place, ["log", "verify", "nowhere"], stderr=full).returncode == 1
        assert run(place, ["bench", "nowhere.yaml"], stderr=full).returncode == 2


@pytest.mark.parametrize("closed", [[0], [1], [2], [0, 1, 2]])
def test_no_file_takes_the_place_of_a_closed_descriptor(place, closed):
    def close():
        for number in closed:
            os.close(number)

    process = run(place, bench("out"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=close)
    assert process.returncode == (0 if closed == [0] else 1)
    table = list(csv.reader(open(place / "out/trials.csv", newline="")))
    assert len(table) == 5 and {len(row) for row in table} == {len(table[0])}
    assert json.load(open(place / "out/environment.json"))
    for path in (place / "out").rglob("*.csv"):
        assert "[" not in path.read_text().splitlines()[0], path


def test_a_run_whose_reader_goes_ends_with_all_its_trials(place):
    process = subprocess.Popen(
        [VARVE, *bench("out")], cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 1
    assert len(list(csv.DictReader(open(place / "out/trials.csv")))) == 4


# Files that users name.


def test_suites_settings_and_events_are_read_from_pipes(place):
    def piped(arguments, text):
        reader, writer = os.pipe()
        os.write(writer, text.encode())
        os.close(writer)
        arguments = [argument.replace("PIPE", f"/dev/fd/{reader}") for argument in arguments]
        process = run(place, arguments, pass_fds=[reader], capture_output=True, text=True)
        os.close(reader)
        return process

    process = piped(["bench", "PIPE", "--dry-run"], SUITE)
    assert process.returncode == 0 and "suite: tiny" in process.stdout, process.stderr
    process = piped(["log", "import", "PIPE", "--dir", "other"], EVENTS)
    assert process.returncode == 0 and "imported 3 records" in process.stdout, process.stderr
    # An unknown name in it shows that it was read.
    process = piped(["serve", "--config", "PIPE", "--data", "served"], "no.such.setting=1\n")
    assert process.returncode == 2 and "no.such.setting" in process.stderr, process.stderr


@pytest.mark.parametrize("command", ["dump", "verify"])
@pytest.mark.parametrize("path", ["/dev/stdin", "/dev/null", "fifo"])
def test_a_segment_must_be_a_file(place, command, path):
    os.mkfifo(place / "fifo")
    process = subprocess.run(
        [VARVE, "log", command, path], cwd=place, input=(place / SEGMENT).read_bytes(), capture_output=True,
        timeout=20)
    assert process.returncode == 1
    assert path in process.stderr.decode() and "a pipe or a device" in process.stderr.decode()


def test_byte_order_marks_and_cr_lf_are_no_part_of_a_file(place):
    def marked(text):
        return b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()

    (place / "marked.yaml").write_bytes(marked(SUITE))
    process = run(place, ["bench", "marked.yaml", "--out", "out", "--data", "d", "--histories", "0"],
                  capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    for name in ("out/environment.json", "out/trials.csv"):
        (place / name).write_bytes(b"\xef\xbb\xbf" + (place / name).read_bytes())
    process = run(place, ["report", "out", "--no-plots"], capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    (place / "marked.jsonl").write_bytes(marked(EVENTS))
    process = run(place, ["log", "import", "marked.jsonl", "--dir", "other"], capture_output=True, text=True)
    assert process.returncode == 0 and "imported 3 records" in process.stdout, process.stderr
    (place / "marked.properties").write_bytes(marked("# settings\nnum.partitions=3\n"))
    for file in ["topics/events.properties", "meta.properties"]:
        if (place / "log" / file).exists():
            (place / "log" / file).write_bytes(marked((place / "log" / file).read_text()))
    out = serve(place, ["--config", "marked.properties", "--data", "log"])
    assert "num.partitions = 3 (" in out
    # The file that the broker made is read back in that form, too.
    (place / "log/meta.properties").write_bytes(marked((place / "log/meta.properties").read_text()))
    serve(place, ["--data", "log"])


def serve(place, arguments):
    """Starts a broker, waits until it listens, stops it; what it printed."""
    process = subprocess.Popen(
        [VARVE, "serve", "--listen", "127.0.0.1:0", *arguments], cwd=place, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)
    printed = ""
    for line in process.stdout:
        printed += line
        if "listening on" in line:
            break
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, printed + err
    return printed


@pytest.mark.parametrize("name", ["a", "-", "ä", " ", "a b"])
def test_a_suite_may_have_any_name(place, name):
    (place / name).write_text(SUITE)
    process = run(place, ["bench", name, "--dry-run"], capture_output=True, text=True)
    assert process.returncode == 0 and "suite: tiny" in process.stdout, process.stderr


# A check of nothing.


def test_a_folder_without_segments_is_not_ok(place):
    (place / "logs").mkdir()
    (place / "logs/app.log").write_text("text")
    (place / "logs/0.log").write_text("text")
    # Neither the folder of the log's files nor anything else in it is a partition.
    shutil.rmtree(place / "log")
    for path in (place / "logs", place):
        process = run(place, ["log", "verify", path], capture_output=True, text=True)
        assert process.returncode == 1 and "nothing was checked" in process.stderr, process.stdout


def test_runs_without_a_common_cell_are_not_equal(place):
    for name, backend in (("before", "buffered"), ("after", "uring-buffered")):
        (place / "tiny.yaml").write_text(
            SUITE.replace("baseline: {backend: buffered}\n", "").replace("[buffered, uring-buffered]", f"[{backend}]"))
        process = run(place, bench(name), capture_output=True, text=True)
        if "io_uring cannot be used here" in process.stdout:
            pytest.skip("io_uring cannot be used here")
        assert process.returncode == 0, process.stderr
    process = run(place, ["compare", "before", "after"], capture_output=True, text=True)
    assert process.returncode in (1, 4), process.stdout
    assert process.stdout + process.stderr


# What the system does not say, and what it lacks.


def mounted(place, *arguments):
    process = subprocess.run(["mount", *arguments], capture_output=True, text=True)
    if process.returncode != 0:
        pytest.skip(f"mounting needs root: {process.stderr.strip()}")


def test_a_file_system_that_does_not_say_its_size_has_room(place):
    (place / "ram").mkdir()
    mounted(place, "-t", "ramfs", "none", place / "ram")
    try:
        process = run(place, ["bench", "tiny.yaml", "--out", "out", "--data", "ram/d", "--histories", "0"],
                      capture_output=True, text=True)
    finally:
        subprocess.run(["umount", place / "ram"], check=True)
    assert process.returncode == 0, process.stderr
    rows = list(csv.DictReader(open(place / "out/trials.csv")))
    assert {row["status"] for row in rows if row["backend"] == "buffered"} == {"ok"}
    assert json.load(open(place / "out/environment.json"))["storage"].get("freeBytes") is None


@pytest.mark.parametrize("hidden", ["/proc", "/sys", "both"])
def test_without_proc_and_sys_a_run_says_what_it_does_not_know(place, hidden):
    folders = ["/proc", "/sys"] if hidden == "both" else [hidden]
    script = " && ".join(f"mount -t tmpfs none {folder}" for folder in folders)
    command = ["unshare", "-m", "sh", "-c", f'{script} && exec "$0" "$@"', VARVE, *bench("out")]
    process = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=120)
    if "unshare" in process.stderr or "mount" in process.stderr:
        pytest.skip(f"a mount namespace needs root: {process.stderr.strip()}")
    assert process.returncode == 0, process.stdout + process.stderr
    rows = list(csv.DictReader(open(place / "out/trials.csv")))
    assert rows and all(row["status"] == "ok" for row in rows if row["backend"] == "buffered"), rows
    if hidden != "/sys":
        assert all(row["machine_cpu_s"] in ("",) or float(row["machine_cpu_s"]) > 0 for row in rows)


def limited(kind, value):
    return lambda: resource.setrlimit(kind, (value, value))


@pytest.mark.parametrize("descriptors", [8, 12, 16, 20, 24, 28])
def test_too_few_descriptors_are_named(place, descriptors):
    process = run(place, bench("out"), capture_output=True, text=True,
                  preexec_fn=limited(resource.RLIMIT_NOFILE, descriptors))
    said = process.stdout + process.stderr
    if process.returncode == 0 and "skipped" not in said:
        return
    assert "RLIMIT_NOFILE, ulimit -n" in said and "raise it" in said, said


def test_a_file_size_limit_is_named(place):
    (place / "tiny.yaml").write_text(SUITE.replace("64KiB", "64MiB"))
    process = run(place, bench("out"), capture_output=True, text=True,
                  preexec_fn=limited(resource.RLIMIT_FSIZE, 1 << 20))
    rows = list(csv.DictReader(open(place / "out/trials.csv")))
    assert {row["status"] for row in rows} == {"skipped"}, process.stdout
    for row in rows:
        assert "RLIMIT_FSIZE, ulimit -f" in row["reason"] or "io_uring cannot" in row["reason"], row["reason"]


def test_a_small_address_space_is_named_where_it_ends_a_trial(place):
    (place / "tiny.yaml").write_text(SUITE.replace("16KiB", "64MiB").replace("64KiB", "1GiB"))
    process = run(place, bench("out"), capture_output=True, text=True,
                  preexec_fn=limited(resource.RLIMIT_AS, 700 << 20))
    said = process.stdout + process.stderr
    if (place / "out/trials.csv").exists():
        rows = list(csv.DictReader(open(place / "out/trials.csv")))
        if all(row["status"] == "ok" for row in rows):
            pytest.skip("the limit was enough")
    assert "RLIMIT_AS, ulimit -v" in said, said


# The folder to measure.


def test_a_data_folder_that_is_not_there_is_made_only_on_request(varve, place):
    data = place / "mnt/disk"
    arguments = ["bench", place / "tiny.yaml", "--out", place / "out", "--histories", "0", "--data", data]
    outcome = varve(*arguments)
    assert outcome.status == 2 and str(data) in outcome.err and "--make-data" in outcome.err
    assert not (place / "mnt").exists() and not (place / "out").exists()
    assert varve(*arguments, "--make-data").status == 0
    outcome = varve(*arguments[:-1], place / "tiny.yaml")
    assert outcome.status == 2 and "which is a file" in outcome.err


def test_a_result_into_a_device_leaves_the_device(varve, place):
    os.mkfifo(place / "fifo")
    reader = subprocess.Popen(["cat", place / "fifo"], stdout=subprocess.PIPE, text=True)
    outcome = varve("crash", "--seeds", "5", "--output", place / "fifo")
    out, _ = reader.communicate(timeout=20)
    assert outcome.status == 0 and out.startswith("backend,"), outcome.err
    assert (place / "fifo").is_fifo()


# A failed import.


@pytest.mark.parametrize("lines", [0, 1, 5000])
def test_a_failed_import_leaves_nothing_behind(varve, folder, lines):
    good = '{"key":"k","timestamp":1700000000000,"value":1}\n'
    (folder / "bad.jsonl").write_text(good * lines + "no event\n")
    outcome = varve("log", "import", folder / "bad.jsonl", "--dir", folder / "log")
    assert outcome.status == 1 and f"bad.jsonl:{lines + 1}:" in outcome.err
    assert not (folder / "log").exists()
    (folder / "good.jsonl").write_text(good * 7)
    assert varve("log", "import", folder / "good.jsonl", "--dir", folder / "log").status == 0
    outcome = varve("log", "import", folder / "bad.jsonl", "--dir", folder / "log", "--topic", "other")
    assert outcome.status == 1 and "nothing of the new topic 'other' was kept" in outcome.err
    assert not list((folder / "log").glob("other-*")) and not list((folder / "log/topics").glob("other*"))
    # Into a topic that was there, what was appended stays.
    outcome = varve("log", "import", folder / "bad.jsonl", "--dir", folder / "log")
    assert outcome.status == 1 and "a second import would append them again" in outcome.err
    verified = varve("log", "verify", folder / "log")
    # A batch of 1000 is appended when the event after it comes.
    appended = max(0, lines - 1) // 1000 * 1000
    assert verified.status == 0 and f" {7 + appended} records" in verified.out, verified.out


def test_an_interrupted_import_leaves_nothing_behind(folder):
    os.mkfifo(folder / "slow.jsonl")
    process = subprocess.Popen(
        [VARVE, "log", "import", folder / "slow.jsonl", "--dir", folder / "log"], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)
    line = '{"key":"k","timestamp":1700000000000,"value":1}\n'
    with open(folder / "slow.jsonl", "w") as writer:
        writer.write(line * 15_000)
        writer.flush()
        for _ in range(200):
            if (folder / "log/topics/events.properties").exists():
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(BrokenPipeError):
            writer.write(line * 15_000)
            writer.flush()
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, out + err
    assert not (folder / "log").exists()


def test_backends_names_what_doctor_tries(varve, place):
    listed = json.loads(varve("backends", "--json").out)
    tried = json.loads(varve("doctor", "--data", place, "--json").out)["findings"]
    text = varve("backends").out
    for list_name, group in ("backends", "backend"), ("transfers", "transfer path"):
        names = [each["name"] for each in listed[list_name]]
        assert names and sorted(names) == sorted({f["name"] for f in tried if f["group"] == group})
        assert all(f"  {name} " in text for name in names)


def test_doctor_says_what_is_here_and_what_is_missing(varve, place):
    outcome = varve("doctor", "--data", place)
    assert outcome.status == 0 and "backend:" in outcome.out and "yes buffered" in outcome.out
    document = json.loads(varve("doctor", "--data", place, "--json").out)
    names = {finding["name"]: finding for finding in document["findings"]}
    for name in ("buffered", "io_uring", "O_DIRECT", "fallocate", "copy", "memory_limit", "strace", "open files"):
        assert names[name]["detail"], name
    assert not list(place.glob("varve-doctor-*"))
    denied = subprocess.run(
        [sys.executable, ROOT / "Tests/CommandLine/deny.py", "1", "425", VARVE, "doctor", "--json"], cwd=place,
        capture_output=True, text=True)
    findings = {finding["name"]: finding for finding in json.loads(denied.stdout)["findings"]}
    for name in ("io_uring", "uring", "uring-buffered"):
        assert findings[name]["available"] is False and "io_uring cannot be used here" in findings[name]["detail"]


def test_the_version_names_commit_and_build(varve):
    outcome = varve("--version")
    assert outcome.status == 0
    assert "commit " in outcome.out and "build, Swift " in outcome.out


@pytest.mark.parametrize("seed", [1, 2])
def test_hostile_values_and_surroundings(folder, seed):
    process = subprocess.run(
        [sys.executable, ROOT / "Scripts/python/abuse_command_line.py", VARVE, folder, "--small", str(seed)],
        capture_output=True, text=True, timeout=500)
    assert process.returncode == 0, process.stdout + process.stderr
    assert int(process.stdout.splitlines()[-1].split()[0]) > 150


@pytest.mark.parametrize("errno", [1, 38, 95])
def test_a_system_without_fallocate_skips_what_needs_it(place, errno):
    suite = place / "space.yaml"
    suite.write_text(
        "suite: space\nrepeats: 1\nwarmup: 0\nbaseline: {preallocation: none}\n"
        "defaults: {backend: buffered, bytes: 1MiB, drain: false}\n"
        "axes: {target: [log, syscalls], preallocation: [none, fallocate]}\n"
    )
    deny = ROOT / "Tests/CommandLine/deny.py"
    process = subprocess.run(
        [sys.executable, deny, str(errno), "285", VARVE, "bench", suite, "--out", place / "out",
         "--make-data", "--data", place / "data"], capture_output=True, text=True, timeout=120)
    assert process.returncode == 0, process.stderr
    rows = list(csv.DictReader(open(place / "out/trials.csv")))
    assert len(rows) == 4
    for row in rows:
        if row["preallocation"] == "none":
            assert row["status"] == "ok", row["reason"]
        else:
            assert row["status"] == "skipped" and "preallocation 'fallocate' does not work" in row["reason"]

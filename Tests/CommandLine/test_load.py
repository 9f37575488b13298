"""Loads from the command line: stopped, killed, resumed, and in places that cannot be."""
import csv
import json
import os
import resource
import shutil
import signal
import subprocess
import time

import pytest
from conftest import ROOT, VARVE

SUITE = """\
suite: load
repeats: 3
warmup: 0
baseline: {partitions: 1}
defaults:
  {target: embedded, drain: false, memory: cold, batch_bytes: 8KiB, consumers: 1, arrival: uniform,
   rate: 5000, duration: 400ms}
axes: {partitions: [1, 2, 3]}
"""
# On a busy machine a trial may miss its rate.
MEASURED = ("ok", "saturated")
PLANNED = sorted(f"c0{cell}-b{block}" for cell in (1, 2, 3) for block in (1, 2, 3))


@pytest.fixture
def suite(folder):
    path = folder / "load.yaml"
    path.write_text(SUITE)
    return path


def rows_of(out):
    with open(out / "trials.csv", newline="") as file:
        table = list(csv.reader(file))
    # A torn file has a row with fewer fields, or a quote that is not closed.
    assert all(len(row) == len(table[0]) for row in table)
    return [dict(zip(table[0], row)) for row in table[1:]]


def start(suite, out, *arguments, program=VARVE, **options):
    """A run in a process group of its own, as a shell makes one."""
    return subprocess.Popen(
        [program, "bench", suite, "--out", out, "--make-data", "--data", suite.parent / "data", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, **options,
    )


def wait_for(condition, process, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    raise AssertionError("waited in vain")


def has_rows(out, count):
    return lambda: (out / "trials.csv").exists() and len(rows_of(out)) >= count


def children(pid):
    """The live children of a process."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = open(f"/proc/{entry}/stat").read()
        except OSError:
            continue
        state, parent = stat.rsplit(")", 1)[1].split()[:2]
        if int(parent) == pid and state != "Z":
            found.append(int(entry))
    return found


def loaded_trial(process, suite):
    """The process of a trial that has its log already: not one that measures the generator."""

    def look():
        logs = list((suite.parent / "data").glob("varve-bench-*/trial/log/trial-0/*.log"))
        return logs and children(process.pid)

    return wait_for(look, process)[0]


def finish(process):
    out, err = process.communicate(timeout=60)
    lines = out.strip().splitlines()
    return process.returncode, lines[-1] if lines else "", err


def assert_whole(out):
    """Every trial of the plan once, with its seconds and its histograms."""
    rows = rows_of(out)
    assert sorted(row["trial_id"] for row in rows) == PLANNED
    assert all(row["status"] in MEASURED for row in rows), rows
    with open(out / "intervals.csv", newline="") as file:
        intervals = list(csv.DictReader(file))
    keys = [(row["trial_id"], row["second"]) for row in intervals]
    assert len(set(keys)) == len(keys) and sorted({key[0] for key in keys}) == PLANNED
    for row in rows:
        mine = [part for part in intervals if part["trial_id"] == row["trial_id"]]
        assert sum(int(part["records"]) for part in mine) == int(row["records"]) == 2000
        assert int(row["consumed_records"]) == 2000 and row["lost_records"] == "0"
    assert sorted(path.stem for path in (out / "histograms").glob("*.hlog")) == PLANNED
    assert "load" in (out / "README.md").read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_interrupted_keeps_its_trials_and_goes_on(varve, suite, folder, number):
    out = folder / "results"
    process = start(suite, out)
    wait_for(has_rows(out, 2), process)
    loaded_trial(process, suite)
    # Ctrl-C reaches the trial's process too.
    os.killpg(process.pid, number)
    status, last, err = finish(process)
    assert status == 130, err
    assert "stopped" in last and str(out) in last
    kept = (out / "trials.csv").read_text().splitlines()
    rows = rows_of(out)
    assert 2 <= len(rows) < 9 and all(row["status"] in MEASURED for row in rows)
    assert list((folder / "data").iterdir()) == [], "a stopped trial leaves nothing"
    environment = (out / "environment.json").read_text()

    refused = varve("bench", suite, "--out", out, "--make-data", "--data", folder / "data")
    assert refused.status == 1 and "--resume" in refused.err
    outcome = varve("bench", suite, "--out", out, "--make-data", "--data", folder / "data", "--resume")
    assert outcome.status == 0, outcome.err
    assert (out / "trials.csv").read_text().splitlines()[: len(kept)] == kept
    assert (out / "environment.json").read_text() == environment
    assert_whole(out)
    again = varve("bench", suite, "--out", out, "--make-data", "--data", folder / "data", "--resume")
    assert again.status == 0 and again.last == outcome.last
    assert_whole(out)


def test_another_suite_does_not_go_on(varve, suite, folder):
    out = folder / "results"
    process = start(suite, out)
    wait_for(has_rows(out, 1), process)
    os.killpg(process.pid, signal.SIGINT)
    assert finish(process)[0] == 130
    before = (out / "trials.csv").read_text()
    for arguments, words in (
        (["--set", "rate=100"], "--set"), (["--repeats", "7"], "the number of repeats"),
    ):
        outcome = varve("bench", suite, "--out", out, "--resume", *arguments)
        assert outcome.status == 1 and f"begun (then, now): {words}: " in outcome.err, outcome.err
    suite.write_text(SUITE + "# and a word more\n")
    outcome = varve("bench", suite, "--out", out, "--resume")
    assert outcome.status == 1 and "begun (then, now): line " in outcome.err
    assert (out / "trials.csv").read_text() == before
    missing = varve("bench", suite, "--out", folder / "none", "--resume")
    assert missing.status == 1 and f"{folder}/none/environment.json: is missing" in missing.err
    assert not (folder / "none/trials.csv").exists()


def test_a_trial_that_is_killed_is_a_failed_row_and_runs_again(varve, suite, folder):
    out = folder / "results"
    process = start(suite, out)
    os.kill(loaded_trial(process, suite), signal.SIGKILL)
    status, last, err = finish(process)
    assert status == 1 and "1 failed" in last, (last, err)
    rows = rows_of(out)
    assert sorted(row["trial_id"] for row in rows) == PLANNED
    failed = [row for row in rows if row["status"] not in MEASURED]
    assert len(failed) == 1 and failed[0]["status"] == "failed"
    assert "ended by signal 9 (Killed)" in failed[0]["reason"]
    assert failed[0]["records"] == failed[0]["mb_per_s"] == ""
    outcome = varve("bench", suite, "--out", out, "--make-data", "--data", folder / "data", "--resume")
    assert outcome.status == 0, outcome.err
    assert_whole(out)


def test_a_run_that_is_killed_takes_its_trial_with_it_and_goes_on(varve, suite, folder):
    out = folder / "results"
    process = start(suite, out)
    wait_for(has_rows(out, 1), process)
    child = loaded_trial(process, suite)
    process.kill()
    process.wait(timeout=30)
    for _ in range(400):
        if not os.path.exists(f"/proc/{child}"):
            break
        time.sleep(0.01)
    else:
        raise AssertionError("the trial's process goes on without anybody to answer to")
    process.communicate()
    outcome = varve("bench", suite, "--out", out, "--make-data", "--data", folder / "data", "--resume")
    assert outcome.status == 0, outcome.err
    assert_whole(out)


def test_results_in_the_worktree_do_not_make_it_another_program(folder, suite):
    """The first run's own files are changes that git sees, where the results lie beside the program."""
    worktree = folder / "worktree"
    worktree.mkdir()
    program = worktree / "varve"
    shutil.copy2(VARVE, program)
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid"]
    for command in (["init", "-q"], ["add", "varve"], [*identity, "commit", "-q", "-m", "x"]):
        subprocess.run(["git", "-C", worktree, *command], check=True)
    out = worktree / "results"
    process = start(suite, out, program=program)
    wait_for(has_rows(out, 1), process)
    os.killpg(process.pid, signal.SIGINT)
    assert finish(process)[0] == 130
    assert json.load(open(out / "environment.json"))["program"]["commit"] != "unknown"
    status, _, err = finish(start(suite, out, "--resume", program=program))
    assert status == 0, err
    assert_whole(out)


@pytest.fixture
def disk(folder):
    """A tmpfs of 1 MiB that this test may fill and set read-only."""
    path = folder / "disk"
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", path], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"mounting a tmpfs needs root: {mounted.stderr.strip()}")
    yield path
    subprocess.run(["umount", "-l", path], check=True)


def test_a_place_for_results_that_is_read_only_is_said_so(varve, suite, folder, disk):
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    outcome = varve("bench", suite, "--out", disk / "results", "--make-data", "--data", folder / "data")
    assert outcome.status == 1
    assert "Read-only file system" in outcome.err and "--out" in outcome.err
    assert str(disk) in outcome.err
    assert not (folder / "data").exists() or list((folder / "data").iterdir()) == []


def test_a_full_disk_of_results_keeps_whole_rows_and_the_run_goes_on(varve, suite, folder, disk):
    out = disk / "results"
    out.mkdir()
    ballast = disk / "ballast"
    with open(ballast, "wb") as file:
        # Room for the first files, and for few trials.
        file.write(b"x" * ((1 << 20) - (48 << 10)))
    outcome = varve("bench", suite, "--out", out, "--make-data", "--data", folder / "data")
    assert outcome.status == 1, outcome.out
    assert "No space left on device" in outcome.err and str(out) in outcome.err
    rows = rows_of(out)
    assert len(rows) < 9 and all(row["status"] in MEASURED for row in rows)
    ballast.unlink()
    outcome = varve("bench", suite, "--out", out, "--make-data", "--data", folder / "data", "--resume")
    assert outcome.status == 0, outcome.err
    assert_whole(out)


@pytest.mark.parametrize(
    "setting, words",
    [
        ("place_log=cpu:999", ["place_log 'cpu:999'", "there is no CPU 999", "this machine has CPU"]),
        ("place_producers=cpu:0-999", ["place_producers", "there is no CPU", "this machine has CPU"]),
        ("place_consumers=node:9", ["place_consumers 'node:9'", "there is no node 9"]),
        ("place_log=node:9", ["place_log 'node:9'", "there is no node 9"]),
        ("queue_depth=4", ["'buffered' is synchronous", "queue_depth 1"]),
    ],
)
def test_what_cannot_be_had_here_is_skipped_with_what_can(varve, suite, folder, setting, words):
    out = folder / "results"
    outcome = varve(
        "bench", suite, "--out", out, "--make-data", "--data", folder / "data", "--set", "backend=buffered",
        "--set", "arrival=poisson", "--set", setting, "--repeats", "1",
    )
    assert outcome.status == 1 and "no trial was measured" in outcome.err, outcome.err
    rows = rows_of(out)
    assert len(rows) == 3
    for row in rows:
        assert row["status"] == "skipped" and row["records"] == ""
        for word in words:
            assert word in row["reason"], row["reason"]


@pytest.mark.parametrize(
    "setting, words",
    [
        ("target=log", ["arrival 'max' only", "embedded, stream and generator"]),
        ("target=syscalls", ["arrival 'max' only", "embedded, stream and generator"]),
        ("target=generator", ["keeps nothing", "consumers 0"]),
        ("network=unix", ["--set network=unix", "does nothing here"]),
        ("cache=cold", ["'cold' needs consume_from 'start'"]),
    ],
)
def test_a_suite_that_contradicts_itself_is_wrong_usage(varve, suite, folder, setting, words):
    outcome = varve(
        "bench", suite, "--out", folder / "results", "--set", "backend=buffered", "--set", "arrival=poisson",
        "--set", setting)
    assert outcome.status == 2, outcome.err
    assert not (folder / "results").exists()
    for word in words:
        assert word in outcome.err, outcome.err


def test_a_place_that_is_there_is_taken(varve, suite, folder):
    out = folder / "results"
    outcome = varve(
        "bench", suite, "--out", out, "--make-data", "--data", folder / "data", "--set", "place_log=cpu:0",
        "--set", "place_producers=node:0", "--set", "place_consumers=any", "--repeats", "1",
    )
    assert outcome.status == 0, outcome.err
    for row in rows_of(out):
        assert row["status"] in MEASURED, row["reason"]
        assert (row["place_log"], row["place_producers"]) == ("cpu:0", "node:0")


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--resume"], ["--resume", "--out"]),
        (["--set", "arrival=posson"], ["arrival", "posson", "poisson"]),
        (["--set", "target=embeded"], ["target", "embeded", "embedded"]),
        (["--set", "consume_from=begin"], ["consume_from", "begin", "start"]),
        (["--set", "record_sizes=normal"], ["record_sizes", "lognormal"]),
        (["--set", "place_log=cpu0"], ["place_log", "cpu0", "cpu:0"]),
        (["--set", "place_logs=cpu:0"], ["place_logs", "place_log"]),
        (["--set", "duration=10m"], ["duration", "10m", "min"]),
        (["--set", "rate=0"], ["rate", "1 to"]),
        (["--set", "rate=1e6"], ["rate", "1e6"]),
        (["--set", "producers=0"], ["producers", "1 to"]),
        (["--set", "consumers=257"], ["consumers", "0 to 256"]),
        (["--set", "in_flight=0"], ["in_flight", "1 to"]),
        (["--set", "linger_ms=-1"], ["linger_ms", "found '-1'"]),
        (["--set", "stall_ms=forever"], ["stall_ms", "forever"]),
        (["--set", "slowdown_percent=10%"], ["slowdown_percent", "10%"]),
        (["--set", "rate"], ["--set", "rate"]),
    ],
)
def test_a_misspelt_value_says_what_and_exits_with_2(varve, suite, arguments, words):
    outcome = varve("bench", suite, *arguments)
    assert outcome.status == 2, outcome.err
    for word in words:
        assert word in outcome.err, outcome.err
    assert not (suite.parent / "data").exists()


@pytest.mark.parametrize(
    "line, words",
    [
        ("search: {limit: 10ms, percentile: p98}", ["p98", "p99"]),
        ("search: {limits: 10ms}", ["limits", "'limit'"]),
        ("search: {from: 100, to: 10}", ["from", "to"]),
        ("headline: e2e_p99", ["e2e_p99", "e2e_p99_us"]),
    ],
)
def test_a_misspelt_search_names_the_line(varve, suite, line, words):
    suite.write_text(SUITE + line + "\n")
    outcome = varve("bench", suite)
    assert outcome.status == 2, outcome.err
    for word in [f"{suite}:9:", *words]:
        assert word in outcome.err, outcome.err


# Below 28 Foundation's Process may not start a trial, or not hear of its end.
@pytest.mark.parametrize("descriptors", [28, 32, 36, 40, 44, 48, 64])
def test_too_few_descriptors_are_an_error_and_never_a_hang(varve, suite, folder, descriptors):
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

    out = folder / "results"
    outcome = varve(
        "bench", suite, "--out", out, "--make-data", "--data", folder / "data", "--set", "target=stream",
        "--set", "producers=4", "--set", "consumers=4", "--repeats", "1", preexec_fn=limit,
        timeout=30,
    )
    if (out / "trials.csv").exists():
        for row in rows_of(out):
            assert row["status"] in MEASURED or row["reason"], row
    if outcome.status != 0:
        said = outcome.err + outcome.out
        # The latter is what one side of a connection says where the other could not go on.
        assert "Too many open files" in said or "Connection reset" in said, said

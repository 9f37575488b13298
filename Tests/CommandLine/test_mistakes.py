"""What a stranger does wrong, and what a disk does wrong: a clear error, and nothing lost."""
import csv
import errno
import json
import resource
import shutil
import signal
import subprocess
import time

import pytest
from conftest import JANUARY, ROOT, VARVE
from deny import deny


def test_a_malformed_line_names_file_line_and_column(varve, folder):
    source = folder / "bad.jsonl"
    source.write_text(
        '{"key":"a","timestamp":1,"headers":{},"value":1}\n{"key":"a","timestamp":2,,"value":1}\n'
    )
    outcome = varve("log", "import", source, "--dir", folder / "log")
    assert outcome.status == 1
    assert f"{source}:2:26: " in outcome.err
    assert varve("log", "verify", folder / "log").status in (0, 1)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["log", "import", JANUARY, "--dir", "x", "--backend", "buffred"], ["--backend", "buffred", "buffered"]),
        (["log", "import", JANUARY, "--dir", "x", "--durability", "sync"], ["--durability", "sync", "group"]),
        (["log", "import", JANUARY, "--dir", "x", "--partitions", "0"], ["--partitions", "0", "1 to"]),
        (["log", "import", JANUARY, "--dir", "x", "--topic", "a/b"], ["--topic", "a/b"]),
        (["log", "import", JANUARY, "--dri", "x"], ["--dri", "--dir"]),
        (["log", "import", JANUARY], ["--dir", "data directory"]),
        (["bench", "Bench/quick.yaml", "--repeats", "0"], ["--repeats", "0"]),
        (["bench", "Bench/quick.yaml", "--set", "batch_byte=1"], ["batch_byte", "batch_bytes"]),
        (["bench", "Bench/zero-copy.yaml", "--set", "transfer=sendfiel"], ["sendfiel", "sendfile", "splice"]),
        (["bench", "Bench/zero-copy.yaml", "--set", "network=lo"], ["network", "loopback", "veth"]),
        (["bench", "Bench/zero-copy.yaml", "--set", "connections=0"], ["connections", "1 to"]),
        (["bench", "Bench/zero-copy.yaml", "--set", "congestion=cu/bic"], ["cu/bic", "cubic"]),
        (["frobnicate"], ["frobnicate"]),
    ],
)
def test_wrong_usage_says_what_and_exits_with_2(varve, folder, arguments, words):
    outcome = varve(*arguments, cwd=ROOT)
    assert outcome.status == 2, outcome.err
    for word in words:
        assert word in outcome.err


def test_a_misspelt_suite_key_names_key_line_and_nearest(varve, folder):
    suite = folder / "suite.yaml"
    suite.write_text("suite: x\nquestion: y?\ndefaults:\n  durabilty: batch\n")
    outcome = varve("bench", suite)
    assert outcome.status == 2
    assert f"{suite}:4:3" in outcome.err
    assert "durabilty" in outcome.err and "'durability'" in outcome.err


def test_missing_files_are_named(varve, folder):
    for arguments in (
        ["log", "import", folder / "no.jsonl", "--dir", folder / "log"],
        ["log", "dump", folder / "no.log"],
        ["log", "verify", folder / "no"],
        ["bench", folder / "no.yaml"],
    ):
        outcome = varve(*arguments)
        assert outcome.status in (1, 2)
        assert str(folder / "no") in outcome.err


def test_help_shows_an_example_for_each_subcommand(varve):
    for command in (["bench"], ["log"], ["log", "import"], ["log", "dump"], ["log", "verify"],
                    ["log", "repair"], []):
        outcome = varve(*command, "--help")
        assert outcome.status == 0
        assert "Example: varve" in outcome.out


def test_a_data_directory_in_use_is_refused(varve, folder):
    fifo = folder / "slow.jsonl"
    line = '{"key":"a","timestamp":1,"headers":{},"value":1}\n'
    import os

    os.mkfifo(fifo)
    first = subprocess.Popen(
        [VARVE, "log", "import", fifo, "--dir", folder / "log"], stdout=subprocess.PIPE, text=True
    )
    with open(fifo, "w") as writer:
        writer.write(line)
        writer.flush()
        lock = folder / "log/topics/events.properties"
        for _ in range(200):
            if lock.exists():
                break
            time.sleep(0.05)
        second = varve("log", "import", JANUARY, "--dir", folder / "log")
        assert second.status == 1
        assert "another process" in second.err and str(folder / "log") in second.err
    assert first.wait(timeout=30) == 0
    assert "imported 1 records" in first.stdout.read()


def test_o_direct_on_tmpfs_is_a_clear_error(varve, tmpfs):
    outcome = varve("log", "import", JANUARY, "--dir", tmpfs / "log", "--backend", "direct")
    assert outcome.status == 1
    assert "O_DIRECT" in outcome.err and "buffered" in outcome.err


@pytest.mark.parametrize("backend", ["buffered", "mmap", "uring-buffered"])
def test_a_full_disk_keeps_what_was_appended(varve, tmpfs, backend):
    # A topic that an import makes goes with the import: this one was there.
    one = tmpfs / "one.jsonl"
    one.write_text('{"key":"a","timestamp":1,"headers":{},"value":1}\n')
    options = ["--dir", tmpfs / "log", "--durability", "batch", "--segment-bytes", 200_000, "--backend", backend]
    outcome = varve("log", "import", one, *options)
    if "io_uring cannot be used here" in outcome.err:
        pytest.skip(outcome.err.strip())
    assert outcome.status == 0, outcome.err
    outcome = varve("log", "import", JANUARY, *options)
    assert outcome.status == 1
    assert "No space left" in outcome.err
    verified = varve("log", "verify", tmpfs / "log")
    assert verified.status == 0, verified.err
    assert int(verified.last.split()[5]) > 1000


def test_a_file_size_limit_is_an_error_and_not_a_signal(varve, folder):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    (folder / "one.jsonl").write_text('{"key":"a","timestamp":1,"headers":{},"value":1}\n')
    assert varve("log", "import", folder / "one.jsonl", "--dir", folder / "log").status == 0
    outcome = varve("log", "import", JANUARY, "--dir", folder / "log", preexec_fn=limit)
    assert outcome.status == 1
    assert "File too large" in outcome.err and "RLIMIT_FSIZE, ulimit -f" in outcome.err
    verified = varve("log", "verify", folder / "log")
    assert verified.status == 0, verified.err
    more = varve("log", "import", JANUARY, "--dir", folder / "log")
    assert more.status == 0, more.err


def forbid_io_uring():
    """What a container does: io_uring_setup(2), 425 on every architecture, answers EPERM."""
    deny(errno.EPERM, [425])


@pytest.mark.parametrize("backend", ["uring", "uring-buffered"])
def test_a_forbidden_io_uring_is_a_clear_error_and_a_skipped_trial(varve, folder, backend):
    outcome = varve(
        "log", "import", JANUARY, "--dir", folder / "log", "--backend", backend,
        preexec_fn=forbid_io_uring,
    )
    assert outcome.status == 1
    assert "io_uring cannot be used here" in outcome.err
    assert "Operation not permitted" in outcome.err and "seccomp" in outcome.err
    suite = folder / "ring.yaml"
    suite.write_text(
        "suite: ring\nrepeats: 1\nwarmup: 0\n"
        f"defaults: {{backend: {backend}, bytes: 1MiB, drain: false}}\naxes: {{target: [log, syscalls]}}\n"
    )
    run = varve(
        "bench", suite, "--out", folder / "out", "--make-data", "--data", folder / "data",
        preexec_fn=forbid_io_uring,
    )
    assert run.status == 1 and "no trial was measured" in run.err, run.err
    with open(folder / "out/trials.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    for row in rows:
        assert row["status"] == "skipped" and "io_uring cannot be used here" in row["reason"]


def test_a_flipped_bit_is_found_and_placed(varve, folder):
    varve("log", "import", JANUARY, "--dir", folder / "log")
    segment = next((folder / "log/events-0").glob("*.log"))
    damaged = bytearray(segment.read_bytes())
    damaged[200_000] ^= 4
    segment.write_bytes(damaged)
    verified = varve("log", "verify", folder / "log")
    assert verified.status == 1
    assert str(segment) in verified.err and "CRC-32C" in verified.err
    dump = varve("log", "dump", segment, "--json")
    assert dump.status == 1 and "CRC-32C" in dump.err and len(dump.out.splitlines()) > 100


def test_a_partition_whose_folder_is_gone_is_a_problem(varve, folder):
    for topic in "kept", "gone":
        varve("log", "import", JANUARY, "--dir", folder / "log", "--topic", topic)
    shutil.rmtree(folder / "log/gone-0")
    verified = varve("log", "verify", folder / "log")
    assert verified.status == 1 and verified.err.count("problem: ") == 1
    assert str(folder / "log/gone-0") in verified.err and "topics/gone.properties" in verified.err


def test_many_problems_of_one_file_are_counted_and_the_first_of_them_told(varve, folder):
    varve("log", "import", JANUARY, "--dir", folder / "log", "--batch-records", "10")
    index = next((folder / "log/events-0").glob("*.index"))
    whole = index.read_bytes()
    # As Kafka leaves an index of a segment that is written: with room.
    index.write_bytes(whole + bytes(80_000))
    verified = varve("log", "verify", folder / "log")
    assert verified.status == 0 and "80000 zeros at its end" in verified.err
    index.write_bytes(bytes(byte ^ 1 for byte in whole))
    verified = varve("log", "verify", folder / "log")
    count = len(whole) // 8
    assert count > 25 and verified.status == 1
    assert verified.err.count("problem: ") == 21 and f"{count - 20} more like these" in verified.err
    document = json.loads(varve("log", "verify", folder / "log", "--json").out)
    assert document["problem_count"] == count and len(document["problems"]) == 20


def test_an_import_that_is_interrupted_can_be_recovered(varve, folder):
    fifo = folder / "slow.jsonl"
    import os

    os.mkfifo(fifo)
    first = subprocess.Popen(
        [VARVE, "log", "import", fifo, "--dir", folder / "log", "--batch-records", "1"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    with open(fifo, "w") as writer:
        for number in range(20_000):
            writer.write(f'{{"key":"a","timestamp":{number},"headers":{{}},"value":{number}}}\n')
        writer.flush()
        first.send_signal(signal.SIGKILL)
        first.wait(timeout=30)
    more = varve("log", "import", JANUARY, "--dir", folder / "log")
    assert more.status == 0, more.err
    verified = varve("log", "verify", folder / "log")
    assert verified.status == 0, verified.err

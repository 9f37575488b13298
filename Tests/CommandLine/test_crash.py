"""`varve crash`: what it prints, that a seed is the same each time, and what it says to mistakes."""
import csv
import json
import pathlib
import re
import shlex
import signal
import subprocess
import time

import pytest
from conftest import BACKENDS, VARVE

DURABILITIES = ["none", "interval", "batch", "group"]


def test_histories_hold_and_the_table_says_what_each_durability_keeps(varve):
    outcome = varve("crash", "--seeds", 200)
    assert outcome.status == 0, outcome.out + outcome.err
    assert outcome.last == "No promise was broken in 200 histories."
    header, *rows, _ = outcome.out.splitlines()
    assert header.split() == ["backend", "durability", "histories", "cuts", "kills", "survives"]
    cells = [tuple(row.split()[:2]) for row in rows]
    assert cells == [(backend, name) for backend in sorted(BACKENDS) for name in DURABILITIES]
    assert sum(int(row.split()[2]) for row in rows) == 200
    for row, (_, durability) in zip(rows, cells):
        assert "process kill: nothing lost" in row
        if durability in ("batch", "group"):
            assert row.endswith("power cut: nothing lost")
    assert varve("crash", "--seeds", 200, "--jobs", 3).out == outcome.out


def test_a_campaign_is_a_document_for_programs(varve):
    text = varve("crash", "--seeds", 60)
    outcome = varve("crash", "--seeds", 60, "--json")
    document = json.loads(outcome.out)
    assert outcome.status == 0 and document["histories"] == 60 and document["failure"] is None
    assert not document["stopped"]
    rows = [(row["backend"], row["durability"]) for row in document["survives"]]
    assert rows == [tuple(line.split()[:2]) for line in text.out.splitlines()[1:-1]]
    assert varve("crash", "--seed", 1, "--json").status == 2


def test_a_choice_of_backends_and_durabilities_is_kept(varve):
    outcome = varve(
        "crash", "--seeds", 40, "--first-seed", 1000, "--backend", "uring", "--backend", "mmap",
        "--durability", "group",
    )
    assert outcome.status == 0, outcome.out + outcome.err
    cells = {tuple(line.split()[:2]) for line in outcome.out.splitlines()[1:-1]}
    assert cells == {("mmap", "group"), ("uring", "group")}


@pytest.mark.parametrize("seed", [0, 17, 18446744073709551615])
def test_a_seed_is_told_the_same_each_time_and_by_the_command_that_it_prints(varve, seed):
    first = varve("crash", "--seed", seed)
    assert first.status == 0, first.out + first.err
    second = varve("crash", "--seed", seed)
    assert first.out == second.out
    assert re.fullmatch(r"holds; digest of [0-9a-f]{16}", first.last)
    # Neither a date nor this machine's clock, paths or process: milliseconds are the history's own.
    assert not re.search(r"\d\d:\d\d|20\d\d-|seconds|\d s\b", first.out)
    command = next(line for line in first.out.splitlines() if line.startswith("again: "))
    program, *arguments = shlex.split(command.removeprefix("again: "))
    assert program == "varve"
    again = varve(*arguments)
    assert again.status == 0
    assert again.out == first.out


def test_seeds_are_other_histories(varve):
    verdicts = {varve("crash", "--seed", seed).last for seed in range(5)}
    assert len(verdicts) == 5


def test_the_last_seeds_there_are_run_too(varve):
    outcome = varve("crash", "--seeds", 5, "--first-seed", 2**64 - 6)
    assert outcome.status == 0, outcome.err
    assert outcome.last == "No promise was broken in 5 histories."


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--backend", "buffred"], ["--backend", "buffred", *BACKENDS]),
        (["--durability", "sync"], ["--durability", "sync", *DURABILITIES]),
        (["--seeds", "0"], ["--seeds", "found '0'", "1 to 1000000000"]),
        (["--seeds", "1000000001"], ["--seeds", "1000000001", "1 to 1000000000"]),
        (["--seeds", "abc"], ["--seeds", "abc"]),
        (["--seed", "-1"], ["--seed"]),
        (["--jobs", "0"], ["--jobs", "found '0'", "1 to 256"]),
        (["--first-seed", str(2**64 - 5), "--seeds", "10"], ["--first-seed", "18446744073709551605"]),
        (["--seed", "1", "--output", "x.csv"], ["--output", "--seed"]),
        (["--output", "no/such/folder/x.csv"], ["--output", "no/such/folder/x.csv", "folder"]),
        (["--output", "."], ["--output", "'.'", "file"]),
        (["--sed", "1"], ["--sed"]),
    ],
    ids=lambda value: " ".join(value) if value and value[0].startswith("--") else "",
)
def test_wrong_usage_says_what_was_found_and_expected(varve, folder, arguments, words):
    outcome = varve("crash", *arguments, cwd=folder, timeout=20)
    assert outcome.status == 2, outcome.err
    assert outcome.out == "", "nothing is run first"
    for word in words:
        assert word in outcome.err
    assert list(folder.iterdir()) == []


def test_an_output_that_cannot_be_written_is_named_after_all(varve, folder):
    # A folder in the way of the file that takes its place: found only when it is written.
    (folder / "kept.csv.tmp").mkdir()
    outcome = varve("crash", "--seeds", 5, "--output", folder / "kept.csv")
    assert outcome.status == 1
    assert "--output" in outcome.err and str(folder / "kept.csv") in outcome.err
    assert "backend" in outcome.out, "the table is printed all the same"


def test_the_output_is_the_table_as_csv(varve, folder):
    path = folder / "survival.csv"
    path.write_text("of an earlier run\n")
    outcome = varve(
        "crash", "--seeds", 120, "--first-seed", 7, "--durability", "none", "--durability", "batch",
        "--output", path,
    )
    assert outcome.status == 0, outcome.err
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(int(row["histories"]) for row in rows) == 120
    for row in rows:
        assert None not in row and None not in row.values()
        assert (row["first_seed"], row["last_seed"], row["violations"]) == ("7", "126", "0")
        assert row["process_kill"] == "nothing lost"
        if row["durability"] == "batch":
            assert row["power_cut"] == "nothing lost" and row["lost_records"] == "0"
        else:
            assert row["power_cut"] == "any suffix"
    assert [path.name for path in folder.iterdir()] == ["survival.csv"]


def catches_interrupts(process):
    """True once the process has a handler for SIGINT; before, the signal would just end it."""
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("SigCgt:"):
            return int(line.split()[1], 16) >> (signal.SIGINT - 1) & 1
    return False


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interruption_stops_it_and_says_how_far_it_came(folder, jobs):
    path = folder / "survival.csv"
    process = subprocess.Popen(
        [VARVE, "crash", "--seeds", "100000000", "--jobs", str(jobs), "--output", path],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    deadline = time.monotonic() + 60
    while not catches_interrupts(process) and time.monotonic() < deadline:
        time.sleep(0.02)
    # Long enough for one history on any machine.
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    found = re.search(r"stopped after (\d+) of 100000000 histories", err)
    assert found, err
    # What was run until then is told, and not written down as if it were all of the seeds.
    rows = out.splitlines()[1:]
    assert sum(int(row.split()[2]) for row in rows) == int(found[1]) > 0
    assert "No promise was broken" not in out
    assert not path.exists()


def test_help_shows_an_example(varve):
    outcome = varve("crash", "--help")
    assert outcome.status == 0 and "Example: varve crash" in outcome.out

"""The data dictionary against the files of a run, and programs that read them."""
import csv
import json
import re
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest
from conftest import ROOT, VARVE

# The tests share a run, and so a process.
pytestmark = pytest.mark.xdist_group("columns")

FILES = ("trials.csv", "intervals.csv", "cells.csv", "verdicts.csv", "survives.csv")
SUITE = """suite: dictionary
repeats: 5
warmup: 1
headline: durable_mb_per_s
also: [service_p50_us]
baseline: {backend: buffered}
defaults: {record_bytes: 100, batch_bytes: 16KiB, drain: false, memory: cold}
crosses:
  appended: {with: {bytes: 8MiB}, axes: {target: [log, syscalls], backend: [buffered, direct]}}
  loaded: {with: {target: stream, consumers: 1, records: 20000}, axes: {backend: [buffered, direct]}}
"""


@pytest.fixture(scope="module")
def run():
    """A small run that leaves every file."""
    base = ROOT / ".build/test-data"
    base.mkdir(parents=True, exist_ok=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="cli-columns-", dir=base))
    (folder / "s.yaml").write_text(SUITE)
    outcome = subprocess.run(
        [VARVE, "bench", folder / "s.yaml", "--out", folder / "out", "--make-data", "--data", folder / "data",
         "--histories", "10"], capture_output=True, text=True, timeout=120)
    assert outcome.returncode == 0, outcome.stderr
    yield folder / "out"
    shutil.rmtree(folder, ignore_errors=True)


def sections(text):
    """The columns that the dictionary has, by file."""
    found, name = {}, None
    for line in text.splitlines():
        if line.startswith("## "):
            name = line[3:]
        elif name and (match := re.match(r"\| `([^`]+)` \|", line)):
            found.setdefault(name, []).append(match.group(1))
    return found


def test_the_committed_dictionary_is_what_this_program_prints(varve):
    outcome = varve("columns")
    assert outcome.status == 0
    assert outcome.out == (ROOT / "Bench/COLUMNS.md").read_text(), (
        "run: .build/release/varve columns > Bench/COLUMNS.md")


@pytest.mark.parametrize("name", FILES)
def test_every_column_of_a_file_is_in_the_dictionary_and_no_other(varve, run, name):
    with open(run / name, newline="") as file:
        header = next(csv.reader(file))
    assert sections(varve("columns").out)[name] == header


def test_every_key_of_a_suite_has_a_column_that_is_there(varve, run):
    with open(run / "trials.csv", newline="") as file:
        header = next(csv.reader(file))
    keys = re.findall(r"^\| `\w+` \| [^|]+ \| \w* \| `(\w+)` \|", varve("columns").out, re.MULTILINE)
    assert len(keys) > 40 and set(keys) <= set(header)


def test_the_machines_cpu_is_at_least_what_its_parts_took(run):
    if json.load(open(run / "environment.json"))["machine"].get("cpuTimeSource") is None:
        pytest.skip("this system shows no exact counter of the machine's CPU")
    rows = list(csv.DictReader(open(run / "trials.csv")))
    assert rows
    for row in rows:
        machine, process = float(row["machine_cpu_s"]), float(row["process_cpu_s"])
        assert machine >= process > 0, row["trial_id"]
        # Those of the process are cut to microseconds.
        assert machine >= float(row["cpu_user_s"]) + float(row["cpu_system_s"]) - 5e-6, row["trial_id"]


@pytest.mark.parametrize(
    "command", [["python3", "cells_pandas.py"], ["Rscript", "cells.R"], ["gnuplot", "-c", "cells.gp"]],
    ids=["pandas", "R", "gnuplot"])
def test_an_example_draws_a_metric_with_its_intervals(run, folder, command):
    program = sys.executable if command[0] == "python3" else shutil.which(command[0])
    if program is None:
        pytest.skip(f"{command[0]} is not installed: Scripts/setup installs it")
    script = [program, *command[1:-1], ROOT / "Scripts/examples" / command[-1]]
    for metric in ("durable_mb_per_s", "service_p50_us"):
        drawn = folder / f"{metric}.svg"
        outcome = subprocess.run(
            [*script, run / "cells.csv", metric, drawn], capture_output=True, text=True, timeout=60)
        assert outcome.returncode == 0, outcome.stderr
        assert "<svg" in drawn.read_text() and drawn.stat().st_size > 2000
    outcome = subprocess.run(
        [*script, run / "cells.csv", "no_such", folder / "none.svg"], capture_output=True, text=True,
        timeout=60)
    assert outcome.returncode != 0 and "no cell has the metric no_such" in outcome.stdout + outcome.stderr


def renamed(text, names):
    """The text with today's names replaced by former ones."""
    for now, former in names.items():
        text = re.sub(rf"(?<![\w-]){re.escape(now)}(?![\w-])", former, text)
    return text


def test_a_run_with_the_names_of_earlier_versions_is_judged_the_same(varve, run, folder):
    old = folder / "old"
    shutil.copytree(run, old)
    targets = {"syscalls": "bare", "stream": "socket"}
    columns = {
        "vs_syscalls_ratio": "reference_ratio", "zerocopy_sends": "zero_copy_sends",
        "zerocopy_fallbacks": "copied_sends",
        **{f"schedule_delay_{part}_us": f"lateness_{part}_us" for part in ("p50", "p99", "max")},
    }
    environment = old / "environment.json"
    environment.write_text(renamed(environment.read_text(), targets))
    trials = old / "trials.csv"
    header, rest = trials.read_text().split("\n", 1)
    trials.write_text(renamed(header, columns) + "\n" + renamed(rest, targets))
    for log in (old / "histograms").iterdir():
        log.write_text(log.read_text().replace("Tag=schedule_delay", "Tag=lateness"))
    for name in ("verdicts.csv", "cells.csv"):
        (old / name).unlink()
    assert "bare" in environment.read_text() and "reference_ratio" in trials.read_text()
    outcome = varve("report", "--no-plots", old)
    assert outcome.status == 0, outcome.err
    for name in ("verdicts.csv", "cells.csv"):
        assert (old / name).read_text() == (run / name).read_text(), name
    # The page has what the table of trials and the histograms say.
    own = (run / "README.md").read_text().split("The command:")[0]
    assert (old / "README.md").read_text().split("The command:")[0] == own


def test_a_warm_up_until_steady_ends_early_or_says_that_it_did_not(varve, folder):
    (folder / "s.yaml").write_text(
        "suite: steady\nrepeats: 5\nwarmup: 12\nuntil: steady\n"
        "defaults: {target: log, batch_bytes: 64KiB, bytes: 64MiB, drain: false, memory: cold}\n")
    outcome = varve(
        "bench", folder / "s.yaml", "--out", folder / "out", "--make-data", "--data", folder / "data", "--histories", "0")
    assert outcome.status == 0, outcome.err
    ended = re.search(r"^steady after (\d+) warm-up blocks$", outcome.err, re.MULTILINE)
    warmed = outcome.err.count("warm-up: ")
    if ended:
        assert warmed == int(ended.group(1)) and 4 <= warmed < 12
    else:
        assert warmed == 12 and "not steady after 12 warm-up blocks: all" in outcome.err
    assert len(list(csv.DictReader(open(folder / "out/trials.csv")))) == 5


def test_a_warm_up_shorter_than_what_is_looked_at_is_refused(varve, folder):
    (folder / "s.yaml").write_text("suite: steady\nwarmup: 3\nuntil: steady\n")
    outcome = varve("bench", folder / "s.yaml", "--dry-run")
    assert outcome.status == 2 and "needs a warmup of 4 or more, found 3" in outcome.err


def test_warnings_are_in_every_output(varve, folder):
    (folder / "s.yaml").write_text(
        "suite: short\nrepeats: 5\nwarmup: 0\n"
        "defaults: {target: log, batch_bytes: 4KiB, bytes: 64KiB, drain: false, memory: cold}\n")
    out = folder / "out"
    outcome = varve(
        "bench", folder / "s.yaml", "--out", out, "--make-data", "--data", folder / "data", "--histories", "0")
    assert "warning: all: a trial took" in outcome.out, outcome.out
    assert "too short to measure throughput or CPU" in (out / "README.md").read_text()
    told = json.loads(varve("report", "--no-plots", "--json", out).out)["warnings"]
    assert any("too short" in warning for warning in told)

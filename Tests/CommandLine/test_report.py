"""`varve report` and `varve compare` on runs that `varve bench` just made."""
import csv
import json
import os
import pathlib
import shutil
import subprocess

import pytest
from conftest import ROOT, VARVE

SUITE = """
suite: small
question: "Which is it?"
repeats: 5
warmup: 0
headline: mb_per_s
baseline: {backend: buffered}
defaults: {target: embedded, arrival: max, records: 20000, drain: false, memory: cold, consumers: 1}
crosses: {all: {axes: {backend: [buffered, direct]}}}
"""


@pytest.fixture(scope="module")
def results():
    """A run that the tests of this file only read."""
    base = ROOT / ".build/test-data" / f"report-{os.getpid()}"
    base.mkdir(parents=True)
    (base / "small.yaml").write_text(SUITE)
    subprocess.run(
        [VARVE, "bench", base / "small.yaml", "--out", base / "run", "--data", base / "data"],
        check=True, capture_output=True, timeout=120)
    yield base / "run"
    shutil.rmtree(base, ignore_errors=True)


def copied(results: pathlib.Path, folder: pathlib.Path, name: str) -> pathlib.Path:
    shutil.copytree(results, folder / name)
    return folder / name


def slowed(run: pathlib.Path, factor: float) -> pathlib.Path:
    """The same run, as if every trial had taken `factor` times as long."""
    with open(run / "trials.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["seconds"] = f"{float(row['seconds']) * factor:.9f}"
    with open(run / "trials.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return run


def test_a_report_is_one_page_that_needs_nothing_else(varve, folder, results):
    run = copied(results, folder, "drawn")
    outcome = varve("report", run, cwd=ROOT)
    assert outcome.status == 0, outcome.err
    assert outcome.out.strip().splitlines()[-1] == f"small: {run}/report.html"
    page = (run / "report.html").read_text()
    assert "Which is it?" in page and "direct" in page and "MB/s" in page
    assert "src=\"http" not in page and "href=\"http" not in page and "url(http" not in page
    plots = {path.name for path in (run / "plots").iterdir()}
    assert {"throughput.svg", "latency-by-percentile.svg", "e2e-by-percentile.svg",
            "latency-over-time.svg", "cost.svg"} <= plots


@pytest.mark.parametrize("name, value, said", [
    ("VARVE_PYTHON", "/nowhere/python3", "Scripts/setup"),
    ("VARVE_PLOTTER", "/nowhere/report", "Scripts/python/report"),
])
def test_a_missing_plotter_says_where_it_was_looked_for(varve, folder, results, name, value, said):
    run = copied(results, folder, "undrawn")
    outcome = varve("report", run, cwd=ROOT, env={**os.environ, name: value})
    assert outcome.status == 1
    assert value in outcome.err and said in outcome.err and len(outcome.err.splitlines()) == 1
    assert not (run / "report.html").exists()


@pytest.mark.parametrize("broken, said", [
    (lambda run: (run / "environment.json").unlink(), "environment.json: is missing"),
    (lambda run: (run / "trials.csv").write_text("nonsense\n"), "trials.csv"),
    (lambda run: (run / "environment.json").write_text("{}"), "environment.json"),
    (lambda run: next((run / "histograms").iterdir()).write_text("Tag=service,x\n"), ".hlog"),
])
def test_a_broken_run_is_named(varve, folder, results, broken, said):
    run = copied(results, folder, "broken")
    broken(run)
    outcome = varve("report", run, cwd=ROOT)
    assert outcome.status == 1 and said in outcome.err, outcome.err
    assert len(outcome.err.strip().splitlines()) == 1


def test_a_run_is_no_different_from_itself(varve, folder, results):
    outcome = varve("compare", results, results)
    assert outcome.status == 0, outcome.err
    assert "environments differ" not in outcome.out
    assert outcome.out.strip().splitlines()[-1].startswith("compare: 2 no difference by mb_per_s")


def test_a_slower_run_is_a_regression_and_a_faster_one_is_not(varve, folder, results):
    slow = slowed(copied(results, folder, "slow"), 20)
    outcome = varve("compare", results, slow)
    assert outcome.status == 3, outcome.out + outcome.err
    assert "2 slower by mb_per_s" in outcome.out.strip().splitlines()[-1]
    assert varve("compare", slow, results).status == 0


def test_runs_from_different_machines_are_flagged(varve, folder, results):
    other = copied(results, folder, "other")
    environment = json.loads((other / "environment.json").read_text())
    environment["machine"]["kernel"] = "2.6.32"
    (other / "environment.json").write_text(json.dumps(environment))
    outcome = varve("compare", results, other)
    assert outcome.status == 0
    assert "machine.kernel" in outcome.out and "2.6.32" in outcome.out
    assert "(environments differ)" in outcome.out


def test_what_is_no_run_cannot_be_compared(varve, folder, results):
    outcome = varve("compare", results, folder)
    assert outcome.status == 1 and f"{folder}/environment.json: is missing" in outcome.err
    assert varve("compare", results).status == 2

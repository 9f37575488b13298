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
        [VARVE, "bench", base / "small.yaml", "--out", base / "run", "--make-data", "--data", base / "data"],
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
    assert {"throughput.svg", "ratios-mb-per-s.svg", "latency-by-percentile.svg",
            "e2e-by-percentile.svg", "cost.svg"} <= plots
    # A trial of a second has nothing to show over time.
    assert "latency-over-time.svg" not in plots
    assert "Throughput: " in page and "p adjusted" in page


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


@pytest.fixture(scope="module")
def sides(results, tmp_path_factory):
    """Three runs, and three that took twenty times as long; runs of a side differ by a per cent."""
    folder = tmp_path_factory.mktemp("sides")
    return [
        [slowed(copied(results, folder, f"{name}{number}"), factor * (1 + number / 100))
         for number in range(3)]
        for name, factor in (("before", 1), ("after", 20))
    ]


def compared(varve, before, after, *more):
    return varve("compare", "--before", *before, "--after", *after, *more)


def test_runs_are_no_worse_than_themselves(varve, folder, sides):
    before, _ = sides
    again = [copied(run, folder, run.name) for run in before]
    outcome = compared(varve, before, again)
    assert outcome.status == 0, outcome.out + outcome.err
    assert "environments differ" not in outcome.out
    assert outcome.last.startswith("compare: 2 equivalent, ")
    assert "98.33" not in outcome.out and "by run" in outcome.out


def test_slower_runs_are_a_regression_and_faster_ones_are_not(varve, sides):
    before, after = sides
    outcome = compared(varve, before, after)
    assert outcome.status == 3, outcome.out + outcome.err
    assert outcome.last.startswith("compare: 2 worse, ")
    assert compared(varve, after, before).status == 0


def test_one_run_a_side_decides_nothing_without_bare_calls(varve, sides):
    before, after = sides
    outcome = varve("compare", before[0], after[0])
    assert outcome.status == 4, outcome.out + outcome.err
    assert "bare calls" in outcome.out and "nothing decided" in outcome.last


def test_a_cell_that_failed_or_is_missing_is_no_success(varve, folder, sides):
    before, _ = sides
    damaged = copied(before[0], folder, "damaged")
    text = (damaged / "trials.csv").read_text()
    (damaged / "trials.csv").write_text(text.replace(",ok,", ",failed,", 1))
    others = [copied(run, folder, run.name) for run in before[1:]]
    outcome = compared(varve, before, [damaged, *others])
    assert outcome.status == 4, outcome.out + outcome.err
    assert "missing: " in outcome.out and f"failed in {damaged}" in outcome.out
    rows = text.splitlines(keepends=True)
    (damaged / "trials.csv").write_text("".join(rows[:4]))
    outcome = compared(varve, before, [damaged, *others])
    assert outcome.status == 4, outcome.out + outcome.err
    assert f"of 5 trials in {damaged}" in outcome.out


def test_each_run_counts_once_and_one_run_is_not_compared_with_many(varve, sides):
    before, after = sides
    twice = compared(varve, [before[0]] * 3, after)
    assert twice.status == 2 and f"found {before[0]} twice" in twice.err
    assert compared(varve, before, before).status == 2
    outcome = compared(varve, before[:1], after)
    assert outcome.status == 1 and "two or more on both sides" in outcome.err


def test_runs_from_different_machines_are_flagged(varve, folder, sides):
    before, _ = sides
    other = copied(before[0], folder, "other")
    environment = json.loads((other / "environment.json").read_text())
    environment["machine"]["kernel"] = "2.6.32"
    environment["machine"]["memoryBytes"] = 1
    environment["machine"]["host"] = "elsewhere"
    (other / "environment.json").write_text(json.dumps(environment))
    others = [copied(run, folder, run.name) for run in before[1:]]
    outcome = compared(varve, before, [other, *others])
    assert outcome.status == 0, outcome.out + outcome.err
    assert "machine.kernel" in outcome.out and "2.6.32" in outcome.out
    assert "memoryBytes" not in outcome.out and "elsewhere" not in outcome.out
    assert outcome.last.endswith("(environments differ)")


def test_a_comparison_is_a_document_for_programs(varve, sides):
    before, after = sides
    outcome = compared(varve, before, after, "--json")
    document = json.loads(outcome.out)
    assert outcome.status == 3 and document["unit"] == "run"
    assert [row["verdict"] for row in document["verdicts"]] == ["worse", "worse"]
    assert document["missing"] == [] and len(document["before"]) == 3


def test_a_drawn_report_is_a_document_for_programs(varve, folder, results):
    outcome = varve("report", "--json", copied(results, folder, "drawn"), cwd=ROOT)
    assert outcome.status == 0, outcome.err
    assert json.loads(outcome.out)["suite"] == "small"


def test_a_page_without_varves_markers_stays_as_it_is(varve, folder, results):
    run = copied(results, folder, "edited")
    page = (run / "README.md").read_text().replace("<!-- End of what varve writes. -->", "")
    (run / "README.md").write_text(page)
    verdicts = (run / "verdicts.csv").read_bytes()
    (run / "trials.csv").write_bytes(b"".join((run / "trials.csv").read_bytes().splitlines(True)[:9]))
    outcome = varve("report", "--no-plots", run)
    assert outcome.status == 1 and f"{run}/README.md lacks the two comment lines" in outcome.err
    assert (run / "README.md").read_text() == page and (run / "verdicts.csv").read_bytes() == verdicts
    project = folder / "project"
    project.mkdir()
    (project / "README.md").write_text("# By hand\n")
    outcome = varve("bench", results.parent / "small.yaml", "--out", project, "--make-data", "--data", folder / "data")
    assert outcome.status == 1 and "choose another folder" in outcome.err
    assert (project / "README.md").read_text() == "# By hand\n"
    assert not (project / "trials.csv").exists()


def test_a_report_judges_again_and_keeps_what_people_wrote(varve, folder, results):
    run = copied(results, folder, "judged")
    page = (run / "README.md").read_text()
    assert page.count("<!--") == 2
    (run / "README.md").write_text(page.replace("<!-- W", "By hand.\n\n<!-- W", 1) + "And after.\n")
    (run / "verdicts.csv").unlink()
    outcome = varve("report", "--no-plots", "--json", run)
    assert outcome.status == 0, outcome.err
    document = json.loads(outcome.out)
    rows = list(csv.DictReader(open(run / "verdicts.csv")))
    assert [row["sentence"] for row in rows] == [row["sentence"] for row in document["verdicts"]]
    again = (run / "README.md").read_text()
    assert "By hand.\n\n<!-- W" in again and again.endswith("And after.\n")
    assert rows[0]["sentence"] in again


def test_what_is_no_run_cannot_be_compared(varve, folder, results):
    outcome = varve("compare", results, folder)
    assert outcome.status == 1 and f"{folder}/environment.json: is missing" in outcome.err
    for wrong in ([results], [results] * 3, ["--before", results], [results, results, "--after", results]):
        assert varve("compare", *wrong).status == 2, wrong

"""Every folder of Results/, and a new run, judged again by scipy and statsmodels."""
import csv
import os
import shutil
import subprocess

import pytest
from conftest import ROOT, VARVE

CHECK = ROOT / "Scripts/check-statistics"
FOLDERS = sorted(path.parent for path in (ROOT / "Results").glob("*/environment.json"))

SUITE = """
suite: judged
repeats: 6
warmup: 0
also: [service_p99_us, cpu_s_per_gb, machine_cpu_s_per_gb]
baseline: {partitions: 1}
defaults: {target: log, batch_bytes: 4KiB, bytes: 512KiB, drain: false, memory: cold}
crosses:
  x: {axes: {target: [log, syscalls], partitions: [1, 2, 4]}, contrast: target}
  y: {with: {durability: batch}, axes: {partitions: [1, 2]}, bound: {max: 1.5}}
"""


def checked(*folders):
    return subprocess.run([CHECK, *folders], capture_output=True, text=True, timeout=240)


@pytest.mark.parametrize("results", FOLDERS, ids=lambda path: path.name)
def test_verdicts_and_percentiles_of_results_are_those_of_other_libraries(results):
    outcome = checked(results)
    assert outcome.returncode == 0, outcome.stderr
    assert "1 folders equal" in outcome.stdout


@pytest.mark.parametrize("results", FOLDERS, ids=lambda path: path.name)
def test_results_are_judged_by_the_rule_of_today(varve, folder, results):
    """`varve report` has nothing to change in what is committed."""
    copy = folder / results.name
    shutil.copytree(results, copy)
    outcome = varve("report", "--no-plots", copy)
    assert outcome.status == 0, outcome.err
    for name in ("verdicts.csv", "cells.csv"):
        assert (copy / name).read_bytes() == (results / name).read_bytes(), name
    page = (copy / "README.md").read_text().replace(str(copy), f"Results/{results.name}")
    assert page == (results / "README.md").read_text()


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    base = tmp_path_factory.mktemp("judged")
    (base / "judged.yaml").write_text(SUITE)
    subprocess.run(
        [VARVE, "bench", base / "judged.yaml", "--out", base / "run", "--make-data", "--data", base / "data",
         "--histories", "0"], check=True, capture_output=True, timeout=120)
    return base / "run"


def test_contrasts_bounds_and_all_metrics_are_computed_alike(judged):
    outcome = checked(judged)
    assert outcome.returncode == 0, outcome.stderr
    rows = list(csv.DictReader(open(judged / "verdicts.csv")))
    assert {row["kind"] for row in rows} == {"baseline", "syscalls", "contrast"}
    assert {row["asked"] for row in rows if row["family"] == "y"} == {"at most 1.5"}
    assert {"service_p99_us", "mb_per_s"} <= {row["metric"] for row in rows}
    cells = list(csv.DictReader(open(judged / "cells.csv")))
    assert {row["of"] for row in cells} == {"all records", "median of trials"}


@pytest.mark.parametrize("name, column, value", [
    ("verdicts.csv", "verdict", "holds"), ("verdicts.csv", "ratio", "1.234"),
    ("verdicts.csv", "p_adjusted", "0.01234"), ("verdicts.csv", "level", "0.9"),
    ("verdicts.csv", "pairs", "3"), ("cells.csv", "value", "1.5"),
])
def test_a_changed_number_is_found(judged, folder, name, column, value):
    copy = folder / "changed"
    shutil.copytree(judged, copy)
    with open(copy / name, newline="") as file:
        rows = list(csv.DictReader(file))
    rows[0][column] = value
    with open(copy / name, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    outcome = checked(copy)
    assert outcome.returncode == 1 and str(copy / name) in outcome.stderr, outcome.stderr


@pytest.mark.parametrize("slowdown, status", [(0, (0, 4)), (900, (1,))])
def test_a_script_loops_over_suites_and_exits_by_a_threshold(folder, slowdown, status):
    """Two suites against a build whose appends are not slowed down, at 50 %."""
    for name in ("one", "two"):
        (folder / f"{name}.yaml").write_text(
            f"suite: {name}\nrepeats: 6\nwarmup: 0\nheadline: service_p50_us\n"
            f"defaults: {{target: log, batch_bytes: 8KiB, bytes: 4MiB, drain: false, memory: cold, "
            f"slowdown_percent: {slowdown if name == 'two' else 0}}}\n")
    base = folder / "base"
    base.write_text(
        f"#!/bin/sh\nsed 's/\"slowdownPercent\":900/\"slowdownPercent\":0/' | {VARVE} \"$@\"\n")
    base.chmod(0o755)
    outcome = subprocess.run(
        [ROOT / "Scripts/examples/gate.sh", base, "0.5", folder / "one.yaml", folder / "two.yaml"],
        cwd=folder, capture_output=True, text=True, timeout=120,
        env={**os.environ, "VARVE": VARVE, "OUT": str(folder)})
    assert outcome.returncode in status, outcome.stderr
    assert (folder / "gate-one/verdicts.csv").exists() and (folder / "gate-two/verdicts.csv").exists()
    if slowdown:
        assert "the base build" in outcome.stderr and "worse" in outcome.stderr


def test_a_script_of_the_examples_keeps_a_run_that_failed(folder):
    outcome = subprocess.run(
        [ROOT / "Scripts/examples/gate.sh", VARVE, "0.5", folder / "no-such.yaml"], cwd=folder,
        capture_output=True, text=True, timeout=60,
        env={**os.environ, "VARVE": VARVE, "OUT": str(folder)})
    assert outcome.returncode == 2, outcome.stderr

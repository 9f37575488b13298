"""Every suite at its smallest size, so that none rots, and the files of a run."""
import csv
import json
import os
import signal
import subprocess
import time

import pytest
from conftest import ROOT, VARVE

SUITES = sorted((ROOT / "Bench").glob("*.yaml"))
SMALL = ["--set", "bytes=1MiB", "--set", "prefill_bytes=0", "--set", "rate=200000", "--set", "stall_ms=0",
         "--repeats", "1", "--histories", "10"]


@pytest.mark.parametrize("suite", SUITES, ids=lambda path: path.stem)
def test_every_suite_runs_at_its_smallest_size(varve, folder, suite):
    out = folder / "results"
    # The largest has logs of 10,000 partitions; a busy machine takes its time.
    outcome = varve("bench", suite, "--out", out, "--data", folder / "data", *SMALL, cwd=ROOT, timeout=300)
    assert outcome.status == 0, outcome.out + outcome.err
    rows = list(csv.DictReader(open(out / "trials.csv")))
    assert rows and {row["status"] for row in rows} <= {"ok", "saturated", "skipped"}, rows
    for row in rows:
        if row["status"] == "ok":
            # Opening after a clean stop moves no bytes: its cells are empty, never zero.
            assert row["target"] == "open" or float(row["mb_per_s"]) > 0
            assert row["target"] != "open" or row["mb_per_s"] == row["bytes"] == ""
        else:
            assert row["reason"]
    environment = json.load(open(out / "environment.json"))
    assert environment
    assert (out / "README.md").read_text().startswith("#")


@pytest.mark.parametrize("suite", SUITES, ids=lambda path: path.stem)
def test_a_dry_run_prints_the_plan_and_writes_nothing(varve, folder, suite):
    outcome = varve("bench", suite, "--dry-run", "--out", folder / "results", cwd=ROOT)
    assert outcome.status == 0 and "trials" in outcome.out
    assert not (folder / "results").exists()


def test_the_columns_are_those_of_the_documentation(varve, folder):
    out = folder / "results"
    varve("bench", ROOT / "Bench/quick.yaml", "--out", out, "--data", folder / "data", *SMALL)
    header = open(out / "trials.csv").readline().strip().split(",")
    wanted = (
        "suite trial_id block position status reason commit target backend transfer receiver cache "
        "network connections call_bytes durability queue_depth preallocation payload record_bytes "
        "batch_bytes partitions producers consumers linger_ms arrival offered_records_per_s "
        "achieved_records_per_s records bytes seconds mb_per_s response_p50_us response_p99_us "
        "response_p999_us response_max_us service_p50_us service_p99_us service_p999_us "
        "service_max_us e2e_p50_us e2e_p99_us e2e_p999_us cpu_user_s cpu_system_s cpu_s_per_gb "
        "receiver_cpu_s_per_gb machine_cpu_s reference_ratio minor_faults major_faults "
        "context_switches device_write_bytes rss_peak_mib copied_sends errors"
    ).split()
    assert set(wanted) <= set(header)


def test_direct_on_tmpfs_is_a_skipped_row_with_its_reason(varve, folder):
    if not os.path.isdir("/dev/shm"):
        pytest.skip("/dev/shm is missing")
    out = folder / "results"
    outcome = varve(
        "bench", ROOT / "Bench/quick.yaml", "--out", out, "--data",
        f"/dev/shm/varve-test-{os.getpid()}", *SMALL,
    )
    assert outcome.status == 0, outcome.err
    rows = list(csv.DictReader(open(out / "trials.csv")))
    skipped = [row for row in rows if row["backend"] == "direct"]
    assert skipped and all(
        row["status"] == "skipped" and "O_DIRECT" in row["reason"] for row in skipped
    )
    assert all(row["mb_per_s"] == "" for row in skipped), "an empty cell is never a zero"
    subprocess.run(["rm", "-rf", f"/dev/shm/varve-test-{os.getpid()}"], check=True)


def test_ctrl_c_keeps_the_finished_trials(folder):
    out = folder / "results"
    process = subprocess.Popen(
        [VARVE, "bench", ROOT / "Bench/quick.yaml", "--out", out, "--data", folder / "data",
         "--set", "bytes=8MiB"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    for _ in range(600):
        if (out / "trials.csv").exists() and len(open(out / "trials.csv").readlines()) > 2:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 1
    rows = list(csv.DictReader(open(out / "trials.csv")))
    assert rows and all(row["status"] in ("ok", "skipped") for row in rows)

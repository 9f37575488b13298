"""`log repair`, and `log verify` beside a process that has the directory."""
import json
import shutil
import subprocess
import time

import pytest
from conftest import JANUARY, VARVE


@pytest.fixture
def log(varve, folder):
    """A log of two partitions in several segments."""
    path = folder / "log"
    outcome = varve("log", "import", JANUARY, "--dir", path, "--partitions", 2, "--segment-bytes", "500KiB")
    assert outcome.status == 0, outcome.err
    return path


def records(varve, path):
    verified = varve("log", "verify", path, "--json")
    return json.loads(verified.out)["records"]


def damage(log):
    segment = sorted((log / "events-0").glob("*.log"))[1]
    rotten = bytearray(segment.read_bytes())
    rotten[200_000] ^= 4
    segment.write_bytes(rotten)
    return segment


def test_a_look_explains_both_ways_and_changes_nothing(varve, log):
    assert varve("log", "repair", log).status == 0
    segment = damage(log)
    shutil.rmtree(log / "events-1")
    before = {path: path.read_bytes() for path in log.rglob("*") if path.is_file()}
    outcome = varve("log", "repair", log)
    assert outcome.status == 1 and outcome.err.count("problem: ") == 2, outcome.err
    assert str(segment) in outcome.err and "CRC-32C" in outcome.err and "--cut: keeps" in outcome.err
    assert f"{log}/events-1: is missing" in outcome.err
    assert {path: path.read_bytes() for path in log.rglob("*") if path.is_file()} == before


def test_what_is_cut_is_kept_and_the_log_can_be_appended_to(varve, log):
    segment = damage(log)
    whole = segment.read_bytes()
    assert varve("log", "verify", log).status == 1
    outcome = varve("log", "repair", log, "events-0", "--cut")
    assert outcome.status == 0, outcome.err
    kept = next((log / "events-0").glob(f"{segment.name}.*.cut"))
    assert segment.read_bytes() + kept.read_bytes() == whole
    left = records(varve, log)
    assert varve("log", "verify", log).status == 0 and 0 < left < 26_865
    assert varve("log", "import", JANUARY, "--dir", log).status == 0
    assert records(varve, log) == left + 26_865
    again = varve("log", "repair", log, "events-0", "--cut")
    assert again.status == 1 and "nothing is damaged" in again.err


def test_a_forgotten_partition_goes_on_behind_its_offsets(varve, log):
    end = records(varve, log / "events-1")
    shutil.rmtree(log / "events-1")
    outcome = varve("log", "repair", log, "events-1", "--forget")
    assert outcome.status == 0 and f"goes on at offset {end}" in outcome.out, outcome.out + outcome.err
    assert varve("log", "verify", log).status == 0
    assert varve("log", "import", JANUARY, "--dir", log).status == 0
    assert (log / "events-1" / f"{end:020}.log").stat().st_size > 0


@pytest.mark.parametrize("arguments, words", [
    (["--cut"], ["<partition>", "--cut"]), (["events-0", "--cut", "--forget"], ["--cut", "--forget"]),
    (["events"], ["<partition>", "events"]), (["events-00", "--cut"], ["<partition>", "events-00"]),
])
def test_a_wrong_repair_is_a_matter_of_usage(varve, log, arguments, words):
    outcome = varve("log", "repair", log, *arguments)
    assert outcome.status == 2 and all(word in outcome.err for word in words)


def test_unknown_partitions_and_folders_that_hold_no_log_are_named(varve, log, folder):
    for arguments in (["events-2", "--cut"], ["other-0", "--forget"]):
        outcome = varve("log", "repair", log, *arguments)
        assert outcome.status == 1 and ("events-2" in outcome.err or "'other'" in outcome.err)
    for path in (folder, folder / "no", JANUARY):
        outcome = varve("log", "repair", path)
        assert outcome.status == 1 and str(path) in outcome.err


def test_beside_a_broker_verify_says_so_and_repair_is_refused(varve, log):
    process = subprocess.Popen(
        [VARVE, "serve", "--listen", "127.0.0.1:0", "--data", log], stdout=subprocess.PIPE, text=True)
    try:
        for _ in range(200):
            if not (log / ".varve_cleanshutdown").exists():
                break
            time.sleep(0.05)
        verified = varve("log", "verify", log)
        assert verified.status == 0 and "a process has the directory open" in verified.last, verified.err
        assert json.loads(varve("log", "verify", log / "events-0", "--json").out)["in_use"]
        refused = varve("log", "repair", log)
        assert refused.status == 1 and "another process" in refused.err and str(log) in refused.err
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 0
    assert "a process has" not in varve("log", "verify", log).last


def test_after_a_kill_what_is_not_recovered_is_no_problem(varve, log):
    (log / ".varve_cleanshutdown").unlink()
    checkpoint = log / "recovery-point-offset-checkpoint"
    checkpoint.write_text("0\n2\nevents 0 0\nevents 1 0\n")
    segment = sorted((log / "events-0").glob("*.log"))[-1]
    whole = segment.read_bytes()
    segment.write_bytes(whole + whole[:1000])
    verified = varve("log", "verify", log)
    assert verified.status == 0 and "the next start cuts 1000 bytes off" in verified.last, verified.err
    assert "not yet recovered" in verified.err
    # The same below the recovery point is damage.
    segment.write_bytes(whole[:-1000])
    assert varve("log", "verify", log).status == 0
    checkpoint.write_text("0\n2\nevents 0 13332\nevents 1 13533\n")
    damaged = varve("log", "verify", log)
    assert damaged.status == 1 and str(segment) in damaged.err

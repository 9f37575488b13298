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
SMALL = ["--set", "bytes=1MiB", "--repeats", "1", "--histories", "10"]

MAY_BE_SKIPPED = [
    "cannot do preallocation", "is synchronous: queue_depth 1 only", "io_uring cannot be used here", "O_DIRECT",
    "RWF_DONTCACHE", "memory_limit: ", "network 'veth'", "congestion control",
]


def smallest(suite):
    """What makes a suite small, of the keys that it uses; its baseline stays."""
    text = suite.read_text()
    options = list(SMALL)
    if "prefill_bytes" in text:
        options += ["--set", "prefill_bytes=0" if "baseline: {prefill_bytes: 0}" in text else "prefill_bytes=1MiB"]
    if "rate:" in text:
        options += ["--set", "rate=200000"]
    if "stall_ms" in text:
        options += ["--set", "stall_ms=0"]
    return options


@pytest.mark.parametrize("suite", SUITES, ids=lambda path: path.stem)
def test_every_suite_runs_at_its_smallest_size(varve, folder, suite):
    out = folder / "results"
    # The largest has logs of 10,000 partitions; a busy machine takes its time.
    outcome = varve(
        "bench", suite, "--out", out, "--make-data", "--data", folder / "data", *smallest(suite), cwd=ROOT, timeout=300)
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
        # A cell that is never measured answers nothing: either the machine lacks something, and a suite that crosses
        # backends with preallocations names some that a backend has not; or the suite is wrong.
        if row["status"] == "skipped":
            assert any(words in row["reason"] for words in MAY_BE_SKIPPED), f"{suite.stem}: {row['reason']}"
    environment = json.load(open(out / "environment.json"))
    assert environment
    assert (out / "README.md").read_text().startswith("#")


@pytest.mark.parametrize("suite", SUITES, ids=lambda path: path.stem)
def test_a_dry_run_prints_the_plan_and_writes_nothing(varve, folder, suite):
    outcome = varve("bench", suite, "--dry-run", "--out", folder / "results", cwd=ROOT)
    assert outcome.status == 0 and "trials" in outcome.out
    assert not (folder / "results").exists()


def test_direct_on_tmpfs_is_a_skipped_row_with_its_reason(varve, folder):
    if not os.path.isdir("/dev/shm"):
        pytest.skip("/dev/shm is missing")
    out = folder / "results"
    outcome = varve(
        "bench", ROOT / "Bench/quick.yaml", "--out", out, "--make-data", "--data",
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
        [VARVE, "bench", ROOT / "Bench/quick.yaml", "--out", out, "--make-data", "--data", folder / "data",
         "--set", "bytes=8MiB"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    for _ in range(600):
        if (out / "trials.csv").exists() and len(open(out / "trials.csv").readlines()) > 2:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    rows = list(csv.DictReader(open(out / "trials.csv")))
    assert rows and all(row["status"] in ("ok", "skipped") for row in rows)


BUILDS = """
suite: builds
repeats: 6
warmup: 0
headline: service_p50_us
defaults: {target: log, batch_bytes: 8KiB, bytes: 4MiB, drain: false, memory: cold}
axes: {partitions: [1, 2]}
"""


@pytest.fixture
def builds(folder):
    (folder / "builds.yaml").write_text(BUILDS)
    return folder / "builds.yaml"


def slower_build(folder, percent):
    """This build, as if its appends took longer: its trials are asked to slow down."""
    script = folder / "slower"
    script.write_text(
        "#!/bin/sh\nsed 's/\"slowdownPercent\":0/\"slowdownPercent\":" + str(percent) + "/' | "
        f"{VARVE} \"$@\"\n")
    script.chmod(0o755)
    return script


def test_a_build_is_compared_with_itself_and_with_a_slower_one(varve, folder, builds):
    out = folder / "same"
    outcome = varve(
        "bench", builds, "--out", out, "--make-data", "--data", folder / "data", "--histories", "0",
        "--against", VARVE)
    assert outcome.status in (0, 4), outcome.out + outcome.err
    rows = list(csv.DictReader(open(out / "trials.csv")))
    assert [row["build"] for row in rows].count("base") == 12 and len(rows) == 24
    environment = json.load(open(out / "environment.json"))
    commits = {row["build"]: row["commit"] for row in rows}
    assert commits == {
        "this": environment["program"]["commit"], "base": environment["base"]["commit"]}
    assert environment["base"]["commandLine"] == [os.path.realpath(VARVE)]
    out = folder / "better"
    outcome = varve(
        "bench", builds, "--out", out, "--make-data", "--data", folder / "data", "--histories", "0",
        "--against", slower_build(folder, 900), "--json")
    assert outcome.status == 0, outcome.err
    document = json.loads(outcome.out)
    assert [row["verdict"] for row in document["verdicts"]] == ["better", "better"]
    assert {row["kind"] for row in document["verdicts"]} == {"build"}


def test_a_slower_build_is_a_regression(varve, folder, builds):
    # The slow build runs the suite, and this one is its base.
    slow = folder / "slow-suite.yaml"
    slow.write_text(BUILDS.replace("defaults: {", "defaults: {slowdown_percent: 900, "))
    base = folder / "base"
    base.write_text(
        "#!/bin/sh\nsed 's/\"slowdownPercent\":900/\"slowdownPercent\":0/' | "
        f"{VARVE} \"$@\"\n")
    base.chmod(0o755)
    for name, more in (("plain", []), ("gate", ["--fail-above", "5%"])):
        outcome = varve(
            "bench", slow, "--out", folder / name, "--make-data", "--data", folder / "data", "--histories", "0",
            "--against", base, *more)
        assert outcome.status == 3, outcome.out + outcome.err
    rows = list(csv.DictReader(open(folder / "gate/verdicts.csv")))
    assert {row["verdict"] for row in rows} == {"fails"} and rows[0]["asked"] == "at most 1.05"


@pytest.mark.parametrize("arguments, said", [
    (["--against", "no-such-revision"], "expected an executable file or a git revision"),
    (["--fail-above", "5%"], "--against BASE"),
    (["--against", VARVE, "--fail-above", "5"], "such as 5%"),
    (["--against", VARVE, "--fail-above", "-5%"], "such as 5%"),
])
def test_a_mistake_about_the_other_build_says_what_is_expected(varve, builds, arguments, said):
    outcome = varve("bench", builds, "--dry-run", *arguments, cwd=ROOT)
    assert outcome.status == 2 and said in outcome.err, outcome.err


def test_a_program_that_runs_no_trials_is_refused_before_the_first(varve, folder, builds):
    outcome = varve(
        "bench", builds, "--out", folder / "out", "--make-data", "--data", folder / "data", "--histories", "0",
        "--against", "/bin/true")
    assert outcome.status == 1 and "--against cannot run this suite's trials" in outcome.err
    assert len(outcome.err.strip().splitlines()) == 1


@pytest.fixture
def project(folder):
    """A repository of one commit, and the environment in which a stand-in builds it."""
    project = folder / "project"
    project.mkdir()
    git = ["git", "-C", project, "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    (project / "Package.swift").write_text("// a\n")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "a"], check=True)
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    environment = {**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}"}
    return project, bin_folder / "swift", environment


def stand_in(swift, script):
    swift.write_text("#!/bin/sh\n" + script)
    swift.chmod(0o755)


def test_a_revision_is_built_in_a_folder_of_its_own_once(varve, folder, builds, project):
    """The build itself is left to a stand-in for `swift`: what is tested is what it is asked for."""
    project, swift, environment = project
    commit = subprocess.run(
        ["git", "-C", project, "rev-parse", "HEAD"], check=True, capture_output=True,
        text=True).stdout.strip()
    stand_in(
        swift,
        'for folder; do :; done\ntest -f "$folder/Package.swift" || exit 1\n'
        f'mkdir -p "$folder/.build/release"\nln -s {VARVE} "$folder/.build/release/varve"\n'
        f'echo built >> {folder}/count\n')
    for name in ("one", "two"):
        outcome = varve(
            "bench", builds, "--out", folder / name, "--make-data", "--data", folder / "data", "--histories", "0",
            "--against", "HEAD", cwd=project, env=environment)
        assert outcome.status in (0, 3, 4), outcome.err
        base = json.load(open(folder / name / "environment.json"))["base"]
        assert base["commit"] == commit and commit[:12] in base["commandLine"][0]
    assert (folder / "count").read_text() == "built\n", "the second run takes the build of the first"


def test_a_revision_that_does_not_build_is_named(varve, folder, builds, project):
    project, swift, environment = project
    stand_in(swift, "echo it does not compile >&2\nexit 1\n")
    outcome = varve(
        "bench", builds, "--out", folder / "out", "--against", "HEAD", cwd=project, env=environment)
    assert outcome.status == 1 and "it does not compile" in outcome.err
    assert "--against HEAD: the revision cannot be built" in outcome.err
    assert not (folder / "out").exists()


def test_an_interruption_ends_the_build_of_the_base(folder, builds, project):
    project, swift, environment = project
    stand_in(swift, f"echo $$ > {folder}/pid\nexec sleep 300\n")
    process = subprocess.Popen(
        [VARVE, "bench", builds, "--out", folder / "out", "--against", "HEAD"], cwd=project,
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    pid = folder / "pid"
    for _ in range(600):
        if pid.exists() and pid.read_text().strip():
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert not os.path.exists(f"/proc/{pid.read_text().strip()}"), "the build goes on"

"""What the command line tests share: the executable, a folder on the disk, a small tmpfs."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
VARVE = os.environ.get("VARVE", str(ROOT / ".build/release/varve"))
BACKENDS = [
    each["name"] for each in json.loads(
        subprocess.run([VARVE, "backends", "--json"], check=True, capture_output=True).stdout)["backends"]
]
JANUARY = ROOT / "Bench/Data/flights-2013-01.jsonl.gz"


class Outcome:
    def __init__(self, process):
        self.status = process.returncode
        self.out = process.stdout
        self.err = process.stderr
        lines = self.out.strip().splitlines()
        self.last = lines[-1] if lines else ""


@pytest.fixture
def varve():
    """Runs the executable; 120 seconds at most."""

    def run(*arguments, **options):
        process = subprocess.run(
            [VARVE, *map(str, arguments)], capture_output=True, text=True,
            **{"timeout": 120, **options},
        )
        # A trap or a signal is a crash, whatever the test expects.
        assert process.returncode >= 0, process.stderr
        return Outcome(process)

    return run


@pytest.fixture
def folder(tmp_path_factory):
    """A folder on the disk: /tmp may be a tmpfs, where O_DIRECT means nothing."""
    base = ROOT / ".build/test-data"
    base.mkdir(parents=True, exist_ok=True)
    path = pathlib.Path(tempfile.mkdtemp(prefix="cli-", dir=base))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def tmpfs(folder):
    """A tmpfs of 1 MiB."""
    path = folder / "tmpfs"
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", path], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"mounting a tmpfs needs root: {mounted.stderr.strip()}")
    yield path
    subprocess.run(["umount", "-l", path], check=True)

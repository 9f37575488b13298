#!/usr/bin/env python3
"""The tests that take hours. Each part appends a row to Results/long-runs.csv as soon as it has ended.

The commands' last lines, which are their results, become the rows' `counts`. Full output is in
.build/long/PART.log. Exits with 1 where a part failed.
"""
import argparse
import csv
import datetime
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
RESULTS = ROOT / "Results/long-runs.csv"
LOGS = ROOT / ".build/long"
COLUMNS = ["date", "commit", "part", "seconds", "result", "counts"]
FUZZ_TARGETS = ["batch", "index", "recovery", "jsonl", "wire"]


def parts(options):
    """Part: (what it is, command)."""
    jobs = str(os.cpu_count())
    varve = ".build/release/varve"
    found = {
        "histories": (
            "300,000 random histories of the log on a disk that fails",
            [varve, "crash", "--seeds", "300000", "--jobs", jobs]),
        "mutants": (
            "every mutant, and the log without one, over 20,000 seeds",
            ["env", "SEEDS=20000", "Scripts/mutants"]),
        "kills": (
            "50 kills of an appending process for each backend and durability",
            ["Scripts/kill9", "50"]),
        "broker-kills": (
            "100 kills of a broker under the load of Kafka clients", ["Scripts/kill9-broker", "100"]),
        "attacks": (
            "attacks on a broker at full size, a bystander and its memory watched",
            ["Scripts/attack-broker"]),
        "soak": (
            f"{options.soak_minutes} minutes of mixed clients, the broker's memory watched",
            ["Scripts/soak-broker", "--minutes", str(options.soak_minutes)]),
        **{
            f"fuzz-{target}": (
                f"{options.fuzz_minutes} minutes of fuzzing {target}",
                ["Scripts/fuzz", target, "--minutes", str(options.fuzz_minutes)])
            for target in FUZZ_TARGETS
        },
        "power-cuts": ("48 power cuts of a machine in QEMU", ["Scripts/power-cut"]),
        "flights": (
            "a larger file of events (FLIGHTS) imported, and produced by every client",
            ["bash", "-c", "Scripts/test-command-line -k larger_file && "
             "Scripts/test-clients -k flights"]),
    }
    return found


def commit():
    def git(*arguments):
        return subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    # A row appended by an earlier part is no change of the program.
    changed = [
        line for line in git("status", "--porcelain").splitlines()
        if not line.endswith(str(RESULTS.relative_to(ROOT)))
    ]
    return git("rev-parse", "--short=9", "HEAD") + ("+changes" if changed else "")


def run(name, command):
    """(result, counts); the output goes to the terminal and to the part's log."""
    if name == "flights" and "FLIGHTS" not in os.environ:
        return "skipped", "FLIGHTS names no file of events"
    last = ""
    LOGS.mkdir(parents=True, exist_ok=True)
    with open(LOGS / f"{name}.log", "w") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace")
        for line in process.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            log.write(line)
            last = line.strip() or last
        status = process.wait()
    return ("passed" if status == 0 else f"failed ({status})"), last.removeprefix("== ")


def append(row):
    is_new = not RESULTS.exists()
    with open(RESULTS, "a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow(COLUMNS)
        writer.writerow(row)


def main():
    parser = argparse.ArgumentParser(
        prog="Scripts/test long", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="*", help="all parts by default")
    parser.add_argument("--soak-minutes", type=float, default=60)
    parser.add_argument("--fuzz-minutes", type=float, default=30)
    parser.epilog = "parts:\n" + "\n".join(
        f"  {name:14} {what}" for name, (what, _) in parts(parser.parse_args([])).items())
    options = parser.parse_args()
    known = parts(options)
    for name in options.part:
        if name not in known:
            parser.error(f"there is no part '{name}'; the parts are: {' '.join(known)}")
    for prepare in (
        ["Scripts/setup"], ["swift", "build", "-c", "release", "--build-tests"],
    ):
        subprocess.run(prepare, cwd=ROOT, check=True)
    failed = []
    for name in options.part or known:
        what, command = known[name]
        print(f"== {name}: {what}", flush=True)
        began, date = time.monotonic(), datetime.datetime.now(datetime.timezone.utc)
        result, counts = run(name, command)
        seconds = round(time.monotonic() - began)
        append([f"{date:%Y-%m-%d}", commit(), name, seconds, result, counts])
        if result.startswith("failed"):
            failed.append(name)
    print(f"== long: {len(options.part or known)} parts, failed: {' '.join(failed) or 'none'}; "
          f"{RESULTS.relative_to(ROOT)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

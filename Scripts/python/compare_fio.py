"""Runs fio and the log alternately, and says how much of fio's throughput the log has."""
import argparse
import csv
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys

from rule import judged

CASES = {"uring": "uring-1m-depth8", "direct": "direct-16k-fdatasync"}


def run_fio(root, case, folder):
    """MB/s, a million bytes each, over the run."""
    command = ["fio", "--output-format=json", f"--directory={folder}", str(root / f"Bench/fio/{case}.fio")]
    # As before a trial: nothing of what came before is still on its way to the disk.
    os.sync()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"fio failed: {done.stderr.strip() or done.stdout.strip()}")
    # fio may print notes before its JSON.
    job = json.loads(done.stdout[done.stdout.index("{"):])["jobs"][0]
    for path in folder.glob("fio.dat*"):
        path.unlink()
    return job["write"]["bw_bytes"] / 1e6


def run_log(root, case, folder):
    out = folder / "results"
    command = [str(root / ".build/release/varve"), "bench", str(root / f"Bench/fio/{case}.yaml"),
               "--data", str(folder), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    rows = list(csv.DictReader(open(out / "trials.csv"))) if (out / "trials.csv").exists() else []
    shutil.rmtree(out, ignore_errors=True)
    if done.returncode != 0 or not rows or rows[0]["status"] != "ok":
        reason = rows[0]["reason"] if rows else done.stderr.strip()
        sys.exit(f"the log's trial did not run: {reason}")
    return float(rows[0]["mb_per_s"])


def main():
    parser = argparse.ArgumentParser(prog="Scripts/compare-fio")
    parser.add_argument("--root", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=7, help="pairs of each case (default 7)")
    parser.add_argument("--data", type=pathlib.Path, help="folder on the file system to measure")
    parser.add_argument("--out", type=pathlib.Path, help="folder for the measurements as CSV")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds: expected 1 or more")
    data = (options.data or options.root / "Results/scratch").resolve() / "compare-fio"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    order = random.Random(1)
    rows = []
    try:
        # One case after the other: what the large files leave behind for the disk to do (discards) would
        # fall on the small ones.
        for name, case in reversed(CASES.items()):
            for number in range(1, options.rounds + 1):
                sides = [("fio", run_fio), ("log", run_log)]
                order.shuffle(sides)
                for side, run in sides:
                    rows.append({"case": name, "round": number, "side": side,
                                 "mb_per_s": run(options.root, case, data)})
                    print(f"{name} round {number} of {options.rounds}: {side} {rows[-1]['mb_per_s']:.0f} MB/s",
                          file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(data, ignore_errors=True)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        with open(options.out / "fio.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, ["case", "round", "side", "mb_per_s"], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    def rates(case, side):
        return [row["mb_per_s"] for row in rows if row["case"] == case and row["side"] == side]

    print(f"{'case':<8}{'job':<24}{'log MB/s':>10}{'fio MB/s':>10}  log / fio")
    pairs = [list(zip(rates(name, "log"), rates(name, "fio"))) for name in CASES]
    verdicts = judged(pairs, "mb_per_s")
    for (name, job), text in zip(CASES.items(), verdicts):
        medians = (statistics.median(rates(name, side)) for side in ("log", "fio"))
        print(f"{name:<8}{job:<24}" + "".join(f"{value:>10.0f}" for value in medians) + f"  {text}")
    results = "; ".join(f"{name} {text}" for name, text in zip(CASES, verdicts))
    print(f"log / fio over {options.rounds} rounds: {results}")


main()

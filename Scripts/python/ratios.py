"""Ratios between any two values of a key of suites, all else equal, paired within blocks. All rows are one
family of the rule in Bench/README.md."""
import argparse
import collections
import csv
import json
import pathlib
import signal
import sys

from rule import judged
from trial_values import COMPUTED, value_of

# Bare calls know no records, and where they send a file, nothing about how a log was written: such a
# reference is that of many cells.
UNKNOWN = {"payload", "record_bytes"}
UNKNOWN_OF_FILES = UNKNOWN | {"backend", "durability", "batch_bytes", "preallocation", "queue_depth",
                              "segment_bytes", "bytes", "batches", "records"}


def read_cells(folder, parser):
    """Every option of each cell, as the suite had it, by the cell's name."""
    path = folder / "environment.json"
    if not path.is_file():
        parser.error(f"{path}: no such file; expected a run's folder, such as one of those in Results")
    return json.loads(path.read_text())["suite"]["cells"]


def read_values(folder, metric, parser):
    """The metric of each trial that has it, by cell, build and block."""
    found = collections.defaultdict(dict)
    path = folder / "trials.csv"
    if not path.is_file():
        parser.error(f"{path}: no such file; expected a run's folder, such as one of those in Results")
    with open(path, newline="") as file:
        reader = csv.DictReader(file)
        if metric not in (*COMPUTED, *(reader.fieldnames or [])):
            parser.error(f"--metric {metric}: not a column of {path}")
        for row in reader:
            if row["status"] in ("ok", "saturated") and row.get("build") != "base":
                value = value_of(row, metric)
                if value is not None:
                    found[row["trial_id"].rpartition("-b")[0]][row["block"]] = value
    return found


def main():
    parser = argparse.ArgumentParser(
        prog="Scripts/ratios", description=__doc__,
        epilog="example: Scripts/ratios Results/2026-11-21-vm-storage durability=group/batch")
    parser.add_argument("results", type=pathlib.Path, help="a run's folder")
    parser.add_argument("question", help="KEY=VALUE/REFERENCE, a key of suites and two of its values")
    parser.add_argument("--metric", default="mb_per_s",
                        help="metric to compare, such as durable_mb_per_s (default mb_per_s)")
    options = parser.parse_args()
    column, _, values = options.question.partition("=")
    value, _, reference = values.partition("/")
    cells = read_cells(options.results, parser)
    keys = sorted({key for cell in cells.values() for key in cell})
    if column not in keys or not value or not reference:
        parser.error(f"'{options.question}': expected KEY=VALUE/REFERENCE, a key of {', '.join(keys)}")
    trials = read_values(options.results, options.metric, parser)
    unknown = {column}
    if column == "target" and {value, reference} & {"syscalls", "bare"}:
        unknown |= UNKNOWN
    if column == "target" and {value, reference} & {"syscalls-transfer", "bare-transfer"}:
        unknown |= UNKNOWN_OF_FILES
    others = collections.defaultdict(list)
    for name, cell in cells.items():
        if cell.get(column) == reference:
            others[rest(cell, unknown)].append(name)
    telling = [key for key in keys if key != column and len({cell.get(key) for cell in cells.values()}) > 1]
    found = []
    for name, cell in cells.items():
        if cell.get(column) != value:
            continue
        for other in others[rest(cell, unknown)]:
            blocks = sorted(set(trials[name]) & set(trials[other]))
            if blocks:
                label = " ".join(f"{key}={cell[key]}" for key in telling if cell.get(key))
                found.append((label, [(trials[name][block], trials[other][block]) for block in blocks]))
    for (label, _), text in zip(found, judged([pairs for _, pairs in found], options.metric)):
        print(f"{label}: {text}")
    if not found:
        sys.exit(f"no cells of {options.results} differ in {column}={value} and {reference} only")


def rest(cell, unknown):
    return tuple(sorted((key, text) for key, text in cell.items() if key not in unknown))


# Whoever reads only the first lines is not a mistake.
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
main()

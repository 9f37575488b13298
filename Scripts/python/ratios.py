"""Ratios between any two values of a column of trials.csv, all else equal, paired within blocks. All rows
are one family of the rule in Bench/README.md."""
import argparse
import collections
import csv
import pathlib
import signal
import sys

from rule import judged
from trial_values import COMPUTED, value_of

PARAMETERS = ("target backend durability payload record_bytes batch_bytes partitions preallocation queue_depth "
              "prefill_bytes transfer receiver cache network connections call_bytes reading congestion producers "
              "consumers linger_ms arrival offered_records_per_s segment_bytes interval_ms interval_bytes in_flight "
              "record_sizes consume_from retention_bytes place_producers place_consumers place_log stall_ms "
              "slowdown_percent memory_limit variant build").split()


def main():
    parser = argparse.ArgumentParser(
        prog="Scripts/ratios", description=__doc__,
        epilog="example: Scripts/ratios Results/2026-11-21-vm-storage durability=group/batch")
    parser.add_argument("results", type=pathlib.Path, help="a run's folder")
    parser.add_argument("question", help="COLUMN=VALUE/REFERENCE")
    parser.add_argument("--metric", default="mb_per_s", help="metric to compare, such as durable_mb_per_s (default mb_per_s)")
    options = parser.parse_args()
    column, _, values = options.question.partition("=")
    value, _, reference = values.partition("/")
    if column not in PARAMETERS or not value or not reference:
        parser.error(f"'{options.question}': expected COLUMN=VALUE/REFERENCE, a column of {', '.join(PARAMETERS)}")
    trials = options.results / "trials.csv"
    if not trials.is_file():
        parser.error(f"{trials}: no such file; expected a run's folder, such as one of those in Results")
    with open(trials, newline="") as file:
        reader = csv.DictReader(file)
        if options.metric not in (*COMPUTED, *(reader.fieldnames or [])):
            parser.error(f"--metric {options.metric}: not a column of {trials}")
        rows = [row for row in reader if row["status"] in ("ok", "saturated")
                and value_of(row, options.metric) is not None]
    # Bare calls know no records, and where they send a file, nothing about how a log was written: such a
    # reference is that of many cells.
    unknown = {column}
    if column == "target":
        unknown |= {"payload", "record_bytes"}
    if "bare-transfer" in (value, reference):
        unknown |= {"backend", "durability", "batch_bytes", "preallocation", "queue_depth"}
    sides = {value: collections.defaultdict(dict), reference: collections.defaultdict(dict)}
    for row in rows:
        if row[column] not in sides:
            continue
        names = [name for name in PARAMETERS if name != column]
        cell = tuple(row.get(name, "") for name in names)
        key = tuple(row.get(name, "") for name in names if name not in unknown)
        # A cell may stand twice, as the default and by name: each of its trials counts.
        trials_of = sides[row[column]][key].setdefault(cell, collections.defaultdict(list))
        trials_of[row["block"]].append(value_of(row, options.metric))
    telling = [name for name in PARAMETERS if name != column and len({row.get(name, "") for row in rows}) > 1]
    found = []
    for key, cells in sides[value].items():
        for cell, blocks in cells.items():
            for others in sides[reference].get(key, {}).values():
                common = sorted(set(blocks) & set(others))
                pairs = [(a, b) for block in common for a, b in zip(blocks[block], others[block])]
                if not pairs:
                    continue
                named = zip([name for name in PARAMETERS if name != column], cell)
                label = " ".join(f"{name}={text}" for name, text in named if name in telling)
                found.append((label, pairs))
    for (label, _), text in zip(found, judged([pairs for _, pairs in found], options.metric)):
        print(f"{label}: {text}")
    if not found:
        sys.exit(f"no cells of {options.results} differ in {column}={value} and {reference} only")


# Whoever reads only the first lines is not a mistake.
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
main()

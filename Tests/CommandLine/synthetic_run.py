"""A made-up run, small and the same each time, for tests of the report and for looking at it.

python3 Tests/CommandLine/synthetic_run.py DIR [--cells N] > DIR/document.json
python3 Scripts/python/report DIR < DIR/document.json
"""

import argparse
import csv
import json
import pathlib
import random
import statistics

TRIALS = 3
SECONDS = 20
RATES = (10_000, 20_000, 40_000, 60_000, 80_000)
LEVELS = (("p50", 50.0), ("p99", 99.0), ("p999", 99.9), ("max", 100.0))
COUNTED = ("roll", "flush", "preallocation", "retention", "stall")
HOSTILE = "a <b> & \"c\" $x$ </script>"


def parameters_of(cells: int) -> list[dict[str, str]]:
    """Backends by rates, then batch sizes, then as many more as are asked for."""
    found = [
        {
            "target": "embedded",
            "backend": backend,
            "durability": "group",
            "rate": str(rate),
            "batch_bytes": "16KiB",
        }
        for backend in ("buffered", "direct")
        for rate in RATES
    ]
    for size in (4, 64, 256):
        found.append(found[2] | {"batch_bytes": f"{size}KiB"})
    number = 0
    while len(found) < cells:
        number += 1
        found.append(
            found[number % 10]
            | {"durability": "interval", "preallocation": f"fallocate-extend-in-steps-{number}"}
        )
    return found[:cells]


def histogram_of(values: list[int]):
    from hdrh.histogram import HdrHistogram

    histogram = HdrHistogram(1, 3_600_000_000_000, 3)
    for value in values:
        histogram.record_value(value)
    return histogram


def values_of(source: random.Random, rate: int, is_direct: bool, has_stall: bool) -> list[int]:
    middle = (90_000 if is_direct else 160_000) * (1 + (rate / 85_000) ** 4 * 6)
    values = [int(middle * source.lognormvariate(0, 0.35)) for _ in range(rate // 400)]
    if has_stall:
        for index in range(len(values) // 25):
            values[index] += int(source.uniform(5e6, 4e7))
    return values


def write(folder: pathlib.Path, cells: int = 15, with_seconds: bool = True, seed: int = 1) -> dict:
    """Writes the folder's files; returns the document that `varve report` would send."""
    source = random.Random(seed)
    (folder / "histograms").mkdir(parents=True, exist_ok=True)
    trials: list[dict] = []
    intervals: list[dict] = []
    described: list[dict] = []
    for index, parameters in enumerate(parameters_of(cells)):
        name = f"c{index + 1:02}"
        # Two cells without numbers, after those of the axes.
        status = {13: "skipped", 14: "failed"}.get(index, "ok")
        rows = []
        for block in range(1, TRIALS + 1):
            trial = f"{name}-b{block}"
            if status != "ok":
                trials.append(
                    {"trial_id": trial, "status": status, "reason": f"none on \"tmpfs\", {HOSTILE}"}
                    | columns_of(parameters)
                )
            else:
                seconds = SECONDS if with_seconds else 1
                rows.append(write_trial(folder, source, trial, parameters, seconds, intervals))
        trials += rows
        family = "rates" if index < 10 else "sizes" if index < 13 else "others"
        described.append(describe(name, parameters, status, rows) | {"families": [family]})
    for row in trials:
        row["suite"] = "synthetic"
    write_csv(folder / "trials.csv", trials)
    if with_seconds:
        write_csv(folder / "intervals.csv", intervals)
    return document_of(folder, described)


def write_trial(
    folder: pathlib.Path,
    source: random.Random,
    trial: str,
    parameters: dict,
    seconds: int,
    intervals: list[dict],
) -> dict:
    rate = int(parameters["rate"])
    is_direct = parameters["backend"] == "direct"
    size = int(parameters["batch_bytes"].removesuffix("KiB"))
    lines = [
        "#[Histogram log format version 1.3]",
        "#[StartTime: 1700000000.000 (seconds since epoch)]",
        '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
    ]
    whole = {tag: [] for tag in ("response", "service", "e2e")}
    for second in range(seconds):
        has_stall = not is_direct and second % 7 == 5
        response = values_of(source, rate, is_direct, has_stall)
        values = {
            "response": response,
            "service": [value * 7 // 10 for value in response],
            "e2e": [value + 400_000 for value in response],
        }
        row = {
            "suite": "synthetic",
            "trial_id": trial,
            "second": second,
            "records": rate,
            "bytes": rate * 100,
            "writeback_bytes": rate * 100 * (9 if has_stall else 1),
            "dirty_bytes": 0,
            "cpu_s": 0.3,
        }
        for kind in COUNTED:
            plural = {"flush": "flushes"}.get(kind, f"{kind}s")
            row[plural], row[f"{kind}_max_us"] = 0, ""
        row |= {"flushes": 40, "flush_max_us": 9000 if has_stall else 20}
        if second % 9 == 4:
            row |= {"rolls": 1, "roll_max_us": 80, "preallocations": 1, "preallocation_max_us": 70}
        if has_stall:
            row |= {"stalls": 1, "stall_max_us": 30_000}
        if second == 12:
            row |= {"retentions": 1, "retention_max_us": 300}
        for tag, found in values.items():
            histogram = histogram_of(found)
            whole[tag] += found
            lines.append(
                f"Tag={tag},{second}.000,1.000,{max(found) / 1e6:.3f},"
                + histogram.encode().decode()
            )
            for level, percentile in LEVELS:
                row[f"{tag}_{level}_us"] = histogram.get_value_at_percentile(percentile) / 1000
        intervals.append(row)
    (folder / "histograms" / f"{trial}.hlog").write_text("\n".join(lines) + "\n")
    achieved = min(rate, 74_000 if is_direct else 66_000) * source.uniform(0.99, 1.0)
    result = {
        "trial_id": trial,
        "status": "saturated" if achieved < 0.95 * rate else "ok",
        "reason": "",
        "achieved_records_per_s": achieved,
        "mb_per_s": achieved / 1e4 * (size / 16) ** 0.3,
        "cpu_s_per_gb": source.uniform(1.0, 1.4) * (0.8 if is_direct else 1.0),
        "receiver_cpu_s_per_gb": source.uniform(0.3, 0.5),
        "machine_cpu_s_per_gb": source.uniform(2.0, 2.5),
    } | columns_of(parameters)
    for tag, found in whole.items():
        histogram = histogram_of(found)
        for level, percentile in LEVELS:
            result[f"{tag}_{level}_us"] = histogram.get_value_at_percentile(percentile) / 1000
    return result | {"schedule_delay_p50_us": 1.5, "schedule_delay_p99_us": source.uniform(8, 30)}


def columns_of(parameters: dict[str, str]) -> dict:
    """The parameters as trials.csv has them."""
    return {
        "target": parameters["target"],
        "backend": parameters["backend"],
        "durability": parameters["durability"],
        "preallocation": parameters.get("preallocation", "none"),
        "batch_bytes": int(parameters["batch_bytes"].removesuffix("KiB")) * 1024,
        "partitions": 1,
        "offered_records_per_s": int(parameters["rate"]),
    }


def describe(name: str, parameters: dict, status: str, rows: list[dict]) -> dict:
    metrics = {}
    for key in rows[0] if rows else ():
        values = [row[key] for row in rows]
        if all(isinstance(value, float) for value in values):
            metrics[key] = {
                "median": statistics.median(values),
                "low": min(values),
                "high": max(values),
            }
    label = " ".join(
        [
            parameters["target"],
            parameters["backend"],
            f"rate={parameters['rate']}",
            f"batch_bytes={parameters['batch_bytes']}",
            parameters.get("preallocation", ""),
        ]
    )
    statuses = {"ok": 0, "saturated": 0}
    for row in rows:
        statuses[row["status"]] += 1
    if status != "ok":
        statuses[status] = TRIALS
    return {
        "id": name,
        "label": label.strip(),
        "parameters": parameters,
        "numbers": {
            "rate": int(parameters["rate"]),
            "batch_bytes": int(parameters["batch_bytes"].removesuffix("KiB")) * 1024,
        },
        "statuses": statuses,
        "reason": None if status == "ok" else "no O_DIRECT on tmpfs " + HOSTILE,
        "metrics": metrics,
        "trials": [f"{name}-b{block}" for block in range(1, TRIALS + 1)],
        "is_baseline": name == "c01",
    }


def document_of(folder: pathlib.Path, cells: list[dict]) -> dict:
    kinds = ("better", "worse", "equivalent", "undecided")
    verdicts = [
        {
            "cell": cell["id"],
            "baseline": "c01",
            "verdict": kinds[index % 4],
        }
        for index, cell in enumerate(cells[1:])
    ]
    comparisons = [
        {
            "family": cell["families"][0],
            "kind": "baseline",
            "cell": cell["id"],
            "against": "c01",
            "metric": "response_p99_us",
            "ratio": 0.5 + 0.1 * index,
            "low": 0.4 + 0.1 * index,
            "high": 0.7 + 0.1 * index,
            "level": 0.95,
            "p": 0.01,
            "p_adjusted": 0.04,
            "pairs": TRIALS,
            "verdict": kinds[index % 4],
            "subject": cell["parameters"]["backend"],
            "other": "buffered",
            "place": f"{cell['label']} {HOSTILE}",
        }
        for index, cell in enumerate(cells[1:])
    ]
    headline = {
        "name": "response_p99_us",
        "title": "Response time, 99th percentile",
        "unit": "µs",
        "more_is_better": False,
    }
    environment = {
        "machine": {
            "kernel": "6.18.44",
            "cpuModel": "AMD EPYC",
            "processors": 2,
            "numaNodes": 1,
            "memoryBytes": 25276510208,
            "clockSource": "tsc",
            "architecture": "x86_64",
        },
        "storage": {
            "fileSystem": "ext4",
            "source": "/dev/vda",
            "scheduler": "mq-deadline",
            "mountOptions": "rw,relatime,discard,resv_strict,resuid=65534,resgid=65534",
        },
        "program": {
            "commit": "56b9ad86e79fc7ea3678bccbdcc9caaddc7f015b",
            "swift": "6.3.1",
            "build": "release",
            "hasLocalChanges": True,
        },
        "limits": {"openFiles": "20000"},
        "startedAt": "2026-11-21T11:27:55Z",
        "suite": {"seed": 1, "repeats": TRIALS, "text": HOSTILE},
    }
    return {
        "suite": "synthetic",
        "question": f"What does the tail look like as the rate grows? {HOSTILE}",
        "directory": str(folder),
        "command": f"Scripts/bench synthetic --out {folder}",
        "last_line": "direct keeps p99 below 1 ms up to 60000 records/s, buffered does not",
        "headline": headline,
        "metrics": [
            headline,
            {"name": "cpu_s_per_gb", "title": "CPU of the target", "unit": "s/GB"},
            {"name": "receiver_cpu_s_per_gb", "title": "CPU of the receiver", "unit": "s/GB"},
            {"name": "machine_cpu_s_per_gb", "title": "CPU of the machine", "unit": "s/GB"},
        ],
        "answer": [f"P99 response time: direct is better than buffered {HOSTILE}", "CPU per GB: more"],
        "warnings": [f"c02: trials fall into two groups {HOSTILE}"],
        "crosses": [{"name": name, "metrics": [headline]} for name in ("rates", "sizes", "others")],
        "comparisons": comparisons,
        "verdicts": verdicts,
        "families": [
            {
                "heading": "rate: p99 response time against rate=1000",
                "is_deciding": True,
                "sentences": [
                    {
                        "verdict": item["verdict"],
                        "text": f"{item['cell']} has 1.00x {HOSTILE}: {item['verdict']}",
                    }
                    for item in verdicts
                ]
                + [{"verdict": None, "text": "2 of 12 undecided"}],
            },
            {
                "heading": "rate: CPU per GB against rate=1000",
                "is_deciding": False,
                "sentences": [{"verdict": None, "text": "3 of 3 undecided"}],
            },
        ],
        "notes": ["embedded direct is 0.97x as fast as bare system calls [0.9, 1.0]"],
        "complaints": [f"c14-b1: skipped: {HOSTILE}"],
        "telling_keys": ["backend", "durability", "rate", "batch_bytes", "preallocation"],
        "cells": cells,
        "environment": environment,
    }


def write_csv(path: pathlib.Path, rows: list[dict]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--cells", type=int, default=15)
    options = parser.parse_args()
    print(json.dumps(write(options.folder, options.cells)))

#!/usr/bin/env python3
"""Histogram logs by an independent implementation: hdrhistogram 0.10.8, HdrHistogram's Python port.

    histogram_log.py write FILE   write a fixed log to FILE, and print what it holds, one JSON line
                                  an interval
    histogram_log.py read FILE    print what the log in FILE holds, in the same form

A line has tag, start and length in seconds, count, greatest value, least value and percentiles.
Exit code 1: FILE does not hold together.
"""

import json
import sys

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader, HistogramLogWriter

HIGHEST = 3_600_000_000_000
PERCENTILES = (1, 10, 50, 90, 99, 99.9, 99.99)


def empty():
    return HdrHistogram(1, HIGHEST, 3)


def describe(histogram, start, length):
    return {
        "tag": histogram.get_tag(),
        "start": round(start, 3),
        "length": round(length, 3),
        "count": histogram.get_total_count(),
        "max": histogram.get_max_value(),
        "min": histogram.get_min_value(),
        "percentiles": [histogram.get_value_at_percentile(p) for p in PERCENTILES],
    }


def cases():
    """Histograms with 10,000 values each, so that no percentile falls between two."""
    narrow, wide, single, none = empty(), empty(), empty(), empty()
    for n in range(10_000):
        narrow.record_value(20_000 + n % 997)
        wide.record_value(1 + (n * 7919 % 10_000) ** 3)
    single.record_value(HIGHEST, 10_000)
    return narrow, wide, single, none


def write(path):
    with open(path, "w", encoding="utf-8") as file:
        writer = HistogramLogWriter(file)
        writer.output_log_format_version()
        writer.output_comment("[StartTime: 1700000000.000 (seconds since epoch), some day]")
        writer.output_legend()
        for index, histogram in enumerate(cases()):
            # A start or end of 0 would mean the histogram's own.
            writer.output_interval_histogram(histogram, index + 0.5, index + 1.5)
            print(json.dumps(describe(histogram, index + 0.5, 1)))


def read(path):
    reader = HistogramLogReader(path, empty())
    while True:
        histogram = reader.get_next_interval_histogram()
        if histogram is None:
            break
        start = histogram.get_start_time_stamp() / 1000
        end = histogram.get_end_time_stamp() / 1000
        print(json.dumps(describe(histogram, start, end - start)))


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("write", "read"):
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    {"write": write, "read": read}[sys.argv[1]](sys.argv[2])


if __name__ == "__main__":
    main()

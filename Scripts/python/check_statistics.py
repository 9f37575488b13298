"""Computes the statistics of runs again and compares them with what varve wrote.

From trials.csv: ratios, t intervals, p-values, Holm's correction and verdicts, by scipy and
statsmodels. From histograms/*.hlog: the percentiles of all records of a cell, by hdrhistogram. The
rule is in Bench/README.md. Exits with 1 where anything differs.
"""
import collections
import csv
import math
import pathlib
import statistics
import sys

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

from rule import MORE_IS_BETTER, PAIRS_MIN, Estimate, decide
from trial_values import value_of

# varve writes six significant digits.
TOLERANCE = 2e-5
PERCENTILES = {"p50": 50.0, "p99": 99.0, "p999": 99.9}


class Mismatch(Exception):
    pass


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def log_ratios(trials, metric, subject, against):
    """One for each block that has them all; None where a value is zero."""
    def logarithms(cell):
        found = {}
        for row in trials[cell]:
            value = value_of(row, metric)
            if value is not None:
                found[row["block"]] = math.log(value) if value > 0 else -math.inf
        return found

    def of(name):
        cells = [logarithms(cell) for cell in name.split("/")]
        if len(cells) == 1:
            return cells[0]
        return {block: cells[0][block] - cells[1][block] for block in cells[0] if block in cells[1]}

    above, below = of(subject), of(against)
    return [above[block] - below[block] for block in sorted(above, key=int) if block in below]


def same(name, found, written):
    """Throws where they differ by more than the digits that are written."""
    if found is None or written == "":
        if not (found is None and written == ""):
            raise Mismatch(f"{name}: computed {found}, written '{written}'")
        return
    number = float(written)
    # Two libraries agree on a tail probability to some nine digits of its scale.
    if abs(found - number) > TOLERANCE * max(abs(found), abs(number)) + 1e-9:
        raise Mismatch(f"{name}: computed {found}, written {number}")


def check_family(name, rows, trials):
    """One family: all its rows are judged together."""
    metric, asked = rows[0]["metric"], rows[0]["asked"]
    tested = []
    for row in rows:
        where = f"{name}: {row['cell']} against {row['against']}"
        logs = log_ratios(trials, metric, row["cell"], row["against"])
        same(f"{where}: pairs", len(logs), row["pairs"])
        has_ratio = len(logs) >= 2 and all(map(math.isfinite, logs))
        estimate = Estimate(logs) if has_ratio else None
        same(f"{where}: ratio", estimate and math.exp(estimate.mean), row["ratio"])
        if estimate and len(logs) >= PAIRS_MIN:
            tested.append((where, row, estimate))
        elif row["verdict"] != "undecided" or row["p"] != "":
            raise Mismatch(f"{where}: {len(logs)} pairs decide nothing, written {row['verdict']}")
    decisions = decide([each[2] for each in tested], asked, metric in MORE_IS_BETTER)
    for (where, row, estimate), decision in zip(tested, decisions):
        verdict, level, p, adjusted, q, q_adjusted = decision
        if verdict != row["verdict"]:
            raise Mismatch(f"{where}: computed {verdict}, written {row['verdict']}")
        low, high = estimate.interval(level)
        for column, value in (
            ("level", level), ("low", low), ("high", high), ("p", p), ("p_adjusted", adjusted),
            ("p_equivalence", q), ("p_equivalence_adjusted", q_adjusted),
            ("family_size", len(tested)),
        ):
            same(f"{where}: {column}", value, row[column])
    return len(rows)


def merged_percentiles(folder, trials):
    """By cell, tag and percentile, in µs."""
    found = {}
    for cell, rows in trials.items():
        sums = {}
        for row in rows:
            path = folder / "histograms" / f"{row['trial_id']}.hlog"
            if not path.exists():
                continue
            reader = HistogramLogReader(str(path), HdrHistogram(1, 3_600_000_000_000, 3))
            while (histogram := reader.get_next_interval_histogram()) is not None:
                tag = histogram.get_tag()
                if tag not in sums:
                    sums[tag] = HdrHistogram(1, 3_600_000_000_000, 3)
                sums[tag].add(histogram)
        for tag, histogram in sums.items():
            if histogram.get_total_count() > 0:
                for name, percentile in PERCENTILES.items():
                    found[cell, f"{tag}_{name}_us"] = percentile_of(histogram, percentile) / 1000
    return found


def percentile_of(histogram, percentile):
    """The least value that so many of the recorded ones do not exceed. The count is rounded up, as by
    HdrHistogram for Java and Swift; the one for Python rounds it to the nearest."""
    wanted = math.ceil(math.nextafter(percentile, 0) * histogram.get_total_count() / 100)
    total = 0
    for index in range(histogram.counts_len):
        total += histogram.get_count_at_index(index)
        if total >= wanted:
            return histogram.get_highest_equivalent_value(histogram.get_value_from_index(index))
    raise Mismatch(f"a histogram of {histogram.get_total_count()} values has {total}")


def check_cells(folder, trials):
    merged = merged_percentiles(folder, trials)
    rows = read(folder / "cells.csv")
    percentiles = 0
    for row in rows:
        where = f"{folder}/cells.csv: {row['cell']} {row['metric']} of {row['of']}"
        if row["of"] == "all records":
            found = merged.get((row["cell"], row["metric"]))
            if found is None:
                raise Mismatch(f"{where}: no histogram has it")
            percentiles += 1
        else:
            values = [value_of(each, row["metric"]) for each in trials[row["cell"]]]
            found = statistics.median([value for value in values if value is not None])
        same(where, found, row["value"])
    told = {(row["cell"], row["metric"]) for row in rows if row["of"] == "all records"}
    for cell, metric in merged:
        if not metric.startswith(("lateness", "schedule_delay")) and (cell, metric) not in told:
            raise Mismatch(f"{folder}/cells.csv: {cell} lacks {metric} of all records")
    return len(rows), percentiles


def check(folder):
    trials = collections.defaultdict(list)
    for row in read(folder / "trials.csv"):
        if row["status"] in ("ok", "saturated"):
            trials[row["trial_id"].rpartition("-b")[0]].append(row)
    families = collections.defaultdict(list)
    for row in read(folder / "verdicts.csv"):
        families[row["family"], row["kind"], row["metric"]].append(row)
    count = sum(
        check_family(f"{folder}/verdicts.csv: {' '.join(key)}", rows, trials)
        for key, rows in families.items())
    cells, percentiles = check_cells(folder, trials)
    return len(families), count, cells, percentiles


def main():
    failed = 0
    for name in sys.argv[1:]:
        folder = pathlib.Path(name)
        try:
            families, count, cells, percentiles = check(folder)
        except (Mismatch, OSError, KeyError, ValueError) as error:
            failed += 1
            print(f"{folder}: {type(error).__name__}: {error}", file=sys.stderr)
            continue
        print(
            f"{folder}: equal: {count} comparisons in {families} families, {cells} values of cells, "
            f"{percentiles} of them percentiles of all records")
    if failed:
        print(f"check-statistics: {failed} of {len(sys.argv) - 1} folders differ", file=sys.stderr)
        return 1
    print(f"check-statistics: {len(sys.argv) - 1} folders equal")
    return 0


if __name__ == "__main__":
    sys.exit(main())

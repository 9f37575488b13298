"""One metric by cell, with intervals, from cells.csv: pandas and matplotlib.

    .build/python/bin/python3 Scripts/examples/cells_pandas.py \\
        Results/2026-11-29-vm-quick/cells.csv durable_mb_per_s cells.svg

The name's ending chooses the format (svg, png, pdf).
"""

import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import pandas  # noqa: E402

if len(sys.argv) != 4:
    sys.exit("Usage: cells_pandas.py CELLS.csv METRIC OUT.svg")
path, metric, out = sys.argv[1:]
cells = pandas.read_csv(path)
# Of a percentile there is also one of all records together, which has no interval.
cells = cells[(cells["metric"] == metric) & (cells["of"] == "median of trials")]
if cells.empty:
    sys.exit(f"{path}: no cell has the metric {metric}")

figure, axes = plt.subplots(figsize=(9, 1.2 + 0.27 * len(cells)), layout="constrained")
places = range(len(cells))
axes.hlines(places, cells["low"].fillna(cells["value"]), cells["high"].fillna(cells["value"]))
axes.plot(cells["value"], places, "o")
axes.set_yticks(places, cells["cell"] + " " + cells["label"], fontsize=8)
axes.invert_yaxis()
axes.set_xscale("log")
axes.xaxis.set_major_formatter("{x:g}")
axes.set_xlabel(f"{metric} (log scale): medians of trials with their intervals")
axes.grid(axis="x", alpha=0.3)
figure.savefig(out)

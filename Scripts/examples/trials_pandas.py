"""Throughput by cell with the spread of its trials, by pandas and matplotlib.

    python3 Scripts/examples/trials_pandas.py \\
        Results/2026-11-21-vm-storage/trials.csv throughput.svg

Needs pandas and matplotlib: those of Scripts/setup are in .build/python/bin/python3. The name's
ending chooses the format (svg, png, pdf). A cell is a trial's name without its block: c27-b1 is
of c27.
"""

import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import pandas  # noqa: E402

PARAMETERS = [
    "target",
    "backend",
    "transfer",
    "durability",
    "queue_depth",
    "preallocation",
    "payload",
    "record_bytes",
    "batch_bytes",
    "partitions",
    "call_bytes",
    "connections",
    "offered_records_per_s",
]

if len(sys.argv) != 3:
    sys.exit("Usage: trials_pandas.py TRIALS.csv OUT.svg")
trials = pandas.read_csv(sys.argv[1])
# Skipped and failed trials have no numbers: they are left out, never counted as zero.
trials = trials[trials["status"].isin(["ok", "saturated"]) & trials["mb_per_s"].notna()].copy()
if trials.empty:
    sys.exit(f"{sys.argv[1]}: no trial has a throughput")
trials["cell"] = trials["trial_id"].str.replace(r"-b\d+$", "", regex=True)

# A label of those parameters only in which the cells differ.
telling = [name for name in PARAMETERS if name in trials and trials[name].nunique(dropna=False) > 1]
cells = trials.groupby("cell")
labels = (
    cells[telling]
    .first()
    .apply(
        lambda row: " ".join(
            f"{value:g}" if isinstance(value, float) else str(value) for value in row.dropna()
        ),
        axis=1,
    )
    if telling
    else {}
)
medians = cells["mb_per_s"].median().sort_values()

figure, axes = plt.subplots(figsize=(9, 1.2 + 0.27 * len(medians)), layout="constrained")
for place, cell in enumerate(medians.index):
    values = trials.loc[trials["cell"] == cell, "mb_per_s"]
    axes.plot([values.min(), values.max()], [place, place], color="#8a8a8a", linewidth=2, zorder=1)
    axes.plot(values, [place] * len(values), "o", color="#0072b2", markerfacecolor="none", zorder=2)
    axes.plot(medians[cell], place, "D", color="#d55e00", zorder=3)
axes.set_yticks(
    range(len(medians)), [f"{cell} {labels.get(cell, '')}" for cell in medians.index], fontsize=8
)
axes.set_ylim(-0.7, len(medians) - 0.3)
axes.set_xscale("log")
axes.xaxis.set_major_formatter("{x:g}")
axes.set_xlabel("Throughput (MB/s, log scale): rings are trials, diamonds their medians")
axes.grid(axis="x", alpha=0.3)
axes.tick_params(axis="x", top=len(medians) > 20, labeltop=len(medians) > 20)
figure.savefig(sys.argv[2])

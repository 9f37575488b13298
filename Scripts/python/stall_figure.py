"""The figure of Bench/README.md: the same stall in an open loop and in a closed one.

    .build/python/bin/python3 Scripts/python/stall_figure.py Results/2026-11-21-vm-stall

Reads the run's trials.csv and histograms, and writes stall.svg into its folder.
"""

import csv
import math
import pathlib
import sys

from report import plot, style
from report.files import write_atomically
from report.histograms import Histograms, percentile_curve


def main(folder: pathlib.Path) -> None:
    trials: dict[str, list[str]] = {"open": [], "closed": []}
    with open(folder / "trials.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["status"] in ("ok", "saturated"):
                trials["closed" if row["arrival"] == "max" else "open"].append(row["trial_id"])
    histograms = Histograms(folder / "histograms")
    with plot.settings():
        figure = plot.new_figure(3.4)
        axes = figure.subplots(1, 2, sharey=True)
        panels = [
            (axes[0], "open", "response", "Open loop: response time"),
            (axes[1], "closed", "service", "Closed loop: service time"),
        ]
        for index, (ax, loop, tag, title) in enumerate(panels):
            histogram = histograms.merged(trials[loop], tag)
            if histogram is None:
                sys.exit(f"{folder}: no histograms of the {loop} loop")
            draw(ax, percentile_curve(histogram), title, style.COLOURS[2 if index == 0 else 4])
        axes[0].set_ylabel("Latency (log scale)")
        drawn = plot.finished("stall", "The same stall in an open loop and in a closed one", [], figure)
    write_atomically(folder / "stall.svg", drawn.for_file())


def draw(ax, curve, title: str, colour: str) -> None:
    xs, ys = curve
    ax.plot(xs, ys, color=colour)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_title(title)
    ax.set_xlabel("Percentile")
    ticks = [1.0, 2.0] + [10.0**power for power in range(1, math.floor(math.log10(xs[-1])) + 1)]
    ax.set_xticks(ticks, [percent(tick) for tick in ticks], fontsize=7.5)
    ax.minorticks_off()
    ax.yaxis.set_major_formatter(lambda value, _: f"{value / 1000:g} ms")
    ax.grid(True)


def percent(tick: float) -> str:
    share = 100 * (1 - 1 / tick)
    return f"{share:.{max(0, math.ceil(math.log10(tick)) - 2)}f} %"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))

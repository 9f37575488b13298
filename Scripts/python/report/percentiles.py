"""Latency by percentile, on HDR's axis."""

import math

from report import labels, style
from report.histograms import percentile_curve
from report.plot import Plot, finished, legend_below, legend_height, new_figure
from report.run import Cell, Run
from report.selection import chosen

NAMES = {"response": "Response time", "service": "Service time", "e2e": "End-to-end latency"}
MEANING = {
    "response": "Response time runs from the moment an append was due.",
    "service": "Service time runs from the moment an append was begun.",
    "e2e": "End-to-end latency runs from the moment a record was due to its arrival at a consumer.",
}


def by_percentile(run: Run, tag: str, name: str) -> list[Plot]:
    """One plot, or where it has no room for all cells one a cross."""
    cells = [
        cell
        for cell in run.cells
        if any(tag in run.histograms.tags(trial) for trial in run.trials_of(cell))
    ]
    groups = labels.by_family(cells, style.MOST_LINES)
    plots = [plot_of(run, tag, name, family, group) for family, group in groups if group]
    return [plot for plot in plots if plot]


def plot_of(run: Run, tag: str, name: str, family: str, cells: list[Cell]) -> Plot | None:
    shown, left_out = chosen(cells, run.headline, style.MOST_LINES)
    curves = []
    for cell in shown:
        histogram = run.histograms.merged(run.trials_of(cell), tag)
        if histogram is not None:
            curves.append((cell, *percentile_curve(histogram)))
    if not curves:
        return None
    short, shared = labels.short([cell for cell, _, _ in curves])
    legend = [style.wrapped(short[cell.id], 60) for cell, _, _ in curves]
    figure = new_figure(4.3 + legend_height(legend))
    ax = figure.subplots()
    lines = []
    decades = max(math.log10(xs[-1]) for _, xs, _ in curves)
    for index, (_, xs, ys) in enumerate(curves):
        # A marker at each labelled percentile and at the end, where the maximum is.
        places = [
            min(range(len(xs)), key=lambda at, x=tick: abs(math.log(xs[at] / x)))
            for tick in [2.0, *(10.0**power for power in range(1, math.ceil(decades) + 1))]
            if tick <= xs[-1]
        ]
        lines += ax.plot(
            xs,
            ys,
            color=style.COLOURS[index],
            linestyle=style.LINES[index],
            marker=style.MARKERS[index],
            markevery=sorted({*places, len(xs) - 1}),
            markeredgecolor=style.INK,
            markeredgewidth=0.4,
        )
    ax.set_xscale("log")
    ax.set_yscale("log")
    positive = [y for _, _, ys in curves for y in ys if y > 0] or [1.0]
    ax.set_ylim(*style.spread_for_log(min(positive), max(positive)))
    ax.set_xlim(1, 10**decades * 1.25)
    ticks = [1.0, 2.0, *(10.0**power for power in range(1, math.floor(decades) + 1))]
    ax.set_xticks(ticks, [percent(tick) for tick in ticks])
    ax.minorticks_off()
    style.time_axis(ax.yaxis)
    ax.set_xlabel("Percentile (%), as 1/(1 − percentile) on a log scale")
    ax.set_ylabel(f"{NAMES[tag]} (log scale)")
    ax.grid()
    legend_below(figure, lines, legend)
    notes = [
        shared,
        MEANING[tag] + " All trials of a cell are merged as counts; each line ends at "
        "the cell's maximum.",
        left_out,
    ]
    title = f"{NAMES[tag]} by percentile"
    if family:
        name, title = f"{name}-{labels.slug(family)}", f"{title}: {family}"
    return finished(name, title, notes, figure)


def percent(inverse: float) -> str:
    """The tick 10 is 90 %, 1000 is 99.9 %."""
    if inverse <= 1:
        return "0 %"
    digits = max(0, round(math.log10(inverse)) - 2)
    return f"{100 * (1 - 1 / inverse):.{digits}f} %"

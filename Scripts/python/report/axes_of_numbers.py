"""Plots against a number that a suite varies: the ladder of rates, and by-<key>."""

import math
import re
from collections.abc import Iterable

from matplotlib import ticker
from matplotlib.axes import Axes

from report import style
from report.labels import slug
from report.plot import Plot, finished, legend_below, legend_height, new_figure
from report.run import Cell, Estimate, Metric, Run

RATE = "rate"
LADDER = (("response_p50_us", "p50"), ("response_p99_us", "p99"), ("response_p999_us", "p99.9"))
BYTES = re.compile(r"(^|_)bytes$")
Groups = dict[tuple[tuple[str, str], ...], list[Cell]]


def groups(run: Run, key: str) -> Groups:
    """Cells that are equal but for `key`, by their other values, in their own order."""
    others = [name for name in run.telling_keys if name != key]
    found: Groups = {}
    for cell in run.cells:
        if key in cell.numbers:
            name = tuple((other, cell.parameters.get(other, "")) for other in others)
            found.setdefault(name, []).append(cell)
    for cells in found.values():
        cells.sort(key=lambda cell: cell.numbers[key])
    return found


def distinct(cells: list[Cell], key: str) -> int:
    return len({cell.numbers[key] for cell in cells})


def group_labels(found: Groups) -> tuple[list[str], str]:
    """What tells the lines apart, and a sentence with what they have in common."""
    names = list(found)
    common = [pair for pair in names[0] if all(pair in name for name in names)] if names else []
    labels = [text(pair for pair in name if pair not in common) or "all cells" for name in names]
    # A lone line is told by nothing: then all that it is stands with it.
    if len(names) == 1:
        return [style.wrapped(text(names[0]) or "all cells", 60)], ""
    shared = text(common)
    return [style.wrapped(label, 60) for label in labels], f"All with {shared}." if shared else ""


def text(pairs: Iterable[tuple[str, str]]) -> str:
    return " ".join(f"{key}={value}" for key, value in pairs if value)


def facets(found: Groups) -> list[tuple[str, Groups]]:
    """The lines in plots of their own, so that those of one plot differ in one key.

    That key is the one with the most values; a suffix tells the plots' files apart.
    """
    names = list(found)
    keys = [key for key, _ in names[0]] if names else []
    values = {key: {dict(name)[key] for name in names} for key in keys}
    varying = [key for key in keys if len(values[key]) > 1]
    if len(varying) <= 1:
        return [("", found)]
    lines = max(varying, key=lambda key: len(values[key]))
    split: dict[tuple[str, ...], Groups] = {}
    for name, cells in found.items():
        place = tuple(dict(name)[key] for key in varying if key != lines)
        split.setdefault(place, {})[name] = cells
    return [("-".join(filter(None, map(slug, place))), part) for place, part in split.items()]


def limited(found: Groups) -> tuple[Groups, str]:
    if len(found) <= style.MOST_LINES:
        return found, ""
    longest = sorted(found, key=lambda name: -len(found[name]))[: style.MOST_LINES]
    return (
        {name: cells for name, cells in found.items() if name in longest},
        f"{style.MOST_LINES} of {len(found)} lines are shown, those with the most points.",
    )


def rate_ladder(run: Run) -> list[Plot]:
    panels = [
        (metric, name)
        for metric, name in LADDER
        if any(cell.estimate(metric) for cell in run.cells)
    ]
    found = {
        name: known
        for name, cells in groups(run, RATE).items()
        if distinct(
            known := [
                cell
                for cell in cells
                if cell.estimate("achieved_records_per_s")
                and any(cell.estimate(metric) for metric, _ in panels)
            ],
            RATE,
        )
        >= 2
    }
    if not panels or not found:
        return []
    return [ladder_of(panels, suffix, part) for suffix, part in facets(found)]


def ladder_of(panels: list[tuple[str, str]], suffix: str, found: Groups) -> Plot:
    found, left_out = limited(found)
    labels, shared = group_labels(found)
    figure = new_figure(2.2 * len(panels) + 0.5 + legend_height(labels))
    axes = figure.subplots(len(panels), 1, squeeze=False, sharex=True, sharey=True)[:, 0]
    lines = []
    is_any_saturated = False
    for ax, (metric, name) in zip(axes, panels):
        for index, cells in enumerate(found.values()):
            known = [cell for cell in cells if cell.estimate(metric)]
            points = [
                (cell.estimate("achieved_records_per_s"), cell.estimate(metric)) for cell in known
            ]
            line = series(ax, points, index)
            if ax is axes[0]:
                lines.append(line)
            for cell, (x, y) in zip(known, points):
                if cell.is_saturated:
                    is_any_saturated = True
                    ax.plot(
                        x.median,
                        y.median,
                        marker="o",
                        markersize=11,
                        markerfacecolor="none",
                        markeredgecolor=style.INK,
                        markeredgewidth=1.0,
                        linestyle="none",
                    )
        ax.set_yscale("log")
        ax.set_ylabel(f"Response time, {name}\n(log scale)")
        ax.grid()
    fit_times(axes)
    rates = [x for ax in axes for line in ax.get_lines() for x in line.get_xdata() if x > 0]
    if rates and max(rates) / min(rates) > 8:
        axes[-1].set_xscale("log")
        axes[-1].set_xlim(*style.spread_for_log(min(rates), max(rates)))
        style.plain_log_axis(axes[-1].xaxis)
    else:
        axes[-1].xaxis.set_major_formatter(
            ticker.FuncFormatter(lambda value, _: style.number(value))
        )
        axes[-1].set_xlim(left=0)
    axes[-1].set_xlabel("Achieved rate (records/s)")
    legend_below(figure, lines, labels)
    notes = [
        "Each point is a cell: the medians of its trials, with 95 % intervals.",
        (
            "A ring marks a cell with a saturated trial (achieved below 95 % of the offered rate)."
            if is_any_saturated
            else ""
        ),
        shared,
        left_out,
    ]
    name = "-".join(filter(None, ("rate-ladder", suffix)))
    return finished(name, "Response time against achieved rate", notes, figure)


def by_keys(run: Run) -> list[Plot]:
    return [plot for key in run.telling_keys if key != RATE for plot in by_key(run, key)]


def by_key(run: Run, key: str) -> list[Plot]:
    metric = run.headline
    found = {}
    singles = 0
    for name, cells in groups(run, key).items():
        known = [cell for cell in cells if cell.estimate(metric.name)]
        if distinct(known, key) >= 2:
            found[name] = known
        else:
            singles += len(known)
    if max((distinct(cells, key) for cells in found.values()), default=0) < 3:
        return []
    return [
        key_of(metric, key, singles, suffix, part)
        for suffix, part in facets(found)
        if max(distinct(cells, key) for cells in part.values()) >= 3
    ]


def key_of(metric: Metric, key: str, singles: int, suffix: str, found: Groups) -> Plot:
    found, left_out = limited(found)
    labels, shared = group_labels(found)
    figure = new_figure(3.6 + legend_height(labels))
    ax = figure.subplots()
    lines = []
    for index, cells in enumerate(found.values()):
        points = [
            (Estimate(cell.numbers[key], None, None), cell.estimate(metric.name)) for cell in cells
        ]
        lines.append(series(ax, points, index))
    xs = sorted({cell.numbers[key] for cells in found.values() for cell in cells})
    number_axis(ax, xs, key)
    ys = [cell.estimate(metric.name).median for cells in found.values() for cell in cells]
    notes = ["Medians of trials, with 95 % intervals."]
    direction = "more is better" if metric.more_is_better else "less is better"
    scale = ""
    if min(ys) > 0 and max(ys) / min(ys) > 8:
        ax.set_yscale("log")
        scale = ", log scale"
        if metric.unit == "µs":
            fit_times([ax])
        else:
            ax.set_ylim(*style.spread_for_log(min(ys), max(ys)))
            style.plain_log_axis(ax.yaxis)
    else:
        ax.margins(y=0.08)
        ax.set_ylim(bottom=min(0.0, min(ys)))
    ax.set_ylabel(f"{metric.axis}{scale}\n{direction}")
    ax.grid()
    legend_below(figure, lines, labels)
    left = f"{singles} cells that differ in something else too are left out." if singles else ""
    name = "-".join(filter(None, ("by", slug(key), suffix)))
    return finished(
        name, f"{metric.title} by {key}", [*notes, shared, left, left_out], figure
    )


def series(ax: Axes, points: list[tuple[Estimate, Estimate]], index: int):
    """A line through the medians, with the intervals of both coordinates."""
    xs, ys = [x.median for x, _ in points], [y.median for _, y in points]
    colour = style.COLOURS[index]
    ax.errorbar(
        xs,
        ys,
        fmt="none",
        ecolor=colour,
        elinewidth=1.0,
        capsize=2.5,
        xerr=list(zip(*(x.errors() for x, _ in points))),
        yerr=list(zip(*(y.errors() for _, y in points))),
    )
    return ax.plot(
        xs,
        ys,
        color=colour,
        linestyle=style.LINES[index],
        marker=style.MARKERS[index],
        markeredgecolor=style.INK,
        markeredgewidth=0.4,
    )[0]


def fit_times(axes: list[Axes]) -> None:
    values = [y for ax in axes for line in ax.get_lines() for y in line.get_ydata() if y > 0]
    if not values:
        return
    for ax in axes:
        ax.set_ylim(*style.spread_for_log(min(values), max(values)))
        style.time_axis(ax.yaxis)


def number_axis(ax: Axes, xs: list[float], key: str) -> None:
    """A log axis with ticks at the measured values; zero, which has no log, at the left."""
    if xs[0] <= 0:
        ax.set_xscale("symlog", linthresh=min((x for x in xs if x > 0), default=1.0), linscale=0.5)
    else:
        ax.set_xscale("log")
    written = style.size if BYTES.search(key) else style.number
    shown = [
        x
        for index, x in enumerate(xs)
        if index == 0
        or xs[index - 1] <= 0
        or math.log(xs[-1] / max(xs[0], 1e-9)) / max(math.log(x / xs[index - 1]), 1e-9) < 14
    ]
    ax.set_xticks(shown, [written(x) for x in shown])
    ax.minorticks_off()
    unit = "bytes" if BYTES.search(key) else "ms" if key.endswith("_ms") else "number"
    ax.set_xlabel(f"{key} ({unit}, log scale)")

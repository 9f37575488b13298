"""Horizontal bars with intervals: throughput, the headline, and the cost."""

import dataclasses

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from report import labels, style
from report.plot import Plot, finished, legend_below, legend_height, new_figure
from report.run import Cell, Estimate, Metric, Run

# A bar's length says nothing where the longest is more than so many times the shortest.
MOST_TIMES = 10.0
MOST_CELLS_WITH_TRIALS = 40
# More than these are drawn cross by cross.
MOST_CELLS = 30
# From so many on, the axis stands at the top too: its foot is out of sight.
MANY_CELLS = 20
LINE = 0.15

# Colour, hatch of a bar, marker of a point.
VERDICTS = {
    "baseline": ("#8A8A8A", "---", "D"),
    "better": ("#0072B2", "///", "^"),
    "worse": ("#D55E00", "...", "v"),
    "equivalent": ("#56B4E9", "", "o"),
    "holds": ("#0072B2", "///", "^"),
    "fails": ("#D55E00", "...", "v"),
    "undecided": ("#CC79A7", "xx", "X"),
    "": ("#7F93A6", "", "o"),
}
COSTS = (
    ("cpu_s_per_gb", "#0072B2", "", "o"),
    ("cpu_s_per_moved_gb", "#56B4E9", "xx", "^"),
    ("receiver_cpu_s_per_gb", "#E69F00", "///", "s"),
    ("machine_cpu_s_per_gb", "#8A8A8A", "...", "D"),
)


@dataclasses.dataclass(frozen=True)
class Bar:
    estimate: Estimate
    y: float
    thickness: float
    colour: str
    hatch: str
    marker: str


def throughput(run: Run) -> list[Plot]:
    metrics = [run.headline] if any(cell.estimate(run.headline.name) for cell in run.cells) else []
    other = run.throughput()
    if other and run.headline.name not in ("mb_per_s", "achieved_records_per_s"):
        metrics.append(other)
    elif not metrics and other:
        metrics = [other]
    groups = labels.by_family(run.cells, MOST_CELLS)
    return [throughput_of(run, metrics, family, cells) for family, cells in groups] if metrics else []


def throughput_of(run: Run, metrics: list[Metric], family: str, cells: list[Cell]) -> Plot:
    verdicts = {
        str(item.get("cell")): str(item.get("verdict", ""))
        for item in run.entries("verdicts")
        if isinstance(item, dict)
    }
    kinds = {
        cell.id: "baseline" if cell.is_baseline else verdicts.get(cell.id, "") for cell in cells
    }
    names, shared = labels.short(cells)
    rows, height = places(cells, names)
    present = [kind for kind in VERDICTS if kind and kind in kinds.values()]
    legend = [f"{kind} than baseline" if kind in ("better", "worse") else kind for kind in present]
    panel = height + 0.75
    figure = new_figure(panel * len(metrics) + legend_height(legend))
    axes = figure.subplots(len(metrics), 1, squeeze=False)[:, 0]
    is_any_log = False
    handles: list[Artist] = []
    for ax, metric in zip(axes, metrics):
        is_headline = metric.name == run.headline.name
        bars = []
        for cell in cells:
            estimate = cell.estimate(metric.name)
            if estimate is None:
                continue
            look = VERDICTS.get(kinds[cell.id] if is_headline else "", VERDICTS[""])
            bars.append(Bar(estimate, rows[cell.id], 0.62, *look))
        if not bars:
            ax.set_axis_off()
            continue
        is_log = draw(ax, bars, cells, rows, names, metric.name)
        is_any_log |= is_log
        if is_headline:
            handles = [handle(*VERDICTS[kind], is_log) for kind in present]
        if len(cells) <= MOST_CELLS_WITH_TRIALS:
            dots(ax, run, cells, rows, metric)
        values(ax, bars)
        direction = "more is better" if metric.more_is_better else "less is better"
        ax.set_xlabel(f"{metric.axis}, {direction}")
    if handles:
        legend_below(figure, handles, legend)
    has_dots = len(cells) <= MOST_CELLS_WITH_TRIALS
    notes = [
        shared,
        "Medians of one value a trial; whiskers are 95 % intervals."
        + (" Small rings are single trials." if has_dots else ""),
        (
            "Colours and hatches say how a cell compares with its baseline"
            f" in {run.headline.title.lower()}{' (upper panel)' if len(metrics) > 1 else ''}."
            if present
            else ""
        ),
        log_note() if is_any_log else "",
    ]
    title = metrics[0].title + (f" and {metrics[1].title.lower()}" if len(metrics) > 1 else "")
    return finished(*heading("throughput", title, family), notes, figure)


def heading(name: str, title: str, family: str) -> tuple[str, str]:
    """The file's name and the title of a plot of all cells, or of one cross."""
    if not family:
        return name, f"{title} by cell"
    return f"{name}-{labels.slug(family)}", f"{title} by cell: {family}"


def cost(run: Run) -> list[Plot]:
    series = [entry for entry in COSTS if any(cell.estimate(entry[0]) for cell in run.cells)]
    shown = [cell for cell in run.cells if any(cell.estimate(entry[0]) for entry in series)]
    groups = labels.by_family(shown, MOST_CELLS)
    left = len(run.cells) - len(shown)
    return [cost_of(run, series, family, cells, left) for family, cells in groups if cells]


def cost_of(run: Run, series: list[tuple], family: str, shown: list[Cell], left: int) -> Plot:
    rows_labels, shared = labels.short(shown)
    rows, height = places(shown, rows_labels, least=0.19 * len(series) + 0.12)
    names = [run.axis_of(entry[0]) for entry in series]
    figure = new_figure(height + 0.75 + legend_height(names))
    ax = figure.subplots()
    thickness = 0.8 / len(series)
    bars = []
    for index, (name, colour, hatch, marker) in enumerate(series):
        for cell in shown:
            estimate = cell.estimate(name)
            if estimate is not None:
                offset = (index - (len(series) - 1) / 2) * thickness
                bars.append(Bar(estimate, rows[cell.id] + offset, thickness, colour, hatch, marker))
    is_log = draw(ax, bars, shown, rows, rows_labels, "")
    values(ax, bars, with_interval=False)
    ax.set_xlabel("CPU time per GB (s/GB), less is better")
    legend_below(figure, [handle(*look, is_log) for _, *look in series], names)
    notes = [
        shared,
        "CPU seconds, user and system, for each GB (10⁹ bytes). Medians of trials; whiskers are "
        "95 % intervals.",
        log_note() if is_log else "",
        f"{left} cells without numbers are left out." if left else "",
    ]
    return finished(*heading("cost", "CPU seconds per GB", family), notes, figure)


def handle(colour: str, hatch: str, marker: str, is_point: bool) -> Artist:
    """What stands in the legend for a bar, or for a point."""
    if is_point:
        return Line2D(
            [],
            [],
            color=colour,
            marker=marker,
            linestyle="none",
            markersize=7,
            markeredgecolor=style.INK,
            markeredgewidth=0.6,
        )
    return Patch(facecolor=colour, hatch=hatch, edgecolor=style.INK, linewidth=0.6)


def log_note() -> str:
    return (
        "Points on a log axis: values differ so much that bars from zero would hide the "
        "small ones."
    )


def places(
    cells: list[Cell], names: dict[str, str], least: float = 0.3
) -> tuple[dict[str, float], float]:
    """Where each cell stands, and how many inches all of them take."""
    lines = max((style.wrapped(name).count("\n") + 1 for name in names.values()), default=1)
    each = max(least, LINE * lines + 0.09)
    return {cell.id: float(index) for index, cell in enumerate(cells)}, each * len(cells) + 0.1


def draw(
    ax: Axes,
    bars: list[Bar],
    cells: list[Cell],
    rows: dict[str, float],
    names: dict[str, str],
    state_for: str,
) -> bool:
    """Bars, or points on a log axis; True in the second case."""
    medians = [bar.estimate.median for bar in bars]
    positive = [value for value in medians if value > 0]
    is_log = (
        len(positive) == len(medians)
        and len(positive) > 0
        and max(positive) / min(positive) > MOST_TIMES
    )
    for bar in bars:
        if is_log:
            ax.plot(
                bar.estimate.median,
                bar.y,
                marker=bar.marker,
                color=bar.colour,
                markersize=7,
                markeredgecolor=style.INK,
                markeredgewidth=0.6,
                linestyle="none",
                zorder=3,
            )
        else:
            ax.barh(
                bar.y,
                bar.estimate.median,
                height=bar.thickness,
                color=bar.colour,
                hatch=bar.hatch,
                edgecolor=style.INK,
                linewidth=0.6,
            )
        if bar.estimate.has_interval:
            left, right = bar.estimate.errors()
            if is_log:
                left = min(left, bar.estimate.median * 0.999)
            ax.errorbar(
                bar.estimate.median,
                bar.y,
                xerr=[[left], [right]],
                fmt="none",
                ecolor=style.INK,
                elinewidth=1.2,
                capsize=2.5,
                zorder=4,
            )
    ends = [
        end
        for bar in bars
        for end in (bar.estimate.median, bar.estimate.high, bar.estimate.low)
        if end is not None
    ]
    most = max(ends)
    if is_log:
        ax.set_xscale("log")
        least = min(end for end in ends if end > 0)
        # Room at the right for the values.
        ax.set_xlim(least / 1.5, most * (most / least) ** 0.45)
        style.plain_log_axis(ax.xaxis)
    else:
        ax.set_xlim(min(0.0, min(ends)), most * 1.38 if most > 0 else 1.0)
    if state_for:
        left_edge = ax.get_xlim()[0]
        for cell in cells:
            if cell.estimate(state_for) is None:
                ax.annotate(
                    style.shortened(cell.state, 62),
                    (left_edge, rows[cell.id]),
                    xytext=(4, 0),
                    textcoords="offset points",
                    va="center",
                    fontstyle="italic",
                    fontsize=7.5,
                    alpha=style.FADED,
                )
    ax.set_yticks([rows[cell.id] for cell in cells], [style.wrapped(names[cell.id]) for cell in cells])
    ax.set_ylim(len(cells) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x")
    if len(cells) > MANY_CELLS:
        ax.tick_params(axis="x", top=True, labeltop=True)
    return is_log


def values(ax: Axes, bars: list[Bar], with_interval: bool = True) -> None:
    """Each bar's numbers, right of its whisker."""
    for bar in bars:
        estimate = bar.estimate
        text = style.number(estimate.median)
        if with_interval and estimate.has_interval:
            text += f" [{style.number(estimate.low)}, {style.number(estimate.high)}]"
        end = max(estimate.median, estimate.high or estimate.median)
        ax.annotate(
            text,
            (end, bar.y),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.5 if with_interval else 7,
        )


def dots(
    ax: Axes, run: Run, cells: list[Cell], rows: dict[str, float], metric: Metric
) -> None:
    """The single trials, as far as the interval's text leaves them visible."""
    limit = ax.get_xlim()[1]
    for cell in cells:
        if cell.estimate(metric.name) is None:
            continue
        found = [value for _, value in run.trial_values(cell, metric.name) if 0 < value < limit]
        ax.plot(
            found,
            [rows[cell.id] + 0.22] * len(found),
            linestyle="none",
            marker="o",
            markersize=3,
            markerfacecolor="none",
            markeredgecolor=style.INK,
            markeredgewidth=0.6,
            alpha=0.8,
            zorder=5,
        )

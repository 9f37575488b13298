"""Latency over time, a panel a cell, with what the storage did beside it."""

import dataclasses

import pandas
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from report import style
from report.percentiles import NAMES
from report.plot import Plot, finished, legend_below, legend_height, new_figure
from report.run import Cell, Run
from report.selection import chosen

MOST_PANELS = 12
# A percentile of fewer records than this is one of its few slowest; a line needs so many seconds.
LEAST_RECORDS = 20
LEAST_SECONDS = 3
# A mark whose longest time is less than this part of the second's maximum explains nothing.
TELLING_PART = 0.25
# Writing back is there nearly always; it is marked where it is so many times the trial's usual.
UNUSUAL_WRITEBACK = 2.0
LEAST_WRITEBACK = 1 << 20


@dataclasses.dataclass(frozen=True)
class Mark:
    name: str
    colour: str
    marker: str
    # The column that counts them, the column of the longest one, and whether that one is weighed.
    count: str
    longest: str
    is_weighed: bool


MARKS = (
    Mark("roll", style.INK, "|", "rolls", "roll_max_us", False),
    Mark("retention", "#009E73", "D", "retentions", "retention_max_us", False),
    Mark("preallocation", "#E69F00", "s", "preallocations", "preallocation_max_us", True),
    Mark("flush", "#0072B2", "v", "flushes", "flush_max_us", True),
    Mark("writeback", "#CC79A7", "o", "writeback_bytes", "", False),
    Mark("stall", "#D55E00", "X", "stalls", "stall_max_us", False),
)
LINES = (
    ("max", "#D55E00", "-", "^"),
    ("p99", "#0072B2", (0, (5, 1.5)), "s"),
    ("p50", style.INK, (0, (1, 1.2)), "o"),
)


def over_time(run: Run) -> Plot | None:
    if run.intervals.empty:
        return None
    seconds = {
        trial: kept
        for trial, rows in run.intervals.groupby("trial_id", sort=False)
        if len(kept := with_records(rows)) >= LEAST_SECONDS
    }
    stories: dict[str, tuple[str, pandas.DataFrame]] = {}
    for cell in run.cells:
        trial = median_trial(run, cell, seconds)
        if trial:
            stories[cell.id] = (trial, seconds[trial])
    shown, left_out = chosen(
        [cell for cell in run.cells if cell.id in stories], run.headline, MOST_PANELS
    )
    if not shown:
        return None
    found = {cell.id: marks_of(stories[cell.id][1], run.latency) for cell in shown}
    kinds = [mark for mark in MARKS if any(mark.name in found[cell.id] for cell in shown)]
    columns = 1 if len(shown) == 1 else 2
    panels = -(-len(shown) // columns)
    strip = 0.16 * len(kinds) + 0.1
    labels = [name for name, *_ in LINES] + [mark.name for mark in kinds]
    figure = new_figure(panels * (1.7 + strip + 0.75) + legend_height(labels))
    ratios = [ratio for _ in range(panels) for ratio in ((1.7, strip) if kinds else (1.7,))]
    axes = figure.subplots(
        len(ratios), columns, squeeze=False, sharex=True, gridspec_kw={"height_ratios": ratios}
    )
    step = 2 if kinds else 1
    for index in range(panels * columns):
        row, column = step * (index // columns), index % columns
        upper, lower = axes[row, column], axes[row + 1, column] if kinds else None
        if index >= len(shown):
            upper.set_axis_off()
            if lower is not None:
                lower.set_axis_off()
            continue
        cell = shown[index]
        trial, rows = stories[cell.id]
        upper.set_title(
            f"{style.wrapped(cell.label, 46, 2)}\ntrial {trial}", loc="left", fontsize=8.5
        )
        panel(upper, rows, run.latency)
        if column == 0:
            upper.set_ylabel(f"{NAMES[run.latency]}\n(log scale)")
        bottom = upper if lower is None else lower
        if lower is not None:
            strip_of_marks(lower, found[cell.id], kinds, names_at_left=column == 0)
        bottom.tick_params(axis="x", labelbottom=True)
        bottom.xaxis.set_major_locator(ticker.MaxNLocator(nbins=8, integer=True))
        bottom.set_xlabel("Time since the trial's start (s)", fontsize=8)
    share_heights([axes[step * (index // columns), index % columns] for index in range(len(shown))])
    handles = [
        Line2D([], [], color=colour, linestyle=line, marker=marker, markersize=4)
        for _, colour, line, marker in LINES
    ]
    handles += [
        Line2D([], [], color=mark.colour, marker=mark.marker, linestyle="none") for mark in kinds
    ]
    legend_below(figure, handles, labels)
    notes = [
        "Of each cell, the trial with the median headline; each point is a second.",
        mark_note(kinds),
        left_out,
    ]
    return finished("latency-over-time", f"{NAMES[run.latency]} over time", notes, figure)


def with_records(rows: pandas.DataFrame) -> pandas.DataFrame:
    """The seconds that have enough records for a percentile, or whose records nobody counted."""
    records = column_of(rows, "records")
    return rows[records.isna() | (records >= LEAST_RECORDS)]


def mark_note(kinds: list[Mark]) -> str:
    if not kinds:
        return ""
    text = (
        "Rolls, retentions and stalls are always marked; flushes and preallocations where the "
        "longest one took at least a quarter of that second's maximum"
    )
    return text + (
        "; writeback where the device was asked to write at least twice the trial's median."
        if any(mark.name == "writeback" for mark in kinds)
        else "."
    )


def median_trial(run: Run, cell: Cell, seconds: dict[str, pandas.DataFrame]) -> str | None:
    """The trial in the middle by the headline, of those whose seconds are known."""
    for name in (run.headline.name, "mb_per_s", "achieved_records_per_s"):
        trials = [trial for trial, _ in run.trial_values(cell, name) if trial in seconds]
        if trials:
            return trials[(len(trials) - 1) // 2]
    return next((trial for trial in run.trials_of(cell) if trial in seconds), None)


def column_of(rows: pandas.DataFrame, name: str) -> pandas.Series:
    """A column, or unknown where the run is older than it."""
    return rows[name] if name in rows.columns else pandas.Series(float("nan"), index=rows.index)


def marks_of(rows: pandas.DataFrame, latency: str) -> dict[str, list[float]]:
    """By mark, the seconds in which it says something."""
    found = {}
    maximum = column_of(rows, f"{latency}_max_us")
    for mark in MARKS:
        counts = column_of(rows, mark.count)
        if mark.name == "writeback":
            usual = counts.median()
            is_there = (counts >= LEAST_WRITEBACK) & (counts >= UNUSUAL_WRITEBACK * usual)
        else:
            is_there = counts > 0
        if mark.is_weighed:
            is_there &= column_of(rows, mark.longest) >= TELLING_PART * maximum
        at = rows["second"][is_there].tolist()
        if at:
            found[mark.name] = at
    return found


def panel(ax: Axes, rows: pandas.DataFrame, latency: str) -> None:
    ax.set_yscale("log")
    is_short = len(rows) <= 40
    for name, colour, line, marker in LINES:
        values = column_of(rows, f"{latency}_{name}_us")
        values = values.where(values > 0)
        if values.notna().any():
            ax.plot(
                rows["second"] + 0.5,
                values,
                color=colour,
                linestyle=line,
                linewidth=1.3,
                marker=marker if is_short else None,
                markersize=3,
            )
    ax.grid()


def share_heights(axes: list[Axes]) -> None:
    """The same limits everywhere: panels are there to be compared."""
    values = [
        value
        for ax in axes
        for line in ax.get_lines()
        for value in line.get_ydata()
        if value == value and value > 0
    ]
    if values:
        limits = style.spread_for_log(min(values), max(values))
        for ax in axes:
            ax.set_ylim(*limits)
            style.time_axis(ax.yaxis)
            ax.tick_params(axis="y", labelsize=7.5)


def strip_of_marks(
    ax: Axes, found: dict[str, list[float]], kinds: list[Mark], names_at_left: bool
) -> None:
    for row, mark in enumerate(kinds):
        at = [second + 0.5 for second in found.get(mark.name, [])]
        ax.plot(
            at,
            [row] * len(at),
            linestyle="none",
            marker=mark.marker,
            color=mark.colour,
            markersize=4.5,
            markeredgewidth=1.4 if mark.marker == "|" else 0.4,
            markeredgecolor=mark.colour,
        )
    names = [mark.name for mark in kinds] if names_at_left else [""] * len(kinds)
    ax.set_yticks(range(len(kinds)), names, fontsize=7)
    ax.set_ylim(len(kinds) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid()

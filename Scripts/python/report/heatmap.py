"""The cells of a cross as a grid: backends down, ways to the socket across, a panel a metric."""

import itertools

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from report import style
from report.plot import Plot, finished, new_figure
from report.run import Cell, Metric, Run

# The colour is the verdict and nothing else; the sign in a field says it without colour.
COLOURS_OF = {"better": "#86BFE6", "worse": "#F2A277", "equivalent": "#CFE8DD"}
UNDECIDED = "#F1F1F1"
SIGNS = {"better": "▲", "worse": "▼", "equivalent": "=", "undecided": "?"}
MOST_COLUMNS = 8
# More panels than this show the deciding metric of each cross only.
MOST_PANELS = 12
DARK = "#1a1a1a"


def grids(run: Run) -> Plot | None:
    panels = panels_of(run, deciding_only=False)
    is_cut = len(panels) > MOST_PANELS
    if is_cut:
        panels = panels_of(run, deciding_only=True)
    if not panels:
        return None
    columns = 1 if len(panels) == 1 else 2
    heights = [
        0.48 * max(len({row for row, _ in grid}) for _, _, grid in panels[at : at + columns]) + 0.95
        for at in range(0, len(panels), columns)
    ]
    figure = new_figure(sum(heights))
    axes = figure.subplots(
        len(heights), columns, squeeze=False, gridspec_kw={"height_ratios": heights}
    ).flatten()
    for ax, panel in itertools.zip_longest(axes, panels):
        if panel is None:
            ax.set_axis_off()
        else:
            draw(ax, run, *panel)
    notes = [
        "Medians of trials; of percentiles, those of all records together. Colour and sign are the verdict "
        "against the baseline, which has a frame: ▲ better, ▼ worse, = equivalent, ? undecided.",
        "Of each cross the deciding metric; the table has all." if is_cut else "",
    ]
    return finished("grid", "Every combination at a glance", notes, figure)


def panels_of(run: Run, deciding_only: bool) -> list[tuple[str, Metric, dict]]:
    """Each cross that is a grid, by each of its metrics that its cells have."""
    panels = []
    for cross in run.entries("crosses"):
        grid = grid_of(run, str(cross.get("name", "")))
        if grid is None:
            continue
        metrics = [Metric.of(value) for value in cross.get("metrics") or []]
        for metric in metrics[:1] if deciding_only else metrics:
            if any(cell.estimate(metric.name) for cell in grid.values()):
                panels.append((str(cross["name"]), metric, grid))
    return panels


def grid_of(run: Run, family: str) -> dict[tuple[str, str], Cell] | None:
    """The cells of a cross by row and column; None where they do not fill a grid."""
    cells = [cell for cell in run.cells if family in cell.families]
    keys = [
        key
        for key in run.telling_keys
        if len({cell.parameters.get(key, "") for cell in cells}) > 1
    ]
    if len(keys) < 2:
        return None
    grid = {}
    for cell in cells:
        row = cell.parameters.get(keys[0], "")
        column = " ".join(cell.parameters.get(key, "") for key in keys[1:])
        grid[row, column] = cell
    rows, columns = {row for row, _ in grid}, {column for _, column in grid}
    is_full = len(grid) == len(cells) == len(rows) * len(columns)
    return grid if is_full and len(rows) > 1 and 1 < len(columns) <= MOST_COLUMNS else None


def draw(
    ax: Axes, run: Run, family: str, metric: Metric, grid: dict[tuple[str, str], Cell]
) -> None:
    rows = list(dict.fromkeys(row for row, _ in grid))
    columns = list(dict.fromkeys(column for _, column in grid))
    values = {place: value_of(cell, metric) for place, cell in grid.items()}
    verdicts = run.verdicts_of(family, metric.name)
    for (row, column), cell in grid.items():
        x, y = columns.index(column), rows.index(row)
        value = values[row, column]
        verdict = "" if cell.is_baseline else verdicts.get(cell.id, "")
        ax.add_patch(
            Rectangle(
                (x - 0.48, y - 0.46),
                0.96,
                0.92,
                facecolor=COLOURS_OF.get(verdict, UNDECIDED),
                edgecolor=style.INK if cell.is_baseline else "none",
                linewidth=1.6 if cell.is_baseline else 0,
            )
        )
        sign = SIGNS.get(verdict, "")
        text = "–" if value is None else style.number(value)
        ax.annotate(
            f"{text} {sign}".strip(), (x, y), ha="center", va="center", fontsize=8.5, color=DARK
        )
    ax.set_xlim(-0.5, len(columns) - 0.5)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xticks(range(len(columns)), [style.wrapped(name, 14) for name in columns])
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(length=0)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    direction = "more is better" if metric.more_is_better else "less is better"
    ax.set_title(f"{family}: {metric.axis}\n{direction}", fontsize=8.5, loc="left")


def value_of(cell: Cell, metric: Metric) -> float | None:
    estimate = cell.estimate(metric.name)
    if estimate is None:
        return None
    merged = estimate.of_all_records
    return estimate.median if merged is None else merged

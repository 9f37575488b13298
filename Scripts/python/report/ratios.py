"""Ratios with their intervals: what the verdicts are about, a plot a metric."""

from matplotlib.lines import Line2D

from report import style
from report.bars import VERDICTS
from report.plot import Plot, finished, legend_below, legend_height, new_figure
from report.run import Run

MOST_ROWS = 48
AGAINST = {
    "baseline": "against the baseline",
    "syscalls": "against system calls",
    "contrast": "each ratio against the one at the axis's first value",
    "build": "against the base build",
}
ROW = 0.22
HEADING = 0.34


def by_metric(run: Run) -> list[Plot]:
    rows: dict[str, list[dict]] = {}
    for row in run.entries("comparisons"):
        if isinstance(row, dict) and row.get("ratio") and row.get("low") and row.get("high"):
            rows.setdefault(str(row.get("metric")), []).append(row)
    return [ratios(run, metric, found) for metric, found in rows.items()]


def ratios(run: Run, metric: str, rows: list[dict]) -> Plot:
    note = ""
    if len(rows) > MOST_ROWS:
        decided = [row for row in rows if row.get("verdict") != "undecided"]
        kept = decided or rows[:MOST_ROWS]
        if len(kept) < len(rows):
            note = f"{len(rows) - len(kept)} undecided comparisons are left out; the table has all."
        rows = kept
    families: dict[tuple[str, str], list[dict]] = {}
    for row in rows:
        families.setdefault((str(row["family"]), str(row["kind"])), []).append(row)
    kinds = [kind for kind in VERDICTS if any(row["verdict"] == kind for row in rows)]
    height = ROW * len(rows) + HEADING * len(families) + 0.8 + legend_height(kinds)
    figure = new_figure(height)
    ax = figure.subplots()
    ticks: list[tuple[float, str]] = []
    y = 0.0
    for (family, kind), found in families.items():
        y += HEADING / ROW
        ax.annotate(
            f"{family}, {AGAINST.get(kind, kind)}",
            (0, y - 0.75),
            xycoords=("axes fraction", "data"),
            fontsize=8,
            fontweight="bold",
        )
        for row in found:
            point(ax, row, y)
            place = f" ({row['place']})" if row.get("place") else ""
            name = f"{row.get('subject')} / {row.get('other')}{place}"
            ticks.append((y, style.shortened(name, 74)))
            y += 1
    ax.axvline(1, color=style.INK, linewidth=0.8)
    ax.set_xscale("log")
    ends = [float(row[end]) for row in rows for end in ("low", "high")]
    ax.set_xlim(*style.spread_for_log(min([*ends, 0.9]), max([*ends, 1.1])))
    style.plain_log_axis(ax.xaxis)
    ax.set_yticks([place for place, _ in ticks], [name for _, name in ticks], fontsize=7)
    ax.set_ylim(y - 0.4, 0.2)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x")
    title = run.title_of(metric)
    ax.set_xlabel(f"Ratio of {title.lower()} (log scale)")
    handles = [
        Line2D([], [], color=VERDICTS[kind][0], marker=VERDICTS[kind][2], linestyle="-", markersize=5)
        for kind in kinds
    ]
    legend_below(figure, handles, kinds)
    notes = [
        "Geometric means over blocks; the lines are t intervals at the level that the correction for "
        "several comparisons gives each.",
        note,
    ]
    name = f"ratios-{metric.replace('_', '-')}"
    return finished(name, f"Ratios of {title.lower()}", notes, figure)


def point(ax, row: dict, y: float) -> None:
    colour, _, marker = VERDICTS.get(str(row["verdict"]), VERDICTS[""])
    ax.plot([row["low"], row["high"]], [y, y], color=colour, linewidth=1.6)
    ax.plot(
        row["ratio"],
        y,
        color=colour,
        marker=marker,
        markersize=5,
        markeredgecolor=style.INK,
        markeredgewidth=0.5,
        linestyle="none",
    )

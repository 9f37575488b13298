"""How plots look: colours that the colour-blind can tell apart, and never a colour alone."""

import math
import textwrap

import matplotlib

matplotlib.use("Agg")

from matplotlib import ticker  # noqa: E402  (the backend is chosen before anything draws)

# Stands for the colour of text and axes until it is known where the plot is shown: on a page it
# becomes the page's own text colour, in a file a dark grey on white.
INK = "#010203"
FADED = 0.65

# Okabe and Ito's colours; their black is INK, which must also do on a dark page, and their yellow,
# hard to see on white, is left for a grey.
COLOURS = (INK, "#E69F00", "#0072B2", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#8A8A8A")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LINES = (
    "-",
    (0, (6, 2)),
    (0, (1, 1.2)),
    (0, (7, 2, 1.5, 2)),
    (0, (3, 1.5)),
    (0, (7, 2, 1.5, 2, 1.5, 2)),
    (0, (11, 3)),
    (0, (2, 3)),
)
MOST_LINES = len(COLOURS)

WIDTH = 8.0
LABEL_WIDTH = 36

SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "varve",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Helvetica", "Arial"],
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9.0,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.titlecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "hatch.color": INK,
    "grid.color": INK,
    "grid.alpha": 0.16,
    "grid.linewidth": 0.6,
    "legend.labelcolor": INK,
    "legend.frameon": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.axisbelow": True,
    "lines.linewidth": 1.7,
    "lines.markersize": 5.0,
    "hatch.linewidth": 0.7,
    # Without this, a label with two dollar signs would be taken for a formula.
    "text.parse_math": False,
    "axes.unicode_minus": True,
}


def wrapped(text: str, width: int = LABEL_WIDTH, most_lines: int = 4) -> str:
    lines = textwrap.wrap(text, width, break_on_hyphens=False) or [""]
    if len(lines) > most_lines:
        lines = lines[:most_lines]
        lines[-1] = lines[-1][: width - 1] + "…"
    return "\n".join(lines)


def shortened(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def number(value: float) -> str:
    """Three digits, as people read them."""
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}".replace(",", "\u202f")
    digits = max(0, 2 - math.floor(math.log10(size)))
    text = f"{value:.{min(digits, 6)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def duration(microseconds: float, _position: int | None = None) -> str:
    """A time with the unit that suits it."""
    for limit, factor, unit in ((1, 1e3, "ns"), (1e3, 1, "µs"), (1e6, 1e-3, "ms")):
        if microseconds < limit * 0.9999:
            return f"{number(microseconds * factor)} {unit}"
    return f"{number(microseconds * 1e-6)} s"


def size(value: float) -> str:
    """A number of bytes in powers of two where it is a round one."""
    for factor, unit in ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if value >= factor and (value / factor * 8) % 1 == 0:
            return f"{number(value / factor)} {unit}"
    return number(value)


def time_axis(axis) -> None:
    """A log axis of microseconds whose ticks name their units; more where decades are few."""
    axis.set_major_formatter(ticker.FuncFormatter(duration))
    axis.set_minor_formatter(ticker.NullFormatter())
    low, high = axis.get_view_interval()
    decades = math.log10(high / low) if low > 0 and high > low else 3
    several = (1.0, 2.0, 5.0) if decades < 2.2 else (1.0, 3.0) if decades < 3.2 else (1.0,)
    axis.set_major_locator(ticker.LogLocator(base=10, subs=several, numticks=20))
    axis.set_minor_locator(ticker.LogLocator(base=10, subs="auto", numticks=20))


def plain_log_axis(axis) -> None:
    """A log axis of plain numbers."""
    low, high = axis.get_view_interval()
    decades = math.log10(high / low) if low > 0 and high > low else 3
    several = (1.0, 2.0, 5.0) if decades < 2.2 else (1.0, 3.0) if decades < 3.2 else (1.0,)
    axis.set_major_locator(ticker.LogLocator(base=10, subs=several, numticks=20))
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: number(value)))
    axis.set_minor_formatter(ticker.NullFormatter())


def spread_for_log(low: float, high: float) -> tuple[float, float]:
    """Limits of a log axis around these values, at least half a decade apart."""
    if high / low < 3:
        middle = math.sqrt(low * high)
        low, high = min(low, middle / 1.8), max(high, middle * 1.8)
    return low / 1.15, high * 1.15

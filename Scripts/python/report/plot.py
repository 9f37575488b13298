"""A finished plot: one drawing, for a file on white and for a page in that page's colours."""

import dataclasses
import html
import io
import os
import re

import matplotlib
from matplotlib.figure import Figure

from report import files, style

FILE_INK = "#1a1a1a"
# The one colour that a dark page swallows, as matplotlib writes it; the page has two shades of it.
BLUE = "#0072b2"


@dataclasses.dataclass
class Plot:
    name: str
    # What is seen, in a few words; the figure's heading and its name for screen readers.
    title: str
    # How to read it and what is left out: sentences under the plot.
    notes: list[str]
    svg: str
    # Only where it is asked for.
    png: bytes | None = None

    def for_file(self) -> str:
        """A file of its own: on white, with its title."""
        text = self.svg.replace(style.INK, FILE_INK)
        title = html.escape(self.title)
        head = (
            f'{files.OURS}<title>{title}</title><rect width="100%" height="100%" fill="#ffffff"/>'
        )
        return re.sub(r"(<svg\b[^>]*>)", lambda found: found.group(1) + head, text, count=1)

    def for_page(self) -> str:
        """To stand inside of HTML: no prolog, no name spaces, ids and styles that are its alone."""
        text = self.svg[self.svg.index("<svg") :]
        text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
        # A style sheet inside an inlined SVG holds for the whole page; the page has this rule.
        text = re.sub(r"<style\b.*?</style>", "", text, flags=re.DOTALL)
        text = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", text)
        text = text.replace("xlink:href=", "href=").replace(style.INK, "currentColor")
        text = text.replace(BLUE, "var(--plot-blue)")
        # Matplotlib numbers its elements anew in each plot.
        text = re.sub(r'(?<=\s)id="([^"]+)"', rf'id="{self.name}--\1"', text)
        text = re.sub(r'href="#([^"]+)"', rf'href="#{self.name}--\1"', text)
        text = re.sub(r"url\(#([^)]+)\)", rf"url(#{self.name}--\1)", text)
        width, height = (
            float(re.search(rf'<svg\b[^>]*\s{side}="([\d.]+)pt"', text).group(1))
            for side in ("width", "height")
        )
        title_id = f"{self.name}--title"
        start = (
            f'<svg role="img" aria-labelledby="{title_id}" viewBox="0 0 {width:g} {height:g}">'
            f'<title id="{title_id}">{html.escape(self.title)}</title>'
        )
        return re.sub(r"<svg\b[^>]*>", lambda _: start, text, count=1)


def new_figure(height: float, width: float = style.WIDTH) -> Figure:
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.06, h_pad=0.06, hspace=0.03, wspace=0.03)
    return figure


def finished(name: str, title: str, notes: list[str], figure: Figure) -> Plot:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    png = None
    if os.environ.get("VARVE_PLOT_PNG"):
        pixels = io.BytesIO()
        figure.savefig(
            pixels, format="png", dpi=150, facecolor="#ffffff", metadata={"Software": None}
        )
        png = pixels.getvalue()
    return Plot(name, title, [note for note in notes if note], text.getvalue(), png)


def legend_below(figure: Figure, handles: list, labels: list[str]) -> None:
    """A legend under everything, in columns where its texts are short enough for that."""
    longest = max(map(len, labels), default=0)
    columns = 1 if longest > 52 else 2 if longest > 30 else 3 if longest > 17 else 5
    figure.legend(
        handles,
        labels,
        loc="outside lower left",
        ncols=min(columns, len(labels)),
        handlelength=3.4,
        borderaxespad=0.2,
    )


def legend_height(labels: list[str]) -> float:
    """What `legend_below` will take, in inches: constrained layout takes it from the axes."""
    longest = max(map(len, labels), default=0)
    columns = 1 if longest > 52 else 2 if longest > 30 else 3 if longest > 17 else 5
    lines = sum(label.count("\n") for label in labels)
    return 0.2 * (-(-len(labels) // columns) + lines) + 0.15


def settings():
    return matplotlib.rc_context(style.SETTINGS)

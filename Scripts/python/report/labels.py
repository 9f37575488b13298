"""Short labels: what a group of cells has in common is told once."""

import re

from report.run import Cell


def slug(text: str) -> str:
    """A part of a file's name."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-") or "all"


def short(cells: list[Cell]) -> tuple[dict[str, str], str]:
    """A label for each cell, by its id, and a sentence with the words that all of them share."""
    words = {cell.id: cell.label.split() for cell in cells}
    common = set.intersection(*(set(own) for own in words.values())) if len(cells) > 1 else set()
    first = words[cells[0].id] if cells else []
    shared = [word for word in first if word in common]
    left = {
        name: " ".join(word for word in own if word not in common) or "none of these"
        for name, own in words.items()
    }
    return left, f"All with {' '.join(shared)}." if shared else ""


def by_family(cells: list[Cell], most: int) -> list[tuple[str, list[Cell]]]:
    """The cells in groups that one plot has room for: all of them, or those of each cross.

    A cell of several crosses is in each of them.
    """
    names = list(dict.fromkeys(name for cell in cells for name in cell.families))
    if len(cells) <= most or len(names) < 2:
        return [("", cells)]
    groups = [(name, [cell for cell in cells if name in cell.families]) for name in names]
    rest = [cell for cell in cells if not cell.families]
    return [*groups, *([("others", rest)] if rest else [])]

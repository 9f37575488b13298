"""Which cells a plot shows that has no room for all."""

from report.run import Cell, Metric


def chosen(cells: list[Cell], headline: Metric, most: int) -> tuple[list[Cell], str]:
    """At most so many cells, in their order, and a sentence that says what is left out.

    Baselines first, then the best and the worst, then those spread evenly between.
    """
    if len(cells) <= most:
        return cells, ""

    def value(cell: Cell) -> float:
        estimate = cell.estimate(headline.name)
        if estimate is None:
            return float("-inf")
        return estimate.median if headline.more_is_better else -estimate.median

    ranked = sorted(cells, key=value, reverse=True)
    taken = {cell.id for cell in cells if cell.is_baseline and len(cells) > most}
    if len(taken) > most // 2:
        taken = {cell.id for cell in [cell for cell in cells if cell.is_baseline][: most // 2]}
    places = [round(step * (len(ranked) - 1) / (most - 1)) for step in range(most)]
    # The ends before the middle, so that a baseline never takes the best or the worst one's place.
    order = [places[0], places[-1], *places[1:-1], *range(len(ranked))]
    for place in order:
        if len(taken) >= most:
            break
        taken.add(ranked[place].id)
    shown = [cell for cell in cells if cell.id in taken]
    return shown, (
        f"{len(shown)} of {len(cells)} cells are shown: baselines, the best, the worst "
        f"and some between by {headline.title.lower()}; the table has all."
    )

"""All plots of a run, in the order in which the page shows them. One without data is not made."""

from report import axes_of_numbers, bars, heatmap, percentiles, ratios, timeline
from report.plot import Plot, settings
from report.run import Run


def draw(run: Run) -> list[Plot]:
    with settings():
        plots = [
            heatmap.grids(run),
            *bars.throughput(run),
            *ratios.by_metric(run),
            *percentiles.by_percentile(run, run.latency, "latency-by-percentile"),
            *percentiles.by_percentile(run, "e2e", "e2e-by-percentile"),
            timeline.over_time(run),
            *bars.cost(run),
            *axes_of_numbers.rate_ladder(run),
            *axes_of_numbers.by_keys(run),
        ]
    return [plot for plot in plots if plot]

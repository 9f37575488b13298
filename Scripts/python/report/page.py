"""The page of a run: one file that needs nothing else."""

import pathlib

from report import page_parts as parts
from report.page_parts import escape
from report.plot import Plot
from report.run import THROUGHPUTS, Run

STYLE = pathlib.Path(__file__).with_name("page.css")
# Sections of their own; whatever else there is follows them.
# Each has the plots whose names begin so.
SECTIONS = (
    ("throughput", "Throughput", ("throughput",)),
    ("ratios", "Ratios", ("ratios",)),
    ("latency", "Latency by percentile", ("latency-by-percentile", "e2e-by-percentile")),
    ("time", "Latency over time", ("latency-over-time",)),
    ("cost", "Cost per GB", ("cost",)),
)


def render(run: Run, plots: list[Plot]) -> str:
    by_name = {plot.name: plot for plot in plots}
    sections = [("answer", "Answer", parts.answer(run))]
    if grid := by_name.pop("grid", None):
        sections.append(("grid", "At a glance", parts.figure(grid)))
    if verdicts := parts.verdicts(run):
        sections.append(("verdicts", "Verdicts", verdicts))
    for name, title, names in SECTIONS:
        found = [by_name.pop(plot) for plot in list(by_name) if plot.startswith(names)]
        if name == "throughput" and run.headline.name not in THROUGHPUTS:
            title = f"{run.headline.title}; throughput"
        if found:
            sections.append((name, title, "".join(map(parts.figure, found))))
    if by_name:
        sections.append(("axes", "What the axes do", "".join(map(parts.figure, by_name.values()))))
    sections += [
        ("cells", "All cells", parts.table(run)),
        *([("p-values", "All p-values", parts.comparisons(run))] if run.entries("comparisons") else []),
        *([("survives", "What survives", parts.survives(run))] if run.entries("survives") else []),
        ("complaints", "Trials that did not run well", parts.complaints(run)),
        ("environment", "Environment", parts.environment(run)),
        ("repeat", "To repeat it", parts.command(run)),
    ]
    links = "".join(
        f'<li><a href="#{name}">{escape(title)}</a></li>' for name, title, _ in sections
    )
    body = "\n".join(
        f'<section id="{name}" aria-labelledby="{name}-heading">'
        f'<h2 id="{name}-heading">{escape(title)}</h2>\n{content}\n</section>'
        for name, title, content in sections
    )
    question = run.text("question")
    lead = f'<p class="lead">{escape(question)}</p>' if question else ""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(run.suite)}: report</title>
<style>
{STYLE.read_text(encoding="utf-8")}</style>
</head>
<body>
<header>
<h1>{escape(run.suite)}</h1>
{lead}
<nav aria-label="Sections"><ul>{links}</ul></nav>
</header>
<main>
{body}
</main>
</body>
</html>
"""

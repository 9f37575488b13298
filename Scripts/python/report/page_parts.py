"""The parts of the page: answer, figures, table, complaints, environment, command."""

import html
import json

from report import style
from report.plot import Plot
from report.run import Cell, Estimate, Run

BADGES = {
    "better": ("▲", "better"),
    "worse": ("▼", "worse"),
    "equivalent": ("=", "same"),
    "holds": ("▲", "better"),
    "fails": ("▼", "worse"),
    "undecided": ("?", "few"),
}
MOST_VERDICTS = 12


def escape(value: object) -> str:
    return html.escape(str(value))


def answer(run: Run) -> str:
    sentences = [str(sentence) for sentence in run.entries("answer")]
    last = run.text("last_line")
    text = "".join(f'<p class="result">{escape(sentence)}</p>' for sentence in sentences[:2])
    text += "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences[2:])
    if last:
        text += f"<p>{escape(last)}</p>" if sentences else f'<p class="result">{escape(last)}</p>'
    warnings = [f"<li>{escape(warning)}</li>" for warning in run.entries("warnings")]
    text += folded(warnings, "warnings", "further warnings")
    notes = [f"<li>{escape(note)}</li>" for note in run.entries("notes")]
    text += folded(notes, "notes", "further notes")
    return text or "<p>There is none: no cell could be compared with its baseline.</p>"


def verdicts(run: Run) -> str:
    """Those that decide, and behind a click those of further metrics."""
    families = [family for family in run.entries("families") if isinstance(family, dict)]
    text = "".join(section(family) for family in families if family.get("is_deciding", True))
    others = "".join(section(family) for family in families if not family.get("is_deciding", True))
    if others:
        text += f"<details><summary>Verdicts of further metrics</summary>{others}</details>"
    return text


def section(family: dict) -> str:
    items = [verdict(item) for item in family.get("sentences") or []]
    return f"<h3>{escape(family.get('heading', ''))}</h3>" + folded(
        items, "verdicts", "further verdicts"
    )


def comparisons(run: Run) -> str:
    """Every comparison with its p-values, behind a click."""
    titles = ("Family", "Metric", "Cell", "Against", "Ratio", "Low", "High", "Level", "p",
              "p adjusted", "Pairs", "Verdict")
    keys = ("family", "metric", "subject", "other", "ratio", "low", "high", "level", "p",
            "p_adjusted", "pairs", "verdict")
    rows = ""
    for item in run.entries("comparisons"):
        texts = [item.get(key) for key in keys]
        texts[2] = f"{texts[2]} ({item['place']})" if item.get("place") else texts[2]
        cells = "".join(
            f'<td{"" if isinstance(text, (int, float)) else " class=trials"}>{cell_text(text)}</td>'
            for text in texts
        )
        rows += f"<tr>{cells}</tr>"
    head = "".join(f'<th scope="col">{title}</th>' for title in titles)
    return (
        "<details><summary>Ratios, intervals and p-values of all comparisons</summary>"
        '<div class="scroll table" tabindex="0" role="region" aria-label="All verdicts"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></details>"
        "<p>The same is in <code>verdicts.csv</code>.</p>"
    )


def cell_text(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) >= 0.0001 or value == 0 else f"{value:.1e}"
    return escape(value)


def verdict(item: dict) -> str:
    """A sentence, with a badge where it is about one comparison."""
    name = str(item.get("verdict") or "")
    text = f'<span>{escape(item.get("text", ""))}</span></li>'
    if name not in BADGES:
        return f"<li>{text}"
    sign, kind = BADGES[name]
    return (
        f'<li><span class="badge {kind}"><span aria-hidden="true">{sign}</span> '
        f"{escape(name)}</span> {text}"
    )


def folded(items: list[str], kind: str, rest: str) -> str:
    """A list; where it is long, most of it behind a click."""
    if not items:
        return ""
    text = f'<ul class="{kind}">{"".join(items[:MOST_VERDICTS])}</ul>'
    if len(items) > MOST_VERDICTS:
        hidden = items[MOST_VERDICTS:]
        text += (
            f'<details><summary>{len(hidden)} {rest}</summary>'
            f'<ul class="{kind}">{"".join(hidden)}</ul></details>'
        )
    return text


def figure(plot: Plot) -> str:
    notes = " ".join(escape(note) for note in plot.notes)
    return (
        f'<figure><div class="scroll" tabindex="0" role="region" '
        f'aria-label="{escape(plot.title)}">{plot.for_page()}</div>'
        f'<figcaption><strong>{escape(plot.title)}.</strong> {notes}</figcaption></figure>\n'
    )


def table(run: Run) -> str:
    headline = run.headline
    latency = run.latency
    columns: list[tuple[str, str, bool]] = [
        (
            headline.name,
            f"{headline.title}{f' ({headline.unit})' if headline.unit else ''}, median of trials "
            "[95 %]",
            True,
        )
    ]
    other = run.throughput()
    if other and other.name != headline.name and not headline.name.startswith("achieved"):
        columns.append((other.name, f"{other.title} ({other.unit})", False))
    others = [f"{latency}_{part}_us" for part in ("p50", "p99", "p999", "max")]
    others += ["cpu_s_per_gb", "cpu_s_per_moved_gb", "schedule_delay_p50_us", "schedule_delay_p99_us"]
    columns += [(name, run.axis_of(name), False) for name in others if name != headline.name]
    columns = [column for column in columns if any(cell.estimate(column[0]) for cell in run.cells)]
    head = "".join(f'<th scope="col">{escape(title)}</th>' for _, title, _ in columns)
    has_survival = any(cell.power_cut for cell in run.cells)
    if has_survival:
        head += '<th scope="col">A power cut takes</th>'
    rows = "".join(row(cell, columns, has_survival) for cell in run.cells)
    name = "Response" if latency == "response" else "Service"
    return (
        f"<p>Medians of trials. Percentiles of {name.lower()} times are of all records of a cell "
        f"together, where the run keeps its histograms, else medians of its trials' percentiles. "
        f"The maximum is the median of the trials' longest. The schedule delay is how late the "
        f"generator itself was.</p>"
        f'<div class="scroll table" tabindex="0" role="region" aria-label="All cells"><table>'
        f'<thead><tr><th scope="col">Cell</th>{head}<th scope="col">Trials</th></tr></thead>'
        f'<tbody>{rows}</tbody></table></div>'
    )


def row(cell: Cell, columns: list[tuple[str, str, bool]], has_survival: bool) -> str:
    badge = ' <span class="badge base">baseline</span>' if cell.is_baseline else ""
    numbers = "".join(
        f"<td>{amount(cell.estimate(name), with_interval)}</td>"
        for name, _, with_interval in columns
    )
    if has_survival:
        numbers += f'<td class="trials">{escape(power_cut_of(cell.power_cut))}</td>'
    counts = ", ".join(f"{count} {status}" for status, count in cell.statuses.items() if count)
    reason = f'<br><span class="reason">{escape(cell.reason)}</span>' if cell.reason else ""
    return (
        f'<tr><th scope="row"><span class="id">{escape(cell.id)}</span> {escape(cell.label)}'
        f'{badge}</th>{numbers}<td class="trials">{escape(counts)}{reason}</td></tr>'
    )


def power_cut_of(statement: str) -> str:
    """As an answer to what it takes."""
    return "nothing" if statement == "nothing lost" else statement or "–"


def survives(run: Run) -> str:
    """What each backend and durability was seen to keep, by the program that was measured."""
    titles = ("Backend", "Durability", "Process kill", "Power cut", "Histories", "Power cuts",
              "Kills", "Most lost (ms)")
    keys = ("backend", "durability", "process_kill", "power_cut", "histories", "power_cuts",
            "process_kills", "lost_ms_max")
    head = "".join(f'<th scope="col">{title}</th>' for title in titles)
    rows = "".join(
        "<tr>"
        + "".join(
            f'<td{"" if index > 3 else " class=trials"}>{escape(item.get(key, ""))}</td>'
            for index, key in enumerate(keys)
        )
        + "</tr>"
        for item in run.entries("survives")
        if isinstance(item, dict)
    )
    return (
        "<p>Of what was acknowledged, by random histories on a simulated disk "
        "(<code>varve crash</code>); <em>nothing lost</em> is of every cut and kill in them. "
        "Most lost is how old the oldest lost record was, on that disk's clock.</p>"
        '<div class="scroll table" tabindex="0" role="region" aria-label="What survives"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def amount(estimate: Estimate | None, with_interval: bool) -> str:
    if estimate is None:
        return '<span class="unknown" title="not known">–</span>'
    if estimate.of_all_records is not None and not with_interval:
        return escape(style.number(estimate.of_all_records))
    text = style.number(estimate.median)
    if with_interval and estimate.has_interval:
        text += f" [{style.number(estimate.low)}, {style.number(estimate.high)}]"
    return escape(text)


def complaints(run: Run) -> str:
    items = [f"<li>{escape(text)}</li>" for text in run.entries("complaints")]
    return folded(items, "complaints", "more") or "<p>All trials ran as they should.</p>"


def environment(run: Run) -> str:
    known = run.document.get("environment")
    if not isinstance(known, dict) or not known:
        return "<p>Not known.</p>"
    facts = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>"
        for name, text in environment_facts(known)
        if text
    )
    whole = escape(json.dumps(known, indent=2, ensure_ascii=False))
    return (
        f'<dl>{facts}</dl><details><summary>Everything that environment.json says</summary>'
        f'<pre tabindex="0">{whole}</pre></details>'
    )


def environment_facts(known: dict) -> list[tuple[str, str]]:
    def of(*path: str) -> str:
        value: object = known
        for key in path:
            if not isinstance(value, dict):
                return ""
            value = value.get(key)
        return "" if value is None or isinstance(value, (dict, list)) else str(value)

    def joined(*texts: str) -> str:
        return ", ".join(text for text in texts if text)

    def size(text: str) -> str:
        return f"{int(text) / (1 << 30):.1f} GiB" if text.isdigit() else text

    commit = of("program", "commit")
    if of("program", "hasLocalChanges") == "True":
        commit += " with local changes"
    processors = of("machine", "processors")
    numa = of("machine", "numaNodes")
    logical = of("storage", "logicalBlockBytes")
    return [
        ("Started", of("startedAt")),
        ("Kernel", joined(of("machine", "kernel"), of("machine", "architecture"))),
        (
            "CPU",
            joined(
                of("machine", "cpuModel"),
                processors and f"{processors} processors",
                of("machine", "cpuGovernor"),
            ),
        ),
        ("Virtualization", joined(of("machine", "virtualization"), of("machine", "hypervisor"))),
        (
            "Memory",
            joined(
                size(of("machine", "memoryBytes")),
                (
                    "huge pages: " + of("machine", "transparentHugePages")
                    if of("machine", "transparentHugePages")
                    else ""
                ),
            ),
        ),
        ("NUMA", numa and f"{numa} node{'' if numa == '1' else 's'}"),
        ("Clock source", of("machine", "clockSource")),
        ("File system", joined(of("storage", "fileSystem"), of("storage", "mountOptions"))),
        (
            "Block device",
            joined(
                of("storage", "source"),
                of("storage", "blockDevice"),
                of("storage", "deviceModel"),
                of("storage", "writeCache") and f"cache: {of('storage', 'writeCache')}",
                of("storage", "scheduler"),
                logical and f"blocks of {logical} bytes",
            ),
        ),
        (
            "Limits",
            joined(
                *(
                    f"{label} {of('limits', key)}"
                    for key, label in (
                        ("openFiles", "open files"),
                        ("lockedMemory", "locked memory"),
                        ("fileSize", "file size"),
                    )
                    if of("limits", key)
                )
            ),
        ),
        ("Commit", commit),
        ("Swift", joined(of("program", "swift"), of("program", "build"))),
        (
            "Seed, repeats",
            joined(
                *(
                    f"{key} {of('suite', key)}"
                    for key in ("seed", "repeats", "warmup")
                    if of("suite", key)
                )
            ),
        ),
    ]


def command(run: Run) -> str:
    text = run.text("command")
    if not text:
        return "<p>Not known.</p>"
    return f'<pre class="command" tabindex="0"><code>{escape(text)}</code></pre>'

"""The plotter by itself: a made-up run in, plots and a page out, mistakes in one line."""

import csv
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import xml.etree.ElementTree

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "Scripts/python/report"

sys.path[:0] = [str(PACKAGE.parent), str(pathlib.Path(__file__).parent)]

import synthetic_run  # noqa: E402
from report import axes_of_numbers, histograms, labels, run, selection, style, timeline  # noqa: E402

PLOTS = [
    "grid",
    "throughput",
    "ratios-response-p99-us",
    "latency-by-percentile-rates",
    "latency-by-percentile-sizes",
    "e2e-by-percentile-rates",
    "e2e-by-percentile-sizes",
    "latency-over-time",
    "cost",
    "rate-ladder",
    "by-batch-bytes",
]

# The tests share drawings that take long, and so a process.
pytestmark = pytest.mark.xdist_group("plotter")


def plot(folder, document, *options, environment=None):
    text = document if isinstance(document, (str, bytes)) else json.dumps(document)
    return subprocess.run(
        [sys.executable, *options, PACKAGE, folder],
        capture_output=True,
        timeout=120,
        input=text if isinstance(text, bytes) else text.encode(),
        env={**os.environ, **(environment or {})},
    )


def complaint(process):
    """The one line of a run that failed as it should."""
    assert process.returncode == 1, process.stderr.decode()
    assert process.stdout == b""
    lines = process.stderr.decode().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    document = synthetic_run.write(folder)
    process = plot(folder, document)
    assert process.returncode == 0, process.stderr.decode()
    assert process.stderr == b""
    return folder, document, process


@pytest.fixture
def small(tmp_path):
    """A run of one cell, to be broken."""
    return tmp_path, synthetic_run.write(tmp_path, cells=1, with_seconds=False)


def test_every_file_is_written_and_named(drawn):
    folder, _, process = drawn
    expected = [f"{folder}/plots/{name}.svg" for name in PLOTS] + [f"{folder}/report.html"]
    assert process.stdout.decode().splitlines() == expected
    assert sorted(path.name for path in (folder / "plots").iterdir()) == sorted(
        f"{name}.svg" for name in PLOTS
    )
    assert not [path for path in folder.rglob("*") if path.name.endswith(".tmp")]


@pytest.mark.parametrize(
    "name, texts",
    [
        (
            "throughput",
            [
                "Response time, 99th percentile (µs), less is better",
                "Throughput (MB/s), more is better",
                "skipped: no O_DIRECT",
                "failed: no",
                "better than baseline",
            ],
        ),
        (
            "latency-by-percentile-rates",
            ["Response time (log scale)", "Percentile (%)", "99.9 %", " ms", "rate=10000"],
        ),
        ("e2e-by-percentile-sizes", ["End-to-end latency (log scale)"]),
        ("grid", ["rates: Response time, 99th percentile (µs)", "buffered", "80000", "▲", "▼"]),
        ("ratios-response-p99-us", ["rates, against the baseline", "direct / buffered", "log scale"]),
        (
            "latency-over-time",
            [
                "Time since the trial's start (s)",
                "roll",
                "retention",
                "flush",
                "preallocation",
                "writeback",
                "stall",
                " ms",
            ],
        ),
        (
            "cost",
            ["CPU time per GB (s/GB)", "CPU of the target", "CPU of the receiver", "CPU of the machine"],
        ),
        ("rate-ladder", ["Achieved rate (records/s)", "p99.9", "backend=direct"]),
        ("by-batch-bytes", ["batch_bytes (bytes, log scale)", "4 KiB", "256 KiB", "(µs)"]),
    ],
)
def test_plots_have_units_and_labels(drawn, name, texts):
    tree = xml.etree.ElementTree.parse(drawn[0] / "plots" / f"{name}.svg")
    content = " ".join("".join(element.itertext()) for element in tree.iter())
    for text in texts:
        assert text in content, text
    assert style.INK not in (drawn[0] / "plots" / f"{name}.svg").read_text()


def test_page_needs_nothing_else(drawn):
    page = (drawn[0] / "report.html").read_text()
    assert not re.search(r"""(?:src|href|srcset|poster|data)\s*=\s*["']?[^#"'\s]""", page)
    assert not re.search(r"""url\(\s*["']?[^#"'\s]""", page)
    assert "@import" not in page and "http:" not in page and "https:" not in page
    assert "<script" not in page and style.INK not in page


def test_ids_are_unique_and_references_lead_somewhere(drawn):
    page = (drawn[0] / "report.html").read_text()
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    references = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)|aria-labelledby="([^"]+)"', page)
    assert references
    assert {next(filter(None, found)) for found in references} <= set(ids)


def test_page_has_every_section_and_escapes(drawn):
    _, document, _ = drawn
    page = (drawn[0] / "report.html").read_text()
    headings = re.findall(r"<h2[^>]*>([^<]*)</h2>", page)
    assert headings == [
        "Answer",
        "At a glance",
        "Verdicts",
        "Response time, 99th percentile; throughput",
        "Ratios",
        "Latency by percentile",
        "Latency over time",
        "Cost per GB",
        "What the axes do",
        "All cells",
        "All p-values",
        "Trials that did not run well",
        "Environment",
        "To repeat it",
    ]
    assert page.count('<svg role="img"') == len(PLOTS)
    assert "a &lt;b&gt; &amp; &quot;c&quot; $x$ &lt;/script&gt;" in page
    assert "<b>" not in page
    for cell in document["cells"]:
        assert f'<span class="id">{cell["id"]}</span>' in page
    assert "Verdicts of further metrics" in page and "trials fall into two groups" in page
    for kind in ("better", "worse", "equivalent", "undecided"):
        assert f"{kind}</span>" in page
    assert "\ufffd" not in page


def test_same_input_gives_same_bytes(small):
    folder, document = small
    contents = []
    for _ in range(2):
        assert plot(folder, document).returncode == 0
        contents.append(
            [path.read_bytes() for path in sorted(folder.glob("plots/*"))]
            + [(folder / "report.html").read_bytes()]
        )
    assert contents[0] == contents[1]


def test_a_plot_without_data_is_not_made_and_an_old_one_goes(small):
    folder, document = small
    assert plot(folder, document).returncode == 0
    assert (folder / "plots/cost.svg").exists()
    (folder / "plots/mine.svg").write_text("<svg/>")
    for name in ("cpu_s_per_gb", "receiver_cpu_s_per_gb", "machine_cpu_s_per_gb"):
        del document["cells"][0]["metrics"][name]
    assert plot(folder, document).returncode == 0
    assert not (folder / "plots/cost.svg").exists()
    assert (folder / "plots/mine.svg").exists()
    assert not (folder / "plots/latency-over-time.svg").exists()
    assert not (folder / "plots/rate-ladder.svg").exists()


def test_texts_that_no_page_may_hold(small):
    folder, document = small
    document["cells"][0]["label"] = "nul\0 bell\a half\ud800 日本 $a$ $b$ " + "long-" * 20
    document["question"] = document["cells"][0]["label"]
    process = plot(folder, document)
    assert process.returncode == 0 and process.stderr == b"", process.stderr.decode()
    for path in (folder / "plots").iterdir():
        xml.etree.ElementTree.parse(path)
    page = (folder / "report.html").read_text()
    assert "nul\ufffd bell\ufffd half\ufffd 日本 $a$ $b$" in page


def test_png_on_demand(small):
    folder, document = small
    assert plot(folder, document, environment={"VARVE_PLOT_PNG": "1"}).returncode == 0
    assert (folder / "plots/throughput.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_without_histograms_or_numbers(tmp_path):
    (tmp_path / "trials.csv").write_text("suite,trial_id,status\nq,c01-b1,skipped\n")
    document = {
        "suite": "q",
        "cells": [
            {
                "id": "c01",
                "label": "x",
                "statuses": {"skipped": 1},
                "reason": "none",
                "trials": ["c01-b1"],
            }
        ],
    }
    process = plot(tmp_path, document)
    assert process.returncode == 0, process.stderr.decode()
    assert process.stdout.decode().splitlines() == [f"{tmp_path}/report.html"]
    assert "1 skipped" in (tmp_path / "report.html").read_text()


def hlog(path, seconds):
    lines = ["#[Histogram log format version 1.3]"]
    for second, values in enumerate(seconds):
        payload = synthetic_run.histogram_of(values).encode().decode()
        lines.append(f"Tag=response,{second}.000,1.000,1.000,{payload}")
    path.write_text("\n".join(lines) + "\n")


def test_percentiles_are_those_of_all_values_together(tmp_path):
    source = random.Random(5)
    # Two trials so unlike each other that an average of their percentiles would be far off.
    trials = {
        "c01-b1": [[source.randrange(1_000, 90_000) for _ in range(4_000)] for _ in range(3)],
        "c01-b2": [[source.randrange(5_000_000, 90_000_000) for _ in range(50)]],
    }
    for name, seconds in trials.items():
        hlog(tmp_path / f"{name}.hlog", seconds)
    everything = sorted(
        value for seconds in trials.values() for values in seconds for value in values
    )
    merged = histograms.Histograms(tmp_path).merged(list(trials), "response")
    assert merged.get_total_count() == len(everything)
    inverses, values = histograms.percentile_curve(merged)
    assert len(inverses) == len(values) and values == sorted(values)
    for inverse, value in zip(inverses, values):
        rank = max(1, int((1 - 1 / inverse) * len(everything) + 0.5))
        rank = len(everything) if inverse == inverses[-1] else rank
        assert value * 1000 == pytest.approx(everything[rank - 1], rel=2e-3)
    assert values[-1] * 1000 == pytest.approx(everything[-1], rel=1e-3)


def test_histograms_of_different_ranges_add_up(tmp_path):
    from hdrh.histogram import HdrHistogram

    narrow, wide = HdrHistogram(1, 1_000_000, 3), HdrHistogram(1, 3_600_000_000_000, 3)
    narrow.record_value(1_000, 10)
    wide.record_value(50_000_000, 3)
    for first, second in ((narrow, wide), (wide, narrow)):
        total = histograms.add(
            HdrHistogram.decode(first.encode()), HdrHistogram.decode(second.encode())
        )
        assert total.get_total_count() == 13
        assert total.get_value_at_percentile(100) == pytest.approx(50_000_000, rel=1e-3)


def test_marks_only_where_they_say_something(tmp_path):
    document = synthetic_run.write(tmp_path, cells=1)
    known = run.Run(tmp_path, document)
    rows = known.intervals[known.intervals["trial_id"] == "c01-b1"].copy()
    found = timeline.marks_of(rows, "response")
    assert found["stall"] == found["writeback"] == [5, 12, 19]
    assert found["roll"] == [4, 13]
    assert found["retention"] == [12]
    for place, row in rows.iterrows():
        is_long = row["flush_max_us"] >= row["response_max_us"] / 4
        assert (row["second"] in found.get("flush", [])) == is_long


def test_the_trial_in_the_middle(tmp_path):
    document = synthetic_run.write(tmp_path, cells=1)
    known = run.Run(tmp_path, document)
    cell = known.cells[0]
    seconds = dict(list(known.intervals.groupby("trial_id")))
    values = known.trial_values(cell, "response_p99_us")
    assert timeline.median_trial(known, cell, seconds) == values[1][0]
    assert cell.estimate("response_p99_us").median == pytest.approx(values[1][1])


def test_chosen_cells_include_baseline_best_and_worst(drawn):
    known = run.Run(drawn[0], drawn[1])
    cells = [cell for cell in known.cells if cell.estimate("response_p99_us")]
    shown, sentence = selection.chosen(cells, known.headline, 4)
    assert len(shown) == 4 and sentence.startswith("4 of 13 cells")
    by_value = sorted(cells, key=lambda cell: cell.estimate("response_p99_us").median)
    assert {"c01", by_value[0].id, by_value[-1].id} <= {cell.id for cell in shown}
    assert selection.chosen(cells[:4], known.headline, 4) == (cells[:4], "")


def test_groups_differ_in_one_key_only(drawn):
    known = run.Run(drawn[0], drawn[1])
    sizes = [len(cells) for cells in axes_of_numbers.groups(known, "batch_bytes").values()]
    assert max(sizes) == 4 and sum(sizes) == len(known.cells)


@pytest.mark.parametrize(
    "value, text",
    [(0.5, "500 ns"), (1, "1 µs"), (999, "999 µs"), (1000, "1 ms"), (2_500_000, "2.5 s")],
)
def test_durations(value, text):
    assert style.duration(value) == text


def test_a_missing_package_is_named_with_the_remedy(small):
    # Without site-packages, as on a machine where nothing was set up.
    line = complaint(plot(*small, "-S"))
    assert "pandas" in line or "matplotlib" in line or "hdrh" in line
    assert "Scripts/setup" in line


def test_broken_input_is_named(small):
    folder, document = small
    assert "standard input, line 1: not JSON" in complaint(plot(folder, "{"))
    assert "standard input: not UTF-8" in complaint(plot(folder, b"\xff"))
    assert "expected a JSON object" in complaint(plot(folder, "[]"))
    assert "cell 1 of 'cells'" in complaint(plot(folder, {"cells": [1]}))
    assert "'cells' is not a list" in complaint(plot(folder, {"cells": {"a": 1}}))
    assert "cell c01" in complaint(plot(folder, {"cells": [{"id": "c01", "metrics": {"a": 3}}]}))
    assert "no such folder" in complaint(plot(folder / "absent", document))


def test_a_broken_table_is_named_with_its_line(small):
    folder, document = small
    trials = folder / "trials.csv"
    with open(trials, newline="") as file:
        rows = list(csv.reader(file))
    whole = trials.read_text()

    def with_text(text):
        trials.write_text(text)
        return complaint(plot(folder, document))

    assert with_text(whole + "c01-b9,ok\n") == (
        f"{trials}, line {len(rows) + 1}: 2 cells, where the header has {len(rows[0])}"
    )
    rows[2][rows[0].index("mb_per_s")] = "fast"
    with open(trials, "w", newline="") as file:
        csv.writer(file).writerows(rows)
    assert complaint(plot(folder, document)) == (
        f"{trials}, line 3: column 'mb_per_s' has 'fast', where a number is expected"
    )
    assert "line 2" in with_text('trial_id,status\n"c01-b1,ok\n')
    assert "empty" in with_text("")
    assert "no column 'status'" in with_text("trial_id\n")
    assert "the column 'status' twice" in with_text("trial_id,status,status\n")
    trials.write_bytes(b"\xff\xfe")
    assert "not UTF-8" in complaint(plot(folder, document))
    trials.unlink()
    assert "trials.csv: no such file" in complaint(plot(folder, document))
    assert not (folder / "plots").exists()


def test_broken_seconds_and_histograms_are_named(small):
    folder, document = small
    seconds = folder / "intervals.csv"
    seconds.write_text("trial_id,second,flushes\nc01-b1,0,many\n")
    assert f"{seconds}, line 2: column 'flushes'" in complaint(plot(folder, document))
    seconds.unlink()
    log = folder / "histograms/c01-b2.hlog"
    log.write_text("# fine\nTag=response,0.0,1.0,1.0,HISTgarbage\n")
    assert f"{log}, line 2: cannot decode" in complaint(plot(folder, document))
    log.write_text("nonsense\n")
    assert f"{log}, line 1: not a line" in complaint(plot(folder, document))
    log.write_bytes(b"\xff\xff")
    assert f"{log}: not a text file" in complaint(plot(folder, document))


def test_wrong_usage():
    process = subprocess.run([sys.executable, PACKAGE], capture_output=True, text=True, input="")
    assert process.returncode == 2 and process.stderr.startswith("Usage")


def cell(name, label, families=(), **parameters):
    return run.Cell(
        id=name, label=label, parameters=parameters, numbers={}, statuses={}, reason=None, metrics={},
        trials=[], families=list(families), is_baseline=False, power_cut="")


def test_labels_leave_out_what_all_cells_share():
    names, shared = labels.short(
        [cell("c01", "log buffered none"), cell("c02", "log direct none"), cell("c03", "log none")])
    assert names == {"c01": "buffered", "c02": "direct", "c03": "none of these"}
    assert shared == "All with log none."
    assert labels.short([cell("c01", "log buffered")]) == ({"c01": "log buffered"}, "")


def test_many_cells_are_drawn_cross_by_cross_and_none_is_left_out():
    cells = [cell(f"c{index}", "x", ["a"] if index < 5 else ["a", "b"] if index < 9 else []) for index in range(12)]
    assert labels.by_family(cells, 12) == [("", cells)]
    groups = dict(labels.by_family(cells, 4))
    assert list(groups) == ["a", "b", "others"]
    assert {each.id for group in groups.values() for each in group} == {each.id for each in cells}


def test_lines_of_one_plot_differ_in_one_key():
    found = {
        (("backend", backend), ("durability", durability)): []
        for backend in ("buffered", "direct", "mmap") for durability in ("none", "batch")
    }
    parts = dict(axes_of_numbers.facets(found))
    assert list(parts) == ["none", "batch"]
    for part in parts.values():
        assert len(part) == 3
        keys = [dict(name) for name in part]
        assert len({key["durability"] for key in keys}) == 1
    assert axes_of_numbers.facets({(("backend", "direct"),): []}) == [("", {(("backend", "direct"),): []})]


def test_a_second_with_two_records_is_not_drawn():
    rows = timeline.pandas.DataFrame({"second": [0, 1, 2], "records": [5000, 4000, 2]})
    assert timeline.with_records(rows)["second"].tolist() == [0, 1]
    assert len(timeline.with_records(timeline.pandas.DataFrame({"second": [0, 1]}))) == 2

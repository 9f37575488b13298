"""One run: the document from `varve report`, the trials, their seconds, their histograms."""

import dataclasses
import functools
import math
import pathlib

import pandas

from report import files
from report.histograms import Histograms
from report.problem import Problem

MEASURED = ("ok", "saturated")
INTERVAL_TEXTS = ("suite", "trial_id")


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A median with its 95 % interval; the interval's ends are None where it is unknown."""

    median: float
    low: float | None
    high: float | None
    # A percentile of all records of the trials together; None of other metrics.
    of_all_records: float | None = None

    @property
    def has_interval(self) -> bool:
        return self.low is not None and self.high is not None

    def errors(self) -> tuple[float, float]:
        """Lengths of the whiskers to the left and the right."""
        if not self.has_interval:
            return 0.0, 0.0
        return max(0.0, self.median - self.low), max(0.0, self.high - self.median)


@dataclasses.dataclass(frozen=True)
class Metric:
    name: str
    title: str
    unit: str
    more_is_better: bool

    @staticmethod
    def of(value: object) -> "Metric":
        """From the document; the throughput where it has none."""
        if not isinstance(value, dict) or not value.get("name"):
            return THROUGHPUTS["mb_per_s"]
        name = str(value["name"])
        return Metric(
            name,
            str(value.get("title") or name),
            str(value.get("unit") or ""),
            bool(value.get("more_is_better", True)),
        )

    @property
    def axis(self) -> str:
        return f"{self.title} ({self.unit})" if self.unit else self.title


@dataclasses.dataclass(frozen=True)
class Cell:
    id: str
    label: str
    parameters: dict[str, str]
    numbers: dict[str, float]
    statuses: dict[str, int]
    reason: str | None
    metrics: dict[str, Estimate]
    trials: list[str]
    # The suite's crosses and axes that have it.
    families: list[str]
    is_baseline: bool
    # What a power cut takes of what was acknowledged; empty where nobody found out.
    power_cut: str

    def estimate(self, name: str) -> Estimate | None:
        return self.metrics.get(name)

    @property
    def is_saturated(self) -> bool:
        return self.statuses.get("saturated", 0) > 0

    @property
    def state(self) -> str:
        """Why there is no number, in a few words."""
        for status in ("failed", "skipped"):
            if self.statuses.get(status, 0) > 0:
                return f"{status}: {self.reason}" if self.reason else status
        return self.reason or "not measured"


THROUGHPUTS = {
    "mb_per_s": Metric("mb_per_s", "Throughput", "MB/s", True),
    "achieved_records_per_s": Metric("achieved_records_per_s", "Achieved rate", "records/s", True),
}


class Run:
    def __init__(self, folder: pathlib.Path, document: dict):
        self.folder = folder
        self.document = document
        self.suite = self.text("suite") or folder.name
        self.cells = [cell_of(value, index) for index, value in enumerate(self.entries("cells"))]
        self.headline = Metric.of(document.get("headline"))
        known = [Metric.of(value) for value in self.entries("metrics")]
        self.metrics = {metric.name: metric for metric in [*THROUGHPUTS.values(), *known, self.headline]}
        self.telling_keys = [str(key) for key in self.entries("telling_keys")]
        self.histograms = Histograms(folder / "histograms")
        # Read now, so that a broken file is told before anything is written.
        self.trials = files.read_table(folder / "trials.csv", ("trial_id", "status"), frozenset())
        self.trials = self.trials[self.trials["status"].isin(MEASURED)]
        self.measured = frozenset(self.trials["trial_id"])
        self.intervals = self.read_intervals()

    def text(self, key: str) -> str:
        value = self.document.get(key)
        return "" if value is None else str(value)

    def entries(self, key: str) -> list:
        value = self.document.get(key) or []
        if not isinstance(value, list):
            raise Problem(f"standard input: '{key}' is not a list")
        return value

    def read_intervals(self) -> pandas.DataFrame:
        path = self.folder / "intervals.csv"
        if not path.exists():
            return pandas.DataFrame(columns=["trial_id", "second"])
        with open(path, encoding="utf-8-sig", errors="replace") as file:
            names = file.readline().strip().split(",")
        numeric = frozenset(names) - frozenset(INTERVAL_TEXTS)
        table = files.read_table(path, ("trial_id", "second"), numeric)
        return table.sort_values(["trial_id", "second"], kind="stable")

    def trials_of(self, cell: Cell) -> list[str]:
        """The cell's trials that have numbers."""
        return [trial for trial in cell.trials if trial in self.measured]

    @functools.cached_property
    def latency(self) -> str:
        """What latency plots show: response times where there are any, else service times."""
        for cell in self.cells:
            if cell.estimate("response_p50_us") or cell.estimate("response_p99_us"):
                return "response"
        for cell in self.cells:
            for trial in self.trials_of(cell):
                if "response" in self.histograms.tags(trial):
                    return "response"
        return "service"

    def trial_values(self, cell: Cell, name: str) -> list[tuple[str, float]]:
        """The cell's trials that know this column, with their values, in ascending order."""
        if name not in self.trials.columns:
            return []
        rows = self.trials[self.trials["trial_id"].isin(cell.trials)]
        values = pandas.to_numeric(rows[name], errors="coerce")
        pairs = [
            (trial, value) for trial, value in zip(rows["trial_id"], values) if math.isfinite(value)
        ]
        return sorted(pairs, key=lambda pair: (pair[1], pair[0]))

    def title_of(self, name: str) -> str:
        """What a metric is called on an axis."""
        return self.metrics[name].title if name in self.metrics else name

    def axis_of(self, name: str) -> str:
        """The same, with its unit."""
        return self.metrics[name].axis if name in self.metrics else name

    def verdicts_of(self, family: str, metric: str) -> dict[str, str]:
        """Against the baseline, by cell."""
        return {
            str(row.get("cell")): str(row.get("verdict"))
            for row in self.entries("comparisons")
            if row.get("family") == family
            and row.get("metric") == metric
            and row.get("kind") == "baseline"
        }

    def throughput(self) -> Metric | None:
        for name in THROUGHPUTS:
            metric = self.metrics[name]
            if any(cell.estimate(name) for cell in self.cells):
                if self.headline.name == "durable_mb_per_s":
                    return dataclasses.replace(metric, title=f"{metric.title} before the final sync")
                return metric
        return None


def cell_of(value: object, index: int) -> Cell:
    if not isinstance(value, dict) or "id" not in value:
        raise Problem(f"standard input: cell {index + 1} of 'cells' is not an object with an 'id'")
    name = str(value["id"])

    def part(key: str) -> dict:
        found = value.get(key) or {}
        if not isinstance(found, dict):
            raise Problem(f"standard input: '{key}' of cell {name} is not an object")
        return found

    try:
        metrics = {
            key: found
            for key, entry in part("metrics").items()
            if (found := estimate_of(entry)) is not None
        }
        numbers = {
            key: float(number) for key, number in part("numbers").items() if number is not None
        }
        statuses = {key: int(count) for key, count in part("statuses").items()}
        trials = [str(trial) for trial in value.get("trials") or []]
    except (TypeError, ValueError, AttributeError) as error:
        raise Problem(f"standard input: cell {name}: {error}")
    return Cell(
        id=name,
        label=str(value.get("label") or name),
        parameters={key: str(text) for key, text in part("parameters").items()},
        numbers=numbers,
        statuses=statuses,
        reason=None if value.get("reason") is None else str(value["reason"]),
        power_cut=str(value.get("power_cut") or ""),
        metrics=metrics,
        trials=trials,
        families=[str(name) for name in value.get("families") or []],
        is_baseline=bool(value.get("is_baseline", False)),
    )


def estimate_of(value: dict | None) -> Estimate | None:
    if value is None or value.get("median") is None or not math.isfinite(value["median"]):
        return None

    def end(key: str) -> float | None:
        found = value.get(key)
        return float(found) if found is not None and math.isfinite(found) else None

    merged = end("value") if value.get("of") == "all records" else None
    return Estimate(float(value["median"]), end("low"), end("high"), merged)

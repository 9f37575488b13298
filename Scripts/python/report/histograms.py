"""Histograms of trials, from HDR's log format; merged as counts, never as percentiles."""

import collections
import pathlib

from hdrh.histogram import HdrHistogram

from report.problem import Problem

NANOSECONDS_PER_MICROSECOND = 1000.0
POINTS_PER_DECADE = 24


class Histograms:
    """The folder of a run's .hlog files. Each is read once, and decoded where it is asked for."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.known: dict[str, dict[str, list[tuple[int, str]]]] = {}

    def path(self, trial: str) -> pathlib.Path:
        return self.folder / f"{trial}.hlog"

    def tags(self, trial: str) -> dict[str, list[tuple[int, str]]]:
        """By tag, the lines' numbers and payloads, one a second; none where there is no file."""
        if trial not in self.known:
            # A trial's name comes from a file: it must not lead out of the folder.
            is_name = pathlib.PurePath(trial).name == trial
            is_there = is_name and self.path(trial).is_file()
            self.known[trial] = read_lines(self.path(trial)) if is_there else {}
        return self.known[trial]

    def merged(self, trials: list[str], tag: str) -> HdrHistogram | None:
        """All seconds of all these trials as one histogram; None where there are none."""
        total: HdrHistogram | None = None
        for trial in trials:
            for line, payload in self.tags(trial).get(tag, []):
                part = decode(payload, self.path(trial), line)
                total = part if total is None else add(total, part)
        return total if total is not None and total.get_total_count() > 0 else None


def read_lines(path: pathlib.Path) -> dict[str, list[tuple[int, str]]]:
    found: dict[str, list[tuple[int, str]]] = collections.defaultdict(list)
    try:
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                line = line.strip()
                if not line or line.startswith(("#", '"')):
                    continue
                tag = ""
                if line.startswith("Tag="):
                    tag, _, line = line[len("Tag=") :].partition(",")
                fields = line.split(",")
                if len(fields) != 4:
                    raise Problem(f"{path}, line {number}: not a line of an HDR histogram log")
                found[tag].append((number, fields[3]))
    except UnicodeDecodeError:
        raise Problem(f"{path}: not a text file; expected an HDR histogram log")
    return dict(found)


def decode(payload: str, path: pathlib.Path, line: int) -> HdrHistogram:
    try:
        return HdrHistogram.decode(payload.encode("ascii"))
    except Exception as error:  # The decoder has a dozen kinds of errors, and no base for them.
        raise Problem(
            f"{path}, line {line}: cannot decode the histogram "
            f"({type(error).__name__}: {error})"
        )


def add(total: HdrHistogram, part: HdrHistogram) -> HdrHistogram:
    """The sum, in whichever of the two has the wider range: the narrower may not hold it all."""
    if part.get_total_count() == 0:
        return total
    if part.counts_len > total.counts_len:
        total, part = part, total
    total.add(part)
    return total


def percentile_curve(histogram: HdrHistogram) -> tuple[list[float], list[float]]:
    """Points for HDR's axis: 1/(1 - percentile), and the value there in microseconds.

    The axis ends where one value more would be needed to tell anything: at the count.
    """
    count = histogram.get_total_count()
    inverses = []
    step = 0
    while (inverse := 10 ** (step / POINTS_PER_DECADE)) < count:
        inverses.append(inverse)
        step += 1
    percentiles = [100 * (1 - 1 / inverse) for inverse in inverses] + [100.0]
    values = histogram.get_percentile_to_value_dict(percentiles)
    xs = inverses + [float(max(count, 2))]
    return xs, [values[percentile] / NANOSECONDS_PER_MICROSECOND for percentile in percentiles]

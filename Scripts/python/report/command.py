"""The command: reads, draws, writes."""

import json
import logging
import os
import pathlib
import sys
import typing
import unicodedata
import warnings

from report import files, page, plots
from report.problem import Problem
from report.run import Run

USAGE = "Usage: varve report DIR (which runs: python Scripts/python/report DIR < document.json)"


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(USAGE, file=sys.stderr)
        return 2
    # A letter that a font lacks, or a cache that cannot be kept, is nothing that a user can mend.
    warnings.simplefilter("ignore")
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        write_report(pathlib.Path(arguments[0]), read_document(sys.stdin.buffer))
        sys.stdout.flush()
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever reads only the first lines is not a mistake; nothing more may be written there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        print(f"{error.filename or arguments[0]}: {error.strerror or error}", file=sys.stderr)
        return 1
    return 0


def read_document(stream: typing.BinaryIO) -> dict:
    try:
        document = json.loads(stream.read().decode("utf-8"))
    except UnicodeDecodeError:
        raise Problem("standard input: not UTF-8; expected the JSON that `varve report` writes")
    except json.JSONDecodeError as error:
        raise Problem(
            f"standard input, line {error.lineno}: not JSON ({error.msg}); "
            "expected what `varve report` writes"
        )
    except RecursionError:
        raise Problem("standard input: JSON nested too deeply")
    if not isinstance(document, dict):
        raise Problem("standard input: expected a JSON object, as `varve report` writes")
    return cleaned(document)


def cleaned(value: object) -> object:
    """The document without characters that neither HTML nor SVG can hold: control characters, and
    halves of surrogate pairs, which cannot even be written."""
    if isinstance(value, str):
        return "".join(
            (
                "\ufffd"
                if unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t"
                else character
            )
            for character in value
        )
    if isinstance(value, list):
        return [cleaned(item) for item in value]
    if isinstance(value, dict):
        return {cleaned(key): cleaned(item) for key, item in value.items()}
    return value


def write_report(folder: pathlib.Path, document: dict) -> None:
    if not folder.is_dir():
        raise Problem(
            f"{folder}: no such folder; expected a run's, such as one of those in Results"
        )
    run = Run(folder, document)
    drawn = plots.draw(run)
    (folder / "plots").mkdir(exist_ok=True)
    for plot in drawn:
        target = folder / "plots" / f"{plot.name}.svg"
        files.write_atomically(target, plot.for_file())
        print(target)
        if plot.png:
            target = target.with_suffix(".png")
            files.write_atomically(target, plot.png)
            print(target)
    # A plot of an earlier report that has no data any more would be taken for one of this.
    for stale in files.stale_plots(folder / "plots", {f"{plot.name}.svg" for plot in drawn}):
        stale.unlink()
    target = folder / "report.html"
    files.write_atomically(target, page.render(run, drawn))
    print(target)

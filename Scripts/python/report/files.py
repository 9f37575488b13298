"""Reading CSV so that a mistake names its row, and writing so that nobody sees half a file."""

import csv
import os
import pathlib
import tempfile

import pandas

from report.problem import Problem

# A line that this program puts into its own SVGs: only they are ever removed.
OURS = "<!-- varve report -->"


def read_table(
    path: pathlib.Path, required: tuple[str, ...], numeric: frozenset[str]
) -> pandas.DataFrame:
    """A CSV as a table: columns in `numeric` and those of measures as numbers, unknown as NaN."""
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, None)
            if header is None:
                raise Problem(f"{path}: empty; expected a header line")
            for row in reader:
                if not row:
                    continue
                if len(row) != len(header):
                    raise Problem(
                        f"{path}, line {reader.line_num}: {len(row)} cells, "
                        f"where the header has {len(header)}"
                    )
                rows.append(row)
                lines.append(reader.line_num)
    except FileNotFoundError:
        raise Problem(f"{path}: no such file")
    except UnicodeDecodeError:
        raise Problem(f"{path}: not UTF-8 text")
    except csv.Error as error:
        raise Problem(f"{path}, line {reader.line_num}: {error}")
    for name in required:
        if name not in header:
            raise Problem(f"{path}: has no column '{name}'")
    if len(set(header)) != len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise Problem(f"{path}: has the column '{twice}' twice")
    table = pandas.DataFrame(rows, columns=header, dtype=object)
    for name in header:
        if name in numeric or is_measure(name):
            table[name] = numbers(table[name], lines, path)
    return table


def is_measure(name: str) -> bool:
    """Whether a column, by the unit in its name, can only hold numbers."""
    return name.endswith(("_us", "_per_s", "_per_gb", "_cpu_s"))


def numbers(column: pandas.Series, lines: list[int], path: pathlib.Path) -> pandas.Series:
    text = column.replace("", None)
    values = pandas.to_numeric(text, errors="coerce")
    wrong = text.notna() & values.isna() & (text != "nan")
    if wrong.any():
        index = int(wrong.to_numpy().argmax())
        raise Problem(
            f"{path}, line {lines[index]}: column '{column.name}' has "
            f"'{column.iloc[index][:40]}', where a number is expected"
        )
    return values.astype(float)


def write_atomically(path: pathlib.Path, content: str | bytes) -> None:
    """All of the content or what was there before, whatever happens meanwhile."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with open(handle, "wb") as file:
            file.write(data)
        # mkstemp makes files for their owner only; a report is to be as readable as its folder.
        os.chmod(temporary, 0o666 & ~current_umask())
        os.replace(temporary, path)
    except BaseException:
        pathlib.Path(temporary).unlink(missing_ok=True)
        raise


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def stale_plots(folder: pathlib.Path, current: set[str]) -> list[pathlib.Path]:
    """Plots that an earlier report wrote and this one did not."""

    def is_ours(path: pathlib.Path) -> bool:
        with open(path, encoding="utf-8", errors="replace") as file:
            return OURS in file.read(2000)

    return [
        path for path in sorted(folder.glob("*.svg")) if path.name not in current and is_ours(path)
    ]

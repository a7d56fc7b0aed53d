"""Tables of text: CSV by Python's own reader, Parquet by pandas or polars.

CSV is always read by Python's ``csv``, whatever else is installed, so that a file means the same on every machine.
"""

import codecs
import csv
import io
import itertools
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from autograd_lite.errors import ArgumentError, MissingDependencyError

__all__ = ["MISSING", "Table", "number", "read_table"]

#: What is too large for scalars in Python, and for the memory of a small machine.
MOST_COLUMNS, MOST_CELLS, LONGEST_LINE = 10_000, 20_000_000, 10_000_000
DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab"}
#: How a missing number is written.
MISSING = {"", "na", "n/a", "nan", "null", "none", "?", "-", "."}
#: How files begin that are no tables, and what to do.
FOREIGN = {
    b"PK\x03\x04": "it is a zip archive, or a workbook of a spreadsheet; save it as CSV there",
    b"\x1f\x8b": "it is compressed by gzip; write gzip -dc FILE | autograd-lite ... -",
    b"%PDF": "it is a PDF",
}
PARQUET = b"PAR1"


class Table(NamedTuple):
    """The cells of a table as text, without the spaces around them."""

    source: str
    names: list[str]
    rows: list[list[str]]
    lines: list[int]  #: the line of each row in its file; none for Parquet

    def column(self, name: str) -> list[str]:
        """The cells of a column. Raises ``ArgumentError`` if it is not there."""
        if name not in self.names:
            raise ArgumentError(f"{self.source} has no column {name!r}; it has {listed(self.names)}")
        position = self.names.index(name)
        return [row[position] for row in self.rows]

    def place(self, row: int, name: str) -> str:
        """Where a cell is, for errors."""
        line = f"line {self.lines[row]}" if self.lines else f"row {row + 1}"
        return f"{self.source}, {line}, column {name!r}"


def read_table(path: str, encoding: str | None = None) -> Table:
    """The table in a file, or in standard input if the path is ``-``.

    Raises ``ArgumentError`` for what is no table, with the line; ``OSError`` for a file that cannot be read.
    """
    if path == "-":
        if sys.stdin is None:
            raise ArgumentError("standard input is closed")
        return _read(cast("io.BufferedReader", sys.stdin.buffer), "standard input", encoding)
    if Path(path).is_dir():
        raise ArgumentError(f"{path} is a folder; give a CSV or Parquet file")
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a Path would make "./x" of "x" in messages
            return _read(file, path, encoding)
    except FileNotFoundError:
        raise ArgumentError(f"there is no file {path}") from None


def number(text: str) -> float:
    """The number that a cell holds; nan if it holds none. ``1_000`` and other digits than 0 to 9 are none."""
    try:
        return float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        return math.nan


def listed(names: list[str], most: int = 20) -> str:
    """Names for an error message, not too many."""
    more = f", and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(name if len(name) <= 40 else name[:37] + "..." for name in names[:most]) + more


def _read(file: io.BufferedReader, source: str, encoding: str | None) -> Table:
    start = file.peek(65536)
    if not start:
        raise ArgumentError(f"{source} is empty; a table begins with a line of the names of its columns")
    if start.startswith(PARQUET):
        return _checked(_parquet(file.read(), source))
    for magic, advice in FOREIGN.items():
        if start.startswith(magic):
            raise ArgumentError(f"{source} is no table of text: {advice}")
    encoding = encoding or _encoding(start)
    if b"\0" in start and not encoding.lower().startswith(("utf-16", "utf_16", "utf-32", "utf_32")):
        raise ArgumentError(f"{source} is no table of text: it holds bytes of 0, as binary files do")
    try:
        text = io.TextIOWrapper(file, encoding, newline="")
    except LookupError:
        raise ArgumentError(f"there is no encoding {encoding!r}; utf-8, latin-1 and cp1252 are common ones") from None
    try:
        return _checked(_csv(text, source))
    except UnicodeError as error:
        raise ArgumentError(f"{source}: {error}; say what encoding it has, as in --encoding latin-1") from None
    finally:
        text.detach()  # else it would close standard input


def _encoding(start: bytes) -> str:
    """By the mark at the beginning; UTF-8 if there is none."""
    return "utf-16" if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"


def _csv(text: io.TextIOWrapper, source: str) -> Table:
    lines = _lines(text, source)
    begin = [line for _, line in zip(range(20), lines, strict=False)]
    reader = csv.reader(itertools.chain(begin, lines), delimiter=_delimiter(begin), skipinitialspace=True, strict=True)
    names: list[str] = []
    rows: list[list[str]] = []
    numbers: list[int] = []
    cells = empty = 0
    try:
        for record in reader:
            row = [cell.strip() for cell in record]
            if not any(row) and len(row) <= 1:
                empty = reader.line_num
                continue
            if not names:
                names, empty = row, 0
                _check_header(names, source)
                continue
            if empty and len(names) == 1:  # it is a row without a value, unless it stands at the end
                raise ArgumentError(f"{source}, line {empty} is empty; fill in a value, or take the line out")
            if len(row) != len(names):
                raise ArgumentError(_uneven(source, reader.line_num, row, names))
            rows.append(row)
            numbers.append(reader.line_num)
            cells += len(row)
            if cells > MOST_CELLS:
                raise ArgumentError(f"{source} has more than {MOST_CELLS:,} cells; take a part of it")
    except csv.Error as error:
        raise ArgumentError(f"{source}, line {reader.line_num}: {error}; it is not read as CSV") from None
    return Table(source, names, rows, numbers)


def _lines(text: io.TextIOWrapper, source: str) -> Iterator[str]:
    """The lines, none so long that it would not fit into memory."""
    count = 0
    while line := text.readline(LONGEST_LINE):
        count += 1
        if len(line) == LONGEST_LINE:
            raise ArgumentError(f"{source}, line {count} is longer than {LONGEST_LINE:,} characters")
        if "\0" in line:
            raise ArgumentError(f"{source}, line {count} holds a byte of 0, as binary files do; it is no CSV")
        yield line


def _delimiter(begin: list[str]) -> str:
    """The one that gives the lines at the beginning the same number of cells, more than one; the most cells."""
    best, most = ",", (False, 1)
    for delimiter in DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(begin, delimiter=delimiter, skipinitialspace=True) if row]
        except csv.Error:
            continue
        found = (len(set(widths)) == 1, widths[0] if widths else 0)
        if found[1] > 1 and found > most:
            best, most = delimiter, found
    return best


def _uneven(source: str, line: int, row: list[str], names: list[str]) -> str:
    return (
        f"{source}, line {line} has {len(row):,} cells, and the first line {len(names):,} names; put a cell that holds "
        'the separator between quotes, as in "1,5"'
    )


def _check_header(names: list[str], source: str) -> None:
    if len(names) > MOST_COLUMNS:
        raise ArgumentError(f"{source} has {len(names):,} columns, and at most {MOST_COLUMNS:,} are read")
    if all(name and not math.isnan(number(name)) for name in names):
        raise ArgumentError(
            f"{source}: the first line must hold the names of the columns, and it holds numbers: {listed(names, 5)}"
        )
    seen: dict[str, int] = {}
    for position, name in enumerate(names, 1):
        if name and name in seen:
            raise ArgumentError(f"{source}: columns {seen[name]} and {position} are both named {name!r}; rename one")
        seen[name] = position


def _checked(table: Table) -> Table:
    if not table.rows:
        raise ArgumentError(f"{table.source} has no rows below the names of its columns")
    return table


def _parquet(content: bytes, source: str) -> Table:
    columns = None
    for read in (_by_pandas, _by_polars):
        try:
            columns = read(io.BytesIO(content))
            break
        except ImportError:
            continue
        except Exception as error:
            # Each reader has exceptions of its own, which need not be installed.
            raise ArgumentError(f"{source} begins as Parquet, and cannot be read: {str(error)[:200]}") from None
    if columns is None:
        raise MissingDependencyError(
            f"{source} is Parquet, which pandas (with pyarrow) or polars reads; pip install polars, or save it as CSV"
        )
    names = [str(name) for name in columns]
    _check_header(names, source)
    if len(names) * max(map(len, columns.values()), default=0) > MOST_CELLS:
        raise ArgumentError(f"{source} has more than {MOST_CELLS:,} cells; take a part of it")
    texts = [[_as_text(cell, source, name) for cell in column] for name, column in columns.items()]
    return Table(source, names, [list(row) for row in zip(*texts, strict=True)], [])


def _by_pandas(content: BinaryIO) -> dict[str, list[Any]]:
    import pandas

    frame = pandas.read_parquet(content)
    return {name: frame[name].tolist() for name in frame.columns}


def _by_polars(content: BinaryIO) -> dict[str, list[Any]]:
    import polars

    columns: dict[str, list[Any]] = polars.read_parquet(content).to_dict(as_series=False)
    return columns


def _as_text(cell: Any, source: str, name: str) -> str:
    """A cell of Parquet as it would stand in a CSV file."""
    kind = type(cell).__name__
    if cell is None or kind in ("NAType", "NaTType") or (isinstance(cell, float) and cell != cell):
        return ""
    if isinstance(cell, (list, tuple, dict, bytes)) or kind in ("ndarray", "Series"):
        raise ArgumentError(f"{source}: column {name!r} holds values of type {kind}; only numbers and text are read")
    return repr(cell) if isinstance(cell, float) else str(cell).strip()

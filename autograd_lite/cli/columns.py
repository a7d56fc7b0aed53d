"""The columns of a table as numbers that a network can take, and what it learns as numbers or classes."""

import itertools
import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

from autograd_lite.cli.tables import MISSING, Table, listed, number
from autograd_lite.errors import ArgumentError

__all__ = ["CategoryColumn", "NumberColumn", "Target", "inputs_of", "target_of"]

#: A column of more different texts than this, and than half of its rows, is taken for names or identifiers.
FEW_TEXTS = 10
MOST_CATEGORIES = 1_000
#: So many different whole numbers at most are classes.
FEW_NUMBERS = 10

#: A number with a decimal comma, or with commas between thousands.
WITH_COMMA = r"[-+]?\d[\d.,]*,\d+"


class NumberColumn(NamedTuple):
    """A column of numbers, which are shifted and scaled to mean 0 and deviation 1."""

    name: str
    mean: float
    scale: float

    @property
    def width(self) -> int:
        """How many inputs it becomes."""
        return 1

    def encoded(self, table: Table) -> list[tuple[float, ...]]:
        """The inputs of each row. Raises ``ArgumentError`` for a cell that holds no number."""
        found: list[tuple[float, ...]] = []
        for i, cell in enumerate(table.column(self.name)):
            x = (number(cell) - self.mean) / self.scale
            if not math.isfinite(x):
                _refuse_cell(table, i, self.name, cell)
            found.append((x,))
        return found


class CategoryColumn(NamedTuple):
    """A column of texts, each an input of its own: 1 where the cell holds it, else 0."""

    name: str
    values: tuple[str, ...]

    @property
    def width(self) -> int:
        """How many inputs it becomes."""
        return len(self.values)

    def encoded(self, table: Table) -> list[tuple[float, ...]]:
        """The inputs of each row. Raises ``ArgumentError`` for a text that was not there in training."""
        codes = {value: tuple(float(value == other) for other in self.values) for value in self.values}
        found = []
        for i, cell in enumerate(table.column(self.name)):
            if cell not in codes:
                why = f"{_short(cell)} was not there when the model was trained" if cell else "there is no value"
                raise ArgumentError(f"{table.place(i, self.name)}: {why}; it knows {listed(list(self.values))}")
            found.append(codes[cell])
        return found


class Target(NamedTuple):
    """What a network learns: one of some classes, or a number."""

    name: str
    classes: tuple[str, ...]  #: none for a number
    mean: float = 0.0
    scale: float = 1.0

    @property
    def task(self) -> str:
        """``"classification"`` or ``"regression"``."""
        return "classification" if self.classes else "regression"


def inputs_of(
    table: Table, names: Sequence[str], learned: Sequence[int]
) -> tuple[list[NumberColumn | CategoryColumn], list[str]]:
    """The columns to learn from, and notes on those that are left out. Means are those of the ``learned`` rows."""
    columns: list[NumberColumn | CategoryColumn] = []
    notes = []
    for name in names:
        if not name:
            notes.append(f"column {table.names.index(name) + 1} has no name, and is left out")
            continue
        cells = table.column(name)
        different = set(cells)
        numbers = _numbers(table, name, cells, may_ignore=True)
        if len(different) == 1 or (numbers is not None and min(numbers) == max(numbers)):
            notes.append(f"column {name!r} is {_short(cells[0])} in all rows, and is left out")
        elif numbers is not None:
            columns.append(NumberColumn(name, *_moments([numbers[i] for i in learned], table, name)))
            if _is_a_count(numbers):
                notes.append(f"column {name!r} numbers the rows; if it is no measurement, write --ignore {name}")
        elif len(different) > max(FEW_TEXTS, len(cells) / 2):
            notes.append(f"column {name!r} has {len(different):,} different texts, as names have, and is left out")
        elif len(different) > MOST_CATEGORIES:
            raise ArgumentError(
                f"{table.source}: column {name!r} has {len(different):,} different texts, and at most "
                f"{MOST_CATEGORIES:,} are encoded; write --ignore {name}"
            )
        else:
            columns.append(CategoryColumn(name, tuple(sorted(different))))
    if not columns:
        raise ArgumentError(f"{table.source} has no column left to learn from; " + ("; ".join(notes) or "add one"))
    return columns, notes


def target_of(table: Table, name: str, task: str | None, learned: Sequence[int]) -> tuple[Target, list[Any], str]:
    """What to learn, the classes or numbers of all rows, and why it is the one or the other."""
    cells = table.column(name)
    numbers = _numbers(table, name, cells)
    count = len(set(cells if numbers is None else numbers))
    few_enough = count <= len(cells) / 2
    if count == 1:
        raise ArgumentError(
            f"{table.source}: column {name!r} is {_short(cells[0])} in all rows; nothing can be learned"
        )
    task, why = _task(task, numbers, count, few_enough)
    if task == "regression":
        if numbers is None:
            i = next(i for i, cell in enumerate(cells) if math.isnan(number(cell)))
            _refuse_cell(table, i, name, cells[i])
        return Target(name, (), *_moments([numbers[i] for i in learned], table, name)), numbers, why
    if count > FEW_TEXTS and not few_enough:
        raise ArgumentError(
            f"{table.source}: column {name!r} has {count:,} different values in {len(cells):,} rows; classes come "
            "several times each"
        )
    if numbers is None:
        return Target(name, tuple(sorted(set(cells)))), cells, why
    return Target(name, tuple(map(_label, sorted(set(numbers))))), list(map(_label, numbers)), why


def _task(task: str | None, numbers: list[float] | None, count: int, few_enough: bool) -> tuple[str, str]:
    """Whether it is classification or regression, and why."""
    if task is not None:
        return task, "as you say"
    if numbers is None:
        return "classification", "as the target is text"
    if count <= FEW_NUMBERS and few_enough and all(x.is_integer() for x in numbers):
        why = f"as the target is one of {count} whole numbers; --task regression takes it as a number"
        return "classification", why
    return "regression", f"as the target is one of {count:,} numbers; --task classification takes them as classes"


def _numbers(table: Table, name: str, cells: list[str], *, may_ignore: bool = False) -> list[float] | None:
    """The numbers of a column; None if it is text. Raises ``ArgumentError`` for what is missing, or for a mixture."""
    numbers = list(map(number, cells))
    odd = [i for i, x in enumerate(numbers) if not math.isfinite(x)]
    empty = [i for i in odd if cells[i].lower() in MISSING]
    texts = [i for i in odd if math.isnan(numbers[i]) and cells[i].lower() not in MISSING]
    has_numbers = len(cells) - len(empty) - len(texts) > len(texts)
    if not has_numbers:  # in a column of texts "NA" and "none" are texts too
        empty = [i for i in empty if not cells[i]]
    if empty:
        more = f", nor in {len(empty) - 1:,} more rows" if len(empty) > 1 else ""
        ignore = f", or leave the column out: --ignore {name}" if may_ignore else ""
        raise ArgumentError(
            f"{table.place(empty[0], name)}: there is no value ({_short(cells[empty[0]])}){more}; fill in what is "
            f"missing, take such rows out{ignore}"
        )
    if odd and (has_numbers or all(re.fullmatch(WITH_COMMA, cells[i]) for i in odd)):
        _refuse_cell(table, odd[0], name, cells[odd[0]])
    return None if odd else numbers


def _refuse_cell(table: Table, row: int, name: str, cell: str) -> NoReturn:
    """Raise the error for a cell that holds no number which could be taken."""
    if cell.lower() in MISSING:
        why = f"there is no value ({_short(cell)}); fill it in, or take the row out"
    elif re.fullmatch(WITH_COMMA, cell):
        why = f"{_short(cell)} has a comma; numbers are written as in 1.5 and 1500"
    elif math.isfinite(number(cell)):
        why = f"{_short(cell)} is too far from the numbers of the column in training"
    else:
        why = f"{_short(cell)} is no finite number, which the column must hold"
    raise ArgumentError(f"{table.place(row, name)}: {why}")


def _moments(numbers: list[float], table: Table, name: str) -> tuple[float, float]:
    """Mean and deviation, without overflow in between; a deviation of 1 where all are equal."""
    if min(numbers) == max(numbers):
        return numbers[0], 1.0
    count = len(numbers)
    mean = math.fsum(x / count for x in numbers)
    scale = math.hypot(*[x - mean for x in numbers]) / math.sqrt(count)
    if not math.isfinite(scale):
        raise ArgumentError(
            f"{table.source}: the numbers of column {name!r} are too large; write them in a larger unit"
        )
    return mean, scale


def _is_a_count(numbers: list[float]) -> bool:
    return len(numbers) > 4 and all(y == x + 1.0 for x, y in itertools.pairwise(numbers))


def _label(x: float) -> str:
    return str(int(x)) if x.is_integer() and abs(x) < 1e15 else repr(x)


def _short(cell: str) -> str:
    return repr(cell if len(cell) <= 40 else cell[:37] + "...")

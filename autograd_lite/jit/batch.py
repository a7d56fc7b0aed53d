"""``map`` and ``sum`` of a compiled function: its programs over the rows of columns.

The rows are divided among the paths of the function, each by the branches that it takes.
"""

import array
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from autograd_lite import pytree
from autograd_lite.core.checks import describe, is_real
from autograd_lite.core.node import number, numbers_of
from autograd_lite.core.op import CONSTANT
from autograd_lite.core.record import made
from autograd_lite.core.value import Value
from autograd_lite.errors import ArgumentError, TracingError
from autograd_lite.jit.arguments import Arguments
from autograd_lite.jit.cache import Path
from autograd_lite.jit.columns import Column
from autograd_lite.jit.program import Program
from autograd_lite.jit.recording import Recording

__all__ = ["Batch", "Place", "added", "checked_workers", "stacked", "template_of"]

#: Makes the code of a program over rows.
RowsBackEnd = Callable[..., Any]


def checked_workers(workers: Any) -> int:
    """How many threads. Raises ``ArgumentError`` for what is no whole number from 1 up."""
    if type(workers) is not int or workers < 1:
        raise ArgumentError(f"workers is a whole number of threads from 1 up, got {describe(workers)}")
    return workers


class Batch:
    """The rows of one call of ``map`` or ``sum``.

    Args:
        columns: the arguments of each row.
        arguments: those of the first row, with what is the same for all.
        back_end: makes the code of a program over rows.
        find: the path of a row, by its number, where the path that was tried fails at a guard; None if the
            function is not recorded for it any more.
    """

    def __init__(
        self,
        columns: list[Column],
        arguments: Arguments,
        back_end: RowsBackEnd,
        find: Callable[[int, Path, int], Path | None],
        workers: int,
    ) -> None:
        self.columns, self.arguments, self.back_end = columns, arguments, back_end
        self.count, self.width = columns[0].length, sum(column.width for column in columns)
        self.workers = workers
        self.values = dict(arguments.values.values())
        self._find = find

    def numbers(self, path: Path) -> list[float]:
        """All inputs of a path, those of the first row standing for those of each."""
        return [*self.arguments.numbers, *numbers_of(path.closed_over)]

    def divided(self, path: Path) -> tuple[list[tuple[Path, Any, Any]], list[int]]:
        """The paths with the numbers of their rows (None for all rows) and their outputs, and the rows without one."""
        found: list[tuple[Path, Any, Any]] = []
        eagerly: list[int] = []
        waiting: list[tuple[Path, Any]] = [(path, None)]
        while waiting:
            path, index = waiting.pop()
            count = self.count if index is None else len(index)
            code = path.recording.over_rows(self.back_end, self.width, is_sum=False)
            out = array.array("d", bytes(8 * count * len(code.program.outputs)))
            failed = array.array("i", [-1]) * count
            for_all = code.map(self.columns, index, self.numbers(path)[self.width :], out, failed, self.workers)
            if for_all is not None:
                failed = array.array("i", [for_all]) * count
            path.runs += count
            rows = range(count) if index is None else index
            if not code.program.guards or failed.count(-1) == count:
                found.append((path, index, out))
                continue
            kept = [k for k in range(count) if failed[k] < 0]
            if kept:
                found.append((path, array.array("q", [rows[k] for k in kept]), _of_rows(out, kept, count)))
            for guard in sorted(set(failed) - {-1}):
                others = [rows[k] for k in range(count) if failed[k] == guard]
                other = self._find(others[0], path, guard)
                if other is None:
                    eagerly += others
                else:
                    waiting.append((other, array.array("q", others)))
        found.sort(key=lambda part: part[1][0] if part[1] is not None else 0)
        return found, sorted(eagerly)

    def results(self, path: Path, index: Any, out: Any) -> Iterator[Any]:
        """What the function returns for each row of a path; its Values are constants."""
        results, kinds = path.results, list(map(type, path.recording.nodes))
        floats, count = len(results.floats), self.count if index is None else len(index)
        size, numbers = len(out) // (count or 1), out.tolist()
        if size == 1 and results.is_one_float:
            return iter(numbers)
        rows = (numbers[i * size : (i + 1) * size] for i in range(count))
        end = size - len(kinds)
        return (
            results.build(
                row[:floats], [made(kind, x, CONSTANT) for kind, x in zip(kinds, row[end:], strict=True)],
                row[floats:end], self.values,
            )
            for row in rows
        )  # fmt: skip

    def arrays(self, path: Path, out: Any) -> Any:
        """What the function returns, as arrays over all rows."""
        width = len(path.recording.nodes) + len(path.recording.floats)
        return _stacked(template_of(path, self.values), out, self.count, width)

    def summed(self, path: Path, index: Any) -> Any:
        """The sum over the rows of a path; None if some of them take another."""
        summed = Summed(path.recording, self, index)
        numbers = self.numbers(path)
        answer = summed.results(numbers, lambda: path.operands_among(self.values))
        if type(answer) is int or answer is None:
            return None
        floats, nodes = answer
        count = self.count if index is None else len(index)
        width = len(path.results.floats)
        total = path.results.build(tuple(floats[:width]), nodes, floats[width:], self.values)
        return _with_constants(total, template_of(path, self.values), count)


class Summed(Recording):
    """A recording whose results are summed over rows, as functions of what is the same for all of them."""

    def __init__(self, recording: Recording, batch: Batch, index: Any) -> None:
        vars(self).update(vars(recording))
        self._recording, self._batch, self._index = recording, batch, index

    def derivative(self) -> Recording:
        """The adjoints by what is the same for all rows, summed."""
        derivative = self._recording.derivative()
        self._are_nodes = self._recording._are_nodes
        return Summed(derivative, self._batch, self._index)

    def _pulled_within_a_recording(self, *given: Any) -> Any:
        raise TracingError(
            f"a Value that a sum over rows of {self.name} gave before cannot be differentiated inside a function that "
            "jit compiles. Compute it inside the function"
        )

    def _code(self, suffix: str, outputs: Callable[[], list[Any]]) -> Any:
        batch = self._batch
        code = self._recording.over_rows(batch.back_end, batch.width, suffix, outputs, is_sum=True)
        return _Bound(code, batch, self._index)


class _Bound:
    """The code of a sum, with its rows."""

    call = None

    def __init__(self, code: Any, batch: Batch, index: Any) -> None:
        self._rows, self._batch, self._index = code, batch, index
        self.program: Program = code.program

    def run(self, *numbers: float) -> Any:
        """The sums; or -1 if some rows take another path."""
        batch, index = self._batch, self._index
        count = batch.count if index is None else len(index)
        answer = self._rows.sum(batch.columns, index, count, numbers[batch.width :], batch.workers)
        return -1 if answer is None else answer


class Place:
    """Stands for an output of a program in the structure of a result."""

    def __init__(self, position: int) -> None:
        self.position = position


def template_of(path: Path, values: dict[int, Value]) -> Any:
    """The structure of a result, with places for what is computed."""
    results = path.results
    floats, others = len(results.floats), len(results.others)
    places = tuple(map(Place, range(floats + others + len(results.nodes))))
    return results.build(places[:floats], places[floats + others :], places[floats:][:others], values)


def _stacked(template: Any, out: Any, count: int, width: int) -> Any:
    """The structure of a template with arrays over all rows for what is rectangular in it.

    The numbers of each row, so many, stand in a buffer one row after the other.
    """
    import numpy as np

    table = (np.frombuffer(out, dtype=float) if len(out) else np.empty(0)).reshape(count, width)

    def filled(template: Any) -> Any:
        found = _rectangle(template)
        if found is not None:
            places, shape = found
            if [getattr(place, "position", None) for place in places] == list(range(width)):
                return table.reshape(count, *shape)  # all of it, as it is
            made = np.empty((count, len(places)))
            for i, place in enumerate(places):
                made[:, i] = table[:, place.position] if isinstance(place, Place) else place
            return made.reshape(count, *shape)
        level = pytree.branch(template)
        return template if level is None else level.rebuild([filled(child) for child in level.children])

    return filled(template)


def _rectangle(template: Any) -> tuple[list[Any], tuple[int, ...]] | None:
    """The numbers of a rectangular structure of lists, tuples and arrays, and its shape; None if it is none."""
    if isinstance(template, Place) or (is_real(template) and not isinstance(template, bool)):
        return [template], ()
    if not isinstance(template, (list, tuple)) and not pytree.is_any_array(template):
        return None
    if hasattr(template, "_fields"):
        return None
    parts = [_rectangle(part) for part in template]
    if None in parts or len({part[1] for part in parts if part is not None}) > 1:
        return None
    known = [part for part in parts if part is not None]
    shape = known[0][1] if known else ()
    return [column for part in known for column in part[0]], (len(known), *shape)


def _with_constants(total: Any, template: Any, count: int) -> Any:
    """A sum in which what is the same for each row counts as often as there are rows."""
    if isinstance(template, Place):
        return total
    level, totals = pytree.branch(template), pytree.branch(total)
    if level is None or totals is None:
        is_number = isinstance(template, Value) or (is_real(template) and not isinstance(template, bool))
        return total * float(count) if is_number else total
    pairs = zip(totals.children, level.children, strict=True)
    return totals.rebuild([_with_constants(part, place, count) for part, place in pairs])


def added(parts: Sequence[Any]) -> Any:
    """Sums of one structure, added number by number in their order."""
    total = parts[0]
    for part in parts[1:]:
        leaves, structure = pytree.flatten(total)
        more, other = pytree.flatten(part)
        if structure != other:
            raise ArgumentError("the function returns other structures on other branches, which cannot be added")
        total = structure.unflatten(map(operator.add, leaves, more))
    return total


def stacked(results: list[Any]) -> Any:
    """Results of rows as arrays over all rows; as they are where they are not alike, or not numbers."""
    try:
        flat = [pytree.flatten(pytree.map_leaves(number, result)) for result in results]
    except TypeError:
        return results
    structure = flat[0][1]
    if any(other != structure for _, other in flat):
        return results
    numbers = array.array("d", [x for leaves, _ in flat for x in leaves])
    width = len(structure.paths())
    return _stacked(structure.unflatten(map(Place, range(width))), numbers, len(flat), width)


def _of_rows(out: Any, rows: list[int], count: int) -> Any:
    """The outputs of some of the rows."""
    size = len(out) // count
    if size == 1:
        return array.array("d", [out[k] for k in rows])
    kept = array.array("d")
    for k in rows:
        kept.extend(out[k * size : (k + 1) * size])
    return kept

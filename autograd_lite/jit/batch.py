"""``map`` and ``sum`` of a compiled function: its programs over the rows of columns.

The rows are divided among the paths of the function, each by the branches that it takes.
"""

import array
import copy
import operator
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from autograd_lite import pytree
from autograd_lite.core import modes, ops
from autograd_lite.core.checks import as_float, describe, is_real
from autograd_lite.core.node import number, numbers_of
from autograd_lite.core.op import CONSTANT
from autograd_lite.core.record import made
from autograd_lite.core.value import Value
from autograd_lite.errors import ArgumentError, GraphError, TracingError
from autograd_lite.jit.arguments import Arguments
from autograd_lite.jit.cache import Path
from autograd_lite.jit.columns import Column
from autograd_lite.jit.program import Program
from autograd_lite.jit.recording import Recording
from autograd_lite.transforms.sparse import Coo

__all__ = ["Batch", "Place", "added", "checked_workers", "rows_of", "stacked", "template_of"]

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
            out = _blank(count * len(code.program.outputs))
            failed = array.array("i", [-1]) * (count if code.program.guards else 0)
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
            failing: dict[int, list[int]] = {}
            for row, guard in zip(rows, failed, strict=True):
                if guard >= 0:
                    failing.setdefault(guard, []).append(row)
            for guard, others in failing.items():
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
        size = len(path.recording.floats) + len(kinds)
        if size == 1 and results.is_one_float:
            return iter(out.tolist())
        rows, end = rows_of(out, size, count), size - len(kinds)
        return (
            results.build(
                row[:floats], [made(kind, x, CONSTANT) for kind, x in zip(kinds, row[end:], strict=True)],
                row[floats:end], self.values,
            )
            for row in rows
        )  # fmt: skip

    def arrays(self, parts: list[tuple[Path, Any, Any]]) -> tuple[Any] | None:
        """What the function returns, as arrays over all rows, in a tuple; None if that is not alike, or no numbers."""
        import numpy as np

        tables = [self._table(*part) for part in parts]
        if len(parts) == 1 and parts[0][0].stack:
            return (parts[0][0].stack(tables[0]),)
        templates = [template_of(path, self.values) for path, _, _ in parts]
        if not all(map(_is_numeric, templates)):
            return None
        if len(parts) == 1:
            stack = _stacker(pytree.map_leaves(number, templates[0]))
            if not any(isinstance(leaf, Value) for leaf in _flattened(templates[0])[0]):  # whose number may change
                parts[0][0].stack = stack
            return (stack(tables[0]),)
        templates = [pytree.map_leaves(number, template) for template in templates]
        flat = list(map(_flattened, templates))
        structure = flat[0][1]
        if any(other != structure for _, other in flat):
            return None
        columns = list(zip(*(leaves for leaves, _ in flat), strict=True))
        merged = np.empty((self.count, len(columns)))
        for (_, index, _), table, (leaves, _) in zip(parts, tables, flat, strict=True):
            for i, leaf in enumerate(leaves):
                merged[np.frombuffer(index, "q"), i] = table[:, leaf.position] if isinstance(leaf, Place) else leaf
        places = [Place(i, is_bool={type(leaf) for leaf in leaves} == {bool}) for i, leaves in enumerate(columns)]
        return (_stacker(structure.unflatten(places))(merged),)

    def _table(self, path: Path, index: Any, out: Any) -> Any:
        """The numbers of each row of a path, as an array."""
        import numpy as np

        shape = len(path.recording.floats) + len(path.recording.nodes), self.count if index is None else len(index)
        return (np.frombuffer(out, dtype=float) if len(out) else np.empty(0)).reshape(shape).T

    def check_summable(self, path: Path) -> None:
        """Raise ``TypeError`` unless the function returns numbers that can be added."""
        template = template_of(path, self.values)
        if _holds_a_coo(template):
            raise TypeError("the indices of sparse matrices cannot be added: return their .data, or the dense matrix")
        _counted(template, 0)

    def summed(self, path: Path, index: Any) -> Any:
        """The sum over the rows of a path; None if some of them take another."""
        count = self.count if index is None else len(index)
        template = _counted(template_of(path, self.values), count)
        # Of several results the gradients are computed when they are asked for, from the rows as they are now.
        rows = self.kept() if len(path.recording.nodes) > 1 and modes.current().grad_enabled else self
        summed = Summed(path.recording, rows, index)
        numbers = self.numbers(path)
        answer = summed.results(numbers, lambda: path.operands_among(self.values))
        if type(answer) is int:
            return None
        floats, nodes = answer
        width = len(path.results.floats)
        total = path.results.build(tuple(floats[:width]), nodes, floats[width:], self.values)
        return _with_constants(total, template)

    def kept(self) -> "Batch":
        """The same with columns of its own."""
        twin = copy.copy(self)
        twin.columns = [c._replace(buffer=array.array("d", memoryview(c.buffer).tobytes())) for c in self.columns]
        return twin


class Summed(Recording):
    """A recording whose results are summed over rows, as functions of what is the same for all of them."""

    def __init__(self, recording: Recording, batch: Batch, index: Any) -> None:
        vars(self).update(vars(recording))
        self._recording, self._batch, self._index = recording, batch, index
        self._latest: Any = None  # the only node, with its partials

    def results(self, numbers: Sequence[float], operands: Callable[[], tuple[Any, ...]]) -> Any:
        """The sums of the floats and the nodes, or the number of the guard that fails."""
        answer = super().results(numbers, operands)
        if type(answer) is tuple and len(self.nodes) == 1 and answer[1][0].requires_grad:
            node = answer[1][0]
            self._latest = node._held(), *node.partials
        return answer

    def pulled(self, numbers: Sequence[float], operands: Sequence[Any], adjoints: list[Any], create_graph: bool) -> Any:
        """What the adjoints of the sums give the operands."""
        if len(self.nodes) > 1 or not modes.current().interpreter.is_eager:
            return super().pulled(numbers, operands, adjoints, create_graph)
        if not create_graph:  # a sum has the same adjoint for each row
            return [ops.strong_mul(partial, adjoints[0]) for partial in self._latest[1:]]
        # The rows are read again. They are not copied at each call: most calls are differentiated once.
        answer = self.values_and_gradient().run(*numbers)
        if type(answer) is int or _bits(answer[len(self.floats) :]) != _bits(self._latest):
            raise GraphError(
                f"a gradient that is itself a graph needs the columns of {self.name} as they were, and an array has "
                "been changed since. Differentiate before changing it, or hand in a copy"
            )
        self._batch = self._batch.kept()
        return super().pulled(numbers, operands, adjoints, create_graph)

    def derivative(self) -> Recording:
        """The adjoints by what is the same for all rows, summed."""
        derivative = self._recording.derivative()
        self._are_nodes = self._recording._are_nodes
        return Summed(derivative, self._batch, self._index)

    def _with_seeds(self) -> list[Any]:
        self._seeds = self._recording._with_seeds()  # they are inputs of that one's programs
        return self._seeds

    def _pulled_within_a_recording(self, *given: Any) -> Any:
        raise TracingError(
            f"a Value that a sum over rows of {self.name} gave before cannot be differentiated inside a function that "
            "jit compiles. Compute it inside the function"
        )

    def _code(self, suffix: str, outputs: Callable[[], list[Any]]) -> Any:
        batch = self._batch
        code = self._recording.over_rows(batch.back_end, batch.width, suffix, outputs, is_sum=True)
        return _Bound(code, batch, self._index)


def _bits(numbers: Sequence[float]) -> bytes:
    return array.array("d", numbers).tobytes()


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

    def __init__(self, position: int, *, is_bool: bool = False) -> None:
        self.position, self.is_bool = position, is_bool


def template_of(path: Path, values: dict[int, Value]) -> Any:
    """The structure of a result, with places for what is computed."""
    results = path.results
    floats, others = len(results.floats), len(results.others)
    places = tuple(map(Place, range(floats + others + len(results.nodes))))
    return results.build(places[:floats], places[floats + others :], places[floats:][:others], values)


# ---- Results as arrays --------------------------------------------------------------------


def stacked(results: list[Any]) -> Any:
    """Results of rows as arrays over all rows; as they are where they are not alike, or more than numbers."""
    import numpy as np

    if not results or not all(map(_is_numeric, results)):
        return results
    flat = [pytree.flatten(pytree.map_leaves(number, result)) for result in results]
    structure = flat[0][1]
    if any(other != structure for _, other in flat):
        return results
    rows = [leaves for leaves, _ in flat]
    table = np.empty((len(rows), len(rows[0])), dtype=float if modes.current().interpreter.is_eager else object)
    for i, row in enumerate(rows):
        table[i] = row
    places = [Place(i, is_bool=all(type(row[i]) is bool for row in rows)) for i in range(len(rows[0]))]
    return _stacker(structure.unflatten(places))(table)


def _flattened(template: Any) -> tuple[list[Any], pytree.Structure]:
    """What stands in a template, and its structure."""
    leaves: list[Any] = []

    def note(leaf: Any) -> float:
        leaves.append(leaf)
        return 0.0

    return leaves, pytree.flatten(pytree.map_leaves(note, template))[1]


def _is_numeric(result: Any) -> bool:
    """Whether there are only numbers in it: no text, and no Value whose gradient would be lost."""
    if isinstance(result, Value):
        return not result.requires_grad
    if isinstance(result, Place) or is_real(result):
        return True
    level = pytree.branch(result)
    return level is not None and all(map(_is_numeric, level.children))


def _stacker(template: Any) -> Callable[[Any], Any]:
    """What makes of a table the structure of a template, with arrays over all rows: its places are columns there."""
    found = _rectangle(template)
    if found is None:
        level = pytree.branch(template)
        assert level is not None
        parts, rebuild = list(map(_stacker, level.children)), level.rebuild
        return lambda table: rebuild([part(table) for part in parts])
    places, shape = found
    positions = [place.position if isinstance(place, Place) else None for place in places]
    are_bools = bool(places) and all(getattr(place, "is_bool", type(place) is bool) for place in places)
    first = (positions and positions[0]) or 0
    is_block = bool(positions) and positions == list(range(first, first + len(positions))) and not are_bools

    def stack(table: Any) -> Any:
        import numpy as np

        if is_block:  # of one column nothing is copied
            return np.ascontiguousarray(table[:, first : first + len(places)]).reshape(len(table), *shape)
        made = np.empty((len(table), len(places)), dtype=bool if are_bools else table.dtype)
        for i, place in enumerate(places):
            made[:, i] = place if positions[i] is None else table[:, positions[i]]
        return made.reshape(len(table), *shape)

    return stack


def _rectangle(template: Any) -> tuple[list[Any], tuple[int, ...]] | None:
    """The numbers of a rectangular structure of lists and arrays, and its shape; None if it is none."""
    if isinstance(template, Place) or is_real(template):
        return [template], ()
    if pytree.is_any_array(template):
        return template.ravel().tolist(), template.shape
    if type(template) is not list:
        return None
    parts = [_rectangle(part) for part in template]
    if None in parts or len({part[1] for part in parts if part is not None}) > 1:
        return None
    known = [part for part in parts if part is not None]
    shape = known[0][1] if known else ()
    return [column for part in known for column in part[0]], (len(known), *shape)


# ---- Sums ---------------------------------------------------------------------------------


def _holds_a_coo(template: Any) -> bool:
    level = pytree.branch(template)
    return isinstance(template, Coo) or (level is not None and any(map(_holds_a_coo, level.children)))


def _counted(template: Any, count: int) -> Any:
    """A template in which what is the same for each row counts as often as there are rows."""

    def times(leaf: Any) -> Any:
        if isinstance(leaf, Place):
            return leaf
        return leaf * float(count) if isinstance(leaf, Value) else _summand(leaf) * count if count else 0.0

    return pytree.map_leaves(times, template)


def _with_constants(total: Any, template: Any) -> Any:
    """A sum, with the numbers of a template where that has no place."""
    level, totals = pytree.branch(template), pytree.branch(total)
    if level is None or totals is None:
        return total if isinstance(template, Place) else template
    return totals.rebuild([_with_constants(*pair) for pair in zip(totals.children, level.children, strict=True)])


def _summand(leaf: Any) -> Any:
    """A Value, or another number as a float."""
    if isinstance(leaf, Value):
        return leaf
    if not is_real(leaf):
        raise TypeError(f"a sum over rows is one of numbers; the function returns {describe(leaf)}")
    return as_float(leaf)


def added(parts: Iterable[Any]) -> Any:
    """Sums of one structure, added number by number in their order."""
    total: Any = None
    for i, part in enumerate(parts):
        leaves, structure = pytree.flatten(pytree.map_leaves(_summand, part))
        if i and structure != total[1]:
            raise ArgumentError("the function returns other structures on other branches, which cannot be added")
        total = list(map(operator.add, total[0], leaves)) if i else leaves, structure
    return total[1].unflatten(total[0])


def _blank(size: int) -> Any:
    """Room for so many doubles: as NumPy gives it, where that is loaded, as the zeros take a quarter of the time."""
    numpy = sys.modules.get("numpy")
    return array.array("d", [0.0]) * size if numpy is None else numpy.empty(size)


def rows_of(out: Any, size: int, count: int) -> list[tuple[float, ...]]:
    """The outputs of each row, from those of each output."""
    numbers = out.tolist()
    return list(zip(*[numbers[i * count : (i + 1) * count] for i in range(size)], strict=True)) or [()] * count


def _of_rows(out: Any, rows: list[int], count: int) -> Any:
    """The outputs of some of the rows."""
    return array.array("d", [out[start + k] for start in range(0, len(out), count) for k in rows])

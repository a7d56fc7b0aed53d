"""A program over rows of data: by blocks in the compiled core's virtual machine, or row by row in Python.

Both give the same bits. A sum over rows has one order, whatever the blocks and the number of threads: groups of 32
rows; in a group lane l adds the rows l, l + 8, l + 16 and l + 24, and the lanes are added in pairs; the groups are
added one after the other, and what that rounds off is added at the end (Knuth's TwoSum). More than 4,096 rows are
summed so in sixteen parts, which are added in the same way. The error is that of some ten additions, for any count
of rows.
"""

import array
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from autograd_lite.core.loops import Several
from autograd_lite.jit.backends.python import PythonCode
from autograd_lite.jit.backends.vm import VmCode
from autograd_lite.jit.passes import fast_form, gather_sums, share_exponentials
from autograd_lite.jit.program import Program

__all__ = ["PythonRows", "VmRows", "over_rows", "parts_of"]

#: Up to so many rows are summed in one part; of more there are so many parts, each of whole blocks.
SINGLE, PARTS, BLOCK = 4096, 16, 128
#: Rows of a group, and lanes in which they are added.
GROUP, LANES = 32, 8


def parts_of(count: int) -> list[tuple[int, int]]:
    """The rows in parts that are summed, or given to threads, by themselves: where each starts and stops.

    >>> parts_of(100)
    [(0, 100)]
    >>> len(parts_of(1_000_000)), parts_of(1_000_000)[1]
    (16, (62592, 125184))
    """
    if count <= SINGLE:
        return [(0, count)]
    size = -(-count // PARTS // BLOCK) * BLOCK
    return [(start, min(start + size, count)) for start in range(0, count, size)]


class VmRows:
    """A program over rows, in blocks. Its first ``width`` inputs are of each row, the others the same for all.

    The fast form runs first, which has no strong zeros; a block where that is not enough runs again in full.
    """

    def __init__(self, program: Program, width: int, *, is_sum: bool, block: int = 0) -> None:
        self.program, self.width, self.is_sum = program, width, is_sum
        self._block = block
        self._codes: list[Any] = [self._code(share_exponentials(gather_sums(fast_form(program))))]

    def _code(self, program: Program) -> Any:
        from autograd_lite.core.rows import Rows

        by_row = [i < self.width for i in range(len(program.inputs))]
        results = 0 if self.is_sum else len(program.outputs)
        return Rows(
            by_row, program.instructions, program.outputs, program.guards,
            results=results, checked=program.checked, block=self._block,
        )  # fmt: skip

    def _careful(self) -> Any:
        if len(self._codes) == 1:
            self._codes.append(self._code(self.program))
        return self._codes[1]

    def map(
        self, columns: Sequence[Any], index: Any, shared: Sequence[float], out: Any, failed: Any, workers: int
    ) -> int | None:
        """Write the outputs, each for all rows, and the guard that fails; or return one that fails for all.

        ``failed`` may be empty where there are no guards.
        """
        count = columns[0].length if index is None else len(index)
        data = _columns(columns, index, count)
        uniforms = _Uniforms(self, shared)
        if uniforms.failed is not None:
            return int(uniforms.failed)

        def run(part: tuple[int, int]) -> bool:
            return self._run(data, uniforms, part, out, None, failed or None)

        for _ in self._each(parts_of(count), workers, run):
            pass
        return None

    def sum(
        self, columns: Sequence[Any], index: Any, count: int, shared: Sequence[float], workers: int
    ) -> tuple[float, ...] | int | None:
        """The outputs summed over the rows; or a guard that fails for all rows, or None if one does for some."""
        from autograd_lite.core.rows import Sums

        data = _columns(columns, index, count)
        uniforms = _Uniforms(self, shared)
        if uniforms.failed is not None and count:
            return int(uniforms.failed)
        failed = array.array("i", [-1]) * count if self.program.guards else None
        total = Sums(len(self.program.outputs))

        def summed(part: tuple[int, int]) -> Any:
            sums = Sums(len(self.program.outputs))
            return sums if self._run(data, uniforms, part, None, sums, failed) else None

        for sums in self._each(parts_of(count), workers, summed):
            if sums is None:
                return None
            total.add(sums)
        if not self.program.outputs and failed is not None and failed.count(-1) < count:
            return None  # without anything to sum a run does not stop there
        return tuple(total.totals())

    def _each(self, parts: list[Any], workers: int, function: Callable[[Any], Any]) -> Iterator[Any]:
        """What the function gives for each part, in order."""
        if workers == 1 or len(parts) == 1 or self._codes[0].calls_python:  # that one keeps the interpreter lock
            yield from map(function, parts)
            return
        with ThreadPoolExecutor(min(workers, len(parts))) as pool:
            yield from pool.map(function, parts)

    def _run(self, data: Any, uniforms: "_Uniforms", part: tuple[int, int], out: Any, sums: Any, failed: Any) -> bool:
        """Run over a part of the rows; whether there is nothing in the way of a sum."""
        start, stop = part
        fast = self._codes[0]
        has_stopped = not uniforms.is_finite
        while start < stop:
            if not has_stopped:
                start = fast.run(data, uniforms.of(fast), start, stop, out, sums, failed)
                if start == stop:
                    break
            code = self._careful()
            end = stop if has_stopped else min(start + fast.block, stop)
            if failed is not None:
                failed[start:end] = array.array("i", [-1]) * (end - start)
            if code.run(data, uniforms.of(code), start, end, out, sums, failed) < end:
                return False
            start = end
        return True


class _Uniforms:
    """The numbers that are the same for all rows, for each form of a program."""

    def __init__(self, rows: VmRows, shared: Sequence[float]) -> None:
        self._shared = shared
        self._made: dict[Any, Any] = {}
        first = self.of(rows._codes[0])
        #: Whether the fast form will do, and the number of the guard that fails for all rows.
        self.is_finite = first.is_finite and first.failed is None
        self.failed = None if self.is_finite else self.of(rows._careful()).failed

    def of(self, code: Any) -> Any:
        """Those of a form."""
        if code not in self._made:
            self._made[code] = code.uniforms(self._shared)
        return self._made[code]


def _columns(columns: Sequence[Any], index: Any, count: int) -> Any:
    from autograd_lite.core.rows import Columns

    data = Columns(count, index)
    for column in columns:
        data.add(column.buffer, column.width)
    return data


def over_rows(program: Program, width: int, *, is_sum: bool) -> Any:
    """The code of a program over rows: in blocks, or row by row in the machine where it has loops of its own."""
    if any(isinstance(op, Several) for op, _ in program.instructions):
        return PythonRows(program, width, is_sum=is_sum, code=VmCode)
    return VmRows(program, width, is_sum=is_sum)


class PythonRows:
    """The same, row by row in Python. Threads would be of no use."""

    def __init__(
        self, program: Program, width: int, *, is_sum: bool, code: Callable[[Program], Any] = PythonCode
    ) -> None:
        self.program = program
        self._code = code(program)

    def map(
        self, columns: Sequence[Any], index: Any, shared: Sequence[float], out: Any, failed: Any, workers: int
    ) -> None:
        """Write the outputs, each for all rows, and the guard that fails, if one does."""
        count = columns[0].length if index is None else len(index)
        for i, numbers in enumerate(_rows(columns, index, count)):
            answer = self._code.run(*numbers, *shared)
            if type(answer) is int:
                failed[i] = answer
            else:
                for k, x in enumerate(answer):
                    out[k * count + i] = x

    def sum(
        self, columns: Sequence[Any], index: Any, count: int, shared: Sequence[float], workers: int
    ) -> tuple[float, ...] | None:
        """The outputs summed over the rows; or None if a guard fails for some."""
        rows = list(_rows(columns, index, count))
        size = len(self.program.outputs)
        total: list[_Sum] = [_Sum() for _ in range(size)]
        for start, stop in parts_of(count):
            part = [_Sum() for _ in range(size)]
            for first in range(start, stop, GROUP):
                answers = [self._code.run(*numbers, *shared) for numbers in rows[first : min(first + GROUP, stop)]]
                if int in map(type, answers):
                    return None
                for i, column in enumerate(zip(*answers, strict=True)):
                    part[i].add(_group(column), 0.0)
            for whole, piece in zip(total, part, strict=True):
                whole.add(*piece.parts)
        return tuple([whole.total() for whole in total])


def _rows(columns: Sequence[Any], index: Any, count: int) -> Iterator[list[float]]:
    """The numbers of each row."""
    views = [(memoryview(column.buffer), column.width) for column in columns]
    for i in range(count) if index is None else index:
        row: list[float] = []
        for view, width in views:
            row += [view[i, j] for j in range(width)] if view.ndim == 2 else view[i * width : (i + 1) * width]
        yield row


def _group(numbers: Sequence[float]) -> float:
    """The sum of at most 32 numbers, in lanes."""
    lanes = [0.0] * LANES
    for i, x in enumerate([*numbers, *[0.0] * (-len(numbers) % LANES)]):
        lanes[i % LANES] = x if i < LANES else lanes[i % LANES] + x
    while len(lanes) > 1:
        lanes = [x + y for x, y in zip(lanes[::2], lanes[1::2], strict=True)]
    return lanes[0]


class _Sum:
    """A sum, and beside it what has been rounded off."""

    def __init__(self) -> None:
        self.parts = 0.0, 0.0
        self._is_begun = False

    def add(self, x: float, error: float) -> None:
        """Add a number and what has been rounded off it."""
        if not self._is_begun:
            self.parts, self._is_begun = (x, error), True
            return
        a, errors = self.parts
        total = a + x
        part = total - a
        rest = (a - (total - part)) + (x - part)
        self.parts = total, errors + ((rest if rest == rest else 0.0) + error)

    def total(self) -> float:
        """The sum of all that was added; 0 of nothing."""
        return self.parts[0] + self.parts[1]

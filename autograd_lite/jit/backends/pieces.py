"""A long Program cut into pieces, which compilers take in time that grows no faster than its length."""

import bisect
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

from autograd_lite.core.op import Op
from autograd_lite.jit.program import Guard, Program

__all__ = ["Piece", "pieces_of"]


class Piece(NamedTuple):
    """Some consecutive instructions, what they need from before, and what is needed of them after."""

    start: int
    stop: int
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    guards: tuple[Guard, ...]
    #: What has to be finite, before a guard or the end relies on it.
    checked: tuple[int, ...]


def pieces_of(program: Program, size: int, waits: Callable[[Op], bool] = lambda op: False) -> list[Piece]:
    """The program in pieces of at most so many instructions; positions are those of its numbers.

    The guards of a piece are looked at when all of it has been computed. An operation that ``waits`` stands in a
    later piece than every guard before it.
    """
    count = len(program.inputs)
    bounds = _bounds(program, size, waits)
    stops = [stop for _, stop in bounds]
    needed: list[set[Any]] = [set() for _ in bounds]
    guards: list[list[Guard]] = [[] for _ in bounds]
    checked: list[list[int]] = [[] for _ in bounds]
    for at, (start, stop) in enumerate(bounds):
        for _, operands in program.instructions[start - count : stop - count]:
            needed[at].update([operand for operand in operands if type(operand) is int])
    for guard in program.guards:
        at = bisect.bisect_left(stops, guard.at)
        guards[at].append(guard)
        needed[at].update([operand for operand in (guard.left, guard.right) if type(operand) is int])
    for position in program.checked:
        at = bisect.bisect_right(stops, position) if position >= count else 0
        checked[at].append(position)
        needed[at].add(position)
    reads = [[position for position in needed[at] if position < start] for at, (start, _) in enumerate(bounds)]
    written = {*itertools.chain.from_iterable(reads), *program.outputs}
    return [
        Piece(
            start,
            stop,
            tuple(sorted(reads[at])),
            tuple([position for position in range(start, stop) if position in written]),
            tuple(guards[at]),
            tuple(checked[at]),
        )
        for at, (start, stop) in enumerate(bounds)
    ]


def _bounds(program: Program, size: int, waits: Callable[[Op], bool]) -> list[tuple[int, int]]:
    """Where each piece starts and stops."""
    count = len(program.inputs)
    guarded = sorted(guard.at for guard in program.guards)
    bounds, start, seen = [], count, 0
    for position, (op, _) in enumerate(program.instructions, count):
        has_guard = seen < len(guarded) and guarded[seen] <= position
        if position - start == size or (has_guard and waits(op)):
            bounds.append((start, position))
            start = position
            seen = bisect.bisect_right(guarded, position)
    return [*bounds, (start, count + len(program))]

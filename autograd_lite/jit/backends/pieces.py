"""A long Program cut into pieces, which compilers take in time that grows no faster than its length."""

import itertools
from typing import Any, NamedTuple

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


def pieces_of(program: Program, size: int) -> list[Piece]:
    """The program in pieces of at most so many instructions; positions are those of its numbers."""
    count = len(program.inputs)
    total = count + len(program)
    bounds = [(start, min(start + size, total)) for start in range(count, total, size)] or [(count, count)]
    last = len(bounds) - 1

    def piece_at(position: int) -> int:
        return min((position - count) // size, last)

    needed: list[set[Any]] = [set() for _ in bounds]
    guards: list[list[Guard]] = [[] for _ in bounds]
    checked: list[list[int]] = [[] for _ in bounds]
    for at, (start, stop) in enumerate(bounds):
        for _, operands in program.instructions[start - count : stop - count]:
            needed[at].update([operand for operand in operands if type(operand) is int])
    for guard in program.guards:
        at = piece_at(max(guard.at - 1, count))
        guards[at].append(guard)
        needed[at].update([operand for operand in (guard.left, guard.right) if type(operand) is int])
    for position in program.checked:
        at = piece_at(max(position, count))
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

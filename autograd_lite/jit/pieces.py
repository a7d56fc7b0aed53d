"""A long Program cut into pieces, which compilers take in time that grows no faster than its length."""

from typing import NamedTuple

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

    reads: list[dict[int, None]] = [{} for _ in bounds]
    is_written = bytearray(total)
    guards: list[list[Guard]] = [[] for _ in bounds]
    checked: list[list[int]] = [[] for _ in bounds]

    def read(position: int | float, at: int) -> None:
        if type(position) is int and position < bounds[at][0]:
            reads[at][position] = None
            is_written[position] = True

    for at, (start, stop) in enumerate(bounds):
        for _, operands in program.instructions[start - count : stop - count]:
            for operand in operands:
                read(operand, at)
    for guard in program.guards:
        at = piece_at(max(guard.at - 1, count))
        guards[at].append(guard)
        read(guard.left, at)
        read(guard.right, at)
    for position in program.checked:
        at = piece_at(max(position, count))
        checked[at].append(position)
        read(position, at)
    for output in program.outputs:
        if type(output) is int:
            is_written[output] = True
    return [
        Piece(
            start,
            stop,
            tuple(sorted(reads[at])),
            tuple([position for position in range(start, stop) if is_written[position]]),
            tuple(guards[at]),
            tuple(checked[at]),
        )
        for at, (start, stop) in enumerate(bounds)
    ]

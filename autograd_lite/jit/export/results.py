"""What the outputs of a compiled function's program are to its caller."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from autograd_lite import pytree
from autograd_lite.core.value import Value
from autograd_lite.jit.cache import Path
from autograd_lite.jit.passes import eliminate_dead_code
from autograd_lite.jit.program import Program

__all__ = ["filled", "output_names", "without_gradient"]


def filled(path: Path, program: Program, inputs: Sequence[Any], outputs: Sequence[Any]) -> Any:
    """What the function returned, with these in the places of its arguments and of the program's outputs.

    A tuple of all outputs, where the program is the gradient that ``backward()`` ran.
    """
    if _is_gradient(path, program):
        return tuple(outputs)
    count, end = len(path.recording.floats), _count_results(path)
    floats, nodes = outputs[:count], outputs[count:end]
    made = path.results.build(floats, nodes, floats[len(path.results.floats) :], dict(enumerate(inputs)))
    return pytree.map_leaves(lambda leaf: leaf._held() if isinstance(leaf, Value) else leaf, made)


def output_names(path: Path, program: Program) -> list[str]:
    """What to call each output: its place in what the function returned, or whose gradient it is."""
    marks = [_Mark(i, "result") for i in range(len(program.outputs))]
    names = ["result"] * len(marks)

    def walk(thing: Any, place: str) -> None:
        if isinstance(thing, _Mark):
            names[thing.position] = place
        elif (level := pytree.branch(thing)) is not None:
            for name, child in zip(level.names(), level.children, strict=True):
                walk(child, place + name)

    walk(filled(path, program, [_Mark(0, name) for name in program.inputs], marks), "result")
    first = 0 if _is_gradient(path, program) else _count_results(path)
    names[first:] = [f"gradient by {program.inputs[place]}" for place in path.recording.places[: len(names) - first]]
    return names


def without_gradient(path: Path, program: Program) -> Program:
    """The program of what the function returned alone, where it computes the gradient along with that."""
    if _is_gradient(path, program):
        return program
    return eliminate_dead_code(replace(program, outputs=program.outputs[: _count_results(path)]))


def _is_gradient(path: Path, program: Program) -> bool:
    return program.name == f"{path.recording.name}_gradient"


def _count_results(path: Path) -> int:
    return len(path.recording.floats) + len(path.recording.nodes)


class _Mark:
    """Stands in a structure for a number."""

    def __init__(self, position: int, name: str) -> None:
        self.position, self.name = position, name

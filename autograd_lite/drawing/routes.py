"""A path as it is read: where it stops on the way, and the derivative from each stop to the next."""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from autograd_lite.core import ops
from autograd_lite.core.node import number
from autograd_lite.core.op import Op
from autograd_lite.core.value import Value

__all__ = ["Step", "Stop", "cut", "route", "shortened", "shown"]

#: Of a longer path only so many steps at each end are looked at.
_ENDS = 100
#: Names are cut to so many characters.
_WIDEST = 32
#: Operations that do not mind which operand is which.
_COMMUTATIVE = (ops.add, ops.mul)


class Step(NamedTuple):
    """One operation of a path: its result, the derivative of that by the operand before, and which operand that is."""

    node: Value
    partial: float
    position: int


class Stop(NamedTuple):
    """A place on a path: an operation, or several in one."""

    label: str
    #: The derivative by the stop before; 1 at the first.
    factor: float
    #: How many operations it stands for.
    steps: int = 1


def route(x: Value, steps: Sequence[Step], module_of: Callable[[Value], str]) -> list[Stop]:
    """The stops of a path from x on. What is done inside one module is one stop, and so are many equal operations."""
    if len(steps) <= 2 * _ENDS:
        stops = _stops(steps, module_of)
    else:
        between = _merged([Stop("", step.partial) for step in steps[_ENDS:-_ENDS]])
        stops = [*_stops(steps[:_ENDS], module_of), between, *_stops(steps[-_ENDS:], module_of)]
    first = x.name or shown(number(x))
    if stops and first.startswith(f"{stops[0].label}."):  # the parameter of a module, which comes next
        first = first[len(stops[0].label) + 1 :]
    return [Stop(cut(first), 1.0, 0), *stops]


def shortened(stops: list[Stop], fits: Callable[[list[Stop]], bool]) -> list[Stop]:
    """The stops, with as few as it takes left out in the middle."""
    if fits(stops):
        return stops
    for kept in range(len(stops) - 2, 1, -1):
        front = (kept + 1) // 2
        back = len(stops) - (kept - front)
        shorter = [*stops[:front], _merged(stops[front:back]), *stops[back:]]
        if fits(shorter):
            break
    return shorter


def _merged(stops: list[Stop]) -> Stop:
    steps = sum(stop.steps for stop in stops)
    return Stop(f"... ({steps} more)", math.prod(stop.factor for stop in stops), steps)


def _stops(steps: Sequence[Step], module_of: Callable[[Value], str]) -> list[Stop]:
    def place(step: Step) -> tuple[str, str]:
        if step.node.name:
            return "name", step.node.name
        module = module_of(step.node)
        return ("module", module) if module else ("operation", _operation(step))

    stops: list[Stop] = []
    for (kind, label), some in itertools.groupby(steps, place):
        found = [Stop(cut(label), step.partial) for step in some]
        together = Stop(cut(label), math.prod(stop.factor for stop in found), len(found))
        if kind == "module":
            stops.append(together)
        elif kind == "operation" and len(found) > 2:
            stops.append(together._replace(label=f"{together.label} ({len(found)} times)"))
        else:
            stops += found
    return stops


def _operation(step: Step) -> str:
    """The symbol of an operation, with its other operand where that says what the derivative is."""
    node, _, position = step
    op = node._primitive
    if op.pull and node.partials and isinstance(node.operands[0], Value) and not node.operands[0].partials:
        inner = node.operands[0].op
        return op.symbol if inner is None or op.arity != 1 else f"{inner.symbol}: {op.symbol}"
    if op in (ops.sum, ops.mean):
        return f"{op.symbol}[{position}]"
    if len(node.operands) != 2 or op.is_linear or op.symbol[0].isalpha():
        return str(op.symbol)
    return _with_other(op, node.operands[1 - position], position)


def _with_other(op: Op, other: Value | float, position: int) -> str:
    name = other.name if isinstance(other, Value) else None
    text = shown(number(other)) if name is None else f"({cut(name)} = {shown(number(other))})"
    return f"{op.symbol} {text}" if position == 0 or op in _COMMUTATIVE else f"{text} {op.symbol}"


def shown(x: float) -> str:
    """A number with four significant digits."""
    return f"{x + 0.0:.4g}"


def cut(name: str) -> str:
    """A name on one line, the middle of a long one left out."""
    plain = "".join(letter if letter.isprintable() else " " for letter in name)
    if len(plain) <= _WIDEST:
        return plain
    return f"{plain[: _WIDEST // 2 - 2]}...{plain[1 - _WIDEST // 2 :]}"

"""A path as it is read: where it stops on the way, and the derivative from each stop to the next."""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from autograd_lite.core import ops
from autograd_lite.core.node import number
from autograd_lite.core.op import Op
from autograd_lite.core.value import Value
from autograd_lite.drawing import labels
from autograd_lite.drawing.written_out import is_bundle

__all__ = ["Step", "Stop", "figure", "route", "short_of_parameters", "shortened"]

#: Of a longer path only so many steps at each end are looked at.
_ENDS = 100
#: Nothing has room for more stops.
_MOST_STOPS = 60
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
    #: It stands for what is left out.
    is_gap: bool = False
    #: Where it ends.
    node: Value | None = None
    #: The label without what depends on the way to it.
    title: str = ""


def route(
    nodes: Sequence[Value], partials: Sequence[float], positions: Sequence[int], module_of: Callable[[Value], str]
) -> list[Stop]:
    """The stops of a path. What is done inside one module is one stop, and so are many equal operations."""
    x, count = nodes[0], len(partials)

    def stops_of(some: slice) -> list[Stop]:
        return _stops(list(map(Step, nodes[1:][some], partials[some], positions[some])), module_of)

    if count <= 2 * _ENDS:
        stops = stops_of(slice(None))
    else:
        between = _gap(count - 2 * _ENDS, partials[_ENDS:-_ENDS], nodes[-_ENDS - 1])
        stops = [*stops_of(slice(_ENDS)), between, *stops_of(slice(-_ENDS, None))]
    first = short_of_parameters([(x.name or "").strip() or "x", *[stop.label for stop in stops[:1]]])[0]
    return [Stop(labels.cut(first), 1.0, 0, node=x), *stops]


def short_of_parameters(places: Sequence[str]) -> Sequence[str]:
    """The places, the first without the name of the module that comes next, if it is a parameter of that."""
    if len(places) < 2 or not places[0].startswith(f"{places[1]}."):
        return places
    return [places[0].removeprefix(f"{places[1]}."), *places[1:]]


def shortened(stops: list[Stop], fits: Callable[[list[Stop]], bool]) -> list[Stop]:
    """The stops, with as few as it takes left out in the middle."""
    if fits(stops):
        return stops
    for kept in range(min(len(stops) - 2, _MOST_STOPS), 1, -1):
        front = (kept + 1) // 2
        back = len(stops) - (kept - front)
        shorter = [*stops[:front], _merged(stops[front:back]), *stops[back:]]
        if fits(shorter):
            break
    return shorter


def _merged(stops: list[Stop]) -> Stop:
    return _gap(sum(stop.steps for stop in stops), [stop.factor for stop in stops], stops[-1].node)


def _gap(steps: int, factors: Sequence[float], node: Value | None) -> Stop:
    return Stop(f"… {steps:,} more …", math.prod(factors), steps, True, node)


def _stops(steps: Sequence[Step], module_of: Callable[[Value], str]) -> list[Stop]:
    def place(step: Step) -> tuple[str, str]:
        if step.node.name:
            return "name", step.node.name
        module = module_of(step.node)
        return ("module", module) if module else ("operation", _operation(step))

    stops: list[Stop] = []
    for (kind, label), some in itertools.groupby(steps, place):
        found = [Stop(labels.cut(label), step.partial, node=step.node, title=_title(kind, step)) for step in some]
        together = Stop(labels.cut(label), math.prod(stop.factor for stop in found), len(found), node=found[-1].node)
        if kind == "module":
            stops.append(together)
        elif kind == "operation" and len(found) > 2:
            stops.append(together._replace(label=f"{together.label} ({len(found)} times)"))
        else:
            stops += found
    return stops


def _title(kind: str, step: Step) -> str:
    return labels.cut(step.node._primitive.symbol) if kind == "operation" else ""


def _operation(step: Step) -> str:
    """The symbol of an operation, with its other operand where that says what the derivative is."""
    node, _, position = step
    op = node._primitive
    first = node.operands[0]
    if isinstance(first, Value) and first.op is not None and is_bundle(first):  # one result of a compiled call
        return f"{first.op.symbol}: {op.symbol}"
    if op in (ops.sum_, ops.mean):
        return f"{op.symbol}[{position}]"
    if op.pull or len(node.operands) != 2 or op.is_linear or op.symbol[0].isalpha():
        return str(op.symbol)
    return _with_other(op, node.operands[1 - position], position)


def _with_other(op: Op, other: Value | float, position: int) -> str:
    name = other.name if isinstance(other, Value) else None
    text = figure(number(other)) if name is None else f"({labels.cut(name)} = {figure(number(other))})"
    return f"{op.symbol} {text}" if position == 0 or op in _COMMUTATIVE else f"{text} {op.symbol}"


def figure(x: float) -> str:
    """A number with four significant digits."""
    return labels.shown(x, 4)

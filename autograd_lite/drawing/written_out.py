"""What is drawn for each node; sums of many terms as the multiplications and additions that they are made of."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from autograd_lite.core import graph, ops
from autograd_lite.core.node import number
from autograd_lite.core.op import Op
from autograd_lite.core.value import Value

__all__ = ["Drawn", "Step", "drawn"]


class Step:
    """A number on the way to the result of a sum. It has what a drawing shows of a Value, and is no node itself."""

    name, is_leaf = None, False
    requires_grad: bool
    #: The sum that it belongs to, and the derivative of that by it.
    total: Value
    scale = 1.0

    def __init__(self, op: Op, operands: "tuple[Value | Step | float, ...]", data: float) -> None:
        self.op, self.operands, self.data = op, operands, data
        self.requires_grad = any(o.requires_grad for o in operands if not isinstance(o, float))


class Drawn(NamedTuple):
    """A node of a drawing, and the operation that is shown before it."""

    node: Value | Step
    op: Op | None
    operands: tuple[Any, ...]


def drawn(roots: Sequence[Value], expand: bool) -> list[Drawn]:
    """Everything to draw, each after its operands; sums written out if asked for."""
    nodes = graph.nodes(*roots)
    found: list[Drawn] = []
    for node in nodes:
        steps = _steps(node) if expand and node.op in ops.SUMS else []
        last = steps.pop() if steps else node
        found += [Drawn(step, step.op, step.operands) for step in steps]
        found.append(Drawn(node, last.op, last.operands))
    return found


def is_bundle(node: Value | Step) -> bool:
    """Whether it is all results of one compiled call together, which is no number: each of them is a node above it."""
    return isinstance(node, Value) and node.op is not None and bool(node.op.pull) and not node.partials


class _Number:
    """A number of a sum that is written out: a type of number that notes each step."""

    def __init__(self, drawn: Any, data: float, steps: list[Step]) -> None:
        self.drawn, self.data, self.steps = drawn, data, steps

    def _after(self, op: Op, other: Any) -> "_Number":
        if not isinstance(other, _Number):
            other = _Number(other, other, self.steps)
        step = Step(op, (self.drawn, other.drawn), op(self.data, other.data))
        self.steps.append(step)
        return _Number(step, step.data, self.steps)

    def __add__(self, other: Any) -> "_Number":
        return self._after(ops.add, other)

    def __mul__(self, other: Any) -> "_Number":
        return self._after(ops.mul, other)

    def __truediv__(self, other: Any) -> "_Number":
        return self._after(ops.div, other)


def _steps(node: Value) -> list[Step]:
    """The steps of a sum, the last of which gives its result; none where it has no more than one operand.

    None either if they do not come to its result: the data of an operand has been assigned since, and they are gone.
    """
    assert node.op is not None
    steps: list[Step] = []
    result: Any = node.op.value(*[_Number(o, number(o), steps) for o in node.operands])
    ans = result.data
    if ans != node.data and not (ans != ans and node.data != node.data):
        return []
    for step in steps:  # the partials of + are 1, so each has the adjoint of the result; before the division of a mean
        step.total = node
        step.scale = node.partials[0] if node.op is ops.mean else 1.0
    return steps

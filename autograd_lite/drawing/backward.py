"""What a backward pass does, noted as the engine does it: every product, every sum, in order. No node is written to."""

import math
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from autograd_lite.core import graph, modes
from autograd_lite.core.chain import pull_back
from autograd_lite.core.value import Value

__all__ = ["BackwardPass", "Contribution", "backward_pass", "is_as_computed"]


class Contribution(NamedTuple):
    """What a node gives to the adjoint of one of its operands: ``total = before + adjoint * partial``."""

    node: Value
    #: Which of the node's operands it is, counted from 0, and the operand itself.
    position: int
    operand: Value
    #: The adjoint of the node: the derivative of the root by it. None for a call of a compiled function with several
    #: results, to which theirs come together (which is no contribution: it is no number).
    adjoint: float | None
    #: The derivative of the node by the operand. None for an operation with a chain rule of its own, a compiled
    #: function say, which says only what arrives at its operands.
    partial: float | None
    #: What arrives: adjoint * partial, and 0 where one of them is 0 and the other infinite or nan.
    product: float
    #: The adjoint of the operand before and after; ``before`` is 0.0 at the first contribution.
    before: float
    total: float


class BackwardPass(NamedTuple):
    """The contributions in the order in which they are made, and what they come to."""

    contributions: list[Contribution]
    #: The derivative of the root by each node that it depends on; constants have none.
    adjoints: dict[Value, float]


class _Notes(modes.Interpreter):
    """Computes as ever, and notes what is multiplied. Modes in which it computes are special: everything goes by it."""

    is_eager = False

    def __init__(self) -> None:
        self.factors: list[tuple[float, float, float]] = []

    def multiply(self, adjoint: Any, partial: Any) -> Any:
        product = super().multiply(adjoint, partial)
        self.factors.append((adjoint, partial, product))
        return product


def backward_pass(root: Value) -> BackwardPass:
    """What ``root.backward()`` does, without doing it: no ``grad`` is read or changed.

    Raises what ``backward()`` raises in the function that ``jit`` records, and nothing for nan and infinities.
    """
    modes.current().interpreter.refuse("backward")
    notes = _Notes()
    before = modes.top.get()
    try:
        modes.enter(interpreter=notes, anomaly=False)
        notes.is_eager = True  # now that the modes are special: compiled functions go back over floats as ever
        ends = pull_back({root: 1.0})
    finally:
        modes.top.set(before)
    order = graph.operations(root)
    done = _summed(root, reversed(order), iter(notes.factors))
    assert all(_are_same(adjoint, ends[leaf]) for leaf, adjoint in done.adjoints.items() if leaf.is_leaf)
    return done


def is_as_computed(node: Value) -> bool:
    """Whether the result of an operation is what its operands give: not if the data of one was assigned since."""
    op = node._primitive
    if node.is_leaf or callable(op.pull):
        return True
    now = op.evaluate(*[o.data if isinstance(o, Value) else o for o in node.operands])
    return math.isclose(now, node.data, rel_tol=1e-9) or (now != now and node.data != node.data)


def _summed(root: Value, order: Iterable[Value], factors: Iterator[tuple[float, float, float]]) -> BackwardPass:
    """Each product beside the operand that it goes to, summed as the chain rule sums them."""
    contributions: list[Contribution] = []
    totals: dict[Value, Any] = {root: 1.0}
    for node in order:
        for position, operand, partial, product in _products(node, totals.get(node, 0.0), factors):
            if not operand.requires_grad:
                continue
            before = totals.get(operand)
            if before is None:
                total = product
            else:
                total = before if type(product) is float and product == 0.0 else before + product
            totals[operand] = total
            if type(total) is float:
                adjoint = _shown(totals.get(node, 0.0))
                numbers = (adjoint, partial, product + 0.0, (before or 0.0) + 0.0, total + 0.0)
                contributions.append(Contribution(node, position, operand, *numbers))
    adjoints = {node: _shown(total) for node, total in totals.items()}
    return BackwardPass(contributions, {node: total for node, total in adjoints.items() if total is not None})


def _products(
    node: Value, adjoint: Any, factors: Iterator[tuple[float, float, float]]
) -> Iterator[tuple[int, Value, float | None, Any]]:
    """What a node gives to each operand: its position, the operand, the partial and the product."""
    operands = [(position, o) for position, o in enumerate(node.operands) if isinstance(o, Value)]
    pull = node._primitive.pull
    if pull is None:
        for position, operand in operands:
            noted, partial, product = next(factors)
            assert _are_same(noted, adjoint)
            yield position, operand, partial, product
        return
    given = pull(node, adjoint, False)
    for position, operand in operands:
        if given[position] is not None:
            yield position, operand, None, given[position]


def _shown(adjoint: Any) -> float | None:
    """The number, never -0.0; None if it is not one."""
    return adjoint + 0.0 if type(adjoint) is float else None


def _are_same(x: float, y: float) -> bool:
    return x == y or (x != x and y != y)

"""The chain rule, backward and forward, over a recorded graph.

Both walks take what is given (adjoints of results, or tangents of inputs) as a dict from
nodes to numbers, and return that dict grown by what follows. No node is changed. With
``create_graph`` the local partials are computed anew as nodes, and so are the results:
a gradient is then a graph that can be differentiated again.
"""

import math
from typing import Any, TypeVar

from autograd_lite.errors import AnomalyError, GraphError
from autograd_lite.modes import mode, recording
from autograd_lite.node import Node, listed, number

__all__ = ["pull_back", "push_forward"]

N = TypeVar("N", bound=Node)


def pull_back(order: list[N], seeds: dict[N, Any], *, create_graph: bool = False, keep: bool = False) -> dict[N, Any]:
    """Reverse accumulation: from the adjoints of results to those of all that led to them.

    ``order`` is :func:`graph.operations` of the results. Returned are the adjoints of the nodes
    it does not hold: leaves, constants, and where the walk was told to stop. Those of the nodes
    in it are left in their ``_grad`` if ``keep``. A node whose adjoint is exactly 0 contributes
    nothing, even where a partial is infinite or nan.
    """
    if create_graph:
        with recording():
            return _pull_back(order, seeds, create_graph, keep)
    return _pull_back(order, seeds, create_graph, keep)


def _pull_back(  # noqa: C901 - the one hot loop, written out
    order: list[N], seeds: dict[N, Any], create_graph: bool, keep: bool
) -> dict[N, Any]:
    found = dict(seeds)
    take = found.pop
    dx: Any
    anomaly = mode.anomaly
    for node in reversed(order):
        adjoint = take(node, 0.0)
        if keep:
            # The number alone: as a graph it would lead back to this node, a cycle in memory.
            node._grad = number(adjoint) if create_graph else adjoint
        x, y = node._x, node._y
        if type(adjoint) is float and adjoint == 0.0:
            dx, dy = (0.0,) * len(x) if type(x) is tuple else 0.0, 0.0
        elif create_graph:
            dx, dy = _partials_as_graph(node, adjoint)
        else:
            dx, dy = node._dx, node._dy
        if anomaly:
            _raise_at_anomaly(node, number(adjoint))
        if type(x) is tuple:
            for operand, partial in zip(x, dx, strict=True):
                if type(operand) is not float:
                    found[operand] = found[operand] + adjoint * partial if operand in found else adjoint * partial
            continue
        # The two operands of a binary operation one by one: a loop would take half as long again.
        if type(x) is not float:
            found[x] = found[x] + adjoint * dx if x in found else adjoint * dx
        if y is not None and type(y) is not float:
            found[y] = found[y] + adjoint * dy if y in found else adjoint * dy
    return found


def push_forward(order: list[N], seeds: dict[N, Any], *, create_graph: bool = False) -> dict[N, Any]:
    """Forward accumulation: from the tangents of inputs to those of all that follows from them.

    ``order`` is :func:`graph.operations` of the results, with the inputs as ``stop``. A
    partial that is exactly 0 contributes nothing, even where a tangent is infinite or nan,
    as in :func:`pull_back` an adjoint of 0. Nodes that no seed reaches are left out.
    """
    if create_graph:
        with recording():
            return _push_forward(order, seeds, create_graph)
    return _push_forward(order, seeds, create_graph)


def _push_forward(order: list[N], seeds: dict[N, Any], create_graph: bool) -> dict[N, Any]:
    found = dict(seeds)
    for node in order:
        operands = node.operands
        if not any(operand in found for operand in operands if operand.__class__ is not float):
            continue
        partials = _recorded_again(node) if create_graph else node.partials
        tangent: Any = None
        for operand, partial in zip(operands, partials, strict=True):
            if operand.__class__ is float or operand not in found:
                continue
            incoming = found[operand]
            is_zero = number(partial) == 0.0
            if is_zero and (partial.__class__ is float or not math.isfinite(number(incoming))):
                continue
            tangent = incoming * partial if tangent is None else tangent + incoming * partial
        if tangent is not None:
            found[node] = tangent
    return found


def _partials_as_graph(node: Node, adjoint: Any) -> tuple[Any, Any]:
    """The partials of a node as nodes, in the form of ``_dx`` and ``_dy``.

    Where the adjoint's number is 0 a partial without bound is dropped, as 0 times it would be nan.
    """
    partials = _recorded_again(node)
    if number(adjoint) == 0.0:
        partials = tuple(p if math.isfinite(number(p)) else 0.0 for p in partials)
    if node._x.__class__ is tuple:
        return partials, None
    return partials if len(partials) == 2 else (partials[0], None)


def _recorded_again(node: Node) -> tuple[Any, ...]:
    """The partials of a node as nodes that depend on its operands.

    Raises ``GraphError`` if they do not come out as when the operation was recorded.
    """
    op, operands = node._primitive, node.operands
    assert op is not None  # an order holds operations only
    partials = op.differentiate(node, *operands)
    again = op.evaluate(*map(number, operands))
    for now, then in zip((again, *map(number, partials)), (node._data, *node.partials), strict=True):
        if now != then and not (now != now and then != then):
            raise GraphError(
                f"a gradient that is itself a graph needs the operands of {op.name} as they were recorded, and "
                f".data has been assigned since: {listed(operands)}. Differentiate before changing .data."
            )
    return partials


def _raise_at_anomaly(node: Node, adjoint: float) -> None:
    """Raise if what the node hands on to an operand is nan or infinite."""
    for operand, partial in zip(node.operands, node.partials, strict=True):
        passed_on = adjoint * partial
        if isinstance(operand, Node) and adjoint != 0.0 and not math.isfinite(passed_on):
            where = getattr(node, "_where", "an unknown line; run the forward pass under detect_anomaly() too")
            raise AnomalyError(
                f"the gradient by {listed([operand])} through {node._primitive and node._primitive.name} is "
                f"{passed_on}, which is {adjoint} from above times the partial {partial}; the operands "
                f"are {listed(node.operands)}\n  recorded at {where}"
            )

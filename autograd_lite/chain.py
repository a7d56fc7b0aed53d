"""The chain rule, backward and forward, over a recorded graph.

Both walks take what is given (adjoints of results, or tangents of inputs) as a dict from
nodes to numbers, and return such a dict of what follows. No node is changed, unless it
is asked to keep its adjoint. With ``create_graph`` the local partials are computed anew
as nodes, and so are the results: a gradient is then a graph that can be differentiated
again.
"""

import math
from typing import Any, TypeVar

from autograd_lite.errors import AnomalyError, GraphError
from autograd_lite.modes import mode, recording, unchecked
from autograd_lite.node import Node, listed, number

__all__ = ["pull_back", "push_forward"]

N = TypeVar("N", bound=Node)


def pull_back(order: list[N], seeds: dict[N, Any], *, create_graph: bool = False, keep: bool = False) -> dict[N, Any]:
    """Reverse accumulation: from the adjoints of results to those of all that led to them.

    ``order`` is :func:`graph.operations` of the results. Returned are the adjoints of the nodes
    it does not hold: leaves, constants, and where the walk was told to stop. Those of the nodes
    in it are left in their ``_grad`` if ``keep``. A node whose adjoint is exactly 0, and a partial
    that is, contribute nothing, even where the other is infinite or nan. The sign of what is 0 says
    nothing: whoever shows a derivative adds 0.0.
    """
    if create_graph:
        with recording():
            return _pull_back(order, seeds, create_graph, keep)
    return _pull_back(order, seeds, create_graph, keep)


def _pull_back(order: list[N], seeds: dict[N, Any], create_graph: bool, keep: bool) -> dict[N, Any]:
    found = dict(seeds)
    take = found.pop
    is_special = create_graph or mode.anomaly or mode.tracer
    for node in reversed(order):
        adjoint = take(node, 0.0)
        if keep:
            # The number alone: as a graph it would lead back to this node, a cycle in memory.
            node._grad = number(adjoint) if create_graph else adjoint
        x, y = node._x, node._y
        if is_special or type(x) is tuple or adjoint - adjoint != 0.0:  # inf - inf and nan - nan are nan
            _hand_on(found, node, adjoint, create_graph)
            continue
        if adjoint:
            dx, dy = node._dx, node._dy
        else:
            dx = dy = 0.0
        # The common case written out, as half the time of a backward pass goes here.
        if type(x) is not float:
            found[x] = found[x] + adjoint * dx if x in found else adjoint * dx
        if y is not None and type(y) is not float:
            found[y] = found[y] + adjoint * dy if y in found else adjoint * dy
    return found


def _hand_on(found: dict[N, Any], node: N, adjoint: Any, create_graph: bool) -> None:
    """Add to the adjoint of each operand what the node contributes to it."""
    pull = node._primitive and node._primitive.pull
    if mode.anomaly and not pull:
        _raise_at_anomaly(node, number(adjoint))
    is_zero = type(adjoint) is float and adjoint == 0.0
    if pull:
        contributions = pull(node, adjoint, create_graph)
        if not found and type(contributions) is tuple:  # a compiled loss: no sums, and often many operands
            found.update(zip(node.operands, contributions, strict=True))
            if len(found) == len(contributions) and float not in map(type, found):
                return
            found.clear()
    else:
        partials = _recorded_again(node) if create_graph and not is_zero else node.partials
        pairs = zip(node.operands, partials, strict=True)
        contributions = [0.0 if o.__class__ is float else _product(adjoint, p) for o, p in pairs]
    for operand, contribution in zip(node.operands, contributions, strict=True):
        if operand.__class__ is not float and contribution is not None:
            if operand not in found:
                found[operand] = contribution
            elif not (type(contribution) is float and contribution == 0.0):
                found[operand] = found[operand] + contribution


def _product(derivative: Any, partial: Any) -> Any:
    """Their product, and 0 where one is exactly 0: what has no influence contributes nothing, be the other inf.

    A node that is 0 just here still has derivatives of its own, and stays unless the other is inf or nan.
    """
    if mode.tracer:
        return mode.tracer.product(derivative, partial)
    for zero, other in ((derivative, partial), (partial, derivative)):
        if number(zero) == 0.0 and (type(zero) is float or not math.isfinite(number(other))):
            return 0.0
    return derivative * partial


def push_forward(order: list[N], seeds: dict[N, Any], *, create_graph: bool = False) -> dict[N, Any]:
    """Forward accumulation: from the tangents of inputs to those of all that follows from them.

    ``order`` is :func:`graph.operations` of the results, with the inputs as ``stop``. A tangent
    or partial of exactly 0 contributes nothing, as in :func:`pull_back`. Nodes that no seed
    reaches are left out.
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
        push = node._primitive and node._primitive.push
        if push:
            found[node] = push(node, [found.get(operand, 0.0) for operand in operands], create_graph)
            continue
        partials = _recorded_again(node) if create_graph else node.partials
        tangent: Any = None
        for operand, partial in zip(operands, partials, strict=True):
            if operand.__class__ is float or operand not in found:
                continue
            contribution = _product(found[operand], partial)
            tangent = contribution if tangent is None else tangent + contribution
        if tangent is not None:
            found[node] = tangent
            if mode.anomaly and not math.isfinite(number(tangent)):
                raise AnomalyError(
                    f"the tangent of {node._primitive and node._primitive.name} is {number(tangent)}; the operands are "
                    f"{listed(operands)}\n  recorded at {getattr(node, '_where', _UNKNOWN_LINE)}"
                )
    return found


def _recorded_again(node: Node) -> tuple[Any, ...]:
    """The partials of a node as nodes that depend on its operands.

    Raises ``GraphError`` if they do not come out as when the operation was recorded.
    """
    op, operands = node._primitive, node.operands
    assert op is not None  # an order holds operations only
    with unchecked():  # a branch that is not taken may be infinite, as exp(1000) in the partial of elu
        partials = op.differentiate(node, *operands)
    if mode.tracer:  # nothing can be assigned while jit records
        return partials
    again = (op.evaluate(*map(number, operands)), *map(number, partials))
    values = zip(again, (node._data, *node.partials), strict=True)
    # Numbers and nodes may round a partial differently (x**3 is not x * x * x in floats), so not to the bit.
    if any(not math.isclose(now, then, rel_tol=1e-9) and not (now != now and then != then) for now, then in values):
        raise GraphError(
            f"a gradient that is itself a graph needs the operands of {op.name} as they were recorded, and "
            f".data has been assigned since: {listed(operands)}. Differentiate before changing .data."
        )
    return partials


_UNKNOWN_LINE = "an unknown line; run the forward pass under detect_anomaly() too"


def _raise_at_anomaly(node: Node, adjoint: float) -> None:
    """Raise if what the node hands on to an operand is nan or infinite."""
    for operand, partial in zip(node.operands, node.partials, strict=True):
        passed_on = _product(adjoint, partial)
        if isinstance(operand, Node) and not math.isfinite(passed_on):
            where = getattr(node, "_where", _UNKNOWN_LINE)
            raise AnomalyError(
                f"the gradient by {listed([operand])} through {node._primitive and node._primitive.name} is "
                f"{passed_on}, which is {adjoint} from above times the partial {partial}; the operands "
                f"are {listed(node.operands)}\n  recorded at {where}"
            )

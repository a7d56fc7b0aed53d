"""The chain rule, backward and forward, over a recorded graph.

Both directions take a dict from nodes to numbers, the adjoints of results or the tangents of
inputs, and return such a dict for the nodes at the other end. No node is changed, unless it is
asked to keep its adjoint. With ``create_graph`` the partials are computed anew as nodes. Then
the results are nodes too, and can be differentiated again.
"""

import math
from collections.abc import Iterable
from typing import Any, TypeVar

from autograd_lite.core import graph, modes, unboxed
from autograd_lite.core.node import Node, listed, number
from autograd_lite.errors import AnomalyError, GraphError

__all__ = ["pull_back", "push_forward"]

N = TypeVar("N", bound=Node)


def pull_back(
    seeds: dict[N, Any], stop: Iterable[N] = (), *, create_graph: bool = False, keep: bool = False
) -> dict[N, Any]:
    """Reverse accumulation: from the adjoints of results to those of all that led to them.

    Returned are the adjoints of leaves and of the nodes in ``stop``, past which it does not go. With ``keep``
    the operations in between get theirs as ``_grad``. 0 is a strong zero: an adjoint or a partial that is
    exactly 0 contributes nothing, even where the other is infinite or nan. Zeros may be -0.0; add 0.0
    before showing them.
    """
    mode = modes.current()
    is_special = create_graph or mode.is_special or any([type(root._held()) is not float for root in seeds])  # noqa: C419 - nodes are few here
    if not is_special:
        swept = unboxed.swept(seeds, stop, keep)
        if swept is not None:
            return swept
    order = graph.operations(*seeds, stop=stop)
    before = modes.top.get()
    try:
        if create_graph:
            modes.enter(grad_enabled=True)
        return _pull_back(order, seeds, create_graph, keep, is_special)
    finally:
        modes.top.set(before)


def _pull_back(order: list[N], seeds: dict[N, Any], create_graph: bool, keep: bool, is_special: bool) -> dict[N, Any]:
    adjoints = dict(seeds)
    pop = adjoints.pop
    mode = modes.current()
    for node in reversed(order):
        adjoint = pop(node, 0.0)
        x, y = node._x, node._y
        if is_special or type(x) is tuple or adjoint - adjoint != 0.0:  # inf - inf and nan - nan are nan
            if keep:
                # The number alone: as a graph it would lead back to this node, a cycle in memory.
                grad = number(adjoint) if create_graph else adjoint
                if type(grad) is float:  # not so where several results of a call come together
                    node._grad = grad
            _contribute(adjoints, node, adjoint, create_graph, mode)
            continue
        if keep:
            node._grad = adjoint
        if adjoint:
            dx, dy = node._dx, node._dy
        else:
            dx = dy = 0.0
        # The common case written out, as half the time of a backward pass goes here.
        if type(x) is not float:
            adjoints[x] = adjoints[x] + adjoint * dx if x in adjoints else adjoint * dx
        if y is not None and type(y) is not float:
            adjoints[y] = adjoints[y] + adjoint * dy if y in adjoints else adjoint * dy
    return adjoints


def _contribute(adjoints: dict[N, Any], node: N, adjoint: Any, create_graph: bool, mode: modes.Modes) -> None:
    """Add to the adjoint of each operand what the node contributes to it."""
    pull = node._primitive and node._primitive.pull
    if mode.anomaly and not pull:
        _raise_at_anomaly(node, number(adjoint), mode)
    is_zero = type(adjoint) is float and adjoint == 0.0
    if pull:
        contributions = pull(node, adjoint, create_graph)
        if not adjoints and type(contributions) is tuple:  # a compiled loss: no sums, and often many operands
            adjoints.update(zip(node.operands, contributions, strict=True))
            if len(adjoints) == len(contributions) and float not in map(type, adjoints):
                return
            adjoints.clear()
    else:
        partials = _recorded_again(node, mode) if create_graph and not is_zero else node.partials
        pairs = zip(node.operands, partials, strict=True)
        contributions = [0.0 if o.__class__ is float else mode.interpreter.multiply(adjoint, p) for o, p in pairs]
    for operand, contribution in zip(node.operands, contributions, strict=True):
        if operand.__class__ is not float and contribution is not None:
            if operand not in adjoints:
                adjoints[operand] = contribution
            elif not (type(contribution) is float and contribution == 0.0):
                adjoints[operand] = adjoints[operand] + contribution


def push_forward(
    roots: list[N],
    seeds: dict[N, dict[int, Any]],
    stop: Iterable[N] = (),
    *,
    create_graph: bool = False,
    by_partials: bool = False,
) -> list[dict[int, Any]] | None:
    """Forward accumulation: from the tangents of inputs to those of results, in many directions at once.

    A tangent is sparse: a dict from directions, numbers from 0 on, to how far the node moves in each. It has
    those directions alone that reach the node, whatever the numbers come to. The walk does not go past the
    nodes in ``stop``. 0 is a strong zero, and zeros may be -0.0, as in :func:`pull_back`. With ``by_partials``
    the answer is None where an operation goes forward by backward passes.
    """
    mode = modes.current()
    if not (create_graph or mode.is_special):
        pushed = unboxed.pushed(roots, seeds)
        if pushed is not None:
            return pushed
    order = graph.operations(*roots, stop=[*seeds, *stop])
    before = modes.top.get()
    try:
        if create_graph:
            modes.enter(grad_enabled=True)
        tangents = _push_forward(order, seeds, create_graph, by_partials)
        if mode.anomaly and tangents is not None:
            _raise_at_anomalous_tangents(roots, seeds, tangents)
    finally:
        modes.top.set(before)
    return None if tangents is None else [tangents.get(root, {}) for root in roots]


def _push_forward(
    order: list[N], seeds: dict[N, dict[int, Any]], create_graph: bool, by_partials: bool
) -> dict[N, dict[int, Any]] | None:
    tangents = dict(seeds)
    mode = modes.current()
    for node in order:
        operands = node.operands
        given = [None if operand.__class__ is float else tangents.get(operand) for operand in operands]
        if not any(given):
            continue
        push = node._primitive and node._primitive.push
        if push:
            if by_partials and node._primitive.pushes_backward:
                return None
            reached = dict.fromkeys(direction for tangent in given if tangent for direction in tangent)
            tangents[node] = {
                direction: push(
                    node, [tangent.get(direction, 0.0) if tangent else 0.0 for tangent in given], create_graph
                )
                for direction in reached
            }
            continue
        # Recorded again once for all directions.
        partials = _recorded_again(node, mode) if create_graph else node.partials
        multiply = mode.interpreter.multiply
        total: dict[int, Any] = {}
        for tangent, partial in zip(given, partials, strict=True):
            is_one = type(partial) is float and partial == 1.0  # in long sums, which carry the longest tangents
            for direction, along in tangent.items() if tangent else ():
                contribution = along if is_one else multiply(along, partial)
                total[direction] = total[direction] + contribution if direction in total else contribution
        tangents[node] = total
    return tangents


def _recorded_again(node: Node, mode: modes.Modes) -> tuple[Any, ...]:
    """The partials of a node as nodes that depend on its operands.

    Raises ``GraphError`` if they do not come out as when the operation was recorded.
    """
    op, operands = node._primitive, node.operands
    assert op is not None  # an order holds operations only
    before = modes.top.get()
    try:
        modes.enter(anomaly=False)  # a branch that is not taken may be infinite, as exp(1000) in the partial of elu
        partials = op.differentiate(node, *operands)
    finally:
        modes.top.set(before)
    if not mode.interpreter.is_eager:  # nothing can be assigned while jit records
        return partials
    again = (op.evaluate(*map(number, operands)), *map(number, partials))
    recorded = (node._primal, *node.partials)
    # Numbers and nodes may round a partial differently (x**3 is not x * x * x in floats), so not to the bit.
    for now, then in zip(again, recorded, strict=True):
        if not math.isclose(now, then, rel_tol=1e-9) and not (now != now and then != then):
            raise GraphError(
                f"a gradient that is itself a graph needs the operands of {op.name} as they were recorded, and "
                f".data has been assigned since: {listed(operands)}. Differentiate before changing .data."
            )
    return partials


_UNKNOWN_LINE = "an unknown line; run the forward pass under detect_anomaly() too"


def _raise_at_anomaly(node: Node, adjoint: float, mode: modes.Modes) -> None:
    """Raise if what the node contributes to an operand is nan or infinite."""
    for operand, partial in zip(node.operands, node.partials, strict=True):
        contribution = mode.interpreter.multiply(adjoint, partial)
        if isinstance(operand, Node) and not math.isfinite(contribution):
            where = getattr(node, "_where", _UNKNOWN_LINE)
            raise AnomalyError(
                f"the gradient by {listed([operand])} through {node._primitive and node._primitive.name} is "
                f"{contribution}, which is {adjoint} from above times the partial {partial}; the operands "
                f"are {listed(node.operands)}\n  recorded at {where}"
            )


def _raise_at_anomalous_tangents(roots: list[N], seeds: dict[N, Any], tangents: dict[N, dict[int, Any]]) -> None:
    """Raise where a tangent that reaches a result became nan or infinite. One that reaches none is no anomaly."""

    def is_anomalous(node: N, direction: int) -> bool:
        return node not in seeds and not math.isfinite(number(tangents.get(node, {}).get(direction, 0.0)))

    pairs = ((root, direction) for root in roots for direction in tangents.get(root, ()))
    for node, direction in pairs:
        if not is_anomalous(node, direction):
            continue
        origin = node
        while anomalous := [o for o in origin.operands if o.__class__ is not float and is_anomalous(o, direction)]:
            origin = anomalous[0]
        along = number(tangents[origin][direction])
        raise AnomalyError(
            f"the tangent of {origin._primitive and origin._primitive.name} is {along}; the operands are "
            f"{listed(origin.operands)}\n  recorded at {getattr(origin, '_where', _UNKNOWN_LINE)}"
        )

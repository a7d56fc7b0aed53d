"""Walks over a computation graph. No recursion, so depth does not matter, and no gradients.

A graph is its nodes: each is a leaf, a constant, or the result of an operation on its
operands, which are nodes or plain floats (constants that need no node).
"""

from collections.abc import Iterable
from typing import Any, Protocol, TypeVar

__all__ = ["Node", "leaves", "nodes", "operations"]


class Node(Protocol):
    """What a walk needs to know of a node.

    ``_x`` is None for a leaf or a constant, the operand of a unary operation, the
    first of a binary one (``_y`` is the second), or the tuple of three and more.
    """

    _x: Any
    _y: Any

    @property
    def operands(self) -> tuple[Any, ...]: ...


N = TypeVar("N", bound=Node)


def operations(*roots: N, stop: Iterable[N] = ()) -> list[N]:
    """The operation nodes that lead to the roots, each after its operands (a topological order).

    The walk does not go past the nodes in ``stop``, and leaves them out.
    """
    order: list[N] = []
    seen = set(stop)
    stack: list[Any] = [root for root in roots if root._x is not None]
    push, pop = stack.append, stack.pop
    while stack:
        node = pop()
        if node is None:  # all operands of the node below it are in the order by now
            order.append(pop())
            continue
        if node in seen:
            continue
        seen.add(node)
        x, y = node._x, node._y
        if type(x) is tuple:
            stack += [node, None, *(o for o in x if type(o) is not float and o._x is not None)]
            continue
        # Half the time of a backward pass goes here, hence no loop over the one or two operands.
        x_waits = type(x) is not float and x._x is not None and x not in seen
        y_waits = y is not None and type(y) is not float and y._x is not None and y not in seen
        if not (x_waits or y_waits):
            order.append(node)
            continue
        push(node)
        push(None)
        if y_waits:
            push(y)
        if x_waits:
            push(x)
    return order


def nodes(*roots: N, stop: Iterable[N] = ()) -> list[N]:
    """Every node that leads to the roots, leaves and constants included, each after its operands."""
    reached: dict[N, None] = {}
    stopped = set(stop)
    for node in operations(*roots, stop=stopped):
        for operand in node.operands:
            if operand.__class__ is not float and operand not in stopped:
                reached.setdefault(operand)
        reached.setdefault(node)
    for root in roots:
        if root not in stopped:
            reached.setdefault(root)
    return list(reached)


def leaves(*roots: N, stop: Iterable[N] = ()) -> list[N]:
    """The nodes that lead to the roots and are no operation's result, in the order of their first use."""
    return [node for node in nodes(*roots, stop=stop) if node._x is None]

"""Node: a number, and the operation that made it."""

import math
from collections.abc import Iterable
from typing import Any

from autograd_lite.core import modes

__all__ = ["Node", "hold", "listed", "number", "numbers_of", "own_attributes"]


class Node:
    """What every node of a graph keeps. Slots, and no tuple in the common case: nodes come by the million.

    A leaf and a constant have no operands: ``_x`` and ``_y`` are None. An operation keeps one
    operand in ``_x``, or two in ``_x`` and ``_y``, and the partial derivatives by them in ``_dx``
    and ``_dy``. Of three operands and more their tuple is in ``_x`` and the partials are in ``_y``.
    An operand is a node, or a float where a constant stood.

    What few nodes have is in a ``__dict__``, which Python makes when the first of them is set: ``_name``, ``_where``,
    attributes of the user's. While jit records, a node holds a stand-in for a float as ``_traced``, its partials as
    ``_traced_partials``, and inf as its number, so that one look at that tells whether there is more to know.
    """

    __slots__ = ("__dict__", "__weakref__", "_dx", "_dy", "_grad", "_primal", "_primitive", "_x", "_y")

    _primal: float
    _dx: Any
    _dy: Any
    _grad: Any  # not set before a gradient comes
    _primitive: Any  # an Op; None for a leaf
    _x: Any
    _y: Any

    def _held(self) -> Any:
        """Its number; while jit records, the stand-in for it."""
        primal = self._primal
        return getattr(self, "_traced", primal) if primal == math.inf else primal

    @property
    def _dict(self) -> dict[str, Any]:
        """Its attributes, for this package: to ask for ``__dict__`` shows a node to the collector."""
        return self.__dict__

    @property
    def operands(self) -> tuple[Any, ...]:
        """What the primitive was applied to, in order: Values, and floats where constants stood."""
        x = self._x
        if x is None or x.__class__ is tuple:
            return x or ()
        return (x,) if self._y is None else (x, self._y)

    @property
    def partials(self) -> tuple[Any, ...]:
        """The derivative by each operand, as computed when the operation was recorded."""
        if self._x is None:
            return ()
        if self._primal == math.inf and hasattr(self, "_traced_partials"):
            return self._traced_partials  # type: ignore[no-any-return]
        if self._x.__class__ is tuple:  # the compiled core keeps doubles, one behind the other
            return self._y if self._y.__class__ is tuple else tuple(memoryview(self._y).cast("d"))
        if self._y is None:
            return (self._dx,)
        return self._dx, self._dy


def number(node: Any) -> float:
    """The number that a node holds; a number as it is."""
    return modes.current().interpreter.number(node) if isinstance(node, Node) else node  # type: ignore[no-any-return]


def hold(node: Node, number: Any) -> None:
    """Give a node its number, or while jit records the stand-in for it."""
    if type(number) is float:
        node._primal = number
        if hasattr(node, "_traced"):
            del node._dict["_traced"]
    else:
        node._primal = math.inf
        node._dict["_traced"] = number


def own_attributes(node: Node) -> dict[str, Any]:
    """The attributes that a user gave to a node, its name among them."""
    return {name: thing for name, thing in node._dict.items() if name not in _NOT_OWN}


_NOT_OWN = ("_grad_node", "_traced", "_traced_partials")


def numbers_of(nodes: Iterable[Node]) -> list[float]:
    """What nodes hold, outside of jit."""
    numbers = []
    for node in nodes:
        numbers.append(node._primal)  # noqa: PERF401 - compiled, a loop is a loop in C
    return numbers


def listed(operands: Iterable[Any]) -> str:
    """The operands of an error message, by name where they have one."""
    named = []
    for position, operand in enumerate(operands):
        name = getattr(operand, "_name", None)
        named.append(f"{name or f'operand {position}'} = {number(operand)}")
    return ", ".join(named)

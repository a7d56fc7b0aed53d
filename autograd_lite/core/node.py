"""Node: a number, the operation that made it, and how an operation is recorded.

Recording takes the local partials along, so that the backward pass only multiplies and
adds, and so that a number changed later cannot corrupt a gradient.
"""

import functools
import linecache
import math
import operator
import sys
from collections.abc import Callable, Iterable
from types import CodeType
from typing import Any, Self, TypeVar

from autograd_lite.core import modes, ops
from autograd_lite.core.checks import as_float, is_real
from autograd_lite.core.op import Op
from autograd_lite.errors import AnomalyError

__all__ = ["CONSTANT", "Node", "binary", "compared", "listed", "number", "record", "unary"]

#: The op of a node that takes no gradient, the result of no_grad() or detach(). It has no operands.
CONSTANT = Op("constant", lambda x: x, lambda ans, x: (0.0,))


class Node:
    """What every node of a graph keeps. Slots, and no tuple in the common case: nodes come by the million.

    A leaf and a constant have no operands: ``_x`` and ``_y`` are None. An operation keeps one
    operand in ``_x``, or two in ``_x`` and ``_y``, or the tuple of three and more in ``_x``; the
    partial derivatives by them, in the same form, in ``_dx`` and ``_dy``. An operand is a node,
    or a float where a constant stood. What few nodes have (``_name``, ``_where``, attributes of
    the user's) is in a ``__dict__``, which Python makes when the first of them is set.
    """

    __slots__ = (
        "__dict__",
        "__weakref__",
        "_dx",
        "_dy",
        "_grad",
        "_primal",
        "_primitive",
        "_x",
        "_y",
    )

    _primal: float
    _dx: Any
    _dy: Any
    _grad: Any  # not set before a gradient comes
    _name: str | None  # not set for most
    _primitive: Op | None  # None for a leaf
    _where: str  # the line that recorded it; set under detect_anomaly() only
    _x: Any
    _y: Any

    @property
    def operands(self) -> tuple[Any, ...]:
        """What the primitive was applied to, in order: Values, and floats where constants stood."""
        return () if self._x is None else _as_tuple(self._x, self._x, self._y)

    @property
    def partials(self) -> tuple[float, ...]:
        """The derivative by each operand, as computed when the operation was recorded."""
        return () if self._x is None else _as_tuple(self._x, self._dx, self._dy)

    @classmethod
    def __autograd_op__(cls, op: Op, operands: tuple[Any, ...]) -> Self:
        return record(cls, op, operands)


def _as_tuple(operand: Any, first: Any, second: Any) -> tuple[Any, ...]:
    if operand.__class__ is tuple:
        return first  # type: ignore[no-any-return]
    return (first,) if second is None else (first, second)


def number(node: Any) -> float:
    """The number that a node holds; a number as it is."""
    return modes.current().interpreter.number(node) if isinstance(node, Node) else node  # type: ignore[no-any-return]


_N = TypeVar("_N", bound=Node)
_new: Any = object.__new__


def record(kind: type[_N], op: Op, operands: tuple[Any, ...]) -> _N:
    """The result of any operation as a node; the methods below cut the common cases short."""
    if op is ops.power and not isinstance(operands[1], Node):
        op = ops.constant_power
    mode = modes.current() if modes.in_a_mode else modes.FIRST
    interpreter = mode.interpreter
    numbers: list[float] = []
    is_constant = True
    for o in operands:
        if isinstance(o, Node):
            numbers.append(interpreter.number(o))
            is_constant = is_constant and o._primitive is CONSTANT
        elif o.__class__ is float:
            numbers.append(o)
        else:
            return record(kind, op, _with_floats(op, operands))
    node: _N = _new(kind)
    node._primal = ans = interpreter.apply(op, numbers)
    node._primitive = CONSTANT
    node._x = node._y = node._dx = node._dy = None
    if mode.grad_enabled and not is_constant:
        node._primitive = op
        partials = interpreter.differentiate(op, ans, numbers)
        if len(operands) == 2:
            (node._x, node._y), (node._dx, node._dy) = operands, partials
        elif len(operands) == 1:
            (node._x,), (node._dx,) = operands, partials
        else:
            node._x, node._dx = operands, partials
    if mode.anomaly:
        node._where = _user_line()
        if not math.isfinite(ans):
            raise AnomalyError(f"{op.name} gave {ans} at {listed(operands)}\n  recorded at {node._where}")
    return node


def _with_floats(op: Op, operands: tuple[Any, ...]) -> tuple[Any, ...]:
    """The operands of an op with other kinds of numbers as floats."""
    try:
        return tuple(o if isinstance(o, Node) else as_float(o) for o in operands)
    except TypeError as error:
        raise TypeError(f"{op.name} takes numbers and Values, or lists and arrays of them: {error}") from None


# The methods of the common case are written out from a template, with the four arithmetic
# operators and constant partials in place: a call less for the value and one for the partials
# save a fifth of the time of a + b. Everything uncommon goes through the op itself.
_TEMPLATE = """
def method({parameters}):
    kind = type(self)
    {get_operands}
    if in_a_mode or self._primitive is CONSTANT:
        return general({parameters})
    node = new(kind)
    try:
        node._primal = ans = {value}
        node._dx, node._dy = {partials}
    except (ArithmeticError, ValueError):
        return general({parameters})
    node._primitive = op
    node._x = {node_x}
    node._y = {node_y}
    return node
"""
_GET_X = "x = self._primal"
_GET_BOTH = """{mine} = self._primal
    if type(other) is kind:
        {theirs} = other._primal
    elif type(other) is float:
        {theirs} = other
    else:
        return general(self, other)"""
_INFIX = {operator.add: "x + y", operator.sub: "x - y", operator.mul: "x * y", operator.truediv: "x / y"}


def _method(op: Op, general: Callable[..., Any], fields: dict[str, str]) -> Any:
    """A method made from the template; ``inspect.getsource`` shows it."""
    numbers = fields["numbers"]
    value = _INFIX.get(op.value, f"value({numbers})")
    partials = repr(op.partials) if isinstance(op.partials, tuple) else f"partials(ans, {numbers})"
    if numbers == "x":  # one operand, one partial
        partials = f"{partials}[0], None"
    source = _TEMPLATE.format(value=value, partials=partials, **fields)
    names = {"__name__": __name__, "in_a_mode": modes.in_a_mode, "CONSTANT": CONSTANT, "new": _new, "general": general}
    names |= {"op": op, "value": op.value, "partials": op.partials}
    exec(_compiled(source), names)  # noqa: S102 - the text is made from constants of this package
    method: Any = names["method"]
    method.__name__ = method.__qualname__ = op.name
    method.__doc__ = f"``{op.name}({fields['doc']})``."
    return method


@functools.cache  # one text serves many ops
def _compiled(source: str) -> CodeType:
    file = f"<autograd_lite method {hash(source)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    return compile(source, file, "exec")


def unary(op: Op) -> Callable[[_N], _N]:
    """A method that applies the op to the node."""
    fields = {"parameters": "self", "get_operands": _GET_X, "numbers": "x", "doc": "self"}
    return _method(op, lambda self: op.dispatch((self,)), fields | {"node_x": "self", "node_y": "None"})  # type: ignore[no-any-return]


def binary(op: Op, *, reflected: bool = False, named: bool = False) -> Callable[[_N, _N | float], _N]:
    """A method that applies the op to the node and another, or (reflected) to another and the node.

    An operator leaves what is no number to the other operand; a named method raises ``TypeError``.
    """

    def general(self: Any, other: Any) -> Any:
        if not named and not is_real(other) and not hasattr(type(other), "__autograd_op__"):
            return NotImplemented
        return op.dispatch((other, self) if reflected else (self, other))

    mine, theirs, node_x, node_y = ("y", "x", "other", "self") if reflected else ("x", "y", "self", "other")
    fields = {"parameters": "self, other", "numbers": "x, y"}
    fields |= {"get_operands": _GET_BOTH.format(mine=mine, theirs=theirs), "doc": f"{node_x}, {node_y}"}
    return _method(op, general, fields | {"node_x": node_x, "node_y": node_y})  # type: ignore[no-any-return]


def compared(comparison: Callable[[float, Any], bool]) -> Callable[[Any, Any], bool]:
    """A method that compares the numbers and gives a bool."""

    def method(self: Any, other: Any) -> Any:
        if modes.in_a_mode:
            return comparison(number(self), number(other)) if _is_number(other) else NotImplemented
        if isinstance(other, Node):
            return comparison(self._primal, other._primal)
        return bool(comparison(self._primal, other)) if is_real(other) else NotImplemented

    return method


def _is_number(thing: Any) -> bool:
    return isinstance(thing, Node) or is_real(thing)


def listed(operands: Iterable[Any]) -> str:
    """The operands of an error message, by name where they have one."""
    named = []
    for position, operand in enumerate(operands):
        name = getattr(operand, "_name", None)
        named.append(f"{name or f'operand {position}'} = {number(operand)}")
    return ", ".join(named)


def _user_line() -> str:
    """The innermost line outside this package, as file, number and text."""
    frame = sys._getframe(1)
    package = __name__.partition(".")[0]
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == package:
        frame = frame.f_back
    file, line = frame.f_code.co_filename, frame.f_lineno
    text = linecache.getline(file, line, frame.f_globals).strip()
    return f"{file}:{line}" + (f": {text}" if text else "")

"""How an operation is recorded.

Recording takes the local partials along, so that the backward pass only multiplies and adds, and so that
a number changed later cannot corrupt a gradient.
"""

import linecache
import math
import operator
import sys
from collections.abc import Sequence
from typing import Any, TypeVar

from autograd_lite.core import modes, ops, unboxed
from autograd_lite.core.checks import as_float, is_real
from autograd_lite.core.node import Node, hold, listed, number
from autograd_lite.core.op import CONSTANT, Op
from autograd_lite.errors import AnomalyError

__all__ = ["applied", "binary", "compared", "made", "record", "unary", "weighted_sums"]

_N = TypeVar("_N", bound=Node)
_in_a_mode, _inf = modes.in_a_mode, math.inf
_first = modes.FIRST
_constant, _power, _constant_power, _linear, _dot = CONSTANT, ops.power, ops.constant_power, ops.linear, ops.dot
#: Types of number that float() takes as it is; NumPy's come in when they are first met.
_plain_types: set[type] = {int, bool}


def unary(op: Op, self: Any) -> Any:
    """The result of an operation on a node."""
    x = self._primal
    is_recorded: bool | None = True
    if _in_a_mode or self._primitive is _constant or x == _inf:
        is_recorded = _is_recorded(self, self)
        if is_recorded is None:
            return record(type(self), op, (self,))
    return unboxed.computed_1(op, self, x, is_recorded)


def binary(op: Op, self: Any, other: Any, is_reflected: bool) -> Any:
    """The result of an operation on a node and another, or (reflected) on another and the node.

    NotImplemented if the other is neither a number nor of a type that takes part in operations.
    """
    kind = type(other)
    if kind is type(self):
        node = other
        theirs = node._primal
    elif kind is float:
        theirs = other
        if op is _power and not is_reflected:
            op = _constant_power
    elif kind in _plain_types and _is_small(other):
        return binary(op, self, float(other), is_reflected)
    else:
        return _with_another(op, self, other, is_reflected)
    mine = self._primal
    is_recorded: bool | None = True
    if _in_a_mode or self._primitive is _constant or mine == _inf or theirs == _inf:  # noqa: PLR1714 - a tuple of C's doubles
        is_recorded = _is_recorded(self, other)
        if is_recorded is None:
            return record(type(self), op, (other, self) if is_reflected else (self, other))
    if is_reflected:
        return unboxed.computed_2(op, other, self, theirs, mine, is_recorded, type(self))
    return unboxed.computed_2(op, self, other, mine, theirs, is_recorded, type(self))


def _is_recorded(x: Any, y: Any) -> bool | None:
    """Whether an operation on nodes and floats is recorded; None if :func:`record` has to look at it."""
    grad_enabled = True
    if _in_a_mode:
        mode = modes.current()
        if mode.is_special:
            return None
        grad_enabled = mode.grad_enabled
    if _is_traced(x) or _is_traced(y):
        return None
    return grad_enabled and not (_is_constant(x) and _is_constant(y))


def _is_traced(operand: Any) -> bool:
    """Whether an operand is a stand-in of jit."""
    if type(operand) is float:
        return False
    if not isinstance(operand, Node):
        return True
    node = operand  # a variable whose type the compiled core knows
    return node._primal == _inf and type(node._held()) is not float


def _is_constant(operand: Any) -> bool:
    if not isinstance(operand, Node):
        return True
    node = operand
    return node._primitive is _constant


def _is_small(number: Any) -> bool:
    """Whether float() takes a whole number of Python's; an error tells of the others."""
    return type(number) is not int or -1 << 1000 < number < 1 << 1000


def _with_another(op: Op, self: Any, other: Any, is_reflected: bool) -> Any:
    """binary() with an operand of another type."""
    if is_real(other):
        if sys.modules.get("numpy") is not None and isinstance(other, sys.modules["numpy"].generic):
            _plain_types.add(type(other))
    elif not hasattr(type(other), "__autograd_op__"):
        return NotImplemented
    return op.dispatch((other, self) if is_reflected else (self, other))


def applied(op: Op, operands: tuple[Any, ...]) -> Any:
    """The result of an operation on operands of which one is a node."""
    if len(operands) == 1:
        return unary(op, operands[0])
    if len(operands) > 2:
        mode = modes.current() if _in_a_mode else _first
        node = None if mode.is_special else unboxed.computed_n(op, operands, mode.grad_enabled)
        return op.dispatch(operands) if node is None else node
    x, y = operands
    ans = binary(op, x, y, False) if isinstance(x, Node) else binary(op, y, x, True)
    return op.dispatch(operands) if ans is NotImplemented else ans


def weighted_sums(rows: Sequence[Any], x: Sequence[Any], biases: Sequence[Any] | None) -> list[Any]:
    """``linear`` of each row of weights with the numbers x and the row's bias; ``dot`` without biases."""
    op = _dot if biases is None else _linear
    mode = modes.current() if _in_a_mode else _first
    totals = []
    for i in range(len(rows)):
        operands = unboxed.interleaved(None if biases is None else biases[i], rows[i], x)
        total = None
        if len(operands) > 2 and not mode.is_special:
            total = unboxed.computed_n(op, operands, mode.grad_enabled)
        totals.append(op(*operands) if total is None else total)
    return totals


def record(kind: type[_N], op: Op, operands: tuple[Any, ...]) -> _N:
    """The result of any operation as a node; the functions above cut the common cases short."""
    if op is _power and not isinstance(operands[1], Node):
        op = _constant_power
    is_constant = True
    for o in operands:
        if isinstance(o, Node):
            is_constant = is_constant and o._primitive is CONSTANT
        elif type(o) is not float and o.__class__ is not float:
            return record(kind, op, _with_floats(op, operands))
    mode = modes.current() if _in_a_mode else _first
    is_recorded = mode.grad_enabled and not is_constant
    if mode.is_special or any([_is_traced(o) for o in operands]):  # noqa: C419 - Cython compiles no generators here
        return _interpreted(mode, kind, op, operands, is_recorded)
    return unboxed.computed(kind, op, operands, is_recorded)


def _interpreted(mode: modes.Modes, kind: type[_N], op: Op, operands: tuple[Any, ...], is_recorded: bool) -> _N:
    """The result as the interpreter computes it, under jit or detect_anomaly()."""
    interpreter = mode.interpreter
    numbers = [interpreter.number(o) if isinstance(o, Node) else o for o in operands]
    ans = interpreter.apply(op, numbers)
    node = blank(kind)
    hold(node, ans)
    if is_recorded:
        partials = interpreter.differentiate(op, ans, numbers)
        if set(map(type, partials)) != {float}:
            node._dict["_traced_partials"] = partials
            partials = (math.nan,) * len(partials)
        unboxed.set_operands(node, op, operands, partials)
    if mode.anomaly:
        node._dict["_where"] = where = _user_line()
        if not math.isfinite(ans):
            raise AnomalyError(f"{op.name} gave {ans} at {listed(operands)}\n  recorded at {where}")
    return node


def _with_floats(op: Op, operands: tuple[Any, ...]) -> tuple[Any, ...]:
    """The operands of an op with other kinds of numbers as floats."""
    try:
        return tuple([o if isinstance(o, Node) else as_float(o) for o in operands])
    except TypeError as error:
        raise TypeError(f"{op.name} takes numbers and Values, or lists and arrays of them: {error}") from None


def made(kind: type[_N], number: Any, op: Op | None, operands: Any = None, partials: Any = None) -> _N:
    """A node of a class: a leaf, where the operation is None, a constant, or the result of an operation."""
    node: _N = blank(kind)
    hold(node, number)
    node._primitive, node._x, node._y = op, operands, partials
    return node


def blank(kind: type[_N]) -> _N:
    """A constant of a class, without its number."""
    node: _N = unboxed.blank(kind)
    node._primitive = CONSTANT
    node._x = node._y = None
    return node


_EXACT = 1 << 53  # ints up to here are floats
#: The comparisons in the order of Python's rich comparison codes: Py_LT, Py_LE, Py_EQ, Py_NE, Py_GT, Py_GE.
_COMPARISONS = (operator.lt, operator.le, operator.eq, operator.ne, operator.gt, operator.ge)


def compared(which: int, self: Any, other: Any) -> Any:
    """A comparison of the numbers, as a bool; which one is its place among _COMPARISONS."""
    mine = self._primal
    kind = type(other)
    if kind is float:
        theirs = other
    elif kind is type(self):
        node = other
        theirs = node._primal
    elif kind is int and -_EXACT <= other <= _EXACT:
        theirs = float(other)
    else:
        theirs = _inf
    if _in_a_mode or mine == _inf or theirs == _inf:  # noqa: PLR1714 - a tuple of C's doubles
        comparison = _COMPARISONS[which]
        if isinstance(other, Node):
            return comparison(number(self), number(other))
        return bool(comparison(number(self), other)) if is_real(other) else NotImplemented
    if which == 0:
        return mine < theirs
    if which == 4:
        return mine > theirs
    if which == 1:
        return mine <= theirs
    if which == 5:
        return mine >= theirs
    return mine == theirs if which == 2 else mine != theirs


def _user_line() -> str:
    """The innermost line outside this package, as file, number and text."""
    frame = sys._getframe()  # compiled functions have no frames
    package = __name__.partition(".")[0]
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == package:
        frame = frame.f_back
    file, line = frame.f_code.co_filename, frame.f_lineno
    text = linecache.getline(file, line, frame.f_globals).strip()
    return f"{file}:{line}" + (f": {text}" if text else "")

"""Python's operators as calls of primitives: the way in for a number type of one's own."""

from collections.abc import Callable
from typing import Any

from autograd_lite.core.checks import is_real

__all__ = ["NUMPY_NAMES", "Operators", "primitives", "register"]

#: Every primitive of the table by its name, once :mod:`autograd_lite.core.ops` has been imported.
primitives: dict[str, Any] = {}

#: NumPy's spellings, by which ``np.arctan(x)`` finds its way to ``x.arctan()``.
NUMPY_NAMES = {
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2",
    "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh",
    "absolute": "abs", "power": "pow", "negative": "neg", "remainder": "mod", "rint": "round",
    "subtract": "sub", "multiply": "mul", "divide": "div",
}  # fmt: skip


def _infix(name: str) -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]:
    """An operator and its reflected form. What is no number is left to the other operand."""

    def method(self: Any, other: Any) -> Any:
        is_number = is_real(other) or hasattr(type(other), "__autograd_op__")
        return primitives[name](self, other) if is_number else NotImplemented

    def reflected(self: Any, other: Any) -> Any:
        is_number = is_real(other) or hasattr(type(other), "__autograd_op__")
        return primitives[name](other, self) if is_number else NotImplemented

    return method, reflected


class Operators:
    """Base class of a number type of one's own: Python's operators, and each primitive as a method.

    The type writes one class method, ``__autograd_op__(op, operands)``, which is handed every
    primitive that is called on one of its numbers; the other operands may be plain numbers. The
    partials of the table then run on it as they run on floats, ``op.differentiate`` included.
    Comparisons, ``bool`` and ``hash`` are the type's own business.

    >>> from autograd_lite import sin
    >>> from autograd_lite.core.operators import Operators
    >>> class Text(Operators):
    ...     def __init__(self, text):
    ...         self.text = text
    ...
    ...     @classmethod
    ...     def __autograd_op__(cls, op, operands):
    ...         return cls(f"{op.name}({', '.join(getattr(o, 'text', str(o)) for o in operands)})")
    >>> (2 * sin(Text("x")) + 1).text
    'add(mul(2, sin(x)), 1)'
    """

    __slots__ = ()

    __add__, __radd__ = _infix("add")
    __sub__, __rsub__ = _infix("sub")
    __mul__, __rmul__ = _infix("mul")
    __truediv__, __rtruediv__ = _infix("div")
    __floordiv__, __rfloordiv__ = _infix("floordiv")
    __mod__, __rmod__ = _infix("mod")
    __pow__, __rpow__ = _infix("pow")

    def __neg__(self) -> Any:
        return primitives["neg"](self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return primitives["abs"](self)

    def __floor__(self) -> Any:
        return primitives["floor"](self)

    def __ceil__(self) -> Any:
        return primitives["ceil"](self)

    def __trunc__(self) -> Any:
        return primitives["trunc"](self)

    def __round__(self, ndigits: int | None = None) -> Any:
        return primitives["round"](self, ndigits or 0)

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self


def register(op: Any) -> None:
    """Enter a primitive of the table, and make it a method of :class:`Operators`: ``x.exp()`` is ``exp(x)``."""
    primitives[op.name] = op

    def method(self: Any, *others: Any, **named: Any) -> Any:
        return op(self, *others, **named)

    method.__name__ = method.__qualname__ = op.name
    for name in (op.name, *(alias for alias, known in NUMPY_NAMES.items() if known == op.name)):
        setattr(Operators, name, method)

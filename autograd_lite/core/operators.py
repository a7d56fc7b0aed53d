"""Python's operators and NumPy's functions as calls of primitives: the way in for a number type of one's own."""

import math
import sys
from collections.abc import Callable
from typing import Any

from autograd_lite.core.checks import is_real
from autograd_lite.core.elementwise import elementwise, is_structure

__all__ = ["NUMPY_NAMES", "NumpyFunctions", "Operators", "fmod", "isfinite", "isinf", "isnan", "primitives", "register"]

#: Every primitive of the table by its name, once :mod:`autograd_lite.core.ops` has been imported.
primitives: dict[str, Any] = {}

#: NumPy's spellings, by which ``np.arctan(x)`` finds its way to ``x.arctan()``.
NUMPY_NAMES = {
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2",
    "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh",
    "absolute": "abs", "power": "pow", "negative": "neg", "remainder": "mod", "rint": "round",
    "subtract": "sub", "multiply": "mul", "divide": "div", "floor_divide": "floordiv",
}  # fmt: skip
#: Universal functions (ufuncs) of NumPy and SciPy that are primitives under names of their own.
_UFUNC_NAMES = NUMPY_NAMES | {
    "fabs": "abs", "float_power": "pow", "ndtr": "norm_cdf", "ndtri": "norm_ppf",
    "expit": "sigmoid", "gammaln": "lgamma", "psi": "digamma",
}  # fmt: skip
#: Those that NumPy computes with Python's operators, which is right for arrays of any type of number.
_OPERATORS = {
    "add", "subtract", "multiply", "divide", "floor_divide", "remainder", "power", "negative", "absolute", "square",
}  # fmt: skip
_COMPARISONS = {"greater", "greater_equal", "less", "less_equal", "equal", "not_equal"}  # bools, and no primitives


def isnan(x: Any) -> Any:
    """Whether x is nan: a bool, and for lists and arrays one for each element.

    >>> isnan([1.0, float("nan")])
    [False, True]
    """
    return elementwise(isnan, (x,), "isnan") if is_structure(x) else bool(x != x)


def isinf(x: Any) -> Any:
    """Whether x is inf or -inf: a bool, and for lists and arrays one for each element.

    >>> isinf(float("-inf"))
    True
    """
    return elementwise(isinf, (x,), "isinf") if is_structure(x) else not (isfinite(x) or isnan(x))


def isfinite(x: Any) -> Any:
    """Whether x is neither infinite nor nan: a bool, and for lists and arrays one for each element.

    >>> isfinite((1.0, float("inf")))
    (True, False)
    """
    return elementwise(isfinite, (x,), "isfinite") if is_structure(x) else bool(-math.inf < x < math.inf)


def fmod(x: Any, y: Any) -> Any:
    """The remainder of x / y with the sign of x, as C's ``fmod``; ``mod`` has the sign of y.

    >>> fmod(-7.0, 3.0)
    -1.0
    """
    mul, copysign = primitives["mul"], primitives["copysign"]
    # abs(z) as z * copysign(1.0, z), whose derivative at 0 is 1 and not 0
    x_size, y_size = (mul(z, copysign(1.0, z)) for z in (x, y))
    return mul(primitives["mod"](x_size, y_size), copysign(1.0, x))


class NumpyFunctions:
    """Base class of a number type that NumPy's and SciPy's functions take.

    A ufunc that is called on a number goes by ``__array_ufunc__``. On an array of objects NumPy
    itself goes from one to the next and calls the method of the function's name.
    """

    __slots__ = ()

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **settings: Any) -> Any:
        numpy = sys.modules["numpy"]
        if not all(_is_number(x) or isinstance(x, (list, tuple)) or type(x) is numpy.ndarray for x in inputs):
            return NotImplemented  # to an array type that knows best itself
        function = _function_of(ufunc) if method == "__call__" and not settings else None
        if function is not None and not (ufunc.__name__ in _OPERATORS and any(map(is_structure, inputs))):
            return function(*[numpy.asarray(x) if is_structure(x) else x for x in inputs])
        return getattr(ufunc, method)(*[numpy.asarray(x, dtype=object) for x in inputs], **settings)

    def conjugate(self) -> Any:
        """The number itself, as it is real."""
        return self

    def radians(self) -> Any:
        """``self`` degrees in radians."""
        return primitives["mul"](self, math.pi / 180)

    def degrees(self) -> Any:
        """``self`` radians in degrees."""
        return primitives["mul"](self, 180 / math.pi)

    def fabs(self) -> Any:
        """``abs(self)``."""
        return primitives["abs"](self)

    deg2rad, rad2deg = radians, degrees
    fmod, isnan, isinf, isfinite = fmod, isnan, isinf, isfinite


def _is_number(thing: Any) -> bool:
    return is_real(thing) or hasattr(type(thing), "__autograd_op__")


def _function_of(ufunc: Any) -> Callable[..., Any] | None:
    """The function of ours that a ufunc of NumPy or SciPy is; None where there is none."""
    name = ufunc.__name__
    modules = (sys.modules.get(module) for module in ("numpy", "scipy.special"))
    if name in _COMPARISONS or all(getattr(module, name, None) is not ufunc for module in modules):
        return None  # another's ufunc may have any name
    return vars(NumpyFunctions).get(name) or primitives.get(name) or primitives.get(_UFUNC_NAMES.get(name, ""))


def _infix(name: str) -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]:
    """An operator and its reflected form. What is no number is left to the other operand."""

    def method(self: Any, other: Any) -> Any:
        is_number = other.__class__ is float or _is_number(other)
        return primitives[name](self, other) if is_number else NotImplemented

    def reflected(self: Any, other: Any) -> Any:
        is_number = other.__class__ is float or _is_number(other)
        return primitives[name](other, self) if is_number else NotImplemented

    return method, reflected


class Operators(NumpyFunctions):
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

"""Functions of several numbers, composed of primitives.

Those that add up or compare take any iterable of numbers and Values; all return floats if
they were given floats alone. A sum, mean or dot product of Values is one operation, however many
there are. It adds from left to right, as Python's ``+`` does.
"""

import itertools
import math
from collections.abc import Iterable
from typing import Any

from autograd_lite import pytree
from autograd_lite.core import ops
from autograd_lite.core.checks import describe, is_real
from autograd_lite.core.elementwise import elementwise, is_array, is_structure
from autograd_lite.core.op import Op
from autograd_lite.core.operators import fmod, isfinite, isinf, isnan
from autograd_lite.core.value import Value
from autograd_lite.errors import ArgumentError

__all__ = [
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "clamp",
    "deg2rad",
    "degrees",
    "divide",
    "dot",
    "fabs",
    "floor_divide",
    "fmod",
    "isfinite",
    "isinf",
    "isnan",
    "log_softmax",
    "logsumexp",
    "mean",
    "multiply",
    "negative",
    "norm",
    "prod",
    "rad2deg",
    "radians",
    "remainder",
    "rint",
    "sinc",
    "softmax",
    "stop_gradient",
    "subtract",
    "sum_",
]

# NumPy's spellings of primitives.
arcsin, arccos, arctan, arctan2 = ops.asin, ops.acos, ops.atan, ops.atan2
arcsinh, arccosh, arctanh = ops.asinh, ops.acosh, ops.atanh
subtract, multiply, divide, floor_divide = ops.sub, ops.mul, ops.div, ops.floordiv
negative, remainder, rint, fabs = ops.neg, ops.mod, ops.round_, ops.absolute


def radians(x: Any) -> Any:
    """Degrees in radians; of lists and arrays element by element, as a primitive.

    >>> radians([0.0, 180.0])
    [0.0, 3.141592653589793]
    """
    return ops.mul(x, math.pi / 180)


def degrees(x: Any) -> Any:
    """Radians in degrees; of lists and arrays element by element, as a primitive.

    >>> degrees(math.pi)
    180.0
    """
    return ops.mul(x, 180 / math.pi)


deg2rad, rad2deg = radians, degrees


def clamp(x: Any, min: Any = None, max: Any = None) -> Any:
    """``clip`` under PyTorch's name, with its arguments' names; None is no bound.

    >>> clamp([-1.0, 0.5, 2.0], min=0.0)
    [0.0, 0.5, 2.0]
    """
    return ops.clip(x, -math.inf if min is None else min, math.inf if max is None else max)


def sinc(x: Any) -> Any:
    """sin(pi x) / (pi x), and 1 at 0 (NumPy's normalised sinc); of lists and arrays element by element.

    Near 0 by its series, so that derivatives of any order are right there too.

    >>> sinc([0.0, 0.5])
    [1.0, 0.6366197723675814]
    """
    if is_structure(x):
        return elementwise(sinc, (x,), "sinc")
    y = ops.mul(x, math.pi)
    z = y * y
    is_small = ops.less(z, 0.25)
    series: Any = 0.0
    for n in range(8, -1, -1):
        series = series * z + (-1.0) ** n / math.factorial(2 * n + 1)
    return ops.where(is_small, series, ops.sin(y) / ops.where(is_small, 1.0, y))


def stop_gradient(x: Any) -> Any:
    """A number, or numbers in nested lists, tuples and dicts, without their gradients.

    A Value's :meth:`~Value.detach`; a float as it is.

    >>> from autograd_lite import Value, stop_gradient
    >>> x = Value(3.0)
    >>> (x * stop_gradient(x)).backward()
    >>> x.grad
    3.0
    """
    if isinstance(x, (list, tuple, dict)) or pytree.is_array(x):
        return pytree.map_leaves(stop_gradient, x)
    return x.detach() if isinstance(x, Value) else x


def sum_(numbers: Iterable[Any]) -> Any:
    """The sum; 0.0 of nothing. Exported as ``autograd_lite.sum``.

    >>> sum_([1.0, 2.5])
    3.5
    """
    numbers = _listed(numbers, "sum")
    return _summed(ops.sum_, numbers) if len(numbers) != 1 else numbers[0]


def prod(numbers: Iterable[Any]) -> Any:
    """The product; 1.0 of nothing.

    >>> prod([2.0, 3.0, 4.0])
    24.0
    """
    numbers = _listed(numbers, "prod")
    total: Any = numbers[0] if numbers else 1.0
    for number in numbers[1:]:
        total = total * number
    return total


def mean(numbers: Iterable[Any]) -> Any:
    """The arithmetic mean. Raises ``ArgumentError`` (a ``ValueError``) of nothing.

    >>> mean([1.0, 2.0, 6.0])
    3.0
    """
    return _summed(ops.mean, _listed(numbers, "mean", least=1))


def dot(xs: Iterable[Any], ys: Iterable[Any]) -> Any:
    """The sum of the products of two sequences of one length; else ``ArgumentError`` (a ``ValueError``).

    >>> dot([1.0, 2.0], [3.0, 4.0])
    11.0
    """
    xs, ys = _listed(xs, "dot"), _listed(ys, "dot")
    if len(xs) != len(ys):
        raise ArgumentError(f"dot takes two sequences of one length, got {len(xs)} and {len(ys)} numbers")
    return _summed(ops.dot, list(itertools.chain.from_iterable(zip(xs, ys, strict=True))))


def weighted_sum(weights: Iterable[Any], xs: Iterable[Any], b: Any = None) -> Any:
    """b + w * x + w * x + ..., or without a b the :func:`dot` product: what a neuron computes, in its order."""
    if b is None:
        return dot(weights, xs)
    weights, xs = _listed(weights, "a weighted sum"), _listed(xs, "a weighted sum")
    if len(weights) != len(xs):
        raise ArgumentError(f"a weighted sum takes a weight for each number, got {len(weights)} and {len(xs)}")
    (b,) = _listed([b], "a weighted sum")
    return _summed(ops.linear, [b, *itertools.chain.from_iterable(zip(weights, xs, strict=True))])


def norm(numbers: Iterable[Any]) -> Any:
    """The Euclidean length, without overflow in between; its gradient at the origin is 0.

    >>> norm([3.0, 4.0])
    5.0
    """
    numbers = _listed(numbers, "norm")
    return ops.hypot(*numbers) if numbers else 0.0


def logsumexp(numbers: Iterable[Any]) -> Any:
    """log(exp(x) + exp(y) + ...), shifted by the largest, so that nothing overflows.

    Its gradient is e_i over the sum of all e, e_i = exp(x_i). Of -inf alone it is -inf, and the gradient nan.

    >>> round(logsumexp([1000.0, 1000.0]), 6)
    1000.693147
    """
    return ops.log_sum_exp(*_listed(numbers, "logsumexp", least=1))


def softmax(numbers: Iterable[Any]) -> list[Any]:
    """exp(x) over the sum of all exp, shifted by the largest, so that nothing overflows.

    >>> softmax([0.0, 0.0])
    [0.5, 0.5]
    """
    numbers = _listed(numbers, "softmax", least=1)
    total = ops.log_sum_exp(*numbers)
    exps = [ops.exp(x - total) for x in numbers]
    again = sum_(exps)  # 1 but for the rounding of the total
    return [e / again for e in exps]


def log_softmax(numbers: Iterable[Any]) -> list[Any]:
    """The logarithm of :func:`softmax`, exact also where that is almost 0.

    >>> log_softmax([0.0, -1000.0])[1]
    -1000.0
    """
    numbers = _listed(numbers, "log_softmax", least=1)
    total = logsumexp(numbers)
    return [x - total for x in numbers]


def _summed(sum: Op, numbers: list[Any]) -> Any:
    """One of the sums, as one operation. Written out for a type of number of its own, which may know + and * only.

    Other numbers alone, such as ints, are added up as they are.
    """
    kinds = dict(zip(map(type, numbers), numbers, strict=True))  # one of each: checking all takes longer than adding
    ours = [isinstance(number, (float, Value)) for number in kinds.values()]
    own = [hasattr(kind, "__autograd_op__") for kind in kinds]
    is_ours = any(ours) and all(known or not other for known, other in zip(ours, own, strict=True))
    return sum(*numbers) if is_ours else sum.value(*numbers)


def _listed(numbers: Iterable[Any], name: str, *, least: int = 0) -> list[Any]:
    """The numbers as a list, or an error about what is none."""
    try:
        listed = list(numbers)
    except TypeError:
        raise TypeError(f"{name} takes a sequence of numbers, got {describe(numbers)}") from None
    if len(listed) < least:
        raise ArgumentError(f"{name} of no numbers is not defined; give it at least {least}")
    for position, item in enumerate(listed):
        if type(item) is float or hasattr(type(item), "__autograd_op__") or is_real(item):
            continue
        if not is_array(item) or item.ndim:
            raise TypeError(f"{name} takes numbers and Values in one row; at {position} it got {describe(item)}")
        listed[position] = item.item()  # what np.where gives for numbers is an array of no dimension
    return listed

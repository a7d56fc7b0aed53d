"""Functions of several numbers, composed of primitives.

Each takes any iterable of numbers and Values, and returns floats if it was given floats
alone.
"""

from collections.abc import Iterable
from typing import Any

from autograd_lite import pytree
from autograd_lite.core import ops
from autograd_lite.core.checks import describe, is_real
from autograd_lite.core.value import Value
from autograd_lite.errors import ArgumentError

__all__ = ["dot", "log_softmax", "logsumexp", "mean", "norm", "prod", "softmax", "stop_gradient", "sum_"]


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
    total: Any = numbers[0] if numbers else 0.0
    for number in numbers[1:]:
        total = total + number
    return _checked(total, "sum")


def prod(numbers: Iterable[Any]) -> Any:
    """The product; 1.0 of nothing.

    >>> prod([2.0, 3.0, 4.0])
    24.0
    """
    numbers = _listed(numbers, "prod")
    total: Any = numbers[0] if numbers else 1.0
    for number in numbers[1:]:
        total = total * number
    return _checked(total, "prod")


def mean(numbers: Iterable[Any]) -> Any:
    """The arithmetic mean. Raises ``ArgumentError`` (a ``ValueError``) of nothing.

    >>> mean([1.0, 2.0, 6.0])
    3.0
    """
    numbers = _listed(numbers, "mean", least=1)
    return sum_(numbers) / float(len(numbers))


def dot(xs: Iterable[Any], ys: Iterable[Any]) -> Any:
    """The sum of the products of two sequences of one length; else ``ArgumentError`` (a ``ValueError``).

    >>> dot([1.0, 2.0], [3.0, 4.0])
    11.0
    """
    xs, ys = _listed(xs, "dot"), _listed(ys, "dot")
    if len(xs) != len(ys):
        raise ArgumentError(f"dot takes two sequences of one length, got {len(xs)} and {len(ys)} numbers")
    return sum_([x * y for x, y in zip(xs, ys, strict=True)])


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


def _listed(numbers: Iterable[Any], name: str, *, least: int = 0) -> list[Any]:
    try:
        listed = list(numbers)
    except TypeError:
        raise TypeError(f"{name} takes a sequence of numbers, got {type(numbers).__name__}") from None
    if len(listed) < least:
        raise ArgumentError(f"{name} of no numbers is not defined; give it at least {least}")
    return listed


def _checked(total: Any, name: str) -> Any:
    if is_real(total) or hasattr(type(total), "__autograd_op__"):
        return total
    raise TypeError(f"{name} takes numbers and Values; what it got makes {describe(total)}")

"""Functions of floats that the table of primitives needs and ``math`` lacks.

Values only: the derivatives stand in :mod:`autograd_lite.core.ops`.

``kernels.pxd`` beside this file declares those that are plain arithmetic as functions of C doubles. Compiled, a
division by zero is an infinity there and does not raise, so what an :class:`Op` answers ``otherwise`` has to be
what IEEE arithmetic makes of the same line; the tests hold the two against each other.
"""

import math
import operator
from collections.abc import Iterator
from math import inf, nan
from typing import Any

__all__ = [
    "ceil",
    "clip",
    "constant_power",
    "direction",
    "divide_at_edges",
    "dot",
    "elu",
    "equal",
    "exp_difference",
    "floor",
    "gelu",
    "greater",
    "greater_equal",
    "identity",
    "leaky_relu",
    "less",
    "less_equal",
    "linear",
    "log_sum_exp",
    "logaddexp",
    "logistic_pdf",
    "logit",
    "maximum",
    "mean",
    "minimum",
    "no_slope",
    "not_equal",
    "one_minus_square",
    "power_at_edges",
    "reciprocal",
    "relu",
    "round_half_even",
    "sigmoid",
    "sign",
    "silu",
    "softplus",
    "square",
    "strong_mul",
    "strong_zero",
    "sum_",
    "trunc",
    "where",
    "xlogy",
]


def divide_at_edges(x: float, y: float) -> float:
    """x / y where Python raises: y is a zero, and its sign counts."""
    if x == 0.0 or x != x:
        return nan
    return math.copysign(inf, x) * math.copysign(1.0, y)


def power_at_edges(x: float, y: float) -> float:
    """x ** y where ``math.pow`` raises: at a pole, out of range or outside the domain."""
    odd = math.fmod(y, 2.0) in (1.0, -1.0)
    if x < 0.0 and not y.is_integer():
        return nan
    return math.copysign(inf, x) if odd else inf


def identity(x: float) -> float:
    """x itself."""
    return x


def square(x: float) -> float:
    """x * x."""
    return x * x


def reciprocal(x: float) -> float:
    """1 / x."""
    return 1.0 / x


def one_minus_square(x: float) -> float:
    """1 - x^2, without cancellation near 1."""
    return (1.0 - x) * (1.0 + x)


def constant_power(x: float, n: float) -> float:
    """x ** n for a constant n: by multiplication, from the left, up to the fourth power.

    ``x * x`` is the correctly rounded square where the C library's ``pow`` only
    comes near it, and every back end can multiply in the same order.
    """
    if n == 2.0:
        return x * x
    if n == 3.0:
        return x * x * x
    if n == 4.0:
        return x * x * x * x
    if n == 1.0:
        return x
    if n == -1.0:
        return 1.0 / x
    if n == -2.0:
        return 1.0 / (x * x)
    return math.pow(x, n)


def strong_mul(x: float, y: float) -> float:
    """x * y, and 0 where one is 0 and the other inf or nan."""
    ans = x * y
    return 0.0 if ans != ans and (x == 0.0 or y == 0.0) else ans


def strong_zero(y: float, x: float) -> float:
    """y, and 0 where x is 0 and y inf or nan."""
    return 0.0 if x == 0.0 and y - y != 0.0 else y


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x)) without overflow, to full precision in both tails."""
    if x >= 0.0:
        return 1.0 / (1.0 + math.exp(-x))
    e = math.exp(x)
    return e / (1.0 + e)


def logistic_pdf(x: float) -> float:
    """The density of the logistic distribution, e / (1 + e)^2 with e = exp(-abs(x)): exact in both tails."""
    e = math.exp(-abs(x))
    return e / ((1.0 + e) * (1.0 + e))


def logit(p: float) -> float:
    """log(p / (1 - p)); from 1/4 to 3/4 as 2 atanh(2p - 1), where 2p - 1 is exact."""
    return 2.0 * math.atanh(2.0 * p - 1.0) if 0.25 < p < 0.75 else math.log(p / (1.0 - p))


def silu(x: float) -> float:
    """x * sigmoid(x)."""
    return x * sigmoid(x)


def softplus(x: float) -> float:
    """log(1 + exp(x)) without overflow: max(x, 0) + log1p(exp(-abs(x)))."""
    return (x if x > 0.0 else 0.0) + math.log1p(math.exp(-abs(x)))


def gelu(x: float) -> float:
    """x times the normal distribution function (Hendrycks and Gimpel, 2016), by erfc."""
    return 0.5 * x * math.erfc(-x * math.sqrt(0.5))


def relu(x: float) -> float:
    """max(x, 0); nan stays nan."""
    return 0.0 if x <= 0.0 else x


def leaky_relu(x: float, negative_slope: float) -> float:
    """x above 0, else negative_slope * x."""
    return x if x > 0.0 else negative_slope * x


def elu(x: float, alpha: float) -> float:
    """x above 0, else alpha * (exp(x) - 1) (Clevert, Unterthiner and Hochreiter, 2015)."""
    return x if x > 0.0 else alpha * math.expm1(x)


def maximum(x: float, y: float) -> float:
    """The larger; nan if either is (as ``numpy.maximum``)."""
    return x if x >= y or x != x else y


def minimum(x: float, y: float) -> float:
    """The smaller; nan if either is (as ``numpy.minimum``)."""
    return x if x <= y or x != x else y


def clip(x: float, low: float, high: float) -> float:
    """min(max(x, low), high), as ``numpy.clip``."""
    return minimum(maximum(x, low), high)


def log_sum_exp(*xs: float) -> float:
    """log(exp(x) + exp(y) + ...), relative to the largest, so that nothing overflows."""
    largest = max(xs, default=-inf)
    if math.isinf(largest):
        return nan if any(x != x for x in xs) else largest
    exp, total = math.exp, 0.0  # not by sum(), which rounds differently from Python 3.12 on
    for x in xs:
        total += exp(x - largest)
    return largest + math.log(total)


def logaddexp(x: float, y: float) -> float:
    """log(exp(x) + exp(y)), relative to the larger, so that nothing overflows."""
    if x == y:  # infinite ones too
        return x + math.log(2.0)
    return maximum(x, y) + math.log1p(math.exp(-abs(x - y)))


def exp_difference(x: float, y: float) -> float:
    """exp(x - y), and 1 where both are inf."""
    return 1.0 if x == y == inf else math.exp(x - y)


def xlogy(x: float, y: float) -> float:
    """x * log(y), and 0 where x is 0, whatever y is but nan."""
    return 0.0 if x == 0.0 and y == y else x * math.log(y)


def direction(x: float, y: float, length: float) -> float:
    """x / length, where length is hypot(x, y); 0 at the origin."""
    return x / length if length else 0.0


def no_slope(r: float, *xs: float) -> float:
    """0, at any length r of any vector."""
    return 0.0


def where(condition: float, x: float, y: float) -> float:
    """x, and y where the condition is 0."""
    return x if condition != 0.0 else y


def greater(x: float, y: float) -> float:
    """1 if x > y, else 0; the other comparisons likewise."""
    return 1.0 if x > y else 0.0


def greater_equal(x: float, y: float) -> float:
    """1 if x >= y, else 0."""
    return 1.0 if x >= y else 0.0


def less(x: float, y: float) -> float:
    """1 if x < y, else 0."""
    return 1.0 if x < y else 0.0


def less_equal(x: float, y: float) -> float:
    """1 if x <= y, else 0."""
    return 1.0 if x <= y else 0.0


def equal(x: float, y: float) -> float:
    """1 if x == y, else 0."""
    return 1.0 if x == y else 0.0


def not_equal(x: float, y: float) -> float:
    """1 if x != y, else 0."""
    return 1.0 if x != y else 0.0


def sign(x: float) -> float:
    """-1, 0 or 1; nan for nan."""
    return x if x != x else float((x > 0.0) - (x < 0.0))


def floor(x: float) -> float:
    """The largest whole number up to x; like C's, it keeps the sign of a zero."""
    return math.copysign(math.floor(x), x)


def ceil(x: float) -> float:
    """The smallest whole number from x up; like C's, it keeps the sign of a zero."""
    return math.copysign(math.ceil(x), x)


def trunc(x: float) -> float:
    """x without its fraction; like C's, it keeps the sign of a zero."""
    return math.copysign(math.trunc(x), x)


def round_half_even(x: float, ndigits: float) -> float:
    """Python's ``round`` to ndigits decimals: half to even, correctly rounded."""
    return round(x, int(ndigits))


# The sums. They are written with + and * alone, for any type of number: run on another type than floats they write
# themselves out, term by term. Not by Python's sum(), which rounds differently from Python 3.12 on.


def linear(b: Any, *factors: Any) -> Any:
    """b + w * x + w * x + ..., where the factors are w, x, w, x, ...: the weighted sum of a neuron."""
    return _added(b, _products("linear", factors))


def dot(*factors: Any) -> Any:
    """x * y + x * y + ..., where the factors are x, y, x, y, ...; 0.0 of nothing."""
    products = _products("dot", factors)
    return _added(next(products, 0.0), products)


def sum_(*xs: Any) -> Any:
    """x + x + ...; 0.0 of nothing."""
    terms = iter(xs)
    return _added(next(terms, 0.0), terms)


def mean(*xs: Any) -> Any:
    """The sum over the count."""
    return sum_(*xs) / float(len(xs))


def _added(total: Any, terms: Iterator[Any]) -> Any:
    for term in terms:
        total = total + term
    return total


def _products(name: str, factors: tuple[Any, ...]) -> Iterator[Any]:
    if len(factors) % 2:
        raise TypeError(f"{name} takes factors in pairs, such as w, x, w, x; got {len(factors)}")
    return map(operator.mul, factors[::2], factors[1::2])

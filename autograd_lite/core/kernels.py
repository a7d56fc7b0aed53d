"""Functions of floats that the table of primitives needs and ``math`` lacks.

Values only: the derivatives stand in :mod:`autograd_lite.core.ops`.
"""

import math
from math import inf, nan

__all__ = [
    "ceil",
    "clip",
    "constant_power",
    "divide_at_edges",
    "elu",
    "floor",
    "gelu",
    "leaky_relu",
    "log_sum_exp",
    "maximum",
    "minimum",
    "polygamma",
    "power_at_edges",
    "relu",
    "round_half_even",
    "sigmoid",
    "sign",
    "silu",
    "softplus",
    "strong_mul",
    "strong_zero",
    "trunc",
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
    largest = xs[0]
    for x in xs[1:]:
        largest = maximum(largest, x)
    if math.isinf(largest):
        return largest
    total = 0.0  # not by sum(), which rounds differently from Python 3.12 on
    for x in xs:
        total += math.exp(x - largest)
    return largest + math.log(total)


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


# Bernoulli numbers B2, B4 ... B20.
_BERNOULLI: tuple[float, ...] = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
_BERNOULLI += (43867 / 798, -174611 / 330)


def polygamma(n: float, x: float) -> float:
    """The n-th derivative of digamma, for a whole n >= 0 (else nan); nan at its poles 0, -1, -2 ...

    Reflection for negative x, the recurrence up to x >= 10 + n, then the asymptotic
    series (Abramowitz and Stegun 6.4.7, 6.4.6 and 6.4.11; 6.3 for n = 0).
    """
    if not n.is_integer() or n < 0.0 or x != x or x == -inf or (x <= 0.0 and x.is_integer()):
        return nan
    order = int(n)
    if x == inf:
        return 0.0 if order else inf
    if x < 0.0:
        return (-1.0) ** order * polygamma(n, 1.0 - x) - math.pi * _cot_pi(x, order)
    sign = 1.0 if order % 2 else -1.0
    terms = []
    while x < 10.0 + order:
        terms.append(sign * math.factorial(order) * x ** -(order + 1))
        x += 1.0
    terms.append(sign * math.factorial(order - 1) * x**-order if order else math.log(x))
    terms.append(sign * math.factorial(order) * 0.5 * x ** -(order + 1))
    for two_k, bernoulli in zip(range(2, 22, 2), _BERNOULLI, strict=True):
        # (2k + n - 1)! / (2k)!, small enough to be exact as a product
        falling = math.prod(range(two_k + 1, two_k + order)) if order else 1.0 / two_k
        terms.append(sign * bernoulli * falling * x ** -(two_k + order))
    return math.fsum(terms)


def _cot_pi(x: float, order: int) -> float:
    """The order-th derivative of cot(pi x) by x: a polynomial in c = cot(pi x), as c' = -pi (1 + c^2)."""
    c = 1.0 / math.tan(math.pi * (x - round(x)))
    polynomial = [0.0, 1.0]
    for _ in range(order):
        slopes = [-math.pi * i * a for i, a in enumerate(polynomial)][1:]
        polynomial = [a + b for a, b in zip([*slopes, 0.0, 0.0], [0.0, 0.0, *slopes], strict=True)]
    return math.fsum(a * c**i for i, a in enumerate(polynomial))

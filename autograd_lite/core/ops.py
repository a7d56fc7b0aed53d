"""The table of primitives: name, value and partial derivatives of each, written once.

A primitive is an :class:`Op`, and it is itself the public function: ``tanh(0.5)`` is
a float and ``tanh(Value(0.5))`` a ``Value``. The partials are written with operators
and with other primitives only, so that the same line serves floats (``backward``),
Values (derivatives of derivatives) and any other type of number.

Two habits of the table:

- It is plain arithmetic. Where Python raises instead of answering as IEEE 754 does
  (``1 / 0.0``, ``exp(1000.0)``), :class:`Op` steps in, and only then.
- No partial branches on a number with ``if``. It computes with :data:`greater` and
  :data:`where`, so a recorded gradient holds on both sides of a kink.
"""

import math
import operator
from math import inf, nan, pi
from typing import Any

from autograd_lite.core import kernels
from autograd_lite.core.op import Op
from autograd_lite.core.operators import register

__all__ = [
    "Op",
    "absolute",
    "acos",
    "acosh",
    "add",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "ceil",
    "clip",
    "copysign",
    "cos",
    "cosh",
    "digamma",
    "div",
    "elu",
    "equal",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "expm1",
    "floor",
    "floordiv",
    "gelu",
    "greater",
    "greater_equal",
    "hypot",
    "leaky_relu",
    "less",
    "less_equal",
    "lgamma",
    "log",
    "log1p",
    "log2",
    "log10",
    "maximum",
    "minimum",
    "mod",
    "mul",
    "neg",
    "not_equal",
    "polygamma",
    "power",
    "reciprocal",
    "relu",
    "round_",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "sinh",
    "softplus",
    "sqrt",
    "square",
    "sub",
    "tan",
    "tanh",
    "trunc",
    "where",
]


# ---- The table ------------------------------------------------------------------------
# ans is the value at the operands. A comment at the right tells what an edge needs.

# fmt: off
# Arithmetic
add = Op("add", operator.add, (1.0, 1.0), symbol="+")
sub = Op("sub", operator.sub, (1.0, -1.0), symbol="-")
mul = Op("mul", operator.mul, lambda ans, x, y: (y, x), symbol="*")
div = Op("div", operator.truediv, lambda ans, x, y: (1 / y, -ans / y), symbol="/", otherwise=kernels.divide_at_edges)
neg = Op("neg", operator.neg, (-1.0,), symbol="-")
power: Op = Op(  # 0**0 has partials (0, 0), and 0**y by y is 0 for y > 0
    "pow", math.pow, lambda ans, x, y: (
        where(equal(x, 0.0) * equal(y, 0.0), 0.0, y * power(x, y - 1)),
        where(equal(x, 0.0) * greater_equal(y, 0.0), 0.0, log(x) * ans),
    ), symbol="**", otherwise=kernels.power_at_edges)
constant_power: Op = Op(  # n is a constant, never a Value: what `x ** 3` records
    "constant_pow", kernels.constant_power, lambda ans, x, n: (n * constant_power(x, n - 1) if n else 0.0, 0.0),
    symbol="**", otherwise=kernels.power_at_edges)
floordiv = Op("floordiv", operator.floordiv, (0.0, 0.0), symbol="//", otherwise=kernels.divide_at_edges)
mod = Op("mod", operator.mod, lambda ans, x, y: (1.0, -(x // y)), symbol="%")
square = Op("square", lambda x: x * x, lambda ans, x: (2 * x,))
reciprocal = Op("reciprocal", lambda x: 1 / x, lambda ans, x: (-ans * ans,), otherwise=lambda x: math.copysign(inf, x))
identity = Op("identity", lambda x: x, (1.0,))

# Exponentials, logarithms, roots
exp = Op("exp", math.exp, lambda ans, x: (ans,), otherwise=inf)
exp2 = Op("exp2", math.exp2, lambda ans, x: (ans * math.log(2),), otherwise=inf)
expm1 = Op("expm1", math.expm1, lambda ans, x: (exp(x),), otherwise=inf)
log: Op = Op("log", math.log, lambda ans, x: (1 / x,), otherwise=lambda x: -inf if x == 0 else nan)
log2 = Op("log2", math.log2, lambda ans, x: (1 / (x * math.log(2)),), otherwise=lambda x: -inf if x == 0 else nan)
log10 = Op("log10", math.log10, lambda ans, x: (1 / (x * math.log(10)),), otherwise=lambda x: -inf if x == 0 else nan)
log1p = Op("log1p", math.log1p, lambda ans, x: (1 / (1 + x),), otherwise=lambda x: -inf if x == -1 else nan)
sqrt = Op("sqrt", math.sqrt, lambda ans, x: (0.5 / ans,))
cbrt = Op("cbrt", math.cbrt, lambda ans, x: (1 / (3 * ans * ans),))
hypot = Op(  # of any number of operands; at the origin the divisor is 1, so the partials are 0; no square to overflow
    "hypot", math.hypot, lambda ans, *xs: tuple(x / (ans + equal(ans, 0.0)) for x in xs))
log_sum_exp = Op(  # e_i / (sum of e), with e relative to the result
    "logsumexp", kernels.log_sum_exp, lambda ans, *xs: _shares([exp(x - ans) for x in xs]))

# Trigonometric and hyperbolic functions
sin = Op("sin", math.sin, lambda ans, x: (cos(x),))
cos: Op = Op("cos", math.cos, lambda ans, x: (-sin(x),))
tan = Op("tan", math.tan, lambda ans, x: (1 + ans * ans,))
asin = Op("asin", math.asin, lambda ans, x: (1 / sqrt((1 - x) * (1 + x)),))
acos = Op("acos", math.acos, lambda ans, x: (-1 / sqrt((1 - x) * (1 + x)),))
atan = Op("atan", math.atan, lambda ans, x: (1 / (1 + x * x),))
atan2 = Op(  # divided twice by the radius, whose square could overflow
    "atan2", math.atan2, lambda ans, y, x: (x / _radius(x, y) / _radius(x, y), -y / _radius(x, y) / _radius(x, y)))
sinh = Op("sinh", math.sinh, lambda ans, x: (cosh(x),), otherwise=lambda x: math.copysign(inf, x))
cosh: Op = Op("cosh", math.cosh, lambda ans, x: (sinh(x),), otherwise=inf)
tanh = Op("tanh", math.tanh, lambda ans, x: (4 * _logistic_slope(2 * x),))
asinh = Op("asinh", math.asinh, lambda ans, x: (1 / hypot(1.0, x),))
acosh = Op("acosh", math.acosh, lambda ans, x: (1 / (sqrt(x - 1) * sqrt(x + 1)),))
atanh = Op("atanh", math.atanh, lambda ans, x: (1 / ((1 - x) * (1 + x)),),
           otherwise=lambda x: math.copysign(inf, x) if abs(x) == 1 else nan)

# Activations and special functions
sigmoid = Op("sigmoid", kernels.sigmoid, lambda ans, x: (_logistic_slope(x),))
softplus = Op("softplus", kernels.softplus, lambda ans, x: (sigmoid(x),))
silu = Op("silu", kernels.silu, lambda ans, x: (sigmoid(x) + x * _logistic_slope(x),))
gelu = Op("gelu", kernels.gelu, lambda ans, x: (
    0.5 * erfc(-x * math.sqrt(0.5)) + x * exp(-0.5 * x * x) / math.sqrt(2 * pi),))
relu = Op("relu", kernels.relu, lambda ans, x: (greater(x, 0.0),))
leaky_relu = Op("leaky_relu", kernels.leaky_relu, lambda ans, x, negative_slope=0.01: (
    where(greater(x, 0.0), 1.0, negative_slope), where(greater(x, 0.0), 0.0, x)))
elu = Op("elu", kernels.elu, lambda ans, x, alpha=1.0: (
    where(greater(x, 0.0), 1.0, alpha * exp(x)), where(greater(x, 0.0), 0.0, expm1(x))))
erf = Op("erf", math.erf, lambda ans, x: (2 / math.sqrt(pi) * exp(-x * x),))
erfc: Op = Op("erfc", math.erfc, lambda ans, x: (-2 / math.sqrt(pi) * exp(-x * x),))
lgamma = Op("lgamma", math.lgamma, lambda ans, x: (digamma(x),), otherwise=inf)
polygamma: Op = Op(  # the n-th derivative of digamma; n is a whole constant, never a Value
    "polygamma", kernels.polygamma, lambda ans, n, x: (0.0, polygamma(n + 1, x)),
    otherwise=lambda n, x: inf if n % 2 or x < 0 else -inf)
digamma: Op = Op("digamma", lambda x: kernels.polygamma(0.0, x), lambda ans, x: (polygamma(1.0, x),),
             otherwise=lambda x: math.copysign(inf, -x))

# Kinks and steps
absolute = Op("abs", operator.abs, lambda ans, x: (sign(x),))
sign: Op = Op("sign", kernels.sign, (0.0,))
copysign: Op = Op("copysign", math.copysign, lambda ans, x, y: (copysign(1.0, x) * copysign(1.0, y), 0.0))
floor = Op("floor", kernels.floor, (0.0,), otherwise=lambda x: x)
ceil = Op("ceil", kernels.ceil, (0.0,), otherwise=lambda x: x)
trunc = Op("trunc", kernels.trunc, (0.0,), otherwise=lambda x: x)
round_ = Op("round", kernels.round_half_even, lambda ans, x, ndigits=0.0: (0.0, 0.0))
maximum = Op("maximum", kernels.maximum, lambda ans, x, y: (  # at a tie half each
    greater(x, y) + 0.5 * equal(x, y), less(x, y) + 0.5 * equal(x, y)))
minimum = Op("minimum", kernels.minimum, lambda ans, x, y: (
    less(x, y) + 0.5 * equal(x, y), greater(x, y) + 0.5 * equal(x, y)))
clip = Op("clip", kernels.clip, lambda ans, x, low=-inf, high=inf: (  # at a bound 1 by x
    less_equal(low, x) * less_equal(x, high), less(x, low) * less_equal(low, high), less(high, maximum(x, low))))
where: Op = Op("where", lambda condition, x, y: x if condition else y, lambda ans, condition, x, y: (
    0.0, not_equal(condition, 0.0), equal(condition, 0.0)))

# Comparisons as numbers, 1 or 0, that a recorded graph computes anew (`x > y` is a bool)
greater: Op = Op("greater", lambda x, y: 1.0 if x > y else 0.0, (0.0, 0.0), symbol=">")
greater_equal: Op = Op("greater_equal", lambda x, y: 1.0 if x >= y else 0.0, (0.0, 0.0), symbol=">=")
less: Op = Op("less", lambda x, y: 1.0 if x < y else 0.0, (0.0, 0.0), symbol="<")
less_equal: Op = Op("less_equal", lambda x, y: 1.0 if x <= y else 0.0, (0.0, 0.0), symbol="<=")
equal: Op = Op("equal", lambda x, y: 1.0 if x == y else 0.0, (0.0, 0.0), symbol="==")
not_equal: Op = Op("not_equal", lambda x, y: 1.0 if x != y else 0.0, (0.0, 0.0), symbol="!=")
# fmt: on


def _logistic_slope(x: Any) -> Any:
    """The derivative of the sigmoid, e / (1 + e)^2 with e = exp(-abs(x)), to full precision in both tails.

    abs(x) is written x * copysign(1.0, x), whose derivative at 0 is 1 and not 0: the
    whole expression is even in x, and so it keeps its own derivatives there.
    """
    e = exp(-x * copysign(1.0, x))
    return e / ((1 + e) * (1 + e))


def _shares(xs: list[Any]) -> tuple[Any, ...]:
    """Each over their sum."""
    total = xs[0]
    for x in xs[1:]:
        total = total + x
    return tuple(x / total for x in xs)


def _radius(x: Any, y: Any) -> Any:
    """hypot(x, y), and 1 at the origin, so that 0 / radius is 0."""
    radius = hypot(x, y)
    return radius + equal(radius, 0.0)


for _op in [op for op in globals().values() if isinstance(op, Op)]:
    register(_op)

# The chain rule as jit records it, with a strong zero: one that makes 0 of inf and nan too. Not for users.
strong_mul: Op = Op("strong_mul", kernels.strong_mul, lambda ans, x, y: (strong_zero(y, x), strong_zero(x, y)))
strong_zero: Op = Op(  # y, and 0 where x is 0 and y is inf or nan
    "strong_zero", kernels.strong_zero, lambda ans, y, x: (where(equal(x, 0.0) * not_equal(y - y, 0.0), 0.0, 1.0), 0.0)
)

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

from autograd_lite.core import kernels, special
from autograd_lite.core.op import Op
from autograd_lite.core.operators import primitives, register

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
    "betaln",
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
    "erfinv",
    "exp",
    "exp2",
    "expit",
    "expm1",
    "floor",
    "floordiv",
    "gamma",
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
    "logaddexp",
    "logistic_pdf",
    "logit",
    "maximum",
    "minimum",
    "mod",
    "mul",
    "neg",
    "norm_cdf",
    "norm_pdf",
    "norm_ppf",
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
    "xlogy",
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
        _power_slope(ans, x, y, strong_mul(y, power(x, y - 1))),
        where(equal(x, 0.0) * greater_equal(y, 0.0), 0.0, log(x) * ans),
    ), symbol="**", otherwise=kernels.power_at_edges)
constant_power: Op = Op(  # n is a constant, never a Value: what `x ** 3` records
    "constant_pow", kernels.constant_power, lambda ans, x, n: (_constant_power_slope(ans, x, n), 0.0),
    symbol="**", otherwise=kernels.power_at_edges)
floordiv = Op("floordiv", operator.floordiv, (0.0, 0.0), symbol="//", otherwise=kernels.divide_at_edges)
mod = Op("mod", operator.mod, lambda ans, x, y: (1.0, -(x // y)), symbol="%")
square = Op("square", kernels.square, lambda ans, x: (2 * x,))
reciprocal = Op("reciprocal", kernels.reciprocal, lambda ans, x: (-ans * ans,),
                otherwise=lambda x: math.copysign(inf, x))
identity = Op("identity", kernels.identity, (1.0,))

# Exponentials, logarithms, roots
exp = Op("exp", math.exp, lambda ans, x: (ans,), otherwise=inf)
exp2 = Op("exp2", math.exp2, lambda ans, x: (ans * math.log(2),), otherwise=inf)
expm1 = Op("expm1", math.expm1, lambda ans, x: (exp(x),), otherwise=inf)
log: Op = Op("log", math.log, lambda ans, x: (1 / x,), otherwise=lambda x: -inf if x == 0 else nan)
log2 = Op("log2", math.log2, lambda ans, x: (1 / (x * math.log(2)),), otherwise=lambda x: -inf if x == 0 else nan)
log10 = Op("log10", math.log10, lambda ans, x: (1 / (x * math.log(10)),), otherwise=lambda x: -inf if x == 0 else nan)
log1p = Op("log1p", math.log1p, lambda ans, x: (1 / (1 + x),), otherwise=lambda x: -inf if x == -1 else nan)
sqrt = Op("sqrt", math.sqrt, lambda ans, x: (0.5 / ans,))
cbrt = Op("cbrt", math.cbrt, lambda ans, x: (1 / (3 * ans * ans) + no_slope(ans, x),))
hypot = Op("hypot", math.hypot, lambda ans, *xs: _directions(ans, xs))  # of any number of operands
log_sum_exp = Op(  # e_i / (sum of e), with e relative to the result
    "logsumexp", kernels.log_sum_exp, lambda ans, *xs: _shares([exp_difference(x, ans) for x in xs]))
logaddexp = Op(  # half each where both are inf, as in log_sum_exp and maximum
    "logaddexp", kernels.logaddexp, lambda ans, x, y: (
        where(equal(x, inf) * equal(y, inf), 0.5, sigmoid(x - y)),
        where(equal(x, inf) * equal(y, inf), 0.5, sigmoid(y - x))))
xlogy = Op(  # 0 where x is 0, and then its partial by y is 0 too
    "xlogy", kernels.xlogy, lambda ans, x, y: (log(y), where(equal(x, 0.0) * equal(y, 0.0), 0.0, x / y)),
    otherwise=lambda x, y: x * -inf if y == 0.0 else nan)

# Trigonometric and hyperbolic functions
sin = Op("sin", math.sin, lambda ans, x: (cos(x),))
cos: Op = Op("cos", math.cos, lambda ans, x: (-sin(x),))
tan = Op("tan", math.tan, lambda ans, x: (1 + ans * ans,))
asin = Op("asin", math.asin, lambda ans, x: (1 / sqrt(one_minus_square(x)),))
acos = Op("acos", math.acos, lambda ans, x: (-1 / sqrt(one_minus_square(x)),))
atan = Op("atan", math.atan, lambda ans, x: (1 / (1 + x * x),))
atan2 = Op("atan2", math.atan2, lambda ans, y, x: _angle_slopes(y, x, hypot(x, y)))
sinh = Op("sinh", math.sinh, lambda ans, x: (cosh(x),), otherwise=lambda x: math.copysign(inf, x))
cosh: Op = Op("cosh", math.cosh, lambda ans, x: (sinh(x),), otherwise=inf)
tanh = Op("tanh", math.tanh, lambda ans, x: (4 * logistic_pdf(2 * x),))
asinh = Op("asinh", math.asinh, lambda ans, x: (1 / hypot(1.0, x),))
acosh = Op("acosh", math.acosh, lambda ans, x: (1 / (sqrt(x - 1) * sqrt(x + 1)),))
atanh = Op("atanh", math.atanh, lambda ans, x: (1 / one_minus_square(x),),
           otherwise=lambda x: math.copysign(inf, x) if abs(x) == 1 else nan)

# Activations and special functions
sigmoid: Op = Op("sigmoid", kernels.sigmoid, lambda ans, x: (logistic_pdf(x),))
expit = sigmoid  # SciPy's name
logistic_pdf: Op = Op(  # the derivative of the sigmoid; its own is exact near 0 and in both tails
    "logistic_pdf", kernels.logistic_pdf, lambda ans, x: (-ans * tanh(0.5 * x),))
logit = Op("logit", kernels.logit, lambda ans, p: (  # 1 / (p (1 - p)), in a form exact around 1/2
    where(less(absolute(p - 0.5), 0.25), 1 / (0.25 - (p - 0.5) * (p - 0.5)), 1 / p + 1 / (1 - p)),),
    otherwise=lambda p: inf if p == 1.0 else -inf if p == 0.0 else nan)
softplus = Op("softplus", kernels.softplus, lambda ans, x: (sigmoid(x),))
silu = Op("silu", kernels.silu, lambda ans, x: (sigmoid(x) + x * logistic_pdf(x),))
gelu = Op("gelu", kernels.gelu, lambda ans, x: (
    0.5 * erfc(-x * math.sqrt(0.5)) + x * exp(-0.5 * x * x) / math.sqrt(2 * pi),))
relu = Op("relu", kernels.relu, lambda ans, x: (greater(x, 0.0),))
leaky_relu = Op("leaky_relu", kernels.leaky_relu, lambda ans, x, negative_slope=0.01: (
    where(greater(x, 0.0), 1.0, negative_slope), where(greater(x, 0.0), 0.0, x)))
elu = Op("elu", kernels.elu, lambda ans, x, alpha=1.0: (
    where(greater(x, 0.0), 1.0, alpha * exp(x)), where(greater(x, 0.0), 0.0, expm1(x))))
erf = Op("erf", math.erf, lambda ans, x: (2 / math.sqrt(pi) * exp(-x * x),))
erfc: Op = Op("erfc", math.erfc, lambda ans, x: (-2 / math.sqrt(pi) * exp(-x * x),))
erfinv = Op("erfinv", special.erfinv, lambda ans, x: (math.sqrt(pi) / 2 * exp(ans * ans),),
            otherwise=lambda x: math.copysign(inf, x) if abs(x) == 1 else nan)
norm_pdf: Op = Op("norm_pdf", special.norm_pdf, lambda ans, x: (strong_mul(-x, ans),))  # 0 at inf too
norm_cdf = Op("norm_cdf", special.norm_cdf, lambda ans, x: (norm_pdf(x),))
norm_ppf = Op("norm_ppf", special.norm_ppf, lambda ans, p: (1 / norm_pdf(ans),),
              otherwise=lambda p: -inf if p == 0.0 else inf if p == 1.0 else nan)
gamma = Op("gamma", math.gamma, lambda ans, x: (where(equal(x, 0.0), -inf, ans * digamma(x)),),
           otherwise=lambda x: math.copysign(inf, x) if x > -1.0 else nan)
lgamma = Op("lgamma", special.lgamma, lambda ans, x: (digamma(x),), otherwise=inf)
polygamma: Op = Op(  # the n-th derivative of digamma; n is a whole constant, never a Value
    "polygamma", special.polygamma, lambda ans, n, x: (0.0, polygamma(n + 1, x)),
    otherwise=lambda n, x: inf if n % 2 or x < 0 else -inf)
betaln = Op("betaln", special.betaln, lambda ans, x, y: (
    polygamma_difference(0.0, x, y), polygamma_difference(0.0, y, x)), otherwise=inf)
digamma: Op = Op("digamma", special.digamma, lambda ans, x: (polygamma(1.0, x),),
             otherwise=lambda x: math.copysign(inf, -x))

# Sums of any number of terms, each one operation. Of numbers in a row: linear(b, w, x, w, x, ...). Not for users,
# who give lists: nn.functional.linear, and dot, sum_ and mean of autograd_lite.functions.
linear = Op("linear", kernels.linear, lambda ans, b, *factors: (1.0, *_swapped(factors)))
dot = Op("dot", kernels.dot, lambda ans, *factors: _swapped(factors))
sum_ = Op("sum", kernels.sum_, lambda ans, *xs: (1.0,) * len(xs))
mean = Op("mean", kernels.mean, lambda ans, *xs: (1.0 / len(xs),) * len(xs))

# Kinks and steps
absolute: Op = Op("abs", operator.abs, lambda ans, x: (sign(x),))
sign: Op = Op("sign", kernels.sign, (0.0,))
copysign: Op = Op("copysign", math.copysign, lambda ans, x, y: (sign(x) * copysign(1.0, y), 0.0))
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
where: Op = Op("where", kernels.where, lambda ans, condition, x, y: (
    0.0, not_equal(condition, 0.0), equal(condition, 0.0)))

# Comparisons as numbers, 1 or 0, that a recorded graph computes anew (`x > y` is a bool)
greater: Op = Op("greater", kernels.greater, (0.0, 0.0), symbol=">")
greater_equal: Op = Op("greater_equal", kernels.greater_equal, (0.0, 0.0), symbol=">=")
less: Op = Op("less", kernels.less, (0.0, 0.0), symbol="<")
less_equal: Op = Op("less_equal", kernels.less_equal, (0.0, 0.0), symbol="<=")
equal: Op = Op("equal", kernels.equal, (0.0, 0.0), symbol="==")
not_equal: Op = Op("not_equal", kernels.not_equal, (0.0, 0.0), symbol="!=")
# fmt: on


def _constant_power_slope(ans: Any, x: Any, n: Any) -> Any:
    """The partial of x**n by x, for a constant n."""
    if n == 0:
        return 0.0
    slope = n * constant_power(x, n - 1)
    return slope if n - 1 + 1 == n else where(x, n * ans / x, slope)


def _power_slope(ans: Any, x: Any, y: Any, slope: Any) -> Any:
    """The partial of x**y by x: ``slope``, which is y * x**(y - 1), or y * x**y / x if y - 1 is rounded.

    That rounding costs log(x) times as much.
    """
    return where(x, where(y - (y - 1 + 1), y * ans / x, slope), slope)


def _directions(length: Any, xs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Each over the length of all, which is not squared, as it could overflow; 0 at the origin."""
    if len(xs) == 2:
        x, y = xs
        return direction(x, y, length), direction(y, x, length)
    kink = no_slope(length, *xs)
    divisor = length + equal(length, 0.0)
    return tuple(x / divisor + kink for x in xs)


def _shares(xs: list[Any]) -> tuple[Any, ...]:
    """Each over their sum; 1 if there is but one."""
    if len(xs) == 1:
        return (1.0,)
    total = xs[0]
    for x in xs[1:]:
        total = total + x
    return tuple(x / total for x in xs)


def _swapped(factors: tuple[Any, ...]) -> tuple[Any, ...]:
    """Of x, y, x, y, ... the other factor of each product: y, x, y, x, ..."""
    swapped = list(factors)
    swapped[::2], swapped[1::2] = factors[1::2], factors[::2]
    return tuple(swapped)


def _angle_slopes(y: Any, x: Any, length: Any) -> tuple[Any, Any]:
    """x and -y, divided twice by the length, whose square could overflow; 0 at the origin."""
    divisor = length + equal(length, 0.0)
    return direction(x, y, length) / divisor, -direction(y, x, length) / divisor


def _direction_slopes(ans: Any, x: Any, y: Any, length: Any) -> tuple[Any, Any, float]:
    """By way of the other side, y: 1 - (x / length)^2 would cancel where x is long."""
    slope = direction(y, x, length) / hypot(x, y)
    return direction(y, x, length) * slope, -ans * slope, 0.0  # length is counted by x and y


# What partials are made of. Primitives like the others, but not for users.
one_minus_square: Op = Op("one_minus_square", kernels.one_minus_square, lambda ans, x: (-2 * x,))
direction: Op = Op("direction", kernels.direction, _direction_slopes)  # x / hypot(x, y), where length is that hypot
exp_difference: Op = Op(  # exp(x - y), and 1 where both are inf
    "exp_difference", kernels.exp_difference, lambda ans, x, y: (ans, -ans), otherwise=inf
)
no_slope: Op = Op(  # 0; its derivative is nan where r is 0
    "no_slope", kernels.no_slope, lambda ans, r, *xs: (0.0, *[where(equal(r, 0.0), nan, 0.0)] * len(xs))
)
polygamma_difference: Op = Op(  # polygamma(n, x) - polygamma(n, x + y)
    "polygamma_difference",
    special.polygamma_difference,
    lambda ans, n, x, y: (0.0, polygamma_difference(n + 1, x, y), -polygamma(n + 1, x + y)),
    otherwise=lambda n, x, y: inf if n % 2 else -inf,
)


#: The sums. The value of each is plain arithmetic: run on another type of number than floats, as in
#: ``SUM.value(*numbers)``, it is the written-out form of the sum, in the same order.
SUMS = (linear, dot, sum_, mean)

for _op in [op for op in globals().values() if isinstance(op, Op) and op not in SUMS]:
    register(_op)
for _op in SUMS:  # no methods: NumPy takes x.sum, x.mean and x.dot for its own
    primitives[_op.name] = _op

# The chain rule as jit records it, with a strong zero: one that makes 0 of inf and nan too. Not for users.
strong_mul: Op = Op("strong_mul", kernels.strong_mul, lambda ans, x, y: (strong_zero(y, x), strong_zero(x, y)))
strong_zero: Op = Op(  # y, and 0 where x is 0 and y is inf or nan
    "strong_zero", kernels.strong_zero, lambda ans, y, x: (where(equal(x, 0.0) * not_equal(y - y, 0.0), 0.0, 1.0), 0.0)
)

for _op in [op for op in globals().values() if isinstance(op, Op)]:
    _op.is_of_the_table = True

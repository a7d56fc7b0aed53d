"""Numbers of 60 digits, by mpmath: the oracle for values and derivatives of any program of primitives."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Self

from autograd_lite.core.op import Op
from autograd_lite.core.operators import primitives
from autograd_lite.errors import InapplicableOracleError, MissingDependencyError
from autograd_lite.testing.numbers import Number

__all__ = ["DIGITS", "Precise", "context", "functions"]

#: Decimal digits of the arithmetic.
DIGITS = 60


@functools.cache
def context() -> Any:
    """mpmath's arithmetic with :data:`DIGITS` digits, apart from the global one."""
    try:
        import mpmath
    except ImportError:
        raise MissingDependencyError('numbers of many digits need mpmath: pip install "autograd_lite[test]"') from None
    mp = mpmath.MPContext()
    mp.dps = DIGITS
    return mp


@functools.cache
def functions() -> dict[str, Callable[..., Any]]:
    """Each primitive as a function of mpmath's numbers."""
    mp = context()

    def step(condition: Any) -> Any:
        return mp.mpf(1 if condition else 0)

    return {
        "add": lambda x, y: x + y,
        "sub": lambda x, y: x - y,
        "mul": lambda x, y: x * y,
        "div": lambda x, y: x / y,
        "neg": lambda x: -x,
        "pow": lambda x, y: x**y,
        "constant_pow": lambda x, n: x**n,
        "floordiv": lambda x, y: mp.floor(x / y),
        "mod": lambda x, y: x - mp.floor(x / y) * y,
        "square": lambda x: x * x,
        "reciprocal": lambda x: 1 / x,
        "identity": lambda x: x,
        "exp": mp.exp,
        "exp2": lambda x: mp.mpf(2) ** x,
        "expm1": mp.expm1,
        "log": mp.log,
        "log2": lambda x: mp.log(x) / mp.log(2),
        "log10": lambda x: mp.log(x) / mp.log(10),
        "log1p": mp.log1p,
        "sqrt": mp.sqrt,
        "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
        "hypot": lambda *xs: mp.sqrt(mp.fsum(x * x for x in xs)),
        "logsumexp": lambda *xs: mp.log(mp.fsum(mp.exp(x) for x in xs)),
        "linear": lambda b, *factors: b + mp.fdot(factors[::2], factors[1::2]),
        "dot": lambda *factors: mp.fdot(factors[::2], factors[1::2]),
        "sum": lambda *xs: mp.fsum(xs),
        "mean": lambda *xs: mp.fsum(xs) / len(xs),
        "logaddexp": lambda x, y: mp.log(mp.exp(x) + mp.exp(y)),
        "xlogy": lambda x, y: x * mp.log(y) if x else x,
        "sin": mp.sin,
        "cos": mp.cos,
        "tan": mp.tan,
        "asin": mp.asin,
        "acos": mp.acos,
        "atan": mp.atan,
        "atan2": mp.atan2,
        "sinh": mp.sinh,
        "cosh": mp.cosh,
        "tanh": mp.tanh,
        "asinh": mp.asinh,
        "acosh": mp.acosh,
        "atanh": mp.atanh,
        "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
        "softplus": lambda x: mp.log1p(mp.exp(x)),
        "logistic_pdf": lambda x: 1 / (4 * mp.cosh(x / 2) ** 2),
        "logit": lambda p: mp.log(p / (1 - p)),
        "silu": lambda x: x / (1 + mp.exp(-x)),
        "gelu": lambda x: x * mp.ncdf(x),
        "relu": lambda x: x * step(x > 0),
        "leaky_relu": lambda x, slope: x if x > 0 else slope * x,
        "elu": lambda x, alpha: x if x > 0 else alpha * mp.expm1(x),
        "erf": mp.erf,
        "erfc": mp.erfc,
        "erfinv": mp.erfinv,
        "norm_pdf": mp.npdf,
        "norm_cdf": mp.ncdf,
        "norm_ppf": lambda p: mp.sqrt(2) * mp.erfinv(2 * p - 1),
        "gamma": mp.gamma,
        "betaln": lambda x, y: mp.log(abs(mp.beta(x, y))),
        "lgamma": lambda x: mp.log(abs(mp.gamma(x))),
        "digamma": mp.digamma,
        "polygamma": lambda n, x: mp.polygamma(int(n), x),
        "polygamma_difference": lambda n, x, y: mp.polygamma(int(n), x) - mp.polygamma(int(n), x + y),
        "one_minus_square": lambda x: 1 - x * x,
        "direction": lambda x, y, length: x / mp.hypot(x, y) if x else x,
        "exp_difference": lambda x, y: mp.exp(x - y),
        "no_slope": lambda r, *xs: mp.mpf(0),
        "abs": abs,
        "sign": mp.sign,
        "copysign": lambda x, y: abs(x) * (1 if y >= 0 else -1),
        "floor": mp.floor,
        "ceil": mp.ceil,
        "trunc": lambda x: mp.sign(x) * mp.floor(abs(x)),
        "round": lambda x, n: mp.nint(x * mp.mpf(10) ** int(n)) / mp.mpf(10) ** int(n),
        "maximum": max,
        "minimum": min,
        "clip": lambda x, low, high: min(max(x, low), high),
        "where": lambda c, x, y: x if c else y,
        "greater": lambda x, y: step(x > y),
        "greater_equal": lambda x, y: step(x >= y),
        "less": lambda x, y: step(x < y),
        "less_equal": lambda x, y: step(x <= y),
        "equal": lambda x, y: step(x == y),
        "not_equal": lambda x, y: step(x != y),
    }


class Precise(Number):
    """A number of 60 digits. Floats that it meets are taken as the exact numbers they are.

    It does not turn into a float by itself: a primitive that is written with ``math``
    raises ``InapplicableOracleError`` and does not lose digits unseen.

    >>> from autograd_lite import sin
    >>> print(sin(Precise(1.0)))
    0.841470984807896506652502321630298999622563060798371065672752
    """

    __slots__ = ()

    def __init__(self, value: Any) -> None:
        super().__init__(context().mpf(value))

    def __str__(self) -> str:
        return str(context().nstr(self.value, DIGITS))

    @classmethod
    def _apply(cls, op: Op, operands: Sequence[Any]) -> Self:
        mp = context()
        try:
            if primitives.get(op.name) is op:
                value = functions()[op.name](*(operand.value for operand in operands))
            else:
                result = op.value(*operands)  # a user's own, if it is made of operators and primitives
                value = result.value if isinstance(result, Precise) else mp.mpf(result)
        except (TypeError, AttributeError) as error:
            raise InapplicableOracleError(f"{op.name} has no value of {DIGITS} digits: {error}") from None
        except (ArithmeticError, ValueError):
            value = mp.nan  # a pole, or outside the domain
        if isinstance(value, mp.mpc):
            value = mp.nan
        return cls(value)

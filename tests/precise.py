"""An oracle for values and derivatives: every primitive in 60 digits, by mpmath."""

from collections.abc import Callable
from typing import Any

import mpmath

from autograd_lite.ops import Op

mp = mpmath.MPContext()
mp.dps = 60


def _step(condition: Any) -> Any:
    return mp.mpf(1 if condition else 0)


def _sign(x: Any) -> Any:
    return mp.sign(x)


FUNCTIONS: dict[str, Callable[..., Any]] = {
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
    "hypot": mp.hypot,
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
    "silu": lambda x: x / (1 + mp.exp(-x)),
    "gelu": lambda x: x * mp.ncdf(x),
    "relu": lambda x: x * _step(x > 0),
    "leaky_relu": lambda x, slope: x if x > 0 else slope * x,
    "elu": lambda x, alpha: x if x > 0 else alpha * mp.expm1(x),
    "erf": mp.erf,
    "erfc": mp.erfc,
    "lgamma": lambda x: mp.log(abs(mp.gamma(x))),
    "digamma": mp.digamma,
    "polygamma": lambda x, n: mp.polygamma(int(n), x),
    "abs": abs,
    "sign": _sign,
    "copysign": lambda x, y: abs(x) * (1 if y >= 0 else -1),
    "floor": mp.floor,
    "ceil": mp.ceil,
    "trunc": lambda x: mp.sign(x) * mp.floor(abs(x)),
    "round": lambda x, n: mp.nint(x * mp.mpf(10) ** int(n)) / mp.mpf(10) ** int(n),
    "maximum": max,
    "minimum": min,
    "clip": lambda x, low, high: min(max(x, low), high),
    "where": lambda c, x, y: x if c else y,
    "greater": lambda x, y: _step(x > y),
    "greater_equal": lambda x, y: _step(x >= y),
    "less": lambda x, y: _step(x < y),
    "less_equal": lambda x, y: _step(x <= y),
    "equal": lambda x, y: _step(x == y),
    "not_equal": lambda x, y: _step(x != y),
}


def value(op: Op, point: tuple[float, ...]) -> float:
    """The value of a primitive, rounded once."""
    return float(FUNCTIONS[op.name](*map(mp.mpf, point)))


def partial(op: Op, point: tuple[float, ...], *by: int) -> float:
    """The derivative of a primitive by one operand after the other: central differences, steps of 1e-15."""
    step = mp.mpf(10) ** -15

    def difference(at: list[Any], remaining: tuple[int, ...]) -> Any:
        if not remaining:
            return FUNCTIONS[op.name](*at)
        first, *rest = remaining
        above, below = list(at), list(at)
        above[first] += step
        below[first] -= step
        return (difference(above, tuple(rest)) - difference(below, tuple(rest))) / (2 * step)

    return float(difference([mp.mpf(x) for x in point], by))

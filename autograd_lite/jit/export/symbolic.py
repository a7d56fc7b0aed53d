"""Programs as expressions of SymPy."""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from autograd_lite.core import ops
from autograd_lite.core.op import Op
from autograd_lite.errors import ArgumentError, MissingDependencyError
from autograd_lite.jit.backends.python import identifier
from autograd_lite.jit.export.checks import readable
from autograd_lite.jit.program import Program

__all__ = ["symbols", "to_sympy"]

#: So many operations an expression may have, where all that is shared is written out.
_OPERATIONS = 10_000
#: Floats that are fractions of so small a denominator are exact.
_DENOMINATOR = 64


def to_sympy(program: Program) -> tuple[Any, ...]:
    """The outputs of a program as expressions."""
    readable(program, "to_sympy")
    _check_length(program)
    sympy = _sympy()
    computed = symbols(program)

    def operand(o: int | float) -> Any:
        return computed[o] if type(o) is int else _constant(sympy, float(o))

    same = {getattr(ops, name): getattr(sympy, name) for name in _SAME}
    for op, operands in program.instructions:
        x = [operand(o) for o in operands]
        if op in _EXPRESSIONS:
            computed.append(_EXPRESSIONS[op](sympy, *x))
        else:
            function = same.get(op) or sympy.Function(identifier(op.name), real=True)
            computed.append(function(*x))
    return tuple(map(operand, program.outputs))


def symbols(program: Program) -> list[Any]:
    """A real symbol for each input, each unlike the others."""
    sympy = _sympy()
    names: dict[str, None] = {}
    for text in program.inputs:
        name = identifier(text)
        while name in names:
            name += "_"
        names[name] = None
    return [sympy.Symbol(name, real=True) for name in names]


def _sympy() -> Any:
    try:
        import sympy
    except ImportError:
        raise MissingDependencyError('to_sympy needs SymPy: pip install "autograd_lite[sympy]"') from None
    return sympy


def _check_length(program: Program) -> None:
    lengths = [1] * len(program.inputs)
    for _, operands in program.instructions:
        lengths.append(1 + sum(lengths[o] if type(o) is int else 1 for o in operands))
    longest = max((lengths[o] for o in program.outputs if type(o) is int), default=0)
    if longest > _OPERATIONS:
        raise ArgumentError(
            f"to_sympy writes out what {program.name} uses several times, and that makes {longest} operations, more "
            f"than {_OPERATIONS}. print() the program, or take to_latex(), to_python() or to_c() of it"
        )


def _constant(sympy: Any, number: float) -> Any:
    if number != number:
        return sympy.nan
    if math.isinf(number):
        return sympy.oo if number > 0.0 else -sympy.oo
    fraction = Fraction(number)
    if fraction.denominator <= _DENOMINATOR:
        return sympy.Rational(fraction.numerator, fraction.denominator)
    return sympy.Float(repr(number), 17)


def _choice(s: Any, condition: Any) -> Any:
    """A comparison as a number."""
    return s.Piecewise((1, condition), (0, True))


def _is_not_zero(s: Any, x: Any) -> Any:
    """Whether a number is not 0, without a detour where it is the 1 or 0 of a comparison."""
    if isinstance(x, s.Piecewise) and [answer for answer, _ in x.args] == [1, 0]:
        return x.args[0][1]
    return s.Ne(x, 0)


def _normal(s: Any, x: Any) -> Any:
    return (1 + s.erf(x / s.sqrt(2))) / 2


def _log_sum_exp(s: Any, *xs: Any) -> Any:
    return s.log(s.Add(*map(s.exp, xs)))


#: Primitives that SymPy has under the same name.
_SAME = (
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cos", "cosh", "digamma", "erf", "erfc", "erfinv",
    "exp", "floor", "gamma", "log", "polygamma", "sign", "sin", "sinh", "sqrt", "tan", "tanh",
)  # fmt: skip
#: What the others are, of SymPy itself and the operands.
_EXPRESSIONS: dict[Op, Callable[..., Any]] = {
    ops.add: lambda s, x, y: x + y,
    ops.sub: lambda s, x, y: x - y,
    ops.mul: lambda s, x, y: x * y,
    ops.strong_mul: lambda s, x, y: x * y,
    ops.strong_zero: lambda s, y, x: y,
    ops.div: lambda s, x, y: x / y,
    ops.direction: lambda s, x, y, length: x / length,
    ops.neg: lambda s, x: -x,
    ops.identity: lambda s, x: x,
    ops.no_slope: lambda s, *xs: s.Integer(0),
    ops.power: lambda s, x, y: x**y,
    ops.constant_power: lambda s, x, n: x**n,
    ops.square: lambda s, x: x**2,
    ops.reciprocal: lambda s, x: 1 / x,
    ops.one_minus_square: lambda s, x: 1 - x**2,
    ops.exp_difference: lambda s, x, y: s.exp(x - y),
    ops.exp2: lambda s, x: 2**x,
    ops.expm1: lambda s, x: s.exp(x) - 1,
    ops.log1p: lambda s, x: s.log(1 + x),
    ops.log2: lambda s, x: s.log(x, 2),
    ops.log10: lambda s, x: s.log(x, 10),
    ops.cbrt: lambda s, x: s.sign(x) * s.Abs(x) ** s.Rational(1, 3),
    ops.sum_: lambda s, *xs: s.Add(*xs),
    ops.mean: lambda s, *xs: s.Add(*xs) / len(xs),
    ops.dot: lambda s, *factors: s.Add(*[x * y for x, y in zip(factors[::2], factors[1::2], strict=True)]),
    ops.linear: lambda s, b, *factors: s.Add(b, *[x * y for x, y in zip(factors[::2], factors[1::2], strict=True)]),
    ops.hypot: lambda s, *xs: s.sqrt(s.Add(*[x**2 for x in xs])),
    ops.log_sum_exp: _log_sum_exp,
    ops.logaddexp: _log_sum_exp,
    ops.xlogy: lambda s, x, y: x * s.log(y),
    ops.sigmoid: lambda s, x: 1 / (1 + s.exp(-x)),
    ops.logistic_pdf: lambda s, x: s.exp(-x) / (1 + s.exp(-x)) ** 2,
    ops.logit: lambda s, p: s.log(p / (1 - p)),
    ops.softplus: lambda s, x: s.log(1 + s.exp(x)),
    ops.silu: lambda s, x: x / (1 + s.exp(-x)),
    ops.gelu: lambda s, x: x * _normal(s, x),
    ops.relu: lambda s, x: s.Max(0, x),
    ops.leaky_relu: lambda s, x, slope: s.Piecewise((x, x > 0), (slope * x, True)),
    ops.elu: lambda s, x, alpha: s.Piecewise((x, x > 0), (alpha * (s.exp(x) - 1), True)),
    ops.norm_pdf: lambda s, x: s.exp(-(x**2) / 2) / s.sqrt(2 * s.pi),
    ops.norm_cdf: _normal,
    ops.norm_ppf: lambda s, p: s.sqrt(2) * s.erfinv(2 * p - 1),
    ops.lgamma: lambda s, x: s.log(s.Abs(s.gamma(x))),
    ops.betaln: lambda s, x, y: s.log(s.Abs(s.gamma(x) * s.gamma(y) / s.gamma(x + y))),
    ops.polygamma_difference: lambda s, n, x, y: s.polygamma(n, x) - s.polygamma(n, x + y),
    ops.absolute: lambda s, x: s.Abs(x),
    ops.copysign: lambda s, x, y: s.Piecewise((s.Abs(x), y >= 0), (-s.Abs(x), True)),
    ops.ceil: lambda s, x: s.ceiling(x),
    ops.trunc: lambda s, x: s.sign(x) * s.floor(s.Abs(x)),
    ops.mod: lambda s, x, y: s.Mod(x, y),
    ops.floordiv: lambda s, x, y: s.floor(x / y),
    ops.maximum: lambda s, x, y: s.Max(x, y),
    ops.minimum: lambda s, x, y: s.Min(x, y),
    ops.clip: lambda s, x, low, high: s.Min(s.Max(x, low), high),
    ops.where: lambda s, condition, x, y: s.Piecewise((x, _is_not_zero(s, condition)), (y, True)),
    ops.greater: lambda s, x, y: _choice(s, x > y),
    ops.greater_equal: lambda s, x, y: _choice(s, x >= y),
    ops.less: lambda s, x, y: _choice(s, x < y),
    ops.less_equal: lambda s, x, y: _choice(s, x <= y),
    ops.equal: lambda s, x, y: _choice(s, s.Not(_is_not_zero(s, x)) if y == 0 else s.Eq(x, y)),
    ops.not_equal: lambda s, x, y: _choice(s, _is_not_zero(s, x) if y == 0 else s.Ne(x, y)),
}

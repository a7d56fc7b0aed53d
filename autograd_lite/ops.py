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
from collections.abc import Callable
from math import inf, nan, pi
from typing import Any

from autograd_lite import special
from autograd_lite.checks import as_float, describe

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
    "log_sum_exp",
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


class Op:
    """A primitive operation: a function of numbers that knows its partial derivatives.

    Args:
        name: how errors and ``repr`` call it, such as ``"tanh"``.
        value: the function of floats. Where it raises ``ValueError`` or
            ``ArithmeticError`` (as ``math.log(0.0)`` does), ``otherwise`` answers.
        partials: ``partials(ans, x, ...)`` gives the tuple of derivatives by each
            operand, where ``ans`` is the value. Write it with operators and with
            primitives, never with ``math``, and it gives second derivatives too.
            Its parameters after ``ans`` are the operands, their defaults included.
            For a linear function the tuple itself, such as ``(1.0, -1.0)``.
        symbol: how drawings call it; the name, if not given.
        otherwise: a float, or a function of the operands, for where ``value`` raises.

    A number type of its own (a dual number, an interval) joins in with a class method
    ``__autograd_op__(op, operands)``, which is handed every primitive called on it.

    Raises ``TypeError`` when called with what is not a number, or with the wrong count
    of operands.

    >>> from autograd_lite import Op, Value, cos, sin
    >>> sinc = Op("sinc", lambda x: math.sin(x) / x, lambda ans, x: ((cos(x) - ans) / x,), otherwise=1.0)
    >>> sinc(0.0)
    1.0
    >>> x = Value(2.0)
    >>> sinc(x).backward()
    >>> round(x.grad, 6)
    -0.435398
    """

    __slots__ = ("arity", "methods", "name", "otherwise", "partials", "symbol", "value")

    #: How the chain rule passes an operation that is no single number's: ``pull(node, adjoint, create_graph)`` gives
    #: what goes to each operand (None for nothing), ``push(node, tangents, create_graph)`` the tangent. Most have
    #: neither, and go by their partials.
    pull: Callable[..., Any] | None = None
    push: Callable[..., Any] | None = None

    def __init__(
        self,
        name: str,
        value: Callable[..., float],
        partials: Callable[..., tuple[Any, ...]] | tuple[float, ...],
        *,
        symbol: str | None = None,
        otherwise: float | Callable[..., float] = nan,
    ) -> None:
        if not isinstance(name, str) or not name:
            raise TypeError(f"Op needs a name first, such as 'tanh'; got {describe(name)}")
        if symbol is not None and not isinstance(symbol, str):
            raise TypeError(f"Op {name!r}: its symbol is a string, got {describe(symbol)}")
        if not callable(value):
            raise TypeError(f"Op {name!r} needs a function as its value; got {describe(value)}")
        self.name = name
        self.symbol = name if symbol is None else symbol
        self.value = value
        self.partials = partials
        self.otherwise = otherwise
        #: Short cuts by the type of the first operand, which a type of number may set for its own.
        self.methods: dict[type, Callable[..., Any]] = {}
        if not isinstance(partials, tuple) and not callable(partials):
            raise TypeError(f"Op {name!r} needs a function or a tuple as its partials; got {describe(partials)}")
        #: How many operands it takes; None for any number.
        self.arity = len(partials) if isinstance(partials, tuple) else _count_operands(partials)
        if self.arity == 0:
            raise TypeError(f"Op {name!r}: partials takes the value and each operand: lambda ans, x: (...,)")

    def __repr__(self) -> str:
        return f"<Op {self.name}>"

    def __copy__(self) -> "Op":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Op":
        return self

    def __reduce_ex__(self, protocol: Any) -> Any:
        if primitives.get(self.name) is self:
            return _primitive_named, (self.name,)
        return super().__reduce_ex__(protocol)

    def __call__(self, *operands: Any, **named: Any) -> Any:
        if named or len(operands) != self.arity:
            operands = self._bind(operands, named)
        method = self.methods.get(type(operands[0])) if operands else None
        if method is not None:
            return method(*operands)
        for operand in operands:
            if type(operand) is not float:
                return self.dispatch(operands)
        try:
            return self.value(*operands)
        except (ArithmeticError, ValueError):
            return self.evaluate(*operands)

    def _bind(self, operands: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        """All operands in order, those left out taken from the defaults."""
        if self.arity is None and not named:
            return operands
        missing = (self.arity or 0) - len(operands)
        defaults = getattr(self.partials, "__defaults__", None) or ()
        if not named and 0 < missing <= len(defaults):
            return operands + defaults[-missing:]
        return self._bound(operands, named)

    def _bound(self, operands: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        """The same by the book, with an error that shows the signature."""
        import inspect

        if isinstance(self.partials, tuple):
            parameters = [
                inspect.Parameter(f"x{i}", inspect.Parameter.POSITIONAL_ONLY) for i in range(len(self.partials))
            ]
        else:
            parameters = list(inspect.signature(self.partials).parameters.values())[1:]
        signature = inspect.Signature(parameters)
        try:
            bound = signature.bind(*operands, **named)
        except TypeError as error:
            raise TypeError(f"{self.name}{signature}: {error}") from None
        bound.apply_defaults()
        return bound.args

    def dispatch(self, operands: tuple[Any, ...]) -> Any:
        """Hand the call to the operands' own type of number, the most derived if several."""
        handler: Any = None
        for operand in operands:
            kind = type(operand)
            if hasattr(kind, "__autograd_op__") and (handler is None or issubclass(kind, handler)):
                handler = kind
        if handler is not None:
            return handler.__autograd_op__(self, operands)
        try:
            ans = self.evaluate(*map(as_float, operands))
        except TypeError as error:
            raise TypeError(f"{self.name} takes numbers and Values, one at a time: {error}") from None
        return _Ieee(ans) if any(isinstance(operand, _Ieee) for operand in operands) else ans

    def evaluate(self, *numbers: float) -> float:
        """The value at floats, by IEEE 754 also where ``value`` raises."""
        try:
            return self.value(*numbers)
        except (ArithmeticError, ValueError):
            return self.otherwise(*numbers) if callable(self.otherwise) else self.otherwise

    def differentiate(self, ans: Any, *operands: Any) -> tuple[Any, ...]:
        """The partial by each operand; for floats by IEEE 754 also where Python raises."""
        if isinstance(self.partials, tuple):
            return self.partials
        try:
            partials = self.partials(ans, *operands)
        except (ArithmeticError, ValueError):
            safe = [_Ieee(number) if type(number) is float else number for number in (ans, *operands)]
            partials = self.partials(*safe)
        if not isinstance(partials, tuple) or len(partials) != len(operands):
            raise TypeError(
                f"Op {self.name!r}: partials must return a tuple with one derivative for each of "
                f"its {len(operands)} operands; got {describe(partials)}"
            )
        return tuple([p if type(p) is float or hasattr(type(p), "__autograd_op__") else as_float(p) for p in partials])


def _count_operands(partials: Callable[..., Any]) -> int | None:
    code = getattr(partials, "__code__", None)
    if code is None:
        raise TypeError(f"partials must be a plain function or a lambda, got {describe(partials)}")
    if code.co_kwonlyargcount or code.co_flags & 0x08:
        raise TypeError("partials takes its operands by position, without keyword-only ones and without **")
    takes_any_number = code.co_flags & 0x04  # inspect.CO_VARARGS, without the price of importing inspect
    return None if takes_any_number else int(code.co_argcount) - 1


class _Ieee(float):
    """A float that divides by zero as IEEE 754 does; for partials that made Python raise."""

    __slots__ = ()

    def __neg__(self) -> "_Ieee":
        return _Ieee(-float(self))

    def __abs__(self) -> "_Ieee":
        return _Ieee(abs(float(self)))


def _ieee_method(operation: Callable[[Any, Any], float], *, reflected: bool) -> Callable[[Any, Any], Any]:
    def method(self: _Ieee, other: Any) -> Any:
        if not isinstance(other, (float, int)):
            return NotImplemented
        x, y = float(self), float(other)
        return _Ieee(operation(y, x) if reflected else operation(x, y))

    return method


# ---- The table ------------------------------------------------------------------------
# ans is the value at the operands. A comment at the right tells what an edge needs.

# fmt: off
# Arithmetic
add = Op("add", operator.add, (1.0, 1.0), symbol="+")
sub = Op("sub", operator.sub, (1.0, -1.0), symbol="-")
mul = Op("mul", operator.mul, lambda ans, x, y: (y, x), symbol="*")
div = Op("div", operator.truediv, lambda ans, x, y: (1 / y, -ans / y), symbol="/", otherwise=special.divide_at_edges)
neg = Op("neg", operator.neg, (-1.0,), symbol="-")
power: Op = Op(  # 0**0 has partials (0, 0), and 0**y by y is 0 for y > 0
    "pow", math.pow, lambda ans, x, y: (
        where(equal(x, 0.0) * equal(y, 0.0), 0.0, y * power(x, y - 1)),
        where(equal(x, 0.0) * greater_equal(y, 0.0), 0.0, log(x) * ans),
    ), symbol="**", otherwise=special.power_at_edges)
constant_power: Op = Op(  # n is a constant, never a Value: what `x ** 3` records
    "constant_pow", special.constant_power, lambda ans, x, n: (n * constant_power(x, n - 1) if n else 0.0, 0.0),
    symbol="**", otherwise=special.power_at_edges)
floordiv = Op("floordiv", operator.floordiv, (0.0, 0.0), symbol="//", otherwise=special.divide_at_edges)
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
    "logsumexp", special.log_sum_exp, lambda ans, *xs: _shares([exp(x - ans) for x in xs]))

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
sigmoid = Op("sigmoid", special.sigmoid, lambda ans, x: (_logistic_slope(x),))
softplus = Op("softplus", special.softplus, lambda ans, x: (sigmoid(x),))
silu = Op("silu", special.silu, lambda ans, x: (sigmoid(x) + x * _logistic_slope(x),))
gelu = Op("gelu", special.gelu, lambda ans, x: (
    0.5 * erfc(-x * math.sqrt(0.5)) + x * exp(-0.5 * x * x) / math.sqrt(2 * pi),))
relu = Op("relu", special.relu, lambda ans, x: (greater(x, 0.0),))
leaky_relu = Op("leaky_relu", special.leaky_relu, lambda ans, x, negative_slope=0.01: (
    where(greater(x, 0.0), 1.0, negative_slope), where(greater(x, 0.0), 0.0, x)))
elu = Op("elu", special.elu, lambda ans, x, alpha=1.0: (
    where(greater(x, 0.0), 1.0, alpha * exp(x)), where(greater(x, 0.0), 0.0, expm1(x))))
erf = Op("erf", math.erf, lambda ans, x: (2 / math.sqrt(pi) * exp(-x * x),))
erfc: Op = Op("erfc", math.erfc, lambda ans, x: (-2 / math.sqrt(pi) * exp(-x * x),))
lgamma = Op("lgamma", math.lgamma, lambda ans, x: (digamma(x),), otherwise=inf)
polygamma: Op = Op(  # the n-th derivative of digamma; n is a whole constant, never a Value
    "polygamma", special.polygamma, lambda ans, n, x: (0.0, polygamma(n + 1, x)),
    otherwise=lambda n, x: inf if n % 2 or x < 0 else -inf)
digamma: Op = Op("digamma", lambda x: special.polygamma(0.0, x), lambda ans, x: (polygamma(1.0, x),),
             otherwise=lambda x: math.copysign(inf, -x))

# Kinks and steps
absolute = Op("abs", operator.abs, lambda ans, x: (sign(x),))
sign: Op = Op("sign", special.sign, (0.0,))
copysign: Op = Op("copysign", math.copysign, lambda ans, x, y: (copysign(1.0, x) * copysign(1.0, y), 0.0))
floor = Op("floor", special.floor, (0.0,), otherwise=lambda x: x)
ceil = Op("ceil", special.ceil, (0.0,), otherwise=lambda x: x)
trunc = Op("trunc", special.trunc, (0.0,), otherwise=lambda x: x)
round_ = Op("round", special.round_half_even, lambda ans, x, ndigits=0.0: (0.0, 0.0))
maximum = Op("maximum", special.maximum, lambda ans, x, y: (  # at a tie half each
    greater(x, y) + 0.5 * equal(x, y), less(x, y) + 0.5 * equal(x, y)))
minimum = Op("minimum", special.minimum, lambda ans, x, y: (
    less(x, y) + 0.5 * equal(x, y), greater(x, y) + 0.5 * equal(x, y)))
clip = Op("clip", special.clip, lambda ans, x, low=-inf, high=inf: (  # at a bound 1 by x
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


#: Every primitive of this module by its name.
primitives = {op.name: op for op in list(globals().values()) if isinstance(op, Op)}

# What the chain rule does with an adjoint and a partial, as jit records it: 0 where one of them is 0, be the other inf.
product: Op = Op("product", special.product, lambda ans, x, y: (kept(y, x), kept(x, y)))
kept: Op = Op(  # y, and 0 where its product with x is kept from being 0 * inf
    "kept", special.kept, lambda ans, y, x: (where(equal(x, 0.0) * not_equal(y - y, 0.0), 0.0, 1.0), 0.0)
)


def _primitive_named(name: str) -> Op:
    return primitives[name]


for _name, _op in (
    ("add", add),
    ("sub", sub),
    ("mul", mul),
    ("truediv", div),
    ("floordiv", floordiv),
    ("mod", mod),
    ("pow", power),
):
    setattr(_Ieee, f"__{_name}__", _ieee_method(_op, reflected=False))
    setattr(_Ieee, f"__r{_name}__", _ieee_method(_op, reflected=True))

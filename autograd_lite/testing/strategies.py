"""Strategies for Hypothesis (programs, points, numbers, networks), and a gradient check as a property.

Needs the package hypothesis (extra ``test``).
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from autograd_lite.errors import ArgumentError, InconclusiveGradient, MissingDependencyError
from autograd_lite.nn import MLP
from autograd_lite.testing.check import check_gradients

try:
    import hypothesis
    from hypothesis import strategies as st
except ImportError:
    raise MissingDependencyError('these strategies need hypothesis: pip install "autograd_lite[test]"') from None

__all__ = ["OPERATIONS", "Program", "Step", "finite_floats", "gradient_test", "mlps", "points_for", "programs"]


class _Form(NamedTuple):
    """How an operation is written: with a domain-safe detour, and plainly."""

    safe: str
    plain: str
    #: The number whose sign decides between two branches, for an operation with a kink.
    kink: str = ""

    @property
    def arity(self) -> int:
        return 2 if "{b}" in self.plain else 1


#: The operations that programs are made of. The safe forms keep every operand inside the
#: domain, and every value of moderate size, whatever the operands are. Where there is a kink
#: an operand is shifted, or abs(x - x) and maximum(x, x) would sit on it at every point.
OPERATIONS: dict[str, _Form] = {
    "add": _Form("{a} + {b}", "{a} + {b}"),
    "sub": _Form("{a} - {b}", "{a} - {b}"),
    "mul": _Form("ag.tanh({a}) * {b}", "{a} * {b}"),
    "div": _Form("{a} / ({b} * {b} + 1.0)", "{a} / {b}"),
    "neg": _Form("-{a}", "-{a}"),
    "scale": _Form("{a} * 0.75", "{a} * 0.75"),
    "shift": _Form("{a} + 0.5", "{a} + 0.5"),
    "cube": _Form("ag.sin({a}) ** 3", "{a} ** 3"),
    "power": _Form("(ag.sin({a}) + 1.5) ** ag.tanh({b})", "{a} ** {b}"),
    "square": _Form("ag.square(ag.tanh({a}))", "ag.square({a})"),
    "reciprocal": _Form("ag.reciprocal({a} * {a} + 1.0)", "ag.reciprocal({a})"),
    "exp": _Form("ag.exp(ag.sin({a}))", "ag.exp({a})"),
    "expm1": _Form("ag.expm1(ag.sin({a}))", "ag.expm1({a})"),
    "log": _Form("ag.log({a} * {a} + 1.0)", "ag.log({a})"),
    "log1p": _Form("ag.log1p({a} * {a})", "ag.log1p({a})"),
    "sqrt": _Form("ag.sqrt({a} * {a} + 1.0)", "ag.sqrt({a})"),
    "cbrt": _Form("ag.cbrt({a} * {a} + 1.0)", "ag.cbrt({a})"),
    "hypot": _Form("ag.hypot({a}, {b} * {b} + 1.0)", "ag.hypot({a}, {b})"),
    "sum": _Form("ag.sum([{a}, {b}, 0.5])", "ag.sum([{a}, {b}, 0.5])"),
    "mean": _Form("ag.mean([{a}, {b}, {a}, 0.5])", "ag.mean([{a}, {b}, {a}, 0.5])"),
    "dot": _Form("ag.dot([ag.tanh({a}), 0.75], [{b}, {a}])", "ag.dot([{a}, 0.75], [{b}, {a}])"),
    "linear": _Form("ag.nn.functional.linear([ag.tanh({a}), {b}], [{b}, 0.75], {a})",
                    "ag.nn.functional.linear([{a}, {b}], [{b}, 0.75], {a})"),
    "sin": _Form("ag.sin({a})", "ag.sin({a})"),
    "cos": _Form("ag.cos({a})", "ag.cos({a})"),
    "tan": _Form("ag.tan(ag.tanh({a}))", "ag.tan({a})"),
    "asin": _Form("ag.asin(0.9 * ag.sin({a}))", "ag.asin({a})"),
    "acos": _Form("ag.acos(0.9 * ag.sin({a}))", "ag.acos({a})"),
    "atan": _Form("ag.atan({a})", "ag.atan({a})"),
    "atan2": _Form("ag.atan2({a}, {b} * {b} + 1.0)", "ag.atan2({a}, {b})"),
    "sinh": _Form("ag.sinh(ag.sin({a}))", "ag.sinh({a})"),
    "cosh": _Form("ag.cosh(ag.sin({a}))", "ag.cosh({a})"),
    "tanh": _Form("ag.tanh({a})", "ag.tanh({a})"),
    "asinh": _Form("ag.asinh({a})", "ag.asinh({a})"),
    "acosh": _Form("ag.acosh({a} * {a} + 2.0)", "ag.acosh({a})"),
    "atanh": _Form("ag.atanh(0.9 * ag.sin({a}))", "ag.atanh({a})"),
    "sigmoid": _Form("ag.sigmoid({a})", "ag.sigmoid({a})"),
    "softplus": _Form("ag.softplus({a})", "ag.softplus({a})"),
    "silu": _Form("ag.silu(ag.sin({a}))", "ag.silu({a})"),
    "gelu": _Form("ag.gelu(ag.sin({a}))", "ag.gelu({a})"),
    "erf": _Form("ag.erf({a})", "ag.erf({a})"),
    "lgamma": _Form("ag.lgamma(ag.sin({a}) + 2.5)", "ag.lgamma({a})"),
    "abs": _Form("abs({a} + 0.3)", "abs({a} + 0.3)", kink="{a} + 0.3"),
    "relu": _Form("ag.relu({a} + 0.3)", "ag.relu({a} + 0.3)", kink="{a} + 0.3"),
    "leaky_relu": _Form("ag.leaky_relu({a} + 0.3, 0.1)", "ag.leaky_relu({a} + 0.3, 0.1)", kink="{a} + 0.3"),
    "elu": _Form("ag.elu({a} + 0.3)", "ag.elu({a} + 0.3)", kink="{a} + 0.3"),
    "maximum": _Form("ag.maximum({a}, {b} + 0.3)", "ag.maximum({a}, {b} + 0.3)", kink="{a} - {b} - 0.3"),
    "minimum": _Form("ag.minimum({a}, {b} + 0.3)", "ag.minimum({a}, {b} + 0.3)", kink="{a} - {b} - 0.3"),
    "where": _Form("ag.where(ag.greater({a}, {b} + 0.3), {a}, {b} * 0.5)",
                   "ag.where(ag.greater({a}, {b} + 0.3), {a}, {b} * 0.5)", kink="{a} - {b} - 0.3"),
}  # fmt: skip


class Step(NamedTuple):
    """One operation of a program, on the numbers at these positions: inputs first, then earlier steps."""

    operation: str
    operands: tuple[int, ...]


class Program:
    """A random scalar function, with shared subexpressions. Call it with as many numbers as it has inputs.

    It runs over any type of number: floats, Values, duals, numbers of 60 digits, complex
    ones. Its ``repr`` is the Python code of the function.

    >>> program = Program(1, [Step("sin", (0,)), Step("mul", (1, 1))])
    >>> program
    def program(x0):
        x1 = ag.sin(x0)
        x2 = ag.tanh(x1) * x1
        return x2
    >>> round(program(0.5), 6)
    0.21372
    """

    def __init__(self, inputs: int, steps: Sequence[Step], *, domain_safe: bool = True) -> None:
        self.inputs, self.steps, self.domain_safe = inputs, tuple(steps), domain_safe
        names = [f"x{i}" for i in range(inputs + len(self.steps))]
        lines = [f"def program({', '.join(names[:inputs])}):"]
        kinks = []
        for name, (operation, operands) in zip(names[inputs:], self.steps, strict=True):
            form = OPERATIONS[operation]
            given = {letter: names[i] for letter, i in zip("ab", operands, strict=False)}
            lines.append(f"    {name} = {(form.safe if domain_safe else form.plain).format(**given)}")
            kinks += [form.kink.format(**given)] if form.kink else []
        self._body = lines
        self._kinks = kinks
        self._function = self._compiled(names[-1])
        self._margins = self._compiled(f"[{', '.join(kinks)}]")

    def _compiled(self, result: str) -> Callable[..., Any]:
        import autograd_lite

        names: dict[str, Any] = {"ag": autograd_lite}
        exec("\n".join([*self._body, f"    return {result}"]), names)  # noqa: S102 - the text is OPERATIONS', filled in
        return names["program"]  # type: ignore[no-any-return]

    def __call__(self, *inputs: Any) -> Any:
        return self._function(*inputs)

    def margin(self, *inputs: float) -> float:
        """How far the nearest kink is, in the number that decides between its two branches."""
        return min((abs(float(margin)) for margin in self._margins(*inputs)), default=math.inf)

    def __repr__(self) -> str:
        return "\n".join([*self._body, f"    return x{self.inputs + len(self.steps) - 1}"])


def finite_floats(min_value: float = -4.0, max_value: float = 4.0) -> st.SearchStrategy[float]:
    """Floats of moderate size, and many of them short: multiples of 1/8, else 0 or at least 1e-6 in size.

    Raises ``ArgumentError`` if the range is empty.
    """
    if not min_value < max_value:
        raise ArgumentError(f"finite_floats needs min_value < max_value, got {min_value} and {max_value}")
    short = st.integers(math.ceil(min_value * 8), math.floor(max_value * 8)).map(lambda i: i / 8)
    return st.one_of(short, st.floats(min_value, max_value).filter(lambda x: x == 0 or abs(x) >= 1e-6))


@st.composite
def programs(
    draw: st.DrawFn,
    ops: Sequence[str] = tuple(OPERATIONS),
    max_inputs: int = 3,
    max_ops: int = 25,
    domain_safe: bool = True,
) -> Program:
    """Random :class:`Program`, which shrink to few operations on few inputs.

    Args:
        ops: which of :data:`OPERATIONS` to use.
        max_inputs: at most so many inputs.
        max_ops: at most so many operations.
        domain_safe: write ``log(a * a + 1)`` for ``log(a)``, and so on, so that there is no
            point at which the program is not defined. By construction, nothing is rejected.
    """
    unknown = sorted(set(ops) - set(OPERATIONS))
    if unknown or not ops:
        raise ArgumentError(f"there is no operation {unknown}; OPERATIONS lists what there is")
    inputs = draw(st.integers(1, max_inputs))
    count = draw(st.integers(1, max_ops))
    steps = []
    for i in range(count):
        operation = draw(st.sampled_from(list(ops)))
        # Counted back from the newest, so that shrinking makes a chain of a program, and drops what is unused.
        back = st.integers(1, inputs + i)
        operands = tuple(inputs + i - draw(back) for _ in range(OPERATIONS[operation].arity))
        steps.append(Step(operation, operands))
    return Program(inputs, steps, domain_safe=domain_safe)


def points_for(program: Program, margin: float = 1e-2) -> st.SearchStrategy[list[float]]:
    """Inputs for a program: a list of moderate numbers inside its domain, and at least ``margin`` from its kinks."""

    def is_fine(point: list[float]) -> bool:
        try:
            value = program(*point)
            return math.isfinite(value) and program.margin(*point) >= margin
        except (ArithmeticError, ValueError):  # plain floats outside the domain
            return False

    return st.lists(finite_floats(), min_size=program.inputs, max_size=program.inputs).filter(is_fine)


@st.composite
def mlps(draw: st.DrawFn, max_inputs: int = 3, max_width: int = 4, max_layers: int = 3) -> MLP:
    """Small multi-layer perceptrons of any size and smooth activation, with weights from a drawn seed."""
    widths = draw(st.lists(st.integers(1, max_width), min_size=1, max_size=max_layers))
    activation = draw(st.sampled_from(["tanh", "sigmoid", "softplus", "gelu"]))
    return MLP(draw(st.integers(1, max_inputs)), widths, activation=activation, rng=draw(st.integers(0, 10**6)))


def gradient_test(f: Callable[..., Any], *points: st.SearchStrategy[Any], **options: Any) -> Callable[[], None]:
    """A test for pytest: :func:`check_gradients` of f at every point that Hypothesis draws.

    Args:
        f: the function, of as many arguments as there are strategies.
        points: a strategy for each argument.
        options: those of :func:`check_gradients`, such as ``grad``.

    Points where nobody can tell, such as kinks, are drawn anew; Hypothesis raises if there are
    hardly any others.

    >>> test_sin = gradient_test(math.sin, finite_floats(), grad=math.cos)
    >>> test_sin()
    """

    @hypothesis.settings(deadline=None)
    @hypothesis.given(st.tuples(*points))
    def agrees(point: tuple[Any, ...]) -> None:
        try:
            check_gradients(f, *point, **options)
        except InconclusiveGradient:
            hypothesis.reject()

    return agrees

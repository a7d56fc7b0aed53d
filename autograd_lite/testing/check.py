"""A gradient beside an independent oracle, with a tolerance that rounding explains."""

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

from autograd_lite import pytree
from autograd_lite.core import graph, ops
from autograd_lite.core.checks import describe, is_real
from autograd_lite.core.node import number
from autograd_lite.core.value import Value
from autograd_lite.errors import (
    ArgumentError,
    GradientMismatch,
    InapplicableOracleError,
    MissingDependencyError,
)
from autograd_lite.testing.blame import find_blame
from autograd_lite.testing.numbers import UNIT_ROUNDOFF, perturbed
from autograd_lite.testing.oracles import (
    SMALLEST_SCALE,
    central_differences,
    complex_step,
    precise_partial,
    with_coordinate,
)
from autograd_lite.testing.report import AGREES, INCONCLUSIVE, MISMATCH, Comparison, GradientReport
from autograd_lite.transforms import grad, hvp, jacobian, jvp

__all__ = ["ORACLES", "check_gradients", "rounding_tolerance"]

ORACLES = ("auto", "finite_difference", "high_precision", "complex_step")
MODES = ("reverse", "forward")

#: The adaptive tolerance: so many runs with every operation off by a roundoff, and their
#: largest spread so many times.
RUNS, SPREADS = 4, 16.0
#: How far an oracle's estimate of its own error is trusted.
ORACLE_ERRORS = 4.0


def check_gradients(
    f: Callable[..., Any],
    *args: Any,
    order: int = 2,
    modes: Sequence[str] = MODES,
    oracle: str = "auto",
    rtol: float | None = None,
    atol: float | None = None,
) -> GradientReport:
    """Compare the derivatives of f at a point with an independent oracle.

    Args:
        f: a function of numbers that returns one number.
        args: where: numbers in nested lists, tuples and dicts, NumPy arrays and Modules.
        order: 1 for the gradient, 2 for the Hessian as well.
        modes: which of the engine's two modes to check, ``"reverse"`` and ``"forward"``.
        oracle: ``"finite_difference"`` (floats only), ``"high_precision"`` (60 digits, for
            programs of primitives, with the extra ``test``), ``"complex_step"`` (analytic
            programs, order 1), or ``"auto"``: finite differences, and 60 digits where they
            cannot tell.
        rtol: a fixed relative tolerance, in the place of the adaptive one.
        atol: a fixed absolute tolerance, likewise.

    The adaptive tolerance is what rounding explains: the derivative is computed again a few
    times with every value, partial and sum in it off by one roundoff u, and the tolerance is
    16 times the largest change plus 8 u times the derivative. Programs that lose digits
    loosen it by themselves; others are held to their last digits.

    Returns a :class:`GradientReport`. Where nobody can tell (kinks, domain edges, too much
    rounding) a comparison is *inconclusive*, and says why; ``report.ok`` is true only if all
    agree. Raises ``GradientMismatch`` (an ``AssertionError``) with the table of comparisons
    and, where one primitive's own partial is off, its name; ``TypeError`` or
    ``ArgumentError`` for arguments that make no sense.

    >>> from autograd_lite import sin
    >>> check_gradients(lambda x, y: sin(x) * y, 1.0, 2.0).ok
    True
    """
    _check_arguments(order, modes, oracle, rtol, atol)
    point = _Point(f, args)
    comparisons: list[Comparison] = []
    for k in range(1, order + 1):
        comparisons += _compared(point, k, modes, oracle, rtol, atol)
        if any(c.verdict == MISMATCH for c in comparisons):
            raise GradientMismatch(GradientReport(tuple(comparisons), find_blame(point.result(), k)))
    return GradientReport(tuple(comparisons))


def rounding_tolerance(f: Callable[..., Any], *args: Any, order: int = 1) -> list[float]:
    """The adaptive tolerance of each derivative of f: what rounding explains, as in :func:`check_gradients`.

    Of the gradient, by the leaves of the arguments in order; with ``order=2`` of the Hessian, row by row.

    >>> rounding_tolerance(lambda x: (1.0 + x) - x, 1e9)[0] < 1e-14
    True
    """
    return _Point(f, args).rounding(order)[0]


def _check_arguments(order: int, modes: Sequence[str], oracle: str, rtol: float | None, atol: float | None) -> None:
    if order not in (1, 2):
        raise ArgumentError(f"order is 1 or 2, got {describe(order)}")
    if oracle not in ORACLES:
        raise ArgumentError(f"there is no oracle {oracle!r}; there are {', '.join(ORACLES)}")
    if isinstance(modes, str) or not modes or not set(modes) <= set(MODES):
        raise ArgumentError(f"modes is a tuple of {' and '.join(map(repr, MODES))}, got {modes!r}")
    if oracle == "complex_step" and order == 2:
        raise ArgumentError("the complex step gives first derivatives only; say order=1")
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if tolerance is not None and not (is_real(tolerance) and tolerance >= 0):
            raise ArgumentError(f"{name} is a number from 0 up, got {describe(tolerance)}")


class _Point:
    """A function of any structure as one of a list of numbers, and the point to check it at."""

    def __init__(self, f: Callable[..., Any], args: tuple[Any, ...]) -> None:
        if not callable(f):
            raise TypeError(f"check_gradients takes the function first, then its arguments; got {describe(f)}")
        leaves = [(name + path, leaf) for name, arg in _named(f, args) for path, leaf in pytree.leaves(arg)]
        if not leaves:
            raise ArgumentError("check_gradients needs at least one number to differentiate by")
        self._f, self._args = f, args
        self._rounding: dict[int, tuple[list[float], float]] = {}
        self.names = [getattr(leaf, "name", None) or path for path, leaf in leaves]
        self.x = [float(number(leaf)) for _, leaf in leaves]

    def f(self, numbers: Sequence[Any]) -> Any:
        """The function at numbers of any kind."""
        given = iter(numbers)
        return self._f(*pytree.map_leaves(lambda _: next(given), self._args))

    def along(self, i: int, order: int) -> Callable[[float], list[float]]:
        """As a function of the i-th coordinate alone: the value (order 1), or the gradient (order 2)."""

        def of_coordinate(xi: float) -> list[float]:
            numbers = with_coordinate(self.x, i, xi)
            return [number(self.f([Value(x) for x in numbers]))] if order == 1 else list(grad(self.f)(numbers))

        return of_coordinate

    def rounding(self, order: int) -> tuple[list[float], float]:
        """How far rounding can have moved each derivative, and the function's value; computed once."""
        if order not in self._rounding:
            self._rounding[order] = _rounding(self, order)
        return self._rounding[order]

    def result(self) -> Any:
        """The recorded value at the point."""
        return self.f([Value(x, name) for x, name in zip(self.x, self.names, strict=True)])


def _named(f: Callable[..., Any], args: tuple[Any, ...]) -> list[tuple[str, Any]]:
    """The arguments with the names of f's parameters, as far as they can be found out."""
    import inspect

    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    try:
        parameters = [p.name for p in inspect.signature(f).parameters.values() if p.kind in positional]
    except (TypeError, ValueError):
        parameters = []
    return [(parameters[i] if i < len(parameters) else f"args[{i}]", arg) for i, arg in enumerate(args)]


# ---- The derivatives, by the engine and by the oracles ----------------------------------


def _analytic(point: _Point, order: int, mode: str) -> list[float]:
    """The gradient, or the rows of the Hessian one after the other."""
    n = len(point.x)
    units = [[float(i == j) for i in range(n)] for j in range(n)]
    if order == 1:
        return list(grad(point.f)(point.x)) if mode == "reverse" else [jvp(point.f, (point.x,), (u,))[1] for u in units]
    rows = jacobian(grad(point.f))(point.x) if mode == "reverse" else [hvp(point.f, (point.x,), (u,)) for u in units]
    return [entry for row in rows for entry in row]


def _rounding(point: _Point, order: int) -> tuple[list[float], float]:
    """How far rounding can have moved each derivative, and the function's value."""
    inputs = [Value(x) for x in point.x]
    derivatives = grad(point.f)(inputs) if order == 1 else jacobian(grad(point.f))(inputs)
    targets = [leaf for _, leaf in pytree.leaves([derivatives, point.f(inputs)])]
    order_of_nodes = graph.operations(*(target for target in targets if isinstance(target, Value)))
    rng = random.Random(0)
    runs = [_replayed(order_of_nodes, targets, rng) for _ in range(RUNS)]
    found = []
    for target, *again in zip(map(number, targets), *runs, strict=True):
        spread = max(abs(other - target) for other in again)
        found.append(SPREADS * spread + 8 * UNIT_ROUNDOFF * abs(target))
    return found[:-1], found[-1]


def _replayed(order: list[Value], targets: list[Any], rng: random.Random) -> list[float]:
    """The targets, computed again with every operation off by a roundoff."""
    values: dict[Any, float] = {}
    for node in order:
        op = node.op
        assert op is not None
        operands = [values.get(o, number(o)) if isinstance(o, Value) else o for o in node.operands]
        ans = op.evaluate(*operands)
        values[node] = ans if op is ops.identity else perturbed(ans, rng)
    return [values.get(t, number(t)) if isinstance(t, Value) else t for t in targets]


def _by_coordinate(
    point: _Point, order: int, look: Callable[[Callable[[float], list[float]], float], list[Any]]
) -> Any:
    """What there is to see along each coordinate, in the order of the derivatives."""
    columns = [look(point.along(j, order), xj) for j, xj in enumerate(point.x)]
    return (
        [column[0] for column in columns]
        if order == 1
        else [entry for row in zip(*columns, strict=True) for entry in row]
    )


def _kink(f: Callable[[float], list[float]], x: float, noise: Sequence[float]) -> list[str]:
    """For each result of f, why it is not smooth at x; empty where it seems to be.

    As the step shrinks, the slopes to both sides of a smooth function come together. At a
    kink they stay apart, and at a jump they grow without bound.
    """
    wide = 1e-5 * max(abs(x), SMALLEST_SCALE)
    narrow = wide / 16
    found = []
    rows = zip(f(x), f(x - wide), f(x + wide), f(x - narrow), f(x + narrow), noise, strict=True)
    for here, far_left, far_right, left, right, rounding in rows:
        if not all(map(math.isfinite, (here, left, right, far_left, far_right))):
            found.append("nan or infinite here or just beside")
            continue
        slopes = (here - left) / narrow, (right - here) / narrow
        apart, far_apart = slopes[1] - slopes[0], (far_right - 2 * here + far_left) / wide
        slope, far_slope = (right - left) / (2 * narrow), (far_right - far_left) / (2 * wide)
        significant = 8 * (rounding + 8 * UNIT_ROUNDOFF * abs(here)) / narrow + 1e-6 * max(map(abs, slopes))
        if abs(apart) > 0.5 * abs(far_apart) and abs(apart) > significant:
            found.append(f"a kink: slope {slopes[0]:.3g} to the left, {slopes[1]:.3g} to the right")
        elif abs(slope - far_slope) > 0.5 * abs(slope) and abs(slope) > significant:
            found.append("a jump, or a slope without bound")
        else:
            found.append("")
    return found


def _by_oracle(point: _Point, indices: tuple[int, ...], oracle: str) -> tuple[float, float]:
    if oracle == "high_precision":
        return precise_partial(point.f, point.x, indices)
    [i] = indices
    return complex_step(lambda xi: point.f(with_coordinate(point.x, i, xi)), point.x[i])


# ---- The comparison ---------------------------------------------------------------------


def _compared(
    point: _Point, order: int, modes: Sequence[str], oracle: str, rtol: float | None, atol: float | None
) -> list[Comparison]:
    n = range(len(point.x))
    indices = [(i,) for i in n] if order == 1 else [(i, j) for i in n for j in n]
    analytic = {mode: _analytic(point, order, mode) for mode in modes}
    tolerances, of_value = point.rounding(order)
    noise = [of_value] if order == 1 else point.rounding(1)[0]
    kinks = _by_coordinate(point, order, lambda f, x: _kink(f, x, noise))
    moved = [one / SPREADS for one in noise]
    differences = None
    if oracle in ("auto", "finite_difference"):
        differences = _by_coordinate(point, order, lambda f, x: central_differences(f, x, moved))
    finite = [abs(g) for mode in modes for g in analytic[mode] if math.isfinite(g)]
    value = number(point.result())
    scale = max([abs(value) / max(1.0, *map(abs, point.x)) ** order, *finite])
    fixed = None if rtol is None and atol is None else (rtol or 0.0, atol or 0.0)
    found = []
    for mode in modes:
        for k, which in enumerate(indices):
            by = ", ".join(point.names[i] for i in which)
            judge = _Judge(analytic[mode][k], tolerances[k], fixed, kinks[k], scale)
            verdict = _verdict(judge, point, which, oracle, differences[k] if differences else None)
            found.append(Comparison(order, mode, by, analytic[mode][k], *verdict))
    return found


class _Judge:
    """Compares one analytic derivative with what an oracle says."""

    def __init__(
        self, analytic: float, rounding: float, fixed: tuple[float, float] | None, kink: str, scale: float
    ) -> None:
        self.analytic, self.rounding, self.fixed, self.kink, self.scale = analytic, rounding, fixed, kink, scale

    def judged(self, found: tuple[float, float], name: str) -> tuple[float, float, str, str]:
        """The numeric derivative, the tolerance, the verdict and its reason."""
        numeric, error = found
        explained = self.rounding if self.fixed is None else self.fixed[1] + self.fixed[0] * abs(numeric)
        tolerance = explained + ORACLE_ERRORS * error
        if self.kink:
            return numeric, tolerance, INCONCLUSIVE, self.kink
        if not (math.isfinite(numeric) and math.isfinite(error)):
            return numeric, tolerance, INCONCLUSIVE, f"{name} found no limit"
        if math.isfinite(self.analytic) and not math.isfinite(tolerance):
            return numeric, tolerance, INCONCLUSIVE, "rounding makes it nan or infinite"
        if self.analytic != numeric and not abs(self.analytic - numeric) <= tolerance:
            return numeric, tolerance, MISMATCH, name
        too_loose = tolerance > max(1e-3 * abs(self.analytic), 1e-6 * self.scale)
        if too_loose and self.fixed is None:
            return numeric, tolerance, INCONCLUSIVE, f"too much rounding for {name} to tell"
        return numeric, tolerance, AGREES, name


def _verdict(
    judge: _Judge, point: _Point, which: tuple[int, ...], oracle: str, difference: tuple[float, float] | None
) -> tuple[float, float, str, str]:
    """What the oracle says; under "auto" finite differences, and 60 digits where they do not agree."""
    if difference is None:
        try:
            return judge.judged(_by_oracle(point, which, oracle), oracle.replace("_", " "))
        except InapplicableOracleError as error:
            return math.nan, math.inf, INCONCLUSIVE, str(error)
    first = judge.judged(difference, "finite differences")
    if oracle != "auto" or first[2] == AGREES or judge.kink:
        return first
    try:
        return judge.judged(_by_oracle(point, which, "high_precision"), "high precision")
    except (InapplicableOracleError, MissingDependencyError):
        return first

"""Independent ways to a derivative, each with an estimate of its error.

An oracle takes a function of one number and a point, and returns ``(derivative, error)``.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from autograd_lite.core.checks import as_float, describe
from autograd_lite.core.node import Node, number
from autograd_lite.errors import InapplicableOracleError
from autograd_lite.testing.numbers import UNIT_ROUNDOFF, Complex
from autograd_lite.testing.precise import DIGITS, Precise, context

__all__ = [
    "Kink",
    "Line",
    "central_differences",
    "complex_step",
    "finite_difference",
    "high_precision_difference",
    "precise_partial",
    "precise_slopes",
    "scale_of",
    "second_difference",
    "with_coordinate",
]

#: First steps of the finite differences, times the line's scale, and how often each is halved.
STEPS = (5e-2, 1e-3, 2e-5)
#: The scale of x is abs(x), and at least this.
SMALLEST_SCALE = 1e-3
HALVINGS = 12
#: The longer steps of the high-precision differences, in shorter ones. No whole number, which a period may divide.
FAR = 3.7182818
#: Digits of the high-precision differences, each for where the one before is not enough. Steps take a third of them.
PRECISIONS = (DIGITS, 4 * DIGITS, 16 * DIGITS)


class Line(NamedTuple):
    """A function along one coordinate: from one number to several results."""

    f: Callable[[float], Sequence[float]]
    x: float
    #: How far x moves before f changes markedly: steps are in proportion.
    scale: float
    #: How many results there are.
    results: int = 1
    #: The nearest number that x can be, such as one of single precision.
    rounded: Callable[[float], float] = float

    def at(self, x: float) -> Sequence[float]:
        """The results; nan where Python raises, outside the domain say."""
        try:
            return self.f(x)
        except (ArithmeticError, ValueError):
            return [math.nan] * self.results

    def around(self, step: float) -> tuple[float, Sequence[float], Sequence[float]]:
        """A step near the given one at whose two ends x is a number, and the results there, below and above."""
        step = abs(self.rounded(self.x + math.copysign(step, self.x)) - self.x)
        return step, self.at(self.x - step), self.at(self.x + step)


A_JUMP = "a jump, or a slope without bound"


class Kink(NamedTuple):
    """Why a function is not smooth at a point, and between which slopes its derivative may then be."""

    reason: str
    low: float = math.nan
    high: float = math.nan


def scale_of(x: float) -> float:
    """The scale of a number, in proportion to which steps are taken."""
    return max(abs(x), SMALLEST_SCALE)


def with_coordinate(x: Sequence[Any], i: int, xi: Any) -> list[Any]:
    """The point x with another i-th coordinate."""
    return [*x[:i], xi, *x[i + 1 :]]


def finite_difference(f: Callable[[Any], Any], x: float) -> tuple[float, float]:
    """The derivative of f at x by central differences with Richardson extrapolation (Ridders' method).

    (f(x + h) - f(x - h)) / 2h errs by even powers of h, so differences with h, h/2, h/4 ...
    combine to ever higher orders: A[k][m] = A[k][m-1] + (A[k][m-1] - A[k-1][m-1]) / (4^m - 1).
    The best entry is the one that differs least from its two neighbours; that difference,
    plus the rounding of f over the step, is the error estimate. Source: C. J. F. Ridders,
    "Accurate computation of F'(x) and F'(x) F''(x)", Advances in Engineering Software 4
    (1982). Several first steps are tried, as no single one suits every function.

    Floats only, and no dependency. The error is typically 1e-11 of the derivative's scale,
    and infinite where f is nan or infinite on either side. A kink passes unseen where the
    two slopes are opposite (abs at 0): :func:`check_gradients` looks for that.

    >>> derivative, error = finite_difference(math.exp, 1.0)
    >>> abs(derivative - math.e) <= error < 1e-9
    True
    """
    x = as_float(x)
    [best] = central_differences(Line(lambda at: [number(f(at))], x, scale_of(x)))
    return best


def central_differences(
    line: Line, noise: Sequence[float] | None = None, factor: float = 1.0
) -> list[tuple[float, float]]:
    """:func:`finite_difference` of a function with several results, all at once.

    ``noise`` is how far each result may be off; one rounding, if not said. All steps are
    taken ``factor`` times as long.
    """
    best = [(math.nan, math.inf)] * line.results
    for step in STEPS:
        again = [tableau.best for tableau in _ridders(line, step * factor * line.scale, noise)]
        best = [min(pair, key=lambda result: result[1]) for pair in zip(best, again, strict=True)]
    return best


def _ridders(line: Line, step: float, noise: Sequence[float] | None) -> "list[_Tableau]":
    tableaus = [_Tableau() for _ in range(line.results)]
    for k in range(HALVINGS + 1):
        h, below, above = line.around(step / 2.0**k)
        if not h < math.inf:
            continue
        if h == 0.0:  # less than the distance between the numbers that x can be
            break
        for tableau, p, q, moved in zip(tableaus, above, below, noise or [0.0] * line.results, strict=True):
            rounding = max(4 * UNIT_ROUNDOFF * (abs(p) + abs(q)), 2 * moved) / (2 * h)
            tableau.add((p - q) / (2 * h), rounding)
        if all(tableau.worsens for tableau in tableaus):
            break
    return tableaus


def second_difference(line: Line, noise: float, factor: float = 1.0) -> tuple[float, float]:
    """The second derivative along a line of one result, by values alone, and its error."""
    best = (math.nan, math.inf)
    [here] = line.at(line.x)
    for first in STEPS[:2]:
        tableau = _Tableau()
        for k in range(HALVINGS + 1):
            h, [below], [above] = line.around(first * factor * line.scale / 2.0**k)
            if not 0.0 < h < math.inf or tableau.worsens:
                break
            rounding = 4 * max(noise, UNIT_ROUNDOFF * max(abs(here), abs(below), abs(above))) / (h * h)
            tableau.add(((above - here) - (here - below)) / (h * h), rounding)
        best = min(best, tableau.best, key=lambda result: result[1])
    return best


class _Tableau:
    """Richardson's extrapolation to step 0 of one quantity."""

    def __init__(self) -> None:
        self.best = (math.nan, math.inf)
        self.worsens = False  # whether smaller steps no longer help
        self._row: list[float] = []

    def add(self, difference: float, rounding: float) -> None:
        """Take the difference of the next step, half the last."""
        before, row, factor = self._row, [difference], 1.0
        for m, entry in enumerate(before):
            factor *= 4.0
            row.append(row[m] + (row[m] - entry) / (factor - 1.0))
            error = max(abs(row[m + 1] - row[m]), abs(row[m + 1] - entry)) + rounding
            if error <= self.best[1]:
                self.best = (row[m + 1], error)
        self.worsens = len(row) > 2 and abs(row[-1] - before[-1]) >= 2 * self.best[1]
        self._row = row


def high_precision_difference(f: Callable[[Any], Any], x: float) -> tuple[float, float]:
    """The derivative of f at x by a central difference in 60 digits with a step of 1e-20.

    f is run again on :class:`Precise` numbers, the floats in it being taken as the exact
    numbers they are. The difference errs by h^2 times the third derivative over 6 (some
    1e-40; the difference to a step of 3.7h says how much), and by the 60 digits over the
    step; then comes one rounding to a float. Where the two steps do not agree, as in
    ``sin`` at 1e30, it is done again with steps of 1e-80 and 1e-320, and digits to suit.
    The error is infinite at a kink or a jump. Needs mpmath (extra ``test``). Raises
    ``InapplicableOracleError`` if f is not made of primitives.

    >>> from autograd_lite import exp
    >>> high_precision_difference(exp, 1.0)[0] == math.e
    True
    """
    return precise_partial(lambda at: f(at[0]), [as_float(x)], (0,))


def precise_partial(f: Callable[[list[Any]], Any], x: Sequence[float], by: tuple[int, ...]) -> tuple[float, float]:
    """The derivative of a function of several numbers by one or two of them, as :func:`high_precision_difference`.

    A second derivative takes steps of 1e-10, whose error of 1e-20 is still below a float's last digit.
    """
    derivative, error, kink = precise_slopes(f, x, by)
    return (math.nan, math.inf) if kink else (derivative, error)


def precise_slopes(
    f: Callable[[list[Any]], Any], x: Sequence[float], by: tuple[int, ...]
) -> tuple[float, float, Kink | None]:
    """:func:`precise_partial`, and the kink if x is on one."""
    mp = context()
    if not all(map(math.isfinite, x)):
        return math.nan, math.inf, None
    for digits in PRECISIONS:
        with mp.workdps(digits):
            slopes, has_settled = _precise_slopes(mp, f, x, by, digits)
        if has_settled:
            break
    return slopes


def _precise_slopes(
    mp: Any, f: Callable[[list[Any]], Any], x: Sequence[float], by: tuple[int, ...], digits: int
) -> tuple[tuple[float, float, Kink | None], bool]:
    exponent = digits // 3 if digits > DIGITS else digits // (3 * len(by))
    steps = [mp.mpf(10) ** -exponent * scale_of(x[i]) for i in by]
    values: dict[tuple[float, ...], Any] = {}

    def value(*moves: float) -> Any:
        """f with each coordinate so many steps away."""
        if len(by) == 2 and by[0] == by[1]:
            moves = (sum(moves), 0)
        if moves not in values:
            at = [mp.mpf(number) for number in x]
            for i, move, step in zip(by, moves, steps, strict=True):
                at[i] += move * step
            values[moves] = mp.mpf(_value(f([Precise(number) for number in at]), Precise))
        return values[moves]

    def slopes(k: float) -> list[Any]:
        """The difference quotient to each side, or in each quadrant, with k steps."""
        if len(by) == 1:
            return [(value(k) - value(0)) / (k * steps[0]), (value(0) - value(-k)) / (k * steps[0])]
        area = k * k * steps[0] * steps[1]
        sides = [(0, 0), (-k, 0), (-k, -k), (0, -k)]
        return [(value(a + k, b + k) - value(a + k, b) - value(a, b + k) + value(a, b)) / area for a, b in sides]

    near, far = slopes(1), slopes(FAR)
    if not all(map(mp.isfinite, near + far)):
        return (math.nan, math.inf, None), True
    derivative, change = mp.fsum(near) / len(near), abs(mp.fsum(far) - mp.fsum(near)) / len(near)
    # Of f, and at a guess of the numbers on the way, as in log(x * x + 1) for a tiny x.
    largest = max(mp.mpf(1), *map(abs, values.values()))
    rounding = largest * mp.mpf(10) ** (2 - digits) / mp.fprod(steps)
    error = 2 * UNIT_ROUNDOFF * abs(derivative) + change / 4 + rounding
    negligible = largest * UNIT_ROUNDOFF / mp.fprod(scale_of(x[i]) for i in by)
    has_settled = change <= abs(derivative) / 10**12 + negligible and (rounding < abs(derivative) or derivative == 0)
    return (float(derivative), float(error), _precise_kink(near, far, rounding)), has_settled


def _precise_kink(near: list[Any], far: list[Any], rounding: Any) -> Kink | None:
    """The kink, if the slopes to the sides stay as far apart where the steps are smaller."""
    apart, largest = max(near) - min(near), max(map(abs, near))
    if apart <= (max(far) - min(far)) / 2 or apart <= rounding + largest / 10**6:
        return None
    if largest > 2 * max(map(abs, far)):
        return Kink(A_JUMP)
    low, high = float(min(near)), float(max(near))
    right, left = (float(near[0]), float(near[1])) if len(near) == 2 else (high, low)
    return Kink(f"a kink: slope {left:.3g} to the left, {right:.3g} to the right", low, high)


def complex_step(f: Callable[[Any], Any], x: float) -> tuple[float, float]:
    """The derivative of f at x as the imaginary part of f(x + ih) / h, for a tiny h.

    For an analytic f it errs by the order of h^2, and h is 1e-100 times the scale of x: as
    nothing is subtracted, what remains is the rounding of f itself. Source: W. Squire and
    G. Trapp, "Using complex variables to estimate derivatives of real functions", SIAM
    Review 40 (1998). Raises ``InapplicableOracleError`` where f compares, takes an absolute
    value, or uses a function that ``cmath`` lacks.

    >>> from autograd_lite import exp
    >>> abs(complex_step(exp, 1.0)[0] - math.e) < 1e-15
    True
    """
    h = 1e-100 * scale_of(as_float(x))
    try:
        derivative = float(_value(f(Complex(complex(x, h))), Complex).imag / h)
    except (ArithmeticError, ValueError) as error:
        if isinstance(error, InapplicableOracleError):
            raise
        raise InapplicableOracleError(f"f has no value at a complex number near {x}: {error}") from None
    return derivative, 64 * UNIT_ROUNDOFF * abs(derivative) if math.isfinite(derivative) else math.inf


def _value(result: Any, kind: type[Any]) -> Any:
    """The value of a result, which is a plain float where f does not depend on its argument."""
    if isinstance(result, kind):
        return result.value
    if isinstance(result, Node) or not isinstance(result, (float, int)):
        raise InapplicableOracleError(f"f is not made of primitives alone: it returned {describe(result)}")
    return kind(result).value

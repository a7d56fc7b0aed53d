"""Independent ways to a derivative, each with an estimate of its error.

An oracle takes a function of one number and a point, and returns ``(derivative, error)``.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from autograd_lite.core.checks import as_float, describe
from autograd_lite.core.node import Node, number
from autograd_lite.errors import InapplicableOracleError
from autograd_lite.testing.numbers import UNIT_ROUNDOFF, Complex
from autograd_lite.testing.precise import DIGITS, Precise, context

__all__ = [
    "central_differences",
    "complex_step",
    "finite_difference",
    "high_precision_difference",
    "precise_partial",
    "with_coordinate",
]

#: First steps of the finite differences, times max(abs(x), SMALLEST_SCALE), and how often each is halved.
STEPS = (5e-2, 1e-3, 2e-5)
SMALLEST_SCALE = 1e-3
HALVINGS = 12


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
    [best] = central_differences(lambda at: [number(f(at))], as_float(x))
    return best


def central_differences(
    f: Callable[[float], Sequence[float]], x: float, noise: Sequence[float] | None = None
) -> list[tuple[float, float]]:
    """:func:`finite_difference` of a function with several results, all at once.

    ``noise`` is how far rounding may have moved each result; one rounding, if not said.
    """
    best: list[tuple[float, float]] = []
    for step in STEPS:
        found = [tableau.best for tableau in _ridders(f, x, step * max(abs(x), SMALLEST_SCALE), noise)]
        best = [min(pair, key=lambda result: result[1]) for pair in zip(best or found, found, strict=True)]
    return best


def _ridders(
    f: Callable[[float], Sequence[float]], x: float, h: float, noise: Sequence[float] | None
) -> "list[_Tableau]":
    tableaus: list[_Tableau] = []
    for _ in range(HALVINGS + 1):
        above, below = x + h, x - h
        realised = above - below
        pairs = list(zip(f(above), f(below), strict=True))
        tableaus = tableaus or [_Tableau() for _ in pairs]
        for tableau, (p, q), moved in zip(tableaus, pairs, noise or [0.0] * len(pairs), strict=True):
            rounding = max(4 * UNIT_ROUNDOFF * (abs(p) + abs(q)), 2 * moved) / realised
            tableau.add((p - q) / realised, rounding)
        if all(tableau.worsens for tableau in tableaus):
            break
        h /= 2
    return tableaus


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
    1e-40; the difference to a step of 2h says how much), and by the 60 digits over the
    step; then comes one rounding to a float. Needs mpmath (extra ``test``). Raises
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
    mp = context()
    steps = {i: mp.mpf(10) ** (-20 // len(by)) * max(abs(x[i]), SMALLEST_SCALE) for i in by}
    largest = mp.mpf(1)  # of f, and at a guess of the numbers on the way, as in log(x * x + 1) for a tiny x

    def difference(at: list[Any], remaining: tuple[int, ...], factor: int) -> Any:
        nonlocal largest
        if not remaining:
            value = _value(f([Precise(number) for number in at]), Precise)
            largest = max(largest, abs(value))
            return value
        i, *rest = remaining
        above, below = list(at), list(at)
        above[i] += factor * steps[i]
        below[i] -= factor * steps[i]
        above_minus_below = difference(above, tuple(rest), factor) - difference(below, tuple(rest), factor)
        return above_minus_below / (2 * factor * steps[i])

    point = [mp.mpf(number) for number in x]
    derivative, doubled = difference(point, by, 1), difference(point, by, 2)
    if not (mp.isfinite(derivative) and mp.isfinite(doubled)):
        return math.nan, math.inf
    rounding = largest * mp.mpf(10) ** (2 - DIGITS) / mp.fprod(steps[i] for i in by)
    error = 2 * UNIT_ROUNDOFF * abs(derivative) + abs(doubled - derivative) + rounding
    return float(derivative), float(error)


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
    h = 1e-100 * max(abs(as_float(x)), SMALLEST_SCALE)
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

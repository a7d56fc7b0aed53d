"""Programs of others, with points for them, and how many digits of their derivatives are right."""

import math
import statistics
from collections.abc import Callable
from typing import Any, NamedTuple


class UnsupportedError(Exception):
    """A file says what its translator does not know, and the message names it."""


class Program(NamedTuple):
    """A function of several numbers of any type, and points as floats. Its constants are floats."""

    name: str
    f: Callable[..., Any]
    points: list[list[float]]


class Judgement(NamedTuple):
    """Errors in units in the last place, of value, gradient and Hessian: at each point the worst."""

    errors: tuple[list[float], list[float], list[float]]
    #: Derivatives beyond what the rounding of the program explains, in words.
    mismatches: list[str]
    #: Derivatives of which nobody can tell, at kinks and jumps.
    open: int


def units(found: float, right: Any) -> float:
    """How many units in the last place of the right answer lie between the two."""
    from autograd_lite.testing import precise

    mp = precise.context()
    if mp.isnan(right) or math.isnan(found):
        return 0.0 if mp.isnan(right) and math.isnan(found) else math.inf
    if found == right:
        return 0.0
    return abs(float((mp.mpf(found) - right) / mp.mpf(math.ulp(float(right)))))


def judged(program: Program) -> Judgement:
    """Each value, gradient and Hessian of a program against 60 digits."""
    from autograd_lite.errors import GradientMismatch
    from autograd_lite.testing import check_gradients
    from autograd_lite.testing.precise import Precise

    errors: tuple[list[float], list[float], list[float]] = ([], [], [])
    mismatches: list[str] = []
    unknown = 0
    for point in program.points:
        right = program.f(*map(Precise, point))
        errors[0].append(units(float(program.f(*point)), getattr(right, "value", right)))
        try:
            report = check_gradients(
                program.f, *point, modes=("reverse",), oracle="high_precision", allow_inconclusive=True
            )
        except GradientMismatch as mismatch:
            report = mismatch.report  # type: ignore[assignment]
            mismatches.append(f"{program.name} at {point}: {str(mismatch).splitlines()[0]}")
        known = [c for c in report.comparisons if c.verdict != "inconclusive"]
        unknown += len(report.comparisons) - len(known)
        for order in (1, 2):
            # Where a derivative is 0, the oracle's differences leave some 1e-60.
            found = [
                units(c.analytic, c.numeric if c.analytic else 0.0 if c.verdict == "agrees" else c.numeric)
                for c in known
                if c.order == order
            ]
            errors[order].append(max(found, default=0.0))
    return Judgement(errors, mismatches, unknown)


HEAD = """| program | points | value, median | worst | gradient, median | worst | Hessian, median | worst | off |
|---|---|---|---|---|---|---|---|---|"""


def row(program: Program, judgement: Judgement) -> str:
    """A line of the table."""
    cells = [program.name, str(len(program.points))]
    for errors in judgement.errors:
        cells += [f"{statistics.median(errors):.3g}", f"{max(errors):.3g}"]
    return f"| {' | '.join([*cells, str(len(judgement.mismatches))])} |"

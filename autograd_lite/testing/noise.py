"""Noise in a function's values, told from kinks and jumps."""

import itertools
import math
from collections.abc import Sequence

from autograd_lite.testing.numbers import UNIT_ROUNDOFF
from autograd_lite.testing.oracles import A_JUMP, STEPS, Kink, Line

__all__ = ["estimated_noise", "find_kinks", "slopes_over_steps"]

#: Distances between the samples of :func:`estimated_noise`, times the line's scale, and how many samples there are.
SPACINGS = (2.0**-44, 2.0**-33, 2.0**-22, 2.0**-14, 2.0**-10)
SAMPLES = 8
#: Which k-th differences tell noise from a function: such as do not grow or shrink by more than this.
SIMILAR = 4.0


def estimated_noise(line: Line) -> list[float]:
    """The standard deviation of the noise in each result; 0 where none is seen.

    From tables of differences of equidistant values, to both sides of x and at several
    distances. The k-th differences of a smooth function die away with k, those of noise
    of standard deviation s have the mean square s^2 (2k)! / (k!)^2. Source: J. J. More and
    S. M. Wild, "Estimating computational noise", SIAM Journal on Scientific Computing 33
    (2011). The second largest estimate counts, as a kink or a jump that happens to lie
    among the samples spoils one of them.

    >>> step = 1e-6
    >>> line = Line(lambda x: [math.exp(x), round(math.exp(x) / step) * step], 1.0, 1.0, 2)
    >>> exact, rounded = estimated_noise(line)
    >>> exact < 1e-15, 0.1 * step < rounded < step
    (True, True)
    """
    estimates: list[list[float]] = [[] for _ in range(line.results)]
    for spacing in SPACINGS:
        for step in (spacing * line.scale, -spacing * line.scale):
            samples = [line.at(line.rounded(line.x + k * step)) for k in range(1, SAMPLES + 1)]
            for result, values in zip(estimates, zip(*samples, strict=True), strict=True):
                result.append(_deviation(values))
    return [sorted(result)[-2] for result in estimates]


def _deviation(values: Sequence[float]) -> float:
    """The noise in equidistant values; 0 if they look smooth, or are mostly equal."""
    unit = max(map(abs, values))
    if not 0.0 < unit < math.inf:
        return 0.0
    row = [value / unit for value in values]
    deviations: list[float] = []
    change_sign = []
    for k in range(1, SAMPLES - 1):
        row = [b - a for a, b in itertools.pairwise(row)]
        if k == 1 and 2 * row.count(0.0) >= len(row):
            return 0.0
        square = math.fsum(d * d for d in row) / len(row)
        deviations.append(math.sqrt(square / math.comb(2 * k, k)))
        change_sign.append(min(row) < 0.0 < max(row))
    for k in range(len(deviations) - 2):
        three = deviations[k : k + 3]
        if max(three) <= SIMILAR * min(three) and change_sign[k]:
            return three[0] * unit
    return 0.0


def slopes_over_steps(line: Line, here: Sequence[float]) -> list[float]:
    """How much each result changes over the longest step of the differences, by the step; ``here`` are those at x."""
    step, below, above = line.around(STEPS[0] * line.scale)
    changes = [max(abs(p - here), abs(q - here)) for p, here, q in zip(below, here, above, strict=True)]
    return [change / step if step > 0.0 and change < math.inf else 0.0 for change in changes]


def find_kinks(line: Line, here: Sequence[float], noise: Sequence[float]) -> list[Kink | None]:
    """For each result, why it is not smooth at x; None where it seems to be.

    As the step shrinks, the slopes to both sides of a smooth function come together. At a
    kink they stay apart, and at a jump they grow without bound. Steps are so long that
    the noise does not matter.
    """
    share = max((moved / abs(value) for moved, value in zip(noise, here, strict=True) if value), default=0.0)
    step = min(max(1e-5, 16 * math.sqrt(8 * share)), STEPS[0]) * line.scale
    ends = [end for end in (line.around(step / 16**k) for k in range(3)) if 0.0 < end[0] < math.inf]
    if len(ends) < 2:
        return [Kink("no numbers just beside")] * line.results
    return [
        _kink([_Sides(step, here[r], below[r], above[r]) for step, below, above in ends], noise[r])
        for r in range(line.results)
    ]


class _Sides:
    """The slopes to both sides."""

    def __init__(self, step: float, here: float, below: float, above: float) -> None:
        self.step, self.here = step, here
        self.left, self.right = (here - below) / step, (above - here) / step
        self.slope, self.apart = (above - below) / (2 * step), abs(self.right - self.left)
        self.steepest = max(abs(self.left), abs(self.right))


def _kink(sides: list[_Sides], noise: float) -> Kink | None:
    if not all(math.isfinite(side.apart) for side in sides):
        return Kink("nan or infinite here or just beside")
    for far, near in itertools.pairwise(sides):
        significant = 8 * (noise + 8 * UNIT_ROUNDOFF * abs(near.here)) / near.step + 1e-6 * near.steepest
        if near.apart > 0.5 * far.apart and near.apart > significant:
            reason = f"a kink: slope {near.left:.3g} to the left, {near.right:.3g} to the right"
            if near.steepest > 2 * far.steepest:
                return Kink(reason)
            return Kink(reason, min(near.left, near.right) - significant, max(near.left, near.right) + significant)
        if abs(near.slope) > 2 * abs(far.slope) and abs(near.slope) > significant:
            return Kink(A_JUMP)
    return None

"""Derivatives of one order beside what the oracles say: at a glance first, thoroughly where that cannot tell."""

import math
import random
from collections.abc import Sequence
from typing import Any, NamedTuple

from autograd_lite.core.node import number
from autograd_lite.core.value import Value
from autograd_lite.errors import InapplicableOracleError, MissingDependencyError
from autograd_lite.testing.noise import estimated_noise, find_kinks, slopes_over_steps
from autograd_lite.testing.oracles import (
    STEPS,
    Kink,
    Line,
    central_differences,
    complex_step,
    precise_slopes,
    second_difference,
    with_coordinate,
)
from autograd_lite.testing.report import AGREES, INCONCLUSIVE, MISMATCH, Comparison
from autograd_lite.testing.subjects import Recorded, Subject

__all__ = ["Comparing"]

#: How far an oracle's estimate of its own error is trusted.
ORACLE_ERRORS = 4.0
#: What noise may move a value by, in standard deviations.
DEVIATIONS = 2.0
#: The thorough look takes the differences again with steps so many times as long.
OTHER_STEPS = 0.61
#: A comparison tells something if its tolerance is below this share of the derivative, which grows with the fourth
#: root of the noise up to a tenth; below that share of the largest derivative; or, where nothing sharper is at hand,
#: below that share of the function's value by the scale of the input.
SHARE, MOST, SHARE_OF_LARGEST, SHARE_OF_VALUE = 1e-3, 0.1, 1e-8, 1e-12
#: What the 60 digits know to be smaller is 0: a share of the function's value by the scale of the input.
A_ZERO = 1e-20
TOO_MUCH_ROUNDING = "too much rounding"


class _Evidence(NamedTuple):
    """What an oracle says of one derivative."""

    derivative: float
    error: float
    kink: Kink | None
    oracle: str


class _Look(NamedTuple):
    """What is seen of every derivative: by differences, of kinks, of rounding."""

    tolerances: Sequence[float]
    #: How much the function changes over long steps, by the step.
    slopes: Sequence[float]
    #: The function's values by the scale of the input, and how far they may be off, relative to them.
    ratios: Sequence[float]
    noise: Sequence[float]
    kinks: Sequence[Kink | None]
    differences: Sequence[tuple[float, float]]


class Comparing:
    """Compares the derivatives of one order with what the oracles say."""

    def __init__(
        self,
        subject: Subject,
        order: int,
        oracle: str,
        fixed: tuple[float, float] | None,
        noise: float | None,
        before: Sequence[Comparison],
    ) -> None:
        self._subject, self._order, self._oracle, self._fixed, self._noise = subject, order, oracle, fixed, noise
        self._kinked = {c.by for c in before if c.at_kink}
        self._derivatives = {mode: subject.derivatives(order, mode) for mode in subject.modes}
        self._indices = subject.indices(order)
        self._lines = subject.lines(order)
        self._looks: dict[bool, _Look] = {}
        self._precise: dict[tuple[int, ...], tuple[float, float, Kink | None]] = {}
        finite = [abs(d) for row in self._derivatives.values() for d in row if math.isfinite(d)]
        #: Second derivatives are compared with differences of the gradient, which has to be the values' own for that.
        self._fits_values = order == 1 or oracle == "high_precision" or self._hessian_fits_values()
        self._largest = max([*self._look(thorough=False).slopes, *finite], default=0.0)

    def comparisons(self) -> list[Comparison]:
        """One for each derivative in each mode."""
        return [
            self._compared(mode, k, derivative)
            for mode, row in self._derivatives.items()
            for k, derivative in enumerate(row)
        ]

    # ---- Looking ----

    def _look(self, *, thorough: bool) -> _Look:
        """Computed once."""
        if thorough not in self._looks:
            self._looks[thorough] = self._looked(thorough)
        return self._looks[thorough]

    def _looked(self, thorough: bool) -> _Look:
        tolerances, noise = self._subject.rounding(self._order, thorough=thorough)
        columns = [self._along(line, noise, thorough) for line in self._lines]
        slopes, ratios, shares, kinks, differences = (
            [entry for row in zip(*rows, strict=True) for entry in row] for rows in zip(*columns, strict=True)
        )
        return _Look(tolerances, slopes, ratios, shares, kinks, differences)

    def _along(self, line: Line, noise: Sequence[float], thorough: bool) -> tuple[Any, ...]:
        """What is seen of each result along one coordinate."""
        if self._noise is not None and self._order == 1:
            noise = [max(n, self._noise) for n in noise]
        elif thorough:
            noise = [max(n, DEVIATIONS * s) for n, s in zip(noise, estimated_noise(line), strict=True)]
        here = line.at(line.x)
        slopes, kinks = slopes_over_steps(line, here), find_kinks(line, here, noise)
        largest = [max(abs(value), slope * line.scale) for value, slope in zip(here, slopes, strict=True)]
        shares = [n / size if size else 0.0 for n, size in zip(noise, largest, strict=True)]
        for r, (n, slope, share) in enumerate(zip(noise, slopes, shares, strict=True)):
            if share > SHARE and 8 * n > slope * STEPS[0] * line.scale:
                kinks[r] = Kink("nothing but noise to be seen, or waves shorter than the steps")
        differences: Any = [(math.nan, math.inf)] * line.results
        if self._oracle in ("auto", "finite_difference"):
            differences = central_differences(line, noise)
        if thorough:
            again = central_differences(line, noise, OTHER_STEPS)
            differences = [_confirmed(*pair) for pair in zip(differences, again, strict=True)]
        return slopes, [abs(value) / line.scale for value in here], shares, kinks, differences

    def _hessian_fits_values(self) -> bool:
        """Whether the curvature in a random direction is that of the function's values."""
        rng, subject = random.Random(0), self._recorded
        ways = [s * rng.choice((-1, 1)) * rng.uniform(0.5, 1.0) for s in subject.scales]

        def along(t: float) -> list[float]:
            return [number(subject.f([Value(x + t * way) for x, way in zip(subject.x, ways, strict=True)]))]

        line, noise = Line(along, 0.0, 1.0), subject.rounding(1)[1][0]
        weights = [ways[i] * ways[j] for i, j in self._indices]
        allowed = math.fsum(abs(w * t) for w, t in zip(weights, subject.rounding(2)[0], strict=True))
        curvatures = [math.fsum(w * d for w, d in zip(weights, row, strict=True)) for row in self._derivatives.values()]

        def fit(noise: float, factor: float) -> bool:
            numeric, error = second_difference(line, noise, factor)
            return not any(abs(c - numeric) > allowed + 2 * ORACLE_ERRORS * error for c in curvatures)

        if fit(noise, 1.0):
            return True
        noise = max(noise, self._noise or DEVIATIONS * estimated_noise(line)[0])
        return fit(noise, 1.0) or fit(noise, OTHER_STEPS)

    def _by_oracle(self, oracle: str, by: tuple[int, ...]) -> _Evidence:
        if oracle == "complex_step":
            [i] = by
            f, x = self._recorded.f, self._subject.x
            derivative, error = complex_step(lambda xi: f(with_coordinate(x, i, xi)), x[i])
            return _Evidence(derivative, error, self._look(thorough=False).kinks[i], "complex step")
        if by not in self._precise:
            self._precise[by] = precise_slopes(self._recorded.f, self._subject.x, by)
        return _Evidence(*self._precise[by], "high precision")

    @property
    def _recorded(self) -> Recorded:
        """The subject, if another type of number can be handed to it."""
        if isinstance(self._subject, Recorded):
            return self._subject
        raise InapplicableOracleError("the function may not be made of primitives")

    # ---- Judging ----

    def _compared(self, mode: str, k: int, derivative: float) -> Comparison:
        verdict = self._verdict(k, derivative)
        by = self._subject.label(k, self._order)
        if verdict.verdict == INCONCLUSIVE and self._kinked & {self._subject.names[i] for i in self._indices[k]}:
            verdict = verdict._replace(at_kink=True)
        return Comparison(self._order, mode, by, derivative, *verdict)

    def _verdict(self, k: int, derivative: float) -> "_Verdict":
        """By the oracle that was asked for; under "auto" by differences, and by 60 digits where they do not agree."""
        if self._oracle in ("auto", "finite_difference") and self._fits_values:
            verdict = self._by_differences(k, derivative, thorough=False)
            if verdict.verdict == AGREES:
                return verdict
        if self._oracle != "finite_difference":
            oracle = "high_precision" if self._oracle == "auto" else self._oracle
            try:
                return self._by_digits(k, derivative, oracle)
            except (InapplicableOracleError, MissingDependencyError) as error:
                if self._oracle != "auto":
                    if isinstance(error, MissingDependencyError):
                        raise
                    return _Verdict(math.nan, math.inf, INCONCLUSIVE, str(error))
        if not self._fits_values:
            reason = "the values beside the point have another curvature, so the gradient is wrong there"
            return _Verdict(math.nan, math.inf, INCONCLUSIVE, reason)
        return self._by_differences(k, derivative, thorough=True)

    def _by_differences(self, k: int, derivative: float, *, thorough: bool) -> "_Verdict":
        look = self._look(thorough=thorough)
        evidence = _Evidence(*look.differences[k], look.kinks[k], "finite differences")
        verdict = self._judged(k, derivative, evidence, look.tolerances[k], look)
        is_flat = derivative == verdict.numeric == look.slopes[k] == 0.0
        has_sharper = self._oracle == "auto" and self._order == 1 and not thorough
        is_enough = is_flat or (thorough and verdict.tolerance <= SHARE_OF_VALUE * look.ratios[k])
        if verdict.reason.startswith(TOO_MUCH_ROUNDING) and is_enough and not has_sharper:
            return verdict._replace(verdict=AGREES, reason=evidence.oracle)
        return verdict

    def _by_digits(self, k: int, derivative: float, oracle: str) -> "_Verdict":
        evidence, look = self._by_oracle(oracle, self._indices[k]), self._look(thorough=False)
        verdict = self._judged(k, derivative, evidence, look.tolerances[k], look)
        if verdict.verdict == MISMATCH:
            more = self._subject.rounding(self._order, thorough=True)[0]
            verdict = self._judged(k, derivative, evidence, more[k], look)
        zero = max(look.tolerances[k], A_ZERO * max(look.ratios[k], 1e-15))
        is_zero = abs(evidence.derivative) <= ORACLE_ERRORS * evidence.error <= zero
        if verdict.reason.startswith(TOO_MUCH_ROUNDING) and is_zero:
            return verdict._replace(verdict=AGREES, reason=evidence.oracle)
        return verdict

    def _judged(self, k: int, derivative: float, evidence: _Evidence, rounding: float, look: _Look) -> "_Verdict":
        numeric, error, kink, oracle = evidence
        explained = rounding if self._fixed is None else self._fixed[1] + self._fixed[0] * abs(numeric)
        tolerance = explained + ORACLE_ERRORS * error
        if kink:
            return _Verdict(numeric, tolerance, INCONCLUSIVE, kink.reason, kink.low <= derivative <= kink.high)
        if not (math.isfinite(numeric) and math.isfinite(error)):
            return _Verdict(numeric, tolerance, INCONCLUSIVE, f"{oracle} found no limit")
        if math.isfinite(derivative) and not tolerance < math.inf:
            return _Verdict(numeric, tolerance, INCONCLUSIVE, "rounding makes it nan or infinite")
        if derivative != numeric and not abs(derivative - numeric) <= tolerance < math.inf:
            return _Verdict(numeric, tolerance, MISMATCH, oracle)
        if self._fixed is None and tolerance > self._telling(k, derivative, look):
            return _Verdict(numeric, tolerance, INCONCLUSIVE, f"{TOO_MUCH_ROUNDING} for {oracle} to tell")
        return _Verdict(numeric, tolerance, AGREES, oracle)

    def _telling(self, k: int, derivative: float, look: _Look) -> float:
        """The largest tolerance with which an agreement says something."""
        noise = max(self._subject.roundoff, look.noise[k])
        share = min(MOST, max(SHARE, math.sqrt(math.sqrt(noise))))
        return max(share * max(abs(derivative), look.slopes[k]), SHARE_OF_LARGEST * self._largest)


def _confirmed(first: tuple[float, float], second: tuple[float, float]) -> tuple[float, float]:
    """The better of two differences, which errs by what they are apart, if not more."""
    derivative, error = min(first, second, key=lambda difference: difference[1])
    return derivative, max(error, abs(first[0] - second[0]))


class _Verdict(NamedTuple):
    """The last columns of a comparison."""

    numeric: float
    tolerance: float
    verdict: str
    reason: str
    at_kink: bool = False

"""The worst error of each primitive's value, slope and curvature, in units in the last place.

    python -m benchmarks.accuracy.ulps > docs/accuracy.md

Some minutes; needs the extra ``test``. The same points at each run: half of them spread evenly over
the domain, half ever closer to its ends and to 0.
"""

import functools
import itertools
import math
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from autograd_lite import hessian, value_and_grad
from autograd_lite.ops import primitives
from autograd_lite.testing import precise

Box = tuple[tuple[float, float] | float, ...]  # an interval for each operand, or a constant

LINE: list[Box] = [((-4.0, 4.0),), ((-30.0, 30.0),)]
POSITIVE: list[Box] = [((0.0, 4.0),), ((0.0, 1e6),)]
LONG_LINE: list[Box] = [((-4.0, 4.0),), ((-700.0, 700.0),)]
AROUND_1: list[Box] = [((0.0, 1.0),), ((1.0, 4.0),), ((1.0, 1e6),)]
PROBABILITIES: list[Box] = [((0.0, 0.5),), ((0.5, 1.0),)]
INSIDE: list[Box] = [((-1.0, 1.0),)]
PLANE: list[Box] = [((-4.0, 4.0), (-4.0, 4.0)), ((-1e6, 1e6), (-4.0, 4.0))]
ROOT = 1.4616321449683622  # of digamma

#: Where each primitive is measured; a primitive with several boxes takes them in turns. All but direction,
#: whose third operand is not free; it is the slope of hypot and atan2, and shows there.
DOMAINS: dict[str, list[Box]] = {
    **dict.fromkeys(("add", "sub", "mul", "div", "mod", "floordiv", "maximum", "minimum", "copysign"), PLANE),
    **dict.fromkeys(("greater", "greater_equal", "less", "less_equal", "equal", "not_equal"), PLANE),
    **dict.fromkeys(("hypot", "atan2"), PLANE),
    **dict.fromkeys(("neg", "square", "reciprocal", "identity", "cbrt", "atan", "asinh", "abs", "sign"), LINE),
    **dict.fromkeys(("floor", "ceil", "trunc", "relu", "sin", "cos", "tan", "exp", "exp2", "expm1"), LINE),
    **dict.fromkeys(("sinh", "cosh", "softplus", "silu", "leaky_relu", "elu"), LINE),
    **dict.fromkeys(("log", "log2", "log10"), AROUND_1),
    **dict.fromkeys(("asin", "acos", "atanh", "erfinv", "one_minus_square"), INSIDE),
    **dict.fromkeys(("logit", "norm_ppf"), PROBABILITIES),
    "sqrt": POSITIVE,
    "log1p": [((-1.0, 0.0),), ((0.0, 1e6),)],
    "acosh": [((1.0, 4.0),), ((1.0, 1e6),)],
    "tanh": [((-4.0, 4.0),), ((-350.0, 350.0),)],
    **dict.fromkeys(("sigmoid", "logistic_pdf"), LONG_LINE),
    "gelu": [((-4.0, 4.0),), ((-36.0, 36.0),)],
    "erf": [((-4.0, 4.0),), ((-26.0, 26.0),)],
    "erfc": [((-4.0, 4.0),), ((-26.0, 26.0),)],
    "norm_pdf": [((-4.0, 4.0),), ((-37.0, 37.0),)],
    "norm_cdf": [((-4.0, 4.0),), ((-37.0, 4.0),)],
    "gamma": [((0.0, 12.0),), ((-5.0, 0.0),), ((12.0, 150.0),)],
    "lgamma": [((0.0, 1.0),), ((1.0, 2.0),), ((2.0, 12.0),), ((12.0, 1e5),), ((-5.0, 0.0),)],
    "digamma": [((0.0, ROOT),), ((ROOT, 12.0),), ((12.0, 1e5),), ((-5.0, 0.0),)],
    "polygamma": [(1.0, (0.0, 30.0)), (2.0, (0.0, 30.0)), (1.0, (-5.0, 0.0)), (2.0, (-5.0, 0.0))],
    "polygamma_difference": [(0.0, (0.0, 30.0), (0.0, 30.0)), (1.0, (0.0, 1e5), (0.0, 30.0))],
    "betaln": [((0.0, 4.0), (0.0, 4.0)), ((0.0, 50.0), (0.0, 50.0)), ((0.0, 1e6), (0.0, 4.0))],
    "pow": [((0.0, 4.0), (-4.0, 4.0)), ((0.0, 1e6), (-20.0, 20.0))],
    "constant_pow": [((-4.0, 4.0), 3.0), ((0.0, 4.0), 0.3), ((0.0, 1e6), -2.7)],
    "xlogy": [((-4.0, 4.0), (0.0, 1.0)), ((-4.0, 4.0), (1.0, 1e6))],
    "logaddexp": [((-4.0, 4.0), (-4.0, 4.0)), ((-700.0, 700.0), (-700.0, 700.0))],
    "logsumexp": [((-4.0, 4.0),) * 3, ((-30.0, 30.0),) * 3],
    "linear": [((-4.0, 4.0),) * 5],
    "dot": [((-4.0, 4.0),) * 4],
    "sum": [((-4.0, 4.0),) * 3],
    "mean": [((-4.0, 4.0),) * 3],
    "exp_difference": [((-30.0, 30.0), (-30.0, 30.0))],
    "no_slope": [((0.0, 4.0), (-4.0, 4.0))],
    "round": [((-30.0, 30.0), 0.0)],
    "clip": [((-4.0, 4.0), -1.0, 1.0)],
    "where": [(1.0, (-4.0, 4.0), (-4.0, 4.0)), (0.0, (-4.0, 4.0), (-4.0, 4.0))],
}
DOMAINS["leaky_relu"] = [((-30.0, 30.0), 0.01)]
DOMAINS["elu"] = [((-30.0, 30.0), 1.0)]

#: Why an error is above 10.
_OF_A_SQUARE = "exp(-x^2) multiplies the rounding of x^2 by x^2: the error grows towards the ends of the domain."
_OF_A_ROOT = "Terms cancel where the answer crosses 0, and the error is a few roundings of those. "
_OF_A_SUM = "Terms cancel where the sum is near 0, and the error is a few roundings of those."
NOTES: dict[str, str] = {
    "atan2": _OF_A_ROOT + "Second derivatives are 0 where abs(x) = abs(y).",
    "betaln": _OF_A_ROOT + "The value is 0 where B(x, y) = 1.",
    "cbrt": "The derivatives are powers of the value, and multiply the error of the C library's cbrt.",
    "dot": _OF_A_SUM,
    "erf": _OF_A_SQUARE,
    "erfc": _OF_A_SQUARE,
    "erfinv": "The slope is exp(y^2) of the rounded value y, and multiplies that rounding by y^2.",
    "exp_difference": "The rounding of x - y is multiplied by abs(x - y). It serves as the slope of logsumexp.",
    "gelu": "exp(-x^2 / 2) and erfc multiply the rounding of their operand by x^2: 1000 at -36, 11 within (-4, 4).",
    "lgamma": _OF_A_ROOT + "So for negative x, between the poles. At its roots 1 and 2 it keeps all digits.",
    "linear": _OF_A_SUM,
    "logistic_pdf": _OF_A_ROOT + "The second derivative is 0 near 1.3.",
    "logsumexp": _OF_A_ROOT + "The value is 0 where the exponentials add up to 1. The slopes are as exp_difference's.",
    "logaddexp": _OF_A_ROOT + "The value is 0 where the exponentials add up to 1.",
    "mean": _OF_A_SUM,
    "norm_pdf": _OF_A_ROOT + "The second derivative is 0 at 1 and -1.",
    "norm_ppf": "The slope is that of norm_cdf at the rounded value y, and multiplies that rounding by y^2.",
    "silu": _OF_A_ROOT + "The slope is 0 near -1.28, the second derivative near 2.4.",
    "sum": _OF_A_SUM,
}
POINTS = 200
NORMAL = 1e-290, 1e290  # beyond it floats have fewer digits, or none

Errors = tuple[float, float, float]  # of value, slope and curvature


def points(name: str, count: int = POINTS) -> Iterator[tuple[Box, list[float]]]:
    """Points of a primitive's domain, each with the box it is from."""
    rng = random.Random(name)
    for box in itertools.islice(itertools.cycle(DOMAINS[name]), count):
        yield box, [_inside(rng, *side) if isinstance(side, tuple) else side for side in box]


def _inside(rng: random.Random, low: float, high: float) -> float:
    while True:
        x = rng.uniform(low, high)
        if rng.random() < 0.5:
            anchor = rng.choice([low, high, 0.0])
            x = anchor + rng.choice([-1.0, 1.0]) * (high - low) * 10.0 ** rng.uniform(-16.0, 0.0)
        if low < x < high:
            return x


def errors(name: str, box: Box, point: Sequence[float]) -> Errors:
    """The worst errors at a point, in units in the last place of what is right."""
    op = primitives[name]
    free = [i for i, side in enumerate(box) if isinstance(side, tuple)]

    def f(numbers: Sequence[Any]) -> Any:
        given = dict(zip(free, numbers, strict=True))
        return op(*(given.get(i, x) for i, x in enumerate(point)))

    at = [point[i] for i in free]
    value, gradient = value_and_grad(f)(at)
    rows = hessian(f)(at)
    right = functools.partial(derivative, precise.functions()[name], point)
    first = [_units(found, right((i,))) for found, i in zip(gradient, free, strict=True)]
    pairs = itertools.product(free, repeat=2)
    second = [_units(found, right(pair)) for found, pair in zip(itertools.chain(*rows), pairs, strict=True)]
    return _units(value, right(())), max(first), max(second)


def _units(found: float, right: Any) -> float:
    if right == 0.0 or not NORMAL[0] < abs(right) < NORMAL[1]:
        return 0.0 if right or found == 0.0 else math.inf
    return abs(float((found - right) / precise.context().mpf(math.ulp(float(right)))))


def derivative(f: Callable[..., Any], point: Sequence[float], by: tuple[int, ...]) -> Any:
    """By central differences, in ever more digits until two agree."""
    mp = precise.context()
    before = None
    for digits in (150, 300, 1000, 1200):
        with mp.workdps(digits):
            steps = {i: mp.mpf(abs(point[i])) * mp.mpf(10) ** -40 for i in by}
            found = _difference(f, [mp.mpf(x) for x in point], by, steps)
            if before and abs(found - before) <= abs(found) * mp.mpf(10) ** -20:
                return found
        before = found
    return mp.mpf(0)  # noise alone


def _difference(f: Callable[..., Any], at: list[Any], by: tuple[int, ...], steps: dict[int, Any]) -> Any:
    if not by:
        return f(*at)
    i, *rest = by
    above, below = list(at), list(at)
    above[i] += steps[i]
    below[i] -= steps[i]
    difference = _difference(f, above, tuple(rest), steps) - _difference(f, below, tuple(rest), steps)
    return difference / (2 * steps[i])


def worst(name: str) -> Errors:
    """The worst errors over all points."""
    found = [errors(name, box, point) for box, point in points(name)]
    return max(e[0] for e in found), max(e[1] for e in found), max(e[2] for e in found)


def _shown(box: Box) -> str:
    return " x ".join(f"({s[0]:g}, {s[1]:g})" if isinstance(s, tuple) else f"{s:g}" for s in box)


def _units_shown(units: float) -> str:
    if units > 1e3:
        return f"{1.05 * units:.1e}"  # rounded up
    return f"{math.ceil(10 * units - 1e-9) / 10:.1f}" if units < 10 else f"{math.ceil(units)}"


HEAD = f"""# Accuracy

How exact each primitive is, and its first and second derivatives: the worst error at {POINTS} points of its domain,
many of them close to 0 and to the ends of the intervals. Errors are in units in the last place (ulp) of the right
answer, which is computed with 150 digits and more. 0.5 is a correctly rounded answer; 1000 leaves 13 digits. Where a
primitive has several operands, the domain is a product of intervals, and of constants for operands that stay fixed.
Answers below 1e-290 and above 1e290 are left out.

Many values are those of the C library; here it was glibc. The page is made by `python -m benchmarks.accuracy.ulps`.

A program of several primitives has their errors, and may underflow on the way to an answer that would not: the second
derivative of `1 / (1 + exp(-x))` is 0 below -236, as `exp(3 * x)` is. `sigmoid(x)` has all its derivatives.

| primitive | domain | value | first | second |
|---|---|---|---|---|"""


def main() -> None:
    print(HEAD)
    notes = []
    for name in sorted(DOMAINS):
        figures = worst(name)
        if name in NOTES:
            notes.append(name)
        mark = f" [{len(notes)}]" if name in NOTES else ""
        domain = ", ".join(_shown(box) for box in DOMAINS[name])
        print(f"| `{name}`{mark} | {domain} | {' | '.join(map(_units_shown, figures))} |", flush=True)
    print()
    for number, name in enumerate(notes, 1):
        print(f"{number}. `{name}`: {NOTES[name]}")


if __name__ == "__main__":
    main()

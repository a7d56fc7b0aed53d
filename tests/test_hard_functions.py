"""Gradients and Hessians of known-hard functions at their standard starting points.

The functions are those of J. J. More, B. S. Garbow and K. E. Hillstrom, "Testing unconstrained
optimization software", ACM Transactions on Mathematical Software 7 (1981): formulas, data and
starting points.
"""

import math
from collections.abc import Callable
from typing import Any

import pytest

import autograd_lite as ag
from autograd_lite import grad, hessian
from autograd_lite.testing import check_gradients

Vector = list[Any]


def squares(residuals: Any) -> Any:
    return ag.sum(r * r for r in residuals)


def rosenbrock(x: Vector) -> Any:
    return squares([10 * (x[1] - x[0] ** 2), 1 - x[0]])


def freudenstein_roth(x: Vector) -> Any:
    a, b = x
    return squares([-13 + a + ((5 - b) * b - 2) * b, -29 + a + ((b + 1) * b - 14) * b])


def powell_badly_scaled(x: Vector) -> Any:
    return squares([1e4 * x[0] * x[1] - 1, ag.exp(-x[0]) + ag.exp(-x[1]) - 1.0001])


def brown_badly_scaled(x: Vector) -> Any:
    return squares([x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2])


def beale(x: Vector) -> Any:
    return squares(y - x[0] * (1 - x[1] ** i) for i, y in enumerate([1.5, 2.25, 2.625], 1))


def jennrich_sampson(x: Vector) -> Any:
    return squares(2 + 2 * i - (ag.exp(i * x[0]) + ag.exp(i * x[1])) for i in range(1, 11))


def helical_valley(x: Vector) -> Any:
    theta = ag.atan2(x[1], x[0]) / (2 * math.pi)  # the branch from -1/2 to 1/2
    return squares([10 * (x[2] - 10 * theta), 10 * (ag.hypot(x[0], x[1]) - 1), x[2]])


BARD = [0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39]


def bard(x: Vector) -> Any:
    return squares(y - (x[0] + u / ((16 - u) * x[1] + min(u, 16 - u) * x[2])) for u, y in enumerate(BARD, 1))


GAUSS = [0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521, 0.3989]
GAUSS += GAUSS[-2::-1]


def gaussian(x: Vector) -> Any:
    return squares(x[0] * ag.exp(-x[1] * ((8 - i) / 2 - x[2]) ** 2 / 2) - y for i, y in enumerate(GAUSS, 1))


MEYER = [34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872]


def meyer(x: Vector) -> Any:
    return squares(x[0] * ag.exp(x[1] / (45 + 5 * i + x[2])) - y for i, y in enumerate(MEYER, 1))


def gulf(x: Vector) -> Any:
    def residual(i: int) -> Any:
        t = i / 100
        y = 25 + (-50 * math.log(t)) ** (2 / 3)
        return ag.exp(-(abs(y - x[1]) ** x[2]) / x[0]) - t

    return squares(residual(i) for i in range(1, 11))


def box_3d(x: Vector) -> Any:
    times = [0.1 * i for i in range(1, 11)]
    return squares(ag.exp(-t * x[0]) - ag.exp(-t * x[1]) - x[2] * (math.exp(-t) - math.exp(-10 * t)) for t in times)


def powell_singular(x: Vector) -> Any:
    a, b, c, d = x
    return squares([a + 10 * b, math.sqrt(5) * (c - d), (b - 2 * c) ** 2, math.sqrt(10) * (a - d) ** 2])


def wood(x: Vector) -> Any:
    a, b, c, d = x
    return squares([
        10 * (b - a**2), 1 - a, math.sqrt(90) * (d - c**2), 1 - c, math.sqrt(10) * (b + d - 2), (b - d) / math.sqrt(10)
    ])  # fmt: skip


KOWALIK = [0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246]
OSBORNE = [4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625]


def kowalik_osborne(x: Vector) -> Any:
    data = zip(KOWALIK, OSBORNE, strict=True)
    return squares(y - x[0] * (u**2 + u * x[1]) / (u**2 + u * x[2] + x[3]) for y, u in data)


def brown_dennis(x: Vector) -> Any:
    times = [i / 5 for i in range(1, 21)]
    return squares((x[0] + t * x[1] - math.exp(t)) ** 2 + (x[2] + x[3] * math.sin(t) - math.cos(t)) ** 2 for t in times)


def biggs_exp6(x: Vector) -> Any:
    def residual(t: float) -> Any:
        y = math.exp(-t) - 5 * math.exp(-10 * t) + 3 * math.exp(-4 * t)
        return x[2] * ag.exp(-t * x[0]) - x[3] * ag.exp(-t * x[1]) + x[5] * ag.exp(-t * x[4]) - y

    return squares(residual(0.1 * i) for i in range(1, 14))


def watson(x: Vector) -> Any:
    def residual(t: float) -> Any:
        slope = ag.sum(j * x[j] * t ** (j - 1) for j in range(1, len(x)))
        return slope - ag.sum(xj * t**j for j, xj in enumerate(x)) ** 2 - 1

    return squares([*(residual(i / 29) for i in range(1, 30)), x[0], x[1] - x[0] ** 2 - 1])


def penalty_1(x: Vector) -> Any:
    return squares([*(math.sqrt(1e-5) * (xi - 1) for xi in x), ag.dot(x, x) - 0.25])


def penalty_2(x: Vector) -> Any:
    n, a = len(x), math.sqrt(1e-5)
    e = [math.exp(i / 10) for i in range(2 * n + 1)]
    first = [a * (ag.exp(x[i] / 10) + ag.exp(x[i - 1] / 10) - (e[i + 1] + e[i])) for i in range(1, n)]
    second = [a * (ag.exp(x[i] / 10) - math.exp(-0.1)) for i in range(1, n)]
    last = ag.sum((n - j) * xj * xj for j, xj in enumerate(x)) - 1
    return squares([x[0] - 0.2, *first, *second, last])


def variably_dimensioned(x: Vector) -> Any:
    weighted = ag.sum(j * (xj - 1) for j, xj in enumerate(x, 1))
    return squares([*(xj - 1 for xj in x), weighted, weighted**2])


def trigonometric(x: Vector) -> Any:
    n, cosines = len(x), ag.sum(ag.cos(xj) for xj in x)
    return squares(n - cosines + i * (1 - ag.cos(xi)) - ag.sin(xi) for i, xi in enumerate(x, 1))


def brown_almost_linear(x: Vector) -> Any:
    n, total = len(x), ag.sum(x)
    return squares([*(xi + total - (n + 1) for xi in x[:-1]), ag.prod(x) - 1])


def discrete_boundary_value(x: Vector) -> Any:
    n = len(x)
    h, padded = 1 / (n + 1), [0.0, *x, 0.0]
    return squares(
        2 * padded[i] - padded[i - 1] - padded[i + 1] + h**2 * (padded[i] + i * h + 1) ** 3 / 2 for i in range(1, n + 1)
    )


def broyden_tridiagonal(x: Vector) -> Any:
    padded = [0.0, *x, 0.0]
    return squares(
        (3 - 2 * padded[i]) * padded[i] - padded[i - 1] - 2 * padded[i + 1] + 1 for i in range(1, len(x) + 1)
    )


def broyden_banded(x: Vector) -> Any:
    def residual(i: int) -> Any:
        around = [x[j] for j in range(max(0, i - 5), min(len(x), i + 2)) if j != i]
        return x[i] * (2 + 5 * x[i] ** 2) + 1 - ag.sum(xj * (1 + xj) for xj in around)

    return squares(residual(i) for i in range(len(x)))


def chebyquad(x: Vector) -> Any:
    def residual(i: int) -> Any:
        integral = 0.0 if i % 2 else -1 / (i**2 - 1)
        return ag.sum(_chebyshev(i, 2 * xj - 1) for xj in x) / len(x) - integral

    return squares(residual(i) for i in range(1, len(x) + 1))


def _chebyshev(i: int, t: Any) -> Any:
    before, now = 1.0, t
    for _ in range(i - 1):
        before, now = now, 2 * t * now - before
    return now


HARD: list[tuple[Callable[[Vector], Any], list[float]]] = [
    (rosenbrock, [-1.2, 1.0]),
    (freudenstein_roth, [0.5, -2.0]),
    (powell_badly_scaled, [0.0, 1.0]),
    (brown_badly_scaled, [1.0, 1.0]),
    (beale, [1.0, 1.0]),
    (jennrich_sampson, [0.3, 0.4]),
    (helical_valley, [-1.0, 0.5, 0.0]),  # off the cut of atan2 at x[1] = 0
    (bard, [1.0, 1.0, 1.0]),
    (gaussian, [0.4, 1.0, 0.0]),
    (meyer, [0.02, 4000.0, 250.0]),
    (gulf, [5.0, 2.5, 0.15]),
    (box_3d, [0.0, 10.0, 20.0]),
    (powell_singular, [3.0, -1.0, 0.0, 1.0]),
    (wood, [-3.0, -1.0, -3.0, -1.0]),
    (kowalik_osborne, [0.25, 0.39, 0.415, 0.39]),
    (brown_dennis, [25.0, 5.0, -5.0, -1.0]),
    (biggs_exp6, [1.0, 2.0, 1.0, 1.0, 1.0, 1.0]),
    (watson, [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
    (penalty_1, [1.0, 2.0, 3.0, 4.0]),
    (penalty_2, [0.5, 0.5, 0.5, 0.5]),
    (variably_dimensioned, [0.75, 0.5, 0.25, 0.0]),
    (trigonometric, [0.25, 0.25, 0.25, 0.25]),
    (brown_almost_linear, [0.5, 0.5, 0.5, 0.5]),
    (discrete_boundary_value, [-0.16, -0.24, -0.24, -0.16]),
    (broyden_tridiagonal, [-1.0, -1.0, -1.0, -1.0]),
    (broyden_banded, [-1.0, -1.0, -1.0, -1.0]),
    (chebyquad, [0.2, 0.4, 0.6, 0.8]),
]


@pytest.mark.parametrize(("f", "start"), HARD, ids=lambda case: getattr(case, "__name__", ""))
def test_gradient_and_hessian_agree_with_sixty_digits(f: Callable[[Vector], Any], start: list[float]) -> None:
    report = check_gradients(f, start, oracle="high_precision")
    assert report.ok, report


@pytest.mark.parametrize(("f", "start"), HARD, ids=lambda case: getattr(case, "__name__", ""))
def test_the_default_oracle_raises_no_false_alarm(f: Callable[[Vector], Any], start: list[float]) -> None:
    assert not check_gradients(f, start, modes=("reverse",)).mismatches


def test_closed_forms_of_rosenbrock() -> None:
    x, y = -1.2, 1.0
    assert grad(rosenbrock)([x, y]) == pytest.approx(
        [-400 * x * (y - x * x) - 2 * (1 - x), 200 * (y - x * x)], rel=1e-14
    )
    expected = [[1200 * x * x - 400 * y + 2, -400 * x], [-400 * x, 200.0]]
    for row, found in zip(expected, hessian(rosenbrock)([x, y]), strict=True):
        assert found == pytest.approx(row, rel=1e-14)


def test_closed_forms_of_powells_singular_function() -> None:
    a, b, c, d = x = [3.0, -1.0, 0.0, 1.0]
    p, q, r, s = a + 10 * b, c - d, (b - 2 * c) ** 3, (a - d) ** 3
    expected = [2 * p + 40 * s, 20 * p + 4 * r, 10 * q - 8 * r, -10 * q - 40 * s]
    assert grad(powell_singular)(x) == pytest.approx(expected, rel=1e-14)


def test_closed_form_of_woods_function() -> None:
    a, b, c, d = x = [-3.0, -1.0, -3.0, -1.0]
    expected = [
        -400 * a * (b - a * a) - 2 * (1 - a),
        200 * (b - a * a) + 20 * (b + d - 2) + 0.2 * (b - d),
        -360 * c * (d - c * c) - 2 * (1 - c),
        180 * (d - c * c) + 20 * (b + d - 2) - 0.2 * (b - d),
    ]
    assert grad(wood)(x) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("f", "minimum"),
    [
        (rosenbrock, [1.0, 1.0]),
        (beale, [3.0, 0.5]),
        (helical_valley, [1.0, 0.0, 0.0]),
        (wood, [1.0] * 4),
        (box_3d, [1.0, 10.0, 1.0]),
        (biggs_exp6, [1.0, 10.0, 1.0, 5.0, 4.0, 3.0]),
        (variably_dimensioned, [1.0] * 4),
        (brown_badly_scaled, [1e6, 2e-6]),
    ],
)
def test_the_gradient_vanishes_at_the_published_minimum(f: Callable[[Vector], Any], minimum: list[float]) -> None:
    assert f(minimum) == pytest.approx(0.0, abs=1e-25)
    assert grad(f)(minimum) == pytest.approx([0.0] * len(minimum), abs=1e-9)

"""The table of primitives: each value, first and second derivative against 60 digits, and the edges."""

import copy
import itertools
import math
import pickle
import runpy
from collections.abc import Callable, Sequence
from math import inf
from pathlib import Path
from typing import Any

import pytest

import autograd_lite as ag
from autograd_lite import Op, Value, hessian, ops
from autograd_lite.ops import primitives
from autograd_lite.testing import precise
from autograd_lite.testing.edges import EDGE_TABLE, EdgeCase, assert_edge_table
from autograd_lite.testing.oracles import precise_partial

_ANY = ((-2.5,), (-0.3,), (1e-3,), (0.7,), (3.0,))
_PAIRS = ((-2.6, 0.5), (0.3, -1.7), (4.0, 3.0), (1.25, 2.5))
_STEPS = ((-2.5,), (-0.3,), (0.7,))
_POSITIVE = ((1e-3,), (0.5,), (3.0,), (1e10,))

#: Points inside the domain of each primitive, away from its kinks. Operands named in CONSTANTS stay fixed.
POINTS: dict[str, Sequence[tuple[float, ...]]] = {
    **dict.fromkeys(("add", "sub", "mul", "div", "mod", "floordiv", "hypot", "atan2", "maximum", "minimum"), _PAIRS),
    **dict.fromkeys(("copysign", "greater", "greater_equal", "less", "less_equal", "equal", "not_equal"), _PAIRS),
    **dict.fromkeys(("neg", "square", "reciprocal", "identity", "exp", "exp2", "expm1", "cbrt", "sin", "cos"), _ANY),
    **dict.fromkeys(("tan", "atan", "sinh", "cosh", "tanh", "asinh", "sigmoid", "softplus", "silu", "gelu"), _ANY),
    **dict.fromkeys(("relu", "erf", "erfc", "abs", "sign", "floor", "ceil", "trunc"), _STEPS),
    **dict.fromkeys(("log", "log2", "log10", "sqrt"), _POSITIVE),
    "pow": [(0.5, 3.0), (2.0, -1.5), (7.0, 0.25), (1.5, 2.0)],
    "constant_pow": [(-1.5, 3.0), (2.0, 0.5), (0.7, -2.0), (-0.5, 4.0), (1.1, 7.0), (3.0, 1.0), (5.0, 0.0)],
    "log1p": [(-0.9,), (1e-9,), (3.0,)],
    "asin": [(-0.9,), (0.1,), (0.99,)],
    "acos": [(-0.9,), (0.1,), (0.99,)],
    "atanh": [(-0.9,), (0.1,), (0.99,)],
    "acosh": [(1.01,), (2.0,), (50.0,)],
    "leaky_relu": [(-2.5, 0.01), (0.7, 0.2)],
    "elu": [(-2.5, 1.0), (-0.3, 0.5), (0.7, 1.0)],
    "lgamma": [(0.3,), (1.5,), (7.25,), (-0.4,)],
    "digamma": [(0.3,), (2.5,), (40.0,), (-3.3,)],
    "polygamma": [(1.0, 0.3), (2.0, 2.5), (1.0, -3.3), (4.0, 15.0)],
    "linear": [(0.5,), (0.5, -1.0, 3.0), (1.0, 3.0, -2.0, 0.25, 7.0)],
    "dot": [(0.5, -1.0), (0.5, -1.0, 3.0, 2.5)],
    **dict.fromkeys(("sum", "mean"), ((0.5,), (0.5, -1.0), (1.0, 3.0, -2.0))),
    "logsumexp": [(0.5,), (0.5, -1.0), (1.0, 3.0, -2.0)],
    **dict.fromkeys(("logaddexp", "exp_difference"), _PAIRS),
    **dict.fromkeys(("logistic_pdf", "norm_pdf", "norm_cdf"), _ANY),
    **dict.fromkeys(("logit", "norm_ppf"), ((1e-5,), (0.3,), (0.5,), (0.99,))),
    "one_minus_square": _STEPS,
    "direction": [(3.0, -4.0, 5.0), (-12.0, 5.0, 13.0)],
    "no_slope": [(1.0, 0.5), (2.0, 0.5, -3.0)],
    "xlogy": [(0.5, 3.0), (-2.0, 0.3), (0.0, 2.0)],
    "erfinv": [(-0.99,), (1e-9,), (0.3,), (0.7,)],
    "gamma": [(0.3,), (4.5,), (-0.4,), (-2.5,), (20.0,)],
    "betaln": [(0.3, 0.5), (2.5, 40.0), (1e3, 20.0), (1e8, 1.5)],
    "polygamma_difference": [(0.0, 0.3, 2.0), (1.0, 30.0, 1e-3), (3.0, 1.5, 100.0)],
    "round": [(2.4, 0.0), (-2.6, 0.0), (2.345, 1.0)],
    "clip": [(0.5, -1.0, 1.0), (-3.0, -1.0, 1.0), (3.0, -1.0, 1.0)],
    "where": [(1.0, 2.0, 3.0), (0.0, 2.0, 3.0)],
}
#: Primitives that are no methods of a Value.
FUNCTIONS_ONLY = {"constant_pow", "identity", "logsumexp", "polygamma", "where"}
FUNCTIONS_ONLY |= {"linear", "dot", "sum", "mean"}
FUNCTIONS_ONLY |= {"direction", "exp_difference", "no_slope", "one_minus_square", "polygamma_difference"}
CONSTANTS = {"constant_pow": {1}, "polygamma": {0}, "polygamma_difference": {0}, "round": {1}, "where": {0}}
CASES = [pytest.param(primitives[name], point, id=f"{name}{point}") for name in POINTS for point in POINTS[name]]


def _partial(op: Op, point: tuple[float, ...], *by: int) -> float:
    return precise_partial(lambda at: op(*at), point, by)[0]


def test_every_primitive_has_points() -> None:
    assert set(POINTS) == set(primitives) == set(precise.functions())


@pytest.mark.parametrize(("op", "point"), CASES)
def test_the_value_is_right_to_a_few_roundings(op: Op, point: tuple[float, ...]) -> None:
    assert op(*point) == pytest.approx(float(op(*map(precise.Precise, point)).value), rel=5e-15, abs=1e-300)


@pytest.mark.parametrize(("op", "point"), CASES)
def test_the_gradient_is_right_to_a_few_roundings(op: Op, point: tuple[float, ...]) -> None:
    fixed = CONSTANTS.get(op.name, set())
    operands = [x if i in fixed else Value(x) for i, x in enumerate(point)]
    op(*operands).backward()
    for i, operand in enumerate(operands):
        if isinstance(operand, Value):
            assert operand.grad == pytest.approx(_partial(op, point, i), rel=2e-14, abs=1e-28), f"by {i}"


@pytest.mark.parametrize(("op", "point"), CASES)
def test_the_second_derivatives_are_right(op: Op, point: tuple[float, ...]) -> None:
    fixed = CONSTANTS.get(op.name, set())
    free = [i for i in range(len(point)) if i not in fixed]

    def f(numbers: list[Any]) -> Any:
        given = iter(numbers)
        return op(*(x if i in fixed else next(given) for i, x in enumerate(point)))

    found = hessian(f)([point[i] for i in free])
    for (row, i), (column, j) in itertools.product(enumerate(free), repeat=2):
        # A second difference of 60 digits with steps of 1e-15 is good to 1e-30.
        assert found[row][column] == pytest.approx(_partial(op, point, i, j), rel=1e-13, abs=1e-15)


# ---- The conventions at the edges ---------------------------------------------------------


@pytest.mark.parametrize("case", EDGE_TABLE, ids=lambda case: f"{case.expression} at {case.point}")
def test_the_conventions_at_the_edges(case: EdgeCase) -> None:
    assert_edge_table([case])


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "silu", "softplus"])
@pytest.mark.parametrize("order", range(1, 6))
def test_smooth_activations_keep_all_derivatives_at_zero(name: str, order: int) -> None:
    f = primitives[name]
    for _ in range(order):
        f = ag.grad(f)
    expected = float(precise.context().diff(precise.functions()[name], 0, order))
    assert f(0.0) == pytest.approx(expected, abs=1e-15)


_NEAR_ZERO = [sign * 10.0**e for e in (-300, -155, -50, -17, -10, -5, -3) for sign in (1.0, -1.0)]
_INSIDE = [*_NEAR_ZERO, -0.999999999, -0.87, -0.51, -0.49, 0.1, 0.3, 0.6, 0.95, 0.9999]
_LINE = [*_NEAR_ZERO, -20.0, -3.3, -0.7, 0.2, 1.3, 5.0, 30.0]
#: Where cancellation lurks: roots, tails and both sides of where a formula changes.
HARD: dict[str, list[float]] = {
    **dict.fromkeys(("asin", "acos", "atanh"), _INSIDE),
    "tanh": [*_LINE, 300.0, -340.0],
    "sigmoid": [*_LINE, 600.0, -700.0, 700.0],
    "logit": [*(0.5 + x for x in _INSIDE[8:14]), *(abs(x) for x in _INSIDE if abs(x) > 1e-150)],
    "norm_pdf": [x for x in _LINE if x < 37] + [-37.0, 12.345],
    "norm_cdf": [x for x in _LINE if x < 5] + [-37.0, -12.345],
    "lgamma": [sign * 10.0**e + root for e in (-15, -10, -3, -1) for sign in (1, -1) for root in (1, 2)] + [2.57, 7.9],
    "digamma": [1.4616321449683622, 1.4616321449683625, 1.46, 1.0, 2.0, 1.1, 3.7, 9.99, 10.01, -0.49, -0.51, -3.4999],
    "gamma": [1.4616321449683622, 0.1, 3.7, 20.5, -0.49],
}


def _derivative_of_many_digits(op: Op, x: float, order: int) -> float:
    """By a central difference in as many digits as it takes for two steps to agree."""
    f, mp = precise.functions()[op.name], precise.context()
    with mp.workdps(150 if 1e-10 < abs(x) < 50 else 1300):
        h = abs(mp.mpf(x)) * mp.mpf(10) ** -30
        above, at, below = f(x + h), f(mp.mpf(x)), f(x - h)
        difference = {0: at, 1: (above - below) / (2 * h), 2: (above - 2 * at + below) / (h * h)}
        return float(difference[order])


@pytest.mark.parametrize("order", [0, 1, 2], ids=["value", "slope", "curvature"])
@pytest.mark.parametrize("name", HARD)
def test_no_digits_are_lost_near_roots_and_in_tails(name: str, order: int) -> None:
    op = f = primitives[name]
    for _ in range(order):
        f = ag.grad(f)
    for x in HARD[name]:
        expected = _derivative_of_many_digits(op, x, order)
        assert f(x) == pytest.approx(expected, rel=4e-15, abs=1e-322), x


@pytest.mark.parametrize(("x", "y"), [(1e300, 0.1), (3e-200, -0.3), (1e90, 1e-20), (7e200, 0.3), (1e-250, 0.49)])
def test_the_slope_of_a_power_keeps_its_digits_where_its_exponent_less_one_is_rounded(x: float, y: float) -> None:
    mp = precise.context()
    expected = float(mp.mpf(y) * mp.mpf(x) ** (mp.mpf(y) - 1))
    assert ag.grad(lambda base: base**y)(x) == pytest.approx(expected, rel=5e-16)
    assert ag.grad(ag.pow)(x, y) == pytest.approx(expected, rel=5e-16)


def test_a_power_has_its_mixed_second_derivative_where_the_exponent_is_0() -> None:
    assert hessian(lambda v: v[0] ** v[1])([2.0, 0.0])[0] == [0.0, 0.5]


@pytest.mark.parametrize("x", [1e3, 1e8, -1e15])
def test_hypot_keeps_its_curvature_along_the_long_side(x: float) -> None:
    [[along, mixed], [_, across]] = hessian(lambda v: ag.hypot(*v))([x, 1.0])
    length = math.hypot(x, 1.0)
    assert along == pytest.approx(length**-3, rel=1e-15)
    assert (mixed, across) == pytest.approx((-x * length**-3, x * x * length**-3), rel=1e-15)


@pytest.mark.parametrize("f", [ag.hypot, ag.atan2, lambda x, y: ag.hypot(x, y, 0.0)])
def test_at_the_origin_all_second_derivatives_of_a_length_and_an_angle_are_nan(f: Callable[..., Any]) -> None:
    assert all(math.isnan(entry) for row in hessian(lambda v: f(*v))([0.0, 0.0]) for entry in row)


@pytest.mark.parametrize(("x", "y"), [(1e10, 1.0), (1e3, 1e-3), (2.5, 1e-9), (0.1, 3e5), (40.0, 40.0)])
def test_betaln_and_its_slopes_do_not_cancel(x: float, y: float) -> None:
    mp = precise.context()
    found = ag.value_and_grad(ag.betaln, (0, 1))(x, y)
    x_, y_ = mp.mpf(x), mp.mpf(y)
    assert found[0] == pytest.approx(float(mp.log(mp.beta(x_, y_))), rel=2e-14)
    assert found[1] == pytest.approx([float(mp.digamma(z) - mp.digamma(x_ + y_)) for z in (x_, y_)], rel=2e-14)


def test_a_logsumexp_of_nothing_is_the_logarithm_of_0() -> None:
    assert primitives["logsumexp"]() == -inf


@pytest.mark.parametrize(("inverse", "of"), [(ag.norm_ppf, ag.norm_cdf), (ag.erfinv, ag.erf), (ag.logit, ag.expit)])
@pytest.mark.parametrize("p", [1e-300, 1e-17, 0.01, 0.3, 0.6, 0.999])
def test_the_inverses_invert(inverse: Callable[[float], float], of: Callable[[float], float], p: float) -> None:
    x = inverse(p)
    condition = abs(x * ag.grad(of)(x) / p)  # what one rounding of x makes of p
    assert of(x) == pytest.approx(p, rel=4e-15 * max(1.0, condition))


# ---- An Op as an object -----------------------------------------------------------------


def _text(x: float) -> Any:
    return "a"


def test_a_primitive_of_a_float_is_a_float() -> None:
    assert type(ag.tanh(0.5)) is float
    assert type(ag.maximum(1, 2)) is float


@pytest.mark.parametrize("op", primitives.values(), ids=str)
def test_every_primitive_is_also_a_method_of_value(op: Op) -> None:
    assert op.name in FUNCTIONS_ONLY or callable(getattr(Value, op.name, None))


@pytest.mark.parametrize("name", sorted(set(POINTS) - FUNCTIONS_ONLY))
def test_the_method_is_the_function(name: str) -> None:
    point = POINTS[name][0]
    x, *others = map(Value, point)
    by_method, by_function = getattr(x, name)(*others), primitives[name](x, *others)
    assert (by_method.data, by_method.op) == (by_function.data, by_function.op)
    assert by_method.partials == by_function.partials


def test_defaults_and_keywords_of_operands() -> None:
    assert ag.leaky_relu(-1.0) == -0.01
    assert ag.leaky_relu(-1.0, negative_slope=0.2) == -0.2
    assert ag.leaky_relu(Value(-1.0), negative_slope=0.2).data == -0.2
    assert ag.clip(3.0, high=2.0) == 2.0
    assert Value(3.0).clip(high=2.0).data == 2.0
    assert ag.round(2.345, 2) == 2.35 or ag.round(2.345, 2) == 2.34


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: ag.tanh("1"),
            "tanh takes numbers and Values, or lists and arrays of them: expected a real number, got str '1'",
        ),
        (lambda: ag.tanh(Value(1.0), 2), r"tanh\(x\): too many positional arguments"),
        (lambda: ag.maximum(1.0), r"maximum\(x, y\): missing a required argument: 'y'"),
        (lambda: ag.tanh({"x": 1.0}), "or lists and arrays of them: expected a real number, got dict"),
        (lambda: ag.hypot(Value(1.0), "a"), "hypot takes numbers and Values"),
        (lambda: ag.exp(1j), "got complex 1j"),
        (lambda: ag.leaky_relu(1.0, slope=1), "unexpected keyword argument 'slope'"),
        (lambda: Op("f", 3, lambda ans, x: (x,)), "needs a function as its value; got int 3"),  # type: ignore[arg-type]
        (lambda: Op("f", abs, 3), "needs a function or a tuple as its partials"),  # type: ignore[arg-type]
        (lambda: Op("", abs, lambda ans, x: (x,)), "needs a name first"),
        (lambda: Op("f", abs, lambda ans: ()), "takes the value and each operand"),
        (lambda: Op("f", abs, lambda ans, x: x)(Value(1.0)), "must return a tuple with one derivative for each"),
        (lambda: Op("f", abs, lambda ans, x: (x, x))(Value(1.0)), "must return a tuple with one derivative for each"),
        (lambda: Op("f", _text, lambda ans, x: (x,))(Value(1.0)), "expected a real number, got str 'a'"),
    ],
)
def test_misuse_says_what_was_expected(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call()


def test_primitives_copy_as_themselves_and_pickle() -> None:
    assert copy.deepcopy(ag.tanh) is ag.tanh
    assert pickle.loads(pickle.dumps(ag.tanh)) is ag.tanh


# ---- A user's own primitive ---------------------------------------------------------------

cube = Op("cube", lambda x: x * x * x, lambda ans, x: (3 * x * x,))
fma = Op("fma", lambda x, y, z: x * y + z, lambda ans, x, y, z: (y, x, 1.0), symbol="fma")
total = Op("total", lambda *xs: math.fsum(xs), lambda ans, *xs: (1.0,) * len(xs), symbol="Σ")
loglog = Op("loglog", lambda x: math.log(math.log(x)), lambda ans, x: (1 / (x * ops.log(x)),), otherwise=-inf)


def test_own_primitive_has_derivatives_of_any_order() -> None:
    assert ag.grad(cube)(2.0) == 12.0
    assert ag.grad(ag.grad(cube))(2.0) == 12.0
    assert ag.grad(ag.grad(ag.grad(cube)))(2.0) == 6.0


def test_own_primitive_of_three_operands() -> None:
    x, y, z = Value(2.0), Value(3.0), Value(4.0)
    (fma(x, y, z) ** 2).backward()
    assert (x.grad, y.grad, z.grad) == (60.0, 40.0, 20.0)
    assert hessian(lambda v: fma(*v) ** 2)([2.0, 3.0, 4.0]) == [[18.0, 32.0, 6.0], [32.0, 8.0, 4.0], [6.0, 4.0, 2.0]]
    assert fma(x, x, 1.0).operands == (x, x, 1.0)


def test_own_primitive_of_any_number_of_operands() -> None:
    xs = [Value(float(i)) for i in range(5)]
    (total(*xs) * xs[1]).backward()
    assert [x.grad for x in xs] == [1.0, 11.0, 1.0, 1.0, 1.0]
    assert total(1.0, 2.0) == 3.0


def test_own_primitive_where_python_raises() -> None:
    assert loglog(0.5) == -inf
    x = Value(1.0)
    loglog(x).backward()
    assert x.grad == inf


def test_own_primitive_may_use_pythons_power_in_its_partials() -> None:
    quart = Op("quart", lambda x: x * x * x * x, lambda ans, x: (4 * x**3,))
    for i in range(1, 100):
        assert ag.grad(ag.grad(quart))(0.1 * i) == pytest.approx(12 * (0.1 * i) ** 2)


def test_own_partials_may_divide_by_zero_in_any_way() -> None:
    own = Op("own", lambda x: x, lambda ans, x: (1 / abs(x) + x**-1.0 + (1 % x if x else 0.0),))
    x = Value(0.0)
    own(x).backward()
    assert x.grad == inf


def test_partials_with_keyword_only_operands_are_refused() -> None:
    with pytest.raises(TypeError, match="without keyword-only ones"):
        Op("f", lambda x, alpha=1.0: x, lambda ans, x, *, alpha=1.0: (alpha,))


def test_polygamma_takes_the_order_first_and_whole_orders_only() -> None:
    assert ag.polygamma(1, 2.5) == pytest.approx(0.4903577561002348)
    assert math.isnan(ag.polygamma(2.5, 1.0))
    assert math.isnan(ag.polygamma(-1, 2.0))


# ---- The page on accuracy ----------------------------------------------------------------


ACCURACY = runpy.run_path(str(Path(__file__).parent.parent / "benchmarks" / "accuracy" / "ulps.py"))


def _figures() -> dict[str, list[float]]:
    """The three figures of each primitive on the page."""
    page = (Path(__file__).parent.parent / "docs" / "accuracy.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| `")]
    return {row[0].split("`")[1]: [float(cell.strip(" |")) for cell in row[2:]] for row in rows}


def test_the_page_on_accuracy_lists_every_primitive_and_explains_large_errors() -> None:
    figures = _figures()
    assert set(figures) == set(primitives) - {"direction"}
    assert {name for name, found in figures.items() if max(found) > 10} <= set(ACCURACY["NOTES"])


@pytest.mark.parametrize("name", ACCURACY["DOMAINS"])
def test_the_page_on_accuracy_holds(name: str) -> None:
    bounds = _figures()[name]
    for box, point in ACCURACY["points"](name, 8):
        for error, bound in zip(ACCURACY["errors"](name, box, point), bounds, strict=True):
            assert error <= 2 * bound + 2, point  # as C libraries differ

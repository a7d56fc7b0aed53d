"""Properties of the whole engine over random programs: to the bit where they are exact, else within rounding."""

import math
from collections.abc import Callable
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite import Value, grad, hessian, jvp
from autograd_lite.testing import check_gradients, rounding_tolerance
from autograd_lite.testing.numbers import Dual
from autograd_lite.testing.strategies import Program, finite_floats, mlps, points_for, programs


@st.composite
def placed(draw: st.DrawFn) -> tuple[Program, list[float]]:
    """A program and a point for it."""
    program = draw(programs(max_ops=12))
    return program, draw(points_for(program))


def gradient_of(program: Program, x: list[float], seed: float = 1.0, times: int = 1) -> list[float]:
    values = [Value(number) for number in x]
    result = program(*values)
    for _ in range(times):
        result.backward(seed)
    return [value.grad for value in values]


def agree(f: Any, x: list[float], found: list[float], expected: list[float]) -> bool:
    """Whether two gradients of f agree within what rounding explains."""
    tolerances = rounding_tolerance(f, x)
    return all(a == b or abs(a - b) <= tolerance for a, b, tolerance in zip(found, expected, tolerances, strict=True))


# ---- To the bit -------------------------------------------------------------------------


@given(placed())
def test_a_seed_of_zero_gives_zeros(case: tuple[Program, list[float]]) -> None:
    assert gradient_of(*case, seed=0.0) == [0.0] * len(case[1])


@given(placed(), st.integers(-20, 20))
def test_a_seed_of_a_power_of_two_scales_exactly(case: tuple[Program, list[float]], power: int) -> None:
    plain = gradient_of(*case)
    assume(all(g == 0 or abs(g) > 1e-250 for g in plain))
    assert gradient_of(*case, seed=2.0**power) == [g * 2.0**power for g in plain]


@given(placed())
def test_backward_twice_doubles_the_leaves(case: tuple[Program, list[float]]) -> None:
    assert gradient_of(*case, times=2) == [2 * g for g in gradient_of(*case)]


@given(placed(), placed())
def test_swapped_operands_of_sums_and_products_change_nothing(
    first: tuple[Program, list[float]], second: tuple[Program, list[float]]
) -> None:
    (f, x), (g, y) = first, second

    def gradient(combined: Callable[[Any, Any], Any]) -> list[float]:
        a, b = [Value(number) for number in x], [Value(number) for number in y]
        combined(f(*a), g(*b)).backward()
        return [value.grad for value in a + b]

    assert gradient(lambda p, q: p * q + (p + q)) == gradient(lambda p, q: (q + p) + q * p)


@given(placed(), placed())
def test_operations_that_lead_nowhere_change_nothing(
    first: tuple[Program, list[float]], second: tuple[Program, list[float]]
) -> None:
    (f, x), (g, _) = first, second
    values = [Value(number) for number in x]
    result = f(*values)
    assert g(*(values * g.inputs)[: g.inputs]) is not None  # recorded from the same leaves, and not used
    result.backward()
    assert [value.grad for value in values] == gradient_of(f, x)


@given(placed())
def test_a_gradient_that_is_a_graph_has_the_same_numbers(case: tuple[Program, list[float]]) -> None:
    f, x = case
    values = [Value(number) for number in x]
    f(*values).backward(create_graph=True)
    assert [v.grad.data if isinstance(v.grad, Value) else v.grad for v in values] == gradient_of(f, x)


# ---- Within rounding --------------------------------------------------------------------


@given(placed())
def test_gradients_and_hessians_agree_with_the_oracle(case: tuple[Program, list[float]]) -> None:
    f, x = case
    report = check_gradients(f, *x)
    assert not report.mismatches


@given(placed(), finite_floats(), finite_floats())
def test_the_gradient_is_linear(case: tuple[Program, list[float]], a: float, b: float) -> None:
    f, x = case
    other: Callable[[Any], Any] = lambda v: ag.sin(v[0]) * v[-1]
    combined = lambda v: a * f(*v) + b * other(v)
    separate = [a * p + b * q for p, q in zip(gradient_of(f, x), grad(other)(x), strict=True)]
    assert agree(combined, x, grad(combined)(x), separate)


@given(placed())
def test_the_chain_rule(case: tuple[Program, list[float]]) -> None:
    f, x = case
    composed = lambda v: ag.tanh(f(*v))
    outer = grad(ag.tanh)(f(*x))
    assert agree(composed, x, grad(composed)(x), [outer * g for g in gradient_of(f, x)])


@given(placed())
def test_two_roots_are_their_sum(case: tuple[Program, list[float]]) -> None:
    f, x = case
    values = [Value(number) for number in x]
    root, other = f(*values), ag.sin(values[0])
    root.backward()
    other.backward()
    together = lambda v: f(*v) + ag.sin(v[0])
    assert agree(together, x, [value.grad for value in values], grad(together)(x))


@given(placed())
def test_a_shared_subexpression_is_its_copy(case: tuple[Program, list[float]]) -> None:
    f, x = case
    copied = lambda v: f(*v) * f(*v)

    def shared(v: Any) -> Any:
        y = f(*v)
        return y * y

    assert agree(copied, x, grad(shared)(x), grad(copied)(x))


@given(placed())
def test_forward_mode_is_reverse_mode(case: tuple[Program, list[float]]) -> None:
    f, x = case
    n = len(x)
    units = [[float(i == j) for j in range(n)] for i in range(n)]
    on_list = lambda v: f(*v)
    reverse = gradient_of(f, x)
    assert agree(on_list, x, [jvp(on_list, (x,), (unit,))[1] for unit in units], reverse)
    dual = f(*(Dual(number, unit) for number, unit in zip(x, units, strict=True)))
    assert agree(on_list, x, dual.tangents, reverse)


@given(placed())
def test_log_of_exp_is_the_identity(case: tuple[Program, list[float]]) -> None:
    f, x = case
    roundabout = lambda v: ag.log(ag.exp(ag.tanh(f(*v))))
    straight = lambda v: ag.tanh(f(*v))
    assert agree(roundabout, x, grad(roundabout)(x), grad(straight)(x))


@given(placed())
def test_hessians_are_symmetric(case: tuple[Program, list[float]]) -> None:
    f, x = case
    on_list = lambda v: f(*v)
    H = hessian(on_list)(x)
    n = range(len(x))
    tolerances = rounding_tolerance(on_list, x, order=2)
    allowed = [[tolerances[i * len(x) + j] + tolerances[j * len(x) + i] for j in n] for i in n]
    assert all(abs(H[i][j] - H[j][i]) <= allowed[i][j] for i in n for j in n)


@given(mlps(), st.data())
def test_gradients_of_networks_agree_with_the_oracle(model: Any, data: st.DataObject) -> None:
    nin = len(model.layers[0].neurons[0].w)
    x = data.draw(st.lists(finite_floats(), min_size=nin, max_size=nin))

    def loss(model: Any) -> Any:
        outputs = model(x)
        return sum(y * y for y in (outputs if isinstance(outputs, list) else [outputs]))

    report = check_gradients(loss, model, order=1, modes=("reverse",), oracle="high_precision")
    assert report.ok or not report.mismatches
    assert len(report.comparisons) == len(model.parameters())
    assert not any(math.isnan(c.analytic) for c in report.comparisons)

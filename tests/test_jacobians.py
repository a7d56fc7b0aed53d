"""Jacobians in forward and in reverse mode, and Hessians: they agree, compose, and take the shorter way."""

import math
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite import Value, core, grad, hessian, jacfwd, jacobian, jacrev, jit, jvp
from autograd_lite.errors import AnomalyError, ArgumentError
from autograd_lite.testing.edges import EDGE_TABLE, EdgeCase
from autograd_lite.testing.strategies import Program, points_for, programs
from tests.test_compiled import random_programs
from tests.test_readme import blocks

JACOBIANS = [jacfwd, jacrev, jacobian]
NOT_A_FUNCTION: Any = 3.0


def pendulum(p: Any, steps: int = 30) -> Any:
    """Positions and speeds of a simulation, each computed from the last."""
    x, v, found = 1.0, 0.0, []
    for _ in range(steps):
        v = v - 0.1 * (p[0] * ag.sin(x) + p[1] * v)
        x = x + 0.1 * v
        found += [x, v]
    return found


def inside(x: Any) -> Any:
    """Terms cancel, and an infinite derivative meets what is left."""
    return ag.sqrt(x - x)


def outside(x: Any) -> Any:
    """An infinite derivative meets terms that cancel later."""
    y = ag.sqrt(x)
    return y - y


def same(a: Any, b: Any) -> bool:
    return np.array_equal(a, b, equal_nan=True)


@pytest.fixture(params=JACOBIANS, ids=lambda jac: jac.__name__)
def jac(request: pytest.FixtureRequest) -> Any:
    return request.param


# ---- Both directions ----------------------------------------------------------------------


@given(programs(max_ops=8).flatmap(lambda program: st.tuples(st.just(program), points_for(program))))
def test_forward_and_backward_agree(case: tuple[Program, list[float]]) -> None:
    program, point = case

    def f(v: Any) -> Any:
        y = program(*v)
        return [y, {"a": ag.tanh(y) * v[0], "b": v[-1]}, 2.0]

    for derivative in (f, lambda v: [grad(lambda w: f(w)[1]["a"])(v)]):
        forward, backward = (ag.pytree.flatten(jac(derivative)(point))[0] for jac in (jacfwd, jacrev))
        scale = 1.0 + max(map(abs, backward))
        assert forward == pytest.approx(backward, rel=0.0, abs=1e-10 * scale)


@pytest.mark.parametrize("case", EDGE_TABLE, ids=lambda case: f"{case.expression} at {case.point}")
def test_they_agree_at_the_edges(case: EdgeCase) -> None:
    places = tuple(range(len(case.point)))
    assert same(*[jac(case.function, places)(*case.point) for jac in (jacfwd, jacrev)])


def test_they_differ_where_an_infinite_derivative_meets_terms_that_cancel() -> None:
    assert (jacfwd(inside)(0.0), jacrev(outside)(0.0)) == (0.0, 0.0)
    assert math.isnan(jacrev(inside)(0.0))
    assert math.isnan(jacfwd(outside)(0.0))


def test_they_differ_where_a_product_overflows_on_the_way() -> None:
    f: Callable[[Any], Any] = lambda x: x * 1e200 * 1e200 * 1e-300
    assert (jacfwd(f)(0.0), jacrev(f)(0.0)) == (math.inf, pytest.approx(1e100))


def test_finite_numbers_agree_wherever_a_program_goes() -> None:
    for program, point in random_programs(300, domain_safe=False):
        forward, backward = (jac(lambda v, program=program: [program(*v)])(point)[0] for jac in (jacfwd, jacrev))
        pairs = [pair for pair in zip(forward, backward, strict=True) if all(map(math.isfinite, pair))]
        assert all(math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-12) for a, b in pairs)


def test_jacobian_goes_forward_unless_there_are_more_arguments_than_results() -> None:
    assert jacobian(inside)(0.0) == 0.0
    assert jacobian(lambda x: [inside(x), 1.0])(0.0) == [0.0, 0.0]
    assert jacobian(lambda v: outside(v[0]))([0.0, 1.0]) == [0.0, 0.0]


def test_each_row_is_a_gradient_and_each_column_a_derivative_along_an_argument(jac: Any) -> None:
    p = [1.5, 0.25]
    J = jac(pendulum)(p)
    columns = [jvp(pendulum, (p,), (unit,))[1] for unit in ([1.0, 0.0], [0.0, 1.0])]
    rows = [grad(lambda q, i=i: pendulum(q)[i])(p) for i in range(60)]
    assert np.allclose(J, np.transpose(columns), rtol=1e-12, atol=1e-13)
    assert np.allclose(J, rows, rtol=1e-12, atol=1e-13)


@pytest.mark.skipif(not core.COMPILED, reason="plain Python needs seconds for it, and has no parts")
def test_a_number_that_depends_on_thousands_of_arguments() -> None:
    def running(v: Any) -> Any:
        total, found = 0.0, []
        for i, x in enumerate(v):
            total = total + (i + 1.0) * x
            found.append(total)
        return [found[0], found[-1]]

    n = 3000
    assert jacfwd(running)([1.0] * n) == [[1.0] + [0.0] * (n - 1), [i + 1.0 for i in range(n)]]


# ---- Structures and kinds -------------------------------------------------------------------


def test_results_and_arguments_of_any_structure(jac: Any) -> None:
    def f(p: Any) -> Any:
        return {"y": p["a"] * p["b"][0], "z": (p["b"][1], 5.0)}

    none = {"a": 0.0, "b": [0.0, 0.0]}
    expected = {"y": {"a": 3.0, "b": [2.0, 0.0]}, "z": ({"a": 0.0, "b": [0.0, 1.0]}, none)}
    assert jac(f)({"a": 2.0, "b": [3.0, 4.0]}) == expected
    assert jac(lambda x: x)(2) == 1.0
    assert jac(lambda v: [v[0], v[0], None])([1.0]) == [[1.0], [1.0], None]


def test_nothing_in_or_nothing_out(jac: Any) -> None:
    assert jac(lambda v: [])([1.0]) == []
    assert jac(lambda v: [1.0, 2.0])([]) == [[], []]
    assert jac(lambda v: [])([]) == []


def test_arrays_give_arrays(jac: Any) -> None:
    J = jac(lambda v: v * v)(np.array([1.0, 2.0]))
    assert (J.dtype, J.tolist()) == (float, [[2.0, 0.0], [0.0, 4.0]])


def test_argnums_and_argnames(jac: Any) -> None:
    def f(a: Any, *, b: Any) -> Any:
        return [a * b, b]

    assert jac(f)(2.0, b=3.0) == [3.0, 0.0]
    assert jac(f, argnames=("a", "b"))(2.0, b=3.0) == [(3.0, 2.0), (0.0, 1.0)]
    assert jac(f, (0,))(2.0, b=3.0) == [(3.0,), (0.0,)]


def test_zero_is_never_negative(jac: Any) -> None:
    entries = jac(lambda v: [-0.0 * v[0], v[0] * v[1] * -1.0])([0.0, 0.0])
    assert str(entries) == "[[0.0, 0.0], [0.0, 0.0]]"


def test_values_give_values_that_can_be_differentiated_again(jac: Any) -> None:
    x = Value(2.0)
    [[entry], [constant]] = jac(lambda v: [v[0] ** 3, 4.0])([x])
    entry.backward()
    assert (entry.data, x.grad, constant.data) == (12.0, 12.0, 0.0)
    with ag.no_grad():
        assert not jac(lambda v: v**3)(x).requires_grad


def test_closing_over_an_argument_of_an_enclosing_transform(jac: Any) -> None:
    assert grad(lambda p: jac(lambda x: [p * x * x, x])(3.0)[0])(2.0) == 6.0
    assert jac(lambda p: jac(lambda x: [p * x, p * p])(3.0))(2.0) == [1.0, 0.0]
    assert type(jac(lambda p: jac(ag.sin)(3.0))(2.0)) is float


def test_a_compiled_function_inside(jac: Any) -> None:
    assert np.allclose(jac(jit(pendulum))([1.5, 0.25]), jac(pendulum)([1.5, 0.25]), rtol=1e-12, atol=1e-13)


# ---- Second and third derivatives -------------------------------------------------------------


@pytest.mark.parametrize("outer", JACOBIANS)
@pytest.mark.parametrize("inner", [*JACOBIANS, grad])
def test_all_compositions_give_the_hessian(outer: Any, inner: Any) -> None:
    f: Callable[[Any], Any] = lambda v: ag.exp(v[0] * v[1]) + ag.sin(v[1]) * v[2] ** 2
    x = [0.5, -1.5, 2.0]
    assert np.allclose(outer(inner(f))(x), hessian(f)(x), rtol=1e-13, atol=1e-15)
    assert np.allclose(jacfwd(outer(inner(f)))(x), jacrev(outer(inner(f)))(x), rtol=1e-12, atol=1e-13)


def test_the_hessian_goes_forward_over_reverse() -> None:
    f: Callable[[Any], Any] = lambda v: ag.tanh(v[0] * ag.exp(v[1])) / v[0]
    assert hessian(f)([0.3, 0.7]) == jacfwd(grad(f))([0.3, 0.7])


# ---- Compiled -----------------------------------------------------------------------------


@pytest.mark.parametrize("transform", [*JACOBIANS, lambda f: hessian(lambda p: ag.sum(f(p)))])
def test_compiled_it_is_the_same_to_the_last_bit(transform: Any) -> None:
    derivative = transform(pendulum)
    compiled = jit(derivative)
    for p in ([1.5, 0.25], [0.0, -0.0], [math.inf, 1.0]):
        assert same(np.array(flat(compiled(p))), np.array(flat(derivative(p))))


def flat(tree: Any) -> list[float]:
    return ag.pytree.flatten(tree)[0]


def test_few_arguments_take_a_program_as_long_as_the_function() -> None:
    lengths = []
    for steps in (10, 20):
        compiled = jit(jacobian(lambda p, steps=steps: pendulum(p, steps)))
        compiled([1.5, 0.25])
        lengths.append(len(compiled.program))
    assert lengths[1] < 2.2 * lengths[0]


# ---- Misuse -----------------------------------------------------------------------------


def test_an_infinite_derivative_on_the_way_to_a_result_is_an_anomaly(jac: Any) -> None:
    with ag.detect_anomaly():
        with pytest.raises(AnomalyError, match=r"(through|of) sqrt is inf"):
            jac(lambda x: 2.0 * ag.sqrt(x))(0.0)
        assert jac(lambda v: ag.where(v[0] > 0, v[0], v[1]))([0.0, 1.0]) == [0.0, 1.0]


def test_a_tangent_that_reaches_no_result_is_no_anomaly() -> None:
    with ag.detect_anomaly():
        assert jacfwd(lambda x: ag.where(x > 0, ag.sqrt(x), x))(0.0) == 1.0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda jac: jac(NOT_A_FUNCTION), TypeError, "takes a function, not its result"),
        (lambda jac: jac(lambda x: "a")(1.0), TypeError, "got str 'a'"),
        (lambda jac: jac(lambda x: x)("a"), TypeError, "got str 'a'"),
        (lambda jac: jac(lambda x: (x, "aux"))(1.0), TypeError, r"got str 'aux' at \[1\]"),
        (lambda jac: jac(lambda x: x, 1)(1.0), ArgumentError, "argnums has 1"),
        (lambda jac: jac(lambda x: x, 0, argnames="x"), ArgumentError, "argnums or argnames, not both"),
    ],
)
def test_misuse_says_what_was_expected(call: Any, error: type[Exception], message: str, jac: Any) -> None:
    with pytest.raises(error, match=message):
        call(jac)


def test_they_pickle_as_the_transform_and_the_function(jac: Any) -> None:
    again = pickle.loads(pickle.dumps(jac(pendulum)))
    assert again([1.5, 0.25]) == jac(pendulum)([1.5, 0.25])
    assert repr(again) == f"<{jac.__name__} of pendulum>"


def test_the_guide_is_so() -> None:
    pytest.importorskip("scipy")
    names: dict[str, Any] = {}
    checked = 0
    for block in blocks(Path(__file__).parent.parent / "docs" / "jacobians.md"):
        exec(block, names)
        for expression, expected in re.findall(r"^(\S.*\S)  # (.+)$", block, re.MULTILINE):
            assert repr(eval(expression, names)) == expected
            checked += 1
    assert checked == 8

"""grad and its kin: values, structures, composition, errors."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import Value, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from autograd_lite.errors import ArgumentError

NOT_A_FUNCTION: Any = 3.0


def rosenbrock(v: Any) -> Any:
    return 100 * (v[1] - v[0] ** 2) ** 2 + (1 - v[0]) ** 2


# ---- Kinds of numbers -------------------------------------------------------------------


def test_floats_in_floats_out() -> None:
    assert type(grad(ag.sin)(1.0)) is float
    assert type(grad(lambda x: 3.0)(1)) is float
    value, gradient = value_and_grad(ag.sin)(1.0)
    assert (type(value), type(gradient)) == (float, float)
    assert type(jvp(ag.sin, (1.0,), (1.0,))[1]) is float
    assert type(vjp(ag.sin, 1.0)[1](1.0)[0]) is float


def test_values_in_values_out() -> None:
    x = Value(2.0)
    gradient = grad(lambda v: v**3)(x)
    assert isinstance(gradient, Value)
    gradient.backward()
    assert (gradient.data, x.grad) == (12.0, 12.0)
    assert isinstance(grad(lambda v: 3 * v)(x), Value)
    assert isinstance(grad(lambda v: 3.0)(x), Value)
    assert all(isinstance(t, Value) for t in jvp(ag.sin, (x,), (1.0,)))
    assert isinstance(jvp(ag.sin, (1.0,), (Value(1.0),))[1], Value)


def test_the_gradients_of_the_arguments_and_of_what_is_closed_over_stay_as_they_were() -> None:
    x, w = Value(2.0), Value(3.0)
    h = w * 2.0
    h.backward()
    before = (w.grad, h.grad)
    assert grad(lambda v: v * h)(2.0) == 6.0
    assert grad(lambda v: v * h)(x).data == 6.0
    assert (w.grad, h.grad, x.has_grad) == (*before, False)


def test_closing_over_an_argument_of_an_enclosing_transform() -> None:
    assert grad(lambda p: grad(lambda x: p * x * x)(3.0))(2.0) == 6.0
    assert grad(lambda x: x * grad(lambda y: x * y)(x))(3.0) == 6.0  # Siskind and Pearlmutter's confusion of x and y
    assert grad(lambda x: x * jvp(lambda y: x + y, (1.0,), (1.0,))[1])(1.0) == 1.0
    assert grad(lambda x: math.sqrt(grad(ag.square)(2.0)) * x)(1.0) == 2.0  # nothing closed over: a float, also inside


def test_a_detached_argument_still_gives_its_gradient() -> None:
    assert grad(lambda v: v * v)(Value(3.0).detach()).data == 6.0


# ---- Structures -------------------------------------------------------------------------


class Point(NamedTuple):
    x: Any
    y: Any


@pytest.mark.parametrize(
    ("f", "argument", "gradient"),
    [
        (lambda v: v[0] * v[1], [2.0, 3.0], [3.0, 2.0]),
        (lambda v: v[0] * v[1], (2, 3), (3.0, 2.0)),
        (lambda v: v.x * v.y, Point(2.0, 3.0), Point(3.0, 2.0)),
        (lambda v: v["w"][0] * v["b"], {"w": [2.0], "b": 3.0}, {"w": [3.0], "b": 2.0}),
        (lambda v: 5.0, [2.0, [3.0]], [0.0, [0.0]]),
    ],
)
def test_the_gradient_has_the_structure_of_the_argument(f: Callable[[Any], Any], argument: Any, gradient: Any) -> None:
    found = grad(f)(argument)
    assert found == gradient
    assert type(found) is type(gradient)


def test_numpy_arrays_are_structures() -> None:
    W = np.array([[1.0, 2.0], [3.0, 4.0]])
    found = grad(lambda w: (w @ np.array([1.0, 10.0])).sum())(W)
    assert isinstance(found, np.ndarray)
    assert found.dtype == float
    assert found.tolist() == [[1.0, 10.0], [1.0, 10.0]]


def f(a: Any, b: Any, *, c: Any = 2.0) -> Any:
    return a * b**2 * c


def test_argnums_and_argnames_choose_the_arguments() -> None:
    assert grad(f)(2.0, 3.0) == 18.0
    assert grad(f, 1)(2.0, 3.0) == 24.0
    assert grad(f, -1)(2.0, 3.0) == 24.0
    assert grad(f, (1, 0))(2.0, 3.0) == (24.0, 18.0)
    assert grad(f, argnames="c")(2.0, 3.0, c=1.0) == 18.0
    assert grad(f, argnames=("b", "c"))(2.0, 3.0, c=1.0) == (12.0, 18.0)
    assert grad(f, argnames="b")(2.0, b=3.0) == 24.0
    assert value_and_grad(f, argnums=[0])(2.0, 3.0) == (36.0, (18.0,))
    assert hessian(f, (0, 1))(2.0, 3.0) == ((0.0, 12.0), (12.0, 8.0))


def test_has_aux_passes_the_rest_through() -> None:
    g = value_and_grad(lambda x: (x * x, {"seen": "it"}), has_aux=True)
    assert g(3.0) == ((9.0, {"seen": "it"}), 6.0)
    assert grad(lambda x: (x * x, "aux"), has_aux=True)(3.0) == (6.0, "aux")


def test_jacobian_and_hessian_of_lists_are_matrices() -> None:
    assert jacobian(lambda v: [v[0] * v[1], v[0], 7.0])([2.0, 3.0]) == [[3.0, 2.0], [1.0, 0.0], [0.0, 0.0]]
    assert jacobian(lambda v: {"a": v[0] * 2})([2.0, 3.0]) == {"a": [2.0, 0.0]}
    assert hessian(rosenbrock)([1.0, 1.0]) == [[802.0, -400.0], [-400.0, 200.0]]


def test_the_same_result_twice_counts_twice_in_a_vjp() -> None:
    def twice(x: Any) -> Any:
        y = x * x
        return [y, y]

    assert vjp(twice, 3.0)[1]([1.0, 10.0]) == (66.0,)


# ---- Composition ------------------------------------------------------------------------


def test_derivatives_of_any_order() -> None:
    g: Any = ag.sin
    for order in range(1, 7):
        g = grad(g)
        assert g(0.7) == pytest.approx(math.sin(0.7 + order * math.pi / 2), rel=1e-15)


def test_forward_over_reverse_is_reverse_over_reverse() -> None:
    x, v = [1.5, -0.5], [0.3, 0.7]
    H = hessian(rosenbrock)(x)
    expected = [sum(h * d for h, d in zip(row, v, strict=True)) for row in H]
    assert hvp(rosenbrock, (x,), (v,)) == pytest.approx(expected, rel=1e-14)
    assert hvp(lambda a, b: a * b, (2.0, 3.0), (1.0, 0.0)) == (0.0, 1.0)


def test_jvp_of_jvp_is_a_second_derivative() -> None:
    assert jvp(lambda x: jvp(ag.exp, (x,), (1.0,))[1], (0.5,), (1.0,))[1] == math.exp(0.5)
    assert grad(lambda x: jvp(lambda y: y**3, (x,), (1.0,))[1])(2.0) == 12.0


def test_vjp_is_differentiable_by_its_cotangent() -> None:
    _, pullback = vjp(lambda x: x * x, 3.0)
    assert grad(lambda c: pullback(c)[0])(1.0) == 6.0


def test_stop_gradient() -> None:
    assert grad(lambda x: x * ag.stop_gradient(x))(3.0) == 3.0
    assert ag.stop_gradient(2.0) == 2.0


def test_a_tangent_of_zero_contributes_nothing_where_a_partial_is_infinite() -> None:
    assert jvp(lambda x, y: ag.sqrt(x) + y, (0.0, 1.0), (0.0, 1.0)) == (1.0, 1.0)
    assert jvp(lambda x: ag.where(x > 0, ag.log(x), 0.0), (0.0,), (1.0,)) == (0.0, 0.0)


def test_wrapped_functions_keep_their_name() -> None:
    def loss(x: Any) -> Any:
        """How wrong."""
        return x

    assert grad(loss).__name__ == "loss"
    assert grad(loss).__doc__ == "How wrong."


def test_the_function_may_change_its_argument() -> None:
    assert grad(lambda p: p.pop("a") ** 2 + p["b"])({"a": 3.0, "b": 1.0}) == {"a": 6.0, "b": 1.0}
    given = [1.0, 2.0]
    assert jacobian(lambda v: [v.pop(0) * 3, v.append(0.0) or v[0]])(given) == [[3.0, 0.0], [0.0, 1.0]]
    assert vjp(lambda v: v.pop() * v.pop(), given)[1](1.0) == ([2.0, 1.0],)
    assert given == [1.0, 2.0]


@pytest.mark.parametrize("f", [lambda x: ag.sqrt(ag.relu(x)), lambda x: ag.log(ag.where(x > 0, x, 0.0))])
def test_a_partial_of_zero_contributes_nothing_in_either_mode(f: Callable[[Any], Any]) -> None:
    assert grad(f)(-1.0) == 0.0
    assert jvp(f, (-1.0,), (1.0,))[1] == 0.0
    assert grad(grad(f))(-1.0) == 0.0


def test_the_norm_is_smooth_on_the_axes() -> None:
    assert hessian(ag.norm)([0.0, 3.0]) == [[1 / 3, 0.0], [0.0, 0.0]]
    assert hessian(ag.norm)([3.0, 0.0]) == [[0.0, 0.0], [0.0, 1 / 3]]


def test_a_value_in_an_argument_not_chosen_makes_the_gradient_a_value() -> None:
    w = Value(3.0)
    gradient = grad(lambda x, w: x * x * w)(2.0, w)
    gradient.backward()
    assert (gradient.data, w.grad) == (12.0, 4.0)


def test_inside_no_grad_the_value_is_a_constant_too() -> None:
    x = Value(3.0)
    with ag.no_grad():
        value, gradient = value_and_grad(lambda y: y * x)(Value(2.0))
    assert not value.requires_grad
    assert not gradient.requires_grad

    def f(x: Any) -> Any:
        with ag.no_grad():
            value, _ = value_and_grad(lambda y: y**3 * x)(x)
        return value * x

    assert grad(f)(3.0) == 81.0


def test_a_pullback_answers_each_call_by_itself() -> None:
    _, pullback = vjp(lambda x: x * x, 3.0)
    assert isinstance(pullback(Value(1.0))[0], Value)
    assert pullback(1.0) == (6.0,)


def test_derivatives_of_functions_of_arrays_are_arrays() -> None:
    H = hessian(lambda v: v[0] ** 2 * v[1])(np.array([3.0, 5.0]))
    assert H.dtype == float
    assert H.tolist() == [[10.0, 6.0], [6.0, 0.0]]


# ---- Misuse -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: grad(NOT_A_FUNCTION),
            TypeError,
            r"takes a function, not its result, so write grad\(f\)\(x\); got float 3.0",
        ),
        (lambda: grad(lambda v: v)([1.0, 2.0]), TypeError, "returns one number; <lambda> returned list .*use jacobian"),
        (lambda: grad(ag.sin)("a"), TypeError, "expected numbers, or lists, tuples and dicts of them; got str 'a'"),
        (lambda: grad(ag.sin)({"a": [1.0, "b"]}), TypeError, r"got str 'b' at \['a'\]\[1\]"),
        (lambda: grad(f, 2)(1.0, 2.0), ArgumentError, "argnums has 2, and f was called with 2 positional arguments"),
        (lambda: grad(f, argnames="d")(1.0, 2.0), ArgumentError, "argnames has 'd', and f was called without"),
        (lambda: grad(f, 0, argnames="a"), ArgumentError, "argnums or argnames, not both"),
        (lambda: grad(f, "a"), TypeError, "argnums are whole numbers and argnames strings"),  # type: ignore[arg-type]
        (lambda: grad(f, ()), TypeError, "one at least"),
        (lambda: grad(ag.sin, has_aux=True)(1.0), TypeError, r"with has_aux=True .* must return \(result, aux\)"),
        (lambda: jvp(ag.sin, 1.0, 1.0), TypeError, r"primals is the tuple of all arguments, such as \(x,\)"),  # type: ignore[arg-type]
        (lambda: jvp(ag.sin, (1.0,), ([1.0],)), ArgumentError, "the tangents must have the structure of the primals"),
        (lambda: vjp(ag.sin, 1.0)[1]([1.0]), ArgumentError, "the cotangents must have the structure of the results"),
        (lambda: jacobian(lambda x: "a")(1.0), TypeError, "got str 'a'"),
        (lambda: grad(f, (0, -2))(1.0, 2.0), ArgumentError, "chosen twice"),
        (lambda: hvp(rosenbrock, 1.0, 1.0), TypeError, "primals is the tuple"),  # type: ignore[arg-type]
        (lambda: hvp(rosenbrock, ([1.0, 2.0],), ([1.0],)), ArgumentError, "2 numbers, got 1"),
    ],
)
def test_misuse_says_what_was_expected(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_an_error_inside_the_function_leaves_nothing_behind() -> None:
    with pytest.raises(ZeroDivisionError):
        grad(lambda x: x * (1 // 0))(1.0)
    assert type(grad(ag.sin)(1.0)) is float


@pytest.mark.parametrize("by", [grad, ag.jacfwd, ag.jacrev])
def test_a_derivative_by_one_argument_does_not_go_through_what_the_other_was_computed_from(by: Any) -> None:
    def rule(y: Any, x: Any) -> Any:  # y solves y**3 = x: y's history leads to this operation, and here again
        condition = lambda y, x: y**3 - x
        return (-by(condition, 1)(y, x) / by(condition, 0)(y, x),)

    root = ag.Op("root", math.cbrt, rule)
    assert grad(root)(8.0) == pytest.approx(1 / 12)
    assert grad(grad(root))(8.0) == pytest.approx(-1 / 144)

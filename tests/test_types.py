"""The types that an editor shows: mypy checks these lines, and they run."""

from collections.abc import Callable
from typing import Any, assert_type

import autograd_lite as ag
from autograd_lite import Value, grad, hessian, jacobian, jit, tanh, value_and_grad

v = Value(0.5)


def area(width: float, *, height: float = 2.0) -> float:
    return ag.mul(width, height)


def scaled(x: Value, factor: float, /) -> Value:
    return x * factor


def test_a_primitive_of_floats_is_a_float_and_of_values_a_value() -> None:
    assert_type(tanh(0.5), float)
    assert_type(tanh(1), float)
    assert_type(tanh(v), Value)
    assert_type(tanh(tanh(v)), Value)
    assert_type(ag.atan2(1.0, 2.0), float)
    assert_type(ag.atan2(v, 2.0), Value)
    assert_type(ag.atan2(1.0, v), Value)
    assert_type(ag.where(True, 1.0, v), Value)
    assert_type(ag.where(v > 0, v, 1.0), Value)
    assert_type(ag.leaky_relu(v, negative_slope=0.1), Value)
    assert_type(ag.leaky_relu(0.5, negative_slope=0.1), float)
    assert_type(ag.arctan(v), Value)


def test_a_number_of_either_kind_gives_one_of_either_kind() -> None:
    def either(x: Value | float) -> None:
        assert_type(tanh(x), Value | float)

    either(0.5)
    either(v)


def test_operators_and_methods_of_values_are_values() -> None:
    assert_type(v + 1, Value)
    assert_type(2.0 * v, Value)
    assert_type(v**2, Value)
    assert_type(v.exp(), Value)
    assert_type(v.clamp(min=0.0), Value)
    assert_type(v.requires_grad_(), Value)
    assert_type(v.data, float)
    assert_type(v > 0, bool)


def test_an_op_of_ones_own_has_the_same_types() -> None:
    cube = ag.Op("cube", lambda x: x * x * x, lambda ans, x: (3 * x * x,))
    assert_type(cube(2.0), float)
    assert_type(cube(v), Value)


def test_transforms_keep_the_arguments_of_a_function() -> None:
    assert_type(grad(scaled), Callable[[Value, float], Any])
    assert_type(value_and_grad(scaled), Callable[[Value, float], tuple[Any, Any]])
    assert_type(jacobian(scaled), Callable[[Value, float], Any])
    assert_type(hessian(scaled), Callable[[Value, float], Any])
    assert_type(value_and_grad(area)(1.0, height=3.0), tuple[Any, Any])
    value, gradient = value_and_grad(area)(1.0, height=3.0)
    assert (value, gradient) == (3.0, 3.0)


def test_jit_keeps_the_arguments_and_the_result() -> None:
    fast = jit(area)
    assert_type(fast(1.0, height=3.0), float)
    assert fast(1.0, height=3.0) == 3.0

    @jit(backend="python")
    def twice(x: Value) -> Value:
        return 2 * x

    assert_type(twice(v), Value)
    assert twice(v).data == 1.0


def test_what_a_function_does_not_take_is_an_error_to_mypy() -> None:
    # Each line would be fine to mypy if the arguments were not kept, and its comment then an unused one.
    for call in (
        lambda: grad(area)(1.0, depth=2.0),  # type: ignore[call-arg]
        lambda: jit(area)("1.0"),  # type: ignore[arg-type]
    ):
        try:
            call()
        except TypeError:
            continue
        raise AssertionError

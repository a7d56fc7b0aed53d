"""Properties of the whole engine over random expressions."""

import math
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite import Value, grad, hessian, jvp

_SMOOTH = [ag.sin, ag.cos, ag.tanh, ag.sigmoid, ag.softplus, ag.atan, ag.erf, ag.gelu, ag.asinh]
_SAFE_DOMAIN = [lambda x: ag.log(x * x + 1), lambda x: ag.sqrt(x * x + 1), lambda x: ag.exp(ag.sin(x))]
_BINARY = [
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: x * y,
    lambda x, y: x / (y * y + 1),
    lambda x, y: ag.hypot(x, y * y + 1),
]

floats = st.floats(-2, 2)


@st.composite
def expressions(draw: st.DrawFn) -> Any:
    """A random function of a list of three numbers, smooth everywhere, with shared subexpressions."""
    steps = draw(
        st.lists(
            st.one_of(
                st.tuples(st.sampled_from(_SMOOTH + _SAFE_DOMAIN), st.integers(0, 99)),
                st.tuples(st.sampled_from(_BINARY), st.integers(0, 99), st.integers(0, 99)),
            ),
            min_size=1,
            max_size=12,
        )
    )

    def f(v: list[Any]) -> Any:
        made = list(v)
        for function, *which in steps:
            made.append(function(*(made[i % len(made)] for i in which)))
        return made[-1]

    return f


points = st.lists(floats, min_size=3, max_size=3)


def _close(a: list[float], b: list[float], tolerance: float = 1e-9) -> bool:
    assume(all(math.isfinite(x) and abs(x) < 1e6 for x in [*a, *b]))
    scale = max(1.0, *map(abs, a), *map(abs, b))
    return all(math.isclose(x, y, rel_tol=tolerance, abs_tol=tolerance * scale) for x, y in zip(a, b, strict=True))


@given(expressions(), points)
def test_the_gradient_agrees_with_finite_differences(f: Any, x: list[float]) -> None:
    def difference(i: int, h: float) -> float:
        above, below = list(x), list(x)
        above[i] += h
        below[i] -= h
        return float(f(above) - f(below)) / (above[i] - below[i])

    # Richardson: the error of h^2 cancels between h and h/2.
    numeric = [(4 * difference(i, 5e-4) - difference(i, 1e-3)) / 3 for i in range(3)]
    assert _close(grad(f)(x), numeric, 1e-5)


@given(expressions(), points, points)
def test_forward_mode_is_reverse_mode(f: Any, x: list[float], direction: list[float]) -> None:
    backward = sum(g * d for g, d in zip(grad(f)(x), direction, strict=True))
    assert _close([jvp(f, (x,), (direction,))[1]], [backward])


@given(expressions(), expressions(), points, floats, floats)
def test_the_gradient_is_linear(f: Any, g: Any, x: list[float], a: float, b: float) -> None:
    combined = grad(lambda v: a * f(v) + b * g(v))(x)
    separate = [a * p + b * q for p, q in zip(grad(f)(x), grad(g)(x), strict=True)]
    assert _close(combined, separate)


@given(expressions(), points)
def test_mixed_second_derivatives_can_be_swapped(f: Any, x: list[float]) -> None:
    H = hessian(f)(x)
    assert _close([H[i][j] for i in range(3) for j in range(i)], [H[j][i] for i in range(3) for j in range(i)])


@given(expressions(), points)
def test_a_seed_of_zero_gives_zeros(f: Any, x: list[float]) -> None:
    values = [Value(number) for number in x]
    result = f(values)
    assume(isinstance(result, Value))
    result.backward(0.0)
    assert [v.grad for v in values] == [0.0, 0.0, 0.0]


@given(expressions(), points)
def test_a_seed_of_a_power_of_two_scales_exactly(f: Any, x: list[float]) -> None:
    first, second = [Value(number) for number in x], [Value(number) for number in x]
    f(first).backward()
    f(second).backward(8.0)
    assume(all(abs(v.grad) > 1e-290 or v.grad == 0 for v in first))
    assert [v.grad * 8.0 for v in first] == [v.grad for v in second]


@given(expressions(), points)
def test_backward_twice_doubles_the_leaves(f: Any, x: list[float]) -> None:
    values = [Value(number) for number in x]
    result = f(values)
    result.backward()
    once = [v.grad for v in values]
    result.backward()
    expected = 1 + once[values.index(result)] if result in values else None
    assert expected is not None or [v.grad for v in values] == [2 * g for g in once]


@given(expressions(), points)
def test_a_gradient_that_is_a_graph_has_the_same_numbers(f: Any, x: list[float]) -> None:
    assert _close([g.data for g in grad(f)([Value(number) for number in x])], grad(f)(x), 1e-15)

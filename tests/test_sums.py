"""The sums of the table, linear, dot, sum and mean: each one operation, and what it is written out, to the last bit."""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from math import inf, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_lite as ag
import autograd_lite.nn.functional as F  # noqa: N812 - PyTorch's habit
from autograd_lite import Op, Value, detect_anomaly, hessian, jit, nn, value_and_grad
from autograd_lite.core import graph, ops
from autograd_lite.core.operators import Operators
from autograd_lite.errors import AnomalyError, ArgumentError
from autograd_lite.jit.passes import write_out
from autograd_lite.testing import check_gradients, rounding_tolerance
from autograd_lite.testing.numbers import Complex, Dual
from autograd_lite.testing.precise import Precise


def _linear(b: Any, *factors: Any) -> Any:
    for w, x in zip(factors[::2], factors[1::2], strict=True):
        b = b + w * x
    return b


def _dot(x: Any, y: Any, *factors: Any) -> Any:
    return _linear(x * y, *factors)


def _sum(x: Any, *xs: Any) -> Any:
    for other in xs:
        x = x + other
    return x


def _mean(*xs: Any) -> Any:
    return _sum(*xs) / len(xs)


#: Each sum as it is written by hand.
BY_HAND: dict[Op, Callable[..., Any]] = {ops.linear: _linear, ops.dot: _dot, ops.sum_: _sum, ops.mean: _mean}
#: Counts of operands that each takes.
COUNTS = {
    ops.linear: st.integers(0, 4).map(lambda n: 2 * n + 1),
    ops.dot: st.integers(1, 4).map(lambda n: 2 * n),
    ops.sum_: st.integers(1, 8),
    ops.mean: st.integers(1, 8),
}
SPECIAL = [0.0, -0.0, 1.0, -1.0, inf, -inf, nan]

any_floats = st.one_of(st.sampled_from(SPECIAL), st.floats())
moderate = st.one_of(st.sampled_from(SPECIAL), st.integers(-32, 32).map(lambda i: i / 8))


@st.composite
def sums(draw: st.DrawFn, numbers: st.SearchStrategy[float], inputs: int = 3) -> tuple[Op, list[int | float]]:
    """A sum, and operands for it: positions of inputs, some of them several times, and constants."""
    op = draw(st.sampled_from(list(BY_HAND)))
    count = draw(COUNTS[op])
    places = st.one_of(st.integers(0, inputs - 1), numbers)
    return op, draw(st.lists(places, min_size=count, max_size=count))


def _given(operands: Sequence[int | float], v: Sequence[Any]) -> list[Any]:
    return [v[o] if type(o) is int else o for o in operands]


def _bits(x: float) -> str:
    return "nan" if x != x else x.hex()


def _same(found: Any, expected: Any) -> bool:
    """Equal but for the order in which contributions are added; inf and nan alike."""
    if isinstance(found, (list, tuple)):
        return all(_same(f, e) for f, e in zip(found, expected, strict=True))
    return (found != found and expected != expected) or math.isclose(found, expected, rel_tol=1e-13, abs_tol=1e-13)


# ---- The value and the derivatives --------------------------------------------------------


@given(sums(any_floats), st.lists(any_floats, min_size=3, max_size=3))
def test_a_sum_has_the_value_of_its_written_out_form_to_the_last_bit(
    of: tuple[Op, list[int | float]], at: list[float]
) -> None:
    op, operands = of
    expected = _bits(BY_HAND[op](*_given(operands, at)))
    assert _bits(op(*_given(operands, at))) == expected
    on_values = op(*_given(operands, [Value(x) for x in at]))
    assert _bits(on_values.data if isinstance(on_values, Value) else on_values) == expected


@given(sums(moderate), st.lists(moderate, min_size=3, max_size=3), moderate)
def test_the_gradients_of_a_sum_are_those_of_its_written_out_form_also_at_inf_and_nan(
    of: tuple[Op, list[int | float]], at: list[float], weight: float
) -> None:
    op, operands = of

    def gradient(form: Callable[..., Any]) -> list[float]:
        v = [Value(x) for x in at]
        (form(*_given(operands, v)) * weight * v[0]).backward()
        return [x.grad for x in v]

    assert _same(gradient(op), gradient(BY_HAND[op]))


@given(sums(moderate), st.lists(moderate, min_size=3, max_size=3), moderate)
def test_the_second_derivatives_of_a_sum_are_those_of_its_written_out_form_also_at_inf_and_nan(
    of: tuple[Op, list[int | float]], at: list[float], weight: float
) -> None:
    op, operands = of

    def second(form: Callable[..., Any]) -> Any:
        def f(v: list[Any]) -> Any:
            total = form(*_given(operands, v))
            return weight * total * total + total * v[0]

        return hessian(f)(at)

    assert _same(second(op), second(BY_HAND[op]))


@given(sums(moderate), st.lists(moderate, min_size=3, max_size=3), st.lists(moderate, min_size=3, max_size=3))
def test_forward_mode_agrees_with_the_written_out_form(
    of: tuple[Op, list[int | float]], at: list[float], along: list[float]
) -> None:
    op, operands = of

    def pushed(form: Callable[..., Any]) -> Any:
        return ag.jvp(lambda v: form(*_given(operands, v)) * v[0], (at,), (along,))

    assert _same(pushed(op), pushed(BY_HAND[op]))


def test_a_zero_adjoint_hides_what_is_infinite_in_a_sum() -> None:
    x, y = Value(0.0), Value(2.0)
    (ag.where(False, ag.dot([ag.log(x), y], [y, inf]), 0.0) + y).backward()
    assert (x.grad, y.grad) == (0.0, 1.0)


@pytest.mark.parametrize("op", BY_HAND, ids=str)
def test_a_sum_of_constants_takes_no_gradient(op: Op) -> None:
    frozen = Value(2.0).requires_grad_(False)
    assert not op(*[frozen] * 6 + [1.0] * (op is ops.linear)).requires_grad


@pytest.mark.parametrize("op", [ops.linear, ops.dot])
def test_factors_come_in_pairs(op: Op) -> None:
    for operands in ([1.0, 2.0], [1.0, 2.0, 3.0, 4.0]) if op is ops.linear else ([1.0], [1.0, 2.0, 3.0]):
        with pytest.raises(TypeError, match=f"{op.name} takes factors in pairs, such as w, x, w, x; got "):
            op(*operands)
        with pytest.raises(TypeError, match=f"{op.name} takes factors in pairs"):
            op(*map(Value, operands))


def test_an_anomaly_names_the_sum_and_its_operands() -> None:
    with detect_anomaly(), pytest.raises(AnomalyError, match=r"linear gave nan at b = 1.0, operand 1 = 0.0, x = inf"):
        F.linear([Value(inf, name="x")], [0.0], Value(1.0, name="b"))


# ---- The functions ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (ag.sum, "sum"),
        (lambda v: ag.sum([v[0], 2]), "sum"),
        (ag.mean, "mean"),
        (lambda v: ag.mean([v[0]]), "mean"),
        (lambda v: ag.dot(v, [1, Fraction(1, 3), np.float32(2.0)]), "dot"),
        (lambda v: F.linear([1.0, 2, True], v, 0.5), "linear"),
        (lambda v: F.linear([1.0, 2.0, 3.0], v), "dot"),
        (nn.Neuron(3, nonlin=False, rng=0), "linear"),
        (lambda v: nn.Linear(3, 2, bias=False, rng=0)(v)[1], "dot"),
        (lambda v: nn.mse_loss([v[0], v[1]], [1.0, 2.0]), "mean"),
        (lambda v: nn.mse_loss([v[0], v[1]], [1.0, 2.0], "sum"), "sum"),
        (lambda v: nn.cross_entropy([v], [[0.25, 0.25, 0.5]], "none")[0], "dot"),
    ],
)
def test_a_sum_of_values_is_one_operation(call: Callable[[list[Value]], Value], name: str) -> None:
    found = call([Value(1.0), Value(2.0), Value(3.0)])
    assert found.op is not None
    assert found.op.name == name


def test_a_neuron_is_one_operation_however_many_inputs_it_has() -> None:
    for nin in (1, 2, 100):
        assert len(graph.operations(nn.Neuron(nin, nonlin=False, rng=0)([1.0] * nin))) == 1


def test_the_sum_of_one_value_is_that_value() -> None:
    x = Value(2.0)
    assert ag.sum([x]) is x


def test_numbers_other_than_floats_are_added_up_as_they_are() -> None:
    assert type(ag.sum([1, 2])) is int
    assert ag.sum([Fraction(1, 3), Fraction(1, 6)]) == Fraction(1, 2)
    assert ag.dot([10**30, 1], [10**30, 1]) == 10**60 + 1


class Text(Operators):
    """A type of number that knows + and * only."""

    def __init__(self, text: str) -> None:
        self.text = text

    @classmethod
    def __autograd_op__(cls, op: Op, operands: tuple[Any, ...]) -> "Text":
        assert op in (ops.add, ops.mul)
        return cls(f"({op.symbol.join(o.text if isinstance(o, Text) else str(o) for o in operands)})")


def test_a_type_of_number_that_knows_plus_and_times_can_be_summed() -> None:
    a, b = Text("a"), Text("b")
    assert ag.sum([a, 2.0, b]).text == "((a+2.0)+b)"
    assert ag.dot([a, b], [b, 3]).text == "((a*b)+(b*3))"
    assert F.linear([a, 1.0], [[2.0, b]], [a])[0].text == "((a+(2.0*a))+(b*1.0))"


@pytest.mark.parametrize("kind", [Precise, Complex, lambda x: Dual(x, [1.0])])
@pytest.mark.parametrize("op", BY_HAND, ids=str)
def test_the_number_types_of_the_tests_know_the_sums(kind: Callable[[float], Any], op: Op) -> None:
    operands = [0.5, -1.25, 3.0, 2.0, 4.0, -0.75][: 5 if op is ops.linear else 6]
    found = op(*map(kind, operands))
    assert complex(found.value) == pytest.approx(BY_HAND[op](*operands))
    if isinstance(found, Dual):
        assert found.tangents == pytest.approx([sum(op.differentiate(found.value, *operands))])


@given(st.integers(0, 10**6), st.lists(st.floats(-3, 3), min_size=3, max_size=3))
def test_a_network_computes_what_its_loops_written_by_hand_do_to_the_last_bit(seed: int, x: list[float]) -> None:
    model = nn.MLP(3, [4, 3, 1], activation="tanh", rng=seed)
    y: list[Any] = list(x)
    for layer in model.layers:
        totals = [_linear(n.b, *[f for pair in zip(n.w, y, strict=True) for f in pair]) for n in layer.neurons]
        y = [t if n.activation is None else ag.tanh(t) for t, n in zip(totals, layer.neurons, strict=True)]
    assert model(x).data == y[0].data


@given(st.integers(0, 10**6), st.lists(st.floats(-3, 3), min_size=3, max_size=3))
def test_linear_as_a_function_is_linear_as_a_module_to_the_last_bit(seed: int, x: list[float]) -> None:
    layer = nn.Linear(3, 2, rng=seed)
    assert layer.bias is not None
    expected = [y.data for y in layer(x)]
    assert [y.data for y in F.linear(x, layer.weight, layer.bias)] == expected
    assert [F.linear(x, w, b).data for w, b in zip(layer.weight, layer.bias, strict=True)] == expected


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.linear([1.0, 2.0], [[1.0]], [0.5]), ArgumentError, "a weight for each number, got 1 and 2"),
        (lambda: F.linear([1.0], ["a"], 0.5), TypeError, "a weighted sum takes numbers and Values in one row; at 0"),
        (lambda: F.linear([1.0], [1.0], "b"), TypeError, "a weighted sum takes numbers and Values in one row; at 0"),
        (lambda: F.linear([1.0], [1.0], [0.5]), TypeError, r"at 0 it got list \[0.5\]"),
        (
            lambda: nn.Neuron(2)([1.0, [2.0, 3.0]]),
            TypeError,
            r"takes 2 numbers, with no list among them; got list \[1.0",
        ),
        (lambda: nn.Linear(2, 1)([1.0, np.ones(2)]), TypeError, "with no list among them; got list"),
    ],
)
def test_misuse_of_linear_says_what_was_expected(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


# ---- Compiled --------------------------------------------------------------------------------


BACK_ENDS = ["python", "native"]


@pytest.mark.parametrize("backend", BACK_ENDS)
@given(of=sums(any_floats), at=st.lists(any_floats, min_size=3, max_size=3), weight=moderate)
def test_compiled_sums_and_their_gradients_are_the_eager_ones_to_the_last_bit(
    backend: str, of: tuple[Op, list[int | float]], at: list[float], weight: float
) -> None:
    op, operands = of

    def f(v: list[Any]) -> Any:
        return op(*_given(operands, v)) * weight + v[0] * v[1]

    expected = value_and_grad(f)(at)
    found = jit(value_and_grad(f), backend=backend)(at)
    assert list(map(_bits, [found[0], *found[1]])) == list(map(_bits, [expected[0], *expected[1]]))


@pytest.mark.parametrize("backend", BACK_ENDS)
@pytest.mark.parametrize("count", [1, 49, 50, 51, 100, 5000])
def test_a_long_sum_compiles_to_the_same_bits(backend: str, count: int) -> None:
    xs = [math.sin(i) * 10.0 ** (i % 7) for i in range(count)]

    def f(xs: list[Any]) -> list[Any]:
        return [ag.sum(xs), ag.mean(xs), ag.dot(xs, xs), F.linear(xs, xs[::-1], xs[0])]

    fast = jit(f, backend=backend)
    assert fast(xs) == f(xs)
    if count <= 51:
        assert jit(ag.jacobian(f), backend=backend)(xs) == ag.jacobian(f)(xs)


def test_a_sum_is_one_instruction_of_a_program_and_one_expression_of_its_python() -> None:
    fast = jit(lambda w, x, b: F.linear(x, w, b) + ag.mean(x), backend="python")
    fast([1.0, -2.0], [3.0, 4.0], 0.5)
    assert fast.program.counts() == {"linear": 1, "mean": 1, "add": 1}
    assert "v0 = b + w_0 * x_0 + w_1 * x_1\n" in fast.source
    assert "v1 = (x_0 + x_1) / 2.0\n" in fast.source


def test_write_out_makes_the_instructions_of_the_written_out_form() -> None:
    fast = jit(lambda x, y: ag.mean([x, y, 2.0]) + ag.dot([x, y], [y, 3.0]) * F.linear([y], [x], 1.0))
    fast(1.0, -2.0)
    assert str(write_out(fast.program)).splitlines()[1:] == [
        "    v0 = x + y",
        "    v1 = v0 + 2.0",
        "    v2 = v1 / 3.0",
        "    v3 = x * y",
        "    v4 = y * 3.0",
        "    v5 = v3 + v4",
        "    v6 = x * y",
        "    v7 = 1.0 + v6",
        "    v8 = v5 * v7",
        "    v9 = v2 + v8",
        "    return v9",
    ]


def test_the_sum_of_one_number_in_a_program_is_that_number() -> None:
    fast = jit(lambda x: ag.mean([ag.exp(x)]))
    assert fast(1.0) == math.exp(1.0)
    assert fast.program.counts() == {"exp": 1}


@pytest.mark.parametrize("backend", BACK_ENDS)
def test_guards_after_sums_hold_where_they_should(backend: str) -> None:
    def f(xs: list[Any]) -> Any:
        total = ag.sum(xs)
        return ag.dot(xs, xs) * total if total > 1.0 else ag.mean(xs)

    fast = jit(value_and_grad(f), backend=backend)
    for xs in ([1.0, 2.0], [0.25, 0.5], [3.0, -2.0], [0.5, 0.75]):
        assert fast(xs) == value_and_grad(f)(xs)


# ---- Gradient checks -------------------------------------------------------------------------


def test_the_tolerance_of_a_gradient_check_knows_what_cancels_inside_a_sum() -> None:
    [whole] = rounding_tolerance(lambda x: ag.exp(ag.sum([x, 1e8, -1e8])), 0.3)
    [by_hand] = rounding_tolerance(lambda x: ag.exp(x + 1e8 + -1e8), 0.3)
    assert 0.1 < whole / by_hand < 10.0
    assert by_hand > 1e-9


def test_sums_pass_the_gradient_check_to_second_order() -> None:
    def f(v: list[Any]) -> Any:
        return ag.mean([ag.dot(v, v), ag.sum(v), F.linear(v, v[::-1], v[0])]) ** 2

    assert check_gradients(f, [0.5, -1.25, 2.0], order=2).ok

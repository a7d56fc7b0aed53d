"""Backpropagation step by step: the engine's own order and numbers."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite import Value, nn
from autograd_lite.core import graph
from autograd_lite.drawing.backward import backward_pass
from autograd_lite.errors import TracingError
from autograd_lite.testing import strategies


def bits(number: float) -> str:
    return "nan" if math.isnan(number) else number.hex()


def assert_is_the_engines(root: Value) -> None:
    """Its adjoints are what backward() leaves, to the bit; its totals add up; and it writes to no node."""
    nodes = graph.nodes(root)
    gradients = [(node.has_grad, node.grad) for node in nodes]
    done = backward_pass(root)
    assert [(node.has_grad, node.grad) for node in nodes] == gradients
    for node in nodes:
        node.grad = None
    root.backward()
    assert {node: bits(node.grad) for node in nodes if node.has_grad} == {
        node: bits(adjoint) for node, adjoint in done.adjoints.items()
    }
    so_far: dict[Value, float] = {}
    for node, position, operand, adjoint, partial, product, before, total in done.contributions:
        assert node.operands[position] is operand
        if partial is not None:
            assert adjoint is not None
            assert bits(partial) == bits(node.partials[position])
            assert bits(product) == bits(adjoint * partial if adjoint and partial else 0.0)
        assert bits(before) == bits(so_far.get(operand, 0.0))
        assert bits(total) == bits(before + product)
        so_far[operand] = total
    assert {operand: bits(total) for operand, total in so_far.items()} == {
        node: bits(adjoint) for node, adjoint in done.adjoints.items() if node is not root
    }


@settings(max_examples=60)
@given(st.data(), strategies.programs(max_ops=15))
def test_what_is_noted_is_what_backward_does_to_the_bit(data: Any, program: strategies.Program) -> None:
    point = [Value(data.draw(strategies.finite_floats())) for _ in range(program.inputs)]
    root = program(*point)
    if root.requires_grad:
        assert_is_the_engines(root)


@settings(max_examples=40)
@given(st.lists(st.sampled_from([0.0, -1.0, 2.0, math.inf, math.nan]), min_size=2, max_size=2), strategies.programs())
def test_at_zeros_infinities_and_nan_too(point: list[float], program: strategies.Program) -> None:
    unsafe = strategies.Program(2, [strategies.Step(op, tuple(i % 2 for i in at)) for op, at in program.steps],
                                domain_safe=False)  # fmt: skip
    assert_is_the_engines(unsafe(*map(Value, point)) * 0.0 + sum(map(Value, point)))


def test_a_model_an_anomaly_constants_and_a_lone_leaf() -> None:
    x, frozen = Value(0.5), Value(2.0).requires_grad_(False)
    assert_is_the_engines(nn.MLP(2, [4, 4, 1])([x, frozen]) * frozen)
    assert_is_the_engines(x)
    with ag.detect_anomaly():
        assert backward_pass(ag.sqrt(Value(0.0))).contributions[0].partial == math.inf


def test_of_compiled_functions_it_notes_what_arrives() -> None:
    x, y = Value(0.5, name="x"), Value(-1.5, name="y")
    one, several = ag.jit(lambda a, b: ag.tanh(a) * b), ag.jit(lambda a, b: (a * b, a + b))
    p, q = several(x, y)
    for root in (one(x, y) * 2.0, one(x, y), p * q + x, p + 1.0):
        assert_is_the_engines(root)
    noted = backward_pass(one(x, y) * 2.0).contributions[1:]
    assert [(c.operand.name, c.adjoint, c.partial) for c in noted] == [("x", 2.0, None), ("y", 2.0, None)]


def test_loops_inside_and_outside_of_compiled_functions() -> None:
    def power(x: Any) -> Any:
        return ag.scan(lambda carry, factor: (carry * factor, carry), x, [x, 2.0, x])[0]

    x = Value(1.5)
    for f in (power, ag.jit(power)):
        assert_is_the_engines(f(x) * x)


def test_it_is_refused_in_what_jit_records() -> None:
    with pytest.raises(TracingError):
        ag.jit(lambda x: backward_pass(x * x).adjoints[x])(Value(1.0))

"""Functions of several numbers."""

import math

import pytest

import autograd_lite as ag
from autograd_lite import Value, grad
from autograd_lite.errors import ArgumentError

XS = [0.5, -1.0, 3.0]


def test_values_of_floats_are_floats() -> None:
    assert ag.sum(XS) == 2.5
    assert ag.mean(XS) == pytest.approx(2.5 / 3)
    assert ag.prod(XS) == -1.5
    assert ag.dot(XS, XS) == 10.25
    assert ag.norm(XS) == pytest.approx(math.sqrt(10.25))
    assert ag.logsumexp(XS) == pytest.approx(math.log(sum(map(math.exp, XS))))
    assert ag.sum([]) == 0.0
    assert ag.prod(iter([])) == 1.0
    assert ag.norm([]) == 0.0


def test_the_gradient_of_logsumexp_is_softmax() -> None:
    assert grad(ag.logsumexp)(XS) == pytest.approx(ag.softmax(XS))
    assert sum(ag.softmax(XS)) == pytest.approx(1.0)
    assert [math.exp(x) for x in ag.log_softmax(XS)] == pytest.approx(ag.softmax(XS))


def test_softmax_neither_overflows_nor_loses_the_smallest() -> None:
    assert ag.softmax([1000.0, 0.0]) == [1.0, 0.0]
    assert ag.log_softmax([1000.0, -1000.0]) == [0.0, -2000.0]
    assert ag.logsumexp([math.inf, 1.0]) == math.inf
    assert ag.logsumexp([-math.inf, 1.0]) == 1.0


def test_the_gradient_of_the_norm_is_the_unit_vector_and_zero_at_the_origin() -> None:
    assert grad(ag.norm)([3.0, 4.0]) == pytest.approx([0.6, 0.8])
    assert grad(ag.norm)([3e200, 4e200]) == pytest.approx([0.6, 0.8])
    assert grad(ag.norm)([0.0, 0.0]) == [0.0, 0.0]


def test_gradients_of_sums_and_products() -> None:
    assert grad(ag.mean)(XS) == [1 / 3] * 3
    assert grad(ag.prod)([2.0, 3.0, 0.0]) == [0.0, 0.0, 6.0]
    assert grad(ag.dot, (0, 1))([1.0, 2.0], [3.0, 4.0]) == ([3.0, 4.0], [1.0, 2.0])
    assert isinstance(ag.sum([Value(1.0), 2.0]), Value)


def test_misuse_says_what_was_expected() -> None:
    with pytest.raises(ArgumentError, match="two sequences of one length, got 2 and 1"):
        ag.dot([1.0, 2.0], [1.0])
    with pytest.raises(ArgumentError, match="mean of no numbers"):
        ag.mean([])
    with pytest.raises(TypeError, match="sum takes numbers and Values; what it got makes str 'a'"):
        ag.sum(["a"])
    with pytest.raises(TypeError, match="logsumexp takes numbers and Values"):
        ag.logsumexp([None])
    with pytest.raises(TypeError, match="softmax takes a sequence of numbers, got float"):
        ag.softmax(1.0)  # type: ignore[arg-type]


def test_stop_gradient_takes_structures() -> None:
    stopped = ag.stop_gradient({"w": [Value(1.0), 2.0]})
    assert not stopped["w"][0].requires_grad
    assert stopped["w"][1] == 2.0

"""Functions of several numbers."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
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
    with pytest.raises(TypeError, match="sum takes numbers and Values in one row; at 0 it got str 'a'"):
        ag.sum(["a"])
    with pytest.raises(TypeError, match=r"logsumexp takes numbers and Values in one row; at 0 it got NoneType None"):
        ag.logsumexp([None])
    with pytest.raises(TypeError, match=r"softmax takes a sequence of numbers, got float 1\.0"):
        ag.softmax(1.0)  # type: ignore[arg-type]


def test_stop_gradient_takes_structures() -> None:
    stopped = ag.stop_gradient({"w": [Value(1.0), 2.0]})
    assert not stopped["w"][0].requires_grad
    assert stopped["w"][1] == 2.0


@pytest.mark.parametrize("function", [ag.sum, ag.prod, ag.mean, ag.norm, ag.logsumexp, ag.softmax, ag.log_softmax])
def test_nonsense_is_an_error_of_ours_and_never_a_result(function: Callable[[Any], Any]) -> None:
    holds_itself: list[Any] = [1.0]
    holds_itself.append(holds_itself)
    for nonsense in (holds_itself, [[1.0, 2.0], [3.0, 4.0]], ["a"], "ab", {"a": 1.0}, [1j], [None], np.ones((2, 2))):
        with pytest.raises(TypeError, match=f"{function.__name__.strip('_')} takes numbers and Values in one row; at "):
            function(nonsense)
    for no_sequence in (1.0, None, ag.sum):
        with pytest.raises(TypeError, match="takes a sequence of numbers, got "):
            function(no_sequence)


def test_logsumexp_is_the_only_name_of_it_in_public() -> None:
    assert not hasattr(ag, "log_sum_exp")
    assert "log_sum_exp" not in ag.ops.__all__
    with pytest.raises(ArgumentError, match="logsumexp of no numbers is not defined"):
        ag.logsumexp([])


def test_numbers_from_numpy_count_as_numbers() -> None:
    x: Any = Value(2.0)
    assert ag.sum([np.where(True, x, 0.0), np.float32(1.0)]).data == 3.0
    assert ag.mean(np.array([x, 4.0], dtype=object)).data == 3.0


@pytest.mark.parametrize(
    ("numpys", "ours"),
    [
        *(("arcsin", "asin"), ("arccos", "acos"), ("arctan", "atan"), ("arctan2", "atan2"), ("arcsinh", "asinh")),
        *(("arccosh", "acosh"), ("arctanh", "atanh"), ("absolute", "absolute"), ("power", "power")),
        *(("negative", "neg"), ("remainder", "mod"), ("rint", "round_"), ("subtract", "sub"), ("multiply", "mul")),
        *(("divide", "div"), ("floor_divide", "floordiv"), ("fabs", "absolute")),
    ],
)
def test_numpys_spellings_are_functions_too(numpys: str, ours: str) -> None:
    assert getattr(ag, numpys) is getattr(ag, ours)
    assert numpys in ag.__all__


def test_functions_of_angles_and_clamp_take_structures() -> None:
    assert ag.radians([180.0, (90.0,)]) == [math.pi, (math.pi / 2,)]
    assert ag.degrees(ag.deg2rad(30.0)) == pytest.approx(30.0)
    assert ag.rad2deg(math.pi) == 180.0
    assert ag.clamp(np.array([-1.0, 3.0]), max=2.0).tolist() == [-1.0, 2.0]
    assert grad(ag.clamp)(0.5, 0.0, 1.0) == 1.0

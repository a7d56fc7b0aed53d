"""Losses: their formulas, their reductions, their gradients and their edges."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_lite import Value, log_softmax, nn, sigmoid, softmax
from autograd_lite.core.node import number
from autograd_lite.errors import ArgumentError
from autograd_lite.testing import check_gradients

numbers = st.floats(-20, 20)

#: loss, one prediction, one target, what it gives.
ONE_NUMBER: list[tuple[Callable[..., Any], float, float, float]] = [
    (nn.mse_loss, 3.0, 1.0, 4.0),
    (nn.l1_loss, -3.0, 1.0, 4.0),
    (nn.huber_loss, 1.5, 1.0, 0.125),
    (nn.huber_loss, 4.0, 1.0, 2.5),
    (nn.smooth_l1_loss, 1.5, 1.0, 0.125),
    (nn.smooth_l1_loss, 4.0, 1.0, 2.5),
    (nn.hinge_loss, 0.25, 1.0, 0.75),
    (nn.hinge_loss, 0.25, -1.0, 1.25),
    (nn.hinge_loss, 2.0, 1.0, 0.0),
    (nn.binary_cross_entropy, 0.25, 1.0, -math.log(0.25)),
    (nn.binary_cross_entropy, 0.25, 0.0, -math.log(0.75)),
    (nn.binary_cross_entropy_with_logits, 0.0, 1.0, math.log(2.0)),
]
MODULES = [
    (nn.MSELoss(), nn.mse_loss),
    (nn.L1Loss(), nn.l1_loss),
    (nn.HuberLoss(delta=0.5), lambda p, t: nn.huber_loss(p, t, delta=0.5)),
    (nn.SmoothL1Loss(beta=0.5), lambda p, t: nn.smooth_l1_loss(p, t, beta=0.5)),
    (nn.HingeLoss(margin=0.5), lambda p, t: nn.hinge_loss(p, t, margin=0.5)),
    (nn.BCELoss(), nn.binary_cross_entropy),
    (nn.BCEWithLogitsLoss(), nn.binary_cross_entropy_with_logits),
    (nn.QuadraticLoss("sum"), lambda p, t: nn.quadratic_loss(p, t, "sum")),
]


@pytest.mark.parametrize(("loss", "pred", "target", "expected"), ONE_NUMBER)
def test_a_loss_of_one_number_is_its_formula(
    loss: Callable[..., Any], pred: float, target: float, expected: float
) -> None:
    assert loss(pred, target) == pytest.approx(expected, rel=1e-15)
    assert loss([pred, pred], [target, target], reduction="sum") == pytest.approx(2 * expected, rel=1e-15)
    assert loss([[pred], [pred]], [[target], [target]]) == pytest.approx(expected, rel=1e-15)
    assert loss([[pred]], [[target]], reduction="none") == [[pytest.approx(expected, rel=1e-15)]]


@pytest.mark.parametrize(("loss", "pred", "target", "expected"), ONE_NUMBER)
def test_a_loss_has_the_gradient_of_its_value(
    loss: Callable[..., Any], pred: float, target: float, expected: float
) -> None:
    assert check_gradients(lambda p: loss([p, p], [target, target]), pred, order=2).ok


@pytest.mark.parametrize(("module", "function"), MODULES)
def test_a_loss_module_is_its_function_with_its_settings(module: nn.Module, function: Callable[..., Any]) -> None:
    pred, target = [0.25, 0.5, 0.9], [1.0, 1.0, 1.0]
    assert module(pred, target) == function(pred, target)
    assert not module.parameters()


def test_class_losses_as_modules() -> None:
    z, y = [[1.0, 2.0, 0.5], [0.0, 0.0, 1.0]], [1, 0]
    assert nn.CrossEntropyLoss(label_smoothing=0.1)(z, y) == nn.cross_entropy(z, y, label_smoothing=0.1)
    assert nn.NLLLoss("sum")(z, y) == nn.nll_loss(z, y, "sum") == -2.0


@given(st.lists(numbers, min_size=2, max_size=5), st.integers(0, 1))
def test_cross_entropy_is_the_negative_log_of_the_softmax(z: list[float], y: int) -> None:
    expected = -log_softmax(z)[y]
    assert nn.cross_entropy(z, y) == pytest.approx(expected, rel=1e-13, abs=1e-13)
    assert nn.nll_loss(log_softmax(z), y) == expected
    one_hot = [float(i == y) for i in range(len(z))]
    assert nn.cross_entropy([z], [one_hot]) == pytest.approx(expected, rel=1e-13, abs=1e-13)


@given(st.lists(numbers, min_size=2, max_size=4), st.floats(0, 1))
def test_label_smoothing_mixes_in_every_class(z: list[float], share: float) -> None:
    losses = [nn.cross_entropy(z, y) for y in range(len(z))]
    expected = (1 - share) * losses[0] + share * sum(losses) / len(z)
    assert nn.cross_entropy(z, 0, label_smoothing=share) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@given(st.lists(numbers, min_size=2, max_size=4))
def test_the_gradient_of_cross_entropy_is_softmax_minus_one_hot(z: list[float]) -> None:
    values = [Value(x) for x in z]
    nn.cross_entropy(values, 0).backward()
    expected = [p - (i == 0) for i, p in enumerate(softmax(z))]
    assert [v.grad for v in values] == pytest.approx(expected, rel=1e-12, abs=1e-12)


@given(numbers, st.sampled_from([0.0, 0.3, 1.0]))
def test_binary_cross_entropy_with_logits_is_that_of_the_sigmoid(z: float, t: float) -> None:
    expected = nn.binary_cross_entropy(sigmoid(z), t)
    assert nn.binary_cross_entropy_with_logits(z, t) == pytest.approx(expected, rel=1e-6, abs=1e-15)


def test_logits_are_exact_in_both_tails_and_nothing_is_clamped() -> None:
    assert nn.binary_cross_entropy_with_logits(50.0, 1.0) == pytest.approx(math.exp(-50.0), rel=1e-15)
    assert nn.binary_cross_entropy_with_logits(-1000.0, 1.0) == 1000.0
    assert nn.cross_entropy([1000.0, 0.0], 1) == 1000.0
    assert nn.binary_cross_entropy(0.0, 1.0) == math.inf
    assert nn.binary_cross_entropy(0.0, 0.0) == 0.0
    p = Value(1.0)
    nn.binary_cross_entropy(p, 1.0).backward()
    assert p.grad == -1.0


def test_quadratic_loss_averages_halves_of_the_sums_of_squares_over_the_samples() -> None:
    pred, target = [[3.0, 0.0], [1.0, 1.0]], [[0.0, 4.0], [0.0, 0.0]]
    assert nn.quadratic_loss(pred, target, "none") == [12.5, 1.0]
    assert nn.quadratic_loss(pred, target) == 6.75
    assert nn.quadratic_loss(pred[0], target[0]) == 12.5


def test_losses_take_tuples_and_arrays() -> None:
    pred, target = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 1.0], [1.0, 1.0]])
    assert nn.mse_loss(pred, target) == nn.mse_loss(((1.0, 2.0), (3.0, 4.0)), target.tolist()) == 3.5
    assert nn.cross_entropy(pred, np.array([0, 1])) == nn.cross_entropy(pred.tolist(), [0, 1])
    assert nn.cross_entropy(pred, np.array([0.0, 1.0])) == nn.cross_entropy(pred.tolist(), [0, 1])


def test_numpys_scalars_do_not_bring_their_arithmetic_along() -> None:
    pred, target = [np.uint8(1), np.uint8(2)], [np.uint8(2), np.uint8(4)]
    assert nn.mse_loss(pred, target) == 2.5
    assert nn.cross_entropy([np.float32(0.5), np.float32(1.0)], 0) == nn.cross_entropy([0.5, 1.0], 0)


def test_the_mean_is_over_the_samples_however_they_are_nested() -> None:
    flat = nn.cross_entropy([[0.0, 1.0], [5.0, 0.0], [0.0, 1.0]], [1, 1, 0])
    assert nn.cross_entropy([[[0.0, 1.0], [5.0, 0.0]], [[0.0, 1.0]]], [[1, 1], [0]]) == flat


def test_floats_give_a_float_and_values_a_value() -> None:
    assert isinstance(nn.mse_loss([1.0], [2.0]), float)
    assert number(nn.mse_loss([Value(1.0)], [2.0])) == 1.0
    assert isinstance(nn.mse_loss([Value(1.0)], [2.0]), Value)


def test_a_probability_that_is_nan_makes_the_loss_nan() -> None:
    assert math.isnan(nn.binary_cross_entropy([math.nan], [1.0]))


def test_a_difference_too_large_to_square_is_infinite_and_raises_nothing() -> None:
    assert nn.mse_loss(1e200, -1e200) == math.inf


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.mse_loss([1.0, 2.0], [1.0]), "must have one shape, got 2 and 1"),
        (lambda: nn.mse_loss([[1.0], [2.0]], [1.0, 2.0]), r"got 2 x 1 and 2; .* \[\[y\] for y in targets\]"),
        (lambda: nn.mse_loss([], []), "needs one prediction at least"),
        (lambda: nn.mse_loss([1.0], [1.0], "average"), 'reduction is "mean", "sum" or "none", got str \'average\''),
        (lambda: nn.MSELoss("average"), 'reduction is "mean", "sum" or "none"'),
        (lambda: nn.hinge_loss([1.0], [0]), r"targets -1 and 1, got float 0.0; of 0 and 1 make 2 \* y - 1"),
        (lambda: nn.huber_loss(1.0, 2.0, delta=0.0), "delta is where the parabola ends, so more than 0"),
        (lambda: nn.cross_entropy([1.0, 2.0], 2), "whole number from 0 to 1 here, as there are 2 outputs; got int 2"),
        (lambda: nn.cross_entropy([1.0, 2.0], -1), "got int -1"),
        (lambda: nn.cross_entropy([1.0, 2.0], 0.5), "got float 0.5"),
        (lambda: nn.cross_entropy([1.0, 2.0], math.nan), "got float nan"),
        (lambda: nn.cross_entropy([1.0, 2.0], "cat"), "got str 'cat'"),
        (lambda: nn.cross_entropy([[1.0, 2.0]], [0, 1]), "must fit, got 1 x 2 and 2"),
        (lambda: nn.cross_entropy([[1.0, 2.0]], [[1.0]]), "must fit, got 2 and 1"),
        (lambda: nn.cross_entropy([1.0, 2.0], 0, label_smoothing=2.0), "label_smoothing is a share, from 0 to 1"),
        *[
            (lambda y=y: nn.cross_entropy([0.1, 0.2, 0.3], y), "needs a list of logits for each sample, .*with_logits")
            for y in ([0, 1, 1], [0, 1, 0], [0.0, 1.0, 0.0], (0, 0, 1), np.array([0, 1, 0]), [[0], [1], [0]])
        ],
        (
            lambda: nn.cross_entropy([[0.1, 0.2, 0.3]], [[0, 1, 1]]),
            "probabilities are 0 or more and sum to 1, and .* a list of logits for each",
        ),
        (lambda: nn.cross_entropy([[0.1, 0.2]], [[2.0, -1.0]]), "are 0 or more and sum to 1"),
        (lambda: nn.cross_entropy([[0.1, 0.2]], [[math.nan, 1.0]]), "are 0 or more and sum to 1"),
        *[
            (lambda loss=loss, t=t: loss([0.5], [t]), "targets of a binary cross-entropy are from 0 to 1, got float")
            for loss in (nn.binary_cross_entropy, nn.binary_cross_entropy_with_logits, nn.BCELoss())
            for t in (-1, 2, math.nan, -1e-9)
        ],
        *[
            (lambda p=p: nn.binary_cross_entropy([p], [1]), "probabilities, from 0 to 1, got .*; of logits take")
            for p in (-0.1, 1.5, math.inf, Value(2.0))
        ],
        (lambda: nn.cross_entropy(1.0, 0), "takes the list of a sample's outputs"),
    ],
)
def test_misuse_says_what_was_expected(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        call()

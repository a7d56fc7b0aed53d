"""Losses, as functions and as modules.

``pred`` and ``target`` are numbers, or lists of them in any nesting, both of one shape.
``reduction`` is ``"mean"`` (over all numbers, or over the samples where a loss has one
term a sample), ``"sum"``, or ``"none"``, which gives the terms themselves. Floats give a
float. All raise ``ArgumentError`` (a ``ValueError``) for shapes that differ, for empty
lists, for targets that are out of range, and for an unknown reduction.
"""

import math
from collections.abc import Callable
from typing import Any

from autograd_lite import functions, pytree
from autograd_lite.core import ops
from autograd_lite.core.checks import as_float, describe, is_real
from autograd_lite.core.value import Value
from autograd_lite.errors import ArgumentError
from autograd_lite.nn.module import Module

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "HingeLoss",
    "HuberLoss",
    "L1Loss",
    "MSELoss",
    "NLLLoss",
    "QuadraticLoss",
    "SmoothL1Loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "hinge_loss",
    "huber_loss",
    "l1_loss",
    "mse_loss",
    "nll_loss",
    "quadratic_loss",
    "smooth_l1_loss",
]


# -- One term a number --


def mse_loss(pred: Any, target: Any, reduction: str = "mean") -> Any:
    """(pred - target)^2.

    >>> mse_loss([1.0, 2.0], [1.0, 4.0])
    2.0
    """
    return _by_number(lambda p, t: ops.square(p - t), pred, target, reduction)


def l1_loss(pred: Any, target: Any, reduction: str = "mean") -> Any:
    """abs(pred - target)."""
    return _by_number(lambda p, t: abs(p - t), pred, target, reduction)


def huber_loss(pred: Any, target: Any, reduction: str = "mean", delta: float = 1.0) -> Any:
    """d^2 / 2 for a difference d of up to delta, beyond that delta * (abs(d) - delta / 2) (Huber, 1964)."""
    if not delta > 0.0:
        raise ArgumentError(f"delta is where the parabola ends, so more than 0; got {describe(delta)}")

    def term(p: Any, t: Any) -> Any:
        d = p - t
        size = abs(d)
        return ops.where(ops.less_equal(size, delta), 0.5 * ops.square(d), delta * (size - 0.5 * delta))

    return _by_number(term, pred, target, reduction)


def smooth_l1_loss(pred: Any, target: Any, reduction: str = "mean", beta: float = 1.0) -> Any:
    """:func:`huber_loss` with ``delta=beta``, divided by beta: d^2 / (2 beta), beyond beta abs(d) - beta / 2.

    >>> smooth_l1_loss(3.0, 0.0), smooth_l1_loss(1.0, 0.0, beta=2.0)
    (2.5, 0.25)
    """
    found = huber_loss(pred, target, reduction, delta=beta)
    return pytree.map_leaves(lambda term: term / beta, found)


def hinge_loss(pred: Any, target: Any, reduction: str = "mean", margin: float = 1.0) -> Any:
    """max(0, margin - target * pred), the loss of a maximal margin, for targets -1 and 1 (Cortes and Vapnik, 1995)."""

    def term(p: Any, t: Any) -> Any:
        if abs(t) != 1.0:  # one comparison for both, so that a recording serves both
            raise ArgumentError(f"a hinge loss has the targets -1 and 1, got {describe(t)}; of 0 and 1 make 2 * y - 1")
        return ops.relu(margin - p * t)

    return _by_number(term, pred, target, reduction)


def binary_cross_entropy(pred: Any, target: Any, reduction: str = "mean") -> Any:
    """-(t log p + (1 - t) log(1 - p)) for probabilities p; a term of weight 0 is 0. Nothing is clamped.

    Predictions and targets are from 0 to 1. Where p comes from a sigmoid,
    :func:`binary_cross_entropy_with_logits` is exact in the tails too.
    """

    def weighted(weight: Any, log: Any) -> Any:
        return ops.where(ops.equal(weight, 0.0), 0.0, weight * log)

    def term(p: Any, t: Any) -> Any:
        if p < 0.0 or p > 1.0:  # nan stays nan
            raise ArgumentError(
                f"binary_cross_entropy takes probabilities, from 0 to 1, got {describe(p)}; of logits take "
                "binary_cross_entropy_with_logits"
            )
        _check_target(t)
        return -(weighted(t, ops.log(p)) + weighted(1.0 - t, ops.log1p(-p)))

    return _by_number(term, pred, target, reduction)


def binary_cross_entropy_with_logits(pred: Any, target: Any, reduction: str = "mean") -> Any:
    """t softplus(-z) + (1 - t) softplus(z) for logits z: the cross-entropy of sigmoid(z), exact in both tails.

    Targets are from 0 to 1.

    >>> binary_cross_entropy_with_logits(1000.0, 0.0)
    1000.0
    """

    def term(z: Any, t: Any) -> Any:
        _check_target(t)
        return t * ops.softplus(-z) + (1.0 - t) * ops.softplus(z)

    return _by_number(term, pred, target, reduction)


# -- One term a sample --


def quadratic_loss(pred: Any, target: Any, reduction: str = "mean") -> Any:
    """Half the sum of squares, one term for each innermost list of differences: the classic cost of backpropagation.

    A list of bare numbers is one sample: outputs of several samples are a list of lists, also of one number each.

    >>> quadratic_loss([1.0, 2.0], [0.0, 0.0]), quadratic_loss([[1.0, 2.0], [0.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]])
    (2.5, 1.5)
    """

    def term(p: Any, t: Any) -> Any:
        return 0.5 * functions.sum_([ops.square(a - b) for a, b in _pairs(p, t)])

    return _by_sample(term, pred, target, reduction)


def cross_entropy(pred: Any, target: Any, reduction: str = "mean", label_smoothing: float = 0.0) -> Any:
    """logsumexp(z) - z_y for logits z and the true class y; for probabilities t, the sum of t_i times that.

    Args:
        pred: the logits of one sample, or a list of those of several.
        target: a class, as a whole number from 0; of several samples a list with a class, or a list of
            probabilities (one-hot, say), for each. One sample with probabilities is ``[z], [t]``.
        reduction: over the samples; see above.
        label_smoothing: the share of probability to spread over all classes alike (Szegedy et al., 2016).

    >>> cross_entropy([[2.0, 2.0], [0.0, 1000.0]], [0, 1], reduction="none")
    [0.6931471805599454, 0.0]
    """
    if not 0.0 <= label_smoothing <= 1.0:
        raise ArgumentError(f"label_smoothing is a share, from 0 to 1; got {describe(label_smoothing)}")

    if pytree.is_list(pred) and pytree.is_list(target) and len(pred) and not pytree.is_list(pytree.listed(pred)[0]):
        raise ArgumentError(
            f"a list of targets, here {describe(target)}, needs a list of logits for each sample, and each of these "
            f"predictions is a number: {describe(pred)}. A model of two classes with one output takes "
            "binary_cross_entropy_with_logits; one sample z with a list t of probabilities is [z] and [t]"
        )

    def term(z: list[Any], y: Any) -> Any:
        total = functions.logsumexp(z)
        if not pytree.is_list(y) and not label_smoothing:
            return total - _chosen(z, y)
        weights = _probabilities(z, y) if pytree.is_list(y) else _one_hot(y, len(z))
        smooth = [(1.0 - label_smoothing) * t + label_smoothing / len(z) for t in weights]
        return functions.dot(smooth, [total - score for score in z])

    return _by_sample(term, pred, target, reduction)


def nll_loss(pred: Any, target: Any, reduction: str = "mean") -> Any:
    """-pred_y for log-probabilities and the true class y; after ``log_softmax`` it is :func:`cross_entropy`."""
    return _by_sample(lambda logs, y: -_chosen(logs, y), pred, target, reduction)


# -- As modules --


class _Loss(Module):
    """A loss with its settings."""

    function: Callable[..., Any]
    settings: tuple[str, ...] = ("reduction",)

    def __init__(self, reduction: str = "mean") -> None:
        _check_reduction(reduction)
        self.reduction = reduction

    def forward(self, pred: Any, target: Any) -> Any:
        return type(self).function(pred, target, **{name: getattr(self, name) for name in self.settings})


class MSELoss(_Loss):
    """:func:`mse_loss` as a module."""

    function = staticmethod(mse_loss)


class L1Loss(_Loss):
    """:func:`l1_loss` as a module."""

    function = staticmethod(l1_loss)


class HuberLoss(_Loss):
    """:func:`huber_loss` as a module."""

    function = staticmethod(huber_loss)
    settings = ("reduction", "delta")

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = delta


class SmoothL1Loss(_Loss):
    """:func:`smooth_l1_loss` as a module."""

    function = staticmethod(smooth_l1_loss)
    settings = ("reduction", "beta")

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        self.beta = beta


class HingeLoss(_Loss):
    """:func:`hinge_loss` as a module."""

    function = staticmethod(hinge_loss)
    settings = ("reduction", "margin")

    def __init__(self, reduction: str = "mean", margin: float = 1.0) -> None:
        super().__init__(reduction)
        self.margin = margin


class BCELoss(_Loss):
    """:func:`binary_cross_entropy` as a module."""

    function = staticmethod(binary_cross_entropy)


class BCEWithLogitsLoss(_Loss):
    """:func:`binary_cross_entropy_with_logits` as a module."""

    function = staticmethod(binary_cross_entropy_with_logits)


class QuadraticLoss(_Loss):
    """:func:`quadratic_loss` as a module."""

    function = staticmethod(quadratic_loss)


class CrossEntropyLoss(_Loss):
    """:func:`cross_entropy` as a module."""

    function = staticmethod(cross_entropy)
    settings = ("reduction", "label_smoothing")

    def __init__(self, reduction: str = "mean", label_smoothing: float = 0.0) -> None:
        super().__init__(reduction)
        self.label_smoothing = label_smoothing


class NLLLoss(_Loss):
    """:func:`nll_loss` as a module."""

    function = staticmethod(nll_loss)


# -- What they share --


def _by_number(term: Callable[[Any, Any], Any], pred: Any, target: Any, reduction: str) -> Any:
    """A loss with a term for each pair of numbers."""
    _check_reduction(reduction)
    terms = [term(p, t) for p, t in _pairs(pred, target)]
    if reduction == "none":
        given = iter(terms)
        return pytree.map_leaves(lambda _: next(given), pred)
    return _reduced(terms, reduction)


def _by_sample(term: Callable[[Any, Any], Any], pred: Any, target: Any, reduction: str) -> Any:
    """A loss with a term for each sample. That of a single sample is its term."""
    _check_reduction(reduction)
    terms: list[Any] = []

    def walk(outputs: Any, wanted: Any) -> Any:
        samples, wanted = pytree.listed(outputs), pytree.listed(wanted)
        if not pytree.is_list(samples) or not samples:
            raise ArgumentError(
                f"this loss takes the list of a sample's outputs, or a list of such lists; got {describe(outputs)}"
            )
        if pytree.is_list(samples[0]):
            return [walk(p, t) for p, t in zip(samples, _same_length(samples, wanted), strict=True)]
        terms.append(term([_number(x) for x in samples], wanted))
        return terms[-1]

    found = walk(pred, target)
    return found if reduction == "none" or found is terms[-1] else _reduced(terms, reduction)


def _reduced(terms: list[Any], reduction: str) -> Any:
    if not terms:
        raise ArgumentError("a loss needs one prediction at least, got none")
    return functions.mean(terms) if reduction == "mean" else functions.sum_(terms)


def _check_reduction(reduction: str) -> None:
    if reduction not in ("mean", "sum", "none"):
        raise ArgumentError(f'reduction is "mean", "sum" or "none", got {describe(reduction)}')


def _pairs(pred: Any, target: Any) -> list[tuple[Any, Any]]:
    """The numbers of two nested lists of one shape, pair by pair."""
    pairs: list[tuple[Any, Any]] = []

    def walk(p: Any, t: Any) -> None:
        p, t = pytree.listed(p), pytree.listed(t)
        if not pytree.is_list(p) and not pytree.is_list(t):
            pairs.append((_number(p), _number(t)))
        elif pytree.is_list(p) and pytree.is_list(t) and len(p) == len(t):
            for a, b in zip(p, t, strict=True):
                walk(a, b)
        else:
            raise ArgumentError(
                f"predictions and targets must have one shape, got {_shape(pred)} and {_shape(target)}; "
                "for a model that gives lists of one number write the targets so too, [[y] for y in targets]"
            )

    walk(pred, target)
    return pairs


def _number(x: Any) -> Any:
    """A Value as it is, any other kind of number as a float."""
    return x if hasattr(type(x), "__autograd_op__") else as_float(x)


def _shape(thing: Any) -> str:
    sizes = []
    while pytree.is_list(thing):
        sizes.append(str(len(thing)))
        thing = thing[0] if len(thing) else None
    return " x ".join(sizes) or "a number"


def _same_length(pred: list[Any], target: Any) -> list[Any]:
    targets = pytree.listed(target)
    if not pytree.is_list(targets) or len(targets) != len(pred):
        raise ArgumentError(f"predictions and targets must fit, got {_shape(pred)} and {_shape(targets)}")
    return list(targets)


def _probabilities(z: list[Any], y: Any) -> list[Any]:
    weights = [_number(weight) for weight in _same_length(z, y)]
    if not abs(sum(weights) - 1.0) <= 1e-6 or any(weight < 0.0 for weight in weights):
        raise ArgumentError(
            f"probabilities are 0 or more and sum to 1, and {describe(weights)} do not; a list of classes needs a "
            "list of logits for each"
        )
    return weights


def _check_target(t: Any) -> None:
    if not 0.0 <= t <= 1.0:
        raise ArgumentError(
            f"the targets of a binary cross-entropy are from 0 to 1, got {describe(t)}; of -1 and 1 make (y + 1) / 2"
        )


def _chosen(z: list[Any], y: Any) -> Any:
    """The item of the true class."""
    if not _is_traced(y):
        return z[_class(y, len(z))]
    found: Any = math.nan
    for i, item in enumerate(z):
        found = ops.where(ops.equal(y, i), item, found)
    return found


def _one_hot(y: Any, count: int) -> list[Any]:
    """1 for the true class, and 0 for the others."""
    if not _is_traced(y):
        true = _class(y, count)
        return [float(i == true) for i in range(count)]
    found = [ops.equal(y, i) for i in range(count)]
    is_any = functions.sum_(found)
    return [ops.where(is_any, x, math.nan) for x in found]


def _is_traced(y: Any) -> bool:
    """Whether a target is no plain number, but stands for one: in a function that is recorded."""
    return hasattr(type(y), "__autograd_op__") and not isinstance(y, Value)


def _class(y: Any, count: int) -> int:
    """A target as the position of the true class."""
    if not is_real(y) or not 0 <= y < count or y != int(y):
        raise ArgumentError(
            f"a class is a whole number from 0 to {count - 1} here, as there are {count} outputs; got {describe(y)}"
        )
    return int(y)

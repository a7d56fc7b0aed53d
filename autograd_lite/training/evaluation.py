"""predict and evaluate: the outputs of a model, and how good they are."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from autograd_lite import pytree
from autograd_lite.core.blocks import no_grad
from autograd_lite.core.checks import describe, is_real
from autograd_lite.core.node import number
from autograd_lite.errors import ArgumentError
from autograd_lite.nn.module import in_mode
from autograd_lite.nn.utils import predicted_class
from autograd_lite.training import inputs
from autograd_lite.training.predictor import Predictor
from autograd_lite.training.trial import NotCompiledError

__all__ = ["accuracy", "evaluate", "evaluated", "measured", "named", "predict"]

Measure = Callable[[Any, Any], Any]

#: A dict of metrics by name, or a list of functions, whose own names are used.
Metrics = Mapping[str, Measure] | Sequence[Measure]


def predict(model: Callable[[Any], Any], X: Collection[Any]) -> list[Any]:
    """The outputs of the model for all samples as plain numbers, in ``eval()`` mode and without graphs.

    Raises ``TypeError`` or ``ArgumentError`` (a ``ValueError``) for data that :func:`fit` would not take.

    >>> from autograd_lite import Value
    >>> a = Value(2.0)
    >>> predict(lambda x: [a * x, 0.0], [1.0, 2.0])
    [[2.0, 0.0], [4.0, 0.0]]
    """
    return _outputs(model, inputs.checked_samples(X, "X"), Predictor(model))


def evaluate(
    model: Callable[[Any], Any],
    X: Collection[Any],
    y: Collection[Any],
    *,
    loss: Measure,
    metrics: Metrics = (),
) -> dict[str, float]:
    """The loss and each metric by name, over all samples at once, in ``eval()`` mode and without graphs.

    Raises ``TypeError`` or ``ArgumentError`` (a ``ValueError``) for data that :func:`fit` would not take.

    >>> from autograd_lite import nn
    >>> evaluate(lambda x: 2.0 * x, [1.0, 2.0], [2.0, 5.0], loss=nn.mse_loss)
    {'loss': 0.5}
    """
    return evaluated(model, *inputs.checked(X, y), loss, named(metrics), Predictor(model))


def evaluated(
    model: Callable[[Any], Any],
    samples: list[Any],
    targets: list[Any],
    loss: Measure,
    metrics: Mapping[str, Measure],
    predictor: Predictor | None = None,
) -> dict[str, float]:
    """The same as :func:`evaluate`, for data that are already checked."""
    outputs = _outputs(model, samples, predictor)
    return {"loss": _measure(loss, outputs, targets), **measured(metrics, outputs, targets)}


def accuracy(pred: Any, target: Any, threshold: float = 0.0) -> float:
    """The share of samples whose class is predicted right.

    A prediction is a list of scores, one for each class: the largest wins. Or it is a single score:
    above the threshold means class 1, else class 0. (The threshold is 0 for a logit or a margin,
    0.5 for a probability.) A target is a class or a list of probabilities; for single scores, any
    number above 0 means class 1.

    >>> accuracy([[0.1, 2.0], [3.0, 1.0]], [1, 1])
    0.5
    """
    if not len(pred) or len(pred) != len(target):
        raise ArgumentError(f"accuracy takes as many targets as predictions, got {len(pred)} and {len(target)}")
    return sum(map(lambda p, t: _is_right(p, t, threshold), pred, target)) / len(pred)


def _is_right(pred: Any, target: Any, threshold: float) -> bool:
    is_single = not hasattr(pred, "__len__") or len(pred) == 1
    wanted = predicted_class(target) if is_single or hasattr(target, "__len__") else target
    return bool(predicted_class(pred, threshold) == wanted)


def _outputs(model: Callable[[Any], Any], samples: list[Any], predictor: Predictor | None) -> list[Any]:
    with in_mode(model, training=False), no_grad():
        if predictor is not None:
            try:
                return predictor.outputs(samples)
            except NotCompiledError:
                pass
        return [pytree.map_leaves(number, model(sample)) for sample in samples]


def measured(metrics: Mapping[str, Measure], outputs: list[Any], targets: list[Any]) -> dict[str, float]:
    """Each metric by name, computed from plain numbers."""
    if not metrics:
        return {}
    outputs = pytree.map_leaves(number, outputs)
    return {name: _measure(metric, outputs, targets) for name, metric in metrics.items()}


def named(metrics: Metrics) -> dict[str, Measure]:
    """Metrics by name. Raises ``TypeError`` for what is not a function, ``ArgumentError`` for a repeated name."""
    if not isinstance(metrics, (list, tuple, Mapping)):
        raise TypeError(f"metrics is a list of functions, or a dict of them by name; got {describe(metrics)}")
    found: dict[str, Measure] = {}
    pairs = metrics.items() if isinstance(metrics, Mapping) else [(_name(metric), metric) for metric in metrics]
    for name, metric in pairs:
        if not callable(metric) or isinstance(metric, type):
            raise TypeError(f"metrics is a list of functions, or a dict of them by name; in it is {describe(metric)}")
        if name in found or name == "loss":
            raise ArgumentError(f"a metric named {name!r} is there already; write metrics={{name: function}}")
        found[name] = metric
    return found


def _name(metric: Any) -> str:
    metric = getattr(metric, "func", metric)  # of functools.partial
    return getattr(metric, "__name__", type(metric).__name__)


def _measure(measure: Measure, outputs: list[Any], targets: list[Any]) -> float:
    with no_grad():
        found = number(measure(outputs, targets))
    if not is_real(found):
        raise TypeError(f"a loss or metric gives one number, got {describe(found)}; has it reduction='none'?")
    return float(found)

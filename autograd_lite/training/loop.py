"""fit: the training loop."""

import math
import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from autograd_lite import _tables
from autograd_lite._rng import Rng, as_random
from autograd_lite.core.checks import check_size, describe
from autograd_lite.errors import ArgumentError
from autograd_lite.nn.module import in_mode, unwrapped
from autograd_lite.optim import Optimizer
from autograd_lite.training import inputs
from autograd_lite.training.callbacks import Callback
from autograd_lite.training.compiled import Task
from autograd_lite.training.epochs import Epochs, Found, old_objects_left_alone
from autograd_lite.training.evaluation import Measure, Metrics, evaluated, named
from autograd_lite.training.history import History
from autograd_lite.training.predictor import Predictor
from autograd_lite.training.progress import Progress

__all__ = ["fit"]


def fit(
    model: Callable[[Any], Any],
    X: Collection[Any],
    y: Collection[Any],
    *,
    loss: Measure,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int | None = None,
    shuffle: bool = True,
    rng: Rng = None,
    validation: tuple[Collection[Any], Collection[Any]] | None = None,
    metrics: Metrics = (),
    callbacks: Sequence[Callback] = (),
    progress: bool = True,
    jit: bool | str = "auto",
    client: Any = None,
) -> History:
    """Train a model, and return the history of the training.

    Ctrl-C ends the training after the last whole step. The model keeps what it has learned,
    and the history holds the complete epochs.

    Args:
        model: a Module, or any function of one sample.
        X: the samples: numbers, or lists of one shape; a list, a tuple, an array or a tensor of them; or a table of
            pandas, polars or pyarrow, each row a sample.
        y: a target for each sample, such as a class, a number or a list; a series or a table of one column too.
        loss: a function of the list of outputs and the list of targets, as in :mod:`nn`.
        optimizer: an optimiser of the parameters to train.
        epochs: how many times to go through the data.
        batch_size: the number of samples for each step; all by default.
        shuffle: whether to take the samples in a new random order in each epoch.
        rng: the random numbers of that order: a ``random.Random``, a seed, or None.
        validation: samples and targets to evaluate after each epoch.
        metrics: a list of functions like the loss that give a float, such as :func:`accuracy`; or a dict
            of such functions by name.
        callbacks: functions ``(model, history)`` to call after each epoch. If one returns a reason (a
            string) or True, training stops. A learning-rate schedule is
            ``lambda model, history: schedule.step()``.
        progress: show a bar in terminals and notebooks, plain lines elsewhere.
        jit: whether the steps run in the compiled core, many times as fast, over the model recorded for one sample
            and the loss recorded for a batch. ``"auto"`` does so where it can be done and pays, and what a model
            prints is printed once or twice then, not at each call; a model that changes what it reads, such as a
            count of its calls, or draws random numbers other than ``Dropout``'s, runs as it is. ``True`` raises
            ``ArgumentError``, with the reason, where it cannot be done; ``False`` runs the model itself for each
            sample.
        client: a ``dask.distributed.Client``, whose workers compute the gradients, each of its partitions of X and
            y: Dask arrays, series or frames, or lists of futures (extra ``distributed``). The loss and the
            metrics must be means over samples. Each batch takes its share from every partition.

    Raises ``TypeError`` or ``ArgumentError`` (a ``ValueError``) for data that do not fit together,
    before anything is changed. Raises ``AnomalyError`` when the loss or a gradient turns nan or
    infinite; it names the epoch, the batch and the operation (under ``detect_anomaly()`` the line
    too), and the parameters stay as they were before that step. Exceptions of the loss, a metric
    or a callback are passed on.

    >>> from autograd_lite import Value, nn, optim
    >>> a, b = Value(0.0), Value(0.0)
    >>> history = fit(
    ...     lambda x: a * x + b, [0.0, 1.0, 2.0], [1.0, 3.0, 5.0],
    ...     loss=nn.mse_loss, optimizer=optim.SGD([a, b], lr=0.2), epochs=100, progress=False,
    ... )
    >>> round(a.data, 3), round(b.data, 3), history.epochs
    (2.0, 1.0, 100)
    """
    _check(model, loss, optimizer, epochs, callbacks)
    if not isinstance(jit, bool) and not (isinstance(jit, str) and jit == "auto"):
        raise ArgumentError(f'jit is True, False or "auto", got {describe(jit)}')
    measures = named(metrics)
    source = _source(client, X, y, jit, model=model, loss=loss, optimizer=optimizer, metrics=measures)
    held_out = None if validation is None else _checked_validation(validation, X, *source.first)
    size = source.count if batch_size is None else batch_size
    check_size(size, "batch_size")
    history, shown = History(), Progress(epochs, math.ceil(source.count / size), wanted=progress)
    trained = source.epochs(size, shuffle=shuffle, draws=as_random(rng), shown=shown)
    predictor = Predictor(model) if jit else None

    def after_epochs(found: list[Found], started: float) -> bool:
        """Evaluate, take down and show what was found; whether to go on."""
        if held_out is not None:
            after = evaluated(model, *held_out, loss, measures, predictor)
            numbers = found[-1][0] | {f"val_{name}": [x] for name, x in after.items()}
            found[-1] = numbers, [time.perf_counter() - started]
        while found:
            history.extend(*found.pop(0))
            shown.epoch_done(history)
        reasons = [reason for reason in [callback(model, history) for callback in callbacks] if reason]
        if reasons:
            history.stopped = reasons[0] if isinstance(reasons[0], str) else "a callback asked for it"
        return not reasons

    alone = held_out is None and not callbacks
    at_once = epochs if alone else 1
    found: list[Found] = []
    try:
        try:
            trained.begin(jit, epochs, alone=alone)  # here, as Ctrl-C may come while it is recorded
            goes_on = True
            while goes_on and history.epochs < epochs:
                started = time.perf_counter()
                epoch = history.epochs + 1
                with old_objects_left_alone(), in_mode(model, training=True):
                    trained.run(epoch, min(at_once, shown.silent_for(epoch), epochs - epoch + 1), found)
                goes_on = after_epochs(found, started)
        finally:
            trained.end()
            shown.close(history)
    except KeyboardInterrupt:  # outside the finally, as it may come there too
        for numbers, seconds in found if held_out is None else ():
            history.extend(numbers, seconds)
        history.drop_incomplete()
        history.stopped = f"Ctrl-C in epoch {min(history.epochs + 1, epochs)}"
        shown.close(history)
    return history


def _source(client: Any, X: Any, y: Any, jit: Any, **trained: Any) -> Any:
    """The samples: of this process, or in the partitions of Dask's workers."""
    if client is None:
        return _Samples(*inputs.checked(X, y), **trained)
    if jit is True:
        raise ArgumentError('with client= the workers run the model itself; write jit="auto"')
    from autograd_lite.training.data_parallel import Partitioned

    return Partitioned(client, X, y, **trained)


class _Samples:
    """All samples in a list, with what is trained on them."""

    def __init__(
        self, samples: list[Any], targets: list[Any], *, metrics: Mapping[str, Measure], **trained: Any
    ) -> None:
        self.count, self.first = len(samples), (samples[0], targets[0])
        self._task = Task(samples=samples, targets=targets, size=len(samples), **trained)
        self._metrics = metrics

    def epochs(self, size: int, *, shuffle: bool, draws: random.Random, shown: Progress) -> Epochs:
        """The training in batches of so many."""
        task = self._task._replace(size=size)
        return Epochs(task, rng=draws if shuffle else None, metrics=self._metrics, shown=shown)


def _check(model: Any, loss: Any, optimizer: Any, epochs: Any, callbacks: Any) -> None:
    for what, function in (("model", model), ("loss", loss)):
        if not callable(function) or isinstance(function, type):
            advice = "such as nn.mse_loss" if what == "loss" else "such as nn.MLP(2, [8, 1])"
            advice = f"write {function.__name__}(...)" if isinstance(function, type) else advice
            raise TypeError(f"the {what} is a function or a Module, got {describe(function)}; {advice}")
    if not isinstance(callbacks, (list, tuple)):
        raise TypeError(f"callbacks is a list of functions, got {describe(callbacks)}")
    for callback in callbacks:
        if not callable(callback) or isinstance(callback, type):
            raise TypeError(f"callbacks is a list of functions, such as EarlyStopping(); in it is {describe(callback)}")
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"the optimizer is one of optim's, such as Adam(model.parameters()); got {describe(optimizer)}")
    check_size(epochs, "epochs")
    module = unwrapped(model)
    if module is not None:
        own = set(map(id, module.parameters()))
        if not any(id(p) in own for group in optimizer.param_groups for p in group["params"]):
            raise ArgumentError("the optimizer was made for the parameters of another model; make it for this one")


def _checked_validation(validation: Any, X: Any, sample: Any, target: Any) -> tuple[list[Any], list[Any]]:
    if not isinstance(validation, (tuple, list)) or len(validation) != 2:
        raise TypeError(f"validation is a pair (X, y) of data to evaluate, got {describe(validation)}")
    names = ("the X of validation", "the y of validation")
    samples, targets = inputs.checked(validation[0], validation[1], names)
    _tables.check_names(validation[0], X, names[0], "X")
    inputs.check_alike(samples[0], sample, names[0], "X")
    inputs.check_alike(targets[0], target, names[1], "y")
    return samples, targets

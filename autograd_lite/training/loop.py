"""fit: the training loop."""

import gc
import math
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from autograd_lite._rng import Rng, as_random
from autograd_lite.core.checks import check_size, describe
from autograd_lite.errors import ArgumentError
from autograd_lite.nn.module import in_mode, unwrapped
from autograd_lite.optim import Optimizer
from autograd_lite.training import inputs
from autograd_lite.training.callbacks import Callback
from autograd_lite.training.compiled import Task, Trainer
from autograd_lite.training.epochs import Epochs, Found
from autograd_lite.training.evaluation import Measure, Metrics, evaluated, named
from autograd_lite.training.history import History
from autograd_lite.training.predictor import Predictor
from autograd_lite.training.progress import Progress
from autograd_lite.training.trial import NotCompiledError

__all__ = ["fit"]

#: Recording pays from so many steps on and, if a step counts for five samples beside its own, from so many samples on:
#: some for the model, and for the loss so many for each sample of a batch.
STEPS, SAMPLES, SAMPLES_OF_LOSS = 10, 1000, 30


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
) -> History:
    """Train a model, and return the history of the training.

    Ctrl-C ends the training after the last whole step. The model keeps what it has learned,
    and the history holds the complete epochs.

    Args:
        model: a Module, or any function of one sample.
        X: the samples: numbers, or lists of one shape; a list, a tuple or a NumPy array of them.
        y: a target for each sample, such as a class, a number or a list.
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
    samples, targets = inputs.checked(X, y)
    held_out = None if validation is None else _checked_validation(validation, samples[0], targets[0])
    size = len(samples) if batch_size is None else batch_size
    check_size(size, "batch_size")
    draws, history = as_random(rng), History()
    shown = Progress(epochs, math.ceil(len(samples) / size), wanted=progress)
    task = Task(model, samples, targets, loss, optimizer, size)
    trained = Epochs(
        task,
        rng=draws if shuffle else None,
        metrics=measures,
        shown=shown,
    )
    predictor = Predictor(model) if jit else None
    at_once = epochs if held_out is None and not callbacks else 1
    found: list[Found] = []
    try:
        try:
            trained.trainer = _trainer(jit, epochs, task)  # here, as Ctrl-C may come while it is recorded
            while history.epochs < epochs:
                started = time.perf_counter()
                with _old_objects_left_alone(), in_mode(model, training=True):
                    trained.run(
                        history.epochs + 1,
                        min(at_once, shown.silent_for(history.epochs + 1), epochs - history.epochs),
                        found,
                    )
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
                    break
        finally:
            shown.close(history)
    except KeyboardInterrupt:  # outside the finally, as it may come there too
        for numbers, seconds in found if held_out is None else ():
            history.extend(numbers, seconds)
        history.drop_incomplete()
        history.stopped = f"Ctrl-C in epoch {min(history.epochs + 1, epochs)}"
        shown.close(history)
    return history


def _trainer(jit: Any, epochs: int, task: Task) -> Trainer | None:
    """The compiled core's, if that is asked for and can be."""
    count, size = len(task.samples), min(task.size, len(task.samples))
    steps = epochs * math.ceil(count / size)
    pays = steps >= STEPS and epochs * count + 5 * steps >= SAMPLES + SAMPLES_OF_LOSS * size
    if jit is False or (jit == "auto" and not pays):
        return None
    try:
        with _old_objects_left_alone(), in_mode(task.model, training=True):
            return Trainer(task)
    except NotCompiledError as reason:
        if jit is True:
            raise ArgumentError(f'this training cannot be compiled, so write jit="auto": {reason}') from None
        return None


@contextmanager
def _old_objects_left_alone() -> Iterator[None]:
    """Exclude all objects that exist already from garbage collection.

    Building graphs makes the collector go through every object of the process, once in a few batches.
    With large packages such as scikit-learn loaded, that takes a third of the training time.
    """
    if gc.get_freeze_count() > 1_000:  # the program did so itself; Python 3.12 starts with some hundreds
        yield
        return
    try:
        gc.freeze()
        yield
    finally:
        gc.unfreeze()


def _check(model: Any, loss: Any, optimizer: Any, epochs: Any, callbacks: Any) -> None:
    for what, function in (("model", model), ("loss", loss)):
        if not callable(function) or isinstance(function, type):
            instance = f"; write {function.__name__}(...)" if isinstance(function, type) else ""
            raise TypeError(f"the {what} is a function or a Module, got {describe(function)}{instance}")
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


def _checked_validation(validation: Any, sample: Any, target: Any) -> tuple[list[Any], list[Any]]:
    if not isinstance(validation, (tuple, list)) or len(validation) != 2:
        raise TypeError(f"validation is a pair (X, y) of data to evaluate, got {describe(validation)}")
    names = ("the X of validation", "the y of validation")
    samples, targets = inputs.checked(validation[0], validation[1], names)
    inputs.check_alike(samples[0], sample, names[0], "X")
    inputs.check_alike(targets[0], target, names[1], "y")
    return samples, targets

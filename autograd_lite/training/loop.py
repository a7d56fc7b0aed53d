"""fit: the training loop."""

import gc
import math
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from autograd_lite import data
from autograd_lite._interrupts import uninterrupted
from autograd_lite._rng import Rng, as_random
from autograd_lite.core.blocks import detect_anomaly
from autograd_lite.core.checks import check_size, describe
from autograd_lite.core.node import listed, number
from autograd_lite.core.value import Value
from autograd_lite.errors import AnomalyError, ArgumentError
from autograd_lite.nn.module import in_mode, unwrapped
from autograd_lite.optim import Optimizer
from autograd_lite.training import inputs
from autograd_lite.training.callbacks import Callback
from autograd_lite.training.evaluation import Measure, Metrics, evaluated, measured, named
from autograd_lite.training.history import History
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
    client: Any = None,
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
    measures = named(metrics)
    if client is None:
        samples, targets = inputs.checked(X, y)
        count, first = len(samples), (samples[0], targets[0])
    else:
        from autograd_lite.training.data_parallel import Partitioned

        parts = Partitioned(client, X, y, model=model, loss=loss, optimizer=optimizer, metrics=measures)
        count, first = parts.count, parts.first
    held_out = None if validation is None else _checked_validation(validation, *first)
    size = count if batch_size is None else batch_size
    check_size(size, "batch_size")
    draws, history, epoch = as_random(rng), History(), 1
    shown = Progress(epochs, math.ceil(count / size), wanted=progress)
    try:
        try:
            for epoch in range(1, epochs + 1):
                started = time.perf_counter()
                if client is None:
                    pieces = data.batches(samples, targets, size, shuffle=shuffle, rng=draws)
                    with old_objects_left_alone():
                        numbers = _epoch(model, pieces, loss, optimizer, measures, epoch=epoch, shown=shown)
                else:
                    numbers = parts.epoch(size, shuffle=shuffle, draws=draws, epoch=epoch, shown=shown)
                if held_out is not None:
                    after = evaluated(model, *held_out, loss, measures)
                    numbers |= {f"val_{name}": x for name, x in after.items()}
                history.add(numbers, time.perf_counter() - started)
                shown.epoch_done(history)
                reasons = [reason for reason in [callback(model, history) for callback in callbacks] if reason]
                if reasons:
                    history.stopped = reasons[0] if isinstance(reasons[0], str) else "a callback asked for it"
                    break
        finally:
            shown.close(history)
    except KeyboardInterrupt:  # outside the finally, as it may come there too
        history.drop_incomplete()
        history.stopped = f"Ctrl-C in epoch {epoch}"
        shown.close(history)
    return history


def _epoch(
    model: Callable[[Any], Any],
    pieces: Iterable[tuple[list[Any], list[Any]]],
    loss: Measure,
    optimizer: Optimizer,
    metrics: Mapping[str, Measure],
    *,
    epoch: int,
    shown: Progress,
) -> dict[str, float]:
    """Take a step for each batch; return the means of the loss and the metrics, measured before each step."""
    sums: dict[str, float] = {}
    count = 0
    with in_mode(model, training=True):
        for batch, (xs, ys) in enumerate(pieces, 1):
            try:
                numbers = step(model, xs, ys, loss, optimizer, metrics)
            except AnomalyError as anomaly:
                raise AnomalyError(f"epoch {epoch}, batch {batch}: {anomaly}") from None
            for name, x in numbers.items():
                sums[name] = sums.get(name, 0.0) + len(xs) * x
            count += len(xs)
            shown.batch_done(epoch)
    return {name: total / count for name, total in sums.items()}


@contextmanager
def old_objects_left_alone() -> Iterator[None]:
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


def step(
    model: Callable[[Any], Any],
    xs: list[Any],
    ys: list[Any],
    loss: Measure,
    optimizer: Optimizer,
    metrics: Mapping[str, Measure],
) -> dict[str, float]:
    """Take one step of the optimiser; return the loss and the metrics of the batch before it."""
    optimizer.zero_grad()
    outputs = [model(x) for x in xs]
    value = loss(outputs, ys)
    if not isinstance(value, Value):
        raise TypeError(
            f"the loss must be one Value that depends on the parameters, got {describe(value)}; "
            "a loss with reduction='none' gives a list, and a model under no_grad() or of floats has no graph"
        )
    if not math.isfinite(value.data):
        raise AnomalyError(f"the loss is {value.data}; {_first_anomaly(value)}")
    value.backward()
    for group in optimizer.param_groups:
        for p in group["params"]:
            if not math.isfinite(number(p.grad)):
                raise AnomalyError(f"the gradient by {p.name or 'a parameter'} is {p.grad}: {_why(value)}")
    with uninterrupted():
        optimizer.step()
    return {"loss": value.data, **measured(metrics, outputs, ys)}


def _first_anomaly(value: Any) -> str:
    """The first operation on the way to a value whose result is not finite."""
    while True:
        pairs = zip(value.operands, value.partials, strict=True)
        wrong = [(o, p) for o, p in pairs if isinstance(o, Value) and not math.isfinite(o.data)]
        if not wrong:
            break
        # An operand whose partial is 0 is not the cause, such as the branch that where() does not take.
        value = max(wrong, key=lambda pair: pair[1] != 0.0)[0]
    if value.op is None:
        return f"it began with {value.name or 'a leaf'}, which is {value.data}"
    return f"the first operation that went wrong: {value.op.name} gave {value.data} at {listed(value.operands)}"


def _why(value: Value) -> str:
    """The place where the gradient of a value first turns nan or infinite."""
    try:
        with detect_anomaly():
            value.backward()
    except AnomalyError as anomaly:
        return str(anomaly).partition("\n")[0]
    return "it is the sum of several that are finite"


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

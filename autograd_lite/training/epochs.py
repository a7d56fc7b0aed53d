"""Epochs of training: step by step in Python, or as far as it goes in the compiled core."""

import array
import gc
import math
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from autograd_lite._interrupts import uninterrupted
from autograd_lite._rng import state_of
from autograd_lite.core.blocks import detect_anomaly
from autograd_lite.core.checks import describe
from autograd_lite.core.node import listed, number
from autograd_lite.core.value import Value
from autograd_lite.data.samples import order_of
from autograd_lite.errors import AnomalyError, ArgumentError
from autograd_lite.jit.closures import Environment
from autograd_lite.nn.module import in_mode
from autograd_lite.training.compiled import Task, Trainer
from autograd_lite.training.evaluation import Measure, measured
from autograd_lite.training.progress import Progress
from autograd_lite.training.trial import NotCompiledError

__all__ = ["Epochs", "Found", "anomaly_at", "old_objects_left_alone", "step"]

#: Of some epochs the mean loss and metrics of each, by name, and the seconds that each took.
Found = tuple[dict[str, list[float]], list[float]]

#: So long the compiled core trains without a look at Ctrl-C and at the progress, in seconds.
AT_ONCE = 0.05
#: So many steps that it leaves to Python are too many, if they are more than half as many as it does.
TOO_MANY = 20


#: Recording pays from so many steps on and, if a step counts for five samples beside its own, from so many samples on:
#: some for the model, and for the loss so many for each sample of a batch.
STEPS, SAMPLES, SAMPLES_OF_LOSS = 10, 1000, 30


class Epochs:
    """The training of one model, one or several epochs at a time.

    Args:
        task: what is trained.
        rng: where the order of the samples in each epoch comes from; None for one that is always the same.
        metrics: to be measured before each step.
        shown: is told of each batch.
    """

    def __init__(
        self,
        task: Task,
        *,
        rng: random.Random | None,
        metrics: Mapping[str, Measure],
        shown: Progress,
    ) -> None:
        self.task, self.size, self.count = task, task.size, len(task.samples)
        self.metrics, self.shown = metrics, shown
        #: The compiled core's, or None.
        self.trainer: Trainer | None = None
        self._rng = rng
        self._many = 1  # epochs at once
        self._alone = self._has_run = False
        #: Whether a metric reads Values, such as those of the model.
        self._is_watched = bool(metrics) and bool(Environment(metrics.values(), often=False).values)
        self._by_python = self._in_core = 0  # steps

    def begin(self, jit: Any, epochs: int, *, alone: bool) -> None:
        """Let the compiled core train, if that is asked for, can be done and pays for so many epochs.

        If it is ``alone``, nothing of the user's runs between two epochs: what is trained is given back in :meth:`end`.
        """
        self._alone = alone
        size = min(self.size, self.count)
        steps = epochs * math.ceil(self.count / size)
        pays = steps >= STEPS and epochs * self.count + 5 * steps >= SAMPLES + SAMPLES_OF_LOSS * size
        if jit is False or (jit == "auto" and not pays):
            return
        try:
            with old_objects_left_alone(), in_mode(self.task.model, training=True):
                self.trainer = Trainer(self.task)
        except NotCompiledError as reason:
            if jit is True:
                raise ArgumentError(
                    f'this training cannot be compiled: {reason}. jit="auto" trains in Python then'
                ) from None

    def run(self, epoch: int, most: int, found: list[Found]) -> None:
        """Train for an epoch, or several at once, at most so many.

        Adds, for each, the means of the loss and the metrics as they were before each step, and the seconds it took.
        """
        if self.trainer is not None and not (self._alone and self._has_run):
            try:
                self.trainer.refresh()
            except NotCompiledError:  # the model is another now
                self.trainer = None
        self._has_run = True
        if self.trainer is None:
            started = time.perf_counter()
            batches = [
                self._step(epoch, batch, piece) for batch, piece in enumerate(self._pieces(self._next_order()), 1)
            ]
            found.append((self._means(batches), [time.perf_counter() - started]))
        elif self.metrics or self.trainer.has_draws or self._many == 1 or most == 1:
            self._compiled_epoch(self.trainer, epoch, found)
        else:
            self._compiled_epochs(self.trainer, epoch, min(most, self._many), found)

    def end(self) -> None:
        """Give the parameters and the optimiser what was trained."""
        if self.trainer is not None:
            with uninterrupted():
                self.trainer.write()

    def _write(self, trainer: Trainer) -> None:
        """The same after each epoch, where somebody may look."""
        if not self._alone:
            with uninterrupted():
                trainer.write()

    def _pieces(self, order: Sequence[int]) -> list[Sequence[int]]:
        return [order[start : start + self.size] for start in range(0, len(order), self.size)]

    def _next_order(self) -> list[int]:
        return order_of(self.count, self._rng is not None, self._rng)

    def _means(self, batches: Sequence[dict[str, float]]) -> dict[str, list[float]]:
        """The means of an epoch."""
        return {name: [self._mean([numbers[name] for numbers in batches])] for name in batches[0]}

    def _mean(self, numbers: Sequence[float]) -> float:
        total = 0.0
        for start, x in zip(range(0, self.count, self.size), numbers, strict=True):
            total += (min(start + self.size, self.count) - start) * x
        return total / self.count

    # -- In the compiled core --

    def _compiled_epoch(
        self, trainer: Trainer, epoch: int, found: list[Found], order: Sequence[int] = (), losses: Sequence[float] = ()
    ) -> None:
        """One epoch, or the rest of one, with a look at Ctrl-C every now and then."""
        started = time.perf_counter()
        order = order or self._next_order()
        pieces, places = self._pieces(order), array.array("q", order)
        batches = [{"loss": x} for x in losses]
        each = 1  # steps at once
        try:
            while len(batches) < len(pieces):
                now, first, stop = time.perf_counter(), len(batches), min(len(batches) + each, len(pieces))
                if self.trainer is not None:
                    batches += [{"loss": x} for x in self._compiled_steps(trainer, places, first, stop)]
                    for _ in range(len(batches) - first if self.shown.bar is not None else 0):
                        self.shown.batch_done(epoch)
                if len(batches) < stop:
                    trainer.write()
                    batches.append(self._step(epoch, len(batches) + 1, pieces[len(batches)]))
                    self._take_back(trainer)
                elif self.metrics:
                    if self._is_watched:
                        trainer.write()
                    piece = pieces[first]
                    wanted = [self.task.targets[i] for i in piece]
                    batches[first] |= measured(self.metrics, trainer.outputs(len(piece)), wanted)
                elif time.perf_counter() - now < AT_ONCE / 2:
                    each *= 2
        finally:
            self._write(trainer)
        seconds = time.perf_counter() - started
        found.append((self._means(batches), [seconds]))
        if seconds < AT_ONCE:
            self._many = 2

    def _compiled_steps(self, trainer: Trainer, places: Any, first: int, stop: int) -> list[float]:
        """Steps of an epoch; returns the loss of each. There are fewer if the next one is for Python."""
        start, end = first * self.size, min(stop * self.size, self.count)
        losses: list[float] = []
        take_back = trainer.draw(places[start:end])
        with uninterrupted():
            at = trainer.run(places, start, end, losses)
        self._in_core += len(losses)
        if at < end:
            take_back()
            trainer.draw(places[start:at])
        return losses

    def _compiled_epochs(self, trainer: Trainer, epoch: int, many: int, found: list[Found]) -> None:
        """Several short epochs without a look at anything else."""
        started = time.perf_counter()
        count, losses = self.count, list[float]()
        order = None if self._rng is None else array.array("q")
        take_back = state_of(self._rng)[1] if order is not None else None
        for _ in range(many if order is not None else 0):
            order.extend(self._next_order())  # type: ignore[union-attr]  # it is not None, or there were none
        steps = -(-count // self.size)
        with uninterrupted():
            try:
                done = trainer.run(order, 0, many * count, losses) // count
            finally:
                self._write(trainer)
            if steps == 1:
                means = [0.0 + count * x / count for x in losses[:done]]
            else:
                means = [self._mean(losses[i * steps : (i + 1) * steps]) for i in range(done)]
            seconds = (time.perf_counter() - started) / (done or 1)
            if done:
                found.append(({"loss": means}, [seconds] * done))
        self._in_core += len(losses)
        for i in range(len(losses) if self.shown.bar is not None else 0):
            self.shown.batch_done(epoch + i // steps)
        if done == many:
            self._many = many * 2 if time.perf_counter() - started < AT_ONCE / 2 else max(1, many // 2)
            return
        own = range(count) if order is None else order[done * count : (done + 1) * count]
        if take_back is not None:  # of the orders that were drawn those of epochs that are not begun
            take_back()
            for _ in range(done + 1):
                self._next_order()
        self._compiled_epoch(trainer, epoch + done, found, own, losses[done * steps :])

    def _take_back(self, trainer: Trainer) -> None:
        """Let the compiled core go on after a step in Python, unless that happens too often."""
        self._by_python += 1
        try:
            trainer.reload()
        except NotCompiledError:
            self.trainer = None
        if self._by_python > max(TOO_MANY, self._in_core // 2):
            self.trainer = None

    # -- In Python --

    def _step(self, epoch: int, batch: int, piece: Sequence[int]) -> dict[str, float]:
        """Take one step of the optimiser; return the loss and the metrics of the batch before it."""
        xs, ys = [self.task.samples[i] for i in piece], [self.task.targets[i] for i in piece]
        try:
            numbers = step(self.task, xs, ys, self.metrics)
        except AnomalyError as anomaly:
            raise anomaly_at(epoch, batch, anomaly) from None
        self.shown.batch_done(epoch)
        return numbers


def anomaly_at(epoch: int, batch: int, anomaly: AnomalyError) -> AnomalyError:
    """The error of a step, with its place and what often helps."""
    return AnomalyError(
        f"epoch {epoch}, batch {batch}: {anomaly}. If the numbers have grown from step to step, a smaller lr helps, or "
        "standardize(X)"
    )


def step(task: Task, xs: list[Any], ys: list[Any], metrics: Mapping[str, Measure]) -> dict[str, float]:
    """Take one step of the optimiser in Python; return the loss and the metrics of the batch before it."""
    task.optimizer.zero_grad()
    outputs = [task.model(x) for x in xs]
    value = task.loss(outputs, ys)
    if not isinstance(value, Value):
        raise TypeError(
            f"the loss must be one Value that depends on the parameters, got {describe(value)}; "
            "a loss with reduction='none' gives a list, and a model under no_grad() or of floats has no graph"
        )
    if not math.isfinite(value.data):
        raise AnomalyError(f"the loss is {value.data}; {_first_anomaly(value)}")
    value.backward()
    for group in task.optimizer.param_groups:
        for p in group["params"]:
            if not math.isfinite(number(p.grad)):
                raise AnomalyError(f"the gradient by {p.name or 'a parameter'} is {p.grad}: {_why(value)}")
    with uninterrupted():
        task.optimizer.step()
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

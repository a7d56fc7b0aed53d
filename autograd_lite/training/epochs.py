"""Epochs of training: step by step in Python, or as far as it goes in the compiled core."""

import array
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autograd_lite._interrupts import uninterrupted
from autograd_lite.core.blocks import detect_anomaly
from autograd_lite.core.checks import describe
from autograd_lite.core.node import listed, number
from autograd_lite.core.value import Value
from autograd_lite.errors import AnomalyError
from autograd_lite.training.compiled import NotCompiledError, Task, Trainer
from autograd_lite.training.evaluation import Measure, measured
from autograd_lite.training.progress import Progress

__all__ = ["Epochs", "Found"]

#: Of some epochs the mean loss and metrics of each, by name, and the seconds that each took.
Found = tuple[dict[str, list[float]], list[float]]

#: So long the compiled core trains without a look at Ctrl-C and at the progress, in seconds.
AT_ONCE = 0.05
#: So many steps that it leaves to Python are too many.
TOO_MANY = 20


class Epochs:
    """The training of one model, one or several epochs at a time.

    Args:
        task: what is trained.
        order: gives the order of the samples in the next epoch; None for one that is always the same.
        metrics: to be measured before each step.
        shown: is told of each batch.
        trainer: the compiled core's, or None.
    """

    def __init__(
        self,
        task: Task,
        *,
        order: Callable[[], list[int]] | None,
        metrics: Mapping[str, Measure],
        shown: Progress,
        trainer: Trainer | None,
    ) -> None:
        self.task, self.size, self.count = task, task.size, len(task.samples)
        self.metrics, self.shown, self.trainer = metrics, shown, trainer
        self._order = order
        self._many = 1  # epochs at once
        self._by_python = 0  # steps

    def run(self, epoch: int, most: int, found: list[Found]) -> None:
        """Train for an epoch, or several at once, at most so many.

        Adds, for each, the means of the loss and the metrics as they were before each step, and the seconds it took.
        """
        if self.trainer is not None:
            try:
                self.trainer.refresh()
            except NotCompiledError:  # the model is another now
                self.trainer = None
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

    def _pieces(self, order: Sequence[int]) -> list[Sequence[int]]:
        return [order[start : start + self.size] for start in range(0, len(order), self.size)]

    def _next_order(self) -> list[int]:
        return list(range(self.count)) if self._order is None else self._order()

    def _means(self, batches: Sequence[dict[str, float]]) -> dict[str, list[float]]:
        """The means of an epoch."""
        return {name: [self._mean([numbers[name] for numbers in batches])] for name in batches[0]}

    def _mean(self, numbers: Sequence[float]) -> float:
        total = 0.0
        for start, x in zip(range(0, self.count, self.size), numbers, strict=True):
            total += (min(start + self.size, self.count) - start) * x
        return total / self.count

    # -- In the compiled core --

    def _compiled_epoch(self, trainer: Trainer, epoch: int, found: list[Found]) -> None:
        """One epoch, with a look at Ctrl-C every now and then."""
        started = time.perf_counter()
        order = self._next_order()
        places, pieces = array.array("q", order), self._pieces(order)
        trainer.draw(order)
        batches: list[dict[str, float]] = []
        each = 1  # steps at once
        try:
            while len(batches) < len(pieces):
                now, first = time.perf_counter(), len(batches)
                stop = min(first + each, len(pieces))
                losses: list[float] = []
                with uninterrupted():
                    trainer.run(places, first * self.size, min(stop * self.size, len(order)), losses)
                batches += [{"loss": x} for x in losses]
                if self.metrics and losses:
                    piece = pieces[len(batches) - 1]
                    wanted = [self.task.targets[i] for i in piece]
                    batches[-1] |= measured(self.metrics, trainer.outputs(len(piece)), wanted)
                if len(batches) < stop:
                    trainer.write()
                    batches.append(self._step(epoch, len(batches) + 1, pieces[len(batches)]))
                    self._take_back(trainer)
                for _ in range(len(batches) - first if self.shown.bar is not None and self.trainer else 0):
                    self.shown.batch_done(epoch)
                if not self.metrics and time.perf_counter() - now < AT_ONCE / 2:
                    each *= 2
        finally:
            with uninterrupted():
                trainer.write()
        seconds = time.perf_counter() - started
        found.append((self._means(batches), [seconds]))
        if seconds < AT_ONCE:
            self._many = 2

    def _compiled_epochs(self, trainer: Trainer, epoch: int, many: int, found: list[Found]) -> None:
        """Several short epochs without a look at anything else."""
        started = time.perf_counter()
        count, at, losses = self.count, 0, list[float]()
        order = None if self._order is None else array.array("q")
        for _ in range(many if order is not None else 0):
            order.extend(self._next_order())  # type: ignore[union-attr]  # it is not None, or there were none
        steps = -(-count // self.size)
        with uninterrupted():
            try:
                at = trainer.run(order, 0, many * count, losses)
            finally:
                trainer.write()
            done = at // count
            if steps == 1:
                means = [0.0 + count * x / count for x in losses[:done]]
            else:
                means = [self._mean(losses[i * steps : (i + 1) * steps]) for i in range(done)]
            seconds = (time.perf_counter() - started) / (done or 1)
            found.append(({"loss": means}, [seconds] * done))
        for i in range(done * steps if self.shown.bar is not None else 0):
            self.shown.batch_done(epoch + i // steps)
        if at < many * count:
            own = range(count) if order is None else order[done * count : (done + 1) * count]
            batches = [{"loss": x} for x in losses[done * steps :]]
            for piece in self._pieces(own)[len(batches) :]:
                batches.append(self._step(epoch + done, len(batches) + 1, piece))
            found.append((self._means(batches), [time.perf_counter() - started]))
            self._take_back(trainer)
        self._many = many * 2 if time.perf_counter() - started < AT_ONCE / 2 else max(1, many // 2)

    def _take_back(self, trainer: Trainer) -> None:
        """Let the compiled core go on after a step in Python, unless that happens too often."""
        self._by_python += 1
        if self._by_python > TOO_MANY:
            self.trainer = None
        trainer.reload()

    # -- In Python --

    def _step(self, epoch: int, batch: int, piece: Sequence[int]) -> dict[str, float]:
        """Take one step of the optimiser; return the loss and the metrics of the batch before it."""
        xs, ys = [self.task.samples[i] for i in piece], [self.task.targets[i] for i in piece]
        try:
            numbers = self._stepped(xs, ys)
        except AnomalyError as anomaly:
            raise AnomalyError(f"epoch {epoch}, batch {batch}: {anomaly}") from None
        self.shown.batch_done(epoch)
        return numbers

    def _stepped(self, xs: list[Any], ys: list[Any]) -> dict[str, float]:
        self.task.optimizer.zero_grad()
        outputs = [self.task.model(x) for x in xs]
        value = self.task.loss(outputs, ys)
        if not isinstance(value, Value):
            raise TypeError(
                f"the loss must be one Value that depends on the parameters, got {describe(value)}; "
                "a loss with reduction='none' gives a list, and a model under no_grad() or of floats has no graph"
            )
        if not math.isfinite(value.data):
            raise AnomalyError(f"the loss is {value.data}; {_first_anomaly(value)}")
        value.backward()
        for group in self.task.optimizer.param_groups:
            for p in group["params"]:
                if not math.isfinite(number(p.grad)):
                    raise AnomalyError(f"the gradient by {p.name or 'a parameter'} is {p.grad}: {_why(value)}")
        with uninterrupted():
            self.task.optimizer.step()
        return {"loss": value.data, **measured(self.metrics, outputs, ys)}


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

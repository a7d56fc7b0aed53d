"""Schedules of learning rates, under PyTorch's names. Each is a closed form of the number of steps so far.

A schedule multiplies the learning rate of every group of its optimiser: when it is made, and
at each ``step()``. Call that once an epoch, or once a batch. Several schedules on one optimiser
multiply each other. A rate that you assign in between is multiplied from then on.
"""

import bisect
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from autograd_lite.core.checks import check_size, describe
from autograd_lite.core.value import at_once
from autograd_lite.errors import ArgumentError, StateError
from autograd_lite.optim.optimizers import Optimizer

__all__ = ["CosineAnnealingLR", "ExponentialLR", "LRScheduler", "LinearLR", "SequentialLR", "StepLR"]


class LRScheduler:
    """Base class of schedules: a subclass writes ``lr_at``."""

    def __init__(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"a schedule takes an optimiser first, got {describe(optimizer)}")
        self.optimizer = optimizer
        #: How many steps it has made.
        self.last_epoch = 0
        for group in optimizer.param_groups:
            base = group.setdefault("initial_lr", group["lr"])
            group["lr"] = _multiplied(group["lr"], base, self.lr_at(base, 0))

    def lr_at(self, base: float, epoch: int) -> float:
        """The learning rate after so many steps, of a group that began with ``base``."""
        raise NotImplementedError(f"{type(self).__name__} has no lr_at(self, base, epoch) method yet; write one")

    def step(self) -> None:
        """Set the learning rates of the next epoch."""
        groups, epoch = self.optimizer.param_groups, self.last_epoch + 1
        rates = []
        for group in groups:
            base = group.setdefault("initial_lr", group["lr"])
            rates.append(_multiplied(group["lr"], self.lr_at(base, epoch - 1), self.lr_at(base, epoch)))
        new_rates = map(dict.__setitem__, groups, itertools.repeat("lr"), rates)
        self.last_epoch = epoch  # Ctrl-C comes before this line or after the next, never between them
        at_once(new_rates)

    def get_last_lr(self) -> list[float]:
        """The learning rate of each group as it is now."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """What to resume from; the learning rates are in the optimiser's own state."""
        return {"last_epoch": self.last_epoch}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Resume from what :meth:`state_dict` gave. The optimiser resumes from its own.

        Raises ``StateError`` (a ``ValueError``) if it is no such state.
        """
        try:
            last_epoch = state_dict["last_epoch"]
            check_size(last_epoch, "last_epoch", least=0)
        except (KeyError, TypeError, ArgumentError):
            raise StateError(f"this is no state of a schedule: {describe(state_dict)}") from None
        self.last_epoch = last_epoch


def _multiplied(lr: float, before: float, after: float) -> float:
    """A rate times ``after / before``, which is ``after`` where nothing else changed it; also out of a rate of 0."""
    return after if before in (lr, 0.0) else lr * (after / before)


class StepLR(LRScheduler):
    """Times ``gamma`` after every ``step_size`` epochs.

    >>> from autograd_lite import Value
    >>> from autograd_lite.optim import SGD
    >>> schedule = StepLR(SGD([Value(1.0)], lr=1.0), step_size=2, gamma=0.5)
    >>> for _ in range(4):
    ...     print(schedule.get_last_lr()[0], end=" ")
    ...     schedule.step()
    1.0 1.0 0.5 0.5
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        check_size(step_size, "step_size")
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer)

    def lr_at(self, base: float, epoch: int) -> float:
        return base * self.gamma ** (epoch // self.step_size)


class ExponentialLR(LRScheduler):
    """Times ``gamma`` after every epoch."""

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self.gamma = gamma
        super().__init__(optimizer)

    def lr_at(self, base: float, epoch: int) -> float:
        return base * self.gamma**epoch


class CosineAnnealingLR(LRScheduler):
    """Down half a cosine to ``eta_min`` within ``T_max`` epochs, and up again after (Loshchilov and Hutter, 2017)."""

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        check_size(T_max, "T_max")
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer)

    def lr_at(self, base: float, epoch: int) -> float:
        return self.eta_min + (base - self.eta_min) * (1.0 + math.cos(math.pi * epoch / self.T_max)) / 2.0


class LinearLR(LRScheduler):
    """From ``start_factor`` to ``end_factor`` in a straight line within ``total_iters`` epochs: a warm-up."""

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1.0 / 3.0, end_factor: float = 1.0, total_iters: int = 5
    ) -> None:
        check_size(total_iters, "total_iters")
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer)

    def lr_at(self, base: float, epoch: int) -> float:
        share = min(epoch, self.total_iters) / self.total_iters
        return base * (self.start_factor + (self.end_factor - self.start_factor) * share)


class SequentialLR(LRScheduler):
    """One schedule after the other, as a warm-up before a decay; each counts from its own beginning.

    Args:
        optimizer: the optimiser of all of them.
        schedulers: the schedules.
        milestones: the epochs at which the second, the third ... take over.

    >>> from autograd_lite import Value
    >>> from autograd_lite.optim import SGD
    >>> optimizer = SGD([Value(1.0)], lr=1.0)
    >>> warm_up, decay = LinearLR(optimizer, start_factor=0.5, total_iters=2), ExponentialLR(optimizer, gamma=0.5)
    >>> schedule = SequentialLR(optimizer, [warm_up, decay], milestones=[2])
    >>> for _ in range(5):
    ...     print(schedule.get_last_lr()[0], end=" ")
    ...     schedule.step()
    0.5 0.75 1.0 0.5 0.25
    """

    def __init__(self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int]) -> None:
        self.schedulers, self.milestones = list(schedulers), list(milestones)
        for schedule in self.schedulers:
            if not isinstance(schedule, LRScheduler) or schedule.optimizer is not optimizer:
                raise TypeError(f"schedulers are schedules of the same optimiser, got {describe(schedule)}")
        if len(self.milestones) != len(self.schedulers) - 1 or any(
            late <= early for early, late in itertools.pairwise([0, *self.milestones])
        ):
            raise ArgumentError(
                f"milestones ascend from 1 up, one less than the {len(schedulers)} schedules; "
                f"got {describe(milestones)}"
            )
        for group in optimizer.param_groups:  # what the schedules did when they were made
            group["lr"] = group["initial_lr"]
        super().__init__(optimizer)

    def lr_at(self, base: float, epoch: int) -> float:
        position = bisect.bisect_right(self.milestones, epoch)
        begun = self.milestones[position - 1] if position else 0
        return self.schedulers[position].lr_at(base, epoch - begun)

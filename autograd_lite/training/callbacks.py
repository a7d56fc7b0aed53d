"""Callbacks: what fit calls after each epoch."""

import os
from collections.abc import Callable
from typing import Any

from autograd_lite.core.checks import check_size, describe
from autograd_lite.errors import ArgumentError
from autograd_lite.nn import Module
from autograd_lite.training.history import History

__all__ = ["Callback", "Checkpoint", "EarlyStopping"]

#: A function of the model and the history, called after each epoch. Training stops if it returns a reason or True.
Callback = Callable[[Any, History], str | bool | None]


class _Watch:
    """Remembers the best value of one number of the history."""

    def __init__(self, monitor: str, mode: str, min_delta: float = 0.0) -> None:
        if mode not in ("min", "max"):
            raise ArgumentError(f'mode is "min" or "max", what is better; got {describe(mode)}')
        self.monitor, self.sign, self.min_delta = monitor, 1.0 if mode == "min" else -1.0, min_delta
        self.best, self.epoch = float("inf"), 0

    def is_better(self, history: History) -> bool:
        """Whether the last epoch is better than any before."""
        now = self.sign * history[self.monitor][-1]
        if not now < self.best - self.min_delta:
            return False
        self.best, self.epoch = now, history.epochs
        return True


class EarlyStopping:
    """Stop training when a number of the history no longer improves, and go back to the best parameters.

    Args:
        monitor: the name of the number in the history.
        patience: how many epochs to wait for an improvement.
        min_delta: the smallest change that counts as an improvement.
        mode: ``"min"`` if less is better, ``"max"`` if more is.
        restore_best: whether to load the parameters of the best epoch at the end; the model must be a Module.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        *,
        patience: int = 10,
        min_delta: float = 0.0,
        mode: str = "min",
        restore_best: bool = True,
    ) -> None:
        check_size(patience, "patience")
        self.patience, self.restore_best = patience, restore_best
        self._watch = _Watch(monitor, mode, min_delta)
        self._state: dict[str, float] = {}

    def __call__(self, model: Any, history: History) -> str | None:
        if history.epochs == 1:  # another training run begins
            self._watch.best, self._watch.epoch, self._state = float("inf"), 0, {}
        if self._watch.is_better(history):
            if self.restore_best:
                self._state = _module(model, "restore_best=True").state_dict()
            return None
        if history.epochs - self._watch.epoch < self.patience:
            return None
        back = ""
        if self._state:
            model.load_state_dict(self._state)
            back = f", back to epoch {self._watch.epoch}"
        return f"{self._watch.monitor} has not become better for {self.patience} epochs{back}"


class Checkpoint:
    """Save the model (a Module) to a file after each epoch, or only after an epoch that is the best so far.

    Earlier calls of :func:`fit` count too: a worse run does not overwrite a better model.

    Args:
        path: the file, as :meth:`Module.save` writes it.
        monitor: the name of the number in the history that has to improve; None saves after each epoch.
        mode: ``"min"`` if less is better, ``"max"`` if more is.
    """

    def __init__(self, path: str | os.PathLike[str], *, monitor: str | None = None, mode: str = "min") -> None:
        self.path = path
        self._watch = _Watch(monitor, mode) if monitor is not None else None

    def __call__(self, model: Any, history: History) -> None:
        if self._watch is None or self._watch.is_better(history):
            _module(model, "Checkpoint").save(self.path)


def _module(model: Any, what: str) -> Module:
    if not isinstance(model, Module):
        raise TypeError(f"{what} needs a model that is a Module, got {describe(model)}")
    return model

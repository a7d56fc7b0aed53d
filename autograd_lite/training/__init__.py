"""The training loop: ``fit`` with its history, progress and callbacks; ``predict`` and ``evaluate``."""

from autograd_lite.training.callbacks import Callback, Checkpoint, EarlyStopping
from autograd_lite.training.fit import fit
from autograd_lite.training.history import History
from autograd_lite.training.predict import accuracy, evaluate, predict

__all__ = ["Callback", "Checkpoint", "EarlyStopping", "History", "accuracy", "evaluate", "fit", "predict"]

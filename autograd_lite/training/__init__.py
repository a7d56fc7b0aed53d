"""The training loop: ``fit`` with its history, progress and callbacks; ``predict`` and ``evaluate``."""

from autograd_lite.training.callbacks import Callback, Checkpoint, EarlyStopping
from autograd_lite.training.evaluation import accuracy, evaluate, predict
from autograd_lite.training.history import History
from autograd_lite.training.loop import fit

__all__ = ["Callback", "Checkpoint", "EarlyStopping", "History", "accuracy", "evaluate", "fit", "predict"]

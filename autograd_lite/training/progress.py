"""The progress of training: a bar in terminals and notebooks, plain lines elsewhere."""

import sys
import warnings
from typing import Any

from autograd_lite.training.history import History

__all__ = ["Progress"]


class Progress:
    """Shows each finished batch and epoch, if ``wanted``."""

    def __init__(self, epochs: int, batches: int, *, wanted: bool) -> None:
        self.epochs, self.wanted = epochs, wanted
        self.every = max(1, epochs // 10)  # epochs from one plain line to the next
        self.bar = _bar(epochs * batches) if wanted else None

    def batch_done(self, epoch: int) -> None:
        """Show that a batch of an epoch is done."""
        if self.bar is not None:
            self.bar.set_description(f"epoch {epoch}/{self.epochs}", refresh=False)
            self.bar.update()

    def silent_for(self, epoch: int) -> int:
        """How many epochs from this one on can be done before one is shown, that one included."""
        if self.bar is not None or not self.wanted:
            return self.epochs
        return 1 if epoch == 1 else min(-epoch % self.every, self.epochs - epoch) + 1

    def epoch_done(self, history: History) -> None:
        """Show that an epoch is done, or the last of some, with its numbers in the history."""
        if self.bar is not None:
            self.bar.set_postfix_str(history.last(), refresh=False)
        elif self.wanted and (history.epochs in (1, self.epochs) or history.epochs % self.every == 0):
            print(f"epoch {history.epochs:3}/{self.epochs}  {history.last()}  {history.times[-1]:.2g} s")

    def close(self, history: History) -> None:
        """Close the bar, and print why training stopped early, if it did."""
        if self.bar is not None:
            self.bar.close()
        if self.wanted and history.stopped:
            print(f"stopped: {history.stopped}")


def _bar(total: int) -> Any:
    """A bar in a terminal or a notebook, if tqdm is installed; else None."""
    ipython = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    in_notebook = "IPKernelApp" in getattr(ipython, "config", ())
    if not in_notebook and not (sys.stdout and sys.stdout.isatty()):
        return None
    try:
        if in_notebook:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # without ipywidgets the bar is text, which will do
                from tqdm.auto import tqdm
        else:
            from tqdm.std import tqdm
    except ImportError:  # plain lines will do
        return None
    return tqdm(total=total, unit="batch", file=sys.stdout)

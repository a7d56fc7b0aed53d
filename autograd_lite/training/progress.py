"""How far a training run is: a bar in terminals and notebooks, plain lines elsewhere."""

import sys
import warnings
from typing import Any

from autograd_lite.training.history import History

__all__ = ["Progress"]


class Progress:
    """Shows batches and epochs as they are done; nothing if it is not wanted."""

    def __init__(self, epochs: int, batches: int, *, wanted: bool) -> None:
        self.epochs, self.wanted = epochs, wanted
        self.every = max(1, epochs // 10)  # of the plain lines
        self.bar = _bar(epochs * batches) if wanted else None

    def batch_done(self, epoch: int) -> None:
        """A batch of an epoch is done."""
        if self.bar is not None:
            self.bar.set_description(f"epoch {epoch}/{self.epochs}", refresh=False)
            self.bar.update()

    def epoch_done(self, history: History) -> None:
        """An epoch is done, and in the history."""
        if self.bar is not None:
            self.bar.set_postfix_str(history.last(), refresh=False)
        elif self.wanted and (history.epochs in (1, self.epochs) or history.epochs % self.every == 0):
            print(f"epoch {history.epochs:3}/{self.epochs}  {history.last()}  {history.times[-1]:.2g} s")

    def close(self, history: History) -> None:
        """Leave the bar as it is, and say so if training was stopped."""
        if self.bar is not None:
            self.bar.close()
        if self.wanted and history.stopped:
            print(f"stopped: {history.stopped}")


def _bar(total: int) -> Any:
    """A bar where there is somebody to look at it and tqdm to draw it; else None."""
    ipython = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    in_notebook = "IPKernelApp" in getattr(ipython, "config", ())
    if not in_notebook and not (sys.stdout and sys.stdout.isatty()):
        return None
    try:
        if in_notebook:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # where ipywidgets are missing the bar is text, and that is fine
                from tqdm.auto import tqdm
        else:
            from tqdm.std import tqdm
    except ImportError:  # plain lines do as well
        return None
    return tqdm(total=total, unit="batch", file=sys.stdout)

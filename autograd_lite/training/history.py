"""History: what happened during a training run."""

from collections.abc import Iterator
from typing import Any

from autograd_lite.errors import ArgumentError

__all__ = ["History"]


class History:
    """The loss and each metric of every epoch; names of numbers of the validation data begin with ``val_``.

    ``history["loss"]`` is a list with one number for each epoch, and :attr:`metrics` a dict of all
    such lists. :attr:`times` are the seconds that each epoch took. :attr:`stopped` is the reason
    why training ended early, or None.
    """

    def __init__(self) -> None:
        self.metrics: dict[str, list[float]] = {}
        self.times: list[float] = []
        self.stopped: str | None = None

    @property
    def epochs(self) -> int:
        """The number of complete epochs."""
        return len(self.times)

    def __getitem__(self, name: str) -> list[float]:
        if name not in self.metrics:
            if not self.epochs:
                raise ArgumentError(f"there is no {name!r} in this history, as no epoch was completed")
            hint = "; validation=(X, y) gives it" if name.startswith("val_") else ""
            raise ArgumentError(f"there is no {name!r} in this history{hint}; there are {', '.join(self.metrics)}")
        return self.metrics[name]

    def __contains__(self, name: object) -> bool:
        return name in self.metrics

    def __iter__(self) -> Iterator[str]:
        return iter(self.metrics)

    def add(self, numbers: dict[str, float], seconds: float) -> None:
        """Append the numbers of one epoch."""
        self.extend({name: [x] for name, x in numbers.items()}, [seconds])

    def extend(self, numbers: dict[str, list[float]], seconds: list[float]) -> None:
        """Append the numbers of several epochs."""
        for name, some in numbers.items():
            self.metrics.setdefault(name, []).extend(some)
        self.times.extend(seconds)

    def drop_incomplete(self) -> None:
        """Remove the numbers of an epoch that was interrupted."""
        for numbers in self.metrics.values():
            del numbers[self.epochs :]
        self.metrics = {name: numbers for name, numbers in self.metrics.items() if numbers}

    def last(self) -> str:
        """The numbers of the last epoch, on one line."""
        return "  ".join(f"{name} {numbers[-1]:.4g}" for name, numbers in self.metrics.items())

    def __repr__(self) -> str:
        lines = [f"History of {self.epochs} epochs in {sum(self.times):.3g} s"]
        for name, numbers in self.metrics.items():
            lowest = min(range(len(numbers)), key=numbers.__getitem__)
            more = f"  (lowest {numbers[lowest]:.4g} in epoch {lowest + 1})" if name.endswith("loss") else ""
            lines.append(f"  {name:12}  {numbers[0]:.4g} -> {numbers[-1]:.4g}{more}")
        if self.stopped:
            lines.append(f"  stopped: {self.stopped}")
        return "\n".join(lines)

    def plot(self, ax: Any = None) -> Any:
        """Plot the curves with :func:`plotting.plot_history`, and return the Axes; new ones unless ``ax`` is given.

        Raises ``MissingDependencyError`` without the extra ``plot``.
        """
        from autograd_lite.plotting import plot_history

        return plot_history(self, ax=ax)

"""Curves of training."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autograd_lite import pytree
from autograd_lite._tables import listed
from autograd_lite.core.checks import as_float, describe, is_real
from autograd_lite.core.node import number
from autograd_lite.errors import ArgumentError
from autograd_lite.plotting.axes import MARKERS, STYLES, checked_axes, colors, legend_below
from autograd_lite.training import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_history"]


def plot_history(history: History | Mapping[str, Sequence[float]], *, ax: "Axes | None" = None) -> "Axes":
    """Plot the numbers of a :class:`History`, or lists of numbers by name, over the epochs.

    Losses, whose names end in ``loss``, have the axis on the left; if there are others too, those have one on the
    right. A nan or inf leaves a gap, and the legend says how many there are.
    Raises ``ArgumentError`` (a ``ValueError``) if there are no numbers, ``TypeError`` for what is no number.

    >>> ax = plot_history({"loss": [2.0, 1.0], "accuracy": [0.5, 0.75]})
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['loss', 'accuracy (right)']
    """
    curves = _curves(history)
    losses = [name for name in curves if name.endswith("loss")]
    others = [name for name in curves if name not in losses]
    ax = checked_axes(ax)
    from matplotlib.ticker import MaxNLocator

    right = _right_of(ax) if losses and others else ax
    lines: list[Any] = []
    for name, color in zip(losses + others, colors(len(curves)), strict=True):
        numbers, side, i = curves[name], ax if name in losses else right, len(lines)
        alone, gaps = _alone(numbers), sum(not math.isfinite(x) for x in numbers)
        lines += side.plot(
            range(1, len(numbers) + 1),
            [x if math.isfinite(x) else math.nan for x in numbers],
            STYLES[i % len(STYLES)],
            color=color,
            marker=MARKERS[i % len(MARKERS)] if alone else "",
            markeredgewidth=1.5,
            markerfacecolor="none",  # so that one shows through another
            markevery=alone,
            label=name + " (right)" * (side is not ax) + f", {gaps} nan or inf" * (gaps > 0),
        )
    if right is not ax:
        right.set_ylabel(", ".join(others))
    ax.set_ylabel("loss" if losses else ", ".join(others))
    ax.set_xlabel("epoch")
    ax.xaxis.set_major_locator(
        MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True, min_n_ticks=1)
    )  # there is no epoch 1.5
    legend_below(ax, lines)
    return ax


def _curves(history: Any) -> dict[str, list[float]]:
    """The lists of numbers by name, checked."""
    metrics = history.metrics if isinstance(history, History) else history
    if not isinstance(metrics, Mapping):
        raise TypeError(
            f"plot_history takes the History that fit returns, or a dict of lists of numbers; got {describe(history)}"
        )
    found = {}
    for name, numbers in metrics.items():
        if not pytree.is_list(listed(numbers, name)):
            raise TypeError(f"{name!r} must be a list with a number for each epoch, got {describe(numbers)}")
        plain = [number(x) for x in listed(numbers, name)]
        for i, x in enumerate(plain):
            if not is_real(x):
                raise TypeError(f"{name!r} must hold a number for each epoch, and {describe(x)} is at [{i}]")
        found[str(name)] = list(map(as_float, plain))
    if not any(found.values()):
        raise ArgumentError("there is nothing to plot, as no epoch was completed")
    return found


def _alone(numbers: list[float]) -> list[int]:
    """The places of the numbers with no number beside them, which a line would not show."""
    finite = [False, *map(math.isfinite, numbers), False]
    return [i for i in range(len(numbers)) if finite[i : i + 3] == [False, True, False]]


def _right_of(ax: "Axes") -> "Axes":
    """Axes over these with a scale on the right; those of an earlier call go if ``ax.clear()`` has come between."""
    if not ax.lines:
        for other in ax.figure.axes:
            if other.get_gid() == "right" and other.get_position().bounds == ax.get_position().bounds:
                other.remove()
    right = ax.twinx()
    right.set_gid("right")
    return right

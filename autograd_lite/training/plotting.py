"""Plots of training curves and of decision boundaries. Needs the extra ``plot``."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from autograd_lite.core.blocks import no_grad
from autograd_lite.core.checks import check_size
from autograd_lite.errors import ArgumentError, MissingDependencyError
from autograd_lite.nn.module import in_mode
from autograd_lite.nn.utils import predicted_class

__all__ = ["curves", "decision_boundary"]


def curves(metrics: Mapping[str, Sequence[float]], *, ax: Any = None) -> Any:
    """Plot each list of numbers over the epochs, with the losses on axes of their own; return the axes.

    Raises ``MissingDependencyError`` without matplotlib.
    """
    ax = _axes(ax)
    losses = {name: numbers for name, numbers in metrics.items() if name.endswith("loss")}
    others = {name: numbers for name, numbers in metrics.items() if name not in losses}
    lines: list[Any] = []
    for target, group, style in ((ax, losses, "-"), (ax.twinx() if losses and others else ax, others, "--")):
        for name, numbers in group.items():
            color = f"C{len(lines)}"  # else both axes would start with the first colour
            lines += target.plot(range(1, len(numbers) + 1), numbers, style, label=name, color=color)
        if group:
            target.set_ylabel("loss" if group is losses else ", ".join(group))
    ax.set_xlabel("epoch")
    ax.legend(handles=lines)
    return ax


def decision_boundary(
    model: Callable[[list[float]], Any], X: Collection[Any], y: Collection[Any], *, ax: Any = None, resolution: int = 60
) -> Any:
    """Colour the plane by the class that a model predicts, and draw the labelled points; return the axes.

    Of several outputs the largest wins; a single output means class 1 where it is positive, else class 0.
    Raises ``ArgumentError`` unless the points have two coordinates, ``MissingDependencyError`` without matplotlib.
    """
    points = [[float(x) for x in point] for point in X]
    if not points or any(len(point) != 2 for point in points):
        raise ArgumentError("a decision boundary needs points in the plane: a list of [x, y]")
    check_size(resolution, "resolution", least=2)
    ax = _axes(ax)
    axes = []
    for column in zip(*points, strict=True):
        margin = 0.1 * (max(column) - min(column)) or 1.0
        step = (max(column) - min(column) + 2 * margin) / (resolution - 1)
        axes.append([min(column) - margin + i * step for i in range(resolution)])
    with no_grad(), in_mode(model, training=False):
        classes = [[predicted_class(model([a, b])) for a in axes[0]] for b in axes[1]]
    count = 1 + max(map(max, classes))
    ax.contourf(*axes, classes, levels=[c - 0.5 for c in range(count + 1)], alpha=0.3, cmap="coolwarm")
    ax.scatter(*zip(*points, strict=True), c=[float(label) for label in y], cmap="coolwarm", edgecolors="black")
    return ax


def _axes(ax: Any) -> Any:
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot
    except ImportError:
        raise MissingDependencyError('this needs matplotlib: pip install "autograd_lite[plot]"') from None
    return pyplot.subplots()[1]

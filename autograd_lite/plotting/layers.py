"""Histograms of gradients and of weights, by layer."""

import math
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from autograd_lite.core.checks import describe
from autograd_lite.core.node import number
from autograd_lite.core.value import Value
from autograd_lite.errors import ArgumentError, GraphError
from autograd_lite.nn import Module, Neuron
from autograd_lite.nn.module import unwrapped
from autograd_lite.plotting.axes import COLORS, checked_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_gradients", "plot_weights"]

BINS = 20


def plot_gradients(model: Module, *, ax: "Axes | None" = None) -> "Axes":
    """Plot how large the gradients of each layer's parameters are, as histograms on a log scale.

    What is drawn is the share of the layer's parameters, over the absolute value of the gradient. Gradients that are
    0, nan or inf have no place there; the legend counts them. Frozen parameters are left out. Neurons count as part
    of the layer that holds them. Raises ``GraphError`` (a ``RuntimeError``) for a parameter that has no gradient,
    ``TypeError`` for what is no Module, ``ArgumentError`` (a ``ValueError``) for one without parameters.

    >>> from autograd_lite import nn
    >>> model = nn.MLP(2, [3, 1], rng=0)
    >>> model([1.0, 2.0]).backward()
    >>> ax = plot_gradients(model)
    >>> [text.get_text() for text in ax.texts]
    ['layers.0: 9 parameters, 6 at 0', 'layers.1: 4 parameters, 2 at 0']
    """
    layers = _by_layer(model, lambda parameter: parameter.requires_grad)
    sizes = {layer: [abs(_gradient(*pair)) for pair in pairs] for layer, pairs in layers.items()}
    return _histograms(ax, sizes, "gradient, absolute value", is_log=True)


def plot_weights(model: Module, *, ax: "Axes | None" = None) -> "Axes":
    """Plot the parameters of each layer, weights and biases, as histograms.

    What is drawn is the share of the layer's parameters, over their numbers. Those that are nan or inf have no place
    there; the legend counts them. Neurons count as part of the layer that holds them.
    Raises ``TypeError`` for what is no Module, ``ArgumentError`` (a ``ValueError``) for one without parameters.

    >>> from autograd_lite import nn
    >>> ax = plot_weights(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)))
    >>> [text.get_text() for text in ax.texts]
    ['0: 9 parameters', '2: 4 parameters']
    """
    layers = _by_layer(model, lambda parameter: True)
    numbers = {layer: [parameter.data for _, parameter in pairs] for layer, pairs in layers.items()}
    return _histograms(ax, numbers, "weight or bias", is_log=False)


def _by_layer(model: Any, is_wanted: Callable[[Value], bool]) -> dict[str, list[tuple[str, Value]]]:
    """The wanted parameters with their paths, by the path of the innermost module that is no neuron."""
    module = unwrapped(model)
    if module is None:
        raise TypeError(f"expected a Module, as it has layers; got {describe(model)}")
    modules = {path for path, part in module.named_modules() if not isinstance(part, Neuron)}
    found: dict[str, list[tuple[str, Value]]] = {}
    for path, parameter in module.named_parameters():
        if is_wanted(parameter):
            layer = path
            while layer and layer not in modules:
                layer = layer.rpartition(".")[0]
            found.setdefault(layer or type(module).__name__, []).append((path, parameter))
    if not found:
        raise ArgumentError(
            f"{type(module).__name__} has no parameters{', or all are frozen' * bool(module.parameters())}"
        )
    return found


def _gradient(path: str, parameter: Value) -> float:
    if not parameter.has_grad:
        raise GraphError(f"{path} has no gradient; call backward() on a loss that depends on it first, or freeze it")
    return number(parameter.grad)


def _histograms(ax: "Axes | None", layers: dict[str, list[float]], xlabel: str, *, is_log: bool) -> "Axes":
    """A row for each layer, the first at the top, with bins common to all: what is in them, and what is not."""
    import numpy as np

    ax = checked_axes(ax, height=0.45 * len(layers) + 1.0)
    shown = [[x for x in numbers if math.isfinite(x) and (x or not is_log)] for numbers in layers.values()]
    edges = _edges([x for numbers in shown for x in numbers], is_log=is_log)
    shares = [np.histogram(some, edges)[0] / len(numbers) for some, numbers in zip(shown, layers.values(), strict=True)]
    highest = max(map(max, shares)) or 1.0
    for row, (layer, numbers) in enumerate(layers.items()):
        zeros, gaps = numbers.count(0.0) if is_log else 0, sum(not math.isfinite(x) for x in numbers)
        text = (
            f"{layer}: {len(numbers)} parameters"
            + f", {zeros} at 0" * (zeros > 0)
            + f", {gaps} nan or inf" * (gaps > 0)
        )
        ax.stairs(-row - 1 + 0.6 * shares[row] / highest, edges, baseline=-row - 1, fill=True, color=COLORS[0])
        ax.axhline(-row - 1, color=COLORS[0], linewidth=0.8)
        ax.annotate(text, (0.0, -row), (4, -3), ("axes fraction", "data"), "offset points", va="top", fontsize="small")
    ax.set_xscale("log" if is_log else "linear")
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(-len(layers), 0)
    ax.set_yticks([])
    ax.set_ylabel("share of the layer")
    ax.set_xlabel(xlabel)
    ax.grid(axis="x", alpha=0.3)
    ax.set_axisbelow(True)
    return ax


def _edges(numbers: Collection[float], *, is_log: bool) -> Any:
    """The borders of the bins, from the smallest of the numbers to the largest."""
    import numpy as np

    low, high = min(numbers, default=1.0), max(numbers, default=1.0)
    if low == high and is_log:
        low, high = (low, high * 10.0) if high < 1.0 else (low / 10.0, high)
    elif low == high:
        low, high = low - (abs(low) or 1.0), high + (abs(high) or 1.0)
    if math.isinf(high - low):
        raise ArgumentError(f"weights from {low:.3g} to {high:.3g} are too far apart to be drawn")
    return np.geomspace(low, high, BINS + 1) if is_log else np.linspace(low, high, BINS + 1)

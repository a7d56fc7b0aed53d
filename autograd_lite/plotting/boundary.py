"""The regions of the plane in which a model predicts one class."""

import math
import warnings
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from autograd_lite import pytree
from autograd_lite._tables import column_names, listed, squeezed
from autograd_lite.core.checks import as_float, check_size, describe, is_real
from autograd_lite.errors import ArgumentError
from autograd_lite.nn.utils import predicted_class
from autograd_lite.plotting.axes import MARKERS, checked_axes, colors, legend_below
from autograd_lite.training import inputs, predict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_decision_boundary"]


def plot_decision_boundary(
    model: Callable[[list[float]], Any],
    X: Collection[Any],
    y: Collection[Any],
    *,
    classes: Sequence[str] | None = None,
    threshold: float = 0.0,
    resolution: int = 100,
    ax: "Axes | None" = None,
) -> "Axes":
    """Colour the plane by the class that a model predicts, and draw the labelled points.

    Args:
        model: a Module or a function of a point, called as by :func:`predict`: in ``eval()`` mode, compiled where it
            can be. Of several outputs the largest wins; where one is nan the plane stays blank.
        X: the points, rows of two numbers. The columns of a data frame name the axes.
        y: the class of each point, or its probabilities. With several outputs class k is that of output k. With one
            output there are two classes, the second with a label above 0: 0 and 1, -1 and 1, False and True.
        classes: the names of the classes, in the order of the outputs. Labels may be names too, then.
        threshold: a single output above it means the second class: 0 for a logit or a margin, 0.5 for a probability.
        resolution: the model is asked at so many places along each axis.
        ax: where to draw.

    A class has its colour and its marker by its place among the outputs, whatever is predicted. Raises
    ``ArgumentError`` (a ``ValueError``) for points that are not in the plane or not finite, for labels that are no
    classes and outputs that are no scores; ``TypeError`` for what holds no numbers.

    >>> ax = plot_decision_boundary(lambda x: x[0] + x[1], [[0.0, 1.0], [-1.0, -2.0]], [1, -1])
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['-1', '1']
    """
    if not callable(model):
        raise TypeError(f"model is a Module or a function of a point, got {describe(model)}")
    points = _points(X)
    check_size(resolution, "resolution", least=2)
    (first,) = _scores(predict(model, points[:1]))
    names, labels = _labels(y, len(points), len(first), classes)
    across, up = [_places(column, resolution) for column in zip(*points, strict=True)]
    scores = _scores(predict(model, [[a, b] for b in up for a in across]))
    if threshold == 0.0 and len(set(labels)) > 1 and all(len(row) == 1 and 0.0 < row[0] <= 1.0 for row in scores):
        warnings.warn("every output is between 0 and 1; for probabilities write threshold=0.5", stacklevel=2)
    predicted = [None if any(map(math.isnan, row)) else predicted_class(row, threshold) for row in scores]

    ax = checked_axes(ax)
    _fill(ax, across, up, predicted, colors(len(names)))
    handles = []
    for k, color in enumerate(colors(len(names))):
        own = [point for point, label in zip(points, labels, strict=True) if label == k]
        if own or k in predicted:
            xs, ys = zip(*own, strict=True) if own else ((), ())
            marker = MARKERS[k % len(MARKERS)]
            handles.append(ax.scatter(xs, ys, color=[color], marker=marker, edgecolors="black", label=names[k]))
    if names_of_columns := column_names(X):
        ax.set(xlabel=str(names_of_columns[0]), ylabel=str(names_of_columns[1]))
    legend_below(ax, handles)
    return ax


def _points(X: Any) -> list[list[float]]:
    """The points as lists of two floats."""
    points = inputs.checked_samples(listed(X, "X"), "X")
    for i, point in enumerate(points):
        if not pytree.is_list(point) or [pytree.is_list(x) for x in point] != [False, False]:
            raise ArgumentError(
                f"a decision boundary needs points in the plane, and X[{i}] is {describe(point)}, not two numbers; "
                "train on two features, such as df[['a', 'b']] or [x[:2] for x in X]"
            )
    return points


def _places(column: Sequence[float], resolution: int) -> list[float]:
    """Evenly spaced numbers, from somewhat below the smallest of the column to somewhat above the largest."""
    low, high = min(column), max(column)
    margin = 0.1 * (high - low) or 0.1 * abs(low) or 1.0
    step = (high - low + 2 * margin) / (resolution - 1)
    return [low - margin + i * step for i in range(resolution)]


def _scores(outputs: list[Any]) -> list[list[float]]:
    """The outputs as lists of numbers, all of one length."""
    rows = [list(listed(output, "an output")) if pytree.is_list(output) else [output] for output in outputs]
    for row, output in zip(rows, outputs, strict=True):
        if not row or len(row) != len(rows[0]) or not all(map(is_real, row)):
            raise ArgumentError(
                "a decision boundary needs a model that gives one number, or one for each class; "
                f"this one gives {describe(outputs[0])}" + f" and {describe(output)}" * (len(row) != len(rows[0]))
            )
    return [list(map(as_float, row)) for row in rows]


def _labels(y: Any, count: int, outputs: int, classes: Any) -> tuple[list[str], list[int]]:
    """The name of each class, and the class of each point as the place of its output (1 for the upper side of one)."""
    labels = listed(squeezed(y, "y"), "y")
    if not pytree.is_list(labels):
        raise TypeError(f"y is a list with the class of each point, got {describe(y)}")
    if len(labels) != count:
        raise ArgumentError(f"X has {count} points and y {len(labels)} labels; they must be as many")
    rows = [listed(label, "y") for label in labels]
    labels = [row[0] if pytree.is_list(row) and len(row) == 1 else row for row in rows]
    names = [str(k) for k in range(max(outputs, 2))]
    if classes is not None:
        given = [str(name) for name in listed(classes, "classes")]
        if isinstance(classes, str) or len(set(given)) != len(names) or len(given) != len(names):
            raise ArgumentError(f"classes must be {len(names)} different names, got {describe(classes)}")
        names = given
    found = [_class(label, f"y[{i}]", names, is_single=outputs == 1) for i, label in enumerate(labels)]
    as_given = dict(zip(found, labels, strict=True))
    if outputs == 1 and any(as_given[k] != label for k, label in zip(found, labels, strict=True)):
        raise ArgumentError(
            "a model with one output tells two classes apart, with labels such as 0 and 1, or -1 and 1; "
            f"y has the labels {', '.join(sorted({_text(label) for label in labels}))}"
        )
    if classes is None:
        names = [_text(k if pytree.is_list(as_given.get(k, k)) else as_given.get(k, k)) for k in range(len(names))]
    return names, found


def _class(label: Any, path: str, names: list[str], *, is_single: bool) -> int:
    """The place of the output that a label stands for."""
    count = len(names)
    if isinstance(label, str):
        if label in names:
            return names.index(label)
        raise ArgumentError(
            f"{path} is {label!r}, and the classes are {', '.join(names)}; "
            "give their names in the order of the outputs: classes=[...]"
        )
    if pytree.is_list(label) and len(label) == count and all(map(is_real, label)) and not is_single:
        return predicted_class(label)
    if not is_real(label):
        raise TypeError(f"{path} must be a class, such as 0 or 1, got {describe(label)}")
    if not as_float(label).is_integer():
        raise ArgumentError(f"{path} is {label}, which is no class; a decision boundary shows a classifier")
    if is_single:
        return int(label > 0)
    if not 0 <= label < count:
        raise ArgumentError(
            f"{path} is {_text(label)}; the classes of a model with {count} outputs are 0 to {count - 1}"
        )
    return int(label)


def _text(label: Any) -> str:
    return str(int(label)) if is_real(label) and not isinstance(label, bool) else str(label)


def _fill(
    ax: "Axes", across: list[float], up: list[float], predicted: Sequence[int | None], palette: list[Any]
) -> None:
    """Colour a cell around each place by the class that is predicted there."""
    from matplotlib.colors import to_rgba

    tints = {None: (0.0, 0.0, 0.0, 0.0)} | {k: to_rgba(color, 0.3) for k, color in enumerate(palette)}
    cells = [tints[k] for k in predicted]
    width, half = len(across), [(places[1] - places[0]) / 2 for places in (across, up)]
    ax.imshow(
        [cells[i : i + width] for i in range(0, len(cells), width)],
        extent=(across[0] - half[0], across[-1] + half[0], up[0] - half[1], up[-1] + half[1]),
        origin="lower",
        aspect="auto",
        interpolation="bilinear",
    )
    ax.set_xlim(across[0], across[-1])
    ax.set_ylim(up[0], up[-1])

"""Pictures of training."""

import itertools
import math
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from numpy.typing import NDArray

from autograd_lite import Value, nn, plotting
from autograd_lite.errors import ArgumentError, GraphError, MissingDependencyError
from autograd_lite.plotting import plot_decision_boundary, plot_gradients, plot_history, plot_weights
from autograd_lite.plotting.axes import colors
from autograd_lite.training import History

mpl.use("Agg")

CORNERS = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    yield
    pyplot.close("all")


def right_side(x: Any) -> Any:
    return x[0] - 0.5


def three(x: Any) -> list[Any]:
    """Class 0 in the lower left corner, 1 in the lower right one, 2 above."""
    return [0.5 - x[0], x[0] - 0.5, 10.0 * (x[1] - 0.5)]


def always(scores: Any, x: Any) -> Any:
    return scores


def legend(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def drawn(ax: Any) -> NDArray[np.uint8]:
    """The pixels of its figure, the lowest row first."""
    figure = ax.get_figure(root=True)
    if not hasattr(figure.canvas, "buffer_rgba"):
        FigureCanvasAgg(figure)
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[::-1, :, :3]


def pixel(ax: Any, point: list[float]) -> list[int]:
    """The colour at a place of the plane."""
    pixels = drawn(ax)
    x, y = ax.transData.transform(point)
    return pixels[int(y), int(x)].tolist()  # type: ignore[no-any-return]


def region(ax: Any, point: list[float]) -> list[float]:
    """The colour that the plane is filled with at a point, without its transparency."""
    (image,) = ax.images
    left, right, low, high = image.get_extent()
    rows, columns = image.get_array().shape[:2]
    row, column = (point[1] - low) / (high - low) * rows, (point[0] - left) / (right - left) * columns
    return image.get_array()[int(row), int(column), :3].tolist()  # type: ignore[no-any-return]


def colour_of(ax: Any, name: str) -> tuple[Any, ...]:
    """The colour of the points of a class."""
    (points,) = [c for c in ax.collections if c.get_label() == name]
    return tuple(points.get_facecolor()[0][:3])


# -- Histories --


def test_a_history_draws_a_line_for_each_of_its_lists() -> None:
    history = History()
    history.add({"loss": 2.0, "accuracy": 0.5, "val_loss": 2.5}, 0.1)
    history.add({"loss": 1.0, "accuracy": 0.75, "val_loss": 1.5}, 0.1)
    ax = history.plot()
    left, right = ax.figure.axes
    assert [line.get_ydata().tolist() for line in left.lines] == [[2.0, 1.0], [2.5, 1.5]]
    assert right.lines[0].get_xydata().tolist() == [[1.0, 0.5], [2.0, 0.75]]
    assert legend(ax) == ["loss", "val_loss", "accuracy (right)"]
    assert (left.get_xlabel(), left.get_ylabel(), right.get_ylabel()) == ("epoch", "loss", "accuracy")


def test_each_curve_has_a_colour_and_a_style_of_its_own() -> None:
    ax = plot_history({"loss": [1.0, 2.0], "val_loss": [1.0, 2.0], "accuracy": [1.0, 2.0], "val_accuracy": [1.0, 2.0]})
    lines = [line for axes in ax.get_figure(root=True).axes for line in axes.lines]  # type: ignore[union-attr]
    assert len({line.get_color() for line in lines}) == len({line.get_linestyle() for line in lines}) == 4


@pytest.mark.parametrize("count", [3, 9, 40])
def test_all_colours_differ_and_stand_out_from_white(count: int) -> None:
    found = [to_rgba(color)[:3] for color in colors(count)]
    assert len(set(found)) == count
    if count <= 6:
        linear = [[c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb] for rgb in found]
        luminance = [0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in linear]
        assert all(1.05 / (light + 0.05) >= 3.0 for light in luminance)  # WCAG 2.1, 1.4.11


def test_metrics_without_a_loss_have_the_axis_on_the_left() -> None:
    ax = plot_history({"accuracy": [0.5, 0.75]})
    assert ax.figure.axes == [ax]
    assert (ax.get_ylabel(), legend(ax)) == ("accuracy", ["accuracy"])


@pytest.mark.parametrize("epochs", [1, 3, 40])
def test_epochs_are_whole_numbers(epochs: int) -> None:
    ax = plot_history({"loss": [1.0] * epochs})
    ticks = [tick for tick in ax.get_xticks() if ax.get_xlim()[0] <= tick <= ax.get_xlim()[1]]
    assert ticks
    assert all(tick == int(tick) for tick in ticks)


@pytest.mark.parametrize("numbers", [[1.0], [1.0, math.nan, 2.0], [math.inf, 1.0, math.nan]])
def test_a_number_without_neighbours_is_seen(numbers: list[float]) -> None:
    ax = plot_history({"loss": numbers})
    ax.get_legend().remove()  # type: ignore[union-attr]
    blue = np.array([255 * c for c in to_rgba(colors(1)[0])[:3]])
    assert (abs(drawn(ax) - blue).max(axis=-1) < 40).sum() > 10


def test_two_curves_of_one_epoch_do_not_hide_each_other() -> None:
    ax = plot_history({"loss": [1.0], "accuracy": [0.5]})
    ax.get_legend().remove()  # type: ignore[union-attr]
    pixels = drawn(ax)
    for color in colors(2):
        wanted = np.array([255 * c for c in to_rgba(color)[:3]])
        assert (abs(pixels - wanted).max(axis=-1) < 40).any()


def test_nan_and_inf_leave_gaps_that_the_legend_counts() -> None:
    ax = plot_history({"loss": [1.0, math.inf, 3.0, 2.0, math.nan], "val_loss": [math.nan] * 5})
    assert legend(ax) == ["loss, 2 nan or inf", "val_loss, 5 nan or inf"]
    low, high = ax.get_ylim()
    assert 0.5 < low < 1.0
    assert 3.0 < high < 3.5
    drawn(ax)


def test_a_cleared_axes_can_be_drawn_into_again() -> None:
    figure, ax = pyplot.subplots()
    curves = {"loss": [2.0, 1.0], "accuracy": [0.5, 0.75]}
    first = drawn(plot_history(curves, ax=ax))
    for _ in range(3):
        ax.clear()
        plot_history(curves, ax=ax)
    assert len(figure.axes) == 2
    assert (drawn(ax) == first).all()


def test_axes_that_share_their_epochs_keep_their_right_sides() -> None:
    figure, pair = pyplot.subplots(2, 1, sharex=True)
    for ax in pair:
        plot_history({"loss": [2.0, 1.0], "accuracy": [0.5, 0.75]}, ax=ax)
    assert [len(axes.lines) for axes in figure.axes] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("history", "error", "message"),
    [
        (History(), ArgumentError, "nothing to plot, as no epoch"),
        ({}, ArgumentError, "nothing to plot"),
        ({"loss": []}, ArgumentError, "nothing to plot"),
        ([1.0, 2.0], TypeError, "takes the History that fit returns, or a dict of lists of numbers; got list"),
        ({"loss": 1.0}, TypeError, "'loss' must be a list with a number for each epoch, got float 1.0"),
        ({"loss": [1.0, "a"]}, TypeError, r"'loss' must hold a number for each epoch, and str 'a' is at \[1\]"),
    ],
)
def test_what_is_no_history_is_refused(history: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        plot_history(history)
    assert not pyplot.get_fignums()


# -- Where it is drawn --


@pytest.mark.parametrize("layout", ["own", None, "constrained", "tight", "tight after", "small", "half"])
@pytest.mark.parametrize(
    "plot",
    [
        lambda ax: plot_history({"loss": [2.0, 1.0], "a_long_validation_loss": [1.0], "accuracy": [0.5, 0.75]}, ax=ax),
        lambda ax: plot_decision_boundary(three, CORNERS, [0, 1, 2, 2], resolution=3, ax=ax),
    ],
)
def test_the_legend_is_in_the_picture_and_covers_nothing(plot: Callable[[Any], Any], layout: str | None) -> None:
    if layout == "own":
        given = None
    elif layout == "half":
        given = pyplot.subplots(1, 2, figsize=(9, 4))[1][1]
    elif layout == "small":
        given = pyplot.subplots(figsize=(4.5, 3.0))[1]
    else:
        given = pyplot.subplots(layout=None if layout == "tight after" else layout)[1]
    ax = plot(given)
    if layout == "tight after":
        ax.figure.tight_layout()
    drawn(ax)
    figure, box = ax.figure, ax.get_legend().get_window_extent()
    for axes in figure.axes:
        assert not box.overlaps(axes.bbox)
    assert not box.overlaps(ax.xaxis.get_tightbbox())
    assert ax.bbox.height > 0.4 * figure.bbox.height
    assert box.y0 >= -1.0
    assert box.x0 >= 0.0
    assert box.x1 <= figure.bbox.width


@pytest.mark.parametrize(
    "plot",
    [
        lambda ax: plot_history({"loss": [2.0, 1.0]}, ax=ax),
        lambda ax: plot_decision_boundary(right_side, CORNERS, [0, 1, 0, 1], resolution=3, ax=ax),
        lambda ax: plot_weights(nn.Linear(2, 1), ax=ax),
    ],
)
def test_axes_that_are_given_are_drawn_into_without_pyplot(plot: Callable[[Any], Any]) -> None:
    ax = Figure().subplots()
    assert plot(ax) is ax
    assert not pyplot.get_fignums()
    with pytest.raises(TypeError, match=r"ax is one Axes of matplotlib, such as .*; got ndarray"):
        plot(np.array([ax, ax]))


def test_a_missing_matplotlib_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.axes", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "autograd_lite\[plot\]"'):
        plot_history({"loss": [1.0]})


def test_the_earlier_names_are_the_same_functions() -> None:
    assert plotting.curves is plot_history
    assert plotting.decision_boundary is plot_decision_boundary


# -- Decision boundaries --


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([0, 1, 0, 1], ["0", "1"]),
        ([0.0, 1.0, 0.0, 1.0], ["0", "1"]),
        ([-1, 1, -1, 1], ["-1", "1"]),
        ([False, True, False, True], ["False", "True"]),
        (np.array([False, True, False, True]), ["False", "True"]),
        ([[0], [1], [0], [1]], ["0", "1"]),
        (["0", "1", "0", "1"], ["0", "1"]),
    ],
)
def test_a_point_has_the_colour_of_the_region_of_its_class(labels: Any, names: list[str]) -> None:
    ax = plot_decision_boundary(right_side, CORNERS, labels, resolution=13)
    assert legend(ax) == names
    for point, name in zip(CORNERS, names * 2, strict=True):
        assert region(ax, point) == pytest.approx(colour_of(ax, name))
    assert [c.get_offsets().tolist() for c in ax.collections] == [CORNERS[::2], CORNERS[1::2]]  # type: ignore[union-attr]


@pytest.mark.parametrize("model", [lambda x: [right_side(x)], lambda x: np.array([-right_side(x), right_side(x)])])
def test_one_output_in_a_list_and_two_outputs_tell_two_classes_apart(model: Any) -> None:
    ax, same = (plot_decision_boundary(m, CORNERS, [0, 1, 0, 1], resolution=8) for m in (model, right_side))
    assert (ax.images[0].get_array() == same.images[0].get_array()).all()  # type: ignore[union-attr]
    assert legend(ax) == legend(same)


@pytest.mark.parametrize(
    ("label", "message"), [(-1, "is -1; the classes of a model with 3 outputs are 0 to 2"), (3, "is 3;")]
)
def test_a_label_without_an_output_is_refused(label: int, message: str) -> None:
    with pytest.raises(ArgumentError, match=rf"y\[3\] {message}"):
        plot_decision_boundary(three, CORNERS, [0, 1, 2, label])


def test_a_decision_boundary_lies_where_the_class_changes() -> None:
    ax = plot_decision_boundary(right_side, CORNERS, [0, 1, 0, 1], resolution=101)
    assert ax.get_xlim() == pytest.approx((-0.1, 1.1))
    assert ax.get_ylim() == pytest.approx((-0.1, 1.1))
    left, right = colour_of(ax, "0"), colour_of(ax, "1")
    assert region(ax, [0.48, 0.3]) == pytest.approx(left)
    assert region(ax, [0.52, 0.3]) == pytest.approx(right)
    assert pixel(ax, [0.25, 0.5]) != pixel(ax, [0.75, 0.5])
    assert pixel(ax, [0.25, 0.5]) == pytest.approx([255 * (0.7 + 0.3 * c) for c in left], abs=2)


def test_a_class_keeps_its_colour_whatever_is_predicted_and_whatever_labels_there_are() -> None:
    all_of_them = plot_decision_boundary(three, CORNERS, [0, 1, 2, 2], resolution=5)
    assert len({colour_of(all_of_them, name) for name in "012"}) == 3
    for k, labels in itertools.product(range(3), ([0, 1, 2, 2], [2, 2, 2, 2], [1, 1, 2, 2])):
        scores = [float(i == k) for i in range(3)]
        ax = plot_decision_boundary(partial(always, scores), CORNERS, labels, resolution=5)
        assert legend(ax) == sorted({str(k), *map(str, labels)})
        assert region(ax, [0.5, 0.5]) == pytest.approx(colour_of(all_of_them, str(k)))
        for name in legend(ax):
            assert colour_of(ax, name) == colour_of(all_of_them, name)


def test_between_two_regions_there_is_no_sliver_of_a_third() -> None:
    ax = plot_decision_boundary(lambda x: [0.5 - x[0], -9.0, x[0] - 0.5], CORNERS, [0, 2, 0, 2], resolution=9)
    assert {tuple(c) for row in ax.images[0].get_array()[..., :3] for c in row.tolist()} == {  # type: ignore[index]
        colour_of(ax, "0"),
        colour_of(ax, "2"),
    }


def test_classes_can_be_told_apart_without_colours() -> None:
    ax = plot_decision_boundary(three, CORNERS, [0, 1, 2, 2], resolution=5)
    shapes = {c.get_paths()[0].vertices.tobytes() for c in ax.collections}  # type: ignore[union-attr]
    assert len(shapes) == 3


def test_classes_have_names() -> None:
    ax = plot_decision_boundary(three, CORNERS, [0, 1, 2, 2], classes=["a", "_b", "c"], resolution=5)
    named = plot_decision_boundary(three, CORNERS, ["a", "_b", "c", "c"], classes=("a", "_b", "c"), resolution=5)
    assert legend(ax) == legend(named) == ["a", "_b", "c"]
    assert [colour_of(ax, name) for name in legend(ax)] == [colour_of(named, name) for name in legend(ax)]


def test_probabilities_of_classes_are_labels_too() -> None:
    ax = plot_decision_boundary(three, CORNERS[:3], [[1, 0, 0], [0.1, 0.8, 0.1], [0, 0, 1]], resolution=5)
    assert legend(ax) == ["0", "1", "2"]


def test_a_threshold_moves_the_boundary_and_a_probability_without_one_warns() -> None:
    model: Any = lambda x: 0.25 + 0.5 * x[0]
    ax = plot_decision_boundary(model, CORNERS, [0, 1, 0, 1], threshold=0.5, resolution=13)
    assert region(ax, [0.3, 0.5]) == pytest.approx(colour_of(ax, "0"))
    with pytest.warns(UserWarning, match=r"every output is between 0 and 1; for probabilities write threshold=0\.5"):
        plot_decision_boundary(model, CORNERS, [0, 1, 0, 1], resolution=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot_decision_boundary(lambda x: 9.0 * model(x), CORNERS, [0, 1, 0, 1], resolution=3)


def test_where_the_model_gives_nan_the_plane_stays_blank() -> None:
    ax = plot_decision_boundary(lambda x: [1.0, math.nan if x[0] > 0.5 else 0.0], CORNERS, [0, 1, 0, 1], resolution=13)
    assert pixel(ax, [0.75, 0.5]) == [255, 255, 255]
    assert pixel(ax, [0.25, 0.5]) != [255, 255, 255]


def test_a_decision_boundary_is_drawn_in_eval_mode_and_leaves_no_gradients() -> None:
    seen: set[bool] = set()

    class Spy(nn.Module):
        def __init__(self) -> None:
            self.w = Value(2.0)

        def forward(self, x: Any) -> Any:
            seen.add(self.training)
            return self.w * x[0]

    model = Spy()
    plot_decision_boundary(model, CORNERS, [0, 1, 0, 1], resolution=2)
    assert seen == {False}
    assert model.training
    assert not model.w.has_grad


def test_a_module_is_drawn_as_it_predicts() -> None:
    model = nn.MLP(2, [8, 3], activation="tanh", rng=3)
    ax = plot_decision_boundary(model, CORNERS, [0, 1, 2, 2], resolution=24)
    cells = ax.images[0].get_array()[..., :3].tolist()  # type: ignore[index]
    xs, ys = np.linspace(-0.1, 1.1, 24), np.linspace(-0.1, 1.1, 24)
    for row, column in [(0, 0), (3, 20), (15, 15), (23, 7)]:
        scores = [score.data for score in model([xs[column], ys[row]])]
        assert cells[row][column] == pytest.approx(to_rgba(colors(3)[scores.index(max(scores))])[:3])


def _frames(library: str) -> tuple[Any, Any, Any]:
    module = pytest.importorskip(library)
    table = module.DataFrame(
        {"length": [0, 1, 0, 1], "width": [0.0, 0.0, 1.0, 1.0], "k": [0, 1, 0, 1], "name": ["a", "b", "a", "b"]}
    )
    return table[["length", "width"]], table["k"], table["name"]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_data_frame_names_the_axes_and_is_drawn_as_lists_are(library: str) -> None:
    X, y, names = _frames(library)
    ax = plot_decision_boundary(right_side, X, y, resolution=9)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("length", "width")
    plain = plot_decision_boundary(right_side, CORNERS, [0, 1, 0, 1], resolution=9)
    assert (ax.images[0].get_array() == plain.images[0].get_array()).all()  # type: ignore[union-attr]
    assert legend(plot_decision_boundary(right_side, X, names, classes=["a", "b"], resolution=9)) == ["a", "b"]


@pytest.mark.parametrize("missing", ["X", "y"])
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_what_is_missing_in_a_data_frame_is_named_by_its_row(library: str, missing: str) -> None:
    module = pytest.importorskip(library)
    X = module.DataFrame({"a": [0.0, 1.0, None if missing == "X" else 2.0], "b": [1.0, 2.0, 3.0]})
    y = module.Series([0, 1, None if missing == "y" else 1])
    with pytest.raises((ArgumentError, TypeError), match="row 2, column 'a' of X" if missing == "X" else r"y\[2\]"):
        plot_decision_boundary(right_side, X, y)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([[1.0, 2.0, 3.0]], [0], r"points in the plane, and X\[0\] is list \[1\.0, 2\.0, 3\.0\]"),
        ([[[1.0, 2.0], [2.0, 3.0]]], [0], "points in the plane"),
        ([1.0, 2.0], [0, 1], "points in the plane"),
        ([], [], "X is empty"),
        ([[0.0, 1.0], [0.0, math.nan]], [0, 1], r"X\[1\]\[1\] is nan"),
        ([[0.0, 1.0], [math.inf, 0.0]], [0, 1], r"X\[1\]\[0\] is inf"),
        (CORNERS, [0, 1], "X has 4 points and y 2 labels"),
        (CORNERS, [0.1, 0.5, 0.2, 0.9], r"y\[0\] is 0\.1, which is no class"),
        (CORNERS, [0, 1, math.nan, 1], r"y\[2\] is nan, which is no class"),
        (CORNERS, [0, 1, 2, 1], "one output tells two classes apart, .* the labels 0, 1, 2"),
        (CORNERS, [1, 2, 1, 2], "one output tells two classes apart, .* the labels 1, 2"),
        (CORNERS, ["a", "b", "a", "b"], r"y\[0\] is 'a', and the classes are 0, 1; give their names .* classes="),
    ],
)
def test_data_that_are_not_classes_in_the_plane_say_so(X: Any, y: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        plot_decision_boundary(right_side, X, y)
    assert not pyplot.get_fignums()


@pytest.mark.parametrize("output", ["a", None, {"a": 1.0}, [[1.0, 2.0]], []])
def test_outputs_that_are_no_scores_are_refused(output: Any) -> None:
    with pytest.raises(ArgumentError, match="needs a model that gives one number, or one for each class; this one"):
        plot_decision_boundary(partial(always, output), CORNERS, [0, 1, 0, 1], resolution=3)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"resolution": 1}, ArgumentError, "resolution is a whole number from 2 up"),
        ({"classes": ["a", "b", "c"]}, ArgumentError, "classes must be 2 different names"),
        ({"classes": ["a", "a"]}, ArgumentError, "classes must be 2 different names"),
        ({"classes": "ab"}, ArgumentError, "classes must be 2 different names, got str 'ab'"),
        ({"model": 3}, TypeError, "model is a Module or a function of a point, got int 3"),
        ({"y": None}, TypeError, "y is a list with the class of each point"),
        ({"y": [0, 1, None, 1]}, TypeError, r"y\[2\] must be a class, such as 0 or 1, got NoneType None"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], error: type[Exception], message: str) -> None:
    given: dict[str, Any] = {"model": right_side, "X": CORNERS, "y": [0, 1, 0, 1]} | options
    with pytest.raises(error, match=message):
        plot_decision_boundary(**given)


# -- Gradients and weights --


def texts(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.texts]


def shares(ax: Any) -> list[float]:
    """The total height of the bars of each row, as a part of that of the first."""
    totals = [sum(bars.get_data().values - bars.get_data().baseline) for bars in ax.patches]
    return [total / totals[0] for total in totals]


def test_gradients_are_drawn_by_layer_on_a_log_scale_with_the_zeros_counted() -> None:
    model = nn.MLP(2, [3, 1], rng=0)
    for i, parameter in enumerate(model.layers[0].parameters()):
        parameter.grad = [0.0, 1e-9, -1e-3][i % 3]
    for parameter in model.layers[1].parameters():
        parameter.grad = 1.0
    ax = plot_gradients(model)
    assert texts(ax) == ["layers.0: 9 parameters, 3 at 0", "layers.1: 4 parameters"]
    assert ax.get_xscale() == "log"
    assert ax.get_xlim() == pytest.approx((1e-9, 1.0))
    assert shares(ax) == pytest.approx([1.0, 1.5])  # 6 of 9, and 4 of 4


def test_nan_and_inf_are_counted_and_the_rest_is_drawn() -> None:
    model = nn.Linear(2, 2, rng=0)
    for parameter, grad in zip(model.parameters(), [math.nan, math.inf, -math.inf, 0.0, 1.0, 2.0], strict=True):
        parameter.grad = grad
    assert texts(plot_gradients(model)) == ["Linear: 6 parameters, 1 at 0, 3 nan or inf"]
    model.parameters()[0].data = math.nan
    assert texts(plot_weights(model)) == ["Linear: 6 parameters, 1 nan or inf"]


@pytest.mark.parametrize("grad", [0.0, 5e-324, 1e300])
def test_gradients_that_are_all_the_same_are_drawn(grad: float) -> None:
    model = nn.Linear(2, 2, rng=0)
    for parameter in model.parameters():
        parameter.grad = grad
    drawn(plot_gradients(model))


@pytest.mark.parametrize("number", [0.0, math.inf, -1e100])
def test_weights_that_are_all_the_same_are_drawn(number: float) -> None:
    model = nn.Linear(2, 2, rng=0)
    for parameter in model.parameters():
        parameter.data = number
    drawn(plot_weights(model))


def test_weights_are_drawn_over_their_range_for_each_layer() -> None:
    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.ReLU(), nn.MLP(3, [2, 1], rng=0))
    ax = plot_weights(model)
    assert texts(ax) == ["0: 9 parameters", "2.layers.0: 8 parameters", "2.layers.1: 3 parameters"]
    numbers = [parameter.data for parameter in model.parameters()]
    assert ax.get_xlim() == pytest.approx((min(numbers), max(numbers)))
    assert shares(ax) == pytest.approx([1.0, 1.0, 1.0])


def test_a_module_of_ones_own_is_one_layer_with_its_neurons() -> None:
    class Pair(nn.Module):
        def __init__(self) -> None:
            self.a, self._b, self.scale = nn.Neuron(2), nn.Linear(2, 1), Value(1.0)

    assert texts(plot_weights(Pair())) == ["Pair: 4 parameters", "_b: 3 parameters"]


def test_rows_do_not_overlap_and_deep_models_get_a_taller_picture() -> None:
    ax = plot_weights(nn.MLP(1, [1] * 20, rng=0))
    drawn(ax)
    boxes = [text.get_window_extent() for text in ax.texts]
    assert len(boxes) == 20
    assert all(upper.y0 > lower.y1 for upper, lower in itertools.pairwise(boxes))
    for bars, box in zip(ax.patches, boxes, strict=True):
        assert bars.get_window_extent().y1 < box.y0 + 1.0
    assert all(box.y0 >= 0 for box in boxes)


def test_a_parameter_without_a_gradient_is_named_and_a_frozen_one_left_out() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    with pytest.raises(GraphError, match=r"0\.weight\.0\.0 has no gradient; call backward\(\) on a loss that depends"):
        plot_gradients(model)
    model([1.0, 2.0])[0].backward()
    next(iter(model.children())).requires_grad_(False)
    assert [text.split(",")[0] for text in texts(plot_gradients(model))] == ["1: 3 parameters"]
    assert len(texts(plot_weights(model))) == 2
    with pytest.raises(ArgumentError, match="Sequential has no parameters, or all are frozen"):
        plot_gradients(model.requires_grad_(False))


@pytest.mark.parametrize("plot", [plot_gradients, plot_weights])
def test_what_has_no_layers_is_refused(plot: Any) -> None:
    with pytest.raises(TypeError, match="expected a Module, as it has layers; got function"):
        plot(right_side)
    with pytest.raises(ArgumentError, match="ReLU has no parameters"):
        plot(nn.ReLU())
    assert not pyplot.get_fignums()


def test_gradients_with_a_graph_of_their_own_are_drawn() -> None:
    model = nn.Linear(1, 1, rng=0)
    model([2.0])[0].backward(create_graph=True)
    assert texts(plot_gradients(model)) == ["Linear: 2 parameters"]


def test_weights_too_far_apart_are_refused() -> None:
    model = nn.Linear(1, 1)
    model.weight[0][0].data, model.bias[0].data = 1.7e308, -1.7e308  # type: ignore[index]
    with pytest.raises(ArgumentError, match=r"weights from -1\.7e\+308 to 1\.7e\+308 are too far apart"):
        plot_weights(model)

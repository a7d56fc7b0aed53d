"""Pictures of training."""

import sys
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

from autograd_lite import nn, plotting
from autograd_lite.errors import ArgumentError, MissingDependencyError
from autograd_lite.training import History

mpl.use("Agg")


def test_a_history_draws_a_line_for_each_of_its_lists() -> None:
    history = History()
    history.add({"loss": 2.0, "accuracy": 0.5, "val_loss": 2.5}, 0.1)
    history.add({"loss": 1.0, "accuracy": 0.75, "val_loss": 1.5}, 0.1)
    ax = history.plot()
    left, right = ax.figure.axes
    assert [line.get_label() for line in left.lines] == ["loss", "val_loss"]
    assert [line.get_label() for line in right.lines] == ["accuracy"]
    assert right.lines[0].get_xydata().tolist() == [[1.0, 0.5], [2.0, 0.75]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["loss", "val_loss", "accuracy"]
    assert len({line.get_color() for line in [*left.lines, *right.lines]}) == 3


@pytest.mark.parametrize("model", [lambda x: x[0] - 0.5, lambda x: [x[0] - 0.5], lambda x: [0.5, x[0]]])
def test_a_decision_boundary_lies_where_the_class_changes(model: Any) -> None:
    ax = plotting.decision_boundary(model, [[0.0, 0.0], [1.0, 1.0]], [0, 1], resolution=13)
    (points,) = [c for c in ax.collections if hasattr(c, "get_offsets") and len(c.get_offsets()) == 2]
    assert np.array(points.get_offsets()).tolist() == [[0.0, 0.0], [1.0, 1.0]]
    low, high = ax.get_xlim()
    assert low == pytest.approx(-0.1)
    assert high == pytest.approx(1.1)


def test_a_decision_boundary_is_drawn_in_eval_mode() -> None:
    seen: set[bool] = set()

    class Spy(nn.Module):
        def forward(self, x: Any) -> Any:
            seen.add(self.training)
            return np.array([x[0]])

    plotting.decision_boundary(Spy(), [[0.0, 0.0], [1.0, 1.0]], [0, 1], resolution=2)
    assert seen == {False}


def test_the_axes_that_are_given_are_drawn_into() -> None:
    from matplotlib import pyplot

    _, ax = pyplot.subplots()
    assert plotting.curves({"loss": [2.0, 1.0]}, ax=ax) is ax
    assert len(ax.lines) == 1


def test_points_that_are_not_in_the_plane_say_so() -> None:
    with pytest.raises(ArgumentError, match="needs points in the plane"):
        plotting.decision_boundary(lambda x: x[0], [[1.0, 2.0, 3.0]], [0])


def test_a_missing_matplotlib_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "autograd_lite\[plot\]"'):
        plotting.curves({"loss": [1.0]})

"""The data sets."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autograd_lite import data
from autograd_lite.errors import ArgumentError


def test_iris_is_fishers_table() -> None:
    X, y = data.iris()
    assert [y.count(label) for label in range(3)] == [50, 50, 50]
    means = [round(sum(row[i] for row in X) / 150, 4) for i in range(4)]
    assert means == [5.8433, 3.0573, 3.758, 1.1993]
    assert X[34] == [4.9, 3.1, 1.5, 0.2]  # the two rows that are wrong in the UCI repository
    assert X[37] == [4.9, 3.6, 1.4, 0.1]


def test_moons_lie_on_their_circles_and_come_from_the_seed() -> None:
    X, y = data.moons(101, noise=0.0, rng=1)
    assert sorted(y) == [0] * 51 + [1] * 50
    for (a, b), label in zip(X, y, strict=True):
        assert math.hypot(a - label, b - 0.5 * label) == pytest.approx(1.0)
    assert data.moons(10, rng=3) == data.moons(10, rng=3) != data.moons(10, rng=4)


def test_split_keeps_samples_with_their_labels() -> None:
    X, y = [[float(i)] for i in range(10)], list(range(10))
    train, train_y, test, test_y = data.split(X, y, held_out=0.3, rng=0)
    assert (len(train), len(test)) == (7, 3)
    assert [row[0] for row in train + test] == train_y + test_y
    assert sorted(train_y + test_y) == y


def test_circles_lie_on_their_circles() -> None:
    X, y = data.circles(50, noise=0.0, factor=0.3, rng=0)
    assert sorted(y) == [0] * 25 + [1] * 25
    for (a, b), label in zip(X, y, strict=True):
        assert math.hypot(a, b) == pytest.approx(0.3 if label else 1.0)
    assert len({(round(a, 9), round(b, 9)) for a, b in X}) == 50  # a circle's end is not its beginning again


def test_spirals_wind_out_to_radius_1_each_arm_apart() -> None:
    X, y = data.spirals(90, arms=3, turns=0.75, noise=0.0, rng=0)
    assert [y.count(label) for label in range(3)] == [30, 30, 30]
    for (a, b), label in zip(X, y, strict=True):
        radius = math.hypot(a, b)
        assert radius <= 1.0 + 1e-12
        turned = math.atan2(b, a) - 2 * math.pi * (0.75 * radius + label / 3)
        assert radius < 1e-9 or math.sin(turned / 2) == pytest.approx(0.0, abs=1e-9)


def test_blobs_lie_about_their_centers() -> None:
    X, y = data.blobs(3000, centers=[[0.0, 0.0, 0.0], [5.0, 5.0, 5.0]], std=0.5, rng=0)
    first = np.array([x for x, label in zip(X, y, strict=True) if label == 0])
    assert first.mean(axis=0) == pytest.approx([0.0] * 3, abs=0.05)
    assert first.std(axis=0) == pytest.approx([0.5] * 3, abs=0.05)
    assert set(data.blobs(30, centers=4, rng=0)[1]) == {0, 1, 2, 3}


def test_xor_is_its_table_and_may_be_noisy() -> None:
    X, y = data.xor(400, noise=0.1, rng=0)
    assert all(label == (round(a) ^ round(b)) for (a, b), label in zip(X, y, strict=True))
    assert len({a for a, _ in X}) == 400
    assert data.xor()[1] == [0, 1, 1, 0]


@pytest.mark.parametrize(
    "make", [data.moons, data.circles, data.spirals, data.blobs, lambda n, rng: data.xor(n, noise=1, rng=rng)]
)
def test_points_come_from_the_seed(make: Callable[..., Any]) -> None:
    assert make(10, rng=3) == make(10, rng=3) != make(10, rng=4)
    assert make(np.int64(10), rng=np.int64(3)) == make(10, rng=3)


def test_randn_has_the_size_it_is_asked_for() -> None:
    found = np.array(data.randn(40, 50, rng=0))
    assert found.shape == (40, 50)
    assert (found.mean(), found.std()) == pytest.approx((0.0, 1.0), abs=0.05)
    assert isinstance(data.randn(rng=0), float)
    assert data.randn(0) == []


def test_standardized_columns_have_mean_0_and_deviation_1() -> None:
    X, _ = data.iris()
    found = np.array(data.standardize(X))
    assert found.mean(axis=0) == pytest.approx([0.0] * 4, abs=1e-12)
    assert found.std(axis=0) == pytest.approx([1.0] * 4)
    assert data.standardize(np.array([[3.0]]), [[0.0], [2.0]]) == [[2.0]]


@pytest.mark.parametrize("constant", [0.1, 0.3, 1.1, 5.0])
def test_a_column_that_never_changes_is_shifted_only(constant: float) -> None:
    X = [[float(i), constant] for i in range(3)]
    assert [row[1] for row in data.standardize(X)] == [0.0, 0.0, 0.0]
    assert data.standardize([[1.0, constant + 1.0]], X)[0][1] == pytest.approx(1.0)


@pytest.mark.parametrize("scale", [1e-323, 1e-200, 1e-3, 1.0, 1e200, 1e300, 4e307])
def test_columns_of_any_size_are_standardized(scale: float) -> None:
    assert data.standardize([[-scale], [scale], [-scale], [scale]]) == [[-1.0], [1.0], [-1.0], [1.0]]
    assert data.standardize([[3.0 * scale]], [[0.0], [scale * 2.0]])[0] == pytest.approx([2.0])


def test_the_smallest_difference_is_standardized() -> None:
    assert data.standardize([[1.0], [1.0 + 2.0**-52]]) == [[-1.0], [1.0]]
    assert data.standardize([[1.7e308], [-1.7e308]]) == [[1.0], [-1.0]]


@pytest.mark.parametrize(
    ("X", "reference", "message"),
    [
        ([[1.0], [math.nan]], None, r"X\[1\]\[0\] is nan; leave out such samples"),
        ([[1.0]], [[1.0], [-math.inf]], r"reference\[1\]\[0\] is -inf"),
        ([[1e300]], [[1e-200], [2e-200]], "1e[+]300 is too far from the reference, where that column is about 1e-200"),
        ([[1.7e308]], [[-1.7e308], [-1.7e308]], "is too far from the reference"),
    ],
)
def test_what_has_no_standardized_number_says_so(X: Any, reference: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        data.standardize(X, reference)


def test_lists_that_hold_themselves_say_so() -> None:
    X: list[Any] = [[1.0]]
    X.append(X)
    row: list[Any] = [1.0]
    row.append(row)
    for given in (X, [row]):
        with pytest.raises(TypeError, match="expected a real number, got list"):
            data.standardize(given)
        with pytest.raises(TypeError, match="expected a real number, got list"):
            data.blobs(centers=given)


def test_batches_hold_every_sample_once_with_its_label() -> None:
    X, y = [[float(i)] for i in range(10)], list(range(10))
    pieces = list(data.batches(X, y, 4, rng=0))
    assert [len(labels) for _, labels in pieces] == [4, 4, 2]
    assert sorted(label for _, labels in pieces for label in labels) == y
    assert all(x == [float(label)] for xs, ys in pieces for x, label in zip(xs, ys, strict=True))
    assert pieces == list(data.batches(X, y, 4, rng=0)) != list(data.batches(X, y, 4, rng=1))
    assert len(list(data.batches(X, y, 4, drop_last=True))) == 2
    assert list(data.batches(X, y, 5, shuffle=False)) == [(X[:5], y[:5]), (X[5:], y[5:])]


@pytest.mark.parametrize("kind", [list, tuple, np.array])
def test_lists_tuples_and_arrays_are_taken(kind: Callable[[Any], Any]) -> None:
    X, y = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [0, 1, 0]
    given = kind(X), kind(y)
    assert list(data.batches(*given, 2, rng=0)) == list(data.batches(X, y, 2, rng=0))
    assert data.split(*given, held_out=0.4, rng=0) == data.split(X, y, held_out=0.4, rng=0)
    assert data.standardize(given[0]) == data.standardize(X)


def test_misuse_says_what_was_expected() -> None:
    with pytest.raises(ArgumentError, match="at least 5 points, got int 4"):
        data.spirals(4, arms=5)
    with pytest.raises(ArgumentError, match="n is a whole number from 4 up, got int 3"):
        data.xor(3)
    with pytest.raises(ArgumentError, match="size is a whole number from 1 up, got int 0"):
        data.batches([[1.0]], [1], 0)
    with pytest.raises(ArgumentError, match="1 samples and 2 labels"):
        data.batches([[1.0]], [1, 2], 1)
    with pytest.raises(TypeError, match="X is a list, an array or a table, got str"):
        data.batches("abc", [1, 2, 3], 1)
    with pytest.raises(ArgumentError, match=r"the samples of X must be of one length, got \[1, 2\]"):
        data.standardize([[1.0], [1.0, 2.0]])
    with pytest.raises(ArgumentError, match="the reference must have samples, and as many columns as X"):
        data.standardize([[1.0]], [[1.0, 2.0]])
    with pytest.raises(ArgumentError, match="the samples of centers must be of one length"):
        data.blobs(centers=[[0.0], [1.0, 2.0]])
    with pytest.raises(ArgumentError, match="the reference must have samples"):
        data.standardize([], [])
    with pytest.raises(ArgumentError, match="at least 2 points, got int 1"):
        data.moons(1)
    with pytest.raises(ArgumentError, match="2 samples and 1 labels"):
        data.split([[1.0], [2.0]], [1], held_out=0.5)
    with pytest.raises(ArgumentError, match="leaves a part empty"):
        data.split([[1.0], [2.0]], [1, 0], held_out=1.0)

"""The data sets."""

import math

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


def test_misuse_says_what_was_expected() -> None:
    with pytest.raises(ArgumentError, match="at least 2 points, got int 1"):
        data.moons(1)
    with pytest.raises(ArgumentError, match="2 samples and 1 labels"):
        data.split([[1.0], [2.0]], [1], held_out=0.5)
    with pytest.raises(ArgumentError, match="leaves a part empty"):
        data.split([[1.0], [2.0]], [1, 0], held_out=1.0)

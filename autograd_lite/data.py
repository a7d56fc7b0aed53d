"""Small data sets: real measurements that come with the package, and seeded random shapes."""

import math

from autograd_lite.checks import describe
from autograd_lite.errors import ArgumentError
from autograd_lite.rng import Rng, as_random

__all__ = ["IRIS_FEATURES", "IRIS_SPECIES", "iris", "moons", "split"]

IRIS_FEATURES = ("sepal length", "sepal width", "petal length", "petal width")
IRIS_SPECIES = ("setosa", "versicolor", "virginica")


def iris() -> tuple[list[list[float]], list[int]]:
    """Fisher's measurements of 150 iris flowers: lengths and widths in cm, and the species as 0, 1 or 2.

    The columns are :data:`IRIS_FEATURES`, the classes :data:`IRIS_SPECIES`, 50 flowers each.
    Source: R. A. Fisher, "The use of multiple measurements in taxonomic problems", Annals of
    Eugenics 7 (1936), 179-188; measured by E. Anderson. As printed there, without the two
    errors of the copy in the UCI repository.

    >>> X, y = iris()
    >>> len(X), X[0], y[0]
    (150, [5.1, 3.5, 1.4, 0.2], 0)
    """
    import csv
    from importlib import resources

    text = resources.files("autograd_lite").joinpath("datasets/iris.csv").read_text(encoding="utf-8")
    rows = list(csv.reader(text.splitlines()))[1:]
    return [[float(x) for x in row[:4]] for row in rows], [IRIS_SPECIES.index(row[4]) for row in rows]


def moons(n: int = 100, *, noise: float = 0.1, rng: Rng = None) -> tuple[list[list[float]], list[int]]:
    """n points on two half circles that reach into each other, with normal noise; class 0 or 1.

    The upper moon is (cos t, sin t), the lower (1 - cos t, 1/2 - sin t), t from 0 to pi, as in
    scikit-learn. In random order. Raises ``ArgumentError`` if n is less than 2.

    >>> X, y = moons(4, noise=0.0, rng=0)
    >>> sorted(y)
    [0, 0, 1, 1]
    """
    if not isinstance(n, int) or n < 2:
        raise ArgumentError(f"moons needs at least 2 points, got {describe(n)}")
    draws = as_random(rng)
    upper = n - n // 2
    points = []
    for i in range(n):
        label = int(i >= upper)
        count = n - upper if label else upper
        t = math.pi * (i - upper * label) / max(count - 1, 1)
        x, y = (1.0 - math.cos(t), 0.5 - math.sin(t)) if label else (math.cos(t), math.sin(t))
        points.append(([x + draws.gauss(0.0, noise), y + draws.gauss(0.0, noise)], label))
    draws.shuffle(points)
    return [point for point, _ in points], [label for _, label in points]


def split(
    X: list[list[float]], y: list[int], *, held_out: float, rng: Rng = None
) -> tuple[list[list[float]], list[int], list[list[float]], list[int]]:
    """X and y in two random parts, the second (a share of ``held_out``) to test on: X, y, X_test, y_test.

    Raises ``ArgumentError`` if the lengths differ, or the share leaves a part empty.

    >>> X, y, X_test, y_test = split(*iris(), held_out=0.3, rng=0)
    >>> len(X), len(X_test)
    (105, 45)
    """
    if len(X) != len(y):
        raise ArgumentError(f"there are {len(X)} samples and {len(y)} labels; there must be one label each")
    count = round(held_out * len(X))
    if not 0 < count < len(X):
        raise ArgumentError(f"held_out={held_out} of {len(X)} samples leaves a part empty")
    draws = as_random(rng)
    order = draws.sample(range(len(X)), len(X))
    train, test = order[count:], order[:count]
    return [X[i] for i in train], [y[i] for i in train], [X[i] for i in test], [y[i] for i in test]

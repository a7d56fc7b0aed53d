"""Data sets: Fisher's iris flowers, and random points from a seed."""

import math
from collections.abc import Callable, Collection, Sequence
from typing import Any

from autograd_lite._rng import Rng, as_random
from autograd_lite.core.checks import check_size, describe
from autograd_lite.data.samples import rows_of
from autograd_lite.errors import ArgumentError

__all__ = ["IRIS_FEATURES", "IRIS_SPECIES", "blobs", "circles", "iris", "moons", "spirals", "xor"]

IRIS_FEATURES = ("sepal length", "sepal width", "petal length", "petal width")
IRIS_SPECIES = ("setosa", "versicolor", "virginica")

#: Points and their classes.
Labelled = tuple[list[list[float]], list[int]]


def iris() -> Labelled:
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

    text = resources.files("autograd_lite").joinpath("data/iris.csv").read_text(encoding="utf-8")
    rows = list(csv.reader(text.splitlines()))[1:]
    return [[float(x) for x in row[:4]] for row in rows], [IRIS_SPECIES.index(row[4]) for row in rows]


def moons(n: int = 100, *, noise: float = 0.1, rng: Rng = None) -> Labelled:
    """n points on two interleaving half circles, with normal noise; class 0 or 1.

    The upper moon is (cos t, sin t), the lower (1 - cos t, 1/2 - sin t), t from 0 to pi, as in
    scikit-learn. In random order. Raises ``ArgumentError`` if n is less than 2.

    >>> X, y = moons(4, noise=0.0, rng=0)
    >>> sorted(y)
    [0, 0, 1, 1]
    """

    def place(label: int, share: float) -> tuple[float, float]:
        t = math.pi * share
        return (1.0 - math.cos(t), 0.5 - math.sin(t)) if label else (math.cos(t), math.sin(t))

    return _on_curves(n, 2, place, noise, rng)


def circles(n: int = 100, *, noise: float = 0.05, factor: float = 0.5, rng: Rng = None) -> Labelled:
    """n points on two circles about the origin, with normal noise: class 0 of radius 1, class 1 of radius ``factor``.

    In random order. Raises ``ArgumentError`` if n is less than 2.
    """

    def place(label: int, share: float) -> tuple[float, float]:
        t = 2.0 * math.pi * share
        radius = factor if label else 1.0
        return radius * math.cos(t), radius * math.sin(t)

    return _on_curves(n, 2, place, noise, rng, closed=True)


def spirals(n: int = 100, *, arms: int = 2, turns: float = 1.0, noise: float = 0.02, rng: Rng = None) -> Labelled:
    """n points on spirals that wind out of the origin to radius 1, with normal noise; each arm is a class.

    In random order. Raises ``ArgumentError`` for fewer points than arms.
    """
    check_size(arms, "arms")

    def place(label: int, share: float) -> tuple[float, float]:
        t = 2.0 * math.pi * (turns * share + label / arms)
        return share * math.cos(t), share * math.sin(t)

    return _on_curves(n, arms, place, noise, rng)


def blobs(n: int = 100, *, centers: int | Collection[Any] = 3, std: float = 0.5, rng: Rng = None) -> Labelled:
    """n points in round clouds of deviation ``std``; each cloud is a class.

    ``centers`` is a list of their centers, in any dimension; or their number, and they are drawn
    uniformly from the square with sides from -5 to 5. In random order. Raises ``ArgumentError`` for
    fewer points than clouds.
    """
    draws = as_random(rng)
    if not isinstance(centers, Collection):
        check_size(centers, "centers")
        middles = [[draws.uniform(-5.0, 5.0), draws.uniform(-5.0, 5.0)] for _ in range(centers)]
    else:
        middles = rows_of(centers, "centers")
    return _on_curves(n, len(middles), lambda label, _: tuple(middles[label]), std, draws)


def xor(n: int = 4, *, noise: float = 0.0, rng: Rng = None) -> Labelled:
    """n points at the corners of the unit square; class 1 where one coordinate is 1 and the other 0.

    The corners take turns, so the first four points are those of the classic problem. ``noise`` is
    the deviation of normal noise. Raises ``ArgumentError`` if n is less than 4.

    >>> xor()
    ([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0])
    """
    check_size(n, "n", least=4)
    draws = as_random(rng)
    corners = [(i >> 1 & 1, i & 1) for i in range(n)]
    X = [
        [a + draws.gauss(0.0, noise), b + draws.gauss(0.0, noise)] if noise else [float(a), float(b)]
        for a, b in corners
    ]
    return X, [a ^ b for a, b in corners]


def _on_curves(
    n: int, classes: int, place: Callable[[int, float], Sequence[float]], noise: float, rng: Rng, closed: bool = False
) -> Labelled:
    """n points with normal noise, shared evenly among the classes.

    ``place`` gives the point for a class and a position on its curve, from 0 to 1.
    """
    least = max(classes, 2)
    if not hasattr(type(n), "__index__") or n < least:
        raise ArgumentError(f"this needs at least {least} points, got {describe(n)}")
    draws = as_random(rng)
    counts = [n // classes + (label < n % classes) for label in range(classes)]
    points: list[tuple[list[float], int]] = []
    for label, count in enumerate(counts):
        steps = count if closed else max(count - 1, 1)
        points += [([x + draws.gauss(0.0, noise) for x in place(label, i / steps)], label) for i in range(count)]
    draws.shuffle(points)
    return [point for point, _ in points], [label for _, label in points]

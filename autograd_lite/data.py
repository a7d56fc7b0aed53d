"""Small data sets, real and seeded random ones, and what to do with them before and during training.

Samples are a list ``X`` of lists of floats, labels a list ``y``. Functions that take data
take lists, tuples and NumPy arrays, and give lists.
"""

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from autograd_lite import tree
from autograd_lite.checks import as_float, check_size, describe
from autograd_lite.errors import ArgumentError
from autograd_lite.rng import Rng, as_random

__all__ = [
    "IRIS_FEATURES",
    "IRIS_SPECIES",
    "batches",
    "blobs",
    "circles",
    "iris",
    "moons",
    "randn",
    "spirals",
    "split",
    "standardize",
    "xor",
]

IRIS_FEATURES = ("sepal length", "sepal width", "petal length", "petal width")
IRIS_SPECIES = ("setosa", "versicolor", "virginica")

#: Points and their classes.
Labelled = tuple[list[list[float]], list[int]]


# -- Data sets --


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

    text = resources.files("autograd_lite").joinpath("datasets/iris.csv").read_text(encoding="utf-8")
    rows = list(csv.reader(text.splitlines()))[1:]
    return [[float(x) for x in row[:4]] for row in rows], [IRIS_SPECIES.index(row[4]) for row in rows]


def moons(n: int = 100, *, noise: float = 0.1, rng: Rng = None) -> Labelled:
    """n points on two half circles that reach into each other, with normal noise; class 0 or 1.

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

    ``centers`` are their middles, in any dimension, or how many there are to be: so many are drawn
    uniformly from the square of -5 to 5. In random order. Raises ``ArgumentError`` for fewer
    points than clouds.
    """
    draws = as_random(rng)
    if not isinstance(centers, Collection):
        check_size(centers, "centers")
        middles = [[draws.uniform(-5.0, 5.0), draws.uniform(-5.0, 5.0)] for _ in range(centers)]
    else:
        middles = _rows(centers, "centers")
    return _on_curves(n, len(middles), lambda label, _: tuple(middles[label]), std, draws)


def xor(n: int = 4, *, noise: float = 0.0, rng: Rng = None) -> Labelled:
    """n points at the corners of the unit square; class 1 where one coordinate is 1 and the other 0.

    The corners take turns, so that the four points of the classic problem come first, in order.
    Normal noise may be added. Raises ``ArgumentError`` if n is less than 4.

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


def randn(*size: int, rng: Rng = None) -> Any:
    """Numbers from the standard normal distribution: one, or nested lists of the given size (PyTorch's spelling).

    >>> randn(2, 1, rng=0)
    [[0.9417154046806644], [-1.3965781047011498]]
    """
    for count in size:
        check_size(count, "a size", least=0)
    draws = as_random(rng)
    return draws.gauss(0.0, 1.0) if not size else [randn(*size[1:], rng=draws) for _ in range(size[0])]


def _on_curves(
    n: int, classes: int, place: Callable[[int, float], Sequence[float]], noise: float, rng: Rng, closed: bool = False
) -> Labelled:
    """n points, as many of each class, where ``place`` puts them along its curve (a share from 0 to 1), with noise."""
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


# -- Handling them --


def split(
    X: Collection[Any], y: Collection[Any], *, held_out: float, rng: Rng = None
) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
    """X and y in two random parts, the second (a share of ``held_out``) to test on: X, y, X_test, y_test.

    Raises ``ArgumentError`` if the lengths differ, or the share leaves a part empty.

    >>> X, y, X_test, y_test = split(*iris(), held_out=0.3, rng=0)
    >>> len(X), len(X_test)
    (105, 45)
    """
    X, y = _matching(X, y)
    count = round(held_out * len(X))
    if not 0 < count < len(X):
        raise ArgumentError(f"held_out={held_out} of {len(X)} samples leaves a part empty")
    draws = as_random(rng)
    order = draws.sample(range(len(X)), len(X))
    train, test = order[count:], order[:count]
    return [X[i] for i in train], [y[i] for i in train], [X[i] for i in test], [y[i] for i in test]


def standardize(X: Collection[Any], reference: Collection[Any] | None = None) -> list[list[float]]:
    """X with each column shifted and scaled as it takes to give the reference mean 0 and deviation 1.

    The reference is X itself if not said; for held-out data it is what the model learns from. A
    column that never changes there is shifted only. Raises ``ArgumentError`` if there are no samples.

    >>> standardize([[1.0, 5.0], [3.0, 5.0]])
    [[-1.0, 0.0], [1.0, 0.0]]
    """
    X, like = _rows(X, "X"), _rows(X if reference is None else reference, "reference")
    if not like or len(X[0] if X else like[0]) != len(like[0]):
        raise ArgumentError("the reference must have samples, and as many columns as X")
    means, deviations = [], []
    for column in zip(*like, strict=True):
        is_constant = min(column) == max(column)  # whose mean would be off by a rounding
        means.append(column[0] if is_constant else math.fsum(column) / len(column))
        deviations.append(
            1.0 if is_constant else math.sqrt(math.fsum((x - means[-1]) ** 2 for x in column) / len(column))
        )
    return [[(x - m) / s for x, m, s in zip(row, means, deviations, strict=True)] for row in X]


def batches(
    X: Collection[Any], y: Collection[Any], size: int, *, shuffle: bool = True, rng: Rng = None, drop_last: bool = False
) -> Iterator[tuple[list[Any], list[Any]]]:
    """X and y in pieces of ``size`` samples, in random order or (without ``shuffle``) as they are.

    The last piece may be smaller; ``drop_last`` leaves it out then. Raises ``ArgumentError`` if the
    lengths differ, or the size is not a whole number from 1 up.

    >>> list(batches([1, 2, 3], ["a", "b", "c"], 2, shuffle=False))
    [([1, 2], ['a', 'b']), ([3], ['c'])]
    """
    X, y = _matching(X, y)
    check_size(size, "size")
    order = list(range(len(X)))
    if shuffle:
        as_random(rng).shuffle(order)
    stop = len(X) - size + 1 if drop_last else len(X)
    pieces = (order[start : start + size] for start in range(0, stop, size))
    return (([X[i] for i in piece], [y[i] for i in piece]) for piece in pieces)


def _listed(data: Any, name: str) -> list[Any]:
    if tree.is_array(data):
        return data.tolist()  # type: ignore[no-any-return]
    if not isinstance(data, (list, tuple)):
        raise TypeError(f"{name} is a list, a tuple or a NumPy array, got {describe(data)}")
    return list(data)


def _rows(data: Any, name: str) -> list[list[float]]:
    """Samples as lists of floats, all of one length."""
    rows = [[as_float(x) for x in _listed(row, f"a sample of {name}")] for row in _listed(data, name)]
    if any(len(row) != len(rows[0]) for row in rows):
        raise ArgumentError(f"the samples of {name} must be of one length, got {sorted({len(row) for row in rows})}")
    return rows


def _matching(X: Any, y: Any) -> tuple[list[Any], list[Any]]:
    X, y = _listed(X, "X"), _listed(y, "y")
    if len(X) != len(y):
        raise ArgumentError(f"there are {len(X)} samples and {len(y)} labels; there must be one label each")
    return X, y

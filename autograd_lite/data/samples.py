"""Samples and their labels: drawn, split, standardized, and taken in batches."""

import itertools
import math
from collections.abc import Collection, Iterator
from typing import Any

from autograd_lite import _tables
from autograd_lite._rng import Rng, as_random
from autograd_lite.core.checks import as_float, check_size, describe
from autograd_lite.errors import ArgumentError

__all__ = ["batches", "rows_of", "split", "standardize"]


def split(X: Collection[Any], y: Collection[Any], *, held_out: float, rng: Rng = None) -> tuple[Any, Any, Any, Any]:
    """Split X and y at random into data to train and to test on: X, y, X_test, y_test.

    ``held_out`` is the share of the data to test on. Frames and series of pandas and polars are split into frames
    and series, everything else into lists. Raises ``ArgumentError`` if the lengths of X and y differ, or if a part
    is empty.

    >>> from autograd_lite.data import iris
    >>> X, y, X_test, y_test = split(*iris(), held_out=0.3, rng=0)
    >>> len(X), len(X_test)
    (105, 45)
    """
    X, y = [data if _tables.keeps_kind(data) else _listed(data, name) for data, name in ((X, "X"), (y, "y"))]
    _check_lengths(X, y)
    count = round(held_out * len(X))
    if not 0 < count < len(X):
        raise ArgumentError(f"held_out={held_out} of {len(X)} samples leaves a part empty")
    draws = as_random(rng)
    order = draws.sample(range(len(X)), len(X))
    train, test = order[count:], order[:count]
    taken = _tables.taken
    return taken(X, train), taken(y, train), taken(X, test), taken(y, test)


def standardize(X: Collection[Any], reference: Collection[Any] | None = None) -> Any:
    """X with each column shifted and scaled so that the same column of the reference gets mean 0 and deviation 1.

    The reference is X itself by default. For held-out data, give the data that the model learns
    from. A column that is constant in the reference is only shifted. A frame of pandas or polars gives
    a frame with its column names and index, everything else a list of lists. Raises ``ArgumentError`` if
    the reference has no samples, or a number is nan or infinite, or would become so, or if two frames
    have other columns or another order of them.

    >>> standardize([[1.0, 5.0], [3.0, 5.0]])
    [[-1.0, 0.0], [1.0, 0.0]]
    """
    rows = rows_of(X, "X")
    like = rows if reference is None else rows_of(reference, "reference")
    _tables.check_names(X, reference, "X", "reference")
    if not like or len(rows[0] if rows else like[0]) != len(like[0]):
        raise ArgumentError("the reference must have samples, and as many columns as X")
    columns = [_standardized([row[i] for row in rows], column) for i, column in enumerate(zip(*like, strict=True))]
    return _tables.like(X, columns)


def _standardized(column: list[float], like: tuple[float, ...]) -> list[float]:
    """A column, shifted and scaled by the mean and the deviation of another."""
    # Scaling by a power of two is exact, and keeps squares and sums from overflow and underflow.
    exponent = math.frexp(max(map(abs, like)))[1]
    first = math.ldexp(like[0], -exponent)
    differences = [math.ldexp(x, -exponent) - first for x in like]
    mean = math.fsum(differences) / len(like)
    deviation = math.sqrt(math.fsum((d - mean) ** 2 for d in differences) / len(like))
    if deviation == 0.0:
        found = [x - like[0] for x in column]
    else:
        found = [(_scaled(x, -exponent) - first - mean) / deviation for x in column]
    for x, result in zip(column, found, strict=True):
        if not math.isfinite(result):
            raise ArgumentError(f"{x} is too far from the reference, where that column is about {like[0]}")
    return found


def _scaled(x: float, exponent: int) -> float:
    try:
        return math.ldexp(x, exponent)
    except OverflowError:
        return math.copysign(math.inf, x)


def batches(
    X: Collection[Any], y: Collection[Any], size: int, *, shuffle: bool = True, rng: Rng = None, drop_last: bool = False
) -> Iterator[tuple[list[Any], list[Any]]]:
    """X and y in batches of ``size`` samples, as lists, in random order unless ``shuffle`` is False.

    The last batch may be smaller; ``drop_last`` leaves it out then. Raises ``ArgumentError`` if the
    lengths differ, or the size is not a whole number from 1 up.

    >>> list(batches([1, 2, 3], ["a", "b", "c"], 2, shuffle=False))
    [([1, 2], ['a', 'b']), ([3], ['c'])]
    """
    X, y = _matching(X, y)
    check_size(size, "size")
    order = order_of(len(X), shuffle, rng)
    stop = len(X) - size + 1 if drop_last else len(X)
    pieces = (order[start : start + size] for start in range(0, stop, size))
    return (([X[i] for i in piece], [y[i] for i in piece]) for piece in pieces)


def order_of(count: int, shuffle: bool, rng: Rng) -> list[int]:
    """The order in which :func:`batches` takes samples."""
    order = list(range(count))
    if shuffle:
        as_random(rng).shuffle(order)
    return order


def _listed(data: Any, name: str) -> list[Any]:
    data = _tables.listed(data, name)
    if not isinstance(data, (list, tuple)):
        raise TypeError(f"{name} is a list, an array or a table, got {describe(data)}")
    return list(data)


def rows_of(data: Any, name: str) -> list[list[float]]:
    """Samples as lists of finite floats, all of one length."""
    samples = [_listed(row, f"a sample of {name}") for row in _listed(data, name)]
    is_plain = _tables.are_finite(list(itertools.chain.from_iterable(samples)))
    rows = [list(map(float if is_plain else as_float, row)) for row in samples]
    for i, row in enumerate(() if is_plain else rows):
        for j, x in enumerate(row):
            if not math.isfinite(x):
                raise ArgumentError(f"{name}[{i}][{j}] is {x}; leave out such samples, or put a number there")
    if any(len(row) != len(rows[0]) for row in rows):
        raise ArgumentError(f"the samples of {name} must be of one length, got {sorted({len(row) for row in rows})}")
    return rows


def _matching(X: Any, y: Any) -> tuple[list[Any], list[Any]]:
    X, y = _listed(X, "X"), _listed(y, "y")
    _check_lengths(X, y)
    return X, y


def _check_lengths(X: Any, y: Any) -> None:
    if len(X) != len(y):
        raise ArgumentError(f"there are {len(X)} samples and {len(y)} labels; there must be one label each")

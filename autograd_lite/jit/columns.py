"""Columns: data with an item for each row, as buffers of doubles."""

import array
import itertools
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from autograd_lite import pytree
from autograd_lite.core.checks import as_float, describe
from autograd_lite.core.value import Value
from autograd_lite.errors import ArgumentError

__all__ = ["Column", "columns_of", "items_of"]


class Column(NamedTuple):
    """One argument of each row."""

    #: One-dimensional, of ``length`` times ``width`` doubles; or two-dimensional, of any strides.
    buffer: Any
    length: int
    width: int
    #: Whether it was an array, so that arrays come back.
    is_array: bool
    #: How a row is made of its numbers.
    structure: pytree.Structure

    def row(self, i: int) -> Any:
        """The argument of a row; where there is none, of one that might be."""
        if not self.length:
            return self.structure.unflatten([1.0] * self.width)
        view = memoryview(self.buffer)
        if view.ndim == 2:
            return self.structure.unflatten([view[i, j] for j in range(self.width)])
        return self.structure.unflatten(view[i * self.width : (i + 1) * self.width])


def columns_of(given: Sequence[Any]) -> list[Column]:
    """What was given, each a column. Raises ``TypeError`` or ``ArgumentError`` for what is none, or is not alike."""
    found = [_column(data, f"column {i}") for i, data in enumerate(given)]
    _check_lengths([column.length for column in found])
    return found


def items_of(given: Sequence[Any]) -> tuple[list[list[Any]], bool]:
    """The items of columns as they are, and whether arrays are among them.

    Raises ``TypeError`` or ``ArgumentError`` for what is no column, or columns of different lengths.
    """
    data = [_converted(column, f"column {i}") for i, column in enumerate(given)]
    items = [_items(column, f"column {i}") for i, column in enumerate(data)]
    _check_lengths(list(map(len, items)))
    return items, any(map(pytree.is_any_array, data))


def _items(data: Any, name: str) -> list[Any]:
    if pytree.is_any_array(data) and data.dtype.kind != "O":
        column = _of_array(data, name)
        return list(map(column.row, range(column.length)))
    items = data.tolist() if isinstance(data, memoryview) else list(data)
    for i, item in enumerate(items):
        if any(isinstance(leaf, Value) for leaf in pytree.flatten(item)[0]):
            raise _no_value(f"row {i} of {name}")
    return items


def _check_lengths(lengths: list[int]) -> None:
    if not lengths:
        raise ArgumentError("map and sum go over the rows of columns: give one at least, as in fast.map(xs)")
    if len(set(lengths)) > 1:
        raise ArgumentError(f"the columns have {' and '.join(map(str, lengths))} rows; they must have as many")


def _converted(data: Any, name: str) -> Any:
    """What was given as an array, or as what its items can be taken from."""
    if not pytree.is_any_array(data) and hasattr(type(data), "__array__") and not isinstance(data, Value):
        data = data.__array__()  # of pandas or polars, say
    if pytree.is_any_array(data):
        if not pytree.is_plain_array(data):
            raise TypeError(f"{name} is a list or a plain NumPy array of real numbers, got {_kind(data)}")
        if data.ndim == 0:
            raise TypeError(
                f"{name} is an array with an item for each row; this one has no dimension: write it as one row"
            )
        return data
    view = _doubles(data)
    if view is not None:
        return view
    if isinstance(data, (str, bytes, dict, set, frozenset, Value)) or not isinstance(data, Iterable):
        raise TypeError(f"{name} is a list with an item for each row, or an array; got {describe(data)}")
    return data


def _doubles(data: Any) -> Any:
    """A view of something else with the buffer protocol, if it holds doubles, in one or two dimensions; or None."""
    try:
        view: Any = memoryview(data)
    except TypeError:
        return None
    if view.format not in {"d", "@d", "=d", "<d" if sys.byteorder == "little" else ">d"} or view.ndim not in {1, 2}:
        return None
    if view.c_contiguous and view.format == "d":
        return view
    if not view.nbytes:
        return memoryview(array.array("d"))
    return memoryview(view.tobytes()).cast("d", view.shape)


def _kind(data: Any) -> str:
    return f"{type(data).__module__}.{type(data).__name__} of dtype {data.dtype}"


def _column(data: Any, name: str) -> Column:
    data = _converted(data, name)
    if pytree.is_any_array(data):
        return _of_array(data, name)
    if isinstance(data, memoryview) and data.format == "d":
        row = [0.0] * math.prod((data.shape or ())[1:]) if data.ndim == 2 else 0.0
        leaves, structure = pytree.flatten(row)
        return Column(data, len(data), len(leaves), False, structure)
    rows = data if isinstance(data, (list, tuple)) else list(data)
    if set(map(type, rows)) <= {float}:
        return Column(array.array("d", rows), len(rows), 1, False, _NUMBER)
    return _of_rows(rows, name)


_NUMBER = pytree.flatten(0.0)[1]


def _of_array(data: Any, name: str) -> Column:
    if data.dtype.kind == "O":
        raise TypeError(
            f"{name} is a list or an array of real numbers, got one of dtype object: convert it, x.astype(float). What "
            "is differentiated is the same for all rows: hand it in by keyword, or close over it"
        )
    doubles = data.astype("d", copy=False)
    if data.dtype.itemsize > 8 or (data.dtype.kind in "iu" and data.dtype.itemsize == 8):
        _check_exact(data, doubles, name)
    if doubles.ndim > 2:
        doubles = doubles.reshape(len(doubles), math.prod(doubles.shape[1:]))
    width = 1 if doubles.ndim == 1 else doubles.shape[1]
    if not doubles.flags.c_contiguous and doubles.ndim == 1:
        doubles = doubles.reshape(-1, 1)
    if not doubles.flags.aligned or not doubles.dtype.isnative:
        doubles = doubles.astype("=d").copy()
    structure = _NUMBER if data.ndim == 1 else pytree.flatten(data[0] if len(data) else data.sum(axis=0))[1]
    return Column(memoryview(doubles), len(doubles), width, True, structure)


def _check_exact(data: Any, doubles: Any, name: str) -> None:
    """Raise unless the doubles are the numbers of the data."""
    import numpy as np

    with np.errstate(invalid="ignore"):
        changed = (doubles.astype(data.dtype) != data) & (data == data)
    if data.dtype.kind in "iu":  # beyond the largest of them there is no way back
        changed |= doubles >= 2.0 ** (64 if data.dtype.kind == "u" else 63)
    if changed.any():
        raise ArgumentError(f"{name} holds {data[changed][0]}, which is no float; round it first: x.astype(float)")


def _of_rows(rows: Sequence[Any], name: str) -> Column:
    kind = type(rows[0])
    width = len(rows[0]) if kind in (list, tuple) else 0
    if width and set(map(type, rows)) == {kind} and set(map(len, rows)) == {width}:
        numbers = list(itertools.chain.from_iterable(rows))
        if set(map(type, numbers)) == {float}:
            return Column(array.array("d", numbers), len(rows), width, False, pytree.flatten(rows[0])[1])
    first: Any = None
    doubles = array.array("d")
    for i, row in enumerate(rows):
        try:
            leaves, structure = pytree.flatten(row)
        except TypeError as error:
            raise TypeError(f"row {i} of {name}: {error}") from None
        if i == 0:
            first = structure
        elif structure != first:
            here, there = len(leaves), len(first.paths())
            what = f"another count of numbers than row 0, {here} and not {there}"
            what = what if here != there else "another structure than row 0"
            raise ArgumentError(f"row {i} of {name} has {what}; all rows must be alike")
        doubles.extend(_floats(leaves, f"row {i} of {name}"))
    return Column(doubles, len(rows), len(first.paths()), False, first)


def _no_value(name: str) -> TypeError:
    return TypeError(
        f"{name} holds a Value, and rows are plain numbers. What is differentiated is the same for all rows: hand it "
        "in by keyword, or close over it"
    )


def _floats(leaves: list[Any], name: str) -> Iterator[float]:
    for leaf in leaves:
        if isinstance(leaf, Value):
            raise _no_value(name)
        x = as_float(leaf)
        if x != leaf and x == x:
            raise ArgumentError(f"{name} holds {describe(leaf)}, which is no float; round it first: float(x)")
        yield x

"""Columns: data with an item for each row, as buffers of doubles."""

import array
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from autograd_lite import pytree
from autograd_lite.core.checks import as_float, describe
from autograd_lite.core.value import Value
from autograd_lite.errors import ArgumentError

__all__ = ["Column", "columns_of"]


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
    if not given:
        raise ArgumentError("map and sum go over the rows of columns: give one at least, as in fast.map(xs)")
    found = [_column(data, f"column {i}") for i, data in enumerate(given)]
    lengths = [column.length for column in found]
    if len(set(lengths)) > 1:
        raise ArgumentError(f"the columns have {' and '.join(map(str, lengths))} rows; they must have as many")
    return found


def _column(data: Any, name: str) -> Column:
    if not pytree.is_any_array(data) and hasattr(type(data), "__array__") and not isinstance(data, Value):
        data = data.__array__()  # of pandas or polars, say
    if pytree.is_any_array(data):
        return _of_array(data, name)
    if isinstance(data, (str, bytes, dict, set, Value)) or not isinstance(data, Iterable):
        raise TypeError(f"{name} is a list with an item for each row, or an array; got {describe(data)}")
    if isinstance(data, array.array) and data.typecode == "d":
        return Column(data, len(data), 1, False, _NUMBER)
    rows = data if isinstance(data, (list, tuple)) else list(data)
    if set(map(type, rows)) <= {float}:
        return Column(array.array("d", rows), len(rows), 1, False, _NUMBER)
    return _of_rows(rows, name)


_NUMBER = pytree.flatten(0.0)[1]


def _of_array(data: Any, name: str) -> Column:
    if data.ndim == 0:
        raise TypeError(f"{name} is an array with an item for each row; this one has no dimension: write it as one row")
    if data.dtype.kind not in "fiub":
        raise TypeError(f"{name} is an array of real numbers, got one of dtype {data.dtype}")
    doubles = data.astype("d", copy=False)
    if data.dtype.itemsize > 8 or (data.dtype.kind in "iu" and data.dtype.itemsize == 8):
        changed = doubles.astype(data.dtype) != data
        if changed.any():
            raise ArgumentError(f"{name} holds {data[changed][0]}, which is no float; round it first: x.astype(float)")
    if doubles.ndim > 2:
        doubles = doubles.reshape(len(doubles), -1)
    width = 1 if doubles.ndim == 1 else doubles.shape[1]
    if not doubles.flags.c_contiguous and doubles.ndim == 1:
        doubles = doubles.reshape(-1, 1)
    if not doubles.flags.aligned or not doubles.dtype.isnative:
        doubles = doubles.astype("=d").copy()
    structure = _NUMBER if data.ndim == 1 else pytree.flatten(data[0] if len(data) else data.sum(axis=0))[1]
    return Column(memoryview(doubles), len(doubles), width, True, structure)


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
        leaves, structure = pytree.flatten(row)
        if i == 0:
            first = structure
        elif structure != first:
            here, there = len(leaves), len(first.paths())
            what = f"{here} numbers, and row 0 has {there}" if here != there else "another structure than row 0"
            raise ArgumentError(f"row {i} of {name} has {what}; all rows must be alike")
        doubles.extend(_floats(leaves, f"row {i} of {name}"))
    return Column(doubles, len(rows), len(first.paths()), False, first)


def _floats(leaves: list[Any], name: str) -> Iterator[float]:
    for leaf in leaves:
        if isinstance(leaf, Value):
            raise TypeError(
                f"{name} holds a Value, and rows are plain numbers. What is differentiated is the same for all rows: "
                "hand it in by keyword, or close over it"
            )
        x = as_float(leaf)
        if x != leaf and x == x:
            raise ArgumentError(f"{name} holds {describe(leaf)}, which is no float; round it first: float(x)")
        yield x

"""Tables, columns and arrays of other packages, as nested lists of plain numbers.

A table is a frame of pandas or polars, a table of pyarrow, or whatever hands out its columns by the dataframe
interchange protocol (``__dataframe__``) or by Arrow's (``__arrow_c_stream__``). A row is a sample, a column an input.
The index of a pandas frame is no data: rows count from 0, in the order in which they stand.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from autograd_lite.core.checks import as_float, describe, is_real
from autograd_lite.core.elementwise import is_array
from autograd_lite.errors import ArgumentError, MissingDependencyError

__all__ = [
    "are_finite",
    "check_names",
    "column_names",
    "keeps_kind",
    "like",
    "listed",
    "squeezed",
    "taken",
]


def listed(data: Any, name: str) -> Any:
    """A table as a list of rows, a column or an array as nested lists; everything else as it is.

    ``name`` is what errors call it. Raises ``TypeError`` or ``ArgumentError`` (a ``ValueError``) for a table of more
    than finite numbers, with row and column; ``TypeError`` for what would have to be computed or filled up first.

    >>> import numpy
    >>> listed(numpy.array([[1.0, 2.0]]), "X"), listed([1.0, 2.0], "X")
    ([[1.0, 2.0]], [1.0, 2.0])
    """
    if isinstance(data, (list, tuple)):
        # A list of arrays or of tensors; those of NumPy are known wherever lists are.
        if any(hasattr(kind, "__array__") and not kind.__module__.startswith("numpy") for kind in _types(data)):
            return [listed(item, f"{name}[{i}]") for i, item in enumerate(data)]
        return data
    _check_ready(data, name)
    data = _by_protocol(data, name)
    names = column_names(data)
    if names is not None:
        columns = [_numbers(column, title, name) for column, title in zip(_columns(data), names, strict=True)]
        return [list(row) for row in zip(*columns, strict=True)]
    if not hasattr(type(data), "__array__"):
        return data
    method = next((method for method in _LISTERS if hasattr(data, method)), None)
    array = data if method is not None else data.__array__()
    if is_array(array) and array.dtype.kind in "mM":
        raise TypeError(f"{name} holds dates or times, {array.dtype}: take numbers, such as days since the first")
    return getattr(array, method or "tolist")()


def column_names(data: Any) -> list[Any] | None:
    """The names of a table's columns; None of what is no table."""
    data = _by_protocol(data, "this")
    if data.ndim == 2 if _is_pandas(data) else _is_polars(data) and hasattr(data, "columns"):
        return list(data.columns)
    return list(data.column_names) if _is_arrow(data) else None


def squeezed(data: Any, name: str) -> Any:
    """A table of one column as that column; everything else as it is."""
    data = _by_protocol(data, name)
    if len(column_names(data) or ()) != 1:
        return data
    if _is_pandas(data):
        return data.iloc[:, 0]
    return data.get_columns()[0] if _is_polars(data) else data.columns[0]


def check_names(data: Any, other: Any, name: str, other_name: str) -> None:
    """Raise ``ArgumentError`` if two tables name their columns otherwise, or have them in another order."""
    names, others = column_names(data), column_names(other)
    if names is None or others is None or names == others:
        return
    if len(names) != len(others):
        raise ArgumentError(f"{name} has {len(names)} columns and {other_name} {len(others)}; they must be the same")
    i = next(i for i, (own, wanted) in enumerate(zip(names, others, strict=True)) if own != wanted)
    raise ArgumentError(
        f"column {i} of {name} is {names[i]!r}, and of {other_name} {others[i]!r}; they must have the same columns in "
        "the same order"
    )


def taken(data: Any, rows: list[int]) -> Any:
    """Some of the rows: of pandas and polars as a frame or a series again, of a list as a list."""
    if _is_pandas(data):
        return data.iloc[rows]
    return data[rows] if _is_polars(data) else [data[i] for i in rows]


def keeps_kind(data: Any) -> bool:
    """Whether it is of pandas or polars, whose rows are of the same kind again."""
    return (_is_pandas(data) and not hasattr(type(data), "__dask_graph__")) or _is_polars(data)


def like(data: Any, columns: Sequence[list[float]]) -> Any:
    """A table of the same kind, names and index with these columns; where it is not of pandas or polars, their rows."""
    if _is_polars(data):
        return type(data)(dict(zip(data.columns, columns, strict=True)))
    rows = [list(row) for row in zip(*columns, strict=True)]
    return type(data)(rows, index=data.index, columns=data.columns) if _is_pandas(data) else rows


def are_finite(numbers: Sequence[Any]) -> bool:
    """Whether all are plain ints and floats, and finite; found without a look at each."""
    kinds = _types(numbers)
    if kinds <= {float}:
        return all(map(math.isfinite, numbers))
    return kinds <= {float, int, bool} and all(map(_LARGEST.__ge__, map(abs, numbers)))


#: What gives an array or a series as a list: of NumPy and pandas, of polars, of pyarrow.
_LISTERS = ("tolist", "to_list", "to_pylist")
_LARGEST = math.nextafter(math.inf, 0.0)


def _types(items: Iterable[Any]) -> set[type]:
    return set(map(type, items))


def _is_pandas(data: Any) -> bool:
    """Whether it is a frame or a series of pandas, or of what has its interface."""
    return hasattr(type(data), "iloc")


def _is_polars(data: Any) -> bool:
    return hasattr(data, "__array__") and any(kind.__module__.startswith("polars.") for kind in type(data).__mro__)


def _is_arrow(data: Any) -> bool:
    return hasattr(type(data), "column_names") and hasattr(type(data), "to_pylist")


def _columns(table: Any) -> list[list[Any]]:
    if _is_pandas(table):  # by position, as names may come twice
        return [table.iloc[:, i].tolist() for i in range(table.shape[1])]
    if _is_polars(table):
        return [column.to_list() for column in table.get_columns()]
    return [column.to_pylist() for column in table.columns]


def _check_ready(data: Any, name: str) -> None:
    """Raise ``TypeError`` for what must be computed or filled up first."""
    kind = type(data)
    if hasattr(kind, "__dask_graph__"):
        raise TypeError(f"{name} is in Dask's partitions: write {name}.compute(), or hand fit a client=")
    if hasattr(kind, "toarray") and hasattr(data, "nnz"):
        raise TypeError(f"{name} is a sparse matrix, and here every number counts: write {name}.toarray()")
    if hasattr(kind, "collect") and hasattr(kind, "collect_schema"):
        raise TypeError(f"{name} is a lazy frame, which is not computed yet: write {name}.collect()")


def _by_protocol(data: Any, name: str) -> Any:
    """What is only known by a protocol of tables as a table of pyarrow; everything else as it is."""
    kind = type(data)
    is_frame = hasattr(kind, "__dataframe__")
    if hasattr(kind, "__array__") or not (is_frame or hasattr(kind, "__arrow_c_stream__")):
        return data
    try:
        import pyarrow.interchange
    except ImportError:
        raise MissingDependencyError(
            f"{name} is of the type {kind.__name__}, which pyarrow reads: pip install pyarrow; or make a list or an "
            "array of its rows"
        ) from None
    return pyarrow.interchange.from_dataframe(data) if is_frame else pyarrow.table(data)


def _numbers(column: list[Any], title: Any, name: str) -> list[Any]:
    """The column as it is, if it holds finite numbers only."""
    if are_finite(column):
        return column
    for row, x in enumerate(column):
        place = f"row {row}, column {title!r} of {name}"
        if x is None or type(x).__name__ in {"NAType", "NaTType"}:
            raise ArgumentError(f"{place} is missing ({x}); leave out such rows, or put a number there")
        if isinstance(x, str):
            raise TypeError(
                f"{place} is the text {x!r}; leave the column out, or make numbers of it: a column of 0 and 1 for each "
                "word, as pandas.get_dummies and to_dummies of polars do"
            )
        if hasattr(x, "isoformat") or hasattr(x, "total_seconds"):
            raise TypeError(f"{place} is a date or a time, {x}; take a number, such as days since the first")
        if not is_real(x):
            raise TypeError(f"{place} must be a number, got {describe(x)}")
        if not math.isfinite(as_float(x)):
            raise ArgumentError(f"{place} is {x}; leave out such rows, or put a number there")
    return column

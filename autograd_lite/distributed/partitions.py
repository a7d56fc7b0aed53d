"""The partitions of Dask's collections, and of lists of futures."""

import itertools
import math
import uuid
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from autograd_lite.core.checks import describe
from autograd_lite.distributed.packing import Call
from autograd_lite.errors import ArgumentError, MissingDependencyError

__all__ = ["OnWorker", "Partitions", "key", "partitions"]

#: What is done with a partition: a function of its columns and of the call.
OnWorker = Callable[[list[Any], Any], Any]


class Partitions(NamedTuple):
    """Columns that lie in partitions, each with some of the rows."""

    #: Columns of the same kinds without rows; None if only the workers know.
    empty: list[Any] | None
    #: A Dask array, not computed yet, with one object for each partition: what the function gives for it.
    each: Callable[[OnWorker, Call | None], Any]
    #: How many rows each partition has, nan where only the workers know; None where they know that of all.
    rows: tuple[float, ...] | None = None


def partitions(columns: Sequence[Any]) -> Partitions:
    """The partitions of columns, each a Dask array or series or frame, or a list of futures or delayed objects.

    A part that a future holds is a part of a column, or a tuple of parts of several. Raises ``TypeError`` for
    anything else, ``ArgumentError`` for columns that do not fit together, ``MissingDependencyError`` without Dask.
    """
    try:
        import dask.array as da
        from dask.utils import is_dataframe_like, is_series_like
    except ImportError:
        raise MissingDependencyError('this needs Dask: pip install "autograd_lite[distributed]"') from None
    if not columns:
        raise ArgumentError("give one column at least, such as a Dask array")
    if all(isinstance(column, da.Array) for column in columns):
        return _of_arrays(columns)
    if all(_is_collection(column) and (is_series_like(column) or is_dataframe_like(column)) for column in columns):
        return _of_frames(columns)
    if all(_is_of_futures(column) for column in columns):
        return _of_futures(columns)
    kinds = " and ".join(dict.fromkeys(describe(column) for column in columns))
    raise TypeError(
        "columns are Dask arrays, or Dask series and frames, or lists of futures, all of one kind; got "
        f"{kinds}. Data of this process become a Dask array by dask.array.from_array(x, chunks=...), a series by "
        "series.to_dask_array()"
    )


def _of_arrays(columns: Sequence[Any]) -> Partitions:
    import dask.array as da
    import numpy as np

    lengths = [column.shape[0] if column.ndim else -1 for column in columns]
    if -1 in lengths:
        raise TypeError("a column is a Dask array with an item for each row; this one has no dimension")
    known = {length for length in lengths if not math.isnan(length)}
    if len(known) > 1:
        raise ArgumentError(f"the columns have {' and '.join(map(str, lengths))} rows; they must have as many")
    rows = columns[0].chunks[0]
    aligned = []
    for column in columns:
        own = column.chunks[0]
        is_known = all(map(math.isfinite, (*rows, *own)))
        if not is_known and len(own) != len(rows):
            raise ArgumentError(
                f"the columns have {len(rows)} and {len(own)} chunks of unknown sizes, which cannot be brought "
                "together; compute_chunk_sizes() finds them"
            )
        aligned.append(column.rechunk({0: rows}) if is_known and own != rows else column)

    def each(function: OnWorker, call: Call | None) -> Any:
        # Axis 0, the rows, is common to all; each other axis of each array is one of its own.
        axes = itertools.count(1)
        pairs = [(x, (0, *itertools.islice(axes, x.ndim - 1))) for x in aligned]
        return da.blockwise(
            _item, (0,), *itertools.chain.from_iterable(pairs), function=function, call=_sent(call),
            name=key(function), dtype=object, meta=np.empty(0, object), concatenate=True, align_arrays=False,
            adjust_chunks={0: 1},
        )  # fmt: skip

    empty = [np.empty((0, *column.shape[1:]), column.dtype) for column in columns]
    return Partitions(empty, each, rows)


def _of_frames(columns: Sequence[Any]) -> Partitions:
    import dask.array as da
    import dask.dataframe as dd
    import numpy as np

    # All columns in one call, so that Dask reads a file once for all of them. Its optimiser may change how many
    # partitions there are.
    series = dd.map_partitions(_series, *columns, meta=(None, object), enforce_metadata=False).optimize()
    parts = series.to_dask_array(lengths=[1] * series.npartitions)

    def each(function: OnWorker, call: Call | None) -> Any:
        return da.blockwise(
            _item_of_tuple, (0,), parts, (0,), function=function, call=_sent(call), name=key(function), dtype=object,
            meta=np.empty(0, object),
        )  # fmt: skip

    return Partitions([column._meta for column in columns], each)


def _of_futures(columns: Sequence[Any]) -> Partitions:
    import dask
    import dask.array as da
    import numpy as np

    counts = [len(column) for column in columns]
    if len(set(counts)) > 1:
        raise ArgumentError(f"the columns have {' and '.join(map(str, counts))} parts; they must have as many")

    def each(function: OnWorker, call: Call | None) -> Any:
        run, sent = dask.delayed(_item, name=name(function), pure=False, traverse=False), _sent(call)
        items = [run(*parts, function=function, call=sent) for parts in zip(*columns, strict=True)]
        none = np.empty(0, object)
        return da.concatenate([da.from_delayed(item, (1,), object, meta=none) for item in items])

    return Partitions(None, each)


def _is_collection(thing: Any) -> bool:
    import dask

    return bool(dask.is_dask_collection(thing))


def _is_of_futures(thing: Any) -> bool:
    from dask.delayed import Delayed
    from distributed import Future

    return isinstance(thing, (list, tuple)) and bool(thing) and all(isinstance(x, (Delayed, Future)) for x in thing)


def _sent(call: Call | None) -> Any:
    """The call as a task of its own, so that it goes once to each worker, and not with each partition."""
    import dask

    return None if call is None else dask.delayed(call, traverse=False)


def name(function: Callable[..., Any]) -> str:
    """How the tasks are called, on Dask's dashboard say."""
    return f"autograd_lite.{function.__name__.strip('_')}"


def key(function: Callable[..., Any]) -> str:
    """A name for the tasks of one call."""
    return f"{name(function)}-{uuid.uuid4().hex}"


def _item(*parts: Any, function: OnWorker, call: Call | None) -> Any:
    """What the function gives for a partition, as an array of one object."""
    import numpy as np

    item = np.empty(1, object)
    item[0] = function([x for part in parts for x in (part if type(part) is tuple else (part,))], call)
    return item


def _item_of_tuple(parts: Any, *, function: OnWorker, call: Call | None) -> Any:
    return _item(*parts[0], function=function, call=call)


def _series(*parts: Any) -> Any:
    """Parts of columns as one object of a series."""
    import numpy as np
    import pandas as pd

    item = np.empty(1, object)
    item[0] = parts
    return pd.Series(item)

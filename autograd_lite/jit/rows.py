"""``map`` and ``sum`` of a compiled function, as it is called: with data of any kind, in any mode."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from autograd_lite import pytree
from autograd_lite.core import modes
from autograd_lite.core.value import Value
from autograd_lite.errors import ArgumentError, TracingError
from autograd_lite.jit.batch import Batch, added, checked_workers, stacked
from autograd_lite.jit.cache import Path
from autograd_lite.jit.columns import Column, columns_of

if TYPE_CHECKING:
    from autograd_lite.jit.compiled import Compiled

__all__ = ["mapped", "summed"]


def mapped(fast: "Compiled[..., Any]", given: Sequence[Any], shared: dict[str, Any], workers: Any) -> Any:
    """See :meth:`Compiled.map`."""
    columns = _checked(fast, given, checked_workers(workers))
    is_array = any(column.is_array for column in columns)
    if not columns[0].length and not is_array:
        return []
    if not _is_eager():
        return _by_calls(fast.f, columns, shared)
    batch, path = _batch(fast, columns, shared, workers)
    try:
        results = _results(fast, batch, path, shared, is_array)
    except TracingError:
        raise
    except Exception:  # of an operation; f may do something about it
        results = _by_calls(fast.f, columns, shared)
    if type(results) is not list or not is_array or any(map(_holds_a_graph, results)):
        return results
    return stacked(results)


def summed(fast: "Compiled[..., Any]", given: Sequence[Any], shared: dict[str, Any], workers: Any) -> Any:
    """See :meth:`Compiled.sum`."""
    columns = _checked(fast, given, checked_workers(workers))
    if not _is_eager():
        return added(_by_calls(fast.f, columns, shared))
    batch, path = _batch(fast, columns, shared, workers)
    try:
        total = batch.summed(path, None)
        if total is not None:
            path.runs += batch.count
            return total
        parts, eagerly = batch.divided(path)
        totals = [batch.summed(path, index) for path, index, _ in parts]
    except TracingError:
        raise
    except Exception:  # of an operation; f may do something about it
        return added(_by_calls(fast.f, columns, shared))
    return added([*totals, *_by_calls(fast.f, columns, shared, eagerly)])


def _checked(fast: "Compiled[..., Any]", given: Sequence[Any], workers: int) -> list[Column]:
    names = [name for name, _ in fast.named(tuple(given))]
    static = fast.static.intersection(names)
    if static:
        raise ArgumentError(f"{min(static)} is named in static_argnames, so it is no column; hand it in by keyword")
    return columns_of(given)


def _is_eager() -> bool:
    mode = modes.current()
    return not mode.anomaly and mode.interpreter.is_eager


def _batch(
    fast: "Compiled[..., Any]", columns: list[Column], shared: dict[str, Any], workers: int
) -> tuple[Batch, Path]:
    if columns[0].length:
        return fast.batch(columns, shared, workers)
    try:
        return fast.batch(columns, shared, workers)
    except (TypeError, IndexError, KeyError) as error:
        raise ArgumentError(
            "there are no rows, and so it is not known what a row is: hand in an array of shape (0, k)"
        ) from error


def _results(fast: "Compiled[..., Any]", batch: Batch, path: Path, shared: dict[str, Any], is_array: bool) -> Any:
    """What the function returns for each row, or all of it as arrays."""
    parts, eagerly = batch.divided(path)
    if modes.current().grad_enabled and any(path.recording.nodes for path, _, _ in parts):
        return _by_calls(fast, batch.columns, shared)
    if is_array and len(parts) == 1 and not eagerly:
        return batch.arrays(parts[0][0], parts[0][2])
    if len(parts) == 1 and not eagerly:
        return list(batch.results(*parts[0]))
    results: list[Any] = [None] * batch.count
    for own, index, out in parts:
        for row, result in zip(index, batch.results(own, index, out), strict=True):
            results[row] = result
    for row, result in zip(eagerly, _by_calls(fast.f, batch.columns, shared, eagerly), strict=True):
        results[row] = result
    return results


def _holds_a_graph(result: Any) -> bool:
    """Whether there is a Value in it whose gradient would be lost in an array of floats."""
    if isinstance(result, Value):
        return result.requires_grad
    level = pytree.branch(result)
    return level is not None and any(map(_holds_a_graph, level.children))


def _by_calls(
    f: Any, columns: Sequence[Column], shared: dict[str, Any], rows: Sequence[int] | None = None
) -> list[Any]:
    """The results of rows, of all of them if not said, by a call for each."""
    chosen = range(columns[0].length) if rows is None else rows
    return [f(*[column.row(row) for column in columns], **shared) for row in chosen]

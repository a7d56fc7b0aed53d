"""``map`` and ``sum`` of a compiled function, as it is called: with data of any kind, in any mode."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from autograd_lite import pytree
from autograd_lite.core import modes
from autograd_lite.core.value import Value
from autograd_lite.errors import ArgumentError, TracingError
from autograd_lite.jit.batch import Batch, added, checked_workers, stacked
from autograd_lite.jit.cache import Path
from autograd_lite.jit.columns import Column, columns_of, items_of
from autograd_lite.jit.verify import check_same

if TYPE_CHECKING:
    from autograd_lite.jit.compiled import Compiled

__all__ = ["mapped", "summed"]


def mapped(fast: "Compiled[..., Any]", given: Sequence[Any], shared: dict[str, Any], workers: Any) -> Any:
    """See :meth:`Compiled.map`."""
    _check(fast, given, checked_workers(workers))
    if not modes.current().interpreter.is_eager:
        items, is_array = items_of(given)
        results = _called(fast.f, zip(*items, strict=True), shared)
        return stacked(results) if is_array else results
    return _mapped(fast, columns_of(given), shared, workers)


def _mapped(fast: "Compiled[..., Any]", columns: list[Column], shared: dict[str, Any], workers: int) -> Any:
    is_array = any(column.is_array for column in columns)

    def plain() -> Any:
        results = _by_calls(fast.f, columns, shared)
        return stacked(results) if is_array else results

    def compiled() -> Any:
        found = _batch(fast, columns, shared, workers)
        if found is None:
            return plain()
        try:
            return _results(fast, *found, shared, is_array)
        except TracingError:
            raise
        except Exception:  # of an operation; f may do something about it
            return plain()

    if not columns[0].length and not is_array:
        return []
    if modes.current().anomaly:
        return plain() if columns[0].length else _without_anomalies(lambda: _mapped(fast, columns, shared, workers))
    return check_same(f"{fast!r}.map", plain, compiled) if fast.verify else compiled()


def summed(fast: "Compiled[..., Any]", given: Sequence[Any], shared: dict[str, Any], workers: Any) -> Any:
    """See :meth:`Compiled.sum`."""
    _check(fast, given, checked_workers(workers))
    if not modes.current().interpreter.is_eager:
        items, _ = items_of(given)
        if not items[0]:
            row = [column.row(0) for column in columns_of(given)]
            return pytree.map_leaves(_zero, fast.f(*row, **shared))
        return added(_called(fast.f, zip(*items, strict=True), shared))
    return _summed(fast, columns_of(given), shared, workers)


def _summed(fast: "Compiled[..., Any]", columns: list[Column], shared: dict[str, Any], workers: int) -> Any:
    if modes.current().anomaly:
        if not columns[0].length:
            return _without_anomalies(lambda: _summed(fast, columns, shared, workers))
        return added(_by_calls(fast.f, columns, shared))
    if fast.verify:  # row by row, as their sum is rounded otherwise
        _mapped(fast, columns, shared, workers)
    found = _batch(fast, columns, shared, workers)
    if found is None:
        return added(_by_calls(fast.f, columns, shared))
    batch, path = found
    batch.check_summable(path)
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


def _without_anomalies(function: Callable[[], Any]) -> Any:
    """What the function gives where nobody looks for nan. Without rows there is none."""
    before = modes.top.get()
    try:
        modes.enter(anomaly=False)
        return function()
    finally:
        modes.top.set(before)


def _zero(leaf: Any) -> Any:
    return Value(0.0) if isinstance(leaf, Value) else 0.0


def _check(fast: "Compiled[..., Any]", given: Sequence[Any], workers: int) -> None:
    names = [name for name, _ in fast.named(tuple(given))]
    static = fast.static.intersection(names)
    if static:
        raise ArgumentError(f"{min(static)} is named in static_argnames, so it is no column; hand it in by keyword")


def _batch(
    fast: "Compiled[..., Any]", columns: list[Column], shared: dict[str, Any], workers: int
) -> tuple[Batch, Path] | None:
    if columns[0].length:
        return fast.batch(columns, shared, workers)
    try:
        return fast.batch(columns, shared, workers)
    except TracingError:
        raise
    except Exception as error:
        raise ArgumentError(
            "there are no rows, so the function was tried at a row of ones, to see what it returns, and raised: "
            f"{error}. Hand in arrays, of shape (0, k), or do not call it without rows"
        ) from error


def _results(fast: "Compiled[..., Any]", batch: Batch, path: Path, shared: dict[str, Any], is_array: bool) -> Any:
    """What the function returns for each row, or all of it as arrays."""
    parts, eagerly = batch.divided(path)
    is_whole = len(parts) == 1 and not eagerly
    if modes.current().grad_enabled and any(path.recording.nodes for path, _, _ in parts):
        results = _by_calls(fast, batch.columns, shared)
    elif is_array and not eagerly and (arrays := batch.arrays(parts)) is not None:
        return arrays[0]
    elif is_whole:
        results = list(batch.results(*parts[0]))
    else:
        results = [None] * batch.count
        for own, index, out in parts:
            for row, result in zip(index, batch.results(own, index, out), strict=True):
                results[row] = result
        for row, result in zip(eagerly, _by_calls(fast.f, batch.columns, shared, eagerly), strict=True):
            results[row] = result
    return stacked(results) if is_array else results


def _by_calls(
    f: Callable[..., Any], columns: Sequence[Column], shared: dict[str, Any], rows: Sequence[int] | None = None
) -> list[Any]:
    """The results of rows, of all of them if not said, by a call for each."""
    chosen = range(columns[0].length) if rows is None else rows
    return _called(f, ([column.row(row) for column in columns] for row in chosen), shared)


def _called(f: Callable[..., Any], rows: Iterable[Sequence[Any]], shared: dict[str, Any]) -> list[Any]:
    return [f(*row, **shared) for row in rows]

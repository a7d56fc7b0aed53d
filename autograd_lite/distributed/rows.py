"""``map`` and ``sum`` of a compiled function over the rows of partitions."""

import array
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, NoReturn

from autograd_lite import pytree
from autograd_lite.core.blocks import no_grad
from autograd_lite.core.chain import pull_back
from autograd_lite.core.checks import describe
from autograd_lite.core.node import number
from autograd_lite.core.op import CONSTANT, Op
from autograd_lite.core.record import made
from autograd_lite.core.value import Value
from autograd_lite.distributed.packing import Call, packed
from autograd_lite.distributed.partitions import partitions
from autograd_lite.errors import ArgumentError, GraphError
from autograd_lite.jit.batch import added
from autograd_lite.jit.compiled import Compiled

__all__ = ["map", "sum"]


def sum(fast: Callable[..., Any], /, *columns: Any, **shared: Any) -> Any:
    """``fast.sum(*columns, **shared)`` over rows that lie in partitions, wherever Dask has or reads them.

    Each partition is summed where it is, by ``fast.sum``. The sums of the partitions are added here, in their order.
    So the result depends on how the rows are divided, not on the workers; between two divisions it differs by
    the rounding of these additions. Values that the function closes over, or that are given by keyword, get
    their gradients by ``backward()``. It is computed at once, by Dask's current client, or in threads without one.

    Args:
        fast: a compiled function of one row, ``jit(f)``.
        columns: Dask arrays, whose chunks along the rows are the partitions (those of the first count for all); or
            Dask series and frames; or lists of futures or delayed objects, one a partition, each with its part of a
            column or with a tuple of parts of several. A frame is one column, its rows are arrays.
        shared: arguments by keyword, the same for all rows.

    Raises what ``fast.sum`` raises; ``TypeError`` for other columns; ``ArgumentError`` for what does not pickle, for
    columns that do not fit, and if the function reads a Value that takes gradients in a module that the workers
    import; ``MissingDependencyError`` without Dask (extra ``distributed``).

    >>> import dask.array as da
    >>> from autograd_lite import jit
    >>> sum(jit(lambda x, a: a * x * x), da.arange(5.0, chunks=2), a=0.5)
    15.0
    """
    compiled, parts = _checked(fast, "sum"), partitions(columns)
    call, values = packed(compiled, shared)
    found = [part for part in parts.each(_summed, call).compute() if part is not None]
    if not found:
        if parts.empty is None:
            raise ArgumentError("there are no rows in any partition, and so it is not known what a sum is")
        return compiled.sum(*parts.empty, **shared)
    total = added([part.numbers for part in found])
    leaves, structure = pytree.flatten(total)
    for place in set().union(*(part.gradients for part in found)):
        gradients = [part.gradients[place] for part in found if part.gradients.get(place)]
        leaves[place] = _value(leaves[place], values, gradients)
    return structure.unflatten(leaves)


def map(fast: Callable[..., Any], /, *columns: Any, **shared: Any) -> Any:
    """``fast.map(*columns, **shared)`` over rows that lie in partitions, not computed yet and left where it is.

    From Dask arrays, series and frames come Dask arrays, chunked as the rows are, in the structure of a result; to
    find that, the function is recorded here for a row of ones. From lists of futures or delayed objects comes a list
    of delayed objects, each what ``fast.map`` gives for its part. All are plain numbers, as from ``predict``:
    take :func:`sum` for gradients by what is closed over. Values have the numbers that they have now.

    Arguments and errors as for :func:`sum`. Raises ``TypeError`` also if results are not numbers, and when it is
    computed ``ArgumentError`` if rows of a partition give another structure.

    >>> import dask.array as da
    >>> from autograd_lite import jit
    >>> map(jit(lambda x: {"square": x * x}), da.arange(5.0, chunks=2))["square"].compute()
    array([ 0.,  1.,  4.,  9., 16.])
    """
    compiled, parts = _checked(fast, "map"), partitions(columns)
    with no_grad():
        call, _ = packed(compiled, shared)
        items = parts.each(_mapped, call)
        if parts.empty is None:
            return [item[0] for item in items.to_delayed()]
        template = compiled.map(*parts.empty, **shared)
    rows = parts.rows or (float("nan"),) * items.numblocks[0]
    found = list(_columns(template))
    if not found or not all(pytree.is_any_array(column) for column in found):
        raise TypeError(
            "from Dask's collections come arrays of numbers, and this function returns more; hand in lists of "
            "delayed objects, x.to_delayed().tolist(), and such lists come back"
        )
    shapes = [column.shape[1:] for column in found]
    return _refilled(template, iter([_array(items, rows, place, shapes) for place in range(len(shapes))]))


def _checked(fast: Any, name: str) -> Compiled[..., Any]:
    if not isinstance(fast, Compiled):
        raise TypeError(
            f"distributed.{name} takes a compiled function, so write distributed.{name}(jit(f), ...); got "
            f"{describe(fast)}"
        )
    return fast


# -- On a worker --


class _Sum(NamedTuple):
    """The sum over a partition."""

    numbers: Any
    #: By the place of a Value in the sum: its derivatives by the Values of the call; None for a constant.
    gradients: "dict[int, array.array[float] | None]"


def _summed(columns: list[Any], call: Call) -> _Sum | None:
    """The sum of a partition; None if it has no rows."""
    if not any(len(column) for column in columns):
        return None
    with call.opened() as (fast, shared, values):
        total = fast.sum(*columns, **shared)
        leaves, structure = pytree.flatten(total)
        gradients = {i: _gradient(leaf, values, fast) for i, leaf in enumerate(leaves) if isinstance(leaf, Value)}
        return _Sum(structure.unflatten(number(leaf) for leaf in leaves), gradients)


def _gradient(total: Value, values: list[Value], fast: Any) -> "array.array[float] | None":
    if not total.requires_grad:
        return None
    adjoints = pull_back({total: 1.0})
    others = set(adjoints) - set(values)
    if others:
        name = next((value.name for value in others if value.name), "one")
        raise ArgumentError(
            f"{fast!r} reads Values ({name}) of a module that each worker imports for itself, where they are others "
            "than here. Hand them in by keyword, or close over them in a function of the program itself"
        )
    return array.array("d", [adjoints.get(value, 0.0) for value in values])


def _mapped(columns: list[Any], call: Call) -> Any:
    with call.opened() as (fast, shared, _):
        return fast.map(*columns, **shared)


def _chosen(items: Any, place: int, shapes: list[tuple[int, ...]]) -> Any:
    """One of the arrays of a partition's results."""
    found = list(_columns(items[0]))
    if [column.shape[1:] if pytree.is_any_array(column) else None for column in found] != shapes:
        raise ArgumentError(
            "rows of this partition give another structure than a row of ones does; hand in lists of delayed objects, "
            "x.to_delayed().tolist(), and such lists come back"
        )
    return found[place]


# -- Here --


def _value(data: float, values: list[Value], gradients: list[Any]) -> Value:
    """The sum as a Value, from what the partitions contribute to its derivatives."""
    if not gradients:
        return made(Value, data, CONSTANT)
    import numpy as np

    total = np.frombuffer(gradients[0]).copy()
    for gradient in gradients[1:]:
        total += np.frombuffer(gradient)
    return made(Value, data, _SUM, tuple(values), tuple(total.tolist()))


def _refuse(*numbers: Any) -> NoReturn:
    raise GraphError(
        "a sum over partitions knows its first derivatives only. For more compute them on the workers: "
        "distributed.sum(jit(hessian(f, argnames='w')), x, w=w)"
    )


#: The operation of such a Value. Its partials come from the workers.
_SUM = Op("distributed.sum", lambda *numbers: _refuse(), lambda ans, *values: _refuse(), symbol="sum")


def _array(items: Any, rows: tuple[float, ...], place: int, shapes: list[tuple[int, ...]]) -> Any:
    import dask.array as da
    import numpy as np

    shape = shapes[place]
    return da.map_blocks(
        _chosen, items, place=place, shapes=shapes, dtype=float, chunks=(rows, *((size,) for size in shape)),
        new_axis=list(range(1, 1 + len(shape))) or None, meta=np.empty((0,) * (1 + len(shape))),
    )  # fmt: skip


def _columns(results: Any) -> Iterator[Any]:
    """The arrays of a structure, in order, and what else there is in their place."""
    level = None if pytree.is_any_array(results) else pytree.branch(results)
    if level is None:
        yield results
        return
    for child in level.children:
        yield from _columns(child)


def _refilled(template: Any, arrays: Iterator[Any]) -> Any:
    if pytree.is_any_array(template):
        return next(arrays)
    level = pytree.branch(template)
    assert level is not None  # it has been looked through
    return level.rebuild([_refilled(child, arrays) for child in level.children])

"""Which results depend on which inputs, and Jacobians of those entries alone.

What was recorded knows what depends on what, so no colouring is needed (Curtis, Powell and Reid 1974). Forward, a
number carries the derivatives by those inputs that lead to it, which are no more than there are colours. Backward,
a result goes through those operations that lead to it.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from autograd_lite.core import graph
from autograd_lite.core.value import Value
from autograd_lite.transforms.inputs import Inputs

__all__ = ["Coo", "sparse_jacobian", "structure"]


class Coo(NamedTuple):
    """A sparse matrix as its entries: ``scipy.sparse.coo_matrix(*J)`` is one of SciPy's.

    Row by row, and by column in each; no place is there twice. To differentiate it again, take ``J.data``.
    """

    #: The numbers, and the row and the column of each: ``(data, (row, col))``.
    entries: tuple[list[Any], tuple[list[int], list[int]]]
    #: How many rows and columns there are.
    shape: tuple[int, int]

    @property
    def data(self) -> list[Any]:
        """The numbers."""
        return self.entries[0]

    @property
    def row(self) -> list[int]:
        """The row of each number: the position of a result, in the order in which :func:`pytree.flatten` has them."""
        return self.entries[1][0]

    @property
    def col(self) -> list[int]:
        """The column of each number: the position among the numbers of the arguments, likewise."""
        return self.entries[1][1]


def structure(inputs: Inputs, results: Sequence[Any]) -> Coo:
    """The entries that need not be 0, each as 1.0."""
    columns, _ = _columns(inputs, results)
    return _coo([1.0] * sum(map(len, columns)), columns, inputs)


def sparse_jacobian(inputs: Inputs, results: Sequence[Any]) -> Coo:
    """The entries that need not be 0."""
    columns, is_forward = _columns(inputs, results)
    rows = (inputs.rows_forward if is_forward else inputs.rows_backward)(results) or ()
    numbers = [row.get(column, 0.0) for row, those in zip(rows, columns, strict=True) for column in those]
    return _coo(inputs.derivatives(numbers), columns, inputs)


def _coo(data: list[Any], columns: list[list[int]], inputs: Inputs) -> Coo:
    row = [i for i, those in enumerate(columns) for _ in those]
    col = [column for those in columns for column in those]
    return Coo((data, (row, col)), (len(columns), len(inputs.nodes)))


def _columns(inputs: Inputs, results: Sequence[Any]) -> tuple[list[list[int]], bool]:
    """The inputs that each result depends on, and whether it takes less to go forward."""
    roots = [result for result in results if isinstance(result, Value)]
    order = graph.operations(*roots, stop=inputs.nodes)
    places = {node: i for i, node in enumerate(inputs.nodes)}
    ways = [(_reached_forward, True), (_reached_backward, False)]
    if any(node._primitive.push for node in order):  # the call of a compiled function goes forward row by row
        del ways[0]
    allowed = 8 * (len(order) + len(places) + len(roots))
    while True:  # in turns, so that a long way is left early for a short one
        for reached, is_forward in ways:
            found = reached(order, roots, places, allowed)
            if found is not None:
                of_roots = iter(found)
                return [sorted(next(of_roots)) if isinstance(r, Value) else [] for r in results], is_forward
        allowed *= 4


def _reached_forward(
    order: list[Value], roots: list[Value], places: dict[Value, int], allowed: int
) -> list[set[int]] | None:
    """The inputs that lead to each root, by way of those that lead to each operation; None if there are too many."""
    columns = {node: {place} for node, place in places.items()}
    for node in order:
        found = [columns[o] for o in node.operands if o.__class__ is not float and o in columns]
        if found:
            columns[node] = found[0] if len(found) == 1 else found[0].union(*found[1:])
            allowed -= len(columns[node])
            if allowed < 0:
                return None
    return [columns.get(root, set()) for root in roots]


def _reached_backward(
    order: list[Value], roots: list[Value], places: dict[Value, int], allowed: int
) -> list[set[int]] | None:
    """The same by way of all operations that lead to a root, for each anew."""
    stop = {node for node in places if not node.is_leaf}
    columns = []
    for root in roots:
        on_the_way = graph.operations(root, stop=stop)
        allowed -= 1 + len(on_the_way)
        if allowed < 0:
            return None
        reached = [root, *(o for node in on_the_way for o in node.operands if o.__class__ is not float)]
        columns.append({places[node] for node in reached if node in places})
    return columns

"""The paths from one node to another: how many there are, what they add up to, and the largest of them.

The derivative of y by x is a sum over the paths from x to y; each path carries the product of the local derivatives
along it. There can be more paths than atoms, so they are never listed: what all of them come to is computed node by
node, as the chain rule does it, and the largest are found by following at each node the edge that leads on best.

Products and sums are decimal numbers of 34 digits, whose exponents are as good as unbounded: no product overflows or
underflows on the way, and what is left when large paths cancel is still right.
"""

import functools
import heapq
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from typing import Any, NamedTuple

from autograd_lite.core import graph
from autograd_lite.core.value import Value
from autograd_lite.drawing.written_out import is_bundle

__all__ = ["Edge", "Edges", "Found", "Sum", "Web", "between", "largest", "numbers", "summed"]

#: How sums and products of paths are computed.
numbers = Context(prec=34, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
_ONE = Decimal(1)


class Edge(NamedTuple):
    """The way from the result of an operation to one of its operands."""

    operand: Value
    #: The derivative of the result by it.
    partial: float
    #: Which operand it is, as ``x * x`` has two edges; of a result of several, which operand of the whole call.
    position: int


#: The edges of each node that depends on x, nodes after their operands.
Edges = dict[Value, list[Edge]]


class Web(NamedTuple):
    """All that lies between x and y."""

    edges: Edges
    #: The edges that carry something.
    live: Edges
    #: Those that carry nothing, each with its node.
    dead: list[tuple[Value, Edge]]


def between(y: Value, x: Value) -> Web:
    """The edges on the paths from x to y.

    As in the chain rule 0 is a strong zero: nothing goes along an edge whose partial is exactly 0, and an adjoint of
    exactly 0 makes 0 of inf and nan.
    """
    edges: Edges = {}
    bundles = set()
    for node in graph.operations(y, stop=[x]):
        if not any(o is x or o in edges or o in bundles for o in node.operands if o.__class__ is not float):
            continue
        if not node._primitive.pull:
            operands: Sequence[Any] = node.operands
            pairs = enumerate(zip(operands, node.partials, strict=True))
            some = [Edge(o, p, i) for i, (o, p) in pairs if o.__class__ is not float]
        elif is_bundle(node):
            bundles.add(node)
            continue
        else:
            some = list(_pulled(node, 1.0))
        known = [edge for edge in some if edge.operand is x or edge.operand in edges]
        if known:
            edges[node] = known
    without = [(node, edge) for node, some in edges.items() for edge in some if edge.partial == 0.0]
    if not all(math.isfinite(edge.partial) for some in edges.values() for edge in some):
        without += _stopped_by_adjoints(y, edges)
    if not without:
        return Web(edges, edges, without)
    dead = {(node, edge.position) for node, edge in without}
    live = {node: [edge for edge in some if (node, edge.position) not in dead] for node, some in edges.items()}
    return Web(edges, live, without)


def _pulled(node: Value, adjoint: Any) -> Iterator[Edge]:
    """The edges of an operation that may have no partials: what it makes of an adjoint of 1.

    The edges of one result of several lead past the bundle to what the call was applied to.
    """
    partials = node._primitive.pull(node, adjoint, False)
    for i, (operand, partial) in enumerate(zip(node.operands, partials, strict=True)):
        if isinstance(operand, Value) and partial is not None:
            if isinstance(partial, float):
                yield Edge(operand, partial, i)
            else:
                yield from _pulled(operand, partial)


def _stopped_by_adjoints(y: Value, edges: Edges) -> Iterator[tuple[Value, Edge]]:
    """The edges whose partial is infinite or nan where the adjoint is exactly 0, as paths have cancelled."""
    adjoints = {y: 1.0}
    for node in reversed(edges):
        if node not in adjoints:
            continue
        adjoint = adjoints.pop(node)
        for edge in edges[node]:
            if adjoint == 0.0 and not math.isfinite(edge.partial):
                yield node, edge
            elif edge.partial != 0.0:
                adjoints[edge.operand] = adjoints.get(edge.operand, 0.0) + adjoint * edge.partial


class Sum(NamedTuple):
    """What several paths come to."""

    paths: int = 0
    #: Of their products, and of the sizes of these.
    total: Decimal = Decimal(0)
    size: Decimal = Decimal(0)

    def plus(self, before: "Sum", partial: float) -> "Sum":
        """These paths, and others that go on along an edge."""
        factor = Decimal(partial) if partial != 1.0 else _ONE
        return Sum(self.paths + before.paths, self.total + before.total * factor, self.size + before.size * abs(factor))


def summed(y: Value, x: Value, edges: Edges, which: Callable[[float], object] = lambda partial: True) -> Sum:
    """What all paths from x to y come to, along the edges whose partial is as asked."""
    arriving = {y: Sum(1, _ONE, _ONE)}
    with localcontext(numbers):
        for node in reversed(edges):
            if node not in arriving:
                continue
            before = arriving.pop(node)
            for operand, partial, _ in edges[node]:
                if which(partial):
                    arriving[operand] = arriving.get(operand, _NOTHING).plus(before, partial)
        return arriving.get(x, _NOTHING)


_NOTHING = Sum()


class _Size(NamedTuple):
    """How large a product is: by how many of its factors are nan, then how many infinite, then by the others."""

    nans: int
    infs: int
    rest: Decimal

    def times(self, other: "_Size") -> "_Size":
        return _Size(self.nans + other.nans, self.infs + other.infs, self.rest * other.rest)

    def over(self, other: "_Size") -> "_Size":
        return _Size(self.nans - other.nans, self.infs - other.infs, self.rest / other.rest)


_UNIT = _Size(0, 0, _ONE)


def _along(partial: float, size: _Size) -> _Size:
    """A size times that of a partial."""
    if partial in {1.0, -1.0}:
        return size
    if math.isfinite(partial):
        return _Size(size.nans, size.infs, size.rest * Decimal(abs(partial)))
    return (
        _Size(size.nans + 1, size.infs, size.rest) if partial != partial else _Size(size.nans, size.infs + 1, size.rest)
    )


class Found(NamedTuple):
    """A path from y down to x: the nodes but x, and the edges that they are left by."""

    nodes: list[Value]
    edges: list[Edge]
    product: Decimal


def largest(y: Value, x: Value, edges: Edges, top: int) -> list[Found]:
    """The paths with the largest products, largest first; nan and inf before all others.

    Best first, with a bound that is exact: what the best way from a node to x makes of it. Along that way the bound
    stays the same to the last digit, so each path costs its length, and no more are begun than are asked for.
    """
    if top == 0:
        return []
    if y is x:
        return [Found([], [], _ONE)]
    with localcontext(numbers):
        ranked = _ranked(x, edges)
        if y not in ranked:
            return []
        ways = itertools.islice(_best_first(y, x, ranked, top), top)
        found = [_measured(*_written_out(y, x, ranked, turns)) for turns in ways]
    found.sort(key=lambda one: one[0], reverse=True)
    return [one for _, one in found]


def _measured(nodes: list[Value], edges: list[Edge]) -> tuple[_Size, Found]:
    """A path, and how large its product is."""
    product = _ONE
    for edge in edges:
        if edge.partial != 1.0:
            product *= Decimal(edge.partial)
    size = _Size(0, 0, abs(product))
    if not product.is_finite():
        size = functools.reduce(lambda so_far, edge: _along(edge.partial, so_far), edges, _UNIT)
    return size, Found(nodes, edges, product)


#: The edges of each node, the best first, each with its bound as part of that of the first.
_Ranked = dict[Value, list[tuple[_Size, Edge]]]
#: Where a path takes another edge than the best, and which: the last such node, after those before it.
_Turns = tuple[Any, Value, int] | None


def _ranked(x: Value, edges: Edges) -> _Ranked:
    best, ranked = {x: _UNIT}, {}
    for node, some in edges.items():
        ways = [(_along(edge.partial, best[edge.operand]), edge) for edge in some if edge.operand in best]
        if ways:
            ways.sort(key=lambda way: way[0], reverse=True)
            best[node] = first = ways[0][0]
            ranked[node] = [(_UNIT if bound is first else bound.over(first), edge) for bound, edge in ways]
    return ranked


def _best_first(y: Value, x: Value, ranked: _Ranked, top: int) -> Iterator[_Turns]:
    """The largest paths. What is put off stands for the paths that begin alike and go on by the i-th edge or after."""
    waiting: list[Any] = []
    serial = itertools.count()
    #: The bounds of all that was put off; at least one path comes up to each.
    promised: list[_Size] = []

    def put_off(so_far: _Size, turns: _Turns, node: Value, i: int) -> None:
        if i == len(ranked[node]):
            return
        bound = so_far.times(ranked[node][i][0])
        if len(promised) < top or bound > promised[0]:
            (heapq.heappush if len(promised) < top else heapq.heapreplace)(promised, bound)
            order = (-bound.nans, -bound.infs, -bound.rest, next(serial))
            heapq.heappush(waiting, (order, so_far, turns, node, i))

    put_off(_UNIT, None, y, 0)
    while waiting:
        _, so_far, turns, node, i = heapq.heappop(waiting)
        put_off(so_far, turns, node, i + 1)
        share, edge = ranked[node][i]
        bound = so_far.times(share)
        turns, node = (turns, node, i), edge.operand
        #: What an edge must be to be among the largest.
        least = promised[0].over(bound) if len(promised) == top else None
        while node is not x:
            ways = ranked[node]
            if len(ways) > 1 and (least is None or ways[1][0] > least):
                put_off(bound, turns, node, 1)
                least = promised[0].over(bound) if len(promised) == top else None
            node = ways[0][1].operand
        yield turns


def _written_out(y: Value, x: Value, ranked: _Ranked, turns: _Turns) -> tuple[list[Value], list[Edge]]:
    """The nodes and edges of a path."""
    at = {}
    while turns is not None:
        turns, node, i = turns
        at[node] = i
    nodes, edges, node = [], [], y
    while node is not x:
        edge = ranked[node][at.get(node, 0)][1]
        nodes.append(node)
        edges.append(edge)
        node = edge.operand
    return nodes, edges

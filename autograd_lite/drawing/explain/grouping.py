"""Paths that lead through the same places, added up: 32 samples take one route through the same neurons.

A place is a name, a module, or an operation, and several of one kind in a row are one place. From y down, all paths
that begin alike go together: a beginning is the nodes where they are, each with what the paths to there come to.
"""

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal, localcontext
from typing import NamedTuple

from autograd_lite.core.value import Value
from autograd_lite.drawing.explain.paths import Edges, Sum, numbers
from autograd_lite.errors import ArgumentError

__all__ = ["Grouped", "routes"]

#: So many beginnings are followed.
_MOST = 20_000

#: Where the paths that begin alike are, and what they come to.
_Front = dict[Value, Sum]


class Grouped(NamedTuple):
    """All paths of one route."""

    #: From x to y, x itself left out.
    places: tuple[str, ...]
    sum: Sum


def routes(y: Value, x: Value, edges: Edges, place: Callable[[Value], str], top: int) -> list[Grouped]:
    """The routes with the largest sizes, largest first.

    Best first: the size of all paths that begin alike is known, and no route among them has a larger one.

    Raises ``ArgumentError`` if there are so many routes of about the same size that the largest are not found soon.
    """
    with localcontext(numbers):
        return list(itertools.islice(_Search(x, edges, place).best_first(y), top))


class _Search:
    def __init__(self, x: Value, edges: Edges, place: Callable[[Value], str]) -> None:
        self.x, self.edges, self.place = x, edges, place
        self.nodes = list(edges)
        self.order = {node: i for i, node in enumerate(self.nodes)}
        #: By node, the sizes of all paths from x to it, added up.
        self.below = {x: Decimal(1)}
        for node, some in edges.items():
            found = [self.below[o] * Decimal(abs(partial)) for o, partial, _ in some if o in self.below]
            if found:
                self.below[node] = sum(found, Decimal(0))

    def best_first(self, y: Value) -> Iterator[Grouped]:
        waiting: list[tuple[Decimal, int, tuple[str, ...], _Front]] = []
        if y in self.below:
            waiting.append((Decimal(0), 0, (), {y: Sum(1, Decimal(1), Decimal(1))}))
        serial = itertools.count(1)
        while waiting:
            _, number, places, front = heapq.heappop(waiting)
            if self.x in front:
                yield Grouped(places, front[self.x])
                continue
            if number > _MOST:
                raise ArgumentError(
                    "too many routes lead from x to y for the largest to be found; by='path' shows the largest paths, "
                    "however many there are"
                )
            here = self.place(next(iter(front)))
            for following in self._left(here, front):
                size = sum((some.size * self.below[node] for node, some in following.items()), Decimal(0))
                bound = Decimal("-inf") if size.is_nan() else -size
                heapq.heappush(waiting, (bound, next(serial), (here, *places), following))

    def _left(self, here: str, front: _Front) -> Iterable[_Front]:
        """Where the paths are after they have left a place, by the next place; each node after those above it."""
        inside = dict(front)
        after: dict[str | None, _Front] = {}
        to_do = [-self.order[node] for node in inside]
        heapq.heapify(to_do)
        while to_do:
            node = self.nodes[-heapq.heappop(to_do)]
            for operand, partial, _ in self.edges[node]:
                if operand not in self.below:
                    continue
                label = None if operand is self.x else self.place(operand)
                to = inside if label == here else after.setdefault(label, {})
                if label == here and operand not in to:
                    heapq.heappush(to_do, -self.order[operand])
                to[operand] = to.get(operand, Sum()).plus(inside[node], partial)
        return after.values()

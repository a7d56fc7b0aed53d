"""A graph whose nodes are put together in parts, and how to make it small and free of cycles."""

import functools
import heapq
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from autograd_lite.drawing.sketch import Sketch

__all__ = ["Part", "Quotient", "cut_in_runs", "without_cycles"]


class Part(NamedTuple):
    """What a box may stand for."""

    #: "alike": nodes that are alike, or one alone; "module": all of a module; "run": nodes one after the other.
    form: str
    #: The first node that is alike, the level of the module, or the position of the run.
    number: int
    #: How often a module has been left and entered again before.
    wave: int = 0


class Quotient:
    """Parts of a graph, each with its nodes, and the edges between them."""

    def __init__(self, sketch: Sketch, keys: Sequence[int], forms: dict[int, Part]) -> None:
        """Nodes with one key are in one part: that of ``forms``, or else that of what is alike to the node ``key``."""
        self.sketch, self._forms = sketch, forms
        numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
        #: The part of each node; parts are counted in the order of their first nodes.
        self.of = [numbers[key] for key in keys]
        self._keys = list(numbers)

    def __len__(self) -> int:
        return len(self._keys)

    def part(self, number: int) -> Part:
        """What a part is."""
        key = self._keys[number]
        return self._forms.get(key) or Part("alike", key)

    @functools.cached_property
    def parts(self) -> list[Part]:
        """All parts, in the order of their first nodes."""
        return list(map(self.part, range(len(self))))

    @functools.cached_property
    def members(self) -> list[list[int]]:
        """The nodes of each part."""
        found: list[list[int]] = [[] for _ in self._keys]
        for i, part in enumerate(self.of):
            found[part].append(i)
        return found

    def is_computed(self, number: int) -> bool:
        """Whether anything leads to a part."""
        part = self.part(number)
        return part.form != "alike" or bool(self.sketch.operands[part.number])

    def joined(self, runs: dict[int, int]) -> "Quotient":
        """The same with parts in runs, whose keys are given."""
        shift = 1 + max(self._keys)
        keys = [shift + runs[part] if part in runs else key for part, key in enumerate(self._keys)]
        forms = self._forms | {shift + run: Part("run", run) for run in set(runs.values())}
        return Quotient(self.sketch, [keys[part] for part in self.of], forms)

    @functools.cached_property
    def edges(self) -> dict[tuple[int, int], int]:
        """The edges between parts, from where to where, and how many of the graph's each stands for."""
        of, count = self.of, len(self)
        found: dict[int, int] = {}
        for i, row in enumerate(self.sketch.operands):
            head = of[i]
            for o in row:
                if o >= 0 and (tail := of[o]) != head:
                    edge = tail * count + head
                    found[edge] = found.get(edge, 0) + 1
        return {divmod(edge, count): many for edge, many in found.items()}

    @functools.cached_property
    def order(self) -> Sequence[int] | None:
        """The parts, each after those that lead to it; None if there is a cycle."""
        if not self._forms:  # nodes that are alike have operands that are, and so come after them
            return range(len(self))
        order = _sorted(len(self), list(self.edges))
        return order if len(order) == len(self) else None


def _sorted(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """The numbers below a count in topological order, small ones early; without those on a cycle or behind one."""
    waiting = [0] * count
    after: list[list[int]] = [[] for _ in range(count)]
    for tail, head in edges:
        waiting[head] += 1
        after[tail].append(head)
    ready = [part for part in range(count) if not waiting[part]]  # a heap, as it is sorted
    order: list[int] = []
    while ready:
        part = heapq.heappop(ready)
        order.append(part)
        for head in after[part]:
            waiting[head] -= 1
            if not waiting[head]:
                heapq.heappush(ready, head)
    return order


def without_cycles(quotient: Quotient) -> Quotient:
    """The same with parts divided where a path leaves them and comes back, so that no cycle is left.

    Among the parts on cycles each node has a wave: how many borders between parts a path to it crosses at most. A part
    is divided by that. An edge within a part never leads to a smaller wave, and one between parts always to a greater.
    """
    if quotient.order is not None:
        return quotient
    count, edges = len(quotient), list(quotient.edges)
    on_cycles = set(range(count)) - set(_sorted(count, edges))
    on_cycles -= set(_sorted(count, [(head, tail) for tail, head in edges]))
    waves = _waves(quotient, on_cycles)
    keys, forms = [], {}
    numbers: dict[tuple[int, int], int] = {}
    for i, part in enumerate(quotient.of):
        key = numbers.setdefault((part, waves[i]), len(numbers))
        keys.append(key)
        forms[key] = quotient.parts[part]._replace(wave=waves[i])
    return Quotient(quotient.sketch, keys, forms)


def _waves(quotient: Quotient, cyclic: set[int]) -> list[int]:
    """The wave of each node. A leaf that its own part alone uses has that of its first use."""
    of, operands = quotient.of, quotient.sketch.operands
    waves = [0] * len(of)
    first: dict[int, int] = {}
    for i, row in enumerate(operands):
        if of[i] in cyclic:
            inner = [o for o in row if o >= 0 and of[o] in cyclic]
            waves[i] = max([waves[o] + (of[o] != of[i]) for o in inner], default=0)
            for o in inner:
                if not operands[o]:
                    first[o] = min(first.get(o, waves[i]), waves[i]) if of[o] == of[i] else 0
    for leaf, wave in first.items():
        waves[leaf] = wave
    return waves


def cut_in_runs(quotient: Quotient, count: int, kept: set[int]) -> Quotient:
    """The same with all parts but those in ``kept`` put together in so many runs, or a few more, along the order.

    Where a part that is kept has operands, a new run begins before and after it, so that no cycle comes of it.
    """
    assert quotient.order is not None
    sizes = Counter(quotient.of)
    cutting = {part for part in kept if quotient.is_computed(part)}
    length = -(-(len(quotient.of) - sum(sizes[part] for part in kept)) // count)
    run = filled = 0
    runs: dict[int, int] = {}
    for part in quotient.order:
        if part in cutting:
            run, filled = run + 1, 0
        elif part not in kept:
            if filled and filled + sizes[part] > length:
                run, filled = run + 1, 0
            runs[part] = run
            filled += sizes[part]
    lengths = Counter(runs.values())
    return quotient.joined({part: run for part, run in runs.items() if lengths[run] > 1})

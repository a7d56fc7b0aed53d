"""A graph whose nodes are put together in parts, and how to make it small and free of cycles."""

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
    #: The class, the level, or the position of the run.
    number: int
    #: Where a module is left and entered again, how often that has been so.
    wave: int = 0


class Quotient:
    """Parts of a graph, each with its nodes, and the edges between them with how many of the graph's each is."""

    def __init__(self, sketch: Sketch, parts: Sequence[Part]) -> None:
        self.sketch, self.parts = sketch, parts
        self.members: dict[Part, list[int]] = {}
        for i, part in enumerate(parts):
            known = self.members.get(part)
            if known is None:
                self.members[part] = [i]
            else:
                known.append(i)
        numbers = {part: number for number, part in enumerate(self.members)}
        count = len(numbers)
        of = [numbers[part] for part in parts]
        edges: dict[int, int] = {}
        for i, row in enumerate(sketch.operands):
            head = of[i]
            for o in row:
                if o >= 0 and (tail := of[o]) != head:
                    edge = tail * count + head
                    edges[edge] = edges.get(edge, 0) + 1
        names = list(numbers)
        self.edges = {(names[edge // count], names[edge % count]): many for edge, many in edges.items()}

    def order(self) -> list[Part] | None:
        """The parts, each after those that lead to it, else as their first nodes; None if there is a cycle."""
        places = {part: nodes[0] for part, nodes in self.members.items()}
        waiting = dict.fromkeys(self.members, 0)
        after: dict[Part, list[Part]] = {}
        for tail, head in self.edges:
            waiting[head] += 1
            after.setdefault(tail, []).append(head)
        ready = [(places[part], part) for part, count in waiting.items() if not count]
        heapq.heapify(ready)
        order: list[Part] = []
        while ready:
            _, part = heapq.heappop(ready)
            order.append(part)
            for head in after.get(part, ()):
                waiting[head] -= 1
                if not waiting[head]:
                    heapq.heappush(ready, (places[head], head))
        return order if len(order) == len(waiting) else None

    def on_cycles(self) -> set[Part]:
        """The parts on cycles, and between them."""
        left = set(self.members)
        for forward in (True, False):
            waiting = dict.fromkeys(left, 0)
            after: dict[Part, list[Part]] = {}
            for edge in self.edges:
                tail, head = edge if forward else edge[::-1]
                if tail in left and head in left:
                    waiting[head] += 1
                    after.setdefault(tail, []).append(head)
            ready = [part for part, count in waiting.items() if not count]
            while ready:
                part = ready.pop()
                left.discard(part)
                for head in after.get(part, ()):
                    waiting[head] -= 1
                    if not waiting[head]:
                        ready.append(head)
        return left


def without_cycles(quotient: Quotient) -> Quotient:
    """The same with parts divided where a path leaves them and comes back, so that no cycle is left.

    Among the parts on cycles each node has a wave: how many borders between parts a path to it crosses at most. A part
    is divided by that. An edge within a part never leads to a smaller wave, and one between parts always to a greater.
    """
    if quotient.order() is not None:
        return quotient
    cyclic = quotient.on_cycles()
    sketch, parts = quotient.sketch, quotient.parts
    waves = [0] * len(parts)
    first: dict[int, int] = {}  # of a leaf that its own part alone uses, the least wave of its uses
    for i, row in enumerate(sketch.operands):
        part = parts[i]
        if part in cyclic:
            inner = [o for o in row if o >= 0 and parts[o] in cyclic]
            waves[i] = max([waves[o] + (parts[o] != part) for o in inner], default=0)
            for o in inner:
                if not sketch.operands[o]:
                    first[o] = min(first.get(o, waves[i]), waves[i]) if parts[o] == part else 0
    for leaf, wave in first.items():
        waves[leaf] = wave
    divided = [part._replace(wave=wave) if part in cyclic else part for part, wave in zip(parts, waves, strict=True)]
    return Quotient(sketch, divided)


def cut_in_runs(quotient: Quotient, order: Sequence[Part], count: int, kept: set[Part]) -> Quotient:
    """The same with all parts but those in ``kept`` put together in so many runs, or a few more, along an order.

    Before and after a part that is kept begins a new run, if it has operands: so no cycle comes of it.
    """
    heads = {head for _, head in quotient.edges}
    length = -(-sum(len(quotient.members[part]) for part in order if part not in kept) // count)
    runs: dict[Part, Part] = {}
    run, filled = Part("run", 0), 0
    for part in order:
        if part in kept:
            if part in heads:
                run, filled = Part("run", run.number + 1), 0
            continue
        size = len(quotient.members[part])
        if filled and filled + size > length:
            run, filled = Part("run", run.number + 1), 0
        runs[part] = run
        filled += size
    counts = Counter(runs.values())
    runs = {part: run for part, run in runs.items() if counts[run] > 1}  # what is alone stays what it is
    return Quotient(quotient.sketch, [runs.get(part, part) for part in quotient.parts])

"""Nodes that are alike: the same operation on operands that are alike, as in the samples of a loss."""

from typing import Any

from autograd_lite.drawing.sketch import Sketch

__all__ = ["alike"]


def alike(sketch: Sketch) -> list[int]:
    """The class of each node, by its first member. Two nodes of a class differ in their numbers alone.

    Constants are alike, and inputs without names; a parameter is like no other. Linear in the size of the graph.
    """
    found = _classes(sketch, shared=set())
    shared = _shared(sketch, found) if len(set(found)) < len(found) else set()
    return _classes(sketch, shared) if shared else found


def _classes(sketch: Sketch, shared: set[int]) -> list[int]:
    found: list[int] = []
    first: dict[Any, int] = {}
    roots, names, levels, kinds = sketch.roots, sketch.names, sketch.level, sketch.kinds
    for i, row in enumerate(sketch.operands):
        kind, name = kinds[i], names[i]
        if kind == "parameter" or i in shared:
            found.append(i)
            continue
        key: Any = (sketch.drawn[i].op, levels[i], *[-1 if o < 0 else found[o] for o in row])
        if kind != "value" or name is not None or i in roots:
            key = (key, kind, name, i in roots)
        found.append(first.setdefault(key, i))
    return found


def _shared(sketch: Sketch, classes: list[int]) -> set[int]:
    """The leaves that alike nodes have in common, such as the weight of all samples: these are like no other."""
    members = [0] * len(classes)
    for number in classes:
        members[number] += 1
    uses: set[tuple[int, int, int]] = set()
    shared: set[int] = set()
    for i, row in enumerate(sketch.operands):
        if members[classes[i]] > 1:
            for j, o in enumerate(row):
                if o >= 0 and members[classes[o]] > 1 and not sketch.operands[o]:
                    use = (o, j, classes[i])
                    if use in uses:
                        shared.add(o)
                    uses.add(use)
    return shared

"""Which nodes of a graph share a box, so that the picture of it fits: the samples, the modules, or runs of nodes."""

import difflib
import fnmatch
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from autograd_lite.core.checks import describe
from autograd_lite.drawing.boxes import whole
from autograd_lite.drawing.folding.alike import alike
from autograd_lite.drawing.folding.quotient import Part, Quotient, cut_in_runs, without_cycles
from autograd_lite.drawing.folding.summaries import MOST_CONSTANTS, Summary
from autograd_lite.drawing.labels import counted
from autograd_lite.drawing.modules import OUTSIDE, Levels
from autograd_lite.drawing.scene import Arrow, Box
from autograd_lite.drawing.sketch import Sketch
from autograd_lite.errors import ArgumentError

__all__ = ["Folded", "folded"]

#: So many arrows there may be for each box that there may be. Graphviz's effort grows with them.
_ARROWS = 3


class Folded(NamedTuple):
    """A picture of a graph, and what was folded for it."""

    boxes: Sequence[Box]
    arrows: Sequence[Arrow]
    #: What was folded because it would not have fitted; "" if nothing was.
    note: str


def folded(sketch: Sketch, *, depth: int | None, collapse: Any, max_nodes: int | None) -> Folded:
    """The picture of a graph in no more than ``max_nodes`` boxes; modules folded as asked for in any case."""
    asked = _asked(sketch.levels, depth, collapse)
    if not asked and (max_nodes is None or _fits_whole(sketch, max_nodes)):
        return Folded(*whole(sketch), "")
    quotient, how = next(
        (quotient, how)
        for quotient, how in _ways(sketch, asked, max_nodes)
        if max_nodes is None or _fits(quotient, max_nodes, are_joined=bool(how))
    )
    summary = Summary(quotient, are_joined=bool(how))
    if not how:
        return Folded(summary.boxes, summary.arrows, "")
    boxes = "one box" if len(summary.boxes) == 1 else f"{len(summary.boxes)} boxes"
    counts = f"{counted(len(sketch.drawn), 'node')} into {boxes}"
    return Folded(summary.boxes, summary.arrows, f"folded {counts}: {', '.join(how)}; max_nodes=None draws all")


def _fits_whole(sketch: Sketch, max_nodes: int) -> bool:
    operations = sum(one.op is not None for one in sketch.drawn)
    operands = sum(map(len, sketch.operands))
    constants = operands - sum(o >= 0 for row in sketch.operands for o in row)
    boxes = len(sketch.drawn) + operations + constants
    return boxes <= max_nodes and operations + operands <= _ARROWS * max_nodes


def _fits(quotient: Quotient, max_nodes: int, *, are_joined: bool) -> bool:
    boxes = len(quotient)
    if boxes > max_nodes:
        return False
    arrows = len(quotient.edges)
    for part, nodes in zip(quotient.parts, quotient.members, strict=True):
        if part.form == "alike" and quotient.sketch.drawn[nodes[0]].op is not None:
            row = quotient.sketch.operands[nodes[0]]
            constants = row.count(-1)
            if are_joined and len(row) > MOST_CONSTANTS:
                constants = min(constants, 1)
            boxes += 1 + constants
            arrows += 1 + constants
    return boxes <= max_nodes and arrows <= _ARROWS * max_nodes


def _ways(sketch: Sketch, asked: dict[int, int], max_nodes: int | None) -> Iterator[tuple[Quotient, list[str]]]:
    """Pictures of a graph without cycles, each smaller than the one before, and what was folded for each."""
    if asked or max_nodes is None or len(sketch.drawn) <= max_nodes:
        quotient = _quotient(sketch, asked, range(len(sketch.drawn)))
        yield quotient, []
        yield quotient, ["the constants of an operation share a box"]
    assert max_nodes is not None  # or that was it
    classes = alike(sketch)
    how = ["nodes that differ only in their numbers are counted"] if len(set(classes)) < len(classes) else []
    quotient = _quotient(sketch, asked, classes)
    yield quotient, how
    depths = {sketch.levels.all[level].depth for level in set(sketch.level) - {OUTSIDE}}
    for depth in sorted(depths, reverse=True):
        quotient = _quotient(sketch, asked | _below(sketch.levels, depth), classes)
        yield (
            quotient,
            [*how, "each module is one box" if depth == max(depths) else f"modules are boxes from level {depth} on"],
        )
    if depths:
        how.append("modules are boxes")
    for runs in _in_runs(quotient, max_nodes):
        yield runs, [*how, "nodes that follow each other share a box"]


def _quotient(sketch: Sketch, targets: dict[int, int], classes: Sequence[int]) -> Quotient:
    """The graph with levels folded into their targets, and with nodes of one class together."""
    if not targets:
        return Quotient(sketch, classes, {})
    first = len(classes)  # of the keys of modules
    keys = [
        first + targets[level] if level in targets else key for level, key in zip(sketch.level, classes, strict=True)
    ]
    return without_cycles(
        Quotient(sketch, keys, {first + target: Part("module", target) for target in targets.values()})
    )


def _in_runs(quotient: Quotient, max_nodes: int) -> Iterator[Quotient]:
    """The nodes in ever fewer runs along their order; the results, what has a name and modules stay by themselves."""
    sketch, of = quotient.sketch, quotient.of
    results = {of[root] for root in sketch.roots}
    named = {of[i] for i, name in enumerate(sketch.names) if name is not None and sketch.drawn[i].op is None}
    named = {part for part in named if quotient.part(part).form == "alike"}
    modules = (
        {part for part in range(len(quotient)) if quotient.part(part).form == "module"}
        if sketch.levels.all[1:]
        else set()
    )
    for kept in (results | named | modules, results | named, results, set[int]()):
        if len(kept) <= max_nodes // 2:
            count = max(max_nodes // 20, 1)
            while count:
                yield cut_in_runs(quotient, count, kept)
                count //= 2


# -- What the user asks for --


def _asked(levels: Levels, depth: int | None, collapse: Any) -> dict[int, int]:
    """The module that each level is folded into, where it is folded into one."""
    found = {} if depth is None else _below(levels, depth)
    if collapse is None:
        return found
    chosen = _chosen(levels, collapse)
    for level in range(1, len(levels.all)):
        above = [a for a in levels.ancestors(level) if a in chosen or a == found.get(level)]
        if above:
            found[level] = above[-1]
    return found


def _below(levels: Levels, depth: int) -> dict[int, int]:
    """The module of this depth that each level is, or is in; the outermost there is, where all are deeper."""
    found = {}
    for level in range(1, len(levels.all)):
        deep = [a for a in levels.ancestors(level) if levels.all[a].depth >= depth]
        if deep:
            found[level] = deep[-1]
    return found


def _chosen(levels: Levels, collapse: Any) -> set[int]:
    if isinstance(collapse, str) or callable(collapse):
        collapse = [collapse]
    if not isinstance(collapse, (list, tuple, set)) or not all(isinstance(c, str) or callable(c) for c in collapse):
        raise TypeError(
            "collapse is the path of a module, such as 'layers.0', a pattern, 'layers.*', a list of them, or a "
            f"function of a path that says whether to fold it; got {describe(collapse)}"
        )
    chosen: set[int] = set()
    for choice in collapse:
        found = {level for level in range(1, len(levels.all)) if _matches(levels, level, choice)}
        if not found and isinstance(choice, str):
            raise ArgumentError(_no_module(levels, choice))
        chosen |= found
    return chosen


def _matches(levels: Levels, level: int, choice: str | Callable[[str], bool]) -> bool:
    one = levels.all[level]
    if callable(choice):
        return bool(choice(one.path or one.label))
    return any(fnmatch.fnmatchcase(text, choice) for text in (one.path or one.label, one.class_name) if text)


def _no_module(levels: Levels, choice: str) -> str:
    paths = [one.path or one.label for one in levels.all[1:]]
    if not paths:
        return (
            f"collapse={choice!r}: there is no module in this graph: no leaf has a name as parameters in modules have"
        )
    close = difflib.get_close_matches(choice, paths, 3, 0.5)
    if close:
        return f"collapse={choice!r}: there is no such module in this graph; did you mean {' or '.join(close)}?"
    some = ", ".join(paths[:5]) + ", ..." * (len(paths) > 5)
    return f"collapse={choice!r}: there is no such module in this graph; there are {some}"

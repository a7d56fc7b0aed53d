"""A computation graph as a scene."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from autograd_lite.core.value import Value
from autograd_lite.drawing import labels
from autograd_lite.drawing.boxes import whole
from autograd_lite.drawing.labels import shown
from autograd_lite.drawing.scene import Arrow, Box, Scene
from autograd_lite.drawing.sketch import Sketch

__all__ = ["finished", "scene_of"]


def scene_of(
    roots: Sequence[Value],
    *,
    names: Mapping[Value, str] | None = None,
    rankdir: Literal["auto", "LR", "TB"] = "auto",
    expand: bool = False,
    color: Literal["kind", "grad"] | None = "kind",
    partials: bool = False,
    theme: Literal["auto", "light", "dark"] = "auto",
    precision: int = 4,
) -> Scene:
    """The graph that leads to the roots as a scene, whole."""
    sketch = Sketch(roots, names=names, expand=expand, precision=precision, partials=partials)
    boxes, arrows = whole(sketch)
    return finished(sketch, boxes, arrows, rankdir=rankdir, color=color, theme=theme)


def finished(
    sketch: Sketch,
    boxes: Sequence[Box],
    arrows: Sequence[Arrow],
    title: str = "",
    note: str = "",
    *,
    rankdir: Literal["auto", "LR", "TB"] = "auto",
    color: Literal["kind", "grad"] | None = "kind",
    theme: Literal["auto", "light", "dark"] = "auto",
) -> Scene:
    """The scene of these boxes and arrows, with a title, a description and a direction."""
    name = title or ", ".join(sketch.names[i] or "" for i in sorted(sketch.roots) if sketch.names[i])
    head = f"Computation graph of {labels.cut(name)}" if name else "Computation graph"
    return Scene(
        tuple(boxes),
        tuple(arrows),
        head,
        f"{head}: {_described(sketch)}",
        note,
        direction(boxes, arrows) if rankdir == "auto" else rankdir,
        color,
        theme,
    )


def _described(sketch: Sketch) -> str:
    """The graph in a sentence or two, for those who cannot see it."""
    kinds = Counter(sketch.kinds)
    count = sum(one.op is not None for one in sketch.drawn)
    head = f"{labels.counted(len(sketch.drawn), 'value')}, {labels.counted(count, 'operation')}."
    parts = [labels.counted(kinds[kind], kind) for kind in ("input", "parameter", "constant", "output") if kinds[kind]]
    results = [
        f"{labels.cut(sketch.names[i] or 'the output')} is {shown(sketch.drawn[i].node.data, sketch.precision)}"
        for i in sorted(sketch.roots)[:3]
    ]
    return f"{head} {', '.join(parts)}; {', '.join(results)}."


#: What a screen is wide, and about what a column and a row of a drawing take, in pixels.
_SCREEN = 1400
_LETTER, _MARGIN, _BETWEEN_RANKS, _BETWEEN = 6, 12, 34, 15


def direction(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> Literal["LR", "TB"]:
    """From left to right, unless that is wider than a screen and from top to bottom is narrower."""
    ranks: dict[str, int] = {}
    for arrow in arrows:  # those to a box stand before those from it
        rank = ranks.get(arrow.tail, 0) + 1
        if rank > ranks.get(arrow.head, 0):
            ranks[arrow.head] = rank
    along: dict[int, int] = {}
    across: dict[int, int] = {}
    for box in boxes:
        rank, width = ranks.get(box.id, 0), _MARGIN + _LETTER * max(map(len, box.lines))
        if width > along.get(rank, 0):
            along[rank] = width
        across[rank] = across.get(rank, 0) + width + _BETWEEN
    wide, high = sum(along.values()) + _BETWEEN_RANKS * len(along), max(across.values(), default=0)
    return "TB" if wide > _SCREEN and high < wide else "LR"

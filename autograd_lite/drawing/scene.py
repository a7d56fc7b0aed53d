"""What a drawing shows, whoever draws it: boxes, arrows between them, and the modules that they stand in.

The graph becomes a :class:`Scene` (``graph.py``), which may be folded until it fits (``folding.py``). DOT, Mermaid and
the pages are written from the Scene alone.
"""

import dataclasses
from typing import Literal

__all__ = ["Arrow", "Box", "Kind", "Scene"]

#: What a box stands for. "value" is the result of an operation on the way; "output" one of the roots; "folded" a box
#: in the place of many.
Kind = Literal["input", "parameter", "constant", "operation", "value", "output", "folded"]


# Boxes and arrows come by the hundred thousand: frozen, they take three times as long to make. Nobody changes them.
@dataclasses.dataclass(slots=True, unsafe_hash=True)
class Box:
    """One box, or the circle of an operation."""

    #: Unique, and fit for DOT, Mermaid and HTML: letters, digits and ``_``. The i-th node of the graph is ``v{i}``, the
    #: operation before it ``o{i}``, a constant at its operand j ``o{i}c{j}``. What stands for many is ``m{i}``,
    #: ``mo{i}`` and ``mo{i}c{j}``, where i is the first of them.
    id: str
    kind: Kind
    #: The lines of the label, as they are to be read: not escaped, long ones cut. The first is the name where there is
    #: one; of an operation its symbol alone.
    lines: tuple[str, ...]
    #: The whole of it in one text: full names, all digits.
    tooltip: str = ""
    #: The modules that it stands in, outermost first: ("MLP", "layers.0", "neurons.3").
    cluster: tuple[str, ...] = ()
    #: The first line is a name, not a number.
    is_named: bool = False
    #: What colours by gradient go by; None where there is none.
    grad: float | None = None
    #: Shown with emphasis: on a path that is explained, say. If any box or arrow is, the others are faint.
    is_lit: bool = False
    #: A number in it is nan or infinite.
    is_alarming: bool = False
    #: How many nodes of the graph (operations, constants) it stands for.
    count: int = 1


@dataclasses.dataclass(slots=True, unsafe_hash=True)
class Arrow:
    """An arrow from one box to another."""

    tail: str
    head: str
    #: Unique: ``{tail}-{head}`` to a result, ``{tail}-{head}-{j}`` to operand j of an operation.
    id: str
    #: What is written on it, such as the local derivative.
    label: str = ""
    tooltip: str = ""
    is_lit: bool = False
    #: How many arrows of the graph it stands for. The label says so where there is room.
    count: int = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Scene:
    """Everything to draw: boxes after those that lead to them, and the arrows to a box before those from it."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    #: What it is, in a few words, and in a sentence or two for those who cannot see it.
    title: str
    description: str
    #: What the reader must know of the picture, such as what was folded; shown under it. "" for nothing.
    note: str = ""
    rankdir: Literal["LR", "TB"] = "LR"
    #: What the fill of a box says.
    color: Literal["kind", "grad"] | None = "kind"
    theme: Literal["auto", "light", "dark"] = "auto"

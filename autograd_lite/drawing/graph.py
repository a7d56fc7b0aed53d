"""A computation graph as a scene."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from autograd_lite.core.node import number
from autograd_lite.core.value import Value
from autograd_lite.drawing import labels
from autograd_lite.drawing.labels import shown
from autograd_lite.drawing.modules import OUTSIDE, Levels
from autograd_lite.drawing.scene import Arrow, Box, Kind, Scene
from autograd_lite.drawing.written_out import Drawn, Step, drawn

__all__ = ["Sketch", "finished", "scene_of", "whole"]


class Sketch:
    """A graph in numbers: its nodes counted through, each after its operands."""

    def __init__(
        self,
        roots: Sequence[Value],
        *,
        names: Mapping[Value, str] | None = None,
        expand: bool = False,
        levels: Levels | None = None,
        grads: Mapping[Value, Any] | None = None,
        precision: int = 4,
        partials: bool = False,
    ) -> None:
        self.precision, self.partials, self.levels = precision, partials, levels or Levels()
        self.drawn: list[Drawn] = drawn(roots, expand)
        self._grads = grads
        places: dict[Any, int] = {one.node: i for i, one in enumerate(self.drawn)}
        #: The operands of each node; -1 for a constant that is no node.
        self.operands = [[-1 if o.__class__ is float else places[o] for o in one.operands] for one in self.drawn]
        self.roots = {places[root] for root in roots}
        given = names or {}
        #: The full name of each node, and what it is called in its module.
        self.names = [given.get(node) or node.name for node, _, _ in self.drawn]  # type: ignore[call-overload]
        self.short = list(self.names)
        self._place()
        #: What each node is.
        self.kinds = [self._kind(i) for i in range(len(self.drawn))]

    def _place(self) -> None:
        """Find the module that each node stands in."""
        leaves: list[int | None] = []
        for i, (node, op, _) in enumerate(self.drawn):
            level: int | None = None
            if op is None:
                level, self.short[i] = self.levels.of_leaf(node, self.names[i])
            leaves.append(level)
        if len(self.levels.all) == 1:
            self.level = [OUTSIDE] * len(leaves)
        else:
            self.level = self.levels.of_operations(leaves, [one.op for one in self.drawn], self.operands)

    def _kind(self, i: int) -> Kind:
        node, op, _ = self.drawn[i]
        if not node.requires_grad:
            return "constant"
        if op is None:
            return "parameter" if self.level[i] != OUTSIDE or self.levels.is_parameter(node) else "input"
        return "output" if i in self.roots else "value"

    def grad(self, i: int) -> float | None:
        """The gradient of a node, if it has one."""
        node = self.drawn[i].node
        if self._grads is not None and isinstance(node, Value):
            found = self._grads.get(node)
            return None if found is None else number(found) + 0.0
        return number(node.grad) + 0.0 if node.has_grad else None

    def cluster(self, i: int) -> tuple[str, ...]:
        """The modules that a node stands in."""
        return self.levels.all[self.level[i]].cluster


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
    *,
    title: str = "",
    note: str = "",
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
_WIDTHS = {"operation": 60, "constant": 60}


def direction(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> Literal["LR", "TB"]:
    """From left to right, unless that is wider than a screen and from top to bottom is narrower."""
    widths = {box.id: _WIDTHS.get(box.kind, 60 + 7 * max(map(len, box.lines))) for box in boxes}
    ranks = dict.fromkeys(widths, 0)
    led: dict[str, list[str]] = {}
    for arrow in arrows:
        led.setdefault(arrow.head, []).append(arrow.tail)
    for box in boxes:
        ranks[box.id] = 1 + max([ranks[tail] for tail in led.get(box.id, ())], default=-1)
    along: Counter[int] = Counter()
    across: Counter[int] = Counter()
    for box in boxes:
        rank, width = ranks[box.id], widths[box.id]
        along[rank] = max(along[rank], width)
        across[rank] += width + 20
    wide, high = sum(along.values()) + 40 * len(along), max(across.values(), default=0)
    return "TB" if wide > _SCREEN and high < wide else "LR"


def whole(sketch: Sketch) -> tuple[tuple[Box, ...], tuple[Arrow, ...]]:
    """Boxes for every node and operation, and the arrows between them."""
    boxes: list[Box] = []
    arrows: list[Arrow] = []
    for i, (_, op, _) in enumerate(sketch.drawn):
        if op is not None:
            _add_operation(sketch, i, boxes, arrows)
        boxes.append(node_box(sketch, i))
    return tuple(boxes), tuple(arrows)


def node_box(sketch: Sketch, i: int) -> Box:
    """The box of a node."""
    node, kind, name = sketch.drawn[i].node, sketch.kinds[i], sketch.names[i]
    data, digits = node.data, sketch.precision
    short = sketch.short[i]
    lines = () if short is None else (labels.cut(short),)
    head = f"{labels.plain(name)}: {kind}" if name else kind
    if kind == "constant":
        return Box(
            f"v{i}", kind, (*lines, shown(data, digits)), f"{head}\ndata {data}", sketch.cluster(i), short is not None,
            None, False, labels.is_alarming(data),
        )  # fmt: skip
    grad = sketch.grad(i)
    return Box(
        f"v{i}",
        kind,
        (*lines, f"data {shown(data, digits)}", "grad -" if grad is None else f"grad {shown(grad, digits)}"),
        f"{head}\ndata {data}" if grad is None else f"{head}\ndata {data}\ngrad {grad}",
        sketch.cluster(i),
        short is not None,
        grad,
        False,
        labels.is_alarming(data, 0.0 if grad is None else grad),
    )


def _add_operation(sketch: Sketch, i: int, boxes: list[Box], arrows: list[Arrow]) -> None:
    """The circle of an operation with its constants, and the arrows to and from it."""
    one = sketch.drawn[i]
    assert one.op is not None
    circle, cluster = f"o{i}", sketch.cluster(i)
    partials = partials_of(one) if sketch.partials else ()
    for j, (place, operand) in enumerate(zip(sketch.operands[i], one.operands, strict=True)):
        if place < 0:
            tail = f"{circle}c{j}"
            lines = (shown(operand, sketch.precision),)
            boxes.append(
                Box(tail, "constant", lines, f"constant {operand}", cluster, is_alarming=labels.is_alarming(operand))
            )
        else:
            tail = f"v{place}"
        label = shown(partials[j], sketch.precision) if partials and place >= 0 else ""
        tooltip = f"local derivative {partials[j]}" if label else ""
        arrows.append(Arrow(tail, circle, f"{tail}-{circle}-{j}", label, tooltip))
    boxes.append(Box(circle, "operation", (labels.cut(one.op.symbol),), labels.plain(one.op.name), cluster))
    arrows.append(Arrow(circle, f"v{i}", f"{circle}-v{i}"))


def partials_of(one: Drawn) -> tuple[float, ...]:
    """The derivative of an operation by each operand; none where it has no such numbers."""
    node, op, operands = one
    if isinstance(node, Step) or op is not node.op:  # of a sum that is written out
        assert op is not None
        numbers = [o if o.__class__ is float else o.data for o in operands]
        return tuple(map(number, op.differentiate(op.evaluate(*numbers), *numbers)))
    partials = node.partials
    return tuple(map(number, partials)) if len(partials) == len(operands) else ()

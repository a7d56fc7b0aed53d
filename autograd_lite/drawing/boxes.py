"""The boxes and arrows of a graph that is drawn whole."""

from autograd_lite.core.node import number
from autograd_lite.drawing import labels
from autograd_lite.drawing.labels import shown
from autograd_lite.drawing.scene import Arrow, Box
from autograd_lite.drawing.sketch import Sketch
from autograd_lite.drawing.written_out import Drawn, Step

__all__ = ["node_box", "operation", "whole"]


def whole(sketch: Sketch) -> tuple[tuple[Box, ...], tuple[Arrow, ...]]:
    """Boxes for every node and operation, and the arrows between them."""
    boxes: list[Box] = []
    arrows: list[Arrow] = []
    for i, (_, op, _) in enumerate(sketch.drawn):
        if op is not None:
            add_operation(sketch, i, boxes, arrows)
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


def add_operation(sketch: Sketch, i: int, boxes: list[Box], arrows: list[Arrow]) -> None:
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

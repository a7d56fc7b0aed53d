"""The boxes and arrows of a graph that is drawn whole."""

from autograd_lite.core.node import number
from autograd_lite.drawing import labels
from autograd_lite.drawing.labels import shown
from autograd_lite.drawing.scene import Arrow, Box
from autograd_lite.drawing.sketch import Sketch
from autograd_lite.drawing.text import one_line
from autograd_lite.drawing.written_out import Drawn, Step, is_bundle

__all__ = ["add_operation", "node_box", "whole"]


def whole(sketch: Sketch) -> tuple[list[Box], list[Arrow]]:
    """Boxes for every node and operation, and the arrows between them."""
    boxes: list[Box] = []
    arrows: list[Arrow] = []
    for i, one in enumerate(sketch.drawn):
        if one.op is not None:
            add_operation(sketch, i, boxes, arrows)
        boxes.append(node_box(sketch, i))
    return boxes, arrows


def node_box(sketch: Sketch, i: int) -> Box:
    """The box of a node."""
    kind, name, short, digits = sketch.kinds[i], sketch.names[i], sketch.short[i], sketch.precision
    node = sketch.drawn[i].node
    data = node.data
    grad = None if kind == "constant" else sketch.grad(i)
    tooltip = f"{kind}\ndata {data}" if name is None else f"{one_line(name, None)}: {kind}\ndata {data}"
    if kind == "constant":
        lines = [shown(data, digits)]
    elif grad is None:
        lines = [f"data {shown(data, digits)}", "grad -"]
    else:
        lines = [f"data {shown(data, digits)}", f"grad {shown(grad, digits)}"]
        tooltip = f"{tooltip}\ngrad {grad}"
    if is_bundle(node):
        lines[0], tooltip = "data …", f"{kind}\nall results of the call together"
    if short is not None:
        lines.insert(0, labels.cut(short))
    is_alarming = data - data != 0.0 or (grad is not None and grad - grad != 0.0)  # inf - inf and nan - nan are nan
    return Box(
        f"v{i}", kind, tuple(lines), tooltip, sketch.cluster(i), short is not None, grad, is_alarming=is_alarming
    )


def add_operation(sketch: Sketch, i: int, boxes: list[Box], arrows: list[Arrow]) -> None:
    """The circle of an operation with its constants, and the arrows to and from it."""
    one = sketch.drawn[i]
    assert one.op is not None
    circle, cluster = f"o{i}", sketch.cluster(i)
    partials = partials_of(one) if sketch.partials else ()
    for j, place in enumerate(sketch.operands[i]):
        label = tooltip = ""
        if place < 0:
            tail, constant = f"{circle}c{j}", one.operands[j]
            lines = (shown(constant, sketch.precision),)
            is_alarming = constant - constant != 0.0
            boxes.append(Box(tail, "constant", lines, f"constant {constant}", cluster, is_alarming=is_alarming))
        else:
            tail = f"v{place}"
            if partials:
                label, tooltip = shown(partials[j], sketch.precision), f"local derivative {partials[j] + 0.0}"
        arrows.append(Arrow(tail, circle, f"{tail}-{circle}-{j}", label, tooltip))
    boxes.append(Box(circle, "operation", (labels.cut(one.op.symbol),), one_line(one.op.name, None), cluster))
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

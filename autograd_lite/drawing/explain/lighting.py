"""The drawing of an explanation: the graph with its paths lit, or where that is too large the paths alone."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from autograd_lite.core.value import Value
from autograd_lite.drawing import labels
from autograd_lite.drawing.draw import draw
from autograd_lite.drawing.explain.routes import Step, Stop, shortened
from autograd_lite.drawing.graph import direction
from autograd_lite.drawing.scene import Arrow, Box, Kind, Scene
from autograd_lite.drawing.sketch import Sketch
from autograd_lite.drawing.written_out import drawn, is_bundle
from autograd_lite.errors import ArgumentError

__all__ = ["alone", "check_options", "lit", "module_names"]

#: So many stops of a path are drawn.
_STOPS = 12


def module_names(y: Value) -> dict[Value, str]:
    """The path of the module that each node stands in, of those that lead to y and stand in one."""
    sketch = Sketch([y])
    found = {one.node: ".".join(sketch.cluster(i)) for i, one in enumerate(sketch.drawn)}
    return {node: name for node, name in found.items() if name and isinstance(node, Value)}


def check_options(options: Mapping[str, Any]) -> None:
    """Raise for options of ``draw`` that the drawing of paths does not take."""
    for name in ("expand", "depth", "collapse"):
        if options.get(name):
            raise ArgumentError(
                f"the drawing of an explanation has no option {name}: a sum of many terms is one step of a path, and a "
                "large graph is folded to the paths alone, a module at a time"
            )


def lit(y: Value, paths: Sequence[tuple[Value, Sequence[Step]]], options: dict[str, Any]) -> Scene:
    """The graph of y with paths lit, each the node that it begins at and its steps."""
    scene = draw(y, **{**options, "max_nodes": None}).scene
    places = {one.node: i for i, one in enumerate(drawn([y], False))}
    boxes = {f"v{places[x]}" for x, _ in paths}
    arrows: dict[str, list[str]] = {}
    for x, steps in paths:
        before = x
        for step in steps:
            label = labels.shown(step.partial, options.get("precision", 4))
            for tail, head, position in _arrows(before, step):
                i = places[head]
                boxes |= {f"o{i}", f"v{i}"}
                arrows.setdefault(f"o{i}-v{i}", [])
                known = arrows.setdefault(f"v{places[tail]}-o{i}-{position}", [])
                if label not in known and tail is before:
                    known.append(label)
            before = step.node
    return dataclasses.replace(
        scene,
        boxes=tuple([dataclasses.replace(box, is_lit=True) if box.id in boxes else box for box in scene.boxes]),
        arrows=tuple(
            dataclasses.replace(arrow, is_lit=True, label=", ".join(arrows[arrow.id])) if arrow.id in arrows else arrow
            for arrow in scene.arrows
        ),
    )


def _arrows(before: Value, step: Step) -> Iterator[tuple[Value, Value, int]]:
    """From which node to which a step goes, and as which operand: by way of all results of a call, where it is one."""
    for i, operand in enumerate(step.node.operands):
        if isinstance(operand, Value) and is_bundle(operand):
            yield before, operand, step.position
            yield operand, step.node, i
            return
    yield before, step.node, step.position


def alone(y: Value, routes: Sequence[list[Stop]], options: dict[str, Any], x_kind: Kind) -> Scene:
    """The stops of the paths and nothing else."""
    options = {**options, "names": None}
    template = draw(Value(y.data, y.name), **options).scene
    boxes: dict[Any, Box] = {}
    arrows: dict[tuple[str, str, str], Arrow] = {}
    digits = options.get("precision", 4)
    for number, route in enumerate(routes):
        stops = shortened(route, lambda stops: len(stops) <= _STOPS)
        before = ""
        for k, stop in enumerate(stops):
            key = (stop.node, number if stop.is_gap else None)
            if key not in boxes:
                kind: Kind = "folded" if stop.steps > 1 else "value"
                if stop.node is y:
                    kind = "output"
                boxes[key] = _box(f"s{len(boxes)}", stop, x_kind if k == 0 else kind, digits)
            box = boxes[key].id
            if before:
                label = labels.shown(stop.factor, digits)
                name = f"{before}-{box}-{len(arrows)}"
                arrows.setdefault((before, box, label), Arrow(before, box, name, label, f"derivative {stop.factor}"))
            before = box
    ordered = _ordered(boxes.values(), arrows.values())
    is_auto = options.get("rankdir", "auto") == "auto"
    return dataclasses.replace(
        template,
        boxes=ordered,
        arrows=tuple(arrows.values()),
        rankdir=direction(ordered, list(arrows.values())) if is_auto else template.rankdir,
    )


def _box(name: str, stop: Stop, kind: Kind, digits: int) -> Box:
    data = () if stop.is_gap or stop.node is None else (f"data {labels.shown(stop.node.data, digits)}",)
    return Box(name, kind, (stop.title or stop.label, *data), stop.label, is_named=True, count=max(stop.steps, 1))


def _ordered(boxes: Any, arrows: Any) -> tuple[Box, ...]:
    """The boxes, each after those that lead to it."""
    waiting = {box.id: 0 for box in boxes}
    after: dict[str, list[str]] = {}
    for arrow in arrows:
        waiting[arrow.head] += 1
        after.setdefault(arrow.tail, []).append(arrow.head)
    order = [name for name, count in waiting.items() if not count]
    for name in order:
        for head in after.get(name, ()):
            waiting[head] -= 1
            if not waiting[head]:
                order.append(head)
    by_name = {box.id: box for box in boxes}
    return tuple([by_name[name] for name in order])

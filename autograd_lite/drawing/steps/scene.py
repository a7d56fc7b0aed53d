"""What the picture of a graph shows at each step: which numbers are there by then, and what is lit."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from autograd_lite.core.value import Value
from autograd_lite.drawing.graph import scene_of
from autograd_lite.drawing.scene import Box, Scene
from autograd_lite.drawing.steps.notation import shown
from autograd_lite.drawing.steps.records import Forward, Given, Seed, Snapshot, Step

__all__ = ["Change", "State", "changes_of", "scene_at", "scene_of_all", "states_of"]


class Change(NamedTuple):
    """What a step changes in the picture."""

    #: The ids of the boxes and arrows that are lit at this step, and of no other.
    lit: tuple[str, ...]
    #: Numbers that come: the id of a box, ``"data"`` or ``"grad"``, and what stands there from now on.
    texts: tuple[tuple[str, str, str], ...]


class State(NamedTuple):
    """What the picture shows at a step."""

    lit: frozenset[str]
    #: By the id of a box and ``"data"`` or ``"grad"``; what is missing has not come yet.
    texts: Mapping[tuple[str, str], str]


def changes_of(steps: Iterable[Step], snapshot: Snapshot) -> list[Change]:
    """What each step changes."""
    places = {node: place for place, node in enumerate(snapshot.labels)}
    return [_change(step, places) for step in steps]


def _change(step: Step, places: Mapping[Value, int]) -> Change:
    if isinstance(step, Given):
        ids = tuple([f"v{places[node]}" for node in step.nodes])
        return Change((), tuple([(id, "data", shown(x)) for id, x in zip(ids, step.numbers, strict=True)]))
    place = places[step.node]
    result, circle = f"v{place}", f"o{place}"
    if isinstance(step, Seed):
        return Change((result,), ((result, "grad", shown(step.total)),))
    if isinstance(step, Forward):
        tails = [f"v{places[o]}" if isinstance(o, Value) else f"{circle}c{j}" for j, o in enumerate(step.operands)]
        arrows = [f"{tail}-{circle}-{j}" for j, tail in enumerate(tails)]
        lit = (result, circle, f"{circle}-{result}", *dict.fromkeys(tails), *arrows)
        return Change(lit, ((result, "data", shown(step.result)),))
    operand = f"v{places[step.operand]}"
    lit = (operand, f"{operand}-{circle}-{step.position}", circle, f"{circle}-{result}", result)
    return Change(lit, ((operand, "grad", shown(step.total)),))


def scene_of_all(root: Value, snapshot: Snapshot, changes: Iterable[Change]) -> Scene:
    """The graph with all its numbers, with room for the longest that each of them ever is."""
    widest: dict[tuple[str, str], str] = {}
    for change in changes:
        for id, what, text in change.texts:
            widest[id, what] = max(widest.get((id, what), ""), text, key=len)
    labels = {f"v{place}": label.strip("\u2068\u2069") for place, label in enumerate(snapshot.labels.values())}
    label = labels[f"v{len(labels) - 1}"]
    scene = scene_of([root])
    boxes = [_labelled(box, labels.get(box.id), widest) for box in scene.boxes]
    return dataclasses.replace(scene, boxes=tuple(boxes), title=f"Backpropagation from {label}, step by step")


def _labelled(box: Box, label: str | None, texts: Mapping[tuple[str, str], str]) -> Box:
    if label is None or box.kind == "constant":
        return box
    is_short = box.is_named and not label.endswith(f"({box.id})")  # its module says the rest of the name
    lines = (
        box.lines[0] if is_short else label,
        *(f"{what} {texts.get((box.id, what), '-')}" for what in ("data", "grad")),
    )
    return dataclasses.replace(box, lines=lines, is_named=True, tooltip=label, grad=None, is_alarming=False)


def states_of(changes: Iterable[Change]) -> Iterable[State]:
    """What the picture shows at each step; the same mapping each time, with more in it."""
    texts: dict[tuple[str, str], str] = {}
    for change in changes:
        texts.update({(id, what): text for id, what, text in change.texts})
        yield State(frozenset(change.lit), texts)


def scene_at(scene: Scene, state: State) -> Scene:
    """The scene at a step: dots where a number has not come yet."""
    boxes = []
    for box in scene.boxes:
        if box.lines[-1].startswith("grad "):
            numbers = [f"{what} {state.texts.get((box.id, what), '·')}" for what in ("data", "grad")]
            box = dataclasses.replace(box, lines=(box.lines[0], *numbers))  # noqa: PLW2901
        boxes.append(box)
    return dataclasses.replace(scene, boxes=tuple(boxes))

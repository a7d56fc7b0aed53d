"""Where the boxes of a dense scene in layers stand: Graphviz would turn the order of what is alike round."""

import dataclasses
import itertools
import operator
from collections import Counter

from autograd_lite.drawing.pictures.clusters import Cluster, clustered
from autograd_lite.drawing.scene import Box, Scene

__all__ = ["Layers", "in_layers"]

#: In points: between two boxes of a layer, around what is in a module, above that for its name.
_BETWEEN, _PADDING, _HEAD = 10.0, 9.0, 16.0
#: Between two layers: at least, more for each arrow, at most; more for each side of a module between them.
_GAP, _GAP_EACH, _GAP_MOST = 22.0, 0.25, 80.0

#: What a screen is wide, in points; letters that are narrow.
_SCREEN, _NARROW = 950.0, frozenset(" ,.:;'|!()[]ijlftr-")

#: Left, bottom, right, top, as Graphviz has it: upwards is positive.
Frame = tuple[float, float, float, float]


@dataclasses.dataclass(slots=True)
class Layers:
    """How the boxes of a scene stand in layers."""

    places: dict[str, tuple[float, float]]
    #: Of each module by its path.
    frames: dict[tuple[str, ...], Frame]
    #: The boxes whose lines stand beside each other, in two columns; those of the others stand one below the other.
    broad: set[str]


def in_layers(scene: Scene, columns: dict[str, int]) -> Layers | None:
    """A layer for each column, its boxes in the order in which the next layer uses them.

    None where that cannot be: an arrow would pass a layer by, or modules would overlap.
    """
    if scene.rankdir != "LR" or any(columns[arrow.head] - columns[arrow.tail] != 1 for arrow in scene.arrows):
        return None
    layers = _ordered(scene, columns)
    broad = {box.id for layer in layers if len(layer) > 1 for box in layer if box.kind == "folded"}
    sizes = {box.id: _size(box, box.id in broad) for box in scene.boxes}
    across = _across(scene, columns, layers, sizes)
    if broad and across[-1] > _SCREEN:
        broad = set()
        sizes = {box.id: _size(box, False) for box in scene.boxes}
        across = _across(scene, columns, layers, sizes)
    places: dict[str, tuple[float, float]] = {}
    for layer, x in zip(layers, across, strict=True):
        for box, y in zip(layer, _down(layer, sizes), strict=True):
            places[box.id] = (x, y)
    boxes = {box.id: _around(places[box.id], sizes[box.id]) for box in scene.boxes}
    frames: dict[tuple[str, ...], Frame] = {}
    is_apart = _frame(clustered(scene.boxes), boxes, frames)
    return Layers(places, frames, broad) if is_apart else None


def _ordered(scene: Scene, columns: dict[str, int]) -> list[list[Box]]:
    """The boxes of each layer from the top down: the operands of the first of the next layer, of the second ..."""
    layers: list[list[Box]] = [[] for _ in range(max(columns.values()) + 1)]
    for box in scene.boxes:
        layers[columns[box.id]].append(box)
    tails: dict[str, list[str]] = {box.id: [] for box in scene.boxes}
    for arrow in scene.arrows:
        tails[arrow.head].append(arrow.tail)
    for layer, following in reversed(list(itertools.pairwise(layers))):
        first: dict[str, int] = {}
        for box in following:
            for tail in tails[box.id]:
                first.setdefault(tail, len(first))
        layer.sort(key=lambda box: first.get(box.id, len(first)))
    return layers


def _across(
    scene: Scene, columns: dict[str, int], layers: list[list[Box]], sizes: dict[str, tuple[float, float]]
) -> list[float]:
    """The middle of each layer, from left to right."""
    arrows = Counter(columns[arrow.tail] for arrow in scene.arrows)
    labels: dict[int, float] = {}
    for arrow in scene.arrows:
        labels[columns[arrow.tail]] = max(labels.get(columns[arrow.tail], 0.0), _width(arrow.label))
    found, right, before = [], 0.0, 0
    for number, layer in enumerate(layers):
        width, deepest = max(sizes[box.id][0] for box in layer), max(len(box.cluster) for box in layer)
        gap = min(_GAP + _GAP_EACH * arrows[number - 1], _GAP_MOST) + labels.get(number - 1, 0.0)
        left = right + (gap + _PADDING * (before + deepest) if number else 0.0)
        found.append(left + width / 2)
        right, before = left + width, deepest
    return found


def _down(layer: list[Box], sizes: dict[str, tuple[float, float]]) -> list[float]:
    """The middle of each box of a layer from the top down, all around 0."""
    found, bottom = [0.0], -sizes[layer[0].id][1] / 2
    for above, box in itertools.pairwise(layer):
        shared = sum(itertools.takewhile(bool, map(operator.eq, above.cluster, box.cluster)))
        closed, opened = len(above.cluster) - shared, len(box.cluster) - shared
        height = sizes[box.id][1]
        middle = bottom - _BETWEEN - closed * _PADDING - opened * (_PADDING + _HEAD) - height / 2
        found.append(middle)
        bottom = middle - height / 2
    centre = (found[-1] + found[0]) / 2
    return [y - centre for y in found]


def _size(box: Box, is_broad: bool) -> tuple[float, float]:
    """The width and the height of a box, in points and rather too large than too small."""
    widths = [7.0 + _width(line) for line in box.lines] or [7.0]
    border = 8.0
    if box.kind == "operation":
        return max(24.0, 10 + 1.3 * widths[0]), 26.0
    if not is_broad:
        return border + max(widths), border + 18.0 * len(widths)
    if len(widths) < 4:
        return border + sum(widths), border + 18.0
    return border + max(widths[0], max(widths[1::2]) + max(widths[2::2])), border + 18.0 * (1 + len(widths) // 2)


def _width(text: str) -> float:
    """About how wide a text is in points."""
    return sum(3.2 if letter in _NARROW else 6.1 if letter < "A" or letter.islower() else 11.0 for letter in text)


def _around(place: tuple[float, float], size: tuple[float, float]) -> Frame:
    (x, y), (width, height) = place, size
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _frame(cluster: Cluster, boxes: dict[str, Frame], frames: dict[tuple[str, ...], Frame]) -> bool:
    """Note the frames of a module and of those in it. False if what is in it overlaps."""
    if not all(_frame(inner, boxes, frames) for inner in cluster.inner):
        return False
    parts = [boxes[box.id] for box in cluster.boxes] + [frames[inner.path] for inner in cluster.inner]
    modules = parts[len(cluster.boxes) :]
    if any(_overlap(module, part) for module in modules for part in parts if part is not module):
        return False
    left, bottom, right, top = zip(*parts, strict=True)
    frames[cluster.path] = (
        min(left) - _PADDING,
        min(bottom) - _PADDING,
        max(right) + _PADDING,
        max(top) + _PADDING + _HEAD,
    )
    return True


def _overlap(one: Frame, other: Frame) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]

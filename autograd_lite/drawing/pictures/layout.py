"""Where the boxes of a scene stand: for drawings that Graphviz cannot lay out soon, and roughly for all."""

import math
from collections import Counter
from collections.abc import Iterator

from autograd_lite.drawing.scene import Box, Scene

__all__ = ["columns_of", "is_better_stacked", "places_of"]


def is_better_stacked(scene: Scene, columns: dict[str, int]) -> bool:
    """Whether the picture has more the shape of a screen if the lines of a box stand one below the other.

    Else they stand in one row, or in two columns. The sizes are rough, in points.
    """
    values = [box for box in scene.boxes if box.kind not in ("operation", "constant")]
    if not values:
        return True
    in_columns = Counter(columns[box.id] for box in values)
    deep, broad = len(in_columns), max(in_columns.values())

    def is_off(sizes: list[tuple[int, int]]) -> float:
        width, height = (sum(size) / len(values) for size in zip(*sizes, strict=True))
        if scene.rankdir == "LR":
            shape = deep * (width + 75) / (broad * (height + 12))
        else:
            shape = broad * (width + 12) / (deep * (height + 75))
        return abs(math.log(shape / 1.6))

    return is_off([_stacked(box) for box in values]) <= is_off([_in_rows(box) for box in values])


def _stacked(box: Box) -> tuple[int, int]:
    """The width and the height of a box with its lines one below the other."""
    return 12 + 6 * max(map(len, box.lines), default=0), 18 * len(box.lines)


def _in_rows(box: Box) -> tuple[int, int]:
    """With its lines in one row; four and more in two columns under the first."""
    count = len(box.lines)
    if count < 4:
        return sum(12 + 6 * len(line) for line in box.lines), 18
    return 2 * (12 + 6 * max(map(len, box.lines[1:]))), 18 * (1 + count // 2)


def columns_of(scene: Scene) -> dict[str, int]:
    """Each box in the column after the last of those that lead to it; those without any just before their first use."""
    columns = dict.fromkeys((box.id for box in scene.boxes), 0)
    for arrow in scene.arrows:  # those to a box stand before those from it
        columns[arrow.head] = max(columns[arrow.head], columns[arrow.tail] + 1)
    first_uses: dict[str, int] = {}
    for arrow in scene.arrows:
        if columns[arrow.tail] == 0 and columns[arrow.head] < first_uses.get(arrow.tail, len(columns)):
            first_uses[arrow.tail] = columns[arrow.head]
    return columns | {box: column - 1 for box, column in first_uses.items()}


def places_of(scene: Scene, columns: dict[str, int]) -> Iterator[tuple[str, str]]:
    """Each box at the next free place of its column, as Graphviz's attribute ``pos``."""
    taken: Counter[int] = Counter()
    is_across = scene.rankdir == "LR"
    width, height = (95, 70) if is_across else (95, 75)  # points, from one to the next
    if not is_across:
        width, height = height, width
    lift = max(columns.values(), default=0) * width // 16  # of column 0: arrows to far columns not all on one line
    for box in scene.boxes:
        column = columns[box.id]
        along, across = column * width, taken[column] * height - (lift if column == 0 else 0)
        taken[column] += 1
        yield box.id, f"{along},{-across}" if is_across else f"{across},{-along}"

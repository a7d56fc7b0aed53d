"""The boxes of a scene in the modules that they stand in, which are nested."""

import dataclasses
from collections.abc import Iterable

from autograd_lite.drawing.scene import Box

__all__ = ["Cluster", "clustered"]


@dataclasses.dataclass(slots=True)
class Cluster:
    """A module, or the whole scene: its own boxes, and the modules in it."""

    #: The names of the modules that lead to it and its own; () for the whole scene.
    path: tuple[str, ...]
    #: Unique, in the order of their first boxes.
    number: int
    boxes: list[Box] = dataclasses.field(default_factory=list)
    inner: "list[Cluster]" = dataclasses.field(default_factory=list)


def clustered(boxes: Iterable[Box]) -> Cluster:
    """The whole scene; all in the order of the boxes.

    >>> scene = clustered([Box("v0", "value", ("data 1",), cluster=("MLP", "layers.0")), Box("v1", "value", ())])
    >>> scene.inner[0].inner[0].path, [box.id for box in scene.boxes]
    (('MLP', 'layers.0'), ['v1'])
    """
    whole = Cluster((), 0)
    found = {whole.path: whole}
    for box in boxes:
        for depth in range(1, len(box.cluster) + 1):
            path = box.cluster[:depth]
            if path not in found:
                found[path] = Cluster(path, len(found))
                found[path[:-1]].inner.append(found[path])
        found[box.cluster].boxes.append(box)
    return whole

"""A picture for each step, for slides: the graph stands still, numbers come and what is active is lit."""

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from autograd_lite.drawing.pictures.dot import to_dot
from autograd_lite.drawing.pictures.palette import COLORS
from autograd_lite.drawing.pictures.render import render
from autograd_lite.drawing.scene import Scene
from autograd_lite.drawing.steps.records import Seed
from autograd_lite.drawing.steps.scene import State, changes_of, scene_at, scene_of_all, states_of
from autograd_lite.drawing.steps.svg import CAPTION, LEAST, Picture, fitting

if TYPE_CHECKING:
    from autograd_lite.drawing.steps.steps import Steps

__all__ = ["frames"]

_BOX = re.compile(r"(\w+) \[(?=id=)")
_ARROW = re.compile(r'\w+ -> \w+ \[(?=id="([^"]+)")')
_CLUSTER = re.compile(r"graph \[(?=id=c(\d+) )")


def frames(steps: "Steps", format: Literal["svg", "png", "pdf"]) -> Iterator[bytes]:
    """The pictures, one after the other. Raises as :func:`~autograd_lite.drawing.pictures.render.render` does."""
    every = list(steps)
    changes = changes_of(every, steps.snapshot)
    scene = scene_of_all(steps.root, steps.snapshot, changes)
    seed = next(i for i, step in enumerate(every) if isinstance(step, Seed))
    draw = Picture(scene).at if format == "svg" else _Places(scene, format).at
    for i, (step, state) in enumerate(zip(every, states_of(changes), strict=True)):
        phase = "backward" if i >= seed else "forward"
        caption = f"step {i + 1} of {len(every)}, {phase}: {step}"
        picture = draw(state, caption)
        yield picture.encode() if isinstance(picture, str) else picture


class _Places:
    """Where Graphviz puts the boxes and arrows of a scene: for pictures of it in which they stay there."""

    def __init__(self, scene: Scene, format: Literal["png", "pdf"]) -> None:
        self.scene, self._format = scene, format
        self._numbered = {box.id for box in scene.boxes if box.lines[-1].startswith("grad ")}
        laid_out = json.loads(render(to_dot(scene), "json0"))
        self._left, bottom, right, _ = map(float, laid_out["bb"].split(","))
        self._wide = max(right - self._left, LEAST)
        self._foot = bottom - CAPTION / 2
        self._bounds = laid_out["bb"]
        #: By id: how wide it is, and its attributes.
        self._places: dict[str, tuple[float, str]] = {}
        for one in (*laid_out.get("objects", ()), *laid_out.get("edges", ())):
            name = one.get("name", "")
            if name.startswith("cluster_"):
                left, bottom, right, top = map(float, one["bb"].split(","))
                at = f'pos="{(left + right) / 2:g},{(bottom + top) / 2:g}"'
                size = f"width={(right - left) / 72:g} height={(top - bottom) / 72:g} fixedsize=true"
                self._places["c" + name.removeprefix("cluster_")] = 0.0, f"{at} {size}"
            elif "width" in one:
                place = f'pos="{one["pos"]}" width={one["width"]} height={one["height"]} fixedsize=true'
                self._places[name] = float(one["width"]), place
            elif "pos" in one:
                self._places[one["id"]] = 0.0, f'pos="{one["pos"]}"'

    def at(self, state: State, caption: str) -> bytes:
        """The picture at a step, with a line of text under it."""
        first, *lines = to_dot(scene_at(self.scene, state)).rstrip("}\n").splitlines()
        lines = [self._placed(line, state) for line in lines]
        # Defaults first, then the boxes of modules, behind all others.
        lines.sort(key=lambda line: 0 if line.startswith(("graph", "node", "edge")) else 1 if line[:1] == "c" else 2)
        text = fitting(caption, self._wide).replace("\\", r"\\").replace('"', r"\"").replace("&", "&amp;")
        foot = (
            f'caption [shape=box style="" color="#ffffff" pos="{self._left + self._wide / 2:g},{self._foot:g}" '
            f'width={self._wide / 72:g} height=0.3 fixedsize=true label="{text}"]'
        )
        whole = [first, f'graph [layout=nop2 bb="{self._bounds}"]', *lines, foot, "}"]
        return render("\n".join(whole), self._format)

    def _placed(self, line: str, state: State) -> str:
        """A line of DOT with the place of what it says, lit or waiting."""
        found = _CLUSTER.match(line) or _BOX.match(line) or _ARROW.match(line)
        if not found:
            is_cluster = line.startswith(("subgraph", "}"))
            return "" if is_cluster else line.replace("layout=nop ", "")
        id = ("c" if line.startswith("graph") else "") + found[1]
        width, place = self._places.get(id, (0.0, ""))
        if "<HR/>" in line and "<VR/>" not in line:  # as wide as its box, which may have been laid out for more
            line = line.replace("<TD>", f'<TD WIDTH="{width * 72 - 1:.0f}">', 1)
        if id in state.lit:
            place += f' color="{COLORS["lit"][0]}" penwidth=3'
        elif id in self._numbered and (id, "data") not in state.texts:
            place += f' color="{COLORS["faint-line"][0]}" style="rounded,filled,dashed"'
        if line.startswith("graph"):  # a box behind the others: Graphviz draws no clusters at given places
            line = f"{id} [shape=box {line.removeprefix('graph [')}"
        return f"{line[:-1]} {place}]"

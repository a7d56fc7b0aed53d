"""A scene as text of Mermaid, which JupyterLab and forges draw."""

import re
from collections.abc import Iterator

from autograd_lite.drawing.pictures.clusters import Cluster, clustered
from autograd_lite.drawing.pictures.palette import COLORS, Look, Looks
from autograd_lite.drawing.scene import Arrow, Scene
from autograd_lite.drawing.text import one_line

__all__ = ["fits", "to_mermaid"]

_SHAPES = {
    "input": ("([", "])"),
    "parameter": ("[", "]"),
    "constant": ("[/", "/]"),
    "operation": ("((", "))"),
    "value": ("(", ")"),
    "output": ("[[", "]]"),
    "folded": ("[(", ")]"),
}


def fits(scene: Scene, text: str) -> bool:
    """Whether Mermaid draws a text of this scene as it is set up everywhere: 500 arrows, 50,000 characters."""
    return len(scene.arrows) <= 500 and len(text) <= 50_000


def to_mermaid(scene: Scene) -> str:
    """The scene as a flowchart of Mermaid: shapes and colours by kind, modules as subgraphs.

    >>> from autograd_lite.drawing.scene import Box
    >>> print(to_mermaid(Scene((Box("v0", "input", ("x", "data 3")),), (), "a number", "")))
    flowchart LR
    v0(["x<br/>data 3"]):::input
    ...
    """
    return "\n".join(_lines(scene))


def _lines(scene: Scene) -> Iterator[str]:
    column = 1 if scene.theme == "dark" else 0
    looks, used = Looks(scene), dict[str, str]()

    def inside(cluster: Cluster) -> Iterator[str]:
        for box in cluster.boxes:
            look = looks.box(box)
            name = "-".join(dict.fromkeys(role.removesuffix("-fill").removesuffix("-line") for role in look[:2]))
            used[name] = _style(name, look, column)
            opening, closing = _SHAPES[box.kind]
            yield f'{box.id}{opening}"{"<br/>".join(map(_escaped, box.lines)) or " "}"{closing}:::{name}'
        for inner in cluster.inner:
            yield f'subgraph c{inner.number} ["{_escaped(inner.path[-1])}"]'
            yield from inside(inner)
            yield "end"

    yield f"flowchart {scene.rankdir}"
    yield from inside(clustered(scene.boxes))
    yield from map(_arrow, scene.arrows)
    lit = [str(position) for position, arrow in enumerate(scene.arrows) if arrow.is_lit]
    if lit:
        yield f"linkStyle {','.join(lit)} stroke:{COLORS['lit'][column]},stroke-width:3px"
    yield from used.values()
    yield ""


def _style(name: str, look: Look, column: int) -> str:
    fill, line, ink = (COLORS[role][column] for role in look[:3])
    alarm = ",stroke-width:3px,stroke-dasharray:6 3" if "is-alarming" in look.classes else ""
    return f"classDef {name} fill:{fill},stroke:{line},color:{ink}{alarm}"


def _arrow(arrow: Arrow) -> str:
    text = arrow.label
    return f'{arrow.tail} -->|"{_escaped(text)}"| {arrow.head}' if text else f"{arrow.tail} --> {arrow.head}"


def _escaped(text: str) -> str:
    """The text in a quoted string of Mermaid: by number, what means something to it or to HTML."""
    shown = one_line(text)
    safe = "".join(c if c.isalnum() or c in " .,:=+-" or ord(c) > 127 else f"#{ord(c)};" for c in shown)
    # "1. x" and "- x" would be lists.
    return re.sub(r"^([+-]) |\. ", lambda found: f"#{ord(found[0][0])}; ", safe) or " "

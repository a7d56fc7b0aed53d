"""A scene as text of Mermaid, which JupyterLab and forges draw."""

from collections.abc import Iterator

from autograd_lite.drawing.palette import COLORS, Looks
from autograd_lite.drawing.scene import Arrow, Box, Scene
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

    >>> print(to_mermaid(Scene((Box("v0", "input", ("x", "data 3")),), (), "a number", "")))
    flowchart LR
    v0(["x<br/>data 3"]):::input
    ...
    """
    return "\n".join(_lines(scene))


def _lines(scene: Scene) -> Iterator[str]:
    looks = Looks(scene)
    column = 1 if scene.theme == "dark" else 0
    used: dict[str, str] = {}
    yield f"flowchart {scene.rankdir}"
    open_clusters: tuple[str, ...] = ()
    inside: dict[tuple[str, ...], list[Box]] = {}
    for box in scene.boxes:
        inside.setdefault(box.cluster, []).append(box)
    for number, path in enumerate(sorted(inside)):
        shared = 0
        while shared < min(len(path), len(open_clusters)) and path[shared] == open_clusters[shared]:
            shared += 1
        yield from ["end"] * (len(open_clusters) - shared)
        for depth in range(shared, len(path)):
            yield f'subgraph c{number}_{depth} ["{_escaped(path[depth])}"]'
        open_clusters = path
        for box in inside[path]:
            look = looks.box(box)
            name = "_".join(dict.fromkeys((look.fill, look.line))).replace("-", "_")
            name = box.kind if look.fill == f"{box.kind}-fill" and look.line == f"{box.kind}-line" else name
            fill, line, ink = (COLORS[role][column] for role in (look.fill, look.line, look.ink))
            used[name] = f"classDef {name} fill:{fill},stroke:{line},color:{ink}" + (
                ",stroke-width:3px,stroke-dasharray:6 3" if box.is_alarming else ""
            )
            opening, closing = _SHAPES[box.kind]
            label = "<br/>".join(_escaped(line) for line in box.lines) or " "
            yield f'{box.id}{opening}"{label}"{closing}:::{name}'
    yield from ["end"] * len(open_clusters)
    yield from map(_arrow, scene.arrows)
    lit = [str(position) for position, arrow in enumerate(scene.arrows) if arrow.is_lit]
    if lit:
        yield f"linkStyle {','.join(lit)} stroke:{COLORS['lit'][column]},stroke-width:3px"
    yield from used.values()
    yield ""


def _arrow(arrow: Arrow) -> str:
    text = arrow.label
    return f'{arrow.tail} -->|"{_escaped(text)}"| {arrow.head}' if text else f"{arrow.tail} --> {arrow.head}"


def _escaped(text: str) -> str:
    """The text in a quoted string of Mermaid: by number, what means something to it or to HTML."""
    shown = one_line(text)
    return "".join(f if f.isalnum() or f in " .,:=+-" or ord(f) > 127 else f"#{ord(f)};" for f in shown) or " "

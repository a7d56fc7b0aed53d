"""A scene as text in Graphviz's DOT language."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from autograd_lite.drawing.palette import COLORS, Look, Looks
from autograd_lite.drawing.scene import Arrow, Box, Scene
from autograd_lite.drawing.text import as_html, one_line

__all__ = ["to_dot"]

#: How many columns all arrows together may cross in a drawing that Graphviz lays out. Its effort grows with them.
_MOST_CROSSED = 5_000

#: What each kind looks like, colours apart.
_SHAPES = {
    "input": 'shape=box style="rounded,filled"',
    "parameter": 'shape=box style="filled"',
    "constant": 'shape=box style="rounded,filled,dashed" margin="0.06,0.03"',
    "operation": 'shape=ellipse style=filled width=0.32 height=0.32 margin="0.04,0.02" fontsize=13',
    "value": 'shape=box style="rounded,filled"',
    "output": 'shape=box style="rounded,filled" penwidth=2.4',
    "folded": 'shape=box style="filled" peripheries=2',
}


def to_dot(scene: Scene) -> str:
    """The scene in DOT: values as boxes, operations as circles, modules as clusters.

    Graphviz lays out small scenes. In a large one each box gets its place here, in linear time: in columns, each
    result to the right of its operands (or below them), with straight arrows and without clusters.

    >>> print(to_dot(Scene((Box("v0", "input", ("data 3",)),), (), "a number", "")))
    digraph {
    ...
    v0 [id=v0 class="kind-input" ... label=<...>]
    }
    """
    return "\n".join(_Writer(scene).lines())


class _Writer:
    """One scene on its way to DOT."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.looks = scene, Looks(scene)
        self._column = 1 if scene.theme == "dark" else 0
        columns = _columns(scene)
        crossed = sum(columns[arrow.head] - columns[arrow.tail] for arrow in scene.arrows)
        self.is_large = crossed > _MOST_CROSSED
        self._places = dict(_places(scene, columns)) if self.is_large else {}

    def color(self, role: str) -> str:
        return COLORS[role][self._column]

    def lines(self) -> Iterator[str]:
        yield "digraph {"
        yield from self._defaults()
        if self.is_large:
            yield from map(self._box, self.scene.boxes)
        else:
            yield from self._clusters()
        yield from map(self._arrow, self.scene.arrows)
        yield "}\n"

    def _defaults(self) -> Iterator[str]:
        font = 'fontname="Helvetica,Arial,sans-serif"'
        # ordering=in keeps the operands of an operation in order, so that x - y can be told from y - x.
        # nslimit and nslimit1 bound the steps of Graphviz's search for good places; small graphs need fewer.
        layout = "layout=nop splines=line" if self.is_large else "nslimit=1 nslimit1=1"
        yield (
            f"graph [rankdir={self.scene.rankdir} ordering=in {layout} nodesep=0.15 ranksep=0.35 pad=0.15 "
            f'bgcolor="{self.color("paper")}" {font} fontsize=10 fontcolor="{self.color("muted")}"'
            f"{self._foot()}]"
        )
        yield f'node [{font} fontsize=11 fontcolor="{self.color("ink")}" margin=0 width=0 height=0]'
        yield (
            f'edge [arrowsize=0.6 color="{self.color("line")}" {font} fontsize=9 fontcolor="{self.color("muted")}"]'
        )

    def _foot(self) -> str:
        """What stands under the picture: the note, and what the colours of gradients say."""
        rows = [f'<TR><TD ALIGN="LEFT">{_html(line)}</TD></TR>' for line in self.scene.note.splitlines()]
        if self.looks.scale.borders:
            rows.append(f'<TR><TD ALIGN="LEFT">{self._legend()}</TD></TR>')
        if not rows:
            return ""
        table = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2">{"".join(rows)}</TABLE>'
        return f" labelloc=b labeljust=l label=<{table}>"

    def _legend(self) -> str:
        borders = self.looks.scale.borders
        steps = [(-b, f"≤ −{b:g}") for b in reversed(borders)] + [(0.0, "0")] + [(b, f"≥ {b:g}") for b in borders]
        cells = "".join(
            f'<TD BORDER="1" COLOR="{self.color("value-line")}" BGCOLOR="{self.color(self.looks.scale.role(grad))}">'
            f'<FONT COLOR="{self.color("ink")}">{text}</FONT></TD>'
            for grad, text in steps
        )
        return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="3"><TR><TD>grad</TD>{cells}</TR></TABLE>'

    def _clusters(self) -> Iterator[str]:
        """The boxes, each in the clusters that it stands in."""
        inside: dict[tuple[str, ...], list[Box]] = {(): []}
        children: dict[tuple[str, ...], list[tuple[str, ...]]] = {(): []}
        for box in self.scene.boxes:
            for depth in range(1, len(box.cluster) + 1):
                path = box.cluster[:depth]
                if path not in inside:
                    inside[path], children[path] = [], []
                    children[path[:-1]].append(path)
            inside[box.cluster].append(box)
        numbers = {path: number for number, path in enumerate(inside)}

        def written(path: tuple[str, ...]) -> Iterator[str]:
            yield from map(self._box, inside[path])
            for child in children[path]:
                yield f"subgraph cluster_{numbers[child]} {{"
                yield (
                    f'graph [id=c{numbers[child]} class="cluster-{len(child)}" label={_quoted(child[-1])} '
                    f'labelloc=t labeljust=l style="rounded,filled" margin=8 '
                    f'color="{self.color("cluster-line")}" penwidth=0.8 '
                    f'fillcolor="{self.color("cluster-fill" if len(child) % 2 else "paper")}"]'
                )
                yield from written(child)
                yield "}"

        return written(())

    def _box(self, box: Box) -> str:
        look = self.looks.box(box)
        style = _SHAPES[box.kind]
        if box.is_alarming:
            style = style.replace("filled", "filled,dashed") + " penwidth=2.4"
        elif box.is_lit:
            style += " penwidth=2.4"
        return (
            f'{box.id} [id={box.id} class="{" ".join(look.classes)}" {style} fillcolor="{self.color(look.fill)}" '
            f'color="{self.color(look.line)}"{self._place(box)}{_tooltip(box.tooltip)} label={self._label(box, look)}]'
        )

    def _place(self, box: Box) -> str:
        return f' pos="{self._places[box.id]}"' if self.is_large else ""

    def _label(self, box: Box, look: Look) -> str:
        if box.kind in ("operation", "constant"):
            color = "" if look.ink == "ink" else f' fontcolor="{self.color(look.ink)}"'
            return _quoted(" ".join(box.lines)) + color
        cells = []
        for position, line in enumerate(box.lines):
            word, space, number = line.partition(" ")
            if position == 0 and box.is_named:
                text = f"<B>{_html(line)}</B>"
            elif space and word in ("data", "grad"):
                text = f'<FONT COLOR="{self.color(look.muted)}">{word}</FONT> {_html(number)}'
            else:
                text = _html(line)
            cells.append(f"<TR><TD>{text}</TD></TR>")
        line = self.color(look.line)
        label = (
            f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="3" COLOR="{line}">'
            f"{'<HR/>'.join(cells)}</TABLE>>"
        )
        return label if look.ink == "ink" else f'{label} fontcolor="{self.color(look.ink)}"'

    def _arrow(self, arrow: Arrow) -> str:
        look = self.looks.arrow(arrow)
        attributes = f'id="{arrow.id}"' + _tooltip(arrow.tooltip)
        text = one_line(arrow.label)
        if text:
            attributes += f" label={_quoted(text)}"
        if look.classes:
            width = 2.4 if arrow.is_lit else 1
            attributes += f' class="{look.classes[0]}" color="{self.color(look.line)}" penwidth={width}'
            attributes += f' fontcolor="{self.color(look.ink)}"'
        return f"{arrow.tail} -> {arrow.head} [{attributes}]"


def _columns(scene: Scene) -> dict[str, int]:
    """Each box in the column after the last of those that lead to it; those without any just before their first use."""
    columns = dict.fromkeys((box.id for box in scene.boxes), 0)
    into: dict[str, list[str]] = {}
    for arrow in scene.arrows:
        into.setdefault(arrow.head, []).append(arrow.tail)
    first_uses: dict[str, int] = {}
    for box in scene.boxes:
        tails = into.get(box.id)
        if tails:
            columns[box.id] = 1 + max(columns[tail] for tail in tails)
            for tail in tails:
                first_uses[tail] = min(first_uses.get(tail, columns[box.id]), columns[box.id])
    for box in scene.boxes:
        if box.id not in into:
            columns[box.id] = first_uses.get(box.id, 1) - 1
    return columns


def _places(scene: Scene, columns: dict[str, int]) -> Iterator[tuple[str, str]]:
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


def _html(text: str) -> str:
    """A text for a label in Graphviz's HTML."""
    return as_html(one_line(text)).replace("\\", "\\\\").replace("  ", "&#160;&#160;") or "&#160;"


def _quoted(text: str) -> str:
    """A text as a quoted string of DOT, that is shown as it is."""
    return '"' + one_line(text, 10_000).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;") + '"'


def _tooltip(text: str) -> str:
    return f" tooltip={_quoted(text)}" if text else ""

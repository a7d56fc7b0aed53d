"""A scene as text in Graphviz's DOT language."""

import textwrap
from collections.abc import Iterator, Sequence

from autograd_lite.drawing.pictures.clusters import Cluster, clustered
from autograd_lite.drawing.pictures.layers import in_layers
from autograd_lite.drawing.pictures.layout import columns_of, is_better_stacked, places_of
from autograd_lite.drawing.pictures.palette import COLORS, Look, Looks
from autograd_lite.drawing.scene import Arrow, Box, Kind, Scene
from autograd_lite.drawing.text import as_html, one_line

__all__ = ["to_dot"]

#: What Graphviz lays out: how many columns all arrows together may cross, those with a text counted twice, in curves
#: and at all. Its effort grows with them. In a larger drawing each box gets its place here.
_MOST_CURVED, _MOST_CROSSED = 2_000, 5_000

#: Operations whose operands may come in any order.
_COMMUTATIVE = {("+",), ("*",)}

#: What each kind looks like, colours apart.
_SHAPES = {
    "input": 'shape=note style="filled"',
    "parameter": 'shape=box style="filled"',
    "constant": 'shape=box style="filled,dashed" margin="0.08,0.03"',
    "operation": 'shape=ellipse style="filled" width=0.32 height=0.32 margin="0.04,0.02" fontsize=13',
    "value": 'shape=box style="rounded,filled" margin="0.05,0.03"',
    "output": 'shape=box style="rounded,filled" margin="0.05,0.03" penwidth=2.4',
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
        columns = columns_of(scene)
        self.is_dense = len(scene.arrows) > 3 * len(scene.boxes)
        self.effort = sum(
            (columns[arrow.head] - columns[arrow.tail]) * (2 if arrow.label else 1) for arrow in scene.arrows
        )
        self.is_large = self.effort > _MOST_CROSSED
        self._layers = in_layers(scene, columns) if self.is_dense and not self.is_large else None
        self._is_stacked = self.is_large or self._layers is not None or is_better_stacked(scene, columns)
        self._styles: dict[tuple[Kind, Look], str] = {}
        self._places = dict(places_of(scene, columns)) if self.is_large else {}
        if self._layers is not None:
            self._places = {box: f"{x:g},{y:g}" for box, (x, y) in self._layers.places.items()}
        self._operations = {box.id for box in scene.boxes if box.kind == "operation"}
        self._clusters_of = {box.id: box.cluster for box in scene.boxes if box.cluster}
        self._sides = self._sides_of_operands()

    def color(self, role: str) -> str:
        return COLORS[role][self._column]

    def lines(self) -> Iterator[str]:
        yield "digraph {"
        yield from self._defaults()
        if self.is_large:
            yield from map(self._box, self.scene.boxes)
        else:
            yield from self._inside(clustered(self.scene.boxes))
        yield from map(self._arrow, self._in_order())
        yield "}\n"

    def _defaults(self) -> Iterator[str]:
        font = 'fontname="Helvetica,Arial,sans-serif"'
        yield (
            f"graph [rankdir={self.scene.rankdir} ordering=in {self._layout()} nodesep=0.16 pad=0.15 margin=0 "
            f'bgcolor="{self.color("paper")}" {font} fontsize=10 fontcolor="{self.color("muted")}"'
            f"{self._foot()}]"
        )
        yield f'node [{font} fontsize=11 fontcolor="{self.color("ink")}" margin=0 width=0 height=0]'
        thin = "arrowsize=0.4 penwidth=0.7" if self.is_dense else "arrowsize=0.6"
        yield f'edge [{thin} color="{self.color("line")}" {font} fontsize=9 fontcolor="{self.color("muted")}"]'

    def _layout(self) -> str:
        if self._places:
            return "layout=nop splines=line"
        # ordering=in keeps the operands of an operation in order, so that x - y can be told from y - x.
        # nslimit and nslimit1 bound the steps of Graphviz's search for good places.
        is_easy = self.effort <= _MOST_CURVED
        steps = 20 if is_easy else 4
        lines = " splines=line" if self.is_dense or not is_easy else ""
        return f"nslimit={steps} nslimit1={steps} ranksep={1.0 if self.is_dense else 0.35}{lines}"

    def _in_order(self) -> Sequence[Arrow]:
        """The arrows so that Graphviz shows operands in order: in clusters, from left to right, it turns it round."""
        if self._places or self.scene.rankdir == "TB":
            return self.scene.arrows
        inside = self._clusters_of
        turned = [arrow for arrow in reversed(self.scene.arrows) if arrow.head in inside]
        return [arrow for arrow in self.scene.arrows if arrow.head not in inside] + turned

    def _foot(self) -> str:
        """What stands under the picture: the note, and what the colours of gradients say."""
        rows = [f'<TR><TD ALIGN="LEFT">{_html(line, 100)}</TD></TR>' for line in _wrapped(self.scene.note)]
        if self.looks.scale.borders:
            rows.append(f'<TR><TD ALIGN="LEFT">{self._legend()}</TD></TR>')
        if not rows:
            return ""
        table = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2">{"".join(rows)}</TABLE>'
        return f" labelloc=b labeljust=l label=<{table}>"

    def _legend(self) -> str:
        borders = self.looks.scale.borders
        steps = [(-b, f"≤ -{b:g}") for b in reversed(borders)] + [(0.0, "0")] + [(b, f"≥ {b:g}") for b in borders]
        cells = "".join(
            f'<TD BORDER="1" COLOR="{self.color("value-line")}" BGCOLOR="{self.color(self.looks.scale.role(grad))}">'
            f'<FONT COLOR="{self.color("ink")}">{text}</FONT></TD>'
            for grad, text in steps
        )
        return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="3"><TR><TD>grad</TD>{cells}</TR></TABLE>'

    def _inside(self, cluster: Cluster) -> Iterator[str]:
        # From left to right, Graphviz stacks what is in a cluster, and clusters, from the bottom.
        is_turned = self.scene.rankdir == "LR" and self._layers is None
        yield from map(self._box, reversed(cluster.boxes) if is_turned and cluster.path else cluster.boxes)
        for inner in reversed(cluster.inner) if is_turned else cluster.inner:
            depth = len(inner.path)
            yield f"subgraph cluster_{inner.number} {{"
            yield (
                f'graph [id=c{inner.number} class="cluster-{depth}" label={_quoted(inner.path[-1])} '
                f'labelloc=t labeljust=l style="rounded,filled" margin=8{self._frame(inner)} '
                f'color="{self.color("cluster-line")}" penwidth=0.8 '
                f'fillcolor="{self.color("cluster-fill" if depth % 2 else "paper")}"]'
            )
            yield from self._inside(inner)
            yield "}"

    def _frame(self, cluster: Cluster) -> str:
        """The frame of a module and the place of its name, where they are known."""
        if self._layers is None:
            return ""
        left, bottom, right, top = self._layers.frames[cluster.path]
        middle = left + 8 + 2.5 * len(one_line(cluster.path[-1]))
        return f' bb="{left:g},{bottom:g},{right:g},{top:g}" lp="{middle:g},{top - 10:g}"'

    def _box(self, box: Box) -> str:
        look = self.looks.box(box)
        style = self._style(box.kind, look)
        label = self._label(box, look)
        if self.is_large:
            return f'{box.id} [id={box.id} pos="{self._places[box.id]}" {style} label={label}]'
        place = f'pos="{self._places[box.id]}" ' if self._places else ""
        return f"{box.id} [id={box.id} {place}{style}{_tooltip(box.tooltip)} label={label}]"

    def _style(self, kind: Kind, look: Look) -> str:
        """The attributes that few looks share with many boxes."""
        if (kind, look) not in self._styles:
            style = _SHAPES[kind]
            if kind == "input" and not self._is_stacked:
                style += ' margin="0.07,0"'  # room for the corner of the note
            if "is-alarming" in look.classes:
                style = style.replace("filled", "filled,dashed")
            if "is-alarming" in look.classes or "is-lit" in look.classes:
                style = f"{style.removesuffix(' penwidth=2.4')} penwidth=2.4"
            color = "" if look.ink == "ink" else f' fontcolor="{self.color(look.ink)}"'
            self._styles[kind, look] = (
                f'class="{" ".join(look.classes)}" {style} fillcolor="{self.color(look.fill)}" '
                f'color="{self.color(look.line)}"{color}'
            )
        return self._styles[kind, look]

    def _label(self, box: Box, look: Look) -> str:
        if self.is_large or box.kind in ("operation", "constant"):
            # A label that begins with an empty line crashes Graphviz 14.
            lines = "\\n".join(_escaped(one_line(line)) or "\u00a0" for line in box.lines)
            return f'"{lines}"'
        cells = []
        for position, line in enumerate(box.lines):
            if position == 0 and box.is_named:
                cells.append(f"<B>{_html(line)}</B>")
            elif line.startswith(("data ", "grad ")):
                word, _, number = line.partition(" ")
                cells.append(f'<FONT COLOR="{self.color(look.muted)}">{word}</FONT> {_html(number)}')
            else:
                cells.append(_html(line))
        return (
            f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="3" COLOR="{self.color(look.line)}">'
            f"{self._rows(cells, box)}</TABLE>>"
        )

    def _rows(self, cells: list[str], box: Box) -> str:
        """The lines of a label: one below the other, or in one row; four and more in two columns under the first."""
        cells = [f"<TD>{cell}</TD>" for cell in cells] or ["<TD>&#160;</TD>"]
        is_folded = box.kind == "folded"
        if self._is_stacked and not (self._layers and box.id in self._layers.broad):
            rows = cells
        elif len(cells) < 4:
            rows = ["<VR/>".join(cells)]
        else:
            first, *rest = cells
            if len(rest) % 2:
                rest[-1] = rest[-1].replace("<TD>", '<TD COLSPAN="2">')
            rows = [first.replace("<TD>", '<TD COLSPAN="2">')]
            rows += ["<VR/>".join(rest[at : at + 2]) for at in range(0, len(rest), 2)]
        first, *rest = [f"<TR>{row}</TR>" for row in rows]
        return first + "".join(("<HR/>" if not is_folded or row is rest[0] else "") + row for row in rest)

    def _sides_of_operands(self) -> dict[str, str]:
        """Where an arrow comes in to an operation whose operands are not alike: the first above or left of the second.

        The operands themselves do not always stand so: one may be an operand of two, or stand in another module.
        """
        operands: dict[str, list[str]] = {
            box.id: [] for box in self.scene.boxes if box.kind == "operation" and box.lines not in _COMMUTATIVE
        }
        for arrow in self.scene.arrows:
            if arrow.head in operands:
                operands[arrow.head].append(arrow.id)
        first, middle, last = ("nw", "w", "sw") if self.scene.rankdir == "LR" else ("nw", "n", "ne")
        sides = {2: (first, last), 3: (first, middle, last)}
        return {
            arrow: side
            for arrows in operands.values()
            for arrow, side in zip(arrows, sides.get(len(arrows), ()), strict=False)
        }

    def _ports(self, arrow: Arrow) -> str:
        """Where it leaves a box and where it comes in: in the middle of a side, if boxes are wide or arrows many."""
        out, into = "ew" if self.scene.rankdir == "LR" else "sn"
        is_loose = self._is_stacked and not self.is_dense
        tail = "" if is_loose or arrow.tail in self._operations else out
        head = self._sides.get(arrow.id, "" if is_loose or arrow.head in self._operations else into)
        return (tail and f" tailport={tail}") + (head and f" headport={head}")

    def _enters(self, arrow: Arrow) -> bool:
        """Whether it leads to an operation in a cluster from outside."""
        inside = self._clusters_of.get(arrow.head, ())
        return (
            bool(inside)
            and arrow.head in self._operations
            and self._clusters_of.get(arrow.tail, ())[: len(inside)] != inside
        )

    def _arrow(self, arrow: Arrow) -> str:
        look = self.looks.arrow(arrow)
        if self.is_large and not look.classes and not arrow.label and arrow.id not in self._sides:
            return f'{arrow.tail} -> {arrow.head} [id="{arrow.id}"]'
        attributes = f'id="{arrow.id}"' + _tooltip(arrow.tooltip)
        attributes += self._ports(arrow)
        if self._enters(arrow):
            attributes += " minlen=2"  # so that what is inside a module stands behind all that leads to it
        text = one_line(arrow.label)
        if text:
            attributes += f" label={_quoted(text)}"
        if look.classes:
            width = 2.4 if arrow.is_lit else 1
            attributes += f' class="{look.classes[0]}" color="{self.color(look.line)}" penwidth={width}'
            attributes += f' fontcolor="{self.color(look.ink)}"'
        return f"{arrow.tail} -> {arrow.head} [{attributes}]"


def _html(text: str, most: int = 60) -> str:
    """A text for a label in Graphviz's HTML."""
    return as_html(one_line(text, most)).replace("\\", "\\\\").replace("  ", "&#160;&#160;") or "&#160;"


def _wrapped(text: str) -> list[str]:
    return [part for line in text.splitlines() for part in textwrap.wrap(one_line(line, None), 100)]


def _quoted(text: str) -> str:
    """A text as a quoted string of DOT, that is shown as it is."""
    return f'"{_escaped(one_line(text))}"'


def _tooltip(text: str) -> str:
    lines = "\\n".join(_escaped(one_line(line, None)) for line in text.splitlines())
    return f' tooltip="{lines}"' if lines else ""


def _escaped(line: str) -> str:
    return line.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")

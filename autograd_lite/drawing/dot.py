"""A computation graph as text in Graphviz's DOT language."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from autograd_lite.core import graph
from autograd_lite.core.value import Value

__all__ = ["to_dot"]

_VALUE = {"shape": "record", "style": "filled", "fillcolor": "#ffffff"}
_LEAF = {"shape": "record", "style": "filled", "fillcolor": "#fff4d6"}
_CONSTANT = {"shape": "box", "style": "dashed", "height": "0.3"}
_OPERATION = {"shape": "circle", "style": "filled", "fillcolor": "#dbe9ff", "margin": "0.02"}


#: Up to so many Values dot lays the graph out, which takes it some seconds at the most.
LARGE = 1000


def to_dot(roots: Sequence[Value], rankdir: str) -> str:
    """The graph that leads to the roots: Values as boxes, operations as circles, one edge for each operand.

    A graph of more than :data:`LARGE` Values comes with its places: each node in the column of its depth.
    """
    import graphviz

    nodes = graph.nodes(*roots)
    columns = _Columns(rankdir) if len(nodes) > LARGE else None
    # ordering=in keeps the operands of an operation in order, so that x - y can be told from y - x. nslimit bounds the
    # search for places, which else takes a minute for a leaf that is used often.
    effort = {"ordering": "in", "nslimit": "1"} if columns is None else {"layout": "nop", "splines": "line"}
    dot = graphviz.Digraph(
        graph_attr={"rankdir": rankdir, **effort},
        node_attr={"fontname": "Helvetica", "fontsize": "11"},
        edge_attr={"arrowsize": "0.6", "color": "#555555"},
    )
    names: dict[Value, str] = {}
    for position, node in enumerate(nodes):
        names[node] = name = f"v{position}"
        shape = _LEAF if node.is_leaf and node.requires_grad else _VALUE
        sources = [names.get(operand) if isinstance(operand, Value) else None for operand in node.operands]
        depth = 2 + max((columns.depths[s] for s in sources if s is not None), default=0) if columns else 0
        dot.node(name, _label(node), **shape, **(columns.place(name, depth if sources else 0) if columns else {}))
        if node.op is not None:
            _add_operation(dot, node, sources, f"o{position}", name, columns)
    return str(dot.source)


class _Columns:
    """Places for nodes, column by column."""

    def __init__(self, rankdir: str) -> None:
        self.depths: dict[str, int] = {}
        self._rankdir = rankdir
        self._counts: Counter[int] = Counter()

    def place(self, name: str, depth: int) -> dict[str, str]:
        """The next place in a column, in points; y goes up."""
        self.depths[name] = depth
        row = self._counts[depth]
        self._counts[depth] += 1
        across, down = (150 * depth, -70 * row) if self._rankdir == "LR" else (150 * row, -70 * depth)
        return {"pos": f"{across},{down}"}


def _add_operation(
    dot: Any, result: Value, sources: Sequence[str | None], name: str, result_name: str, columns: _Columns | None
) -> None:
    import graphviz

    assert result.op is not None

    def place(name: str, before: int) -> dict[str, str]:
        return columns.place(name, columns.depths[result_name] - before) if columns else {}

    dot.node(name, graphviz.nohtml(_literal(result.op.symbol)), **_OPERATION, **place(name, 1))
    dot.edge(name, result_name)
    for position, (operand, source) in enumerate(zip(result.operands, sources, strict=True)):
        if source is None:
            source = f"{name}c{position}"  # noqa: PLW2901 - a node of its own for a constant
            dot.node(source, shown(operand), **_CONSTANT, **place(source, 2))
        dot.edge(source, name)


def _label(node: Value) -> str:
    fields = [] if node.name is None else [_literal(node.name, also="{}|<> ")]
    fields.append(f"data {shown(node.data)}")
    if node.requires_grad:
        fields.append(f"grad {shown(node.grad) if node.has_grad else '-'}")
    else:
        fields.append("constant")
    return "{" + "|".join(fields) + "}"


def _literal(text: str, also: str = "") -> str:
    """Escape a text, so that Graphviz shows it as it is; ``also`` are further characters to escape."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    printable = printable.replace("&", "&amp;")
    return "".join("\\" + letter if letter in "\\" + also else letter for letter in printable)


def shown(x: Any) -> str:
    """A number with five significant digits."""
    return f"{x:.5g}"

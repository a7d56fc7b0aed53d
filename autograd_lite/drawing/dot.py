"""A computation graph as text in Graphviz's DOT language."""

from collections.abc import Sequence
from typing import Any

from autograd_lite.core import graph
from autograd_lite.core.value import Value

__all__ = ["to_dot"]

_VALUE = {"shape": "record", "style": "filled", "fillcolor": "#ffffff"}
_LEAF = {"shape": "record", "style": "filled", "fillcolor": "#fff4d6"}
_CONSTANT = {"shape": "box", "style": "dashed", "height": "0.3"}
_OPERATION = {"shape": "circle", "style": "filled", "fillcolor": "#dbe9ff", "margin": "0.02"}


def to_dot(roots: Sequence[Value], rankdir: str) -> str:
    """The graph that leads to the roots: Values as boxes, operations as circles, one edge for each operand."""
    import graphviz

    # ordering=in keeps the operands of an operation in order, so that x - y can be told from y - x.
    dot = graphviz.Digraph(
        graph_attr={"rankdir": rankdir, "ordering": "in"},
        node_attr={"fontname": "Helvetica", "fontsize": "11"},
        edge_attr={"arrowsize": "0.6", "color": "#555555"},
    )
    names: dict[Value, str] = {}
    for position, node in enumerate(graph.nodes(*roots)):
        names[node] = f"v{position}"
        dot.node(names[node], _label(node), **(_LEAF if node.is_leaf and node.requires_grad else _VALUE))
        if node.op is not None:
            _add_operation(dot, node, f"o{position}", names)
    return str(dot.source)


def _add_operation(dot: Any, result: Value, name: str, names: dict[Value, str]) -> None:
    import graphviz

    assert result.op is not None
    dot.node(name, graphviz.nohtml(_literal(result.op.symbol)), **_OPERATION)
    dot.edge(name, names[result])
    for position, operand in enumerate(result.operands):
        source = names.get(operand) if isinstance(operand, Value) else None
        if source is None:  # a constant
            source = f"{name}c{position}"
            dot.node(source, shown(operand), **_CONSTANT)
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
    """Text that Graphviz shows as it is; ``also`` are the characters that have a meaning in a record."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    printable = printable.replace("&", "&amp;")
    return "".join("\\" + letter if letter in "\\" + also else letter for letter in printable)


def shown(x: Any) -> str:
    """A number short enough for a picture: five digits that count."""
    return f"{x:.5g}"

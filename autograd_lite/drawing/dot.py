"""A computation graph as text in Graphviz's DOT language."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from autograd_lite.core.value import Value
from autograd_lite.drawing.written_out import Drawn, Step, drawn

__all__ = ["to_dot"]

_VALUE = {"shape": "record", "style": "filled", "fillcolor": "#ffffff"}
_LEAF = {"shape": "record", "style": "filled", "fillcolor": "#fff4d6"}
_CONSTANT = {"shape": "box", "style": "dashed", "height": "0.3"}
_OPERATION = {"shape": "circle", "style": "filled", "fillcolor": "#dbe9ff", "margin": "0.02"}

#: How many columns all edges together may cross in a drawing that Graphviz lays out. Its effort grows with them.
_MOST_CROSSED = 5_000


def to_dot(roots: Sequence[Value], rankdir: str, expand: bool | None) -> str:
    """The graph that leads to the roots: Values as boxes, operations as circles, one edge for each operand.

    Graphviz lays out small graphs. In a large graph each node gets its place here, in linear time: in
    columns, each result to the right of its operands (or below them), with straight edges.
    """
    import graphviz

    nodes = drawn(roots, expand)
    columns = _columns(nodes)
    crossed = sum(columns[one.node] - columns[operand] for one in nodes for operand in _nodes_among(one.operands))
    is_large = crossed > _MOST_CROSSED
    place = _places(rankdir, max(columns.values())) if is_large else lambda column: {}
    # ordering=in keeps the operands of an operation in order, so that x - y can be told from y - x.
    # nslimit and nslimit1 bound the steps of Graphviz's search for good places; small graphs need fewer.
    layout = {"layout": "nop", "splines": "line"} if is_large else {"nslimit": "1", "nslimit1": "1"}
    dot = graphviz.Digraph(
        graph_attr={"rankdir": rankdir, "ordering": "in", **layout},
        node_attr={"fontname": "Helvetica", "fontsize": "11"},
        edge_attr={"arrowsize": "0.6", "color": "#555555"},
    )
    names: dict[Value | Step, str] = {}
    for position, one in enumerate(nodes):
        node = one.node
        names[node] = f"v{position}"
        style = _LEAF if node.is_leaf and node.requires_grad else _VALUE
        dot.node(names[node], _label(node), **style, **place(columns[node]))
        if one.op is not None:
            _add_operation(dot, one, f"o{position}", names, columns[node], place)
    return str(dot.source)


def _add_operation(
    dot: Any,
    result: Drawn,
    name: str,
    names: dict[Value | Step, str],
    column: int,
    place: Callable[[int], dict[str, str]],
) -> None:
    import graphviz

    assert result.op is not None
    dot.node(name, graphviz.nohtml(_literal(result.op.symbol)), **_OPERATION, **place(column - 1))
    dot.edge(name, names[result.node])
    for position, operand in enumerate(result.operands):
        source = names.get(operand) if isinstance(operand, (Value, Step)) else None
        if source is None:  # a constant
            source = f"{name}c{position}"
            dot.node(source, shown(operand), **_CONSTANT, **place(column - 2))
        dot.edge(source, name)


def _nodes_among(operands: tuple[Any, ...]) -> list[Value | Step]:
    return [operand for operand in operands if isinstance(operand, (Value, Step))]


def _columns(nodes: list[Drawn]) -> dict[Value | Step, int]:
    """Each result two columns after the last of its operands, with its operation between; leaves before their uses."""
    columns: dict[Value | Step, int] = {}
    first_uses: dict[Value | Step, int] = {}
    for node, op, operands in nodes:
        if op is not None:
            columns[node] = 2 + max([columns.get(operand, 0) for operand in _nodes_among(operands)], default=0)
            for operand in _nodes_among(operands):
                first_uses[operand] = min(first_uses.get(operand, columns[node]), columns[node])
    return {node: columns[node] if node in columns else first_uses.get(node, 2) - 2 for node, _, _ in nodes}


def _places(rankdir: str, last: int) -> Callable[[int], dict[str, str]]:
    """A function that gives the next free place in a column, as Graphviz's attribute ``pos``."""
    taken: Counter[int] = Counter()
    width, height = (190, 40) if rankdir == "LR" else (100, 130)  # points, from one to the next
    lift = last * width // 16  # of column 0, so that edges to far columns do not all lie on one line

    def place(column: int) -> dict[str, str]:
        along, across = column * width, taken[column] * height - (lift if column == 0 else 0)
        taken[column] += 1
        return {"pos": f"{along},{-across}" if rankdir == "LR" else f"{across},{-along}"}

    return place


def _label(node: Value | Step) -> str:
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

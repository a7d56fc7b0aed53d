"""Walks over a graph."""

from autograd_lite import Value
from autograd_lite.core import graph


def test_operations_come_after_their_operands() -> None:
    a, b = Value(2.0), Value(3.0)
    c = a * b
    d = c + a
    e = d * c
    order = graph.operations(e)
    assert order == [c, d, e]
    assert all(order.index(o) < i for i, node in enumerate(order) for o in node.operands if o in order)


def test_nodes_include_leaves_and_constants_once() -> None:
    a, k = Value(2.0), Value(3.0).detach()
    b = a * a + k
    assert [node.is_leaf for node in graph.nodes(b)] == [True, False, True, False]
    assert graph.leaves(b) == [a, k]


def test_a_walk_stops_where_it_is_told_to() -> None:
    a = Value(2.0)
    b = a * 3.0
    c = b * b
    assert graph.operations(c, stop=[b]) == [c]
    assert graph.nodes(c, stop=[b]) == [c]


def test_several_roots_share_one_walk() -> None:
    a = Value(2.0)
    b = a * 3.0
    c, d = b + 1.0, b - 1.0
    assert graph.operations(c, d) == [b, d, c] or graph.operations(c, d) == [b, c, d]


def test_a_lone_leaf_is_its_own_graph() -> None:
    a = Value(2.0)
    assert graph.operations(a) == []
    assert graph.nodes(a) == [a]

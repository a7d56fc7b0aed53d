"""Graphs that do not fit: what shares a box, and what is counted."""

import math
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

import autograd_lite as ag
from autograd_lite import Op, Value, draw, nn
from autograd_lite.core import graph
from autograd_lite.drawing.scene import Box, Scene

fma = Op("fma", lambda x, y, z: x * y + z, lambda ans, x, y, z: (y, x, 1.0))


def quietly(root: Any, *inputs: Any, **options: Any) -> Scene:
    """The scene, without the warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return draw(root, *inputs, **options).scene


def nodes_of(scene: Scene) -> list[Box]:
    """The boxes that stand for nodes: no operations, and no constants that are no nodes."""
    return [box for box in scene.boxes if box.id[0] in "vm" and box.id[1] != "o"]


def assert_is_whole(scene: Scene, *roots: Value) -> None:
    """Every node is in one box, every arrow between boxes is there and counted, and there is no cycle."""
    places = {box.id: i for i, box in enumerate(scene.boxes)}
    assert len(places) == len(scene.boxes)
    assert sum(box.count for box in nodes_of(scene)) == len(graph.nodes(*roots))
    assert all(places[arrow.tail] < places[arrow.head] for arrow in scene.arrows)
    assert len({arrow.id for arrow in scene.arrows}) == len(scene.arrows)


@st.composite
def graphs(draw: st.DrawFn) -> list[Value]:
    """Roots of a random graph: with names that may be modules', with nodes that are alike, with constants."""
    names = ["a.w", "a.b", "b.0.w", "b.1.w", "b.1.inner.w", "x", "x", None, None]
    nodes = [Value(0.5, name=draw(st.sampled_from(names))) for _ in range(draw(st.integers(1, 6)))]
    nodes[0].requires_grad_(draw(st.booleans()))
    for _ in range(draw(st.integers(0, 30))):
        choices: list[Any] = [*nodes, 2.0, -1.0]
        operands = [draw(st.sampled_from(choices)) for _ in range(draw(st.integers(1, 5)))]
        nodes.append(ag.sum(operands) if draw(st.booleans()) else ag.tanh(operands[0] * operands[-1]))
        if not isinstance(nodes[-1], Value):
            nodes.pop()
    return nodes[-draw(st.integers(1, 3)) :]


@given(graphs(), st.integers(1, 40))
def test_every_graph_fits_and_every_node_of_it_is_in_a_box(roots: list[Value], max_nodes: int) -> None:
    scene = quietly(roots, max_nodes=max_nodes)
    assert len(scene.boxes) <= max_nodes
    assert len(scene.arrows) <= 3 * max_nodes + len(roots)
    assert_is_whole(scene, *roots)


@given(graphs(), st.integers(0, 3))
def test_modules_folded_on_request_leave_no_node_out_and_no_cycle(roots: list[Value], depth: int) -> None:
    scene = draw(roots, depth=depth, max_nodes=None).scene
    assert_is_whole(scene, *roots)
    assert "max_nodes" not in scene.note


def chain(n: int) -> Value:
    y = x = Value(0.9, name="x")
    for _ in range(n):
        y = y * x
    return y


def dense(n: int) -> Value:
    """A few leaves and many sums of all of them."""
    leaves = [Value(1.0, name=f"a{i}") for i in range(n)]
    total: Value = ag.sum([ag.sum(leaves[i:] + leaves[:i]) for i in range(n)])
    return total


def dag(n: int) -> Value:
    nodes = [Value(0.1 * i) for i in range(10)]
    for i in range(n):
        ans: Value = fma(nodes[-1 - i * i % 7], nodes[-1 - i * 31 % len(nodes)], nodes[i * 17 % len(nodes)])
        nodes.append(ans)
    return nodes[-1]


@pytest.mark.parametrize("max_nodes", [1, 2, 10, 200])
@pytest.mark.parametrize(
    "root",
    [chain(500), dense(40), dag(500), ag.sum([Value(1.0) for _ in range(500)]), ag.sum([Value(1.0), *[2.0] * 500])],
)
def test_graphs_of_all_shapes_fit(root: Value, max_nodes: int) -> None:
    scene = quietly(root, max_nodes=max_nodes)
    assert len(scene.boxes) <= max_nodes
    assert len(scene.arrows) <= 3 * max_nodes
    assert_is_whole(scene, root)
    assert scene.note.startswith("folded ")


def test_what_was_folded_is_said_in_a_warning_and_under_the_picture() -> None:
    with pytest.warns(
        UserWarning, match=r"draw has folded 501 nodes into \d+ boxes: .*; max_nodes=None draws all"
    ) as w:
        scene = draw(chain(500)).scene
    assert w[0].filename == __file__
    assert f"draw has {scene.note}" == str(w[0].message)
    assert f" {len(scene.boxes)} boxes" in scene.note


def test_a_graph_may_be_one_box() -> None:
    assert quietly(chain(3), max_nodes=1).note.startswith("folded 4 nodes into one box: ")


def test_constants_that_share_a_box_are_said_too() -> None:
    total = ag.sum([Value(1.0), *[2.0] * 20])
    assert "constants" in quietly(total, max_nodes=10).note
    assert len(draw(total).scene.boxes) == 23


def test_without_a_bound_and_in_a_small_graph_nothing_is_folded() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(nodes_of(draw(chain(500), max_nodes=None).scene)) == 501
        assert draw(chain(60)).scene.note == ""
        assert Counter(box.kind for box in draw(chain(60)).scene.boxes)["folded"] == 0


# -- Samples --


@pytest.mark.parametrize("are_values", [False, True])
@pytest.mark.parametrize("names", [("w", "b"), (None, None), ("layer.w.0", "layer.b")])
def test_the_samples_of_a_loss_are_drawn_once_and_counted(names: tuple[str, str], are_values: bool) -> None:
    w, b = Value(2.0, name=names[0]), Value(1.0, name=names[1])
    inputs = [Value(float(i)) if are_values else float(i) for i in range(32)]
    loss = ag.sum([(w * x + b - 3.0 * i) ** 2 for i, x in enumerate(inputs)])
    loss.backward()
    scene = quietly(loss, max_nodes=30)
    assert_is_whole(scene, loss)
    alike = [box for box in nodes_of(scene) if box.count == 32]
    assert len(alike) == 4 + are_values
    assert all(any("×32" in line for line in box.lines) for box in alike)
    assert "data 0 … 62" in alike[are_values].lines
    constants = {box.lines[0]: box.count for box in scene.boxes if box.kind == "constant"}
    assert constants == {"0 … 93": 32, "2": 32} | ({} if are_values else {"0 … 31": 32})
    assert "×32" in [arrow.label for arrow in scene.arrows]
    single = {box.lines[-2:] for box in nodes_of(scene) if box.count == 1}
    assert single == {(f"data {v.data:.4g}", f"grad {v.grad:.4g}") for v in (w, b, loss)}


def test_an_input_that_all_samples_share_is_no_samples_own() -> None:
    shared = [Value(1.0), Value(2.0)]
    loss = ag.sum([ag.tanh(shared[0] * x) + shared[1] * x for x in map(float, range(50))])
    assert sorted(box.lines[0] for box in nodes_of(quietly(loss, max_nodes=40)) if box.kind == "input") == [
        "data 1", "data 2"
    ]  # fmt: skip


def test_an_operation_on_alike_nodes_keeps_the_order_of_its_operands() -> None:
    a = Value(1.0, name="a")
    loss = ag.sum([a - ag.exp(a * x) for x in map(float, range(50))])
    scene = quietly(loss, max_nodes=30)
    (minus,) = [box.id for box in scene.boxes if box.lines == ("-",)]
    assert [arrow.tail[0] for arrow in scene.arrows if arrow.head == minus] == ["v", "m"]


def test_an_operation_on_a_folded_module_keeps_the_order_of_its_operands() -> None:
    for flipped in (False, True):
        (y,) = nn.Sequential(nn.Linear(1, 1, rng=0))([1.0])
        scene = draw(1.0 - y if flipped else y - 1.0, depth=0).scene
        assert [arrow.tail[0] for arrow in scene.arrows if arrow.head.startswith("o")] == ["o", "m"][
            :: 1 - 2 * (not flipped)
        ]


def test_nan_among_alike_nodes_stands_out() -> None:
    loss = ag.sum([ag.log(Value(1.0) * x) for x in (math.nan, *map(float, range(1, 50)))])
    (box,) = [box for box in nodes_of(quietly(loss, max_nodes=20)) if box.lines[1] == "data 0 … 3.892, nan"]
    assert box.is_alarming
    assert box.tooltip.endswith(f"data 0.0 … {math.log(49)}, nan")


# -- Modules --


def model() -> nn.MLP:
    return nn.MLP(2, [3, 3, 1], rng=0)


def folded(scene: Scene) -> dict[str, Box]:
    return {"/".join((*box.cluster, box.lines[0])): box for box in scene.boxes if box.kind == "folded"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"depth": 0}, ["MLP"]),
        ({"depth": 1}, ["MLP/layers.0: Layer", "MLP/layers.1: Layer", "MLP/layers.2: Layer"]),
        ({"depth": 2}, [*(f"MLP/layers.0/neurons.{i}: Neuron" for i in range(3)),
                        *(f"MLP/layers.1/neurons.{i}: Neuron" for i in range(3)), "MLP/layers.2/neurons.0: Neuron"]),
        ({"depth": 3}, []),
        ({"collapse": "layers.1"}, ["MLP/layers.1: Layer"]),
        ({"collapse": ["layers.0.neurons.[01]", "layers.2"]},
         ["MLP/layers.0/neurons.0: Neuron", "MLP/layers.0/neurons.1: Neuron", "MLP/layers.2: Layer"]),
        ({"collapse": lambda path: path.endswith("1.neurons.2")}, ["MLP/layers.1/neurons.2: Neuron"]),
        ({"collapse": "Layer"}, ["MLP/layers.0: Layer", "MLP/layers.1: Layer", "MLP/layers.2: Layer"]),
        ({"collapse": "MLP"}, ["MLP"]),
        ({"collapse": "layers.0", "depth": 2}, ["MLP/layers.0: Layer",
         *(f"MLP/layers.1/neurons.{i}: Neuron" for i in range(3)), "MLP/layers.2/neurons.0: Neuron"]),
    ],
)  # fmt: skip
def test_modules_are_folded_by_depth_and_by_name(options: dict[str, Any], expected: list[str]) -> None:
    scene = draw(model(), [1.0, 2.0], max_nodes=None, **options).scene
    assert sorted(folded(scene)) == sorted(expected)
    assert scene.note == ""


def test_a_folded_module_says_what_is_inside() -> None:
    mlp, x = model(), [Value(1.0, name="x"), Value(2.0, name="y")]
    y = mlp(x)
    y.backward()
    found = folded(draw(y, depth=1).scene)["layers.0"]
    grads = [p.grad for p in mlp.layers[0].parameters()]
    hidden = [node.data for node in graph.nodes(y) if node.op is ag.relu][:3]
    assert found.lines[1] == "15 nodes, 9 parameters"
    assert found.lines[2].startswith("2 in, 3 out: ")
    assert found.lines[3] == f"grad norm {math.hypot(*grads):.4g}"
    assert found.count == 15
    assert found.grad == pytest.approx(math.hypot(*grads))
    assert "linear ×3, relu ×3" in found.tooltip
    assert len(hidden) == 3
    assert found.is_named


def test_a_module_that_is_left_and_entered_again_has_a_box_for_each_time() -> None:
    def f(cell: Any, between: Any, x: Any) -> Any:
        return cell([between([cell([x])])])

    def neuron() -> nn.Neuron:
        return nn.Neuron(1, activation="tanh", rng=0)

    scene = draw(f, neuron(), neuron(), 1.0, depth=0).scene
    ids = {box.id: "/".join((*box.cluster, box.lines[0])) for box in scene.boxes}
    found = [(ids[arrow.tail], ids[arrow.head]) for arrow in scene.arrows]
    assert ("cell: Neuron (1)", "cell: Neuron (2)") in found  # its parameters are in the first
    assert [name for name in ids.values() if name.startswith("cell")] == ["cell: Neuron (1)", "cell: Neuron (2)"]
    assert ("between: Neuron", "cell: Neuron (2)") in found
    assert sum(box.count for box in nodes_of(scene)) == 11


def test_a_network_over_many_samples_is_folded_into_its_neurons() -> None:
    mlp = nn.MLP(2, [4, 1], rng=0)
    loss = ag.sum([(mlp([0.1 * i, 0.5]) - 1.0) ** 2 for i in range(20)])
    scene = quietly(loss, max_nodes=30)
    assert sorted(folded(scene)) == [
        *(f"layers.0/neurons.{i}" for i in range(4)), "layers.1/neurons.0"
    ]  # fmt: skip
    assert folded(scene)["layers.0/neurons.2"].count == 3 + 2 * 20
    assert_is_whole(scene, loss)


def test_arrows_say_how_many_they_stand_for() -> None:
    scene = draw(model(), [1.0, 2.0], depth=1).scene
    ids = {box.lines[0]: box.id for box in scene.boxes}
    counts = {(arrow.tail, arrow.head): arrow.count for arrow in scene.arrows}
    assert counts[ids["x.0"], ids["layers.0: Layer"]] == 3
    assert counts[ids["layers.0: Layer"], ids["layers.1: Layer"]] == 9


def test_nothing_is_folded_in_silence_where_there_are_no_modules() -> None:
    assert "depth folds nothing" in draw(Value(1.0) * 2.0, depth=1).scene.note


@pytest.mark.parametrize("how", [lambda: quietly(chain(100_000)), lambda: draw(chain(20_000), max_nodes=None).scene])
def test_deep_graphs_are_folded_without_recursion(how: Callable[[], Scene]) -> None:
    assert sum(box.count for box in nodes_of(how())) in (100_001, 20_001)

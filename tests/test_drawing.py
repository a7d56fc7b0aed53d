"""Graphs as scenes: what draw() shows of whatever it is given."""

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pygraphviz
import pytest
from hypothesis import given

import autograd_lite as ag
from autograd_lite import Op, Value, draw, draw_dot, jit, nn
from autograd_lite.core import graph
from autograd_lite.drawing.scene import Box, Scene
from autograd_lite.errors import ArgumentError, TracingError
from autograd_lite.testing import strategies


def _any(thing: Any) -> Any:
    return thing


def boxes(root: Any, *inputs: Any, **options: Any) -> list[Box]:
    return list(draw(root, *inputs, **options).scene.boxes)


def lines(root: Any, *inputs: Any, **options: Any) -> list[tuple[str, ...]]:
    return [box.lines for box in boxes(root, *inputs, **options)]


def edges(root: Any, *inputs: Any, **options: Any) -> list[tuple[str, str]]:
    return [(arrow.tail, arrow.head) for arrow in draw(root, *inputs, **options).scene.arrows]


def by_kind(scene: Scene) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for box in scene.boxes:
        found.setdefault(box.kind, []).append(box.lines[0])
    return found


# -- Nodes and operations --


def test_values_show_name_data_and_grad_before_and_after_backward() -> None:
    x = Value(3.0, name="x")
    y = x * 2.5
    assert lines(y) == [("x", "data 3", "grad -"), ("2.5",), ("*",), ("data 7.5", "grad -")]
    y.backward()
    assert lines(y)[0] == ("x", "data 3", "grad 2.5")
    assert lines(y)[-1] == ("data 7.5", "grad 1")


def test_operations_are_nodes_of_their_own_and_keep_their_operands() -> None:
    x = Value(3.0)
    assert edges(x * x) == [("v0", "o1"), ("v0", "o1"), ("o1", "v1")]
    a, b = Value(1.0), Value(2.0)
    assert edges(a - b) == [("v0", "o2"), ("v1", "o2"), ("o2", "v2")]


def test_a_users_own_operation_of_many_operands_is_drawn() -> None:
    fma = Op("fma", lambda x, y, z: x * y + z, lambda ans, x, y, z: (y, x, 1.0))
    x = Value(3.0)
    assert edges(fma(x, x, 1.0)) == [("v0", "o1"), ("v0", "o1"), ("o1c2", "o1"), ("o1", "v1")]


@given(st.data())
def test_the_dot_text_has_the_nodes_and_edges_of_the_graph(data: st.DataObject) -> None:
    program = data.draw(strategies.programs(max_ops=12))
    root = program(*map(Value, data.draw(strategies.points_for(program))))
    found = pygraphviz.AGraph(string=draw(root, max_nodes=None).source)
    nodes = graph.nodes(root)
    places = {node: i for i, node in enumerate(nodes)}
    expected: Counter[tuple[str, str]] = Counter()
    for i, node in enumerate(nodes):
        if node.op is not None:
            expected[f"o{i}", f"v{i}"] += 1
            for j, operand in enumerate(node.operands):
                expected[f"v{places[operand]}" if isinstance(operand, Value) else f"o{i}c{j}", f"o{i}"] += 1
    assert Counter(found.edges()) == expected
    assert set(found.nodes()) == {f"v{i}" for i in range(len(nodes))} | {end for edge in expected for end in edge}


def test_the_scene_is_the_same_each_time() -> None:
    def scene(**options: Any) -> Scene:
        x = Value(3.0, name="x")
        return draw(ag.sum([ag.tanh(x * i + 1.0) * x for i in range(5)]), **options).scene

    assert scene() == scene()
    with pytest.warns(UserWarning, match="draw has folded"):
        assert scene(max_nodes=20) == scene(max_nodes=20)


def test_boxes_stand_after_those_that_lead_to_them() -> None:
    model = nn.MLP(2, [3, 2], rng=0)
    scene = draw(model, [1.0, 2.0]).scene
    places = {box.id: i for i, box in enumerate(scene.boxes)}
    assert all(places[arrow.tail] < places[arrow.head] for arrow in scene.arrows)
    assert len({arrow.id for arrow in scene.arrows}) == len(scene.arrows)


def test_every_box_is_of_a_kind() -> None:
    model = nn.Linear(1, 1, rng=0)
    x, c = Value(1.0, name="x"), Value(2.0, name="c").requires_grad_(False)
    (y,) = model([x * c + 3.0])
    y.name = "y"
    assert by_kind(draw([y, model.weight[0][0]]).scene) == {
        "input": ["x", "bias.0", "weight.0.0"], "constant": ["c", "3"], "operation": ["*", "+", "linear"],
        "value": ["data 2", "data 5"], "output": ["y"],
    }  # fmt: skip
    assert by_kind(draw(model, [2.0]).scene)["parameter"] == ["bias.0", "weight.0.0"]
    mlp = nn.MLP(1, [1], rng=0)
    assert by_kind(draw(mlp([1.0])).scene)["parameter"] == ["b", "w.0"]  # by the names alone


def test_a_deep_graph_is_drawn_without_recursion() -> None:
    y = Value(1.0)
    for _ in range(5000):
        y = y + 1.0
    assert len(edges(y, max_nodes=None)) == 15000


# -- Numbers and names --


def test_numbers_have_the_digits_that_are_asked_for_and_the_tooltip_has_all() -> None:
    x = Value(1 / 3, name="x")
    assert boxes(x)[0].lines == ("x", "data 0.3333", "grad -")
    assert boxes(x, precision=2)[0].lines == ("x", "data 0.33", "grad -")
    assert f"data {1 / 3}" in boxes(x)[0].tooltip


def test_minus_zero_is_shown_as_zero() -> None:
    x = Value(-0.0, name="x")
    (x * -1.0).backward()
    x.grad = -0.0
    assert boxes(x)[0].lines == ("x", "data 0", "grad 0")
    assert ("0",) in lines(x * -0.0)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_nan_and_infinities_stand_out(number: float) -> None:
    x = Value(1.0)
    x.grad = number
    assert [box.is_alarming for box in boxes(x)] == [True]
    assert [box.is_alarming for box in boxes(Value(number) + 1.0)] == [True, False, False, True]
    assert [box.is_alarming for box in boxes(Value(1.0) * number)] == [False, True, False, True]


def test_long_names_are_cut_in_the_middle_and_whole_in_the_tooltip() -> None:
    names = [f"a_name_that_is_much_too_long_for_a_box_{i}_of_the_picture" for i in range(2)]
    first, second = boxes([Value(0.0, name=name) for name in names])
    assert first.lines[0].startswith("a_name")
    assert first.lines[0].endswith("the_picture"[-11:])
    assert len(first.lines[0]) < 25
    assert names[0] in first.tooltip
    assert names[1] in second.tooltip


def test_names_come_from_what_the_user_calls_the_values() -> None:
    a, b, hidden = Value(1.0, name="old"), Value(2.0), [Value(3.0), {"k": Value(4.0)}]
    y = (a + b) * hidden[0] * hidden[1]["k"]  # type: ignore[index, operator]
    assert by_kind(draw(y, names=locals()).scene)["input"] == ["a", "b", "hidden.0", "hidden.1.k"]
    assert by_kind(draw(y, names=locals()).scene)["output"] == ["y"]
    assert by_kind(draw(y, names={a: "alpha", b: "beta"}).scene)["input"][:2] == ["alpha", "beta"]
    assert by_kind(draw(y, names={"p": np.array([a, b]), "_a": a}).scene)["input"][:2] == ["p.0", "p.1"]
    assert a.name == "old"


def test_a_structure_of_names_may_contain_itself() -> None:
    x = Value(1.0)
    things: list[Any] = [x]
    things.append(things)
    assert lines(x, names={"things": things}) == [("things.0", "data 1", "grad -")]


def test_title_and_description_say_what_is_drawn() -> None:
    loss = Value(2.0, name="x") * 3.0
    loss.name = "loss"
    scene = draw(loss).scene
    assert scene.title == "Computation graph of loss"
    assert scene.description == "Computation graph of loss: 2 values, 1 operation. 1 input, 1 output; loss is 6."


# -- What can be drawn --


def test_several_values_in_any_structure_are_drawn_together() -> None:
    x = Value(2.0, name="x")
    y, z = x + 1.0, x * 3.0
    for roots in ([y, z], (y, z), {"y": y, "z": [z]}, np.array([[y, z]])):
        assert by_kind(draw(roots).scene)["output"] == ["data 6", "data 3"]


def test_a_module_is_drawn_for_sample_inputs_with_gradients_and_stays_as_it_is() -> None:
    model = nn.MLP(2, [3, 1], activation="tanh", rng=0)
    model.parameters()[0].grad = 5.0
    scene = draw(model, [1.0, -2.0]).scene
    assert [p.grad for p in model.parameters()] == [5.0, *[0.0] * (len(model.parameters()) - 1)]
    model.zero_grad()
    x = [Value(1.0), Value(-2.0)]
    model(x).backward()
    shown = {"/".join((*box.cluster, box.lines[0])): box.grad for box in scene.boxes if box.grad is not None}
    for p in model.parameters():
        layers, layer, neurons, neuron, *name = (p.name or "").split(".")
        assert shown[f"MLP/{layers}.{layer}/{neurons}.{neuron}/{'.'.join(name)}"] == p.grad
    assert (shown["x.0"], shown["x.1"]) == (x[0].grad, x[1].grad)


def test_a_function_is_drawn_for_sample_arguments() -> None:
    def f(a: Any, b: Any, *rest: Any, scale: float = 2.0) -> Any:
        return a * b["u"][0] + rest[0] * scale

    assert lines(f, 1.0, {"u": np.array([3.0])}, 5) == [
        ("a", "data 1", "grad 3"), ("b.u.0", "data 3", "grad 1"), ("*",), ("data 3", "grad 1"),
        ("rest.0", "data 5", "grad 2"), ("2",), ("*",), ("data 10", "grad 1"), ("+",), ("data 13", "grad 1"),
    ]  # fmt: skip


def test_of_several_results_no_gradient_is_shown() -> None:
    assert [box.grad for box in boxes(lambda x: [x + 1.0, x * 2.0], 3.0) if box.kind == "input"] == [None]


def test_what_is_drawn_for_inputs_has_a_graph_under_no_grad_too() -> None:
    with ag.no_grad():
        assert len(boxes(lambda x: x * x, 3.0)) == 3


def test_what_no_grad_gives_says_why_there_is_no_graph() -> None:
    with ag.no_grad():
        y = Value(1.0) * 2.0
    assert "no_grad()" in draw(y).scene.note


def test_a_compiled_function_is_drawn_at_the_numbers_of_its_latest_call() -> None:
    fast = jit(lambda a, b: {"p": a * b, "q": a - b})
    fast(2.0, 3.0)
    fast(5.0, 7.0)
    for drawing in (draw(fast), fast.draw()):
        assert by_kind(drawing.scene)["output"] == ["result['q']", "result['p']"]
        assert [box.lines[1] for box in drawing.scene.boxes if box.kind == "input"] == ["data 5", "data 7"]
    assert [box.lines[1] for box in boxes(fast, 1.0, 4.0) if box.kind == "input"] == ["data 1", "data 4"]
    program = fast.program
    fast(8.0, 9.0)
    assert [box.lines[1] for box in boxes(program) if box.kind == "input"] == ["data 1", "data 4"]
    drawing = program.draw([0.5, 0.25])
    assert [box.lines[1] for box in drawing.scene.boxes if box.kind == "input"] == ["data 0.5", "data 0.25"]


def test_a_compiled_model_is_drawn_with_its_gradients_as_gradients() -> None:
    w = Value(3.0, name="w")
    fast = jit(lambda x: w * x)
    fast([2.0][0]).backward()
    assert lines(fast) == [("w", "data 3", "grad 2"), ("x", "data 2", "grad 3"), ("*",), ("data 6", "grad 1")]


def test_a_program_drawn_where_a_guard_fails_says_so() -> None:
    fast = jit(lambda x: x * 2.0 if x > 0.0 else x)
    fast(1.0)
    assert fast.program.draw([2.0]).scene.note == ""
    assert "another branch" in fast.program.draw([-1.0]).scene.note


def test_draw_dot_is_micrograds(tmp_path: Path) -> None:
    x = Value(1.0)
    written = Path(draw_dot(x * 2.0, format="dot").render(tmp_path / "gout"))
    assert written == tmp_path / "gout.dot"
    assert "v0 -> o1" in written.read_text()
    assert draw_dot(x * 2.0).scene.rankdir == "LR"
    assert draw_dot(x, rankdir="TB").scene.rankdir == "TB"


def test_a_wide_graph_goes_from_top_to_bottom() -> None:
    y = x = Value(1.0)
    assert draw(y * x).scene.rankdir == "LR"
    for _ in range(30):
        y = y * x
    assert draw(y).scene.rankdir == "TB"
    assert draw(y, rankdir="LR").scene.rankdir == "LR"


# -- Sums written out --


def neuron(nin: int = 2) -> Value:
    """A neuron with names, and numbers that can be done in the head."""
    w = [Value(2.0 + i, name=f"w{i}") for i in range(nin)]
    x = [Value(1.0, name=f"x{i}") for i in range(nin)]
    return nn.functional.linear(x, w, Value(0.5, name="b"))  # type: ignore[no-any-return]


def test_a_neuron_is_written_out_with_the_numbers_and_gradients_on_the_way() -> None:
    y = neuron()
    (y * 3.0).backward()
    assert lines(y, expand=True) == [
        ("b", "data 0.5", "grad 3"), ("w0", "data 2", "grad 3"), ("x0", "data 1", "grad 6"),
        ("w1", "data 3", "grad 3"), ("x1", "data 1", "grad 9"), ("*",), ("data 2", "grad 3"), ("+",),
        ("data 2.5", "grad 3"), ("*",), ("data 3", "grad 3"), ("+",), ("data 5.5", "grad 3"),
    ]  # fmt: skip
    by_hand = [("v1", "o5"), ("v2", "o5"), ("o5", "v5"), ("v0", "o6"), ("v5", "o6"), ("o6", "v6")]
    by_hand += [("v3", "o7"), ("v4", "o7"), ("o7", "v7"), ("v6", "o8"), ("v7", "o8"), ("o8", "v8")]
    assert edges(y, expand=True) == by_hand


def test_a_neuron_written_out_is_drawn_as_what_is_written_by_hand() -> None:
    b, w, x = Value(0.5), Value(2.0), Value(-1.5)
    whole, by_hand = nn.functional.linear([x, 1.0], [w, b], b), b + w * x + b * 1.0
    drawn = []
    for y in (whole, by_hand):
        b.grad = w.grad = x.grad = 0.0
        y.backward()
        drawn.append(sorted(lines(y, expand=True)))
    assert drawn[0] == drawn[1]


def test_a_sum_is_drawn_whole_unless_asked_for() -> None:
    assert lines(neuron())[-2:] == [("linear",), ("data 5.5", "grad -")]
    assert edges(neuron()) == [*((f"v{i}", "o5") for i in range(5)), ("o5", "v5")]


@pytest.mark.parametrize(
    ("total", "shown"),
    [
        (lambda x: ag.sum([x, 1.0, x]), ["+", "+", "data 4 grad 6", "data 7 grad 6"]),
        (lambda x: ag.mean([x, 1.0]), ["+", "/", "data 2 grad 6", "data 4 grad 3"]),
        (lambda x: ag.dot([x, 2.0], [x, x]), ["*", "*", "+", "data 15 grad 6", "data 6 grad 6", "data 9 grad 6"]),
        (lambda x: ag.mean([x]), ["/", "data 3 grad 6"]),
        (lambda x: ag.dot([x], [2.0]), ["*", "data 6 grad 6"]),
    ],
)
def test_every_sum_is_written_out(total: Callable[[Value], Value], shown: list[str]) -> None:
    y = total(Value(3.0, name="x"))
    (y * 6.0).backward()
    found = [" ".join(box.lines) for box in boxes(y, expand=True) if box.kind not in ("input", "constant")]
    assert sorted(found) == shown
    of_a_function = boxes(lambda x: total(x) * 6.0, 3.0, expand=True)
    assert set(shown) <= {" ".join(box.lines) for box in of_a_function}


def test_where_data_has_been_assigned_since_no_wrong_numbers_are_drawn_on_the_way() -> None:
    w = Value(2.0)
    y = nn.functional.linear([3.0, 1.0], [w, w], 0.5)
    w.data = 7.0
    assert ("linear",) in lines(y, expand=True)


def test_a_sum_that_is_nan_is_written_out_too() -> None:
    y = ag.sum([Value(math.inf), Value(-math.inf), 1.0])
    assert lines(y, expand=True).count(("+",)) == 2


# -- Local derivatives --


@pytest.mark.parametrize("expand", [False, True])
def test_arrows_say_the_local_derivatives_if_asked_for(expand: bool) -> None:
    scene = draw(nn.functional.linear([2.0], [Value(3.0, name="w")], Value(1.0)) / 4.0, partials=True, expand=expand)
    found = {arrow.id: arrow.label for arrow in scene.scene.arrows if arrow.label}
    if expand:
        assert found == {"v1-o2-0": "2", "v0-o3-0": "1", "v2-o3-1": "1", "v3-o4-0": "0.25"}
    else:
        assert found == {"v0-o2-0": "1", "v1-o2-1": "2", "v2-o3-0": "0.25"}
    assert not any(arrow.label for arrow in draw(neuron()).scene.arrows)


# -- Modules --


class Gated(nn.Module):
    """Products and sums of its own, a module inside, and one that is called twice."""

    def __init__(self) -> None:
        self.scale = Value(2.0)
        self.inner = nn.Linear(1, 1, rng=0)
        self.cells = [nn.Neuron(1, activation="tanh", rng=0)]

    def forward(self, x: Any) -> Any:
        (h,) = self.inner([x * self.scale])
        return self.cells[0]([self.cells[0]([h])]) - h


@pytest.mark.parametrize(
    ("model", "inputs", "expected"),
    [
        (lambda: nn.MLP(1, [1, 1], rng=0), [1.0], {
            ("MLP", "layers.0", "neurons.0"): "b w.0 linear relu", ("MLP", "layers.1", "neurons.0"): "b w.0 linear",
        }),
        (lambda: nn.Sequential(nn.Linear(1, 1, rng=0), nn.Tanh(), nn.Linear(1, 1, rng=0)), [1.0], {
            ("Sequential", "0: Linear"): "bias.0 weight.0.0 linear tanh",
            ("Sequential", "2: Linear"): "bias.0 weight.0.0 linear",
        }),
        (lambda: nn.Sequential(nn.Linear(1, 2, rng=0)), [1.0], {
            ("Sequential", "0: Linear"): "bias.1 weight.1.0 linear bias.0 weight.0.0 linear",
        }),
        (lambda: nn.Neuron(1, rng=0), [1.0], {("Neuron",): "b w.0 linear relu"}),
        (Gated, 1.0, {
            ("Gated",): "scale * -", ("Gated", "inner"): "bias.0 weight.0.0 linear",
            ("Gated", "cells.0"): "b w.0 linear tanh linear tanh",
        }),
    ],
)  # fmt: skip
def test_what_is_computed_stands_in_its_module(model: Any, inputs: Any, expected: dict[Any, str]) -> None:
    found: dict[tuple[str, ...], list[str]] = {}
    for box in boxes(model(), inputs):
        if box.is_named or box.kind == "operation":
            found.setdefault(box.cluster, []).append(box.lines[0])
    assert {cluster: sorted(names) for cluster, names in found.items() if cluster} == {
        cluster: sorted(names.split()) for cluster, names in expected.items()
    }
    assert all(name.startswith("x") for name in found[()])


def test_without_the_module_its_parts_are_known_by_the_names() -> None:
    model = nn.MLP(1, [2, 1], rng=0)
    loss = (model([1.0]) - 0.5) ** 2
    found = {box.cluster for box in boxes(loss)}
    assert found == {(), ("layers.0", "neurons.0"), ("layers.0", "neurons.1"), ("layers.1", "neurons.0")}
    assert [box.cluster for box in boxes(loss)][-4:] == [()] * 4  # the loss is in none


@pytest.mark.parametrize("name", ["3.14", "a..b", ".x", "e.g. this", "x.1", "", "."])
def test_a_name_with_dots_that_is_no_path_is_a_name(name: str) -> None:
    (box,) = boxes(Value(1.0, name=name))
    assert box.cluster == ()
    assert box.kind == "input"


# -- Misuse --


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: draw(3.0), TypeError, "a number has none; got float 3.0. A function gives numbers for numbers"),
        (lambda: draw([]), ArgumentError, r"nothing to draw in list \[\]"),
        (lambda: draw(None), ArgumentError, "nothing to draw in NoneType None"),
        (lambda: draw("x"), TypeError, "draw takes the Value whose graph .* got str 'x'"),
        (lambda: draw([Value(1.0), 2.0]), TypeError, r"a number has no graph; got float 2.0 at \[1\]"),
        (lambda: draw(jit(lambda x: x)(2.0)), TypeError, "what jit and grad make of it"),
        (lambda: draw(jit(lambda x: x)), TracingError, "call it once"),
        (lambda: draw(nn.MLP(1, [1])), ArgumentError, r"Module MLP has a graph only for inputs: write draw\(model, "),
        (lambda: draw(lambda x: x), ArgumentError, r"has a graph only for inputs: write draw\(f, "),
        (lambda: draw(Value(1.0), 2.0), ArgumentError, r"For several Values write a list: draw\(\[a, b\]\)"),
        (lambda: draw(lambda x: x, 1.0, 2.0), TypeError, r"f\(x\) cannot be called with these 2 sample inputs"),
        (lambda: draw(lambda x: 3.0, 1.0), TypeError, "returned numbers without a graph, float 3.0"),
        (lambda: draw(lambda x: "a", 1.0), TypeError, "returned what has no graph: .* got str 'a'"),
        (lambda: draw(Value(1.0), rankdir=_any("up")), ArgumentError, "rankdir is 'auto', 'LR' or 'TB', got str 'up'"),
        (lambda: draw(Value(1.0), color=_any("red")), ArgumentError, "color is 'kind', 'grad' or None, got str 'red'"),
        (lambda: draw(Value(1.0), theme=_any(["dark"])), ArgumentError, "theme is 'auto', 'light' or 'dark', got list"),
        (lambda: draw(Value(1.0), expand=_any(2)), TypeError, "expand is True or False, got int 2"),
        (lambda: draw(Value(1.0), max_nodes=0), ArgumentError, "max_nodes is a whole number from 1 up, got int 0"),
        (lambda: draw(Value(1.0), precision=-1), ArgumentError, "precision is a whole number from 1 up, got int -1"),
        (lambda: draw(Value(1.0), precision=10**12), ArgumentError, "at most 17 digits, .* got int 1000000000000"),
        (lambda: draw(Value(1.0), depth=_any(1.5)), ArgumentError, "depth is a whole number from 0 up, got float 1.5"),
        (lambda: draw(Value(1.0), rankdri=_any("LR")), TypeError, r"'rankdri'; it has .*\. Did you mean rankdir\?"),
        (lambda: draw(Value(1.0), direction=_any("LR")), TypeError, r"Did you mean rankdir\?"),
        (lambda: draw(Value(1.0), format=_any("png")), TypeError, r"draw\(...\).save\('graph.png'\)"),
        (lambda: draw_dot(Value(1.0), format="gif"), ArgumentError, "format is one of svg, .* got str 'gif'"),
        (lambda: draw(Value(1.0), names=3), TypeError, "names is a dict, .* got int 3"),
        (lambda: draw(Value(1.0), names={Value(1.0): 2}), TypeError, "a name is a string"),
        (lambda: draw(Value(1.0), names={3: Value(1.0)}), TypeError, "among its keys is int 3"),
        (lambda: draw(Value(1.0), collapse=_any(3)), TypeError, "collapse is the path of a module, .* got int 3"),
        (lambda: draw(Value(1.0), collapse="a"), ArgumentError, "no module in this graph"),
        (lambda: draw(nn.MLP(1, [1]), [1.0], collapse="layer.0"), ArgumentError, "did you mean layers.0"),
    ],
)
def test_misuse_says_what_was_expected(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()

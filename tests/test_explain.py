"""explain(): the paths that a derivative is the sum of."""

import itertools
import math
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite import Value, explain, nn
from autograd_lite.errors import ArgumentError, GraphError, TracingError
from autograd_lite.testing.strategies import Program, finite_floats, points_for, programs


def all_paths(y: Value, x: Value) -> Iterator[list[float]]:
    """The partials along each path, by going along all of them."""
    if y is x:
        yield []
    for operand, partial in zip(y.operands, y.partials, strict=True):
        if isinstance(operand, Value):
            yield from ([*path, partial] for path in all_paths(operand, x))


def towered(x: Value, height: int) -> Value:
    for _ in range(height):
        x = ag.sin(x) * x + x  # three ways up
    return x


@st.composite
def graphs(draw: st.DrawFn, max_ops: int = 9) -> tuple[Value, Value]:
    """A result and one of its inputs."""
    program: Program = draw(programs(max_ops=max_ops))
    inputs = [Value(number) for number in draw(points_for(program))]
    return program(*inputs), draw(st.sampled_from(inputs))


@given(graphs())
@settings(deadline=None)
def test_the_paths_are_all_there_are_the_largest_first(graph: tuple[Value, Value]) -> None:
    y, x = graph
    expected = list(itertools.islice(all_paths(y, x), 2000))
    assume(len(expected) < 2000)
    alive = sorted((abs(math.prod(path)) for path in expected if 0.0 not in path), reverse=True)
    for top in (3, 2000):
        why = explain(y, x, top=top)
        assert (why.count, why.dead) == (len(alive), len(expected) - len(alive))
        assert why.rest.count == len(alive) - len(why.paths)
        assert [abs(path.product) for path in why.paths] == pytest.approx(alive[:top], rel=1e-12)
    assert sorted(path.partials for path in why.paths) == sorted(tuple(path) for path in expected if 0.0 not in path)


@given(graphs(max_ops=25), st.integers(0, 5))
@settings(deadline=None)
def test_the_products_add_up_to_the_gradient(graph: tuple[Value, Value], top: int) -> None:
    y, x = graph
    why = explain(y, x, top=top)
    assert len(why.paths) == min(top, why.count)
    assert why.agrees
    y.backward()
    assert why.gradient == x.grad
    products = math.fsum([*(path.product for path in why.paths), why.rest.sum])
    assert products == pytest.approx(why.gradient, rel=1e-9, abs=1e-9)
    if why.count:
        assert math.fsum([*(path.share for path in why.paths), why.rest.share]) == pytest.approx(1.0)


@given(graphs())
@settings(deadline=None)
def test_a_path_leads_from_x_to_y_by_its_local_derivatives(graph: tuple[Value, Value]) -> None:
    y, x = graph
    for path in explain(y, x).paths:
        assert path.nodes[0] is x
        assert path.nodes[-1] is y
        assert path.product == pytest.approx(math.prod(path.partials))
        for before, after, op, partial, i in zip(
            path.nodes, path.nodes[1:], path.ops, path.partials, path.positions, strict=False
        ):
            assert after.operands[i] is before
            assert (after.op, after.partials[i]) == (op, partial)


def test_the_gradient_is_that_of_backward_and_nothing_is_written() -> None:
    x = Value(3.0)
    y = towered(x, 3)
    why = explain(y, x)
    assert not x.has_grad
    assert not y.has_grad
    y.backward()
    assert why.gradient == x.grad
    explain(y, x)
    assert why.gradient == x.grad


@pytest.mark.parametrize("height", [26, 700])
def test_paths_are_counted_exactly_and_never_listed(height: int) -> None:
    x = Value(0.5)
    why = explain(towered(x, height), x, top=3)
    assert why.count == 3**height
    assert why.rest.count == 3**height - 3
    assert len({path.positions for path in why.paths}) == 3
    assert "more paths" in str(why)


@pytest.mark.parametrize(
    ("height", "words"), [(3, "27 paths"), (26, "2,541,865,828,329 paths"), (63, "about 1.14e+30 paths")]
)
def test_many_paths_are_told_in_figures(height: int, words: str) -> None:
    x = Value(0.5)
    assert words in str(explain(towered(x, height), x))


def test_a_deep_graph_is_no_trouble() -> None:
    x = Value(0.5, name="x")
    y = x
    for _ in range(30_000):
        y = y * 0.999 + 0.1
    why = explain(y, x)
    assert why.count == 1
    assert len(why.paths[0].partials) == 60_000
    assert why.agrees
    assert why.paths[0].product == pytest.approx(0.999**30_000)
    assert "more" in str(why)


def test_the_edges_of_one_operand_twice_are_two_paths() -> None:
    x = Value(3.0)
    why = explain(x * x, x)
    assert [(path.product, path.positions) for path in why.paths] == [(3.0, (0,)), (3.0, (1,))]


def test_an_operation_of_many_operands_is_one_edge() -> None:
    x = Value(2.0)
    why = explain(ag.sum([x, x * 3.0, x]), x)
    assert sorted((path.product, len(path.ops)) for path in why.paths) == [(1.0, 1), (1.0, 1), (3.0, 2)]


def test_an_interior_node_may_be_explained_by() -> None:
    x = Value(2.0)
    middle = x * 3.0
    why = explain(ag.sin(middle) + middle, middle)
    assert why.count == 2
    assert why.gradient == math.cos(6.0) + 1.0


def test_a_node_by_itself_is_the_path_of_no_operation() -> None:
    for x in (Value(2.0), Value(2.0) * 3.0):
        why = explain(x, x)
        assert (why.gradient, why.count, why.rest.count) == (1.0, 1, 0)
        assert (why.paths[0].nodes, why.paths[0].ops, why.paths[0].share) == ((x,), (), 1.0)


def test_what_does_not_depend_has_no_path() -> None:
    why = explain(Value(2.0, name="y") * 1.0, Value(3.0, name="w"))
    assert (why.gradient, why.count, why.dead, why.paths) == (0.0, 0, 0, ())
    assert str(why).endswith("y does not depend on it.")


def test_x_and_y_the_wrong_way_round_are_noticed() -> None:
    x = Value(3.0)
    assert "The other way round there are paths." in " ".join(str(explain(x, x * x)).split())


# ---- Zeros, infinities, nan ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "at", "gradient", "count", "dead"),
    [
        (lambda x: ag.relu(-x), 2.0, 0.0, 0, 1),
        (lambda x: ag.relu(-x) + ag.relu(x), 2.0, 1.0, 1, 1),
        (lambda x: x * 0.0, 2.0, 0.0, 0, 1),
        (lambda x: ag.sqrt(x) * 0.0, 0.0, 0.0, 0, 1),  # 0 * inf
        (lambda x: ag.log(x) - ag.log(x), 0.0, math.nan, 2, 0),  # inf - inf
        (lambda x: ag.sin(ag.sqrt(x) - ag.sqrt(x)) * 0.0, 0.0, 0.0, 0, 2),
        (lambda x: ag.sqrt(x) + x, 0.0, math.inf, 2, 0),
        (lambda x: ag.sqrt(x) + x, -1.0, math.nan, 2, 0),
    ],
)
def test_zero_is_strong(f: ag.Op, at: float, gradient: float, count: int, dead: int) -> None:
    x = Value(at)
    y = f(x)
    y.backward()
    why = explain(y, x)
    assert why.gradient == pytest.approx(gradient, nan_ok=True)
    assert why.gradient == pytest.approx(x.grad, nan_ok=True)
    assert (why.count, why.dead) == (count, dead)
    assert why.agrees


def test_an_adjoint_that_cancels_to_zero_stops_infinities() -> None:
    x = Value(0.0)
    root = ag.sqrt(x)
    why = explain(root - root + x, x)
    assert (why.gradient, why.count, why.dead, why.agrees) == (1.0, 1, 2, True)


def test_nan_comes_first_then_infinities_and_the_finite_rest_is_still_told() -> None:
    x, zero = Value(-1.0), Value(0.0)
    middle = x + zero
    y = 1e300 * middle + ag.sqrt(middle) + ag.sqrt(x + 1.0) + 2.0 * x
    why = explain(y, x, top=2)
    assert [str(path.product) for path in why.paths] == ["nan", "inf"]
    assert why.rest.sum == pytest.approx(1e300)
    assert math.isnan(explain(y, x, top=1).rest.sum)


def test_paths_that_cancel_are_shown_with_their_sizes() -> None:
    x = Value(1.0)
    why = explain(3.0 * ag.sin(x) - 3.0 * ag.sin(x), x)
    assert why.gradient == 0.0
    assert [path.share for path in why.paths] == [0.5, 0.5]
    assert "cancel" in str(why)


def test_products_beyond_the_range_of_floats_on_the_way_are_right_and_a_difference_is_told() -> None:
    x = Value(1.0)
    tiny = x * 1e-200 * 1e-200 * 1e250 * 1e250
    why = explain(tiny, x)
    assert why.paths[0].product == pytest.approx(1e100)
    assert why.agrees == (why.gradient == pytest.approx(1e100))
    small = explain((x * 1e250 * 1e250) * 1e-200 * 1e-200, x)
    assert small.gradient == 0.0
    assert small.paths[0].product == pytest.approx(1e100)
    assert not small.agrees
    assert "backward() gives 0" in str(small)


def test_no_zero_is_negative() -> None:
    x = Value(-1.0)
    why = explain(-ag.relu(x) * 1.0, x)
    assert math.copysign(1.0, why.gradient) == 1.0
    assert "-0" not in str(why).replace("-0.", "")


# ---- Other graphs --------------------------------------------------------------------------


def test_the_results_of_a_compiled_function_have_edges_to_its_operands() -> None:
    f: Any = ag.jit(lambda a, b: (a * b, ag.sin(a)))
    a, b = Value(2.0), Value(3.0)
    first, second = f(a, b)
    why = explain(first * second, a)
    assert sorted(path.product for path in why.paths) == pytest.approx([6.0 * math.cos(2.0), 3.0 * math.sin(2.0)])
    assert why.agrees
    assert explain(second, b).count == 0
    g: Any = ag.jit(lambda a, b: a * b + a)
    assert explain(g(a, b) * a, a).gradient == 2.0 * 2.0 * 4.0


@pytest.mark.parametrize("compiled", [False, True])
def test_a_loop_inside_is_explained(compiled: bool) -> None:
    def loop(a: Value, b: Value) -> tuple[Value, list[Value]]:
        last, items = ag.scan(lambda carry, x: (carry * x + a, carry), b, [1.0, 2.0, 3.0])
        return last, items

    a, b = Value(2.0), Value(3.0)
    last, items = (ag.jit(loop) if compiled else loop)(a, b)
    y = last * items[2]
    for x in (a, b):
        why = explain(y, x)
        assert why.agrees
        assert math.fsum(path.product for path in why.paths) == pytest.approx(why.gradient)
        y.backward()
        assert why.gradient == x.grad
        a.grad = b.grad = None


def test_a_gradient_that_is_a_graph_is_explained() -> None:
    x = Value(0.5)
    towered(x, 2).backward(create_graph=True)
    gradient, x.grad = x.grad, None
    why = explain(gradient, x)
    gradient.backward()
    assert why.gradient == x.grad
    assert why.agrees
    x.grad = None


def test_modes_make_no_difference() -> None:
    x = Value(0.0)
    y = ag.sqrt(x)
    with ag.detect_anomaly():
        assert explain(y, x).gradient == math.inf
    with ag.no_grad():
        assert explain(y, x).gradient == math.inf


def test_a_function_that_is_being_compiled_cannot_be_explained() -> None:
    def f(x: Value) -> Value:
        explain(x * x, x)
        return x

    with pytest.raises(TracingError):
        ag.jit(f)(Value(2.0))


# ---- Arguments -----------------------------------------------------------------------------


def test_x_may_be_a_name() -> None:
    x = Value(3.0, name="speed")
    assert explain(x * x, "speed").gradient == 6.0


x0, x1 = Value(1.0, name="same"), Value(2.0, name="same")


@pytest.mark.parametrize(
    ("y", "x", "options", "error", "words"),
    [
        (2.0, x0, {}, TypeError, "takes as y"),
        (x0 * 2.0, 1.0, {}, TypeError, "takes as x"),
        (x0 * 2.0, [x0], {}, TypeError, "One at a time"),
        (np.array([x0 * 2.0]), x0, {}, TypeError, r"One at a time: \[explain\(y, x\) for y in ys\]"),
        (x0 * 2.0, "sane", {}, ArgumentError, "there is same"),
        (x0 * x1, "same", {}, ArgumentError, "2 Values"),
        (Value(2.0) * 2.0, "w", {}, ArgumentError, "none of them has a name"),
        (x0.detach(), x0, {}, GraphError, "is a constant"),
        (x0 * 2.0, x0.detach(), {}, GraphError, "is a constant"),
        (x0 * 2.0, x0, {"top": -1}, ArgumentError, "top"),
        (x0 * 2.0, x0, {"top": 2.5}, ArgumentError, "top"),
    ],
)
def test_errors_say_what_to_write(y: Any, x: Any, options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        explain(y, x, **options)


def test_data_that_was_assigned_since_is_told() -> None:
    x = Value(2.0, name="x")
    y = x * x * 3.0
    assert "assigned" not in str(explain(y, x))
    x.data = 5.0
    why = explain(y, x)
    assert why.gradient == 12.0
    assert "Data has been assigned since y was computed" in str(why)
    with pytest.raises(ArgumentError, match="max_nodes is a whole number"):
        why.draw(max_nodes="all")


def test_a_name_of_blanks_is_none_and_a_function_is_called_by_its_name_alone() -> None:
    x, b = Value(0.5, name=" \n"), Value(2.0, name="b")
    assert str(explain(x * 2.0, x)).startswith("d y / d x = 2")
    f = ag.jit(lambda x, b: ag.tanh(x) * b)
    assert "x -> <lambda> -> * 3" in str(explain(f(x, b) * 3.0, x))


def test_none_may_be_shown() -> None:
    x = Value(3.0)
    why = explain(x * x, x, top=0)
    assert (why.paths, why.rest.count, why.rest.sum) == ((), 2, 6.0)
    assert "2 paths" in str(why)


# ---- Routes --------------------------------------------------------------------------------


def routes_taken(y: Value, x: Value) -> dict[tuple[str, ...], list[float]]:
    """The products of the paths by the operations that they go through, equal ones in a row as one."""
    found: dict[tuple[str, ...], list[float]] = {}

    def go(node: Value, product: float, places: tuple[str, ...]) -> None:
        if node is x:
            found.setdefault(places, []).append(product)
            return
        place = node.name or (node.op.symbol if node.op else "")
        for operand, partial in zip(node.operands, node.partials, strict=True):
            if isinstance(operand, Value) and partial != 0.0:
                go(operand, product * partial, places if places[:1] == (place,) else (place, *places))

    go(y, 1.0, ())
    return found


@given(graphs())
@settings(deadline=None)
def test_routes_add_up_the_paths_through_the_same_places(graph: tuple[Value, Value]) -> None:
    y, x = graph
    assume(len(list(itertools.islice(all_paths(y, x), 2000))) < 2000)
    expected = routes_taken(y, x)
    assume(all(math.isfinite(product) for products in expected.values() for product in products))
    why = explain(y, x, top=2000, by="route")
    assert {route.places[1:]: route.count for route in why.routes} == {to: len(some) for to, some in expected.items()}
    for route in why.routes:
        products = expected[route.places[1:]]
        size = max(math.fsum(map(abs, products)), 1e-300)
        assert route.sum == pytest.approx(math.fsum(products), abs=1e-12 * size)
    shares = [route.share for route in why.routes]
    assert shares == sorted(shares, reverse=True)
    few = explain(y, x, top=2, by="route")
    assert [route.share for route in few.routes] == shares[:2]
    assert few.rest_of_routes.count == why.count - sum(route.count for route in few.routes)
    if why.count:
        assert sum(shares[:2]) + few.rest_of_routes.share == pytest.approx(1.0)


def test_a_loss_over_many_samples_has_a_route_for_each_neuron(model: nn.MLP) -> None:
    summed, mean = sum(((model([i / 10, 1.0]) - 1.0) ** 2 for i in range(32)), Value(0.0)), loss_of(model, 32)
    for loss in (summed, mean):
        why = explain(loss, "layers.0.neurons.0.w.0", by="route")
        assert [route.count for route in why.routes] == [31 if loss is summed else 32] * 4  # input 0.0 carries nothing
        assert {route.places[2] for route in why.routes} == {f"layers.1.neurons.{i}" for i in range(4)}
        assert sum(route.sum for route in why.routes) == pytest.approx(why.gradient)
        assert "paths</small>" in why._repr_html_()
        assert str(why).count("w.0 -> layers.0.neurons.0 -> ") == 4
        assert "by='route'" in " ".join(str(explain(loss, "layers.0.neurons.0.w.0")).split())


def test_too_many_routes_are_refused_and_not_waited_for() -> None:
    x = Value(0.7, name="x")
    y = towered(x, 25)
    with pytest.raises(ArgumentError, match="too many routes"):
        explain(y, x, by="route")
    by_halves = x
    for _ in range(40):
        by_halves = by_halves * 0.5 + by_halves * 0.5
    assert [route.count for route in explain(by_halves, x, by="route").routes] == [2**40]


def test_what_is_neither_path_nor_route_is_refused() -> None:
    x = Value(3.0)
    with pytest.raises(ArgumentError, match="by is 'path' or 'route', got str 'neuron'"):
        explain(x * x, x, by="neuron")  # type: ignore[arg-type]


# ---- As it is read -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model() -> nn.MLP:
    return nn.MLP(2, [4, 4, 1], activation="tanh", rng=0)


def loss_of(model: nn.MLP, samples: int = 1) -> Value:
    loss: Value = ag.mean([(model([i / 10, 1.0]) - 1.0) ** 2 for i in range(1, samples + 1)])
    loss.name = "loss"
    return loss


def test_a_parameter_of_a_network_is_explained_by_neurons(model: nn.MLP) -> None:
    text = str(explain(loss_of(model), model.layers[0].neurons[0].w[0]))
    assert text.startswith("d loss / d layers.0.neurons.0.w.0 = ")
    lines = " ".join(text.split())
    for neuron in range(4):
        assert f"w.0 -> layers.0.neurons.0 -> layers.1.neurons.{neuron} -> layers.2.neurons.0 -> " in lines


@given(st.text(max_size=60), finite_floats(), st.integers(1, 60))
@settings(deadline=None, max_examples=40)
def test_the_table_fits_the_terminal(name: str, number: float, height: int) -> None:
    x = Value(number, name=name)
    text = str(explain(towered(x, height), x))
    assert max(map(len, text.split("\n"))) <= 79


def test_the_table_says_which_neurons_are_off() -> None:
    model = nn.MLP(2, [8, 1], rng=1)
    out = model([-3.0, 0.1])
    off = [i for i, neuron in enumerate(model.layers[0].neurons) if neuron([-3.0, 0.1]).data == 0.0]
    why = explain(out, model.layers[0].neurons[off[0]].w[0])
    assert f"relu is off in layers.0.neurons.{off[0]}" in str(why)


def test_long_runs_of_one_operation_are_told_in_one() -> None:
    x = Value(1.0, name="x")
    y = x
    for _ in range(30):
        y = y + 1.0
    assert "x -> + (30 times)" in str(explain(y, x))


HOSTILE = ['<b>&"quoted"</b>', "{a}_$b$^c\\d", "two\nlines", "имя", "#%~", "x" * 200, ""]


@pytest.mark.parametrize("name", HOSTILE)
def test_markup_holds_with_any_name(name: str) -> None:
    x = Value(2.0, name=name)
    why = explain(ag.sin(x) * x, x)
    ET.fromstring(why._repr_html_())
    latex = why._repr_latex_()
    assert latex.startswith("$$")
    unescaped = latex.replace("\\\\", "").replace("\\{", "").replace("\\}", "").replace("\\$", "")
    assert unescaped.count("{") == unescaped.count("}")
    assert unescaped.strip("$").count("$") == 0
    assert "\n" not in latex


def test_the_formula_has_the_factors_below() -> None:
    x = Value(3.0, name="x")
    latex = explain(ag.neg(x * 4.0), x)._repr_latex_()
    assert r"\underbrace{\frac{\partial\,\mathtt{y}}{\partial\,\mathtt{*\ 4}}}_{-1}" in latex
    assert r"\underbrace{\frac{\partial\,\mathtt{*\ 4}}{\partial\,\mathtt{x}}}_{4}" in latex
    assert r"\frac{\partial\,\mathtt{y}}{\partial\,\mathtt{x}}" in latex


# ---- Drawn ---------------------------------------------------------------------------------


def test_the_shown_paths_are_lit_and_nothing_else() -> None:
    x, w = Value(3.0, name="x"), Value(2.0, name="w")
    scene = explain(ag.sin(w * x) + w, x).draw().scene
    lit = {box.lines[0] for box in scene.boxes if box.is_lit}
    assert {"x", "*", "sin", "+"} <= lit
    assert "w" not in lit
    labels = [arrow.label for arrow in scene.arrows if arrow.label]
    assert labels == ["2", f"{math.cos(6.0):.4g}", "1"]
    assert all(arrow.is_lit for arrow in scene.arrows if arrow.label)


def test_a_large_graph_is_drawn_as_its_paths_alone(model: nn.MLP, recwarn: pytest.WarningsRecorder) -> None:
    why = explain(loss_of(model, 20), model.layers[0].neurons[0].w[0], top=2)
    scene = why.draw().scene
    assert [box.lines[0] for box in scene.boxes if box.kind == "output"] == ["loss"]
    assert {"w.0", "layers.0.neurons.0"} <= {box.lines[0] for box in scene.boxes}
    assert len(scene.boxes) < 20
    assert not recwarn
    known = {box.id for box in scene.boxes}
    assert all(arrow.tail in known and arrow.head in known for arrow in scene.arrows)


def test_what_has_no_path_is_drawn_as_it_is(model: nn.MLP) -> None:
    other = Value(1.0, name="other")
    assert not any(box.is_lit for box in explain(other * 2.0, model.parameters()[0]).draw().scene.boxes)
    x = Value(2.0)
    assert explain(x * x, x, top=0).draw().scene.boxes


def test_long_paths_are_drawn_short() -> None:
    x = Value(0.5, name="x")
    why = explain(towered(x, 100), x, top=2)
    scene = why.draw().scene
    assert len(scene.boxes) <= 24
    assert sum("more" in box.lines[0] for box in scene.boxes) == 2
    assert "300" in scene.note or "301" in scene.note
    assert why.draw(max_nodes=None, rankdir="LR").scene.rankdir == "LR"


def test_compiled_functions_are_lit_too() -> None:
    f = ag.jit(lambda a, b: (a * b, ag.sin(a)))
    a, b = Value(2.0, name="a"), Value(3.0, name="b")
    first, second = f(a, b)
    scene = explain(first * second, b).draw().scene
    assert [box.lines[0] for box in scene.boxes if box.is_lit and box.is_named] == ["b"]


@pytest.mark.parametrize("options", [{"expand": True}, {"depth": 1}, {"collapse": "layers.0"}])
def test_options_that_would_hide_the_paths_are_refused(options: dict[str, object]) -> None:
    x = Value(3.0)
    with pytest.raises(ArgumentError, match="has no option"):
        explain(x * x, x).draw(**options)
    with pytest.raises(TypeError, match="no option"):
        explain(x * x, x).draw(colour="kind")


# ---- The page ------------------------------------------------------------------------------


def test_the_page_shows_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parent.parent / "docs" / "explain.md").read_text(encoding="utf-8")
    names: dict[str, object] = {}
    blocks = page.split("```")[1::2]
    assert blocks[0].startswith("python\n")
    for i, block in enumerate(blocks):
        if block.startswith("python\n"):
            exec(block.removeprefix("python\n"), names)
            printed = capsys.readouterr().out
            if printed:
                assert blocks[i + 1].removeprefix("text\n") == printed

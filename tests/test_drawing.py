"""Graphs as DOT text and as pictures."""

import builtins
import math
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pygraphviz
import pytest

import autograd_lite as ag
from autograd_lite import Op, Value, draw, nn
from autograd_lite.core import graph
from autograd_lite.drawing import render
from autograd_lite.errors import ArgumentError, MissingDependencyError, RenderError
from autograd_lite.nn import MLP


def _any(thing: Any) -> Any:
    return thing


def edges(source: str) -> list[tuple[str, str]]:
    return re.findall(r"(\w+) -> (\w+)", source)


def labels(source: str) -> list[str]:
    return re.findall(r'label="?(.*?)"? (?:fillcolor|height)', source)


def test_values_show_name_data_and_grad_before_and_after_backward() -> None:
    x = Value(3.0, name="x")
    y = x * 2.5
    assert labels(draw(y).source) == ["{x|data 3|grad -}", "{data 7.5|grad -}", "*", "2.5"]
    y.backward()
    assert labels(draw(y).source)[:2] == ["{x|data 3|grad 2.5}", "{data 7.5|grad 1}"]
    assert "constant" in draw(y + Value(1.0).detach()).source


def test_operations_are_nodes_of_their_own_and_keep_their_operands() -> None:
    x = Value(3.0)
    assert edges(draw(x * x).source) == [("o1", "v1"), ("v0", "o1"), ("v0", "o1")]
    a, b = Value(1.0), Value(2.0)
    assert edges(draw(a - b).source)[1:] == [("v0", "o2"), ("v1", "o2")]


def test_the_text_is_the_same_each_time() -> None:
    def graph() -> str:
        x = Value(3.0, name="x")
        return draw(ag.tanh(x * x + 1.0) * x).source

    assert graph() == graph()


@pytest.mark.parametrize(
    "name", ['a"b', "a{b}|<c>", "a\\nb", "line\nbreak", "ü € 漢", "&amp;", "<b>bold</b>", "a\x00b", ""]
)
def test_labels_are_escaped(name: str) -> None:
    drawing = draw(Op(name or "op", abs, (1.0,))(Value(3.0, name=name)))
    svg = render.render(drawing.source, "svg").decode()
    shown = re.sub(r"&#(\d+);", lambda m: chr(int(m[1])), svg)
    shown = shown.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&#45;", "-")
    shown = shown.replace("&amp;", "&").replace("\xa0", " ")
    expected = name.replace("\n", " ").replace("\x00", " ")
    assert shown.count(f">{expected}<") >= 2 or not name


def test_a_users_own_operation_of_many_operands_is_drawn() -> None:
    fma = Op("fma", lambda x, y, z: x * y + z, lambda ans, x, y, z: (y, x, 1.0))
    x = Value(3.0)
    assert edges(draw(fma(x, x, 1.0)).source) == [("o1", "v1"), ("v0", "o1"), ("v0", "o1"), ("o1c2", "o1")]


def neuron(nin: int = 2) -> Value:
    """A neuron with names, and numbers that can be done in the head."""
    w = [Value(2.0 + i, name=f"w{i}") for i in range(nin)]
    x = [Value(1.0, name=f"x{i}") for i in range(nin)]
    return nn.functional.linear(x, w, Value(0.5, name="b"))  # type: ignore[no-any-return]


def test_a_neuron_is_drawn_product_by_product_with_the_numbers_and_gradients_on_the_way() -> None:
    y = neuron()
    (y * 3.0).backward()
    source = draw(y).source
    assert labels(source) == [
        *("{b|data 0.5|grad 3}", "{w0|data 2|grad 3}", "{x0|data 1|grad 6}", "{w1|data 3|grad 3}"),
        *("{x1|data 1|grad 9}", "{data 2|grad 3}", "*", "{data 2.5|grad 3}", "+", "{data 3|grad 3}", "*"),
        *("{data 5.5|grad 3}", "+"),
    ]
    by_hand = [("o5", "v5"), ("v1", "o5"), ("v2", "o5"), ("o6", "v6"), ("v0", "o6"), ("v5", "o6")]
    by_hand += [("o7", "v7"), ("v3", "o7"), ("v4", "o7"), ("o8", "v8"), ("v6", "o8"), ("v7", "o8")]
    assert edges(source) == by_hand
    assert draw(y, expand=True).source == source


def test_a_neuron_written_out_is_drawn_as_what_is_written_by_hand() -> None:
    b, w, x = Value(0.5), Value(2.0), Value(-1.5)
    whole, by_hand = nn.functional.linear([x, 1.0], [w, b], b), b + w * x + b * 1.0
    for y in (whole, by_hand):
        b.grad = w.grad = x.grad = 0.0
        y.backward()
        assert sorted(labels(draw(y).source)) == sorted(
            ["{data 0.5|grad 2}", "{data 2|grad -1.5}", "{data -1.5|grad 2}", "{data -3|grad 1}", "{data -2.5|grad 1}",
             "{data 0.5|grad 1}", "{data -2|grad 1}", "1", "*", "*", "+", "+"]
        )  # fmt: skip


def test_a_sum_is_drawn_whole_on_request_and_in_a_large_graph() -> None:
    whole = draw(neuron(), expand=False).source
    assert labels(whole)[-2:] == ["{data 5.5|grad -}", "linear"]
    assert edges(whole) == [("o5", "v5"), *((f"v{i}", "o5") for i in range(5))]
    assert draw(neuron(20)).source.count("data ") == 81
    assert draw(neuron(30)).source.count("data ") == 62
    assert draw(neuron(30), expand=True).source.count("data ") == 121


@pytest.mark.parametrize(
    ("total", "shown"),
    [
        (lambda x: ag.sum([x, 1.0, x]), ["+", "+", "{data 4|grad 6}", "{data 7|grad 6}"]),
        (lambda x: ag.mean([x, 1.0]), ["+", "/", "{data 2|grad 6}", "{data 4|grad 3}"]),
        (lambda x: ag.dot([x, 2.0], [x, x]), ["*", "*", "+", "{data 15|grad 6}", "{data 6|grad 6}", "{data 9|grad 6}"]),
        (lambda x: ag.mean([x]), ["/", "{data 3|grad 6}"]),
        (lambda x: ag.dot([x], [2.0]), ["*", "{data 6|grad 6}"]),
    ],
)
def test_every_sum_is_written_out(total: Callable[[Value], Value], shown: list[str]) -> None:
    y = total(Value(3.0, name="x"))
    (y * 6.0).backward()
    found = labels(draw(y, expand=True).source)
    assert sorted(label for label in found if "x" not in label and not label[0].isdigit()) == shown


def test_products_of_constants_in_a_sum_are_drawn_as_constants() -> None:
    x = Value(3.0).requires_grad_(False)
    source = draw(nn.functional.linear([x], [2.0], Value(1.0))).source
    assert "{data 6|constant}" in labels(source)


def test_where_data_has_been_assigned_since_no_wrong_numbers_are_drawn_on_the_way() -> None:
    w = Value(2.0)
    y = nn.functional.linear([3.0, 1.0], [w, w], 0.5)
    w.data = 7.0
    assert labels(draw(y, expand=True).source) == ["{data 7|grad -}", "{data 8.5|grad -}", "linear", "0.5", "3", "1"]


def test_a_sum_that_is_nan_is_written_out_too() -> None:
    y = ag.sum([Value(math.inf), Value(-math.inf), 1.0])
    assert labels(draw(y).source).count("+") == 2


def test_a_deep_graph_is_drawn_without_recursion() -> None:
    y = Value(1.0)
    for _ in range(5000):
        y = y + 1.0
    assert len(edges(draw(y).source)) == 15000


def powers(n: int) -> Value:
    """A graph in which one leaf is used n times, at every depth."""
    x = Value(0.9, name="x")
    y = x
    for _ in range(n):
        y = y * x
    return y


@pytest.mark.parametrize("rankdir", ["LR", "TB"])
def test_each_node_of_a_large_graph_has_a_place_of_its_own_after_its_operands(rankdir: str) -> None:
    source = draw(powers(100) + 1.0, rankdir=rankdir).source
    places = {name: (int(x), int(y)) for name, x, y in re.findall(r'(\w+) \[.*pos="(-?\d+),(-?\d+)"', source)}
    assert len(places) == len(set(places.values())) == len(labels(source))
    for start, end in edges(source):
        (x, y), (to_x, to_y) = places[start], places[end]
        assert x < to_x if rankdir == "LR" else y > to_y


def test_graphviz_places_the_nodes_of_a_small_graph_in_bounded_steps() -> None:
    source = draw(powers(10)).source
    assert "pos=" not in source
    assert "nslimit=1 nslimit1=1" in source


@pytest.mark.parametrize("by", ["program", "library"])
def test_a_large_graph_is_rendered_whole(monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    if by == "library":
        monkeypatch.setattr(shutil, "which", lambda name: None)
    elif not shutil.which("dot"):
        pytest.skip("no dot program here")
    drawing = draw(powers(200))
    svg = render.render(drawing.source, "svg").decode()
    assert svg.count('class="node"') == len(labels(drawing.source)) == 401
    assert svg.count('class="edge"') == len(edges(drawing.source)) == 600


@pytest.mark.parametrize(
    ("suffix", "start"), [("dot", b"digraph"), ("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")]
)
@pytest.mark.parametrize("by", ["program", "library"])
def test_save_writes_every_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, start: bytes, by: str
) -> None:
    if by == "library":
        monkeypatch.setattr(shutil, "which", lambda name: None)
    elif not shutil.which("dot"):
        pytest.skip("no dot program here")
    path = draw(Value(3.0, name="x") * 2.0).save(tmp_path / f"graph.{suffix}")
    assert path.read_bytes().startswith(start)
    assert [p.name for p in tmp_path.iterdir()] == [f"graph.{suffix}"]


def test_a_drawing_shows_itself_in_a_notebook() -> None:
    bundle = draw(Value(3.0))._repr_mimebundle_()
    assert "<svg" in bundle["image/svg+xml"]
    assert repr(draw(Value(3.0))).startswith("<Drawing of 1 Values")


@pytest.fixture
def no_graphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., Any] = builtins.__import__

    def importing(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "pygraphviz":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(builtins, "__import__", importing)


@pytest.mark.usefixtures("no_graphviz")
def test_without_graphviz_one_error_says_what_to_install(tmp_path: Path) -> None:
    drawing = draw(Value(3.0))
    with pytest.raises(MissingDependencyError) as caught:
        drawing.save(tmp_path / "graph.svg")
    for command in ("apt install", "brew install", "choco install", "conda install", '"autograd_lite[render]"'):
        assert command in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    assert drawing.source in drawing._repr_mimebundle_()["text/plain"]
    assert drawing.save(tmp_path / "graph.dot").read_text() == drawing.source


def test_a_failing_graphviz_is_an_error_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "graph.svg"
    target.write_text("old")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(RenderError, match="Graphviz failed to make svg"):
        render.render("digraph {", "svg")
    assert target.read_text() == "old"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda p: draw(_any(3.0)),
            TypeError,
            "draw takes the Value whose graph .* got float 3.0",
        ),
        (lambda p: draw(Value(1.0), rankdir="up"), ArgumentError, "rankdir is 'LR' or 'TB', got 'up'"),
        (lambda p: draw(Value(1.0), expand=_any(2)), TypeError, "expand is True, False or None, got int 2"),
        (lambda p: draw(Value(1.0)).save(p / "a.gif"), ArgumentError, "unknown format 'gif'; .* dot, svg, png, pdf"),
        (lambda p: draw(Value(1.0)).save(p / "a"), ArgumentError, "has no ending that says a format, such as .dot"),
        (lambda p: draw(Value(1.0)).save(p / "no" / "a.dot"), FileNotFoundError, "there is no folder"),
        (lambda p: draw(Value(1.0)).save(p, "dot"), IsADirectoryError, "it is a folder"),
        (lambda p: draw(Value(1.0)).save("/proc/a.dot"), OSError, "cannot write /proc/a.dot"),
    ],
)
def test_misuse_says_what_was_expected(
    tmp_path: Path, call: Callable[[Path], Any], error: type[Exception], message: str
) -> None:
    if "/proc" in message and not sys.platform.startswith("linux"):
        pytest.skip("no /proc here")
    with pytest.raises(error, match=message):
        call(tmp_path)


def test_a_leaf_that_is_used_often_is_drawn_soon() -> None:
    x = Value(1.0, name="x")
    y = x
    for i in range(35):
        y = y * x + (x if i % 2 else 1.0)
    assert b"<svg" in render.render(draw(y).source, "svg")


def test_a_large_graph_comes_with_its_places() -> None:
    model = MLP(2, [8, 8, 1], rng=0)
    loss = ag.sum([(model([i / 10, 0.5]) - 1.0) ** 2 for i in range(20)])
    for rankdir in ("LR", "TB"):
        drawing = draw(loss, rankdir=rankdir)
        made = pygraphviz.AGraph(string=drawing.source)
        places = [node.attr["pos"] for node in made.nodes()]
        assert len(set(places)) == len(places) > 1000
        assert drawing.source.count("data ") == len(graph.nodes(loss))
        across = {edge: [float(node.attr["pos"].split(",")[rankdir == "TB"]) for node in map(made.get_node, edge)]
                  for edge in made.edges()}  # fmt: skip
        assert all((there > here) == (rankdir == "LR") for here, there in across.values())
    assert b"<svg" in render.render(drawing.source, "svg")

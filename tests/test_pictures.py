"""From a scene to pictures: DOT, SVG, PNG, PDF, pages and Mermaid."""

import builtins
import dataclasses
import itertools
import json
import os
import random
import re
import shutil
import subprocess
import sys
import webbrowser
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pygraphviz
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_lite.drawing.pictures import palette, render
from autograd_lite.drawing.pictures.dot import to_dot
from autograd_lite.drawing.pictures.mermaid import to_mermaid
from autograd_lite.drawing.pictures.page import to_page
from autograd_lite.drawing.pictures.picture import Drawing
from autograd_lite.drawing.pictures.svg import to_svg
from autograd_lite.drawing.scene import Arrow, Box, Kind, Scene
from autograd_lite.errors import ArgumentError, MissingDependencyError, RenderError

KINDS: tuple[Kind, ...] = ("input", "parameter", "constant", "operation", "value", "output", "folded")

HOSTILE = [
    'a"b', "a{b}|<c>", "a\\nb", "line\nbreak", "ü € 漢", "&amp;", "<b>bold</b>", "a\x00b", "", " ", "\\N \\G", "end\\",
    "]])}>", "end", "`md`", "#quot;", "%% c", "שלום", "\u202eabc", "👨\u200d👩\u200d👧 🎉", "x" * 10_000, "\ud800",
    "1. list", "- item", "<!-- c -->", "]]>", "$x$",
]  # fmt: skip


def neuron(**options: Any) -> Scene:
    """tanh(w * x - 1), its parts in two modules."""
    inside = ("MLP", "layers.0")
    boxes = (
        Box("v0", "parameter", ("w", "data 0.5", "grad 1.5"), "w, whole", inside, is_named=True, grad=1.5),
        Box("v1", "input", ("x", "data 3", "grad -0.25"), "x, whole", is_named=True, grad=-0.25),
        Box("o2", "operation", ("*",), "mul", inside),
        Box("v2", "value", ("data 1.5", "grad 0"), cluster=inside, grad=0.0),
        Box("o3c1", "constant", ("1",), cluster=("MLP",)),
        Box("o3", "operation", ("-",), cluster=("MLP",)),
        Box("m4", "folded", ("layers.1", "12 nodes", "data 2", "grad 4"), is_named=True, grad=None, count=12),
        Box("v5", "output", ("data nan", "grad 1"), grad=1.0, is_alarming=True),
    )
    ends = [("v0", "o2"), ("v1", "o2"), ("o2", "v2"), ("v2", "o3"), ("o3c1", "o3"), ("o3", "m4"), ("m4", "v5")]
    arrows = [Arrow(tail, head, f"{tail}-{head}") for tail, head in ends]
    arrows[0] = dataclasses.replace(arrows[0], label="3.25", tooltip="the local derivative")
    return Scene(
        boxes, tuple(arrows), "a neuron", "Two leaves and what follows.", note="12 nodes are folded", **options
    )


def layered(*sizes: int) -> Scene:
    """Layers, each box of which leads to each of the next."""
    layers = [[f"v{depth}_{i}" for i in range(size)] for depth, size in enumerate(sizes)]
    boxes = [Box(one, "value", (f"data {one[1:]}", "grad 1")) for layer in layers for one in layer]
    ends = [pair for two in itertools.pairwise(layers) for pair in itertools.product(*two)]
    return Scene(tuple(boxes), tuple(Arrow(a, b, f"{a}-{b}") for a, b in ends), "layers", "")


def random_scene(size: int, arrows: int, label: str = "") -> Scene:
    """A graph without cycles, dense and deep."""
    draw = random.Random(size * arrows)
    boxes = tuple(Box(f"v{i}", "value", (f"data {i}", "grad 1")) for i in range(size))
    ends = [sorted(draw.sample(range(size), 2)) for _ in range(arrows)] + [[i, i + 1] for i in range(0, size - 1, 3)]
    ends.sort(key=lambda pair: pair[1])
    return Scene(boxes, tuple(Arrow(f"v{a}", f"v{b}", f"a{i}", label) for i, (a, b) in enumerate(ends)), "random", "")


@pytest.fixture(params=["program", "library"])
def by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Either renderer."""
    if request.param == "library":
        monkeypatch.setattr(shutil, "which", lambda name: None)
    elif not shutil.which("dot"):
        pytest.skip("no dot program here")
    return str(request.param)


@pytest.fixture
def no_graphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., Any] = builtins.__import__

    def importing(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "pygraphviz":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(builtins, "__import__", importing)


def elements(svg: str, tag: str) -> list[ET.Element]:
    return [one for one in ET.fromstring(svg).iter() if one.tag == "{http://www.w3.org/2000/svg}" + tag]


def texts(svg: str) -> list[str]:
    """What is to be read in a picture."""
    return ["".join(one.itertext()).replace("\xa0", " ") for one in elements(svg, "text")]


def parsed(scene: Scene) -> Any:
    return pygraphviz.AGraph(string=to_dot(scene))


# --- DOT ------------------------------------------------------------------------------------------------------------


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_dot_has_the_boxes_arrows_and_modules_of_any_scene(data: st.DataObject) -> None:
    name = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=8))
    size = data.draw(st.integers(0, 6))
    boxes = [
        Box(
            f"v{i}", data.draw(st.sampled_from(KINDS)), tuple(data.draw(st.lists(name, max_size=5))), data.draw(name),
            tuple(data.draw(st.lists(name, max_size=3))), data.draw(st.booleans()), data.draw(st.floats() | st.none()),
            data.draw(st.booleans()), data.draw(st.booleans()),
        )
        for i in range(size)
    ]  # fmt: skip
    ends = [(f"v{a}", f"v{b}") for b in range(size) for a in range(b) if data.draw(st.booleans())]
    arrows = tuple(Arrow(a, b, f"{a}-{b}", data.draw(name), data.draw(name), data.draw(st.booleans())) for a, b in ends)
    scene = Scene(
        tuple(boxes), arrows, data.draw(name), data.draw(name), data.draw(name),
        data.draw(st.sampled_from(["LR", "TB"])),
        data.draw(st.sampled_from(["kind", "grad", None])), data.draw(st.sampled_from(["auto", "light", "dark"])),
    )  # fmt: skip
    graph = parsed(scene)
    assert sorted(graph.nodes()) == sorted(box.id for box in boxes)
    assert sorted(graph.edges()) == sorted(ends)
    paths = {box.cluster[:depth] for box in boxes for depth in range(1, len(box.cluster) + 1)}
    assert to_dot(scene).count("subgraph cluster_") == len(paths)
    assert to_dot(scene) == to_dot(scene)


@pytest.mark.parametrize("rankdir", ["LR", "TB"])
@pytest.mark.parametrize("clusters", [(), ("a",), ("a", "b")])
def test_operands_stand_in_order_inside_modules_and_outside(by: str, rankdir: Any, clusters: tuple[str, ...]) -> None:
    boxes = [Box(f"v{i}", "value", (f"data {i}",), cluster=clusters) for i in range(4)]
    boxes += [Box("o9", "operation", ("-",), cluster=clusters)]
    scene = Scene(
        tuple(boxes), tuple(Arrow(f"v{i}", "o9", f"v{i}-o9") for i in (2, 0, 3, 1)), "order", "", rankdir=rankdir
    )
    found = re.findall(r'<g id="v(\d)".*?<text [^>]*? x="([-\d.]+)" y="([-\d.]+)"', to_svg(scene), re.DOTALL)
    order = sorted(found, key=lambda one: float(one[1 if rankdir == "TB" else 2]))
    assert [one[0] for one in order] == ["2", "0", "3", "1"]


def corners(svg: str, id: str) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the frame of a box or a module."""
    found = re.search(rf'<g id="{id}".*?(?:points|d)="([^"]*)"', svg, re.DOTALL)
    assert found is not None
    pairs = [tuple(map(float, pair.split(","))) for pair in re.findall(r"[-\d.]+,[-\d.]+", found[1])]
    across, down = zip(*pairs, strict=True)
    return min(across), min(down), max(across), max(down)


def in_modules(scene: Scene, kind: Kind) -> Scene:
    """The same with each layer in a module of its own."""
    boxes = [dataclasses.replace(box, kind=kind, cluster=("MLP", f"layer {box.id[1]}")) for box in scene.boxes]
    return dataclasses.replace(scene, boxes=tuple(boxes))


@pytest.mark.parametrize(("sizes", "kind"), [((16, 16, 1), "folded"), ((12, 9, 9, 9), "folded"), ((8, 20), "value")])
def test_layers_that_are_alike_stand_in_order_each_in_its_module(sizes: tuple[int, ...], kind: Any) -> None:
    svg = to_svg(in_modules(layered(*sizes), kind))
    modules = [corners(svg, f"c{2 + depth}") for depth in range(len(sizes))]
    for depth, (size, module) in enumerate(zip(sizes, modules, strict=True)):
        boxes = [corners(svg, f"v{depth}_{i}") for i in range(size)]
        assert all(above[3] < below[1] for above, below in itertools.pairwise(boxes))
        for box in boxes:
            assert all(outer < inner for outer, inner in zip(module[:2], box[:2], strict=True))
            assert all(outer > inner for outer, inner in zip(module[2:], box[2:], strict=True))
    assert all(one[2] <= following[0] for one, following in itertools.pairwise(modules))


def operation_on(*tails: str, symbol: str = "-") -> Scene:
    """Operands that are shared, or stand in another module than the operation."""
    inside = ("a",)
    boxes = [Box(f"v{i}", "value", (f"data {i}",), cluster=inside if i < 2 else ()) for i in range(4)]
    boxes += [Box("o5", "operation", (symbol,)), Box("o9", "operation", (symbol,), cluster=inside)]
    ends = [*((f"v{i}", "o5") for i in range(2)), *((tail, "o9") for tail in tails)]
    return Scene(tuple(boxes), tuple(Arrow(a, b, f"{a}-{b}-{j}") for j, (a, b) in enumerate(ends)), "order", "")


def dense_operation_on(*tails: str) -> Scene:
    scene = layered(9, 9, 9)
    boxes = (*scene.boxes, Box("o9", "operation", ("-",)))
    arrows = (*scene.arrows, *(Arrow(tail.replace("v", "v2_"), "o9", f"{tail}-o9") for tail in tails))
    return dataclasses.replace(scene, boxes=boxes, arrows=arrows)


@pytest.mark.parametrize("rankdir", ["LR", "TB"])
@pytest.mark.parametrize("tails", [("v0", "v2"), ("v2", "v0"), ("v1", "v0"), ("v3", "v0", "v2")])
@pytest.mark.parametrize("made", [operation_on, dense_operation_on])
def test_arrows_come_in_to_an_operation_in_the_order_of_its_operands(
    rankdir: Any, tails: tuple[str, ...], made: Callable[..., Scene]
) -> None:
    scene = dataclasses.replace(made(*tails), rankdir=rankdir)
    svg = to_svg(scene)
    tips = [
        [tuple(map(float, pair.split(","))) for pair in points.split()][1]
        for arrow in scene.arrows
        if arrow.head == "o9"
        for points in re.findall(rf'<g id="{arrow.id}".*?<polygon [^>]*points="([^"]*)"', svg, re.DOTALL)[:1]
    ]
    along = [tip[0 if rankdir == "TB" else 1] for tip in tips]
    assert len(along) == len(tails)
    assert along == sorted(along)


@pytest.mark.parametrize("rankdir", ["LR", "TB"])
def test_each_box_of_a_large_scene_has_a_place_of_its_own_after_those_that_lead_to_it(rankdir: Any) -> None:
    scene = dataclasses.replace(random_scene(300, 2000), rankdir=rankdir)
    graph = parsed(scene)
    assert graph.graph_attr["layout"] == "nop"
    places = {node: tuple(map(float, graph.get_node(node).attr["pos"].split(","))) for node in graph.nodes()}
    assert len(places) == len(set(places.values())) == 300
    for tail, head in graph.edges():
        (x, y), (to_x, to_y) = places[tail], places[head]
        assert x < to_x if rankdir == "LR" else y > to_y


@pytest.mark.parametrize(
    "scene",
    [random_scene(200, 600), random_scene(60, 300, "-0.1"), layered(40, 40), layered(9, 9, 9), random_scene(300, 900)],
    ids=["deep", "labels", "two layers", "three layers", "large"],
)  # fmt: skip
def test_dense_scenes_are_rendered_whole(by: str, scene: Scene) -> None:
    svg = to_svg(scene, timeout=30.0)
    assert svg.count('class="node ') == len(scene.boxes)
    assert svg.count('class="edge') == len(scene.arrows)


# --- SVG ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("theme", "color", "rankdir"), [("auto", "kind", "LR"), ("light", "grad", "TB"), ("dark", None, "LR")]
)
def test_svg_is_xml_with_each_text_id_and_class(by: str, theme: Any, color: Any, rankdir: Any) -> None:
    scene = neuron(theme=theme, color=color, rankdir=rankdir)
    svg = to_svg(scene)
    shown = texts(svg)
    assert set(shown) >= {line for box in scene.boxes for line in box.lines}
    assert {"3.25", "12 nodes are folded", "MLP", "layers.0"} <= set(shown)
    groups = {one.get("id"): one.get("class", "").split() for one in elements(svg, "g")}
    for box in scene.boxes:
        assert {"node", f"kind-{box.kind}"} <= set(groups[box.id])
    assert all("edge" in groups[arrow.id] for arrow in scene.arrows)
    assert "is-alarming" in groups["v5"]


def test_svg_stands_by_itself_for_readers_and_screen_readers(by: str) -> None:
    svg = to_svg(neuron())
    root = ET.fromstring(svg)
    assert root.get("role") == "img"
    named = {one.get("id"): one.text for one in root.iter() if one.get("id")}
    assert named[root.get("aria-labelledby")] == "a neuron"
    assert named[root.get("aria-describedby")] == "Two leaves and what follows."
    titles = [one.text for one in elements(svg, "title")]
    assert titles == ["a neuron", *titles[1:]]
    assert {"w, whole", "x, whole", "mul", "the local derivative"} == set(titles[1:])
    assert "xlink:title" not in svg
    assert "<!--" not in svg
    assert 200 < int(root.get("width", "")) < 2000
    assert 60 < int(root.get("height", "")) < 1000


def test_drawings_on_one_page_have_rules_of_their_own() -> None:
    one, other = to_svg(neuron()), to_svg(neuron(rankdir="TB"))
    names = [ET.fromstring(svg).get("id", "") for svg in (one, other)]
    assert len(set(names)) == 2
    for svg, name in zip((one, other), names, strict=True):
        rules = re.findall(r"^(:where\S+) ", svg, re.MULTILINE)
        assert set(rules) == {f":where(#{name})"}
    assert "prefers-color-scheme" not in to_svg(neuron(theme="dark"))


@pytest.mark.parametrize("name", HOSTILE)
def test_texts_of_all_kinds_are_shown_as_they_are(name: str) -> None:
    boxes = [Box(f"v{i}", kind, (name, "data 1"), name, (name,), is_named=True) for i, kind in enumerate(KINDS)]
    scene = Scene(tuple(boxes), (Arrow("v0", "v1", "v0-v1", name, name),), name, name, name)
    svg = to_svg(scene)
    expected = re.sub("[\n\x00\u202e\ud800]", " ", name)
    if len(name) < 60 and name.strip():
        assert sum(expected.strip() in text for text in texts(svg)) >= 7
        assert svg.count('class="node kind-') == 7
    titles = [one.text or "" for one in elements(svg, "title")]
    assert all(re.sub("[\x00\u202e\ud800]", " ", name) == title for title in titles) or not name.strip()
    assert int(ET.fromstring(svg).get("width", "")) < 3000


def test_either_renderer_shows_texts_of_all_kinds(by: str) -> None:
    boxes = [Box(f"v{i}", "value", (name, "data 1"), name, (name,), is_named=True) for i, name in enumerate(HOSTILE)]
    shown = texts(to_svg(Scene(tuple(boxes), (), "names", "")))
    for name in HOSTILE:
        expected = re.sub("[\n\x00\u202e\ud800]", " ", name).strip()
        assert len(name) > 60 or sum(expected in text for text in shown) >= 2


def test_what_is_lit_stands_out_and_the_rest_is_faint() -> None:
    scene = neuron()
    boxes = tuple(dataclasses.replace(box, is_lit=box.id in ("v1", "v5")) for box in scene.boxes)
    svg = to_svg(dataclasses.replace(scene, boxes=boxes))
    classes = {one.get("id"): one.get("class", "").split() for one in elements(svg, "g")}
    assert [one for one in classes if "is-lit" in classes[one]] == ["v1", "v5"]
    assert "is-faint" in classes["v0"]
    assert "is-faint" in classes["v0-o2"]
    assert not any("is-faint" in one.get("class", "") for one in elements(to_svg(scene), "g"))


# --- colours --------------------------------------------------------------------------------------------------------


def luminance(color: str) -> float:
    """As WCAG 2.2 defines it."""
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted([luminance(one), luminance(other)], reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_and_lines_have_the_contrast_of_wcag_aa(theme: int) -> None:
    colors = {role: both[theme] for role, both in palette.COLORS.items()}
    papers = [colors["paper"], colors["cluster-fill"]]
    fills = [role for role in colors if role.endswith("-fill") or role.startswith("grad-") or role == "paper"]
    for role in fills:
        assert contrast(colors["ink"], colors[role]) >= 4.5, role
        if not role.startswith("grad-"):
            assert contrast(colors["muted"], colors[role]) >= 4.5, role
    for role in ("faint-fill", "paper", "cluster-fill"):
        assert contrast(colors["faint-ink"], colors[role]) >= 4.5, role
    for role in [role for role in colors if role.endswith("line") or role == "lit"]:
        for paper in papers:
            assert contrast(colors[role], paper) >= 3.0, role


def test_a_picture_in_light_colours_can_be_turned_dark_colour_by_colour() -> None:
    light = [both[0] for both in palette.COLORS.values()]
    assert len(set(light)) == len(light)
    assert all(re.fullmatch("#[0-9a-f]{6}", color) for both in palette.COLORS.values() for color in both)


def test_every_colour_of_a_picture_is_in_the_palette(by: str) -> None:
    for color in ("kind", "grad", None):
        for theme, column in (("auto", 0), ("dark", 1)):
            svg = to_svg(neuron(color=color, theme=theme))
            used = {one.get(paint) for one in ET.fromstring(svg).iter() for paint in ("fill", "stroke")}
            assert used <= {both[column] for both in palette.COLORS.values()} | {None, "none", "transparent"}


@pytest.mark.parametrize(
    ("grads", "borders"),
    [
        ([0.5, 2.0], [0.3, 1.0]),
        ([0.5, -0.5], [0.3]),
        ([1e-8, 1.0], [1e-8, 1e-6, 1e-4, 1e-2, 1.0]),
        ([5e-324, 1e308], [1e-324, 1e-197, 1e-70, 1e57, 1e184]),
        ([0.0, None, float("nan"), float("inf")], []),
    ],
)
def test_gradients_are_coloured_by_size_on_a_log_scale(grads: list[float | None], borders: list[float]) -> None:
    scale = palette.Scale(grads)
    assert scale.borders == borders
    assert scale.role(0.0) == "grad-0"
    assert scale.role(None) == "value-fill"
    assert scale.role(float("-inf")) == scale.role(float("nan")) == "alarm-fill"
    sizes = [abs(grad) for grad in grads if grad and abs(grad) < float("inf")]
    for size in sizes:
        assert scale.role(size).replace("grad-", "grad-minus-") == scale.role(-size)
    assert not sizes or scale.role(max(sizes)) == "grad-5"


def test_the_legend_says_what_the_colours_of_gradients_are() -> None:
    shown = texts(to_svg(neuron(color="grad")))
    assert [text for text in shown if text[0] in "≤≥" or text in ("0", "grad")] == [
        "grad", "≤ -1", "≤ -0.3", "≤ -0.1", "0", "≥ 0.1", "≥ 0.3", "≥ 1",
    ]  # fmt: skip
    assert not any("≥" in text for text in texts(to_svg(neuron())))


def test_kinds_and_alarms_differ_in_more_than_colour() -> None:
    boxes = [Box(f"v{i}", kind, ("data 1",)) for i, kind in enumerate(KINDS)]
    boxes += [dataclasses.replace(boxes[4], id="v9", is_alarming=True)]
    lines = to_dot(Scene(tuple(boxes), (), "kinds", "")).splitlines()
    ours = r'(fill|font)?color="[^"]*"|\b(class|id)=("[^"]*"|\w+)|label=.*|^\w+ '
    shapes = {re.sub(ours, "", line, flags=re.IGNORECASE) for line in lines if line.startswith("v")}
    assert len(shapes) == len(boxes)


# --- files and notebooks --------------------------------------------------------------------------------------------

STARTS = {
    "svg": b"<svg ", "png": b"\x89PNG", "pdf": b"%PDF", "html": b"<!DOCTYPE html>", "dot": b"digraph",
    "gv": b"digraph", "mmd": b"flowchart",
}  # fmt: skip


@pytest.mark.parametrize("suffix", STARTS)
def test_save_writes_every_format(tmp_path: Path, by: str, suffix: str) -> None:
    path = Drawing(neuron()).save(tmp_path / f"graph.{suffix}")
    assert path.read_bytes().startswith(STARTS[suffix])
    assert [p.name for p in tmp_path.iterdir()] == [f"graph.{suffix}"]
    in_bytes: Any = os.fsencode(path)
    assert Drawing(neuron()).save(in_bytes) == path
    assert Drawing(neuron()).save(tmp_path / "other", suffix).read_bytes()[:4] == STARTS[suffix][:4]


def test_a_png_is_sharp_and_never_absurd(by: str, tmp_path: Path) -> None:
    def size(scene: Scene) -> tuple[int, int]:
        head = Drawing(scene).save(tmp_path / "a.png").read_bytes()[16:24]
        return int.from_bytes(head[:4]), int.from_bytes(head[4:])

    width, _ = size(neuron())
    assert width > 1.4 * int(ET.fromstring(to_svg(neuron())).get("width", ""))
    assert max(size(random_scene(1200, 10))) <= 7300


def test_dark_pngs_are_dark_and_those_that_follow_the_reader_light(tmp_path: Path) -> None:
    plt = pytest.importorskip("matplotlib.pyplot")
    for theme, corner in (("auto", palette.COLORS["paper"][0]), ("dark", palette.COLORS["paper"][1])):
        pixel = plt.imread(Drawing(neuron(theme=theme)).save(tmp_path / "a.png"))[2, 2]
        assert [round(float(x) * 255) for x in pixel[:3]] == [int(corner[at : at + 2], 16) for at in (1, 3, 5)]


def test_a_page_says_its_title_once() -> None:
    page = to_page(dataclasses.replace(neuron(), description="a neuron: two leaves."))
    assert "<h1>a neuron</h1>\n<p>two leaves.</p>" in page


def test_a_page_needs_nothing_else() -> None:
    text = to_page(dataclasses.replace(neuron(), title="<script>alert(1)</script>"))
    assert "<script>alert" not in text
    assert not re.search(r'(?:src|href)="|@import|url\(', text)
    assert re.findall(r"https?://[\w./]+", text.replace("http://www.w3.org", "")) == []


def test_render_is_as_graphviz_users_write_it(tmp_path: Path) -> None:
    assert Drawing(neuron()).render(tmp_path / "gout") == str(tmp_path / "gout.svg")
    assert Drawing(neuron()).render(str(tmp_path / "gout"), format="dot") == str(tmp_path / "gout.dot")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["gout.dot", "gout.svg"]


def test_a_drawing_shows_itself_in_a_notebook(by: str) -> None:
    drawing = Drawing(neuron())
    bundle = drawing._repr_mimebundle_()
    assert bundle["image/svg+xml"] == drawing.svg
    assert bundle["text/plain"] == repr(drawing)
    assert repr(drawing) == "<Drawing: a neuron; 8 boxes, 7 arrows; .save('graph.svg') writes it>"
    assert "1 box, 0 arrows;" in repr(Drawing(Scene((Box("v0", "input", ("data 1",)),), (), "a number", "")))


@pytest.mark.usefixtures("no_graphviz")
def test_without_graphviz_a_notebook_shows_mermaid_and_one_line_of_advice() -> None:
    drawing = Drawing(neuron())
    bundle = drawing._repr_mimebundle_()
    assert bundle["text/vnd.mermaid"] == drawing.mermaid
    advice, _, source = bundle["text/plain"].partition("\n\n")
    assert source == drawing.source
    assert "\n" not in advice
    assert 'pip install "autograd_lite[render]"' in advice
    assert "text/vnd.mermaid" not in Drawing(layered(40, 40))._repr_mimebundle_()


def test_a_drawing_that_would_stop_the_browser_is_not_shown_in_a_notebook() -> None:
    bundle = Drawing(random_scene(5000, 10))._repr_mimebundle_()
    assert list(bundle) == ["text/plain"]
    assert "5,000 boxes" in bundle["text/plain"]
    assert "max_nodes=200" in bundle["text/plain"]
    assert len(bundle["text/plain"]) < 500


@pytest.mark.parametrize(
    "scene",
    [Scene((Box("v0", "value", ()),), (), "", ""), Scene((), (Arrow("a", "b", "c"),), "", ""), None, 3],
    ids=["empty box", "arrows to nowhere", "None", "int"],
)
@pytest.mark.parametrize("broken", [None, MemoryError(), OSError("no")])
def test_showing_itself_never_raises(monkeypatch: pytest.MonkeyPatch, scene: Any, broken: Any) -> None:
    if broken:
        monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: (_ for _ in ()).throw(broken))
    assert Drawing(scene)._repr_mimebundle_()["text/plain"]


@pytest.mark.usefixtures("no_graphviz")
def test_without_graphviz_one_error_says_what_to_install(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drawing = Drawing(neuron())
    for suffix in ("svg", "png", "pdf", "html"):
        with pytest.raises(MissingDependencyError) as caught:
            drawing.save(tmp_path / f"graph.{suffix}")
        for command in ("apt install", "brew install", "choco install", "conda install", '"autograd_lite[render]"'):
            assert command in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    assert drawing.save(tmp_path / "graph.dot").read_text() == drawing.source
    drawing.show()
    assert drawing.mermaid in capsys.readouterr().out


@pytest.mark.usefixtures("by")
def test_a_pdf_has_no_margins_that_a_slide_would_show(tmp_path: Path) -> None:
    drawing = Drawing(neuron())
    box = re.search(rb"/MediaBox \[\s*0 0 ([\d.]+) ([\d.]+)", drawing.save(tmp_path / "graph.pdf").read_bytes())
    assert box is not None
    size = ET.fromstring(drawing.svg).attrib["viewBox"].split()[2:]
    assert [float(side) for side in box.groups()] == pytest.approx([float(side) for side in size], abs=2.0)


def test_show_opens_the_page_or_says_where_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda uri: opened.append(uri) or len(opened) == 1)  # type: ignore[func-returns-value]
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("DISPLAY", ":0")
    Drawing(neuron()).show()
    assert "<svg" in Path(opened[0].removeprefix("file://")).read_text()
    assert capsys.readouterr().out == ""
    Drawing(neuron()).show()
    assert str(tmp_path) in capsys.readouterr().out


def test_a_failing_graphviz_is_an_error_and_leaves_the_old_file(by: str, tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="Graphviz failed to make svg"):
        render.render("digraph {", "svg")
    target = tmp_path / "graph.svg"
    target.write_text("old")
    with pytest.raises(AttributeError):
        Drawing(None).save(target)  # type: ignore[arg-type]
    assert target.read_text() == "old"


def test_a_graphviz_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    slow = tmp_path / "dot"
    slow.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(60)\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RenderError, match=r"takes more than 0.2 seconds .* max_nodes=200"):
        render.render("digraph {}", "svg", timeout=0.2)
    slow.write_text("no program")
    with pytest.raises(RenderError, match="failed to make svg"):
        render.render("digraph {}", "svg")


@pytest.mark.parametrize(
    ("name", "format", "error", "message"),
    [
        ("a.gif", None, ArgumentError, r"unknown format 'gif'; .* as \.svg, \.png, \.pdf, \.html, \.dot, \.gv, \.mmd$"),
        ("a.pgn", None, ArgumentError, r"unknown format 'pgn'; .*; did you mean \.png\?"),
        ("a", None, ArgumentError, r"has no ending that says a format, such as \.svg"),
        ("no/a.dot", None, FileNotFoundError, "there is no folder"),
        ("", "dot", IsADirectoryError, "it is a folder"),
    ],
)
def test_misuse_says_what_was_expected(
    tmp_path: Path, name: str, format: str | None, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Drawing(neuron()).save(tmp_path / name, format)


# --- Mermaid --------------------------------------------------------------------------------------------------------


def lit(scene: Scene) -> Scene:
    return dataclasses.replace(scene, arrows=tuple(dataclasses.replace(one, is_lit=True) for one in scene.arrows))


@pytest.fixture(scope="module")
def accepted() -> Callable[[list[Scene]], list[Any]]:
    """What the real mermaid says of scenes: AUTOGRAD_LITE_NODE_MODULES names where it is, with jsdom."""
    folder = os.environ.get("AUTOGRAD_LITE_NODE_MODULES")
    node = shutil.which("node")
    if not folder or not node:
        pytest.skip("no mermaid here: set AUTOGRAD_LITE_NODE_MODULES")
    script = Path(__file__).parent / "mermaid" / "parse.mjs"

    def ask(scenes: list[Scene]) -> list[Any]:
        asked = json.dumps([to_mermaid(scene) for scene in scenes])
        done = subprocess.run([node, script, folder], input=asked.encode(), check=True, capture_output=True)
        return list(json.loads(done.stdout))

    return ask


def test_mermaid_accepts_every_scene(accepted: Callable[[list[Scene]], list[Any]]) -> None:
    boxes = [
        Box(f"v{i}", KINDS[i % 7], (name, "data 1"), cluster=(name, "in"), is_named=True)
        for i, name in enumerate(HOSTILE)
    ]
    arrows = [Arrow(f"v{i}", f"v{i + 1}", f"a{i}", name) for i, name in enumerate(HOSTILE[1:])]
    options: Any = itertools.product(("LR", "TB"), ("kind", "grad", None), ("auto", "dark"))
    scenes = [Scene(tuple(boxes), tuple(arrows), "", "", "", *option) for option in options]
    scenes += [neuron(), neuron(color="grad"), lit(neuron()), Scene((), (), "", "")]
    for scene, said in zip(scenes, accepted(scenes), strict=True):
        assert said["error"] is None
        assert len(said["labels"]) == len(scene.boxes)
        assert said["edges"] == len(scene.arrows)
    said = accepted([scenes[0]])[0]
    read = {one: re.sub(r"ﬂ°°(\d+)¶ß", lambda found: chr(int(found[1])), text) for one, text in said["labels"]}
    for box, name in zip(boxes, HOSTILE, strict=True):
        if box.kind == "operation" or len(name) > 60:
            continue
        assert read[box.id].split("<br>")[0].strip() == re.sub("[\n\x00\u202e\ud800]", " ", name).strip()


def test_mermaid_has_modules_as_subgraphs_and_a_class_for_each_kind() -> None:
    text = to_mermaid(neuron())
    assert text.startswith("flowchart LR\n")
    assert re.findall(r'subgraph \w+ \["(.*)"\]', text) == ["MLP", "layers.0"]
    assert text.splitlines().count("end") == 2
    assert 'v0 -->|"3.25"| o2' in text
    assert {"parameter", "input", "value", "constant", "operation", "folded", "alarm"} == set(
        re.findall(r"^classDef (\w+)", text, re.MULTILINE)
    )

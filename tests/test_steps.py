"""Backpropagation step by step: the engine's own order and numbers."""

import itertools
import json
import math
import re
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite import Op, Value, nn, steps
from autograd_lite.core import graph, ops
from autograd_lite.core.operators import primitives
from autograd_lite.drawing.backward import backward_pass
from autograd_lite.drawing.steps.notation import Term, local_derivative, text_of
from autograd_lite.drawing.steps.steps import Backward, Forward, Given, Seed
from autograd_lite.errors import ArgumentError, GraphError, MissingDependencyError, TracingError
from autograd_lite.testing import strategies

SVG = "{http://www.w3.org/2000/svg}"


def bits(number: float) -> str:
    return "nan" if math.isnan(number) else number.hex()


def assert_is_the_engines(root: Value) -> None:
    """Its adjoints are what backward() leaves, to the bit; its totals add up; and it writes to no node."""
    nodes = graph.nodes(root)
    gradients = [(node.has_grad, node.grad) for node in nodes]
    done = backward_pass(root)
    assert [(node.has_grad, node.grad) for node in nodes] == gradients
    for node in nodes:
        node.grad = None
    root.backward()
    assert {node: bits(node.grad) for node in nodes if node.has_grad} == {
        node: bits(adjoint) for node, adjoint in done.adjoints.items()
    }
    so_far: dict[Value, float] = {}
    for node, position, operand, adjoint, partial, product, before, total in done.contributions:
        assert node.operands[position] is operand
        if partial is not None:
            assert adjoint is not None
            assert bits(partial) == bits(node.partials[position])
            assert bits(product) == bits(adjoint * partial if adjoint and partial else 0.0)
        assert bits(before) == bits(so_far.get(operand, 0.0))
        assert bits(total) == bits(before + product)
        so_far[operand] = total
    assert {operand: bits(total) for operand, total in so_far.items()} == {
        node: bits(adjoint) for node, adjoint in done.adjoints.items() if node is not root
    }


@settings(max_examples=60)
@given(st.data(), strategies.programs(max_ops=15))
def test_what_is_noted_is_what_backward_does_to_the_bit(data: Any, program: strategies.Program) -> None:
    point = [Value(data.draw(strategies.finite_floats())) for _ in range(program.inputs)]
    root = program(*point)
    if root.requires_grad:
        assert_is_the_engines(root)


@settings(max_examples=40)
@given(st.lists(st.sampled_from([0.0, -1.0, 2.0, math.inf, math.nan]), min_size=2, max_size=2), strategies.programs())
def test_at_zeros_infinities_and_nan_too(point: list[float], program: strategies.Program) -> None:
    unsafe = strategies.Program(2, [strategies.Step(op, tuple(i % 2 for i in at)) for op, at in program.steps],
                                domain_safe=False)  # fmt: skip
    assert_is_the_engines(unsafe(*map(Value, point)) * 0.0 + sum(map(Value, point)))


def test_a_model_an_anomaly_constants_and_a_lone_leaf() -> None:
    x, frozen = Value(0.5), Value(2.0).requires_grad_(False)
    assert_is_the_engines(nn.MLP(2, [4, 4, 1])([x, frozen]) * frozen)
    assert_is_the_engines(x)
    with ag.detect_anomaly():
        assert backward_pass(ag.sqrt(Value(0.0))).contributions[0].partial == math.inf


def test_of_compiled_functions_it_notes_what_arrives() -> None:
    x, y = Value(0.5, name="x"), Value(-1.5, name="y")
    one, several = ag.jit(lambda a, b: ag.tanh(a) * b), ag.jit(lambda a, b: (a * b, a + b))
    p, q = several(x, y)
    for root in (one(x, y) * 2.0, one(x, y), p * q + x, p + 1.0):
        assert_is_the_engines(root)
    noted = backward_pass(one(x, y) * 2.0).contributions[1:]
    assert [(c.operand.name, c.adjoint, c.partial) for c in noted] == [("x", 2.0, None), ("y", 2.0, None)]


def test_loops_inside_and_outside_of_compiled_functions() -> None:
    def power(x: Any) -> Any:
        return ag.scan(lambda carry, factor: (carry * factor, carry), x, [x, 2.0, x])[0]

    x = Value(1.5)
    for f in (power, ag.jit(power)):
        assert_is_the_engines(f(x) * x)


def test_it_is_refused_in_what_jit_records() -> None:
    with pytest.raises(TracingError):
        ag.jit(lambda x: backward_pass(x * x).adjoints[x])(Value(1.0))


def neuron() -> Value:
    """micrograd's neuron, with names."""
    x1, x2, w1, w2 = (Value(x, name=name) for x, name in [(2.0, "x1"), (0.0, "x2"), (-3.0, "w1"), (1.0, "w2")])
    o = ag.tanh(x1 * w1 + x2 * w2 + Value(6.8813735870195432, name="b"))
    o.name = "o"
    return o


@settings(max_examples=40)
@given(st.data(), strategies.programs(max_ops=12))
def test_the_records_are_the_engines_order_and_numbers(data: Any, program: strategies.Program) -> None:
    root = program(*[Value(data.draw(strategies.finite_floats())) for _ in range(program.inputs)])
    if not root.requires_grad:
        return
    every = list(steps(root))
    order = graph.operations(root)
    first, forward = every[0], [step for step in every if isinstance(step, Forward)]
    assert isinstance(first, Given)
    assert first.nodes == tuple(graph.leaves(root))
    assert [step.node for step in forward] == order
    for step in forward:
        assert step.result is not None
        numbers = [number for number in step.numbers if number is not None]
        assert bits(step.op.evaluate(*numbers)) == bits(step.result) == bits(step.node.data)
    root.backward()
    last = {step.operand: step.total for step in every if isinstance(step, Backward)}
    assert {node: bits(node.grad) for node in last} == {node: bits(total) for node, total in last.items()}
    assert all(str(step) and step.words() and step.equations() for step in every)


def test_it_is_a_sequence_of_what_is_given_forward_steps_the_seed_and_backward_steps() -> None:
    o = neuron()
    every = steps(o)
    assert len(every) == len(list(every)) == 16
    kinds = [Given, *[Forward] * 5, Seed, *[Backward] * 9]
    assert [type(step) for step in every] == kinds
    assert every[-1] == every[15] == every[-3:][2]
    assert [type(step) for step in every[5:8]] == kinds[5:8]
    with pytest.raises(IndexError):
        every[16]
    last = every[-1]
    assert isinstance(last, Backward)
    assert (last.node, last.operand.name, last.position, last.before) == (last.node, "w1", 1, 0.0)
    assert last.total == last.before + last.product == every.adjoints[last.operand]


def test_gradients_that_are_there_are_not_mixed_in_and_later_changes_are_not_seen() -> None:
    x = Value(3.0, name="x")
    y = x * x
    y.backward()
    every = steps(y)
    assert x.grad == 6.0
    text = str(every)
    x.grad, x.data = 100.0, 5.0
    assert str(every) == text
    assert "x.grad += v1.grad * dv1/dx = 1 * 3 = 3 now 6" in str(every[-1])


def test_the_text_is_a_table() -> None:
    assert str(steps(neuron())).splitlines() == [
        "Forward",
        "   1  x1                                             = 2",
        "      w1                                             = -3",
        "      x2                                             = 0",
        "      w2                                             = 1",
        "      b                                              = 6.881",
        "   2  v2       = x1 * w1             = 2 * (-3)      = -6",
        "   3  v5       = x2 * w2             = 0 * 1         = 0",
        "   4  v6       = v2 + v5             = -6 + 0        = -6",
        "   5  v8       = v6 + b              = -6 + 6.881    = 0.8814",
        "   6  o        = tanh(v8)            = tanh(0.8814)  = 0.7071",
        "Backward",
        "   7  o.grad                                         = 1",
        "   8  v8.grad  += o.grad * do/dv8    = 1 * 0.5       = 0.5     now 0.5",
        "   9  v6.grad  += v8.grad * dv8/dv6  = 0.5 * 1       = 0.5     now 0.5",
        "  10  b.grad   += v8.grad * dv8/db   = 0.5 * 1       = 0.5     now 0.5",
        "  11  v2.grad  += v6.grad * dv6/dv2  = 0.5 * 1       = 0.5     now 0.5",
        "  12  v5.grad  += v6.grad * dv6/dv5  = 0.5 * 1       = 0.5     now 0.5",
        "  13  x2.grad  += v5.grad * dv5/dx2  = 0.5 * 1       = 0.5     now 0.5",
        "  14  w2.grad  += v5.grad * dv5/dw2  = 0.5 * 0       = 0       now 0",
        "  15  x1.grad  += v2.grad * dv2/dx1  = 0.5 * (-3)    = -1.5    now -1.5",
        "  16  w1.grad  += v2.grad * dv2/dw1  = 0.5 * 2       = 1       now 1",
    ]


HOSTILE = [
    *(
        '</script><script>alert("x")</script>',
        "<img src=x onerror=alert(1)>",
        "a\nb\tc",
        "]]>",
        "&amp;",
        "\\",
        "{{data}}",
    ),
    *("שלום", "\u202egnp.exe", "👩‍👩‍👧 and 漢字 " * 9, "'\"`", "\ud800", "a" * 300, "v0", "-->", "%s", "  "),
]


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_is_shown_as_text(name: str, tmp_path: Path) -> None:
    x, y = Value(3.0, name=name), Value(2.0, name=name)
    every = steps(Op(name, lambda a, b: a * b, lambda ans, a, b: (b, a))(x, y))
    assert len(set(every.labels.values())) == 3
    assert len(str(every).splitlines()) == 8
    page = every.save(tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("<script") == page.count("</script>") == 2
    assert "<img" not in page
    data = json.loads(page.split('id="steps">')[1].split("</script>")[0])
    assert len(data) == len(every)
    for frame in every.frames(tmp_path / "frames"):
        assert ElementTree.parse(frame).getroot().tag == f"{SVG}svg"


def test_columns_are_as_wide_as_a_terminal_shows_them() -> None:
    x = Value(3.0, name="漢字")
    table = str(steps(x * Value(2.0, name="abcd").detach())).splitlines()
    assert table[1:3] == ["  1  漢字" + " " * 40 + "= 3", "     abcd" + " " * 40 + "= 2  (constant)"]


def test_long_sums_are_cut_and_not_their_numbers() -> None:
    x = [Value(float(i), name=f"x{i}") for i in range(2_000)]
    every = steps(ag.sum(x))
    assert "v2000 = x0 + x1 + x2 + ... + x1999 = 0 + 1 + 2 + ... + 1999 = 1.999e+06" in str(every[1])
    assert every[-1].total == 1.0  # type: ignore[union-attr]
    row = steps(nn.functional.linear([*x[:6], 2.0], [3.0] * 7, 0.5))
    assert "= 0.5 + 3 * x0 + 3 * x1 + 3 * x2 + ... + 3 * 2 = " in str(row[1]).replace("x0 * 3", "3 * x0")
    assert all(str(step) and step.equations() and step.words() for step in steps(ag.hypot(*x[1:])))


def test_local_derivatives_are_formulas_of_the_table() -> None:
    x, y = Value(3.0, name="x"), Value(2.0, name="y")

    def local(root: Value) -> list[str]:
        return [text_of(step.local_formula()) for step in steps(root) if isinstance(step, Backward)]

    assert local(x * y) == ["y", "x"]
    assert local(x / y) == ["1 / y", "(-v2) / y"]
    assert local(x + y) == ["", ""]
    assert local(x**3) == ["3 * x**2"]
    assert local(ag.relu(x)) == ["[x > 0]"]
    assert local(ag.dot([x, 2.0], [y, 3.0])) == ["y", "x"]
    assert local(ag.log(x)) == ["1 / x"]


@pytest.mark.parametrize("op", [op for op in primitives.values() if op.arity in (1, 2)], ids=lambda op: op.name)
def test_the_formula_of_a_local_derivative_is_its_number(op: Op) -> None:
    numbers = (0.3, 0.7)[: op.arity]
    if op is ops.polygamma:
        numbers = (1.0, 0.7)

    def value(formula: Any) -> float:
        if not isinstance(formula, Term):
            return float(formula)
        assert formula.number is not None
        return formula.number if formula.op is None else float(formula.op(*map(value, formula.operands)))

    terms = [Term("x", number) for number in numbers]
    ans = Term("y", op(*numbers))
    partials = op.differentiate(ans.number, *numbers)
    for position, partial in enumerate(partials):
        formula = local_derivative(op, ans, terms, position)
        assert formula is None or math.isclose(value(formula), partial, rel_tol=1e-12), formula


@pytest.mark.parametrize("format", ["svg", "png", "pdf"])
def test_frames_are_a_file_for_each_step(format: Any, tmp_path: Path) -> None:
    every = steps(neuron())
    files = every.frames(tmp_path / "new" / "folder", format)
    assert [file.name for file in files] == [f"step-{i:03}.{format}" for i in range(1, 17)]
    assert sorted(files) == sorted((tmp_path / "new" / "folder").iterdir())
    pictures = [file.read_bytes() for file in files]
    assert len(set(pictures)) == 16
    assert all(picture.startswith((b"<svg", b"\x89PNG", b"%PDF")) for picture in pictures)
    size = {"svg": rb'width="\d+" height="\d+"', "png": rb"(?<=IHDR).{8}", "pdf": rb"/MediaBox \[.*?\]"}[format]
    assert len({re.search(size, picture, re.DOTALL).group() for picture in pictures}) == 1  # type: ignore[union-attr]
    assert every.frames(tmp_path / "new" / "folder", format) == files


def test_show_opens_the_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda uri: opened.append(uri) or True)  # type: ignore[func-returns-value]
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("DISPLAY", ":0")
    every = steps(neuron())
    every.show()
    assert Path(opened[0].removeprefix("file://")).read_bytes() == every.save(tmp_path / "steps.html").read_bytes()


def test_show_prints_the_steps_where_there_is_no_graphviz(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    every = steps(neuron())
    every.show()
    assert str(every) in capsys.readouterr().out


def test_frames_need_no_program_where_the_library_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pygraphviz")
    x, w = Value(2.0, name='x < "é"'), Value(-3.0, name="w")
    every = steps(x * w)
    monkeypatch.setenv("PATH", str(tmp_path))
    pictures = [frame.read_bytes() for frame in every.frames(tmp_path / "frames", "png")]
    assert len(pictures) == len(every)
    assert len({picture[:24] for picture in pictures}) == 1  # all of one size
    assert len(set(pictures)) == len(pictures)


def test_a_frame_shows_the_numbers_that_are_there_by_then(tmp_path: Path) -> None:
    def texts(file: Path) -> list[str]:
        return [" ".join("".join(one.itertext()).split()) for one in ElementTree.parse(file).iter(f"{SVG}text")]

    x = Value(3.0, name="x")
    files = steps(x * x).frames(tmp_path)
    shown = [" ".join(texts(file)) for file in files]
    assert "x data 3 grad * v1 data grad" in shown[0]
    assert "x data 3 grad * v1 data 9 grad" in shown[1]
    assert "x data 3 grad * v1 data 9 grad 1" in shown[2]
    assert "x data 3 grad 3 * v1 data 9 grad 1" in shown[3]
    assert "x data 3 grad 6 * v1 data 9 grad 1" in shown[4]
    assert shown[4].endswith("step 5 of 5, backward: x.grad += v1.grad * dv1/dx = 1 * 3 = 3 now 6")


def test_the_page_is_one_file_that_needs_no_network_and_always_the_same(tmp_path: Path) -> None:
    first, second = (steps(neuron()).save(tmp_path / name).read_bytes() for name in ("a.html", "b.html"))
    assert first == second
    page = first.decode()
    assert "default-src 'none'" in page
    assert not re.search(r'(src|href)="(?!#|data:,)|@import|url\(|https:', page)
    assert "http:" not in re.sub(r"http://www\.w3\.org/[\w/]+", "", page)


def test_a_graph_of_two_hundred_nodes_is_less_than_a_megabyte(tmp_path: Path) -> None:
    x = [Value(i / 100, name=f"x{i}") for i in range(52)]
    every = steps(ag.sum([ag.tanh(a * b) + a for a, b in itertools.pairwise(x)]))
    assert len(every.labels) > 200
    assert every.save(tmp_path / "page.html").stat().st_size < 1_000_000


def test_what_cannot_be_shown_right_is_refused(tmp_path: Path) -> None:
    x = Value(3.0, name="x")
    for thing in (3.0, [x], None, nn.MLP(1, [1])):
        with pytest.raises(TypeError, match="steps takes the Value"):
            steps(thing)  # type: ignore[arg-type]
    with pytest.raises(GraphError, match="constant"):
        steps(x.detach() * 2.0)
    y = x * 2.0
    x.data = 4.0
    with pytest.raises(GraphError, match=r"x = 4.0, .* give 8.0, not 6.0"):
        steps(y)
    with pytest.raises(TracingError):
        ag.jit(lambda x: len(steps(x * x)))(x)
    every = steps(x * 2.0)
    with pytest.raises(ArgumentError, match=r"\.html"):
        every.save(tmp_path / "steps.pdf")
    with pytest.raises(ArgumentError, match="'svg', 'png' or 'pdf'"):
        every.frames(tmp_path, "gif")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="looks like one file; name a folder"):
        every.frames(tmp_path / "steps.svg")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FileExistsError, match="it is a file"):
        every.frames(tmp_path / "file")
    with pytest.raises(NotADirectoryError, match=r"cannot write frames to .*file.in-it: Not a directory"):
        every.frames(tmp_path / "file" / "in-it")
    with pytest.raises(FileNotFoundError, match="no folder"):
        every.save(tmp_path / "missing" / "steps.html")
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_a_page_of_a_large_graph_is_refused_and_its_steps_and_text_are_not(tmp_path: Path) -> None:
    x = Value(1.0)
    y = x
    for _ in range(2_500):
        y = y + x
    every = steps(y)
    assert len(every) == 1 + 2_500 + 1 + 5_000
    assert every[-1].total == 2_501.0  # type: ignore[union-attr]
    assert str(every).splitlines()[-1].startswith("and 6,502 steps more")
    for make in (lambda: every.save(tmp_path / "a.html"), lambda: every.frames(tmp_path / "frames")):
        with pytest.raises(ArgumentError, match="2,000 is the most"):
            make()
    assert list(tmp_path.iterdir()) == []
    assert "2,000 is the most" in every._repr_mimebundle_()["text/plain"]


def test_a_notebook_shows_the_page_and_without_graphviz_the_text(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    every = steps(neuron())
    frame = ElementTree.fromstring(every._repr_mimebundle_()["text/html"])
    assert (frame.tag, frame.attrib["sandbox"]) == ("iframe", "allow-scripts")
    assert frame.attrib["srcdoc"].startswith("<!DOCTYPE html>")
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    bundle = every._repr_mimebundle_()
    assert list(bundle) == ["text/plain"]
    assert str(every) in bundle["text/plain"]
    for make in (lambda: every.save(tmp_path / "a.html"), lambda: every.frames(tmp_path / "frames", "png")):
        with pytest.raises(MissingDependencyError, match="apt install graphviz"):
            make()
    assert list(tmp_path.iterdir()) == []


def test_a_picture_too_large_for_graphviz_to_lay_out_has_its_numbers_too(tmp_path: Path) -> None:
    x = Value(1.0, name="data 7")
    y = x
    for _ in range(150):
        y = y + x
    every = steps(y)
    page = every.save(tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count('class="step-data"') == page.count('class="step-grad"') == 151
    last = every.frames(tmp_path)[-1].read_text(encoding="utf-8")
    assert ">grad<" in last
    assert "> 151</tspan>" in last


def test_what_compiled_functions_give_is_shown_without_a_local_derivative() -> None:
    f = ag.jit(lambda a, b: (a * b, a + b))
    x, y = Value(3.0, name="x"), Value(2.0, name="y")
    p, q = f(x, y)
    every = steps(p * q)
    assert [str(step).split(" = ")[0] for step in every[-2:]] == [
        "x.grad += through <lambda>",
        "y.grad += through <lambda>",
    ]
    assert every.adjoints[x] == 3.0 * 2.0 * 1.0 + (3.0 + 2.0) * 2.0


def test_all_results_of_a_call_together_are_no_number(tmp_path: Path) -> None:
    p, q = ag.jit(lambda a, b: (a * b, a + b))(Value(3.0, name="x"), Value(2.0, name="y"))
    every = steps(p * q)
    call, first = every[1], every[2]
    assert isinstance(call, Forward)
    assert isinstance(first, Forward)
    assert call.result is None
    assert first.numbers == (None,)
    assert str(call) == "v2 = <lambda>(x, y) = <lambda>(3, 2) = …"
    assert str(first) == "v3 = result 0(v2) = result 0(...) = 6"
    assert call.words() == "v2 is computed from x and y: all results together."
    assert "data 0" not in ag.draw(p * q).source
    for frame in every.frames(tmp_path):
        assert "> 0</tspan>" not in frame.read_text("utf-8")

"""The command line, run as a user runs it."""

import contextlib
import doctest
import json
import math
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import given, settings, strategies

import autograd_lite
from autograd_lite import core, demo, nn
from autograd_lite.cli import main
from autograd_lite.cli.expressions import Expression
from autograd_lite.cli.usage import UsageError

Printed = pytest.CaptureFixture[str]
IRIS = Path(autograd_lite.__file__).parent / "data/iris.csv"


def test_the_demo_learns_iris_and_writes_its_drawing(tmp_path: Path, capsys: Printed) -> None:
    out = tmp_path / "neuron.svg"
    assert main(["demo", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "epoch  60" in printed
    assert f"with its gradients: {out}" in printed
    svg = out.read_text()
    assert "layers.0.neurons.0.w.0" in svg
    assert "grad &#45; " not in svg


def test_the_demo_reaches_93_percent_held_out(tmp_path: Path) -> None:
    assert demo.iris(out=tmp_path / "neuron.dot") >= 0.93


def test_an_mlp_on_iris_reaches_95_percent_with_adam_and_seed_0(tmp_path: Path) -> None:
    assert demo.iris(seed=0, out=tmp_path / "neuron.dot") >= 0.95


def test_the_moons_demo_starts_learning(tmp_path: Path) -> None:
    assert demo.moons(epochs=8, out=tmp_path / "neuron.dot") > 0.8


def test_the_xor_demo_learns_all_four_points(tmp_path: Path, capsys: Printed) -> None:
    assert main(["demo", "xor", "--out", str(tmp_path / "neuron.dot")]) == 0
    assert capsys.readouterr().out.count("probability of 1 0.00") == 2


@pytest.mark.skipif(not core.COMPILED, reason="takes some seconds in plain Python")
def test_the_digits_demo_reaches_85_percent_held_out_in_two_epochs(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    assert demo.digits(epochs=2, out=tmp_path / "neuron.dot") > 0.85


def test_the_digits_demo_says_where_its_images_come_from(monkeypatch: pytest.MonkeyPatch, capsys: Printed) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    assert main(["demo", "digits"]) == 1
    assert "pip install scikit-learn" in capsys.readouterr().err


def test_the_module_runs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "autograd_lite", "demo", "--epochs", "1", "--out", "a.dot"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "held-out accuracy" in done.stdout
    assert (tmp_path / "a.dot").exists()


def interrupt(*_: object, **__: object) -> NoReturn:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("name", "loss"),
    [("iris", "cross_entropy"), ("moons", "hinge_loss"), ("xor", "binary_cross_entropy_with_logits")],
)
def test_ctrl_c_in_the_first_epoch_ends_the_training_and_not_the_demo(
    name: str, loss: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    monkeypatch.setattr(nn, loss, interrupt)
    assert main(["demo", name, "--out", str(tmp_path / "neuron.dot")]) == 0
    assert "stopped: Ctrl-C in epoch 1" in capsys.readouterr().out
    assert (tmp_path / "neuron.dot").exists()


def test_ctrl_c_outside_the_training_ends_the_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    monkeypatch.setattr(demo, "draw", interrupt)
    assert main(["demo", "--epochs", "1", "--out", str(tmp_path / "neuron.dot")]) == 130
    assert capsys.readouterr().err == "autograd-lite: interrupted\n"


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end in other ways there")
@pytest.mark.parametrize("options", [[], ["-u"]], ids=["buffered", "unbuffered"])
def test_a_reader_that_has_seen_enough_ends_the_demo_quietly(options: list[str], tmp_path: Path) -> None:
    command = [sys.executable, *options, "-m", "autograd_lite", "demo", "--epochs", "1", "--out", "a.dot"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        assert child.stderr.read() == b""
    assert child.returncode == 141


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo", "moonz"], "invalid choice: 'moonz' (choose from"),
        (["dmo"], "invalid choice: 'dmo' (choose from"),
        ([], "info. Begin with: autograd-lite demo"),
        (["grad", "x", "x=1", "--hesian"], "unrecognized arguments: --hesian"),
        (["info", "x=1"], "unrecognized arguments: x=1"),
        (["train", "a.csv"], "the following arguments are required: --target"),
        (["train", "a.csv", "--target", "y", "--held-out", "1"], "a share from 0 to below 1, such as 0.2, not '1'"),
        (["train", "a.csv", "--target", "y", "--hidden", "8,x"], "the hidden layers, such as 16,16, not '8,x'"),
        (["train", "a.csv", "--target", "y", "--lr", "nan"], "a number above 0, not 'nan'"),
        (["train", "a.csv", "--target", "y", "--save", "/nowhere/m.json"], "there is no folder /nowhere"),
        (["predict", "m.json", "a.csv", "-o", "/"], "/ is a folder"),
        (["draw", "x", "x=1", "-o", "a.gif"], "a path that ends in .svg, .png, .pdf, .html, .dot, .gv, .mmd, not"),
        (["demo", "--out", "a.gif"], "a path that ends in .svg, .png, .pdf, .html, .dot, .gv, .mmd, not 'a.gif'"),
        (["demo", "--out", "/nowhere/a.svg"], "there is no folder /nowhere"),
        (["demo", "--epochs", "-3"], "a whole number from 1 up, not '-3'"),
        (["demo", "--seed", "x"], "invalid int value: 'x'"),
    ],
)
def test_a_typo_says_what_there_is(arguments: list[str], message: str, capsys: Printed) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


# ---- Help, and how a program ends -----------------------------------------------------

COMMANDS = ["grad", "check", "draw", "explain", "steps", "train", "predict", "demo", "info"]


@pytest.mark.parametrize("columns", ["1", "20", "80"])
@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_ends_with_examples(
    command: str, columns: str, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert f"\n  autograd-lite {command}" in capsys.readouterr().out.partition("\nexamples:")[2]


def test_help_names_all_commands_and_imports_nothing_of_theirs() -> None:
    code = "import sys; from autograd_lite.cli import main\ntry: main(['--help'])\nfinally: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert all(f"\n    {command} " in done.stdout for command in COMMANDS)
    heavy = {"csv", "autograd_lite.training", "autograd_lite.testing", "autograd_lite.cli.calculus", "numpy"}
    assert not heavy & set(done.stdout.split())


def test_info_tells_the_same_in_json(capsys: Printed) -> None:
    assert main(["info"]) == 0
    text = capsys.readouterr().out
    assert main(["info", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert text.startswith(f"autograd_lite {found['version']}, ")
    assert all(f"missing: {name}" in text for name in found["missing"])


def test_info_does_not_ask_for_graphviz_twice(capsys: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pygraphviz")
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert main(["info"]) == 0
    assert "missing: dot, for drawings as SVG, PNG, PDF: not needed, as there is pyg" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "out", "err"),
    [
        (["grad", "x * x", "x=3"], 0, "value  9.0\nd/dx   6.0\n", ""),
        (["check", "x * stop_gradient(x)", "x=3"], 1, "MISMATCH", ""),
        (["grad", "x +", "x=3"], 2, "", "autograd-lite: this cannot be read"),
        (["train", "nowhere.csv", "--target", "y"], 1, "", "autograd-lite: there is no file nowhere.csv\n"),
    ],
)
def test_a_program_sees_the_exit_code(arguments: list[str], code: int, out: str, err: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "autograd_lite", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert out in done.stdout
    assert err in done.stderr
    assert "Traceback" not in done.stderr


# ---- Expressions ----------------------------------------------------------------------


def run(arguments: Sequence[str], capsys: Printed) -> tuple[int, str, str]:
    code = main(arguments)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def gradient(capsys: Printed, *arguments: str) -> dict[str, Any]:
    code, out, _ = run(["grad", *arguments, "--json"], capsys)
    assert code == 0
    found: dict[str, Any] = json.loads(out)
    return found


def test_grad_prints_value_gradient_and_hessian(capsys: Printed) -> None:
    code, out, _ = run(["grad", "x**2 * sin(y)", "x=2", "--hessian", "y=1"], capsys)
    assert code == 0
    numbers = {line.rsplit("  ", 1)[0].strip(): float(line.rsplit("  ", 1)[1]) for line in out.splitlines()}
    sin, cos = math.sin(1.0), math.cos(1.0)
    expected = {
        "value": 4 * sin,
        "d/dx": 4 * sin,
        "d/dy": 4 * cos,
        "d/dx d/dx": 2 * sin,
        "d/dx d/dy": 4 * cos,
        "d/dy d/dx": 4 * cos,
        "d/dy d/dy": -4 * sin,
    }
    assert numbers == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("expression", "at", "value", "slope"),
    [
        ("-x**2", "x=3", -9.0, -6.0),
        ("--x", "x=3", 3.0, 1.0),
        (" + x", "x=-2", -2.0, 1.0),
        ("2**-x", "x=0", 1.0, -math.log(2)),
        ("x**0", "x=0", 1.0, 0.0),
        ("7 // x + 7 % x", "x=4", 4.0, -1.0),
        ("1/x", "x=0", "inf", "-inf"),
        ("9**9**9**9 * x", "x=1", "inf", "inf"),
        ("where(x > 0, log(x), 0)", "x=0", 0.0, 0.0),
        ("(x <= 2) + (x < 2) + (x >= 2) + (x > 2) + (x == 2) + (x != 2)", "x=2", 3.0, 0.0),
        ("logsumexp([x, x])", "x=0", math.log(2), 1.0),
        ("sum([x, 2] * 3) + mean((x, x))", "x=1", 10.0, 4.0),
        ("abs(x) + round(x) + pow(x, 2)", "x=-2", 4.0, -5.0),
        ("cos(x)", "x=pi/2 - pi/2", 1.0, 0.0),
        ("e*x", "e=2", None, None),
        ("x*e", "x=1e0", math.e, math.e),
        ("x\n  + 1", "x=1", 2.0, 1.0),
        ("maximum(x, inf)", "x=1", "inf", 0.0),
        ("x" + " + x" * 500, "x=1", 501.0, 501.0),
        ("hypot(" + "x," * 3000 + "x)", "x=1", math.sqrt(3001), math.sqrt(3001)),
    ],
)
def test_an_expression_has_the_value_and_slope_of_mathematics(
    expression: str, at: str, value: Any, slope: Any, capsys: Printed
) -> None:
    if value is None:
        code, _, err = run(["grad", expression, at], capsys)
        assert code == 2
        assert "x has no value" in err
        return
    found = gradient(capsys, expression, at)
    assert found["value"] == pytest.approx(value)
    assert found["gradient"]["x"] == pytest.approx(slope)


def test_a_number_without_a_variable_has_a_value_and_no_gradient(capsys: Printed) -> None:
    code, out, _ = run(["grad", "2 + 3"], capsys)
    assert code == 0
    assert out.startswith("value  5.0\nno variable was given")


#: What is refused, a part of the message, and the column of the caret.
REFUSED = [
    ("sine(x)", "there is no function sine; did you mean sin", 0),
    ("1 + ln(x)", "write log", 4),
    ("x + yy", "yy has no value; give it one after the expression, as in yy=1.5", 4),
    ("x * xs", "did you mean x?", 4),
    ("x + sin", "sin is a function; write sin(...)", 4),
    ("x(2)", "x is a number, no function; a product is written with *", 0),
    ("2(x)", "a product is written with *", 0),
    ("2x", "a product is written with *, as in 2*x", 0),
    ("x^2", "'^' means nothing here; write ** for a power", 1),
    ("x \u2212 1", "MINUS SIGN) means nothing here; write -", 2),
    ("\u0445", "CYRILLIC SMALL LETTER HA) means nothing here", 0),
    ("\uff58 + 1", "FULLWIDTH LATIN SMALL LETTER X) means nothing here; write x", 0),
    ("x + \x00", "'\\x00' means nothing here", 4),
    ("sin(x", "'(' was never closed", 3),
    ("x))", "unmatched ')'", 1),
    ("x if x else 1", "write where(x > 0, a, b)", 0),
    ("0 < x < 2", "compare two at a time; write (a < b) * (b < c)", 0),
    ("x and 1", "write (a > 0) * (b > 0)", 0),
    ("sin(x, x)", "too many positional arguments", 0),
    ("mean([])", "mean of no numbers", 0),
    ("sin(y=x)", "give the arguments in order, without names", 0),
    ("[x, x]", "the result must be one number, not list", 0),
    ("True", "True is not a number", 0),
    ("1j * x", "this has no place here", 0),
    ("x.real", "this has no place here", 0),
    ("x[0]", "this has no place here", 0),
    ("[x for x in x]", "this has no place here", 0),
    ("().__class__", "this has no place here", 0),
    ("__import__(x)", "there is no function __import__", 0),
    ("lambda: x", "':' means nothing here", 6),
    ("'os'", "means nothing here", 0),
    ("9" * 9000, "this number has too many digits", 0),
    ("x + 007", "a whole number does not begin with 0", 4),
    ("9" * 400, "beyond the largest float", 0),
    ("x +", "this cannot be read", 3),
]


@pytest.mark.parametrize(("expression", "message", "column"), REFUSED, ids=lambda part: str(part)[:20])
def test_an_error_points_at_its_place(expression: str, message: str, column: int, capsys: Printed) -> None:
    code, out, err = run(["grad", expression, "x=2"], capsys)
    assert code == 2
    assert not out
    assert message in err
    assert err.splitlines()[-1] == " " * (2 + column) + "^"


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("(" * 10_000, "more than 50 deep"),
        ("-" * 9_999 + "x", "nested too deeply"),
        ("x" + "**x" * 3_000, "nested too deeply"),
        ("x" * 10_001, "has 10,001 characters, and at most 10,000 are read"),
        ("x" * 9_999, "has no value"),
        ("", "the expression is empty"),
    ],
    ids=lambda part: part[:10],
)
def test_a_hostile_expression_is_refused_in_few_words(expression: str, message: str, capsys: Printed) -> None:
    code, _, err = run(["grad", expression, "x=2"], capsys)
    assert code == 2
    assert message in err
    assert len(err) < 400


PIECES = [
    "x",
    "1",
    "2.5",
    "1e9",
    " ",
    "+",
    "-",
    "*",
    "**",
    "/",
    "//",
    "%",
    "(",
    ")",
    "[",
    "]",
    ",",
    "<",
    "==",
    "=",
    ".",
    "!",
]
WORDS = [
    "sin(",
    "where(",
    "sum([",
    "logsumexp(",
    "polygamma(",
    "round(",
    "inf",
    "nan",
    " if ",
    " in ",
    " for ",
    "y",
    "é",
    "'",
]


@given(strategies.lists(strategies.sampled_from(PIECES + WORDS), max_size=12).map("".join))
@settings(max_examples=150, deadline=None)
def test_any_text_is_a_number_or_wrong_use(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert isinstance(Expression(text, {"x": 2.0}).value, float)


@pytest.mark.parametrize(
    ("at", "message"),
    [
        (["2"], "the values of its variables, as in x=2; got '2'"),
        (["x="], "x has no value; write a number after the =, as in x=2"),
        (["x=y"], "y has no value"),
        (["x=1", "x=2"], "x is given twice"),
        (["1x=1"], "'1x' cannot be the name of a variable"),
        (["if=1"], "'if' cannot be the name of a variable"),
        (["x=1,5"], "the result must be one number, not list [1.0, 5.0]"),
    ],
)
def test_a_value_that_cannot_be_is_refused(at: list[str], message: str, capsys: Printed) -> None:
    code, _, err = run(["grad", "x", *at], capsys)
    assert code == 2
    assert message in err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["x**2 * sin(y)", "x=2", "y=1"], 0), (["x * stop_gradient(x)", "x=2"], 1), (["abs(x)", "x=0"], 1)],
)
def test_check_says_whether_the_gradient_agrees(arguments: list[str], code: int, capsys: Printed) -> None:
    found, out, _ = run(["check", *arguments], capsys)
    assert found == code
    assert out.startswith("<GradientReport: ")
    found, out, _ = run(["check", *arguments, "--json"], capsys)
    report = json.loads(out)
    assert (found, report["passes"]) == (code, code == 0)
    assert {comparison["by"] for comparison in report["comparisons"]} >= {"x"}


def test_draw_shows_names_and_gradients(tmp_path: Path, capsys: Printed) -> None:
    out = tmp_path / "graph.mmd"
    code, printed, _ = run(["draw", "tanh(w * x)", "w=0", "x=2", "-o", str(out)], capsys)
    assert code == 0
    assert str(out) in printed
    lines = ("w<br/>data 0<br/>grad 2", "x<br/>data 2<br/>grad 0", "tanh#40;w #42; x#41;<br/>data 0")
    assert all(line in out.read_text() for line in lines)


def test_draw_says_what_to_write_without_graphviz(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    out = tmp_path / "a.svg"
    code, _, err = run(["draw", "x*x", "x=1", "-o", str(out)], capsys)
    assert code == 1
    assert err.endswith(f"Here that is -o {out.with_suffix('.dot')}\n")
    assert not out.exists()


@pytest.mark.parametrize("command", ["check", "draw", "explain", "steps"])
def test_what_needs_a_variable_says_so(command: str, capsys: Printed) -> None:
    code, _, err = run([command, "2 + 3"], capsys)
    assert code == 2
    assert "no variable was given; write its value after the expression, as in x=2" in err


@pytest.mark.parametrize("expression", ["5", "x"])
def test_an_expression_that_computes_nothing_has_no_graph(expression: str, tmp_path: Path, capsys: Printed) -> None:
    code, _, err = run(["draw", expression, "x=1", "-o", str(tmp_path / "a.dot")], capsys)
    assert code == 2
    assert f"{expression} computes nothing with x" in err
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(autograd_lite, "steps"), reason="steps is not there yet")
def test_steps_are_printed_or_saved_as_a_page(tmp_path: Path, capsys: Printed) -> None:
    code, out, _ = run(["steps", "x * y", "x=2", "y=3"], capsys)
    assert code == 0
    assert out.strip()
    page = tmp_path / "steps.html"
    code, out, _ = run(["steps", "x * y", "x=2", "y=3", "-o", str(page)], capsys)
    assert code == 0
    assert str(page) in out
    assert "<html" in page.read_text()
    code, out, _ = run(["steps", "x * f < 3", "x=2", "f=3"], capsys)
    assert "g.grad * dg/dv2" in out  # not the derivative of x * f < 3


@pytest.mark.skipif(not hasattr(autograd_lite, "explain"), reason="explain is not there yet")
def test_explain_shows_the_paths_of_one_variable_or_of_each(capsys: Printed) -> None:
    code, each, _ = run(["explain", "x * sin(x) * y", "x=2", "y=3"], capsys)
    assert code == 0
    code, one, _ = run(["explain", "x * sin(x) * y", "x=2", "y=3", "--wrt", "y"], capsys)
    assert code == 0
    assert one.strip() in each
    code, _, err = run(["explain", "x * y", "x=2", "y=3", "--wrt", "z"], capsys)
    assert code == 2
    assert "--wrt names a variable of the expression, one of x, y; got 'z'" in err


def test_explain_prints_json_for_programs(capsys: Printed) -> None:
    code, out, _ = run(["explain", "x * sin(x) + y / 0", "x=2", "y=3", "--top", "1", "--json"], capsys)
    assert code == 0
    found = json.loads(out)
    assert (found["expression"], found["at"]) == ("x * sin(x) + y / 0", {"x": 2.0, "y": 3.0})
    of_x, of_y = found["derivatives"]["x"], found["derivatives"]["y"]
    assert (of_x["count"], of_x["dead"], len(of_x["paths"]), of_x["rest"]["count"]) == (2, 0, 1, 1)
    assert of_x["paths"][0]["product"] + of_x["rest"]["sum"] == pytest.approx(of_x["gradient"])
    assert of_x["paths"][0]["ops"] == ["mul", "add"]
    assert of_y["gradient"] == "inf"


# ---- The page on it -------------------------------------------------------------------

PAGE = Path(__file__).parent.parent / "docs/cli.md"


@pytest.mark.skipif(not core.COMPILED, reason="its training takes some time in plain Python")
def test_the_page_shows_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed) -> None:
    monkeypatch.chdir(tmp_path)
    Path("iris.csv").write_text(IRIS.read_text())
    for console in re.findall(r"```console\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        for command, expected in re.findall(r"^\$ autograd-lite (.*)\n((?:[^$].*\n)*)", console, re.MULTILINE):
            _, out, err = run(shlex.split(command), capsys)
            assert doctest.OutputChecker().check_output(expected, err + out, doctest.ELLIPSIS), command

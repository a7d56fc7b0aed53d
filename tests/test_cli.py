"""The command line, run as a user runs it."""

import contextlib
import csv
import doctest
import io
import json
import math
import random
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from hypothesis import given, settings, strategies

import autograd_lite
from autograd_lite import core, demo, nn
from autograd_lite.cli import main
from autograd_lite.cli.columns import inputs_of, target_of
from autograd_lite.cli.expressions import Expression
from autograd_lite.cli.tables import read_table
from autograd_lite.cli.usage import UsageError
from autograd_lite.errors import AutogradError

Printed = pytest.CaptureFixture[str]


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
        ([], "the following arguments are required: command"),
        (["grad", "x", "x=1", "--hesian"], "unrecognized arguments: --hesian"),
        (["info", "x=1"], "unrecognized arguments: x=1"),
        (["train", "a.csv"], "the following arguments are required: --target"),
        (["train", "a.csv", "--target", "y", "--held-out", "1"], "a share from 0 to below 1, such as 0.2, not '1'"),
        (["train", "a.csv", "--target", "y", "--hidden", "8,x"], "the hidden layers, such as 16,16, not '8,x'"),
        (["train", "a.csv", "--target", "y", "--lr", "nan"], "a number above 0, not 'nan'"),
        (["train", "a.csv", "--target", "y", "--save", "/nowhere/m.json"], "there is no folder /nowhere"),
        (["predict", "m.json", "a.csv", "-o", "/"], "/ is a folder"),
        (["draw", "x", "x=1", "-o", "a.gif"], "a path that ends in .dot, .svg, .png, .pdf, not 'a.gif'"),
        (["demo", "--out", "a.gif"], "a path that ends in .dot, .svg, .png, .pdf, not 'a.gif'"),
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
    out = tmp_path / "graph.dot"
    code, printed, _ = run(["draw", "tanh(w*x)", "w=0", "x=2", "-o", str(out)], capsys)
    assert code == 0
    assert str(out) in printed
    assert all(f"{part}" in out.read_text() for part in ("{w|data 0|grad 2}", "{x|data 2|grad 0}", "{tanh(w*x)|data 0"))


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


# ---- Tables ---------------------------------------------------------------------------

IRIS = Path(autograd_lite.__file__).parent / "data/iris.csv"


@pytest.fixture(scope="module")
def iris_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "iris.json"
    assert main(["train", str(IRIS), "--target", "species", "--epochs", "20", "--save", str(path)]) == 0
    return path


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def written(text: str | bytes, name: str = "data.csv") -> str:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return written


def train(capsys: Printed, data: str, *options: str, target: str = "y") -> tuple[int, str, str]:
    return run(["train", data, "--target", target, "--epochs", "2", *options], capsys)


def houses(count: int, separator: str = ",") -> str:
    """A table of houses whose price is almost a function of the other columns."""
    rng = random.Random(0)
    lines = [separator.join(["area", "town", "garden", "price"])]
    for _ in range(count):
        area, town, garden = (
            rng.uniform(30.0, 200.0),
            rng.choice(["Ulm", "K\u00f6ln", "Bonn"]),
            rng.choice(["yes", "no"]),
        )
        price = 3.0 * area * {"Ulm": 1.0, "K\u00f6ln": 1.5, "Bonn": 1.2}[town] + 40.0 * (garden == "yes")
        lines.append(separator.join([f"{area:.1f}", f'"{town}"', garden, f"{price + rng.gauss(0.0, 5.0):.1f}"]))
    return "\r\n".join(lines) + "\r\n"


def test_iris_is_learned_saved_and_predicted_in_order(iris_model: Path, tmp_path: Path, capsys: Printed) -> None:
    out = tmp_path / "out.csv"
    assert main(["predict", str(iris_model), str(IRIS), "-o", str(out)]) == 0
    assert str(out) in capsys.readouterr().out
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    right = [line.rpartition(",")[2] for line in IRIS.read_text().splitlines()[1:]]
    assert sum(row["prediction"] == species for row, species in zip(rows, right, strict=True)) > 135
    for row in rows:
        shares = {name: float(row[f"probability of {name}"]) for name in ("setosa", "versicolor", "virginica")}
        assert sum(shares.values()) == pytest.approx(1.0)
        assert max(shares, key=shares.__getitem__) == row["prediction"]


def test_a_regression_is_learned_saved_and_predicted(write: Any, tmp_path: Path, capsys: Printed) -> None:
    data, model = write(houses(200)), str(tmp_path / "model.json")
    arguments = ["train", data, "--target", "price", "--save", model, "--json"]
    arguments += ["--hidden", "8", "--epochs", "30", "--batch-size", "10", "--lr", "0.03"]
    code, out, err = run(arguments, capsys)
    assert code == 0
    found = json.loads(out)
    assert found["task"] == "regression"
    assert found["rmse"] < 0.2 * found["baseline_rmse"]
    assert found["r2"] > 0.96
    assert "as the target is one of" in err
    assert main(["predict", model, data]) == 0
    predicted = [float(line) for line in capsys.readouterr().out.splitlines()[1:]]
    with Path(data).open(encoding="utf-8", newline="") as file:
        prices = [float(row["price"]) for row in csv.DictReader(file)]
    errors = [abs(x - y) for x, y in zip(predicted, prices, strict=True)]
    assert sorted(errors)[100] < 0.1 * sum(prices) / len(prices)


@pytest.mark.parametrize(
    ("separator", "encoding"),
    [(",", "utf-8"), (";", "utf-8-sig"), ("\t", "utf-16"), (";", "latin-1")],
)
def test_a_table_is_read_however_it_is_separated_and_encoded(
    separator: str, encoding: str, write: Any, tmp_path: Path, capsys: Printed
) -> None:
    said = ["--encoding", encoding] if encoding == "latin-1" else []
    text = houses(40, separator)
    kept: list[str] = []
    for data in (write(houses(40), "plain.csv"), write(text.encode(encoding), "other.csv")):
        model = tmp_path / "model.json"
        code, _, _ = train(capsys, data, "--save", str(model), *(said if "other" in data else []), target="price")
        assert code == 0
        kept.append(model.read_text())
    assert kept[0] == kept[1]
    assert "K\u00f6ln" in json.loads(kept[0])["table"]["inputs"][1]["values"]


def piped(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(content)))
    monkeypatch.setattr(sys, "stdin", stdin)


def test_data_model_and_predictions_go_through_pipes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Printed
) -> None:
    piped(IRIS.read_bytes(), monkeypatch)
    code, out, err = train(capsys, "-", "--save", "-", target="species")
    assert code == 0
    assert "epoch" in err
    model = tmp_path / "model.json"
    model.write_text(out)
    piped(IRIS.read_bytes(), monkeypatch)
    code, out, err = run(["predict", str(model), "-"], capsys)
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == 151


def test_a_saved_model_is_a_state_too(iris_model: Path) -> None:
    network = nn.MLP(4, [16, 16, 3], activation="tanh").load(iris_model)
    assert autograd_lite.load(iris_model) == network.state_dict()


def test_a_seed_gives_the_same_model_again(tmp_path: Path, capsys: Printed) -> None:
    models = []
    for seed in ("3", "3", "4"):
        path = tmp_path / "model.json"
        train(capsys, str(IRIS), "--seed", seed, "--save", str(path), target="species")
        models.append(path.read_text())
    assert models[0] == models[1] != models[2]


@pytest.mark.parametrize(
    ("cells", "options", "said"),
    [
        (["a", "b"], [], "classification of y, as the target is text"),
        (["0", "1"], [], "classification of y, as the target is one of 2 whole numbers; --task regression"),
        (["0", "1"], ["--task", "regression"], "regression of y, as you say"),
        (["0", "1.5"], [], "regression of y, as the target is one of 2 numbers; --task classification"),
        (["0", "1.5"], ["--task", "classification"], "classification of y, as you say"),
        ([str(i) for i in range(20)], [], "regression of y, as the target is one of 20 numbers"),
    ],
)
def test_the_task_follows_from_the_target_unless_it_is_said(
    cells: list[str], options: list[str], said: str, write: Any, capsys: Printed
) -> None:
    lines = [f"{i * i},{cells[i % len(cells)]}" for i in range(20)]
    code, out, _ = train(capsys, write("\n".join(["x,y", *lines])), *options)
    assert code == 0
    assert said in out


def test_a_column_that_varies_only_in_rows_held_out_is_not_blown_up(
    write: Any, tmp_path: Path, capsys: Printed
) -> None:
    cells = ["0.1"] * 19 + ["0.2"]
    lines = [f"{cell},{i * i},{i % 2}" for i, cell in enumerate(cells)]
    model = tmp_path / "model.json"
    for seed in range(10):
        assert train(capsys, write("\n".join(["c,x,y", *lines])), "--seed", str(seed), "--save", str(model))[0] == 0
        column = json.loads(model.read_text())["table"]["inputs"][0]
        assert column["scale"] > 0.01


def test_texts_of_digits_and_points_are_categories(write: Any, tmp_path: Path, capsys: Printed) -> None:
    lines = [f"1.{i % 3}.0,{i % 2}" for i in range(20)]
    model = tmp_path / "model.json"
    assert train(capsys, write("\n".join(["version,y", *lines])), "--save", str(model))[0] == 0
    assert json.loads(model.read_text())["table"]["inputs"][0]["values"] == ["1.0.0", "1.1.0", "1.2.0"]


def test_classes_keep_their_names(write: Any, tmp_path: Path, capsys: Printed) -> None:
    lines = [f"{i},{'2.0' if i % 2 else '10'}" for i in range(20)]
    model = str(tmp_path / "model.json")
    train(capsys, write("\n".join(["x,y", *lines])), "--save", model)
    code, out, _ = run(["predict", model, write("x\n1\n2")], capsys)
    assert code == 0
    assert out.splitlines()[0] == "prediction,probability of 2,probability of 10"


def test_the_target_may_be_missing_and_other_columns_there(iris_model: Path, write: Any, capsys: Printed) -> None:
    _, expected, _ = run(["predict", str(iris_model), str(IRIS)], capsys)
    with IRIS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = ["petal_width", "colour", "petal_length", "sepal_width", "sepal_length"]
    lines = [",".join(row.get(name, "blue") for name in names) for row in rows]
    code, out, _ = run(["predict", str(iris_model), write("\n".join([",".join(names), *lines]))], capsys)
    assert (code, out) == (0, expected)


@pytest.mark.parametrize(
    ("column", "note"),
    [
        ([f"name {i}" for i in range(20)], "column 'c' has 20 different texts, as names have, and is left out"),
        (["same"] * 20, "column 'c' is 'same' in all rows, and is left out"),
        (["1", "1.0"] * 10, "column 'c' is '1' in all rows, and is left out"),
        ([str(i) for i in range(20)], "column 'c' numbers the rows; if it is no measurement, write --ignore c"),
    ],
)
def test_what_is_no_input_is_said(column: list[str], note: str, write: Any, capsys: Printed) -> None:
    lines = [f"{i * i % 7},{cell},{i % 2}" for i, cell in enumerate(column)]
    data = write("\n".join(["x,c,y", *lines]))
    code, _, err = train(capsys, data)
    assert code == 0
    assert note in err
    code, _, err = train(capsys, data, "--ignore", "c")
    assert (code, err) == (0, "")


#: What is no table that can be learned from, and what is said of it.
FAULTS = {
    "": "is empty",
    "x,y\n": "has no rows below the names of its columns",
    "x,y\n1,2\n3,4,5\n": "line 3 has 3 cells, and the first line 2 names",
    "x,y\n1,2\n\n3\n": "line 4 has 1 cells, and the first line 2 names",
    "1,2\n3,4\n": "the first line must hold the names of the columns, and it holds numbers: 1, 2",
    "x,x,y\n1,2,3\n": "columns 1 and 2 are both named 'x'",
    "x,z,y\n1,,2\n3,4,5\n5,,7\n": "line 2, column 'z': there is no value (''), nor in 1 more rows",
    "x,z,y\n1,2,2\n3,NA,5\n3,1,5\n": "line 3, column 'z': there is no value ('NA')",
    "x,y\n1,2\n3,\n": "line 3, column 'y': there is no value ('')",
    "x,y\n1,2\n3,4\nfive,6\n": "line 4, column 'x': 'five' is no finite number",
    "x,y\n1,2\ninf,4\n": "line 3, column 'x': 'inf' is no finite number",
    "x,y\n1,2\n1_0,4\n2,3\n": "line 3, column 'x': '1_0' is no finite number",
    "x;y\n1,5;2\n2,5;3\n": "line 2, column 'x': '1,5' has a comma; numbers are written as in 1.5",
    'x,y\n"1,2\n': "it is not read as CSV",
    "x,y\n1,2\n3,2\n": "column 'y' is '2' in all rows; nothing can be learned",
    "x,z\n1,2\n": "has no column 'y'; it has x, z",
    "x,y\n1,2\n1,3\n": "has no column left to learn from",
    'x,y\n"two\nlines",1\n5,2\n,3\n': "line 5, column 'x': there is no value",
    "x,y\r1,2\r3,4\rfive,6\r": "line 4, column 'x': 'five' is no finite number",
    b"x,y\n\xe9,1\n": "say what encoding it has, as in --encoding latin-1",
    b"x,y\n1,\x00\n": "it holds bytes of 0, as binary files do",
    b"PK\x03\x04 and more": "a workbook of a spreadsheet; save it as CSV",
    b"\x1f\x8b and more": "it is compressed by gzip",
    "x,y\n" + "1" * 200_000 + ",2\n": "field larger than field limit",
    ",".join(f"c{i}" for i in range(100_000)) + "\n": "has 100,000 columns, and at most 10,000 are read",
    "x,y\n1.7e308,1\n-1.7e308,2\n": "the numbers of column 'x' are too large",
}


@pytest.mark.parametrize(("content", "message"), FAULTS.items(), ids=[str(i) for i in range(len(FAULTS))])
def test_a_table_with_a_fault_is_refused_with_its_place(
    content: str | bytes, message: str, write: Any, tmp_path: Path, capsys: Printed
) -> None:
    model = tmp_path / "model.json"
    code, out, err = train(capsys, write(content), "--held-out", "0", "--save", str(model))
    assert (code, out) == (1, "")
    assert message in err
    assert len(err) < 500
    assert not model.exists()


CELLS = [
    "x",
    "y",
    "1",
    "2.5",
    "a",
    "",
    ",",
    ";",
    "\t",
    "\n",
    "\r",
    '"',
    " ",
    "NA",
    "1,5",
    "inf",
    "\0",
    "é",
    "-",
    "PAR1",
]


@given(
    strategies.one_of(
        strategies.binary(max_size=60),
        strategies.lists(strategies.sampled_from(CELLS), max_size=30).map(lambda cells: "".join(cells).encode()),
        strategies.lists(strategies.sampled_from(CELLS), max_size=30).map(
            lambda cells: ("x,y\n" + "".join(cells)).encode()
        ),
    )
)
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_a_table_with_rows_or_refused(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "data.csv")
        path.write_bytes(content)
        with contextlib.suppress(AutogradError):
            table = read_table(str(path))
            assert table.rows
            assert {len(row) for row in table.rows} == {len(table.names)}
            target_of(table, table.names[-1], None, range(len(table.rows)))
            inputs, _ = inputs_of(table, table.names[:-1], range(len(table.rows)))
            numbers = [x for column in inputs for row in column.encoded(table) for x in row]
            assert all(map(math.isfinite, numbers))


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--ignore", "z"], 1, "has no column 'z'; it has x, y"),
        (["--held-out", "0.01"], 1, "leaves a part empty; --held-out 0 learns from all"),
        (["--hidden", "1000,1000"], 1, "and at most 100,000 are trained here"),
        (["--encoding", "utf-9"], 1, "there is no encoding 'utf-9'"),
        (["--lr", "1e300"], 1, "a smaller --lr may help"),
        (["--json", "--save", "-"], 2, "both write to standard output"),
    ],
)
def test_an_option_that_does_not_fit_the_table_is_refused(
    options: list[str], code: int, message: str, write: Any, capsys: Printed
) -> None:
    found, _, err = train(capsys, write("x,y\n" + "1,2.5\n3,4\n" * 10), "--batch-size", "4", *options)
    assert found == code
    assert message in err


def test_ctrl_c_in_the_first_epoch_saves_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    monkeypatch.setattr(nn, "cross_entropy", interrupt)
    model = tmp_path / "model.json"
    code, _, err = train(capsys, str(IRIS), "--save", str(model), target="species")
    assert code == 130
    assert err == "autograd-lite: interrupted\n"
    assert not model.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("5.1->five", "line 2, column 'sepal_length': 'five' is no finite number"),
        ("5.1->", "line 2, column 'sepal_length': there is no value"),
        ("5.1->1e400", "line 2, column 'sepal_length': '1e400' is no finite number"),
        ("sepal_length->length", "has no column 'sepal_length'; it has length, sepal_width"),
    ],
)
def test_a_row_that_the_model_cannot_take_is_refused_and_nothing_written(
    change: str, message: str, iris_model: Path, write: Any, tmp_path: Path, capsys: Printed
) -> None:
    old, new = change.split("->")
    out = tmp_path / "out.csv"
    data = write(IRIS.read_text().replace(old, new, 1))
    code, printed, err = run(["predict", str(iris_model), data, "-o", str(out)], capsys)
    assert (code, printed) == (1, "")
    assert message in err
    assert not out.exists()


def test_an_empty_line_is_a_missing_row_where_there_is_one_column_unless_at_the_end(
    write: Any, tmp_path: Path, capsys: Printed
) -> None:
    model = str(tmp_path / "model.json")
    train(capsys, write("\n".join(["x,y", *(f"{i * i},{i % 2}" for i in range(20))])), "--save", model)
    code, out, _ = run(["predict", model, write("x\n1\n2\n\n\n")], capsys)
    assert (code, len(out.splitlines())) == (0, 3)
    code, _, err = run(["predict", model, write("x\n1\n\n2\n")], capsys)
    assert code == 1
    assert "line 3 is empty; fill in a value, or take the line out" in err


def test_a_category_that_was_not_learned_is_refused(write: Any, tmp_path: Path, capsys: Printed) -> None:
    model = str(tmp_path / "model.json")
    train(capsys, write(houses(40)), "--save", model, target="price")
    code, _, err = run(["predict", model, write(houses(40).replace("Bonn", "Berlin", 1))], capsys)
    assert code == 1
    assert "column 'town': 'Berlin' was not there when the model was trained; it knows Bonn, K\u00f6ln, Ulm" in err


def changed(**table: Any) -> Any:
    return lambda model: {**model, "table": {**model["table"], **table}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda model: [], "was not written by Module.save"),
        (lambda model: {**model, "format": "another"}, "was not written by Module.save"),
        (lambda model: {**model, "table": None}, "is a state without the columns of a table"),
        (changed(version=2), "is of version 2; this release reads 1"),
        (changed(hidden=[10**9]), "what it says of its columns and layers cannot be read"),
        (changed(hidden=[100_000, 100_000]), "has 403 weights, which is not what its columns need"),
        (changed(inputs=[]), "what it says of its columns and layers cannot be read"),
        (changed(inputs=[{"name": "x", "mean": 0, "scale": 0}]), "what it says of an input cannot be read"),
        (changed(inputs=[{"name": "x", "values": [1]}]), "what it says of an input cannot be read"),
        (changed(target={"name": "y", "classes": ["a"], "mean": 0, "scale": 1}), "cannot be read"),
        (lambda model: {**model, "state": dict.fromkeys(model["state"], "nan")}, "prediction for row 1 is nan or inf"),
        (lambda model: {**model, "state": {str(i): 0 for i in range(403)}}, "does not fit"),
    ],
)
def test_a_model_of_others_is_refused(change: Any, message: str, iris_model: Path, write: Any, capsys: Printed) -> None:
    model = write(json.dumps(change(json.loads(iris_model.read_text()))), "model.json")
    code, out, err = run(["predict", model, str(IRIS)], capsys)
    assert (code, out) == (1, "")
    assert message in err


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere.json", "nowhere.json: No such file or directory"),
        (str(IRIS), "no whole JSON file"),
        (str(IRIS.parent), "Is a directory"),
    ],
)
def test_a_file_that_is_no_model_is_refused(path: str, message: str, capsys: Printed) -> None:
    code, _, err = run(["predict", path, str(IRIS)], capsys)
    assert code == 1
    assert message in err


# ---- Parquet --------------------------------------------------------------------------


def parquet_of(columns: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let polars be there, and read these columns from any file."""
    frame = SimpleNamespace(to_dict=lambda as_series: columns)
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.setitem(sys.modules, "polars", SimpleNamespace(read_parquet=lambda content: frame))


def test_parquet_says_what_reads_it(write: Any, monkeypatch: pytest.MonkeyPatch, capsys: Printed) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.setitem(sys.modules, "polars", None)
    code, _, err = train(capsys, write("PAR1 and more"))
    assert code == 1
    assert "pip install polars" in err


def test_cells_of_parquet_are_learned_as_those_of_csv(
    write: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    x, kind, y = [i / 7 for i in range(20)], ["a", "b"] * 10, [i % 3 == 0 for i in range(20)]
    lines = [f"{a!r},{b},{c}" for a, b, c in zip(x, kind, y, strict=True)]
    parquet_of({"x": x, "kind": kind, "y": y}, monkeypatch)
    models = []
    for data in (write("\n".join(["x,kind,y", *lines])), write("PAR1", "data.parquet")):
        model = tmp_path / "model.json"
        assert train(capsys, data, "--save", str(model))[0] == 0
        models.append(model.read_text())
    assert models[0] == models[1]


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([1.0, None], "row 2, column 'x': there is no value"),
        ([1.0, math.nan], "row 2, column 'x': there is no value"),
        ([[1.0], [2.0]], "column 'x' holds values of type list"),
    ],
)
def test_cells_of_parquet_that_cannot_be_learned_are_refused(
    x: list[Any], message: str, write: Any, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    parquet_of({"x": x, "y": [0, 1]}, monkeypatch)
    code, _, err = train(capsys, write("PAR1"), "--held-out", "0")
    assert code == 1
    assert message in err


@pytest.mark.parametrize("package", ["pandas", "polars"])
def test_parquet_is_read_by(package: str, tmp_path: Path, capsys: Printed) -> None:
    frames = pytest.importorskip(package)
    if package == "pandas":
        pytest.importorskip("pyarrow")
    frame = frames.read_csv(IRIS)
    data = tmp_path / "iris.parquet"
    frame.to_parquet(data) if package == "pandas" else frame.write_parquet(data)
    code, out, _ = train(capsys, str(data), target="species")
    assert code == 0
    assert "150 rows" in out
    data.write_bytes(data.read_bytes()[:500])
    code, _, err = train(capsys, str(data), target="species")
    assert code == 1
    assert "begins as Parquet, and cannot be read" in err

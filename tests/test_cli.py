"""The command line, run as a user runs it."""

import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from autograd_lite import demo, nn
from autograd_lite.cli import main


def test_the_demo_learns_iris_and_writes_its_drawing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
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


def test_the_module_runs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "autograd_lite", "demo", "--epochs", "1", "--out", "a.dot"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "held-out accuracy" in done.stdout
    assert (tmp_path / "a.dot").exists()


def interrupt(*_: object, **__: object) -> NoReturn:
    raise KeyboardInterrupt


@pytest.mark.parametrize(("name", "loss"), [("iris", "cross_entropy"), ("moons", "hinge_loss")])
def test_ctrl_c_in_the_first_epoch_ends_the_training_and_not_the_demo(
    name: str, loss: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(nn, loss, interrupt)
    assert main(["demo", name, "--out", str(tmp_path / "neuron.dot")]) == 0
    assert "stopped: Ctrl-C in epoch 1" in capsys.readouterr().out
    assert (tmp_path / "neuron.dot").exists()


def test_ctrl_c_outside_the_training_ends_the_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
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
        (["demo", "--out", "a.gif"], "a path that ends in .svg, .png, .pdf, .html, .dot, .gv, .mmd, not 'a.gif'"),
        (["demo", "--out", "/nowhere/a.svg"], "there is no folder /nowhere"),
        (["demo", "--epochs", "-3"], "a whole number from 1 up, not '-3'"),
        (["demo", "--seed", "x"], "invalid int value: 'x'"),
    ],
)
def test_a_typo_says_what_there_is(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err

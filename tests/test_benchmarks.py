"""The suite of benchmarks: its tables and comparisons on made-up figures, and that it refuses what disagrees."""

import importlib
import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT))  # last: the package is taken from where it is installed

from benchmarks import __main__ as command  # noqa: E402
from benchmarks import measure, peers, report  # noqa: E402
from benchmarks.accuracy import fpcore, programs, strd  # noqa: E402
from benchmarks.questions import QUESTIONS  # noqa: E402

MODULES = [importlib.import_module(f"benchmarks.questions.{question}") for question in QUESTIONS]


def figures(contenders: dict[str, list[float] | str], **more: Any) -> report.Report:
    """A report of one workload; text in the place of figures says what is missing."""
    results: dict[str, Any] = {
        name: {"missing": runs} if isinstance(runs, str) else {**measure.summary(runs), "first": None, "error": 0.0}
        for name, runs in contenders.items()
    }
    kept = {"unit": "s", "per": 1.0, "each": "", "curve": "", "size": 0.0, "behind": "", "contenders": results}
    return {
        "when": "2026-01-01 00:00",
        "machine": {"processor": "made up", "python": "3.11.0"},
        "peers": {"autograd_lite": "0.1.0", "casadi": "3.8.2", "xad": None},
        "effort": {"turns": 3, "rounds": 3, "seconds": 0.3},
        "questions": {"gradients": {"Rosenbrock-100": {**kept, **more}}},
    }


def written(found: report.Report, path: Path) -> str:
    path.write_text(json.dumps(found), encoding="utf-8")
    return str(path)


# ---- Answers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (2, [2.0]),
        ((1.0, [2.0, (3.0,)]), [1.0, 2.0, 3.0]),
        ({"b": 1.0, "a": [2.0]}, [2.0, 1.0]),
        ([], []),
    ],
)
def test_an_answer_is_its_numbers_whatever_holds_them(answer: Any, expected: list[float]) -> None:
    assert measure.flat(answer) == expected


@pytest.mark.parametrize(
    ("found", "error"),
    [
        ([1.0, 2.0], 0.0),
        ([1.0, 2.0 + 2e-12], 1e-12),
        ([1.0], math.inf),
        ([1.0, math.nan], math.inf),
        ([1.0, math.inf], math.inf),
    ],
)
def test_a_disagreement_is_relative_and_infinite_where_it_has_no_size(found: list[float], error: float) -> None:
    assert measure.disagreement(found, [1.0, 2.0]) == pytest.approx(error, rel=1e-3)


def test_nan_agrees_with_nan() -> None:
    assert measure.disagreement([math.nan, 1.0], [math.nan, 1.0]) == 0.0


def test_a_contender_that_disagrees_is_an_error_that_shows_both_answers() -> None:
    with pytest.raises(measure.DisagreementError, match=r"toy: b and a disagree by 1\.0e\+00.* 4.* 2.*No time"):
        measure.compared({"a": [2.0], "b": [4.0]}, 1e-9, "toy")


# ---- Processes ------------------------------------------------------------------------------

TOYS = """
from benchmarks.measure import MissingError, Ready, Workload

def right(): return Ready(lambda: 2.0)
def wrong(): return Ready(lambda: 3.0)
def lacking(): raise MissingError("needs a thing")
def failing(): raise ZeroDivisionError("a slip")
def figure(): return Ready(lambda: [], figure=lambda: 7.0)

WORKLOADS = [
    Workload("fine", {"python": right, "python, again": lambda: Ready(lambda: [2.0]), "python, lacking": lacking,
                      "xad": right, "python, bytes": figure}),
    Workload("wrong", {"python": right, "python, wrong": wrong}),
    Workload("failing", {"python": failing}),
]
"""
EFFORT = measure.Effort(turns=1, rounds=2, seconds=0.001)
HOMES: dict[str, peers.Peer | None] = {"python": peers.Peer(sys.executable, "3"), "xad": None}


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, measure.Workload]:
    """Workloads of a module that stands in for the suite's questions."""
    (tmp_path / "toys.py").write_text(TOYS, encoding="utf-8")
    names: dict[str, Any] = {}
    exec(TOYS, names)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return {workload.name: workload for workload in names["WORKLOADS"]}


def test_contenders_run_in_processes_and_what_is_missing_is_named(toys: dict[str, measure.Workload]) -> None:
    found = measure.run("toys", toys["fine"], HOMES, EFFORT)
    assert list(found) == list(toys["fine"].contenders)
    assert found["xad"] == {"missing": "needs xad"}
    assert found["python, lacking"] == {"missing": "needs a thing"}
    assert len(found["python"]["runs"]) == 2
    assert 0.0 < found["python"]["median"] < 0.1
    assert found["python, again"]["error"] == 0.0
    assert found["python, bytes"]["median"] == 7.0


def test_no_time_is_taken_of_a_contender_that_disagrees(toys: dict[str, measure.Workload]) -> None:
    with pytest.raises(measure.DisagreementError, match="python, wrong and python disagree"):
        measure.run("toys", toys["wrong"], HOMES, EFFORT)


def test_a_process_that_fails_shows_its_traceback(toys: dict[str, measure.Workload]) -> None:
    with pytest.raises(measure.ContenderError, match=r"(?s)failing: python failed.*ZeroDivisionError: a slip"):
        measure.run("toys", toys["failing"], HOMES, EFFORT)


def test_what_disagrees_ends_in_an_error_and_does_not_stop_the_rest(
    toys: dict[str, measure.Workload],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(command, "workloads_of", lambda question: [toys["wrong"], toys["failing"], toys["fine"]])
    monkeypatch.setattr(command, "QUESTIONS", ["toys"])
    real = measure.run
    monkeypatch.setattr(measure, "run", lambda module, *given: real("toys", *given))
    out = tmp_path / "found.json"
    assert command.main(["toys", "--quick", "--json", str(out)]) == 1
    assert list(json.loads(out.read_text(encoding="utf-8"))["questions"]["toys"]) == ["fine"]
    assert "python, wrong and python disagree" in capsys.readouterr().err


def test_reports_of_one_machine_go_together_and_others_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = figures({"autograd_lite": [2e-6] * 3}), figures({"autograd_lite": [3e-6] * 3})
    two["questions"]["rows"] = {"toy": two["questions"]["gradients"].pop("Rosenbrock-100")}
    two["peers"] = {"autograd_lite": "0.1.0", "casadi": None, "xad": "1.5.2"}
    paths = [written(one, tmp_path / "one.json"), written(two, tmp_path / "two.json")]
    both = tmp_path / "both.json"
    assert command.main(["--from", *paths, "--json", str(both)]) == 0
    found = json.loads(both.read_text(encoding="utf-8"))
    assert sorted(found["questions"]) == ["gradients", "rows"]
    assert found["peers"] == {"autograd_lite": "0.1.0", "casadi": "3.8.2", "xad": "1.5.2"}
    two["machine"] = {"processor": "another", "python": "3.11.0"}
    with pytest.raises(SystemExit):
        command.main(["--from", paths[0], written(two, tmp_path / "two.json")])
    assert "do not go together: the machine is" in capsys.readouterr().err


def test_a_question_is_really_run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    assert command.main(["eager", "--only", "chain of 1000 nodes", "--quick", "--json", str(out)]) == 0
    found = json.loads(out.read_text(encoding="utf-8"))["questions"]["eager"]["chain of 1000 nodes"]["contenders"]
    assert found["autograd_lite"]["median"] > 0.0
    assert "eager: chain of 1000 nodes" in capsys.readouterr().out


# ---- Reports --------------------------------------------------------------------------------


def test_the_table_has_ratios_to_the_first_and_names_what_was_skipped() -> None:
    found = figures({"autograd_lite": [2e-6] * 3, "casadi": [1e-6] * 3, "xad": "needs xad"})
    lines = report.table("toy", found["questions"]["gradients"]["Rosenbrock-100"]).splitlines()
    assert "2 us" in lines[1]
    assert "1 x" in lines[1]
    assert "0.5 x" in lines[2]
    assert lines[3].endswith("skipped: needs xad")
    assert "not installed, and skipped: xad" in report.head(found)


def test_where_a_peer_is_faster_it_is_said_with_the_reason() -> None:
    found = figures({"autograd_lite": [2e-6] * 3, "casadi": [1e-6] * 3}, behind="It is smaller.")
    assert report.behind(found) == ["gradients, Rosenbrock-100: casadi by 2.0 (autograd_lite). It is smaller."]
    assert report.behind(figures({"autograd_lite": [1e-6] * 3, "casadi": [2e-6] * 3})) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ([1.0, 1.0, 1.0], [1.2, 1.2, 1.2], ["slower: gradients, Rosenbrock-100, autograd_lite: 1.20"]),
        ([1.2, 1.2, 1.2], [1.0, 1.0, 1.0], ["faster: gradients, Rosenbrock-100, autograd_lite: 0.83"]),
        ([1.0, 1.0, 1.0], [1.04, 1.04, 1.04], []),  # below the least change
        ([0.8, 1.0, 1.2], [1.0, 1.2, 1.4], []),  # within the spread
    ],
)
def test_a_change_is_what_is_beyond_the_noise(old: list[float], new: list[float], said: list[str]) -> None:
    found = report.changes(figures({"autograd_lite": old}), figures({"autograd_lite": new}))
    assert [line.partition(" times")[0] for line in found] == said


def test_what_is_no_longer_measured_is_named() -> None:
    found = report.changes(figures({"autograd_lite": [1.0], "casadi": [1.0]}), figures({"autograd_lite": [1.0]}))
    assert found == ["not measured now: gradients, Rosenbrock-100, casadi"]


def test_comparing_fails_where_this_project_is_slower_and_warns_of_another_machine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, now = figures({"autograd_lite": [1.0] * 3}), figures({"autograd_lite": [2.0] * 3})
    before["machine"]["python"] = "3.10.0"
    old, new = written(before, tmp_path / "old.json"), written(now, tmp_path / "new.json")
    assert command.main(["--from", new, "--compare", old]) == 1
    assert "python was 3.10.0, and is 3.11.0" in capsys.readouterr().out
    assert command.main(["--from", old, "--compare", old]) == 0
    assert "nothing changed beyond the noise" in capsys.readouterr().out


def test_the_readme_gets_a_table_between_its_markers_and_nothing_else_changes() -> None:
    found = figures({"autograd_lite, vm": [4e-6] * 3, "autograd_lite": [2e-6] * 3, "casadi": [5e-6] * 3})
    table = report.markdown(found)
    assert "| | autograd_lite | casadi |" in table
    assert "| value and gradient of Rosenbrock, 100 dimensions | 2 us | 2.5 x |" in table
    page = f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n"
    new = report.replaced(page, table)
    assert new.startswith("before\n")
    assert new.endswith("\nafter\n")
    assert "old" not in new
    assert report.replaced(new, table) == new
    with pytest.raises(ValueError, match="needs the line"):
        report.replaced("no markers", table)


def test_the_rows_of_the_readme_are_workloads_that_there_are() -> None:
    known = {(q, w.name) for q, module in zip(QUESTIONS, MODULES, strict=True) for w in module.WORKLOADS}
    assert {(question, workload) for _, question, workload in report.ROWS} <= known


# ---- The command ----------------------------------------------------------------------------


def test_the_list_names_questions_workloads_contenders_and_peers(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--list"]) == 0
    out = capsys.readouterr().out
    assert all(f"\n{question}: " in f"\n{out}" for question in QUESTIONS)
    assert "Rosenbrock-100: autograd_lite, native; " in out
    assert all(f"\n  {peer}: " in out for peer in [*peers.MODULES, *peers.PROGRAMS])


def test_a_question_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["speed"])
    assert "no such question: speed. There are eager, " in capsys.readouterr().err


@pytest.mark.parametrize("module", MODULES, ids=QUESTIONS)
def test_a_questions_contenders_are_peers_and_its_names_are_unique(module: Any) -> None:
    names = [workload.name for workload in module.WORKLOADS]
    assert len(set(names)) == len(names)
    for workload in module.WORKLOADS:
        assert {peers.peer_of(c) for c in workload.contenders} <= {*peers.MODULES, *peers.PROGRAMS}


# ---- Accuracy -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("core", "point", "expected"),
    [
        ("(FPCore (x y) (- (* x y) 1/4))", (2.0, 3.0), 5.75),
        ("(FPCore name (x) :pre (< 0 x 1) (let ([a (+ x 1)] [b x]) (/ a b)))", (0.5,), 3.0),
        ("(FPCore (x) (let* ((a (+ x 1)) (b (* a a))) (- b)))", (1.0,), -4.0),
        ("(FPCore (x) (if (and (< 0 x 1) (not (== x 1/2))) (sqrt x) (fabs x)))", (-2.0,), 2.0),
        ("(FPCore (x) (while (< i 3) ((i 0 (+ i 1)) (s 0 (+ s (* i x)))) s))", (2.0,), 6.0),
        ("(FPCore (x) (while* (< i 3) ((i 0 (+ i 1)) (s 0 (+ s (* i x)))) s))", (2.0,), 12.0),
        ("(FPCore (x) (* 2 PI x)) ; a comment", (1.0,), 2 * math.pi),
    ],
)
def test_fpcore_programs_are_translated(core: str, point: tuple[float, ...], expected: float) -> None:
    assert float(fpcore.program(fpcore.parsed(core)[0], "toy").f(*point)) == expected


@pytest.mark.parametrize(
    ("core", "why"),
    [
        ("(FPCore (x) (bessel x))", "the operation bessel"),
        ("(FPCore (x) (+ x y))", "the name y"),
        ("(FPCore () 1)", "arguments"),
        ("(FPCore (x) :pre (< 1 x 0) x)", "precondition"),
        ("(FPCore (x) x", "not closed"),
    ],
)
def test_what_the_translator_does_not_know_is_named(core: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "toy.fpcore"
    path.write_text(core, encoding="utf-8")
    (said,) = fpcore.programs(path)
    assert isinstance(said, str)
    assert why in said


def test_points_hold_to_the_precondition() -> None:
    found = fpcore.points(["x", "y"], fpcore.parsed("(and (<= 1 x 2) (< x y) (> 5 y))")[0])
    assert all(1 <= x <= 2 and x < y < 5 for x, y in found)


def test_numbers_without_bounds_are_those_of_the_example() -> None:
    example = fpcore.parsed("([x 5] [n 1000])")[0]
    found = fpcore.points(["x", "n", "y"], fpcore.parsed("(< 1 x 2)")[0], example)
    assert all(1.0 < x < 2.0 and n == 1000.0 and -10.0 <= y <= 10.0 for x, n, y in found)


NIST = """Model:         Exponential Class
               2 Parameters (b1 and b2)

               y = b1*(1-exp[-b2*x])  +  e

          Starting values                  Certified Values
  b1 =   500         250           2.4E+02  2.7E+00
  b2 =     0.0001      0.0005      5.5E-04  7.3E-06

Data:   y               x
      10.07E0      77.6E0
      14.73E0     114.9E0
"""


def test_a_nist_file_is_its_sum_of_squares_at_both_starts_and_at_the_answer() -> None:
    found = strd.program(NIST, "toy")
    assert found.points == [[500.0, 0.0001], [250.0, 0.0005], [240.0, 0.00055]]
    expected = sum((y - 250 * (1 - math.exp(-0.0005 * x))) ** 2 for y, x in ((10.07, 77.6), (14.73, 114.9)))
    assert float(found.f(250.0, 0.0005)) == pytest.approx(expected, rel=1e-15)


def test_programs_are_judged_in_units_of_the_last_place() -> None:
    pytest.importorskip("mpmath")
    found = programs.judged(fpcore.program(fpcore.parsed("(FPCore (x y) :pre (< 1 x y 2) (* (sin x) y))")[0], "toy"))
    assert found.mismatches == []
    assert all(0.0 <= error < 100.0 for errors in found.errors for error in errors)

"""Gradients that are not the engine's, checked with ``grad=``: of floats, of NumPy, of C."""

import ctypes
import math
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite.errors import ArgumentError, GradientMismatch, InconclusiveGradient
from autograd_lite.testing import check_gradients
from autograd_lite.testing.strategies import finite_floats, gradient_test

np: Any = pytest.importorskip("numpy")
Function = Callable[..., Any]

X = np.array([0.5, -1.25, 2.0, 0.125])
SINGLE = X.astype(np.float32)
A = np.arange(12.0).reshape(3, 4) / 7 - 0.6
MATRIX = A[:2]


def single(x: float) -> float:
    return float(np.float32(x))


def weighted(factors: Any) -> Function:
    """The gradient of x @ x, with factors that make it wrong."""
    return lambda x: (2 * x * np.array(factors)).astype(x.dtype)


#: A function, its arguments, and its gradient.
def two_results(v: Any) -> Any:
    return [ag.sin(v[0]) * v[1], v[0]]


RIGHT: dict[str, tuple[Function, tuple[Any, ...], Function]] = {
    "of a float": (math.sin, (0.7,), math.cos),
    "of an int": (lambda x: x**3, (3,), lambda x: 3 * x * x),
    "of several floats": (lambda x, y: x * y, (2.0, 3.0), lambda x, y: (y, x)),
    "of an array": (lambda x: x @ x, (X,), lambda x: 2 * x),
    "of ints in an array": (lambda x: x @ x, (np.array([1, 2]),), lambda x: 2 * x),
    "of a matrix": (lambda x: np.sin(x).sum(), (MATRIX,), np.cos),
    "of an array without dimensions": (np.sin, (np.array(0.5),), np.cos),
    "of a NumPy scalar": (np.sin, (np.float32(0.5),), np.cos),
    "of two arrays": (lambda x, y: x @ y, (X, X + 1), lambda x, y: (y, x)),
    "of a dict": (lambda p: p["w"] @ p["w"] * p["b"], ({"w": X, "b": 2.0},),
                  lambda p: {"b": p["w"] @ p["w"], "w": 2 * p["w"] * p["b"]}),
    "in single precision": (lambda x: x @ x, (SINGLE,), lambda x: 2 * x),
    "in single precision by itself": (lambda x: single(math.sin(x)), (0.7,), lambda x: single(math.cos(x))),
    "a Jacobian": (lambda x: np.tanh(A @ x), (X,), lambda x: (1 - np.tanh(A @ x) ** 2)[:, None] * A),
    "a Jacobian of a matrix": (lambda x: x.sum(axis=1), (MATRIX,),
                               lambda x: np.broadcast_to(np.eye(2)[:, :, None], (2, 2, 4))),
    "a Jacobian of ours": (two_results, ([1.0, 2.0],), ag.jacobian(two_results)),
    "of what changes its argument": (lambda x: x.__imul__(x).sum(), (X,), lambda x: 2 * x),
    "of noisy values": (lambda x: round(math.sin(x), 6), (0.7,), math.cos),
    "itself noisy": (math.sin, (0.7,), lambda x: round(math.cos(x), 6)),
    "at a flat place": (lambda x: x**3, (0.0,), lambda x: 3 * x * x),
    "at a minimum": (lambda x: (x - 1) ** 2 + 3, (1.0,), lambda x: 2 * (x - 1)),
    "of a constant": (lambda x: 3.0, (1.0,), lambda x: 0.0),
    "of a constant but for rounding": (lambda x: math.sin(x) ** 2 + math.cos(x) ** 2, (1.3,), lambda x: 0.0),
    "of tiny values": (lambda x: 1e-200 * math.exp(x), (1.0,), lambda x: 1e-200 * math.exp(x)),
    "of huge values": (lambda x: 1e300 * math.sin(x), (1.0,), lambda x: 1e300 * math.cos(x)),
    "at a huge number": (lambda x: x * 1e-300, (1e300,), lambda x: 1e-300),
    "beside the domain": (math.log, (1e-5,), lambda x: 1 / x),
    "beside complex values": (lambda x: x**0.5, (1e-5,), lambda x: 0.5 / x**0.5),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_gradient_agrees(name: str) -> None:
    f, args, gradient = RIGHT[name]
    kept = [np.array(arg, copy=True) for arg in args]
    assert check_gradients(f, *args, grad=gradient).ok
    assert all(np.all(arg == before) for arg, before in zip(args, kept, strict=True))


WRONG: dict[str, tuple[Function, tuple[Any, ...], Function]] = {
    "the wrong function": (math.sin, (0.7,), math.exp),
    "swapped": (lambda x, y: x @ y, (X, X + 1), lambda x, y: (x, y)),
    "a zero in an array": (lambda x: x @ x, (X,), weighted([1, 1, 0, 1])),
    "a zero in single precision": (lambda x: x @ x, (SINGLE,), weighted([1, 1, 0, 1])),
    "1e-9 off": (lambda x: x @ x, (X,), weighted([1, 1, 1 + 1e-9, 1])),
    "1e-3 off in single precision": (lambda x: x @ x, (SINGLE,), weighted([1, 1, 1.001, 1])),
    "8 times off under noise": (lambda x: round(math.sin(x), 4), (0.7,), lambda x: 8 * math.cos(x)),
    "a row of a Jacobian": (lambda x: A @ x, (X,), lambda x: A * np.array([[1], [0], [1]])),
    "rounded to ints": (lambda x: (x**3).sum(), (X,), lambda x: (3 * x * x).astype(int)),
    "nan": (math.sin, (0.7,), lambda x: math.nan),
    "inf": (math.sin, (0.7,), lambda x: math.inf),
    "zero of tiny values": (lambda x: 1e-200 * math.exp(x), (1.0,), lambda x: 0.0),
    "of a constant": (lambda x: 3.0, (1.0,), lambda x: 1e-3),
    "wildly noisy": (math.sin, (0.7,), lambda x: 5.0),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_gradient_is_found(name: str) -> None:
    f, args, gradient = WRONG[name]
    with pytest.raises(GradientMismatch):
        check_gradients(f, *args, grad=gradient)


UNTOLD: dict[str, tuple[Function, tuple[Any, ...], Function]] = {
    "a kink": (abs, (0.0,), lambda x: 0.0),
    "a jump": (math.floor, (2.0,), lambda x: 0.0),
    "an end of the domain": (math.sqrt, (0.0,), lambda x: math.inf),
    "nan": (lambda x: math.nan, (1.0,), lambda x: math.nan),
    "no smoothness anywhere": (lambda x: hash(x) % 1000 / 1000, (0.7,), lambda x: 0.0),
    "Weierstrass": (lambda x: sum(0.6**n * math.cos(9**n * x) for n in range(30)), (0.7,), lambda x: 0.0),
    "waves without end": (lambda x: x * math.sin(1 / x) if x else 0.0, (0.0,), lambda x: 0.0),
    "periods shorter than floats": (math.sin, (4e265,), math.cos),
    "a zero that single precision hides": (lambda v: np.float32(1e6) * v[0] + v[1], (np.ones(2, np.float32),),
                                           lambda v: np.array([1e6, 0], np.float32)),
}  # fmt: skip


@pytest.mark.parametrize("name", UNTOLD)
def test_what_nobody_can_tell_does_not_pass(name: str) -> None:
    f, args, gradient = UNTOLD[name]
    with pytest.raises(InconclusiveGradient):
        check_gradients(f, *args, grad=gradient)
    assert not check_gradients(f, *args, grad=gradient, allow_inconclusive=True).ok


def test_whoever_knows_better_says_the_scale() -> None:
    f: Function = lambda x: math.sin(1e9 * x)
    gradient: Function = lambda x: 1e9 * math.cos(1e9 * x)
    assert check_gradients(f, 1.0, grad=gradient, scale=1e-9).ok
    with pytest.raises(GradientMismatch):
        check_gradients(f, 1.0, grad=lambda x: 1.001 * gradient(x), scale=1e-9)
    many = lambda v: math.sin(1e9 * v[0]) * math.exp(v[1])
    by_each = lambda v: [gradient(v[0]) * math.exp(v[1]), f(v[0]) * math.exp(v[1])]
    assert check_gradients(many, [1.0, 2.0], grad=by_each, scale=[1e-9, 1.0]).ok


def test_entries_are_named_by_argument_and_result() -> None:
    report = check_gradients(
        lambda a, b: a * b["c"][0], 2.0, {"c": X}, grad=lambda a, b: (b["c"][0], {"c": a * (X[0] == X)})
    )
    assert [c.by for c in report.comparisons] == ["a", *(f"b['c'][{i}]" for i in range(4))]
    report = check_gradients(lambda x: A @ x, X, grad=lambda x: A)
    assert [c.by for c in report.comparisons[3:5]] == ["result 0 by x[3]", "result 1 by x[0]"]
    assert {c.mode for c in report.comparisons} == {"given"}


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: check_gradients(math.sin, 1.0, grad=1.0), TypeError,  # type: ignore[arg-type]
         "grad is the function that gives"),
        (lambda: check_gradients(math.sin, 1.0, math.cos), TypeError, r"is given by its name: .*grad=gradient"),
        (lambda: check_gradients(math.sin, 1.0, grad=lambda x: None), TypeError, "grad returned None"),
        (lambda: check_gradients(math.sin, 1.0, grad=math.cos, order=2), ArgumentError, "leave out order and oracle"),
        (lambda: check_gradients(np.sum, MATRIX, grad=lambda x: np.ones((4, 2))), ArgumentError, r"shape \(2, 4\)"),
        (lambda: check_gradients(np.sum, X, grad=lambda x: 1.0), ArgumentError, r"shape \(4,\)"),
        (lambda: check_gradients(lambda p: p["w"], {"w": X}, grad=lambda p: X), ArgumentError, "structure of the arg"),
        (lambda: check_gradients(lambda x: None, 1.0, grad=math.cos), TypeError, "got None"),
        (lambda: check_gradients(lambda x: 1j, 1.0, grad=math.cos), TypeError, "returns real numbers"),
        (lambda: check_gradients(lambda x: [], 1.0, grad=math.cos), TypeError, "returns numbers"),
        (lambda: check_gradients(math.sin, "1", grad=math.cos), TypeError, "got str '1'"),
        (lambda: check_gradients(math.sin, math.inf, grad=math.cos), ArgumentError, "at finite numbers only"),
        (lambda: check_gradients(np.sum, np.array([]), grad=np.cos), ArgumentError, "at least one number"),
        (lambda: check_gradients(math.sin, 1.0, grad=math.cos, scale=0.0), ArgumentError, "one number above 0"),
        (lambda: check_gradients(math.sin, 1.0, grad=math.cos, scale=[1.0, 2.0]), ArgumentError, "each of the 1 num"),
        (lambda: check_gradients(math.sin, 1.0, grad=math.cos, noise=-1.0), ArgumentError, "noise is a number from 0"),
    ],
)  # fmt: skip
def test_misuse_says_what_was_expected(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a C compiler")
def test_a_gradient_in_c_is_checked(tmp_path: Path) -> None:
    source = tmp_path / "norm.c"
    source.write_text("""
        double value(const double *x, int n) { double s = 0; for (int i = 0; i < n; i++) s += x[i] * x[i]; return s; }
        void right(const double *x, int n, double *g) { for (int i = 0; i < n; i++) g[i] = 2 * x[i]; }
        void wrong(const double *x, int n, double *g) { for (int i = 1; i < n; i++) g[i] = 2 * x[i]; }
        float sine_of(float x) { return x - x * x * x / 6; }
        float slope_of(float x) { return 1 - x * x / 2; }
    """)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", tmp_path / "norm.so", source], check=True)
    library = ctypes.CDLL(str(tmp_path / "norm.so"))
    pointer = ctypes.POINTER(ctypes.c_double)
    library.value.restype = ctypes.c_double
    value = lambda x: library.value(x.ctypes.data_as(pointer), len(x))

    def gradient(function: Any, x: Any) -> Any:
        g = np.zeros_like(x)
        function(x.ctypes.data_as(pointer), len(x), g.ctypes.data_as(pointer))
        return g

    assert check_gradients(value, X, grad=lambda x: gradient(library.right, x)).ok
    assert check_gradients(value, X[::2], grad=lambda x: gradient(library.right, x)).ok  # handed on without gaps
    with pytest.raises(GradientMismatch, match=r"x\[0\] .*MISMATCH"):
        check_gradients(value, X, grad=lambda x: gradient(library.wrong, x))
    for function in (library.sine_of, library.slope_of):
        function.argtypes, function.restype = [ctypes.c_float], ctypes.c_float
    assert check_gradients(library.sine_of, 0.7, grad=library.slope_of).ok
    with pytest.raises(GradientMismatch):
        check_gradients(library.sine_of, 0.7, grad=lambda x: 1.01 * library.slope_of(x))


# ---- As a property ----------------------------------------------------------------------


def test_a_property_passes_a_right_gradient_and_draws_kinks_anew() -> None:
    gradient_test(lambda x: max(x, 0.0), finite_floats(), grad=lambda x: float(x > 0))()


def test_a_property_finds_a_gradient_that_is_wrong_somewhere() -> None:
    with pytest.raises(GradientMismatch):
        gradient_test(math.sin, finite_floats(), grad=lambda x: math.cos(x) * (1.0 if x < 3 else 1.001))()


def test_a_property_of_arrays() -> None:
    from hypothesis.extra.numpy import arrays

    points = arrays(np.float32, 3, elements=st.floats(0.5, 4.0, width=32))
    gradient_test(lambda x: (x * x).sum(), points, grad=lambda x: 2 * x)()
    few = arrays(np.float32, 3, elements=st.sampled_from([0.5, 1.0, 4.0]))  # which are simplified soon
    with pytest.raises(GradientMismatch):
        gradient_test(lambda x: (x * x).sum(), few, grad=lambda x: 2 * np.abs(x) + 0.1)()


def test_a_property_that_can_tell_nowhere_does_not_pass() -> None:
    with pytest.raises((hypothesis.errors.FailedHealthCheck, hypothesis.errors.Unsatisfiable)):
        gradient_test(lambda x: hash(x) % 100 / 100, finite_floats(), grad=lambda x: 0.0)()

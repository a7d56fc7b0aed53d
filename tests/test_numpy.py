"""Values among NumPy's and SciPy's: what the guide says is so, row by row."""

import importlib
import math
import re
import statistics
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import Value
from autograd_lite.errors import ArgumentError

SPECIAL: Any = importlib.import_module("scipy.special")  # it ships no types
NP: Any = np  # its types do not know object scalars
PAGE = (Path(__file__).parent.parent / "docs" / "numpy.md").read_text(encoding="utf-8")
WORKS, REFUSED = (part.split("## ")[0] for part in PAGE.split("## What ")[1:])
NUMBERS = [0.55, 0.7, 1.25, 2.125, 4.0, 1.0, 2.0, 3.0, 5.0, 0.75]


def names(numbers: list[Any]) -> dict[str, Any]:
    """The names that the guide uses, with these numbers in them."""
    v, w, *others = numbers
    a, A = np.array(others[:3]), np.array(others[3:7]).reshape(2, 2)
    mixed = np.array([1.0, others[7], 3.0], dtype=object if isinstance(v, Value) else float)
    modules = {"np": np, "sp": SPECIAL, "ag": ag, "math": math, "statistics": statistics}
    return {**modules, "v": v, "w": w, "a": a, "A": A, "F": np.array([1.0, 2.0, 3.0]), "mixed": mixed}


def rows(part: str) -> list[tuple[str, str]]:
    return re.findall(r"^\| `(.*?)` \| (.*?) \|$", part, re.MULTILINE)


def kind(result: Any) -> str:
    """How the guide calls what came back."""
    if isinstance(result, np.ndarray):
        assert result.ndim > 0
        item = "Value" if result.dtype == object else result.dtype.name.removesuffix("64")
        return f"an array of {item}s"
    return "a Value" if isinstance(result, Value) else "a bool" if isinstance(result, (bool, np.bool_)) else "other"


def test_the_guides_program_gives_what_its_comments_say() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    program: dict[str, Any] = {}
    exec(block, program)
    for expression, expected in re.findall(r"^(\S.*?)  # (.+)$", block, re.MULTILINE):
        assert repr(eval(expression, program)) == expected


@pytest.mark.parametrize(("written", "gives"), rows(WORKS))
def test_what_works_gives_numpys_numbers_and_right_derivatives(written: str, gives: str) -> None:
    def evaluate(numbers: list[Any]) -> Any:
        return eval(written.removesuffix(".item()") if type(numbers[0]) is float else written, names(numbers))

    result = eval(written, names([Value(x) for x in NUMBERS]))
    assert kind(result) == gives.partition(";")[0]
    plain = [float(x) for x in np.ravel(evaluate(NUMBERS))]
    assert [float(getattr(x, "data", x)) for x in np.ravel(np.array(result, dtype=object))] == pytest.approx(plain)
    if not kind(result).endswith(("Value", "Values")):
        return

    def total(numbers: list[Any]) -> Any:
        return ag.sum([(i + 1.0) * x for i, x in enumerate(np.ravel(np.array(evaluate(numbers), dtype=object)))])

    for i, derivative in enumerate(ag.grad(total)(NUMBERS)):
        up, down = ([x + step * (j == i) for j, x in enumerate(NUMBERS)] for step in (1e-6, -1e-6))
        assert derivative == pytest.approx((float(total(up)) - float(total(down))) / 2e-6, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize(("written", "instead"), rows(REFUSED))
def test_what_is_refused_raises_and_what_to_write_instead_works(written: str, instead: str) -> None:
    given = names([Value(x) for x in NUMBERS])
    with pytest.raises((TypeError, AttributeError, ValueError)):
        eval(written, given)
    assert eval(instead.strip("`"), given) is not None


def test_numpys_functions_keep_our_conventions_on_a_value() -> None:
    x = Value(0.0)
    (NP.maximum(x, 0.0) + NP.abs(x) + NP.sign(x) + NP.clip(x, 0.0, None)).backward()
    assert x.grad == 0.5 + 0.0 + 0.0 + 1.0


def test_a_ufunc_of_someone_elses_is_never_taken_for_ours_by_its_name() -> None:
    class Square:
        __name__ = "square"

        def __call__(self, *inputs: Any) -> Any:
            return "called"

    assert Value(2.0).__array_ufunc__(Square(), "__call__", Value(2.0)) == "called"
    cube: Any = np.frompyfunc(lambda x: x * x * x, 1, 1)
    assert cube(Value(2.0)).data == 8.0


def test_arrays_of_other_packages_are_asked_first() -> None:
    class Other:
        def __array_ufunc__(self, *given: Any, **settings: Any) -> str:
            return "the other's"

    assert NP.add(Value(1.0), Other()) == "the other's"


def test_settings_of_a_ufunc_go_to_numpy() -> None:
    F = np.array([1.0, 2.0])
    out = np.empty(2, dtype=object)
    assert NP.multiply(F, Value(3.0), out=out) is out
    assert [x.data for x in out] == [3.0, 6.0]
    with pytest.raises(TypeError, match="Cannot cast"):
        NP.multiply(F, Value(3.0), out=F)
    assert NP.add.reduce([Value(1.0), Value(2.0)]).data == 3.0
    assert NP.multiply.outer(Value(2.0), F)[1].data == 4.0


@pytest.mark.parametrize(("x", "y"), [(7.0, 3.0), (-7.0, 3.0), (7.0, -3.0), (-7.5, -2.0), (0.0, 2.0), (1.0, math.inf)])
def test_fmod_is_that_of_c_with_its_derivatives(x: float, y: float) -> None:
    assert ag.fmod(x, y) == math.fmod(x, y)
    assert math.copysign(1.0, ag.fmod(x, y)) == math.copysign(1.0, math.fmod(x, y))
    assert ag.grad(ag.fmod, (0, 1))(x, y) == (1.0, 0.0 - math.trunc(x / y))


def test_sinc_has_derivatives_of_any_order_at_zero() -> None:
    assert [ag.sinc(x) for x in (0.0, 0.1, -0.17, 1.5)] == pytest.approx(np.sinc([0.0, 0.1, -0.17, 1.5]))
    assert ag.grad(ag.sinc)(0.0) == 0.0
    assert ag.grad(ag.grad(ag.sinc))(0.0) == pytest.approx(-(math.pi**2) / 3)
    assert ag.grad(ag.sinc)(0.1) == pytest.approx((np.cos(0.1 * np.pi) - np.sinc(0.1)) / 0.1)


def test_nan_and_infinities_are_told_of_values_numbers_and_structures() -> None:
    numbers = [1.0, math.nan, math.inf, -math.inf]
    assert ag.isnan(numbers) == [False, True, False, False]
    assert ag.isinf([Value(x) for x in numbers]) == [False, False, True, True]
    assert ag.isfinite(np.array(numbers)).tolist() == [True, False, False, False]
    assert [Value(x).isfinite() for x in numbers] == [True, False, False, False]
    with ag.detect_anomaly():
        assert NP.isinf(Value(math.inf))


# ---- Primitives, element by element -----------------------------------------------------

Pair = namedtuple("Pair", "first second")


def test_primitives_go_through_structures_and_keep_their_types() -> None:
    assert ag.relu([[-1.0, 2.0], (3, -4.5)]) == [[0.0, 2.0], (3.0, 0.0)]
    assert ag.exp(Pair(0.0, [0.0])) == Pair(1.0, [1.0])
    assert ag.tanh([]) == []
    assert ag.atan2(1.0, [1.0, 2.0]) == [math.atan2(1.0, 1.0), math.atan2(1.0, 2.0)]
    assert ag.maximum([1.0, 5.0], [3.0, 2.0]) == [3.0, 5.0]
    assert ag.clip([-1.0, 0.5, 2.0], 0.0, 1.0) == [0.0, 0.5, 1.0]
    assert ag.where([True, False], 1.0, [2.0, 3.0]) == [1.0, 3.0]
    assert ag.leaky_relu([-1.0], negative_slope=0.5) == [-0.5]
    v: Any = Value(0.5)
    first, second = ag.mul(v, [2.0, Value(3.0)])
    assert (first.data, second.data) == (1.0, 1.5)
    assert [x.data for x in v.add([1.0])] == [1.5]


def test_an_op_of_the_users_goes_through_structures_too() -> None:
    cube = ag.Op("cube", lambda x: x * x * x, lambda ans, x: (3 * x * x,))
    assert cube(np.array([[1.0, 2.0]])).tolist() == [[1.0, 8.0]]


@pytest.mark.parametrize(
    "array", [np.ones(3), np.ones((2, 0)), np.ones((1, 2, 3), np.float32), np.arange(3), np.array([True])]
)
def test_arrays_of_numbers_give_arrays_of_floats(array: Any) -> None:
    result = ag.exp(array)
    assert (result.dtype, result.shape) == (np.dtype(float), array.shape)
    assert result == pytest.approx(np.exp(np.asarray(array, dtype=float)))


def test_arrays_are_broadcast_and_arrays_of_no_dimension_are_numbers() -> None:
    column, row = np.array([[1.0], [2.0]]), [10.0, 20.0, 30.0]
    assert ag.add(column, row).tolist() == [[11.0, 21.0, 31.0], [12.0, 22.0, 32.0]]
    assert ag.exp(np.array(0.0)) == 1.0
    assert isinstance(ag.exp(np.array(Value(0.0))), Value)


def _self_holding() -> list[Any]:
    numbers: list[Any] = [1.0]
    numbers.append(numbers)
    return numbers


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: ag.add([1.0, 2.0], [1.0]), ArgumentError, r"add takes lists of one length, .* got lengths \[1, 2\]"),
        (lambda: ag.add(np.ones(2), np.ones(3)), ArgumentError, r"shapes fit together, got \(2,\), \(3,\)"),
        (lambda: ag.tanh(_self_holding()), ArgumentError, "tanh takes lists of numbers; this one holds itself"),
        (
            lambda: ag.tanh("1.0"),
            TypeError,
            "tanh takes numbers and Values, or lists and arrays of them: .* got str '1.0'",
        ),
        (lambda: ag.tanh({"x": 1.0}), TypeError, "or lists and arrays of them: .* got dict"),
        (lambda: ag.tanh([1.0, None]), TypeError, "got NoneType None"),
        (lambda: ag.tanh(np.array(["a"])), TypeError, "got str 'a'"),
        (lambda: ag.tanh(np.array([1j])), TypeError, "got complex 1j"),
        (lambda: ag.tanh(np.ma.array([1.0])), TypeError, "tanh takes arrays without a mask"),
        (
            lambda: Value(1.0) - [1.0],  # type: ignore[operator]
            TypeError,
            "unsupported operand",
        ),
    ],
)
def test_what_is_no_structure_of_numbers_is_refused(
    call: Callable[[], Any], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        call()


def test_nothing_of_this_imports_numpy() -> None:
    code = """
import sys, autograd_lite as ag
v = ag.Value(0.5)
ag.tanh([v, 0.5]); ag.isnan(v); ag.linalg.solve([[v]], [1.0]); v.fmod(0.3)
print("numpy" in sys.modules)"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# ---- Linear algebra ---------------------------------------------------------------------

MATRIX = [[0.0, 2.0, 1.0], [1.0, -1.0, 0.5], [3.0, 0.25, 4.0]]


def test_solve_inv_and_det_agree_with_numpy() -> None:
    right = [1.0, 2.0, 3.0]
    assert ag.linalg.solve(MATRIX, right) == pytest.approx(np.linalg.solve(MATRIX, right).tolist())
    assert ag.linalg.solve(np.array(MATRIX), np.eye(3)) == pytest.approx(np.linalg.inv(MATRIX))
    assert np.array(ag.linalg.inv(MATRIX)) == pytest.approx(np.linalg.inv(MATRIX))
    assert ag.linalg.det(MATRIX) == pytest.approx(np.linalg.det(MATRIX))
    assert ag.linalg.det([[2]]) == 2.0


def test_derivatives_of_solve_and_det_are_those_of_matrix_calculus() -> None:
    inverse = np.linalg.inv(MATRIX)
    x = inverse @ [1.0, 2.0, 3.0]
    # d x_0 / d A = -(row 0 of the inverse)^T x^T
    assert ag.grad(lambda a: ag.linalg.solve(a, [1.0, 2.0, 3.0])[0])(np.array(MATRIX)) == pytest.approx(
        -np.outer(inverse[0], x)
    )
    assert ag.grad(ag.linalg.det)(np.array(MATRIX)) == pytest.approx(np.linalg.det(MATRIX) * inverse.T)


def test_the_derivative_of_det_is_the_cofactors_where_it_is_zero_too() -> None:
    assert ag.value_and_grad(ag.linalg.det)([[1.0, 2.0], [2.0, 4.0]]) == (0.0, [[4.0, -2.0], [-2.0, 1.0]])
    first_column = [[0.0, 1.0, 2.0], [0.0, 3.0, 4.0], [0.0, 5.0, 7.0]]
    cofactors = [[1.0, 0.0, 0.0], [3.0, 0.0, 0.0], [-2.0, 0.0, 0.0]]
    assert ag.value_and_grad(ag.linalg.det)(first_column) == (0.0, cofactors)
    assert ag.grad(ag.linalg.det)([[0.0] * 3 for _ in range(3)]) == [[0.0] * 3 for _ in range(3)]


def test_linear_algebra_compiles() -> None:
    right = [1.0, 2.0, 3.0]
    f = ag.jit(ag.grad(lambda a: ag.linalg.solve(a, right)[0] + ag.linalg.det(a)))
    for matrix in (MATRIX, MATRIX[::-1]):
        assert f(matrix) == ag.grad(lambda a: ag.linalg.solve(a, right)[0] + ag.linalg.det(a))(matrix)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: ag.linalg.inv([[1.0, 2.0], [2.0, 4.0]]), ArgumentError, "the matrix is singular: .* in column 1"),
        (lambda: ag.linalg.det([[1.0, 2.0]]), ArgumentError, r"a square matrix, 1 rows of 1 numbers; got \[2\]"),
        (lambda: ag.linalg.det([1.0, 2.0]), ArgumentError, "a square matrix"),
        (lambda: ag.linalg.det([[1.0], 2.0]), ArgumentError, "numbers beside rows"),
        (lambda: ag.linalg.det([]), ArgumentError, "nested lists or arrays"),
        (lambda: ag.linalg.det(np.ones((2, 2, 2))), TypeError, "rows of one length; got list"),
        (lambda: ag.linalg.solve([[1.0]], [1.0, 2.0]), ArgumentError, "as many rows on the right .*, 1; got 2"),
        (lambda: ag.linalg.solve([["1"]], [1.0]), TypeError, "got str '1'"),
    ],
)
def test_linear_algebra_refuses_other_shapes(call: Callable[[], Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call()


def test_masked_arrays_keep_the_gradient() -> None:
    v = Value(2.0)
    products = np.ma.MaskedArray([1.0, 3.0], mask=[False, False]) * v
    assert all(isinstance(product, Value) for product in products)
    products[1].backward()
    assert v.grad == 3.0


def test_the_jacobian_of_an_array_has_arrays_in_the_structure_of_the_arguments_as_in_jax() -> None:
    t = np.array([1.0, 2.0])
    by_two = ag.jacobian(lambda t, a, b: a * t**2 + b * t, argnums=(1, 2))(t, 1.5, 0.5)
    assert type(by_two) is tuple
    np.testing.assert_array_equal(by_two, (t**2, t))
    (by_name,) = ag.jacobian(lambda p: p["a"] * t)({"a": 1.0}).values()
    np.testing.assert_array_equal(by_name, t)
    blocks = ag.hessian(lambda p, q: (p * p * q.sum()).sum(), argnums=(0, 1))(t, np.array([1.0, 2.0, 3.0]))
    assert [[block.shape for block in row] for row in blocks] == [[(2, 2), (2, 3)], [(3, 2), (3, 3)]]
    np.testing.assert_array_equal(blocks[0][1], blocks[1][0].T)

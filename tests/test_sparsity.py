"""Which results depend on which arguments, and sparse Jacobians and Hessians."""

import itertools
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite import Value, grad, hessian, jacobian, jit, sparsity
from autograd_lite.errors import ArgumentError
from autograd_lite.testing.strategies import Program, points_for, programs
from autograd_lite.transforms import Coo

Function = Callable[[Any], Any]


def dense(found: Coo) -> list[list[float]]:
    rows = [[0.0] * found.shape[1] for _ in range(found.shape[0])]
    for i, j, entry in zip(found.row, found.col, found.data, strict=True):
        rows[i][j] += entry
    return rows


def places(found: Coo) -> set[tuple[int, int]]:
    assert len(set(zip(found.row, found.col, strict=True))) == len(found.data)
    return set(zip(found.row, found.col, strict=True))


def banded(v: Any) -> list[Any]:
    inner = [v[i - 1] * v[i] + ag.sin(v[i + 1]) for i in range(1, len(v) - 1)]
    return [v[0] * v[1], *inner, v[-1] ** 2]


def added_up(v: Any) -> Any:
    total = 0.0
    for x in v:
        total = total + x * x
    return total


def with_a_dense_row(v: Any) -> list[Any]:
    return [*banded(v), added_up(v)]


def with_a_dense_column(v: Any) -> list[Any]:
    return [x * v[0] for x in v]


def from_a_long_chain(v: Any) -> list[Any]:
    """All results go back to v[0], by way of each other."""
    y, found = v[0], []
    for x in v[1:]:
        y = ag.sin(y) * 0.5
        found.append(y + x)
    return found


def with_both(v: Any) -> list[Any]:
    return [*with_a_dense_row(v), *with_a_dense_column(v)]


def rosenbrock(v: Any) -> Any:
    return added_up([10.0 * (b - a * a) for a, b in itertools.pairwise(v)]) + added_up([1.0 - a for a in v[:-1]])


SHAPES: list[Function] = [banded, with_a_dense_row, with_a_dense_column, from_a_long_chain, with_both]


def point(n: int) -> list[float]:
    return [1.0 + i / n for i in range(n)]


# ---- The entries ----------------------------------------------------------------------------


def test_sparsity_is_the_structure_of_the_jacobian() -> None:
    structure = sparsity(lambda v: [v[0] * v[1], v[2], 7.0, v[2] - v[1]])([1.0, 2.0, 3.0])
    assert structure == Coo(([1.0] * 5, ([0, 0, 1, 3, 3], [0, 1, 2, 1, 2])), (4, 3))
    assert (structure.data, structure.row, structure.col) == ([1.0] * 5, [0, 0, 1, 3, 3], [0, 1, 2, 1, 2])


@pytest.mark.parametrize("f", SHAPES, ids=lambda f: f.__name__)
def test_a_sparse_jacobian_has_the_numbers_of_the_dense_one(f: Function) -> None:
    x = point(12)
    found = jacobian(f, sparse=True)(x)
    full = jacobian(f)(x)
    assert found.shape == np.shape(full)
    assert np.allclose(dense(found), full, rtol=1e-14, atol=0.0)
    assert places(found) == places(sparsity(f)(x)) == set(zip(*np.nonzero(full), strict=True))


@given(programs(max_ops=8).flatmap(lambda program: st.tuples(st.just(program), points_for(program))))
def test_what_is_left_out_is_zero(case: tuple[Program, list[float]]) -> None:
    program, x = case
    inputs = len(x)

    def f(v: Any) -> Any:
        return [program(*v[:inputs]), v[-1] * 2.0, program(*v[:inputs]) * v[-1]]

    full = np.array(jacobian(f)([*x, 0.5]))
    found = jacobian(f, sparse=True)([*x, 0.5])
    assert np.allclose(dense(found), full, rtol=1e-9, atol=1e-9 * (1.0 + np.max(np.abs(full))))


def test_the_hessian_of_a_chain_has_three_diagonals() -> None:
    x = point(20)
    found = hessian(rosenbrock, sparse=True)(x)
    assert places(found) == {(i, j) for i in range(20) for j in range(20) if abs(i - j) <= 1}
    assert dense(found) == hessian(rosenbrock)(x)
    assert places(sparsity(grad(rosenbrock))(x)) == places(found)


def test_an_entry_is_there_for_what_was_computed() -> None:
    f: Function = lambda v: [0.0 * v[0], v[1] - v[1], ag.stop_gradient(v[0]), v[0] if v[1] > 0 else v[1]]
    assert places(sparsity(f)([1.0, 2.0])) == {(0, 0), (1, 1), (3, 0)}
    assert places(sparsity(f)([1.0, -2.0])) == {(0, 0), (1, 1), (3, 1)}
    assert jacobian(f, sparse=True)([1.0, 2.0]).data == [0.0, 0.0, 1.0]


def test_an_infinite_partial_stays_in_its_entry() -> None:
    found = jacobian(lambda v: [ag.sqrt(v[0]) + v[1], v[1]], sparse=True)([0.0, 1.0])
    assert found.data == [np.inf, 1.0, 1.0]


# ---- Structures and kinds -------------------------------------------------------------------


def test_rows_and_columns_count_through_nested_structures() -> None:
    def f(p: Any, q: Any) -> Any:
        return {"y": p["b"][1], "z": (q * p["a"], [5.0, q])}

    found = jacobian(f, (1, 0), sparse=True)({"a": 2.0, "b": [3.0, 4.0]}, 6.0)
    assert found == Coo(([1.0, 2.0, 6.0, 1.0], ([0, 1, 1, 3], [3, 0, 1, 0])), (4, 4))
    assert jacobian(f, argnames="q", sparse=True)({"a": 2.0, "b": [3.0, 4.0]}, 6).shape == (4, 1)


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (lambda x: x * x, 3, Coo(([6.0], ([0], [0])), (1, 1))),
        (lambda v: v[1], [1.0, 2.0], Coo(([1.0], ([0], [1])), (1, 2))),
        (lambda v: [v[0], v[0]], [1.0], Coo(([1.0, 1.0], ([0, 1], [0, 0])), (2, 1))),
        (lambda v: [], [1.0], Coo(([], ([], [])), (0, 1))),
        (lambda v: [1.0, None], [], Coo(([], ([], [])), (1, 0))),
        (lambda v: 2, [1.0], Coo(([], ([], [])), (1, 1))),
        (lambda v: v[::-1], np.array([1.0, 2.0]), Coo(([1.0, 1.0], ([0, 1], [1, 0])), (2, 2))),
    ],
)
def test_results_and_arguments_of_all_kinds(f: Function, x: Any, expected: Coo) -> None:
    assert jacobian(f, sparse=True)(x) == expected


def test_values_give_values_that_can_be_differentiated_again() -> None:
    x = [Value(2.0), Value(3.0)]
    found = jacobian(lambda v: [v[0] ** 3, v[1]], sparse=True)(x)
    found.data[0].backward()
    assert ([type(entry) for entry in found.data], x[0].grad) == ([Value, Value], 12.0)
    assert grad(lambda v: ag.sum(jacobian(banded, sparse=True)(v).data))([1.0, 2.0, 0.0]) == [2.0, 2.0, 2.0]


def test_scipy_takes_it_as_it_is() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    for make in (sparse.coo_matrix, sparse.coo_array):
        assert make(*jacobian(banded, sparse=True)(point(9))).toarray().tolist() == jacobian(banded)(point(9))
    least_squares = pytest.importorskip("scipy.optimize").least_squares
    derivative = jacobian(banded, sparse=True)
    fit = least_squares(
        lambda v: np.array(banded(list(map(float, v)))),
        point(9),
        jac=lambda v: sparse.coo_matrix(*derivative(list(v))).tocsr(),
    )
    assert fit.cost < 1e-12


# ---- Compiled -----------------------------------------------------------------------------


@pytest.mark.parametrize("f", [*SHAPES, grad(rosenbrock)], ids=lambda f: f.__name__)
def test_compiled_it_is_the_same_to_the_last_bit(f: Function) -> None:
    for transform in (lambda f: jacobian(f, sparse=True), sparsity):
        compiled = jit(transform(f))
        for x in (point(10), [1.5] * 10, [0.0] * 10):
            assert compiled(x) == transform(f)(x)


@pytest.mark.parametrize("f", [*SHAPES[:-1], grad(rosenbrock)], ids=lambda f: f.__name__)
def test_the_program_grows_as_the_function_does(f: Function) -> None:
    lengths = []
    for n in (50, 100):
        compiled = jit(jacobian(f, sparse=True))
        compiled(point(n))
        lengths.append(len(compiled.program))
    assert lengths[1] < 2.1 * lengths[0]


def test_a_thousand_variables() -> None:
    x = point(1000)
    found = jit(jacobian(banded, sparse=True))(x)
    assert found == jacobian(banded, sparse=True)(x)
    assert (found.shape, len(found.data)) == ((1000, 1000), 2 + 3 * 998 + 1)


def test_a_compiled_function_inside_counts_as_dense() -> None:
    x = point(6)
    found = jacobian(jit(banded), sparse=True)(x)
    assert len(found.data) == 36
    assert np.allclose(dense(found), jacobian(banded)(x), rtol=1e-14, atol=0.0)


# ---- Misuse -----------------------------------------------------------------------------


@pytest.mark.parametrize("transform", [sparsity, lambda f, *a, **k: jacobian(f, *a, **k, sparse=True)])
def test_misuse_says_what_was_expected(transform: Any) -> None:
    with pytest.raises(TypeError, match="takes a function, not its result"):
        transform(3.0)
    with pytest.raises(TypeError, match=r"got str 'aux' at \[1\]"):
        transform(lambda x: (x, "aux"))(1.0)
    with pytest.raises(TypeError, match="got str 'a'"):
        transform(banded)("a")
    with pytest.raises(ArgumentError, match="argnums has 1"):
        transform(banded, 1)(1.0)
    with pytest.raises(TypeError, match="returns one number"):
        hessian(banded, sparse=True)(point(3))


@pytest.mark.parametrize("f", [jacobian(banded, sparse=True), hessian(added_up, sparse=True), sparsity(banded)])
def test_they_pickle(f: Function) -> None:
    assert pickle.loads(pickle.dumps(f))(point(4)) == f(point(4))

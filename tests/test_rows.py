"""map and sum of a compiled function: rows of data, as single calls of the plain function have them."""

import array
import ctypes
import functools
import gc
import itertools
import math
import random
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from math import inf, nan
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite import Op, Value, detect_anomaly, grad, hessian, jacobian, jit, jvp, no_grad, pytree, value_and_grad
from autograd_lite.errors import AnomalyError, ArgumentError, GraphError, TracingError, VerificationError
from autograd_lite.jit import compiled as room
from autograd_lite.jit.backends import vm
from autograd_lite.jit.backends.rows import PythonRows, VmRows, parts_of
from autograd_lite.nn import MLP
from autograd_lite.ops import primitives
from autograd_lite.testing.strategies import Program, programs
from tests.test_jit import SPECIAL, bits, numbers
from tests.test_ops import CONSTANTS, POINTS

#: What runs a program over rows: Python, or the machine with blocks of so many rows.
BACK_ENDS: dict[str, Any] = {"python": PythonRows}
if vm.is_there():
    BACK_ENDS |= {f"blocks of {n}": functools.partial(VmRows, block=n) for n in (32, 64, 96, 128)}
ALL = pytest.mark.parametrize("back_end", BACK_ENDS, indirect=True)
#: Where the size of blocks makes no difference.
TWO = pytest.mark.parametrize("back_end", list(BACK_ENDS)[:2], indirect=True)
COUNTS = [1, 2, 7, 8, 9, 31, 32, 33, 64, 65, 95, 127, 128, 129, 200, 257, 300]


@pytest.fixture
def back_end(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Which one all compiled functions of a test use."""
    use(monkeypatch, request.param)
    return str(request.param)


def use(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(room, "rows_back_end", lambda _: BACK_ENDS[name])


def each(f: Callable[..., Any], *columns: Any, **shared: Any) -> list[Any]:
    """What map is to give."""
    return [f(*row, **shared) for row in zip(*columns, strict=True)]


def rows_where(f: Callable[..., Any], rows: Sequence[Any]) -> list[Any]:
    """The rows at which f gives floats."""
    kept = []
    for row in rows:
        try:
            result = f(row)
        except (ArithmeticError, ValueError, TypeError):
            continue
        if not isinstance(result, complex):
            kept.append(row)
    return kept


def spread(rows: Sequence[Any], count: int) -> list[Any]:
    """So many rows of these, in no order."""
    return random.Random(count).choices(rows, k=count) if rows else []


# ---- map is single calls, to the last bit -------------------------------------------------


def points(program: Program) -> st.SearchStrategy[list[list[float]]]:
    return st.lists(st.lists(numbers, min_size=program.inputs, max_size=program.inputs), min_size=1, max_size=12)


@pytest.mark.parametrize("name", BACK_ENDS)
@pytest.mark.parametrize("transform", [lambda f: f, value_and_grad], ids=["value", "gradient"])
@settings(max_examples=10)
@given(data=st.data(), is_safe=st.booleans(), count=st.sampled_from([0, *COUNTS]))
def test_random_programs(name: str, transform: Any, data: st.DataObject, is_safe: bool, count: int) -> None:
    program = data.draw(programs(max_ops=12, domain_safe=is_safe))
    f = transform(lambda x: program(*x))
    rows = spread(rows_where(lambda x: program(*x), data.draw(points(program))), count)
    with pytest.MonkeyPatch.context() as patch:
        use(patch, name)
        try:
            found = jit(f).map(rows)
        except TracingError as error:  # also where what is complex is no result
            assert "complex" in str(error)  # noqa: PT017
        else:
            assert bits(found) == bits(each(f, rows))


@pytest.mark.parametrize("name", BACK_ENDS)
@settings(max_examples=5)
@given(data=st.data())
def test_random_hessians(name: str, data: st.DataObject) -> None:
    program = data.draw(programs(max_ops=6))
    rows = spread(data.draw(points(program)), 40)
    f = hessian(lambda x: program(*x))
    with pytest.MonkeyPatch.context() as patch:
        use(patch, name)
        assert bits(jit(f).map(rows)) == bits(each(f, rows))


_EDGES = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -3.0, 1e308, 5e-324, inf, -inf, nan)


def edges_of(name: str) -> Iterator[list[tuple[float, ...]]]:
    """Operands of a primitive, in groups of the same count."""
    arity = primitives[name].arity
    if arity is not None:
        at_edges = list(itertools.product(_EDGES, repeat=arity))
        if name.startswith("polygamma"):
            at_edges = [point for point in at_edges if point[0] in (0.0, 1.0, 2.0)]
        yield [*POINTS[name], *(random.Random(name).sample(at_edges, min(len(at_edges), 90)))]
        return
    for count in sorted({len(point) for point in POINTS[name]}):
        yield [tuple(random.Random(i).choices(_EDGES, k=count)) for i in range(80)]


@TWO
@pytest.mark.parametrize("name", primitives)
def test_every_primitive_at_its_edges_with_its_gradient(back_end: str, name: str) -> None:
    op, constant = primitives[name], CONSTANTS.get(name, set())
    for operands in edges_of(name):
        for fixed in dict.fromkeys(tuple(point[i] for i in sorted(constant)) for point in operands):
            rows = [point for point in operands if tuple(point[i] for i in sorted(constant)) == fixed][:70]

            def f(x: Any, fixed: Any = fixed) -> Any:
                return op(*[fixed[sorted(constant).index(i)] if i in constant else x[i] for i in range(len(x))])

            with_gradient = value_and_grad(f)
            assert bits(jit(with_gradient).map(rows)) == bits(each(with_gradient, rows)), fixed
            assert bits(jit(f).map(rows)) == bits(each(f, rows)), fixed


def swings(x: Any) -> Any:
    """A function of many paths, and steps that depend on them."""
    y = x
    for _ in range(3):
        y = ag.sin(y) * 3.0 if y > 0.5 else y + 0.75 if y > -0.5 else -y
    return y


@ALL
@pytest.mark.parametrize("count", [0, *COUNTS])
def test_rows_take_branches_of_their_own(back_end: str, count: int) -> None:
    draws = random.Random(count)
    xs = [draws.gauss(0.0, 2.0) for _ in range(count)]
    fast = jit(value_and_grad(swings))
    for _ in range(2):
        assert bits(fast.map(xs)) == bits(each(value_and_grad(swings), xs))
    assert bits(jit(swings).map(np.array(xs)).tolist()) == bits(each(swings, xs))


@ALL
def test_guards_on_shared_numbers_send_all_rows_another_way(back_end: str) -> None:
    def f(x: Any, a: Any, b: Any) -> Any:
        if x > 0.0:
            x = x * 2.0 if a > 0.0 else x - b
        return x / b if a * b > 1.0 else x + a

    draws, fast = random.Random(0), jit(f)
    for _ in range(30):
        xs = [draws.gauss(0.0, 1.0) for _ in range(draws.randint(1, 70))]
        a, b = draws.choice([2.0, -2.0, 0.5, nan]), draws.choice([-1.0, 3.0])
        assert bits(fast.map(xs, a=a, b=b)) == bits(each(f, xs, a=a, b=b))
        assert fast.sum(xs, a=a, b=b) == pytest.approx(math.fsum(each(f, xs, a=a, b=b)), nan_ok=True)


@ALL
def test_a_guard_behind_a_strong_zero_of_shared_numbers(back_end: str) -> None:
    def f(x: Any, a: Any) -> Any:
        slope = grad(lambda a: ag.where(ag.greater(a, 0.0), ag.sqrt(a), 0.0) * 1.0)(a)  # 0 * inf at 0
        return x * slope if slope + 1.0 - a > 0.1 else x - 1.0

    fast = jit(f)
    for a in (4.0, 0.0, 1.0, 0.0, -1.0):
        assert fast.map([1.0, 2.0], a=a) == each(f, [1.0, 2.0], a=a)
        assert fast.sum([1.0, 2.0], a=a) == sum(each(f, [1.0, 2.0], a=a))


@ALL
def test_inf_and_nan_among_weights_and_rows(back_end: str) -> None:
    model = MLP(2, [3, 1], activation="relu", rng=0)
    loss = jit(value_and_grad(lambda x, w: ag.square(ag.relu(x[0] * w[0]) * w[1] + x[1] * w[2]), argnames="w"))
    plain = value_and_grad(lambda x, w: ag.square(ag.relu(x[0] * w[0]) * w[1] + x[1] * w[2]), argnames="w")
    rows = [[x, y] for x in SPECIAL for y in SPECIAL]
    for w in ([1.0, inf, 2.0], [0.0, inf, nan], [1.0, 2.0, 3.0], [-0.0, -inf, 0.0]):
        assert bits(loss.map(rows, w=w)) == bits(each(plain, rows, w=w))
        value, slopes = loss.sum(rows, w=w)
        values, by_w = zip(*each(plain, rows, w=w), strict=True)
        expected = [sum(values), *map(sum, zip(*by_w, strict=True))]
        assert [value, *slopes] == pytest.approx(expected, rel=1e-12, nan_ok=True)
    with no_grad():
        assert bits(jit(model).map(rows)) == bits(each(model, rows))


@ALL
def test_beyond_max_paths_rows_run_uncompiled(back_end: str) -> None:
    def steps(x: Any) -> Any:
        count = 0
        while x > 1.0:
            x, count = x / 2.0, count + 1
        return x + count

    xs = [2.0 ** (i % 40) + 0.3 for i in range(120)]
    fast = jit(steps, max_paths=5)
    with pytest.warns(RuntimeWarning, match="recorded 5 times, so from now on it runs uncompiled") as caught:
        assert fast.map(xs) == each(steps, xs)
    assert caught[0].filename == __file__
    assert fast.sum(xs) == pytest.approx(math.fsum(each(steps, xs)), rel=1e-14)
    assert bits(fast.map(np.array(xs)).tolist()) == bits(each(steps, xs))


def test_beyond_max_paths_nothing_is_recorded_for_other_arguments_either() -> None:
    recorded = []

    def f(x: Any, name: str) -> Any:
        recorded.append(type(x))
        return x * len(name)

    fast = jit(f, max_paths=1)
    assert fast.map([1.0, 2.0], name="a") == [1.0, 2.0]
    recorded.clear()
    with pytest.warns(RuntimeWarning, match="recorded 1 times"):
        assert fast.map([1.0, 2.0], name="ab") == [2.0, 4.0]
    assert fast.sum([1.0, 2.0], name="abc") == 9.0
    assert recorded == [float] * 4


def test_paths_that_are_known_are_not_recorded_again() -> None:
    calls = itertools.count()

    def f(x: Any, a: Any) -> Any:
        next(calls)
        first = x * 2.0 if x > 0.0 else -x
        return first if a > 0.0 else first + 1.0

    fast = jit(f)
    draws = random.Random(1)
    for _ in range(30):
        xs, a = [draws.choice([-1.0, 1.0]) for _ in range(20)], draws.choice([-1.0, 1.0])
        fast.map(xs, a=a)
    assert next(calls) == 4


# ---- Sums ---------------------------------------------------------------------------------


@ALL
@pytest.mark.parametrize("count", [0, *COUNTS, 4096, 4097, 5000])
def test_a_sum_is_right_to_some_ten_roundings(back_end: str, count: int) -> None:
    draws = random.Random(count)
    xs = [draws.gauss(0.0, 1.0) * 10.0 ** draws.randint(-8, 8) for _ in range(count)]
    squares, size = [x * abs(x) for x in xs], math.fsum(x * x for x in xs)
    for f, ys in ((lambda x: x, xs), (lambda x: x * abs(x), squares), (lambda x: abs(x) * x, squares)):
        total = jit(f).sum(array.array("d", xs))
        assert abs(total - math.fsum(ys)) <= 10 * 2.0**-53 * max(math.fsum(map(abs, ys)), 0.0)
        assert type(total) is float
    assert jit(lambda x: x * x).sum(xs) == pytest.approx(size, rel=10 * 2.0**-53)


@pytest.mark.parametrize("count", [1, 40, 300, 4096, 4097, 9001])
def test_a_sum_has_the_same_bits_in_all_back_ends_blocks_and_threads(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    draws = np.random.default_rng(count)
    X, y = draws.normal(size=(count, 2)), draws.normal(size=count)
    X[::70, 0] = 0.0  # where a slope meets 0 * inf

    def loss(x: Any, y: Any, w: Any) -> Any:
        root = ag.where(ag.greater(x[0] * w[0], 0.0), ag.sqrt(x[0] * w[0]), 0.0)
        return (ag.tanh(root + x[1] * w[1] + w[2]) - y) ** 2

    f = value_and_grad(loss, argnames="w")
    found = set()
    for name in BACK_ENDS:
        use(monkeypatch, name)
        fast = jit(f)
        for workers in range(1, 5) if name != "python" else (1, 3):
            value, slopes = fast.sum(X, y, workers=workers, w=[0.5, -1.0, 0.1])
            found.add(str(bits([value, *slopes])))
    assert len(found) == 1
    if count <= 300:
        assert value == pytest.approx(math.fsum(f(*row, w=[0.5, -1.0, 0.1])[0] for row in zip(X, y, strict=True)))


@settings(max_examples=15)
@given(data=st.data(), count=st.sampled_from(COUNTS))
def test_sums_of_random_programs_have_the_same_bits_everywhere(data: st.DataObject, count: int) -> None:
    program = data.draw(programs(max_ops=10, domain_safe=False))
    f = value_and_grad(lambda x: program(*x))
    rows = spread(rows_where(lambda x: program(*x), data.draw(points(program))), count)
    found = set()
    for name in BACK_ENDS:
        with pytest.MonkeyPatch.context() as patch:
            use(patch, name)
            try:
                found |= {str(bits(jit(f).sum(rows, workers=workers))) for workers in ((1, 3) if rows else ())}
            except TracingError as error:
                assert "complex" in str(error)  # noqa: PT017
    assert len(found) <= 1


@ALL
def test_branches_are_summed_by_themselves_in_the_order_of_their_first_rows(back_end: str) -> None:
    xs = [math.sin(i) * 3.0 for i in range(200)]
    plain, fast = value_and_grad(swings), jit(value_and_grad(swings))
    for _ in range(2):
        value, slope = fast.sum(xs)
        assert value == pytest.approx(math.fsum(v for v, _ in each(plain, xs)), rel=1e-14)
        assert slope == pytest.approx(math.fsum(s for _, s in each(plain, xs)), rel=1e-14)
        assert bits(jit(value_and_grad(swings)).sum(xs, workers=3)) == bits((value, slope))


@ALL
def test_what_is_the_same_for_each_row_counts_once_a_row(back_end: str) -> None:
    w = Value(3.0)

    def f(x: Any) -> Any:
        return {"x": x, "one": 1, "pair": (2.5, [w]), "none": None, "is": x > 0.0, "array": np.array([1.0, 2.0])}

    for xs in ([1.0, 2.0, 4.0], [1.0, -2.0, 4.0, -5.0]):
        total = jit(f).sum(xs)
        count = len(xs)
        assert (total["x"], total["one"], total["none"]) == (sum(xs), count, None)
        assert total["pair"][0] == 2.5 * count
        assert total["pair"][1][0].data == 3.0 * count
        assert total["is"] == sum(x > 0.0 for x in xs)
        assert total["array"].tolist() == [count, 2.0 * count]
        w.grad = 0.0
        total["pair"][1][0].backward()
        assert w.grad == count
    assert jit(lambda x: x > 0.0).sum([1.0, -1.0, 2.0]) == 2.0


@ALL
def test_a_sum_of_no_rows_is_0_in_the_structure_of_a_result(back_end: str) -> None:
    fast = jit(lambda x, a: (x * a, [inf]) if a > 0.0 else (x, [0.0]))
    for a in (1.0, -1.0, 1.0):
        assert fast.sum([], a=a) == fast.sum(np.empty(0), a=a) == (0.0, [0.0])
        assert fast.map([], a=a) == []
        assert _shapes(fast.map(np.empty(0), a=a)) == ((0,), (0, 1))
    w = Value(2.0)
    total = jit(lambda x: x[0] * w).sum(np.empty((0, 2)))
    total.backward()
    assert (total.data, w.grad) == (0.0, 0.0)


def test_sums_that_overflow_or_are_none() -> None:
    fast = jit(lambda x: x)
    assert fast.sum([1e308] * 40) == inf
    assert fast.sum([inf, 1.0, -1e308]) == inf
    assert math.isnan(fast.sum([inf, -inf]))
    assert math.isnan(fast.sum([1.0, nan]))
    assert bits(fast.sum([-0.0, -0.0])) == bits(0.0)


def test_parts_are_whole_blocks_and_cover_all_rows() -> None:
    for count in (0, 1, 4096, 4097, 100_000, 1_000_003):
        parts = parts_of(count)
        assert [start for start, _ in parts] == [0, *(stop for _, stop in parts[:-1])]
        assert parts[-1][1] == count
        assert all(start % 128 == 0 for start, _ in parts)


# ---- Gradients ----------------------------------------------------------------------------


@ALL
def test_backward_fills_the_gradients_of_what_is_closed_over(back_end: str) -> None:
    X = [[math.sin(i), math.cos(3 * i)] for i in range(100)]
    y = [math.sin(2 * i) for i in range(100)]
    model = MLP(2, [4, 1], rng=0)
    unused, frozen = Value(2.0), Value(0.5)
    frozen.requires_grad = False

    def loss(x: Any, y: Any) -> Any:
        return (model(x) * frozen - y) ** 2

    expected = [0.0] * len(model.parameters())
    for row in zip(X, y, strict=True):
        model.zero_grad()
        loss(*row).backward()
        expected = [e + p.grad for e, p in zip(expected, model.parameters(), strict=True)]
    for workers, seed in ((1, 1.0), (2, 0.25), (1, 0.0)):
        model.zero_grad()
        total = jit(loss).sum(X, y, workers=workers)
        (total * seed).backward()
        assert [p.grad for p in model.parameters()] == pytest.approx([e * seed for e in expected], rel=1e-12)
        assert (unused.grad, frozen.grad) == (0.0, 0.0)
        assert total.data == pytest.approx(math.fsum(loss(*row).data for row in zip(X, y, strict=True)))


@ALL
def test_several_results_have_gradients_each(back_end: str) -> None:
    a, b = Value(2.0), Value(-1.0)
    fast = jit(lambda x: {"a": a * x, "both": (a * b * x, x), "b": ag.square(b)})
    xs = np.array([1.0, 2.0, 4.0])
    total = fast.sum(xs)
    assert (total["a"].data, total["both"][0].data, total["both"][1], total["b"].data) == (14.0, -14.0, 7.0, 3.0)
    xs[:] = 100.0  # they are as they were when the sum was made
    total["a"].backward()
    assert (a.grad, b.grad) == (7.0, 0.0)
    a.grad = 0.0
    (total["both"][0] * 2.0 + total["b"]).backward()
    assert (a.grad, b.grad) == (-14.0, 28.0 - 6.0)


@ALL
def test_second_derivatives_of_a_sum(back_end: str) -> None:
    X, y = [0.5, -1.0, 2.0], [1.0, 2.0, 3.0]

    def loss(w: Any) -> Any:
        return jit(lambda x, y, w: ag.exp(w[0] * x) * w[1] - y * w[0] ** 3).sum(X, y, w=w)

    def plain(w: Any) -> Any:
        return ag.sum([ag.exp(w[0] * x) * w[1] - y * w[0] ** 3 for x, y in zip(X, y, strict=True)])

    w = [0.3, -0.7]
    assert loss(w) == pytest.approx(plain(w))
    assert grad(loss)(w) == pytest.approx(grad(plain)(w))
    assert np.array(hessian(loss)(w)) == pytest.approx(np.array(hessian(plain)(w)))
    assert np.array(jacobian(grad(loss))(w)) == pytest.approx(np.array(hessian(plain)(w)))
    assert jvp(loss, (w,), ([1.0, 2.0],)) == pytest.approx(jvp(plain, (w,), ([1.0, 2.0],)))
    third: Any = lambda f: grad(lambda w: grad(lambda w: grad(f)(w)[0])(w)[0])(w)
    assert third(loss) == pytest.approx(third(plain))


def test_a_second_derivative_of_rows_that_have_changed_is_refused() -> None:
    w, X = Value(2.0), np.array([1.0, 2.0])
    total = jit(lambda x: w * w * x).sum(X)
    X[0] = 5.0
    total.backward()
    assert w.grad == 12.0
    with pytest.raises(GraphError, match="an array has been changed since"):
        total.backward(create_graph=True)


def test_calls_under_transforms_and_modes() -> None:
    xs = np.array([1.0, 2.0, 3.0])
    w = Value(2.0)
    fast = jit(lambda x, a: ag.sin(x * a) * w)
    plain: Any = lambda a: [ag.sin(x * a) * w.data for x in xs.tolist()]
    assert grad(lambda a: fast.sum(xs, a=a))(0.5) == pytest.approx(grad(lambda a: ag.sum(plain(a)))(0.5))
    value, slope = value_and_grad(lambda a: ag.sum(fast.map(xs, a=a)))(0.5)
    assert value == pytest.approx(math.fsum(plain(0.5)))
    assert slope == pytest.approx(grad(lambda a: ag.sum(plain(a)))(0.5))
    with no_grad():
        assert not fast.sum(xs, a=0.5).requires_grad
        assert bits(fast.map(xs, a=0.5)) == bits(np.array(plain(0.5)))
    with detect_anomaly():
        assert [v.data for v in fast.map(xs, a=0.5)] == plain(0.5)
        assert jit(lambda x: x * 2.0).map(xs).tolist() == [2.0, 4.0, 6.0]
        assert fast.sum(np.empty(0), a=0.5).data == jit(lambda x: x).sum([]) == 0.0
        with pytest.raises(AnomalyError):
            jit(lambda x: ag.log(Value(x))).map([0.0])


def test_calls_inside_a_function_that_jit_compiles() -> None:
    inner = jit(lambda x, a: x * a if x > 1.0 else a - x)
    X = [0.5, 2.0, 3.0]
    outer = jit(lambda xs, a: (inner.sum(xs, a=a), inner.map(xs, a=a), inner.sum(X, a=a), inner.map([], a=a)))
    for xs, a in (([0.5, 2.0], 3.0), ([5.0, -2.0], 0.1)):
        assert outer(xs, a) == (sum(each(inner.f, xs, a=a)), each(inner.f, xs, a=a), sum(each(inner.f, X, a=a)), [])
    arrays = jit(lambda xs: inner.map(xs, a=2.0))
    assert arrays(np.array([0.5, 2.0, 3.0])).tolist() == [1.5, 4.0, 6.0]
    assert jit(grad(lambda a: inner.sum(np.array(X), a=a)))(2.0) == 6.0
    assert jit(lambda a: inner.sum([], a=a) + a)(2.0) == 2.0
    with pytest.raises(TypeError, match="holds a Value, and rows are plain numbers"):
        jit(lambda x: inner.sum([x, x], a=1.0))(Value(1.0))


# ---- What comes in ------------------------------------------------------------------------


class Frame:
    """As pandas' and polars' columns are."""

    def __init__(self, data: Any) -> None:
        self._data = data

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.asarray(self._data, dtype)


class Point(NamedTuple):
    x: float
    y: float


_X = np.array([[1.5, -2.0], [0.25, 8.0], [-0.0, 3.0], [7.0, 0.125]])
_ROWS: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "floats": (_X[:, 0].tolist(), lambda x: x * 2.0),
    "tuple": (tuple(_X[:, 0].tolist()), lambda x: x * 2.0),
    "ints": ([1, 2, -3], lambda x: x * 2.5),
    "bools": ([True, False], lambda x: x * 2.5),
    "mixed": ([True, 2, 3.5, Fraction(1, 2), np.float32(0.5), np.int64(3)], lambda x: x * 2.5),
    "generator": (range(5), lambda x: x * 2.5),
    "standard array": (array.array("d", [1.0, 2.0]), lambda x: x * 2.0),
    "array of floats32": (array.array("f", [1.0, 2.5]), lambda x: x * 2.0),
    "memoryview": (memoryview(array.array("d", range(9)))[::2], lambda x: x * 2.0),
    "C doubles": ((ctypes.c_double * 2)(1.0, 2.5), lambda x: x * 2.0),
    "lists": (_X.tolist(), lambda x: x[0] * x[1]),
    "lists of ints": ([[1, 2], [3, 4]], lambda x: [x[1], x[0]]),
    "nested": ([[[1.0, 2.0], [3.0]], [[4.0, 5.0], [6.0]]], lambda x: x[0][1] * x[1][0]),
    "tuples": ([(1.0, 2.0), (3.0, 4.0)], lambda x: (x[0] * x[1], x)),
    "named tuples": ([Point(1.0, 2.0), Point(3.0, 4.0)], lambda p: p.x * p.y),
    "dicts": ([{"a": 1.0, "b": [2, 3.0]}, {"a": 4, "b": [5.0, 6.0]}], lambda row: row["a"] * row["b"][1]),
    "rows of NumPy": (list(_X), lambda x: x * 2.0 + x[0]),
    "nothing": ([None, None, None], lambda x: 2.5),
    "empty lists": ([[], []], lambda x: 2.5),
}  # fmt: skip


@TWO
@pytest.mark.parametrize("kind", _ROWS)
def test_rows_of_any_kind_are_as_in_single_calls(back_end: str, kind: str) -> None:
    rows, f = _ROWS[kind]
    found = jit(f).map(rows)
    assert type(found) is list
    assert bits(pytree.map_leaves(float, jit(lambda: jit(f).map(rows))())) == bits(found)
    assert bits(found) == bits(pytree.map_leaves(float, each(f, rows)))


def test_a_buffer_of_two_dimensions_has_rows() -> None:
    data: Any = memoryview(array.array("d", range(6))).cast("B").cast("d", (3, 2))
    assert jit(lambda row: [row[1], row[0]]).map(data) == [[1.0, 0.0], [3.0, 2.0], [5.0, 4.0]]
    assert jit(lambda: jit(lambda row: row[1] - row[0]).sum(data))() == 3.0


_ARRAYS = {
    "float64": _X, "transposed": np.asfortranarray(_X), "backwards": _X[::-1, ::-1],
    "strided": np.repeat(_X, 3, 0)[::3],
    "float32": _X.astype("f"), "float16": _X.astype("e"), "long double": _X.astype(np.longdouble),
    "int8": _X.astype("b"), "uint64": abs(_X).astype("Q"), "big endian": _X.astype(">f8"), "bool": _X > 0.0,
    "read only": np.broadcast_to(_X[0], _X.shape),
    "unaligned": np.frombuffer(b"x" + _X.tobytes(), "d", 8, 1).reshape(4, 2),
    "three dimensions": np.stack([_X, _X + 1.0], axis=1), "frame": Frame(_X), "frame of ints": Frame(_X.astype("i8")),
}  # fmt: skip


@TWO
@pytest.mark.parametrize("kind", _ARRAYS)
@pytest.mark.parametrize("which", [slice(None), (slice(None), 1), slice(0, 0)], ids=["rows", "column", "none"])
def test_arrays_of_any_kind_are_read_as_they_stand(back_end: str, kind: str, which: Any) -> None:
    data: Any = _ARRAYS[kind]
    data = Frame(data._data[which]) if isinstance(data, Frame) else data[which]
    plain = np.asarray(data).astype(float)
    assert bits(jit(lambda x: x).map(data)) == bits(plain)
    assert bits(jit(lambda x: x * 0.5).map(data)) == bits(plain * 0.5)
    expected = plain.sum(axis=0)
    assert np.asarray(jit(lambda x: x).sum(data)) == pytest.approx(expected)


def test_what_is_lost_in_floats_and_what_is_no_number_is_refused() -> None:
    fast = jit(lambda x: x * 1.0)
    for data, error, text in (
        (np.array([1, 2**53 + 1]), ArgumentError, "column 0 holds 9007199254740993, which is no float; round it first"),
        (np.array([2**63 - 1]), ArgumentError, "holds 9223372036854775807"),
        (np.array([2**64 - 1], "Q"), ArgumentError, "holds 18446744073709551615"),
        ([1.0, 2**53 + 1], ArgumentError, "row 1 of column 0 holds int 9007199254740993, which is no float"),
        ([Fraction(1, 3)], ArgumentError, "which is no float"),
        (np.array([1.0, None]), TypeError, "got one of dtype object"),
        (np.array([Value(1.0)]), TypeError, "hand it in by keyword, or close over it"),
        ([Value(1.0)], TypeError, "row 0 of column 0 holds a Value, and rows are plain numbers"),
        (np.array([1j]), TypeError, "of dtype complex128"),
        (np.array(["a"]), TypeError, "real numbers, got numpy.ndarray of dtype <U1"),
        (np.ma.array([1.0, 2.0], mask=[False, True]), TypeError, "plain NumPy array of real numbers, got numpy.ma"),
        (np.array(1.0), TypeError, "this one has no dimension"),
        (["a"], TypeError, "row 0 of column 0: expected numbers, or lists"),
        ([1.0, 1j], TypeError, "row 1 of column 0: expected numbers"),
        ([[1.0, 2.0], [1.0]], ArgumentError, "row 1 of column 0 has another count of numbers than row 0, 1 and not 2"),
        ([[1.0, 2.0], (1.0, 2.0)], ArgumentError, "row 1 of column 0 has another structure than row 0"),
        ("text", TypeError, "column 0 is a list with an item for each row, or an array; got str 'text'"),
        ({"a": 1.0}, TypeError, "got dict"),
        ({1.0}, TypeError, "got set"),
        (1.0, TypeError, "got float 1.0"),
        (Value(1.0), TypeError, "got Value"),
        (None, TypeError, "got NoneType None"),
    ):  # fmt: skip
        for method in (fast.map, fast.sum):
            with pytest.raises(error, match=text):
                method(data)


def test_calls_that_make_no_sense_say_what_would() -> None:
    fast = jit(lambda x, y=1.0, n=2: x * y * n, static_argnames="n")
    for method in (fast.map, fast.sum):
        with pytest.raises(ArgumentError, match=r"give one at least, as in fast\.map\(xs\)"):
            method()
        with pytest.raises(ArgumentError, match="the columns have 1 and 2 rows"):
            method([1.0], [1.0, 2.0])
        wrong: list[Any] = [0, -1, 1.0, "2", None, True]
        for workers in wrong:
            with pytest.raises(ArgumentError, match="workers is a whole number of threads from 1 up"):
                method([1.0], workers=workers)
        with pytest.raises(ArgumentError, match="n is named in static_argnames, so it is no column"):
            method([1.0], [1.0], [2])
        with pytest.raises(TypeError, match="unexpected keyword argument 'm'"):
            method([1.0], m=1.0)
    assert fast.map([1.0, 2.0], n=3) == [3.0, 6.0]
    assert fast.sum([1.0, 2.0], y=0.5, n=4) == 6.0
    with pytest.raises(ArgumentError, match="tried at a row of ones"):
        jit(lambda row: row[0]).sum([])
    with pytest.raises(TypeError, match="a sum over rows is one of numbers; the function returns str 'no'"):
        jit(lambda x: "no").sum([1.0])
    with pytest.raises(ArgumentError, match="other structures on other branches, which cannot be added"):
        jit(lambda x: [x] if x > 0.0 else x).sum([1.0, -1.0])
    with pytest.raises(TracingError, match="cannot become a plain float"):
        jit(lambda x: math.exp(x)).map([1.0])  # noqa: PLW0108


# ---- What comes back ----------------------------------------------------------------------


def test_arrays_come_back_in_the_structure_of_a_result() -> None:
    xs, w = np.array([1.0, -2.0, 3.0]), Value(2.0)
    frozen = Value(5.0)
    frozen.requires_grad = False
    value, slope = jit(value_and_grad(lambda x: x * x)).map(xs)
    assert (value.tolist(), slope.tolist()) == ([1.0, 4.0, 9.0], [2.0, -4.0, 6.0])
    for f, shapes in (
        (lambda x: [x, 1], (3, 2)),
        (lambda x: [[x, x * x], [1.0, 2.0]], (3, 2, 2)),
        (lambda x: np.array([[x, x * x, 0.0]]), (3, 1, 3)),
        (np.array, (3,)),
        (lambda x: {"a": x, "b": [x, x], "c": None}, {"a": (3,), "b": (3, 2), "c": None}),
        (lambda x: (x, [x, [x]]), ((3,), [(3,), (3, 1)])),
        (lambda x: [(x, x)], [((3,), (3,))]),
        (lambda x: 2.5, (3,)),
        (lambda x: [], (3, 0)),
        (lambda x: frozen, (3,)),
        (lambda x: Point(x, 1.0), Point((3,), (3,))),  # type: ignore[arg-type]
    ):  # fmt: skip
        found = jit(f).map(xs)
        assert pytree.branch(found) is not None
        assert _shapes(found) == shapes
        assert bits([_row(found, i) for i in range(3)]) == bits([_plain(result) for result in each(f, xs.tolist())])
    is_positive = jit(lambda x: x > 0.0).map(xs)
    assert (is_positive.dtype, is_positive.tolist()) == (bool, [True, False, True])
    assert jit(lambda x: x > 0.0).map(abs(xs)).dtype == bool
    branches = jit(lambda x: {"a": [x, 1.0, True] if x > 0.0 else [0.0, -x, x], "b": x > 0.0, "c": 2}).map(xs)
    assert branches["a"].tolist() == [[1.0, 1.0, 1.0], [0.0, 2.0, -2.0], [3.0, 1.0, 1.0]]
    assert (branches["b"].dtype, branches["b"].tolist()) == (bool, [True, False, True])
    assert branches["c"].tolist() == [2.0, 2.0, 2.0]
    for f in (lambda x: w, lambda x: w * x, lambda x: w * x if x > 0.0 else x, lambda x: {"name": "a", "x": x}):
        assert type(jit(f).map(xs)) is list
    assert type(jit(lambda x: [x] if x > 0.0 else x).map(xs)) is list
    assert jit(lambda x: w).map(xs)[2] is w
    assert jit(lambda x: w * x).map(np.empty(0)) == []


def _shapes(found: Any) -> Any:
    if isinstance(found, np.ndarray):
        return found.shape
    level = pytree.branch(found)
    return None if found is None or level is None else level.rebuild([_shapes(child) for child in level.children])


def _row(found: Any, i: int) -> Any:
    if isinstance(found, np.ndarray):
        return found[i].tolist()
    level = pytree.branch(found)
    return None if found is None or level is None else level.rebuild([_row(child, i) for child in level.children])


def _plain(result: Any) -> Any:
    if isinstance(result, Value):
        return result.data
    if isinstance(result, np.ndarray):
        return result.tolist()
    level = pytree.branch(result)
    return float(result) if level is None else level.rebuild([_plain(child) for child in level.children])


@ALL
def test_values_that_are_results_keep_their_identity_and_gradients(back_end: str) -> None:
    w, a = Value(2.0, name="w"), Value(3.0)
    xs = [1.0, -2.0, 3.0]
    found = jit(lambda x, a: (a, w, a * x if x > 0.0 else w * x, x)).map(xs, a=a)
    assert all(row[0] is a and row[1] is w for row in found)
    ag.sum([row[2] for row in found]).backward()
    assert (w.grad, a.grad) == (-2.0, 4.0)


def test_shared_arguments_of_any_kind() -> None:
    model = MLP(2, [1], rng=0)
    scales = {"a": [1.0, np.array([2.0, 3.0])], "model": model, "name": "tanh"}

    def f(x: Any, options: Any) -> Any:
        scaled = [x[0] * options["a"][0], x[1] * options["a"][1][0]]
        return getattr(ag, options["name"])(options["model"](scaled))

    rows = [[1.0, 2.0], [-1.0, 0.5]]
    assert bits(jit(f).map(rows, options=scales)) == bits(each(f, rows, options=scales))
    jit(f).sum(rows, options=scales).backward()
    slopes = [p.grad for p in model.parameters()]
    model.zero_grad()
    ag.sum(each(f, rows, options=scales)).backward()
    assert slopes == pytest.approx([p.grad for p in model.parameters()])


@ALL
def test_gradients_by_a_module_are_modules(back_end: str) -> None:
    model = MLP(2, [2, 1], rng=0)
    f = value_and_grad(lambda x, model: model(x) * x[1] if x[0] > 0.0 else -model(x), argnames="model")
    rows = [[math.sin(i), math.cos(i)] for i in range(40)]
    value, gradient = jit(f).sum(rows, model=model)
    each_gradient = [[x.data for x in pytree.flatten(g)[0]] for _, g in each(f, rows, model=model)]
    assert value.data == pytest.approx(math.fsum(v.data for v, _ in each(f, rows, model=model)))
    assert type(gradient) is MLP
    slopes = [x.data for x in pytree.flatten(gradient)[0]]
    assert slopes == pytest.approx([math.fsum(column) for column in zip(*each_gradient, strict=True)])
    assert [[x.data for x in pytree.flatten(g)[0]] for _, g in jit(f).map(rows, model=model)] == each_gradient


# ---- Primitives in Python -----------------------------------------------------------------

cube = Op("cube", lambda x: x * x * x, lambda ans, x: (3 * x * x,))


@ALL
def test_primitives_of_the_users_are_called_for_each_row(back_end: str) -> None:
    f = value_and_grad(lambda x: cube(x) * 2.0 if x > 0.0 else cube(ag.sin(x)))
    xs = [math.sin(i) for i in range(100)]
    assert bits(jit(f).map(xs)) == bits(each(f, xs))
    assert jit(f).sum(xs, workers=2) == pytest.approx(tuple(map(math.fsum, zip(*each(f, xs), strict=True))))


@ALL
def test_what_a_primitive_raises_is_raised_and_rows_that_go_another_way_do_not_ask_it(back_end: str) -> None:
    table = {1.0: 10.0, 2.0: 20.0}
    lookup = Op("lookup", lambda x: table[x], lambda ans, x: (0.0,))
    for fast in (jit(lookup), jit(lambda x: lookup(x) if x > 0.0 else x)):
        for _ in range(2):
            assert fast.map([1.0, 2.0] * 30) == [10.0, 20.0] * 30
            with pytest.raises(KeyError, match=r"3\.0"):
                fast.map([1.0, 3.0])
            with pytest.raises(KeyError, match=r"3\.0"):
                fast.sum([1.0, 3.0])
    assert fast.map([1.0, -3.0, 2.0, -5.0]) == [10.0, -3.0, 20.0, -5.0]
    assert fast.sum([1.0, -3.0, 2.0, -5.0]) == 22.0


@ALL
def test_an_interrupt_in_a_primitive_ends_the_call(back_end: str) -> None:
    calls = []

    def value(x: float) -> float:
        calls.append(x)
        if x == 3.0:
            raise KeyboardInterrupt
        return x

    fast = jit(Op("interrupted", value, lambda ans, x: (1.0,)))
    fast.map([1.0])
    for method in (fast.map, fast.sum):
        calls.clear()
        with pytest.raises(KeyboardInterrupt):
            method([1.0, 2.0, 3.0, 4.0])
        assert calls.count(3.0) == 1


@ALL
def test_errors_of_plain_arithmetic_are_those_of_a_single_call(back_end: str) -> None:
    fast = jit(lambda x: 1.0 / x)
    assert fast.map([2.0, 4.0]) == [0.5, 0.25]
    with pytest.raises(ZeroDivisionError):
        fast.map([2.0, 0.0])

    def careful(x: Any) -> Any:
        try:
            return 1.0 / x
        except ZeroDivisionError:
            return -1.0

    assert jit(careful).map([2.0, 0.0, 4.0, 0.0]) == [0.5, -1.0, 0.25, -1.0]


@ALL
def test_a_primitive_may_use_the_same_compiled_function(back_end: str) -> None:
    inner = jit(lambda x: x * 2.0 + 1.0)
    outer = Op("outer", lambda x: inner.sum([x, x]) if x > 0.0 else nested.sum([-x] * 40), lambda ans, x: (1.0,))
    nested = jit(lambda x: outer(x) + x)
    assert nested.map([1.0, 2.0]) == [7.0, 12.0]
    assert nested.map([-1.0] * 3) == [7.0 * 40 - 1.0] * 3


# ---- verify, threads, memory --------------------------------------------------------------


def test_verify_compares_rows_with_the_plain_function() -> None:
    hidden = [1.0]
    scale = Op("scale", lambda x: x * hidden[0], lambda ans, x: (hidden[0],))
    fast = jit(lambda x: swings(x) + scale(x), verify=True)
    xs = [0.1 * i for i in range(20)]
    assert fast.map(xs) == each(fast.f, xs)
    assert fast.map(np.array(xs)).tolist() == each(fast.f, xs)
    assert fast.sum(iter(xs)) == pytest.approx(math.fsum(each(fast.f, xs)))
    assert jit(MLP(2, [1], rng=0), verify=True).map([[1.0, 2.0]])[0].requires_grad
    calls = itertools.count()
    unsteady = jit(lambda x: x * float(next(calls)), verify=True)
    for method in (unsteady.map, unsteady.sum):
        with pytest.raises(VerificationError, match="depend on something that jit does not see"):
            method([1.0, 2.0])


@ALL
def test_threads_may_call_one_function_at_once(back_end: str) -> None:
    w = Value(1.5)
    fast = jit(lambda x, a: ag.sin(x * a) * w if x > 0.0 else x * w)
    plain = jit(value_and_grad(swings))
    columns = [[math.sin(i * k) for i in range(50 + 100 * k)] for k in range(4)]
    expected = [(fast.sum(xs, a=0.5).data, plain.map(xs)) for xs in columns]
    wrong: list[Any] = []

    def run(which: int) -> None:
        for _ in range(15):
            total = fast.sum(columns[which], a=0.5, workers=2)
            if (total.data, plain.map(columns[which])) != expected[which]:
                wrong.append(which)

    threads = [threading.Thread(target=run, args=(i % 4,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@ALL
def test_many_calls_leave_nothing_behind(back_end: str) -> None:
    w, X = Value(2.0), np.arange(6.0).reshape(3, 2)
    loss = jit(lambda x: ag.tanh(x[0] * w) * x[1])
    both = jit(lambda x: (w * x[0], ag.sin(w)))
    branches = jit(lambda x: x[0] if x[1] > 2.0 else -x[0])

    def calls(count: int) -> None:
        for _ in range(count):
            loss.sum(X).backward()
            one, other = both.sum(X)
            (one * other).backward()
            branches.map(X)
            branches.sum(X)

    calls(20)
    while gc.collect():
        pass
    gc.disable()
    try:
        before = sys.getallocatedblocks()
        calls(100)
        assert gc.collect() < 50  # no cycles
    finally:
        gc.enable()
    assert sys.getallocatedblocks() - before < 50


@pytest.mark.skipif(not vm.is_there(), reason="the machine is in the compiled core")
def test_large_arrays_make_no_float_objects() -> None:
    X = np.arange(400_000.0).reshape(200_000, 2)
    f = lambda x, a: x[0] * a + x[1]
    fast = jit(f)
    fast.map(X, a=2.0)
    tracemalloc.start()
    try:
        found, total = fast.map(X, a=2.0, workers=2), fast.sum(X, a=2.0, workers=2)
        assert tracemalloc.get_traced_memory()[1] < 3.5 * found.nbytes  # its own, and which guards fail
    finally:
        tracemalloc.stop()
    assert (found == X[:, 0] * 2.0 + X[:, 1]).all()
    assert total == found.sum()


def test_sparse_matrices_are_not_summed_with_their_indices() -> None:
    fast = jit(ag.jacobian(lambda v: [x * x for x in v], sparse=True))
    with pytest.raises(TypeError, match=r"return their \.data"):
        fast.sum([[1.0, 2.0], [3.0, 4.0]])

"""Loops answer as the loop written out does: eagerly, in recorded functions of every back end, and differentiated."""

import functools
import math
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite import Value, fori_loop, grad, hessian, hvp, jacobian, jit, jvp, pytree, scan, vjp, while_loop
from autograd_lite.errors import ArgumentError, TracingError
from autograd_lite.jit.backends import vm
from autograd_lite.testing.strategies import Program, programs
from tests.test_jit import assert_agrees

BACK_ENDS = ["python", "native", *(["vm"] if vm.is_there() else [])]


@pytest.fixture(params=BACK_ENDS, scope="module")
def compiled(request: pytest.FixtureRequest) -> Callable[..., Any]:
    return functools.partial(jit, backend=request.param)


def numbers(thing: Any) -> list[float]:
    return [leaf.data if isinstance(leaf, Value) else leaf for leaf in pytree.flatten(thing)[0]]


def assert_close(one: Any, two: Any) -> None:
    assert np.allclose(numbers(one), numbers(two), rtol=1e-10, atol=1e-13), (one, two)


# ---- Plain loops ----


def test_scan_gives_the_last_carry_and_a_list_of_ys() -> None:
    assert scan(lambda c, x: (c + x, c * x), 0.0, [1.0, 2.0, 3.0]) == (6.0, [0.0, 2.0, 9.0])


def test_scan_in_reverse_leaves_each_y_at_its_x() -> None:
    assert scan(lambda c, x: (c + x, (c, x)), 0.0, [1.0, 2.0], reverse=True) == (3.0, ([2.0, 0.0], [1.0, 2.0]))


def test_tuples_and_dicts_of_lists_are_taken_apart_and_put_together() -> None:
    carry, ys = scan(lambda c, x: (c + x["a"] * x["b"][0], {"c": c}), 0.0, {"a": [1.0, 2.0], "b": ([3.0, 4.0],)})
    assert (carry, ys) == (11.0, {"c": [0.0, 3.0]})


def test_rows_of_an_array_give_an_array_of_rows() -> None:
    carry, ys = scan(lambda c, x: (c + x, c * x), np.zeros(2), np.arange(6.0).reshape(3, 2))
    assert carry.tolist() == [6.0, 9.0]
    assert ys.tolist() == [[0.0, 0.0], [0.0, 3.0], [8.0, 20.0]]


def test_scan_by_its_length_alone() -> None:
    assert scan(lambda c, x: (2 * c, x), 1, length=5) == (32, None)
    assert scan(lambda c, x: (2 * c, x), 1, []) == (1, [])


def test_fori_loop_counts_as_range_does() -> None:
    assert fori_loop(2, 6, lambda i, seen: (*seen[1:], i), (0, 0, 0)) == (3, 4, 5)
    assert fori_loop(3, 1, lambda i, c: c + 1, 0) == 0
    assert fori_loop(0.0, Value(3.0), lambda i, c: c + 1, 0) == 3


def test_while_loop_may_do_nothing() -> None:
    assert while_loop(lambda c: c < 0, lambda c: c - 1, 5.0) == 5.0


def pair_of(c: Any, x: Any) -> Any:
    return (c, c), None


@pytest.mark.parametrize("wrap", [lambda f: f, functools.partial(jit, backend="python")], ids=["plain", "jit"])
@pytest.mark.parametrize(
    ("loop", "error", "message"),
    [
        (lambda x: scan(pair_of, {"a": x}, [1.0]), ArgumentError, r"(?s)\{'a': \*\}.*\(\{'a': \*\}, \{'a': \*\}\)"),
        (lambda x: fori_loop(0, 2, lambda i, c: [c], x), ArgumentError, r"(?s)\*.*\[\*\]"),
        (lambda x: while_loop(lambda c: True, lambda c: (c,), x), ArgumentError, r"(?s)\*.*\(\*,\)"),
        (lambda x: scan(lambda c, x: c, x, [1.0]), TypeError, "returns a pair"),
        (lambda x: scan(pair_of, x), ArgumentError, "needs xs"),
        (lambda x: scan(pair_of, x, ([1.0], [1.0, 2.0])), ArgumentError, r"xs\[0\] has 1, xs\[1\] has 2"),
        (lambda x: scan(pair_of, x, [1.0], length=2), ArgumentError, "leave length out"),
        (lambda x: scan(pair_of, x, 3.0), TypeError, "xs is a list"),
        (lambda x: scan(pair_of, x, length=-1), ArgumentError, "0 or more"),
        (lambda x: fori_loop(0, 1.5, lambda i, c: c, x), ArgumentError, "upper is a whole number"),
    ],
)
def test_what_is_wrong_is_said(wrap: Any, loop: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        wrap(loop)(1.0)


# ---- In recorded functions ----


def pendulum(p: Any) -> Any:
    def step(s: Any, u: Any) -> Any:
        x, v = s
        return (x + 0.1 * v, v - 0.1 * p[0] * ag.sin(x) + u * p[1]), x * v * p[0]

    (x, v), ys = scan(step, (p[2], p[3]), [p[0], 0.1, p[1], 0.3])
    return x * v + ag.sum(ys)


def loop_in_loop(p: Any) -> Any:
    def outer(c: Any, x: Any) -> Any:
        c = fori_loop(0, 3, lambda i, c: c * p[1] + 0.01 * i * ag.exp(-c), c * x)
        return c * p[0], c

    c, ys = scan(outer, p[2], [1.0, p[3], 0.5], reverse=True)
    return c + ys[0] * ys[2]


def until_large(p: Any) -> Any:
    c, n = while_loop(
        lambda s: s[0] < 10 * p[0] and s[1] < 30,
        lambda s: (s[0] * (1 + p[1] * p[1]) + p[2], s[1] + 1),
        (abs(p[3]) + 0.5, 0),
    )
    return c * p[0] * n


def division(p: Any) -> Any:
    return scan(lambda c, x: (c / x + p[0] / (c + 3), None), p[1], [p[2], 2.0, p[3], 1.0])[0]


def branches(p: Any) -> Any:
    def step(i: Any, c: Any) -> Any:
        if c > p[0] and i < 7:
            return c * p[1]
        return -c if c < -1 else c + p[2] * p[3] + 0.3

    return fori_loop(0, 10, step, p[0])


def detached(p: Any) -> Any:
    def step(i: Any, c: Any) -> Any:
        kept = c.detach() if isinstance(c, Value) else c
        return c * kept * 0.5 + p[0] * p[1] * c + p[2]

    return fori_loop(0, 5, step, p[3])


def swapped(p: Any) -> Any:
    a, b, c = fori_loop(0, 5, lambda i, s: (s[1], s[0] + s[2] * p[0], s[2]), (p[1], p[2], p[3]))
    return a * b * c


def gradient_inside(p: Any) -> Any:
    return fori_loop(0, 4, lambda i, c: c - 0.1 * grad(lambda z: ag.sin(z * p[0]) * c)(c) + p[1], p[2] * p[3])


def plain_at_first(p: Any) -> Any:
    def step(c: Any, x: Any) -> Any:
        return {"a": c["a"] + p[0] * x, "b": c["b"] * 2.0 + c["a"]}, (c["a"], [1.0, x])

    c, (ys, zs) = scan(step, {"a": 0.0, "b": 1.0}, [1.0, 2.0, 3.0, 4.0])
    return c["a"] * c["b"] * p[1] * p[2] * p[3] + ys[2] * zs[1][1]


def infinite_inside(p: Any) -> Any:
    return scan(lambda c, x: (c + ag.where(x > 0, ag.log(x), p[0] * x), None), p[1], [p[2], 0.0, p[3]])[0]


cubed = ag.Op("cubed", lambda x: x**3 + math.hypot(x, 1.0), lambda ans, x: (3 * x * x + x / ag.hypot(x, 1.0),))


def primitives_in_python(p: Any) -> Any:
    def step(i: Any, c: Any) -> Any:
        return cubed(c) * 0.1 + ag.hypot(c, p[0]) * p[1] + ag.lgamma(c + p[2]) * 0.1

    return fori_loop(0, 4, step, p[3])


def triangle(p: Any) -> Any:
    return fori_loop(0, 4, lambda i, c: fori_loop(0, i, lambda j, d: d * p[0] + p[1] * j, c), p[2])


PROGRAMS = [
    pendulum, loop_in_loop, until_large, division, branches, detached, swapped, gradient_inside, plain_at_first,
    infinite_inside, primitives_in_python, triangle,
]  # fmt: skip
POINTS = [[0.7, 0.3, 1.2, 0.9], [1.1, -0.4, 0.8, 1.3]]
DIRECTION, OTHER = [1.0, 2.0, -1.0, 0.5], [1.0, 0.0, 1.0, 0.5]
#: Forward the derivatives are those of the loop written out to the bit. Backward sums may be in another order.
EXACT: dict[str, Callable[[Any], Any]] = {
    "value": lambda f: f,
    "jvp": lambda f: lambda p: jvp(f, (p,), (DIRECTION,)),
    "jvp of jvp": lambda f: lambda p: jvp(lambda q: jvp(f, (q,), (OTHER,)), (p,), (DIRECTION,)),
}
CLOSE: dict[str, Callable[[Any], Any]] = {
    "grad": grad,
    "hessian": hessian,
    "hvp": lambda f: lambda p: hvp(f, (p,), (DIRECTION,)),
    "grad of jvp": lambda f: grad(lambda p: jvp(f, (p,), (DIRECTION,))[1]),
    "third": lambda f: lambda p: hvp(lambda q: hvp(f, (q,), (OTHER,))[0], (p,), (DIRECTION,)),
}


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_values_and_derivatives_in_jit(compiled: Callable[..., Any], f: Any) -> None:
    for name, transform in {**EXACT, **CLOSE}.items():
        if compiled.keywords["backend"] == "native" and name in {"third", "hessian"}:  # type: ignore[attr-defined]
            continue  # these take seconds to compile, and their instructions are those of the others
        plain = transform(f)
        fast = compiled(plain)
        for point in POINTS:
            if name in EXACT:
                assert fast(point) == plain(point), name
            else:
                assert_close(fast(point), plain(point))
            assert fast.program.counts().keys() & {"scan", "loop", "while_loop", *_derived(fast.program)}


def _derived(program: Any) -> set[str]:
    return {name for name in program.counts() if "loop" in name or "scan" in name}


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_backward_through_a_compiled_function(compiled: Callable[..., Any], f: Any) -> None:
    fast = compiled(f)
    for point in POINTS:
        ours, theirs = ([Value(x) for x in point] for _ in range(2))
        (one, two) = fast(ours), f(theirs)
        assert one.data == two.data
        one.backward()
        two.backward()
        assert_close([x.grad for x in ours], [x.grad for x in theirs])


def test_closed_over_values_get_gradients(compiled: Callable[..., Any]) -> None:
    w = Value(0.5, name="w")

    @compiled
    def f(x: float) -> Any:
        return fori_loop(0, 4, lambda i, c: ag.tanh(w * c), x)

    f(2.0).backward()
    found = w.grad
    w.grad = None
    f.f(2.0).backward()
    assert_close(found, w.grad)
    w.data = 0.7
    assert f(2.0).data == f.f(2.0).data


def test_another_count_needs_no_new_recording(compiled: Callable[..., Any]) -> None:
    def power(x: Any, n: Any) -> Any:
        return fori_loop(0, n, lambda i, c: c * x + i, 1.0)

    def halved(x: Any) -> Any:
        return while_loop(lambda s: s > 1.0, lambda s: s / 2.0, x)

    for f, argument_lists in ((power, [(0.9, n) for n in (3, 0, 1, 50, 7)]), (halved, [(x,) for x in (3.0, 0.5, 1e5)])):
        for transform in (lambda g: g, grad):
            fast = compiled(transform(f), max_paths=1)
            for arguments in argument_lists:
                assert_close(fast(*arguments), transform(f)(*arguments))


def test_a_traced_length_gives_no_ys() -> None:
    fast = jit(lambda x, n: scan(lambda c, _: (c * x, None), 1.0, length=n), backend="python")
    assert fast(2.0, 5) == (32.0, None)
    assert fast(2.0, 0) == (1.0, None)
    with pytest.raises(TracingError, match="traced length"):
        jit(lambda x, n: scan(lambda c, _: (c * x, c), 1.0, length=n))(2.0, 5)


def test_a_step_that_raises_raises_as_it_does_eagerly(compiled: Callable[..., Any]) -> None:
    def f(x: float, n: float) -> Any:
        return fori_loop(0, n, lambda i, c: 1.0 / (c - 1.0), x)

    fast = compiled(f)
    assert fast(3.0, 2) == f(3.0, 2)
    for x, n in ((1.0, 1), (2.0, 2)):
        with pytest.raises(ZeroDivisionError):
            fast(x, n)
    with pytest.raises(ArgumentError, match="whole number"):
        fast(3.0, 2.5)
    assert fast(3.0, 3) == f(3.0, 3)


def test_what_a_branch_would_raise_matters_only_where_it_is_taken(compiled: Callable[..., Any]) -> None:
    def f(x: float) -> Any:
        return fori_loop(0, 3, lambda i, c: 1.0 / (c - 4.0) if c > 0.5 else (c - 0.25) ** 2, x)

    fast = compiled(f)
    for x in (3.0, 0.25, 0.5, -1.0):
        assert fast(x) == f(x)
        assert len(fast.program) == 2  # it ran
    for x in (4.0, -1e200):
        with pytest.raises(ArithmeticError):
            f(x)
        with pytest.raises(ArithmeticError):
            fast(x)


def test_many_divisions_and_powers_are_one_way(compiled: Callable[..., Any]) -> None:
    def f(x: float) -> Any:
        return fori_loop(0, 3, lambda i, c: ag.sum([(c / k) ** 2 / (c + k) for k in range(1, 40)]), x)

    assert compiled(f)(1.5) == f(1.5)


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: fori_loop(0, 3, lambda i, c: c + [1.0, 2.0, 3.0][i], x), "as xs"),
        (lambda x: fori_loop(0, 3, lambda i, c: math.sin(c), x), "autograd_lite.sin"),
        (lambda x: fori_loop(0, 9, lambda i, c: max(c, *(c * k - k * k for k in range(9))), x), "32 ways"),
    ],
    ids=["index", "math", "ways"],
)
def test_what_a_step_cannot_do_says_what_to_write(f: Any, message: str) -> None:
    with pytest.raises(TracingError, match=message):
        jit(f)(2.0)


def test_a_branch_on_what_does_not_change_is_a_guard_around_the_loop() -> None:
    def f(x: float, kind: float) -> Any:
        return fori_loop(0, 3, lambda i, c: c * x if kind > 0 else c + x, 1.0)

    fast = jit(f, backend="python")
    for arguments in ((2.0, 1.0), (2.0, -1.0), (3.0, 5.0)):
        assert fast(*arguments) == f(*arguments)
    assert len(fast.program.guards) == 1


def test_a_step_may_take_the_derivative_of_a_loop_around_it_once() -> None:
    def f(p: float) -> Any:
        _, pullback = vjp(lambda q: fori_loop(0, 3, lambda i, c: ag.sin(c * q), q), p)
        return scan(lambda c, x: (c + pullback(c)[0] * x, None), p, [1.0, 2.0])[0]

    assert_close(jit(f)(0.7), f(0.7))
    with pytest.raises(TracingError, match="inside the step"):
        jit(grad(f))(0.7)


def test_a_number_of_the_step_that_leaves_it_is_refused() -> None:
    kept: list[Any] = []

    def step(i: Any, c: Any) -> Any:
        kept.append(c)
        return c + 1.0

    with pytest.raises(TracingError, match="left it"):
        jit(lambda x: fori_loop(0, 3, step, x) + kept[0])(2.0)


def test_a_loop_runs_in_several_threads_at_once() -> None:
    import threading

    def f(x: float, n: int) -> Any:
        return fori_loop(0, n, lambda i, c: ag.sin(c) + x, 0.0)

    fast = jit(f)
    expected = {x: f(x, 2000) for x in (0.5, 1.0, 2.0)}
    fast(0.5, 3)
    found: dict[float, set[float]] = {}

    def run(x: float) -> None:
        found[x] = {fast(x, 2000) for _ in range(50)}

    threads = [threading.Thread(target=run, args=(x,)) for x in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {x: {y} for x, y in expected.items()}


def test_a_loop_can_be_drawn_and_printed() -> None:
    fast = jit(lambda x: fori_loop(0, 3, lambda i, c: c * x, 1.0))
    fast(2.0)
    assert "v0 = carry1 * k0" in str(fast.program)
    assert fast.program(3.0) == (27.0,)


def test_jvp_and_vjp_give_the_jacobian_of_rk4(compiled: Callable[..., Any]) -> None:
    def slope(y: Any, p: Any) -> Any:
        return [p[0] * y[0] - p[1] * y[0] * y[1], p[3] * y[0] * y[1] - p[2] * y[1]]

    def solved(p: Any) -> Any:
        def step(y: Any, _: Any) -> Any:
            k1 = slope(y, p)
            k2 = slope([a + 0.025 * b for a, b in zip(y, k1, strict=True)], p)
            k3 = slope([a + 0.025 * b for a, b in zip(y, k2, strict=True)], p)
            k4 = slope([a + 0.05 * b for a, b in zip(y, k3, strict=True)], p)
            rows = zip(y, k1, k2, k3, k4, strict=True)
            return [a + 0.05 / 6 * (b + 2 * c + 2 * d + e) for a, b, c, d, e in rows], None

        return scan(step, [1.0, 1.0], length=50)[0]

    p = [1.5, 1.0, 3.0, 1.0]
    rows = jacobian(solved)(p)
    fast = compiled(lambda p: [jvp(solved, (p,), ([float(i == j) for j in range(4)],))[1] for i in range(4)])
    columns = fast(p)
    assert len(fast.program.steps()) == 1  # of four, and each would do the steps of the solution again
    assert_close(compiled(jacobian(solved))(p), rows)
    assert_close([list(row) for row in zip(*columns, strict=True)], rows)
    assert_close(compiled(lambda p: vjp(solved, p)[1]([1.0, 0.0])[0])(p), rows[0])


def test_partials_that_choose_by_a_number_of_the_step(compiled: Callable[..., Any]) -> None:
    def f(p: Any) -> Any:
        return fori_loop(0, 4, lambda i, c: c + p[0] ** i * p[3], p[2])

    for transform in (grad, hessian):
        assert_close(compiled(transform(f))(POINTS[0]), transform(f)(POINTS[0]))


def test_a_recurrent_network_learns_in_a_compiled_scan(compiled: Callable[..., Any]) -> None:
    cell = ag.nn.Linear(3, 2, rng=0)

    def run(xs: list[float]) -> Any:
        def step(h: Any, x: Any) -> Any:
            h = [ag.tanh(z) for z in cell([*h, x])]
            return h, h[0]

        h, ys = scan(step, [0.0, 0.0], xs)
        return h[0] + ag.sum(ys)

    fast = compiled(run)
    for xs in ([0.1, 0.2, 0.3, 0.4], [1.0, 2.0, 3.0]):
        gradients = []
        for f in (fast, run):
            cell.zero_grad()
            f(xs).backward()
            gradients.append([p.grad for p in cell.parameters()])
        assert_close(*gradients)


def test_arrays_in_a_compiled_scan(compiled: Callable[..., Any]) -> None:
    def f(rows: Any, w: Any) -> Any:
        def step(c: Any, x: Any) -> Any:
            return c * 0.5 + (x * w).sum(), x * c

        return scan(step, 0.0, rows)

    rows, w = np.arange(12.0).reshape(4, 3), np.array([0.1, 0.2, 0.3])
    carry, ys = compiled(f)(rows, w)
    assert_close((carry, ys), f(rows, w))
    assert ys.shape == (4, 3)

    def last(w: Any) -> Any:
        return f(rows, w)[0]

    assert_close(compiled(grad(last))(w), grad(last)(w))


# ---- Checkpoints ----


def turned(p: Any, n: Any, checkpoint: bool) -> Any:
    def step(i: Any, c: Any) -> Any:
        return c[0] + 0.01 * ag.sin(c[1] * p) * i, c[1] - 0.01 * c[0]

    return fori_loop(0, n, step, (p, 1.0), checkpoint=checkpoint)[0]


def scanned(p: Any, n: int, checkpoint: bool) -> Any:
    def step(c: Any, x: Any) -> Any:
        return ag.sin(c * x) * p, (c * x, {"c": c})

    c, (ys, zs) = scan(step, p, [0.1 * i + p for i in range(n)], checkpoint=checkpoint)
    return c + ag.sum(ys) * zs["c"][-1]


@pytest.mark.parametrize("f", [turned, scanned])
def test_checkpoints_change_no_derivative(compiled: Callable[..., Any], f: Any) -> None:
    for n, transforms in ((1, [grad]), (9, [EXACT["value"], grad]), (10, [hessian])):
        g = functools.partial(f, n=n, checkpoint=True)
        for transform in transforms:
            assert_close(compiled(transform(g))(1.1), transform(g)(1.1))


def test_checkpoints_of_a_count_that_changes(compiled: Callable[..., Any]) -> None:
    fast = compiled(grad(functools.partial(turned, checkpoint=True)), max_paths=1)
    for n in (5, 0, 1, 30, 16):
        assert_close(fast(1.1, n), grad(functools.partial(turned, checkpoint=False))(1.1, n))


def test_checkpoints_take_the_memory_of_a_square_root() -> None:
    import tracemalloc

    def peak(checkpoint: bool) -> int:
        fast = jit(grad(functools.partial(turned, checkpoint=checkpoint)), backend="python")
        fast(1.1, 2)
        fast(1.1, 3)
        tracemalloc.start()
        fast(1.1, 2500)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(True) < 0.2 * peak(False)


# ---- Interruptions ----


@pytest.mark.parametrize("backend", [name for name in BACK_ENDS if name != "python"])
@pytest.mark.skipif(not hasattr(__import__("signal"), "setitimer"), reason="there is no timer")
def test_an_endless_loop_can_be_interrupted(backend: str) -> None:
    import signal

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    def endless(x: float) -> Any:
        return while_loop(lambda c: c > 0, lambda c: c * 1.0, x)

    before = signal.signal(signal.SIGALRM, stop)
    try:
        for is_recorded in (True, False):
            fast = jit(endless, backend=backend)
            if is_recorded:
                assert fast(-1.0) == -1.0
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(KeyboardInterrupt):
                fast(1.0)
            assert fast(-2.0) == -2.0
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def test_the_guide_to_loops_is_so() -> None:
    guide = (Path(__file__).parent.parent / "docs" / "loops.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    checked = 0
    for block in re.findall(r"```python\n(.*?)```", guide, re.DOTALL):
        exec(block, names)
        for expression, expected in re.findall(r"^(\S.*?)  # (.+)$", block, re.MULTILINE):
            assert repr(eval(expression, names)) == expected
            checked += 1
    assert checked == 6


# ---- Any step ----

floats = st.one_of(st.sampled_from([0.0, -0.0, 1.0, -1.0, math.inf, math.nan, 1e200, 710.0]), st.floats(-4, 4))


@settings(max_examples=20)
@given(data=st.data())
def test_any_step_repeated_gives_the_bits_of_the_loop_written_out(compiled: Callable[..., Any], data: Any) -> None:
    program: Program = data.draw(programs(domain_safe=False))
    point = st.lists(floats, min_size=program.inputs, max_size=program.inputs)
    points = data.draw(st.lists(point, min_size=2, max_size=3))

    def f(x: Any) -> Any:
        def step(i: Any, c: Any) -> Any:
            return [*c[1:], program(*c)]

        return fori_loop(0, 3, step, x)

    def tangent(x: Any) -> Any:
        return jvp(f, (x,), ([1.0, *[0.5] * (program.inputs - 1)],))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_agrees(f, compiled(f), *([point] for point in points))
        if compiled.keywords["backend"] != "native":  # type: ignore[attr-defined]  # which takes long to compile
            assert_agrees(tangent, compiled(tangent), *([point] for point in points))


@pytest.mark.parametrize("checkpoint", [False, True], ids=["kept", "checkpoint"])
@pytest.mark.parametrize("transform", [grad, hessian, CLOSE["hvp"]], ids=["grad", "hessian", "hvp"])
@settings(max_examples=5)
@given(data=st.data())
def test_derivatives_of_any_step_are_those_of_the_loop_written_out(transform: Any, checkpoint: bool, data: Any) -> None:
    one, two = (data.draw(programs(max_ops=8)) for _ in range(2))
    point = data.draw(st.lists(st.floats(-2, 2), min_size=4, max_size=4))

    def f(p: Any) -> Any:
        def step(c: Any, x: Any) -> Any:
            given = [*c[1:], x, p[0], p[0]]
            if x > 0.3:
                return [*c[1:], one(*given[: one.inputs])], c[0] * x
            return [*c[1:], two(*[p[0], *given][: two.inputs])], c[0] + x

        c, ys = scan(step, list(p), [p[1], 0.5, p[0], 0.1], checkpoint=checkpoint)
        return ag.sum(c) + ys[1] * ys[3]

    expected, found = (np.array(g(point)) for g in (transform(f), jit(transform(f))))
    finite = np.isfinite(expected)
    assert np.allclose(
        found[finite], expected[finite], rtol=1e-8, atol=1e-8 * (1 + np.abs(expected[finite]).max(initial=0))
    )


def test_loops_in_loops_answer_by_single_calls_and_by_rows(compiled: Callable[..., Any]) -> None:
    def f(x: float, y: float) -> Any:
        def step(_: Any, c: Any) -> Any:
            return while_loop(lambda d: d < c + 2.0, lambda d: d + 0.7 + abs(x), c * 0.1)

        return scan(lambda c, t: (c * t, c + t), fori_loop(0, 3, step, y), [1.0, 2.0, y])

    fast, xs, ys = compiled(f), [1.0, -0.5, 0.0], [2.0, 0.1, -3.0]
    assert fast(1.0, 2.0) == f(1.0, 2.0)
    assert fast.map(xs, ys) == list(map(f, xs, ys))
    assert fast.sum([], []) == (0.0, [0.0, 0.0, 0.0])


@pytest.mark.parametrize("jitted", [False, True])
def test_a_condition_that_is_none_is_refused(jitted: bool) -> None:
    def f(x: Any) -> Any:
        return ag.while_loop(lambda c: "a", lambda c: c, x)

    with pytest.raises(TypeError, match="the condition of a while_loop is a bool or a number"):
        (jit(f) if jitted else f)(1.0)

"""A compiled function answers as the plain one does."""

import copy
import functools
import itertools
import math
import pickle
import random
import struct
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite import Op, Value, grad, hessian, jacobian, jit, jvp, no_grad, value_and_grad, vjp
from autograd_lite.errors import AnomalyError, ArgumentError, GraphError, TracingError
from autograd_lite.jit.backends import vm
from autograd_lite.nn import MLP, Module
from autograd_lite.testing.strategies import Program, programs

BACK_ENDS = ["python", "native", *(["vm"] if vm.is_there() else [])]
SPECIAL = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 1e-310, 1e200, -1e200, 0.5, 710.0]

numbers = st.one_of(st.sampled_from(SPECIAL), st.floats(-4, 4), st.floats())


@pytest.fixture(params=BACK_ENDS, scope="module")
def compiled(request: pytest.FixtureRequest) -> Callable[..., Any]:
    return functools.partial(jit, backend=request.param)


def bits(thing: Any) -> Any:
    """A result as what can be compared to the last bit: floats by their bytes, all nans alike, Values by their kind."""
    if isinstance(thing, Value):
        return ("Value", thing.requires_grad, bits(thing.data))
    if isinstance(thing, float):
        return "nan" if thing != thing else struct.pack("d", thing)
    if isinstance(thing, np.ndarray):
        return ("array", thing.shape, bits(thing.ravel().tolist()))
    if isinstance(thing, (list, tuple)):
        return (type(thing), [bits(item) for item in thing])
    if isinstance(thing, dict):
        return {key: bits(item) for key, item in thing.items()}
    return thing


def outcome(f: Callable[..., Any], *args: Any) -> Any:
    try:
        result = f(*args)
    except (ArithmeticError, ValueError) as error:
        return type(error), str(error)
    except TypeError as error:
        if "complex" in str(error):
            return complex
        raise
    return complex if isinstance(result, complex) else bits(result)


def assert_agrees(f: Callable[..., Any], fast: Callable[..., Any], *points: Any) -> None:
    for point in points:
        expected, found = outcome(f, *point), outcome(fast, *point)
        assert found == expected or complex in (found, expected), point  # jit refuses what turns complex on the way


# ---- Compiled = eager, to the last bit ----


def points(program: Program) -> st.SearchStrategy[list[list[float]]]:
    return st.lists(st.lists(numbers, min_size=program.inputs, max_size=program.inputs), min_size=2, max_size=4)


def listwise(program: Program) -> Callable[..., Any]:
    return lambda x: program(*x)


@pytest.mark.parametrize("transform", [lambda f: f, value_and_grad, hessian], ids=["value", "gradient", "hessian"])
@pytest.mark.parametrize("is_safe", [True, False], ids=["inside", "at edges"])
@settings(max_examples=40)
@given(data=st.data())
def test_random_programs(
    compiled: Callable[..., Any], transform: Callable[..., Any], is_safe: bool, data: st.DataObject
) -> None:
    program = data.draw(programs(max_ops=8 if transform is hessian else 16, domain_safe=is_safe))
    f = transform(listwise(program))
    assert_agrees(f, compiled(f), *([point] for point in data.draw(points(program))))


@settings(max_examples=40)
@given(data=st.data())
def test_backward_through_a_compiled_function(compiled: Callable[..., Any], data: st.DataObject) -> None:
    program = data.draw(programs(max_ops=10, domain_safe=False))
    fast = compiled(program)
    for point in data.draw(points(program)):
        found = []
        for f in (program, fast):
            xs = [Value(x) for x in point]
            result = f(*xs)
            result.backward()
            found.append([bits(result), [x.has_grad for x in xs], [bits(x.grad) for x in xs]])
        assert found[0] == found[1], point


@settings(max_examples=30)
@given(data=st.data())
def test_transforms_of_a_compiled_function(compiled: Callable[..., Any], data: st.DataObject) -> None:
    program = data.draw(programs(max_ops=6))
    f = listwise(program)
    fast = compiled(f)
    for point in data.draw(points(program)):
        assert_agrees(grad(f), grad(fast), [point])
        for found, expected in zip(hessian(fast)(point), hessian(f)(point), strict=True):
            for a, b in zip(found, expected, strict=True):
                # Sums of the same terms in another order, where inf and nan come and go.
                assert a == pytest.approx(b, rel=1e-9, abs=1e-9, nan_ok=True) or not math.isfinite(a + b)


OPERATIONS = {name: op for name, op in ag.ops.primitives.items() if op.arity}


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_primitive_and_its_two_derivatives(compiled: Callable[..., Any], name: str) -> None:
    op = OPERATIONS[name]
    arity = op.arity or 0
    f = value_and_grad(lambda x: op(*x)) if name != "round" else value_and_grad(lambda x: op(x[0], 0.0))
    if name == "polygamma":
        f = value_and_grad(lambda x: op(1.0, x[1]))
    draws = random.Random(name)
    candidates = [[draws.choice(SPECIAL) for _ in range(arity)] for _ in range(25)]
    candidates += [[draws.gauss(0, 3) for _ in range(arity)] for _ in range(25)]
    assert_agrees(f, compiled(f), *([point] for point in candidates))
    second = grad(lambda x: f(x)[1][-1] if name == "polygamma" else f(x)[1][0])
    assert_agrees(second, compiled(second), *([point] for point in candidates[::5]))


@pytest.mark.parametrize("n", [-3.0, -2.0, -1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, math.inf, math.nan])
def test_constant_powers(compiled: Callable[..., Any], n: float) -> None:
    for f in (value_and_grad(lambda x: x**n), lambda x: x**n):
        assert_agrees(f, compiled(f), [0.7], *([x] for x in SPECIAL))


def test_a_zero_influence_hides_infinities_at_other_points(compiled: Callable[..., Any]) -> None:
    f = value_and_grad(lambda x: ag.where(ag.greater(x, 0.0), ag.log(x), 0.0))
    assert_agrees(f, compiled(f), [1.0], [0.0], [-1.0], [2.0])

    def swallowed(x: float) -> Any:  # a comparison that would not let a nan through
        return ag.where(ag.greater(grad(lambda x: ag.where(ag.greater(x, 0.0), ag.sqrt(x), 0.0))(x), -1.0), 1.0, 2.0)

    assert_agrees(swallowed, compiled(swallowed), [1.0], [0.0], [-1.0])
    h = hessian(lambda v: ag.where(ag.greater(v[0], 0.0), ag.sqrt(v[0]) * v[1], v[1]))
    assert_agrees(h, compiled(h), [[1.0, 2.0]], [[0.0, 2.0]], [[-1.0, 0.0]])


# ---- Guards ----


def newton(a: float) -> Any:
    x = a
    while abs(x * x - a) > 1e-9 * a:
        x = x - (x * x - a) / (2 * x)
    return x


def bisection(a: float) -> Any:
    low, high = 0.0, 1.0 + a
    for _ in range(12):
        middle = (low + high) / 2
        if middle * middle < a:
            low = middle
        else:
            high = middle
    return low


def ordered(x: list[Any]) -> Any:
    return [k * item for k, item in enumerate(sorted(x))]


def clamped(x: float) -> Any:
    return max(min(x, 1.0), -1.0) * 2.0


def stepped(x: float) -> Any:
    if x != x:
        return 0.0
    if not x:
        return x - 1.0
    if x > 0 and (x < 2 or x >= 5):
        return x / (x - 1.0)
    return -x


def recursive(x: Any) -> Any:
    return x if x < 1.0 else recursive(x / 2.0) + 1.0


BRANCHING: dict[str, tuple[Callable[..., Any], Any]] = {
    "newton": (newton, st.floats(1e-3, 1e3)),
    "bisection": (bisection, st.integers(0, 12).map(float)),
    "sorting": (ordered, st.lists(st.integers(0, 3).map(float), min_size=3, max_size=3)),
    "max and min": (clamped, numbers),
    "steps": (stepped, numbers),
    "recursion": (recursive, st.floats(-2, 1e6)),
}


@pytest.mark.parametrize("name", BRANCHING)
@settings(max_examples=15)
@given(data=st.data())
def test_functions_that_branch(compiled: Callable[..., Any], name: str, data: st.DataObject) -> None:
    f, strategy = BRANCHING[name]
    given = data.draw(st.lists(strategy, min_size=3, max_size=12))
    assert_agrees(f, compiled(f), *([x] for x in given))
    derivative = jacobian(f)
    assert_agrees(derivative, compiled(derivative), *([x] for x in given))


def test_paths_are_kept_and_found_again(compiled: Callable[..., Any]) -> None:
    runs = itertools.count()

    def f(x: Any) -> Any:
        next(runs)
        return recursive(x)

    fast = compiled(f)
    for _ in range(3):
        for x in (0.5, 1.5, 3.0, 100.0, 0.25):
            assert fast(x) == recursive(x)
    assert next(runs) == 4


def test_past_max_paths_it_runs_uncompiled_and_warns_once() -> None:
    fast = jit(recursive, max_paths=3)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for x in (0.5, 1.5, 3.0, 7.0, 15.0, 0.5, 31.0):
            assert fast(x) == recursive(x)
    assert [str(w.message)[:36] for w in caught] == ["recursive has been recorded 3 times,"]


def test_a_guard_of_closed_over_values(compiled: Callable[..., Any]) -> None:
    w = Value(1.0)
    f: Any = lambda x: x * 2.0 if w > 0 else x * 3.0 if w else x
    fast = compiled(f)
    for data in (1.0, -1.0, 0.0, 2.0, math.nan):
        w.data = data
        assert_agrees(f, fast, [5.0])


def test_python_floats_raise_as_they_do_eagerly(compiled: Callable[..., Any]) -> None:
    for f in (lambda x: 1 / x, lambda x: 5.0 // x, lambda x: 5.0 % x, lambda x: x**200.0, lambda x: x**-1):
        assert_agrees(f, compiled(f), [2.0], [0.0], [1e300], [-3.0])
    with pytest.raises(TracingError, match="complex"):
        compiled(lambda x: x**0.5)(-1.0)


# ---- Kinds, structures, closures ----


def test_the_kinds_of_results() -> None:
    v, w = Value(2.0), Value(3.0)
    functions: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
        (lambda x, y: (x + 1.0, y + 1.0, x * y, "text", None, True, 7), (2.0, v)),
        (lambda x: {"a": x, "b": [w, x * w]}, (2.0,)),
        (lambda x: (x.detach(), x.detach() + x, Value(4.0), x.detach() * 2.0), (v,)),
        (lambda x: ag.stop_gradient(x) * x, (v,)),
        (grad(lambda y: y * y * w), (2.0,)),  # type: ignore[misc]  # of mypy: it infers no lambda there
        (grad(lambda y: y * y * w), (v,)),  # type: ignore[misc]  # of mypy: it infers no lambda there
        (lambda a: a @ a + 1.0, (np.array([1.0, 2.0]),)),
        (lambda a: np.exp(a) * 2.0, (np.array([[v], [w]], dtype=object),)),
        (lambda x: isinstance(x, float), (2.0,)),
        (lambda x: isinstance(x, Value), (v,)),
        (lambda x, y: x is y, (v, v)),
        (lambda **k: k["p"] - k["q"], ()),
    ]
    for f, args in functions:
        kwargs = {} if args else {"p": 5.0, "q": v}
        for fast in (jit(f), jit(f, backend="python")):
            for _ in range(2):
                assert bits(fast(*args, **kwargs)) == bits(f(*args, **kwargs))
    assert jit(lambda x: x)(v) is v
    assert jit(lambda: w)() is w


def test_no_grad_outside_and_inside(compiled: Callable[..., Any]) -> None:
    w = Value(3.0)

    def f(x: Any) -> Any:
        with no_grad():
            constant = x * w
        return constant * x

    fast = compiled(f)
    x = Value(2.0)
    for _ in range(2):
        result = fast(x)
        result.backward()
        assert bits(result) == bits(f(Value(2.0)))
        with no_grad():
            assert not fast(x).requires_grad
    assert x.grad == 12.0
    assert not w.has_grad


def test_gradients_reach_arguments_and_what_is_closed_over(compiled: Callable[..., Any]) -> None:
    model = MLP(2, [4, 1], rng=0, activation="tanh")
    before = Value(0.5) * 2.0  # computed before: its own leaf gets the gradient

    def loss(x: list[Any], y: float) -> Any:
        return (model(x) - y) ** 2 * before

    fast = compiled(loss)
    for step in range(3):
        found = []
        for f in (loss, fast):
            model.zero_grad()
            x = [Value(0.3), Value(-0.2 * step)]
            f(x, 1.0).backward()
            found.append([p.grad for p in model.parameters()] + [v.grad for v in x])
        assert found[0] == found[1]
        for p in model.parameters():
            p.data -= 0.1 * p.grad


def test_several_results_have_one_graph(compiled: Callable[..., Any]) -> None:
    w = Value(1.5)
    f: Any = lambda x: [ag.sin(x) * w, x * x, {"k": x + w}]
    fast = compiled(f)

    def gradients(g: Callable[..., Any], create_graph: bool = False) -> list[Any]:
        w.grad, x = None, Value(0.7)
        a, b, c = g(x)
        (a * b + c["k"] * 2.0).backward(create_graph=create_graph)
        first = [x.grad, w.grad]
        if create_graph:
            x.grad = w.grad = None
            (first[0] * first[1]).backward()
            first = [x.grad, w.grad]
            x.grad = w.grad = None
        return first

    for position, reached in ((0, [True, True]), (1, [True, False])):
        w.grad, x = None, Value(0.7)
        fast(x)[position].backward()
        assert [x.has_grad, w.has_grad] == reached
    assert gradients(fast) == pytest.approx(gradients(f), rel=1e-14)
    assert gradients(fast, True) == pytest.approx(gradients(f, True), rel=1e-14)
    g: Any = lambda x: fast(x)[0] * 2.0 + fast(x)[1]
    h: Any = lambda x: f(x)[0] * 2.0 + f(x)[1]
    assert jvp(g, (0.7,), (1.0,)) == pytest.approx(jvp(h, (0.7,), (1.0,)), rel=1e-14)
    assert jacobian(lambda x: fast(x)[:2])(0.7) == pytest.approx(jacobian(lambda x: f(x)[:2])(0.7), rel=1e-14)


def test_transforms_compose_in_any_order(compiled: Callable[..., Any]) -> None:
    f: Any = lambda x, y: ag.exp(x * y) * ag.sin(x)
    fast = compiled(f)
    assert grad(grad(grad(fast)))(0.3, 0.4) == pytest.approx(grad(grad(grad(f)))(0.3, 0.4), rel=1e-13)
    assert compiled(grad(compiled(grad(fast))))(0.3, 0.4) == grad(grad(f))(0.3, 0.4)
    assert grad(lambda x: fast(x, x) * x)(0.3) == pytest.approx(grad(lambda x: f(x, x) * x)(0.3), rel=1e-14)
    assert jvp(grad(fast), (0.3, 0.4), (1.0, 0.0)) == pytest.approx(jvp(grad(f), (0.3, 0.4), (1.0, 0.0)), rel=1e-14)
    along: Any = lambda x, t: jvp(f, (x, 0.4), (t, 0.0))
    assert_agrees(along, compiled(along), [0.3, 1.0], [0.3, 0.0], [-2.0, 1.0])
    back: Any = lambda x, t: vjp(f, x, 0.4)[1](t)
    assert_agrees(back, compiled(back), [0.3, 1.0], [0.3, 0.0])
    # An inner function that closes over the argument of an outer transform.
    nested: Any = lambda x: grad(lambda y: compiled(lambda z: z * x * y)(2.0))(3.0)
    assert grad(nested)(5.0) == 2.0


def test_a_seed_and_a_chain_around_a_compiled_function(compiled: Callable[..., Any]) -> None:
    f: Any = lambda x: ag.sin(x) * x * x
    fast = compiled(f)
    around: list[Any] = [lambda h, x: h(x), lambda h, x: ag.exp(h(x)), lambda h, x: h(h(x)), lambda h, x: h(ag.tanh(x))]
    for g in around:
        found = []
        for h in (f, fast):
            x = Value(0.9)
            g(h, x).backward(0.3)
            found.append(bits(x.grad))
        assert found[0] == found[1]


def test_custom_primitives(compiled: Callable[..., Any]) -> None:
    cube = Op("cube", lambda x: x * x * x, lambda ans, x: (3 * x * x,))
    whole = Op("whole", round, lambda ans, x: (0.0,))  # gives an int
    f = grad(grad(lambda x: cube(x) * ag.sin(x) + whole(x)))
    assert_agrees(f, compiled(f), [0.3], [2.0], [-1.0])
    broken = Op("broken", lambda x: 1.0 if x < 1 else NOTHING["missing"], lambda ans, x: (0.0,))
    fast = compiled(lambda x: broken(x) + x)
    assert fast(0.0) == 1.0
    with pytest.raises(KeyError, match="missing"):
        fast(2.0)
    assert fast(0.5) == 1.5


class Line(Module):
    def __init__(self) -> None:
        self.slope, self.scale = Value(2.0), 1.0
        self.offsets = [Value(1.0)]

    def forward(self, x: Any) -> Any:
        return sum(list(self.offsets), self.slope * x * self.scale)


RATE = 2.0
NOTHING: dict[str, float] = {}
CONFIG: dict[str, Any] = {"power": [2.0]}


def helper(x: Any) -> Any:
    return x * RATE


def test_what_is_closed_over_may_change(compiled: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line()
    scale = [3.0]
    factor = 1.0

    def f(x: Any, plus: float = 1.0) -> Any:
        return line(helper(x)) * scale[0] * factor + CONFIG["power"][0] + plus

    fast = compiled(f)

    def check() -> None:
        result = fast(2.0)
        assert bits(result) == bits(f(2.0))
        for p in line.parameters():
            p.grad = None
        result.backward()
        assert line.slope.grad == 2.0 * RATE * line.scale * scale[0] * factor

    check()
    line.slope.data = 5.0
    check()
    line.slope = Value(7.0)  # another leaf
    check()
    line.slope = Value(7.0)  # another leaf with the same number
    check()
    line.offsets.append(Value(4.0))  # a parameter more
    check()
    line.scale = 0.5
    check()
    scale[0] = 4.0
    check()
    factor = -2.0
    check()
    CONFIG["power"][0] += 1.0
    check()
    monkeypatch.setitem(globals(), "RATE", -1.0)
    check()
    f.__defaults__ = (5.0,)
    check()
    factor = 1.0
    check()


def test_modules_and_functions_as_arguments(compiled: Callable[..., Any]) -> None:
    f: Any = lambda model, activation, x: activation(model(x))
    fast = compiled(f)
    one, other = Line(), Line()
    other.scale = 3.0
    for model in (one, other, one):
        for activation in (ag.sin, ag.tanh, helper):
            assert bits(fast(model, activation, 0.4)) == bits(f(model, activation, 0.4))
    result = compiled(grad(f))(one, ag.sin, 0.4)
    assert result.slope.data == grad(f)(one, ag.sin, 0.4).slope.data


def test_static_arguments(compiled: Callable[..., Any]) -> None:
    def f(x: Any, n: int = 2, kind: str = "sin") -> Any:
        total = 0.0
        for _ in range(n):
            total = total + getattr(ag, kind)(x)
        return total

    fast = compiled(f, static_argnames=("n",))
    for args in ((0.5,), (0.5, 3), (0.5, 1, "cos"), (0.5, 3)):
        assert fast(*args) == f(*args)
    assert fast(0.5, n=4) == f(0.5, n=4)
    with pytest.raises(TypeError, match="hashable"):
        fast(0.5, [1])
    with pytest.raises(TracingError, match=r"it is n.*static_argnames"):
        compiled(f)(0.5, 3)
    with pytest.raises(ArgumentError, match="no parameter of that name"):
        jit(f, static_argnames="m")


def test_structures_are_recorded_each_for_itself(compiled: Callable[..., Any]) -> None:
    f: Any = lambda x: sum(x["a"]) * len(x["a"])
    fast = compiled(f)
    for items in ([1.0], [1.0, 2.0], [3.0, 4.0], (5, 6.5), [True, 2.0], [np.float64(2.0), 1.0]):
        assert fast({"a": items}) == f({"a": items})
    with pytest.raises(TypeError, match=r"jit takes numbers and Values.*static_argnames"):
        fast({1, 2})
    with pytest.raises(KeyError):
        fast({"b": 1.0})


# ---- What cannot be recorded ----

W = Value(2.0)
REFUSED: dict[str, Callable[[Any], Any]] = {
    ".grad": lambda v: W.grad,
    "setting .data": lambda v: setattr(W, "data", 1.0),
    "setting .grad": lambda v: setattr(W, "grad", None),
    "backward": lambda v: (v * v).backward(),
    "math.sin of a float": lambda v: math.sin(_as_float(v)),
    "float": lambda v: float(_as_float(v)),
    "int": lambda v: int(_as_float(v)),
    "range": lambda v: range(_as_float(v)),
    "an index": lambda v: [1, 2][_as_float(v)],
    "a key": lambda v: {_as_float(v): 1},
    "a pickle": lambda v: pickle.dumps(_as_float(v)),
}


def _as_float(v: Value) -> Any:
    return jvp(lambda x: x * 1.0, (2.0,), (1.0,))[1] if v is None else v.data


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_says_what_to_write(name: str) -> None:
    with pytest.raises(TracingError, match=r"Write |Name the argument|Return "):
        jit(REFUSED[name])(Value(3.0))


def test_data_and_item_are_read_anew_at_each_call(compiled: Callable[..., Any]) -> None:
    weight = Value(2.0)
    fast = compiled(lambda v: v * weight.data + v.item() * (v.data > 4.0))
    for x, w in ((3.0, 2.0), (3.5, -1.0), (5.0, 0.5)):
        weight.data = w
        v = Value(x)
        result = fast(v)
        result.backward()
        assert (result.data, v.grad) == (x * w + x * (x > 4.0), w)


def test_stand_ins_that_leave_are_refused() -> None:
    kept: list[Any] = []

    def f(x: Any, v: Any) -> Any:
        kept.extend([x, v * x])
        return x

    with pytest.raises(TracingError, match="side effect"):
        jit(f)(2.0, Value(3.0))
    with pytest.raises(TracingError, match="side effect"):
        kept[0] + 1.0
    with pytest.raises(TracingError, match="side effect"):
        kept[1] * 2.0
    with pytest.raises(TracingError, match="returned"):
        jit(lambda x: lambda: x)(2.0)


def test_an_error_inside_leaves_nothing_behind() -> None:
    def f(x: Any) -> Any:
        if x > 1:
            raise LookupError("too large")
        return x * 2.0

    fast = jit(f)
    for _ in range(2):
        assert fast(0.5) == 1.0
        with pytest.raises(LookupError):
            fast(2.0)
    assert (Value(2.0) * 3.0).data == 6.0


def test_bad_options() -> None:
    with pytest.raises(TypeError, match=r"write jit\(f\)\(x\)"):
        jit(2.0)  # type: ignore[call-overload]
    with pytest.raises(ArgumentError, match="backend"):
        jit(helper, backend="fortran")
    with pytest.raises(ArgumentError, match="max_paths"):
        jit(helper, max_paths=0)
    with pytest.raises(TracingError, match="call it once"):
        _ = jit(helper).program


# ---- As a Python object ----


@jit
def decorated(x: Any) -> Any:
    """Twice x."""
    return x * 2.0


@jit(backend="python")
def decorated_with_options(x: Any) -> Any:
    return x * 3.0


class Holder:
    rate = 2.0

    @jit
    def method(self, x: Any) -> Any:
        return x * self.rate


def test_it_is_a_decorator() -> None:
    assert decorated(2.0) == 4.0
    assert decorated_with_options(2.0) == 6.0
    assert (decorated.__name__, decorated.__doc__) == ("decorated", "Twice x.")


def test_it_decorates_methods() -> None:
    one, other = Holder(), Holder()
    other.rate = 5.0
    assert (one.method(2.0), other.method(2.0), one.method(3.0)) == (4.0, 10.0, 6.0)
    one.rate = 7.0
    assert one.method(2.0) == 14.0


def test_a_compiled_function_inside_is_recorded_along_and_may_be_called_by_itself(compiled: Callable[..., Any]) -> None:
    runs = itertools.count()
    inner = compiled(lambda x: (x * x, next(runs))[0])
    outer = compiled(lambda x: (inner(x) + inner(x + 1.0), next(runs))[0])
    for x in (1.0, 2.0, 3.0):
        assert outer(x) == x * x + (x + 1.0) ** 2
        assert inner(x) == x * x
    assert next(runs) == 4  # the outer, the inner twice in that, and once by itself


def test_static_arguments_that_are_equal_and_not_the_same() -> None:
    fast = jit(lambda x, zero: x * zero, static_argnames="zero")
    assert [math.copysign(1.0, fast(2.0, zero)) for zero in (0.0, -0.0, 0)] == [1.0, -1.0, 1.0]


def test_derivatives_in_any_order_of_asking(compiled: Callable[..., Any]) -> None:
    w = Value(0.5)
    f: Any = lambda x: ag.sin(x * w) * x

    def first(g: Any) -> Any:
        x = Value(0.7)
        g(x).backward()
        return x.grad

    def weighted(g: Any) -> Any:
        x = Value(0.7)
        g(x).backward(2.5)
        return x.grad

    asked: list[Any] = [first, weighted, lambda g: grad(grad(g))(0.7), lambda g: g(0.7).data, lambda g: grad(g)(0.7)]
    draws = random.Random(0)
    for _ in range(6):
        fast = compiled(f)
        for ask in draws.sample(asked, len(asked)):
            assert ask(fast) == pytest.approx(ask(f), rel=1e-14)


def test_threads_share_the_gradients_of_one_recording() -> None:
    model = MLP(2, [8, 1], rng=0)
    expected = grad(lambda x: model(x) ** 2)([0.3, 0.4])
    wrong: list[Any] = []
    for _ in range(10):
        fast = jit(lambda x: model(x) ** 2)
        with no_grad():
            fast([Value(0.3), Value(0.4)])
        gate = threading.Barrier(4)

        def work(fast: Any = fast, gate: Any = gate) -> None:
            gate.wait()
            if grad(fast)([0.3, 0.4]) != expected:
                wrong.append(1)

        workers = [threading.Thread(target=work) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert not wrong


def test_more_ways_of_using_it(compiled: Callable[..., Any]) -> None:
    model, w = MLP(2, [3, 1], rng=0), Value(2.0)
    matrix, vector = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 2.0])
    functions: list[tuple[Any, tuple[Any, ...]]] = [
        (jacobian(lambda m, x: [sum(row * x) for row in m], 1), (matrix, vector)),  # type: ignore[misc]
        (lambda x: copy.deepcopy(model)(x[::-1]), ([0.1, 0.2],)),
        (lambda x: Value(3.0) * x, (2.0,)),
        (model, ([0.1, 0.2],)),
        (model.forward, ([0.1, 0.2],)),
        (ag.softmax, ([1.0, 2.0, 3.0],)),
        (value_and_grad(lambda zs: ag.logsumexp(zs) - zs[1]), ([1.0, 2.0, 3.0],)),  # type: ignore[misc]
        (functools.partial(lambda x, y: x / y, 3.0), (w,)),
    ]
    for f, args in functions:
        assert bits(compiled(f)(*args)) == bits(f(*args))


OF_ARRAYS: dict[str, Callable[[Any], Any]] = {
    "an array": lambda a: 2.0 * a + 1.0,
    "a number and an array": value_and_grad(lambda a: (a * a).sum()),
    "a matrix with zeros": hessian(lambda a: (a**3).sum()),
    "a dict of numbers": lambda a: {"sum": a.sum(), "first": a.ravel()[0]},
    "a list with constants": lambda a: [a.sum(), 0.0, 1],
}


@pytest.mark.parametrize("what", OF_ARRAYS)
def test_one_array_at_every_call_whatever_its_numbers_and_its_layout(compiled: Callable[..., Any], what: str) -> None:
    fast, row = compiled(OF_ARRAYS[what]), np.array([0.5, -2.0, 3.0])
    of_another_shape = np.array([[0.5, 3.0], [1.0, -1.0]])
    arrays = [row, row + 1.0, np.array([1, 2, 3]), row.astype(np.float32), row[::-1], np.array([1e-3, 0.0, -0.0]),
              of_another_shape, of_another_shape.T, row]  # fmt: skip
    for a in arrays:
        result, expected = fast(a), OF_ARRAYS[what](a.astype(float))
        assert bits(result) == bits(expected)
        assert type(result) is type(expected)


def test_a_value_that_is_passed_and_closed_over(compiled: Callable[..., Any]) -> None:
    w = Value(2.0)
    fast = compiled(lambda x: x * w + w)
    result = fast(w)
    result.backward()
    assert w.grad == 5.0
    result.backward()
    assert w.grad == 10.0


def test_data_assigned_between_call_and_backward_does_not_count(compiled: Callable[..., Any]) -> None:
    fast = compiled(lambda x: x**3)
    for factor, expected in ((1.0, 12.0), (1.5, 18.0)):
        x = Value(2.0)
        result = fast(x) * factor
        x.data = 10.0
        result.backward()
        assert x.grad == expected
    with pytest.raises(GraphError, match="assigned since"):
        result.backward(create_graph=True)


def test_deep_graphs(compiled: Callable[..., Any]) -> None:
    def deep(x: Any) -> Any:
        for _ in range(20_000):
            x = x * 0.9999 + 0.1
        return x

    x, y = Value(1.0), Value(1.0)
    deep(x).backward()
    compiled(deep)(y).backward()
    assert x.grad == y.grad


def test_under_detect_anomaly_it_runs_uncompiled() -> None:
    fast = jit(ag.log)
    fast(Value(1.0))
    with ag.detect_anomaly(), pytest.raises(AnomalyError, match="log gave -inf"):
        fast(Value(0.0))


def test_pickling_by_function_and_options() -> None:
    fast = jit(newton, backend="python", max_paths=5)
    fast(2.0)
    again = pickle.loads(pickle.dumps(fast))
    assert again(2.0) == newton(2.0)
    assert again._options == fast._options
    assert copy.deepcopy(fast)(3.0) == newton(3.0)


def test_side_effects_happen_once() -> None:
    seen: list[Any] = []
    fast = jit(lambda x: seen.append(1) or x * 2.0)  # type: ignore[func-returns-value]
    assert [fast(x) for x in (1.0, 2.0, 3.0)] == [2.0, 4.0, 6.0]
    assert len(seen) == 1


def test_generators(compiled: Callable[..., Any]) -> None:
    def powers(x: Any) -> Iterator[Any]:
        while x < 10.0:
            yield x
            x = x * x

    f: Any = lambda x: sum(powers(x))
    assert_agrees(f, compiled(f), [2.0], [3.0], [1.5], [20.0], [2.0])


def test_threads(compiled: Callable[..., Any]) -> None:
    model = MLP(2, [8, 1], rng=0)
    f = value_and_grad(lambda x: model(x) ** 2 if x[0] > x[1] else ag.sin(x[0]))
    fast = compiled(f)
    wrong: list[Any] = []

    def work(seed: int) -> None:
        draws = random.Random(seed)
        for _ in range(50):
            x = [draws.gauss(0, 1), draws.gauss(0, 1)]
            if bits(fast(x)) != bits(f(x)):
                wrong.append(x)

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong

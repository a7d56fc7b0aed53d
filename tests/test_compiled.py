"""The core compiled and the same sources as plain Python: one behaviour, and the same bits.

What needs both is computed here and, by the same functions, in a process with ``AUTOGRAD_LITE_PURE=1``. All else are
facts that hold in either form, and that compiling puts at risk; the suite is run in both.
"""

import copy
import json
import math
import operator
import os
import pickle
import random
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import autograd_lite as ag
from autograd_lite import Op, Value
from autograd_lite.core import COMPILED, ops
from autograd_lite.ops import primitives
from autograd_lite.testing.edges import EDGE_TABLE
from autograd_lite.testing.strategies import OPERATIONS, Program, Step
from tests.test_jit_environment import in_threads
from tests.test_ops import POINTS

# ---- To the bit -------------------------------------------------------------------------


def bits(numbers: Any) -> list[str]:
    """Each number of any structure to the bit, but for the sign of a nan; 0.0 and -0.0 differ."""
    if isinstance(numbers, (list, tuple)):
        return [text for number in numbers for text in bits(number)]
    return [float(getattr(numbers, "data", numbers)).hex()]


def random_programs(count: int, *, domain_safe: bool) -> Iterator[tuple[Program, list[float]]]:
    """Programs of up to a dozen operations with a point each; without a safe domain, nan and inf come of some."""
    draws = random.Random(count)
    names = sorted(OPERATIONS)
    for _ in range(count):
        inputs = draws.randint(1, 3)
        steps = [
            Step(draws.choice(names), (draws.randrange(inputs + i), draws.randrange(max(0, i - 3), inputs + i)))
            for i in range(draws.randint(1, 12))
        ]
        special = draws.choice([[0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 1e300, 5e-324], [0.5]])
        point = [draws.choice([draws.gauss(0, 2), draws.gauss(0, 2), draws.choice(special)]) for _ in range(inputs)]
        yield Program(inputs, steps, domain_safe=domain_safe), point


def derivatives(f: Callable[..., Any], point: tuple[float, ...] | list[float]) -> list[str]:
    """The value, and the first and second derivatives in all the ways there are."""
    args = list(point)
    order = tuple(range(len(args)))
    x = [Value(number) for number in args]
    y = f(*x)
    if not isinstance(y, Value) or not y.requires_grad:
        return bits(y)
    y.backward()
    y.backward(-1.5)
    first = bits([y, [v.grad for v in x], y.grad])
    for v in x:
        v.grad = None
    y.backward(create_graph=True)
    again = [v.grad * (i + 1.0) for i, v in enumerate(x)]
    total = ag.sum(again)
    for v in x:
        v.grad = None
    if isinstance(total, Value) and total.requires_grad:
        total.backward()
    second = bits([again, [v.grad for v in x]])
    with ag.no_grad():
        plain = bits(f(*x))
    tangents = [1.0] * len(args)
    forward = bits([ag.jvp(f, args, tangents), ag.hvp(f, args, tangents)])
    return [*plain, *first, *second, *forward, *bits(ag.hessian(f, order)(*args))]


def edge_cases() -> Iterator[tuple[str, list[str]]]:
    for case in EDGE_TABLE:
        yield f"{case.expression} at {case.point}", derivatives(case.function, case.point)
    for name, points in POINTS.items():
        for point in points:
            yield f"{name} at {point}", derivatives(primitives[name], point)


def random_cases() -> Iterator[tuple[str, list[str]]]:
    for domain_safe in (True, False):
        for program, point in random_programs(200, domain_safe=domain_safe):
            yield f"{program!r} at {point}", derivatives(program, point)


def compiled_functions() -> Iterator[tuple[str, list[str]]]:
    for program, point in random_programs(40, domain_safe=True):
        fast = ag.jit(ag.value_and_grad(program, tuple(range(program.inputs))))
        yield f"jit of {program!r} at {point}", bits([fast(*point), fast(*[x + 0.1 for x in point])])


def called(call: Callable[[], Any]) -> str:
    try:
        return repr(call())
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def own(value: Any = operator.pos, partials: Any = (1.0,)) -> Callable[[], Any]:
    """A call of an Op of the user's, forward and backward."""

    def call() -> Any:
        x = Value(1.0, name="x")
        y = Op("own", value, partials)(x)
        y.backward()
        return y, x

    return call


def errors() -> Iterator[tuple[str, list[str]]]:
    one = Value(1.0)
    calls: dict[str, Callable[[], Any]] = {
        "a string": lambda: Value("a"),  # type: ignore[arg-type]
        "a Value": lambda: Value(one),  # type: ignore[arg-type]
        "too large": lambda: Value(10**400),
        "an operand too large": lambda: one * 10**400,
        "operands": lambda: Value(1.0, (one,)),  # type: ignore[arg-type]
        "two names": lambda: Value(1.0, name="a", label="b"),
        "a name": lambda: setattr(Value(1.0), "name", 3),
        "data": lambda: setattr(Value(1.0), "data", "a"),
        "grad": lambda: setattr(Value(1.0), "grad", "a"),
        "a seed": lambda: (one * 1).backward("a"),  # type: ignore[arg-type]
        "a constant": lambda: one.detach().backward(),
        "frozen": lambda: (one * 1).requires_grad_(False),
        "math": lambda: math.sin(one),
        "int": lambda: int(one),
        "copied": lambda: copy.copy(one * one),
        "where": lambda: ag.where(one, "a", 2),
        "method": lambda: one.add("a"),  # type: ignore[arg-type]
        "operands of where": lambda: ag.where(one),
        "a value that is a string": own(lambda x: "a"),
        "a value that is complex": own(lambda x: 1j),
        "a value too large": own(lambda x: 10**400),
        "a value that raises": own(lambda x: {}[x]),
        "a value that divides by zero": own(lambda x: x / 0),
        "a value of int": own(lambda x: 3),
        "a value of bool": own(lambda x: True),
        "partials of int": own(partials=lambda ans, x: (2,)),
        "partials that are strings": own(partials=lambda ans, x: ("a",)),
        "too many partials": own(partials=lambda ans, x: (1.0, 2.0)),
        "a list of partials": own(partials=lambda ans, x: [1.0]),
        "partials that are Values": own(partials=lambda ans, x: (Value(2.0),)),
        "partials that raise": own(partials=lambda ans, x: {}[x]),
        "partials with a domain": own(partials=lambda ans, x: (math.log(-x),)),
        "partials that divide by zero": own(partials=lambda ans, x: (1 / (x - 1),)),
        "partials that overflow": own(partials=lambda ans, x: ((x * 1e200) ** 2 + x % 0.0,)),
    }
    for name, call in calls.items():
        yield name, [called(call)]


SAMPLES = {"edges": edge_cases, "programs": random_cases, "jit": compiled_functions, "errors": errors}


@pytest.mark.skipif(not COMPILED, reason="the core is not compiled here")
@pytest.mark.parametrize("name", SAMPLES)
def test_compiled_gives_what_pure_gives(name: str) -> None:
    code = f"import json; from tests import test_compiled as t; print(json.dumps(list(t.SAMPLES[{name!r}]())))"
    done = subprocess.run(
        [sys.executable, "-c", f"from autograd_lite import core; assert not core.COMPILED; {code}"],
        env={**os.environ, "AUTOGRAD_LITE_PURE": "1"},
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pure = json.loads(done.stdout)
    assert len(pure) > 20
    for (case, found), (same, expected) in zip(SAMPLES[name](), pure, strict=True):
        assert case == same
        assert found == expected, case


# ---- Values as Python objects -----------------------------------------------------------


class Tagged(Value):
    """With attributes, and slots."""

    __slots__ = ("tag", "unset")
    tag: Any


class Strict(Value):
    """With a constructor of its own, which results of operations do not go through."""

    def __new__(cls, data: float, *, scale: float) -> "Strict":
        return super().__new__(cls)

    def __init__(self, data: float, *, scale: float) -> None:
        super().__init__(data * scale)


class Watched(Value):
    """That sees each attribute which is set."""

    def __setattr__(self, name: str, thing: Any) -> None:
        super().__setattr__(name, thing)
        super().__setattr__("latest", name)


class Same(Value):
    """All of which are equal, with the same hash."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1


def test_a_subclass_keeps_its_class_through_operations() -> None:
    x = Tagged(3.0)
    for y in (x * 2.0, 2.0 * x, x * Value(2.0), Value(2.0) * x, ag.sin(x), ag.where(1.0, x, x), ag.sum([x, x]), -x):
        assert type(y) is Tagged
    assert type((x * x).detach()) is type(Value(1.0) * 2.0) is Value


def test_slots_and_attributes_of_a_subclass_are_copied_and_pickled() -> None:
    x: Any = Tagged(3.0, name="x")
    x.tag, x.grad = [1], 2.0
    x.color = "red"
    copies: list[Any] = [pickle.loads(pickle.dumps(x, protocol)) for protocol in range(2, 6)]
    for y in [copy.copy(x), copy.deepcopy(x), *copies]:
        assert (y.data, y.grad, y.name, y.tag, y.color) == (3.0, 2.0, "x", [1], "red")
        assert not hasattr(y, "unset")
        assert type(y) is Tagged
    assert copy.copy(x).tag is x.tag
    assert copy.deepcopy(x).tag is not x.tag


def test_operations_do_not_call_the_constructors_of_a_subclass() -> None:
    x = Strict(3.0, scale=2.0)
    y = x * x + ag.where(1.0, x, x)
    y.backward()
    assert (type(y), y.data, x.grad) == (Strict, 42.0, 13.0)


def test_a_subclass_may_watch_its_attributes() -> None:
    x: Any = Watched(3.0)
    x.color = "red"
    super(Watched, x).__setattr__("size", 2)
    assert (x.latest, x.color, x.size, (x * x).data) == ("color", "red", 2, 9.0)


@pytest.mark.skipif(
    not COMPILED, reason="plain Python keeps nodes in dicts, where they are found by what their class says"
)
def test_nodes_are_told_apart_whatever_their_class_calls_equal() -> None:
    x, y = Same(2.0), Same(3.0)
    (x * x * y).backward()
    assert (x.grad, y.grad) == (12.0, 4.0)
    assert ag.grad(lambda a, b: a * a * b, (0, 1))(2.0, 3.0) == (12.0, 4.0)


def test_a_subclass_may_define_operators_anew() -> None:
    class Loud(Value):
        def __add__(self, other: Any) -> Any:
            return "add"

        def __rmul__(self, other: Any) -> Any:
            return "rmul"

    x, y = Loud(2.0), Value(3.0)
    assert (x + y, x + 1.0, y * x, 2.0 * x) == ("add", "add", "rmul", "rmul")
    assert (type(y + x), (x * y).data, (1.0 + x).data) == (Loud, 6.0, 3.0)


def test_weak_references_end_with_the_value() -> None:
    x = Value(2.0)
    ended: list[Any] = []
    y = x * x
    watch = weakref.ref(y, ended.append)
    by_value = weakref.WeakKeyDictionary({x: 1})
    assert watch() is y
    del y
    assert ended == [watch]
    assert list(by_value.values()) == [1]
    del x
    assert len(by_value) == 0


def test_attributes_are_those_of_any_object() -> None:
    x: Any = Value(2.0, name="x")
    x.color = "red"
    assert vars(x) == {"_name": "x", "color": "red"}
    del x.color
    with pytest.raises(AttributeError, match="'color'"):
        _ = x.color
    vars(x)["size"] = 3
    assert x.size == 3
    x.__dict__ = {"size": 4}
    assert (x.size, x.name) == (4, None)
    with pytest.raises((AttributeError, NotImplementedError)):  # the latter where Cython says it
        del x.data
    with pytest.raises(AttributeError):
        x.op = ops.sin


def test_an_interior_gradient_set_by_hand_is_overwritten() -> None:
    for create_graph in (False, True):
        x = Value(2.0)
        y = x * x
        z = y * y
        y.grad = Value(5.0)
        z.backward(create_graph=create_graph)
        assert type(y.grad) is float
        assert y.grad == 8.0


@pytest.mark.parametrize(
    "number", [2, True, Fraction(1, 3), 10**300, "np.float64(2.5)", "np.int8(-3)", "np.bool_(True)"]
)
def test_any_number_is_an_operand_as_its_float(number: Any) -> None:
    if isinstance(number, str):
        number = eval(number, {"np": pytest.importorskip("numpy")})
    for op in (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.mod):
        for turned in (False, True):
            x, y = Value(1.5), Value(1.5)
            pairs = [(number, x), (float(number), y)]
            found, expected = [op(n, v) if turned else op(v, n) for n, v in pairs]
            found.backward()
            expected.backward()
            assert bits([found, x.grad]) == bits([expected, y.grad]), op


def test_a_callback_may_run_backward_while_gradients_are_reset() -> None:
    x = Value(2.0)
    y = x * x
    z = y * 3.0
    y.grad = Value(1.0) * 2.0
    watch = weakref.ref(y.grad, lambda _: z.backward())
    z.backward()
    assert watch() is None
    assert (x.grad, y.grad) == (24.0, 3.0)


def test_threads_with_shared_leaves_lose_no_gradient() -> None:
    shared = [Value(float(i)) for i in range(1, 9)]
    middle = ag.sum([v * v for v in shared])  # a graph that all threads walk too
    start = threading.Barrier(8)
    found: list[Any] = []

    def work(seed: int) -> None:
        start.wait()
        for i in range(60):
            (sum((v * float(seed) for v in shared), Value(0.0))).backward()
            middle.backward()
            with ag.no_grad():
                found.append((shared[0] * shared[1]).requires_grad)
            if i % 20 == 0:
                found.append(ag.grad(lambda x: x * shared[seed])(2.0) != shared[seed].data)

    in_threads(work, list(range(8)))
    assert not any(found)
    assert [v.grad for v in shared] == [60.0 * sum(range(8)) + 480.0 * 2.0 * v.data for v in shared]


def test_nothing_is_recorded_under_no_grad() -> None:
    x: Any = Value(2.0)
    many = [Value(1.0)] * 5
    with ag.no_grad():
        results = [x * x, x * 2, -x, ag.where(x, x, 1.0), ag.sum(many), x + Fraction(1, 2), Tagged(1.0) * x]
    for y in results:
        assert not y.requires_grad
        assert y.operands == ()
    assert (x * results[0]).requires_grad


# ---- Operations of the user's own -------------------------------------------------------


def slope(op: Op, x: float = 3.0) -> float:
    v = Value(x)
    op(v).backward()
    return v.grad  # type: ignore[no-any-return]


def test_partials_may_branch() -> None:
    size = Op("size", abs, lambda ans, x: (1.0 if x > 0 else -1.0,))
    assert [slope(size, x) for x in (3.0, -3.0, 2.0)] == [1.0, -1.0, 1.0]


def test_partials_may_catch_what_they_raise() -> None:
    def partials(ans: Any, x: Any) -> Any:
        try:
            return (1.0 / x,)
        except:  # noqa: E722 - nothing is named here that could change
            return (7.0,)

    assert [slope(Op("own", lambda x: x, partials), x) for x in (4.0, 0.0)] == [0.25, 7.0]


_helper = ops.sin


def test_what_partials_read_is_read_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    inner, factor = ops.sin, 2.0
    of_a_variable = Op("of_a_variable", lambda x: x, lambda ans, x: (factor * x,))
    of_a_cell = Op("of_a_cell", lambda x: x, lambda ans, x: (inner(x),))
    of_a_global = Op("of_a_global", lambda x: x, lambda ans, x: (_helper(x),))
    of_a_builtin = Op("of_a_builtin", lambda x: x, lambda ans, x: (abs(x),))
    every = (of_a_variable, of_a_cell, of_a_global, of_a_builtin)
    assert [slope(op) for op in every] == [6.0, math.sin(3.0), math.sin(3.0), 3.0]
    inner, factor = ops.cos, 5.0
    monkeypatch.setitem(globals(), "_helper", ops.exp)
    monkeypatch.setitem(globals(), "abs", lambda x: -x)
    assert [slope(op) for op in every] == [15.0, math.cos(3.0), math.exp(3.0), -3.0]


def test_partials_may_be_replaced() -> None:
    op = Op("own", lambda x: x, lambda ans, x: (x,))
    assert slope(op) == 3.0
    op.partials = lambda ans, x: (2.0 * x,)
    assert slope(op) == 6.0


def test_a_value_may_be_replaced() -> None:
    op = Op("own", lambda x: x, lambda ans, x: (1.0,))
    assert op(Value(3.0)).data == 3.0
    op.value = lambda x: -x
    assert (op(Value(3.0)).data, op(3.0)) == (-3.0, -3.0)


def test_an_op_of_a_subclass_is_called_as_any_other() -> None:
    class Named(Op):
        def __repr__(self) -> str:
            return f"the function {self.name}"

    cube = Named("cube", lambda x: x**3, lambda ans, x: (3.0 * x * x,))
    assert (repr(cube), cube(2.0), slope(cube)) == ("the function cube", 8.0, 27.0)
    assert ops.sin.__call__(0.5) == Op.__call__(ops.sin, 0.5) == math.sin(0.5)


def test_an_op_with_state_is_called_at_each_operation() -> None:
    seen: list[float] = []

    def partials(ans: Any, x: Any) -> Any:
        seen.append(x)
        return (1.0,)

    op = Op("own", lambda x: x, partials)
    for x in (1.0, 2.0, 2.0):
        slope(op, x)
    assert seen == [1.0, 2.0, 2.0]


def test_an_op_that_is_made_of_itself_is_worked_out_in_threads_at_once() -> None:
    deep = Op(
        "deep", lambda x: float(deep(Value(x / 2.0)).data) if x > 1.0 else x, lambda ans, x: (deep(x / 2.0) + ans,)
    )
    expected = slope(deep, 64.0)
    found: list[float] = []
    threads = [threading.Thread(target=lambda: found.append(slope(deep, 64.0))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 8


def test_an_op_may_apply_longer_ones_before_it_raises() -> None:
    """In a process of its own, as it is memory that would break."""
    code = """
import math
from autograd_lite import Op, Value
many = Op("many", lambda *xs: sum(xs), lambda ans, *xs: (1.0,) * len(xs))
own = Op("own", lambda x: (many(*[Value(x)] * 5000), math.log(-1.0)), lambda ans, x: (1.0,), otherwise=lambda x: 2 * x)
print(own(Value(3.0)).data)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "6.0\n"), done.stderr


def test_the_factors_of_a_sum_are_counted_whether_or_not_it_is_recorded() -> None:
    with ag.no_grad(), pytest.raises(TypeError, match="dot takes factors in pairs"):
        ops.dot(Value(1.0), 2.0, 3.0)
    with pytest.raises(TypeError, match="dot takes factors in pairs"):
        ops.dot(Value(1.0).detach(), 2.0, 3.0)

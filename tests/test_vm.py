"""The virtual machine of the compiled core: values and partials as the pure version has them, to the bit."""

import itertools
import json
import math
import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterable
from math import inf, nan
from typing import Any

import pytest

import autograd_lite as ag
from autograd_lite import Op
from autograd_lite.core import ops
from autograd_lite.ops import primitives
from tests.test_ops import POINTS

vm: Any = pytest.importorskip("autograd_lite.core.vm", reason="the core is not compiled here")

#: Where formulas change, where C and Python part, and where floats end.
_NUMBERS = (
    0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, 0.25, 0.75, 1.5, 2.5, -2.5, 4.0, 8.0, 10.0, 37.5, -37.5, 0.1,
    171.0, 172.0, 710.0, -710.0, 745.2, 800.0, -800.0, 1e-9, 1e16, -1e16, 1e200, -1e200, 1e308, -1e308, 5e-324, -5e-324,
    1e-310, 1e-160, inf, -inf, nan,
)  # fmt: skip
_FEW = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -3.0, 1e308, 5e-324, inf, -inf, nan)
_ALL = {**primitives, "strong_mul": ops.strong_mul, "strong_zero": ops.strong_zero}


def points_of(name: str) -> list[tuple[float, ...]]:
    """Many operands of a primitive, edges among them."""
    op, draws = _ALL[name], random.Random(name)
    given: list[tuple[float, ...]] = list(POINTS.get(name, ()))
    if op.arity is None:
        at_least = {len(point) % 2 for point in given} if name in {"dot", "linear"} else {0, 1}
        for count in (1, 2, 3, 5, 8, 70):
            if count % 2 in at_least:
                given += [tuple(draws.choices(_FEW, k=count)) for _ in range(40)]
                given += [tuple(draws.gauss(0.0, 2.0) for _ in range(count)) for _ in range(10)]
    elif op.arity < 3:
        given += itertools.product(_NUMBERS, repeat=op.arity)
    else:
        given += itertools.product(_FEW, repeat=op.arity)
    if name.startswith("polygamma"):  # of orders that are small or none
        given = [point for point in given if not 5.0 < point[0] < inf]
    return given + [
        tuple(draws.gauss(0.0, 3.0) for _ in range(op.arity or (4 if name == "dot" else 3))) for _ in range(50)
    ]


def shown(numbers: Iterable[float]) -> list[str]:
    """Each number to the bit, but for the sign of a nan."""
    return [float(x).hex() for x in numbers]


_PURE = """
import json, sys
from autograd_lite.core import kernels, ops
from autograd_lite.core.operators import primitives
assert kernels.__file__.endswith(".py")
for line in sys.stdin:
    name, points = json.loads(line)
    op = getattr(ops, name) if name.startswith("strong") else primitives[name]
    rows = []
    for point in points:
        point = [float.fromhex(x) for x in point]
        ans = op(*point)
        rows.append([float(x).hex() for x in (ans, *op.differentiate(ans, *point))])
    print(json.dumps(rows), flush=True)
"""


@pytest.fixture(scope="module")
def pure() -> Any:
    """Value and partials of a primitive at points, as the pure version has them, in a process of its own."""
    environment = dict(os.environ, AUTOGRAD_LITE_PURE="1")
    command = [sys.executable, "-c", _PURE]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True, env=environment) as child:
        questions: Any = child.stdin
        answers: Any = child.stdout

        def ask(name: str, points: list[tuple[float, ...]]) -> Any:
            print(json.dumps([name, list(map(shown, points))]), file=questions, flush=True)
            return json.loads(answers.readline())

        yield ask
        questions.close()


@pytest.mark.parametrize("name", _ALL)
def test_values_and_partials_of_every_primitive_are_those_of_the_pure_version(name: str, pure: Any) -> None:
    points = points_of(name)
    for point, row in zip(points, pure(name, points), strict=True):
        value = vm.evaluate(_ALL[name], *point)
        assert shown([value]) == row[:1], point
        assert shown(vm.partials(_ALL[name], *point)) == row[1:], point
        assert shown([_ALL[name](*point)]) == row[:1], point


cube = Op("cube", lambda x: x * x * x, lambda ans, x: (3 * x * x,))
sinc = Op("sinc", lambda x: ag.sin(x) / x, lambda ans, x: ((ag.cos(x) - ans) / x,), otherwise=1.0)
shaky = Op("shaky", lambda x: 1.0 / x, lambda ans, x: (-ans * ans,), otherwise=lambda x: {}[x])
whole = Op("whole", lambda x: 3, lambda ans, x: (0,))


# ---- Values and partials ------------------------------------------------------------------


@pytest.mark.parametrize("op", [cube, sinc, whole, Op("total", lambda *xs: sum(xs), lambda ans, *xs: (1.0,) * len(xs))])
def test_a_primitive_of_the_users_is_called_in_python_and_gives_what_it_gives(op: Op) -> None:
    for x in (0.5, -2.0, 0.0, 3.0):
        ans = op(x)
        assert type(vm.evaluate(op, x)) is float
        assert shown([vm.evaluate(op, x)]) == shown([ans])
        assert shown(vm.partials(op, x)) == shown(op.differentiate(ans, x))


def test_what_a_primitive_raises_goes_on() -> None:
    with pytest.raises(KeyError):
        vm.evaluate(shaky, 0.0)
    with pytest.raises(TypeError, match="expected a real number, got str 'a'"):
        vm.evaluate(Op("text", lambda x: "a", lambda ans, x: (x,)), 1.0)  # type: ignore[arg-type, return-value]
    with pytest.raises(TypeError, match="must return a tuple with one derivative for each"):
        vm.partials(Op("few", lambda x, y: x, lambda ans, x, y: (x,)), 1.0, 2.0)


def test_partials_that_read_what_may_change_are_called_anew_each_time() -> None:
    rate = [2.0]
    scaled = Op("scaled", lambda x: x, lambda ans, x: (x * rate[0],))
    assert vm.partials(scaled, 3.0) == (6.0,)
    rate[0] = 5.0
    assert vm.partials(scaled, 3.0) == (15.0,)


def test_partials_of_many_constants_and_counts_stay_right() -> None:
    for n in range(200):
        for op, point in ((ops.constant_power, (1.5, n / 4.0)), (ops.hypot, [1.0 + i for i in range(n + 1)])):
            assert vm.partials(op, *point) == op.differentiate(op(*point), *point)


def test_partials_of_many_operands_are_right_in_several_threads_at_once() -> None:
    op = primitives["logsumexp"]
    points = [[math.sin(i * k) for i in range(700)] for k in (1.0, 2.0, 3.0)]
    expected = [op.differentiate(op(*xs), *xs) for xs in points]
    found: list[set[Any]] = [set() for _ in points]

    def run(k: int) -> None:
        for _ in range(30):
            found[k].add(vm.partials(op, *points[k]))

    threads = [threading.Thread(target=run, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [{answer} for answer in expected]


# ---- Programs -----------------------------------------------------------------------------


def straight(count: int, length: int, seed: int, choice: list[Op]) -> Any:
    """A random program of so many inputs, and the same as a Python function."""
    draws = random.Random(seed)
    lines = []
    for i in range(length):
        op = draws.choice(choice)
        arity = op.arity or 3
        operands = tuple(draws.choice([draws.randrange(count + i), draws.choice(_FEW)]) for _ in range(arity))
        lines.append((op, operands))
    outputs = (count + length - 1, 0, 2.5, count + length // 2, count + length - 1)

    def f(*numbers: float) -> tuple[float, ...]:
        known = list(numbers)
        for op, operands in lines:
            known.append(op.evaluate(*[known[o] if type(o) is int else o for o in operands]))
        return tuple(known[o] if type(o) is int else o for o in outputs)

    return vm.Code(count, lines, outputs), f


@pytest.mark.parametrize("seed", range(40))
def test_random_programs_answer_as_their_operations_one_by_one(seed: int) -> None:
    every = [op for op in _ALL.values() if not op.name.startswith("polygamma") and op.name not in {"dot", "linear"}]
    choice = [every, [ops.add, ops.sub, ops.mul, ops.where], [ops.add, ops.mul, cube, ops.gamma]][seed % 3]
    code, f = straight(3, [5, 40, 700][seed % 3], seed, choice)
    for point in itertools.product((0.0, -1.5, 0.5, 1e308, inf, nan), repeat=3):
        assert shown(code.call(*point)) == shown(f(*point))


def test_registers_are_reused_once_their_number_has_been_read_for_the_last_time() -> None:
    lines: list[Any] = [(ops.add, (0, 1.0))]
    lines += [(ops.mul, (1 + i, 2.0)) for i in range(100)]
    code = vm.Code(1, lines, (101,))
    assert code.size == 3  # x, 1.0 and 2.0
    assert code.call(0.5) == (1.5 * 2.0**100,)


def test_constants_keep_the_sign_of_zero() -> None:
    code = vm.Code(1, [(ops.copysign, (0, 0.0)), (ops.copysign, (0, -0.0))], (1, 2, 0.0, -0.0))
    assert shown(code.call(2.0)) == shown((2.0, -2.0, 0.0, -0.0))


def test_a_program_of_nothing_gives_its_outputs() -> None:
    assert vm.Code(0, [], ()).call() == ()
    assert vm.Code(1, [], (0, 1.5, 0)).call(2.0) == (2.0, 1.5, 2.0)


@pytest.mark.parametrize("wrong", [(1.0,), (1.0, 2.0, 3.0), (1.0, 2), (1.0, "2"), (1.0, True), (None, 1.0)])
def test_what_are_no_floats_is_told_by_a_number(wrong: Any) -> None:
    assert vm.Code(2, [(ops.add, (0, 1))], (2,)).call(*wrong) == -3


@pytest.mark.parametrize(
    ("line", "outputs", "error", "message"),
    [
        ((ops.mul, (0, 2)), (2,), ValueError, "below 2; got 2"),
        ((ops.mul, (0, -1)), (2,), ValueError, "below 2; got -1"),
        ((ops.mul, (0, 1)), (3,), ValueError, "below 3; got 3"),
        ((ops.mul, (0, "x")), (2,), TypeError, "position of a number, got str 'x'"),
        ((ops.mul, (0, True)), (2,), TypeError, "got bool True"),
        ((ops.mul, (0, 1, 1)), (2,), TypeError, "mul takes 2 operands, got 3"),
        ((ops.where, (0, 1)), (2,), TypeError, "where takes 3 operands, got 2"),
        ((ops.constant_power, (0,)), (2,), TypeError, "constant_pow takes 2 operands, got 1"),
    ],
)
def test_a_program_that_makes_no_sense_is_refused(line: Any, outputs: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        vm.Code(2, [line], outputs)


def test_factors_that_come_in_no_pairs_are_refused() -> None:
    for name in {"dot", "linear"} & set(primitives):
        count = 3 if name == "dot" else 2
        with pytest.raises(TypeError, match="in pairs"):
            vm.Code(count, [(primitives[name], tuple(range(count)))], (count,)).call(*[1.0] * count)


def test_what_an_operation_raises_ends_the_call_and_the_next_call_is_right() -> None:
    code = vm.Code(1, [(shaky, (0,)), (ops.add, (1, 1.0))], (2,))
    with pytest.raises(KeyError):
        code.call(0.0)
    assert code.call(2.0) == (1.5,)


def test_a_program_that_calls_itself_keeps_its_numbers() -> None:
    depth = Op("depth", lambda x: code.call(x - 1.0)[0] if x > 0.0 else 0.0, lambda ans, x: (0.0,))
    code = vm.Code(1, [(depth, (0,)), (ops.add, (1, 0))], (2,))
    assert code.call(10.0) == (55.0,)


def test_a_long_program_runs_in_several_threads_at_once() -> None:
    lines = [(ops.sin, (i,)) for i in range(3000)]
    code = vm.Code(1, lines, (3000,))
    expected = {x: code.call(x) for x in (0.1, 0.2, 0.3, 0.4)}
    found: dict[float, set[Any]] = {x: set() for x in expected}

    def run(x: float) -> None:
        for _ in range(50):
            found[x].add(code.call(x))

    threads = [threading.Thread(target=run, args=(x,)) for x in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {x: {answer} for x, answer in expected.items()}


def test_a_program_tells_after_so_many_runs_and_hands_over() -> None:
    code = vm.Code(1, [(ops.neg, (0,))], (1,))
    told: list[int] = []
    code.notify(3, lambda: told.append(code.runs))
    for _ in range(5):
        code.call(1.0)
    assert told == [3]
    call = code.call
    code.hand_over(lambda x: ("another", x))
    assert call(1.0) == ("another", 1.0)

"""The checker checked: planted bugs, oracles, strategies, reports."""

import builtins
import contextlib
import math
import random
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite import Op, Value, nn
from autograd_lite.core import COMPILED, chain, graph, node, ops
from autograd_lite.errors import (
    ArgumentError,
    GradientMismatch,
    InapplicableOracleError,
    InconclusiveGradient,
    MissingDependencyError,
)
from autograd_lite.ops import primitives
from autograd_lite.testing import (
    check_gradients,
    complex_step,
    edges,
    finite_difference,
    high_precision_difference,
    precise,
    rounding_tolerance,
    subjects,
)
from autograd_lite.testing.edges import assert_edge_table, edge_page
from autograd_lite.testing.numbers import Complex, Dual, Perturbed, perturbed
from autograd_lite.testing.precise import Precise
from autograd_lite.testing.strategies import OPERATIONS, Program, Step, finite_floats, points_for, programs

# ---- Planted bugs -----------------------------------------------------------------------


#: What programs write with an operator, as calls of a primitive, which can be replaced.
CALLS = {"sub": "ag.sub({a}, {b})", "div": "ag.div({a}, {b} * {b} + 1.0)", "cube": "ag.constant_pow(ag.sin({a}), 3)"}


@contextlib.contextmanager
def partials(op: Op, planted: Any) -> Iterator[None]:
    """A primitive with other partials in the place of one of the table's, for who asks the package or the table.

    A new one, as the compiled core keeps what it once found out about an Op.
    """
    sick = Op(op.name, op.value, planted, symbol=op.symbol, otherwise=op.otherwise)
    constant_pow = sick if op.name == "constant_pow" else ops.constant_power
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(primitives, op.name, sick)
        patch.setattr(ag, "constant_pow", constant_pow, raising=False)
        patch.setattr(ag, op.name, sick)
        for name, call in CALLS.items():
            patch.setitem(OPERATIONS, name, OPERATIONS[name]._replace(safe=call))
        # Its expressions keep the names of the package as they find them.
        patch.setattr(edges, "_function", edges._function.__wrapped__)
        yield


def breadth_first(*roots: Any, stop: Any = ()) -> list[Any]:
    """Every operation once, in the order of discovery."""
    found, seen = [root for root in roots if root._x is not None], set(stop)
    for one in found:
        for operand in one.operands:
            if isinstance(operand, Value) and operand._x is not None and operand not in seen:
                seen.add(operand)
                found.append(operand)
    return found[::-1]


def sweep(accumulate: Callable[[Any, Any], Any], *, operands_as_set: bool = False) -> Callable[..., Any]:
    """A backward pass that puts a contribution to what is there already in a way of its own."""

    def pull_back(order: list[Any], seeds: dict[Any, Any], create_graph: bool, keep: bool, _: bool) -> dict[Any, Any]:
        found = dict(seeds)
        for one in reversed(order):
            adjoint = found.pop(one, 0.0)
            if keep:
                one._grad = adjoint
            pairs = zip(one.operands, one.partials, strict=True)
            for operand, partial in dict(pairs).items() if operands_as_set else pairs:
                if isinstance(operand, Value):
                    found[operand] = accumulate(found.get(operand, 0.0), adjoint * partial)
        return found

    return pull_back


def scaled(op: Op, error: float) -> Any:
    """The derivative of a function of one number, off by a factor."""
    plain: Any = op.partials
    return partials(op, lambda ans, x: tuple(p * (1 + error) for p in plain(ans, x)))


#: What is planted, how, the operations of the programs that look for it, and in how many operations at most
#: Hypothesis then shows it.
PLANTS: dict[str, tuple[Callable[[], Any], list[str], int]] = {
    "the sign of sub": (lambda: partials(ops.sub, (1.0, 1.0)), ["sub", "sin", "add"], 1),
    "swapped partials of div": (lambda: partials(ops.div, lambda ans, x, y: (-ans / y, 1 / y)), ["div", "add"], 1),
    "tanh's derivative": (lambda: partials(ops.tanh, lambda ans, x: (1 - ans,)), ["tanh", "add"], 1),
    "exp off by 1e-7": (lambda: scaled(ops.exp, 1e-7), ["exp", "mul", "add"], 1),
    "exp off by 1e-11": (lambda: scaled(ops.exp, 1e-11), ["exp", "mul", "add"], 1),
    "a lost branch of where": (lambda: partials(ops.where, lambda ans, c, x, y: (0.0, ops.not_equal(c, 0.0), 0.0)),
                               ["where", "add"], 1),
    "an exponent of pow": (lambda: partials(ops.constant_power, lambda ans, x, n: (n * ops.constant_power(x, n), 0.0)),
                           ["cube", "add"], 1),
    "log without its inner derivative": (lambda: partials(ops.log, lambda ans, x: (1 / (x + 1),)), ["log", "mul"], 1),
    "a wrong sign of cos": (lambda: partials(ops.cos, lambda ans, x: (ops.sin(x),)), ["cos", "mul"], 1),
}  # fmt: skip


#: The same for bugs of the walk. The compiled core walks in C, where nothing can be planted.
WALKS: dict[str, tuple[Any, str, Any, list[str], int]] = {
    "operands as a set": (
        chain,
        "_pull_back",
        sweep(lambda a, b: a + b, operands_as_set=True),
        ["mul", "add", "cos"],
        1,
    ),
    "breadth-first order": (graph, "operations", breadth_first, ["add", "sin", "mul"], 4),
    "assignment, not accumulation": (chain, "_pull_back", sweep(lambda a, b: b), ["add", "sin"], 1),
}
in_python = pytest.mark.skipif(COMPILED, reason="planted in the walk of the pure core: AUTOGRAD_LITE_PURE=1")


def smallest(plant: Callable[[], Any], operations: list[str]) -> Program:
    """The smallest program that shows a bug."""

    @st.composite
    def placed(draw: st.DrawFn) -> tuple[Program, list[float]]:
        program = draw(programs(ops=operations, max_ops=8))
        return program, draw(points_for(program))

    def is_found(case: tuple[Program, list[float]]) -> bool:
        program, point = case
        with plant():
            try:
                again = Program(program.inputs, program.steps)  # with what is planted
                check_gradients(again, *point, order=1, modes=("reverse",), oracle="high_precision")
            except GradientMismatch:
                return True
        return False

    settings = hypothesis.settings(database=None, derandomize=True, max_examples=2000, deadline=None)
    return hypothesis.find(placed(), is_found, settings=settings)[0]


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_bug_is_found_and_shrinks_to_a_few_operations(name: str) -> None:
    plant, operations, most = PLANTS[name]
    program = smallest(plant, operations)
    assert len(program.steps) <= most, program


@in_python
@pytest.mark.parametrize("name", WALKS)
def test_a_bug_of_the_walk_is_found_and_shrinks_to_a_few_operations(name: str) -> None:
    place, attribute, planted, operations, most = WALKS[name]
    program = smallest(lambda: mock.patch.object(place, attribute, planted), operations)
    assert len(program.steps) <= most, program


@pytest.mark.parametrize("name", ["sub", "exp", "where"])
def test_what_was_planted_is_gone_afterwards(name: str) -> None:
    before = primitives[name]
    with partials(before, before.partials):
        assert primitives[name] is getattr(ag, name) is not before
    assert primitives[name] is getattr(ag, name) is before


def test_half_of_a_max_tie_is_found_by_the_edge_table() -> None:
    planted = partials(ops.maximum, lambda ans, x, y: (ops.greater_equal(x, y), ops.less(x, y)))
    with planted, pytest.raises(AssertionError, match=r"maximum\(x, y\) at \(2.0, 2.0\): .*gradient \(1.0, 0.0\)"):
        assert_edge_table()
    assert_edge_table()


@in_python
def test_stale_local_partials_are_found_by_assigning_data() -> None:
    def gradient() -> float:
        x = Value(2.0)
        y = ag.sin(x)
        x.data = 3.0
        y.backward()
        return x.grad  # type: ignore[no-any-return]

    def stale(order: list[Any], *rest: Any) -> Any:
        for one in order:
            numbers = [node.number(o) for o in one.operands]
            (one._dx,) = one.op.differentiate(one.op.evaluate(*numbers), *numbers)
        return real(order, *rest)

    real = chain._pull_back
    assert gradient() == math.cos(2.0)
    with mock.patch.object(chain, "_pull_back", stale):
        assert gradient() != math.cos(2.0)


@in_python
def test_a_missing_reset_of_interior_gradients_is_found_by_repeating() -> None:
    def twice() -> float:
        x = Value(3.0)
        y = x * x
        z = y * y
        z.backward()
        z.backward()
        return x.grad  # type: ignore[no-any-return]

    def without_reset(order: list[Any], seeds: Any, *rest: Any) -> Any:
        left = {one: one._grad for one in order if hasattr(one, "_grad") and one not in seeds}
        return real(order, {**left, **seeds}, *rest)

    real = chain._pull_back
    assert twice() == 216.0
    with mock.patch.object(chain, "_pull_back", without_reset):
        assert twice() != 216.0


def test_the_report_names_the_primitive_that_is_off() -> None:
    cube = Op("cube", lambda x: x * x * x, lambda ans, x: (2 * x * x,))
    with pytest.raises(GradientMismatch) as caught:
        check_gradients(lambda speed: ag.sin(cube(speed)), 0.5)
    assert "MISMATCH" in str(caught.value)
    assert "reverse  speed" in str(caught.value)
    assert "the partial of cube by operand 0, at speed = 0.5: recorded 0.5, should be 0.75" in str(caught.value)
    assert caught.value.report.mismatches  # type: ignore[attr-defined]


def test_a_wrong_second_derivative_alone_is_found_and_blamed() -> None:
    cube = Op("cube", lambda x: x * x * x, lambda ans, x: (3 * x * ag.stop_gradient(x),))
    assert check_gradients(cube, 0.5, order=1).ok
    with pytest.raises(GradientMismatch, match=r"the derivative of the partial of cube by operand 0, at x = 0.5"):
        check_gradients(lambda x: cube(x) * 1.0, 0.5)


def test_a_fault_of_no_primitive_says_where_to_look() -> None:
    with pytest.raises(GradientMismatch, match="each primitive's own partials are right at this point and beside it"):
        check_gradients(lambda x: x * ag.stop_gradient(x), 3.0, order=1)


def test_errors_of_a_billionth_in_one_partial_are_found() -> None:
    rng, missed = random.Random(0), 0
    for _ in range(100):
        x, error = rng.uniform(0.5, 2.0), 1e-9 * rng.choice([-1, 1])
        with scaled(ops.sin, error):
            try:
                check_gradients(lambda v: ag.sin(v) * v + ag.exp(v), x, order=1, oracle="high_precision")
                missed += 1
            except GradientMismatch:
                pass
    assert missed <= 1


# ---- check_gradients --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "point", "why"),
    [
        (ag.relu, 0.0, "a kink: slope 0 to the left, 1 to the right"),
        (ag.absolute, 0.0, "a kink: slope -1 to the left, 1 to the right"),
        (ag.floor, 2.0, "a kink|a jump"),
        (ag.sign, 0.0, "a jump"),
        (ag.cbrt, 0.0, "a jump, or a slope without bound"),
        (ag.sqrt, 0.0, "nan or infinite here or just beside"),
        (ag.log, 0.0, "nan or infinite"),
        (lambda x: (x + 1e17) - 1e17, 1.0, "too much rounding|a kink|a jump"),
    ],
)
def test_where_nobody_can_tell_the_report_is_inconclusive_and_says_why(
    f: Callable[[Any], Any], point: float, why: str
) -> None:
    report = check_gradients(f, point, order=1, oracle="finite_difference", allow_inconclusive=True)
    assert not report.ok
    assert len(report.inconclusive) == 2
    assert re.search(why, report.inconclusive[0].reason)


def test_a_report_reads_as_a_table() -> None:
    report = check_gradients(lambda a, b: a * b["c"][0], 2.0, {"c": [3.0]})
    lines = repr(report).splitlines()
    assert lines[0] == "<GradientReport: 12 derivatives, all agree>"
    assert lines[1].split() == ["order", "mode", "by", "analytic", "numeric", "error", "tolerance", "verdict"]
    assert [c.by for c in report.comparisons[:2]] == ["a", "b['c'][0]"]
    assert len({len(line.split("agrees")[0]) for line in lines[2:]}) == 1


@pytest.mark.parametrize("oracle", ["auto", "finite_difference", "high_precision", "complex_step"])
def test_every_oracle_passes_a_right_gradient(oracle: str) -> None:
    order = 1 if oracle == "complex_step" else 2
    assert check_gradients(lambda x, y: ag.sin(x) * ag.exp(y) / (x + 2), 1.0, 0.5, order=order, oracle=oracle).ok


def test_modules_and_arrays_are_structures() -> None:
    np = pytest.importorskip("numpy")
    model = nn.MLP(2, [2, 1], activation="tanh", rng=0)
    report = check_gradients(lambda model, x: model(x), model, np.array([0.5, -1.0]), order=1)
    assert report.ok
    assert [c.by for c in report.comparisons[:9]][-2:] == [model.parameters()[-2].name, model.parameters()[-1].name]
    assert not any(p.has_grad for p in model.parameters())


def test_fixed_tolerances_take_the_place_of_the_adaptive_one() -> None:
    almost = Op("almost", lambda x: x * x, lambda ans, x: (2 * x * (1 + 1e-4),))
    assert check_gradients(almost, 1.0, order=1, rtol=1e-3).ok
    assert check_gradients(almost, 1.0, order=1, atol=1e-3).ok
    with pytest.raises(GradientMismatch):
        check_gradients(almost, 1.0, order=1, rtol=1e-6)


def test_a_program_that_loses_digits_loosens_its_tolerance() -> None:
    def lossy(x: Any) -> Any:
        return (ag.exp(x * 20) + x) - ag.exp(x * 20)

    assert rounding_tolerance(lossy, 1.0)[0] > 1e6 * rounding_tolerance(lambda x: ag.exp(x) + x, 1.0)[0]
    assert not check_gradients(lossy, 1.0, order=1).mismatches


def test_a_function_of_floats_alone_is_checked_by_differences() -> None:
    own = Op("own", lambda x: math.sin(x) * x, lambda ans, x: (ops.cos(x) * x + ops.sin(x),))
    assert check_gradients(own, 0.5).ok
    report = check_gradients(own, 0.5, oracle="high_precision", allow_inconclusive=True)
    assert "own has no value of 60 digits" in report.inconclusive[0].reason


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: check_gradients(ag.sin, 1.0, order=3), ArgumentError, "order is 1 or 2, got int 3"),
        (lambda: check_gradients(ag.sin, 1.0, oracle="fd"), ArgumentError, "no oracle 'fd'; there are auto"),
        (lambda: check_gradients(ag.sin, 1.0, modes="reverse"), ArgumentError, "modes is a tuple of 'reverse'"),
        (lambda: check_gradients(ag.sin, 1.0, rtol=-1), ArgumentError, "rtol is a number from 0 up"),
        (lambda: check_gradients(ag.sin, 1.0, oracle="complex_step"), ArgumentError, "say order=1"),
        (lambda: check_gradients(ag.sin), ArgumentError, "at least one number to differentiate by"),
        (lambda: check_gradients(ag.sin, "1"), TypeError, "got str '1'"),
        (lambda: check_gradients(1.0, ag.sin), TypeError, "takes the function first"),  # type: ignore[arg-type]
        (lambda: check_gradients(lambda x: [x], 1.0), TypeError, "returns one number"),
        (lambda: finite_floats(2.0, 1.0), ArgumentError, "min_value < max_value"),
        (lambda: programs(ops=["sinus"]).example(), ArgumentError, r"there is no operation \['sinus'\]"),
    ],
)
@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
def test_misuse_says_what_was_expected(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


# ---- What cannot be told does not pass --------------------------------------------------


def single(factor: float) -> Op:
    """A sine whose value is rounded to single precision, and whose gradient is off by a factor."""
    return Op(
        "single", lambda x: struct.unpack("f", struct.pack("f", math.sin(x)))[0], lambda _, x: (factor * ag.cos(x),)
    )


@pytest.mark.parametrize("x", [0.1, 0.7, 1.5, 2.9, -40.0])
def test_noise_in_the_value_does_not_hide_a_wrong_gradient(x: float) -> None:
    for wrong in (8.0, 1.01, 0.0):
        with pytest.raises(GradientMismatch, match="the partial of single by operand 0"):
            check_gradients(single(wrong), x)
        with pytest.raises(GradientMismatch):
            check_gradients(lambda x, y, factor=wrong: single(factor)(x) + y * y, x, 1.0, order=1)
    assert check_gradients(single(1.0), x).ok


def test_noise_that_is_known_may_be_said() -> None:
    rounded = Op("rounded", lambda x: round(math.sin(x), 4), lambda ans, x: (ag.cos(x),))
    report = check_gradients(rounded, 0.7, order=1, noise=5e-5)
    assert report.ok
    assert 1e-4 < report.comparisons[0].tolerance < 0.1


# By the last bits of a float, and of floats alone: other numbers would give it something else to go by.
STAIRS = Op("stairs", lambda x: math.frexp(x)[0] * 2.0**53 % 101 / 101, lambda ans, x: (0.0 * x,))


@pytest.mark.parametrize(
    ("f", "point"),
    [(ag.relu, 0.0), (ag.absolute, 0.0), (ag.floor, 2.0), (ag.log, -1.0), (ag.sqrt, 0.0), (ag.sin, math.nan),
     (ag.exp, math.inf), (STAIRS, 0.7), (lambda x: ag.relu(x) ** 2, 0.0)],
)  # fmt: skip
def test_where_nobody_can_tell_the_check_does_not_pass(f: Callable[[Any], Any], point: float) -> None:
    with pytest.raises(InconclusiveGradient, match="allow_inconclusive=True") as caught:
        check_gradients(f, point)
    assert caught.value.report.inconclusive  # type: ignore[attr-defined]
    assert not check_gradients(f, point, allow_inconclusive=True).ok


@pytest.mark.parametrize(
    "f", [lambda x, y: ag.relu(x) + y * y, lambda x, y: abs(x) * y + y * y, lambda x, y: ag.maximum(x, 0.0) * y + y**3]
)
def test_a_kink_passes_where_the_derivative_lies_between_its_slopes_and_others_agree(f: Callable[..., Any]) -> None:
    report = check_gradients(f, 0.0, 1.0)
    assert not report.ok
    assert all(c.at_kink for c in report.inconclusive)


def test_a_kink_does_not_excuse_a_derivative_beyond_its_slopes() -> None:
    wrong = Op("wrong", lambda x: max(x, 0.0), lambda ans, x: (7.0 * ag.greater_equal(x, 0.0),))
    with pytest.raises(InconclusiveGradient):
        check_gradients(lambda x, y: wrong(x) + y * y, 0.0, 1.0, order=1)


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: x * x, 1e170),
        (lambda x: x * x * 1e-200, 1e160),
        (lambda x: ag.mod(ag.exp(x), 1.0), 75.43),
        (ag.sin, 4e265),
        (ag.cbrt, 1e-12),
        (lambda x: 1e-200 * ag.exp(x), 1.0),
        (lambda x: ag.sin(x) ** 2 + ag.cos(x) ** 2, 1.3),
        (lambda x: x * 0.0 + 1e10, 1.3),
    ],
)
def test_a_right_gradient_at_a_hard_point_agrees(f: Callable[[Any], Any], x: float) -> None:
    assert check_gradients(f, x).ok


def test_a_zero_where_a_small_derivative_should_be_is_found() -> None:
    lost = Op("lost", lambda x: x * 1e-6, lambda ans, x: (0.0 * x,))
    with pytest.raises(GradientMismatch):
        check_gradients(lambda x: lost(x) + 1e10, 1.3)
    with pytest.raises(GradientMismatch):
        check_gradients(Op("inf", lambda x: x, lambda ans, x: (ag.exp(1e9 * x),)), 1.0, order=1)


def test_differences_alone_raise_no_alarm_for_a_library_function_that_is_off_by_a_few_ulp() -> None:
    assert check_gradients(ag.asinh, -1.6949813113696388, order=1, oracle="finite_difference").ok


def test_more_runs_are_made_before_a_mismatch_is_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    lucky = iter([0.25] * 8)  # each of the first runs rounds the same way
    monkeypatch.setattr(subjects, "perturbed", lambda x, rng: perturbed(x, rng) if next(lucky, None) is None else x)
    with scaled(ops.sin, 1e-15):
        assert check_gradients(ag.sin, 1.0, order=1, oracle="high_precision").ok


def test_a_partial_that_is_wrong_beside_the_point_alone_is_blamed() -> None:
    cube = Op("cube", lambda x: x * x * x, lambda ans, x: (2 * x * x + 1,))  # right at 1 and -1
    assert check_gradients(cube, 1.0, order=1).ok
    with pytest.raises(GradientMismatch, match="the partial of cube by operand 0 beside the point"):
        check_gradients(lambda x: cube(x) * 1.0, 1.0)
    floats = Op("floats", lambda x: math.pow(x, 3.0), lambda ans, x: (2 * x * x + 1,))
    with pytest.raises(InconclusiveGradient, match="the values beside the point have another curvature"):
        check_gradients(lambda x, y: floats(x) * y, 1.0, 2.0)


def test_a_primitive_that_nobody_can_tell_of_is_not_acquitted() -> None:
    with pytest.raises(GradientMismatch, match="nobody can tell of that of relu"):
        check_gradients(lambda x: ag.relu(x - 3.0) + x * ag.stop_gradient(x) - ag.relu(3.0 - x), 3.0, order=1)


# ---- Oracles and numbers ----------------------------------------------------------------


@pytest.mark.parametrize("x", [-2.0, 1e-3, 0.5, 3.0, 50.0])
def test_oracles_err_less_than_they_say(x: float) -> None:
    f = lambda v: ag.sin(v) * ag.exp(v * 0.1) + v * v
    exact = math.exp(0.1 * x) * (math.cos(x) + 0.1 * math.sin(x)) + 2 * x
    for oracle in (finite_difference, high_precision_difference, complex_step):
        derivative, error = oracle(f, x)
        assert abs(derivative - exact) <= error + 4e-16 * abs(exact), oracle
        assert error < 1e-8


def test_the_complex_step_refuses_what_is_not_analytic() -> None:
    for f in (ag.absolute, lambda x: x if x > 0 else -x, ag.relu, ag.erf, lambda x: 1.0 if x else 2.0):
        with pytest.raises(InapplicableOracleError, match="the complex step does not hold through"):
            complex_step(f, 1.0)


def test_numbers_of_many_digits_do_not_lose_them_unseen() -> None:
    own = Op("own", lambda x: math.sin(x) * x, lambda ans, x: (x,))
    with pytest.raises(InapplicableOracleError, match="own has no value of 60 digits"):
        own(Precise(1.0))
    assert str(Precise(1) / 3)[:30] == "0.3333333333333333333333333333"
    plain = Op("plain", lambda x: x * x, lambda ans, x: (2 * x,))
    assert plain(Precise(1.5)).value == 2.25


def test_without_mpmath_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def importing(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "mpmath":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", importing)
    precise.context.cache_clear()
    with pytest.raises(MissingDependencyError, match=r'pip install "autograd_lite\[test\]"'):
        high_precision_difference(ag.sin, 1.0)
    assert check_gradients(ag.sin, 1.0).ok  # finite differences need nothing


@given(st.data())
def test_a_program_runs_over_every_type_of_number(data: st.DataObject) -> None:
    program = data.draw(programs(max_ops=8))
    x = data.draw(points_for(program))
    expected = program(*x)
    close = pytest.approx(expected, rel=1e-9, abs=1e-9)
    value = program(*map(Value, x)).data
    assert value == close
    assert program(*(Dual(number) for number in x)).value == value
    assert float(program(*map(Precise, x)).value) == close
    rng = random.Random(0)
    assert program(*(Perturbed(number, rng) for number in x)).value == close
    with contextlib.suppress(InapplicableOracleError):
        assert program(*map(Complex, x)).value.real == close


# ---- Strategies -------------------------------------------------------------------------


@given(programs(), st.data())
def test_safe_programs_are_defined_everywhere(program: Program, data: st.DataObject) -> None:
    x = data.draw(st.lists(finite_floats(), min_size=program.inputs, max_size=program.inputs))
    assert math.isfinite(program(*x))


@given(programs(max_ops=6))
def test_the_repr_of_a_program_is_its_code(program: Program) -> None:
    names: dict[str, Any] = {"ag": ag}
    exec(repr(program), names)
    x = [0.5] * program.inputs
    assert names["program"](*x) == program(*x)


@given(programs(["log", "sqrt", "relu", "div", "asin"], max_ops=3, domain_safe=False), st.data())
@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.filter_too_much])
def test_points_lie_in_the_domain_and_away_from_kinks(program: Program, data: st.DataObject) -> None:
    x = data.draw(points_for(program))
    assert math.isfinite(program(*x))
    assert program.margin(*x) >= 1e-2


def test_programs_share_subexpressions_and_count_their_kinks() -> None:
    program = Program(2, [Step("relu", (0,)), Step("maximum", (2, 1)), Step("mul", (3, 3))])
    assert program.margin(0.5, 0.25) == pytest.approx(0.25)  # 0.5 + 0.3 against 0.25 + 0.3
    assert set(OPERATIONS) >= {"log", "relu", "where"}


def test_the_page_of_the_edges_is_made_from_the_table() -> None:
    page = Path(__file__).parent.parent / "docs" / "edges.md"
    assert page.read_text(encoding="utf-8") == edge_page()


# ---- Robustness -------------------------------------------------------------------------

ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(min_value=10**300), st.floats(), st.complex_numbers(),
    st.text(max_size=3), st.binary(max_size=3), st.fractions(), st.decimals(), st.dates(), st.timedeltas(),
    st.lists(st.floats(), max_size=2), st.dictionaries(st.integers(), st.floats(), max_size=1), st.functions(),
    st.sampled_from([int, Value, ag.sin, Value(1.0), object(), NotImplemented, ..., range(3), memoryview(b"a"), ag]),
)  # fmt: skip


@hypothesis.settings(max_examples=2000)
@given(ODD, ODD)
def test_odd_arguments_give_a_value_or_an_error_of_ours(thing: Any, name: Any) -> None:
    try:
        value = Value(thing, name)
    except (TypeError, OverflowError) as error:
        message = str(error)
    else:
        assert type(value.data) is float
        assert value.name is None or isinstance(value.name, str)
        return
    assert "got" in message or "beyond the largest float" in message

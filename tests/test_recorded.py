"""Functions of numbers as recorded programs, and which partials may be recorded."""

import itertools
import math
import random
from collections.abc import Callable
from math import inf, nan
from typing import Any

import pytest

import autograd_lite as ag
from autograd_lite import Op
from autograd_lite.core import ops
from autograd_lite.core.recorded import CHOOSE_BY, Recorded, record, recorded_partials
from autograd_lite.ops import primitives
from tests.test_ops import POINTS

_FEW = (0.0, -0.0, 1.0, -1.5, 2.0, 1e200, 5e-324, inf, -inf, nan)


def run(made: Recorded, *numbers: float) -> list[str]:
    """The outputs of a program, each operation by its primitive, to the bit."""
    known = list(numbers)
    for op, operands in made.instructions:
        known.append(op.evaluate(*[known[o] if type(o) is int else o for o in operands]))
    return [(known[o] if type(o) is int else float(o)).hex() for o in made.outputs]


@pytest.mark.parametrize("name", primitives)
def test_the_partials_of_every_primitive_can_be_recorded_and_are_the_same(name: str) -> None:
    op, draws = primitives[name], random.Random(name)
    points: list[tuple[float, ...]] = list(POINTS[name])
    points += [tuple(draws.choices(_FEW, k=len(point))) for point in points for _ in range(30)]
    by = CHOOSE_BY.get(name)
    for point in points:
        if name.startswith("polygamma") and not point[0] < 5.0:
            continue
        made = recorded_partials(op, len(point), {} if by is None else {by: point[by]})
        assert made is not None
        ans = op(*point)
        assert run(made, ans, *point) == [float(p).hex() for p in op.differentiate(ans, *point)], point


def test_powers_are_those_of_floats() -> None:
    made = record(lambda x: (0.9**x, x**2, 2**x, 0.0**x, x**-3.0), 1)
    assert made is not None
    for x in (0.3, 1.0, 7.0, -2.5 + 3.0, 1e5, 123.456):
        assert run(made, x) == [float(y).hex() for y in (0.9**x, x**2, ag.power(2.0, x), 0.0**x, x**-3.0)]


def test_an_operation_on_the_same_numbers_is_recorded_once() -> None:
    made = record(lambda x, y: (ag.sin(x) * y, y + ag.sin(x), x + 0.0, x + -0.0), 2)
    assert made is not None
    assert [op.name for op, _ in made.instructions] == ["sin", "mul", "add", "add", "add"]


REFUSED: dict[str, Callable[..., Any]] = {
    "if": lambda x: (1.0 if x else 2.0,),
    "a comparison": lambda x: (x > 0.0,),
    "max": lambda x: (max(x, 0.0),),
    "equality": lambda x: (1.0 if x == 0.0 else 2.0,),
    "float": lambda x: (float(x),),
    "int": lambda x: (int(x),),
    "math": lambda x: (math.sin(x),),
    "round, which gives an int": lambda x: (round(x),),
    "math.floor": lambda x: (math.floor(x),),
    "a broken power, which may be complex": lambda x: (x**0.5,),
    "a power of a constant below 0": lambda x: ((-2.0) ** x,),
    "a dict": lambda x: ({x: 1.0}[x],),
    "a text": lambda x: (f"{x:.2f}",),
    "no tuple": lambda x: x,
    "no number": lambda x: ("a",),
    "a Value": lambda x: (x * ag.Value(1.0),),
    "an error": lambda x: (1 // 0,),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_looks_at_a_number_is_not_recorded(what: str) -> None:
    assert record(REFUSED[what], 1) is None


def test_a_constant_may_be_looked_at() -> None:
    made = record(lambda x, n: (x if n > 1.0 else n * x,), 2, {1: 0.5})
    assert made == Recorded(2, [(ops.mul, (0.5, 0))], (2,))


# ---- The user's own -----------------------------------------------------------------------

GLOBAL_RATE = 2.0


def helper(x: Any) -> Any:
    return 2.0 * x


def _with_a_closure(thing: Any) -> Any:
    return lambda ans, x: (thing * x,)


def _calls_a_closure(thing: Any) -> Any:
    return lambda ans, x: (thing(x),)


def _answers_an_error(ans: Any, x: Any) -> Any:
    try:
        return (x / ans,)
    except ZeroDivisionError:
        return (0.0,)


FIXED: dict[str, Callable[..., Any]] = {
    "arithmetic": lambda ans, x: (3 * x * x,),
    "primitives by their names": lambda ans, x: (ops.cos(x) - ag.exp(ans),),
    "a whole power": lambda ans, x: (4 * x**3,),
    "constants of math": lambda ans, x: (x * math.pi,),
    "a closure that is a primitive": _calls_a_closure(ag.sin),
    "a lambda inside": lambda ans, x: tuple(map(lambda y: y * ans, [x])),  # noqa: C417
    "a loop": lambda ans, *xs: tuple(2.0 * x * ans for x in xs),
    "its own locals in a lambda": lambda ans, x: (lambda y: (x * y,))(ans),  # noqa: PLC3002
}
CHANGING: dict[str, Callable[..., Any]] = {
    "a global number": lambda ans, x: (x * GLOBAL_RATE,),
    "a closure that is a number": _with_a_closure(2.0),
    "a closure that is a function": _calls_a_closure(helper),
    "a function of the user's": lambda ans, x: (helper(x),),
    "random numbers": lambda ans, x: (x * random.random(),),
    "a global number inside a lambda": lambda ans, x: (lambda y: (y * GLOBAL_RATE,))(x),  # noqa: PLC3002
    "an import": lambda ans, x: (__import__("random").random() * x,),
    "sum, which rounds floats otherwise": lambda ans, x: (sum([x, ans, 1.0]),),
    "a division whose error it answers": _answers_an_error,
    "the type of a number": lambda ans, x: (x * isinstance(x, float),),
}


@pytest.mark.parametrize("what", FIXED)
def test_partials_of_the_users_are_recorded_where_nothing_they_read_can_change(what: str) -> None:
    op = Op("own", lambda x: x, FIXED[what])
    made = recorded_partials(op, 1)
    assert made is not None
    for x, ans in itertools.product((0.5, -2.0, 3.0), repeat=2):
        assert run(made, ans, x) == [float(p).hex() for p in op.differentiate(ans, x)]


@pytest.mark.parametrize("what", CHANGING)
def test_partials_of_the_users_are_not_recorded_where_something_they_read_may_change(what: str) -> None:
    assert recorded_partials(Op("own", lambda x: x, CHANGING[what]), 1) is None


def test_the_constant_partials_of_a_linear_primitive_are_a_program_of_no_instructions() -> None:
    assert recorded_partials(ops.sub, 2) == Recorded(3, [], (1.0, -1.0))

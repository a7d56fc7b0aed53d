"""What a gradient check costs, to second order, by each oracle; and whether it finds what is planted."""

import functools
import random
from collections.abc import Callable
from typing import Any

from benchmarks.measure import Ready, Workload

PROGRAMS = 10


def placed(rng: random.Random, inputs: int, count: int) -> tuple[Any, list[float]]:
    """A random program that is safe in its domain, and a point for it, away from its kinks."""
    from autograd_lite.testing.strategies import OPERATIONS, Program, Step

    operations = list(OPERATIONS)
    while True:
        steps = []
        for i in range(count):
            name = rng.choice(operations)
            steps.append(Step(name, tuple(rng.randrange(inputs + i) for _ in range(OPERATIONS[name].arity))))
        f, x = Program(inputs, steps), [rng.uniform(-4, 4) for _ in range(inputs)]
        if f.margin(*x) > 1e-2:
            return f, x


def checks(oracle: str, order: int) -> Ready:
    """Programs of 25 operations and 3 inputs, all of which are right: an alarm is an error."""
    from autograd_lite.testing import check_gradients

    rng = random.Random(0)
    programs = [placed(rng, 3, 25) for _ in range(PROGRAMS)]

    def call() -> list[bool]:
        return [check_gradients(f, *x, order=order, oracle=oracle, allow_inconclusive=True).ok for f, x in programs]

    return Ready(call, lambda: [1.0] * len(call()))


def spoiled(partials: Any, error: float) -> Callable[[Any, Any], tuple[Any]]:
    """A primitive's only partial with a relative error."""
    return lambda ans, x: (partials(ans, x)[0] * (1 + error),)


def at_work(op: Any) -> Callable[[Any, Any], Any]:
    """A function that applies a primitive to what depends on two numbers."""
    from autograd_lite import ops

    return lambda a, b: op(a * b) * b + ops.cos(a)


def found(oracle: str, error: float, count: int = 50) -> Ready:
    """The share of relative errors, planted in one primitive's partial, that a check misses."""
    from autograd_lite import Op
    from autograd_lite.errors import GradientMismatch
    from autograd_lite.ops import primitives
    from autograd_lite.testing import check_gradients

    def missed() -> float:
        rng, hits = random.Random(0), 0
        for _ in range(count):
            op: Op = primitives[rng.choice(["sin", "exp", "tanh", "log", "sqrt", "atan", "sigmoid"])]
            sick = Op(op.name, op.value, spoiled(op.partials, error), symbol=op.symbol, otherwise=op.otherwise)
            x = [rng.uniform(0.5, 2.0), rng.uniform(0.5, 2.0)]
            primitives[op.name] = sick  # the oracle of 60 digits knows the table's only
            try:
                check_gradients(at_work(sick), *x, order=1, oracle=oracle, allow_inconclusive=True)
            except GradientMismatch:
                hits += 1
            finally:
                primitives[op.name] = op
        return 1.0 - hits / count

    return Ready(list, figure=missed)


ORACLES = ("high_precision", "finite_difference")

WORKLOADS = [
    *[
        Workload(
            f"a check of 25 operations, order {order}",
            {f"autograd_lite, {oracle}": functools.partial(checks, oracle, order) for oracle in ORACLES},
            per=PROGRAMS, each="a function",
        )
        for order in (1, 2)
    ],
    *[
        Workload(
            f"share missed of planted errors of {error:.0e}",
            {f"autograd_lite, {oracle}": functools.partial(found, oracle, error) for oracle in ORACLES},
            unit="", is_quick=False,
        )
        for error in (1e-7, 1e-9, 1e-11)
    ],
]  # fmt: skip

"""The gradient checker: its time, its false alarms, and what it misses.

    python benchmarks/testing.py

Needs the extra ``test``.
"""

import random
import statistics
import time
from collections import Counter

from autograd_lite import Op, ops
from autograd_lite.errors import GradientMismatch, InconclusiveGradient
from autograd_lite.ops import primitives
from autograd_lite.testing import check_gradients
from autograd_lite.testing.strategies import OPERATIONS, Program, Step


def program(rng: random.Random, operations: list[str], inputs: int, count: int) -> Program:
    """A random domain-safe program."""
    steps = []
    for i in range(count):
        name = rng.choice(operations)
        steps.append(Step(name, tuple(rng.randrange(inputs + i) for _ in range(OPERATIONS[name].arity))))
    return Program(inputs, steps)


def placed(rng: random.Random, inputs: int, count: int) -> tuple[Program, list[float]]:
    """A random program and a point for it, away from its kinks."""
    while True:
        f = program(rng, list(OPERATIONS), inputs, count)
        x = [rng.uniform(-4, 4) for _ in range(inputs)]
        if f.margin(*x) > 1e-2:
            return f, x


def time_of_a_check(rng: random.Random) -> list[float]:
    """Milliseconds for programs of 25 operations and 3 inputs, to second order, by the default oracle."""
    times = []
    for _ in range(40):
        f, x = placed(rng, 3, 25)
        started = time.perf_counter()
        check_gradients(f, *x)
        times.append((time.perf_counter() - started) * 1e3)
    return times


def false_alarms(rng: random.Random, count: int) -> tuple[int, Counter[str]]:
    """Checks that fail over random programs of up to 25 operations, which are right, and the verdicts."""
    alarms, verdicts = 0, Counter[str]()
    for _ in range(count):
        f, x = placed(rng, rng.randint(1, 3), rng.randint(1, 25))
        try:
            verdicts.update(c.verdict for c in check_gradients(f, *x).comparisons)
        except (GradientMismatch, InconclusiveGradient) as alarm:
            alarms += 1
            print(f, x, alarm, sep="\n")
    return alarms, verdicts


def found(rng: random.Random, count: int, error: float, oracle: str) -> float:
    """The share of planted relative errors in one primitive's partial that a check finds."""
    hits = 0
    for _ in range(count):
        op: Op = primitives[rng.choice(["sin", "exp", "tanh", "log", "sqrt", "atan", "sigmoid"])]
        plain = op.partials
        assert callable(plain)
        sick = Op(op.name, op.value, lambda ans, x, plain=plain: (plain(ans, x)[0] * (1 + error),))
        x = [rng.uniform(0.5, 2.0), rng.uniform(0.5, 2.0)]
        try:
            check_gradients(
                lambda a, b, sick=sick: sick(a * b) * b + ops.cos(a),
                *x,
                order=1,
                oracle=oracle,
                allow_inconclusive=True,
            )
        except GradientMismatch:
            hits += 1
    return hits / count


def main() -> None:
    rng = random.Random(0)
    times = time_of_a_check(rng)
    print(
        f"check of 25 operations, 3 inputs, order 2: median {statistics.median(times):.1f} ms, slowest {max(times):.1f}"
    )
    for error in (1e-7, 1e-9, 1e-11, 1e-12):
        shares = [found(rng, 300, error, oracle) for oracle in ("high_precision", "finite_difference")]
        print(f"planted relative error {error:.0e}: found {shares[0]:.1%} by 60 digits, {shares[1]:.1%} by differences")
    alarms, verdicts = false_alarms(rng, 2000)
    print(f"2,000 random programs: {alarms} false alarms; {dict(verdicts)}")


if __name__ == "__main__":
    main()

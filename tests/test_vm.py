"""The virtual machine of the compiled core: values and partials as the pure version has them, to the bit."""

import itertools
import json
import math
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from math import inf, nan
from typing import Any

import pytest

import autograd_lite as ag
from autograd_lite import Op
from autograd_lite.core import ops
from autograd_lite.core.recorded import record, recorded_partials
from autograd_lite.ops import primitives
from tests.test_ops import POINTS

vm = pytest.importorskip("autograd_lite.core.vm", reason="the core is not compiled here")

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
    return given + [tuple(draws.gauss(0.0, 3.0) for _ in range(op.arity or (4 if name == "dot" else 3))) for _ in range(50)]


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
        assert child.stdin is not None
        assert child.stdout is not None

        def ask(name: str, points: list[tuple[float, ...]]) -> Any:
            print(json.dumps([name, list(map(shown, points))]), file=child.stdin, flush=True)
            return json.loads(child.stdout.readline())

        yield ask
        child.stdin.close()


@pytest.mark.parametrize("name", _ALL)
def test_values_and_partials_of_every_primitive_are_those_of_the_pure_version(name: str, pure: Any) -> None:
    points = points_of(name)
    for point, row in zip(points, pure(name, points), strict=True):
        value = vm.evaluate(_ALL[name], *point)
        assert shown([value]) == row[:1], point
        assert shown(vm.partials(_ALL[name], *point)) == row[1:], point
        assert shown([_ALL[name](*point)]) == row[:1], point

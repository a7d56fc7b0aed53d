"""Bitwise agreement: the same random programs by the pure core and the compiled one, run in every way."""

import json
import os
import random
import subprocess
import sys
from typing import Any

from benchmarks.measure import ROOT
from benchmarks.questions.checking import placed

WAYS = ("eager", "python", "vm", "native", "map")


def results(count: int) -> dict[str, list[list[str]]]:
    """Value, gradient and Hessian of each program, as hexadecimal words, for each way that there is here."""
    from autograd_lite import core, hessian, jit, value_and_grad
    from autograd_lite.jit.backends import native, vm

    found: dict[str, list[list[str]]] = {}
    there = {"vm": vm.is_there(), "native": native.is_installed()}
    for i in range(count):
        rng = random.Random(i)
        f, x = placed(rng, 3, rng.randint(2, 25))

        def both(v: Any, f: Any = f) -> Any:
            value, gradient = value_and_grad(lambda v: f(*v))(v)
            return [value, *gradient, *(h for row in hessian(lambda v: f(*v))(v) for h in row)]

        for way in WAYS:
            if not there.get(way, True):
                continue
            if way == "eager":
                numbers = both(x)
            elif way == "map":
                rows = jit(lambda a, b, c, both=both: both([a, b, c])).map(*[[each] * 3 for each in x])
                numbers = rows[1]
            else:
                numbers = jit(both, backend=way)(x)
            name = f"{'compiled' if core.COMPILED else 'pure'}, {way}"
            found.setdefault(name, []).append([float(n).hex() for n in numbers])
    return found


def compared(count: int) -> tuple[dict[str, int], list[str]]:
    """How many programs each way differs in from the first, and which those are."""
    found: dict[str, list[list[str]]] = {}
    for pure in ("1", "0"):
        environment = {key: x for key, x in os.environ.items() if key != "AUTOGRAD_LITE_PURE"}
        if pure == "1":
            environment["AUTOGRAD_LITE_PURE"] = pure
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.accuracy.bits", str(count)],
            capture_output=True, text=True, check=True, env=environment, cwd=ROOT,
        )  # fmt: skip
        found |= json.loads(done.stdout)
    first = next(iter(found.values()))
    differing = {
        name: [i for i, (a, b) in enumerate(zip(f, first, strict=True)) if a != b] for name, f in found.items()
    }
    return {name: len(which) for name, which in differing.items()}, [
        f"{name}: program {i}" for name, which in differing.items() for i in which
    ]


if __name__ == "__main__":
    print(json.dumps(results(int(sys.argv[1]))))

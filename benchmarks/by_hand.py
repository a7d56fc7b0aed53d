"""Derivatives written by hand: in C, compiled by gcc, and as loops in Python, compiled by numba."""

import ctypes
import math
import subprocess
import tempfile
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import Ready

SOURCE = Path(__file__).parent / "c" / "functions.c"


def function_of_c(name: str) -> Any:
    """A function of c/functions.c: operands, results and a count to a double."""
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "f.so")
        subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", library, SOURCE, "-lm"], check=True)
        function = getattr(ctypes.CDLL(str(library)), name)
    function.restype = ctypes.c_double
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
    return function


def by_c(name: str, x: list[float], results: int, count: int = 0) -> Ready:
    """Value and gradient by C, from a list of floats to a list of floats, as the others give them."""
    function = function_of_c(name)
    found = array("d", bytes(8 * results))
    where, size = found.buffer_info()[0], count or len(x)

    def call() -> Any:
        given = array("d", x)
        return function(given.buffer_info()[0], where, size), found.tolist()

    return Ready(call)


# ---- numba ----------------------------------------------------------------------------------


def rosenbrock_loop(x: Any, g: Any) -> Any:
    total = 0.0
    g[:] = 0.0
    for i in range(len(x) - 1):
        a, b = x[i + 1] - x[i] * x[i], 1.0 - x[i]
        total += 100.0 * (a * a) + b * b
        g[i] += -400.0 * a * x[i] - 2.0 * b
        g[i + 1] += 200.0 * a
    return total


def black_scholes_loop(p: Any, g: Any) -> Any:
    s, k, r, v, t = p[0], p[1], p[2], p[3], p[4]
    root = v * math.sqrt(t)
    d1 = (math.log(s / k) + (r + v * v / 2.0) * t) / root
    d2 = d1 - root
    n1, n2 = 0.5 * (1.0 + math.erf(d1 * math.sqrt(0.5))), 0.5 * (1.0 + math.erf(d2 * math.sqrt(0.5)))
    discount, density = math.exp(-r * t), math.exp(-d1 * d1 / 2.0) / math.sqrt(2.0 * math.pi)
    g[0], g[1], g[2] = n1, -discount * n2, k * t * discount * n2
    g[3] = s * density * math.sqrt(t)
    g[4] = s * density * v / (2.0 * math.sqrt(t)) + r * k * discount * n2
    return s * n1 - k * discount * n2


def by_numba(loop: Callable[[Any, Any], Any], x: list[float]) -> Ready:
    """The same on arrays that numba's user would hold."""
    import numba
    import numpy as np

    fast, given, found = numba.njit(loop), np.array(x), np.zeros(len(x))
    return Ready(lambda: fast(given, found), lambda: [fast(given, found), found])

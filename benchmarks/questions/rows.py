"""What a row of data costs: maps of a compiled function over columns, in one thread and in two, and their memory."""

import functools
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.by_hand import function_of_c
from benchmarks.functions import black_scholes
from benchmarks.measure import MissingError, Ready, Workload

BOUNDS = ((50.0, 150.0), (50.0, 150.0), (0.0, 0.1), (0.1, 0.6), (0.1, 3.0))


def market(rows: int) -> list[Any]:
    """Columns of options."""
    import numpy as np

    rng = np.random.default_rng(0)
    return [rng.uniform(low, high, rows) for low, high in BOUNDS]


def sums(columns: Any) -> list[float]:
    """What is compared of the results: of each column its sum, and its last number."""
    return [x for column in columns for x in (float(column.sum()), float(column[-1]))]


def ours(rows: int, workers: int) -> Ready:
    import autograd_lite as ag

    fast = ag.jit(ag.value_and_grad(lambda *p: black_scholes(p, ag), range(5)))
    columns = market(rows)

    def answer() -> list[float]:
        value, slopes = fast.map(*columns)
        return sums([value, *slopes])

    return Ready(lambda: fast.map(*columns, workers=workers), answer)


def of_jax(rows: int) -> Ready:
    from types import SimpleNamespace

    import jax
    import jax.numpy as jnp

    m = SimpleNamespace(exp=jnp.exp, log=jnp.log, sqrt=jnp.sqrt, erf=jax.scipy.special.erf)
    fast = jax.jit(jax.vmap(jax.value_and_grad(lambda *p: black_scholes(p, m), range(5))))
    columns = [jnp.array(column) for column in market(rows)]

    def answer() -> list[float]:
        value, slopes = fast(*columns)
        return sums([value, *slopes])

    return Ready(lambda: jax.block_until_ready(fast(*columns)), answer)


def of_torch(rows: int) -> Ready:
    import torch

    columns = [torch.tensor(column, requires_grad=True) for column in market(rows)]

    def call() -> Any:
        value = black_scholes(columns, torch)
        return value.detach(), *torch.autograd.grad(value.sum(), columns)

    return Ready(call, lambda: sums(call()))


def of_numpy(rows: int) -> Ready:
    """By hand, the derivatives as a textbook has them."""
    import numpy as np
    from scipy.special import ndtr

    s, k, r, v, t = market(rows)

    def call() -> Any:
        root = v * np.sqrt(t)
        d1 = (np.log(s / k) + (r + v * v / 2) * t) / root
        d2 = d1 - root
        n1, n2, discount = ndtr(d1), ndtr(d2), np.exp(-r * t)
        density = np.exp(-d1 * d1 / 2) / np.sqrt(2 * np.pi)
        theta = s * density * v / (2 * np.sqrt(t)) + r * k * discount * n2
        return s * n1 - k * discount * n2, n1, -discount * n2, k * t * discount * n2, s * density * np.sqrt(t), theta

    return Ready(call, lambda: sums(call()))


def of_c(rows: int) -> Ready:
    import numpy as np

    function, given = function_of_c("black_scholes_rows"), np.concatenate(market(rows))
    results = np.zeros(6 * rows)

    def answer() -> list[float]:
        return sums(results.reshape(6, rows))

    return Ready(lambda: function(given.ctypes.data, results.ctypes.data, rows), answer)


def greeks(rows: int) -> Workload:
    contenders: dict[str, Callable[[], Ready]] = {
        "autograd_lite": functools.partial(ours, rows, 1),
        "autograd_lite, two threads": functools.partial(ours, rows, 2),
        "jax": functools.partial(of_jax, rows),
        "torch": functools.partial(of_torch, rows),
        "numpy": functools.partial(of_numpy, rows),
        "C, gcc -O2": functools.partial(of_c, rows),
    }
    return Workload(
        f"Black-Scholes, {rows} rows", contenders, per=rows, each="a row", tolerance=1e-7,
        is_quick=rows <= 100_000, curve="Black-Scholes with five Greeks", size=rows,
        behind="For few rows the call itself; for many, XLA's own vectors of exp and log against the C library's.",
    )  # fmt: skip


# ---- Longer programs ------------------------------------------------------------------------

ROWS = 20_000


def plan(count: int) -> list[tuple[str, int, int]]:
    rng = random.Random(1)
    return [(rng.choice("*+-"), rng.randrange(1, 40), rng.randrange(1, 40)) for _ in range(count)]


def following(steps: list[tuple[str, int, int]]) -> Callable[[Any, Any], Any]:
    """A function of two numbers, or of two arrays."""

    def f(a: Any, b: Any) -> Any:
        known = [a, b] * 20
        for op, i, j in steps:
            x, y = known[-i], known[-j]
            known.append(x * y if op == "*" else x + y if op == "+" else x - y)
        return known[-1]

    return f


def columns_of_two() -> tuple[Any, Any]:
    import numpy as np

    return np.random.default_rng(0).uniform(0.5, 1.0, ROWS), np.random.default_rng(1).uniform(0.5, 1.0, ROWS)


def long_program(count: int, workers: int) -> Ready:
    from autograd_lite import jit

    fast, (X, Y) = jit(following(plan(count))), columns_of_two()
    return Ready(lambda: fast.map(X, Y, workers=workers), lambda: sums([fast.map(X, Y)]))


def long_program_of_numpy(count: int) -> Ready:
    f, (X, Y) = following(plan(count)), columns_of_two()
    return Ready(lambda: f(X, Y), lambda: sums([f(X, Y)]))


def long_programs(count: int) -> Workload:
    contenders: dict[str, Callable[[], Ready]] = {
        "autograd_lite": functools.partial(long_program, count, 1),
        "autograd_lite, two threads": functools.partial(long_program, count, 2),
        "numpy": functools.partial(long_program_of_numpy, count),
    }
    return Workload(
        f"a program of {count} operations, {ROWS} rows", contenders, per=count * ROWS,
        each="an operation and row", is_quick=count <= 2_000,
    )  # fmt: skip


# ---- Memory ---------------------------------------------------------------------------------


def peak(reset: bool = False) -> float:
    """The most memory that this process had since the last reset, in bytes."""
    if not Path("/proc/self/clear_refs").exists():
        raise MissingError("needs /proc, as Linux has it")
    if reset:
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return float(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024.0


def memory(method: str, rows: int = 2_000_000) -> Ready:
    """What map and sum take beside the data and the result, a row."""
    import numpy as np

    from autograd_lite import exp, jit, sin

    fast = jit(lambda x, y: sin(x) * y + exp(-x * x))
    X = np.linspace(0.0, 1.0, rows)
    Y = X + 1.0
    getattr(fast, method)(X[:1000], Y[:1000])
    found: list[float] = []

    def call() -> list[float]:
        before = peak(reset=True)
        made = getattr(fast, method)(X, Y)
        found.append((peak() - before - getattr(made, "nbytes", 0)) / rows)
        return []

    return Ready(call, figure=lambda: max(0.0, found[0]))


WORKLOADS = [
    *[greeks(10**power) for power in range(2, 8)],
    *[long_programs(count) for count in (500, 2_000, 10_000)],
    Workload("memory beside data and result, a row",
             {f"autograd_lite, {m}": functools.partial(memory, m) for m in ("map", "sum")}, unit="B"),
]  # fmt: skip

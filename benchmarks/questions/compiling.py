"""What it costs to record and compile, by a program's length; and what an instruction and a call cost after that."""

import functools
from collections.abc import Callable
from typing import Any

from benchmarks.functions import EIGHT, sums_and_products
from benchmarks.measure import MissingError, Ready, Workload

BACKENDS = ("native", "vm", "python")


def usable(backend: str) -> None:
    from autograd_lite.jit.backends import vm

    if backend == "vm" and not vm.is_there():
        raise MissingError("needs the compiled core")


def first_call(instructions: int, backend: str) -> Ready:
    """From a function to its first answer, in a process that has compiled before."""
    from autograd_lite import jit

    usable(backend)
    return Ready(lambda: jit(sums_and_products(instructions), backend=backend)(*EIGHT))


def first_call_of_casadi(instructions: int) -> Ready:
    import casadi

    def call() -> float:
        x = casadi.SX.sym("x", 8)
        function = casadi.Function("f", [x], [sums_and_products(instructions)(*casadi.vertsplit(x))])
        return float(function(EIGHT))

    return Ready(call)


def first_call_of_jax(instructions: int) -> Ready:
    import jax

    return Ready(lambda: jax.block_until_ready(jax.jit(sums_and_products(instructions))(*EIGHT)))


def first_calls(instructions: int) -> Workload:
    contenders: dict[str, Callable[[], Ready]] = {
        f"autograd_lite, {b}": functools.partial(first_call, instructions, b)
        for b in BACKENDS
        if b != "python" or instructions <= 10_000
    }
    contenders["casadi"] = functools.partial(first_call_of_casadi, instructions)
    if instructions <= 1_000:
        contenders["jax"] = functools.partial(first_call_of_jax, instructions)
    return Workload(
        f"first call, {instructions} instructions", contenders, per=instructions, each="an instruction",
        is_quick=instructions <= 10_000, curve="the first call", size=instructions,
        behind="CasADi's SX is a virtual machine, as vm is, and records in C++; nothing is compiled.",
    )  # fmt: skip


def later_call(instructions: int, backend: str) -> Ready:
    from autograd_lite import jit

    usable(backend)
    fast = jit(sums_and_products(instructions), backend=backend)
    return Ready(lambda: fast(*EIGHT))


def small_call(backend: str) -> Ready:
    from autograd_lite import jit

    usable(backend)
    fast = jit(lambda x, y, z: x * y + z, backend=backend)
    return Ready(lambda: fast(1.0, 2.0, 3.0))


def small_call_of_python() -> Ready:
    def f(x: float, y: float, z: float) -> float:
        return x * y + z

    return Ready(lambda: f(1.0, 2.0, 3.0))


def small_call_of_numba() -> Ready:
    import numba

    fast: Any = numba.njit(lambda x, y, z: x * y + z)
    return Ready(lambda: fast(1.0, 2.0, 3.0))


def of_backends(make: Callable[[str], Ready]) -> dict[str, Callable[[], Ready]]:
    return {f"autograd_lite, {b}": functools.partial(make, b) for b in BACKENDS}


WORKLOADS = [
    Workload("a program of 10000 instructions", of_backends(functools.partial(later_call, 10_000)), per=10_000,
             each="an instruction"),
    Workload("a call with 3 floats",
             {**of_backends(small_call), "numba": small_call_of_numba, "python": small_call_of_python},
             behind="What the function reads besides its arguments is looked at at each call, by Python."),
    *[first_calls(10**power) for power in range(3, 7)],
]  # fmt: skip

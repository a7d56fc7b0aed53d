"""Compiled functions side by side with micrograd, CasADi, JAX and hand-written C.

    python benchmarks/jit.py            all of it, some five minutes
    python benchmarks/jit.py --quick    fewer rounds, and nothing of a million instructions

Each engine runs in a process of its own, single-threaded, and the processes take turns.
Times are medians over all rounds of the best of each few calls, so that what else the
machine does falls out. Needs the extra ``bench``, and ``gcc`` for the row that names it.
"""

import argparse
import ctypes
import itertools
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

SAMPLES = 20
ROSENBROCK = 100
PENDULUM_STEPS = 200

Task = tuple[Callable[[], Any], Any]  # what to time, and its answer, to compare


# ---- The functions, for any type of number --------------------------------------------


def loss_of(model: Any, X: list[list[float]], y: list[float]) -> Any:
    return sum((model(x) - label) ** 2 for x, label in zip(X, y, strict=True))


def samples() -> tuple[list[list[float]], list[float]]:
    draws = random.Random(1)
    X = [[draws.uniform(-1, 1), draws.uniform(-1, 1)] for _ in range(SAMPLES)]
    return X, [draws.choice([-1.0, 1.0]) for _ in X]


def rosenbrock(x: Any) -> Any:
    total = 0.0
    for i in range(ROSENBROCK - 1):
        a, b = x[i + 1] - x[i] * x[i], 1.0 - x[i]
        total = total + (100.0 * (a * a) + b * b)
    return total


def pendulum(p: Any, sin: Callable[[Any], Any]) -> Any:
    """The angle of a damped pendulum after 200 steps of Runge and Kutta, by length, damping, angle and speed."""
    state = p[2], p[3]
    for _ in range(PENDULUM_STEPS):
        state = pendulum_step(state, p, sin)
    return state[0]


def pendulum_step(state: tuple[Any, Any], p: Any, sin: Callable[[Any], Any]) -> tuple[Any, Any]:
    angle, speed = state
    h = 0.01

    def slope(a: Any, s: Any) -> tuple[Any, Any]:
        return s, -9.81 / p[0] * sin(a) - p[1] * s

    a1, s1 = slope(angle, speed)
    a2, s2 = slope(angle + 0.5 * h * a1, speed + 0.5 * h * s1)
    a3, s3 = slope(angle + 0.5 * h * a2, speed + 0.5 * h * s2)
    a4, s4 = slope(angle + h * a3, speed + h * s3)
    return angle + h / 6.0 * (a1 + 2.0 * a2 + 2.0 * a3 + a4), speed + h / 6.0 * (s1 + 2.0 * s2 + 2.0 * s3 + s4)


def point_of(problem: str) -> list[float]:
    if problem == "pendulum":
        return [1.0, 0.1, 0.5, 0.0]
    draws = random.Random(2)
    return [draws.uniform(-1, 1) for _ in range(ROSENBROCK)]


# ---- Tasks: MLP(2, [16, 16, 1]) on 20 samples ------------------------------------------


def mlp_micrograd() -> Task:
    from micrograd.nn import MLP

    model, (X, y) = MLP(2, [16, 16, 1]), samples()

    def step() -> None:
        model.zero_grad()
        loss_of(model, X, y).backward()

    return step, None


def mlp_loop(backend: str) -> Task:
    """The same loop, with ``jit`` written around the loss."""
    from autograd_lite import jit
    from autograd_lite.nn import MLP

    model, (X, y) = MLP(2, [16, 16, 1], rng=1), samples()
    loss = jit(lambda X, y: loss_of(model, X, y), backend=backend)
    parameters = model.parameters()

    def step() -> None:
        for parameter in parameters:
            parameter.grad = None
        loss(X, y).backward()

    return step, None


def mlp_function(backend: str) -> Task:
    """Value and gradient as one compiled function of the weights, as floats."""
    from autograd_lite import jit, relu, value_and_grad

    X, y = samples()
    draws, sizes = random.Random(1), [2, 16, 16, 1]
    weights = [draws.uniform(-1, 1) for a, b in itertools.pairwise(sizes) for _ in range((a + 1) * b)]

    def loss(weights: list[Any]) -> Any:
        def model(x: list[Any]) -> Any:
            w = iter(weights)
            for size in sizes[1:]:
                totals = [sum([next(w) * xi for xi in x], next(w)) for _ in range(size)]
                x = totals if size == 1 else [relu(total) for total in totals]
            return x[0]

        return loss_of(model, X, y)

    fast = jit(value_and_grad(loss), backend=backend)
    return lambda: fast(weights), None


# ---- Tasks: value and gradient of Rosenbrock and of the pendulum ------------------------


def ours(problem: str, backend: str = "native") -> Task:
    from autograd_lite import jit, sin, value_and_grad

    f = rosenbrock if problem == "rosenbrock" else lambda p: pendulum(p, sin)
    fast, x = jit(value_and_grad(f), backend=backend), point_of(problem)
    return lambda: fast(x), fast(x)


def casadi_buffer(problem: str) -> Task:
    """CasADi's SX function through its buffer interface: the least overhead that it has from Python."""
    import casadi

    x = casadi.SX.sym("x", len(point_of(problem)))
    value = rosenbrock(x) if problem == "rosenbrock" else pendulum(x, casadi.sin)
    function = casadi.Function("f", [x], [value, casadi.gradient(value, x)])
    buffer: Any
    buffer, evaluate = function.buffer()
    given, found = array("d", point_of(problem)), array("d", [0.0])
    gradient = array("d", point_of(problem))
    buffer.set_arg(0, memoryview(given))
    buffer.set_res(0, memoryview(found))
    buffer.set_res(1, memoryview(gradient))
    evaluate()
    kept = (function, buffer, given, found, gradient)  # which the buffer does not keep alive
    return lambda kept=kept: evaluate(), (found[0], gradient.tolist())


def jax_jit(problem: str) -> Task:
    """JAX with its loops written for it (slices and lax.scan), on an array that it holds already."""
    import jax
    import jax.numpy as jnp

    configuration: Any = jax.config
    configuration.update("jax_enable_x64", True)

    def sliced(x: Any) -> Any:
        return jnp.sum(100.0 * (x[1:] - x[:-1] * x[:-1]) ** 2 + (1.0 - x[:-1]) ** 2)

    def scanned(p: Any) -> Any:
        step = lambda state, _: (pendulum_step(state, p, jnp.sin), None)  # noqa: E731
        (angle, _), _ = jax.lax.scan(step, (p[2], p[3]), None, length=PENDULUM_STEPS)
        return angle

    f = sliced if problem == "rosenbrock" else scanned
    fast, x = jax.jit(jax.value_and_grad(f)), jnp.array(point_of(problem))

    def call() -> Any:
        found = fast(x)
        found[1].block_until_ready()
        return found

    value, gradient = call()
    return call, (float(value), [float(g) for g in gradient])


C_SOURCE = """
double rosenbrock(const double *x, double *g) {
    double total = 0.0;
    for (int i = 0; i < N; i++) g[i] = 0.0;
    for (int i = 0; i < N - 1; i++) {
        double a = x[i + 1] - x[i] * x[i], b = 1.0 - x[i];
        total += 100.0 * (a * a) + b * b;
        g[i + 1] += 200.0 * a;
        g[i] -= 400.0 * a * x[i] + 2.0 * b;
    }
    return total;
}
"""


def hand_written_c() -> Task:
    """gcc -O2, called as ours is: from a list of floats to a float and a list of floats."""
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder, "f.c"), Path(folder, "f.so")
        source.write_text(f"#define N {ROSENBROCK}\n{C_SOURCE}")
        subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", library, source], check=True)
        function = ctypes.CDLL(str(library)).rosenbrock
    function.restype, function.argtypes = ctypes.c_double, [ctypes.c_void_p, ctypes.c_void_p]
    gradient = array("d", bytes(8 * ROSENBROCK))
    where = gradient.buffer_info()[0]
    x = point_of("rosenbrock")

    def call() -> tuple[float, list[float]]:
        given = array("d", x)
        value = function(given.buffer_info()[0], where)
        return value, gradient.tolist()

    return call, call()


# ---- Tasks: sizes -------------------------------------------------------------------------


def sums_and_products(instructions: int) -> Callable[..., Any]:
    """A program of so many instructions of + and *, each of two of the latest numbers."""

    def f(*x: Any) -> Any:
        draws = random.Random(3)
        numbers = list(x)
        for i in range(instructions - 1):
            a, b = numbers[-draws.randint(1, 8)], numbers[-draws.randint(1, 8)]
            numbers.append(a * b if i % 2 else a + b)
            if len(numbers) > 8:
                del numbers[0]
        return sum(numbers[1:], numbers[0])

    return f


def straight_line(instructions: int, backend: str) -> Task:
    from autograd_lite import jit

    fast = jit(sums_and_products(instructions), backend=backend)
    x = [0.5 + 0.01 * i for i in range(8)]
    fast(*x)
    return lambda: fast(*x), len(fast.program)


def small_call(backend: str) -> Task:
    from autograd_lite import jit

    fast = jit(lambda x, y, z: x * y + z, backend=backend)
    return lambda: fast(1.0, 2.0, 3.0), fast(1.0, 2.0, 3.0)


TASKS: dict[str, Callable[..., Task]] = {
    function.__name__: function
    for function in (
        mlp_micrograd, mlp_loop, mlp_function, ours, casadi_buffer, jax_jit, hand_written_c, straight_line, small_call,
    )
}  # fmt: skip


def back_ends() -> list[str]:
    """All that are there; the virtual machine needs the compiled core."""
    from autograd_lite.jit.backends import vm

    return ["native", "vm", "python"] if vm.is_there() else ["native", "python"]


def measured(call: Callable[[], Any], seconds: float = 0.5) -> float:
    """Seconds a call: the median of batches that each take some milliseconds."""
    once = timed(call, 1)
    count = max(1, int(2e-3 / max(once, 1e-9)))
    batches: list[float] = []
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends or len(batches) < 3:
        batches.append(timed(call, count) / count)
    return statistics.median(batches)


def timed(call: Callable[[], Any], count: int) -> float:
    started = time.perf_counter()
    for _ in range(count):
        call()
    return time.perf_counter() - started


def recorded_and_compiled(instructions: int, backend: str) -> dict[str, float]:
    """Seconds from a function to its first answer, in a process that has compiled before, and the memory it took."""
    from autograd_lite import jit

    jit(lambda x: x * x, backend=backend)(1.0)
    fast = jit(sums_and_products(instructions), backend=backend)
    x = [0.5 + 0.01 * i for i in range(8)]
    seconds = timed(lambda: fast(*x), 1)
    gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"seconds": seconds, "length": len(fast.program), "GiB": gigabytes, "run": measured(lambda: fast(*x))}


def in_turns(rounds: int, tasks: dict[str, list[Any]]) -> dict[str, tuple[float, Any]]:
    """All tasks, each in a process of its own, one after the other, and that several times over."""
    found: dict[str, list[Any]] = {name: [] for name in tasks}
    environment = dict(
        os.environ, OMP_NUM_THREADS="1", XLA_FLAGS="--xla_cpu_multi_thread_eigen=false", JAX_PLATFORMS="cpu"
    )
    for _ in range(rounds):
        for name, task in tasks.items():
            command = [sys.executable, __file__, "--task", json.dumps(task)]
            done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
            found[name].append(json.loads(done.stdout))
    return {name: (statistics.median([time for time, _ in rows]), rows[0][1]) for name, rows in found.items()}


def show(title: str, found: dict[str, tuple[float, Any]], first: str) -> None:
    print(f"\n{title}")
    for name, (seconds, answer) in found.items():
        same = ""
        if answer is not None and found[first][1] is not None and name != first:
            error = max(
                abs(a - b) / (1e-300 + abs(b)) for a, b in zip(_flat(answer), _flat(found[first][1]), strict=True)
            )
            same = f"  answers agree to {error:.0e}"
        print(f"  {name:32} {seconds * 1e6:12.2f} us  {seconds / found[first][0]:8.2f} times the first{same}")


def _flat(answer: Any) -> list[float]:
    return [answer[0], *answer[1]]


def show_calls(rounds: int) -> None:
    print("\nA call of a function of 3 floats")
    for backend, (seconds, _) in in_turns(
        rounds, {backend: ["small_call", backend] for backend in back_ends()}
    ).items():
        print(f"  {backend:10} {seconds * 1e6:6.2f} us")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.task:
        name, *arguments = json.loads(given.task)
        if name == "recorded_and_compiled":
            print(json.dumps([0.0, recorded_and_compiled(*arguments)]))
            return
        call, answer = TASKS[name](*arguments)
        print(json.dumps([measured(call), answer]))
        return
    rounds = 2 if given.quick else 5
    print(f"Python {sys.version.split()[0]}; medians of {rounds} rounds in turns, one thread each")
    against = "value and gradient of MLP(2, [16, 16, 1]), squared error on 20 samples"
    mlp: dict[str, list[Any]] = {"micrograd": ["mlp_micrograd"]}
    for backend in back_ends():
        mlp |= {f"jit(loss), loop, {backend}": ["mlp_loop", backend]}
        mlp |= {f"jit(value_and_grad), {backend}": ["mlp_function", backend]}
    found = in_turns(rounds, mlp)
    print(f"\n{against}")
    for name, (seconds, _) in found.items():
        print(
            f"  {name:32} {seconds * 1e6:12.2f} us  {found['micrograd'][0] / seconds:8.1f} times as fast as micrograd"
        )
    for problem, title in (
        ("rosenbrock", "Rosenbrock, 100 dimensions"),
        ("pendulum", "Pendulum, 200 steps of Runge-Kutta 4"),
    ):
        tasks: dict[str, list[Any]] = {
            "jit, native": ["ours", problem],
            "CasADi SX, buffers": ["casadi_buffer", problem],
        }
        tasks |= {"jax.jit, float64": ["jax_jit", problem]}
        tasks |= {f"jit, {backend}": ["ours", problem, backend] for backend in back_ends()[1:]}
        if problem == "rosenbrock":
            tasks |= {"C, gcc -O2": ["hand_written_c"]}
        show(f"Value and gradient: {title}", in_turns(rounds, tasks), "jit, native")
    found = in_turns(rounds, {backend: ["straight_line", 10_000, backend] for backend in back_ends()})
    print("\nA program of 10,000 instructions of + and *, an instruction")
    for backend, (seconds, length) in found.items():
        print(f"  {backend:10} {seconds / length * 1e9:6.2f} ns")
    show_calls(rounds)
    print("\nRecording and compiling, up to the first answer")
    for backend in back_ends():
        for size in (
            (1_000, 10_000, 100_000) if given.quick or backend == "python" else (1_000, 10_000, 100_000, 1_000_000)
        ):
            task = ["recorded_and_compiled", size, backend]
            row = in_turns(1 if size > 10_000 else rounds, {"": task})[""][1]
            print(
                f"  {backend:10} {row['length']:9,} instructions  {row['seconds'] / row['length'] * 1e6:6.1f} us an "
                f"instruction  {row['GiB']:.2f} GiB  runs in {row['run'] / row['length'] * 1e9:.2f} ns an instruction"
            )


if __name__ == "__main__":
    main()

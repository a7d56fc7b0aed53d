"""The eager engine side by side with micrograd and xad: time per operation, memory, import.

    python benchmarks/eager.py            all of it, some two minutes
    python benchmarks/eager.py --quick    fewer rounds

Each measurement runs in a process of its own, so that no engine pays for another's
garbage, and the processes of the engines take turns. Times are medians over all rounds,
with the garbage collector as Python has it by default. Needs the extra ``bench``.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

MLPS = {"MLP(2, [16, 16, 1])": (2, [16, 16, 1]), "MLP(16, [32, 32, 1])": (16, [32, 32, 1])}
SAMPLES = 20


def samples(nin: int) -> tuple[list[list[float]], list[float]]:
    draws = random.Random(1)
    X = [[draws.uniform(-1, 1) for _ in range(nin)] for _ in range(SAMPLES)]
    return X, [draws.choice([-1.0, 1.0]) for _ in X]


def loss_of(model: Any, X: list[list[float]], y: list[float]) -> Any:
    return sum((model(x) - label) ** 2 for x, label in zip(X, y, strict=True))


def output_of(layers: Any, x: Any, relu: Callable[[Any], Any]) -> Any:
    """What a network of weights gives, in + and * alone; its last layer without an activation."""
    for layer in layers:
        outputs = []
        for *w, b in layer:
            total = b
            for wi, xi in zip(w, x, strict=True):
                total = total + wi * xi
            outputs.append(total if layer is layers[-1] else relu(total))
        x = outputs
    return x[0]


def written_out(nin: int, nouts: list[int]) -> tuple[list[Any], Callable[[list[float]], Any]]:
    """The network in + and * alone, as micrograd and the tape of xad record it."""
    from autograd_lite import Value

    draws = random.Random(1)
    sizes = [nin, *nouts]
    layers = [
        [[Value(draws.uniform(-1, 1)) for _ in range(a + 1)] for _ in range(b)]
        for a, b in zip(sizes, nouts, strict=False)
    ]

    def model(x: Any) -> Any:
        return output_of(layers, x, Value.relu)

    return [w for layer in layers for neuron in layer for w in neuron], model


def written_out_step(nin: int, nouts: list[int]) -> Callable[[], Any]:
    (parameters, model), (X, y) = written_out(nin, nouts), samples(nin)

    def step() -> None:
        for w in parameters:
            w.grad = None
        loss_of(model, X, y).backward()

    return step


def nn_step(nin: int, nouts: list[int]) -> Callable[[], Any]:
    from autograd_lite.nn import MLP

    model, (X, y) = MLP(nin, nouts, rng=1), samples(nin)

    def step() -> None:
        model.zero_grad()
        loss_of(model, X, y).backward()

    return step


def micrograd_step(nin: int, nouts: list[int]) -> Callable[[], Any]:
    from micrograd.nn import MLP

    model, (X, y) = MLP(nin, nouts), samples(nin)

    def step() -> None:
        model.zero_grad()
        loss_of(model, X, y).backward()

    return step


def xad_step(nin: int, nouts: list[int]) -> Callable[[], Any]:
    """The same network on xad's active reals and tape."""
    from xad.adj_1st import Real, Tape

    (X, y), draws = samples(nin), random.Random(1)
    sizes = [nin, *nouts]
    weights = [
        [[draws.uniform(-1, 1) for _ in range(a + 1)] for _ in range(b)] for a, b in zip(sizes, nouts, strict=False)
    ]
    tape = Tape()
    tape.activate()

    def step() -> list[float]:
        tape.clearAll()
        layers = [[[Real(w) for w in neuron] for neuron in layer] for layer in weights]
        for layer in layers:
            for neuron in layer:
                tape.registerInputs(neuron)
        tape.newRecording()

        def model(x: Any) -> Any:
            return output_of(layers, x, lambda total: total if total > 0 else Real(0.0))

        loss = loss_of(model, X, y)
        tape.registerOutput(loss)
        tape.setDerivative(loss, 1.0)
        tape.computeAdjoints()
        return [tape.getDerivative(w) for layer in layers for neuron in layer for w in neuron]

    return step


STEPS = {"autograd_lite": written_out_step, "autograd_lite.nn": nn_step, "micrograd": micrograd_step, "xad": xad_step}


def times_of_steps(engine: str, mlp: str, repeats: int) -> list[float]:
    """Seconds of each forward and backward pass."""
    step = STEPS[engine](*MLPS[mlp])
    step()
    return [timed(step) for _ in range(repeats)]


def times_of_chain(nodes: int, repeats: int) -> list[float]:
    """Seconds a node of building a chain of additions and multiplications and going back through it."""
    from autograd_lite import Value

    def step() -> None:
        x = Value(1.0)
        y = x
        for _ in range(nodes // 2):
            y = y * 0.999 + x
        y.backward()

    step()
    return [timed(step) / nodes for _ in range(repeats)]


def bytes_of_node(nodes: int) -> list[float]:
    """Bytes a node of a graph that is kept, after its backward pass."""
    import tracemalloc

    from autograd_lite import Value

    x = Value(1.0)
    tracemalloc.start()
    y = x
    for _ in range(nodes // 2):
        y = y * 0.999 + x
    y.backward()
    return [tracemalloc.get_traced_memory()[0] / nodes]


def time_of_import(module: str) -> list[float]:
    """Seconds that an interpreter takes to start and import a module."""
    return [timed(lambda: subprocess.run([sys.executable, "-c", f"import {module}"], check=True))]


def timed(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


TASKS: dict[str, Callable[..., list[float]]] = {
    "step": times_of_steps,
    "chain": times_of_chain,
    "bytes": bytes_of_node,
    "import": time_of_import,
}


def in_turns(rounds: int, tasks: dict[str, list[Any]]) -> dict[str, list[float]]:
    """All tasks, each in a process of its own, one after the other, and that several times over."""
    found: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            done = subprocess.run(
                [sys.executable, __file__, "--task", json.dumps(task)], capture_output=True, text=True, check=True
            )
            found[name] += json.loads(done.stdout)
    return found


def spread(times: list[float]) -> str:
    quartiles = statistics.quantiles(times, n=4)
    return f"{(quartiles[2] - quartiles[0]) / statistics.median(times):4.0%}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.task:
        name, *arguments = json.loads(given.task)
        print(json.dumps(TASKS[name](*arguments)))
        return
    rounds = 2 if given.quick else 5
    from autograd_lite.core import COMPILED, graph

    form = "compiled" if COMPILED else "plain Python"
    print(
        f"Python {sys.version.split()[0]}, {form}; medians of {rounds} rounds in turns; (spread of the middle half)\n"
    )
    for mlp, (nin, nouts) in MLPS.items():
        X, y = samples(nin)
        operations = len(graph.operations(loss_of(written_out(nin, nouts)[1], X, y)))
        repeats = 9 if nin > 2 else 25
        found = in_turns(rounds, {engine: ["step", engine, mlp, repeats] for engine in STEPS})
        ours = statistics.median(found["autograd_lite"])
        print(f"{mlp}, {SAMPLES} samples, squared error, forward and backward: {operations} operations")
        for engine, times in found.items():
            median = statistics.median(times)
            print(
                f"  {engine:16} {median * 1e3:8.2f} ms ({spread(times)})  {median / operations * 1e6:5.2f} us an "
                f"operation  {median / ours:5.2f} times ours"
            )
    sizes = [1_000, 10_000, 100_000, 1_000_000]
    found = in_turns(rounds, {f"{size}": ["chain", size, max(3, 20_000 // size)] for size in sizes})
    print("\nA chain of + and *, forward and backward, a node")
    for size, times in found.items():
        growth = statistics.median(times) / statistics.median(found["1000"])
        print(
            f"  {int(size):9,} nodes  {statistics.median(times) * 1e6:5.2f} us ({spread(times)})  {growth:4.2f} times"
        )
    kept = in_turns(1, {"bytes": ["bytes", 100_000]})["bytes"][0]
    print(f"\nMemory of a kept graph, gradients included: {kept:.0f} bytes a node")
    found = in_turns(4 * rounds, {module: ["import", module] for module in ("math", "autograd_lite")})
    more = statistics.median(found["autograd_lite"]) - statistics.median(found["math"])
    print(f"import autograd_lite: {more * 1e3:.0f} ms more than import math ({spread(found['autograd_lite'])})")


if __name__ == "__main__":
    main()

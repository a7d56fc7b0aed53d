"""What nn, optim and fit cost around the engine, and the handwritten digits.

    python benchmarks/nn.py           all of it, some two minutes
    python benchmarks/nn.py --quick   fewer rounds, and no digits

Overhead: one training step of MLP(2, [16, 16, 1]) on 20 samples, with Module, loss and Adam,
beside the same operations on bare lists of Values, in turns in one process. Digits: one epoch
of MLP(64, [30, 10]), mini-batches of 10, beside the engine's own cost per operation as
benchmarks/eager.py measures it, in turns too. Needs the extra ``test``.
"""

import argparse
import itertools
import operator
import random
import runpy
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autograd_lite import Value, fit, nn, optim
from autograd_lite.core import graph

SAMPLES = 20


def timed(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def in_turns(rounds: int, calls: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """The median seconds of each call, all in turns."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            times[name].append(timed(call))
    return {name: statistics.median(found) for name, found in times.items()}


def bare(sizes: list[int], activation: str) -> Callable[[list[float]], list[Value]]:
    """A multi-layer perceptron as lists of Values and nothing else."""
    draws = random.Random(1)
    layers = [
        [([Value(draws.uniform(-1, 1)) for _ in range(nin)], Value(0.0)) for _ in range(nout)]
        for nin, nout in itertools.pairwise(sizes)
    ]

    def forward(x: Any) -> list[Value]:
        for layer in layers:
            x = [sum(map(operator.mul, w, x), b) for w, b in layer]
            if layer is not layers[-1]:
                x = [getattr(value, activation)() for value in x]
        return x  # type: ignore[no-any-return]

    return forward


def overhead(rounds: int) -> None:
    draws = random.Random(1)
    X = [[draws.uniform(-1, 1), draws.uniform(-1, 1)] for _ in range(SAMPLES)]
    y = [draws.choice([-1.0, 1.0]) for _ in X]
    forward = bare([2, 16, 16, 1], "relu")

    def engine_alone() -> None:
        differences = [forward(x)[0] - t for x, t in zip(X, y, strict=True)]
        loss = sum((d * d for d in differences[1:]), differences[0] * differences[0]) / float(SAMPLES)
        loss.backward()

    model = nn.MLP(2, [16, 16, 1], rng=1)
    optimizer = optim.Adam(model.parameters(), lr=0.0)

    def whole_step() -> None:
        optimizer.zero_grad()
        loss = nn.mse_loss([model(x) for x in X], y)
        loss.backward()
        optimizer.step()

    found = in_turns(rounds, {"engine alone": engine_alone, "whole step": whole_step})
    print(f"one training step of MLP(2, [16, 16, 1]), {SAMPLES} samples, Adam")
    for name, seconds in found.items():
        print(f"  {name:14} {seconds * 1e3:6.2f} ms  {seconds / found['whole step'] - 1:+5.1%} of the whole step")
    print(f"  Module, loss and optimiser take {1 - found['engine alone'] / found['whole step']:.1%} of the step")


def engines_own() -> float:
    """Seconds an operation of the engine, as benchmarks/eager.py measures them on MLP(16, [32, 32, 1])."""
    name = "MLP(16, [32, 32, 1])"
    eager = runpy.run_path(str(Path(__file__).parent / "eager.py"))
    nin, nouts = eager["MLPS"][name]
    operations = len(graph.operations(eager["loss_of"](nn.MLP(nin, nouts, rng=1), *eager["samples"](nin))))
    times = eager["in_turns"](1, {"engine": ["step", "autograd_lite", name, 9]})["engine"]
    return float(statistics.median(times) / operations)


def digits(rounds: int) -> None:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    X, y = (bunch.data / 16.0).tolist(), bunch.target.tolist()
    model = nn.MLP(64, [30, 10], activation="sigmoid", init="fan_in_normal", rng=1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    operations = len(graph.operations(nn.cross_entropy([model(x) for x in X[:10]], y[:10]))) / 10 * len(X)

    def epoch() -> None:
        fit(model, X, y, loss=nn.cross_entropy, optimizer=optimizer, epochs=1, batch_size=10, rng=1, progress=False)

    print(
        f"digits, MLP(64, [30, 10]), {len(X)} samples in mini-batches of 10, {operations / 1e6:.1f} million operations"
    )
    for _ in range(rounds):
        engine, seconds = engines_own(), timed(epoch)
        cost = seconds / operations
        print(
            f"  an epoch of fit: {seconds:4.1f} s, {cost * 1e6:.2f} us an operation, {cost / engine - 1:+.0%} of the "
            f"engine's own {engine * 1e6:.2f} us"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, and no digits")
    given = parser.parse_args()
    print(f"Python {sys.version.split()[0]}; medians, in turns")
    overhead(20 if given.quick else 100)
    if not given.quick:
        digits(3)


if __name__ == "__main__":
    main()

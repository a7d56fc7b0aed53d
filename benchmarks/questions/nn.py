"""What Module, loss and optimiser cost around the engine: a training step, and the same operations on bare Values."""

import itertools
import operator
from typing import Any

from benchmarks.functions import SAMPLES, samples, weights
from benchmarks.measure import Ready, Workload

SIZES = (2, 16, 16, 1)


def engine_alone() -> Ready:
    """The same operations on lists of Values and nothing else."""
    from autograd_lite import Value, ops

    numbers = iter([Value(x) for x in weights(SIZES)])
    layers = [
        [([next(numbers) for _ in range(nin)], next(numbers)) for _ in range(nout)]
        for nin, nout in itertools.pairwise(SIZES)
    ]
    flat = [w for layer in layers for row, b in layer for w in (*row, b)]
    X, y = samples(SIZES[0])

    def forward(x: Any) -> Any:
        for layer in layers:
            x = [sum(map(operator.mul, w, x), b) for w, b in layer]
            if layer is not layers[-1]:
                x = [ops.relu(value) for value in x]
        return x[0]

    def step() -> None:
        for w in flat:
            w.grad = None
        differences = [forward(x) - t for x, t in zip(X, y, strict=True)]
        loss = sum((d * d for d in differences[1:]), differences[0] * differences[0]) / float(SAMPLES)
        loss.backward()

    return Ready(step, lambda: [w.grad for w in flat])


def whole_step(compiles: bool = False) -> Ready:
    from autograd_lite import jit, nn, optim

    model, (X, y) = nn.MLP(SIZES[0], list(SIZES[1:]), rng=1), samples(SIZES[0])
    for parameter, x in zip(model.parameters(), weights(SIZES), strict=True):
        parameter.data = x
    optimizer = optim.Adam(model.parameters(), lr=0.0)

    def loss_of(X: Any, y: Any) -> Any:
        return nn.mse_loss([model(x) for x in X], y)

    loss = jit(loss_of) if compiles else loss_of

    def step() -> None:
        optimizer.zero_grad()
        loss(X, y).backward()
        optimizer.step()

    return Ready(step, lambda: [p.grad for p in model.parameters()])


WORKLOADS = [
    Workload(
        "a training step, MLP 2-16-16-1, 20 samples, Adam",
        {
            "autograd_lite, engine alone": engine_alone,
            "autograd_lite, nn and optim": whole_step,
            "autograd_lite, with jit": lambda: whole_step(compiles=True),
        },
    )
]

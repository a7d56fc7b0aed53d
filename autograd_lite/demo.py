"""The two demonstrations of the command line: the whole way from data to a trained model and a picture."""

import random
import time
from pathlib import Path
from typing import Any

from autograd_lite import data
from autograd_lite.drawing import draw
from autograd_lite.engine import Value
from autograd_lite.errors import MissingDependencyError
from autograd_lite.functions import logsumexp, mean
from autograd_lite.modes import no_grad
from autograd_lite.nn import MLP, Neuron

__all__ = ["iris", "moons"]


def iris(*, seed: int = 1, epochs: int = 60, out: Path = Path("neuron.svg")) -> float:
    """Train an MLP on Fisher's iris flowers and draw one of its neurons. Returns the held-out accuracy."""
    rng = random.Random(seed)
    X, y, X_test, y_test = data.split(*data.iris(), held_out=0.3, rng=rng)
    X, X_test = _standardized(X, X), _standardized(X_test, X)
    model = MLP(4, [8, 3], activation="tanh", rng=rng)
    print(f"Fisher's iris flowers: {len(X)} to learn from, {len(X_test)} held out\n{model}")

    started = time.perf_counter()
    order = list(range(len(X)))
    for epoch in range(1, epochs + 1):
        rng.shuffle(order)
        losses = []
        for start in range(0, len(order), 15):
            batch = order[start : start + 15]
            # Cross-entropy from logits: logsumexp(z) - z_y.
            scores = [(model(X[i]), y[i]) for i in batch]
            loss = mean([logsumexp(z) - z[label] for z, label in scores])
            _descend(model, loss, rate=0.2)
            losses.append(loss.data)
        if epoch % 10 == 0 or epoch == 1:
            print(f"epoch {epoch:3d}  loss {sum(losses) / len(losses):.4f}  train accuracy {_share(model, X, y):6.1%}")
    accuracy = _share(model, X_test, y_test)
    print(f"train accuracy {_share(model, X, y):.1%}, held-out accuracy {accuracy:.1%}")
    print(f"{time.perf_counter() - started:.1f} s of training in plain Python")
    _draw_neuron(model.layers[0].neurons[0], X[0], out)
    return accuracy


def moons(*, seed: int = 1, epochs: int = 100, out: Path = Path("neuron.svg")) -> float:
    """micrograd's demonstration: two moons, an MLP of two hidden layers, max-margin loss. Returns the accuracy."""
    rng = random.Random(seed)
    X, labels = data.moons(100, noise=0.1, rng=rng)
    y = [2 * label - 1 for label in labels]
    model = MLP(2, [16, 16, 1], rng=rng)
    print(f"two moons: {len(X)} points\n{model}")
    accuracy = 0.0
    for epoch in range(epochs):
        scores = [model(x) for x in X]
        margin = mean([(1 - score * label).relu() for score, label in zip(scores, y, strict=True)])
        penalty = 1e-4 * sum(p * p for p in model.parameters())
        loss = margin + penalty
        _descend(model, loss, rate=1.0 - 0.9 * epoch / epochs)
        accuracy = mean([float((score.data > 0) == (label > 0)) for score, label in zip(scores, y, strict=True)])
        if epoch % 10 == 0 or epoch == epochs - 1:
            print(f"step {epoch:3d}  loss {loss.data:.4f}  accuracy {accuracy:6.1%}")
    neuron = model.layers[0].neurons[0]
    _draw_neuron(neuron, next((x for x in X if neuron(x) > 0), X[0]), out)  # a point at which it is active
    return accuracy


def _descend(model: MLP, loss: Value, rate: float) -> None:
    """One step of gradient descent."""
    model.zero_grad()
    loss.backward()
    for p in model.parameters():
        p.data -= rate * p.grad


def _share(model: MLP, X: list[list[float]], y: list[int]) -> float:
    """How many of the samples get their highest score for the right class."""
    with no_grad():
        scores: list[list[Any]] = [model(x) for x in X]
    hits = sum(z.index(max(z)) == label for z, label in zip(scores, y, strict=True))
    return hits / len(y)


def _standardized(X: list[list[float]], reference: list[list[float]]) -> list[list[float]]:
    """X with each column shifted and scaled as it takes to give the reference mean 0 and deviation 1."""
    columns = list(zip(*reference, strict=True))
    means = [sum(column) / len(column) for column in columns]
    deviations = [
        (sum((x - m) ** 2 for x in column) / len(column)) ** 0.5 for column, m in zip(columns, means, strict=True)
    ]
    return [[(x - m) / s for x, m, s in zip(row, means, deviations, strict=True)] for row in X]


def _draw_neuron(neuron: Neuron, x: list[float], out: Path) -> None:
    """Write the picture of a neuron's graph for one sample, with its gradients."""
    inputs = [Value(number, name=f"x.{i}") for i, number in enumerate(x)]
    neuron.zero_grad()
    output = neuron(inputs)
    output.name = "output"
    output.backward()
    drawing = draw(output)
    try:
        print(f"one neuron, with its gradients: {drawing.save(out).absolute()}")
    except MissingDependencyError as missing:
        text = drawing.save(out.with_suffix(".dot"))
        print(f"one neuron, with its gradients, as DOT text: {text.absolute()}\n{missing}")

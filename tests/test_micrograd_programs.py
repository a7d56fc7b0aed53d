"""Programs written for micrograd: the same weights from the same seed, and the same losses."""

import random
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import make_moons

from autograd_lite.engine import Value
from autograd_lite.nn import MLP, Layer, Neuron

#: What micrograd 0.1.0 prints in its demo notebook: the loss and the accuracy in per cent.
PUBLISHED = [
    (0.8958441028683222, 50.0),
    (1.7235905336972022, 81.0),
    (0.7429006313851133, 77.0),
    (0.7705641260584202, 82.0),
    (0.3692793385976537, 84.0),
    (0.31354548191852194, 86.0),
]


def test_the_demo_notebook_prints_micrograds_losses() -> None:
    np.random.seed(1337)
    random.seed(1337)
    X, y = make_moons(n_samples=100, noise=0.1)
    y = y * 2 - 1
    model = MLP(2, [16, 16, 1])

    def loss() -> tuple[Any, float]:
        inputs = [list(map(Value, xrow)) for xrow in X]
        scores: Any = list(map(model, inputs))
        losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(y, scores, strict=True)]
        data_loss = sum(losses) * (1.0 / len(losses))
        reg_loss = 1e-4 * sum(p * p for p in model.parameters())
        accuracy = [(yi > 0) == (scorei.data > 0) for yi, scorei in zip(y, scores, strict=True)]
        return data_loss + reg_loss, sum(accuracy) / len(accuracy)

    for k, (expected, percent) in enumerate(PUBLISHED):
        total_loss, accuracy = loss()
        model.zero_grad()
        total_loss.backward()
        for p in model.parameters():
            p.data -= (1.0 - 0.9 * k / 100) * p.grad
        assert total_loss.data == pytest.approx(expected, rel=1e-12)
        assert accuracy * 100 == percent


def test_weights_are_drawn_in_micrograds_order() -> None:
    random.seed(42)
    expected = [random.uniform(-1, 1) for _ in range(2 * 3 + 3)]
    random.seed(42)
    model = MLP(2, [3, 1])
    assert [w.data for layer in model.layers for neuron in layer.neurons for w in neuron.w] == expected
    assert {neuron.b.data for layer in model.layers for neuron in layer.neurons} == {0.0}
    random.seed(42)
    assert [w.data for w in Neuron(2).w] == expected[:2]
    random.seed(42)
    assert [w.data for neuron in Layer(2, 2).neurons for w in neuron.w] == expected[:4]


def test_the_lecture_learns_four_samples() -> None:
    random.seed(0)
    n = MLP(3, [4, 4, 1], activation="tanh", output="tanh")
    xs = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
    ys = [1.0, -1.0, -1.0, 1.0]
    for _ in range(60):
        ypred = [n(x) for x in xs]
        loss: Any = sum((yout - ygt) ** 2 for ygt, yout in zip(ys, ypred, strict=True))
        for p in n.parameters():
            p.grad = 0.0
        loss.backward()
        for p in n.parameters():
            p.data += -0.1 * p.grad
    assert loss.data < 0.1

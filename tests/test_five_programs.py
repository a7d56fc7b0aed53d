"""The mathematics of five classic programs, derived by hand and compared with the engine.

The programs themselves are in notebooks/02_five_classic_programs.ipynb.
"""

import math
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_lite as ag
from autograd_lite import Value, data, nn, optim

Matrix = list[list[float]]

seeds = st.integers(0, 10_000)
sizes = st.integers(1, 5)


def values(matrix: Matrix) -> list[list[Value]]:
    return [[Value(w) for w in row] for row in matrix]


def grads(matrix: list[list[Value]]) -> Matrix:
    return [[w.grad for w in row] for row in matrix]


def times(matrix: Any, x: Any) -> list[Any]:
    return [ag.dot(row, x) for row in matrix]


def transposed(matrix: Any) -> list[list[Any]]:
    return [list(column) for column in zip(*matrix, strict=True)]


def outer(x: list[float], y: list[float]) -> Matrix:
    return [[a * b for b in y] for a in x]


def close(found: Any, expected: Any) -> bool:
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(close, found, expected))
    return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-13)


# -- 1. Activation thresholds --


@given(seeds, sizes)
def test_updates_of_weights_and_thresholds_are_the_engines(seed: int, inputs: int) -> None:
    rng = random.Random(seed)
    x, (y1, y2) = data.randn(inputs, rng=rng), data.randn(2, rng=rng)
    V, W = values(nn.init.normal(4, inputs, rng=rng)), values(nn.init.normal(2, 4, rng=rng))
    theta_h, theta_o = [Value(t) for t in data.randn(4, rng=rng)], [Value(t) for t in data.randn(2, rng=rng)]

    hidden = [(net - t).sigmoid() for net, t in zip(times(V, x), theta_h, strict=True)]
    out = [(net - t).sigmoid() for net, t in zip(times(W, hidden), theta_o, strict=True)]
    nn.quadratic_loss(out, [y1, y2]).backward()

    h, o = [v.data for v in hidden], [v.data for v in out]
    # What each output adds to its weights and threshold, and what each hidden neuron does.
    output = [(y - a) * a * (1 - a) for y, a in zip([y1, y2], o, strict=True)]
    back = [sum(output[k] * W[k][j].data for k in range(2)) * h[j] * (1 - h[j]) for j in range(4)]
    assert close(grads(W), [[-d * a for a in h] for d in output])
    assert close([t.grad for t in theta_o], output)  # downhill: -output
    assert close(grads(V), [[-d * a for a in x] for d in back])
    assert close([t.grad for t in theta_h], back)


# -- 2. Linear 10-50-20-1: the program is a cell of the notebook; see test_notebooks.py --


def test_the_pytorch_style_lowers_its_loss_in_a_few_epochs() -> None:
    rng = random.Random(0)
    model = nn.Sequential(nn.Linear(10, 8, rng=rng), nn.ReLU(), nn.Linear(8, 1, rng=rng))
    X, Y = data.randn(8, 10, rng=rng), data.randn(8, 1, rng=rng)
    criterion, optimizer = nn.MSELoss(), optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = criterion(model(X), Y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


# -- 3. XOR --


@given(seeds)
def test_hand_written_matrix_backpropagation_of_xor_is_the_engines(seed: int) -> None:
    model = nn.Sequential(nn.Linear(2, 2, rng=seed), nn.Sigmoid(), nn.Linear(2, 1, rng=seed + 1), nn.Sigmoid())
    X, labels = data.xor()
    nn.mse_loss(model(X), [[y] for y in labels]).backward()

    first, second = model[0], model[2]
    W1, W2 = [[[w.data for w in row] for row in layer.weight] for layer in (first, second)]
    b1, b2 = [[b.data for b in layer.bias] for layer in (first, second)]
    dW1, dW2, db1, db2 = [[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0]], [0.0, 0.0], [0.0]
    for x, y in zip(X, labels, strict=True):
        h = [ag.sigmoid(z + b) for z, b in zip(times(W1, x), b1, strict=True)]
        o = ag.sigmoid(times(W2, h)[0] + b2[0])
        delta = 2 * (o - y) / 4 * o * (1 - o)
        back = [W2[0][j] * delta * h[j] * (1 - h[j]) for j in range(2)]
        for j in range(2):
            dW2[0][j] += delta * h[j]
            db1[j] += back[j]
            for i in range(2):
                dW1[j][i] += back[j] * x[i]
        db2[0] += delta
    assert close(grads(first.weight), dW1)
    assert close(grads(second.weight), dW2)
    assert close([b.grad for b in first.bias], db1)
    assert close([b.grad for b in second.bias], db2)


# -- 4. The popular update without the output's slope --


@given(seeds, sizes, sizes, sizes)
def test_the_popular_update_is_downhill_for_the_last_layer_and_for_the_first_only_with_one_output(
    seed: int, inputs: int, hidden: int, outputs: int
) -> None:
    rng = random.Random(seed)
    x, t = data.randn(inputs, rng=rng), [rng.random() for _ in range(outputs)]
    V, W = (
        values(nn.init.fan_in_normal(hidden, inputs, rng=rng)),
        values(nn.init.fan_in_normal(outputs, hidden, rng=rng)),
    )
    hs = [z.sigmoid() for z in times(V, x)]
    os = [z.sigmoid() for z in times(W, hs)]
    nn.quadratic_loss(os, t).backward()

    h, o, w = [v.data for v in hs], [v.data for v in os], [[v.data for v in row] for row in W]
    errors = [a - b for a, b in zip(t, o, strict=True)]
    slopes = [a * (1 - a) for a in o]
    with_slope = [e * s for e, s in zip(errors, slopes, strict=True)]
    popular = times(transposed(w), errors)
    true = times(transposed(w), with_slope)
    assert close(grads(W), [[-d * a for a in h] for d in with_slope])
    assert close(grads(V), outer([-e * a * (1 - a) for e, a in zip(true, h, strict=True)], x))
    change = [e * a * (1 - a) * xi for e, a in zip(popular, h, strict=True) for xi in x]
    downhill = [-p.grad for row in V for p in row]
    cosine = ag.dot(change, downhill) / (ag.norm(change) * ag.norm(downhill))
    if outputs == 1:  # then what is left out is one positive factor
        assert cosine == pytest.approx(1.0)
    else:
        assert not close(change, downhill)


# -- 5. The four equations of backpropagation --

#: Each activation, and its slope by its output.
ACTIVATIONS: dict[str, Callable[[float], float]] = {
    "sigmoid": lambda a: a * (1 - a),
    "tanh": lambda a: 1 - a * a,
    "softplus": lambda a: 1 - math.exp(-a),
}


class Layered:
    """A layered network of Values that keeps what the equations speak of: z and a of every layer."""

    def __init__(self, widths: list[int], activation: str, seed: int) -> None:
        rng = random.Random(seed)
        self.activation = activation
        self.x = data.randn(widths[0], rng=rng)
        shapes = list(zip(widths[1:], widths, strict=False))
        self.w = [values(nn.init.fan_in_normal(nout, nin, rng=rng)) for nout, nin in shapes]
        self.b = [[Value(b) for b in data.randn(nout, rng=rng)] for nout, _ in shapes]
        self.z: list[list[Value]] = []
        self.a: list[list[Any]] = [self.x]
        for w, b in zip(self.w, self.b, strict=True):
            self.z.append([net + bias for net, bias in zip(times(w, self.a[-1]), b, strict=True)])
            self.a.append([getattr(z, activation)() for z in self.z[-1]])

    def slopes(self, layer: int) -> list[float]:
        return [ACTIVATIONS[self.activation](a.data) for a in self.a[layer + 1]]

    def deltas(self, layer: int) -> list[float]:
        return [z.grad for z in self.z[layer]]


networks = st.builds(Layered, st.lists(sizes, min_size=3, max_size=5), st.sampled_from(sorted(ACTIVATIONS)), seeds)


def numbers(layer: list[Any]) -> list[float]:
    return [getattr(a, "data", a) for a in layer]


@given(networks, seeds)
def test_the_four_equations_hold_for_the_quadratic_cost(network: Layered, seed: int) -> None:
    y = data.randn(len(network.a[-1]), rng=seed)
    nn.quadratic_loss(network.a[-1], y).backward()
    last = len(network.w) - 1
    # 1: delta_L = grad_a C * s'(z_L)
    gradient = [a - t for a, t in zip(numbers(network.a[-1]), y, strict=True)]
    assert close(network.deltas(last), [g * s for g, s in zip(gradient, network.slopes(last), strict=True)])
    check_equations_2_to_4(network)


@given(networks, seeds)
def test_the_slope_cancels_in_the_cross_entropy_of_sigmoids(network: Layered, seed: int) -> None:
    y = [float(random.Random(seed).random() < 0.5) for _ in network.z[-1]]
    nn.binary_cross_entropy([z.sigmoid() for z in network.z[-1]], y, reduction="sum").backward()
    probabilities = [ag.sigmoid(z.data) for z in network.z[-1]]
    assert close(network.deltas(-1), [p - t for p, t in zip(probabilities, y, strict=True)])
    check_equations_2_to_4(network)


@given(networks, seeds)
def test_the_slope_cancels_in_the_cross_entropy_of_a_softmax(network: Layered, seed: int) -> None:
    y = seed % len(network.z[-1])
    nn.cross_entropy(network.z[-1], y).backward()
    probabilities = ag.softmax([z.data for z in network.z[-1]])
    assert close(network.deltas(-1), [p - (k == y) for k, p in enumerate(probabilities)])
    check_equations_2_to_4(network)


def check_equations_2_to_4(network: Layered) -> None:
    for layer, w in enumerate(network.w):
        delta = network.deltas(layer)
        if layer + 1 < len(network.w):
            # 2: delta_l = (w_{l+1}^T delta_{l+1}) * s'(z_l)
            above = [[v.data for v in row] for row in network.w[layer + 1]]
            back = times(transposed(above), network.deltas(layer + 1))
            assert close(delta, [e * s for e, s in zip(back, network.slopes(layer), strict=True)])
        # 3: dC/db = delta
        assert close([b.grad for b in network.b[layer]], delta)
        # 4: dC/dw = a_in delta_out
        assert close(grads(w), outer(delta, numbers(network.a[layer])))


@given(seeds, st.integers(1, 5))
def test_a_mini_batchs_gradient_is_the_mean_of_its_samples(seed: int, size: int) -> None:
    rng = random.Random(seed)
    model = nn.MLP(2, [3, 2], activation="sigmoid", output="sigmoid", rng=rng)
    X, Y = data.randn(size, 2, rng=rng), data.randn(size, 2, rng=rng)
    total = [0.0] * len(model.parameters())
    for x, y in zip(X, Y, strict=True):
        model.zero_grad()
        nn.quadratic_loss(model(x), y).backward()
        total = [t + p.grad for t, p in zip(total, model.parameters(), strict=True)]
    before = [p.data for p in model.parameters()]
    optimizer = optim.SGD(model.parameters(), lr=0.5)
    optimizer.zero_grad()
    nn.quadratic_loss(model(X), Y).backward()
    optimizer.step()
    assert close([p.data for p in model.parameters()], [b - 0.5 * t / size for b, t in zip(before, total, strict=True)])


# -- The worked 2-2-2 network --


def test_the_worked_network_has_its_published_numbers() -> None:
    """M. Mazur, "A step by step backpropagation example" (2015), to the digits printed there."""
    W1, W2 = values([[0.15, 0.20], [0.25, 0.30]]), values([[0.40, 0.45], [0.50, 0.55]])
    b1, b2 = Value(0.35), Value(0.60)
    x, t = [0.05, 0.10], [0.01, 0.99]
    h = [(net + b1).sigmoid() for net in times(W1, x)]
    o = [(net + b2).sigmoid() for net in times(W2, h)]
    assert numbers(h) == pytest.approx([0.593269992, 0.596884378], abs=1e-9)
    assert numbers(o) == pytest.approx([0.75136507, 0.772928465], abs=1e-9)
    errors = [0.5 * (a - b) ** 2 for a, b in zip(t, o, strict=True)]
    error = errors[0] + errors[1]
    assert error.data == pytest.approx(0.298371109, abs=1e-9)

    # The share of each output's error that reaches the first hidden neuron.
    shares = []
    for part in errors:
        part.backward()
        shares.append(h[0].grad)
    assert shares == pytest.approx([0.055399425, -0.019049119], abs=1e-9)
    for p in (W1[0][0], W2[0][0], b1, b2):
        p.grad = None
    error.backward()
    assert h[0].grad == pytest.approx(0.036350306, abs=1e-9)
    assert W2[0][0].grad == pytest.approx(0.082167041, abs=1e-9)
    assert W1[0][0].grad == pytest.approx(0.000438568, abs=1e-9)
    # Spelled out: by the bias of the outputs, the sum of their deltas.
    deltas = [(a.data - y) * a.data * (1 - a.data) for a, y in zip(o, t, strict=True)]
    assert b2.grad == pytest.approx(sum(deltas), rel=1e-14)
    assert W2[0][0].data - 0.5 * W2[0][0].grad == pytest.approx(0.35891648, abs=1e-8)
    assert W1[0][0].data - 0.5 * W1[0][0].grad == pytest.approx(0.149780716, abs=1e-9)

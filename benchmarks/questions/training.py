"""What a training step costs, and a whole training from nothing: fit beside PyTorch's loop and JAX's scan."""

import functools
import itertools
import math
import random
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from benchmarks.measure import Ready, Workload


class Net(NamedTuple):
    """A training. "From nothing" is everything from the model on: recording and compiling too."""

    sizes: tuple[int, ...]
    inside: str
    end: str | None
    rule: str
    lr: float
    samples: int
    batch: int
    epochs: int

    @property
    def steps(self) -> int:
        """Of an epoch."""
        return math.ceil(self.samples / self.batch)

    @property
    def title(self) -> str:
        return f"{'-'.join(map(str, self.sizes))}, {self.rule}"

    @property
    def activations(self) -> list[str | None]:
        """Of each layer."""
        return [self.inside] * (len(self.sizes) - 2) + [self.end]


NETS = (
    Net((2, 2, 1), "sigmoid", "sigmoid", "SGD", 0.5, 4, 4, 10_000),
    Net((10, 50, 20, 1), "relu", None, "Adam", 1e-3, 32, 32, 1_000),
    Net((64, 30, 10), "sigmoid", "sigmoid", "SGD", 0.1, 500, 10, 20),
    Net((784, 30, 10), "sigmoid", "sigmoid", "SGD", 0.1, 500, 10, 20),
)
COMPARED = 5  # epochs, after which the parameters are compared


def data(net: Net) -> tuple[list[list[float]], list[list[float]]]:
    rng = random.Random(0)
    X = [[rng.uniform(-1, 1) for _ in range(net.sizes[0])] for _ in range(net.samples)]
    return X, [[rng.random() for _ in range(net.sizes[-1])] for _ in range(net.samples)]


def weights(net: Net) -> list[tuple[list[list[float]], list[float]]]:
    """Of each layer the matrix and the bias that all begin with."""
    rng = random.Random(1)
    return [
        ([[rng.gauss(0, 1) / math.sqrt(a) for _ in range(a)] for _ in range(b)], [0.0] * b)
        for a, b in itertools.pairwise(net.sizes)
    ]


Train = Callable[[int], Any]  # so many epochs; what it returns has the parameters


def of_whole(train: Train, parameters: Callable[[Any], Any], net: Net, _: float) -> Ready:
    """A training from nothing."""

    def figure() -> float:
        started = time.perf_counter()
        train(net.epochs)
        return time.perf_counter() - started

    return Ready(lambda: None, lambda: parameters(train(COMPARED)), figure)


def lengths(net: Net, effort: float) -> tuple[int, int]:
    """Epochs of a short and a long training; the effort is 1 for the slow, and more for the fast."""
    return max(1, int(net.epochs * effort / 10)), max(2, int(net.epochs * effort / 2))


def of_step(train: Train, parameters: Callable[[Any], Any], net: Net, effort: float) -> Ready:
    """A step by the difference of a long and a short training."""

    def timed(epochs: int) -> float:
        started = time.perf_counter()
        train(epochs)
        return time.perf_counter() - started

    short, long = lengths(net, effort)

    def figure() -> float:
        return (timed(long) - timed(short)) / ((long - short) * net.steps)

    return Ready(lambda: None, lambda: parameters(train(COMPARED)), figure)


Measure = Callable[[Train, Callable[[Any], Any], Net, float], Ready]
FAST = 10.0


def ours(measure: Measure, net: Net) -> Ready:
    from autograd_lite import fit, nn, optim

    (X, y), start = data(net), weights(net)
    kinds = {"sigmoid": nn.Sigmoid, "relu": nn.ReLU}

    def train(epochs: int) -> Any:
        layers: list[Any] = []
        for (rows, bias), activation in zip(start, net.activations, strict=True):
            layer = nn.Linear(len(rows[0]), len(bias), rng=0)
            given = [*itertools.chain.from_iterable(rows), *bias]
            assert layer.bias is not None
            for parameter, x in zip([*itertools.chain.from_iterable(layer.weight), *layer.bias], given, strict=True):
                parameter.data = x
            layers += [layer, *([kinds[activation]()] if activation else [])]
        model = nn.Sequential(*layers)
        optimizer = getattr(optim, net.rule)(model.parameters(), lr=net.lr)
        fit(
            model, X, y, loss=nn.mse_loss, optimizer=optimizer, epochs=epochs, batch_size=net.batch, shuffle=False,
            progress=False,
        )  # fmt: skip
        return [layer for layer in layers if hasattr(layer, "weight")]

    def parameters(layers: Any) -> Any:
        return [[[[w.data for w in row] for row in each.weight], [b.data for b in each.bias]] for each in layers]

    return measure(train, parameters, net, FAST)


def of_torch(measure: Measure, net: Net) -> Ready:
    """PyTorch's usual loop: zero_grad, forward, loss, backward, step."""
    import torch

    (X, y), start = map(torch.tensor, data(net)), weights(net)
    kinds = {"sigmoid": torch.nn.Sigmoid, "relu": torch.nn.ReLU}

    def train(epochs: int) -> Any:
        layers: list[Any] = []
        for (rows, bias), activation in zip(start, net.activations, strict=True):
            layer = torch.nn.Linear(len(rows[0]), len(bias))
            with torch.no_grad():
                layer.weight.copy_(torch.tensor(rows))
                layer.bias.copy_(torch.tensor(bias))
            layers += [layer, *([kinds[activation]()] if activation else [])]
        model = torch.nn.Sequential(*layers)
        optimizer = getattr(torch.optim, net.rule)(model.parameters(), lr=net.lr)
        loss_function = torch.nn.MSELoss()
        for _ in range(epochs):
            for at in range(0, net.samples, net.batch):
                optimizer.zero_grad()
                loss = loss_function(model(X[at : at + net.batch]), y[at : at + net.batch])
                loss.backward()
                optimizer.step()
        return model

    return measure(train, lambda model: [p.detach() for p in model.parameters()], net, 1.0)


def adam_of_jax(g: Any, lr: float, params: Any, m: Any, v: Any, count: Any) -> Any:
    """A step of Adam."""
    import jax
    import jax.numpy as jnp

    tree, count = jax.tree_util.tree_map, count + 1
    m = tree(lambda a, q: 0.9 * a + 0.1 * q, m, g)
    v = tree(lambda a, q: 0.999 * a + 0.001 * q * q, v, g)

    def moved(p: Any, a: Any, b: Any) -> Any:
        return p - lr * (a / (1 - 0.9**count)) / (jnp.sqrt(b / (1 - 0.999**count)) + 1e-8)

    return tree(moved, params, m, v), m, v, count


def of_jax(measure: Measure, net: Net) -> Ready:
    """One compiled scan over all steps of all epochs."""
    import jax
    import jax.numpy as jnp

    X, y = (jnp.array(part).reshape(net.steps, net.batch, -1) for part in data(net))
    kinds = {"sigmoid": jax.nn.sigmoid, "relu": jax.nn.relu, None: lambda x: x}
    tree = jax.tree_util.tree_map

    def loss(params: Any, x: Any, t: Any) -> Any:
        for (w, b), activation in zip(params, net.activations, strict=True):
            x = kinds[activation](x @ w.T + b)
        return jnp.mean((x - t) ** 2)

    def update(state: Any, batch: Any) -> Any:
        params, *moments = state
        value, g = jax.value_and_grad(loss)(params, *batch)
        if net.rule == "Adam":
            return adam_of_jax(g, net.lr, params, *moments), value
        return (tree(lambda p, q: p - net.lr * q, params, g), *moments), value

    def epoch(state: Any, _: Any) -> Any:
        return jax.lax.scan(update, state, (X, y))

    @functools.cache
    def compiled(epochs: int) -> Any:
        return jax.jit(lambda state: jax.lax.scan(epoch, state, None, length=epochs)[0])

    def train(epochs: int) -> Any:
        if measure is of_whole:
            compiled.cache_clear()
            jax.clear_caches()
        params = [(jnp.array(rows), jnp.array(bias)) for rows, bias in weights(net)]
        zeros = tree(jnp.zeros_like, params)
        return jax.block_until_ready(compiled(epochs)((params, zeros, zeros, 0.0)))[0]

    for epochs in lengths(net, FAST) if measure is of_step else ():  # a step in steady state: compiled before
        train(epochs)
    return measure(train, lambda params: params, net, FAST)


JAX = "JAX multiplies matrices in XLA's tuned kernels; here a sum over rows is a scalar program."


def trainings(measure: Measure, net: Net) -> Workload:
    contenders = {
        "autograd_lite": functools.partial(ours, measure, net),
        "torch": functools.partial(of_torch, measure, net),
        "jax": functools.partial(of_jax, measure, net),
    }
    name = "step" if measure is of_step else f"{net.epochs} epochs from nothing"
    return Workload(
        f"{name}, {net.title}", contenders, tolerance=1e-7, is_quick=net.sizes[0] < 64,
        behind=JAX if measure is of_step else f"{JAX} From nothing, the model is recorded number by number first.",
    )  # fmt: skip


WORKLOADS = [trainings(measure, net) for measure in (of_step, of_whole) for net in NETS]

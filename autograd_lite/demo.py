"""The demos of the command line: from data to a trained model and a drawing."""

import random
from collections.abc import Sequence
from pathlib import Path

from autograd_lite import data, nn, optim, training
from autograd_lite.core.node import number
from autograd_lite.core.ops import sigmoid
from autograd_lite.core.value import Value
from autograd_lite.drawing import draw
from autograd_lite.errors import MissingDependencyError

__all__ = ["digits", "iris", "moons", "xor"]


def iris(*, seed: int = 1, epochs: int = 60, out: Path = Path("neuron.svg")) -> float:
    """Train an MLP on Fisher's iris flowers and draw one of its neurons. Return the accuracy on held-out flowers."""
    rng = random.Random(seed)
    X, y, X_test, y_test = data.split(*data.iris(), held_out=0.3, rng=rng)
    X, X_test = data.standardize(X), data.standardize(X_test, X)
    model = nn.MLP(4, [8, 3], activation="tanh", rng=rng)
    print(f"Fisher's iris flowers: {len(X)} to learn from, {len(X_test)} held out\n{model}")
    history = training.fit(
        model,
        X,
        y,
        loss=nn.cross_entropy,
        optimizer=optim.Adam(model.parameters(), lr=0.02, weight_decay=0.01),
        epochs=epochs,
        batch_size=15,
        rng=rng,
        metrics=[training.accuracy],
    )
    learned, held_out = _accuracy(model, X, y), _accuracy(model, X_test, y_test)
    print(f"train accuracy {learned:.1%}, held-out accuracy {held_out:.1%}")
    print(f"{sum(history.times):.1f} s of training")
    _draw_neuron(model.layers[0].neurons[0], X[0], out)
    return held_out


def moons(*, seed: int = 1, epochs: int = 100, out: Path = Path("neuron.svg")) -> float:
    """Run micrograd's demo: two moons, an MLP of two hidden layers, max-margin loss. Return the accuracy."""
    rng = random.Random(seed)
    X, labels = data.moons(100, noise=0.1, rng=rng)
    y = [2 * label - 1 for label in labels]
    model = nn.MLP(2, [16, 16, 1], rng=rng)
    print(f"two moons: {len(X)} points\n{model}")
    optimizer = optim.SGD(model.parameters(), lr=1.0, weight_decay=2e-4)
    schedule = optim.lr_scheduler.LinearLR(optimizer, start_factor=1.0, end_factor=0.1, total_iters=epochs)
    training.fit(
        model,
        X,
        y,
        loss=nn.hinge_loss,
        optimizer=optimizer,
        epochs=epochs,
        shuffle=False,
        metrics=[training.accuracy],
        callbacks=[lambda model, history: schedule.step()],
    )
    neuron = model.layers[0].neurons[0]
    _draw_neuron(neuron, next((x for x in X if neuron(x) > 0), X[0]), out)  # a point at which it is active
    return _accuracy(model, X, y)


def xor(*, seed: int = 1, epochs: int = 500, out: Path = Path("neuron.svg")) -> float:
    """Train a net of four hidden neurons on the four points of XOR, which no line divides. Return the accuracy."""
    rng = random.Random(seed)
    X, y = data.xor()
    model = nn.MLP(2, [4, 1], activation="tanh", rng=rng)
    print(f"XOR: {len(X)} points\n{model}")
    training.fit(
        model,
        X,
        y,
        loss=nn.binary_cross_entropy_with_logits,
        optimizer=optim.Adam(model.parameters(), lr=0.1),
        epochs=epochs,
        metrics=[training.accuracy],
        rng=rng,
    )
    for x, logit in zip(X, training.predict(model, X), strict=True):
        print(f"{x[0]:.0f} xor {x[1]:.0f}: probability of 1 {sigmoid(logit):.3f}")
    _draw_neuron(model.layers[0].neurons[0], X[3], out)
    return _accuracy(model, X, y)


def digits(*, seed: int = 1, epochs: int = 20, out: Path = Path("neuron.svg")) -> float:
    """Train an MLP on images of handwritten digits, 8 by 8 pixels. Return the accuracy on held-out images.

    Raises ``MissingDependencyError`` without scikit-learn, which the images come with.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise MissingDependencyError(
            "the images of digits come with scikit-learn: pip install scikit-learn; the demos iris, moons and xor need "
            "nothing"
        ) from None
    rng = random.Random(seed)
    pixels, labels = load_digits(return_X_y=True)
    X, y, X_test, y_test = data.split((pixels / 16.0).tolist(), labels.tolist(), held_out=0.2, rng=rng)
    model = nn.MLP(64, [16, 10], activation="tanh", init="xavier_uniform", rng=rng)
    print(f"handwritten digits: {len(X)} images to learn from, {len(X_test)} held out\n{model}")
    training.fit(
        model,
        X,
        y,
        loss=nn.cross_entropy,
        optimizer=optim.Adam(model.parameters(), lr=0.01),
        epochs=epochs,
        batch_size=32,
        rng=rng,
        metrics=[training.accuracy],
    )
    held_out = _accuracy(model, X_test, y_test)
    print(f"held-out accuracy {held_out:.1%}")
    _draw_neuron(model.layers[1].neurons[y_test[0]], model.layers[0](X_test[0]), out, expand=False)  # the right digit's
    return held_out


def _accuracy(model: nn.Module, X: list[list[float]], y: list[int]) -> float:
    return training.accuracy(training.predict(model, X), y)


def _draw_neuron(neuron: nn.Neuron, x: Sequence[float | Value], out: Path, *, expand: bool = True) -> None:
    """Draw the graph of a neuron for one sample, with its gradients."""
    inputs = [Value(number(input), name=f"x.{i}") for i, input in enumerate(x)]
    neuron.zero_grad()
    output = neuron(inputs)
    output.name = "output"
    output.backward()
    drawing = draw(output, expand=expand)
    try:
        print(f"one neuron, with its gradients: {drawing.save(out).absolute()}")
    except MissingDependencyError as missing:
        text = drawing.save(out.with_suffix(".dot"))
        print(f"one neuron, with its gradients, as DOT text: {text.absolute()}\n{missing}")

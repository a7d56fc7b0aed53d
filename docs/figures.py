"""The figures of the documentation, drawn by the package: ``python docs/figures.py`` writes them.

They are in the public domain (CC0 1.0): take them for slides, books and lessons.
"""

import sys
from pathlib import Path

from autograd_lite import Value, draw, grad, nn, sin, tanh

HERE = Path(__file__).parent


def product() -> Value:
    """``z = tanh(x * y + x)`` with its gradients: the figure of the README."""
    x, y = Value(1.5, name="x"), Value(-0.5, name="y")
    z = tanh(x * y + x)
    z.backward()
    return z


def shared() -> Value:
    """A Value that is used twice has two edges."""
    a, b = Value(-4.0, name="a"), Value(2.0, name="b")
    c = a * b + b**3
    c.backward()
    return c


def neuron() -> Value:
    """A neuron of two inputs, its weighted sum written out."""
    out: Value = nn.Neuron(2, activation="tanh", rng=0)([1.0, -2.0])
    out.backward()
    return out


def gradient() -> Value:
    """The gradient of sin(x) * x is a graph too."""
    slope: Value = grad(lambda x: sin(x) * x)(Value(1.0, name="x"))
    return slope


#: file -> what it shows
FIGURES = {
    "graph.svg": product,
    "figures/shared.svg": shared,
    "figures/neuron.svg": neuron,
    "figures/gradient.svg": gradient,
}


def main(folder: Path) -> None:
    """Write all figures into a folder that has their sub-folders."""
    for file, figure in FIGURES.items():
        draw(figure()).save(folder / file)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)

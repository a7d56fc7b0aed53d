"""Activations, layers and losses as functions of nested lists, under the names of PyTorch's ``nn.functional``.

Activations work number by number, ``softmax`` and ``log_softmax`` on each innermost list. The
losses are those of :mod:`autograd_lite.nn`.

>>> import autograd_lite.nn.functional as F
>>> F.relu([[-1.0, 2.0], [3.0, -4.0]])
[[0.0, 2.0], [3.0, 0.0]]
"""

from collections.abc import Sequence
from typing import Any

from autograd_lite import functions, pytree
from autograd_lite._rng import Rng, as_random
from autograd_lite.core import modes, ops
from autograd_lite.core.checks import as_float, describe, is_real
from autograd_lite.errors import ArgumentError
from autograd_lite.nn.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge_loss,
    huber_loss,
    l1_loss,
    mse_loss,
    nll_loss,
    quadratic_loss,
    smooth_l1_loss,
)

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "dropout",
    "elu",
    "gelu",
    "hinge_loss",
    "huber_loss",
    "l1_loss",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsigmoid",
    "mse_loss",
    "nll_loss",
    "quadratic_loss",
    "relu",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "tanh",
]


def relu(x: Any) -> Any:
    """max(x, 0) of every number."""
    return pytree.map_leaves(ops.relu, x)


def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)) of every number."""
    return pytree.map_leaves(ops.sigmoid, x)


def tanh(x: Any) -> Any:
    """The hyperbolic tangent of every number."""
    return pytree.map_leaves(ops.tanh, x)


def gelu(x: Any) -> Any:
    """x times the probability that a standard normal number is less than x, of every number."""
    return pytree.map_leaves(ops.gelu, x)


def silu(x: Any) -> Any:
    """x * sigmoid(x) of every number."""
    return pytree.map_leaves(ops.silu, x)


def softplus(x: Any) -> Any:
    """log(1 + exp(x)) of every number."""
    return pytree.map_leaves(ops.softplus, x)


def logsigmoid(x: Any) -> Any:
    """log(sigmoid(x)) of every number, exact in both tails."""
    return pytree.map_leaves(lambda number: -ops.softplus(-number), x)


def leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    """x where it is positive, else ``negative_slope`` * x, of every number."""
    return pytree.map_leaves(lambda number: ops.leaky_relu(number, negative_slope), x)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """x where it is positive, else ``alpha`` * (exp(x) - 1), of every number."""
    return pytree.map_leaves(lambda number: ops.elu(number, alpha), x)


def softmax(x: Any, dim: int = -1) -> Any:
    """exp(x) over the sum of all exp(x), in every innermost list.

    ``dim`` is -1 or the number of the last dimension; ``ArgumentError`` for any other.

    >>> softmax([[0.0, 0.0], [5.0, 5.0]], dim=1)
    [[0.5, 0.5], [0.5, 0.5]]
    """
    return _over_the_last(functions.softmax, "softmax", x, dim, 0)


def log_softmax(x: Any, dim: int = -1) -> Any:
    """The logarithm of :func:`softmax`, exact also where that is almost 0; what ``nll_loss`` takes."""
    return _over_the_last(functions.log_softmax, "log_softmax", x, dim, 0)


def dropout(x: Any, p: float = 0.5, training: bool = True, *, rng: Rng = None) -> Any:
    """While training, make each number 0 with probability p and divide the others by 1 - p (Srivastava et al., 2014).

    ``rng`` is a seed, a ``random.Random`` or a NumPy Generator; None for Python's ``random``.
    Raises ``ArgumentError`` for a p that is no probability.
    """
    p = probability(p)
    if not training or p == 0.0:
        return x
    draws, scale = as_random(rng), 1.0 / (1.0 - p) if p < 1.0 else 0.0
    # A seed gives the same numbers at each call; what comes from elsewhere is drawn anew.
    is_seed = rng is not None and hasattr(type(rng), "__index__")
    draw = modes.FIRST.interpreter.draw if is_seed else modes.current().interpreter.draw

    def factor() -> float:
        return 0.0 if draws.random() < p else scale

    return pytree.map_leaves(lambda number: number * draw(factor), x)


def linear(x: Any, weight: Sequence[Any], bias: Any = None) -> Any:
    """b + W x for a sample, a list of numbers, or for each of nested lists of samples.

    ``weight`` is a list of rows, one for each output, and ``bias`` a list of as many numbers. A
    single row, with a number as its bias, gives a number: one neuron. To the last bit what
    :class:`nn.Linear` and :class:`nn.Neuron` compute: the bias first, then product after product.
    Raises ``ArgumentError`` for lengths that do not fit.

    >>> linear([1.0, 2.0], [[3.0, 4.0]], [5.0])
    [16.0]
    >>> linear([1.0, 2.0], [3.0, 4.0], 5.0)
    16.0
    """
    x, rows = pytree.listed(x), pytree.listed(weight)
    if pytree.is_list(x) and len(x) and pytree.is_list(x[0]):
        return [linear(sample, rows, bias) for sample in x]
    if not (pytree.is_list(rows) and len(rows) and pytree.is_list(rows[0])):
        return functions.weighted_sum(rows, x, bias)
    if bias is None:
        return [functions.dot(row, x) for row in rows]
    if len(bias) != len(rows):
        raise ArgumentError(f"there are {len(rows)} rows of weights and {len(bias)} numbers in the bias")
    return [functions.weighted_sum(row, x, b) for row, b in zip(rows, bias, strict=True)]


def probability(p: Any) -> float:
    """The probability of a dropout as a float. Raises ``ArgumentError`` for what is none."""
    if not is_real(p) or not 0.0 <= p <= 1.0:
        raise ArgumentError(f"p is a probability, from 0 to 1; got {describe(p)}")
    return as_float(p)


def _over_the_last(function: Any, name: str, x: Any, dim: int, depth: int) -> Any:
    rows = pytree.listed(x)
    if not isinstance(rows, (list, tuple)) or not rows:
        raise ArgumentError(f"{name} takes a list of numbers, or lists of them; got {describe(x)}")
    if isinstance(rows[0], (list, tuple)):
        return [_over_the_last(function, name, row, dim, depth + 1) for row in rows]
    if dim not in (-1, depth):
        raise ArgumentError(f"{name} goes over the last dimension, here {depth}; got dim={dim}")
    return function(rows)

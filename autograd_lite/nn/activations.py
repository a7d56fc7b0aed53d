"""Activations as modules, and what an ``activation`` argument stands for."""

import operator
from collections.abc import Callable
from typing import Any

from autograd_lite import functions, pytree
from autograd_lite.core import ops
from autograd_lite.core.checks import describe
from autograd_lite.core.operators import primitives
from autograd_lite.core.value import Value
from autograd_lite.errors import ArgumentError
from autograd_lite.nn.module import Module

__all__ = [
    "ELU",
    "GELU",
    "Activation",
    "Identity",
    "LeakyReLU",
    "LogSoftmax",
    "ReLU",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
]

#: An activation is a function of one number, or the name of a primitive; None is the identity.
Activation = Callable[[Any], Any] | str | None


class _Elementwise(Module):
    """A function of one number, applied to every number of nested lists."""

    function: Callable[..., Any]

    def forward(self, x: Any) -> Any:
        return pytree.map_leaves(self.function, x)


class ReLU(_Elementwise):
    """max(x, 0) of every number."""

    function = ops.relu


class Sigmoid(_Elementwise):
    """1 / (1 + exp(-x)) of every number."""

    function = ops.sigmoid


class Tanh(_Elementwise):
    """The hyperbolic tangent of every number."""

    function = ops.tanh


class GELU(_Elementwise):
    """x times the normal distribution's probability of less than x, of every number."""

    function = ops.gelu


class SiLU(_Elementwise):
    """x * sigmoid(x) of every number."""

    function = ops.silu


class Softplus(_Elementwise):
    """log(1 + exp(x)) of every number."""

    function = ops.softplus


class Identity(Module):
    """What goes in comes out."""

    def forward(self, x: Any) -> Any:
        return x


class LeakyReLU(Module):
    """x where it is positive, else ``negative_slope`` * x, of every number."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> Any:
        return pytree.map_leaves(lambda number: ops.leaky_relu(number, self.negative_slope), x)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}"


class ELU(Module):
    """x where it is positive, else ``alpha`` * (exp(x) - 1), of every number."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        return pytree.map_leaves(lambda number: ops.elu(number, self.alpha), x)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}"


class _OverTheLast(Module):
    """A function of a list of numbers, applied to every innermost list.

    ``dim`` is there for PyTorch's sake: -1, or the number of the last dimension.
    """

    function: Callable[..., list[Any]]

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, x: Any) -> Any:
        return self._applied(x, 0)

    def _applied(self, x: Any, depth: int) -> Any:
        rows = x.tolist() if pytree.is_array(x) else x
        if not isinstance(rows, (list, tuple)) or not rows:
            raise ArgumentError(f"{type(self).__name__} takes a list of numbers, or lists of them; got {describe(x)}")
        if isinstance(rows[0], (list, tuple)):
            return [self._applied(row, depth + 1) for row in rows]
        if self.dim not in (-1, depth):
            raise ArgumentError(f"{type(self).__name__} goes over the last dimension, here {depth}; got dim={self.dim}")
        return type(self).function(rows)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax(_OverTheLast):
    """exp(x) over the sum of all exp(x), in every innermost list. For a loss take the logits instead.

    >>> Softmax()([0.0, 0.0])
    [0.5, 0.5]
    """

    function = staticmethod(functions.softmax)


class LogSoftmax(_OverTheLast):
    """The logarithm of :class:`Softmax`, exact also where that is almost 0; what ``nll_loss`` takes."""

    function = staticmethod(functions.log_softmax)


def activate(activation: Activation) -> Callable[[Any], Any] | None:
    """The function that an ``activation`` argument stands for; None for the identity."""
    if not isinstance(activation, str):
        if isinstance(activation, type):
            raise TypeError(f"an activation is an instance, so write {activation.__name__}()")
        if activation is not None and not callable(activation):
            raise TypeError(f"an activation is the name of a primitive or a function, got {describe(activation)}")
        return activation
    if activation not in primitives or not _is_unary(primitives[activation]):
        raise ArgumentError(f"there is no activation {activation!r}; there are relu, tanh, sigmoid, gelu, silu, ...")
    return operator.methodcaller(activation)  # a method is the quick way to a primitive


def shown(activation: Activation) -> str:
    """An activation as ``repr`` shows it after other arguments."""
    if activation is None:
        return ""
    name = getattr(activation, "__name__", None) or getattr(activation, "name", activation)
    return f", activation={name}"


def _is_unary(op: ops.Op) -> bool:
    try:
        op(0.5)
    except TypeError:
        return False
    return hasattr(Value, op.name)

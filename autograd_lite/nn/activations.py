"""Activations as modules, and the function that an ``activation`` argument stands for."""

import operator
import sys
from collections.abc import Callable
from typing import Any

from autograd_lite.core import ops
from autograd_lite.core.checks import describe
from autograd_lite.core.operators import primitives
from autograd_lite.core.value import Value
from autograd_lite.errors import ArgumentError
from autograd_lite.nn import functional
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
    """An activation without settings: a function of :mod:`nn.functional`."""

    function: Callable[[Any], Any]

    def forward(self, x: Any) -> Any:
        return type(self).function(x)


class ReLU(_Elementwise):
    """max(x, 0) of every number."""

    function = staticmethod(functional.relu)


class Sigmoid(_Elementwise):
    """1 / (1 + exp(-x)) of every number."""

    function = staticmethod(functional.sigmoid)


class Tanh(_Elementwise):
    """The hyperbolic tangent of every number."""

    function = staticmethod(functional.tanh)


class GELU(_Elementwise):
    """x times the probability that a standard normal number is less than x, of every number."""

    function = staticmethod(functional.gelu)


class SiLU(_Elementwise):
    """x * sigmoid(x) of every number."""

    function = staticmethod(functional.silu)


class Softplus(_Elementwise):
    """log(1 + exp(x)) of every number."""

    function = staticmethod(functional.softplus)


class Identity(Module):
    """What goes in comes out."""

    def forward(self, x: Any) -> Any:
        return x


class LeakyReLU(Module):
    """x where it is positive, else ``negative_slope`` * x, of every number."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> Any:
        return functional.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}"


class ELU(Module):
    """x where it is positive, else ``alpha`` * (exp(x) - 1), of every number."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        return functional.elu(x, self.alpha)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}"


class _OverTheLast(Module):
    """A function of each innermost list. ``dim`` is -1, or the number of the last dimension."""

    function: Callable[[Any, int], Any]

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, x: Any) -> Any:
        return type(self).function(x, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax(_OverTheLast):
    """exp(x) over the sum of all exp(x), in every innermost list. For a loss take the logits instead.

    >>> Softmax()([0.0, 0.0])
    [0.5, 0.5]
    """

    function = staticmethod(functional.softmax)


class LogSoftmax(_OverTheLast):
    """The logarithm of :class:`Softmax`, exact also where that is almost 0; what ``nll_loss`` takes."""

    function = staticmethod(functional.log_softmax)


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
    if sys.platform == "emscripten":
        # There Python ends when a methodcaller is garbage: https://github.com/python/cpython/issues/156762
        return primitives[activation]
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

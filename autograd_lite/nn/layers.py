"""Neurons, layers and multi-layer perceptrons, with micrograd's signatures."""

import operator
from collections.abc import Callable, Sequence
from typing import Any

from autograd_lite import ops
from autograd_lite.checks import describe
from autograd_lite.engine import Value
from autograd_lite.errors import ArgumentError
from autograd_lite.nn.module import Module
from autograd_lite.rng import Rng, as_random

__all__ = ["MLP", "Layer", "Neuron"]

#: An activation is a function of one number, or the name of a primitive; None is the identity.
Activation = Callable[[Any], Any] | str | None


class Neuron(Module):
    """activation(w . x + b), with weights drawn uniformly from -1 to 1 and a bias of 0.

    Args:
        nin: how many inputs.
        nonlin: whether there is an activation at all.
        activation: the name of a primitive, such as ``"tanh"``, or a function of one number.
        rng: where the weights come from: a ``random.Random``, a seed, or None.

    Called with ``nin`` numbers it gives one. Raises ``ArgumentError`` (a ``ValueError``)
    for another count.

    >>> neuron = Neuron(2, rng=0)
    >>> round(neuron([1.0, 2.0]).data, 6)
    1.720661
    """

    def __init__(self, nin: int, nonlin: bool = True, *, activation: Activation = "relu", rng: Rng = None) -> None:
        _check_size(nin, "nin")
        if not isinstance(nonlin, bool):
            raise TypeError(
                f"nonlin is True or False, got {describe(nonlin)}; write activation={nonlin!r} for its kind"
            )
        draws = as_random(rng)
        self.w = [Value(draws.uniform(-1.0, 1.0)) for _ in range(nin)]
        self.b = Value(0.0)
        self.activation = activation if nonlin else None
        self._activate = _activate(self.activation)
        _name_parameters(self)

    def forward(self, x: Sequence[Any]) -> Any:
        """The output for ``nin`` inputs."""
        if not hasattr(x, "__len__"):
            raise TypeError(f"a neuron takes a list of {len(self.w)} numbers, got {describe(x)}")
        if len(x) != len(self.w):
            raise ArgumentError(f"this neuron takes {len(self.w)} inputs, got {len(x)}")
        total = sum(map(operator.mul, self.w, x), self.b)
        return self._activate(total) if self._activate else total

    def extra_repr(self) -> str:
        return f"{len(self.w)}{_shown(self.activation)}"


class Layer(Module):
    """Neurons side by side, each with the same inputs. Arguments after the sizes are the neurons'.

    Called with ``nin`` numbers it gives a list of ``nout``, or the number itself if ``nout`` is 1.
    """

    def __init__(self, nin: int, nout: int, *, rng: Rng = None, **kwargs: Any) -> None:
        _check_size(nin, "nin")
        _check_size(nout, "nout")
        draws = as_random(rng)
        self.neurons = [Neuron(nin, rng=draws, **kwargs) for _ in range(nout)]
        _name_parameters(self)

    def forward(self, x: Sequence[Any]) -> Any:
        """The outputs for ``nin`` inputs."""
        outputs = [neuron(x) for neuron in self.neurons]
        return outputs[0] if len(outputs) == 1 else outputs

    def __repr__(self) -> str:
        nin, activation = len(self.neurons[0].w), self.neurons[0].activation
        return f"Layer({nin}, {len(self.neurons)}{_shown(activation)})  # {len(self.parameters())} parameters"


class MLP(Module):
    """A multi-layer perceptron: layers one after the other, the last without an activation.

    Args:
        nin: how many inputs.
        nouts: the size of each layer, such as ``[16, 16, 1]``.
        activation: of all layers but the last: the name of a primitive, or a function.
        rng: where the weights come from: a ``random.Random``, a seed, or None.

    Called with ``nin`` numbers it gives a list of ``nouts[-1]``, or the number itself if
    that is 1. Raises ``ArgumentError`` (a ``ValueError``) for another count of inputs.

    >>> MLP(2, [16, 16, 1], rng=0)
    MLP(  # 337 parameters
      (layers.0): Layer(2, 16, activation=relu)  # 48 parameters
      (layers.1): Layer(16, 16, activation=relu)  # 272 parameters
      (layers.2): Layer(16, 1)  # 17 parameters
    )
    """

    def __init__(self, nin: int, nouts: Sequence[int], *, activation: Activation = "relu", rng: Rng = None) -> None:
        if not isinstance(nouts, Sequence) or isinstance(nouts, str) or not nouts:
            raise TypeError(f"nouts is the list of layer sizes, such as [16, 16, 1]; got {describe(nouts)}")
        draws = as_random(rng)
        sizes = [nin, *nouts]
        last = len(nouts) - 1
        self.layers = [
            Layer(a, b, nonlin=i != last, activation=activation, rng=draws)
            for i, (a, b) in enumerate(zip(sizes, nouts, strict=False))
        ]
        _name_parameters(self)

    def forward(self, x: Sequence[Any]) -> Any:
        """The outputs for ``nin`` inputs."""
        y: Any = x
        for i, layer in enumerate(self.layers):
            y = layer(y if i == 0 or isinstance(y, list) else [y])  # a layer of one neuron gives a bare number
        return y


def _name_parameters(module: Module) -> None:
    """Call each parameter by its path, for drawings and error messages."""
    for name, parameter in module.named_parameters():
        parameter.name = name


def _check_size(size: Any, name: str) -> None:
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise ArgumentError(f"{name} is a whole number from 1 up, got {describe(size)}")


def _activate(activation: Activation) -> Callable[[Any], Any] | None:
    if not isinstance(activation, str):
        if activation is not None and not callable(activation):
            raise TypeError(f"an activation is the name of a primitive or a function, got {describe(activation)}")
        return activation
    if activation not in ops.primitives or not _is_unary(ops.primitives[activation]):
        raise ArgumentError(f"there is no activation {activation!r}; there are relu, tanh, sigmoid, gelu, silu, ...")
    return operator.methodcaller(activation)  # a method is the quick way to a primitive


def _is_unary(op: ops.Op) -> bool:
    try:
        op(0.5)
    except TypeError:
        return False
    return hasattr(Value, op.name)


def _shown(activation: Activation) -> str:
    if activation is None:
        return ""
    name = getattr(activation, "__name__", None) or getattr(activation, "name", activation)
    return f", activation={name}"

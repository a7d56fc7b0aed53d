"""Layers: micrograd's neurons and perceptrons, and PyTorch's building blocks.

All take one sample, a list of numbers, or a batch, a list of such lists.
"""

from collections.abc import Sequence
from typing import Any

from autograd_lite import pytree
from autograd_lite._rng import Rng, as_random
from autograd_lite.core.checks import check_size, describe
from autograd_lite.core.record import weighted_sums
from autograd_lite.core.value import Value
from autograd_lite.errors import ArgumentError
from autograd_lite.nn import functional
from autograd_lite.nn.activations import Activation, activate, shown
from autograd_lite.nn.init import Initializer, kaiming_uniform, weights
from autograd_lite.nn.module import Module

__all__ = ["MLP", "Dropout", "Layer", "Linear", "Neuron"]


class _BySample(Module):
    """Base class of layers that take a sample, a list of numbers, or nested lists of samples.

    What is given is checked once, here; ``_outputs`` and the layers inside take it as it comes.
    """

    _taker = "this layer"

    def forward(self, x: Any, *others: Any) -> Any:
        """The outputs for a sample, or for each of nested lists of samples."""
        if others:
            count = 1 + len(others)
            raise TypeError(f"{self._taker} takes the numbers of a sample as one list; it got {count} arguments")
        width, samples = self._width(), []

        def gather(x: Any) -> Any:
            if _is_batch(x, width, self._taker):
                return [gather(sample) for sample in x]
            samples.append(list(x))
            return None

        shape = gather(pytree.listed(x))
        outputs = iter(self._outputs(samples))

        def spread(shape: Any) -> Any:
            return next(outputs) if shape is None else [spread(part) for part in shape]

        return spread(shape)

    def _width(self) -> int:
        """How many numbers a sample has."""
        raise NotImplementedError

    def _outputs(self, samples: list[list[Any]]) -> list[Any]:
        """The outputs for each of the samples, which have been checked."""
        raise NotImplementedError


class Neuron(_BySample):
    """activation(w . x + b), with weights drawn uniformly from -1 to 1 and a bias of 0.

    The weighted sum is one operation, ``linear``, which drawings write out product by product.

    Args:
        nin: how many inputs.
        nonlin: whether there is an activation at all.
        activation: the name of a primitive, such as ``"tanh"``, or a function of one number.
        init: where the weights come from: the name of an initialiser in :mod:`nn.init`, or
            a function like those.
        rng: its random numbers: a seed, a ``random.Random`` or a NumPy Generator; None for Python's ``random``.

    Called with ``nin`` numbers it gives one; with a list of such lists, a list. Raises
    ``ArgumentError`` (a ``ValueError``) for another count.

    >>> neuron = Neuron(2, rng=0)
    >>> round(neuron([1.0, 2.0]).data, 6)
    1.720661
    """

    def __init__(
        self,
        nin: int,
        nonlin: bool = True,
        *,
        activation: Activation = "relu",
        init: str | Initializer = "uniform",
        rng: Rng = None,
    ) -> None:
        check_size(nin, "nin")
        if not isinstance(nonlin, bool):
            raise TypeError(
                f"nonlin is True or False, got {describe(nonlin)}; write activation={nonlin!r} for its kind"
            )
        (row,) = weights(init, 1, nin, rng)
        self.w = [Value(w) for w in row]
        self.b = Value(0.0)
        self.activation = activation if nonlin else None
        self._activate = activate(self.activation)

    _taker = "this neuron"

    def _width(self) -> int:
        return len(self.w)

    def _outputs(self, samples: list[list[Any]]) -> list[Any]:
        totals = [total for (total,) in _weighted_sums([self.w], samples, [self.b])]
        return list(map(self._activate, totals)) if self._activate else totals

    def extra_repr(self) -> str:
        return f"{len(self.w)}{shown(self.activation)}"


class Layer(_BySample):
    """Neurons side by side, each with the same inputs. Further arguments are those of :class:`Neuron`.

    Called with ``nin`` numbers it gives a list of ``nout``, or the number itself if ``nout``
    is 1; with a list of such lists, a list of what it gives for each.
    """

    def __init__(
        self, nin: int, nout: int, *, init: str | Initializer = "uniform", rng: Rng = None, **kwargs: Any
    ) -> None:
        check_size(nin, "nin")
        check_size(nout, "nout")
        # For the whole layer at once, as some initialisers depend on nout too.
        rows = weights(init, nout, nin, rng)
        self.neurons = [Neuron(nin, init=_given(row), **kwargs) for row in rows]

    def _width(self) -> int:
        return len(self.neurons[0].w)

    def _outputs(self, samples: list[list[Any]]) -> list[Any]:
        if all(map(_is_plain, self.neurons)):
            rows, biases = [neuron.w for neuron in self.neurons], [neuron.b for neuron in self.neurons]
            activations = [neuron._activate for neuron in self.neurons]
            outputs = [
                [
                    activation(total) if activation else total
                    for activation, total in zip(activations, totals, strict=True)
                ]
                for totals in _weighted_sums(rows, samples, biases)
            ]
        else:
            outputs = [[neuron(x) for neuron in self.neurons] for x in samples]
        return [output[0] for output in outputs] if len(self.neurons) == 1 else outputs

    def __repr__(self) -> str:
        nin, activation = len(self.neurons[0].w), self.neurons[0].activation
        return f"Layer({nin}, {len(self.neurons)}{shown(activation)})  # {len(self.parameters())} parameters"


class MLP(_BySample):
    """A multi-layer perceptron: layers one after the other.

    Args:
        nin: how many inputs.
        nouts: the size of each layer, such as ``[16, 16, 1]``.
        activation: of all layers but the last: the name of a primitive, or a function.
        output: the activation of the last layer; none if not said.
        init: the initialiser of the weights, by its name in :mod:`nn.init` or as a function.
        rng: their random numbers: a seed, a ``random.Random`` or a NumPy Generator; None for Python's ``random``.

    Called with ``nin`` numbers it gives a list of ``nouts[-1]``, or the number itself if
    that is 1; with a list of such lists, a list of what it gives for each. Raises
    ``ArgumentError`` (a ``ValueError``) for another count of inputs.

    >>> MLP(2, [16, 16, 1], rng=0)
    MLP(  # 337 parameters
      (layers.0): Layer(2, 16, activation=relu)  # 48 parameters
      (layers.1): Layer(16, 16, activation=relu)  # 272 parameters
      (layers.2): Layer(16, 1)  # 17 parameters
    )
    """

    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        *,
        activation: Activation = "relu",
        output: Activation = None,
        init: str | Initializer = "uniform",
        rng: Rng = None,
    ) -> None:
        if not isinstance(nouts, Sequence) or isinstance(nouts, str) or not nouts:
            raise TypeError(f"nouts is the list of layer sizes, such as [16, 16, 1]; got {describe(nouts)}")
        draws = as_random(rng)
        sizes = [nin, *nouts]
        activations = [activation] * (len(nouts) - 1) + [output]
        self.layers = [
            Layer(a, b, activation=activation, init=init, rng=draws)
            for a, b, activation in zip(sizes, nouts, activations, strict=False)
        ]

    _taker = "this MLP"

    def _width(self) -> int:
        return len(self.layers[0].neurons[0].w)

    def _outputs(self, samples: list[list[Any]]) -> list[Any]:
        if not all(map(_is_plain, self.layers)):  # a user's own take one sample after the other
            return [self._output(x) for x in samples]
        for layer in self.layers:
            samples = layer._outputs([_as_sample(x) for x in samples])
        return samples

    def _output(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(_as_sample(x))
        return x


class Linear(_BySample):
    """W x + b, PyTorch's way: weights and bias uniform up to in_features**-0.5.

    Args:
        in_features: how many inputs.
        out_features: how many outputs.
        bias: whether there is a b.
        init: the initialiser of the weights, by its name in :mod:`nn.init` or as a function.
        rng: their random numbers: a seed, a ``random.Random`` or a NumPy Generator; None for Python's ``random``.

    Called with a list of ``in_features`` numbers it gives a list of ``out_features``, and the
    like for nested lists. Raises ``ArgumentError`` (a ``ValueError``) for another count.
    Source of the default: He et al., 2015, with a = sqrt(5), as in PyTorch.

    >>> Linear(10, 50)
    Linear(in_features=10, out_features=50, bias=True)  # 550 parameters
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        init: str | Initializer | None = None,
        rng: Rng = None,
    ) -> None:
        check_size(in_features, "in_features")
        check_size(out_features, "out_features")
        draws = as_random(rng)
        rows = weights(init or _as_pytorch, out_features, in_features, draws)
        bound = in_features**-0.5
        self.weight = [[Value(w) for w in row] for row in rows]
        self.bias = [Value(draws.uniform(-bound, bound)) for _ in rows] if bias else None

    def _width(self) -> int:
        return len(self.weight[0])

    def _outputs(self, samples: list[list[Any]]) -> list[Any]:
        return _weighted_sums(self.weight, samples, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={len(self.weight[0])}, out_features={len(self.weight)}, bias={self.bias is not None}"


class Dropout(Module):
    """While training, make each number 0 with probability p and divide the others by 1 - p; else change nothing.

    Args:
        p: the probability, from 0 to 1.
        rng: the random numbers: a seed, a ``random.Random`` or a NumPy Generator; None for Python's ``random``.

    Source: Srivastava et al., 2014.

    >>> Dropout(0.5, rng=1)([1.0, 1.0, 1.0])
    [0.0, 2.0, 2.0]
    """

    def __init__(self, p: float = 0.5, *, rng: Rng = None) -> None:
        self.p = functional.probability(p)
        self._rng = None if rng is None else as_random(rng)

    def forward(self, x: Any) -> Any:
        return functional.dropout(x, self.p, self.training, rng=self._rng)

    def extra_repr(self) -> str:
        return f"p={self.p}"


def _given(row: list[float]) -> Initializer:
    """The initialiser of a neuron whose weights were drawn before."""
    return lambda nout, nin, *, rng=None: [row]


def _as_pytorch(nout: int, nin: int, *, rng: Rng = None) -> list[list[float]]:
    return kaiming_uniform(nout, nin, a=5.0**0.5, rng=rng)


def _as_sample(y: Any) -> Any:
    return y if isinstance(y, list) else [y]  # a layer of one neuron gives a bare number


def _is_plain(layer: Any) -> bool:
    """Whether a layer inside another does what its class does here, so that its sample need not be checked again."""
    kind = type(layer)
    if getattr(kind, "forward", None) is not _BySample.forward or "forward" in vars(layer):
        return False  # the user's own
    if kind.__call__ is not Module.__call__:
        return False
    noted = layer._noted
    if noted.containers != noted.contents:
        layer._look()
    return True


def _weighted_sums(
    rows: Sequence[Sequence[Value]], samples: list[list[Any]], biases: Sequence[Value] | None
) -> list[list[Any]]:
    """b + w * x + w * x + ..., in micrograd's order, as one operation: for each sample, by each row and its bias."""
    results = []
    widths = set(map(len, rows))
    for x in samples:
        if widths != {len(x)}:  # of a layer that was put in the place of another
            wrong = min(widths - {len(x)})
            raise ArgumentError(f"this layer takes {wrong} inputs, got {len(x)}")
        totals = weighted_sums(rows, x, biases)
        if not (set(map(type, totals)) <= {Value, float}) and any(map(pytree.is_list, totals)):
            # a primitive goes through lists element by element
            raise TypeError(f"this layer takes {len(x)} numbers, with no list among them; got {describe(x)}")
        results.append(totals)
    return results


def _is_batch(x: Any, width: int, taker: str) -> bool:
    """Whether x holds samples, not numbers. Raises if it is neither that nor ``width`` numbers."""
    if not hasattr(x, "__len__") or isinstance(x, (str, dict)):
        raise TypeError(f"{taker} takes a list of {width} numbers, got {describe(x)}")
    if len(x) > 0 and hasattr(x[0], "__len__") and not isinstance(x[0], str):
        return True
    if len(x) != width:
        raise ArgumentError(f"{taker} takes {width} inputs, got {len(x)}")
    return False

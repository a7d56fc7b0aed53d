"""Initialisers: random weights as a list of ``nout`` rows of ``nin`` floats each, PyTorch's (out, in).

``uniform(nout, nin, rng=0)`` gives such a list. Layers take an initialiser by name
(``init="kaiming_normal"``) or as a function of the same arguments, with settings say:
``init=functools.partial(nn.init.normal, std=0.1)``. Those whose names end in ``_`` are
PyTorch's: they set the Values of a weight or a bias in place, ``xavier_uniform_(layer.weight)``.
"""

import itertools
import math
from collections.abc import Callable
from typing import Any, Protocol

from autograd_lite import pytree
from autograd_lite._rng import Rng, as_random
from autograd_lite.core.checks import check_size, describe
from autograd_lite.core.value import Value, assign
from autograd_lite.errors import ArgumentError

__all__ = [
    "Initializer",
    "calculate_gain",
    "constant_",
    "fan_in_normal",
    "kaiming_normal",
    "kaiming_normal_",
    "kaiming_uniform",
    "kaiming_uniform_",
    "normal",
    "normal_",
    "ones_",
    "uniform",
    "uniform_",
    "xavier_normal",
    "xavier_normal_",
    "xavier_uniform",
    "xavier_uniform_",
    "zeros",
    "zeros_",
]

Matrix = list[list[float]]


class Initializer(Protocol):
    """A function that makes the weights of a layer."""

    def __call__(self, nout: int, nin: int, *, rng: Rng = None) -> Matrix: ...


def uniform(nout: int, nin: int, *, low: float = -1.0, high: float = 1.0, rng: Rng = None) -> Matrix:
    """Weights uniform between low and high.

    >>> uniform(1, 2, rng=0)
    [[0.6888437030500962, 0.515908805880605]]
    """
    draws = as_random(rng)
    return _matrix(nout, nin, lambda: draws.uniform(low, high))


def normal(nout: int, nin: int, *, mean: float = 0.0, std: float = 1.0, rng: Rng = None) -> Matrix:
    """Weights from a normal distribution."""
    draws = as_random(rng)
    return _matrix(nout, nin, lambda: draws.gauss(mean, std))


def zeros(nout: int, nin: int, *, rng: Rng = None) -> Matrix:
    """Weights of 0, for a last layer or a single one: neurons that begin equal stay equal."""
    return _matrix(nout, nin, lambda: 0.0)


def fan_in_normal(nout: int, nin: int, *, rng: Rng = None) -> Matrix:
    """Normal with deviation nin**-0.5: a sum over nin inputs of variance 1 has variance 1 (LeCun et al., 1998)."""
    return normal(nout, nin, std=_fan(nin) ** -0.5, rng=rng)


def xavier_uniform(nout: int, nin: int, *, gain: float = 1.0, rng: Rng = None) -> Matrix:
    """Uniform up to gain * sqrt(6 / (nin + nout)), for tanh and sigmoid (Glorot and Bengio, 2010)."""
    bound = gain * math.sqrt(6.0 / (_fan(nin) + nout))
    return uniform(nout, nin, low=-bound, high=bound, rng=rng)


def xavier_normal(nout: int, nin: int, *, gain: float = 1.0, rng: Rng = None) -> Matrix:
    """Normal with deviation gain * sqrt(2 / (nin + nout)), for tanh and sigmoid (Glorot and Bengio, 2010)."""
    return normal(nout, nin, std=gain * math.sqrt(2.0 / (_fan(nin) + nout)), rng=rng)


def kaiming_uniform(nout: int, nin: int, *, a: float = 0.0, mode: str = "fan_in", rng: Rng = None) -> Matrix:
    """Uniform up to sqrt(6 / ((1 + a^2) fan)), for relu with a slope of a below 0 (He et al., 2015).

    ``mode`` says which fan: ``"fan_in"`` (nin) keeps the variance forward, ``"fan_out"`` (nout) backward.
    """
    bound = math.sqrt(3.0) * _kaiming_deviation(nout, nin, a, mode)
    return uniform(nout, nin, low=-bound, high=bound, rng=rng)


def kaiming_normal(nout: int, nin: int, *, a: float = 0.0, mode: str = "fan_in", rng: Rng = None) -> Matrix:
    """Normal with deviation sqrt(2 / ((1 + a^2) fan)); ``a`` and ``mode`` as for :func:`kaiming_uniform`."""
    return normal(nout, nin, std=_kaiming_deviation(nout, nin, a, mode), rng=rng)


def uniform_(tensor: Any, a: float = 0.0, b: float = 1.0, *, rng: Rng = None) -> Any:
    """Set a weight or a bias to numbers uniform between a and b, and return it; so do all whose names end in ``_``.

    Raises ``TypeError`` for what is not a Value, or nested lists of them.
    """
    draws = as_random(rng)
    return _set(tensor, lambda: draws.uniform(a, b))


def normal_(tensor: Any, mean: float = 0.0, std: float = 1.0, *, rng: Rng = None) -> Any:
    """Set a weight or a bias to numbers from a normal distribution."""
    draws = as_random(rng)
    return _set(tensor, lambda: draws.gauss(mean, std))


def constant_(tensor: Any, val: float) -> Any:
    """Set every number of a weight or a bias to ``val``.

    >>> from autograd_lite.nn import Linear
    >>> layer = Linear(2, 1)
    >>> [w.data for w in constant_(layer.weight, 0.5)[0]]
    [0.5, 0.5]
    """
    return _set(tensor, lambda: val)


def zeros_(tensor: Any) -> Any:
    """Set every number of a weight or a bias to 0."""
    return constant_(tensor, 0.0)


def ones_(tensor: Any) -> Any:
    """Set every number of a weight or a bias to 1."""
    return constant_(tensor, 1.0)


def xavier_uniform_(tensor: Any, gain: float = 1.0, *, rng: Rng = None) -> Any:
    """Set a weight, a list of rows, as :func:`xavier_uniform` draws it."""
    return _set_rows(tensor, xavier_uniform(*_size(tensor), gain=gain, rng=rng))


def xavier_normal_(tensor: Any, gain: float = 1.0, *, rng: Rng = None) -> Any:
    """Set a weight, a list of rows, as :func:`xavier_normal` draws it."""
    return _set_rows(tensor, xavier_normal(*_size(tensor), gain=gain, rng=rng))


def kaiming_uniform_(
    tensor: Any, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", *, rng: Rng = None
) -> Any:
    """Set a weight, a list of rows, as :func:`kaiming_uniform` draws it; ``nonlinearity`` as in PyTorch."""
    return _set_rows(tensor, kaiming_uniform(*_size(tensor), a=_slope(a, nonlinearity), mode=mode, rng=rng))


def kaiming_normal_(
    tensor: Any, a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", *, rng: Rng = None
) -> Any:
    """Set a weight, a list of rows, as :func:`kaiming_normal` draws it; ``nonlinearity`` as in PyTorch."""
    return _set_rows(tensor, kaiming_normal(*_size(tensor), a=_slope(a, nonlinearity), mode=mode, rng=rng))


def calculate_gain(nonlinearity: str, param: float = 0.01) -> float:
    """The gain that PyTorch recommends before an activation; ``param`` is the slope of a leaky relu.

    >>> calculate_gain("tanh")
    1.6666666666666667
    """
    gains = {"linear": 1.0, "sigmoid": 1.0, "tanh": 5.0 / 3.0, "relu": math.sqrt(2.0)}
    gains["leaky_relu"] = math.sqrt(2.0 / (1.0 + param * param))
    if nonlinearity not in gains:
        raise ArgumentError(f"there is no gain for {nonlinearity!r}; there are {', '.join(gains)}")
    return gains[nonlinearity]


def weights(init: str | Initializer, nout: int, nin: int, rng: Rng) -> Matrix:
    """The weights that a layer's ``init`` argument stands for. Raises ``ArgumentError`` for an unknown one."""
    if not callable(init):
        if not isinstance(init, str) or init not in _BY_NAME:
            raise ArgumentError(f"there is no initialiser {init!r}; there are {', '.join(_BY_NAME)}, or a function")
        init = _BY_NAME[init]
    rows = init(nout, nin, rng=rng)
    if [len(row) for row in rows] != [nin] * nout:
        raise ArgumentError(f"init gives {nout} rows of {nin} weights here; this one gave {describe(rows)}")
    return rows


_BY_NAME: dict[str, Initializer] = {
    function.__name__: function
    for function in (
        uniform,
        normal,
        zeros,
        fan_in_normal,
        xavier_uniform,
        xavier_normal,
        kaiming_uniform,
        kaiming_normal,
    )
}


def _matrix(nout: int, nin: int, draw: Callable[[], float]) -> Matrix:
    check_size(nin, "nin")
    check_size(nout, "nout")
    return [[draw() for _ in range(nin)] for _ in range(nout)]


def _fan(size: int) -> int:
    check_size(size, "nin")
    return size


def _kaiming_deviation(nout: int, nin: int, a: float, mode: str) -> float:
    fans: dict[Any, int] = {"fan_in": nin, "fan_out": nout}
    if mode not in fans:
        raise ArgumentError(f'mode is "fan_in" or "fan_out", got {describe(mode)}')
    return math.sqrt(2.0 / ((1.0 + a * a) * _fan(fans[mode])))


def _values(tensor: Any) -> list[Value]:
    """The Values of a weight or a bias."""
    found = [tensor] if isinstance(tensor, Value) else [leaf for _, leaf in pytree.leaves(tensor)]
    for value in found:
        if not isinstance(value, Value) or not value.is_leaf:
            raise TypeError(f"this sets parameters, such as layer.weight, in place; got {describe(value)}")
    return found


def _set(tensor: Any, draw: Callable[[], float]) -> Any:
    assign([(value, draw()) for value in _values(tensor)])
    return tensor


def _set_rows(tensor: Any, rows: Matrix) -> Any:
    assign(list(zip(_values(tensor), itertools.chain.from_iterable(rows), strict=True)))
    return tensor


def _size(tensor: Any) -> tuple[int, int]:
    """The numbers of rows and of columns."""
    if not pytree.is_list(tensor) or not len(tensor) or not pytree.is_list(tensor[0]):
        raise ArgumentError(f"this initialiser takes a weight, a list of rows, not {describe(tensor)}")
    return len(tensor), len(tensor[0])


def _slope(a: float, nonlinearity: str) -> float:
    """The slope below 0 of an activation; that of ``a`` is of a leaky relu."""
    if nonlinearity not in ("relu", "leaky_relu"):
        raise ArgumentError(f'nonlinearity is "relu" or "leaky_relu" here, got {describe(nonlinearity)}')
    return a if nonlinearity == "leaky_relu" else 0.0

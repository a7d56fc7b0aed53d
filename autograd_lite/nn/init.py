"""Initialisers: random weights as a list of ``nout`` rows of ``nin`` floats each, PyTorch's (out, in).

Each is called ``uniform(nout, nin, rng=0)`` and works by itself; layers take one by name
(``init="kaiming_normal"``) or as a function of the same arguments, for settings of its
own: ``init=functools.partial(nn.init.normal, std=0.1)``.
"""

import math
from collections.abc import Callable
from typing import Any, Protocol

from autograd_lite._rng import Rng, as_random
from autograd_lite.core.checks import check_size, describe
from autograd_lite.errors import ArgumentError

__all__ = [
    "Initializer",
    "fan_in_normal",
    "kaiming_normal",
    "kaiming_uniform",
    "normal",
    "uniform",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
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
    """Weights of 0. Neurons that start out equal stay equal, so this is for a last layer, or a single one."""
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

"""Where random numbers come from: an ``rng`` argument or, if that is None, Python's ``random`` module."""

import operator
import random
import sys
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

from autograd_lite.core.checks import describe

__all__ = ["Rng", "as_random", "manual_seed", "state_of"]

if TYPE_CHECKING:
    import numpy

    #: A seed, a ``random.Random``, the module ``random`` or a NumPy Generator; None is the module ``random``.
    Rng = random.Random | int | ModuleType | numpy.random.Generator | numpy.random.RandomState | None
else:
    Rng = Any

#: What the functions of the module ``random`` draw from.
_shared: random.Random = random.random.__self__  # type: ignore[attr-defined]


def as_random(rng: Rng) -> random.Random:
    """The source that an ``rng`` argument stands for. Raises ``TypeError`` for anything else."""
    if rng is None or rng is random:
        return _shared
    if isinstance(rng, random.Random):
        return rng
    numpy = sys.modules.get("numpy")  # a Generator can only come from a loaded NumPy
    if numpy is not None and (
        isinstance(rng, (numpy.random.Generator, numpy.random.RandomState)) or rng is numpy.random
    ):
        return _FromNumPy(rng)
    if not hasattr(type(rng), "__index__"):
        raise TypeError(
            "rng is a random.Random, a whole number as its seed, or None for Python's own; the module random and a "
            f"NumPy Generator do too; got {describe(rng)}"
        )
    return random.Random(operator.index(rng))  # type: ignore[arg-type] # it has been found to be one


def manual_seed(seed: int) -> None:
    """Make all random numbers that follow repeatable where ``rng`` is None: ``random.seed(seed)``, as PyTorch calls it.

    >>> from autograd_lite import manual_seed, randn
    >>> manual_seed(0)
    >>> first = randn(3)
    >>> manual_seed(0)
    >>> randn(3) == first
    True
    """
    random.seed(operator.index(seed))


def state_of(source: Any) -> tuple[Any, Callable[[], None]]:
    """The state of a source of random numbers, and what puts it back; of one that has none, such as the system's, None.

    >>> draws = random.Random(0)
    >>> _, put_back = state_of(draws)
    >>> first = draws.random()
    >>> put_back()
    >>> draws.random() == first
    True
    """
    source = source._generator if isinstance(source, _FromNumPy) else source
    if hasattr(source, "get_state"):  # NumPy's module and RandomState
        state = source.get_state()
        return state, partial(source.set_state, state)
    if hasattr(source, "bit_generator"):
        state = source.bit_generator.state
        return state, partial(setattr, source.bit_generator, "state", state)
    try:
        state = source.getstate()
    except NotImplementedError:
        return None, lambda: None
    return state, partial(source.setstate, state)


class _FromNumPy(random.Random):
    """The methods of ``random.Random`` with the random bits of a NumPy Generator."""

    def __init__(self, generator: Any) -> None:
        self._generator = generator
        super().__init__()

    def seed(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: the Generator has been seeded."""
        self.gauss_next = None

    def random(self) -> float:
        return float(self._generator.random())

    def getrandbits(self, k: int) -> int:
        return int.from_bytes(self._generator.bytes((k + 7) // 8), "little") >> (-k % 8)

    def __reduce__(self) -> Any:
        return type(self), (self._generator,)

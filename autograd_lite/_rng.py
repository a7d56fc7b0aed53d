"""Where random numbers come from: always an argument, never a hidden global."""

import operator
import random

from autograd_lite.core.checks import describe

__all__ = ["Rng", "as_random"]

#: A source of random numbers, the seed of one, or None for a new one seeded by the system.
Rng = random.Random | int | None


def as_random(rng: Rng) -> random.Random:
    """The source that an ``rng`` argument stands for. Raises ``TypeError`` for anything else."""
    if rng is None:
        return random.Random()
    if isinstance(rng, random.Random):
        return rng
    if not hasattr(type(rng), "__index__"):
        raise TypeError(f"rng is a random.Random, a whole number as its seed, or None; got {describe(rng)}")
    return random.Random(operator.index(rng))

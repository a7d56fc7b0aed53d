"""Small data sets, real and seeded random ones, and what to do with them before and during training.

Samples are a list ``X`` of lists of floats, labels a list ``y``. Functions that take data
take lists, tuples and NumPy arrays, and give lists.
"""

from autograd_lite.data.datasets import IRIS_FEATURES, IRIS_SPECIES, blobs, circles, iris, moons, spirals, xor
from autograd_lite.data.samples import batches, randn, split, standardize

__all__ = [
    "IRIS_FEATURES",
    "IRIS_SPECIES",
    "batches",
    "blobs",
    "circles",
    "iris",
    "moons",
    "randn",
    "spirals",
    "split",
    "standardize",
    "xor",
]

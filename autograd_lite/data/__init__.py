"""Small data sets; functions that split, standardize and batch samples; tensors as nested lists.

Samples are a list ``X`` of lists of floats, labels a list ``y``. Functions of data accept
lists, tuples and NumPy arrays, and return lists.
"""

from autograd_lite.data.datasets import IRIS_FEATURES, IRIS_SPECIES, blobs, circles, iris, moons, spirals, xor
from autograd_lite.data.samples import batches, split, standardize
from autograd_lite.data.tensors import ones, rand, randn, tensor, zeros

__all__ = [
    "IRIS_FEATURES",
    "IRIS_SPECIES",
    "batches",
    "blobs",
    "circles",
    "iris",
    "moons",
    "ones",
    "rand",
    "randn",
    "spirals",
    "split",
    "standardize",
    "tensor",
    "xor",
    "zeros",
]

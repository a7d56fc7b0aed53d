"""The table of primitives under its short address; it lives in :mod:`autograd_lite.core.ops`."""

from autograd_lite.core import operators, ops
from autograd_lite.core.ops import *  # noqa: F403 - a second address of the same names

__all__ = ops.__all__

#: Every primitive of the table by its name.
primitives = operators.primitives

"""Gradients that can be trusted: check them against independent oracles.

The strategies for Hypothesis are in :mod:`autograd_lite.testing.strategies`.
"""

from autograd_lite.errors import GradientMismatch, InconclusiveGradient
from autograd_lite.testing.check import check_gradients, rounding_tolerance
from autograd_lite.testing.oracles import complex_step, finite_difference, high_precision_difference
from autograd_lite.testing.report import Comparison, GradientReport

__all__ = [
    "Comparison",
    "GradientMismatch",
    "GradientReport",
    "InconclusiveGradient",
    "check_gradients",
    "complex_step",
    "finite_difference",
    "high_precision_difference",
    "rounding_tolerance",
]

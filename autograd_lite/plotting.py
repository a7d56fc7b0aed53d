"""Curves and decision boundaries (extra ``plot``); they live in :mod:`autograd_lite.training.plotting`."""

from autograd_lite.training import plotting
from autograd_lite.training.plotting import *  # noqa: F403 - a second address of the same names

__all__ = plotting.__all__

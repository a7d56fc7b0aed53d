"""Plots of training: curves, decision boundaries, gradients and weights. Needs the extra ``plot``.

Each function draws into the matplotlib Axes ``ax``, new ones if it is not given, and returns them. The legend
stands below the axes, where it covers nothing. Colours can be told apart by the colour-blind, and are never the
only difference: lines have styles and points have shapes too.

Each raises ``MissingDependencyError`` without matplotlib, and ``TypeError`` if ``ax`` is no Axes.
"""

from autograd_lite.plotting.boundary import plot_decision_boundary
from autograd_lite.plotting.curves import plot_history
from autograd_lite.plotting.layers import plot_gradients, plot_weights

__all__ = ["plot_decision_boundary", "plot_gradients", "plot_history", "plot_weights"]

curves, decision_boundary = plot_history, plot_decision_boundary  # their earlier names

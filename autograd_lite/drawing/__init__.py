"""Computation graphs as pictures."""

from autograd_lite.drawing.draw import draw, draw_dot
from autograd_lite.drawing.picture import Drawing
from autograd_lite.drawing.steps import Steps, steps

__all__ = ["Drawing", "Steps", "draw", "draw_dot", "steps"]

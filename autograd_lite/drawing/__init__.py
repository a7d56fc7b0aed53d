"""Computation graphs as pictures."""

from autograd_lite.drawing.draw import draw, draw_dot
from autograd_lite.drawing.picture import Drawing

__all__ = ["Drawing", "draw", "draw_dot"]

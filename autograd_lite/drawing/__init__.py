"""Computation graphs as pictures."""

from autograd_lite.drawing.draw import Drawing, draw, draw_dot

__all__ = ["Drawing", "draw", "draw_dot"]

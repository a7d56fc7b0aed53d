"""Computation graphs as pictures, explained, and step by step."""

from autograd_lite.drawing.draw import draw, draw_dot
from autograd_lite.drawing.explain import Explanation, explain
from autograd_lite.drawing.pictures import Drawing, set_renderer
from autograd_lite.drawing.steps import Steps, steps

__all__ = ["Drawing", "Explanation", "Steps", "draw", "draw_dot", "explain", "set_renderer", "steps"]

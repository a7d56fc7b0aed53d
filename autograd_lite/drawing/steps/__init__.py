"""Backpropagation step by step: records, a table, a page, and a picture for each step."""

from autograd_lite.drawing.steps.steps import Steps, steps

__all__ = ["Steps", "steps"]

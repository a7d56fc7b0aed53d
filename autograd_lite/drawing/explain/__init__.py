"""Why a derivative is what it is: the paths that it is the sum of."""

from autograd_lite.drawing.explain.explanation import Explanation, explain

__all__ = ["Explanation", "explain"]

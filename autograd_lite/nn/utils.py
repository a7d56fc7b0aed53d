"""Clipping of gradients, PyTorch's ``nn.utils``, and the class that a model's outputs stand for."""

import math
from collections.abc import Iterable
from typing import Any

from autograd_lite.core.checks import checked, describe
from autograd_lite.core.node import number
from autograd_lite.core.value import Value
from autograd_lite.errors import ArgumentError
from autograd_lite.functions import norm

__all__ = ["clip_grad_norm_", "predicted_class"]


def clip_grad_norm_(parameters: Iterable[Value], max_norm: float, *, error_if_nonfinite: bool = False) -> float:
    """Scale the gradients, as one vector, down to a length of ``max_norm`` if they are longer; return the old length.

    A length that is nan or infinite raises ``ArgumentError`` with ``error_if_nonfinite``,
    before any gradient is changed; without, it makes the gradients nan, as in PyTorch.

    >>> x, y = Value(3.0), Value(4.0)
    >>> ((x * x + y * y) / 2).backward()
    >>> clip_grad_norm_([x, y], 1.0)
    5.0
    >>> round(x.grad, 6), round(y.grad, 6)
    (0.6, 0.8)
    """
    if not checked(max_norm, "max_norm") >= 0.0:
        raise ArgumentError(f"max_norm is a length, 0 or more; got {max_norm}")
    if not isinstance(parameters, (Value, Iterable)):
        raise TypeError(
            f"clip_grad_norm_ takes a list of Values, such as model.parameters(); got {describe(parameters)}"
        )
    every = [parameters] if isinstance(parameters, Value) else list(parameters)
    for p in every:
        if not isinstance(p, Value):
            raise TypeError(
                f"clip_grad_norm_ takes a list of Values, such as model.parameters(); in it is {describe(p)}"
            )
    given = [p for p in every if p.has_grad]
    length = float(norm([number(p.grad) for p in given]))
    if error_if_nonfinite and not math.isfinite(length):
        raise ArgumentError(f"the length of the gradients is {length}, so they cannot be clipped")
    factor = max_norm / (length + 1e-6)  # PyTorch's guard against division by 0
    if not factor >= 1.0:
        for p in given:
            p.grad = p.grad * factor
    return length


def predicted_class(output: Any, threshold: float = 0.0) -> int:
    """The class of the largest of several scores; of a single score 1 if it is above the threshold, else 0.

    >>> predicted_class([0.1, 2.0, -1.0]), predicted_class(-0.5)
    (1, 0)
    """
    scores = [number(score) for score in output] if hasattr(output, "__len__") else [number(output)]
    return scores.index(max(scores)) if len(scores) > 1 else int(scores[0] > threshold)

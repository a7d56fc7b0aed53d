"""What counts as a number, and how to say so when something does not."""

import math
import numbers
import sys
from typing import Any

from autograd_lite.errors import ArgumentError

__all__ = ["as_float", "check_size", "checked", "describe", "is_real"]


def is_real(thing: Any) -> bool:
    """Whether a thing is one real number: of Python, NumPy or any type that registers as a number."""
    if isinstance(thing, (float, int)):
        return True
    numpy = sys.modules.get("numpy")  # a NumPy scalar can only come from a loaded NumPy
    if numpy is not None and isinstance(thing, numpy.generic):
        thing = thing.item()
    is_complex = isinstance(thing, numbers.Complex) and not isinstance(thing, numbers.Real)
    return isinstance(thing, numbers.Number) and not is_complex


def as_float(number: Any) -> float:
    """The float that a real number of any kind stands for.

    Raises ``TypeError`` for whatever is not a real number, ``OverflowError`` for an
    integer beyond the largest float.
    """
    if not is_real(number):
        raise TypeError(f"expected a real number, got {describe(number)}")
    if number.__class__ is float:  # also what stands for a float while jit records
        return number
    try:
        return float(number)
    except OverflowError:
        raise OverflowError(
            f"this {type(number).__name__} is beyond the largest float, 1.8e308; scale it down first"
        ) from None
    except ValueError:  # a signalling nan of the decimal module
        return math.nan


def describe(thing: Any) -> str:
    """A thing's type and value, short enough for an error message."""
    if isinstance(thing, type):
        return f"the class {thing.__name__}"
    text = repr(thing)
    return f"{type(thing).__name__} {text if len(text) <= 60 else text[:57] + '...'}"


def check_size(size: Any, name: str, least: int = 1) -> None:
    """Raise ``ArgumentError`` for whatever is not a whole number from ``least`` up."""
    if not hasattr(type(size), "__index__") or isinstance(size, bool) or size < least:
        raise ArgumentError(f"{name} is a whole number from {least} up, got {describe(size)}")


def checked(number: Any, taker: str) -> float:
    """The number as a float; for anything else a ``TypeError`` that names the taker and says what to write."""
    if number.__class__ is float:
        return number
    if hasattr(type(number), "__autograd_op__"):
        advice = "a Value is already one; use it as it is, or its .data, or .detach() for a copy without a graph"
    elif isinstance(number, str):
        advice = "a string must be read first: float(text)"
    elif getattr(number, "shape", None) == ():
        advice = "write .item() after an array of one number"
    elif hasattr(number, "__len__"):
        advice = "one Value holds one number; for several write [Value(x) for x in numbers]"
    else:
        advice = "only real numbers have gradients here"
    if not is_real(number):
        raise TypeError(f"{taker} takes one real number, got {describe(number)}: {advice}")
    return as_float(number)

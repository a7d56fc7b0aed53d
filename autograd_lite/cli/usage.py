"""What a command line may say: types for argparse, and the error for what it may not."""

import argparse
import math
from pathlib import Path

from autograd_lite.errors import ArgumentError

__all__ = ["UsageError", "drawing", "layer_sizes", "output", "positive", "positive_float", "share"]


class UsageError(ArgumentError):
    """The command line asks for what makes no sense; the program ends with 2, as argparse does."""


def positive(text: str) -> int:
    """A whole number from 1 up."""
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"a whole number from 1 up, not {text!r}")
    return number


def positive_float(text: str) -> float:
    """A finite number above 0."""
    number = _float(text)
    if not 0.0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"a number above 0, not {text!r}")
    return number


def share(text: str) -> float:
    """A number from 0 to below 1."""
    number = _float(text)
    if not 0.0 <= number < 1.0:
        raise argparse.ArgumentTypeError(f"a share from 0 to below 1, such as 0.2, not {text!r}")
    return number


def layer_sizes(text: str) -> list[int]:
    """Sizes of hidden layers, such as ``16,16``; none if the text is empty."""
    try:
        return [positive(size.strip()) for size in text.split(",")] if text.strip() else []
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"the sizes of the hidden layers, such as 16,16, not {text!r}") from None


def drawing(text: str) -> Path:
    """The path of a drawing, in a folder that is there and with an ending that is known."""
    from autograd_lite.drawing.pictures.picture import FORMATS

    path = Path(text)
    if path.suffix.removeprefix(".").lower() not in FORMATS:
        raise argparse.ArgumentTypeError(f"a path that ends in .{', .'.join(FORMATS)}, not {text!r}")
    output(text)
    return path


def output(text: str) -> str:
    """The path of a file to write, in a folder that is there; or ``-``."""
    path = Path(text).absolute()
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is a folder")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {path.parent}")
    return text


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan

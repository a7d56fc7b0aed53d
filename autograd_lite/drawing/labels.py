"""What is written in a box."""

from autograd_lite.drawing.text import one_line

__all__ = ["counted", "cut", "shown", "spread"]

#: So many characters of a name are shown.
LONGEST = 24


def shown(x: float, precision: int | None) -> str:
    """A number with so many significant digits, or with all; -0 is 0."""
    return str(x + 0.0) if precision is None else f"{x + 0.0:.{precision}g}"


def spread(numbers: list[float], precision: int | None) -> str:
    """The least and the greatest of some numbers, or the one that they all are."""
    known = [x for x in numbers if x == x]
    if not known:
        return "nan"
    least, greatest = shown(min(known), precision), shown(max(known), precision)
    text = least if least == greatest else f"{least} … {greatest}"
    return text if len(known) == len(numbers) else f"{text}, nan"


def cut(text: str) -> str:
    """A text in one line of no more than :data:`LONGEST` characters: names differ at both ends, so its middle goes.

    >>> cut("encoder.blocks.0.attention.query.weight.3.17")
    'encoder.blo…weight.3.17'
    """
    text = one_line(text, None)
    half = LONGEST // 2 - 1
    return text if len(text) <= LONGEST else f"{text[:half]}…{text[-half:]}"


def counted(count: int, noun: str) -> str:
    """``1 value``, ``1,200 values``."""
    return f"{count:,} {noun}{'s' * (count != 1)}"

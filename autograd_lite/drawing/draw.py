"""draw(): a computation graph as a picture that shows itself in a notebook and can be saved."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from autograd_lite._files import write_whole
from autograd_lite.core.checks import describe
from autograd_lite.core.value import Value
from autograd_lite.drawing.dot import to_dot
from autograd_lite.drawing.render import FORMATS, NO_GRAPHVIZ, render
from autograd_lite.errors import ArgumentError, MissingDependencyError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Drawing", "draw", "draw_dot"]


class Drawing:
    """A drawn graph. In a notebook it shows itself; elsewhere :meth:`save` it.

    ``source`` is its text in Graphviz's DOT language.
    """

    def __init__(self, source: str) -> None:
        self.source = source

    def save(self, path: str | os.PathLike[str], format: str | None = None) -> "Path":
        """Write the drawing to a file, whole or not at all, and return its path.

        Args:
            path: the file; its ending is the format unless ``format`` is given.
            format: ``"dot"``, ``"svg"``, ``"png"`` or ``"pdf"``.

        Raises ``ArgumentError`` for another format, ``MissingDependencyError`` if the format needs
        Graphviz and it is not installed, ``OSError`` if the file cannot be written.
        """
        format = format or os.path.splitext(path)[1].removeprefix(".").lower()
        if not format:
            raise ArgumentError(f"{os.fspath(path)!r} has no ending that says a format, such as {_endings()}")
        return write_whole(path, render(self.source, format))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        try:
            return {"image/svg+xml": render(self.source, "svg").decode(), "text/plain": repr(self)}
        except MissingDependencyError:
            return {"text/plain": f"{NO_GRAPHVIZ}\n\n{self.source}"}

    def __repr__(self) -> str:
        return f"<Drawing of {self.source.count('data ')} Values; .save('graph.svg') writes it, .source is its text>"


def draw(root: Value | Sequence[Value], *, rankdir: str = "LR", expand: bool | None = None) -> Drawing:
    """Draw the graph that leads to a Value: its Values with name, data and grad, and the operations between.

    Args:
        root: the Value whose history to draw, or a list of several.
        rankdir: ``"LR"`` from left to right, or ``"TB"`` from top to bottom.
        expand: whether to write sums out: the weighted sum of a neuron, a dot product, a sum or a mean is one
            operation of the graph. True shows every product and every sum on the way, False the operation as one
            circle. None writes them out if the drawing stays small, up to a hundred Values: a neuron of 20 inputs,
            or a small network. Where the data of an operand has been assigned since, the numbers on the way are
            gone, and the sum is shown as one circle.

    Raises ``TypeError`` if a root is no Value or ``expand`` no bool, ``ArgumentError`` for another rankdir.

    >>> import autograd_lite
    >>> from autograd_lite import Value, draw
    >>> x = Value(3.0, name="x")
    >>> print(draw(x * x).source.count("v0 -> o1"))
    2
    >>> total = autograd_lite.sum([x, x, x])
    >>> [draw(total, expand=expand).source.count("data ") for expand in (True, False)]
    [3, 2]
    """
    roots = [root] if isinstance(root, Value) else root
    if not isinstance(roots, (list, tuple)) or not roots or not all(isinstance(one, Value) for one in roots):
        raise TypeError(f"draw takes the Value whose graph to draw, or a list of several; got {describe(root)}")
    if rankdir not in ("LR", "TB"):
        raise ArgumentError(f"rankdir is 'LR' or 'TB', got {rankdir!r}")
    if expand is not None and not isinstance(expand, bool):
        raise TypeError(f"expand is True, False or None, got {describe(expand)}")
    return Drawing(to_dot(roots, rankdir, expand))


#: micrograd's name for :func:`draw`.
draw_dot = draw


def _endings() -> str:
    return ", ".join(f".{format}" for format in FORMATS)

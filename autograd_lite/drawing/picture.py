"""A drawing: what draw() returns. It shows itself in a notebook, and can be saved in many formats."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autograd_lite._files import write_whole
from autograd_lite.drawing.dot import to_dot
from autograd_lite.drawing.mermaid import fits, to_mermaid
from autograd_lite.drawing.page import to_page
from autograd_lite.drawing.render import NO_GRAPHVIZ, render
from autograd_lite.drawing.scene import Scene
from autograd_lite.drawing.svg import to_svg
from autograd_lite.errors import ArgumentError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FORMATS", "Drawing"]

_WRITERS: dict[str, Callable[[Scene], bytes]] = {
    "svg": lambda scene: to_svg(scene).encode(),
    "png": lambda scene: render(to_dot(scene), "png"),
    "pdf": lambda scene: render(to_dot(scene), "pdf"),
    "html": lambda scene: to_page(scene).encode(),
    "dot": lambda scene: to_dot(scene).encode(),
    "gv": lambda scene: to_dot(scene).encode(),
    "mmd": lambda scene: to_mermaid(scene).encode(),
}
#: The formats of a drawing, which are the endings of its files.
FORMATS = tuple(_WRITERS)


class Drawing:
    """A picture of a graph. In a notebook it shows itself; elsewhere :meth:`show` or :meth:`save` it.

    ``scene`` is what it shows: boxes and arrows, which a program can read.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    @property
    def source(self) -> str:
        """Its text in Graphviz's DOT language."""
        return to_dot(self.scene)

    @property
    def svg(self) -> str:
        """The picture as one ``<svg>`` element. Raises ``MissingDependencyError`` if Graphviz is not installed."""
        return to_svg(self.scene)

    @property
    def mermaid(self) -> str:
        """Its text as a flowchart of Mermaid, which GitHub, GitLab and JupyterLab draw."""
        return to_mermaid(self.scene)

    def save(self, path: str | os.PathLike[str], format: str | None = None) -> "Path":
        """Write the drawing to a file, whole or not at all, and return its path."""
        format = (format or os.path.splitext(path)[1]).removeprefix(".").lower()
        if not format:
            raise ArgumentError(f"{os.fspath(path)!r} has no ending that says a format, such as {_listed()}")
        if format not in _WRITERS:
            raise ArgumentError(f"unknown format {format!r}; a drawing can be saved as {_listed()}")
        return write_whole(path, _WRITERS[format](self.scene))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        try:
            return {"image/svg+xml": to_svg(self.scene, timeout=10.0), "text/plain": repr(self)}
        except Exception:
            mermaid = self.mermaid
            bundle = {"text/plain": f"{NO_GRAPHVIZ}\n\n{self.source}"}
            return bundle | ({"text/vnd.mermaid": mermaid} if fits(self.scene, mermaid) else {})

    def __repr__(self) -> str:
        return f"<Drawing of {self.scene.title}>"


def _listed() -> str:
    return ", ".join(f".{format}" for format in FORMATS)

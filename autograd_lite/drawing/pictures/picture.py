"""A drawing: what draw() returns. It shows itself in a notebook, and can be saved in many formats."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autograd_lite._files import write_whole
from autograd_lite.drawing.labels import counted
from autograd_lite.drawing.pictures.dot import to_dot
from autograd_lite.drawing.pictures.mermaid import fits, to_mermaid
from autograd_lite.drawing.pictures.page import to_page
from autograd_lite.drawing.pictures.render import render
from autograd_lite.drawing.pictures.show import show
from autograd_lite.drawing.pictures.svg import to_svg
from autograd_lite.drawing.scene import Scene
from autograd_lite.drawing.text import one_line
from autograd_lite.errors import ArgumentError, MissingDependencyError

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

#: A notebook waits so long for a picture, and shows no more than so many boxes: more would stop the browser.
_NOTEBOOK_SECONDS, _NOTEBOOK_BOXES = 10.0, 3_000
_TOO_LARGE = "It is too large to be shown here. draw(..., max_nodes=200) folds it."
_ADVICE = 'For the picture install Graphviz, or: pip install "autograd_lite[render]". Its text in DOT:'


class Drawing:
    """A picture of a graph. In a notebook it shows itself; elsewhere :meth:`show` or :meth:`save` it.

    ``scene`` is what it shows: boxes and arrows, which a program can read.
    """

    def __init__(self, scene: Scene, format: str = "svg") -> None:
        self.scene = scene
        #: What :meth:`render` writes, if it is not told.
        self.format = format

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
        """Write the drawing to a file, whole or not at all, and return its path.

        Args:
            path: the file; its ending is the format unless ``format`` is given.
            format: ``"svg"``, ``"png"``, ``"pdf"``; ``"html"``, a page that needs nothing else; ``"dot"`` or
                ``"gv"``, Graphviz's text; ``"mmd"``, Mermaid's. In PNG and PDF the theme ``"auto"`` is light.

        Raises ``ArgumentError`` for another format, ``MissingDependencyError`` if the format needs Graphviz and it is
        not installed, ``RenderError`` if Graphviz fails or takes too long, ``OSError`` if the file cannot be written.
        """
        path = os.fsdecode(path)
        format = (format or os.path.splitext(path)[1]).removeprefix(".").lower()
        if not format:
            raise ArgumentError(f"{path!r} has no ending that says a format, such as {_listed()}")
        if format not in _WRITERS:
            import difflib

            close = difflib.get_close_matches(format, FORMATS, 1)
            asked = f"; did you mean .{close[0]}?" if close else ""
            raise ArgumentError(f"unknown format {format!r}; a drawing can be saved as {_listed()}{asked}")
        return write_whole(path, _WRITERS[format](self.scene))

    def render(self, filename: str | os.PathLike[str], format: str | None = None, **ignored: Any) -> str:
        """As graphviz' users write it: the picture as ``filename.svg``, whose path is returned.

        >>> Drawing(Scene((), (), "nothing", "")).render("gout", format="gif")
        Traceback (most recent call last):
        autograd_lite.errors.ArgumentError: unknown format 'gif'; a drawing can be saved as ...
        """
        format = format or self.format
        return str(self.save(f"{os.fspath(filename)}.{format}", format))

    def show(self) -> None:
        """Show the picture: in a notebook below the cell, else in the browser.

        Where there is no Graphviz, Mermaid's text is printed; where there is no browser, the path of the page.
        """
        show(self, lambda: to_page(self.scene), lambda: self.mermaid, "graph")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows: the picture, or what can be had of it. It never raises."""
        try:
            if len(self.scene.boxes) > _NOTEBOOK_BOXES:
                return {"text/plain": f"{self!r}\n{_TOO_LARGE}"}
            return {"image/svg+xml": to_svg(self.scene, timeout=_NOTEBOOK_SECONDS), "text/plain": repr(self)}
        except Exception as error:
            return self._without_picture(error)

    def _without_picture(self, error: Exception) -> dict[str, str]:
        try:
            mermaid, source = self.mermaid, self.source
        except Exception:
            return {"text/plain": f"<Drawing that cannot be drawn: {error}>"}
        advice = _ADVICE if isinstance(error, MissingDependencyError) else f"{error}. The text in DOT:"
        bundle = {"text/plain": f"{advice}\n\n{source}"}
        return {"text/vnd.mermaid": mermaid, **bundle} if fits(self.scene, mermaid) else bundle

    def __repr__(self) -> str:
        scene = self.scene
        boxes = "1 box" if len(scene.boxes) == 1 else f"{len(scene.boxes):,} boxes"
        return (
            f"<Drawing: {one_line(scene.title, 60)}; {boxes}, {counted(len(scene.arrows), 'arrow')}; "
            ".save('graph.svg') writes it>"
        )


def _listed() -> str:
    return ", ".join(f".{format}" for format in FORMATS)

"""DOT text as an image, made by the ``dot`` program or by pygraphviz."""

from autograd_lite.errors import ArgumentError, MissingDependencyError, RenderError

__all__ = ["FORMATS", "NO_GRAPHVIZ", "render"]

#: The formats of a drawing.
FORMATS = ("dot", "svg", "png", "pdf")

NO_GRAPHVIZ = """\
drawing this needs Graphviz, which is not installed. Any one of these brings it:
  apt install graphviz
  brew install graphviz
  choco install graphviz
  conda install graphviz
  pip install "autograd_lite[render]"
The DOT text needs none of them: it is the drawing's .source, and .save("graph.dot") writes it."""


def render(source: str, format: str) -> bytes:
    """The DOT text in a format of :data:`FORMATS`.

    Raises ``ArgumentError`` for another format, ``MissingDependencyError`` if there is
    neither a ``dot`` program nor pygraphviz, ``RenderError`` if Graphviz fails.
    """
    import shutil

    if format not in FORMATS:
        raise ArgumentError(f"unknown format {format!r}; a drawing can be saved as {', '.join(FORMATS)}")
    if format == "dot":
        return source.encode()
    if shutil.which("dot"):
        return _by_program(source, format)
    return _by_library(source, format)


def _by_program(source: str, format: str) -> bytes:
    import graphviz

    try:
        return bytes(graphviz.Source(source).pipe(format=format))
    except (graphviz.CalledProcessError, graphviz.ExecutableNotFound) as error:
        raise RenderError(f"Graphviz failed to make {format}: {error}") from error


def _by_library(source: str, format: str) -> bytes:
    try:
        import pygraphviz
    except ImportError:
        raise MissingDependencyError(NO_GRAPHVIZ) from None
    try:
        return bytes(pygraphviz.AGraph(string=source).draw(format=format, prog="dot"))
    except (OSError, ValueError) as error:
        raise RenderError(f"Graphviz failed to make {format}: {error}") from error

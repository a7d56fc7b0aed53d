"""DOT text as an image, made by the ``dot`` program, by pygraphviz, or by a function that is given."""

from collections.abc import Callable

from autograd_lite.errors import MissingDependencyError, RenderError

__all__ = ["NO_GRAPHVIZ", "render", "set_renderer"]

Renderer = Callable[[str, str], str | bytes]

NO_GRAPHVIZ = """\
drawing this needs Graphviz, which is not installed. Any one of these brings it:
  apt install graphviz
  brew install graphviz
  choco install graphviz
  conda install graphviz
  pip install "autograd_lite[render]"
The DOT text needs none of them: it is the drawing's .source, and .save("graph.dot") writes it.
Nor does Mermaid's: .mermaid, and .save("graph.mmd")"""

#: Options of Graphviz by format: sharp, and no more than 7200 pixels or 200 inches wide and high.
_OPTIONS = {"png": ["-Gdpi=144", "-Gsize=50,50"], "pdf": ["-Gsize=200,200"]}

_renderer: Renderer | None = None


def set_renderer(renderer: Renderer | None) -> None:
    """Have DOT text drawn by ``renderer(source, format)`` instead of an installed Graphviz; None undoes it.

    This is for where no program can be run, such as a browser: there Graphviz may be a function of JavaScript. What it
    raises becomes a ``RenderError``. It must be Graphviz's own picture: others are not made legible in dark themes.

    >>> set_renderer(lambda source, format: "<svg>...</svg>")
    >>> render("digraph { a }", "svg")
    b'<svg>...</svg>'
    >>> set_renderer(None)
    """
    global _renderer
    _renderer = renderer


def render(source: str, format: str, timeout: float = 60.0) -> bytes:
    """The DOT text as ``"svg"``, ``"png"`` or ``"pdf"``.

    Raises ``MissingDependencyError`` if there is neither a ``dot`` program nor pygraphviz, ``RenderError`` if
    Graphviz fails, or takes more than so many seconds; only the program can be stopped.
    """
    if _renderer is not None:
        return _by_function(_renderer, source, format)
    import shutil

    program = shutil.which("dot")
    if program:
        return _by_program(program, source, format, timeout)
    return _by_library(source, format)


def _by_function(renderer: Renderer, source: str, format: str) -> bytes:
    try:
        drawn = renderer(source, format)
    except Exception as error:
        raise RenderError(f"the renderer given to set_renderer failed to make {format}: {error}") from error
    if not isinstance(drawn, (str, bytes)):
        raise RenderError(f"the renderer given to set_renderer should return str or bytes, not {type(drawn).__name__}")
    return drawn.encode() if isinstance(drawn, str) else drawn


def _by_program(program: str, source: str, format: str, timeout: float) -> bytes:
    import subprocess

    command = [program, f"-T{format}", *_OPTIONS.get(format, [])]
    try:
        done = subprocess.run(command, input=source.encode(), capture_output=True, timeout=timeout, check=False)  # noqa: S603 - our own command
    except subprocess.TimeoutExpired:
        raise RenderError(
            f"Graphviz takes more than {timeout:g} seconds for this drawing. Draw less: draw(..., max_nodes=200), "
            'depth=1 or collapse=; or .save("graph.dot") and run Graphviz yourself'
        ) from None
    except OSError as error:
        raise RenderError(f"Graphviz failed to make {format}: cannot run {program}: {error}") from error
    if done.returncode != 0 or not done.stdout:
        said = done.stderr.decode(errors="replace").strip() or f"it stopped with code {done.returncode}"
        raise RenderError(f"Graphviz failed to make {format}: {said}")
    return done.stdout


def _by_library(source: str, format: str) -> bytes:
    try:
        import pygraphviz
    except ImportError:
        raise MissingDependencyError(NO_GRAPHVIZ) from None
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Graphviz says of fonts and sizes
            drawn = pygraphviz.AGraph(string=source).draw(
                format=format, prog="dot", args=" ".join(_OPTIONS.get(format, []))
            )
            return bytes(drawn)
    except (OSError, ValueError) as error:
        raise RenderError(f"Graphviz failed to make {format}: {error}") from error

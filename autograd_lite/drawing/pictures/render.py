"""DOT text as an image, made by the ``dot`` program, by pygraphviz, or by a function that is given."""

import os
import sys
from collections.abc import Callable, Sequence

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
    Graphviz fails, or takes more than so many seconds; a function that was given is not stopped.
    """
    if _renderer is not None:
        return _by_function(_renderer, source, format)
    import shutil

    by = _by_program if shutil.which("dot") else _by_library
    return by(source, format, timeout)


def _by_function(renderer: Renderer, source: str, format: str) -> bytes:
    try:
        drawn = renderer(source, format)
    except Exception as error:
        raise RenderError(f"the renderer given to set_renderer failed to make {format}: {error}") from error
    if not isinstance(drawn, (str, bytes)):
        raise RenderError(f"the renderer given to set_renderer should return str or bytes, not {type(drawn).__name__}")
    return drawn.encode() if isinstance(drawn, str) else drawn


def _by_program(source: str, format: str, timeout: float) -> bytes:
    from graphviz.backend import dot_command

    return _made_by(dot_command.command("dot", format), source, format, timeout)


def _by_library(source: str, format: str, timeout: float) -> bytes:
    """In a process of its own: a Graphviz that does not end, or that crashes, would take this one along."""
    try:
        import pygraphviz  # noqa: F401 - whether it can be imported
    except ImportError:
        raise MissingDependencyError(NO_GRAPHVIZ) from None
    return _made_by([sys.executable, "-c", _SCRIPT, format], source, format, timeout)


_SCRIPT = """\
import sys, warnings
import pygraphviz
warnings.simplefilter("ignore")
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog="dot", args=" ".join(sys.argv[2:])))
"""


def _made_by(command: Sequence[str | os.PathLike[str]], source: str, format: str, timeout: float) -> bytes:
    import subprocess

    import graphviz
    from graphviz.backend import execute

    command = [*command, *_OPTIONS.get(format, [])]
    try:
        done = execute.run_check(command, input=source.encode(), capture_output=True, timeout=timeout, quiet=True)
    except subprocess.TimeoutExpired:
        raise RenderError(
            f"Graphviz takes more than {timeout:g} seconds for this drawing. Draw less: draw(..., max_nodes=200), "
            'depth=1 or collapse=; or .save("graph.dot") and run Graphviz yourself'
        ) from None
    except graphviz.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip() or f"it stopped with code {error.returncode}"
        raise RenderError(f"Graphviz failed to make {format}: {said}") from error
    except (OSError, graphviz.ExecutableNotFound) as error:
        raise RenderError(f"Graphviz failed to make {format}: {error}") from error
    if not done.stdout:
        raise RenderError(f"Graphviz failed to make {format}: it gave nothing")
    return bytes(done.stdout)

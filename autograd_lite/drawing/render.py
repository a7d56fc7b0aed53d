"""DOT text as an image, made by the ``dot`` program or by pygraphviz."""

from autograd_lite.errors import MissingDependencyError, RenderError

__all__ = ["NO_GRAPHVIZ", "render"]

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


def render(source: str, format: str, timeout: float = 60.0) -> bytes:
    """The DOT text as ``"svg"``, ``"png"`` or ``"pdf"``.

    Raises ``MissingDependencyError`` if there is neither a ``dot`` program nor pygraphviz, ``RenderError`` if
    Graphviz fails, or takes more than so many seconds; pygraphviz cannot be stopped.
    """
    import shutil

    program = shutil.which("dot")
    if program:
        return _by_program(program, source, format, timeout)
    return _by_library(source, format)


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

"""Runs code in Pyodide as a notebook runs a cell. ``worker.js`` gives ``post`` and calls :func:`run`."""

import ast
import contextlib
import io
import linecache
import os
import sys
import tempfile
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autograd_lite.drawing.pictures.picture import Drawing

FILE = "playground.py"
LARGEST = 10_000_000  # bytes of a file that is offered for download

#: Gives the page something to show: ``post(kind, content)``. The kinds are "out", "err", "html" and files' names.
Post = Callable[[str, Any], None]


class _Stream(io.TextIOBase):
    """Text for the page, line by line."""

    def __init__(self, kind: str, post: Post) -> None:
        self._kind, self._post, self._line = kind, post, ""

    def write(self, text: str) -> int:
        *lines, rest = (self._line + text).split("\n")
        self._line = rest
        for line in lines:
            self._post(self._kind, line + "\n")
        return len(text)

    def flush(self) -> None:
        if self._line:
            self._post(self._kind, self._line)
            self._line = ""


def run(code: str, post: Post) -> None:
    """Run the code, and show its last expression."""

    def display(*shown: Any) -> None:
        """Show objects as a notebook does, as pictures or pages where they have them."""
        for one in shown:
            bundle = one._repr_mimebundle_() if hasattr(one, "_repr_mimebundle_") else {}
            rich = bundle.get("text/html") or bundle.get("image/svg+xml")
            if rich:
                sys.stdout.flush()
                post("html", rich)
            else:
                print(bundle.get("text/plain") or repr(one))

    Drawing.show = display  # it would look for a browser to open
    main = types.ModuleType("__main__")
    main.__dict__.update(display=display, __file__=FILE)
    sys.modules["__main__"] = main
    linecache.cache[FILE] = len(code), None, code.splitlines(keepends=True), FILE  # tracebacks and inspect read it
    out, err = _Stream("out", post), _Stream("err", post)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        os.chdir(folder)
        try:
            _run(code, main.__dict__, display)
        except SystemExit:
            pass
        except BaseException as error:
            _print(error)
        out.flush(), err.flush()
        for path in sorted(Path(folder).iterdir()):
            if path.is_file() and path.stat().st_size <= LARGEST:
                post("file " + path.name, path.read_bytes())
        os.chdir("/")


def _run(code: str, names: dict[str, Any], display: Callable[..., None]) -> None:
    tree = ast.parse(code, FILE)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, FILE, "exec"), names)  # noqa: S102 - the reader's own code, in the reader's own browser
    if isinstance(last, ast.Expr):
        value = eval(compile(ast.Expression(last.value), FILE, "eval"), names)  # noqa: S307 - likewise
        if value is not None:
            display(value)


def _print(error: BaseException) -> None:
    """The traceback from the first line of the code on; what is before is of this file."""
    sys.stdout.flush()
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename != FILE:
        frames = frames.tb_next
    traceback.print_exception(error.with_traceback(frames))

"""Showing a picture: in a notebook below the cell, elsewhere in the browser."""

import os
import sys
from collections.abc import Callable
from typing import Any

from autograd_lite.errors import MissingDependencyError

__all__ = ["show"]


def show(thing: Any, page: Callable[[], str], text: Callable[[], str], name: str) -> None:
    """Show a thing that a notebook can show; elsewhere its page, from a file whose name begins so.

    Where there is no Graphviz its text is printed; where there is no browser, the path of the page.
    """
    if _notebook() is not None:
        from IPython.display import display

        display(thing)  # type: ignore[no-untyped-call]
        return
    try:
        html = page()
    except MissingDependencyError as error:
        print(f"{error}\n\n{text()}")
        return
    import tempfile
    import webbrowser
    from pathlib import Path

    with tempfile.NamedTemporaryFile("w", suffix=".html", prefix=f"{name}-", encoding="utf-8", delete=False) as file:
        file.write(html)
    if not (_has_screen() and webbrowser.open(Path(file.name).as_uri())):
        print(f"there is no browser here to show it; the page is in {file.name}")


def _notebook() -> Any:
    """The shell of IPython, if it can show pictures."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell if shell is not None and hasattr(shell, "kernel") else None


def _has_screen() -> bool:
    """Whether a browser could open a window; a browser for terminals would take this one."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))

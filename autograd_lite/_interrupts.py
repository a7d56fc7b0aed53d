"""Keeping Ctrl-C out of what must not be left half done."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["uninterrupted"]


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let Ctrl-C wait until the block is done. ``KeyboardInterrupt`` is raised then.

    ``try`` and ``finally`` are not enough: Ctrl-C may come after a file was created and before its name
    is known, or in the cleanup itself. Python handles signals in the main thread; in others this does nothing.
    """
    import signal

    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler) or threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[tuple[int, Any]] = []
    try:
        signal.signal(signal.SIGINT, lambda number, frame: came.append((number, frame)))
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if came:
            handler(*came[0])

"""What the current thread records: no_grad, recording and detect_anomaly."""

import threading
from contextlib import ContextDecorator
from typing import Any

__all__ = ["detect_anomaly", "in_a_mode", "mode", "no_grad", "recording", "tracing", "unchecked"]


class Modes(threading.local):
    """One thread's modes, and what they are at first."""

    recording = True
    anomaly = False
    tracer: Any = None  # the recording of jit that takes what is computed, if one is under way
    before: Any = ()  # what the blocks around have to restore: the innermost, and those around it


mode = Modes()
in_a_mode = 0  # how many blocks of any thread change a mode: while 0, operations need not ask
_lock = threading.Lock()


def _count(change: int) -> None:
    global in_a_mode
    if change:
        with _lock:
            in_a_mode += change


_GENERATOR_OR_COROUTINE = 0x20 | 0x80 | 0x200  # of inspect: CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR


class _Mode(ContextDecorator):
    """A context manager and decorator that changes one mode of the current thread."""

    _field: str
    _setting: Any

    def __init__(self, *misplaced: Any) -> None:
        if misplaced:
            name = type(self).__name__
            raise TypeError(f"{name}() takes no arguments; as a decorator write @{name}() with brackets")

    def __call__(self, function: Any) -> Any:
        if getattr(getattr(function, "__code__", None), "co_flags", 0) & _GENERATOR_OR_COROUTINE:
            raise TypeError(
                f"{function.__name__} runs later, in pieces; write `with {type(self).__name__}():` inside it"
            )
        return super().__call__(function)

    def __enter__(self) -> "_Mode":
        before = getattr(mode, self._field)
        mode.before = (before, mode.before)
        setattr(mode, self._field, self._setting)
        _count(before is not self._setting)
        return self

    def __exit__(self, *exception: object) -> None:
        before, mode.before = mode.before
        setattr(mode, self._field, before)
        _count(-(before is not self._setting))


class no_grad(_Mode):  # noqa: N801 - PyTorch's spelling
    """Record nothing in this thread: results are constants. A context manager and decorator.

    >>> from autograd_lite import Value, no_grad
    >>> x = Value(3.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.data, y.requires_grad
    (9.0, False)
    """

    _field, _setting = "recording", False


class recording(_Mode):  # noqa: N801 - beside no_grad, whose inverse it is
    """Record in this thread, also inside ``no_grad()``; what a transform runs its function under."""

    _field, _setting = "recording", True


class tracing(_Mode):  # noqa: N801 - beside the others
    """Hand what this thread computes to a recording of ``jit``."""

    _field = "tracer"

    def __init__(self, tracer: Any) -> None:
        self._setting = tracer


class unchecked(_Mode):  # noqa: N801 - beside detect_anomaly, whose inverse it is
    """Let nan and infinities be in this thread, also inside ``detect_anomaly()``."""

    _field, _setting = "anomaly", False


class detect_anomaly(_Mode):  # noqa: N801 - PyTorch's spelling
    """Raise ``AnomalyError`` at the first nan or infinite value or gradient, and say where it came from.

    A context manager and decorator, for the current thread. Slower, as each operation
    also notes the line that recorded it.

    >>> from autograd_lite import Value, detect_anomaly
    >>> with detect_anomaly():
    ...     Value(0.0, name="x").log()
    Traceback (most recent call last):
        ...
    autograd_lite.errors.AnomalyError: log gave -inf at x = 0.0 ...
    """

    _field, _setting = "anomaly", True

"""``no_grad`` and ``detect_anomaly``: the blocks of a program in which a mode is another."""

import sys
from collections.abc import Callable
from contextlib import ContextDecorator
from contextvars import ContextVar
from types import FrameType
from typing import Any, ClassVar, Self

from autograd_lite.core import modes
from autograd_lite.core.context import Latch

__all__ = ["detect_anomaly", "no_grad"]

_GENERATOR_OR_COROUTINE = 0x20 | 0x80 | 0x200  # of inspect: CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR


#: The lock of the block that is about to be entered.
_entering: ContextVar[Any] = ContextVar("autograd_lite block", default=None)


class _Exit:
    """``__exit__`` as a function written in C: the release of a lock.

    Ctrl-C may come before the first line of any function that is written in Python. It would then
    leave the block without having left the mode. So a block holds a lock while it lasts, and the modes
    of a lock that is free count no more. ``with`` asks for ``__exit__`` before it calls ``__enter__``.
    """

    def __get__(self, block: "_Block | None", owner: type) -> Callable[..., Any]:
        if block is None:  # contextlib.ExitStack asks the class
            return _leave
        if block.by_hand:
            return block.by_hand.pop().__exit__  # type: ignore[no-any-return]
        lock = Latch()
        _entering.set(lock)
        return lock.__exit__


def _leave(block: "_Block", *exception: object) -> None:
    if not block.by_hand:
        raise RuntimeError(f"{type(block).__name__} is left before it was entered; write `with` for both")
    block.by_hand.pop().release()


class _Block(ContextDecorator):
    """A context manager and decorator that changes one mode of the current context."""

    _settings: ClassVar[dict[str, Any]]
    #: The locks of blocks that were entered by ``__enter__()``.
    by_hand: Any = ()

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

    def __enter__(self) -> Self:
        lock = _entering.get()
        _entering.set(None)
        if lock is None:  # called by hand, without `with`
            lock = Latch()
            self.by_hand = [*self.by_hand, lock]
        before = modes.top.get()
        try:
            lock.acquire()
            modes.enter(**self._settings, block=lock, generator=_generator(sys._getframe(1)))
            return self
        except BaseException:
            modes.top.set(before)
            raise

    __exit__ = _Exit()


def _generator(frame: FrameType) -> FrameType | None:
    """The frame, if it is a generator's that is not a context manager itself: modes last while it runs."""
    if not frame.f_code.co_flags & _GENERATOR_OR_COROUTINE:
        return None
    caller = frame.f_back
    is_manager = caller is not None and caller.f_globals.get("__name__") == "contextlib"
    return None if is_manager else frame


class no_grad(_Block):  # noqa: N801 - PyTorch's spelling
    """Record nothing: results are constants. A context manager and decorator, for the current thread or task.

    To change a parameter write ``p.data -= 0.1 * p.grad``, with or without this. ``p -= 0.1 * p.grad``, which
    updates a tensor of PyTorch's, makes ``p`` a name for a new constant and leaves the parameter as it was.

    In a generator it lasts while that runs, and not while it waits at a ``yield``.

    >>> from autograd_lite import Value, no_grad
    >>> x = Value(3.0)
    >>> with no_grad():
    ...     y = x * x
    >>> y.data, y.requires_grad
    (9.0, False)
    """

    _settings: ClassVar = {"grad_enabled": False}


class detect_anomaly(_Block):  # noqa: N801 - PyTorch's spelling
    """Raise ``AnomalyError`` at the first nan or infinite value or gradient, and say where it came from.

    A context manager and decorator, for the current thread or task. Slower, as each operation
    also notes the line that recorded it.

    >>> from autograd_lite import Value, detect_anomaly
    >>> with detect_anomaly():
    ...     Value(0.0, name="x").log()
    Traceback (most recent call last):
        ...
    autograd_lite.errors.AnomalyError: log gave -inf at x = 0.0 ...
    """

    _settings: ClassVar = {"anomaly": True}

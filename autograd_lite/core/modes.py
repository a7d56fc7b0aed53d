"""The modes that a computation is in: no_grad, detect_anomaly, and who computes.

A mode belongs to a thread, or to a task of asyncio (a context of :mod:`contextvars`). It is one
immutable object, replaced in a single step, so that Ctrl-C finds it either as it was or as it will be.
"""

import math
import sys
import threading
import weakref
from collections.abc import Callable
from contextlib import ContextDecorator
from contextvars import ContextVar
from types import FrameType
from typing import Any, ClassVar, Self

from autograd_lite.core.checks import as_float

__all__ = ["FIRST", "Interpreter", "Modes", "current", "detect_anomaly", "enter", "in_a_mode", "no_grad", "top"]


class Interpreter:
    """What happens to the numbers of a computation. This one computes with floats, at once.

    A subclass may do otherwise: that of ``jit`` records what is done to stand-ins for floats.
    """

    #: Whether its numbers are plain floats, which may be looked at freely.
    is_eager = True

    def constant(self, number: float) -> Any:
        """A number that the program brings in."""
        return number

    def number(self, node: Any) -> Any:
        """The number that a node holds."""
        return node._primal

    def apply(self, op: Any, numbers: list[Any]) -> Any:
        """The value of a primitive."""
        ans = op.evaluate(*numbers)
        return ans if ans.__class__ is float else as_float(ans)

    def differentiate(self, op: Any, ans: Any, numbers: list[Any]) -> Any:
        """The partials of a primitive, whose value is ``ans``."""
        return op.differentiate(ans, *numbers)

    def multiply(self, adjoint: Any, partial: Any) -> Any:
        """What the chain rule multiplies; 0 is a strong zero in it: 0 * inf and 0 * nan are 0.

        A node that is 0 just here still has derivatives of its own, and stays unless the other is inf or nan.
        """
        x, y = getattr(adjoint, "_primal", adjoint), getattr(partial, "_primal", partial)
        if x == 0.0 and (type(adjoint) is float or not math.isfinite(y)):
            return 0.0
        if y == 0.0 and (type(partial) is float or not math.isfinite(x)):
            return 0.0
        return adjoint * partial

    def refuse(self, what: str) -> None:
        """Raise if the program must not do this to a Value, or take note of it.

        What there is: ``"grad"``, ``"backward"``, ``"assign"`` (to ``.data``), ``"name"`` and ``"format"``.
        """


class Modes:
    """What a context computes in, from one moment to the next. Never changed."""

    __slots__ = (
        "__weakref__",
        "_generator",
        "anomaly",
        "before",
        "block",
        "depth",
        "entry",
        "grad_enabled",
        "interpreter",
    )

    def __init__(
        self,
        grad_enabled: bool,
        anomaly: bool,
        interpreter: Interpreter,
        depth: int,
        *,
        before: "Modes | None" = None,
        block: Any = None,
        generator: FrameType | None = None,
    ) -> None:
        #: Whether operations are recorded as a graph.
        self.grad_enabled = grad_enabled
        #: Whether nan and infinities raise.
        self.anomaly = anomaly
        #: Who computes.
        self.interpreter = interpreter
        #: How many transforms, such as ``grad``, are under way.
        self.depth = depth
        self.before = before
        #: The lock that a `with` block holds while it lasts.
        self.block = block
        #: In :data:`in_a_mode`, if operations differ.
        self.entry: weakref.ref[Modes] | None = None
        self._generator = generator  # the generator whose block it is

    def has_ended(self) -> bool:
        """Whether the ``with`` block that these modes belong to has been left."""
        return self.block is not None and not self.block.locked()

    def is_suspended(self) -> bool:
        """Whether the generator that these modes belong to waits at a ``yield``."""
        return self._generator is not None and self._generator.f_back is None


#: The modes, of any context, in which operations differ. While it is empty they need not ask.
#: Entries go by themselves when their modes do.
in_a_mode: set[weakref.ref[Modes]] = set()
#: The modes of a context in which nobody has entered any.
FIRST = Modes(True, False, Interpreter(), 0)
#: The modes of the current context. Who calls :func:`enter` sets it back in a ``finally``, in one step.
top: ContextVar[Modes] = ContextVar("autograd_lite modes", default=FIRST)


def current() -> Modes:
    """The modes of the current context."""
    innermost = modes = top.get()
    if modes is FIRST:
        return modes
    while modes.has_ended():
        in_a_mode.discard(modes.entry)  # at once: a traceback may keep it for long
        modes = modes.before  # type: ignore[assignment]
    if modes is not innermost:
        top.set(modes)
    while modes.is_suspended():
        modes = modes.before  # type: ignore[assignment]
    return modes


def enter(
    *,
    grad_enabled: bool | None = None,
    anomaly: bool | None = None,
    interpreter: Interpreter | None = None,
    depth: int = 0,
    block: Any = None,
    generator: FrameType | None = None,
) -> None:
    """Go into other modes; what is not said stays. ``depth`` is added to that of the transforms.

    The way to use it survives Ctrl-C at any point, as ``ContextVar.set`` is a single step::

        before = modes.top.get()
        try:
            modes.enter(grad_enabled=True)
            ...
        finally:
            modes.top.set(before)
    """
    now = current()
    modes = Modes(
        now.grad_enabled if grad_enabled is None else grad_enabled,
        now.anomaly if anomaly is None else anomaly,
        interpreter or now.interpreter,
        now.depth + depth,
        before=top.get(),
        block=block,
        generator=generator,
    )
    if modes.anomaly or not modes.grad_enabled or not modes.interpreter.is_eager:
        modes.entry = weakref.ref(modes, in_a_mode.discard)
        in_a_mode.add(modes.entry)
    top.set(modes)


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
        lock = threading.Lock()
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
            lock = threading.Lock()
            self.by_hand = [*self.by_hand, lock]
        before = top.get()
        try:
            lock.acquire()
            enter(**self._settings, block=lock, generator=_generator(sys._getframe(1)))
            return self
        except BaseException:
            top.set(before)
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

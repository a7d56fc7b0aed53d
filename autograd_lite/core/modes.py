"""The modes that a computation is in: whether it is recorded, whether nan raises, and who computes.

A mode belongs to a thread, or to a task of asyncio (a context of :mod:`contextvars`). It is one
immutable object, replaced in a single step, so that Ctrl-C finds it either as it was or as it will be.
"""

import math
import weakref
from contextvars import ContextVar
from types import FrameType
from typing import Any

from autograd_lite.core import context
from autograd_lite.core.checks import as_float

__all__ = ["FIRST", "Interpreter", "Modes", "current", "enter", "in_a_mode", "top"]


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
        return node._held()

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
        x = adjoint if type(adjoint) is float else getattr(adjoint, "_primal", adjoint)
        y = partial if type(partial) is float else getattr(partial, "_primal", partial)
        if x == 0.0 and (type(adjoint) is float or not math.isfinite(y)):
            return 0.0
        if y == 0.0 and (type(partial) is float or not math.isfinite(x)):
            return 0.0
        return adjoint * partial

    def draw(self, draws: Any) -> Any:
        """A random number, by a function without arguments."""
        return draws()

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
        "is_special",
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
        #: Whether an operation is more than numbers: recorded by an interpreter, or watched for nan.
        self.is_special = anomaly or not interpreter.is_eager
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
        return self.block is not None and not context.is_closed(self.block)

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


def _last() -> Modes:
    """The modes of the last block that has not been left."""
    # Nothing is set here: a finalizer may ask while the context itself is being changed.
    modes = context.value_of(top)
    while modes is not FIRST and modes.has_ended():
        in_a_mode.discard(modes.entry)  # at once: a traceback may keep it for long
        modes = modes.before  # type: ignore[assignment]
    return modes


def current() -> Modes:
    """The modes of the current context."""
    modes = _last()
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
        before=_last(),
        block=block,
        generator=generator,
    )
    if modes.is_special or not modes.grad_enabled:
        modes.entry = weakref.ref(modes, in_a_mode.discard)
        in_a_mode.add(modes.entry)
    top.set(modes)

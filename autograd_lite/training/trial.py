"""Recording a model or a loss on trial: where that is of no use, nothing has happened, apart from what was printed."""

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from autograd_lite import pytree
from autograd_lite._rng import state_of
from autograd_lite.core import COMPILED, WHY_PURE, modes
from autograd_lite.core.blocks import no_grad
from autograd_lite.core.checks import describe
from autograd_lite.core.loops import Several
from autograd_lite.core.node import number
from autograd_lite.errors import ArgumentError, TracingError
from autograd_lite.jit.batch import Place
from autograd_lite.jit.cache import Variant
from autograd_lite.jit.closures import Environment
from autograd_lite.jit.columns import Column, columns_of
from autograd_lite.jit.compiled import Compiled
from autograd_lite.jit.undo import undoing

__all__ = [
    "NotCompiledError",
    "check_mode",
    "check_whole_numbers",
    "columns",
    "numbers_in",
    "recorded",
    "sources_of",
]


class NotCompiledError(Exception):
    """Why a training is for the loop in Python."""


def recorded(f: Any, args: tuple[Any, ...], *, draws: bool = False) -> Variant:
    """A function recorded; twice, as what comes out differently would be frozen. Raises ``NotCompiledError``.

    Random numbers of ``Dropout`` are inputs, if asked for; functions that draw others are refused.
    """
    fast = Compiled(
        unjitted(f), backend="vm", static_argnames=(), fast_math=False, max_paths=64, verify=False
    )  # fmt: skip
    with _on_trial(fast.f) as (environment, _):
        sources = sources_of(environment)
        before = list(map(state_of, sources))
        variant = fast.recorded(*args, draws=draws)
        first, count = variant.latest.recording.tracer, 1
        if any(isinstance(instruction.op, Several) for instruction in first.instructions):
            raise NotCompiledError("it has a loop by scan, fori_loop or while_loop")
        if not environment.is_of_libraries():
            again, count = fast.traced(*args, draws=draws), 2
            if (first.instructions, first.guards) != (again.instructions, again.guards):
                raise NotCompiledError("it does not do the same at each call")
            if not variant.environment.holds():
                raise NotCompiledError("it changes what it reads, at each call")
        after = _states(sources)
        for _, put_back in before:
            put_back()
        for draw in list((first.draws or {}).values()) * count:
            draw()
        if _states(sources) != after:
            raise NotCompiledError("it draws random numbers, other than those of Dropout")
    return variant


def unjitted(f: Any) -> Any:
    """A function without ``jit``."""
    return f.f if isinstance(f, Compiled) else f


def check_whole_numbers(loss: Any, outputs: Any, targets: Any, floats: Any) -> None:
    """Raise ``NotCompiledError`` if a loss takes whole numbers among its targets otherwise than the same as floats."""
    with _on_trial(unjitted(loss)) as (_, undo), no_grad():
        given, as_floats = number(loss(outputs, targets)), number(loss(outputs, floats))
        undo()
    if repr(given) != repr(as_floats):
        raise NotCompiledError("the loss takes whole numbers otherwise than floats")


@contextmanager
def _on_trial(f: Any) -> Iterator[tuple[Environment, Callable[[], None]]]:
    """Put all random numbers back after the block and, if it fails, all that a function reads.

    Given is also what does the latter at any time. Errors become ``NotCompiledError``: those of its own a function
    raises again when it is called.
    """
    environment = Environment([f], often=False)
    for thing in environment.things():
        if hasattr(type(thing), "__next__"):
            raise NotCompiledError(f"it reads {describe(thing)}, and what that gives or takes cannot be taken back")
    undo, before = undoing(environment), list(map(state_of, sources_of(environment)))
    try:
        yield environment, undo
    except BaseException as error:
        undo()
        if isinstance(error, NotCompiledError) or not isinstance(error, Exception):
            raise
        name = "" if isinstance(error, TracingError) else f"{type(error).__name__}: "
        raise NotCompiledError(f"{name}{error}") from error
    finally:
        for _, put_back in before:
            put_back()


def sources_of(environment: Environment) -> list[Any]:
    """All that a function may draw random numbers from."""
    numpy = sys.modules.get("numpy.random")
    found: list[Any] = [random] if numpy is None else [random, numpy]
    for thing in environment.things():
        is_ours = isinstance(thing, random.Random) and not hasattr(thing, "_generator")
        if is_ours or (numpy is not None and isinstance(thing, (numpy.Generator, numpy.RandomState))):
            found.append(thing)
    return found


def _states(sources: list[Any]) -> list[str]:
    return [repr(state_of(source)[0]) for source in sources]


def check_mode() -> None:
    """Raise ``NotCompiledError`` in a mode where numbers are more than numbers, and without a compiled core."""
    if not COMPILED:
        raise NotCompiledError(f"the core is not compiled, as {WHY_PURE}")
    mode = modes.current()
    if mode.anomaly:
        raise NotCompiledError("detect_anomaly() is on")
    if not mode.interpreter.is_eager:
        raise NotCompiledError("it is inside a function that is recorded")


def columns(data: list[Any]) -> list[Column]:
    """Samples, and targets, as columns of numbers."""
    try:
        return columns_of(data)
    except ArgumentError as error:  # of whole numbers too large for a float
        raise NotCompiledError(str(error)) from None


def numbers_in(template: Any) -> tuple[list[Any], pytree.Structure]:
    """The places and constants in the structure of an output, and the structure."""
    leaves: list[Any] = []

    def look(tree: Any) -> Any:
        level = pytree.branch(tree)
        if level is None:
            if not isinstance(tree, Place) and type(tree) not in (float, int):
                raise NotCompiledError("the model gives more than numbers that it computes, such as a parameter itself")
            leaves.append(tree)
            return 0.0
        return level.rebuild([look(child) for child in level.children])

    structure = pytree.flatten(look(template))[1]
    places = [leaf.position for leaf in leaves if isinstance(leaf, Place)]
    if len(set(places)) < len(places):
        raise NotCompiledError("the model gives one number twice")
    return leaves, structure

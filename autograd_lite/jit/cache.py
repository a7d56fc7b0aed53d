"""Which recording serves a call.

The calls of a compiled function fall into variants, by the structure of their arguments and by what
the function reads besides them. Each variant is a tree of paths, which fork at their guards.
"""

import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from autograd_lite.core.node import numbers_of
from autograd_lite.core.value import Value
from autograd_lite.jit.arguments import Arguments, Results
from autograd_lite.jit.closures import Environment
from autograd_lite.jit.recording import Recording

__all__ = ["Cache", "Path", "Variant"]


class Path:
    """A recording, how to put its results together, and where its guards lead to."""

    def __init__(self, recording: Recording, results: Results) -> None:
        self.recording, self.results = recording, results
        self.closed_over = list(recording.tracer.closed_over)
        closed_over = dict(enumerate(self.closed_over, recording.extent[0] - len(self.closed_over)))
        #: What its results depend on, Values that f closes over; None for an argument.
        self.operands = tuple([closed_over.get(place) for place in recording.places])
        self._are_closed_over = None not in self.operands
        #: Where the results are plain numbers: the code itself, and how its answer becomes the result.
        self.call: Callable[..., Any] = _no_call
        self.build = results.builder_of_floats()
        #: At each guard, the first path for each outcome.
        self.forks: list[dict[bool, Path]] = []
        self.runs = 0
        #: What makes arrays of the outputs for many rows, where that is the same at each call.
        self.stack: Callable[[Any], Any] | None = None

    def run(self, numbers: Sequence[float], values: dict[int, Value]) -> Any:
        """The result for these arguments in a tuple, or the number of the guard that fails."""
        if self.closed_over:
            numbers = [*numbers, *numbers_of(self.closed_over)]
        answer = self.recording.results(numbers, lambda: self.operands_among(values))
        if type(answer) is int:
            return answer
        floats, nodes = answer
        self.runs += 1
        # From the second run on, so that this method sees whether there is one.
        if self.runs > 1 and not self.recording.nodes:
            self.call = self.recording.latest.call or _no_call
        return (self.results.build(floats, nodes, floats[len(self.results.floats) :], values),)

    def other(self, guard: int) -> "Path | None":
        """The first path for the other outcome of a guard, if there is one."""
        return self.forks[guard].get(not self.recording.guards()[guard].outcome)

    def operands_among(self, values: dict[int, Value]) -> tuple[Any, ...]:
        """What the results depend on: Values of the arguments, by position, and such that f closes over."""
        if self._are_closed_over:
            return self.operands
        places = self.recording.places
        return tuple([values[p] if o is None else o for o, p in zip(self.operands, places, strict=True)])


def _no_call(*numbers: float) -> None:
    """The call of a path whose result cannot be had from numbers alone, or not yet."""


class Variant:
    """All paths for one structure of arguments while what the function closes over stays the same."""

    def __init__(self, environment: Environment, objects: list[Any], path: Path) -> None:
        self.environment, self.objects = environment, objects
        self._root = path
        self.latest = path

    def add(self, path: Path) -> None:
        """File a path under the outcomes of its guards."""
        self.latest = path
        known: Path | None = self._root if path is not self._root else None
        for number, guard in enumerate(path.recording.guards()):
            # Paths with the same outcomes so far share a fork.
            fork = known.forks[number] if known is not None and number < len(known.forks) else {}
            path.forks.append(fork)
            known = fork.setdefault(guard.outcome, path)

    def holds(self, objects: list[Any]) -> bool:
        """Whether it is for these objects, and all is as it was."""
        are_same = len(objects) == len(self.objects) and all(a is b for a, b in zip(objects, self.objects, strict=True))
        return are_same and self.environment.holds()

    def run(self, arguments: Arguments) -> tuple[tuple[Any], Path] | None:
        """The answer, in a tuple, of the path whose guards hold, and that path; None if it is not known."""
        path = self.latest
        values = dict(arguments.values.values())
        while True:
            answer = path.run(arguments.numbers, values)
            if type(answer) is not int:
                self.latest = path
                return answer, path
            other = path.other(answer)
            if other is None:
                return None
            path = other


#: So many paths may have been taken only once before recording stops to pay.
TAKEN_ONCE = 16


class Cache:
    """The variants of one function. They share a bound."""

    def __init__(self, name: str, max_paths: int) -> None:
        self._name, self._max_paths = name, max_paths
        self._variants: dict[Any, list[Variant]] = {}
        self._paths: list[Path] = []
        self._has_warned = False

    def variant(self, key: Any, objects: list[Any]) -> Variant | None:
        """The variant for a structure of arguments and these objects, if one is as it was."""
        return next((variant for variant in self._variants.get(key, ()) if variant.holds(objects)), None)

    def add(
        self, key: Any, variant: Variant | None, environment: Environment, objects: list[Any], path: Path
    ) -> Variant:
        """Keep a path, in its variant if there is one; returns that."""
        self._paths.append(path)
        if variant is not None and not variant.environment.holds():  # f has changed what it reads: not for older paths
            variant = None
        if variant is None:
            variant = Variant(environment, objects, path)
            self._variants.setdefault(key, []).insert(0, variant)
        variant.environment = environment
        variant.add(path)
        return variant

    def is_full(self) -> bool:
        """Whether no more is to be recorded. Warns when that is so for the first time."""
        once = sum(path.runs < 2 for path in self._paths)
        if len(self._paths) < self._max_paths and once < TAKEN_ONCE:
            return False
        if not self._has_warned:
            self._has_warned = True
            many = f"{once} of the {len(self._paths)} recordings of {self._name} were of use only once"
            if len(self._paths) >= self._max_paths:
                many = f"{self._name} has been recorded {self._max_paths} times"
            warnings.warn(
                f"{many}, so from now on it runs uncompiled where a recording would be new. A recording serves one "
                "path through the branches and loops, one structure of arguments, one string or static argument, and "
                "what the function closes over as it was. Write branches as where(greater(x, 0.0), a, b), hand in "
                "what changes as an argument, or raise max_paths",
                RuntimeWarning,
                stacklevel=_level_of_the_caller(),
            )
        return True


def _level_of_the_caller() -> int:
    """How many frames up the package was called, counted from who asks."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("autograd_lite."):
        frame, level = frame.f_back, level + 1
    return level

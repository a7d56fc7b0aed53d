"""Compiled: a function that is recorded once for each path through it, and replayed from then on."""

import functools
import inspect
import operator
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, ParamSpec, TypeVar

from autograd_lite.core import modes
from autograd_lite.core.checks import describe
from autograd_lite.core.value import Value
from autograd_lite.errors import ArgumentError, MissingDependencyError, TracingError
from autograd_lite.jit.arguments import Arguments, Results, stand_in
from autograd_lite.jit.backends.native import NativeCode, is_installed
from autograd_lite.jit.backends.python import PythonCode
from autograd_lite.jit.closures import Environment
from autograd_lite.jit.program import Program
from autograd_lite.jit.recording import BackEnd, Recording
from autograd_lite.jit.tracing import Tracer, recording_by

__all__ = ["Compiled"]

_P = ParamSpec("_P")
_R = TypeVar("_R")

_data = operator.attrgetter("_data")


class Path:
    """A recording, how to put its results together, and where its guards lead to."""

    def __init__(self, recording: Recording, results: Results) -> None:
        self.recording, self.results = recording, results
        self.closed_over = list(recording.tracer.closed_over)
        closed_over = dict(enumerate(self.closed_over, recording.extent[0] - len(self.closed_over)))
        self._operands = tuple([closed_over.get(place) for place in recording.places])
        self._are_closed_over = None not in self._operands
        #: The code itself, and how its answer becomes the result, where the results are plain numbers.
        self.call: Callable[..., Any] = _no_call
        self.code: Any = None
        self.build = results.builder_of_floats()
        #: At each guard, the branches known from there.
        self.forks: list[Branch] = []

    def tried(self, numbers: Sequence[float], values: dict[int, Value]) -> Any:
        """The result for these arguments in a tuple, or the number of the guard that fails."""
        if self.closed_over:
            numbers = [*numbers, *map(_data, self.closed_over)]
        found = self.recording.results(numbers, lambda: self._given(values))
        if type(found) is int:
            return found
        floats, nodes = found
        if not self.recording.nodes:
            self.code = self.recording.latest
            self.call = self.code.call
        return (self.results.build(floats, nodes, floats[len(self.results.floats) :], values),)

    def _given(self, values: dict[int, Value]) -> tuple[Any, ...]:
        if self._are_closed_over:
            return self._operands
        places = self.recording.places
        return tuple([values[p] if o is None else o for o, p in zip(self._operands, places, strict=True)])


def _no_call(*numbers: float) -> None:
    """The call of a path whose results have graphs: not to be had from numbers alone."""


class Branch:
    """A place among the guards of the paths of one variant: the path that was recorded first, and where to go on."""

    __slots__ = ("by_outcome", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.by_outcome: dict[bool, Branch] = {}


class Variant:
    """All paths for one structure of arguments while what the function closes over stays the same."""

    def __init__(self, environment: Environment, objects: list[Any], path: Path) -> None:
        self.environment, self.objects = environment, objects
        self.frozen: list[Value] = []  # closed over, and recorded as constants
        self.root = Branch(path)
        self.latest = path
        self.add(path)

    def add(self, path: Path) -> None:
        """File a path under the outcomes of its guards."""
        self.frozen += [value for value in path.closed_over if not value.requires_grad]
        branch = self.root
        for guard in path.recording.tracer.guards[: path.recording.extent[2]]:
            path.forks.append(branch)
            branch = branch.by_outcome.setdefault(guard.outcome, Branch(path))
        self.latest = path

    def holds(self, objects: list[Any]) -> bool:
        """Whether it is for these objects, and all is as it was."""
        are_same = len(objects) == len(self.objects) and all(a is b for a, b in zip(objects, self.objects, strict=True))
        return are_same and self.environment.holds() and not any(value.requires_grad for value in self.frozen)


class Compiled(Generic[_P, _R]):
    """A function as ``jit`` makes it. Call it as the function itself."""

    __name__: str

    def __init__(
        self, f: Callable[_P, _R], *, backend: str, static_argnames: Any, fast_math: bool, max_paths: int
    ) -> None:
        if not callable(f):
            raise TypeError(f"jit takes a function, not its result, so write jit(f)(x); got {describe(f)}")
        if backend not in {"auto", "native", "python"}:
            raise ArgumentError(f"backend is 'auto', 'native' or 'python', got {describe(backend)}")
        if not isinstance(max_paths, int) or max_paths < 1:
            raise ArgumentError(f"max_paths is a whole number from 1 up, got {describe(max_paths)}")
        self.f = f
        names = (static_argnames,) if isinstance(static_argnames, str) else tuple(static_argnames)
        self._options = {
            "backend": backend, "static_argnames": names, "fast_math": fast_math, "max_paths": max_paths,
        }  # fmt: skip
        self._max_paths, self._static = max_paths, frozenset(names)
        self._parameters = self._parameters_of(f, names)
        self._back_end = _back_end(backend, fast_math)
        self._variants: dict[Any, list[Variant]] = {}
        self._of_lists: dict[int, Any] = {}
        self._of_floats: dict[Any, Any] = {}  # the variant of the latest such call
        self._counts: dict[Any, int] = {}
        self._latest: Any = None
        functools.update_wrapper(self, f, updated=())

    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        if not kwargs and modes.top.get() is modes.FIRST:
            # Floats, or one list of floats, as numerical routines call: finding out what was given takes longest then.
            numbers: Any = args
            if len(args) == 1 and type(args[0]) is list:
                numbers = args[0]
                variant = self._of_lists.get(len(numbers))
            else:
                variant = self._of_floats.get(tuple(map(type, args)))
            if variant is not None and variant.environment.holds():
                path = variant.latest
                answer = path.call(*numbers, *map(_data, path.closed_over)) if path.closed_over else path.call(*numbers)
                if type(answer) is tuple:
                    self._latest = path
                    return path.build(answer)  # type: ignore[no-any-return]  # it is what f returns
            return self._call(args, kwargs)  # type: ignore[no-any-return]
        mode = modes.current()
        if mode.anomaly or not mode.interpreter.is_eager:
            return self.f(*args, **kwargs)
        return self._call(args, kwargs)  # type: ignore[no-any-return]

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        arguments = self._taken(args, kwargs)
        mode = modes.current()
        key = (tuple(arguments.key), mode.recording, mode.depth > 0)
        variant = next((v for v in self._variants.get(key, ()) if v.holds(arguments.objects)), None)
        while True:
            answer = self._tried(variant, arguments) if variant else None
            if answer is not None:
                if self._latest.code is not None and key[1:] == (True, False):
                    self._note_floats(key[0], variant)
                return answer[0]
            if self._counts.get(key, 0) >= self._max_paths:
                return self._eagerly(key, args, kwargs)
            variant = self._record(key, arguments, variant, args, kwargs)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __repr__(self) -> str:
        return f"<jit of {_name(self.f)}>"

    def __reduce__(self) -> Any:
        return _restored, (self.f, self._options)

    @property
    def program(self) -> Program:
        """The program that the latest call ran. Raises ``TracingError`` before the first call."""
        return self._code.program  # type: ignore[no-any-return]

    @property
    def source(self) -> str:
        """That program as the back end wrote it: Python, or LLVM's intermediate representation."""
        return self._code.source  # type: ignore[no-any-return]

    def draw(self, **options: Any) -> Any:
        """That program as a drawing; see :func:`autograd_lite.draw`."""
        return self.program.draw(**options)

    @property
    def _code(self) -> Any:
        if self._latest is None:
            raise TracingError(f"{_name(self.f)} has no program yet: call it once, with arguments such as it will get")
        recording: Recording = self._latest.recording
        return recording.latest

    def _parameters_of(self, f: Any, static: tuple[str, ...]) -> list[str]:
        try:
            parameters = inspect.signature(f).parameters
        except (TypeError, ValueError):
            return []
        takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        for name in static:
            if name not in parameters and not takes_any:
                raise ArgumentError(f"static_argnames has {name!r}, and {_name(f)} has no parameter of that name")
        return [p.name for p in parameters.values() if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]

    def _named(self, args: tuple[Any, ...]) -> Iterable[tuple[str, Any]]:
        for position, thing in enumerate(args):
            yield self._parameters[position] if position < len(self._parameters) else f"x{position}", thing

    def _taken(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
        arguments = Arguments()
        if not kwargs and not self._static:
            for thing in args:
                arguments.take(thing)
            return arguments
        for name, thing in (*self._named(args), *kwargs.items()):
            if name in self._static:
                arguments.take_static(name, thing)
            else:
                arguments.take(thing)
        arguments.key.append(tuple(kwargs))
        return arguments

    def _note_floats(self, key: tuple[Any, ...], variant: Any) -> None:
        """Keep the variant at hand for calls with floats alone, or with one list of them."""
        if key and set(key) == {float}:
            self._of_floats[key] = variant
        elif len(key) == 1 and isinstance(key[0], tuple) and key[0][::2] == (list, float):
            self._of_lists[key[0][1]] = variant  # by the length

    def _tried(self, variant: Variant, arguments: Arguments) -> tuple[Any] | None:
        """The answer of the path whose guards hold, if one is known; in a tuple."""
        path = variant.latest
        values = dict(arguments.values.values())
        while True:
            found = path.tried(arguments.numbers, values)
            if type(found) is not int:
                variant.latest = self._latest = path
                return found  # type: ignore[no-any-return]
            fork = path.forks[found].by_outcome.get(not path.recording.tracer.guards[found].outcome)
            if fork is None:
                return None
            path = fork.path

    def _record(
        self, key: Any, arguments: Arguments, variant: Variant | None, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Variant:
        """Run the function on stand-ins and keep what it does."""
        tracer, known = Tracer(), {}  # type: ignore[var-annotated]
        with recording_by(tracer):
            given = [
                thing if name in self._static else stand_in(tracer, thing, name, known)
                for name, thing in (*self._named(args), *kwargs.items())
            ]
            result = self.f(*given[: len(args)], **dict(zip(kwargs, given[len(args) :], strict=True)))
        places = {id(known[i]): place for i, (place, _) in arguments.values.items()}
        results = Results(result, places)
        for node in results.nodes:
            tracer.number(node)
        inputs = {known[i]: place for i, (place, _) in arguments.values.items()}
        inputs |= {value: len(arguments.numbers) + i for i, value in enumerate(tracer.closed_over)}
        outputs = [*results.floats, *(value._data for value in results.others)]
        path = Path(Recording(tracer, _name(self.f), self._back_end, inputs, outputs, results.nodes), results)
        self._counts[key] = self._counts.get(key, 0) + 1
        # As it is after the recording, whose side effects are not to count as a change.
        environment = Environment([self.f, *arguments.objects, *arguments.statics])
        if variant is not None:
            variant.environment = environment
            variant.add(path)
            return variant
        variant = Variant(environment, arguments.objects, path)
        self._variants.setdefault(key, []).insert(0, variant)
        return variant

    def _eagerly(self, key: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._counts[key] == self._max_paths:
            self._counts[key] += 1
            warnings.warn(
                f"{_name(self.f)} has taken {self._max_paths} paths, and runs uncompiled where it takes another. "
                "Write branches as where(greater(x, 0.0), a, b), hand in what changes as an argument, or raise "
                "max_paths",
                RuntimeWarning,
                stacklevel=3,
            )
        return self.f(*args, **kwargs)


def _name(f: Any) -> str:
    return getattr(f, "__name__", None) or type(f).__name__


def _restored(f: Callable[_P, _R], options: dict[str, Any]) -> Compiled[_P, _R]:
    return Compiled(f, **options)


def _back_end(name: str, fast_math: bool) -> BackEnd:
    """What makes code of a program; llvmlite is looked for when that is first asked for."""

    def code(program: Program) -> Any:
        if name == "python" or (name == "auto" and not is_installed()):
            return PythonCode(program)
        try:
            return NativeCode(program, fast_math=fast_math)
        except MissingDependencyError:
            if name == "native":
                raise
            return PythonCode(program)

    return code

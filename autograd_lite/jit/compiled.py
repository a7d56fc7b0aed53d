"""Compiled: a function that is recorded once for each path through it, and replayed from then on."""

import functools
import inspect
from collections.abc import Callable, Iterable
from dataclasses import replace
from types import MethodType
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from autograd_lite import pytree
from autograd_lite._pickling import global_name
from autograd_lite.core import modes
from autograd_lite.core.checks import describe
from autograd_lite.core.loops import BodyChanged
from autograd_lite.core.node import numbers_of
from autograd_lite.errors import ArgumentError, TracingError
from autograd_lite.jit.arguments import Arguments, Results, check_unchanged, stand_in
from autograd_lite.jit.backends.named import back_end, rows_back_end
from autograd_lite.jit.batch import Batch
from autograd_lite.jit.cache import Cache, Path, Variant
from autograd_lite.jit.closures import Environment
from autograd_lite.jit.columns import Column
from autograd_lite.jit.export.results import filled, output_names, without_gradient
from autograd_lite.jit.loops import record_loop
from autograd_lite.jit.program import Program
from autograd_lite.jit.recording import Recording
from autograd_lite.jit.steps import Recorder
from autograd_lite.jit.tracing import Tracer, tracing
from autograd_lite.jit.verify import check_same

if TYPE_CHECKING:
    from autograd_lite.jit.export.c import CSource

__all__ = ["Compiled"]

_P = ParamSpec("_P")
_R = TypeVar("_R")

#: How often a function may change what it reads while it is recorded, as by making parameters at its first call.
_ATTEMPTS = 4


class Compiled(Generic[_P, _R]):
    """A function as ``jit`` makes it. Call it as the function itself."""

    __name__: str

    def __init__(
        self,
        f: Callable[_P, _R],
        *,
        backend: str,
        static_argnames: Any,
        fast_math: bool,
        max_paths: int,
        verify: bool,
    ) -> None:
        if not callable(f):
            raise TypeError(f"jit takes a function, not its result, so write jit(f)(x); got {describe(f)}")
        if backend not in {"auto", "native", "python", "vm"}:
            raise ArgumentError(f"backend is 'auto', 'native', 'python' or 'vm', got {describe(backend)}")
        if not isinstance(max_paths, int) or max_paths < 1:
            raise ArgumentError(f"max_paths is a whole number from 1 up, got {describe(max_paths)}")
        if verify and fast_math:
            raise ArgumentError("fast_math=True allows other bits, and verify=True raises at them; choose one")
        self.f = f
        names = (static_argnames,) if isinstance(static_argnames, str) else tuple(static_argnames)
        self._options = {
            "backend": backend, "static_argnames": names, "fast_math": fast_math, "max_paths": max_paths,
            "verify": verify,
        }  # fmt: skip
        self.verify, self.static = verify, frozenset(names)
        self._parameters = self._parameters_of(f, names)
        self._reads_names = False  # whether the function has looked at the names of Values
        self._back_end = back_end(backend, fast_math)
        self._cache = Cache(_name(f), max_paths)
        # The variants of calls with floats alone, by their count, with one list of them, by its length, and with one
        # array of them, by its shape. That they are floats is seen by the code.
        self._of_floats: dict[int, Variant] = {}
        self._of_lists: dict[int, Variant] = {}
        self._of_arrays: dict[tuple[int, ...], Variant] = {}
        self._array_type: Any = None  # numpy.ndarray, once an array has come
        self._latest: tuple[Path, Any] | None = None  # what the latest call ran, with its numbers
        functools.update_wrapper(self, f, updated=())

    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        if not kwargs and modes.top.get() is modes.FIRST:
            # Floats, or one list or array of them, as numerical routines call: finding out what was given takes
            # longest then.
            numbers: Any = args
            kind = type(args[0]) if len(args) == 1 else None
            if kind is list:
                numbers = args[0]
                variant = self._of_lists.get(len(numbers))
            elif kind is not None and kind is self._array_type:
                given: Any = args[0]
                numbers = given.ravel().tolist()
                variant = self._of_arrays.get(given.shape)
            else:
                variant = self._of_floats.get(len(args))
            if variant is not None and variant.environment.holds():
                path = variant.latest
                try:
                    if path.closed_over:
                        answer = path.call(*numbers, *numbers_of(path.closed_over))
                    else:
                        answer = path.call(*numbers)
                except TracingError:
                    raise
                except Exception:  # of an operation; f may do something about it
                    return self.f(*args, **kwargs)
                if type(answer) is tuple:
                    self._latest = path, numbers
                    return path.build(answer)  # type: ignore[no-any-return]  # it is what f returns
            return self._call(args, kwargs)  # type: ignore[no-any-return]
        mode = modes.current()
        if mode.anomaly or not mode.interpreter.is_eager:
            return self.f(*args, **kwargs)
        return self._call(args, kwargs)  # type: ignore[no-any-return]

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        arguments = self._arguments(args, kwargs)
        key = self._key(arguments)
        if not self.verify:
            return self._result(key, arguments, args, kwargs)
        return check_same(
            _name(self.f), lambda: self.f(*args, **kwargs), lambda: self._result(key, arguments, args, kwargs)
        )

    def _result(self, key: Any, arguments: Arguments, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        variant = self._cache.variant(key, arguments.objects)
        is_known = True
        try:
            answer = None if variant is None else variant.run(arguments)
            if answer is None:
                if self._cache.is_full():
                    return self.f(*args, **kwargs)
                is_known = False
                variant = self._record(key, variant, arguments, args, kwargs)
                answer = variant.run(arguments)
                assert answer is not None  # the path that was just recorded
        except TracingError:
            raise
        except BodyChanged:  # the step of a loop raises, or a count is no whole number: f does as it does then
            return self.f(*args, **kwargs)
        except Exception:  # of an operation; f may do something about it
            if not is_known:
                raise
            return self.f(*args, **kwargs)
        (result,), path = answer
        self._latest = path, arguments.numbers
        if key[1:3] == (True, False) and not self.verify:
            self._note_floats(key[0], args, variant)
        return result

    def map(self, *columns: Any, workers: int = 1, **shared: Any) -> Any:
        """The function of each row, as Python's ``map``: each argument is a sequence or an array of n rows.

        What is given by keyword, or closed over, is the same for all rows. Returned is the list of the n results,
        equal to ``[f(*row, **shared) for row in zip(*columns)]`` to the bit. If a column is an array, arrays come
        back: of shape (n,) for a number or a bool, (n, k) for a list of k, and so on, in a tuple or dict if a result
        is one. Rows that take another branch run by themselves. Values that know their gradients come as a list, as do
        results with text in them, and of different structures.

        Args:
            columns: lists, arrays or anything with ``__array__``, of numbers or of structures of numbers, all alike.
            workers: into so many threads the rows are divided; the result is the same.
            shared: arguments by keyword.

        Raises ``ArgumentError`` for columns of different lengths and rows that are not alike, ``TypeError`` for what
        is no number.

        >>> from autograd_lite import jit, sin
        >>> jit(lambda x, y, a: a * sin(x) + y).map([0.0, 0.0], [1.0, 2.0], a=3.0)
        [1.0, 2.0]
        """
        from autograd_lite.jit.rows import mapped

        return mapped(self, columns, shared, workers)

    def sum(self, *columns: Any, workers: int = 1, **shared: Any) -> Any:
        """The sum of the function's results over rows, given as for :meth:`map`, number by number.

        With closed-over Values it is a Value whose ``backward()`` fills their gradients. The order of the additions
        is fixed (docs/jit.md), and their error is that of some ten. Of rows that take several branches each
        branch is summed by itself.

        Raises the errors of :meth:`map`, ``TypeError`` for results that are no numbers, and ``ArgumentError`` for
        such as differ in their structure.

        >>> from autograd_lite import jit, value_and_grad
        >>> loss = jit(value_and_grad(lambda x, y, a: (a * x - y) ** 2, argnames="a"))
        >>> loss.sum([1.0, 2.0], [3.0, 4.0], a=1.0)
        (8.0, -12.0)
        """
        from autograd_lite.jit.rows import summed

        return summed(self, columns, shared, workers)

    def recorded(self, *args: Any, draws: bool = False) -> Variant:
        """The function recorded anew for such arguments; random numbers of ``Dropout`` as inputs, if asked for."""
        arguments = self._arguments(args, {})
        return self._record((), None, arguments, args, {}, draws=draws)

    def traced(self, *args: Any, draws: bool = False) -> Tracer:
        """What the function does at such arguments; random numbers as in :meth:`recorded`."""
        tracer = _recorder(draws)
        self._recorded(tracer, self._arguments(args, {}), args, {})
        return tracer

    def batch(self, columns: list[Column], shared: dict[str, Any], workers: int) -> tuple[Batch, Path] | None:
        """The rows of a call of ``map`` or ``sum``, and the path to begin with; None if no more is to be recorded."""

        def arguments_of(row: int) -> tuple[Arguments, tuple[Any, ...]]:
            args = tuple([column.row(row) for column in columns])
            return self._arguments(args, shared), args

        arguments, args = arguments_of(0)
        key = self._key(arguments)
        variant = self._cache.variant(key, arguments.objects)
        if variant is None:
            if self._cache.is_full():
                return None
            variant = self._record(key, None, arguments, args, shared)

        def find(row: int, path: Path, guard: int) -> Path | None:
            other = path.other(guard)
            if other is not None:
                return other
            arguments, args = arguments_of(row)
            known = variant.run(arguments)  # over rows the guards that are the same for all come first
            if known is not None:
                return known[1]
            return None if self._cache.is_full() else self._record(key, variant, arguments, args, shared).latest

        return Batch(columns, arguments, rows_back_end(str(self._options["backend"])), find, workers), variant.latest

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        is_method = hasattr(type(self.f), "__get__") and not isinstance(self.f, staticmethod)
        return MethodType(self, instance) if instance is not None and is_method else self

    def __repr__(self) -> str:
        return f"<jit of {_name(self.f)}>"

    def __reduce__(self) -> Any:
        # A decorated function has its name for itself, and goes by that, as functions do.
        return global_name(self) or (_restored, (self.f, self._options))

    @property
    def program(self) -> Program:
        """The program that the latest call ran. Raises ``TracingError`` before the first call."""
        program: Program = self._code.program
        assert self._latest is not None  # or there would be no code
        path, numbers = self._latest
        given = [*numbers, *numbers_of(path.closed_over)]
        given += [1.0] * (len(program.inputs) - len(given))  # the adjoints, of a gradient's program
        return replace(program, numbers=tuple(given))

    @property
    def source(self) -> str:
        """That program as the back end wrote it: Python, or LLVM's intermediate representation."""
        return self._code.source  # type: ignore[no-any-return]

    def draw(self, **options: Any) -> Any:
        """What the function returns as a drawing, with the latest call's numbers; see :func:`autograd_lite.draw`.

        The numbers of what the function closes over are as they are now.
        """
        from autograd_lite.drawing import draw

        return draw(self, **options)

    def to_c(self, name: str) -> "CSource":
        """That program as C, whose example is the latest call; see :meth:`Program.to_c`.

        >>> from autograd_lite import jit, tanh
        >>> fast = jit(lambda x, y: tanh(x * y) + x)
        >>> fast(0.0, 2.0)
        0.0
        >>> print(fast.to_c("f").source.partition("int f")[2])
        (double x, double y, double *outputs) {
            const double v0 = x * y;
            const double v1 = tanh(v0);
            const double v2 = v1 + x;
            outputs[0] = v2;
            return 0;
        }
        """
        return self.program.to_c(name, self.program.numbers, self._output_names())

    def to_python(self, name: str | None = None) -> str:
        """That program as Python that runs by itself; see :meth:`Program.to_python`."""
        return self.program.to_python(name, self._output_names())

    def to_latex(self, name: str | None = None) -> str:
        """What that program makes of what the function returns, as LaTeX; see :meth:`Program.to_latex`."""
        return self._program_of_results().to_latex(name or _name(self.f))

    def to_sympy(self) -> Any:
        """What the function returns, with SymPy's expressions for its numbers; see :meth:`Program.to_sympy`."""
        from autograd_lite.jit.export.symbolic import symbols

        program = self._program_of_results()
        assert self._latest is not None
        return filled(self._latest[0], program, symbols(program), program.to_sympy())

    def _program_of_results(self) -> Program:
        """That program without the gradient that comes along with a Value."""
        program = self.program
        assert self._latest is not None
        return without_gradient(self._latest[0], program)

    def _output_names(self) -> list[str]:
        program = self.program
        assert self._latest is not None
        return output_names(self._latest[0], program)

    @property
    def _code(self) -> Any:
        if self._latest is None:
            raise TracingError(f"{_name(self.f)} has no program yet: call it once, with arguments such as it will get")
        return self._latest[0].recording.latest

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

    def named(self, args: tuple[Any, ...]) -> Iterable[tuple[str, Any]]:
        for position, argument in enumerate(args):
            yield self._parameters[position] if position < len(self._parameters) else f"x{position}", argument

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
        arguments = Arguments()
        try:
            if not kwargs and not self.static:
                for argument in args:
                    arguments.add(argument)
                return arguments
            for name, argument in (*self.named(args), *kwargs.items()):
                if name in self.static:
                    arguments.add_static(name, argument)
                else:
                    arguments.add(argument)
        except RecursionError:
            raise ArgumentError(f"an argument of {_name(self.f)} is nested too deeply, or contains itself") from None
        arguments.key.append(tuple(kwargs))
        return arguments

    def _key(self, arguments: Arguments) -> Any:
        """What leads to the variants that may serve a call."""
        mode = modes.current()
        names = tuple(arguments.names) if self._reads_names else ()
        return tuple(arguments.key), mode.grad_enabled, mode.depth > 0, names

    def _note_floats(self, key: tuple[Any, ...], args: tuple[Any, ...], variant: Any) -> None:
        """Keep the variant at hand for calls with floats alone, or with one list or array of them."""
        if key and set(key) == {float}:
            self._of_floats[len(key)] = variant
        elif len(key) == 1 and isinstance(key[0], tuple) and key[0][2:] == (float,):
            if type(args[0]) is list:
                self._of_lists[len(args[0])] = variant
            elif pytree.is_any_array(args[0]):
                self._array_type = type(args[0])
                self._of_arrays[args[0].shape] = variant

    def _record(
        self,
        key: Any,
        variant: Variant | None,
        arguments: Arguments,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        *,
        draws: bool = False,
    ) -> Variant:
        """Run the function on stand-ins and keep what it does."""
        for _ in range(_ATTEMPTS):
            tracer = _recorder(draws)
            path = self._recorded(tracer, arguments, args, kwargs)
            # As it is after the recording, whose side effects are not to count as a change.
            roots = [self.f, *arguments.objects, *arguments.statics]
            environment = Environment(roots, with_names=tracer.reads_names, often=not draws)
            # A Value that f made and left behind, such as a parameter made at the first call, is an input from now on.
            if not tracer.settle(environment.values, environment.others):
                if tracer.reads_names and not self._reads_names:
                    self._reads_names = True
                    key, variant = (*key[:3], tuple(arguments.names)), None
                return self._cache.add(key, variant, environment, arguments.objects, path)
        raise TracingError(
            f"{_name(self.f)} makes new Values that outlive it at every call; make them outside, and only once"
        )

    def _recorded(self, tracer: Tracer, arguments: Arguments, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Path:
        known: dict[int, Any] = {}
        with tracing(tracer):
            given = [
                argument if name in self.static else stand_in(tracer, argument, name, known)
                for name, argument in (*self.named(args), *kwargs.items())
            ]
            check = check_unchanged(given)
            try:
                result = self.f(*given[: len(args)], **dict(zip(kwargs, given[len(args) :], strict=True)))
            except IndexError as error:
                if "arrays used as indices" not in str(error):
                    raise
                raise TracingError(
                    f"{_name(self.f)} takes an array of its arguments for indices, and under jit that holds stand-ins "
                    "for floats. Close over the indices, or hand them in as a tuple that is named in static_argnames"
                ) from error
        tracer.raise_if_refused()
        check()
        inputs = {known[i]: place for i, (place, _) in arguments.values.items()}
        try:
            results = Results(result, dict(inputs))
        except RecursionError:
            raise TracingError(f"what {_name(self.f)} returns is nested too deeply, or contains itself") from None
        for node in results.nodes:
            tracer.number(node)
        inputs |= {value: len(arguments.numbers) + i for i, value in enumerate(tracer.closed_over)}
        outputs = [*results.floats, *(value._held() for value in results.others)]
        return Path(Recording(tracer, _name(self.f), self._back_end, inputs, outputs, results.nodes), results)


def _name(f: Any) -> str:
    return getattr(f, "__name__", None) or type(f).__name__


def _recorder(draws: bool) -> Recorder:
    """Who records a function; random numbers of ``Dropout`` as inputs, if asked for."""
    recorder = Recorder(record_loop)
    recorder.draws = {} if draws else None
    return recorder


def _restored(f: Callable[_P, _R], options: dict[str, Any]) -> Compiled[_P, _R]:
    return Compiled(f, **options)

"""Functions as bytes, for other processes. The numbers of Values travel beside them.

So a model whose parameters have moved is the same bytes as before, and a worker records what is compiled in it once.
"""

import array
import contextlib
import functools
import io
import pickle
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

from autograd_lite.core import modes
from autograd_lite.core.blocks import detect_anomaly, no_grad
from autograd_lite.core.checks import describe
from autograd_lite.core.node import numbers_of, own_attributes
from autograd_lite.core.value import Value, assign
from autograd_lite.errors import ArgumentError, MissingDependencyError, TracingError

__all__ = ["Call", "packed"]

#: So many functions does a thread of a worker keep.
_KEPT = 8


class Call(NamedTuple):
    """A function and its arguments by keyword, ready to travel. Pickles as any tuple."""

    function: bytes
    shared: bytes
    #: Of all Values that take gradients: those of the function, then those of the arguments.
    numbers: "array.array[float]"
    grad_enabled: bool
    anomaly: bool

    @contextlib.contextmanager
    def opened(self) -> Iterator[tuple[Any, dict[str, Any], list[Value]]]:
        """The function, the arguments and their Values, in the modes of the call. A thread keeps what it has opened."""
        function, own = _local.loaded(self.function)
        shared, others = _loaded(self.shared)
        values = [*own, *others]
        assign(list(zip(values, self.numbers, strict=True)))
        with contextlib.ExitStack() as stack:
            if not self.grad_enabled:
                stack.enter_context(no_grad())
            if self.anomaly:
                stack.enter_context(detect_anomaly())
            yield function, shared, values


def packed(function: Any, shared: dict[str, Any]) -> tuple[Call, list[Value]]:
    """A call of the function in the modes of now, and the Values whose numbers it takes along, in their order.

    Raises ``ArgumentError`` for what does not pickle, ``TracingError`` inside a function that ``jit`` records.
    """
    mode = modes.current()
    if not mode.interpreter.is_eager:
        raise TracingError("jit cannot record what other processes compute; do it outside of the compiled function")
    (code, own), (arguments, others) = _dumped(function), _dumped(shared)
    values = [*own, *others]
    return Call(code, arguments, array.array("d", numbers_of(values)), mode.grad_enabled, mode.anomaly), values


def _dumped(thing: Any) -> tuple[bytes, list[Value]]:
    file = io.BytesIO()
    values: list[Value] = []
    pickler = _pickler()(file, values)
    try:
        pickler.dump(thing)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise ArgumentError(f"{describe(thing)} cannot travel to other processes: {error}") from error
    pickler.dump(values)  # by reference, as the pickler has met them all
    return file.getvalue(), values


def _loaded(data: bytes) -> tuple[Any, list[Value]]:
    unpickler = pickle.Unpickler(io.BytesIO(data))  # noqa: S301 - as Dask itself, which brought it
    return unpickler.load(), unpickler.load()


class _Local(threading.local):
    """What a thread of a worker has loaded. Threads do not share it, as they set the numbers of its Values."""

    def __init__(self) -> None:
        self.loaded = functools.lru_cache(_KEPT)(_loaded)


_local = _Local()


@functools.cache
def _pickler() -> Any:
    """cloudpickle's pickler, which leaves out the numbers of Values that take gradients, and notes the Values."""
    try:
        import cloudpickle
    except ImportError:
        raise MissingDependencyError('this needs Dask: pip install "autograd_lite[distributed]"') from None

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # it ships no types
        def __init__(self, file: io.BytesIO, values: list[Value]) -> None:
            super().__init__(file)
            self._values = values

        def reducer_override(self, thing: Any) -> Any:
            if isinstance(thing, Value) and thing.is_leaf and thing.requires_grad:
                self._values.append(thing)
                if type(thing) is not Value or not set(own_attributes(thing)) <= {"_name"}:
                    restored, (kind, *_), state = thing.__reduce__()
                    return restored, (kind, 0.0, None, True), state
                return _leaf, (thing.name,)
            if type(thing).__module__.startswith(f"{_PACKAGE}.") and getattr(thing, "__module__", "") == "__main__":
                return _by_value(thing)
            return super().reducer_override(thing)

    return Pickler


_PACKAGE = __name__.partition(".")[0]


def _leaf(name: str | None) -> Value:
    # With a state, pickle would ask for its __dict__, and the collector would look at it ever after.
    return Value(0.0, name)


def _by_value(thing: Any) -> Any:
    """How a decorated function of a script or a notebook pickles: by what it is, as its name is known only there."""
    reduced = thing.__reduce_ex__(pickle.DEFAULT_PROTOCOL)
    if not isinstance(reduced, str):
        return reduced
    twin = object.__new__(type(thing))  # which its module does not know by that name
    vars(twin).update(vars(thing))
    return twin.__reduce_ex__(pickle.DEFAULT_PROTOCOL)

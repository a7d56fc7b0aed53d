"""Arguments as flat numbers and a key of all else, and results put together again."""

import copy
import operator
from collections.abc import Callable
from typing import Any

from autograd_lite import pytree
from autograd_lite.core.checks import as_float, describe, is_real
from autograd_lite.core.node import CONSTANT
from autograd_lite.core.value import Value
from autograd_lite.errors import TracingError
from autograd_lite.jit.closures import is_unchanging
from autograd_lite.jit.tracing import TracedFloat, Tracer

__all__ = ["Arguments", "Results", "stand_in"]

_STATIC = (str, bool, bytes, type(None))


class Arguments:
    """The numbers of a call, in order, and a key that is the same for all calls of the same structure."""

    __slots__ = ("key", "numbers", "objects", "statics", "values")

    def __init__(self) -> None:
        self.key: list[Any] = []
        self.numbers: list[float] = []
        #: The Values among the numbers by their ids, with their positions.
        self.values: dict[int, tuple[int, Value]] = {}
        #: What is looked into as if the function closed over it: modules, functions, objects.
        self.objects: list[Any] = []
        #: Static arguments, which are looked into too.
        self.statics: list[Any] = []

    def take(self, thing: Any) -> None:
        """Add an argument, or a part of one."""
        kind = type(thing)
        if isinstance(thing, Value):
            self._take_value(thing)
        elif isinstance(thing, (list, tuple)):
            self._take_items(kind, thing)
        elif isinstance(thing, _STATIC):
            self.key.append((kind, thing))
        elif isinstance(thing, dict):
            self.key.append((kind, tuple(thing), tuple(map(type, thing))))
            for child in thing.values():
                self.take(child)
        elif pytree.is_array(thing):
            self.key.append(("array", thing.shape))
            self._take_items(kind, thing.ravel().tolist())
        elif is_real(thing):
            self.key.append(float)
            self.numbers.append(as_float(thing))
        elif callable(thing) or hasattr(kind, "named_parameters") or not is_unchanging(kind.__module__):
            self.key.append(object)
            self.objects.append(thing)
        else:
            raise TypeError(
                "jit takes numbers and Values, lists, tuples and dicts of them, modules, functions, objects of your "
                f"own classes, strings, bools and None; got {describe(thing)}. Name the argument in static_argnames if "
                "the function is to be recorded for each of its values"
            )

    def _take_items(self, kind: type, items: Any) -> None:
        kinds = set(map(type, items))
        if len(kinds) == 1 and kinds == {float}:
            self.key.append((kind, len(items), float))
            self.numbers += items
            return
        self.key.append((kind, len(items)))
        for item in items:
            self.take(item)

    def _take_value(self, value: Value) -> None:
        known = self.values.get(id(value))
        if known:
            self.key.append(known[0])
            return
        self.values[id(value)] = (len(self.numbers), value)
        self.key.append((Value if value.requires_grad else CONSTANT, value.name))
        self.numbers.append(value._data)

    def take_static(self, name: str, thing: Any) -> None:
        """Add an argument that is named in static_argnames."""
        try:
            hash(thing)
        except TypeError:
            raise TypeError(
                f"a static argument must be hashable, as numbers, strings and tuples are; {name} is {describe(thing)}"
            ) from None
        self.statics.append(thing)
        self.key.append((type(thing), thing, repr(thing), name))  # 0.0 and -0.0 are equal, as are (1,) and (1.0,)


def stand_in(tracer: Tracer, thing: Any, name: str, known: dict[int, Value]) -> Any:
    """The same structure with stand-ins for its numbers, in the order in which Arguments takes them."""
    if isinstance(thing, Value):
        if id(thing) not in known:
            number = tracer.input(thing.name or name, thing._data)
            node = Value(number, thing.name)  # type: ignore[arg-type]
            known[id(thing)] = node if thing.requires_grad else node.detach()
        return known[id(thing)]
    if isinstance(thing, _STATIC):
        return thing
    if isinstance(thing, dict):
        items = {key: stand_in(tracer, child, f"{name}[{key!r}]", known) for key, child in thing.items()}
        return items if type(thing) is dict else _updated(thing, items)
    if isinstance(thing, (list, tuple)):
        children = [stand_in(tracer, child, f"{name}[{i}]", known) for i, child in enumerate(thing)]
        return type(thing)(*children) if hasattr(thing, "_fields") else type(thing)(children)
    if pytree.is_array(thing):
        import numpy as np

        array = np.empty(thing.shape, dtype=object)
        for place, child in zip(np.ndindex(thing.shape), thing.ravel().tolist(), strict=True):
            array[place] = stand_in(tracer, child, f"{name}{list(place)}", known)
        return array
    return tracer.input(name, as_float(thing)) if is_real(thing) else thing


class Results:
    """The structure of what a function returned: its numbers come from the compiled code, and so do its Values."""

    def __init__(self, result: Any, arguments: dict[int, int]) -> None:
        #: Traced numbers that are results as floats, and as Values: recorded, constant, or leaves made by f.
        self.floats: list[TracedFloat] = []
        self.nodes: list[Value] = []
        self.others: list[Value] = []
        self._modules = 0
        self._places: dict[int, int] = {}
        self._arguments = arguments  # the position of an argument by the id of its stand-in
        build = self._builder(result)
        self.build: Callable[[Any, Any, Any, Any], Any] = build
        self._is_one_float = type(result) is TracedFloat
        self._is_value_and_gradient = (
            type(result) is tuple
            and [type(part) for part in result] == [TracedFloat, list]
            and all(type(item) is TracedFloat for item in result[1])
        )

    def builder_of_floats(self) -> Callable[[tuple[float, ...]], Any]:
        """The same for results without nodes, of a call without Values."""
        if self._is_one_float:
            return operator.itemgetter(0)
        if self._is_value_and_gradient:
            return lambda answer: (answer[0], list(answer[1:]))
        build, count = self.build, len(self.floats)
        if self.others:
            return lambda answer: build(answer, (), answer[count:], {})
        return lambda answer: build(answer, (), (), {})

    def _builder(self, thing: Any) -> Callable[[Any, Any, Any, Any], Any]:
        if type(thing) is TracedFloat:
            position = len(self.floats)
            self.floats.append(thing)
            return lambda floats, nodes, others, values: floats[position]
        if isinstance(thing, Value):
            return self._builder_of_value(thing)
        if isinstance(thing, _STATIC) or is_real(thing):
            return lambda floats, nodes, others, values: thing
        if isinstance(thing, dict):
            built = {key: self._builder(child) for key, child in thing.items()}
            if type(thing) is dict:
                return lambda *found: {key: build(*found) for key, build in built.items()}
            return lambda *found: _updated(thing, {key: build(*found) for key, build in built.items()})
        if isinstance(thing, (list, tuple)):
            return self._builder_of_items(thing)
        if pytree.is_array(thing):
            shape, items = thing.shape, [self._builder(child) for child in thing.ravel().tolist()]
            is_object = any(isinstance(child, Value) for child in thing.ravel().tolist())
            return lambda *found: _array([build(*found) for build in items], shape, is_object)
        if hasattr(type(thing), "named_parameters"):
            return self._builder_of_module(thing)
        if self._modules:
            return lambda floats, nodes, others, values: thing
        raise TracingError(
            f"a function that jit compiles returns numbers, Values, strings, bools and None, in lists, tuples, dicts "
            f"and arrays; this one returned {describe(thing)}"
        )

    def _builder_of_value(self, value: Value) -> Callable[[Any, Any, Any, Any], Any]:
        if id(value) in self._arguments:
            argument = self._arguments[id(value)]
            return lambda floats, nodes, others, values: values[argument]
        if type(value._data) is float:  # from before the recording
            return lambda floats, nodes, others, values: value
        if value.requires_grad and not value.is_leaf:
            position = self._places.setdefault(id(value), len(self.nodes))
            if position == len(self.nodes):
                self.nodes.append(value)
            return lambda floats, nodes, others, values: nodes[position]
        position = len(self.others)
        self.others.append(value)
        primitive, name = value._primitive, value.name  # none, of a leaf, or that of a constant

        def build(floats: Any, nodes: Any, others: Any, values: Any) -> Value:
            made = Value(others[position], name)
            made._primitive = primitive
            return made

        return build

    def _builder_of_module(self, module: Any) -> Callable[[Any, Any, Any, Any], Any]:
        self._modules += 1  # in which there may be anything besides numbers
        built = {name: self._builder(item) for name, item in vars(module).items()}
        self._modules -= 1

        def build(*found: Any) -> Any:
            twin = copy.copy(module)
            vars(twin).update({name: build(*found) for name, build in built.items()})
            return twin

        return build

    def _builder_of_items(self, items: Any) -> Callable[[Any, Any, Any, Any], Any]:
        kind, count = type(items), len(items)
        if kind in (list, tuple) and count and all(type(item) is TracedFloat for item in items):
            start = len(self.floats)
            self.floats += items
            return lambda floats, nodes, others, values: kind(floats[start : start + count])
        built = [self._builder(item) for item in items]
        if hasattr(kind, "_fields"):
            return lambda *found: kind(*[build(*found) for build in built])
        return lambda *found: kind([build(*found) for build in built])


def _updated(thing: Any, items: dict[Any, Any]) -> Any:
    """A dict of a kind of its own, such as a defaultdict, with other items."""
    twin = copy.copy(thing)
    twin.update(items)
    return twin


def _array(items: list[Any], shape: tuple[int, ...], is_object: bool) -> Any:
    import numpy as np

    array = np.empty(len(items), dtype=object if is_object else float)
    array[:] = items
    return array.reshape(shape)

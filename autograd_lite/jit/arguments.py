"""Arguments as flat numbers and a key of all else, and results put together again."""

import copy
import enum
import operator
from collections.abc import Callable, Sequence
from typing import Any

from autograd_lite import pytree
from autograd_lite.core.checks import as_float, describe, is_real
from autograd_lite.core.node import hold, own_attributes
from autograd_lite.core.value import Value
from autograd_lite.errors import ArgumentError, TracingError
from autograd_lite.jit.closures import is_unchanging
from autograd_lite.jit.recording import leaf_like
from autograd_lite.jit.tracing import TracedFloat, Tracer

__all__ = ["Arguments", "Results", "check_unchanged", "stand_in"]

_STATIC = (str, bool, bytes, type(None), enum.Enum)


def _is_static(argument: Any) -> bool:
    """Whether a function is recorded for each of its values: text, and numbers that are more than a float."""
    if isinstance(argument, _STATIC):
        return True
    kind = type(argument)
    if isinstance(argument, (float, int)):
        return kind is not TracedFloat and not is_unchanging(kind.__module__)
    # Fractions and the like are exact, and would not be as floats; NumPy's scalars have a dtype.
    return not hasattr(argument, "dtype") and is_real(argument)


def _exact_float(number: Any) -> float:
    exact = as_float(number)
    if exact != number and number == number:
        raise ArgumentError(
            f"jit computes with floats, and {describe(number)} is none; name the argument in static_argnames"
        )
    return exact


def _is_mask(argument: Any) -> bool:
    """Whether an argument is an array of bools, for each of which a function is recorded."""
    return pytree.is_array(argument) and argument.dtype.kind == "b"


class Arguments:
    """The numbers of a call, in order, and a key that is the same for all calls of the same structure."""

    __slots__ = ("_containers", "key", "names", "numbers", "objects", "statics", "values")

    def __init__(self) -> None:
        self.key: list[Any] = []
        #: The names of the Values.
        self.names: list[str | None] = []
        self.numbers: list[float] = []
        #: The Values among the numbers by their ids, with their positions.
        self.values: dict[int, tuple[int, Value]] = {}
        #: What is looked into as if the function closed over it: modules, functions, objects.
        self.objects: list[Any] = []
        #: Static arguments, which are looked into too.
        self.statics: list[Any] = []
        self._containers: dict[int, int] = {}

    def add(self, argument: Any) -> None:
        """Add an argument, or a part of one."""
        kind = type(argument)
        if kind is float:
            self.key.append(float)
            self.numbers.append(argument)
        elif isinstance(argument, Value):
            self._add_value(argument)
        elif kind is list or kind is tuple:
            self._add_level(argument, kind, argument)
        elif _is_static(argument):
            # By its text too, as 0.0 and -0.0 are equal; by that alone where nan is unequal to itself.
            self.key.append((kind, None if isinstance(argument, float) else argument, repr(argument)))
            self._add_attributes(argument)
        elif pytree.is_any_array(argument) and not pytree.is_plain_array(argument):
            raise TypeError(
                f"jit takes plain NumPy arrays of real numbers or Values, got {describe(argument)}; hand in its "
                "numbers, or close over it"
            )
        elif _is_mask(argument):
            self.key.append((kind, argument.shape, argument.tobytes()))
        elif (level := _branch(argument)) is not None:
            self._add_level(argument, level.key, level.children)
            self._add_attributes(argument)
        elif is_real(argument):
            self.key.append(float)
            self.numbers.append(_exact_float(argument))
        elif callable(argument) or hasattr(kind, "named_parameters") or not is_unchanging(kind.__module__):
            self.key.append(object)
            self.objects.append(argument)
        else:
            raise TypeError(
                "jit takes numbers and Values, lists, tuples and dicts of them, modules, functions, objects of your "
                f"own classes, strings, bools and None; got {describe(argument)}. Name the argument in "
                "static_argnames if the function is to be recorded for each of its values"
            )

    def _add_level(self, argument: Any, key: Any, children: Any) -> None:
        """Add a container; one that was there before, by its place, as the function may ask whether they are one."""
        known = self._containers.get(id(argument))
        if known is not None:
            if known < 0:
                raise ArgumentError(f"an argument contains itself: {describe(argument)}")
            self.key.append(known)
            return
        self._containers[id(argument)] = -1  # while its items are added
        place = len(self.key)
        self._add_items(key, children)
        self._containers[id(argument)] = place

    def _add_attributes(self, argument: Any) -> None:
        """What an instance of a user's subclass of str, list, dict ... has besides its content."""
        if not is_unchanging(type(argument).__module__):
            self.objects.append(type(argument))
        fields = getattr(type(argument), "__dataclass_fields__", ())
        for name, attribute in getattr(argument, "__dict__", {}).items():
            if name in fields or name == "_name":
                continue
            if isinstance(attribute, (float, int, *_STATIC)):
                self.key.append((name, type(attribute), repr(attribute)))
            else:
                self.key.append(name)
                self.objects.append(attribute)

    def _add_items(self, kind: Any, items: Any) -> None:
        kinds = set(map(type, items))
        if len(kinds) == 1 and kinds == {float}:
            self.key.append((kind, len(items), float))
            self.numbers += items
            return
        self.key.append((kind, len(items)))
        for item in items:
            self.add(item)

    def _add_value(self, value: Value) -> None:
        known = self.values.get(id(value))
        if known:
            self.key.append(known[0])
            return
        self.values[id(value)] = (len(self.numbers), value)
        self.key.append((type(value), value.requires_grad))
        self.names.append(value.name)  # not in the key: they do not matter to most programs
        if len(own_attributes(value)) > (value.name is not None) or type(value) is not Value:
            self._add_attributes(value)
        self.numbers.append(value._held())

    def add_static(self, name: str, argument: Any) -> None:
        """Add an argument that is named in static_argnames."""
        try:
            hash(argument)
        except TypeError:
            raise TypeError(
                f"a static argument must be hashable, as numbers, strings and tuples are; {name} is "
                f"{describe(argument)}"
            ) from None
        self.statics.append(argument)
        # The text too, as 0.0 and -0.0 are equal, and (1,) and (1.0,).
        self.key.append((type(argument), argument, repr(argument), name))


def _branch(argument: Any) -> pytree.Branch | None:
    """The first level of a structure. A Module is none here, but an object that is looked into."""
    return None if hasattr(type(argument), "named_parameters") else pytree.branch(argument)


def stand_in(tracer: Tracer, argument: Any, name: str, known: dict[int, Any]) -> Any:
    """The same structure with stand-ins for its numbers, in the order in which Arguments adds them."""
    if isinstance(argument, Value):
        if id(argument) not in known:
            known[id(argument)] = node = leaf_like(argument)
            hold(node, tracer.input(getattr(argument, "_name", None) or name, argument._held()))
        return known[id(argument)]
    if _is_static(argument):
        return argument
    if _is_mask(argument):
        return argument.copy()
    level = _branch(argument)
    if level is not None:
        if id(argument) not in known:
            pairs = zip(level.names(), level.children, strict=True)
            items = [stand_in(tracer, child, f"{name}{part}", known) for part, child in pairs]
            known[id(argument)] = level.rebuild(items)
        return known[id(argument)]
    return tracer.input(name, as_float(argument)) if is_real(argument) else argument


def check_unchanged(given: Sequence[Any]) -> Callable[[], None]:
    """A function that raises if the structures of stand-ins do not hold what they held before.

    They are copies: what is done to them would be lost.
    """
    levels: list[tuple[Any, list[Any]]] = []
    waiting = list(given)
    while waiting:
        item = waiting.pop()
        level = None if isinstance(item, Value) or _is_static(item) else _branch(item)
        if level is not None:
            levels.append((item, list(level.children)))
            waiting += level.children

    def check() -> None:
        for item, before in levels:
            level = _branch(item)
            now = () if level is None else level.children
            if len(now) != len(before) or any(map(operator.is_not, now, before)):
                raise TracingError(
                    f"the function changes an argument in place, a {type(item).__name__}, and under jit that is a "
                    "copy of the caller's. Copy it first, list(x) or dict(x), or return what is new"
                )

    return check


class Results:
    """The structure of what a function returned: its numbers come from the compiled code, and so do its Values."""

    def __init__(self, result: Any, arguments: dict[Value, int]) -> None:
        #: Traced numbers that are results as floats, and as Values: recorded, constant, or leaves made by f.
        self.floats: list[TracedFloat] = []
        self.nodes: list[Value] = []
        self.others: list[Value] = []
        self._modules = 0
        self._places: dict[int, int] = {}
        self._arguments = arguments  # stand-ins, and which argument each is
        build = self._builder(result)
        self.build: Callable[[Any, Any, Any, Any], Any] = build
        self.is_one_float = type(result) is TracedFloat
        self._is_value_and_gradient = (
            type(result) is tuple
            and [type(part) for part in result] == [TracedFloat, list]
            and all(type(item) is TracedFloat for item in result[1])
        )

    def builder_of_floats(self) -> Callable[[tuple[float, ...]], Any]:
        """The same for results without nodes, of a call without Values."""
        if self.is_one_float:
            return operator.itemgetter(0)
        if self._is_value_and_gradient:
            return lambda answer: (answer[0], list(answer[1:]))
        build, count = self.build, len(self.floats)
        if self.others:
            return lambda answer: build(answer, (), answer[count:], {})
        return lambda answer: build(answer, (), (), {})

    def _builder(self, result: Any) -> Callable[[Any, Any, Any, Any], Any]:
        if type(result) is TracedFloat:
            position = len(self.floats)
            self.floats.append(result)
            return lambda floats, nodes, others, values: floats[position]
        if isinstance(result, Value):
            return self._builder_of_value(result)
        if isinstance(result, str) and "<traced float, " in result:
            raise TracingError("the function returns the text of a traced number, which would be that of this call")
        if isinstance(result, _STATIC) or is_real(result):
            return lambda floats, nodes, others, values: result
        if (level := _branch(result)) is not None:
            return self._builder_of_level(result, level)
        if hasattr(type(result), "named_parameters"):
            return self._builder_of_module(result)
        if self._modules:
            return lambda floats, nodes, others, values: result
        raise TracingError(
            f"a function that jit compiles returns numbers, Values, strings, bools and None, in lists, tuples, dicts "
            f"and arrays; this one returned {describe(result)}"
        )

    def _builder_of_value(self, value: Value) -> Callable[[Any, Any, Any, Any], Any]:
        if value in self._arguments:
            argument = self._arguments[value]
            return lambda floats, nodes, others, values: values[argument]
        if type(value._held()) is float:  # from before the recording
            return lambda floats, nodes, others, values: value
        if value.requires_grad and not value.is_leaf:
            position = self._places.setdefault(id(value), len(self.nodes))
            if position == len(self.nodes):
                self.nodes.append(value)
            return lambda floats, nodes, others, values: nodes[position]
        position = len(self.others)
        self.others.append(value)
        # The name of an argument is that of each call's.
        named = [place for argument, place in self._arguments.items() if value.name and argument.name == value.name]

        def build(floats: Any, nodes: Any, others: Any, values: Any) -> Any:
            if type(others[position]) is not float:  # what only stands for a number
                return others[position]
            made = leaf_like(value)
            hold(made, others[position])
            if named:
                made.name = values[named[0]].name
            return made

        return build

    def _builder_of_module(self, module: Any) -> Callable[[Any, Any, Any, Any], Any]:
        if getattr(module, "_stand_ins", None):  # a structure of numbers, such as a gradient
            level = pytree.branch(module)
            assert level is not None
            parts, rebuild = [self._builder(item) for item in level.children], level.rebuild
            return lambda *given: rebuild([build(*given) for build in parts])
        self._modules += 1  # in which there may be anything besides numbers
        built = {name: self._builder(item) for name, item in vars(module).items()}
        self._modules -= 1

        def build(*parts: Any) -> Any:
            twin = copy.copy(module)
            vars(twin).update({name: build(*parts) for name, build in built.items()})
            return twin

        return build

    def _builder_of_level(self, result: Any, level: pytree.Branch) -> Callable[[Any, Any, Any, Any], Any]:
        kind, items, rebuild = type(result), level.children, level.rebuild
        kinds = set(map(type, items))
        if kind in (list, tuple) and kinds <= {int, float}:  # such as indices
            return lambda floats, nodes, others, values: kind(result)
        _check_attributes(result)
        is_array = pytree.is_any_array(result)
        if is_array and not any(map(_is_computed, items)):
            return lambda floats, nodes, others, values: result.copy()
        if (is_array or kind in (list, tuple)) and kinds <= {TracedFloat, int, float}:
            return self._builder_of_numbers(result, items)
        built = [self._builder(item) for item in items]
        return lambda *parts: rebuild([build(*parts) for build in built])

    def _builder_of_numbers(self, result: Any, items: Sequence[Any]) -> Callable[[Any, Any, Any, Any], Any]:
        """Of computed numbers in one list, tuple or array, and maybe constants among them, as the zeros of a matrix."""
        kind, constants = type(result), [0.0 if type(item) is TracedFloat else item for item in items]
        computed = [i for i, item in enumerate(items) if type(item) is TracedFloat]
        start, stop, is_whole = len(self.floats), len(self.floats) + len(computed), len(computed) == len(items)
        self.floats += [items[i] for i in computed]
        if pytree.is_any_array(result):
            import numpy as np

            if is_whole:
                return lambda floats, nodes, others, values: np.array(floats[start:stop]).reshape(result.shape)
            blank, places = np.array(constants), np.array(computed)

            def build_array(floats: Any, nodes: Any, others: Any, values: Any) -> Any:
                made = blank.copy()
                made[places] = floats[start:stop]
                return made.reshape(result.shape)

            return build_array
        if is_whole:
            return lambda floats, nodes, others, values: kind(floats[start:stop])
        pairs = list(enumerate(computed, start))

        def build(floats: Any, nodes: Any, others: Any, values: Any) -> Any:
            row = constants.copy()
            for position, i in pairs:
                row[i] = floats[position]
            return row if kind is list else kind(row)

        return build


def _is_computed(thing: Any) -> bool:
    return type(thing) is TracedFloat or isinstance(thing, Value)


def _check_attributes(result: Any) -> None:
    """Raise if a result holds traced numbers besides its items: they would stay as they are."""
    fields = getattr(type(result), "__dataclass_fields__", ())
    for name, attribute in getattr(result, "__dict__", {}).items():
        if name not in fields and type(attribute._held() if isinstance(attribute, Value) else attribute) is TracedFloat:
            raise TracingError(
                f"the function returns a {type(result).__name__} whose attribute {name!r} is a traced number; only "
                "items and fields come back"
            )

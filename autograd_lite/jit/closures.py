"""What a function reads besides its arguments, and whether that is still as it was.

Looked at again at each call: what the function closes over, the globals, defaults and attributes that it
names, what it imports inside, and all that these lead to: containers, arrays, instances, functions and
classes of the user's. Values are looked at by identity (their data is an input of the Program), plain
numbers and strings by equality, all else by identity.
"""

import argparse
import array
import collections
import functools
import gc
import itertools
import operator
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from types import (
    BuiltinMethodType,
    CellType,
    CodeType,
    FunctionType,
    MappingProxyType,
    MemberDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    SimpleNamespace,
)
from typing import Any

from autograd_lite.core.node import own_attributes
from autograd_lite.core.op import Op, is_primitive
from autograd_lite.core.value import Freezings, Value
from autograd_lite.jit.tracing import TracedFloat
from autograd_lite.jit.unchanged import Unchanged

__all__ = ["Environment", "is_unchanging"]

_MISSING: Any = object()
_PLAIN = (float, int, str, bool, bytes, complex, type(None))
_NOT_LOOKED_INTO = {*_PLAIN, CodeType}
_SEQUENCES: Any = (
    list,
    set,
    collections.deque,
    bytearray,
    array.array,
    *map(type, ({}.keys(), {}.values(), {}.items())),
)
_COLLECTIONS: Any = (*_SEQUENCES, tuple, frozenset)
_NAMESPACES = {
    SimpleNamespace, argparse.Namespace, collections.UserDict, collections.UserList, collections.ChainMap,
    threading.local,
}  # fmt: skip
_LIBRARY = os.__file__.removesuffix("os.py")
_OF_EVERY_CLASS = {"__module__", "__doc__", "__dict__", "__weakref__", "__annotations__", "__slots__", "__qualname__"}
#: With one of these a function may read what its code does not name.
_BY_ANY_NAME = {"getattr", "globals", "vars", "locals", "eval", "exec", "__dict__", "attrgetter", "import_module"}
#: So many things are compared by a function of their own; it takes some ten microseconds each to make.
_LARGE = 5000


class Environment:
    """What some functions and objects lead to: closures, globals, defaults, attributes and what these hold.

    Functions and classes of the standard library, of this package and of installed ones count as unchanging.
    """

    def __init__(self, roots: Iterable[Any], *, with_names: bool = False, often: bool = True) -> None:
        #: The Values that were met, and the numbers that a recording has left behind.
        self.values: list[Value] = []
        self.others: list[TracedFloat] = []
        # What was there, each kind in columns, so that it is compared in one go by functions written in C.
        self._cells: list[CellType] = []
        self._functions: list[FunctionType] = []  # for their defaults
        self._instances: list[Any] = []  # whose class may be assigned
        self._slots: list[tuple[Any, str]] = []
        self._containers: list[Any] = []  # their items, or for dicts keys and values
        self._classes: list[Mapping[str, Any]] = []  # to which attributes may be added
        self._names: dict[int, tuple[Mapping[str, Any], dict[str, Any]]] = {}
        self._readings: list[Callable[[], Any]] = []
        self._arrays: list[Any] = []
        self._seen: dict[int, Any] = {}  # the things too, lest an id be given again
        self._modules: list[ModuleType] = []
        self._mentioned: set[str] = set()
        self._reads_any_name = False
        self._with_names = with_names  # of Values
        self._often = often  # whether it is worth a function of its own that compares
        self._waiting = list(roots)
        self._look_around()
        self._pack()

    def is_of_libraries(self) -> bool:
        """Whether no function and no class of the user's own was met."""
        return not self._functions and not self._classes

    def things(self) -> list[Any]:
        """All that was met."""
        return list(self._seen.values())

    # -- Comparing --

    def _pack(self) -> None:
        """Note how everything is, in the order in which :meth:`_now` gives it."""
        self._owners = [owner for owner, _ in self._slots]
        self._slot_names = [name for _, name in self._slots]
        self._things = list(self._now())
        self._sized = [*self._containers, *self._classes]
        self._lengths = list(map(len, self._sized))
        self._states = list(map(_state_of_array, self._arrays))
        self._require_grad = [value.requires_grad for value in self.values]
        self.freezings = Freezings.count
        #: Whether all of it is as it was.
        self.holds: Callable[[], bool] = (
            self._holds if len(self._things) > _LARGE or not self._often else self._generated()
        )

    def _now(self) -> Iterator[Any]:
        for cell in self._cells:
            yield cell.cell_contents
        for function in self._functions:
            yield function.__defaults__
            yield function.__kwdefaults__
        yield from map(type, self._instances)
        yield from map(getattr, self._owners, self._slot_names, itertools.repeat(_MISSING))
        yield from itertools.chain.from_iterable(self._containers)
        for names, known in self._names.values():
            yield from map(names.get, known, itertools.repeat(_MISSING))
        for read in self._readings:
            yield read()

    def _holds(self) -> bool:
        """The same for whatever there is: things that were put anew may be equal."""
        try:
            freezings = Freezings.count
            holds = (
                list(map(len, self._sized)) == self._lengths
                and self._are_same(list(self._now()))
                and all(map(operator.eq, map(_state_of_array, self._arrays), self._states))
                and (
                    freezings == self.freezings or [value.requires_grad for value in self.values] == self._require_grad
                )
            )
            if holds:
                self.freezings = freezings
            return holds
        except (AttributeError, ValueError, RuntimeError):  # gone, empty, or changed by another thread
            return False

    def _are_same(self, now: list[Any]) -> bool:
        if len(now) == len(self._things) and all(map(operator.is_, now, self._things)):  # as it is for most
            return True
        return all(map(_is_same, now, self._things))

    def _generated(self) -> Callable[[], bool]:  # noqa: C901, PLR0912 - loops side by side, each over one kind of thing
        """A function, written for what was found, that sees whether it is the same; else ``_holds`` says."""
        source = Unchanged(otherwise=self._holds)
        if self.values:
            source.test(f"{source.name(self)}.freezings == {source.name(Freezings)}.count")
        things = iter(self._things)
        for cell in self._cells:
            source.same(f"{source.name(cell)}.cell_contents", next(things))
        for function in self._functions:
            for attribute in ("__defaults__", "__kwdefaults__"):
                source.same(f"{source.name(function)}.{attribute}", next(things))
        for instance in self._instances:
            source.same(f"type({source.name(instance)})", next(things))
        for owner, slot in self._slots:
            source.same(f"getattr({source.name(owner)}, {slot!r}, {source.name(_MISSING)})", next(things))
        for container in self._containers:
            source.all_same(source.name(container), list(itertools.islice(things, len(container))))
        for names, known in self._names.values():
            for name in known:
                if (thing := next(things)) is _MISSING:
                    source.test(f"{name!r} not in {source.name(names)}")
                else:
                    source.same(f"{source.name(names)}[{name!r}]", thing)
        for read in self._readings:
            source.same(f"{source.name(read)}()", next(things))
        for attributes in self._classes:
            source.test(f"len({source.name(attributes)}) == {len(attributes)}")
        for array_, state in zip(self._arrays, self._states, strict=True):
            source.test(f"{source.name(_state_of_array)}({source.name(array_)}) == {source.name(state)}")
        return source.compiled()

    # -- Looking around --

    def _look_around(self) -> None:
        while self._waiting:
            while self._waiting:
                thing = self._waiting.pop()
                if isinstance(thing, Value):
                    self._look_into_value(thing)
                elif type(thing) is TracedFloat:
                    self.others.append(thing)
                elif type(thing) not in _NOT_LOOKED_INTO and id(thing) not in self._seen:
                    self._seen[id(thing)] = thing
                    self._look_into(thing)
            for module in self._modules:  # by the names of all code that was met
                names = set(vars(module))
                for name in names if self._reads_any_name else names & self._mentioned:
                    self._name(vars(module), name)

    def _look_into_value(self, value: Value) -> None:
        if id(value) in self._seen:
            return
        self._seen[id(value)] = value
        self.values.append(value)
        if len(own_attributes(value)) > (value.name is not None):
            self._waiting.append(vars(value))
        if self._with_names:
            self._readings.append(lambda: value.name)
        if not is_unchanging(type(value).__module__):
            self._waiting.append(type(value))

    def _look_into(self, thing: Any) -> None:  # noqa: C901, PLR0912 - a case for each kind of thing
        if isinstance(thing, FunctionType):
            self._look_into_function(thing)
        elif isinstance(thing, MethodType):
            self._waiting += [thing.__func__, thing.__self__]
        elif isinstance(thing, (BuiltinMethodType, MethodWrapperType)):  # such as table.get
            self._waiting.append(thing.__self__)
        elif isinstance(thing, (functools.partial, functools.partialmethod)):
            self._waiting += [thing.func, thing.args, thing.keywords]
        elif isinstance(thing, (dict, MappingProxyType)):
            self._containers += [thing, thing.values()]
            self._waiting += [*thing, *thing.values()]
            self._look_into_attributes(thing)
        elif isinstance(thing, _COLLECTIONS):
            if isinstance(thing, _SEQUENCES):
                self._containers.append(thing)
            self._waiting += thing
            self._look_into_attributes(thing)
        elif isinstance(thing, Op):
            if not is_primitive(thing):
                self._waiting += [thing.value, thing.partials, thing.otherwise]
        elif isinstance(thing, ContextVar):
            self._read(lambda: thing.get(_MISSING))
        elif isinstance(thing, type):
            self._look_into_class(thing)
        elif isinstance(thing, ModuleType):
            if not is_unchanging(thing.__name__):
                self._modules.append(thing)
        else:
            self._look_into_instance(thing)

    def _look_into_function(self, function: FunctionType) -> None:
        is_installed = is_unchanging(function.__globals__.get("__name__", ""))  # a wrapper's __module__ is another's
        for cell in function.__closure__ or ():
            content = _content(cell)
            if content is not _MISSING:
                self._waiting.append(content)
                if not is_installed:
                    self._cells.append(cell)
        self._waiting += [function.__defaults__, function.__kwdefaults__, getattr(function, "__wrapped__", None)]
        if is_installed:
            return
        self._functions.append(function)
        self._waiting.append(vars(function))
        names = _names_in(function.__code__)
        by_any_name = bool(names & _BY_ANY_NAME)
        self._reads_any_name |= by_any_name
        self._mentioned |= names
        own = function.__globals__
        for name in {*names, *own} if by_any_name and names & {"globals", "vars", "eval", "exec"} else names:
            self._name(own, name)
        for name in names:  # imported inside, by its whole name or from the same package
            for full in (name, f"{own.get('__package__')}.{name}"):
                self._waiting.append(sys.modules.get(full))

    def _name(self, names: Mapping[str, Any], name: str) -> None:
        _, known = self._names.setdefault(id(names), (names, {}))
        if name not in known:
            known[name] = names.get(name, _MISSING)
            self._waiting.append(known[name])

    def _read(self, reading: Callable[[], Any]) -> None:
        self._readings.append(reading)
        self._waiting.append(reading())

    def _look_into_class(self, kind: type) -> None:
        self._waiting.append(type(kind))
        for base in kind.__mro__:
            if not is_unchanging(base.__module__):
                attributes = vars(base)
                self._classes.append(attributes)
                for name in attributes.keys() - _OF_EVERY_CLASS:
                    attribute = attributes[name]
                    self._name(attributes, name)
                    if isinstance(attribute, (staticmethod, classmethod)):
                        self._waiting.append(attribute.__func__)
                    elif isinstance(attribute, property):
                        self._waiting.append(attribute.fget)
                    elif isinstance(attribute, functools.cached_property):
                        self._waiting.append(attribute.func)

    def _look_into_instance(self, thing: Any) -> None:
        kind = type(thing)
        if _has_buffer(thing):
            self._arrays.append(thing)
            if getattr(getattr(thing, "dtype", None), "hasobject", False):
                self._containers.append(thing.flat)
                self._waiting += thing.ravel().tolist()
            if hasattr(thing, "__dict__"):  # such as a mask
                self._waiting.append(vars(thing))
            self._waiting.append(getattr(thing, "obj", None))  # of a memoryview
            return
        if is_unchanging(kind.__module__) and not hasattr(kind, "named_parameters"):
            if hasattr(thing, "__wrapped__"):  # a function that jit, functools.cache and the like have made
                self._waiting.append(thing.__wrapped__)
                self._waiting += _cached(thing) if isinstance(thing, functools._lru_cache_wrapper) else ()
            elif kind.__module__.partition(".")[0] == "autograd_lite" and hasattr(thing, "__dict__"):
                self._waiting += vars(thing).values()  # such as what grad keeps of a function
            elif kind in _NAMESPACES:
                self._waiting.append(vars(thing))
            return
        self._look_into_attributes(thing)

    def _look_into_attributes(self, thing: Any) -> None:
        """The attributes of an instance of a class of the user's."""
        kind = type(thing)
        if is_unchanging(kind.__module__) and not hasattr(kind, "named_parameters"):
            return
        self._instances.append(thing)
        self._waiting.append(kind)
        if hasattr(thing, "__dict__"):
            self._waiting.append(vars(thing))
        for base in kind.__mro__:
            for name, attribute in vars(base).items():
                if isinstance(attribute, MemberDescriptorType):  # a slot, private ones under their full name
                    self._slots.append((thing, name))
                    self._waiting.append(getattr(thing, name, _MISSING))


def _has_buffer(thing: Any) -> bool:
    try:
        memoryview(thing)
    except TypeError:
        return False
    except (BufferError, ValueError):  # closed, or of no form that C knows
        return hasattr(thing, "tobytes")
    return True


def _state_of_array(thing: Any) -> Any:
    return getattr(thing, "shape", None), thing.tobytes() if hasattr(thing, "tobytes") else bytes(thing)


def _cached(function: Any) -> list[Any]:
    """What functools.cache and its like keep of a function's results."""
    results = []
    has_bound = function.cache_info().maxsize is not None
    for held in gc.get_referents(function):
        # With a bound it holds the results and a table of links to them, else a table of results. What else is
        # put into that table is none of f's business.
        if type(held) is not dict or (has_bound and not _is_table_of_links(held)):
            results.append(held)
        elif not has_bound and held is not vars(function):
            results += held.values()
    return results


def _is_table_of_links(table: dict[Any, Any]) -> bool:
    return type(next(iter(table.values()), None)).__name__ == "_lru_list_elem"


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return _MISSING


def _is_same(thing: Any, before: Any) -> bool:
    # By its text a float is told from its negative zero, and nan is nan.
    return thing is before or (type(thing) is type(before) and type(thing) in _PLAIN and repr(thing) == repr(before))


@functools.cache
def is_unchanging(module: Any) -> bool:
    """Whether the module of this name is of the standard library, of this package, or installed."""
    if not isinstance(module, str):  # a class may call its __module__ as it likes
        return False
    root = module.partition(".")[0]
    if root == "autograd_lite":
        return True
    file = getattr(sys.modules.get(root), "__file__", None)
    if file is None:
        return root in sys.stdlib_module_names and root != "__main__"
    # By its place, as a module of the user's may have the name of one of the library's.
    return "site-packages" in file or "dist-packages" in file or file.startswith(_LIBRARY)


@functools.cache
def _names_in(code: CodeType) -> frozenset[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names_in(constant)
        elif isinstance(constant, str) and constant.isidentifier():  # of getattr(config, "SCALE")
            names.add(constant)
    return frozenset(names)

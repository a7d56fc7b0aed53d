"""What a function reads besides its arguments, and whether that is still as it was.

Values are looked at by identity (their data is an input of the Program), all else by
identity or, for plain numbers and strings, by equality.
"""

import argparse
import array
import collections
import functools
import itertools
import operator
import os
import sys
import threading
from collections.abc import Iterable, Mapping
from types import CellType, CodeType, FunctionType, MappingProxyType, MethodType, ModuleType, SimpleNamespace
from typing import Any

from autograd_lite import pytree
from autograd_lite.core.op import Op, is_primitive
from autograd_lite.core.value import Value
from autograd_lite.jit.tracing import TracedFloat

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
_NAMESPACES = {SimpleNamespace, argparse.Namespace, collections.UserDict, collections.UserList, threading.local}
_LIBRARY = os.__file__.removesuffix("os.py")
_OF_EVERY_CLASS = {"__module__", "__doc__", "__dict__", "__weakref__", "__annotations__", "__slots__", "__qualname__"}


class Environment:
    """What some functions and objects lead to: closures, globals, defaults, attributes and what these hold.

    Functions and classes of the standard library, of this package and of installed ones count as unchanging.
    """

    def __init__(self, roots: Iterable[Any]) -> None:
        #: The Values that were met, and the numbers that a recording has left behind.
        self.values: list[Value] = []
        self.others: list[TracedFloat] = []
        self._cells: list[tuple[CellType, Any]] = []
        self._defaults: list[tuple[FunctionType, Any, Any]] = []
        self._kinds: list[tuple[Any, type]] = []  # of instances, whose class may be assigned
        self._slots: list[tuple[Any, str, Any]] = []
        self._classes: list[tuple[Mapping[str, Any], int]] = []  # to which attributes may be added
        self._names: list[tuple[Mapping[str, Any], str, Any]] = []
        self._dicts: list[tuple[Mapping[Any, Any], tuple[Any, ...], tuple[Any, ...]]] = []
        self._sequences: list[tuple[Any, tuple[Any, ...]]] = []
        self._arrays: list[tuple[Any, Any]] = []
        self._seen: dict[int, Any] = {}  # the things too, lest an id be given again
        self._waiting = list(roots)
        while self._waiting:
            thing = self._waiting.pop()
            if isinstance(thing, Value):
                self.values.append(thing)
            elif type(thing) is TracedFloat:
                self.others.append(thing)
            elif type(thing) not in _NOT_LOOKED_INTO and id(thing) not in self._seen:
                self._seen[id(thing)] = thing
                self._look_into(thing)
        self._globals: list[tuple[Any, Any, tuple[Any, ...]]] = []
        for names in {id(names): names for names, _, _ in self._names}.values():
            known = {name: thing for held, name, thing in self._names if held is names and thing is not _MISSING}
            if known:
                wanted = [*known, *known][: max(2, len(known))]  # of two names at least an itemgetter gives a tuple
                self._globals.append((names, operator.itemgetter(*wanted), tuple([known[name] for name in wanted])))
        self._missing = [(names, name) for names, name, thing in self._names if thing is _MISSING]
        # Keys, values and items of all containers in one row: Python compares them in one go.
        self._containers: list[Any] = [sequence for sequence, _ in self._sequences]
        for held, _, _ in self._dicts:
            self._containers += [held, held.values()]
        self._lengths = list(map(len, self._containers))
        self._contents = list(itertools.chain.from_iterable(self._containers))

    def holds(self) -> bool:  # noqa: C901, PLR0912 - loops side by side, each over one kind of thing
        """Whether all of it is as it was."""
        for function, defaults, kwdefaults in self._defaults:
            if function.__defaults__ is not defaults or function.__kwdefaults__ is not kwdefaults:
                return False
        for thing, kind in self._kinds:
            if type(thing) is not kind:
                return False
        for thing, slot, content in self._slots:
            if not _is_same(getattr(thing, slot, _MISSING), content):
                return False
        for attributes, count in self._classes:
            if len(attributes) != count:
                return False
        for cell, content in self._cells:
            if _content(cell) is not content and not _is_same(_content(cell), content):
                return False
        for names, get, things in self._globals:
            try:
                if not all(map(operator.is_, get(names), things)) and not _are_same(get(names), things):
                    return False
            except KeyError:
                return False
        for names, name in self._missing:
            if name in names:
                return False
        if self._containers and not self._are_containers_same():
            return False
        for numbers, copy in self._arrays:
            if numbers.shape != copy.shape or numbers.tobytes() != copy.tobytes():
                return False
        return True

    def _are_containers_same(self) -> bool:
        if list(map(len, self._containers)) == self._lengths and all(
            map(operator.is_, itertools.chain.from_iterable(self._containers), self._contents)
        ):
            return True
        for held, keys, things in self._dicts:
            if len(held) != len(keys) or tuple(held) != keys or not _are_same(held.values(), things):
                return False
        for sequence, things in self._sequences:
            if len(sequence) != len(things) or not _are_same(sequence, things):
                return False
        return True

    def _look_into(self, thing: Any) -> None:  # noqa: C901 - a case for each kind of thing
        if isinstance(thing, FunctionType):
            self._look_into_function(thing)
        elif isinstance(thing, MethodType):
            self._waiting += [thing.__func__, thing.__self__]
        elif isinstance(thing, functools.partial):
            self._waiting += [thing.func, thing.args, thing.keywords]
        elif isinstance(thing, (dict, MappingProxyType)):
            self._dicts.append((thing, tuple(thing), tuple(thing.values())))
            self._waiting += thing.values()
            self._look_into_subclass(thing)
        elif isinstance(thing, _COLLECTIONS):
            items = tuple(thing)
            if isinstance(thing, _SEQUENCES):
                self._sequences.append((thing, items))
            self._waiting += items
            self._look_into_subclass(thing)
        elif isinstance(thing, Op):
            if not is_primitive(thing):
                self._waiting += [thing.value, thing.partials, thing.otherwise]
        elif pytree.is_array(thing):
            self._look_into_array(thing)
        elif isinstance(thing, type):
            self._look_into_class(thing)
        elif not isinstance(thing, ModuleType):
            self._look_into_instance(thing)

    def _look_into_function(self, function: FunctionType) -> None:
        is_installed = is_unchanging(function.__globals__.get("__name__", ""))  # a wrapper's __module__ is another's
        for cell in function.__closure__ or ():
            content = _content(cell)
            if content is not _MISSING:
                self._waiting.append(content)
                if not is_installed:
                    self._cells.append((cell, content))
        if not is_installed:
            self._defaults.append((function, function.__defaults__, function.__kwdefaults__))
            if vars(function):
                self._waiting.append(vars(function))
        self._waiting += [function.__defaults__, function.__kwdefaults__, getattr(function, "__wrapped__", None)]
        if is_installed:
            return
        names = _names_in(function.__code__)
        for name in names:
            thing = self._name(function.__globals__, name)
            if isinstance(thing, ModuleType) and not is_unchanging(thing.__name__):
                for attribute in names & vars(thing).keys():
                    self._name(vars(thing), attribute)

    def _name(self, names: Mapping[str, Any], name: str) -> Any:
        thing = names.get(name, _MISSING)
        self._names.append((names, name, thing))
        self._waiting.append(thing)
        return thing

    def _look_into_class(self, kind: type) -> None:
        self._waiting.append(type(kind))
        for base in kind.__mro__:
            if not is_unchanging(base.__module__):
                self._classes.append((vars(base), len(vars(base))))
                for name in vars(base).keys() - _OF_EVERY_CLASS:
                    thing = self._name(vars(base), name)
                    if isinstance(thing, (staticmethod, classmethod)):
                        self._waiting.append(thing.__func__)
                    elif isinstance(thing, property):
                        self._waiting += [thing.fget]

    def _look_into_instance(self, thing: Any) -> None:
        kind = type(thing)
        root = kind.__module__.partition(".")[0]
        if is_unchanging(kind.__module__) and not hasattr(kind, "named_parameters"):
            if hasattr(thing, "__wrapped__"):  # a function that jit, functools.cache and the like have made
                self._waiting.append(thing.__wrapped__)
            elif root == "autograd_lite" and hasattr(thing, "__dict__"):  # what grad keeps of a function
                self._waiting += vars(thing).values()
            elif kind in _NAMESPACES:
                self._waiting.append(vars(thing))
            return
        self._look_into_subclass(thing)

    def _look_into_subclass(self, thing: Any) -> None:
        """The attributes of an instance of a class of the user's."""
        kind = type(thing)
        if is_unchanging(kind.__module__) and not hasattr(kind, "named_parameters"):
            return
        self._kinds.append((thing, kind))
        self._waiting.append(kind)
        if hasattr(thing, "__dict__"):
            self._waiting.append(vars(thing))
        for base in kind.__mro__:
            slots = vars(base).get("__slots__", ())
            for slot in (slots,) if isinstance(slots, str) else slots:
                if slot not in {"__dict__", "__weakref__"}:
                    content = getattr(thing, slot, _MISSING)
                    self._slots.append((thing, slot, content))
                    self._waiting.append(content)

    def _look_into_array(self, thing: Any) -> None:
        if thing.dtype == object:
            self._waiting += thing.ravel().tolist()
            self._sequences.append((thing.flat, tuple(thing.flat)))
        elif thing.dtype.kind in "fiub":
            self._arrays.append((thing, thing.copy()))


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return _MISSING


def _are_same(things: Iterable[Any], before: tuple[Any, ...]) -> bool:
    if all(map(operator.is_, things, before)):
        return True
    return all(map(_is_same, things, before))


def _is_same(thing: Any, before: Any) -> bool:
    # By its text a float is told from its negative zero, and nan is nan.
    return thing is before or (type(thing) is type(before) and type(thing) in _PLAIN and repr(thing) == repr(before))


@functools.cache
def is_unchanging(module: str) -> bool:
    """Whether a module is of the standard library, of this package, or installed."""
    root = (module or "").partition(".")[0]
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
    return frozenset(names)

"""Module: a thing with parameters, found by themselves among its attributes."""

import abc
import os
import reprlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple

from autograd_lite import pytree
from autograd_lite.core.checks import as_float, describe, is_real
from autograd_lite.core.value import Value, assign
from autograd_lite.errors import ArgumentError, StateError
from autograd_lite.nn import state

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["IncompatibleKeys", "Module", "in_mode"]


class IncompatibleKeys(NamedTuple):
    """What :meth:`Module.load_state_dict` did not find, and what it found no place for."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class _Naming(abc.ABCMeta):
    """Calls the parameters of a new module by their paths, when its whole ``__init__`` is done."""

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(name, bases, namespace, **kwargs)
        if namespace.get("__slots__"):
            raise TypeError(f"{name}: parameters are found among a module's attributes; leave __slots__ out")

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        module = super().__call__(*args, **kwargs)
        for path, parameter in module.named_parameters():
            # A name that the path ends with came from a module inside; any other was given by hand.
            if parameter.name is None or path.endswith(f".{parameter.name}"):
                parameter.name = path
        return module

    @property
    def __signature__(cls) -> Any:  # what help() shows, in the place of the arguments of __call__ above
        import inspect

        signature = inspect.signature(cls.__init__)  # type: ignore[misc]
        return signature.replace(parameters=list(signature.parameters.values())[1:])


class Module(metaclass=_Naming):
    """Base class of everything that has parameters.

    A parameter is a leaf Value among the attributes, or in lists, tuples, dicts, object
    arrays and other Modules among them. A subclass sets its attributes and writes
    ``forward``; calling the module calls that. Once ``__init__`` is done, parameters without a
    name are called by their path, such as ``layers.0.neurons.3.w.1``, in drawings and errors.

    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.offset = Value(2.0), Value(1.0)
    ...
    ...     def forward(self, x):
    ...         return self.slope * x + self.offset
    >>> line = Line()
    >>> line(3.0).data
    7.0
    >>> line.state_dict()
    {'slope': 2.0, 'offset': 1.0}
    """

    #: Whether it is being trained; see :meth:`train`. Dropout makes a difference of it.
    training = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.forward(*args, **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every subclass writes its own."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(self, ...) method yet; write one")

    # -- What it holds --

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """Each parameter once, with its path such as ``layers.0.neurons.3.w.1``, in the order of the attributes."""
        for path, value in _held(self, Value):
            if value.is_leaf and value.requires_grad:
                yield path, value

    def parameters(self) -> list[Value]:
        """Each parameter once, in the order of the attributes."""
        return [parameter for _, parameter in self.named_parameters()]

    def modules(self) -> list["Module"]:
        """The module itself and every one inside it, each once, the outer before the inner."""
        return [module for _, module in _held(self, Module)]

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters, before the next ``backward()`` adds to them."""
        for parameter in self.parameters():
            parameter.grad = None

    # -- Training and evaluation --

    def train(self, mode: bool = True) -> "Module":
        """Set this module and those inside it to training, and return it."""
        if not isinstance(mode, bool):
            raise TypeError(
                f"train() takes True or False, got {describe(mode)}; to train a model write ag.fit(model, ...)"
            )
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> "Module":
        """Set this module and those inside it to evaluation, ``train(False)``, and return it."""
        return self.train(False)

    # -- Its state --

    def state_dict(self) -> dict[str, float]:
        """The number of each parameter by its path; constants that the module holds, as from ``detach()``, too."""
        return {path: value.data for path, value in self._state()}

    def load_state_dict(self, state_dict: Mapping[str, float], strict: bool = True) -> IncompatibleKeys:
        """Set the parameters from what :meth:`state_dict` gave, all or, if anything is wrong, none.

        Raises ``StateError`` (a ``ValueError``) if paths are missing or unexpected, unless ``strict``
        is False; ``TypeError`` for what is not a number. Returns the missing and the unexpected paths.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"a state is a dict from paths to numbers, got {describe(state_dict)}")
        own = dict(self._state())
        missing = [path for path in own if path not in state_dict]
        unexpected = [path for path in state_dict if path not in own]
        if strict and (missing or unexpected):
            lacks = f" It lacks {_some(missing)}." if missing else ""
            has = f" It has {_some(unexpected)}, for which the model has no place." if unexpected else ""
            raise StateError(
                f"this state does not fit {type(self).__name__}.{lacks}{has} Is it of a model of another shape? "
                "load_state_dict(state, strict=False) takes what fits"
            )
        found = {path: state_dict[path] for path in own if path in state_dict}
        for path, number in found.items():
            if not is_real(number) or isinstance(number, bool):
                raise TypeError(f"the state of {path} must be a number, got {describe(number)}")
        assign([(own[path], as_float(number)) for path, number in found.items()])
        return IncompatibleKeys(missing, unexpected)

    def save(self, path: str | os.PathLike[str]) -> "Path":
        """Write the state as JSON that a person can read, exact to the last bit and whole or not at all.

        Returns the path. Raises ``OSError`` if it cannot be written.
        """
        return state.write(path, repr(self), self.state_dict())

    def load(self, path: str | os.PathLike[str]) -> "Module":
        """Set all parameters from a file that :meth:`save` wrote or, if anything is wrong, none; return the module.

        Raises ``StateError`` (a ``ValueError``) for a file that is cut, is no such file, or is of a
        model of another shape; ``OSError`` if it cannot be read. Nothing in a file is ever executed.
        """
        found = state.read(path, len(self._state()))
        try:
            self.load_state_dict(found)
        except StateError as error:
            raise StateError(f"{os.fspath(path)}: {error}") from None
        return self

    def _state(self) -> list[tuple[str, Value]]:
        found = [(path, value) for path, value in _held(self, Value) if value.is_leaf]
        if len(dict(found)) < len(found):
            paths = [path for path, _ in found]
            twice = next(path for path in paths if paths.count(path) > 1)
            raise ArgumentError(f"two parameters have the path {twice}; call the keys or attributes apart")
        return found

    # -- As text --

    @reprlib.recursive_repr()  # a child may know its parent
    def __repr__(self) -> str:
        count = len(self.parameters())
        head, tail = f"{type(self).__name__}({self.extra_repr()}", f"  # {count} parameters" if count else ""
        lines = [f"  ({path}): {child!r}".replace("\n", "\n  ") for path, child in _children(vars(self), "")]
        return "\n".join([f"{head}{tail}", *lines, ")"]) if lines else f"{head}){tail}"

    def extra_repr(self) -> str:
        """What ``repr`` shows between the brackets."""
        return ""


def _held(module: Module, kind: type) -> list[tuple[str, Any]]:
    """Everything of a kind that a module and the modules inside it hold, itself included, each once, with its path."""
    found: list[tuple[str, Any]] = [("", module)]
    _collect(module, "", found, {})
    return [(path, thing) for path, thing in found if isinstance(thing, kind)]


def _collect(holder: Any, prefix: str, found: list[tuple[str, Any]], seen: dict[int, Any]) -> None:
    """Append every Value and Module; ``seen`` keeps all that was looked into, lest an id be given again."""
    seen[id(holder)] = holder
    for key, item in _items(holder):
        if type(item) in _PLAIN or id(item) in seen:  # shared, or above: a child may know its parent
            continue
        if isinstance(item, Value):
            seen[id(item)] = item
            found.append((f"{prefix}{key}", item))
        else:
            if isinstance(item, Module):
                found.append((f"{prefix}{key}", item))
            _collect(item, f"{prefix}{key}.", found, seen)


def _children(thing: Any, path: str) -> Iterator[tuple[str, Module]]:
    """The modules that a module holds directly, or in containers."""
    for key, item in _items(thing):
        name = f"{path}.{key}" if path else str(key)
        if isinstance(item, Module):
            yield name, item
        elif type(item) not in _PLAIN:
            yield from _children(item, name)


_PLAIN = {float, int, bool, str, type(None)}


def _items(thing: Any) -> Iterable[tuple[Any, Any]]:
    """What a module or a container holds, by name or position."""
    if isinstance(thing, Module):
        thing = vars(thing)
    elif pytree.is_array(thing) and thing.dtype == object:
        thing = thing.tolist()
    if isinstance(thing, (list, tuple)):
        return enumerate(thing)
    return thing.items() if isinstance(thing, dict) else ()


@contextmanager
def in_mode(model: Any, *, training: bool) -> Iterator[None]:
    """A model in training or evaluation, its modules as they were after that; for a plain function nothing."""
    modules = model.modules() if isinstance(model, Module) else []
    back = map(setattr, modules, repeat("training"), [module.training for module in modules])
    try:
        for module in modules:
            module.training = training
        yield
    finally:
        deque(back, maxlen=0)  # all in one call, in which Ctrl-C cannot come


def _some(paths: list[str]) -> str:
    """The first few of the paths, for an error message."""
    shown = ", ".join(map(str, paths[:3]))
    return f"{shown} and {len(paths) - 3} more" if len(paths) > 3 else shown

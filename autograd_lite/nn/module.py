"""Module: a thing with parameters, which are found among its attributes."""

import abc
import os
import reprlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from autograd_lite import pytree
from autograd_lite.core import COMPILED, modes
from autograd_lite.core.checks import as_float, describe, is_real
from autograd_lite.core.node import number
from autograd_lite.core.value import Value, assign, at_once
from autograd_lite.errors import ArgumentError, StateError
from autograd_lite.nn import state
from autograd_lite.nn.holdings import PLAIN, Holder, contents, held, items

if COMPILED or TYPE_CHECKING:
    from autograd_lite.core import update
if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["IncompatibleKeys", "Module", "Parameter", "in_mode", "unwrapped", "zero_grad"]


class IncompatibleKeys(NamedTuple):
    """What :meth:`Module.load_state_dict` did not find, and what it found no place for."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def Parameter(data: Any, requires_grad: bool = True) -> Any:  # noqa: N802 - PyTorch's spelling
    """A number as a leaf Value, numbers in nested lists as such lists of leaf Values: what a module finds by itself.

    It is a function, as a parameter is a Value and has no class of its own. Without ``requires_grad``
    it is a constant. Raises ``TypeError`` for what holds no numbers.

    >>> Parameter([1.0, 2.0])
    [Value(data=1.0, grad=0.0), Value(data=2.0, grad=0.0)]
    """
    return pytree.map_leaves(lambda x: Value(number(x)) if requires_grad else Value(number(x)).detach(), data)


class _Naming(abc.ABCMeta):
    """Names the parameters of a new module by their paths, once its whole ``__init__`` is done."""

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(name, bases, namespace, **kwargs)
        if namespace.get("__slots__"):
            raise TypeError(f"{name}: parameters are found among a module's attributes; leave __slots__ out")

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        module = super().__call__(*args, **kwargs)
        for path, parameter in module.named_parameters():
            # A name that the path ends with came from a module inside. Any other was given by hand, and stays.
            if parameter.name is None or path.endswith(f".{parameter.name}"):
                parameter.name = path
        return module

    @property
    def __signature__(cls) -> Any:  # what help() shows, in the place of the arguments of __call__ above
        import inspect

        signature = inspect.signature(cls.__init__)  # type: ignore[misc]
        return signature.replace(parameters=list(signature.parameters.values())[1:])


class Module(Holder, metaclass=_Naming):
    """Base class of everything that has parameters.

    A parameter is a leaf Value among the attributes, or in lists, tuples, dicts, object
    arrays and other Modules among them. A subclass sets its attributes and writes
    ``forward``; calling the module calls that. Once ``__init__`` is done, a parameter without a
    name gets its path as its name, such as ``layers.0.neurons.3.w.1``, for drawings and errors.

    To change a parameter, assign its number: ``p.data -= 0.1 * p.grad``. A new leaf Value may
    take its place. The result of an operation may not, as nothing would train it:
    ``n.w[0] -= 0.1 * n.w[0].grad`` raises ``TypeError``, at once or when the module is next
    called or asked for its parameters.

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

    #: Whether it is being trained; see :meth:`train`. Dropout drops nothing otherwise.
    training = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        noted = self._noted
        if noted.containers != noted.contents or noted.arrays:
            self._look()
        return self.forward(*args, **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every subclass writes its own."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(self, ...) method yet; write one")

    # -- What it holds --

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """Each parameter once, with its path such as ``layers.0.neurons.3.w.1``, in the order of the attributes.

        Frozen ones too; see :meth:`requires_grad_`. Raises ``TypeError`` if one has been lost; see above.
        """
        found = held(self)
        modules = [thing for _, thing in found if isinstance(thing, Module)]
        known = {key for module in modules for key in module._look()}
        for path, thing in found:
            if isinstance(thing, Value) and thing.is_leaf and (thing.requires_grad or id(thing) in known):
                yield path, thing

    def parameters(self) -> list[Value]:
        """Each parameter once, in the order of the attributes."""
        modules, values = contents(self)
        known: dict[int, Value] = {}
        for module in modules:
            known |= module._look()
        return [value for value in values if id(value) in known or (value.is_leaf and value.requires_grad)]

    def named_modules(self) -> Iterator[tuple[str, "Module"]]:
        """The module itself and every one inside it, each once with its path, the outer before the inner."""
        return ((path, thing) for path, thing in held(self) if isinstance(thing, Module))

    def modules(self) -> list["Module"]:
        """The module itself and every one inside it, each once, the outer before the inner."""
        return contents(self)[0]  # type: ignore[return-value] # every holder is a Module

    def named_children(self) -> Iterator[tuple[str, "Module"]]:
        """The modules that it holds directly or in lists, tuples and dicts, with their paths."""
        yield from _children(vars(self), "")

    def children(self) -> Iterator["Module"]:
        """The modules that it holds directly or in lists, tuples and dicts."""
        return (child for _, child in self.named_children())

    def apply(self, fn: Callable[["Module"], Any]) -> Self:
        """Call a function with every module inside, then with this one, and return it: an initialiser, say."""
        for module in reversed(self.modules()):
            fn(module)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or set them to 0, before the next ``backward()`` adds to them."""
        zero_grad(self.parameters(), set_to_none)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Freeze all parameters (False) or unfreeze them, and return the module.

        A frozen parameter is a constant: it gets no gradient and no optimiser moves it.

        >>> from autograd_lite.nn import Linear
        >>> layer = Linear(1, 1).requires_grad_(False)
        >>> layer([2.0])[0].requires_grad, len(layer.parameters())
        (False, 2)
        """
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    # -- Training and evaluation --

    def train(self, mode: bool = True) -> Self:
        """Set this module and those inside it to training, and return it."""
        if not isinstance(mode, bool):
            raise TypeError(
                f"train() takes True or False, got {describe(mode)}; to train a model write ag.fit(model, ...)"
            )
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Set this module and those inside it to evaluation, ``train(False)``, and return it."""
        return self.train(False)

    # -- Its state --

    def state_dict(self) -> dict[str, float]:
        """The number of each parameter by its path, and of each constant that the module holds."""
        return {path: value.data for path, value in self._state()}

    def load_state_dict(self, state_dict: Mapping[str, float], strict: bool = True) -> IncompatibleKeys:
        """Set the parameters to what :meth:`state_dict` gave. A state that does not fit changes nothing.

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
        for path, x in found.items():
            if not is_real(x) or isinstance(x, bool):
                raise TypeError(f"the state of {path} must be a number, got {describe(x)}")
        assign([(own[path], as_float(x)) for path, x in found.items()])
        return IncompatibleKeys(missing, unexpected)

    def save(self, path: str | os.PathLike[str]) -> "Path":
        """Write the state as JSON that a person can read, exact to the last bit and whole or not at all.

        Returns the path. Raises ``OSError`` if it cannot be written.
        """
        return state.write(path, self.state_dict(), repr(self))

    def load(self, path: str | os.PathLike[str]) -> Self:
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
        found = [(path, thing) for path, thing in held(self) if isinstance(thing, Value) and thing.is_leaf]
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


def _children(thing: Any, path: str) -> Iterator[tuple[str, Module]]:
    """The modules that a module holds directly, or in containers."""
    for key, item in items(thing):
        name = f"{path}.{key}" if path else str(key)
        if isinstance(item, Module):
            yield name, item
        elif type(item) not in PLAIN:
            yield from _children(item, name)


def zero_grad(parameters: list[Value], set_to_none: bool) -> None:
    """Forget gradients, or set those that there are to 0."""
    if COMPILED and not modes.in_a_mode and update.zero_grad(parameters, set_to_none):
        return
    for parameter in parameters:
        if set_to_none:
            parameter.grad = None
        elif parameter.has_grad:
            parameter.grad = 0.0


@contextmanager
def in_mode(model: Any, *, training: bool) -> Iterator[None]:
    """A model in training or evaluation, its modules as they were after that; for a plain function nothing.

    The model may be wrapped: by ``jit`` or ``functools.partial``, as a method, or by a decorator.
    """
    module = unwrapped(model)
    parts = [] if module is None else module.modules()
    back = map(dict.__setitem__, map(vars, parts), repeat("training"), [part.training for part in parts])
    try:
        for part in parts:
            part.training = training
        yield
    finally:
        at_once(back)


def unwrapped(model: Any) -> Module | None:
    """The module that a function is, or is made of; None if there is none."""
    seen: list[Any] = []
    while not isinstance(model, Module):
        seen.append(model)
        inner = [getattr(model, name, None) for name in ("__self__", "func", "__wrapped__")]
        model = next((thing for thing in inner if thing is not None), None)
        if model is None or any(model is thing for thing in seen):
            return None
    return model


def _some(paths: list[str]) -> str:
    """The first few of the paths, for an error message."""
    shown = ", ".join(map(str, paths[:3]))
    return f"{shown} and {len(paths) - 3} more" if len(paths) > 3 else shown

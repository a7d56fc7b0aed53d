"""Modules that hold other modules: Sequential, ModuleList and ModuleDict."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from autograd_lite.core.checks import describe
from autograd_lite.errors import ArgumentError
from autograd_lite.nn.module import Module

__all__ = ["ModuleDict", "ModuleList", "Sequential"]


class _Numbered(Module):
    """Base class of lists of modules. They are attributes, ``"0"`` and so on, so that paths are PyTorch's."""

    def __iter__(self) -> Iterator[Any]:
        return (module for name, module in vars(self).items() if name.isdecimal())

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __getitem__(self, position: Any) -> Any:
        found = list(self)[position]
        return self._of(found) if isinstance(position, slice) else found

    def __setitem__(self, position: int, module: Any) -> None:
        setattr(self, str(range(len(self))[position]), self._checked(module))

    def append(self, module: Any) -> Self:
        """Add a module at the end, and return the list."""
        setattr(self, str(len(self)), self._checked(module))
        return self

    @classmethod
    def _of(cls, modules: list[Any]) -> Any:
        raise NotImplementedError

    @classmethod
    def _checked(cls, module: Any) -> Any:
        raise NotImplementedError


class Sequential(_Numbered):
    """Modules or functions, each given what the one before it gave.

    >>> from autograd_lite.nn import Linear, ReLU
    >>> model = Sequential(Linear(2, 3), ReLU(), Linear(3, 1))
    >>> len(model), model[1]
    (3, ReLU())
    """

    def __init__(self, *modules: Any) -> None:
        for module in modules:
            self.append(module)

    def forward(self, x: Any) -> Any:
        for module in self:
            x = module(x)
        return x

    @classmethod
    def _of(cls, modules: list[Any]) -> Any:
        return Sequential(*modules)

    @classmethod
    def _checked(cls, module: Any) -> Any:
        if not callable(module) or isinstance(module, type):
            advice = f"; write {module.__name__}(...)" if isinstance(module, type) else ""
            raise TypeError(f"Sequential takes modules, Sequential(a, b, ...); got {describe(module)}{advice}")
        return module


class ModuleList(_Numbered):
    """A list of modules. It is not called itself: its owner's ``forward`` goes through it.

    A plain list does the same here; this is for programs written for PyTorch.

    >>> from autograd_lite.nn import Linear
    >>> layers = ModuleList([Linear(1, 2), Linear(2, 1)])
    >>> len(layers), len(layers.parameters())
    (2, 7)
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        self.extend(modules)

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add modules at the end, and return the list."""
        for module in modules:
            self.append(module)
        return self

    @classmethod
    def _of(cls, modules: list[Any]) -> Any:
        return ModuleList(modules)

    @classmethod
    def _checked(cls, module: Any) -> Any:
        if not isinstance(module, Module):
            raise TypeError(f"ModuleList takes a list of modules; in it is {describe(module)}")
        return module


class ModuleDict(Module):
    """Modules by name. It is not called itself: its owner's ``forward`` picks from it.

    Raises ``ArgumentError`` for a name that a Module has a use of its own for, such as ``"train"``.

    >>> from autograd_lite.nn import ReLU, Tanh
    >>> choices = ModuleDict({"relu": ReLU(), "tanh": Tanh()})
    >>> choices["tanh"], "gelu" in choices
    (Tanh(), False)
    """

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        for name, module in (modules or {}).items():
            self[name] = module

    def __getitem__(self, name: str) -> Module:
        return self._modules()[name]

    def __setitem__(self, name: str, module: Module) -> None:
        if not isinstance(name, str) or not isinstance(module, Module):
            raise TypeError(f"ModuleDict takes modules by name, got {describe(name)} and {describe(module)}")
        if hasattr(type(self), name) or not name:
            raise ArgumentError(f"{name!r} cannot be the name of a module in a ModuleDict; take another")
        setattr(self, name, module)

    def __contains__(self, name: object) -> bool:
        return name in self._modules()

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules())

    def __len__(self) -> int:
        return len(self._modules())

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._modules().keys()

    def values(self) -> Iterable[Module]:
        """The modules."""
        return self._modules().values()

    def items(self) -> Iterable[tuple[str, Module]]:
        """The names with their modules."""
        return self._modules().items()

    def _modules(self) -> dict[str, Module]:
        return {name: thing for name, thing in vars(self).items() if isinstance(thing, Module)}

"""Which arguments a transform is by, and the function that it makes."""

import functools
from collections.abc import Sequence
from types import MethodType
from typing import Any

from autograd_lite._pickling import global_name
from autograd_lite.core.checks import describe
from autograd_lite.errors import ArgumentError
from autograd_lite.transforms.inputs import Function, Inputs, called, name_of, values_in

__all__ = ["Argnames", "Argnums", "Selection", "Transformed"]

Argnums = int | Sequence[int] | None
Argnames = str | Sequence[str] | None


class Selection:
    """Which arguments of a function to differentiate by: by position (argnums) or by name (argnames)."""

    def __init__(self, f: Function, argnums: Argnums, argnames: Argnames) -> None:
        if not callable(f):
            raise TypeError(f"a transform takes a function, not its result, so write grad(f)(x); got {describe(f)}")
        if argnums is not None and argnames is not None:
            raise ArgumentError("give argnums or argnames, not both")
        self.f = f
        chosen: Any = argnames if argnames is not None else 0 if argnums is None else argnums
        self.is_single = isinstance(chosen, (int, str))
        self.keys: tuple[int | str, ...] = (chosen,) if self.is_single else tuple(chosen)
        if not self.keys or not all(isinstance(key, str if argnames is not None else int) for key in self.keys):
            raise TypeError(f"argnums are whole numbers and argnames strings, one at least; got {describe(chosen)}")

    def _place(self, key: int | str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int | str:
        if isinstance(key, int):
            if not -len(args) <= key < len(args):
                raise ArgumentError(
                    f"argnums has {key}, and {name_of(self.f)} was called with {len(args)} positional arguments; "
                    "for one given by keyword use argnames"
                )
            return key % len(args)
        if key in kwargs:
            return key
        import inspect

        try:
            names = list(inspect.signature(self.f).parameters)
        except (TypeError, ValueError):
            names = []
        if key in names and names.index(key) < len(args):
            return names.index(key)
        raise ArgumentError(f"argnames has {key!r}, and {name_of(self.f)} was called without an argument of that name")

    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any], has_aux: bool) -> tuple[Inputs, Any, Any]:
        """The chosen arguments as inputs, the function's result at them, and its auxiliary data."""
        arguments: dict[Any, Any] = {**dict(enumerate(args)), **kwargs}
        places = [self._place(key, args, kwargs) for key in self.keys]
        chosen = tuple(arguments[place] for place in places)
        if len(set(places)) < len(places):
            raise ArgumentError(f"an argument is chosen twice by {self.keys}")
        others = [value for place, given in arguments.items() if place not in places for value in values_in(given)]
        inputs = Inputs(chosen[0] if self.is_single else chosen, others=others)
        arguments.update(zip(places, [inputs.tree] if self.is_single else inputs.tree, strict=True))
        positional = [arguments.pop(position) for position in range(len(args))]
        return inputs, *called(self.f, positional, arguments, has_aux)


class Transformed:
    """A function that a transform made of another. It pickles as the two, or by its own name if it has one."""

    def __init__(
        self, transform: Function, f: Function, argnums: Any, argnames: Any, call: Function, **settings: Any
    ) -> None:
        functools.update_wrapper(self, f, updated=())
        self._call = call
        self._made_by = transform, f, argnums, {"argnames": argnames, **settings}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(*args, **kwargs)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __repr__(self) -> str:
        return f"<{self._made_by[0].__name__} of {name_of(self._made_by[1])}>"

    def __reduce__(self) -> Any:
        return global_name(self) or (_transformed, self._made_by)


def _transformed(transform: Function, f: Function, argnums: Any, settings: dict[str, Any]) -> Function:
    return transform(f, argnums, **settings)  # type: ignore[no-any-return]

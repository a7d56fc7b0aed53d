"""What the user calls the Values of a graph: ``names=``, and the names of sample arguments."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from autograd_lite import pytree
from autograd_lite.core.checks import describe, is_real
from autograd_lite.core.value import Value
from autograd_lite.nn.module import Module

__all__ = ["given_names", "sampled"]


def given_names(names: Any) -> dict[Value, str]:
    """The name of each Value that ``names`` tells of, from Values to names or from names to Values or structures.

    Raises ``TypeError`` for what is no such dict. What holds no Value is passed over, so that it may be ``locals()``.
    A Value that has several names goes by one of its own, before one in a list, before one with an underscore.
    """
    if names is None:
        return {}
    if not isinstance(names, Mapping):
        raise TypeError(f"names is a dict, such as {{'x': x, 'w': [w0, w1]}} or locals(); got {describe(names)}")
    found: dict[Value, str] = {}
    structures: list[tuple[str, Any]] = []
    for key, thing in list(names.items()):
        if isinstance(key, Value):
            if not isinstance(thing, str):
                raise TypeError(f"names has {describe(thing)} for {describe(key)}; a name is a string")
            found[key] = thing
        elif not isinstance(key, str):
            raise TypeError(
                f"names goes from Values to names, or from names to Values; among its keys is {describe(key)}"
            )
        elif isinstance(thing, Value) and not key.startswith("_"):
            found.setdefault(thing, key)
        else:
            structures.append((key, thing))
    structures.sort(key=lambda pair: pair[0].startswith("_"))
    seen: set[int] = set()
    for key, thing in structures:
        for name, value in _within(key, thing, seen):
            found.setdefault(value, name)
    return found


def _within(name: str, thing: Any, seen: set[int]) -> Iterator[tuple[str, Value]]:
    """The Values in a structure with their names; each structure is gone through once."""
    stack = [(name, thing)]
    while stack:
        name, thing = stack.pop()
        if isinstance(thing, Value):
            yield name, thing
        elif isinstance(thing, (list, tuple, dict)) or pytree.is_array(thing):
            if id(thing) in seen or (pytree.is_array(thing) and thing.dtype != object):
                continue
            seen.add(id(thing))
            level = pytree.branch(thing)
            assert level is not None
            children = zip(level.names(), level.children, strict=True)
            stack += [(f"{name}.{_part(part)}", child) for part, child in children if _may_hold(child)][::-1]


def _may_hold(thing: Any) -> bool:
    return isinstance(thing, (Value, list, tuple, dict)) or pytree.is_array(thing)


def _part(name: str) -> str:
    """The last part of a path, ``['w']`` or ``[0, 1]``, as a part of a name."""
    return name.strip("[].").strip("'\"").replace(", ", ".")


def sampled(arguments: Mapping[str, Any], names: dict[Value, str]) -> dict[str, Any]:
    """Sample arguments by name, with a new Value in the place of each number, whose name is noted.

    Values, Modules, bools and what is no number stay as they are.
    """
    return {name: _fresh(name, thing, names) for name, thing in arguments.items()}


def _fresh(name: str, thing: Any, names: dict[Value, str]) -> Any:
    if isinstance(thing, (Value, Module, bool, str)) or thing is None:
        return thing
    if is_real(thing):
        value = Value(thing, name)
        names[value] = name
        return value
    level = pytree.branch(thing)
    if level is None:
        return thing
    children = zip(level.names(), level.children, strict=True)
    return level.rebuild([_fresh(f"{name}.{_part(part)}", child, names) for part, child in children])


def by_signature(f: Callable[..., Any], inputs: tuple[Any, ...], name: str) -> dict[str, Any]:
    """The arguments of a call by the names of the function's parameters.

    Raises ``TypeError`` for a call that does not fit them.
    """
    import inspect

    try:
        signature = inspect.signature(f)
    except (TypeError, ValueError):  # of a builtin
        return {f"x{i}": x for i, x in enumerate(inputs)}
    try:
        bound = signature.bind(*inputs).arguments
    except TypeError as error:
        raise TypeError(
            f"{name}({', '.join(signature.parameters)}) cannot be called with these {len(inputs)} sample inputs: "
            f"{error}. After what to draw come the arguments that it takes, as in draw({name}, [1.0, 2.0], 3.0)"
        ) from None
    found: dict[str, Any] = {}
    for parameter, thing in bound.items():
        if signature.parameters[parameter].kind is inspect.Parameter.VAR_POSITIONAL:
            found |= {f"{parameter}.{i}": x for i, x in enumerate(thing)}
        else:
            found[parameter] = thing
    return found

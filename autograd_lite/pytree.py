"""Numbers in nested lists, tuples and dicts: the arguments and results of transforms.

A leaf is a number of any kind. Dicts keep their order, tuples their type, NumPy arrays
their shape. A module (whatever has ``named_parameters()``) is a structure of its parameters.
"""

import copy
import sys
from collections.abc import Callable, Iterator
from typing import Any

from autograd_lite.core.checks import describe, is_real

__all__ = ["is_array", "is_list", "leaves", "map_leaves"]


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf with its path, such as ``[0]['w']``, in order.

    Raises ``TypeError`` for a leaf that is not a number.
    """
    if isinstance(tree, dict):
        for key, child in tree.items():
            yield from leaves(child, f"{path}[{key!r}]")
    elif is_list(tree):
        for position, child in enumerate(tree):
            yield from leaves(child, f"{path}[{position}]")
    elif _is_module(tree):
        for name, parameter in tree.named_parameters():
            if parameter.requires_grad:  # not frozen
                yield f"{path}.{name}", parameter
    elif is_real(tree) or hasattr(type(tree), "__autograd_op__"):
        yield path, tree
    else:
        place = f" at {path}" if path else ""
        raise TypeError(f"expected numbers, or lists, tuples and dicts of them; got {describe(tree)}{place}")


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """The same structure with each leaf replaced by ``function(leaf)``, called in order."""
    if type(tree) is float or hasattr(type(tree), "__autograd_op__"):  # first, as most of a tree is leaves
        return function(tree)
    if isinstance(tree, dict):
        return {key: map_leaves(function, child) for key, child in tree.items()}
    if isinstance(tree, (list, tuple)):
        return _like(tree, [map_leaves(function, child) for child in tree])
    if _is_module(tree):
        return _substituted(tree, {id(p): function(p) for _, p in tree.named_parameters() if p.requires_grad})
    if is_array(tree):
        numpy = sys.modules["numpy"]
        mapped = [function(child) for child in tree.ravel().tolist()]
        if mapped and all(is_array(item) for item in mapped):  # a matrix, of a Jacobian say
            return numpy.array(mapped).reshape(tree.shape + mapped[0].shape)
        dtype = float if all(issubclass(type(item), float) for item in mapped) else object
        array = numpy.empty(len(mapped), dtype=dtype)
        array[:] = mapped
        return array.reshape(tree.shape)
    return function(tree)


def _like(sequence: Any, items: list[Any]) -> Any:
    """The items as a sequence of the same type."""
    if hasattr(sequence, "_fields"):  # a namedtuple takes its items one by one
        return type(sequence)(*items)
    return type(sequence)(items)


def _is_module(thing: Any) -> bool:
    return hasattr(type(thing), "named_parameters")


def _substituted(thing: Any, new: dict[int, Any]) -> Any:
    """A module, or what it holds, with other things in the place of its parameters; by their ids."""
    if id(thing) in new:
        return new[id(thing)]
    if _is_module(thing):
        twin = copy.copy(thing)
        vars(twin).update({name: _substituted(item, new) for name, item in vars(thing).items()})
        return twin
    if isinstance(thing, dict):
        return {key: _substituted(item, new) for key, item in thing.items()}
    if isinstance(thing, (list, tuple)):
        return _like(thing, [_substituted(item, new) for item in thing])
    if is_array(thing) and thing.dtype == object:
        twin = copy.copy(thing)
        twin.flat[:] = [_substituted(item, new) for item in thing.flat]
        return twin
    return thing


def is_array(thing: Any) -> bool:
    """Whether a thing is a NumPy array of one dimension or more."""
    numpy = sys.modules.get("numpy")  # an array can only come from a loaded NumPy
    return numpy is not None and isinstance(thing, numpy.ndarray) and thing.ndim > 0


def is_list(thing: Any) -> bool:
    """Whether a thing is a list, a tuple or a NumPy array of one dimension or more."""
    return isinstance(thing, (list, tuple)) or is_array(thing)

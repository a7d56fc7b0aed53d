"""Numbers in nested structures: the arguments and results of transforms and of compiled functions.

A structure is a list, a tuple or a named tuple, a dict, a dataclass, a NumPy array of any
dimension (0 included), a Module (as the structure of its parameters, but for frozen ones), or
None, which is empty. Subclasses stay what they are. A leaf is a number of any kind. The words
are JAX's.

>>> leaves, structure = flatten({"w": [1.0, 2.0], "b": None})
>>> leaves, structure.paths()
([1.0, 2.0], ["['w'][0]", "['w'][1]"])
>>> structure.unflatten([3.0, 4.0])
{'w': [3.0, 4.0], 'b': None}
"""

import copy
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from autograd_lite.core.checks import describe, is_real
from autograd_lite.core.elementwise import is_array as is_ndarray
from autograd_lite.core.elementwise import like
from autograd_lite.core.value import Value
from autograd_lite.errors import ArgumentError

__all__ = ["Branch", "Structure", "branch", "flatten", "is_array", "is_list", "leaves", "listed", "map_leaves"]


class Branch(NamedTuple):
    """One level of a structure: its children, and how to make the same of others."""

    #: Equal for things of the same kind, length and names.
    key: Any
    #: The last part of each child's path, such as ``[0]`` or ``.weight``. Made when asked for: few ask.
    names: Callable[[], Iterable[str]]
    children: Sequence[Any]
    rebuild: Callable[[list[Any]], Any]


class Structure:
    """A nested structure without its leaves, as :func:`flatten` gives it."""

    __slots__ = ("_branch", "_children")

    def __init__(self, branch: Branch | None = None, children: "Sequence[Structure]" = ()) -> None:
        self._branch, self._children = branch, children  # none for a leaf

    def unflatten(self, leaves: Iterable[Any]) -> Any:
        """The structure with these leaves, in order."""
        return self._filled(iter(leaves))

    def _filled(self, leaves: Iterator[Any]) -> Any:
        if self._branch is None:
            return next(leaves)
        return self._branch.rebuild([child._filled(leaves) for child in self._children])

    def paths(self) -> list[str]:
        """The path to each leaf, such as ``[0]['w']``."""
        if self._branch is None:
            return [""]
        pairs = zip(self._branch.names(), self._children, strict=True)
        return [name + path for name, child in pairs for path in child.paths()]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Structure) or (self._branch is None) != (other._branch is None):
            return False
        if self._branch is None or other._branch is None:
            return True
        return self._branch.key == other._branch.key and self._children == other._children

    __hash__ = None  # type: ignore[assignment]


_LEAF = Structure()


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """The leaves of a structure in order, and the structure without them.

    Raises ``TypeError`` for what is neither a number nor a structure, with its path;
    ``ArgumentError`` for a structure that contains itself.
    """
    leaves: list[Any] = []
    path: list[tuple[Branch, int]] = []
    try:
        return leaves, _flattened(tree, leaves, path)
    except RecursionError:
        raise ArgumentError(f"{type(tree).__name__} is nested too deeply, or contains itself") from None


def _flattened(tree: Any, leaves: list[Any], path: list[tuple[Branch, int]]) -> Structure:
    kind = type(tree)
    if kind is float or hasattr(kind, "__autograd_op__"):  # first, as most of a tree is leaves
        leaves.append(tree)
        return _LEAF
    level = branch(tree)
    if level is None:
        if not is_real(tree):
            place = f" at {''.join([list(level.names())[i] for level, i in path])}" if path else ""
            raise TypeError(f"expected numbers, or lists, tuples and dicts of them; got {describe(tree)}{place}")
        leaves.append(tree)
        return _LEAF
    children = []
    for i, child in enumerate(level.children):
        path.append((level, i))
        children.append(_flattened(child, leaves, path))
        path.pop()
    return Structure(level, children)


def leaves(tree: Any) -> Iterator[tuple[str, Any]]:
    """Every leaf with its path, in order. Raises as :func:`flatten`."""
    found, structure = flatten(tree)
    return zip(structure.paths(), found, strict=True)


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """The same structure with each leaf replaced by ``function(leaf)``, called in order.

    What is neither a number nor a structure counts as a leaf here.
    """
    kind = type(tree)
    if kind is float or hasattr(kind, "__autograd_op__"):
        return function(tree)
    if kind is list:  # of Values, mostly, and then a call for each is what takes longest
        return [function(item) if type(item) is Value else map_leaves(function, item) for item in tree]
    level = branch(tree)
    if level is None:
        return function(tree)
    return level.rebuild([map_leaves(function, child) for child in level.children])


def branch(thing: Any) -> Branch | None:
    """The first level of a structure; None for everything else."""
    kind = type(thing)
    if isinstance(thing, (list, tuple)):
        length = len(thing)
        return Branch(
            (kind, length), lambda: [f"[{i}]" for i in range(length)], thing, lambda items: like(thing, items)
        )
    if isinstance(thing, dict):
        # By type, and floats by their texts, as 1 and True, 0.0 and -0.0 are equal.
        key = kind, tuple(map(type, thing)), tuple([repr(k) if type(k) is float else k for k in thing])
        keys, children = list(thing), list(thing.values())
        return Branch(key, lambda: [f"[{key!r}]" for key in keys], children, lambda items: _refilled(thing, items))
    if thing is None:
        return Branch(kind, list, (), lambda items: None)
    if _is_module(thing):
        # In the place of its parameters a module may hold what a transform has put there, which are no leaves.
        named = getattr(thing, "_stand_ins", None) or {n: p for n, p in thing.named_parameters() if p.requires_grad}
        parameters = list(named.values())
        return Branch(
            (kind, tuple(named)),
            lambda: [f".{name}" for name in named],
            parameters,
            lambda items: _module_of(thing, named, items),
        )
    if hasattr(kind, "__dataclass_fields__"):
        fields = [name for name in kind.__dataclass_fields__ if hasattr(thing, name)]
        children = [getattr(thing, name) for name in fields]
        return Branch(
            (kind, tuple(fields)),
            lambda: [f".{name}" for name in fields],
            children,
            lambda items: _set(thing, fields, items),
        )
    if is_ndarray(thing):
        shape, children = thing.shape, thing.ravel().tolist()
        return Branch((kind, shape), lambda: _places(shape), children, lambda items: _as_array(items, shape))
    return None


def _places(shape: tuple[int, ...]) -> list[str]:
    """Where the elements of an array are."""
    places = sys.modules["numpy"].ndindex(shape)
    return [f"[{', '.join(map(str, place))}]" if place else "" for place in places]


def _refilled(mapping: Any, items: list[Any]) -> Any:
    """A dict of the same type with other items, attributes included."""
    if type(mapping) is dict:
        return dict(zip(mapping, items, strict=True))
    twin = copy.copy(mapping)
    for key, item in zip(mapping, items, strict=True):
        dict.__setitem__(twin, key, item)
    return twin


def _set(thing: Any, names: list[str], items: list[Any]) -> Any:
    """A copy of a dataclass, frozen or not, with other fields."""
    twin = copy.copy(thing)
    for name, item in zip(names, items, strict=True):
        object.__setattr__(twin, name, item)
    return twin


def _as_array(items: list[Any], shape: tuple[int, ...]) -> Any:
    """The items as an array: of floats if they are, of their own dimensions if they are arrays.

    Of structures that are alike it is such a structure of arrays, as of a Jacobian's rows in JAX.
    """
    numpy = sys.modules["numpy"]
    if items and all(map(is_ndarray, items)) and len({item.shape for item in items}) == 1:  # of a Jacobian, say
        return numpy.array(items).reshape(shape + items[0].shape)
    kinds = set(map(type, items))
    if all(issubclass(kind, (float, int)) and kind is not bool for kind in kinds):
        return numpy.array(items, dtype=float).reshape(shape)
    levels = [branch(item) for item in items]
    first = levels[0]
    if first is not None and first.children and all(level is not None and level.key == first.key for level in levels):
        columns = zip(*[level.children for level in levels if level is not None], strict=True)
        return first.rebuild([_as_array(list(column), shape) for column in columns])
    array = numpy.empty(len(items), dtype=object)
    for place, item in enumerate(items):
        array[place] = item
    return array.reshape(shape)


def _is_module(thing: Any) -> bool:
    return hasattr(type(thing), "named_parameters")


def _module_of(module: Any, named: dict[str, Any], items: list[Any]) -> Any:
    """The module with these items in the place of its parameters."""
    twin = _substituted(module, dict(zip(map(id, named.values()), items, strict=True)))
    object.__setattr__(twin, "_stand_ins", dict(zip(named, items, strict=True)))
    return twin


def _substituted(thing: Any, new: dict[int, Any]) -> Any:
    """A module, or what it holds, with other things in the place of its parameters; by their ids."""
    if id(thing) in new:
        return new[id(thing)]
    if _is_module(thing):
        twin = copy.copy(thing)
        vars(twin).update({name: _substituted(item, new) for name, item in vars(thing).items()})
        return twin
    if is_array(thing) and thing.dtype != object:
        return thing
    if isinstance(thing, (list, tuple, dict)) or is_array(thing):
        level = branch(thing)
        assert level is not None
        return level.rebuild([_substituted(item, new) for item in level.children])
    return thing


is_any_array = is_ndarray


def is_plain_array(thing: Any) -> bool:
    """Whether a thing is a NumPy array of no subclass, of real numbers or of objects."""
    return is_ndarray(thing) and type(thing) is sys.modules["numpy"].ndarray and thing.dtype.kind in "biufO"


def is_array(thing: Any) -> bool:
    """Whether a thing is a NumPy array of one dimension or more."""
    return is_ndarray(thing) and thing.ndim > 0


def is_list(thing: Any) -> bool:
    """Whether a thing is a list, a tuple or a NumPy array of one dimension or more."""
    return isinstance(thing, (list, tuple)) or is_array(thing)


def listed(thing: Any) -> Any:
    """A NumPy array as nested lists; everything else as it is."""
    return thing.tolist() if is_array(thing) else thing

"""Loops: ``scan``, ``fori_loop`` and ``while_loop``, with JAX's names, arguments and results.

Run as they are, they are plain Python loops. In a function that :func:`~autograd_lite.jit` compiles each of them is one
instruction with a program of its own for the step, whatever the count of steps.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any

from autograd_lite import pytree
from autograd_lite.core import modes
from autograd_lite.core.checks import as_float, describe, is_real
from autograd_lite.core.node import number
from autograd_lite.core.value import Value
from autograd_lite.errors import ArgumentError

__all__ = ["fori_loop", "scan", "while_loop"]


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: Any = None,
    reverse: bool = False,
    *,
    checkpoint: bool = False,
) -> tuple[Any, Any]:
    """The last carry and all ys of ``carry, y = f(carry, x)`` for each x of xs in turn.

    Args:
        f: a function from a carry and an x to the next carry, of the same structure, and a y, which may be None.
        init: the first carry: numbers in nested lists, tuples and dicts, or arrays.
        xs: a list, or an array, with one item a step; or tuples and dicts of such, and x has that structure.
        length: the count of steps; needed where xs is None.
        reverse: go through xs from the end; ys stand where their xs do.
        checkpoint: inside ``jit``, backward: keep few of the carries, some square root of the steps, and compute
            those in between once more. Outside of it a graph keeps all.

    ys is the list of all y, an array where these are arrays of one shape. Where they are tuples or dicts it is a tuple
    or a dict of lists, and None where they are None. Without steps it is an empty list.

    Raises ``ArgumentError`` if f changes the structure of the carry, with both structures, if lists in xs differ
    in length, or neither xs nor length says how many steps there are; ``TypeError`` if f returns no pair. Inside
    ``jit`` a traced length is a ``TracingError`` if there are ys.

    >>> scan(lambda total, x: (total + x, total * x), 0.0, [1.0, 2.0, 3.0])
    (6.0, [0.0, 2.0, 9.0])
    """
    items = _Items(xs, length)
    if not modes.current().interpreter.is_eager:
        return _recorded_scan(f, init, items, reverse, checkpoint)
    structure = _structure(init)
    carry, ys = init, []
    for i in reversed(range(items.count)) if reverse else range(items.count):
        new, y = _pair(f, f(carry, items.item(i)))
        carry = structure.like(new)
        ys.append(y)
    return carry, _stacked(ys[::-1] if reverse else ys)


def fori_loop(
    lower: Any, upper: Any, body_fun: Callable[[Any, Any], Any], init_val: Any, *, checkpoint: bool = False
) -> Any:
    """The last value of ``val = body_fun(i, val)`` for i from ``lower`` up to, without, ``upper``.

    Inside ``jit`` the bounds may be arguments, and another count needs no new recording; i is a traced number there.
    ``init_val``, ``checkpoint`` and errors as for :func:`scan`; ``ArgumentError`` for a bound that is no whole number.

    >>> fori_loop(1, 5, lambda i, product: product * i, 1)
    24
    """
    if not modes.current().interpreter.is_eager:
        return _recorded_for(lower, upper, body_fun, init_val, checkpoint)
    structure, value = _structure(init_val), init_val
    for i in range(_whole(lower, "lower"), _whole(upper, "upper")):
        value = structure.like(body_fun(i, value))
    return value


def while_loop(cond_fun: Callable[[Any], Any], body_fun: Callable[[Any], Any], init_val: Any) -> Any:
    """The last value of ``val = body_fun(val)``, repeated while ``cond_fun(val)`` is true.

    ``init_val`` and errors as for :func:`scan`. Gradients go back through as many steps as it took.

    >>> while_loop(lambda x: x < 100.0, lambda x: 3.0 * x, 2.0)
    162.0
    """
    if not modes.current().interpreter.is_eager:
        return _recorded_while(cond_fun, body_fun, init_val)
    structure, value = _structure(init_val), init_val
    while _checked_condition(cond_fun(value)):
        value = structure.like(body_fun(value))
    return value


def _checked_condition(condition: Any) -> Any:
    """A condition. Raises ``TypeError`` for what is none, and would be true for ever."""
    if not isinstance(condition, Value) and not is_real(condition):
        raise TypeError(f"the condition of a while_loop is a bool or a number, got {describe(condition)}")
    return condition


# ---- The structure of carries --------------------------------------------------------------


class _structure:  # noqa: N801 - reads as the function that it nearly is
    """The structure that a carry keeps from step to step."""

    def __init__(self, init: Any) -> None:
        self.init = init
        self.leaves, self.structure = pytree.flatten(init)

    def like(self, carry: Any) -> Any:
        """A carry, if it has the structure."""
        if not _are_alike(self.init, carry):  # a look at the usual kinds takes a tenth of the time
            self.leaves_of(carry)
        return carry

    def leaves_of(self, carry: Any) -> list[Any]:
        """The numbers of a carry, which has to have the structure."""
        leaves, structure = pytree.flatten(carry)
        if structure != self.structure:
            raise ArgumentError(
                "a loop's carry keeps its structure from step to step. It was\n"
                f"    {_shown(self.structure, len(self.leaves))}\nand after a step it is\n"
                f"    {_shown(structure, len(leaves))}\n"
                "where * is a number. Return it as it came in"
            )
        return leaves


def _are_alike(one: Any, two: Any) -> bool:
    """Whether two structures of the usual kinds are the same; also False where there are others."""
    kind = type(one)
    if kind is float or kind is Value:
        return type(two) is float or type(two) is Value
    if kind is tuple or kind is list:
        return type(two) is kind and len(one) == len(two) and all(map(_are_alike, one, two))
    return False


class _Star:
    def __repr__(self) -> str:
        return "*"


def _shown(structure: pytree.Structure, count: int) -> str:
    return repr(structure.unflatten([_Star()] * count))


def _pair(f: Any, result: Any) -> tuple[Any, Any]:
    if isinstance(result, (tuple, list)) and len(result) == 2:
        return result[0], result[1]
    raise TypeError(
        f"scan's function returns a pair, (carry, y), with None for no y; {getattr(f, '__name__', f)} returned "
        f"{describe(result)}"
    )


def _whole(bound: Any, what: str) -> int:
    if type(bound) is int:
        return bound
    exact = as_float(number(bound))
    if exact % 1.0 != 0.0:  # nan and inf too
        raise ArgumentError(f"{what} is a whole number, got {describe(bound)}")
    return int(exact)


# ---- xs and ys -----------------------------------------------------------------------------


class _Items:
    """What xs has for each step."""

    def __init__(self, xs: Any, length: Any) -> None:
        self._xs = list(xs) if isinstance(xs, range) else xs
        counts = dict(_lengths(self._xs, "xs"))
        if len(set(counts.values())) > 1:
            told = ", ".join(f"{path} has {count}" for path, count in counts.items())
            raise ArgumentError(f"the lists in xs have one item for each step; {told}")
        if length is None and not counts:
            raise ArgumentError("scan needs xs, a list with one item for each step, or length")
        #: How many steps: a traced number where jit records with such a length.
        self.count: Any = next(iter(counts.values())) if counts else length
        if not counts and type(length) is not int:
            is_eager = modes.current().interpreter.is_eager
            self.count = _whole(length, "length") if is_eager or type(number(length)) is float else number(length)
        if type(self.count) is int and self.count < 0:
            raise ArgumentError(f"length is 0 or more, got {self.count}")
        if length is not None and counts and not (type(length) is int and length == self.count):
            raise ArgumentError(f"xs has {self.count} items, and length is {describe(length)}; leave length out")

    def item(self, i: int) -> Any:
        """x of a step."""
        return _item(self._xs, i)


def _lengths(xs: Any, path: str) -> list[tuple[str, int]]:
    """The length of each list of per-step items, by its path."""
    if isinstance(xs, list) or pytree.is_array(xs):
        return [(path, len(xs))]
    level = pytree.branch(xs)
    if level is None:
        raise TypeError(f"{path} is a list or an array with one item for each step, got {describe(xs)}")
    pairs = zip(level.names(), level.children, strict=True)
    return [found for name, child in pairs for found in _lengths(child, path + name)]


def _item(xs: Any, i: int) -> Any:
    if isinstance(xs, list) or pytree.is_array(xs):
        return xs[i]
    level = pytree.branch(xs)
    return None if level is None else level.rebuild([_item(child, i) for child in level.children])


def _stacked(ys: list[Any]) -> Any:
    """Numbers and lists in a list, arrays in an array, tuples and dicts as a tuple or a dict of such."""
    if not ys or isinstance(ys[0], list):
        return ys
    if pytree.is_any_array(ys[0]):
        shapes = {getattr(y, "shape", None) for y in ys}
        return sys.modules["numpy"].stack(ys) if len(shapes) == 1 else ys
    level = pytree.branch(ys[0])
    if level is None:
        return ys
    levels = [pytree.branch(y) for y in ys]
    if any(other is None or other.key != level.key for other in levels):
        raise ArgumentError("the ys of a scan have one structure, and those of this one differ from step to step")
    columns = zip(*(other.children for other in levels if other is not None), strict=True)
    return level.rebuild([_stacked(list(column)) for column in columns])


# ---- In a function that jit records --------------------------------------------------------


def _recorded_scan(f: Any, init: Any, items: _Items, reverse: bool, checkpoint: bool) -> tuple[Any, Any]:
    if items.count.__class__ is int and items.count == 0:
        return init, []
    structure = _structure(init)
    is_counted = type(items.count) is int
    rows, x_structure = _rows([items.item(i) for i in range(items.count)] if is_counted else [items.item(0)])
    seen: list[pytree.Structure] = []

    def step(carry: Sequence[Any], x: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        new, y = _pair(f, f(structure.structure.unflatten(carry), x_structure.unflatten(x)))
        leaves, y_structure = pytree.flatten(y)
        if seen and seen[0] != y_structure:
            raise ArgumentError("the ys of a scan have one structure, and those of this one differ from step to step")
        seen[:] = [y_structure]
        return structure.leaves_of(new), leaves

    recorder: Any = modes.current().interpreter
    final, ys = recorder.loop(
        step, structure.leaves, rows[::-1] if reverse else rows, items.count, checkpoint=checkpoint
    )
    if is_counted:
        stacked = _stacked([seen[0].unflatten(y) for y in (ys[::-1] if reverse else ys)])
    else:
        stacked = seen[0].unflatten(())  # None: it has no numbers
    return structure.structure.unflatten(final), stacked


def _rows(items: list[Any]) -> tuple[list[list[Any]], pytree.Structure]:
    """The numbers of each item, and the structure that all of them have."""
    flat = [pytree.flatten(item) for item in items]
    structure = flat[0][1]
    for i, (_, other) in enumerate(flat):
        if other != structure:
            raise ArgumentError(
                f"inside jit all items of xs have one structure; that of item {i} is not that of the first"
            )
    return [leaves for leaves, _ in flat], structure


def _recorded_for(lower: Any, upper: Any, body_fun: Any, init: Any, checkpoint: bool) -> Any:
    structure = _structure(init)
    start, stop = _bound(lower, "lower"), _bound(upper, "upper")

    def step(carry: Sequence[Any], x: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        i, *leaves = carry
        new = structure.leaves_of(body_fun(i, structure.structure.unflatten(leaves)))
        return [i + 1.0, *new], []

    recorder: Any = modes.current().interpreter
    final, _ = recorder.loop(step, [start, *structure.leaves], [], stop - start, checkpoint=checkpoint)
    return structure.structure.unflatten(final[1:])


def _bound(bound: Any, what: str) -> Any:
    data = number(bound) if isinstance(bound, Value) else bound
    return data if hasattr(type(data), "__autograd_op__") else as_float(_whole(data, what))


def _recorded_while(cond_fun: Any, body_fun: Any, init: Any) -> Any:
    structure = _structure(init)

    def step(carry: Sequence[Any], x: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        return structure.leaves_of(body_fun(structure.structure.unflatten(carry))), []

    def condition(carry: Sequence[Any]) -> Any:
        return _checked_condition(cond_fun(structure.structure.unflatten(carry)))

    recorder: Any = modes.current().interpreter
    final, _ = recorder.loop(step, structure.leaves, [], None, condition=condition)
    return structure.structure.unflatten(final)

"""Taking back what a trial run of a function has changed, such as a count of its calls."""

import collections
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from autograd_lite.jit.closures import Environment, is_unchanging

__all__ = ["undoing"]

_KNOWN = (list, dict, set, collections.deque, bytearray)


def undoing(environment: Environment) -> Callable[[], None]:
    """Note what a function reads, and what is in it; what is returned puts all of that back.

    Only what is another thing now is written, so that nothing is touched that stayed as it was.

    >>> calls = []
    >>> undo = undoing(Environment([lambda x, calls=calls: calls.append(x)]))
    >>> calls.append(1.0)
    >>> undo()
    >>> calls
    []
    """
    steps = list(_steps(environment))

    def undo() -> None:
        for step in steps:
            step()

    return undo


def _steps(environment: Environment) -> Iterator[Callable[[], None]]:
    for cell in environment._cells:
        yield partial(_set, cell, "cell_contents", cell.cell_contents)
    for owner, name in environment._slots:
        if hasattr(owner, name):
            yield partial(_set, owner, name, getattr(owner, name))
    for table, known in environment._names.values():
        if isinstance(table, dict):
            yield partial(_name, table, {name: table[name] for name in known if name in table}, list(known))
    for thing in environment.things():
        if isinstance(thing, type) and not is_unchanging(thing.__module__):
            yield partial(_class, thing, dict(vars(thing)))
    yield from [partial(_fill, thing, thing.copy()) for thing in environment._containers if isinstance(thing, _KNOWN)]
    arrays = filter(_is_writable, environment._arrays)
    yield from [partial(_write, thing, memoryview(thing).tobytes()) for thing in arrays]


def _set(owner: Any, name: str, before: Any) -> None:
    if getattr(owner, name, None) is not before:
        setattr(owner, name, before)


def _name(table: dict[str, Any], before: dict[str, Any], names: list[str]) -> None:
    for name in names:
        if name not in before:
            table.pop(name, None)
        elif table.get(name) is not before[name]:
            table[name] = before[name]


def _class(kind: type, before: dict[str, Any]) -> None:
    for name in vars(kind).keys() - before.keys():
        delattr(kind, name)
    for name, attribute in before.items():
        if vars(kind).get(name) is not attribute:
            setattr(kind, name, attribute)


def _fill(thing: Any, before: Any) -> None:
    if list(map(id, thing)) == list(map(id, before)) and (
        not isinstance(thing, dict) or list(map(id, thing.values())) == list(map(id, before.values()))
    ):
        return
    thing.clear()
    if isinstance(thing, (dict, set)):
        thing.update(before)
    else:
        thing.extend(before)


def _write(array: Any, before: bytes) -> None:
    if memoryview(array).tobytes() != before:
        memoryview(array).cast("B")[:] = before


def _is_writable(thing: Any) -> bool:
    try:
        view = memoryview(thing)
    except (TypeError, ValueError, BufferError):
        return False
    return not view.readonly and view.c_contiguous and view.format != "O"

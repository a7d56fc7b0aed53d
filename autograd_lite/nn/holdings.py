"""What a module holds: the walk that finds its parameters, and the check that none was lost."""

import operator
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

from autograd_lite import pytree
from autograd_lite.core.checks import describe, is_real
from autograd_lite.core.value import Value

__all__ = ["PLAIN", "Holder", "contents", "held", "items"]

#: Types that are passed over quickly, as they hold nothing.
PLAIN = {float, int, bool, str, type(None)}


class _Noted:
    """What a module held itself, not by a module inside it, when it was last looked at."""

    __slots__ = ("arrays", "containers", "contents", "parameters")

    def __init__(self) -> None:
        #: Lists and dicts with parameters in them, and copies of them, which are compared in one go.
        #: No copies after an attribute has been assigned.
        self.containers: list[Any] = []
        self.contents: list[Any] | None = []
        #: Object arrays with parameters in them, each with its copy.
        self.arrays: list[tuple[Any, Any]] = []
        #: By their ids. None until the module is complete.
        self.parameters: dict[int, Value] | None = None

    def __getstate__(self) -> Any:
        parameters = None if self.parameters is None else list(self.parameters.values())
        return self.containers, self.contents, self.arrays, parameters

    def __setstate__(self, state: Any) -> None:
        self.containers, self.contents, self.arrays, parameters = state
        self.parameters = None if parameters is None else {id(p): p for p in parameters}


class Holder:
    """Base class of what has parameters among its attributes. It refuses to lose one."""

    __slots__ = ("_noted", "_stand_ins")

    _noted: _Noted

    def __copy__(self) -> Self:
        # The copy is another module: its parameters may be replaced, by traced ones say.
        twin = type(self).__new__(type(self))
        vars(twin).update(vars(self))
        return twin

    if not TYPE_CHECKING:  # or type checkers would let any attribute be assigned, and any argument be given

        def __new__(cls, *args: Any, **kwargs: Any) -> Self:
            holder = super().__new__(cls)
            object.__setattr__(holder, "_noted", _Noted())
            return holder

        def __setattr__(self, name: str, thing: Any) -> None:
            noted, before = self._noted, vars(self).get(name)
            if noted.parameters is not None and not (type(thing) in PLAIN and type(before) in PLAIN):
                self._look()  # while what was noted is still there to compare with
                _check(before, thing, noted.parameters, name)
                noted.contents = None
            super().__setattr__(name, thing)

    def _look(self) -> dict[int, Value]:
        """Note the parameters, also those frozen since, and return them by their ids.

        Raises ``TypeError`` if something else has taken the place of one.
        """
        noted = self._noted
        if noted.parameters is not None and noted.contents is not None:
            pairs = [*zip(noted.containers, noted.contents, strict=True), *noted.arrays]
            changed = [(now, before) for now, before in pairs if not _is_same(now, before)]
            if not changed:
                return noted.parameters
            for now, before in changed:
                _check(before, now, noted.parameters, "")
        return self._note(noted.parameters or {})

    def _note(self, known: dict[int, Value]) -> dict[int, Value]:
        parameters: dict[int, Value] = {}
        containers: list[Any] = []
        seen: dict[int, Any] = {}

        def walk(holder: Any) -> bool:
            """Whether there is a parameter in it."""
            has_any = False
            for _, item in items(holder):
                if type(item) in PLAIN or isinstance(item, Holder) or id(item) in seen:
                    continue
                if isinstance(item, Value):
                    if item.is_leaf and (item.requires_grad or id(item) in known):
                        parameters[id(item)] = item
                        has_any = True
                    continue
                seen[id(item)] = item
                if walk(item):
                    containers.append(item)
                    has_any = True
            return has_any

        walk(self)
        noted = self._noted
        noted.parameters = parameters
        noted.arrays = [(held, held.copy()) for held in containers if pytree.is_array(held)]
        noted.containers = [held for held in containers if isinstance(held, (list, dict))]  # a tuple cannot change
        noted.contents = [held.copy() for held in noted.containers]
        return parameters


def held(holder: Holder) -> list[tuple[str, Any]]:
    """A module, the modules inside it and the Values that they hold, each once, with its path."""
    found: list[tuple[str, Any]] = [("", holder)]
    _collect(holder, "", found, {})
    return found


def _collect(holder: Any, prefix: str, found: list[tuple[str, Any]], seen: dict[int, Any]) -> None:
    """Append every Value and module. ``seen`` keeps what was looked into alive, so that no id is given twice."""
    seen[id(holder)] = holder
    for key, item in items(holder):
        if type(item) in PLAIN or id(item) in seen:  # shared, or above: a child may know its parent
            continue
        if isinstance(item, Value):
            seen[id(item)] = item
            found.append((f"{prefix}{key}", item))
        else:
            if isinstance(item, Holder):
                found.append((f"{prefix}{key}", item))
            _collect(item, f"{prefix}{key}.", found, seen)


def contents(holder: Holder) -> tuple[list[Holder], list[Value]]:
    """A module and those inside it, the outer before the inner, and the Values that they hold; each once.

    In the order of :func:`held`, and faster by what the paths take.
    """
    modules: list[Holder] = []
    values: list[Value] = []
    seen: dict[int, Any] = {}

    def walk(things: Iterable[Any]) -> None:
        for thing in things:
            kind = type(thing)
            if kind in PLAIN:
                continue
            if kind is Value or isinstance(thing, Value):
                values.append(thing)
            elif id(thing) not in seen:
                seen[id(thing)] = thing
                if isinstance(thing, Holder):
                    modules.append(thing)
                    walk(vars(thing).values())
                elif kind is list and set(map(type, thing)) == {Value}:  # as most lists are
                    values.extend(thing)
                else:
                    walk([item for _, item in items(thing)])

    walk([holder])
    return modules, list(dict.fromkeys(values))


def items(thing: Any) -> Iterable[tuple[Any, Any]]:
    """What a module or a container holds, by name or position."""
    if isinstance(thing, Holder):
        thing = vars(thing)
    elif pytree.is_array(thing) and thing.dtype == object:
        thing = thing.tolist()
    if isinstance(thing, (list, tuple)):
        return enumerate(thing)
    return thing.items() if isinstance(thing, dict) else ()


def _is_same(now: Any, before: Any) -> bool:
    """Whether a container holds the same objects as its copy."""
    if isinstance(now, list):
        return len(now) == len(before) and all(map(operator.is_, now, before))
    if isinstance(now, dict):
        return list(now) == list(before) and all(map(operator.is_, now.values(), before.values()))
    return now.shape == before.shape and bool(now.tobytes() == before.tobytes())  # of objects: their addresses


def _check(before: Any, now: Any, parameters: dict[int, Value], path: str) -> None:
    """Raise ``TypeError`` if something takes the place of a parameter that is none."""
    if now is before or type(before) in PLAIN or isinstance(before, Holder):
        return
    if isinstance(before, Value):
        is_lost = is_real(now) or (isinstance(now, Value) and not (now.is_leaf and now.requires_grad))
        if id(before) in parameters and is_lost:
            raise TypeError(
                f"{describe(now)} has taken the place of the parameter {before.name or path}, and nothing would train "
                "it. Change the parameter's number instead: p.data -= 0.1 * p.grad. For one that stays as it is write "
                "p.requires_grad_(False), for a new parameter Value(...), and a state that is no parameter begins as "
                "0.0 or Value(0.0).detach()"
            )
    elif not isinstance(now, (Value, Holder)):
        places = dict(items(pytree.listed(now)))  # of floats too
        for key, item in items(before):
            if key in places:
                _check(item, places[key], parameters, f"{path}.{key}" if path else str(key))

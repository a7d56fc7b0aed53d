"""A function, written for what was found, that sees whether all of it is unchanged."""

import operator
from collections.abc import Callable
from typing import Any

__all__ = ["Unchanged"]


class Unchanged:
    """The text of such a function. Where something is another thing it asks ``otherwise``: that may be equal."""

    def __init__(self, otherwise: Callable[[], bool]) -> None:
        self._names: dict[str, Any] = {"otherwise": otherwise, "is_": operator.is_}
        self._known: dict[int, str] = {}
        self._lines: list[str] = []

    def name(self, thing: Any) -> str:
        """What the text calls a thing."""
        name = self._known.setdefault(id(thing), f"x{len(self._known)}")
        self._names[name] = thing
        return name

    def test(self, condition: str) -> None:
        """Go on only if this is so."""
        self._lines.append(f"if not ({condition}): return otherwise()")

    def same(self, expression: str, thing: Any) -> None:
        """Go on only if an expression gives this very thing."""
        self.test(f"{expression} is {self.name(thing)}")

    def all_same(self, container: str, items: list[Any]) -> None:
        """Go on only if a container has these very items."""
        if not items:
            self.test(f"not {container}")
        elif len(items) <= 64:  # unpacked, which takes a third of the time, and raises for another count
            self._lines.append(f"{', '.join(f'i{n}' for n in range(len(items)))}, = {container}")
            self.test(" and ".join(f"i{n} is {self.name(item)}" for n, item in enumerate(items)))
        else:
            expected = self.name(items)
            self.test(f"len({container}) == {len(items)} and all(map(is_, {container}, {expected}))")

    def compiled(self) -> Callable[[], bool]:
        """The function."""
        lines = "\n        ".join([*self._lines, "return True"])
        text = f"""\
def holds():
    try:
        {lines}
    except (AttributeError, KeyError, ValueError, RuntimeError):
        return otherwise()
"""
        exec(text, self._names)  # noqa: S102 - the text is made here, of names and numbers
        return self._names["holds"]  # type: ignore[no-any-return]

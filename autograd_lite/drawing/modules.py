"""The modules that the nodes of a graph stand in, from the names of the parameters that they use."""

import dataclasses
import functools
from collections import Counter
from collections.abc import Iterable
from typing import Any

from autograd_lite.core import ops
from autograd_lite.nn.containers import ModuleDict, ModuleList
from autograd_lite.nn.module import Module

__all__ = ["OUTSIDE", "Level", "Levels", "place"]

#: The level of what stands in no module.
OUTSIDE = 0

#: Operations that stand with their only operand, where nothing else uses that.
ACTIVATIONS = frozenset(
    [ops.relu, ops.leaky_relu, ops.elu, ops.gelu, ops.silu, ops.sigmoid, ops.softplus, ops.tanh, ops.erf, ops.clip]
)


@dataclasses.dataclass(frozen=True, slots=True)
class Level:
    """A module, as a level of the tree of modules."""

    #: What is written at it: ``"layers.0"``, or ``"MLP"`` at the outermost.
    label: str
    #: Its path from the outermost, ``"layers.0.neurons.3"``.
    path: str
    #: The class of the module, where that is known.
    class_name: str
    parent: int
    #: How deep it is: 0 for a Module that is drawn, 1 for those that it holds.
    depth: int
    #: The labels from the outermost to this one.
    cluster: tuple[str, ...]


class Levels:
    """The tree of modules. A level is a number, :data:`OUTSIDE` the root of all."""

    def __init__(self) -> None:
        self.all = [Level("", "", "", OUTSIDE, -1, ())]
        self._numbers: dict[tuple[int, str], int] = {}
        self._common: dict[tuple[int, int], int] = {}
        #: The level of each known parameter and the rest of its path, by its id.
        self._of_parameters: dict[int, tuple[int, str]] = {}
        self._guesses: dict[str, tuple[int, str]] = {}
        #: A Module is drawn, so that what is computed stands in it.
        self.outermost = OUTSIDE

    def add(self, parent: int, label: str, path: str, class_name: str = "", depth: int | None = None) -> int:
        """The level with this label in another one, made if there is none."""
        key = (parent, label)
        if key not in self._numbers:
            above = self.all[parent]
            own = max(above.depth + 1, 1) if depth is None else depth
            self._numbers[key] = len(self.all)
            self.all.append(Level(label, path, class_name, parent, own, (*above.cluster, label)))
        return self._numbers[key]

    def add_module(self, module: Module, prefix: str = "") -> int:
        """The level of a module that is drawn, with levels in it for the modules inside; its parameters are known."""
        kind = type(module).__name__
        known = {"": self.add(OUTSIDE, prefix or kind, prefix, kind, 0)}
        for path, inner in module.named_modules():
            if path and not isinstance(inner, (ModuleList, ModuleDict)):  # which are not called themselves
                above, rest = _longest(known, path)
                label = f"{rest}: {type(inner).__name__}" if rest.isdecimal() else rest
                known[path] = self.add(above, label, _joined(prefix, path), type(inner).__name__)
        for path, parameter in module.named_parameters():
            self._of_parameters.setdefault(id(parameter), _longest(known, path))
        return known[""]

    def of_leaf(self, leaf: Any, name: str | None, *, may_guess: bool) -> tuple[int, str | None]:
        """The level that a leaf stands in, and its name there. What is not known may be told by the name."""
        known = self._of_parameters.get(id(leaf))
        if known is not None:
            level, short = known
            return level, name if name is not None and not name.endswith(short) else short
        if name is None or not may_guess or "." not in name:
            return OUTSIDE, name
        if name not in self._guesses:
            self._guesses[name] = self._guess(name)
        return self._guesses[name]

    def is_parameter(self, leaf: Any) -> bool:
        """Whether a leaf is known as a parameter."""
        return id(leaf) in self._of_parameters

    def _guess(self, name: str) -> tuple[int, str]:
        groups, short = place(name)
        level, path = OUTSIDE, ""
        for group in groups:
            path = _joined(path, group)
            level = self.add(level, group, path)
        return level, short

    def common(self, a: int, b: int) -> int:
        """The deepest level that holds both."""
        if a == b:
            return a
        key = (a, b)
        if key not in self._common:
            first, second = a, b
            while first != second:
                if len(self.all[first].cluster) >= len(self.all[second].cluster):
                    first = self.all[first].parent
                else:
                    second = self.all[second].parent
            self._common[key] = first
        return self._common[key]

    def ancestors(self, level: int) -> list[int]:
        """A level and those that hold it, the innermost first."""
        found = []
        while level != OUTSIDE:
            found.append(level)
            level = self.all[level].parent
        return found

    def of_operations(self, leaves: list[int | None], ops_: list[Any], operands: list[list[int]]) -> list[int]:
        """The level of each node; ``leaves`` has that of each leaf, and None for an operation.

        An operation stands in the deepest module that holds all of its parameters, an activation with its operand. All
        else stands in the deepest one that holds both what leads to it and what it leads to.
        """
        fixed, above = self._fixed(leaves, ops_, operands)
        below: list[int | None] = [None] * len(leaves)
        for i in reversed(range(len(leaves))):
            if leaves[i] is not None:
                continue
            down = fixed[i]
            if down is None:
                leads_to, up = below[i], above[i]
                down = self.outermost if leads_to is None else leads_to
                fixed[i] = self.outermost if up is None else self.common(up, down)
            for o in operands[i]:
                if o >= 0:
                    so_far = below[o]
                    below[o] = down if so_far is None else self.common(so_far, down)
        return [level or OUTSIDE for level in fixed]

    def _fixed(
        self, leaves: list[int | None], ops_: list[Any], operands: list[list[int]]
    ) -> tuple[list[int | None], list[int | None]]:
        """The level of each node whose own parameters, or operand, say it; and of what leads to a node, where known."""
        uses = Counter(o for row in operands for o in row)
        fixed = list(leaves)
        above = [None if level is None else level or self.outermost for level in leaves]
        for i, row in enumerate(operands):
            if leaves[i] is not None:
                continue
            nodes = [o for o in row if o >= 0]
            own = [level for o in nodes if (level := leaves[o])]
            if own:
                fixed[i] = functools.reduce(self.common, own)
            elif len(nodes) == 1 and ops_[i] in ACTIVATIONS and uses[nodes[0]] == 1:
                fixed[i] = fixed[nodes[0]]
            if fixed[i] is None:
                known = [level for o in nodes if (level := above[o]) is not None]
                above[i] = functools.reduce(self.common, known) if known else None
            else:
                above[i] = fixed[i]
        return fixed, above


def _longest(known: dict[str, int], path: str) -> tuple[int, str]:
    """The innermost known module on a path, and the rest of the path."""
    parts = path.split(".")
    for count in range(len(parts) - 1, -1, -1):
        if (prefix := ".".join(parts[:count])) in known:
            return known[prefix], ".".join(parts[count:])
    raise AssertionError(path)


def _joined(prefix: str, path: str) -> str:
    return f"{prefix}.{path}" if prefix else path


def place(name: str) -> tuple[Iterable[str], str]:
    """The modules that a name tells of, outermost first, and what remains of it.

    A module begins at each part of the name that is no number.

    >>> place("layers.0.neurons.3.w.1")
    (['layers.0', 'neurons.3'], 'w.1')
    >>> place("x.1")
    ([], 'x.1')
    """
    groups: list[str] = []
    for part in name.split("."):
        if part.isdecimal() and groups:
            groups[-1] += f".{part}"
        elif part.isdecimal() or part.isidentifier():
            groups.append(part)
        else:  # it is no path
            return [], name
    return groups[:-1], groups[-1]

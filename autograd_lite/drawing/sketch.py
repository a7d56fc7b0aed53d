"""A graph to be drawn, in numbers: what each node is, is called and stands in."""

from collections.abc import Mapping, Sequence
from typing import Any

from autograd_lite.core.node import number
from autograd_lite.core.value import Value
from autograd_lite.drawing.modules import OUTSIDE, Levels
from autograd_lite.drawing.scene import Kind
from autograd_lite.drawing.written_out import Drawn, Step, drawn

__all__ = ["Sketch"]


class Sketch:
    """A graph in numbers: its nodes counted through, each after its operands."""

    def __init__(
        self,
        roots: Sequence[Value],
        *,
        names: Mapping[Value, str] | None = None,
        expand: bool = False,
        levels: Levels | None = None,
        grads: Mapping[Value, float] | None = None,
        precision: int = 4,
        partials: bool = False,
    ) -> None:
        self.precision, self.partials, self.levels = precision, partials, levels or Levels()
        self.drawn: list[Drawn] = drawn(roots, expand)
        self._grads = grads
        places: dict[Any, int] = {one.node: i for i, one in enumerate(self.drawn)}
        #: The operands of each node; -1 for a constant that is no node.
        self.operands = [[-1 if o.__class__ is float else places[o] for o in one.operands] for one in self.drawn]
        self.roots = {places[root] for root in roots}
        given: Mapping[Any, str] = names or {}
        #: The full name of each node, and what it is called in its module.
        self.names = [given.get(node) or node.name for node, _, _ in self.drawn]
        self.short = list(self.names)
        self._place()
        #: What each node is.
        self.kinds = [self._kind(i) for i in range(len(self.drawn))]

    def _place(self) -> None:
        """Find the module that each node stands in."""
        leaves: list[int | None] = []
        for i, (node, op, _) in enumerate(self.drawn):
            level: int | None = None
            if op is None:
                level, self.short[i] = self.levels.of_leaf(node, self.names[i])
            leaves.append(level)
        if len(self.levels.all) == 1:
            self.level = [OUTSIDE] * len(leaves)
        else:
            self.level = self.levels.of_operations(leaves, [one.op for one in self.drawn], self.operands)

    def _kind(self, i: int) -> Kind:
        node, op, _ = self.drawn[i]
        if not node.requires_grad:
            return "constant"
        if op is None:
            return "parameter" if self.level[i] != OUTSIDE or self.levels.is_parameter(node) else "input"
        return "output" if i in self.roots else "value"

    def grad(self, i: int) -> float | None:
        """The gradient of a node, if it has one."""
        node = self.drawn[i].node
        value, scale = (node.total, node.scale) if isinstance(node, Step) else (node, 1.0)
        if self._grads is None:
            return number(value.grad) * scale + 0.0 if value.has_grad else None
        return self._grads[value] * scale + 0.0 if value in self._grads else None

    def cluster(self, i: int) -> tuple[str, ...]:
        """The modules that a node stands in."""
        return self.levels.all[self.level[i]].cluster

"""Boxes that stand for many nodes, and the arrows between them."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from autograd_lite.drawing import labels
from autograd_lite.drawing.boxes import add_operation, node_box
from autograd_lite.drawing.folding.quotient import Part, Quotient
from autograd_lite.drawing.labels import counted, shown, spread
from autograd_lite.drawing.modules import OUTSIDE
from autograd_lite.drawing.scene import Arrow, Box, Kind
from autograd_lite.drawing.sketch import Sketch
from autograd_lite.drawing.text import one_line

__all__ = ["MOST_CONSTANTS", "Summary"]

#: An operation of more operands than that has one box for all of its constants, if anything is folded to fit.
MOST_CONSTANTS = 3
#: With more arrows than that their counts stand in the tooltips alone: texts on arrows need much room.
_MOST_LABELS = 60


class Summary:
    """The picture of a quotient: boxes, each after those that lead to it, and arrows with counts."""

    def __init__(self, quotient: Quotient, *, are_joined: bool) -> None:
        """Draw a quotient; ``are_joined`` says that the constants of an operation may share a box."""
        self.quotient, self.sketch, self._are_joined = quotient, quotient.sketch, are_joined
        self.boxes: list[Box] = []
        self.arrows: list[Arrow] = []
        self._ids = [_id(*pair) for pair in zip(quotient.parts, quotient.members, strict=True)]
        self._tails: dict[int, list[tuple[int, int]]] = {}
        for (tail, head), count in quotient.edges.items():
            self._tails.setdefault(head, []).append((tail, count))
        self._has_room = len(quotient.edges) <= _MOST_LABELS
        self._inward, self._outward = self._borders()
        self._entered: Counter[int] = Counter()
        self._waves = Counter(part[:2] for part in quotient.parts)
        assert quotient.order is not None
        for part in quotient.order:
            self._add(part)

    def _borders(self) -> tuple[dict[int, set[int]], dict[int, set[int]]]:
        """Of each part that is one box: the nodes that lead to it from outside, and those of its own that lead on."""
        of = self.quotient.of
        inward: dict[int, set[int]] = {i: set() for i, part in enumerate(self.quotient.parts) if part.form != "alike"}
        outward: dict[int, set[int]] = {i: set() for i in inward}
        for i, row in enumerate(self.sketch.operands):
            head = of[i]
            for o in row:
                if o >= 0 and (tail := of[o]) != head:
                    if head in inward:
                        inward[head].add(o)
                    if tail in outward:
                        outward[tail].add(o)
        for root in self.sketch.roots:
            if of[root] in outward:
                outward[of[root]].add(root)
        return inward, outward

    def _add(self, part: int) -> None:
        nodes, form = self.quotient.members[part], self.quotient.part(part).form
        if form != "alike":
            for tail, count in self._tails.get(part, ()):
                self._add_tail(part, tail, count, self._ids[part])
            self.boxes.append(self._module(part, nodes) if form == "module" else self._run(part, nodes))
            return
        first = nodes[0]
        op, row = self.sketch.drawn[first].op, self.sketch.operands[first]
        if op is not None:
            tails = self._tails.get(part, [])
            is_plain = len(nodes) == 1 and all(self._ids[tail][0] == "v" for tail, _ in tails)
            if is_plain and not (self._are_joined and len(row) > MOST_CONSTANTS):
                add_operation(self.sketch, first, self.boxes, self.arrows)
            else:
                self._add_operations(part, nodes)
        self.boxes.append(node_box(self.sketch, first) if len(nodes) == 1 else self._alike(nodes))

    def _add_tail(self, part: int, tail: int, count: int, head: str) -> None:
        """The arrow from another part, with a count where that says something and there is room."""
        is_folded = self.quotient.part(part).form != "alike"
        each = 1 if is_folded else len(self.quotient.members[part])
        start = self._ids[tail]
        label = f"×{count:,}" if count > each and (self._has_room or not is_folded) else ""
        tooltip = f"{count:,} arrows" if count > 1 else ""
        self.arrows.append(Arrow(start, head, f"{start}-{head}", label, tooltip, count=count))

    def _add_operations(self, part: int, nodes: list[int]) -> None:
        """The circle of operations that are alike, with their constants; arrows in the order of the operands."""
        sketch, first = self.sketch, nodes[0]
        op, row = sketch.drawn[first].op, sketch.operands[first]
        assert op is not None
        circle, result = ("o" if len(nodes) == 1 else "mo") + str(first), self._ids[part]
        tails = dict(self._tails.get(part, ()))
        are_together = self._are_joined and len(row) > MOST_CONSTANTS
        for j, o in enumerate(row):
            if o >= 0:
                tail = self.quotient.of[o]
                if tail in tails:
                    self._add_tail(part, tail, tails.pop(tail), circle)
            elif not are_together:
                self._add_constants([sketch.drawn[i].operands[j] for i in nodes], circle, j, first)
            elif j == row.index(-1):
                found = [x for i in nodes for x in sketch.drawn[i].operands if x.__class__ is float]
                self._add_constants(found, circle, j, first)
        for tail, count in tails.items():
            self._add_tail(part, tail, count, circle)
        symbol, cluster = (labels.cut(op.symbol),), sketch.cluster(first)
        self.boxes.append(Box(circle, "operation", symbol, one_line(op.name, None), cluster, count=len(nodes)))
        self.arrows.append(Arrow(circle, result, f"{circle}-{result}", count=len(nodes)))

    def _add_constants(self, constants: list[float], circle: str, j: int, first: int) -> None:
        start, count = f"{circle}c{j}", len(constants)
        text = spread(constants, self.sketch.precision)
        tooltip = f"{counted(count, 'constant')}, {text}"
        is_alarming = not _are_finite(constants)
        cluster = self.sketch.cluster(first)
        self.boxes.append(Box(start, "constant", (text,), tooltip, cluster, is_alarming=is_alarming, count=count))
        self.arrows.append(Arrow(start, circle, f"{start}-{circle}-{j}", count=count))

    def _alike(self, nodes: list[int]) -> Box:
        """The box of nodes that are alike."""
        sketch, first = self.sketch, nodes[0]
        data = [sketch.drawn[i].node.data for i in nodes]
        grads = [grad for i in nodes if (grad := sketch.grad(i)) is not None]
        short = sketch.short[first]
        head = f"×{len(nodes):,}" if short is None else f"{labels.cut(short)} ×{len(nodes):,}"
        lines = [head, f"data {spread(data, sketch.precision)}"]
        if sketch.kinds[first] != "constant":
            lines.append(f"grad {spread(grads, sketch.precision) if grads else '-'}")
        what = f"{counted(len(nodes), sketch.kinds[first])} {one_line(sketch.names[first] or '', None)}".rstrip()
        tooltip = f"{what}, alike but for their numbers\ndata {spread(data, None)}"
        if grads:
            tooltip += f"\ngrad {spread(grads, None)}"
        return Box(
            f"m{first}",
            sketch.kinds[first],
            tuple(lines),
            tooltip,
            sketch.cluster(first),
            is_named=short is not None,
            grad=max(grads, key=abs, default=None),
            is_alarming=not _are_finite(data + grads),
            count=len(nodes),
        )

    def _module(self, part: int, nodes: list[int]) -> Box:
        """The box of a module."""
        sketch = self.sketch
        number = self.quotient.part(part).number
        level = sketch.levels.all[number]
        inside = [i for i in nodes if sketch.drawn[i].op is None and sketch.level[i] != OUTSIDE]
        grads = [grad for i in inside if (grad := sketch.grad(i)) is not None]
        label = level.label if level.class_name in level.label else f"{level.label}: {level.class_name}".rstrip(": ")
        self._entered[number] += 1
        waves = self._waves["module", number]
        lines = [labels.cut(label) + (f" ({self._entered[number]})" if waves > 1 else "")]
        lines += [f"{counted(len(nodes), 'node')}, {counted(len(inside), 'parameter')}", *self._border(part)]
        norm = math.hypot(*grads) if grads else None
        if norm is not None:
            lines.append(f"grad norm {shown(norm, sketch.precision)}")
        tooltip = f"{level.path or level.label}{f' ({level.class_name})' if level.class_name else ''}: "
        tooltip += f"{counted(len(nodes), 'node')}, {counted(len(inside), 'parameter')}\n{self._operations(nodes)}"
        if waves > 1:
            tooltip += "\nit is left and entered again, and has a box for each time"
        if norm is not None:
            tooltip += f"\nnorm of the parameters' gradient {norm}"
        cluster = sketch.levels.all[level.parent].cluster
        return self._folded(part, nodes, lines, tooltip, cluster, norm, is_named=True)

    def _run(self, part: int, nodes: list[int]) -> Box:
        """The box of nodes one after the other."""
        sketch = self.sketch
        level = sketch.level[nodes[0]]
        for i in nodes:
            if sketch.level[i] != level:
                level = sketch.levels.common(level, sketch.level[i])
        lines = [counted(len(nodes), "node"), *self._common(nodes), *self._border(part)]
        tooltip = f"{counted(len(nodes), 'node')}, one after the other\n{self._operations(nodes)}"
        return self._folded(part, nodes, lines, tooltip, sketch.levels.all[level].cluster, None, is_named=False)

    def _folded(
        self, part: int, nodes: list[int], lines: list[str], tooltip: str, cluster: tuple[str, ...],
        grad: float | None, *, is_named: bool,
    ) -> Box:  # fmt: skip
        kind: Kind = "folded"
        finite = _are_finite([self.sketch.drawn[i].node.data for i in nodes]) and _are_finite([grad or 0.0])
        return Box(self._ids[part], kind, tuple(lines), tooltip, cluster, is_named, grad, False, not finite, len(nodes))

    def _border(self, part: int) -> list[str]:
        """How many numbers come in and go out, and what those are: in a line, or two if it is long."""
        inward, outward = len(self._inward[part]), self._outward[part]
        counts = [f"{count:,} {way}" for count, way in ((inward, "in"), (len(outward), "out")) if count]
        if not outward:
            return [", ".join(counts)]
        data = spread([self.sketch.drawn[i].node.data for i in outward], self.sketch.precision)
        line = f"{', '.join(counts)}: {data}"
        return [line] if len(line) <= labels.LONGEST else [", ".join(counts), f"data {data}"]

    def _common(self, nodes: list[int]) -> list[str]:
        """The commonest operations, in one line; none if there are none."""
        found = _operations(self.sketch, nodes).most_common(4)
        shown = ", ".join(f"{symbol} ×{count:,}" for symbol, count in found[:3])
        return [shown + (", …" if len(found) > 3 else "")] if found else []

    def _operations(self, nodes: list[int]) -> str:
        found = _operations(self.sketch, nodes).most_common(20)
        return ", ".join(f"{symbol} ×{count:,}" for symbol, count in found) or "no operations"


def _operations(sketch: Sketch, nodes: Iterable[int]) -> "Counter[str]":
    found: Counter[str] = Counter()
    for op, count in Counter(sketch.drawn[i].op for i in nodes).items():
        if op is not None:
            found[labels.cut(op.symbol)] += count
    return found


def _id(part: Part, nodes: list[int]) -> str:
    return f"v{nodes[0]}" if part.form == "alike" and len(nodes) == 1 else f"m{nodes[0]}"


def _are_finite(numbers: Sequence[float]) -> bool:
    return all(map(math.isfinite, numbers))

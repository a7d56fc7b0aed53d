"""The steps of a forward and a backward pass: records that can say what they are, in text, formulas and words."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from autograd_lite.core.op import Op
from autograd_lite.core.value import Value
from autograd_lite.drawing.steps.notation import MANY, Marks, Term, applied, local_derivative, shown, text_of
from autograd_lite.drawing.text import one_line
from autograd_lite.drawing.written_out import is_bundle

__all__ = ["Backward", "Forward", "Given", "Seed", "Snapshot", "Step", "columns_wide", "cut"]

#: A formula, and a word or two that say what it is.
Line = tuple[str, Marks]

#: So many columns of a terminal a label takes at most.
_WIDEST = 24
#: So many of the values that are given have an equation.
_FEW = 6


class Snapshot:
    """What Values are called, and their numbers, at one moment.

    A name that several have goes with the place in the graph: ``w (v3)``.
    """

    def __init__(self, nodes: Sequence[Value]) -> None:
        names = [cut(one_line(node.name or "")) for node in nodes]
        taken: dict[str, int] = {}
        for name in names:
            taken[name] = taken.get(name, 0) + 1
        self.labels: dict[Value, str] = {}
        #: None for all results of a compiled call together.
        self.numbers: dict[Value, float | None] = {}
        for place, (node, name) in enumerate(zip(nodes, names, strict=True)):
            is_clear = taken[name] == 1 and not (name[:1] == "v" and name[1:].isdigit())
            label = _isolated(name) if is_clear else f"{_isolated(name)} (v{place})"
            self.labels[node] = label if name else f"v{place}"
            self.numbers[node] = None if is_bundle(node) else node.data

    def term(self, node: Value) -> Term:
        """A Value as part of a formula."""
        return Term(self.labels[node], self.numbers[node])

    def terms(self, operands: Iterable[Value | float]) -> list[Term | float]:
        """Operands as parts of a formula; constants as they are."""
        return [self.term(operand) if isinstance(operand, Value) else operand for operand in operands]


@dataclass(frozen=True, slots=True)
class Given:
    """The values that are there before anything is computed: inputs, parameters, constants."""

    nodes: tuple[Value, ...]
    numbers: tuple[float | None, ...]
    snapshot: Snapshot = field(repr=False, compare=False)

    def __str__(self) -> str:
        return "; ".join(" ".join(filter(None, row)) for row in self.rows())

    def rows(self) -> list[tuple[str, ...]]:
        """Each value and its number."""
        return [
            (self.snapshot.labels[node], "", "", f"= {shown(number)}", "" if node.requires_grad else "(constant)")
            for node, number in zip(self.nodes, self.numbers, strict=True)
        ]

    def equations(self) -> list[Line]:
        """The first few in mathematical notation."""
        few = list(zip(self.nodes, self.numbers, strict=True))[:_FEW]
        lines: list[Line] = [("", ["i" + self.snapshot.labels[node], _equals(x), *_number(x)]) for node, x in few]
        return [*lines, ("", ["o…"])] if len(self.nodes) > _FEW else lines

    def words(self) -> str:
        """The step in plain words."""
        constants = sum(not node.requires_grad for node in self.nodes)
        there_are = "One value is given" if len(self.nodes) == 1 else f"{len(self.nodes)} values are given"
        but = f" {constants} of them constant: no gradient goes there." if constants else ""
        return f"{there_are}: {_listed(self.nodes, self.snapshot)}.{but}"


@dataclass(frozen=True, slots=True)
class Forward:
    """A value is computed: ``result`` is ``op`` of the numbers."""

    node: Value
    op: Op
    #: What the operation was applied to, Values and floats, and their numbers.
    operands: tuple[Value | float, ...]
    numbers: tuple[float | None, ...]
    #: None for a call with several results: each of them is a node above it.
    result: float | None
    snapshot: Snapshot = field(repr=False, compare=False)

    def __str__(self) -> str:
        return " ".join(filter(None, self.rows()[0]))

    def rows(self) -> list[tuple[str, ...]]:
        """What is computed, how, with which numbers, and the result."""
        term = applied(self.op, self.snapshot.terms(self.operands))
        how, numbers = f"= {text_of(term.marks())}", f"= {text_of(term.marks(in_numbers=True))}"
        return [(self.snapshot.labels[self.node], how, numbers, f"= {shown(self.result)}", "")]

    def equations(self) -> list[Line]:
        """The step in mathematical notation."""
        term = applied(self.op, self.snapshot.terms(self.operands))
        numbers = [_equals(*self.numbers), *term.marks(in_numbers=True)]
        return [
            ("", ["i" + self.snapshot.labels[self.node], "o=", *term.marks()]),
            ("", [*numbers, _equals(self.result), *_number(self.result)]),
        ]

    def words(self) -> str:
        """The step in plain words."""
        label, of = self.snapshot.labels[self.node], _listed(self.operands, self.snapshot)
        return (
            f"{label} is computed from {of}: {'all results together' if self.result is None else shown(self.result)}."
        )


@dataclass(frozen=True, slots=True)
class Seed:
    """The backward pass begins: the derivative of the root by itself is 1."""

    node: Value
    total: float
    snapshot: Snapshot = field(repr=False, compare=False)

    def __str__(self) -> str:
        return " ".join(filter(None, self.rows()[0]))

    def rows(self) -> list[tuple[str, ...]]:
        """The gradient, and its number."""
        return [(f"{self.snapshot.labels[self.node]}.grad", "", "", f"= {shown(self.total)}", "")]

    def equations(self) -> list[Line]:
        """The step in mathematical notation."""
        label = self.snapshot.labels[self.node]
        return [("", [_derivative(label, label), "o=", *_number(self.total)])]

    def words(self) -> str:
        """The step in plain words."""
        label = self.snapshot.labels[self.node]
        return f"The backward pass starts at {label}: {label} changes just as fast as itself, so its gradient is 1."


@dataclass(frozen=True, slots=True)
class Backward:
    """A node gives to the gradient of one of its operands: ``total = before + product``, product = adjoint * local.

    ``adjoint`` is None for a call of a compiled function with several results, and ``local`` for every operation
    that has a chain rule of its own: of these what arrives at the operand is known, no more.
    """

    node: Value
    #: Which operand of the node it is, counted from 0, and the operand itself.
    position: int
    operand: Value
    adjoint: float | None
    local: float | None
    product: float
    before: float
    total: float
    root: Value = field(repr=False)
    snapshot: Snapshot = field(repr=False, compare=False)

    def __str__(self) -> str:
        return " ".join(filter(None, self.rows()[0]))

    def rows(self) -> list[tuple[str, ...]]:
        """Whose gradient, what is added to it, the numbers, their product, and the gradient so far."""
        node, operand = self.snapshot.labels[self.node], self.snapshot.labels[self.operand]
        now = f"now {shown(self.total)}"
        if self.local is None or self.adjoint is None:
            return [(f"{operand}.grad", f"+= through {self._through()}", "", f"= {shown(self.product)}", now)]
        how = f"+= {node}.grad * d{node}/d{operand}"
        numbers = text_of((Term("", self.adjoint) * Term("", self.local)).marks(in_numbers=True))
        return [(f"{operand}.grad", how, f"= {numbers}", f"= {shown(self.product)}", now)]

    def equations(self) -> list[Line]:
        """The step in mathematical notation: the chain rule, the local derivative, the sum."""
        root, node, operand = (self.snapshot.labels[value] for value in (self.root, self.node, self.operand))
        gradient = _derivative(root, operand)
        total = [
            gradient,
            _equals(self.before, self.product),
            *(Term("", self.before) + Term("", self.product)).marks(in_numbers=True),
        ]
        total += [_equals(self.total), *_number(self.total)]
        if self.local is None or self.adjoint is None:
            return [("arrives", [gradient, "o+=", *_number(self.product)]), ("sum so far", total)]
        factors = (Term("", self.adjoint) * Term("", self.local)).marks(in_numbers=True)
        local = self.local_formula()
        through = _derivative(node, operand)
        local_is = [through, *(["o=", *local] if local else []), _equals(self.local), *_number(self.local)]
        product = [_equals(self.adjoint, self.local), *factors, _equals(self.product), *_number(self.product)]
        return [
            ("chain rule", [gradient, "o+=", _derivative(root, node), "o·", through]),
            ("", product),
            ("local derivative", local_is),
            ("sum so far", total),
        ]

    def local_formula(self) -> Marks:
        """The local derivative as a formula, where it is a simple one that is not just a number; else nothing."""
        op = self.node.op
        if op is None or self.local is None or len(self.node.operands) > MANY:
            return []
        terms = self.snapshot.terms(self.node.operands)
        formula = local_derivative(op, self.snapshot.term(self.node), terms, self.position)
        return [] if formula is None else formula.marks()

    def words(self) -> str:
        """The step in plain words."""
        root, node, operand = (self.snapshot.labels[value] for value in (self.root, self.node, self.operand))
        so_far = f"{operand} had {shown(self.before)} before, so its gradient is now {shown(self.total)}."
        if self.local is None or self.adjoint is None:
            return f"{self._through()} passes {shown(self.product)} back to {operand}. {so_far}"
        by_node = f"{root} changes {shown(self.adjoint)} times as fast as {node}" if node != root else ""
        by_operand = f"{node} changes {shown(self.local)} times as fast as {operand}"
        both = ", and ".join(filter(None, [by_node, by_operand]))
        return f"{both}. {so_far}"

    def _through(self) -> str:
        return one_line(self.node.op.name if self.node.op else "", 24)


Step = Given | Forward | Seed | Backward


def _derivative(above: str, below: str) -> Any:
    return ["f", ["i∂" + above], ["i∂" + below]]


def _number(x: float | None) -> Marks:
    return Term("", x).marks(in_numbers=True)


def _equals(*numbers: float | None) -> str:
    """Whether the numbers after it are shown with all their digits."""
    return "o=" if all(x is None or x != x or float(shown(x)) == x for x in numbers) else "o≈"


def _listed(operands: Sequence[Value | float], snapshot: Snapshot) -> str:
    """The operands in words, the first few."""
    names = list(dict.fromkeys(snapshot.labels[o] if isinstance(o, Value) else shown(o) for o in operands))
    if len(names) > 4:
        return f"{', '.join(names[:3])} and {len(names) - 3} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _isolated(name: str) -> str:
    """A name that is read from right to left between marks that keep it from turning what stands around it."""
    turns = any(unicodedata.bidirectional(letter) in ("R", "AL", "AN") for letter in name)
    return f"\u2068{name}\u2069" if turns else name


def columns_wide(text: str) -> int:
    """How many columns of a terminal a text takes: letters of East Asia and emoji take two, accents none."""
    return sum(
        0 if unicodedata.category(letter) in ("Mn", "Me", "Cf") else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
    )


def cut(text: str, widest: int = _WIDEST) -> str:
    """The text, or its beginning and end with dots between."""
    if columns_wide(text) <= widest:
        return text
    half = (widest - 3) // 2
    start, end = text, text
    while columns_wide(start) > half:
        start = start[:-1]
    while columns_wide(end) > half:
        end = end[1:]
    return f"{start}...{end}"

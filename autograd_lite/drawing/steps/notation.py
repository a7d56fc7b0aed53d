"""Operations and their derivatives in mathematical notation, read off the table of primitives."""

from collections.abc import Callable, Sequence
from typing import Any

from autograd_lite.core import ops
from autograd_lite.core.op import Op
from autograd_lite.core.operators import Operators
from autograd_lite.drawing.text import one_line

__all__ = ["MANY", "Marks", "Term", "applied", "local_derivative", "shown", "text_of"]

#: A formula from left to right: ``"ix"`` is an identifier, ``"n3"`` a number, ``"o+"`` an operator;
#: ``["f", above, below]`` a fraction and ``["p", base, exponent]`` a power. A page makes MathML of it.
Marks = list[Any]

_SUM, _PRODUCT, _ATOM = range(3)
_MINUS = "\N{MINUS SIGN}"
_SIGN = "o" + _MINUS
_INFIX = {"add": "+", "sub": _MINUS, "mul": "·", "mod": "mod", "floordiv": "//"}
_COMPARED = {"greater": ">", "greater_equal": "≥", "less": "<", "less_equal": "≤", "equal": "=", "not_equal": "≠"}
_BEFORE_A_SIGN = {"o(", "o,", "o[", *("o" + mark for mark in _COMPARED.values())}
_IN_ASCII = {_MINUS: "-", "·": "*", "≥": ">=", "≤": "<=", "≠": "!=", "…": "...", "∂": "d"}
#: A local derivative is shown as a formula if it is made of at most so many operations.
_SIMPLE = 5
#: The operation has at most so many operands, all of which are looked at for each.
MANY = 60
#: So many terms of a sum are shown, and so many operands of a function.
_TERMS = 5
#: What stands for the terms that are not shown.
_LEFT_OUT = Op("…", lambda x: x, (1.0,))

#: The table computes these in a form that is exact in the tails; the form of textbooks is the same number.
_TEXTBOOK = {
    ops.tanh: lambda ans, x: (1.0 - ops.constant_power(ans, 2.0),),
    ops.sigmoid: lambda ans, x: (ans * (1.0 - ans),),
}


class Term(Operators):
    """A number type that is a formula: a label, with the number that it stands for, or an operation on terms."""

    def __init__(
        self, label: str = "", number: float | None = 0.0, op: Op | None = None, operands: "Sequence[Term | float]" = ()
    ) -> None:
        self.label, self.number, self.op, self.operands = label, number, op, operands

    @classmethod
    def __autograd_op__(cls, op: Op, operands: tuple[Any, ...]) -> "Term":
        return cls(op=op, operands=operands)

    @property
    def size(self) -> int:
        """How many operations it is made of."""
        return 0 if self.op is None else 1 + sum(o.size for o in self.operands if isinstance(o, Term))

    def marks(self, *, in_numbers: bool = False) -> Marks:
        """As a formula, of labels or of numbers."""
        return _level_and_marks(self, in_numbers)[1]


def shown(x: float | None) -> str:
    """A number with four significant digits; dots for all results of a call together, which are no number."""
    return "…" if x is None else f"{x + 0.0:.4g}"


def applied(op: Op, operands: Sequence[Term | float]) -> Term:
    """An operation on operands; a sum is written out, a long one with its first terms and its last."""
    if op not in ops.SUMS or op is ops.mean:
        return Term(op=op, operands=operands)
    given = [operand if isinstance(operand, Term) else Term(number=operand) for operand in operands]
    start, width = int(op is ops.linear), 1 if op is ops.sum_ else 2
    if len(given) <= start + width * _TERMS:
        return op.value(*given)  # type: ignore[return-value]
    few: Any = op.value(*given[: start + width * (_TERMS - 2)])
    last = given[-1] if width == 1 else given[-2] * given[-1]
    return few + Term(op=_LEFT_OUT) + last  # type: ignore[no-any-return]


def local_derivative(op: Op, ans: Term, operands: Sequence[Term | float], position: int) -> Term | None:
    """The derivative by the operand at a position as a formula, where it is a simple one; None where it is a number."""
    if callable(op.pull) or (op in ops.SUMS and len(operands) > 2 * _TERMS):
        return None
    slopes = _TEXTBOOK.get(op, op.partials)
    try:
        slope = (slopes(ans, *operands) if callable(slopes) else slopes)[position]
    except Exception:  # a user's own, which may do what only floats can
        return None
    return slope if isinstance(slope, Term) and slope.size <= _SIMPLE and _is_common(slope) else None


def _is_common(term: Term | float) -> bool:
    """Whether everybody knows the functions in it; ``logistic_pdf`` and its like are the table's own."""
    if not isinstance(term, Term) or term.op is None:
        return True
    is_common = "_" not in term.op.name or term.op is ops.constant_power or term.op.name in _COMPARED
    return is_common and all(map(_is_common, term.operands))


def _level_and_marks(term: Term | float, in_numbers: bool) -> tuple[int, Marks]:
    """The marks, and how tightly the outermost operation binds."""
    if not isinstance(term, Term) or (term.op is None and (in_numbers or not term.label)):
        number = shown(term.number if isinstance(term, Term) else float(term))
        return (_SUM, [_SIGN, "n" + number[1:]]) if number.startswith("-") else (_ATOM, ["n" + number])
    if term.op is None:
        return _ATOM, ["i" + term.label]
    if term.op is ops.constant_power and term.operands[1] == 1.0:  # in the derivative of x**2
        return _level_and_marks(term.operands[0], in_numbers)

    def at(position: int, level: int) -> Marks:
        own, marks = _level_and_marks(term.operands[position], in_numbers)
        return marks if own >= level else ["o(", *marks, "o)"]

    return _operation(term.op.name, term.operands, at)


def _operation(name: str, operands: Sequence[Term | float], at: Callable[[int, int], Marks]) -> tuple[int, Marks]:
    """The same for an operation; ``at`` gives the marks of an operand that binds as tightly as a level."""
    if name in _INFIX:
        level = _SUM if name in ("add", "sub") else _PRODUCT
        return level, [*at(0, level), "o" + _INFIX[name], *at(1, level + 1)]
    if name in _COMPARED:  # 1 where it holds, 0 where not: Iverson's brackets
        return _ATOM, ["o[", *at(0, _SUM), "o" + _COMPARED[name], *at(1, _SUM), "o]"]
    if name == "div":
        return _PRODUCT, [["f", at(0, _SUM), at(1, _SUM)]]
    if name in ("pow", "constant_pow"):
        return _ATOM, [["p", at(0, _ATOM), at(1, _SUM)]]
    if name == "neg":
        return _SUM, [_SIGN, *at(0, _PRODUCT)]
    if name == _LEFT_OUT.name:
        return _ATOM, ["o…"]
    given = [["o,", *at(i, _SUM)] for i in range(len(operands))]
    if len(given) > _TERMS:
        given[_TERMS - 1 : -1] = [["o,", "o…"]]
    return _ATOM, ["i" + one_line(name, 24), "o(", *[mark for marks in given for mark in marks][1:], "o)"]


def text_of(marks: Marks) -> str:
    """The formula as one line of plain text, its operators in ASCII."""
    parts = []
    for place, mark in enumerate(marks):
        if isinstance(mark, list):
            left, right = (_grouped(part) for part in mark[1:])
            parts.append(f"{left}{' / ' if mark[0] == 'f' else '**'}{right}")
            continue
        text = mark[1:] if mark[0] == "i" else _IN_ASCII.get(mark[1:], mark[1:])
        is_sign = mark == _SIGN and (place == 0 or marks[place - 1] in _BEFORE_A_SIGN)
        if mark == "o,":
            text += " "
        elif mark[0] == "o" and text not in "()[]..." and not is_sign:
            text = f" {text} "
        parts.append(text)
    return "".join(parts)


def _grouped(marks: Marks) -> str:
    text = text_of(marks)
    is_grouped = len(marks) == 1 or (marks[-1] == "o)" and (marks[0] == "o(" or marks[1] == "o("))
    return text if is_grouped else f"({text})"

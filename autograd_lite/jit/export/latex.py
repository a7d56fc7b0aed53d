"""Programs as LaTeX, for reading: one formula an output, and those numbers by name that are used again."""

import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from autograd_lite.core import ops
from autograd_lite.core.op import Op
from autograd_lite.jit.export.checks import readable
from autograd_lite.jit.program import Guard, Instruction, Program

__all__ = ["to_latex"]

#: A number that is used again gets a name if it is made of more than so many; any does if it is made of far more.
SMALL, LARGE = 4, 40
#: So many inputs are shown on the left of the formula.
_SHOWN = 6

_SUM, _PRODUCT, _CALL, _ATOM = range(4)
_GREEK = set(
    """
    alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi omega
    Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega
    """.split()  # noqa: SIM905 - lines of words
)


class _Formula(NamedTuple):
    """A text, how tightly its outermost operation binds, and of how many numbers it is made."""

    text: str
    level: int = _ATOM
    size: int = 1

    def within(self, level: int) -> str:
        """The text, in parentheses where it binds less tightly."""
        return self.text if self.level >= level else _parenthesized(self.text)

    # The sums of the table run on these.
    def __add__(self, other: Any) -> "_Formula":
        right = other.text
        if right == "0":
            return self
        text = f"{self.text} - {right[1:]}" if right.startswith("-") else f"{self.text} + {right}"
        return _Formula(text, _SUM, self.size + other.size + 1)

    def __mul__(self, other: Any) -> "_Formula":
        left, right = self.within(_PRODUCT), other.within(_PRODUCT)
        if right[0].isdigit() and not left[0].isdigit():  # 2 x rather than x 2
            left, right = right, left
        between = r" \cdot " if right[0].isdigit() else " "
        return _Formula(f"{left}{between}{right}", _PRODUCT, self.size + other.size + 1)

    def __truediv__(self, other: Any) -> "_Formula":
        below = other if isinstance(other, _Formula) else _constant(other)
        return _Formula(rf"\frac{{{self.text}}}{{{below.text}}}", _PRODUCT, self.size + below.size + 1)


def to_latex(program: Program, name: str | None) -> str:
    """A program as LaTeX, under its own name or another."""
    readable(program, "to_latex")
    writer = _Writer(program)
    inputs = writer.formulas[: len(program.inputs)]
    function = _named((name or program.name).replace("<lambda>", "f"))
    given = ", ".join(formula.text for formula in inputs)
    given = _parenthesized(given) if 0 < len(inputs) <= _SHOWN else ""
    single = len(program.outputs) == 1
    results = [writer.operand(output).text for output in program.outputs]
    heads = [f"{function}{'' if single else f'_{{{i}}}'}{given}" for i in range(1, len(results) + 1)]
    wheres = [(left, formula.text) for left, formula in writer.named]
    if single and not wheres and not writer.conditions:
        return f"{heads[0]} = {results[0]}"
    lines = [f"{head} &= {result}" for head, result in zip(heads, results, strict=True)]
    lines += [rf"\text{{where}} \quad {left} &= {right}" for left, right in wheres[:1]]
    lines += [f"{left} &= {right}" for left, right in wheres[1:]]
    lines += [rf"\text{{if}} \quad {condition}" for condition in writer.conditions[:1]]
    lines += [rf"\text{{and}} \quad {condition}" for condition in writer.conditions[1:]]
    return "\n".join([r"\begin{aligned}", " \\\\\n".join(lines), r"\end{aligned}"])


class _Writer:
    """The formula of each number of a program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.formulas = [_Formula(text) for text in _names(program.inputs)]
        #: What has a name of its own, in order.
        self.named: list[tuple[str, _Formula]] = []
        uses = Counter(o for i in program.instructions if not _is_check(i) for o in i.operands if type(o) is int)
        uses.update(o for o in program.outputs if type(o) is int)
        uses.update(o for guard in program.guards for o in (guard.left, guard.right) if type(o) is int)
        taken = {formula.text[0] for formula in self.formulas}
        letter = next((letter for letter in "vuwabcdz" if letter not in taken), "V")
        for position, (op, operands) in enumerate(program.instructions, len(program.inputs)):
            formula = self._applied(op, operands)
            is_large = formula.size > LARGE and position not in program.outputs
            if is_large or (uses[position] > 1 and formula.size > SMALL):
                self.named.append((f"{letter}_{{{len(self.named) + 1}}}", formula))
                formula = _Formula(self.named[-1][0])
            self.formulas.append(formula)
        self.conditions = list(map(self._condition, program.guards))

    def _condition(self, guard: Guard) -> str:
        left, right = self.operand(guard.left).text, self.operand(guard.right).text
        if type(guard.left) is int and guard.left >= len(self.program.inputs):
            decided = self.program.instructions[guard.left - len(self.program.inputs)]
            if _is_check(decided) and (guard.comparison, guard.right, guard.outcome) == ("!=", 0.0, False):
                return rf"{self.operand(decided.operands[0]).text} &\text{{ is finite}}"
        return f"{left} &{_RELATIONS[guard.comparison, guard.outcome]} {right}"

    def operand(self, operand: int | float) -> _Formula:
        """The formula of a number, or a constant."""
        return self.formulas[operand] if type(operand) is int else _constant(operand)

    def _applied(self, op: Op, operands: Sequence[int | float]) -> _Formula:
        x = [self.operand(operand) for operand in operands] or [_Formula("0")]
        size = 1 + sum(formula.size for formula in x)
        if op in ops.SUMS:
            made = op.value(*x)
            return made if isinstance(made, _Formula) else _constant(made)
        is_choice = x[0].text.startswith(r"\left[") and x[0].level == _ATOM
        if is_choice and op in {ops.equal, ops.not_equal} and operands[1] == 0.0:
            return x[0] if op is ops.not_equal else _sub(_Formula("1"), x[0])
        if op is ops.where:
            is_so = x[0].text[len(r"\left[") : -len(r"\right]")] if is_choice else rf"{x[0].text} \ne 0"
            text = rf"\begin{{cases}} {x[1].text} & {is_so} \\ {x[2].text} & \text{{otherwise}} \end{{cases}}"
            return _Formula(text, _PRODUCT, size)
        if op in _INFIX:
            return _INFIX[op](*x)
        if op in _TEMPLATES:
            text, level = _TEMPLATES[op]
            return _Formula(text.format(*[formula.text for formula in x]), level, size)
        if op in _OF_MANY:
            head, term, tail = _OF_MANY[op]
            terms = [term.format(formula.within(_ATOM) if "^{{" in term else formula.text) for formula in x]
            return _Formula(f"{head}{' + '.join(terms)}{tail}", _CALL, size)
        function = _FUNCTIONS.get(op) or rf"\operatorname{{{_escaped(op.name)}}}"
        return _Formula(function + _parenthesized(", ".join(formula.text for formula in x)), _CALL, size)


def _is_check(instruction: Instruction) -> bool:
    """Whether it is the x - x by which jit looks whether x is finite."""
    return instruction.op is ops.sub and instruction.operands[0] == instruction.operands[1]


def _power(x: _Formula, n: _Formula) -> _Formula:
    if n.text == "0.5":
        return _Formula(rf"\sqrt{{{x.text}}}", _CALL, x.size + 1)
    return _Formula(f"{x.within(_ATOM)}^{{{n.text}}}", _CALL, x.size + n.size + 1)


def _sub(x: _Formula, y: _Formula) -> _Formula:
    return _Formula(f"{x.text} - {y.within(_PRODUCT)}", _SUM, x.size + y.size + 1)


_INFIX: dict[Op, Callable[..., _Formula]] = {
    ops.add: lambda x, y: y if x.text == "0" else x + y,
    ops.sub: _sub,
    ops.mul: lambda x, y: x * y,
    ops.strong_mul: lambda x, y: x * y,
    ops.strong_zero: lambda y, x: y,
    ops.div: lambda x, y: x / y,
    ops.direction: lambda x, y, length: x / length,
    ops.neg: lambda x: _Formula(f"-{x.within(_PRODUCT)}", _SUM, x.size + 1),
    ops.identity: lambda x: x,
    ops.no_slope: lambda *xs: _Formula("0"),
    ops.power: _power,
    ops.constant_power: _power,
    ops.square: lambda x: _power(x, _Formula("2")),
    ops.reciprocal: lambda x: _Formula("1") / x,
    ops.one_minus_square: lambda x: _sub(_Formula("1"), _power(x, _Formula("2"))),
    ops.exp_difference: lambda x, y: _Formula(f"e^{{{_sub(x, y).text}}}", _CALL, x.size + y.size + 1),
    ops.mod: lambda x, y: _Formula(rf"{x.within(_ATOM)} \bmod {y.within(_ATOM)}", _SUM, x.size + y.size + 1),
}
_TEMPLATES: dict[Op, tuple[str, int]] = {
    ops.exp: ("e^{{{}}}", _CALL),
    ops.exp2: ("2^{{{}}}", _CALL),
    ops.sqrt: (r"\sqrt{{{}}}", _CALL),
    ops.cbrt: (r"\sqrt[3]{{{}}}", _CALL),
    ops.absolute: (r"\left|{}\right|", _ATOM),
    ops.floor: (r"\left\lfloor {} \right\rfloor", _ATOM),
    ops.ceil: (r"\left\lceil {} \right\rceil", _ATOM),
    ops.floordiv: (r"\left\lfloor \frac{{{}}}{{{}}} \right\rfloor", _ATOM),
    ops.lgamma: (r"\ln\left|\Gamma\left({}\right)\right|", _CALL),
    ops.polygamma: (r"\psi^{{({})}}\left({}\right)", _CALL),
    ops.greater: (r"\left[{} > {}\right]", _ATOM),
    ops.greater_equal: (r"\left[{} \ge {}\right]", _ATOM),
    ops.less: (r"\left[{} < {}\right]", _ATOM),
    ops.less_equal: (r"\left[{} \le {}\right]", _ATOM),
    ops.equal: (r"\left[{} = {}\right]", _ATOM),
    ops.not_equal: (r"\left[{} \ne {}\right]", _ATOM),
}
_OF_MANY = {
    ops.hypot: (r"\sqrt{", "{}^{{2}}", "}"),
    ops.log_sum_exp: (r"\ln\left(", "e^{{{}}}", r"\right)"),
    ops.logaddexp: (r"\ln\left(", "e^{{{}}}", r"\right)"),
}
_FUNCTIONS = {
    ops.sin: r"\sin", ops.cos: r"\cos", ops.tan: r"\tan", ops.asin: r"\arcsin", ops.acos: r"\arccos",
    ops.atan: r"\arctan", ops.sinh: r"\sinh", ops.cosh: r"\cosh", ops.tanh: r"\tanh", ops.log: r"\ln",
    ops.log2: r"\log_{2}", ops.log10: r"\log_{10}", ops.maximum: r"\max", ops.minimum: r"\min", ops.gamma: r"\Gamma",
    ops.digamma: r"\psi", ops.sigmoid: r"\sigma", ops.logistic_pdf: r"\sigma'", ops.norm_cdf: r"\Phi",
    ops.norm_pdf: r"\varphi", ops.norm_ppf: r"\Phi^{-1}",
}  # fmt: skip
_RELATIONS = {
    ("<", True): "<", ("<=", True): r"\le", (">", True): ">", (">=", True): r"\ge", ("==", True): "=",
    ("!=", True): r"\ne", ("<", False): r"\not<", ("<=", False): r"\not\le", (">", False): r"\not>",
    (">=", False): r"\not\ge", ("==", False): r"\ne", ("!=", False): "=",
}  # fmt: skip


def _parenthesized(text: str) -> str:
    return rf"\left({text}\right)"


def _constant(number: float) -> _Formula:
    if number != number:
        return _Formula(r"\text{nan}")
    if math.copysign(1.0, number) < 0.0:
        return _Formula(f"-{_constant(-number).within(_PRODUCT)}", _SUM)
    if number in {math.inf, math.pi}:
        return _Formula(r"\pi" if number == math.pi else r"\infty")
    digits, _, exponent = repr(number).removesuffix(".0").partition("e")
    return _Formula(rf"{digits} \cdot 10^{{{int(exponent)}}}", _PRODUCT) if exponent else _Formula(digits)


def _names(inputs: Sequence[str]) -> list[str]:
    """The names of the inputs, each unlike the others."""
    names: list[str] = []
    for name in map(_named, inputs):
        primes = next(n for n in itertools.count() if name + "'" * n not in names)
        names.append(name + "'" * primes)
    return names


def _named(name: str) -> str:
    r"""``x[0]``, ``x0`` and ``x_0`` as x_{0}, ``alpha`` as \alpha, words upright."""
    first, *rest = re.findall(r"[^\W\d_]+|\d+", name) or ["x"]
    subscript = f"_{{{', '.join(map(_word, rest))}}}" if rest else ""
    return _word(first) + subscript


def _word(word: str) -> str:
    if word in _GREEK:
        return f"\\{word}"
    return word if len(word) == 1 or word.isdigit() else rf"\mathrm{{{word}}}"


def _escaped(text: str) -> str:
    return re.sub(r"[^\w ]", " ", text).replace("_", r"\_")

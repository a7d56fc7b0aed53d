"""The back end that writes Python: one line an instruction, the standard library only.

The fast form is plain arithmetic. Where that makes Python raise (1 / 0.0, math.exp(1000)),
or a product of the chain rule met 0 * inf, the call is repeated with the careful form, in
which every operation answers as its primitive does.
"""

import keyword
import linecache
import re
from collections.abc import Callable
from typing import Any

from autograd_lite.core import ops
from autograd_lite.core.checks import as_float
from autograd_lite.core.loops import Item, Loop, Several
from autograd_lite.core.op import Op, is_primitive
from autograd_lite.jit.backends.pieces import Piece, pieces_of
from autograd_lite.jit.passes import fast_form
from autograd_lite.jit.program import Guard, Program

__all__ = ["PythonCode", "Text", "Writer", "function_name", "identifier", "name_of"]

#: Some thousand lines are what CPython compiles best.
PIECE = 4000
#: So many terms of a sum in one expression, as Python's parser goes one level deeper for each.
TERMS = 50

_PLAIN = {
    ops.add: "{} + {}",
    ops.sub: "{} - {}",
    ops.mul: "{} * {}",
    ops.neg: "-{}",
    ops.square: "{0} * {0}",
    ops.absolute: "abs({})",
    ops.where: "{1} if {0} else {2}",
    ops.relu: "0.0 if {0} <= 0.0 else {0}",
} | {
    op: f"1.0 if {{}} {op.symbol} {{}} else 0.0"
    for op in (ops.greater, ops.greater_equal, ops.less, ops.less_equal, ops.equal, ops.not_equal)
}
_MAY_RAISE = {ops.div: "{} / {}", ops.reciprocal: "1.0 / {}"}
_POWERS = {2.0: "{0} * {0}", 3.0: "{0} * {0} * {0}", 4.0: "{0} * {0} * {0} * {0}"}


class PythonCode:
    """A program as Python source, and called.

    ``run`` takes its inputs and gives the tuple of outputs, or the number of the first guard that does not hold.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self._fast_program = fast_form(program)
        self.source = "\n".join([*_steps(self._fast_program), Writer(self._fast_program, careful=False).source])
        self._fast = Writer.compiled(self._fast_program, careful=False)
        self._careful: Callable[..., Any] | None = None

    def call(self, *numbers: float) -> tuple[float, ...] | int:
        """As ``run``, for arguments that may not be floats: then -3."""
        return self.run(*numbers) if set(map(type, numbers)) <= {float} else -3

    def run(self, *numbers: float) -> tuple[float, ...] | int:
        """The outputs, or the number of the first guard that does not hold."""
        try:
            answer = self._fast(*numbers)
        except (ArithmeticError, ValueError):
            return self.carefully(*numbers)
        return answer if answer != -1 else self.carefully(*numbers)

    def carefully(self, *numbers: float) -> tuple[float, ...] | int:
        """The same, each operation by its primitive."""
        if self._careful is None:
            self._careful = Writer.compiled(self.program, careful=True)
        return self._careful(*numbers)  # type: ignore[no-any-return]


class Writer:
    """One source text."""

    def __init__(self, program: Program, *, careful: bool) -> None:
        self.program = program
        self.careful = careful
        self.names = _identifiers(program)
        self._templates: dict[Op, str] = {}
        pieces = pieces_of(program, PIECE)
        if len(pieces) == 1:
            body = [*self._body(pieces[0]), self._return()]
            self.source = self._function(name_of(program), self.names[: len(program.inputs)], body)
        else:
            self.source = "\n".join(self._in_pieces(pieces))

    @staticmethod
    def compiled(program: Program, *, careful: bool) -> Callable[..., Any]:
        source = Writer(program, careful=careful).source
        file = f"<autograd_lite jit {program.name} {hash(source)}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        names: dict[str, Any] = {"inf": float("inf"), "nan": float("nan")}
        for op in {op for op, _ in program.instructions}:
            names[function_name(op)] = _value_of(op, careful=careful)
        exec(compile(source, file, "exec"), names)  # noqa: S102 - the text is made from a Program
        return names[name_of(program)]  # type: ignore[no-any-return]

    def _in_pieces(self, pieces: list[Piece]) -> list[str]:
        count = len(self.program.inputs)
        texts = []
        for number, piece in enumerate(pieces):
            reads = [f"{self.names[position]} = s[{position}]" for position in piece.reads]
            writes = [f"s[{position}] = {self.names[position]}" for position in piece.writes]
            texts.append(self._function(f"piece_{number}", ["s"], [*reads, *self._body(piece), *writes, "return None"]))
        main = [f"s = [*inputs, *[0.0] * {len(self.program)}]"] if count else [f"s = [0.0] * {len(self.program)}"]
        for number in range(len(pieces)):
            main += self._called(number)
        outputs = [f"s[{o}]" if type(o) is int else _constant(o) for o in self.program.outputs]
        main.append(_returned(outputs))
        return [*texts, self._function(name_of(self.program), ["*inputs"] if count else [], main)]

    def _called(self, number: int) -> list[str]:
        """The lines that call a piece."""
        return [f"failed = piece_{number}(s)", "if failed is not None: return failed"]

    def _function(self, name: str, parameters: list[str], body: list[str]) -> str:
        return "\n    ".join([f"def {name}({', '.join(parameters)}):", *body]) + "\n"

    def _body(self, piece: Piece) -> list[str]:
        lines: list[str] = []
        guards, checked = list(piece.guards)[::-1], list(piece.checked)[::-1]
        count = len(self.program.inputs)

        def check(before: int) -> None:
            due = []
            while checked and checked[-1] < before:
                due.append(self.names[checked.pop()])
            for start in range(0, len(due), TERMS):
                lines.append(f"check = {' + '.join(due[start : start + TERMS])}")
                lines.append("if check - check != 0.0: return -1")

        for position in range(piece.start, piece.stop + 1):
            while guards and guards[-1].at <= position:
                guard = guards.pop()
                check(position)
                left, right = self._operand(guard.left), self._operand(guard.right)
                test = f"{left} {guard.comparison} {right}"
                lines.append(f"if {f'not {test}' if guard.outcome else test}: {self._failed(guard)}")
            if position < piece.stop:
                op, operands = self.program.instructions[position - count]
                name = self.names[position]
                text = self._sum(name, op, operands, lines) if op in ops.SUMS else self._written(op, operands)
                lines.append(f"{name} = {text}")
        check(piece.stop)
        return lines

    def _failed(self, guard: Guard) -> str:
        """What to do where a guard does not hold."""
        return f"return {guard.number}"

    def _return(self) -> str:
        return _returned([self._operand(o) for o in self.program.outputs])

    def _operand(self, operand: int | float) -> str:
        return self.names[operand] if type(operand) is int else _constant(operand)

    def _sum(self, name: str, op: Op, operands: tuple[int | float, ...], lines: list[str]) -> str:
        """A sum as an expression; of a long one the first terms go into lines before it, under the same name."""
        ans = op.value(*[Text(self._operand(operand), name, lines) for operand in operands])
        return str(ans)

    def _written(self, op: Op, operands: tuple[int | float, ...]) -> str:
        if isinstance(op, Item):
            return f"{self._operand(operands[0])}[{op.position}]"
        if op is ops.constant_power and type(operands[1]) is float and operands[1] in _POWERS:
            return _POWERS[operands[1]].format(self._operand(operands[0]))
        if op not in self._templates:
            template = _PLAIN.get(op) or (None if self.careful else _MAY_RAISE.get(op))
            self._templates[op] = template or f"{function_name(op)}({', '.join(['{}'] * len(operands))})"
        template = self._templates[op]
        if op.arity is None:
            template = f"{function_name(op)}({', '.join(['{}'] * len(operands))})"
        return template.format(*map(self._operand, operands))


class Text:
    """A number as the text of a sum has it: what is done with it makes the text of the result."""

    def __init__(self, text: str, name: str, lines: list[str], terms: int = 1) -> None:
        self.text, self.name, self.lines, self.terms = text, name, lines, terms

    def __str__(self) -> str:
        return self.text

    def __add__(self, other: Any) -> "Text":
        if self.terms == TERMS:
            self.lines.append(f"{self.name} = {self}")
            return Text(f"{self.name} + {other}", self.name, self.lines, 2)
        return Text(f"{self} + {other}", self.name, self.lines, self.terms + 1)

    def __mul__(self, other: Any) -> "Text":
        return Text(f"{self} * {other}", self.name, self.lines)

    def __truediv__(self, other: Any) -> "Text":
        return Text(f"({self}) / {other!r}", self.name, self.lines)


def _steps(program: Program) -> list[str]:
    """The sources of the steps of all loops, for the reader."""
    steps = [fast_form(op.program) for op, _ in program.instructions if isinstance(op, Loop)]
    return [text for step in steps for text in (*_steps(step), Writer(step, careful=False).source)]


def _repeated(loop: Loop, *, careful: bool) -> Callable[..., Any]:
    """A loop as a function of its operands."""
    step = Writer.compiled(loop.program if careful else fast_form(loop.program), careful=careful)

    def checked(*numbers: float) -> Any:
        outputs = step(*numbers)
        if outputs == -1:
            raise ArithmeticError("the careful form is needed")
        return outputs

    return lambda *operands: loop.repeated(step if careful else checked, operands)


def _value_of(op: Op, *, careful: bool) -> Callable[..., Any]:
    if is_primitive(op):
        return op.evaluate if careful else op.value
    if isinstance(op, Loop):
        return _repeated(op, careful=careful)
    if isinstance(op, Several):
        return op.evaluate

    def evaluate(*numbers: float) -> float:  # an Op of the user's may give any kind of number
        return as_float(op.evaluate(*numbers))

    return evaluate


def _returned(outputs: list[str]) -> str:
    return f"return ({', '.join(outputs)}{',' * (len(outputs) == 1)})"


def function_name(op: Op) -> str:
    name = identifier(op.name)
    return f"{name}_" if op.is_of_the_table else f"{name}_{id(op)}"


def identifier(text: str) -> str:
    name = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_") or "x"
    return f"_{name}" if name[0].isdigit() or keyword.iskeyword(name) else name


def _own(text: str, taken: set[str]) -> str:
    """A name of the user's as Python has it, unlike all that are taken; it is one then."""
    name = identifier(text)
    while name in taken or name.endswith("_") or re.fullmatch(r"v\d+|piece_\d+", name):
        name += "x"
    taken.add(name)
    return name


def _taken() -> set[str]:
    return {"s", "inputs", "failed", "check", "inf", "nan", "abs", "float", "not", "ValueError"}


def name_of(program: Program) -> str:
    return _own(program.name, _taken())


def _identifiers(program: Program) -> list[str]:
    """The names of a program's numbers as Python has them, each once."""
    taken = {*_taken(), name_of(program)}
    return [*(_own(text, taken) for text in program.inputs), *(f"v{i}" for i in range(len(program)))]


def _constant(number: float) -> str:
    text = repr(number)
    return f"({text})" if text.startswith("-") else text

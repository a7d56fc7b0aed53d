"""Programs as C99 that compiles by itself.

What is written is the arithmetic of the table, in the same order: with a compiler that keeps to IEEE 754 and the C
library that Python's ``math`` calls, it gives the same bits.
"""

import os
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autograd_lite._files import write_whole
from autograd_lite._version import __version__
from autograd_lite.core import ops
from autograd_lite.core.op import Op
from autograd_lite.errors import ArgumentError
from autograd_lite.jit.backends.pieces import Piece, pieces_of
from autograd_lite.jit.backends.python import Text
from autograd_lite.jit.export.checks import exportable
from autograd_lite.jit.export.names import is_free, parameters
from autograd_lite.jit.export.table import formula, text_of
from autograd_lite.jit.export.translation import LIBRARY, PREFIX, Helpers, NotInC, constant, specialized
from autograd_lite.jit.program import Guard, Program

__all__ = ["CSource", "to_c"]

#: So many instructions in one function, as compilers take longer an instruction for larger ones.
PIECE = 500
#: From so many instructions on -O2 takes minutes, and gains little.
LONG = 5000
#: C promises 127 parameters, of which one is for the outputs. A function of more inputs takes them in an array.
PARAMETERS = 126
#: So many guards, or characters of a line, are shown.
_GUARDS, _WIDTH = 100, 110

_INFIX = {ops.add: "+", ops.sub: "-", ops.mul: "*", ops.div: "/"}
_UNSAFE = """\
#if defined(__FAST_MATH__) || (defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0)
#error "compile without -ffast-math, and for doubles that are rounded as such (SSE2): the answers would change"
#endif
#if defined(__clang__) || !defined(__GNUC__)
#pragma STDC FP_CONTRACT OFF
#endif
"""

_LOG_SUM_EXP = """\
/* log(exp(x) + exp(y) + ...), relative to the largest, so that nothing overflows. */
static double ag_log_sum_exp(int n, const double *xs) {
    double largest = -INFINITY, total = 0.0;
    int i;
    for (i = 0; i < n; i++) {
        if (xs[i] != xs[i]) return xs[i];
        if (xs[i] > largest) largest = xs[i];
    }
    if (isinf(largest)) return largest;
    for (i = 0; i < n; i++) total += exp(xs[i] - largest);
    return largest + log(total);
}"""

# Python has a hypot of its own, which rounds correctly but in one case of very many, as this one does.
_HYPOT = """\
/* sqrt(x * x + y * y + ...), rounded once: the sum and the root in twice the digits. */
static double ag_hypot(int n, const double *xs) {
    double largest = 0.0, total = 0.0, rest = 0.0, root, x, high, low;
    int i, exponent, has_nan = 0;
    for (i = 0; i < n; i++) {
        x = fabs(xs[i]);
        if (isinf(x)) return x;
        if (x != x) has_nan = 1;
        if (x > largest) largest = x;
    }
    if (has_nan) return NAN;
    if (n == 1 || largest == 0.0) return largest;
    frexp(largest, &exponent);
    for (i = 0; i < n; i++) {
        x = ldexp(xs[i], -exponent);
        ag_split(x, &high, &low);
        ag_added(total, rest, x * x, &total, &rest);
        rest += high * high - x * x + 2.0 * high * low + low * low;
    }
    root = sqrt(total + rest);
    ag_split(root, &high, &low);
    ag_added(total, rest, -(root * root), &total, &rest);
    rest -= high * high - root * root + 2.0 * high * low + low * low;
    return ldexp(root + (total + rest) / (2.0 * root), exponent);
}"""


@dataclass(frozen=True)
class CSource:
    """A program as C: the texts of three files.

    >>> from autograd_lite import jit, tanh
    >>> fast = jit(lambda x, y: tanh(x * y) + x)
    >>> fast(0.5, 2.0) == fast.program(0.5, 2.0)[0]
    True
    >>> c = fast.to_c("f")
    >>> [line for line in c.source.splitlines() if "tanh" in line]
    ['    const double v1 = tanh(v0);']
    """

    #: The name of the function.
    name: str
    #: ``name.c``.
    source: str
    #: ``name.h``, which says what the inputs and outputs are.
    header: str
    #: ``name_main.c``, a program that calls the function once and prints its outputs.
    main: str

    def __str__(self) -> str:
        return self.source

    def write(self, folder: str | os.PathLike[str] = ".") -> list[Path]:
        """Write the three files into a folder, each whole or not at all; returns their paths.

        Raises ``OSError`` if the folder is missing or cannot be written.
        """
        texts = {f"{self.name}.h": self.header, f"{self.name}.c": self.source, f"{self.name}_main.c": self.main}
        return [write_whole(Path(folder) / file, text.encode()) for file, text in texts.items()]


def to_c(program: Program, name: str, numbers: Sequence[float], outputs: Sequence[str]) -> CSource:
    """A program as C, under a name of its own; ``main`` calls it at these numbers, ``outputs`` say what it gives."""
    if not is_free(name):
        raise ArgumentError(f"to_c needs a name that C has no use for itself, such as 'f'; got {name!r}")
    writer = _Writer(exportable(program, "to_c"), name)
    return CSource(name, writer.source, writer.header(outputs), writer.main(numbers))


class _Writer:
    """The text of one program."""

    def __init__(self, program: Program, name: str) -> None:
        self.program, self.name = program, name
        self.helpers = Helpers()
        self.count = len(program.inputs)
        self.takes_array = self.count > PARAMETERS
        self.inputs = parameters(program.inputs, name)
        #: Constants that a compiler is not to compute with.
        self.constants: dict[str, str] = {}
        #: How an operand is read.
        self.texts = [f"inputs[{i}]" for i in range(self.count)] if self.takes_array else list(self.inputs)
        self.texts += [f"v{i}" for i in range(len(program))]
        pieces = pieces_of(program, PIECE)
        functions = self._whole(pieces[0]) if len(pieces) == 1 else self._in_pieces(pieces)
        self.source = "\n".join([*self._head(), *self.helpers.texts.values(), "", *functions, ""])

    # -- Files --

    def _head(self) -> list[str]:
        level = 2 if len(self.program) <= LONG else 1
        text = f"""\
/* {self.name}, as autograd_lite {__version__} recorded it; see {self.name}.h.

   The answers are those of Python to the last bit if the compiler rounds every operation as it stands:
       cc -std=c99 -O{level} -ffp-contract=off -c {self.name}.c
   and if the C library is the one that Python calls. Link with -lm. */

#include <math.h>
#include "{self.name}.h"

{_UNSAFE}"""
        if not self.constants:
            return [text]
        lines = ["/* Volatile, as a compiler would compute with these beforehand, and may round otherwise. */"]
        lines += [f"static const volatile double {name} = {text};" for text, name in self.constants.items()]
        return [text, *lines, ""]

    def header(self, outputs: Sequence[str]) -> str:
        """The .h, whose comment says what the numbers are."""
        guard = f"{self.name.upper()}_H"
        lines = [f"/* {self.name}, as autograd_lite {__version__} recorded it.", ""]
        lines += ["   Inputs: the arguments, then what the function closes over."]
        shown = [f"inputs[{i}]" for i in range(self.count)] if self.takes_array else self.inputs
        lines += [
            f"       {c_name}: {_in_comment(name)}" for c_name, name in zip(shown, self.program.inputs, strict=True)
        ]
        lines += ["", "   Outputs, in an array of their own:" if self.takes_array else "   Outputs:"]
        lines += [f"       outputs[{i}]{f': {_in_comment(text)}' if text else ''}" for i, text in enumerate(outputs)]
        lines += ["", "   Returns 0."]
        if self.program.guards:
            lines[-1] = (
                "   Returns 0 if the inputs take the path that was recorded. Else nothing is written to outputs, and it"
            )
            lines += ["   returns which of these is not so:"]
            lines += [f"       {guard_text}" for guard_text in self._guards_shown()]
        lines[-1] += " */"
        declaration = f"int {self.name}({self._parameter_list()});"
        return "\n".join([
            *lines, "", f"#ifndef {guard}", f"#define {guard}", "", "#ifdef __cplusplus", 'extern "C" {', "#endif", "",
            *_wrapped(declaration), "", "#ifdef __cplusplus", "}", "#endif", "", "#endif", "",
        ])  # fmt: skip

    def main(self, numbers: Sequence[float]) -> str:
        """A program that calls the function."""
        given = [constant(float(number)) for number in numbers]
        call = "inputs, outputs" if self.takes_array else ", ".join([*given, "outputs"])
        array = f"    const double inputs[{self.count}] = {{{', '.join(given)}}};"
        count = len(self.program.outputs)
        lines = [
            f"/* Calls {self.name} once, and prints its outputs. Build:",
            f"       cc -std=c99 -O2 -ffp-contract=off {self.name}.c {self.name}_main.c -lm */",
            "", "#include <math.h>", "#include <stdio.h>", f'#include "{self.name}.h"', "", "int main(void) {",
            *(_wrapped(array) if self.takes_array else []),
            f"    double outputs[{max(count, 1)}];",
            *_wrapped(f"    const int failed = {self.name}({call});"),
            "    int i;",
            "    if (failed) {",
            f'        fprintf(stderr, "{self.name} was recorded for another path: comparison %d\\n", failed);',
            "        return 1;",
            "    }",
            f'    for (i = 0; i < {count}; i++) printf("%.17g\\n", outputs[i]);',
            "    return 0;", "}", "",
        ]  # fmt: skip
        return "\n".join(lines)

    def _guards_shown(self) -> list[str]:
        names = self.program.names()

        def shown(operand: int | float) -> str:
            return _in_comment(names[operand]) if type(operand) is int else repr(operand)

        texts = [
            f"{g.number + 1}: {shown(g.left)} {g.comparison} {shown(g.right)} is {str(g.outcome).lower()}"
            for g in self.program.guards
        ]
        return texts if len(texts) <= _GUARDS else [*texts[:_GUARDS], f"... and {len(texts) - _GUARDS} more"]

    # -- Functions --

    def _parameter_list(self) -> str:
        inputs = ["const double *inputs"] if self.takes_array else [f"double {name}" for name in self.inputs]
        return ", ".join([*inputs, "double *outputs"])

    def _whole(self, piece: Piece) -> list[str]:
        body = [*self._body(piece), *self._outputs()]
        read = set(re.findall(r"\w+", " ".join(body)))
        names = [*(["inputs"] if self.takes_array else self.inputs), "outputs"]
        unused = [f"    (void){name};" for name in names if name not in read]
        return [*_wrapped(f"int {self.name}({self._parameter_list()}) {{"), *unused, *body, "    return 0;", "}"]

    def _in_pieces(self, pieces: list[Piece]) -> list[str]:
        lines: list[str] = []
        inputs = [f"inputs[{i}]" for i in range(self.count)]
        slots = {position: i for i, position in enumerate(p for piece in pieces for p in piece.writes)}
        local = self.texts
        self.texts = [*inputs, *(f"s[{slots.get(i, 0)}]" for i in range(self.count, len(local)))]
        for number, piece in enumerate(pieces):
            self.texts[piece.start : piece.stop] = local[piece.start : piece.stop]
            body = self._body(piece)
            body += [f"    s[{slots[position]}] = {local[position]};" for position in piece.writes]
            self.texts[piece.start : piece.stop] = [f"s[{slots.get(p, 0)}]" for p in range(piece.start, piece.stop)]
            lines += [
                f"static int piece_{number}(const double *inputs, double *s) {{",
                "    (void)inputs;",
                "    (void)s;",
            ]
            lines += [*body, "    return 0;", "}", ""]
        lines += [*_wrapped(f"int {self.name}({self._parameter_list()}) {{"), f"    double s[{max(len(slots), 1)}];"]
        if not self.takes_array:
            lines += _wrapped(f"    const double inputs[{max(self.count, 1)}] = {{{', '.join(self.inputs) or '0.0'}}};")
        lines += ["    int failed;", *([] if self.program.outputs else ["    (void)outputs;"])]
        lines += [f"    if ((failed = piece_{number}(inputs, s)) != 0) return failed;" for number in range(len(pieces))]
        return [*lines, *self._outputs(), "    return 0;", "}"]

    def _outputs(self) -> list[str]:
        return [f"    outputs[{i}] = {self._operand(output)};" for i, output in enumerate(self.program.outputs)]

    # -- Lines --

    def _body(self, piece: Piece) -> list[str]:
        lines: list[str] = []
        guards = sorted(piece.guards, key=lambda guard: guard.at)[::-1]
        for position in range(piece.start, piece.stop + 1):
            while guards and guards[-1].at <= position:
                lines += _wrapped(f"    {self._guard(guards.pop())}")
            if position < piece.stop:
                op, operands = self.program.instructions[position - self.count]
                for line in self._instruction(f"v{position - self.count}", op, operands):
                    lines += _wrapped(f"    {line}")
        return lines

    def _guard(self, guard: Guard) -> str:
        test = f"{self._operand(guard.left)} {guard.comparison} {self._operand(guard.right)}"
        return f"if ({f'!({test})' if guard.outcome else test}) return {guard.number + 1};"

    def _operand(self, operand: int | float) -> str:
        return self.texts[operand] if type(operand) is int else constant(operand)

    def _instruction(self, name: str, op: Op, operands: tuple[int | float, ...]) -> list[str]:
        if op in ops.SUMS:
            return self._sum(name, op, operands)
        if op is ops.log_sum_exp or op is ops.hypot:
            return self._of_many(name, op, operands)
        return [f"const double {name} = {self._expression(op, operands)};"]

    def _sum(self, name: str, op: Op, operands: tuple[int | float, ...]) -> list[str]:
        """A sum as an expression; of a long one the first terms go into lines before it."""
        steps: list[str] = []
        ans = op.value(*[Text(self._operand(operand), name, steps) for operand in operands])
        if not steps:
            return [f"const double {name} = {ans};"]
        return [f"double {steps[0]};", *(f"{step};" for step in steps[1:]), f"{name} = {ans};"]

    def _of_many(self, name: str, op: Op, operands: tuple[int | float, ...]) -> list[str]:
        if op is ops.hypot:
            self.helpers.function("special", "_split")
            self.helpers.function("special", "_added")
            self.helpers.texts[function := "ag_hypot"] = _HYPOT
        else:
            self.helpers.texts[function := "ag_log_sum_exp"] = _LOG_SUM_EXP
        if not operands:
            return [f"const double {name} = {function}(0, 0);"]
        listed, array = ", ".join(map(self._operand, operands)), f"t{name[1:]}"
        return [
            f"const double {array}[{len(operands)}] = {{{listed}}};",
            f"const double {name} = {function}({len(operands)}, {array});",
        ]

    def _expression(self, op: Op, operands: tuple[int | float, ...]) -> str:
        x = [self._operand(operand) for operand in operands]
        if op in _INFIX:
            return f"{x[0]} {_INFIX[op]} {x[1]}"
        if op is ops.neg:
            return f"-{x[0]}"
        if op is ops.no_slope:
            return "0.0"
        if op is ops.round_ and operands[1] == 0.0 and type(operands[1]) is float:
            return f"rint({x[0]})"
        if op is ops.constant_power and type(operands[1]) is float:
            power = specialized("kernels", "constant_power", n=operands[1])
            return self._call("pow", operands) if "pow" in power else re.sub(r"\bx\b", x[0], power)
        return self._call(self._function(op), operands)

    def _call(self, function: str, operands: tuple[int | float, ...]) -> str:
        hides = function in LIBRARY or function in self.helpers.call_library
        return f"{function}({', '.join(self._hidden(o) if hides else self._operand(o) for o in operands)})"

    def _hidden(self, operand: int | float) -> str:
        if type(operand) is int:
            return self._operand(operand)
        return self.constants.setdefault(constant(operand), f"k{len(self.constants)}")

    def _function(self, op: Op) -> str:
        """The function of C that gives the value of a primitive."""
        if op is ops.absolute:
            return "fabs"
        if op is ops.mod or op is ops.floordiv:
            return self._of_the_machine(op.name)
        place, name = formula(op).value
        if place == "math" and name in LIBRARY:
            return name
        try:
            if place == "math":
                raise NotInC(f"{place}.{name} is Python's own")
            return self.helpers.function(place, name)
        except NotInC as error:
            raise ArgumentError(
                f"to_c has no C for {op.name!r} that gives the same bits: {error}. to_python() has it"
            ) from None

    def _of_the_machine(self, name: str) -> str:
        """A function of Python's operators, which the virtual machine has in C."""
        function = f"{PREFIX}{name}"
        found = re.search(rf"^static inline double vm_{name}\(.*?^}}", text_of("vm.h"), re.MULTILINE | re.DOTALL)
        assert found, name
        self.helpers.texts[function] = found[0].replace(f"inline double vm_{name}", f"double {function}")
        return function


def _in_comment(text: str) -> str:
    return " ".join(text.split()).replace("*/", "* /").replace("/*", "/ *")


def _wrapped(line: str) -> list[str]:
    if len(line) <= _WIDTH:
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.wrap(
        line.strip(), _WIDTH, initial_indent=indent, subsequent_indent=f"{indent}    ", break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip

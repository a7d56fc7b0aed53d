"""Programs written as LLVM's intermediate representation: which lines an operation is.

What is written is the arithmetic of :mod:`autograd_lite.core.kernels` and the C functions behind
Python's ``math``, in the same order. An operation that has no such form here is called back
in Python, as it is.
"""

import math
import struct
from collections.abc import Callable, Sequence
from typing import Any

from autograd_lite.core import ops
from autograd_lite.core.checks import as_float
from autograd_lite.core.loops import Several, stack
from autograd_lite.core.op import Op
from autograd_lite.jit.backends import cpython, llvm_loops
from autograd_lite.jit.backends.pieces import Piece, pieces_of
from autograd_lite.jit.passes import write_out
from autograd_lite.jit.program import Guard, Program

__all__ = ["LIBM", "Source"]

#: LLVM takes longer an instruction for larger functions.
PIECE = 500
#: From so many instructions on a call releases the interpreter lock, which takes as long as some 100 of them.
LONG = 500
#: Up to so many numbers are kept on the stack, which is small in some threads.
STACK = 512

#: Primitives that are a function of C's library, by its name there.
LIBM: dict[Op, str] = {
    ops.exp: "exp", ops.exp2: "exp2", ops.expm1: "expm1", ops.log: "log", ops.log2: "log2", ops.log10: "log10",
    ops.log1p: "log1p", ops.cbrt: "cbrt", ops.sin: "sin", ops.cos: "cos", ops.tan: "tan", ops.asin: "asin",
    ops.acos: "acos", ops.atan: "atan", ops.sinh: "sinh", ops.cosh: "cosh", ops.tanh: "tanh", ops.asinh: "asinh",
    ops.acosh: "acosh", ops.atanh: "atanh", ops.erf: "erf", ops.erfc: "erfc", ops.power: "pow", ops.atan2: "atan2",
}  # fmt: skip
_INSTRUCTIONS = {ops.add: "fadd", ops.sub: "fsub", ops.mul: "fmul", ops.div: "fdiv"}
_INTRINSICS = {
    ops.absolute: "fabs", ops.sqrt: "sqrt", ops.floor: "floor", ops.ceil: "ceil", ops.trunc: "trunc",
    ops.copysign: "copysign",
}  # fmt: skip
_ORDERED = {"<": "olt", "<=": "ole", ">": "ogt", ">=": "oge", "==": "oeq", "!=": "une"}
_COMPARISONS = {
    op: _ORDERED[op.symbol]
    for op in (ops.greater, ops.greater_equal, ops.less, ops.less_equal, ops.equal, ops.not_equal)
}


class Source:
    """The text of one program."""

    def __init__(
        self, program: Program, *, fast_math: bool = False, form: Callable[[Program], Program] = lambda step: step
    ) -> None:
        program = write_out(program)
        self.program = program
        self._loops = llvm_loops.Functions(self, lambda step: write_out(form(step)))
        self._has_loops = bool(program.steps()) or any(op is stack for op, _ in program.instructions)
        self.fast = " fast" if fast_math else ""
        #: The functions of C's library by their symbols, with their counts of operands.
        self.externals: dict[str, int] = {}
        #: The functions of Python's that the code calls, by primitive and count of operands. They have to live as long.
        self.functions: dict[tuple[Op, int], Callable[..., float]] = {}
        self._slots = {position: position for position in range(len(program.inputs))}
        self._lines: list[str] = []
        self._allocations: list[str] = []
        self._fresh = 0
        self._has_stop = False
        self._before = 0  # up to which position numbers are in the array
        pieces = pieces_of(program, PIECE, waits=lambda op: not has_code(op))
        for piece in pieces:
            for position in piece.writes:
                self._slots[position] = len(self._slots)
        self._heap = len(self._slots) + sum(type(o) is float for o in program.outputs)
        self.size = self._heap + self._has_loops
        functions = [self._piece(number, piece) for number, piece in enumerate(pieces)]
        self.text = "\n".join([*self._loops.texts, *functions, self._entry(len(pieces)), *self._declarations()])

    # -- Functions --

    def _piece(self, number: int, piece: Piece) -> str:
        self._lines, self._allocations = [], []
        self._calls_python = self._has_stop = False
        count = len(self.program.inputs)
        self._before = piece.start
        instructions = self.program.instructions[piece.start - count : piece.stop - count]
        # A stack copies its numbers from where they are.
        needed = {o for op, operands in instructions if op is not stack for o in operands if type(o) is int}
        needed.update([o for guard in piece.guards for o in (guard.left, guard.right) if type(o) is int], piece.checked)
        for position in filter(needed.__contains__, piece.reads):
            self._lines.append(f"%p{position} = getelementptr double, ptr %s, i64 {self._slots[position]}")
            self._lines.append(f"%v{position} = load double, ptr %p{position}")
        for position, (op, operands) in enumerate(instructions, piece.start):
            self._write(f"%v{position}", op, operands)
        for position in piece.writes:
            self._lines.append(f"%p{position} = getelementptr double, ptr %s, i64 {self._slots[position]}")
            self._lines.append(f"store double %v{position}, ptr %p{position}")
        self._lines.append(f"ret i64 {self._failure(piece)}")
        if self._calls_python:
            self._lines += ["error:", f"ret i64 {cpython.ERROR}"]
        if self._has_stop:
            self._lines += ["stop:", "%stopped = load i64, ptr %status", "ret i64 %stopped"]
        heap = f"%heap = getelementptr double, ptr %s, i64 {self._heap}"
        head = [f"define internal i64 @piece_{number}(ptr noalias %s) {{", *self.allocations(), heap]
        return "\n  ".join([*head, *self._lines]) + "\n}"

    def function(self, write: Callable[[], str]) -> str:
        """What ``write`` gives, in whose lines it is another function."""
        before = self._lines, self._allocations, self._has_stop, self._calls_python, self._before
        self._lines, self._allocations, self._before = [], [], 0
        text = write()
        self._lines, self._allocations, self._has_stop, self._calls_python, self._before = before
        return text

    def allocate(self, count: int) -> str:
        """An array of so many doubles for as long as the function runs."""
        self._fresh += 1
        self._allocations.append(f"%a{self._fresh} = alloca [{count} x double]")
        return f"%a{self._fresh}"

    def allocations(self) -> list[str]:
        """The lines at the beginning of the function that make its arrays."""
        lines, self._allocations = [*self._allocations, "%status = alloca i64"], []
        return lines

    def stop_unless(self, condition: str, status: str) -> None:
        """End the function with a status if a condition does not hold."""
        self._fresh += 1
        self._has_stop = True
        self._lines += [
            f"store i64 {status}, ptr %status",
            f"br i1 {condition}, label %on{self._fresh}, label %stop",
            f"on{self._fresh}:",
        ]

    def _failure(self, piece: Piece) -> str:
        """Which guard fails first, -2 if the careful form is needed, -1 if all is well."""
        result = "-1"
        for guard in reversed(piece.guards):
            holds = self._holds(guard)
            outcomes = (result, str(guard.number)) if guard.outcome else (str(guard.number), result)
            result = self._line(f"select i1 {holds}, i64 {outcomes[0]}, i64 {outcomes[1]}")
        return self._unsure(piece.checked, result)

    def _unsure(self, checked: Sequence[int], result: str) -> str:
        """A result, or -2 if one of these numbers is not finite."""
        sums = [f"%v{position}" for position in checked]
        while len(sums) > 1:  # in pairs, which the processor adds side by side
            pairs = [self._line(f"fadd double {a}, {b}") for a, b in zip(sums[::2], sums[1::2], strict=False)]
            sums = pairs + sums[len(pairs) * 2 :]
        if sums:
            zero = self._line(f"fsub double {sums[0]}, {sums[0]}")
            is_fine = self._line(f"fcmp oeq double {zero}, 0.0")
            result = self._line(f"select i1 {is_fine}, i64 {result}, i64 {cpython.UNSURE}")
        return result

    def _holds(self, guard: Guard) -> str:
        left, right = self._operand(guard.left), self._operand(guard.right)
        return self._line(f"fcmp {_ORDERED[guard.comparison]} double {left}, {right}")

    def _entry(self, pieces: int) -> str:
        outputs = []
        constants: list[str] = []
        for output in self.program.outputs:
            if type(output) is int:
                outputs.append(self._slots[output])
            else:
                slot = len(self._slots) + len(constants) // 2
                constants.append(f"%k{slot} = getelementptr double, ptr %s, i64 {slot}")
                constants.append(f"store double {_constant(output)}, ptr %k{slot}")
                outputs.append(slot)
        if self._has_loops:
            constants += [f"%heap = getelementptr double, ptr %s, i64 {self._heap}", "store ptr null, ptr %heap"]
        return cpython.entry(
            inputs=len(self.program.inputs),
            outputs=outputs,
            constants=constants,
            size=self.size,
            on_heap=self.size > STACK,
            # Functions of Python's need the lock.
            releases=(len(self.program) >= LONG or self._has_loops) and not self.functions,
            pieces=pieces,
            free_blocks="call void @free_blocks(ptr %heap)" if self._has_loops else "",
        )

    def _declarations(self) -> list[str]:
        counts = {
            **self.externals,
            **{f"llvm.{name}.f64": 1 for name in ("fabs", "sqrt", "floor", "ceil", "trunc", "roundeven")},
            "llvm.copysign.f64": 2,
        }
        declared = [f"declare double @{name}({', '.join(['double'] * n)})" for name, n in counts.items()]
        return [
            *declared,
            *cpython.formats([n for _, n in self.functions]),
            cpython.DECLARATIONS,
            *([llvm_loops.SUPPORT] if self._has_loops else []),
        ]

    # -- Lines --

    def _line(self, text: str) -> str:
        self._fresh += 1
        name = f"%t{self._fresh}"
        self._lines.append(f"{name} = {text}")
        return name

    def _operand(self, operand: int | float) -> str:
        return f"%v{operand}" if type(operand) is int else _constant(operand)

    def _write(self, name: str, op: Op, operands: tuple[int | float, ...]) -> None:
        """The lines of one instruction, the last of which sets ``name``."""
        x = [self._operand(operand) for operand in operands]
        if isinstance(op, Several):
            self._loops.write(name, op, x, [self._stored_at(o) for o in operands])
        elif op in _INSTRUCTIONS:
            self._lines.append(f"{name} = {_INSTRUCTIONS[op]}{self.fast} double {x[0]}, {x[1]}")
        elif op is ops.neg:
            self._lines.append(f"{name} = fneg double {x[0]}")
        elif op in _COMPARISONS:
            self._lines.append(f"{name} = uitofp i1 {self._compared(_COMPARISONS[op], x[0], x[1])} to double")
        elif op in LIBM:
            self._lines.append(f"{name} = {self._libm(LIBM[op], *x)}")
        elif op in _INTRINSICS:
            self._lines.append(f"{name} = {_intrinsic(_INTRINSICS[op], *x)}")
        else:
            composed = _COMPOSED.get(op)
            text = composed(self, operands, *x) if composed else None
            if text:
                self._lines.append(f"{name} = {text}")
            else:
                self._call_python(name, op, x)

    def _stored_at(self, operand: int | float) -> int | None:
        """Where in the array an operand is, if it is there by now."""
        return self._slots.get(operand) if type(operand) is int and operand < self._before else None

    def _compared(self, condition: str, x: str, y: str) -> str:
        return self._line(f"fcmp {condition} double {x}, {y}")

    def _select(self, condition: str, x: str, y: str) -> str:
        return f"select i1 {condition}, double {x}, double {y}"

    def _arithmetic(self, instruction: str, x: str, y: str) -> str:
        return f"{instruction}{self.fast} double {x}, {y}"

    def _libm(self, name: str, *x: str) -> str:
        symbol = f"libm.{name}"
        self.externals[symbol] = len(x)
        return _call(symbol, *x)

    def _call_python(self, name: str, op: Op, x: list[str]) -> None:
        """The lines of an operation that has no machine code."""
        key = (op, len(x))
        if key not in self.functions:
            self.functions[key] = _as_function(op)
        self._fresh += 1
        result, lines = cpython.called(self.functions[key], x, self._fresh)
        self._lines += [*lines, f"{name} = select i1 true, double {result}, double {result}"]
        self._calls_python = True


def has_code(op: Op) -> bool:
    """Whether an operation is machine code in most cases, and not a call of Python's own function of it."""
    tables = (_INSTRUCTIONS, _COMPARISONS, LIBM, _INTRINSICS, _COMPOSED)
    return op is ops.neg or any(op in table for table in tables)


def _as_function(op: Op) -> Callable[..., float]:
    def evaluate(*numbers: float) -> float:
        return float(as_float(op.evaluate(*numbers)))

    return evaluate


def _call(symbol: str, *x: str) -> str:
    return f"call double @{symbol}({', '.join(f'double {one}' for one in x)})"


def _intrinsic(name: str, *x: str) -> str:
    return _call(f"llvm.{name}.f64", *x)


def _constant(number: float) -> str:
    return "0x" + struct.pack(">d", number).hex().upper()


# ---- The primitives that are written out, from the same arithmetic as in kernels.py -------

_ZERO, _ONE, _HALF, _INF = map(_constant, (0.0, 1.0, 0.5, math.inf))


def _maximum(w: Source, x: str, y: str, condition: str = "oge") -> str:
    takes_x = w._line(f"or i1 {w._compared(condition, x, y)}, {w._compared('uno', x, x)}")
    return w._select(takes_x, x, y)


def _sigmoid(w: Source, x: str) -> str:
    # exp(-x) from 0 up, exp(x) below: of -abs(x) either way
    e = w._line(w._libm("exp", w._line(f"fneg double {w._line(_intrinsic('fabs', x))}")))
    above = w._line(w._select(w._compared("oge", x, _ZERO), _ONE, e))
    return w._arithmetic("fdiv", above, w._line(w._arithmetic("fadd", _ONE, e)))


def _logistic_pdf(w: Source, x: str) -> str:
    e = w._line(w._libm("exp", w._line(f"fneg double {w._line(_intrinsic('fabs', x))}")))
    above = w._line(w._arithmetic("fadd", _ONE, e))
    return w._arithmetic("fdiv", e, w._line(w._arithmetic("fmul", above, above)))


def _exp_difference(w: Source, x: str, y: str) -> str:
    e = w._line(w._libm("exp", w._line(w._arithmetic("fsub", x, y))))
    are_inf = w._line(f"and i1 {w._compared('oeq', x, _INF)}, {w._compared('oeq', y, _INF)}")
    return w._select(are_inf, _ONE, e)


def _softplus(w: Source, x: str) -> str:
    e = w._line(w._libm("exp", w._line(f"fneg double {w._line(_intrinsic('fabs', x))}")))
    linear = w._line(w._select(w._compared("ogt", x, _ZERO), x, _ZERO))
    return w._arithmetic("fadd", linear, w._line(w._libm("log1p", e)))


def _gelu(w: Source, x: str) -> str:
    scaled = w._line(w._arithmetic("fmul", w._line(f"fneg double {x}"), _constant(math.sqrt(0.5))))
    half = w._line(w._arithmetic("fmul", _HALF, x))
    return w._arithmetic("fmul", half, w._line(w._libm("erfc", scaled)))


def _above_or(w: Source, x: str, below: str) -> str:
    return w._select(w._compared("ogt", x, _ZERO), x, below)


def _log_sum_exp(w: Source, xs: tuple[str, ...]) -> str:
    largest = xs[0]
    for x in xs[1:]:
        largest = w._line(_maximum(w, largest, x))
    total = _ZERO
    for x in xs:
        e = w._line(w._libm("exp", w._line(w._arithmetic("fsub", x, largest))))
        total = w._line(w._arithmetic("fadd", total, e))
    ans = w._line(w._arithmetic("fadd", largest, w._line(w._libm("log", total))))
    is_infinite = w._compared("oeq", w._line(_intrinsic("fabs", largest)), _INF)
    return w._select(is_infinite, largest, ans)


def _product(w: Source, x: str, y: str) -> str:
    ans = w._line(w._arithmetic("fmul", x, y))
    has_zero = w._line(f"or i1 {w._compared('oeq', x, _ZERO)}, {w._compared('oeq', y, _ZERO)}")
    return w._select(w._line(f"and i1 {w._compared('uno', ans, ans)}, {has_zero}"), _ZERO, ans)


def _kept(w: Source, y: str, x: str) -> str:
    difference = w._line(f"fsub double {y}, {y}")
    hides = w._line(f"and i1 {w._compared('oeq', x, _ZERO)}, {w._compared('une', difference, _ZERO)}")
    return w._select(hides, _ZERO, y)


def _sign(w: Source, x: str) -> str:
    below = w._line(w._select(w._compared("olt", x, _ZERO), _constant(-1.0), _ZERO))
    known = w._line(w._select(w._compared("ogt", x, _ZERO), _ONE, below))
    return w._select(w._compared("uno", x, x), x, known)


def _constant_power(w: Source, operands: tuple[int | float, ...], x: str, n: str) -> str | None:
    exponent = operands[1]
    if type(exponent) is int:  # a number of the call: left to Python
        return None
    if exponent in {2.0, 3.0, 4.0, -2.0}:
        power = x
        for _ in range(int(abs(exponent)) - 2):
            power = w._line(w._arithmetic("fmul", power, x))
        if exponent > 0:
            return w._arithmetic("fmul", power, x)
        return w._arithmetic("fdiv", _ONE, w._line(w._arithmetic("fmul", power, x)))
    if exponent == -1.0:
        return w._arithmetic("fdiv", _ONE, x)
    return w._arithmetic("fmul", x, _ONE) if exponent == 1.0 else w._libm("pow", x, n)


def _round(w: Source, operands: tuple[int | float, ...], x: str, ndigits: str) -> str | None:
    return _intrinsic("roundeven", x) if type(operands[1]) is float and operands[1] == 0.0 else None


_COMPOSED: dict[Op, Callable[..., Any]] = {
    ops.identity: lambda w, _, x: w._select("true", x, x),
    ops.square: lambda w, _, x: w._arithmetic("fmul", x, x),
    ops.reciprocal: lambda w, _, x: w._arithmetic("fdiv", _ONE, x),
    ops.constant_power: _constant_power,
    ops.strong_mul: lambda w, _, x, y: _product(w, x, y),
    ops.strong_zero: lambda w, _, y, x: _kept(w, y, x),
    ops.where: lambda w, _, condition, x, y: w._select(w._compared("une", condition, _ZERO), x, y),
    ops.maximum: lambda w, _, x, y: _maximum(w, x, y),
    ops.minimum: lambda w, _, x, y: _maximum(w, x, y, "ole"),
    ops.clip: lambda w, _, x, low, high: _maximum(w, w._line(_maximum(w, x, low)), high, "ole"),
    ops.sign: lambda w, _, x: _sign(w, x),
    ops.round_: _round,
    ops.relu: lambda w, _, x: w._select(w._compared("ole", x, _ZERO), _ZERO, x),
    ops.leaky_relu: lambda w, _, x, slope: _above_or(w, x, w._line(w._arithmetic("fmul", slope, x))),
    ops.elu: lambda w, _, x, a: _above_or(w, x, w._line(w._arithmetic("fmul", a, w._line(w._libm("expm1", x))))),
    ops.sigmoid: lambda w, _, x: _sigmoid(w, x),
    ops.silu: lambda w, _, x: w._arithmetic("fmul", x, w._line(_sigmoid(w, x))),
    ops.softplus: lambda w, _, x: _softplus(w, x),
    ops.gelu: lambda w, _, x: _gelu(w, x),
    ops.logistic_pdf: lambda w, _, x: _logistic_pdf(w, x),
    ops.exp_difference: lambda w, _, x, y: _exp_difference(w, x, y),
    ops.one_minus_square: lambda w, _, x: w._arithmetic(
        "fmul", w._line(w._arithmetic("fsub", _ONE, x)), w._line(w._arithmetic("fadd", _ONE, x))
    ),
    ops.direction: lambda w, _, x, y, length: w._select(
        w._compared("oeq", length, _ZERO), _ZERO, w._line(w._arithmetic("fdiv", x, length))
    ),
    ops.no_slope: lambda w, _, *xs: w._select("true", _ZERO, _ZERO),
    ops.log_sum_exp: lambda w, _, *xs: _log_sum_exp(w, xs),
}

"""Program: a recorded function as an immutable list of instructions."""

import dataclasses
import operator
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from autograd_lite.core import ops
from autograd_lite.core.checks import as_float
from autograd_lite.core.loops import Loop, Several
from autograd_lite.core.op import Op
from autograd_lite.errors import ArgumentError

if TYPE_CHECKING:
    from autograd_lite.jit.export.c import CSource

__all__ = ["COMPARISONS", "Guard", "Instruction", "Program"]


class Instruction(NamedTuple):
    """One operation. An int among the operands is the position of a number, a float a constant."""

    op: Op
    operands: tuple[int | float, ...]


class Guard(NamedTuple):
    """A comparison that decided how the function went on, and the outcome it had."""

    #: Which of the comparisons of the recording it is, in order.
    number: int
    #: How many numbers there were before it.
    at: int
    comparison: str
    left: int | float
    right: int | float
    outcome: bool


COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class Program:
    """A straight line of instructions.

    Its numbers are counted through: first the inputs, then the result of each instruction.

    >>> from autograd_lite import jit, tanh
    >>> fast = jit(lambda x, y: tanh(x * y) + x)
    >>> fast(0.0, 2.0)
    0.0
    >>> print(fast.program)
    <lambda>(x, y): 2 inputs, 3 instructions
        v0 = x * y
        v1 = tanh(v0)
        v2 = v1 + x
        return v2
    >>> fast.program(1.0, 0.5) == (tanh(0.5) + 1.0,)
    True
    """

    name: str
    inputs: tuple[str, ...]
    instructions: tuple[Instruction, ...]
    outputs: tuple[int | float, ...]
    guards: tuple[Guard, ...] = ()
    #: Numbers that have to be finite, or the answer may differ where a gradient meets 0 * inf: then the
    #: careful form of the program is run.
    checked: tuple[int, ...] = ()
    #: The inputs of the call that it was taken from, ``fast.program``; none if there was no call. For drawings.
    numbers: tuple[float, ...] = dataclasses.field(default=(), compare=False)

    def __len__(self) -> int:
        return len(self.instructions)

    def __call__(self, *numbers: Any) -> tuple[Any, ...]:
        """The outputs for any kind of numbers, operation by operation, guards aside.

        Raises ``ArgumentError`` for another count of numbers than it has inputs.
        """
        self._check_count(numbers)
        computed = list(numbers)
        for op, operands in self.instructions:
            computed.append(op(*[computed[o] if type(o) is int else o for o in operands]))
        return tuple([computed[o] if type(o) is int else o for o in self.outputs])

    def _check_count(self, numbers: Sequence[Any]) -> None:
        if len(numbers) != len(self.inputs):
            raise ArgumentError(f"{self.name} has {len(self.inputs)} inputs, got {len(numbers)} numbers")

    def evaluate(self, *numbers: float) -> tuple[float, ...] | int:
        """The outputs for floats, each operation by its primitive; or the number of the first guard that fails."""
        computed: list[Any] = list(numbers)

        def of(operand: int | float) -> Any:
            return computed[operand] if type(operand) is int else operand

        count = len(self.inputs)
        guards = sorted(self.guards, key=lambda guard: guard.at, reverse=True)
        for position in range(count, count + len(self) + 1):
            while guards and guards[-1].at <= position:
                guard = guards.pop()
                if COMPARISONS[guard.comparison](of(guard.left), of(guard.right)) is not guard.outcome:
                    return guard.number
            if position < count + len(self):
                op, operands = self.instructions[position - count]
                ans = op.evaluate(*map(of, operands))
                computed.append(ans if type(ans) is float or isinstance(op, Several) else as_float(ans))
        return tuple(map(of, self.outputs))

    def steps(self) -> list["Program"]:
        """The steps of its loops, which are programs of their own."""
        return [op.program for op, _ in self.instructions if isinstance(op, Loop)]

    def counts(self) -> dict[str, int]:
        """How many instructions there are of each primitive, the most frequent first."""
        return dict(Counter(op.name for op, _ in self.instructions).most_common())

    def names(self) -> list[str]:
        """What to call each number."""
        return [*self.inputs, *(f"v{i}" for i in range(len(self.instructions)))]

    def __str__(self) -> str:
        names = self.names()
        guards = {g.number: g for g in self.guards}.values()
        counts = [(len(self.inputs), "input"), (len(self), "instruction"), (len(self.guards), "guard")]
        head = ", ".join(f"{count} {noun}{'s' * (count != 1)}" for count, noun in counts if count or noun != "guard")
        lines = [f"{self.name}({_cut(list(self.inputs), ', ')}): {head}"]
        waiting = sorted(guards, key=lambda guard: guard.at, reverse=True)

        def shown(operand: int | float) -> str:
            return names[operand] if type(operand) is int else repr(operand)

        for position in range(len(self.inputs), len(names) + 1):
            while waiting and waiting[-1].at <= position:
                guard = waiting.pop()
                lines.append(
                    f"    guard {shown(guard.left)} {guard.comparison} {shown(guard.right)} is {guard.outcome}"
                )
            if position < len(names):
                op, operands = self.instructions[position - len(self.inputs)]
                lines.append(f"    {names[position]} = {written(op, [shown(o) for o in operands])}")
        lines.append(f"    return {_cut(list(map(shown, self.outputs)), ', ')}")
        return "\n".join([_cut(lines, "\n", "    "), *map(str, self.steps())])

    def __repr__(self) -> str:
        return (
            f"<Program {self.name}: {len(self.inputs)} inputs, {len(self)} instructions, {len(self.outputs)} outputs>"
        )

    def draw(self, numbers: Sequence[float] | None = None, **options: Any) -> Any:
        """The program as a drawing of all its outputs; see :func:`autograd_lite.draw`.

        The inputs are ``numbers``; if they are not given, those of the call that it was taken from, or 1.
        """
        from autograd_lite.drawing import draw

        if numbers is not None:
            self._check_count(numbers)
        return draw(self if numbers is None else dataclasses.replace(self, numbers=tuple(numbers)), **options)

    def to_c(
        self, name: str, numbers: Sequence[float] | None = None, outputs: Sequence[str] | None = None
    ) -> "CSource":
        """The program as C99 that compiles by itself and gives the same bits.

        Args:
            name: what the function is called in C.
            numbers: the inputs at which the example calls it; 1 each, if not given.
            outputs: what its comment says that each output is.

        Returns a :class:`~autograd_lite.jit.export.c.CSource`: ``source``, ``header``, ``main`` and ``write(folder)``.
        The function takes the inputs as doubles under their names (from 127 inputs on, an array) and an array for the
        outputs. It returns 0; where a guard does not hold, its number plus 1, and writes nothing.

        Raises ``ArgumentError`` for a name that C has a use for, for operations of the user's own, and for those that
        Python computes with code of its own (``gamma``, ``lgamma``, ``digamma``, ``polygamma``, ``betaln``,
        ``norm_ppf``, ``erfinv``, ``round`` to decimals).
        """
        from autograd_lite.jit.export.c import to_c

        given = [1.0] * len(self.inputs) if numbers is None else numbers
        self._check_count(given)
        return to_c(self, name, given, outputs or [""] * len(self.outputs))

    def to_python(self, name: str | None = None, outputs: Sequence[str] | None = None) -> str:
        """The program as Python that runs by itself and gives the same bits: a function of floats, and what it calls.

        It returns the tuple of outputs, and raises ``ValueError`` where a guard does not hold. ``name`` is what it is
        called, the program's name if not given; ``outputs`` is what its comment says that each output is.
        Raises ``ArgumentError`` for a name that cannot be, and for operations of the user's own.

        >>> from autograd_lite import jit, log
        >>> fast = jit(lambda x: log(x) * 2.0)
        >>> fast(0.0)
        -inf
        >>> names = {}
        >>> exec(fast.program.to_python("f"), names)
        >>> names["f"](0.0)
        (-inf,)
        """
        from autograd_lite.jit.export.python import to_python

        return to_python(self, name, outputs or [""] * len(self.outputs))

    def to_latex(self, name: str | None = None) -> str:
        r"""The program as LaTeX, for reading: a formula for each output, and by name what is used again.

        Guards are conditions below it. ``name`` is that of the function, the program's own if not given.
        Raises ``ArgumentError`` for a program of more than 300 instructions.

        >>> from autograd_lite import jit, sqrt
        >>> fast = jit(lambda x, alpha: sqrt(x[0] * alpha + 1.0))
        >>> fast([0.0], 1.0)
        1.0
        >>> print(fast.program.to_latex())
        f\left(x_{0}, \alpha\right) = \sqrt{x_{0} \alpha + 1}
        """
        from autograd_lite.jit.export.latex import to_latex

        return to_latex(self, name)

    def to_sympy(self) -> tuple[Any, ...]:
        """The outputs as expressions of SymPy (extra ``sympy``), for reading and for algebra.

        The inputs are real symbols (``x[0]`` is ``x_0``), floats that are short fractions are exact numbers, and an
        operation of the user's own is a function without a definition. Guards are left out: the expressions are those
        of the path that was recorded. They are real numbers' expressions: what floats do at infinities, signed zeros
        and where they round is not in them.
        Raises ``MissingDependencyError`` without SymPy, ``ArgumentError`` for a program of more than 300 instructions
        or whose expressions are longer than 10,000 operations.
        """
        from autograd_lite.jit.export.symbolic import to_sympy

        return to_sympy(self)


#: So many lines, or names, a program shows at its beginning and at its end.
_SHOWN = 100


def _cut(parts: list[str], between: str, indent: str = "") -> str:
    """The parts in a row, those in the middle left out where they are many."""
    if len(parts) > 2 * _SHOWN:
        left_out = f"{indent}... {len(parts) - 2 * _SHOWN} more ..."
        parts = [*parts[:_SHOWN], left_out, *parts[-_SHOWN:]]
    return between.join(parts)


_INFIX = {ops.add, ops.sub, ops.mul, ops.div, ops.floordiv, ops.mod, ops.power, ops.constant_power}


def written(op: Op, operands: list[str]) -> str:
    """An operation as a reader would write it."""
    if op in _INFIX:
        return f"{operands[0]} {op.symbol} {operands[1]}"
    return f"-{operands[0]}" if op is ops.neg else f"{op.name}({', '.join(operands)})"

"""The back end that waits: a program is evaluated as it stands at first, and compiled when it has run twice."""

from collections.abc import Callable
from typing import Any

from autograd_lite.core.checks import as_float
from autograd_lite.jit.program import COMPARISONS, Program

__all__ = ["DeferredCode", "evaluated"]


#: So often has a program run before it is compiled.
_WORTH_COMPILING = 2


class DeferredCode:
    """A program that another back end compiles once it proves to be run more than once."""

    def __init__(self, program: Program, compile: Callable[[Program], Any]) -> None:
        self.program = program
        self._compile = compile
        self._runs = 0  # to the end, every guard holding
        self._compiled: Any = None

    @property
    def source(self) -> str:
        """What the other back end wrote."""
        return str(self._code().source)

    @property
    def call(self) -> Callable[..., Any] | None:
        """The compiled function itself, once there is one."""
        return self._compiled and self._compiled.call  # type: ignore[no-any-return]

    def run(self, *numbers: float) -> tuple[float, ...] | int:
        """The outputs, or the number of the first guard that does not hold."""
        if self._runs == _WORTH_COMPILING:
            return self._code().run(*numbers)  # type: ignore[no-any-return]
        answer = evaluated(self.program, numbers)
        self._runs += type(answer) is tuple
        return answer

    def _code(self) -> Any:
        if self._compiled is None:
            self._compiled = self._compile(self.program)
        return self._compiled


def evaluated(program: Program, inputs: tuple[float, ...]) -> tuple[float, ...] | int:
    """The outputs of a program, each operation by its primitive; or the first guard that does not hold."""
    numbers = list(inputs)

    def of(operand: int | float) -> float:
        return numbers[operand] if type(operand) is int else operand

    guards = sorted(program.guards, key=lambda guard: guard.at, reverse=True)
    for position in range(len(inputs), len(inputs) + len(program) + 1):
        while guards and guards[-1].at <= position:
            guard = guards.pop()
            if COMPARISONS[guard.comparison](of(guard.left), of(guard.right)) is not guard.outcome:
                return guard.number
        if position < len(inputs) + len(program):
            op, operands = program.instructions[position - len(inputs)]
            numbers.append(as_float(op.evaluate(*map(of, operands))))
    return tuple(map(of, program.outputs))

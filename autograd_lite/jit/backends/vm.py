"""The back end that compiles nothing: the compiled core's virtual machine runs a program as it stands, at once."""

import functools
from typing import Any

from autograd_lite.errors import MissingDependencyError
from autograd_lite.jit.backends.cpython import NOT_FLOATS, not_floats
from autograd_lite.jit.program import Guard, Program, written

__all__ = ["VmCode", "is_there"]


class VmCode:
    """A program for the virtual machine. ``run`` as :class:`~autograd_lite.jit.backends.python.PythonCode`'s.

    Strong zeros are instructions of the machine, so there is no fast form with a check.
    Raises ``MissingDependencyError`` where the core is not compiled.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.code = _machine()(len(program.inputs), program.instructions, program.outputs, program.guards)
        #: The function itself. What is no tuple calls for ``run``.
        self.call = self.code.call

    def run(self, *numbers: float) -> tuple[float, ...] | int:
        """The outputs, or the number of the first guard that does not hold."""
        answer: tuple[float, ...] | int = self.call(*numbers)
        if answer == NOT_FLOATS:
            raise not_floats(self.program)
        return answer

    @property
    def source(self) -> str:
        """The program with its registers as they are reused."""
        program = self.program
        count = len(program.inputs)
        guards = sorted(program.guards, key=lambda guard: guard.at, reverse=True)
        lines = [f"{program.name}, registers: {self.code.size}"]
        lines += [f"r{i} is {name}" for i, name in enumerate(program.inputs)]
        for position, (op, operands) in enumerate((*program.instructions, (None, ())), count):
            while guards and guards[-1].at <= position:
                lines.append(self._guard(guards.pop()))
            if op is not None:
                lines.append(f"{self._shown(position)} = {written(op, list(map(self._shown, operands)))}")
        returned = f"return {', '.join(map(self._shown, program.outputs))}"
        return "\n".join([*lines, returned, *map(str, program.steps())])

    def _guard(self, guard: Guard) -> str:
        test = f"{self._shown(guard.left)} {guard.comparison} {self._shown(guard.right)}"
        return f"if {f'not {test}' if guard.outcome else test}: return {guard.number}"

    def _shown(self, operand: int | float) -> str:
        return f"r{self.code.register_of(operand)}" if type(operand) is int else repr(operand)


def is_there() -> bool:
    """Whether this core is compiled, and has the machine."""
    try:
        _machine()
    except MissingDependencyError:
        return False
    return True


@functools.cache
def _machine() -> Any:
    try:
        from autograd_lite.core.vm import Code
    except ImportError:
        raise MissingDependencyError(
            'backend="vm" needs the compiled core, and this is the pure version: install autograd_lite where there is '
            'a C compiler, without AUTOGRAD_LITE_PURE=1; or take backend="python"'
        ) from None
    return Code

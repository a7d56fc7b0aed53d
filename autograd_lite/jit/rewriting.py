"""How passes rewrite a Program, and the pass that all others rely on."""

from collections.abc import Callable
from dataclasses import replace

from autograd_lite.core.op import Op
from autograd_lite.jit.program import Instruction, Program

__all__ = ["Operand", "Rule", "eliminate_dead_code", "live", "rewritten"]

Operand = int | float
#: What becomes of an operation: another number or constant, an operation in its place, or several, the last of which
#: gives the number.
Rule = Callable[[Op, tuple[Operand, ...]], Operand | Instruction | list[Instruction]]


def eliminate_dead_code(program: Program) -> Program:
    """Drop what leads to no output and no guard."""
    is_live = live(program)
    return program if all(is_live[len(program.inputs) :]) else rewritten(program, Instruction, is_live)


def live(program: Program) -> list[bool]:
    """Of each number whether an output or a guard depends on it."""
    count = len(program.inputs)
    is_live = [False] * (count + len(program))
    wanted = [*program.outputs, *program.checked]
    for guard in program.guards:
        wanted += [guard.left, guard.right]
    for o in wanted:
        if type(o) is int:
            is_live[o] = True
    for position in range(len(is_live) - 1, count - 1, -1):
        if is_live[position]:
            for o in program.instructions[position - count].operands:
                if type(o) is int:
                    is_live[o] = True
    return is_live


def rewritten(program: Program, rule: Rule, is_live: list[bool] | None = None) -> Program:
    """The program with each instruction as the rule has it, and all positions anew."""
    count = len(program.inputs)
    place: list[Operand] = list(range(count))
    instructions: list[Instruction] = []
    for position, (op, operands) in enumerate(program.instructions, count):
        if is_live is not None and not is_live[position]:
            place.append(-1)
            continue
        new = rule(op, tuple([place[o] if type(o) is int else o for o in operands]))
        if type(new) is Instruction:
            place.append(count + len(instructions))
            instructions.append(new)
        elif type(new) is list:
            instructions += new
            place.append(count + len(instructions) - 1)
        else:
            place.append(new)  # type: ignore[arg-type]

    def placed(operand: Operand) -> Operand:
        return place[operand] if type(operand) is int else operand

    # How many of the new instructions precede each old position, for the guards.
    before = [count]
    for new_place in place[count:]:
        before.append(max(before[-1], int(new_place) + 1) if type(new_place) is int else before[-1])
    guards = [
        guard._replace(at=before[guard.at - count], left=placed(guard.left), right=placed(guard.right))
        for guard in program.guards
    ]
    return replace(
        program,
        instructions=tuple(instructions),
        outputs=tuple([placed(o) for o in program.outputs]),
        guards=tuple(guards),
        checked=tuple(dict.fromkeys(p for p in map(placed, program.checked) if type(p) is int)),
    )

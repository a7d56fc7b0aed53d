"""Passes: functions from Program to Program that make it shorter and keep every bit of its answers."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from autograd_lite.core import ops
from autograd_lite.core.checks import as_float
from autograd_lite.core.loops import Item, Loop, Several, item
from autograd_lite.core.op import Op
from autograd_lite.jit.program import Instruction, Program

__all__ = [
    "eliminate_common_subexpressions",
    "eliminate_dead_code",
    "fast_form",
    "fold_constants",
    "optimize",
    "prune_loops",
    "relax_strong_zeros",
    "simplify",
    "write_out",
]

_Operand = int | float
#: What becomes of an operation: another number or constant, an operation in its place, or several, the last of which
#: gives the number.
_Rule = Callable[[Op, tuple[_Operand, ...]], _Operand | Instruction | list[Instruction]]


def optimize(program: Program) -> Program:
    """All passes that are good for every back end."""
    program = eliminate_dead_code(program)
    folded, simplified, once = _folded, _simplified, _once(program)

    # All in one go, as long programs wait for it.
    def rule(op: Op, operands: tuple[_Operand, ...]) -> _Operand | Instruction | list[Instruction]:
        new = folded(op, operands)
        if type(new) is Instruction:
            new = simplified(op, operands)
        return once(op, operands) if type(new) is Instruction else new

    return eliminate_dead_code(prune_loops(eliminate_dead_code(_rewritten(program, rule))))


def fast_form(program: Program) -> Program:
    """The program with plain products for strong ones, and a check that says when to run the program itself."""
    program = eliminate_common_subexpressions(simplify(relax_strong_zeros(program)))
    return eliminate_dead_code(program)


def eliminate_dead_code(program: Program) -> Program:
    """Drop what leads to no output and no guard."""
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
    return program if all(is_live[count:]) else _rewritten(program, Instruction, is_live)


def prune_loops(program: Program) -> Program:
    """Leave out of loops what nobody reads: sequences that come out, carries, constants."""
    count = len(program.inputs)
    read: dict[int, set[int]] = {}
    for op, operands in program.instructions:
        for o in operands:
            if type(o) is int and o >= count and isinstance(loop := program.instructions[o - count].op, Loop):
                read.setdefault(o, set()).update([op.position] if isinstance(op, Item) else range(loop.width))
    if not read:
        return program
    place = count - 1
    items: dict[int, dict[int, int]] = {}  # of each loop, where its results are now

    def rule(op: Op, operands: tuple[_Operand, ...]) -> Instruction:
        nonlocal place
        place += 1
        if isinstance(op, Loop):
            op, kept, items[place] = _pruned(op, read.get(place, set()))
            return Instruction(op, tuple([operands[i] for i in kept]))
        if isinstance(op, Item) and operands[0] in items:
            op = item(items[operands[0]][op.position])  # type: ignore[index]
        return Instruction(op, operands)

    return _rewritten(program, rule)


def _pruned(loop: Loop, read: set[int]) -> tuple[Loop, list[int], dict[int, int]]:
    """A loop of which these results are read; which operands it still has, and where its results are."""
    step, first = loop.program, loop.constants
    results = [r for r in range(loop.results) if loop.carries + r in read]
    ends = [step.outputs[loop.carries + r] for r in results] + list(step.outputs[loop.carries + loop.results :])
    carries = {k for k in range(loop.carries) if k in read}
    while True:
        used = _read_by(step, [*ends, *(step.outputs[k] for k in carries)])
        more = carries | {k for k in range(loop.carries) if first + k in used}
        if more == carries:
            break
        carries = more
    kept = [i for i in range(len(step.inputs)) if i in used or i - first in carries]
    chosen = sorted(carries)
    places = {k: i for i, k in enumerate([*chosen, *(loop.carries + r for r in results), loop.carries + loop.results])}
    if len(kept) == len(step.inputs) and len(results) == loop.results:
        return loop, list(range(1 + len(step.inputs))), places
    outputs = (*(step.outputs[k] for k in chosen), *ends)
    pruned = Loop(
        loop.name,
        _with_inputs(eliminate_dead_code(replace(step, outputs=outputs)), kept),
        constants=sum(i < first for i in kept),
        carries=len(chosen),
        sequences=sum(i >= first + loop.carries for i in kept),
        results=len(results),
        is_reversed=loop.is_reversed,
        is_while=loop.is_while,
    )
    return pruned, [0, *(1 + i for i in kept)], places


def _read_by(program: Program, outputs: list[_Operand]) -> set[int]:
    """The numbers that lead to some outputs, or to a guard."""
    count = len(program.inputs)
    ends = [*outputs, *(o for guard in program.guards for o in (guard.left, guard.right))]
    needed = {o for o in ends if type(o) is int}
    for position in range(count + len(program) - 1, count - 1, -1):
        if position in needed:
            needed.update([o for o in program.instructions[position - count].operands if type(o) is int])
    return needed


def _with_inputs(program: Program, kept: list[int]) -> Program:
    """The program with these of its inputs alone; the others are read by nobody."""
    count = len(program.inputs)
    place = {old: new for new, old in enumerate([*kept, *range(count, count + len(program))])}

    def placed(operand: _Operand) -> _Operand:
        return place[operand] if type(operand) is int else operand

    return replace(
        program,
        inputs=tuple([program.inputs[i] for i in kept]),
        instructions=tuple([Instruction(op, tuple(map(placed, operands))) for op, operands in program.instructions]),
        outputs=tuple(map(placed, program.outputs)),
        guards=tuple(
            [
                g._replace(at=g.at - count + len(kept), left=placed(g.left), right=placed(g.right))
                for g in program.guards
            ]
        ),
    )


def eliminate_common_subexpressions(program: Program) -> Program:
    """Do each operation on the same numbers once."""
    return _rewritten(program, _once(program))


def fold_constants(program: Program) -> Program:
    """Do operations on constants beforehand."""
    return _rewritten(program, _folded)


def simplify(program: Program) -> Program:
    """Drop operations that give their operand for every number there is: x * 1, but not x + 0, as x may be -0."""
    return _rewritten(program, _simplified)


def _once(program: Program) -> _Rule:
    seen: dict[Any, int] = {}
    fresh = len(program.inputs)

    def rule(op: Op, operands: tuple[_Operand, ...]) -> _Operand | Instruction:
        nonlocal fresh
        # As floats 0.0 and -0.0 are equal, and a constant equals a position; as texts they are not.
        key = (op, *[o if type(o) is int else o.hex() for o in operands])  # type: ignore[union-attr]
        if key in seen:
            return seen[key]
        seen[key] = fresh
        fresh += 1
        return Instruction(op, operands)

    return rule


def _folded(op: Op, operands: tuple[_Operand, ...]) -> _Operand | Instruction:
    for o in operands:
        if type(o) is int:
            return Instruction(op, operands)
    return Instruction(op, operands) if isinstance(op, Several) else as_float(op.evaluate(*operands))


def _simplified(op: Op, operands: tuple[_Operand, ...]) -> _Operand | Instruction:
    identity = _IDENTITIES.get(op)
    same = identity(operands) if identity else None
    return Instruction(op, operands) if same is None else same


def _is(operand: _Operand, constant: float) -> bool:
    return type(operand) is float and operand.hex() == constant.hex()


def _by_one(operands: tuple[_Operand, ...]) -> _Operand | None:
    x, y = operands
    return x if _is(y, 1.0) else y if _is(x, 1.0) else None


def _right(neutral: float) -> Callable[[tuple[_Operand, ...]], _Operand | None]:
    return lambda operands: operands[0] if _is(operands[1], neutral) else None


_IDENTITIES: dict[Op, Callable[[tuple[_Operand, ...]], _Operand | None]] = {
    ops.identity: lambda operands: operands[0],
    ops.mul: _by_one,
    ops.strong_mul: _by_one,
    ops.div: _right(1.0),
    ops.sub: _right(0.0),
    ops.add: lambda operands: _right(-0.0)(operands) if type(operands[1]) is float else _right(-0.0)(operands[::-1]),
    ops.constant_power: _right(1.0),
    **dict.fromkeys((ops.linear, ops.sum_, ops.mean), lambda operands: operands[0] if len(operands) == 1 else None),
}

#: In these inf and nan go on as inf or nan: in products too, as 0 * inf is nan, and in sums, as inf - inf is.
_HAND_ON_INFINITY = {ops.add, ops.sub, ops.mul, ops.neg, ops.identity, ops.strong_mul, ops.strong_zero, *ops.SUMS}


def relax_strong_zeros(program: Program) -> Program:
    """Products of the chain rule as plain multiplications, and a check that none of them met 0 * inf.

    Where one does, it makes a nan or an infinity, which sums and products hand on to what is
    checked: outputs, guards, and operands of what could hide it.
    """
    count = len(program.inputs)
    checked = set(program.checked)
    is_suspect = [False] * (count + len(program))
    for position, (op, operands) in enumerate(program.instructions, count):
        suspects = [o for o in operands if type(o) is int and is_suspect[o]]
        if op in _HAND_ON_INFINITY and not _keeps_a_constant(op, operands):
            is_suspect[position] = bool(suspects) or op is ops.strong_mul or op is ops.strong_zero
        else:
            checked.update(suspects)
    ends = [*program.outputs, *(o for guard in program.guards for o in (guard.left, guard.right))]
    checked.update(o for o in ends if type(o) is int and is_suspect[o])

    def rule(op: Op, operands: tuple[_Operand, ...]) -> _Operand | Instruction:
        if op is ops.strong_zero and not _keeps_a_constant(op, operands):
            return operands[0]
        return Instruction(ops.mul if op is ops.strong_mul else op, operands)

    return _rewritten(replace(program, checked=tuple(sorted(checked))), rule)


def _keeps_a_constant(op: Op, operands: tuple[_Operand, ...]) -> bool:
    """Whether it is of a constant inf or nan, which no check would find."""
    return op is ops.strong_zero and type(operands[0]) is float and not math.isfinite(operands[0])


def write_out(program: Program) -> Program:
    """Sums as the multiplications and additions that they are made of, in the same order."""
    fresh = len(program.inputs)

    def rule(op: Op, operands: tuple[_Operand, ...]) -> _Operand | list[Instruction]:
        nonlocal fresh
        steps = [Instruction(op, operands)]
        if op in ops.SUMS and operands:
            steps = []
            result: Any = op.value(*[_Term(operand, steps, fresh) for operand in operands])
            if not steps:
                return result.operand  # type: ignore[no-any-return]
        fresh += len(steps)
        return steps

    return _rewritten(program, rule)


class _Term:
    """A number of a sum that is written out: what is done with it is one more instruction, from ``start`` on."""

    def __init__(self, operand: _Operand, steps: list[Instruction], start: int) -> None:
        self.operand, self.steps, self.start = operand, steps, start

    def _after(self, op: Op, other: Any) -> "_Term":
        self.steps.append(Instruction(op, (self.operand, other.operand if isinstance(other, _Term) else other)))
        return _Term(self.start + len(self.steps) - 1, self.steps, self.start)

    def __add__(self, other: Any) -> "_Term":
        return self._after(ops.add, other)

    def __mul__(self, other: Any) -> "_Term":
        return self._after(ops.mul, other)

    def __truediv__(self, other: Any) -> "_Term":
        return self._after(ops.div, other)


def _rewritten(program: Program, rule: _Rule, is_live: list[bool] | None = None) -> Program:
    """The program with each instruction as the rule has it, and all positions anew."""
    count = len(program.inputs)
    place: list[_Operand] = list(range(count))
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

    def placed(operand: _Operand) -> _Operand:
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

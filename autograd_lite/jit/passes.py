"""Passes: functions from Program to Program that make it shorter and keep every bit of its answers."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from autograd_lite.core import ops
from autograd_lite.core.checks import as_float
from autograd_lite.core.loops import Several
from autograd_lite.core.op import Op
from autograd_lite.jit.loop_passes import fuse_loops, key_of, prune_loops
from autograd_lite.jit.program import Instruction, Program
from autograd_lite.jit.rewriting import Operand, Rule, eliminate_dead_code, live, rewritten

__all__ = [
    "eliminate_common_subexpressions",
    "eliminate_dead_code",
    "fast_form",
    "fold_constants",
    "gather_sums",
    "optimize",
    "relax_strong_zeros",
    "share_exponentials",
    "simplify",
    "write_out",
]


def optimize(program: Program) -> Program:
    """All passes that are good for every back end."""
    folded, simplified, once = _folded, _simplified, _once(program)

    # All in one go, as long programs wait for it.
    def rule(op: Op, operands: tuple[Operand, ...]) -> Operand | Instruction | list[Instruction]:
        new = folded(op, operands)
        if type(new) is Instruction:
            new = simplified(op, operands)
        return once(op, operands) if type(new) is Instruction else new

    program = eliminate_dead_code(rewritten(program, rule, live(program)))
    if not program.steps():
        return program
    return eliminate_dead_code(prune_loops(eliminate_dead_code(fuse_loops(program, optimize))))


def fast_form(program: Program) -> Program:
    """The program with plain products for strong ones, and a check that says when to run the program itself."""
    program = eliminate_common_subexpressions(simplify(relax_strong_zeros(program)))
    return eliminate_dead_code(program)


def eliminate_common_subexpressions(program: Program) -> Program:
    """Do each operation on the same numbers once."""
    return rewritten(program, _once(program))


def fold_constants(program: Program) -> Program:
    """Do operations on constants beforehand."""
    return rewritten(program, _folded)


def simplify(program: Program) -> Program:
    """Drop operations that give their operand for every number there is: x * 1, but not x + 0, as x may be -0."""
    return rewritten(program, _simplified)


def _once(program: Program) -> Rule:
    seen: dict[Any, int] = {}
    fresh = len(program.inputs)

    def rule(op: Op, operands: tuple[Operand, ...]) -> Operand | Instruction:
        nonlocal fresh
        key = key_of(op, operands)
        if key in seen:
            return seen[key]
        seen[key] = fresh
        fresh += 1
        return Instruction(op, operands)

    return rule


def _folded(op: Op, operands: tuple[Operand, ...]) -> Operand | Instruction:
    for o in operands:
        if type(o) is int:
            return Instruction(op, operands)
    return Instruction(op, operands) if isinstance(op, Several) else as_float(op.evaluate(*operands))


def _simplified(op: Op, operands: tuple[Operand, ...]) -> Operand | Instruction:
    identity = _IDENTITIES.get(op)
    same = identity(operands) if identity else None
    return Instruction(op, operands) if same is None else same


def _is(operand: Operand, constant: float) -> bool:
    return type(operand) is float and operand.hex() == constant.hex()


def _by_one(operands: tuple[Operand, ...]) -> Operand | None:
    x, y = operands
    return x if _is(y, 1.0) else y if _is(x, 1.0) else None


def _right(neutral: float) -> Callable[[tuple[Operand, ...]], Operand | None]:
    return lambda operands: operands[0] if _is(operands[1], neutral) else None


_IDENTITIES: dict[Op, Callable[[tuple[Operand, ...]], Operand | None]] = {
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

    def rule(op: Op, operands: tuple[Operand, ...]) -> Operand | Instruction:
        if op is ops.strong_zero and not _keeps_a_constant(op, operands):
            return operands[0]
        return Instruction(ops.mul if op is ops.strong_mul else op, operands)

    return rewritten(replace(program, checked=tuple(sorted(checked))), rule)


def _keeps_a_constant(op: Op, operands: tuple[Operand, ...]) -> bool:
    """Whether it is of a constant inf or nan, which no check would find."""
    return op is ops.strong_zero and type(operands[0]) is float and not math.isfinite(operands[0])


def write_out(program: Program) -> Program:
    """Sums as the multiplications and additions that they are made of, in the same order."""
    fresh = len(program.inputs)

    def rule(op: Op, operands: tuple[Operand, ...]) -> Operand | list[Instruction]:
        nonlocal fresh
        steps = [Instruction(op, operands)]
        if op in ops.SUMS and operands:
            steps = []
            result: Any = op.value(*[_Term(operand, steps, fresh) for operand in operands])
            if not steps:
                return result.operand  # type: ignore[no-any-return]
        fresh += len(steps)
        return steps

    return rewritten(program, rule)


def gather_sums(program: Program) -> Program:
    """Sums of products, as the chain rule leaves them, each in one instruction with the same order of operations.

    This is :func:`write_out` undone: (w * x + v * y) + u * z becomes a dot of six operands.
    """
    count = len(program.inputs)
    uses = Counter(o for _, operands in program.instructions for o in operands if type(o) is int)
    uses.update(o for o in program.outputs if type(o) is int)
    uses.update(o for guard in program.guards for o in (guard.left, guard.right) if type(o) is int)
    uses.update(program.checked)

    def alone(operand: Operand, op: Op) -> tuple[Operand, ...] | None:
        """The operands of an operation of that kind which is of no other use."""
        if type(operand) is not int or operand < count or uses[operand] != 1:
            return None
        instruction = program.instructions[operand - count]
        return instruction.operands if instruction.op is op else None

    #: Of each sum its start, if it has one, and its products; of a sum that goes on in another, the latter's alone.
    sums: dict[int, tuple[Operand | None, list[Operand]]] = {}
    for position, (op, operands) in enumerate(program.instructions, count):
        factors = alone(operands[1], ops.mul) if op is ops.add else None
        if factors is None:
            continue
        start = operands[0]
        if type(start) is int and start in sums and uses[start] == 1:
            before = sums.pop(start)
        else:
            first = alone(start, ops.mul)
            before = (start, []) if first is None else (None, list(first))
        before[1].extend(factors)
        sums[position] = before
    instructions = list(program.instructions)
    for position, (begin, terms) in sums.items():
        given = tuple(terms) if begin is None else (begin, *terms)
        instructions[position - count] = Instruction(ops.dot if begin is None else ops.linear, given)
    return eliminate_dead_code(replace(program, instructions=tuple(instructions)))


def share_exponentials(program: Program) -> Program:
    """Sigmoids and their derivatives as what they are made of, with one exponential for both.

    Over rows the rest is done side by side, and the exponential takes most of the time. To the last bit what
    :mod:`core.kernels` computes.
    """
    if not any(op is ops.sigmoid or op is ops.logistic_pdf for op, _ in program.instructions):
        return program
    fresh = len(program.inputs)
    #: Of each number x what exp(-abs(x)) is, and that plus 1.
    known: dict[Operand, tuple[Operand, Operand]] = {}

    def rule(op: Op, operands: tuple[Operand, ...]) -> Operand | list[Instruction]:
        nonlocal fresh
        steps: list[Instruction] = []

        def emit(op: Op, *operands: Operand) -> int:
            steps.append(Instruction(op, operands))
            return fresh + len(steps) - 1

        if op is ops.sigmoid or op is ops.logistic_pdf:
            x = operands[0]
            if x not in known:
                e = emit(ops.exp, emit(ops.neg, emit(ops.absolute, x)))
                known[x] = e, emit(ops.add, 1.0, e)
            share, more = known[x]
            if op is ops.sigmoid:
                emit(ops.where, emit(ops.greater_equal, x, 0.0), emit(ops.div, 1.0, more), emit(ops.div, share, more))
            else:
                emit(ops.div, share, emit(ops.mul, more, more))
        else:
            emit(op, *operands)
        fresh += len(steps)
        return steps

    return rewritten(program, rule)


class _Term:
    """A number of a sum that is written out: what is done with it is one more instruction, from ``start`` on."""

    def __init__(self, operand: Operand, steps: list[Instruction], start: int) -> None:
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

"""Passes over the loops of a Program: what nobody reads is left out, and loops side by side become one."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from autograd_lite.core.loops import Item, Loop, item
from autograd_lite.core.op import Op
from autograd_lite.jit.program import Instruction, Program
from autograd_lite.jit.rewriting import Operand, eliminate_dead_code, rewritten

__all__ = ["fuse_loops", "key_of", "prune_loops"]


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

    def rule(op: Op, operands: tuple[Operand, ...]) -> Instruction:
        nonlocal place
        place += 1
        if isinstance(op, Loop):
            op, kept, items[place] = _pruned(op, read.get(place, set()))
            return Instruction(op, tuple([operands[i] for i in kept]))
        if isinstance(op, Item) and operands[0] in items:
            op = item(items[operands[0]][op.position])  # type: ignore[index]
        return Instruction(op, operands)

    return rewritten(program, rule)


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


def _read_by(program: Program, outputs: list[Operand]) -> set[int]:
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

    def placed(operand: Operand) -> Operand:
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


# ---- Loops side by side --------------------------------------------------------------------

#: A step longer than that is left as it is.
LONGEST_STEP = 5000


def key_of(op: Op, operands: tuple[Operand, ...]) -> tuple[Any, ...]:
    """Equal for operations that give the same. Loops are the same if their steps are."""
    # As floats 0.0 and -0.0 are equal, and a constant equals a position; as texts they are not.
    place = [o if type(o) is int else o.hex() for o in operands]  # type: ignore[union-attr]
    if not isinstance(op, Loop):
        return (op, *place)
    step = op.program
    instructions = tuple([key_of(inner, numbers) for inner, numbers in step.instructions])
    sizes = op.constants, op.carries, op.sequences, op.results, op.is_reversed, op.is_while
    return sizes, instructions, key_of(op_of_outputs, step.outputs), step.guards, *place


op_of_outputs = item(0)  # any one does


def fuse_loops(program: Program, shorten: Callable[[Program], Program]) -> Program:
    """Do loops of one count, none of which needs the other, as one: what they both compute is computed once.

    So are the derivatives of a loop in several directions. ``shorten`` is what is done to the step that comes of it.
    """
    count = len(program.inputs)
    whole = {o for op, operands in program.instructions if not isinstance(op, Item) for o in operands if type(o) is int}
    firsts: dict[Any, int] = {}  # by count and direction, the loops into which others may go
    groups: dict[int, list[int]] = {}
    lengths: dict[int, int] = {}
    for position, (op, operands) in enumerate(program.instructions, count):
        if not isinstance(op, Loop) or op.is_while or position in whole:
            continue
        key = operands[0] if type(operands[0]) is int else float(operands[0]).hex(), op.is_reversed
        first = firsts.get(key)
        # Where the first one stands, all that the other needs is known.
        if first is not None and all(type(o) is not int or o < first for o in operands):
            lengths[first] += len(op.program)
            if lengths[first] <= LONGEST_STEP:
                groups[first].append(position)
                continue
        firsts[key], lengths[position] = position, len(op.program)
        groups[position] = [position]
    groups = {first: group for first, group in groups.items() if len(group) > 1}
    return _fused(program, groups, shorten) if groups else program


def _fused(program: Program, groups: dict[int, list[int]], shorten: Callable[[Program], Program]) -> Program:
    count = len(program.inputs)
    instructions = list(program.instructions)
    bundle = {position: first for first, group in groups.items() for position in group}
    items: dict[int, list[int]] = {}  # of each loop, where its results are among those of all
    for first, group in groups.items():
        together = _Together([instructions[position - count] for position in group])
        loop, operands, places = together.loop(shorten)
        instructions[first - count] = Instruction(loop, operands)
        items |= dict(zip(group, places, strict=True))
    for i, (op, operands) in enumerate(instructions):
        if isinstance(op, Item) and operands[0] in items and i + count not in bundle:
            at: Any = operands[0]
            instructions[i] = Instruction(item(items[at][op.position]), (bundle[at],))
    return replace(program, instructions=tuple(instructions))


_CONSTANT, _CARRY, _SEQUENCE = range(3)


class _Together:
    """Several loops as one: their steps one after the other, and then each number once."""

    def __init__(self, loops: list[Instruction]) -> None:
        self.count = loops[0].operands[0]
        self.is_reversed = loops[0].op.is_reversed  # type: ignore[attr-defined]
        self.loops: list[Any] = [op for op, _ in loops]
        #: Of each loop, what it was given: constants, first carries, sequences.
        self.given = [operands[1:] for _, operands in loops]
        self.name = self.loops[0].name

    def loop(self, shorten: Callable[[Program], Program]) -> tuple[Loop, tuple[Operand, ...], list[list[int]]]:
        """The loop, its operands, and for each of the loops where its results are."""
        # Carries that begin alike are taken to be one, until the numbers that they become say otherwise.
        kinds: list[list[Any]] = [[_text(o) for o in given] for given in self.given]
        while True:
            outputs = self._numbered(kinds)
            known: dict[Any, int] = {}
            finer = [
                [
                    kind
                    if self._role(n, k) != _CARRY
                    else known.setdefault((kind, outputs[n][k - self.loops[n].constants]), len(known))
                    for k, kind in enumerate(of_loop)
                ]
                for n, of_loop in enumerate(kinds)
            ]
            if self._classes(finer) == self._classes(kinds):
                return self._written(kinds, shorten)
            kinds = finer

    def _classes(self, kinds: list[list[Any]]) -> int:
        return len({(self._role(n, k), kind) for n, of_loop in enumerate(kinds) for k, kind in enumerate(of_loop)})

    def _role(self, n: int, k: int) -> int:
        """Whether an input of a loop is a constant, a carry or a sequence."""
        loop = self.loops[n]
        return _CONSTANT if k < loop.constants else _CARRY if k < loop.constants + loop.carries else _SEQUENCE

    def _numbered(self, kinds: list[list[Any]]) -> list[list[Any]]:
        """The outputs of each loop, equal numbers by the same one."""
        numbers: dict[Any, int] = {}
        outputs = []
        for n, loop in enumerate(self.loops):
            own = [numbers.setdefault((self._role(n, k), kind), len(numbers)) for k, kind in enumerate(kinds[n])]
            for op, operands in loop.program.instructions:
                key = ("of", *key_of(op, tuple([own[o] if type(o) is int else o for o in operands])))
                own.append(numbers.setdefault(key, len(numbers)))
            outputs.append([own[o] if type(o) is int else _text(o) for o in loop.program.outputs])
        return outputs

    def _written(
        self, kinds: list[list[Any]], shorten: Callable[[Program], Program]
    ) -> tuple[Loop, tuple[Operand, ...], list[list[int]]]:
        """One loop, in which carries and all else of one kind are one."""
        inputs: list[dict[Any, tuple[Operand, str]]] = [{}, {}, {}]
        for n, loop in enumerate(self.loops):
            for k, kind in enumerate(kinds[n]):
                inputs[self._role(n, k)].setdefault(kind, (self.given[n][k], loop.program.inputs[k]))
        place = {(role, kind): i for i, (role, kind) in enumerate((r, k) for r in range(3) for k in inputs[r])}
        count, guards, ends = len(place), [], []
        instructions: list[Instruction] = []
        for n, loop in enumerate(self.loops):
            step = loop.program
            own = [place[self._role(n, k), kind] for k, kind in enumerate(kinds[n])]
            own += range(count + len(instructions), count + len(instructions) + len(step))

            def placed(o: Operand, own: list[int] = own) -> Operand:
                return own[o] if type(o) is int else o

            instructions += [Instruction(op, tuple(map(placed, operands))) for op, operands in step.instructions]
            guards += [(g, placed(g.left), placed(g.right)) for g in step.guards]
            ends.append([placed(o) for o in step.outputs])
        carries = list(inputs[_CARRY])
        new: dict[Any, Operand] = {}
        results: list[Operand] = []
        places = []
        for n, loop in enumerate(self.loops):
            kept = kinds[n][loop.constants : loop.constants + loop.carries]
            for kind, end in zip(kept, ends[n], strict=False):
                new.setdefault(kind, end)
            first = len(carries) + len(results)
            places.append([*map(carries.index, kept), *range(first, first + loop.results)])
            results += ends[n][loop.carries :]
        at = count + len(instructions)
        step = Program(
            self.name,
            tuple([name for of_role in inputs for _, name in of_role.values()]),
            tuple(instructions),
            (*(new[kind] for kind in carries), *results),
            tuple([g._replace(number=i, at=at, left=a, right=b) for i, (g, a, b) in enumerate(guards)]),
        )
        sizes: dict[str, Any] = dict(zip(("constants", "carries", "sequences"), map(len, inputs), strict=True))
        fused = Loop(self.name, shorten(step), **sizes, results=len(results), is_reversed=self.is_reversed)
        return fused, (self.count, *(o for of_role in inputs for o, _ in of_role.values())), places


def _text(operand: Operand) -> int | str:
    return operand if type(operand) is int else float(operand).hex()

"""Rules recorded as programs, which the compiled core runs for all parameters in one loop (``core/update.pyx``)."""

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from autograd_lite.core.ops import equal, power, sub
from autograd_lite.core.recorded import Recorded, is_fixed, record
from autograd_lite.optim import rules

if TYPE_CHECKING:
    from autograd_lite.core.update import Program

__all__ = ["Parts", "Programs", "parts_of", "split"]

#: Primitives for which Python's operators raise where the machine gives inf or nan: by 0.
DIVISIONS = {"div", "floordiv", "mod"}
#: The learning rate is a number that a program is given, as schedules change it. All other settings are constants.
RATE = "lr"


class Programs:
    """What an optimiser's rule is in each of its groups: recorded for the settings there, anew when they change."""

    def __init__(self) -> None:
        self._kept: list[tuple[Any, list[Any], Program | None]] = []

    def __reduce__(self) -> tuple[Any, ...]:
        return Programs, ()  # a copy records its own

    def work(
        self, rule: Callable[..., Any], groups: list[dict[str, Any]], names: Iterable[str], width: int
    ) -> "list[tuple[Any, Program, Any]] | None":
        """Of each group its parameters, its program and its learning rate; None if a rule cannot be recorded."""
        constants = [name for name in names if name != RATE]
        del self._kept[len(groups) :]
        found = []
        for i, group in enumerate(groups):
            settings = [group[name] for name in constants]
            program = self._program(i, rule, constants, settings, width)
            if program is None:
                return None
            found.append((group["params"], program, group.get(RATE)))
        return found

    def _program(
        self, i: int, rule: Callable[..., Any], names: list[str], settings: list[Any], width: int
    ) -> "Program | None":
        if i < len(self._kept):
            known_rule, known, program = self._kept[i]
            if known_rule is rule and all(map(operator.is_, known, settings)):
                return program
        program = program_of(rule, dict(zip(names, settings, strict=True)), width)
        self._kept[i : i + 1] = [(rule, settings, program)]
        return program


def program_of(rule: Callable[..., Any], settings: Mapping[str, Any], width: int) -> "Program | None":
    """A rule with such settings and a state of so many numbers as a program; None if it cannot be one."""
    from autograd_lite.core.update import Program
    from autograd_lite.core.vm import Code

    parts = parts_of(rule, settings, width)
    if parts is None:
        return None
    try:
        return Program(Code(*parts.shared), Code(*parts.own), parts.clocks, parts.others)
    except ValueError:  # it is too long, calls Python, or remembers too much
        return None


def parts_of(rule: Callable[..., Any], settings: Mapping[str, Any], width: int) -> "Parts | None":
    """A rule with such settings and a state of so many numbers in two programs; None if it cannot be one."""
    defaults = [*(getattr(rule, "__defaults__", None) or ()), *(getattr(rule, "__kwdefaults__", None) or {}).values()]
    if not (_is_ours(rule) or is_fixed(rule)) or not all(map(_is_constant, [*settings.values(), *defaults])):
        return None
    made = record(lambda *numbers: rule(*numbers[:-1], **settings, **{RATE: numbers[-1]}), 3 + width)
    if made is None or len(made.outputs) != 1 + width:
        return None
    return split(made)


def _is_ours(rule: Any) -> bool:
    return any(rule is getattr(rules, name) for name in rules.__all__)


def _is_constant(setting: Any) -> bool:
    """Whether a setting is the same for good."""
    if type(setting) is tuple:
        return all(map(_is_constant, setting))
    return setting is None or type(setting) in {bool, int, float, str}


class Parts(NamedTuple):
    """A rule in two programs, as :class:`core.update.Program` takes them."""

    shared: Recorded
    own: Recorded
    clocks: list[int]
    others: list[int]


def split(made: Recorded) -> Parts:
    """A rule in two: what is the same for most parameters, as it depends on the learning rate and the count of steps.

    The inputs are a parameter, its gradient, its state and the learning rate, the outputs the next parameter and state.
    To those are added, for both programs, numbers that are 0 where Python raises an error.

    >>> rule = record(lambda p, g, step, lr: (p - lr / (1 + step) * g, step + 1), 4)
    >>> shared, own, clocks, others = split(rule)
    >>> shared
    Recorded(inputs=2, instructions=[(<Op add>, (1.0, 1)), (<Op div>, (0, 2)), (<Op add>, (1, 1.0))], outputs=(4, 3, 2))
    >>> own
    Recorded(inputs=3, instructions=[(<Op mul>, (2, 1)), (<Op sub>, (0, 3))], outputs=(4,))
    >>> clocks, others
    ([0], [])
    """
    made, checks = _checked(made)
    rate = made.inputs - 1
    states, clocks = range(2, rate), set(range(2, rate))
    while True:
        shared = _depending_on({rate, *clocks}, made)
        lasting = {n for n in clocks if type(made.outputs[n - 1]) is float or made.outputs[n - 1] in shared}
        if lasting == clocks:
            break
        clocks = lasting
    others = [n for n in states if n not in clocks]
    steps = list(enumerate(made.instructions, made.inputs))
    outputs = (made.outputs[0], *[made.outputs[n - 1] for n in others])
    read = [*(operand for n, (_, of) in steps if n not in shared for operand in of), *outputs]
    given = sorted({n for n in read if type(n) is int and n in shared})
    clock_outputs = tuple([made.outputs[n - 1] for n in sorted(clocks)])
    return Parts(
        _part(
            [rate, *sorted(clocks)],
            [step for step in steps if step[0] in shared],
            (*clock_outputs, *given, *(n for n in checks if n in shared)),
        ),
        _part(
            [0, 1, *others, *given],
            [step for step in steps if step[0] not in shared],
            (*outputs, *(n for n in checks if n not in shared)),
        ),
        [n - 2 for n in sorted(clocks)],
        [n - 2 for n in others],
    )


def _checked(made: Recorded) -> tuple[Recorded, list[int | float]]:
    """A program, and the numbers in it that are 0 where Python raises: divisors, and whether a power is finite."""
    instructions, checks = list(made.instructions), list[int | float]()
    for n, (op, operands) in enumerate(made.instructions, made.inputs):
        if op.name in DIVISIONS and (type(operands[1]) is int or operands[1] == 0.0):
            checks.append(operands[1])
        elif op is power:
            last = made.inputs + len(instructions)
            instructions += [(sub, (n, n)), (equal, (last, 0.0))]
            checks.append(last + 1)
    return Recorded(made.inputs, instructions, made.outputs), checks


def _depending_on(numbers: set[int], made: Recorded) -> set[int | float]:
    """These numbers, and those that depend on nothing else."""
    found: set[int | float] = set(numbers)
    for n, (_, operands) in enumerate(made.instructions, made.inputs):
        if all(type(operand) is float or operand in found for operand in operands):
            found.add(n)
    return found


def _part(inputs: list[int], steps: list[Any], outputs: tuple[int | float, ...]) -> Recorded:
    """A program of some of the instructions, in its own count of numbers."""
    at = {n: i for i, n in enumerate([*inputs, *(n for n, _ in steps)])}

    def renamed(operands: Iterable[int | float]) -> tuple[int | float, ...]:
        return tuple([at[operand] if type(operand) is int else operand for operand in operands])

    return Recorded(len(inputs), [(op, renamed(operands)) for _, (op, operands) in steps], renamed(outputs))

"""The recording of one step of a loop, which becomes a program of its own inside the program around it."""

from collections.abc import Callable, Sequence
from typing import Any

from autograd_lite.core import modes, ops
from autograd_lite.core.checks import as_float
from autograd_lite.core.loops import BodyChanged, Several, stack
from autograd_lite.core.op import Op
from autograd_lite.core.value import Value
from autograd_lite.errors import TracingError
from autograd_lite.jit.backends import vm
from autograd_lite.jit.backends.python import PythonCode
from autograd_lite.jit.passes import optimize
from autograd_lite.jit.program import COMPARISONS, Guard, Instruction, Program
from autograd_lite.jit.tracing import TracedFloat, Tracer

__all__ = ["Recorder", "StepRecorder"]

#: So many ways a step may go. What it computes on all of them is computed at each step.
MAX_WAYS = 32

_CHOICES: dict[str, Op] = {
    "<": ops.less, "<=": ops.less_equal, ">": ops.greater, ">=": ops.greater_equal, "==": ops.equal,
    "!=": ops.not_equal,
}  # fmt: skip


class Recorder(Tracer):
    """A tracer that records loops too, by a function that takes it and what :meth:`loop` is given."""

    def __init__(self, record_loop: Callable[..., Any]) -> None:
        super().__init__()
        self.record_loop = record_loop

    def loop(self, *args: Any, **kwargs: Any) -> Any:
        """A loop as one instruction."""
        return self.record_loop(self, *args, **kwargs)

    def emit(self, op: Op, numbers: Sequence[Any]) -> TracedFloat:
        """An instruction of :mod:`autograd_lite.core.loops`, also where all operands are constants."""
        self.check_is_recording()
        owned = [self.owned(number) for number in numbers]
        values = list(map(_value, owned))
        references = [_reference(number) for number in owned]
        try:
            value = _value_of(op, values)
        except BodyChanged as error:
            self.root()._refused = error  # lest f goes on another way
            raise
        self.instructions.append(Instruction(op, tuple(references)))
        return TracedFloat(self, value, len(self.instructions) - 1)

    def root(self) -> Tracer:
        """The tracer of the function."""
        return self

    def owned(self, number: Any) -> Any:
        """A number of any kind as a float or a traced number of this recorder; a list as a sequence."""
        if isinstance(number, Value):
            return self.number(number)
        if type(number) is list:
            return self.emit(stack, number)
        if type(number) is not TracedFloat:
            return as_float(number)
        return number if number.tracer is self else self.lifted(number)

    def inlined(self, program: Program, numbers: Sequence[Any]) -> tuple[Any, ...]:
        """The outputs of a program, its guards aside, as instructions of this recording."""
        computed = list(numbers)
        for op, operands in program.instructions:
            given = [computed[o] if type(o) is int else o for o in operands]
            if isinstance(op, Several):
                computed.append(self.emit(op, given))
            else:
                computed.append(op(*given))
        return tuple([computed[o] if type(o) is int else o for o in program.outputs])


def _reference(number: Any) -> Any:
    if type(number) is not TracedFloat:
        return number
    return number.value if number.reference is None else number.reference


def _value(number: Any) -> Any:
    return number.value if type(number) is TracedFloat else number


def _value_of(op: Any, values: list[Any]) -> Any:
    """What it gives in the call that is recorded."""
    if not hasattr(op, "program"):
        return op.evaluate(*values)
    if vm.is_there():
        from autograd_lite.core.vm import repeated

        return repeated(op, *values)
    return op.repeated(PythonCode(op.program).run, values)


class StepRecorder(Recorder):
    """What records a step. Numbers from around the loop are constants of it, found as they are met."""

    def __init__(self, parent: Recorder) -> None:
        super().__init__(parent.record_loop)
        self.parent, self.lock = parent, parent.lock
        #: Numbers from around the loop, with what they are in the step.
        self.constants: dict[Any, tuple[TracedFloat, TracedFloat]] = {}
        #: Nodes from around the loop to which gradients go.
        self.nodes: dict[Value, None] = {}
        # The comparisons on the way that is recorded, and the outcomes that its beginning has to have.
        self._way: list[tuple[TracedFloat, bool]] = []
        self._beginning: list[bool] = []
        self._is_choosing = False

    def is_within(self, tracer: Tracer) -> bool:
        return self is tracer or self.parent.is_within(tracer)

    def lifted(self, number: TracedFloat) -> TracedFloat:
        if not self.parent.is_within(number.tracer):
            raise number.tracer.refusal_of_a_leak()
        if number.reference is None:
            return TracedFloat(self, number.value, None)
        key = (id(number.tracer), number.reference)
        if key not in self.constants:
            self.constants[key] = number, self.input(f"k{len(self.constants)}", number.value)
        return self.constants[key][1]

    def number(self, node: Any) -> Any:
        held = node._held()
        if type(held) is TracedFloat and held.tracer is self:
            return held
        if node.requires_grad:
            self.nodes[node] = None
        return self.lifted(self.parent.number(node))

    def refusal(self, kind: str, number: TracedFloat | None = None) -> TracingError:
        if kind == "int":
            error = TracingError(
                "in the step of a loop a traced number cannot become an int, which items[i] and range(i) ask for: the "
                "step is recorded once for all steps. Hand the items to scan as xs; an inner count goes to fori_loop"
            )
            self.root()._refused = error
            return error
        return self.parent.refusal(kind)

    def root(self) -> Tracer:
        return self.parent.root()

    # -- Branches --

    def _owner(self, x: Any, y: Any) -> Tracer | None:
        """The innermost tracer to which one of two numbers belongs that are no constants."""
        traced = [n.tracer for n in (x, y) if type(n) is TracedFloat and n.reference is not None]
        return next((tracer for tracer in traced if all(map(tracer.is_within, traced))), None)

    def compare(self, symbol: str, x: Any, y: Any) -> bool:
        """The outcome on the way that is recorded; what does not change in the loop is a guard around it."""
        owner = self._owner(x, y)
        if owner is not self:
            return bool(COMPARISONS[symbol](_value(x), _value(y)) if owner is None else owner.compare(symbol, x, y))
        numbers = [self.owned(n) for n in (x, y)]
        key = (symbol, *((type(n), n.reference if type(n) is TracedFloat else n) for n in numbers))
        if key not in self._outcomes:
            self.check_is_recording()
            if not self._is_choosing:
                raise self.refusal_of_a_leak()
            place = len(self._way)
            now = COMPARISONS[symbol](*map(_value, numbers))
            outcome = self._beginning[place] if place < len(self._beginning) else now
            self._way.append((self.apply(_CHOICES[symbol], numbers), outcome))
            self._outcomes[key] = outcome
        return bool(self._outcomes[key])

    def raises_where(self, symbol: str, x: Any, y: Any) -> bool:
        # No way of its own: a guard keeps steps from it.
        owner = self._owner(x, y)
        if owner is not self:
            return bool(self.compare(symbol, x, y) if owner is None else owner.raises_where(symbol, x, y))
        numbers = [self.owned(n) for n in (x, y)]
        if not self._beginning and COMPARISONS[symbol](*map(_value, numbers)):
            return True
        self._forbid(self.apply(_CHOICES[symbol], numbers), self._way)
        return False

    def leaves_range(self, ans: Any, x: Any, y: Any) -> bool:
        outside = ops.not_equal(ans - ans, 0.0) * ops.equal(x - x, 0.0) * ops.equal(y - y, 0.0)
        return self.raises_where("!=", outside, 0.0)

    def _forbid(self, flag: Any, way: Sequence[tuple[TracedFloat, bool]]) -> None:
        """A guard that a number is 0.0 where a step goes this way."""
        for condition, outcome in reversed(way):
            flag = ops.where(condition, flag, 0.0) if outcome else ops.where(condition, 0.0, flag)
        self.guards.append(Guard(len(self.guards), len(self.instructions), "!=", _reference(flag), 0.0, False))

    def on_all_ways(self, function: Callable[[], list[Any]]) -> list[Any]:
        """What a function gives, which is called once for each way through its branches: joined by ``where``.

        A way that raises is left out, and a guard keeps steps from going it.
        """
        ways: list[tuple[list[tuple[TracedFloat, bool]], list[Any] | None]] = []
        waiting: list[list[bool]] = [[]]
        known, before = dict(self._outcomes), (self._beginning, self._way, self._outcomes, self._is_choosing)
        self._is_choosing = True
        try:
            while waiting:
                if len(ways) == MAX_WAYS:
                    raise TracingError(
                        f"the step of a loop goes more than {MAX_WAYS} ways. Write branches as where(greater(x, 0.0), "
                        "a, b), and a loop inside that depends on its numbers as while_loop"
                    )
                self._beginning, self._way, self._outcomes = waiting.pop(), [], dict(known)
                ways.append((self._way, self._result_of(function)))
                outcomes = [outcome for _, outcome in self._way]
                places = range(len(self._beginning), len(outcomes))
                waiting += [[*outcomes[:place], not outcomes[place]] for place in places]
        finally:
            self._beginning, self._way, self._outcomes, self._is_choosing = before
        joined = self._joined(ways, 0)
        assert joined is not None  # or the first way would have raised
        return joined

    def differentiate(self, op: Op, ans: Any, numbers: list[Any]) -> tuple[Any, ...]:
        # By itself, lest the ways of one operation's partials multiply those of others'.
        return tuple(self.on_all_ways(lambda: list(Recorder.differentiate(self, op, ans, numbers))))

    def _result_of(self, function: Callable[[], list[Any]]) -> list[Any] | None:
        try:
            return function()
        except TracingError:
            raise
        except Exception:
            if not self._beginning:  # it is the way that this call goes
                raise
            return None

    def _joined(self, ways: list[Any], depth: int) -> list[Any] | None:
        if len(ways[0][0]) == depth:
            return ways[0][1]  # type: ignore[no-any-return]
        condition = ways[0][0][depth][0]
        sides = [[way for way in ways if way[0][depth][1] is outcome] for outcome in (True, False)]
        yes, no = (self._joined(side, depth + 1) for side in sides)
        if yes is None or no is None:
            if yes is not no:
                flag = ops.not_equal(condition, 0.0) if yes is None else ops.equal(condition, 0.0)
                self._forbid(flag, ways[0][0][:depth])
            return no if yes is None else yes
        return [self._chosen(condition, a, b) for a, b in zip(yes, no, strict=True)]

    def _chosen(self, condition: TracedFloat, a: Any, b: Any) -> Any:
        if a is b or (type(a) is type(b) is TracedFloat and a.reference is not None and a.reference == b.reference):
            return a
        return ops.where(condition, a, b)

    # -- The program --

    def extracted(
        self, name: str, inputs: Sequence[TracedFloat], outputs: Sequence[Any], *, with_guards: bool
    ) -> tuple[Program, list[TracedFloat]]:
        """What leads to some outputs, and the numbers from around the loop that it reads.

        The inputs of the program are these numbers, then those given.
        """
        guards = self.guards if with_guards else []
        results = [_reference(self.owned(output)) for output in outputs]
        needed = {r for r in [*results, *(g.left for g in guards)] if type(r) is int}
        for position in range(len(self.instructions) - 1, -1, -1):
            if position in needed:
                needed.update([o for o in self.instructions[position].operands if type(o) is int])
        constants = [pair for pair in self.constants.values() if pair[1].reference in needed]
        own = [*(inner for _, inner in constants), *inputs]
        place = {number.reference: i for i, number in enumerate(own) if number.reference is not None}
        count, kept = len(own), [p for p in range(len(self.instructions)) if p in needed]
        place |= {position: count + i for i, position in enumerate(kept)}

        def placed(reference: Any) -> Any:
            return place[reference] if type(reference) is int else reference

        program = Program(
            name,
            tuple([self.inputs[~number.reference] for number in own]),  # type: ignore[operator]
            tuple(
                [Instruction(i.op, tuple(map(placed, i.operands))) for i in map(self.instructions.__getitem__, kept)]
            ),
            tuple(map(placed, results)),
            tuple([g._replace(number=n, at=count + len(kept), left=placed(g.left)) for n, g in enumerate(guards)]),
        )
        return optimize(program), [outer for outer, _ in constants]


def recorder() -> Any:
    """Who records at present."""
    return modes.current().interpreter

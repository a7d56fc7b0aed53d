"""Stand-ins for floats, and the recording of what is computed with them.

While ``jit`` records, the numbers are traced and the engine is as it is: a Value holds a
:class:`TracedFloat` where it holds a float otherwise, its partials are such numbers too,
and so the chain rule, ``no_grad``, ``detach`` and every transform do what they always do.
"""

import math
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from autograd_lite.core import modes, ops
from autograd_lite.core.checks import as_float, is_real
from autograd_lite.core.node import hold
from autograd_lite.core.op import CONSTANT, Op, short_cuts
from autograd_lite.core.operators import Operators
from autograd_lite.core.record import made
from autograd_lite.core.value import Value
from autograd_lite.errors import TracingError
from autograd_lite.jit.program import COMPARISONS, Guard, Instruction, Program

__all__ = ["TracedFloat", "Tracer"]


class TracedFloat(Operators):
    """A float of the call that is recorded; what is computed with it goes into the recording.

    ``isinstance(x, float)`` holds, as it does for what it stands for. It has no number to give
    to ``math`` and the like: that is a ``TracingError``.
    """

    __slots__ = ("reference", "tracer", "value")

    _x = None  # to a graph it is a constant, as a float is
    __class__ = property(lambda self: float)

    def __init__(self, tracer: "Tracer", value: float, reference: int | None) -> None:
        self.tracer, self.value = tracer, value
        #: Which number of the recording it is: an input is ~0, ~1 ..., a result 0, 1 ...; None for a constant.
        self.reference = reference

    @classmethod
    def __autograd_op__(cls, op: Op, operands: tuple[Any, ...]) -> Any:
        if any(isinstance(operand, Value) for operand in operands):
            return Value.__autograd_op__(op, operands)
        try:
            numbers = [as_float(operand) for operand in operands]
        except TypeError as error:
            raise TypeError(f"{op.name} takes numbers and Values, one at a time: {error}") from None
        return _tracer_of(numbers).apply(op, numbers)

    def __repr__(self) -> str:
        return f"<traced float, {self.value!r} in the call that is recorded>"

    def __copy__(self) -> "TracedFloat":
        return self

    def __deepcopy__(self, memo: Any) -> "TracedFloat":
        return self

    def __reduce__(self) -> NoReturn:
        raise self.tracer.refusal("pickle")

    def __hash__(self) -> int:
        raise self.tracer.refusal("hash")

    def __float__(self) -> float:
        raise self.tracer.refusal("float")

    __complex__ = __float__

    def __index__(self) -> int:
        raise self.tracer.refusal("int", self)

    __int__ = __index__

    def __bool__(self) -> bool:
        return _tracer_of([self]).compare("!=", self, 0.0)

    def __str__(self) -> str:
        raise self.tracer.refusal("format", self)

    def __format__(self, spec: str) -> str:
        raise self.tracer.refusal("format", self)

    real = property(lambda self: self)
    imag = 0.0

    def conjugate(self) -> "TracedFloat":
        """The number itself, as it is real."""
        return self

    def is_integer(self) -> bool:
        """What a float would answer depends on the call."""
        raise self.tracer.refusal("int", self)

    def _is_no_int(self, other: Any = None) -> Any:
        raise self.tracer.refusal("int", self)

    as_integer_ratio = hex = is_integer
    __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = _is_no_int
    __lshift__ = __rlshift__ = __rshift__ = __rrshift__ = __invert__ = _is_no_int

    def __round__(self, ndigits: int | None = None) -> Any:
        return _whole(ops.round_, round, self) if ndigits is None else ops.round_(self, ndigits)

    def __floor__(self) -> Any:
        return _whole(ops.floor, math.floor, self)

    def __ceil__(self) -> Any:
        return _whole(ops.ceil, math.ceil, self)

    def __trunc__(self) -> Any:
        return _whole(ops.trunc, math.trunc, self)

    def __pow__(self, other: Any) -> Any:
        return _power(self, other)

    def __rpow__(self, other: Any) -> Any:
        return _power(other, self)


def _division(op: Op, *, reflected: bool) -> Callable[[Any, Any], Any]:
    """An operator that raises for Python's floats where the divisor is 0."""

    def method(self: Any, other: Any) -> Any:
        if isinstance(other, Value) or not is_real(other):
            return NotImplemented
        x, y = (other, self) if reflected else (self, other)
        # Within a partial the answer is IEEE's, as it is eagerly.
        tracer = _tracer_of([self])
        if not tracer.is_differentiating and tracer.raises_where("==", as_float(y), 0.0):
            op.value(_value(x), 0.0)
        return op(x, y)

    return method


def _whole(op: Op, function: Callable[[float], int], x: TracedFloat) -> Any:
    """A whole number as Python makes it of a float: an int, which has no -0, and an error for inf and nan."""
    if _tracer_of([x]).raises_where("!=", x - x, 0.0):
        function(_value(x))
    return op(x) + 0.0


def _compared(symbol: str) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        if isinstance(other, Value) or not is_real(other):
            return NotImplemented
        if isinstance(other, float):
            return _tracer_of([self, other]).compare(symbol, self, as_float(other))
        below, above = _neighbours(other)
        if symbol in ("==", "!=") and below != above:  # no float is that number
            return symbol == "!="
        # To be less than a number between two floats is to be the lower one at most.
        closed = symbol if below == above else symbol[0] + "="
        return _tracer_of([self]).compare(closed, self, below if "<" in symbol or below == above else above)

    return method


def _neighbours(number: Any) -> tuple[float, float]:
    """The floats on both sides of a number of another kind, such as a Fraction; twice the same if it is a float."""
    try:
        near = as_float(number)
    except OverflowError:
        largest = sys.float_info.max
        return (largest, math.inf) if number > 0 else (-math.inf, -largest)
    if near == number or near != near:
        return near, near
    return (near, math.nextafter(near, math.inf)) if near < number else (math.nextafter(near, -math.inf), near)


def _power(x: Any, y: Any) -> Any:
    """x ** y as Python's floats do it, which raise where the result overflows or is not defined."""
    if isinstance(x, Value) or isinstance(y, Value) or not (is_real(x) and is_real(y)):
        return NotImplemented
    x, y = as_float(x), as_float(y)
    ans = ops.power(x, y)
    is_by_user = not ans.tracer.is_differentiating
    if is_by_user and ans.tracer.leaves_range(ans, x, y):
        plain = _value(x) ** _value(y)
        if isinstance(plain, complex):
            raise ans.tracer.refusal("complex")
    return ans


for _name, _op in (("truediv", ops.div), ("floordiv", ops.floordiv), ("mod", ops.mod)):
    setattr(TracedFloat, f"__{_name}__", _division(_op, reflected=False))
    setattr(TracedFloat, f"__r{_name}__", _division(_op, reflected=True))
for _name, _symbol in (("lt", "<"), ("le", "<="), ("gt", ">"), ("ge", ">="), ("eq", "=="), ("ne", "!=")):
    setattr(TracedFloat, f"__{_name}__", _compared(_symbol))


def _applied(op: Op, operands: tuple[Any, ...]) -> Any:
    """An operation of traced numbers and floats, which most are."""
    for operand in operands:
        if type(operand) is not TracedFloat and type(operand) is not float:
            return TracedFloat.__autograd_op__(op, operands)
    return _tracer_of(operands).apply(op, operands)


short_cuts[TracedFloat] = _applied


def _value(number: Any) -> float:
    return number.value if type(number) is TracedFloat else number


def _tracer_of(numbers: Sequence[Any]) -> "Tracer":
    """Who records what is computed with these: the one they belong to, or one that records the step of a loop in it."""
    tracer: Tracer = next(number.tracer for number in numbers if type(number) is TracedFloat)
    now = modes.top.get().interpreter
    return now if isinstance(now, Tracer) and now.is_within(tracer) else tracer


_REFUSALS = {
    "assign": ".data cannot be assigned",
    "grad": ".grad cannot be read or set",
    "backward": "backward() leaves its results in .grad, outside the function",
    "float": "a traced number cannot become a plain float, which math.sin(x), float(x) and the like ask for",
    "int": "a traced number cannot become an int, which range(n), x[n] and the like ask for",
    "format": "a traced number cannot become text, which str(x), f'{x:.2f}' and print(x) ask for",
    "complex": "a power of a negative number is complex, and jit knows real numbers only",
    "hash": "a traced number cannot be the key of a dict or in a set",
    "pickle": "a traced number cannot be pickled",
}
_ADVICE = {
    "assign": "Return the new number, and assign it to .data outside.",
    "grad": "Return the gradients instead, jit(grad(f)), or call backward() on the result of the compiled function.",
    "format": "For a look while the function is recorded write print(repr(x)).",
    "int": "Name the argument in static_argnames, and the function is recorded for each of its values.",
    "pickle": "Return it from the function.",
}
_ADVICE["backward"] = _ADVICE["grad"]
_USUAL_ADVICE = (
    "Write x.detach() for a number without its gradient, autograd_lite.sin(x) for math.sin(x), where(x > 0, a, b) "
    "with autograd_lite.where and greater for a choice, or name the argument in static_argnames."
)


class Tracer(modes.Interpreter):
    """The interpreter that records: its inputs, and what was computed and compared so far."""

    is_eager = False

    def __init__(self) -> None:
        self.inputs: list[str] = []
        self.instructions: list[Instruction] = []
        self.guards: list[Guard] = []
        self.closed_over: dict[Value, TracedFloat] = {}
        #: What gives the random numbers that are inputs, each in the place of a Value; None if they are constants.
        self.draws: dict[Value, Callable[[], float]] | None = None
        self.is_differentiating = False
        self.lock = threading.RLock()
        self._outcomes: dict[Any, bool] = {}
        #: Whether what was recorded may depend on the names of Values.
        self.reads_names = False
        self._refused: Exception | None = None

    def input(self, name: str, value: float) -> TracedFloat:
        """A number that each call gives."""
        self.inputs.append(name)
        return TracedFloat(self, value, ~(len(self.inputs) - 1))

    def constant(self, value: Any) -> Any:
        """A number that f itself made, as one that belongs to the recording."""
        return value if type(value) is TracedFloat else TracedFloat(self, value, None)

    def number(self, node: Any) -> Any:
        """What a node holds; for one from before the recording, what it holds at each call."""
        data = node._held()
        if type(data) is TracedFloat:
            return data
        if node not in self.closed_over:
            self.closed_over[node] = self.input(getattr(node, "_name", None) or f"w{len(self.closed_over)}", data)
        return self.closed_over[node]

    def draw(self, draws: Callable[[], float]) -> Any:
        """A random number: drawn now, for all calls, or an input."""
        if self.draws is None:
            return draws()
        node = made(Value, draws(), CONSTANT)
        self.draws[node] = draws
        return self.number(node)

    def apply(self, op: Op, numbers: Sequence[Any]) -> TracedFloat:
        """The result of an operation, as an instruction; of constants alone, a constant."""
        references = []
        values = []
        is_constant = True
        for number in numbers:
            if type(number) is TracedFloat:
                if number.reference is not None:
                    is_constant = False
                if number.tracer is not self:
                    number = self.lifted(number)  # noqa: PLW2901
                values.append(number.value)
                references.append(number.value if number.reference is None else number.reference)
            else:
                values.append(number)
                references.append(number)
        ans = op.evaluate(*values)
        if type(ans) is not float:
            ans = as_float(ans)
        if is_constant:
            return TracedFloat(self, ans, None)
        self.check_is_recording()
        self.instructions.append(Instruction(op, tuple(references)))
        return TracedFloat(self, ans, len(self.instructions) - 1)

    def is_within(self, tracer: "Tracer") -> bool:
        """Whether it is this tracer, or records a step of a loop in it."""
        return self is tracer

    def lifted(self, number: TracedFloat) -> TracedFloat:
        """A number of another tracer as one of its own."""
        raise number.tracer.refusal_of_a_leak()

    def check_is_recording(self) -> None:
        """Raise if the recording is over."""
        now = modes.top.get().interpreter
        if not (isinstance(now, Tracer) and now.is_within(self)):
            raise self.refusal_of_a_leak()

    def differentiate(self, op: Op, ans: Any, numbers: list[Any]) -> tuple[Any, ...]:
        """The partials of an operation at traced numbers."""
        before, self.is_differentiating = self.is_differentiating, True
        try:
            partials = op.differentiate(ans, *map(self.constant, numbers))
        finally:
            self.is_differentiating = before
        return tuple([p.value if type(p) is TracedFloat and p.reference is None else p for p in partials])

    def multiply(self, adjoint: Any, partial: Any) -> Any:
        """What the chain rule multiplies; for a factor that is 0 whatever the call, 0."""
        for factor, other in ((partial, adjoint), (adjoint, partial)):
            if type(factor) is float and math.isfinite(factor):
                if factor == 1.0 and type(other) is TracedFloat:  # a node has to be a node of its own
                    return other
                return adjoint * partial if factor else 0.0
        if type(adjoint) is TracedFloat and type(partial) is TracedFloat:
            return self.apply(ops.strong_mul, (adjoint, partial))
        return ops.strong_mul(adjoint, partial)

    def compare(self, symbol: str, x: Any, y: Any) -> bool:
        """The outcome that a comparison has in this call, and a guard that it has it in others."""
        outcome = COMPARISONS[symbol](_value(x), _value(y))
        operands = [_value(n) if getattr(n, "reference", None) is None else n.reference for n in (x, y)]
        if all(type(operand) is float for operand in operands):
            return outcome
        key = (symbol, *((type(operand), operand) for operand in operands))
        if key not in self._outcomes:
            self.check_is_recording()
            self._outcomes[key] = outcome
            self.guards.append(
                Guard(len(self.guards), len(self.instructions), symbol, operands[0], operands[1], outcome)
            )
        return self._outcomes[key]

    def raises_where(self, symbol: str, x: Any, y: Any) -> bool:
        """A comparison after which Python's floats raise."""
        return self.compare(symbol, x, y)

    def leaves_range(self, ans: Any, x: Any, y: Any) -> bool:
        """Whether a power of finite numbers is out of range, or no real number."""
        return bool(ans - ans != 0.0 and x - x == 0.0 and y - y == 0.0)

    def extent(self) -> tuple[int, int, int]:
        """How many inputs, instructions and guards there are by now."""
        return len(self.inputs), len(self.instructions), len(self.guards)

    def program(
        self, name: str, outputs: list[Any], extent: tuple[int, int], order: Sequence[int | None] | None = None
    ) -> Program:
        """What was recorded, of its inputs and guards the first so many, with these numbers as its results.

        What was recorded of other inputs is dead code in it. ``order`` has the inputs in another order, with None for
        one more that nothing reads.
        """
        own, guards = extent
        inputs = range(own) if order is None else order
        places = [-1] * len(self.inputs)
        for place, old in enumerate(inputs):
            if old is not None:
                places[old] = place
        count = len(inputs)

        def renumbered(reference: Any) -> Any:
            if type(reference) is not int:
                return reference
            return places[~reference] if reference < 0 else count + reference

        results = [_value(n) if getattr(n, "reference", None) is None else renumbered(n.reference) for n in outputs]
        return Program(
            name,
            tuple([f"unread{i}" if old is None else self.inputs[old] for i, old in enumerate(inputs)]),
            tuple([Instruction(op, tuple(map(renumbered, operands))) for op, operands in self.instructions]),
            tuple(results),
            tuple(
                [
                    g._replace(at=count + g.at, left=renumbered(g.left), right=renumbered(g.right))
                    for g in self.guards[:guards]
                ]
            ),
        )

    def refuse(self, what: str) -> None:
        if what != "name":
            raise self.refusal(what)
        self.reads_names = True

    def refusal(self, kind: str, number: TracedFloat | None = None) -> TracingError:
        """The error of something that cannot be recorded."""
        name = ""
        if number is not None and number.reference is not None and number.reference < 0:
            name = f" (it is {self.inputs[~number.reference]})"
        error = TracingError(
            f"inside a function that jit compiles {_REFUSALS[kind]}{name}: all later calls would use the number of "
            f"this one. {_ADVICE.get(kind, _USUAL_ADVICE)}"
        )
        self._refused = self._refused or error
        return error

    def raise_if_refused(self) -> None:
        """Raise what was refused, if the function caught it and went on another way."""
        if self._refused is not None:
            raise self._refused

    def refusal_of_a_leak(self) -> TracingError:
        """The error of a number that is used, or still there, after its recording."""
        return TracingError(
            "this number was computed inside a function that jit compiled, and left it by a side effect; it has no "
            "value outside. Return it from the function"
        )

    def settle(self, values: Iterable[Value], numbers: Iterable[TracedFloat]) -> bool:
        """Make real Values of constants that f left in what outlives it; whether there were any.

        Raises ``TracingError`` if it left anything else that was traced.
        """
        made: list[tuple[Value, Any]] = [(value, value._held()) for value in values]
        made = [(value, data) for value, data in made if type(data) is TracedFloat]
        if list(numbers) or any(not value.is_leaf or data.reference is not None for value, data in made):
            raise self.refusal_of_a_leak()
        for value, data in made:
            hold(value, data.value)
        return bool(made)


@contextmanager
def tracing(tracer: Tracer) -> Iterator[None]:
    """Hand what this context computes to a tracer."""
    before = modes.top.get()
    try:
        modes.enter(grad_enabled=True, interpreter=tracer)
        yield
    finally:
        modes.top.set(before)

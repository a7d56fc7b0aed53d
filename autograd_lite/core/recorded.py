"""Functions of numbers recorded as small programs: which primitives they apply, in order.

The partials of an :class:`Op` are such a function. The compiled core records them when they are first
needed, and its virtual machine (``vm.pyx``) evaluates the program from then on: the derivative is still
written once, in the table.
"""

import builtins
import math
from collections.abc import Callable, Iterator, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

from autograd_lite.core.checks import as_float
from autograd_lite.core.op import Op, is_primitive
from autograd_lite.core.operators import Operators

__all__ = ["Recorded", "are_as_read", "is_fixed", "readings", "record", "recorded_partials"]

#: Partials that choose by Python's ``if`` on an operand, which is a constant wherever the primitive is used: they are
#: recorded for each of its values. By the primitive's name, which operand.
CHOOSE_BY = {"constant_pow": 1}


class Recorded(NamedTuple):
    """A program. An int among operands and outputs is the position of a number, a float a constant.

    Its numbers are counted through: first the inputs, then the result of each instruction.
    """

    inputs: int
    instructions: list[tuple[Op, tuple[int | float, ...]]]
    outputs: tuple[int | float, ...]


def record(function: Callable[..., Any], count: int, constants: Mapping[int, float] | None = None) -> Recorded | None:
    """The function as a program of so many inputs; None if it does anything but arithmetic.

    It is called once, on stand-ins, and gives a tuple. ``constants`` says at which positions it gets a float.

    >>> from autograd_lite import sin
    >>> record(lambda x, y: (sin(x) * y, 1.0), 2)
    Recorded(inputs=2, instructions=[(<Op sin>, (0,)), (<Op mul>, (2, 1))], outputs=(3, 1.0))
    >>> record(lambda x: (1.0 if x > 0.0 else 0.0,), 1) is None
    True
    """
    recorder = _Recorder(count)
    given: list[Any] = [_Number(recorder, position) for position in range(count)]
    for position, constant in (constants or {}).items():
        given[position] = constant
    try:
        outputs = tuple([recorder.operand(output) for output in _as_tuple(function(*given))])
    except Exception:  # whatever it wanted of a stand-in, it may want of floats and have it
        return None
    return Recorded(count, recorder.instructions, outputs)


def recorded_partials(op: Op, count: int, constants: Mapping[int, float] | None = None) -> Recorded | None:
    """The partials of an op as a program of its value and so many operands; None if they cannot be recorded.

    The constants are those of the operands.
    """
    if isinstance(op.partials, tuple):
        return Recorded(1 + count, [], tuple([as_float(partial) for partial in op.partials]))
    if not (is_primitive(op) or is_fixed(op.partials)):
        return None
    made = record(op.partials, 1 + count, {1 + place: number for place, number in (constants or {}).items()})
    return made if made is not None and len(made.outputs) == count else None


class _Refused(Exception):  # noqa: N818 - never seen outside
    """A stand-in has no number to give."""


class _Recorder:
    """What has been computed so far, each operation once."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.instructions: list[tuple[Op, tuple[int | float, ...]]] = []
        self._known: dict[Any, int] = {}

    def apply(self, op: Op, operands: tuple[Any, ...]) -> "_Number":
        numbers = tuple([self.operand(operand) for operand in operands])
        key = (op, *[n if type(n) is int else float(n).hex() for n in numbers])
        if key not in self._known:
            self._known[key] = self.count + len(self.instructions)
            self.instructions.append((op, numbers))
        return _Number(self, self._known[key])

    def operand(self, thing: Any) -> int | float:
        if type(thing) is _Number and thing.recorder is self:
            return thing.position
        if type(thing) is float or type(thing) is int or type(thing) is bool:
            return float(thing)
        raise _Refused


def _refuse(*things: Any) -> Any:
    raise _Refused


class _Number(Operators):
    """A stand-in for a float. Whatever would look at the float is refused."""

    __slots__ = ("position", "recorder")

    def __init__(self, recorder: _Recorder, position: int) -> None:
        self.recorder, self.position = recorder, position

    @classmethod
    def __autograd_op__(cls, op: Op, operands: tuple[Any, ...]) -> Any:
        recorder = next(operand.recorder for operand in operands if type(operand) is _Number)
        return recorder.apply(op, operands)

    def __pow__(self, exponent: Any) -> Any:
        # A negative float to a broken power is complex in Python, where the primitive gives nan.
        if not (type(exponent) in {int, float} and float(exponent).is_integer()):
            raise _Refused
        return super().__pow__(exponent)

    def __rpow__(self, base: Any) -> Any:
        # Of a number of 0 or more every power is real, and what pow() of C's library gives, as in Python.
        if type(base) not in {int, float} or not base >= 0:
            raise _Refused
        return super().__rpow__(base)

    __bool__ = __float__ = __int__ = __index__ = __complex__ = __hash__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _refuse
    __floor__ = __ceil__ = __trunc__ = _refuse  # these give ints
    __round__: Any = _refuse


def _as_tuple(result: Any) -> tuple[Any, ...]:
    if type(result) is not tuple:
        raise _Refused
    return result


#: Functions that only compute, and do the same with stand-ins as with floats.
_BUILTINS = {"abs", "enumerate", "len", "list", "map", "pow", "range", "reversed", "tuple", "zip"}
_BUILTINS_BY_NAME = vars(builtins)
_PACKAGE = __name__.partition(".")[0]


def is_fixed(function: Any) -> bool:
    """Whether a function of the user's does nothing but arithmetic, with functions that are known to do the same.

    What was read while recording would stay in the program as it was then.
    """
    found = readings(function)
    return found is not None and all(_is_known(name, _read(place, name)) for place, name, _ in found)


def readings(function: Any) -> list[tuple[Any, str, Any]] | None:
    """What a function reads besides its arguments: where, by which name, and what is there; None if it does more."""
    if type(function) is not FunctionType:
        return None
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    found = []
    for name in _names_read(function.__code__):
        if name is None:
            return None
        place = cells.get(name, function.__globals__)
        found.append((place, name, _read(place, name)))
    return found


def are_as_read(found: list[tuple[Any, str, Any]]) -> bool:
    """Whether all that was read is the same."""
    return all(_read(place, name) is thing for place, name, thing in found)


def _read(place: Any, name: str) -> Any:
    if type(place) is dict:
        return place.get(name, _BUILTINS_BY_NAME.get(name))
    return place.cell_contents if _is_filled(place) else None


def _names_read(code: CodeType) -> Iterator[str | None]:
    """The variables of other scopes that code reads; None for what it should not do."""
    import dis  # for primitives of the user's only

    for instruction in dis.get_instructions(code):
        if instruction.opname in {
            "LOAD_GLOBAL",
            "LOAD_NAME",
            "LOAD_DEREF",
            "LOAD_CLASSDEREF",
            "LOAD_FROM_DICT_OR_DEREF",
        }:
            if instruction.argval not in code.co_cellvars:
                yield instruction.argval
        elif instruction.opname in {
            "IMPORT_NAME",
            "LOAD_BUILD_CLASS",
            "STORE_GLOBAL",
            "STORE_DEREF",
            "DELETE_GLOBAL",
            "PUSH_EXC_INFO",  # of `except`: it may answer where Python raises, and the machine does not
        }:
            yield None
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from (name for name in _names_read(constant) if name not in code.co_cellvars)


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - raises where there is nothing yet
    except ValueError:
        return False
    return True


def _is_known(name: str, thing: Any) -> bool:
    if isinstance(thing, Op):
        return True
    if isinstance(thing, ModuleType):
        return thing is math or thing.__name__.partition(".")[0] == _PACKAGE
    if isinstance(thing, FunctionType):
        return thing.__module__.partition(".")[0] == _PACKAGE
    return name in _BUILTINS and thing is getattr(builtins, name)

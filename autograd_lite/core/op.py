"""Op: what a primitive is. The table of them stands in :mod:`autograd_lite.core.ops`."""

from collections.abc import Callable
from math import nan
from typing import TYPE_CHECKING, Any, overload

from autograd_lite.core.checks import as_float, describe
from autograd_lite.core.elementwise import elementwise, is_structure
from autograd_lite.core.operators import Operators, primitives

if TYPE_CHECKING:
    from autograd_lite.core.value import Value

__all__ = ["CONSTANT", "IeeeFloat", "Op", "is_primitive", "short_cuts"]

#: Short cuts by the type of an operand: ``short_cuts[type(x)](op, operands)`` is the result. A type of number may set
#: its own; without one it is asked by way of :meth:`Op.dispatch`.
short_cuts: dict[type, Callable[["Op", tuple[Any, ...]], Any]] = {}
_short_cuts = short_cuts


class Op:
    """A primitive operation: a function of numbers that knows its partial derivatives.

    Args:
        name: how errors and ``repr`` call it, such as ``"tanh"``.
        value: the function of floats. Where it raises ``ValueError`` or
            ``ArithmeticError`` (as ``math.log(0.0)`` does), ``otherwise`` answers.
        partials: ``partials(ans, x, ...)`` gives the tuple of derivatives by each
            operand, where ``ans`` is the value. Write it with operators and with
            primitives, never with ``math``, and it gives second derivatives too.
            Its parameters after ``ans`` are the operands, their defaults included.
            For a linear function the tuple itself, such as ``(1.0, -1.0)``.
        symbol: how drawings call it; the name, if not given.
        otherwise: a float, or a function of the operands, for where ``value`` raises.

    A number type of one's own (a dual number, an interval) joins in by
    :class:`~autograd_lite.core.operators.Operators`.

    An Op takes lists, tuples and NumPy arrays of numbers too, and goes through them element by
    element: ``tanh([0.0, 1.0])`` is a list. A number beside a list goes with each of its elements;
    arrays are broadcast. Raises ``TypeError`` when called with anything else, or with the wrong
    count of operands, ``ArgumentError`` for lists whose lengths differ.

    >>> import math
    >>> from autograd_lite import Op, Value, cos, sin
    >>> sinc = Op("sinc", lambda x: math.sin(x) / x, lambda ans, x: ((cos(x) - ans) / x,), otherwise=1.0)
    >>> sinc(0.0)
    1.0
    >>> x = Value(2.0)
    >>> sinc(x).backward()
    >>> round(x.grad, 6)
    -0.435398
    """

    __slots__ = ("_count", "arity", "is_linear", "is_of_the_table", "name", "otherwise", "partials", "symbol", "value")

    #: How the chain rule passes an operation that is no single number's: ``pull(node, adjoint, create_graph)`` gives
    #: what goes to each operand (None for nothing), ``push(node, tangents, create_graph)`` the tangent. Most have
    #: neither, and go by their partials.
    pull: Callable[..., Any] | None = None
    push: Callable[..., Any] | None = None
    #: Whether ``push`` is made of as many backward passes as there are results.
    pushes_backward = False
    #: Whether ``pull`` gives the node's partials where the adjoint is 1.0 and no graph is wanted.
    pulls_partials = False

    def __init__(
        self,
        name: str,
        value: Callable[..., float],
        partials: Callable[..., tuple[Any, ...]] | tuple[float, ...],
        *,
        symbol: str | None = None,
        otherwise: float | Callable[..., float] = nan,
    ) -> None:
        if not isinstance(name, str) or not name:
            raise TypeError(f"Op needs a name first, such as 'tanh'; got {describe(name)}")
        if symbol is not None and not isinstance(symbol, str):
            raise TypeError(f"Op {name!r}: its symbol is a string, got {describe(symbol)}")
        if not callable(value):
            raise TypeError(f"Op {name!r} needs a function as its value; got {describe(value)}")
        self.name = name
        self.symbol = name if symbol is None else symbol
        self.value = value
        self.partials = tuple(map(as_float, partials)) if isinstance(partials, tuple) else partials
        self.otherwise = otherwise
        #: Whether the partials are constants.
        self.is_linear = isinstance(partials, tuple)
        if not isinstance(partials, tuple) and not callable(partials):
            raise TypeError(f"Op {name!r} needs a function or a tuple as its partials; got {describe(partials)}")
        #: Whether it is one of the table's, whose value and partials are floats wherever its operands are.
        self.is_of_the_table = False
        #: How many operands it takes; None for any number.
        self.arity = len(partials) if isinstance(partials, tuple) else _count_operands(partials)
        self._count = -1 if self.arity is None else self.arity
        if self.arity == 0:
            raise TypeError(f"Op {name!r}: partials takes the value and each operand: lambda ans, x: (...,)")

    def __repr__(self) -> str:
        return f"<Op {self.name}>"

    def __copy__(self) -> "Op":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Op":
        return self

    def __reduce_ex__(self, protocol: Any) -> Any:
        if is_primitive(self):
            return _primitive_named, (self.name,)
        return _restored, (type(self), self.name, self.value, self.partials, self.symbol, self.otherwise)

    # Numbers give a float, and a Value among the first three operands a Value; lists and arrays their like.
    @overload
    def __call__(self, /, *operands: float, **named: float) -> float: ...
    @overload
    def __call__(self, x: "Value", /, *operands: "Value | float", **named: "Value | float") -> "Value": ...
    @overload
    def __call__(self, x: float, y: "Value", /, *operands: "Value | float", **named: "Value | float") -> "Value": ...
    @overload
    def __call__(self, x: float, y: float, z: "Value", /, *operands: "Value | float") -> "Value": ...
    @overload
    def __call__(self, /, *operands: Any, **named: Any) -> Any: ...
    def __call__(self, /, *operands: Any, **named: Any) -> Any:
        if named or len(operands) != self._count:
            operands = self._bind(operands, named)
        for operand in operands:
            kind = type(operand)
            if kind is not float:
                short_cut = _short_cuts.get(kind)
                return self.dispatch(operands) if short_cut is None else short_cut(self, operands)
        try:
            ans = self.value(*operands)
        except (ArithmeticError, ValueError):
            ans = self.evaluate(*operands)
        return ans if type(ans) is float else as_float(ans)  # a user's own may give an int, say

    def _bind(self, operands: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        """All operands in order, with defaults for those left out; the common calls fast."""
        if self.arity is None and not named:
            return operands
        missing = (self.arity or 0) - len(operands)
        defaults = getattr(self.partials, "__defaults__", None) or ()
        if not named and 0 < missing <= len(defaults):
            return operands + defaults[-missing:]
        return self._bound(operands, named)

    def _bound(self, operands: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        """All operands in order, for any call; an error shows the signature."""
        import inspect

        if isinstance(self.partials, tuple):
            parameters = [
                inspect.Parameter(f"x{i}", inspect.Parameter.POSITIONAL_ONLY) for i in range(len(self.partials))
            ]
        else:
            parameters = list(inspect.signature(self.partials).parameters.values())[1:]
        signature = inspect.Signature(parameters)
        try:
            bound = signature.bind(*operands, **named)
        except TypeError as error:
            raise TypeError(f"{self.name}{signature}: {error}") from None
        bound.apply_defaults()
        return bound.args

    def dispatch(self, operands: tuple[Any, ...]) -> Any:
        """Apply the op to operands that are not all floats.

        Values, and other types with ``__autograd_op__``, compute the result themselves; of several types
        the most derived does. Lists and arrays are gone through element by element.
        """
        handler: Any = None
        for operand in operands:
            kind = type(operand)
            if hasattr(kind, "__autograd_op__"):
                if handler is None or issubclass(kind, handler):
                    handler = kind
            elif kind is not float and kind is not int and is_structure(operand):
                return elementwise(self, operands, self.name)
        if handler is not None:
            return handler.__autograd_op__(self, operands)
        try:
            ans = self.evaluate(*map(as_float, operands))
        except TypeError as error:
            raise TypeError(f"{self.name} takes numbers and Values, or lists and arrays of them: {error}") from None
        return IeeeFloat(ans) if any(isinstance(operand, IeeeFloat) for operand in operands) else ans

    def evaluate(self, *numbers: float) -> float:
        """The value at floats, by IEEE 754 also where ``value`` raises."""
        try:
            return self.value(*numbers)
        except (ArithmeticError, ValueError):
            return self.otherwise(*numbers) if callable(self.otherwise) else self.otherwise

    def differentiate(self, ans: Any, *operands: Any) -> tuple[Any, ...]:
        """The partial by each operand; for floats by IEEE 754 also where Python raises."""
        if isinstance(self.partials, tuple):
            return self.partials
        try:
            partials = self.partials(ans, *operands)
        except (ArithmeticError, ValueError):
            safe = [IeeeFloat(number) if type(number) is float else number for number in (ans, *operands)]
            partials = self.partials(*safe)
        if not isinstance(partials, tuple) or len(partials) != len(operands):
            raise TypeError(
                f"Op {self.name!r}: partials must return a tuple with one derivative for each of "
                f"its {len(operands)} operands; got {describe(partials)}"
            )
        return tuple([p if _is_of_a_kind(p) else as_float(p) for p in partials])


def _is_of_a_kind(partial: Any) -> bool:
    """Whether a partial is a float, or of a type with operations of its own."""
    kind = type(partial)
    return kind is float or (hasattr(kind, "__autograd_op__") and kind is not IeeeFloat)


def _count_operands(partials: Callable[..., Any]) -> int | None:
    code = getattr(partials, "__code__", None)
    if code is None:
        raise TypeError(f"partials must be a plain function or a lambda, got {describe(partials)}")
    if code.co_kwonlyargcount or code.co_flags & 0x08:
        raise TypeError("partials takes its operands by position, without keyword-only ones and without **")
    takes_any_number = code.co_flags & 0x04  # inspect.CO_VARARGS, without the price of importing inspect
    return None if takes_any_number else int(code.co_argcount) - 1


class IeeeFloat(Operators, float):  # type: ignore[misc]
    """A float that divides by zero and overflows as IEEE 754 says; for partials that made Python raise."""

    __slots__ = ()


#: The op of a node that takes no gradient, the result of no_grad() or detach(). It has no operands.
_constant = CONSTANT = Op("constant", lambda x: x, lambda ans, x: (0.0,))


def is_primitive(op: Op) -> bool:
    """Whether an op is one of the table's, and not a user's own."""
    return primitives.get(op.name) is op


def _primitive_named(name: str) -> Op:
    return primitives[name]  # type: ignore[no-any-return]


def _restored(kind: type[Op], name: str, value: Any, partials: Any, symbol: str, otherwise: Any) -> Op:
    return kind(name, value, partials, symbol=symbol, otherwise=otherwise)

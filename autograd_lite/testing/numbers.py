"""Types of number on which a program can be run, beside floats and Values.

Each has all operators and primitives, by :class:`~autograd_lite.core.operators.Operators`. A
program that is written with them runs over any of these types unchanged.
"""

import cmath
import random
from collections.abc import Callable, Sequence
from typing import Any, Self

from autograd_lite.core import ops
from autograd_lite.core.checks import as_float, is_real
from autograd_lite.core.op import Op
from autograd_lite.core.operators import Operators, primitives
from autograd_lite.errors import InapplicableOracleError

__all__ = ["Complex", "Dual", "Number", "Perturbed", "perturbed"]

#: The unit roundoff of a float: half the distance from 1 to the next.
UNIT_ROUNDOFF = 2.0**-53


class Number(Operators):
    """Base class: every operator and primitive on it goes to ``_apply`` of its class."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    @classmethod
    def _apply(cls, op: Op, operands: Sequence[Any]) -> Self:
        """The result of a primitive on numbers of this class."""
        raise NotImplementedError

    def _constant(self, x: float) -> Self:
        """A float as a number of this class."""
        return type(self)(x)

    @classmethod
    def __autograd_op__(cls, op: Op, operands: tuple[Any, ...]) -> Self:
        one = next(operand for operand in operands if isinstance(operand, cls))
        if op is ops.power and not isinstance(operands[1], cls):
            op = ops.constant_power
        return cls._apply(op, [o if isinstance(o, cls) else one._constant(as_float(o)) for o in operands])

    def __bool__(self) -> bool:
        return bool(self.value != 0)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"

    def _compared(self, other: Any, comparison: Callable[[Any, Any], bool]) -> Any:
        if not isinstance(other, Number) and not is_real(other):
            return NotImplemented
        return bool(comparison(self.value, other.value if isinstance(other, Number) else as_float(other)))

    def __lt__(self, other: Any) -> Any:
        return self._compared(other, lambda x, y: x < y)

    def __le__(self, other: Any) -> Any:
        return self._compared(other, lambda x, y: x <= y)

    def __gt__(self, other: Any) -> Any:
        return self._compared(other, lambda x, y: x > y)

    def __ge__(self, other: Any) -> Any:
        return self._compared(other, lambda x, y: x >= y)

    def __eq__(self, other: object) -> Any:
        return self._compared(other, lambda x, y: x == y)

    def __ne__(self, other: object) -> Any:
        return self._compared(other, lambda x, y: x != y)

    __hash__ = object.__hash__


class Dual(Number):
    """A value and its tangents by several inputs: forward mode without a graph.

    >>> from autograd_lite import sin
    >>> x = Dual(2.0, [1.0])
    >>> (x * x * x).tangents
    [12.0]
    """

    __slots__ = ("tangents",)

    def __init__(self, value: float, tangents: Sequence[float] = ()) -> None:
        super().__init__(value)
        self.tangents = list(tangents)

    @classmethod
    def _apply(cls, op: Op, operands: Sequence[Any]) -> Self:
        values = [operand.value for operand in operands]
        ans = op.evaluate(*values)
        tangents = [0.0] * max(len(operand.tangents) for operand in operands)
        for partial, operand in zip(op.differentiate(ans, *values), operands, strict=True):
            if partial != 0.0:
                for i, tangent in enumerate(operand.tangents):
                    tangents[i] += partial * tangent if tangent != 0.0 else 0.0
        return cls(ans, tangents)


class Perturbed(Number):
    """A float every operation on which is off by one unit roundoff, up or down at random.

    Run a program several times over: how far the results spread tells how well they can
    be known in floats at all.

    >>> import random
    >>> x = Perturbed(0.1, random.Random(0))
    >>> abs((x * 3.0).value - 0.1 * 3.0) < 1e-15
    True
    """

    __slots__ = ("rng",)

    def __init__(self, value: float, rng: random.Random) -> None:
        super().__init__(value)
        self.rng = rng

    def _constant(self, x: float) -> Self:
        return type(self)(x, self.rng)

    @classmethod
    def _apply(cls, op: Op, operands: Sequence[Any]) -> Self:
        if op in ops.SUMS:  # written out, as each addition in it is off
            return op.value(*operands)  # type: ignore[return-value]
        rng = operands[0].rng
        return cls(perturbed(op.evaluate(*(operand.value for operand in operands)), rng), rng)


def perturbed(x: float, rng: random.Random) -> float:
    """x times 1 + u or 1 - u, at random, where u is the unit roundoff."""
    return x + 2 * UNIT_ROUNDOFF * x if rng.random() < 0.5 else x - 2 * UNIT_ROUNDOFF * x


class Complex(Number):
    """A complex number, for the complex step. Raises ``InapplicableOracleError`` where a program is not analytic."""

    __slots__ = ()

    @classmethod
    def _apply(cls, op: Op, operands: Sequence[Any]) -> Self:
        function = _ANALYTIC.get(op.name) or getattr(cmath, op.name, None)
        if function is None:
            if op.name in primitives:
                raise InapplicableOracleError(f"the complex step does not hold through {op.name}")
            function = op.value  # a user's own, if it is plain arithmetic
        try:
            return cls(function(*(operand.value for operand in operands)))
        except TypeError as error:
            raise InapplicableOracleError(f"{op.name} has no value at complex numbers: {error}") from None

    def _compared(self, other: Any, comparison: Callable[[Any, Any], bool]) -> Any:
        raise InapplicableOracleError("the complex step does not hold through comparisons")

    def __bool__(self) -> bool:
        raise InapplicableOracleError("the complex step does not hold through comparisons")


_ANALYTIC: dict[str, Callable[..., complex]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "neg": lambda x: -x,
    **{op.name: op.value for op in ops.SUMS},
    "square": lambda x: x * x,
    "reciprocal": lambda x: 1 / x,
    "identity": lambda x: x,
    "pow": lambda x, y: cmath.exp(y * cmath.log(x)),
    "constant_pow": lambda x, n: x ** int(n.real) if n.real.is_integer() else cmath.exp(n * cmath.log(x)),
    "sigmoid": lambda x: 1 / (1 + cmath.exp(-x)) if x.real > 0 else cmath.exp(x) / (1 + cmath.exp(x)),
    "silu": lambda x: x * _ANALYTIC["sigmoid"](x),
    "softplus": lambda x: x + cmath.log(1 + cmath.exp(-x)) if x.real > 0 else cmath.log(1 + cmath.exp(x)),
    "exp2": lambda x: cmath.exp(x * cmath.log(2)),
    "log2": lambda x: cmath.log(x) / cmath.log(2),
}

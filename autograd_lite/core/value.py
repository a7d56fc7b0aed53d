"""Value: a number that remembers how it was computed, and ``backward()``, which uses that.

Here all comes together: the operations and their derivatives from :mod:`autograd_lite.core.ops`,
their recording from :mod:`autograd_lite.core.node`, the topological order from
:mod:`autograd_lite.core.graph` and the chain rule from :mod:`autograd_lite.core.chain`.
"""

import collections
import contextlib
import math
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Never, Self

from autograd_lite.core import modes, ops, unboxed
from autograd_lite.core import record as recording
from autograd_lite.core.chain import pull_back
from autograd_lite.core.checks import checked, describe
from autograd_lite.core.node import Node, hold, number, own_attributes
from autograd_lite.core.op import CONSTANT, Op, short_cuts
from autograd_lite.core.operators import NumpyFunctions
from autograd_lite.core.record import applied, binary, compared, made, record, unary
from autograd_lite.errors import GraphError

__all__ = ["Freezings", "Value", "assign", "assignment", "at_once"]

# The arithmetic of the operators, by names that are found at once.
_add, _sub, _mul, _div, _floordiv, _mod, _power = (
    ops.add, ops.sub, ops.mul, ops.div, ops.floordiv, ops.mod, ops.power,
)  # fmt: skip
_in_a_mode = modes.in_a_mode
_WRITE_AN_OP = (
    "An operation of your own is an Op, which is given its value and its derivative: "
    "my_tanh = Op('tanh', math.tanh, lambda ans, x: (1 - ans * ans,)), and my_tanh(v) is a Value"
)


def _unary(op: Op) -> "Callable[[Value], Value]":
    def method(self: "Value") -> "Value":
        return unary(op, self)

    return _called(method, op, "self")


def _binary(op: Op) -> "Callable[[Value, Value | float], Value]":
    def method(self: "Value", other: "Value | float") -> "Value":
        ans = binary(op, self, other, False)
        return op.dispatch((self, other)) if ans is NotImplemented else ans

    return _called(method, op, "self, other")


def _called(method: Any, op: Op, operands: str) -> Any:
    method.__name__ = method.__qualname__ = op.name
    method.__doc__ = f"``{op.name}({operands})``."
    return method


class Freezings:
    """How often a leaf has been frozen or unfrozen. Compiled functions look again when it changes."""

    count = 0


class Value(Node, NumpyFunctions):
    """A real number in a computation graph.

    Operations on Values make new Values that remember their operands and the local
    partial derivatives. Calling :meth:`backward` on a result then gives every Value
    that led to it its ``grad``, the derivative of the result by that Value.

    Args:
        data: any real number (int, bool, NumPy scalar, Fraction ...); kept as a float.
        name: shown in ``repr``, drawings and error messages.
        label: micrograd's word for the name; give one of the two.

    Raises ``TypeError`` for anything else, ``OverflowError`` for an int too large.

    Attributes of one's own may be set, on any Value: ``v.color = "red"``. A copy keeps them.

    >>> a, b = Value(-4.0, name="a"), Value(2.0, name="b")
    >>> c = a * b + b**3
    >>> c.backward()
    >>> a.grad, b.grad
    (2.0, 8.0)
    >>> a
    Value(data=-4.0, grad=2.0, name='a')
    """

    __slots__ = ()

    def __init__(self, data: float, name: str | None = None, _op: None = None, label: str | None = None) -> None:
        number = data if data.__class__ is float else checked(data, "Value")
        self._primitive = self._x = self._y = None
        if _in_a_mode:
            number = modes.current().interpreter.constant(number)
        if type(number) is float:
            self._primal = number
        else:
            hold(self, number)
        if name is not None or label is not None or _op is not None:
            self._set_name(name, _op, label)

    def _set_name(self, name: str | None, operation: Any, label: str | None) -> None:
        """Set the name that the constructor was given; refuse operands and an operation, as micrograd's has them."""
        if operation is not None or isinstance(name, (tuple, list, set)):
            given = describe(name if operation is None else operation)
            raise TypeError(f"Value takes a number and a name, not what it was made from; got {given}. {_WRITE_AN_OP}")
        if name is not None and label is not None:
            raise TypeError(f"name and label are the same; give one of them, not {name!r} and {label!r}")
        self.name = label if name is None else name

    @classmethod
    def __autograd_op__(cls, op: Op, operands: tuple[Any, ...]) -> "Value":
        return record(cls, op, operands)

    # -- What it holds --

    @property
    def data(self) -> float:
        """The number. Assigning it (to a leaf, in a training loop) does not touch the graph."""
        return number(self) if _in_a_mode else self._held()

    @data.setter
    def data(self, data: float) -> None:
        if _in_a_mode:
            modes.current().interpreter.refuse("assign")
        hold(self, data if data.__class__ is float else checked(data, "Value.data"))

    @property
    def grad(self) -> Any:
        """The derivative that ``backward()`` left here, 0.0 before; a Value after ``create_graph=True``."""
        if _in_a_mode:
            modes.current().interpreter.refuse("grad")
        return unboxed.grad_of(self)

    @grad.setter
    def grad(self, grad: Any) -> None:
        if _in_a_mode:
            modes.current().interpreter.refuse("grad")
        unboxed.set_grad(self, grad if grad is None or isinstance(grad, Value) else checked(grad, "Value.grad"))

    @property
    def has_grad(self) -> bool:
        """Whether ``grad`` has been set, by ``backward()`` or by hand; assigning None unsets it."""
        if _in_a_mode:
            modes.current().interpreter.refuse("grad")
        return unboxed.has_grad(self)

    @property
    def name(self) -> str | None:
        """What to call it in ``repr``, drawings and error messages."""
        if _in_a_mode:
            modes.current().interpreter.refuse("name")
        return getattr(self, "_name", None)

    @name.setter
    def name(self, name: str | None) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"a Value's name is a string, got {describe(name)}")
        self._name = name

    @property
    def label(self) -> str | None:
        """micrograd's word for the name."""
        return self.name

    @label.setter
    def label(self, label: str | None) -> None:
        self.name = label

    @property
    def op(self) -> Op | None:
        """The primitive that made it; None for a leaf or a constant."""
        return None if self._primitive is CONSTANT else self._primitive

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by hand, not by an operation. Leaves accumulate their gradients."""
        return self._x is None

    @property
    def requires_grad(self) -> bool:
        """Whether gradients reach it: not so for results of ``detach()`` and ``no_grad()``.

        Assigning it freezes a leaf, as :meth:`requires_grad_` does.
        """
        return self._primitive is not CONSTANT

    @requires_grad.setter
    def requires_grad(self, requires_grad: bool) -> None:
        self.requires_grad_(requires_grad)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Freeze a leaf, or unfreeze it: operations recorded from now on take a frozen one for a constant.

        Returns the Value itself. Raises ``GraphError`` for the result of an operation; take its ``detach()``.

        >>> w = Value(2.0).requires_grad_(False)
        >>> (w * w).requires_grad
        False
        """
        if not isinstance(requires_grad, bool):
            raise TypeError(f"requires_grad is True or False, got {describe(requires_grad)}")
        if requires_grad is not self.requires_grad:
            if not self.is_leaf:
                raise GraphError(
                    f"only leaves can be frozen, and this Value is the result of {self._primitive!r}; "
                    "write v.detach() for a constant with its number"
                )
            if _in_a_mode:
                modes.current().interpreter.refuse("assign")
            self._primitive = None if requires_grad else CONSTANT
            Freezings.count += 1
        return self

    @property
    def _prev(self) -> "tuple[Value, ...]":
        """micrograd's name for the operands, constants as Values too, the same at each access."""
        if all(isinstance(o, Value) for o in self.operands):
            return self.operands
        if not hasattr(self, "_operands"):
            self._operands = tuple(o if isinstance(o, Value) else Value(o) for o in self.operands)
        return self._operands

    @property
    def _op(self) -> str:
        """micrograd's label of the operation; empty for a leaf."""
        return self.op.symbol if self.op else ""

    @property
    def _backward(self) -> Never:
        """What micrograd's operations assign; here an :class:`Op` knows its derivatives."""
        raise AttributeError(f"a Value has no _backward. {_WRITE_AN_OP}")

    @_backward.setter
    def _backward(self, function: Any) -> None:
        raise AttributeError(f"_backward of a Value cannot be set. {_WRITE_AN_OP}")

    def item(self) -> float:
        """The number, as ``data`` (PyTorch's spelling)."""
        return self.data

    def detach(self) -> "Value":
        """A constant with the same data and name: no gradient flows back through it."""
        node = Value(number(self), self.name)
        node._primitive = CONSTANT
        return node

    # -- Backpropagation --

    def backward(
        self, seed: "float | Value" = 1.0, *, create_graph: bool = False, retain_graph: bool | None = None
    ) -> None:
        """Give every Value that led to this one its ``grad``, the derivative of this one by it.

        The gradients of leaves add up over calls, as in PyTorch; those of interior nodes
        are set anew. A node whose own gradient is exactly 0 passes nothing on.

        Args:
            seed: what to multiply every gradient with.
            create_graph: record the gradients too: those of the leaves are then Values to
                differentiate further. Such a Value leads back to its leaf; set ``leaf.grad``
                to None when done with it, or the two keep each other in memory. (:func:`grad`
                does not have that trouble.)
            retain_graph: for programs written for PyTorch; a graph here always stays.

        Raises ``GraphError`` if this Value is a constant, and before anything is changed.

        >>> x = Value(3.0)
        >>> (x**3).backward(create_graph=True)
        >>> gradient, x.grad = x.grad, None
        >>> gradient.backward()
        >>> gradient.data, x.grad
        (27.0, 18.0)
        """
        modes.current().interpreter.refuse("backward")
        if self._primitive is CONSTANT:
            raise GraphError(
                "backward() needs a Value with a graph, and this one is a constant: it was computed under "
                "no_grad(), comes from detach(), or depends on such Values only. Compute it outside "
                "no_grad(), from Values that were not detached. (The gradient of a linear function is one too.)"
            )
        seed = seed if isinstance(seed, Value) else checked(seed, "the seed of backward()")
        seed = seed if create_graph else number(seed)
        is_plain = not (create_graph or modes.current().is_special) and type(self._held()) is float
        if is_plain and unboxed.backward(self, seed):
            return
        adjoints = pull_back({self: seed}, create_graph=create_graph, keep=True)
        by_leaf = [(leaf, adjoint) for leaf, adjoint in adjoints.items() if leaf._primitive is None]
        if not create_graph:
            with _accumulating:
                unboxed.set_grads([(leaf, unboxed.grad_of(leaf) + adjoint) for leaf, adjoint in by_leaf])  # not -0.0
            return
        before = modes.top.get()
        try:
            modes.enter(grad_enabled=True)
            with _accumulating:
                totals = [
                    (leaf, unboxed.grad_of(leaf) + adjoint if unboxed.has_grad(leaf) else adjoint)
                    for leaf, adjoint in by_leaf
                ]
                unboxed.set_grads([(leaf, t if isinstance(t, Value) else Value(t).detach()) for leaf, t in totals])
        finally:
            modes.top.set(before)

    # -- Operators --

    def __add__(self, other: "Value | float") -> "Value":  # self + other
        return binary(_add, self, other, False)

    def __radd__(self, other: "Value | float") -> "Value":  # other + self
        return binary(_add, self, other, True)

    def __sub__(self, other: "Value | float") -> "Value":  # self - other
        return binary(_sub, self, other, False)

    def __rsub__(self, other: "Value | float") -> "Value":  # other - self
        return binary(_sub, self, other, True)

    def __mul__(self, other: "Value | float") -> "Value":  # self * other
        return binary(_mul, self, other, False)

    def __rmul__(self, other: "Value | float") -> "Value":  # other * self
        return binary(_mul, self, other, True)

    def __truediv__(self, other: "Value | float") -> "Value":  # self / other
        return binary(_div, self, other, False)

    def __rtruediv__(self, other: "Value | float") -> "Value":  # other / self
        return binary(_div, self, other, True)

    def __floordiv__(self, other: "Value | float") -> "Value":  # self // other
        return binary(_floordiv, self, other, False)

    def __rfloordiv__(self, other: "Value | float") -> "Value":  # other // self
        return binary(_floordiv, self, other, True)

    def __mod__(self, other: "Value | float") -> "Value":  # self % other
        return binary(_mod, self, other, False)

    def __rmod__(self, other: "Value | float") -> "Value":  # other % self
        return binary(_mod, self, other, True)

    def __pow__(self, other: "Value | float") -> "Value":  # self ** other
        return binary(_power, self, other, False)

    def __rpow__(self, other: "Value | float") -> "Value":  # other ** self
        return binary(_power, self, other, True)

    def __neg__(self) -> "Value":  # -self
        return unary(ops.neg, self)

    def __abs__(self) -> "Value":  # abs(self)
        return unary(ops.absolute, self)

    def __floor__(self) -> "Value":  # math.floor(self)
        return unary(ops.floor, self)

    def __ceil__(self) -> "Value":  # math.ceil(self)
        return unary(ops.ceil, self)

    def __trunc__(self) -> "Value":  # math.trunc(self)
        return unary(ops.trunc, self)

    def __pos__(self) -> "Value":  # +self
        return self

    def __divmod__(self, other: "Value | float") -> "tuple[Value, Value]":  # divmod(self, other)
        return self // other, self % other

    def __rdivmod__(self, other: float) -> "tuple[Value, Value]":  # divmod(other, self)
        return other // self, other % self

    def __round__(self, ndigits: int | None = None) -> "Value":  # round(self, ndigits)
        return ops.round_(self, ndigits or 0)

    # Comparisons look at the data and give bool; a Value hashes by identity all the same.
    def __lt__(self, other: "Value | float") -> bool:
        return compared(0, self, other)

    def __le__(self, other: "Value | float") -> bool:
        return compared(1, self, other)

    def __gt__(self, other: "Value | float") -> bool:
        return compared(4, self, other)

    def __ge__(self, other: "Value | float") -> bool:
        return compared(5, self, other)

    def __eq__(self, other: object) -> bool:
        return compared(2, self, other)

    def __ne__(self, other: object) -> bool:
        return compared(3, self, other)

    def __hash__(self) -> int:
        return object.__hash__(self)

    def __bool__(self) -> bool:
        return number(self) != 0.0

    # -- The primitives as methods: x.exp() is exp(x) --

    add = _binary(ops.add)
    sub = _binary(ops.sub)
    mul = _binary(ops.mul)
    div = _binary(ops.div)
    floordiv = _binary(ops.floordiv)
    mod = _binary(ops.mod)
    neg, abs, floor, ceil, trunc, round = __neg__, __abs__, __floor__, __ceil__, __trunc__, __round__
    square = _unary(ops.square)
    reciprocal = _unary(ops.reciprocal)
    exp = _unary(ops.exp)
    exp2 = _unary(ops.exp2)
    expm1 = _unary(ops.expm1)
    log = _unary(ops.log)
    log2 = _unary(ops.log2)
    log10 = _unary(ops.log10)
    log1p = _unary(ops.log1p)
    sqrt = _unary(ops.sqrt)
    cbrt = _unary(ops.cbrt)
    sin = _unary(ops.sin)
    cos = _unary(ops.cos)
    tan = _unary(ops.tan)
    asin = _unary(ops.asin)
    acos = _unary(ops.acos)
    atan = _unary(ops.atan)
    sinh = _unary(ops.sinh)
    cosh = _unary(ops.cosh)
    tanh = _unary(ops.tanh)
    asinh = _unary(ops.asinh)
    acosh = _unary(ops.acosh)
    atanh = _unary(ops.atanh)
    sigmoid = _unary(ops.sigmoid)
    softplus = _unary(ops.softplus)
    logistic_pdf = _unary(ops.logistic_pdf)
    logit = _unary(ops.logit)
    silu = _unary(ops.silu)
    gelu = _unary(ops.gelu)
    relu = _unary(ops.relu)
    erf = _unary(ops.erf)
    erfc = _unary(ops.erfc)
    erfinv = _unary(ops.erfinv)
    norm_pdf = _unary(ops.norm_pdf)
    norm_cdf = _unary(ops.norm_cdf)
    norm_ppf = _unary(ops.norm_ppf)
    gamma = _unary(ops.gamma)
    lgamma = _unary(ops.lgamma)
    digamma = _unary(ops.digamma)
    sign = _unary(ops.sign)
    hypot = _binary(ops.hypot)
    atan2 = _binary(ops.atan2)
    logaddexp = _binary(ops.logaddexp)
    xlogy = _binary(ops.xlogy)
    betaln = _binary(ops.betaln)
    copysign = _binary(ops.copysign)
    maximum = _binary(ops.maximum)
    minimum = _binary(ops.minimum)
    greater = _binary(ops.greater)
    greater_equal = _binary(ops.greater_equal)
    less = _binary(ops.less)
    less_equal = _binary(ops.less_equal)
    equal = _binary(ops.equal)
    not_equal = _binary(ops.not_equal)

    def pow(self, other: "Value | float") -> "Value":
        """``pow(self, other)``."""
        return ops.power(self, other)

    def leaky_relu(self, negative_slope: "Value | float" = 0.01) -> "Value":
        """``leaky_relu(self, negative_slope)``."""
        return ops.leaky_relu(self, negative_slope)

    def elu(self, alpha: "Value | float" = 1.0) -> "Value":
        """``elu(self, alpha)``."""
        return ops.elu(self, alpha)

    def clamp(self, min: "Value | float | None" = None, max: "Value | float | None" = None) -> "Value":
        """``clip(self, min, max)`` (PyTorch's spelling); None is no bound."""
        low, high = -math.inf if min is None else min, math.inf if max is None else max
        return ops.clip(self, low, high)

    def clip(
        self, low: "Value | float | None" = None, high: "Value | float | None" = None, out: None = None
    ) -> "Value":
        """``clip(self, low, high)``; None is no bound, and ``out`` what ``np.clip`` hands over."""
        return self.clamp(low, high)

    clone = _unary(ops.identity)  # gradients flow through it, as in PyTorch

    # NumPy's spellings, by which np.arctan(value) finds its way here.
    arcsin, arccos, arctan, arctan2 = asin, acos, atan, atan2
    arcsinh, arccosh, arctanh = asinh, acosh, atanh
    absolute, power, negative, remainder, rint = abs, pow, neg, mod, round
    subtract, multiply, divide = sub, mul, div

    # -- As a Python object --

    def __repr__(self) -> str:
        name = "" if self.name is None else f", name={self.name!r}"
        if _in_a_mode and not modes.current().interpreter.is_eager:  # which refuses gradients, also for an error's text
            return f"Value(data={self._held()!r}{name})"
        return f"Value(data={self._held()!r}, grad={number(self.grad)!r}{name})"

    def __str__(self) -> str:
        if _in_a_mode:
            modes.current().interpreter.refuse("format")
        return repr(self)

    def __format__(self, spec: str) -> str:
        return format(number(self), spec) if spec else str(self)

    def _no_silent_float(self) -> Any:
        raise TypeError(
            "a Value does not turn into a plain float by itself, as that would lose its gradient. Instead of "
            "math.sin(v) write autograd_lite.sin(v) or v.sin(), and so on for each function of math, and "
            "autograd_lite.mean for statistics.mean; for the bare number, to test, print or plot it, write v.data"
        )

    def __float__(self) -> Any:
        return self._no_silent_float()

    def __int__(self) -> Any:
        return self._no_silent_float()

    def __complex__(self) -> Any:
        return self._no_silent_float()

    as_integer_ratio = _no_silent_float  # what the statistics module asks for

    def __reduce__(self) -> tuple[Any, ...]:
        if not self.is_leaf:
            raise TypeError(
                f"only leaves can be copied and pickled; this Value is the result of {self._primitive!r}, and "
                "its graph would come along. Take v.detach() or v.data"
            )
        grad = number(unboxed.grad_of(self)) if unboxed.has_grad(self) else None
        return _restored, (type(self), number(self), grad, self.requires_grad), self.__getstate__()

    def __getstate__(self) -> Any:
        """The name and the attributes of one's own, those in slots of a subclass included."""
        state: Any = super().__getstate__()
        slots = state[1] if isinstance(state, tuple) else {}
        attributes = own_attributes(self)
        own = {name: thing for name, thing in slots.items() if name not in Node.__slots__}
        return (attributes, own) if attributes or own else None


with contextlib.suppress(TypeError):  # a compiled class cannot be changed, and has its own in C
    Value.__hash__ = object.__hash__  # type: ignore[method-assign]  # hashing without a call of Python's

short_cuts[Value] = applied
unboxed.serve(Value, recording)

# Threads may share leaves, and += takes several steps. A finalizer may run backward() meanwhile.
_accumulating = threading.RLock()


def assign(pairs: "list[tuple[Value, float]]") -> None:
    """Set the data of many Values, of all or of none: Ctrl-C comes before or after."""
    at_once(assignment(pairs))


def assignment(pairs: "list[tuple[Value, float]]") -> Iterator[None]:
    """The same for later: nothing is set before ``at_once(assignment)``.

    Raises as ``value.data = data`` does.
    """
    if _in_a_mode:
        modes.current().interpreter.refuse("assign")
    values = [value for value, _ in pairs]
    return map(_set_data, values, [checked(data, "Value.data") for _, data in pairs])


#: Run an iterator to its end in a single call of C code. Python looks for signals after a call, not in it,
#: and not between an assignment and the call that follows.
at_once: Callable[[Iterable[Any]], None] = collections.deque[Any](maxlen=0).extend
_set_data: Callable[[Value, float], None] = Node.__dict__["_primal"].__set__


def _restored(kind: type[Value], data: float, grad: float | None, requires_grad: bool) -> Value:
    value = made(kind, data, None if requires_grad else CONSTANT)
    unboxed.set_grad(value, grad)
    return value

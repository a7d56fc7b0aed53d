"""The few steps that are not the same in both forms of the core.

Here they are in Python. unboxed.pxd has the same steps in C, which the compiled core takes: there a number is a
double in the node's own memory, and the virtual machine (vm.pyx) evaluates primitives.
"""

import collections
from math import inf
from typing import Any

from autograd_lite.core.checks import as_float
from autograd_lite.core.node import Node
from autograd_lite.core.op import CONSTANT, Op

__all__ = [
    "backward",
    "blank",
    "computed",
    "computed_1",
    "computed_2",
    "computed_n",
    "grad_of",
    "has_grad",
    "interleaved",
    "pushed",
    "serve",
    "set_grad",
    "set_grads",
    "set_operands",
    "swept",
]

#: A node of a class, with nothing in it.
blank: Any = object.__new__


def computed_1(op: Op, operand: Any, x: float, is_recorded: Any) -> Any:
    """The node of a unary operation: its value; and if it is to be recorded its operand and its partial."""
    if is_recorded and op.is_of_the_table:
        node = blank(type(operand))
        try:
            node._primal = ans = op.value(x)
            slopes: Any = op.partials
            (node._dx,) = slopes if op.is_linear else slopes(ans, x)
            node._primitive = op
            node._x = operand
            node._y = node._dy = None
            return node
        except (ArithmeticError, ValueError):
            pass  # where Python raises, IEEE 754 has an answer
    return computed(type(operand), op, (operand,), is_recorded)


def computed_2(  # noqa: PLR0917 - in C it is all in registers
    op: Op, a: Any, b: Any, x: float, y: float, is_recorded: Any, kind: type
) -> Any:
    """The same for two operands."""
    if is_recorded and op.is_of_the_table:
        node = blank(kind)
        try:
            node._primal = ans = op.value(x, y)
            slopes: Any = op.partials
            node._dx, node._dy = slopes if op.is_linear else slopes(ans, x, y)
            node._primitive = op
            node._x = a
            node._y = b
            return node
        except (ArithmeticError, ValueError):
            pass
    return computed(kind, op, (a, b), is_recorded)


def computed(kind: type, op: Op, operands: tuple[Any, ...], is_recorded: bool) -> Any:
    """The same for any operands, with care. The partials of more than two are kept together in ``_y``."""
    node = blank(kind)
    numbers = [operand if type(operand) is float else operand._primal for operand in operands]
    ans = op.evaluate(*numbers)
    node._primal = ans = ans if type(ans) is float else as_float(ans)
    node._primitive, node._x, node._y = CONSTANT, None, None
    if is_recorded:
        partials = tuple([p if type(p) is float else as_float(p) for p in op.differentiate(ans, *numbers)])
        set_operands(node, op, operands, partials)
    return node


def computed_n(op: Op, operands: tuple[Any, ...], grad_enabled: bool) -> Any:
    """The same for more than two operands, floats and nodes of one class; None if there are others among them."""
    kind: type = float
    is_recorded = False
    for operand in operands:
        of = type(operand)
        if of is not float:
            if of is not kind and (kind is not float or not hasattr(of, "_held")):
                return None
            kind = of
            if operand._primal == inf:  # there may be more to it
                return None
            if operand._primitive is not CONSTANT:
                is_recorded = grad_enabled
    return None if kind is float else computed(kind, op, operands, is_recorded)


def interleaved(b: Any, row: Any, x: Any) -> tuple[Any, ...]:
    """b, w, x, w, x ... of a row of weights and as many numbers; without b if that is None."""
    operands = [b] * (2 * len(row) + 1)
    operands[1::2], operands[2::2] = row, x
    return tuple(operands[1:] if b is None else operands)


def set_operands(node: Any, op: Op, operands: tuple[Any, ...], partials: tuple[float, ...]) -> None:
    """Make a node the result of an operation."""
    node._primitive = op
    if len(operands) == 1:
        (node._x,), (node._dx,) = operands, partials
        node._y = node._dy = None
    elif len(operands) == 2:
        (node._x, node._y), (node._dx, node._dy) = operands, partials
    else:
        node._x, node._y = operands, partials


# The gradient of a node: not there at first, then a float, and after backward(create_graph=True) a Value.


def has_grad(node: Any) -> bool:
    """Whether a node has a gradient."""
    return hasattr(node, "_grad")


def grad_of(node: Any) -> Any:
    """The gradient of a node, 0.0 if it has none."""
    grad = getattr(node, "_grad", 0.0)
    return grad + 0.0 if type(grad) is float else grad  # never -0.0


def set_grad(node: Any, grad: Any) -> None:
    """Give a node a gradient; None takes it away."""
    if grad is not None:
        node._grad = grad
    elif hasattr(node, "_grad"):
        del node._grad


def set_grads(pairs: list[tuple[Any, Any]]) -> None:
    """Give all leaves their gradients, or none: Ctrl-C comes before or after, as it is one call of C code."""
    leaves, grads = [leaf for leaf, _ in pairs], [grad for _, grad in pairs]
    collections.deque(map(Node.__dict__["_grad"].__set__, leaves, grads), maxlen=0)


def serve(kind: type, module: Any) -> None:
    """Let calls of an Op on Values of a class go straight to the functions of a module; here they go by Op.__call__."""


# The chain rule over plain floats, which the compiled core does by itself (sweep.pyx, forward.pyx).


def backward(root: Any, seed: Any) -> bool:
    """Give the nodes of a graph their gradients; whether that was done."""
    return False


def swept(seeds: dict[Any, Any], stop: Any, keep: bool) -> dict[Any, float] | None:
    """What :func:`chain.pull_back` returns; None if that was not done."""
    return None


def pushed(roots: list[Any], seeds: dict[Any, dict[int, Any]]) -> list[dict[int, float]] | None:
    """What :func:`chain.push_forward` returns; None if that was not done."""
    return None

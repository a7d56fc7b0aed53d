"""Derivatives of several results, and second derivatives."""

from collections.abc import Callable, Sequence
from typing import Any, ParamSpec

from autograd_lite import pytree
from autograd_lite.transforms.gradients import grad
from autograd_lite.transforms.inputs import Function, Inputs
from autograd_lite.transforms.selection import Argnames, Argnums, Selection, Transformed

__all__ = ["hessian", "jacfwd", "jacobian", "jacrev"]

P = ParamSpec("P")


def jacfwd(f: Callable[P, Any], argnums: Argnums = None, *, argnames: Argnames = None) -> Callable[P, Any]:
    """:func:`jacobian` in forward mode: one walk over what f computed, with the derivatives by all arguments.

    A number takes with it the derivatives by those arguments that it depends on.

    >>> jacfwd(lambda v: [v[0] * v[1], v[0] + v[1]])([2.0, 3.0])
    [[3.0, 2.0], [1.0, 1.0]]
    """
    return _transformed(jacfwd, f, argnums, argnames, Inputs.rows_forward)


def jacrev(f: Callable[P, Any], argnums: Argnums = None, *, argnames: Argnames = None) -> Callable[P, Any]:
    """:func:`jacobian` in reverse mode: one backward pass for each result.

    >>> jacrev(lambda v: [v[0] * v[1], v[0] + v[1]])([2.0, 3.0])
    [[3.0, 2.0], [1.0, 1.0]]
    """
    return _transformed(jacrev, f, argnums, argnames, Inputs.rows_backward)


def jacobian(f: Callable[P, Any], argnums: Argnums = None, *, argnames: Argnames = None) -> Callable[P, Any]:
    """A function that returns the derivative of each result of f by each argument.

    The structure is that of the results, with the structure of the arguments in the place
    of each number; for a function from lists to lists, row i holds the gradient of result
    i. Arguments and errors as for :func:`value_and_grad`.

    >>> jacobian(lambda v: [v[0] * v[1], v[0] + v[1]])([2.0, 3.0])
    [[3.0, 2.0], [1.0, 1.0]]

    It is :func:`jacfwd` unless there are more numbers in the arguments than results, or f calls
    a compiled function, which hands on gradients only; then it is :func:`jacrev`. The two may
    round differently, and they differ where an infinite derivative meets terms that cancel.
    That is 0 if they cancel before they are multiplied by it, and inf - inf, nan, if after:

    >>> from autograd_lite import sqrt
    >>> def inside(x):
    ...     return sqrt(x - x)
    >>> def outside(x):
    ...     y = sqrt(x)
    ...     return y - y
    >>> [[jac(f)(0.0) for f in (inside, outside)] for jac in (jacfwd, jacrev)]
    [[0.0, nan], [nan, 0.0]]
    """
    return _transformed(jacobian, f, argnums, argnames, _rows)


def hessian(f: Callable[P, Any], argnums: Argnums = None, *, argnames: Argnames = None) -> Callable[P, Any]:
    """A function that returns f's second derivatives: the Jacobian of its gradient, forward over reverse.

    Arguments and errors as for :func:`value_and_grad`.

    >>> hessian(lambda v: v[0] ** 2 * v[1])([3.0, 5.0])
    [[10.0, 6.0], [6.0, 0.0]]
    """
    return jacobian(grad(f, argnums, argnames=argnames), argnums, argnames=argnames)


def _transformed(
    transform: Function,
    f: Function,
    argnums: Argnums,
    argnames: Argnames,
    rows_of: Callable[[Inputs, Sequence[Any]], Any],
) -> Transformed:
    selection = Selection(f, argnums, argnames)

    def jacobian_of_f(*args: Any, **kwargs: Any) -> Any:
        inputs, results, _ = selection.call(args, kwargs, has_aux=False)
        leaves, structure = pytree.flatten(results)
        rows = rows_of(inputs, leaves)
        width = len(inputs.nodes)
        numbers = inputs.derivatives([row.get(column, 0.0) for row in rows for column in range(width)])
        starts = range(0, len(rows) * width, width) if width else [0] * len(rows)
        return structure.unflatten([inputs.structure.unflatten(numbers[start : start + width]) for start in starts])

    return Transformed(transform, f, argnums, argnames, jacobian_of_f)


def _rows(inputs: Inputs, results: Sequence[Any]) -> list[dict[int, Any]]:
    """The derivatives of each result, in the direction that takes less."""
    rows = inputs.rows_forward(results, by_partials=True) if len(inputs.nodes) <= len(results) else None
    return inputs.rows_backward(results) if rows is None else rows

"""Derivatives of several results, and second derivatives."""

from collections.abc import Callable
from typing import Any, ParamSpec

from autograd_lite import pytree
from autograd_lite.transforms.gradients import grad
from autograd_lite.transforms.selection import Argnames, Argnums, Selection, Transformed

__all__ = ["hessian", "jacobian"]

P = ParamSpec("P")


def jacobian(f: Callable[P, Any], argnums: Argnums = None, *, argnames: Argnames = None) -> Callable[P, Any]:
    """A function that returns the derivative of each result of f by each argument.

    The structure is that of the results, with the structure of the arguments in the place
    of each number; for a function from lists to lists, row i holds the gradient of result
    i. One backward pass a result. Arguments and errors as for :func:`value_and_grad`.

    >>> jacobian(lambda v: [v[0] * v[1], v[0] + v[1]])([2.0, 3.0])
    [[3.0, 2.0], [1.0, 1.0]]
    """
    selection = Selection(f, argnums, argnames)

    def jacobian_of_f(*args: P.args, **kwargs: P.kwargs) -> Any:
        inputs, results, _ = selection.call(args, kwargs, has_aux=False)
        leaves, structure = pytree.flatten(results)
        return structure.unflatten([inputs.pull([leaf], [1.0]) for leaf in leaves])

    return Transformed(jacobian, f, argnums, argnames, jacobian_of_f)


def hessian(f: Callable[P, Any], argnums: Argnums = None, *, argnames: Argnames = None) -> Callable[P, Any]:
    """A function that returns f's second derivatives: the Jacobian of its gradient.

    Arguments and errors as for :func:`value_and_grad`.

    >>> hessian(lambda v: v[0] ** 2 * v[1])([3.0, 5.0])
    [[10.0, 6.0], [6.0, 0.0]]
    """
    return jacobian(grad(f, argnums, argnames=argnames), argnums, argnames=argnames)

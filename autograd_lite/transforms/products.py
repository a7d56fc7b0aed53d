"""Derivatives along directions: products of vectors with a Jacobian or a Hessian."""

import copy
from collections.abc import Sequence
from typing import Any

from autograd_lite import pytree
from autograd_lite.core import modes
from autograd_lite.core.checks import as_float, describe
from autograd_lite.core.value import Value
from autograd_lite.errors import ArgumentError
from autograd_lite.transforms.gradients import grad
from autograd_lite.transforms.inputs import Function, Inputs, called, values_in

__all__ = ["hvp", "jvp", "vjp"]


def vjp(f: Function, *primals: Any) -> tuple[Any, Function]:
    """The results of f at the primals, and a function from cotangents to vector-Jacobian products.

    The cotangents have the structure of the results; what comes back is a tuple with one
    item for each primal, in its structure. Raises ``TypeError`` or ``ArgumentError`` for
    cotangents of another structure.

    >>> results, pullback = vjp(lambda x, y: [x * y, x + y], 2.0, 3.0)
    >>> results, pullback([1.0, 10.0])
    ([6.0, 5.0], (13.0, 12.0))
    """
    inputs = Inputs(primals)
    results, _ = called(f, inputs.tree, {}, has_aux=False)
    numbers, structure = pytree.flatten(results)

    def pullback(cotangents: Any) -> Any:
        given = _matching(cotangents, results, "the cotangents", "the results")
        answering = copy.copy(inputs)
        if any(isinstance(cotangent, Value) for cotangent in given):
            answering.as_values, answering.as_graph = True, modes.current().grad_enabled
        return answering.pull(numbers, given)

    return structure.unflatten(inputs.answers(numbers)), pullback


def jvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The results of f at the primals, and their derivatives along the tangents (forward mode).

    ``primals`` is the tuple of f's arguments, ``tangents`` a tuple of the same structure.
    Raises ``TypeError`` or ``ArgumentError`` if it is not.

    >>> jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.0))
    (6.0, 3.0)
    """
    _check_tuples(primals, tangents)
    directions = _matching(tuple(tangents), tuple(primals), "the tangents", "the primals")
    inputs = Inputs(tuple(primals), others=values_in(tangents))
    results, _ = called(f, inputs.tree, {}, has_aux=False)
    tangents_out = inputs.push(results, directions)
    return pytree.map_leaves(inputs.answer, results), tangents_out


def hvp(f: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """The Hessian of f times a vector, without the Hessian: the derivative of the gradient along the tangents.

    ``primals`` and ``tangents`` as for :func:`jvp`. In the structure of f's argument, or a
    tuple with one item for each of several arguments.

    >>> hvp(lambda v: v[0] ** 2 * v[1], ([3.0, 5.0],), ([1.0, 0.0],))
    [10.0, 6.0]
    """
    _check_tuples(primals, tangents)
    argnums = 0 if len(primals) == 1 else range(len(primals))
    return jvp(grad(f, argnums), primals, tangents)[1]


def _check_tuples(primals: Any, tangents: Any) -> None:
    for what, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, (tuple, list)) or not given:
            raise TypeError(f"{what} is the tuple of all arguments, such as (x,); got {describe(given)}")


def _matching(given: Any, expected: Any, what: str, whom: str) -> list[Any]:
    """The leaves of ``given``, whose paths must be those of ``expected``."""
    leaves, structure = pytree.flatten(given)
    here, there = structure.paths(), pytree.flatten(expected)[1].paths()
    if here != there and sorted(here) == sorted(there):  # dicts in another order
        by_path = dict(zip(here, leaves, strict=True))
        leaves = [by_path[path] for path in there]
    elif here != there:
        difference = sorted(set(here) ^ set(there))
        raise ArgumentError(
            f"{what} must have the structure of {whom}: {len(there)} numbers, got {len(here)}; "
            f"one has a number at {', '.join(difference[:3]) or 'its top'}, the other has none there"
        )
    return [leaf if isinstance(leaf, Value) else as_float(leaf) for leaf in leaves]

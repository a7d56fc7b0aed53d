"""Derivatives of several results, and second derivatives."""

from collections.abc import Callable, Sequence
from typing import Any, ParamSpec

from autograd_lite import pytree
from autograd_lite.transforms.gradients import grad
from autograd_lite.transforms.inputs import Function, Inputs
from autograd_lite.transforms.selection import Argnames, Argnums, Selection, Transformed
from autograd_lite.transforms.sparse import Coo, sparse_jacobian, structure

__all__ = ["Coo", "hessian", "jacfwd", "jacobian", "jacrev", "sparsity"]

P = ParamSpec("P")


def jacfwd(f: Callable[P, Any], argnums: Argnums = None, *, argnames: Argnames = None) -> Callable[P, Any]:
    """:func:`jacobian` in forward mode: one walk over what f computed, with the derivatives by all arguments.

    A number takes with it the derivatives by those arguments that it depends on.

    >>> jacfwd(lambda v: [v[0] * v[1], v[0] + v[1]])([2.0, 3.0])
    [[3.0, 2.0], [1.0, 1.0]]
    """
    return _transformed(jacfwd, f, argnums, argnames, _dense(Inputs.rows_forward))


def jacrev(f: Callable[P, Any], argnums: Argnums = None, *, argnames: Argnames = None) -> Callable[P, Any]:
    """:func:`jacobian` in reverse mode: one backward pass for each result.

    >>> jacrev(lambda v: [v[0] * v[1], v[0] + v[1]])([2.0, 3.0])
    [[3.0, 2.0], [1.0, 1.0]]
    """
    return _transformed(jacrev, f, argnums, argnames, _dense(Inputs.rows_backward))


def jacobian(
    f: Callable[P, Any], argnums: Argnums = None, *, argnames: Argnames = None, sparse: bool = False
) -> Callable[P, Any]:
    """A function that returns the derivative of each result of f by each argument.

    The structure is that of the results, with the structure of the arguments in the place
    of each number; for a function from lists to lists, row i holds the gradient of result
    i. Where results are an array, the structure of the arguments holds arrays, whose first
    dimensions are those of the results, as in JAX. Arguments and errors as for :func:`value_and_grad`.

    >>> jacobian(lambda v: [v[0] * v[1], v[0] + v[1]])([2.0, 3.0])
    [[3.0, 2.0], [1.0, 1.0]]

    It is :func:`jacfwd` unless there are more numbers in the arguments than results, or f calls
    a compiled function, which hands on gradients only; then it is :func:`jacrev`. The two may
    round differently: a product on the way may overflow in one and not in the other. And they
    differ where an infinite derivative, or a nan, meets terms that cancel. That is 0 if they
    cancel before they are multiplied by it, and inf - inf, nan, if after:

    >>> from autograd_lite import sqrt
    >>> def inside(x):
    ...     return sqrt(x - x)
    >>> def outside(x):
    ...     y = sqrt(x)
    ...     return y - y
    >>> [[jac(f)(0.0) for f in (inside, outside)] for jac in (jacfwd, jacrev)]
    [[0.0, nan], [nan, 0.0]]

    With ``sparse`` it is the entries of :func:`sparsity` alone, as a :class:`Coo`, which takes time in
    proportion to their number; forward or backward, whichever takes less.

    >>> jacobian(lambda v: [x * x for x in v], sparse=True)([1.0, 2.0, 3.0])
    Coo(entries=([2.0, 4.0, 6.0], ([0, 1, 2], [0, 1, 2])), shape=(3, 3))
    """
    made = _sparse(sparse_jacobian) if sparse else _dense(_rows)
    return _transformed(jacobian, f, argnums, argnames, made, sparse=sparse)


def hessian(
    f: Callable[P, Any], argnums: Argnums = None, *, argnames: Argnames = None, sparse: bool = False
) -> Callable[P, Any]:
    """A function that returns f's second derivatives: the Jacobian of its gradient, forward over reverse.

    ``sparse`` is as for :func:`jacobian`, both triangles included. Arguments and errors as for
    :func:`value_and_grad`.

    >>> hessian(lambda v: v[0] ** 2 * v[1])([3.0, 5.0])
    [[10.0, 6.0], [6.0, 0.0]]
    """
    return jacobian(grad(f, argnums, argnames=argnames), argnums, argnames=argnames, sparse=sparse)


def sparsity(f: Callable[P, Any], argnums: Argnums = None, *, argnames: Argnames = None) -> Callable[P, Coo]:
    """A function that returns which results of f depend on which numbers of the arguments.

    It is the structure of the Jacobian, a :class:`Coo` with 1.0 for each entry. A row is a number of
    the results, a column one of the arguments, both counted through nested structures in order. It is
    that of the path which f takes at these arguments, and an entry is there for what f computed,
    whatever its derivative comes to: ``0 * x`` depends on x, and a compiled function inside f on all
    that it is given. Arguments and errors as for :func:`value_and_grad`.

    >>> sparsity(lambda v: [v[0] * v[1], v[2], 1.0])([1.0, 2.0, 3.0])
    Coo(entries=([1.0, 1.0, 1.0], ([0, 0, 1], [0, 1, 2])), shape=(3, 3))

    ``sparsity(grad(f))`` is that of the Hessian. SciPy's solvers take it as
    ``jac_sparsity=scipy.sparse.coo_matrix(*sparsity(f)(x))``.
    """
    return _transformed(sparsity, f, argnums, argnames, _sparse(structure))


_Made = Callable[[Inputs, Any], Any]


def _transformed(
    transform: Function, f: Function, argnums: Argnums, argnames: Argnames, made: _Made, **settings: Any
) -> Transformed:
    selection = Selection(f, argnums, argnames)

    def jacobian_of_f(*args: Any, **kwargs: Any) -> Any:
        inputs, results, _ = selection.call(args, kwargs, has_aux=False)
        return made(inputs, results)

    return Transformed(transform, f, argnums, argnames, jacobian_of_f, **settings)


def _sparse(coo_of: Callable[[Inputs, Sequence[Any]], Coo]) -> _Made:
    return lambda inputs, results: coo_of(inputs, pytree.flatten(results)[0])


def _dense(rows_of: Callable[[Inputs, Sequence[Any]], Any]) -> _Made:
    """A Jacobian in the structure of the results, with that of the inputs in the place of each."""

    def made(inputs: Inputs, results: Any) -> Any:
        leaves, structure_of_results = pytree.flatten(results)
        columns = range(len(inputs.nodes))
        numbers = [row.get(column, 0.0) for row in rows_of(inputs, leaves) for column in columns]
        entries = iter(inputs.derivatives(numbers))
        return structure_of_results.unflatten([inputs.structure.unflatten(entries) for _ in leaves])

    return made


def _rows(inputs: Inputs, results: Sequence[Any]) -> list[dict[int, Any]]:
    """The derivatives of each result, in the direction that takes less."""
    rows = inputs.rows_forward(results, by_partials=True) if len(inputs.nodes) <= len(results) else None
    return inputs.rows_backward(results) if rows is None else rows

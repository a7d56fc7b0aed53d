"""Transforms: functions that make a function of numbers into that of its derivatives.

All take and return plain floats when given plain floats, and Values when given Values, so
they compose with themselves and each other to any order: ``grad(grad(sin))``. Arguments
and results may be nested lists, tuples and dicts of numbers, or NumPy arrays; derivatives
come in the same structure. The names and signatures are JAX's.

Inside a transform, a function that closes over the arguments of an enclosing transform
gets the derivatives of its result as Values, as they depend on those arguments. (That
is known of the thread in which the enclosing transform runs.) Values that a function
closes over otherwise, such as the parameters of a model, count as constants where its
arguments are floats; hand them in as arguments to differentiate by them.
"""

import copy
import functools
from collections.abc import Callable, Sequence
from types import MethodType
from typing import Any, ParamSpec

from autograd_lite import pytree
from autograd_lite._pickling import global_name
from autograd_lite.core import graph, modes, ops
from autograd_lite.core.chain import pull_back, push_forward
from autograd_lite.core.checks import as_float, describe, is_real
from autograd_lite.core.node import number
from autograd_lite.core.value import Value
from autograd_lite.errors import ArgumentError

__all__ = ["grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]

_Function = Callable[..., Any]
_P = ParamSpec("_P")
_Argnums = int | Sequence[int] | None
_Argnames = str | Sequence[str] | None


class _Inputs:
    """The arguments of one transform as fresh nodes, and what kind of number to answer with."""

    def __init__(self, arguments: Any, *, as_values: bool = False) -> None:
        given, self._structure = pytree.flatten(arguments)
        self.as_values = as_values or any(isinstance(leaf, Value) for leaf in given)
        # A derivative that may have to be differentiated again is recorded.
        mode = modes.current()
        self.as_graph = mode.grad_enabled and (self.as_values or mode.depth > 0)
        self.nodes = [self._fresh(leaf) for leaf in given]
        self.tree = self._structure.unflatten(self.nodes)

    @staticmethod
    def _fresh(leaf: Any) -> Value:
        # A node of its own also for a Value: what else the function does with that Value,
        # by closing over it, is none of this transform's business.
        if isinstance(leaf, Value) and leaf.requires_grad and modes.current().grad_enabled:
            return ops.identity(leaf)
        return Value(number(leaf))

    def answer(self, result: Any) -> Any:
        """A number that was computed from the inputs, as the kind of number that the caller gave."""
        if self.as_values:
            return result if isinstance(result, Value) and self.as_graph else Value(number(result)).detach()
        if isinstance(result, Value) and self.as_graph and self._depends_on_more(result):
            return result
        return as_float(number(result))

    def answered(self, aux: Any) -> Any:
        """Auxiliary data, its Values as the kind of number that the caller gave; all else as it is."""
        if isinstance(aux, Value):
            return self.answer(aux)
        level = None if hasattr(type(aux), "named_parameters") else pytree.branch(aux)
        return aux if level is None else level.rebuild([self.answered(item) for item in level.children])

    def _derivative(self, adjoint: Any) -> Any:
        return self.answer(adjoint if self.as_graph else adjoint + 0.0)  # 0.0, never -0.0

    def _depends_on_more(self, node: Value) -> bool:
        """Whether a number depends on anything but the inputs: on an argument of an enclosing transform."""
        return any(leaf.requires_grad for leaf in graph.leaves(node, stop=self.nodes))

    def pull(self, results: Sequence[Any], cotangents: Sequence[Any]) -> Any:
        """The derivatives by the inputs of the results, weighted with the cotangents; shaped as the inputs."""
        seeds: dict[Value, Any] = {}
        for result, cotangent in zip(results, cotangents, strict=True):
            if isinstance(result, Value):  # else it does not depend on anything
                seeds[result] = seeds[result] + cotangent if result in seeds else cotangent
        adjoints = pull_back(seeds, self.nodes, create_graph=self.as_graph)
        return self._structure.unflatten([self._derivative(adjoints.get(node, 0.0)) for node in self.nodes])

    def push(self, results: Any, tangents: Sequence[Any]) -> Any:
        """The tangents of the results that follow from those of the inputs; shaped as the results."""
        leaves, structure = pytree.flatten(results)
        roots = [leaf for leaf in leaves if isinstance(leaf, Value)]
        # A tangent of exactly 0 is none: an input that does not move contributes nothing.
        seeds = {n: t for n, t in zip(self.nodes, tangents, strict=True) if type(t) is not float or t != 0.0}
        tangents_of = push_forward(graph.operations(*roots, stop=self.nodes), seeds, create_graph=self.as_graph)
        return structure.unflatten([self._derivative(tangents_of.get(leaf, 0.0)) for leaf in leaves])


def _called(f: _Function, args: Sequence[Any], kwargs: dict[str, Any], has_aux: bool) -> tuple[Any, Any]:
    """The result of f, recorded, and its auxiliary data."""
    before = modes.top.get()
    try:
        modes.enter(grad_enabled=True, depth=1)
        result = f(*args, **kwargs)
    finally:
        modes.top.set(before)
    if not has_aux:
        return result, None
    if isinstance(result, tuple) and len(result) == 2:
        return result
    raise TypeError(f"with has_aux=True {_name(f)} must return (result, aux), got {describe(result)}")


def _holds_a_value(argument: Any) -> bool:
    """Whether an argument is, or holds, a Value; it may be of any type."""
    try:
        return any(isinstance(leaf, Value) for leaf in pytree.flatten(argument)[0])
    except TypeError:  # not numbers, or not alone
        return False


def _name(f: _Function) -> str:
    return getattr(f, "__name__", repr(f))


class _Selection:
    """Which arguments of a function to differentiate by: by position (argnums) or by name (argnames)."""

    def __init__(self, f: _Function, argnums: _Argnums, argnames: _Argnames) -> None:
        if not callable(f):
            raise TypeError(f"a transform takes a function, not its result, so write grad(f)(x); got {describe(f)}")
        if argnums is not None and argnames is not None:
            raise ArgumentError("give argnums or argnames, not both")
        self.f = f
        chosen: Any = argnames if argnames is not None else 0 if argnums is None else argnums
        self.is_single = isinstance(chosen, (int, str))
        self.keys: tuple[int | str, ...] = (chosen,) if self.is_single else tuple(chosen)
        if not self.keys or not all(isinstance(key, str if argnames is not None else int) for key in self.keys):
            raise TypeError(f"argnums are whole numbers and argnames strings, one at least; got {describe(chosen)}")

    def _place(self, key: int | str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int | str:
        if isinstance(key, int):
            if not -len(args) <= key < len(args):
                raise ArgumentError(
                    f"argnums has {key}, and {_name(self.f)} was called with {len(args)} positional arguments; "
                    "for one given by keyword use argnames"
                )
            return key % len(args)
        if key in kwargs:
            return key
        import inspect

        try:
            names = list(inspect.signature(self.f).parameters)
        except (TypeError, ValueError):
            names = []
        if key in names and names.index(key) < len(args):
            return names.index(key)
        raise ArgumentError(f"argnames has {key!r}, and {_name(self.f)} was called without an argument of that name")

    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any], has_aux: bool) -> tuple[_Inputs, Any, Any]:
        """The chosen arguments as inputs, the function's result at them, and its auxiliary data."""
        arguments: dict[Any, Any] = {**dict(enumerate(args)), **kwargs}
        places = [self._place(key, args, kwargs) for key in self.keys]
        chosen = tuple(arguments[place] for place in places)
        if len(set(places)) < len(places):
            raise ArgumentError(f"an argument is chosen twice by {self.keys}")
        others = [argument for place, argument in arguments.items() if place not in places]
        inputs = _Inputs(chosen[0] if self.is_single else chosen, as_values=any(map(_holds_a_value, others)))
        arguments.update(zip(places, [inputs.tree] if self.is_single else inputs.tree, strict=True))
        positional = [arguments.pop(position) for position in range(len(args))]
        return inputs, *_called(self.f, positional, arguments, has_aux)


class _Transformed:
    """A function that a transform made of another. It pickles as the two, or by its own name if it has one."""

    def __init__(
        self, transform: _Function, f: _Function, argnums: Any, argnames: Any, call: _Function, **settings: Any
    ) -> None:
        functools.update_wrapper(self, f, updated=())
        self._call = call
        self._made_by = transform, f, argnums, {"argnames": argnames, **settings}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(*args, **kwargs)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __repr__(self) -> str:
        return f"<{self._made_by[0].__name__} of {_name(self._made_by[1])}>"

    def __reduce__(self) -> Any:
        return global_name(self) or (_transformed, self._made_by)


def _transformed(transform: _Function, f: _Function, argnums: Any, settings: dict[str, Any]) -> _Function:
    return transform(f, argnums, **settings)  # type: ignore[no-any-return]


def value_and_grad(
    f: Callable[_P, Any], argnums: _Argnums = None, *, argnames: _Argnames = None, has_aux: bool = False
) -> Callable[_P, tuple[Any, Any]]:
    """A function that returns f's value and its gradient, as a pair.

    Args:
        f: a function that returns one number.
        argnums: the position of the argument to differentiate by (0 if not said), or
            several, for which the gradient is a tuple.
        argnames: the same by name. Give one of the two.
        has_aux: f returns ``(number, aux)``; the result is ``((value, aux), gradient)``. Values in
            ``aux`` become the kind of number that was given.

    Raises ``TypeError`` if f returns anything but one number, or an argument holds
    anything but numbers; ``ArgumentError`` if there is no such argument.

    >>> value_and_grad(lambda w: w["a"] ** 2 + 3 * w["b"])({"a": 2.0, "b": 1.0})
    (7.0, {'a': 4.0, 'b': 3.0})
    """
    selection = _Selection(f, argnums, argnames)

    def with_gradient(*args: _P.args, **kwargs: _P.kwargs) -> Any:
        inputs, result, aux = selection.call(args, kwargs, has_aux)
        if pytree.is_any_array(result) and result.ndim == 0:  # as np.where gives it
            result = result.item()
        if not (isinstance(result, Value) or is_real(result)):
            raise TypeError(
                f"a gradient needs a function that returns one number; {_name(f)} returned {describe(result)}. "
                "For several results use jacobian"
            )
        value = inputs.answer(result)
        return (value, inputs.answered(aux)) if has_aux else value, inputs.pull([result], [1.0])

    return _Transformed(value_and_grad, f, argnums, argnames, with_gradient, has_aux=has_aux)


def grad(
    f: Callable[_P, Any], argnums: _Argnums = None, *, argnames: _Argnames = None, has_aux: bool = False
) -> Callable[_P, Any]:
    """A function that returns f's gradient; with ``has_aux`` the pair of it and ``aux``.

    Arguments and errors as for :func:`value_and_grad`.

    >>> from autograd_lite import sin
    >>> grad(grad(grad(sin)))(0.0)
    -1.0
    """
    with_gradient = value_and_grad(f, argnums, argnames=argnames, has_aux=has_aux)

    def gradient(*args: _P.args, **kwargs: _P.kwargs) -> Any:
        value, derivatives = with_gradient(*args, **kwargs)
        return (derivatives, value[1]) if has_aux else derivatives

    return _Transformed(grad, f, argnums, argnames, gradient, has_aux=has_aux)


def jacobian(f: Callable[_P, Any], argnums: _Argnums = None, *, argnames: _Argnames = None) -> Callable[_P, Any]:
    """A function that returns the derivative of each result of f by each argument.

    The structure is that of the results, with the structure of the arguments in the place
    of each number; for a function from lists to lists, row i holds the gradient of result
    i. One backward pass a result. Arguments and errors as for :func:`value_and_grad`.

    >>> jacobian(lambda v: [v[0] * v[1], v[0] + v[1]])([2.0, 3.0])
    [[3.0, 2.0], [1.0, 1.0]]
    """
    selection = _Selection(f, argnums, argnames)

    def jacobian_of_f(*args: _P.args, **kwargs: _P.kwargs) -> Any:
        inputs, results, _ = selection.call(args, kwargs, has_aux=False)
        leaves, structure = pytree.flatten(results)
        return structure.unflatten([inputs.pull([leaf], [1.0]) for leaf in leaves])

    return _Transformed(jacobian, f, argnums, argnames, jacobian_of_f)


def hessian(f: Callable[_P, Any], argnums: _Argnums = None, *, argnames: _Argnames = None) -> Callable[_P, Any]:
    """A function that returns f's second derivatives: the Jacobian of its gradient.

    Arguments and errors as for :func:`value_and_grad`.

    >>> hessian(lambda v: v[0] ** 2 * v[1])([3.0, 5.0])
    [[10.0, 6.0], [6.0, 0.0]]
    """
    return jacobian(grad(f, argnums, argnames=argnames), argnums, argnames=argnames)


def vjp(f: _Function, *primals: Any) -> tuple[Any, _Function]:
    """The results of f at the primals, and a function from cotangents to vector-Jacobian products.

    The cotangents have the structure of the results; what comes back is a tuple with one
    item for each primal, in its structure. Raises ``TypeError`` or ``ArgumentError`` for
    cotangents of another structure.

    >>> results, pullback = vjp(lambda x, y: [x * y, x + y], 2.0, 3.0)
    >>> results, pullback([1.0, 10.0])
    ([6.0, 5.0], (13.0, 12.0))
    """
    inputs = _Inputs(primals)
    results, _ = _called(f, inputs.tree, {}, has_aux=False)
    numbers, structure = pytree.flatten(results)

    def pullback(cotangents: Any) -> Any:
        given = _matching(cotangents, results, "the cotangents", "the results")
        answering = copy.copy(inputs)
        if any(isinstance(cotangent, Value) for cotangent in given):
            answering.as_values, answering.as_graph = True, modes.current().grad_enabled
        return answering.pull(numbers, given)

    return structure.unflatten(map(inputs.answer, numbers)), pullback


def jvp(f: _Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The results of f at the primals, and their derivatives along the tangents (forward mode).

    ``primals`` is the tuple of f's arguments, ``tangents`` a tuple of the same structure.
    Raises ``TypeError`` or ``ArgumentError`` if it is not.

    >>> jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.0))
    (6.0, 3.0)
    """
    _check_tuples(primals, tangents)
    directions = _matching(tuple(tangents), tuple(primals), "the tangents", "the primals")
    inputs = _Inputs(tuple(primals), as_values=_holds_a_value(tangents))
    results, _ = _called(f, inputs.tree, {}, has_aux=False)
    tangents_out = inputs.push(results, directions)
    return pytree.map_leaves(inputs.answer, results), tangents_out


def hvp(f: _Function, primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
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

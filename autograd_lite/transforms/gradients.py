"""The gradient of a function of one result."""

from collections.abc import Callable
from typing import Any, ParamSpec

from autograd_lite import pytree
from autograd_lite.core.checks import describe, is_real
from autograd_lite.core.value import Value
from autograd_lite.transforms.inputs import name_of
from autograd_lite.transforms.selection import Argnames, Argnums, Selection, Transformed

__all__ = ["grad", "value_and_grad"]

P = ParamSpec("P")


def value_and_grad(
    f: Callable[P, Any], argnums: Argnums = None, *, argnames: Argnames = None, has_aux: bool = False
) -> Callable[P, tuple[Any, Any]]:
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
    selection = Selection(f, argnums, argnames)

    def with_gradient(*args: P.args, **kwargs: P.kwargs) -> Any:
        inputs, result, aux = selection.call(args, kwargs, has_aux)
        if pytree.is_any_array(result) and result.ndim == 0:  # as np.where gives it
            result = result.item()
        if not (isinstance(result, Value) or is_real(result)):
            raise TypeError(
                f"a gradient needs a function that returns one number; {name_of(f)} returned {describe(result)}. "
                "For several results use jacobian"
            )
        value = inputs.answer(result)
        return (value, inputs.answered(aux)) if has_aux else value, inputs.pull([result], [1.0])

    return Transformed(value_and_grad, f, argnums, argnames, with_gradient, has_aux=has_aux)


def grad(
    f: Callable[P, Any], argnums: Argnums = None, *, argnames: Argnames = None, has_aux: bool = False
) -> Callable[P, Any]:
    """A function that returns f's gradient; with ``has_aux`` the pair of it and ``aux``.

    Arguments and errors as for :func:`value_and_grad`.

    >>> from autograd_lite import sin
    >>> grad(grad(grad(sin)))(0.0)
    -1.0
    """
    with_gradient = value_and_grad(f, argnums, argnames=argnames, has_aux=has_aux)

    def gradient(*args: P.args, **kwargs: P.kwargs) -> Any:
        value, derivatives = with_gradient(*args, **kwargs)
        return (derivatives, value[1]) if has_aux else derivatives

    return Transformed(grad, f, argnums, argnames, gradient, has_aux=has_aux)

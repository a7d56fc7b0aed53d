"""Numbers in nested lists, made by PyTorch's names: what a tensor is here.

``dtype`` says whether the numbers are floats or ints; a float always has double precision.
With ``requires_grad=True`` the numbers are leaf Values.
"""

from collections.abc import Callable
from typing import Any

from autograd_lite import pytree
from autograd_lite._rng import Rng, as_random
from autograd_lite.core.checks import as_float, check_size, describe, is_real
from autograd_lite.core.value import Value
from autograd_lite.errors import ArgumentError

__all__ = ["ones", "rand", "randn", "tensor", "zeros"]


def tensor(data: Any, dtype: type | None = None, requires_grad: bool = False) -> Any:
    """The numbers of nested lists, tuples or arrays as nested lists; a single number as a number.

    Without a ``dtype`` they are ints if all of them are whole numbers of Python or NumPy, else floats.
    Raises ``ArgumentError`` for lists of different lengths, ``TypeError`` for what is not a number.

    >>> tensor([[0, 0], [0, 1]], dtype=float)
    [[0.0, 0.0], [0.0, 1.0]]
    >>> tensor([1, 2])
    [1, 2]
    >>> tensor(0.5, requires_grad=True)
    Value(data=0.5, grad=0.0)
    """
    if dtype not in (None, float, int):
        raise TypeError(f"dtype is float32, float64 or float for floats, long or int for ints; got {describe(dtype)}")
    _check_shape(data)
    listed = _listed(data)
    numbers = [leaf for _, leaf in pytree.leaves(listed)]
    for number in numbers:
        if not is_real(number):
            raise TypeError(
                f"tensor() takes plain numbers, got {describe(number)}; for the number of a Value write .data"
            )
    if dtype is None:
        dtype = int if numbers and all(hasattr(type(x), "__index__") for x in numbers) else float
    if requires_grad:
        if dtype is int:
            raise ArgumentError("only floats have gradients; write dtype=float32, or 1.0 in the place of 1")
        return pytree.map_leaves(Value, listed)
    return pytree.map_leaves(as_float if dtype is float else int, listed)


def zeros(*size: Any, dtype: type | None = None, requires_grad: bool = False) -> Any:
    """Zeros in nested lists of the given size.

    >>> zeros(2, 3)
    [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    return tensor(_filled(size, lambda: 0.0), dtype or float, requires_grad)


def ones(*size: Any, dtype: type | None = None, requires_grad: bool = False) -> Any:
    """Ones in nested lists of the given size.

    >>> ones((2, 1))
    [[1.0], [1.0]]
    """
    return tensor(_filled(size, lambda: 1.0), dtype or float, requires_grad)


def rand(*size: Any, requires_grad: bool = False, rng: Rng = None) -> Any:
    """Numbers uniform from 0 to 1: one, or nested lists of the given size.

    >>> rand(2, rng=0)
    [0.8444218515250481, 0.7579544029403025]
    """
    return tensor(_filled(size, as_random(rng).random), float, requires_grad)


def randn(*size: Any, requires_grad: bool = False, rng: Rng = None) -> Any:
    """Numbers from the standard normal distribution: one, or nested lists of the given size.

    >>> randn(2, 1, rng=0)
    [[0.9417154046806644], [-1.3965781047011498]]
    """
    draws = as_random(rng)
    return tensor(_filled(size, lambda: draws.gauss(0.0, 1.0)), float, requires_grad)


def _filled(size: tuple[Any, ...], draw: Callable[[], float]) -> Any:
    """Nested lists of a size, which is given as numbers, or as one list or tuple of them."""
    if len(size) == 1 and isinstance(size[0], (list, tuple)):
        size = tuple(size[0])
    for count in size:
        check_size(count, "a size", least=0)

    def filled(depth: int) -> Any:
        return draw() if depth == len(size) else [filled(depth + 1) for _ in range(size[depth])]

    return filled(0)


def _listed(data: Any) -> Any:
    if pytree.is_array(data):
        return data.tolist()
    return [_listed(item) for item in data] if isinstance(data, (list, tuple)) else data


def _check_shape(data: Any) -> Any:
    """The shape of nested lists. Raises ``ArgumentError`` if they have none."""
    if not pytree.is_list(data):
        return ()
    shapes = {_check_shape(item) for item in data}
    if len(shapes) > 1:
        raise ArgumentError(f"the lists of a tensor are of one length at each depth; these are not: {describe(data)}")
    return (len(data), *(shapes.pop() if shapes else ()))

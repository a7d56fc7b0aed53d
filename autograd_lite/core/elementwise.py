"""Functions of numbers applied to lists and arrays, element by element."""

import copy
import sys
from collections.abc import Callable
from typing import Any

from autograd_lite.core.checks import describe
from autograd_lite.errors import ArgumentError

__all__ = ["elementwise", "is_array", "is_structure", "like", "packed"]


def is_array(thing: Any) -> bool:
    """Whether a thing is a NumPy array, of any dimension."""
    numpy = sys.modules.get("numpy")  # an array can only come from a loaded NumPy
    return numpy is not None and isinstance(thing, numpy.ndarray)


def is_structure(thing: Any) -> bool:
    """Whether a thing holds numbers to go through: a list, a tuple or an array."""
    return isinstance(thing, (list, tuple)) or is_array(thing)


def elementwise(
    function: Callable[..., Any], operands: tuple[Any, ...], name: str, *, inside: frozenset[int] = frozenset()
) -> Any:
    """The function's results for each element, in the structure of the operands; ``name`` is for errors.

    Lists and tuples, nested or not, go with numbers and with others of the same length. Arrays, and
    lists beside them, are broadcast as NumPy does it. Raises ``ArgumentError`` for what does not fit.
    """
    if any(map(is_array, operands)):
        return _over_arrays(function, operands, name)
    sequences = [operand for operand in operands if isinstance(operand, (list, tuple))]
    if not inside.isdisjoint(map(id, sequences)):
        raise ArgumentError(f"{name} takes lists of numbers; this one holds itself: {describe(sequences[0])}")
    lengths = sorted(set(map(len, sequences)))
    if len(lengths) > 1:
        raise ArgumentError(f"{name} takes lists of one length, or a number beside a list; got lengths {lengths}")
    columns = [operand if isinstance(operand, (list, tuple)) else [operand] * lengths[0] for operand in operands]
    inside |= set(map(id, sequences))
    results = [
        elementwise(function, row, name, inside=inside) if any(map(is_structure, row)) else function(*row)
        for row in zip(*columns, strict=True)
    ]
    return like(sequences[0], results)


def like(sequence: Any, items: list[Any]) -> Any:
    """The items as a list or tuple of the same type, attributes included."""
    kind = type(sequence)
    if kind is list or kind is tuple:
        return kind(items)
    if isinstance(sequence, list):
        twin = copy.copy(sequence)
        twin[:] = items
        return twin
    twin = tuple.__new__(kind, items)
    if hasattr(sequence, "__dict__"):
        vars(twin).update(vars(sequence))
    return twin


def _over_arrays(function: Callable[..., Any], operands: tuple[Any, ...], name: str) -> Any:
    numpy = sys.modules["numpy"]
    masked = next((operand for operand in operands if hasattr(operand, "mask")), None)
    if masked is not None:
        raise TypeError(f"{name} takes arrays without a mask, as it would lose it; got {describe(masked)}")
    arrays = []
    for operand in operands:
        array = numpy.asarray(operand) if is_structure(operand) else numpy.empty((), dtype=object)
        if not is_structure(operand):
            array[()] = operand
        arrays.append(array)
    try:
        arrays = numpy.broadcast_arrays(*arrays)
    except ValueError:
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise ArgumentError(f"{name} takes arrays whose shapes fit together, got {shapes}") from None
    results = [function(*row) for row in zip(*(array.ravel().tolist() for array in arrays), strict=True)]
    return packed(results, arrays[0].shape)


def packed(results: list[Any], shape: tuple[int, ...]) -> Any:
    """The results as an array: of bools or floats if all are, else of objects; for no dimension the only result."""
    if shape == ():
        return results[0]
    numpy = sys.modules["numpy"]
    kinds = set(map(type, results))
    array = numpy.empty(len(results), dtype=bool if kinds == {bool} else float if kinds <= {float} else object)
    array[:] = results
    return array.reshape(shape)

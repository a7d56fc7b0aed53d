"""Checks of training data, made once before training starts."""

import itertools
import math
from collections.abc import Collection
from typing import Any

from autograd_lite import _tables, pytree
from autograd_lite.core.checks import as_float, describe, is_real
from autograd_lite.errors import ArgumentError

__all__ = ["check_alike", "checked", "checked_samples"]


def checked(X: Collection[Any], y: Collection[Any], names: tuple[str, str] = ("X", "y")) -> tuple[list[Any], list[Any]]:
    """Samples and targets as lists of floats; integers among the targets, such as classes, stay integers.

    A table of one column is a list of targets as its column is. Raises ``TypeError`` for what is not a list of
    numbers. Raises ``ArgumentError`` (a ``ValueError``) if there are no samples, if lengths or shapes differ, or if a
    number is nan or infinite.
    """
    samples = checked_samples(X, names[0])
    targets = _checked(_tables.listed(_tables.squeezed(y, names[1]), names[1]), names[1], keep_ints=True)
    if len(samples) != len(targets):
        raise ArgumentError(
            f"{names[0]} has {len(samples)} samples and {names[1]} {len(targets)}; they must be as many"
        )
    return samples, targets


def checked_samples(X: Collection[Any], name: str) -> list[Any]:
    """Samples as lists of floats. Raises the same errors as :func:`checked`."""
    return _checked(_tables.listed(X, name), name, keep_ints=False)


def check_alike(item: Any, other: Any, name: str, other_name: str) -> None:
    """Raise ``ArgumentError`` unless two samples, or two targets, have the same shape."""
    if _shape(item) != _shape(other):
        raise ArgumentError(f"{name} holds {_described(item)} for each sample, and {other_name} {_described(other)}")


def _checked(data: Any, name: str, *, keep_ints: bool) -> list[Any]:
    """What :func:`_tables.listed` gives, checked: as floats in nested lists."""
    if not isinstance(data, (list, tuple)):
        raise TypeError(f"{name} is a list with an item for each sample, an array or a table; got {describe(data)}")
    items = list(data)
    if not items:
        raise ArgumentError(f"{name} is empty; there must be one sample at least")
    are_lists = set(map(type, items)) <= {list, tuple} and len(set(map(len, items))) == 1
    if _tables.are_finite(list(itertools.chain.from_iterable(items)) if are_lists else items):
        if are_lists:
            return [list(item if keep_ints else map(float, item)) for item in items]
        return items if keep_ints else list(map(float, items))
    _check_shapes(items, name)
    return [_numbers(item, f"{name}[{i}]", keep_ints=keep_ints) for i, item in enumerate(items)]


def _check_shapes(items: list[Any], name: str) -> None:
    """Raise ``ArgumentError`` unless all have the same shape."""
    try:
        shapes = [_shape(item) for item in items]
    except RecursionError:
        raise ArgumentError(f"{name} is nested too deeply; does a list hold itself?") from None
    for i, (item, shape) in enumerate(zip(items, shapes, strict=True)):
        if shape != shapes[0]:
            raise ArgumentError(f"{name}[{i}] is {_described(item)}, and {name}[0] is {_described(items[0])}")


def _shape(item: Any) -> Any:
    return [_shape(child) for child in item] if pytree.is_list(item) else None


def _described(item: Any) -> str:
    return f"a list of {len(item)}" if hasattr(item, "__len__") and not isinstance(item, str) else describe(item)


def _numbers(item: Any, path: str, *, keep_ints: bool) -> Any:
    """A sample or a target as floats in nested lists."""
    if pytree.is_list(item):
        return [_numbers(child, f"{path}[{i}]", keep_ints=keep_ints) for i, child in enumerate(item)]
    if not is_real(item):
        raise TypeError(f"{path} must be a number, got {describe(item)}{_advice(item, keep_ints)}")
    if not math.isfinite(as_float(item)):
        raise ArgumentError(f"{path} is {item}; leave out such samples, or put a number there")
    return item if keep_ints and isinstance(item, int) else as_float(item)


def _advice(item: Any, is_target: bool) -> str:
    if not isinstance(item, str):
        return ""
    if not is_target:
        return "; a number is read by float(text)"
    return (
        ". Of classes make whole numbers from 0: classes = sorted(set(labels)), then [classes.index(x) for x in "
        "labels]; autograd_lite.sklearn.MLPClassifier takes them as they are"
    )

"""A compiled function beside the function itself, for ``jit(f, verify=True)``."""

import struct
from collections.abc import Callable
from typing import Any

from autograd_lite import pytree
from autograd_lite.core.chain import pull_back
from autograd_lite.core.checks import describe, is_real
from autograd_lite.core.node import number
from autograd_lite.core.value import Value
from autograd_lite.errors import VerificationError

__all__ = ["check_same"]


def check_same(name: str, plain: Callable[[], Any], compiled: Callable[[], Any]) -> Any:
    """The result of the compiled call, which has to be that of the plain one, to the bit.

    Where the result is one Value, its gradients too. Raises ``VerificationError`` where they differ;
    what both raise is raised.
    """
    expected, error = _outcome(plain)
    result, other = _outcome(compiled)
    if error is not None or other is not None:
        if type(error) is not type(other):
            raise VerificationError(
                f"{name} {_told(expected, error)}, and compiled it {_told(result, other)}"
            ) from other
        raise other  # type: ignore[misc]
    for path, one, two in _pairs(name, expected, result):
        if _bits(one) != _bits(two):
            raise VerificationError(
                f"{name}{path} is {describe(one)}, and compiled {describe(two)}. Does it depend on something that jit "
                "does not see (docs/jit.md lists what)? Hand that in as an argument"
            )
    if isinstance(expected, Value):
        _check_gradients(name, expected, result)
    return result


def _outcome(call: Callable[[], Any]) -> tuple[Any, Exception | None]:
    try:
        return call(), None
    except Exception as error:
        return None, error


def _told(result: Any, error: Exception | None) -> str:
    return f"gives {describe(result)}" if error is None else f"raises {type(error).__name__}: {error}"


def _pairs(path: str, expected: Any, result: Any) -> list[tuple[str, Any, Any]]:
    """What stands at the same places of two structures."""
    one, two = (None if hasattr(type(x), "named_parameters") else pytree.branch(x) for x in (expected, result))
    if one is None or two is None or one.key != two.key:
        return [("", expected, result)]
    rows = zip(one.names(), one.children, two.children, strict=True)
    return [(name + rest, a, b) for name, x, y in rows for rest, a, b in _pairs(path, x, y)]


def _bits(leaf: Any) -> Any:
    """What of a leaf has to be the same."""
    if isinstance(leaf, Value):
        return Value, leaf.requires_grad, _bits(number(leaf))
    if is_real(leaf):
        return type(leaf) is bool, b"nan" if leaf != leaf else struct.pack("d", leaf)
    level = pytree.branch(leaf)
    return type(leaf), leaf if level is None else level.key


def _check_gradients(name: str, expected: Value, result: Value) -> None:
    by_leaf = []
    for value in (expected, result):
        adjoints = pull_back({value: 1.0})
        by_leaf.append({leaf: adjoint + 0.0 for leaf, adjoint in adjoints.items() if leaf.requires_grad})
    for leaf, adjoint in by_leaf[0].items():
        other = by_leaf[1].get(leaf, 0.0)
        if _bits(adjoint) != _bits(other):
            raise VerificationError(
                f"the gradient of {name} by {leaf.name or repr(leaf)} is {adjoint}, and compiled {other}"
            )

"""Which primitive's own partial is off, when a gradient is."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from autograd_lite.core import graph
from autograd_lite.core.node import listed, number
from autograd_lite.core.op import Op
from autograd_lite.core.value import Value
from autograd_lite.errors import InapplicableOracleError, MissingDependencyError
from autograd_lite.testing.numbers import UNIT_ROUNDOFF
from autograd_lite.testing.oracles import Line, central_differences, precise_partial, scale_of, with_coordinate
from autograd_lite.transforms import grad

__all__ = ["find_blame"]

#: Partials are also looked at beside the point: with an operand so much of its scale away.
BESIDE = (-0.01, 0.01)
COMBINED = (
    "so look at how they are combined: a .data assigned after recording, a detached Value, a gradient lost or "
    "counted twice"
)


def find_blame(result: Any, order: int) -> tuple[str, ...]:
    """One line for each operation in the graph of ``result`` with a partial that is not its value's derivative.

    Partials are looked at as recorded, then their own derivatives (for a second derivative), then partials beside
    the point. Where none is found, the line says of which primitives nobody can tell.
    """
    if not isinstance(result, Value):
        return ()
    untold: dict[str, None] = {}
    looks = [_recorded, _second, _beside] if order == 2 else [_recorded, _beside]
    for look in looks:
        lines: dict[str, None] = {}
        for node in graph.operations(result):
            for k, operand in enumerate(node.operands):
                if isinstance(operand, Value):
                    for line, is_told in look(node, k):
                        (lines if is_told else untold)[line] = None
        if lines:
            return tuple(lines)
    if untold:
        return (f"no primitive's own partial was found wrong; nobody can tell of that of {', '.join(untold)}",)
    return (f"each primitive's own partials are right at this point and beside it, {COMBINED}",)


def _recorded(node: Value, k: int) -> Iterator[tuple[str, bool]]:
    """What is wrong with the recorded partial by operand k, and True; the primitive's name and False if untold."""
    op, numbers = _operation(node)
    yield from _partial(op, numbers, k, node.partials[k], f"{op.name} by operand {k}, at {listed(node.operands)}")


def _beside(node: Value, k: int) -> Iterator[tuple[str, bool]]:
    """The same of the partial beside the point, by each operand that moves."""
    op, numbers = _operation(node)
    for j, operand in enumerate(node.operands):
        for share in BESIDE if isinstance(operand, Value) else ():
            at = with_coordinate(numbers, j, numbers[j] + share * scale_of(numbers[j]))
            partial = number(op.differentiate(op.evaluate(*at), *at)[k])
            where = f"{op.name} by operand {k} beside the point, at {listed(map(Value, at))}"
            yield from _partial(op, at, k, partial, where)


def _partial(op: Op, numbers: list[float], k: int, partial: float, where: str) -> Iterator[tuple[str, bool]]:
    numeric, error = _derivative(op, numbers, k)
    if not (math.isfinite(numeric) and math.isfinite(error)):
        yield op.name, False
    elif _apart(partial, numeric, error):
        yield f"the partial of {where}: recorded {partial:.17g}, should be {numeric:.17g}", True


def _second(node: Value, k: int) -> Iterator[tuple[str, bool]]:
    """The same of each partial's derivative by operand k: by the engine, and by differences of the partial."""
    op, numbers = _operation(node)

    def partials_at(xk: float) -> list[float]:
        at = with_coordinate(numbers, k, xk)
        return [number(p) for p in op.differentiate(op.evaluate(*at), *at)]

    line = Line(partials_at, numbers[k], scale_of(numbers[k]), len(numbers))
    for i, (numeric, error) in enumerate(central_differences(line)):

        def partial(xk: Any, i: int = i) -> Any:
            at = with_coordinate(numbers, k, xk)
            return op.differentiate(op(*at), *at)[i]

        analytic = grad(partial)(numbers[k])
        if not (math.isfinite(numeric) and math.isfinite(error)):
            yield op.name, False
        elif _apart(analytic, numeric, error):
            where = f"the derivative of the partial of {op.name} by operand {k}, at {listed(node.operands)}"
            yield f"{where}: {analytic:.17g}, should be {numeric:.17g} (partial {i})", True


def _operation(node: Value) -> tuple[Op, list[float]]:
    assert node.op is not None
    return node.op, [number(operand) for operand in node.operands]


def _derivative(op: Op, numbers: Sequence[float], k: int) -> tuple[float, float]:
    try:
        return precise_partial(lambda at: op(*at), numbers, (k,))
    except (InapplicableOracleError, MissingDependencyError):
        line = Line(lambda xk: [op.evaluate(*with_coordinate(numbers, k, xk))], numbers[k], scale_of(numbers[k]))
        return central_differences(line)[0]


def _apart(partial: float, numeric: float, error: float) -> bool:
    return not abs(partial - numeric) <= 64 * UNIT_ROUNDOFF * abs(numeric) + 4 * error

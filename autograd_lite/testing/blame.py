"""Which primitive's own partial is off, when a gradient is."""

import math
from typing import Any

from autograd_lite.core import graph
from autograd_lite.core.node import listed, number
from autograd_lite.core.op import Op
from autograd_lite.core.value import Value
from autograd_lite.errors import InapplicableOracleError, MissingDependencyError
from autograd_lite.testing.numbers import UNIT_ROUNDOFF
from autograd_lite.testing.oracles import central_differences, precise_partial, with_coordinate
from autograd_lite.transforms import grad

__all__ = ["find_blame"]

NOBODY = (
    "each primitive's own partials are right at this point, so look at how they are combined: a .data assigned after "
    "recording, a detached Value, a gradient lost or counted twice"
)


def find_blame(result: Any, order: int) -> tuple[str, ...]:
    """One line for each operation in the graph of ``result`` whose recorded partial is not its value's derivative."""
    if not isinstance(result, Value):
        return ()
    lines: list[str] = []
    for node in graph.operations(result):
        op = node.op
        assert op is not None
        numbers = [number(o) for o in node.operands]
        for k, operand in enumerate(node.operands):
            if isinstance(operand, Value):
                where = f"the partial of {op.name} by operand {k}, at {listed(node.operands)}"
                lines += _first(op, numbers, k, node.partials[k], where) if order == 1 else []
                lines += _second(op, numbers, k, where) if order == 2 else []
    return tuple(dict.fromkeys(lines)) or (NOBODY,)


def _first(op: Op, numbers: list[float], k: int, recorded: float, where: str) -> list[str]:
    numeric, error = _derivative(op, numbers, k)
    if _apart(recorded, numeric, error):
        return [f"{where}: recorded {recorded:.17g}, should be {numeric:.17g}"]
    return []


def _second(op: Op, numbers: list[float], k: int, where: str) -> list[str]:
    """The derivative of each partial by operand k: through the engine, and by differences of the partial."""

    def partials_at(xk: float) -> list[float]:
        at = with_coordinate(numbers, k, xk)
        return [number(p) for p in op.differentiate(op.evaluate(*at), *at)]

    lines = []
    for i, (numeric, error) in enumerate(central_differences(partials_at, numbers[k])):

        def partial(xk: Any, i: int = i) -> Any:
            at = with_coordinate(numbers, k, xk)
            return op.differentiate(op(*at), *at)[i]

        analytic = grad(partial)(numbers[k])
        if _apart(analytic, numeric, error):
            lines.append(f"the derivative of {where}: {analytic:.17g}, should be {numeric:.17g} (partial {i})")
    return lines


def _derivative(op: Op, numbers: list[float], k: int) -> tuple[float, float]:
    try:
        return precise_partial(lambda at: op(*at), numbers, (k,))
    except (InapplicableOracleError, MissingDependencyError):
        return central_differences(lambda xk: [op.evaluate(*with_coordinate(numbers, k, xk))], numbers[k])[0]


def _apart(found: float, numeric: float, error: float) -> bool:
    if not math.isfinite(numeric) or not math.isfinite(error):
        return False
    return not abs(found - numeric) <= 64 * UNIT_ROUNDOFF * abs(numeric) + 4 * error

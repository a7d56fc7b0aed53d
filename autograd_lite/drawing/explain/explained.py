"""What an explanation says: the rows of its table, and notes on them."""

import itertools
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from autograd_lite.core import graph, ops
from autograd_lite.core.value import Value
from autograd_lite.drawing import labels
from autograd_lite.drawing.backward import is_as_computed
from autograd_lite.drawing.explain.routes import Stop, figure, short_of_parameters

if TYPE_CHECKING:
    from autograd_lite.drawing.explain.explanation import Explanation

__all__ = ["by_path", "counted", "name_of", "notes", "percent", "rows"]


class Row(NamedTuple):
    """A line of the table. Without stops it stands for several paths, and says so in words, as does that of a route."""

    share: float
    product: float
    stops: list[Stop]
    words: str = ""


def rows(why: "Explanation") -> list[Row]:
    """The paths or routes, the rest in one, and all together."""
    found, rest = (_by_route(why), why.rest_of_routes) if why.by == "route" else (by_path(why), why.rest)
    if rest.count:
        others = counted(rest.count, "more path" if found else "path")
        found.append(Row(rest.share, rest.sum, [], others))
    if len(found) > 1:
        together = counted(why.count, "path")
        found.append(Row(1.0, why.gradient, [], together if together[0] == "a" else f"all {together}"))
    return found


def by_path(why: "Explanation") -> list[Row]:
    """A row for each path."""
    return [Row(path.share, path.product, stops) for path, stops in zip(why.paths, why._routes, strict=True)]


def _by_route(why: "Explanation") -> list[Row]:
    def stops(places: Sequence[str]) -> list[Stop]:
        return [Stop(labels.cut(place), 1.0) for place in short_of_parameters(places)]

    return [Row(one.share, one.sum, stops(one.places), counted(one.count, "path")) for one in why.routes]


def name_of(value: Value, letter: str) -> str:
    """What to call y and x."""
    return labels.cut(value.name or "").strip() or letter


def notes(why: "Explanation") -> list[str]:
    """What the numbers alone do not say."""
    y, x = name_of(why.y, "y"), name_of(why.x, "x")
    if not why.count and not why.dead:
        is_reversed = any(node is why.y for node in graph.nodes(why.x))
        advice = " The other way round there are paths." if is_reversed else ""
        return [f"No path leads from {x} to {y}: {y} does not depend on it.{advice}"]
    found = []
    shared = _routes_shared(why)
    if shared:
        found.append(
            f"These {len(why.paths)} paths take {counted(shared, 'route')}; explain(y, x, by='route') adds up all "
            "paths of each."
        )
    if not all(map(is_as_computed, {node for path in why.paths for node in path.nodes[1:]})):
        found.append(
            f"Data has been assigned since {y} was computed: the derivatives are those of the numbers at that time, "
            "the data beside them are as they are now."
        )
    if why.dead:
        which = f"All {counted(why.dead, 'path')} carry" if not why.count else f"{counted(why.dead, 'path')} carry"
        if why.dead == 1:
            which = "1 path carries" if why.count else "The only path carries"
        found.append(f"{which[0].upper()}{which[1:]} nothing: {_reasons(why)}.")
    total, size = why._all.total, why._all.size
    if why.count > why._finite.paths:
        found.append(f"On {counted(why.count - why._finite.paths, 'path')} a local derivative is nan or infinite.")
    if not why.agrees:
        found.append(
            f"The paths add up to {figure(float(total))}, and backward() gives {figure(why.gradient)}: numbers on the "
            "way are too large or too small for floats, or an operation does not do what its partials say."
        )
    elif total.is_finite() and abs(total) * 2 < size:
        told = f"The paths cancel: their sizes add up to {figure(float(size))}"
        is_rounding = figure(float(total)) != figure(why.gradient)
        found.append(f"{told}, and in more digits they come to {figure(float(total))}." if is_rounding else f"{told}.")
    return found


def _routes_shared(why: "Explanation") -> int:
    """How many routes the shown paths take, if they do not show all and routes are much shorter to read; else 0."""
    if why.by == "route" or not why.rest.count or not why._modules:
        return 0
    taken = {tuple([place for place, _ in itertools.groupby(map(why._place, path.nodes[1:]))]) for path in why.paths}
    return len(taken) if len(taken) * 2 <= len(why.paths) else 0


def _reasons(why: "Explanation") -> str:
    """Which local derivatives are 0, and where."""
    found: dict[str, dict[str, None]] = {}
    for node, edge in reversed(why._dead_edges):
        op = node._primitive
        reason = "relu is off" if op is ops.relu else f"the derivative of {op.symbol} is 0"
        if edge.partial != 0.0:
            reason = f"{figure(edge.partial)} of {op.symbol} meets an adjoint of 0"
        places = found.setdefault(reason, {})
        if node in why._modules:
            places[why._modules[node]] = None
    return "; ".join([reason + _listed(list(places)) for reason, places in found.items()])


def _listed(places: list[str]) -> str:
    if not places:
        return ""
    more = [f"{len(places) - 3} more"] if len(places) > 3 else []
    return f" in {', '.join([*places[:3], *more])}"


def percent(share: float) -> str:
    """A share as it is shown."""
    if share != share:
        return "-"
    if 0.0 < share < 0.0005:
        return "<0.1%"
    return "100%" if share == 1.0 else f"{100 * share:.1f}%"


def counted(count: int, noun: str) -> str:
    """``1 path``, ``1,200 paths``, ``about 1.27e+30 paths``."""
    if count < 10**15:
        return labels.counted(count, noun)
    return f"about {Decimal(count):.3g} {noun}s"

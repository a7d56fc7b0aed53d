"""explain(): why a derivative is what it is, path by path."""

import dataclasses
import difflib
import math
from collections.abc import Sequence
from decimal import Decimal, localcontext
from functools import cached_property
from typing import Any, Literal

from autograd_lite.core import graph, modes
from autograd_lite.core.chain import pull_back
from autograd_lite.core.checks import check_size, describe
from autograd_lite.core.op import Op
from autograd_lite.core.value import Value
from autograd_lite.drawing import labels
from autograd_lite.drawing.draw import draw
from autograd_lite.drawing.explain import grouping, paths, tables
from autograd_lite.drawing.explain.lighting import alone, check_options, lit, module_names
from autograd_lite.drawing.explain.routes import Step, Stop, route
from autograd_lite.drawing.pictures.picture import Drawing
from autograd_lite.drawing.written_out import is_bundle
from autograd_lite.errors import ArgumentError, GraphError

__all__ = ["Explanation", "Path", "Rest", "Route", "explain"]


@dataclasses.dataclass(frozen=True, eq=False, repr=False, slots=True)
class Path:
    """One path from x to y, and what it contributes to the derivative."""

    #: From x to y.
    nodes: tuple[Value, ...]
    #: The local derivatives along it: of each node by the one before.
    partials: tuple[float, ...]
    #: Which operand each node but the last is of the next; ``x * x`` has two edges.
    positions: tuple[int, ...]
    #: The product of the partials.
    product: float
    #: Its size as a part of the sizes of all paths: between 0 and 1.
    share: float

    @property
    def ops(self) -> tuple[Op, ...]:
        """The operations along it."""
        return tuple([node._primitive for node in self.nodes[1:]])

    @property
    def steps(self) -> list[Step]:
        """Its operations with their local derivatives."""
        return list(map(Step._make, zip(self.nodes[1:], self.partials, self.positions, strict=True)))

    def __repr__(self) -> str:
        return f"<Path of {len(self.partials)} operations, product {self.product:.6g}>"


@dataclasses.dataclass(frozen=True)
class Route:
    """All paths that lead through the same places: the same names, modules and kinds of operations."""

    #: From x to y.
    places: tuple[str, ...]
    #: How many paths they are.
    count: int
    #: What they add to the derivative.
    sum: float
    #: Their sizes as a part of the sizes of all paths.
    share: float


@dataclasses.dataclass(frozen=True)
class Rest:
    """The paths that are not among those shown."""

    count: int
    #: What they add to the derivative; nan if an infinite or nan path is among them.
    sum: float
    #: Their sizes as a part of the sizes of all paths.
    share: float


class Explanation:
    """What :func:`explain` returns: a derivative as a sum over paths. Printed it is a table.

    ``gradient`` is the derivative; ``paths`` are the largest :class:`Path` s, ``rest`` the others in one; ``count`` is
    how many paths carry something, and ``dead`` how many carry nothing, as a local derivative on them is 0. ``agrees``
    says whether the products of all paths add up to the gradient, to rounding; if not, the table says why.
    ``routes`` are the paths added up that lead through the same places, the largest :class:`Route` s first;
    ``rest_of_routes`` the paths on none of them. ``by`` says whether the table shows paths or routes.
    """

    def __init__(self, y: Value, x: Value, top: int, by: str) -> None:
        self.y, self.x, self.by = y, x, by
        self._top = top
        self._web = web = paths.between(y, x)
        self._dead_edges = web.dead
        self._all = paths.summed(y, x, web.live)
        #: How many paths carry something.
        self.count = self._all.paths
        #: How many carry nothing.
        self.dead = paths.summed(y, x, web.edges).paths - self.count if web.dead else 0
        #: The derivative, as ``backward()`` computes it.
        self.gradient: float = pull_back({y: 1.0}, [x]).get(x, 0.0) + 0.0
        found = paths.largest(y, x, web.live, top)
        #: The largest paths, largest first; those that are nan or infinite before all others.
        self.paths = tuple([self._path(one) for one in found])
        self._finite = self._all
        if not all(math.isfinite(edge.partial) for some in web.live.values() for edge in some):
            self._finite = paths.summed(y, x, web.live, math.isfinite)
        #: All others.
        self.rest = self._rest(found)
        #: Whether the paths add up to the gradient, to rounding.
        self.agrees = self._agrees(len(web.live))
        if by == "route":
            self._grouped  # noqa: B018 - raises if there are too many

    def _path(self, found: paths.Found) -> Path:
        edges = found.edges[::-1]
        return Path(
            (self.x, *found.nodes[::-1]),
            tuple([edge.partial + 0.0 for edge in edges]),
            tuple([edge.position for edge in edges]),
            float(found.product),
            self._share(abs(found.product)),
        )

    def _share(self, size: Decimal) -> float:
        with localcontext(paths.numbers):
            return float(size / self._all.size)

    def _rest(self, found: Sequence[paths.Found]) -> Rest:
        count = self.count - len(found)
        if not count:
            return Rest(0, 0.0, 0.0)
        finite = [one.product for one in found if one.product.is_finite()]
        with localcontext(paths.numbers):
            total, size = self._finite.total - sum(finite), self._finite.size - sum(map(abs, finite))
        if self.count - self._finite.paths > len(found) - len(finite):  # it has paths that are inf or nan
            return Rest(count, math.nan, math.nan)
        return Rest(count, float(total) + 0.0, self._share(size))

    def _agrees(self, nodes: int) -> bool:
        total, gradient = self._all.total, self.gradient
        if not (total.is_finite() and math.isfinite(gradient)):
            return float(total) == gradient or (total.is_nan() and gradient != gradient)
        with localcontext(paths.numbers):
            return abs(total - Decimal(gradient)) <= self._all.size * (nodes + 8) * Decimal(2.0**-51)

    @cached_property
    def _modules(self) -> dict[Value, str]:
        """The module that each node stands in."""
        return module_names(self.y)

    @cached_property
    def _routes(self) -> list[list[Stop]]:
        return [
            route(path.nodes, path.partials, path.positions, lambda node: self._modules.get(node, ""))
            for path in self.paths
        ]

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """The paths added up that lead through the same places, those that come to most first.

        Raises ``ArgumentError`` if there are so many of about the same size that the largest are not found soon.
        """
        first = (self.x.name or "").strip() or "x"
        return tuple([
            Route((first, *places), come_to.paths, float(come_to.total) + 0.0, self._share(come_to.size))
            for places, come_to in self._grouped
        ])  # fmt: skip

    @cached_property
    def rest_of_routes(self) -> Rest:
        """The paths that are on none of the routes."""
        count = self.count - sum(one.sum.paths for one in self._grouped)
        if not count:
            return Rest(0, 0.0, 0.0)
        with localcontext(paths.numbers):
            total = self._all.total - sum(one.sum.total for one in self._grouped)
            size = self._all.size - sum(one.sum.size for one in self._grouped)
        return Rest(count, float(total) + 0.0, self._share(size))

    @cached_property
    def _grouped(self) -> list[grouping.Grouped]:
        return grouping.routes(self.y, self.x, self._web.live, self._place, self._top)

    def _place(self, node: Value) -> str:
        """What stands for a node in a route."""
        return node.name or self._modules.get(node) or str(node._primitive.symbol)

    def draw(self, **options: Any) -> Drawing:
        """The graph of y with these paths lit and the local derivatives written on them; all else is faint.

        Takes the options of :func:`~autograd_lite.draw`, but for ``expand``, ``depth`` and ``collapse``. A graph of
        more than ``max_nodes`` is not drawn: then it is the paths alone, what is done in one module as one box.

        Raises ``ArgumentError`` for the options that it does not take, and what ``draw`` raises.
        """
        check_options(options)
        if not self.paths:
            return draw(self.y, **options)
        title = tables.head(self)
        if options.get("max_nodes") is not None:
            check_size(options["max_nodes"], "max_nodes")
        limit, count = options.get("max_nodes", 200), len(graph.nodes(self.y))
        if limit is None or count <= limit:
            scene = lit(self.y, [(self.x, path.steps) for path in self.paths], options)
            description = f"{title}. {scene.description} The {labels.counted(len(self.paths), 'largest path')} are lit."
            return Drawing(dataclasses.replace(scene, title=title, description=description))
        scene = alone(self.y, self._routes, options, "parameter" if self.x in self._modules else "input")
        note = f"{labels.counted(len(self.paths), 'path')} alone, of a graph of {count:,} values"
        return Drawing(dataclasses.replace(scene, title=title, description=f"{title}. {note}.", note=note))

    def __repr__(self) -> str:
        return tables.text(self)

    def _repr_html_(self) -> str:
        return tables.html(self)

    def _repr_latex_(self) -> str:
        return tables.latex(self)


def explain(y: Value, x: Value | str, *, top: int = 10, by: Literal["path", "route"] = "path") -> Explanation:
    """Why dy/dx is what it is: the paths from x to y, largest first, each with the product of its local derivatives.

    The derivative is the sum of these products over all paths. Each is shown with its share: its size as a part of
    the sizes of all. What comes after the first ``top`` is told in one line, with how many there are and what they
    add up to; both are exact, however many there are.

    Args:
        y: a Value.
        x: a Value that y was computed from, or the name of one.
        top: how many paths to show.
        by: ``"route"`` to show in one line what leads through the same names, modules and kinds of operations, such
            as the paths through one neuron for each sample of a loss.

    Changes nothing: no ``grad`` is read or set. An operation of many operands, such as the weighted sum of a neuron,
    is one edge. As in ``backward()`` a local derivative of exactly 0 makes 0 of inf and nan; a path with one carries
    nothing. Where y does not depend on x the gradient is 0 and there is no path.

    Raises ``TypeError`` for what is no Value, ``ArgumentError`` for a name that no Value or several have and for a
    negative ``top``, ``GraphError`` for constants, which have no gradients.

    >>> from autograd_lite import Value, explain
    >>> x = Value(3.0, name="x")
    >>> why = explain(x * x + 4.0 * x, x)
    >>> why
    d y / d x = 10, the sum over 3 paths
    <BLANKLINE>
     share     product  path
     40.0%           4  x -> * 4 -> +
                        = 4 * 1
     30.0%           3  x -> * (x = 3) -> +
                        = 3 * 1
     30.0%           3  x -> * (x = 3) -> +
                        = 3 * 1
      100%          10  all 3 paths
    >>> why.gradient, [path.product for path in why.paths]
    (10.0, [4.0, 3.0, 3.0])
    """
    modes.current().interpreter.refuse("grad")
    _check_value(y, "y", "the Value whose derivative to explain")
    if isinstance(x, str):
        x = _named(y, x)
    _check_value(x, "x", "the Value to differentiate by, or the name of one")
    check_size(top, "top", 0)
    if by not in ("path", "route"):
        raise ArgumentError(f"by is 'path' or 'route', got {describe(by)}")
    before = modes.top.get()
    try:
        modes.enter(anomaly=False)  # nan is what there is to explain
        return Explanation(y, x, top, by)
    finally:
        modes.top.set(before)


def _check_value(value: Any, letter: str, what: str) -> None:
    if not isinstance(value, Value):
        several = isinstance(value, (list, tuple, dict)) or type(value).__name__ == "ndarray"
        advice = f". One at a time: [explain(y, x) for {letter} in {letter}s]" if several else ""
        raise TypeError(f"explain(y, x) takes as {letter} {what}; got {describe(value)}{advice}")
    if not value.requires_grad:
        raise GraphError(
            f"{value.name or letter} is a constant, and no gradient goes through it: it comes from detach() or "
            "no_grad(), is frozen, or was computed from constants only. Give a Value that is none, and compute y "
            "from it outside no_grad()"
        )
    if value.op is not None and is_bundle(value):
        raise GraphError(f"{letter} is all results of {value.op.name} together; explain one of them")


def _named(y: Value, name: str) -> Value:
    _check_value(y, "y", "the Value whose derivative to explain")
    nodes = graph.nodes(y)
    found = [node for node in nodes if node.name == name]
    if len(found) == 1:
        return found[0]
    if found:
        raise ArgumentError(f"{len(found)} Values that lead to y have the name {name!r}; give the Value itself")
    known = [node.name for node in nodes if node.name]
    close = difflib.get_close_matches(name, known, 3)
    there_are = ", ".join(close or known[:3])
    advice = f"there is {there_are}" if known else "none of them has a name: Value(2.0, name='x')"
    raise ArgumentError(f"no Value that leads to y has the name {name!r}; {advice}")

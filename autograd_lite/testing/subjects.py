"""What a gradient check is about: a function at a point, and the derivatives to check."""

import functools
import inspect
import math
import random
from collections.abc import Callable, Sequence
from typing import Any

from autograd_lite import pytree
from autograd_lite.core import graph, ops
from autograd_lite.core.checks import as_float, describe
from autograd_lite.core.node import number
from autograd_lite.core.value import Value
from autograd_lite.errors import ArgumentError
from autograd_lite.testing.blame import find_blame
from autograd_lite.testing.numbers import UNIT_ROUNDOFF, Perturbed, perturbed
from autograd_lite.testing.oracles import Line, scale_of, with_coordinate
from autograd_lite.transforms import grad, hvp, jacrev, jvp

__all__ = ["Recorded", "Subject", "argument_names"]

#: The adaptive tolerance: so many runs with every operation off by a roundoff (so many more before a mismatch is
#: declared), and their largest spread so many times.
RUNS, MORE_RUNS, SPREADS = 4, 32, 16.0


class Subject:
    """A function of any structure as one of a list of numbers, and the point to check it at."""

    #: How the derivatives were found.
    modes: tuple[str, ...]
    #: The unit roundoff of the function's results.
    roundoff = UNIT_ROUNDOFF
    #: The inputs by name, their values, and how far each moves before f changes markedly.
    names: list[str]
    x: list[float]
    scales: list[float]

    def indices(self, order: int) -> list[tuple[int, ...]]:
        """By which input, or which two, each derivative is; results come one after the other."""
        raise NotImplementedError

    def label(self, k: int, order: int) -> str:
        """The name of the k-th derivative."""
        return ", ".join(self.names[i] for i in self.indices(order)[k])

    def lines(self, order: int) -> list[Line]:
        """For each input the function along it; for order 2 its gradient."""
        raise NotImplementedError

    def derivatives(self, order: int, mode: str) -> list[float]:
        """What is checked."""
        raise NotImplementedError

    def rounding(self, order: int, *, thorough: bool = False) -> tuple[list[float], list[float]]:
        """How far rounding can have moved each derivative, and each result of the lines."""
        raise NotImplementedError

    def blame(self, order: int) -> tuple[str, ...]:
        """What is known of the cause of a mismatch."""
        return ()

    def _set_scales(self, scale: Any, numbers: Callable[[Any], list[float]]) -> None:
        if not self.x:
            raise ArgumentError("check_gradients needs at least one number to differentiate by")
        given = [] if scale is None else numbers(scale)
        if len(given) not in (0, 1, len(self.x)) or not all(0.0 < s < math.inf for s in given):
            raise ArgumentError(
                f"scale is one number above 0, or one for each of the {len(self.x)} numbers of the arguments, "
                f"in the same structure; got {describe(scale)}"
            )
        self.scales = [scale_of(x) for x in self.x] if not given else given * (len(self.x) // len(given))


def argument_names(f: Callable[..., Any], args: tuple[Any, ...]) -> list[str]:
    """The names of f's parameters, as far as they can be found out."""
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    try:
        parameters = [p.name for p in inspect.signature(f).parameters.values() if p.kind in positional]
    except (TypeError, ValueError):
        parameters = []
    return [parameters[i] if i < len(parameters) else f"args[{i}]" for i in range(len(args))]


class Recorded(Subject):
    """A function of numbers of ours that returns one, to be differentiated by the engine."""

    def __init__(self, f: Callable[..., Any], args: tuple[Any, ...], modes: Sequence[str], scale: Any = None) -> None:
        named = zip(argument_names(f, args), args, strict=True)
        leaves = [(name + path, leaf) for name, arg in named for path, leaf in pytree.leaves(arg)]
        self._f, self._args, self.modes = f, args, tuple(modes)
        self._roundings: dict[tuple[int, bool], tuple[list[float], list[float]]] = {}
        self.names = [getattr(leaf, "name", None) or path for path, leaf in leaves]
        self.x = [float(number(leaf)) for _, leaf in leaves]
        self._set_scales(scale, lambda tree: [as_float(number(leaf)) for _, leaf in pytree.leaves(tree)])

    def f(self, numbers: Sequence[Any]) -> Any:
        """The function at numbers of any kind."""
        given = iter(numbers)
        return self._f(*pytree.map_leaves(lambda _: next(given), self._args))

    def indices(self, order: int) -> list[tuple[int, ...]]:
        """The gradient, or the rows of the Hessian one after the other."""
        n = range(len(self.x))
        return [(i,) for i in n] if order == 1 else [(i, j) for i in n for j in n]

    def lines(self, order: int) -> list[Line]:
        """The value along each coordinate, or the gradient."""

        def along(i: int) -> Callable[[float], list[float]]:
            @functools.cache
            def of_coordinate(xi: float) -> list[float]:
                numbers = with_coordinate(self.x, i, xi)
                return [number(self.f([Value(x) for x in numbers]))] if order == 1 else list(grad(self.f)(numbers))

            return of_coordinate

        count = 1 if order == 1 else len(self.x)
        return [Line(along(i), x, scale, count) for i, (x, scale) in enumerate(zip(self.x, self.scales, strict=True))]

    def derivatives(self, order: int, mode: str) -> list[float]:
        """By one of the engine's two modes."""
        f, x, n = self.f, self.x, len(self.x)
        units = [[float(i == j) for i in range(n)] for j in range(n)]
        if order == 1:
            return list(grad(f)(x)) if mode == "reverse" else [jvp(f, (x,), (u,))[1] for u in units]
        rows = jacrev(grad(f))(x) if mode == "reverse" else [hvp(f, (x,), (u,)) for u in units]
        return [entry for row in rows for entry in row]

    def rounding(self, order: int, *, thorough: bool = False) -> tuple[list[float], list[float]]:
        """By running again with every operation off by one roundoff; computed once."""
        key = order, thorough
        if key not in self._roundings:
            self._roundings[key] = self._rounding(order, RUNS + MORE_RUNS * thorough)
        tolerances, of_value = self._roundings[key]
        if order == 2:
            of_value = self.rounding(1, thorough=thorough)[0]
        return tolerances, [tolerance / SPREADS for tolerance in of_value]

    def _rounding(self, order: int, runs: int) -> tuple[list[float], list[float]]:
        inputs = [Value(x) for x in self.x]
        derivatives = grad(self.f)(inputs) if order == 1 else jacrev(grad(self.f))(inputs)
        targets = [leaf for _, leaf in pytree.leaves([derivatives, self.f(inputs)])]
        order_of_nodes = graph.operations(*(target for target in targets if isinstance(target, Value)))
        rng = random.Random(0)
        replays = [_replayed(order_of_nodes, targets, rng) for _ in range(runs)]
        tolerances = []
        for target, *again in zip(map(number, targets), *replays, strict=True):
            spread = max(abs(other - target) for other in again)
            tolerances.append(SPREADS * spread + 8 * UNIT_ROUNDOFF * abs(target))
        return tolerances[:-1], tolerances[-1:]

    def blame(self, order: int) -> tuple[str, ...]:
        """The primitive whose own partial is off."""
        return find_blame(self.f([Value(x, name) for x, name in zip(self.x, self.names, strict=True)]), order)


def _replayed(order: list[Value], targets: list[Any], rng: random.Random) -> list[float]:
    """The targets, computed again with every operation off by a roundoff."""
    values: dict[Any, float] = {}
    for node in order:
        op = node.op
        assert op is not None
        operands = [values.get(o, number(o)) if isinstance(o, Value) else o for o in node.operands]
        if op in ops.SUMS:  # every addition in it is off
            total: Any = op.value(*[Perturbed(x, rng) for x in operands])
            values[node] = total.value
            continue
        ans = op.evaluate(*operands)
        values[node] = ans if op is ops.identity else perturbed(ans, rng)
    return [values.get(t, number(t)) if isinstance(t, Value) else t for t in targets]

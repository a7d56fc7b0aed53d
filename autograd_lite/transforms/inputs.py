"""The arguments of a transform as fresh nodes, and the derivatives by them."""

from collections.abc import Callable, Sequence
from typing import Any

from autograd_lite import pytree
from autograd_lite.core import graph, modes, ops
from autograd_lite.core.chain import pull_back, push_forward
from autograd_lite.core.checks import as_float, describe
from autograd_lite.core.node import number
from autograd_lite.core.value import Value

__all__ = ["Function", "Inputs", "called", "name_of", "values_in"]

Function = Callable[..., Any]


class Inputs:
    """The arguments of one transform as fresh nodes, and what kind of number to answer with."""

    def __init__(self, arguments: Any, *, others: Sequence[Value] = ()) -> None:
        """``others`` are the Values that the function is given besides: no walk goes on to what they came from."""
        given, self.structure = pytree.flatten(arguments)
        self.others = [other for other in others if not other.is_leaf]
        self.as_values = bool(others) or any(isinstance(leaf, Value) for leaf in given)
        # A derivative that may have to be differentiated again is recorded.
        mode = modes.current()
        self.as_graph = mode.grad_enabled and (self.as_values or mode.depth > 0)
        self.nodes = [self._fresh(leaf) for leaf in given]
        self.tree = self.structure.unflatten(self.nodes)

    @staticmethod
    def _fresh(leaf: Any) -> Value:
        # A node of its own also for a Value: what else the function does with that Value,
        # by closing over it, is none of this transform's business.
        if isinstance(leaf, Value) and leaf.requires_grad and modes.current().grad_enabled:
            return ops.identity(leaf)
        return Value(number(leaf))

    def answer(self, result: Any) -> Any:
        """A number that was computed from the inputs, as the kind of number that the caller gave."""
        return self.answers([result])[0]

    def answers(self, results: Sequence[Any]) -> list[Any]:
        """The same of several numbers."""
        if self.as_values:
            is_kept = [self.as_graph and isinstance(result, Value) for result in results]
            pairs = zip(results, is_kept, strict=True)
            return [result if kept else Value(number(result)).detach() for result, kept in pairs]
        dependent = self._dependent_on_more([r for r in results if isinstance(r, Value)]) if self.as_graph else ()
        return [r if isinstance(r, Value) and r in dependent else as_float(number(r)) for r in results]

    def answered(self, aux: Any) -> Any:
        """Auxiliary data, its Values as the kind of number that the caller gave; all else as it is."""
        if isinstance(aux, Value):
            return self.answer(aux)
        level = None if hasattr(type(aux), "named_parameters") else pytree.branch(aux)
        return aux if level is None else level.rebuild([self.answered(item) for item in level.children])

    def _dependent_on_more(self, results: Sequence[Value]) -> set[Value]:
        """The nodes that depend on anything but the inputs: on an argument of an enclosing transform."""
        stop = set(self.nodes)
        dependent = {leaf for leaf in graph.leaves(*results, stop=stop) if leaf.requires_grad}
        for node in graph.operations(*results, stop=stop) if dependent else ():
            if any(operand.__class__ is not float and operand in dependent for operand in node.operands):
                dependent.add(node)
        return dependent

    def derivatives(self, numbers: Sequence[Any]) -> list[Any]:
        """Adjoints or tangents, as the kind of number that the caller gave."""
        return self.answers(numbers if self.as_graph else [n + 0.0 for n in numbers])  # 0.0, never -0.0

    def pull(self, results: Sequence[Any], cotangents: Sequence[Any]) -> Any:
        """The derivatives by the inputs of the results, weighted with the cotangents; shaped as the inputs."""
        seeds: dict[Value, Any] = {}
        for result, cotangent in zip(results, cotangents, strict=True):
            if isinstance(result, Value):  # else it does not depend on anything
                seeds[result] = seeds[result] + cotangent if result in seeds else cotangent
        adjoints = pull_back(seeds, [*self.nodes, *self.others], create_graph=self.as_graph)
        return self.structure.unflatten(self.derivatives([adjoints.get(node, 0.0) for node in self.nodes]))

    def push(self, results: Any, tangents: Sequence[Any]) -> Any:
        """The tangents of the results that follow from those of the inputs; shaped as the results."""
        leaves, structure = pytree.flatten(results)
        # A tangent of exactly 0 is none: an input that does not move contributes nothing.
        seeds = {n: {0: t} for n, t in zip(self.nodes, tangents, strict=True) if type(t) is not float or t != 0.0}
        pushed = self._pushed(leaves, seeds) or ()
        return structure.unflatten(self.derivatives([tangent.get(0, 0.0) for tangent in pushed]))

    def rows_forward(self, results: Sequence[Any], *, by_partials: bool = False) -> list[dict[int, Any]] | None:
        """The derivatives of each result, by the position of the input; those it does not depend on are left out.

        With ``by_partials`` it is None where an operation goes forward by backward passes, such as the call of a
        compiled function.
        """
        return self._pushed(results, {node: {i: 1.0} for i, node in enumerate(self.nodes)}, by_partials)

    def rows_backward(self, results: Sequence[Any]) -> list[dict[int, Any]]:
        """The same backward, result by result."""
        places = {node: i for i, node in enumerate(self.nodes)}
        # The leaves among the inputs would make it long where rows are short.
        stop = [*(node for node in self.nodes if not node.is_leaf), *self.others]
        rows = []
        for result in results:
            adjoints = {}
            if isinstance(result, Value):
                adjoints = pull_back({result: 1.0}, stop, create_graph=self.as_graph)
            rows.append({places[node]: adjoint for node, adjoint in adjoints.items() if node in places})
        return rows

    def _pushed(
        self, results: Sequence[Any], seeds: dict[Value, dict[int, Any]], by_partials: bool = False
    ) -> list[dict[int, Any]] | None:
        roots = [result for result in results if isinstance(result, Value)]
        found = push_forward(
            roots, seeds, [*self.nodes, *self.others], create_graph=self.as_graph, by_partials=by_partials
        )
        if found is None:
            return None
        pushed = iter(found)
        return [next(pushed) if isinstance(result, Value) else {} for result in results]


def called(f: Function, args: Sequence[Any], kwargs: dict[str, Any], has_aux: bool) -> tuple[Any, Any]:
    """The result of f, recorded, and its auxiliary data."""
    before = modes.top.get()
    try:
        modes.enter(grad_enabled=True, depth=1)
        result = f(*args, **kwargs)
    finally:
        modes.top.set(before)
    if not has_aux:
        return result, None
    if isinstance(result, tuple) and len(result) == 2:
        return result
    raise TypeError(f"with has_aux=True {name_of(f)} must return (result, aux), got {describe(result)}")


def values_in(argument: Any) -> list[Value]:
    """The Values in an argument, which may be of any type."""
    try:
        return [leaf for leaf in pytree.flatten(argument)[0] if isinstance(leaf, Value)]
    except TypeError:  # not numbers, or not alone
        return []


def name_of(f: Function) -> str:
    return getattr(f, "__name__", repr(f))

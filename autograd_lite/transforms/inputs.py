"""The arguments of a transform as fresh nodes, and the derivatives by them."""

from collections.abc import Callable, Sequence
from typing import Any

from autograd_lite import pytree
from autograd_lite.core import graph, modes, ops
from autograd_lite.core.chain import pull_back, push_forward
from autograd_lite.core.checks import as_float, describe
from autograd_lite.core.node import number
from autograd_lite.core.value import Value

__all__ = ["Function", "Inputs", "called", "holds_a_value", "name_of"]

Function = Callable[..., Any]


class Inputs:
    """The arguments of one transform as fresh nodes, and what kind of number to answer with."""

    def __init__(self, arguments: Any, *, as_values: bool = False) -> None:
        given, self._structure = pytree.flatten(arguments)
        self.as_values = as_values or any(isinstance(leaf, Value) for leaf in given)
        # A derivative that may have to be differentiated again is recorded.
        mode = modes.current()
        self.as_graph = mode.grad_enabled and (self.as_values or mode.depth > 0)
        self.nodes = [self._fresh(leaf) for leaf in given]
        self.tree = self._structure.unflatten(self.nodes)

    @staticmethod
    def _fresh(leaf: Any) -> Value:
        # A node of its own also for a Value: what else the function does with that Value,
        # by closing over it, is none of this transform's business.
        if isinstance(leaf, Value) and leaf.requires_grad and modes.current().grad_enabled:
            return ops.identity(leaf)
        return Value(number(leaf))

    def answer(self, result: Any) -> Any:
        """A number that was computed from the inputs, as the kind of number that the caller gave."""
        if self.as_values:
            return result if isinstance(result, Value) and self.as_graph else Value(number(result)).detach()
        if isinstance(result, Value) and self.as_graph and self._depends_on_more(result):
            return result
        return as_float(number(result))

    def answered(self, aux: Any) -> Any:
        """Auxiliary data, its Values as the kind of number that the caller gave; all else as it is."""
        if isinstance(aux, Value):
            return self.answer(aux)
        level = None if hasattr(type(aux), "named_parameters") else pytree.branch(aux)
        return aux if level is None else level.rebuild([self.answered(item) for item in level.children])

    def _derivative(self, adjoint: Any) -> Any:
        return self.answer(adjoint if self.as_graph else adjoint + 0.0)  # 0.0, never -0.0

    def _depends_on_more(self, node: Value) -> bool:
        """Whether a number depends on anything but the inputs: on an argument of an enclosing transform."""
        return any(leaf.requires_grad for leaf in graph.leaves(node, stop=self.nodes))

    def pull(self, results: Sequence[Any], cotangents: Sequence[Any]) -> Any:
        """The derivatives by the inputs of the results, weighted with the cotangents; shaped as the inputs."""
        seeds: dict[Value, Any] = {}
        for result, cotangent in zip(results, cotangents, strict=True):
            if isinstance(result, Value):  # else it does not depend on anything
                seeds[result] = seeds[result] + cotangent if result in seeds else cotangent
        adjoints = pull_back(seeds, self.nodes, create_graph=self.as_graph)
        return self._structure.unflatten([self._derivative(adjoints.get(node, 0.0)) for node in self.nodes])

    def push(self, results: Any, tangents: Sequence[Any]) -> Any:
        """The tangents of the results that follow from those of the inputs; shaped as the results."""
        leaves, structure = pytree.flatten(results)
        roots = [leaf for leaf in leaves if isinstance(leaf, Value)]
        # A tangent of exactly 0 is none: an input that does not move contributes nothing.
        seeds = {n: t for n, t in zip(self.nodes, tangents, strict=True) if type(t) is not float or t != 0.0}
        tangents_of = push_forward(graph.operations(*roots, stop=self.nodes), seeds, create_graph=self.as_graph)
        return structure.unflatten([self._derivative(tangents_of.get(leaf, 0.0)) for leaf in leaves])


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


def holds_a_value(argument: Any) -> bool:
    """Whether an argument is, or holds, a Value; it may be of any type."""
    try:
        return any(isinstance(leaf, Value) for leaf in pytree.flatten(argument)[0])
    except TypeError:  # not numbers, or not alone
        return False


def name_of(f: Function) -> str:
    return getattr(f, "__name__", repr(f))

"""Recordings as functions of numbers, and their results as Values that know their gradients.

The gradient of a recording is recorded too, from the graph that its recording left, and
so is the gradient of that: each order is compiled when it is first asked for.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from autograd_lite.core import graph, modes
from autograd_lite.core.chain import pull_back
from autograd_lite.core.node import number, own_attributes
from autograd_lite.core.op import CONSTANT, Op
from autograd_lite.core.record import made
from autograd_lite.core.value import Value
from autograd_lite.errors import GraphError, TracingError
from autograd_lite.jit.passes import eliminate_dead_code, optimize
from autograd_lite.jit.program import Guard, Program
from autograd_lite.jit.tracing import Tracer, tracing

__all__ = ["Code", "Recording"]

#: A compiled program: from its inputs to the tuple of its outputs, or the number of the guard that fails.
Code = Any
#: Of a program of so many instructions for training, networks mostly, the other passes take longer than they gain.
LONG = 2000
BackEnd = Callable[[Program], Code]


class Recording:
    """One path through a function: its inputs, its results as numbers and as nodes, and code for them."""

    def __init__(
        self,
        tracer: Tracer,
        name: str,
        back_end: BackEnd,
        inputs: dict[Value, int],
        floats: Sequence[Any],
        nodes: Sequence[Value],
    ) -> None:
        self.tracer, self.name, self.back_end = tracer, name, back_end
        self.inputs, self.floats, self.nodes = inputs, list(floats), list(nodes)
        self._kinds = list(map(type, self.nodes))
        #: The names and other attributes that f gave to its results.
        self._attributes = [own_attributes(node) for node in self.nodes]
        self.extent = tracer.extent()
        self._guards = tracer.guards[: self.extent[2]]
        order = graph.operations(*self.nodes, stop=inputs)
        reached = {o: None for node in order for o in node.operands if isinstance(o, Value) and o in inputs}
        #: The inputs that gradients reach, as nodes and as positions among all inputs.
        self.operands = [node for node in reached if node.requires_grad]
        self.places = [inputs[node] for node in self.operands]
        self._codes: dict[str, Code] = {}
        self._over_rows: dict[Any, Any] = {}
        self.latest: Code = None  # what was run last
        self._seeds: list[Any] = []
        self._reached: dict[frozenset[int], list[bool]] = {}
        self._derivative: Recording | None = None

    def guards(self) -> Sequence[Guard]:
        """The comparisons that decided which path it is."""
        return self._guards

    def reached_from(self, positions: frozenset[int]) -> list[bool]:
        """Which operands some of the nodes depend on at all."""
        if positions not in self._reached:
            roots = [self.nodes[position] for position in positions]
            reached = {
                o for node in graph.operations(*roots, stop=self.inputs) for o in node.operands if isinstance(o, Value)
            }
            self._reached[positions] = [operand in reached for operand in self.operands]
        return self._reached[positions]

    def values(self) -> Code:
        """Code for the results: the floats, then the nodes."""
        return self._code("", self._results)

    def values_and_gradient(self) -> Code:
        """Code for the results and the gradient of the only node by each operand."""
        return self._code("_and_gradient", lambda: [*self._results(), *self._pulled([1.0], False)])

    def pull(self) -> Code:
        """Code from the inputs and an adjoint for each node to the adjoints of the operands."""
        return self._code("_gradient", lambda: self._pulled(self._with_seeds(), False))

    def results_and_pull(self, order: Sequence[int | None]) -> Program:
        """The program of the results, and from an adjoint for each node of the adjoints of the operands.

        Its inputs, the adjoints last, stand in an order.
        """
        with self.tracer.lock:
            return self._program("_gradient", [*self._results(), *self._pulled(self._with_seeds(), False)], order)

    def results_and_gradient(self) -> Program:
        """The program of the results and the gradient of the only node by each operand."""
        with self.tracer.lock:
            return self._program("_and_gradient", [*self._results(), *self._pulled([1.0], False)])

    def derivative(self) -> "Recording":
        """The same as a recording of its own, whose results can be differentiated again."""
        with self.tracer.lock:
            if self._derivative is None:
                with tracing(self.tracer):
                    seeds = [Value(seed) for seed in self._with_seeds()]
                first = self.extent[0]
                inputs = self.inputs | {seed: first + i for i, seed in enumerate(seeds)}
                adjoints = self._pulled(seeds, True)
                self._are_nodes = [isinstance(adjoint, Value) for adjoint in adjoints]
                floats = [adjoint for adjoint in adjoints if not isinstance(adjoint, Value)]
                nodes = [adjoint for adjoint in adjoints if isinstance(adjoint, Value)]
                name = f"{self.name}_gradient"
                self._derivative = Recording(self.tracer, name, self.back_end, inputs, floats, nodes)
        return self._derivative

    def _with_seeds(self) -> list[Any]:
        """The adjoints of the nodes, as inputs after those of this recording."""
        if not self._seeds:
            names = [f"adjoint{i}" if len(self.nodes) > 1 else "adjoint" for i in range(len(self.nodes))]
            self._seeds = [self.tracer.input(name, 1.0) for name in names]
        return self._seeds

    def _pulled(self, seeds: Sequence[Any], create_graph: bool) -> list[Any]:
        """The adjoints of the operands, recorded."""
        with tracing(self.tracer):
            seeded = dict(zip(self.nodes, seeds, strict=True))
            adjoints = pull_back(seeded, self.inputs, create_graph=create_graph)
        return [adjoints.get(node, 0.0) for node in self.operands]

    def traced_results(self) -> list[float]:
        """The results as they were when they were recorded."""
        return [getattr(x, "value", x) for x in self._results()]

    def _results(self) -> list[Any]:
        return [*self.floats, *(node._held() for node in self.nodes)]

    def _code(self, suffix: str, outputs: Callable[[], list[Any]]) -> Code:
        if suffix not in self._codes:
            with self.tracer.lock:  # threads may ask for the same at once
                self._codes[suffix] = self.back_end(self._program(suffix, outputs()))
        self.latest = self._codes[suffix]
        return self.latest

    def over_rows(
        self, back_end: Callable[..., Any], width: int, suffix: str = "", outputs: Any = None, *, is_sum: bool
    ) -> Any:
        """Code for the same over rows of data, to which the first inputs belong: for each, or the sum."""
        key = (suffix, is_sum)
        if key not in self._over_rows:
            with self.tracer.lock:
                program = self._program(suffix, (outputs or self._results)())
                self._over_rows[key] = back_end(program, width, is_sum=is_sum)
        return self._over_rows[key]

    def _program(self, suffix: str, numbers: list[Any], order: Sequence[int | None] | None = None) -> Program:
        # Its own inputs and guards: a first derivative asks nothing that the recording did not.
        inputs, _, guards = self.extent
        if suffix == "_gradient":
            inputs += len(self._seeds)
        program = self.tracer.program(f"{self.name}{suffix}", numbers, (inputs, guards), order)
        return optimize(program) if order is None or len(program) < LONG else eliminate_dead_code(program)

    def results(self, numbers: Sequence[float], operands: Callable[[], tuple[Any, ...]]) -> Any:
        """The floats and the nodes at these inputs, or the number of the guard that fails.

        ``operands()`` are the Values that were given at :attr:`places`, and floats for constants.
        """
        count = len(self.floats)
        if not (self.nodes and modes.current().grad_enabled):
            answer = self.values().run(*numbers)
            if type(answer) is int:
                return answer
            return answer[:count], self._with_attributes(
                map(made, self._kinds, answer[count:], itertools.repeat(CONSTANT))
            )
        is_single = len(self.nodes) == 1
        answer = (self.values_and_gradient() if is_single else self.values()).run(*numbers)
        if type(answer) is int:
            return answer
        call = Call(self, numbers)
        if is_single:
            node = _node(self._kinds[0], answer[count], call, operands(), answer[count + 1 :])
            return answer[:count], self._with_attributes([node])
        together = _node(Value, 0.0, call, operands(), ())
        outputs = zip(self._kinds, answer[count:], _outputs(len(self.nodes)), strict=True)
        nodes = [_result(kind, ans, output, together) for kind, ans, output in outputs]
        return answer[:count], self._with_attributes(nodes)

    def _with_attributes(self, nodes: Iterable[Value]) -> list[Value]:
        made = list(nodes)
        for node, attributes in zip(made, self._attributes, strict=True):
            if attributes:
                vars(node).update(attributes)
        return made

    def pulled(self, numbers: Sequence[float], operands: Sequence[Any], adjoints: list[Any], create_graph: bool) -> Any:
        """What the adjoints of the nodes give the operands."""
        if not modes.current().interpreter.is_eager:
            return self._pulled_within_a_recording(numbers, operands, adjoints, create_graph)
        if not create_graph:
            return _answered(self.pull().run(*numbers, *adjoints), self.name)
        for operand, place in zip(operands, self.places, strict=True):
            now = operand if operand.__class__ is float else operand._held()
            if now != numbers[place] and now == now:
                raise GraphError(
                    f"a gradient that is itself a graph needs the inputs of {self.name} as they were, and .data has "
                    "been assigned since. Differentiate before changing .data."
                )
        derivative = self.derivative()
        given = dict(zip(self.places, operands, strict=True))
        given |= {self.extent[0] + i: adjoint for i, adjoint in enumerate(adjoints)}
        all_numbers = [*numbers, *map(number, adjoints)]

        def operands_of_derivative() -> tuple[Any, ...]:
            return tuple([_operand(given.get(place), all_numbers[place]) for place in derivative.places])

        floats, nodes = _answered(derivative.results(all_numbers, operands_of_derivative), self.name)
        numbers_of, nodes_of = iter(floats), iter(nodes)
        return [next(nodes_of) if is_node else next(numbers_of) for is_node in self._are_nodes]

    def _pulled_within_a_recording(
        self, numbers: Sequence[float], operands: Sequence[Any], adjoints: list[Any], create_graph: bool
    ) -> Any:
        if create_graph:
            raise TracingError(
                f"a Value that {self.name} computed before cannot be differentiated twice inside a function that jit "
                "compiles. Compute it inside the function"
            )
        now: Any = modes.current().interpreter
        return now.inlined(self.pull().program, [*numbers, *adjoints])


def _answered(answer: Any, name: str) -> Any:
    if type(answer) is int:
        raise TracingError(
            f"the derivatives of {name} took another branch than when they were recorded: a primitive of yours has "
            "partials that choose with `if`. Write them with where and greater"
        )
    return answer


def _operand(value: Any, data: float) -> Any:
    return value if isinstance(value, Value) and value._primitive is not CONSTANT else data


def leaf_like(value: Value) -> Value:
    """A leaf of the same class, name and number; a constant if the Value is one."""
    twin = made(type(value), value._held(), None if value.requires_grad else CONSTANT)
    vars(twin).update(own_attributes(value))
    return twin


def _node(kind: type[Value], data: float, op: Op, operands: tuple[Any, ...], partials: tuple[float, ...]) -> Value:
    # Without operands it depends on leaves that the function made itself, and is no constant either.
    if operands and all(operand.__class__ is float for operand in operands):
        return made(kind, data, CONSTANT)
    return made(kind, data, op, operands, partials)


def _result(kind: type[Value], data: float, output: "Output", together: Value) -> Value:
    if together._primitive is CONSTANT:
        return made(kind, data, CONSTANT)
    return made(kind, data, output, (together,), (1.0,))


class Call(Op):
    """The operation of one call of a recording."""

    __slots__ = ("numbers", "recording")

    pushes_backward = pulls_partials = True

    def __init__(self, recording: Recording, numbers: Sequence[float]) -> None:
        self.recording, self.numbers = recording, numbers
        self.name = self.symbol = recording.name
        self.arity = None

    def evaluate(self, *numbers: float) -> float:
        """The only result at these operands, all else as in the call."""
        given = dict(zip(self.recording.places, numbers, strict=True))
        inputs = [given.get(place, old) for place, old in enumerate(self.numbers)]
        return float(_answered(self.recording.values().run(*inputs), self.name)[-1])

    def pull(self, node: Value, adjoint: Any, create_graph: bool) -> Any:
        """What the adjoint of the result, or those of all results, give the operands."""
        if type(adjoint) is Together:
            count = len(self.recording.nodes)
            adjoints = [adjoint.get(i, 0.0) for i in range(count)]
            pulled = self.recording.pulled(self.numbers, node.operands, adjoints, create_graph)
            if len(adjoint) == count:
                return pulled
            reached = self.recording.reached_from(frozenset(adjoint))
            return [number if is_reached else None for number, is_reached in zip(pulled, reached, strict=True)]
        if type(adjoint) is float and adjoint == 1.0 and not create_graph:
            return node.partials
        adjoints = [adjoint]
        return self.recording.pulled(self.numbers, node.operands, adjoints, create_graph)

    def push(self, node: Value, tangents: list[Any], create_graph: bool) -> Any:
        """The tangent of the result, or those of all results, by their gradients."""
        count = len(self.recording.nodes)
        rows = []
        for row in range(count):
            adjoints = [float(i == row) for i in range(count)]
            partials = self.recording.pulled(self.numbers, node.operands, adjoints, create_graph)
            pairs = zip(partials, tangents, strict=True)
            rows.append(sum([p * t for p, t in pairs if not (type(t) is float and t == 0.0)], 0.0))
        return Together(enumerate(rows)) if node.partials == () else rows[0]


class Output(Op):
    """One of several results of a call."""

    __slots__ = ("position",)

    def __init__(self, position: int) -> None:
        self.position = position
        self.name = self.symbol = f"result {position}"
        self.arity = 1

    def evaluate(self, *numbers: float) -> float:
        """Nothing of its own: the result was computed by the call."""
        return numbers[0]

    def pull(self, node: Value, adjoint: Any, create_graph: bool) -> Any:
        """The adjoint, under its position."""
        return (Together({self.position: adjoint}),)

    def push(self, node: Value, tangents: list[Any], create_graph: bool) -> Any:
        """The tangent at its position."""
        together = tangents[0]
        return together[self.position] if type(together) is Together else 0.0


class Together(dict[int, Any]):
    """The adjoints, or tangents, of several results of one call, by their positions."""

    def __add__(self, other: Any) -> "Together":
        added = Together(self)
        for position, adjoint in other.items() if type(other) is Together else ():
            added[position] = added[position] + adjoint if position in added else adjoint
        return added


def _outputs(count: int) -> list[Output]:
    while len(_known_outputs) < count:
        _known_outputs.append(Output(len(_known_outputs)))
    return _known_outputs[:count]


_known_outputs: list[Output] = []

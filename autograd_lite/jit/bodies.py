"""Loops as nodes of a graph, whose derivatives are loops again.

A loop goes by its :class:`Body`, one step. Its derivative backward is a loop in the other direction, whose step is the
derivative of the step at the carries that the first one left behind; forward it is a loop of the carries and their
tangents. Both come from the graph of the step by the chain rule as it is everywhere, and are bodies too: so there are
derivatives of every order.
"""

from collections.abc import Sequence
from typing import Any

from autograd_lite.core import graph, modes
from autograd_lite.core.chain import pull_back, push_forward
from autograd_lite.core.loops import Loop, item, stack
from autograd_lite.core.op import CONSTANT, Op
from autograd_lite.core.record import made
from autograd_lite.core.value import Value
from autograd_lite.errors import TracingError
from autograd_lite.jit.recording import Together
from autograd_lite.jit.steps import StepRecorder, recorder
from autograd_lite.jit.tracing import TracedFloat, tracing

__all__ = ["Body", "repeat", "stacked", "take"]


class Body:
    """One step of a loop, as a recorder holds it: numbers that go in, and those that come out.

    ``fixed`` are constants that the loop is given, besides those that the recorder found; ``flag`` is whether a while
    loop goes on. With each step the carries from before it are kept, after its ys, for derivatives.
    """

    def __init__(  # noqa: PLR0913 - what a step is
        self,
        inner: StepRecorder,
        name: str,
        *,
        carries: Sequence[Any],
        xs: Sequence[Any],
        new: Sequence[Any],
        ys: Sequence[Any],
        fixed: Sequence[Any] = (),
        flag: Any = None,
        is_reversed: bool = False,
        has_guards: bool = False,
    ) -> None:
        self.inner, self.name, self.flag = inner, name, flag
        self.carries, self.xs, self.fixed = list(carries), list(xs), list(fixed)
        self.new, self.ys = list(new), list(ys)
        self.is_reversed, self.has_guards = is_reversed, has_guards
        self._compiled: tuple[Loop, list[TracedFloat]] | None = None
        self._pulled: dict[Any, Body] = {}
        self._pushed: dict[Any, Body] = {}
        #: What gradients go to besides carries and xs: nodes from around the loop, and constants it is given.
        self.inputs = [n for n in [*self.carries, *self.xs, *self.fixed] if isinstance(n, Value)]
        self.outputs = [n for n in [*self.new, *self.ys] if isinstance(n, Value)]
        order = graph.operations(*self.outputs, stop=[*self.inputs, *inner.nodes])
        reached = {o for node in order for o in node.operands if isinstance(o, Value)} | set(self.outputs)
        self.constants = [n for n in inner.nodes if n in reached]

    def compiled(self) -> tuple[Loop, list[TracedFloat]]:
        """The instruction, and the numbers from around the loop that are its constants."""
        if self._compiled is None:
            inner = self.inner
            given = [inner.owned(n) for n in [*self.fixed, *self.carries, *self.xs]]
            flag = [] if self.flag is None else [self.flag]
            outputs = [*self.new, *self.ys, *self.carries, *flag]
            program, outers = inner.extracted(self.name, given, outputs, with_guards=self.has_guards)
            loop = Loop(
                self.name,
                program,
                constants=len(outers) + len(self.fixed),
                carries=len(self.carries),
                sequences=len(self.xs),
                results=len(self.ys) + len(self.carries),
                is_reversed=self.is_reversed,
                is_while=self.flag is not None,
            )
            self._compiled = loop, outers
        return self._compiled

    def valued(self) -> list[int]:
        """The carries that gradients go through."""
        return [k for k, n in enumerate(self.carries) if isinstance(n, Value)]

    def pulled(self, results: tuple[int, ...], create_graph: bool) -> "Body":
        """The derivative backward, where these of the ys have an adjoint.

        Its carries are the adjoints of the carries, then those of all constants, to which each step adds; its xs are
        the carries from before the step, the xs, and the adjoints of the ys. It gives the adjoints of the xs.
        """
        key = results, create_graph
        if key not in self._pulled:
            self._check_constants()
            inner, valued = self.inner, self.valued()
            constants = [*self.constants, *(n for n in self.fixed if isinstance(n, Value))]
            with tracing(inner):
                adjoints = [self._fresh("adjoint", create_graph) for _ in valued]
                totals = [self._fresh("total", create_graph) for _ in constants]
                of_results = [self._fresh("adjoint", create_graph) for _ in results]
                # The totals go in first, and so each term is added by itself, as in a longer graph.
                seeds = dict(zip(constants, totals, strict=True))
                outputs = [*(self.new[k] for k in valued), *(self.kept()[r] for r in results)]
                for output, adjoint in zip(outputs, [*adjoints, *of_results], strict=True):
                    if isinstance(output, Value) and output.requires_grad:
                        seeds[output] = seeds[output] + adjoint if output in seeds else adjoint

                def derivatives() -> list[Any]:
                    pulled = pull_back(seeds, [*self.inputs, *constants], create_graph=create_graph) if seeds else {}
                    return [_from(pulled, n) for n in (*map(self.carries.__getitem__, valued), *constants, *self.xs)]

                pulled = inner.on_all_ways(derivatives)
            self._pulled[key] = Body(
                inner,
                f"{self.name}_gradient",
                carries=[*adjoints, *totals],
                xs=[*self.carries, *self.xs, *of_results],
                new=pulled[: len(pulled) - len(self.xs)],
                ys=pulled[len(pulled) - len(self.xs) :],
                fixed=self.fixed,
                is_reversed=not self.is_reversed,
            )
        return self._pulled[key]

    def pushed(self, fixed: tuple[int, ...], xs: tuple[int, ...], create_graph: bool) -> "Body":
        """The derivative forward, where these of the constants and the xs have a tangent.

        Its carries are the carries and the tangents of those that are Values, its xs the xs and their tangents. It
        gives the tangents of the ys, and of the carries from before the step.
        """
        key = fixed, xs, create_graph
        if key not in self._pushed:
            self._check_constants()
            inner, valued = self.inner, self.valued()
            constants = [*self.constants, *self.fixed]
            with tracing(inner):
                of_fixed = [self._fresh("tangent", create_graph) for _ in fixed]
                of_xs = [self._fresh("tangent", create_graph) for _ in xs]
                of_carries = [self._fresh("tangent", create_graph) for _ in valued]
                moving = [*(constants[i] for i in fixed), *(self.xs[i] for i in xs), *(self.carries[i] for i in valued)]
                seeds = {n: {0: t} for n, t in zip(moving, [*of_fixed, *of_xs, *of_carries], strict=True)}
                results = [*map(self.new.__getitem__, valued), *self.kept()]
                stop = [*self.inputs, *self.constants]

                def derivatives() -> list[Any]:
                    roots = [n for n in results if isinstance(n, Value)]
                    found = push_forward(roots, seeds, stop, create_graph=create_graph)
                    pushed = dict(zip(roots, found or (), strict=True))
                    return [pushed[n].get(0, 0.0) if isinstance(n, Value) else 0.0 for n in results]

                pushed = inner.on_all_ways(derivatives)
            self._pushed[key] = Body(
                inner,
                f"{self.name}_tangent",
                carries=[*self.carries, *of_carries],
                xs=[*self.xs, *of_xs],
                new=[*self.new, *pushed[: len(valued)]],
                ys=pushed[len(valued) :],
                fixed=[*self.fixed, *of_fixed],
                is_reversed=self.is_reversed,
            )
        return self._pushed[key]

    def kept(self) -> list[Any]:
        """What a step gives besides the new carries."""
        return [*self.ys, *self.carries]

    def _check_constants(self) -> None:
        if any(isinstance(constant, Sequenced) for constant in self.constants):
            raise TracingError(
                "the step of a loop takes the derivative of a loop around it, and so cannot be differentiated itself. "
                "Compute that loop inside the step, or its derivative before"
            )

    def _fresh(self, name: str, as_value: bool) -> Any:
        number: Any = self.inner.input(f"{name}{len(self.inner.inputs)}", 1.0)
        return Value(number) if as_value else number


def _from(derivatives: dict[Value, Any], number: Any) -> Any:
    """The derivative of a number; 0.0 where there is none."""
    return derivatives.get(number, 0.0) if isinstance(number, Value) else 0.0


# ---- Loops as nodes ------------------------------------------------------------------------


def repeat(
    body: Body, count: Any, init: Sequence[Any], xs: Sequence[Any], *, fixed: Sequence[Any] = (), as_graph: bool
) -> tuple[list[Any], list["Sequenced"]]:
    """The loop of a body: its last carries, and what it gives at each step.

    The count is the flag of a while loop, whether there is a first step.
    """
    now = recorder()
    loop, outers = body.compiled()
    bundle = now.emit(loop, [count, *outers, *fixed, *init, *xs])
    operands = [n if isinstance(n, Value) else 0.0 for n in [*body.constants, *fixed, *init, *xs]]
    steps = now.emit(item(loop.carries + loop.results), [bundle]) if loop.is_while else count
    node: Any = None
    if as_graph and any(isinstance(n, Value) and n.requires_grad for n in operands):
        node = made(Value, bundle, Repetition(body, steps, fixed, init, xs), tuple(operands), ())

    def result(kind: type[Value], position: int) -> Any:
        number = now.emit(item(position), [bundle])
        if node is None:
            return made(kind, number, CONSTANT)
        return made(kind, number, Result(position), (node,), (1.0,))

    finals = []
    for k, (before, after) in enumerate(zip(body.carries, body.new, strict=True)):
        value = after if isinstance(after, Value) else before
        finals.append(result(type(value), k) if isinstance(value, Value) else now.emit(item(k), [bundle]))
    results = [result(Sequenced, loop.carries + r) for r in range(loop.results)]
    for sequence in results:
        sequence.steps = steps
    return finals, results


class Sequenced(Value):
    """A number for each step of a loop, as one node. Sums of them are step by step."""

    __slots__ = ()

    steps: Any  # how many there are

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, Sequenced):
            return self if type(other) is float and other == 0.0 else NotImplemented
        inner = StepRecorder(recorder())
        with tracing(inner):
            x, y = (
                made(Value, inner.input(name, 1.0), None if n.requires_grad else CONSTANT)
                for name, n in (("x", self), ("y", other))
            )
            body = Body(inner, "sum", carries=[], xs=[x, y], new=[], ys=[x + y])
        return repeat(body, self.steps, [], [self, other], as_graph=True)[1][0]

    __radd__ = __add__


class Repetition(Op):
    """The operation of one loop: all its results together."""

    __slots__ = ("body", "fixed", "init", "steps", "xs")

    def __init__(self, body: Body, steps: Any, fixed: Sequence[Any], init: Sequence[Any], xs: Sequence[Any]) -> None:
        self.body, self.steps = body, steps
        #: What it was applied to, numbers besides nodes.
        self.fixed, self.init, self.xs = list(fixed), list(init), list(xs)
        self.name = self.symbol = body.name
        self.arity = None

    def pull(self, node: Value, adjoint: Any, create_graph: bool) -> Any:
        """What the adjoints of its results give the constants, the first carries and the xs."""
        if type(adjoint) is not Together:
            return (None,) * len(node.operands)
        body, valued, carries = self.body, self.body.valued(), len(self.init)
        of_results = {
            r: a
            for r in range(len(body.ys) + carries)
            if (a := _of_sequence(adjoint, carries + r, self.steps)) is not None
        }
        pulled = body.pulled(tuple(of_results), create_graph)
        totals = len(pulled.carries) - len(valued)
        finals, of_xs = repeat(
            pulled,
            self.steps,
            [*(adjoint.get(k, 0.0) for k in valued), *[0.0] * totals],
            [*self._carries(node, create_graph), *self.xs, *of_results.values()],
            fixed=self.fixed,
            as_graph=create_graph,
        )
        of_carries, of_constants = dict(zip(valued, finals, strict=False)), iter(finals[len(valued) :])
        return (
            *(next(of_constants) for _ in body.constants),
            *(next(of_constants) if isinstance(n, Value) else None for n in body.fixed),
            *(of_carries.get(k) for k in range(carries)),
            *(a if isinstance(x, Value) else None for x, a in zip(body.xs, of_xs, strict=False)),
        )

    def push(self, node: Value, tangents: list[Any], create_graph: bool) -> Any:
        """The tangents of all results."""
        body, valued, carries = self.body, self.body.valued(), len(self.init)
        fixed = len(tangents) - carries - len(self.xs)
        of_carries, of_xs = tangents[fixed : fixed + carries], tangents[fixed + carries :]
        moving = [tuple([i for i, t in enumerate(given) if not _is_zero(t)]) for given in (tangents[:fixed], of_xs)]
        finals, results = repeat(
            body.pushed(moving[0], moving[1], create_graph),
            self.steps,
            [*self.init, *(of_carries[k] for k in valued)],
            [*self.xs, *(of_xs[i] for i in moving[1])],
            fixed=[*self.fixed, *(tangents[i] for i in moving[0])],
            as_graph=create_graph,
        )
        together = Together(zip(valued, finals[carries:], strict=True))
        for r, kept in enumerate(body.kept()):
            if isinstance(kept, Value):
                together[carries + r] = results[r]
        return together

    def _carries(self, node: Value, as_graph: bool) -> list[Any]:
        """The carries from before each step, as they were kept."""
        bundle = node._held()
        first = len(self.init) + len(self.body.ys)
        sequences = []
        for position in range(first, first + len(self.init)):
            number = bundle.tracer.emit(item(position), [bundle])
            sequence = made(Sequenced, number, *((Result(position), (node,), (1.0,)) if as_graph else (CONSTANT,)))
            sequence.steps = self.steps
            sequences.append(sequence)
        return sequences


def _is_zero(number: Any) -> bool:
    return type(number) is float and number == 0.0


class Result(Op):
    """One result of a loop by its position; a number of a sequence by the sequence's and its own."""

    __slots__ = ("position",)

    def __init__(self, position: Any) -> None:
        self.position: Any = position
        self.name = self.symbol = f"result {position}"
        self.arity = 1

    def pull(self, node: Value, adjoint: Any, create_graph: bool) -> Any:
        """The adjoint, under its position."""
        return (None if _is_zero(adjoint) else Together({self.position: adjoint}),)

    def push(self, node: Value, tangents: list[Any], create_graph: bool) -> Any:
        """The tangent at its position."""
        together = tangents[0]
        if type(together) is not Together:
            return 0.0
        if type(self.position) is not tuple:
            return together.get(self.position, 0.0)
        sequence, i = self.position
        return take(together[sequence], i) if sequence in together else 0.0


def _of_sequence(adjoint: dict[Any, Any], position: int, steps: Any) -> "Sequenced | None":
    """The adjoint of a sequence, from that of the whole and those of its numbers."""
    of_items = {key[1]: a for key, a in adjoint.items() if type(key) is tuple and key[0] == position}
    whole = adjoint.get(position)
    if not of_items:
        return whole
    items = stacked([of_items.get(i, 0.0) for i in range(steps)])
    return items if whole is None else whole + items


class _Stacked(Op):
    """The operation of a sequence that is made of numbers."""

    __slots__ = ()

    def __init__(self) -> None:
        self.name = self.symbol = "stack"
        self.arity = None

    def pull(self, node: Value, adjoint: Any, create_graph: bool) -> Any:
        """The numbers of the sequence of adjoints."""
        if not isinstance(adjoint, Sequenced):
            return (None,) * len(node.operands)
        return tuple([take(adjoint, i) if isinstance(o, Value) else None for i, o in enumerate(node.operands)])

    def push(self, node: Value, tangents: list[Any], create_graph: bool) -> Any:
        """The sequence of the tangents."""
        return stacked(tangents)


_stacked = _Stacked()


def stacked(items: Sequence[Any]) -> Sequenced:
    """Numbers as a sequence."""
    number = recorder().emit(stack, items)
    operands = tuple([n if isinstance(n, Value) else 0.0 for n in items])
    is_recorded = modes.current().grad_enabled and any(isinstance(n, Value) and n.requires_grad for n in operands)
    sequence: Sequenced = made(Sequenced, number, *((_stacked, operands, ()) if is_recorded else (CONSTANT,)))
    sequence.steps = len(items)
    return sequence


def take(sequence: Sequenced, i: int) -> Any:
    """The number of one step."""
    op = sequence._primitive
    if op is _stacked:
        operand = sequence.operands[i]
        if isinstance(operand, Value):
            return operand
    number = recorder().emit(item(i), [sequence])
    if type(op) is not Result:
        return number
    return made(Value, number, Result((op.position, i)), sequence.operands, (1.0,))

"""Loops recorded as one instruction: the recording of their step, and loops cut into segments."""

import math
from collections.abc import Sequence
from typing import Any

from autograd_lite.core import modes, ops
from autograd_lite.core.op import CONSTANT
from autograd_lite.core.record import made
from autograd_lite.core.value import Value
from autograd_lite.errors import TracingError
from autograd_lite.jit.bodies import Body, repeat, stacked, take
from autograd_lite.jit.steps import Recorder, StepRecorder, recorder
from autograd_lite.jit.tracing import TracedFloat

__all__ = ["record_loop"]


def record_loop(
    outer: Recorder,
    step: Any,
    init: Sequence[Any],
    rows: Sequence[Sequence[Any]],
    count: Any,
    *,
    condition: Any = None,
    checkpoint: bool = False,
) -> tuple[list[Any], list[list[Any]]]:
    """The last carries and the ys of each step.

    ``step(carries, x)`` gives the new carries and y as flat lists; ``rows`` are the numbers of each x, and
    ``condition``, of a while loop, takes the carries.
    """
    if checkpoint and type(count) is int:
        return _in_segments(outer, step, init, rows, count)
    if checkpoint:
        return _in_counted_segments(outer, step, init, count), []
    columns = [list(column) for column in zip(*rows, strict=True)]
    sequences = [stacked(column) for column in columns]
    flag = None if condition is None else _condition(outer, condition, init)
    body = _recorded(outer, step, init, columns, condition)
    if body.ys and type(count) is not int:
        raise TracingError(
            "scan inside jit with a traced length cannot give ys, of which there would be another count at each call. "
            "Return None for y, and hand what is needed along in the carry; or name the length in static_argnames"
        )
    as_graph = modes.current().grad_enabled
    finals, results = repeat(body, count if flag is None else flag, init, sequences, as_graph=as_graph)
    ys = [
        [_as_kind(body.ys[k], take(sequence, i)) for k, sequence in enumerate(results[: len(body.ys)])]
        for i in (range(count) if body.ys else ())
    ]
    return finals, ys if body.ys else [[]] * (count if type(count) is int else 0)


def _in_segments(
    outer: Recorder, step: Any, init: Sequence[Any], rows: Sequence[Sequence[Any]], count: int
) -> tuple[list[Any], list[list[Any]]]:
    """The loop as a loop of loops, each of some square root of the steps: backward, the inner ones run once more."""
    length, width = math.isqrt(count - 1) + 1, len(rows[0])

    def segment(carries: Sequence[Any], x: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        inner = [x[i * width : (i + 1) * width] for i in range(length)]
        finals, ys = record_loop(recorder(), step, carries, inner, length)
        return finals, [number for y in ys for number in y]

    whole = count // length
    chunks = [[n for row in rows[i * length : (i + 1) * length] for n in row] for i in range(whole)]
    finals, long = record_loop(outer, segment, init, chunks, whole)
    ys = [y[i * len(y) // length : (i + 1) * len(y) // length] for y in long for i in range(length)]
    if count > whole * length:
        finals, others = record_loop(outer, step, finals, rows[whole * length :], count - whole * length)
        ys += others
    return finals, ys


def _in_counted_segments(outer: Recorder, step: Any, init: Sequence[Any], count: Any) -> list[Any]:
    """The same for a count of each call's, where there are neither xs nor ys."""
    steps = ops.maximum(count, 0.0)
    length = ops.maximum(ops.ceil(ops.sqrt(steps)), 1.0)

    def segment(carries: Sequence[Any], x: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        left, *inner = carries
        taken = ops.minimum(left, length)
        finals, ys = record_loop(recorder(), step, inner, [], taken)
        return [left - taken, *finals], ys

    return record_loop(outer, segment, [steps, *init], [], ops.ceil(steps / length))[0][1:]


# ---- Recording a step ----------------------------------------------------------------------


def _recorded(outer: Recorder, step: Any, init: Sequence[Any], columns: list[list[Any]], condition: Any) -> Body:
    """A step, recorded as often as it takes until a carry comes out as the kind of number that it went in as."""
    kinds = [leaf if isinstance(leaf, Value) else None for leaf in init]
    while True:
        inner = StepRecorder(outer)
        carries = [
            _stand_in(inner, leaf, kind, f"carry{i}") for i, (leaf, kind) in enumerate(zip(init, kinds, strict=True))
        ]
        xs = [_stand_in_of_items(inner, column, f"x{i}") for i, column in enumerate(columns)]
        before = modes.top.get()
        try:
            modes.enter(interpreter=inner)
            lengths: list[int] = []

            def outputs() -> list[Any]:
                new, ys = step(carries, xs)  # noqa: B023 - called at once
                lengths[:] = [len(ys)]  # noqa: B023
                return [*new, *ys]

            merged = inner.on_all_ways(outputs)
            new, ys = merged[: len(init)], merged[len(init) :]
            flag = None if condition is None else inner.on_all_ways(lambda: [_truth(condition(new))])[0]  # noqa: B023
        finally:
            modes.top.set(before)
        changed = [k for k, n in enumerate(new) if isinstance(n, Value) and kinds[k] is None]
        if not changed:
            name = "while_loop" if condition is not None else "scan" if columns else "loop"
            return Body(inner, name, carries=carries, xs=xs, new=new, ys=ys, flag=flag, has_guards=True)
        for k in changed:
            kinds[k] = new[k]


def _stand_in(inner: StepRecorder, leaf: Any, kind: Value | None, name: str) -> Any:
    value = inner.parent.owned(leaf)
    number = inner.input(name, value.value if type(value) is TracedFloat else value)
    return number if kind is None else made(type(kind), number, None)


def _stand_in_of_items(inner: StepRecorder, column: list[Any], name: str) -> Any:
    kind = next((leaf for leaf in column if isinstance(leaf, Value)), None)
    node = _stand_in(inner, column[0], kind, name)
    if kind is not None and not any(isinstance(leaf, Value) and leaf.requires_grad for leaf in column):
        return made(type(kind), node._held(), CONSTANT)
    return node


def _condition(outer: Recorder, condition: Any, init: Sequence[Any]) -> Any:
    """Whether a while loop does a first step, as a number."""
    inner = StepRecorder(outer)
    carries = [_stand_in(inner, n, n if isinstance(n, Value) else None, f"carry{i}") for i, n in enumerate(init)]
    before = modes.top.get()
    try:
        modes.enter(interpreter=inner)
        flag = inner.on_all_ways(lambda: [_truth(condition(carries))])
        numbers = [inner.owned(carry) for carry in carries]
    finally:
        modes.top.set(before)
    program, constants = inner.extracted("condition", numbers, flag, with_guards=False)
    return outer.inlined(program, [outer.owned(number) for number in [*constants, *init]])[0]


def _truth(thing: Any) -> Any:
    """What a condition gives as a number: of a Value its own, of a bool 1.0 or 0.0."""
    if isinstance(thing, Value):
        return recorder().number(thing)
    return thing if type(thing) is TracedFloat else float(bool(thing))


def _as_kind(leaf: Any, number: Any) -> Any:
    """A number as a Value, where the step gave one."""
    return made(type(leaf), number, CONSTANT) if isinstance(leaf, Value) and not isinstance(number, Value) else number

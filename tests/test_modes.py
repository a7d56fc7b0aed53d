"""no_grad and detect_anomaly."""

import asyncio
import contextlib
import math
import threading
from collections.abc import Iterator

import pytest

import autograd_lite as ag
from autograd_lite import Value
from autograd_lite.core import modes
from autograd_lite.errors import AnomalyError


def test_no_grad_records_nothing_and_ends() -> None:
    x = Value(3.0)
    with ag.no_grad():
        y = ag.sin(x) * x + 1.0
        with ag.no_grad():
            pass
        assert not (x * 2.0).requires_grad
    assert y.operands == ()
    assert (x * 2.0).requires_grad
    assert not modes.in_a_mode


def test_no_grad_as_a_decorator() -> None:
    @ag.no_grad()
    def f(x: Value) -> Value:
        return f(x * 2.0) if x < 4 else x

    assert not f(Value(1.0)).requires_grad
    assert (Value(1.0) * 2.0).requires_grad
    with pytest.raises(TypeError, match=r"write @no_grad\(\) with brackets"):
        ag.no_grad(f)


def test_no_grad_ends_with_an_exception() -> None:
    with pytest.raises(ZeroDivisionError), ag.no_grad():
        1 / 0
    assert (Value(1.0) * 2.0).requires_grad


def test_no_grad_is_per_thread() -> None:
    seen = []
    with ag.no_grad():
        thread = threading.Thread(target=lambda: seen.append((Value(1.0) * 2.0).requires_grad))
        thread.start()
        thread.join()
    assert seen == [True]


def test_transforms_work_inside_no_grad() -> None:
    with ag.no_grad():
        assert ag.grad(lambda x: x * x)(3.0) == 6.0
        assert ag.grad(ag.grad(lambda x: x * x))(3.0) == 2.0
        g = ag.grad(lambda x: x * x)(Value(3.0))
    assert (g.data, g.requires_grad) == (6.0, False)


def test_anomaly_names_the_operation_its_operands_and_the_line() -> None:
    x, y = Value(1.0, name="x"), Value(0.0, name="y")
    with ag.detect_anomaly(), pytest.raises(AnomalyError) as caught:
        x / y  # the line
    message = str(caught.value)
    assert "div gave inf at x = 1.0, y = 0.0" in message
    assert "test_modes.py:" in message
    assert "x / y  # the line" in message


def test_anomaly_in_a_gradient_names_its_operation() -> None:
    x = Value(0.0, name="x")
    with ag.detect_anomaly():
        y = ag.sqrt(x) * 3.0
        with pytest.raises(
            AnomalyError, match=r"the gradient by x = 0.0 through sqrt is inf.*\n.*test_modes.py:\d+: y ="
        ):
            y.backward()
    assert not x.has_grad


def test_anomaly_in_a_graph_recorded_outside_says_how_to_learn_the_line() -> None:
    y = ag.sqrt(Value(0.0))
    with ag.detect_anomaly(), pytest.raises(AnomalyError, match="run the forward pass under detect_anomaly"):
        y.backward()


def test_anomaly_looks_at_tangents_too() -> None:
    with ag.detect_anomaly(), pytest.raises(AnomalyError, match="the tangent of sqrt is inf"):
        ag.jvp(ag.sqrt, (0.0,), (1.0,))


def test_a_branch_not_taken_is_no_anomaly() -> None:
    with ag.detect_anomaly():
        assert ag.grad(ag.grad(ag.elu))(1000.0) == 0.0
        assert ag.hessian(lambda v: v[0] ** v[1])([0.0, 2.0])[0][1] == 0.0


def test_what_contributes_nothing_is_no_anomaly() -> None:
    x = Value(-1.0)
    with ag.detect_anomaly():
        ag.where(x > 0, ag.sqrt(ag.relu(x)), x).backward()
    assert x.grad == 1.0


def test_nothing_raises_without_detect_anomaly() -> None:
    x = Value(0.0)
    (ag.log(x) / x).backward()
    assert math.isnan(x.grad) or math.isinf(x.grad)
    assert not modes.in_a_mode


def test_no_grad_refuses_to_decorate_what_runs_later() -> None:
    def generator() -> Iterator[int]:
        yield 1

    async def coroutine() -> None:
        pass

    for function in (generator, coroutine):
        with pytest.raises(TypeError, match=r"runs later, in pieces; write `with no_grad\(\):` inside it"):
            ag.no_grad()(function)


def test_one_block_object_serves_several_threads() -> None:
    block, seen = ag.no_grad(), []
    inside, done = threading.Event(), threading.Event()

    def other() -> None:
        with block:
            inside.set()
            done.wait(5)
        seen.append((Value(1.0) * 2.0).requires_grad)

    with block:
        thread = threading.Thread(target=other)
        thread.start()
        inside.wait(5)
    assert (Value(1.0) * 2.0).requires_grad
    done.set()
    thread.join()
    assert seen == [True]
    assert not modes.in_a_mode


# ---- Tasks and generators ----


def test_a_mode_belongs_to_its_task() -> None:
    async def quiet(entered: asyncio.Event, done: asyncio.Event) -> bool:
        with ag.no_grad():
            entered.set()
            await done.wait()
            return (Value(1.0) * 2.0).requires_grad

    async def main() -> tuple[bool, bool]:
        entered, done = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(quiet(entered, done))
        await entered.wait()
        here = (Value(1.0) * 2.0).requires_grad
        done.set()
        return here, await task

    assert asyncio.run(main()) == (True, False)


def test_a_generators_mode_lasts_while_it_runs() -> None:
    def quiet() -> Iterator[bool]:
        with ag.no_grad():
            yield (Value(1.0) * 2.0).requires_grad
            yield (Value(1.0) * 2.0).requires_grad

    inside, outside = [], []
    for requires_grad in quiet():
        inside.append(requires_grad)
        outside.append((Value(1.0) * 2.0).requires_grad)
    assert (inside, outside) == ([False, False], [True, True])


def test_a_context_manager_of_ones_own_passes_its_mode_on() -> None:
    @contextlib.contextmanager
    def quiet() -> Iterator[None]:
        with ag.no_grad():
            yield

    with quiet():
        assert not (Value(1.0) * 2.0).requires_grad
    assert (Value(1.0) * 2.0).requires_grad


def test_an_exit_stack_leaves_its_modes() -> None:
    with contextlib.ExitStack() as stack:
        stack.enter_context(ag.no_grad())
        stack.enter_context(ag.detect_anomaly())
        assert not (Value(1.0) * 2.0).requires_grad
        with pytest.raises(AnomalyError):
            Value(0.0).log()
    assert (Value(0.0).log() * 2.0).requires_grad


def test_a_generator_may_be_finished_in_another_thread() -> None:
    def quiet() -> Iterator[bool]:
        with ag.no_grad():
            yield (Value(1.0) * 2.0).requires_grad
        yield (Value(1.0) * 2.0).requires_grad

    generator, there = quiet(), []
    assert next(generator) is False
    thread = threading.Thread(target=lambda: there.append(next(generator)))
    thread.start()
    thread.join()
    assert there == [True]
    assert (Value(1.0) * 2.0).requires_grad


def test_one_block_object_may_be_entered_again_inside_itself() -> None:
    block = ag.no_grad()
    with block, block:
        assert not (Value(1.0) * 2.0).requires_grad
    assert (Value(1.0) * 2.0).requires_grad
    with block:
        with contextlib.suppress(ValueError), block:
            raise ValueError
        assert not (Value(1.0) * 2.0).requires_grad
    assert (Value(1.0) * 2.0).requires_grad


def test_a_dropped_generator_leaves_its_mode() -> None:
    def quiet() -> Iterator[int]:
        with ag.no_grad():
            yield 1

    generator = quiet()
    next(generator)
    del generator
    assert (Value(1.0) * 2.0).requires_grad


def test_a_block_may_be_entered_and_left_by_hand() -> None:
    block = ag.no_grad()
    block.__enter__()
    assert not (Value(1.0) * 2.0).requires_grad
    with block:
        assert not (Value(1.0) * 2.0).requires_grad
    assert not (Value(1.0) * 2.0).requires_grad
    block.__exit__(None, None, None)
    assert (Value(1.0) * 2.0).requires_grad

"""What a compiled function reads besides its arguments may change in any way that Python has."""

import collections
import dataclasses
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from autograd_lite import Op, Value, grad, hypot, jit, minimum
from autograd_lite.errors import TracingError


@dataclasses.dataclass(slots=True)
class Slotted:
    w: Any


class Base:
    w = 2.0


class Derived(Base):
    pass


class Other:
    w = 7.0


class Numbers(list[float]):
    k = 1.0


def with_attribute(x: Any) -> Any:
    return x * with_attribute.scale  # type: ignore[attr-defined]


def with_keyword(x: Any, *, k: float = 2.0) -> Any:
    return x * k


scale = 2.0


def by_global(x: Any) -> Any:
    return x * scale


def setting(owner: Any, name: str, value: Any) -> Callable[[], None]:
    return lambda: setattr(owner, name, value)


def changes() -> Iterator[tuple[str, Callable[..., Any], Callable[[], None]]]:
    slotted = Slotted(2.0)
    yield "a slot", lambda x: x * slotted.w, setting(slotted, "w", 3.0)
    held = Slotted(Value(2.0))
    yield "a Value in a slot", lambda x: (x * held.w).detach(), setting(held, "w", Value(3.0))
    namespace = SimpleNamespace(k=2.0)
    yield "a namespace", lambda x: x * namespace.k, setting(namespace, "k", 3.0)
    queue = collections.deque([1.0, 2.0])
    yield "a deque", lambda x: x * sum(queue), lambda: queue.append(5.0)
    with_attribute.scale = 2.0  # type: ignore[attr-defined]
    yield "an attribute of a function", with_attribute, setting(with_attribute, "scale", 3.0)
    derived = Derived()
    yield "an attribute that comes to shadow another", lambda x: x * derived.w, setting(Derived, "w", 3.0)
    based = Base()
    yield "another class", lambda x: x * based.w, setting(based, "__class__", Other)
    yield "defaults of keywords", with_keyword, setting(with_keyword, "__kwdefaults__", {"k": 3.0})
    numbers = Numbers([1.0])
    yield "an attribute of a list", lambda x: x * numbers.k, setting(numbers, "k", 3.0)
    cell = [2.0]
    scaled = Op("scaled", lambda x: x * cell[0], lambda ans, x: (cell[0] + 0 * x,))
    yield "what a primitive closes over", grad(lambda x: scaled(x) * 1.0), lambda: cell.__setitem__(0, 3.0)  # type: ignore[misc]  # of mypy: it infers no lambda there


@pytest.mark.parametrize(("f", "change"), [row[1:] for row in changes()], ids=[row[0] for row in changes()])
def test_a_change_counts(f: Callable[..., Any], change: Callable[[], None]) -> None:
    fast = jit(f, backend="python")

    def number(result: Any) -> float:
        return getattr(result, "data", result)  # type: ignore[no-any-return]

    before = number(fast(2.0))
    change()
    assert number(fast(2.0)) == number(f(2.0)) != before


def test_what_a_static_argument_leads_to_may_change(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = jit(lambda x, f: f(x), static_argnames="f")
    assert fast(2.0, by_global) == 4.0
    monkeypatch.setitem(by_global.__globals__, "scale", 5.0)
    assert fast(2.0, by_global) == 10.0


def test_names_of_values_and_types_of_keys_are_part_of_the_structure() -> None:
    fast = jit(lambda x: x * 2 if x.name == "w" else x * 1)
    assert (fast(Value(1.0, "w")).data, fast(Value(1.0, "b")).data) == (2.0, 1.0)
    keys = jit(lambda d: [str(key) for key in d])
    assert (keys({1: 1.0}), keys({True: 1.0}), keys({1.0: 1.0})) == (["1"], ["True"], ["1.0"])


def test_a_dict_of_another_kind_comes_back_as_one() -> None:
    given: Any = collections.defaultdict(list, {"a": 2.0})
    found = jit(lambda d: d)(given)
    assert type(found) is collections.defaultdict
    assert found == {"a": 2.0}


@pytest.mark.parametrize("f", [lambda x: float(f"{x:.1f}"), lambda x: float(f"{x}"), lambda x: x.has_grad])
def test_a_number_cannot_leave_as_text(f: Callable[..., Any]) -> None:
    with pytest.raises((TracingError, ValueError)):
        jit(f)(Value(1.26))


def absolute_of(name: str) -> Callable[..., Any]:
    def f(x: Any) -> Any:
        for _ in range(5000):
            x = x * 0.999 + 1.0
        return abs(minimum(x, float("inf")))

    f.__name__ = name
    return f


@pytest.mark.parametrize("name", ["abs", "inf", "nan", "piece_0", "piece_1", "minimum_", "s", "v3", "check"])
def test_a_function_may_have_any_name(name: str) -> None:
    f = absolute_of(name)
    assert jit(f, backend="python")(1.0) == f(1.0)


# -- Threads --


def in_threads(work: Callable[[Any], None], items: list[Any]) -> None:
    threads = [threading.Thread(target=work, args=(item,)) for item in items]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)


def test_an_error_of_a_primitive_is_raised_in_its_own_thread() -> None:
    def value(x: float) -> float:
        if x < 0:
            raise RuntimeError(x)
        return x * 2

    o = Op("o", value, lambda ans, x: (2.0,))
    fast = jit(lambda x: o(o(o(x))), backend="native")
    fast(1.0)
    wrong: list[float] = []

    def work(x: float) -> None:
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            try:
                if fast(x) != 8 * x or x < 0:
                    wrong.append(x)
            except RuntimeError:
                if x > 0:
                    wrong.append(x)

    in_threads(work, [1.0, -1.0, 2.0, -3.0])
    assert wrong == []


def test_functions_with_callbacks_may_be_compiled_in_several_threads() -> None:
    kept: list[Any] = []

    def f(x: Any, y: Any) -> Any:
        for _ in range(20):
            x = hypot(x, y) * 0.5
        return x

    def work(keeps: bool) -> None:
        fast = jit(f, backend="native")
        fast(1.0, 2.0)
        if keeps:
            kept.append(fast)

    for _ in range(5):
        in_threads(work, [True, False, True, False])
    assert {fast(3.0, 4.0) for fast in kept} == {f(3.0, 4.0)}


def test_the_careful_form_is_whole_when_other_threads_look() -> None:
    def f(x: Any) -> Any:
        total = 0.0
        for i in range(100):
            total = total + (x * x).sqrt() * i
        return total

    fast = jit(grad(f), backend="native")
    fast(1.0)
    found: list[Any] = []
    in_threads(lambda x: found.append(fast(x)), [0.0] * 4)
    assert found == [grad(f)(0.0)] * 4


def test_native_code_counts_its_arguments() -> None:
    from autograd_lite.jit.backends.native import NativeCode
    from autograd_lite.jit.program import Program

    fast = jit(lambda x, y: x + y, backend="python")
    fast(1.0, 2.0)
    program: Program = fast.program
    with pytest.raises(TracingError, match="takes 2 floats"):
        NativeCode(program).run(1.0)

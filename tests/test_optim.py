"""Optimisers and schedules: PyTorch's trajectories, groups, state, and what they do not take."""

import contextlib
import copy
import json
import math
import pickle
import random
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

import autograd_lite as ag
from autograd_lite import Value, grad, optim
from autograd_lite.core import COMPILED
from autograd_lite.errors import ArgumentError, StateError, TracingError
from autograd_lite.optim import SGD, Adagrad, Adam, AdamW, RMSprop, lr_scheduler, optimizers, rules

#: Where PyTorch arrives after 100 steps, from `python -m benchmarks.trajectories` with torch 2.13.0.
FROZEN = {
    "SGD": [0.26149283340134943, -0.19294117016728143, 0.08649568783736808],
    "SGD, momentum": [0.58427033040221, 0.3384082167901094, 0.008511945090008743],
    "SGD, Nesterov": [0.6856558030153497, 0.46716420586451474, 0.004080079806431785],
    "RMSprop": [0.446140442705083, -0.5533584671930771, 7.573172334148889e-05],
    "RMSprop, centered": [0.384574266002439, 0.04472134277926675, -3.748475626765969e-13],
    "Adagrad": [0.5941775542136537, -0.8672328873465455, 0.050403758135932175],
    "Adam": [0.2930002264236029, 0.04958569457655656, -0.0008795275366172261],
    "Adam, weight decay": [0.3567264838280675, 0.057626951769114636, -1.2990150298255117e-05],
    "AdamW": [0.2566840099365987, 0.04563061542272321, -0.0037726381868416685],
    "step": [0.2739784115613975, -0.15478330757770783, 0.07651242862558953],
    "exponential": [0.2054213052365278, -0.4650160957953088, 0.1416583538346484],
    "cosine": [0.29228330543290193, -0.11125178344085478, 0.06739568647998094],
    "linear warm-up": [0.4013093597194528, 0.0647220901466119, 0.034657639277273465],
}
BENCHMARK = runpy.run_path(str(Path(__file__).parent.parent / "benchmarks" / "trajectories.py"))
EACH = [SGD, RMSprop, Adagrad, Adam, AdamW]


@pytest.mark.parametrize("name", BENCHMARK["cases"]())
def test_a_hundred_steps_end_where_pytorchs_do(name: str) -> None:
    assert BENCHMARK["ours"](*BENCHMARK["cases"]()[name]) == pytest.approx(FROZEN[name], rel=1e-12, abs=1e-12)


def descend(optimizer: optim.Optimizer, params: list[Value], steps: int) -> list[float]:
    for _ in range(steps):
        optimizer.zero_grad()
        ag.sum((p - 3.0) * (p - 3.0) * (i + 1.0) for i, p in enumerate(params)).backward()
        optimizer.step()
    return [p.data for p in params]


@pytest.mark.parametrize("kind", EACH)
def test_a_state_goes_on_where_it_stopped_also_through_json(kind: type[Any]) -> None:
    params = [Value(0.0), Value(1.0)]
    whole = descend(kind(params, lr=0.1), params, 10)

    first = [Value(0.0), Value(1.0)]
    optimizer = kind(first, lr=0.1)
    descend(optimizer, first, 4)
    again = [Value(p.data) for p in first]
    resumed = kind(again, lr=0.7)
    resumed.load_state_dict(json.loads(json.dumps(optimizer.state_dict())))
    assert descend(resumed, again, 6) == whole


def test_a_state_looks_as_in_pytorch() -> None:
    x = Value(1.0)
    optimizer = Adam([Value(0.0), x], lr=0.1)
    x.grad = 2.0
    optimizer.step()
    state = optimizer.state_dict()
    assert state["state"] == {1: {"step": 1.0, "exp_avg": pytest.approx(0.2), "exp_avg_sq": pytest.approx(0.004)}}
    assert state["param_groups"] == [
        {"lr": 0.1, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0, "params": [0, 1]}
    ]


def test_groups_have_settings_of_their_own() -> None:
    a, b, c = Value(1.0), Value(1.0), Value(1.0)
    optimizer = SGD([{"params": [a]}, {"params": b, "lr": 0.5}], lr=0.1)
    optimizer.add_param_group({"params": [c], "lr": 0.0})
    for p in (a, b, c):
        p.grad = 1.0
    optimizer.step()
    assert (a.data, b.data, c.data) == (0.9, 0.5, 1.0)
    optimizer.param_groups[0]["lr"] = 0.2
    optimizer.step()
    assert a.data == pytest.approx(0.7)
    assert "group 1: 1 parameters, lr=0.5" in repr(optimizer)


def test_parameters_without_a_gradient_stay() -> None:
    a, b = Value(1.0), Value(1.0)
    optimizer = SGD([a, b], lr=0.1, weight_decay=1.0)
    a.grad = 0.0
    optimizer.step()
    assert (a.data, b.data) == (0.9, 1.0)
    optimizer.zero_grad()
    assert not a.has_grad


def test_a_closure_is_called_first_and_its_loss_returned() -> None:
    a = Value(1.0)
    optimizer = SGD([a], lr=0.5)

    def closure() -> Value:
        optimizer.zero_grad()
        loss = a * a
        loss.backward()
        return loss

    assert optimizer.step(closure).data == 1.0
    assert a.data == 0.0


def test_gradients_that_are_values_are_taken_by_their_numbers() -> None:
    a = Value(1.0)
    (a * a).backward(create_graph=True)
    SGD([a], lr=0.25).step()
    assert a.data == 0.5
    a.grad = None


def test_a_step_that_fails_changes_nothing() -> None:
    class Odd(SGD):
        @staticmethod
        def rule(p: float, g: float, *state: float, **settings: Any) -> tuple[float, ...]:
            if g > 1.0:
                raise ZeroDivisionError
            return p - g, *state

    a, b = Value(1.0), Value(1.0)
    a.grad, b.grad = 1.0, 2.0
    optimizer = Odd([a, b])
    with pytest.raises(ZeroDivisionError):
        optimizer.step()
    assert (a.data, b.data) == (1.0, 1.0)


#: Steps, loads and schedules, interrupted at random moments by a real signal, by the clock of the process.
INTERRUPTED = """
import random
import signal

from autograd_lite import Value, nn, optim

signal.signal(signal.SIGALRM, signal.default_int_handler)  # raises KeyboardInterrupt, as Ctrl-C does
draws, count = random.Random(SEED), 0


def interrupted(action):
    global count
    try:
        signal.setitimer(signal.ITIMER_REAL, draws.uniform(5e-6, 4e-4))
        while True:
            action()
    except KeyboardInterrupt:
        count += 1


class Model(nn.Module):
    def __init__(self):
        self.parameters_ = [Value(1.0) for _ in range(20)]


def trained(steps):
    model = Model()
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    for p in model.parameters():
        p.grad = 1.0
    for _ in range(steps):
        optimizer.step()
    return model, optimizer


where = {}  # the number of steps after which a parameter has this number
model, optimizer = trained(0)
for step in range(5000):
    where[model.parameters()[0].data] = float(step)
    optimizer.step()

model, optimizer = trained(0)
for _ in range(300):
    interrupted(optimizer.step)
    found = {where[p.data] for p in model.parameters()}
    remembered = {state["step"] for state in optimizer.state_dict()["state"].values()} or {0.0}
    assert len(found) == 1 and found == remembered, (found, remembered)
    if max(found) > 4000.0:
        model, optimizer = trained(0)

states = [[x.state_dict() for x in trained(steps)] for steps in (1, 2)]
model, optimizer = trained(1)
for _ in range(100):
    interrupted(lambda: [model.load_state_dict(state) for state, _ in states])
    assert model.state_dict() in [state for state, _ in states]
    interrupted(lambda: [optimizer.load_state_dict(state) for _, state in states])
    assert optimizer.state_dict() in [state for _, state in states]

optimizer = optim.SGD([{"params": [Value(1.0)]} for _ in range(10)], lr=1.0)
schedule = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9999)
for _ in range(100):
    interrupted(schedule.step)
    rates = schedule.get_last_lr()
    assert len(set(rates)) == 1 and abs(rates[0] / 0.9999**schedule.last_epoch - 1.0) < 1e-6
print(count)
"""


def test_ctrl_c_at_any_moment_comes_before_or_after_a_step_a_load_and_a_schedule() -> None:
    children = [
        subprocess.Popen(
            [sys.executable, "-c", INTERRUPTED.replace("SEED", str(seed))],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parent.parent,
        )
        for seed in range(4)
    ]
    for child in children:
        out, err = child.communicate(timeout=120)
        assert (out, err) == ("600\n", "")


def test_a_rule_takes_values_so_that_a_learning_rate_has_a_gradient() -> None:
    def after(lr: Any) -> Any:
        p = 2.0
        state = (0.0, 0.0, 0.0)
        for _ in range(3):
            p, *state = rules.adam(p, 2 * p, *state, lr=lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)  # type: ignore[assignment]
        return p

    step = 1e-6
    expected = (after(0.1 + step) - after(0.1 - step)) / (2 * step)
    assert grad(after)(0.1) == pytest.approx(expected, rel=1e-6)


# -- The compiled step and Python's loop ---------------------------------------------------

#: Settings that take each branch of each rule.
SETTINGS: list[tuple[type[Any], dict[str, Any]]] = [
    (SGD, {}),
    (SGD, {"momentum": 0.9, "weight_decay": 0.1}),
    (SGD, {"momentum": 0.9, "nesterov": True}),
    (RMSprop, {}),
    (RMSprop, {"momentum": 0.5, "weight_decay": 0.1, "alpha": 0.9}),
    (RMSprop, {"momentum": 0.5, "centered": True}),
    (Adagrad, {}),
    (Adagrad, {"lr_decay": 0.01, "weight_decay": 0.1}),
    (Adam, {}),
    (Adam, {"betas": (0.8, 0.99), "weight_decay": 0.1, "eps": 1e-3}),
    (Adam, {"betas": (0.0, 0.5)}),
    (AdamW, {}),
    (AdamW, {"weight_decay": 0.0, "lr": 0.3}),
]


class Own(optim.Optimizer):
    """An optimiser of a user's own; each subclass has another rule."""

    memory = MappingProxyType({"count": 0.0, "mean": 0.5})

    def __init__(self, params: Any, lr: float = 0.1) -> None:
        super().__init__(params, lr=lr)


class Cubic(Own):
    """A rule with powers and primitives."""

    @staticmethod
    def rule(p: Any, g: Any, count: Any, mean: Any, *, lr: Any, **settings: Any) -> tuple[Any, ...]:
        mean = ag.tanh(mean) + 0.1 * g**3
        return p - lr * 0.9**count * mean / ag.sqrt(1.0 + g**2), count + 1, mean


def in_python(optimizer: optim.Optimizer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a step without the compiled core's loop."""
    with monkeypatch.context() as patch:
        patch.setattr(optimizers, "COMPILED", False)
        optimizer.step()


def exact(optimizer: optim.Optimizer) -> str:
    """The parameters and the states, to the last bit."""
    data = [float(p.data).hex() for group in optimizer.param_groups for p in group["params"]]
    return repr((data, optimizer.state_dict()))


def is_compiled(optimizer: optim.Optimizer) -> bool:
    return optimizer._computed_at_once() is not None


@pytest.mark.parametrize(("kind", "settings"), [*SETTINGS, (Cubic, {})], ids=str)
def test_a_compiled_step_is_the_rule_called_by_python_to_the_bit(
    kind: type[Any], settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    draws = random.Random(0)
    numbers = [draws.gauss(0.0, 1.0) for _ in range(12)]
    twins = []
    for _ in range(2):
        params = [Value(x, name=f"p{i}" if i % 2 else None) for i, x in enumerate(numbers)]
        params[5].requires_grad_(False)
        twins.append(kind([{"params": params[:8]}, {"params": params[8:], "lr": 0.7}], **settings))
    mine, theirs = twins
    for step in range(20):
        gradients = [draws.gauss(0.0, 10.0 ** draws.randint(-4, 4)) if draws.random() < 0.8 else None for _ in numbers]
        for optimizer in twins:
            for p, g in zip(optimizer._params(), gradients, strict=True):
                p.grad = g
            optimizer.param_groups[0]["lr"] = 0.1 * 0.9**step
        assert is_compiled(mine) is COMPILED
        mine.step()
        in_python(theirs, monkeypatch)
        assert exact(mine) == exact(theirs)


def test_a_setting_that_changes_holds_from_the_next_step_on(monkeypatch: pytest.MonkeyPatch) -> None:
    changes: list[dict[str, Any]] = [
        {"betas": (0.5, 0.5)}, {"weight_decay": 0.1}, {"weight_decay": -0.0}, {"lr": 1}, {"eps": 1}, {"lr": 0.5},
        {"betas": [0.9, 0.99]}, {"eps": 1e-8, "betas": (0.9, 0.99)},
    ]  # fmt: skip
    mine, theirs = (Adam([Value(1.0), Value(-2.0)], lr=0.1) for _ in range(2))
    for change in changes:
        for optimizer in (mine, theirs):
            optimizer.param_groups[0].update(change)
            for p in optimizer._params():
                p.grad = 0.3 * p.data + 1.0
        mine.step()
        in_python(theirs, monkeypatch)
        assert exact(mine) == exact(theirs)


def test_a_step_with_a_learning_rate_that_is_a_value_is_refused_as_its_result_is_no_number() -> None:
    x = Value(1.0)
    optimizer = SGD([x])
    optimizer.param_groups[0]["lr"] = Value(0.1)
    x.grad = 1.0
    with pytest.raises(TypeError, match="data"):
        optimizer.step()
    assert x.data == 1.0


@pytest.mark.parametrize(
    ("p", "g"),
    [(math.nan, 1.0), (1.0, math.nan), (math.inf, 1.0), (1.0, -math.inf), (1e308, -1e308), (1.0, 1e200), (-0.0, 0.0)],
)
@pytest.mark.parametrize("kind", EACH)
def test_a_step_with_nan_or_inf_gives_what_python_gives(
    p: float, g: float, kind: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, theirs = (kind([Value(p), Value(1.0)], lr=10.0) for _ in range(2))
    for _ in range(3):
        for optimizer in (mine, theirs):
            for x in optimizer._params():
                x.grad = g
        mine.step()
        in_python(theirs, monkeypatch)
        assert exact(mine) == exact(theirs)


#: Rules that raise in the second step, where the count is 1.
RAISING: dict[str, tuple[Callable[..., Any], type[Exception]]] = {
    "divides": (lambda p, g, count, mean, lr: (p + 1.0 / (g / (count - 1.0)), count + 1.0, g), ZeroDivisionError),
    "divides the rate": (lambda p, g, count, mean, lr: (p + lr / (count - 1.0), count + 1.0, g), ZeroDivisionError),
    "divides by a constant": (lambda p, g, count, mean, lr: (p + 1.0 / (p - p), count + 1.0, g), ZeroDivisionError),
    "whole": (lambda p, g, count, mean, lr: (p + g // (count - 1.0), count + 1.0, g), ZeroDivisionError),
    "modulo": (lambda p, g, count, mean, lr: (p + g % (count - 1.0), count + 1.0, g), ZeroDivisionError),
    "power of 0": (lambda p, g, count, mean, lr: (p + (count - 1.0) ** -2, count + 1.0, g), ZeroDivisionError),
    "overflow": (lambda p, g, count, mean, lr: (p + 1 / (1e200 * count + 2) ** 2, count + 1.0, g), OverflowError),
}


@pytest.mark.parametrize("g", [0.5, 0.0, math.nan, math.inf])
@pytest.mark.parametrize("name", RAISING)
def test_a_rule_that_raises_does_so_and_changes_nothing(name: str, g: float) -> None:
    function, error = RAISING[name]

    class Raising(Own):
        rule = staticmethod(function)

    a, b = Value(1.0), Value(1.0)
    optimizer = Raising([a, b])
    a.grad = b.grad = 2.0
    if name != "divides by a constant":
        assert is_compiled(optimizer) is COMPILED
        optimizer.step()
    before = exact(optimizer)
    b.grad = g
    with pytest.raises(error):
        optimizer.step()
    assert exact(optimizer) == before


def test_the_root_of_a_negative_number_is_nan_and_no_error() -> None:
    class Roots(Own):
        @staticmethod
        def rule(p: Any, g: Any, count: Any, mean: Any, **settings: Any) -> tuple[Any, ...]:
            return p + ag.sqrt(g), count, mean

    a = Value(1.0)
    a.grad = -1.0
    Roots([a]).step()
    assert math.isnan(a.data)


def test_a_rule_that_is_long_remembers_much_or_has_primitives_of_its_own_takes_the_same_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Long(Own):
        @staticmethod
        def rule(p: Any, g: Any, count: Any, mean: Any, **settings: Any) -> tuple[Any, ...]:
            for _ in range(600):
                mean = 0.5 * mean + g
            return p - mean, count, mean

    class Many(Own):
        memory = MappingProxyType({f"m{i}": 0.0 for i in range(40)})

        @staticmethod
        def rule(p: Any, g: Any, *memory: Any, **settings: Any) -> tuple[Any, ...]:
            return p - g - memory[-1], g, *memory[:-1]

    class Primitive(Own):
        @staticmethod
        def rule(p: Any, g: Any, count: Any, mean: Any, **settings: Any) -> tuple[Any, ...]:
            return p - TRIPLE(g), count + 1.0, ag.gamma(mean)

    for kind in (Long, Many, Primitive):
        mine, theirs = (kind([Value(1.0), Value(2.0)]) for _ in range(2))
        for _ in range(3):
            for optimizer in (mine, theirs):
                for p in optimizer._params():
                    p.grad = p.data
            mine.step()
            in_python(theirs, monkeypatch)
            assert exact(mine) == exact(theirs)


TRIPLE = ag.Op("triple", lambda x: 3.0 * x, (3.0,))
SCALE = 2.0


def test_a_rule_that_is_more_than_arithmetic_on_its_numbers_is_called_at_each_step() -> None:
    class Noisy(Own):
        @staticmethod
        def rule(p: Any, g: Any, count: Any, mean: Any, **settings: Any) -> tuple[Any, ...]:
            return p + random.random(), count, mean

    class Branching(Own):
        @staticmethod
        def rule(p: Any, g: Any, count: Any, mean: Any, **settings: Any) -> tuple[Any, ...]:
            return (p - 1.0 if g > 0 else p + 1.0), count, mean

    class Global(Own):
        @staticmethod
        def rule(p: Any, g: Any, count: Any, mean: Any, **settings: Any) -> tuple[Any, ...]:
            return p - SCALE * g, count, mean

    def numbers(kind: type[Any], gradients: tuple[float, ...]) -> list[float]:
        x = Value(0.0)
        optimizer = kind([x])
        found = []
        for x.grad in gradients:
            optimizer.step()
            found.append(x.data)
        return found

    first, second = numbers(Noisy, (1.0, 1.0))
    assert second - first != first
    assert numbers(Branching, (1.0, -1.0, -1.0)) == [-1.0, 0.0, 1.0]
    assert numbers(Global, (1.0,)) == [-2.0]
    globals()["SCALE"] = 3.0
    assert numbers(Global, (1.0,)) == [-3.0]
    globals()["SCALE"] = 2.0


class Doubled(Value):
    """A class of the user's whose number is not what its slot holds."""

    @property  # type: ignore[misc]  # it is never assigned
    def data(self) -> float:
        return 2.0 * super().data


class Plain(Value):
    """A class of the user's that adds something."""

    color = "red"


def test_parameters_of_classes_of_ones_own_are_read_through_what_they_define() -> None:
    a, b = Doubled(1.0), Plain(1.0)
    for kind, x, expected in ((SGD, a, 1.0), (SGD, b, 0.0)):
        x.grad = 1.0
        kind([x], lr=1.0).step()
        assert Value.data.__get__(x) == expected
    optimizer = SGD([b])
    assert is_compiled(optimizer) is COMPILED
    assert not is_compiled(SGD([b, a]))


def test_a_frozen_parameter_and_one_that_was_unfrozen_are_as_their_gradients_say() -> None:
    a, b = Value(1.0), Value(1.0)
    optimizer = SGD([a, b], lr=1.0)
    a.grad = b.grad = 1.0
    b.requires_grad_(False)
    optimizer.step()
    assert (a.data, b.data, list(optimizer.state_dict()["state"])) == (0.0, 1.0, [0])
    b.requires_grad_(True)
    optimizer.step()
    assert (a.data, b.data, list(optimizer.state_dict()["state"])) == (-1.0, 0.0, [0, 1])


def test_a_state_stays_with_its_parameter_when_groups_change(monkeypatch: pytest.MonkeyPatch) -> None:
    def walked(step: Callable[[Any], None]) -> str:
        a, b, c, d = (Value(float(i)) for i in range(4))
        optimizer = Adam([a, b, c])
        for change in (
            lambda: None,
            lambda: optimizer.add_param_group({"params": [d], "lr": 0.5}),
            lambda: optimizer.param_groups[0]["params"].sort(key=id),
            lambda: optimizer.param_groups[0]["params"].remove(b),
            lambda: optimizer.param_groups[1]["params"].append(b),
            lambda: setattr(a, "grad", a * 2.0),  # a gradient that is a Value
            lambda: None,
            lambda: optimizer.param_groups[0].update(params=(a, c)),
            lambda: None,
        ):
            for x in (a, b, c, d):
                x.grad = 1.0 + x.data
            change()
            step(optimizer)
        a.grad = None
        return exact(optimizer)

    assert walked(Adam.step) == walked(lambda optimizer: in_python(optimizer, monkeypatch))


def test_a_parameter_that_is_put_into_a_group_twice_by_hand_is_updated_as_python_does() -> None:
    a = Value(1.0)
    optimizer = SGD([a], lr=1.0)
    optimizer.param_groups[0]["params"].append(a)
    a.grad = 1.0
    assert not is_compiled(optimizer)
    optimizer.step()
    assert a.data == 0.0


def test_copies_and_pickles_of_an_optimiser_go_on_from_the_same_state() -> None:
    def ten_steps(optimizer: optim.Optimizer) -> str:
        for _ in range(10):
            for p in optimizer._params():
                p.grad = 2.0 * p.data + 1.0
            optimizer.step()
        return exact(optimizer)

    optimizer = Adam([Value(1.0), Value(2.0)], lr=0.1)
    ten_steps(optimizer)
    twins = [copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))]
    shallow = copy.copy(optimizer)
    before = repr(shallow.state_dict())
    expected = ten_steps(optimizer)
    assert [ten_steps(twin) for twin in twins] == [expected] * 2
    assert repr(shallow.state_dict()) == before


def test_a_step_under_detect_anomaly_or_no_grad_is_the_same_and_under_jit_refused() -> None:
    def stepped(mode: Any) -> str:
        optimizer = Adam([Value(1.0)], lr=0.1)
        optimizer._params()[0].grad = 0.5
        with mode:
            optimizer.step()
        return exact(optimizer)

    assert stepped(ag.no_grad()) == stepped(ag.detect_anomaly()) == stepped(contextlib.nullcontext())
    x = Value(1.0)
    x.grad = 1.0
    optimizer = SGD([x], lr=1.0)
    for act in (optimizer.step, optimizer.zero_grad):

        def f(z: Any, act: Callable[[], Any] = act) -> Any:
            act()
            return z * z

        with pytest.raises(TracingError):
            ag.jit(f)(2.0)
    assert (x.data, x.grad) == (1.0, 1.0)


@pytest.mark.parametrize("set_to_none", [True, False])
def test_zero_grad_forgets_gradients_of_every_kind(set_to_none: bool) -> None:
    inherited: Any = Value.grad

    class Counting(Value):
        count = 0

        @property
        def grad(self) -> Any:
            return inherited.__get__(self)

        @grad.setter
        def grad(self, grad: Any) -> None:
            self.count += 1
            inherited.__set__(self, grad)

    plain, named, absent, frozen, second = (Value(1.0, name=name) for name in (None, "x", None, None, None))
    counting = Counting(1.0)
    lists: list[list[Value]] = [[plain, named, absent, frozen], [second], [counting]]
    optimizer = SGD([{"params": params} for params in lists])
    for p in (plain, named, frozen, counting):
        p.grad = 3.0
    frozen.requires_grad_(False)
    (second * second).backward(create_graph=True)
    optimizer.zero_grad(set_to_none)
    assert [p.grad for p in optimizer._params()] == [0.0] * 6
    assert [type(p.grad) for p in optimizer._params()] == [float] * 6
    assert [p.has_grad for p in optimizer._params()] == [
        not set_to_none, not set_to_none, False, not set_to_none, not set_to_none, not set_to_none,
    ]  # fmt: skip
    assert counting.count == 2


# -- Schedules --


def rates(schedule: lr_scheduler.LRScheduler, epochs: int) -> list[float]:
    found = []
    for _ in range(epochs):
        found.append(schedule.optimizer.param_groups[0]["lr"])
        schedule.step()
    return found


def new(lr: float = 1.0) -> SGD:
    return SGD([Value(0.0)], lr=lr)


def test_schedules_are_their_formulas() -> None:
    assert rates(lr_scheduler.ExponentialLR(new(), 0.5), 4) == [1.0, 0.5, 0.25, 0.125]
    assert rates(lr_scheduler.StepLR(new(), 2, 0.1), 5) == pytest.approx([1.0, 1.0, 0.1, 0.1, 0.01])
    assert rates(lr_scheduler.CosineAnnealingLR(new(), 2, 0.2), 4) == pytest.approx([1.0, 0.6, 0.2, 0.6])
    assert rates(lr_scheduler.LinearLR(new(), 0.5, 1.0, 2), 4) == [0.5, 0.75, 1.0, 1.0]


def test_a_warm_up_before_a_decay_starts_from_the_same_rate() -> None:
    optimizer = new(2.0)
    warm_up = lr_scheduler.LinearLR(optimizer, 0.25, total_iters=2)
    decay = lr_scheduler.CosineAnnealingLR(optimizer, 4)
    both = lr_scheduler.SequentialLR(optimizer, [warm_up, decay], [2])
    assert rates(both, 6) == pytest.approx([0.5, 1.25, 2.0, 1.7071067811865475, 1.0, 0.2928932188134524])


def test_a_schedule_goes_on_where_it_stopped() -> None:
    whole = rates(lr_scheduler.ExponentialLR(new(), 0.9), 8)
    first = lr_scheduler.ExponentialLR(new(), 0.9)
    rates(first, 5)
    second = lr_scheduler.ExponentialLR(new(7.0), 0.9)
    second.optimizer.load_state_dict(json.loads(json.dumps(first.optimizer.state_dict())))
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert second.get_last_lr() == [whole[5]]
    assert rates(second, 3) == whole[5:]


def test_a_scheduled_optimisers_state_loads() -> None:
    optimizer = new()
    lr_scheduler.ExponentialLR(optimizer, 0.5).step()
    other = new()
    other.load_state_dict(optimizer.state_dict())
    assert other.param_groups[0]["lr"] == 0.5
    assert lr_scheduler.ExponentialLR(other, 0.5).get_last_lr() == [0.5]


def test_schedules_on_one_optimiser_multiply_each_other_as_in_pytorch() -> None:
    optimizer = new(0.1)
    warm_up, decay = lr_scheduler.LinearLR(optimizer, 0.1, total_iters=4), lr_scheduler.ExponentialLR(optimizer, 0.9)
    found = []
    for _ in range(4):
        found.append(optimizer.param_groups[0]["lr"])
        warm_up.step()
        decay.step()
    assert found == pytest.approx([0.01, 0.02925, 0.04455, 0.0564975])


def test_a_schedule_goes_on_from_a_rate_that_was_assigned() -> None:
    schedule = lr_scheduler.ExponentialLR(new(0.1), 0.5)
    schedule.step()
    schedule.optimizer.param_groups[0]["lr"] = 0.01
    schedule.step()
    assert schedule.get_last_lr() == [0.005]


def test_a_group_that_comes_later_is_scheduled_too() -> None:
    schedule = lr_scheduler.ExponentialLR(new(1.0), 0.5)
    schedule.step()
    schedule.optimizer.add_param_group({"params": [Value(0.0)], "lr": 0.8})
    schedule.step()
    assert schedule.get_last_lr() == [0.25, 0.4]


def test_a_cosine_comes_up_again_from_a_rate_of_0() -> None:
    assert rates(lr_scheduler.CosineAnnealingLR(new(), 2), 6) == pytest.approx(
        [1.0, 0.5, 0.0, 0.5, 1.0, 0.5], abs=1e-15
    )


X = Value(1.0)


def sequential(milestones: list[int]) -> lr_scheduler.SequentialLR:
    optimizer = new()
    return lr_scheduler.SequentialLR(optimizer, [lr_scheduler.StepLR(optimizer, 1) for _ in range(3)], milestones)


NONSENSE: list[Any] = [
    None,
    [],
    "text",
    {"param_groups": None, "state": {}},
    {"param_groups": [1], "state": {}},
    {"param_groups": [{"params": 0}], "state": {}},
    {"param_groups": [], "state": {math.inf: {}}},
    {"param_groups": [], "state": {0: {"step": 10**400}}},
    {"param_groups": [], "state": {"first": {}}},
    {"param_groups": [], "state": [1]},
    {"param_groups": [{"params": [0]}], "state": {}},
    {"param_groups": [{"params": [0]}, {"params": [1]}], "state": {}},
]


@pytest.mark.parametrize("state", NONSENSE, ids=str)
def test_a_state_that_is_none_is_refused_and_changes_nothing(state: Any) -> None:
    optimizer = Adam([X], lr=0.25)
    before = optimizer.state_dict()
    with pytest.raises(StateError):
        optimizer.load_state_dict(state)
    assert optimizer.state_dict() == before


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: SGD(X, lr=0.1), TypeError, r"takes a list of Values, such as model.parameters\(\); got Value"),
        (lambda: SGD([], lr=0.1), ArgumentError, "needs one parameter at least, got an empty list"),
        (lambda: SGD([1.0], lr=0.1), TypeError, "an optimiser takes Values, got float 1.0"),
        (lambda: SGD([X * 2], lr=0.1), ArgumentError, "no leaf that takes gradients"),
        (lambda: SGD([X.detach()], lr=0.1), ArgumentError, "no leaf that takes gradients"),
        (lambda: SGD([X, X], lr=0.1), ArgumentError, "is given twice"),
        (lambda: SGD([{"params": [X]}, {"params": [X]}]), ArgumentError, "is given twice"),
        (lambda: SGD([{"params": [X], "rl": 0.1}]), ArgumentError, "SGD has no setting 'rl'; it has lr, momentum"),
        (lambda: SGD([{"lr": 0.1}]), TypeError, 'a group is a dict with its "params" and settings'),
        (lambda: SGD([X], lr=-0.1), ArgumentError, "lr of SGD is a number of 0 or more; got float -0.1"),
        (lambda: SGD([X], lr="fast"), ArgumentError, "lr of SGD is a number of 0 or more; got str 'fast'"),  # type: ignore[arg-type]
        (lambda: Adam([X], betas=(0.9, 1.0)), ArgumentError, "betas of Adam is a number of 0 or more, less than 1"),
        (lambda: SGD([X], nesterov=True), ArgumentError, "nesterov looks ahead by the momentum, and there is none"),
        (lambda: lr_scheduler.StepLR(new(), 0), ArgumentError, "step_size is a whole number from 1 up"),
        (lambda: lr_scheduler.StepLR(X, 1), TypeError, "a schedule takes an optimiser first, got Value"),  # type: ignore[arg-type]
        (lambda: new().load_state_dict({}), StateError, "this is no state of an optimiser"),
        (lambda: new().load_state_dict(SGD([Value(1.0)] * 1 + [X]).state_dict()), StateError, r"groups of \[2\]"),
        (lambda: new().load_state_dict(Adam([X]).state_dict()), StateError, "this state is not of SGD"),
        (lambda: lr_scheduler.ExponentialLR(new(), 0.5).load_state_dict({}), StateError, "no state of a schedule"),
        (
            lambda: lr_scheduler.SequentialLR(new(), [lr_scheduler.StepLR(new(), 1)], [3]),
            TypeError,
            "schedules of the same optimiser",
        ),
        (
            lambda: sequential([3, 2]),
            ArgumentError,
            "milestones ascend from 1 up, one less than the 3 schedules; got list",
        ),
        (lambda: sequential([0, 2]), ArgumentError, "milestones ascend from 1 up"),
        (lambda: sequential([1]), ArgumentError, "milestones ascend from 1 up"),
        (lambda: Adam([X], betas=0.9), ArgumentError, "betas of Adam is a pair of numbers, got float 0.9"),  # type: ignore[arg-type]
        (lambda: SGD([X], lr=(0.1, 0.2)), ArgumentError, "lr of SGD is a number of 0 or more; got tuple"),  # type: ignore[arg-type]
        (lambda: SGD([X], momentum=0.9, nesterov=1), ArgumentError, "nesterov of SGD is True or False, got int 1"),  # type: ignore[arg-type]
        (lambda: SGD([{"params": [X], "nesterov": True}]), ArgumentError, "nesterov looks ahead by the momentum"),
        (
            lambda: lr_scheduler.StepLR(new(), 1).load_state_dict({"last_epoch": 1.5}),
            StateError,
            "no state of a schedule",
        ),
    ],
)
def test_misuse_says_what_was_expected(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()

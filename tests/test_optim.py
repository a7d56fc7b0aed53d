"""Optimisers and schedules: PyTorch's trajectories, groups, state, and what they do not take."""

import json
import math
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import autograd_lite as ag
from autograd_lite import Value, grad, optim
from autograd_lite.errors import ArgumentError, StateError
from autograd_lite.optim import SGD, Adagrad, Adam, AdamW, RMSprop, lr_scheduler, rules

#: Where PyTorch arrives after 100 steps, from `python benchmarks/optim.py --freeze` with torch 2.13.0.
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
BENCHMARK = runpy.run_path(str(Path(__file__).parent.parent / "benchmarks" / "optim.py"))
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

"""fit, predict and evaluate in the compiled core beside the loop in Python: the same numbers, errors and orders."""

import contextlib
import gc
import itertools
import math
import random
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import Value, nn, optim
from autograd_lite.core import COMPILED
from autograd_lite.errors import AnomalyError, ArgumentError
from autograd_lite.optim import lr_scheduler
from autograd_lite.training import Checkpoint, EarlyStopping, History, accuracy, evaluate, fit, predict

#: What asks for the compiled core; without one all is trained by the loop in Python.
JIT = True if COMPILED else "auto"
F = nn.functional

_draws = random.Random(1)
X = [[_draws.uniform(-1.0, 1.0), _draws.uniform(-1.0, 1.0)] for _ in range(10)]
Y = [[2.0 * a - b + 0.3] for a, b in X]
XS, YS = [a for a, _ in X], [y for [y] in Y]
CLASSES = [_draws.randrange(3) for _ in X]
ONE_HOT = [[float(i == c) for i in range(3)] for c in CLASSES]
BINARY = [[int(a > 0.0)] for a, _ in X]
SIGNS = [[1 if a > 0.0 else -1] for a, _ in X]

#: What is trained: a model, a loss and an optimiser, made anew for each run; and other settings of fit.
Made = tuple[Any, Any, Any] | tuple[Any, Any, Any, dict[str, Any]]
Make = Callable[[], Made]


class Run(NamedTuple):
    """What is left of a run."""

    parameters: list[float]
    gradients: list[float | None]
    state: dict[str, Any]
    metrics: dict[str, list[float]]
    stopped: str | None
    error: str
    random: Any


def run(make: Make, samples: Any, targets: Any, jit: Any, **changes: Any) -> Run:
    random.seed(7)
    np.random.seed(7)
    model, loss, optimizer, *more = make()
    settings = {"epochs": 10, "progress": False, "jit": jit, **changes, **(more[0] if more else {})}
    history, error = History(), ""
    try:
        history = fit(model, samples, targets, loss=loss, optimizer=optimizer, **settings)
    except Exception as raised:  # of whatever kind: it is compared
        error = f"{type(raised).__name__}: {raised}"
    params = [p for group in optimizer.param_groups for p in group["params"]]
    gradients = [p.grad if p.has_grad else None for p in params]
    left = random.getstate(), repr(np.random.get_state())
    numbers = [p.data for p in params]
    return Run(numbers, gradients, optimizer.state_dict(), history.metrics, history.stopped, error, left)


def assert_same(make: Make, samples: Any = X, targets: Any = Y, *, jit: Any = JIT, **changes: Any) -> Run:
    """That compiled training leaves what the loop in Python does."""
    eager, compiled = run(make, samples, targets, False, **changes), run(make, samples, targets, jit, **changes)
    assert compiled.error == eager.error
    assert compiled.parameters == pytest.approx(eager.parameters, rel=1e-9, abs=1e-14)
    assert [g is None for g in compiled.gradients] == [g is None for g in eager.gradients]
    there = [(a, b) for a, b in zip(compiled.gradients, eager.gradients, strict=True) if b is not None]
    assert [a for a, _ in there] == pytest.approx([b for _, b in there], rel=1e-8, abs=1e-12, nan_ok=True)
    assert list(compiled.state["state"]) == list(eager.state["state"])
    for own, other in zip(compiled.state["state"].values(), eager.state["state"].values(), strict=True):
        assert own == pytest.approx(other, rel=1e-8, abs=1e-12)
    assert list(compiled.metrics) == list(eager.metrics)
    for name, numbers in eager.metrics.items():
        assert compiled.metrics[name] == pytest.approx(numbers, rel=1e-10, abs=1e-14)
    assert (compiled.stopped, compiled.random) == (eager.stopped, eager.random)
    return compiled


def sgd(params: Any) -> Any:
    return optim.SGD(params, lr=0.1, momentum=0.9, weight_decay=0.01)


def adam(params: Any) -> Any:
    return optim.Adam(params, lr=0.05)


def net(*middle: Callable[[], nn.Module], out: int = 1, last: Sequence[nn.Module] = ()) -> nn.Sequential:
    layers = [make() for make in middle or (nn.Tanh,)]
    return nn.Sequential(nn.Linear(2, 4, rng=0), *layers, nn.Linear(4, out, rng=1), *last)


def of_net(*middle: Callable[[], nn.Module], loss: Any = nn.mse_loss, optimizer: Any = sgd, out: int = 1) -> Make:
    def make() -> Made:
        model = net(*middle, out=out)
        return model, loss, optimizer(model.parameters())

    return make


def of_function(f: Callable[..., Any], loss: Any = nn.mse_loss, optimizer: Any = sgd) -> Make:
    """A model that closes over two numbers."""

    def make() -> Made:
        a, b = Value(0.5, name="a"), Value(0.8, name="b")
        return lambda x: f(x, a, b), loss, optimizer([a, b])

    return make


def pairs(outputs: Any, targets: Any) -> list[tuple[Any, Any]]:
    """Outputs and targets of one number each."""
    return [(p, y) for [p], [y] in zip(outputs, targets, strict=True)]


# -- Optimisers and schedules --

OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda p: optim.SGD(p, lr=0.1),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    "nesterov": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "RMSprop": optim.RMSprop,
    "centered": lambda p: optim.RMSprop(p, centered=True, momentum=0.5, weight_decay=0.1),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.1, lr_decay=0.1, weight_decay=0.1),
    "Adam": lambda p: optim.Adam(p, lr=0.05, weight_decay=0.1, betas=(0.5, 0.9)),
    "AdamW": lambda p: optim.AdamW(p, lr=0.05),
    "groups": lambda p: optim.Adam([{"params": p[:3], "lr": 0.1}, {"params": p[3:], "betas": (0.8, 0.9)}]),
    "groups of SGD": lambda p: optim.SGD([{"params": p[5:], "lr": 0.1}, {"params": p[:5], "momentum": 0.9}], lr=0.01),
}


@pytest.mark.parametrize("batch_size", [None, 1, 3])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_is_the_eager_one_after_100_steps(optimizer: str, batch_size: int | None) -> None:
    epochs = {None: 100, 1: 10, 3: 25}[batch_size]
    assert_same(of_net(optimizer=OPTIMIZERS[optimizer]), batch_size=batch_size, epochs=epochs)


SCHEDULES: dict[str, Callable[[Any], Any]] = {
    "StepLR": lambda o: lr_scheduler.StepLR(o, 3),
    "ExponentialLR": lambda o: lr_scheduler.ExponentialLR(o, 0.9),
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, 10),
    "LinearLR": lr_scheduler.LinearLR,
    "SequentialLR": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o, total_iters=3), lr_scheduler.ExponentialLR(o, 0.8)], [4]
    ),
}


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_is_followed(schedule: str) -> None:
    def make() -> Made:
        model = net()
        optimizer = adam(model.parameters())
        steps = SCHEDULES[schedule](optimizer)
        return model, nn.mse_loss, optimizer, {"callbacks": [lambda model, history: steps.step()]}

    assert_same(make, batch_size=4)


# -- Losses --

LOSSES: dict[str, tuple[Any, int, list[nn.Module], Any]] = {
    "mse": (nn.mse_loss, 1, [], Y),
    "MSELoss": (nn.MSELoss("sum"), 1, [], Y),
    "l1": (nn.L1Loss(), 1, [], Y),
    "huber": (nn.HuberLoss(delta=0.3), 1, [], Y),
    "smooth l1": (nn.SmoothL1Loss(beta=0.3), 1, [], Y),
    "hinge": (nn.HingeLoss(margin=0.3), 1, [], SIGNS),
    "bce": (nn.binary_cross_entropy, 1, [nn.Sigmoid()], BINARY),
    "bce of logits": (nn.BCEWithLogitsLoss(), 1, [], BINARY),
    "bce of bools": (nn.BCEWithLogitsLoss(), 1, [], [[bool(y)] for [y] in BINARY]),
    "quadratic": (nn.QuadraticLoss("sum"), 1, [], Y),
    "classes": (nn.cross_entropy, 3, [], CLASSES),
    "classes as floats": (nn.cross_entropy, 3, [], [float(c) for c in CLASSES]),
    "smoothed classes": (nn.CrossEntropyLoss(label_smoothing=0.1), 3, [], CLASSES),
    "probabilities": (nn.CrossEntropyLoss("sum"), 3, [], ONE_HOT),
    "smoothed probabilities": (nn.CrossEntropyLoss(label_smoothing=0.1), 3, [], ONE_HOT),
    "nll": (nn.nll_loss, 3, [nn.LogSoftmax()], CLASSES),
    "one that knows the size": (lambda o, t: nn.l1_loss(o, t) if len(o) == 1 else nn.mse_loss(o, t), 1, [], Y),
    "one that detaches": (lambda o, t: nn.mse_loss([[p * p.detach()] for [p] in o], t), 1, [], Y),
}


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_is_the_eager_one_and_is_not_called_at_each_step(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    loss, out, last, targets = LOSSES[name]

    def loud(outputs: Any, targets: Any) -> Any:
        print("called")
        return loss(outputs, targets)

    def make() -> Made:
        model = net(out=out, last=last)
        return model, loud, optim.SGD(model.parameters(), lr=0.02)

    assert_same(make, X, targets, batch_size=3)
    calls, eager = capsys.readouterr().out.count("called"), 40
    assert calls <= eager + 16 if COMPILED else calls == 2 * eager


def test_a_loss_may_close_over_the_parameters_and_numbers_that_change() -> None:
    share = Value(0.0).requires_grad_(False)

    def make() -> Made:
        model = net()
        share.data = 0.1

        def loss(outputs: Any, targets: Any) -> Any:
            return nn.mse_loss(outputs, targets) + share * sum(p * p for p in model.parameters())

        def callback(model: Any, history: History) -> None:
            share.data = 0.1 / history.epochs

        return model, loss, sgd(model.parameters()), {"callbacks": [callback]}

    assert_same(make, batch_size=4)


@pytest.mark.parametrize(
    ("loss", "out", "targets"),
    [
        (nn.cross_entropy, 3, [*CLASSES[:-1], 7]),
        (nn.cross_entropy, 3, [*CLASSES[:-1], 1.5]),
        (nn.CrossEntropyLoss(label_smoothing=0.1), 3, [*CLASSES[:-1], 7]),
        (nn.CrossEntropyLoss(label_smoothing=0.1), 3, [-1, *CLASSES[1:]]),
        (nn.CrossEntropyLoss(label_smoothing=0.1), 3, [*CLASSES[:-1], 0.5]),
        (nn.cross_entropy, 3, [*ONE_HOT[:-1], [0.5, 0.6, 0.2]]),
        (nn.hinge_loss, 1, [*SIGNS[:-1], [0]]),
        (nn.BCEWithLogitsLoss(), 1, [*BINARY[:-1], [2.0]]),
        (nn.mse_loss, 1, YS),
        (nn.MSELoss("none"), 1, Y),
        (lambda outputs, targets: 1.0, 1, Y),
        (lambda outputs, targets: 1 / 0, 1, Y),
    ],
)
@pytest.mark.parametrize("batch_size", [None, 3])
def test_bad_targets_and_losses_are_the_same_errors(loss: Any, out: int, targets: Any, batch_size: int | None) -> None:
    # Not jit=True: that says already that the loss cannot be recorded.
    assert assert_same(of_net(loss=loss, out=out), X, targets, jit="auto", batch_size=batch_size, epochs=300).error


# -- Models --

_square = ag.Op("my_square", lambda x: x * x, lambda ans, x: (2.0 * x,))

ACTIVATIONS = (nn.ReLU, nn.Tanh, nn.Sigmoid, nn.Softplus, nn.SiLU, nn.GELU, nn.ELU, nn.LeakyReLU, nn.Identity,
               nn.Softmax, nn.LogSoftmax)  # fmt: skip

MODELS: dict[str, tuple[Make, Any, Any]] = {
    **{
        kind.__name__: (of_net(kind), X, Y)
        for kind in ACTIVATIONS
    },
    "MLP": (lambda: (m := nn.MLP(2, [4, 1], rng=0), nn.mse_loss, sgd(m.parameters())), np.array(X), np.array(YS)),
    "compiled": (lambda: (m := net(), ag.jit(nn.mse_loss), sgd(m.parameters())), X, Y),
    "a number": (of_function(lambda x, a, b: a * x + b), XS, YS),
    "whole numbers": (of_function(lambda x, a, b: a * x + b, optimizer=adam), np.arange(10), np.arange(10)),
    "nested": (of_function(lambda x, a, b: [[a * x[0][0] + b * x[1][1]]]), [[[x, 1.0], [2.0, x]] for x in XS],
               [[[y]] for y in YS]),
    "a constant": (of_function(lambda x, a, b: [a * x + b, 3], lambda o, t: nn.mse_loss([p * k for p, k in o], t)),
                   XS, YS),
    "a plain number": (of_function(lambda x, a, b: [a * x + b, (a * x).data],
                                   lambda o, t: nn.mse_loss([p + q for p, q in o], t)), XS, YS),
    "no gradient": (of_function(lambda x, a, b: a * x), XS, YS),
    "a gradient of 0": (of_function(lambda x, a, b: ag.relu(a - 10.0) * x + b), XS, YS),
    "an Op in Python": (of_function(lambda x, a, b: _square(a * x) + _square(b)), XS, YS),
    "powers": (of_function(lambda x, a, b: a**x + b**2 + x**3, optimizer=adam), [abs(x) for x in XS], YS),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_every_model_is_trained_as_eagerly(name: str) -> None:
    make, samples, targets = MODELS[name]
    assert_same(make, samples, targets, batch_size=3)


def _by_sign(x: Any, a: Any, b: Any) -> Any:
    return a * x if x > 0.0 else b * x


def _decided_late(x: Any, a: Any, b: Any) -> Any:
    out = a * x + b
    return out if ag.exp(3.0 * x) * x < 0.5 else 2.0 * out


LEFT_TO_PYTHON: dict[str, tuple[Make, Any, Any]] = {
    "a branch of each sample": (of_function(_by_sign), XS, YS),
    "a branch after the output": (of_function(_decided_late), XS, YS),
    "a branch of a few samples": (of_function(lambda x, a, b: a * x if x == XS[3] else b * x), XS, YS),
    "a branch of the parameters": (of_function(lambda x, a, b: a * x if a > 0.2 else b * x), XS, YS),
    "a bool": (of_function(lambda x, a, b: [True, a * x + b], lambda o, t: nn.mse_loss([p * k for k, p in o], t)),
               XS, YS),
    "an array": (of_function(lambda x, a, b: np.array([a * x + b]), lambda o, t: nn.mse_loss([p[0] for p in o], t)),
                 XS, YS),
    "a dict": (of_function(lambda x, a, b: {"u": a * x, "v": b},
                           lambda o, t: nn.mse_loss([p["u"] * p["v"] for p in o], t)), XS, YS),
    "a parameter itself": (of_function(lambda x, a, b: a), XS, YS),
    "one number twice": (of_function(lambda x, a, b: [a * x] * 2, lambda o, t: nn.mse_loss([p + q for p, q in o], t)),
                         XS, YS),
    "a loss of the largest": (of_net(loss=lambda o, t: max((p - y) ** 2 for p, y in pairs(o, t))), X, Y),
    "a loss of the smallest": (of_net(loss=lambda o, t: sum(sorted((p - y) ** 2 for p, y in pairs(o, t))[:2])), X, Y),
    "a loss that indexes": (of_net(loss=lambda o, t: -sum(F.log_softmax(z)[y] for z, y in zip(o, t, strict=True)),
                                   out=3), X, CLASSES),
    "a loss that knows ints": (of_net(loss=lambda o, t: sum((p - (2 if type(y) is int else 1) * y) ** 2
                                                            for p, y in pairs(o, t)), optimizer=adam), X, BINARY),
    "whole numbers that are no floats": (of_net(loss=lambda o, t: sum((p - y * 1e-16) ** 2 for p, y in pairs(o, t)),
                                                optimizer=adam), X, [[2**53 + 1]] * 10),
    "random numbers": (of_function(lambda x, a, b: a * x + b * random.random()), XS, YS),
    "random numbers of NumPy": (of_function(lambda x, a, b: a * x + b * np.random.rand()), XS, YS),
    "random numbers in the loss": (of_net(loss=lambda o, t: nn.mse_loss(o, t) * random.random()), X, Y),
    "dropout in the loss": (of_net(loss=lambda o, t: nn.mse_loss(F.dropout(o, 0.3), t), optimizer=adam), X, Y),
    "an error": (of_function(lambda x, a, b: a * (1.0 / x) + b), [*XS[:4], 0.0, *XS[5:]], YS),
    "an error of the model": (of_function(lambda x, a, b: 1 / 0), XS, YS),
}  # fmt: skip


@pytest.mark.parametrize("batch_size", [None, 3])
@pytest.mark.parametrize("name", LEFT_TO_PYTHON)
def test_what_cannot_be_compiled_is_trained_in_python(
    name: str, batch_size: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograd_lite.training.epochs.SAMPLES", -math.inf)  # all is worth compiling
    make, samples, targets = LEFT_TO_PYTHON[name]
    assert_same(make, samples, targets, jit="auto", batch_size=batch_size, epochs=30)


@pytest.mark.parametrize("count", [1, 8, 31, 129, 300])
@pytest.mark.parametrize("batch_size", [None, 100, 128, 1000])
def test_batches_of_any_size_are_summed_as_eagerly(count: int, batch_size: int | None) -> None:
    samples = [[math.sin(i), math.cos(3.0 * i)] for i in range(count)]
    targets = [[a - 2.0 * b] for a, b in samples]
    assert_same(of_net(), samples, targets, batch_size=batch_size, epochs=3)
    assert_same(of_net(lambda: nn.Dropout(0.3)), samples, targets, batch_size=batch_size, epochs=3)


def test_frozen_parameters_stay_and_the_old_gradients_of_others_go() -> None:
    def make() -> Made:
        model, unused = net(), Value(3.0)
        model[0].requires_grad_(False)
        unused.grad = 5.0
        return model, nn.mse_loss, sgd([*model.parameters(), unused])

    compiled = assert_same(make)
    assert compiled.parameters[-1] == 3.0
    assert compiled.gradients[-1] is None


@pytest.mark.parametrize("count", [5, 300])
@pytest.mark.parametrize("inner", [lambda x, a: a * ag.log(x), lambda x, a: ag.log(a * x)])
def test_an_infinity_behind_a_zero_does_not_hide_the_gradient(inner: Callable[[Any, Any], Any], count: int) -> None:
    samples = [math.sin(i) for i in range(count)]  # the first is 0

    def model(x: Any, a: Any, b: Any) -> Any:
        return ag.where(ag.greater(x, 0.0), inner(x, a), b * x)

    assert not assert_same(of_function(model), samples, samples, batch_size=100, epochs=5).error


# -- Random numbers --

DROPOUTS: dict[str, Callable[[], Any]] = {
    "of the module random": lambda: nn.Dropout(0.3),
    "of a seed": lambda: nn.Dropout(0.3, rng=4),
    "of a Generator": lambda: nn.Dropout(0.3, rng=np.random.default_rng(4)),
    "of a RandomState": lambda: nn.Dropout(0.3, rng=np.random.RandomState(4)),
    "of numpy.random": lambda: nn.Dropout(0.3, rng=np.random),
    "of all": lambda: nn.Dropout(1.0),
}


@pytest.mark.parametrize("name", DROPOUTS)
def test_dropout_draws_the_masks_that_it_draws_eagerly(name: str) -> None:
    assert_same(of_net(DROPOUTS[name]), batch_size=3)
    assert_same(of_net(DROPOUTS[name], nn.ReLU, nn.Dropout), metrics=[nn.l1_loss])


def test_a_seed_for_each_call_gives_the_same_mask_at_each_call() -> None:
    def make() -> Made:
        first, last = nn.Linear(2, 4, rng=0), nn.Linear(4, 1, rng=1)
        optimizer = sgd([*first.parameters(), *last.parameters()])
        return lambda x: last(F.dropout(first(x), 0.5, rng=7)), nn.mse_loss, optimizer

    assert_same(make, batch_size=3)


def test_dropout_draws_the_same_masks_where_python_does_a_step() -> None:
    def make() -> Made:
        first, last, dropout = nn.Linear(2, 4, rng=0), nn.Linear(4, 1, rng=1), nn.Dropout(0.3)

        def model(x: Any) -> Any:
            out = last(dropout(first(x)))
            return [2.0 * out[0]] if x[0] == X[7][0] else out

        return model, nn.mse_loss, optim.SGD([*first.parameters(), *last.parameters()], lr=0.02)

    assert_same(make, batch_size=3)


SOURCES: list[Callable[[], Any]] = [
    lambda: 3,
    lambda: None,
    lambda: random.Random(5),
    lambda: np.random.default_rng(3),
    lambda: np.random.RandomState(3),
    lambda: np.random,
]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("make", [of_net(), of_function(lambda x, a, b: [a * x[0] + b if x[0] < 0.5 else b])])
def test_the_order_is_the_eager_one_and_so_is_what_the_generator_gives_next(
    source: Callable[[], Any], make: Make
) -> None:
    left = []
    for jit in (False, JIT):
        rng = source()
        after = run(make, X, Y, jit, rng=rng, batch_size=3)
        following = rng.random() if hasattr(rng, "random") else 0.0
        left.append((after.parameters, following, after.random))
    assert left[0][0] == pytest.approx(left[1][0], rel=1e-9)
    assert left[0][1:] == left[1][1:]


def test_a_generator_without_a_state_is_taken() -> None:
    random_of_system = random.SystemRandom()
    make = of_net(lambda: nn.Dropout(0.5, rng=random_of_system), optimizer=adam)
    assert not run(make, X, Y, JIT, rng=random_of_system, batch_size=3).error


# -- What a model does besides --


class Counting(nn.Module):
    """Keeps something at each call."""

    total = 0

    def __init__(self, keep: Callable[["Counting", Any, Any], Any]) -> None:
        self.inner, self.calls, self.mean, self.array = nn.Linear(2, 1, rng=0), 0, 0.0, np.zeros(1)
        self.seen: list[Any] = []
        self.keep = keep

    def forward(self, x: Any) -> Any:
        out = self.inner(x)
        return self.keep(self, x, out) or out


def _count(model: Any, x: Any, out: Any) -> Any:
    model.calls += 1
    return [out[0] * 2.0] if model.calls > 50 else out


def _mean(model: Any, x: Any, out: Any) -> None:
    model.mean = 0.9 * model.mean + 0.1 * x[0]


def _append(model: Any, x: Any, out: Any) -> None:
    model.seen.append(out)


def _latest(model: Any, x: Any, out: Any) -> None:
    model.latest = out


def _in_place(model: Any, x: Any, out: Any) -> None:
    model.array[0] += 1.0


def _lazily(model: Any, x: Any, out: Any) -> Any:
    if not hasattr(model, "factor"):
        model.factor = 2.0
    return [out[0] * model.factor]


_all_calls = 0


def _globally(model: Any, x: Any, out: Any) -> None:
    global _all_calls
    _all_calls += 1
    model.calls = _all_calls


def _of_the_class(model: Any, x: Any, out: Any) -> None:
    Counting.total += 1
    model.calls = Counting.total


@pytest.mark.parametrize("keep", [_count, _mean, _append, _latest, _in_place, _lazily, _globally, _of_the_class])
def test_what_a_model_keeps_is_what_it_keeps_eagerly(keep: Any) -> None:
    models: list[Counting] = []

    def make() -> Made:
        global _all_calls
        _all_calls = Counting.total = 0
        models.append(Counting(keep))
        return models[-1], nn.mse_loss, adam(models[-1].parameters())

    assert_same(make, jit="auto", batch_size=3, epochs=40)
    one, other = ((m.calls, m.mean, len(m.seen), m.array[0], type(getattr(m, "latest", None))) for m in models)
    assert one == other


def test_a_model_that_reads_an_iterator_reads_what_it_reads_eagerly() -> None:
    def make() -> Made:
        numbers, a = itertools.count(), Value(0.5)
        return lambda x: a * x * (1.0 + 0.01 * next(numbers)), nn.mse_loss, optim.SGD([a], lr=0.01)

    assert_same(make, XS, YS, jit="auto", batch_size=3, epochs=40)


def test_a_model_that_prints_does_that_while_it_is_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    def model(x: Any, a: Any, b: Any) -> Any:
        print("called")
        return a * x + b

    run(of_function(model), XS, YS, JIT, batch_size=3)
    calls = capsys.readouterr().out.count("called")
    assert calls == 2 if COMPILED else calls == 100


# -- Callbacks, metrics, validation, progress --


def _change(what: Callable[[Any, Any, int], Any]) -> Make:
    def make() -> Made:
        model = net()
        optimizer = adam(model.parameters())
        return model, nn.mse_loss, optimizer, {"callbacks": [lambda m, history: what(m, optimizer, history.epochs)]}

    return make


def _set(model: Any, optimizer: Any, epoch: int) -> None:
    model[0].weight[0][0].data = 1.0 / epoch
    for p in model.parameters():
        p.grad = 7.0


def _set_lr(model: Any, optimizer: Any, epoch: int) -> None:
    optimizer.param_groups[0]["lr"] *= 0.9


def _set_betas(model: Any, optimizer: Any, epoch: int) -> None:
    optimizer.param_groups[0]["betas"] = (0.5, 0.9) if epoch > 4 else (0.9, 0.99)


def _freeze(model: Any, optimizer: Any, epoch: int) -> None:
    model[0].requires_grad_(not 3 < epoch < 7)


def _replace(model: Any, optimizer: Any, epoch: int) -> None:
    if epoch == 3:
        model[1] = nn.ReLU()
    if epoch == 5:
        model[2] = nn.Linear(4, 1, rng=9)
    if epoch == 7:
        optimizer.add_param_group({"params": model[2].parameters(), "lr": 0.01})


def _load(model: Any, optimizer: Any, epoch: int) -> None:
    if epoch == 3:
        model.kept = model.state_dict(), optimizer.state_dict()
    if epoch == 7:
        model.load_state_dict(model.kept[0])
        optimizer.load_state_dict(model.kept[1])


def _step(model: Any, optimizer: Any, epoch: int) -> None:
    optimizer.zero_grad()
    nn.mse_loss([model(x) for x in X[:2]], Y[:2]).backward()
    optimizer.step()


def _predict(model: Any, optimizer: Any, epoch: int) -> None:
    model.eval()
    predict(model, X * 60)


def _raise(model: Any, optimizer: Any, epoch: int) -> None:
    if epoch == 5:
        raise KeyError("of the callback")


def _stop(model: Any, optimizer: Any, epoch: int) -> str:
    return "enough" if epoch == 5 else ""


@pytest.mark.parametrize(
    "what", [_set, _set_lr, _set_betas, _freeze, _replace, _load, _step, _predict, _raise, _stop]
)  # fmt: skip
def test_what_a_callback_does_counts(what: Any) -> None:
    assert_same(_change(what), batch_size=4)


def test_early_stopping_goes_back_to_the_best_epoch(tmp_path: Path) -> None:
    def make() -> Made:
        model = net()
        callbacks = [EarlyStopping(patience=2), Checkpoint(tmp_path / "model.json", monitor="val_loss")]
        more = {"validation": (X, [[y + 1.0] for [y] in Y]), "callbacks": callbacks}
        return model, nn.mse_loss, optim.SGD(model.parameters(), lr=0.4, momentum=0.9), more

    assert "back to epoch" in str(assert_same(make, epochs=50).stopped)


def test_metrics_and_validation_are_the_eager_ones() -> None:
    settings: dict[str, Any] = {"metrics": [accuracy], "validation": (X[:5], CLASSES[:5]), "batch_size": 3}
    compiled = assert_same(of_net(loss=nn.cross_entropy, out=3), X, CLASSES, **settings)
    assert list(compiled.metrics) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert_same(of_net(nn.Dropout), metrics={"noise": lambda pred, target: random.random()}, batch_size=3)


def test_an_error_of_a_metric_leaves_the_step_that_was_done() -> None:
    def make() -> Made:
        calls: list[int] = []

        def late(pred: Any, target: Any) -> float:
            calls.append(1)
            if len(calls) == 6:
                raise ZeroDivisionError("of the metric")
            return 0.0

        return (*of_net()()[:3], {"metrics": [late]})

    assert assert_same(make, batch_size=3).error == "ZeroDivisionError: of the metric"


def test_the_lines_of_progress_are_the_eager_ones(capsys: pytest.CaptureFixture[str]) -> None:
    printed = []
    for jit in (False, JIT):
        run(of_function(lambda x, a, b: a * x + b if x < 0.9 else b), XS, YS, jit, epochs=45, progress=True)
        printed.append(re.sub(r"  \S+ s\n", "\n", capsys.readouterr().out))
    assert printed[0] == printed[1]
    assert printed[0].count("epoch") == 13


# -- Going on --


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_eager_and_compiled_training_go_on_with_each_others_state(optimizer: str) -> None:
    left = []
    for ways in [(False,) * 3, (JIT, False, JIT), (False, JIT, False)]:
        model = net()
        rule = OPTIMIZERS[optimizer](model.parameters())
        for jit in ways:
            fit(model, X, Y, loss=nn.mse_loss, optimizer=rule, epochs=5, batch_size=4, rng=1, progress=False, jit=jit)
            _step(model, rule, 0)
        left.append([p.data for p in model.parameters()])
    assert left[1] == pytest.approx(left[0], rel=1e-9)
    assert left[2] == pytest.approx(left[0], rel=1e-9)


# -- What goes wrong --


@pytest.mark.parametrize(
    ("model", "samples"),
    [
        (lambda x, a, b: ag.log(a * x), XS),  # the loss is nan
        (lambda x, a, b: ag.sqrt(a - 0.5) * x + b, XS),  # a gradient is infinite
        (lambda x, a, b: a * math.nan * x, XS),
        (lambda x, a, b: ag.exp(1000.0 * a * x) + b, [1.0] * 10),
    ],
)
@pytest.mark.parametrize("batch_size", [None, 3])
def test_nan_is_reported_as_eagerly(model: Any, samples: Any, batch_size: int | None) -> None:
    assert assert_same(of_function(model), samples, YS, batch_size=batch_size).error.startswith("AnomalyError: epoch 1")


def test_nan_that_comes_late_leaves_the_parameters_as_they_were_before_that_step() -> None:
    def make() -> Made:
        p = Value(1.0, name="p")
        return lambda x: ag.log(p * x), lambda outputs, targets: sum(outputs), optim.SGD([p], lr=0.25)

    compiled = assert_same(make, [1.0], [1.0], epochs=100)
    assert "log gave nan at operand 0 = -" in compiled.error
    broken = Value(math.nan, name="broken")
    with pytest.raises(AnomalyError, match=r"epoch 1, batch 1: .*broken"):
        fit(lambda x: broken * x, XS, YS, loss=nn.mse_loss, optimizer=sgd([broken]), epochs=20, jit=JIT, progress=False)


@pytest.mark.parametrize("rows", [False, True])
def test_an_error_of_an_op_comes_out_of_fit(rows: bool) -> None:
    def limited(x: float) -> float:
        if x > 1.2:
            raise LookupError("too much")
        return x

    op = ag.Op("limited", limited, lambda ans, x: (1.0,))
    make = of_function(lambda x, a, b: op(a * x * 2.0) + b if rows else op(a * 2.0) * x + b)
    assert assert_same(make, [abs(x) for x in XS], [9.0] * 10, epochs=60).error == "LookupError: too much"


INTERRUPTED: dict[str, tuple[Make, dict[str, Any]]] = {
    "at once": (of_net(optimizer=lambda p: optim.Adam(p, lr=1e-3)), {}),
    "with dropout": (of_net(nn.Dropout, optimizer=lambda p: optim.Adam(p, lr=1e-3)), {}),
    "with metrics": (of_net(optimizer=lambda p: optim.Adam(p, lr=1e-3)), {"metrics": [nn.l1_loss]}),
    "with validation": (of_net(optimizer=lambda p: optim.Adam(p, lr=1e-3)), {"validation": (X, Y)}),
}


@pytest.fixture
def no_gc_callbacks() -> Iterator[None]:
    """Hypothesis times the collector in Python, and CPython drops a Ctrl-C that comes just then."""
    callbacks = gc.callbacks[:]
    gc.callbacks.clear()
    yield
    gc.callbacks[:] = callbacks


@pytest.mark.usefixtures("no_gc_callbacks")
@pytest.mark.parametrize("seconds", [0.005, 0.02, 0.06, 0.1])
@pytest.mark.parametrize("name", INTERRUPTED)
def test_ctrl_c_leaves_whole_epochs_and_whole_steps(name: str, seconds: float) -> None:
    make, settings = INTERRUPTED[name]
    model, loss, optimizer = make()[:3]
    timer = threading.Timer(seconds, signal.raise_signal, [signal.SIGINT])
    before = signal.getsignal(signal.SIGINT)
    timer.start()
    history = fit(
        model, X, Y, loss=loss, optimizer=optimizer, epochs=10**6, batch_size=3, jit=JIT, progress=False, **settings
    )
    timer.join()
    assert signal.getsignal(signal.SIGINT) is before
    assert str(history.stopped).startswith("Ctrl-C in epoch")
    assert all(len(numbers) == history.epochs for numbers in history.metrics.values())
    assert all(math.isfinite(p.data) for p in model.parameters())
    steps = {state["step"] for state in optimizer.state_dict()["state"].values()}
    assert len(steps) <= 1
    assert sum(steps) >= 4 * history.epochs
    _step(model, optimizer, 0)


def test_ctrl_c_while_the_model_is_recorded_is_that_of_the_first_epoch() -> None:
    def model(x: Any, a: Any, b: Any) -> Any:
        raise KeyboardInterrupt

    assert run(of_function(model), XS, YS, JIT)[:6] == run(of_function(model), XS, YS, False)[:6]
    assert run(of_function(model), XS, YS, JIT).stopped == "Ctrl-C in epoch 1"


# -- Settings --


def test_what_jit_is() -> None:
    for wrong in ("always", 1, None, "True"):
        with pytest.raises(ArgumentError, match='jit is True, False or "auto", got'):
            run_or_raise(jit=wrong)


def run_or_raise(make: Make | None = None, **settings: Any) -> History:
    model, loss, optimizer = (make or of_net())()[:3]
    return fit(model, X, Y, loss=loss, optimizer=optimizer, epochs=3, progress=False, **settings)


@pytest.mark.skipif(COMPILED, reason="is about the pure version")
def test_the_pure_version_says_why_it_cannot() -> None:
    with pytest.raises(ArgumentError, match=r"cannot be compiled: the core is not compiled, as \S"):
        run_or_raise(jit=True)


@pytest.mark.skipif(not COMPILED, reason="needs the compiled core")
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (of_function(lambda x, a, b: a), "a parameter itself"),
        (of_function(lambda x, a, b: [a * x[0]] * 2), "gives one number twice"),
        (of_function(lambda x, a, b: [a * random.random()]), "not do the same at each call"),
        (of_net(loss=lambda o, t: 1 / 0), "ZeroDivisionError: division by zero"),
        (of_net(loss=lambda o, t: float(o[0][0].data)), "cannot become a plain float"),
        (of_net(loss=nn.MSELoss("none")), "not one Value"),
        (lambda: (m := Counting(_count), nn.mse_loss, sgd(m.parameters())), "changes what it reads"),
        (lambda: (m := net(), nn.mse_loss, sgd(m[0].parameters())), "what is not trained"),
    ],
)
def test_jit_true_says_what_is_in_the_way(make: Make, reason: str) -> None:
    with pytest.raises(ArgumentError, match=f"this training cannot be compiled: .*{reason}"):
        run_or_raise(make, jit=True)


@pytest.mark.skipif(not COMPILED, reason="needs the compiled core")
def test_jit_true_says_in_which_mode_it_cannot() -> None:
    with ag.detect_anomaly(), pytest.raises(ArgumentError, match="detect_anomaly"):
        run_or_raise(jit=True)
    with ag.no_grad(), pytest.raises(ArgumentError, match="no_grad"):
        run_or_raise(jit=True)
    with ag.detect_anomaly():
        assert run_or_raise(jit="auto").epochs == 3


# -- predict and evaluate --

MANY = [[math.sin(i), math.cos(3.0 * i)] for i in range(700)]

PREDICTED: dict[str, Callable[[], Any]] = {
    "a net": lambda: net(nn.Dropout),
    "branches": lambda: lambda x: [Value(2.0) * x[0], 3] if x[0] > 0.5 else [x[1], -1],
    "constants": lambda: lambda x: (Value(2.0) * x[0], 3, True, None),
    "text": lambda: lambda x: "left" if x[0] < 0.0 else "right",
    "a dict": lambda: lambda x: {"u": ag.log(x[0]), "v": Value(1.0)},
    "random numbers": lambda: lambda x: x[0] * random.random(),
    "an array": lambda: lambda x: np.array([x[0] * Value(2.0), x[1]]),
}


@pytest.mark.parametrize("name", PREDICTED)
def test_many_predictions_are_those_of_each(name: str) -> None:
    model = PREDICTED[name]()
    random.seed(1)
    alone = [predict(model, [x])[0] for x in MANY]
    random.seed(1)
    assert repr(predict(model, MANY)) == repr(alone)


def test_predictions_follow_the_model() -> None:
    model = net()
    for _ in range(3):
        assert predict(model, MANY)[-1] == predict(model, MANY[-1:])[0]
        model[0].weight[0][0].data += 1.0
    model[1] = nn.ReLU()
    assert predict(model, MANY)[-1] == predict(model, MANY[-1:])[0]
    model.eval()
    assert evaluate(model, MANY, MANY, loss=lambda o, t: o[-1][0])["loss"] == predict(model, MANY[-1:])[0][0]


def test_a_model_that_counts_is_called_once_for_each_prediction() -> None:
    model = Counting(_count)
    predict(model, MANY)
    assert model.calls == 700


# -- Memory --


def test_many_trainings_leave_nothing_behind() -> None:
    model = net(nn.Dropout)
    optimizer = adam(model.parameters())

    def train() -> None:
        fit(model, X, Y, loss=nn.mse_loss, optimizer=optimizer, epochs=2, batch_size=4, progress=False, jit=JIT)
        with contextlib.suppress(ZeroDivisionError):
            fit(model, X, Y, loss=lambda o, t: 1 / 0, optimizer=optimizer, epochs=1000, progress=False)

    train()
    gc.collect()
    before = sys.getrefcount(None), sys.getrefcount(model.parameters()[0]), len(gc.get_objects())
    for _ in range(20):
        train()
    gc.collect()
    after = sys.getrefcount(None), sys.getrefcount(model.parameters()[0]), len(gc.get_objects())
    assert all(b - a < 20 for a, b in zip(before, after, strict=True))


def test_a_metric_that_reads_a_parameter_sees_it_after_each_step() -> None:
    def seen(jit: bool | str) -> list[float]:
        a = Value(0.5)
        history = fit(
            lambda x: a * x, [1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0], loss=nn.mse_loss,
            optimizer=optim.SGD([a], lr=0.01), epochs=40, batch_size=2, shuffle=False, progress=False, jit=jit,
            metrics={"a": lambda outputs, targets: a.data},
        )  # fmt: skip
        return history["a"]

    assert seen(COMPILED) == pytest.approx(seen(False), rel=1e-12)

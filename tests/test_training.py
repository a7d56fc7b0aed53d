"""fit, its history and callbacks; predict and evaluate."""

import functools
import gc
import io
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite import Value, data, nn, optim
from autograd_lite.errors import AnomalyError, ArgumentError
from autograd_lite.training import Checkpoint, EarlyStopping, History, accuracy, evaluate, fit, predict
from autograd_lite.training.progress import Progress

X, Y = [[0.0], [1.0], [2.0], [3.0]], [[1.0], [3.0], [5.0], [7.0]]


class Line(nn.Module):
    def __init__(self, a: float = 0.0, b: float = 0.0) -> None:
        self.a, self.b = Value(a), Value(b)

    def forward(self, x: Any) -> Any:
        return [self.a * x[0] + self.b]


def train(model: Any, samples: Any = X, targets: Any = Y, **changes: Any) -> History:
    params = model.parameters() if isinstance(model, nn.Module) else [Value(0.0)]
    settings = {"loss": nn.mse_loss, "optimizer": optim.SGD(params, lr=0.1), "epochs": 5, "progress": False}
    return fit(model, samples, targets, **{**settings, **changes})


def numbers(model: nn.Module) -> list[float]:
    return [p.data for p in model.parameters()]


def test_fit_is_the_loop_that_one_would_write() -> None:
    fitted, looped = nn.MLP(2, [4, 2], rng=0), nn.MLP(2, [4, 2], rng=0)
    points, labels = data.moons(30, rng=0)
    train(fitted, points, labels, loss=nn.cross_entropy, optimizer=optim.Adam(fitted.parameters()), epochs=3)
    optimizer = optim.Adam(looped.parameters())
    for _ in range(3):
        optimizer.zero_grad()
        nn.cross_entropy([looped(x) for x in points], labels).backward()
        optimizer.step()
    assert numbers(fitted) == pytest.approx(numbers(looped), rel=1e-9)


def test_a_model_learns_and_the_history_tells() -> None:
    model = Line()
    history = train(model, epochs=200, validation=([[4.0]], [[9.0]]), metrics=[nn.l1_loss])
    assert numbers(model) == pytest.approx([2.0, 1.0], abs=1e-2)
    assert history.epochs == len(history["loss"]) == len(history.times) == 200
    assert list(history.metrics) == ["loss", "l1_loss", "val_loss", "val_l1_loss"]
    assert history["loss"][0] == 21.0  # before the first step
    assert history["val_loss"][-1] == evaluate(model, [[4.0]], [[9.0]], loss=nn.mse_loss)["loss"]
    assert repr(history).startswith("History of 200 epochs in ")
    assert "loss          21 -> " in repr(history)


def test_the_seed_decides_the_order() -> None:
    def run(rng: int) -> list[float]:
        model = Line()
        train(model, batch_size=1, rng=rng)
        return numbers(model)

    assert run(1) == run(1) != run(2)


def test_an_epochs_loss_is_the_mean_over_its_samples() -> None:
    model = Line()
    history = train(model, batch_size=3, shuffle=False, epochs=1, optimizer=optim.SGD(model.parameters(), lr=0.0))
    assert history["loss"] == [21.0]


@pytest.mark.parametrize("kind", [tuple, np.array])
def test_tuples_and_arrays_are_taken(kind: Callable[[Any], Any]) -> None:
    one, other = Line(), Line()
    train(one)
    train(other, kind(X), kind(Y))
    assert numbers(one) == numbers(other)
    assert predict(one, kind(X)) == predict(other, X)


def test_a_function_with_parameters_of_its_own_is_a_model() -> None:
    a = Value(0.0)
    history = fit(
        lambda x: a * x,
        [1.0, 2.0],
        [3.0, 6.0],
        loss=nn.mse_loss,
        optimizer=optim.SGD([a], lr=0.1),
        epochs=50,
        progress=False,
    )
    assert a.data == pytest.approx(3.0)
    assert history.epochs == 50


def test_dropout_is_on_in_training_alone_and_the_mode_stays_as_it_was() -> None:
    seen: list[bool] = []

    class Spy(Line):
        def forward(self, x: Any) -> Any:
            seen.append(self.training)
            return super().forward(x)

    model = Spy()
    model.eval()
    train(model, epochs=1, validation=(X, Y))
    assert seen == [True] * 4 + [False] * 4
    assert not model.training
    model.train()
    predict(model, X)
    assert model.training


class WithDropout(nn.Module):
    def __init__(self) -> None:
        self.first, self.dropout, self.last = nn.Linear(1, 3, rng=0), nn.Dropout(0.5), nn.Linear(3, 1, rng=1)

    def forward(self, x: Any) -> Any:
        return self.last(self.dropout(self.first(x)))


def test_a_compiled_model_is_evaluated_in_eval_mode() -> None:
    model = WithDropout()
    compiled = ag.jit(model)
    plain = predict(model, X)
    assert [predict(compiled, X) for _ in range(3)] == [plain] * 3
    model.eval()
    assert plain == [[output.data for output in model(x)] for x in X]
    model.train()
    assert evaluate(compiled, X, Y, loss=nn.mse_loss) == evaluate(model, X, Y, loss=nn.mse_loss)
    assert all(part.training for part in model.modules())


def test_a_compiled_model_is_trained_like_the_model_itself() -> None:
    model, twin = Line(), Line()
    histories = [train(twin), train(ag.jit(model), optimizer=optim.SGD(model.parameters(), lr=0.1))]
    assert numbers(model) == pytest.approx(numbers(twin), rel=1e-12)
    assert histories[0]["loss"] == pytest.approx(histories[1]["loss"], rel=1e-12)


def test_a_compiled_model_is_refused_with_the_optimizer_of_another() -> None:
    with pytest.raises(ArgumentError, match="the optimizer was made for the parameters of another model"):
        train(ag.jit(Line()), optimizer=optim.SGD(Line().parameters()))


def test_predict_gives_plain_numbers_in_the_models_structure() -> None:
    assert predict(Line(2.0, 1.0), X) == Y
    assert predict(lambda x: {"double": 2 * x}, [1.0]) == [{"double": 2.0}]


def test_evaluate_gives_the_loss_and_each_metric() -> None:
    found = evaluate(Line(2.0, 0.0), X, Y, loss=nn.MSELoss(), metrics=[nn.l1_loss])
    assert found == {"loss": 1.0, "l1_loss": 1.0}


def test_metrics_may_be_named() -> None:
    at_half = functools.partial(accuracy, threshold=0.5)
    assert list(train(Line(), metrics=[at_half]).metrics) == ["loss", "accuracy"]
    found = evaluate(Line(2.0, 0.0), X, Y, loss=nn.MSELoss(), metrics={"off by": nn.l1_loss, "right": at_half})
    assert found == {"loss": 1.0, "off by": 1.0, "right": 0.75}


def test_a_history_holds_names() -> None:
    history = train(Line())
    assert "loss" in history
    assert "val_loss" not in history
    assert list(history) == ["loss"]


def test_accuracy_takes_scores_of_classes_and_single_scores() -> None:
    assert accuracy([[0.1, 0.9], [0.8, 0.2]], [1, 0]) == 1.0
    assert accuracy([[0.1, 0.9], [0.8, 0.2]], [[1.0, 0.0], [1.0, 0.0]]) == 0.5
    assert accuracy([0.5, -0.5], [1, -1]) == accuracy([[0.5], [-0.5]], [[1], [0]]) == 1.0
    assert accuracy([0.4, 0.6], [0, 1], threshold=0.5) == 1.0
    assert accuracy([Value(0.4)], [1]) == 1.0
    with pytest.raises(ArgumentError, match="as many targets as predictions, got 1 and 2"):
        accuracy([0.1], [1, 1])


# -- Callbacks --


def test_a_callback_stops_with_its_reason() -> None:
    history = train(Line(), epochs=9, callbacks=[lambda model, history: "enough" if history.epochs == 3 else None])
    assert (history.epochs, history.stopped) == (3, "enough")
    assert "stopped: enough" in repr(history)
    assert train(Line(), callbacks=[lambda model, history: True]).stopped == "a callback asked for it"


def test_a_schedule_is_stepped_by_a_callback() -> None:
    model = Line()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    schedule = optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    train(model, optimizer=optimizer, epochs=3, callbacks=[lambda *_: schedule.step()])
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.0125)


def test_early_stopping_goes_back_to_the_best_epoch() -> None:
    model = Line()
    values = iter([5.0, 1.0, 2.0, 3.0, 4.0])
    states: list[list[float]] = []

    def measured(model: Any, history: History) -> None:
        history.metrics.setdefault("score", []).append(next(values))
        states.append(numbers(model))

    history = train(model, epochs=9, callbacks=[measured, EarlyStopping("score", patience=2)])
    assert history.epochs == 4
    assert history.stopped == "score has not become better for 2 epochs, back to epoch 2"
    assert numbers(model) == states[1]


def test_early_stopping_may_be_used_again_and_watch_for_more() -> None:
    stop = EarlyStopping("loss", patience=1, mode="max", restore_best=False)
    assert train(Line(), callbacks=[stop]).epochs == train(Line(), callbacks=[stop]).epochs == 2


def test_early_stopping_does_not_bring_back_another_model() -> None:
    stop = EarlyStopping("score", patience=1)
    scores = iter([1.0, 2.0, math.nan, math.nan])

    def measured(model: Any, history: History) -> None:
        history.metrics.setdefault("score", []).append(next(scores))

    train(Line(), callbacks=[measured, stop])
    other = Line(100.0, 100.0)
    history = train(other, callbacks=[measured, stop], optimizer=optim.SGD(other.parameters(), lr=0.0))
    assert numbers(other) == [100.0, 100.0]
    assert history.stopped == "score has not become better for 1 epochs"


def test_a_checkpoint_is_not_overwritten_by_a_worse_run(tmp_path: Path) -> None:
    best = Checkpoint(tmp_path / "best.json", monitor="loss")
    good = Line(2.0, 1.0)
    train(good, epochs=1, callbacks=[best])
    train(Line(50.0, 0.0), epochs=1, callbacks=[best])
    assert numbers(Line().load(tmp_path / "best.json")) == numbers(good)


def test_a_checkpoint_keeps_the_best_model(tmp_path: Path) -> None:
    model, path = Line(), tmp_path / "best.json"
    values = iter([5.0, 1.0, 2.0])
    states: list[list[float]] = []

    def measured(model: Any, history: History) -> None:
        history.metrics.setdefault("score", []).append(next(values))
        states.append(numbers(model))

    train(model, epochs=3, callbacks=[measured, Checkpoint(path, monitor="score")])
    assert numbers(Line().load(path)) == states[1]
    train(model, epochs=2, callbacks=[Checkpoint(path)])
    assert numbers(Line().load(path)) == numbers(model)


# -- Ctrl-C, nan --


def test_ctrl_c_returns_the_whole_epochs_and_leaves_the_last_whole_step() -> None:
    after: list[list[float]] = []
    calls = iter(range(100))

    class Interrupted(Line):
        def forward(self, x: Any) -> Any:
            if next(calls) % 2 == 0:
                after.append(numbers(self))
            if len(after) == 4:
                raise KeyboardInterrupt
            return super().forward(x)

    model = Interrupted()
    model.eval()
    history = train(model, batch_size=2)
    assert (history.epochs, history.stopped) == (1, "Ctrl-C in epoch 2")
    assert numbers(model) == after[-1] != after[-2]
    assert not model.training


def test_ctrl_c_while_an_epoch_is_taken_down_leaves_whole_epochs() -> None:
    calls = iter(range(100))

    def interrupting(model: Any, history: History) -> None:
        if next(calls) == 2:
            history.metrics["loss"].append(0.0)  # as if add() had got that far
            raise KeyboardInterrupt

    history = train(Line(), callbacks=[interrupting])
    assert history.epochs == len(history["loss"]) == 3


def test_a_history_without_a_whole_epoch_says_so() -> None:
    def interrupt(pred: Any, target: Any) -> Any:
        raise KeyboardInterrupt

    history = train(Line(), metrics=[interrupt])
    assert (history.epochs, list(history)) == (0, [])
    assert repr(history) == "History of 0 epochs in 0 s\n  stopped: Ctrl-C in epoch 1"
    with pytest.raises(ArgumentError, match="there is no 'loss' in this history, as no epoch was completed"):
        history["loss"]


def test_an_epoch_that_was_being_taken_down_leaves_no_empty_lists() -> None:
    class Interrupted(dict[str, float]):
        def items(self) -> Any:
            yield "loss", 1.0
            raise KeyboardInterrupt

    history = History()
    with pytest.raises(KeyboardInterrupt):
        history.add(Interrupted(), 1.0)
    history.drop_incomplete()
    assert list(history) == []
    assert repr(history) == "History of 0 epochs in 0 s"


def test_ctrl_c_while_the_bar_is_closed_returns_the_history(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = iter(range(100))

    def interrupted(self: Progress, history: History) -> None:
        if next(calls) == 0:
            raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "close", interrupted)
    history = train(Line())
    assert (history.epochs, history.stopped) == (5, "Ctrl-C in epoch 5")


class Logarithm(Line):
    def forward(self, x: Any) -> Any:
        return [(self.a + x[0]).log() + self.b]


def test_a_loss_that_turns_nan_names_epoch_batch_and_operation() -> None:
    model = Logarithm()
    with pytest.raises(AnomalyError) as caught:
        train(model, [[1.0], [2.0], [-3.0], [4.0]], Y, batch_size=2, shuffle=False)
    message = str(caught.value)
    assert message.startswith("epoch 1, batch 2: the loss is nan; the first operation that went wrong: log gave nan at")
    assert "a smaller lr helps" in message
    assert all(map(math.isfinite, numbers(model)))


def test_an_infinite_branch_that_is_not_taken_is_not_blamed() -> None:
    class Guarded(Line):
        def forward(self, x: Any) -> Any:
            return [ag.where(self.a > 1.0, (self.a - self.a).log(), (self.b - x[0]).sqrt())]

    with pytest.raises(AnomalyError, match="the first operation that went wrong: sqrt gave nan"):
        train(Guarded(), [[1.0]], [[1.0]])


def test_a_gradient_that_is_infinite_is_stopped_before_the_step() -> None:
    class Root(Line):
        def forward(self, x: Any) -> Any:
            return [self.a.sqrt() * x[0]]

    model = Root()
    with pytest.raises(AnomalyError, match=r"epoch 1, batch 1: the gradient by a is -inf: .*through sqrt"):
        train(model)
    assert numbers(model) == [0.0, 0.0]


def test_a_parameter_that_is_nan_from_the_start_is_named() -> None:
    with pytest.raises(AnomalyError, match="it began with b, which is nan"):
        train(Line(0.0, math.nan))


# -- Progress --


def test_plain_lines_come_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    train(Line(), epochs=30, progress=True)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 11
    assert lines[0].startswith("epoch   1/30  loss 21  ")
    assert lines[-1].startswith("epoch  30/30  loss ")
    train(Line(), progress=False)
    assert capsys.readouterr().out == ""


def test_why_training_stopped_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    train(Line(), progress=True, callbacks=[lambda *_: "enough"])
    assert capsys.readouterr().out.splitlines()[-1] == "stopped: enough"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_is_drawn_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Terminal())
    train(Line(), epochs=3, batch_size=2, progress=True)
    assert isinstance(sys.stdout, Terminal)
    shown = sys.stdout.getvalue()
    assert "epoch 3/3" in shown
    assert "6/6" in shown
    assert "loss" in shown


def test_without_tqdm_a_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setitem(sys.modules, "tqdm.std", None)
    train(Line(), epochs=2, progress=True)
    assert isinstance(sys.stdout, Terminal)
    assert "epoch   2/2  loss" in sys.stdout.getvalue()


# -- What is not taken --


def bad_data() -> Iterator[tuple[str, Any, Any, type[Exception], str]]:
    yield "lengths", X, Y[:3], ArgumentError, "X has 4 samples and y 3; they must be as many"
    yield "empty", [], [], ArgumentError, "X is empty; there must be one sample at least"
    yield "ragged", [[1.0], [1.0, 2.0]], [1.0, 2.0], ArgumentError, r"X\[1\] is a list of 2, and X\[0\] is a list of 1"
    yield "mixed", [[1.0], 2.0], [1.0, 2.0], ArgumentError, r"X\[1\] is float 2.0, and X\[0\] is a list of 1"
    yield "text", [[1.0], ["a"]], [1.0, 2.0], TypeError, r"X\[1\]\[0\] must be a number, got str 'a'"
    yield "nan", [[1.0], [math.nan]], [1.0, 2.0], ArgumentError, r"X\[1\]\[0\] is nan; leave out such samples"
    yield "infinite target", [[1.0], [2.0]], [1.0, math.inf], ArgumentError, r"y\[1\] is inf"
    yield "missing", [[1.0], [None]], [1.0, 2.0], TypeError, r"X\[1\]\[0\] must be a number, got NoneType None"
    yield "a Value", [[Value(1.0)]], [1.0], TypeError, r"X\[0\]\[0\] must be a number, got Value"
    yield "a dict", {"a": 1.0}, [1.0], TypeError, "X is a list with an item for each sample, an array or .*; got dict"
    yield "a string", "abc", [1.0], TypeError, "X is a list with an item for each sample"


@pytest.mark.parametrize(
    ("samples", "targets", "error", "message"), [row[1:] for row in bad_data()], ids=[row[0] for row in bad_data()]
)
def test_data_that_do_not_fit_say_so_and_change_nothing(
    samples: Any, targets: Any, error: type[Exception], message: str
) -> None:
    model = Line(1.0, 2.0)
    with pytest.raises(error, match=message):
        train(model, samples, targets)
    with pytest.raises(error):
        train(model, validation=(samples, targets))
    assert numbers(model) == [1.0, 2.0]


def test_data_that_hold_themselves_say_so() -> None:
    loop: list[Any] = [1.0]
    loop.append(loop)
    for samples, targets, name in (([loop], [1.0], "X"), ([1.0], [loop], "y"), (loop, [1.0, 2.0], "X")):
        with pytest.raises(ArgumentError, match=f"{name} is nested too deeply; does a list hold itself"):
            train(Line(), samples, targets)
        with pytest.raises(ArgumentError, match=f"{name} is nested too deeply; does a list hold itself"):
            evaluate(Line(), samples, targets, loss=nn.mse_loss)
    with pytest.raises(ArgumentError, match="X is nested too deeply"):
        predict(Line(), [loop])


MODEL = Line()


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"loss": nn.MSELoss}, TypeError, r"the loss is a function or a Module, got .*; write MSELoss\(...\)"),
        ({"loss": "mse"}, TypeError, "the loss is a function or a Module, got str 'mse'; such as nn.mse_loss"),
        ({"loss": nn.MSELoss("none")}, TypeError, "the loss must be one Value .* reduction='none' gives a list"),
        ({"loss": lambda p, t: 1.0}, TypeError, "the loss must be one Value that depends on the parameters, got float"),
        ({"optimizer": "adam"}, TypeError, r"one of optim's, such as Adam\(model.parameters\(\)\); got str 'adam'"),
        ({"optimizer": optim.SGD(Line().parameters())}, ArgumentError, "for the parameters of another model"),
        ({"epochs": 0}, ArgumentError, "epochs is a whole number from 1 up, got int 0"),
        ({"epochs": 1.5}, ArgumentError, "epochs is a whole number from 1 up"),
        ({"batch_size": 0}, ArgumentError, "batch_size is a whole number from 1 up, got int 0"),
        ({"rng": "0"}, TypeError, "rng is a random.Random, a whole number as its seed, or None"),
        ({"validation": ([[1.0]], [math.nan])}, ArgumentError, r"the y of validation\[0\] is nan"),
        ({"validation": X}, TypeError, r"validation is a pair \(X, y\) of data to evaluate"),
        (
            {"validation": ([[1.0, 2.0]], [1.0])},
            ArgumentError,
            "X of validation holds a list of 2 for each sample, and X a list of 1",
        ),
        ({"metrics": nn.l1_loss}, TypeError, "metrics is a list of functions, or a dict of them by name; got function"),
        (
            {"validation": (X, [1.0] * 4)},
            ArgumentError,
            "y of validation holds float 1.0 for each sample, and y a list",
        ),
        ({"metrics": [nn.MSELoss]}, TypeError, "metrics is a list of functions, .*; in it is"),
        ({"metrics": [nn.l1_loss, nn.l1_loss]}, ArgumentError, r"a metric named 'l1_loss' .* metrics={name: function}"),
        ({"metrics": {"loss": nn.l1_loss}}, ArgumentError, "a metric named 'loss' is there already"),
        ({"callbacks": [EarlyStopping]}, TypeError, r"such as EarlyStopping\(\); in it is"),
        ({"metrics": ["accuracy"]}, TypeError, "metrics is a list of functions"),
        ({"callbacks": EarlyStopping()}, TypeError, "callbacks is a list of functions"),
        (
            {"callbacks": [EarlyStopping()]},
            ArgumentError,
            r"no 'val_loss' in this history; validation=\(X, y\) gives it",
        ),
        ({"callbacks": [EarlyStopping("acc")]}, ArgumentError, "no 'acc' in this history; there are loss"),
    ],
)
def test_misuse_says_what_was_expected(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    if "optimizer" not in changes:
        changes = {**changes, "optimizer": optim.SGD(MODEL.parameters(), lr=0.0)}
    with pytest.raises(error, match=message):
        train(MODEL, **changes)


def test_a_sample_of_another_width_than_the_model_says_so() -> None:
    model = nn.MLP(3, [1])
    with pytest.raises(ArgumentError, match="this MLP takes 3 inputs, got 1"):
        train(model)


def test_callbacks_that_save_need_a_module() -> None:
    a = Value(0.0)
    for callback in (Checkpoint("never.json"), EarlyStopping("loss")):
        with pytest.raises(TypeError, match="needs a model that is a Module, got function"):
            fit(
                lambda x: a * x,
                [1.0],
                [1.0],
                loss=nn.mse_loss,
                optimizer=optim.SGD([a]),
                epochs=1,
                callbacks=[callback],
                progress=False,
            )
    with pytest.raises(ArgumentError, match='mode is "min" or "max"'):
        EarlyStopping(mode="auto")


def test_fit_leaves_the_garbage_collector_as_it_was() -> None:
    frozen: list[int] = []

    class Spy(Line):
        def forward(self, x: Any) -> Any:
            frozen.append(gc.get_freeze_count())
            return super().forward(x)

    before = gc.get_freeze_count()
    train(Spy())
    assert min(frozen) > before
    assert gc.get_freeze_count() <= before
    gc.freeze()
    try:
        held = gc.get_freeze_count()
        train(Line())
        assert gc.get_freeze_count() == held
    finally:
        gc.unfreeze()


def test_fit_and_its_kin_are_at_the_top() -> None:
    assert ag.fit is fit
    assert (ag.predict, ag.evaluate) == (predict, evaluate)

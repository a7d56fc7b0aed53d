"""Ctrl-C at any moment: a child process works and gets real signals, and says what they broke."""

import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from autograd_lite._interrupts import uninterrupted

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT can be sent to another process there")

COUNT = 2_000
LONGEST_PAUSE = 0.001  # seconds, from one signal to the next

#: What the child runs. `work` is interrupted once in each round; then `check` runs undisturbed.
CHILD = """
import gc, os, signal, sys, warnings
import autograd_lite as ag
from autograd_lite import Value, nn, optim
from autograd_lite.core import modes

warnings.simplefilter("error")
gc.disable()
is_open, interrupted = False, 0

def interrupt(number, frame):
    global is_open, interrupted
    if is_open:
        is_open, interrupted = False, interrupted + 1
        raise KeyboardInterrupt

{program}

rounds = 0
work()
faults = [fault for fault in check() if fault]
signal.signal(signal.SIGINT, interrupt)
print("ready", flush=True)
while interrupted < {count} and len(faults) < 5:
    rounds += 1
    try:
        is_open = True
        work()
        is_open = False
    except KeyboardInterrupt:
        pass
    except BaseException as error:
        is_open = False
        faults.append(repr(error))
    faults += [fault for fault in check() if fault]
    if rounds % 1000 == 0:
        gc.collect()
signal.signal(signal.SIGINT, signal.SIG_IGN)
print(faults)
"""


def faults(program: str, folder: Path, count: int = COUNT) -> str:
    """What the child complains of after so many signals at random moments."""
    code = CHILD.format(program=program, count=count)
    draws = random.Random(0)
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as child:
        assert child.stdout is not None
        ready = child.stdout.readline()
        while ready == "ready\n" and child.poll() is None:
            time.sleep(draws.uniform(0.0, LONGEST_PAUSE))
            child.send_signal(signal.SIGINT)
        return ready.removeprefix("ready\n") + child.stdout.read()


IN_MODES = {
    "no_grad": """
for _ in range(20):
    with ag.no_grad():
        x * 2.0
""",
    "detect_anomaly": """
for _ in range(20):
    with ag.detect_anomaly():
        x * 2.0
""",
    "nested": """
for _ in range(20):
    with ag.detect_anomaly():
        with ag.no_grad():
            x * 2.0
        x * 2.0
""",
    "decorator": """
for _ in range(20):
    ag.no_grad()(f)(x)
""",
    "grad": """
ag.grad(f)(2.0)
ag.grad(ag.grad(f))(2.0)
""",
    "backward": """
y = f(x)
y.backward(create_graph=True)
x.grad = None
""",
}


@pytest.mark.parametrize("body", IN_MODES.values(), ids=IN_MODES)
def test_modes_are_as_they_were_after_ctrl_c(body: str, tmp_path: Path) -> None:
    program = f"""
x = Value(2.0)

def f(x):
    return ag.tanh(x * x + 1.0) * x

def work():
{textwrap.indent(body, "    ")}

def check():
    x.grad = None
    y = Value(1.0) * 2.0
    yield "" if y.requires_grad else "nothing is recorded any more"
    try:
        yield "" if ag.log(Value(0.0)).data == -ag.exp(1000.0) else "log(0) is not -inf"
    except ag.errors.AnomalyError as error:
        yield repr(error)
    yield "" if (modes.current().depth, modes.current().grad_enabled) == (0, True) else "another mode"
"""
    assert faults(program, tmp_path) == "[]\n"


def test_a_saved_model_is_whole_after_ctrl_c_and_nothing_else_is_there(tmp_path: Path) -> None:
    program = """
model, twin = nn.Linear(3, 2), nn.Linear(3, 2)
numbers = last = 0.0

def work():
    model.save("model.json")

def check():
    global numbers, last
    found = {p.data for p in twin.load("model.json").parameters()}
    yield "" if found in ({numbers}, {last}) else f"read {found}, neither the new {numbers} nor the old {last}"
    last = max(found)
    yield "" if os.listdir() == ["model.json"] else f"there are {os.listdir()}"
    numbers += 1.0
    for p in model.parameters():
        p.data = numbers

for p in model.parameters():
    p.data = numbers
"""
    assert faults(program, tmp_path) == "[]\n"


@pytest.mark.parametrize("callbacks", ["", "ag.training.Checkpoint('model.json')"], ids=["alone", "checkpoint"])
def test_fit_returns_its_history_after_ctrl_c_and_ends_with_a_whole_step(callbacks: str, tmp_path: Path) -> None:
    program = f"""
X, y = ag.data.xor()[0], [-1, 1, 1, -1]
callbacks = [{callbacks}]

def fresh():
    global model, optimizer, history
    model, history = nn.MLP(2, [2, 1], rng=0).eval(), None
    optimizer = optim.Adam(model.parameters())

def numbers():
    return [p.data for p in model.parameters()]

def work():
    global history
    history = ag.fit(
        model, X, y, loss=nn.hinge_loss, optimizer=optimizer, epochs=3, batch_size=2, shuffle=False,
        callbacks=callbacks, progress=False,
    )

def check():
    yield from faults_now()
    fresh()

def faults_now():
    steps = states.index(numbers()) if numbers() in states else None
    remembered = {{memory["step"] for memory in optimizer.state_dict()["state"].values()}}
    if steps is None:
        yield "the parameters are not as after a whole step"
        return
    yield "" if remembered == ({{steps}} if steps else set()) else f"Adam took {{remembered}} of {{steps}} steps"
    if history is None:  # Ctrl-C came before the first step
        yield "" if steps == 0 else "fit gave no history"
    else:
        epochs = history.epochs
        yield "" if 2 * epochs <= steps <= 2 * epochs + 2 else f"{{epochs}} epochs and {{steps}} steps"
        yield "" if history.metrics.get("loss", []) == whole["loss"][:epochs] else "another loss"
        yield "" if (history.stopped or "Ctrl-C").startswith("Ctrl-C") else history.stopped
    yield "" if not any(module.training for module in model.modules()) else "it was in eval mode"
    yield "" if gc.get_freeze_count() < 1000 else "objects are frozen"
    yield "" if os.listdir() in ([], ["model.json"]) else f"there are {{os.listdir()}}"

fresh()
states = [numbers()]

class Watched(optim.Adam):
    def step(self):
        super().step()
        states.append(numbers())

optimizer = Watched(model.parameters())
work()
whole = history
fresh()
"""
    assert faults(program, tmp_path) == "[]\n"


def test_ctrl_c_waits_for_the_end_of_a_block_and_of_those_around_it() -> None:
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - how far the block gets is the point
        with uninterrupted():
            with uninterrupted():
                signal.raise_signal(signal.SIGINT)
                done.append("inner")
            done.append("outer")
        done.append("after")
    assert done == ["inner", "outer"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_a_block_raises_is_the_context_of_ctrl_c() -> None:
    with pytest.raises(KeyboardInterrupt) as caught, uninterrupted():  # noqa: PT012 - both must happen in it
        signal.raise_signal(signal.SIGINT)
        raise OSError("disk full")
    assert str(caught.value.__context__) == "disk full"


def test_a_block_in_another_thread_or_without_a_handler_leaves_signals_alone() -> None:
    def block() -> None:
        with uninterrupted():
            seen.append(signal.getsignal(signal.SIGINT))

    seen: list[object] = []
    thread = threading.Thread(target=block)
    thread.start()
    thread.join()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        block()
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [before, signal.SIG_IGN]

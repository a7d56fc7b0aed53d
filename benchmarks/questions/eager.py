"""What an operation costs as it runs: building a graph, going back through it, freeing it; and a node's memory."""

import functools
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks import engines
from benchmarks.functions import PENDULUM, TRANSCENDENTAL, mlp_loss, samples, weights
from benchmarks.measure import MissingError, Ready, Workload

SMALL, LARGE = (2, 16, 16, 1), (16, 32, 32, 1)
OPERATIONS: dict[Sequence[int], int] = {SMALL: 12_860, LARGE: 64_060}  # additions, products, relus and squares


def graph_of(sizes: Sequence[int], number: Callable[[float], Any], relu: Callable[[Any], Any], zero: Any) -> Ready:
    """Forward and backward with weights that stay, as one writes it with scalars."""
    loss, w = mlp_loss(sizes), [number(x) for x in weights(sizes)]

    def step() -> None:
        for each in w:
            each.grad = zero
        loss(w, relu).backward()

    return Ready(step, lambda: [float(each.grad) for each in w])


def ours(sizes: Sequence[int]) -> Ready:
    from autograd_lite import Value

    return graph_of(sizes, Value, Value.relu, None)


def ours_nn(sizes: Sequence[int]) -> Ready:
    """By nn, where the weighted sum of a neuron is one operation."""
    from autograd_lite.nn import MLP

    model, (X, y) = MLP(sizes[0], list(sizes[1:]), rng=1), samples(sizes[0])
    for parameter, x in zip(model.parameters(), weights(sizes), strict=True):
        parameter.data = x

    def step() -> None:
        model.zero_grad()
        loss: Any = sum((model(x) - label) ** 2 for x, label in zip(X, y, strict=True))
        loss.backward()

    return Ready(step, lambda: [p.grad for p in model.parameters()])


def micrograd(sizes: Sequence[int]) -> Ready:
    from micrograd.engine import Value

    return graph_of(sizes, Value, lambda x: x.relu(), 0.0)


def torch(sizes: Sequence[int]) -> Ready:
    """Scalars, each a tensor."""
    import torch

    return graph_of(sizes, lambda x: torch.tensor(x, requires_grad=True), torch.relu, None)


def xad(sizes: Sequence[int]) -> Ready:
    ready = engines.xad(_by_relu(sizes))
    return Ready(ready.call, lambda: ready.call()[1])


def _by_relu(sizes: Sequence[int]) -> Any:
    loss = mlp_loss(sizes)
    return SimpleNamespace(f=lambda w, m: loss(w, m.relu), x=weights(sizes))


def mlp(sizes: Sequence[int], is_quick: bool) -> Workload:
    contenders: dict[str, Callable[[], Ready]] = {
        "autograd_lite": functools.partial(ours, sizes),
        "autograd_lite, nn": functools.partial(ours_nn, sizes),
        "micrograd": functools.partial(micrograd, sizes),
        "xad": functools.partial(xad, sizes),
        "torch, scalars": functools.partial(torch, sizes),
    }
    name = f"MLP {'-'.join(map(str, sizes))}"
    return Workload(name, contenders, per=OPERATIONS[sizes], each="an operation", is_quick=is_quick)


# ---- Chains ---------------------------------------------------------------------------------


def chain(number: Any, nodes: int) -> tuple[Any, Any]:
    x = number(1.0)
    y = x
    for _ in range(nodes // 2):
        y = y * 0.999 + x
    return x, y


def chain_of_ours(nodes: int) -> Ready:
    from autograd_lite import Value

    found: list[float] = []

    def step() -> None:
        x, y = chain(Value, nodes)
        y.backward()
        found[:] = [x.grad]

    return Ready(step, lambda: found)


def chain_of_xad(nodes: int) -> Ready:
    from xad.adj_1st import Real, Tape

    tape = Tape()
    tape.activate()

    def step() -> float:
        tape.clearAll()
        x = Real(1.0)
        tape.registerInput(x)
        tape.newRecording()
        y = x
        for _ in range(nodes // 2):
            y = y * 0.999 + x
        tape.registerOutput(y)
        tape.setDerivative(y, 1.0)
        tape.computeAdjoints()
        return float(tape.getDerivative(x))

    return Ready(step)


def chains(nodes: int) -> Workload:
    contenders = {
        "autograd_lite": functools.partial(chain_of_ours, nodes),
        "xad": functools.partial(chain_of_xad, nodes),
    }
    return Workload(
        f"chain of {nodes} nodes", contenders, per=nodes, each="a node", tolerance=1e-7, is_quick=nodes <= 1_000_000,
        curve="a chain, forward and backward", size=nodes,
        behind="A tape in C++ frees its records at once; here each node is an object of Python.",
    )  # fmt: skip


# ---- Memory ---------------------------------------------------------------------------------


def resident() -> int:
    """The memory of this process in bytes."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        raise MissingError("needs /proc, as Linux has it")
    return int(statm.read_text(encoding="utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def bytes_a_node(number: Any, nodes: int = 100_000) -> Ready:
    """A graph that is kept, after its backward pass; of many short chains, as micrograd walks by recursion."""
    kept: list[Any] = []

    def graph() -> None:
        for _ in range(nodes // 200):
            x, y = chain(number, 200)
            y.backward()
            kept.append((x, y))

    def figure() -> float:
        before = resident()
        graph()
        return (resident() - before) / nodes

    return Ready(graph, lambda: [kept[0][0].grad], figure)


def memory_of_ours() -> Ready:
    from autograd_lite import Value

    return bytes_a_node(Value)


def memory_of_micrograd() -> Ready:
    from micrograd.engine import Value

    return bytes_a_node(Value)


EAGER = (
    "autograd_lite, native", "autograd_lite, native, array", "autograd_lite, vm", "autograd_lite, python",
    "micrograd", "casadi", "jax",
)  # fmt: skip
SLOW_HERE = "xad's tape and its functions are C++, and a record is some bytes of a vector."

WORKLOADS = [
    mlp(SMALL, is_quick=True),
    mlp(LARGE, is_quick=False),
    Workload("transcendental", engines.everybody(TRANSCENDENTAL, but=EAGER), per=1_500, each="an operation",
             tolerance=1e-7, behind=SLOW_HERE),
    Workload("pendulum", engines.everybody(PENDULUM, but=EAGER), per=9_186, each="an operation", behind=SLOW_HERE),
    *[chains(10**power) for power in range(3, 8)],
    Workload("memory of a node", {"autograd_lite": memory_of_ours, "micrograd": memory_of_micrograd}, unit="B"),
]  # fmt: skip

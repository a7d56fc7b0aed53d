"""What a step of an optimiser costs, and whether 100 of them end where PyTorch's do."""

import functools
import random
from typing import Any

from benchmarks import trajectories
from benchmarks.measure import Ready, Workload

COUNT = 1_591
RATE = {"lr": 1e-6}


def ours(name: str) -> Ready:
    from autograd_lite import Value, optim

    kind, settings = trajectories.OPTIMISERS[name]
    draws = random.Random(0)
    params = [Value(draws.gauss(0.0, 1.0)) for _ in range(COUNT)]
    optimizer = getattr(optim, kind)(params, **{**settings, **RATE})
    for p in params:
        p.grad = draws.gauss(0.0, 1.0)
    return Ready(optimizer.step, lambda: trajectories.ours(kind, settings))


def of_torch(name: str) -> Ready:
    """As many scalars in one tensor, which is how PyTorch's users have them."""
    import torch

    kind, settings = trajectories.OPTIMISERS[name]
    draws = random.Random(0)
    p: Any = torch.tensor([draws.gauss(0.0, 1.0) for _ in range(COUNT)], requires_grad=True)
    p.grad = torch.ones(COUNT)
    optimizer = getattr(torch.optim, kind)([p], **{**settings, **RATE})
    return Ready(optimizer.step, lambda: trajectories.theirs(kind, settings))


def schedule_of_ours(name: str) -> Ready:
    return Ready(lambda: trajectories.ours(*trajectories.cases()[name]))


def schedule_of_torch(name: str) -> Ready:
    return Ready(lambda: trajectories.theirs(*trajectories.cases()[name]))


WORKLOADS = [
    *[
        Workload(
            f"a step, {name}, {COUNT} parameters",
            {"autograd_lite": functools.partial(ours, name), "torch": functools.partial(of_torch, name)},
            per=COUNT, each="a parameter",
            behind="PyTorch's parameters are one array, and each operation one loop over it.",
        )
        for name in trajectories.OPTIMISERS
    ],
    *[
        Workload(
            f"100 steps of 3 parameters, schedule {name}",
            {"autograd_lite": functools.partial(schedule_of_ours, name),
             "torch": functools.partial(schedule_of_torch, name)},
            per=100, each="a step", is_quick=False,
        )
        for name in trajectories.SCHEDULES
    ],
]  # fmt: skip

"""Optimisers and schedules beside PyTorch's: where each arrives after 100 steps.

python -m benchmarks.trajectories   print the parameters that PyTorch arrives at, for tests/test_optim.py
"""

from collections.abc import Callable
from typing import Any

from autograd_lite import Value, cos, optim

STEPS = 100
START = (1.5, -2.0, 0.3)

#: Each optimiser with settings that exercise all of its rule.
OPTIMISERS: dict[str, tuple[str, dict[str, Any]]] = {
    "SGD": ("SGD", {"lr": 0.01}),
    "SGD, momentum": ("SGD", {"lr": 0.01, "momentum": 0.9, "weight_decay": 0.1}),
    "SGD, Nesterov": ("SGD", {"lr": 0.01, "momentum": 0.9, "nesterov": True}),
    "RMSprop": ("RMSprop", {"lr": 0.01, "weight_decay": 0.1}),
    "RMSprop, centered": ("RMSprop", {"lr": 0.01, "momentum": 0.5, "centered": True}),
    "Adagrad": ("Adagrad", {"lr": 0.1, "lr_decay": 0.01, "weight_decay": 0.1}),
    "Adam": ("Adam", {"lr": 0.05}),
    "Adam, weight decay": ("Adam", {"lr": 0.05, "betas": (0.8, 0.99), "weight_decay": 0.1}),
    "AdamW": ("AdamW", {"lr": 0.05, "weight_decay": 0.1}),
}
SCHEDULES: dict[str, tuple[str, dict[str, Any]]] = {
    "step": ("StepLR", {"step_size": 30, "gamma": 0.5}),
    "exponential": ("ExponentialLR", {"gamma": 0.97}),
    "cosine": ("CosineAnnealingLR", {"T_max": 40, "eta_min": 0.001}),
    "linear warm-up": ("LinearLR", {"start_factor": 0.1, "total_iters": 20}),
}


def valley(x: Any, y: Any, z: Any, *, cosine: Callable[[Any], Any]) -> Any:
    """A bent valley with ripples, in which every optimiser has something to do."""
    return (y - x * x) * (y - x * x) + 0.5 * (1.0 - x) * (1.0 - x) + 0.3 * cosine(3.0 * z) * x + z * z


def ours(optimiser: str, settings: dict[str, Any], schedule: tuple[str, dict[str, Any]] | None = None) -> list[float]:
    """The parameters after 100 steps."""
    params = [Value(x) for x in START]
    return _descended(optim, params, getattr(optim, optimiser)(params, **settings), schedule, cos)


def theirs(optimiser: str, settings: dict[str, Any], schedule: tuple[str, dict[str, Any]] | None = None) -> list[float]:
    """The same by PyTorch."""
    import torch

    params = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in START]
    return _descended(torch.optim, params, getattr(torch.optim, optimiser)(params, **settings), schedule, torch.cos)


def _descended(
    library: Any, params: list[Any], optimizer: Any, schedule: tuple[str, dict[str, Any]] | None, cosine: Any
) -> list[float]:
    scheduler = getattr(library.lr_scheduler, schedule[0])(optimizer, **schedule[1]) if schedule else None
    for _ in range(STEPS):
        optimizer.zero_grad()
        valley(*params, cosine=cosine).backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
    return [p.item() for p in params]


def cases() -> dict[str, tuple[Any, ...]]:
    scheduled = {name: ("SGD", {"lr": 0.02}, schedule) for name, schedule in SCHEDULES.items()}
    return {**OPTIMISERS, **scheduled}


def main() -> None:
    for name, case in cases().items():
        print(f"    {name!r}: {theirs(*case)},")


if __name__ == "__main__":
    main()

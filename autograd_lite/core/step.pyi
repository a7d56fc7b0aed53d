"""The types of step.pyx, for programs and editors that read Python."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

from autograd_lite.core.rows import Columns, Rows
from autograd_lite.core.value import Value
from autograd_lite.core.vm import Code

class Status(IntEnum):
    DONE = 0
    UNSURE = 1
    ANOMALY = 2
    OTHER = 3

class Loss:
    samples: int
    def __init__(
        self,
        samples: int,
        code: Code,
        adjoints: Sequence[int],
        own: Sequence[tuple[int, int]],
        constants: Sequence[float],
    ) -> None: ...
    def set_constants(self, numbers: Sequence[float]) -> None: ...

class Rule:
    start: int
    count: int
    def __init__(
        self,
        start: int,
        count: int,
        shared: Code,
        own: Rows,
        given: int,
        lr: float,
        clocks: Sequence[float],
        others: Sequence[Sequence[float]],
    ) -> None: ...
    def set_rate(self, lr: float) -> None: ...
    def set_states(self, clocks: Sequence[float], others: Sequence[Sequence[float]]) -> None: ...
    def states(self) -> tuple[list[float], list[list[float]]]: ...

class Step:
    def __init__(
        self,
        model: Rows,
        shared: Sequence[float],
        columns: Columns,
        targets: Any,
        target_width: int,
        seeded: Sequence[int],
        params: Sequence[Value],
        rules: Sequence[Rule],
        batch: int,
    ) -> None: ...
    def add_loss(self, loss: Loss) -> None: ...
    def set_shared(self, numbers: Sequence[float]) -> None: ...
    def write(self) -> None: ...
    def latest_outputs(self, samples: int) -> list[float]: ...
    def run(self, order: Any, start: int, stop: int, epoch: int, losses: Any) -> tuple[int, int, int]: ...

"""The types of vm.pyx, for programs and editors that read Python."""

from collections.abc import Callable, Sequence
from typing import Any

from autograd_lite.core.op import Op

class Code:
    count: int
    size: int
    calls_python: bool
    runs: int
    def __init__(
        self,
        count: int,
        instructions: Sequence[tuple[Op, tuple[int | float, ...]]],
        outputs: Sequence[int | float],
        guards: Sequence[Any] = (),
        lasting: int = 0,
    ) -> None: ...
    @property
    def call(self) -> Callable[..., tuple[float, ...] | int]: ...
    def register_of(self, position: int) -> int: ...
    def notify(self, runs: int, function: Callable[[], object]) -> None: ...
    def hand_over(self, function: Callable[..., Any]) -> None: ...

def evaluate(op: Op, *numbers: float) -> float: ...
def partials(op: Op, *numbers: float) -> tuple[float, ...]: ...
def repeated(op: Op, *operands: float | list[float]) -> tuple[float | list[float], ...]: ...

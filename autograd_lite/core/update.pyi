"""The types of update.pyx, for programs and editors that read Python."""

from collections.abc import Iterable, Mapping, Sequence

from autograd_lite.core.value import Value
from autograd_lite.core.vm import Code

class Program:
    def __init__(self, shared: Code, own: Code, clocks: Sequence[int], others: Sequence[int]) -> None: ...

class States:
    def items(self) -> Iterable[tuple[Value, Sequence[float]]]: ...
    def commit(self) -> None: ...

def zero_grad(values: list[Value], set_to_none: bool) -> bool: ...
def computed(
    before: States | Mapping[Value, Sequence[float]],
    work: list[tuple[list[Value], Program, float]],
    blank: tuple[float, ...],
) -> States | None: ...

"""The types of rows.pyx, for programs and editors that read Python."""

from collections.abc import Sequence
from typing import Any

from autograd_lite.core.op import Op

class Columns:
    length: int
    width: int
    def __init__(self, length: int, index: Any = None) -> None: ...
    def add(self, buffer: Any, width: int) -> None: ...

class Uniforms:
    is_finite: bool
    failed: int | None

class Sums:
    size: int
    def __init__(self, size: int) -> None: ...
    def add(self, other: Sums) -> None: ...
    def totals(self) -> list[float]: ...

class Rows:
    size: int
    block: int
    calls_python: bool
    def __init__(
        self,
        by_row: Sequence[bool],
        instructions: Sequence[tuple[Op, tuple[int | float, ...]]],
        outputs: Sequence[int | float],
        guards: Sequence[Any] = (),
        *,
        results: int = 0,
        late: int = 0,
        checked: Sequence[int] = (),
        block: int = 0,
    ) -> None: ...
    def uniforms(self, numbers: Sequence[float]) -> Uniforms: ...
    def run(
        self,
        columns: Columns,
        uniforms: Uniforms,
        start: int,
        stop: int,
        out: Any = None,
        sums: Sums | None = None,
        failed: Any = None,
    ) -> int: ...

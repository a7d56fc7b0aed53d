"""The back ends by their names: what makes code of a program, for one call or for rows of data."""

from collections.abc import Callable
from typing import Any

from autograd_lite.errors import MissingDependencyError
from autograd_lite.jit.backends import vm
from autograd_lite.jit.backends.deferred import LONGEST, DeferredCode, SwappedCode
from autograd_lite.jit.backends.native import NativeCode, is_installed
from autograd_lite.jit.backends.python import PythonCode
from autograd_lite.jit.backends.rows import PythonRows, over_rows
from autograd_lite.jit.program import Program

__all__ = ["back_end", "rows_back_end"]


def rows_back_end(name: str) -> Callable[..., Any]:
    """What makes code of a program over rows."""
    return over_rows if name != "python" and vm.is_there() else PythonRows


def back_end(name: str, fast_math: bool) -> Callable[[Program], Any]:
    """What makes code of a program; llvmlite is looked for when that is first asked for."""

    def native(program: Program) -> Any:
        return NativeCode(program, fast_math=fast_math)

    def native_or_python(program: Program) -> Any:
        if not is_installed() or len(program) > LONGEST:
            return PythonCode(program)
        try:
            return native(program)
        except MissingDependencyError:
            return PythonCode(program)

    if name == "auto":
        if vm.is_there():
            return lambda program: SwappedCode(program, native)
        return lambda program: DeferredCode(program, native_or_python, is_slow=is_installed)
    back_ends: dict[str, Callable[[Program], Any]] = {"python": PythonCode, "vm": vm.VmCode, "native": native}
    return back_ends[name]

"""The back end that compiles in process, with LLVM, for the processor that it runs on."""

import ctypes
import functools
import os
import threading
from collections.abc import Callable
from typing import Any

from autograd_lite.core.loops import BodyChanged
from autograd_lite.errors import MissingDependencyError
from autograd_lite.jit.backends.cpython import (
    API,
    CHANGED,
    NO_MEMORY,
    NOT_FLOATS,
    UNSURE,
    address_of_api,
    builtin,
    not_floats,
)
from autograd_lite.jit.backends.llvm import Source
from autograd_lite.jit.passes import fast_form
from autograd_lite.jit.program import Program

__all__ = ["NativeCode", "is_installed"]


def is_installed() -> bool:
    """Whether llvmlite can be imported."""
    try:
        import llvmlite.binding  # noqa: F401 - asked for, not used
    except ImportError:
        return False
    return True


class NativeCode:
    """A program as machine code. ``run`` as :class:`~autograd_lite.jit.backends.python.PythonCode`'s.

    Raises ``MissingDependencyError`` without llvmlite.
    """

    def __init__(self, program: Program, *, fast_math: bool = False) -> None:
        self.program = program
        self._fast_math = fast_math
        text = Source(fast_form(program), fast_math=fast_math, form=fast_form)
        #: LLVM's intermediate representation.
        self.source = text.text
        #: The function itself. What is no tuple calls for ``run``.
        self.call = _compiled(text)
        self._careful: Callable[..., Any] | None = None

    def run(self, *numbers: float) -> tuple[float, ...] | int:
        """The outputs, or the number of the first guard that does not hold."""
        answer = self.call(*numbers)
        if answer == UNSURE:
            if self._careful is None:
                self._careful = _compiled(Source(self.program, fast_math=self._fast_math))
            answer = self._careful(*numbers)
        if answer == NOT_FLOATS:
            raise not_floats(self.program)
        if answer == CHANGED:
            raise BodyChanged
        if answer == NO_MEMORY:
            raise MemoryError
        return answer  # type: ignore[no-any-return]


_compiling = threading.Lock()  # LLVM's table of symbols is one for all
if hasattr(os, "register_at_fork"):  # so that no child starts with LLVM in the middle of something
    os.register_at_fork(
        before=_compiling.acquire, after_in_parent=_compiling.release, after_in_child=_compiling.release
    )


def _compiled(source: Source) -> Callable[..., Any]:
    """The function of a text."""
    llvm = _llvm()
    for symbol in source.externals:
        llvm.add_symbol(symbol, _libm_address(symbol.removeprefix("libm.")))
    target, options = _host()
    with _compiling:
        module = llvm.parse_assembly(source.text)
        engine = llvm.create_mcjit_compiler(module, target.create_target_machine(**options))  # which it owns then
        engine.finalize_object()
    return builtin(engine.get_function_address("entry"), engine, list(source.functions.values()))


@functools.cache
def _llvm() -> Any:
    try:
        import llvmlite.binding as llvm
    except ImportError:
        raise MissingDependencyError(
            'backend="native" needs llvmlite: pip install "autograd_lite[native]"; or take backend="python"'
        ) from None
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    llvm.add_symbol("PyFloat_Type", id(float))
    for name in API:
        llvm.add_symbol(name, address_of_api(name))
    return llvm


@functools.cache
def _host() -> tuple[Any, dict[str, Any]]:
    """LLVM's description of this processor."""
    llvm = _llvm()
    cpu, features = llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
    options = {"cpu": cpu, "features": features, "opt": 2, "codemodel": "jitdefault", "jit": True}
    return llvm.Target.from_default_triple(), options


@functools.cache
def _libm_address(name: str) -> int:
    """Where the C library has a function: the one that Python's math calls."""
    llvm = _llvm()
    address = llvm.address_of_symbol(name)
    for library in ("libm.so.6", "libSystem.dylib", "ucrtbase.dll"):
        if address:
            break
        try:
            function = getattr(ctypes.CDLL(library), name)
        except (OSError, AttributeError):
            continue
        address = ctypes.cast(function, ctypes.c_void_p).value
    if not address:
        raise MissingDependencyError(f'the C library here has no {name}; take backend="python"')
    return int(address)

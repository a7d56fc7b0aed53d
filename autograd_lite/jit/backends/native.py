"""The back end that compiles in process, with LLVM, for the processor that it runs on."""

import ctypes
import functools
import threading
from collections.abc import Callable
from typing import Any

from autograd_lite.core.checks import as_float
from autograd_lite.core.op import Op
from autograd_lite.errors import MissingDependencyError, TracingError
from autograd_lite.jit.backends.llvm import Source
from autograd_lite.jit.passes import fast_form
from autograd_lite.jit.program import Program

__all__ = ["NativeCode", "is_installed"]

_PYTHON_API = (
    "PyFloat_FromDouble", "PyLong_FromLongLong", "PyTuple_New", "PyTuple_SetItem",
    "PyEval_SaveThread", "PyEval_RestoreThread", "PyMem_RawMalloc", "PyMem_RawFree",
)  # fmt: skip


def is_installed() -> bool:
    """Whether llvmlite can be imported."""
    try:
        import llvmlite.binding  # noqa: F401 - asked for, not used
    except ImportError:
        return False
    return True


class NativeCode:
    """A program as machine code. ``run`` as :class:`~autograd_lite.jit.python.PythonCode`'s.

    Raises ``MissingDependencyError`` without llvmlite.
    """

    def __init__(self, program: Program, *, fast_math: bool = False) -> None:
        self.program = program
        self._fast_math = fast_math
        text = Source(fast_form(program), _type_offset(), fast_math=fast_math)
        self._source = text
        self._call, self._errors = _compiled(text)
        self._careful: tuple[Callable[..., Any], _Errors | None] | None = None
        #: The function itself, where it may be called as it is: what is no tuple calls for ``run``.
        self.call: Callable[..., Any] = self._call if self._errors is None else self.run

    @property
    def source(self) -> str:
        """LLVM's intermediate representation."""
        return self._source.text

    def run(self, *numbers: float) -> tuple[float, ...] | int:
        """The outputs, or the number of the first guard that does not hold."""
        answer = self._answer(self._call, self._errors, numbers)
        if answer == -2:
            if self._careful is None:
                text = Source(self.program, _type_offset(), fast_math=self._fast_math)
                self._careful = _compiled(text)  # whole, as other threads may look
            answer = self._answer(*self._careful, numbers)
        if answer == -3:
            raise TracingError(
                f"{self.program.name} takes {len(self.program.inputs)} floats. Did a number leave a function that jit "
                "compiled by a side effect? Return it from the function"
            )
        return answer  # type: ignore[no-any-return]

    @staticmethod
    def _answer(call: Callable[..., Any], errors: "_Errors | None", numbers: tuple[float, ...]) -> Any:
        if errors is None:
            return call(*numbers)
        before = len(errors.found)  # of the calls around this one, if a primitive called it
        answer = call(*numbers)
        if len(errors.found) > before:
            error = errors.found[before]
            del errors.found[before:]  # the later ones came of the number that stood for the first
            raise error
        return answer


class _Errors(threading.local):
    """What the callbacks of this thread's calls have raised."""

    def __init__(self) -> None:
        self.found: list[BaseException] = []


class _Method(ctypes.Structure):
    """PyMethodDef of Python's C interface."""

    _fields_ = (
        ("name", ctypes.c_char_p), ("function", ctypes.c_void_p), ("flags", ctypes.c_int), ("doc", ctypes.c_char_p),
    )  # fmt: skip


_FASTCALL = 0x80


class _Kept:
    """What has to live as long as the function: its machine code, its description, its callbacks."""

    def __init__(self, *things: Any) -> None:
        self.things = things


_compiling = threading.Lock()  # LLVM's table of symbols is one for all


def _compiled(source: Source) -> "tuple[Callable[..., Any], _Errors | None]":
    """The function of a text, and where its callbacks leave their errors if it has any."""
    llvm = _llvm()
    errors = _Errors()
    callbacks = []
    for symbol, (op, count) in source.callbacks.items():
        callback = ctypes.CFUNCTYPE(*[ctypes.c_double] * (count + 1))(_guarded(op, errors))
        callbacks.append(callback)
        llvm.add_symbol(symbol, ctypes.cast(callback, ctypes.c_void_p).value)
    for symbol in source.externals:
        llvm.add_symbol(symbol, _libm_address(symbol.removeprefix("libm.")))
    target, options = _host()
    with _compiling:
        module = llvm.parse_assembly(source.text)
        engine = llvm.create_mcjit_compiler(module, target.create_target_machine(**options))  # which it owns then
        engine.finalize_object()
    method = _Method(b"compiled", engine.get_function_address("entry"), _FASTCALL, b"A compiled program.")
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    function = make(ctypes.addressof(method), _Kept(engine, method, callbacks), None)
    return function, errors if callbacks else None


def _guarded(op: Op, errors: _Errors) -> Callable[..., float]:
    """A primitive called from machine code, through which no error can pass."""

    def evaluate(*numbers: float) -> float:
        try:
            return as_float(op.evaluate(*numbers))
        except BaseException as error:  # raised again after the call
            errors.found.append(error)
            return 0.0

    return evaluate


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
    for name in _PYTHON_API:
        llvm.add_symbol(name, ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value)
    return llvm


@functools.cache
def _type_offset() -> int:
    """Where a float keeps its type; its number stands behind that."""
    number = 1.5
    for offset in range(8, 64, 8):
        place = id(number) + offset
        kind, content = ctypes.c_void_p.from_address(place).value, ctypes.c_double.from_address(place + 8).value
        if kind == id(float) and content == number:
            return offset
    raise MissingDependencyError('floats have an unknown form in this Python; take backend="python"')


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

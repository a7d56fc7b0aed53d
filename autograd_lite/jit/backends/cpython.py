"""All that knows how CPython lays out its objects, and which functions its C interface has.

A compiled program becomes a builtin function of Python's (METH_FASTCALL), which costs less to
call than one by ctypes. Its entry, written in LLVM's intermediate representation, reads
floats where CPython keeps them. Where a primitive has no machine code the entry calls Python's own
function of it; what that raises ends the call, as in any function written in C.
"""

import ctypes
import functools
from collections.abc import Callable, Sequence
from typing import Any

from autograd_lite.errors import MissingDependencyError, TracingError
from autograd_lite.jit.program import Program

__all__ = [
    "API",
    "CHANGED",
    "DECLARATIONS",
    "ERROR",
    "NOT_FLOATS",
    "NO_MEMORY",
    "UNSURE",
    "address_of_api",
    "builtin",
    "called",
    "entry",
    "not_floats",
]

#: What a compiled function may give in the place of a tuple: the number of a guard that fails, from 0 up, or one
#: of these. ``UNSURE``: the careful form is needed. ``NOT_FLOATS``: an argument is no float, or there are too many.
#: ``ERROR`` stays inside: Python has an error to raise. ``CHANGED``: a loop's step cannot go on as recorded.
UNSURE, NOT_FLOATS, ERROR, CHANGED, NO_MEMORY = -2, -3, -4, -5, -6


def not_floats(program: Program) -> TracingError:
    """What to raise where a compiled program was given something else than its floats."""
    return TracingError(
        f"{program.name} takes {len(program.inputs)} floats. Did a number leave a function that jit "
        "compiled by a side effect? Return it from the function"
    )


#: The functions of the C interface that compiled programs use.
API = (
    "PyErr_CheckSignals", "PyErr_Occurred", "PyEval_RestoreThread", "PyEval_SaveThread", "PyFloat_AsDouble",
    "PyFloat_FromDouble", "PyGILState_Ensure", "PyGILState_Release", "PyLong_FromLongLong", "PyMem_RawFree",
    "PyMem_RawMalloc", "PyObject_CallFunction", "PyTuple_New", "PyTuple_SetItem", "Py_DecRef",
)  # fmt: skip

DECLARATIONS = """\
@PyFloat_Type = external global i8
declare ptr @PyErr_Occurred()
declare void @PyEval_RestoreThread(ptr)
declare ptr @PyEval_SaveThread()
declare double @PyFloat_AsDouble(ptr)
declare ptr @PyFloat_FromDouble(double)
declare ptr @PyLong_FromLongLong(i64)
declare void @PyMem_RawFree(ptr)
declare ptr @PyMem_RawMalloc(i64)
declare ptr @PyObject_CallFunction(ptr, ptr, ...)
declare ptr @PyTuple_New(i64)
declare i32 @PyTuple_SetItem(ptr, i64, ptr)
declare void @Py_DecRef(ptr)
"""


def address_of_api(name: str) -> int:
    """Where this process has a function of :data:`API`."""
    return ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0


def called(function: Callable[..., float], operands: Sequence[str], number: int) -> tuple[str, list[str]]:
    """The lines that call a function of Python's on floats, and the name of the float that they set.

    They go to a label ``%error`` when it raises. The function has to live as long as the code.
    """
    name = f"%c{number}"
    arguments = "".join(f", double {operand}" for operand in operands)
    place = f"inttoptr (i64 {id(function)} to ptr)"
    return name, [
        f"%o{number} = call ptr (ptr, ptr, ...) @PyObject_CallFunction(ptr {place}, ptr @d{len(operands)}{arguments})",
        f"%n{number} = icmp eq ptr %o{number}, null",
        f"br i1 %n{number}, label %error, label %called{number}",
        f"called{number}:",
        f"{name} = call double @PyFloat_AsDouble(ptr %o{number})",
        f"call void @Py_DecRef(ptr %o{number})",
    ]


def formats(counts: Sequence[int]) -> list[str]:
    """The constants that tell PyObject_CallFunction of so many doubles."""
    return [f'@d{n} = private constant [{n + 1} x i8] c"{"d" * n}\\00"' for n in sorted(set(counts))]


def entry(
    *,
    inputs: int,
    outputs: Sequence[int],
    constants: Sequence[str],
    size: int,
    on_heap: bool,
    releases: bool,
    pieces: int,
    free_blocks: str = "",
) -> str:
    """The function that Python calls: it runs the pieces on an array ``%s`` of doubles, and gives the tuple of outputs.

    Args:
        inputs: how many floats it takes; they come first in the array.
        outputs: where in the array the results are.
        constants: lines that put constants among the results there.
        size: how many doubles the array has.
        on_heap: whether it is too large for the stack.
        releases: whether to let go of the interpreter lock meanwhile.
        pieces: how many functions ``@piece_0`` ... there are. Each gives -1 if all is well.
        free_blocks: a line that frees what loops have left.
    """
    calls = ["br label %piece0"]
    for number in range(pieces):
        after = f"piece{number + 1}" if number + 1 < pieces else "done"
        calls += [
            f"piece{number}:", f"%r{number} = call i64 @piece_{number}(ptr %s)",
            f"%ok{number} = icmp eq i64 %r{number}, -1",
            f"br i1 %ok{number}, label %{after}, label %failed",
        ]  # fmt: skip
    return _ENTRY.format(
        count=len(outputs),
        type_offset=_type_offset(),
        number_offset=_type_offset() + 8,
        outputs=", ".join(f"i64 {place}" for place in outputs),
        bytes=8 * size,
        allocation="call ptr @PyMem_RawMalloc(i64 %bytes)" if on_heap else f"alloca [{max(size, 1)} x double]",
        inputs=inputs,
        constants="\n  ".join(constants),
        release="%thread = call ptr @PyEval_SaveThread()" if releases else "",
        acquire="call void @PyEval_RestoreThread(ptr %thread)" if releases else "",
        calls="\n  ".join(calls),
        failed=", ".join(f"[%r{number}, %piece{number}]" for number in range(pieces)),
        free="call void @PyMem_RawFree(ptr %s)" if on_heap else "",
        free_blocks=free_blocks,
        not_floats=NOT_FLOATS,
        error=ERROR,
    )


class _Method(ctypes.Structure):
    """PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p), ("function", ctypes.c_void_p), ("flags", ctypes.c_int), ("doc", ctypes.c_char_p),
    )  # fmt: skip


_FASTCALL = 0x80  # METH_FASTCALL


class _Alive:
    """What has to live as long as a function does."""

    def __init__(self, *things: Any) -> None:
        self.things = things


def builtin(address: int, *alive: Any) -> Callable[..., Any]:
    """Machine code as a builtin function of Python's. It keeps what it needs alive."""
    method = _Method(b"compiled", address, _FASTCALL, b"A compiled program.")
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    return make(ctypes.addressof(method), _Alive(method, *alive), None)  # type: ignore[no-any-return]


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


_ENTRY = """
@outputs = private constant [{count} x i64] [{outputs}]

define ptr @entry(ptr %self, ptr %arguments, i64 %given) {{
start:
  %bytes = add i64 0, {bytes}
  %s = {allocation}
  %fits = icmp eq i64 %given, {inputs}
  br i1 %fits, label %begin, label %refused
begin:
  %any = icmp ne i64 {inputs}, 0
  br i1 %any, label %read, label %ready
read:
  %i = phi i64 [0, %begin], [%i1, %take]
  %from = getelementptr ptr, ptr %arguments, i64 %i
  %object = load ptr, ptr %from
  %kindplace = getelementptr i8, ptr %object, i64 {type_offset}
  %kind = load ptr, ptr %kindplace
  %isfloat = icmp eq ptr %kind, @PyFloat_Type
  br i1 %isfloat, label %take, label %refused
take:
  %numberplace = getelementptr i8, ptr %object, i64 {number_offset}
  %x = load double, ptr %numberplace
  %to = getelementptr double, ptr %s, i64 %i
  store double %x, ptr %to
  %i1 = add i64 %i, 1
  %more = icmp ult i64 %i1, {inputs}
  br i1 %more, label %read, label %ready
ready:
  {constants}
  {release}
  {calls}
refused:
  {free}
  %notfloats = call ptr @PyLong_FromLongLong(i64 {not_floats})
  ret ptr %notfloats
failed:
  %failure = phi i64 {failed}
  {acquire}
  {free_blocks}
  {free}
  %raises = icmp eq i64 %failure, {error}
  br i1 %raises, label %raise, label %answer
raise:
  ret ptr null
answer:
  %number = call ptr @PyLong_FromLongLong(i64 %failure)
  ret ptr %number
done:
  {acquire}
  %tuple = call ptr @PyTuple_New(i64 {count})
  %none = icmp eq i64 {count}, 0
  br i1 %none, label %end, label %write
write:
  %j = phi i64 [0, %done], [%j1, %write]
  %where = getelementptr i64, ptr @outputs, i64 %j
  %slot = load i64, ptr %where
  %place = getelementptr double, ptr %s, i64 %slot
  %y = load double, ptr %place
  %float = call ptr @PyFloat_FromDouble(double %y)
  %set = call i32 @PyTuple_SetItem(ptr %tuple, i64 %j, ptr %float)
  %j1 = add i64 %j, 1
  %left = icmp ult i64 %j1, {count}
  br i1 %left, label %write, label %end
end:
  {free_blocks}
  {free}
  ret ptr %tuple
}}
"""

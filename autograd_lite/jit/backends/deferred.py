"""The back ends that wait: a program runs as it stands at first, and is compiled once it has proved to be worth it."""

import atexit
import contextlib
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

from autograd_lite.core.loops import Loop
from autograd_lite.jit.backends.vm import VmCode
from autograd_lite.jit.program import Program

__all__ = ["LONGEST", "DeferredCode", "SwappedCode", "wait_for_background"]


#: Up to so many instructions are compiled in the background: LLVM cannot be interrupted, and Python has to wait for
#: it (some three seconds then) when it exits or forks.
LONGEST = 50_000
#: So often has a program run before it is compiled, where there is no virtual machine.
_WORTH_COMPILING = 2
#: Beyond so many instructions a call would notice that it waits for machine code.
_LONG = 2000
#: What compiling to machine code takes, in nanoseconds: so much, and so much an instruction.
_COMPILING, _COMPILING_EACH = 5e6, 60e3
#: What an operand takes in the virtual machine, in nanoseconds.
_RUNNING_EACH = 1.0
#: So many steps a loop is taken to do whose count each call decides.
_TYPICAL_COUNT = 50.0


class SwappedCode:
    """A program in the virtual machine from the first call on, and machine code from when that has paid.

    It is compiled in the background when the runs so far have cost as much as that takes. The code then changes
    between two calls. Where it cannot be compiled the virtual machine goes on.
    """

    def __init__(self, program: Program, compile: Callable[[Program], Any]) -> None:
        self.program = program
        self._code: Any = VmCode(program)
        length = _length(program)
        worth = (_COMPILING + _COMPILING_EACH * length) / (_RUNNING_EACH * (_work(program) + 1))
        self.call = self._code.call
        if length > LONGEST:
            return
        itself = weakref.ref(self)

        def swap() -> None:
            if itself() is None:  # nobody calls it any more
                return
            native = compile(program)
            code = itself()
            if code is not None:
                machine, code._code = code._code, native
                machine.code.hand_over(native.call)

        self._code.code.notify(int(worth) + 1, lambda: in_background(swap))

    @property
    def source(self) -> str:
        """What runs at present: the machine's program, or LLVM's."""
        return str(self._code.source)

    def run(self, *numbers: float) -> tuple[float, ...] | int:
        """The outputs, or the number of the first guard that does not hold."""
        return self._code.run(*numbers)  # type: ignore[no-any-return]


def _length(program: Program) -> int:
    """How many instructions there are to compile, with the steps of loops."""
    return len(program) + sum(map(_length, program.steps()))


def _work(program: Program) -> float:
    """How many operands one run reads, a loop's steps as often as they are done."""
    work = 0.0
    for op, operands in program.instructions:
        work += len(operands)
        if isinstance(op, Loop):
            count = _TYPICAL_COUNT if op.is_while or type(operands[0]) is int else operands[0]
            work += max(count, 0.0) * (_work(op.program) + len(op.program.outputs))
    return work


class DeferredCode:
    """A program that another back end compiles once it proves to be run more than once.

    A long program is compiled in the background if that back end takes long.
    """

    def __init__(self, program: Program, compile: Callable[[Program], Any], *, is_slow: Callable[[], bool]) -> None:
        self.program = program
        self._compile, self._is_slow = compile, is_slow
        self._runs = 0  # to the end, every guard holding
        self._compiled: Any = None
        self._lock = threading.Lock()

    @property
    def source(self) -> str:
        """What the other back end wrote."""
        return str(self._code().source)

    @property
    def call(self) -> Callable[..., Any] | None:
        """The compiled function itself, once there is one."""
        return self._compiled and self._compiled.call  # type: ignore[no-any-return]

    def run(self, *numbers: float) -> tuple[float, ...] | int:
        """The outputs, or the number of the first guard that does not hold."""
        if self._compiled is not None:
            return self._compiled.run(*numbers)  # type: ignore[no-any-return]
        if self._runs == _WORTH_COMPILING:
            if not (len(self.program) > _LONG and self._is_slow()):
                return self._code().run(*numbers)  # type: ignore[no-any-return]
            self._runs += 1  # only once
            in_background(self._code)
        answer = self.program.evaluate(*numbers)
        self._runs += type(answer) is tuple
        return answer

    def _code(self) -> Any:
        with self._lock:
            if self._compiled is None:
                self._compiled = self._compile(self.program)
        return self._compiled


# ---- In the background --------------------------------------------------------------------


class _Background:
    """One thread that does one task after the other, while there are any."""

    def __init__(self) -> None:
        self.tasks: deque[Callable[[], object]] = deque()
        self.lock = threading.Lock()
        self.thread: threading.Thread | None = None

    def add(self, task: Callable[[], object]) -> None:
        with self.lock:
            self.tasks.append(task)
            if self.thread is None:
                thread = threading.Thread(target=self.work, name="autograd_lite compiles", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # there can be no more threads
                    self.tasks.clear()
                    return
                self.thread = thread
                atexit.unregister(wait_for_background)
                atexit.register(wait_for_background, drop=True)  # LLVM must not run when the process ends under it

    def work(self) -> None:
        while True:
            with self.lock:
                if not self.tasks:
                    self.thread = None
                    return
                task = self.tasks.popleft()
            with contextlib.suppress(Exception):  # what was there before goes on
                task()


_background = _Background()


def _forget() -> None:
    """In a process that was forked, where the thread is not."""
    global _background
    _background = _Background()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def in_background(task: Callable[[], object]) -> None:
    """Do a task in another thread, after those that wait. What it raises is dropped."""
    _background.add(task)


def wait_for_background(*, drop: bool = False) -> None:
    """Return when nothing is left to do in the background, or, if what waits is dropped, when one task is done."""
    if drop:
        _background.tasks.clear()
    thread = _background.thread
    if thread is not None:
        thread.join()

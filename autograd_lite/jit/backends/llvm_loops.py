"""Loops written as LLVM's intermediate representation: a function each, whose carries are its registers.

A function reads its operands from an array, and puts its results into a block of memory: the address of the next older
block, then the results, then the columns of what comes out of each step. A bundle or a sequence is an address, which is
handed along in the bits of a double. Blocks are freed when the step that made them is over, or the call.
"""

from collections.abc import Callable, Sequence
from typing import Any

from autograd_lite.core.loops import Item, Loop, Stack
from autograd_lite.core.op import Op
from autograd_lite.jit.backends.cpython import CHANGED, ERROR, NO_MEMORY
from autograd_lite.jit.program import Program

__all__ = ["SUPPORT", "Functions", "address_of"]

#: What every text with loops has.
SUPPORT = f"""\
declare i32 @PyErr_CheckSignals()
declare i32 @PyGILState_Ensure()
declare void @PyGILState_Release(i32)

define internal void @free_blocks(ptr %heap) {{
start:
  %first = load ptr, ptr %heap
  br label %head
head:
  %block = phi ptr [%first, %start], [%older, %body]
  %none = icmp eq ptr %block, null
  br i1 %none, label %done, label %body
body:
  %older = load ptr, ptr %block
  call void @PyMem_RawFree(ptr %block)
  br label %head
done:
  store ptr null, ptr %heap
  ret void
}}

; A block of so many doubles, the newest of the heap; null where there is no memory.
define internal ptr @new_block(ptr %heap, i64 %count) {{
  %bytes = mul i64 %count, 8
  %size = add i64 %bytes, 16
  %block = call ptr @PyMem_RawMalloc(i64 %size)
  %none = icmp eq ptr %block, null
  br i1 %none, label %refused, label %made
refused:
  ret ptr null
made:
  %older = load ptr, ptr %heap
  store ptr %older, ptr %block
  store ptr %block, ptr %heap
  %content = getelementptr i8, ptr %block, i64 16
  ret ptr %content
}}

define internal void @copy(ptr %to, ptr %from, i64 %count) {{
start:
  br label %head
head:
  %i = phi i64 [0, %start], [%i1, %body]
  %more = icmp slt i64 %i, %count
  br i1 %more, label %body, label %done
body:
  %source = getelementptr double, ptr %from, i64 %i
  %x = load double, ptr %source
  %place = getelementptr double, ptr %to, i64 %i
  store double %x, ptr %place
  %i1 = add i64 %i, 1
  br label %head
done:
  ret void
}}

; Whether a signal, such as Ctrl-C, has left an error; asked for now and then.
define internal i64 @interrupted(i64 %steps) {{
  %rest = and i64 %steps, 65535
  %due = icmp eq i64 %rest, 65535
  br i1 %due, label %ask, label %fine
ask:
  %state = call i32 @PyGILState_Ensure()
  %signals = call i32 @PyErr_CheckSignals()
  call void @PyGILState_Release(i32 %state)
  %raised = icmp slt i32 %signals, 0
  br i1 %raised, label %error, label %fine
error:
  ret i64 {ERROR}
fine:
  ret i64 -1
}}
"""


def address_of(w: Any, operand: str) -> str:
    """The address that the bits of a double are."""
    bits = w._line(f"bitcast double {operand} to i64")
    return str(w._line(f"inttoptr i64 {bits} to ptr"))


def _double_of(w: Any, address: str) -> str:
    bits = w._line(f"ptrtoint ptr {address} to i64")
    return str(w._line(f"bitcast i64 {bits} to double"))


def _load(w: Any, array: str, position: Any, name: str | None = None) -> str:
    place = w._line(f"getelementptr double, ptr {array}, i64 {position}")
    if name is None:
        return str(w._line(f"load double, ptr {place}"))
    w._lines.append(f"{name} = load double, ptr {place}")
    return name


def _store(w: Any, number: str, array: str, position: Any) -> None:
    place = w._line(f"getelementptr double, ptr {array}, i64 {position}")
    w._lines.append(f"store double {number}, ptr {place}")


class Functions:
    """The functions of a text's loops. ``w`` writes lines, ``form`` gives the program of a step as it is written."""

    def __init__(self, w: Any, form: Callable[[Program], Program]) -> None:
        self._w, self._form = w, form
        self._names: dict[Loop, str] = {}
        #: Their texts.
        self.texts: list[str] = []

    def write(self, name: str, op: Op, x: Sequence[str], slots: Sequence[int | None]) -> None:
        """The lines of an instruction of :mod:`autograd_lite.core.loops`, the last of which sets ``name``.

        ``slots`` says which operands are in the array ``%s``, and where.
        """
        w = self._w
        if isinstance(op, Item):
            _load(w, address_of(w, x[0]), op.position, name)
        elif isinstance(op, Stack):
            block = w._line(f"call ptr @new_block(ptr %heap, i64 {len(x)})")
            w.stop_unless(w._line(f"icmp ne ptr {block}, null"), str(NO_MEMORY))
            for start, stop, source in self._runs(x, slots):
                if source is None:
                    _store(w, x[start], block, start)
                else:
                    there = w._line(f"getelementptr double, ptr {block}, i64 {start}")
                    w._lines.append(f"call void @copy(ptr {there}, ptr {source}, i64 {stop - start})")
            w._lines.append(f"{name} = bitcast i64 {w._line(f'ptrtoint ptr {block} to i64')} to double")
        else:
            assert isinstance(op, Loop)
            self._call(name, op, list(x))

    def _runs(self, x: Sequence[str], slots: Sequence[int | None]) -> list[tuple[int, int, str | None]]:
        """Operands in a row that are copied at once: from where to where they go, and where they are.

        A compiler takes long for thousands of lines that are one loop.
        """
        runs: list[tuple[int, int, str | None]] = []
        start = 0
        while start < len(x):
            stop, slot = start + 1, slots[start]
            if slot is not None:
                while stop < len(x) and slots[stop] == slot + stop - start:
                    stop += 1
                runs.append((start, stop, self._w._line(f"getelementptr double, ptr %s, i64 {slot}")))
            elif x[start].startswith("%"):
                runs.append((start, stop, None))
            else:
                while stop < len(x) and slots[stop] is None and not x[stop].startswith("%"):
                    stop += 1
                numbers = ", ".join(f"double {number}" for number in x[start:stop])
                self.texts.append(f"@c{len(self.texts)} = private constant [{stop - start} x double] [{numbers}]")
                runs.append((start, stop, f"@c{len(self.texts) - 1}"))
            start = stop
        return runs

    def _call(self, name: str, loop: Loop, x: list[str]) -> None:
        w = self._w
        if loop.is_while and loop.results:  # first how many steps it takes, and so how much room
            counting, counted = _in_two(loop)
            counts = address_of(w, self._called(counting, x))
            x = [_load(w, counts, counting.carries), *x[1:]]
            loop = counted
        bundle = self._called(loop, x)
        w._lines.append(f"{name} = select i1 true, double {bundle}, double {bundle}")

    def _called(self, loop: Loop, x: list[str]) -> str:
        """The lines of a call; its bundle."""
        w = self._w
        operands, result = w.allocate(len(x)), w.allocate(1)
        for position, number in enumerate(x):
            _store(w, number, operands, position)
        status = w._line(f"call i64 @{self._name_of(loop)}(ptr {operands}, ptr %heap, ptr {result})")
        w.stop_unless(w._line(f"icmp eq i64 {status}, -1"), status)
        return _load(w, result, 0)

    def _name_of(self, loop: Loop) -> str:
        if loop not in self._names:
            self._names[loop] = f"loop_{len(self._names)}"
            self.texts.append(self._w.function(lambda: self._written(loop, self._names[loop])))
        return self._names[loop]

    def _written(self, loop: Loop, name: str) -> str:
        """One loop as a function."""
        w, step = self._w, self._form(loop.program)
        first = loop.constants
        for position in range(first):
            _load(w, "%in", 1 + position, f"%v{position}")
        initial = [_load(w, "%in", 1 + first + k) for k in range(loop.carries)]
        read = range(first + loop.carries, len(step.inputs))
        sequences = {position: address_of(w, _load(w, "%in", 1 + position)) for position in read}
        flag = _load(w, "%in", 0)
        steps = None if loop.is_while else self._count(flag)
        self._make_room(loop, steps)
        outputs = [w._operand(output) for output in step.outputs]
        w._lines += ["br label %begin", "begin:", "br label %head", "head:", "%i = phi i64 [0, %begin], [%i1, %latch]"]
        for k, start in enumerate(initial):
            w._lines.append(f"%v{first + k} = phi double [{start}, %begin], [{outputs[k]}, %latch]")
        if steps is None:
            w._lines.append(f"%flag = phi double [{flag}, %begin], [{outputs[loop.carries + loop.results]}, %latch]")
        goes_on = w._line(f"fcmp une double %flag, {_ZERO}" if steps is None else f"icmp slt i64 %i, {steps}")
        w._lines += [f"br i1 {goes_on}, label %body, label %done", "body:"]
        at = w._line(f"sub i64 {w._line(f'sub i64 {steps}, 1')}, %i") if loop.is_reversed else "%i"
        for position, sequence in sequences.items():
            _load(w, sequence, at, f"%v{position}")
        self._step(step)
        for r in range(loop.results):
            place = w._line(f"add i64 {at}, {self._column(loop, r, steps)}")
            _store(w, outputs[loop.carries + r], "%results", place)
        status = w._line("call i64 @interrupted(i64 %i)")
        w.stop_unless(w._line(f"icmp eq i64 {status}, -1"), status)
        w._lines += ["call void @free_blocks(ptr %heap)", "br label %latch", "latch:", "%i1 = add i64 %i, 1"]
        w._lines += ["br label %head", "done:"]
        self._finish(loop, steps)
        head = [f"define internal i64 @{name}(ptr %in, ptr %older, ptr %out) {{", *w.allocations()]
        head += ["%heap = alloca ptr", "store ptr null, ptr %heap"]
        return "\n  ".join([*head, *w._lines, *_ends("call void @free_blocks(ptr %heap)")]) + "\n}"

    def _make_room(self, loop: Loop, steps: str | None) -> None:
        """The block of the results, and of the columns where their length is known."""
        w = self._w
        columns = "0" if steps is None else w._line(f"mul i64 {steps}, {loop.results}")
        size = w._line(f"add i64 {columns}, {loop.carries + loop.results + 1}")
        w._lines.append(f"%results = call ptr @new_block(ptr %older, i64 {size})")
        w.stop_unless(w._line("icmp ne ptr %results, null"), str(NO_MEMORY))

    def _step(self, step: Program) -> None:
        """The instructions of a step, and what has to hold then."""
        w, count = self._w, len(step.inputs)
        for position, (op, operands) in enumerate(step.instructions, count):
            w._write(f"%v{position}", op, operands)
        for guard in step.guards:
            holds = w._holds(guard)
            w.stop_unless(holds if guard.outcome else w._line(f"xor i1 {holds}, true"), str(CHANGED))
        if step.checked:
            status = w._unsure(step.checked, "-1")
            w.stop_unless(w._line(f"icmp eq i64 {status}, -1"), status)

    def _count(self, flag: str) -> str:
        """A count of steps, which has to be a whole number; less than 0 is none."""
        w = self._w
        floor = w._line(f"call double @llvm.floor.f64(double {flag})")
        is_whole, is_small = w._compared("oeq", floor, flag), w._compared("ole", flag, _LARGEST)
        w.stop_unless(w._line(f"and i1 {is_whole}, {is_small}"), str(CHANGED))
        positive = w._line(w._select(w._compared("ogt", flag, _ZERO), flag, _ZERO))
        return str(w._line(f"fptosi double {positive} to i64"))

    def _column(self, loop: Loop, r: int, steps: str | None) -> str:
        """Where among the results a column begins."""
        w = self._w
        return str(w._line(f"add i64 {w._line(f'mul i64 {steps}, {r}')}, {loop.carries + loop.results + 1}"))

    def _finish(self, loop: Loop, steps: str | None) -> None:
        w, first = self._w, loop.constants
        for k in range(loop.carries):
            _store(w, f"%v{first + k}", "%results", k)
        for r in range(loop.results):
            column = w._line(f"getelementptr double, ptr %results, i64 {self._column(loop, r, steps)}")
            _store(w, _double_of(w, column), "%results", loop.carries + r)
        _store(w, w._line("sitofp i64 %i to double"), "%results", loop.carries + loop.results)
        _store(w, _double_of(w, "%results"), "%out", 0)
        w._lines.append("ret i64 -1")


_ZERO, _LARGEST = "0x0000000000000000", "0x430C6BF526340000"  # 1e15


def _ends(*before: str) -> list[str]:
    """Where a function goes with a status, or with an error that Python has to raise."""
    return [
        "error:", f"store i64 {ERROR}, ptr %status", "br label %stop",
        "stop:", *before, "%stopped = load i64, ptr %status", "ret i64 %stopped",
    ]  # fmt: skip


def _in_two(loop: Loop) -> tuple[Loop, Loop]:
    """A while loop that only counts, and one of a known count that gives the same bundle."""
    step, kept = loop.program, loop.carries
    counting = step.outputs[:kept] + step.outputs[kept + loop.results :]
    sizes: dict[str, Any] = {"constants": loop.constants, "carries": kept, "sequences": 0}
    return (
        Loop(loop.name, _with_outputs(step, counting), **sizes, results=0, is_while=True),
        Loop(loop.name, _with_outputs(step, step.outputs[:-1]), **sizes, results=loop.results),
    )


def _with_outputs(program: Program, outputs: tuple[Any, ...]) -> Program:
    return Program(program.name, program.inputs, program.instructions, outputs, program.guards, program.checked)

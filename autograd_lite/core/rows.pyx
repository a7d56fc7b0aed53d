"""The virtual machine over blocks of rows: each instruction of a program at 32 to 128 rows of data at once.

There is no pure version, as for :mod:`autograd_lite.core.vm`, whose instructions these are. A row has numbers of its
own, from columns; the other inputs are the same for all rows. What depends on those alone is computed once, by the
machine for one row. What an instruction does to a block stands in ``rows.h``.
"""

from autograd_lite.core import ops
from autograd_lite.core.checks import describe

from cpython.mem cimport PyMem_RawCalloc, PyMem_RawFree
from cpython.object cimport PyObject
from libc cimport math as c
from libc.stdint cimport int64_t
from libc.string cimport memcpy, memset

from autograd_lite.core cimport vm
from autograd_lite.core.op cimport Op
from autograd_lite.core.vm cimport Code, vm_instruction

__all__ = ["Columns", "Rows", "Sums", "Uniforms"]

cdef extern from "rows.h":
    enum:
        VM_END, VM_ADD, VM_COPY, VM_MUL, VM_STRONG_MUL, VM_WHERE, VM_SUM, VM_MEAN, VM_DOT, VM_LINEAR
        VM_CALL1, VM_CHECKED1, VM_PYTHON, VM_GUARD_GREATER
        VM_OK, VM_ERROR
        ROWS_RR, ROWS_RU, ROWS_UR, ROWS_FORMS
    int rows_run(rows_block*) noexcept nogil
    void rows_load(const rows_block*, int, char**, const Py_ssize_t*, const int64_t*, long) noexcept nogil
    bint rows_are_finite(const rows_block*, int) noexcept nogil
    bint rows_finite(const double*, long) noexcept nogil
    void rows_totals(const rows_block*, const int*, long, long, double*) noexcept nogil
    void rows_add(double*, double*, const double*, const double*, long) noexcept nogil
    int rows_raise() except -1

#: The registers of a block shall take so many bytes at most, so that they stay in the cache.
cdef Py_ssize_t CACHE = 1024 * 1024
cdef Py_ssize_t SMALLEST = 32, LARGEST = 128


cdef void* _zeros(size_t count, size_t size) except NULL:
    memory = PyMem_RawCalloc(count if count else 1, size)
    if not memory:
        raise MemoryError
    return memory


# ---- Data ---------------------------------------------------------------------------------


cdef class Columns:
    """The numbers of rows, where they are: buffers of doubles, one after the other along a row.

    Args:
        length: how many rows there are.
        index: which row of the buffers each row is, as a buffer of 64-bit whole numbers; else all in order.
    """

    def __cinit__(self, Py_ssize_t length, index=None):
        self.length, self.buffers = length, []
        if index is not None:
            self.index_buffer = memoryview(index).cast("B").cast("q")
            if len(self.index_buffer) != length:
                raise ValueError(f"the index is of {len(self.index_buffer)} rows, and there are {length}")
            self.index = <int64_t*>vm.address_of(self.index_buffer)

    def __dealloc__(self):
        PyMem_RawFree(self.starts)
        PyMem_RawFree(self.steps)

    def add(self, buffer, Py_ssize_t width):
        """Add a buffer, of one number a row or of so many."""
        view = memoryview(buffer)
        if view.format != "d" or view.ndim not in (1, 2) or (view.ndim == 2 and view.shape[1] != width):
            raise ValueError(f"a column is a buffer of doubles with {width} in a row")
        cdef Py_ssize_t j, rows = view.shape[0] if view.ndim == 2 else view.shape[0] // (width or 1)
        if self.index == NULL:
            if rows < self.length and width:
                raise ValueError(f"a column is of {rows} rows, and there are {self.length}")
        elif width:
            for j in range(self.length):
                if not 0 <= self.index[j] < rows:
                    raise ValueError(f"there is no row {self.index[j]} in a column of {rows}")
        cdef char** starts = <char**>_zeros(self.width + width, sizeof(char*))
        cdef Py_ssize_t* steps = <Py_ssize_t*>_zeros(self.width + width, sizeof(Py_ssize_t))
        if self.width:
            memcpy(starts, self.starts, self.width * sizeof(char*))
            memcpy(steps, self.steps, self.width * sizeof(Py_ssize_t))
        cdef char* start = <char*>vm.address_of(view) if self.length and width else NULL
        cdef Py_ssize_t along = sizeof(double), down = width * view.strides[0]
        if view.ndim == 2:
            down, along = view.strides
        for j in range(width):
            starts[self.width + j] = start + j * along
            steps[self.width + j] = down
        PyMem_RawFree(self.starts)
        PyMem_RawFree(self.steps)
        self.starts, self.steps = starts, steps
        self.width += width
        self.buffers.append(view)


cdef class Uniforms:
    """The numbers that are the same for all rows: of one call, with what a program computes of them.

    ``failed`` is the number of the first guard among them that does not hold, or None.
    """

    def __dealloc__(self):
        PyMem_RawFree(self.u)


cdef class Sums:
    """Sums over rows as they grow: in groups of 32 rows, to which the rounding errors are added at the end."""

    def __cinit__(self, Py_ssize_t size):
        self.size = size
        self.sums = <double*>_zeros(2 * size, sizeof(double))
        self.errors = self.sums + size

    def __dealloc__(self):
        PyMem_RawFree(self.sums)

    def add(self, Sums other not None):
        """Add the sums of later rows."""
        if other.size != self.size:
            raise ValueError(f"there are {self.size} sums, got {other.size}")
        if not other.is_begun:
            return
        if not self.is_begun:
            memcpy(self.sums, other.sums, 2 * self.size * sizeof(double))
            self.is_begun = True
        else:
            rows_add(self.sums, self.errors, other.sums, other.errors, self.size)

    def totals(self):
        """The sums as floats."""
        return [self.sums[i] + self.errors[i] for i in range(self.size)]


# ---- Programs -----------------------------------------------------------------------------


cdef class Rows:
    """A program that runs over rows.

    Args:
        by_row: of each input whether each row has one of its own.
        instructions, outputs, guards: as those of :class:`autograd_lite.core.vm.Code`.
        results: so many of the outputs are given for each row, the others as their sums over all rows.
        late: so many inputs by row, the last ones, depend on the results: they are given when those are known.
        checked: numbers that have to be finite, or else a run stops at the block where one is not.
        block: so many rows at once, a multiple of 32; 0 to have it chosen.
    """

    def __cinit__(self, by_row, instructions, outputs, guards=(), *, results=0, late=0, checked=(), block=0):
        cdef Py_ssize_t i
        if block < 0 or block % GROUP:
            raise ValueError(f"a block is of a multiple of {GROUP} rows, got {block}")
        writer = _Writer(list(by_row), instructions, outputs, sorted(guards, key=lambda guard: guard.at), results, late)
        writer.write(checked)
        self.shared_count = writer.shared_count
        self.input_count = len(writer.by_row) - writer.shared_count - late
        self.result_count, self.sum_count = results, len(outputs) - results
        self.head, self.constants = writer.head, list(writer.constants)
        self.head_checked, self.head_checked_count = ints(writer.head_checked), len(writer.head_checked)
        self.size, self.uniform_count = writer.size, writer.uniform_count
        self.has_guards, self.calls_python, self.second = bool(guards), writer.calls_python, writer.second
        self.ops = list(writer.numbers)
        self.functions = <void**>_zeros(len(self.ops), sizeof(void*))
        for i in range(len(self.ops)):
            self.functions[i] = (<Op>self.ops[i]).function
        self.program = <vm_instruction*>_zeros(len(writer.lines), sizeof(vm_instruction))
        for i, (opcode, flag, to, a, b) in enumerate(writer.lines):
            self.program[i].opcode = opcode * ROWS_FORMS + _form(opcode, a, b)
            self.program[i].flag, self.program[i].to = flag, to
            self.program[i].a, self.program[i].b = a, b
        self.operands = ints(writer.operands)
        self.results = ints(writer.results)
        self.pairs = ints(writer.pairs)
        self.checked, self.checked_count = ints(writer.checked), len(writer.checked)
        self.is_checked = bool(checked)
        self.context.operands, self.context.functions = self.operands, self.functions
        self.context.ops = vm.items_of(self.ops)
        self.block = block or min(max(CACHE // (8 * (self.size or 1)) // GROUP * GROUP, SMALLEST), LARGEST)

    def __dealloc__(self):
        PyMem_RawFree(self.program)
        PyMem_RawFree(self.operands)
        PyMem_RawFree(self.functions)
        PyMem_RawFree(self.results)
        PyMem_RawFree(self.pairs)
        PyMem_RawFree(self.checked)
        PyMem_RawFree(self.head_checked)
        PyMem_RawFree(self.memory)

    def uniforms(self, numbers):
        """The numbers that are the same for all rows, with what is computed of them alone."""
        cdef Uniforms made = Uniforms.__new__(Uniforms)
        cdef Py_ssize_t i
        cdef double* r = NULL
        made.size = self.uniform_count
        made.u = <double*>_zeros(made.size, sizeof(double))
        if len(numbers) != self.shared_count:
            raise ValueError(f"there are {self.shared_count} inputs for all rows, got {len(numbers)}")
        for i in range(self.shared_count):
            made.u[i] = numbers[i]
        for i, (constant, _) in enumerate(self.constants, made.size - len(self.constants)):
            made.u[i] = constant
        made.is_finite, made.failed = True, None
        if self.head is not None:
            r = self.head.acquire()
            try:
                i = self.compute(made.u, r, &made.is_finite)
            finally:
                self.head.release(r)
            if i == VM_ERROR:
                rows_raise()
            if i != VM_OK:
                made.failed = i
        return made

    cdef int compute(self, double* u, double* r, bint* is_finite) noexcept nogil:
        """What follows from the numbers that are the same for all rows, on registers of the head: as vm_run."""
        cdef Py_ssize_t i
        cdef double check = 0.0
        cdef int status
        memcpy(r, u, self.shared_count * sizeof(double))
        status = vm.run(self.head, r)
        if status != VM_OK:
            return status
        for i in range(self.head.output_count):
            u[self.shared_count + i] = r[self.head.outputs[i]]
        for i in range(self.head_checked_count):
            check += u[self.head_checked[i]] - u[self.head_checked[i]]
        is_finite[0] = check == 0.0
        return status

    def run(self, Columns columns not None, Uniforms uniforms not None, Py_ssize_t start, Py_ssize_t stop, out=None, Sums sums=None,
            failed=None):
        """Run over rows from start to stop; returns where it stopped, which is earlier where a check failed.

        Args:
            out: a writable buffer of doubles for the results, one after the other, each for all rows of the columns.
            sums: what the sums are added to.
            failed: a writable buffer of 32-bit whole numbers for the guard that fails, a number for each row, which
                has to be -1; needed if there are guards. The results of a row that fails are void.
        """
        cdef Py_ssize_t i = 0
        cdef double* r
        cdef double* results = NULL
        cdef int* fails = NULL
        if columns.width != self.input_count:
            raise ValueError(f"a row has {self.input_count} numbers, got {columns.width}")
        if uniforms.size != self.uniform_count:
            raise ValueError("these uniforms are of another program")
        if stop > columns.length or start < 0:
            raise ValueError(f"there are {columns.length} rows, got {start} to {stop}")
        if self.result_count and stop > start:
            results = <double*>_writable(out, "d", columns.length * self.result_count)
        if self.has_guards and stop > start:
            fails = <int*>_writable(failed, "i", columns.length)
        if self.sum_count and (sums is None or sums.size != self.sum_count):
            raise ValueError(f"there are {self.sum_count} sums, and nothing to add them to")
        r = self.acquire()
        try:
            if self.calls_python:
                i = self.run_blocks(columns, uniforms, start, stop, r, results, sums, fails)
            else:
                with nogil:
                    i = self.run_blocks(columns, uniforms, start, stop, r, results, sums, fails)
            if i < 0:
                rows_raise()
        finally:
            self.release(r)
        return i

    cdef Py_ssize_t run_blocks(
        self, Columns columns, Uniforms uniforms, Py_ssize_t start, Py_ssize_t stop, double* r, double* results,
        Sums sums, int* failed,
    ) noexcept nogil:
        cdef rows_block block
        cdef Py_ssize_t width = min(self.block, (stop - start + LANES - 1) // LANES * LANES)
        cdef double* totals = r + (self.size + 3) * self.block
        self.open(&block, r, uniforms.u, width)
        while start < stop:
            block.rows, block.has_failed = min(width, stop - start), False
            block.failed = failed + start if failed != NULL else NULL
            rows_load(&block, <int>self.input_count, columns.starts, columns.steps, columns.index, start)
            if self.first_phase(&block) < 0 or self.second_phase(&block) < 0:
                return -1
            if not self.are_finite(&block):
                return start
            if self.sum_count:
                if block.has_failed:  # what is added has to be right
                    return start
                if not self.add_totals(&block, sums.sums, sums.errors, totals, sums.is_begun):
                    return start
                sums.is_begun = True
            if results != NULL:
                self.give(&block, results + start, 1, columns.length)
            start += block.rows
        return start

    cdef void open(self, rows_block* block, double* r, const double* u, long stride) noexcept nogil:
        """Registers of a stride for blocks; the columns go into the first."""
        block.context, block.r, block.u, block.stride = &self.context, r, u, stride
        block.scratch = r + self.size * stride
        block.python = vm.evaluated
        block.has_failed, block.failed = False, NULL

    cdef int first_phase(self, rows_block* block) noexcept nogil:
        """From the columns to the results."""
        block.program = self.program
        return -1 if rows_run(block) == VM_ERROR else 0

    cdef int second_phase(self, rows_block* block) noexcept nogil:
        """From there to the end."""
        if self.second == 0:
            return 0
        block.program = self.program + self.second
        return -1 if rows_run(block) == VM_ERROR else 0

    cdef bint are_finite(self, rows_block* block) noexcept nogil:
        """Whether what is checked is."""
        cdef Py_ssize_t i
        for i in range(self.checked_count):
            if not rows_are_finite(block, self.checked[i]):
                return False
        return True

    cdef bint add_totals(
        self, rows_block* block, double* sums, double* errors, double* totals, bint is_begun
    ) noexcept nogil:
        """Add the sums over a block; with nothing added if some have to be finite and are not."""
        cdef long first, i, n = self.sum_count, groups = (block.rows + GROUP - 1) // GROUP
        for i in range(groups):
            rows_totals(block, self.pairs, n, i * GROUP, totals + i * n)
        # All of them, checked or not: nothing is wrong with looking again.
        if self.is_checked and not rows_finite(totals, groups * n):
            return False
        for first in range(groups):
            if is_begun:
                rows_add(sums, errors, totals + first * n, NULL, n)
            else:
                memcpy(sums, totals, n * sizeof(double))
                memset(errors, 0, n * sizeof(double))
                is_begun = True
        return True

    cdef void give(self, rows_block* block, double* out, Py_ssize_t next_row, Py_ssize_t next_result) noexcept nogil:
        """Write the results of a block, so far from one another."""
        cdef Py_ssize_t i, k
        cdef const double* x
        cdef double constant
        for i in range(self.result_count):
            if self.results[i] < 0:
                constant = block.u[~self.results[i]]
                for k in range(block.rows):
                    out[i * next_result + k * next_row] = constant
            else:
                x = block.r + self.results[i] * block.stride
                for k in range(block.rows):
                    out[i * next_result + k * next_row] = x[k]

    cdef double* acquire(self) except NULL:
        """Registers, scratch and totals for one run: those of the program, or others while it runs elsewhere."""
        cdef size_t count = (self.size + 3) * self.block + self.sum_count * (self.block // GROUP)
        if not self.is_busy:
            if self.memory == NULL:
                self.memory = <double*>_zeros(count + LANES, sizeof(double))
            self.is_busy = True
            return <double*>((<size_t>self.memory + 63) // 64 * 64)
        # The address of what was allocated stands before them.
        memory = _zeros(count + LANES + 1, sizeof(double))
        aligned = <double*>((<size_t>memory + 8 + 63) // 64 * 64)
        (<void**>aligned)[-1] = memory
        return aligned

    cdef void release(self, double* r) noexcept:
        if r is <double*>((<size_t>self.memory + 63) // 64 * 64):
            self.is_busy = False
        else:
            PyMem_RawFree((<void**>r)[-1])


cdef void* _writable(buffer, kind, Py_ssize_t length) except NULL:
    view = memoryview(buffer)
    if view.readonly or view.format != kind or view.ndim != 1 or view.shape[0] < length or not view.c_contiguous:
        raise ValueError(f"needed is a writable buffer of {length} items of format {kind}, got {describe(buffer)}")
    return vm.address_of(view)


cdef int* ints(numbers) except NULL:
    cdef Py_ssize_t i
    cdef int* made = <int*>_zeros(len(numbers), sizeof(int))
    for i in range(len(numbers)):
        made[i] = numbers[i]
    return made


cdef int _form(int opcode, int a, int b):
    """How the operands of an instruction stand."""
    if VM_WHERE <= opcode < VM_GUARD_GREATER:  # in the list of operands
        return 0
    return ROWS_UR if a < 0 else ROWS_RU if b < 0 else ROWS_RR


# ---- Writing a program --------------------------------------------------------------------


class _Writer:
    """What splits one program in two, for the numbers of all rows and for those of each, and writes the latter.

    An operand is a register, or ~i for the uniform i. A guard comes before the instruction at its place.
    """

    def __init__(self, by_row, instructions, outputs, guards, results, late):
        self.by_row, self.instructions, self.outputs, self.guards = by_row, instructions, outputs, guards
        self.wanted, self.summed = outputs[:results], outputs[results:]
        self.count = len(by_row)
        self.is_late = [False] * self.count
        for place in [i for i, own in enumerate(by_row) if own][len(by_row) - by_row.count(False) - late :]:
            self.is_late[place] = True
        self.shared_count = by_row.count(False)
        self.constants, self.numbers = {}, {}
        self.lines, self.operands, self.calls_python = [], [], False
        self.head, self.head_checked = None, []
        self.second = 0

    def write(self, checked):
        self.of_rows = list(self.by_row)
        for _, operands in self.instructions:
            self.of_rows.append(any([type(o) is int and self.of_rows[o] for o in operands]))
        self.find_products()
        self.write_head(checked)
        self.find_last_uses(checked)
        self.write_lines()
        self.results = [self.place(o) for o in self.wanted]
        summed = set(self.summed)  # of these the sums are looked at
        self.checked = [self.places[o] for o in dict.fromkeys(checked) if self.of_rows[o] and o not in summed]

    def find_products(self):
        """Products of two numbers of a row that are only summed: they are multiplied when they are added."""
        uses = [0] * len(self.of_rows)
        for _, operands in self.instructions:
            for o in operands:
                if type(o) is int:
                    uses[o] += 1
        for o in [*self.wanted, *[x for guard in self.guards for x in (guard.left, guard.right)]]:
            if type(o) is int:
                uses[o] += 1
        self.products = {}
        for o in self.summed:
            if type(o) is int and o >= self.count and uses[o] == 0:
                op, operands = self.instructions[o - self.count]
                if op is ops.mul and all([type(x) is int and self.of_rows[x] for x in operands]):
                    self.products[o] = operands

    def write_head(self, checked):
        """The program of what is the same for all rows, and which uniform each number is."""
        self.uniform, shared = {}, {}
        for position in range(self.count):
            if not self.by_row[position]:
                shared[position] = self.uniform[position] = len(shared)
        at, lines, place = dict(shared), [], {}
        for position, (op, operands) in enumerate(self.instructions, self.count):
            place[position] = len(shared) + len(lines)
            if not self.of_rows[position]:
                at[position] = len(shared) + len(lines)
                lines.append((op, tuple([at[o] if type(o) is int else o for o in operands])))
        place[self.count + len(self.instructions)] = len(shared) + len(lines)
        guards = [
            guard._replace(
                at=place[guard.at],
                left=at[guard.left] if type(guard.left) is int else guard.left,
                right=at[guard.right] if type(guard.right) is int else guard.right,
            )
            for guard in self.guards
            if not self.is_of_rows(guard.left) and not self.is_of_rows(guard.right)
        ]
        computed = [position for position in at if position >= self.count]
        if lines or guards:
            self.head = Code(len(shared), lines, [at[position] for position in computed], guards)
        for position in computed:
            self.uniform[position] = len(self.uniform)
        self.uniform_count = len(self.uniform)
        self.head_checked = [self.uniform[o] for o in checked if not self.of_rows[o]]

    def is_of_rows(self, operand):
        return type(operand) is int and self.of_rows[operand]

    def find_last_uses(self, checked):
        """When each number of a row is read for the last time; `ends` is where the first phase has been computed."""
        numbers = len(self.of_rows)
        self.last = [-1] * numbers
        self.ends = max([o for o in self.wanted if self.is_of_rows(o)], default=self.count - 1) + 1
        if not any(self.is_late):
            self.ends = numbers
        for position, (op, operands) in enumerate(self.instructions, self.count):
            if self.of_rows[position] and position not in self.products:
                for o in operands:
                    if type(o) is int:
                        self.last[o] = position
        for guard in self.guards:
            for o in (guard.left, guard.right):
                if type(o) is int:
                    self.last[o] = max(self.last[o], guard.at)
        for o in self.wanted:
            if type(o) is int:
                self.last[o] = max(self.last[o], self.ends)
        kept = [*self.summed, *[x for pair in self.products.values() for x in pair], *checked]
        if self.ends == numbers:
            kept += self.wanted
        for o in kept:
            if type(o) is int:
                self.last[o] = numbers + 1

    def write_lines(self):
        self.places, self.free, self.size = {}, [], 0
        for position in range(self.count):
            if self.by_row[position]:
                self.places[position] = self.size
                self.size += 1
        dying = {}
        for position, time in enumerate(self.last):
            dying.setdefault(time, []).append(position)
        waiting = list(self.guards)[::-1]
        for position in range(self.count, len(self.of_rows) + 1):
            while waiting and waiting[-1].at <= position:
                self.write_guard(waiting.pop())
            if position == self.ends and position < len(self.of_rows):
                self.lines.append((VM_END, 0, 0, 0, 0))
                self.second = len(self.lines)
            if position < len(self.of_rows) and self.of_rows[position] and position not in self.products:
                op, operands = self.instructions[position - self.count]
                self.write_line(op, operands, position, dying.get(position, ()))
            else:
                self.drop(dying.get(position, ()))
        self.pairs = []
        for o in self.summed:
            a, b = self.products.get(o, (o, None))
            self.pairs += [self.register(a), -1 if b is None else self.register(b)]
        self.lines.append((VM_END, 0, 0, 0, 0))

    def drop(self, positions):
        """Give back the registers of numbers that have been read for the last time."""
        for position in positions:
            if position in self.places and not (position < self.count and self.is_late[position]):
                self.free.append(self.places[position])

    def place(self, operand):
        """The register of an operand, or the ~ of a uniform."""
        if self.is_of_rows(operand):
            return self.places[operand]
        if type(operand) is int:
            return ~self.uniform[operand]
        key = (operand, c.copysign(1.0, operand))
        if key not in self.constants:  # they come after the other uniforms, in this order
            self.constants[key] = self.uniform_count
            self.uniform_count += 1
        return ~self.constants[key]

    def register(self, operand):
        """The register of an operand; a uniform is copied into one."""
        place = self.place(operand)
        if place < 0:
            to = self.result()
            self.lines.append((VM_COPY, 0, to, place, 0))
            place = to
        return place

    def result(self):
        if self.free:
            return self.free.pop()
        self.size += 1
        return self.size - 1

    def write_guard(self, guard):
        if not (self.is_of_rows(guard.left) or self.is_of_rows(guard.right)):
            return
        opcode = vm.opcode_of_guard(guard.comparison)
        self.lines.append((opcode, int(guard.outcome), guard.number, self.place(guard.left), self.place(guard.right)))

    def write_line(self, op, operands, position, dying):
        opcode = vm.opcode_among(op, operands)
        if op.arity is not None and len(operands) != op.arity:
            raise TypeError(f"{op.name} takes {op.arity} operands, got {len(operands)}")
        a = b = 0
        reads_late = opcode in (VM_SUM, VM_MEAN)  # they write before they have read everything
        if opcode == VM_DOT:
            opcode, operands = VM_LINEAR, (-0.0, *operands)  # -0.0 + x is x
        if opcode == VM_LINEAR:
            a, b = self.write_pairs(operands)
        elif opcode >= VM_WHERE:
            if opcode == VM_PYTHON:
                self.operands.append(len(operands))
            if opcode >= VM_CHECKED1:
                self.calls_python = True
            placed = [self.place(o) for o in operands]
            a, b = len(self.operands), self.numbers.setdefault(op, len(self.numbers)) if opcode >= VM_CALL1 else len(operands)
            self.operands += placed
        elif op is ops.no_slope:
            a = self.place(0.0)
        else:
            a = self.place(operands[0])
            b = self.place(operands[1]) if len(operands) == 2 and op not in (ops.constant_power, ops.round_) else 0
        if not reads_late:
            self.drop(dying)
        to = self.result()
        if reads_late:
            self.drop(dying)
        self.places[position] = to
        self.lines.append((opcode, 0, to, a, b))
        if self.last[position] == -1:
            self.free.append(to)

    def write_pairs(self, operands):
        """A start and pairs of factors, a uniform always first in its pair. Returns where they begin, and how many."""
        placed, copies = [self.place(operands[0])], []
        for x, y in zip(operands[1::2], operands[2::2], strict=True):
            x, y = self.place(x), self.place(y)
            if y < 0:
                x, y = y, x
            if y < 0:  # two uniforms
                to = self.result()
                self.lines.append((VM_COPY, 0, to, y, 0))
                copies.append(to)
                y = to
            placed += [x, y]
        self.free += copies
        start = len(self.operands)
        self.operands += placed
        return start, len(placed)

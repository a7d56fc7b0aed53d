"""The virtual machine of the compiled core: programs of primitives evaluated at once, without compiling them.

There is no pure version: where the core is not compiled, programs are Python source (:mod:`autograd_lite.jit`),
and an :class:`Op` evaluates itself.

A program is an array of instructions on an array of registers, which are doubles: inputs first, then constants
and results. A register is given to another number when the one it holds has been read for the last time.
What an instruction computes stands in ``vm.h``.
"""

import array
import math

from autograd_lite.core import kernels, ops, special
from autograd_lite.core.checks import as_float, describe
from autograd_lite.core.loops import BodyChanged, Item, Loop, Stack
from autograd_lite.core.op import is_primitive
from autograd_lite.core.recorded import CHOOSE_BY, are_as_read, readings, recorded_partials

cimport cython
from cpython.buffer cimport Py_buffer, PyBUF_FORMAT, PyBUF_STRIDES, PyObject_GetBuffer, PyBuffer_Release
from cpython.mem cimport PyMem_Malloc, PyMem_Free
from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_GetName, PyCapsule_GetPointer
from libc cimport math as c
from libc.string cimport memcpy

from autograd_lite.core.op cimport Op

__all__ = ["Code", "evaluate", "partials", "repeated"]

cdef extern from "vm.h":
    enum:
        VM_UNKNOWN, VM_END, VM_ARITHMETIC, VM_ADD, VM_SUB, VM_MUL, VM_DIV, VM_FLOORDIV, VM_MOD
        VM_STRONG_MUL, VM_STRONG_ZERO
        VM_MAXIMUM, VM_MINIMUM, VM_GREATER, VM_GREATER_EQUAL, VM_LESS, VM_LESS_EQUAL, VM_EQUAL, VM_NOT_EQUAL
        VM_NEG, VM_COPY, VM_SQUARE, VM_CUBE, VM_FOURTH, VM_RECIPROCAL, VM_RECIPROCAL_SQUARE, VM_RELU, VM_ROUND
        VM_ABS, VM_SQRT, VM_WHERE, VM_SUM, VM_MEAN, VM_DOT, VM_LINEAR, VM_LOG_SUM_EXP, VM_CALL1, VM_KERNEL1
        VM_CHECKED1, VM_PYTHON, VM_LOOP, VM_STACK, VM_ITEM
        VM_GUARD_GREATER, VM_GUARD_GREATER_EQUAL, VM_GUARD_LESS, VM_GUARD_LESS_EQUAL, VM_GUARD_EQUAL
        VM_GUARD_NOT_EQUAL
        VM_OK, VM_ERROR, VM_NO_MEMORY, VM_BODY_CHANGED
    ctypedef int (*vm_python)(PyObject*, const double*, const int*, Py_ssize_t, double*) except -1
    int vm_run(const vm_instruction*, double*, const vm_context*, vm_python) nogil
    int vm_value(int, void**, PyObject*, double*, const int*, Py_ssize_t, vm_python, double*) except -9
    double vm_from_address(const void*)
    double* vm_address(double)
    void vm_trim_blocks(double*, const Py_ssize_t*, Py_ssize_t)
    void vm_free_blocks(double*, const Py_ssize_t*, Py_ssize_t)
    object vm_call(object function, const double* r, const int* at, Py_ssize_t n)

cdef extern from *:
    """
    static PyMethodDef vm_method = {"run", NULL, METH_FASTCALL, "A program: its outputs for so many floats."};
    static PyObject *vm_builtin(PyObject *code, PyObject *(*run)(PyObject *, PyObject *const *, Py_ssize_t)) {
        vm_method.ml_meth = (PyCFunction)(void (*)(void))run;
        return PyCFunction_NewEx(&vm_method, code, NULL);
    }
    """
    object vm_builtin(object code, object (*run)(object, PyObject* const*, Py_ssize_t))
    bint PyFloat_CheckExact(PyObject*)
    double PyFloat_AS_DOUBLE(PyObject*)
    object PyObject_Vectorcall(object, PyObject* const*, size_t, void*)
    PyObject** PySequence_Fast_ITEMS(object)
    object PyTuple_New(Py_ssize_t)
    void PyTuple_SET_ITEM(object, Py_ssize_t, PyObject*)
    PyObject* PyFloat_FromDouble(double) except NULL

#: From so many instructions on a program lets go of the interpreter lock.
cdef Py_ssize_t LONG = 500
#: What a program answers where an argument is no float, or there are too many.
cdef object NOT_FLOATS = -3


# ---- What an Op is to the machine ---------------------------------------------------------

cdef dict OPCODES = {
    "add": VM_ADD, "sub": VM_SUB, "mul": VM_MUL, "div": VM_DIV, "floordiv": VM_FLOORDIV, "mod": VM_MOD,
    "strong_mul": VM_STRONG_MUL, "strong_zero": VM_STRONG_ZERO, "maximum": VM_MAXIMUM, "minimum": VM_MINIMUM,
    "greater": VM_GREATER, "greater_equal": VM_GREATER_EQUAL, "less": VM_LESS, "less_equal": VM_LESS_EQUAL,
    "equal": VM_EQUAL, "not_equal": VM_NOT_EQUAL, "neg": VM_NEG, "identity": VM_COPY, "square": VM_SQUARE,
    "reciprocal": VM_RECIPROCAL, "relu": VM_RELU, "abs": VM_ABS, "sqrt": VM_SQRT, "where": VM_WHERE,
    "sum": VM_SUM, "mean": VM_MEAN, "dot": VM_DOT, "linear": VM_LINEAR, "logsumexp": VM_LOG_SUM_EXP,
}
#: x ** n for these constants n, as kernels.constant_power has it.
cdef dict POWERS = {
    1.0: VM_COPY, 2.0: VM_SQUARE, 3.0: VM_CUBE, 4.0: VM_FOURTH, -1.0: VM_RECIPROCAL, -2.0: VM_RECIPROCAL_SQUARE,
}
cdef dict GUARDS = {
    ">": VM_GUARD_GREATER, ">=": VM_GUARD_GREATER_EQUAL, "<": VM_GUARD_LESS, "<=": VM_GUARD_LESS_EQUAL,
    "==": VM_GUARD_EQUAL, "!=": VM_GUARD_NOT_EQUAL,
}
#: The functions of C's library that Python's math calls, by the address.
cdef dict LIBM = {
    math.exp: <size_t>&c.exp, math.exp2: <size_t>&c.exp2, math.expm1: <size_t>&c.expm1, math.log: <size_t>&c.log,
    math.log2: <size_t>&c.log2, math.log10: <size_t>&c.log10, math.log1p: <size_t>&c.log1p, math.cbrt: <size_t>&c.cbrt,
    math.sin: <size_t>&c.sin, math.cos: <size_t>&c.cos, math.tan: <size_t>&c.tan, math.asin: <size_t>&c.asin,
    math.acos: <size_t>&c.acos, math.atan: <size_t>&c.atan, math.sinh: <size_t>&c.sinh, math.cosh: <size_t>&c.cosh,
    math.tanh: <size_t>&c.tanh, math.asinh: <size_t>&c.asinh, math.acosh: <size_t>&c.acosh,
    math.atanh: <size_t>&c.atanh, math.erf: <size_t>&c.erf, math.erfc: <size_t>&c.erfc, math.pow: <size_t>&c.pow,
    math.atan2: <size_t>&c.atan2, math.copysign: <size_t>&c.copysign,
}


cdef int prepare(Op op) except -1:
    """Find out once what computes an op: an instruction, a function of C's library, a kernel, or Python."""
    op.known_value = op.value
    if type(op) is Op:
        op.vectorcall = <void*>called_op
    op.opcode = VM_PYTHON
    if isinstance(op, (Loop, Stack, Item)):
        return prepare_loop(op)
    if not (is_primitive(op) or op is ops.strong_mul or op is ops.strong_zero):
        return 0  # a user's own, whose value may give what it likes
    if op.name in OPCODES:
        op.opcode = OPCODES[op.name]
    elif op.value in LIBM:
        op.function = <void*><size_t>LIBM[op.value]
        op.opcode = VM_CALL1 + op.arity - 1
    else:
        op.function = _kernel(kernels, op)
        op.opcode = VM_KERNEL1 + op.arity - 1 if op.function else VM_PYTHON
        if not op.function:
            op.function = _kernel(special, op)
            op.opcode = VM_CHECKED1 + op.arity - 1 if op.function else VM_PYTHON
    return 0


cdef int prepare_loop(Op op) except -1:
    """The step of a loop as a program of its own, once."""
    cdef Code code
    cdef object loop = op  # as Python has it: its program is not what the machine keeps under that name
    op.opcode = VM_STACK if isinstance(op, Stack) else VM_ITEM if isinstance(op, Item) else VM_LOOP
    if op.opcode == VM_LOOP:
        step = loop.program
        code = Code(len(step.inputs), step.instructions, step.outputs, step.guards, loop.constants)
        code.loop.constants, code.loop.carries, code.loop.sequences = loop.constants, loop.carries, loop.sequences
        code.loop.results, code.loop.is_reversed, code.loop.is_while = loop.results, loop.is_reversed, loop.is_while
        op.program, op.function = code, <void*>&code.loop
    return 0


cdef inline int opcode_of(Op op, Py_ssize_t n) except -1:
    """The instruction for an op of so many operands."""
    if op.opcode == VM_UNKNOWN or op.value is not op.known_value:
        prepare(op)
    if (op.opcode == VM_DOT and n % 2 == 1) or (op.opcode == VM_LINEAR and n % 2 == 0):
        return VM_PYTHON  # which refuses factors that come in no pairs
    return op.opcode


cdef int opcode_among(Op op, operands) except -1:
    """The instruction for an op at these operands: with some constants it is another."""
    cdef int opcode = opcode_of(op, len(operands))
    if opcode < VM_WHERE:
        return opcode
    if op is ops.constant_power and type(operands[1]) is float:
        return POWERS.get(operands[1], opcode)
    if op is ops.round_ and type(operands[1]) is float and operands[1] == 0.0:
        return VM_ROUND
    if op is ops.no_slope:
        return VM_COPY
    return opcode


cdef int opcode_of_guard(comparison) except -1:
    """The instruction that looks whether a comparison holds."""
    return GUARDS[comparison]


cdef void* address_of(buffer) except? NULL:
    """Where the items of a buffer stand. It has to be kept."""
    cdef Py_buffer view
    PyObject_GetBuffer(buffer, &view, PyBUF_FORMAT | PyBUF_STRIDES)
    address = view.buf
    PyBuffer_Release(&view)
    return address


cdef int run(Code code, double* r) noexcept nogil:
    """Run on registers whose inputs and constants are set; with the lock held if the code calls Python."""
    return vm_run(code.program, r, &code.context, evaluated)


cdef PyObject** items_of(list things):
    """The things of a list as C has them, for as long as it stays as it is."""
    return PySequence_Fast_ITEMS(things)


cdef void* _kernel(module, Op op) except? NULL:
    """The C function that the op's value is, where it was compiled as a function of so many doubles."""
    capsule = getattr(module, "__pyx_capi__", {}).get(getattr(op.value, "__name__", None))
    if capsule is None or op.arity is None or op.arity > 3 or getattr(module, op.value.__name__) is not op.value:
        return NULL
    signature = PyCapsule_GetName(capsule)
    if signature != f"double ({'double, ' * op.arity}int __pyx_skip_dispatch)".encode():
        return NULL
    return PyCapsule_GetPointer(capsule, signature)


cdef int evaluated(PyObject* which, const double* r, const int* at, Py_ssize_t n, double* answer) except -1:
    """The value of any op at registers, in Python."""
    cdef Op op = <Op><object>which
    if type(op) is Op:
        try:
            ans = vm_call(op.value, r, at, n)
        except (ArithmeticError, ValueError):
            ans = vm_call(op.evaluate, r, at, n)
    else:  # which may compute otherwise
        ans = vm_call(op.evaluate, r, at, n)
    answer[0] = ans if type(ans) is float else as_float(ans)
    return 0


# ---- Calls of an Op -----------------------------------------------------------------------
# An op that has been used is called on Values without a tuple of its operands: that is half the time of tanh(x).

ctypedef object (*unary_function)(PyObject*, PyObject*, int)
ctypedef object (*binary_function)(PyObject*, PyObject*, PyObject*, bint, int)

cdef extern from *:
    """
    static int vm_accept_calls(PyObject *kind, Py_ssize_t offset) {
        /* __call__ by name is the slot too: Cython leaves one of the @overload lines there. */
        PyObject *names = PyObject_GetAttrString((PyObject *)&PyType_Type, "__dict__");
        PyObject *of_type = names ? PyMapping_GetItemString(names, "__call__") : NULL;
        PyObject *method = of_type ? PyDescr_NewWrapper((PyTypeObject *)kind, ((PyWrapperDescrObject *)of_type)->d_base,
                                                        (void *)((PyTypeObject *)kind)->tp_call) : NULL;
        if (!method || PyDict_SetItemString(((PyTypeObject *)kind)->tp_dict, "__call__", method)) return -1;
        Py_DECREF(names), Py_DECREF(of_type), Py_DECREF(method);
        ((PyTypeObject *)kind)->tp_vectorcall_offset = offset;
        ((PyTypeObject *)kind)->tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL;
        PyType_Modified((PyTypeObject *)kind);
        return 0;
    }
    static PyObject *vm_slow_call(PyObject *op, PyObject *const *given, size_t count, PyObject *names) {
        PyObject *operands, *named = NULL, *result = NULL;
        Py_ssize_t i, n = PyVectorcall_NARGS(count);
        operands = PyTuple_New(n);
        if (!operands) return NULL;
        for (i = 0; i < n; i++) {
            Py_INCREF(given[i]);
            PyTuple_SET_ITEM(operands, i, given[i]);
        }
        if (names && PyTuple_GET_SIZE(names)) {
            named = PyDict_New();
            if (!named) goto end;
            for (i = 0; i < PyTuple_GET_SIZE(names); i++)
                if (PyDict_SetItem(named, PyTuple_GET_ITEM(names, i), given[n + i])) goto end;
        }
        result = Py_TYPE(op)->tp_call(op, operands, named);
    end:
        Py_DECREF(operands);
        Py_XDECREF(named);
        return result;
    }
    """
    int vm_accept_calls(object kind, Py_ssize_t offset) except -1
    object vm_slow_call(PyObject* op, PyObject* const* given, size_t count, PyObject* names)
    Py_ssize_t PyVectorcall_NARGS(size_t)

cdef PyObject* of_values = NULL  # the class Value, once it is there
cdef unary_function unary
cdef binary_function binary


cpdef serve(kind, functions):
    """Call ops on Values of this class by the C functions ``unary`` and ``binary`` of the module that records."""
    global of_values, unary, binary
    unary = <unary_function>PyCapsule_GetPointer(functions["unary"], PyCapsule_GetName(functions["unary"]))
    binary = <binary_function>PyCapsule_GetPointer(functions["binary"], PyCapsule_GetName(functions["binary"]))
    of_values = <PyObject*>kind


cdef object called_op(PyObject* op, PyObject* const* given, size_t count, PyObject* names):
    """What Python calls where it calls an op."""
    cdef Py_ssize_t n = PyVectorcall_NARGS(count)
    if names == NULL and n == (<Op>op)._count:
        if n == 1 and <PyObject*>given[0].ob_type == of_values:
            return unary(op, given[0], 0)
        if n == 2:
            answer = NotImplemented
            if <PyObject*>given[0].ob_type == of_values:
                answer = binary(op, given[0], given[1], False, 0)
            elif <PyObject*>given[1].ob_type == of_values:
                answer = binary(op, given[1], given[0], True, 0)
            if answer is not NotImplemented:
                return answer
    return vm_slow_call(op, given, count, names)


cdef int accept_calls() except -1:
    cdef Op op = ops.add
    return vm_accept_calls(Op, <char*>&op.vectorcall - <char*><void*>op)


accept_calls()


# ---- Programs -----------------------------------------------------------------------------

@cython.no_gc_clear  # the blocks of its loops go before what they refer to
cdef class Code:
    """A program that runs.

    Args:
        count: how many inputs it has.
        instructions: of each the Op and its operands: an int is the position of a number (inputs first, then
            the result of each instruction), a float a constant.
        outputs: operands that are the results.
        guards: comparisons, each with ``number, at, comparison, left, right, outcome`` as in
            :class:`autograd_lite.jit.program.Guard`.
        lasting: so many of the inputs keep their registers, as one run of a loop's step follows the other.

    ``call`` is a builtin function of so many floats: it gives the tuple of outputs, or the number of the first
    guard that does not hold, or -3 where an argument is no float.

    >>> from autograd_lite.core import ops
    >>> code = Code(2, [(ops.mul, (0, 1)), (ops.add, (2, 1.0))], (3,))
    >>> code.call(2.0, 3.0)
    (7.0,)
    >>> code.size  # two inputs, a constant, and a result that takes the place of another
    3
    """

    def __cinit__(self, Py_ssize_t count, instructions, outputs, guards=(), Py_ssize_t lasting=0):
        self.count, self.length, self.due = count, len(instructions), -1
        self.ops = []
        _Writer(self, instructions, outputs, guards, lasting).write()
        self.context.operands, self.context.functions = self.operands, self.functions
        self.context.ops = items_of(self.ops)
        self.loop.program, self.loop.context, self.loop.registers = self.program, &self.context, self.registers
        self.loop.outputs, self.loop.size, self.loop.length = self.outputs, self.size, self.length
        self.loop.blocks, self.loop.block_count = self.blocks, self.block_count

    def __dealloc__(self):
        if self.registers:
            vm_free_blocks(self.registers, self.blocks, self.block_count)
        PyMem_Free(self.blocks)
        PyMem_Free(self.program)
        PyMem_Free(self.operands)
        PyMem_Free(self.functions)
        PyMem_Free(self.places)
        PyMem_Free(self.registers)
        PyMem_Free(self.outputs)

    @property
    def call(self):
        """The program as a builtin function."""
        return vm_builtin(self, _called)

    def register_of(self, Py_ssize_t position):
        """In which register a number is, from when it is known until it has been read for the last time."""
        return self.places[position]

    def notify(self, Py_ssize_t runs, function):
        """Call the function, without arguments, after so many more runs."""
        self.due, self.when_due = self.runs + runs, function

    def hand_over(self, function):
        """Let another function of the same floats answer from now on."""
        self.successor = function

    cdef int execute(self, double* r) except -9:
        """Run on registers whose inputs and constants are set: -1, or the number of the guard that fails."""
        cdef int status
        if self.calls_python or not self.yields:
            status = vm_run(self.program, r, &self.context, evaluated)
        else:
            with nogil:
                status = vm_run(self.program, r, &self.context, evaluated)
        if status < VM_ERROR:
            _raise(status)
        return status

    cdef double* acquire(self) except NULL:
        """Registers for one run: those of the program, or a copy while it runs elsewhere."""
        cdef double* r
        cdef Py_ssize_t i
        if not self.is_busy:
            self.is_busy = True
            return self.registers
        r = <double*>_allocated(self.size * sizeof(double))
        memcpy(r, self.registers, self.size * sizeof(double))
        for i in range(self.block_count):  # those of the other run
            r[self.blocks[i]] = 0.0
        return r

    cdef void release(self, double* r) noexcept:
        if r is self.registers:
            vm_trim_blocks(r, self.blocks, self.block_count)
            self.is_busy = False
        else:
            vm_free_blocks(r, self.blocks, self.block_count)
            PyMem_Free(r)


cdef int _raise(int status) except -1:
    """Raise what a loop ended with; an error of VM_ERROR is set already."""
    if status == VM_NO_MEMORY:
        raise MemoryError
    if status == VM_BODY_CHANGED:
        raise BodyChanged
    return -1


cdef object _called(object self, PyObject* const* given, Py_ssize_t count):
    """What Python calls: floats in, the tuple of outputs out."""
    cdef Code code = <Code>self
    cdef Py_ssize_t i
    cdef double* r
    cdef int status
    if code.successor is not None:
        return PyObject_Vectorcall(code.successor, given, count, NULL)
    if count != code.count:
        return NOT_FLOATS
    for i in range(count):
        if not PyFloat_CheckExact(given[i]):
            return NOT_FLOATS
    r = code.acquire()
    try:
        for i in range(count):
            r[i] = PyFloat_AS_DOUBLE(given[i])
        status = code.execute(r)
        if status != VM_OK:
            return status
        answer = PyTuple_New(code.output_count)
        for i in range(code.output_count):
            PyTuple_SET_ITEM(answer, i, PyFloat_FromDouble(r[code.outputs[i]]))
    finally:
        code.release(r)
    code.runs += 1
    if code.runs == code.due:
        due, code.when_due = code.when_due, None
        due()
    return answer


cdef void* _allocated(size_t size) except NULL:
    memory = PyMem_Malloc(size if size else 1)
    if not memory:
        raise MemoryError
    return memory


cdef class _Writer:
    """What writes the instructions of one program and gives out its registers."""

    cdef Code code
    cdef object instructions, outputs, guards
    cdef dict constants, numbers
    cdef int* last  # when each number is read for the last time; -1 once its register is free
    cdef int* free
    cdef Py_ssize_t free_count, written, operand_count, lasting

    def __cinit__(self, Code code, instructions, outputs, guards, Py_ssize_t lasting):
        self.code, self.instructions, self.outputs, self.lasting = code, instructions, outputs, lasting
        self.guards = sorted(guards, key=lambda guard: guard.at)
        self.constants, self.numbers = {}, {}

    def __dealloc__(self):
        PyMem_Free(self.last)
        PyMem_Free(self.free)

    cdef int write(self) except -1:
        cdef Py_ssize_t i, length = self.code.length, waiting = 0, guard_count = len(self.guards)
        cdef Code code = self.code
        self.allocate()
        self.find_last_uses()
        for i in range(code.count):
            code.places[i] = <int>i
        code.size = code.count
        for i in range(length + 1):
            while waiting < guard_count and self.guards[waiting].at <= code.count + i:
                self.write_guard(self.guards[waiting], 2 * i)
                waiting += 1
            if i < length:
                op, operands = self.instructions[i]
                self.write_instruction(op, operands, code.count + i, 2 * i + 1)
        self.emit(VM_END, 0, 0, 0, 0)
        code.output_count = len(self.outputs)
        code.outputs = <Py_ssize_t*>_allocated(code.output_count * sizeof(Py_ssize_t))
        for i in range(code.output_count):
            code.outputs[i] = self.place(self.outputs[i])
        self.finish()
        return 0

    cdef int allocate(self) except -1:
        cdef Py_ssize_t numbers = self.code.count + self.code.length, operands = 0
        for _, of in self.instructions:
            operands += len(of) + 1
        cdef Py_ssize_t lines = self.code.length + len(self.guards) + 1
        self.code.program = <vm_instruction*>_allocated(lines * sizeof(vm_instruction))
        self.code.operands = <int*>_allocated(operands * sizeof(int))
        self.code.places = <int*>_allocated(numbers * sizeof(int))
        self.code.blocks = <Py_ssize_t*>_allocated(self.code.length * sizeof(Py_ssize_t))
        self.last = <int*>_allocated(numbers * sizeof(int))
        self.free = <int*>_allocated(numbers * sizeof(int))
        return 0

    cdef int find_last_uses(self) except -1:
        """An instruction has an odd time, the guards before it the even one before that."""
        cdef Py_ssize_t i, length = self.code.length, count = self.code.count
        for i in range(count + length):
            self.last[i] = 0
        for i in range(length):
            for operand in self.instructions[i][1]:
                self.read(operand, count + i, 2 * i + 1)
        for guard in self.guards:
            for operand in (guard.left, guard.right):
                self.read(operand, guard.at, 2 * (guard.at - count))
        for operand in self.outputs:
            self.read(operand, count + length, 2 * length + 2)
        for i in range(self.lasting):
            self.last[i] = -1
        return 0

    cdef int read(self, operand, Py_ssize_t known, Py_ssize_t time) except -1:
        """An operand is read at that time, when so many numbers are known."""
        cdef Py_ssize_t position
        if type(operand) is int:
            position = operand
            if not 0 <= position < known:
                raise ValueError(f"an operand is a float or the position of a number, below {known}; got {operand}")
            self.last[position] = max(self.last[position], <int>time)
        elif type(operand) is not float:
            raise TypeError(f"an operand is a float or the position of a number, got {describe(operand)}")
        return 0

    cdef int place(self, operand) except -1:
        """The register of an operand; a constant gets one when it is first met."""
        if type(operand) is int:
            return self.code.places[<Py_ssize_t>operand]
        key = (operand, c.copysign(1.0, operand))
        if key not in self.constants:
            self.constants[key] = self.code.size
            self.code.size += 1
        return self.constants[key]

    cdef int done_with(self, operands, int time) except -1:
        """Give back the registers of numbers that are not read after this time."""
        cdef Py_ssize_t position
        for operand in operands:
            if type(operand) is int:
                position = operand
                if self.last[position] == time:
                    self.last[position] = -1
                    self.free[self.free_count] = self.code.places[position]
                    self.free_count += 1
        return 0

    cdef int result(self, Py_ssize_t position) except -1:
        """A register for the result of an instruction."""
        cdef int place
        if self.free_count:
            self.free_count -= 1
            place = self.free[self.free_count]
        else:
            place = <int>self.code.size
            self.code.size += 1
        self.code.places[position] = place
        if self.last[position] == 0:  # nobody reads it
            self.free[self.free_count] = place
            self.free_count += 1
        return place

    cdef int block(self, Py_ssize_t position) except -1:
        """A register for the address of a block, which it keeps from run to run."""
        cdef int place = <int>self.code.size
        self.code.size += 1
        self.code.places[position] = place
        self.last[position] = -1
        self.code.blocks[self.code.block_count] = place
        self.code.block_count += 1
        return place

    cdef int emit(self, int opcode, int flag, int to, int a, int b) except -1:
        cdef vm_instruction* line = &self.code.program[self.written]
        line.opcode, line.flag, line.to, line.a, line.b = opcode, flag, to, a, b
        self.written += 1
        return 0

    cdef int write_guard(self, guard, int time) except -1:
        cdef int left = self.place(guard.left), right = self.place(guard.right)
        self.emit(opcode_of_guard(guard.comparison), guard.outcome, guard.number, left, right)
        self.done_with((guard.left, guard.right), time)
        return 0

    cdef int write_instruction(self, Op op, operands, Py_ssize_t position, int time) except -1:
        cdef int opcode, a, b, to
        if op.arity is not None and len(operands) != op.arity:
            raise TypeError(f"{op.name} takes {op.arity} operands, got {len(operands)}")
        opcode = opcode_among(op, operands)
        if opcode >= VM_WHERE:
            a, b = <int>self.operand_count, self.number_of(op, opcode) if opcode >= VM_CALL1 else <int>len(operands)
            if opcode == VM_PYTHON:
                self.append(<int>len(operands))
            if opcode == VM_STACK:
                b = <int>len(operands)
            for operand in operands:
                self.append(self.place(operand))
            if opcode == VM_ITEM:
                a, b = self.place(operands[0]), (<object>op).position
        else:
            a = self.place(0.0 if op is ops.no_slope else operands[0])
            b = self.place(operands[1]) if len(operands) == 2 else 0
        if opcode == VM_LOOP or opcode == VM_STACK:
            to = self.block(position)
            self.done_with(operands, time)
            self.emit(opcode, 0, to, a, b)
            return 0
        self.done_with(operands, time)
        if opcode == VM_ADD or opcode == VM_SUB or opcode == VM_MUL:
            self.emit(VM_ARITHMETIC, opcode - VM_ADD, self.result(position), a, b)
        else:
            self.emit(opcode, 0, self.result(position), a, b)
        return 0

    cdef int append(self, int operand) except -1:
        self.code.operands[self.operand_count] = operand
        self.operand_count += 1
        return 0

    cdef int number_of(self, Op op, int opcode) except -1:
        """Which of the program's functions an op's is."""
        if opcode == VM_STACK or opcode == VM_ITEM:
            return 0
        if opcode == VM_LOOP:
            self.code.calls_python |= (<Code>op.program).calls_python
        elif opcode >= VM_CHECKED1:
            self.code.calls_python = True
        return self.numbers.setdefault(op, len(self.numbers))

    cdef int finish(self) except -1:
        """The table of functions, and the registers with their constants."""
        cdef Code code = self.code
        cdef Py_ssize_t i
        code.yields = code.calls_python or code.block_count or code.length >= LONG
        code.ops = list(self.numbers)
        code.functions = <void**>_allocated(len(code.ops) * sizeof(void*))
        for i in range(len(code.ops)):
            code.functions[i] = (<Op>code.ops[i]).function
        code.registers = <double*>_allocated(code.size * sizeof(double))
        for i in range(code.size):
            code.registers[i] = 0.0
        for (constant, _), place in self.constants.items():
            code.registers[<Py_ssize_t>place] = constant
        return 0


def repeated(Op op, *operands):
    """The bundle of a :class:`~autograd_lite.core.loops.Loop`: sequences are lists among its operands and results."""
    cdef Py_ssize_t i, k, n = len(operands)
    cdef object loop = op
    cdef double* r
    cdef int status
    opcode_of(op, n)
    if n >= row_length:
        lengthen(n + 1)
    cdef vm_context context
    cdef PyObject* which = <PyObject*>op
    context.operands, context.functions, context.ops = in_a_row, &op.function, &which
    cdef vm_instruction[2] program
    program[0].opcode, program[0].flag, program[0].to, program[0].a, program[0].b = VM_LOOP, 0, <int>n, 0, 0
    program[1].opcode = VM_END
    r = <double*>_allocated((n + 1) * sizeof(double))
    r[n] = 0.0
    kept = []
    try:
        for i in range(n):
            if type(operands[i]) is list:
                kept.append(array.array("d", operands[i] or (0.0,)))
                r[i] = vm_from_address(<void*><size_t>kept[-1].buffer_info()[0])
            else:
                r[i] = operands[i]
        status = vm_run(program, r, &context, evaluated)
        if status != VM_OK:
            _raise(status)
        results = []
        bundle = vm_address(r[n])
        for k in range(loop.carries):
            results.append(bundle[k])
        taken = <Py_ssize_t>bundle[loop.carries + loop.results]
        for k in range(loop.carries, loop.carries + loop.results):
            results.append([vm_address(bundle[k])[i] for i in range(taken)])
        if loop.is_while:
            results.append(<double>taken)
        return tuple(results)
    finally:
        vm_free_blocks(r, &n, 1)
        PyMem_Free(r)


# ---- Values and partials ------------------------------------------------------------------

#: 0, 1, 2 ...: where the operands of an op stand that are given in a row.
cdef int* in_a_row = NULL
cdef Py_ssize_t row_length = 0
#: For so many constants, or counts of operands, the partials of an op are kept.
cdef Py_ssize_t KEPT = 64


cdef int lengthen(Py_ssize_t n) except -1:
    """Make in_a_row as long as that. The shorter one stays: an op may be under way with it."""
    global in_a_row, row_length
    cdef Py_ssize_t i, length = max(n, 64, 2 * row_length)
    cdef int* longer = <int*>_allocated(length * sizeof(int))
    for i in range(length):
        longer[i] = <int>i
    in_a_row, row_length = longer, length
    return 0


cdef double value1(Op op, double x) except? -1.5:
    """The value of an op of one operand."""
    return value_n(op, &x, 1)


cdef double value2(Op op, double x, double y) except? -1.5:
    """The value of an op of two operands."""
    cdef double[2] operands = [x, y]
    return value_n(op, operands, 2)


cdef double value_n(Op op, double* x, Py_ssize_t n) except? -1.5:
    """The value of an op. The numbers are as they were afterwards."""
    cdef double ans
    cdef int opcode = opcode_of(op, n)
    if n > row_length:
        lengthen(n)
    if opcode == VM_PYTHON or n == 0:
        evaluated(<PyObject*>op, x, in_a_row, n, &ans)
    else:
        vm_value(opcode, &op.function, <PyObject*>op, x, in_a_row, n, evaluated, &ans)
    return ans


cdef int slopes(Op op, double ans, double* x, Py_ssize_t n, double* out) except -1:
    """The partials of an op, where its value is ``ans``, into ``out``."""
    cdef Py_ssize_t i
    cdef Code code
    cdef double* r
    if op.partials is not op.known_partials:
        op.program, op.readings, op.known_partials = None, None, op.partials
    if op.readings is not None and not are_as_read(op.readings):
        return _slopes_in_python(op, ans, x, n, out)
    if type(op.program) is Code:
        code = <Code>op.program
    else:
        program = _program_of(op, x, n)
        if program is None:
            return _slopes_in_python(op, ans, x, n, out)
        code = <Code>program
    r = code.acquire() if code.yields else code.registers
    r[0] = ans
    for i in range(n):
        r[1 + i] = x[i]
    try:
        if code.length:
            code.execute(r)
        for i in range(n):
            out[i] = r[code.outputs[i]]
    finally:
        if code.yields:
            code.release(r)
    return 0


cdef class _Programs:
    """The partials of an op that has a program for each count of operands, or for each value of a constant."""

    cdef int by  # which operand is that constant; -1 for the count
    cdef dict known
    cdef double latest_key
    cdef object latest

    cdef of(self, Op op, double* x, Py_ssize_t n):
        cdef double key = n if self.by < 0 else x[self.by]
        if key == self.latest_key:
            return self.latest
        if key != key:
            return None
        if key not in self.known:
            if len(self.known) >= KEPT:
                self.known.clear()
            self.known[key] = _recorded(op, n, {} if self.by < 0 else {self.by: key})
        self.latest, self.latest_key = self.known[key], key
        return self.latest


cdef _program_of(Op op, double* x, Py_ssize_t n):
    """The partials of an op as a program, recorded when it is first asked for; None if they have to be called."""
    cdef _Programs programs
    if type(op.program) is _Programs:
        return (<_Programs>op.program).of(op, x, n)
    if op.program is False:
        return None
    by = CHOOSE_BY.get(op.name, -1) if is_primitive(op) else -1
    if op.arity is not None and by < 0:
        op.program = _recorded(op, n, {}) or False
        return op.program or None
    programs = _Programs()
    programs.by, programs.known, programs.latest_key = by, {}, math.nan
    op.program = programs
    return programs.of(op, x, n)


cdef _recorded(Op op, Py_ssize_t n, constants):
    made = recorded_partials(op, n, constants)
    if made is not None and not is_primitive(op):
        op.readings = readings(op.partials)
    return None if made is None else Code(*made)


cdef int _slopes_in_python(Op op, double ans, double* x, Py_ssize_t n, double* out) except -1:
    cdef Py_ssize_t i
    partials = op.differentiate(ans, *[x[i] for i in range(n)])
    for i in range(n):
        out[i] = as_float(partials[i])
    return 0


def evaluate(Op op, *numbers):
    """The value of an op as the machine computes it.

    >>> from autograd_lite.core import ops
    >>> evaluate(ops.div, 1.0, 0.0)
    inf
    """
    return _of_numbers(op, numbers, False)


def partials(Op op, *numbers):
    """The partials of an op as the machine computes them.

    >>> from autograd_lite.core import ops
    >>> partials(ops.mul, 2.0, 3.0)
    (3.0, 2.0)
    """
    return _of_numbers(op, numbers, True)


cdef _of_numbers(Op op, numbers, bint with_slopes):
    cdef Py_ssize_t i, n = len(numbers)
    cdef double* x = <double*>_allocated(2 * n * sizeof(double))
    try:
        for i in range(n):
            x[i] = numbers[i]
        ans = value_n(op, x, n)
        if not with_slopes:
            return ans
        slopes(op, ans, x, n, x + n)
        return tuple([x[n + i] for i in range(n)])
    finally:
        PyMem_Free(x)

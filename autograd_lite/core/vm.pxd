from cpython.object cimport PyObject

from autograd_lite.core.op cimport Op

cdef extern from "vm.h":
    ctypedef struct vm_instruction:
        unsigned short opcode, flag
        int to, a, b
    ctypedef struct vm_context:
        const int* operands
        void** functions
        PyObject** ops
    ctypedef struct vm_loop:
        const vm_instruction* program
        const vm_context* context
        const double* registers
        const Py_ssize_t* outputs
        Py_ssize_t size, length
        const Py_ssize_t* blocks
        Py_ssize_t block_count
        int constants, carries, sequences, results, is_reversed, is_while

cdef class Code:
    cdef readonly Py_ssize_t count, size
    cdef readonly bint calls_python
    cdef bint yields  # whether it may run twice at the same time: in Python, or without the interpreter lock
    cdef readonly Py_ssize_t runs
    cdef Py_ssize_t length, due
    cdef vm_instruction* program
    cdef int* operands
    cdef void** functions
    cdef int* places
    cdef list ops
    cdef object when_due, successor
    cdef vm_context context
    cdef bint is_busy
    # Its numbers: inputs first. An output is the register of that number.
    cdef double* registers
    cdef Py_ssize_t output_count
    cdef Py_ssize_t* outputs
    # Registers that hold the address of a block, and the program as a step of a loop.
    cdef Py_ssize_t* blocks
    cdef Py_ssize_t block_count
    cdef vm_loop loop

    cdef int execute(self, double* r) except -9
    cdef double* acquire(self) except NULL
    cdef void release(self, double* r) noexcept

cpdef serve(kind, functions)
cdef int prepare(Op op) except -1
cdef int opcode_among(Op op, operands) except -1
cdef int opcode_of_guard(comparison) except -1
cdef PyObject** items_of(list things)
cdef void* address_of(buffer) except? NULL
cdef int run(Code code, double* r) noexcept nogil
cdef int evaluated(PyObject* which, const double* r, const int* at, Py_ssize_t n, double* answer) except -1
cdef double value1(Op op, double x) except? -1.5
cdef double value2(Op op, double x, double y) except? -1.5
cdef double value_n(Op op, double* x, Py_ssize_t n) except? -1.5
cdef int slopes(Op op, double ans, double* x, Py_ssize_t n, double* out) except -1

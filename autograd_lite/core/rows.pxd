from cpython.object cimport PyObject
from libc.stdint cimport int64_t

from autograd_lite.core.vm cimport Code, vm_context, vm_instruction

cdef extern from "rows.h":
    enum:
        LANES, GROUP
    ctypedef struct rows_block:
        const vm_instruction* program
        const vm_context* context
        double* r
        const double* u
        double* scratch
        long stride, rows
        int* failed
        bint has_failed
        int (*python)(PyObject*, const double*, const int*, Py_ssize_t, double*) except -1

cdef class Columns:
    cdef readonly Py_ssize_t length, width
    cdef list buffers
    cdef char** starts
    cdef Py_ssize_t* steps
    cdef int64_t* index
    cdef object index_buffer

cdef class Uniforms:
    cdef double* u
    cdef Py_ssize_t size
    cdef readonly bint is_finite
    cdef readonly object failed

cdef class Sums:
    cdef readonly Py_ssize_t size
    cdef double* sums
    cdef double* errors
    cdef bint is_begun

cdef class Rows:
    cdef readonly Py_ssize_t size, block, result_count, sum_count
    cdef readonly bint calls_python, is_checked, has_guards
    cdef Code head
    cdef Py_ssize_t shared_count, input_count, uniform_count, checked_count, head_checked_count, second
    cdef list ops, constants
    cdef int* head_checked
    cdef vm_instruction* program
    cdef int* operands
    cdef void** functions
    cdef int* results
    cdef int* pairs
    cdef int* checked
    cdef vm_context context
    cdef double* memory
    cdef double* registers
    cdef bint is_busy

    cdef double* acquire(self) except NULL
    cdef void release(self, double* r) noexcept
    cdef void open(self, rows_block* block, double* r, const double* u, long stride) noexcept nogil
    cdef int first_phase(self, rows_block* block) noexcept nogil
    cdef int second_phase(self, rows_block* block) noexcept nogil
    cdef bint are_finite(self, rows_block* block) noexcept nogil
    cdef bint add_totals(self, rows_block* block, double* sums, double* errors, double* totals, bint is_begun) noexcept nogil
    cdef void give(self, rows_block* block, double* out, Py_ssize_t next_row, Py_ssize_t next_result) noexcept nogil
    cdef int compute(self, double* u, double* r, bint* is_finite) noexcept nogil
    cdef Py_ssize_t run_blocks(
        self, Columns columns, Uniforms uniforms, Py_ssize_t start, Py_ssize_t stop, double* r, double* results,
        Sums sums, int* failed,
    ) noexcept nogil

cdef int* ints(numbers) except NULL

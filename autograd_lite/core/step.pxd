from libc.stdint cimport int64_t

from autograd_lite.core.rows cimport Columns, Rows, Uniforms, rows_block
from autograd_lite.core.vm cimport Code

cdef class Loss:
    cdef readonly Py_ssize_t samples
    cdef Code code
    cdef double* registers
    cdef int* adjoints
    cdef int* own
    cdef Py_ssize_t own_count
    cdef double* constants

cdef class Rule:
    cdef readonly Py_ssize_t start, count
    cdef Rows own
    cdef Code shared
    cdef Uniforms uniforms
    cdef double* head_registers
    cdef double* registers
    cdef double* shared_registers
    cdef double* clocks
    cdef double* state
    cdef double* following
    cdef double lr
    cdef Py_ssize_t clock_count, other_count, given_count

    cdef int update(self, double* params, double* grads, double* next_params) noexcept nogil
    cdef void commit(self) noexcept nogil

cdef class Step:
    cdef Rows model
    cdef Uniforms uniforms
    cdef Columns columns
    cdef double* head_registers
    cdef double* registers
    cdef double* totals
    cdef double* sums
    cdef double* params
    cdef double* grads
    cdef double* outputs
    cdef double* targets
    cdef object kept_targets
    cdef list losses, rules, values
    cdef int* seeded
    cdef int* failed
    cdef Py_ssize_t param_count, output_count, seed_count, target_width, batch
    cdef bint calls_python
    cdef Py_ssize_t rule_count
    cdef void** rule_pointers

    cdef Loss loss_of(self, Py_ssize_t samples)
    cdef int begin(self) noexcept nogil
    cdef Py_ssize_t steps(
        self, const int64_t* order, Py_ssize_t at, Py_ssize_t stop, Py_ssize_t epoch, Loss whole, Loss rest,
        double* values, int* status, Py_ssize_t* count,
    ) noexcept nogil
    cdef int one(self, const int64_t* order, Py_ssize_t start, Py_ssize_t samples, Loss loss, double* value) noexcept nogil
    cdef int forward(self, const int64_t* order, Py_ssize_t start, Py_ssize_t samples, rows_block* block) noexcept nogil
    cdef int measure(self, const int64_t* order, Py_ssize_t start, Py_ssize_t samples, Loss loss, double* value) noexcept nogil
    cdef int backward(self, const int64_t* order, Py_ssize_t start, Py_ssize_t samples, rows_block* block, Loss loss) noexcept nogil
    cdef int update(self) noexcept nogil
    cdef int load(self, const int64_t* order, Py_ssize_t start, rows_block* block) noexcept nogil

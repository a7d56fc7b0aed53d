cimport cython


cdef class Op:
    cdef public str name, symbol
    cdef readonly object value, partials, otherwise  # what was recorded of them would not change with them
    cdef public object arity
    cdef public bint is_linear
    cdef int _count
    # What the virtual machine (vm.pyx) keeps of it, once it has been used.
    cdef int opcode
    cdef void* function
    cdef object program
    cdef void* vectorcall


cdef Op _constant
cdef dict _short_cuts

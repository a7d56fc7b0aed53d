cimport cython


cdef class Op:
    cdef public str name, symbol
    cdef public object value, partials, otherwise
    cdef public object arity
    cdef public bint is_linear, is_of_the_table
    cdef int _count
    # What the virtual machine (vm.pyx) keeps of it, once it has been used.
    cdef int opcode
    cdef void* function
    cdef object program, known_value, known_partials, readings
    cdef void* vectorcall


cdef Op _constant
cdef dict _short_cuts

cimport cython


cdef class Op:
    cdef public str name, symbol
    cdef public object value, partials, otherwise, arity
    cdef public bint is_linear
    # What the virtual machine (vm.pyx) keeps of it, once it has been used.
    cdef int opcode
    cdef void* function
    cdef object program


cdef Op _constant

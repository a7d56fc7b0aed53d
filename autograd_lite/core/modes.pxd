cimport cython

from autograd_lite.core cimport context


cdef class Modes:
    cdef readonly bint grad_enabled, anomaly, is_special
    cdef readonly object interpreter, before, block
    cdef readonly int depth
    cdef public object entry
    cdef object _generator
    cdef object __weakref__

    cpdef bint has_ended(self)
    cpdef bint is_suspended(self)


@cython.locals(modes=Modes)
cdef Modes _last()
@cython.locals(modes=Modes)
cpdef Modes current()

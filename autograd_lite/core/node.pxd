cimport cython


cdef class Node:
    cdef public double _primal, _dx, _dy, _grad
    cdef public object _primitive, _x, _y
    cdef object _attributes  # its __dict__; see sweep.pyx
    cdef object __weakref__


cpdef hold(Node node, number)
@cython.locals(node=Node)
cpdef list numbers_of(nodes)

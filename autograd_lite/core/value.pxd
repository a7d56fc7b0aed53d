cimport cython

from autograd_lite.core cimport unboxed
from autograd_lite.core.node cimport Node
from autograd_lite.core.record cimport applied, binary, compared, unary
from autograd_lite.core.op cimport Op

cdef set _in_a_mode
cdef Op _add, _sub, _mul, _div, _floordiv, _mod, _power


cdef class Value(Node):
    pass

cimport cython

from autograd_lite.core cimport modes, unboxed
from autograd_lite.core.node cimport Node
from autograd_lite.core.op cimport Op

cdef set _in_a_mode, _plain_types
cdef double _inf
cdef modes.Modes _first
cdef Op _constant, _power, _constant_power, _linear, _dot


@cython.locals(x=double)
cpdef unary(Op op, Node self)
@cython.locals(node=Node, mine=double, theirs=double)
cpdef binary(Op op, Node self, other, bint is_reflected)
@cython.locals(mode=modes.Modes)
cpdef applied(Op op, tuple operands)
@cython.locals(mode=modes.Modes, op=Op, i=Py_ssize_t, operands=tuple)
cpdef list weighted_sums(rows, x, biases)
@cython.locals(mode=modes.Modes, is_recorded=bint, is_constant=bint)
cpdef record(kind, Op op, tuple operands)
@cython.locals(node=Node)
cpdef made(kind, number, Op op, operands=*, partials=*)
@cython.locals(node=Node)
cpdef blank(kind)
@cython.locals(mode=modes.Modes)
cdef _is_recorded(x, y)
cdef bint _is_constant(operand) except -1
@cython.locals(node=Node)
cdef bint _are_traced(tuple operands) except -1

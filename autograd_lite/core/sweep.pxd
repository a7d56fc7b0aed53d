cimport cython

from autograd_lite.core.node cimport Node


cdef extern from *:
    """
    /* What stands for the gradient of a node that has none: a nan that no arithmetic makes. Its lower half is 0, or
       the number of the walk that has seen the node; or all ones, where the gradient is a Value, _grad_node. */
    typedef union {unsigned long long bits; double number;} sweep_word;
    static const sweep_word sweep_unset = {0x7ff8a67a00000000ULL};
    #define SWEEP_UNSET (sweep_unset.number)
    static inline int sweep_is_unset(double x) {
        sweep_word word;
        word.number = x;
        return word.bits >> 32 == sweep_unset.bits >> 32;
    }
    static const sweep_word sweep_value = {0x7ff8a67affffffffULL};
    #define SWEEP_VALUE (sweep_value.number)
    static inline double sweep_mark(unsigned int walk) {
        sweep_word word;
        word.bits = sweep_unset.bits | walk;
        return word.number;
    }
    static inline int sweep_is(double x, double y) {
        sweep_word one, other;
        one.number = x, other.number = y;
        return one.bits == other.bits;
    }
    /* Whether a node has attributes of its own. */
    static inline int sweep_has_attributes(PyObject *node) {
        PyObject **attributes = _PyObject_GetDictPtr(node);
        return attributes && *attributes;
    }
    """
    const double UNSET "SWEEP_UNSET"
    const double OF_A_VALUE "SWEEP_VALUE"
    bint is_unset "sweep_is_unset"(double) noexcept nogil
    double mark_of "sweep_mark"(unsigned int walk) noexcept nogil
    bint are_same "sweep_is"(double, double) noexcept nogil
    bint has_attributes "sweep_has_attributes"(object) noexcept

@cython.final
cdef class Pointers:
    cdef void** items
    cdef Py_ssize_t size, space

    cdef inline int push(self, void* item) except -1
    cdef int grow(self) except -1


@cython.final
cdef class Seen:
    cdef double mark
    cdef unsigned int walk
    cdef bint keeps
    cdef Pointers nodes, of_values
    cdef double* grads
    cdef Py_ssize_t space

    cdef inline int add(self, void* node) except -1
    cdef int grow(self) except -1
    cdef int restore(self) except -1


cdef bint sort(Pointers roots, Pointers order, Seen seen, void* compiled) except -1

#: Whether the collector has been shown any node.
cdef bint any_shown

cdef int adopt(kind) except -1
cdef bint backward(Node root, double seed) except -1
cdef dict swept(dict seeds, object stop, bint keep)

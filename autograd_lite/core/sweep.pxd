from autograd_lite.core.node cimport Node


cdef extern from *:
    """
    /* What stands for the gradient of a node that has none: a nan that no arithmetic makes. */
    static const union {unsigned long long bits; double number;} sweep_unset = {0x7ff8a67add000001ULL};
    #define SWEEP_UNSET (sweep_unset.number)
    static inline int sweep_is_unset(double x) {
        union {double number; unsigned long long bits;} u;
        u.number = x;
        return u.bits == sweep_unset.bits;
    }
    /* Whether a node has attributes of its own. */
    static inline int sweep_has_attributes(PyObject *node) {
        PyObject **attributes = _PyObject_GetDictPtr(node);
        return attributes && *attributes;
    }
    """
    const double UNSET "SWEEP_UNSET"
    bint is_unset "sweep_is_unset"(double) noexcept nogil
    bint has_attributes "sweep_has_attributes"(object) noexcept

#: Whether the collector has been shown any node.
cdef bint any_shown

cdef bint backward(Node root, double seed) except -1
cdef dict swept(dict seeds, object stop, bint keep)

"""The forward sweep over plain floats, in many directions at once. Compiled core only.

It does what :func:`chain.push_forward` does, in the same order and so to the same bits. As in :mod:`sweep`, nothing of
Python's runs meanwhile, and whatever is more than floats is left to ``chain``.
"""

from cpython.bytes cimport PyBytes_AS_STRING
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_GET_SIZE

from autograd_lite.core.node cimport Node
from autograd_lite.core.sweep cimport Pointers, Seen, sort


cdef extern from "Python.h":
    bint PyFloat_CheckExact(PyObject*)
    PyObject** PySequence_Fast_ITEMS(object)

#: So many numbers of tangents are kept at once. Where there would be more, the directions come one part after the other.
cdef Py_ssize_t _AT_ONCE = 1 << 22


cdef class _Tangents:
    """The tangents of nodes one behind the other, each with the directions that reach the node alone."""

    cdef Py_ssize_t size, space
    cdef Py_ssize_t* starts  # of each node's tangent, which ends where the next one's starts
    cdef Py_ssize_t* places  # where the last number in a direction was put
    cdef int* directions
    cdef double* numbers

    cdef int prepare(self, Py_ssize_t nodes, Py_ssize_t directions) except -1:
        self.starts = <Py_ssize_t*>PyMem_Malloc((nodes + 1) * sizeof(Py_ssize_t))
        self.places = <Py_ssize_t*>PyMem_Malloc(directions * sizeof(Py_ssize_t))
        if not self.starts or not self.places:
            raise MemoryError
        return 0

    def __dealloc__(self):
        PyMem_Free(self.starts)
        PyMem_Free(self.places)
        PyMem_Free(self.directions)
        PyMem_Free(self.numbers)

    cdef int reserve(self, Py_ssize_t more) except -1:
        cdef Py_ssize_t space = max(2 * self.space, self.size + more)
        cdef void* memory
        if self.size + more > self.space:
            memory = PyMem_Realloc(self.directions, space * sizeof(int))
            if not memory:
                raise MemoryError
            self.directions = <int*>memory
            memory = PyMem_Realloc(self.numbers, space * sizeof(double))
            if not memory:
                raise MemoryError
            self.numbers, self.space = <double*>memory, space
        return 0

    cdef inline void add(self, Py_ssize_t node, int direction, double number) noexcept:
        """Add to the tangent of a node, the last one so far."""
        cdef Py_ssize_t place = self.places[direction]
        if place >= self.starts[node]:
            self.numbers[place] += number
            return
        self.places[direction] = self.size
        self.directions[self.size], self.numbers[self.size] = direction, number
        self.size += 1

    cdef inline int take(self, Py_ssize_t node, void* operand, double partial, double walk) except -1:
        """Add to the tangent of a node what an operand contributes to it."""
        cdef Py_ssize_t i, of
        cdef double number
        if (<Node>operand)._x is not None:
            of = <Py_ssize_t>(<Node>operand)._grad
        elif (<Node>operand)._dy == walk:
            of = <Py_ssize_t>(<Node>operand)._dx
        else:
            return 0
        self.reserve(self.starts[of + 1] - self.starts[of])
        for i in range(self.starts[of], self.starts[of + 1]):
            number = self.numbers[i]
            # A strong zero, as in modes.Interpreter.multiply.
            self.add(node, self.directions[i], 0.0 if number == 0.0 or partial == 0.0 else number * partial)
        return 0

    cdef int show(self, Py_ssize_t node, dict tangent) except -1:
        """Put the tangent of a node into a dict."""
        cdef Py_ssize_t i
        for i in range(self.starts[node], self.starts[node + 1]):
            tangent[self.directions[i]] = self.numbers[i]
        return 0


cdef bint _push(Pointers order, list seeds, _Tangents tangents, int low, int high, double walk) except -1:
    """The chain rule over sorted operations, in the directions from low to high; False if those are too many."""
    cdef Py_ssize_t i, j, k, n, inputs = len(seeds), limit = max(_AT_ONCE, 4 * (inputs + order.size))
    cdef void* node
    cdef double* partials
    cdef PyObject** operands
    cdef int direction
    for direction in range(low, high):
        tangents.places[direction] = -1
    tangents.size = 0
    for i in range(inputs):
        tangents.starts[i] = tangents.size
        tangents.reserve(len(seeds[i]))
        for direction, number in (<dict>seeds[i]).items():
            if low <= direction < high:
                tangents.add(i, direction, number)
    for i in range(order.size):
        j, node = inputs + i, order.items[i]
        tangents.starts[j] = tangents.size
        if type((<Node>node)._x) is tuple:
            n, operands = PyTuple_GET_SIZE((<Node>node)._x), PySequence_Fast_ITEMS((<Node>node)._x)
            partials = <double*>PyBytes_AS_STRING((<Node>node)._y)
            for k in range(n):
                if not PyFloat_CheckExact(operands[k]):
                    tangents.take(j, operands[k], partials[k], walk)
        else:
            if not PyFloat_CheckExact(<PyObject*>(<Node>node)._x):
                tangents.take(j, <void*>(<Node>node)._x, (<Node>node)._dx, walk)
            if (<Node>node)._y is not None and not PyFloat_CheckExact(<PyObject*>(<Node>node)._y):
                tangents.take(j, <void*>(<Node>node)._y, (<Node>node)._dy, walk)
        if tangents.size > limit and high - low > 1:
            return False
    tangents.starts[inputs + order.size] = tangents.size
    return True


cdef list pushed(list roots, dict seeds):
    """The tangents of results, from those of leaves; None if that is chain.push_forward's business."""
    cdef Pointers starts = Pointers(), order = Pointers()
    cdef Seen seen = Seen(True)
    cdef Py_ssize_t i
    cdef int low = 0, high = 0, step, count = 0
    cdef double walk = seen.walk
    cdef _Tangents tangents = _Tangents()
    for thing, tangent in seeds.items():
        if not isinstance(thing, Node) or (<Node>thing)._x is not None:
            return None
        for direction, number in tangent.items():
            if type(number) is not float:
                return None
            count = max(count, <int>direction + 1)
    for thing in roots:
        if not isinstance(thing, Node):
            return None
        starts.push(<void*>thing)
    given, found = list(seeds.values()), [{} for _ in roots]
    try:
        # No list, dict or the like is made here: that may start a collection, and so anything.
        if not sort(starts, order, seen, NULL):
            return None
        for i, thing in enumerate(seeds):
            (<Node>thing)._dx, (<Node>thing)._dy = i, walk
        for i in range(order.size):
            (<Node>order.items[i])._grad = len(seeds) + i
        tangents.prepare(len(seeds) + order.size, count)
        step = count
        while low < count:
            high = min(count, low + step)
            while not _push(order, given, tangents, low, high, walk):
                step = (high - low + 1) // 2
                high = low + step
            for i in range(starts.size):
                if (<Node>starts.items[i])._x is not None:
                    tangents.show(<Py_ssize_t>(<Node>starts.items[i])._grad, found[i])
                elif (<Node>starts.items[i])._dy == walk:
                    tangents.show(<Py_ssize_t>(<Node>starts.items[i])._dx, found[i])
            low = high
        return found
    finally:
        seen.restore()

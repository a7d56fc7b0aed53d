# inline only
"""The steps of unboxed.py in C: numbers are doubles in a node's own memory."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject, PyTypeObject
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE, PyTuple_New, PyTuple_SET_ITEM
from libc.math cimport INFINITY
from libc.string cimport memcpy

from autograd_lite.core cimport forward, sweep, vm
from autograd_lite.core.node cimport Node
from autograd_lite.core.op cimport Op, _constant


cdef extern from "vm.h":
    enum:
        VM_ADD, VM_SUB, VM_MUL

cdef extern from "Python.h":
    bint PyFloat_CheckExact(PyObject*)
    double PyFloat_AS_DOUBLE(PyObject*)
    bint PyObject_GC_IsTracked(object)
    void PyObject_GC_Track(object)
    void PyObject_GC_UnTrack(object)


cdef inline double number_of(PyObject* operand) noexcept:
    """The number of a float or a node."""
    return PyFloat_AS_DOUBLE(operand) if PyFloat_CheckExact(operand) else (<Node>operand)._primal


cdef inline Node blank(object kind):
    # Not the class's own __new__, which may want arguments.
    return <Node>(<PyTypeObject*>Node).tp_new(<type>kind, <PyObject*>(), NULL)


cdef inline int follow(Node node, object operand) except -1:
    """Show a node to the collector if its operand has been shown; see sweep.pyx."""
    if sweep.any_shown and PyObject_GC_IsTracked(operand) and not PyObject_GC_IsTracked(node):
        PyObject_GC_Track(node)
    return 0


cdef inline int keep_from_collector(Node node, tuple operands) except -1:
    """The same for many operands; their tuple goes unseen as the node does."""
    if sweep.any_shown:
        for operand in operands:
            if type(operand) is not float:
                follow(node, operand)
    if not PyObject_GC_IsTracked(node):
        PyObject_GC_UnTrack(operands)
    return 0


cdef inline double value_2(Op op, double x, double y) except? -1.5:
    """The four operations at once, all others by the machine."""
    if op.value is op.known_value:
        if op.opcode == VM_ADD:
            return x + y
        if op.opcode == VM_MUL:
            return x * y
        if op.opcode == VM_SUB:
            return x - y
    return vm.value2(op, x, y)


cdef inline int set_partials(Node node, Op op, double* numbers, Py_ssize_t n) except -1:
    """Those that are constants or operands at once, all others by the machine."""
    cdef double[2] partials
    cdef vm.Code code
    if type(op.partials) is tuple and PyTuple_GET_SIZE(op.partials) == n:
        node._dx = <double><object>PyTuple_GET_ITEM(op.partials, 0)
        if n == 2:
            node._dy = <double><object>PyTuple_GET_ITEM(op.partials, 1)
        return 0
    if op.partials is op.known_partials and type(op.program) is vm.Code and (<vm.Code>op.program).length == 0:
        code = <vm.Code>op.program
        code.registers[0] = node._primal
        memcpy(code.registers + 1, numbers, n * sizeof(double))
        node._dx = code.registers[code.outputs[0]]
        if n == 2:
            node._dy = code.registers[code.outputs[1]]
        return 0
    vm.slopes(op, node._primal, numbers, n, partials)
    node._dx, node._dy = partials[0], partials[1]
    return 0


cdef inline Node computed_1(Op op, Node operand, double x, bint is_recorded):
    cdef Node node = blank(type(operand))
    node._primal = vm.value1(op, x)
    if is_recorded:
        set_partials(node, op, &x, 1)
        node._primitive = op
        node._x = operand
        follow(node, operand)
    else:
        node._primitive = _constant
    return node


cdef inline Node computed_2(Op op, object a, object b, double x, double y, bint is_recorded, object kind):
    cdef Node node = blank(kind)
    cdef double[2] numbers
    node._primal = value_2(op, x, y)
    if is_recorded:
        numbers[0], numbers[1] = x, y
        set_partials(node, op, numbers, 2)
        node._primitive = op
        node._x = a
        node._y = b
        follow(node, a)
        follow(node, b)
    else:
        node._primitive = _constant
    return node


cdef inline Node computed(object kind, Op op, tuple operands, bint is_recorded):
    cdef Py_ssize_t i, n = PyTuple_GET_SIZE(operands)
    cdef double[128] few
    cdef double* numbers = room(few, n)
    try:
        for i in range(n):
            numbers[i] = number_of(PyTuple_GET_ITEM(operands, i))
        return computed_from(kind, op, operands, numbers, is_recorded)
    finally:
        leave(few, numbers)


cdef inline object computed_n(Op op, tuple operands, bint grad_enabled):
    cdef Py_ssize_t i, n = PyTuple_GET_SIZE(operands)
    cdef PyObject* operand
    cdef PyTypeObject* kind = NULL
    cdef bint is_recorded = False
    cdef double[128] few
    cdef double* numbers = room(few, n)
    try:
        for i in range(n):
            operand = PyTuple_GET_ITEM(operands, i)
            if PyFloat_CheckExact(operand):
                numbers[i] = PyFloat_AS_DOUBLE(operand)
                continue
            if operand.ob_type != kind:
                if kind != NULL or not isinstance(<object>operand, Node):
                    return None
                kind = operand.ob_type
            numbers[i] = (<Node>operand)._primal
            if numbers[i] == INFINITY:  # there may be more to it
                return None
            if (<Node>operand)._primitive is not _constant:
                is_recorded = grad_enabled
        return None if kind == NULL else computed_from(<object>kind, op, operands, numbers, is_recorded)
    finally:
        leave(few, numbers)


cdef inline double* room(double* few, Py_ssize_t n) except NULL:
    """Where n numbers have room: 128 on the stack, more on the heap."""
    cdef double* numbers = few
    if n > 128:
        numbers = <double*>PyMem_Malloc(n * sizeof(double))
        if not numbers:
            raise MemoryError
    return numbers


cdef inline void leave(double* few, double* numbers) noexcept:
    if numbers != few:
        PyMem_Free(numbers)


cdef inline Node computed_from(object kind, Op op, tuple operands, double* numbers, bint is_recorded):
    cdef Node node = blank(kind)
    cdef Py_ssize_t n = PyTuple_GET_SIZE(operands)
    cdef object packed
    node._primal = vm.value_n(op, numbers, n)
    if not is_recorded:
        node._primitive = _constant
        return node
    node._primitive = op
    if n > 2:
        packed = PyBytes_FromStringAndSize(NULL, n * sizeof(double))
        vm.slopes(op, node._primal, numbers, n, <double*>PyBytes_AS_STRING(packed))
        node._x, node._y = operands, packed
        keep_from_collector(node, operands)
        return node
    set_partials(node, op, numbers, n)
    node._x = <object>PyTuple_GET_ITEM(operands, 0)
    follow(node, node._x)
    if n == 2:
        node._y = <object>PyTuple_GET_ITEM(operands, 1)
        follow(node, node._y)
    return node


cdef inline tuple interleaved(object b, object row, object x):
    cdef list weights = row if type(row) is list else list(row)
    cdef list numbers = x if type(x) is list else list(x)
    cdef Py_ssize_t i, n = PyList_GET_SIZE(weights), first = b is not None
    cdef tuple operands = PyTuple_New(2 * n + first)
    if PyList_GET_SIZE(numbers) != n:
        raise ValueError(f"a weighted sum takes as many numbers as weights, got {len(numbers)} and {n}")
    if first:
        put(operands, 0, b)
    for i in range(n):
        put(operands, first + 2 * i, <object>PyList_GET_ITEM(weights, i))
        put(operands, first + 2 * i + 1, <object>PyList_GET_ITEM(numbers, i))
    return operands


cdef inline void put(tuple operands, Py_ssize_t i, object operand) noexcept:
    Py_INCREF(operand)
    PyTuple_SET_ITEM(operands, i, operand)


cdef inline int set_operands(Node node, Op op, tuple operands, tuple partials) except -1:
    node._primitive = op
    if len(operands) == 1:
        node._x, node._dx = operands[0], partials[0]
    elif len(operands) == 2:
        node._x, node._dx = operands[0], partials[0]
        node._y, node._dy = operands[1], partials[1]
    else:
        node._x, node._y = operands, partials
    for operand in operands:
        follow(node, operand)
    return 0


# The gradient of a node: a double, or for a Value an attribute beside it.

cdef inline bint has_grad(Node node):
    return not sweep.is_unset(node._grad) or sweep.are_same(node._grad, sweep.OF_A_VALUE)


cdef inline object grad_of(Node node):
    if sweep.are_same(node._grad, sweep.OF_A_VALUE):
        return node._dict["_grad_node"]
    return 0.0 if sweep.is_unset(node._grad) else node._grad + 0.0


cdef inline int set_grad(Node node, object grad) except -1:
    if sweep.are_same(node._grad, sweep.OF_A_VALUE):
        node._dict.pop("_grad_node")
    if grad is None:
        node._grad = sweep.UNSET
    elif type(grad) is float:
        node._grad = grad
    else:
        setattr(node, "_grad_node", grad)
        node._grad = sweep.OF_A_VALUE
    return 0


cdef inline int set_grads(list pairs) except -1:
    for leaf, grad in pairs:
        set_grad(leaf, grad)
    return 0


cdef inline int serve(kind, module) except -1:
    sweep.adopt(kind)
    vm.serve(kind, module.__pyx_capi__)
    return 0


cdef inline bint backward(Node root, double seed) except -1:
    return sweep.backward(root, seed)


cdef inline object swept(dict seeds, object stop, bint keep):
    return sweep.swept(seeds, stop, keep)


cdef inline object pushed(list roots, dict seeds):
    return forward.pushed(roots, seeds)

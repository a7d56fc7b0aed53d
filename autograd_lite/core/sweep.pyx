"""The backward pass over plain floats, and what keeps nodes from the collector. Compiled core only.

It does what :mod:`autograd_lite.core.chain` does, in the same order and so to the same bits, with the adjoints in
the nodes themselves. Nothing of Python's runs meanwhile, so that no other thread, no signal and no collection comes
in between. Whatever is more than floats is left to ``chain``: derivatives of derivatives, compiled functions, jit.
"""

from struct import pack

from cpython.bytes cimport PyBytes_AS_STRING
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_GET_SIZE
from libc.math cimport INFINITY

from autograd_lite.core.node cimport Node
from autograd_lite.core.op cimport Op, _constant

cdef extern from *:
    """
    static newfunc sweep_node_new;
    static Py_ssize_t sweep_attributes, sweep_grad, sweep_size;
    static PyObject *sweep_blank; /* a node as it is at first */
    static int (*sweep_track)(PyObject *, PyObject *);

    /* Nodes that were freed, each with the next one where it had its fields: to be used again, as Cython's own list
       serves no subclass. */
    enum { SWEEP_SPARE = 4096 };
    static PyObject *sweep_spare;
    static int sweep_spares;
    #define SWEEP_FIELDS(node) ((char *)(node) + sizeof(PyObject))
    #define SWEEP_IS_OURS(kind) (!((kind)->tp_flags & Py_TPFLAGS_HEAPTYPE))

    static void sweep_free(void *node) {
        if (!SWEEP_IS_OURS(Py_TYPE((PyObject *)node)) || sweep_spares == SWEEP_SPARE) {
            PyObject_GC_Del(node);
            return;
        }
        *(PyObject **)SWEEP_FIELDS(node) = sweep_spare;
        sweep_spare = (PyObject *)node;
        sweep_spares++;
    }

    /* A long graph is freed without going deep, in a thread of little stack too: from some depth on nodes wait, each
       with the next one where it had its gradient. (CPython's own trashcan goes deeper from 3.13 on.) */
    enum { SWEEP_DEPTH = 50 };
    static destructor sweep_value_dealloc;
    static PyObject *sweep_waiting;
    static int sweep_depth;
    #define SWEEP_NEXT(node) (*(PyObject **)((char *)(node) + sweep_grad))

    static void sweep_dealloc(PyObject *node) {
        if (!SWEEP_IS_OURS(Py_TYPE(node))) { /* a subclass has more to do after this */
            sweep_value_dealloc(node);
            return;
        }
        if (sweep_depth >= SWEEP_DEPTH) {
            PyObject_GC_UnTrack(node);
            SWEEP_NEXT(node) = sweep_waiting;
            sweep_waiting = node;
            return;
        }
        sweep_depth++;
        sweep_value_dealloc(node);
        while (sweep_depth == 1 && sweep_waiting) {
            node = sweep_waiting;
            sweep_waiting = SWEEP_NEXT(node);
            sweep_value_dealloc(node);
        }
        sweep_depth--;
    }

    /* And hash as any object does, in C: graphs, gradients and parameters are dicts and sets of nodes. */
    static int sweep_adopt(PyObject *cls) {
        PyTypeObject *kind = (PyTypeObject *)cls;
        PyObject *of_object = PyObject_GetAttrString((PyObject *)&PyBaseObject_Type, "__hash__");
        int status = of_object ? PyDict_SetItemString(kind->tp_dict, "__hash__", of_object) : -1;
        Py_XDECREF(of_object);
        sweep_value_dealloc = kind->tp_dealloc;
        kind->tp_dealloc = sweep_dealloc;
        kind->tp_hash = PyBaseObject_Type.tp_hash;
        PyType_Modified(kind);
        return status;
    }

    /* A new node: without attributes, without a gradient, and not seen by the collector if the class is ours. */
    static PyObject *sweep_new(PyTypeObject *kind, PyObject *arguments, PyObject *keywords) {
        PyObject *node;
        if (sweep_spare && SWEEP_IS_OURS(kind)) {
            node = sweep_spare;
            sweep_spare = *(PyObject **)SWEEP_FIELDS(node);
            sweep_spares--;
            memcpy(SWEEP_FIELDS(node), SWEEP_FIELDS(sweep_blank), sweep_size - sizeof(PyObject));
            Py_INCREF(Py_None), Py_INCREF(Py_None), Py_INCREF(Py_None); /* _primitive, _x and _y */
            return PyObject_INIT(node, kind);
        }
        node = sweep_node_new(kind, arguments, keywords);
        if (!node) return NULL;
        Py_CLEAR(*(PyObject **)((char *)node + sweep_attributes));
        *(double *)((char *)node + sweep_grad) = SWEEP_UNSET;
        if (SWEEP_IS_OURS(kind)) PyObject_GC_UnTrack(node);
        return node;
    }

    /* As for any object; and what is set beside the slots may lead back to the node, which the collector has to see. */
    static int sweep_setattr(PyObject *node, PyObject *name, PyObject *thing) {
        int status = PyObject_GenericSetAttr(node, name, thing);
        return status || !thing || !PyObject_IS_GC(thing) ? status : sweep_track(node, thing);
    }

    /* Who has the dict may put into it what leads back to the node. */
    static PyObject *sweep_get_dict(PyObject *node, void *context) {
        return sweep_track(node, Py_None) ? NULL : PyObject_GenericGetDict(node, context);
    }

    static PyGetSetDef sweep_dict = {"__dict__", sweep_get_dict, PyObject_GenericSetDict, NULL, NULL};
    static PyGetSetDef sweep_own_dict = {"_dict", PyObject_GenericGetDict, NULL, NULL, NULL};

    static int sweep_add(PyTypeObject *kind, PyGetSetDef *definition) {
        PyObject *property = PyDescr_NewGetSet(kind, definition);
        int status = property ? PyDict_SetItemString(kind->tp_dict, definition->name, property) : -1;
        Py_XDECREF(property);
        return status;
    }

    /* The slot as the method that a subclass calls by super(). */
    static int sweep_wrap(PyTypeObject *kind, const char *name) {
        PyObject *of_object = PyObject_GetAttrString((PyObject *)&PyBaseObject_Type, name);
        PyObject *method = of_object ? PyDescr_NewWrapper(kind, ((PyWrapperDescrObject *)of_object)->d_base,
                                                          (void *)sweep_setattr) : NULL;
        int status = method ? PyDict_SetItemString(kind->tp_dict, name, method) : -1;
        Py_XDECREF(of_object);
        Py_XDECREF(method);
        return status;
    }

    /* What Cython cannot say of a class: that its objects get a __dict__ when the first attribute is set. */
    static int sweep_prepare(PyObject *cls, Py_ssize_t attributes, Py_ssize_t grad, int (*track)(PyObject *, PyObject *)) {
        PyTypeObject *kind = (PyTypeObject *)cls;
        PyObject *no_arguments;
        if (sweep_add(kind, &sweep_dict) || sweep_add(kind, &sweep_own_dict)) return -1;
        if (sweep_wrap(kind, "__setattr__") || sweep_wrap(kind, "__delattr__")) return -1;
        sweep_node_new = kind->tp_new, sweep_attributes = attributes, sweep_grad = grad, sweep_track = track;
        sweep_size = kind->tp_basicsize;
        no_arguments = PyTuple_New(0);
        sweep_blank = no_arguments ? sweep_new(kind, no_arguments, NULL) : NULL;
        Py_XDECREF(no_arguments);
        if (!sweep_blank) return -1;
        kind->tp_new = sweep_new;
        kind->tp_free = sweep_free;
        kind->tp_setattro = sweep_setattr;
        kind->tp_dictoffset = attributes;
        PyType_Modified(kind);
        return 0;
    }
    """
    int sweep_adopt(object)
    int sweep_prepare(object, Py_ssize_t, Py_ssize_t, int (*)(object, object) except -1) except -1
    void PyObject_GC_Track(object)
    bint PyObject_GC_IsTracked(object)
    bint PyFloat_CheckExact(PyObject*)
    PyObject** PySequence_Fast_ITEMS(object)

#: How many walks there have been.
cdef unsigned int _walks = 0


cdef class Pointers:
    """A list of nodes that somebody else keeps alive."""

    def __dealloc__(self):
        PyMem_Free(self.items)

    cdef inline int push(self, void* item) except -1:
        if self.size == self.space:
            self.grow()
        self.items[self.size] = item
        self.size += 1
        return 0

    cdef int grow(self) except -1:
        cdef Py_ssize_t space = 2 * self.space or 256
        cdef void** items = <void**>PyMem_Realloc(self.items, space * sizeof(void*))
        if not items:
            raise MemoryError
        self.items, self.space = items, space
        return 0


cdef inline bint _is_node(void* operand, void* like) noexcept:
    return (<PyObject*>operand).ob_type == (<PyObject*>like).ob_type or isinstance(<object>operand, Node)


cdef class Seen:
    """The operations that a walk has seen: they are marked where their gradient is.

    Their gradients are kept here meanwhile, or if they will be set anew, only those that are Values.
    """

    def __cinit__(self, bint keeps):
        global _walks
        self.keeps, self.of_values = keeps, Pointers()
        self.walk = _walks = 1 if _walks + 2 == 0 else _walks + 1  # neither 0 nor all ones
        self.mark = mark_of(_walks)
        self.nodes = Pointers()

    def __dealloc__(self):
        PyMem_Free(self.grads)

    cdef inline int add(self, void* node) except -1:
        if self.keeps:
            if self.nodes.size == self.space:
                self.grow()
            self.grads[self.nodes.size] = (<Node>node)._grad
            self.nodes.push(node)
        elif are_same((<Node>node)._grad, OF_A_VALUE):
            self.of_values.push(node)
        (<Node>node)._grad = self.mark
        return 0

    cdef int grow(self) except -1:
        cdef Py_ssize_t space = 2 * self.space or 256
        cdef double* grads = <double*>PyMem_Realloc(self.grads, space * sizeof(double))
        if not grads:
            raise MemoryError
        self.grads, self.space = grads, space
        return 0

    cdef int restore(self) except -1:
        """Give all of them their gradients back."""
        cdef Py_ssize_t i
        for i in range(self.nodes.size):
            (<Node>self.nodes.items[i])._grad = self.grads[i]
        return 0


cdef inline bint _waits(void* operand, double mark) noexcept:
    """Whether a node is an operation that has not been seen."""
    return (<Node>operand)._x is not None and not are_same((<Node>operand)._grad, mark)


cdef bint sort(Pointers roots, Pointers order, Seen seen, void* compiled) except -1:
    """The operations that lead to the roots, each after its operands, as graph.operations does it.

    False if there is anything that is not plain: an operation that has a chain rule of its own, but for the node
    ``compiled``, or jit's stand-ins.
    """
    cdef Pointers stack = Pointers()
    cdef size_t top
    cdef void* x
    cdef void* y
    cdef PyObject** operands
    cdef bint x_waits, y_waits
    cdef Py_ssize_t i, n
    cdef double mark = seen.mark
    for i in range(roots.size):
        if (<Node>roots.items[i])._x is not None:
            stack.push(roots.items[i])
    while stack.size:
        stack.size -= 1
        top = <size_t>stack.items[stack.size]
        if top & 1:  # all its operands are in the order by now
            order.push(<void*>(top - 1))
            continue
        if are_same((<Node><void*>top)._grad, mark):
            continue
        seen.add(<void*>top)
        if type((<Node><void*>top)._primitive) is not Op and <void*>top != compiled:
            return False
        if (<Node><void*>top)._primal == INFINITY and has_attributes(<object><void*>top):
            return False
        x, y = <void*>(<Node><void*>top)._x, <void*>(<Node><void*>top)._y
        if type(<object>x) is tuple:
            if type(<object>y) is not bytes:
                return False
            stack.push(<void*>(top | 1))
            n, operands = PyTuple_GET_SIZE(<object>x), PySequence_Fast_ITEMS(<object>x)
            for i in range(n):
                if PyFloat_CheckExact(operands[i]):
                    continue
                if not _is_node(operands[i], <void*>top):
                    return False
                if (<Node>operands[i])._x is not None:
                    stack.push(operands[i])
            continue
        x_waits = y_waits = False
        if _is_node(x, <void*>top):
            x_waits = _waits(x, mark)
        elif not PyFloat_CheckExact(<PyObject*>x):
            return False
        if <object>y is not None:
            if _is_node(y, <void*>top):
                y_waits = _waits(y, mark)
            elif not PyFloat_CheckExact(<PyObject*>y):
                return False
        if not (x_waits or y_waits):
            order.push(<void*>top)
            continue
        stack.push(<void*>(top | 1))
        if y_waits:
            stack.push(y)
        if x_waits:
            stack.push(x)
    return True


cdef inline int _give(void* to, double contribution, Pointers leaves, double walk, bint adds_zero) except -1:
    """Add to an operand's adjoint: for an operation in ``_grad``; for a leaf in ``_dx``, if ``_dy`` says so."""
    # No variable holds the node: that would count references up and down.
    if (<Node>to)._x is not None:
        if adds_zero or contribution != 0.0 or (<Node>to)._grad == 0.0:
            (<Node>to)._grad += contribution
    elif (<Node>to)._dy == walk:
        if adds_zero or contribution != 0.0:
            (<Node>to)._dx += contribution
    elif (<Node>to)._primitive is not _constant:
        (<Node>to)._dx, (<Node>to)._dy = contribution, walk
        leaves.push(to)
    return 0


cdef int _pull(Pointers order, Pointers leaves, double walk) except -1:
    """The chain rule over sorted operations, from the adjoints of the last ones on."""
    cdef Py_ssize_t i, j, n
    cdef double adjoint, partial
    cdef double* partials
    cdef PyObject** operands
    cdef void* node
    for i in range(order.size - 1, -1, -1):
        node = order.items[i]
        adjoint = (<Node>node)._grad = (<Node>node)._grad + 0.0
        if type((<Node>node)._x) is tuple:
            n, operands = PyTuple_GET_SIZE((<Node>node)._x), PySequence_Fast_ITEMS((<Node>node)._x)
            partials = <double*>PyBytes_AS_STRING((<Node>node)._y)
            for j in range(n):
                if PyFloat_CheckExact(operands[j]):
                    continue
                partial = partials[j]
                if adjoint == 0.0 or partial == 0.0:  # a strong zero, as in modes.Interpreter.multiply
                    _give(operands[j], 0.0, leaves, walk, False)
                else:
                    _give(operands[j], adjoint * partial, leaves, walk, False)
        elif adjoint - adjoint == 0.0:
            if not PyFloat_CheckExact(<PyObject*>(<Node>node)._x):
                _give(<void*>(<Node>node)._x, adjoint * ((<Node>node)._dx if adjoint != 0.0 else 0.0), leaves, walk, True)
            if (<Node>node)._y is not None and not PyFloat_CheckExact(<PyObject*>(<Node>node)._y):
                _give(<void*>(<Node>node)._y, adjoint * ((<Node>node)._dy if adjoint != 0.0 else 0.0), leaves, walk, True)
        else:
            if not PyFloat_CheckExact(<PyObject*>(<Node>node)._x):
                partial = (<Node>node)._dx
                _give(<void*>(<Node>node)._x, 0.0 if partial == 0.0 else adjoint * partial, leaves, walk, False)
            if (<Node>node)._y is not None and not PyFloat_CheckExact(<PyObject*>(<Node>node)._y):
                partial = (<Node>node)._dy
                _give(<void*>(<Node>node)._y, 0.0 if partial == 0.0 else adjoint * partial, leaves, walk, False)
    return 0


cdef bint backward(Node root, double seed) except -1:
    """Give the nodes of a graph their gradients; whether that was done. If not, chain.pull_back sets them all."""
    cdef Pointers roots = Pointers(), order = Pointers(), leaves = Pointers()
    cdef Seen seen = Seen(False)
    cdef Py_ssize_t i
    cdef void* compiled = NULL
    cdef bint is_plain
    if root._x is None:
        return False
    roots.push(<void*>root)
    if type(root._primitive) is not Op and seed == 1.0 and root._primitive.pulls_partials:
        compiled = <void*>root
        if type(root._y) is tuple and {*map(type, root._y)} == {float}:
            root._y = pack(f"{len(root._y)}d", *root._y)
    is_plain = sort(roots, order, seen, compiled)
    # Values that were gradients go last: whoever waits for the end of one may do anything then.
    replaced = [(<Node>seen.of_values.items[i])._dict.pop("_grad_node", None) for i in range(seen.of_values.size)]
    if not is_plain:
        return False
    for i in range(order.size):
        (<Node>order.items[i])._grad = 0.0
    root._grad = seed
    _pull(order, leaves, seen.walk)
    for i in range(leaves.size):
        if are_same((<Node>leaves.items[i])._grad, OF_A_VALUE):
            return False
    for i in range(leaves.size):
        (<Node>leaves.items[i])._grad = (<Node>leaves.items[i])._dx + (
            0.0 if is_unset((<Node>leaves.items[i])._grad) else (<Node>leaves.items[i])._grad
        )
    replaced.clear()
    return True


cdef dict swept(dict seeds, object stop, bint keep):
    """The adjoints of the leaves, from those of results; None if that is chain.pull_back's business.

    The gradients of the operations in between stay as they are, unless they are to be kept.
    """
    cdef Pointers roots = Pointers(), order = Pointers(), leaves = Pointers()
    cdef Seen seen = Seen(True)
    cdef Py_ssize_t i
    for thing in stop:
        if not isinstance(thing, Node) or (<Node>thing)._x is not None:
            return None
    for thing, seed in seeds.items():
        if not isinstance(thing, Node) or type(seed) is not float or (<Node>thing)._x is None:
            return None
        roots.push(<void*>thing)
    try:
        if not sort(roots, order, seen, NULL):
            keep = False
            return None
        for i in range(order.size):
            (<Node>order.items[i])._grad = 0.0
        for thing, seed in seeds.items():
            (<Node>thing)._grad = seed
        _pull(order, leaves, seen.walk)
    finally:
        if not keep:
            seen.restore()
    return {<object>leaves.items[i]: (<Node>leaves.items[i])._dx for i in range(leaves.size)}


# ---- Memory -------------------------------------------------------------------------------
# The collector does not see a node: a graph has no cycles of its own, and comes by the million. A cycle needs an
# attribute that leads back to the node: of the user's, or the gradient of a leaf that is a Value. Such a node is
# shown to the collector, and with it all that the attribute leads to.


cdef int _track(object node, object thing) except -1:
    """Show a node to the collector, as it now leads to a thing; and the graph of that thing, if it is a node."""
    global any_shown
    cdef Pointers stack = Pointers()
    cdef Node one
    seen = set()
    any_shown = True
    if not PyObject_GC_IsTracked(node):
        PyObject_GC_Track(node)
    if type(thing) is tuple and not PyObject_GC_IsTracked(thing):  # it may be the operands of an operation
        PyObject_GC_Track(thing)
    for one_of in thing if type(thing) is tuple else (thing,):
        if isinstance(one_of, Node):
            stack.push(<void*>one_of)
    while stack.size:
        stack.size -= 1
        one = <Node>stack.items[stack.size]
        if <size_t><void*>one in seen:
            continue
        seen.add(<size_t><void*>one)
        if not PyObject_GC_IsTracked(one):
            PyObject_GC_Track(one)
        operands = one._x if type(one._x) is tuple else (one._x, one._y)
        if operands is one._x and not PyObject_GC_IsTracked(operands):
            PyObject_GC_Track(operands)
        for operand in operands:
            if isinstance(operand, Node):
                stack.push(<void*>operand)
    return 0


cdef int adopt(kind) except -1:
    """Free the graphs of a class without going deep, and hash its nodes by their identity."""
    return sweep_adopt(kind)


cdef int _prepare() except -1:
    cdef Node node = Node()
    cdef char* start = <char*><void*>node
    # _attributes stands before __weakref__ in node.pxd
    return sweep_prepare(Node, Node.__weakrefoffset__ - sizeof(void*), <char*>&node._grad - start, _track)


_prepare()

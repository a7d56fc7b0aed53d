"""The step of an optimiser for all its parameters in one loop, and zero_grad likewise. Compiled core only.

Nothing of Python's runs in these loops, so that no signal and no other thread comes in between. They know what is
plain: Values whose numbers and gradients are floats in their slots, rules that are arithmetic and divide by no 0.
Everything else is left to Python's loop, which raises where it has to.
"""

from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from libc.string cimport memcpy, memset

from autograd_lite.core cimport sweep, vm
from autograd_lite.core.node cimport Node
from autograd_lite.core.op cimport _constant

from autograd_lite.core.value import Value

__all__ = ["Program", "States", "computed", "zero_grad"]

cdef extern from *:
    """
    static inline int update_has(PyObject *node, PyObject *name) {
        PyObject **attributes = _PyObject_GetDictPtr(node);
        return attributes && *attributes ? PyDict_Contains(*attributes, name) : 0;
    }
    """
    int has "update_has"(object node, object name) except -1

cdef enum:
    MOST = 16  # numbers that a rule may remember of a parameter
    KNOWN = 1  # the parameter has been updated before
    DUE = 2  # it is to be updated now

#: Where a Value's number and gradient are read from; a class of the user's may have its own.
cdef tuple READ = ("data", "grad", "has_grad", "requires_grad", "__getattribute__")


# ---- Which Values are plain ---------------------------------------------------------------


cdef bint _are_plain(list values) except -1:
    """Whether the numbers and gradients of all are what their slots hold, and those are floats."""
    cdef Py_ssize_t i
    cdef object kind = Value
    for i in range(PyList_GET_SIZE(values)):
        value = <object>PyList_GET_ITEM(values, i)
        if type(value) is not kind:
            kind = type(value)
            if not isinstance(value, Node) or any([getattr(kind, name) is not getattr(Value, name) for name in READ]):
                return False
        if sweep.has_attributes(value) and (has(value, "_grad_node") or has(value, "_traced")):
            return False
    return True


def zero_grad(values, bint set_to_none):
    """Forget the gradients of Values, or set those that there are to 0; whether that was done.

    >>> x = Value(2.0)
    >>> x.grad = 3.0
    >>> zero_grad([x], True), x.has_grad
    (True, False)
    """
    cdef Py_ssize_t i
    cdef Node node
    if type(values) is not list or not _are_plain(values):
        return False
    for i in range(PyList_GET_SIZE(values)):
        node = <Node?><object>PyList_GET_ITEM(values, i)
        if set_to_none:
            node._grad = sweep.UNSET
        elif not sweep.is_unset(node._grad):
            node._grad = 0.0
    return True


# ---- Rules and states ---------------------------------------------------------------------


cdef class Program:
    """A rule as two programs.

    Args:
        shared: from the learning rate and the ``clocks`` to the next clocks, then to what ``own`` needs of it.
        own: from a parameter, its gradient, the other numbers of its state and what ``shared`` gave, to the next
            parameter and the other numbers of its next state. What both give after that must not be 0.
        clocks: which numbers of a state are the same for most parameters, as they depend on the count of steps alone.
        others: the rest.

    ``shared`` runs when the clocks are not those of the parameter before. Raises ``ValueError`` for a rule that is
    too long, or that calls Python.
    """

    cdef vm.Code shared, own
    cdef Py_ssize_t clock_count, other_count, given_count
    cdef int[MOST] clocks, others
    # While a step is computed: the registers of both, and the clocks for which the shared ones hold.
    cdef double* a
    cdef double* b
    cdef double[MOST] at
    cdef bint has_run

    def __cinit__(self, vm.Code shared, vm.Code own, clocks, others):
        self.clock_count, self.other_count = len(clocks), len(others)
        self.given_count = own.count - 2 - self.other_count
        for code in (shared, own):
            if (<vm.Code>code).yields:
                raise ValueError("a rule that is run for all parameters calls no Python, and is not as long as this one")
        if self.clock_count + self.other_count > MOST:
            raise ValueError(f"a rule that is run for all parameters remembers at most {MOST} numbers of each")
        for i, column in enumerate(clocks):
            self.clocks[i] = column
        for i, column in enumerate(others):
            self.others[i] = column
        self.shared, self.own = shared, own

    cdef int begin(self) except -1:
        self.has_run = False
        self.a = self.shared.acquire()
        try:
            self.b = self.own.acquire()
        except MemoryError:
            self.shared.release(self.a)
            raise
        return 0

    cdef void end(self) noexcept:
        self.shared.release(self.a)
        self.own.release(self.b)

    cdef int update(self, double p, double g, double lr, double* row) except -9:
        """Replace a state by the next one. The next parameter goes before it. 0 if Python would raise."""
        cdef Py_ssize_t i
        cdef double* a = self.a
        cdef double* b = self.b
        cdef bint is_known = self.has_run
        for i in range(self.clock_count):  # by their bits: -0.0 is not 0.0
            is_known &= (<long long*>row)[1 + self.clocks[i]] == (<long long*>self.at)[i]
        if not is_known:
            a[0] = lr
            for i in range(self.clock_count):
                a[1 + i] = self.at[i] = row[1 + self.clocks[i]]
            self.shared.execute(a)
            self.has_run = True
            for i in range(self.clock_count + self.given_count, self.shared.output_count):
                if a[self.shared.outputs[i]] == 0.0:
                    return 0
        b[0], b[1] = p, g
        for i in range(self.other_count):
            b[2 + i] = row[1 + self.others[i]]
        for i in range(self.given_count):
            b[2 + self.other_count + i] = a[self.shared.outputs[self.clock_count + i]]
        self.own.execute(b)
        for i in range(1 + self.other_count, self.own.output_count):
            if b[self.own.outputs[i]] == 0.0:
                return 0
        for i in range(self.clock_count):
            row[1 + self.clocks[i]] = a[self.shared.outputs[i]]
        row[0] = b[self.own.outputs[0]]
        for i in range(self.other_count):
            row[1 + self.others[i]] = b[self.own.outputs[1 + i]]
        return 1


cdef class States:
    """The states of parameters, like the dict from each to its numbers; made by a step, and kept until the next.

    A pickle or a copy of it is that dict.
    """

    cdef list params
    cdef Py_ssize_t width  # of a row: the next number of the parameter, then its state
    cdef double* numbers
    cdef char* marks

    def __dealloc__(self):
        PyMem_Free(self.numbers)
        PyMem_Free(self.marks)

    def items(self):
        """Each parameter that has been updated, with the list of its state."""
        cdef Py_ssize_t i, j
        cdef double* row
        found = []
        for i in range(PyList_GET_SIZE(self.params)):
            if self.marks[i]:
                row = self.numbers + i * self.width
                found.append((self.params[i], [row[j] for j in range(1, self.width)]))
        return found

    def __reduce__(self):
        return dict, (dict(self.items()),)

    def commit(self):
        """Give the parameters the numbers that were computed for them."""
        cdef Py_ssize_t i
        for i in range(PyList_GET_SIZE(self.params)):
            if self.marks[i] & DUE:
                (<Node>PyList_GET_ITEM(self.params, i))._primal = self.numbers[i * self.width]
                self.marks[i] = KNOWN

    cdef int allocate(self, list params, Py_ssize_t width) except -1:
        cdef Py_ssize_t count = PyList_GET_SIZE(params)
        self.params, self.width = params, width
        self.numbers = <double*>PyMem_Malloc((count * width or 1) * sizeof(double))
        self.marks = <char*>PyMem_Malloc(count or 1)
        if not self.numbers or not self.marks:
            raise MemoryError
        memset(self.marks, 0, count)
        return 0


cdef bint _holds(States states, list work, Py_ssize_t width):
    """Whether the rows are those of the parameters of all groups, in their order, each once."""
    cdef Py_ssize_t i, row = 0, count = PyList_GET_SIZE(states.params)
    if states.width != width:
        return False
    for params, _, _ in work:
        if row + PyList_GET_SIZE(params) > count:
            return False
        for i in range(PyList_GET_SIZE(params)):
            if PyList_GET_ITEM(params, i) is not PyList_GET_ITEM(states.params, row):
                return False
            row += 1
    return True


cdef States _following(object before, list work, tuple blank):
    """The states as they are, in rows of their own; None if some are not floats.

    The parameters of the groups come first, then those that have been in a group before.
    """
    cdef States states = States.__new__(States), old
    cdef Py_ssize_t i, j, width = 1 + len(blank), count
    if type(before) is States and _holds(<States>before, work, width):
        old = <States>before
        count = PyList_GET_SIZE(old.params)
        states.allocate(old.params, width)
        memcpy(states.numbers, old.numbers, count * width * sizeof(double))
        memcpy(states.marks, old.marks, count)
        return states
    known = dict(before.items())
    params = list({id(p): p for p in [*[p for group, _, _ in work for p in group], *known]}.values())
    states.allocate(params, width)
    for i, p in enumerate(params):
        state = known.get(p, blank)
        if len(state) != width - 1 or any([type(x) is not float for x in state]):
            return None
        states.numbers[i * width] = 0.0
        for j in range(width - 1):
            states.numbers[i * width + 1 + j] = state[j]
        states.marks[i] = KNOWN if p in known else 0
    return states


cdef bint _advance(States states, Py_ssize_t row, Py_ssize_t count, Program program, double lr) except -1:
    """Compute the next numbers of so many parameters from a row on; whether Python would do so without an error."""
    cdef Py_ssize_t i
    cdef Node node
    for i in range(row, row + count):
        node = <Node>PyList_GET_ITEM(states.params, i)
        if sweep.is_unset(node._grad) or node._primitive is _constant:
            continue
        if not program.update(node._primal, node._grad, lr, states.numbers + i * states.width):
            return False
        states.marks[i] = KNOWN | DUE
    return True


def computed(before, list work, tuple blank):
    """What the next step gives, to be committed; None if that is left to Python's loop.

    Args:
        before: the states: of the step before, or a dict.
        work: of each group the list of its parameters, its :class:`Program` and its learning rate.
        blank: the state of a parameter that has not been updated yet.
    """
    cdef States states
    cdef Py_ssize_t row = 0
    cdef Program program
    cdef bint done
    for params, _, lr in work:
        if type(params) is not list or type(lr) is not float:
            return None
    states = _following(before, work, blank)
    if states is None or not _are_plain(states.params) or not _holds(states, work, 1 + len(blank)):
        return None
    for params, rule, lr in work:
        program = <Program?>rule
        program.begin()
        try:
            done = _advance(states, row, PyList_GET_SIZE(params), program, lr)
        finally:
            program.end()
        if not done:
            return None
        row += PyList_GET_SIZE(params)
    return states

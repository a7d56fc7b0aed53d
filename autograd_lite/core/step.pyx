"""Steps of training in the compiled core: the model by rows, a loss of its outputs, their adjoints by rows, the rule.

All numbers stand in flat arrays, and whole epochs run without Python. A step either is done or changes nothing.
"""

from autograd_lite.core.node cimport Node
from autograd_lite.core.rows cimport GROUP, LANES, Columns, Rows, Uniforms, ints, rows_block
from autograd_lite.core.vm cimport Code

from cpython.exc cimport PyErr_Clear
from cpython.mem cimport PyMem_RawCalloc, PyMem_RawFree
from libc.math cimport isfinite
from libc.stdint cimport int64_t
from libc.string cimport memcpy, memset

from autograd_lite.core cimport vm

__all__ = ["Loss", "Rule", "Status", "Step"]

cdef extern from "rows.h":
    enum:
        VM_OK
    bint rows_finite(const double*, long) noexcept nogil
    void rows_close(const double*, const double*, double*, long) noexcept nogil
    void rows_store(const rows_block*, int, double*) noexcept nogil
    bint rows_has_zero(const rows_block*, int) noexcept nogil
    void rows_load(const rows_block*, int, char**, const Py_ssize_t*, const int64_t*, long) noexcept nogil

cpdef enum Status:
    """How a step ended."""

    DONE
    UNSURE  # a number that is checked is not finite
    ANOMALY  # the loss or a gradient is not finite
    OTHER  # Python has to do it: another branch, or an error


cdef double* _doubles(Py_ssize_t count) except NULL:
    memory = <double*>PyMem_RawCalloc(count + LANES, sizeof(double))
    if not memory:
        raise MemoryError
    return memory


cdef double* _registers_of(Code code) except NULL:
    """Registers for one who runs a program alone, with its constants."""
    made = _doubles(code.size)
    memcpy(made, code.registers, code.size * sizeof(double))
    return made


cdef double* _aligned(double* memory) noexcept nogil:
    return <double*>((<size_t>memory + 63) // 64 * 64)


cdef class Loss:
    """The loss of so many samples.

    Args:
        samples: of how many it is.
        code: from their outputs, their targets and the numbers that it closes over to the loss and its partials.
        adjoints: of each output the place among the results of the code where its adjoint is, or -1 for 0.
        own: of each number it closes over the parameter that it is, or -1, and where its adjoint is, or -1.
        constants: those numbers, as they are.
    """

    def __cinit__(self, Py_ssize_t samples, Code code, adjoints, own, constants):
        self.samples, self.code = samples, code
        self.registers = _registers_of(code)
        self.adjoints = ints(adjoints)
        self.own, self.own_count = ints([x for pair in own for x in pair]), len(own)
        self.constants = _doubles(len(constants))
        self.set_constants(constants)

    def set_constants(self, numbers):
        """Take other numbers that it closes over."""
        cdef Py_ssize_t i
        for i in range(len(numbers)):
            self.constants[i] = numbers[i]

    def __dealloc__(self):
        PyMem_RawFree(self.registers)
        PyMem_RawFree(self.adjoints)
        PyMem_RawFree(self.own)
        PyMem_RawFree(self.constants)


cdef class Rule:
    """The rule of a group of parameters, as :class:`autograd_lite.optim.programs.Parts` has it.

    Args:
        start, count: which parameters they are.
        shared: from the learning rate and the clocks to the next clocks, what ``own`` needs, and what must not be 0.
        own: over rows, the parameters: from a parameter, its gradient and the other numbers of its state to the next
            ones, and to what must not be 0.
        given: how many numbers ``own`` takes from ``shared``.
        lr, clocks, others: the learning rate; the clocks; of each other number of a state all parameters' numbers.
    """

    def __cinit__(self, start, count, Code shared, Rows own, given, lr, clocks, others):
        self.start, self.count, self.shared, self.own, self.lr = start, count, shared, own, lr
        self.clock_count, self.other_count, self.given_count = len(clocks), len(others), given
        self.shared_registers = _registers_of(shared)
        self.uniforms = own.uniforms([0.0] * given)
        self.head_registers = NULL if own.head is None else _registers_of(own.head)
        self.registers = _doubles((own.size + 3) * own.block)
        self.clocks, self.state = _doubles(2 * len(clocks)), _doubles(2 * len(others) * count)
        self.following = self.state + self.other_count * self.count
        self.set_states(clocks, others)

    def __dealloc__(self):
        PyMem_RawFree(self.shared_registers)
        PyMem_RawFree(self.head_registers)
        PyMem_RawFree(self.registers)
        PyMem_RawFree(self.clocks)
        PyMem_RawFree(self.state)

    def set_rate(self, lr):
        """Take another learning rate."""
        self.lr = lr

    def set_states(self, clocks, others):
        """Take other clocks and numbers."""
        cdef Py_ssize_t i, j
        for i in range(self.clock_count):
            self.clocks[i] = clocks[i]
        for i in range(self.other_count):
            for j in range(self.count):
                self.state[i * self.count + j] = others[i][j]

    def states(self):
        """The clocks, and of each other number of a state those of all parameters."""
        cdef Py_ssize_t i, j
        return (
            [self.clocks[i] for i in range(self.clock_count)],
            [[self.state[i * self.count + j] for j in range(self.count)] for i in range(self.other_count)],
        )

    cdef int update(self, double* params, double* grads, double* next_params) noexcept nogil:
        """Compute the next numbers; OTHER where Python would raise."""
        cdef rows_block block
        cdef Py_ssize_t i, first
        cdef double* a = self.shared_registers
        cdef bint is_finite = True
        cdef double* r = _aligned(self.registers)
        a[0] = self.lr
        for i in range(self.clock_count):
            a[1 + i] = self.clocks[i]
        if vm.run(self.shared, a) != VM_OK:
            return OTHER
        for i in range(self.clock_count):
            self.clocks[self.clock_count + i] = a[self.shared.outputs[i]]
        for i in range(self.given_count):
            self.uniforms.u[i] = a[self.shared.outputs[self.clock_count + i]]
        for i in range(self.clock_count + self.given_count, self.shared.output_count):
            if a[self.shared.outputs[i]] == 0.0:
                return OTHER
        if self.head_registers != NULL and self.own.compute(self.uniforms.u, self.head_registers, &is_finite) != VM_OK:
            return OTHER
        self.own.open(&block, r, self.uniforms.u, min(self.own.block, (self.count + LANES - 1) // LANES * LANES))
        first = 0
        while first < self.count:
            block.rows = min(block.stride, self.count - first)
            memcpy(r, params + self.start + first, block.rows * sizeof(double))
            memcpy(r + block.stride, grads + self.start + first, block.rows * sizeof(double))
            for i in range(self.other_count):
                memcpy(r + (2 + i) * block.stride, self.state + i * self.count + first, block.rows * sizeof(double))
            if self.own.first_phase(&block) < 0:
                return OTHER
            rows_store(&block, self.own.results[0], next_params + self.start + first)
            for i in range(self.other_count):
                rows_store(&block, self.own.results[1 + i], self.following + i * self.count + first)
            for i in range(1 + self.other_count, self.own.result_count):
                if rows_has_zero(&block, self.own.results[i]):
                    return OTHER
            first += block.rows
        return DONE

    cdef void commit(self) noexcept nogil:
        """Take the next numbers."""
        memcpy(self.clocks, self.clocks + self.clock_count, self.clock_count * sizeof(double))
        memcpy(self.state, self.following, self.other_count * self.count * sizeof(double))


cdef class Step:
    """One step after the other.

    Args:
        model: from the numbers of a row (first) and the adjoints of its outputs (late), with the parameters first
            among what is the same for all rows, to the outputs and, summed, the gradient by the parameters.
        shared: the numbers that are the same for all rows.
        columns: the samples. What their rows are is said by an order, if there is one.
        targets: a buffer of doubles, so many a sample.
        seeded: of each adjoint the output that it is of.
        params: the parameters, as Values.
        rules: of all groups.
        batch: how many samples a batch has at most.
    """

    def __cinit__(self, Rows model, shared, Columns columns, targets, Py_ssize_t target_width, seeded, params, rules,
                  Py_ssize_t batch):
        cdef Py_ssize_t i
        self.model, self.columns, self.rules, self.batch = model, columns, list(rules), batch
        self.uniforms = model.uniforms(shared)
        self.values, self.losses = list(params), []
        self.param_count, self.output_count, self.seed_count = len(params), model.result_count, len(seeded)
        self.seeded = ints(seeded)
        self.head_registers = NULL if model.head is None else _registers_of(model.head)
        self.registers = _doubles((model.size + 3) * model.block)
        self.totals = _doubles(model.sum_count * (model.block // GROUP))
        self.sums = _doubles(2 * model.sum_count)
        self.params, self.grads = _doubles(2 * self.param_count), _doubles(self.param_count)
        self.outputs = _doubles(batch * self.output_count)
        self.failed = ints([-1] * model.block)
        self.kept_targets, self.target_width = targets, target_width
        self.targets = NULL if len(targets) == 0 else <double*>vm.address_of(targets)
        for i in range(self.param_count):
            self.params[i] = shared[i]
        self.rule_count = len(self.rules)
        self.rule_pointers = <void**>_doubles(self.rule_count)
        for i in range(self.rule_count):
            self.rule_pointers[i] = <void*>self.rules[i]
        self.calls_python = (
            model.calls_python or (model.head is not None and model.head.calls_python)
            or any([(<Rule>rule).shared.calls_python or (<Rule>rule).own.calls_python for rule in rules])
        )

    def __dealloc__(self):
        PyMem_RawFree(self.seeded)
        PyMem_RawFree(self.head_registers)
        PyMem_RawFree(self.registers)
        PyMem_RawFree(self.totals)
        PyMem_RawFree(self.sums)
        PyMem_RawFree(self.params)
        PyMem_RawFree(self.grads)
        PyMem_RawFree(self.outputs)
        PyMem_RawFree(self.failed)
        PyMem_RawFree(self.rule_pointers)

    def add_loss(self, Loss loss):
        """Add the loss of so many samples."""
        self.losses.append(loss)
        self.calls_python |= loss.code.calls_python

    def set_shared(self, numbers):
        """Take other numbers that are the same for all rows, the parameters first."""
        cdef Py_ssize_t i
        for i in range(len(numbers)):
            self.uniforms.u[i] = numbers[i]
        for i in range(self.param_count):
            self.params[i] = numbers[i]

    def write(self):
        """Give the parameters their numbers, and their gradients of the latest step."""
        cdef Py_ssize_t i
        cdef Node node
        for i in range(self.param_count):
            node = <Node>self.values[i]
            node._primal = self.params[i]
            node._grad = self.grads[i]

    def latest_outputs(self, Py_ssize_t samples):
        """The outputs of the latest step, one after the other."""
        cdef Py_ssize_t i
        return [self.outputs[i] for i in range(samples * self.output_count)]

    def run(self, order, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t epoch, losses):
        """Steps for samples from start to stop, where each ``epoch`` samples begin a new one.

        Args:
            order: a buffer of 64-bit whole numbers, the samples in the order in which they are taken; None for
                one epoch after the other as they are.
            losses: a writable buffer of doubles, for the loss of each step.

        Returns up to which sample it came, how many steps were done, and how it ended.
        """
        cdef const int64_t* places = NULL if order is None else <const int64_t*>vm.address_of(order)
        cdef double* values = <double*>vm.address_of(losses)
        cdef int status = DONE
        cdef Py_ssize_t at, count = 0
        cdef Loss whole = self.loss_of(min(self.batch, epoch))
        cdef Loss rest = self.loss_of(epoch % self.batch) if epoch > self.batch and epoch % self.batch else whole
        if self.calls_python:
            at = self.steps(places, start, stop, epoch, whole, rest, values, &status, &count)
            PyErr_Clear()  # what went wrong is raised when Python does that step
        else:
            with nogil:
                at = self.steps(places, start, stop, epoch, whole, rest, values, &status, &count)
        return at, count, status

    cdef Loss loss_of(self, Py_ssize_t samples):
        for loss in self.losses:
            if loss.samples == samples:
                return loss
        raise ValueError(f"there is no loss of {samples} samples")

    cdef Py_ssize_t steps(
        self, const int64_t* order, Py_ssize_t at, Py_ssize_t stop, Py_ssize_t epoch, Loss whole, Loss rest,
        double* values, int* status, Py_ssize_t* count,
    ) noexcept nogil:
        cdef Py_ssize_t samples, start
        status[0] = DONE
        while at < stop and status[0] == DONE:
            start = at if order != NULL else at % epoch
            samples = min(self.batch, epoch - at % epoch)
            if samples == whole.samples:
                status[0] = self.one(order, start, samples, whole, values)
            else:
                status[0] = self.one(order, start, samples, rest, values)
            if status[0] == DONE:
                at += samples
                values += 1
                count[0] += 1
        return at

    cdef int begin(self) noexcept nogil:
        """Compute what follows from the parameters alone."""
        cdef bint is_finite = True
        memcpy(self.uniforms.u, self.params, self.param_count * sizeof(double))
        if self.head_registers == NULL:
            return DONE
        if self.model.compute(self.uniforms.u, self.head_registers, &is_finite) != VM_OK:
            return OTHER
        return DONE if is_finite else UNSURE

    cdef int one(
        self, const int64_t* order, Py_ssize_t start, Py_ssize_t samples, Loss loss, double* value
    ) noexcept nogil:
        """One step: forward, the loss, backward, the rules."""
        cdef rows_block block
        cdef int status
        self.model.open(
            &block, _aligned(self.registers), self.uniforms.u,
            min(self.model.block, (samples + LANES - 1) // LANES * LANES),
        )
        status = self.begin()
        if status == DONE:
            status = self.forward(order, start, samples, &block)
        if status == DONE:
            status = self.measure(order, start, samples, loss, value)
        if status == DONE:
            status = self.backward(order, start, samples, &block, loss)
        return self.update() if status == DONE else status

    cdef int load(self, const int64_t* order, Py_ssize_t start, rows_block* block) noexcept nogil:
        """Bring samples in, and compute their outputs."""
        rows_load(block, <int>self.model.input_count, self.columns.starts, self.columns.steps, order, start)
        return DONE if self.model.first_phase(block) == 0 else OTHER

    cdef int forward(
        self, const int64_t* order, Py_ssize_t start, Py_ssize_t samples, rows_block* block
    ) noexcept nogil:
        """The outputs of all samples."""
        cdef Py_ssize_t first = 0
        memset(self.failed, 255, self.model.block * sizeof(int))  # -1
        block.failed = self.failed
        while first < samples:
            block.rows = min(block.stride, samples - first)
            if self.load(order, start + first, block) != DONE or block.has_failed:
                return OTHER
            self.model.give(block, self.outputs + first * self.output_count, self.output_count, 1)
            first += block.rows
        return DONE

    cdef int measure(
        self, const int64_t* order, Py_ssize_t start, Py_ssize_t samples, Loss loss, double* value
    ) noexcept nogil:
        """The loss, and its partials."""
        cdef Py_ssize_t i, k, width = self.target_width
        cdef double* r = loss.registers
        cdef const double* target
        memcpy(r, self.outputs, samples * self.output_count * sizeof(double))
        r += samples * self.output_count
        for k in range(samples):
            target = self.targets + (order[start + k] if order != NULL else start + k) * width
            for i in range(width):
                r[i] = target[i]
            r += width
        for i in range(loss.own_count):
            r[i] = self.params[loss.own[2 * i]] if loss.own[2 * i] >= 0 else loss.constants[i]
        r = loss.registers
        if vm.run(loss.code, r) != VM_OK:
            return OTHER
        value[0] = r[loss.code.outputs[0]]
        return DONE if isfinite(value[0]) else ANOMALY

    cdef int backward(
        self, const int64_t* order, Py_ssize_t start, Py_ssize_t samples, rows_block* block, Loss loss
    ) noexcept nogil:
        """The gradient by all parameters."""
        cdef Py_ssize_t i, j, k, place, first = 0, n = self.model.sum_count
        cdef double* seeds = block.r + self.model.input_count * block.stride
        cdef const double* r = loss.registers
        while first < samples:
            if samples > block.stride:  # of one block it is all there
                block.rows = min(block.stride, samples - first)
                if self.load(order, start + first, block) != DONE:
                    return OTHER
            for j in range(self.seed_count):
                for k in range(block.rows):
                    place = loss.adjoints[(first + k) * self.output_count + self.seeded[j]]
                    seeds[j * block.stride + k] = r[loss.code.outputs[place]] if place >= 0 else 0.0
            if self.model.second_phase(block) < 0 or block.has_failed:
                return OTHER
            if not self.model.are_finite(block) or not self.model.add_totals(
                block, self.sums, self.sums + n, self.totals, first > 0
            ):
                return UNSURE
            first += block.rows
        rows_close(self.sums, self.sums + n, self.grads, n)
        for i in range(loss.own_count):
            if loss.own[2 * i] >= 0 and loss.own[2 * i + 1] >= 0:
                self.grads[loss.own[2 * i]] += r[loss.code.outputs[loss.own[2 * i + 1]]]
        return DONE if rows_finite(self.grads, n) else ANOMALY

    cdef int update(self) noexcept nogil:
        """The next numbers of all parameters, or none."""
        cdef Py_ssize_t i
        for i in range(self.rule_count):
            if (<Rule>self.rule_pointers[i]).update(self.params, self.grads, self.params + self.param_count) != DONE:
                return OTHER
        for i in range(self.rule_count):
            (<Rule>self.rule_pointers[i]).commit()
        memcpy(self.params, self.params + self.param_count, self.param_count * sizeof(double))
        return DONE

/* The loop of the virtual machine: instructions on registers, which are doubles. For vm.pyx.

   Compile without contraction (-ffp-contract=off): a * b + c has to round twice, as in Python. */

#ifndef AUTOGRAD_LITE_VM_H
#define AUTOGRAD_LITE_VM_H

#include <Python.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What an instruction does with its registers; `to` is where the answer goes.

   ARITHMETIC is ADD, SUB or MUL, which `flag` says: the processor foresees the next instruction, and programs made of
   these three in no order would have it guess wrong half of the time.

   Up to SQRT the operands are `a` and `b`. From WHERE on they stand in the list of operands from `a` on, and `b` says
   how many there are. CALL is a function of C's library, KERNEL one of ours, CHECKED one of ours that may raise,
   PYTHON an Op's own evaluation, LOOP a program that is repeated; `b` is its number then. ITEM reads number `b` of the
   array whose address register `a` holds. A guard compares `a` and `b`, and gives `to` if the outcome is not `flag`. */
#define VM_OPCODES(X) \
    X(UNKNOWN) X(END) X(ARITHMETIC) \
    X(ADD) X(SUB) X(MUL) X(DIV) X(FLOORDIV) X(MOD) X(STRONG_MUL) X(STRONG_ZERO) X(MAXIMUM) X(MINIMUM) \
    X(GREATER) X(GREATER_EQUAL) X(LESS) X(LESS_EQUAL) X(EQUAL) X(NOT_EQUAL) \
    X(NEG) X(COPY) X(SQUARE) X(CUBE) X(FOURTH) X(RECIPROCAL) X(RECIPROCAL_SQUARE) X(RELU) X(ROUND) X(ABS) X(SQRT) \
    X(WHERE) X(SUM) X(MEAN) X(DOT) X(LINEAR) X(LOG_SUM_EXP) \
    X(CALL1) X(CALL2) X(CALL3) X(KERNEL1) X(KERNEL2) X(KERNEL3) X(CHECKED1) X(CHECKED2) X(CHECKED3) X(PYTHON) \
    X(LOOP) X(STACK) X(ITEM) \
    X(GUARD_GREATER) X(GUARD_GREATER_EQUAL) X(GUARD_LESS) X(GUARD_LESS_EQUAL) X(GUARD_EQUAL) X(GUARD_NOT_EQUAL)

enum {
#define X(name) VM_##name,
    VM_OPCODES(X)
#undef X
};

typedef struct {
    uint16_t opcode, flag;
    int32_t to, a, b;
} vm_instruction;

/* What the instructions of a program refer to. */
typedef struct {
    const int32_t *operands;
    void **functions;
    PyObject **ops; /* which Op the function of the same number belongs to */
} vm_context;

typedef double (*vm_function1)(double);
typedef double (*vm_function2)(double, double);
typedef double (*vm_function3)(double, double, double);
/* Functions that Cython made for Python too have one more parameter. */
typedef double (*vm_kernel1)(double, int);
typedef double (*vm_kernel2)(double, double, int);
typedef double (*vm_kernel3)(double, double, double, int);
/* An Op's own evaluation at n registers; -1 with an error set where it raises. */
typedef int (*vm_python)(PyObject *op, const double *r, const int32_t *at, Py_ssize_t n, double *answer);

enum { VM_OK = -1, VM_ERROR = -9, VM_NO_MEMORY = -10, VM_BODY_CHANGED = -11 };

#if defined(__SSE2__)
#include <emmintrin.h>
/* x + y, x - y or x * y for flag 0, 1, 2, without a branch. */
static inline double vm_arithmetic(double x, double y, unsigned flag) {
    static const uint64_t signs[3] = {0, (uint64_t)1 << 63, 0}, products[3] = {0, 0, ~(uint64_t)0};
    __m128d a = _mm_set_sd(x), b = _mm_set_sd(y), chooses = _mm_load_sd((const double *)&products[flag]);
    __m128d sum = _mm_add_sd(a, _mm_xor_pd(b, _mm_load_sd((const double *)&signs[flag])));
    return _mm_cvtsd_f64(_mm_or_pd(_mm_and_pd(chooses, _mm_mul_sd(a, b)), _mm_andnot_pd(chooses, sum)));
}
#else
static inline double vm_arithmetic(double x, double y, unsigned flag) {
    double sum = x + (flag == 1 ? -y : y), product = x * y;
    return flag == 2 ? product : sum;
}
#endif

/* Python's % and //, as in CPython's Objects/floatobject.c. */
static inline double vm_mod(double x, double y) {
    double mod = fmod(x, y);
    if (mod == 0.0) return copysign(0.0, y);
    return (y < 0.0) != (mod < 0.0) ? mod + y : mod;
}

static inline double vm_floordiv(double x, double y) {
    double mod = fmod(x, y), quotient = (x - mod) / y, whole;
    if (y == 0.0) return x / y;
    if (mod != 0.0 && (y < 0.0) != (mod < 0.0)) quotient -= 1.0;
    if (quotient == 0.0) return copysign(0.0, x / y);
    whole = floor(quotient);
    return quotient - whole > 0.5 ? whole + 1.0 : whole;
}

/* What the instructions of one and two operands compute: for one row here, for blocks of them in rows.h. Both sides of
   a condition are asked (& and |), so that it becomes no branch. STRONG_ZERO is of (y, x) in the table of primitives. */
#define VM_BINARIES(X) \
    X(ADD, x + y) \
    X(SUB, x - y) \
    X(MUL, x * y) \
    X(DIV, x / y) \
    X(FLOORDIV, vm_floordiv(x, y)) \
    X(MOD, vm_mod(x, y)) \
    X(STRONG_ZERO, (y == 0.0) & (x - x != 0.0) ? 0.0 : x) \
    X(MAXIMUM, (x >= y) | (x != x) ? x : y) \
    X(MINIMUM, (x <= y) | (x != x) ? x : y) \
    X(GREATER, x > y ? 1.0 : 0.0) \
    X(GREATER_EQUAL, x >= y ? 1.0 : 0.0) \
    X(LESS, x < y ? 1.0 : 0.0) \
    X(LESS_EQUAL, x <= y ? 1.0 : 0.0) \
    X(EQUAL, x == y ? 1.0 : 0.0) \
    X(NOT_EQUAL, x != y ? 1.0 : 0.0)
#define VM_UNARIES(X) \
    X(NEG, -x) \
    X(COPY, x) \
    X(SQUARE, x * x) \
    X(CUBE, x * x * x) \
    X(FOURTH, x * x * x * x) \
    X(RECIPROCAL, 1.0 / x) \
    X(RECIPROCAL_SQUARE, 1.0 / (x * x)) \
    X(RELU, x <= 0.0 ? 0.0 : x) \
    X(ROUND, rint(x)) \
    X(ABS, fabs(x)) \
    X(SQRT, sqrt(x))
#define VM_COMPARISONS(X) \
    X(GUARD_GREATER, x > y) \
    X(GUARD_GREATER_EQUAL, x >= y) \
    X(GUARD_LESS, x < y) \
    X(GUARD_LESS_EQUAL, x <= y) \
    X(GUARD_EQUAL, x == y) \
    X(GUARD_NOT_EQUAL, x != y)

/* The sums of kernels.py, from left to right. */
static inline double vm_sum(const double *r, const int32_t *at, Py_ssize_t n) {
    double total = n ? r[at[0]] : 0.0;
    for (Py_ssize_t i = 1; i < n; i++) total += r[at[i]];
    return total;
}

static inline double vm_dot(const double *r, const int32_t *at, Py_ssize_t n) {
    double total = n ? r[at[0]] * r[at[1]] : 0.0;
    for (Py_ssize_t i = 2; i + 1 < n; i += 2) total += r[at[i]] * r[at[i + 1]];
    return total;
}

static inline double vm_linear(const double *r, const int32_t *at, Py_ssize_t n) {
    double total = r[at[0]];
    for (Py_ssize_t i = 1; i + 1 < n; i += 2) total += r[at[i]] * r[at[i + 1]];
    return total;
}

static inline double vm_log_sum_exp(const double *r, const int32_t *at, Py_ssize_t n) {
    double largest = -INFINITY, total = 0.0;
    for (Py_ssize_t i = 0; i < n; i++) {
        double x = r[at[i]];
        if (x != x) return x;
        if (x > largest) largest = x;
    }
    if (isinf(largest)) return largest;
    for (Py_ssize_t i = 0; i < n; i++) total += exp(r[at[i]] - largest);
    return largest + log(total);
}

/* A Python function called with registers. */
static inline PyObject *vm_call(PyObject *function, const double *r, const int32_t *at, Py_ssize_t n) {
    PyObject *few[8], **boxed = few, *answer = NULL;
    Py_ssize_t i, made = 0;
    if (n > 8 && !(boxed = PyMem_Malloc(n * sizeof(PyObject *)))) return PyErr_NoMemory();
    for (; made < n; made++)
        if (!(boxed[made] = PyFloat_FromDouble(r[at[made]]))) goto done;
    answer = PyObject_Vectorcall(function, boxed, n, NULL);
done:
    for (i = 0; i < made; i++) Py_DECREF(boxed[i]);
    if (boxed != few) PyMem_Free(boxed);
    return answer;
}

/* ---- Loops ---- */

static int vm_run(const vm_instruction *p, double *r, const vm_context *c, vm_python python);

/* A step, and how it is repeated: what a LOOP's function is. The operands are the count, the constants, the first
   carries and the sequences; a step reads them in this order, without the count, from its first registers on. */
typedef struct {
    const vm_instruction *program;
    const vm_context *context;
    const double *registers;   /* of a step, before the first one */
    const Py_ssize_t *outputs; /* in which registers a step leaves the new carries, then its results, then the flag */
    Py_ssize_t size, length;   /* how many registers and instructions a step has */
    const Py_ssize_t *blocks;  /* which of the registers hold the address of a block */
    Py_ssize_t block_count;
    int32_t constants, carries, sequences, results, is_reversed, is_while;
} vm_loop;

/* What an instruction with several results keeps from run to run. The address of `results` is in its register: a NULL
   there, bit by bit, is a block that has not been made yet. */
typedef struct {
    const vm_loop *loop; /* NULL for STACK */
    double *registers, *columns;
    Py_ssize_t room; /* for so many steps in a column */
    double results[1];
} vm_block;

static inline double vm_from_address(const void *address) {
    double x;
    memcpy(&x, &address, sizeof x);
    return x;
}

static inline double *vm_address(double x) {
    double *address;
    memcpy(&address, &x, sizeof address);
    return address;
}

static inline vm_block *vm_block_in(double x) {
    char *results = (char *)vm_address(x);
    return results ? (vm_block *)(results - offsetof(vm_block, results)) : NULL;
}

/* Frees the blocks whose addresses are in some registers, which are NULL then. */
static inline void vm_free_blocks(double *r, const Py_ssize_t *blocks, Py_ssize_t count) {
    for (Py_ssize_t i = 0; i < count; i++) {
        vm_block *block = vm_block_in(r[blocks[i]]);
        r[blocks[i]] = vm_from_address(NULL);
        if (!block) continue;
        if (block->loop) vm_free_blocks(block->registers, block->loop->blocks, block->loop->block_count);
        free(block->registers);
        free(block->columns);
        free(block);
    }
}

static vm_block *vm_new_block(const vm_loop *loop, Py_ssize_t results, double *slot) {
    vm_block *block = calloc(1, sizeof(vm_block) + results * sizeof(double));
    if (!block) return NULL;
    if (loop) {
        if (!(block->registers = malloc((loop->size + 1) * sizeof(double)))) return free(block), NULL;
        memcpy(block->registers, loop->registers, loop->size * sizeof(double));
        for (Py_ssize_t i = 0; i < loop->block_count; i++) block->registers[loop->blocks[i]] = vm_from_address(NULL);
    }
    block->loop = loop;
    *slot = vm_from_address(block->results);
    return block;
}

/* Makes room for so many steps in each column, and keeps what is there. */
static int vm_make_room(vm_block *block, Py_ssize_t steps, Py_ssize_t columns) {
    double *wider;
    if (steps > PY_SSIZE_T_MAX / (Py_ssize_t)sizeof(double) / (columns + 1)) return -1;
    if (!(wider = malloc((steps * columns + 1) * sizeof(double)))) return -1;
    for (Py_ssize_t k = 0; k < columns && block->room; k++)
        memcpy(wider + k * steps, block->columns + k * block->room, block->room * sizeof(double));
    free(block->columns);
    block->columns = wider, block->room = steps;
    return 0;
}

/* Whether a signal, such as Ctrl-C, has left an error. */
static int vm_is_interrupted(void) {
    PyGILState_STATE state = PyGILState_Ensure();
    int status = PyErr_CheckSignals();
    PyGILState_Release(state);
    return status < 0;
}

#if defined(__GNUC__) || defined(__clang__)
__attribute__((noinline))
#endif
static int vm_repeat(const vm_loop *l, const double *r, const int32_t *at, double *slot, vm_python python) {
    vm_block *block = vm_block_in(*slot);
    const int32_t *carries = at + 1 + l->constants, *sequences = carries + l->carries;
    const Py_ssize_t *outputs = l->outputs;
    double flag = r[at[0]], *x, *carried, *read, *out;
    Py_ssize_t i, k, taken, count = 0, left = 1 << 22;
    int status;
    if (!block && !(block = vm_new_block(l, l->carries + l->results + 1, slot))) return VM_NO_MEMORY;
    if (!l->is_while) {
        if (!(flag <= 1e15 && flag == floor(flag))) return VM_BODY_CHANGED;
        count = flag > 0.0 ? (Py_ssize_t)flag : 0;
    }
    k = l->is_while ? 64 : count;
    if (l->results && k > block->room && vm_make_room(block, k, l->results) < 0) return VM_NO_MEMORY;
    x = block->registers, carried = x + l->constants, read = carried + l->carries, out = block->results;
    for (k = 0; k < l->constants; k++) x[k] = r[at[1 + k]];
    for (k = 0; k < l->carries; k++) out[k] = carried[k] = r[carries[k]];
    for (taken = 0; l->is_while ? flag != 0.0 : taken < count; taken++) {
        i = l->is_reversed ? count - 1 - taken : taken;
        for (k = 0; k < l->sequences; k++) read[k] = vm_address(r[sequences[k]])[i];
        status = vm_run(l->program, x, l->context, python);
        if (status != VM_OK) return status <= VM_ERROR ? status : VM_BODY_CHANGED;
        if (l->results && i >= block->room && vm_make_room(block, 2 * block->room, l->results) < 0) return VM_NO_MEMORY;
        for (k = 0; k < l->results; k++) block->columns[k * block->room + i] = x[outputs[l->carries + k]];
        if (l->is_while) flag = x[outputs[l->carries + l->results]];
        for (k = 0; k < l->carries; k++) out[k] = x[outputs[k]];
        for (k = 0; k < l->carries; k++) carried[k] = out[k];
        if ((left -= l->length + 8) < 0) {
            if (vm_is_interrupted()) return VM_ERROR;
            left = 1 << 22;
        }
    }
    for (k = 0; k < l->results; k++) out[l->carries + k] = vm_from_address(block->columns + k * block->room);
    out[l->carries + l->results] = (double)taken; /* of which a while loop alone makes use */
    return VM_OK;
}

/* Gives back columns of many steps, which the next run may not need. */
static inline void vm_trim_blocks(double *r, const Py_ssize_t *blocks, Py_ssize_t count) {
    for (Py_ssize_t i = 0; i < count; i++) {
        vm_block *block = vm_block_in(r[blocks[i]]);
        if (!block || !block->loop) continue;
        vm_trim_blocks(block->registers, block->loop->blocks, block->loop->block_count);
        if (block->room * block->loop->results > 1 << 16) {
            free(block->columns);
            block->columns = NULL, block->room = 0;
        }
    }
}

/* A sequence of numbers in registers. */
static int vm_stack(const double *r, const int32_t *at, Py_ssize_t n, double *slot) {
    vm_block *block = vm_block_in(*slot);
    if (!block && !(block = vm_new_block(NULL, n, slot))) return VM_NO_MEMORY;
    for (Py_ssize_t i = 0; i < n; i++) block->results[i] = r[at[i]];
    return VM_OK;
}

#if defined(__GNUC__) || defined(__clang__)
#define VM_CASE(name) L_##name:
#define VM_NEXT goto *labels[(++p)->opcode]
#else
#define VM_CASE(name) case VM_##name:
#define VM_NEXT continue
#endif
#define VM_UNARY(name, expression) VM_CASE(name) { double x = r[p->a]; r[p->to] = (expression); VM_NEXT; }
#define VM_BINARY(name, expression) VM_CASE(name) { double x = r[p->a], y = r[p->b]; r[p->to] = (expression); VM_NEXT; }
#define VM_MANY(name, expression) \
    VM_CASE(name) { const int32_t *at = c->operands + p->a; r[p->to] = (expression); VM_NEXT; }
#define VM_GUARD(name, comparison) \
    VM_CASE(name) { double x = r[p->a], y = r[p->b]; if ((comparison) != p->flag) return p->to; VM_NEXT; }
/* A function that may raise says so by -1. What it then gives is the Op's business. */
#define VM_CHECKED(name, n, call) \
    VM_CASE(name) { \
        const int32_t *at = c->operands + p->a; \
        double ans = (call); \
        if (ans == -1.0 && PyErr_Occurred()) { \
            if (!PyErr_ExceptionMatches(PyExc_ArithmeticError) && !PyErr_ExceptionMatches(PyExc_ValueError)) \
                return VM_ERROR; /* Ctrl-C, say */ \
            PyErr_Clear(); \
            if (python(c->ops[p->b], r, at, n, &ans) < 0) return VM_ERROR; \
        } \
        r[p->to] = ans; \
        VM_NEXT; \
    }
#define VM_FUNCTION(kind) ((kind)c->functions[p->b])

/* Runs a program to its end: VM_OK, or the number of the guard that fails, or VM_ERROR. */
static int vm_run(const vm_instruction *p, double *r, const vm_context *c, vm_python python) {
#if defined(__GNUC__) || defined(__clang__)
    static const void *const labels[] = {
#define X(name) &&L_##name,
        VM_OPCODES(X)
#undef X
    };
    goto *labels[p->opcode];
#else
    for (;; p++) switch (p->opcode) {
#endif
    VM_CASE(UNKNOWN)
    VM_CASE(END) return VM_OK;
    VM_BINARY(ARITHMETIC, vm_arithmetic(x, y, p->flag))
    VM_BINARIES(VM_BINARY)
    VM_UNARIES(VM_UNARY)
    VM_COMPARISONS(VM_GUARD)
    VM_CASE(STRONG_MUL) {
        double x = r[p->a], y = r[p->b], ans = x * y;
        r[p->to] = ans != ans && (x == 0.0 || y == 0.0) ? 0.0 : ans;
        VM_NEXT;
    }
    VM_MANY(WHERE, r[at[0]] != 0.0 ? r[at[1]] : r[at[2]])
    VM_MANY(SUM, vm_sum(r, at, p->b))
    VM_MANY(MEAN, vm_sum(r, at, p->b) / (double)p->b)
    VM_MANY(DOT, vm_dot(r, at, p->b))
    VM_MANY(LINEAR, vm_linear(r, at, p->b))
    VM_MANY(LOG_SUM_EXP, vm_log_sum_exp(r, at, p->b))
    VM_MANY(CALL1, VM_FUNCTION(vm_function1)(r[at[0]]))
    VM_MANY(CALL2, VM_FUNCTION(vm_function2)(r[at[0]], r[at[1]]))
    VM_MANY(CALL3, VM_FUNCTION(vm_function3)(r[at[0]], r[at[1]], r[at[2]]))
    VM_MANY(KERNEL1, VM_FUNCTION(vm_kernel1)(r[at[0]], 0))
    VM_MANY(KERNEL2, VM_FUNCTION(vm_kernel2)(r[at[0]], r[at[1]], 0))
    VM_MANY(KERNEL3, VM_FUNCTION(vm_kernel3)(r[at[0]], r[at[1]], r[at[2]], 0))
    VM_CHECKED(CHECKED1, 1, VM_FUNCTION(vm_kernel1)(r[at[0]], 0))
    VM_CHECKED(CHECKED2, 2, VM_FUNCTION(vm_kernel2)(r[at[0]], r[at[1]], 0))
    VM_CHECKED(CHECKED3, 3, VM_FUNCTION(vm_kernel3)(r[at[0]], r[at[1]], r[at[2]], 0))
    VM_CASE(PYTHON) { /* the count of operands stands before them */
        const int32_t *at = c->operands + p->a;
        if (python(c->ops[p->b], r, at + 1, at[0], r + p->to) < 0) return VM_ERROR;
        VM_NEXT;
    }
    VM_CASE(LOOP) {
        int status = vm_repeat((const vm_loop *)c->functions[p->b], r, c->operands + p->a, r + p->to, python);
        if (status != VM_OK) return status;
        VM_NEXT;
    }
    VM_CASE(STACK) {
        if (vm_stack(r, c->operands + p->a, p->b, r + p->to) != VM_OK) return VM_NO_MEMORY;
        VM_NEXT;
    }
    VM_CASE(ITEM) { r[p->to] = vm_address(r[p->a])[p->b]; VM_NEXT; }
#if !(defined(__GNUC__) || defined(__clang__))
    }
#endif
}

/* The value of one op, at numbers in a row: `at` says 0, 1, 2 ... For a moment it stands in the place of the first. */
static inline int vm_value(int opcode, void **function, PyObject *op, double *x, const int32_t *at, Py_ssize_t n,
                           vm_python python, double *answer) {
    int32_t b = opcode < VM_WHERE ? 1 : opcode < VM_CALL1 ? (int32_t)n : 0;
    vm_instruction program[2] = {{opcode, 0, 0, 0, b}, {VM_END, 0, 0, 0, 0}};
    vm_context context = {at, function, &op};
    double first = x[0];
    int status = vm_run(program, x, &context, python);
    *answer = x[0];
    x[0] = first;
    return status;
}

#endif

/* The loop of the virtual machine over blocks of rows: each instruction on so many rows at once. For rows.pyx.

   A register is an array of `stride` doubles, one for each row of the block; `stride` is a multiple of LANES. What is
   the same for all rows stands once, in the array of uniforms; an operand below 0 is the uniform ~operand.

   Compile without contraction (-ffp-contract=off): a * b + c has to round twice, as in Python. */

#ifndef AUTOGRAD_LITE_ROWS_H
#define AUTOGRAD_LITE_ROWS_H

#include "vm.h"

#include <string.h>

enum { LANES = 8, GROUP = 32 };

/* How the two operands of an instruction stand: two registers, or one of them a uniform. In programs for rows the opcode
   says it too: it is that of the machine times ROWS_FORMS, plus this. */
enum { ROWS_RR, ROWS_RU, ROWS_UR, ROWS_FORMS };

/* One for each processor that the compiler knows to tell apart when the program is loaded. */
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__)
#define ROWS_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define ROWS_CLONES
#endif

#if defined(__GNUC__) && !defined(__clang__)
#define ROWS_IVDEP _Pragma("GCC ivdep") /* the same row of another register, or of this one */
#else
#define ROWS_IVDEP
#endif

/* Sums keep their accumulators in registers of the processor. */
#if defined(__GNUC__) || defined(__clang__)
typedef double rows_vector __attribute__((vector_size(LANES * sizeof(double))));
#define ROWS_VECTORS 1
#endif

typedef struct {
    const vm_instruction *program;
    const vm_context *context;
    double *r;       /* the registers */
    const double *u; /* the uniforms */
    double *scratch; /* room for three registers */
    long stride, rows; /* of the block: how many rows a register has room for, and how many there are */
    int32_t *failed; /* of each row the first guard that does not hold, or -1; NULL without guards */
    int has_failed;
    vm_python python;
} rows_block;

#define ROWS_LOOP(count) ROWS_IVDEP for (long k = 0; k < (count); k++)
#define ROWS_TO double *to = r + (long)p->to * stride
#define ROWS_A const double *a = r + (long)p->a * stride
#define ROWS_B const double *b = r + (long)p->b * stride

#define ROWS_UNARY(name, expression) \
    case VM_##name * ROWS_FORMS: { \
        ROWS_TO; ROWS_A; \
        ROWS_LOOP(full) { double x = a[k]; to[k] = (expression); } \
        break; \
    }
#define ROWS_BINARY(name, expression) \
    case VM_##name * ROWS_FORMS + ROWS_RR: { \
        ROWS_TO; ROWS_A; ROWS_B; \
        ROWS_LOOP(full) { double x = a[k], y = b[k]; to[k] = (expression); } \
        break; \
    } \
    case VM_##name * ROWS_FORMS + ROWS_RU: { \
        ROWS_TO; ROWS_A; double y = block->u[~p->b]; \
        ROWS_LOOP(full) { double x = a[k]; to[k] = (expression); } \
        break; \
    } \
    case VM_##name * ROWS_FORMS + ROWS_UR: { \
        ROWS_TO; ROWS_B; double x = block->u[~p->a]; \
        ROWS_LOOP(full) { double y = b[k]; to[k] = (expression); } \
        break; \
    }
#define ROWS_GUARD_FORM(name, form, left, right, comparison) \
    case VM_##name * ROWS_FORMS + form: { \
        int fails = 0; \
        for (long k = 0; k < rows; k++) { double x = left, y = right; fails |= (comparison) != p->flag; } \
        if (fails) \
            for (long k = 0; k < rows; k++) { \
                double x = left, y = right; \
                if ((comparison) != p->flag && block->failed[k] < 0) block->failed[k] = p->to; \
            } \
        block->has_failed |= fails; \
        break; \
    }
#define ROWS_GUARD(name, comparison) \
    ROWS_GUARD_FORM(name, ROWS_RR, r[(long)p->a * stride + k], r[(long)p->b * stride + k], comparison) \
    ROWS_GUARD_FORM(name, ROWS_RU, r[(long)p->a * stride + k], block->u[~p->b], comparison) \
    ROWS_GUARD_FORM(name, ROWS_UR, block->u[~p->a], r[(long)p->b * stride + k], comparison)

/* An operand as an array of rows: a uniform is written into scratch number i. */
static inline const double *rows_operand(const rows_block *block, int32_t operand, int i) {
    if (operand >= 0) return block->r + (long)operand * block->stride;
    double *copies = block->scratch + i * block->stride, x = block->u[~operand];
    for (long k = 0; k < block->stride; k++) copies[k] = x;
    return copies;
}

/* Hands on the exception that ended a run. Without one there was no memory. */
static int rows_raise(void) {
    if (!PyErr_Occurred()) PyErr_NoMemory();
    return -1;
}

/* An operation that is done row by row, as the machine for one row does it. */
static int rows_each(const rows_block *block, const vm_instruction *p, int opcode, const int32_t *at, long n, double *to) {
    double few[16], *x = n <= 16 ? few : PyMem_RawMalloc(n * sizeof(double));
    int32_t few_places[16], *places = n <= 16 ? few_places : PyMem_RawMalloc(n * sizeof(int32_t));
    void *function = opcode >= VM_CALL1 ? block->context->functions[p->b] : NULL;
    PyObject *op = opcode >= VM_CALL1 ? block->context->ops[p->b] : NULL;
    int status = x && places ? VM_OK : VM_ERROR;
    for (long i = 0; status == VM_OK && i < n; i++) places[i] = (int32_t)i;
    for (long k = 0; status == VM_OK && k < block->rows; k++) {
        if (block->failed && block->failed[k] >= 0) continue; /* it goes another way, and may not be asked this */
        for (long i = 0; i < n; i++) x[i] = at[i] < 0 ? block->u[~at[i]] : block->r[at[i] * block->stride + k];
        if (opcode == VM_PYTHON)
            status = block->python(op, x, places, n, to + k) < 0 ? VM_ERROR : VM_OK;
        else
            status = vm_value(opcode, &function, op, x, places, n, block->python, to + k);
    }
    if (n > 16) PyMem_RawFree(x), PyMem_RawFree(places);
    return status;
}

#ifdef ROWS_VECTORS
#define ROWS_AT(operand, k) (*(const rows_vector *)(r + (long)(operand) * stride + (k)))
#define ROWS_SPREAD(x) ((rows_vector){x, x, x, x, x, x, x, x})

/* A sum of products over so many vectors of rows at once; `start` is its first term, an operand. */
#define ROWS_SUM_OF_PRODUCTS(count) \
    for (; k + (count)*LANES <= full; k += (count)*LANES) { \
        rows_vector total[count]; \
        for (int v = 0; v < (count); v++) total[v] = start < 0 ? ROWS_SPREAD(u[~start]) : ROWS_AT(start, k + v * LANES); \
        for (long i = 0; i + 1 < n; i += 2) { \
            const double *x = r + (long)at[i + 1] * stride + k; \
            if (at[i] < 0) { \
                rows_vector w = ROWS_SPREAD(u[~at[i]]); \
                for (int v = 0; v < (count); v++) total[v] += w * ((const rows_vector *)x)[v]; \
            } else { \
                const double *y = r + (long)at[i] * stride + k; \
                for (int v = 0; v < (count); v++) total[v] += ((const rows_vector *)y)[v] * ((const rows_vector *)x)[v]; \
            } \
        } \
        for (int v = 0; v < (count); v++) *(rows_vector *)(to + k + v * LANES) = total[v]; \
    }
#endif

/* start + at[0] * at[1] + at[2] * at[3] ..., from left to right. A uniform factor stands first; two are none here. */
ROWS_CLONES
static void rows_linear(const rows_block *block, int32_t start, const int32_t *at, long n, double *to) {
    const double *r = block->r, *u = block->u;
    long stride = block->stride, full = block->stride, k = 0;
#ifdef ROWS_VECTORS
    ROWS_SUM_OF_PRODUCTS(4)
    ROWS_SUM_OF_PRODUCTS(2)
    ROWS_SUM_OF_PRODUCTS(1)
#endif
    for (; k < full; k++) {
        double total = start < 0 ? u[~start] : r[(long)start * stride + k];
        for (long i = 0; i + 1 < n; i += 2)
            total += (at[i] < 0 ? u[~at[i]] : r[(long)at[i] * stride + k]) * r[(long)at[i + 1] * stride + k];
        to[k] = total;
    }
}

/* The sum of n operands, from left to right. */
ROWS_CLONES
static void rows_sum(const rows_block *block, const int32_t *at, long n, double *to) {
    long full = block->stride;
    const double *x = rows_operand(block, at[0], 0);
    memmove(to, x, full * sizeof(double));
    for (long i = 1; i < n; i++) {
        if (at[i] < 0) {
            double y = block->u[~at[i]];
            ROWS_LOOP(full) to[k] += y;
        } else {
            x = block->r + (long)at[i] * full;
            ROWS_LOOP(full) to[k] += x[k];
        }
    }
}

/* As vm_log_sum_exp, operand by operand. */
ROWS_CLONES
static void rows_log_sum_exp(const rows_block *block, const int32_t *at, long n, double *to) {
    const long full = block->stride, rows = block->rows;
    double *largest = block->scratch, *total = largest + full, *nan = total + full;
    ROWS_LOOP(full) { largest[k] = -INFINITY; total[k] = nan[k] = 0.0; }
    for (long i = 0; i < n; i++) {
        const double *x = at[i] < 0 ? block->u + ~at[i] : block->r + (long)at[i] * full;
        const long step = at[i] < 0 ? 0 : 1;
        ROWS_LOOP(full) {
            double y = x[k * step];
            nan[k] = (nan[k] == nan[k]) & (y != y) ? y : nan[k];
            largest[k] = y > largest[k] ? y : largest[k];
        }
    }
    for (long i = 0; i < n; i++) {
        const double *x = at[i] < 0 ? block->u + ~at[i] : block->r + (long)at[i] * full;
        const long step = at[i] < 0 ? 0 : 1;
        for (long k = 0; k < rows; k++) total[k] += exp(x[k * step] - largest[k]);
    }
    for (long k = 0; k < rows; k++)
        to[k] = nan[k] != nan[k] ? nan[k] : isinf(largest[k]) ? largest[k] : largest[k] + log(total[k]);
}

/* Runs a program on the rows of a block: VM_OK or VM_ERROR. Rows whose guards fail are marked. */
ROWS_CLONES
static int rows_run(rows_block *block) {
    double *r = block->r;
    const vm_context *c = block->context;
    /* All lanes, also of a block that is not full: the rest is computed in vain. */
    const long rows = block->rows, stride = block->stride, full = stride / LANES * LANES;
    for (const vm_instruction *p = block->program;; p++) {
        switch (p->opcode) {
        case VM_END * ROWS_FORMS: return VM_OK;
        VM_BINARIES(ROWS_BINARY)
        VM_UNARIES(ROWS_UNARY)
        VM_COMPARISONS(ROWS_GUARD)
        /* Without a branch, unlike the machine for one row, which foresees it. */
        ROWS_BINARY(STRONG_MUL, (x * y != x * y) & ((x == 0.0) | (y == 0.0)) ? 0.0 : x * y)
        case VM_COPY * ROWS_FORMS + ROWS_UR: { /* of a uniform */
            ROWS_TO; double x = block->u[~p->a];
            ROWS_LOOP(full) to[k] = x;
            break;
        }
        case VM_WHERE * ROWS_FORMS: {
            ROWS_TO; const int32_t *at = c->operands + p->a;
            const double *chooses = rows_operand(block, at[0], 0), *x = rows_operand(block, at[1], 1),
                         *y = rows_operand(block, at[2], 2);
            ROWS_LOOP(full) { double yes = x[k], no = y[k]; to[k] = chooses[k] != 0.0 ? yes : no; }
            break;
        }
        case VM_SUM * ROWS_FORMS:
        case VM_MEAN * ROWS_FORMS: {
            ROWS_TO;
            rows_sum(block, c->operands + p->a, p->b, to);
            if (p->opcode == VM_MEAN * ROWS_FORMS) {
                double count = (double)p->b;
                ROWS_LOOP(full) to[k] /= count;
            }
            break;
        }
        case VM_LINEAR * ROWS_FORMS: {
            ROWS_TO; const int32_t *at = c->operands + p->a;
            rows_linear(block, at[0], at + 1, p->b - 1, to);
            break;
        }
        case VM_LOG_SUM_EXP * ROWS_FORMS: {
            ROWS_TO;
            rows_log_sum_exp(block, c->operands + p->a, p->b, to);
            break;
        }
        case VM_CALL1 * ROWS_FORMS: {
            ROWS_TO; const double *x = r + (long)c->operands[p->a] * stride;
            vm_function1 f = VM_FUNCTION(vm_function1);
            for (long k = 0; k < rows; k++) to[k] = f(x[k]);
            break;
        }
        case VM_KERNEL1 * ROWS_FORMS: {
            ROWS_TO; const double *x = r + (long)c->operands[p->a] * stride;
            vm_kernel1 f = VM_FUNCTION(vm_kernel1);
            for (long k = 0; k < rows; k++) to[k] = f(x[k], 0);
            break;
        }
        case VM_CALL2 * ROWS_FORMS: {
            ROWS_TO; const int32_t *at = c->operands + p->a;
            const double *x = rows_operand(block, at[0], 0), *y = rows_operand(block, at[1], 1);
            vm_function2 f = VM_FUNCTION(vm_function2);
            for (long k = 0; k < rows; k++) to[k] = f(x[k], y[k]);
            break;
        }
        case VM_KERNEL2 * ROWS_FORMS: {
            ROWS_TO; const int32_t *at = c->operands + p->a;
            const double *x = rows_operand(block, at[0], 0), *y = rows_operand(block, at[1], 1);
            vm_kernel2 f = VM_FUNCTION(vm_kernel2);
            for (long k = 0; k < rows; k++) to[k] = f(x[k], y[k], 0);
            break;
        }
        default: {
            const int32_t *at = c->operands + p->a;
            static const long counts[] = {1, 2, 3};
            int opcode = p->opcode / ROWS_FORMS;
            long n = opcode == VM_PYTHON ? at[-1] : opcode >= VM_CALL1 ? counts[(opcode - VM_CALL1) % 3] : p->b;
            if (rows_each(block, p, opcode, at, n, r + (long)p->to * stride) != VM_OK) return VM_ERROR;
        }
        }
    }
}

/* The inputs of a block: input j of row i stands at starts[j] + i * steps[j], in bytes. */
static void rows_load(const rows_block *block, int32_t count, char *const *starts, const Py_ssize_t *steps,
                      const int64_t *index, long first) {
    for (int32_t j = 0; j < count; j++) {
        double *to = block->r + (long)j * block->stride;
        const char *from = starts[j];
        Py_ssize_t step = steps[j];
        if (!from) continue;
        if (index)
            for (long k = 0; k < block->rows; k++) to[k] = *(const double *)(from + index[first + k] * step);
        else
            for (long k = 0; k < block->rows; k++) to[k] = *(const double *)(from + (first + k) * step);
    }
}

#ifdef ROWS_VECTORS
typedef int64_t rows_mask __attribute__((vector_size(LANES * sizeof(int64_t))));

/* The products of two registers, or one register where b is NULL, added in lanes; rows from `last` on count as 0. */
static inline __attribute__((always_inline)) rows_vector rows_lanes(const double *a, const double *b, long first, long last, const rows_mask *end) {
    rows_vector total = {0.0};
    for (long k = first; k < last; k += LANES) {
        rows_vector x = *(const rows_vector *)(a + k);
        if (b) x *= *(const rows_vector *)(b + k);
        if (k + LANES > last) x = (rows_vector)((rows_mask)x & *end);
        total = k == first ? x : total + x;
    }
    return total;
}

#if defined(__clang__)
#define ROWS_MIX(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
#else
#define ROWS_MIX(x, y, ...) __builtin_shuffle(x, y, (rows_mask){__VA_ARGS__})
#endif

/* Lanes added in pairs: those of x and those of y in turns. */
#define ROWS_PAIRS(x, y) (ROWS_MIX(x, y, 0, 8, 2, 10, 4, 12, 6, 14) + ROWS_MIX(x, y, 1, 9, 3, 11, 5, 13, 7, 15))
#endif

/* A sum over rows, of a register or of the products of two, which `pairs` says of each (b is -1 for a register alone).

   The order: rows in groups of GROUP; in each, lane l adds the rows l, l + LANES, l + 2 LANES ...; missing rows are 0;
   then ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)) of the lanes. */
ROWS_CLONES
static void rows_totals(const rows_block *block, const int32_t *pairs, long n, long first, double *totals) {
    const double *r = block->r;
    const long stride = block->stride, last = first + GROUP < block->rows ? first + GROUP : block->rows;
    long i = 0;
#ifdef ROWS_VECTORS
    rows_mask end;
    for (int l = 0; l < LANES; l++) end[l] = (last - first) % LANES == 0 || l < (last - first) % LANES ? -1 : 0;
    /* Eight at once: their lanes are added side by side. */
    for (; i + LANES <= n; i += LANES) {
        const int32_t *p = pairs + 2 * i;
        rows_vector x[LANES];
        for (int j = 0; j < LANES; j++) {
            const double *own = r + (long)p[2 * j] * stride;
            x[j] = rows_lanes(own, p[2 * j + 1] < 0 ? NULL : r + (long)p[2 * j + 1] * stride, first, last, &end);
        }
        rows_vector y[4], z[2];
        for (int j = 0; j < 4; j++) y[j] = ROWS_PAIRS(x[2 * j], x[2 * j + 1]); /* 0+1 of x0, of x1, 2+3 of x0, of x1 ... */
        for (int j = 0; j < 2; j++)
            z[j] = ROWS_MIX(y[2 * j], y[2 * j + 1], 0, 1, 8, 9, 4, 5, 12, 13) + ROWS_MIX(y[2 * j], y[2 * j + 1], 2, 3, 10, 11, 6, 7, 14, 15);
        rows_vector whole = ROWS_MIX(z[0], z[1], 0, 1, 2, 3, 8, 9, 10, 11) + ROWS_MIX(z[0], z[1], 4, 5, 6, 7, 12, 13, 14, 15);
        memcpy(totals + i, &whole, sizeof whole);
    }
#endif
    for (; i < n; i++) {
        const double *a = r + (long)pairs[2 * i] * stride, *b = pairs[2 * i + 1] < 0 ? NULL : r + (long)pairs[2 * i + 1] * stride;
        double lane[LANES] = {0.0};
        for (long k = first; k < first + (last - first + LANES - 1) / LANES * LANES; k++) {
            double x = k < last ? (b ? a[k] * b[k] : a[k]) : 0.0;
            lane[(k - first) % LANES] = k - first < LANES ? x : lane[(k - first) % LANES] + x;
        }
        totals[i] = ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
    }
}

/* Whether n numbers are all finite. */
ROWS_CLONES
static int rows_finite(const double *x, long n) {
    double check[LANES] = {0.0}, sum = 0.0;
    long k = 0;
    for (; k + LANES <= n; k += LANES)
        for (int l = 0; l < LANES; l++) check[l] += x[k + l] - x[k + l];
    for (; k < n; k++) sum += x[k] - x[k];
    for (int l = 0; l < LANES; l++) sum += check[l];
    return sum == 0.0;
}

/* Whether all rows of a register are finite. */
static int rows_are_finite(const rows_block *block, int32_t which) {
    return rows_finite(block->r + (long)which * block->stride, block->rows);
}

/* Sums with what was rounded off them. */
ROWS_CLONES
static void rows_close(const double *restrict sums, const double *restrict errors, double *restrict totals, long n) {
    for (long k = 0; k < n; k++) totals[k] = sums[k] + errors[k];
}

/* The rows of a result: of a register, or the uniform that it is. */
static inline void rows_store(const rows_block *block, int32_t which, double *restrict to) {
    if (which < 0)
        for (long k = 0; k < block->rows; k++) to[k] = block->u[~which];
    else
        memcpy(to, block->r + (long)which * block->stride, block->rows * sizeof(double));
}

/* Whether a result is 0 in some row. */
static inline int rows_has_zero(const rows_block *block, int32_t which) {
    int found = 0;
    if (which < 0) return block->u[~which] == 0.0;
    const double *x = block->r + (long)which * block->stride;
    for (long k = 0; k < block->rows; k++) found |= x[k] == 0.0;
    return found;
}

/* Adds totals to sums whose rounding errors are kept beside them (Knuth's TwoSum). */
ROWS_CLONES
static void rows_add(double *sums, double *errors, const double *totals, const double *more, long n) {
    ROWS_LOOP(n) {
        double a = sums[k], b = totals[k], sum = a + b, part = sum - a;
        double error = (a - (sum - part)) + (b - part);
        sums[k] = sum;
        /* An infinite sum has no error. */
        errors[k] += (error == error ? error : 0.0) + (more ? more[k] : 0.0);
    }
}

#endif

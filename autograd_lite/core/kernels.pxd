from libc cimport math

cdef double inf, nan

cpdef double identity(double x) noexcept nogil
cpdef double square(double x) noexcept nogil
cpdef double reciprocal(double x) noexcept nogil
cpdef double one_minus_square(double x) noexcept nogil
cpdef double constant_power(double x, double n) noexcept nogil
cpdef double strong_mul(double x, double y) noexcept nogil
cpdef double strong_zero(double y, double x) noexcept nogil
cpdef double sigmoid(double x) noexcept nogil
cpdef double logistic_pdf(double x) noexcept nogil
cpdef double logit(double p) noexcept nogil
cpdef double silu(double x) noexcept nogil
cpdef double softplus(double x) noexcept nogil
cpdef double gelu(double x) noexcept nogil
cpdef double relu(double x) noexcept nogil
cpdef double leaky_relu(double x, double negative_slope) noexcept nogil
cpdef double elu(double x, double alpha) noexcept nogil
cpdef double maximum(double x, double y) noexcept nogil
cpdef double minimum(double x, double y) noexcept nogil
cpdef double clip(double x, double low, double high) noexcept nogil
cpdef double logaddexp(double x, double y) noexcept nogil
cpdef double exp_difference(double x, double y) noexcept nogil
cpdef double xlogy(double x, double y) noexcept nogil
cpdef double direction(double x, double y, double length) noexcept nogil
cpdef double where(double condition, double x, double y) noexcept nogil
cpdef double greater(double x, double y) noexcept nogil
cpdef double greater_equal(double x, double y) noexcept nogil
cpdef double less(double x, double y) noexcept nogil
cpdef double less_equal(double x, double y) noexcept nogil
cpdef double equal(double x, double y) noexcept nogil
cpdef double not_equal(double x, double y) noexcept nogil
cpdef double sign(double x) noexcept nogil
cpdef double floor(double x) noexcept nogil
cpdef double ceil(double x) noexcept nogil
cpdef double trunc(double x) noexcept nogil

cimport cython
from libc cimport math

cdef double inf, nan, _ROOT, _REST_OF_ROOT, _LAST_ORDER, _SQRT_HALF, _REST_OF_SQRT_HALF, _FAR
cdef tuple _BERNOULLI, _FACTORIALS

@cython.locals(total=double, c=double)
cdef double _polynomial(tuple coefficients, double x) except? -1.0
@cython.locals(product=double)
cpdef double lgamma(double x) except? -1.0
cdef double _lgamma_around_2(double d) except? -1.0
@cython.locals(total=double, rest=double, d=double)
cpdef double digamma(double x) except? -1.0
@cython.locals(ans=double, of_term=double)
cdef (double, double) _added(double total, double rest, double term) noexcept nogil
cpdef double polygamma(double n, double x) except? -1.0
cpdef double polygamma_difference(double n, double x, double y) except? -1.0
@cython.locals(
    factorial=double, sign=double, total=double, rest=double, log_ratio=double, ratio=double, power=double,
    lost=double, left=double, first=double, half=double, squares_left=double, falling=double, m=double,
    bernoulli=double,
)
cdef double _polygamma_sum(double n, double x, double y) except? -1.0
@cython.locals(power=double)
cdef double _power_difference(double m, double x, double y) noexcept nogil
@cython.locals(a=double, b=double, corrections=double, share=double, near=double)
cpdef double betaln(double x, double y) except? -1.0
@cython.locals(total=double, rest=double)
cdef double _sum_of_five(double v, double w, double x, double y, double z) noexcept nogil
cdef double _stirling(double x) except? -1.0
@cython.locals(near=double)
cpdef double norm_pdf(double x) except? -1.0
@cython.locals(z=double, ans=double, high=double, low=double, high_root=double, low_root=double, rest=double)
cpdef double norm_cdf(double x) except? -1.0
@cython.locals(scaled=double, high=double)
cdef (double, double) _split(double x) noexcept nogil
cpdef double norm_ppf(double p) except? -1.0
@cython.locals(tail=double, y=double, excess=double)
cpdef double erfinv(double x) except? -1.0

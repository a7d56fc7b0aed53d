"""Functions of floats around the gamma function and the normal distribution, which the table of primitives needs.

Values only, as in :mod:`autograd_lite.core.kernels`.
"""

import functools
import math
from collections.abc import Callable
from math import fsum, inf, nan
from math import lgamma as pythons_lgamma  # which is not the C library's

__all__ = [
    "betaln",
    "digamma",
    "erfinv",
    "lgamma",
    "norm_cdf",
    "norm_pdf",
    "norm_ppf",
    "polygamma",
    "polygamma_difference",
]

# ---- The gamma function -------------------------------------------------------------------

# (-1)^k (zeta(k) - 1) / k for k = 2, 3 ...
_ZETA = (
    0.3224670334241132, -0.0673523010531981, 0.020580808427784546, -0.007385551028673986, 0.0028905103307415234,
    -0.001192753911703261, 0.0005096695247430425, -0.00022315475845357939, 9.945751278180853e-05,
    -4.492623673813314e-05, 2.050721277567069e-05, -9.439488275268397e-06, 4.374866789907488e-06,
    -2.039215753801366e-06, 9.55141213040742e-07, -4.492469198764566e-07, 2.1207184805554665e-07,
    -1.0043224823968099e-07, 4.7698101693639804e-08, -2.2711094608943164e-08, 1.0838659214896955e-08,
    -5.183475041970047e-09, 2.4836745438024785e-09, -1.1921401405860912e-09, 5.731367241678862e-10,
    -2.7595228851242334e-10, 1.330476437424449e-10, -6.4229645638381e-11,
)  # fmt: skip
# The positive root of digamma in two parts, and polygamma(k, root) / k! for k = 1, 2 ...
_ROOT, _REST_OF_ROOT = 1.4616321449683622, 9.549995429965697e-17
_DIGAMMA = (
    0.9676722454476212, -0.4427631689835921, 0.258499760955651, -0.16394270544240652, 0.10782405069126237,
    -0.07219956125645471, 0.04880428816414311, -0.03316112647484736, 0.022597648232218104, -0.01542476590494896,
    0.010538791616612175, -0.007204534386356869, 0.004926781395729853, -0.003369801655439328, 0.002305126326734928,
    -0.0015769367714301972, 0.0010788252019162967, -0.0007380709389960052, 0.000504953265834602,
    -0.0003454680251063077, 0.00023635601564027053, -0.00016170622091974803, 0.0001106337276874741,
    -7.569179582195066e-05, 5.178575795222081e-05, -3.5430070947659604e-05, 2.424006611860132e-05,
    -1.6584242271854135e-05, 1.134638458466385e-05, -7.762817668462094e-06, 5.3110609208898636e-06,
    -3.6336507898010456e-06, 2.486022733129538e-06, -1.7008538854332607e-06, 1.1636675363548843e-06,
    -7.96142543124197e-07,
)  # fmt: skip
# Bernoulli numbers B2, B4 ... B20. Of floats, as compiled 1 / 6 would be a division of C's.
_BERNOULLI = (
    1.0 / 6.0, -1.0 / 30.0, 1.0 / 42.0, -1.0 / 30.0, 5.0 / 66.0, -691.0 / 2730.0, 7.0 / 6.0, -3617.0 / 510.0,
    43867.0 / 798.0, -174611.0 / 330.0,
)  # fmt: skip
# B2 / (2 1), B4 / (4 3) ... B16 / (16 15), of Stirling's series
_STIRLING = tuple([b / (k * (k - 1.0)) for k, b in zip(range(2, 18, 2), _BERNOULLI, strict=False)])
_FACTORIALS = tuple([float(math.factorial(n)) for n in range(171)])
#: Beyond this order the terms of polygamma are no floats.
_LAST_ORDER = 150.0


def _polynomial(coefficients: tuple[float, ...], x: float) -> float:
    """c0 + c1 x + c2 x^2 + ..., by Horner's rule."""
    total = 0.0
    for c in reversed(coefficients):
        total = total * x + c
    return total


def lgamma(x: float) -> float:
    """log(abs(gamma(x))).

    ``math.lgamma`` loses all digits near 1 and 2, where it is 0. From 1/2 to 8 it is
    the series around 2 (Abramowitz and Stegun 6.1.33) after steps of 1.
    """
    if not 0.5 <= x < 8.0:
        return pythons_lgamma(x)
    if x < 1.5:
        return _lgamma_around_2(x - 1.0) - math.log1p(x - 1.0)
    product = 1.0
    while x > 2.5:
        x -= 1.0
        product *= x
    return _lgamma_around_2(x - 2.0) + math.log(product)


def _lgamma_around_2(d: float) -> float:
    """lgamma(2 + d) for d from -1/2 to 1/2."""
    return d * (0.42278433509846713 + d * _polynomial(_ZETA, d))  # 1 - Euler's constant


def digamma(x: float) -> float:
    """The derivative of lgamma; nan at its poles 0, -1, -2 ...

    Up to 10 by steps of 1 from the Taylor series around its root 1.46 (after Cody, Strecok
    and Thacher, "Chebyshev approximations for the psi function", 1973).
    """
    if not 0.0 < x < 10.0:
        return polygamma(0.0, x)
    total, rest = 0.0, 0.0
    while x > 2.0:
        x -= 1.0
        total, rest = _added(total, rest, 1.0 / x)
    if x < 1.0:
        total = -1.0 / x
        x += 1.0
    d = x - _ROOT - _REST_OF_ROOT
    total, rest = _added(total, rest, d * _polynomial(_DIGAMMA, d))
    return total + rest if rest == rest else total  # rest is nan where the total is infinite


def _added(total: float, rest: float, term: float) -> tuple[float, float]:
    """total + term, and rest + what its rounding leaves out (D. E. Knuth): a sum in twice the digits."""
    ans = total + term
    of_term = ans - total
    return ans, rest + ((total - (ans - of_term)) + (term - of_term))


def polygamma(n: float, x: float) -> float:
    """The n-th derivative of digamma, for a whole n >= 0 (else nan).

    At its poles 0, -1, -2 ... inf if n is odd, nan if not, as its sign differs on the two sides.
    Reflection for negative x (Abramowitz and Stegun 6.4.7), else as polygamma_difference.
    """
    if not 0.0 <= n < inf or math.floor(n) != n or x != x or x == -inf:
        return nan
    if x == inf:
        return 0.0 if n else inf
    if x <= 0.0:
        return _reflected(int(n), x)
    return _polygamma_sum(n, x, inf)


def polygamma_difference(n: float, x: float, y: float) -> float:
    """polygamma(n, x) - polygamma(n, x + y), without cancellation where both are positive."""
    if not (0.0 <= n < inf and math.floor(n) == n and 0.0 < x < inf and 0.0 < y < inf):
        return polygamma(n, x) - polygamma(n, x + y)
    return _polygamma_sum(n, x, y)


def _polygamma_sum(n: float, x: float, y: float) -> float:
    """polygamma(n, x) for x > 0, and for a finite y less polygamma(n, x + y).

    The recurrence up to x >= 10 + n, then the asymptotic series (Abramowitz and Stegun 6.4.6 and 6.4.11; 6.3 for
    n = 0), which goes by powers x^-m (1 - r^m), where r = x / (x + y).
    """
    if n > _LAST_ORDER:
        raise OverflowError(f"polygamma of order {n} is beyond the largest float on its way")
    factorial = _FACTORIALS[int(n)]
    sign = 1.0 if math.fmod(n, 2.0) == 1.0 else -1.0
    total, rest = 0.0, 0.0
    while x < 10.0 + n:
        total, rest = _added(total, rest, sign * factorial * _power_difference(n + 1.0, x, y))
        x += 1.0
    log_ratio = math.log1p(y / x)
    ratio, power = x / (x + y), math.pow(x, -n)
    lost = math.pow(ratio, n)  # r^m, and what is left of 1
    left = -math.expm1(-n * log_ratio) if n else 0.0
    first = math.log(x) if y == inf else -log_ratio
    if n:
        first = sign * (factorial / n) * power * left
    total, rest = _added(total, rest, first)
    half = 0.5 * power / x * -math.expm1(-(n + 1.0) * log_ratio)
    total, rest = _added(total, rest, sign * factorial * half)
    squares_left = -math.expm1(-2.0 * log_ratio)
    falling, m = 0.5 * factorial * (n + 1.0), 2.0  # (m + n - 1)! / m!
    for bernoulli in _BERNOULLI:
        power /= x * x
        left += lost * squares_left
        lost *= ratio * ratio
        total, rest = _added(total, rest, sign * bernoulli * falling * power * left)
        falling *= (m + n) * (m + n + 1.0) / ((m + 1.0) * (m + 2.0))
        m += 2.0
    if rest != rest:  # as it is where the total is infinite
        raise OverflowError(f"polygamma of order {n} is beyond the largest float here")
    return total + rest


def _power_difference(m: float, x: float, y: float) -> float:
    """x^-m - (x + y)^-m."""
    if m == 1.0:
        return 1.0 / x if y == inf else y / (x + y) / x
    power = 1.0 / (x * x) if m == 2.0 else math.pow(x, -m)
    return power if y == inf else -power * math.expm1(-m * math.log1p(y / x))


def _reflected(order: int, x: float) -> float:
    """polygamma(order, x) for x <= 0."""
    if x.is_integer():
        return inf if order % 2 else nan
    reflected = polygamma(float(order), 1.0 - x) if order else digamma(1.0 - x)
    return (-reflected if order % 2 else reflected) - math.pi * _cot_pi(x, order)


def _cot_pi(x: float, order: int) -> float:
    """The order-th derivative of cot(pi x) by x: a polynomial in c = cot(pi x), as c' = -pi (1 + c^2)."""
    d = x - round(x)
    c = math.copysign(math.tan(math.pi * (0.5 - abs(d))), d)  # 1/2 - abs(d) is exact above 1/4
    if abs(d) < 0.25:
        c = 1.0 / math.tan(math.pi * d)
    polynomial = [0.0, 1.0]
    for _ in range(order):
        slopes = [-math.pi * i * a for i, a in enumerate(polynomial)][1:]
        polynomial = [a + b for a, b in zip([*slopes, 0.0, 0.0], [0.0, 0.0, *slopes], strict=True)]
    return fsum(a * c**i for i, a in enumerate(polynomial) if a)


def betaln(x: float, y: float) -> float:
    """log(abs(B(x, y))), where B(x, y) = gamma(x) gamma(y) / gamma(x + y).

    Where the larger is at least 10 by Stirling's series with its corrections apart (after DiDonato and
    Morris, "Algorithm 708", 1992), so that large numbers do not cancel.
    """
    a, b = min(x, y), max(x, y)
    if x != x or y != y:
        return nan
    if b == inf:
        return -inf if a > 0.0 else nan
    if a == 0.0:
        return inf
    if a < 0.0 or b < 10.0:
        return lgamma(a) + lgamma(b) - lgamma(a + b)
    corrections = _stirling(b) - _stirling(a + b)
    if a < 10.0:
        return _sum_of_five(lgamma(a), corrections, -(a + b - 0.5) * math.log1p(a / b), -a * math.log(b), a)
    corrections += _stirling(a)
    share = a / (a + b) if a + b < inf else 1.0 / (1.0 + b / a)
    near = (a - 0.5) * math.log(share)
    return _sum_of_five(0.5 * math.log(2.0 * math.pi), corrections, -0.5 * math.log(b), near, -b * math.log1p(a / b))


def _sum_of_five(v: float, w: float, x: float, y: float, z: float) -> float:
    """The sum of five numbers that may cancel."""
    total, rest = _added(v, 0.0, w)
    total, rest = _added(total, rest, x)
    total, rest = _added(total, rest, y)
    total, rest = _added(total, rest, z)
    return total + rest if rest == rest else total


def _stirling(x: float) -> float:
    """lgamma(x) less (x - 1/2) log(x) - x + log(2 pi) / 2, for x >= 10 (Abramowitz and Stegun 6.1.40)."""
    return _polynomial(_STIRLING, 1.0 / (x * x)) / x


# ---- The normal distribution --------------------------------------------------------------

#: sqrt(1/2) in two parts.
_SQRT_HALF, _REST_OF_SQRT_HALF = 0.7071067811865476, -4.833646656726457e-17
#: From here on the density is 0 in floats.
_FAR = 40.0


def norm_pdf(x: float) -> float:
    """The density of the normal distribution, exp(-x^2 / 2) / sqrt(2 pi).

    x^2 is split in two, of which the first is exact: its rounding would cost x^2 times as much.
    """
    if not abs(x) < _FAR:
        return 0.0 if abs(x) >= _FAR else nan
    near = math.floor(x * 16.0 + 0.5) / 16.0
    return math.exp(-0.5 * near * near) * math.exp(-0.5 * (x - near) * (x + near)) / math.sqrt(2.0 * math.pi)


def norm_cdf(x: float) -> float:
    """The normal distribution function, erfc(-x / sqrt(2)) / 2, to full precision in the lower tail.

    What the rounding of x / sqrt(2) leaves out (T. J. Dekker, 1971) comes in by the derivative of erfc.
    """
    z = -x * _SQRT_HALF
    ans = 0.5 * math.erfc(z)
    if not abs(x) < _FAR:
        return ans
    high, low = _split(-x)
    high_root, low_root = _split(_SQRT_HALF)
    rest = ((high * high_root - z) + high * low_root + low * high_root) + low * low_root - x * _REST_OF_SQRT_HALF
    return ans - math.exp(-z * z) / math.sqrt(math.pi) * rest


def _split(x: float) -> tuple[float, float]:
    """x as a sum of two numbers of 26 bits (G. W. Veltkamp)."""
    scaled = 134217729.0 * x  # 2^27 + 1
    high = scaled - (scaled - x)
    return high, x - high


@functools.cache
def _standard_normal() -> Callable[[float], float]:
    from statistics import NormalDist  # when first needed, as its import takes long

    return NormalDist().inv_cdf


def norm_ppf(p: float) -> float:
    """The inverse of norm_cdf, by M. J. Wichura's algorithm AS 241 (1988)."""
    return _standard_normal()(p)


def erfinv(x: float) -> float:
    """The inverse of erf: norm_ppf((1 + x) / 2) / sqrt(2), and one step of Newton's method on erf or erfc."""
    tail = 0.5 * (1.0 - abs(x))
    if not 0.0 < tail <= 0.5:
        raise ValueError(f"erfinv needs -1 < x < 1, got {x}")
    y = -norm_ppf(tail) * math.sqrt(0.5)
    excess = math.erf(y) - abs(x) if abs(x) < 0.5 else 2.0 * tail - math.erfc(y)
    return math.copysign(y - excess * 0.5 * math.sqrt(math.pi) * math.exp(y * y), x)

"""Functions of floats around the gamma function and the normal distribution, which the table of primitives needs.

Values only, as in :mod:`autograd_lite.core.kernels`.
"""

import functools
import math
from collections.abc import Callable
from math import inf, nan

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
# Bernoulli numbers B2, B4 ... B20.
_BERNOULLI: tuple[float, ...] = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
_BERNOULLI += (43867 / 798, -174611 / 330)


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
        return math.lgamma(x)
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
    terms = []
    while x > 2.0:
        x -= 1.0
        terms.append(1.0 / x)
    if x < 1.0:
        terms.append(-1.0 / x)
        x += 1.0
    d = x - _ROOT - _REST_OF_ROOT
    return math.fsum([d * _polynomial(_DIGAMMA, d), *terms])


def polygamma(n: float, x: float) -> float:
    """The n-th derivative of digamma, for a whole n >= 0 (else nan).

    At its poles 0, -1, -2 ... inf if n is odd, nan if not, as its sign differs on the two sides.
    Reflection for negative x, the recurrence up to x >= 10 + n, then the asymptotic
    series (Abramowitz and Stegun 6.4.7, 6.4.6 and 6.4.11; 6.3 for n = 0).
    """
    if not n.is_integer() or n < 0.0 or x != x or x == -inf:
        return nan
    order = int(n)
    if x <= 0.0 and x.is_integer():
        return inf if order % 2 else nan
    if x == inf:
        return 0.0 if order else inf
    if x < 0.0:
        reflected = polygamma(n, 1.0 - x) if order else digamma(1.0 - x)
        return (-1.0) ** order * reflected - math.pi * _cot_pi(x, order)
    return math.fsum(_polygamma_terms(order, x, lambda m, at: at**-m, math.log))


def polygamma_difference(n: float, x: float, y: float) -> float:
    """polygamma(n, x) - polygamma(n, x + y), without cancellation where both are positive."""
    if not (n.is_integer() and n >= 0.0 and 0.0 < x < inf and 0.0 < y < inf):
        return polygamma(n, x) - polygamma(n, x + y)

    def power(m: int, at: float) -> float:  # at^-m - (at + y)^-m
        return -(at**-m) * math.expm1(-m * math.log1p(y / at))

    return math.fsum(_polygamma_terms(int(n), x, power, lambda at: -math.log1p(y / at)))


def _polygamma_terms(
    order: int, x: float, power: Callable[[int, float], float], log: Callable[[float], float]
) -> list[float]:
    """What polygamma is a sum of for x > 0, where ``power(m, at)`` is at**-m."""
    sign = 1.0 if order % 2 else -1.0
    terms = []
    while x < 10.0 + order:
        terms.append(sign * math.factorial(order) * power(order + 1, x))
        x += 1.0
    terms.append(sign * math.factorial(order - 1) * power(order, x) if order else log(x))
    terms.append(sign * math.factorial(order) * 0.5 * power(order + 1, x))
    for two_k, bernoulli in zip(range(2, 22, 2), _BERNOULLI, strict=True):
        # (2k + n - 1)! / (2k)!, small enough to be exact as a product
        falling = math.prod(range(two_k + 1, two_k + order)) if order else 1.0 / two_k
        terms.append(sign * bernoulli * falling * power(two_k + order, x))
    return terms


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
    return math.fsum(a * c**i for i, a in enumerate(polynomial) if a)


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
        return math.fsum([lgamma(a), corrections, -(a + b - 0.5) * math.log1p(a / b), -a * math.log(b), a])
    corrections += _stirling(a)
    share = a / (a + b)
    return math.fsum(
        [0.5 * math.log(2.0 * math.pi), corrections, -0.5 * math.log(b), (a - 0.5) * math.log(share),
         -b * math.log1p(a / b)]
    )  # fmt: skip


def _stirling(x: float) -> float:
    """lgamma(x) less (x - 1/2) log(x) - x + log(2 pi) / 2, for x >= 10 (Abramowitz and Stegun 6.1.40)."""
    return math.fsum(b / (k * (k - 1) * x ** (k - 1)) for k, b in zip(range(2, 18, 2), _BERNOULLI, strict=False))


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
    near = round(x * 16.0) / 16.0
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

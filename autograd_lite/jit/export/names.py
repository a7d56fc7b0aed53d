"""Names that C allows."""

import re
from collections.abc import Sequence

from autograd_lite.jit.backends.python import identifier
from autograd_lite.jit.export.translation import PREFIX

__all__ = ["is_free", "parameters"]

#: Words that no name may be: of C and C++, of <math.h>, and those of the text itself.
_TAKEN = set(
    """
    auto break case char const continue default do double else enum extern float for goto if inline int long register
    restrict return short signed sizeof static struct switch typedef union unsigned void volatile while asm bool catch
    class const_cast delete dynamic_cast explicit export false friend mutable namespace new operator private protected
    public reinterpret_cast static_cast template this throw true try typeid typename using virtual wchar_t alignas
    alignof char16_t char32_t constexpr decltype noexcept nullptr static_assert thread_local and and_eq bitand bitor
    compl not not_eq or or_eq xor xor_eq near far main inputs outputs s failed errno linux unix NULL EOF
    math stdio

    INFINITY NAN HUGE_VAL MATH_ERRNO acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh drem erf erfc
    exp exp10 exp2 expm1 fabs fdim finite float_t double_t floor fma fmax fmin fmod fpclassify frexp gamma hypot ilogb
    isfinite isgreater isgreaterequal isinf isless islessequal islessgreater isnan isnormal isunordered j0 j1 jn ldexp
    lgamma llrint llround log log10 log1p log2 logb lrint lround math_errhandling modf nan nearbyint nextafter
    nexttoward pow pow10 remainder remquo rint round scalb scalbln scalbn signbit signgam significand sin sincos sinh
    sqrt tan tanh tgamma trunc y0 y1 yn
    """.split()  # noqa: SIM905 - a page of words
)
_OWN = re.compile(rf"[vkt]\d+|piece_\d+|M_\w+|FP_\w+|{PREFIX}\w*")


def is_free(name: object) -> bool:
    """Whether a function may have a name."""
    return isinstance(name, str) and re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) is not None and not _is_taken(name)


def parameters(names: Sequence[str], function: str) -> list[str]:
    """The names of the inputs of a function as C has them, each once."""
    made: dict[str, None] = {function: None}
    for name in names:
        c_name = identifier(name)
        while c_name in made or _is_taken(c_name):
            c_name = f"x_{c_name}" if _OWN.fullmatch(c_name) else f"{c_name}_"
        made[c_name] = None
    return list(made)[1:]


def _is_taken(name: str) -> bool:
    return name in _TAKEN or _OWN.fullmatch(name) is not None

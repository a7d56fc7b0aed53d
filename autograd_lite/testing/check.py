"""A gradient beside an independent oracle, with a tolerance that rounding explains."""

from collections.abc import Callable, Sequence
from typing import Any

from autograd_lite import pytree
from autograd_lite.core.checks import describe, is_real
from autograd_lite.errors import ArgumentError, GradientMismatch, InconclusiveGradient
from autograd_lite.testing.comparing import Comparing
from autograd_lite.testing.foreign import Foreign
from autograd_lite.testing.report import MISMATCH, Comparison, GradientReport
from autograd_lite.testing.subjects import Recorded

__all__ = ["ORACLES", "check_gradients", "rounding_tolerance"]

ORACLES = ("auto", "finite_difference", "high_precision", "complex_step")
MODES = ("reverse", "forward")


def check_gradients(  # noqa: PLR0913 - few calls name more than two of them
    f: Callable[..., Any],
    *args: Any,
    grad: Callable[..., Any] | None = None,
    order: int | None = None,
    modes: Sequence[str] = MODES,
    oracle: str = "auto",
    rtol: float | None = None,
    atol: float | None = None,
    noise: float | None = None,
    scale: Any = None,
    allow_inconclusive: bool = False,
) -> GradientReport:
    """Compare the derivatives of f at a point with an independent oracle.

    Args:
        f: a function of numbers that returns one number.
        args: where: numbers in nested lists, tuples and dicts, NumPy arrays and Modules.
        grad: another function that gives the gradient of f, to be checked in the place of
            the engine's. f and grad may then be any code: of floats, of NumPy arrays of any
            shape and precision, of C. The gradient is shaped as the argument (a tuple, if
            there are several); where f gives several numbers it is the Jacobian, shaped as
            the results and then the argument.
        order: 1 for the gradient, 2 (the default, but for ``grad``) for the Hessian as well.
        modes: which of the engine's two modes to check, ``"reverse"`` and ``"forward"``.
        oracle: ``"finite_difference"`` (floats only), ``"high_precision"`` (60 digits, for
            programs of primitives, with the extra ``test``), ``"complex_step"`` (analytic
            programs, order 1), or ``"auto"``: finite differences, and 60 digits where they
            cannot tell.
        rtol: a fixed relative tolerance, in the place of the adaptive one.
        atol: a fixed absolute tolerance, likewise.
        noise: how far the values of f may be off, if more than rounding; estimated, if not said.
        scale: how far an input moves before f changes markedly, one number for all or one for
            each; ``max(abs(x), 1e-3)``, if not said. Steps of differences are at most 1/20 of it.
        allow_inconclusive: whether a check that cannot tell passes.

    The adaptive tolerance is what rounding explains: the derivative is computed again a few
    times with every value, partial and sum in it off by one roundoff u, and the tolerance is
    16 times the largest change plus 8 u times the derivative. Programs that lose digits
    loosen it by themselves; others are held to their last digits. With ``grad`` it is 64 u
    times the derivative, u being that of the arrays' type, and the noise that is seen in it.

    Returns a :class:`GradientReport`. Raises ``GradientMismatch`` (an ``AssertionError``) with
    the table of comparisons and, where one primitive's own partial is off, its name;
    ``InconclusiveGradient`` (likewise) where nobody can tell: domain edges, jumps, too much
    rounding or noise. At a kink the derivative has to lie between the slopes to both sides,
    which is enough if others agree. ``TypeError`` or ``ArgumentError`` for arguments that
    make no sense.

    >>> from autograd_lite import sin
    >>> check_gradients(lambda x, y: sin(x) * y, 1.0, 2.0).ok
    True
    >>> import math
    >>> check_gradients(math.sin, 1.0, grad=math.cos).ok
    True
    """
    order = (1 if grad is not None else 2) if order is None else order
    _check_arguments(f, grad, order, modes, oracle)
    _check_point(args)
    _check_numbers(rtol=rtol, atol=atol, noise=noise)
    subject = Recorded(f, args, modes, scale) if grad is None else Foreign(f, args, grad, scale)
    fixed = None if rtol is None and atol is None else (rtol or 0.0, atol or 0.0)
    comparisons: list[Comparison] = []
    for k in range(1, order + 1):
        comparisons += Comparing(subject, k, oracle, fixed, noise, comparisons).comparisons()
        if any(c.verdict == MISMATCH for c in comparisons):
            raise GradientMismatch(GradientReport(tuple(comparisons), subject.blame(k)))
    report = GradientReport(tuple(comparisons))
    if not (report.passes or allow_inconclusive):
        raise InconclusiveGradient(report)
    return report


def rounding_tolerance(f: Callable[..., Any], *args: Any, order: int = 1) -> list[float]:
    """The adaptive tolerance of each derivative of f: what rounding explains, as in :func:`check_gradients`.

    Of the gradient, by the leaves of the arguments in order; with ``order=2`` of the Hessian, row by row.

    >>> rounding_tolerance(lambda x: (1.0 + x) - x, 1e9)[0] < 1e-14
    True
    """
    return Recorded(f, args, MODES).rounding(order)[0]


def _check_arguments(f: Callable[..., Any], grad: object, order: int, modes: Sequence[str], oracle: str) -> None:
    if not callable(f):
        raise TypeError(f"check_gradients takes the function first, then its arguments; got {describe(f)}")
    if order not in (1, 2):
        raise ArgumentError(f"order is 1 or 2, got {describe(order)}")
    if oracle not in ORACLES:
        raise ArgumentError(f"there is no oracle {oracle!r}; there are {', '.join(ORACLES)}")
    if isinstance(modes, str) or not modes or not set(modes) <= set(MODES):
        raise ArgumentError(f"modes is a tuple of {' and '.join(map(repr, MODES))}, got {modes!r}")
    if oracle == "complex_step" and order == 2:
        raise ArgumentError("the complex step gives first derivatives only; say order=1")
    if grad is not None and (order == 2 or oracle not in ("auto", "finite_difference")):
        raise ArgumentError("with grad= the gradient is checked by finite differences; leave out order and oracle")


def _check_point(args: tuple[Any, ...]) -> None:
    for arg in args:
        if callable(arg) and pytree.branch(arg) is None:
            raise TypeError(
                f"check_gradients takes the function, then its arguments; got {describe(arg)} among these. A gradient "
                "to check is given by its name: check_gradients(f, x, grad=gradient)"
            )


def _check_numbers(**named: float | None) -> None:
    for name, given in named.items():
        if given is not None and not (is_real(given) and given >= 0):
            raise ArgumentError(f"{name} is a number from 0 up, got {describe(given)}")

"""Every exception class of the package.

Each is also one of Python's own exceptions, so that ``except ValueError`` and
the like go on working. A value of the wrong type is Python's ``TypeError``.
"""

__all__ = [
    "AnomalyError",
    "ArgumentError",
    "AutogradError",
    "GradientMismatch",
    "GraphError",
    "InapplicableOracleError",
    "InconclusiveGradient",
    "MissingDependencyError",
    "RenderError",
    "StateError",
    "TracingError",
    "VerificationError",
]


class AutogradError(Exception):
    """Whatever this package raises on its own account, but for ``TypeError``."""


class ArgumentError(AutogradError, ValueError):
    """An argument has the right type and an impossible value, length or structure."""


class GraphError(AutogradError, RuntimeError):
    """A graph cannot give the gradient that was asked of it."""


class AnomalyError(AutogradError, ArithmeticError):
    """A value or a gradient turned nan or infinite under ``detect_anomaly()``."""


class GradientMismatch(AutogradError, AssertionError):  # noqa: N818 - a finding of a test, as AssertionError is
    """A gradient does not agree with an oracle. ``report`` holds every comparison."""

    def __init__(self, report: object) -> None:
        super().__init__(str(report))
        self.report = report


class InconclusiveGradient(AutogradError, AssertionError):  # noqa: N818 - a finding of a test, as AssertionError is
    """A gradient check could not tell, and so does not pass. ``report`` holds every comparison."""

    def __init__(self, report: object) -> None:
        super().__init__(
            f"{report}\nWhat cannot be told does not pass. Check at another point, pass noise= or scale= if you know "
            "better, or allow_inconclusive=True"
        )
        self.report = report


class InapplicableOracleError(AutogradError, ValueError):
    """An oracle cannot say what the derivative of this function is at this point."""


class RenderError(AutogradError, RuntimeError):
    """A drawing could not be rendered."""


class StateError(AutogradError, ValueError):
    """A saved state does not fit the model or optimiser, or its file is not whole."""


class TracingError(AutogradError, TypeError):
    """A function does what ``jit`` cannot record, such as turning an argument into an int."""


class VerificationError(AutogradError, AssertionError):
    """A compiled function gave another answer than the function itself, under ``jit(f, verify=True)``."""


class MissingDependencyError(AutogradError, ImportError):
    """An optional package, or a program, that this call needs is not installed."""

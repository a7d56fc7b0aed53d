"""What a gradient check found, as a table."""

from typing import NamedTuple

__all__ = ["AGREES", "INCONCLUSIVE", "MISMATCH", "Comparison", "GradientReport"]

AGREES, INCONCLUSIVE, MISMATCH = "agrees", "inconclusive", "MISMATCH"


class Comparison(NamedTuple):
    """One derivative by one mode, beside what the oracle says."""

    order: int
    #: ``"reverse"`` or ``"forward"``, or ``"given"`` for a gradient that is not the engine's.
    mode: str
    #: By which input, or which two.
    by: str
    analytic: float
    numeric: float
    #: How far the two may be apart: what rounding explains, and the oracle's own error.
    tolerance: float
    #: ``"agrees"``, ``"inconclusive"`` or ``"MISMATCH"``.
    verdict: str
    #: Which oracle; for an inconclusive verdict, why.
    reason: str
    #: Inconclusive at a kink, the derivative lying between the slopes to both sides; or a second derivative there.
    at_kink: bool = False

    @property
    def error(self) -> float:
        """How far apart they are."""
        return abs(self.analytic - self.numeric)


class GradientReport(NamedTuple):
    """Every comparison of a gradient check, and what is to blame for a mismatch."""

    comparisons: tuple[Comparison, ...]
    blame: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every derivative agrees, none being inconclusive."""
        return all(comparison.verdict == AGREES for comparison in self.comparisons)

    @property
    def passes(self) -> bool:
        """Whether all agree but for some at a kink, and some agree of each order."""
        orders = {comparison.order for comparison in self.comparisons}
        agreeing = {comparison.order for comparison in self.comparisons if comparison.verdict == AGREES}
        return orders == agreeing and all(c.verdict == AGREES or c.at_kink for c in self.comparisons)

    @property
    def mismatches(self) -> tuple[Comparison, ...]:
        """The comparisons that disagree."""
        return tuple(comparison for comparison in self.comparisons if comparison.verdict == MISMATCH)

    @property
    def inconclusive(self) -> tuple[Comparison, ...]:
        """The comparisons that could not tell."""
        return tuple(comparison for comparison in self.comparisons if comparison.verdict == INCONCLUSIVE)

    def __repr__(self) -> str:
        compared, wrong, untold = len(self.comparisons), len(self.mismatches), len(self.inconclusive)
        counts = [f"{compared} derivative{'s' * (compared != 1)}"]
        counts += [f"{wrong} mismatch{'es' * (wrong != 1)}"] if wrong else []
        counts += [f"{untold} inconclusive"] if untold else []
        head = f"<GradientReport: {', '.join(counts)}{', all agree' if self.ok else ''}>"
        return "\n".join([head, *self._table(), *self.blame])

    def _table(self) -> list[str]:
        rows = [("order", "mode", "by", "analytic", "numeric", "error", "tolerance", "verdict")]
        for c in self.comparisons:
            numbers = (f"{c.analytic:.15g}", f"{c.numeric:.15g}", f"{c.error:.1e}", f"{c.tolerance:.1e}")
            rows.append((str(c.order), c.mode, c.by, *numbers, f"{c.verdict} ({c.reason})"))
        widths = [max(len(row[i]) for row in rows) for i in range(7)]
        return ["  " + "  ".join([*map(str.ljust, row, widths), row[7]]) for row in rows]

    def __str__(self) -> str:
        return repr(self)

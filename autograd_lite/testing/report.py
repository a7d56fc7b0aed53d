"""What a gradient check found, as a table."""

from typing import NamedTuple

__all__ = ["AGREES", "INCONCLUSIVE", "MISMATCH", "Comparison", "GradientReport"]

AGREES, INCONCLUSIVE, MISMATCH = "agrees", "inconclusive", "MISMATCH"


class Comparison(NamedTuple):
    """One derivative by one mode, beside what the oracle says."""

    order: int
    #: ``"reverse"`` or ``"forward"``.
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
    def mismatches(self) -> tuple[Comparison, ...]:
        """The comparisons that disagree."""
        return tuple(comparison for comparison in self.comparisons if comparison.verdict == MISMATCH)

    @property
    def inconclusive(self) -> tuple[Comparison, ...]:
        """The comparisons that could not tell."""
        return tuple(comparison for comparison in self.comparisons if comparison.verdict == INCONCLUSIVE)

    def __repr__(self) -> str:
        counts = [f"{len(self.comparisons)} derivatives"]
        for name, found in (("mismatches", self.mismatches), ("inconclusive", self.inconclusive)):
            counts += [f"{len(found)} {name}"] if found else []
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

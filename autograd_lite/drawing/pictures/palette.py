"""The colours of drawings in both themes, and which of them a box and an arrow have.

Each colour has a role. No two roles share a colour of the light theme unless they share that of the dark one too, so
that a picture in light colours can be turned dark colour by colour (:func:`dark_rules`), whoever painted it.

Text has a contrast of 4.5 and more to what is behind it, lines and arrows 3 and more (WCAG 2.2, AA). No colour stands
alone: kinds differ by shape too, and numbers are written out.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from autograd_lite.drawing.scene import Arrow, Box, Scene

__all__ = ["COLORS", "GRAD_LEVELS", "Look", "Looks", "Scale", "css_variables", "dark_rules"]

#: The colour of each role, light and dark.
COLORS: dict[str, tuple[str, str]] = {
    "paper": ("#ffffff", "#14171c"),
    "ink": ("#1f2328", "#eceff4"),
    "muted": ("#57606a", "#aab3bf"),
    "line": ("#636c76", "#98a2ae"),
    "cluster-fill": ("#f8f9fb", "#1a1e25"),
    "cluster-line": ("#868e98", "#6a7482"),
    "input-fill": ("#e4f0fb", "#12304f"),
    "input-line": ("#2268ad", "#6cb2f5"),
    "parameter-fill": ("#fff3d1", "#3b2e0b"),
    "parameter-line": ("#926300", "#dfae42"),
    "constant-fill": ("#f4f5f7", "#23282f"),
    "constant-line": ("#6a737d", "#8f99a6"),
    "operation-fill": ("#eeebf9", "#2c2748"),
    "operation-line": ("#6658ab", "#aea2ef"),
    "value-fill": ("#fefefe", "#1d2229"),
    "value-line": ("#646d77", "#99a3af"),
    "output-fill": ("#e0f5e6", "#11341d"),
    "output-line": ("#19783a", "#57d07a"),
    "folded-fill": ("#ddf3f4", "#0c3538"),
    "folded-line": ("#0b6e75", "#4cc5cd"),
    "alarm-fill": ("#ffe9e7", "#4b1613"),
    "alarm-line": ("#cb2027", "#ff8078"),
    "lit": ("#bb4a00", "#ffa95c"),
    "faint-fill": ("#fdfdfd", "#15181d"),
    "faint-line": ("#858d96", "#687280"),
    "faint-ink": ("#68717b", "#8791a0"),
    "grad-0": ("#fcfcfc", "#20252c"),
    "grad-1": ("#fdeedd", "#35260f"),
    "grad-2": ("#fbdcb9", "#4c3110"),
    "grad-3": ("#f8c78f", "#643d0f"),
    "grad-4": ("#f4b066", "#7b490d"),
    "grad-5": ("#ec973f", "#935509"),
    "grad-minus-1": ("#e5f0fa", "#142a41"),
    "grad-minus-2": ("#cbe1f5", "#16385b"),
    "grad-minus-3": ("#acd0ee", "#174777"),
    "grad-minus-4": ("#8bbde6", "#175593"),
    "grad-minus-5": ("#68a8dc", "#1563af"),
}

#: So many steps of a gradient's size have a colour of their own, of either sign.
GRAD_LEVELS = 5


class Scale:
    """The steps that gradients are coloured by: at 1, 3, 10, 30, ... or wider apart, where they span more."""

    def __init__(self, grads: Iterable[float | None]) -> None:
        sizes = [abs(grad) for grad in grads if grad and math.isfinite(grad)]
        #: The least size of each step, smallest first; none if there is no gradient but 0.
        self.borders = _borders(min(sizes), max(sizes)) if sizes else []

    def role(self, grad: float | None) -> str:
        """The role of a gradient's colour."""
        if grad is None:
            return "value-fill"
        if not math.isfinite(grad):
            return "alarm-fill"
        if grad == 0.0:
            return "grad-0"
        level = GRAD_LEVELS - len(self.borders) + max(1, bisect_right(self.borders, abs(grad)))
        return f"grad-{level}" if grad > 0.0 else f"grad-minus-{level}"


def _borders(least: float, most: float) -> list[float]:
    first, last = math.floor(math.log10(least)), math.floor(math.log10(most))
    borders = [float(f"{digit}e{exponent}") for exponent in range(first, last + 1) for digit in (1, 3)]
    borders = borders[bisect_right(borders, least) - 1 : bisect_right(borders, most)]
    if len(borders) <= GRAD_LEVELS:
        return borders
    step = math.ceil((last - first + 1) / GRAD_LEVELS)
    return [float(f"1e{exponent}") for exponent in range(first, last + 1, step)]


class Look(NamedTuple):
    """The roles of the colours of a box or an arrow, and its classes in SVG."""

    fill: str
    line: str
    ink: str
    muted: str
    classes: tuple[str, ...]


class Looks:
    """How the boxes and arrows of a scene look."""

    def __init__(self, scene: Scene) -> None:
        self._color = scene.color
        self._some_are_lit = any(box.is_lit for box in scene.boxes) or any(arrow.is_lit for arrow in scene.arrows)
        self.scale = Scale(box.grad for box in scene.boxes) if scene.color == "grad" else Scale(())

    def box(self, box: Box) -> Look:
        """The look of a box."""
        classes: tuple[str, ...] = (f"kind-{box.kind}",)
        fill, line, ink, muted = "value-fill", "value-line", "ink", "muted"
        if self._color == "kind":
            fill, line = f"{box.kind}-fill", f"{box.kind}-line"
        elif self._color == "grad" and box.grad is not None:
            fill, muted = self.scale.role(box.grad), "ink"
            classes += (fill,)
        if box.is_alarming:
            fill, line, classes = "alarm-fill", "alarm-line", (*classes, "is-alarming")
        if box.is_lit:
            line, classes = "lit", (*classes, "is-lit")
        elif self._some_are_lit:
            line, ink, muted, classes = "faint-line", "faint-ink", "faint-ink", (*classes, "is-faint")
            fill = "faint-fill"
        return Look(fill, line, ink, muted, classes)

    def arrow(self, arrow: Arrow) -> Look:
        """The look of an arrow; its fill is that of its head."""
        if arrow.is_lit:
            return Look("lit", "lit", "ink", "ink", ("is-lit",))
        if self._some_are_lit:
            return Look("faint-line", "faint-line", "faint-ink", "faint-ink", ("is-faint",))
        return Look("line", "line", "muted", "muted", ())


def dark_rules(scope: str) -> str:
    """CSS that turns a picture painted in the light colours dark; ``scope`` is the selector of what holds it."""
    rules = [
        f'{scope} [{paint}="{light}"]{{{paint}:{dark}}}'
        for light, dark in dict(COLORS.values()).items()
        for paint in ("fill", "stroke")
    ]
    return "\n".join(rules)


def css_variables(scope: str = ":root", theme: str = "auto") -> str:
    """CSS that gives a page every colour as a variable: ``var(--ag-paper)``, ``var(--ag-lit)``, ...

    Under the theme ``"auto"`` they follow the reader's system.

    >>> print(css_variables(".page", "dark")[:30])
    .page{color-scheme:dark;--ag-p
    """

    def block(column: int) -> str:
        scheme = ("light", "dark")[column]
        return f"{scope}{{color-scheme:{scheme};" + "".join(f"--ag-{r}:{c[column]};" for r, c in COLORS.items()) + "}"

    if theme == "auto":
        return f"{block(0)}\n@media (prefers-color-scheme:dark){{{block(1)}}}"
    return block(theme == "dark")

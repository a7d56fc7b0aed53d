"""draw(): a computation graph as a picture that shows itself in a notebook and can be saved."""

import difflib
import warnings
from typing import Any, Literal, Never

from autograd_lite.core.checks import check_size, describe
from autograd_lite.drawing.folding import folded
from autograd_lite.drawing.graph import finished
from autograd_lite.drawing.naming import given_names
from autograd_lite.drawing.picture import Drawing
from autograd_lite.drawing.sketch import Sketch
from autograd_lite.drawing.subject import subject_of
from autograd_lite.errors import ArgumentError

__all__ = ["draw", "draw_dot"]


def draw(
    root: Any,
    *inputs: Any,
    names: Any = None,
    rankdir: Literal["auto", "LR", "TB"] = "auto",
    expand: bool = False,
    color: Literal["kind", "grad"] | None = "kind",
    depth: int | None = None,
    collapse: Any = None,
    max_nodes: int | None = 200,
    partials: bool = False,
    theme: Literal["auto", "light", "dark"] = "auto",
    precision: int = 4,
    **unknown: Never,
) -> Drawing:
    """Draw a computation graph: its Values with name, data and grad, and the operations between.

    Args:
        root: the Value whose history to draw, or a list of several.
        names: what to call the Values
    """
    if unknown:
        raise TypeError(_unknown(unknown))
    _check_options(rankdir, expand, color, depth, max_nodes, partials, theme, precision)
    given = given_names(names)
    subject = subject_of(root, inputs)
    sketch = Sketch(
        subject.roots, names=subject.names | given, expand=expand, levels=subject.levels, grads=subject.grads(),
        precision=precision, partials=partials,
    )  # fmt: skip
    boxes, arrows, note = folded(sketch, depth=depth, collapse=collapse, max_nodes=max_nodes)
    if note:
        warnings.warn(f"draw has {note}", stacklevel=2)
    return Drawing(finished(sketch, boxes, arrows, subject.title, note, rankdir=rankdir, color=color, theme=theme))


_CHOICES: dict[str, tuple[Any, ...]] = {
    "rankdir": ("auto", "LR", "TB"),
    "color": ("kind", "grad", None),
    "theme": ("auto", "light", "dark"),
}
_OPTIONS = [name for name in draw.__annotations__ if name not in ("root", "inputs", "unknown", "return")]


def _unknown(unknown: dict[str, Any]) -> str:
    name = next(iter(unknown))
    close = difflib.get_close_matches(name, _OPTIONS, 1)
    advice = f"did you mean {close[0]}? " if close else ""
    return f"draw has no option {name!r}; {advice}There are {', '.join(_OPTIONS)}"


def _check_options(
    rankdir: Any, expand: Any, color: Any, depth: Any, max_nodes: Any, partials: Any, theme: Any, precision: Any
) -> None:
    for name, choice in (("rankdir", rankdir), ("color", color), ("theme", theme)):
        choices = _CHOICES[name]
        if choice not in choices:
            known = f"{', '.join(map(repr, choices[:-1]))} or {choices[-1]!r}"
            raise ArgumentError(f"{name} is {known}, got {choice!r}")
    for name, switch in (("expand", expand), ("partials", partials)):
        if not isinstance(switch, bool):
            raise TypeError(f"{name} is True or False, got {describe(switch)}")
    if depth is not None:
        check_size(depth, "depth", 0)
    if max_nodes is not None:
        check_size(max_nodes, "max_nodes")
    check_size(precision, "precision")


def draw_dot(root: Any, format: str = "svg", rankdir: Literal["auto", "LR", "TB"] = "LR") -> Drawing:
    """micrograd's ``draw_dot``: the same as :func:`draw`, from left to right."""
    return draw(root, rankdir=rankdir)

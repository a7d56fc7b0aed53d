"""draw(): a computation graph as a picture that shows itself in a notebook and can be saved."""

import difflib
import sys
import warnings
from typing import Any, Literal, Never

from autograd_lite.core.checks import check_size, describe
from autograd_lite.drawing.folding.fold import folded
from autograd_lite.drawing.graph import finished
from autograd_lite.drawing.naming import given_names
from autograd_lite.drawing.pictures.picture import FORMATS, Drawing
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
        root: the Value whose history to draw; several, in a list or any nested structure; a Module, a function or what
            ``jit`` made of one, with inputs; or a Program. What ``jit`` made is drawn without inputs too: at the
            numbers of its latest call.
        inputs: what a Module or a function is called with. Each number becomes an input that has the name of its
            parameter, such as ``x.0``. Parameters and their gradients stay as they are: where there is a single result,
            its gradient is shown.
        names: what to call Values: a dict from Values to names, or from names to Values and lists of them. It may be
            ``locals()``. The Values keep the names that they have.
        rankdir: ``"LR"`` from left to right, ``"TB"`` from top to bottom; ``"auto"`` is the first, unless that is wider
            than a screen and the other is not as wide.
        expand: whether to write out the weighted sum of a neuron, a dot product, a sum or a mean, which are one
            operation each, as products and sums. Where the data of an operand has been assigned since, the numbers on
            the way are gone, and the sum stays whole.
        color: what colours say: ``"kind"``, what a box is; ``"grad"``, the gradient; None for nothing.
        depth: modules this deep, and all in them, are one box each: 0 the model, 1 its layers, and so on. Modules are
            found by the names of parameters, ``layers.0.neurons.3.w.1``.
        collapse: modules to show as one box: a path, ``"layers.0"``, or the name of a class, with ``*`` for any part; a
            list of them; or a function of the path that says whether.
        max_nodes: at most so many boxes. A graph that needs more is folded until it fits, which a warning and a line
            under the picture say: nodes that differ only in their numbers, those of samples mostly, are counted
            (``×32``); then modules are one box each, the deepest first; then nodes one after the other. Arrows are at
            most three times as many. None for no bound.
        partials: whether each arrow to an operation says its derivative by that operand.
        theme: the colours, ``"light"``, ``"dark"``, or ``"auto"`` for the reader's choice where a picture can tell.
        precision: how many significant digits numbers have, up to 17. Tooltips have all.

    Raises ``TypeError`` for a root that has no graph, such as a plain number, and ``ArgumentError`` (a ``ValueError``)
    for an option that cannot be, for a Module or a function without inputs, and for a module that is not there.

    >>> from autograd_lite import Value, draw
    >>> x = Value(3.0, name="x")
    >>> [box.lines for box in draw(x * x).scene.boxes]
    [('x', 'data 3', 'grad -'), ('*',), ('data 9', 'grad -')]
    >>> [box.lines for box in draw(lambda a, b: a * b, 2.0, 5.0).scene.boxes]
    [('a', 'data 2', 'grad 5'), ('b', 'data 5', 'grad 2'), ('*',), ('data 10', 'grad 1')]
    """
    if unknown:
        raise TypeError(_no_option(next(iter(unknown))))
    _check_options(locals())
    given = given_names(names)
    subject = subject_of(root, inputs)
    sketch = Sketch(
        subject.roots, names=subject.names | given, expand=expand, levels=subject.levels, grads=subject.grads(),
        precision=precision, partials=partials,
    )  # fmt: skip
    boxes, arrows, note = folded(sketch, depth=depth, collapse=collapse, max_nodes=max_nodes)
    if note:
        warnings.warn(f"draw has {note}", stacklevel=_level_of_the_caller())
    is_idle = depth is not None and len(subject.levels.all) == 1
    unfolded = "depth folds nothing: no leaf is named as parameters in modules are" if is_idle else ""
    notes = "\n".join(filter(None, [subject.note, unfolded, note]))
    return Drawing(finished(sketch, boxes, arrows, subject.title, notes, rankdir=rankdir, color=color, theme=theme))


_CHOICES: dict[str, tuple[Any, ...]] = {
    "rankdir": ("auto", "LR", "TB"),
    "color": ("kind", "grad", None),
    "theme": ("auto", "light", "dark"),
}
_MOST_DIGITS = 17
#: What is known by another name.
_ELSEWHERE = {"direction": "rankdir", "style": "theme", "digits": "precision", "level": "depth", "colour": "color"}
_OPTIONS = [name for name in draw.__annotations__ if name not in ("root", "inputs", "unknown", "return")]


def _no_option(name: str) -> str:
    if name == "format":
        return "draw has no option 'format': a drawing is saved in any, draw(...).save('graph.png')"
    close = [_ELSEWHERE[name]] if name in _ELSEWHERE else difflib.get_close_matches(name, _OPTIONS, 1)
    advice = f" Did you mean {close[0]}?" if close else ""
    return f"draw has no option {name!r}; it has {', '.join(_OPTIONS)}.{advice}"


def _check_options(given: dict[str, Any]) -> None:
    for name, choices in _CHOICES.items():
        if not isinstance(given[name], (str, type(None))) or given[name] not in choices:
            known = f"{', '.join(map(repr, choices[:-1]))} or {choices[-1]!r}"
            raise ArgumentError(f"{name} is {known}, got {describe(given[name])}")
    for name in ("expand", "partials"):
        if not isinstance(given[name], bool):
            raise TypeError(f"{name} is True or False, got {describe(given[name])}")
    if given["depth"] is not None:
        check_size(given["depth"], "depth", 0)
    if given["max_nodes"] is not None:
        check_size(given["max_nodes"], "max_nodes")
    check_size(given["precision"], "precision")
    if given["precision"] > _MOST_DIGITS:
        raise ArgumentError(
            f"precision is at most {_MOST_DIGITS} digits, which tell any two floats apart; "
            f"got {describe(given['precision'])}"
        )


def _level_of_the_caller() -> int:
    """How many frames up the package was called, counted from who asks."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("autograd_lite."):
        frame, level = frame.f_back, level + 1
    return level


def draw_dot(root: Any, format: str = "svg", rankdir: Literal["auto", "LR", "TB"] = "LR") -> Drawing:
    """micrograd's name for :func:`draw`, from left to right as there; ``draw_dot(y).render("graph")`` writes a file.

    Args:
        root: what to draw.
        format: of the file that ``render`` writes.
        rankdir: as :func:`draw` has it.

    Raises what :func:`draw` raises, and ``ArgumentError`` for an unknown format.
    """
    if format not in FORMATS:
        raise ArgumentError(f"format is one of {', '.join(FORMATS)}, got {describe(format)}")
    return Drawing(draw(root, rankdir=rankdir).scene, format)

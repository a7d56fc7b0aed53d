"""An explanation as a table for the terminal, as HTML and as LaTeX."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from autograd_lite.drawing.explain.explained import Row, by_path, counted, name_of, notes, percent, rows
from autograd_lite.drawing.explain.routes import Stop, figure, shortened
from autograd_lite.drawing.text import as_html

if TYPE_CHECKING:
    from autograd_lite.drawing.explain.explanation import Explanation

__all__ = ["head", "html", "latex", "text"]

#: A line of the terminal, and what of it comes before the path.
_WIDTH, _MARGIN = 79, 20


def head(why: "Explanation") -> str:
    """The derivative, in a line."""
    return f"d {name_of(why.y, 'y')} / d {name_of(why.x, 'x')} = {_value(why)}"


def _value(why: "Explanation") -> str:
    return figure(why.gradient) + (f", the sum over {counted(why.count, 'path')}" if why.count > 1 else "")


def text(why: "Explanation") -> str:
    """The table for a terminal, no wider than 79 characters."""
    lines = [head(why)]
    if why.count:
        number, way = _heads(why)
        lines += ["", f"{'share':>6}  {number:>10}  {way}"]
    for row in rows(why):
        front = f"{percent(row.share):>6}  {figure(row.product):>10}  "
        lines += [(front if i == 0 else " " * _MARGIN) + line for i, line in enumerate(_written(row))]
    told = [textwrap.fill(note, _WIDTH) for note in notes(why)]
    return "\n".join([*lines, *([""] if told else []), *told])


def _heads(why: "Explanation") -> tuple[str, str]:
    """What stands above the numbers and above the paths."""
    return ("sum", "route") if why.by == "route" else ("product", "path")


def _written(row: Row) -> list[str]:
    """The path in two lines at most, and below it the factors."""
    if not row.stops:
        return [row.words]

    def path(stops: Sequence[Stop]) -> list[str]:
        return _wrapped([stop.label for stop in stops], " -> ")

    stops = shortened(row.stops, lambda stops: len(path(stops)) <= 2)
    if row.words:
        return [*path(stops), row.words]
    factors = [figure(stop.factor) for stop in stops[1:]]
    return path(stops) + (_wrapped([f"= {factors[0]}", *factors[1:]], " * ") if len(factors) > 1 else [])


def _wrapped(parts: Sequence[str], between: str) -> list[str]:
    """The parts in lines, each of which but the last ends with what stands between two."""
    lines = [""]
    for i, part in enumerate(parts):
        piece = part if i == len(parts) - 1 else part + between
        if lines[-1] and len(lines[-1]) + len(piece.rstrip()) > _WIDTH - _MARGIN:
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() for line in lines]


# ---- HTML ----------------------------------------------------------------------------------

#: So many stops of a path are shown.
_HTML_STOPS = 12
_TIMES = "\N{MULTIPLICATION SIGN}"
_LEFT, _RIGHT = ' style="text-align:left"', ' style="text-align:right"'


def html(why: "Explanation") -> str:
    """The table for a notebook, in the colours of the page."""
    y, x = as_html(name_of(why.y, "y")), as_html(name_of(why.x, "x"))
    heads = zip(("share", *_heads(why)), (_RIGHT, _RIGHT, _LEFT), strict=True)
    header = "".join([f'<th scope="col"{style}>{head}</th>' for head, style in heads])
    lines = [
        f"<tr><td{_RIGHT}>{percent(row.share)}</td><td{_RIGHT}>{figure(row.product)}</td>"
        f"<td{_LEFT}>{_marked_up(row)}</td></tr>"
        for row in rows(why)
    ]
    table = f"<table><thead><tr>{header}</tr></thead><tbody>{''.join(lines)}</tbody></table>" if lines else ""
    told = "".join([f"<p>{as_html(note)}</p>" for note in notes(why)])
    return f"<div><p><b>d {y} / d {x}</b> = {_value(why)}</p>{table}{told}</div>"


def _marked_up(row: Row) -> str:
    if not row.stops:
        return as_html(row.words)
    first, *others = shortened(row.stops, lambda stops: len(stops) <= _HTML_STOPS)
    factors = ["" if row.words else f" <small>{_TIMES}{figure(stop.factor)}</small>" for stop in others]
    parts = [f"{by} → <code>{as_html(stop.label)}</code>" for by, stop in zip(factors, others, strict=True)]
    words = f" <small>{as_html(row.words)}</small>" if row.words else ""
    return f"<code>{as_html(first.label)}</code>{''.join(parts)}{words}"


# ---- LaTeX ---------------------------------------------------------------------------------

#: So many paths are written, and so many stops of each.
_PATHS, _STOPS = 4, 6


def latex(why: "Explanation") -> str:
    """The chain rule along the largest paths, from y down to x, each factor with its number below."""
    left = _fraction(name_of(why.y, "y"), name_of(why.x, "x"))
    shown = by_path(why)[:_PATHS]
    terms = [_term(row.stops, name_of(why.y, "y")) for row in shown]
    numbers = [_number(row.product) for row in shown]
    others = why.count - len(shown)
    if others:
        terms.append(rf"\underbrace{{\cdots}}_{{\text{{{counted(others, 'more path')}}}}}")
        numbers.append(r"\cdots")
    if not terms:
        return f"${left} = 0$"
    if len(terms) > 1 or len(shown[0].stops) > 2:
        sums = " + ".join(f"({number})" if number.startswith("-") and i else number for i, number in enumerate(numbers))
        terms.append(f"{sums} = {_number(why.gradient)}" if len(numbers) > 1 else _number(why.gradient))
    joined = terms[0] + "".join([rf" \\ &\quad + {term}" for term in terms[1:-1]])
    if len(terms) > 1:
        joined += rf" \\ &= {terms[-1]}"
    return rf"$$\begin{{aligned}} {left} &= {joined} \end{{aligned}}$$"


def _term(stops: list[Stop], name: str) -> str:
    """The factors of a path to the Value of this name, the last operation first as in the chain rule."""
    if len(stops) == 1:
        return "1"
    stops = shortened([*stops[:-1], stops[-1]._replace(label=name)], lambda stops: len(stops) <= _STOPS)
    pairs = list(zip(stops[1:], stops, strict=False))[::-1]
    return r" \cdot ".join([rf"\underbrace{{{_factor(a, b)}}}_{{{_number(a.factor)}}}" for a, b in pairs])


def _factor(above: Stop, below: Stop) -> str:
    return r"\cdots" if above.is_gap else _fraction(above.label, r"" if below.is_gap else below.label)


def _fraction(above: str, below: str) -> str:
    over, under = (rf"\partial\,{_verbatim(name)}" if name else r"\cdots" for name in (above, below))
    return rf"\frac{{{over}}}{{{under}}}"


_ESCAPES = {letter: f"\\{letter}" for letter in "_#%&${} "} | {
    "\\": r"\backslash{}",
    "^": r"\hat{}",
    "~": r"\sim{}",
    "…": r"\ldots{}",
    "-": r"\text{-}",
}


def _verbatim(name: str) -> str:
    return rf"\mathtt{{{''.join([_ESCAPES.get(letter, letter) for letter in name])}}}"


def _number(x: float) -> str:
    digits, _, exponent = figure(x).partition("e")
    if exponent:
        return rf"{digits} \cdot 10^{{{int(exponent)}}}"
    return digits.replace("inf", r"\infty").replace("nan", r"\mathrm{nan}")

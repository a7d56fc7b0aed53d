"""The picture of a graph at every step as SVG: laid out once, then each number and colour put in its place."""

import re
from collections.abc import Callable

from autograd_lite.drawing.palette import COLORS
from autograd_lite.drawing.scene import Scene
from autograd_lite.drawing.step_scene import State
from autograd_lite.drawing.svg import to_svg
from autograd_lite.drawing.text import as_html

__all__ = ["Picture"]

_GROUP = re.compile(r'<g id="([^"]+)" class="([^"]*)">(.*?)</g>', re.DOTALL)
_TEXT = re.compile(r"(<text [^>]*>)([^<]*)(</text>)")
_STROKE = re.compile(r' stroke="#[0-9a-f]+"')
_ROOT = re.compile(r'<svg [^>]*? width="(\d+)" height="(\d+)" viewBox="([-\d. ]+)"[^>]*>')
#: The captions of frames: so many points high, so wide a letter, and so wide at least.
_CAPTION, _LETTER, _LEAST = 26.0, 6.2, 330.0


class Picture:
    """The picture of a scene whose boxes show ``data`` and ``grad``. ``svg`` has all its numbers."""

    def __init__(self, scene: Scene, timeout: float = 60.0) -> None:
        numbered = {box.id for box in scene.boxes if box.lines[-1].startswith("grad ")}

        def tagged(id: str, classes: str, body: str) -> str:
            if id in numbered:
                parts = body.split("<text ")
                parts[-1] = f'class="step-grad" {parts[-1]}'
                parts[-3] = f'class="step-data" {parts[-3]}'
                body = "<text ".join(parts)
            return f'<g id="{id}" class="{classes}">{body}</g>'

        self.svg = _for_groups(to_svg(scene, timeout), tagged)

    def for_a_page(self) -> str:
        """The picture, its size left to the page's style sheet as ``--width`` and ``--height``."""
        found = _ROOT.search(self.svg)
        assert found is not None
        head = re.sub(r' style="[^"]*"', "", found[0])
        head = head.replace(
            f' width="{found[1]}" height="{found[2]}"', f' style="--width:{found[1]}px;--height:{found[2]}px"'
        )
        return self.svg.replace(found[0], head)

    def at(self, state: State, caption: str) -> str:
        """The picture at a step, with a line of text under it."""
        lit, faint = COLORS["lit"][0], COLORS["faint-line"][0]

        def shown(id: str, classes: str, body: str) -> str:
            for what in ("data", "grad") if 'class="step-' in body else ():
                text = state.texts.get((id, what), "")
                before, after = body.split(f'class="step-{what}"')
                body = before + f'class="step-{what}"' + re.sub(r">[^<]*<", f"> {as_html(text)}<", after, count=1)
            if id in state.lit:
                body = _STROKE.sub(f' stroke="{lit}" stroke-width="3"', re.sub(r' stroke-width="[^"]*"', "", body))
                classes += " is-lit"
            elif id[0] == "v" and 'class="step-' in body and (id, "data") not in state.texts:
                body = _STROKE.sub(f' stroke="{faint}" stroke-dasharray="4,3"', body)
            return f'<g id="{id}" class="{classes}">{body}</g>'

        return _with_caption(_for_groups(self.svg, shown), caption)


def _for_groups(svg: str, change: Callable[[str, str, str], str]) -> str:
    """The picture, its boxes and arrows written anew from their ids, classes and contents."""
    start = svg.index('<g id="graph0"') + 1
    return svg[:start] + _GROUP.sub(lambda found: change(*found.groups()), svg[start:])


def _with_caption(svg: str, caption: str) -> str:
    found = _ROOT.search(svg)
    assert found is not None
    left, top, width, height = map(float, found[3].split())
    wide, high = max(width, _LEAST), height + _CAPTION
    head = found[0].replace(f'viewBox="{found[3]}"', f'viewBox="{left:g} {top:g} {wide:g} {high:g}"')
    head = head.replace(
        f'width="{found[1]}" height="{found[2]}"', f'width="{wide * 4 / 3:.0f}" height="{high * 4 / 3:.0f}"'
    )
    fits = int((wide - 16) / _LETTER)
    text = caption if len(caption) <= fits else caption[: fits - 1] + "…"
    line = (
        f'<rect x="{left:g}" y="{top:g}" width="{wide:g}" height="{high:g}" fill="{COLORS["paper"][0]}"/>\n',
        f'<text x="{left + 8:g}" y="{top + height + 12:g}" font-family="Helvetica,Arial,sans-serif" font-size="11" '
        f'fill="{COLORS["ink"][0]}">{as_html(text)}</text>\n',
    )
    body = svg[: found.start()] + head + svg[found.end() :]
    body = body.replace('<g id="graph0"', line[0] + '<g id="graph0"', 1)
    end = body.rindex("</svg>")
    return body[:end] + line[1] + body[end:]

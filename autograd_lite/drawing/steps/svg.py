"""The picture of a graph at every step as SVG: laid out once, then each number and colour put in its place."""

import html
import re

from autograd_lite.drawing.pictures.palette import COLORS
from autograd_lite.drawing.pictures.svg import to_svg
from autograd_lite.drawing.scene import Scene
from autograd_lite.drawing.steps.scene import State
from autograd_lite.drawing.text import as_html

__all__ = ["CAPTION", "LEAST", "Picture", "fitting"]

_GROUP = re.compile(r'<g id="([^"]+)" class="([^"]*)">(.*?)</g>', re.DOTALL)
#: The outline of a box, the line of an arrow.
_SHAPE = re.compile(r"<(path|polygon|ellipse)(?= )")
_OUTLINE = re.compile(r'(<\w+ class="step-shape"[^>]*?) stroke="#[0-9a-f]+"(?: stroke-width="[^"]*")?')
_ROOT = re.compile(r'<svg [^>]*? width="(\d+)" height="(\d+)" viewBox="([-\d. ]+)"[^>]*>')
_LIT = rf'\1 stroke="{COLORS["lit"][0]}" stroke-width="3"'
_WAITING = rf'\1 stroke="{COLORS["faint-line"][0]}" stroke-dasharray="4,3"'
_WORD = re.compile(r">(data|grad) ([^<]*)</text>")
#: The two numbers of a box.
_NUMBER = re.compile(r'(<tspan class="step-\w+"[^>]*>)[^<]*')
#: The captions of frames: so many points high, so wide a letter, and so wide at least.
CAPTION, LETTER, LEAST = 26.0, 5.7, 440.0


class Picture:
    """The picture of a scene whose boxes show ``data`` and ``grad``. ``svg`` has all its numbers."""

    def __init__(self, scene: Scene, timeout: float = 60.0) -> None:
        numbered = {box.id for box in scene.boxes if box.lines[-1].startswith("grad ")}
        drawn = to_svg(scene, timeout)
        start = drawn.index('<g id="graph0"') + 1  # the group around all others
        self._head, *parts = _GROUP.split(drawn[start:])
        self._head = drawn[:start] + self._head
        #: What is before the number of the data, between the two numbers, and after that of the gradient.
        self._around: dict[str, tuple[str, str, str]] = {}
        #: Id, start, contents and what follows it of each box and arrow.
        self._groups: list[tuple[str, str, str, str]] = []
        for id, classes, body, after in zip(*[iter(parts)] * 4, strict=True):
            tagged = _SHAPE.sub(r'<\1 class="step-shape"', body, count=1)
            if id in numbered:
                if "<tspan " not in tagged:  # in a large picture
                    tagged = _WORD.sub(r">\1<tspan > \2</tspan></text>", tagged)
                before, data, grad = tagged.rsplit("<tspan ", 2)
                tagged = f'{before}<tspan class="step-data" {data}<tspan class="step-grad" {grad}'
                before, first, between, second, behind = _NUMBER.split(tagged)
                self._around[id] = before + first, between + second, behind
            self._groups.append((id, f'<g id="{id}" class="{classes}">', tagged, after))
        self.svg = self._head + "".join(f"{head}{body}</g>{after}" for _, head, body, after in self._groups)

    def for_a_page(self) -> str:
        """The picture, its size left to the page's style sheet as ``--width`` and ``--height``."""
        found = _ROOT.search(self.svg)
        assert found is not None
        size = f' width="{found[1]}" height="{found[2]}"'
        head = re.sub(r' style="[^"]*"', "", found[0])
        head = head.replace(size, f' style="--width:{found[1]}px;--height:{found[2]}px"')
        return self.svg.replace(found[0], head)

    def at(self, state: State, caption: str) -> str:
        """The picture at a step, with a line of text under it."""
        written = [self._head]
        for id, head, body, after in self._groups:
            if id in self._around:
                before, between, behind = self._around[id]
                data, grad = (as_html(state.texts.get((id, what), "")) for what in ("data", "grad"))
                body = f"{before} {data}{between} {grad}{behind}"  # noqa: PLW2901
            if id in state.lit:
                body = _OUTLINE.sub(_LIT, body)  # noqa: PLW2901
            elif id in self._around and (id, "data") not in state.texts:
                body = _OUTLINE.sub(_WAITING, body)  # noqa: PLW2901
            written += [head, body, "</g>", after]
        return _with_caption("".join(written), caption)


def fitting(caption: str, wide: float) -> str:
    """As much of a caption as there is room for."""
    fits = int((wide - 16) / LETTER)
    return caption if len(caption) <= fits else caption[: fits - 1] + "…"


def _with_caption(svg: str, caption: str) -> str:
    found = _ROOT.search(svg)
    assert found is not None
    left, top, width, height = map(float, found[3].split())
    wide, high = max(width, LEAST), height + CAPTION
    head = found[0].replace(f'viewBox="{found[3]}"', f'viewBox="{left:g} {top:g} {wide:g} {high:g}"')
    head = head.replace(
        f'width="{found[1]}" height="{found[2]}"', f'width="{wide * 4 / 3:.0f}" height="{high * 4 / 3:.0f}"'
    )
    line = (
        f'<rect x="{left:g}" y="{top:g}" width="{wide:g}" height="{high:g}" fill="{COLORS["paper"][0]}"/>\n',
        f'<text x="{left + 8:g}" y="{top + height + 12:g}" font-family="Helvetica,Arial,sans-serif" font-size="11" '
        f'fill="{COLORS["ink"][0]}">{html.escape(fitting(caption, wide))}</text>\n',
    )
    body = svg[: found.start()] + head + svg[found.end() :]
    body = body.replace('<g id="graph0"', line[0] + '<g id="graph0"', 1)
    end = body.rindex("</svg>")
    return body[:end] + line[1] + body[end:]

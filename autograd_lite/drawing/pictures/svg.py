"""A scene as SVG: Graphviz's picture, made legible in both themes and for those who cannot see it."""

import hashlib
import re

from autograd_lite.drawing.pictures.dot import to_dot
from autograd_lite.drawing.pictures.palette import dark_rules
from autograd_lite.drawing.pictures.render import render
from autograd_lite.drawing.scene import Scene
from autograd_lite.drawing.text import as_html

__all__ = ["to_svg"]

#: A link that Graphviz makes for each tooltip; its end.
_LINK = re.compile(r'<g id="a_[^"]*"><a xlink:title="[^"]*">\n|</a>\n</g>\n')
_TITLE = re.compile(r'(<g id="([^"]*)" class="[^"]*"[^>]*>\s*)<title>[^<]*</title>\n?')
#: A word and its number, which Graphviz writes as two texts, as each has a colour.
_TWO_TEXTS = re.compile(r'(<text [^>]*>[^<]*)</text>\s*<text [^>]*(fill="[^"]*")>( [^<]*)</text>')
_SIZE = re.compile(r'width="([\d.]+)pt" height="([\d.]+)pt"\s+viewBox="([^"]*)"')


def to_svg(scene: Scene, timeout: float = 60.0) -> str:
    """One ``<svg>`` element, which stands by itself: its own background and colours, title and description.

    Each box and arrow is a ``<g>`` that has its id, with classes such as ``kind-input`` and ``is-lit``. Under the
    theme ``"auto"`` the colours follow the reader's system. Several drawings on one page do not disturb each other.

    Raises as :func:`~autograd_lite.drawing.pictures.render.render` does.
    """
    source = to_dot(scene)
    drawn = render(source, "svg", timeout).decode()
    size = _SIZE.search(drawn)
    assert size is not None
    body = drawn[drawn.index(">", size.end()) + 1 :]
    body = re.sub(r"<!--.*?-->\n?", "", body, flags=re.DOTALL)
    body = body.replace("&#45;", "-")  # as older versions write it, in ids too
    tooltips = {box.id: box.tooltip for box in scene.boxes} | {arrow.id: arrow.tooltip for arrow in scene.arrows}

    def title(found: re.Match[str]) -> str:
        tooltip = tooltips.get(found[2], "")
        return found[1] + (f"<title>{as_html(tooltip)}</title>\n" if tooltip else "")

    body = _TITLE.sub(title, _LINK.sub("", body))
    body = _TWO_TEXTS.sub(r"\1<tspan \2>\3</tspan></text>", body)
    name = "ag-" + hashlib.sha256(source.encode()).hexdigest()[:12]
    return f"{_head(scene, name, size)}\n{body.strip()}\n"


def _head(scene: Scene, name: str, size: re.Match[str]) -> str:
    width, height = (round(float(points) * 4 / 3) for points in size.groups()[:2])
    described = f'<desc id="{name}-desc">{as_html(scene.description)}</desc>\n' if scene.description else ""
    by = f'aria-labelledby="{name}-title"' + (f' aria-describedby="{name}-desc"' if described else "")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" id="{name}" '
        f'class="autograd-lite" role="img" {by} width="{width}" height="{height}" viewBox="{size[3]}" '
        f'style="max-width:100%;height:auto">\n'
        f'<title id="{name}-title">{as_html(scene.title) or "computation graph"}</title>\n'
        f"{described}{_style(scene, name)}"
    )


def _style(scene: Scene, name: str) -> str:
    if scene.theme != "auto":
        return ""
    # :where adds no weight, so that the rules of a page that shows the drawing win.
    return f"<style>\n@media (prefers-color-scheme:dark){{\n{dark_rules(f':where(#{name})')}\n}}\n</style>"

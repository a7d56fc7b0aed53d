"""A scene as one page of HTML that needs nothing else."""

from autograd_lite.drawing.pictures.palette import css_variables
from autograd_lite.drawing.pictures.svg import to_svg
from autograd_lite.drawing.scene import Scene
from autograd_lite.drawing.text import as_html

__all__ = ["to_page"]


_STYLE = """\
html{height:100%}
body{display:flex;flex-direction:column;box-sizing:border-box;min-height:100%;margin:0;padding:1.25rem;\
font:1rem/1.5 system-ui,sans-serif;background:var(--ag-paper);color:var(--ag-ink)}
h1{font-size:1.25rem;margin:0}
p{color:var(--ag-muted);max-width:60rem;margin:.25rem 0 1rem}
main{flex:1;overflow:auto}
main:focus-visible{outline:2px solid var(--ag-lit)}
svg.is-whole{max-width:none!important;cursor:zoom-out}
svg{cursor:zoom-in}
@media print{@page{size:landscape}p{margin:0}main{overflow:visible}svg{max-width:100%!important;max-height:85vh}}"""

#: Zoom and pan are the page's own: a click turns from the whole width to full size and back, where one scrolls.
_SCRIPT = """\
const picture = document.querySelector("main > svg"), room = picture.parentElement;
function turn(x, y) {
  const before = picture.getBoundingClientRect();
  picture.classList.toggle("is-whole");
  const after = picture.getBoundingClientRect();
  const more = after.width / before.width - 1;
  room.scrollBy((x - before.left) * more, (y - before.top) * more);
}
picture.addEventListener("click", event => turn(event.clientX, event.clientY));
room.addEventListener("keydown", event => { if (event.key === "Enter") turn(0, 0); });"""


def to_page(scene: Scene) -> str:
    """The page, with its picture inside; raises as :func:`~autograd_lite.drawing.pictures.svg.to_svg` does."""
    return f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>{as_html(scene.title)}</title>
<style>
{css_variables(theme=scene.theme)}
{_STYLE}
</style>
</head>
<body>
<h1>{as_html(scene.title)}</h1>
<p>{as_html(scene.description.removeprefix(f"{scene.title}: "))}</p>
<main tabindex="0" aria-label="the picture; Enter turns between the width of the page and full size">
{to_svg(scene)}
</main>
<script>
{_SCRIPT}
</script>
</body>
</html>
"""

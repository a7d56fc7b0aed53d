"""A scene as one page of HTML that needs nothing else."""

from autograd_lite.drawing.palette import css_variables
from autograd_lite.drawing.scene import Scene
from autograd_lite.drawing.svg import to_svg
from autograd_lite.drawing.text import as_html

__all__ = ["to_page"]


def to_page(scene: Scene) -> str:
    """The page, with its picture inside; raises as :func:`~autograd_lite.drawing.svg.to_svg` does."""
    return f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>{as_html(scene.title)}</title>
<style>
{css_variables(theme=scene.theme)}
body{{margin:0 auto;padding:1.5rem;font:16px/1.5 system-ui,sans-serif;background:var(--ag-paper);color:var(--ag-ink)}}
h1{{font-size:1.3rem;margin:0}}
p{{color:var(--ag-muted);max-width:60rem}}
</style>
</head>
<body>
<h1>{as_html(scene.title)}</h1>
<p>{as_html(scene.description)}</p>
<main>
{to_svg(scene)}
</main>
</body>
</html>
"""

"""Backpropagation step by step as one page of HTML: its picture, its steps as data, one style sheet and one script."""

import base64
import hashlib
import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograd_lite.drawing.pictures.palette import css_variables
from autograd_lite.drawing.steps.notation import shown
from autograd_lite.drawing.steps.records import Backward, Given, Seed, Step
from autograd_lite.drawing.steps.scene import Change, changes_of, scene_of_all
from autograd_lite.drawing.steps.svg import Picture
from autograd_lite.drawing.text import as_html

if TYPE_CHECKING:
    from autograd_lite.drawing.steps.steps import Steps

__all__ = ["to_page"]


def to_page(steps: "Steps", timeout: float = 60.0) -> str:
    """The page. Raises as :func:`~autograd_lite.drawing.pictures.render.render` does."""
    every = list(steps)
    snapshot = steps.snapshot
    changes = changes_of(every, snapshot)
    scene = scene_of_all(steps.root, snapshot, changes)
    script = _file("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    data = json.dumps(
        [_data(step, change) for step, change in zip(every, changes, strict=True)],
        ensure_ascii=False,
        separators=(",", ":"),
    )
    parts = {
        "title": as_html(scene.title),
        "policy": f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'",
        "style": css_variables() + _file("page.css"),
        "description": as_html(scene.description),
        "count": str(len(every)),
        "picture": Picture(scene, timeout).for_a_page(),
        "rows": _rows(steps),
        "list": _list(every),
        "data": data.replace("<", "\\u003c"),
        "script": script,
    }
    head, *pieces = _file("page.html").split("{{")  # one pass: what is put in is not searched again
    return head + "".join(parts[name] + rest for name, rest in (piece.split("}}", 1) for piece in pieces))


def _file(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _data(step: Step, change: Change) -> dict[str, Any]:
    """What the script needs to know of a step."""
    exact = {}
    if isinstance(step, Backward):
        exact = {"adjoint": step.adjoint, "local": step.local, "product": step.product, "total": step.total}
    return {
        "phase": "backward"
        if isinstance(step, (Seed, Backward))
        else "given"
        if isinstance(step, Given)
        else "forward",
        "equations": step.equations(),
        "words": step.words(),
        "lit": change.lit,
        "texts": change.texts,
        "exact": ", ".join(f"{name} {number!r}" for name, number in exact.items() if number is not None),
    }


def _rows(steps: "Steps") -> str:
    """The table of values and gradients, which the script fills in; without it all is there."""
    rows = []
    for place, (node, label) in enumerate(steps.labels.items()):
        cells = [("data", steps.snapshot.numbers[node]), ("grad", steps.adjoints.get(node))]
        written = [
            f'<td class="{what}"></td>' if x is None else f'<td class="{what}" title="{x!r}">{shown(x)}</td>'
            for what, x in cells
        ]
        rows.append(
            f'<tr id="row-v{place}"><th scope="row"><bdi>{html.escape(label)}</bdi></th>{"".join(written)}</tr>'
        )
    return "\n".join(rows)


def _list(every: Sequence[Step]) -> str:
    """Every step in a line."""
    return "\n".join(
        f'<li id="line-{i}"><a href="#step-{i}">{html.escape(str(step))}</a></li>' for i, step in enumerate(every, 1)
    )

"""How Sphinx builds the documentation: ``sphinx-build -W -b html docs build``.

Pages of the repository that stand outside of this folder (the notebooks, the guides to the core and to jit, the
changelog) are copied into it before a build, and each source file that a page links to gets a page that shows it. So
the links in the Markdown are those that work in the repository, and lead to a page here.
"""

import ast
import importlib.util
import inspect
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

os.environ["AUTOGRAD_LITE_PURE"] = "1"  # the plain Python has the signatures, and bases, of everything
DOCS = Path(__file__).parent
ROOT = DOCS.parent
sys.path[:0] = [str(ROOT), str(DOCS)]

from docutils import nodes  # noqa: E402
from latex2mathml.converter import convert  # noqa: E402
from sphinx.util import logging  # noqa: E402

import autograd_lite  # noqa: E402 - from this repository
from autograd_lite import __version__, ops  # noqa: E402

project = "autograd_lite"
author = copyright = "The autograd_lite developers"
version = release = __version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "playground"]
html_theme = "furo"
pygments_dark_style = "github-dark"
html_title = f"autograd_lite {__version__}"
html_copy_source = False
exclude_patterns = ["build"]
if not all(map(importlib.util.find_spec, ("sklearn", "autograd_lite.sklearn"))):
    exclude_patterns += ["api/sklearn.md"]  # what it describes cannot be imported

html_math_renderer = "mathml"

nb_execution_mode = "off"  # the notebooks are kept with their outputs; the tests run them
nb_merge_streams = True
myst_heading_anchors = 4
myst_enable_extensions = ["amsmath", "dollarmath"]

napoleon_numpy_docstring = False
autodoc_inherit_docstrings = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_default_options = {"exclude-members": "__init__, __new__"}
python_maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"
nitpicky = True
# Types in signatures are shown as they are written: without a network there is no list of Python's own to link to. And
# docstrings may name modules and types that are not public.
nitpick_ignore_regex = [("py:(class|data|mod|obj)", ".*"), ("py:attr", "[a-z]+")]

#: What is shown from outside of this folder: file of the repository -> page.
SHOWN = {
    "autograd_lite/core/README.md": "code/core.md",
    "autograd_lite/jit/README.md": "code/jit.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
} | {f"notebooks/{path.name}": f"notebooks/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb")}
LANGUAGES = {".h": "c", ".ipynb": "json", ".md": "markdown", ".pxd": "cython", ".py": "python", ".pyx": "cython"}
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s#]+)(#[^)\s]*)?\)")


def page_of(file: str) -> str | None:
    """The page that shows a file of the repository, if it is one that can be shown."""
    if file in SHOWN:
        return SHOWN[file]
    if file.startswith("docs/"):
        return file.removeprefix("docs/")
    if Path(file).suffix in LANGUAGES and (ROOT / file).is_file():
        return f"code/{file}.md"
    return None


def path_between(folder: Path, target: Path) -> str:
    """How a link in a folder names a file."""
    return os.path.relpath(target, folder).replace(os.sep, "/")


def linked_from(file: str, link: str) -> str:
    """The file of the repository that a link in a file of the repository leads to."""
    return path_between(ROOT, (ROOT / file).parent / link)


def gather() -> None:
    """Bring what is shown from outside of this folder into it."""
    for folder in ("code", "notebooks"):
        shutil.rmtree(DOCS / folder, ignore_errors=True)
    pages = [*SHOWN, *(f"docs/{path.name}" for path in DOCS.glob("*.md") if path.name not in SHOWN.values())]
    sources = set()
    for file in pages:
        text = (ROOT / file).read_text(encoding="utf-8")
        linked = {linked_from(file, match[1]) for match in LINK.finditer(text)}
        sources |= {target for target in linked if (page_of(target) or "").startswith("code/")}
        if file in SHOWN:
            write(SHOWN[file], text)
    for file in sorted(sources - SHOWN.keys()):
        block = f"```{{literalinclude}} /../{file}\n:language: {LANGUAGES[Path(file).suffix]}\n:linenos:\n```\n"
        write(f"code/{file}.md", f"---\norphan: true\n---\n\n# {Path(file).name}\n\n`{file}`\n\n{block}")
    write("code/primitives.txt", "\n".join(primitives()))


def write(page: str, text: str) -> None:
    """Write a page, with its folders, unless it is there already as it should be."""
    path = DOCS / page
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def primitives() -> list[str]:
    """The table of primitives: the comments that divide it, and each primitive with its line."""
    source = (ROOT / "autograd_lite/core/ops.py").read_text(encoding="utf-8")
    groups = {number: line[2:] for number, line in enumerate(source.splitlines(), 1) if re.match("# [A-Z]", line)}
    lines = []
    for node in ast.parse(source).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        primitive = getattr(ops, target.id, None) if isinstance(target, ast.Name) else None
        if not isinstance(target, ast.Name) or not isinstance(primitive, ops.Op):
            continue
        for number in [number for number in groups if number < node.lineno]:
            group = groups.pop(number).partition(",")[0]
            lines += ["", group, "~" * len(group), ""]
        lines += [
            f".. py:function:: {target.id.rstrip('_')}({operands(primitive)})",
            "",
            "   .. code-block:: python",
            "",
        ]
        lines += [f"      {line}" for line in (ast.get_source_segment(source, node) or "").splitlines()] + [""]
    others = {name: item.name for name, item in vars(autograd_lite).items() if isinstance(item, ops.Op)}
    aliases = [f"``{name}`` (``{op}``)" for name, op in sorted(others.items()) if name not in {op, f"{op}_"}]
    return [*lines, "", "Other names", "~~~~~~~~~~~", "", ", ".join(aliases) + "."]


def operands(primitive: ops.Op) -> str:
    """What a primitive is called with: what its partials take after the value."""
    if isinstance(primitive.partials, tuple):
        return ", ".join("xyz"[: len(primitive.partials)])
    _, *rest = inspect.signature(primitive.partials).parameters.values()
    return ", ".join(map(str, rest))


def lead_to_pages(app: Any, name: str, text: list[str]) -> None:
    """Turn links between files of the repository into links between pages."""
    shown = {page.rpartition(".")[0]: file for file, page in SHOWN.items()}
    file = shown.get(name, f"docs/{name}.md")

    def link(match: re.Match[str]) -> str:
        page = page_of(linked_from(file, match[1]))
        return f"]({path_between((DOCS / name).parent, DOCS / page)}{match[2] or ''})" if page else match[0]

    def entry(match: re.Match[str]) -> str:
        """An entry of the index with a star stands for pages that may be there or not."""
        pages = [path.relative_to(DOCS).as_posix() for path in DOCS.glob(match[1])]
        return match[0] if set(pages) - set(exclude_patterns) else ""

    text[0] = re.sub(r"^([\w/]+\*)\n", entry, LINK.sub(link, text[0]), flags=re.MULTILINE)


def by_its_end(app: Any, env: Any, node: Any, shown: Any) -> Any:
    """What a docstring calls ``Program.to_c`` or ``nn.init``, whose whole name is longer."""
    if node.get("refdomain") != "py":
        return None
    domain = env.get_domain("py")
    target = node["reftarget"].removeprefix("autograd_lite.")
    found = [name for name in domain.objects if f".{name}".endswith(f".{target}")]
    if not found:
        return None
    place = node["refdoc"], app.builder, node["reftype"], min(found, key=len)
    return domain.resolve_xref(env, *place, node, shown)


def without_a_type(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Keep napoleon from taking what stands before a colon in a property's docstring for its type."""
    if what in {"attribute", "property"}:
        lines[:0] = ["..", ""]  # an empty comment


def formula(page: Any, node: Any) -> None:
    """A formula as MathML, which browsers show without a script from elsewhere."""
    page.body.append(convert(node.astext(), display="block" if isinstance(node, nodes.math_block) else "inline"))
    raise nodes.SkipNode


def nothing_is_left_out(app: Any, env: Any) -> None:
    """Every public name is on a page of the API."""
    shown = env.get_domain("py").objects
    ends = {name.rpartition(".")[2] for name in shown}
    for room in ["autograd_lite", *(name for name, entry in shown.items() if entry.objtype == "module")]:
        module = importlib.import_module(room)
        for name in getattr(module, "__all__", ()):
            # A primitive is in the table, which lists its other names.
            if not {name, name.rstrip("_")} & ends and not isinstance(getattr(module, name), ops.Op):
                logging.getLogger(__name__).warning("%s.%s is public, and on no page in docs/api", room, name)


def setup(app: Any) -> None:
    """What Sphinx calls before a build."""
    gather()
    app.add_html_math_renderer("mathml", (formula, None), (formula, None))
    app.connect("source-read", lead_to_pages)
    app.connect("missing-reference", by_its_end)
    app.connect("env-check-consistency", nothing_is_left_out)
    app.connect("autodoc-process-docstring", without_a_type, priority=400)  # napoleon has 500

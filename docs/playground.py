"""The playground in the built documentation: a Sphinx extension that copies what it needs to run.

All of it is copied, so that the page asks no other server for anything: our own files from ``docs/playground``, the
package itself, and from the folder ``AUTOGRAD_LITE_NODE_MODULES`` Pyodide and Viz.js. Without that folder the page says
how it is built.
"""

import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
PACKAGE = DOCS.parent / "autograd_lite"
#: Files of npm's packages -> where the playground has them.
COPIED = {
    "@viz-js/viz/dist/viz.js": "viz.js",
    "pyodide/pyodide.mjs": "pyodide/pyodide.mjs",
    "pyodide/pyodide.asm.mjs": "pyodide/pyodide.asm.mjs",
    "pyodide/pyodide.asm.wasm": "pyodide/pyodide.asm.wasm",
    "pyodide/pyodide-lock.json": "pyodide/pyodide-lock.json",
    "pyodide/python_stdlib.zip": "pyodide/python_stdlib.zip",
}
#: What the package is without its compiled core.
PURE = {".css", ".csv", ".html", ".js", ".py"}


def assemble(node_modules: Path, folder: Path) -> None:
    """Put everything that the playground's page asks for into a folder."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(DOCS / "playground", folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "pyodide").mkdir()
    for source, target in COPIED.items():
        shutil.copyfile(node_modules / source, folder / target)
    with zipfile.ZipFile(folder / "autograd_lite.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(PACKAGE.rglob("*")):
            if path.suffix in PURE:
                archive.write(path, path.relative_to(PACKAGE.parent))


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    node_modules = os.environ.get("AUTOGRAD_LITE_NODE_MODULES")
    if node_modules:
        app.tags.add("playground")

    def finish(app: Any, error: Exception | None) -> None:
        if node_modules and error is None and app.builder.format == "html":
            assemble(Path(node_modules), Path(app.outdir, "_static", "playground"))

    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

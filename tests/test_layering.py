"""The floors of the package: a room imports only from the floors below its own."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import TypeGuard

import pytest

import autograd_lite

PACKAGE = Path(autograd_lite.__file__).parent

#: Lowest first; rooms on one line stand on one floor and do not import each other.
FLOORS: dict[str, list[list[str]]] = {
    "": [
        ["errors", "_interrupts", "_pickling", "_version"],
        ["_files"],
        ["core"],
        ["engine", "ops", "pytree", "_info", "_rng", "_tables"],
        ["functions", "linalg", "loops", "transforms"],
        ["nn", "data", "jit"],
        ["drawing"],
        ["testing", "optim", "distributed"],
        ["training"],
        ["plotting", "sklearn"],
        ["demo"],
        ["cli"],
        ["__main__"],
    ],
    "core": [
        ["_compiled"],
        ["__init__"],
        ["checks", "kernels", "special", "graph"],
        ["elementwise", "context"],
        ["operators", "modes"],
        ["op", "blocks"],
        ["loops", "ops", "node", "recorded"],
        ["sweep", "vm"],
        ["forward", "rows"],
        ["unboxed", "step"],
        ["record", "chain"],
        ["value"],
        ["update"],
    ],
    "drawing": [
        ["scene", "text", "modules", "written_out", "backward", "naming"],
        ["labels", "sketch", "subject"],
        ["boxes"],
        ["graph", "folding"],
        ["pictures"],
        ["draw", "steps"],
        ["explain"],
        ["__init__"],
    ],
    "drawing/folding": [["__init__"], ["alike", "quotient"], ["summaries"], ["fold"]],
    "drawing/pictures": [
        ["palette", "clusters", "layout", "render", "show"],
        ["layers"],
        ["dot", "mermaid"],
        ["svg"],
        ["page"],
        ["picture"],
        ["__init__"],
    ],
    "drawing/steps": [["notation"], ["records"], ["scene"], ["svg"], ["frames", "page"], ["steps"], ["__init__"]],
    "drawing/explain": [
        ["paths"],
        ["grouping", "routes"],
        ["explained"],
        ["tables"],
        ["lighting"],
        ["explanation"],
        ["__init__"],
    ],
    "jit": [
        ["program", "unchanged", "columns"],
        ["rewriting"],
        ["loop_passes"],
        ["passes"],
        ["backends", "tracing"],
        ["closures", "recording", "steps", "verify"],
        ["bodies", "undo"],
        ["loops"],
        ["arguments"],
        ["cache"],
        ["batch", "export"],
        ["rows"],
        ["compiled"],
        ["__init__"],
    ],
    "plotting": [
        ["axes"],
        ["boundary", "curves", "layers"],
        ["__init__"],
    ],
    "cli": [
        ["usage", "output", "tables"],
        ["expressions", "columns"],
        ["models"],
        ["calculus", "training", "prediction", "demos"],
        ["parser"],
        ["__init__"],
    ],
    "transforms": [
        ["inputs"],
        ["selection", "sparse"],
        ["gradients"],
        ["jacobians", "products"],
        ["__init__"],
    ],
    "jit/backends": [
        ["cpython", "pieces"],
        ["llvm_loops"],
        ["llvm", "python", "vm"],
        ["native", "deferred", "rows"],
        ["named"],
    ],
    "jit/export": [
        ["checks", "table", "results"],
        ["translation"],
        ["names"],
        ["c", "python", "latex", "symbolic"],
    ],
}
#: Arrows that go up, each with its reason.
UPWARD = {
    ("testing/edges.py", ""): "the edges are written as users write them, in the names of the whole package",
    ("testing/strategies.py", ""): "what it draws is printed as users would write it, in the same names",
    ("cli/calculus.py", ""): "explain and steps by their public names, which do not say the room",
    (
        "jit/program.py",
        "drawing.draw",
    ): "Program.draw() is there for the user",
    ("jit/compiled.py", "drawing.draw"): "fast.draw() is there for the user",
    ("training/history.py", "plotting"): "History.plot() is there for the user; plotting draws histories",
}
UPWARD |= {
    ("jit/program.py", f"jit.export.{name}"): "Program.to_c() and its like are there for the user; they read programs"
    for name in ("c", "python", "latex", "symbolic")
}
CORE = {"graphviz"} | set(sys.stdlib_module_names)


def _imports(path: Path) -> list[tuple[str, bool]]:
    """Every module that a file imports, and whether it does at its top.

    What stands under ``if TYPE_CHECKING`` is for mypy alone: it is never imported, so no circle can come of it.
    """
    if path.suffix != ".py":
        return [(name, True) for name in _imports_of_cython(path.read_text())]
    tree = ast.parse(path.read_text())
    top = set(tree.body)
    found = []
    for_types = [child for node in ast.walk(tree) if _is_for_types(node) for child in node.body]
    unseen = {node for child in for_types for node in ast.walk(child)}
    for node in ast.walk(tree):
        if node in unseen:
            continue
        if isinstance(node, ast.Import):
            found += [(alias.name, node in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            module = node.module or ""
            # `from autograd_lite.core import ops` is an import of autograd_lite.core.ops.
            names = [f"{module}.{alias.name}" for alias in node.names]
            found += [(name if _is_module(name) else module, node in top) for name in names]
    return found


def _imports_of_cython(text: str) -> list[str]:
    """The same for a ``.pyx`` or a ``.pxd``, which Python does not parse: each import is one line."""
    found = re.findall(r"^ *c?import ([\w.]+)", text, re.MULTILINE)
    for module, names in re.findall(r"^ *from ([\w.]+) c?import ([^#\n]+)", text, re.MULTILINE):
        for name in names.split(","):
            longer = f"{module}.{name.split()[0]}"
            found.append(longer if _is_module(longer) else module)
    return found


def _is_for_types(node: ast.AST) -> TypeGuard[ast.If]:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _is_module(name: str) -> bool:
    place = PACKAGE.parent / name.replace(".", "/")
    return place.is_dir() or any(place.with_suffix(kind).is_file() for kind in (".py", ".pyx"))


def _floor(folder: str, room: str) -> int:
    floors = [level for level, rooms in enumerate(FLOORS[folder]) if room in rooms]
    assert floors, f"{room} in {folder or 'the package'} has no floor yet"
    return floors[0]


def _faults(path: Path) -> list[str]:
    """The imports of a file that do not go down."""
    relative = path.relative_to(PACKAGE)
    own = [*relative.parts[:-1], relative.stem]
    faults = []
    for module, _ in _imports(path):
        package, *other = module.split(".")
        if package != "autograd_lite" or (relative.as_posix(), ".".join(other)) in UPWARD:
            continue
        if not other:
            faults.append("the whole package, which imports all rooms")
            continue
        depth = 0
        while depth < min(len(own), len(other)) - 1 and own[depth] == other[depth]:
            depth += 1
        folder = "/".join(own[:depth])
        here, there = own[depth], (other[depth] if depth < len(other) else "__init__")
        if folder in FLOORS and here != there and not _floor(folder, there) < _floor(folder, here):
            faults.append(module)
    return faults


FILES = [path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py"]
IN_CYTHON = [path for path in PACKAGE.rglob("*") if path.suffix in {".pyx", ".pxd"}]


@pytest.mark.parametrize("path", [*FILES, *IN_CYTHON], ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_room_imports_only_from_the_floors_below(path: Path) -> None:
    assert _faults(path) == []


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("graph.py", "import autograd_lite"),
        ("graph.py", "def f():\n    import autograd_lite"),
        ("graph.py", "from autograd_lite import nn"),
        ("graph.py", "from autograd_lite.core import value"),
        ("graph.py", "from autograd_lite.core.value import Value"),
        ("graph.py", "def f():\n    from autograd_lite.transforms import grad"),
        ("vm.pyx", "from autograd_lite.core.value cimport Value"),
        ("vm.pyx", "from autograd_lite.core cimport op, value"),
        ("vm.pyx", "cimport autograd_lite.core.record"),
        ("vm.pyx", "def f():\n    from autograd_lite.core import chain  # late"),
    ],
)
def test_an_arrow_up_is_found(file: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda path: text)
    assert _faults(PACKAGE / "core" / file) != []


def test_both_forms_of_a_module_stand_on_one_floor() -> None:
    assert {path.stem for path in IN_CYTHON} >= {"unboxed", "vm", "sweep"}
    assert {path.stem for path in IN_CYTHON} <= {room for rooms in FLOORS["core"] for room in rooms}


@pytest.mark.parametrize("path", [*FILES, PACKAGE / "__init__.py"], ids=lambda p: str(p.relative_to(PACKAGE)))
def test_optional_packages_are_imported_inside_functions(path: Path) -> None:
    for module, at_top in _imports(path):
        package = module.partition(".")[0]
        assert not at_top or package == "autograd_lite" or package in CORE - {"graphviz"}, module


def test_importing_the_package_imports_nothing_heavy() -> None:
    heavy = (
        "graphviz",
        "numpy",
        "argparse",
        "csv",
        "inspect",
        "json",
        "llvmlite",
        "autograd_lite.distributed",
        "autograd_lite.jit.compiled",
        "autograd_lite.testing",
        "autograd_lite.training",
    )
    code = f"import sys, autograd_lite; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_is_imported_late_is_there_when_it_is_asked_for() -> None:
    assert callable(autograd_lite.testing.check_gradients)
    assert autograd_lite.fit is autograd_lite.training.fit
    assert callable(autograd_lite.optim.Adam)
    assert not hasattr(autograd_lite, "tseting")


def test_a_star_import_does_not_take_the_builtins_away() -> None:
    names: dict[str, object] = {}
    exec("from autograd_lite import *", names)
    assert "tanh" in names
    assert not {"abs", "pow", "round", "sum", "max", "min"} & set(names)


def test_every_public_name_exists() -> None:
    for name in autograd_lite.__all__:
        assert hasattr(autograd_lite, name), name


def test_dir_lists_public_names_only() -> None:
    code = "import autograd_lite; print(sorted(set(dir(autograd_lite)) - set(autograd_lite.__all__)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    beside = {"abs", "pow", "round", "sum", "engine", "errors", "ops"}
    assert {name for name in eval(done.stdout) if not name.startswith("__")} == beside
    assert all(hasattr(autograd_lite, name) for name in dir(autograd_lite))


@pytest.mark.parametrize(
    "address",
    [
        "from autograd_lite.engine import Value",
        "from autograd_lite.nn import Neuron, Layer, MLP",
        "from autograd_lite.ops import tanh, primitives",
        "from autograd_lite.plotting import plot_history, plot_decision_boundary, plot_gradients, plot_weights",
        "from autograd_lite.data import iris, batches",
        "from autograd_lite.optim import lr_scheduler",
        "from autograd_lite.testing import strategies",
        "from autograd_lite.distributed import map, sum",
    ],
)
def test_public_addresses_stay(address: str) -> None:
    exec(address, {})

"""The floors of the package: a room imports only from the floors below its own."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import autograd_lite

PACKAGE = Path(autograd_lite.__file__).parent

#: Lowest first; rooms on one line stand on one floor and do not import each other.
FLOORS = [
    ["errors"],
    ["checks", "special", "modes", "files"],
    ["ops", "graph", "tree", "rng"],
    ["node"],
    ["chain"],
    ["engine"],
    ["functions", "transforms"],
    ["nn", "data", "drawing", "jit"],
    ["testing", "optim", "plotting"],
    ["training"],
    ["demo"],
    ["cli"],
    ["__main__"],
]
FLOOR = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
CORE = {"graphviz"} | set(sys.stdlib_module_names)


def _room(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0].removesuffix(".py")


def _imports(path: Path) -> list[tuple[str, bool]]:
    """Every module that a file imports, and whether it does at its top."""
    tree = ast.parse(path.read_text())
    top = set(tree.body)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            module = node.module or ""
            names = [f"{module}.{alias.name}" for alias in node.names] if module == "autograd_lite" else [module]
            found += [(name, node in top) for name in names]
    return found


FILES = [path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py"]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_room_imports_only_from_the_floors_below(path: Path) -> None:
    room = _room(path)
    assert room in FLOOR, f"{room} has no floor yet"
    for module, _ in _imports(path):
        package, _, rest = module.partition(".")
        if package == "autograd_lite" and rest:
            other = rest.split(".")[0]
            assert other == room or FLOOR[other] < FLOOR[room], f"{room} imports {other}"


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

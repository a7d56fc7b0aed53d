"""What it costs to start: importing each package, beside an interpreter that imports nothing; and to install."""

import functools
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import ROOT, MissingError, Ready, Workload, timed


def imported(modules: str) -> Ready:
    """Seconds that an interpreter takes to start, import and end."""
    command = [sys.executable, "-c", f"import {modules}"]
    return Ready(list, figure=lambda: timed(lambda: subprocess.run(command, check=True)))


PEERS = {
    "autograd_lite": "autograd_lite",
    "autograd_lite, with all it loads later": "autograd_lite, autograd_lite.optim, autograd_lite.training, "
    "autograd_lite.drawing, autograd_lite.testing",
    "python": "math",
    "micrograd": "micrograd.engine",
    "xad": "xad",
    "casadi": "casadi",
    "autograd": "autograd",
    "numpy": "numpy",
    "numba": "numba",
    "torch": "torch",
    "jax": "jax",
}


def installing(pure: str) -> Ready:
    """Seconds that pip takes from the source to an installed package, without its dependencies."""
    there = all(map(importlib.util.find_spec, ("Cython", "pip", "setuptools")))
    if not there or int(importlib.metadata.version("setuptools").partition(".")[0]) < 71:
        raise MissingError("needs Cython, pip and setuptools 71")

    @functools.cache
    def figure() -> float:  # once in a process, as it takes long
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "source")
            ignored = shutil.ignore_patterns("*.so", "*.pyd", "compiled.*.txt", "__pycache__", "build")
            shutil.copytree(ROOT / "autograd_lite", source / "autograd_lite", ignore=ignored)
            for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "MANIFEST.in"):
                shutil.copy(ROOT / name, source)
            options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--target", f"{folder}/target"]
            command = [sys.executable, "-m", "pip", "install", *options, str(source)]
            environment = {**os.environ, "AUTOGRAD_LITE_PURE": pure}
            return timed(lambda: subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL))

    return Ready(list, figure=figure)


INSTALLING = {
    "autograd_lite, compiled": functools.partial(installing, "0"),
    "autograd_lite, plain Python": functools.partial(installing, "1"),
}

IMPORTING = {name: functools.partial(imported, modules) for name, modules in PEERS.items()}

WORKLOADS = [
    Workload("import", IMPORTING, behind="A package of few or no modules in Python has less to read."),
    Workload("install", INSTALLING, is_quick=False),
]

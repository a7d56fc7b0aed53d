"""What it costs to start: importing each package, beside an interpreter that imports nothing."""

import functools
import subprocess
import sys

from benchmarks.measure import Ready, Workload, timed


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

WORKLOADS = [Workload("import", {name: functools.partial(imported, modules) for name, modules in PEERS.items()},
                      behind="It is beside an interpreter that imports next to nothing.")]  # fmt: skip

"""Who is compared: what each peer needs, where it is installed, and how it is started."""

import functools
import importlib
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

#: What each peer needs: modules, which one interpreter must have, or a program.
MODULES: dict[str, tuple[str, ...]] = {
    "autograd": ("autograd", "numpy"),
    "autograd_lite": ("autograd_lite",),
    "casadi": ("casadi",),
    "dask": ("autograd_lite", "dask", "distributed", "numpy"),
    "jax": ("jax",),
    "micrograd": ("micrograd",),
    "numba": ("numba", "numpy"),
    "numpy": ("numpy", "scipy"),
    "python": (),
    "torch": ("torch",),
    "xad": ("xad",),
}
PROGRAMS = {"C": "gcc"}


class Peer(NamedTuple):
    """A peer that is installed: the interpreter that has it, and its version."""

    python: str
    version: str


def peer_of(contender: str) -> str:
    """The peer behind a contender: of "autograd_lite, native", autograd_lite."""
    return contender.partition(",")[0]


def needs(peer: str) -> str:
    """What a peer needs, in words."""
    return f"the program {PROGRAMS[peer]}" if peer in PROGRAMS else " and ".join(MODULES[peer]) or "nothing"


def installed(peers: Iterable[str], pythons: Iterable[str] = ()) -> dict[str, Peer | None]:
    """Each peer, or None where it is missing. It is taken from this interpreter, or else from the first that has it."""
    found: dict[str, Peer | None] = {}
    for peer in peers:
        if peer in PROGRAMS:
            version = _version_of_program(PROGRAMS[peer])
            found[peer] = Peer(sys.executable, version) if version else None
            continue
        # autograd_lite is measured as this interpreter runs it.
        others = () if "autograd_lite" in MODULES[peer] else pythons
        homes = ((python, _versions(python)) for python in (sys.executable, *others))
        having = ((python, known) for python, known in homes if all(known.get(m) for m in MODULES[peer]))
        python, known = next(having, ("", {}))
        version = known.get(peer, platform.python_version())
        if peer == "autograd_lite":  # which may be a folder that nobody has installed
            from autograd_lite import __version__ as version
        found[peer] = Peer(python, version) if python else None
    return found


def _version_of_program(program: str) -> str:
    where = shutil.which(program)
    if where is None:
        return ""
    done = subprocess.run([where, "-dumpfullversion"], capture_output=True, text=True, check=False)
    return done.stdout.strip()


@functools.cache
def _versions(python: str) -> dict[str, str]:
    """The versions of all modules that are in MODULES, as an interpreter has them; "" for one that it has not."""
    code = (
        "import importlib.metadata as m, importlib.util as u, json, sys\n"
        "def of(n):\n"
        "    if not u.find_spec(n): return ''\n"
        "    try: return m.version(n)\n"
        "    except m.PackageNotFoundError: return 'unknown'\n"
        "print(json.dumps({n: of(n) for n in sys.argv[1:]}))"
    )
    names = sorted({name for modules in MODULES.values() for name in modules})
    done = subprocess.run([python, "-c", code, *names], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


# ---- In the process of a contender ---------------------------------------------------------

#: One thread each. XLA's own threads are not those of OpenMP.
ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"),
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
}


def environment() -> dict[str, str]:
    """That of a contender's process: one thread; modules are compiled once, as they are where they are installed."""
    kept = {name: x for name, x in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **ONE_THREAD}


def start(peer: str) -> None:
    """Import a peer and do what it does once in a process, so that no contender's first call pays for it."""
    for module in MODULES.get(peer, ()):
        importlib.import_module(module)
    _STARTS.get(peer, lambda: None)()


def _start_autograd_lite() -> None:
    from autograd_lite import jit
    from autograd_lite.errors import MissingDependencyError

    try:
        jit(lambda x: x * x, backend="native")(1.0)
    except MissingDependencyError:
        return


def _start_jax() -> None:
    import jax
    import jax.numpy as jnp

    configuration: Any = jax.config
    configuration.update("jax_enable_x64", True)
    jax.block_until_ready(jax.jit(lambda x: x * x)(jnp.ones(2)))


def _start_torch() -> None:
    import torch

    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    x = torch.ones(2, requires_grad=True)
    (x * x).sum().backward()


_STARTS: dict[str, Callable[[], None]] = {
    "autograd_lite": _start_autograd_lite,
    "jax": _start_jax,
    "torch": _start_torch,
}

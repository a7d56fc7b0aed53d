"""What is installed here, and which version of the core runs."""

import dataclasses
import importlib.metadata
import importlib.util
import platform
import shutil

from autograd_lite import core
from autograd_lite._version import __version__

__all__ = ["Info", "info"]

#: Optional programs and packages: what each is for, and what brings it.
OPTIONAL = {
    "dot": ("drawings as SVG, PNG, PDF", "your system's package graphviz"),
    "pygraphviz": ("drawings where there is no dot", 'pip install "autograd_lite[render]"'),
    "llvmlite": ("machine code of jitted functions", 'pip install "autograd_lite[native]"'),
    "numpy": ("arrays of Values", "pip install numpy"),
    "matplotlib": ("plots", 'pip install "autograd_lite[plot]"'),
    "tqdm": ("a progress bar", 'pip install "autograd_lite[progress]"'),
    "pandas": ("data frames, Parquet", "pip install pandas pyarrow"),
    "scikit-learn": ("its estimators", 'pip install "autograd_lite[sklearn]"'),
}
#: The modules of packages that have another name.
MODULES = {"scikit-learn": "sklearn"}


@dataclasses.dataclass(frozen=True, repr=False)
class Info:
    """What is installed, shown as lines; ``dataclasses.asdict`` makes a dict for JSON of it."""

    version: str
    python: str
    system: str
    core: str  #: "compiled" or "pure"
    why_pure: str  #: why the core runs as plain Python; "" when it is compiled
    backends: list[str]  #: what ``jit(backend=...)`` accepts here, besides "auto"
    found: dict[str, str]  #: optional packages and programs: the version, or where it is
    missing: dict[str, str]  #: ... and what brings those that are not here

    def __repr__(self) -> str:
        pure = f"plain Python, some ten times slower than compiled: {self.why_pure}"
        lines = [
            f"autograd_lite {self.version}, {self.python}, {self.system}",
            f"core: {pure if self.why_pure else 'compiled'}",
            f"back ends of jit: {', '.join(self.backends)}",
        ]
        lines += [f"found: {name} {which}, for {OPTIONAL[name][0]}" for name, which in self.found.items()]
        lines += [f"missing: {name}, for {OPTIONAL[name][0]}: {what}" for name, what in self.missing.items()]
        return "\n".join(lines)


def info() -> Info:
    """What is installed here, and which version of the core runs: compiled, or the same sources as plain Python.

    >>> info().core in ("compiled", "pure")
    True
    >>> print(info())
    autograd_lite ..., CPython 3..., ...
    core: ...
    back ends of jit: python...
    """
    found = {name: shutil.which("dot") if name == "dot" else _version_of(name) for name in OPTIONAL}
    missing = {name: OPTIONAL[name][1] for name, which in found.items() if not which}
    for name, other in (("dot", "pygraphviz"), ("pygraphviz", "dot")):
        if name in missing and other not in missing:
            missing[name] = f"not needed, as there is {other}"
    backends = {"python": True, "vm": _exists("autograd_lite.core.vm"), "native": found["llvmlite"]}
    return Info(
        version=__version__,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        system=f"{platform.system()} {platform.machine()}",
        core="compiled" if core.COMPILED else "pure",
        why_pure=core.WHY_PURE,
        backends=[name for name, is_there in backends.items() if is_there],
        found={name: which for name, which in found.items() if which},
        missing=missing,
    )


def _exists(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _version_of(package: str) -> str | None:
    """The version of a package, which is not imported for it; None if it is not installed."""
    if not _exists(MODULES.get(package, package)):
        return None
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # a folder on the path, installed by nobody
        return "of unknown version"

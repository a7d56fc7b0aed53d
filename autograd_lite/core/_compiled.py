"""Which version of the core runs: its modules compiled, or the same sources as plain Python.

All or nothing: compiled modules call each other without Python, so a mixture of old and new ones, or of compiled and
plain ones, is never imported. setup.py runs this file too, so that the build and the import agree on what the sources
are. It imports nothing of the package.
"""

import os
import sys
import warnings
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, FileFinder, SourceFileLoader
from importlib.util import source_hash

__all__ = ["asked_for_pure", "choose", "fingerprints", "modules", "sources"]

SUFFIX = EXTENSION_SUFFIXES[0]  # .cpython-311-x86_64-linux-gnu.so: of this version of Python, and of no other
RECORD = f"compiled{SUFFIX.rpartition('.')[0]}.txt"  # what the compiled files were made from
PURE = "AUTOGRAD_LITE_PURE"
INLINE_ONLY = b"# inline only"


def asked_for_pure() -> bool:
    """Whether AUTOGRAD_LITE_PURE asks for plain Python, when the package is built or when it is imported."""
    given = os.environ.get(PURE, "")
    if given not in ("", "0", "1"):
        raise ValueError(f"{PURE} is 1 for plain Python, 0 or nothing for the compiled core; not {given!r}")
    return given == "1"


def sources(folder: str) -> dict[str, bytes]:
    """What compiled modules are made from: ``.pyx``, ``.pxd`` and ``.h`` files, and the twins of ``.pxd`` files."""
    names = set(os.listdir(folder))
    found = {}
    for name in sorted(names):
        stem, kind = os.path.splitext(name)
        if kind in (".h", ".pxd", ".pyx") or (kind == ".py" and f"{stem}.pxd" in names):
            with open(os.path.join(folder, name), "rb") as file:
                found[name] = file.read()
    return found


def modules(texts: dict[str, bytes]) -> dict[str, str]:
    """The modules that are compiled, and the file of each.

    A ``.pxd`` without a twin is there for others to include. One that starts with ``# inline only`` holds C functions
    that stand in for those of its twin, which stays Python.

    >>> modules({"a.py": b"", "a.pxd": b"", "b.pyx": b"", "c.pxd": b"", "d.py": b"", "d.pxd": b"# inline only"})
    {'a': 'a.py', 'b': 'b.pyx'}
    """
    found = {}
    for name in texts:
        stem, kind = os.path.splitext(name)
        if kind == ".pyx" or (kind == ".py" and not texts[f"{stem}.pxd"].startswith(INLINE_ONLY)):
            found[stem] = name
    return found


def fingerprints(texts: dict[str, bytes]) -> dict[str, str]:
    """A hash of each source, as Python's own caches of compiled files use it.

    >>> fingerprints({"a.py": b"x = 1"}) == fingerprints({"a.py": b"x = 2"})
    False
    """
    return {name: source_hash(text).hex() for name, text in texts.items()}


def choose(folder: str) -> str:
    """Decide which version is imported from a folder; why it is the plain one, or "" for the compiled one."""
    try:
        names = os.listdir(folder)
    except OSError:  # in a zip file, which no compiled module is loaded from
        names = []
    built = {name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX)}
    if asked_for_pure():
        why = f"{PURE}=1 is set"
    elif not built and RECORD not in names:
        return (
            f"{folder} has no files compiled for this Python; where there is a C compiler install again "
            "(pip install -v says why)"
        )
    else:
        why = _stale(folder, built)
        if why:
            warnings.warn(
                f"{why}, so all of autograd_lite.core runs as plain Python, some ten times slower. Install the package"
                f' again ("pip install -e ." in its checkout) to compile it, or set {PURE}=1.',
                RuntimeWarning,
                stacklevel=2,
            )
    if why and built:
        _load_sources_only(folder)
    return why


def _stale(folder: str, built: set[str]) -> str:
    """What does not belong together in a folder with compiled files; "" when all of it does."""
    try:
        with open(os.path.join(folder, RECORD), encoding="utf-8") as file:
            then = dict(line.split() for line in file)
    except FileNotFoundError:
        return f"{min(built)}{SUFFIX} has no record of its sources ({RECORD})"
    texts = sources(folder)
    now = fingerprints(texts)
    for name in sorted(now.keys() | then.keys()):
        if now.get(name) != then.get(name):
            change = "was removed" if name not in now else "was edited" if name in then else "was added"
            return f"{os.path.join(folder, name)} {change} after the core was compiled"
    for name in sorted(built ^ modules(texts).keys()):
        return f"{name}{SUFFIX} is {'left from another version' if name in built else 'missing'}"
    return ""


def _load_sources_only(folder: str) -> None:
    """Keep imports from the compiled files of a folder: Python prefers them to the sources beside them."""
    sys.path_importer_cache[folder] = FileFinder(folder, (SourceFileLoader, SOURCE_SUFFIXES))

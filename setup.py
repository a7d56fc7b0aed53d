"""Compiles the core where that can be done. Elsewhere the same sources are installed as plain Python: never an error.

What is compiled is found by ``autograd_lite/core/_compiled.py``. All else about the package is in pyproject.toml.
"""

import importlib.util
import os
import runpy
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from types import SimpleNamespace

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

CORE = Path("autograd_lite/core")
PACKAGE = "autograd_lite.core"
compiled = SimpleNamespace(**runpy.run_path(str(CORE / "_compiled.py")))

#: C's division, and floats as they are: the bits of plain Python, without its exceptions.
DIRECTIVES = {
    "language_level": "3",
    "cdivision": True,
    "annotation_typing": False,
    "binding": True,
    "auto_pickle": False,  # classes say for themselves how they are pickled
    "autotestdict": False,  # pytest finds the doctests, and would run them twice
    "freethreading_compatible": False,
}
#: No fused multiply-add: it rounds once, Python twice. MSVC makes none under /fp:precise from 2022 (17.0) on.
FLAGS = {"msvc": ["/O2", "/fp:precise"], "other": ["-O3", "-g0", "-fno-fast-math", "-ffp-contract=off"]}


class NotCompiledError(Exception):
    """The core cannot be compiled here, or shall not be."""


def extensions() -> list[Extension]:
    """One for each module that is compiled."""
    found = compiled.modules(compiled.sources(str(CORE)))
    return [Extension(f"{PACKAGE}.{name}", [str(CORE / file)]) for name, file in found.items()]


def refuse_where_it_cannot_be() -> None:
    """Raise NotCompiledError where there is no point in trying."""
    if compiled.asked_for_pure():
        raise NotCompiledError(f"{compiled.PURE}=1 is set")
    if sys.implementation.name != "cpython":
        raise NotCompiledError(f"this is {sys.implementation.name}, not CPython")
    if sys.maxsize < 2**32:
        raise NotCompiledError("this Python has 32 bits, where C may round otherwise than Python does")
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        raise NotCompiledError("this is a free-threaded Python, and the compiled core needs the lock")
    if importlib.util.find_spec("Cython") is None:
        raise NotCompiledError("Cython is not installed")


class Compile(build_ext):
    """Compiles all modules or none."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.force = True  # a module depends on the .pxd files of others, which setuptools does not know
        self.parallel = self.parallel or os.cpu_count()

    def run(self) -> None:
        if not self.extensions:
            return
        inplace = self.inplace
        self.remove_what_was_built()
        try:
            refuse_where_it_cannot_be()
            made_from = compiled.fingerprints(compiled.sources(str(CORE)))
            super().run()
            record = "".join(f"{name} {value}\n" for name, value in made_from.items())
            (self.folder() / compiled.RECORD).write_text(record, encoding="utf-8")
        except Exception as error:  # whatever it is: the plain version runs everywhere
            self.inplace = inplace  # setuptools puts it aside while it compiles
            self.remove_what_was_built()
            self.extensions = self.distribution.ext_modules = []
            print(f"autograd_lite: installed as plain Python, some ten times slower than compiled: {error}", flush=True)

    def build_extension(self, ext: Extension) -> None:
        """Translate a module to C and compile it, in one of several threads; Cython, which knows none, in a process."""
        (source,) = ext.sources
        target = Path(self.build_temp, f"{ext.name}.c")
        target.parent.mkdir(parents=True, exist_ok=True)
        options = [part for name, value in DIRECTIVES.items() for part in ("--directive", f"{name}={value}")]
        command = [sys.executable, "-m", "cython", *options, "--module-name", ext.name, "-o", str(target), source]
        if subprocess.run(command, check=False).returncode != 0:
            raise NotCompiledError(f"Cython could not translate {source}")
        ext.sources = [str(target)]
        ext.include_dirs = [str(CORE.absolute())]  # the headers beside the sources
        ext.extra_compile_args = FLAGS.get(self.compiler.compiler_type, FLAGS["other"])
        try:
            super().build_extension(ext)
        except Exception as error:
            raise NotCompiledError(f"there is no C compiler, or it failed on {source}") from error

    def folder(self) -> Path:
        """Where the compiled modules go."""
        return Path(self.get_ext_fullpath(f"{PACKAGE}.any")).parent

    def remove_what_was_built(self) -> None:
        for path in [*self.folder().glob(f"*{compiled.SUFFIX}"), self.folder() / compiled.RECORD]:
            path.unlink(missing_ok=True)


class Wheel(bdist_wheel):
    """Named after what was built, which is known only then: for this Python and system, or for any."""

    def run_command(self, command: str) -> None:
        super().run_command(command)
        if command == "build":
            self.root_is_pure = not self.distribution.has_ext_modules()


# Built in an empty folder each time: what an earlier build left in build/ would get into the wheel.
with tempfile.TemporaryDirectory() as folder:
    setup(
        ext_modules=extensions(),
        cmdclass={"build_ext": Compile, "bdist_wheel": Wheel},
        options={"build": {"build_base": folder}},
    )

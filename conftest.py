"""Settings for all tests, those in docstrings too."""

import importlib
import importlib.util
from pathlib import Path

from autograd_lite import core

# pytest looks for doctests in .py files, and imports such a file as a second copy of its module unless the module is
# there already: then it takes that one, which may be compiled.
for path in Path(core.__path__[0]).glob("[!_]*.py"):
    importlib.import_module(f"autograd_lite.core.{path.stem}")

# Their examples need Dask (extra distributed) and scikit-learn (extra sklearn).
NEEDED = {"autograd_lite/distributed/rows.py": "dask", "autograd_lite/sklearn.py": "sklearn"}
collect_ignore = [file for file, package in NEEDED.items() if not importlib.util.find_spec(package)]

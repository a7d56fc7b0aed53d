"""What every operation passes through. README.md beside this file says in which order to read it.

>>> from autograd_lite import core
>>> core.COMPILED == (core.WHY_PURE == "")
True
"""

from autograd_lite.core import _compiled

#: Why the core runs as plain Python; "" when it runs compiled. Decided here, once, before a module of it is imported.
WHY_PURE: str = _compiled.choose(__path__[0])
#: Whether the core runs compiled.
COMPILED: bool = not WHY_PURE

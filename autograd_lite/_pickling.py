"""How callable objects that stand for functions pickle."""

import sys
from typing import Any

__all__ = ["global_name"]


def global_name(thing: Any) -> str | None:
    """The qualified name under which its module has this very thing, as a decorated function has; else None."""
    name = getattr(thing, "__qualname__", None)
    if not isinstance(name, str):
        return None
    found: Any = sys.modules.get(str(getattr(thing, "__module__", "")))
    for part in name.split("."):
        found = getattr(found, part, None)
    return name if found is thing else None

"""A model's state as a file: JSON, one parameter a line, exact to the last bit."""

import math
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from autograd_lite._files import write_whole
from autograd_lite.core.checks import describe
from autograd_lite.errors import StateError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read", "write"]

_FORMAT, _VERSION = "autograd_lite state", 1

#: No parameter takes more bytes than this; a file that does is not one of ours, and is not read.
_BYTES_OF_A_PARAMETER, _BYTES_BESIDE = 1_000, 1_000_000


def write(path: str | os.PathLike[str], model: str, state: Mapping[str, float]) -> "Path":
    """Write a state, and what the model looks like for who opens the file."""
    import json

    content = {
        "format": _FORMAT,
        "version": _VERSION,
        "model": model.splitlines(),
        # JSON has no word for these three, Python's repr of any other float is exact.
        "state": {key: x if math.isfinite(x) else str(x) for key, x in state.items()},
    }
    return write_whole(path, (json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode())


def read(path: str | os.PathLike[str], count: int) -> dict[str, float]:
    """The state in a file, for a model of so many parameters. Raises ``StateError`` for any other file."""
    import json
    from pathlib import Path

    limit = _BYTES_BESIDE + count * _BYTES_OF_A_PARAMETER

    def refuse(why: str) -> NoReturn:
        raise StateError(f"{os.fspath(path)} is not a state that this model can load: {why}") from None

    with Path(path).open("rb") as file:
        raw = file.read(limit + 1)
    if len(raw) > limit:
        refuse(f"it is larger than the {limit} bytes that {count} parameters could take")
    try:
        content = json.loads(raw.decode(), object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        refuse(f"it is no whole JSON file ({error})")
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        refuse(f"it was not written by Module.save, whose files say {_FORMAT!r} at their top")
    if content.get("version") != _VERSION:
        refuse(f"it is of version {describe(content.get('version'))}, and this release reads version {_VERSION}")
    state = content.get("state")
    if not isinstance(state, dict):
        refuse("it has no dict of numbers named 'state'")
    numbers = {}
    for key, x in state.items():
        if x in ("nan", "inf", "-inf"):
            x = float(x)  # noqa: PLW2901 - these three are written as words
        elif not isinstance(x, (int, float)) or isinstance(x, bool) or not _is_finite(x):
            refuse(f"{key} is {describe(x)}, not a number")
        numbers[key] = float(x)
    return numbers


def _is_finite(x: float) -> bool:
    try:
        return math.isfinite(x)
    except OverflowError:  # an int beyond the largest float
        return False


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found

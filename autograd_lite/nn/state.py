"""A model's state in a file: JSON, one parameter a line, exact to the last bit."""

import math
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from autograd_lite._files import write_whole
from autograd_lite.core.checks import as_float, describe, is_real
from autograd_lite.errors import StateError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["as_json", "contents", "load", "read", "save", "write"]

_FORMAT, _VERSION = "autograd_lite state", 1

#: No parameter takes more bytes than this. A larger file is not one of ours, and is not read.
_BYTES_OF_A_PARAMETER, _BYTES_BESIDE = 1_000, 1_000_000


def save(obj: Mapping[str, float], path: str | os.PathLike[str]) -> None:
    """Write what ``model.state_dict()`` gave, as :meth:`Module.save` does: PyTorch's ``torch.save``.

    Raises ``TypeError`` for anything else, a whole model or an optimiser's state say, and
    ``OSError`` if the file cannot be written.
    """
    if not isinstance(obj, Mapping) or not all(
        isinstance(key, str) and is_real(x) and not isinstance(x, bool) for key, x in obj.items()
    ):
        raise TypeError(
            f"save() takes the state of a model, model.state_dict(), and a path; got {describe(obj)}. pickle takes a "
            "whole model, json the state of an optimiser"
        )
    write(path, {key: as_float(x) for key, x in obj.items()})


def load(path: str | os.PathLike[str]) -> dict[str, float]:
    """The state in a file, for ``model.load_state_dict``: PyTorch's ``torch.load``. Nothing in it is executed.

    Raises ``StateError`` (a ``ValueError``) for a file that is cut or is no such file, and ``OSError`` if it
    cannot be read.
    """
    return read(path)


def write(path: str | os.PathLike[str], state: Mapping[str, float], model: str = "") -> "Path":
    """Write a state, and how the model looks, for people who open the file."""
    return write_whole(path, as_json(state, model))


def as_json(state: Mapping[str, float], model: str = "", **beside: Any) -> bytes:
    """What :func:`write` writes; with more beside the state, which :func:`contents` gives back and others ignore."""
    import json

    content = {
        "format": _FORMAT,
        "version": _VERSION,
        "model": model.splitlines(),
        **beside,
        # JSON has no word for these three, Python's repr of any other float is exact.
        "state": {key: x if math.isfinite(x) else str(x) for key, x in state.items()},
    }
    return (json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode()


def read(path: str | os.PathLike[str], count: int | None = None) -> dict[str, float]:
    """The state in a file, for a model of so many parameters if that is known. Raises ``StateError`` for others."""
    found: dict[str, float] = contents(path, count)["state"]
    return found


def contents(path: str | os.PathLike[str], count: int | None = None) -> dict[str, Any]:
    """All that is in a file of a state: the state, checked, and what stands beside it, as it is."""
    import json
    from pathlib import Path

    limit = -2 if count is None else _BYTES_BESIDE + count * _BYTES_OF_A_PARAMETER

    def refuse(why: str) -> NoReturn:
        reader = "load() reads" if count is None else "this model can load"
        raise StateError(f"{os.fspath(path)} is not a state that {reader}: {why}") from None

    with Path(path).open("rb") as file:
        raw = file.read(limit + 1)  # all of it without a limit, read(-1)
    if count is not None and len(raw) > limit:
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
    return {**content, "state": numbers}


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

"""What a command writes: JSON for programs, and files whole or not at all."""

import json
import math
import sys
from typing import Any, TextIO

from autograd_lite._files import write_whole

__all__ = ["print_json", "write_out"]


def print_json(found: Any) -> None:
    """Print as JSON, which has no words for nan and infinity: they are strings, as in saved models."""
    print(json.dumps(_with_words(found), indent=2, allow_nan=False))


def write_out(path: str, content: bytes, file: TextIO | None = None) -> None:
    """Write a file, and print where it is; with the path ``-`` write to standard output, in UTF-8 whatever it takes."""
    if path != "-":
        print(f"written: {write_whole(path, content).absolute()}", file=file)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(content)


def _with_words(found: Any) -> Any:
    if isinstance(found, dict):
        return {name: _with_words(one) for name, one in found.items()}
    if isinstance(found, (list, tuple)):
        return [_with_words(one) for one in found]
    return str(found) if isinstance(found, float) and not math.isfinite(found) else found

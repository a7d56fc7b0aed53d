"""Writing a file whole or not at all."""

import os
from typing import TYPE_CHECKING

from autograd_lite._interrupts import uninterrupted

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["write_whole"]


def write_whole(path: str | os.PathLike[str], content: bytes) -> "Path":
    """Write a file in one step, so that a failure or Ctrl-C leaves what was there before. Returns its path.

    Ctrl-C waits until the file is written. Raises ``OSError`` if the folder is missing or cannot be written.
    """
    from pathlib import Path

    target = Path(path).resolve()  # through links, to what they lead to
    if not target.parent.is_dir():
        raise FileNotFoundError(f"cannot write {target}: there is no folder {target.parent}")
    if target.is_dir():
        raise IsADirectoryError(f"cannot write {target}: it is a folder")
    if target.exists() and not target.is_file():  # a pipe or a device takes what it gets
        target.write_bytes(content)
        return Path(path)
    try:
        with uninterrupted():
            _replace(target, content)
    except OSError as error:
        raise OSError(error.errno, f"cannot write {target}: {error.strerror or error}") from None
    return Path(path)


def _replace(target: "Path", content: bytes) -> None:
    """Write the content to a new file beside the target, and let it take the target's place."""
    temporary = target.with_name(f".autograd_lite-{os.urandom(8).hex()}")
    try:
        with temporary.open("xb") as file:
            if target.exists():
                temporary.chmod(target.stat().st_mode & 0o777)
            file.write(content)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise

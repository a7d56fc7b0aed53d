"""Writing a file whole or not at all."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["write_whole"]


def write_whole(path: str | os.PathLike[str], content: bytes) -> "Path":
    """Write a file in one step, so that a failure leaves what was there before. Returns its path.

    Raises ``OSError`` if the folder is missing or cannot be written.
    """
    import tempfile
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
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise type(error)(f"cannot write {target}: {error.strerror} in {target.parent}") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        # mkstemp's own mode is for its owner alone
        Path(temporary).chmod(target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink()
        raise
    return Path(path)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

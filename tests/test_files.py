"""Files are written whole or not at all."""

import errno
import os
from pathlib import Path

import pytest

from autograd_lite._files import write_whole


def test_a_failed_write_leaves_the_old_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_whole(target, b"new")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_link_stays_a_link_and_a_mode_stays(tmp_path: Path) -> None:
    target, link = tmp_path / "a.txt", tmp_path / "b.txt"
    target.write_text("old")
    target.chmod(0o600)
    link.symlink_to(target)
    assert write_whole(link, b"new") == link
    assert target.read_text() == "new"
    assert link.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o600


def test_a_device_takes_what_it_gets() -> None:
    assert write_whole(os.devnull, b"new") == Path(os.devnull)
    assert not Path(os.devnull).is_file()


def test_an_error_names_the_target_and_keeps_its_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "another file")

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(PermissionError, match=r"cannot write .*a\.txt: Permission denied") as caught:
        write_whole(tmp_path / "a.txt", b"new")
    assert caught.value.errno == errno.EACCES


def test_a_new_file_has_the_mode_of_any_other_and_a_long_name_is_taken(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    path = write_whole(tmp_path / ("a" * 250), b"new")
    assert path.stat().st_mode == (tmp_path / "other").stat().st_mode

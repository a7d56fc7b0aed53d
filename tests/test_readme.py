"""What the README says is so."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from autograd_lite.errors import GradientMismatch

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"


def blocks(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("block", blocks(README))
def test_the_code_gives_what_its_comments_say(
    block: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec("from autograd_lite import *", names)
    exec(block, names)
    printed = capsys.readouterr().out.split("\n")
    for expression, expected in re.findall(r"^(\S.*?)  # (.+)$", block, re.MULTILINE):
        if expression.startswith("print("):
            assert printed.pop(0) == expected
        else:
            assert repr(eval(expression, names)) == expected


@pytest.mark.parametrize("page", ["training"])
def test_the_code_of_a_guide_gives_what_its_comments_say(page: str) -> None:
    names: dict[str, Any] = {}
    for block in blocks(ROOT / "docs" / f"{page}.md"):
        exec(block, names)
        for expression, expected in re.findall(r"^(\S.*?)  # (.+)$", block, re.MULTILINE):
            assert repr(eval(expression, names)) == expected


def test_there_are_two_commands() -> None:
    assert len(re.findall(r"^python3 -m venv", README.read_text(encoding="utf-8"), re.MULTILINE)) == 2


def test_the_guide_to_gradient_checks_is_so() -> None:
    pytest.importorskip("numpy")
    guide = ROOT / "docs" / "testing.md"
    names: dict[str, Any] = {}
    found = []
    for block in blocks(guide):
        if "find_library" in block and sys.platform == "win32":
            continue  # there is no library of that name
        try:
            exec(block, names)
        except GradientMismatch as mismatch:
            found.append(str(mismatch))
        for expression, expected in re.findall(r"^(report\S+)  # (.+)$", block, re.MULTILINE):
            assert repr(eval(expression, names)) == expected
    assert found[0] in guide.read_text(encoding="utf-8")
    assert [re.findall(r"(\S+) +\S+ +\S+ +\S+ +\S+ +MISMATCH", message) for message in found[1:]] == [
        ["w[0]", "w[1]"],
        *([["args[0]"]] if sys.platform != "win32" else []),
    ]
    names["test_my_gradient"]()
    names["test_norm"]()

"""What the README says is so."""

import re
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


def test_there_are_two_commands() -> None:
    assert len(re.findall(r"^python3 -m venv", README.read_text(encoding="utf-8"), re.MULTILINE)) == 2


def test_the_guide_to_gradient_checks_is_so() -> None:
    guide = ROOT / "docs" / "testing.md"
    names: dict[str, Any] = {}
    first, wrong, kink = blocks(guide)
    exec(first, names)
    names["test_my_gradient"]()
    with pytest.raises(GradientMismatch) as caught:
        exec(wrong, names)
    assert str(caught.value) in guide.read_text(encoding="utf-8")
    exec(kink, names)
    for expression, expected in re.findall(r"^(report\S+)  # (.+)$", kink, re.MULTILINE):
        assert repr(eval(expression, names)) == expected

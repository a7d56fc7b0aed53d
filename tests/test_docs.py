"""The documentation: its code gives what it says, and its links lead somewhere."""

import ast
import contextlib
import importlib.util
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
#: Pages whose code this file runs. The code of the other guides is run by the tests of what they are about.
PAGES = ["tutorial", "cookbook", "coming_from", "internals", "limits", "index"]
OTHERS = {"casadi", "jax", "micrograd", "torch"}

BLOCK = re.compile(r"```python\n(.*?)```(?:\n+```text\n(.*?)```)?", re.DOTALL)
ROW = re.compile(r"^\| `(.+?)` \| `(.+?)` \|", re.MULTILINE)


def sections(page: Path) -> Iterator[tuple[str, str]]:
    """The sections of a page; the code of each stands for itself."""
    parts = re.split(r"^## (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    yield "", parts[0]
    yield from zip(parts[1::2], parts[2::2], strict=True)


SECTIONS = [
    pytest.param(text, id=f"{page}: {title}" if title else page)
    for page in PAGES
    if (DOCS / f"{page}.md").exists()
    for title, text in sections(DOCS / f"{page}.md")
    if "```python" in text
]


def imported(code: str) -> set[str]:
    return set(re.findall(r"^(?:import|from) (\w+)", code, re.MULTILINE))


def run(code: str, printed: str, names: dict[str, Any]) -> None:
    """Run a block of code; compare what it gives with its comments, and what it prints besides with the text below."""
    lines = code.splitlines()
    below = ""
    for statement in ast.parse(code).body:
        source = "\n".join(lines[statement.lineno - 1 : statement.end_lineno])
        comment = re.match(r"  # (.+)", lines[(statement.end_lineno or 0) - 1][statement.end_col_offset or 0 :])
        expected = comment[1] if comment and isinstance(statement, ast.Expr) else None
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            if expected is None:
                exec(source, names)
            elif error := re.match(r"([A-Z]\w+): ", expected):
                with pytest.raises(Exception, match=re.escape(expected[error.end() :])) as raised:
                    eval(source, names)
                assert raised.typename == error[1]
            elif source.startswith("print("):
                eval(source, names)
                assert out.getvalue() == f"{expected}\n"
            else:
                assert repr(eval(source, names)) == expected
        below += "" if expected else out.getvalue()
    assert below == printed


@pytest.mark.parametrize("text", SECTIONS)
def test_the_code_gives_what_the_page_says(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    missing = set()
    for code, printed in BLOCK.findall(text):
        needed = {name for name in imported(code) & OTHERS if importlib.util.find_spec(name) is None}
        missing |= needed
        if not needed:
            run(code, printed, names)
    for there, here in ROW.findall(text):
        compare(there, here, names, missing)


def compare(there: str, here: str, names: dict[str, Any], missing: set[str]) -> None:
    """Run both columns of a row, the left one where the other library is installed; they have to agree."""
    found = evaluated(here, names)
    if not missing:
        assert plain(evaluated(there, names)) == pytest.approx(plain(found), rel=1e-6), (there, here)


def evaluated(code: str, names: dict[str, Any]) -> Any:
    try:
        return eval(code, names)
    except SyntaxError:
        exec(code, names)
    return None


def plain(numbers: Any) -> Any:
    """Numbers of any library as a flat list of floats."""
    if hasattr(numbers, "full"):  # of CasADi
        numbers = numbers.full()
    if hasattr(numbers, "tolist"):
        numbers = numbers.tolist()
    if isinstance(numbers, dict):
        numbers = list(numbers.values())
    if isinstance(numbers, (list, tuple)):
        return [leaf for number in numbers for leaf in plain(number)]
    return [] if numbers is None else [float(getattr(numbers, "data", numbers))]

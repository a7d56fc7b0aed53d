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
#: Pages whose code is run here, from top to bottom, and those each of whose sections stands for itself. The code of the
#: guides is run by the tests of what they are about.
PAGES = ["index", "internals", "limits", "tutorial"]
OF_SECTIONS = ["coming_from", "cookbook"]
OTHERS = {"casadi", "jax", "micrograd", "torch"}

BLOCK = re.compile(r"```python\n(.*?)```(?:\n+```text\n(.*?)```)?", re.DOTALL)
ROW = re.compile(r"^\| `(.+?)` \| `(.+?)` \|", re.MULTILINE)


def sections(page: str) -> Iterator[tuple[str, str]]:
    parts = re.split(r"^## (.+)$", text_of(page), flags=re.MULTILINE)
    yield from zip(parts[1::2], parts[2::2], strict=True)


def text_of(page: str) -> str:
    return (DOCS / f"{page}.md").read_text(encoding="utf-8")


TEXTS = [pytest.param(text_of(page), id=page) for page in PAGES]
TEXTS += [pytest.param(text, id=f"{page}: {title}") for page in OF_SECTIONS for title, text in sections(page)]


def imported(code: str) -> set[str]:
    return set(re.findall(r"(?:^|\| `)(?:import|from) (\w+)", code, re.MULTILINE))


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


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the other libraries, where they are installed
@pytest.mark.parametrize("text", TEXTS)
def test_the_code_gives_what_the_page_says(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    here: dict[str, Any] = {}
    there: dict[str, Any] = {}  # the names of another library's code, where that is installed
    missing = not all(map(importlib.util.find_spec, imported(text) & OTHERS))
    for code, printed in BLOCK.findall(text):
        if not imported(code) & OTHERS:
            run(code, printed, here)
        elif not missing:
            run(code, printed, there)
    for code_there, code_here in ROW.findall(text):
        found = evaluated(code_here, here)
        if not missing:
            assert plain(evaluated(code_there, there)) == pytest.approx(plain(found), rel=1e-9), code_there


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
    is_number = numbers is not None and not isinstance(numbers, (str, Path))
    return [float(getattr(numbers, "data", numbers))] if is_number else []


def prose(page: Path) -> str:
    """A page without its code."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"`[^`\n]*`", "code", text)


def anchors(page: Path) -> set[str]:
    """What a link may name after ``#``: the headings of a page, as forges and Sphinx spell them."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = [heading.replace("`", "").lower() for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)]
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings}


COPIES = {"changelog.md", "contributing.md"}  # which a build of the documentation leaves
MARKDOWN = [
    *ROOT.glob("*.md"),
    *(ROOT / "autograd_lite").rglob("*.md"),
    *(page for page in DOCS.glob("*.md") if page.name not in COPIES),
]


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for target, _, anchor in re.findall(r"\]\((?!https?:|mailto:)([^)\s#]*)(#([^)\s]*))?\)", prose(page)):
        path = page.parent / target if target else page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), f"{target}#{anchor}"


def test_the_figures_are_drawn_by_the_script_beside_them(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("figures", DOCS / "figures.py")
    assert spec is not None
    assert spec.loader is not None
    figures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(figures)
    linked = set(re.findall(r"!\[[^\]]*\]\(([^)]+\.svg)\)", "".join(map(prose, DOCS.glob("*.md")))))
    measured = {file for file in linked if file.startswith("figures/speed/")}  # by `python -m benchmarks --pages`
    assert linked - measured <= set(figures.FIGURES)
    assert all((DOCS / file).exists() for file in measured)
    (tmp_path / "figures").mkdir()
    figures.main(tmp_path)
    assert all((tmp_path / file).read_text(encoding="utf-8").count("<svg") == 1 for file in figures.FIGURES)

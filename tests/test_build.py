"""The two versions of the core: which one runs, and what is built."""

import dataclasses
import doctest
import importlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path

import pytest

import autograd_lite
from autograd_lite import _info, core
from autograd_lite.cli import main
from autograd_lite.core import _compiled

PACKAGE = Path(autograd_lite.__file__).parent
PROJECT = PACKAGE.parent
MODULES = _compiled.modules(_compiled.sources(core.__path__[0]))


def python(code: str, **environ: str) -> str:
    """What a program prints, in a Python of its own."""
    environ = {**os.environ, "PYTHONPATH": str(PROJECT), **environ}
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True, env=environ)
    return done.stdout.strip()


def test_the_pure_version_runs_where_the_environment_asks_for_it() -> None:
    code = """if True:
        import sys, autograd_lite
        from autograd_lite import core
        print(core.COMPILED, core.WHY_PURE)
        print({m.__file__[-3:] for name, m in sys.modules.items() if name.startswith("autograd_lite.core")})"""
    assert python(code, AUTOGRAD_LITE_PURE="1").splitlines() == ["False AUTOGRAD_LITE_PURE=1 is set", "{'.py'}"]


@pytest.mark.skipif(not core.COMPILED, reason="the core is not compiled here")
def test_every_module_of_the_compiled_core_is_loaded_from_its_compiled_file() -> None:
    assert MODULES
    for name in MODULES:
        file = importlib.import_module(f"autograd_lite.core.{name}").__file__
        assert file is not None
        assert file.endswith(_compiled.SUFFIX)


@pytest.mark.parametrize(("given", "pure"), [("", False), ("0", False), ("1", True)])
def test_the_variable_is_1_0_or_empty(given: str, pure: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_compiled.PURE, given)
    assert _compiled.asked_for_pure() is pure


def test_another_value_of_the_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_compiled.PURE, "yes")
    with pytest.raises(ValueError, match="is 1 for plain Python, 0 or nothing for the compiled core; not 'yes'"):
        _compiled.asked_for_pure()


def test_modules_are_compiled_in_core_only_where_the_import_looks_after_them() -> None:
    beside = [path for kind in ("pxd", "pyx") for path in PACKAGE.rglob(f"*.{kind}")]
    assert {path.parent for path in beside} <= {PACKAGE / "core"}


def test_a_pxd_file_belongs_to_a_module_or_says_that_it_is_for_others_to_include() -> None:
    texts = _compiled.sources(core.__path__[0])
    for name, text in texts.items():
        stem, kind = os.path.splitext(name)
        if kind == ".pxd" and stem not in MODULES:
            assert f"{stem}.py" not in texts or text.startswith(_compiled.INLINE_ONLY), name


# --- compiled files that do not fit their sources


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder as a build leaves it: two modules, their sources and the record of these."""
    monkeypatch.delenv(_compiled.PURE, raising=False)
    for name in ("a.py", "a.pxd", "b.pyx", "b.h", "plain.py", f"a{_compiled.SUFFIX}", f"b{_compiled.SUFFIX}"):
        (tmp_path / name).write_text(name)
    record = _compiled.fingerprints(_compiled.sources(str(tmp_path)))
    (tmp_path / _compiled.RECORD).write_text("".join(f"{name} {value}\n" for name, value in record.items()))
    yield tmp_path
    sys.path_importer_cache.pop(str(tmp_path), None)


def origin(name: str, folder: Path) -> str:
    spec = PathFinder.find_spec(name, [str(folder)])
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).name


def test_compiled_files_that_fit_their_sources_are_loaded(folder: Path) -> None:
    assert _compiled.choose(str(folder)) == ""
    assert origin("a", folder) == f"a{_compiled.SUFFIX}"


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("a.py", "edited", r"a\.py was edited after"),
        ("a.pxd", "edited", r"a\.pxd was edited after"),
        ("b.pyx", "edited", r"b\.pyx was edited after"),
        ("b.h", "edited", r"b\.h was edited after"),
        ("b.pyx", None, r"b\.pyx was removed after"),
        ("plain.pxd", "new", r"plain\.pxd was added after"),
        (f"b{_compiled.SUFFIX}", None, r"b\..* is missing"),
        (f"c{_compiled.SUFFIX}", "old", r"c\..* is left from another version"),
        (_compiled.RECORD, None, r"a\..* has no record of its sources"),
    ],
)
def test_none_of_them_is_loaded_when_one_does_not_fit(
    folder: Path, name: str, text: str | None, complaint: str
) -> None:
    if text is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(text)
    with pytest.warns(RuntimeWarning, match=complaint) as warned:
        why = _compiled.choose(str(folder))
    assert why in str(warned[0].message)
    assert "pip install -e ." in str(warned[0].message)
    assert origin("a", folder) == "a.py"


def test_an_edited_module_that_is_not_compiled_changes_nothing(folder: Path) -> None:
    (folder / "plain.py").write_text("edited")
    assert _compiled.choose(str(folder)) == ""


def test_the_variable_keeps_compiled_files_from_being_loaded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_compiled.PURE, "1")
    assert _compiled.choose(str(folder)) == "AUTOGRAD_LITE_PURE=1 is set"
    assert origin("a", folder) == "a.py"
    assert PathFinder.find_spec("b", [str(folder)]) is None


def test_compiled_files_of_another_python_are_no_concern(folder: Path) -> None:
    for path in [*folder.glob(f"*{_compiled.SUFFIX}"), folder / _compiled.RECORD]:
        path.rename(folder / f"{path.name.partition('.')[0]}.cpython-0{path.suffix}")
    assert _compiled.choose(str(folder)).startswith(f"{folder} has no files compiled for this Python")


def test_the_package_runs_from_a_zip_file(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as file:
        for path in PACKAGE.rglob("*.py"):
            file.write(path, path.relative_to(PROJECT))
    for pure in "01":
        code = "import autograd_lite as ag; print(ag.__file__, ag.tanh(0.0))"
        printed = python(code, PYTHONPATH=str(tmp_path / "all.zip"), AUTOGRAD_LITE_PURE=pure)
        assert printed.endswith("0.0")
        assert "all.zip" in printed


# --- doctests that pytest does not find: in .pyx files, and of the properties of compiled classes


def hidden_doctests() -> list[doctest.DocTest]:
    parser, found = doctest.DocTestParser(), []
    for name, file in MODULES.items() if core.COMPILED else ():
        module = importlib.import_module(f"autograd_lite.core.{name}")
        if file.endswith(".pyx"):
            found += doctest.DocTestFinder().find(module, name)
        for kind in vars(module).values():
            if isinstance(kind, type) and kind.__module__ == module.__name__:
                properties = {key: value for key, value in vars(kind).items() if hasattr(type(value), "__set__")}
                found += [
                    parser.get_doctest(value.__doc__ or "", vars(module), f"{name}.{kind.__name__}.{key}", file, 0)
                    for key, value in properties.items()
                    if not isinstance(value, property)
                ]
    return [test for test in found if test.examples]


def test_doctests_hold_where_pytest_does_not_look(capsys: pytest.CaptureFixture[str]) -> None:
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for test in hidden_doctests():
        runner.run(test)
    assert runner.failures == 0, capsys.readouterr().out


# --- info


def test_info_says_which_version_runs_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    found = autograd_lite.info()
    assert (found.core == "compiled") is core.COMPILED
    assert main(["info"]) == 0
    printed = capsys.readouterr().out
    assert f"autograd_lite {autograd_lite.__version__}, " in printed
    assert ("core: compiled" in printed) is core.COMPILED
    assert core.WHY_PURE in printed


def test_info_is_json_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == dataclasses.asdict(autograd_lite.info())


def test_info_tells_versions_of_what_is_found() -> None:
    found = autograd_lite.info().found
    assert found["numpy"] == importlib.metadata.version("numpy")
    assert found.get("dot") == shutil.which("dot")


def test_info_names_what_brings_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_info, "_exists", lambda module: False)
    monkeypatch.setattr(shutil, "which", lambda program: None)
    found = autograd_lite.info()
    assert found.found == {}
    assert found.backends == ["python"]
    assert set(found.missing) == set(_info.OPTIONAL)
    assert 'missing: llvmlite, for machine code of jitted functions: pip install "autograd_lite[native]"' in str(found)


def test_the_extras_that_info_names_are_those_of_the_package() -> None:
    requires = importlib.metadata.requires("autograd_lite") or []
    for name, (_, brings) in _info.OPTIONAL.items():
        if "[" in brings:
            extra = brings.partition("[")[2].partition("]")[0]
            assert any(need.startswith(name) and re.search(f"extra == ['\"]{extra}", need) for need in requires), name


# --- setup.py, on a small project in place of this one


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small project with this one's setup.py: modules from a .py and from a .pyx file, and one for its .pxd alone."""
    monkeypatch.delenv(_compiled.PURE, raising=False)
    pytest.importorskip("setuptools", "77.0.3", reason="the build needs setuptools")
    pytest.importorskip("Cython", "3.3", reason="the build needs Cython")
    inside = tmp_path / "autograd_lite" / "core"
    inside.mkdir(parents=True)
    shutil.copy(PROJECT / "setup.py", tmp_path)
    shutil.copy(PACKAGE / "core" / "_compiled.py", inside)
    files = {
        "../../pyproject.toml": '[project]\nname = "autograd_lite"\nversion = "1"\n[tool.setuptools]\n'
        'packages = ["autograd_lite", "autograd_lite.core"]\npackage-data = { "*" = ["*.pxd", "*.pyx", "*.h"] }\n',
        "../__init__.py": "",
        "__init__.py": "",
        "a.py": "def double(x):\n    return 2 * x\n",
        "a.pxd": "cpdef double double(double x) noexcept nogil\n",
        "b.pyx": "from autograd_lite.core cimport a, c\n"
        'cdef extern from "b.h":\n    int three\ndef six():\n    return a.double(three) + c.nothing()\n',
        "b.h": "static int three = 3;\n",
        "c.py": "def nothing():\n    return 0.0\n",
        "c.pxd": "# inline only\ncdef inline double nothing():\n    return 0.0\n",
    }
    for name, text in files.items():
        (inside / name).write_text(text)
    return tmp_path


def setup(project: Path, *command: str, **environ: str) -> str:
    environ = {**os.environ, **environ}
    line = [sys.executable, "setup.py", *command]
    done = subprocess.run(line, cwd=project, capture_output=True, text=True, check=True, env=environ)
    return done.stdout


def compiled_files(project: Path) -> list[str]:
    return sorted(path.name for path in (project / "autograd_lite/core").glob(f"*{_compiled.SUFFIX}"))


def six(project: Path) -> str:
    code = "import sys, autograd_lite.core.b as b; print(b.six())"
    return python(code, PYTHONPATH=str(project))


def test_a_wheel_holds_the_compiled_modules_their_sources_and_nothing_else_of_the_build(project: Path) -> None:
    setup(project, "bdist_wheel")
    (wheel,) = (project / "dist").iterdir()
    names = {Path(name).name for name in zipfile.ZipFile(wheel).namelist() if "/core/" in name}
    sources = {"__init__.py", "_compiled.py", "a.py", "a.pxd", "b.pyx", "b.h", "c.py", "c.pxd"}
    assert names == sources | {f"a{_compiled.SUFFIX}", f"b{_compiled.SUFFIX}", _compiled.RECORD}
    assert not wheel.name.endswith("none-any.whl")
    assert [path.name for path in project.rglob("*.c")] == []
    zipfile.ZipFile(wheel).extractall(project / "there")
    assert six(project / "there") == "6.0"
    assert _compiled.choose(str(project / "there/autograd_lite/core")) == ""


@pytest.mark.parametrize(
    ("environ", "broken", "why"),
    [
        ({"CC": "false"}, "", "there is no C compiler, or it failed on autograd_lite"),
        ({"CC": "no-such-program"}, "", "there is no C compiler, or it failed on autograd_lite"),
        ({}, "cpdef double double(double", "Cython could not translate autograd_lite"),
        ({"AUTOGRAD_LITE_PURE": "1"}, "", "AUTOGRAD_LITE_PURE=1 is set"),
    ],
)
def test_where_a_module_cannot_be_compiled_the_wheel_is_a_pure_one(
    project: Path, environ: dict[str, str], broken: str, why: str
) -> None:
    if broken:
        (project / "autograd_lite/core/a.pxd").write_text(broken)
    printed = setup(project, "bdist_wheel", **environ)
    assert f"autograd_lite: installed as plain Python, some ten times slower than compiled: {why}" in printed
    (wheel,) = (project / "dist").iterdir()
    assert wheel.name.endswith("py3-none-any.whl")
    assert not [n for n in zipfile.ZipFile(wheel).namelist() if n.endswith((_compiled.SUFFIX, _compiled.RECORD))]


def test_a_build_in_place_that_fails_takes_the_compiled_files_of_an_earlier_one_away(project: Path) -> None:
    setup(project, "build_ext", "--inplace")
    assert compiled_files(project) == [f"a{_compiled.SUFFIX}", f"b{_compiled.SUFFIX}"]
    assert six(project) == "6.0"
    setup(project, "build_ext", "--inplace", CC="false")
    assert compiled_files(project) == []
    assert not (project / "autograd_lite/core" / _compiled.RECORD).exists()


def test_a_build_in_place_takes_the_compiled_file_of_a_module_that_is_plain_now_away(project: Path) -> None:
    stale = project / f"autograd_lite/core/c{_compiled.SUFFIX}"
    stale.write_text("")
    setup(project, "build_ext", "--inplace")
    assert not stale.exists()
    assert _compiled.choose(str(stale.parent)) == ""

"""The parts of ``.ci/run``, each in a virtual environment of its own: ``nox -l`` lists them."""

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "venv"
nox.options.sessions = ["lint", "types", "tests"]

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
PROJECT = nox.project.load_toml("pyproject.toml")
DEV = nox.project.dependency_groups(PROJECT, "dev")


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff: rules and format."""
    session.install(*DEV)
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Mypy, strict, on package, tests and benchmarks."""
    session.install("-e", ".[test]", *DEV)
    session.run("mypy")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The suite, with the core compiled where there is a C compiler."""
    session.install("-e", ".[test]", *DEV)
    session.run("pytest", "-n", "auto", *session.posargs)


@nox.session(python=PYTHONS)
def pure(session: nox.Session) -> None:
    """The suite, with the core as plain Python."""
    session.env["AUTOGRAD_LITE_PURE"] = "1"
    session.install("-e", ".[test]", *DEV)
    session.run("pytest", "-n", "auto", *session.posargs)


@nox.session(python="3.13")
def coverage(session: nox.Session) -> None:
    """Which lines the suite runs, of the plain Python: no fewer than pyproject.toml says. Some six minutes."""
    session.env["AUTOGRAD_LITE_PURE"] = "1"
    session.env["COVERAGE_CORE"] = "sysmon"  # which older Pythons have not, and which is six times as fast
    session.install("-e", ".[test]", *DEV, "pytest-cov>=7.0")
    session.run("pytest", "-n", "auto", "--cov", "--cov-report=term:skip-covered", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation, without a warning."""
    session.install("-e", ".", *nox.project.dependency_groups(PROJECT, "docs"))
    session.run("sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "build/docs")


@nox.session
def build(session: nox.Session) -> None:
    """The sdist, and the wheel for this machine from it."""
    session.install(*DEV)
    session.run("python", "-m", "build")

"""The table of primitives as text: what computes the value of each, and the functions of floats behind it.

The formulas stand in ``core/ops.py``, ``core/kernels.py`` and ``core/special.py``, and nowhere else: what is exported
is made from those files. They are read as they are written; a compiled core has them beside itself.
"""

import ast
import functools
from importlib import resources
from typing import Any, NamedTuple

from autograd_lite.core.op import Op

__all__ = ["Formula", "Module", "formula", "module", "text_of"]


class Formula(NamedTuple):
    """A primitive as its line in the table has it."""

    #: What gives its value: a function of ``math``, ``operator``, ``kernels`` or ``special``, as (module, name).
    value: tuple[str, str]
    #: What answers where that raises.
    otherwise: ast.expr


class Module:
    """The functions and constants of one file."""

    def __init__(self, name: str) -> None:
        self.text = text_of(f"{name}.py")
        #: What defines each name of the file.
        self.definitions: dict[str, ast.stmt] = {}
        for statement in ast.parse(self.text).body:
            for defined in _names_defined(statement):
                self.definitions[defined] = statement
        #: All of it as Python knows it, constants with leading underscores too, which a compiled module hides.
        self.namespace: dict[str, Any] = {"__name__": name}
        exec(compile(self.text, f"{name}.py", "exec"), self.namespace)  # noqa: S102 - a file of the package


@functools.cache
def module(name: str) -> Module:
    """``kernels`` or ``special``."""
    return Module(name)


def formula(op: Op) -> Formula:
    """The line of a primitive of the table."""
    call = _lines()[op.name]
    value = call.args[1]
    assert isinstance(value, ast.Attribute), op
    assert isinstance(value.value, ast.Name), op
    otherwise: ast.expr = ast.Name("nan", ast.Load())
    for keyword in call.keywords:
        if keyword.arg == "otherwise":
            otherwise = keyword.value
    return Formula((value.value.id, value.attr), otherwise)


@functools.cache
def _lines() -> dict[str, ast.Call]:
    """Every ``Op(...)`` of the table, by the name of the primitive."""
    return {
        node.args[0].value: node
        for node in ast.walk(ast.parse(text_of("ops.py")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Op"
        if isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str)
    }


def text_of(file: str) -> str:
    """A source file of the core."""
    return resources.files("autograd_lite.core").joinpath(file).read_text(encoding="utf-8")


def _names_defined(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef):
        return [statement.name]
    if isinstance(statement, ast.Assign):
        return [node.id for target in statement.targets for node in ast.walk(target) if isinstance(node, ast.Name)]
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name for alias in statement.names]
    return []

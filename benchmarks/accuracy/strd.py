"""NIST's Statistical Reference Datasets for nonlinear regression: sums of squares at both starts and at the answer."""

import ast
import operator
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.accuracy.programs import Program, UnsupportedError

OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip
FUNCTIONS = {"exp": "exp", "log": "log", "sin": "sin", "cos": "cos", "arctan": "atan", "sqrt": "sqrt"}


def value(node: ast.expr, names: dict[str, Any]) -> Any:
    """An expression for numbers of any type."""
    import math

    import autograd_lite as ag

    if isinstance(node, ast.Constant):
        return float(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.Name):
        if node.id not in names and node.id != "pi":
            raise UnsupportedError(f"the name {node.id}")
        return math.pi if node.id == "pi" else names[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -value(node.operand, names)
    if isinstance(node, ast.BinOp):
        left, right = value(node.left, names), value(node.right, names)
        if isinstance(node.op, ast.Pow):
            return ag.pow(left, right)
        if type(node.op) in OPERATORS:
            return OPERATORS[type(node.op)](left, right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS:
        return getattr(ag, FUNCTIONS[node.func.id])(value(node.args[0], names))
    raise UnsupportedError(f"the expression {ast.unparse(node)}")


def model(text: str) -> tuple[ast.expr, ast.expr]:
    """Both sides of a model such as ``y = b1*(1-exp[-b2*x]) + e``."""
    found = re.search(r"^\s*((?:y|log\[y\])\s*=.*?)\+\s*e\s*$", text, re.MULTILINE | re.DOTALL)
    if not found:
        raise UnsupportedError("no model of the form y = ... + e")
    words = " ".join(found[1].split()).replace("[", "(").replace("]", ")")
    left, _, right = words.partition("=")
    try:
        return ast.parse(left.strip(), mode="eval").body, ast.parse(right.strip(), mode="eval").body
    except SyntaxError:
        raise UnsupportedError(f"the model {words}") from None


def program(text: str, name: str) -> Program:
    """The residual sum of squares, by the parameters."""
    left, right = model(text)
    rows = re.findall(r"^\s*b\d+\s*=\s*(\S+)\s+(\S+)\s+(\S+)\s+\S+\s*$", text, re.MULTILINE)
    if not rows:
        raise UnsupportedError("no certified values of b1, b2, ...")
    points = [list(map(float, column)) for column in zip(*rows, strict=True)]
    body = re.split(r"^Data:.*$", text, flags=re.MULTILINE)[-1]
    data = [list(map(float, line.split())) for line in body.splitlines() if line.strip()]
    width = len(data[0])
    inputs = ["x"] if width == 2 else [f"x{i}" for i in range(1, width)]

    def f(*b: Any) -> Any:
        names = {f"b{i}": each for i, each in enumerate(b, 1)}
        total = 0.0
        for y, *x in data:
            known = {**names, "y": y, **dict(zip(inputs, x, strict=True))}
            residual = value(left, known) - value(right, known)
            total = total + residual * residual
        return total

    f(*points[0])
    return Program(name, f, points)


def programs(path: Path) -> Iterator[Program | str]:
    """The program of a file, or why there is none."""
    try:
        yield program(path.read_text(encoding="latin-1"), path.stem)
    except UnsupportedError as error:
        yield f"{path.name}: {error}"
    except (ValueError, IndexError):
        yield f"{path.name}: not a file of NIST StRD for nonlinear regression"

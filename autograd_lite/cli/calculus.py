"""The commands on an expression: grad, check, draw, explain and steps."""

import argparse
from pathlib import Path
from typing import Any

from autograd_lite.cli.expressions import Expression, point
from autograd_lite.cli.output import print_json
from autograd_lite.cli.usage import UsageError
from autograd_lite.errors import GradientMismatch, InconclusiveGradient, MissingDependencyError

__all__ = ["check", "draw", "explain", "grad", "steps"]


def grad(given: argparse.Namespace) -> int:
    """Print the value of an expression with its gradient, and its second derivatives if asked for."""
    from autograd_lite.transforms import hessian, value_and_grad

    f = _expression(given)
    numbers = list(given.at.values())
    value, slopes = value_and_grad(lambda xs: f(*xs))(numbers)
    second = hessian(lambda xs: f(*xs))(numbers) if given.hessian else None
    if given.json:
        found = {"expression": f.text, "at": _by_name(f, numbers), "value": value, "gradient": _by_name(f, slopes)}
        if second is not None:
            found["hessian"] = {name: _by_name(f, row) for name, row in zip(f.names, second, strict=True)}
        print_json(found)
        return 0
    rows = [("value", value), *((f"d/d{name}", slope) for name, slope in zip(f.names, slopes, strict=True))]
    for i, row in enumerate(second or []):
        names = [f"d/d{f.names[i]} d/d{name}" for name in f.names]
        rows += list(zip(names, row, strict=True))
    width = max(len(name) for name, _ in rows)
    for name, number in rows:
        print(f"{name:{width}}  {number!r}")
    if not numbers:
        print("no variable was given, so there is no gradient; x=2 after the expression gives one")
    return 0


def check(given: argparse.Namespace) -> int:
    """Print how the derivatives of an expression compare with an oracle; 1 unless they agree."""
    from autograd_lite.core.value import Value
    from autograd_lite.testing import check_gradients

    f = _expression(given, needs_a_variable=True)
    named = [Value(number, name=name) for name, number in given.at.items()]  # the report calls them by name
    try:
        report: Any = check_gradients(f, *named)
        passes = True
    except (GradientMismatch, InconclusiveGradient) as error:
        report, passes = error.report, False
    if given.json:
        compared = [{**c._asdict(), "error": c.error} for c in report.comparisons]
        print_json({"expression": f.text, "passes": passes, "comparisons": compared, "blame": report.blame})
    else:
        print(report)
    return 0 if passes else 1


def draw(given: argparse.Namespace) -> int:
    """Draw the graph of an expression, with its gradients."""
    from autograd_lite.drawing import draw as drawing

    root, _ = _graph(given)
    try:
        path = drawing(root).save(given.out)
    except MissingDependencyError as missing:
        raise MissingDependencyError(f"{missing}\nHere that is -o {given.out.with_suffix('.dot')}") from None
    print(f"written: {path.absolute()}")
    return 0


def explain(given: argparse.Namespace) -> int:
    """Print along which paths a derivative comes about."""
    import autograd_lite

    root, variables = _graph(given)
    wanted = list(variables) if given.wrt is None else [given.wrt]
    if not set(wanted) <= set(variables):
        raise UsageError(f"--wrt names a variable of the expression, one of {', '.join(variables)}; got {given.wrt!r}")
    found = {name: autograd_lite.explain(root, variables[name], top=given.top) for name in wanted}
    if given.json:
        numbers = {name: variable.data for name, variable in variables.items()}
        explained = {name: _by_paths(why) for name, why in found.items()}
        print_json({"expression": given.expression, "at": numbers, "derivatives": explained})
    else:
        print("\n\n".join(map(str, found.values())))
    return 0


def _by_paths(why: Any) -> dict[str, Any]:
    paths = [
        {"ops": [op.name for op in path.ops], "partials": path.partials, "product": path.product, "share": path.share}
        for path in why.paths
    ]
    rest = {"count": why.rest.count, "sum": why.rest.sum, "share": why.rest.share}
    return {"gradient": why.gradient, "count": why.count, "dead": why.dead, "paths": paths, "rest": rest}


def steps(given: argparse.Namespace) -> int:
    """Print, or save as a page, how the value and then the gradients come about, step by step."""
    import autograd_lite

    root, variables = _graph(given)
    free = [name for name in ("f", "g", "h") if name not in variables]
    root.name = free[0] if free else root.name  # in df/dx the expression itself would be hard to read
    shown = autograd_lite.steps(root)
    if given.out is None:
        print(shown)
    else:
        shown.save(given.out)
        print(f"written: {Path(given.out).absolute()}")
    return 0


def _expression(given: argparse.Namespace, *, needs_a_variable: bool = False) -> Expression:
    given.at = point(given.at)
    if needs_a_variable and not given.at:
        raise UsageError("no variable was given; write its value after the expression, as in x=2")
    return Expression(given.expression, given.at)


def _graph(given: argparse.Namespace) -> tuple[Any, dict[str, Any]]:
    """The graph of an expression with all its gradients, and its variables by name."""
    from autograd_lite.core.value import Value

    f = _expression(given, needs_a_variable=True)
    variables = {name: Value(number, name=name) for name, number in given.at.items()}
    root = f(*variables.values())
    if not isinstance(root, Value) or root.is_leaf:
        raise UsageError(f"{f.text[:60]} computes nothing with {', '.join(variables)}, so there is no graph")
    root.name = f.text if len(f.text) <= 40 else f.text[:37] + "..."
    root.backward()
    return root, variables


def _by_name(f: Expression, numbers: list[float]) -> dict[str, Any]:
    return dict(zip(f.names, numbers, strict=True))

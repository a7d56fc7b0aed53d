"""The conventions at the edges as data: what each operation gives where mathematics leaves a choice.

The tests and the page of the documentation are both made from :data:`EDGE_TABLE`:
``python -m autograd_lite.testing.edges`` prints the page.
"""

import functools
import math
from collections.abc import Callable, Iterable
from math import inf, nan, pi
from typing import Any, NamedTuple

from autograd_lite.core.node import number
from autograd_lite.core.value import Value

__all__ = ["EDGE_TABLE", "EdgeCase", "assert_edge_table", "edge_page"]


class EdgeCase(NamedTuple):
    """An expression of x, y and z at a point, and what it must give there."""

    expression: str
    point: tuple[float, ...]
    value: float
    gradient: tuple[float, ...]

    @property
    def function(self) -> Callable[..., Any]:
        """The expression as a function of its operands."""
        return _function(self.expression, len(self.point))


@functools.cache
def _function(expression: str, arity: int) -> Callable[..., Any]:
    import autograd_lite

    names = {name: getattr(autograd_lite, name) for name in (*autograd_lite.__all__, "abs", "pow", "round", "sum")}
    return eval(f"lambda {', '.join('xyz'[:arity])}: {expression}", names)  # type: ignore[no-any-return]  # noqa: S307 - the text is EDGE_TABLE's


#: In order: the true derivative; where there is none, the subgradient of least norm; where
#: there is none, the limit (infinity allowed); else nan.
EDGE_TABLE = (
    EdgeCase("x**0", (0.0,), 1.0, (0.0,)),
    EdgeCase("x**0", (nan,), 1.0, (0.0,)),
    EdgeCase("pow(x, 0)", (nan,), 1.0, (0.0,)),
    EdgeCase("x**y", (0.0, 0.0), 1.0, (0.0, 0.0)),
    EdgeCase("x**y", (0.0, 2.0), 0.0, (0.0, 0.0)),
    EdgeCase("x**y", (0.0, 0.5), 0.0, (inf, 0.0)),
    EdgeCase("x**y", (0.0, -1.0), inf, (-inf, -inf)),
    EdgeCase("x**y", (0.0, 0.1), 0.0, (inf, 0.0)),
    EdgeCase("x**y", (1e-309, 0.0), 1.0, (0.0, math.log(1e-309))),
    EdgeCase("x**y", (-2.0, 2.0), 4.0, (-4.0, nan)),
    EdgeCase("x**y", (-2.0, 3.0), -8.0, (12.0, nan)),
    EdgeCase("x**0.5", (-8.0,), nan, (nan,)),
    EdgeCase("x**2", (0.1,), 0.1 * 0.1, (0.2,)),
    EdgeCase("x**3", (0.1,), 0.1 * 0.1 * 0.1, (3 * (0.1 * 0.1),)),
    EdgeCase("x**-1", (-0.0,), -inf, (-inf,)),
    EdgeCase("x**200", (-1e10,), inf, (-inf,)),
    EdgeCase("x / y", (1.0, 0.0), inf, (inf, -inf)),
    EdgeCase("x / y", (0.0, 0.0), nan, (inf, nan)),
    EdgeCase("x / y", (-1.0, 0.0), -inf, (inf, inf)),
    EdgeCase("x / y", (1.0, -0.0), -inf, (-inf, -inf)),
    EdgeCase("1 / x", (0.0,), inf, (-inf,)),
    EdgeCase("x / 0", (1.0,), inf, (inf,)),
    EdgeCase("reciprocal(x)", (0.0,), inf, (-inf,)),
    EdgeCase("x % y", (1.0, 0.0), nan, (1.0, -inf)),
    EdgeCase("mod(x, y)", (7.0, 2.0), 1.0, (1.0, -3.0)),
    EdgeCase("mod(x, y)", (-7.0, 2.0), 1.0, (1.0, 4.0)),
    EdgeCase("x // y", (1.0, 0.0), inf, (0.0, 0.0)),
    EdgeCase("sqrt(x)", (0.0,), 0.0, (inf,)),
    EdgeCase("sqrt(x)", (-1.0,), nan, (nan,)),
    EdgeCase("cbrt(x)", (0.0,), 0.0, (inf,)),
    EdgeCase("grad(cbrt)(x)", (0.0,), inf, (nan,)),
    EdgeCase("log(x)", (0.0,), -inf, (inf,)),
    EdgeCase("log(x)", (-1.0,), nan, (-1.0,)),
    EdgeCase("log2(x)", (0.0,), -inf, (inf,)),
    EdgeCase("log10(x)", (0.0,), -inf, (inf,)),
    EdgeCase("log1p(x)", (-1.0,), -inf, (inf,)),
    EdgeCase("exp(x)", (1000.0,), inf, (inf,)),
    EdgeCase("exp(x)", (-inf,), 0.0, (0.0,)),
    EdgeCase("expm1(x)", (1000.0,), inf, (inf,)),
    EdgeCase("exp2(x)", (2000.0,), inf, (inf,)),
    EdgeCase("sinh(x)", (-1000.0,), -inf, (inf,)),
    EdgeCase("cosh(x)", (-1000.0,), inf, (-inf,)),
    EdgeCase("sin(x)", (inf,), nan, (nan,)),
    EdgeCase("tanh(x)", (300.0,), 1.0, (4 * math.exp(-600.0),)),
    EdgeCase("tanh(x)", (-30.0,), -1.0, (4 * math.exp(-60.0) / (1 + math.exp(-60.0)) ** 2,)),
    EdgeCase("sigmoid(x)", (600.0,), 1.0, (math.exp(-600.0),)),
    EdgeCase("sigmoid(x)", (-800.0,), 0.0, (0.0,)),
    EdgeCase("softplus(x)", (1000.0,), 1000.0, (1.0,)),
    EdgeCase("softplus(x)", (-700.0,), math.exp(-700.0), (math.exp(-700.0),)),
    EdgeCase("abs(x)", (0.0,), 0.0, (0.0,)),
    EdgeCase("abs(x)", (-inf,), inf, (-1.0,)),
    EdgeCase("relu(x)", (0.0,), 0.0, (0.0,)),
    EdgeCase("relu(x)", (nan,), nan, (0.0,)),
    EdgeCase("leaky_relu(x)", (0.0,), 0.0, (0.01,)),
    EdgeCase("elu(x)", (0.0,), 0.0, (1.0,)),
    EdgeCase("elu(x)", (1000.0,), 1000.0, (1.0,)),
    EdgeCase("maximum(x, y)", (2.0, 2.0), 2.0, (0.5, 0.5)),
    EdgeCase("minimum(x, y)", (2.0, 2.0), 2.0, (0.5, 0.5)),
    EdgeCase("maximum(x, y)", (nan, 1.0), nan, (0.0, 0.0)),
    EdgeCase("maximum(x, y)", (1.0, nan), nan, (0.0, 0.0)),
    EdgeCase("minimum(x, y)", (nan, 1.0), nan, (0.0, 0.0)),
    EdgeCase("atan2(x, y)", (0.0, 0.0), 0.0, (0.0, 0.0)),
    EdgeCase("atan2(x, y)", (1e200, 1e200), pi / 4, (0.5e-200, -0.5e-200)),
    EdgeCase("hypot(x, y)", (0.0, 0.0), 0.0, (0.0, 0.0)),
    EdgeCase("hypot(x, y)", (3e200, 4e200), 5e200, (0.6, 0.8)),
    EdgeCase("grad(hypot)(x, y)", (0.0, 0.0), 0.0, (nan, nan)),
    EdgeCase("grad(hypot)(x, y, z)", (0.0, 0.0, 0.0), 0.0, (nan, nan, nan)),
    EdgeCase("grad(atan2)(x, y)", (0.0, 0.0), 0.0, (nan, nan)),
    EdgeCase("copysign(x, y)", (0.0, 2.0), 0.0, (0.0, 0.0)),
    EdgeCase("asin(x)", (1.0,), pi / 2, (inf,)),
    EdgeCase("asin(x)", (1 - 2**-53,), math.asin(1 - 2**-53), (2**26,)),
    EdgeCase("acos(x)", (-1.0,), pi, (-inf,)),
    EdgeCase("asin(x)", (2.0,), nan, (nan,)),
    EdgeCase("asinh(x)", (1e200,), math.asinh(1e200), (1e-200,)),
    EdgeCase("acosh(x)", (1e200,), math.acosh(1e200), (1e-200,)),
    EdgeCase("acosh(x)", (1.0,), 0.0, (inf,)),
    EdgeCase("atanh(x)", (1.0,), inf, (inf,)),
    EdgeCase("atanh(x)", (-1.0,), -inf, (inf,)),
    EdgeCase("lgamma(x)", (0.0,), inf, (nan,)),
    EdgeCase("lgamma(x)", (-3.0,), inf, (nan,)),
    EdgeCase("digamma(x)", (-1.0,), nan, (inf,)),
    EdgeCase("polygamma(1, x)", (0.0,), inf, (nan,)),
    EdgeCase("polygamma(1, x)", (-5e-324,), inf, (inf,)),
    EdgeCase("polygamma(2, x)", (-1.0,), nan, (inf,)),
    EdgeCase("gamma(x)", (0.0,), inf, (-inf,)),
    EdgeCase("gamma(x)", (-0.0,), -inf, (-inf,)),
    EdgeCase("gamma(x)", (-1.0,), nan, (nan,)),
    EdgeCase("gamma(x)", (200.0,), inf, (inf,)),
    EdgeCase("betaln(x, y)", (0.0, 1.0), inf, (nan, 0.0)),
    EdgeCase("norm_cdf(x)", (-inf,), 0.0, (0.0,)),
    EdgeCase("norm_cdf(x)", (-37.0,), 5.725571222524577e-300, (2.1200065515246056e-298,)),
    EdgeCase("norm_pdf(x)", (inf,), 0.0, (0.0,)),
    EdgeCase("norm_ppf(x)", (0.0,), -inf, (inf,)),
    EdgeCase("norm_ppf(x)", (1.0,), inf, (inf,)),
    EdgeCase("norm_ppf(x)", (2.0,), nan, (nan,)),
    EdgeCase("erfinv(x)", (-1.0,), -inf, (inf,)),
    EdgeCase("erfinv(x)", (2.0,), nan, (nan,)),
    EdgeCase("logit(x)", (0.0,), -inf, (inf,)),
    EdgeCase("logit(x)", (1.0,), inf, (inf,)),
    EdgeCase("expit(x)", (-inf,), 0.0, (0.0,)),
    EdgeCase("xlogy(x, y)", (0.0, 0.0), 0.0, (-inf, 0.0)),
    EdgeCase("xlogy(x, y)", (0.0, 2.0), 0.0, (math.log(2.0), 0.0)),
    EdgeCase("xlogy(x, y)", (1.0, 0.0), -inf, (-inf, inf)),
    EdgeCase("floor(x)", (1.5,), 1.0, (0.0,)),
    EdgeCase("ceil(x)", (-0.5,), -0.0, (0.0,)),
    EdgeCase("round(x)", (2.5,), 2.0, (0.0,)),
    EdgeCase("round(x)", (-0.5,), -0.0, (0.0,)),
    EdgeCase("floor(x)", (inf,), inf, (0.0,)),
    EdgeCase("round(x)", (nan,), nan, (0.0,)),
    EdgeCase("sign(x)", (nan,), nan, (0.0,)),
    EdgeCase("sign(x)", (0.0,), 0.0, (0.0,)),
    EdgeCase("clip(x, 0.0, 1.0)", (1.0,), 1.0, (1.0,)),
    EdgeCase("clip(x, 0.0, 1.0)", (0.0,), 0.0, (1.0,)),
    EdgeCase("clip(x, y, z)", (2.0, 0.0, 1.0), 1.0, (0.0, 0.0, 1.0)),
    EdgeCase("clip(x, y, z)", (-2.0, 0.0, 1.0), 0.0, (0.0, 1.0, 0.0)),
    EdgeCase("clip(x, y, z)", (5.0, 3.0, 1.0), 1.0, (0.0, 0.0, 1.0)),
    EdgeCase("where(x > 0, log(x), 0.0)", (0.0,), 0.0, (0.0,)),
    EdgeCase("nn.functional.linear([x], [y], z)", (inf, 0.0, 1.0), nan, (0.0, inf, 1.0)),
    EdgeCase("nn.functional.linear([x], [y], z)", (0.0, nan, 1.0), nan, (nan, 0.0, 1.0)),
    EdgeCase("nn.functional.linear([x, 0.0], [y, -1.0], -0.0)", (0.0, -1.0), -0.0, (-1.0, 0.0)),
    EdgeCase("0 * nn.functional.linear([x], [y], z)", (inf, nan, -inf), nan, (0.0, 0.0, 0.0)),
    EdgeCase("dot([x], [y])", (inf, 0.0), nan, (0.0, inf)),
    EdgeCase("sum([x, y])", (inf, -inf), nan, (1.0, 1.0)),
    EdgeCase("sum([x, y])", (-0.0, -0.0), -0.0, (1.0, 1.0)),
    EdgeCase("mean([x, y])", (1e308, 1e308), inf, (0.5, 0.5)),
    EdgeCase("mean([x, y]) * 0", (inf, nan), nan, (0.0, 0.0)),
    EdgeCase("logsumexp([x, y])", (-inf, -inf), -inf, (nan, nan)),
    EdgeCase("logsumexp([x, y])", (1000.0, 1000.0), 1000 + math.log(2), (0.5, 0.5)),
    EdgeCase("logsumexp([x, y])", (inf, 1.0), inf, (1.0, 0.0)),
    EdgeCase("logsumexp([x, y])", (inf, inf), inf, (0.5, 0.5)),
    EdgeCase("logsumexp([x])", (-inf,), -inf, (1.0,)),
    EdgeCase("logaddexp(x, y)", (inf, 1.0), inf, (1.0, 0.0)),
    EdgeCase("logaddexp(x, y)", (inf, inf), inf, (0.5, 0.5)),
    EdgeCase("logaddexp(x, y)", (-inf, -inf), -inf, (nan, nan)),
    EdgeCase("logsumexp([x, y]) - x", (-1000.0, 0.0), 1000.0, (-1.0, 1.0)),
)


def assert_edge_table(table: Iterable[EdgeCase] = EDGE_TABLE) -> None:
    """Check that every case holds, in value and gradient, the gradient also as a graph of its own.

    Raises ``AssertionError`` that lists the cases which do not.

    >>> assert_edge_table()
    >>> assert_edge_table([EdgeCase("abs(x)", (0.0,), 0.0, (1.0,))])
    Traceback (most recent call last):
        ...
    AssertionError: abs(x) at (0.0,): value 0.0, gradient (0.0,); should be 0.0, (1.0,)
    """
    wrong = []
    for case in table:
        for create_graph in (False, True):
            operands = [Value(x) for x in case.point]
            result = case.function(*operands)
            result.backward(create_graph=create_graph)
            gradient = tuple(number(operand.grad) for operand in operands)
            agree = [_same(g, e) or g == e == 0.0 for g, e in zip(gradient, case.gradient, strict=True)]
            if not (_same(result.data, case.value) and all(agree)):
                wrong.append(
                    f"{case.expression} at {case.point}: value {result.data}, gradient {gradient}; "
                    f"should be {case.value}, {case.gradient}"
                )
    if wrong:
        raise AssertionError("\n".join(dict.fromkeys(wrong)))


def _same(found: float, expected: float) -> bool:
    """Equal to the last digit or two; zeros and infinities with their sign, nan with nan."""
    if math.isnan(expected):
        return math.isnan(found)
    if expected == 0.0 or math.isinf(expected):
        return found == expected and math.copysign(1.0, found) == math.copysign(1.0, expected)
    return math.isclose(found, expected, rel_tol=1e-15)


def edge_page() -> str:
    """The page of the documentation."""
    lines = [
        "# Conventions at the edges",
        "",
        "In order: the true derivative; where there is none, the subgradient of least norm; where there is none, the",
        "limit (infinity allowed); else nan. A Value whose adjoint is exactly 0 contributes nothing.",
        "",
        "This page is made from the data that the tests check: `python -m autograd_lite.testing.edges`.",
        "",
        "| expression | at | value | gradient |",
        "|---|---|---|---|",
    ]
    for case in EDGE_TABLE:
        point = ", ".join(f"{name} = {x:.6g}" for name, x in zip("xyz", case.point, strict=False))
        gradient = ", ".join(f"{g:.6g}" for g in case.gradient)
        lines.append(f"| `{case.expression}` | {point} | {case.value:.6g} | {gradient} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(edge_page(), end="")

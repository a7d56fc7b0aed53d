"""Functions of floats in Python as functions of doubles in C.

What can be translated is what the kernels are written in: arithmetic, comparisons, ``if``, functions of ``math`` that
are the C library's, and one another. Anything else is a :class:`NotInC`.
"""

import ast
import math

from autograd_lite.jit.backends.llvm import LIBM
from autograd_lite.jit.export.table import Module, module

__all__ = ["Helpers", "NotInC", "constant", "specialized"]

#: Functions of ``math`` that are C's, by the same name.
LIBRARY = {*LIBM.values(), "ceil", "copysign", "floor", "fmod", "isinf", "sqrt", "trunc"}
#: What the names of helpers begin with in C.
PREFIX = "ag_"

_BINARY: dict[type[ast.operator], tuple[str, int]] = {
    ast.Add: ("+", 12), ast.Sub: ("-", 12), ast.Mult: ("*", 13), ast.Div: ("/", 13),
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], tuple[str, int]] = {
    ast.Eq: ("==", 9), ast.NotEq: ("!=", 9), ast.Lt: ("<", 10), ast.LtE: ("<=", 10), ast.Gt: (">", 10),
    ast.GtE: (">=", 10),
}  # fmt: skip
_TERNARY, _OR, _AND, _UNARY, _ATOM = 3, 4, 5, 14, 16

#: An expression in C, and how tightly its outermost operator binds.
_Text = tuple[str, int]


class NotInC(Exception):  # noqa: N818 - no error of the user's; what it says becomes part of one
    """A function is not written in what can be translated."""


class Helpers:
    """The static functions of a C file, each after those that it calls."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        #: Those whose bits are the C library's business, and with a constant a compiler's too.
        self.call_library: set[str] = set()

    def function(self, place: str, name: str) -> str:
        """The name in C of a function of ``kernels`` or ``special``."""
        c_name = PREFIX + name.strip("_")
        if c_name not in self.texts:
            definition = module(place).definitions.get(name)
            if not isinstance(definition, ast.FunctionDef):
                raise NotInC(f"{name} is Python's own")
            translated = _Function(self, place, definition)
            self.texts[c_name] = translated.text(c_name)
            if translated.calls_library:
                self.call_library.add(c_name)
        return c_name


def constant(number: float) -> str:
    """A number in C."""
    if number != number:
        return "NAN"
    if math.isinf(number):
        return "INFINITY" if number > 0.0 else "(-INFINITY)"
    return f"({number!r})" if math.copysign(1.0, number) < 0.0 else repr(number)


def specialized(place: str, name: str, **known: float) -> str:
    """What a function returns where these of its parameters are known, in Python, the others by their names."""
    definition = module(place).definitions[name]
    assert isinstance(definition, ast.FunctionDef)
    for statement in definition.body:
        if isinstance(statement, ast.Return) and statement.value:
            return ast.unparse(statement.value)
        if isinstance(statement, ast.If) and eval(ast.unparse(statement.test), dict(known)):  # noqa: S307 - our own
            answer = statement.body[0]
            assert isinstance(answer, ast.Return)
            assert answer.value
            return ast.unparse(answer.value)
    raise NotInC(f"{name} does not return")


class _Function:
    """One function on its way to C."""

    def __init__(self, helpers: Helpers, place: str, definition: ast.FunctionDef) -> None:
        self.helpers, self.place, self.definition = helpers, place, definition
        self.module: Module = module(place)
        self.calls_library = False
        self.parameters = [argument.arg for argument in definition.args.args]
        stored = [n.id for n in ast.walk(definition) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        self.variables = [name for name in dict.fromkeys(stored) if name not in self.parameters]
        self.loaded = {n.id for n in ast.walk(definition) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        if definition.args.vararg:
            raise NotInC(f"{definition.name} takes any number of operands")

    def text(self, c_name: str) -> str:
        """The definition."""
        count = _outputs(self.definition)
        parameters = [f"double {name}" for name in self.parameters] + [f"double *answer{i}" for i in range(count)]
        lines = [f"/* {_first_line(self.definition)} */"]
        lines.append(f"static {'void' if count else 'double'} {c_name}({', '.join(parameters)}) {{")
        if self.variables:
            lines.append(f"    double {', '.join(self.variables)};")
        lines += [f"    (void){name};" for name in self.parameters if name not in self.loaded]
        lines += self._block(self.definition.body, "    ")
        return "\n".join([*lines, "}"])

    def _block(self, statements: list[ast.stmt], indent: str) -> list[str]:
        return [indent + line for statement in statements for line in self._statement(statement)]

    def _statement(self, statement: ast.stmt) -> list[str]:
        match statement:
            case ast.Expr(ast.Constant(str())):
                return []
            case ast.Return(ast.Tuple(parts)):
                return [f"*answer{i} = {self._expression(part)[0]};" for i, part in enumerate(parts)]
            case ast.Return(ast.expr() as value):
                return [f"return {self._expression(value)[0]};"]
            case ast.Assign([ast.Name(name)], value):
                return [f"{name} = {self._expression(value)[0]};"]
            case ast.Assign([ast.Tuple(targets)], ast.Call(ast.Name(name), operands)):
                given = [self._expression(operand)[0] for operand in operands]
                given += [f"&{target.id}" for target in targets if isinstance(target, ast.Name)]
                return [f"{self.helpers.function(self.place, name)}({', '.join(given)});"]
            case ast.If(test, body, []):
                return [f"if ({self._expression(test)[0]}) {{", *self._block(body, "    "), "}"]
        raise NotInC(f"{self.definition.name} is more than arithmetic")

    def _expression(self, node: ast.expr) -> _Text:
        if not {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} & {*self.parameters, *self.variables}:
            # Of constants: computed by Python, as a compiler may round a function of the library otherwise.
            return constant(float(eval(ast.unparse(node), self.module.namespace))), _ATOM  # noqa: S307 - our own
        match node:
            case ast.Name(name):
                return name, _ATOM
            case ast.BinOp(left, operator, right) if type(operator) in _BINARY:
                symbol, level = _BINARY[type(operator)]
                return f"{self._inside(left, level)} {symbol} {self._inside(right, level + 1)}", level
            case ast.UnaryOp(ast.USub(), operand):
                return f"-{self._inside(operand, _UNARY + 1)}", _UNARY
            case ast.UnaryOp(ast.Not(), operand):
                return f"!{self._inside(operand, _ATOM)}", _UNARY
            case ast.BoolOp(operator, parts):
                symbol, level = ("&&", _AND) if isinstance(operator, ast.And) else ("||", _OR)
                return f" {symbol} ".join(self._inside(part, _AND + 1) for part in parts), level
            case ast.IfExp(test, body, orelse):
                chosen = f"{self._inside(test, _TERNARY + 1)} ? {self._inside(body, _TERNARY + 1)}"
                return f"{chosen} : {self._inside(orelse, _TERNARY)}", _TERNARY
            case ast.Compare(left, operators, comparators):
                return self._comparison([left, *comparators], operators)
            case ast.Call(function, operands, []):
                return self._call(function, operands)
        raise NotInC(f"{self.definition.name} is more than arithmetic")

    def _inside(self, node: ast.expr, level: int) -> str:
        text, own = self._expression(node)
        return text if own >= level else f"({text})"

    def _comparison(self, sides: list[ast.expr], operators: list[ast.cmpop]) -> _Text:
        texts = []
        for left, operator, right in zip(sides, operators, sides[1:], strict=False):
            symbol, level = _COMPARISONS[type(operator)]
            texts.append(f"{self._inside(left, level + 1)} {symbol} {self._inside(right, level + 1)}")
        return (texts[0], level) if len(texts) == 1 else (" && ".join(texts), _AND)

    def _call(self, function: ast.expr, operands: list[ast.expr]) -> _Text:
        given = ", ".join(self._expression(operand)[0] for operand in operands)
        match function:
            case ast.Attribute(ast.Name("math"), name) if name in LIBRARY:
                self.calls_library = True
                return f"{name}({given})", _ATOM
            case ast.Name("abs"):
                return f"fabs({given})", _ATOM
            case ast.Name("float"):
                return f"(double)({given})", _UNARY
            case ast.Name(name) if isinstance(self.module.definitions.get(name), ast.FunctionDef):
                c_name = self.helpers.function(self.place, name)
                self.calls_library |= c_name in self.helpers.call_library
                return f"{c_name}({given})", _ATOM
        raise NotInC(f"{ast.unparse(function)} is Python's own")


def _outputs(definition: ast.FunctionDef) -> int:
    """How many numbers it returns, where that is a tuple; else 0."""
    match definition.returns:
        case ast.Subscript(ast.Name("tuple"), ast.Tuple(parts)):
            return len(parts)
    return 0


def _first_line(definition: ast.FunctionDef) -> str:
    return (ast.get_docstring(definition) or definition.name).partition("\n")[0]

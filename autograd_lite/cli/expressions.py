"""Expressions of the command line, such as ``x**2 * sin(y)``.

Python's parser reads them; then each piece has to be on a short list: numbers, names, operators and calls of this
package's functions. Nothing is ever given to ``eval``. Numbers are floats from the start, so ``9**9**9**9`` is inf.
"""

import ast
import difflib
import keyword
import math
import operator
import re
import unicodedata
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from autograd_lite import functions
from autograd_lite.cli.usage import UsageError
from autograd_lite.core import ops
from autograd_lite.core.checks import describe, is_real
from autograd_lite.core.op import Op
from autograd_lite.errors import AutogradError

__all__ = ["Expression", "point"]

MOST_CHARACTERS, MOST_BRACKETS = 10_000, 50
CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan}

#: Functions of numbers, or of lists of numbers, whose result is a number.
FUNCTIONS: dict[str, Callable[..., Any]] = {
    name.rstrip("_"): found
    for module in (ops, functions)
    for name in module.__all__
    if callable(found := getattr(module, name)) and found is not Op
} | {"abs": ops.absolute, "pow": ops.power}
for _name in ("isfinite", "isinf", "isnan", "softmax", "log_softmax"):
    del FUNCTIONS[_name]

#: How other programs call what is here.
CALLED_OTHERWISE = {"ln": "log", "max": "maximum", "min": "minimum", "tg": "tan", "sgn": "sign", "arctg": "atan"}

#: What to write for a character that is often meant for another.
INSTEAD = {"^": "** for a power", "\u00d7": "*", "·": "*", "÷": "/", "²": "**2", "³": "**3", "π": "pi", "∞": "inf"} | (
    dict.fromkeys(map(chr, (*range(0x2010, 0x2016), 0x2212)), "-")  # hyphens, dashes and the minus sign
)


def _of_numbers(op: Op, symbol: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """An operator. Of floats it is the primitive, which knows IEEE's answers; of Values what Python's operator does."""

    def apply(x: Any, y: Any) -> Any:
        plain = (type(x) is float and type(y) is float) or isinstance(x, list) or isinstance(y, list)
        return op(x, y) if plain else symbol(x, y)

    return apply


BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: _of_numbers(ops.add, operator.add),
    ast.Sub: _of_numbers(ops.sub, operator.sub),
    ast.Mult: _of_numbers(ops.mul, operator.mul),
    ast.Div: _of_numbers(ops.div, operator.truediv),
    ast.FloorDiv: _of_numbers(ops.floordiv, operator.floordiv),
    ast.Mod: _of_numbers(ops.mod, operator.mod),
    ast.Pow: _of_numbers(ops.power, operator.pow),
}
UNARY: dict[type, Callable[[Any], Any]] = {ast.USub: ops.neg, ast.UAdd: lambda x: x}
COMPARISONS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Lt: ops.less,
    ast.LtE: ops.less_equal,
    ast.Gt: ops.greater,
    ast.GtE: ops.greater_equal,
    ast.Eq: ops.equal,
    ast.NotEq: ops.not_equal,
}


class Step(NamedTuple):
    """Take the last results and put one in their place; or a variable, or a constant."""

    function: Callable[..., Any] | None
    operands: int  #: how many
    what: Any  #: the variable's position, or the constant
    place: int  #: where in the text, for errors


class Expression:
    """A function of named numbers: called with them in order, it gives the value.

    Raises ``UsageError``, with a caret below the place, for what is not on the list, and for what cannot be
    computed at the point.

    >>> f = Expression("x**2 * sin(y)", {"x": 2.0, "y": 1.0})
    >>> f.value == f(2.0, 1.0)
    True
    """

    def __init__(self, text: str, point: Mapping[str, float]) -> None:
        self.text = re.sub(r"\s", " ", text).strip()
        self.names = list(point)
        self._check_characters()
        self._steps = self._steps_of(self._parsed())
        #: At the point.
        self.value: float = self._result(list(point.values()))

    def __call__(self, *numbers: Any) -> Any:
        """The value, of floats, Values or any other type of numbers."""
        stack: list[Any] = []
        for step in self._steps:
            _take(step, stack, numbers)
        return stack.pop()

    def _result(self, numbers: Sequence[float]) -> float:
        """The value, with an error that knows its place. Later calls may be of numbers that cannot do everything."""
        stack: list[Any] = []
        for step in self._steps:
            try:
                _take(step, stack, numbers)
            except (TypeError, AutogradError, ArithmeticError) as error:
                self._refuse(str(error), step.place)
        if not is_real(stack[-1]):
            self._refuse(f"the result must be one number, not {describe(stack[-1])}; sum(...) adds up a list", 0)
        return float(stack[-1])

    # -- From the text to steps --

    def _check_characters(self) -> None:
        if not self.text:
            raise UsageError('the expression is empty; write one such as "x**2 * sin(y)"')
        if len(self.text) > MOST_CHARACTERS:
            raise UsageError(
                f"the expression has {len(self.text):,} characters, and at most {MOST_CHARACTERS:,} are read"
            )
        if long := re.search(r"\d{1000}", self.text):  # Python does not read as many as it likes
            self._refuse("this number has too many digits; a float has 17", long.start())
        depth = 0
        for place, character in enumerate(self.text):
            if not re.match(r"[A-Za-z0-9_ .,()\[\]<>=!+*/%-]", character):
                self._refuse(_stranger(character), place)
            depth += (character in "([") - (character in ")]")
            if depth > MOST_BRACKETS:
                self._refuse(f"brackets in brackets, more than {MOST_BRACKETS} deep", place)

    def _parsed(self) -> ast.expr:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of what is refused below anyway
                return ast.parse(self.text, mode="eval").body
        except SyntaxError as error:
            place = error.offset - 1 if error.offset else len(self.text)  # Python says 0 where the text ends too soon
            if "never closed" in error.msg or "unmatched" in error.msg:
                self._refuse(error.msg, place)
            if "decimal literal" in error.msg or "keyword" in error.msg:
                self._refuse("a name right after a number; a product is written with *, as in 2*x", place)
            if "leading zeros" in error.msg:
                self._refuse("a whole number does not begin with 0", place)
            self._refuse("this cannot be read; a product is written with *, and a comparison with <, >, ==", place)
        except (RecursionError, MemoryError, ValueError):
            raise UsageError("the expression is nested too deeply to be read; split it up") from None

    def _steps_of(self, tree: ast.expr) -> list[Step]:
        """The steps in the order in which they are taken: operands first. No recursion, however long a sum is."""
        steps, pending = [], [tree]
        while pending:
            node = pending.pop()
            step, operands = self._read(node)
            steps.append(step)
            pending += operands
        return steps[::-1]

    def _read(self, node: ast.expr) -> tuple[Step, list[ast.expr]]:
        """The step that a piece of the expression stands for, and the pieces that it takes."""
        place = node.col_offset
        match node:
            case ast.Constant(value=float() | int() as number) if not isinstance(number, bool):
                return Step(None, 0, self._float(number, place), place), []
            case ast.Name(id=name):
                return self._named(name, place), []
            case ast.UnaryOp(op=op, operand=operand) if type(op) in UNARY:
                return Step(UNARY[type(op)], 1, None, place), [operand]
            case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
                return Step(BINARY[type(op)], 2, None, place), [left, right]
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARISONS:
                return Step(COMPARISONS[type(op)], 2, None, place), [left, right]
            case ast.Call(func=ast.Name(id=name), args=operands, keywords=[]):
                return Step(self._function(name, place), len(operands), None, place), operands
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return Step(lambda *items: list(items), len(items), None, place), items
        return self._refuse(_advice(node), place)

    def _float(self, number: float, place: int) -> float:
        try:
            return float(number)
        except OverflowError:
            return self._refuse("this number is beyond the largest float, 1.8e308", place)

    def _named(self, name: str, place: int) -> Step:
        if name in self.names:
            return Step(None, -1, self.names.index(name), place)
        if name in CONSTANTS:
            return Step(None, 0, CONSTANTS[name], place)
        if name in FUNCTIONS:
            self._refuse(f"{name} is a function; write {name}(...)", place)
        close = _close(name, [*self.names, *CONSTANTS])
        return self._refuse(
            f"{name[:40]} has no value; give it one after the expression, as in {name[:40]}=1.5{close}", place
        )

    def _function(self, name: str, place: int) -> Callable[..., Any]:
        if name in FUNCTIONS:
            return FUNCTIONS[name]
        if name in self.names or name in CONSTANTS:
            self._refuse(f"{name} is a number, no function; a product is written with *, as in {name}*(...)", place)
        close = f"; write {CALLED_OTHERWISE[name]}" if name in CALLED_OTHERWISE else _close(name, FUNCTIONS)
        return self._refuse(f"there is no function {name[:40]}{close}", place)

    def _refuse(self, why: str, place: int) -> NoReturn:
        """Raise the error, with the text around the place and a caret below it."""
        start = max(0, place - 30)
        shown = self.text[start : start + 60].translate({ord(c): "?" for c in self.text if not c.isprintable()})
        raise UsageError(f"{why}\n  {shown}\n  {' ' * (place - start)}^") from None


def point(assignments: Sequence[str]) -> dict[str, float]:
    """The numbers by name that ``["x=2", "y=pi/2"]`` gives. Raises ``UsageError`` for anything else.

    >>> point(["x=2", "y=-1e3"])
    {'x': 2.0, 'y': -1000.0}
    """
    found: dict[str, float] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        name = name.strip()
        if not equals:
            raise UsageError(
                f"after the expression stand the values of its variables, as in x=2; got {assignment[:60]!r}"
            )
        if not (name.isascii() and name.isidentifier()) or keyword.iskeyword(name):
            raise UsageError(f"{name[:60]!r} cannot be the name of a variable; letters, digits and _ can, as in x1=2")
        if name in found:
            raise UsageError(f"{name} is given twice")
        if not text.strip():
            raise UsageError(f"{name} has no value; write a number after the =, as in {name}=2")
        found[name] = Expression(text, {}).value
    return found


def _take(step: Step, stack: list[Any], numbers: Sequence[Any]) -> None:
    function, count, what, _ = step
    if function is None:
        stack.append(numbers[what] if count else what)
        return
    operands = stack[len(stack) - count :]
    del stack[len(stack) - count :]
    stack.append(function(*operands))


def _stranger(character: str) -> str:
    """What to say of a character that no expression has."""
    name = unicodedata.name(character, f"U+{ord(character):04X}")
    which = repr(character) if character.isascii() else f"{character!r} ({name})"
    plain = INSTEAD.get(character) or unicodedata.normalize("NFKC", character)
    return f"{which} means nothing here" + (f"; write {plain}" if plain != character and plain.isascii() else "")


def _advice(node: ast.expr) -> str:
    """What to write in the place of a piece of Python that is not on the list."""
    match node:
        case ast.IfExp():
            return "if has no place here; write where(x > 0, a, b)"
        case ast.BoolOp() | ast.UnaryOp():
            return "and, or, not have no place here; write (a > 0) * (b > 0), maximum(a > 0, b > 0), 1 - (a > 0)"
        case ast.Compare(ops=[_, _, *_]):
            return "compare two at a time; write (a < b) * (b < c)"
        case ast.Call(func=ast.Name()):
            return "give the arguments in order, without names and stars"
        case ast.Call():
            return "a product is written with *, as in 2*(x + 1); functions are called by name, as in sin(x)"
        case ast.Constant(value=bool() | None as value):
            return f"{value} is not a number; write 1 or 0"
    return "this has no place here: an expression is made of numbers, names, + - * / // % **, comparisons and functions"


def _close(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name, known, 3)
    return f"; did you mean {' or '.join(close)}?" if close else ""

"""A small translator of FPCore programs (fpbench.org) to functions of numbers of any type.

It knows arithmetic, the functions that the package has, if, let, let*, while and while*. Numbers become floats. What
it does not know is named, and the program is skipped.
"""

import itertools
import math
import operator
import random
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from benchmarks.accuracy.programs import Program, UnsupportedError

POINTS = 10
TOKEN = re.compile(r';[^\n]*|"(?:\\.|[^"\\])*"|[()\[\]]|[^\s()\[\]";]+')

CONSTANTS = {
    "PI": math.pi, "E": math.e, "LN2": math.log(2.0), "LN10": math.log(10.0), "SQRT2": math.sqrt(2.0),
    "SQRT1_2": math.sqrt(0.5), "PI_2": math.pi / 2, "PI_4": math.pi / 4, "M_1_PI": 1 / math.pi,
    "M_2_PI": 2 / math.pi, "LOG2E": 1 / math.log(2.0), "LOG10E": 1 / math.log(10.0), "INFINITY": math.inf,
    "TRUE": True, "FALSE": False,
}  # fmt: skip

#: FPCore's name and ours, where they differ.
FUNCTIONS = {"fabs": "abs", "tgamma": "gamma", "fmax": "maximum", "fmin": "minimum"}
FUNCTIONS |= {
    name: name
    for name in (
        "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "copysign", "cos", "cosh", "erf",
        "erfc", "exp", "exp2", "expm1", "floor", "hypot", "lgamma", "log", "log10", "log1p", "log2", "sin", "sinh",
        "sqrt", "tan", "tanh", "trunc",
    )
}  # fmt: skip
COMPARISONS = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip

Names = dict[str, Any]
Code = Callable[[Names], Any]


def parsed(text: str) -> list[Any]:
    """The expressions of a file, as nested lists of words.

    >>> parsed("(+ x 1) ; a comment")
    [['+', 'x', '1']]
    """
    stack: list[list[Any]] = [[]]
    for token in TOKEN.findall(text):
        if token[0] == ";":
            continue
        if token in "([":
            stack.append([])
        elif token in ")]":
            if len(stack) == 1:
                raise UnsupportedError("a bracket is closed that was not opened")
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append(token)
    if len(stack) > 1:
        raise UnsupportedError("a bracket is not closed")
    return stack[0]


def number(word: str) -> float | None:
    """A number, also a fraction or a hexadecimal one."""
    try:
        return float(Fraction(word))
    except (ValueError, ZeroDivisionError):
        try:
            return float.fromhex(word) if "0x" in word else None
        except ValueError:
            return None


def code(e: Any) -> Code:
    """An expression as a function of the values of names."""
    if isinstance(e, str):
        x = CONSTANTS.get(e, number(e))
        if x is not None:
            return lambda names: x
        return lambda names: names[e]
    head, *rest = e
    if isinstance(head, list):
        raise UnsupportedError("a list in the place of an operation")
    special: dict[str, Callable[..., Code]] = {
        "if": _if,
        "let": _let,
        "let*": _let_star,
        "while": _while,
        "while*": _while_star,
        "!": _annotated,
    }
    if head in special:
        return special[head](*rest)
    parts = [code(part) for part in rest]
    if head in COMPARISONS:
        return _comparison(COMPARISONS[head], parts)
    if head == "and":
        return lambda names: all(part(names) for part in parts)
    if head == "or":
        return lambda names: any(part(names) for part in parts)
    if head == "not":
        return lambda names: not parts[0](names)
    return _operation(head, parts)


def _operation(head: str, parts: list[Code]) -> Code:
    import autograd_lite as ag

    if head == "-" and len(parts) == 1:
        return lambda names: -parts[0](names)
    arithmetic: dict[str, Callable[..., Any]] = {
        "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "pow": ag.pow,
        "neg": operator.neg, "fma": lambda x, y, z: x * y + z, "fdim": lambda x, y: ag.maximum(x - y, 0.0),
    }  # fmt: skip
    if head in FUNCTIONS:
        arithmetic[head] = getattr(ag, FUNCTIONS[head])
    if head not in arithmetic:
        raise UnsupportedError(f"the operation {head}")
    function = arithmetic[head]

    def run(names: Names) -> Any:
        given = [part(names) for part in parts]
        if head in "+*" and len(given) > 2:
            total = given[0]
            for x in given[1:]:
                total = function(total, x)
            return total
        return function(*given)

    return run


def _comparison(compare: Callable[[Any, Any], bool], parts: list[Code]) -> Code:
    def run(names: Names) -> bool:
        given = [part(names) for part in parts]
        return all(compare(a, b) for a, b in itertools.pairwise(given))

    return run


def _if(condition: Any, yes: Any, no: Any) -> Code:
    test, first, second = code(condition), code(yes), code(no)
    return lambda names: first(names) if test(names) else second(names)


def _annotated(*parts: Any) -> Code:
    """``(! :precision binary32 e)``: the annotation is left out."""
    return code(parts[-1])


def _let(bindings: Any, body: Any) -> Code:
    made, inner = [(name, code(e)) for name, e in bindings], code(body)
    return lambda names: inner({**names, **{name: part(names) for name, part in made}})


def _let_star(bindings: Any, body: Any) -> Code:
    made, inner = [(name, code(e)) for name, e in bindings], code(body)

    def run(names: Names) -> Any:
        names = dict(names)
        for name, part in made:
            names[name] = part(names)
        return inner(names)

    return run


def _loop(condition: Any, bindings: Any, body: Any, one_by_one: bool) -> Code:
    test, inner = code(condition), code(body)
    made = [(name, code(start), code(step)) for name, start, step in bindings]

    def run(names: Names) -> Any:
        names = dict(names)
        for at in (1, 2):
            while True:
                if at == 2 and not test(names):
                    return inner(names)
                found = {}
                for triple in made:
                    found[triple[0]] = triple[at](names)
                    if one_by_one:
                        names[triple[0]] = found[triple[0]]
                names |= found
                if at == 1:
                    break
        return None

    return run


def _while(condition: Any, bindings: Any, body: Any) -> Code:
    return _loop(condition, bindings, body, one_by_one=False)


def _while_star(condition: Any, bindings: Any, body: Any) -> Code:
    return _loop(condition, bindings, body, one_by_one=True)


# ---- Points ---------------------------------------------------------------------------------


def bounds(e: Any) -> dict[str, tuple[float, float]]:
    """What a precondition says of the intervals of single names."""
    found: dict[str, tuple[float, float]] = {}
    for chain in _chains(e):
        words = chain[:0:-1] if chain[0] in {">", ">="} else chain[1:]
        if chain[0] == "==":
            words = [*words, *words]  # below and above at once
        numbers = [number(w) if isinstance(w, str) else None for w in words]
        for i, word in enumerate(words):
            if numbers[i] is not None or not isinstance(word, str):
                continue
            low, high = found.get(word, (-math.inf, math.inf))
            below = [x for x in numbers[:i] if x is not None]
            above = [x for x in numbers[i + 1 :] if x is not None]
            found[word] = max([low, *below]), min([high, *above])
    return found


def _chains(e: Any) -> Iterator[list[Any]]:
    if isinstance(e, list) and e:
        if e[0] == "and":
            for part in e[1:]:
                yield from _chains(part)
        elif e[0] in {"<", "<=", ">", ">=", "=="}:
            yield e


def points(names: list[str], condition: Any, example: Any = (), count: int = POINTS) -> list[list[float]]:
    """Points that hold to a precondition; numbers without bounds are those of the example, or from -10 to 10."""
    rng = random.Random(0)
    known = {name: (x, x) for name, word in example if (x := number(word)) is not None} | bounds(condition)
    holds = code(condition) if condition is not None else (lambda names: True)
    found: list[list[float]] = []
    for _ in range(1000 * count):
        point = {}
        for name in names:
            low, high = known.get(name, (-math.inf, math.inf))
            low = low if math.isfinite(low) else min(-10.0, high - 10.0) if math.isfinite(high) else -10.0
            point[name] = rng.uniform(low, high if math.isfinite(high) else max(10.0, low + 10.0))
        if holds(point):
            found.append(list(point.values()))
        if len(found) == count:
            return found
    raise UnsupportedError("a precondition that a thousand random points do not meet")


def programs(path: Path) -> Iterator[Program | str]:
    """The programs of a file; in words what was skipped, and why."""
    try:
        cores = parsed(path.read_text(encoding="utf-8"))
    except UnsupportedError as error:
        yield f"{path.name}: {error}"
        return
    for i, core in enumerate(cores):
        try:
            yield program(core, f"{path.stem} {i + 1}")
        except UnsupportedError as error:
            yield f"{path.name}, program {i + 1}: {error}"
        except (IndexError, TypeError, ValueError):
            yield f"{path.name}, program {i + 1}: not an FPCore program"


def program(core: list[Any], name: str) -> Program:
    """One ``(FPCore name? (x y) :property value ... body)``."""
    if core[0] != "FPCore":
        raise UnsupportedError(f"{core[0]} in the place of FPCore")
    _, *rest = core
    if isinstance(rest[0], str):
        name = rest.pop(0)
    names, *rest = rest
    if not names or not all(isinstance(each, str) for each in names):
        raise UnsupportedError("arguments that are not plain numbers, or none at all")
    properties: dict[str, Any] = {}
    while len(rest) > 1:
        key, value, *rest = rest
        properties[key] = value
    run = code(rest[0])
    title = str(properties.get(":name", name)).strip('"')
    at = points(names, properties.get(":pre"), properties.get(":example", ()))
    try:
        run(dict(zip(names, at[0], strict=True)))
    except KeyError as error:
        raise UnsupportedError(f"the name {error.args[0]}") from None
    return Program(title, lambda *x: run(dict(zip(names, x, strict=True))), at)

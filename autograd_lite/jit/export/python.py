"""Programs as Python that needs nothing but the standard library.

The same text as the Python back end's careful form, with the primitives that it calls: each an expression of
``math`` or a kernel, as its line in the table has it, and what answers where that raises.
"""

import ast
import keyword
from collections.abc import Sequence
from dataclasses import replace

from autograd_lite._version import __version__
from autograd_lite.core.op import Op
from autograd_lite.errors import ArgumentError
from autograd_lite.jit.backends.python import Writer, function_name, name_of
from autograd_lite.jit.export.checks import exportable
from autograd_lite.jit.export.table import Module, formula, module
from autograd_lite.jit.program import Guard, Program

__all__ = ["to_python"]


def to_python(program: Program, name: str | None, outputs: Sequence[str]) -> str:
    """A program as Python, under its own name or another; ``outputs`` say what it gives."""
    if name is not None and not (isinstance(name, str) and name.isidentifier() and not keyword.iskeyword(name)):
        raise ArgumentError(f"to_python needs a name that Python allows, such as 'f'; got {name!r}")
    program = exportable(program, "to_python")
    parts = _Parts()
    parts.add_needed(
        _Writer(program, careful=True).source, None, {function_name(op): op for op, _ in program.instructions}
    )
    own = name or program.name
    while own in parts.texts or own in parts.imports:  # of a kernel, say, which has to stay what it is
        own += "x"
    if name not in {None, own}:
        raise ArgumentError(f"to_python needs another name than {name!r}, which is a function that the program calls")
    writer = _Writer(replace(program, name=own), careful=True)
    head = "\n".join([*_comment(writer, outputs), "", *parts.import_lines()]).rstrip()
    return "\n\n\n".join(text.rstrip() for text in (head, *parts.texts.values(), writer.source)) + "\n"


class _Writer(Writer):
    """The text of the program itself."""

    def _failed(self, guard: Guard) -> str:
        names = self.program.names()
        left, right = (names[o] if type(o) is int else repr(o) for o in (guard.left, guard.right))
        text = f"{self.program.name} was recorded where {left} {guard.comparison} {right} is {guard.outcome}"
        return f"raise ValueError({f'{text}, and here it is {not guard.outcome}'!r})"

    def _called(self, number: int) -> list[str]:
        return [f"piece_{number}(s)"]

    def _function(self, name: str, parameters: list[str], body: list[str]) -> str:
        """Any function; that of the program itself takes numbers of any type, by name."""
        names = self.names[: len(self.program.inputs)]
        if name == name_of(self.program) and names:
            given = ", ".join(names)
            target = "inputs" if parameters == ["*inputs"] else given
            floats = f"[float(x) for x in ({given})]" if len(names) > 1 else f"float({given})"
            return super()._function(name, names, [f"{target} = {floats}", *body])
        return super()._function(name, parameters, body)


class _Parts:
    """What a text needs besides itself: imports, functions of primitives, kernels and their constants."""

    def __init__(self) -> None:
        #: The definition of each name, after those of the constants that it needs.
        self.texts: dict[str, str] = {}
        #: Where a name is imported from, and what it is there.
        self.imports: dict[str, tuple[str, str]] = {}
        self._seen: set[str] = set()

    def add_needed(self, text: str, place: Module | None, primitives: dict[str, Op]) -> None:
        """Add what a text needs that stands in a file of the core, or is a primitive."""
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Name) or node.id in self._seen:
                continue
            if node.id in primitives:
                self._add_primitive(node.id, primitives[node.id])
            elif place is not None and node.id in place.definitions:
                self._add_definition(node.id, place)
            elif node.id == "math":
                self.imports["math"] = "math", ""
            elif node.id in {"inf", "nan"}:
                self.imports[node.id] = "math", node.id

    def import_lines(self) -> list[str]:
        """The imports as lines."""
        by_module: dict[str, list[str]] = {}
        for name, (source, original) in sorted(self.imports.items()):
            by_module.setdefault(source, [])
            if original:
                by_module[source].append(name if name == original else f"{original} as {name}")
        lines = [f"import {name}" for name, (_, original) in self.imports.items() if not original]
        return sorted(lines) + [
            f"from {source} import {', '.join(names)}" for source, names in by_module.items() if names
        ]

    def _add_primitive(self, name: str, op: Op) -> None:
        """A function that gives what the Op does, also where Python raises."""
        self._seen.add(name)
        (source, function), otherwise = formula(op)
        if source == "kernels" and _never_raises(definition := module(source).definitions[function]):
            text = _lines(definition, module(source)).replace(f"def {function}(", f"def {name}(", 1)
            self.add_needed(text, module(source), {})
            self.texts[name] = text
            return
        parameters = "*xs" if op.arity is None else ", ".join("xyz"[: op.arity])
        if isinstance(otherwise, ast.Lambda):
            parameters, otherwise = ", ".join(argument.arg for argument in otherwise.args.args), otherwise.body
        if source == "operator":
            value = f" {op.symbol} ".join(parameters.split(", "))
        else:
            value = f"{'math.' if source == 'math' else ''}{function}({parameters})"
        answer = ast.unparse(otherwise)
        if isinstance(otherwise, ast.Attribute):  # a kernel
            answer = f"{otherwise.attr}({parameters})"
        text = (
            f"def {name}({parameters}):\n    try:\n        return {value}\n"
            f"    except (ArithmeticError, ValueError):\n        return {answer}"
        )
        self.add_needed(text, module(source if source == "special" else "kernels"), {})
        self.texts[name] = text

    def _add_definition(self, name: str, place: Module) -> None:
        self._seen.add(name)
        statement = place.definitions[name]
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            alias = next(alias for alias in statement.names if name in {alias.name, alias.asname})
            source = statement.module if isinstance(statement, ast.ImportFrom) else None
            self.imports[name] = (source, alias.name) if source else (alias.name, "")
            return
        text = _lines(statement, place)
        self.add_needed(text, place, {})
        if text not in self.texts.values():  # one line may define several names
            self.texts[name] = text


def _lines(statement: ast.stmt, place: Module) -> str:
    """A statement as it is written."""
    first = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", ()))])
    return "\n".join(place.text.splitlines()[first - 1 : statement.end_lineno])


def _never_raises(statement: ast.stmt) -> bool:
    """Whether a function does nothing to floats but comparing, adding and multiplying them."""
    raising = (ast.Call, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.Attribute)
    return not any(isinstance(node, raising) for node in ast.walk(statement))


def _comment(writer: _Writer, outputs: Sequence[str]) -> list[str]:
    """What the text says of itself."""
    program = writer.program
    lines = [
        f"# {program.name}, as autograd_lite {__version__} recorded it. Inputs: the arguments, then what the function",
        "# closes over. Raises ValueError for inputs that take another path than the one that was recorded.",
    ]
    pairs = zip(writer.names, program.inputs, strict=False)  # the other names are those of results
    lines += [f"# {name} is {_in_line(text)}" for name, text in pairs if name != text]
    if not any(outputs):
        return [*lines, "# Returns the tuple of its outputs."]
    return [*lines, f"# Returns ({', '.join(map(_in_line, outputs))}{',' * (len(outputs) == 1)})"]


def _in_line(text: str) -> str:
    return " ".join(text.split())

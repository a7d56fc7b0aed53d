"""What there is to draw, from whatever the user gives."""

import dataclasses
import sys
from collections.abc import Callable, Sequence
from types import MethodType
from typing import Any

from autograd_lite import pytree
from autograd_lite.core import modes
from autograd_lite.core.checks import describe, is_real
from autograd_lite.core.value import Value
from autograd_lite.drawing.backward import backward_pass
from autograd_lite.drawing.modules import Levels
from autograd_lite.drawing.naming import by_signature, sampled
from autograd_lite.errors import ArgumentError
from autograd_lite.nn.module import Module, unwrapped

__all__ = ["Subject", "subject_of"]


@dataclasses.dataclass
class Subject:
    """What there is to draw: Values, and what is known of them."""

    roots: list[Value]
    #: What it is called.
    title: str
    levels: Levels = dataclasses.field(default_factory=Levels)
    names: dict[Value, str] = dataclasses.field(default_factory=dict)
    #: What the reader must know of it.
    note: str = ""
    #: The graph was made for this drawing, so that no Value of it has a gradient yet.
    is_new: bool = False

    def grads(self) -> dict[Value, float] | None:
        """The gradients to show, of a single result; None for those that the Values have themselves."""
        if not self.is_new:
            return None
        return backward_pass(self.roots[0]).adjoints if len(self.roots) == 1 and self.roots[0].requires_grad else {}


def subject_of(root: Any, inputs: tuple[Any, ...] = ()) -> Subject:
    """The Values to draw: those given, or what a module, a function or a program gives for the inputs.

    Raises ``TypeError`` or ``ArgumentError`` for what has no graph, saying why.
    """
    compiled, program = _class("compiled", "Compiled"), _class("program", "Program")
    function = root.__func__ if isinstance(root, MethodType) else root
    if compiled is not None and isinstance(function, compiled):
        if inputs:
            root(*inputs)
        return _of_program(function._program_of_results(), _called(function), function._output_names())
    if program is not None and isinstance(root, program):
        if inputs:
            raise ArgumentError(f"a Program is drawn at its numbers: write program.draw([...]); got {_listed(inputs)}")
        return _of_program(root, root.name)
    if isinstance(root, Module) or (callable(root) and not isinstance(root, (Value, type))):
        return _of_function(root, inputs)
    return _of_values(root, inputs)


def _class(module: str, name: str) -> Any:
    """A class of jit, if that has been imported: nothing can be of it before."""
    return getattr(sys.modules.get(f"autograd_lite.jit.{module}"), name, None)


def _of_values(root: Any, inputs: tuple[Any, ...]) -> Subject:
    if inputs:
        raise ArgumentError(
            f"draw takes inputs after a Module or a function; got {describe(root)} and then {_listed(inputs)}. "
            "For several Values write a list: draw([a, b])"
        )
    if isinstance(root, Value):
        return _noted(Subject([root], root.name or ""))
    if is_real(root):
        raise TypeError(
            f"draw takes the Value whose graph to draw, and a number has none; got {describe(root)}. {_WHY}"
        )
    if isinstance(root, (str, bytes, type)) or pytree.branch(root) is None:
        raise TypeError(
            "draw takes the Value whose graph to draw, several in a list, or a Module or a function with sample "
            f"inputs; got {describe(root)}"
        )
    found = list(pytree.leaves(root))
    if not found:
        raise ArgumentError(f"there is nothing to draw in {describe(root)}")
    for path, leaf in found:
        if not isinstance(leaf, Value):
            raise TypeError(f"draw takes Values, and a number has no graph; got {describe(leaf)} at {path}. {_WHY}")
    roots: list[Value] = list(dict.fromkeys(leaf for _, leaf in found))
    names = [root.name for root in roots[:4] if root.name]
    return _noted(Subject(roots, ", ".join(names) if len(names) == len(roots) < 4 else ""))


def _noted(subject: Subject) -> Subject:
    """With a note where there is no graph at all."""
    if all(root.is_leaf and not root.requires_grad for root in subject.roots):
        subject.note = "a constant: what is computed under no_grad(), or detached, remembers no operations"
    return subject


_WHY = (
    "A function gives numbers for numbers, and so does what jit and grad make of it: draw the function itself with its "
    "arguments, draw(f, 1.0, 2.0), or what it gives for Values"
)


def _of_function(root: Callable[..., Any], inputs: tuple[Any, ...]) -> Subject:
    name = _called(root)
    if not inputs:
        what, example = ("Module", "model") if isinstance(root, Module) else ("function", name)
        raise ArgumentError(
            f"the {what} {name} has a graph only for inputs: write draw({example}, [1.0, 2.0]) with sample inputs, or "
            "call it and draw what it returns"
        )
    subject = Subject([], name, is_new=True)
    given = sampled(by_signature(root.forward if isinstance(root, Module) else root, inputs, name), subject.names)
    module = unwrapped(root)
    if module is not None:
        subject.levels.outermost = subject.levels.add_module(module)
    for argument, thing in given.items():
        if isinstance(thing, Module):
            subject.levels.add_module(thing, argument)
    before = modes.top.get()
    try:
        modes.enter(grad_enabled=True)
        result = root(*given.values())
    finally:
        modes.top.set(before)
    subject.roots = _roots(result, name)
    return subject


def _called(root: Any) -> str:
    """What a function or a Module is called; f, if it has no name."""
    if isinstance(root, Module):
        return type(root).__name__
    inner = getattr(root, "func", root)  # of a partial function
    name = getattr(inner, "__name__", None) or getattr(inner, "name", None) or type(root).__name__
    return "f" if name == "<lambda>" else str(name)


def _roots(result: Any, name: str) -> list[Value]:
    """The results of a function; numbers among them as constants."""
    try:
        leaves, _ = pytree.flatten(result)
    except TypeError as error:
        raise TypeError(f"{name} returned what has no graph: {error}") from None
    if not leaves:
        raise ArgumentError(f"{name} returned {describe(result)}, in which there is nothing to draw")
    if not any(isinstance(leaf, Value) for leaf in leaves):
        raise TypeError(
            f"{name} returned numbers without a graph, {describe(result)}: none of them depends on its arguments, or "
            "they were made plain numbers on the way"
        )
    return list(dict.fromkeys(leaf if isinstance(leaf, Value) else Value(leaf).detach() for leaf in leaves))


def _of_program(program: Any, title: str, outputs: Sequence[str] = ()) -> Subject:
    numbers = program.numbers or [1.0] * len(program.inputs)
    results = program(*map(Value, numbers, program.inputs))
    roots = [r if isinstance(r, Value) else Value(r).detach() for r in results]
    names = {} if len(roots) < 2 else {r: name for r, name in zip(roots, outputs, strict=False) if not r.is_leaf}
    return Subject(list(dict.fromkeys(roots)), title, names=names, note=_broken_guards(program, numbers), is_new=True)


def _broken_guards(program: Any, numbers: Sequence[float]) -> str:
    """What to say where the program is not the path that the function would take."""
    if type(program.evaluate(*numbers)) is tuple:
        return ""
    return "at these numbers the function takes another branch than this program"


def _listed(inputs: tuple[Any, ...]) -> str:
    return ", ".join(map(describe, inputs))

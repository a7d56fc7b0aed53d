"""Module: a thing with parameters, found by themselves among its attributes."""

from collections.abc import Iterator
from typing import Any

from autograd_lite import tree
from autograd_lite.engine import Value

__all__ = ["Module"]


class Module:
    """Base class of everything that has parameters.

    A parameter is a leaf Value among the attributes, or in lists, tuples, dicts and other
    Modules among them. A subclass sets its attributes and writes ``forward``; calling the
    module calls that.

    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.offset = Value(2.0), Value(1.0)
    ...
    ...     def forward(self, x):
    ...         return self.slope * x + self.offset
    >>> line = Line()
    >>> line(3.0).data
    7.0
    >>> [name for name, _ in line.named_parameters()]
    ['slope', 'offset']
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.forward(*args, **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every subclass writes its own."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(self, ...) method yet; write one")

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """Each parameter once, with its path such as ``layers.0.neurons.3.w.1``, in the order of the attributes."""
        seen: set[int] = set()
        for name, thing in _members(self, ""):
            if isinstance(thing, Value) and thing.is_leaf and thing.requires_grad and id(thing) not in seen:
                seen.add(id(thing))
                yield name, thing

    def parameters(self) -> list[Value]:
        """Each parameter once, in the order of the attributes."""
        return [parameter for _, parameter in self.named_parameters()]

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters, before the next ``backward()`` adds to them."""
        for parameter in self.parameters():
            parameter.grad = None

    def __repr__(self) -> str:
        count = len(self.parameters())
        children = [(name, child) for name, child in _children(self, "") if isinstance(child, Module)]
        head = f"{type(self).__name__}({self.extra_repr()}"
        if not children:
            return f"{head})  # {count} parameters"
        lines = [f"  ({name}): {child!r}".replace("\n", "\n  ") for name, child in children]
        return "\n".join([f"{head}  # {count} parameters", *lines, ")"])

    def extra_repr(self) -> str:
        """What ``repr`` shows between the brackets."""
        return ""


def _children(thing: Any, path: str) -> Iterator[tuple[str, Any]]:
    """What a module or container holds directly, containers opened up."""
    if isinstance(thing, Module):
        thing = vars(thing)
    elif tree.is_array(thing):
        thing = thing.tolist()
    for key, item in thing.items() if isinstance(thing, dict) else enumerate(thing):
        name = f"{path}.{key}" if path else str(key)
        if isinstance(item, (list, tuple, dict)) or tree.is_array(item):
            yield from _children(item, name)
        else:
            yield name, item


def _members(module: Module, path: str, above: tuple[Module, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Everything that a module holds, and what the modules among it hold; one above, as in child.parent, not again."""
    above = (*above, module)
    for name, item in _children(module, path):
        if isinstance(item, Module):
            if not any(item is one for one in above):
                yield from _members(item, name, above)
        else:
            yield name, item

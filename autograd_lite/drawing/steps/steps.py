"""steps(): backpropagation step by step, in the engine's own order and numbers."""

import html
import itertools
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

from autograd_lite._files import write_whole
from autograd_lite.core import graph, modes
from autograd_lite.core.checks import describe
from autograd_lite.core.node import listed
from autograd_lite.core.value import Value
from autograd_lite.drawing.backward import backward_pass, is_as_computed
from autograd_lite.drawing.steps.records import Backward, Forward, Given, Seed, Snapshot, Step, columns_wide, cut
from autograd_lite.errors import ArgumentError, GraphError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Backward", "Forward", "Given", "Seed", "Steps", "steps"]

#: So many columns of a terminal a part of a line takes at most, and so many steps print() shows.
_WIDEST = 44
_MOST_LINES = 1_000
#: The largest graph that is drawn.
_MOST_NODES = 2_000


class Steps(Sequence[Step]):
    """Every step of a forward and a backward pass; :func:`steps` makes it.

    A sequence: first what is :class:`Given`, then a :class:`Forward` for each operation, the :class:`Seed`, and a
    :class:`Backward` for each contribution. ``print`` shows it as a table, a notebook as the page that :meth:`save`
    writes.
    """

    def __init__(self, root: Value) -> None:
        #: The Value that is differentiated.
        self.root = root
        self._operations = graph.operations(root)
        _raise_if_assigned_since(self._operations)
        self._given = tuple(graph.leaves(root))
        #: What the Values are called and their numbers, as they were when the steps were made.
        self.snapshot = Snapshot(graph.nodes(root))
        self._backward = backward_pass(root)

    @property
    def labels(self) -> dict[Value, str]:
        """What each Value is called here: its name, or ``v3`` for the one at place 3 of the graph."""
        return dict(self.snapshot.labels)

    @property
    def adjoints(self) -> dict[Value, float]:
        """The gradient of each Value after the last step."""
        return dict(self._backward.adjoints)

    def __len__(self) -> int:
        return 2 + len(self._operations) + len(self._backward.contributions)

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> list[Step]: ...
    def __getitem__(self, index: int | slice) -> Step | list[Step]:
        chosen = range(len(self))[index]
        return [self._step(i) for i in chosen] if isinstance(chosen, range) else self._step(chosen)

    def __iter__(self) -> Iterator[Step]:
        return map(self._step, range(len(self)))

    def _step(self, index: int) -> Step:
        snapshot, numbers = self.snapshot, self.snapshot.numbers
        if index == 0:
            return Given(self._given, tuple([numbers[node] for node in self._given]), snapshot)
        if index <= len(self._operations):
            node = self._operations[index - 1]
            given = tuple([numbers[o] if isinstance(o, Value) else o for o in node.operands])
            return Forward(node, node._primitive, node.operands, given, numbers[node], snapshot)
        if index == len(self._operations) + 1:
            return Seed(self.root, 1.0, snapshot)
        return Backward(*self._backward.contributions[index - len(self._operations) - 2], self.root, snapshot)

    def __str__(self) -> str:
        return _table(self[:_MOST_LINES], len(self))

    def save(self, path: str | os.PathLike[str]) -> "Path":
        """Write the steps as one page of HTML, whole or not at all, and return its path.

        The page needs no network: the graph with the steps to go through, by buttons, a slider or the arrow keys.

        Raises ``ArgumentError`` if the path does not end in .html or the graph has more than 2,000 nodes,
        ``MissingDependencyError`` if Graphviz is not installed, ``OSError`` if the file cannot be written.
        """
        if os.path.splitext(path)[1].lower() not in (".html", ".htm"):
            raise ArgumentError(
                f"steps are saved as a page, {os.fspath(path)!r} should end in .html; for pictures write "
                '.frames("folder"), for text print()'
            )
        return write_whole(path, self._page().encode())

    def show(self) -> None:
        """Show the page: in a notebook below the cell, else in the browser.

        Where there is no Graphviz, the text is printed; where there is no browser, the path of the page.
        """
        from autograd_lite.drawing.pictures.show import show

        show(self, self._page, self.__str__, "steps")

    def frames(self, folder: str | os.PathLike[str], format: Literal["svg", "png", "pdf"] = "svg") -> "list[Path]":
        """Write a picture for each step, ``step-001.svg`` and so on, and return their paths.

        The folder is made if it is not there. Each file is written whole or not at all, and replaces one of its name.

        Raises ``ArgumentError`` for another format or a graph of more than 2,000 nodes, ``FileExistsError`` if the
        folder is a file, ``MissingDependencyError`` if Graphviz is not installed.
        """
        from pathlib import Path

        from autograd_lite.drawing.steps.frames import frames

        if format not in ("svg", "png", "pdf"):
            raise ArgumentError(f"frames are 'svg', 'png' or 'pdf', got {format!r}")
        to = Path(folder)
        if to.suffix.lower() in (".svg", ".png", ".pdf", ".gif", ".html"):
            raise ArgumentError(f"frames are files in a folder, and {to.name!r} looks like one file; name a folder")
        self._raise_if_too_large("frames")
        if to.exists() and not to.is_dir():
            raise FileExistsError(f"cannot write frames to {to}: it is a file; name a folder")
        pictures = frames(self, format)
        first = next(pictures)  # a picture that cannot be made leaves no empty folder
        try:
            to.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(error.errno, f"cannot write frames to {to}: {error.strerror}") from None
        digits = max(3, len(str(len(self))))
        every = enumerate(itertools.chain([first], pictures), 1)
        return [write_whole(to / f"step-{i:0{digits}}.{format}", picture) for i, picture in every]

    def _page(self, timeout: float = 60.0) -> str:
        from autograd_lite.drawing.steps.page import to_page

        self._raise_if_too_large("a page")
        return to_page(self, timeout)

    def _raise_if_too_large(self, what: str) -> None:
        count = len(self.snapshot.labels)
        if count > _MOST_NODES:
            raise ArgumentError(
                f"{count:,} nodes are more than anybody can follow on {what}, {_MOST_NODES:,} is the most. Take the "
                "loss of one sample, or a smaller model; or go through the steps with a loop, which works for any size"
            )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        text = str(self) if len(self) <= _MOST_LINES else repr(self)
        try:
            page = html.escape(self._page(timeout=10.0))
        except Exception as error:  # a notebook shows what there is
            return {"text/plain": f"{text}\n\n(as text, as the page cannot be made: {error})"}
        frame = (
            f'<iframe srcdoc="{page}" title="Backpropagation step by step" sandbox="allow-scripts" '
            'style="width:100%;height:680px;border:0"></iframe>'
        )
        return {"text/html": frame, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return (
            f"<Steps of {self.snapshot.labels[self.root]}: {len(self)}, of which {len(self._operations) + 1} forward; "
            "print() shows them, .save('steps.html') writes them as a page>"
        )


def steps(root: Value) -> Steps:
    r"""Backpropagation step by step: the values in the order in which they were computed, then each backward step.

    A backward step adds ``adjoint * local`` to the gradient of one operand. All comes from the engine's own order and
    numbers, as ``root.backward()`` has them; no ``grad`` is read or changed.

    Returned is a sequence of small records, which prints as a table; ``.save("steps.html")`` writes it as one
    page that needs no network, ``.frames("folder")`` as a picture for each step.

    Raises ``TypeError`` if the root is no Value, ``GraphError`` if it is a constant, or if the data of an operand has
    been assigned since it was used: the numbers of the forward pass are gone then.

    >>> from autograd_lite import Value, steps
    >>> x, y = Value(3.0, name="x"), Value(2.0, name="y")
    >>> print(steps(x * y + x))
    Forward
      1  x                                       = 3
         y                                       = 2
      2  v2       = x * y               = 3 * 2  = 6
      3  v3       = v2 + x              = 6 + 3  = 9
    Backward
      4  v3.grad                                 = 1
      5  v2.grad  += v3.grad * dv3/dv2  = 1 * 1  = 1  now 1
      6  x.grad   += v3.grad * dv3/dx   = 1 * 1  = 1  now 1
      7  x.grad   += v2.grad * dv2/dx   = 1 * 2  = 2  now 3
      8  y.grad   += v2.grad * dv2/dy   = 1 * 3  = 3  now 3
    >>> last = steps(x * y + x)[-1]
    >>> last.operand is y, last.adjoint, last.local, last.total
    (True, 1.0, 3.0, 3.0)
    """
    if not isinstance(root, Value):
        raise TypeError(f"steps takes the Value that is differentiated, such as a loss; got {describe(root)}")
    modes.current().interpreter.refuse("backward")
    if not root.requires_grad:
        raise GraphError(
            "steps needs a Value with a graph, and this one is a constant: it was computed under no_grad(), comes "
            "from detach(), or depends on such Values only. Compute it outside no_grad(), from Values that were not "
            "detached."
        )
    return Steps(root)


def _table(shown: Sequence[Step], count: int) -> str:
    """Steps in lines, their parts under each other."""
    rows = [
        ("" if of_step else str(number), *(cut(part, _WIDEST) for part in row))
        for number, step in enumerate(shown, 1)
        for of_step, row in enumerate(step.rows())
    ]
    widths = [max(map(columns_wide, column)) for column in zip(*rows, strict=True)]
    lines = ["Forward"]
    for number, *row in rows:
        if number and isinstance(shown[int(number) - 1], Seed):
            lines.append("Backward")
        padded = [part + " " * (width - columns_wide(part)) for part, width in zip(row, widths[1:], strict=True)]
        lines.append(f"{number:>{widths[0] + 2}}  {'  '.join(padded)}".rstrip())
    if count > len(shown):
        lines.append(f"and {count - len(shown):,} steps more; go through them with a loop, or take a slice")
    return "\n".join(lines)


def _raise_if_assigned_since(operations: Sequence[Value]) -> None:
    """Raise if a value is not what its operands give: what was computed with is gone then."""
    for node in operations:
        if not is_as_computed(node):
            now = node._primitive.evaluate(*[o.data if isinstance(o, Value) else o for o in node.operands])
            raise GraphError(
                f"steps shows the numbers with which {node._primitive.name} was computed, and .data has been assigned "
                f"since: now {listed(node.operands)} give {now}, not {node.data}. Compute the result again, or call "
                "steps before assigning, such as before optimizer.step()."
            )

"""The instruction that repeats a program, and the two that go with it.

A :class:`Loop` has several results, and some of them are sequences: one number for each step. So its result is a
*bundle*, of which an :class:`Item` takes one; and a :class:`Stack` makes a sequence of numbers. In Python a bundle is a
tuple and a sequence a list of floats; in the virtual machine both are the address of an array of doubles.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from autograd_lite.core.op import Op

__all__ = ["BodyChanged", "Item", "Loop", "Several", "Stack", "item", "stack"]


class BodyChanged(Exception):  # noqa: N818 - the function is run as it is instead, and nobody sees it
    """The step of a loop does not do what it did when it was recorded, or the count is no whole number."""


class Several(Op):
    """An operation on bundles or sequences, or with such a result. It computes with whatever it is given."""

    __slots__ = ()

    def __init__(self, name: str, arity: int | None) -> None:
        self.name = self.symbol = name
        self.arity, self.is_of_the_table = arity, False

    def __call__(self, *operands: Any, **named: Any) -> Any:
        return self.evaluate(*operands)


class Item(Several):
    """One of a bundle's results, or the number of one step in a sequence."""

    __slots__ = ("position",)

    def __init__(self, position: int) -> None:
        self.position = position
        super().__init__(f"item {position}", 1)

    def evaluate(self, *numbers: Any) -> Any:
        """The item."""
        return numbers[0][self.position]


@functools.cache
def item(position: int) -> Item:
    """The operation that takes the item of this position; always the same one."""
    return Item(position)


class Stack(Several):
    """A sequence of so many numbers."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("stack", None)

    def evaluate(self, *numbers: Any) -> Any:
        """The sequence."""
        return list(numbers)


stack = Stack()


class Loop(Several):
    """A program that is repeated.

    Args:
        name: how errors and ``print`` call it.
        program: one step. Its inputs are the constants, the carries, and of each sequence the number of this step; its
            outputs the new carries, and one number for each sequence that comes out. Where it goes on by a
            condition, its last output says whether there is another step.
        constants: how many constants there are; ``carries``, ``sequences`` and ``results`` likewise. The results
            are the sequences that come out.
        is_reversed: go through the sequences from the end.
        is_while: the count is a flag, 0.0 for no step at all, and there is one more result: the count of steps.

    Its operands are the count, the constants, the first carries, and the sequences. It gives a bundle: the last
    carries, then the sequences that come out, then the count if it is a while loop.
    """

    __slots__ = ("carries", "constants", "is_reversed", "is_while", "program", "results", "sequences")

    def __init__(
        self,
        name: str,
        program: Any,
        *,
        constants: int,
        carries: int,
        sequences: int,
        results: int,
        is_reversed: bool = False,
        is_while: bool = False,
    ) -> None:
        super().__init__(name, None)
        self.program = program
        self.constants, self.carries, self.sequences, self.results = constants, carries, sequences, results
        self.is_reversed, self.is_while = is_reversed, is_while

    @property
    def width(self) -> int:
        """How many results there are."""
        return self.carries + self.results + self.is_while

    def evaluate(self, *numbers: Any) -> Any:
        """The bundle, by each primitive's own evaluation."""
        return self.repeated(self.program.evaluate, numbers)

    def __call__(self, *operands: Any, **named: Any) -> Any:
        return self.repeated(self.program, operands)

    def repeated(self, step: Callable[..., Any], operands: Sequence[Any]) -> Any:
        """The bundle, where ``step`` is the program as a function; an int instead of a tuple says that it failed."""
        first = 1 + self.constants
        constants = operands[1:first]
        carry = list(operands[first : first + self.carries])
        sequences = operands[first + self.carries :]
        columns: list[list[Any]] = [[] for _ in range(self.results)]
        taken = 0

        def advance(*x: Any) -> Any:
            nonlocal carry
            outputs = step(*constants, *carry, *x)
            if type(outputs) is int:
                raise BodyChanged
            carry = list(outputs[: self.carries])
            for column, y in zip(columns, outputs[self.carries :], strict=False):
                column.append(y)
            return outputs[-1] if self.is_while else None

        if self.is_while:
            goes_on = operands[0]
            while goes_on != 0.0:
                goes_on = advance()
                taken += 1
            return (*carry, *columns, float(taken))
        count = _whole(operands[0])
        for i in reversed(range(count)) if self.is_reversed else range(count):
            advance(*[sequence[i] for sequence in sequences])
        if self.is_reversed:
            for column in columns:
                column.reverse()
        return (*carry, *columns)


def _whole(count: Any) -> int:
    """A count of steps; less than 0 is none."""
    number = getattr(count, "data", count)
    if number % 1.0 != 0.0:  # nan and inf too
        raise BodyChanged
    return max(int(number), 0)

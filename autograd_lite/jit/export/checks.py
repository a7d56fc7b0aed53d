"""What can leave the package at all."""

from autograd_lite.core.loops import Several
from autograd_lite.core.op import Op
from autograd_lite.errors import ArgumentError
from autograd_lite.jit.passes import optimize
from autograd_lite.jit.program import Instruction, Program

__all__ = ["exportable", "readable"]

#: Formulas of more instructions nobody reads.
READABLE = 300


def exportable(program: Program, what: str) -> Program:
    """The program, with operations on constants done beforehand, as a C compiler may round them otherwise.

    Raises ``ArgumentError`` if an instruction is not one of a primitive on numbers.
    """
    _check_instructions(program, what)
    for instruction in program.instructions:
        if not instruction.op.is_of_the_table:
            raise ArgumentError(
                f"{what} knows the primitives of autograd_lite, and {instruction.op.name!r} is none of them. If it is "
                "an operation of your own, compose it of primitives in the function that is compiled"
            )
    if program.checked:
        raise ArgumentError(
            f"{what} takes a program as jit records it, and {program.name} is its fast form, which needs a check. "
            "Hand in the program itself"
        )
    return optimize(program)


def readable(program: Program, what: str) -> None:
    """Raise ``ArgumentError`` for a program that is too long to be read as formulas."""
    _check_instructions(program, what)
    if len(program) > READABLE:
        raise ArgumentError(
            f"{what} is for reading, of at most {READABLE} instructions, and {program.name} has {len(program)}. "
            "print() the program, or take to_python() or to_c() of it"
        )


def _check_instructions(program: Program, what: str) -> None:
    for instruction in program.instructions:
        # What is more than a primitive and numbers is not known here.
        if type(instruction) is not Instruction or type(instruction.op) is not Op or any(instruction[2:]):
            if isinstance(getattr(instruction, "op", None), Several):
                raise ArgumentError(
                    f"{what} takes no scan, fori_loop or while_loop, and {program.name} has one. Write a plain "
                    "loop, which is written out, or export its step"
                )
            raise ArgumentError(f"{what} does not know this instruction of {program.name}: {instruction!r}")

"""``jit``: a function on Values, recorded and compiled."""

import sys
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

if TYPE_CHECKING:
    from autograd_lite.jit.compiled import Compiled

__all__ = ["jit"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


@overload
def jit(
    f: Callable[_P, _R],
    *,
    backend: str = "auto",
    static_argnames: str | Iterable[str] = (),
    fast_math: bool = False,
    max_paths: int = 64,
    verify: bool = False,
) -> "Compiled[_P, _R]": ...
@overload
def jit(
    *,
    backend: str = "auto",
    static_argnames: str | Iterable[str] = (),
    fast_math: bool = False,
    max_paths: int = 64,
    verify: bool = False,
) -> "Callable[[Callable[_P, _R]], Compiled[_P, _R]]": ...
def jit(
    f: Callable[..., Any] | None = None,
    *,
    backend: str = "auto",
    static_argnames: str | Iterable[str] = (),
    fast_math: bool = False,
    max_paths: int = 64,
    verify: bool = False,
) -> Any:
    """The function compiled: recorded at its first call, replayed from then on. Also a decorator.

    Args:
        f: a function of numbers and Values, in nested lists, tuples and dicts, arrays and modules.
        backend: ``"vm"`` (the compiled core's virtual machine, at once), ``"native"`` (machine code; needs
            llvmlite, extra ``native``), ``"python"``, or ``"auto"``: the virtual machine from the first call on, and
            machine code, compiled in the background, once that has paid. Without a compiled core ``"auto"``
            compiles at the third run: native where llvmlite is installed, else python.
        static_argnames: parameters that are no numbers to compute with: for each of their
            values the function is recorded anew. Strings, bools and None are static by themselves.
        fast_math: let machine code round differently where that is faster. Under ``"auto"`` answers may then
            change in their last digits when it comes.
        max_paths: how many recordings of f are kept: one for each path through its branches, each
            structure of arguments, and so on. What is new after that runs uncompiled, with a warning; so it
            does once sixteen recordings have been of use only once.
        verify: run f itself beside the compiled function at each call, and raise ``VerificationError`` at
            the first bit that differs; for tests.

    What comes back has attributes ``program``, ``source`` and ``draw()`` for what was made, and ``to_c(name)``,
    ``to_python()``, ``to_latex()`` and ``to_sympy()`` to take it out of the package.
    Raises ``ArgumentError`` for options there are not. When called, ``MissingDependencyError`` without
    llvmlite under ``"native"`` or without a compiled core under ``"vm"``, and ``TracingError`` if f does what
    cannot be recorded, such as turning an argument into an int.

    >>> from autograd_lite import Value, grad, jit, sin
    >>> fast = jit(grad(lambda x: sin(x) * x))
    >>> fast(0.0), fast(0.0) == grad(lambda x: sin(x) * x)(0.0)
    (0.0, True)
    >>> x = Value(3.0)
    >>> jit(lambda: x * x)().backward()
    >>> x.grad
    6.0
    """
    from autograd_lite.jit.compiled import Compiled  # when first asked for: most programs do not compile

    def compiled(function: Callable[..., Any]) -> Compiled[..., Any]:
        return Compiled(
            function,
            backend=backend,
            static_argnames=static_argnames,
            fast_math=fast_math,
            max_paths=max_paths,
            verify=verify,
        )

    return compiled if f is None else compiled(f)


class _Room(ModuleType):
    """The package has the name of its function, and some ways of importing put it in that one's place."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return jit(*args, **kwargs)


sys.modules[__name__].__class__ = _Room

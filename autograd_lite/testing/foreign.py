"""Gradients that are not the engine's: of NumPy, of C, of any code that takes and gives numbers."""

import contextlib
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from autograd_lite.core.checks import as_float, describe, is_real
from autograd_lite.core.node import Node, number
from autograd_lite.errors import ArgumentError
from autograd_lite.testing.noise import estimated_noise
from autograd_lite.testing.numbers import UNIT_ROUNDOFF
from autograd_lite.testing.oracles import Line, with_coordinate
from autograd_lite.testing.subjects import Subject, argument_names

__all__ = ["Foreign"]

#: So many roundoffs of a derivative are allowed, and so many standard deviations of the noise in it.
ROUNDOFFS, DEVIATIONS = 64.0, 8.0


class Foreign(Subject):
    """Any function of numbers and arrays, and another that gives its derivatives."""

    modes = ("given",)

    def __init__(self, f: Callable[..., Any], args: tuple[Any, ...], gradient: Any, scale: Any = None) -> None:
        if not callable(gradient):
            raise TypeError(f"grad is the function that gives the gradient of f, got {describe(gradient)}")
        named = zip(argument_names(f, args), args, strict=True)
        self._leaves = [pair for name, arg in named for pair in _leaves(arg, name)]
        self._f, self._args, self._gradient = f, args, gradient
        self.names = [name for path, leaf in self._leaves for name in _entries(path, _shape(leaf))]
        self.x = [x for _, leaf in self._leaves for x in _numbers(leaf)]
        if not all(map(math.isfinite, self.x)):
            raise ArgumentError(f"a gradient can be checked at finite numbers only, got {self.x}")
        self._set_scales(scale, _numbers)
        at_x = f(*self._at(self.x))  # nothing is caught here, so a mistake in the call shows
        if isinstance(at_x, complex) or getattr(getattr(at_x, "dtype", None), "kind", "") == "c":
            raise TypeError(f"check_gradients takes a function that returns real numbers; it returned {describe(at_x)}")
        self._values, self._shape, self.roundoff = _numbers(at_x), _shape(at_x), _roundoff(at_x)
        if not self._values:
            raise TypeError(f"check_gradients takes a function that returns numbers; it returned {describe(at_x)}")
        self._jacobian, self._gradient_roundoff = self._differentiated(self.x)

    def indices(self, order: int) -> list[tuple[int, ...]]:
        """The rows of the Jacobian one after the other."""
        n: list[tuple[int, ...]] = [(i,) for i in range(len(self.x))]
        return n * len(self._values)

    def label(self, k: int, order: int) -> str:
        """The name of the k-th derivative."""
        row, i = divmod(k, len(self.x))
        return self.names[i] if len(self._values) == 1 else f"result {row} by {self.names[i]}"

    def lines(self, order: int) -> list[Line]:
        """All results along each coordinate."""
        return self._lines(self._evaluated, len(self._values))

    def derivatives(self, order: int, mode: str) -> list[float]:
        """What the given gradient says."""
        return self._jacobian

    def rounding(self, order: int, *, thorough: bool = False) -> tuple[list[float], list[float]]:
        """Some roundoffs of each derivative; if thorough, the noise seen in it beside x as well."""
        tolerances = [ROUNDOFFS * self._gradient_roundoff * abs(g) for g in self._jacobian]
        if thorough:
            n = len(self.x)
            lines = self._lines(lambda numbers: self._differentiated(numbers)[0], len(self._jacobian))
            for i, line in enumerate(lines):
                for k, noise in list(enumerate(estimated_noise(line)))[i::n]:
                    tolerances[k] += DEVIATIONS * noise
        return tolerances, [4 * self.roundoff * abs(value) for value in self._values]

    def _lines(self, f: Callable[[list[float]], list[float]], count: int) -> list[Line]:
        def along(i: int) -> Callable[[float], list[float]]:
            def of_coordinate(xi: float) -> list[float]:
                with _without_warnings():
                    return f(with_coordinate(self.x, i, xi))

            return of_coordinate

        rounded = [_rounding_to(leaf) for _, leaf in self._leaves for _ in _numbers(leaf)]
        return [Line(along(i), x, self.scales[i], count, rounded[i]) for i, x in enumerate(self.x)]

    def _at(self, numbers: Sequence[float]) -> tuple[Any, ...]:
        """The arguments anew, with these numbers in them."""
        given = iter(numbers)
        return tuple(_rebuilt(arg, given) for arg in self._args)

    def _evaluated(self, numbers: list[float]) -> list[float]:
        values = _numbers(self._f(*self._at(numbers)))
        if len(values) != len(self._values):
            raise TypeError(f"f returned {len(self._values)} numbers at the point, and {len(values)} beside it")
        return values

    def _differentiated(self, numbers: Sequence[float]) -> tuple[list[float], float]:
        """The rows of the Jacobian by the given function, one after the other, and their roundoff."""
        answer = self._gradient(*self._at(numbers))
        if answer is None:
            raise TypeError("grad returned None; it is to return the gradient. Where it fills an array, return that")
        tree = self._args[0] if len(self._args) == 1 else self._args
        m = len(self._values)
        blocks = list(_blocks(tree, answer, m, self._shape))
        rows = [block[r * len(block) // m : (r + 1) * len(block) // m] for r in range(m) for block in blocks]
        return [entry for row in rows for entry in row], max(self.roundoff, _roundoff(answer))


# ---- Numbers in structures, arrays kept as they are -------------------------------------


def _is_array(thing: Any) -> bool:
    numpy = sys.modules.get("numpy")  # an array can only come from a loaded NumPy
    return numpy is not None and isinstance(thing, numpy.ndarray)


def _without_warnings() -> Any:
    """NumPy's warnings are off, as for steps beyond the domain."""
    numpy = sys.modules.get("numpy")
    return numpy.errstate(all="ignore") if numpy is not None else contextlib.nullcontext()


def _leaves(tree: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every number and array with its path."""
    if isinstance(tree, dict):
        for key, child in tree.items():
            yield from _leaves(child, f"{path}[{key!r}]")
    elif isinstance(tree, (list, tuple)):
        for i, child in enumerate(tree):
            yield from _leaves(child, f"{path}[{i}]")
    elif _is_array(tree) or is_real(tree) or isinstance(tree, Node):
        yield path, tree
    else:
        raise TypeError(f"expected numbers, arrays, or lists, tuples and dicts of them; got {describe(tree)} at {path}")


def _numbers(tree: Any) -> list[float]:
    """All numbers in a structure, in order; whatever turns into an array counts as one."""
    if isinstance(tree, Node):
        return [float(number(tree))]
    if is_real(tree):
        return [as_float(tree)]
    if isinstance(tree, complex):  # beyond the domain, as (-1.0) ** 0.5 is
        return [math.nan]
    if isinstance(tree, (dict, list, tuple)):
        return [x for child in (tree.values() if isinstance(tree, dict) else tree) for x in _numbers(child)]
    if hasattr(tree, "__array__"):
        import numpy

        return [x for item in numpy.asarray(tree).ravel().tolist() for x in _numbers(item)]
    raise TypeError(f"expected numbers, arrays, or lists, tuples and dicts of them; got {describe(tree)}")


def _shape(tree: Any) -> tuple[int, ...]:
    """The lengths of an array or of nested lists."""
    if isinstance(tree, (list, tuple)):
        return (len(tree), *(_shape(tree[0]) if tree else ()))
    return (len(tree),) if isinstance(tree, dict) else tuple(getattr(tree, "shape", ()))


def _entries(path: str, shape: tuple[int, ...]) -> list[str]:
    """The name of each number in an array."""
    names = [path]
    for length in shape:
        names = [f"{name}[{i}]" for name in names for i in range(length)]
    return names


def _roundoff(tree: Any) -> float:
    """The unit roundoff of the least precise number in a structure."""
    if isinstance(tree, (dict, list, tuple)):
        return max(map(_roundoff, tree.values() if isinstance(tree, dict) else tree), default=UNIT_ROUNDOFF)
    if not hasattr(tree, "__array__"):
        return UNIT_ROUNDOFF
    import numpy

    dtype = numpy.asarray(tree).dtype
    return max(UNIT_ROUNDOFF, float(numpy.finfo(dtype).eps) / 2) if dtype.kind == "f" else UNIT_ROUNDOFF


def _rounding_to(leaf: Any) -> Callable[[float], float]:
    """What rounds a float to the precision of a number or array."""
    dtype = getattr(leaf, "dtype", None)
    if getattr(dtype, "kind", "") != "f":
        return float

    def rounded(x: float) -> float:
        with _without_warnings():
            return float(dtype.type(x))  # type: ignore[union-attr]

    return rounded


def _rebuilt(tree: Any, given: Iterator[float]) -> Any:
    """The same structure, arrays of the same shape and precision, with other numbers; ints turn into floats."""
    if isinstance(tree, dict):
        return {key: _rebuilt(child, given) for key, child in tree.items()}
    if isinstance(tree, (list, tuple)):
        items = [_rebuilt(child, given) for child in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    if _is_array(tree):
        import numpy

        flat = [next(given) for _ in range(tree.size)]
        return numpy.array(flat, dtype=tree.dtype if tree.dtype.kind in "fO" else float).reshape(tree.shape)
    x = next(given)
    return tree.dtype.type(x) if getattr(getattr(tree, "dtype", None), "kind", "") == "f" else x


def _blocks(tree: Any, answer: Any, m: int, shape: tuple[int, ...]) -> Iterator[list[float]]:
    """The derivatives of m results by each array, number or list of numbers among the arguments."""
    if not _is_vector(tree):
        keys: Any = tree if isinstance(tree, dict) else range(len(tree))
        is_alike = isinstance(answer, dict) == isinstance(tree, dict) and hasattr(answer, "__getitem__")
        if not is_alike or len(answer) != len(tree) or (isinstance(tree, dict) and set(answer) != set(tree)):
            raise ArgumentError(
                f"grad gives the derivatives in the structure of the arguments, here a {type(tree).__name__} of "
                f"{len(tree)}; it gave {describe(answer)}"
            )
        for key in keys:
            yield from _blocks(tree[key], answer[key], m, shape)
        return
    block, wanted = _numbers(answer), (*shape, *_shape(tree))
    got = _shape(answer)
    is_array = hasattr(answer, "shape")
    if len(block) != m * len(_numbers(tree)) or (is_array and _squeezed(got) != _squeezed(wanted)):
        raise ArgumentError(
            f"grad gives an array of shape {wanted}, the shape of the results and then that of the argument; "
            f"it gave one of shape {got}"
        )
    yield block


def _squeezed(shape: tuple[int, ...]) -> list[int]:
    return [length for length in shape if length != 1]


def _is_vector(tree: Any) -> bool:
    """Whether it is an array, a number, or nested lists of numbers alone."""
    if isinstance(tree, (list, tuple)):
        return all(_is_vector(child) and not _is_array(child) for child in tree)
    return not isinstance(tree, dict)

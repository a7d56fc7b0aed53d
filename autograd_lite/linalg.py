"""Linear algebra for small matrices of numbers and Values: ``solve``, ``inv``, ``det``.

Matrices are nested lists or NumPy arrays, row by row; of lists come lists, of arrays arrays. All is
done by arithmetic with the elements, so that derivatives of any order follow by themselves. It takes
some n^3 operations: for matrices of up to 20 rows or so.
"""

from collections.abc import Sequence
from typing import Any

from autograd_lite.core.checks import describe, is_real
from autograd_lite.core.elementwise import is_array, packed
from autograd_lite.core.node import number
from autograd_lite.errors import ArgumentError

__all__ = ["det", "inv", "solve"]

_Matrix = list[list[Any]]


def solve(a: Any, b: Any) -> Any:
    """The x for which a @ x is b, by elimination with partial pivoting (Golub and Van Loan, 3.4).

    Args:
        a: a square matrix.
        b: a vector, or a matrix whose columns are solved for at once; x has its shape.

    Raises ``ArgumentError`` for other shapes and where a is singular (a pivot is exactly 0), ``TypeError``
    for what holds no numbers.

    >>> solve([[2.0, 1.0], [1.0, 3.0]], [3.0, 5.0])
    [0.8, 1.4]
    """
    matrix, right = _square(a, "solve"), _rows(b, "solve")
    is_vector = not isinstance(right[0], list)
    columns = [[item] for item in right] if is_vector else right
    if len(columns) != len(matrix) or len(set(map(len, columns))) > 1:
        raise ArgumentError(f"solve takes as many rows on the right as in the matrix, {len(matrix)}; got {len(right)}")
    upper, _, rest = _eliminated([[*row, *given] for row, given in zip(matrix, columns, strict=True)])
    if rest:
        raise ArgumentError(f"the matrix is singular: no pivot but 0 in column {len(matrix) - len(rest)}")
    x: _Matrix = []
    size = len(matrix)
    for row in reversed(upper):
        first = size - len(x) - 1
        above = row[size:]
        for factor, known in zip(row[first + 1 : size], x, strict=True):
            above = [value - factor * item for value, item in zip(above, known, strict=True)]
        x.insert(0, [value / row[first] for value in above])
    return _as_given([row[0] for row in x] if is_vector else x, a, b)


def inv(a: Any) -> Any:
    """The inverse of a square matrix. Raises as :func:`solve` does.

    >>> inv([[2.0, 0.0], [0.0, 4.0]])
    [[0.5, 0.0], [0.0, 0.25]]
    """
    size = len(_square(a, "inv"))
    return solve(a, [[float(i == j) for j in range(size)] for i in range(size)])


def det(a: Any) -> Any:
    """The determinant of a square matrix, with its derivatives where it is 0 too. Raises as :func:`solve` does.

    >>> det([[2.0, 1.0], [1.0, 3.0]])
    5.0
    """
    upper, sign, rest = _eliminated(_square(a, "det"))
    total: Any = sign
    for position, row in enumerate(upper):
        total = total * row[position]
    return total * _without_division(rest) if rest else total


def _eliminated(rows: _Matrix) -> tuple[_Matrix, float, _Matrix]:
    """The rows in upper triangular form, the sign of their exchanges, and what is left at a column of zeros alone."""
    rows, sign = [list(row) for row in rows], 1.0
    size = len(rows)
    for column in range(size):
        pivot = max(range(column, size), key=lambda i: abs(number(rows[i][column])))
        if rows[pivot][column] == 0.0:
            return rows[:column], sign, [row[column:size] for row in rows[column:]]
        if pivot != column:
            rows[column], rows[pivot], sign = rows[pivot], rows[column], -sign
        top = rows[column]
        for row in rows[column + 1 :]:
            factor = row[column] / top[column]
            row[column + 1 :] = [x - factor * y for x, y in zip(row[column + 1 :], top[column + 1 :], strict=True)]
    return rows, sign, []


def _without_division(matrix: _Matrix) -> Any:
    """The determinant by sums and products alone, some n^4 of them (Bird, 2011)."""
    size = len(matrix)
    product = matrix
    for _ in range(size - 1):
        factor = [[product[i][j] if j > i else 0.0 for j in range(size)] for i in range(size)]
        trace: Any = 0.0
        for i in reversed(range(size)):
            factor[i][i] = -trace
            trace = trace + product[i][i]
        product = [[_dot(row, [other[j] for other in matrix]) for j in range(size)] for row in factor]
    return product[0][0] * (-1.0) ** (size - 1)


def _dot(xs: Sequence[Any], ys: Sequence[Any]) -> Any:
    total: Any = 0.0
    for x, y in zip(xs, ys, strict=True):
        total = total + x * y
    return total


def _rows(thing: Any, name: str) -> list[Any]:
    """The numbers of a vector, or the rows of a matrix as lists."""
    rows = thing.tolist() if is_array(thing) else thing
    if not isinstance(rows, (list, tuple)) or not rows:
        raise ArgumentError(f"{name} takes nested lists or arrays of numbers, got {describe(thing)}")
    rows = [list(row) if isinstance(row, (list, tuple)) else row for row in rows]
    for row in rows:
        for item in row if isinstance(row, list) else [row]:
            if not (is_real(item) or hasattr(type(item), "__autograd_op__")):
                raise TypeError(f"{name} takes numbers and Values in rows of one length; got {describe(item)}")
    if len({isinstance(row, list) for row in rows}) > 1:
        raise ArgumentError(f"{name} takes a vector or a matrix; got numbers beside rows")
    return rows


def _square(thing: Any, name: str) -> _Matrix:
    rows = _rows(thing, name)
    if not isinstance(rows[0], list) or {len(row) for row in rows} != {len(rows)}:
        lengths = [len(row) if isinstance(row, list) else 1 for row in rows]
        raise ArgumentError(f"{name} takes a square matrix, {len(rows)} rows of {len(rows)} numbers; got {lengths}")
    return rows


def _as_given(result: list[Any], *given: Any) -> Any:
    """The result as an array if one was given."""
    if not any(map(is_array, given)):
        return result
    is_matrix = isinstance(result[0], list)
    items = [item for row in result for item in row] if is_matrix else result
    array = packed(items, (len(items),))
    return array.reshape(len(result), -1) if is_matrix else array

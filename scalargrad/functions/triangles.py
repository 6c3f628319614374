"""Triangles of Values and numbers: Cholesky's, that of Gram and Schmidt, and equations in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..core import tracer
from ..core.arithmetic import is_value
from ..table import ops
from .elementary import apply_many, dot, sqrt

Columns = list[list[Any]]

#: how little of a column may be left where it is no sum of multiples of others
_INDEPENDENT = 1e-13


def seen(x: Any) -> Any:
    """Return a number to decide by: that of a Value, or what stands for it on a tape."""
    if not is_value(x):
        return x
    if not tracer.is_on():
        return x._data
    return x if tracer.solving.get() else x.detach()  # equations follow what is not cut off


def decided(question: Callable[[], Any]) -> bool:
    """Ask about numbers; inside an equation that is recorded none may be compared, and it is no."""
    return not (tracer.is_on() and tracer.solving.get()) and bool(question())


def transposed(rows: Sequence[Sequence[Any]]) -> Columns:
    """Return the columns of rows, or the rows of columns.

    >>> transposed([[1.0, 2.0], [3.0, 4.0]])
    [[1.0, 3.0], [2.0, 4.0]]
    """
    return [list(column) for column in zip(*rows, strict=True)]


def minus(x: Any, left: list[Any], above: Sequence[Any]) -> Any:
    """Return an entry minus the product of what stands left of it with as much above it."""
    return x - dot(left, above[: len(left)]) if left else x


def from_below(triangle: Sequence[Sequence[Any]], column: list[Any]) -> list[Any]:
    """Return x of U·x = y, of which each row begins at the diagonal.

    >>> from_below([[2.0, 1.0], [4.0]], [3.0, 4.0])
    [1.0, 1.0]
    """
    solved: list[Any] = []  # from the last
    for (diagonal, *others), y in zip(reversed(triangle), reversed(column), strict=True):
        solved.append(minus(y, others, solved[::-1]) / diagonal)
    return solved[::-1]


def from_above(triangle: Sequence[Sequence[Any]], column: list[Any]) -> list[Any]:
    """Return x of L·x = y, of which each row ends at the diagonal.

    >>> from_above([[2.0], [1.0, 4.0]], [2.0, 5.0])
    [1.0, 1.0]
    """
    solved: list[Any] = []
    for (*others, diagonal), y in zip(triangle, column, strict=True):
        solved.append(minus(y, others, solved) / diagonal)
    return solved


def lower(rows: Sequence[Sequence[Any]]) -> Columns | int:
    """Return L of a symmetric matrix L·Lᵀ, each row to the diagonal; the row where that fails.

    Source: Golub, Van Loan, Matrix Computations, section 4.2
    """
    triangle: Columns = []
    for r, row in enumerate(rows):
        own: list[Any] = []
        for c, x in enumerate(row[:r]):
            mirrored = rows[c][r]
            entry = x if x is mirrored else (x + mirrored) / 2.0
            own.append(minus(entry, own, triangle[c]) / triangle[c][c])
        square = minus(row[r], own, own)
        if decided(lambda: seen(square) <= 0.0):  # noqa: B023 - it is asked at once
            return r
        triangle.append([*own, sqrt(square)])
    return triangle


def orthogonal(columns: Columns) -> tuple[Columns, Columns] | int:
    """Return Q and R of columns, both by columns; the first that is a sum of those before it.

    Source: Giraud, Langou, Rozložník, The loss of orthogonality in the Gram-Schmidt process
    """
    basis: Columns = []
    triangle: Columns = []
    for index, column in enumerate(columns):
        lengths, rest = project(basis, column)
        length = apply_many(ops.NORM, rest)
        if decided(lambda: seen(length) <= _INDEPENDENT * _length(column)):  # noqa: B023
            return index
        triangle.append([*lengths, length])
        basis.append([x / length for x in rest])
    return basis, triangle


def _length(column: list[Any]) -> Any:
    return apply_many(ops.NORM, list(map(seen, column)))


def project(basis: Columns, column: list[Any]) -> tuple[list[Any], list[Any]]:
    """Return the lengths of a column along some directions, and what is left of it."""
    if not basis:
        return [], column
    across = transposed(basis)
    parts = []
    for _ in range(2):  # the second time takes what rounding left
        parts.append([dot(direction, column) for direction in basis])
        column = [minus(x, row, parts[-1]) for x, row in zip(column, across, strict=True)]
    return [x + y for x, y in zip(*parts, strict=True)], column

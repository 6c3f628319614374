"""Linear algebra on Values: the names and shapes of numpy.linalg, with derivatives of any order.

Matrices are nested lists or arrays of Values and numbers. Lists give lists, an array among the
arguments gives arrays; numbers alone give numbers.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from . import errors
from .core.arguments import as_number, as_whole, by_position, is_list, number
from .core.arithmetic import are_values, is_value
from .core.modes import scope
from .core.nesting import array_of
from .functions import elementary
from .functions.elementary import apply_many, copysign, dot, log
from .functions.elimination import determinant_factors, solve_columns
from .functions.triangles import (
    Columns,
    decided,
    from_above,
    from_below,
    lower,
    orthogonal,
    project,
    seen,
    transposed,
)  # fmt: skip
from .table import ops

__all__ = [
    "LeastSquares", "LogDeterminant", "cholesky", "det", "inv", "lstsq", "matmul", "norm",
    "slogdet", "solve",
]  # fmt: skip
__dir__: Callable[[], list[str]] = __all__.copy

#: how far a matrix may be from its transpose, as a share of its largest entry
_SYMMETRIC = 1e-8


class LeastSquares(NamedTuple):
    """What `lstsq` returns: the solution, and the sum of squares that is left of each column."""

    solution: Any
    residuals: Any


class LogDeterminant(NamedTuple):
    """What `slogdet` returns, by the names of NumPy."""

    sign: Any
    logabsdet: Any


def solve(a: Any, b: Any) -> Any:
    """Solve A·x = b.

    Maths: x = A⁻¹·b, dx = A⁻¹·(db − dA·x)
    Shapes: A n × n, b n or n × k, x like b
    Raises: `ValueError` where A is singular, to rounding, or where the shapes do not fit.
    Source: Golub, Van Loan, Matrix Computations, section 3.4

    Elimination with partial pivoting, some n² nodes.

    >>> import scalargrad as sg
    >>> sg.linalg.solve([[2.0, 1.0], [1.0, 3.0]], [3.0, 4.0])
    [1.0, 1.0]
    """
    matrix, right = _square("solve", a), _Matrix("solve", "b", b)
    fit = len(right.columns[0]) == len(matrix.rows)
    _check_fit("solve", "b must have as many rows as A", fit, matrix, right)
    columns = _solved("solve", matrix, right.columns)
    return _result([matrix, right], columns[0] if right.is_vector else transposed(columns))


def inv(a: Any) -> Any:
    """Return the inverse of a matrix; to solve equations, `solve` is faster and more exact.

    Maths: X = A⁻¹, dX = −X·dA·X
    Raises: `ValueError` where A is singular, to rounding, or no square.

    >>> import scalargrad as sg
    >>> sg.linalg.inv([[2.0, 0.0], [0.0, 4.0]])
    [[0.5, 0.0], [0.0, 0.25]]
    """
    matrix = _square("inv", a)
    every = range(len(matrix.rows))
    identity = [[float(r == c) for r in every] for c in every]
    return _result([matrix], transposed(_solved("inv", matrix, identity)))


def det(a: Any) -> Any:
    """Return the determinant of a matrix, which may be singular.

    Maths: z = det A, dz/dA_ij = the cofactor of A_ij
    Raises: `ValueError` where A is no square.

    >>> import scalargrad as sg
    >>> sg.linalg.det([[2.0, 1.0], [1.0, 3.0]])
    5.0
    """
    return functools.reduce(operator.mul, _factors("det", _square("det", a)))


def slogdet(a: Any) -> LogDeterminant:
    """Return the sign of a determinant, and the logarithm of its size, which does not overflow.

    Maths: s·exp(z) = det A, dz/dA = A⁻ᵀ, ds/dA = 0
    Domain: 0 and −inf where A is singular
    Raises: `ValueError` where A is no square.

    >>> import scalargrad as sg
    >>> sg.linalg.slogdet([[0.0, 1.0], [1.0, 0.0]])
    LogDeterminant(sign=-1.0, logabsdet=0.0)
    """
    factors = _factors("slogdet", _square("slogdet", a))
    sign: Any = 1.0
    for factor in factors:
        is_zero = decided(lambda: seen(factor) == 0.0)  # noqa: B023 - it is asked at once
        sign = sign * (0.0 if is_zero else copysign(1.0, factor))
    logs = [log(factor * copysign(1.0, seen(factor))) for factor in factors]
    return LogDeterminant(sign, elementary.sum(logs))


def cholesky(a: Any) -> Any:
    """Return the lower triangle L of a symmetric, positive definite matrix.

    Maths: L·Lᵀ = A
    Domain: A_ij and A_ji count half each, so that gradients are symmetric as A is.
    Raises: `ValueError` where A is not symmetric or not positive definite.
    Source: Golub, Van Loan, Matrix Computations, section 4.2

    >>> import scalargrad as sg
    >>> sg.linalg.cholesky([[4.0, 2.0], [2.0, 5.0]])
    [[2.0, 0.0], [1.0, 2.0]]
    """
    matrix = _square("cholesky", a)
    _check_symmetric(matrix.rows)
    triangle = scope("cholesky").call(lower, matrix.rows)
    if isinstance(triangle, int):
        raise errors.NoSolutionError(
            "cholesky: A must be positive definite; got a matrix whose first"
            f" {triangle + 1} rows and columns are not; add a little to the diagonal"
        )
    return _result([matrix], [[*row, *[0.0] * (len(triangle) - len(row))] for row in triangle])


def lstsq(a: Any, b: Any) -> LeastSquares:
    """Solve A·x ≈ b with the smallest sum of squares, or of all solutions the shortest.

    Maths: x = (AᵀA)⁻¹Aᵀb for a tall A, x = Aᵀ(AAᵀ)⁻¹b for a wide one
    Shapes: A m × n, b m or m × k, the solution n or n × k; one residual for each column of b
    where A is tall, else none. NumPy's rank and singular values are left out.
    Raises: `ValueError` where the columns of a tall A, or the rows of a wide one, are not
    independent, or where the shapes do not fit.
    Source: Giraud, Langou, Rozložník, The loss of orthogonality in the Gram-Schmidt process

    >>> import scalargrad as sg
    >>> sg.linalg.lstsq([[3.0], [4.0]], [10.0, 5.0])
    LeastSquares(solution=[2.0], residuals=[25.0])
    """
    matrix, right = _Matrix("lstsq", "A", a), _Matrix("lstsq", "b", b)
    fit = not matrix.is_vector and len(right.columns[0]) == len(matrix.rows)
    _check_fit("lstsq", "A must be a matrix, b must have as many rows", fit, matrix, right)
    solutions, residuals = scope("lstsq").call(_least_squares, matrix, right.columns)
    solution = solutions[0] if right.is_vector else transposed(solutions)
    both = [matrix, right]
    return LeastSquares(_result(both, solution), _result(both, residuals))


def norm(x: Any, ord: Any = None, axis: int | None = None) -> Any:
    """Return the length of a vector, or the size of a matrix.

    Maths: √Σ x²; of a vector by ord: 1 Σ|x|, inf max|x|, −inf min|x|, p (Σ|x|ᵖ)^(1/p); of a matrix
    "fro" √Σ x², 1 and inf the largest sum of |x| down a column and along a row
    Shapes: one number; with axis 0 the length of each column of a matrix, with axis 1 of each row
    Domain: the derivatives of √Σ x² at 0 are taken as 0
    Raises: `ValueError` for another `ord`, or an axis that x does not have.

    >>> import scalargrad as sg
    >>> sg.linalg.norm([3.0, 4.0]), sg.linalg.norm([3.0, 4.0], 1)
    (5.0, 7.0)
    >>> sg.linalg.norm([[3.0, 4.0], [6.0, 8.0]], axis=1)
    [5.0, 10.0]
    """
    matrix = _Matrix("norm", "x", x)
    axes = 1 if matrix.is_vector else 2
    if axis is not None and as_whole(axis) not in range(-axes, axes):
        must = f"axis must be one of x, which has the shape {matrix.shape}"
        raise errors.InputError(errors.unwanted("norm", must, axis, "pass 0, or leave it out"))
    if axis is not None and not matrix.is_vector:
        lines = matrix.rows if axis in (1, -1) else matrix.columns
        return _result([matrix], [_length(line, ord) for line in lines])
    return _length(matrix.rows[0], ord) if matrix.is_vector else _size(matrix.rows, ord)


def _length(entries: Sequence[Any], ord: Any) -> Any:
    """Return the norm of a vector."""
    if ord is None or ord == 2:
        return apply_many(ops.NORM, list(entries))
    sizes = [abs(entry) for entry in entries]
    if not (power := as_number(ord)):
        must = "ord of a vector must be None, a power, inf or -inf"
        raise errors.InputError(errors.unwanted("norm", must, ord, "leave it out"))
    if math.isinf(power):
        return elementary.max(sizes) if power > 0 else elementary.min(sizes)
    if power == 1.0:
        return elementary.sum(sizes)
    return elementary.sum([size**power for size in sizes]) ** (1.0 / power)


def _size(rows: Columns, ord: Any) -> Any:
    """Return the norm of a matrix."""
    if ord is None or ord == "fro":
        return apply_many(ops.NORM, [entry for row in rows for entry in row])
    if ord not in (1, math.inf):
        must = 'ord of a matrix must be None, "fro", 1 or inf'
        raise errors.InputError(errors.unwanted("norm", must, ord, "leave it out"))
    sizes = [[abs(entry) for entry in row] for row in rows]
    return elementary.max(map(elementary.sum, sizes if ord != 1 else transposed(sizes)))


def matmul(a: Any, b: Any) -> Any:
    """Multiply two matrices, a matrix and a vector, or two vectors.

    Maths: z_ij = Σ a_ik·b_kj
    Shapes: m × k and k × n give m × n; a vector is a row before a matrix, a column behind one
    Raises: `ValueError` where the shapes do not fit.

    >>> import scalargrad as sg
    >>> sg.linalg.matmul([[1.0, 2.0], [3.0, 4.0]], [5.0, 6.0])
    [17.0, 39.0]
    """
    left, right = _Matrix("matmul", "a", a), _Matrix("matmul", "b", b)
    columns = right.columns
    fit = len(columns[0]) == len(left.rows[0])
    _check_fit("matmul", "b must have as many rows as a has columns", fit, left, right)
    rows = [[dot(row, column) for column in columns] for row in left.rows]
    if right.is_vector:
        product = [row[0] for row in rows]
        return product[0] if left.is_vector else _result([left, right], product)
    return _result([left, right], rows[0] if left.is_vector else rows)


# -- what they do -----------------------------------------------------------------------------


def _solved(who: str, matrix: _Matrix, columns: Columns) -> Columns:
    """Return A⁻¹ times each of some columns."""
    others = transposed(columns)
    rows = [[*row, *right] for row, right in zip(matrix.rows, others, strict=True)]
    solved = scope(who).call(solve_columns, rows)
    if isinstance(solved, int):
        raise errors.NoSolutionError(
            f"{who}: A must not be singular; got a matrix whose column {solved} is 0, or a sum of"
            " multiples of those before it; add a little to the diagonal, or leave out what is"
            " said twice"
        )
    return solved


def _factors(who: str, matrix: _Matrix) -> list[Any]:
    return scope(who).call(determinant_factors, matrix.rows)


def _check_symmetric(rows: Columns) -> None:
    pairs = [(rows[r][c], rows[c][r]) for r in range(len(rows)) for c in range(r)]
    if all(x is y for x, y in pairs):
        return
    largest = elementary.max([abs(seen(x)) for row in rows for x in row])
    difference = elementary.max([abs(seen(x) - seen(y)) for x, y in pairs])
    if decided(lambda: difference > _SYMMETRIC * largest):
        raise errors.NoSolutionError(
            "cholesky: A must be symmetric; got a matrix that differs from its transpose; pass"
            " half the sum of both"
        )


def _least_squares(matrix: _Matrix, columns: Columns) -> tuple[Columns, list[Any]]:
    """Return the solution for each of some columns, and what is left of their squares."""
    height, width = len(matrix.rows), len(matrix.rows[0])
    factors = orthogonal(matrix.rows if height < width else matrix.columns)
    if isinstance(factors, int):
        raise errors.NoSolutionError(
            "lstsq: the columns of a tall A, the rows of a wide one, must be independent; got one,"
            f" {factors}, that is 0 or a sum of multiples of those before it; leave it out"
        )
    basis, triangle = factors
    if height < width:
        lengths = [from_above(triangle, column) for column in columns]
        return [[dot(row, x) for row in transposed(basis)] for x in lengths], []
    rows = [[column[r] for column in triangle[r:]] for r in range(width)]
    parts = [project(basis, column) for column in columns]
    residuals = [dot(rest, rest) for _, rest in parts if height > width]
    return [from_below(rows, lengths) for lengths, _ in parts], residuals


# -- matrices in, matrices out ----------------------------------------------------------------


class _Matrix:
    """What was given: rows of Values and floats, and how it was written."""

    def __init__(self, who: str, what: str, given: Any) -> None:
        given = by_position(given)
        self.is_array = type(given).__module__ == "numpy" and hasattr(given, "ravel")
        things = given.tolist() if self.is_array else given
        if not is_list(things):
            must = f"{what} must be a list of rows, or of numbers"
            raise errors.OperandError(
                errors.unwanted(who, must, given, "pass e.g. [[2.0, 1.0], [1.0, 3.0]]")
            )
        self.is_vector = are_values(things, float) or not any(map(is_list, things))
        rows = [things] if self.is_vector else [_row(x) for x in things]
        lengths = list(map(len, rows))
        if not lengths[0] or len(set(lengths)) > 1:
            raise errors.InputError(
                f"{who}: {what} must have rows of equal lengths, at least 1; got the lengths"
                f" {', '.join(map(str, lengths[:9]))}; check its shape"
            )
        self.rows = [
            list(row) if are_values(row, float) else [_entry(who, what, x, given) for x in row]
            for row in rows
        ]

    @property
    def shape(self) -> str:
        """Its shape, as one writes it."""
        lengths = [len(self.rows)] * (not self.is_vector) + [len(self.rows[0])]
        return " × ".join(map(str, lengths))

    @property
    def columns(self) -> Columns:
        """Its columns; a vector is one."""
        return self.rows if self.is_vector else transposed(self.rows)


def _row(thing: Any) -> Any:
    thing = by_position(thing)
    return thing if is_list(thing) else []


def _entry(who: str, what: str, x: Any, given: Any) -> Any:
    if is_value(x):
        return x
    if is_list(x):
        must, remedy = f"{what} must be one matrix", "call it for each of them"
        raise errors.InputError(errors.unwanted(who, must, given, remedy))
    return number(who, f"each entry of {what}", x)


def _square(who: str, given: Any) -> _Matrix:
    matrix = _Matrix(who, "A", given)
    if matrix.is_vector or len(matrix.rows) != len(matrix.rows[0]):
        raise errors.InputError(
            f"{who}: A must have as many rows as columns; got the shape {matrix.shape}; check it"
        )
    return matrix


def _check_fit(who: str, wanted: str, fit: bool, left: _Matrix, right: _Matrix) -> None:
    if not fit:
        raise errors.InputError(
            f"{who}: {wanted}; got the shapes {left.shape} and {right.shape}; check them"
        )


def _result(given: Sequence[_Matrix], thing: list[Any]) -> Any:
    """Return a vector or a list of rows as what was given: lists, or an array."""
    if not any(matrix.is_array for matrix in given):
        return thing
    is_vector = not any(map(is_list, thing))
    flat = thing if is_vector else [x for row in thing for x in row]
    shape = (len(thing),) if is_vector else (len(thing), len(thing[0]))
    return array_of(flat, shape, object if any(map(is_value, flat)) else float)

"""Gaussian elimination on rows of Values and numbers, where every entry is one dot product.

In Crout's order an entry of a factor is that of the matrix minus the product of what stands left of
it and above it. So n² nodes are recorded where steps one by one would be n³, and derivatives of any
order are those of the rows of the table.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Any

from ..core import tracer
from .elementary import copysign, dot
from .triangles import decided, from_below, seen

Rows = Sequence[Sequence[Any]]


class Elimination:
    """Makes a triangle of rows, column by column, by taking from each multiples of those above.

    Maths: P·A = L·U
    Source: Golub, Van Loan, Matrix Computations, section 3.4 (partial pivoting)
    """

    def __init__(self, rows: Rows) -> None:
        self.rows: list[list[Any]] = [list(row) for row in rows]
        self.multipliers: list[list[Any]] = [[1.0] for _ in rows]  # of the entry, of those above
        self.triangle: list[list[Any]] = []  # its columns down to the diagonal
        self.sign: Any = 1.0  # of the order in which the rows were taken

    def reduced(self, c: int) -> list[Any]:
        """Return a column after elimination, as far as there are multipliers for its rows."""
        column: list[Any] = []
        zeros = 0  # on top, as of an identity: they need no node
        for row, own in zip(self.rows, self.multipliers, strict=True):
            entry, count = row[c], len(own) - 1
            if zeros < count:
                left = [1.0, *own[zeros + 1 :]] if zeros else own
                entry = dot(left, [entry, *column[zeros:count]])
            if zeros == len(column) and entry.__class__ is float and entry == 0.0:
                zeros += 1
            column.append(entry)
        return column

    def take(self, c: int) -> bool:
        """Make a column the next of the triangle, unless it is a sum of those before it."""
        column, top = self.reduced(c), len(self.triangle)
        if tracer.is_on():
            self._exchange_on_tape(column, top)
        else:
            self._exchange(column, top)
        pivot = column[top]
        if _is_rounding(pivot, self.rows[top][c], self.multipliers[top], column):
            return False
        opposite = -pivot
        for multipliers, entry in islice(zip(self.multipliers, column, strict=True), top + 1, None):
            multipliers.append(entry / opposite)
        self.triangle.append(column[: top + 1])
        return True

    def _exchange(self, column: list[Any], top: int) -> None:
        """Bring the row with the largest entry of a column to the top of those that are left."""
        sizes = [abs(x if x.__class__ is float else x._data) for x in column]
        for i in range(top + 1, len(sizes)):
            if sizes[i] > sizes[top]:
                for lines in (self.rows, self.multipliers, column, sizes):
                    lines[top], lines[i] = lines[i], lines[top]
                self.sign = -self.sign

    def _exchange_on_tape(self, column: list[Any], top: int) -> None:
        """Do the same by products with 1 and 0, so that one tape does for every order."""
        for i in range(top + 1, len(column)):
            larger = _is_larger(column[i], column[top])
            share = larger, 1.0 - larger
            for lines in (self.rows, self.multipliers):
                pairs = zip(lines[top], lines[i], strict=True)
                exchanged = [_exchanged(share, x, y) for x, y in pairs]
                lines[top], lines[i] = [x for x, _ in exchanged], [y for _, y in exchanged]
            column[top], column[i] = _exchanged(share, column[top], column[i])
            self.sign = self.sign * (1.0 - 2.0 * larger)


def solve_columns(rows: Rows) -> list[list[Any]] | int:
    """Return X of A·X = B by its columns, from rows of A and B side by side.

    Where A is singular it is the first column that is a sum of those before it.
    """
    count = len(rows)
    elimination = Elimination(rows)
    for c in range(count):
        if not elimination.take(c):
            return c
    triangle = [[column[r] for column in elimination.triangle[r:]] for r in range(count)]
    return [from_below(triangle, elimination.reduced(c)) for c in range(count, len(rows[0]))]


# -- rows and numbers ------------------------------------------------------------------------


def _is_larger(x: Any, y: Any) -> Any:
    """Return 1 where |x| > |y|, else 0."""
    return (1.0 - copysign(1.0, abs(seen(y)) - abs(seen(x)))) / 2.0


def _exchanged(share: tuple[Any, Any], x: Any, y: Any) -> tuple[Any, Any]:
    """Return y and x where the first of two numbers is 1, x and y where the second is."""
    if x is y or (x.__class__ is y.__class__ is float and x == y):
        return x, y
    return dot([x, y], share[::-1]), dot([x, y], share)


def _is_rounding(pivot: Any, x: Any, multipliers: list[Any], column: list[Any]) -> bool:
    """Tell whether a pivot is 0, or what rounding left of terms that cancelled."""
    if len(multipliers) == 1:
        return decided(lambda: seen(pivot) == 0.0)
    above = [x, *column[: len(multipliers) - 1]]
    share = sys.float_info.epsilon * len(above)
    if not tracer.is_on():  # mostly it is far larger: no multiplier is above 1
        sizes = [abs(entry if entry.__class__ is float else entry._data) for entry in above]
        if abs(seen(pivot)) > share * sum(sizes):
            return False
    terms = [[abs(seen(entry)) for entry in entries] for entries in (multipliers, above)]
    return decided(lambda: abs(seen(pivot)) <= share * dot(*terms))


# -- determinants ----------------------------------------------------------------------------


def determinant_factors(rows: Rows) -> list[Any]:
    """Return factors of a determinant, whose derivatives are right where it is singular too.

    Columns that are sums of others come last. What elimination leaves of them is a small block
    near 0, by which nothing is divided.
    """
    elimination = Elimination(rows)
    left = deque(range(len(rows)))
    failed, sign = 0, 1.0
    while failed < len(left) > 1:
        if elimination.take(left[0]):
            left.popleft()
            failed = 0
        else:
            left.rotate(-1)
            failed += 1
            sign *= (-1.0) ** (len(left) - 1)
    top = len(elimination.triangle)
    block = [elimination.reduced(c)[top:] for c in left]  # by columns, of which none is a multiple
    pivots = [column[-1] for column in elimination.triangle]
    return [elimination.sign * sign, *pivots, _by_products(block)]


def _by_products(rows: list[list[Any]]) -> Any:
    """Return the determinant of a matrix by sums of products alone.

    Source: Bird, A simple division-free algorithm for computing determinants
    """
    columns = [list(column) for column in zip(*rows, strict=True)]
    product = rows
    for _ in rows[1:]:
        upper = enumerate(_upper(product))
        product = [[dot(row[r:], column[r:]) for column in columns] for r, row in upper]
    return product[0][0] if len(rows) % 2 else -product[0][0]


def _upper(product: list[list[Any]]) -> list[list[Any]]:
    """Return what stands above the diagonal; on it, minus the sum of the diagonal behind."""
    upper = [list(row) for row in product]
    behind: Any = 0.0
    for i in reversed(range(len(product))):
        upper[i][i] = behind
        behind = behind - product[i][i]
    return upper

"""The row of a node, and whether its numbers are those of the row now."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from ..table.row import ROWS, ManyRow, Row, is_plural
from . import tracer
from .arithmetic import data_of
from .order import edges


def named_row(node: Any) -> Row | ManyRow | None:
    """Return the row whose name and number of operands a node has.

    None for a leaf, and where the node tells its derivatives itself.
    """
    row, count = ROWS.get(node.op), len(node.operands)
    own = (node._notes or {}).get("derivatives")
    if row is None or (own is not None and own.on_values is not None):
        return None
    fits = count % row.lists == 0 if isinstance(row, ManyRow) else count == row.arity
    return row if fits else None


def row_of(node: Any) -> Row | ManyRow | None:
    """Return the row of a node; None where a user's own node only has the name of one.

    A node of `record` has a row where its numbers are those of the row.
    """
    row = named_row(node)
    recorded = "derivatives" in (node._notes or {})
    return None if row is None or (recorded and not is_current(node, row)) else row


def is_current(node: Any, row: Row | ManyRow) -> bool:
    """Tell whether value and partials of a node are what its row gives now for its operands."""
    results = results_of(row, node.operands)
    return is_result(node, results[result_index(node, len(results)) if len(results) > 1 else 0])


def is_result(node: Any, result: tuple[float, Sequence[float]]) -> bool:
    """Tell whether value and partials of a node are those, one a plain number being left out."""
    value, partials = result
    kept = [partials[position] for position, _, _ in edges(node)]
    return agree([value, *kept], [node._data, *node.partials])


def results_of(row: Row | ManyRow, operands: Sequence[Any]) -> list[tuple[float, Sequence[float]]]:
    """Return every result of a row with its partials, those of plain numbers too."""
    numbers = list(map(data_of, operands))
    if isinstance(row, Row):
        return [row.step(*numbers)]
    value, partials = row.step((True,) * row.lists)(*row.split(numbers))
    return list(zip(value, partials, strict=True)) if is_plural(row) else [(value, partials)]


def agree(left: Iterable[float], right: Iterable[float]) -> bool:
    """Tell whether numbers are the same, but for what is rounded."""
    return all(
        x == y or (x != x and y != y) or math.isclose(x, y, rel_tol=1e-9)
        for x, y in zip(left, right, strict=True)
    )


def result_index(node: Any, count: int) -> int:
    """Return which of several results a node is: by its value, else by its own large partial.

    Its own partial is positive and all others are negative: where none is positive, the node
    belongs to a plain number. Where a function is traced its line says so, for numbers tell nothing
    where they are nan or equal, and another point goes the same way.
    """
    at_work = tracer.at_work()
    traced = at_work.result(node) if at_work is not None else None
    if traced is not None:
        return traced
    row = ROWS[node.op]
    results: Any = row.value(list(map(data_of, node.operands)))
    equal = [i for i, z in enumerate(results) if z == node._data]
    if len(equal) == 1:
        return equal[0]
    own = {position: partial for position, _, partial in edges(node)}
    return max(equal or range(count), key=lambda i: own.get(i, 0.0))

"""Elements of a list by their index, also where the index is an argument of what is compiled."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from .. import errors
from ..core import tracer
from ..core.arguments import as_whole, by_position, is_list
from ..core.arithmetic import are_values, is_value
from ..core.nesting import each, flat, values_in
from . import elementary
from .elementary import dot, relu


def take(rows: Any, i: Any) -> Any:
    """Take elements of a list or an array by their index: numbers, Values, or lists of them.

    Maths: z = rows_i, dz/drows_j = 1 where j = i, else 0; the index has no derivative
    Shapes: i is an int, negative from the end, or a nesting of ints; z has the shape of i, with
    that of an element at every index, and is an array where rows is one.
    Raises: `ValueError` for an index that is out of range, `TypeError` for one that is no int.

    Inside a compiled function one recording does for every index.

    >>> import scalargrad as sg
    >>> sg.take([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [2, -3])
    [[5.0, 6.0], [1.0, 2.0]]
    """
    rows = by_position(rows)
    if isinstance(rows, (Mapping, Set)) or not (is_list(rows) and len(rows)):
        must = "rows must be a list or an array with elements"
        raise errors.OperandError(errors.unwanted("take", must, rows, "pass e.g. [1.0, 2.0]"))
    elements = list(rows)
    i = i.item() if getattr(i, "ndim", None) == 0 else i
    taken = each(i, lambda index: _element(elements, index))
    if type(rows).__module__ != "numpy" or not is_list(taken):
        return taken
    import numpy  # rows are of it

    return numpy.array(taken, dtype=object if values_in(taken) else rows.dtype)


def _element(rows: list[Any], i: Any) -> Any:
    """Return an element of a list by its index."""
    on_tape = is_value(i) and isinstance(i, int) and tracer.is_on()
    whole = i if on_tape else as_whole(i)
    if whole is None:
        remedy = "pass an int, of an array one of ints" if is_value(i) else "pass e.g. 0, or int(i)"
        raise errors.OperandError(errors.unwanted("take", "i must be a whole number", i, remedy))
    count = len(rows)
    if not -count <= whole < count:
        must = f"i must be from {-count} to {count - 1}"
        raise errors.InputError(errors.unwanted("take", must, whole, "count from 0"))
    if not on_tape:
        return rows[whole]
    return _selected(rows, whole + count if whole < 0 else whole)


def _selected(rows: list[Any], i: Any) -> Any:
    """Return an element by an index that a tape computes anew: a sum of all, times 0 but for it.

    Where elements are not all alike, or not all finite, each index is a path of its own.
    """
    first = each(rows[0], lambda x: None)
    leaves = [list(flat(row)) for row in rows]
    if not all(each(row, lambda x: None) == first for row in rows) or not all(
        are_values(own, float, int) for own in leaves
    ):
        return rows[i]
    chosen = [relu(1.0 - abs(i - float(j))).detach() for j in range(len(rows))]
    sums = iter([dot(column, chosen) for column in zip(*leaves, strict=True)])
    picked: Any = each(rows[0], lambda x: next(sums))
    seen = elementary.sum([x.detach() for x in flat(picked)])
    return picked if seen == seen else rows[i]

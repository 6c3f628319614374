"""Elements of a list by their index, also where the index is an argument of what is compiled."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence, Set
from itertools import chain
from numbers import Integral, Real
from typing import Any, NamedTuple, SupportsIndex, TypeVar, overload

from .. import errors
from .._engine import Value
from ..core import tracer
from ..core.arguments import as_number, as_whole, by_position, is_list
from ..core.arithmetic import are_values, data_of, is_value
from ..core.nesting import each, flat, values_in
from ..table.codes import CAPTURED, INPUT
from . import elementary
from .elementary import dot, relu

T = TypeVar("T")


@overload
def take(rows: list[T] | tuple[T, ...], i: SupportsIndex) -> T: ...
@overload
def take(rows: list[T] | tuple[T, ...], i: Sequence[SupportsIndex]) -> list[T]: ...
@overload
def take(rows: Any, i: Any) -> Any: ...
def take(rows: Any, i: Any) -> Any:
    """Take elements of a list or an array by their index: numbers, Values, or lists of them.

    Maths: z = rows_i, dz/drows_j = 1 where j = i, else 0; the index has no derivative
    Shapes: i is a whole number, negative from the end, or a nesting of them; z has the shape of i,
    with that of an element at every index, and is an array where rows is one.
    Raises: `ValueError` for an index that is out of range, `TypeError` for one that is not whole.

    Inside a compiled function one recording does for every index. An argument that is an int reads
    its row only; for one that is computed, `sg.floor(x)`, all rows are looked at.

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
    if on_tape and (gathered := _gathered(rows, i)) is not None:
        return gathered
    if is_value(i) and not isinstance(i, int):
        return _by_computed(rows, i)
    whole = i if on_tape else _as_int(i)
    if whole is None:
        raise _not_whole(i)
    count = len(rows)
    if not -count <= whole < count:
        raise out_of_range(count, whole)
    if not on_tape:
        return rows[whole]
    return _selected(rows, whole + count if whole < 0 else whole)


def _as_int(i: Any) -> int | None:
    """Return a whole number as an int, also a float; None for what is none."""
    if isinstance(i, Real) and not isinstance(i, Integral):
        number = as_number(i)
        return int(number) if number is not None and number.is_integer() else None
    return as_whole(i)


def _by_computed(rows: list[Any], i: Any) -> Any:
    """Return an element by a Value whose number is whole, as sg.floor(x) is."""
    if not i == elementary.floor(i):
        raise _not_whole(data_of(i))
    count = len(rows)
    if not (-count <= i and i < count):
        raise out_of_range(count, data_of(i))
    if not tracer.is_on():
        return rows[int(data_of(i))]
    return _selected(rows, i + count if i < 0 else i)


def _not_whole(i: object) -> errors.OperandError:
    is_number = isinstance(i, Real) and not isinstance(i, Integral) and i == i
    remedy = "write sg.floor(i)" if is_number else "pass e.g. 0"
    return errors.OperandError(errors.unwanted("take", "i must be a whole number", i, remedy))


def out_of_range(count: int, i: object) -> errors.InputError:
    """Return the error for an index that a list of some elements does not have."""
    must = f"i must be from {-count} to {count - 1}"
    return errors.InputError(errors.unwanted("take", must, i, "count from 0"))


def _gathered(rows: list[Any], i: Any) -> Any:
    """Return an element of a captured table by an argument: inputs that are read from the table.

    None where the index is computed, or the table is, or its elements are not all alike.
    """
    at_work = tracer.current
    assert at_work is not None
    kind, index = tracer.unpack(at_work.reference(i))
    leaves = _leaves(rows) if kind == INPUT else None
    known = _table(at_work, leaves) if leaves else None
    whole, count = int(i._data), len(rows)
    if known is None or leaves is None or not -count <= whole < count:
        return None
    if index not in known.read:  # the same row is read once, as it is the same Values
        read = known.read[index] = [Value(data_of(x)) for x in leaves[whole]]
        places = [at_work.add_input(leaf) for leaf in read]
        at_work.gathers.append(tracer.Gather(index, places[0], len(read), known.table))
    numbers = iter(known.read[index])
    return each(rows[0], lambda x: next(numbers))


def _leaves(rows: list[Any]) -> list[list[Any]] | None:
    """Return the numbers of each element; None where elements are not all alike."""
    if are_values(rows, float, int):
        return [[row] for row in rows]
    is_quick = set(map(type, rows)) == {list}
    leaves = rows if is_quick else [list(flat(row)) for row in rows]
    if not leaves[0] or not are_values(chain.from_iterable(leaves), float, int):
        return None
    if is_quick:
        return leaves if len(set(map(len, rows))) == 1 else None
    first = each(rows[0], lambda x: None)
    return leaves if all(each(row, lambda x: None) == first for row in rows) else None


class _ReadTable(NamedTuple):
    """A table that was read while a function is traced."""

    table: array[int]  # where its numbers stand among what is captured
    leaves: list[list[Any]]  # whose ids must not become those of others
    read: dict[int, list[Any]]  # an argument -> the Values of the row that it names


def _table(at_work: Any, leaves: list[list[Any]]) -> _ReadTable | None:
    """Return a table of captured numbers; None where a part of it is computed."""
    key = tuple(map(id, chain.from_iterable(leaves)))
    if key not in at_work.tables:
        captured = [x if is_value(x) else Value(x) for row in leaves for x in row]
        operands = [tracer.unpack(at_work.reference(x)) for x in captured]
        if any(operand.kind != CAPTURED for operand in operands):
            return None
        table = array("I", [operand.position for operand in operands])
        at_work.tables[key] = _ReadTable(table, [list(row) for row in leaves], {})
    found: _ReadTable = at_work.tables[key]
    return found if len(found.leaves) == len(leaves) else None


def _selected(rows: list[Any], i: Any) -> Any:
    """Return an element by an index that a tape computes anew: a sum of all, times 0 but for it.

    Where elements are not all alike, or not all finite, each index is a path of its own.
    """
    first = each(rows[0], lambda x: None)
    leaves = [list(flat(row)) for row in rows]
    if not all(each(row, lambda x: None) == first for row in rows) or not all(
        are_values(own, float, int) for own in leaves
    ):
        return _pinned(rows, i)
    chosen = [relu(1.0 - abs(i - float(j))).detach() for j in range(len(rows))]
    sums = iter([dot(column, chosen) for column in zip(*leaves, strict=True)])
    picked: Any = each(rows[0], lambda x: next(sums))
    seen = elementary.sum([x.detach() for x in flat(picked)])
    return picked if seen == seen else _pinned(rows, i)


def _pinned(rows: list[Any], i: Any) -> Any:
    """Return an element by an index, on a path of its own."""
    return rows[i] if isinstance(i, int) else next(row for j, row in enumerate(rows) if i == j)

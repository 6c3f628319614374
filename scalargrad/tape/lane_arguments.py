"""The arguments of a call as lanes: one point, or a batch along the first axis of the arrays."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .. import errors
from .._engine import are_floats
from ..core.arithmetic import is_value
from ..core.nesting import NUMBER, Structure, list_of
from .flattening import flatten_argument, of_rows


@dataclass(slots=True)
class Lanes:
    """Numbers shared by all lanes, and the columns that have their own in each lane."""

    shared: list[Any]
    has_values: bool = False
    #: where an array's columns begin among the inputs, and the array: a row a lane
    arrays: Sequence[tuple[int, Any]] = ()
    count: int = 1
    is_point: bool = True
    rows: Any = None  # which row of the arrays each lane is; None: one after the other
    #: where each argument begins among the inputs, and how many it has
    parts: Sequence[tuple[int, int]] = ()

    def at(self, rows: Any) -> Lanes:
        """Return lanes that read some rows of the arrays."""
        return Lanes(self.shared, False, self.arrays, len(rows), self.is_point, rows, self.parts)

    def take(self, rows: Any) -> Lanes:
        """Return some of the lanes."""
        if self.rows is not None:
            return self.at(self.rows[rows])
        taken = [(start, array[rows]) for start, array in self.arrays]
        return Lanes(self.shared, False, taken, len(rows), self.is_point, None, self.parts)

    def columns_at(self, place: int) -> list[Any]:
        """Return the column of the arrays that is an input, if it is none that lanes share."""
        found = []
        for start, array in self.arrays:
            if array.ndim == 1 and place == start:
                found = [array]
            elif array.ndim == 2 and start <= place < start + array.shape[1]:
                found = [array[:, place - start]]
        return found if self.rows is None else [column[self.rows] for column in found]

    def lane(self, row: int) -> list[Any]:
        """Return the numbers of one lane: an int where the argument was one."""
        numbers = list(self.shared)
        row = row if self.rows is None else int(self.rows[row])
        for start, array in self.arrays:
            own = array[row].tolist()
            own = own if isinstance(own, list) else [own]
            numbers[start : start + len(own)] = own
        return numbers


def lanes_of(name: str, arguments: Sequence[Any]) -> tuple[tuple[Structure, ...], Lanes]:
    """Take arguments apart.

    Arrays may have any layout and byte order, and any numbers: their lanes are computed as
    doubles, so that a longdouble is rounded, and bools are 0 and 1. What has `__array__` (a series,
    a tensor) is the array that it gives. An array without dimensions is a number.

    Raises: `TypeError` for what is no number, `ValueError` for arrays of different lengths, and
    for whole numbers from 2**63 in one of them.
    """
    numpy = sys.modules.get("numpy")
    array_kind = numpy.ndarray if numpy is not None else None
    structures: list[Structure] = []
    shared: list[Any] = []
    arrays: list[tuple[int, Any]] = []
    has_values = False
    parts: list[tuple[int, int]] = []
    for index, argument in enumerate(arguments):
        kind = type(argument)
        if kind is list and are_floats(argument):
            structures.append(list_of(len(argument)))
            parts.append((len(shared), len(argument)))
            shared = shared + argument if shared else argument
            continue
        if kind is float:
            structures.append(NUMBER)
            parts.append((len(shared), 1))
            shared = [*shared, argument]
            continue
        if kind is array_kind and argument.ndim:
            dtype = argument.dtype.kind
            if dtype in "fiub":  # the common case, without a walk
                structure, zeros = of_rows(dtype, argument.shape[1:])
                structures.append(structure)
                arrays.append((len(shared), argument))
                parts.append((len(shared), len(zeros)))
                shared = shared + zeros
                continue
        what = f"argument {index}"
        structure, numbers, inside = flatten_argument(name, what, argument, "pass e.g. 1.0")
        structures.append(structure)
        parts.append((len(shared), len(numbers)))
        if inside:
            arrays += [(len(shared) + start, array) for start, array in inside]
        elif not are_floats(numbers):
            has_values = has_values or any(is_value(x) for x in numbers)
        shared = shared + numbers if shared else numbers
    if not arrays:
        return tuple(structures), Lanes(shared, has_values)
    if has_values:
        raise errors.OperandError(
            f"{name}: arguments must be Values or arrays, not both; got both; pass the number of"
            " the Value, or call it lane by lane"
        )
    count = len(arrays[0][1])
    if any(len(array) != count for _, array in arrays):
        shapes = ", ".join(str(array.shape) for _, array in arrays)
        raise errors.InputError(
            f"{name}: arrays must be equally long, their first axis is the batch; got the shapes"
            f" {shapes}; pass one row a lane"
        )
    rows = [(start, _rows(name, array, count)) for start, array in arrays]
    return tuple(structures), Lanes(shared, False, rows, count, False, None, parts)


def _rows(name: str, array: Any, count: int) -> Any:
    """Return an array as doubles or 64-bit integers, a row (or a number) a lane."""
    dtype, flags = array.dtype, array.flags
    is_plain = dtype.char in "dl" and dtype.itemsize == 8 and dtype.isnative
    if is_plain and array.ndim <= 2 and flags.c_contiguous and flags.aligned:  # as most are
        return array
    if dtype.kind == "u" and dtype.itemsize == 8 and array.size and array.max() >= 2**63:
        raise errors.InputError(
            f"{name}: whole numbers in an array must be below 2**63; got {array.max()}; pass"
            " .astype(float)"
        )
    kind = "int64" if dtype.kind in "iub" else "float64"
    matrix = sys.modules["numpy"].require(array, kind, ["C", "A"])
    return matrix.reshape(count, math.prod(array.shape[1:]))


@dataclass(slots=True)
class Seen:
    """Arguments of an earlier call, all of them plain arrays: the next ones often are like them."""

    structures: tuple[Structure, ...]
    kind: Any  # of arrays
    #: of each argument: where it begins among the inputs, its dtype, its shape without the lanes
    arrays: list[tuple[int, Any, tuple[int, ...]]]
    shared: list[Any]
    parts: Sequence[tuple[int, int]]

    @staticmethod
    def of(
        arguments: Sequence[Any], structures: tuple[Structure, ...], lanes: Lanes
    ) -> Seen | None:
        """Return what to compare later arguments with; None where these are not so plain."""
        rows = [array for _, array in lanes.arrays]
        if not rows or len(rows) != len(arguments):
            return None
        if any(row is not argument for row, argument in zip(rows, arguments, strict=True)):
            return None
        arrays = [(start, array.dtype, array.shape[1:]) for start, array in lanes.arrays]
        return Seen(structures, type(rows[0]), arrays, lanes.shared, lanes.parts)

    def lanes(self, arguments: Sequence[Any]) -> Lanes | None:
        """Return the lanes of arguments that are like these; None where they are not."""
        if len(arguments) != len(self.arrays):
            return None
        rows = []
        count: int | None = None
        for argument, (start, dtype, shape) in zip(arguments, self.arrays, strict=True):
            if type(argument) is not self.kind or argument.dtype is not dtype or not argument.ndim:
                return None
            lanes, *rest = argument.shape
            flags = argument.flags
            if tuple(rest) != shape or not (flags.c_contiguous and flags.aligned):
                return None
            if lanes != count and count is not None:
                return None
            count = lanes
            rows.append((start, argument))
        return Lanes(self.shared, False, rows, count or 0, False, None, self.parts)

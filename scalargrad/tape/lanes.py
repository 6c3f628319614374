"""The arguments of a call as lanes: one point, or a batch along the first axis of the arrays."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .. import errors
from .._engine import are_floats
from ..arithmetic import Arithmetic
from .structure import NUMBER, Structure, flatten


@dataclass
class Lanes:
    """Numbers shared by all lanes, and the columns that have their own in each lane."""

    shared: list[Any]
    has_values: bool = False
    #: where an array's columns begin among the inputs, and the array: a row a lane
    arrays: Sequence[tuple[int, Any]] = ()
    count: int = 1
    is_point: bool = True

    def take(self, rows: Any) -> Lanes:
        """Return some of the lanes."""
        taken = [(start, array[rows]) for start, array in self.arrays]
        return Lanes(self.shared, False, taken, len(rows), self.is_point)

    def lane(self, row: int) -> list[Any]:
        """Return the numbers of one lane: an int where the argument was one."""
        numbers = list(self.shared)
        for start, array in self.arrays:
            numbers[start : start + array.shape[1]] = array[row].tolist()
        return numbers


def lanes_of(name: str, arguments: Sequence[Any]) -> tuple[tuple[Structure, ...], Lanes]:
    """Take arguments apart.

    Raises: `TypeError` for what is no number, `ValueError` for arrays of different lengths.
    """
    structures: list[Structure] = []
    shared: list[Any] = []
    arrays: list[tuple[int, Any]] = []
    has_values = False
    for place, argument in enumerate(arguments):
        kind = type(argument)
        if kind is float:
            structures.append(NUMBER)
            shared.append(argument)
            continue
        found: list[Any] = []
        structure, numbers = flatten(name, f"argument {place}", argument, "pass e.g. 1.0", found)
        structures.append(structure)
        if found:
            arrays += [(len(shared) + start, array) for start, array in found]
        elif not are_floats(numbers):
            has_values = has_values or any(isinstance(x, Arithmetic) for x in numbers)
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
    rows = [(start, _rows(array, count)) for start, array in arrays]
    return tuple(structures), Lanes(shared, False, rows, count, is_point=False)


def _rows(array: Any, count: int) -> Any:
    """Return an array as a matrix of doubles or of 64-bit integers, a row a lane."""
    if array.ndim == 2 and array.dtype.char == "d" and array.flags.c_contiguous:
        return array
    kind = "int64" if array.dtype.kind in "iub" else "float64"
    matrix = sys.modules["numpy"].ascontiguousarray(array, kind)
    return matrix.reshape(count, math.prod(array.shape[1:]))

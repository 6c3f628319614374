"""The structure of arguments and results: nestings of numbers, taken apart and put together."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from .. import errors
from .._engine import are_floats
from ..arithmetic import Arithmetic
from ..conversion import as_number, as_whole

#: "number", "integer", (list, structure, how many) or (kind, names or None, structures)
Structure = Any

NUMBER, INTEGER = "number", "integer"


def flatten(
    who: str, what: str, thing: Any, remedy: str, arrays: list[Any] | None = None
) -> tuple[Structure, list[Any]]:
    """Return a structure and its Values and numbers, from left to right.

    An array stands for lists, one a dimension. Where `arrays` is given, its first axis is the
    batch: the array is put there, and its place among the numbers is taken by that of the list.

    Raises: `TypeError` for what is no number.
    """
    walk = _Walk(who, what, remedy, arrays)
    return walk.visit(thing), walk.found


class _Walk:
    """Takes one nesting apart."""

    def __init__(self, who: str, what: str, remedy: str, arrays: list[Any] | None) -> None:
        self.who, self.what, self.remedy = who, what, remedy
        self.arrays = arrays
        self.found: list[Any] = []

    def visit(self, thing: Any) -> Structure:
        kind = type(thing)
        if kind is float:
            self.found.append(thing)
            return NUMBER
        if kind is list or kind is tuple:
            if kind is list and are_floats(thing):
                self.found.extend(thing)
                return (list, NUMBER, len(thing))
            return _alike(kind, list(map(self.visit, thing)))
        if isinstance(thing, Arithmetic):
            self.found.append(thing)
            return NUMBER
        if hasattr(kind, "__array__") and getattr(thing, "ndim", False):
            return self._visit_array(thing)
        if isinstance(thing, Mapping):
            return (dict, tuple(thing), tuple(map(self.visit, thing.values())))
        if isinstance(thing, (list, tuple)):  # a named tuple, or a list of one's own
            return (kind, None, tuple(map(self.visit, thing)))
        whole = int(thing) if isinstance(thing, bool) else as_whole(thing)
        if whole is not None:
            self.found.append(whole)
            return INTEGER
        number = as_number(thing, self.who, self.what)
        if number is None:
            raise self._refused(thing)
        self.found.append(number)
        return NUMBER

    def _visit_array(self, array: Any) -> Structure:
        if array.dtype.kind not in "fiub":
            if array.dtype.kind != "O":
                raise self._refused(array)
            return self.visit(array.tolist())
        if self.arrays is None:
            return self.visit(array.tolist())
        self.arrays.append((len(self.found), array))
        structure, zeros = of_rows(array.dtype.kind, array.shape[1:])
        self.found.extend(zeros)
        return structure

    def _refused(self, thing: Any) -> errors.OperandError:
        wanted = f"{self.what} must be numbers, or lists or arrays of them"
        return errors.OperandError(errors.unwanted(self.who, wanted, thing, self.remedy))


@functools.lru_cache(maxsize=256)
def of_rows(kind: str, shape: tuple[int, ...]) -> tuple[Structure, list[float]]:
    """Return the structure of one lane of an array, and a zero for each of its numbers."""
    structure: Structure = INTEGER if kind in "iub" else NUMBER
    for length in reversed(shape):
        structure = (list, structure, length)
    return structure, [0.0] * _size(shape)


def _size(shape: Sequence[int]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size


def _alike(kind: type, structures: list[Structure]) -> Structure:
    if kind is list and structures and all(one == structures[0] for one in structures):
        return (list, structures[0], len(structures))
    return (kind, None, tuple(structures))


def together(structure: Structure, numbers: Iterator[Any]) -> Any:
    """Return a nesting of some structure, its numbers being taken one after the other.

    >>> together((list, NUMBER, 2), iter([1.0, 2.0]))
    [1.0, 2.0]
    """
    if structure in (NUMBER, INTEGER):
        return next(numbers)
    kind, keys, parts = structure
    if keys in (NUMBER, INTEGER):
        return list(islice(numbers, parts))
    if isinstance(parts, int):
        return [together(keys, numbers) for _ in range(parts)]
    made = [together(part, numbers) for part in parts]
    if kind is dict:
        return dict(zip(keys, made, strict=True))
    return kind._make(made) if hasattr(kind, "_make") else kind(made)


def count(structure: Structure) -> int:
    """Return how many numbers a structure has."""
    if structure in (NUMBER, INTEGER):
        return 1
    _, keys, parts = structure
    if isinstance(parts, int):
        return parts * count(keys)
    return sum(map(count, parts))


def names(structure: Structure, name: str) -> list[str]:
    """Return a name for each number, as one would write it.

    >>> names((list, NUMBER, 2), "x")
    ['x[0]', 'x[1]']
    """
    if structure in (NUMBER, INTEGER):
        return [name]
    _, keys, parts = structure
    if isinstance(parts, int):
        parts, keys = (keys,) * parts, None
    found = []
    for place, part in enumerate(parts):
        key = place if keys is None else keys[place]
        found += names(part, f"{name}[{key!r}]")
    return found


def columns(structure: Structure, matrix: Any, start: int = 0) -> Any:
    """Return a batch of nestings: lists of equal parts as further axes of one array.

    The matrix has a row a lane and a column a number.
    """
    shape = []
    inner = structure
    while not isinstance(inner, str) and isinstance(inner[2], int):
        shape.append(inner[2])
        inner = inner[1]
    if isinstance(inner, str):
        part = matrix[:, start : start + _size(shape)]
        return part.reshape(len(matrix), *shape)
    kind, keys, parts = structure
    if isinstance(parts, int):  # a list of tuples or dicts
        parts = (keys,) * parts
    made = []
    for part in parts:
        made.append(columns(part, matrix, start))
        start += count(part)
    if kind is dict:
        return dict(zip(keys, made, strict=True))
    return kind._make(made) if hasattr(kind, "_make") else kind(made)

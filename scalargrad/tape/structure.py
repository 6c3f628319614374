"""The structure of arguments and results: nestings of numbers, taken apart and put together."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from itertools import islice
from typing import Any

from .. import errors
from .._engine import are_floats
from ..core.arguments import as_number, as_whole
from ..core.arithmetic import is_value

#: "number", "integer", (list, structure, how many) or (kind, names or None, structures)
Structure = Any

NUMBER, INTEGER = "number", "integer"

#: whole numbers below it fit a double, though it may round them
_MOST = 2**1023


def flatten(
    who: str, what: str, thing: Any, remedy: str, arrays: list[Any] | None = None
) -> tuple[Structure, list[Any]]:
    """Return a structure and its Values and numbers, from left to right.

    An array stands for lists, one a dimension, and without dimensions for its number. Where
    `arrays` is given, the nesting is of arguments: whole numbers are told from others, and the
    first axis of an array is the batch: the array is put there, and its place among the numbers
    is taken by that of the list.

    Raises: `TypeError` for what is no number, `OverflowError` for an int that no double can hold.
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
        if kind is int or kind is bool:
            return self._whole(int(thing))
        if is_value(thing):
            self.found.append(thing)
            return NUMBER
        if hasattr(kind, "__array__"):
            return self._visit_array(self._as_array(thing))
        if isinstance(thing, Mapping):
            return (dict, tuple(map(_key, thing)), tuple(map(self.visit, thing.values())))
        if isinstance(thing, (list, tuple)):  # a named tuple, or a list of one's own
            return (kind, None, tuple(map(self.visit, thing)))
        if isinstance(thing, Enum):  # `is` would not find it
            raise self._refused(errors.shown(thing), "pass its .value, and compare with that")
        whole = as_whole(thing)
        if whole is not None:
            return self._whole(whole)
        number = as_number(thing, self.who, self.what)
        if number is None:
            raise self._refused(errors.shown(thing), self.remedy)
        self.found.append(number)
        return NUMBER

    def _whole(self, whole: int) -> Structure:
        if not -_MOST < whole < _MOST:
            as_number(whole, self.who, self.what)  # has the words
        self.found.append(whole)
        return NUMBER if self.arrays is None else INTEGER

    def _as_array(self, thing: Any) -> Any:
        """Return an array of numpy for one of its kinds, or of another library."""
        numpy = sys.modules.get("numpy")
        if numpy is None:  # nobody who has an array is without
            raise self._refused(errors.shown(thing), self.remedy)
        if isinstance(thing, numpy.ma.MaskedArray):
            raise self._refused("a masked array", "pass .filled(0.0), or only lanes without a mask")
        if isinstance(thing, getattr(numpy, "matrix", ())):  # whose rows are matrices again
            raise self._refused("a numpy.matrix", "pass numpy.asarray of it")
        try:
            return numpy.asarray(thing)
        except Exception as error:  # of a tensor on another device, say
            got = f"{type(thing).__name__} that gives no array ({error})"
            raise self._refused(got, "pass its numbers as a numpy array") from error

    def _visit_array(self, array: Any) -> Structure:
        kind = array.dtype.kind
        if kind == "O":
            return self._visit_objects(array)
        if kind not in "fiub":
            raise self._refused(f"an array of {array.dtype}", "pass an array of floats or ints")
        if not array.ndim:
            return self.visit(float(array) if kind == "f" else int(array))
        if self.arrays is None:
            return self.visit(array.tolist())
        self.arrays.append((len(self.found), array))
        structure, zeros = of_rows(kind, array.shape[1:])
        self.found.extend(zeros)
        return structure

    def _visit_objects(self, array: Any) -> Structure:
        """Take Values in an array as lists of Values; plain numbers might be a batch, or not."""
        start = len(self.found)
        structure = self.visit(array.tolist())
        has_values = any(is_value(x) for x in self.found[start:])
        if self.arrays is not None and array.ndim and not has_values:
            remedy = "pass .astype(float) for a batch, or .tolist() for one point"
            raise self._refused("an array of objects", remedy)
        return structure

    def _refused(self, got: str, remedy: str) -> errors.OperandError:
        wanted = f"{self.what} must be numbers, or lists or arrays of them"
        return errors.OperandError(f"{self.who}: {wanted}; got {got}; {remedy}")


def _key(key: Any) -> Any:
    """Return a key of a dict as it is without a recording: an int for an int that is followed."""
    if type(key) is tuple:
        return tuple(map(_key, key))
    whole = as_whole(key) if is_value(key) else None
    return key if whole is None else whole


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
        size = _size(shape)
        part = matrix if size == matrix.shape[1] else matrix[:, start : start + size]
        return part if len(shape) == 1 else part.reshape(len(matrix), *shape)
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

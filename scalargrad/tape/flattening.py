"""Arguments and results of a replayed function, taken apart to the numbers of a tape."""

from __future__ import annotations

import functools
import math
import sys
from collections import OrderedDict
from collections.abc import Mapping
from enum import Enum
from typing import Any

from .. import _engine, errors
from ..core.arguments import as_number, as_whole
from ..core.arithmetic import is_value
from ..core.nesting import (
    INTEGER,
    NUMBER,
    Container,
    Flattening,
    Held,
    Leaf,
    Structure,
    is_constant,
)

#: whole numbers below it fit a double, though it may round them
_MOST = 2**1023


def flatten_result(who: str, what: str, thing: Any, remedy: str) -> tuple[Structure, list[Any]]:
    """Return the structure of a result, and its Values and numbers from left to right.

    Raises: `TypeError` for what is no number, `OverflowError` for an int that no double can hold.
    """
    walk = _OfTape(who, what, remedy)
    walk.is_output = True
    return walk.visit(thing), walk.leaves


def flatten_argument(
    who: str, what: str, thing: Any, remedy: str
) -> tuple[Structure, list[Any], list[tuple[int, Any]]]:
    """Return the structure of an argument, its Values and numbers, and the arrays in it.

    Whole numbers are marked as such. The first axis of an array is the batch: the array comes
    with the position at which its numbers stand in each lane; zeros hold it among the numbers.

    Raises: what `flatten_result` raises.
    """
    walk = _OfArguments(who, what, remedy)
    return walk.whole_of(thing), walk.leaves, walk.arrays


def flatten_point(who: str, what: str, thing: Any, remedy: str) -> tuple[Structure, list[Any]]:
    """Do the same to an argument of which an array is one point, and whole numbers are marked.

    Raises: what `flatten_result` raises.
    """
    walk = _OfPoint(who, what, remedy)
    return walk.whole_of(thing), walk.leaves


class _OfTape(Flattening):
    """Takes a result apart."""

    must = "must be numbers, or lists or arrays of them"
    are_floats = staticmethod(_engine.are_floats)
    of_whole = NUMBER

    def whole(self, whole: int) -> Structure:
        """Take an int as it is."""
        if not -_MOST < whole < _MOST:
            as_number(whole, self.who, self.what)  # raises
        return self.leaf(whole, self.of_whole)

    def mapping(self, thing: Mapping[Any, Any]) -> Structure:
        """Take any mapping as a dict, an ordered one as what it is."""
        keys = tuple(map(_key, thing))
        build = OrderedDict if type(thing) is OrderedDict else dict
        return Container(build, self.each_named(thing.values()), 1, keys)

    def visit_named(self, thing: Any) -> Structure:
        """Return the structure of a thing that has a name: a tape follows bools."""
        return self.visit(thing)

    def is_array(self, thing: Any) -> bool:
        """Tell whether a thing is an array, also of another library."""
        return hasattr(type(thing), "__array__")

    def array(self, thing: Any) -> Structure:
        """Take an array; one without dimensions is a number."""
        array = self._as_array(thing)
        kind = array.dtype.kind
        if kind == "O":
            return self.objects(array)
        if kind not in "fiub":
            raise self.refused(f"an array of {array.dtype}", "pass an array of floats or ints")
        if not array.ndim:
            return self.visit(float(array) if kind == "f" else int(array))
        return self.numbers(array)

    def _as_array(self, thing: Any) -> Any:
        """Return an array of numpy for one of its kinds, or of another library."""
        numpy = sys.modules.get("numpy")
        if numpy is None:  # nobody who has an array is without
            raise self.refused(errors.shown(thing), self.remedy)
        if isinstance(thing, numpy.ma.MaskedArray):
            raise self.refused("a masked array", "pass .filled(0.0), or only lanes without a mask")
        if isinstance(thing, getattr(numpy, "matrix", ())):  # whose rows are matrices again
            raise self.refused("a numpy.matrix", "pass numpy.asarray of it")
        try:
            return numpy.asarray(thing)
        except Exception as error:  # of a tensor on another device, say
            got = f"{type(thing).__name__} that gives no array ({error})"
            raise self.refused(got, "pass its numbers as a numpy array") from error

    def numbers(self, array: Any) -> Structure:
        """Take an array of numbers."""
        return self.objects(array)

    def objects(self, array: Any) -> Structure:
        """Take an array of Values and numbers."""
        for element in array.ravel().tolist():
            self.leaf(element) if is_value(element) else self.number(element)
        return Leaf(array.shape) if array.shape else NUMBER

    def number(self, thing: Any) -> Structure:
        """Take a number of any kind, but no member of an enumeration."""
        if isinstance(thing, Enum):  # `is` would not find it
            raise self.refused(errors.shown(thing), "pass its .value, and compare with that")
        whole = as_whole(thing)
        return super().number(thing) if whole is None else self.whole(whole)


class _OfArguments(_OfTape):
    """Takes an argument apart: arrays are kept, and whole numbers are marked."""

    of_whole = INTEGER

    def number(self, thing: Any) -> Structure:
        """Take a number; for what may be static, say how."""
        if is_constant(thing) and not isinstance(thing, Enum):
            remedy = 'name the parameter in static=("name",) of compile'
            raise self.refused(errors.shown(thing), remedy)
        return super().number(thing)

    def __init__(self, who: str, what: str, remedy: str) -> None:
        super().__init__(who, what, remedy)
        self.arrays: list[tuple[int, Any]] = []

    def numbers(self, array: Any) -> Structure:
        """Take an array whose first axis is the batch."""
        self.arrays.append((len(self.leaves), array))
        structure, zeros = of_rows(array.dtype.kind, array.shape[1:])
        self.leaves += zeros
        return structure

    def objects(self, array: Any) -> Structure:
        """Take Values in an array, which are one point; plain numbers might be a batch, or not."""
        start = len(self.leaves)
        structure = super().objects(array)
        if array.ndim and not any(map(is_value, self.leaves[start:])):
            remedy = "pass .astype(float) for a batch, or .tolist() for one point"
            raise self.refused("an array of objects", remedy)
        return structure


class _OfPoint(_OfTape):
    """Takes an argument apart that is one point, whatever is in it."""

    of_whole = INTEGER

    def numbers(self, array: Any) -> Structure:
        """Take an array, whose whole numbers are marked as those of a batch are."""
        structure = self.objects(array)
        return structure if array.dtype.kind == "f" else of_rows("i", array.shape)[0]


def _key(key: Any) -> Any:
    """Return a key of a dict as it is without a tape: an int for an int that is followed."""
    if type(key) is tuple:
        return tuple(map(_key, key))
    whole = as_whole(key) if is_value(key) else None
    return key if whole is None else whole


@functools.lru_cache(maxsize=256)
def of_rows(kind: str, shape: tuple[int, ...]) -> tuple[Structure, list[float]]:
    """Return the structure of one lane of an array, and a zero for each of its numbers.

    A row of an array is an array, as it is at one point.
    """
    number = INTEGER if kind in "iub" else NUMBER
    return number._replace(shape=shape), [0.0] * math.prod(shape)


def listed(structure: Structure, depth: int) -> Structure:
    """Return the structure of an array whose first axes are lists in lists."""
    if not isinstance(structure, Leaf):
        return structure
    inner: Structure = structure._replace(shape=structure.shape[depth:])
    for length in reversed(structure.shape[:depth]):
        inner = Container(list, (inner,), length)
    return inner


def columns(structure: Structure, matrix: Any, start: int = 0) -> Any:
    """Return a batch of nestings: lists of equal parts as further axes of one array.

    The matrix has a row a lane and a column a number.
    """
    if isinstance(structure, Held):
        return structure.value
    shape: list[int] = []
    inner: Structure = structure
    while isinstance(inner, Container) and inner.build is list and len(inner.parts) == 1:
        shape.append(inner.times)
        inner = inner.parts[0]
    if isinstance(inner, Leaf):
        shape += inner.shape
        size = math.prod(shape)
        part = matrix if size == matrix.shape[1] else matrix[:, start : start + size]
        return part if len(shape) == 1 else part.reshape(len(matrix), *shape)
    assert isinstance(structure, Container)
    batches = []
    for child in structure.children:
        batches.append(columns(child, matrix, start))
        start += child.size
    return structure.of(batches)

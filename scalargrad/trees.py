"""Nestings of lists, tuples, dicts and arrays: taken apart, and put together again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from . import errors
from .arithmetic import Arithmetic
from .conversion import as_number


@dataclass(frozen=True)
class Unit:
    """A number, or an array of them."""

    shape: tuple[int, ...] | None  # None for a number

    @property
    def size(self) -> int:
        """How many numbers it has."""
        size = 1
        for length in self.shape or ():
            size *= length
        return size


NUMBER = Unit(None)


@dataclass(frozen=True)
class Tree:
    """The structure of a nesting: what to call with its parts, and the parts; or a unit.

    A list of numbers alone has no parts, only their number: that is the common case.
    """

    build: Callable[[list[Any]], Any] | None
    parts: tuple[Tree, ...] = ()
    unit: Unit | None = None
    count: int = 0  # of a list of numbers alone

    @property
    def size(self) -> int:
        """How many numbers it has."""
        if self.unit is not None:
            return self.unit.size
        size = self.count
        for part in self.parts:
            size += part.size
        return size

    def units(self) -> Iterator[Unit]:
        """Yield the units from left to right."""
        if self.unit is not None:
            yield self.unit
        for _ in range(self.count):
            yield NUMBER
        for part in self.parts:
            yield from part.units()

    def together(self, units: Iterator[Any]) -> Any:
        """Return a nesting of this structure with other things in the place of its units."""
        if self.build is None:
            return next(units)
        if self.count:
            return self.build(list(islice(units, self.count)))
        return self.build([part.together(units) for part in self.parts])

    def from_numbers(self, numbers: Sequence[Any]) -> Any:
        """Return a nesting of this structure from its numbers in a row."""
        if self is ALONE:
            return numbers[0]
        return self._taken(numbers, 0)[0]

    def _taken(self, numbers: Sequence[Any], start: int) -> tuple[Any, int]:
        if self.unit is not None:
            end = start + self.unit.size
            return shaped(self.unit, numbers[start:end]), end
        assert self.build is not None
        if self.count:
            end = start + self.count
            return self.build(list(numbers[start:end])), end
        made = []
        for part in self.parts:
            thing, start = part._taken(numbers, start)
            made.append(thing)
        return self.build(made), start


#: the structure of one number
ALONE = Tree(None, unit=NUMBER)


def shaped(unit: Unit, numbers: Sequence[Any]) -> Any:
    """Return the numbers of a unit: one, or an array of them."""
    if unit.shape is None:
        return numbers[0]
    numpy = sys.modules["numpy"]
    if any(isinstance(number, Arithmetic) for number in numbers):
        array = numpy.empty(len(numbers), dtype=object)
        array[:] = numbers
    else:
        array = numpy.array(numbers, dtype=float)
    return array.reshape(unit.shape)


def take_apart(who: str, what: str, thing: Any, remedy: str) -> tuple[Tree, list[Any]]:
    """Return the structure of a nesting, and its Values and numbers from left to right.

    Raises: `TypeError` for anything in it that is no number, list, tuple, dict or array.
    """
    if type(thing) is float or isinstance(thing, Arithmetic):
        return ALONE, [thing]
    found: list[Any] = []

    def visit(thing: Any) -> Tree:
        if isinstance(thing, Arithmetic):
            found.append(thing)
            return ALONE
        if type(thing).__module__ == "numpy" and hasattr(thing, "shape") and thing.shape != ():
            for element in thing.ravel():
                visit(element)
            return Tree(None, unit=Unit(thing.shape))
        if type(thing).__module__ == "numpy" and hasattr(thing, "item"):
            return visit(thing.item())
        if isinstance(thing, Mapping):
            keys = list(thing)
            parts = tuple(visit(thing[key]) for key in keys)
            return Tree(lambda values: dict(zip(keys, values, strict=True)), parts)
        if isinstance(thing, (list, tuple)):
            # a named tuple is made of one iterable in its own way
            build: Any = getattr(type(thing), "_make", tuple if isinstance(thing, tuple) else list)
            kinds = set(map(type, thing))
            if thing and all(kind is float or issubclass(kind, Arithmetic) for kind in kinds):
                found.extend(thing)
                return Tree(build, count=len(thing))
            return Tree(build, tuple(map(visit, thing)))
        number = as_number(thing, who, what)
        if number is None:
            wanted = f"{what} must be numbers, or lists, tuples, dicts or arrays of them"
            raise errors.OperandError(errors.unwanted(who, wanted, thing, remedy))
        found.append(number)
        return ALONE

    return visit(thing), found

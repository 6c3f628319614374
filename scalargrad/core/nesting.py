"""Nestings of lists, tuples, dicts and arrays: taken apart, and put together again."""

from __future__ import annotations

import copy
import functools
import itertools
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from .. import errors
from .arguments import as_number, is_list, number
from .arithmetic import Arithmetic, is_value


@dataclass(frozen=True)
class Unit:
    """A number, or an array of them."""

    shape: tuple[int, ...] | None  # None for a number
    dtype: Any = field(default=None, compare=False)  # of an array of floats

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
    keys: tuple[Any, ...] | None = None  # of a dict

    @property
    def size(self) -> int:
        """How many numbers it has."""
        if self.unit is not None:
            return self.unit.size
        size = self.count
        for part in self.parts:
            size += part.size
        return size

    @property
    def children(self) -> tuple[Tree, ...]:
        """The structures of its parts, those of numbers too."""
        return self.parts or (ALONE,) * self.count

    def aligned(self, other: Tree, numbers: Sequence[Any]) -> list[Any] | None:
        """Return the numbers of a nesting of the same structure in this order, else None.

        Dicts have the same structure where they have the same keys.
        """
        if self.unit is not None or other.unit is not None:
            return list(numbers) if self.unit == other.unit else None
        if self.count and self.count == other.count:
            return list(numbers)
        if (self.keys is None) != (other.keys is None):
            return None
        children, start = {}, 0
        for key, child in zip(other.keys or itertools.count(), other.children, strict=False):
            children[key] = child, numbers[start : start + child.size]
            start += child.size
        names = self.keys if self.keys is not None else range(len(self.children))
        if set(names) != set(children):
            return None
        found: list[Any] = []
        for key, child in zip(names, self.children, strict=True):
            part = child.aligned(*children[key])
            if part is None:
                return None
            found += part
        return found

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
    if any(is_value(number) for number in numbers):
        array = numpy.empty(len(numbers), dtype=object)
        array[:] = numbers
    else:
        array = numpy.array(numbers, dtype=unit.dtype or float)
    return array.reshape(unit.shape)


def take_apart(who: str, what: str, thing: Any, remedy: str) -> tuple[Tree, list[Any]]:
    """Return the structure of a nesting, and its Values and numbers from left to right.

    Raises: `TypeError` for anything in it that is no number, list, tuple, dict or array.
    """
    if type(thing) is float or is_value(thing):
        return ALONE, [thing]
    found: list[Any] = []

    def visit(thing: Any) -> Tree:
        if type(thing).__module__ == "numpy" and hasattr(thing, "ravel"):
            return visit_array(sys.modules["numpy"].asarray(thing))
        if isinstance(thing, Mapping):
            keys = tuple(thing)
            parts = tuple(visit(thing[key]) for key in keys)
            return Tree(functools.partial(_mapping_like, thing, keys), parts, keys=keys)
        if isinstance(thing, (list, tuple)):
            build = _sequence_like(thing)
            kinds = set(map(type, thing))
            if thing and all(kind is float or issubclass(kind, Arithmetic) for kind in kinds):
                found.extend(thing)
                return Tree(build, count=len(thing))
            return Tree(build, tuple(map(visit, thing)))
        return visit_number(thing)

    def visit_array(array: Any) -> Tree:
        floats = array.dtype.kind == "f"
        if floats:
            found.extend(map(float, array.ravel()))
        else:
            for element in array.ravel():
                visit_number(element)
        if array.shape == ():
            return ALONE
        return Tree(None, unit=Unit(array.shape, array.dtype if floats else None))

    def visit_number(thing: Any) -> Tree:
        if is_value(thing):
            found.append(thing)
            return ALONE
        number = as_number(thing, who, what)
        if number is None:
            wanted = f"{what} must be numbers, or lists, tuples, dicts or arrays of them"
            raise errors.OperandError(errors.unwanted(who, wanted, thing, remedy))
        found.append(number)
        return ALONE

    return visit(thing), found


def _mapping_like(thing: Mapping[Any, Any], keys: Sequence[Any], values: Sequence[Any]) -> Any:
    """Return a dict of the type of another one, with other values."""
    made = dict(zip(keys, values, strict=True))
    if type(thing) is dict:
        return made
    try:  # a default factory is kept
        other: Any = copy.copy(thing)
        other.update(made)
    except (AttributeError, TypeError):  # it cannot be changed
        return made
    return other


def _sequence_like(thing: Any) -> Callable[[Sequence[Any]], Any]:
    """Return what makes a list or tuple of the type of another one."""
    kind = type(thing)
    if kind in (list, tuple):
        return kind
    if hasattr(kind, "_make"):  # a named tuple
        return kind._make  # type: ignore[no-any-return]
    return kind


def take_values(thing: Any) -> list[Any]:
    """Return the Values among lists, tuples and dicts; nothing else is looked into."""
    found: list[Any] = []
    stack = [thing]
    while stack:
        thing = stack.pop()
        if is_value(thing):
            found.append(thing)
        elif isinstance(thing, (list, tuple)):
            stack += reversed(thing)
        elif isinstance(thing, dict):
            stack += reversed(thing.values())
    return found


# -- nested lists alone ---------------------------------------------------------------------


def flat(tree: Any) -> list[Any]:
    """Return everything that nested lists or arrays hold.

    >>> flat([[1.0, 2.0], [[3.0]]])
    [1.0, 2.0, 3.0]
    """
    if not is_list(tree):
        return [tree]
    if all(issubclass(kind, Arithmetic) for kind in set(map(type, tree))):
        return list(tree)
    return list(chain.from_iterable(map(flat, tree)))


def leaves(tree: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Give every Value of nested lists with the path to it."""
    if not isinstance(tree, (list, tuple)):
        yield path, tree
    else:
        for place, branch in enumerate(tree):
            yield from leaves(branch, f"{path}.{place}")


def each(tree: Any, function: Callable[[Any], Any]) -> Any:
    """Apply a function to every element of nested lists or arrays.

    >>> each([[1.0], [2.0, 3.0]], lambda x: -x)
    [[-1.0], [-2.0, -3.0]]
    """
    if is_list(tree) or isinstance(tree, Iterator):
        return [each(branch, function) for branch in tree]
    return function(tree)


def pairs(who: str, path: str, tree: Any, numbers: Any) -> Iterator[tuple[Any, float]]:
    """Give every Value of nested lists with the number at the same place.

    Raises: `ValueError` where the shapes differ, `TypeError` for what is no number.
    """
    if not isinstance(tree, (list, tuple)):
        yield tree, number(who, path, numbers)
        return
    if not isinstance(numbers, (list, tuple)) or len(numbers) != len(tree):
        is_list = isinstance(numbers, (list, tuple))
        got = f"{len(numbers)} elements" if is_list else errors.shown(numbers)
        raise errors.InputError(
            f"{who}: {path} must be a list of {len(tree)}; got {got}; build it as it was saved"
        )
    for place, (branch, given) in enumerate(zip(tree, numbers, strict=True)):
        yield from pairs(who, f"{path}.{place}", branch, given)


def check_keys(who: str, owner: str, state: Any, wanted: Iterable[str]) -> None:
    """Refuse a state that is no dict, or whose keys are not the wanted ones.

    Raises: `TypeError` and `ValueError`.
    """
    if not isinstance(state, Mapping):
        raise errors.OperandError(
            errors.unwanted(who, "wants a dict", state, "pass what state_dict() returned")
        )
    keys = set(wanted)
    for problem, names in (("unknown", set(state) - keys), ("missing", keys - set(state))):
        if names:
            raise errors.InputError(
                f"{who}: the keys must be those of {owner}; got {problem}"
                f" {', '.join(sorted(map(repr, names)))}; build it as it was saved"
            )

"""Nestings of lists, tuples, dicts, dataclasses and arrays: taken apart, and put together again.

`flatten` returns the structure of a nesting, and its numbers and Values from left to right; the
`unflatten` of the structure is the way back. (The pytrees of JAX are the model.) What only goes
through nested lists stands below.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
import itertools
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, time, timedelta
from enum import Enum
from itertools import islice
from pathlib import PurePath
from typing import Any, NamedTuple, TypeAlias

from .. import errors
from . import evaluation
from .arguments import as_number, by_position, is_list, number, of_python
from .arithmetic import are_values, is_value

# -- structures -----------------------------------------------------------------------------


class Leaf(NamedTuple):
    """The structure of a number, or of an array of them."""

    shape: tuple[int, ...] = ()
    dtype: Any = float  # of floats; of other numbers, and of Values, it is not kept

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)

    @property
    def axes(self) -> tuple[int, ...]:
        """The shape of an array in its place."""
        return self.shape

    @property
    def hollow(self) -> Leaf:
        """Return the structure of a gradient: the same."""
        return self

    def unflatten(self, numbers: Iterator[Any]) -> Any:
        """Return the next number; or an array of the next ones, or of Values where there are."""
        if not self.shape:
            return next(numbers)
        own = list(islice(numbers, self.size))
        return array_of(own, self.shape, object if any(map(is_value, own)) else self.dtype)

    def map(self, function: Callable[[Leaf], Any]) -> Any:
        """Return what the function gives."""
        return function(self)

    def names(self, name: str) -> Iterator[str]:
        """Yield the name of each number."""
        for index in itertools.product(*map(range, self.shape)):
            yield f"{name}[{', '.join(map(str, index))}]" if index else name


class Held(NamedTuple):
    """The structure of what is no number, a text or None say: it stays what it is."""

    value: Any = None

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return 0

    @property
    def shape(self) -> None:
        """It has none: it is no array."""

    @property
    def axes(self) -> None:
        """It has no place in an array."""

    @property
    def hollow(self) -> Held:
        """Return the structure of a gradient: nothing is to be said here."""
        return _NOTHING

    def unflatten(self, numbers: Iterator[Any]) -> Any:
        """Return it."""
        return self.value

    def map(self, function: Callable[[Leaf], Any]) -> Any:
        """Return None: it has no numbers."""

    def names(self, name: str) -> Iterator[str]:
        """Yield nothing."""
        return iter(())


_NOTHING = Held()


class Fields(NamedTuple):
    """Builds an object of a dataclass from pairs of names and values, as its constructor does."""

    kind: type

    def __call__(self, pairs: Iterable[tuple[str, Any]]) -> Any:
        """Return a new object, whose further fields are computed from these.

        Raises: `TypeError` where the constructor makes other numbers of them.
        """
        given = dict(pairs)
        made: Any = self.kind(**given)
        for name, value in given.items():
            kept = getattr(made, name)
            if is_value(value) and not (is_value(kept) and _are_equal(kept._data, value._data)):
                raise errors.OperandError(
                    f"{self.kind.__name__}: to be made again from its fields, a dataclass must keep"
                    f" what its constructor is given; got another {name}; pass its numbers as a"
                    " dict"
                )
        return made


def _are_equal(x: float, y: float) -> bool:
    return x == y or (x != x and y != y)


class BareFields(NamedTuple):
    """Builds an object of a dataclass that holds gradients or results, without its constructor.

    What that checks, that a width is above 0 say, need not hold of a derivative.
    """

    kind: type

    def __call__(self, pairs: Iterable[tuple[str, Any]]) -> Any:
        """Return a new object; fields of which nothing is said are None."""
        made: Any = object.__new__(self.kind)
        known = dict(pairs)
        for one in dataclasses.fields(self.kind):
            object.__setattr__(made, one.name, known.get(one.name))
        return made


def array_of(things: Sequence[Any], shape: tuple[int, ...], dtype: Any = object) -> Any:
    """Return an array of some things, each of them one element of it."""
    import numpy  # a structure may come out of a pickle

    if dtype is not object:
        return numpy.array(things, dtype=dtype).reshape(shape)
    array = numpy.empty(len(things), dtype=object)
    for index, thing in enumerate(things):  # all at once, lists would be taken apart
        array[index] = thing
    return array.reshape(shape)


#: of whole numbers only a tape knows: it tells them from others
NUMBER, INTEGER = Leaf(), Leaf((), int)


class Container(NamedTuple):
    """The structure of a list, tuple or dict: how it is built, and the structures in it.

    Where all are equal, as of a list of numbers or of rows, they stand there once.
    """

    build: Callable[[Any], Any]  # of what is in it; of pairs where it has keys
    parts: tuple[Structure, ...]
    times: int = 1  # so often the parts follow each other
    keys: tuple[Any, ...] | None = None

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return self.times * sum(part.size for part in self.parts)

    @property
    def children(self) -> tuple[Structure, ...]:
        """The structures of all that is in it."""
        return self.parts * self.times

    @property
    def shape(self) -> None:
        """It has none: it is no array."""

    @property
    def axes(self) -> tuple[int, ...] | None:
        """The shape of an array in its place; None where none can hold the same."""
        shapes = {part.axes for part in self.parts}
        if self.build not in (list, tuple) or len(shapes) > 1 or None in shapes:
            return None
        inner = shapes.pop() if shapes else ()
        return (len(self.parts) * self.times, *(inner or ()))

    @property
    def hollow(self) -> Container:
        """Return the structure of a gradient: None where there is a constant."""
        if type(self.build) is not Fields and all(type(part) is Leaf for part in self.parts):
            return self  # as most are
        build: Any = self.build
        if type(build) is Fields:
            build = BareFields(build.kind)
        parts = tuple(part.hollow for part in self.parts)
        return self._replace(build=build, parts=parts)

    def of(self, children: list[Any]) -> Any:
        """Return such a container of some things."""
        return self.build(children if self.keys is None else zip(self.keys, children, strict=True))

    def unflatten(self, numbers: Iterator[Any]) -> Any:
        """Return a nesting of this structure, its numbers being taken one after the other.

        >>> Container(list, (NUMBER,), 2).unflatten(iter([1.0, 2.0]))
        [1.0, 2.0]
        """
        if len(self.parts) == 1 and self.parts[0].shape == () and self.keys is None:
            row = list(islice(numbers, self.times))
            return row if self.build is list else self.build(row)
        return self.of([child.unflatten(numbers) for child in self.children])

    def map(self, function: Callable[[Leaf], Any]) -> Any:
        """Return a nesting of what the function gives for each number and array."""
        return self.of([child.map(function) for child in self.children])

    def names(self, name: str) -> Iterator[str]:
        """Yield a name for each number, as one would write it.

        >>> list(Container(list, (NUMBER,), 2).names("x"))
        ['x[0]', 'x[1]']
        """
        names = self._steps(name)
        if all(part.shape == () for part in self.parts):  # of long lists, as arguments often are
            yield from names
            return
        for step, child in zip(names, self.children, strict=True):
            yield from child.names(step)

    def _steps(self, name: str) -> list[str]:
        """Return what one writes for each thing in it."""
        if isinstance(self.build, (Fields, BareFields)):
            return [f"{name}.{key}" for key in self.keys or ()]
        fields = getattr(getattr(self.build, "__self__", None), "_fields", None)  # a named tuple
        if fields is not None:
            return [f"{name}.{field}" for field in fields]
        return [f"{name}[{key!r}]" for key in self.keys or range(len(self.children))]


Structure: TypeAlias = Leaf | Container | Held


def is_structure(thing: Any) -> bool:
    """Tell whether a thing that comes from outside is a structure, with sizes and keys that fit."""
    if type(thing) is Leaf:
        shape = thing.shape
        return type(shape) is tuple and all(type(size) is int and size >= 0 for size in shape)
    if type(thing) is Held:
        return is_constant(thing.value)
    if type(thing) is not Container:
        return False
    build, parts, times, keys = thing
    return (
        callable(build)
        and type(parts) is tuple
        and all(map(is_structure, parts))
        and type(times) is int
        and times >= 0
        and (keys is None or (type(keys) is tuple and len(keys) == len(parts) * times))
    )


@functools.lru_cache(maxsize=256)
def list_of(count: int) -> Container:
    """Return the structure of a list of numbers."""
    return Container(list, (NUMBER,), count)


def aligned(target: Structure, given: Structure, numbers: Sequence[Any]) -> list[Any] | None:
    """Return the numbers of a nesting in the order of another structure; None where they differ.

    Dicts have the same structure where they have the same keys.
    """
    if not (isinstance(target, Container) and isinstance(given, Container)):
        alike = type(target) is type(given) and target.shape == given.shape
        return list(numbers) if alike else None
    if target.keys is given.keys is None and target[1:] == given[1:]:
        return list(numbers)
    if (target.keys is None) != (given.keys is None):
        return None
    children, row = {}, iter(numbers)
    for key, child in zip(given.keys or itertools.count(), given.children, strict=False):
        children[key] = child, list(islice(row, child.size))
    keys = range(len(target.children)) if target.keys is None else target.keys
    if set(keys) != set(children):
        return None
    ordered: list[Any] = []
    for key, child in zip(keys, target.children, strict=True):
        part = aligned(child, *children[key])
        if part is None:
            return None
        ordered += part
    return ordered


# -- taking apart ---------------------------------------------------------------------------


def flatten(who: str, what: str, thing: Any, remedy: str) -> tuple[Structure, list[Any]]:
    """Return the structure of a nesting, and its Values and numbers from left to right.

    Raises: `TypeError` for anything in it that is no number, list, tuple, dict or array.
    """
    if type(thing) is float or is_value(thing):
        return NUMBER, [thing]
    walk = Flattening(who, what, remedy)
    return walk.whole_of(thing), walk.leaves


def flatten_output(who: str, what: str, thing: Any, remedy: str) -> tuple[Structure, list[Any]]:
    """Do the same to what a function returns: of a dataclass, all fields are results.

    Raises: what `flatten` raises.
    """
    if type(thing) is float or is_value(thing):
        return NUMBER, [thing]
    walk = Flattening(who, what, remedy)
    walk.is_output = True
    return walk.visit(thing), walk.leaves


def is_constant(thing: Any) -> bool:
    """Tell whether a thing is no number and holds none: a text, None, a member, a function, a date.

    >>> is_constant("tanh"), is_constant(None), is_constant(1.0), is_constant(object())
    (True, True, False, False)
    """
    is_function = callable(thing) and hasattr(thing, "__name__")
    return thing is None or is_function or isinstance(thing, _CONSTANTS)


#: what never changes, and holds no number to be differentiated
_CONSTANTS = (str, bytes, Enum, functools.partial, PurePath, date, time, timedelta)


class Flattening:
    """Takes one nesting apart: numbers become floats, an array stays one.

    Constants are taken beside numbers where each thing has a name: in dicts, named tuples and
    dataclasses, and in what these hold.
    """

    must = "must be numbers, or lists, tuples, dicts, dataclasses or arrays of them"
    are_floats: Callable[[Any], bool] = staticmethod(evaluation.are_floats)

    def __init__(self, who: str, what: str, remedy: str) -> None:
        self.who: str = who
        self.what: str = what
        self.remedy: str = remedy
        self.leaves: list[Any] = []
        self.named: int = 0  # so many of the things around have names
        self.is_output = False

    def whole_of(self, thing: Any) -> Structure:
        """Return the structure of an argument, which must not be made of constants alone."""
        structure = self.visit(thing)
        if not self.leaves and holds_constants(structure):
            raise self.refused(f"no number in {errors.shown(thing)}", self.remedy)
        return structure

    def visit(self, thing: Any) -> Structure:
        """Return the structure of a thing; its numbers are among the leaves then."""
        kind = type(thing)
        if kind is float:
            return self.leaf(thing)
        if kind is list and self.are_floats(thing):  # the common case
            self.leaves.extend(thing)
            return list_of(len(thing))
        if kind is list or kind is tuple:
            return self.sequence(kind, thing)
        if kind is dict:
            return self.mapping(thing)
        if kind is int or kind is bool:
            return self.whole(int(thing))
        if is_value(thing):
            return self.leaf(thing)
        if self.is_array(thing):
            return self.array(thing)
        if isinstance(thing, Mapping):
            return self.mapping(thing)
        if isinstance(thing, (list, tuple)):  # a named tuple, or a list of one's own
            if hasattr(kind, "_make"):
                return Container(kind._make, self.each_named(thing))
            return self.sequence(kind, thing)
        if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
            return self.fields(thing)
        if self.named and is_constant(thing):
            return Held(thing)
        return self.number(thing)

    def leaf(self, number: Any, structure: Leaf = NUMBER) -> Leaf:
        """Take a number."""
        self.leaves.append(number)
        return structure

    def sequence(self, build: Callable[[Any], Any], things: Sequence[Any]) -> Structure:
        """Take a list or a tuple."""
        if things and are_values(things, float):
            self.leaves += things
            return Container(build, (NUMBER,), len(things))
        parts = tuple(map(self.visit, things))
        if len(parts) > 1 and parts.count(parts[0]) == len(parts):
            return Container(build, parts[:1], len(parts))
        return Container(build, parts)

    def mapping(self, thing: Mapping[Any, Any]) -> Structure:
        """Take a dict, or the like: its type is kept."""
        keys = tuple(thing)
        build = dict if type(thing) is dict else functools.partial(_mapping_like, thing)
        return Container(build, self.each_named([thing[key] for key in keys]), 1, keys)

    def each_named(self, things: Iterable[Any]) -> tuple[Structure, ...]:
        """Return the structures of things that have names."""
        self.named += 1
        structures = tuple(map(self.visit_named, things))
        self.named -= 1
        return structures

    def visit_named(self, thing: Any) -> Structure:
        """Return the structure of a thing that has a name: there a bool is a flag."""
        return Held(thing) if type(thing) is bool else self.visit(thing)

    def fields(self, thing: Any) -> Structure:
        """Take an object of a dataclass; as an argument, by what its constructor takes."""
        kind = type(thing)
        fields = dataclasses.fields(kind)
        if self.is_output:
            keys = tuple(one.name for one in fields if hasattr(thing, one.name))
            build: Any = BareFields(kind)
        else:
            keys, build = tuple(one.name for one in fields if one.init), Fields(kind)
            self.check_constructor(kind, keys)
        return Container(build, self.each_named([getattr(thing, key) for key in keys]), 1, keys)

    def check_constructor(self, kind: type, keys: tuple[str, ...]) -> None:
        """Refuse a dataclass of which an object cannot be made from its fields."""
        try:
            inspect.signature(kind).bind(**dict.fromkeys(keys))
        except TypeError as error:
            got = f"a {kind.__name__} that its fields alone cannot make ({error})"
            raise self.refused(got, "pass its numbers as a dict") from None
        except ValueError:  # of a signature nothing is known
            return

    def is_array(self, thing: Any) -> bool:
        """Tell whether a thing is an array, or a number, of numpy."""
        return type(thing).__module__ == "numpy" and hasattr(thing, "ravel")

    def array(self, thing: Any) -> Structure:
        """Take an array; one without dimensions is a number."""
        array = sys.modules["numpy"].asarray(thing)
        floats = array.dtype.kind == "f"
        if floats:
            self.leaves += map(float, array.ravel())
        else:
            for element in array.ravel():
                self.leaf(element) if is_value(element) else self.number(element)
        is_kept = floats and array.dtype != float  # in one spelling: structures are keys
        return Leaf(array.shape, array.dtype if is_kept else float) if array.shape else NUMBER

    def whole(self, whole: int) -> Structure:
        """Take an int."""
        return self.number(whole)

    def number(self, thing: Any) -> Structure:
        """Take a number of any kind.

        Raises: `TypeError` for anything else.
        """
        number = as_number(thing, self.who, self.what)
        if number is None:
            remedy = self.remedy
            if hasattr(type(thing), "__array__"):  # of another library: of a series, say
                is_masked = hasattr(type(thing), "filled")
                remedy = "pass its .filled(0.0)" if is_masked else "pass numpy.asarray of it"
            raise self.refused(errors.shown(thing), remedy)
        return self.leaf(number)

    def refused(self, got: str, remedy: str) -> errors.OperandError:
        """Return the error for what cannot be taken apart."""
        return errors.OperandError(f"{self.who}: {self.what} {self.must}; got {got}; {remedy}")


def _mapping_like(thing: Mapping[Any, Any], pairs: Iterable[tuple[Any, Any]]) -> Any:
    """Return a dict of the type of another one, with other values."""
    values = dict(pairs)
    try:  # a default factory is kept
        other: Any = copy.copy(thing)
        other.update(values)
    except (AttributeError, TypeError):  # it cannot be changed
        return values
    return other


def values_in(thing: Any) -> list[Any]:
    """Return the Values among lists, tuples, dicts, dataclasses and arrays; of nothing else."""
    values: list[Any] = []
    stack = [thing]
    while stack:
        thing = stack.pop()
        if is_value(thing):
            values.append(thing)
        elif isinstance(thing, (list, tuple)):
            stack += reversed(thing)
        elif isinstance(thing, Mapping):
            stack += reversed([*thing.values()])
        elif holds_objects(thing):
            stack += reversed(thing.ravel().tolist())
        elif dataclasses.is_dataclass(thing) and not isinstance(thing, type):
            fields = dataclasses.fields(thing)
            stack += [getattr(thing, one.name, None) for one in reversed(fields)]
    return values


def holds_constants(structure: Structure) -> bool:
    """Tell whether there is a constant somewhere in a structure."""
    if isinstance(structure, Container):
        return any(map(holds_constants, structure.parts))
    return isinstance(structure, Held)


def holds_objects(thing: Any) -> bool:
    """Tell whether a thing is an array of objects, which may be Values."""
    return type(thing).__module__ == "numpy" and getattr(thing, "dtype", None) == "O"


# -- nested lists alone ---------------------------------------------------------------------


def flat(tree: Any) -> Iterator[Any]:
    """Yield everything that nested lists or arrays hold.

    >>> list(flat([[1.0, 2.0], [[3.0]]]))
    [1.0, 2.0, 3.0]
    """
    tree = by_position(tree)
    if not is_list(tree):
        yield tree
    elif are_values(tree):
        yield from tree
    else:
        for branch in tree:
            yield from flat(branch)


def leaves(tree: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Give every Value of nested lists with the path to it."""
    if not isinstance(tree, (list, tuple)):
        yield path, tree
    else:
        for index, branch in enumerate(tree):
            yield from leaves(branch, f"{path}.{index}")


def each(tree: Any, function: Callable[[Any], Any]) -> Any:
    """Apply a function to every element of nested lists or arrays.

    >>> each([[1.0], [2.0, 3.0]], lambda x: -x)
    [[-1.0], [-2.0, -3.0]]
    """
    if is_list(tree) or isinstance(tree, Iterator):
        return [each(branch, function) for branch in of_python(by_position(tree))]
    return function(tree)


def pairs(who: str, path: str, tree: Any, numbers: Any) -> Iterator[tuple[Any, float]]:
    """Give every Value of nested lists with the number at the same position.

    The numbers may be arrays too.

    Raises: `ValueError` where the shapes differ, `TypeError` for what is no number.
    """
    if not isinstance(tree, (list, tuple)):
        if isinstance(numbers, bool):
            must = f"{path} must be a number"
            raise errors.OperandError(errors.unwanted(who, must, numbers, "pass e.g. 1.0"))
        yield tree, number(who, path, numbers)
        return
    numbers = _as_list(numbers)
    if not isinstance(numbers, (list, tuple)) or len(numbers) != len(tree):
        is_list = isinstance(numbers, (list, tuple))
        got = f"{len(numbers)} elements" if is_list else errors.shown(numbers)
        raise errors.InputError(
            f"{who}: {path} must be a list of {len(tree)}; got {got}; build it as it was saved"
        )
    if (
        type(numbers) is list and evaluation.are_floats(numbers) and are_values(tree)
    ):  # the common case
        yield from zip(tree, numbers, strict=True)
        return
    for index, (branch, given) in enumerate(zip(tree, numbers, strict=True)):
        yield from pairs(who, f"{path}.{index}", branch, given)


def _as_list(thing: Any) -> Any:
    """Return an array of any library as nested lists."""
    if not isinstance(thing, (list, tuple)) and is_list(thing):
        thing = by_position(thing)
        return thing.tolist() if callable(getattr(thing, "tolist", None)) else thing
    return thing


def check_keys(who: str, owner: str, state: Any, expected: Iterable[str]) -> None:
    """Refuse a state that is no dict, or whose keys are not those.

    Raises: `TypeError` and `ValueError`.
    """
    if not isinstance(state, Mapping):
        raise errors.OperandError(
            errors.unwanted(who, "wants a dict", state, "pass what state_dict() returned")
        )
    keys = set(expected)
    for problem, names in (("unknown", set(state) - keys), ("missing", keys - set(state))):
        if names:
            raise errors.InputError(
                f"{who}: the keys must be those of {owner}; got {problem}"
                f" {', '.join(sorted(map(repr, names)))}; build it as it was saved"
            )

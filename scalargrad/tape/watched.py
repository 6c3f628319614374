"""What a function finds outside and a recording holds as it was: `self.rate`, a global number.

Its code says which names it reads, and so do the functions that it calls by these names. What
stands there is compared before each replay, and what is in the lists and dicts there.
"""

from __future__ import annotations

import dis
import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

from .. import _engine
from ..core.arithmetic import is_value

#: of a function that reaches more objects and functions than so many, the others are not watched
MOST_REACHED = 10_000

#: what is compared by what it is; everything else by which object it is
_PLAIN = (float, int, bool, str, bytes, complex, type(None))


class Source(NamedTuple):
    """A place from which something is read: under a name in a dict, or the cell of a closure.

    Or all that is in a list or dict, which was found under the name, as a tuple.
    """

    holder: Any
    name: str
    is_all: bool = False

    @property
    def key(self) -> str:
        """The name in a dict; empty for all that is in it."""
        return "" if self.is_all else self.name

    @property
    def reader(self) -> Callable[[str], Any]:
        """Return what gives the thing there, or None, called with its name."""
        if self.is_all:
            return self._all
        return self.holder.get if isinstance(self.holder, dict) else self._content

    def read(self) -> Any:
        """Return what stands there now."""
        return self.reader(self.name)

    def _content(self, name: str) -> Any:
        try:
            return self.holder.cell_contents
        except ValueError:  # it is empty
            return None

    def _all(self, name: str) -> tuple[Any, ...]:
        if isinstance(self.holder, dict):
            return tuple(chain.from_iterable(self.holder.items()))
        return tuple(self.holder)


class Watched:
    """What stood at some places."""

    def __init__(self, sources: Sequence[Source], things: Sequence[Any]) -> None:
        self.sources: tuple[Source, ...] = tuple(sources)
        self.things: tuple[Any, ...] = tuple(things)
        pairs = [*zip(self.sources, self.things, strict=True)]
        self._entries = [(source.reader, source.name, thing) for source, thing in pairs]
        #: as the machine compares them
        self.triples: tuple[tuple[Any, str, Any], ...] = tuple(
            (source.holder, source.key, thing) for source, thing in pairs
        )

    @staticmethod
    def by(function: Callable[..., Any]) -> Watched:
        """Return what a function finds outside now."""
        sources = list(_sources(function))
        return Watched(sources, [source.read() for source in sources])

    def changed(self) -> str | None:
        """Return the name of something that has become another thing, or None."""
        native = _engine.machine()
        if native is not None and native.is_unchanged(self.triples):
            return None
        for read, name, thing in self._entries:
            now = read(name)
            if now is not thing and not _are_same(now, thing):
                return str(name)
        return None

    def lasting(self) -> Watched:
        """Return the part that is as it was: what the function writes itself is not watched."""
        pairs = zip(self.sources, self.things, strict=True)
        kept = [(source, thing) for source, thing in pairs if _are_same(source.read(), thing)]
        return Watched([source for source, _ in kept], [thing for _, thing in kept])


def _are_same(one: Any, other: Any) -> bool:
    if one is other:
        return True
    if type(one) is type(other) is tuple:  # of all that is in a list or dict
        return len(one) == len(other) and all(map(_are_same, one, other))
    return type(one) is type(other) and type(one) in _PLAIN and repr(one) == repr(other)


@functools.lru_cache(maxsize=1024)
def _names(code: CodeType) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names of the attributes and of the globals that some code reads."""
    attributes: set[str] = set()
    outside: set[str] = set()
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            outside.add(str(instruction.argval))
        elif instruction.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            attributes.add(str(instruction.argval))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):  # of a function inside
            more, others = _names(constant)
            attributes |= more
            outside |= others
    return frozenset(attributes), frozenset(outside)


def _sources(function: Callable[..., Any]) -> Iterator[Source]:
    walk = _Walk()
    walk.reach(function)
    while walk.follow():
        pass
    yield from walk.sources()


def _is_ours(function: FunctionType) -> bool:
    return str(function.__module__).partition(".")[0] == __name__.partition(".")[0]


def _is_followed(function: FunctionType) -> bool:
    """Tell whether a function is a user's, or a layer's: no library's, which holds other things."""
    root, _, rest = str(function.__module__).partition(".")
    if _is_ours(function):
        return rest.startswith("nn")
    return root not in sys.stdlib_module_names and "-packages" not in function.__code__.co_filename


def _fields(thing: Any) -> Any:
    """Return the dict of an object, if it has one, without asking its class for anything."""
    try:
        return object.__getattribute__(thing, "__dict__")
    except AttributeError:
        return None


def _cells(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Return the names of a closure, and where each thing is kept."""
    return zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)


class _Walk:
    """Goes from a function to what it calls and to the objects it reads from, by their names."""

    def __init__(self) -> None:
        self._seen: dict[int, Any] = {}
        self._functions: list[FunctionType] = []
        self._objects: list[Any] = []
        self._containers: list[Source] = []
        self._kinds: set[type] = set()  # their classes
        self._attributes: set[str] = set()

    def reach(self, thing: Any, name: str = "") -> None:
        """Take a function or an object, if it is one that may hold something; it has this name."""
        if id(thing) in self._seen or len(self._seen) >= MOST_REACHED:
            return
        if isinstance(thing, (type, ModuleType)) or is_value(thing) or type(thing) in _PLAIN:
            return
        self._seen[id(thing)] = thing
        kind, fields = type(thing), _fields(thing)
        if type(fields) is dict:
            self.reach(fields.get("__wrapped__"), name)  # what another function is made of
        if kind is FunctionType:
            if _is_followed(thing):
                self._functions.append(thing)
        elif kind is MethodType:
            self.reach(thing.__func__, name)
            self.reach(thing.__self__, name)
        elif kind is functools.partial:
            self.reach(thing.func, name)
        elif kind in (list, tuple, dict):
            if kind is not tuple:
                self._containers.append(Source(thing, name, is_all=True))
            for one in thing.values() if kind is dict else thing:
                self.reach(one, name)
        elif type(fields) is dict:
            self._objects.append(thing)
            self._kinds.add(kind)

    def follow(self) -> bool:
        """Follow the names known so far; tell whether that led to anything new."""
        before = len(self._seen), len(self._attributes)
        for function in [*self._functions]:
            attributes, outside = _names(function.__code__)
            self._attributes |= attributes
            for name, cell in _cells(function):
                self.reach(Source(cell, name).read(), name)
            for name in outside:
                self.reach(function.__globals__.get(name), name)
        for kind in set(chain.from_iterable(one.__mro__ for one in self._kinds)):
            for name in self._attributes & vars(kind).keys() | {"__call__"} & vars(kind).keys():
                part = vars(kind)[name]
                self.reach(getattr(part, "fget", None) or getattr(part, "__func__", part), name)
        for thing in [*self._objects]:
            fields = _fields(thing)
            for name in self._attributes & fields.keys():
                self.reach(fields[name], name)
        return (len(self._seen), len(self._attributes)) != before

    def sources(self) -> Iterator[Source]:
        """Yield all places that are read: objects there are followed, so what they are matters."""
        for function in self._functions:
            _, outside = _names(function.__code__)
            for name, cell in _cells(function):
                yield Source(cell, name)
            if _is_ours(function):  # whose globals nobody exchanges
                continue
            for name in sorted(outside & function.__globals__.keys()):
                if type(function.__globals__[name]) is not ModuleType:
                    yield Source(function.__globals__, name)
        for thing in self._objects:
            for name in _fields(thing):
                if name in self._attributes:
                    yield Source(_fields(thing), name)
        yield from self._containers

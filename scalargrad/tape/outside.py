"""Where a function may read what it finds outside: followed by the names in its code.

Its code says which names it reads, and so do the functions and the classes that it calls by these
names. Where a name may stand in several objects, each of them is a source.
"""

from __future__ import annotations

import dis
import functools
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from types import (
    CellType,
    CodeType,
    FunctionType,
    MappingProxyType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any, NamedTuple

from ..core.arithmetic import is_value
from ..core.source_lines import level_of_user

#: of a function that reaches more objects and functions than so many, the others are not watched,
#: which is said
MOST_REACHED = 10_000

#: what is compared by what it is; everything else by which object it is
PLAIN = (float, int, bool, str, bytes, complex, type(None))

#: what holds things, and how they are read without a class of the user's that derives from it
_ITEMS: dict[type, Callable[[Any], Iterable[Any]]] = {
    list: list.__iter__, tuple: tuple.__iter__, deque: deque.__iter__, set: set.__iter__,
    frozenset: frozenset.__iter__, dict: lambda d: chain.from_iterable(dict.items(d)),
    MappingProxyType: lambda d: chain.from_iterable(d.items()),
}  # fmt: skip

#: the instructions of Python that read an attribute, in all versions
_READ_ATTRIBUTES = frozenset({"LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"})

#: by which a function reads attributes that its code does not name
_BY_TEXT = frozenset({
    "getattr", "vars", "attrgetter", "methodcaller", "__dict__", "__getattribute__", "asdict",
    "astuple", "fields",
})  # fmt: skip

#: the modules of classes whose objects hold what a user gives them, and nothing else
_OPEN = frozenset({"types", "argparse"})

#: what a class has for its methods
_CALLED = (FunctionType, classmethod, staticmethod)

#: methods that no computation calls
_ASIDE = frozenset({
    "__repr__", "__str__", "__format__", "__del__", "__eq__", "__ne__", "__hash__", "__dir__",
    "__reduce__", "__reduce_ex__", "__getstate__", "__setstate__", "__setattr__", "__delattr__",
})  # fmt: skip


class Source(NamedTuple):
    """A place from which something is read: under a name in an object's dict or slots, or a cell.

    Or all that is in a list, a dict, or what else holds things, which was found under the name.
    """

    holder: Any
    name: str
    is_all: bool = False

    @property
    def key(self) -> str:
        """The name there; empty for all that is in it."""
        return "" if self.is_all else self.name

    def read(self) -> Any:
        """Return what stands there now, or None; all that is there as a tuple."""
        if self.is_all:
            return tuple(_items(self.holder))
        try:
            return self._read()
        except (AttributeError, ValueError):  # it is empty
            return None

    def _read(self) -> Any:
        kind = type(self.holder)
        if kind is dict:
            return self.holder.get(self.name)
        if kind is CellType:
            return self.holder.cell_contents
        if isinstance(self.holder, type):
            return vars(self.holder).get(self.name)
        return object.__getattribute__(self.holder, self.name)


class _Names(NamedTuple):
    """What some code reads: attributes and globals by name, attributes perhaps by other texts."""

    attributes: frozenset[str]
    outside: frozenset[str]
    are_any: bool


def sources(function: Callable[..., Any]) -> Iterator[Source]:
    """Yield all places outside that a function may read."""
    walk, name = _Walk(), getattr(function, "__name__", type(function).__name__)
    walk.reach(function, name)
    while walk.follow():
        pass
    if walk.is_full:
        warnings.warn(
            f"{name}: what a compiled function finds outside should be at most {MOST_REACHED:,}"
            " things, which are compared at each call; got more, and a change of the others goes"
            " unseen; pass as an argument what changes",
            UserWarning,
            stacklevel=level_of_user(),
        )
    yield from walk.sources()


@functools.lru_cache(maxsize=1024)
def _names(code: CodeType) -> _Names:
    instructions = list(dis.get_instructions(code))
    attributes = {str(i.argval) for i in instructions if i.opname in _READ_ATTRIBUTES}
    outside = {str(i.argval) for i in instructions if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    are_any = False
    if _BY_TEXT & (attributes | outside):
        texts = [text for text in _constants(code.co_consts) if text.isidentifier()]
        are_any = not texts or any(i.opname == "BUILD_STRING" for i in instructions)
        attributes.update(texts)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):  # of a function inside
            inner = _names(constant)
            attributes |= inner.attributes
            outside |= inner.outside
            are_any = are_any or inner.are_any
    return _Names(frozenset(attributes), frozenset(outside), are_any)


def _constants(things: tuple[Any, ...]) -> Iterator[str]:
    """Yield the texts among the constants of some code, and in their tuples."""
    for thing in things:
        if isinstance(thing, str):
            yield thing
        elif isinstance(thing, tuple):
            yield from _constants(thing)


def _root(module: Any) -> str:
    return str(module).partition(".")[0]


def _is_ours(thing: Any) -> bool:
    return _root(thing.__module__) == _root(__name__)


def _is_followed(module: Any, file: Any) -> bool:
    """Tell whether a module is a user's, or one of layers: a library's holds other things."""
    root, _, rest = str(module).partition(".")
    if root == _root(__name__):
        return rest.startswith("nn")
    return root not in sys.stdlib_module_names and "-packages" not in str(file)


def _is_users(kind: type) -> bool:
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return not _is_ours(kind) and _is_followed(kind.__module__, file)


def _fields(thing: Any) -> Any:
    """Return the dict of an object, if it has one, without asking its class for anything."""
    if type(thing) in _ITEMS:
        return None
    try:
        return object.__getattribute__(thing, "__dict__")
    except AttributeError:
        return None


def _slots(kind: type) -> set[str]:
    """Return the names of the slots of the objects of a class."""
    parts = chain.from_iterable(vars(one).items() for one in kind.__mro__)
    return {name for name, part in parts if type(part) is MemberDescriptorType}


def _held_as(kind: type) -> type | None:
    """Return as which of the things that hold others an object of a class does, if it does."""
    return next((one for one in kind.__mro__ if one in _ITEMS), None)


def _items(thing: Any) -> Iterable[Any]:
    """Return what a list, a dict, an array of objects holds; nothing of other things."""
    kind = _held_as(type(thing))
    if kind is not None:
        return _ITEMS[kind](thing)
    return thing.ravel().tolist() if _is_array_of_objects(thing) else ()


def _holds_nothing(thing: Any) -> bool:
    return is_value(thing) or type(thing) in PLAIN


def _is_array_of_objects(thing: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(thing, numpy.ndarray) and thing.dtype.kind == "O"


def _cells(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Return the names of a closure, and where each thing is kept."""
    return zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)


class _Walk:
    """Goes from a function to what it calls and to the objects it reads from, by their names."""

    def __init__(self) -> None:
        self._seen: dict[int, Any] = {}
        self._functions: list[FunctionType] = []
        self._modules: list[ModuleType] = []
        self._objects: list[Any] = []
        self._containers: list[Source] = []
        self._kinds: dict[type, None] = {}  # their classes, and those that are called
        self._attributes: set[str] = set()
        self._are_any = False  # the attributes that are read

    @property
    def is_full(self) -> bool:
        """Whether there may be more than is watched."""
        return len(self._seen) >= MOST_REACHED

    def reach(self, thing: Any, name: str = "") -> None:
        """Take a function or an object, if it is one that may hold something; it has this name."""
        waiting = [thing]
        while waiting:
            one = waiting.pop()
            is_open = id(one) not in self._seen and len(self._seen) < MOST_REACHED
            if is_open and not _holds_nothing(one):
                self._seen[id(one)] = one
                waiting.extend(self._taken(one, name))

    def _taken(self, thing: Any, name: str) -> Iterable[Any]:
        """Keep a thing; return those that come with it, whatever names are read."""
        if isinstance(thing, ModuleType):
            if _is_followed(thing.__name__, getattr(thing, "__file__", None)):
                self._modules.append(thing)
            return ()
        if isinstance(thing, type):
            if _is_users(thing):
                self._kinds[thing] = None
            return ()
        return self._parts(thing, name)

    def _parts(self, thing: Any, name: str) -> Iterable[Any]:
        kind, fields = type(thing), _fields(thing)
        # what another function is made of
        wrapped = fields.get("__wrapped__") if type(fields) is dict else None
        if kind is FunctionType:
            if _is_followed(thing.__module__, thing.__code__.co_filename):
                self._functions.append(thing)
                by_name = thing.__kwdefaults__ or {}
                return wrapped, *(thing.__defaults__ or ()), *by_name.values()
        elif kind is MethodType:
            return thing.__func__, thing.__self__
        elif kind is functools.partial:
            return wrapped, thing.func, *thing.args, *thing.keywords.values()
        else:
            return wrapped, *self._held(thing, name)
        return (wrapped,)

    def _held(self, thing: Any, name: str) -> Iterable[Any]:
        kind, items = type(thing), tuple(_items(thing))
        if not isinstance(thing, (tuple, frozenset)) and (items or _held_as(kind)):
            self._containers.append(Source(thing, name, is_all=True))
        if type(_fields(thing)) is dict or (kind not in _ITEMS and _slots(kind)):
            self._objects.append(thing)
            self._kinds[kind] = None
        one_of_each = {type(one): one for one in items}  # of the thousands in a layer
        return () if all(map(_holds_nothing, one_of_each.values())) else items

    def follow(self) -> bool:
        """Follow the names known so far; tell whether that led to anything new."""
        before = len(self._seen), len(self._attributes), len(self._kinds)
        for function in self._functions:  # and those that are found meanwhile
            names = _names(function.__code__)
            self._attributes |= names.attributes
            self._are_any = self._are_any or (names.are_any and not _is_ours(function))
            for name, cell in _cells(function):
                self.reach(Source(cell, name).read(), name)
            for name in names.outside:
                self.reach(function.__globals__.get(name), name)
        for kind in dict.fromkeys(chain.from_iterable(one.__mro__ for one in [*self._kinds])):
            for name in self._named(kind):
                part = vars(kind)[name]
                function = getattr(part, "fget", None) or getattr(part, "__func__", part)
                self.reach(function, name)
        for source in self._in_objects():  # and in those that are found meanwhile
            self.reach(source.read(), source.name)
        return (len(self._seen), len(self._attributes), len(self._kinds)) != before

    def _named(self, kind: type) -> set[str]:
        """Return which names of a class are read, or called by Python itself."""
        parts = vars(kind)
        own = {name for name in parts if name.startswith("__") and name not in _ASIDE}
        if not _is_users(kind):
            own &= {"__call__"}
        return (self._attributes & parts.keys()) | {n for n in own if isinstance(parts[n], _CALLED)}

    def sources(self) -> Iterator[Source]:
        """Yield all places that are read: objects there are followed, so what they are matters."""
        for function in self._functions:
            for name, cell in _cells(function):
                yield Source(cell, name)
            if _is_ours(function):  # whose globals nobody exchanges
                continue
            held = function.__globals__
            for name in sorted(_names(function.__code__).outside & held.keys()):
                if type(held[name]) is not ModuleType:
                    yield Source(held, name)
        yield from self._in_objects()
        yield from self._in_classes()
        yield from self._containers

    def _in_objects(self) -> Iterator[Source]:
        for module in self._modules:
            for name in self._attributes & vars(module).keys():
                yield Source(vars(module), name)
        for thing in self._objects:
            kind, fields = type(thing), _fields(thing)
            are_any = self._are_any and (_is_users(kind) or kind.__module__ in _OPEN)
            for name in [*fields] if type(fields) is dict else ():
                if are_any or name in self._attributes:
                    yield Source(fields, name)
            for name in sorted(_slots(kind)):
                if are_any or name in self._attributes:
                    yield Source(thing, name)

    def _in_classes(self) -> Iterator[Source]:
        """Yield where a class, or an object in front of its class, has what is read."""
        names = {kind: self._class_names(kind) for kind in self._kinds}
        for thing in self._objects:
            fields = _fields(thing)
            if type(fields) is dict:
                for name in sorted(names[type(thing)] - fields.keys()):
                    yield Source(fields, name)
        seen: set[tuple[type, str]] = set()
        for kind, known in names.items():
            for one in filter(_is_users, kind.__mro__):
                seen.update((one, name) for name in known)
        for one, name in sorted(seen, key=lambda pair: (pair[0].__qualname__, pair[1])):
            yield Source(one, name)

    def _class_names(self, kind: type) -> set[str]:
        """Return the names that are read of a user's classes."""
        parts = chain.from_iterable(vars(one).keys() for one in filter(_is_users, kind.__mro__))
        return self._attributes.intersection(parts) - _slots(kind)

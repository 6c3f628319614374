"""Every pickle carries a version, once, and checksums of what it holds.

What another version wrote, or what was damaged since, is refused in one sentence. A checksum finds
what happens by chance, in a file or on the way: a pickle that somebody made in order to do harm
can run anything, and is to be loaded from nowhere.
"""

from __future__ import annotations

import copy
import functools
import importlib
import marshal
import math
import zlib
from array import array
from collections.abc import Callable, Iterable
from types import BuiltinFunctionType, FunctionType
from typing import Any

from .. import errors
from .arithmetic import is_value
from .version import PICKLE_VERSION, __version__

#: what may come of fields that are not what they were; no lack of memory
_OF_DAMAGED_FIELDS = (
    ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError,
)  # fmt: skip


class Reader:
    """A function that builds what a pickle holds; it is in the pickle with the version of today.

    A pickler writes it where it first meets it and refers to it from then on, so that a million
    leaves carry one version. `content` returns, of the fields that the function takes, what their
    checksum is computed from: the same before and after.
    """

    __name__: str
    __wrapped__: Callable[..., Any]

    def __init__(
        self,
        function: Callable[..., Any],
        content: Callable[..., Iterable[Any]] | None = None,
    ) -> None:
        functools.update_wrapper(self, function)
        self._content = content or _content_of_all

    def pickled(self, *fields: Any) -> tuple[Reader, tuple[Any, ...]]:
        """Return what `__reduce__` returns for something that is built from some fields."""
        return self, (checksum(self._content(*fields)), *fields)

    def __call__(self, stored: int, *fields: Any) -> Any:
        return self.__wrapped__(*fields)  # of a copy

    def __reduce__(self) -> tuple[Any, ...]:
        return find_reader, (PICKLE_VERSION, self.__module__, self.__name__)

    def read(self, stored: Any, *fields: Any) -> Any:
        """Build what a pickle holds.

        Raises: `ValueError` where it is not what was written.
        """
        try:
            computed = checksum(self._content(*fields))
        except _OF_DAMAGED_FIELDS:
            computed = None
        if computed is None or stored != computed:
            raise damaged(f"other content of {self.__name__.strip('_')}")
        return self.__wrapped__(*fields)


def find_reader(version: Any, *path: str) -> Callable[..., Any]:
    """Return what builds: the `read` of one of our readers.

    Raises: `ValueError` in a pickle of another version, and for what is no reader.
    """
    if version != PICKLE_VERSION:
        must = f"must have version {PICKLE_VERSION}, that of scalargrad {__version__}"
        raise errors.InputError(
            errors.unwanted("pickle", must, version, "pickle it again with this version")
        )
    try:
        module, name = path
        ours, _, _ = __name__.partition(".")
        reader = vars(importlib.import_module(module))[name] if module.startswith(ours) else None
    except (ValueError, TypeError, AttributeError, KeyError, ImportError):
        reader = None
    if not isinstance(reader, Reader):
        raise damaged(errors.shown(path))
    return reader.read


def damaged(got: str) -> errors.InputError:
    """Return the error for a pickle that does not hold what was written."""
    return errors.InputError(
        f"pickle: must hold what was written; got {got}: it was damaged since; pickle it again"
    )


# -- checksums --------------------------------------------------------------------------------


def checksum(content: Iterable[Any]) -> int:
    """Return the CRC-32 of some pieces, each plain numbers and bytes, or tuples and lists of them.

    It finds every change of up to 32 bits in a row, and all others but one in 2**32. That nobody
    can find other content of the same checksum, as with BLAKE2, would help nothing: who can write
    the content can write the checksum. So it may be small and quick, as every leaf has its own.
    """
    total = 0
    for piece in content:
        total = zlib.crc32(marshal.dumps(piece, 2), total)  # the form that refers to nothing twice
    return total


def plain(numbers: Iterable[Any]) -> list[Any]:
    """Return numbers with one nan for all: the text of the oldest protocol knows no other."""
    return [x if x == x else math.nan for x in numbers]


def text(characters: str) -> bytes:
    """Return a text for a checksum; `marshal` would not say that it lacked memory for it."""
    return str.encode(characters, "utf-8", "surrogatepass")


#: the content of what is not entered
_OPEN = (b"open",)

#: so many containers inside one another are entered
_DEPTH = 100


def content_of(thing: Any) -> Any:
    """Return what a checksum can be computed from: what is in a nesting, if all of that is plain.

    Of a Value that is only what never changes: a pickler that lives on refers to what it has
    written of the others. They have checksums of their own. A container that holds anything of
    others, or itself, is not entered: when it is read, it need not be complete yet.

    >>> content_of((1.0, "a", None)) == content_of((1.0, "a", 0)), content_of([object()])
    (False, (b'open',))
    """
    return _content_of(thing, {}, 0)


def _content_of(thing: Any, met: dict[int, Any], depth: int) -> Any:
    if isinstance(thing, float):
        return float(thing) if thing == thing else math.nan
    if thing is None or isinstance(thing, bool):
        return thing
    if isinstance(thing, int):
        return int(thing)
    if isinstance(thing, str):
        return text(thing)
    if isinstance(thing, bytes):
        return b"bytes", thing
    if isinstance(thing, array):
        return text(thing.typecode), checksum([plain(thing)])
    if is_value(thing):
        return (text(thing.op), len(thing.parents)) if is_plain(type(thing)) else _OPEN
    if isinstance(thing, (type, FunctionType, BuiltinFunctionType)):
        return b"name", text(thing.__qualname__)
    if not isinstance(thing, (list, tuple, dict)):
        return _OPEN
    if id(thing) not in met:
        met[id(thing)] = _OPEN  # as which it is found in itself
        items = (*thing, *thing.values()) if isinstance(thing, dict) else thing
        inner = [_content_of(item, met, depth + 1) for item in items] if depth < _DEPTH else [_OPEN]
        is_open = any(x is _OPEN for x in inner)
        met[id(thing)] = _OPEN if is_open else (text(type(thing).__name__), checksum([inner]))
    return met[id(thing)]


def is_plain(kind: type) -> bool:
    """Tell whether a class of Values is an engine's own, not a subclass of it."""
    return "_make" in vars(kind)


def _content_of_all(*fields: Any) -> Iterable[Any]:
    return map(content_of, fields)


# -- objects with attributes --------------------------------------------------------------------


class Sealed:
    """Let what the attributes of an object hold have a checksum in its pickle."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: Any) -> Any:
        reduced = super().__reduce_ex__(protocol)
        if isinstance(reduced, tuple) and len(reduced) > 2 and type(reduced[2]) is dict:
            make, arguments, state, *more = reduced
            return make, arguments, Attributes(state), *more
        return reduced  # of a subclass that knows better


class Attributes(dict[str, Any]):
    """The attributes of an object on the way into its pickle, or to a copy."""

    def __reduce__(self) -> tuple[Any, ...]:
        met: dict[int, Any] = {}
        closed = [name for name in self if _content_of(self[name], met, 0) is not _OPEN]
        return _state.pickled(dict(self), closed)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return self.__reduce__()

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return copy.deepcopy(dict(self), memo)


def _content_of_state(state: dict[str, Any], closed: list[str]) -> Iterable[Any]:
    """Yield what was not open when it was written: the rest need not be complete yet."""
    met: dict[int, Any] = {}
    yield content_of(list(state))
    for name in closed:
        yield text(name), _content_of(state[name], met, 0)


@functools.partial(Reader, content=_content_of_state)
def _state(state: dict[str, Any], closed: list[str]) -> dict[str, Any]:
    return state

"""Calls with static arguments and with arguments by name only: each kind is a function of its own.

A static argument is a text, say, that chooses what is computed: the function is recorded for each
one. What is left are numbers by position, as every other compiled function has them.
"""

from __future__ import annotations

import copy
import dataclasses
import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .. import errors
from ..core.arithmetic import is_value

#: so many of them are kept for a function; then the one goes that was not called for longest
MOST_VARIANTS = 64


class Filled(NamedTuple):
    """How a function is called: which arguments are given each time, and what the others are."""

    positions: tuple[Any, ...]  # a static thing, or None
    are_static: tuple[bool, ...]
    by_name: tuple[tuple[str, bool, Any], ...]  # name, whether it is static, and the thing
    names: tuple[str, ...]  # of those that are given

    def call(self, function: Callable[..., Any], given: Sequence[Any]) -> Any:
        """Call the function."""
        row = iter(given)
        positions = zip(self.are_static, self.positions, strict=True)
        arguments = [thing if is_static else next(row) for is_static, thing in positions]
        named = {name: thing if is_static else next(row) for name, is_static, thing in self.by_name}
        return function(*arguments, **named)


class Special:
    """A function some of whose arguments are filled in."""

    def __init__(self, function: Callable[..., Any], filled: Filled) -> None:
        kind = inspect.Parameter.POSITIONAL_ONLY
        self.__name__: str = getattr(function, "__name__", type(function).__name__)
        self.__signature__: inspect.Signature = inspect.Signature(
            [inspect.Parameter(name, kind) for name in filled.names]
        )
        self.__wrapped__ = function
        self._filled = filled

    def __call__(self, *given: Any) -> Any:
        return self._filled.call(self.__wrapped__, given)


def filled(
    who: str, bound: inspect.BoundArguments, static: Sequence[str]
) -> tuple[Any, Filled, list[Any], list[int | None]]:
    """Return a key, how a function is called, what is given, and where each argument by place went.

    Raises: `TypeError` for a static argument that cannot be told from others.
    """
    entries = list(_entries(bound))
    given: list[Any] = []
    names: list[str] = []
    places: list[int | None] = []
    keys: list[Any] = []
    for name, thing, is_by_name in entries:
        is_static = name in static
        keys.append((name, is_by_name, key_of(who, name, thing) if is_static else None, is_static))
        if not is_by_name:
            places.append(None if is_static else len(given))
        if not is_static:
            given.append(thing)
            names.append(name)
    kept = [
        (name, name in static, copy.deepcopy(thing) if name in static else None, is_by_name)
        for name, thing, is_by_name in entries
    ]
    how = Filled(
        tuple(thing for _, _, thing, is_by_name in kept if not is_by_name),
        tuple(is_static for _, is_static, _, is_by_name in kept if not is_by_name),
        tuple((name, is_static, thing) for name, is_static, thing, by_name in kept if by_name),
        tuple(names),
    )
    return tuple(keys), how, given, places


def _entries(bound: inspect.BoundArguments) -> Any:
    """Yield name, thing, and whether it goes by name, of all arguments: first those by place."""
    parameters = bound.signature.parameters
    left = len(bound.args)
    for name, thing in bound.arguments.items():
        kind = parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            for index, one in enumerate(thing):
                left -= 1
                yield f"{name}{index}", one, False
        elif kind is inspect.Parameter.VAR_KEYWORD:
            for key, one in thing.items():
                yield key, one, True
        else:
            is_by_name = left <= 0 or kind is inspect.Parameter.KEYWORD_ONLY
            left -= 1
            yield name, thing, is_by_name


def key_of(who: str, name: str, thing: Any) -> Any:
    """Return what is equal for equal static arguments, and for no others.

    Raises: `TypeError` for what has a Value in it, or cannot be a key of a dict.
    """
    if type(thing) is float:
        return float, thing.hex()  # -0.0 is another one, and nan is itself
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        fields = [(one.name, getattr(thing, one.name)) for one in dataclasses.fields(thing)]
        return type(thing), tuple((key, key_of(who, name, one)) for key, one in fields)
    if isinstance(thing, (list, tuple)):
        return type(thing), tuple(key_of(who, name, one) for one in thing)
    if isinstance(thing, dict):
        pairs = thing.items()
        return type(thing), tuple((key, key_of(who, name, one)) for key, one in pairs)
    try:
        hash(thing)
    except TypeError:
        is_key = False
    else:
        is_key = not is_value(thing)
    if is_key:
        return type(thing), thing
    raise errors.OperandError(
        f"{who}: the static argument {name} must be a text, None, a date, a member of an"
        f" enumeration or the like; got {errors.shown(thing)}; take it out of static"
    )

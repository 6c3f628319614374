"""What a function finds outside and a recording holds as it was: `self.rate`, a global number.

What stands there is compared before each replay, and what is in the lists and dicts there. Where
that may be, outside.py says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import _engine
from .outside import PLAIN, Source, sources


class Watched:
    """What stood at some places."""

    def __init__(self, sources: Sequence[Source], things: Sequence[Any]) -> None:
        self.sources: tuple[Source, ...] = tuple(sources)
        self.things: tuple[Any, ...] = tuple(things)
        #: as the machine compares them
        self.triples: tuple[tuple[Any, str, Any], ...] = tuple(
            (source.holder, source.key, thing)
            for source, thing in zip(self.sources, self.things, strict=True)
        )

    @staticmethod
    def by(function: Callable[..., Any]) -> Watched:
        """Return what a function finds outside now."""
        found = list(sources(function))
        return Watched(found, [source.read() for source in found])

    def changed(self) -> str | None:
        """Return the name of something that has become another thing, or None."""
        native = _engine.machine()
        if native is not None and native.is_unchanged(self.triples):
            return None
        for source, thing in zip(self.sources, self.things, strict=True):
            if not _are_same(source.read(), thing):
                return source.name
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
    return type(one) is type(other) and type(one) in PLAIN and repr(one) == repr(other)

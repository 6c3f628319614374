"""The function of a tape that came out of a pickle: looked up by its name when it is needed."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

from .. import errors

#: a module and the name of a function in it
QualifiedName = tuple[str, str]


def qualified_name(function: Callable[..., Any]) -> QualifiedName | None:
    """Return the name that leads to a function, also behind the decorator; else None."""
    if isinstance(function, Elsewhere):
        return function.qualified
    module, name = (getattr(function, part, None) for part in ("__module__", "__qualname__"))
    if not (isinstance(module, str) and isinstance(name, str)):
        return None
    try:
        return (module, name) if _look_up(module, name) is function else None
    except (AttributeError, ImportError):
        return None


def _look_up(module: str, name: str) -> Any:
    thing: Any = sys.modules.get(module) or importlib.import_module(module)
    for part in name.split("."):
        thing = getattr(thing, part)
    return getattr(thing, "function", thing)


class Elsewhere:
    """Stands for a function of another process."""

    def __init__(self, name: str, qualified: QualifiedName | None, keeps_values: bool) -> None:
        self.__name__ = name
        self.qualified = qualified
        self._keeps_values = keeps_values

    def __call__(self, *arguments: Any) -> Any:
        if self._keeps_values:  # which are copies here; the function would find others
            raise self._lost("it uses Values from outside, of which there are copies here")
        if self.qualified is None:
            raise self._lost("it has no name by which it could be found")
        try:
            function = _look_up(*self.qualified)
        except (AttributeError, ImportError):
            raise self._lost(f"{'.'.join(self.qualified)} is not to be found") from None
        return function(*arguments)

    def _lost(self, why: str) -> errors.StateError:
        return errors.StateError(
            f"{self.__name__}: a path that no tape has cannot be recorded here, {why}; got a"
            " pickled function; call it once on every path before it is pickled"
        )

"""What comes out of the pickle of a compiled function: it is checked, but for its tapes.

The function itself is looked up by its name when it is needed.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable
from typing import Any

from .. import errors
from ..core.nesting import is_structure
from .tape import Tape

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

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        if self._keeps_values:  # which are copies here; the function would find others
            raise self._lost("it uses Values from outside, of which there are copies here")
        if self.qualified is None:
            raise self._lost("it has no name by which it could be found")
        try:
            function = _look_up(*self.qualified)
        except (AttributeError, ImportError):
            raise self._lost(f"{'.'.join(self.qualified)} is not to be found") from None
        return function(*arguments, **named)

    def _lost(self, why: str) -> errors.StateError:
        return errors.StateError(
            f"{self.__name__}: a path that no tape has cannot be recorded here, {why}; got a"
            " pickled function; call it once on every path before it is pickled"
        )


def check_fields(name: Any, qualified: Any, options: Any, paths: Any, signature: Any) -> None:
    """Refuse what are no fields of a compiled function: those of its pickle.

    Raises: `ValueError`.
    """
    for is_right, must, got in (
        (type(name) is str, "the name must be a text", name),
        (qualified is None or _are_texts(qualified), "module and name must be texts", qualified),
        (_are_options(options), "there must be five options", options),
        (type(paths) is dict, "the paths must be a dict", paths),
        (type(signature) is inspect.Signature, "the parameters must be a signature", signature),
    ):
        if not is_right:
            raise _wrong(must, got)
    for structures, known in paths.items():
        if not (type(structures) is tuple and all(map(is_structure, structures))):
            raise _wrong("arguments must have structures", structures)
        if type(known) is not list:
            raise _wrong("the paths of some arguments must be a list", known)
        for path in known:
            _check_path(structures, path)


def _are_options(options: Any) -> bool:
    if type(options) is not tuple or len(options) != 5 or type(options[3]) is not tuple:
        return False
    return all(type(name) is str for name in options[3])


def _are_texts(qualified: Any) -> bool:
    return type(qualified) is tuple and tuple(map(type, qualified)) == (str, str)


def _check_path(structures: tuple[Any, ...], path: Any) -> None:
    if not (type(path) is tuple and len(path) == 2 and type(path[0]) is Tape):
        raise _wrong("a path must be a tape and a structure", path)
    tape, structure = path
    if not is_structure(structure):
        raise _wrong("results must have a structure", structure)
    sizes = sum(one.size for one in structures), structure.size
    if sizes != (tape.arguments, len(tape.outputs)):
        must = "a tape must have an input for each argument, and an output for each result"
        raise _wrong(must, sizes)


def _wrong(must: str, got: object) -> errors.InputError:
    return errors.InputError(errors.unwanted("pickle", must, got, "pickle it again"))

"""Chooses and names the engine."""

from __future__ import annotations

import functools
import os
import sys
from array import array
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from . import _python
from .core import copying
from .core.tracer import TracerProtocol
from .errors import EngineError, unwanted
from .table.row import ManyRow, Row, digest

__all__ = [
    "Value",
    "add_gradients",
    "are_floats",
    "engine",
    "machine",
    "move_flat",
    "numbers",
    "quick",
    "set_numbers",
    "sift",
    "tracer_of",
    "why",
]

F = TypeVar("F", bound=Callable[..., Any])


_REMEDY = "with a C compiler there, run python3 -m pip install -e . in the checkout"


def _native() -> ModuleType:
    """Return the native engine.

    Raises: `ImportError` where it was not built: no compiler, or not for this Python.
    """
    from . import _native as native

    return native


def _choose(requested: str) -> tuple[str, ModuleType, str]:
    """Return the name of the engine to use, its module, and why it is not the native one.

    Raises: `EngineError` where `SCALARGRAD_ENGINE` names none, or one that is not there.
    """
    if requested not in ("", "python", "native"):
        raise EngineError(
            unwanted(
                "SCALARGRAD_ENGINE", "must be python or native", requested, "correct or unset it"
            )
        )
    if requested == "python":
        return "python", _python, "SCALARGRAD_ENGINE asks for it"
    try:
        return "native", _native(), ""
    except ModuleNotFoundError:
        missing = "the native engine was not built"
    except ImportError as error:
        missing = str(error)
    if requested == "native":
        raise EngineError(f"SCALARGRAD_ENGINE: {missing}; got 'native' (str); {_REMEDY}")
    return "python", _python, f"{missing}; {_REMEDY}"


def _is_command_line() -> bool:
    """Tell whether Python was started as the program `scalargrad`."""
    arguments = sys.orig_argv
    program = os.path.basename(sys.argv[0]) if sys.argv else ""
    return program in ("scalargrad", "scalargrad.exe", "scalargrad-script.py") or (
        "-m" in arguments and arguments[arguments.index("-m") + 1 :][:1] == ["scalargrad"]
    )


#: the engine in use, "python" or "native"
engine: str
#: why it is not the native one
why: str
try:
    engine, _module, why = _choose(os.environ.get("SCALARGRAD_ENGINE", ""))
except EngineError as error:
    if _is_command_line():  # it imports the package before it can catch anything
        print(f"scalargrad: {error}", file=sys.stderr)
        sys.exit(2)
    raise

if TYPE_CHECKING:
    Value = _python.Value
else:
    Value = _module.Value

copying.chosen["Value"] = Value


def tracer_of(inputs: list[Any]) -> TracerProtocol:
    """Return a tracer for the Values of this engine."""
    tracer: TracerProtocol = _module.Tracer(inputs)
    return tracer


def are_floats(numbers: list[Any]) -> bool:
    """Tell whether a list holds floats only, and at least one."""
    result: bool = _module.are_floats(numbers)
    return result


def numbers(values: tuple[Any, ...]) -> Any:
    """Return the data of many Values, as doubles one after the other."""
    return _module.numbers(values)


def add_gradients(values: tuple[Any, ...], numbers: Any) -> None:
    """Add to the gradients of many leaves, all of them or none."""
    _module.add_gradients(values, numbers)


def set_numbers(values: tuple[Any, ...], numbers: Any) -> None:
    """Set the data of many Values; native only."""
    _module.set_numbers(values, numbers)


def move_flat(
    rule: Any, numbers: Any, gradients: Any, kept: list[Any], settings: tuple[Any, ...]
) -> None:
    """Move a flat block of numbers by the rule of an optimiser; native only."""
    _module.move_flat(rule, numbers, gradients, kept, settings)


def sift(*blocks: array[int], rounds: int, window: int) -> int | None:
    """Move the nodes of columns to better places, and return the cost: see `_native/sifting.c`.

    None where the engine is not native.
    """
    if engine == "python":
        return None
    cost: int = _module.sift(*blocks, rounds, window)
    return cost


@functools.cache
def machine() -> Any:
    """Return the module that runs tapes natively, or None where it was not built."""
    if engine == "python":
        return None
    try:
        from ._native import _machine
    except ImportError:
        return None
    if _machine.digest != digest():
        return None
    _machine.use_access(_module.access)
    try:
        from ._native import _fast
    except ImportError:  # the strict kernels serve fast mode too
        return _machine
    if _fast.digest == digest():
        _machine.add_fast(_fast.kernels)
    return _machine


def quick(function: F, row: Row | ManyRow | None = None, kind: str = "") -> F:
    """Return a function with the short cut that the engine has for it, if it has any."""
    fast: F = function if engine == "python" else _module.quick(function, row, kind)
    return fast

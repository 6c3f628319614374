"""The exception tree, and the form of a message: who, what must be, what came, what to do."""

from __future__ import annotations

import reprlib
from collections.abc import Callable

__all__ = [
    "ConvergenceError", "EngineError", "ExpressionError", "GradientError", "InputError",
    "MissingExtraError", "MissingFileError", "NoSolutionError", "NonFiniteError", "OperandError",
    "RangeError", "ScalargradError", "StateError",
]  # fmt: skip
__dir__: Callable[[], list[str]] = __all__.copy

_short = reprlib.Repr()
_short.maxstring = _short.maxother = _short.maxlong = 60
_short.maxlist = _short.maxtuple = _short.maxdict = _short.maxset = 4


class ScalargradError(Exception):
    """Every error that scalargrad raises on purpose."""


class InputError(ScalargradError, ValueError):
    """A value of the right type that cannot be used."""


class OperandError(ScalargradError, TypeError):
    """A value of the wrong type."""


class RangeError(ScalargradError, OverflowError):
    """An integer that no double can hold."""


class StateError(ScalargradError, RuntimeError):
    """A call that does not fit the state of the graph."""


class ConvergenceError(ScalargradError, ArithmeticError):
    """An iteration that does not settle."""


class NoSolutionError(InputError):
    """Numbers for which there is no answer: f changes no sign, a matrix is singular."""


class NonFiniteError(ScalargradError, FloatingPointError):
    """A value or gradient that is not finite, under `detect_anomaly`."""


class ExpressionError(InputError):
    """A text that is not an expression of the grammar."""


class MissingExtraError(ScalargradError, ImportError):
    """A library of an optional extra that is not installed."""


class MissingFileError(ScalargradError, FileNotFoundError):
    """A file that is not there."""


class EngineError(ScalargradError, ImportError):
    """The engine asked for by `SCALARGRAD_ENGINE` is not there."""


class GradientError(ScalargradError, AssertionError):
    """Analytic and numerical gradients that disagree."""


def shown(value: object) -> str:
    """Return `value` for a message: a bounded repr, then its type.

    >>> shown("one")
    "'one' (str)"
    """
    try:
        # its __class__: a whole number of a tape calls itself int
        text, kind = _short.repr(value), value.__class__
    except Exception as error:  # a repr of a stranger may fail; the message must not
        text, kind = f"an object whose repr raises {type(error).__name__}", type(value)
    if "\n" in text:  # of an array or a table
        text = " ".join(text.split())
    return f"{text} ({kind.__name__})"


def unwanted(who: str, must: str, got: object, remedy: str) -> str:
    """Return the one sentence of a refusal: who, what must be, what came, what to do.

    >>> unwanted("backward", "upstream must be a number", "one", "pass e.g. 1.0")
    "backward: upstream must be a number; got 'one' (str); pass e.g. 1.0"
    """
    return f"{who}: {must}; got {shown(got)}; {remedy}"


def changed_operands(op: str, computed: float, held: float) -> StateError:
    """Return the error for a derivative where a number was assigned since the forward pass.

    >>> str(changed_operands("mul", 10.0, 6.0))[:60]
    "create_graph: the operands of 'mul' must be as in the forwar"
    """
    return StateError(
        f"create_graph: the operands of {op!r} must be as in the forward pass; got {computed!r}"
        f" from them where the node holds {held!r}; compute it anew"
    )


def missing_extra(who: str, library: str, extra: str) -> MissingExtraError:
    """Return the error for an optional library that is not installed."""
    return MissingExtraError(
        f"{who}: needs the library {library}, which is not installed; "
        f'run: python3 -m pip install ".[{extra}]" in the scalargrad checkout'
    )

"""Traces what a function computes while it runs: the raw material of a tape.

One function is traced at a time. Every node that its thread makes meanwhile becomes a line: the
row of its operation, and a reference to each operand. A Value that was there before, or that is
made of a plain number, is *captured*; what depends on the inputs is *live*. The nodes themselves
are watched by the tracer of their engine: readable_tracer.py, or _native/tracer.c.
"""

from __future__ import annotations

import math
import threading
from array import array
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, NamedTuple, Protocol, TypeVar

from .. import errors
from ..table.codes import COMPARISONS, INDEX_BITS
from .source_lines import SourceLine, running_line_text
from .turns import take_turn

R = TypeVar("R")


class Operand(NamedTuple):
    """What a reference says: `position` counts among the inputs, captured, constants or lines."""

    kind: int
    position: int


def reference(kind: int, index: int) -> int:
    """Return the reference to an operand."""
    return kind << INDEX_BITS | index


def unpack(reference: int) -> Operand:
    """Return what a reference says.

    >>> unpack(reference(3, 7))
    Operand(kind=3, position=7)
    """
    return Operand(reference >> INDEX_BITS, reference & ((1 << INDEX_BITS) - 1))


class Line(NamedTuple):
    """One operation: `result` tells which of several results (of softmax, say) it is."""

    op: str
    operands: tuple[Operand, ...]
    result: int


class Guard(NamedTuple):
    """A comparison on the way, and how it turned out."""

    comparison: int
    left: int
    right: int
    outcome: bool
    source: SourceLine


class Gather(NamedTuple):
    """Inputs that are read from a table of captured numbers, by the row that another input names.

    They stand from `first` on behind the inputs that are arguments. A row is a run of `width`
    positions among what was captured.
    """

    by: int  # among the inputs: a whole number, negative from the end
    first: int
    width: int
    table: array[int]

    @property
    def rows(self) -> int:
        return len(self.table) // self.width


class RawTape(NamedTuple):
    """What was traced."""

    ops: bytes  # of each line, the row's index in the table counted from 1
    starts: array[int]  # of each line's operands among all, and the end
    operands: array[int]  # references
    results: array[int]  # which of several results a line is
    constants: array[float]
    captured: list[Any]
    guards: list[Guard]
    calls: dict[int, Any]  # line -> the function of one's own that it calls
    outputs: list[int]
    gathers: list[Gather]


class Lazy:
    """A Value that becomes a line where it is first an operand: the truth of a comparison."""

    __slots__ = ()

    def write(self) -> None:
        """Become a line."""
        raise NotImplementedError

    def choose(self, a: Any, b: Any) -> Any:
        """Return `a` in the lanes where it holds, `b` in the others."""
        raise NotImplementedError


class TracerProtocol(Protocol):
    """What `compile` asks of an engine's tracer."""

    def watch(self, function: Callable[[], R]) -> R: ...
    def stop(self, outputs: Sequence[Any]) -> RawTape: ...
    def forget(self) -> None: ...
    def call(self, node: Any, function: Any) -> None: ...
    def guard(self, comparison: int, x: Any, y: Any, outcome: bool) -> None: ...
    def result(self, node: Any) -> int | None: ...
    def alias(self, leaf: Any, node: Any) -> None: ...
    def reference(self, x: Any) -> int: ...
    def add_input(self, leaf: Any) -> int: ...

    gathers: list[Gather]
    tables: dict[tuple[int, ...], Any]


#: the one at work, of the thread that it watches; after an interrupt it may be one that was
current: TracerProtocol | None = None
thread: int = 0

#: makes the truth of a comparison; where there is none, each comparison is a guard
compared: Callable[[int, Any, Any, bool], Any] | None = None

#: what the function was refused meanwhile, also where it caught that itself
refused: errors.ScalargradError | None = None

#: the tracer that a call is watched by: what ends with the call, whatever interrupts it
_watching: ContextVar[TracerProtocol | None] = ContextVar("scalargrad tracer", default=None)


#: who solves an equation, of which the numbers must not be compared
solving: ContextVar[str] = ContextVar("scalargrad solver", default="")


def is_on() -> bool:
    """Tell whether this thread is being traced."""
    return (
        current is not None
        and thread == threading.get_ident()
        and _watching.get() is current  # else the call was interrupted, and is over
    )


def at_work() -> TracerProtocol | None:
    """Return the tracer that watches this thread, if there is one."""
    return current if is_on() else None


def watch(tracer: TracerProtocol, function: Callable[[], R]) -> R:
    """Call a function which a tracer watches; another thread that wants one waits.

    Raises: `RuntimeError` where this thread is watched already.
    """
    if is_on():
        raise refusal(
            "compile: nothing else may be recorded while a function is; got another recording"
            f" at {running_line_text()}; call what is compiled or fitted outside of the function"
        )
    try:
        return take_turn(_watched, tracer, function)
    finally:
        tracer.forget()


def _watched(tracer: TracerProtocol, function: Callable[[], R]) -> R:
    global current, thread, refused
    _watching.set(tracer)  # in the context of this turn
    current, thread, refused = tracer, threading.get_ident(), None
    try:
        return tracer.watch(function)
    finally:
        current = None


def refusal(text: str) -> errors.StateError:
    """Return an error and keep it, so that a function which catches it does not go on unnoticed."""
    error = errors.StateError(text)
    keep(error)
    return error


def keep(error: errors.ScalargradError) -> None:
    """Let an error end the function that is traced, also where it catches it."""
    global refused
    if is_on() and refused is None:
        refused = error


def note_guard(comparison: int, x: Any, y: Any, outcome: int) -> Any:
    """Trace a comparison of a Value with another one, or with a number; return its truth."""
    if current is None:
        return bool(outcome)
    if who := solving.get():  # a replay would compare others, and go the same way
        raise refusal(
            f"{who}: f must compare no Values while a function is recorded; got a comparison at"
            f" {running_line_text()}; compare outside of f, or use maximum, minimum, abs"
        )
    if issubclass(type(y), int):
        below = _double_below(y)
        if below != y:  # no double is between the two: x < y where x <= below, and x > y elsewhere
            if COMPARISONS[comparison] in ("==", "!="):
                return bool(outcome)  # the same for every x
            comparison = COMPARISONS.index("<=" if comparison < COMPARISONS.index("==") else ">")
        y = below
    if compared is not None:
        return compared(comparison, x, y, bool(outcome))
    current.guard(comparison, x, y, bool(outcome))
    return bool(outcome)


def write_lazy(x: Any) -> None:
    """Let what is an operand now become a line, if it waited for that."""
    if isinstance(x, Lazy):
        x.write()


def _double_below(whole: int) -> float:
    """Return the largest double that is not above an int of any size."""
    try:
        nearest = float(whole)
    except OverflowError:
        nearest = math.inf if whole > 0 else -math.inf
    return nearest if nearest <= whole else math.nextafter(nearest, -math.inf)

"""Writes down what a function computes while it runs: the raw material of a tape.

One function is recorded at a time. Every node that its thread makes meanwhile becomes a line: the
row of its operation and where its operands stand. A Value that was there before, or that is made
of a plain number, is *captured*; what depends on the inputs is *live*.
"""

from __future__ import annotations

import math
import threading
from array import array
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from .. import errors
from ..table.row import ROWS
from .source_lines import Place, line_at, running_place

#: where an operand stands: the kind in the upper two bits of 32, the place among its kind below
INPUT, CAPTURED, CONSTANT, LINE = range(4)
KIND_BITS = 30

#: operations that are no rows: a value without its graph, and a function of the user's own
DETACH, CALL = 0, 255

#: comparisons, numbered as Python numbers them
COMPARISONS = ("<", "<=", "==", "!=", ">", ">=", "is")

#: the last of them: a whole number is wanted as an int, and every other one is another path
INDEX = 6

_OPS = {name: place for place, name in enumerate(ROWS, 1)}


def operand(kind: int, place: int) -> int:
    """Return the number that stands for an operand."""
    return kind << KIND_BITS | place


class Guard(NamedTuple):
    """A comparison on the way, and how it turned out."""

    comparison: int
    left: int
    right: int
    outcome: bool
    place: Place


class Raw(NamedTuple):
    """What was written down."""

    ops: bytes  # of each line, the row's place in the table counted from 1
    starts: array[int]  # of each line's operands among all, and the end
    operands: array[int]
    places: array[int]  # which of several results a line is
    constants: array[float]
    captured: list[Any]
    guards: list[Guard]
    calls: dict[int, Any]  # line -> the function of one's own that it calls
    outputs: list[int]


class Records(Protocol):
    """What `compile` wants of an engine's recorder."""

    def start(self) -> None: ...
    def stop(self, outputs: Sequence[Any]) -> Raw: ...
    def abandon(self) -> None: ...
    def call(self, node: Any, function: Any) -> None: ...
    def guard(self, comparison: int, x: Any, y: Any, outcome: bool) -> None: ...
    def stand_for(self, leaf: Any, node: Any) -> None: ...


#: the one at work, of the thread that it watches
current: Records | None = None
thread = 0

#: what the function was refused meanwhile, also where it caught that itself
refused: errors.StateError | None = None
_one_at_a_time = threading.RLock()


def is_on() -> bool:
    """Tell whether this thread is being recorded."""
    return current is not None and thread == threading.get_ident()


def begin(recorder: Records) -> None:
    """Let a recorder watch this thread; another thread that wants one waits.

    Raises: `RuntimeError` where this thread is watched already.
    """
    global current, thread, refused
    if is_on():
        raise _refusal(
            "compile: nothing else may be recorded while a function is; got another recording"
            f" {_here()}; call what is compiled or fitted outside of the function"
        )
    _one_at_a_time.acquire()
    try:
        recorder.start()
        current, thread, refused = recorder, threading.get_ident(), None
    except BaseException:
        _one_at_a_time.release()
        raise


def end() -> None:
    """Stop watching."""
    global current
    if current is not None:
        recorder, current = current, None
        try:
            recorder.abandon()
        finally:
            _one_at_a_time.release()


def note_guard(comparison: int, x: Any, y: Any, outcome: int) -> None:
    """Write down a comparison of a Value with another one, or with a number."""
    if current is None:
        return
    if issubclass(type(y), int):
        below = _double_below(y)
        if below != y:  # no double is between the two: x < y where x <= below, and x > y elsewhere
            if COMPARISONS[comparison] in ("==", "!="):
                return  # which turn out the same for every x
            comparison = COMPARISONS.index("<=" if comparison < COMPARISONS.index("==") else ">")
        y = below
    current.guard(comparison, x, y, bool(outcome))


def _double_below(whole: int) -> float:
    """Return the largest double that is not above an int of any size."""
    try:
        nearest = float(whole)
    except OverflowError:
        nearest = math.inf if whole > 0 else -math.inf
    return nearest if nearest <= whole else math.nextafter(nearest, -math.inf)


# -- refusals, in the words of both engines --------------------------------------------------


def _here() -> str:
    return f"at {line_at(running_place())}"


def _refusal(text: str) -> errors.StateError:
    """Keep an error, so that a function which catches it does not go on unnoticed."""
    global refused
    error = errors.StateError(text)
    if is_on() and refused is None:
        refused = error
    return error


def frozen_read(field: str) -> errors.StateError:
    """Return the error for a number that is read out of a Value."""
    return _refusal(
        f"compile: .{field} must not be read while the function is recorded, the number would be"
        f" the same at every later call; got a Value {_here()}; compute with the Value itself, or"
        " with its .detach()"
    )


def frozen_text() -> errors.StateError:
    """Return the error for a number that is written as text."""
    return _refusal(
        "compile: numbers must not become text while the function is recorded, it would be the same"
        f" at every later call; got a format {_here()}; write it outside of the function"
    )


def frozen_write(field: str) -> errors.StateError:
    """Return the error for a number that is put into a Value."""
    return _refusal(
        f"compile: .{field} must not be changed while the function is recorded, later calls would"
        f" not do it; got an assignment {_here()}; change it outside of the function"
    )


def frozen_pass() -> errors.StateError:
    """Return the error for a backward pass."""
    return _refusal(
        "compile: gradients must not be computed as numbers while the function is recorded, later"
        f" calls would not do it; got a pass {_here()}; use f.value_and_grad or f.backward, or"
        " scalargrad.grad inside the function"
    )


def number_of_own(op: str) -> errors.StateError:
    """Return the error for a node whose numbers nothing on the tape can compute anew.

    It is raised once all is recorded: until then `custom` may tell how.
    """
    return errors.StateError(
        f"compile: every operation must be one of the table or of custom; got {op!r}, whose numbers"
        f" would be the same at every later call, {_here()}; write it with scalargrad.custom, or"
        " as steps of a loop"
    )


def frozen_copy() -> errors.StateError:
    """Return the error for a copy or a pickle of a Value."""
    return _refusal(
        "compile: Values must not be copied while the function is recorded, the copy would have the"
        f" same number at every later call; got a copy {_here()}; compute with the Value itself"
    )


def beyond_doubles(whole: int) -> errors.StateError:
    """Return the error for an argument that is wanted as an int, which its double is not."""
    return _refusal(
        "compile: an int that is an argument must be below 2**53 where Python wants it as an int,"
        f" doubles hold no others; got {whole} {_here()}; pass it in two parts, or use it as a"
        " number only"
    )


def frozen_call(name: str, remedy: str) -> errors.StateError:
    """Return the error for a call that gives plain numbers."""
    return _refusal(
        f"compile: {name} must not be called while a function is recorded, the results would be the"
        f" same at every later call; got a call {_here()}; {remedy}"
    )


# -- the recorder of the readable engine -----------------------------------------------------


class Recorder:
    """Watches the Values of the readable engine."""

    def __init__(self, inputs: Sequence[Any]) -> None:
        self.ops = bytearray()
        self.starts, self.operands, self.places = array("I", [0]), array("I"), array("I")
        self.constants = array("d")
        self.captured: list[Any] = []
        self.guards: list[Guard] = []
        self.calls: dict[int, Any] = {}
        self._unknown: dict[int, errors.StateError] = {}
        self._inputs = list(inputs)
        self._kept: list[Any] = []  # or another node might get the same id
        self._places = {id(x): operand(INPUT, place) for place, x in enumerate(inputs)}
        self.live = {id(x) for x in inputs}
        self._last: tuple[str, Any, int] = ("", (), 0)  # of the last line: op, operands, place

    def start(self) -> None:
        """Begin: from here on every node is written down."""

    def abandon(self) -> None:
        """Forget everything."""

    def line(self, node: Any) -> None:
        """Write down a fresh node."""
        ops = _OPS.get(node.op, CALL)
        if ops == CALL:
            self._unknown[len(self.ops)] = number_of_own(node.op)
        op, operands, place = self._last
        place = place + 1 if node.operands is operands and node.op == op else 0
        self._last = node.op, node.operands, place
        self._write(node, ops, [self._standing(x) for x in node.operands], place)
        if any(id(x) in self.live for x in node.parents):
            self.live.add(id(node))

    def detach(self, node: Any, source: Any) -> None:
        """Write down that a node has the number of another one, and nothing of its graph."""
        standing = self._standing(source)
        self._write(node, DETACH, [standing], 0)
        if id(source) in self.live:
            self.live.add(id(node))

    def _write(self, node: Any, op: int, operands: list[int], place: int) -> None:
        self._kept.append(node)
        self._places[id(node)] = operand(LINE, len(self.ops))
        self.ops.append(op)
        self.operands.extend(operands)
        self.starts.append(len(self.operands))
        self.places.append(place)

    def call(self, node: Any, function: Any) -> None:
        """Tell which function computes a node of one's own."""
        place = self._places[id(node)] & ((1 << KIND_BITS) - 1)
        self._unknown.pop(place, None)
        self.ops[place] = CALL
        self.calls[place] = function

    def guard(self, comparison: int, x: Any, y: Any, outcome: bool) -> None:
        """Write down a comparison."""
        sides = self._standing(x), self._standing(y)
        self.guards.append(Guard(comparison, *sides, outcome, running_place()))

    def stand_for(self, leaf: Any, node: Any) -> None:
        """Let a fresh leaf stand where the line of a node does."""
        self._kept.append(leaf)
        self._places[id(leaf)] = self._places[id(node)]
        if id(node) in self.live:
            self.live.add(id(leaf))

    def stop(self, outputs: Sequence[Any]) -> Raw:
        """Return what was written down; `outputs` are Values and numbers."""
        for error in self._unknown.values():
            raise error
        places = [self._standing(x) for x in outputs]
        return Raw(
            bytes(self.ops), self.starts, self.operands, self.places, self.constants,
            self.captured, self.guards, self.calls, places,
        )  # fmt: skip

    def _standing(self, x: Any) -> int:
        if isinstance(x, float):
            self.constants.append(x)
            return operand(CONSTANT, len(self.constants) - 1)
        found = self._places.get(id(x))
        if found is None:
            found = self._places[id(x)] = operand(CAPTURED, len(self.captured))
            self.captured.append(x)
        return found

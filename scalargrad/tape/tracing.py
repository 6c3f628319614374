"""Runs a function once while its operations are written down."""

from __future__ import annotations

import itertools
import math
import random
import sys
from array import array
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

from .. import errors
from .._engine import Value, tracer_of
from ..core import modes, tracer
from ..core.arithmetic import is_value
from ..core.around import Inputs, call_inside
from ..core.nesting import Structure
from ..core.source_lines import line_text, raised_here
from ..table.codes import CAPTURED, LINE
from . import choices, truth
from .flattening import flatten_result
from .integers import Integer
from .replay import Replay, Run
from .tape import Tape


def trace(
    name: str,
    function: Callable[..., Any],
    arguments: Callable[[Sequence[Any]], Sequence[Any]],
    numbers: Sequence[float | int],
    names: Sequence[str],
    *,
    is_lazy: bool,
    by_lanes: bool = False,
) -> tuple[Tape, Structure]:
    """Run a function on some numbers; return its tape, and the structure of what it returned.

    `arguments` makes the arguments of the function out of a row of Values, which the tape calls by
    some names. The function is run twice, as what is different then would be wrong in every replay.
    Where it is lazy, comparisons become guards only where Python asks how they turn out; `by_lanes`
    its `max` and `min` do not.

    Raises: `Parting` where that gives something else than bools do.
    """
    chance = _random_states()
    once = _Once(name, function, arguments, numbers, by_lanes)
    first = once.run(None)
    try:
        second = once.run_lazily(first) if is_lazy else once.run(None)
        if is_lazy and _numbers(first.raw) != _numbers(second.raw):  # some are lines, or come later
            once.check_turned(second)
            first, second = second, once.run(truth.compared)
    except Parting:
        _check_same(name, first, once.run(None), is_random=_random_states() != chance)
        raise
    _check_same(name, first, second, is_random=_random_states() != chance)
    raw, structure = second.raw, second.structure
    earlier = first.raw
    if raw.calls:  # which the readable replay runs, line by line
        raw, earlier = _pruned(raw), _pruned(earlier)
    for value, other in zip(raw.captured, earlier.captured, strict=True):
        if value is not other and value.parents:  # computed where no operation is written down
            raise errors.StateError(
                f"compile: {name} must compute in the thread that calls it; got a Value of another"
                " one, whose number would be the same at every later call; compute it outside"
            )
    captured = tuple(
        value if value is other else value._data  # computed inside: a number like any other
        for value, other in zip(raw.captured, earlier.captured, strict=True)
    )
    if raw.gathers:
        raw, captured = _sorted(raw, captured)
    return _tape(name, raw, captured, numbers, names), structure


def _sorted(raw: tracer.RawTape, captured: Sequence[Any]) -> tuple[tracer.RawTape, tuple[Any, ...]]:
    """Let what only tables have stand last of what is captured: the machine does without it."""
    sides = [side for guard in raw.guards for side in (guard.left, guard.right)]
    operands = map(tracer.unpack, {*raw.operands, *raw.outputs, *sides})
    own = {operand.position for operand in operands if operand.kind == CAPTURED}
    order = [*sorted(own), *(at for at in range(len(captured)) if at not in own)]
    places = {old: new for new, old in enumerate(order)}
    moved = {
        tracer.reference(CAPTURED, old): tracer.reference(CAPTURED, places[old]) for old in own
    }
    raw = _moved(raw, moved, places)
    return (
        raw._replace(operands=array("I", [moved.get(x, x) for x in raw.operands])),
        tuple(captured[old] for old in order),
    )


def _moved(raw: tracer.RawTape, moved: dict[int, int], places: dict[int, int]) -> tracer.RawTape:
    """Let outputs, guards and tables refer to what stands elsewhere now; `places` are captured."""
    return raw._replace(
        outputs=[moved.get(x, x) for x in raw.outputs],
        guards=[
            guard._replace(
                left=moved.get(guard.left, guard.left), right=moved.get(guard.right, guard.right)
            )
            for guard in raw.guards
        ],
        gathers=[
            gather._replace(table=array("I", map(places.__getitem__, gather.table)))
            for gather in raw.gathers
        ],
    )


class Parting(Exception):  # noqa: N818 - it is no error, and nobody sees it
    """A function looks at comparisons as nothing but a bool can be looked at: each is a guard."""


class _Traced(NamedTuple):
    """What one run gave."""

    raw: tracer.RawTape
    structure: Structure
    numbers: bytes  # of what it returned
    truths: list[truth.Truth]
    masks: dict[int, float]  # of the truths that are lines: which line, and the other outcome


class _Once(NamedTuple):
    """A function, and the numbers with which it is traced."""

    name: str
    function: Callable[..., Any]
    arguments: Callable[[Sequence[Any]], Sequence[Any]]
    numbers: Sequence[float | int]
    by_lanes: bool

    def run(self, compared: Callable[[int, Any, Any, bool], Any] | None) -> _Traced:
        """Run the function; `compared` makes the truths of its comparisons."""
        truth.met.clear()
        tracer.compared = compared
        try:
            with choices.by_lanes() if self.by_lanes else nullcontext():
                return _run(self.function, self.arguments, self.numbers)
        finally:
            tracer.compared = None
            truth.met.clear()

    def run_lazily(self, plain: _Traced) -> _Traced:
        """Run the function with truths, which ran with bools.

        Raises: `Parting` where that gives something else, or fails.
        """
        try:
            lazy = self.run(truth.compared)
        except Exception as error:  # whatever a function does that wants a true bool
            if _is_ours(error):
                raise
            raise Parting from error
        if lazy.numbers != plain.numbers or lazy.structure != plain.structure:
            raise Parting
        return lazy

    def check_turned(self, traced: _Traced) -> None:
        """Let the truths that are lines turn out otherwise, as bools and on the tape.

        Raises: `Parting` where that gives different numbers.
        """
        met = [one for one in traced.truths if not one.is_derived]
        if not traced.masks or any(one.is_asked for one in traced.truths if one.is_derived):
            return  # what is asked of them together would lead to another path
        outcomes = deque(one.outcome != (one.is_line and not one.is_asked) for one in met)

        def compared(*_: Any) -> bool:
            if not outcomes:  # more comparisons than before
                raise Parting
            return outcomes.popleft()

        try:
            turned = self.run(compared)
        except Exception as error:  # another path, which no guard would tell
            if _is_ours(error):
                raise
            raise Parting from error
        raw = traced.raw
        captured = array("d", (value._data for value in raw.captured))
        tape = _tape(self.name, raw, tuple(raw.captured), self.numbers, ())
        replayed = Run(Replay(tape), list(map(float, self.numbers)), captured, traced.masks)
        if outcomes or turned.numbers != _bits(replayed.outputs):
            raise Parting


def _is_ours(error: Exception) -> bool:
    """Tell whether an error is none of the function: it would hide a fault, or want of memory."""
    if isinstance(error, (Parting, MemoryError)):
        return True
    return raised_here(error) and not isinstance(error, errors.ScalargradError)


def _bits(numbers: Sequence[float]) -> bytes:
    """Return numbers bit by bit, but for what a nan carries."""
    return array("d", [x if x == x else math.nan for x in numbers]).tobytes()


def _tape(
    name: str, raw: tracer.RawTape, captured: Any, numbers: Sequence[float], names: Sequence[str]
) -> Tape:
    sample, names = list(map(float, numbers)), list(names)
    for number, gather in enumerate(raw.gathers):
        start = int(sample[gather.by]) % gather.rows * gather.width
        row = gather.table[start : start + gather.width]
        sample += [getattr(captured[position], "_data", captured[position]) for position in row]
        names += [f"row{number}[{at}]" for at in range(gather.width)]
    return Tape(
        name, len(sample), array("I", raw.outputs), raw.ops, raw.starts, raw.operands, raw.results,
        raw.constants, captured, tuple(raw.guards), raw.calls, tuple(sample), tuple(names),
        tuple(raw.gathers),
    )  # fmt: skip


def _run(
    function: Callable[..., Any],
    arguments: Callable[[Sequence[Any]], Sequence[Any]],
    numbers: Sequence[float | int],
) -> _Traced:
    inputs = [Integer(x) if isinstance(x, int) else Value(x) for x in numbers]
    at_work = tracer_of(list(inputs))

    def watched() -> _Traced:
        result = call_inside(Inputs(inputs), function, *arguments(inputs))
        if tracer.refused is not None:  # which the function caught
            raise tracer.refused
        if result is None:
            raise errors.OperandError(
                "compile: the function must return a number, or lists of numbers; got None;"
                " write return"
            )
        what = "what the function returns"
        structure, outputs = flatten_result("compile", what, result, "return x * y")
        if not outputs:
            raise errors.OperandError(
                errors.unwanted("compile", "the function must return numbers", result, "return x")
            )
        truth.settle(outputs)
        masks = {
            tracer.unpack(at_work.reference(one)).position: float(not one.outcome)
            for one in truth.met
            if one.is_line and not one.is_asked and not one.is_derived
        }
        found = _bits([x._data if is_value(x) else float(x) for x in outputs])
        raw = at_work.stop([x if is_value(x) else float(x) for x in outputs])
        return _Traced(raw, structure, found, list(truth.met), masks)

    return tracer.watch(at_work, lambda: modes.call_traced(watched))


def _pruned(raw: tracer.RawTape) -> tracer.RawTape:
    """Leave out the lines on which nothing depends, as those of equations that are solved."""

    def operands_of(line: int) -> Sequence[int]:
        return raw.operands[raw.starts[line] : raw.starts[line + 1]]

    wanted: set[tracer.Operand] = set()
    asked = [*raw.outputs]
    for guard in raw.guards:
        asked += guard.left, guard.right
    for gather in raw.gathers:
        asked += [tracer.reference(CAPTURED, position) for position in gather.table]
    while asked:
        operand = tracer.unpack(asked.pop())
        if operand not in wanted:
            wanted.add(operand)
            asked += operands_of(operand.position) if operand.kind == LINE else ()
    kept = {
        kind: sorted(position for own, position in wanted if own == kind)
        for kind in (CAPTURED, LINE)
    }
    moved = {
        tracer.reference(kind, old): tracer.reference(kind, new)
        for kind, positions in kept.items()
        for new, old in enumerate(positions)
    }
    places = {old: new for new, old in enumerate(kept[CAPTURED])}
    lines = kept[LINE]
    rows = [[moved.get(x, x) for x in operands_of(line)] for line in lines]
    return _moved(raw, moved, places)._replace(
        ops=bytes(raw.ops[line] for line in lines),
        starts=array("I", itertools.accumulate(map(len, rows), initial=0)),
        operands=array("I", itertools.chain.from_iterable(rows)),
        results=array("I", (raw.results[line] for line in lines)),
        captured=[raw.captured[position] for position in kept[CAPTURED]],
        calls={new: raw.calls[old] for new, old in enumerate(lines) if old in raw.calls},
    )


def _check_same(
    name: str,
    first: _Traced,
    second: _Traced,
    *,
    is_random: bool,
) -> None:
    """Refuse a function that does something else when it is run again."""
    one, other = first.raw, second.raw
    pairs = list(zip(one.captured, other.captured, strict=False))
    if (
        first.structure != second.structure
        or _numbers(one) != _numbers(other)
        or any(_number_inside(a, b) != _number_inside(b, a) for a, b in pairs)
        or is_random  # the numbers that were drawn need not have mattered this time
    ):
        where = _difference(one, other)
        raise errors.StateError(
            f"compile: {name} must do the same each time it is called; got other numbers or"
            f" operations the second time{where}; pass what is random, or changes, as an argument"
        )


def _random_states() -> list[Any]:
    """Return where the generators stand that everybody shares."""
    numpy = sys.modules.get("numpy")
    kind, keys, *rest = numpy.random.get_state() if numpy is not None else ("", b"")
    return [random.getstate(), kind, bytes(keys), rest]


def _numbers(raw: tracer.RawTape) -> tuple[Any, ...]:
    return (
        raw.ops, raw.starts.tobytes(), raw.operands.tobytes(), raw.results.tobytes(),
        raw.constants.tobytes(), len(raw.captured), raw.guards, list(raw.calls), raw.outputs,
        raw.gathers,
    )  # fmt: skip


def _number_inside(value: Any, other: Any) -> bytes:
    """Return the number of a Value that was computed inside; nothing for one that was captured."""
    return b"" if value is other else array("d", [value._data]).tobytes()


def _difference(one: tracer.RawTape, other: tracer.RawTape) -> str:
    """Say where two runs parted, as far as a comparison tells."""
    for a, b in zip(one.guards, other.guards, strict=False):
        if a != b:
            return f" (first seen at {line_text(b.source)})"
    return ""

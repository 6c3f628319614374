"""Runs a function once while its operations are written down."""

from __future__ import annotations

import itertools
import random
import sys
from array import array
from collections.abc import Callable, Sequence
from typing import Any

from .. import errors
from .._engine import Value, tracer_of
from ..core import modes, tracer
from ..core.arithmetic import is_value
from ..core.around import Inputs, call_inside
from ..core.nesting import Structure
from ..core.source_lines import line_text
from ..table.codes import CAPTURED, LINE
from .flattening import flatten_result
from .integers import Integer
from .tape import Tape


def trace(
    name: str,
    function: Callable[..., Any],
    arguments: Callable[[Sequence[Any]], Sequence[Any]],
    numbers: Sequence[float | int],
    names: Sequence[str],
) -> tuple[Tape, Structure]:
    """Run a function on some numbers; return its tape, and the structure of what it returned.

    `arguments` makes the arguments of the function out of a row of Values, which the tape calls by
    some names. The function is run twice, as what is different then would be wrong in every replay.
    """
    chance = _random_states()
    first, second = (_run(function, arguments, numbers) for _ in range(2))
    _check_same(name, first, second, is_random=_random_states() != chance)
    raw, structure = second
    earlier = first[0]
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
    tape = Tape(
        name, len(numbers), array("I", raw.outputs), raw.ops, raw.starts, raw.operands, raw.results,
        raw.constants, captured, tuple(raw.guards), raw.calls, tuple(map(float, numbers)),
        tuple(names),
    )  # fmt: skip
    return tape, structure


def _run(
    function: Callable[..., Any],
    arguments: Callable[[Sequence[Any]], Sequence[Any]],
    numbers: Sequence[float | int],
) -> tuple[tracer.RawTape, Structure]:
    inputs = [Integer(x) if isinstance(x, int) else Value(x) for x in numbers]
    at_work = tracer_of(list(inputs))

    def watched() -> tuple[tracer.RawTape, Structure]:
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
        return at_work.stop([x if is_value(x) else float(x) for x in outputs]), structure

    return tracer.watch(at_work, lambda: modes.call_traced(watched))


def _pruned(raw: tracer.RawTape) -> tracer.RawTape:
    """Leave out the lines on which nothing depends, as those of equations that are solved."""

    def operands_of(line: int) -> Sequence[int]:
        return raw.operands[raw.starts[line] : raw.starts[line + 1]]

    wanted: set[tracer.Operand] = set()
    asked = [*raw.outputs]
    for guard in raw.guards:
        asked += guard.left, guard.right
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
    lines = kept[LINE]
    rows = [[moved.get(x, x) for x in operands_of(line)] for line in lines]
    return raw._replace(
        ops=bytes(raw.ops[line] for line in lines),
        starts=array("I", itertools.accumulate(map(len, rows), initial=0)),
        operands=array("I", itertools.chain.from_iterable(rows)),
        results=array("I", (raw.results[line] for line in lines)),
        captured=[raw.captured[position] for position in kept[CAPTURED]],
        guards=[
            guard._replace(
                left=moved.get(guard.left, guard.left), right=moved.get(guard.right, guard.right)
            )
            for guard in raw.guards
        ],
        calls={new: raw.calls[old] for new, old in enumerate(lines) if old in raw.calls},
        outputs=[moved.get(x, x) for x in raw.outputs],
    )


def _check_same(
    name: str,
    first: tuple[tracer.RawTape, Structure],
    second: tuple[tracer.RawTape, Structure],
    *,
    is_random: bool,
) -> None:
    """Refuse a function that does something else when it is run again."""
    (one, one_structure), (other, other_structure) = first, second
    pairs = list(zip(one.captured, other.captured, strict=False))
    if (
        one_structure != other_structure
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

"""A tape as a graph of Values, which can be drawn like any other."""

from __future__ import annotations

from typing import Any

from .._engine import Value
from ..core.arithmetic import is_value
from ..core.tracer import unpack
from ..functions.elementary import apply_binary, apply_many, apply_unary
from ..table.codes import CALL, CAPTURED, CONSTANT, DETACH, INPUT, LINE
from ..table.row import ROWS, ManyRow


def graph_of(tape: Any) -> list[Any]:
    """Return the outputs of a tape as Values, at the numbers with which it was recorded."""
    columns: dict[int, Any] = {
        INPUT: list(map(Value, tape.sample, tape.names)),
        CAPTURED: [_copy(value, index) for index, value in enumerate(tape.captured)],
        CONSTANT: tape.constants,
        LINE: [],
    }

    def at(reference: int) -> Any:
        kind, index = unpack(reference)
        return columns[kind][index]

    for line in range(len(tape)):
        operands = [at(reference) for reference in tape.operands_of(line)]
        columns[LINE].append(_applied(tape, line, operands))
    return [at(reference) for reference in tape.outputs]


def _copy(value: Any, index: int) -> Any:
    """Return a leaf instead of what was captured: a picture changes no model."""
    if not is_value(value):
        return Value(value)
    return Value(value._data, value.label or f"w{index}")


def _applied(tape: Any, line: int, operands: list[Any]) -> Any:
    op = tape.ops[line]
    if op == CALL:
        return tape.calls[line](*operands)
    if op == DETACH:
        return getattr(operands[0], "detach", lambda: operands[0])()
    row = ROWS[tape.op_of(line)]
    if isinstance(row, ManyRow):
        result = apply_many(row, *row.split(operands))
        return result[tape.results[line]] if isinstance(result, list) else result
    return apply_unary(row, *operands) if row.arity == 1 else apply_binary(row, *operands)

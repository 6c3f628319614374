"""A tape as text: a line an operation, as one would write it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..core.arithmetic import is_value
from ..core.source_lines import line_text
from ..core.tracer import Line, Operand, unpack
from ..table.codes import CAPTURED, COMPARISONS, CONSTANT, INPUT
from ..table.row import ROWS, ManyRow, is_plural

#: so many operands of a line are written, and so many lines of a tape
OPERANDS, LINES = 8, 200


def written(tape: Any, lines: int = LINES) -> str:
    """Return a tape as text, its middle left out where it has more than some lines."""
    return "\n".join(_rows(tape, lines))


def _rows(tape: Any, limit: int) -> Iterator[str]:
    yield f"{tape.name}: {counted(tape.arguments, 'input')}, {len(tape.captured)} captured, " + (
        f"{counted(len(tape), 'line')}, {counted(len(tape.guards), 'guard')}"
    )
    for index, value in enumerate(tape.captured[:OPERANDS]):
        captured = is_value(value)
        label = f"  # {value.label}" if captured and value.label else ""
        yield f"  w{index} = {value._data if captured else value!r}{label}"
    if len(tape.captured) > OPERANDS:
        yield f"  ... and {len(tape.captured) - OPERANDS} more"
    for number, gather in enumerate(tape.gathers):
        table = f"table of {gather.rows} x {gather.width} captured"
        yield f"  row{number} = take({table}, {tape.names[gather.by]})"
    last = len(tape) - limit // 2
    for index, line in enumerate(tape.lines):
        if len(tape) <= limit or index < limit - limit // 2 or index >= last:
            yield f"  v{index} = {_operation(tape, line)}"
        elif index == limit - limit // 2:
            yield f"  ... {len(tape) - limit} more lines"
    for guard in tape.guards[:limit]:
        left, right = _operand(tape, unpack(guard.left)), _operand(tape, unpack(guard.right))
        outcome = "" if guard.outcome else "not "
        sign = COMPARISONS[guard.comparison]
        yield f"  guard {outcome}{left} {sign} {right}  # {_shortened(line_text(guard.source))}"
    if len(tape.guards) > limit:
        yield f"  ... and {len(tape.guards) - limit} more guards"
    names = [_operand(tape, unpack(reference)) for reference in tape.outputs]
    yield f"  return {some(names)}"


def counted(number: int, what: str) -> str:
    """Return "1 line", "2 lines"."""
    return f"{number} {what}{'s' * (number != 1)}"


def _shortened(text: str, width: int = 100) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."


def _operation(tape: Any, line: Line) -> str:
    names = [_operand(tape, operand) for operand in line.operands]
    row = ROWS.get(line.op)
    if isinstance(row, ManyRow):
        lists = [f"[{some(run)}]" for run in row.split(names)]
        which = f"[{line.result}]" if is_plural(row) else ""
        return f"{line.op}({', '.join(lists)}){which}"
    return f"{line.op}({some(names)})"


def some(names: list[str]) -> str:
    """Return names beside each other, the middle left out where there are many."""
    if len(names) <= OPERANDS:
        return ", ".join(names)
    return ", ".join([*names[: OPERANDS - 2], "...", names[-1]])


def _operand(tape: Any, operand: Operand) -> str:
    if operand.kind == CONSTANT:
        return repr(tape.constants[operand.position])
    if operand.kind == INPUT:
        return str(tape.names[operand.position])
    return f"{'w' if operand.kind == CAPTURED else 'v'}{operand.position}"

"""What a tape is: the grammar, its records, and a checker.

    tape    ::= input*  captured*  line*  guard*  output*
    line    ::= op(operand, ...)            one number, computed from others
    guard   ::= operand comparison operand  turned out true, or false
    output  ::= operand
    operand ::= input | captured | constant | line before

An *input* is an argument of the function; a *captured* operand is a Value that the function found
outside, its number is read anew at each replay. A tape holds for the arguments for which every
guard turns out as it was recorded: it is one path through the function.

Lines are kept in flat arrays, as a tape may have a million of them; `Line` and `Guard` are what
they look like one by one.
"""

from __future__ import annotations

import functools
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from .. import drawing, errors
from ..core.arguments import whole
from ..core.arithmetic import is_value
from ..core.pickles import Reader
from ..core.tracer import Guard, Line, unpack
from ..table.codes import CALL, CAPTURED, COMPARISONS, CONSTANT, DETACH, INDEX, INPUT, LINE
from ..table.row import ROWS, Row
from .listing import counted, written
from .plan_text import GRADIENTS, planned_text
from .tape_graph import graph_of

#: the name of every operation by its number
NAMES = ("detach", *ROWS)


@dataclass(frozen=True, eq=False, repr=False)
class Tape:
    """One recorded path through a function."""

    name: str
    inputs: int
    outputs: array[int]
    ops: bytes
    starts: array[int]
    operands: array[int]
    results: array[int]
    constants: array[float]
    captured: tuple[Any, ...]  # Values, or numbers that the function makes Values of
    guards: tuple[Guard, ...]
    calls: dict[int, Any] = field(default_factory=dict)  # line -> a function of one's own
    sample: tuple[float, ...] = ()  # the inputs with which it was recorded
    names: tuple[str, ...] = ()  # and how the function calls them

    def __len__(self) -> int:
        return len(self.ops)

    def __reduce__(self) -> tuple[Any, ...]:
        return _tape, tuple(getattr(self, column.name) for column in fields(self))

    def operands_of(self, line: int) -> Sequence[int]:
        """Return the operands of a line as they stand in the flat array."""
        return self.operands[self.starts[line] : self.starts[line + 1]]

    def op_of(self, line: int) -> str:
        """Return the name of the operation of a line."""
        op = self.ops[line]
        if op == CALL:
            return str(getattr(self.calls[line], "__name__", "custom"))
        return NAMES[op]

    @property
    def lines(self) -> Iterator[Line]:
        """Every line as a record."""
        for line in range(len(self)):
            operands = tuple(map(unpack, self.operands_of(line)))
            yield Line(self.op_of(line), operands, self.results[line])

    @functools.cached_property
    def outcomes(self) -> tuple[int | str, ...]:
        """How the guards turned out, one after the other: true, false, or which integer."""
        return tuple(
            str(self.constants[unpack(guard.right).position])
            if guard.comparison == INDEX
            else guard.outcome
            for guard in self.guards
        )

    def __repr__(self) -> str:
        counts = counted(self.inputs, "input"), f"{len(self.captured)} captured"
        lines = counted(len(self), "line"), counted(len(self.guards), "guard")
        return f"Tape of {self.name}({', '.join(counts + lines)})"

    def __str__(self) -> str:
        return written(self)

    def plan(
        self,
        gradients: str = "inputs",
        *,
        output: int = 0,
        lanes: str = "batch",
        mode: str = "strict",
    ) -> str:
        """Return what the machine does for this tape, instruction by instruction, as text.

        %0, %1, ... are slots of values, g0, g1, ... of gradients: a row of numbers, one a lane.
        `gradients` says by what an output is differentiated: "none", "inputs" (as for
        `value_and_grad`), "captured" (as for `backward`) or "both". `lanes` is "batch", or "point"
        for the plan on which many points are run one by one: its equal instructions run as the
        lanes of one, where that gains something. `mode` is that of `compile`.

        Raises: `ValueError` for other words.
        """
        for name, word, words in (
            ("gradients", gradients, GRADIENTS),
            ("lanes", lanes, ("batch", "point")),
            ("mode", mode, ("strict", "fast")),
        ):
            if word not in words:
                allowed = ", ".join(f'"{word}"' for word in words)
                requirement = f"{name} must be one of {allowed}"
                raise errors.InputError(errors.unwanted("plan", requirement, word, "leave it out"))
        return planned_text(self, gradients, self._checked_output(output), lanes, mode)

    def draw(self, output: int = 0, **options: Any) -> Any:
        """Draw the lines as a graph, at the numbers with which they were recorded.

        `options` are those of `draw`. Inputs have the names of the arguments; what was captured
        appears under its label, or as w0, w1, ...

        Raises: `ValueError` where the output is a plain number.
        """
        root = graph_of(self)[self._checked_output(output)]
        if not is_value(root):
            requirement = "draw wants an output that is computed from something"
            raise errors.InputError(errors.unwanted("tape", requirement, root, "draw another one"))
        return drawing.draw(root, **options)

    def _checked_output(self, output: int) -> int:
        index, most = whole("tape", "output", output, 0), len(self.outputs) - 1
        if index > most:
            raise errors.InputError(
                errors.unwanted("tape", f"output must be at most {most}", output, "leave it out")
            )
        return index


@Reader
def _tape(*columns: Any) -> Tape:
    return Tape(*columns)


def check(tape: Tape) -> None:
    """Refuse what is no tape: an operand that is not there yet, an unknown operation.

    Raises: `ValueError`.
    """
    if len(tape.starts) != len(tape) + 1 or len(tape.results) != len(tape):
        raise _wrong("one start and one result a line", len(tape.starts))
    for line in range(len(tape)):
        op, operands = tape.ops[line], tape.operands_of(line)
        for reference in operands:
            _check_operand(tape, reference, line)
        if op != CALL and op >= len(NAMES):
            raise _wrong("operations of the table", op)
        if op == CALL and line not in tape.calls:
            raise _wrong("a function for each operation of one's own", line)
        if op == DETACH and len(operands) != 1:
            raise _wrong("one operand for detach", len(operands))
        if op not in (CALL, DETACH):
            row = ROWS[NAMES[op]]
            count = len(operands)
            if count != row.arity if isinstance(row, Row) else count % row.lists:
                raise _wrong(f"{row.arity} operands for {row.name}", count)
    for guard in tape.guards:
        if guard.comparison not in range(len(COMPARISONS)):
            raise _wrong("comparisons that Python has", guard.comparison)
        _check_operand(tape, guard.left, len(tape))
        _check_operand(tape, guard.right, len(tape))
    for reference in tape.outputs:
        _check_operand(tape, reference, len(tape))


def _check_operand(tape: Tape, reference: int, before: int) -> None:
    sizes = {
        INPUT: tape.inputs,
        CAPTURED: len(tape.captured),
        CONSTANT: len(tape.constants),
        LINE: before,
    }
    kind, index = unpack(reference)
    if index >= sizes[kind]:
        raise _wrong("operands that stand before their line", (kind, index))


def _wrong(requirement: str, got: object) -> errors.InputError:
    return errors.InputError(errors.unwanted("tape", f"wants {requirement}", got, "record it anew"))

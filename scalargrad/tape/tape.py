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
import itertools
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from operator import ge, gt, sub
from typing import Any

from .. import drawing, errors
from ..core import markup
from ..core.arguments import as_whole, whole
from ..core.arithmetic import is_value
from ..core.pickles import Reader
from ..core.tracer import Gather, Guard, Line, reference, unpack
from ..table.codes import CALL, CAPTURED, COMPARISONS, CONSTANT, INDEX, INPUT, LINE
from ..table.row import ROWS, ManyRow, is_plural
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
    gathers: tuple[Gather, ...] = ()  # what of the inputs is no argument, but read from a table

    def __len__(self) -> int:
        return len(self.ops)

    @property
    def arguments(self) -> int:
        """How many of the inputs are numbers of the arguments: the first ones."""
        return self.inputs - sum(gather.width for gather in self.gathers)

    def __reduce__(self) -> tuple[Any, ...]:
        return _tape.pickled(*(getattr(self, column.name) for column in fields(self)))

    def operands_of(self, line: int) -> Sequence[int]:
        """Return the operands of a line as they stand in the flat array."""
        line = self._checked(line)
        return self.operands[self.starts[line] : self.starts[line + 1]]

    def op_of(self, line: int) -> str:
        """Return the name of the operation of a line."""
        line = self._checked(line)
        op = self.ops[line]
        if op == CALL:
            return str(getattr(self.calls[line], "__name__", "custom"))
        return NAMES[op]

    def _checked(self, line: Any) -> int:
        checked = as_whole(line)
        if checked is None or not 0 <= checked < len(self):
            must = f"line must be a whole number from 0 to {len(self) - 1}"
            raise errors.InputError(errors.unwanted("tape", must, line, "count from 0"))
        return checked

    @property
    def lines(self) -> Iterator[Line]:
        """Every line as a record."""
        for line in range(len(self)):
            operands = tuple(map(unpack, self.operands_of(line)))
            yield Line(self.op_of(line), operands, self.results[line])

    @functools.cached_property
    def direct(self) -> int:
        """How many of the captured numbers lines read: the first ones. The others are in tables."""
        if not self.gathers:
            return len(self.captured)
        sides = [side for guard in self.guards for side in (guard.left, guard.right)]
        read = map(unpack, {*self.operands, *self.outputs, *sides})
        return max((at + 1 for kind, at in read if kind == CAPTURED), default=0)

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
        counts = counted(self.arguments, "input"), f"{len(self.captured)} captured"
        lines = counted(len(self), "line"), counted(len(self.guards), "guard")
        return f"Tape of {self.name}({', '.join(counts + lines)})"

    def __str__(self) -> str:
        return written(self)

    def _repr_html_(self) -> str:
        """Return the lines as a notebook shows them."""
        return markup.html(markup.listing(str(self)))

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


def seeded(tape: Tape) -> Tape:
    """Return the tape of one number: the sum of all outputs, each times an input of its own."""
    count, line = len(tape.outputs), len(tape)
    seeds = [reference(INPUT, tape.inputs + i) for i in range(count)]
    operands = tape.operands + array("I", [*seeds, *tape.outputs])
    return replace(
        tape, inputs=tape.inputs + count, outputs=array("I", [reference(LINE, line)]),
        ops=tape.ops + bytes([NAMES.index("dot")]), operands=operands,
        starts=tape.starts + array("I", [len(operands)]), results=tape.results + array("I", [0]),
        sample=tape.sample + (0.0,) * count, names=tape.names + ("",) * count,
    )  # fmt: skip


@Reader
def _tape(*columns: Any) -> Tape:
    tape = Tape(*columns)
    check(tape)
    return tape


def check(tape: Tape) -> None:
    """Refuse what is no tape, by every count, index and type in it: see the grammar above.

    A tape from outside is checked here, once; the machine checks what it is handed for itself, in
    `_native/machine/check_tape.c`.

    Raises: `ValueError`.
    """
    _check_types(tape)
    _check_lines(tape)
    _check_operands(tape)
    for guard in tape.guards:
        _check_guard(tape, guard)
    _check_gathers(tape)
    if not tape.outputs:
        raise _wrong("at least one output", tape.outputs)
    for output in tape.outputs:
        _check_reference(tape, output)


#: what the columns of a tape are, and what is in them
_COLUMNS: dict[str, Any] = {
    "name": str, "inputs": int, "outputs": "I", "ops": bytes, "starts": "I", "operands": "I",
    "results": "I", "constants": "d", "captured": tuple, "guards": tuple, "calls": dict,
    "sample": tuple, "names": tuple, "gathers": tuple,
}  # fmt: skip


def _check_types(tape: Tape) -> None:
    for name, kind in _COLUMNS.items():
        column = getattr(tape, name)
        if getattr(column, "typecode", type(column)) != kind:
            raise _wrong(f"other {name}", column)
    if not all(type(guard) is Guard for guard in tape.guards):
        raise _wrong("guards", tape.guards)
    if not all(type(gather) is Gather for gather in tape.gathers):
        raise _wrong("rows of tables", tape.gathers)
    if not all(is_value(x) or type(x) is float for x in tape.captured):
        raise _wrong("captured Values and numbers", tape.captured)
    if len(tape.sample) != tape.inputs or not set(map(type, tape.sample)) <= {float}:
        raise _wrong("a number for each input", tape.sample)
    if len(tape.names) != tape.inputs or not set(map(type, tape.names)) <= {str}:
        raise _wrong("a name for each input", tape.names)


def _check_lines(tape: Tape) -> None:
    """Check how many operands and results each line has."""
    starts, ops, results = tape.starts, tape.ops, tape.results
    if len(starts) != len(ops) + 1 or len(results) != len(ops):
        raise _wrong("one start and one result a line", len(starts))
    if starts[0] != 0 or starts[-1] != len(tape.operands) or any(map(gt, starts, starts[1:])):
        raise _wrong("operands that follow each other", len(tape.operands))
    for shape in set(zip(ops, map(sub, starts[1:], starts), results, strict=True)):
        _check_line(*shape)
    called = {line for line, op in enumerate(ops) if op == CALL} if CALL in ops else set()
    if tape.calls.keys() != called or not all(hasattr(f, "step") for f in tape.calls.values()):
        raise _wrong("a function for each operation of one's own", tape.calls)


def _check_line(op: int, count: int, result: int) -> None:
    if op == CALL:
        return
    if op >= len(NAMES):
        raise _wrong("operations of the table", op)
    row = ROWS.get(NAMES[op])
    if isinstance(row, ManyRow):
        fits = count % row.lists == 0 and (count > 0 or row.empty)
        results = count if is_plural(row) else 1
    else:
        fits, results = count == (1 if row is None else row.arity), 1
    if not fits:
        raise _wrong(f"as many operands as {NAMES[op]} has", count)
    if result >= results:
        raise _wrong(f"a result that {NAMES[op]} has", result)


def _check_operands(tape: Tape) -> None:
    """Check that what a line reads stands before it."""
    counts = map(sub, tape.starts[1:], tape.starts)
    lines = map(itertools.repeat, itertools.count(reference(LINE, 0)), counts)
    own = itertools.chain.from_iterable(lines)  # of each operand, the line that it belongs to
    if any(map(ge, tape.operands, own)):  # of all references, those to lines are the largest
        raise _wrong("operands that stand before their line", tape.operands)
    for operand in filter(reference(LINE, 0).__gt__, set(tape.operands)):
        _check_reference(tape, operand)


def _check_guard(tape: Tape, guard: Guard) -> None:
    comparison, left, right, outcome, source = guard
    if type(comparison) is not int or not 0 <= comparison < len(COMPARISONS):
        raise _wrong("comparisons that Python has", comparison)
    for operand in (left, right):
        _check_reference(tape, operand)
    if type(outcome) is not bool:
        raise _wrong("comparisons that turn out true or false", outcome)
    if comparison == INDEX and (unpack(right).kind != CONSTANT or not outcome):
        raise _wrong("a whole number that is known", right)
    if tuple(map(type, source)) != (str, int):
        raise _wrong("a line of a file for each guard", source)


def _check_gathers(tape: Tape) -> None:
    """Check that inputs which are no arguments are read one after the other."""
    first = tape.arguments
    for gather in tape.gathers:
        by, start, width, table = gather
        if any(type(x) is not int for x in (by, start, width)) or width < 1:
            raise _wrong("whole numbers of what is read", gather)
        if start != first or not 0 <= by < tape.arguments:
            raise _wrong("rows that are read one after the other, by an argument", gather)
        if getattr(table, "typecode", "") != "I" or not table or len(table) % width:
            raise _wrong("tables with equal rows", gather)
        if max(table) >= len(tape.captured):
            raise _wrong("tables of what is captured", gather)
        first += width


def _check_reference(tape: Tape, operand: int) -> None:
    sizes = {
        INPUT: tape.inputs,
        CAPTURED: len(tape.captured),
        CONSTANT: len(tape.constants),
        LINE: len(tape),
    }
    kind, index = unpack(operand)
    if index >= sizes.get(kind, 0):
        raise _wrong("operands that are there", (kind, index))


def _wrong(requirement: str, got: object) -> errors.InputError:
    return errors.InputError(errors.unwanted("tape", f"wants {requirement}", got, "record it anew"))

"""Runs tapes that call functions of one's own, or solve equations: batches in stages.

Where the machine runs, each call of a tape is an input to it. Stage by stage the operands of the
next calls are computed in all lanes, and the calls answered; in the end the whole tape runs on the
answers, each with its partials:

    call(a, b)   becomes   numbered(answer, dot([a, b], [partial by a, partial by b]))

which is the answer, and has its derivatives. Lanes that solve one equation search side by side:
what is left of it at the numbers that they ask for, the machine computes for all of them at once.
A point is run as it always was: line by line.
"""

from __future__ import annotations

import itertools
import math
import sys
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from .. import _engine
from ..calculus.solutions import Searches, searches_of
from ..core.tracer import reference, unpack
from ..table import ops
from ..table.codes import CALL, CONSTANT, INPUT, LINE
from ..table.row import ManyRow, Row
from .gathers import beside
from .lane_arguments import Lanes
from .machine import Machine
from .replay import BY_INPUTS, UNSOLVED, VALUES, Batch, Point, Replay, Runner
from .tape import NAMES, Tape

_CODES = {name: code for code, name in enumerate(NAMES)}


class _Lines:
    """The lines of a tape that is being written."""

    def __init__(self, constants: Sequence[float] = ()) -> None:
        self.ops = bytearray()
        self.starts, self.operands, self.results = array("I", [0]), array("I"), array("I")
        self.constants = array("d", constants)

    def add(self, code: int, operands: Sequence[int], result: int = 0) -> int:
        """Append a line; return the reference to it."""
        self.ops.append(code)
        self.operands.extend(operands)
        self.starts.append(len(self.operands))
        self.results.append(result)
        return reference(LINE, len(self.ops) - 1)

    def row(self, row: Row | ManyRow, operands: Sequence[int]) -> int:
        """Append a line of a row."""
        return self.add(_CODES[row.name], operands)

    def constant(self, number: float) -> int:
        """Return the reference to one more constant."""
        self.constants.append(number)
        return reference(CONSTANT, len(self.constants) - 1)

    def columns(self) -> dict[str, Any]:
        """Return what a tape holds of them."""
        return {
            "ops": bytes(self.ops), "starts": self.starts, "operands": self.operands,
            "results": self.results, "constants": self.constants,
        }  # fmt: skip


class _Call:
    """Lines that are answered together: a call, or all numbers of one solution."""

    def __init__(self, functions: list[Any], operands: list[int], first: int) -> None:
        self.functions = functions
        self.operands = operands  # references, to the lines that the machine has
        self.first = first  # the input of the first answer; behind each stand its partials
        self.width = len(functions) * (1 + len(operands))
        searches = searches_of(functions)
        self._side_by_side = None if searches is None else _SideBySide(searches)

    def answers(self, numbers: Any, failed: dict[int, Exception]) -> Any:
        """Return the answers and their partials, a row a lane, from the numbers of the operands.

        Lanes that have none are added to `failed`.
        """
        numpy = sys.modules["numpy"]
        answers = numpy.full((len(numbers), self.width), math.nan)
        solved = self._side_by_side
        rows = self._one_by_one(numbers, failed) if solved is None else solved(numbers, failed)
        for row, found in rows:
            answers[row] = found
        return answers

    def _one_by_one(
        self, numbers: Any, failed: dict[int, Exception]
    ) -> Iterator[tuple[int, list[float]]]:
        for row, lane in enumerate(numbers.tolist()):
            try:
                found = [function.step(*lane) for function in self.functions]
            except Exception as error:  # of a stranger; perhaps on the path of others
                failed.setdefault(row, error)
            else:
                yield row, [x for number, partials in found for x in (number, *partials)]


class _SideBySide:
    """Searches for the solutions of one equation, each with the numbers of its lane."""

    def __init__(self, searches: Searches) -> None:
        self._searches = searches
        machine = _engine.machine()
        self._runners = [
            Machine(_equation(searches, index), machine, "strict")
            for index in range(searches.count)
        ]

    def __call__(
        self, numbers: Any, failed: dict[int, Exception]
    ) -> Iterator[tuple[int, list[float]]]:
        """Yield each lane that has a solution, with the solution and its partials."""
        searches, lanes = self._searches, numbers.tolist()
        running = {row: searches.begin(lane) for row, lane in enumerate(lanes)}
        answers: dict[int, Any] = dict.fromkeys(running)
        found: dict[int, list[float]] = {}
        while answers:
            asked: dict[int, list[float]] = {}
            for row, answer in answers.items():
                try:
                    asked[row] = running[row].send(answer)
                except StopIteration as end:
                    found[row] = end.value
                except UNSOLVED as error:
                    failed.setdefault(row, error)
            answers = {
                row: (values, [gradient[: searches.count] for gradient in rows])
                for row, (values, rows) in self._left(asked, numbers).items()
            }
        for row, (_, rows) in self._left(found, numbers).items():
            partials = searches.partials(rows)
            yield row, [x for i in searches.components for x in (found[row][i], *partials[i])]

    def _left(self, xs: dict[int, list[float]], numbers: Any) -> dict[int, Any]:
        """Return what is left of the equations at some numbers, and its derivatives by them all."""
        if not xs:
            return {}
        numpy = sys.modules["numpy"]
        outside = numbers[list(xs), : self._searches.outside]
        inputs = numpy.concatenate([list(xs.values()), outside], axis=1)
        width = inputs.shape[1]
        lanes = Lanes([0.0] * width, False, [(0, inputs)], len(inputs), False, None, [(0, width)])
        left = [runner.batch(lanes, b"", BY_INPUTS, 1.0, 1) for runner in self._runners]
        values = numpy.concatenate([each.values for each in left], axis=1).tolist()
        gradients = [each.inputs[0].tolist() for each in left]
        return dict(zip(xs, zip(values, zip(*gradients, strict=True), strict=True), strict=True))


def _equation(searches: Searches, index: int) -> Tape:
    """Return the tape of one of some equations, whose inputs are x and what it contains besides."""
    lines = _Lines()
    inputs = searches.count + searches.outside
    slots = [reference(INPUT, position) for position in range(inputs)]

    def operand(slot: int | None, plain: float) -> int:
        return lines.constant(plain) if slot is None else slots[slot]

    for name, result, operands in searches.lines:
        slots.append(lines.add(_CODES[name], list(itertools.starmap(operand, operands)), result))
    output = operand(*searches.results[index])
    return Tape(
        searches.who, inputs, array("I", [output]), captured=(), guards=(), **lines.columns()
    )


class Staged:
    """Runs a tape with calls."""

    def __init__(self, tape: Tape, native: Any, mode: str) -> None:
        self.tape = tape
        self._replay = Replay(tape)
        self._calls: list[_Call] = []
        whole = self._without_calls()
        self._inputs = whole.inputs
        self._machine = Machine(whole, native, mode)
        self._stages = [
            Machine(replace(whole, outputs=array("I", call.operands), guards=()), native, mode)
            for call in self._calls
        ]

    def _without_calls(self) -> Tape:
        """Return the tape with an input for each answer and each of its partials."""
        tape, lines = self.tape, _Lines(self.tape.constants)
        moved: list[int] = []  # where each line is now
        inputs = tape.inputs

        def now(old: int) -> int:
            kind, position = unpack(old)
            return moved[position] if kind == LINE else old

        line = 0
        while line < len(tape):
            operands = list(map(now, tape.operands_of(line)))
            if tape.ops[line] != CALL:
                moved.append(lines.add(tape.ops[line], operands, tape.results[line]))
                line += 1
                continue
            functions = self._together(line)
            self._calls.append(_Call(functions, operands, inputs))
            for _ in functions:
                answer, *partials = (reference(INPUT, inputs + i) for i in range(1 + len(operands)))
                inputs += 1 + len(operands)
                slope = lines.row(ops.DOT, [*operands, *partials])
                moved.append(lines.row(ops.NUMBERED, [answer, slope]))
            line += len(functions)
        guards = tuple(
            guard._replace(left=now(guard.left), right=now(guard.right)) for guard in tape.guards
        )
        names = tape.names + tuple(f"answer{i}" for i in range(inputs - tape.inputs))
        return replace(
            tape, inputs=inputs, outputs=array("I", map(now, tape.outputs)), guards=guards,
            calls={}, names=names, sample=(), **lines.columns(),
        )  # fmt: skip

    def _together(self, line: int) -> list[Any]:
        """Return what a line calls, and those behind it: the numbers of one solution."""
        tape = self.tape
        functions = [tape.calls[line]]
        solution = getattr(functions[0], "solution", None)
        for other in range(line + 1, len(tape)):
            is_next = solution is not None and tape.ops[other] == CALL
            if not is_next or getattr(tape.calls[other], "solution", None) is not solution:
                break
            if tape.operands_of(other) != tape.operands_of(line):
                break
            functions.append(tape.calls[other])
        return functions

    def point(self, inputs: Sequence[float], captured: Any, request: int, output: int = 0) -> Point:
        """Run at one point."""
        return self._replay.point(inputs, captured, request, output)

    def total(self, values: Any) -> float:
        """Add up results."""
        return self._machine.total(values)

    def batch(
        self, lanes: Lanes, captured: Any, request: int, upstream: float, threads: int
    ) -> Batch:
        """Run a batch: the operands of each call, the call, and in the end all lines."""
        numpy = sys.modules["numpy"]
        answers = numpy.zeros((lanes.count, self._inputs - self.tape.inputs))
        failed: dict[int, Exception] = {}
        for call, stage in zip(self._calls, self._stages, strict=True):
            known = beside(lanes, answers)
            numbers = stage.batch(known, captured, VALUES, 1.0, threads).values
            start = call.first - self.tape.inputs
            answers[:, start : start + call.width] = call.answers(numbers, failed)
        result = self._machine.batch(beside(lanes, answers), captured, request, upstream, threads)
        inputs, sums, status = result.inputs[:-1], result.captured, result.status
        failed = {row: failed[row] for row in failed if status is None or status[row] == 0}
        for error in failed.values():
            if not isinstance(error, UNSOLVED):
                raise error
        if failed:
            for columns in (result.values, *inputs):
                columns[list(failed)] = math.nan
            sums = None if sums is None else numpy.full(len(sums), math.nan)
        return Batch(result.values, inputs, sums, status, failed)


def runner_for(tape: Tape, mode: str) -> Runner:
    """Return what replays a tape."""
    native = _engine.machine()
    if native is None or (tape.calls and tape.gathers):
        return Replay(tape)
    return Staged(tape, native, mode) if tape.calls else Machine(tape, native, mode)

"""What replays a tape, and the readable replay: on plain floats, one lane at a time.

It computes what the function itself would, in the same order, from the same rows: the twin of the
machine, and what runs where there is none.
"""

from __future__ import annotations

import functools
import math
import operator
import sys
from array import array
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from .. import errors
from ..core.order import post_order
from ..core.tracer import unpack
from ..table.codes import CALL, CAPTURED, COMPARISONS, CONSTANT, DETACH, INDEX, INPUT, LINE
from ..table.row import ROWS, ManyRow
from .gathers import check_range, rows_at, scatter
from .lane_arguments import Lanes
from .tape import NAMES, Tape

#: what a replay is asked for besides values, to be added up: gradients by inputs, by captured
VALUES, BY_INPUTS, BY_CAPTURED = 0, 1, 2

#: what is raised because of a number, which must not stop the other lanes of a batch
UNSOLVED = errors.ConvergenceError, errors.NoSolutionError

_BY_SIGN = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "is": operator.eq,
}
_COMPARE = [_BY_SIGN[sign] for sign in COMPARISONS]


class Point(NamedTuple):
    """What a replay at one point gave."""

    values: list[float]
    inputs: list[float] | None
    captured: Any  # a sequence of numbers, or None
    broken: int | None  # the first guard that turned out otherwise


class Batch(NamedTuple):
    """What a replay of some lanes gave.

    `inputs` has a matrix for each argument: a row a lane. `status` is None where all is done; else
    it has 0 for a lane that is, the number of a guard (from 1) for one that took another path, and
    -1 for one that must be run again beside others. `unsolved` has the errors of lanes that are
    without a solution, and therefore nan.
    """

    values: Any
    inputs: Any
    captured: Any
    status: Any
    unsolved: Mapping[int, Exception] = MappingProxyType({})


class Runner(Protocol):
    """What replays a tape."""

    tape: Tape

    def point(
        self, inputs: Sequence[float], captured: Any, request: int, output: int = 0
    ) -> Point: ...
    def total(self, values: Any) -> float: ...
    def batch(
        self, lanes: Lanes, captured: Any, request: int, upstream: float, threads: int
    ) -> Batch: ...


class Replay:
    """Runs a tape."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self._orders: dict[int, list[int]] = {}

    def outcome(self, guard: int, inputs: Sequence[float], captured: Any) -> int | str:
        """Return how a guard turns out at one point."""
        run = Run(self, list(map(float, inputs)), captured)
        comparison, left, right, _, _ = self.tape.guards[guard]
        if comparison == INDEX:
            return str(run.number(left))
        turned: bool = _COMPARE[comparison](run.number(left), run.number(right))
        return turned

    def point(self, inputs: Sequence[float], captured: Any, request: int, output: int = 0) -> Point:
        """Run at one point."""
        run = Run(self, list(map(float, inputs)), captured)
        broken = run.broken()
        if broken is None:
            check_range(self.tape, inputs)
        if request == VALUES or broken is not None:
            return Point(run.outputs, None, None, broken)
        by_input, by_captured = run.gradient(output)
        return Point(run.outputs, by_input, array("d", by_captured), None)

    def total(self, values: Any) -> float:
        """Add up results, from left to right."""
        return functools.reduce(operator.add, values.ravel().tolist(), 0.0)

    def batch(
        self, lanes: Lanes, captured: Any, request: int, upstream: float, threads: int
    ) -> Batch:
        """Run lane by lane."""
        numpy = sys.modules["numpy"]
        values = numpy.empty((lanes.count, len(self.tape.outputs)))
        inputs = numpy.empty((lanes.count, self.tape.arguments))
        sums = [0.0] * len(self.tape.captured)
        status = numpy.zeros(lanes.count, dtype=numpy.int32)
        unsolved: dict[int, Exception] = {}
        for row in range(lanes.count):
            run = Run(self, list(map(float, lanes.lane(row))), captured)
            try:
                broken = run.broken()
            except UNSOLVED as error:
                unsolved[row] = error
                values[row] = inputs[row] = math.nan
                sums = [math.nan] * len(sums)
                continue
            if broken is not None:
                status[row] = broken + 1
                continue
            check_range(self.tape, lanes.lane(row))
            values[row] = run.outputs
            if request != VALUES:
                by_input, by_captured = run.gradient(0, upstream)
                inputs[row] = by_input
                sums = list(map(operator.add, sums, by_captured))
        parts = lanes.parts if request & BY_INPUTS else []  # as of the machine
        grads = [inputs[:, start : start + width] for start, width in parts]
        left = status if status.any() else None
        return Batch(values, grads, array("d", sums), left, unsolved)

    def order(self, root: int) -> list[int]:
        """Return the lines below one, in the order of an eager pass: a post-order."""
        if root not in self._orders:
            self._orders[root] = post_order(root, parents=self._lines_below)
        return self._orders[root]

    def _lines_below(self, line: int) -> list[int]:
        """Return the lines that stand among the operands of one, but of a detached number."""
        operands = map(unpack, self.tape.operands_of(line) if self.tape.ops[line] != DETACH else ())
        return [operand.position for operand in operands if operand.kind == LINE]


class Run:
    """The numbers of one lane."""

    def __init__(
        self,
        replay: Replay,
        inputs: Sequence[float],
        captured: Any,
        fixed: Mapping[int, float] | None = None,  # the numbers of some lines
    ) -> None:
        self.replay: Replay = replay
        self.tape: Tape = replay.tape
        self._columns: dict[int, Any] = {
            INPUT: list(inputs),
            CAPTURED: memoryview(captured).cast("B").cast("d").tolist(),
            CONSTANT: self.tape.constants,
            LINE: [],
        }
        self._partials: list[Sequence[float]] = []
        self._failed: Exception | None = None  # a function of one's own
        numbers = self._columns[CAPTURED]
        self._columns[INPUT] += rows_at(self.tape, inputs, numbers)
        for line in range(len(self.tape)):
            data, partials = self._step(line)
            if fixed is not None:
                data = fixed.get(line, data)
            self._columns[LINE].append(data)
            self._partials.append(partials)
        self.outputs: list[float] = [self.number(reference) for reference in self.tape.outputs]

    def number(self, reference: int) -> float:
        kind, index = unpack(reference)
        number: float = self._columns[kind][index]
        return number

    def _step(self, line: int) -> tuple[float, Sequence[float]]:
        """Return the number of a line, and its partial by each operand."""
        tape = self.tape
        numbers = [self.number(reference) for reference in tape.operands_of(line)]
        op = tape.ops[line]
        if op == DETACH:
            return numbers[0], (0.0,)
        if op == CALL:
            return self._called(tape.calls[line], numbers)
        row = ROWS[NAMES[op]]
        if not isinstance(row, ManyRow):
            return row.step(*numbers)
        data, partials = row.step((True,) * row.lists)(*row.split(numbers))
        if isinstance(data, list):
            return data[tape.results[line]], partials[tape.results[line]]
        return data, partials

    def _called(self, function: Any, numbers: list[float]) -> tuple[float, Sequence[float]]:
        try:
            return function.step(*numbers)  # type: ignore[no-any-return]
        except Exception as error:  # whatever a stranger raises; perhaps on the path of others
            self._failed = self._failed or error
            return math.nan, [math.nan] * len(numbers)

    def broken(self) -> int | None:
        """Return the first guard that turns out otherwise than it was recorded.

        Raises: what a function of one's own raised, if none does: this is its path.
        """
        for index, guard in enumerate(self.tape.guards):
            left, right = self.number(guard.left), self.number(guard.right)
            if _COMPARE[guard.comparison](left, right) != guard.outcome:
                return index
        if self._failed is not None:
            raise self._failed
        return None

    def gradient(self, output: int, upstream: float = 1.0) -> tuple[list[float], list[float]]:
        """Return upstream times the gradient of an output by every input and captured number."""
        grads = {
            INPUT: [0.0] * self.tape.inputs,
            CAPTURED: [0.0] * len(self.tape.captured),
            CONSTANT: [0.0] * len(self.tape.constants),
            LINE: [0.0] * len(self.tape),
        }
        kind, index = unpack(self.tape.outputs[output])
        grads[kind][index] = upstream
        for line in reversed(self.replay.order(index) if kind == LINE else []):
            if self.tape.ops[line] == DETACH:
                continue
            grad = grads[LINE][line]
            operands = map(unpack, self.tape.operands_of(line))
            for operand, partial in zip(operands, self._partials[line], strict=True):
                grads[operand.kind][operand.position] += grad * partial
        by_inputs, by_captured = grads[INPUT], grads[CAPTURED]
        scatter(self.tape, self._columns[INPUT], by_inputs, by_captured)
        return by_inputs[: self.tape.arguments], by_captured

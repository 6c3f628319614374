"""Runs tapes on the machine where it was built, else on the readable replay."""

from __future__ import annotations

import sys
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .gathers import Reads, check_range, rows_at, scatter
from .lane_arguments import Lanes
from .planning import NEVER, plan_tape
from .replay import BY_CAPTURED, BY_INPUTS, VALUES, Batch, Point
from .tape import Tape

#: of one call of the machine
MOST_ARRAYS = 64


class Machine:
    """Runs a tape by plans, one for each thing that may be asked for."""

    def __init__(self, tape: Tape, native: Any, mode: str) -> None:
        self.tape = tape
        self._native, self._is_fast = native, mode == "fast"
        self._costs = native.costs  # those of costs.def, by name
        self._plans: dict[tuple[int, int], Any] = {}
        self._for_first_points: dict[tuple[int, int], Any] = {}
        self._for_points: dict[tuple[int, int], Any] = {}
        self._points: Counter[tuple[int, int]] = Counter()
        self._inputs, self._outputs = tape.inputs, len(tape.outputs)
        self._captured = tape.direct

    def plan(self, request: int, output: int = 0) -> Any:
        """Return the plan for a request."""
        plan = self._plans.get((request, output))
        if plan is None:
            plan = self.planned(request, output, NEVER, is_for_points=False)
            self._plans[request, output] = plan
        return plan

    def _plan_for_points(self, request: int, output: int = 0) -> Any:
        """Return the plan for one lane: in the long run a vectorised one."""
        key = request, output
        plan = self._for_points.get(key)
        if plan is not None:
            return plan
        plan = self._plan_for_first_points(request, output)
        self._points[key] += 1
        if self._points[key] >= self._costs["VECTOR_POINTS"]:
            vectorized = None  # what is so short, or gains so little, stays as it is
            if len(self.tape.ops) >= self._costs["VECTOR_LINES"]:
                vectorized = self.planned(request, output, self._costs["VECTOR_PERCENT"] / 100)
            plan = self._for_points[key] = vectorized or plan
            self._for_first_points.pop(key, None)
        return plan

    def settled(self, request: int) -> tuple[Any, int]:
        """Return a plan for points, and for how many of them it serves: -1 for all to come."""
        key = request, 0
        if key not in self._for_points:
            plan = self._plan_for_first_points(request, 0)
            if len(self.tape.ops) >= self._costs["VECTOR_LINES"]:
                left = max(0, self._costs["VECTOR_POINTS"] - 1 - self._points[key])
                self._points[key] += left
                return plan, left
            self._for_points[key] = plan  # it is never vectorised
        return self._for_points[key], -1

    def calls(
        self, arguments: int, inputs: int, shape: bytes, array_type: Any, watched: tuple[Any, ...]
    ) -> Any:
        """Return what answers calls with arguments of a shape: see calls.py."""
        return self._native.calls(arguments, inputs, shape, array_type, watched)

    def _plan_for_first_points(self, request: int, output: int) -> Any:
        """Return a plan for one lane that is not vectorised."""
        if request == VALUES or self._is_fast:  # no bit depends on turns
            return self.plan(request, output)
        key = request, output
        plan = self._for_first_points.get(key)
        if plan is None:
            plan = self._for_first_points[key] = self.planned(request, output, NEVER)
        return plan

    def planned(
        self, request: int, output: int, vector_share: float, *, is_for_points: bool = True
    ) -> Any:
        """Return a new plan, vectorised if that takes at most such a share of the cost, or None."""
        return plan_tape(
            self._native, self.tape, output, by_inputs=bool(request & BY_INPUTS),
            by_captured=bool(request & BY_CAPTURED), is_fast=self._is_fast,
            is_for_points=is_for_points, vector_share=vector_share,
        )  # fmt: skip

    def point(self, inputs: Sequence[float], captured: Any, request: int, output: int = 0) -> Point:
        """Run at one point."""
        if self.tape.gathers:
            return self._gathered_point(inputs, captured, request, output)
        return Point(*self._plan_for_points(request, output).point(inputs, captured, 1.0))

    def _gathered_point(
        self, inputs: Sequence[float], captured: Any, request: int, output: int
    ) -> Point:
        """Run at one point with the rows that it reads of tables."""
        tape, numbers = self.tape, memoryview(captured).cast("B").cast("d")
        every = [*inputs, *rows_at(tape, inputs, numbers)]
        plan = self._plan_for_points(request | (BY_INPUTS if request else VALUES), output)
        result = Point(*plan.point(every, numbers[: tape.direct], 1.0))
        if result.broken is not None:
            return result
        check_range(tape, inputs)
        if result.inputs is None:
            return result
        sums = None
        if request & BY_CAPTURED:
            sums = array("d", bytes(8 * len(tape.captured)))
            memoryview(sums)[: tape.direct] = memoryview(result.captured).cast("B").cast("d")
            scatter(tape, inputs, result.inputs, sums)
        return Point(result.values, result.inputs[: tape.arguments], sums, None)

    def total(self, values: Any) -> float:
        """Add up results."""
        result: float = self._native.total(values)
        return result

    def batch(
        self, lanes: Lanes, captured: Any, request: int, upstream: float, threads: int
    ) -> Batch:
        """Run a batch."""
        if self.tape.gathers:
            return self._gathered_batch(lanes, captured, request, upstream, threads)
        return self._batch(lanes, captured, request, upstream, threads)

    def _gathered_batch(
        self, lanes: Lanes, captured: Any, request: int, upstream: float, threads: int
    ) -> Batch:
        """Run a batch with the rows that its lanes read of tables."""
        tape, numpy = self.tape, sys.modules["numpy"]
        reads = Reads(tape, lanes, captured)
        asked = request | (BY_INPUTS if request & BY_CAPTURED else VALUES)
        own = memoryview(captured).cast("B").cast("d")[: tape.direct]
        result = self._batch(reads.lanes, own, asked, upstream, threads)
        reads.check_range(lanes, result.status)
        sums = None
        if request & BY_CAPTURED:
            sums = reads.scattered(result.inputs[-1], result.status)
            sums[: tape.direct] += numpy.asarray(result.captured)
        inputs = result.inputs[:-1] if request & BY_INPUTS else []
        return Batch(result.values, inputs, sums, result.status)

    def _batch(
        self, lanes: Lanes, captured: Any, request: int, upstream: float, threads: int
    ) -> Batch:
        numpy = sys.modules["numpy"]
        count, chunk = lanes.count, self._costs["CHUNK"]
        plan = self._plan_for_points(request) if count == 1 else self.plan(request)
        grads: list[Any] = []
        targets = None
        arrays = lanes.arrays if len(lanes.arrays) <= MOST_ARRAYS else [(0, _merged(lanes))]
        if request & BY_INPUTS and len(lanes.parts) <= MOST_ARRAYS:
            widths = [columns for _, columns in lanes.parts]
            values, *grads = matrices(count, [self._outputs, *widths], self._costs["SMALL"])
            targets = [(part[0], grad) for part, grad in zip(lanes.parts, grads, strict=True)]
        elif request & BY_INPUTS:
            values, whole = numpy.empty((count, self._outputs)), numpy.empty((count, self._inputs))
            grads = [whole[:, start : start + width] for start, width in lanes.parts]
            targets = [(0, whole)]
        else:
            values = numpy.empty((count, self._outputs))
        status = numpy.empty(count, numpy.int32) if self.tape.guards else None

        def run(first: int, last: int) -> tuple[int, Any]:
            sums = numpy.empty(self._captured) if request & BY_CAPTURED else None
            undone = plan.run(
                first, last, count, lanes.shared, arrays, captured, upstream, values, targets,
                sums, status, lanes.rows,
            )  # fmt: skip
            return undone, sums

        undone, sums = run(0, count) if count <= chunk else in_chunks(run, count, chunk, threads)
        return Batch(values, grads, sums, status if undone else None)


def _merged(lanes: Lanes) -> Any:
    """Return all inputs of all rows as one matrix: so many arrays are not opened one by one."""
    numpy = sys.modules["numpy"]
    rows = len(lanes.arrays[0][1])
    matrix = numpy.empty((rows, len(lanes.shared)))
    matrix[:] = lanes.shared
    for start, own in lanes.arrays:
        columns = own if own.ndim == 2 else own.reshape(rows, 1)
        matrix[:, start : start + columns.shape[1]] = columns
    return matrix


def matrices(rows: int, widths: Sequence[int], small: int) -> list[Any]:
    """Return matrices to write to."""
    numpy = sys.modules["numpy"]
    if rows * sum(widths) < small:
        return [numpy.empty((rows, width)) for width in widths]
    # in one piece: the C library gives middling ones back to the system, and asks for new ones
    block, matrices, end = numpy.empty(rows * sum(widths)), [], 0
    for width in widths:
        start, end = end, end + rows * width
        matrices.append(block[start:end].reshape(rows, width))
    return matrices


def in_chunks(
    run: Callable[[int, int], tuple[int, Any]], count: int, size: int, threads: int
) -> tuple[int, Any]:
    """Run all chunks; add their sums in order, so that bits do not depend on threads."""
    starts = range(0, count, size)
    results: list[Any] = [None] * len(starts)
    waiting = iter(enumerate(starts))
    threads = min(threads, len(starts))

    def work() -> None:
        for index, start in waiting:
            results[index] = run(start, min(start + size, count))

    with ThreadPoolExecutor(max(1, threads - 1)) as pool:  # this thread works too
        others = [pool.submit(work) for _ in range(threads - 1)]
        try:
            work()
            for other in others:
                other.result()
        finally:  # after an interrupt, say, nobody begins another chunk
            for _ in waiting:
                pass
    undone, sums = results[0]
    for more, part in results[1:]:
        undone += more
        sums = sums if sums is None else sums + part
    return undone, sums

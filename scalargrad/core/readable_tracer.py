"""Traces the readable engine: every node that is built meanwhile becomes a line."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from .. import errors
from ..table.codes import CALL, CAPTURED, CONSTANT, DETACH, INPUT, LINE
from ..table.row import ROWS
from . import refusals
from .source_lines import running_line
from .tracer import Gather, Guard, RawTape, reference, unpack, write_lazy

R = TypeVar("R")

_OPS = {name: index for index, name in enumerate(ROWS, 1)}


class Tracer:
    """Watches the Values of the readable engine."""

    def __init__(self, inputs: Sequence[Any]) -> None:
        self.ops: bytearray = bytearray()
        self.starts: array[int] = array("I", [0])
        self.operands: array[int] = array("I")
        self.results: array[int] = array("I")
        self.constants: array[float] = array("d")
        self.captured: list[Any] = []
        self.guards: list[Guard] = []
        self.calls: dict[int, Any] = {}
        self.gathers: list[Gather] = []
        #: tables that were read so far, by what is in them
        self.tables: dict[tuple[int, ...], Any] = {}
        self._unknown: dict[int, errors.StateError] = {}
        self._inputs = list(inputs)
        self._kept: list[Any] = []  # or another node might get the same id
        self._references = {id(x): reference(INPUT, index) for index, x in enumerate(inputs)}
        self.live: set[int] = {id(x) for x in inputs}
        self._last: tuple[Any, int] = (), 0  # of the last line: operands, result

    def watch(self, function: Callable[[], R]) -> R:
        """Just call it: `modes.apply` brings every node here while this is `tracer.current`."""
        return function()

    def forget(self) -> None:
        """Do nothing: nobody has what was written down so far."""

    def line(self, node: Any) -> None:
        """Add the line of a fresh node."""
        ops = _OPS.get(node.op, CALL)
        references = [self.reference(x) for x in node.operands]  # which may write lines
        operands, result = self._last
        result = result + 1 if node.operands is operands else 0  # one list, several results
        self._last = node.operands, result
        if ops == CALL:
            self._unknown[len(self.ops)] = refusals.unknown_operation(node.op)
        self._append(node, ops, references, result)
        if any(id(x) in self.live for x in node.parents):
            self.live.add(id(node))

    def detach(self, node: Any, source: Any) -> None:
        """Add the line of a node that has the number of another one, and nothing of its graph."""
        self._append(node, DETACH, [self.reference(source)], 0)
        if id(source) in self.live:
            self.live.add(id(node))

    def _append(self, node: Any, op: int, operands: list[int], result: int) -> None:
        self._kept.append(node)
        self._references[id(node)] = reference(LINE, len(self.ops))
        self.ops.append(op)
        self.operands.extend(operands)
        self.starts.append(len(self.operands))
        self.results.append(result)

    def call(self, node: Any, function: Any) -> None:
        """Tell which function computes a node of one's own."""
        line = unpack(self._references[id(node)]).position
        line -= self.ops[line] == DETACH  # inside no_grad, where the node is the line before that
        self._unknown.pop(line, None)
        self.ops[line] = CALL
        self.calls[line] = function

    def guard(self, comparison: int, x: Any, y: Any, outcome: bool) -> None:
        """Add a comparison."""
        sides = self.reference(x), self.reference(y)
        self.guards.append(Guard(comparison, *sides, outcome, running_line()))

    def result(self, node: Any) -> int | None:
        """Return which of several results a node is; None for one that has no line."""
        known = self._references.get(id(node))
        operand = unpack(known) if known is not None else None
        return self.results[operand.position] if operand and operand.kind == LINE else None

    def alias(self, leaf: Any, node: Any) -> None:
        """Let a fresh leaf mean the line of a node."""
        self._kept.append(leaf)
        self._references[id(leaf)] = self._references[id(node)]
        if id(node) in self.live:
            self.live.add(id(leaf))

    def add_input(self, leaf: Any) -> int:
        """Let a fresh leaf be one more input; return its position."""
        position = len(self._inputs)
        self._inputs.append(leaf)
        self._references[id(leaf)] = reference(INPUT, position)
        self.live.add(id(leaf))
        return position

    def stop(self, outputs: Sequence[Any]) -> RawTape:
        """Return what was traced; `outputs` are Values and numbers."""
        for error in self._unknown.values():
            raise error
        references = [self.reference(x) for x in outputs]
        return RawTape(
            bytes(self.ops), self.starts, self.operands, self.results, self.constants,
            self.captured, self.guards, self.calls, references, self.gathers,
        )  # fmt: skip

    def reference(self, x: Any) -> int:
        """Return the reference to a Value or a number."""
        if isinstance(x, float):
            self.constants.append(x)
            return reference(CONSTANT, len(self.constants) - 1)
        if id(x) not in self._references:
            write_lazy(x)
        known = self._references.get(id(x))
        if known is None:
            known = self._references[id(x)] = reference(CAPTURED, len(self.captured))
            self.captured.append(x)
        return known

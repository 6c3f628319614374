"""The native engine: the Value of C, with the texts of the readable one.

`_core` holds what is hot: nodes, operators, passes. What is rare or only text for people
(`repr`, labels, copies, refusals, the messages of errors) is the same Python for both engines:
the classes that Value inherits, and the functions that stand behind every short cut.
"""

from __future__ import annotations

import functools
import os
from array import array
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from .._python import Value as _Readable
from ..core import arguments, around, modes, refusals, tracer
from ..core.arithmetic import METHOD_ROWS, Arithmetic
from ..core.copying import Copyable
from ..core.fields import Node
from ..core.source_lines import running_line
from ..table import ops
from ..table.codes import CALL
from ..table.row import ROWS, RULES, ManyRow, Row, digest
from ._core import digest as built_from  # first: it says where there is no such module

from . import _core  # isort: skip

__all__ = [
    "Kin",
    "Tracer",
    "Value",
    "access",
    "add_gradients",
    "are_floats",
    "move_flat",
    "numbers",
    "quick",
    "set_numbers",
    "sift",
]

F = TypeVar("F", bound=Callable[..., Any])
R = TypeVar("R")

if built_from != digest():
    raise ImportError("the native engine was built from another table")

access, add_gradients, are_floats = _core.access, _core.add_gradients, _core.are_floats
numbers = _core.numbers
set_numbers, move_flat, sift = _core.set_numbers, _core.move_flat, _core.sift

if TYPE_CHECKING:
    Value = Kin = _Readable
else:
    try:
        Value, Kin = _core.create(
            (Arithmetic, Node, Copyable),
            (_Readable.__doc__, Node.data.__doc__, Node.grad.__doc__),
            list(ROWS.values()),
            list(RULES.values()),
            {
                "as_number": arguments.as_number,
                "number": arguments.number,
                "active": modes.active,
                "mode": modes.variable,
                "current": modes.current,
                "around": around.around,
                "check_fresh": modes.check_fresh,
                "check_pass": modes.check_pass,
                "tracer": tracer,
                "refusals": refusals,
                "arithmetic": Arithmetic,
            },
        )
    except KeyError as missing:
        problem = f"the native engine was built from other sources: it asks for {missing}"
        raise ImportError(problem) from None

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_core.leave_threads)


class Tracer:
    """Watches the Values of this engine: see `readable_tracer.Tracer`, its twin."""

    def __init__(self, inputs: Sequence[Any]) -> None:
        self._inputs = list(inputs)
        self._guards: list[tracer.Guard] = []
        self._calls: dict[int, Any] = {}
        self.gathers: list[tracer.Gather] = []
        #: tables that were read so far, by what is in them
        self.tables: dict[tuple[int, ...], Any] = {}

    def watch(self, function: Callable[[], R]) -> R:
        result: R = _core.watch(self._inputs, function)
        return result

    def forget(self) -> None:
        _core.forget_trace()

    def call(self, node: Any, function: Any) -> None:
        self._calls[_core.call_line(node)] = function

    def guard(self, comparison: int, x: Any, y: Any, outcome: bool) -> None:
        sides = _core.reference_of(x), _core.reference_of(y)
        self._guards.append(tracer.Guard(comparison, *sides, bool(outcome), running_line()))

    def result(self, node: Any) -> int | None:
        result: int | None = _core.result_of(node)
        return result

    def alias(self, leaf: Any, node: Any) -> None:
        _core.alias(leaf, node)

    def reference(self, x: Any) -> int:
        result: int = _core.reference_of(x)
        return result

    def add_input(self, leaf: Any) -> int:
        position = len(self._inputs)
        self._inputs.append(leaf)
        _core.add_input(leaf, position)
        return position

    def stop(self, outputs: Sequence[Any]) -> tracer.RawTape:
        references = list(map(_core.reference_of, outputs))
        ops, starts, operands, results, constants, captured = _core.traced()
        own = bytes([CALL])
        line = ops.find(own)
        while line >= 0:
            if line not in self._calls:
                raise refusals.unknown_operation("record")
            line = ops.find(own, line + 1)
        return tracer.RawTape(
            ops, array("I", starts), array("I", operands), array("I", results),
            array("d", constants), captured, self._guards, self._calls, references,
            self.gathers,
        )  # fmt: skip


_INDICES = {row: index for index, row in enumerate(ROWS.values(), 1)}


def quick(function: F, row: Row | ManyRow | None = None, kind: str = "") -> F:
    """Return a Python function with a short cut in C for plain arguments of this engine.

    The function itself handles everything else, and every error.
    """
    if row is not None:
        kind = ["one", "two"][row.arity - 1] if isinstance(row, Row) else "list"
        if isinstance(row, ManyRow) and row.lists == 2:
            kind = "lists"
    if kind == "affine":
        row = ops.DOT
    short = _core.short_cut(kind, function, _INDICES[row] if row is not None else 0)
    functools.update_wrapper(short, function)
    return short  # type: ignore[return-value]


def _give_method(name: str, function: Callable[..., Any], kind: str, index: int = 0) -> None:
    """Put a function with a short cut into the class; `_owner` is where a pickle finds it."""
    method = functools.update_wrapper(_core.short_cut(kind, function, index), function)
    method._owner = Value  # type: ignore[attr-defined]
    setattr(Value, name, method)


for _name, _row in METHOD_ROWS.items():
    if _row.arity == 1 and not _name.startswith("__"):
        _give_method(_name, getattr(Arithmetic, _name), "method", _INDICES[_row])
_give_method("backward", _Readable.backward, "backward")
_give_method("detach", _Readable.detach, "detach")
_give_method("__init__", _Readable.__init__, "init")
# a `with` block is left by C, so that no interrupt falls between its end and what leaves it
modes.Block.__exit__ = quick(modes.Block.__exit__, kind="leave")  # type: ignore[method-assign]

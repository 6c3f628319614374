"""The truth of a comparison while a function is traced: it parts paths only where Python asks.

While a function is traced, a comparison gives a `Truth`. Where Python asks for its `bool`, behind
`if`, `and`, `not`, in `sorted`, it becomes a guard: the path goes the way of these very numbers. In
`where`, in arithmetic, between `&`, `|` and `^` it becomes a line: 1 or 0, anew in every lane.

A function that looks at a truth in any other way, as `(x > 0) is True` does, would go the same way
in every lane. Three things are in its way: a run with true bools must give the same bits, so must
one in which every truth that is a line turns out otherwise, and a truth that nobody asked for
becomes a guard after all.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from ..core import tracer
from ..core.arithmetic import is_value
from ..functions import elementary
from ..functions.elementary import apply_binary
from ..table import ops
from ..table.codes import COMPARISONS
from ..table.row import Row
from .integers import Integer, is_tracing

#: the row of a comparison, whether its sides change places, and whether it is the other outcome
_ROWS: dict[str, tuple[Row, bool, bool]] = {
    "<": (ops.LESS, False, False), "<=": (ops.LESS_EQUAL, False, False),
    ">": (ops.LESS, True, False), ">=": (ops.LESS_EQUAL, True, False),
    "==": (ops.EQUAL, False, False), "!=": (ops.EQUAL, False, True),
}  # fmt: skip


class Truth(Integer, tracer.Lazy):
    """A bool that becomes a guard, or a line, as soon as it is known which of the two it must be.

    It is one of the whole numbers 0 and 1, as bools are.
    """

    __slots__ = ("_ask", "_line", "is_asked", "is_derived", "is_line", "outcome")

    def __init__(
        self,
        outcome: bool,
        ask: Callable[[], Any],
        line: Callable[[], Any],
        *,
        is_derived: bool,
    ) -> None:
        super().__init__(int(outcome))
        self._is_exact = True
        self._ask, self._line = ask, line
        self.outcome: bool = outcome
        self.is_asked: bool = False  # whether guards tell how it turns out
        self.is_line: bool = False  # whether something was computed from it
        self.is_derived: bool = is_derived  # from other truths: it has no comparison of its own

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """What `isinstance` finds, beside the Value that it finds anyway."""
        return bool

    def write(self) -> None:
        """Become a line."""
        if not self.is_line:
            self.is_line = True
            node = self._line().detach()
            assert tracer.current is not None
            tracer.current.alias(self, node)

    def choose(self, a: Any, b: Any) -> Any:
        """Return `a` in the lanes where it holds, `b` in the others."""
        if self.is_asked or not is_tracing():
            return elementary.where(self.outcome, a, b)
        if is_value(a) and is_value(b):
            elementary.check_engine("where", (a, b))
        kept = apply_binary(ops.KEEP, a, self, "where", ("a", "b"))
        return kept + apply_binary(ops.KEEP, b, _other(self), "where", ("b", "a"))

    def __bool__(self) -> bool:
        if not self.is_asked and is_tracing():
            self.is_asked = True
            self._ask()
        return self.outcome

    def __index__(self) -> int:
        return int(bool(self))

    # fmt: off
    def __and__(self, other: Any) -> Any: return _joined(operator.and_, ops.MUL, self, other)
    def __or__(self, other: Any) -> Any: return _joined(operator.or_, ops.MAXIMUM, self, other)
    def __xor__(self, other: Any) -> Any: return _joined(operator.xor, ops.SUB, self, other)
    def __rand__(self, other: Any) -> Any: return _joined(operator.and_, ops.MUL, self, other)
    def __ror__(self, other: Any) -> Any: return _joined(operator.or_, ops.MAXIMUM, self, other)
    def __rxor__(self, other: Any) -> Any: return _joined(operator.xor, ops.SUB, self, other)
    def __repr__(self) -> str: return repr(bool(self))
    def __str__(self) -> str: return str(bool(self))
    def __format__(self, spec: str) -> str: return format(bool(self), spec)
    # fmt: on

    def __array_function__(
        self, function: Any, types: Any, arguments: Sequence[Any], named: dict[str, Any]
    ) -> Any:
        """Do what a function of NumPy does: `where` chooses here, the others want a bool."""
        import numpy

        if function is numpy.where and len(arguments) == 3 and not named:
            return numpy.frompyfunc(elementary.where, 3, 1)(*arguments)
        bools = [bool(x) if isinstance(x, Truth) else x for x in arguments]
        return function(*bools, **named)


def _joined(operation: Callable[[Any, Any], Any], row: Row, one: Truth, other: Any) -> Any:
    """Return what is true of two truths at once; beside a plain bool, one of them or neither."""
    if not is_tracing() or not isinstance(other, bool):
        return operation(int(bool(one)), other)
    if not isinstance(other, Truth):
        return _beside(operation, one, bool(other))

    def line() -> Any:
        joined = apply_binary(row, one, other)
        return joined * joined if row is ops.SUB else joined

    def ask() -> None:
        bool(one), bool(other)

    return _met(Truth(operation(one.outcome, other.outcome), ask, line, is_derived=True))


def _beside(operation: Callable[[Any, Any], Any], one: Truth, other: bool) -> Any:
    """Return what a truth and a bool give together: the truth, the opposite, or what is known."""
    if_true, if_false = operation(True, other), operation(False, other)
    if if_true == if_false:
        return if_true
    return one if if_true else _opposite(one)


def _opposite(truth: Truth) -> Truth:
    return _met(
        Truth(not truth.outcome, lambda: bool(truth), lambda: _other(truth), is_derived=True)
    )


def _other(truth: Truth) -> Any:
    """Return the line of 1 minus a truth."""
    return apply_binary(ops.SUB, 1.0, truth)


# -- what a run does with its comparisons ------------------------------------------------------

#: every truth of this run
met: list[Truth] = []


def _met(truth: Truth) -> Truth:
    met.append(truth)
    return truth


def compared(comparison: int, x: Any, y: Any, outcome: bool) -> Truth:
    """Return the truth of a comparison."""

    def ask() -> None:
        assert tracer.current is not None
        tracer.current.guard(comparison, x, y, outcome)

    def line() -> Any:
        row, is_turned, is_other = _ROWS[COMPARISONS[comparison]]
        node = apply_binary(row, *((y, x) if is_turned else (x, y)))
        return 1.0 - node if is_other else node

    return _met(Truth(outcome, ask, line, is_derived=_is_of_truths(x) and _is_of_truths(y)))


def _is_of_truths(x: Any) -> bool:
    """Tell whether a number comes from truths alone, so that it is a plain one without them."""
    if not isinstance(x, Integer):
        return isinstance(x, (int, float))
    return isinstance(x, Truth) or (bool(x._of) and all(map(_is_of_truths, x._of)))


def settle(outputs: Sequence[Any]) -> None:
    """Write what is returned, and follow every truth that nobody asked for."""
    for output in outputs:
        if isinstance(output, Truth):
            output.write()
    for truth in list(met):
        if not truth.is_line:
            bool(truth)

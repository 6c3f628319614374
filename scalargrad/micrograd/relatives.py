"""Kin of the readable engine: what `_native/kin.c` and its operators do in C."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._python import Value
from ..core import kin, modes
from ..core.arguments import as_number, number
from ..core.order import post_order
from ..table import ops
from ..table.row import Row

_new = object.__new__


class Kin(Value):
    """A Value whose results are of the class of their operands, and which takes attributes."""

    __slots__ = ("__dict__", "__weakref__")

    op: str
    operands: tuple[Any, ...]
    parents: tuple[Any, ...]
    partials: tuple[float, ...]
    _marks = kin.WHOLE_GRAD  # 0 is an int

    def __new__(cls, *_: Any, **__: Any) -> Any:
        node: Any = _new(cls)
        _fill(node, 0.0, 0.0)  # as a class need not call the constructor of its base
        return node

    @staticmethod
    def _recorded(kind: type, data: float, *fields: Any) -> Any:
        """Return a node of a class, as `_record` of the readable engine does."""
        node: Any = _new(kind)
        _fill(node, data, None, *fields)
        return modes.apply(node) if modes.active else node

    # -- fields ----------------------------------------------------------------------------

    @property
    def data(self) -> float:
        """The number: an int where it came from ints alone."""
        number = super().data
        return _as_given(number) if self._marks & kin.WHOLE else number

    @data.setter
    def data(self, value: float) -> None:
        Value.data.__set__(self, value)  # type: ignore[attr-defined]
        self._mark(kin.WHOLE, _is_whole(value, self._data))

    @property  # type: ignore[override]
    def grad(self) -> float | None:
        """The gradient; None where it was set to None."""
        number = super().grad
        if self._marks & kin.NO_GRAD and number == 0.0:
            return None
        return _as_given(number) if self._marks & kin.WHOLE_GRAD else number

    @grad.setter
    def grad(self, value: float | None) -> None:
        Value.grad.__set__(self, 0 if value is None else value)  # type: ignore[attr-defined]
        self._mark(kin.WHOLE_GRAD, value is None or _is_whole(value, self._grad or 0.0))
        self._mark(kin.NO_GRAD, value is None)

    def _mark(self, mark: int, holds: bool) -> None:
        self._marks = self._marks | mark if holds else self._marks & ~mark

    @property
    def _backward(self) -> Callable[[], Any]:
        """What adds to the gradients of the operands; a function of one's own may be assigned."""
        if self._marks & kin.OWN_BACKWARD:
            return self.__dict__.get("_backward", _nothing)  # type: ignore[no-any-return]
        return self._hand_on

    @_backward.setter
    def _backward(self, function: Callable[[], Any]) -> None:
        self.__dict__["_backward"] = function
        self._marks |= kin.OWN_BACKWARD

    # -- operators ---------------------------------------------------------------------------

    # fmt: off
    def __add__(self, other: Any) -> Any: return _of_kin(ops.ADD, self, other)
    def __radd__(self, other: Any) -> Any: return _of_kin(ops.ADD, other, self)
    def __mul__(self, other: Any) -> Any: return _of_kin(ops.MUL, self, other)
    def __rmul__(self, other: Any) -> Any: return _of_kin(ops.MUL, other, self)
    # fmt: on

    def __pow__(self, other: Any) -> Any:
        node: Any = Value._binary(ops.POW, self, other)  # the exponent is no node
        if isinstance(other, int) and node is not NotImplemented and node.parents:
            whole = other >= 0 and kin.is_exact(node._data) and self._marks & kin.WHOLE
            node._marks |= kin.WHOLE_EXPONENT | (kin.WHOLE if whole else 0)
            node._marks |= kin.WHOLE_PARTIAL if whole and other >= 1 else 0
        return node

    @staticmethod
    def _unary(row: Row, x: Any) -> Any:
        node = Value._unary(row, x)
        if row is ops.RELU and isinstance(x, Kin):
            whole = x._data < 0.0 or x._marks & kin.WHOLE
            _mark(node, kin.WHOLE_PARTIAL | (kin.WHOLE if whole else 0))
        return node

    def _pass(self, upstream: float) -> list[Any] | None:
        """Run a whole pass, or return the nodes in order where one has a backward of its own."""
        order = post_order(self)
        if any(_marks_of(node) & kin.OWN_BACKWARD for node in order):
            return order
        Value.backward(self, upstream)
        for node in order:
            if isinstance(node, Kin):
                node._marks &= ~kin.NO_GRAD
                node._marks |= kin.WHOLE_GRAD if node.parents else 0  # a leaf adds to what it has
        for node in reversed(order):
            for position, parent in enumerate(node.parents):
                if isinstance(parent, Kin) and not _hands_ints(node, position):
                    parent._marks &= ~kin.WHOLE_GRAD
        return None

    def _hand_on(self) -> None:
        """Add to the gradients of the operands what this node adds to them."""
        partials = Value.partials.__get__(self)  # type: ignore[attr-defined, misc]
        arrows = zip(self.parents, partials, strict=True)  # not those that are measured
        for position, (parent, partial) in enumerate(arrows):
            parent._grad = (parent._grad or 0.0) + (self._grad or 0.0) * partial
            if isinstance(parent, Kin):
                lost = kin.NO_GRAD | (0 if _hands_ints(self, position) else kin.WHOLE_GRAD)
                parent._marks &= ~lost

    def _start(self, data: Any, children: Any, op: Any) -> bool:
        """Be what a constructor was given; whether that is all, as it is for a leaf."""
        self._data, self._grad = number("Value", "data", data), 0.0
        self._mark(kin.WHOLE, _is_whole(data, self._data))
        self._mark(kin.WHOLE_GRAD, True)
        self._mark(kin.NO_GRAD, False)
        return not (children or op or self.parents or self.__dict__.keys() - {"_marks"})

    def _relink(self, op: str, operands: tuple[Any, ...], partials: tuple[float, ...]) -> None:
        """Take other operands than so far."""
        kin.class_of(operands, Kin)
        self.op, self.operands, self.partials = op, operands, partials
        self.parents = tuple(operand for operand in operands if isinstance(operand, Value))


kin.readable.append(Kin)

# the engine's own fields, past the names that a program may give
_set_op, _set_operands = (getattr(Value, name).__set__ for name in ("op", "operands"))
_set_parents, _set_partials = (getattr(Value, name).__set__ for name in ("parents", "partials"))


def _fill(
    node: Any,
    data: float,
    grad: float | None,
    op: str = "",
    operands: tuple[Any, ...] = (),
    parents: tuple[Any, ...] = (),
    partials: tuple[float, ...] = (),
) -> None:
    node._data, node._grad, node._notes = data, grad, None
    _set_op(node, op)
    _set_operands(node, operands)
    _set_parents(node, parents)
    _set_partials(node, partials)


def _nothing() -> None:
    """Hand nothing on."""


def _is_whole(value: Any, number: float) -> bool:
    return isinstance(value, int) and kin.is_exact(number)


def _as_given(number: float) -> float:
    return int(number) if number.is_integer() and kin.is_exact(number) else number


def _marks_of(node: Any) -> int:
    return getattr(node, "_marks", 0)


def _hands_ints(node: Any, position: int) -> bool:
    marks = _marks_of(node)
    return bool(marks & kin.WHOLE_GRAD and position < 2 and marks & kin.WHOLE_PARTIAL << position)


def _operand(thing: Any, kind: type) -> Any:
    """Return a Value as it is, a leaf for a plain number, and None for anything else."""
    if isinstance(thing, Value):
        return thing
    if (plain := as_number(thing)) is None:
        return None
    leaf: Any = _new(kind)
    _fill(leaf, plain, 0.0)
    leaf._marks |= kin.WHOLE if _is_whole(thing, plain) else 0
    return leaf


def _of_kin(row: Row, x: Any, y: Any) -> Any:
    kind = kin.class_of(tuple(side for side in (x, y) if isinstance(side, Value)), Value)
    if (x := _operand(x, kind)) is None or (y := _operand(y, kind)) is None:
        return NotImplemented
    node, left, right = Value._binary(row, x, y), _marks_of(x), _marks_of(y)
    if row is ops.ADD:
        partials = kin.WHOLE_PARTIAL | kin.WHOLE_PARTIAL << 1
    else:
        partials = kin.WHOLE_PARTIAL if right & kin.WHOLE else 0
        partials |= kin.WHOLE_PARTIAL << 1 if left & kin.WHOLE else 0
    return _mark(node, partials | (left & right & kin.WHOLE))


def _mark(node: Any, marks: int) -> Any:
    node._marks |= marks if kin.is_exact(node._data) else marks & ~kin.WHOLE
    return node

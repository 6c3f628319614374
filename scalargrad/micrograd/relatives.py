"""Kin of the readable engine: what `_native/kin.c` and its operators do in C."""

from __future__ import annotations

from typing import Any

from .._python import Value
from ..core import kin
from ..core.arguments import as_number
from ..core.order import post_order
from ..table import ops
from ..table.row import Row

_new = object.__new__


class Kin(Value):
    """A Value whose results are of the class of their operands, and which takes attributes."""

    __slots__ = ("__dict__", "__weakref__")

    _marks = kin.WHOLE_GRAD  # 0 is an int

    def __new__(cls, *_: Any, **__: Any) -> Any:
        node = _new(cls)
        Value.__init__(node, 0.0)  # as a class need not call the constructor of its base
        return node

    # fmt: off
    def __add__(self, other: Any) -> Any: return _of_kin(ops.ADD, self, other)
    def __radd__(self, other: Any) -> Any: return _of_kin(ops.ADD, other, self)
    def __mul__(self, other: Any) -> Any: return _of_kin(ops.MUL, self, other)
    def __rmul__(self, other: Any) -> Any: return _of_kin(ops.MUL, other, self)
    # fmt: on

    def __pow__(self, other: Any) -> Any:
        node = Value._binary(ops.POW, self, other)  # the exponent is no node
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
        for position, (parent, partial) in enumerate(zip(self.parents, self.partials)):
            parent._grad = (parent._grad or 0.0) + (self._grad or 0.0) * partial
            if isinstance(parent, Kin):
                lost = kin.NO_GRAD | (0 if _hands_ints(self, position) else kin.WHOLE_GRAD)
                parent._marks &= ~lost

    def _relink(self, op: str, operands: tuple[Any, ...], partials: tuple[float, ...]) -> None:
        """Take other operands than so far."""
        kin.class_of(operands, Kin)
        self.op, self.operands, self.parents, self.partials = op, operands, operands, partials


kin.readable.append(Kin)


def _marks_of(node: Any) -> int:
    return getattr(node, "_marks", 0)


def _hands_ints(node: Any, position: int) -> bool:
    marks = _marks_of(node)
    return bool(marks & kin.WHOLE_GRAD and position < 2 and marks & kin.WHOLE_PARTIAL << position)


def _operand(thing: Any, kind: type) -> Any:
    """Return a Value as it is, a leaf for a plain number, and None for anything else."""
    if isinstance(thing, Value):
        return thing
    if (number := as_number(thing)) is None:
        return None
    leaf = _new(kind)
    Value.__init__(leaf, number)
    whole = isinstance(thing, int) and kin.is_exact(number)
    leaf._marks |= kin.WHOLE if whole else 0
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

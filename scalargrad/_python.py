"""The readable engine: backpropagation on one page.

A Value is a number that remembers how it was computed: its parents, and for each parent the
*partial*, how fast this number changes when that parent does. Going forward, an operation looks
up its row in the table, computes its number and its partials, and keeps them with its parents.
Going backward, every node hands its own gradient, times the partial, to each parent; where a
value was used several times, what arrives is added up. That is all there is: the chain rule,
applied once to every arrow of the graph.

For g = (x + y)·z at 1, 3, −3: g hands the gradient 4 to z, whose partial is x + y, and −3 to
x + y, whose partial is z; and x + y hands its −3 on to x and to y, unchanged.
"""

from __future__ import annotations

from typing import Any, Never

from .core import freeing, kin, modes, readable_tracer, refusals, tracer
from .core.arguments import as_number, number, without_rest
from .core.arithmetic import Arithmetic
from .core.copying import Copyable
from .core.evaluation import add_gradients as add_gradients
from .core.evaluation import are_floats as are_floats
from .core.evaluation import commit, evaluate_many, make
from .core.evaluation import numbers as numbers
from .core.fields import Node, parents_given
from .core.order import interior_order
from .core.readable_tracer import Tracer as Tracer
from .table.row import ManyRow, Row

_new = object.__new__


def _record(data: float, op: str, operands: Any, parents: Any, partials: Any) -> Value:
    if kin.readable and (kind := kin.class_of(parents, Value)) is not Value:
        return kin.readable[0]._recorded(kind, data, op, operands, parents, partials)  # type: ignore[no-any-return]
    node: Value = _new(Value)
    node._data = data
    node._grad = None  # reads as 0.0, but a picture can tell *not yet* from 0
    node._notes = None  # label, scope and other rare things
    node.op = op
    node.operands = operands  # as written, plain numbers too
    node.parents = parents  # the Values among them
    node.partials = partials  # one for each parent
    return modes.apply(node) if modes.active else node


class Value(Arithmetic, Node, Copyable):
    """A number that knows its parents and its gradient.

    >>> x, y = Value(2.0), Value(3.0)
    >>> (x * y + x).backward()
    >>> x.grad, y.grad
    (4.0, 2.0)
    """

    __slots__ = ("_data", "_grad", "_notes", "op", "operands", "parents", "partials")
    op: str
    operands: tuple[Any, ...]
    parents: tuple[Any, ...]
    partials: tuple[float, ...]
    _record, _make = staticmethod(_record), staticmethod(make)

    @without_rest
    def __init__(self, data: float, label: str = "", *rest: Never, **named: Never) -> None:
        """Make a leaf."""
        if rest or named:
            raise parents_given(rest or tuple(named))
        self._data, self._grad, self._notes = number("Value", "data", data), 0.0, None
        self.op, self.operands, self.parents, self.partials = "", (), (), ()  # a leaf
        if label != "":
            self.label = label

    # -- forward: compute the number and its partials, remember the parents ------------

    @staticmethod
    def _unary(row: Row, x: Value) -> Value:
        data, partials = row.step(x._data)
        return _record(data, row.name, (x,), (x,), partials)

    @staticmethod
    def _binary(row: Row, x: Any, y: Any) -> Value:
        if isinstance(x, Value) and isinstance(y, Value):
            data, partials = row.step(x._data, y._data)
            parents = (x, y)
            return _record(data, row.name, parents, parents, partials)
        if isinstance(x, Value):  # y is a plain number: an operand, but no parent
            if (y := as_number(y)) is None:
                return NotImplemented  # type: ignore[no-any-return]
            data, partials = row.step_left(x._data, y)
            return _record(data, row.name, (x, y), (x,), partials)
        if (x := as_number(x)) is None:
            return NotImplemented  # type: ignore[no-any-return]
        data, partials = row.step_right(x, y._data)
        return _record(data, row.name, (x, y), (y,), partials)

    @staticmethod
    def _many(row: ManyRow, *lists: list[Any]) -> Any:
        data, operands, parents, partials = evaluate_many(row, lists, Value)
        if isinstance(data, list):
            return [_record(z, row.name, operands, parents, p) for z, p in zip(data, partials)]
        return _record(data, row.name, operands, parents, partials)

    # -- backward: the chain rule, once for every arrow --------------------------------

    def backward(self, upstream: float = 1.0) -> None:
        """Add upstream · d(self)/d(leaf) to the `grad` of every leaf below.

        Interior nodes hold the gradient of the latest pass. A pass is committed whole or not at
        all; without a global interpreter lock, two passes that commit to the same leaf at the
        same moment may lose one addition.

        Raises: `TypeError` where the upstream is no number; nothing is changed then.

        >>> x = Value(3.0)
        >>> (x * x).backward(upstream=10.0)
        >>> x.grad
        60.0
        """
        if tracer.is_on():
            raise refusals.frozen_pass()
        order, grads = self._sweep(number("backward", "upstream", upstream))
        if modes.anomaly():
            modes.check_pass(order, grads)
        commit(order, grads)

    def _sweep(self, upstream: float) -> tuple[list[Value], dict[Value, float]]:
        """Return the interior nodes below, in order, and all gradients; touch nothing.

        Maths: grad(parent) = Σ grad(node) · d(node)/d(parent), over all nodes it went into.
        """
        order = interior_order(self)
        grads = {self: upstream}
        for node in reversed(order):  # its consumers have had their turn: its gradient is complete
            grad = grads[node]
            for parent, partial in zip(node.parents, node.partials):
                grads[parent] = grads.get(parent, 0.0) + grad * partial
        return order, grads

    def _gradients(self, upstream: float, values: list[Value]) -> list[float]:
        at_work = tracer.at_work()
        if isinstance(at_work, readable_tracer.Tracer) and id(self) in at_work.live:
            raise refusals.frozen_pass()
        _, grads = self._sweep(upstream)
        return [grads.get(value, 0.0) for value in values]

    def detach(self) -> Value:
        """Return a leaf with the same number and label, cut off from the graph.

        >>> (Value(2.0) * 3.0).detach().parents
        ()
        """
        leaf = Value(self._data, self.label)
        at_work = tracer.at_work()
        if isinstance(at_work, readable_tracer.Tracer):
            at_work.detach(leaf, self)
        return leaf


if freeing.STACK_IS_SHORT:
    Value.__del__ = freeing.let_go  # type: ignore[attr-defined]

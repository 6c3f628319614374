"""Nodes of one's own: from a value and partials, or from a function and its derivatives."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .. import errors
from ..core import refusals, tracer
from ..core.arguments import number
from ..core.arithmetic import data_of, is_value
from ..core.around import Inputs, call_inside
from ..core.node_rows import result_index
from ..core.order import edges
from ..table.row import ROWS, ManyRow, is_plural
from .elementary import apply_many, check_engine, listed

#: the partials of a node by the operands at some positions
OnValues = Callable[[Any, Sequence[int]], list[Any]]


class Derivatives:
    """How a node of one's own gets its partials as Values; a pickle knows numbers only."""

    def __init__(
        self, on_values: OnValues | None = None, operation: Callable[..., Any] | None = None
    ) -> None:
        self.on_values = on_values
        self.operation = operation  # makes the node, for one that is traced

    def __reduce__(self) -> tuple[Any, ...]:
        return Derivatives, ()


def record(data: float, parents: Iterable[Any], partials: Iterable[float], op: str) -> Any:
    """Make one node from its value and its local derivatives.

    Maths: z = data, dz/d(parent) = partial, one for each parent
    Raises: `TypeError` for a parent that is no Value, `ValueError` where counts differ.

    >>> import scalargrad as sg
    >>> x = sg.Value(3.0)
    >>> sg.record(9.0, [x], [6.0], op="square").backward()
    >>> x.grad
    6.0
    """
    remedy = 'write record(data, [a, b], [2.0, 3.0], op="name")'
    parents = tuple(listed("record", parents, "an iterable of parents", remedy))
    partials = listed("record", partials, "an iterable of partials", remedy)
    if not parents:
        raise errors.InputError(
            errors.unwanted("record", "needs at least one parent", parents, "use Value(data)")
        )
    check_engine("record", parents, "parents")
    if len(parents) != len(partials):
        raise errors.InputError(
            f"record: needs one partial a parent; got {len(partials)} for {len(parents)} parents;"
            " give 0.0 where there is no influence"
        )
    if not isinstance(op, str) or not op:
        raise errors.OperandError(
            errors.unwanted("record", "op must be a name", op, 'pass e.g. op="square"')
        )
    if tracer.is_on():
        raise refusals.unknown_operation(op)
    numbers = tuple(number("record", "each partial", partial) for partial in partials)
    node = parents[0]._record(number("record", "data", data), op, parents, parents, numbers)
    return with_derivatives(node) if op in ROWS else node  # it is not that row


def with_derivatives(
    node: Any, on_values: OnValues | None = None, operation: Callable[..., Any] | None = None
) -> Any:
    """Return a node that tells its partials as Values too, so that it has higher derivatives.

    Without a function it is one that knows numbers only.
    """
    if node.parents:
        node._notes = {**(node._notes or {}), "derivatives": Derivatives(on_values, operation)}
    return node


def on_operands(node: Any, operands: Sequence[Any]) -> Any:
    """Return a node like another one, on other operands that have the same numbers.

    Where none of them is a Value any more, it is a number.
    """
    own, row = (node._notes or {}).get("derivatives"), ROWS.get(node.op)
    if own is None and isinstance(row, ManyRow) and is_plural(row):
        return apply_many(row, list(operands))[result_index(node, len(operands))]
    if tracer.is_on() and own is not None and own.operation is not None:
        return own.operation(*operands)
    arrows = [(operands[i], partial) for i, _, partial in edges(node) if is_value(operands[i])]
    if not arrows:
        return node._data
    parents, partials = zip(*arrows, strict=True)
    copy = node._record(node._data, node.op, tuple(operands), parents, partials)
    return copy if own is None else with_derivatives(copy, own.on_values, own.operation)


def custom(*partials: Callable[..., Any], op: str = "") -> Callable[..., Callable[..., Any]]:
    """Make an operation from a function of floats and one derivative an operand.

    Use it as a decorator; the name of the function is the name of the operation unless `op`
    gives another. Function and derivatives are called with the operands as floats.

    Maths: z = f(x, y, ...), dz/dx = partials[0](x, y, ...), and so on
    Raises: `TypeError` for a derivative that cannot be called or a wrong number of operands.

    >>> import scalargrad as sg
    >>> @sg.custom(lambda x: 2 * x)
    ... def square(x):
    ...     return x * x
    >>> x = sg.Value(3.0)
    >>> square(x).backward()
    >>> x.grad, square(3.0)
    (6.0, 9.0)
    """
    for partial in partials:
        if not callable(partial):
            raise errors.OperandError(
                errors.unwanted("custom", "derivatives must be functions", partial,
                                "use record for numbers")
            )  # fmt: skip
    if not partials:
        raise errors.InputError("custom: needs one derivative an operand; got none; pass lambdas")

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        if not callable(function):
            raise errors.OperandError(
                errors.unwanted("custom", "decorates a function", function, "write custom(df)(f)")
            )
        name = op or getattr(function, "__name__", "custom").replace("<lambda>", "custom")

        def on_values(node: Any, positions: Sequence[int]) -> list[Any]:
            numbers = list(map(data_of, node.operands))
            data = number(name, "the result", function(*numbers))
            if data != node._data and data == data:
                raise errors.changed_operands(name, data, node._data)
            inputs = Inputs(node.parents, shared=True)
            return [call_inside(inputs, partials[i], *node.operands) for i in positions]

        def step(*numbers: float) -> tuple[float, tuple[float, ...]]:
            data = number(name, "the result", function(*numbers))
            return data, tuple(
                number(name, "each derivative", partial(*numbers)) for partial in partials
            )

        @functools.wraps(function)
        def operation(*operands: Any) -> Any:
            if len(operands) != len(partials):
                raise errors.OperandError(
                    f"{name}: takes {len(partials)} operands, one a derivative; got"
                    f" {len(operands)}; pass as many as custom was given derivatives"
                )
            numbers = [
                operand._data if is_value(operand) else number(name, "operand", operand)
                for operand in operands
            ]
            data = number(name, "the result", function(*numbers))
            values = [operand for operand in operands if is_value(operand)]
            if not values:
                return data
            check_engine(name, values)
            local = tuple(
                number(name, "each derivative", partial(*numbers))
                for partial, operand in zip(partials, operands, strict=True)
                if is_value(operand)
            )
            written = tuple(
                operand if is_value(operand) else plain
                for operand, plain in zip(operands, numbers, strict=True)
            )
            node = values[0]._record(data, name, written, tuple(values), local)
            at_work = tracer.at_work()
            if at_work is not None:
                at_work.call(node, operation)
            return with_derivatives(node, on_values, operation)

        operation.step = step  # type: ignore[attr-defined]
        return operation

    return decorate

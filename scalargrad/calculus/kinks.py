"""Operations at their kinks: which they are, and which side counts in graphs of gradients.

The slope of abs(x) at 0 is taken as 0, the middle of −1 and 1. That is no slope of either side, and
what is smooth again, as abs(x)**2, would not have its second derivative. So a graph of gradients is
built on one side: there abs(x) is x, and everything that was computed from it stands on that.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Sequence
from typing import Any

from ..core import tracer
from ..core.arithmetic import data_of
from ..core.node_rows import named_row
from ..functions.custom import on_operands
from ..table import formula
from ..table.row import ROWS, ManyRow
from .on_values import ON_VALUES

#: the rows that have a side of their own, and those that have a kink
_SIDED = frozenset(name for name, row in ROWS.items() if row.side)
_KINKED = frozenset(name for name, row in ROWS.items() if row.kink)


def on_one_side(order: Sequence[Any], ends: Collection[int] = ()) -> dict[int, Any]:
    """Return the nodes of a graph anew by their ids, from those at a kink on; {} if none is.

    Where a function is traced it is a guard whether an operation is at its kink.
    """
    kinked = {id(node) for node in order if node.op in _SIDED and is_at_kink(node)}.difference(ends)
    anew: dict[int, Any] = {}
    for node in order if kinked else ():
        if id(node) in kinked:
            anew[id(node)] = _side(node, [anew.get(id(x), x) for x in node.operands])
        elif id(node) not in ends and any(id(parent) in anew for parent in node.parents):
            anew[id(node)] = on_operands(node, [anew.get(id(x), x) for x in node.operands])
    return anew


def kinks_of(order: Sequence[Any]) -> list[str]:
    """Return the operations of a graph that are at their kink, as texts.

    >>> import scalargrad as sg
    >>> x = sg.Value(0.0)
    >>> kinks_of([abs(x), sg.maximum(x, 1.0), sg.hypot(x, 0.0)])
    ['abs(0.0)', 'hypot(0.0, 0.0)']
    """
    found = (node for node in order if node.op in _KINKED and is_at_kink(node))
    return list(dict.fromkeys(map(_written, found)))


def is_at_kink(node: Any) -> bool:
    """Tell whether the operands of a node are where the slope of its row jumps."""
    if named_row(node) is None:  # a user's own operation of the same name
        return False
    z, operands = node, node.operands
    if not tracer.is_on():
        z, operands = node._data, [x if x.__class__ is float else x._data for x in operands]
    return bool(_condition(node.op)(z, *_lists(node.op, operands)))


def _side(node: Any, operands: Sequence[Any]) -> Any:
    row = ROWS[node.op]
    function = _function(node.op)
    if isinstance(row, ManyRow) and "z" in formula.names_in(formula.parse(row.side).result):
        return functools.reduce(function, operands)
    return function(*_lists(node.op, operands))


def _lists(name: str, operands: Sequence[Any]) -> Sequence[Any]:
    row = ROWS[name]
    return row.split(operands) if isinstance(row, ManyRow) else operands


@functools.cache
def _condition(name: str) -> Callable[..., Any]:
    row = ROWS[name]
    letters, lists = ((), row.letters) if isinstance(row, ManyRow) else (row.letters, ())
    return formula.compile_graph(name, ("z", *letters), lists, row.kink, ON_VALUES)


@functools.cache
def _function(name: str) -> Callable[..., Any]:
    row = ROWS[name]
    if not isinstance(row, ManyRow):
        return formula.compile_graph(name, row.letters, (), row.side, ON_VALUES)
    if "z" in formula.names_in(formula.parse(row.side).result):  # of the result so far, and one
        return formula.compile_graph(name, ("z", *row.letters), (), row.side, ON_VALUES)
    return formula.compile_graph(name, (), row.letters, row.side, ON_VALUES)


def _written(node: Any) -> str:
    numbers = [f"{data_of(x)!r}" for x in node.operands]
    return f"{node.op}({', '.join([*numbers[:4], *['...'] * (len(numbers) > 4)])})"

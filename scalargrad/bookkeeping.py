"""What the readable engine needs besides the mathematics: sorting operands, committing a pass."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import chain, compress, repeat
from operator import add, attrgetter
from typing import Any

from .conversion import number
from .rows import ManyRow


def evaluate_many(row: ManyRow, lists: Sequence[Sequence[Any]], value: type) -> tuple[Any, ...]:
    """Return (data, operands, parents, partials) of a row of many operands.

    Data is a list, and partials a list of lists, where the row has many results.
    """
    numbers, kept = [], []
    for operands in lists:
        if set(map(type, operands)) == {value}:  # the common case: a list of Values
            numbers.append([operand._data for operand in operands])
            kept.append([True] * len(operands))
        else:
            kept.append([isinstance(operand, value) for operand in operands])
            numbers.append([
                operand._data if is_value else number(row.name, "each operand", operand)
                for operand, is_value in zip(operands, kept[-1], strict=True)
            ])
    wanted = tuple(map(any, kept))
    data, partials = row.step(wanted)(*numbers)
    values = tuple(
        tuple(operands if all(is_value) else map(_either, operands, plain, is_value))
        for operands, plain, is_value in zip(lists, numbers, kept, strict=True)
    )
    operands = tuple(chain.from_iterable(values))
    if all(map(all, kept)):
        return data, operands, operands, _each(tuple, partials, data)
    parents = tuple(compress(operands, chain.from_iterable(kept)))
    mask = [flag for flags, some in zip(kept, wanted, strict=True) if some for flag in flags]
    return data, operands, parents, _each(lambda row: tuple(compress(row, mask)), partials, data)


def _either(operand: Any, plain: float, is_value: bool) -> Any:
    return operand if is_value else plain


def _each(function: Any, partials: Any, data: Any) -> Any:
    return [function(row) for row in partials] if isinstance(data, list) else function(partials)


def commit(order: list[Any], grads: list[float], leaves: dict[Any, float]) -> None:
    """Write the gradients of a finished pass: reset interior nodes, add to leaves.

    All of it happens inside one call into C, where neither an interrupt nor another thread
    can come between, so a pass is committed whole or not at all.
    """
    inner = map(setattr, reversed(order), repeat("_grad"), grads)
    sums = map(add, map(attrgetter("_grad"), leaves), leaves.values())
    deque(chain(inner, map(setattr, leaves, repeat("_grad"), sums)), maxlen=0)

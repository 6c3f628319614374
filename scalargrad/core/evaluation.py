"""What the readable engine needs besides the mathematics: sorting, building, committing, moving."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, compress, count, repeat, starmap
from operator import add, attrgetter, call, setitem
from typing import Any

from ..table.row import ManyRow, UpdateRule
from .arguments import number


def evaluate_many(row: ManyRow, lists: Sequence[Sequence[Any]], value: type) -> tuple[Any, ...]:
    """Return (data, operands, parents, partials) of a row of many operands.

    Data is a list, and partials a list of lists, where the row has many results.
    """
    sorted_lists = [_sort(row, operands, value) for operands in lists]
    written, numbers, masks = zip(*sorted_lists, strict=True)
    needed = tuple(map(any, masks))
    data, partials = row.step(needed)(*numbers)
    operands = tuple(chain.from_iterable(written))
    if all(map(all, masks)):
        return data, operands, operands, _each(tuple, partials, data)
    parents = tuple(compress(operands, chain.from_iterable(masks)))
    kept = [flag for mask, some in zip(masks, needed, strict=True) if some for flag in mask]
    return data, operands, parents, _each(lambda row: tuple(compress(row, kept)), partials, data)


def _sort(
    row: ManyRow, operands: Sequence[Any], value: type
) -> tuple[Any, list[float], list[bool]]:
    """Return the operands with plain numbers as floats, their numbers, and which are Values."""
    kinds = set(map(type, operands))
    if kinds == {value}:  # the common cases: Values only, or floats only
        return operands, [operand._data for operand in operands], [True] * len(operands)
    if kinds == {float}:
        return operands, list(operands), [False] * len(operands)
    mask = [isinstance(operand, value) for operand in operands]
    numbers = [
        operand._data if is_value else number(row.name, "each operand", operand)
        for operand, is_value in zip(operands, mask, strict=True)
    ]
    written = [
        operand if is_value else plain
        for operand, plain, is_value in zip(operands, numbers, mask, strict=True)
    ]
    return written, numbers, mask


def _each(function: Any, partials: Any, data: Any) -> Any:
    return [function(row) for row in partials] if isinstance(data, list) else function(partials)


def make(kind: type, *fields: Any) -> Any:
    """Make a node of all its fields, for copies and pickles."""
    node: Any = object.__new__(kind)
    node._grad, node._notes, node._data, node.op = fields[:4]
    node.partials, node.operands, node.parents = fields[4:]
    return node


def commit(order: Sequence[Any], grads: Mapping[Any, float]) -> None:
    """Write the gradients of a finished pass: reset interior nodes, add to leaves.

    All of it happens inside one call into C, where neither an interrupt nor (under a global
    interpreter lock) another thread can come between: it is committed whole or not at all.
    """
    leaves = [node for node in grads if not node.parents]
    inner = map(setattr, order, repeat("_grad"), map(grads.__getitem__, order))
    sums = map(add, map(attrgetter("_grad"), leaves), map(grads.__getitem__, leaves))
    deque(chain(inner, map(setattr, leaves, repeat("_grad"), sums)), maxlen=0)


def at_once(*calls: tuple[Callable[..., Any], Sequence[Any]]) -> None:
    """Make some calls into C, one after the other, so that no interrupt comes between them."""
    deque(starmap(call, [(function, *arguments) for function, arguments in calls]), maxlen=0)


def are_floats(numbers: list[Any]) -> bool:
    """Tell whether a list holds floats only, and at least one."""
    return set(map(type, numbers)) == {float}


def numbers(values: Sequence[Any]) -> array[float]:
    """Return the data of many Values."""
    return array("d", [value._data for value in values])


def add_gradients(values: Sequence[Any], numbers: Sequence[float]) -> None:
    """Add to the gradients of many leaves, all of them or none."""
    commit([], dict(zip(values, numbers, strict=True)))


def move(
    rule: UpdateRule,
    parameters: Sequence[Any],
    kept: Sequence[array[float]],
    settings: Sequence[float],
) -> None:
    """Move parameters by the rule of an optimiser, all of them or none, as `commit` does."""
    columns = list(zip(*kept, strict=True)) or [()] * len(parameters)
    moved = [
        rule.step(parameter._data, parameter._grad, *column, *settings)
        for parameter, column in zip(parameters, columns, strict=True)
    ]
    data, *news = zip(*moved, strict=True)
    writes = [map(setattr, parameters, repeat("_data"), data)]
    writes += [map(setitem, repeat(old), count(), new) for old, new in zip(kept, news, strict=True)]
    deque(chain(*writes), maxlen=0)

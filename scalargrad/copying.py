"""Copies and pickles of graphs: any depth, nothing shared is torn apart.

A pickle of a graph is flat. Each interior node stands in a table, the nodes of one walk in
order; leaves and nodes of other tables stand beside it as objects of their own. So no depth
of the graph becomes a depth of recursion, and a container such as `[x, h, h * x]` comes back
with the same sharing: a table lives as long as the pickle that is being written, and a second
root met in that pickle finds its nodes in the tables that are alive.
"""

from __future__ import annotations

import copy
import weakref
from typing import TYPE_CHECKING, Any, Self

from .order import post_order

#: the class that a pickle is read back as; the chosen engine enters its own
chosen: dict[str, Any] = {}

_tables: dict[int, tuple[weakref.ref[_Table], int]] = {}  # id of a node -> where it stands


class Copyable:
    """Copy, deepcopy and pickle for the Value of any engine."""

    __slots__ = ()

    if TYPE_CHECKING:
        parents: tuple[Any, ...]
        operands: tuple[Any, ...]

    def __copy__(self) -> Self:
        return _twin(self, self.operands, self.parents, getattr(self, "__dict__", {}))

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        kept = memo.setdefault(id(memo), [])
        for node in post_order(self):
            if id(node) not in memo:
                operands = tuple(memo.get(id(operand), operand) for operand in node.operands)
                parents = tuple(memo[id(parent)] for parent in node.parents)
                twin = memo[id(node)] = _twin(node, operands, parents, {})
                kept.append(node)  # an id in the memo must stay taken
                if extra := getattr(node, "__dict__", None):
                    twin.__dict__.update(copy.deepcopy(extra, memo))
        made: Self = memo[id(self)]
        return made

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        if not self.parents:
            kind = None if _is_plain(self) else type(self)
            return _leaf, (kind, _fields(self)), getattr(self, "__dict__", None)
        table, place = _table_of(self)
        return _pick, (table, place)


def _is_plain(node: Any) -> bool:
    """Tell whether the class of `node` is an engine's own, not a user's subclass."""
    return type(node).__module__.partition(".")[0] == __name__.partition(".")[0]


def _fields(node: Any) -> tuple[Any, ...]:
    """Return what a node holds besides other nodes."""
    return node._grad, node._notes, node._data, node.op, node.partials


def _build(kind: Any, fields: tuple[Any, ...], operands: Any, parents: Any) -> Any:
    return kind._make(kind, *fields, operands, parents)


def _twin(node: Any, operands: tuple[Any, ...], parents: tuple[Any, ...], extra: Any) -> Any:
    twin = _build(type(node), _fields(node), operands, parents)
    if extra:
        twin.__dict__.update(extra)
    return twin


class _Table:
    """The interior nodes of one walk that stood in no other table yet."""

    __slots__ = ("__weakref__", "needed", "nodes")

    def __init__(self, root: Any) -> None:
        self.nodes: list[Any] = []
        self.needed: set[_Table] = set()  # keeps the tables of shared nodes alive
        reference = weakref.ref(self)
        for node in post_order(root, leaves=False):
            table, _ = _find(node)
            if table is not None:
                self.needed.add(table)
            else:
                _tables[id(node)] = reference, len(self.nodes)
                self.nodes.append(node)

    def __del__(self) -> None:
        for node in self.nodes:
            _tables.pop(id(node), None)

    def __reduce__(self) -> tuple[Any, ...]:
        places = {id(node): place for place, node in enumerate(self.nodes)}
        outside: list[Any] = []  # leaves, and nodes of other tables

        def encoded(operand: Any) -> Any:
            if isinstance(operand, float):
                return operand
            if id(operand) not in places:
                places[id(operand)] = -len(outside) - 1
                outside.append(operand)
            return places[id(operand)]  # an int: a node; a float: a plain number

        rows = []
        for node in self.nodes:
            operands = [encoded(operand) for operand in node.operands]
            parents = [encoded(parent) for parent in node.parents]
            rows.append((operands, parents, _fields(node)))
        return _load, (outside, rows)


def _find(node: Any) -> tuple[_Table | None, int]:
    reference, place = _tables.get(id(node), (None, 0))
    return (reference() if reference is not None else None), place


def _table_of(node: Any) -> tuple[_Table, int]:
    table, place = _find(node)
    if table is None:
        table = _Table(node)
        place = len(table.nodes) - 1
    return table, place


def _leaf(kind: Any, fields: tuple[Any, ...]) -> Any:
    return _build(kind or chosen["Value"], fields, (), ())


def _load(outside: list[Any], rows: list[Any]) -> list[Any]:
    nodes: list[Any] = []

    def decoded(code: Any) -> Any:
        if isinstance(code, float):
            return code
        return nodes[code] if code >= 0 else outside[-code - 1]

    for operands, parents, fields in rows:
        refs = tuple(map(decoded, operands)), tuple(map(decoded, parents))
        nodes.append(_build(chosen["Value"], fields, *refs))
    return nodes


def _pick(nodes: list[Any], place: int) -> Any:
    return nodes[place]

"""Copies and pickles of graphs: any depth, nothing shared is torn apart.

A pickle of a graph is flat. Each interior node is a row of a table, the nodes of one walk in
order; leaves and nodes of other tables are objects of their own beside it. So no depth
of the graph becomes a depth of recursion, and a container such as `[x, h, h * x]` comes back
with the same sharing: a table lives as long as the pickle that is being written, and a second
root met in that pickle finds its nodes in the tables that are alive. Every thread has its own.
"""

from __future__ import annotations

import copy
import threading
import weakref
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any, Self

from . import refusals, tracer
from .arithmetic import is_value
from .around import check_copied
from .kin import TakenName, free_name
from .order import post_order
from .pickles import Attributes, Reader, content_of, damaged, is_plain, plain, text

#: the class that a pickle is read back as; the chosen engine enters its own
chosen: dict[str, Any] = {}


class _Here(threading.local):
    """The tables alive in this thread: id of a node -> its table, and its index there."""

    def __init__(self) -> None:
        self.rows: dict[int, tuple[weakref.ref[_Table], int]] = {}


_here = _Here()


class Copyable:
    """Copy, deepcopy and pickle for the Value of any engine."""

    __slots__ = ()

    if TYPE_CHECKING:
        parents: tuple[Any, ...]
        operands: tuple[Any, ...]

    def __copy__(self) -> Self:
        _refuse_while_traced()
        check_copied((self,))  # below it, both have the same graph
        twin: Self = _twin(self, self.operands, self.parents)
        _add(twin, _extra(self))
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        _refuse_while_traced()
        # what is met already is not entered: a list of all nodes of a graph costs one walk
        nodes = post_order(
            self, parents=lambda node: [p for p in node.parents if id(p) not in memo]
        )
        check_copied(nodes)
        for node in nodes:
            if id(node) in memo:  # by an attribute of a subclass, meanwhile
                continue
            operands = tuple(memo.get(id(operand), operand) for operand in node.operands)
            parents = tuple(memo[id(parent)] for parent in node.parents)
            twin = memo[id(node)] = _twin(node, operands, parents)
            if extra := _extra(node):
                _add(twin, copy.deepcopy(extra, memo))
        copied: Self = memo[id(self)]
        return copied

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        _refuse_while_traced()
        if not self.parents:
            check_copied((self,))
            kind = None if is_plain(type(self)) else type(self)
            return *_leaf.pickled(kind, _fields(self)), _state(self)
        return _pick.pickled(*_table_of(self))


def _refuse_while_traced() -> None:
    if tracer.current is not None and tracer.is_on():
        raise refusals.frozen_copy()


def _extra(node: Any) -> dict[str, Any]:
    """Return the attributes that a subclass gave to a node."""
    if is_plain(type(node)):
        return {}
    extra = dict(getattr(node, "__dict__", {}))
    for kind in type(node).__mro__:
        if is_plain(kind):
            break
        for name, member in vars(kind).items():
            slot = member.member if isinstance(member, TakenName) else member
            if isinstance(slot, MemberDescriptorType):
                with suppress(AttributeError):  # it may be empty
                    extra[name] = slot.__get__(node)
    return extra


def _add(node: Any, extra: dict[str, Any]) -> None:
    for name, value in extra.items():
        if free := free_name(type(node), name):
            free.give(node, value)
        else:
            object.__setattr__(node, name, value)


def _state(node: Any) -> Any:
    getstate: Any = type(node).__getstate__
    if getstate is not object.__getstate__:
        return node.__getstate__()  # the subclass knows better
    extra = _extra(node)
    return (None, Attributes(extra)) if extra else None


def _fields(node: Any) -> tuple[Any, ...]:
    """Return what a node holds besides other nodes."""
    return node._grad, node._notes, node._data, node.op, node.partials


def _build(kind: Any, fields: tuple[Any, ...], operands: Any, parents: Any) -> Any:
    return kind._make(kind, *fields, operands, parents)


def _twin(node: Any, operands: tuple[Any, ...], parents: tuple[Any, ...]) -> Any:
    return _build(type(node), _fields(node), operands, parents)


#: so many tables deep may a pickler go before it is led
_DEPTH = 20


class _Table:
    """The interior nodes of one walk that were in no other table yet.

    A pickler that has written the older tables refers to them. Another one has not, and would
    go from table to table, deeper and deeper: where `_DEPTH` is reached, a table hands it the
    older ones ahead, the oldest first.
    """

    __slots__ = ("__weakref__", "depth", "leads", "needs", "nodes", "rows", "written")

    def __init__(self, root: Any) -> None:
        self.nodes: list[Any] = []
        self.rows = _here.rows
        self.written = False
        reference = weakref.ref(self)
        for node in post_order(root, parents=self._fresh):
            self.nodes.append(node)
            self.rows[id(node)] = reference, len(self.nodes) - 1
        check_copied(self.nodes)
        parents = {id(parent): parent for node in self.nodes for parent in node.parents}
        outside = {_table_at(self.rows, parent) for parent in parents.values()}
        self.needs = [table for table in outside if table is not None and table is not self]
        self.depth: int = 1 + max((table.depth for table in self.needs), default=0)
        block = self.depth // _DEPTH
        self.leads = any(table.depth // _DEPTH < block for table in self.needs)

    def _fresh(self, node: Any) -> list[Any]:
        """Return the interior parents of a node that are in no table."""
        return [p for p in node.parents if p.parents and id(p) not in self.rows]

    def _older(self) -> list[_Table]:
        """Return the tables to write ahead of this one, the oldest first."""
        older: set[_Table] = set()
        stack = [self]
        while stack:
            for table in stack.pop().needs:
                if table not in older:
                    older.add(table)
                    stack.append(table)
        return sorted((table for table in older if table.leads), key=lambda table: table.depth)

    def __len__(self) -> int:
        return len(self.nodes)

    def __getitem__(self, index: int) -> Any:
        return self.nodes[index]

    def __del__(self) -> None:
        for node in getattr(self, "nodes", ()):  # an interrupt may have come before there were any
            self.rows.pop(id(node), None)

    def __reduce__(self) -> tuple[Any, ...]:
        codes = {id(node): index for index, node in enumerate(self.nodes)}
        outside: list[Any] = []  # leaves, and nodes of other tables

        def encoded(operand: Any) -> Any:
            if isinstance(operand, float):
                return operand
            if id(operand) not in codes:
                codes[id(operand)] = -len(outside) - 1
                outside.append(operand)
            return codes[id(operand)]  # an int: a node; a float: a plain number

        rows = []
        for node in self.nodes:
            operands = [encoded(operand) for operand in node.operands]
            parents = [encoded(parent) for parent in node.parents]
            rows.append((operands, parents, _fields(node)))
        ahead = self._older() if self.written and self.leads else []
        self.written = True
        kinds = [None if is_plain(kind) else kind for kind in map(type, self.nodes)]
        if not any(kinds):
            return _load.pickled(ahead, outside, rows)
        states = [kind and _state(node) for kind, node in zip(kinds, self.nodes, strict=True)]
        read = _load_kin.pickled(ahead, outside, rows, kinds)
        return *read, states, None, None, _add_states  # which may lead back to the nodes


def _table_of(node: Any) -> tuple[_Table, int]:
    table = _table_at(_here.rows, node) or _Table(node)
    return table, _here.rows[id(node)][1]


def _table_at(rows: Mapping[int, tuple[weakref.ref[_Table], int]], node: Any) -> _Table | None:
    reference, _ = rows.get(id(node), (None, 0))
    return reference() if reference is not None else None


# -- what reads a pickle ----------------------------------------------------------------------


def _content_of_leaf(kind: Any, fields: tuple[Any, ...]) -> Iterable[Any]:
    content = _content_of_fields(*fields)
    return (content,) if kind is None else (content, content_of(kind))


def _content_of_fields(grad: Any, notes: Any, data: Any, op: Any, partials: Any) -> Any:
    return text(op), plain((grad, data, *partials)), notes and content_of(notes)


def _content_of_table(ahead: Any, outside: list[Any], rows: list[Any]) -> Iterable[Any]:
    yield content_of(outside)
    for operands, parents, fields in rows:
        yield plain(operands), parents, _content_of_fields(*fields)


def _content_of_kin(
    ahead: Any, outside: list[Any], rows: list[Any], kinds: list[Any]
) -> Iterable[Any]:
    yield content_of(kinds)
    yield from _content_of_table(ahead, outside, rows)


def _content_of_pick(nodes: Any, index: int) -> Iterable[Any]:
    yield index, len(nodes), text(nodes[index].op)


@partial(Reader, content=_content_of_leaf)
def _leaf(kind: Any, fields: tuple[Any, ...]) -> Any:
    if fields[-1] or not _are_fields(*fields):
        raise damaged("what is no leaf")
    return _build(kind or chosen["Value"], fields, (), ())


@partial(Reader, content=_content_of_table)
def _load(ahead: list[Any], outside: list[Any], rows: list[Any]) -> list[Any]:
    return _nodes(outside, rows, [None] * len(rows))


@partial(Reader, content=_content_of_kin)
def _load_kin(ahead: list[Any], outside: list[Any], rows: list[Any], kinds: list[Any]) -> list[Any]:
    return _nodes(outside, rows, kinds)


def _add_states(nodes: list[Any], states: list[Any]) -> None:
    for node, state in zip(nodes, states, strict=True):
        if hasattr(node, "__setstate__"):
            node.__setstate__(state)
        elif state:
            _add(node, state[1])


def _nodes(outside: list[Any], rows: list[Any], kinds: list[Any]) -> list[Any]:
    _check_outside(outside)
    nodes: list[Any] = []

    def decoded(code: Any) -> Any:
        if isinstance(code, float):
            return code
        return nodes[code] if code >= 0 else outside[-code - 1]

    for (operands, parents, fields), kind in zip(rows, kinds, strict=True):
        if not _is_node(operands, parents, *fields) or not (
            -len(outside) <= min(parents) and max(parents) < len(nodes)
        ):
            raise damaged("what is no node")
        refs = tuple(map(decoded, operands)), tuple(map(decoded, parents))
        nodes.append(_build(kind or chosen["Value"], fields, *refs))
    return nodes


def _check_outside(outside: list[Any]) -> None:
    if not all(map(is_value, outside)) or len(set(map(id, outside))) != len(outside):
        raise damaged("what is no node, or one twice")


def _is_node(
    operands: Any, parents: Any, grad: Any, notes: Any, data: Any, op: Any, partials: Any
) -> bool:
    """Tell whether these may be the fields of a node: its parents are the Values it computes of."""
    return (
        bool(parents)
        and parents == [code for code in operands if type(code) is int]
        and len(operands) == len(parents) + sum(type(code) is float for code in operands)
        and len(partials) == len(parents)
        and _are_fields(grad, notes, data, op, partials)
    )


def _are_fields(grad: Any, notes: Any, data: Any, op: Any, partials: Any) -> bool:
    return (
        type(data) is float
        and (grad is None or type(grad) is float)
        and (notes is None or type(notes) is dict)
        and type(op) is str
        and type(partials) is tuple
        and (not partials or set(map(type, partials)) == {float})
    )


@partial(Reader, content=_content_of_pick)
def _pick(nodes: list[Any], index: int) -> Any:
    return nodes[index]

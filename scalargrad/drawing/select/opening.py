"""Opening: a graph in which operations are replaced by what the table defines them to be."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ...core.arithmetic import is_value
from ...core.modes import Scope, recording_in
from ...core.node_rows import is_result, result_index, results_of
from ...errors import InputError, unwanted
from ...functions import elementary
from ...table import formula, ops
from ...table.row import ROWS, ManyRow, Row, is_plural
from .folding import names_of
from .survey import COUNT_LIMIT, Survey, is_leaf

T = TypeVar("T")

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def read_open(who: str, given: Any) -> frozenset[str]:
    """Return the names of the operations that `open=` asks for.

    Raises: `TypeError` for anything but a truth value, a name or an iterable of names,
    `ValueError` for an operation that is unknown or is not made of others.
    """
    can = [name for name, row in ROWS.items() if row.definition]
    if given is None or given is False:
        return frozenset()
    if given is True:
        return frozenset(can)
    names = names_of(who, "open", given, "sigmoid")
    for name in sorted(names):
        if name not in ROWS:
            known = ", ".join(can)
            raise InputError(f"{who}: open: there is no operation {name!r}; choose among {known}")
        if name not in can:
            raise InputError(
                f"{who}: open: {name!r} is not made of simpler operations; choose among"
                f" {', '.join(can)}"
            )
    return names


@dataclass(frozen=True, eq=False)
class Opened:
    """One operation that was opened: its row, its operands and what stands for its result."""

    row: Row | ManyRow
    operands: tuple[Any, ...]
    result: Any


@dataclass(frozen=True, eq=False)
class Opening:
    """A graph with operations opened."""

    root: Any
    twins: Mapping[int, Any] = field(default_factory=dict)  # id of an old node -> its new one
    opened: Sequence[Opened] = ()
    closed: Collection[str] = ()  # what could not be opened somewhere

    def now(self, node: Any) -> Any:
        """Return what stands for a node of the old graph."""
        return self.twins.get(id(node), node)

    def by_id(self, entries: Mapping[int, T]) -> dict[int, T]:
        """Return what is known of old nodes, by the ids of what stands for them."""
        return {
            id(self.twins[key]) if key in self.twins else key: entry
            for key, entry in entries.items()
        }


def open_operations(who: str, survey: Survey, names: Collection[str]) -> Opening:
    """Return a graph with operations opened.

    Every opened operation is computed anew as its definition says, in a scope of its name; what
    depends on it is copied, the rest is shared. Nothing of the old graph is changed. An operation
    stays closed where its definition gives other numbers: it may overflow on the way.

    Raises: `ValueError` for a graph that is too large, or without an operation that is named.
    """
    root = survey.root
    if not names:
        return Opening(root)
    if survey.is_cut:
        limit = f"the graph must have at most {COUNT_LIMIT:,} nodes to be opened"
        raise InputError(unwanted(who, f"open: {limit}", root, "open a part of it"))
    if missing := missing_operations(survey, names):
        raise InputError(
            f"{who}: open: no {missing[0]!r} is in this graph; leave that out, or pass True to open"
            " all that can be"
        )
    twins: dict[int, Any] = {}
    opener = _Opener(names)
    opened: list[Opened] = []
    for node in survey.order:
        if is_leaf(node):
            continue
        operands = [twins.get(id(operand), operand) for operand in node.operands]
        row = survey.rows[node] if node.op in names else None
        twin = opener.open(node, row, operands) if row is not None else None
        if row is not None and twin is not None:
            opened.append(Opened(row, tuple(operands), twin))
            if node.label:
                twin.label = node.label
        elif any(id(parent) in twins for parent in survey.parents[node]):
            twin = _copy(node, operands)
        else:
            continue
        twins[id(node)] = twin
    new = twins.get(id(root), root)
    if new is not root:
        new._grad = root._grad
    return Opening(new, twins, opened, opener.closed)


def missing_operations(survey: Survey, names: Collection[str]) -> list[str]:
    """Return the operations that are in the graph neither as it is nor as far as it is opened."""
    if set(names) == {name for name, row in ROWS.items() if row.definition}:
        return []  # whatever there is
    present = {node.op for node in survey.nodes if survey.rows[node] is not None}
    waiting = sorted(present.intersection(names))
    while waiting:
        words = re.findall(r"\w+", ROWS[waiting.pop()].definition)
        fresh = set(words).intersection(names) - present
        present |= fresh
        waiting += sorted(fresh)
    return sorted(set(names) - present)


def _copy(node: Any, operands: Sequence[Any]) -> Any:
    """Return a node like another one, on other operands."""
    parents = tuple(operand for operand in operands if is_value(operand))
    twin = node._record(node._data, node.op, tuple(operands), parents, node.partials)
    twin._notes = node._notes
    return twin


class _Nothing:
    """What a left fold begins with."""

    def __add__(self, other: Any) -> Any:
        return other


class _Opener:
    """Runs definitions, and opens again what stands in them where that was asked for."""

    def __init__(self, names: Collection[str]) -> None:
        self.names = names
        self.closed: dict[str, None] = {}
        #: what stands for results, and what they are; one of many results is opened once
        self.spread: dict[Any, list[tuple[Any, Any]]] = {}

    def open(self, node: Any, row: Row | ManyRow, operands: Sequence[Any]) -> Any:
        """Return what stands for one operation: its definition, run on its operands.

        None where that needs no operation at all, as for the sum of one operand, and where it
        gives other numbers.
        """
        key = (row.name, *(id(o) if is_value(o) else o for o in operands))
        key += () if is_plural(row) else (id(node),)
        if key not in self.spread:
            given = row.split(operands) if isinstance(row, ManyRow) else operands
            self.spread[key] = []
            if self.is_faithful(row, given):
                results = _listed(self.run(row, node.scope, given))
                self.spread[key] = list(zip(results, results_of(row, node.operands), strict=True))
        pairs = self.spread[key]
        if pairs:
            opened, result = pairs[result_index(node, len(pairs)) if len(pairs) > 1 else 0]
            if is_result(node, result):
                return None if any(opened is operand for operand in operands) else opened
        self.closed[row.name] = None
        return None

    def run(self, row: Row | ManyRow, outer: Scope | None, given: Any) -> Any:
        """Run the definition of a row in a scope of its name."""
        group = Scope(row.name, outer)
        many = isinstance(row, ManyRow)
        fold = many and re.search(r"\bz\b", row.definition) is not None
        letters = ("z", *row.letters) if fold else () if many else row.letters
        lists = row.letters if many and not fold else ()
        callable_ = _Callable(self, group)
        run = formula.compile_graph(row.name, letters, lists, row.definition, callable_)

        def compute() -> Any:
            if not fold:
                return run(*given)
            result: Any = _Nothing()
            for operands in zip(*given, strict=True):
                result = run(result, *operands)
            return result

        return recording_in(group).call(compute)

    def is_faithful(self, row: Row | ManyRow, given: Any) -> bool:
        """Tell whether the definition gives the numbers of the row: values and partials.

        It may overflow on the way, or share a gradient otherwise between equal operands.
        """
        runs = given if isinstance(row, ManyRow) else [given]
        leaves = [list(map(_leaf, run)) for run in runs]
        results = _listed(self.run(row, None, leaves if isinstance(row, ManyRow) else leaves[0]))
        flat = [x for run in leaves for x in run]
        positions = [position for position, x in enumerate(flat) if is_value(x)]
        for one, (value, partials) in zip(results, results_of(row, flat), strict=True):
            _, grads = one._sweep(1.0)
            opened = [one._data, *(grads.get(flat[position], 0.0) for position in positions)]
            closed = [value, *(partials[position] for position in positions)]
            if not all(map(_is_near, opened, closed)):
                self.closed[row.name] = None
                return False
        return True


def _listed(result: Any) -> list[Any]:
    return result if isinstance(result, list) else [result]


def _leaf(operand: Any) -> Any:
    return operand.detach() if is_value(operand) else operand


def _is_near(opened: float, closed: float) -> bool:
    same = opened == closed or (opened != opened and closed != closed)
    return same or abs(opened - closed) <= 1e-9 + 1e-6 * abs(closed) < math.inf


class _Callable(Mapping[str, Callable[..., Any]]):
    """What definitions may call: the public functions, opened again where that was asked for."""

    def __init__(self, opener: _Opener, group: Scope) -> None:
        self.opener = opener
        self.group = group

    def __getitem__(self, name: str) -> Callable[..., Any]:
        if name == "divide":
            return lambda x, y: elementary.apply_binary(ops.DIV, x, y)
        if name == "label":
            return _label
        row = ROWS[name]
        if isinstance(row, Row):
            return self._scalar_function(row) if row.arity == 1 else self._binary_function(row)
        return lambda xs: self._apply(row, [xs], lambda: elementary.apply_many(row, xs))

    def _scalar_function(self, row: Row) -> Callable[..., Any]:
        return lambda x: self._apply(row, [x], lambda: elementary.apply_unary(row, x))

    def _binary_function(self, row: Row) -> Callable[..., Any]:
        return lambda x, y: (
            y if isinstance(x, _Nothing)
            else self._apply(row, [x, y], lambda: elementary.apply_binary(row, x, y))
        )  # fmt: skip

    def _apply(self, row: Row | ManyRow, given: Any, plain: Callable[[], Any]) -> Any:
        opener = self.opener
        operands = given[0] if isinstance(row, ManyRow) else given
        if not any(map(is_value, operands)):
            return plain()  # a number, which has no graph
        if row.name in opener.names and opener.is_faithful(row, given):
            return opener.run(row, self.group, given)
        return plain()

    def __iter__(self) -> Iterator[str]:
        return iter(["divide", "label", *ROWS])

    def __len__(self) -> int:
        return len(ROWS) + 2


def _label(name: str, result: Any) -> None:
    """Give what a definition binds its name, with an index where there are several."""
    text = name.rstrip("_")
    several = isinstance(result, list)
    for number, value in enumerate(_listed(result), 1):
        if is_value(value):
            index = str(number).translate(_SUBSCRIPTS) if several else ""
            value.label = text + index

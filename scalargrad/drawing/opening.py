"""Opening: a graph in which operations are replaced by what the table defines them to be."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import formula, functions, ops
from ..arithmetic import Arithmetic
from ..errors import InputError, unwanted
from ..graph import COUNT_LIMIT, meet
from ..modes import Scope, recording_in
from ..order import post_order
from ..partials import place_of
from ..rows import ROWS, ManyRow, Row
from .folding import names_of

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
    wanted = names_of(who, "open", given, "sigmoid")
    for name in sorted(wanted):
        if name not in ROWS:
            known = ", ".join(can)
            raise InputError(f"{who}: open: there is no operation {name!r}; choose among {known}")
        if name not in can:
            raise InputError(
                f"{who}: open: {name!r} is not made of simpler operations; choose among"
                f" {', '.join(can)}"
            )
    return wanted


@dataclass(frozen=True, eq=False)
class Opened:
    """One operation that was opened: its row, its operands and what stands for its result."""

    row: Row | ManyRow
    operands: tuple[Any, ...]
    result: Any


def opened(
    who: str, root: Any, wanted: Collection[str]
) -> tuple[Any, dict[int, Any], list[Opened]]:
    """Return the root of a graph with operations opened, what stands for each old node, and where.

    Every opened operation is computed anew as its definition says, in a scope of its name; what
    depends on it is copied, the rest is shared. Nothing of the old graph is changed.

    Raises: `ValueError` for a graph that is too large.
    """
    if not wanted or not root.parents:
        return root, {}, []
    if meet(root)[1]:
        limit = f"the graph must have at most {COUNT_LIMIT:,} nodes to be opened"
        raise InputError(unwanted(who, f"open: {limit}", root, "open a part of it"))
    twins: dict[int, Any] = {}
    spread: dict[Any, list[Any]] = {}  # an operation of many results is opened once
    places: list[Opened] = []
    for node in post_order(root, leaves=False):
        operands = [twins.get(id(operand), operand) for operand in node.operands]
        twin = None
        if node.op in wanted:
            twin = _opened_node(node, operands, wanted, spread)
        if twin is not None:
            places.append(Opened(ROWS[node.op], tuple(operands), twin))
        else:
            if not any(id(parent) in twins for parent in node.parents):
                continue
            twin = _copy(node, operands)
        if node.label:
            twin.label = node.label
        twins[id(node)] = twin
    new = twins.get(id(root), root)
    if new is not root:
        new._grad = root._grad
    return new, twins, places


def _copy(node: Any, operands: Sequence[Any]) -> Any:
    """Return a node like another one, on other operands."""
    parents = tuple(operand for operand in operands if isinstance(operand, Arithmetic))
    with recording_in(node.scope):
        return node._record(node.data, node.op, tuple(operands), parents, node.partials)


def _opened_node(
    node: Any, operands: Sequence[Any], wanted: Collection[str], spread: dict[Any, list[Any]]
) -> Any:
    """Return what stands for one operation: its definition, run on its operands.

    None where the definition needs no operation at all, as for the sum of one operand.
    """
    row = ROWS[node.op]
    if isinstance(row, Row):
        made = _run(row, wanted, node.scope, operands)
    else:
        key = (row.name, *(id(o) if isinstance(o, Arithmetic) else o for o in operands))
        if key not in spread:
            length = len(operands) // row.lists
            lists = [operands[start : start + length] for start in range(0, len(operands), length)]
            made = _run(row, wanted, node.scope, lists)
            spread[key] = made if isinstance(made, list) else [made]
        results = spread[key]
        made = results[place_of(node, len(results))] if len(results) > 1 else results[0]
    return None if any(made is operand for operand in operands) else made


class _Nothing:
    """What a left fold begins with."""

    def __add__(self, other: Any) -> Any:
        return other


def _run(row: Row | ManyRow, wanted: Collection[str], outer: Scope | None, given: Any) -> Any:
    """Run the definition of a row in a scope of its name."""
    group = Scope(row.name, outer)
    callable_ = _Callable(wanted, group)
    many = isinstance(row, ManyRow)
    fold = many and re.search(r"\bz\b", row.definition) is not None
    letters = ("z", *row.letters) if fold else () if many else row.letters
    lists = row.letters if many and not fold else ()
    run = formula.compile_graph(row.name, letters, lists, row.definition, callable_)
    with recording_in(group):
        if not fold:
            return run(*given)
        result: Any = _Nothing()
        for operands in zip(*given, strict=True):
            result = run(result, *operands)
        return result


class _Callable(Mapping[str, Callable[..., Any]]):
    """What definitions may call: the public functions, opened again where that is wanted."""

    def __init__(self, wanted: Collection[str], group: Scope) -> None:
        self.wanted = wanted
        self.group = group

    def __getitem__(self, name: str) -> Callable[..., Any]:
        if name == "divide":
            return lambda x, y: functions.apply_binary(ops.DIV, x, y)
        if name == "label":
            return _label
        row = ROWS[name]
        if isinstance(row, Row):
            return self._scalar_function(row) if row.arity == 1 else self._binary_function(row)
        return lambda xs: self._apply(row, [xs], lambda: functions.apply_many(row, xs))

    def _scalar_function(self, row: Row) -> Callable[..., Any]:
        return lambda x: self._apply(row, [x], lambda: functions.apply_unary(row, x))

    def _binary_function(self, row: Row) -> Callable[..., Any]:
        return lambda x, y: (
            y if isinstance(x, _Nothing)
            else self._apply(row, [x, y], lambda: functions.apply_binary(row, x, y))
        )  # fmt: skip

    def _apply(self, row: Row | ManyRow, given: Any, plain: Callable[[], Any]) -> Any:
        return _run(row, self.wanted, self.group, given) if row.name in self.wanted else plain()

    def __iter__(self) -> Iterator[str]:
        return iter(["divide", "label", *ROWS])

    def __len__(self) -> int:
        return len(ROWS) + 2


def _label(name: str, made: Any) -> None:
    """Give what a definition binds its name, with an index where there are several."""
    text = name.rstrip("_")
    several = isinstance(made, list)
    for place, value in enumerate(made if several else [made], 1):
        if isinstance(value, Arithmetic):
            index = str(place).translate(_SUBSCRIPTS) if several else ""
            value.label = text + index  # type: ignore[attr-defined]

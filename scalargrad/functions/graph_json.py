"""Graphs as data: JSON with one line a node, which is checked whole where it is read."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .. import errors
from .._engine import Value
from ..core import refusals, tracer
from ..core.arithmetic import is_value
from ..core.around import check_copied
from ..core.modes import Scope
from ..core.order import post_order
from ..core.pickles import is_plain
from ..core.strict_json import read_json
from ..core.version import GRAPH_VERSION, __version__
from ..table.row import ROWS, ManyRow, Row
from .custom import Derivatives
from .elementary import check_engine

#: what a node may say, and which of it every node says
_KEYS = {"data", "grad", "label", "line", "op", "operands", "own", "partials", "scope"}
_TEXTS = ("label", "line")


def to_json(values: Any) -> str:
    """Write the graph of a Value, or of a list or an array of them, as a text of JSON.

    Maths: each node once, after its operands: its number, gradient, operation, partials, label
    Raises: `TypeError` for what is no Value, and for one of a subclass, whose attributes JSON would
    lose; `RuntimeError` where a function is differentiated or traced.

    Numbers come back bit for bit; JSON has no inf and nan, so they are written as texts.
    `from_json` reads it, and so does any other program: an operand is the index of an earlier
    node, or {"number": 2.0}.

    >>> import scalargrad as sg
    >>> x = sg.Value(3.0, label="x")
    >>> print(sg.to_json(2.0 * x), end="")
    {"scalargrad": "graph", "version": 1, "scopes": [],
     "nodes": [
      {"data": 3.0, "grad": 0.0, "label": "x"},
      {"op": "mul", "operands": [{"number": 2.0}, 0], "partials": [2.0], "data": 6.0}
     ],
     "result": 1}
    """
    if hasattr(values, "tolist"):  # an array
        values = values.tolist()
    several = isinstance(values, (list, tuple))
    roots = list(values) if several else [values]
    for root in roots:
        if not is_value(root):
            must, remedy = "wants a Value, or a list of them", "pass e.g. [x, y]"
            raise errors.OperandError(errors.unwanted("to_json", must, root, remedy))
    if tracer.is_on():
        raise refusals.frozen_copy()
    order = post_order(*roots)
    check_copied(order)
    for node in order:
        if not is_plain(type(node)):
            must = "wants Values of no subclass, whose attributes would be lost"
            raise errors.OperandError(errors.unwanted("to_json", must, node, "use pickle for them"))
    check_engine("to_json", order)
    codes = {id(node): index for index, node in enumerate(order)}
    scopes = _scopes_of(order)
    lines = [json.dumps(_written(node, codes, scopes), allow_nan=False) for node in order]
    groups = [_scope_written(scope, scopes) for scope, _ in scopes.values()]
    results = [codes[id(root)] for root in roots]
    return (
        f'{{"scalargrad": "graph", "version": {GRAPH_VERSION}, "scopes": {json.dumps(groups)},\n'
        ' "nodes": [\n  ' + ",\n  ".join(lines) + "\n ],\n"
        f' "result": {json.dumps(results if several else results[0])}}}\n'
    )


def from_json(text: str | bytes) -> Any:
    """Read what `to_json` wrote: the Value, or the list of them, with the graph below.

    Raises: `ValueError` for what `to_json` did not write, with the reason; `TypeError` for what is
    no text.

    Nodes of `record`, `custom` and compiled functions come back as those of `record`: they know
    their partials as numbers.

    >>> import scalargrad as sg
    >>> x = sg.Value(3.0, label="x")
    >>> again = sg.from_json(sg.to_json(x * x))
    >>> again.backward()
    >>> again, again.parents[0]
    (Value(data=9.0, grad=1.0, op='mul'), Value(data=3.0, grad=6.0, label='x'))
    """
    if not isinstance(text, (str, bytes)):
        remedy = "pass what to_json gave, or what a file holds"
        raise errors.OperandError(errors.unwanted("from_json", "wants a text", text, remedy))
    content = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    try:
        document = _Document(read_json(content))
        if document.version == GRAPH_VERSION:
            return document.results()
    except ValueError as error:
        must = f"wants a text that to_json wrote ({error})"
        raise errors.InputError(
            errors.unwanted("from_json", must, text, "write it again with to_json")
        ) from None
    must = f"wants version {GRAPH_VERSION}, that of scalargrad {__version__}"
    raise errors.InputError(
        errors.unwanted("from_json", must, document.version, "write it again with this version")
    )


# -- writing --------------------------------------------------------------------------------


def _scopes_of(order: Sequence[Any]) -> dict[int, tuple[Scope, int]]:
    """Return every scope by its id, with its index: the outer ones before those inside."""
    scopes: dict[int, tuple[Scope, int]] = {}
    for node in order:
        chain = []
        scope = node.scope
        while scope is not None and id(scope) not in scopes:
            chain.append(scope)
            scope = scope.outer
        for scope in reversed(chain):
            scopes[id(scope)] = scope, len(scopes)
    return scopes


def _scope_written(scope: Scope, scopes: dict[int, tuple[Scope, int]]) -> dict[str, Any]:
    outer = None if scope.outer is None else scopes[id(scope.outer)][1]
    return {"name": scope.name, "outer": outer}


def _written(
    node: Any, codes: dict[int, int], scopes: dict[int, tuple[Scope, int]]
) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    if node.parents:
        operands = [
            codes[id(operand)] if is_value(operand) else {"number": _shown(operand)}
            for operand in node.operands
        ]
        partials = list(map(_shown, node.partials))
        entry.update(op=node.op, operands=operands, partials=partials)
    entry["data"] = _shown(node._data)
    if node._grad is not None:
        entry["grad"] = _shown(node._grad)
    notes = node._notes or {}
    entry.update((key, notes[key]) for key in _TEXTS if notes.get(key))
    if notes.get("scope") is not None:
        entry["scope"] = scopes[id(notes["scope"])][1]
    if "derivatives" in notes:
        entry["own"] = True
    return entry


def _shown(number: float) -> float | str:
    return number if math.isfinite(number) else str(number)


# -- reading: whatever does not fit raises a ValueError that says why ---------------------------


class _Document:
    """What a text holds, which is looked at before anything is made of it."""

    def __init__(self, held: Any) -> None:
        if not isinstance(held, dict) or held.get("scalargrad") != "graph":
            raise ValueError("it holds no graph")
        self.version = held.get("version")
        self._held = held

    def results(self) -> Any:
        """Return the Value, or the list of them."""
        if self._held.keys() != {"scalargrad", "version", "scopes", "nodes", "result"}:
            raise ValueError("a key is missing, or unknown")
        scopes: list[Scope] = []
        for index, held in enumerate(_list_of(self._held["scopes"], "scopes")):
            with _at(f"scope {index}"):
                scopes.append(_scope(held, scopes))
        nodes: list[Any] = []
        for index, held in enumerate(_list_of(self._held["nodes"], "nodes")):
            with _at(f"node {index}"):
                nodes.append(_node(held, nodes, scopes))
        result = self._held["result"]
        if isinstance(result, list):
            return [nodes[_index(one, nodes, "result")] for one in result]
        return nodes[_index(result, nodes, "result")]


@contextmanager
def _at(place: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _list_of(held: Any, what: str) -> list[Any]:
    if not isinstance(held, list):
        raise ValueError(f"{what} is no list")
    return held


def _index(held: Any, things: Sequence[Any], what: str) -> int:
    if type(held) is not int or not 0 <= held < len(things):
        raise ValueError(f"{what} is no index of what stands before it")
    return held


def _number(held: Any, what: str) -> float:
    if held in ("nan", "inf", "-inf") or type(held) in (int, float):
        try:
            return float(held)
        except OverflowError:
            pass
    raise ValueError(f"{what} is no number")


def _text(held: Any, what: str) -> str:
    if not isinstance(held, str) or not held:
        raise ValueError(f"{what} is no text")
    return held


def _scope(held: Any, outer: Sequence[Scope]) -> Scope:
    if not isinstance(held, dict) or held.keys() != {"name", "outer"}:
        raise ValueError("it has no name and outer")
    around = held["outer"]
    within = None if around is None else outer[_index(around, outer, "outer")]
    return Scope(_text(held["name"], "name"), within)


def _node(held: Any, nodes: Sequence[Any], scopes: Sequence[Scope]) -> Any:
    if not isinstance(held, dict) or not held.keys() <= _KEYS or "data" not in held:
        raise ValueError("it has no data, or a key that is unknown")
    data = _number(held["data"], "data")
    grad = _number(held["grad"], "grad") if "grad" in held else None
    notes = dict(_notes(held, scopes)) or None
    inner = [key in held for key in ("op", "operands", "partials")]
    if not any(inner):
        return _made(0.0 if grad is None else grad, notes, data, "", (), (), ())
    if not all(inner):
        raise ValueError("op, operands and partials go together")
    operands = [_operand(one, nodes) for one in _list_of(held["operands"], "operands")]
    parents = tuple(filter(is_value, operands))
    partials = tuple(_number(one, "partial") for one in _list_of(held["partials"], "partials"))
    if not parents or len(partials) != len(parents):
        raise ValueError("it has not one partial for each Value that it is computed from")
    op = _text(held["op"], "op")
    if op in ROWS and "own" not in held and not _fits(ROWS[op], len(operands)):
        raise ValueError(f"{op} has another number of operands")
    return _made(grad, notes, data, op, partials, tuple(operands), parents)


def _fits(row: Row | ManyRow, count: int) -> bool:
    return count % row.lists == 0 if isinstance(row, ManyRow) else count == row.arity


def _operand(held: Any, nodes: Sequence[Any]) -> Any:
    if isinstance(held, dict) and held.keys() == {"number"}:
        return _number(held["number"], "number")
    return nodes[_index(held, nodes, "operand")]


def _notes(held: dict[str, Any], scopes: Sequence[Scope]) -> Iterator[tuple[str, Any]]:
    yield from ((key, _text(held[key], key)) for key in _TEXTS if key in held)
    if "scope" in held:
        yield "scope", scopes[_index(held["scope"], scopes, "scope")]
    if "own" in held:
        if held["own"] is not True or "op" not in held:
            raise ValueError("own is no true of an operation")
        yield "derivatives", Derivatives()


def _made(*fields: Any) -> Any:
    return Value._make(Value, *fields)

"""Gradients on an existing graph: as numbers, or as a graph that can be differentiated again.

A partial is a formula of the row of its operation. Run on floats it gives the partials that every
node keeps; run on Values it gives a graph, whose own nodes have rows again: to any order.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from . import errors, formula, functions, ops
from .arithmetic import Arithmetic
from .modes import recording
from .order import post_order
from .partials import is_plural, place_of
from .rows import ROWS, ManyRow, Row


class _OnValues(Mapping[str, Callable[..., Any]]):
    """What the formulas of rows call when they run on Values."""

    def __getitem__(self, name: str) -> Callable[..., Any]:
        if name == "divide":
            return lambda x, y: functions.apply_binary(ops.DIV, x, y)
        if name == "label":
            return lambda name, value: None
        row = ROWS[name]
        if name in ("max", "min"):  # in formulas only ever a shift that cancels: a plain number
            return lambda xs: row.value([getattr(x, "data", x) for x in xs])
        if isinstance(row, ManyRow):
            return lambda xs: functions.apply_many(row, list(xs))
        if row.arity == 1:
            return lambda x: functions.apply_unary(row, x)
        return lambda x, y: functions.apply_binary(row, x, y)

    def __iter__(self) -> Iterator[str]:
        return iter(["divide", "label", *ROWS])

    def __len__(self) -> int:
        return len(ROWS) + 2


_ON_VALUES = _OnValues()


@functools.cache
def _partial_on_values(name: str, letter: int) -> Callable[..., Any]:
    """Return a partial as a function of the result and the operands, or of lists of operands."""
    row = ROWS[name]
    if is_plural(row):
        return formula.compile_graph(name, ("z",), ("s", "own"), row.partials[0], _ON_VALUES)
    text = _with_bindings(row.forward, row.partials[letter])
    if isinstance(row, Row):
        return formula.compile_graph(name, ("z", *row.letters), (), text, _ON_VALUES)
    return formula.compile_graph(name, ("z",), row.letters, text, _ON_VALUES)


def _with_bindings(forward: str, partial: str) -> str:
    """Return a partial after those names of the forward formula that it needs."""
    wanted = _names(ast.parse(partial))
    kept: list[str] = []
    for name, value in reversed(formula.parse(forward).bindings):
        if name in wanted:
            wanted |= _names(value)
            kept.append(f"{name} = {ast.unparse(value)}")
    return "; ".join([*reversed(kept), partial])


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


# -- the partials of one node ----------------------------------------------------------------


def partials_on_values(node: Any, wanted: Sequence[bool]) -> list[Any]:
    """Return the partials of a node as Values or numbers, one for each wanted operand.

    Raises: `RuntimeError` for a node of `record`, which knows its partials as numbers only, and
    where an operand's number was assigned since the node was made.
    """
    row = ROWS.get(node.op)
    own = (node._notes or {}).get("derivatives")
    if own is not None and own.on_values is not None:
        found: list[Any] = own.on_values(node, wanted)
        return found
    if row is None or own is not None:
        raise errors.StateError(
            f"create_graph: {node.op!r} must be an operation of the table or of custom; got a node"
            " that knows its partials as numbers only; write it with sg.custom"
        )
    numbers = [o._data if isinstance(o, Arithmetic) else o for o in node.operands]
    if isinstance(row, Row):
        _check_same(node, [row.value(*numbers)])
        letters = (letter for letter, w in enumerate(wanted) if w)
        return [_partial_on_values(row.name, letter)(node, *node.operands) for letter in letters]
    return _partials_of_many(node, row, numbers, wanted)


def _partials_of_many(
    node: Any, row: ManyRow, numbers: Sequence[float], wanted: Sequence[bool]
) -> list[Any]:
    count = len(numbers) // row.lists
    starts = range(0, len(numbers), count)
    values = row.value(*(list(numbers[start : start + count]) for start in starts))
    if is_plural(row):
        _check_same(node, values)
        place = place_of(node, count)
        results = functions.apply_many(row, list(node.operands))
        results[place] = node
        own = [float(i == place) for i in range(count)]
        partials = _partial_on_values(row.name, 0)(node, results, own)
        return [partial for partial, w in zip(partials, wanted, strict=True) if w]
    _check_same(node, [values])
    lists = [list(node.operands[start : start + count]) for start in starts]
    found: list[Any] = []
    for letter, start in enumerate(starts):
        flags = wanted[start : start + count]
        if any(flags):
            partials = _partial_on_values(row.name, letter)(node, *lists)
            several = partials if isinstance(partials, list) else [partials] * count
            found += [partial for partial, w in zip(several, flags, strict=True) if w]
    return found


def _check_same(node: Any, values: Sequence[float]) -> None:
    """Refuse to mix two points: the operands must be as they were in the forward pass."""
    if not any(value == node._data or value != value for value in values):
        raise errors.StateError(
            f"create_graph: the operands of {node.op!r} must be as in the forward pass; got"
            f" {values[0]!r} from them where the node holds {node._data!r}; compute it anew"
        )


# -- a pass ----------------------------------------------------------------------------------


class _Ends:
    """Something whose parents are all outputs."""

    def __init__(self, parents: Sequence[Any]) -> None:
        self.parents = parents


def order_of(outputs: Sequence[Any]) -> list[Any]:
    """Return every node below some outputs, parents first."""
    return post_order(_Ends(outputs))[:-1]


def sweep(outputs: Sequence[Any], upstream: Sequence[float]) -> Mapping[Any, float]:
    """Return the gradient of Σ upstream·output by every node, as numbers; touch nothing."""
    if len(outputs) == 1:
        _, grads = outputs[0]._sweep(upstream[0])
    else:
        with recording():
            total = functions.dot(outputs, upstream)
        _, grads = total._sweep(1.0)
    found: Mapping[Any, float] = grads
    return found


def graph_sweep(
    outputs: Sequence[Any],
    upstream: Sequence[Any],
    inputs: Sequence[Any],
    *,
    independent: bool = False,
) -> list[Any]:
    """Return the gradients of Σ upstream·output by the inputs, as Values.

    Maths: grad(parent) = Σ grad(node) · ∂node/∂parent, every partial being its row's formula.
    Inputs are `independent` where none of them counts as a function of others.
    """
    order = order_of(outputs)
    matters = {id(x) for x in inputs}
    ends = set(matters) if independent else set()
    for node in order:
        if id(node) not in matters and any(id(parent) in matters for parent in node.parents):
            matters.add(id(node))
    grads: dict[int, Any] = {}
    with recording():
        for output, start in zip(outputs, upstream, strict=True):
            grads[id(output)] = _plus(grads.get(id(output)), start)
        for node in reversed(order):
            gradient = grads.get(id(node))
            if gradient is None or id(node) not in matters or id(node) in ends:
                continue
            wanted = [isinstance(o, Arithmetic) and id(o) in matters for o in node.operands]
            if not any(wanted):  # a leaf has no operands at all
                continue
            targets = [operand for operand, w in zip(node.operands, wanted, strict=True) if w]
            for target, partial in zip(targets, partials_on_values(node, wanted), strict=True):
                grads[id(target)] = _plus(grads.get(id(target)), _times(gradient, partial))
    return [grads.get(id(x), 0.0) for x in inputs]


def _plus(total: Any, term: Any) -> Any:
    return term if total is None else total + term


def _times(gradient: Any, partial: Any) -> Any:
    """Return a product, without a node for what is multiplied by a plain 1."""
    if not isinstance(partial, Arithmetic) and partial == 1.0:
        return gradient
    if not isinstance(gradient, Arithmetic) and gradient == 1.0:
        return partial
    return gradient * partial

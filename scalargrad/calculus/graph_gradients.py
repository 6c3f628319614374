"""Gradients on an existing graph: as numbers, or as a graph that can be differentiated again.

A partial is a formula of the row of its operation. Run on floats it gives the partials that every
node keeps; run on Values it gives a graph, whose own nodes have rows again: to any order. Where the
formula is good for floats only, the row states another one on Values.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from .. import errors
from ..core import tracer
from ..core.arithmetic import is_value
from ..core.modes import anomaly, check_pass, recording
from ..core.node_rows import result_index
from ..core.order import post_order
from ..functions import elementary
from ..table import formula, ops
from ..table.row import ROWS, ManyRow, Row, is_plural
from .kinks import on_one_side
from .on_values import ON_VALUES


@functools.cache
def _partials_of(name: str) -> tuple[Callable[..., Any], ...]:
    """Return each partial as a function of the result and the operands, or of lists of operands."""
    row = ROWS[name]
    stated = row.on_values or row.partials
    if is_plural(row):
        compiled = formula.compile_graph(name, ("z",), ("s", "own"), stated[0], ON_VALUES)
        return (compiled,)
    texts = [formula.with_bindings(row.forward, partial) for partial in stated]
    letters, lists = (row.letters, ()) if isinstance(row, Row) else ((), row.letters)
    return tuple(
        formula.compile_graph(name, ("z", *letters), lists, text, ON_VALUES) for text in texts
    )


# -- the partials of one node ----------------------------------------------------------------


def partials_on_values(node: Any, positions: Sequence[int]) -> list[Any]:
    """Return the partials of a node as Values or numbers, by the operands at some positions.

    Raises: `RuntimeError` for a node of `record`, which knows its partials as numbers only, and
    where an operand's number was assigned since the node was computed.
    """
    row = ROWS.get(node.op)
    own = (node._notes or {}).get("derivatives")
    if own is not None and own.on_values is not None:
        on_values: list[Any] = own.on_values(node, positions)
        return on_values
    if row is None or own is not None:
        raise errors.StateError(
            f"create_graph: {node.op!r} must be an operation of the table or of custom; got a node"
            " that knows numbers only (of record, or out of a pickle or JSON); write it with"
            " sg.custom, or compute it anew"
        )
    operands = node.operands
    numbers = [o if o.__class__ is float else o._data for o in operands]
    if isinstance(row, Row):
        _check_same(node, [row.value(*numbers)])
        partials = _partials_of(row.name)
        return [partials[position](node, *operands) for position in positions]
    return _partials_of_many(node, row, numbers, positions)


def _partials_of_many(
    node: Any, row: ManyRow, numbers: Sequence[float], positions: Sequence[int]
) -> list[Any]:
    lists = row.split(list(node.operands))
    count = len(lists[0])
    values = row.value(*row.split(numbers))
    if is_plural(row):
        _check_same(node, values)
        index = result_index(node, count)
        results = elementary.apply_many(row, list(node.operands))
        results[index] = node
        own = [float(i == index) for i in range(count)]
        (partial,) = _partials_of(row.name)
        of_all = partial(node, results, own)
        return [of_all[position] for position in positions]
    _check_same(node, [values])
    by_position: dict[int, Any] = {}
    for letter in sorted({position // count for position in positions}):
        partials = _partials_of(row.name)[letter](node, *lists)
        several = partials if isinstance(partials, list) else [partials] * count
        by_position |= enumerate(several, letter * count)
    return [by_position[position] for position in positions]


def _check_same(node: Any, values: Sequence[float]) -> None:
    """Refuse to mix two points: the operands must be as they were in the forward pass."""
    if not any(value == node._data or value != value for value in values):
        raise errors.changed_operands(node.op, values[0], node._data)


# -- a pass ----------------------------------------------------------------------------------


def order_of(outputs: Sequence[Any], inputs: Sequence[Any] = ()) -> list[Any]:
    """Return every node below some outputs, parents first; nothing that is only below inputs."""
    ends = {id(x) for x in inputs}

    def parents(node: Any) -> tuple[Any, ...]:
        return () if id(node) in ends else node.parents

    return post_order(*outputs, parents=parents, key=id)  # a hash would read an int of a trace


def sweep(outputs: Sequence[Any], upstream: Sequence[float], inputs: list[Any]) -> list[float]:
    """Return the gradients of Σ upstream·output by the inputs, as numbers; touch nothing."""
    root, start = outputs[0], upstream[0]
    if len(outputs) > 1:
        with recording():
            root, start = elementary.dot(outputs, upstream), 1.0
    if anomaly():
        check_pass(*root._sweep(start))
    gradients: list[float] = root._gradients(start, inputs)
    return gradients


def graph_sweep(
    outputs: Sequence[Any],
    upstream: Sequence[Any],
    inputs: Sequence[Any],
    *,
    independent: bool = False,
) -> list[Any]:
    """Return the gradients of Σ upstream·output by the inputs, as Values.

    Maths: grad(parent) = Σ grad(node) · ∂node/∂parent, every partial being its row's formula.
    Inputs are `independent` where none of them counts as a function of others. At a kink one side
    counts in the graph; the numbers of the gradients are those of a pass on numbers.
    """
    order = order_of(outputs, inputs if independent else ())
    with recording():
        grads = _graph_sweep(order, outputs, upstream, inputs, independent)
        anew = on_one_side(order, {id(x) for x in inputs})
        if not anew:
            return grads
        pairs = [(anew.get(id(x), x), u) for x, u in zip(outputs, upstream, strict=True)]
        pairs = [(x, u) for x, u in pairs if is_value(x)]  # one side may be a plain number
        moved, starts = [x for x, _ in pairs], [u for _, u in pairs]
        order = order_of(moved, inputs if independent else ())
        graphs = _graph_sweep(order, moved, starts, inputs, independent)
        return [numbered(number, graph) for number, graph in zip(grads, graphs, strict=True)]


def numbered(number: Any, graph: Any) -> Any:
    """Return a graph with the number of another one."""
    number = number.detach() if is_value(number) else number
    if not is_value(graph):
        return number
    if graph == number and not tracer.is_on():
        return graph
    return elementary.apply_binary(ops.NUMBERED, number, graph)


def _graph_sweep(
    order: Sequence[Any],
    outputs: Sequence[Any],
    upstream: Sequence[Any],
    inputs: Sequence[Any],
    independent: bool,
) -> list[Any]:
    matters = {id(x) for x in inputs}
    ends = set(matters) if independent else set()
    for node in order:
        if id(node) not in matters and any(id(parent) in matters for parent in node.parents):
            matters.add(id(node))
    grads: dict[int, Any] = {}
    for output, start in zip(outputs, upstream, strict=True):
        grads[id(output)] = _plus(grads.get(id(output)), start)
    for node in reversed(order):
        gradient = grads.get(id(node))
        if gradient is None or id(node) not in matters or id(node) in ends:
            continue
        operands = node.operands
        # by hand: its partials as numbers are not wanted, and this is where the time goes
        positions = [i for i, operand in enumerate(operands) if id(operand) in matters]
        if not positions:  # a leaf has no operands at all
            continue
        for position, partial in zip(positions, partials_on_values(node, positions), strict=True):
            target = id(operands[position])
            grads[target] = _plus(grads.get(target), _times(gradient, partial))
    return [grads.get(id(x), 0.0) for x in inputs]


def _plus(total: Any, term: Any) -> Any:
    return term if total is None else total + term


def _times(gradient: Any, partial: Any) -> Any:
    """Return a product, without a node for what is multiplied by a plain 1."""
    if partial.__class__ is float and partial == 1.0:
        return gradient
    if gradient.__class__ is float and gradient == 1.0:
        return partial
    return gradient * partial

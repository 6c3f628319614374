"""The card of one part of a picture: its rule, its gradient, its ways to the result."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from ..drawing.output.svg import formulas
from ..drawing.select.graph import Flow, Use, Vertex
from ..drawing.words import text
from ..drawing.words.rules import Rule, backward_rule, explained, parts, sign, spelled_rule
from .live_expression import LiveExpression, NotShown
from .nudges import nudges
from .replies import called, gradient_name, pieces, shown_of
from .ways import Way, ways_of

#: of the formulas in a card
SIZE = 19.0
#: operands of which a card tells what they get
MOST_OPERANDS = 6
#: names of a formula that are explained
MOST_NAMES = 4


def card_reply(live: LiveExpression, node: str) -> dict[str, Any]:
    """Return what a page tells of one part; see the table of `messages`.

    Raises: `NotShown` for a part that there is not.
    """
    found = (v for v in live.walk.graph.vertices if live.walk.about_of[id(v)] == node)
    vertex = next(found, None)
    if vertex is None:
        raise NotShown(f"node: the picture has no part {node[:40]!r}; show it anew", "node")
    ways, count = ways_of(live.walk, vertex.flows[0])
    derivative = _derivative(live, vertex)
    listed = vertex.is_leaf or len(ways) > 1
    paths = [_path(live, way) for way in ways] if listed else []
    many = f"{count:,} ways lead to the result." if count and not ways else ""
    return {
        "kind": "card",
        "node": node,
        "title": _title(live, vertex),
        "about": vertex.row.doc if vertex.row is not None else "",
        "rules": [pieces(rule, live.state.digits) for rule in _rules(live, vertex)],
        "derivative": derivative,
        "where": list(islice(_where(live, derivative["plain"]), MOST_NAMES)),
        "ways": _sum("One way to the result", "ways to the result", paths, many),
        "terms": _sum("One arrow brings it back", "arrows bring it back", _terms(live, vertex)),
        "nudges": list(_nudges(live, vertex)),
    }


def _title(live: LiveExpression, vertex: Vertex) -> str:
    """Return the name of a leaf, or the sign of an operation and the name of what it gives."""
    name = called(live, vertex)
    if vertex.is_leaf:
        return name
    title = _sign(vertex)
    return f"{title} gives {name}" if name else title


def _rules(live: LiveExpression, vertex: Vertex) -> Iterator[Rule]:
    """Yield how a value is found, and what each operand gets back."""
    if vertex.is_leaf or vertex.cut:
        return
    yield spelled_rule(vertex, vertex.flows[0].value)
    uses = [way for way in vertex.inputs if isinstance(way, Use) and way.backward is not None]
    for use in uses[:MOST_OPERANDS]:
        name = live.walk.shown[id(use.flow)].name
        rule = backward_rule(use, explained(live.seen.graph, use))
        yield (f"back to {name}: " if name else "back: ", *_without_sign(rule))


def _without_sign(rule: Rule) -> Rule:
    """Return a rule without the sign of its operation, which the card has already."""
    first = rule[0]
    return (first.partition(": ")[2], *rule[1:]) if isinstance(first, str) else rule


def _derivative(live: LiveExpression, vertex: Vertex) -> dict[str, Any]:
    """Return the gradient of what comes out: its name, its formula, its number."""
    graph = live.seen.graph
    written = live.symbols.flow(_twin(live, vertex.flows[0])).backward or ""
    number = text.number(graph.gradients.get(vertex.flows[0].value, 0.0), live.state.digits)
    plain = " ".join(written.split("\n"))
    return {
        "name": gradient_name(live, shown_of(live, vertex)),
        "formula": formulas(written, SIZE) if plain != number else [],
        "plain": plain if plain != number else "",
        "number": number,
    }


def _twin(live: LiveExpression, flow: Flow) -> Flow:
    """Return the same flow as the symbols know it: where something was opened, they have copies."""
    position = next(i for i, other in enumerate(live.seen.graph.flows) if other is flow)
    return list(live.symbols.graph.flows)[position]


def _where(live: LiveExpression, written: str) -> Iterator[list[str]]:
    """Yield what the names are that a formula has and the picture has not."""
    shown = {one.name for one in live.walk.shown.values()}
    for flow in live.symbols.graph.flows:
        name = live.symbols.called.get(id(flow.value), "")
        if name and name not in shown and re.search(f"{re.escape(name)}(?![₀-₉])", written):
            yield formulas(live.symbols.flow(flow).forward, SIZE)


def _terms(live: LiveExpression, vertex: Vertex) -> Iterator[dict[str, Any]]:
    """Yield what comes back along each arrow, as ways of one operation: their sum is the gradient.

    The last one may stand for what the picture does not show.
    """
    graph, digits = live.seen.graph, live.state.digits
    shown = shown_of(live, vertex)
    for use in shown.uses:
        why, target = explained(graph, use), use.target
        factors = (why.upstream, why.partial) if why is not None else ()
        passed = [f"{shown.about}.{shown.flow.uses.index(use)}"]
        signs = []
        if target is not None:
            passed.append(live.walk.about_of[id(target)])
            signs.append(_sign(target))
        yield {
            "keys": passed,
            "signs": signs,
            **_product(factors, use.backward or 0.0, digits),
        }
    if shown.hidden:
        rest = graph.gradients[vertex.flows[0].value] - parts(shown.uses).value
        yield {"keys": [], "signs": ["not in the picture"], **_product((), rest, digits)}


def _sign(vertex: Vertex) -> str:
    """Return what stands in the circle or the box of an operation."""
    return text.harmless(vertex.title) if vertex.is_box else sign(vertex.node, vertex.row)


def _nudges(live: LiveExpression, vertex: Vertex) -> Iterator[dict[str, Any]]:
    """Yield what nudges of an input do; see `nudges`."""
    node = vertex.flows[0].value
    for name in (name for name, value in live.values.items() if value is node):
        yield from nudges(live, name)


def _path(live: LiveExpression, way: Way) -> dict[str, Any]:
    return {
        "keys": list(dict.fromkeys(way.passed)),
        "signs": list(way.signs),
        **_product(way.factors[::-1], way.product, live.state.digits),
    }


def _product(factors: Sequence[float], product: float, digits: int) -> dict[str, Any]:
    """Return a product in numbers; several factors are written out before it."""
    numbers = [text.number(factor, digits) for factor in factors]
    chain = f"{_joined(numbers, ' × ')} = " if len(numbers) > 1 else ""
    return {"factors": numbers, "chain": chain, "product": text.number(product, digits)}


def _sum(one: str, several: str, rows: Iterable[dict[str, Any]], none: str = "") -> dict[str, Any]:
    """Return products with what stands over them and, before the total, under several."""
    rows = list(rows)
    products = [row["product"] for row in rows]
    title = f"{len(rows)} {several}, together" if len(rows) > 1 else one if rows else none
    return {
        "title": title,
        "rows": rows,
        "sum": f"{_joined(products, ' + ')} = " if len(rows) > 1 else "",
    }


def _joined(numbers: Sequence[str], sign: str) -> str:
    """Return numbers with a sign between them; a negative one behind it is in brackets."""
    return sign.join(f"({n})" if i and n.startswith("−") else n for i, n in enumerate(numbers))

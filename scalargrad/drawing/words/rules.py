"""The local rule of one node, in words and numbers: how a value or a gradient is found."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ...core.arithmetic import is_value
from ...core.explanation import Explanation, explanation
from ...table.ops import DIV, DOT, OTHERWISE, SUM, WHERE
from ...table.row import ManyRow, Row
from ..select.graph import Graph, Use, Vertex
from . import text

#: operands that a rule writes out
MANY = 8
#: a term of a sum
HIDDEN = "what the picture does not show"
#: what stands for an operand or the result in a partial; others are names of functions
_LETTER = re.compile(r"(?<![A-Za-z])[xyz](?![A-Za-z])")

QuantityKind = Literal["plain", "data", "gradient", "partial", "part"]


@dataclass(frozen=True, eq=False)
class Quantity:
    """A number of the graph: what it is, so that it can be computed anew, and what it is now.

    A plain number, the data or the gradient of a node, the partial of an edge, or the part of a
    gradient that comes back along some edges; an edge is a node and a position of an operand.
    """

    kind: QuantityKind
    edges: tuple[tuple[Any, int], ...]
    value: float


#: words and numbers, in the order in which they are read
Rule = tuple[str | Quantity, ...]


def spoken(rule: Rule, digits: int = 6) -> str:
    """Return a rule as a text."""
    return "".join(
        piece if isinstance(piece, str) else text.number(piece.value, digits) for piece in rule
    )


def data(node: Any) -> Quantity:
    """Return the value of a node."""
    return Quantity("data", ((node, 0),), node.data)


def gradient(graph: Graph, node: Any) -> Quantity:
    """Return the gradient of a node, all parts together."""
    return Quantity("gradient", ((node, 0),), graph.gradients[node])


def parts(uses: Sequence[Use]) -> Quantity:
    """Return what comes back along some arrows, together."""
    total = uses[0].backward or 0.0
    for use in uses[1:]:  # not `sum`, which rounds in another way
        total += use.backward or 0.0
    return Quantity("part", tuple(edge for use in uses for edge in use.edges), total)


def sign(node: Any, row: Row | ManyRow | None) -> str:
    """Return what the circle of an operation shows, which may have a row."""
    return row.symbol if row is not None else text.harmless(node.op)


def is_reciprocal(vertex: Vertex) -> bool:
    """Tell whether a vertex divides a plain 1: it is the book's node 1/x, of one operand."""
    if vertex.row is not DIV:
        return False
    first, second = vertex.node.operands
    return not is_value(first) and first == 1 and is_value(second)


def forward_rule(vertex: Vertex, node: Any) -> Rule:
    """Return how the value of a node is found, or what comes out of a box."""
    if vertex.is_box:
        return f"{text.harmless(vertex.title)}: what comes out = ", data(node)
    symbol, operands = sign(node, vertex.row), [_number(operand) for operand in node.operands]
    start, end = f"{symbol}: ", (" = ", data(node))
    if len(operands) == 2 and isinstance(vertex.row, Row) and len(symbol) < 3:
        return start, operands[0], f" {symbol} ", operands[1], *end
    if len(operands) > MANY:
        return f"{start}of all operands", *end
    if vertex.row in (WHERE, OTHERWISE):  # which keep no condition
        return f"{start}the operand that was chosen", *end
    return f"{start}{symbol}(", *_joined(operands, ", "), ")", *end


def spelled_rule(vertex: Vertex, node: Any) -> Rule:
    """Return the same, with a short sum or dot product term by term."""
    if vertex.row not in (SUM, DOT) or len(node.operands) > MANY:
        return forward_rule(vertex, node)
    operands = [_number(operand) for operand in node.operands]
    terms: list[Rule] = [(operand,) for operand in operands]
    if vertex.row is DOT:
        terms = [(x, " × ", y) for x, y in zip(*DOT.split(operands), strict=True)]
    joined = [piece for term in terms for piece in (" + ", *term)]
    return f"{sign(node, vertex.row)}: ", *joined[1:], " = ", data(node)


def explained(graph: Graph, use: Use) -> Explanation | None:
    """Return why what comes back along one arrow does; None out of a box: by many rules."""
    if use.target is None or use.target.is_box:
        return None
    node, position = use.edges[0]
    return explanation(node, use.target.row, position, graph.gradients[node])


def backward_rule(use: Use, why: Explanation | None) -> Rule:
    """Return how the part of the gradient is found that comes back along one arrow."""
    product = parts([use])
    if why is None:
        assert use.target is not None
        return f"{text.harmless(use.target.title)}: what all its nodes hand back = ", product
    symbol = sign(why.node, why.row)
    if why.kind == "unchanged":
        return f"{symbol}: upstream, unchanged = ", product
    if why.kind == "negated":
        return f"{symbol}: upstream with the other sign = ", product
    upstream = Quantity("gradient", ((why.node, 0),), why.upstream)
    partial = Quantity("partial", ((why.node, why.position),), why.partial)
    factors = upstream, " × ", partial
    return f"{symbol}: upstream × ", *_factor(use, why), " = ", *factors, " = ", product


def _factor(use: Use, why: Explanation) -> Rule:
    """Return in words what the upstream is multiplied by."""
    if why.row is None:
        return ("the derivative by this operand",)
    if why.kind == "other operand":
        value = _number(why.node.operands[why.mirrored]).value
        same = value == why.partial or why.partial != why.partial
        return ("the other operand" if same else "what the other operand was",)
    is_inverse = use.target is not None and is_reciprocal(use.target)
    formula = "−z²" if is_inverse else why.formula
    return _by_name(formula, why) or (_in_words(formula, why.row),)


def _by_name(formula: str, why: Explanation) -> Rule:
    """Return a partial with the names and numbers of this operation for its letters.

    Nothing where one of them has no name here, and where words say it: a letter alone.
    """
    letters = list(_LETTER.finditer(formula))
    if not isinstance(why.row, Row) or formula in ("x", "y", "z") or not letters:
        return ()
    operands = {**dict(zip("xy", why.node.operands, strict=False)), "z": why.node}
    rule: list[str | Quantity] = []
    end = 0
    for found in letters:
        operand = operands[found[0]]
        name = text.whole(text.harmless(operand.label)) if is_value(operand) else ""
        if is_value(operand) and not name:
            return ()
        beside = formula[: found.start()][-1:] + formula[found.end() :][:1]
        rule.append(formula[end : found.start()])
        rule += [name] if name else _bracketed(operand, beside)
        end = found.end()
    return (*rule, formula[end:])


def _bracketed(number: float, beside: str) -> list[str | Quantity]:
    """Return a number in a formula, in brackets where it would run into what stands beside it."""
    is_clear = re.fullmatch(r"[\d.]+", text.number(number)) and not re.search(r"[\w()²³]", beside)
    return [_number(number)] if is_clear else ["(", _number(number), ")"]


def _in_words(formula: str, row: Row | ManyRow) -> str:
    """Return a partial in words, or as a formula with what its letters are.

    >>> from ...table.ops import DIV, EXP, TANH
    >>> _in_words("z", EXP), _in_words("1−z²", TANH)
    ('its own output', '1−z² (z is its own output)')
    >>> _in_words("−x/y²", DIV)
    '−x/y² (x is the first operand, y is the second operand)'
    """
    meanings = {"x": "the operand", "z": "its own output"}
    if row.arity > 1:
        kind = "operand" if isinstance(row, Row) else "list"
        meanings |= {"x": f"the first {kind}", "y": f"the second {kind}"}
    if formula in ("x", "y", "z"):
        return meanings[formula]
    used = [
        letter for letter in meanings if re.search(rf"(?<![A-Za-z]){letter}(?![A-Za-z])", formula)
    ]
    legend = ", ".join(f"{letter} is {meanings[letter]}" for letter in used)
    return f"{formula} ({legend})" if legend else formula


def is_partial(graph: Graph, node: Any, uses: Sequence[Use]) -> bool:
    """Tell whether more comes back to a node than along some arrows; not what is rounded."""
    missing = graph.gradients[node] - parts(uses).value
    return abs(missing) > 1e-9 * max(abs(use.backward or 0.0) for use in uses)


def sum_rule(uses: Sequence[Use], total: Quantity, *more: str, most: int | None = None) -> Rule:
    """Return the sum at a branch: what came back along each arrow, what more, and the total.

    At `most` so many terms are written out.
    """
    terms: list[str | Quantity] = [parts([use]) for use in uses]
    if most is not None and len(terms) > most:
        terms = [*terms[: most - 2], "…", terms[-1]]
    return *_joined([*terms, *more], " + "), " = ", total


def _number(operand: Any) -> Quantity:
    return data(operand) if is_value(operand) else Quantity("plain", (), operand)


def _joined(pieces: Sequence[str | Quantity], separator: str) -> Rule:
    return tuple(part for piece in pieces for part in (separator, piece))[1:]

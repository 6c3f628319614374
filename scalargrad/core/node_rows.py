"""How a row states its partials: as a text in letters, and what the letters stand for."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from ..table import formula
from ..table.row import ROWS, ManyRow, Row, is_plural
from .arithmetic import is_value
from .order import edges

# the signs of the book in the characters of a terminal
PLAIN: dict[str, str | int | None] = {
    "−": "-", "·": "*", "×": "*", "²": "**2", "^": "**", "½": "0.5",
    "π": "pi", "Φ": "Phi", "φ": "phi",
}  # fmt: skip
_REWRITES = (
    (re.compile(r"(?<=\w)=(?=\w)"), "=="),
    (re.compile(r"√(\w+)"), r"sqrt(\1)"),
    (re.compile(r"√"), "sqrt"),
    (re.compile(r" ([-+*/]) "), r"\1"),
    (re.compile(r"\blog (\w+)"), r"log(\1)"),
    (re.compile(r"(?<![\w.])(\d+)(?=[xyz]\b)"), r"\1*"),  # 2z
    (re.compile(r"\b([xyz])(?=\()"), r"\1*"),  # z(1-z)
)
_WORD = re.compile(r"[a-zA-Z_]\w*")


def plain(text: str) -> str:
    """Return a partial as a terminal shows it, in ASCII and with every `*`.

    >>> plain("−x/y²"), plain("1/(2z)"), plain("z(1−z)"), plain("2/√π·exp(−x²)")
    ('-x/y**2', '1/(2*z)', 'z*(1-z)', '2/sqrt(pi)*exp(-x**2)')
    """
    text = text.translate(str.maketrans(PLAIN))
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    return text


def named_row(node: Any) -> Row | ManyRow | None:
    """Return the row whose name and number of operands a node has.

    None for a leaf, and where the node tells its derivatives itself.
    """
    row, count = ROWS.get(node.op), len(node.operands)
    own = (node._notes or {}).get("derivatives")
    if row is None or (own is not None and own.on_values is not None):
        return None
    fits = count % row.lists == 0 if isinstance(row, ManyRow) else count == row.arity
    return row if fits else None


def row_of(node: Any) -> Row | ManyRow | None:
    """Return the row of a node; None where a user's own node only has the name of one.

    A node of `record` has a row where its numbers are those of the row.
    """
    row = named_row(node)
    recorded = "derivatives" in (node._notes or {})
    return None if row is None or (recorded and not is_current(node, row)) else row


def is_current(node: Any, row: Row | ManyRow) -> bool:
    """Tell whether value and partials of a node are what its row gives now for its operands."""
    results = results_of(row, node.operands)
    return is_result(node, results[place_of(node, len(results)) if len(results) > 1 else 0])


def is_result(node: Any, result: tuple[float, Sequence[float]]) -> bool:
    """Tell whether value and partials of a node are those, one a plain number being left out."""
    value, partials = result
    kept = [partials[position] for position, _, _ in edges(node)]
    return agree([value, *kept], [node._data, *node.partials])


def results_of(row: Row | ManyRow, operands: Sequence[Any]) -> list[tuple[float, Sequence[float]]]:
    """Return every result of a row with its partials, those of plain numbers too."""
    numbers = [o._data if is_value(o) else o for o in operands]
    if isinstance(row, Row):
        return [row.step(*numbers)]
    value, partials = row.step((True,) * row.lists)(*row.split(numbers))
    return list(zip(value, partials, strict=True)) if is_plural(row) else [(value, partials)]


def agree(left: Iterable[float], right: Iterable[float]) -> bool:
    """Tell whether numbers are the same, but for what is rounded."""
    return all(
        x == y or (x != x and y != y) or math.isclose(x, y, rel_tol=1e-9)
        for x, y in zip(left, right, strict=True)
    )


def paired(row: Row | ManyRow, operands: Sequence[Any], place: int) -> tuple[list[Any], int]:
    """Return what the letters stand for at one operand, and which letter it is itself.

    >>> from ..table.ops import DOT
    >>> paired(DOT, [1.0, 2.0, 3.0, 4.0], 2)
    ([1.0, 3.0], 1)
    """
    if isinstance(row, Row):
        return list(operands), place
    lists = row.split(operands)
    letter, element = divmod(place, len(lists[0]))
    return [operands[element] for operands in lists], letter


def stated(row: Row | ManyRow, letter: int) -> str:
    """Return the partial for one letter in ASCII, or "" where it has no short form.

    >>> from ..table.ops import DIV, RELU, SOFTMAX
    >>> stated(DIV, 1), stated(RELU, 0), stated(SOFTMAX, 0)
    ('-x/y**2', '1 if x>0 else 0', '')
    """
    text = plain((row.shown or row.partials)[letter])
    bound = {name for name, _ in formula.parse(row.forward).bindings} | {"own", "s"}
    return "" if "where(" in text or set(_WORD.findall(text)) & bound else text


def parsed(text: str) -> ast.expr:
    """Return a stated partial as a syntax tree."""
    return ast.parse(text, mode="eval").body


def place_of(node: Any, count: int) -> int:
    """Return which of several results a node is: by its value, else by its own large partial.

    Its own partial is positive and all others are negative: where none is positive, the node
    belongs to a plain number.
    """
    row = ROWS[node.op]
    numbers = [getattr(operand, "_data", operand) for operand in node.operands]
    results: Any = row.value(numbers)
    equal = [i for i, z in enumerate(results) if z == node._data]
    if len(equal) == 1:
        return equal[0]
    own = {position: partial for position, _, partial in edges(node)}
    return max(equal or range(count), key=lambda i: own.get(i, 0.0))

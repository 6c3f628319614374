"""How a row states its partials: as a text in letters, and what the letters stand for."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Sequence
from typing import Any

from . import formula
from .arithmetic import Arithmetic
from .rows import ROWS, ManyRow, Row

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


def paired(row: Row | ManyRow, operands: Sequence[Any], place: int) -> tuple[list[Any], int]:
    """Return what the letters stand for at one operand, and which letter it is itself.

    >>> from .ops import DOT
    >>> paired(DOT, [1.0, 2.0, 3.0, 4.0], 2)
    ([1.0, 3.0], 1)
    """
    if isinstance(row, Row):
        return list(operands), place
    length = len(operands) // row.lists
    letter, element = divmod(place, length)
    return [operands[i * length + element] for i in range(row.lists)], letter


def is_plural(row: Row | ManyRow) -> bool:
    """Tell whether a row has one result an element: its partial then names `own` and `s`."""
    return isinstance(row, ManyRow) and bool(set(_WORD.findall(row.partials[0])) & {"own", "s"})


def stated(row: Row | ManyRow, letter: int) -> str:
    """Return the partial for one letter in ASCII, or "" where it has no short form.

    >>> from .ops import DIV, RELU, SOFTMAX
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
    """Return which of several results a node is: by its value, else by its own large partial."""
    row = ROWS[node.op]
    numbers = [getattr(operand, "data", operand) for operand in node.operands]
    results: Any = row.value(numbers)
    equal = [i for i, z in enumerate(results) if z == node.data]
    if len(equal) == 1:
        return equal[0]
    partials = iter(node.partials)
    own = [next(partials) if isinstance(o, Arithmetic) else -math.inf for o in node.operands]
    return max(equal or range(count), key=lambda i: own[i])

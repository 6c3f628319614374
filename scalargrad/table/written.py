"""A row as people read it: what `help` says, and its partials as texts in letters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .row import LETTERS, ManyRow, Row, is_plural

if TYPE_CHECKING:
    import ast

#: what stands in the second list of an example, where a row has two
SECOND_LIST = [2.0, 0.5]

# the signs of the book in the characters of a terminal
PLAIN: dict[str, str | int | None] = {
    "−": "-", "·": "*", "×": "*", "²": "**2", "^": "**", "½": "0.5",
    "π": "pi", "Φ": "Phi", "φ": "phi",
}  # fmt: skip
_REWRITES = (
    (r"(?<=\w)=(?=\w)", "=="),
    (r"√(\w+)", r"sqrt(\1)"),
    (r"√", "sqrt"),
    (r" ([-+*/]) ", r"\1"),
    (r"\blog (\w+)", r"log(\1)"),
    (r"(?<![\w.])(\d+)(?=[xyz]\b)", r"\1*"),  # 2z
    (r"\b([xyz])(?=\()", r"\1*"),  # z(1-z)
)
_WORD = r"[a-zA-Z_]\w*"


def plain(text: str) -> str:
    """Return a partial as a terminal shows it, in ASCII and with every `*`.

    >>> plain("−x/y²"), plain("1/(2z)"), plain("z(1−z)"), plain("2/√π·exp(−x²)")
    ('-x/y**2', '1/(2*z)', 'z*(1-z)', '2/sqrt(pi)*exp(-x**2)')
    """
    text = text.translate(str.maketrans(PLAIN))
    for pattern, replacement in _REWRITES:
        text = re.sub(pattern, replacement, text)
    return text


def signs(text: str) -> str:
    """Return a text with the signs of the book in the characters of a terminal.

    >>> signs("×: upstream × 1−z² = −1"), signs("√: √(4) = 2")
    ('*: upstream * 1-z**2 = -1', 'sqrt: sqrt(4) = 2')
    """
    return text.translate(str.maketrans({**PLAIN, "√": "sqrt", "∛": "cbrt", "Σ": "sum"}))


def docstring(row: Row | ManyRow) -> str:
    """Return what `help` says of a function or method that is this row."""
    inner = ";" in row.forward or "where(" in row.forward  # how it is computed, not what it is
    plain = f"{row.symbol}({', '.join(row.letters)})" if inner else row.forward
    partials = zip(row.letters, row.shown or row.partials, strict=True)
    maths = [f"z = {row.written or row.definition or plain}"]
    lines = [row.doc, "", "Maths: " + ", ".join(maths + [f"dz/d{x} = {p}" for x, p in partials])]
    lines += [f"Domain: {row.domain}"] * bool(row.domain)
    pairs = isinstance(row, ManyRow) and row.lists == 2
    lines += ["Raises: `ValueError` where the lengths differ."] * pairs
    lines += [f"Source: {row.source}"] * bool(row.source)
    return "\n".join(lines)


def example(row: Row | ManyRow, *numbers: float) -> str:
    """Return what `help` shows at last of a function that is this row: one point, as a doctest.

    The numbers are the operands, the result and the partials; `to_python.py` computes them.

    >>> from .ops import TANH
    >>> example(TANH, 0.5, 0.462117, 0.786448).splitlines()[1:3]
    ['>>> x = sg.Value(0.5)', '>>> z = sg.tanh(x)']
    """
    names = LETTERS if isinstance(row, ManyRow) else row.letters
    given = [f"{name}={number!r}" for name, number in zip(names, numbers, strict=False)]
    leaves = f"sg.values({', '.join(given)})" if len(names) > 1 else f"sg.Value({numbers[0]!r})"
    operands = ", ".join(names)
    if isinstance(row, ManyRow):
        operands = ", ".join([f"[{operands}]", repr(SECOND_LIST)][: row.lists])
    lines = [
        "import scalargrad as sg",
        f"{', '.join(names)} = {leaves}",
        f"{'z, _' if is_plural(row) else 'z'} = sg.{row.name}({operands})",
        "z.backward()",
        ", ".join(["round(z.data, 6)", *(f"round({name}.grad, 6)" for name in names)]),
    ]
    return "\n".join([*(f">>> {line}" for line in lines), repr(numbers[len(names) :])])


def paired(row: Row | ManyRow, operands: Sequence[Any], position: int) -> tuple[list[Any], int]:
    """Return what the letters stand for at one operand, and which letter it is itself.

    >>> from .ops import DOT
    >>> paired(DOT, [1.0, 2.0, 3.0, 4.0], 2)
    ([1.0, 3.0], 1)
    """
    if isinstance(row, Row):
        return list(operands), position
    lists = row.split(operands)
    letter, element = divmod(position, len(lists[0]))
    return [numbers[element] for numbers in lists], letter


def stated(row: Row | ManyRow, letter: int) -> str:
    """Return the partial for one letter in ASCII, or "" where it has no short form.

    >>> from .ops import DIV, RELU, SOFTMAX
    >>> stated(DIV, 1), stated(RELU, 0), stated(SOFTMAX, 0)
    ('-x/y**2', '1 if x>0 else 0', '')
    """
    from .formula import parse  # with Python's parser: not every program needs it

    text = plain((row.shown or row.partials)[letter])
    bound = {name for name, _ in parse(row.forward).bindings} | {"own", "s"}
    return "" if "where(" in text or set(re.findall(_WORD, text)) & bound else text


def parsed(text: str) -> ast.expr:
    """Return a stated partial as a syntax tree."""
    import ast

    return ast.parse(text, mode="eval").body

"""The tokens of an expression: numbers, names and symbols, each with its column."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple, NoReturn

from ..errors import ExpressionError

_NUMBER = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SYMBOL = re.compile(r"\*\*|//|[<>=!]=|[-+*/%()\[\],<>=]")
_SYMBOLS = "+ - * / // % ** ( ) [ ] ,"
_HINTS = {
    **dict.fromkeys("^↑", "write ** for a power"),
    **dict.fromkeys("×·⋅∙•", "write * to multiply"),
    **dict.fromkeys("−–—", "write - for minus"),
    **dict.fromkeys("÷∕", "write / to divide"),
    **dict.fromkeys("²³", "write ** for a power"),
    **dict.fromkeys("{}", "use ( ) as brackets"),
    **dict.fromkeys("|", "write abs(x)"),
    **dict.fromkeys("√", "write sqrt(x)"),
    **dict.fromkeys(";\"'`", "write one expression, without quotes"),
}


class Token(NamedTuple):
    """A piece of a text, and its column."""

    kind: str  # "number", "name", "symbol" or "end"
    text: str
    column: int  # from 1

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else f"{quoted(self.text)} at column {self.column}"


def quoted(text: str) -> str:
    """Return a text for a message: in quotes, escaped, its end left out where it is long.

    >>> quoted("x\\n"), len(quoted("x" * 1000))
    ("'x\\\\n'", 42)
    """
    return repr(text if len(text) <= 40 else text[:37] + "...")


def normal(name: str) -> str:
    """Return a name as Python reads it: compatibility characters become plain ones.

    >>> normal("ｘ")
    'x'
    """
    return unicodedata.normalize("NFKC", name)


def tokenize(text: str) -> list[Token]:
    """Return the tokens of a text; the last is of the kind "end".

    >>> [str(token) for token in tokenize("x**2")]
    ["'x' at column 1", "'**' at column 2", "'2' at column 4", 'the end']
    """
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        token = _token(text, position)
        tokens.append(token)
        position += len(token.text)
    return [*tokens, Token("end", "", len(text) + 1)]


def _token(text: str, position: int) -> Token:
    for kind, pattern in (("number", _NUMBER), ("symbol", _SYMBOL)):
        if match := pattern.match(text, position):
            return Token(kind, match[0], position + 1)
    if not text[position].isidentifier():
        _refuse_character(text[position], position + 1)
    end = position + 1
    while end < len(text) and ("_" + text[end]).isidentifier():
        end += 1
    return Token("name", text[position:end], position + 1)


def _refuse_character(character: str, column: int) -> NoReturn:
    plain = normal(character)
    hint = _HINTS.get(character, f"use numbers, names and {_SYMBOLS}")
    if plain != character and _SYMBOL.fullmatch(plain):
        hint = f"write the plain {plain}"
    raise ExpressionError(f"expression: unknown character {character!r} at column {column}; {hint}")

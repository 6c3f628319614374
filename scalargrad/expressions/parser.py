"""The parser of expressions: a text becomes a program in postfix order.

Operators wait on a stack until one that binds less arrives. Nothing here recurses, so no text
can exhaust Python's stack.
"""

from __future__ import annotations

import difflib
import functools
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn, TypeAlias

from .. import errors
from ..errors import ExpressionError
from ..functions import elementary
from ..table import ops
from ..table.row import ROWS
from .tokens import Token, normal, quoted, tokenize
from .vocabulary import CONSTANTS, Apply, Function, gives_list, table

LONGEST = 10_000  # characters
DEEPEST = 200  # brackets inside one another

OPERATORS = {
    "+": ops.ADD, "-": ops.SUB, "*": ops.MUL, "/": ops.DIV, "//": ops.FLOORDIV, "%": ops.MOD,
    "**": ops.POW,
}  # fmt: skip
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "==": operator.eq, "!=": operator.ne,
}  # fmt: skip

_BINDING = (
    dict.fromkeys(COMPARISONS, 0) | {"+": 1, "-": 1} | dict.fromkeys(("*", "/", "//", "%"), 2)
)
_BINDING["**"] = 4
_SIGN = 3  # looser than **, tighter than *
_CLOSING = {"(": ")", "[": "]"}

_Item: TypeAlias = float | str | Apply  # a number, a name, an operation


class Program(NamedTuple):
    """What an expression computes, in postfix order, and the names that it uses."""

    items: tuple[_Item, ...]
    names: tuple[str, ...]  # in order of first appearance
    constants: tuple[str, ...]  # names that have a value of their own, such as pi


def parse(text: str) -> Program:
    """Return the program of a text.

    >>> parse("x * 2 + pi").names
    ('x',)
    """
    parser = _ExpressionParser(_checked(text))
    parser.parse()
    return Program(tuple(parser.items), tuple(parser.names), tuple(parser.constants))


def _checked(text: str) -> str:
    if not isinstance(text, str):
        raise errors.OperandError(
            errors.unwanted("expression", "wants a text", text, "pass e.g. '(x + y) * z'")
        )
    if len(text) > LONGEST:
        raise ExpressionError(
            f"expression: at most {LONGEST} characters; got {len(text)};"
            " write long computations in Python"
        )
    if not text.strip():
        raise ExpressionError("expression: the text is empty; write e.g. (x + y) * z")
    return text


@dataclass
class _Operator:
    """An operator that waits for its right operand."""

    binding: int
    apply: Apply


@dataclass
class _Bracket:
    """An open bracket; of a call, with the arguments so far."""

    token: Token
    function: Function | None = None
    #: None for a number, else the length of a list
    arguments: list[int | None] = field(default_factory=list)

    @property
    def is_plain(self) -> bool:
        return self.function is None and self.token.text == "("


class _ExpressionParser:
    """Reads tokens from left to right; `items` grow in postfix order."""

    def __init__(self, text: str) -> None:
        self.items: list[_Item] = []
        self.names: dict[str, None] = {}
        self.constants: dict[str, None] = {}
        self._tokens = tokenize(text)
        self._position = 0
        self._waiting: list[_Operator | _Bracket] = []
        self._depth = 0  # of open brackets
        self._list: int | None = None  # length of the list that has just been closed

    def parse(self) -> None:
        """Read everything."""
        self._wants_operand = True
        while (token := self._next()).kind != "end":
            if self._wants_operand:
                self._operand(token)
            else:
                self._operator(token)
        if self._wants_operand:
            self._refuse_operand(token)
        bracket = self._unwind()
        if bracket is not None:
            raise ExpressionError(
                f"expression: the {bracket.token} is not closed;"
                f" add {_CLOSING[bracket.token.text]!r}"
            )

    def _next(self) -> Token:
        token = self._tokens[self._position]
        self._position += 1
        return token

    # -- where an operand must come

    def _operand(self, token: Token) -> None:
        if token.kind == "number":
            self._emit(float(token.text))
        elif token.kind == "name":
            self._name(token)
        elif token.text == "-":
            negate = Apply(functools.partial(elementary.apply_unary, ops.NEG), 1)
            self._waiting.append(_Operator(_SIGN, negate))
        elif token.text == "+":
            pass  # +x is x
        elif token.text == "(":
            self._open(_Bracket(token))
        elif token.text == "[":
            self._open_list(token)
        elif token.text in ")]" and self._is_empty_call():
            self._close(token)
        else:
            self._refuse_operand(token)

    def _emit(self, item: _Item) -> None:
        self.items.append(item)
        self._wants_operand = False

    def _name(self, token: Token) -> None:
        name = normal(token.text)
        function = table().get(name)
        if self._tokens[self._position].text == "(":
            if function is None:
                self._refuse_function(token, name)
            self._open(_Bracket(self._next(), function))
        elif function is not None:
            raise ExpressionError(
                f"expression: {token} is a function; write {function.usage}, or rename the value"
            )
        else:
            (self.constants if name in CONSTANTS else self.names)[name] = None
            self._emit(name)

    def _open(self, bracket: _Bracket) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise ExpressionError(
                f"expression: at most {DEEPEST} brackets may be inside one another;"
                f" got more at column {bracket.token.column}; split the expression"
            )
        self._waiting.append(bracket)
        self._wants_operand = True

    def _open_list(self, token: Token) -> None:
        call = self._waiting[-1] if self._waiting else None
        if not (isinstance(call, _Bracket) and call.function and call.function.lists):
            raise ExpressionError(
                f"expression: no list can be used at column {token.column}; got '[';"
                " lists are for functions such as dot([x, y], [a, b]), use ( ) as brackets"
            )
        self._open(_Bracket(token))

    def _is_empty_call(self) -> bool:
        top = self._waiting[-1] if self._waiting else None
        return isinstance(top, _Bracket) and not top.is_plain and not top.arguments

    # -- where an operator must come

    def _operator(self, token: Token) -> None:
        if self._list is not None and token.text not in (",", ")"):
            raise ExpressionError(
                f"expression: after a list, ',' or ')' must come; got {token}; close the call"
            )
        if token.text in COMPARISONS:
            self._compare(token)
        elif token.text in OPERATORS:
            self._binary(
                token.text, functools.partial(elementary.apply_binary, OPERATORS[token.text])
            )
        elif token.text == ",":
            self._separate(token)
        elif token.kind == "symbol" and token.text in ")]":
            self._close(token)
        elif token.text == "=":
            self._refuse_equals(token)
        else:
            self._refuse_neighbours(token)

    def _binary(self, symbol: str, function: Callable[..., Any]) -> None:
        binding = _BINDING[symbol]
        self._unwind(binding + (symbol == "**"))  # ** leaves an equal one waiting: right first
        self._waiting.append(_Operator(binding, Apply(function, 2)))
        self._wants_operand = True

    def _compare(self, token: Token) -> None:
        call = self._unwind(1)
        is_condition = (
            call is not None
            and call is self._waiting[-1]  # no comparison waits already
            and call.function is not None
            and call.function.name == "where"
            and not call.arguments
        )
        if not is_condition:
            raise ExpressionError(
                f"expression: no comparison can be used here; got {token};"
                " compare in where(x > 0, a, b) only"
            )
        self._binary(token.text, COMPARISONS[token.text])

    def _separate(self, token: Token) -> None:
        bracket = self._unwind()
        if bracket is None or bracket.is_plain:
            raise ExpressionError(
                f"expression: only a call has several operands; got {token};"
                " write . in a decimal number"
            )
        self._argument(bracket)
        self._wants_operand = True

    def _argument(self, bracket: _Bracket) -> None:
        bracket.arguments.append(self._list)
        self._list = None

    def _close(self, token: Token) -> None:
        bracket = self._unwind()
        if bracket is None or _CLOSING[bracket.token.text] != token.text:
            opener = "(" if token.text == ")" else "["
            raise ExpressionError(
                f"expression: the {token} closes nothing; remove it, or add {opener!r}"
            )
        if not self._wants_operand:
            self._argument(bracket)
        self._waiting.pop()
        self._depth -= 1
        if bracket.function is not None:
            apply = bracket.function.applied(bracket.arguments)
            self._emit(apply or self._refuse_arguments(bracket, bracket.function))
        elif bracket.token.text == "[":
            self._list = len(bracket.arguments)
        self._wants_operand = False

    def _unwind(self, binding: int = -1) -> _Bracket | None:
        """Emit the waiting operators that bind at least so much; return the open bracket."""
        while self._waiting:
            top = self._waiting[-1]
            if isinstance(top, _Bracket):
                return top
            if top.binding < binding:
                break
            self.items.append(top.apply)
            self._waiting.pop()
        return next((w for w in reversed(self._waiting) if isinstance(w, _Bracket)), None)

    # -- refusals

    def _refuse_operand(self, token: Token) -> NoReturn:
        if token.text == "=":
            self._refuse_equals(token)
        raise ExpressionError(
            f"expression: a number, a name, a function or '(' must come at column {token.column};"
            f" got {'the end' if token.kind == 'end' else quoted(token.text)};"
            " complete what stands before"
        )

    def _refuse_equals(self, token: Token) -> NoReturn:
        raise ExpressionError(
            f"expression: nothing is assigned inside an expression; got {token};"
            " give values beside it, as in x=1"
        )

    def _refuse_neighbours(self, token: Token) -> NoReturn:
        before = self._tokens[self._position - 2].text
        pair = f"{before} * {token.text}" if len(before + token.text) <= 40 else "*"
        raise ExpressionError(
            f"expression: an operator must come before {token}; got none; to multiply, write {pair}"
        )

    def _refuse_function(self, token: Token, name: str) -> NoReturn:
        row = ROWS.get(name)
        if row is not None and gives_list(row):
            remedy = "it gives a list, an expression is one number"
        elif close := difflib.get_close_matches(name, table(), 1):
            remedy = f"did you mean {close[0]}?"
        else:
            remedy = f"to multiply, write {quoted(token.text)[1:-1]} * (...)"
        raise ExpressionError(f"expression: {token} is not a function here; {remedy}")

    def _refuse_arguments(self, bracket: _Bracket, function: Function) -> NoReturn:
        lists = sum(length is not None for length in bracket.arguments)
        counted = f"{len(bracket.arguments)}, {lists} of them in []" * bool(lists)
        raise ExpressionError(
            f"expression: {function.name} at column {bracket.token.column - len(function.name)}"
            f" takes {function.operands_in_words}; got {counted or len(bracket.arguments)};"
            f" write e.g. {function.usage}"
        )

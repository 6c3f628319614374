"""The grammar of expressions: a text such as ``(x + y) * z`` becomes a callable, without `eval`.

    expression = product  { ("+" | "-") product }
    product    = sign     { ("*" | "/") sign }
    sign       = { "+" | "-" } power
    power      = operand  [ "**" sign ]
    operand    = number | name | call | "(" expression ")"
    call       = function "(" [ argument { "," argument } ] ")"
    argument   = expression | "[" [ expression { "," expression } ] "]"
    number     = digits [ "." [ digits ] ] [ exponent ] | "." digits [ exponent ]

The first argument of `where` may be a comparison: ``where(x > 0, a, b)``. So ``-x**2`` is
``-(x**2)`` and ``2**3**2`` is ``2**9``, as in Python. The functions are those of the operation
table; `sum max min mean logsumexp` take operands or one list, `dot` and the losses two lists.
The constants `pi e inf nan` hold unless a value is given for their name.

Operators wait on a stack until one that binds less arrives, and leave a program in postfix
order. Nothing here recurses, so no text can exhaust Python's stack.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import math
import operator
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

from . import errors, functions, losses, ops
from .arithmetic import Arithmetic
from .conversion import number
from .errors import ExpressionError
from .rows import ROWS, ManyRow, Row

LONGEST = 10_000  # characters
DEEPEST = 200  # brackets inside one another

CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan}
OPERATORS = {"+": ops.ADD, "-": ops.SUB, "*": ops.MUL, "/": ops.DIV, "**": ops.POW}
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "==": operator.eq, "!=": operator.ne,
}  # fmt: skip

_BINDING = dict.fromkeys(COMPARISONS, 0) | {"+": 1, "-": 1, "*": 2, "/": 2, "**": 4}
_SIGN = 3  # looser than **, tighter than *
_CLOSING = {"(": ")", "[": "]"}

_NUMBER = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SYMBOL = re.compile(r"\*\*|[<>=!]=|[-+*/()\[\],<>=]")
_SYMBOLS = "+ - * / ** ( ) [ ] ,"
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


# -- what a program consists of --------------------------------------------------------------


class _Apply(NamedTuple):
    """Replace the last `arity` results by one."""

    function: Callable[..., Any]  # of these results
    arity: int


_Item = float | str | _Apply  # a number, a name, an operation


class Function(NamedTuple):
    """What may be called in an expression, and with what."""

    name: str
    call: Callable[..., Any]
    least: int
    most: int
    lists: int = 0  # how many lists it takes; with one, plain operands do as well

    @property
    def usage(self) -> str:
        """One correct call."""
        if self.lists == 2:
            return f"{self.name}([x, y], [a, b])"
        if self.name == "where":
            return "where(x > 0, a, b)"
        return f"{self.name}({', '.join('xyz'[: max(self.least, 1 + bool(self.lists))])})"


def _function(name: str, call: Callable[..., Any], row: Row | ManyRow | None = None) -> Function:
    if isinstance(row, ManyRow):
        least = row.lists if row.lists == 2 else int(not row.empty)
        return Function(name, call, least, 2 if row.lists == 2 else LONGEST, row.lists)
    parameters = inspect.signature(call).parameters.values()
    least = sum(parameter.default is parameter.empty for parameter in parameters)
    return Function(name, call, least, len(parameters))


def _gives_list(row: Row | ManyRow) -> bool:
    return isinstance(row, ManyRow) and row.lists == 1 and isinstance(row.value([0.0]), list)


@functools.cache
def table() -> dict[str, Function]:
    """Return every function of an expression by name: the public function of each row.

    >>> table()["hypot"].usage
    'hypot(x, y)'
    """
    found = {}
    for name, row in ROWS.items():
        call = getattr(functions, name, None) or getattr(losses, name, None)
        if call is not None and not getattr(row, "helper", False) and not _gives_list(row):
            found[name] = _function(name, call, row)
    for name, call, many in (  # public under another name than a row's, or not at all
        ("abs", abs, None),
        ("where", functions.where, None),
        ("binary_cross_entropy_with_logits", losses.binary_cross_entropy_with_logits, ops.BCE),
    ):
        found[name] = _function(name, call, many)
    return found


# -- text to tokens --------------------------------------------------------------------------


class _Token(NamedTuple):
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


def _tokens(text: str) -> list[_Token]:
    tokens, place = [], 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        token = _token(text, place)
        tokens.append(token)
        place += len(token.text)
    return [*tokens, _Token("end", "", len(text) + 1)]


def _token(text: str, place: int) -> _Token:
    for kind, pattern in (("number", _NUMBER), ("symbol", _SYMBOL)):
        if match := pattern.match(text, place):
            return _Token(kind, match[0], place + 1)
    if not text[place].isidentifier():
        _refuse_character(text[place], place + 1)
    end = place + 1
    while end < len(text) and ("_" + text[end]).isidentifier():
        end += 1
    return _Token("name", text[place:end], place + 1)


def _refuse_character(character: str, column: int) -> NoReturn:
    plain = normal(character)
    hint = _HINTS.get(character, f"use numbers, names and {_SYMBOLS}")
    if plain != character and _SYMBOL.fullmatch(plain):
        hint = f"write the plain {plain}"
    raise ExpressionError(f"expression: unknown character {character!r} at column {column}; {hint}")


# -- tokens to a program ---------------------------------------------------------------------


@dataclass
class _Operator:
    """An operator that waits for its right operand."""

    binding: int
    apply: _Apply


@dataclass
class _Bracket:
    """An open bracket; of a call, with the arguments so far."""

    token: _Token
    function: Function | None = None
    #: None for a number, else the length of a list
    arguments: list[int | None] = field(default_factory=list)

    @property
    def is_plain(self) -> bool:
        return self.function is None and self.token.text == "("


class _Parser:
    """Reads tokens from left to right; `program` grows in postfix order."""

    def __init__(self, text: str) -> None:
        self.program: list[_Item] = []
        self.names: dict[str, None] = {}
        self.constants: dict[str, None] = {}
        self._tokens = _tokens(text)
        self._place = 0
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

    def _next(self) -> _Token:
        token = self._tokens[self._place]
        self._place += 1
        return token

    # -- where an operand must come

    def _operand(self, token: _Token) -> None:
        if token.kind == "number":
            self._emit(float(token.text))
        elif token.kind == "name":
            self._name(token)
        elif token.text == "-":
            negate = _Apply(functools.partial(functions.apply_unary, ops.NEG), 1)
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
        self.program.append(item)
        self._wants_operand = False

    def _name(self, token: _Token) -> None:
        name = normal(token.text)
        function = table().get(name)
        if self._tokens[self._place].text == "(":
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

    def _open_list(self, token: _Token) -> None:
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

    def _operator(self, token: _Token) -> None:
        if self._list is not None and token.text not in (",", ")"):
            raise ExpressionError(
                f"expression: after a list, ',' or ')' must come; got {token}; close the call"
            )
        if token.text in COMPARISONS:
            self._compare(token)
        elif token.text in OPERATORS:
            self._binary(
                token.text, functools.partial(functions.apply_binary, OPERATORS[token.text])
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
        self._waiting.append(_Operator(binding, _Apply(function, 2)))
        self._wants_operand = True

    def _compare(self, token: _Token) -> None:
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

    def _separate(self, token: _Token) -> None:
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

    def _close(self, token: _Token) -> None:
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
            self._emit(_called(bracket, bracket.function))
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
            self.program.append(top.apply)
            self._waiting.pop()
        return next((w for w in reversed(self._waiting) if isinstance(w, _Bracket)), None)

    # -- refusals

    def _refuse_operand(self, token: _Token) -> NoReturn:
        if token.text == "=":
            self._refuse_equals(token)
        raise ExpressionError(
            f"expression: a number, a name, a function or '(' must come at column {token.column};"
            f" got {'the end' if token.kind == 'end' else quoted(token.text)};"
            " complete what stands before"
        )

    def _refuse_equals(self, token: _Token) -> NoReturn:
        raise ExpressionError(
            f"expression: nothing is assigned inside an expression; got {token};"
            " give values beside it, as in x=1"
        )

    def _refuse_neighbours(self, token: _Token) -> NoReturn:
        before = self._tokens[self._place - 2].text
        pair = f"{before} * {token.text}" if len(before + token.text) <= 40 else "*"
        raise ExpressionError(
            f"expression: an operator must come before {token}; got none; to multiply, write {pair}"
        )

    def _refuse_function(self, token: _Token, name: str) -> NoReturn:
        row = ROWS.get(name)
        if row is not None and _gives_list(row):
            remedy = "it gives a list, an expression is one number"
        elif close := difflib.get_close_matches(name, table(), 1):
            remedy = f"did you mean {close[0]}?"
        else:
            remedy = f"to multiply, write {quoted(token.text)[1:-1]} * (...)"
        raise ExpressionError(f"expression: {token} is not a function here; {remedy}")


def _called(bracket: _Bracket, function: Function) -> _Apply:
    """Return the operation of a call that is complete, or refuse its arguments."""
    arguments = bracket.arguments
    lists = [length for length in arguments if length is not None]
    single = function.lists == 1 and len(arguments) == len(lists) == 1
    fits = single or len(lists) == (2 if function.lists == 2 else 0)
    if not fits or not function.least <= len(arguments) <= function.most:
        _refuse_arguments(bracket, function)
    call = function.call
    if function.lists == 2:
        call = functools.partial(_on_two_lists, call, lists[0])
    elif function.lists == 1:
        call = functools.partial(_on_one_list, call)
    return _Apply(call, sum(1 if length is None else length for length in arguments))


def _on_one_list(call: Callable[..., Any], *operands: Any) -> Any:
    return call(operands)


def _on_two_lists(call: Callable[..., Any], first: int, *operands: Any) -> Any:
    return call(operands[:first], operands[first:])


def _refuse_arguments(bracket: _Bracket, function: Function) -> NoReturn:
    least, most = function.least, function.most
    if function.lists == 2:
        wanted = "two lists"
    elif function.lists == 1:
        wanted = f"at least {least} operand, or one list"
    else:
        wanted = f"{least} operand{'s' * (least > 1)}" + f" or {most}" * (most > least)
    got = len(bracket.arguments)
    lists = len([length for length in bracket.arguments if length is not None])
    raise ExpressionError(
        f"expression: {function.name} at column {bracket.token.column - len(function.name)}"
        f" takes {wanted}; got {got}{' with lists' if lists else ''}; write e.g. {function.usage}"
    )


# -- what a user holds -----------------------------------------------------------------------


class Expression:
    """A text of the grammar as a callable; made by `expression`."""

    __slots__ = ("_program", "constants", "names", "text")

    text: str  #: as written
    names: tuple[str, ...]  #: in order of first appearance
    constants: tuple[str, ...]  #: names that have a value of their own, such as pi

    def __init__(self, text: str) -> None:
        parser = _Parser(_checked(text))
        parser.parse()
        self.text = text
        self.names = tuple(parser.names)
        self.constants = tuple(parser.constants)
        self._program = tuple(parser.program)

    def __call__(self, /, *operands: Any, **named: Any) -> Any:
        """Compute the expression: floats alone give a float, a Value anywhere a Value.

        Raises: `TypeError` for a missing, unknown or doubled name, or what is no number.
        """
        given = self._given(operands, named)
        stack: list[Any] = []
        for item in self._program:
            if isinstance(item, _Apply):
                start = len(stack) - item.arity
                stack[start:] = [item.function(*stack[start:])]
            else:
                stack.append(given[item] if isinstance(item, str) else item)
        return stack[0]

    def _given(self, operands: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
        if len(operands) > len(self.names):
            self._refuse(f"takes {len(self.names)} operands by position; got {len(operands)}")
        given = dict(zip(self.names, operands, strict=False))
        for name, value in named.items():
            if name in given:
                self._refuse(f"{name!r} is given twice")
            if name not in self.names and name not in self.constants:
                self._refuse(f"has no name {name!r}")
            given[name] = value
        for name in self.names:
            if name not in given:
                self._refuse(f"needs a value for {name!r}; got none")
        plain = {name: CONSTANTS[name] for name in self.constants} | given
        return {name: _operand(name, value) for name, value in plain.items()}

    def _refuse(self, what: str) -> NoReturn:
        names = ", ".join(self.names[:8]) + ", ..." * (len(self.names) > 8)
        raise errors.OperandError(
            f"expression {quoted(self.text)}: {what}; its names are: {names or 'none'}"
        )

    def __repr__(self) -> str:
        return f"expression({quoted(self.text)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return expression, (self.text,)


def _operand(name: str, value: Any) -> Any:
    return value if isinstance(value, Arithmetic) else number("expression", name, value)


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


def expression(text: str) -> Expression:
    """Read an expression; the result is called with numbers or Values, in the order of `.names`.

    Maths: numbers, names, `+ - * / **` as in Python, brackets, the functions of the table
    Domain: up to 10,000 characters, 200 brackets inside one another
    Raises: `ExpressionError` (a `ValueError`) that names the place.

    >>> import scalargrad as sg
    >>> g = sg.expression("(x + y) * z")
    >>> g.names, g(1, 3, z=-3)
    (('x', 'y', 'z'), -12.0)
    >>> x, y, z = sg.values(x=1, y=3, z=-3)
    >>> g(x, y, z).backward()
    >>> x.grad, y.grad, z.grad
    (-3.0, -3.0, 4.0)
    """
    return Expression(text)

"""The grammar of expressions: a text such as ``(x + y) * z`` becomes a callable, without `eval`.

    expression = product  { ("+" | "-") product }
    product    = sign     { ("*" | "/" | "//" | "%") sign }
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
"""

from __future__ import annotations

from typing import Any, NoReturn

from ..core.arguments import number
from ..core.arithmetic import is_value
from ..core.pickles import Reader
from ..errors import OperandError
from .parser import parse
from .tokens import quoted
from .vocabulary import CONSTANTS, Apply


class Expression:
    """A text of the grammar as a callable; made by `expression`."""

    __slots__ = ("_items", "constants", "names", "text")

    text: str  #: as written
    names: tuple[str, ...]  #: in order of first appearance
    constants: tuple[str, ...]  #: names that have a value of their own, such as pi

    def __init__(self, text: str) -> None:
        self._items, self.names, self.constants = parse(text)
        self.text = text

    def __call__(self, /, *operands: Any, **named: Any) -> Any:
        """Compute the expression: floats alone give a float, a Value anywhere a Value.

        Raises: `TypeError` for a missing, unknown or doubled name, or what is no number.
        """
        values = self._by_name(operands, named)
        stack: list[Any] = []
        for item in self._items:
            if isinstance(item, Apply):
                start = len(stack) - item.arity
                stack[start:] = [item.function(*stack[start:])]
            else:
                stack.append(values[item] if isinstance(item, str) else item)
        return stack[0]

    def _by_name(self, operands: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
        if len(operands) > len(self.names):
            self._refuse(
                f"takes {len(self.names)} operands by position ({self._listed()});"
                f" got {len(operands)}; leave out the others"
            )
        values = dict(zip(self.names, operands, strict=False))
        for name, value in named.items():
            if name in values:
                self._refuse(f"one value is wanted for {name!r}; got two; remove one")
            if name not in self.names and name not in self.constants:
                self._refuse(f"its names are {self._listed()}; got {name!r}; rename or remove it")
            values[name] = value
        for name in self.names:
            if name not in values:
                self._refuse(f"needs a value for {name!r}; got none; add {name}=1.0")
        plain = {name: CONSTANTS[name] for name in self.constants} | values
        return {name: _operand(name, value) for name, value in plain.items()}

    def _listed(self) -> str:
        return (", ".join(self.names[:8]) + ", ..." * (len(self.names) > 8)) or "none"

    def _refuse(self, what: str) -> NoReturn:
        raise OperandError(f"expression {quoted(self.text)}: {what}")

    def __repr__(self) -> str:
        return f"expression({quoted(self.text)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _again.pickled(self.text)


@Reader
def _again(text: str) -> Expression:
    return Expression(text)


def _operand(name: str, value: Any) -> Any:
    return value if is_value(value) else number("expression", name, value)


def expression(text: str) -> Expression:
    """Read an expression; the result is called with numbers or Values, in the order of `.names`.

    Maths: numbers, names, `+ - * / // % **` as in Python, brackets, the functions of the table
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

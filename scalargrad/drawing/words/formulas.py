"""Formulas of the table run on expressions: a stated partial becomes a product of names."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from .algebra import MINUS_ONE, ONE, PI, E, Product, add, call, constant, single, total
from .pieces import beside
from .writing import write

#: a larger power, or one of a longer fraction, is written as one of two expressions
MOST_POWER, MOST_ROOT = 99, 1000
_SIGNS = {"Phi": "Φ", "phi": "φ"}
_ROOTS = {"sqrt": Fraction(1, 2), "cbrt": Fraction(1, 3)}


class Formless(Exception):  # noqa: N818 - no error: its number is shown instead
    """What has no form as a product of names."""


def evaluated(
    node: ast.expr,
    letters: Mapping[str, Product],
    numbers: Mapping[str, float],
    lists: Mapping[str, Sequence[Product]],
    listed: Mapping[str, Product] | None = None,
    chosen: list[str] | None = None,
) -> Product:
    """Run a stated partial on expressions; a choice is made by the numbers, and `chosen` says it.

    Of `listed` functions the lists are the operands, and what they are is known.

    Raises: `Formless` for what has no form here.
    """

    def run(node: ast.expr) -> Product:
        match node:
            case ast.Constant(value=int() | float() as value):
                return constant(Fraction(str(value)))
            case ast.Name(id=letter) if letter in letters:
                return letters[letter]
            case ast.Name(id="pi"):
                return single(PI)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return MINUS_ONE * run(operand)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return add(run(left), run(right))
            case ast.BinOp(left=left, op=ast.Sub(), right=right):
                return add(run(left), MINUS_ONE * run(right))
            case ast.BinOp(left=left, op=ast.Mult(), right=right):
                return run(left) * run(right)
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                return run(left) * run(right) ** -1
            case (
                ast.BinOp(left=left, op=ast.Pow(), right=right)
                | ast.Call(func=ast.Name(id="pow"), args=[left, right])
            ):
                return power(run(left), run(right))
            case ast.IfExp(test=test, body=body, orelse=orelse):
                holds = _holds(test, numbers)
                if chosen is not None:
                    chosen.append(_said(test, run, numbers))
                return run(body if holds else orelse)
            case ast.Call(func=ast.Name(id="sum"), args=[term]):
                runs = zip(*lists.values(), strict=True)
                elements = [dict(zip(lists, xs, strict=True)) for xs in runs]
                return total(evaluated(term, {**letters, **xs}, {}, {}) for xs in elements)
            case ast.Call(func=ast.Name(id=function)) if listed and function in listed:
                return listed[function]
            case ast.Call(func=ast.Name(id=function), args=arguments):
                return applied(function, list(map(run, arguments)))
        raise Formless(ast.unparse(node))

    return run(node)


def power(base: Product, exponent: Product) -> Product:
    """Return a power of two expressions, a whole one or a short root multiplied out."""
    number = exponent.coefficient
    if not exponent.order and isinstance(number, Fraction):
        if number.denominator == 1 and abs(number) <= MOST_POWER:
            return base ** int(number)
        if number.denominator <= MOST_ROOT and abs(number) <= MOST_POWER:
            return base**number
    return ONE if base == ONE else call("pow", [base, exponent])


def applied(function: str, arguments: Sequence[Product]) -> Product:
    """Return a function of expressions, as a root or a number where it is one."""
    if function in _ROOTS:
        return arguments[0] ** _ROOTS[function]
    if function == "log" and arguments[0] in (ONE, single(E)):
        return constant(Fraction(arguments[0] != ONE))
    return call(_SIGNS.get(function, function), arguments)


def _holds(test: ast.expr, numbers: Mapping[str, float]) -> bool:
    match test:
        case ast.Compare(left=left, ops=[sign], comparators=[right]):
            a, b = _float(left, numbers), _float(right, numbers)
            outcomes = {ast.Gt: a > b, ast.Lt: a < b, ast.Eq: a == b}
            if a == a and b == b and type(sign) in outcomes:  # a nan takes no branch
                return outcomes[type(sign)]
    raise Formless(ast.unparse(test))


def _said(test: ast.expr, run: Callable[[ast.expr], Product], numbers: Mapping[str, float]) -> str:
    """Return what is so here of two numbers that were compared: x > y."""
    if not isinstance(test, ast.Compare):
        return ""
    a, b = _float(test.left, numbers), _float(test.comparators[0], numbers)
    sign = ">" if a > b else "=" if a == b else "<"
    if not isinstance(test.ops[0], ast.Eq) and isinstance(test.comparators[0], ast.Constant):
        sign = ">" if a > b else "≤"  # not which of two it is
    left, right = (write(run(side)) for side in (test.left, test.comparators[0]))
    return beside(left, f" {sign} ", right)


def _float(node: ast.expr, numbers: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.Name(id=letter) if letter in numbers:
            return numbers[letter]
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _float(left, numbers) * _float(right, numbers)
    raise Formless(ast.unparse(node))

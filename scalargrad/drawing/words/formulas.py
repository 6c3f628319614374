"""Formulas of the table run on expressions: a stated partial becomes a product of names."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from .algebra import MINUS_ONE, Product, add, call, constant, name, total

#: a larger power is written as a call
MOST_POWER = 99
_SIGNS = {"pi": "π", "Phi": "Φ", "phi": "φ", "sqrt": "√"}


class Formless(Exception):  # noqa: N818 - no error: its number is shown instead
    """What has no form as a product of names."""


def evaluated(
    node: ast.expr,
    letters: Mapping[str, Product],
    numbers: Mapping[str, float],
    lists: Mapping[str, Sequence[Product]],
) -> Product:
    """Run a stated partial on expressions; a choice is made by the numbers.

    Raises: `Formless` for what has no form here.
    """

    def run(node: ast.expr) -> Product:
        match node:
            case ast.Constant(value=int() | float() as value):
                return constant(float(value))
            case ast.Name(id=letter) if letter in letters:
                return letters[letter]
            case ast.Name(id="pi"):
                return name("π", "π")
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
                base, exponent = run(left), run(right)
                power = exponent.coefficient
                if not exponent.order and power.is_integer() and abs(power) <= MOST_POWER:
                    return base ** int(power)
                return call("pow", [base, exponent])
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return run(body if _holds(test, numbers) else orelse)
            case ast.Call(func=ast.Name(id="sum"), args=[term]):
                runs = zip(*lists.values(), strict=True)
                elements = [dict(zip(lists, xs, strict=True)) for xs in runs]
                return total(evaluated(term, {**letters, **xs}, {}, {}) for xs in elements)
            case ast.Call(func=ast.Name(id=function), args=arguments):
                return call(_SIGNS.get(function, function), map(run, arguments))
        raise Formless(ast.unparse(node))

    return run(node)


def _holds(test: ast.expr, numbers: Mapping[str, float]) -> bool:
    match test:
        case ast.Compare(left=left, ops=[sign], comparators=[right]):
            a, b = _float(left, numbers), _float(right, numbers)
            outcomes = {ast.Gt: a > b, ast.Lt: a < b, ast.Eq: a == b}
            if a == a and b == b and type(sign) in outcomes:  # a nan takes no branch
                return outcomes[type(sign)]
    raise Formless(ast.unparse(test))


def _float(node: ast.expr, numbers: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.Name(id=letter) if letter in numbers:
            return numbers[letter]
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _float(left, numbers) * _float(right, numbers)
    raise Formless(ast.unparse(node))

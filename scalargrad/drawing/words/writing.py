"""From products and sums to formulas, written and set as the book does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise, takewhile
from typing import NamedTuple
from unicodedata import combining

from . import exact
from .algebra import PI, Atom, E, Factor, Group, Power, Product, constant, terms_of
from .pieces import Beside, Over, Piece, Root, Script, Sign, Typeset, named, plain, raised

#: how functions are written that have a sign
_BRACKETS = {"abs": ("|", "|"), "floor": ("⌊", "⌋"), "ceil": ("⌈", "⌉")}
#: what may stand side by side without a dot, with a power or without: 2x, 2π², p(x−μ)², y(1−y);
#: between two letters stands one, and beside a function
_TOUCHING = {
    ("number", "number"), ("number", "sign"), ("number", "bracket"), ("number", "root"),
    ("sign", "bracket"), ("sign", "root"), ("word", "bracket"), ("word", "root"),
    ("bracket", "bracket"), ("bracket", "root"),
}  # fmt: skip
_PLUS, _MINUS, _DOT = Sign("+", space=0.2), Sign("−", space=0.2), Sign("·", space=0.08)
_COMMA = Sign(", ")
TIMES_ONE = Typeset([Beside((_DOT, Sign("1")))])


class _Part(NamedTuple):
    """A factor as it is written, and what it looks like to its neighbours."""

    piece: Piece
    kind: str
    bare: Piece | None = None  # where it stands alone: a bracket is not needed
    exponent: str = ""  # what it is raised to


def write(product: Product, digits: int = 6) -> Typeset:
    """Return a product or a sum as the book writes it, its numbers with so many digits.

    >>> from .algebra import MINUS_ONE, ONE, add, name
    >>> x, y = name("x", 1), name("y", 2)
    >>> write(x * x * y ** -1), write(add(x, MINUS_ONE * y)), write(y * add(ONE, MINUS_ONE * y))
    ('x²/y', 'x−y', 'y(1−y)')
    """
    return Typeset([_Writer(digits).sum(product)])


class _Writer:
    """Writes with a number of digits."""

    def __init__(self, digits: int) -> None:
        self.digits = digits

    def sum(self, product: Product) -> Beside:
        """Return all terms, those with a minus sign last: y − t, not −t + y.

        They keep their order where one would come to stand behind a root: −b + √….
        """
        parts: list[Piece] = []
        given = terms_of(product)
        terms = sorted(given, key=lambda term: term.coefficient < 0)
        if _behind_roots(terms) > _behind_roots(given):
            terms = list(given)
        for term in terms:
            minus = term.coefficient < 0
            if parts:
                parts.append(_MINUS if minus else _PLUS)
            elif minus:
                parts.append(Sign("−"))
            parts += self._term(term).parts
        return Beside(tuple(parts))

    def _term(self, term: Product) -> Beside:
        upstream = term.upstream
        order = sorted(term.order, key=lambda pair: _rank(pair[0]))
        over = [(f, p) for f, p in order if p > 0 and f is not upstream]
        under = [(f, -p) for f, p in order if p < 0]
        size = _size(term)
        halves = isinstance(size, Fraction) and size.denominator <= 4 and bool(under)
        number = exact.written(size, self.digits, decimal=term.decimal and not halves)
        top = self._parts(number.top, number.exponent, over)
        bottom = self._parts(number.bottom, 0, under)
        rest: Piece | None = _row(top) if top else None
        if bottom:
            rest = _over(top or [_Part(Sign("1"), "number")], bottom)
        if upstream is None:
            return _as_row(rest if rest is not None else Sign("1"))
        piece = _derivative(upstream.text)
        return Beside((piece,)) if rest is None else Beside((piece, _DOT, *_as_row(rest).parts))

    def _parts(
        self, number: str, exponent: int, factors: Sequence[tuple[Factor, Power]]
    ) -> list[_Part]:
        parts = [_Part(Sign(number), "number")] if number else []
        if exponent:
            ten = Script(Sign("10"), f"10{raised(_whole(exponent))}", Sign(_whole(exponent)))
            parts.append(_Part(ten, "power"))
        roots = [(f, 1) for f, p in factors if p == Fraction(1, 2)]
        roots.sort(key=lambda pair: not getattr(pair[0], "radicand", 0))  # √(2π)
        parts += [self._factor(f, p) for f, p in factors if p != Fraction(1, 2)]
        if roots:
            parts.append(_root([self._factor(f, p) for f, p in roots]))
        return parts

    def _factor(self, factor: Factor, power: Power) -> _Part:
        """Return a factor to a positive power."""
        if power.denominator == 3:
            return _root([self._factor(factor, power.numerator)], "3")
        if isinstance(factor, Atom) and factor.text == "pow" and factor.arguments is not None:
            below, above = factor.arguments
            return self._power(self._base(below), self.sum(above * _exponent(power)))
        base = self._once(factor)
        return base if power == 1 else self._power(base, self.sum(_exponent(power)))

    def _base(self, base: Product) -> _Part:
        """Return what a power is of, in brackets unless it is one sign or a call."""
        if base.coefficient == 1 and len(base.order) == 1 and base.order[0][1] == 1:
            part = self._once(base.order[0][0])
            if part.kind != "power":
                return part
        inner = self.sum(base)
        if inner.plain.replace(".", "").isdigit():
            return _Part(inner, "power")
        return _Part(_bracket(inner), "bracket")

    def _power(self, base: _Part, exponent: Beside) -> _Part:
        written = f"{base.piece.plain}{raised(exponent.plain)}"
        piece = base.piece
        if isinstance(piece, Script) and piece.above is None:  # a₁², one above the other
            script = Script(piece.base, written, exponent, piece.below)
        else:
            script = Script(piece, written, exponent)
        return _Part(script, base.kind, exponent=exponent.plain)

    def _once(self, factor: Factor) -> _Part:
        """Return a factor, whatever its power."""
        if isinstance(factor, Group):
            inner = self.sum(factor.order[0] if len(factor.order) == 1 else _alone(factor))
            return _Part(_bracket(inner), "bracket", inner)
        if factor.arguments is None:
            upright = factor in (PI, E) or factor.radicand
            kind = "number" if upright else "sign" if _is_letter(factor.text) else "word"
            piece = Sign(factor.text) if upright else _name(factor.text)
            return _Part(piece, "power" if isinstance(piece, Over) else kind)
        if factor.text == "pow":
            return self._factor(factor, 1)
        given = self._arguments(factor.arguments)
        if factor.text in _BRACKETS:
            left, right = _BRACKETS[factor.text]
            return _Part(Beside((Sign(left), *given, Sign(right))), "power")
        return _Part(Beside((plain(factor.text), Sign("("), *given, Sign(")"))), "power")

    def _arguments(self, arguments: Sequence[Product]) -> list[Piece]:
        parts: list[Piece] = []
        for argument in arguments:
            parts += [_COMMA] * bool(parts)
            parts += self.sum(argument).parts
        return parts


def _is_letter(text: str) -> bool:
    """Tell whether a name is one letter, whatever is raised or lowered beside it."""
    piece = named(text)
    base = piece.base if isinstance(piece, Script) else piece
    return sum(not combining(sign) for sign in base.plain) == 1


def _rank(factor: Factor) -> int:
    """Return where a factor stands in a row: 2π first, functions last."""
    if isinstance(factor, Atom) and factor.arguments is not None and factor.text != "pow":
        return 2
    return 0 if factor in (PI, E) else 1


def _exponent(power: Power) -> Product:
    """Return a power as a number: a fraction where it is a short one, else a decimal."""
    exponent = constant(Fraction(power))
    return replace(exponent, decimal=power.denominator > 4)


def _size(term: Product) -> Fraction | float:
    number = term.coefficient
    return -number if number < 0 else number


def _alone(group: Group) -> Product:
    return Product(Fraction(1), frozenset([(group, 1)]), ((group, 1),))


def _behind_roots(terms: Sequence[Product]) -> int:
    """Count the terms with a minus sign that stand right behind a root."""
    return sum(b.coefficient < 0 and _ends_in_root(a) for a, b in pairwise(terms))


def _ends_in_root(term: Product) -> bool:
    """Tell whether a term is written in a row whose last factor is a root."""
    powers = [power for factor, power in term.order if factor is not term.upstream]
    whole = not isinstance(term.coefficient, Fraction) or term.coefficient.denominator == 1
    third = bool(powers) and all(power.denominator == 3 for power in powers)
    return whole and all(power > 0 for power in powers) and (third or Fraction(1, 2) in powers)


def _whole(number: int) -> str:
    return str(number).replace("-", "−")


def _row(parts: Sequence[_Part]) -> Beside:
    """Return factors side by side, a dot between them where they would run together."""
    pieces: list[Piece] = []
    before = ""
    for part in parts:
        if before and (before, part.kind) not in _TOUCHING:
            pieces.append(_DOT)
        pieces.append(part.piece)
        ends = part.kind != "root" and (not part.exponent or part.exponent.isdigit())
        before = part.kind if ends else "power"
    return Beside(tuple(pieces))


def _over(top: Sequence[_Part], bottom: Sequence[_Part]) -> Over:
    above, below = _row(top), _row(bottom)
    slashed = (*above.parts, Sign("/"))
    slashed += below.parts if len(bottom) == 1 else (_bracket(below),)
    return Over(_unbracketed(top), _unbracketed(bottom), Beside(slashed))


def _unbracketed(parts: Sequence[_Part]) -> Piece:
    return parts[0].bare or parts[0].piece if len(parts) == 1 else _row(parts)


def _root(parts: Sequence[_Part], index: str = "") -> _Part:
    inner = _unbracketed(parts)
    sign = "∛" if index else "√"
    short = len(parts) == 1 and parts[0].kind in ("sign", "word", "number")
    short = short and not parts[0].exponent
    short = short or inner.plain.isdigit()
    return _Part(
        Root(inner, f"{sign}{inner.plain}" if short else f"{sign}({inner.plain})", index), "root"
    )


def _bracket(inner: Beside) -> Beside:
    return Beside((Sign("("), *inner.parts, Sign(")")))


def _as_row(piece: Piece) -> Beside:
    return piece if isinstance(piece, Beside) else Beside((piece,))


def derivative(text: str) -> Typeset:
    """Return ∂L/∂z, set as a fraction of two names."""
    return Typeset([_derivative(text)])


def _derivative(text: str) -> Piece:
    above, slash, below = text.partition("/∂")
    if not slash:
        return named(text)
    top, bottom = _derived(above), _derived("∂" + below)
    return Over(top, bottom, Beside((*top.parts, Sign("/"), *bottom.parts)))


def _derived(text: str) -> Beside:
    """Return ∂z, also ∂₂z, which is by one of two places of an operand."""
    sign = "∂" + "".join(takewhile("₀₁₂₃₄₅₆₇₈₉".__contains__, text[1:]))
    return Beside((plain(sign), named(text.removeprefix(sign))))


def _name(text: str) -> Piece:
    return _derivative(text) if text.startswith("∂") else named(text)

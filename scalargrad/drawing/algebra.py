"""A little algebra for labels: products and sums of names, written as the book writes them.

It knows just enough to find y₁ − t₁ in (1/S − t₁/exp(a₁))·exp(a₁): products of powers, sums of
products, common factors, and names for products that have one. What it writes is as short as it
finds; nothing is computed with it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field

from . import text

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Atom:
    """A name, or a call of a function: equal where the keys are."""

    text: str = field(compare=False)
    key: Hashable
    is_upstream: bool = field(default=False, compare=False)
    is_call: bool = field(default=False, compare=False)
    number: float | None = field(default=None, compare=False)  # of a constant

    @property
    def cost(self) -> float:
        """How long it is to read."""
        return 1.25 if self.is_call else 1.0


@dataclass(frozen=True)
class Group:
    """A sum in brackets."""

    terms: frozenset[Product]
    order: tuple[Product, ...] = field(compare=False)

    @property
    def cost(self) -> float:
        """How long it is to read."""
        return sum(max(1.0, term.cost) for term in self.order)


Factor = Atom | Group


@dataclass(frozen=True)
class Product:
    """A number times powers of factors."""

    coefficient: float
    powers: frozenset[tuple[Factor, int]]
    order: tuple[tuple[Factor, int], ...] = field(compare=False)

    @property
    def cost(self) -> float:
        """How long it is to read."""
        # a fraction is a little longer than a product: y² rather than 1/x²
        return sum((p if p > 0 else -1.01 * p) * factor.cost for factor, p in self.order)

    @property
    def upstream(self) -> Atom | None:
        """The gradient that it begins with."""
        return next((f for f, _ in self.order if isinstance(f, Atom) and f.is_upstream), None)

    def __mul__(self, other: Product) -> Product:
        powers = dict(self.order)
        for factor, power in other.order:
            powers[factor] = powers.get(factor, 0) + power
        return _product(self.coefficient * other.coefficient, powers)

    def __pow__(self, exponent: int) -> Product:
        powers = {factor: power * exponent for factor, power in self.order}
        return _product(self.coefficient**exponent, powers)


def _product(coefficient: float, powers: Mapping[Factor, int]) -> Product:
    order = tuple((factor, power) for factor, power in powers.items() if power)
    if coefficient == 0.0:
        order = ()
    order = tuple(sorted(order, key=lambda pair: not getattr(pair[0], "is_upstream", False)))
    return Product(coefficient, frozenset(order), order)


def constant(number: float) -> Product:
    """Return a plain number."""
    return _product(number, {})


ONE, MINUS_ONE = constant(1.0), constant(-1.0)


def name(written: str, key: Hashable, **kind: object) -> Product:
    """Return a name."""
    return _product(1.0, {Atom(written, key, **kind): 1})  # type: ignore[arg-type]


def call(function: str, arguments: Iterable[Product]) -> Product:
    """Return a call of a function."""
    given = tuple(arguments)
    written = f"{function}({', '.join(map(write, given))})"
    return name(written, (function, *given), is_call=True)


def terms_of(product: Product) -> tuple[Product, ...]:
    """Return the terms of a sum, or the product itself."""
    if product.coefficient == 1.0 and len(product.order) == 1:
        ((factor, power),) = product.order
        if isinstance(factor, Group) and power == 1:
            return factor.order
    return (product,)


def add(left: Product, right: Product) -> Product:
    """Return a sum: like terms together, common factors before the bracket."""
    found: dict[frozenset[tuple[Factor, int]], Product] = {}
    for term in (*terms_of(left), *terms_of(right)):
        known = found.get(term.powers)
        total = term.coefficient + (known.coefficient if known else 0.0)
        found[term.powers] = _product(total, dict(term.order))
    terms = [term for term in found.values() if term.coefficient]
    if not terms:
        return constant(0.0)
    if len(terms) == 1:
        return terms[0]
    common = _common(terms)
    inverse = common**-1
    inner = tuple(part for term in terms for part in terms_of(term * inverse))
    if len(inner) > len(terms):  # a bracket went into the bracket: like terms may have met
        return common * _sum(inner)
    if all(_is_fixed(term) for term in inner) and _total(inner) == 1.0:
        return common
    group = Group(frozenset(inner), inner)
    return common * _product(1.0, {group: 1})


def _sum(terms: Iterable[Product]) -> Product:
    total = constant(0.0)
    for term in terms:
        total = add(total, term)
    return total


def _common(terms: list[Product]) -> Product:
    """Return what all terms have in common: powers of factors, and a minus sign."""
    first, *others = (dict(term.order) for term in terms)
    shared = {}
    for factor, power in first.items():
        powers = [power, *(other.get(factor, 0) for other in others)]
        if all(p > 0 for p in powers):
            shared[factor] = min(powers)
        elif all(p < 0 for p in powers):
            shared[factor] = max(powers)
    minus = all(term.coefficient < 0 for term in terms)
    return _product(-1.0 if minus else 1.0, shared)


def _is_fixed(term: Product) -> bool:
    return all(isinstance(f, Atom) and f.number is not None for f, _ in term.order)


def _total(terms: Iterable[Product]) -> float:
    """Return the number that a sum of constants is: probabilities add up to 1."""
    total = 0.0
    for term in terms:
        value = term.coefficient
        for factor, power in term.order:
            value *= (getattr(factor, "number", None) or 0.0) ** power if power > 0 else 0.0
        total += value
    return total


# -- shorter forms ---------------------------------------------------------------------------


class Names:
    """Names of products: y₁ for exp(a₁)/S."""

    def __init__(self) -> None:
        self._meaning: dict[Atom, Product] = {}

    def enter(self, named: Product, meaning: Product) -> None:
        """Let a name stand for a product; sums keep their bracket."""
        ((atom, _),) = named.order
        if isinstance(atom, Atom) and meaning.order:
            self._meaning[atom] = self._expanded(meaning)

    def _expanded(self, product: Product) -> Product:
        result = constant(product.coefficient)
        for factor, power in product.order:
            meaning = self._meaning.get(factor) if isinstance(factor, Atom) else None
            known = meaning if meaning is not None else _product(1.0, {factor: 1})
            result = result * known**power
        return result

    def short(self, product: Product) -> Product:
        """Return the shortest form that is found: with names, and with sums multiplied out."""
        best = self._compressed(product)
        improved = True
        while improved:
            improved = False
            for candidate in self._multiplied_out(best):
                if candidate.cost < best.cost:
                    best, improved = self._compressed(candidate), True
                    break
        return best

    def _compressed(self, product: Product) -> Product:
        current = self._expanded(product)
        while True:
            shorter = [
                candidate
                for atom, meaning in self._meaning.items()
                for sign in (1, -1)
                if meaning.coefficient
                and (candidate := current * meaning**-sign * _product(1.0, {atom: sign})).cost
                < current.cost
            ]
            if not shorter:
                break
            current = min(shorter, key=lambda candidate: candidate.cost)
        return current if current.cost < product.cost else product

    def _multiplied_out(self, product: Product) -> Iterable[Product]:
        """Yield forms in which one factor went into a bracket beside it."""
        for group, power in product.order:
            if not (isinstance(group, Group) and power == 1):
                continue
            for factor, exponent in product.order:
                if factor is group or (isinstance(factor, Atom) and factor.is_upstream):
                    continue
                part = _product(1.0, {factor: exponent})
                rest = product * part**-1 * _product(1.0, {group: -1})
                total = constant(0.0)
                for term in group.order:
                    total = add(total, self._compressed(term * part))
                yield rest * total


# -- writing ---------------------------------------------------------------------------------


def write(product: Product) -> str:
    """Return a product or a sum as the book writes it.

    >>> x, y = name("x", 1), name("y", 2)
    >>> write(x * x * y ** -1), write(add(x, MINUS_ONE * y)), write(y * add(ONE, MINUS_ONE * y))
    ('x²/y', 'x−y', 'y(1−y)')
    """
    terms = sorted(terms_of(product), key=lambda term: term.coefficient < 0)  # y − t, not −t + y
    written = [_write_term(term) for term in terms]
    return written[0] + "".join(t if t.startswith("−") else f"+{t}" for t in written[1:])


def _write_term(term: Product) -> str:
    sign = "−" if term.coefficient < 0 else ""
    size = abs(term.coefficient)
    upstream = term.upstream
    over = [pair for pair in term.order if pair[1] > 0 and pair[0] is not upstream]
    under = [(factor, -power) for factor, power in term.order if power < 0]
    number = "" if size == 1.0 else text.number(size)
    top = _row(number, over)
    if under:
        bottom = _row("", under)
        alone = len(under) == 1
        top = f"{top or '1'}/{bottom if alone else f'({bottom})'}"
    if upstream is not None:
        return sign + upstream.text + (f"·{top}" if top else "")
    return sign + (top or "1")


#: what may stand side by side without a dot: 2x, 2(x+y), y(1−y)
_TOUCHING = {("number", "sign"), ("number", "bracket"), ("sign", "bracket"), ("word", "bracket")}


def _row(number: str, factors: Iterable[tuple[Factor, int]]) -> str:
    """Return factors side by side, a dot between them where they would run together."""
    row, before = number, "number" if number else ""
    for factor, power in factors:
        inner = factor.text if isinstance(factor, Atom) else _bracket(factor)
        kind = "bracket" if isinstance(factor, Group) else "sign" if len(inner) == 1 else "word"
        if before and (before, kind) not in _TOUCHING:
            row += "·"
        row += inner + (str(power).translate(_SUPERSCRIPTS) if power != 1 else "")
        is_call = isinstance(factor, Atom) and factor.is_call
        before = "power" if power != 1 or is_call else kind
    return row


def _bracket(group: Group) -> str:
    return f"({write(_product(1.0, {group: 1}))})"

"""A little algebra for labels: products and sums of names, written as the book writes them.

It knows just enough to find y₁ − t₁ in (1/S − t₁/exp(a₁))·exp(a₁): products of powers, sums of
products, common factors, and names for products that have one. What it writes is as short as it
finds; nothing is computed with it.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, reduce

from ...table import libm
from . import text

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
#: a name for more than this is not looked into
_LONGEST_MEANING = 200.0


@dataclass(frozen=True)
class Atom:
    """A name, or a call of a function: equal where the keys are."""

    text: str = field(compare=False)
    key: Hashable
    is_upstream: bool = field(default=False, compare=False)
    arguments: tuple[Product, ...] | None = field(default=None, compare=False)  # of a call
    number: float | None = field(default=None, compare=False)  # of a constant

    @property
    def cost(self) -> float:
        """How long it is to read."""
        return 1.0 if self.arguments is None else 1.25


@dataclass(frozen=True)
class Group:
    """A sum in brackets."""

    terms: frozenset[Product]
    order: tuple[Product, ...] = field(compare=False)

    @cached_property
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

    @cached_property
    def cost(self) -> float:
        """How long it is to read."""
        return sum(_cost(factor, power) for factor, power in self.order)

    @property
    def is_finite(self) -> bool:
        """Whether its number did not overflow."""
        return math.isfinite(self.coefficient)

    @property
    def is_sound(self) -> bool:
        """Whether its number did neither overflow nor vanish."""
        return self.is_finite and self.coefficient != 0.0

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
        return _product(libm.pow(self.coefficient, exponent), powers)


def _cost(factor: Factor, power: int) -> float:
    # a fraction is a little longer than a product: y² rather than 1/x²
    return (power if power > 0 else -1.01 * power) * factor.cost


def _product(coefficient: float, powers: Mapping[Factor, int]) -> Product:
    pairs = [pair for pair in powers.items() if pair[1]] if coefficient != 0.0 else []
    order = tuple(sorted(pairs, key=lambda pair: not getattr(pair[0], "is_upstream", False)))
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
    return name(function, (function, *given), arguments=given)


def terms_of(product: Product) -> tuple[Product, ...]:
    """Return the terms of a sum, or the product itself."""
    if product.coefficient == 1.0 and len(product.order) == 1:
        ((factor, power),) = product.order
        if isinstance(factor, Group) and power == 1:
            return factor.order
    return (product,)


def spread(product: Product) -> tuple[Product, ...]:
    """Return the terms of a sum, what stands before its bracket multiplied into each."""
    for group, power in product.order:
        if isinstance(group, Group) and power == 1:
            rest = product * _product(1.0, {group: -1})
            return tuple(rest * term for term in group.order)
    return (product,)


def add(left: Product, right: Product) -> Product:
    """Return a sum: like terms together, common factors before the bracket."""
    like: dict[frozenset[tuple[Factor, int]], Product] = {}
    for term in (*terms_of(left), *terms_of(right)):
        known = like.get(term.powers)
        number = term.coefficient + (known.coefficient if known else 0.0)
        like[term.powers] = _product(number, dict(term.order))
    terms = [term for term in like.values() if term.coefficient]
    if not terms:
        return constant(0.0)
    if len(terms) == 1:
        return terms[0]
    common = _common(terms)
    inverse = common**-1
    inner = tuple(part for term in terms for part in terms_of(term * inverse))
    if len(inner) > len(terms):  # a bracket went into the bracket: like terms may have met
        return common * total(inner)
    group = Group(frozenset(inner), inner)
    return common * _product(1.0, {group: 1})


def total(terms: Iterable[Product]) -> Product:
    """Return the sum of all terms."""
    return reduce(add, terms, constant(0.0))


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


def settled(product: Product) -> Product:
    """Return a product without sums of named constants that are 1, as probabilities are."""
    result = constant(product.coefficient)
    for factor, power in product.order:
        if isinstance(factor, Group):
            terms = [settled(term) for term in factor.order]
            part = ONE if _is_whole(terms) else total(terms)
        else:
            part = _product(1.0, {factor: 1})
        result = result * part**power
    return result


def _is_whole(terms: Iterable[Product]) -> bool:
    """Tell whether all terms are constants that have a name, and add up to 1."""
    numbers = []
    for term in terms:
        (factor, power), *others = term.order or ((None, 0),)
        if term.coefficient != 1.0 or power != 1 or others or not isinstance(factor, Atom):
            return False
        numbers.append(math.nan if factor.number is None else factor.number)
    return math.isclose(math.fsum(numbers), 1.0)


# -- shorter forms ---------------------------------------------------------------------------


class Names:
    """Names of products: y₁ for exp(a₁)/S."""

    def __init__(self) -> None:
        self._meaning: dict[Atom, Product] = {}
        self._near: dict[Factor, dict[Atom, None]] = {}  # which meanings have a factor
        self._known: dict[Product, Product | None] = {}  # what is one step shorter, if anything

    def enter(self, named: Product, meaning: Product) -> None:
        """Let a name stand for a product; sums keep their bracket."""
        ((atom, _),) = named.order
        if not isinstance(atom, Atom):
            return
        expanded = self._expanded(meaning)
        if meaning.order and expanded.is_sound and expanded.cost <= _LONGEST_MEANING:
            self._meaning[atom] = expanded
            self._known.clear()
            for factor, _ in expanded.order:
                self._near.setdefault(factor, {})[atom] = None

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
                if candidate.is_finite and candidate.cost < best.cost:
                    best, improved = self._compressed(candidate), True
                    break
        return best

    def _compressed(self, product: Product) -> Product:
        current = self._expanded(product)
        if not current.is_sound:
            return product
        while True:
            if current not in self._known:
                self._known[current] = self._shorter(current)
            if (shorter := self._known[current]) is None:
                break
            current = shorter
        return current if current.cost < product.cost else product

    def _shorter(self, product: Product) -> Product | None:
        """Return the product with one more name in it, that which shortens it most, or None."""
        powers = dict(product.order)
        savings: list[tuple[float, Atom, int]] = []
        for atom in dict.fromkeys(atom for factor in powers for atom in self._near.get(factor, ())):
            moved = [(f, powers.get(f, 0), power) for f, power in self._meaning[atom].order]
            here = powers.get(atom, 0)
            now = _cost(atom, here) + sum([_cost(f, old) for f, old, _ in moved])
            for sign in (1, -1):
                then = _cost(atom, here + sign)
                then += sum([_cost(f, old - sign * power) for f, old, power in moved])
                if round(then - now, 9) < 0.0:
                    savings.append((round(then - now, 9), atom, sign))
        for _, atom, sign in sorted(savings, key=lambda entry: entry[0]):
            candidate = product * self._meaning[atom] ** -sign * _product(1.0, {atom: sign})
            if candidate.is_sound:
                return candidate
        return None

    def _multiplied_out(self, product: Product) -> Iterator[Product]:
        """Yield forms in which one factor went into a bracket beside it."""
        for group, power in product.order:
            if not (isinstance(group, Group) and power == 1):
                continue
            for factor, exponent in product.order:
                if factor is group or (isinstance(factor, Atom) and factor.is_upstream):
                    continue
                part = _product(1.0, {factor: exponent})
                rest = product * part**-1 * _product(1.0, {group: -1})
                yield rest * total(self._compressed(term * part) for term in group.order)


# -- writing ---------------------------------------------------------------------------------


def write(product: Product, digits: int = 6) -> str:
    """Return a product or a sum as the book writes it, its numbers with so many digits.

    >>> x, y = name("x", 1), name("y", 2)
    >>> write(x * x * y ** -1), write(add(x, MINUS_ONE * y)), write(y * add(ONE, MINUS_ONE * y))
    ('x²/y', 'x−y', 'y(1−y)')
    """
    terms = sorted(terms_of(product), key=lambda term: term.coefficient < 0)  # y − t, not −t + y
    written = [_write_term(term, digits) for term in terms]
    return written[0] + "".join(t if t.startswith("−") else f"+{t}" for t in written[1:])


def _write_term(term: Product, digits: int) -> str:
    sign = "−" if term.coefficient < 0 else ""
    size = abs(term.coefficient)
    upstream = term.upstream
    over = [pair for pair in term.order if pair[1] > 0 and pair[0] is not upstream]
    under = [(factor, -power) for factor, power in term.order if power < 0]
    number = "" if size == 1.0 else text.number(size, digits)
    top = _row(number, over, digits)
    if under:
        bottom = _row("", under, digits)
        alone = len(under) == 1
        top = f"{top or '1'}/{bottom if alone else f'({bottom})'}"
    if upstream is not None:
        return sign + upstream.text + (f"·{top}" if top else "")
    return sign + (top or "1")


#: what may stand side by side without a dot: 2x, 2(x+y), y(1−y)
_TOUCHING = {("number", "sign"), ("number", "bracket"), ("sign", "bracket"), ("word", "bracket")}


def _row(number: str, factors: Iterable[tuple[Factor, int]], digits: int) -> str:
    """Return factors side by side, a dot between them where they would run together."""
    row, before = number, "number" if number else ""
    for factor, power in factors:
        inner = _write_factor(factor, digits)
        kind = "bracket" if isinstance(factor, Group) else "sign" if len(inner) == 1 else "word"
        if before and (before, kind) not in _TOUCHING:
            row += "·"
        row += inner + (str(power).translate(_SUPERSCRIPTS) if power != 1 else "")
        is_call = isinstance(factor, Atom) and factor.arguments is not None
        before = "power" if power != 1 or is_call else kind
    return row


def _write_factor(factor: Factor, digits: int) -> str:
    if isinstance(factor, Group):
        return f"({write(_product(1.0, {factor: 1}), digits)})"
    if factor.arguments is None:
        return factor.text
    return f"{factor.text}({', '.join(write(given, digits) for given in factor.arguments)})"

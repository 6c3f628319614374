"""A little algebra for labels: products and sums of names, written as the book writes them.

It knows just enough to find y₁ − t₁ in (1/S − t₁/exp(a₁))·exp(a₁): products of powers, sums of
products, common factors, and names for products that have one. What it writes is as short as it
finds; nothing is computed with it.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property, lru_cache, reduce

from . import exact
from .exact import plus, times

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
    radicand: int = 0  # of a whole number, which stands only under a root

    @property
    def cost(self) -> float:
        """How long it is to read."""
        return 1.0 if self.arguments is None else 1.25


@dataclass(frozen=True)
class Group:
    """A sum in brackets, or what has a root of all of it."""

    terms: frozenset[Product]
    order: tuple[Product, ...] = field(compare=False)

    @cached_property
    def cost(self) -> float:
        """How long it is to read."""
        return sum(max(1.0, term.cost) for term in self.order)


Factor = Atom | Group
Power = int | Fraction  # whole numbers are quicker


@dataclass(frozen=True)
class Product:
    """A number times powers of factors; the number is exact unless it is infinite."""

    coefficient: Fraction | float
    powers: frozenset[tuple[Factor, Power]]
    order: tuple[tuple[Factor, Power], ...] = field(compare=False)
    decimal: bool = field(default=False, compare=False)  # whether it is written with a point

    @cached_property
    def cost(self) -> float:
        """How long it is to read; a long number is as long as a name."""
        figures = sum([_cost(factor, power) for factor, power in self.order])
        return figures + exact.length(self.coefficient)

    @property
    def is_finite(self) -> bool:
        """Whether its number did not overflow."""
        return isinstance(self.coefficient, Fraction)

    @property
    def is_sound(self) -> bool:
        """Whether its number did neither overflow nor vanish."""
        return self.is_finite and self.coefficient != 0

    @property
    def number(self) -> Product:
        """Its number alone."""
        return Product(self.coefficient, frozenset(), (), self.decimal)

    @property
    def upstream(self) -> Atom | None:
        """The gradient that it begins with."""
        return next((f for f, _ in self.order if isinstance(f, Atom) and f.is_upstream), None)

    def __mul__(self, other: Product) -> Product:
        powers = dict(self.order)
        for factor, power in other.order:
            powers[factor] = powers.get(factor, 0) + power
        number = times(self.coefficient, other.coefficient)
        return _product(number, powers, self.decimal or other.decimal)

    def __pow__(self, exponent: Power) -> Product:
        """Return a power; a root of more than one factor is a root of all of it."""
        if exponent.denominator > 1 and self.order and not self.is_bare:
            return _product(ONE_EXACTLY, {Group(frozenset([self]), (self,)): exponent})
        number = exact.power(self.coefficient, exponent)
        powers = {factor: power * exponent for factor, power in self.order}
        if number is None:
            return _numeric_root(self.coefficient, exponent)
        return _product(number, powers, self.decimal)

    @property
    def is_bare(self) -> bool:
        """Whether it is one factor alone."""
        return self.coefficient == 1 and len(self.order) == 1 and self.order[0][1] == 1


def _cost(factor: Factor, power: Power) -> float:
    # a fraction is a little longer than a product: y² rather than 1/x²; and a root than a name
    if power.denominator > 1:
        size = math.ceil(power if power > 0 else -power)
        return (size + 0.2) * (1.0 if power > 0 else 1.01) * factor.cost
    return float(power if power > 0 else -1.01 * power) * factor.cost


ONE_EXACTLY = Fraction(1)


def _product(
    coefficient: Fraction | float, powers: Mapping[Factor, Power], decimal: bool = False
) -> Product:
    pairs = [pair for pair in powers.items() if pair[1]] if coefficient != 0 else []
    if any(_is_settled(*pair) for pair in pairs):
        plain = [pair for pair in pairs if not _is_settled(*pair)]
        settled = [_settle(*pair) for pair in pairs if _is_settled(*pair)]
        return reduce(Product.__mul__, settled, _product(coefficient, dict(plain), decimal))
    for place, (one, power) in enumerate(pairs):
        if isinstance(one, Atom) and one.radicand and isinstance(coefficient, Fraction):
            coefficient, power = _rationalised(coefficient, one.radicand, power)
            pairs[place] = one, power
    order = tuple(sorted(pairs, key=lambda pair: not getattr(pair[0], "is_upstream", False)))
    return Product(coefficient, frozenset(order), order, decimal)


def _rationalised(number: Fraction, radicand: int, power: Power) -> tuple[Fraction, Power]:
    """Return √2/2 as 1/√2, and 2/√2 as √2."""
    if power > 0 and number.denominator % radicand == 0:
        return number * radicand, power - 1
    if power < 0 and number.numerator % radicand == 0:
        return number / radicand, power + 1
    return number, power


def _is_settled(factor: Factor, power: Power) -> bool:
    """Tell whether a root is gone: of all of a product, or a number outside of one."""
    if isinstance(factor, Group):
        return len(factor.order) == 1 and power.denominator == 1
    return factor.radicand > 0 and (power >= 1 or power <= -1)


def _settle(factor: Factor, power: Power) -> Product:
    if isinstance(factor, Group):
        return factor.order[0] ** power
    whole = int(power)
    number = Fraction(factor.radicand) ** whole
    return _product(number, {factor: power - whole})


def _numeric_root(number: Fraction | float, power: Power) -> Product:
    """Return a root of a number that is none itself: factors of whole numbers under roots."""
    if not isinstance(number, Fraction) or number < 0:
        return _product(math.nan, {})
    powers: dict[Factor, Power] = {}
    for part, sign in ((number.numerator, 1), (number.denominator, -1)):
        if part != 1:
            atom = Atom(str(part), ("number", part), number=float(part), radicand=part)
            powers[atom] = sign * power
    return _product(ONE_EXACTLY, powers)


def constant(number: float | Fraction) -> Product:
    """Return a plain number, as what it is meant to be: 1/3, π/2, √2.

    >>> import math
    >>> from .writing import write
    >>> write(constant(1 / 3)), write(constant(-math.pi / 2)), write(constant(math.sqrt(2)))
    ('1/3', '−π/2', '√2')
    """
    if isinstance(number, Fraction):
        return _product(number, {})
    return _meant(float(number))


@lru_cache(maxsize=1024)
def _meant(number: float) -> Product:
    if not math.isfinite(number):
        return _product(number, {})
    known = exact.meant(number)
    result = _product(known.factor, {PI: _power(known.pi), E: _power(known.e)}, known.decimal)
    return result if known.root == 1 else result * _numeric_root(known.root, Fraction(1, 2))


def _power(exponent: Fraction) -> Power:
    return exponent if exponent.denominator > 1 else exponent.numerator


PI, E = Atom("π", "π", number=math.pi), Atom("e", "e", number=math.e)
ONE, MINUS_ONE = constant(1.0), constant(-1.0)


def name(written: str, key: Hashable, **kind: object) -> Product:
    """Return a name."""
    return single(Atom(written, key, **kind))  # type: ignore[arg-type]


def single(one: Factor, power: Power = 1) -> Product:
    """Return one factor, or a power of it."""
    return _product(ONE_EXACTLY, {one: power})


def call(function: str, arguments: Iterable[Product]) -> Product:
    """Return a call of a function."""
    given = tuple(arguments)
    return name(function, (function, *given), arguments=given)


def terms_of(product: Product) -> tuple[Product, ...]:
    """Return the terms of a sum, or the product itself."""
    if product.coefficient == 1 and len(product.order) == 1:
        ((factor, power),) = product.order
        if isinstance(factor, Group) and power == 1:
            return factor.order
    return (product,)


def spread(product: Product) -> tuple[Product, ...]:
    """Return the terms of a sum, what stands before its bracket multiplied into each."""
    for group, power in product.order:
        if isinstance(group, Group) and power == 1:
            rest = product * single(group, -power)
            return tuple(rest * term for term in group.order)
    return (product,)


def arranged(product: Product) -> Product:
    """Return a product with its brackets behind its names, and y−1 for −(1−y).

    >>> from .writing import write
    >>> x, y = name("x", 1), name("y", 2)
    >>> write(arranged(add(ONE, x) * y)), write(arranged(MINUS_ONE * add(ONE, MINUS_ONE * y)))
    ('y(1+x)', 'y−1')
    >>> write(arranged(y * add(ONE, x) * add(ONE, MINUS_ONE * y) * x))
    'x·y(1−y)(1+x)'
    """
    slopes = {f: one for f, _ in product.order if (one := _opposite(f)) in dict(product.order)}
    rank = dict.fromkeys(slopes.values(), 1) | dict.fromkeys(slopes, 2)
    order = sorted(product.order, key=lambda pair: rank.get(pair[0], 3 * _is_group(pair[0])))
    return _turned(replace(product, order=tuple(order)))


def _is_group(factor: Factor) -> bool:
    return isinstance(factor, Group)


def _opposite(factor: Factor) -> Factor | None:
    """Return y of 1−y, beside which it stands."""
    if isinstance(factor, Group) and len(factor.order) == 2:
        one, other = sorted(factor.order, key=lambda term: len(term.order))
        if one == ONE and (MINUS_ONE * other).is_bare:
            return other.order[0][0]
    return None


def _turned(product: Product) -> Product:
    """Return a product whose minus sign went into a bracket alone, if another is in there."""
    top = [pair for pair in product.order if pair[1] > 0]
    number = product.coefficient
    if not (isinstance(number, Fraction) and number.numerator == -1 and len(top) == 1):
        return product
    ((group, power),) = top
    if power != 1 or not isinstance(group, Group) or all(t.coefficient > 0 for t in group.order):
        return product
    opposite = total(MINUS_ONE * term for term in group.order)
    return MINUS_ONE * product * single(group, -1) * opposite


def add(left: Product, right: Product) -> Product:
    """Return a sum: like terms together, common factors before the bracket."""
    like: dict[frozenset[tuple[Factor, Power]], Product] = {}
    for term in (*terms_of(left), *terms_of(right)):
        known = like.get(term.powers)
        if known is None:
            like[term.powers] = term
        else:
            number = plus(term.coefficient, known.coefficient)
            both = _product(number, dict(term.order), term.decimal or known.decimal)
            like[term.powers] = both
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
    return common * single(group)


def total(terms: Iterable[Product]) -> Product:
    """Return the sum of all terms."""
    return reduce(add, terms, constant(0.0))


def _common(terms: list[Product]) -> Product:
    """Return what all terms have in common: powers of factors, and a minus sign."""
    first, *others = (dict(term.order) for term in terms)
    shared = {}
    for factor, power in first.items():
        powers = [power, *(other.get(factor, 0) for other in others)]
        if len({p % 1 for p in powers}) > 1:  # a root and no root have nothing in common
            continue
        if all(p > 0 for p in powers):
            shared[factor] = min(powers)
        elif all(p < 0 for p in powers):
            shared[factor] = max(powers)
    minus = all(term.coefficient < 0 for term in terms)
    return _product(-ONE_EXACTLY if minus else ONE_EXACTLY, shared)


def settled(product: Product) -> Product:
    """Return a product without sums of named constants that are 1, as probabilities are."""
    result = product.number
    for factor, power in product.order:
        if isinstance(factor, Group):
            terms = [settled(term) for term in factor.order]
            part = ONE if _is_whole(terms) else total(terms)
        else:
            part = single(factor)
        result = result * part**power
    return result


def _is_whole(terms: Iterable[Product]) -> bool:
    """Tell whether all terms are constants that have a name, and add up to 1."""
    numbers = []
    for term in terms:
        (factor, power), *others = term.order or ((None, 0),)
        if term.coefficient != 1 or power != 1 or others or not isinstance(factor, Atom):
            return False
        numbers.append(math.nan if factor.number is None else factor.number)
    return math.isclose(math.fsum(numbers), 1.0)


def _without(number: Fraction | float, other: Fraction | float, sign: int) -> Fraction | float:
    if not (isinstance(number, Fraction) and isinstance(other, Fraction)):
        return math.nan
    return number / other if sign > 0 else number * other


def atoms_of(product: Product) -> Iterator[Atom]:
    """Yield every name and every call in an expression, also in brackets and operands."""
    for one, _ in product.order:
        inner = one.order if isinstance(one, Group) else one.arguments or ()
        if isinstance(one, Atom):
            yield one
        for part in inner:
            yield from atoms_of(part)


# -- shorter forms ---------------------------------------------------------------------------


def _stands_for(meaning: Product, powers: Mapping[Factor, Power], sign: int) -> bool:
    """Tell whether a name, or 1 over it, may be written for what is there of its meaning.

    3u² is not written as 3y/u, nor −x/y² as −z/y: that divides a result by its own operand. With a
    root or exp it is done, where nothing is divided by that was no divisor: T/(2l), −L·x/s².
    """
    if any(isinstance(factor, Atom) and factor.text == "exp" for factor, _ in meaning.order):
        is_kept = True
    else:
        is_kept = sign < 0 or any(power.denominator > 1 for _, power in meaning.order)
    copies = min(powers.get(factor, 0) // (sign * power) for factor, power in meaning.order)
    for factor, power in meaning.order:
        here, taken = powers.get(factor, 0), sign * power
        left = here - taken
        if left * taken < 0 and not (power.denominator > 1 and left * here > 0):
            return False  # more than is there
        if here - copies * taken < 0 and not is_kept:
            return False  # a divisor would stay of the meaning: z/y
    return True


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
        result = product.number
        for factor, power in product.order:
            meaning = self._meaning.get(factor) if isinstance(factor, Atom) else None
            known = meaning if meaning is not None else single(factor)
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
            number = product.coefficient
            now = _cost(atom, here) + sum([_cost(f, old) for f, old, _ in moved])
            now += exact.length(number)
            for sign in (1, -1):
                if not _stands_for(self._meaning[atom], powers, sign):
                    continue
                then = _cost(atom, here + sign)
                then += sum([_cost(f, old - sign * power) for f, old, power in moved])
                then += exact.length(_without(number, self._meaning[atom].coefficient, sign))
                if round(then - now, 9) < 0.0:
                    savings.append((round(then - now, 9), atom, sign))
        for _, atom, sign in sorted(savings, key=lambda entry: entry[0]):
            candidate = product * self._meaning[atom] ** -sign * single(atom, sign)
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
                part = single(factor, exponent)
                rest = product * part**-1 * single(group, -power)
                yield rest * total(self._compressed(term * part) for term in group.order)

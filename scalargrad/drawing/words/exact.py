"""Numbers of formulas: what a double was meant to be, as exactly as people write it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Context, Decimal
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

#: digits of a decimal that somebody may have typed
MOST_DIGITS = 12
#: the largest denominators of what is recognised: of a fraction, beside π or e, under a root
FRACTION, BESIDE, UNDER = 1000, 360, 60
#: bits of a number beyond which it counts as infinite
_LARGEST = 1100


class Meant(NamedTuple):
    """A fraction times a power of π, of e, or of another fraction, which stands under a root."""

    factor: Fraction
    pi: Fraction = Fraction(0)
    e: Fraction = Fraction(0)
    root: Fraction = Fraction(1)
    decimal: bool = False  # whether the factor is written with a point


def power(base: Fraction | float, exponent: Fraction | int) -> Fraction | float | None:
    """Return a power that is exact; inf for one too large; None for one that no fraction is.

    >>> power(Fraction(4, 9), Fraction(1, 2)), power(Fraction(2), Fraction(1, 2))
    (Fraction(2, 3), None)
    """
    if isinstance(base, float):
        return _float_power(base, float(exponent))
    if base == 0 and exponent < 0:
        return math.inf
    top, bottom = (_root(part, exponent.denominator) for part in (base.numerator, base.denominator))
    if top is None or bottom is None:
        return None
    bits = max(top.bit_length(), bottom.bit_length()) * abs(exponent.numerator)
    return math.inf if bits > 2 * _LARGEST else bounded(Fraction(top, bottom) ** exponent.numerator)


def bounded(number: Fraction | float) -> Fraction | float:
    """Return a number, or the infinity for one beyond all doubles.

    >>> bounded(Fraction(-(10**400))), bounded(Fraction(1, 3))
    (-inf, Fraction(1, 3))
    """
    if isinstance(number, Fraction):
        if number.numerator.bit_length() - number.denominator.bit_length() > _LARGEST:
            return math.inf if number > 0 else -math.inf
        if number.denominator.bit_length() > 2 * _LARGEST:  # not worth its digits
            return Fraction(float(number))
    return number


def times(left: Fraction | float, right: Fraction | float) -> Fraction | float:
    """Return a product, of floats where one is infinite or nan."""
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return bounded(left * right)
    return float(left) * float(right)


def plus(left: Fraction | float, right: Fraction | float) -> Fraction | float:
    """Return a sum, of floats where one is infinite or nan."""
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return bounded(left + right)
    return float(left) + float(right)


def meant(number: float) -> Meant:
    """Return what a finite double was meant to be: itself, where nothing short is that near.

    >>> import math
    >>> meant(0.1 + 0.2).factor, meant(1 / 3).factor, meant(math.sqrt(2)).root
    (Fraction(3, 10), Fraction(1, 3), Fraction(2, 1))
    >>> meant(2 * math.pi)[:2]
    (Fraction(2, 1), Fraction(1, 1))
    """
    if number.is_integer():
        return Meant(Fraction(number))
    decimal = Fraction(f"{number:.{MOST_DIGITS}g}")
    if _is_near(float(decimal), number):
        return Meant(decimal, decimal=True)
    if 1e-9 < abs(number) < 1e9:  # nothing else is written down
        for known in _known(abs(number)):
            return known._replace(factor=known.factor * (1 if number > 0 else -1))
    return Meant(Fraction(number), decimal=True)


def _known(size: float) -> Iterator[Meant]:
    """Yield what a positive number may be, the simplest first."""
    half = Fraction(1, 2)
    if found := _fraction(size, 1.0, FRACTION):
        yield Meant(found)
    for exponent in (1, -1):
        if found := _fraction(size, math.pi**exponent, BESIDE):
            yield Meant(found, pi=Fraction(exponent))
        if found := _fraction(size, math.e**exponent, BESIDE):
            yield Meant(found, e=Fraction(exponent))
    for pi in (0, 1, -1):
        square = _fraction(size * size, math.pi**pi, UNDER)
        if square and _is_near(math.sqrt(square * math.pi**pi), size):
            yield _rooted(square)._replace(pi=pi * half)


def _fraction(size: float, unit: float, most: int) -> Fraction | None:
    """Return the fraction that is a number over a unit, if a short one is that near."""
    found = Fraction(size / unit).limit_denominator(most)
    short = 0 < found.numerator <= most
    return found if short and _is_near(float(found) * unit, size) else None


def _rooted(square: Fraction) -> Meant:
    """Return the root of a fraction, its squares before the root."""
    whole = [_squares(part) for part in (square.numerator, square.denominator)]
    factor = Fraction(whole[0], whole[1])
    return Meant(factor, root=square / factor**2)


def _squares(number: int) -> int:
    """Return the largest number whose square divides another."""
    return max(root for root in range(1, math.isqrt(number) + 1) if number % root**2 == 0)


def _is_near(found: float, number: float) -> bool:
    return abs(found - number) <= 2.0 * math.ulp(number)


def _root(number: int, degree: int) -> int | None:
    """Return the whole root of a whole number, or None."""
    if degree == 1:
        return number
    if number < 0 or number.bit_length() > 64:
        return None
    near = round(number ** (1 / degree))
    return near if near**degree == number else None


def _float_power(base: float, exponent: float) -> float:
    try:
        result = base**exponent
    except (ArithmeticError, ValueError):
        return math.inf
    return result if isinstance(result, float) else math.nan


# -- how they are written --------------------------------------------------------------------


class Written(NamedTuple):
    """A positive number in a row of factors: decimal, power of ten, and what it is divided by."""

    top: str  # "" for 1
    exponent: int = 0  # of ten
    bottom: str = ""


def written(size: Fraction | float, digits: int, *, decimal: bool) -> Written:
    """Return how a positive number is written; what no short form says has so many digits.

    >>> written(Fraction(2, 3), 6, decimal=False), written(Fraction(1, 2), 6, decimal=True)
    (Written(top='2', exponent=0, bottom='3'), Written(top='0.5', exponent=0, bottom=''))
    >>> written(Fraction(10**8), 6, decimal=False), written(Fraction("1.5e-9"), 6, decimal=True)
    (Written(top='', exponent=8, bottom=''), Written(top='1.5', exponent=-9, bottom=''))
    """
    if not isinstance(size, Fraction):
        return Written("∞" if size == size else "nan")
    if size == 0:
        return Written("0")
    whole = size.denominator == 1
    if decimal and not _ends(size) and (parts := _over_decimal(size)):
        return Written(*parts)
    if not whole and not (decimal and _ends(size)) and _is_small(size):
        return Written("" if size.numerator == 1 else str(size.numerator), 0, str(size.denominator))
    shown = MOST_DIGITS if whole or _ends(size) else max(digits, 2)
    figures, _, power = _decimal(size, shown).partition("e")
    exponent = int(power)
    figures = figures.rstrip("0").rstrip(".")
    if -5 <= exponent < 6 or (whole and exponent < MOST_DIGITS and len(figures) > 4):
        text = f"{Decimal(figures).scaleb(exponent):f}"
        return Written("" if text == "1" else text)
    return Written("" if figures == "1" else figures, exponent)


def _decimal(size: Fraction, digits: int) -> str:
    context = Context(prec=digits)
    return f"{context.divide(Decimal(size.numerator), Decimal(size.denominator)):.{digits - 1}e}"


def _over_decimal(size: Fraction) -> tuple[str, int, str] | None:
    """Return a number as a whole one over a decimal, as in 2/9.81, where both are short."""
    zeros = len(str(size.numerator)) - len(str(size.numerator).rstrip("0"))
    bottom = Fraction(size.denominator, 10**zeros)
    top = size.numerator // 10**zeros
    if not zeros or top > FRACTION or not 1e-4 < bottom < 10**6 or not _ends(bottom):
        return None
    return "" if top == 1 else str(top), 0, f"{float(bottom):.{MOST_DIGITS}g}"


@lru_cache(maxsize=4096)
def length(number: Fraction | float) -> float:
    """Return how long a number is to read, beside names of length 1.

    >>> length(Fraction(1)), length(Fraction(2, 3)), length(Fraction("6.674e-11"))
    (0.0, 0.0, 1.25)
    """
    if not isinstance(number, Fraction) or (abs(number.numerator) < 10 and number.denominator < 10):
        return 0.0
    if abs(number.numerator) >= 10**MOST_DIGITS or number.denominator >= 10**20:
        return 1.5
    figures = written(abs(number), 6, decimal=True)
    digits = len((figures.top + figures.bottom).replace(".", "").strip("0"))
    return min(1.5, 0.25 * (max(digits, 1) - 1) + 0.5 * bool(figures.exponent))


def _is_small(size: Fraction) -> bool:
    return size.denominator <= FRACTION and size.numerator <= FRACTION


def _ends(size: Fraction) -> bool:
    """Tell whether a fraction is a decimal of few digits."""
    figures = _decimal(size, MOST_DIGITS + 4).partition("e")[0]
    rest = size.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1 and len(figures.replace(".", "").rstrip("0")) <= MOST_DIGITS

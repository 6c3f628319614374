"""Answers to an exercise, read as people write numbers; one is right as far as its digits show.

`page/answers.js` says the same for the quiz of a page.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from ...core.arguments import number
from ...errors import InputError, OperandError, unwanted

#: so many digits of the value an answer needs, however few it shows
LEAST = 2
#: beyond the rounding, as a part of the value: what floats lose on their way
NOISE = 1e-9

_SPACES = re.compile("[ \t-\r\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]+")
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}  # of ASCII
_MINUSES = dict.fromkeys(map(ord, "−‐‑–"), "-")
_DECIMAL = re.compile(r"([-+]?) ?([0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:e([-+]?[0-9]{1,5}))?")
_POWER = re.compile("(?:(?<=[0-9.,]) ?[×·x*] ?|(?<![0-9.,e]))10([⁰¹²³⁴-⁹⁻]+)")
_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_ENDLESS = re.compile("([-+]?) ?(?:∞|inf|infinity)")
#: a longer text is no number that anybody wrote
_LONGEST = 100


@dataclass(frozen=True)
class Answer:
    """A number as it was written: to how many digits it is meant is in the text alone."""

    number: float
    unit: float  # of the last digit that it shows; 0 where it is exact, as a fraction is
    text: str  # as a picture would write it

    def is_right(self, value: float, digits: int = LEAST, tolerance: float = NOISE) -> bool:
        """Tell whether it is the value, rounded to the digits that it shows.

        At least so many digits of the value count, whatever it shows. Half a unit may be rounded
        to either side; 0 is right for 0 alone. The tolerance is a part of the value.

        >>> read_text("2.2").is_right(2.2499), read_text("2").is_right(2.2)
        (True, False)
        """
        if self.number == value or (self.number != self.number and value != value):
            return True
        if not math.isfinite(value) or value == 0.0 or self.number == 0.0:
            return False
        unit = min(self.unit, _power(_exponent(value) - digits + 1))
        return abs(self.number - value) <= unit / 2.0 + tolerance * abs(value)

    def is_coarse(self, value: float, tolerance: float = NOISE) -> bool:
        """Tell whether one digit of it is right, and no zero at its end hides another mistake.

        >>> read_text("2").is_coarse(2.2), read_text("100").is_coarse(110.0)
        (True, False)
        """
        return replace(self, unit=min(self.unit, 1.0)).is_right(value, 1, tolerance)


def read_answer(who: str, what: str, given: object) -> Answer | None:
    """Return an answer, a number or a text; None where nothing was written.

    Raises: `TypeError` for what is neither, `ValueError` for a text that is no number.
    """
    if given is None:
        return None
    text = given if isinstance(given, str) else _written(who, what, given)
    if not _plain(text):
        return None
    answer = read_text(text)
    if answer is None:
        remedy = "write e.g. 2.2 or 27/3, or leave it empty"
        raise InputError(unwanted(who, f"{what} must be a number", given, remedy))
    return answer


def _written(who: str, what: str, given: object) -> str:
    """Return a number as a text of the digits that it has; numbers of NumPy may have fewer."""
    if isinstance(given, bool):
        raise OperandError(unwanted(who, f"{what} must be a number", given, "pass e.g. 1.0"))
    if type(given).__module__ in ("numpy", "decimal") and not hasattr(given, "__len__"):
        return str(given).removesuffix(".0")
    return repr(number(who, what, given)).removesuffix(".0")


def read_text(text: str) -> Answer | None:
    """Return the number that a text says, or None where it says none that a double can hold.

    It is a whole number, a decimal with a point or a comma, one with a power of ten such as 1e-3
    or 2×10⁸, a fraction of two of these, an infinity or nan. Any minus sign, full-width characters
    and spaces around are fine; a comma never stands between thousands. A decimal shows all its
    digits; in a whole number the zeros at the end may only fill places, so 1300 shows two digits.

    >>> read_text(" −1,50 "), read_text("27/3"), read_text("two")
    (Answer(number=-1.5, unit=0.01, text='−1.50'), Answer(number=9.0, unit=0.0, text='27/3'), None)
    >>> read_text("1.5×10⁻⁷").number, read_text("−10⁸").number
    (1.5e-07, -100000000.0)
    >>> read_text("1300").unit, read_text("1300.").unit
    (100.0, 1.0)
    """
    plain = _plain(text)
    if len(plain) > _LONGEST:
        return None
    shown = plain.replace(",", ".").replace("-", "−")
    if match := _ENDLESS.fullmatch(plain):
        return Answer(-math.inf if match[1] == "-" else math.inf, 0.0, shown)
    if plain == "nan":
        return Answer(math.nan, 0.0, shown)
    above, bar, below = plain.partition("/")
    first, second = _decimal(above.rstrip(" ")), _decimal(below.lstrip(" ") if bar else "1")
    if first is None or second is None:
        return None
    if not bar:
        return Answer(*first, shown)
    quotient = first[0] / second[0] if second[0] else math.nan
    lost = not math.isfinite(quotient) or (quotient == 0.0 and first[0] != 0.0)
    return None if lost else Answer(quotient, 0.0, shown)


def _plain(text: str) -> str:
    """Return a text with one kind of space, of minus sign and of digits."""
    narrow = _SPACES.sub(" ", text).translate(_FULL_WIDTH).translate(_MINUSES)
    return _POWER.sub(_as_exponent, narrow.strip(" ").lower())


def _as_exponent(match: re.Match[str]) -> str:
    """Return ×10⁸ as e8, and 10⁸ as 1e8."""
    return f"{'1' if match[0].startswith('10') else ''}e{match[1].translate(_DIGITS)}"


def _decimal(text: str) -> tuple[float, float] | None:
    """Return a decimal, and the unit of its last digit; None for one too large or small."""
    match = _DECIMAL.fullmatch(text)
    if match is None:
        return None
    sign, figures, power = match[1], match[2].replace(",", "."), int(match[3] or 0)
    whole, point, behind = figures.partition(".")
    value = float(f"{sign}{figures}e{power}")
    if math.isinf(value) or (value == 0.0 and figures.strip("0.")):
        return None
    filling = 0 if point else len(whole) - len(whole.rstrip("0"))
    return value, _power(power + filling - len(behind))


def _power(exponent: int) -> float:
    """Return a power of ten, the nearest double."""
    return float(f"1e{exponent}")


def _exponent(value: float) -> int:
    """Return the power of ten of the first digit of a number."""
    return int(f"{value:.16e}".partition("e")[2])

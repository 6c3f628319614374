"""Text in pictures: numbers, widths, labels that are harmless."""

from __future__ import annotations

import math
import unicodedata
from functools import lru_cache

from ...core.markup import visible

#: the longest label that is drawn
LONGEST = 200

#: smaller powers of ten are written with zeros, however few digits are asked for
SHORTEST_POWER = 6
_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")

# advance widths of a serif face, in 1/100 em; a wide face (DejaVu Serif) still fits
_WIDTHS = {
    **dict.fromkeys("iljtfr'.,;:|!()[]/ ", 38),
    **dict.fromkeys("0123456789−+-=·*", 62),
    **dict.fromkeys("mwMW%@→", 98),
    **dict.fromkeys("ABCDEFGHKLNOPQRSTUVXYZ&", 78),
}
_OTHER = 62


def number(value: float, digits: int = 6) -> str:
    """Return a number as pictures show it.

    >>> number(3.3000000000000003), number(-12.0), number(1.5e-7), number(float("-inf"))
    ('3.3', '−12', '1.5×10⁻⁷', '−∞')
    >>> number(1234.0, 2), number(1e8)
    ('1200', '10⁸')
    """
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    mantissa, e, exponent = f"{value:.{digits}g}".partition("e")
    if e and 0 <= int(exponent) < SHORTEST_POWER:
        mantissa, e = f"{float(mantissa + e + exponent):.0f}", ""
    if mantissa in ("-0", "0"):
        return "0"
    shown = mantissa.replace("-", "−")
    if not e:
        return shown
    power = str(int(exponent)).translate(_RAISED)
    return f"{shown}×10{power}" if shown.strip("−") != "1" else f"{shown[:-1]}10{power}"


def width(text: str, size: float = 14.0) -> float:
    """Return a safe estimate of how wide a text is; full-width characters count one em."""
    return sum(map(_hundredths, text)) * size / 100


@lru_cache(maxsize=1024)
def _hundredths(character: str) -> int:
    if unicodedata.east_asian_width(character) in "WF":
        return 100
    return 0 if unicodedata.combining(character) else _WIDTHS.get(character, _OTHER)


def harmless(text: str) -> str:
    """Return a label as text that no reader can take for anything else, its length capped.

    >>> harmless("a\\x00b\\u202ec")
    'a�b⟨U+202E⟩c'
    """
    capped = visible(text[: LONGEST + 1])
    return capped[: LONGEST - 1] + "…" if len(text) > LONGEST else capped


def whole(name: str) -> str:
    """Return a name in brackets where it would fall apart behind a ∂.

    >>> whole("x"), whole("X·W")
    ('x', '(X·W)')
    """
    return f"({name})" if any(sign in name for sign in "·+−-×*/ ,") else name

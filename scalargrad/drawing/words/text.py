"""Text in pictures: numbers, widths, and the one function that makes any text harmless."""

from __future__ import annotations

import math
import unicodedata

#: the longest label that is drawn
LONGEST = 200

# advance widths of a serif face, in 1/100 em; a wide face (DejaVu Serif) still fits
_WIDTHS = {
    **dict.fromkeys("iljtfr'.,;:|!()[]/ ", 38),
    **dict.fromkeys("0123456789−+-=·*", 62),
    **dict.fromkeys("mwMW%@", 98),
    **dict.fromkeys("ABCDEFGHKLNOPQRSTUVXYZ&", 78),
}
_OTHER = 62

_BIDI = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C}


def number(value: float, digits: int = 6) -> str:
    """Return a number as pictures show it.

    >>> number(3.3000000000000003), number(-12.0), number(1e-7), number(float("-inf"))
    ('3.3', '−12', '1e−7', '−∞')
    """
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:.{digits}g}"
    if text in ("-0", "0"):
        return "0"
    mantissa, e, exponent = text.partition("e")
    if e:
        text = f"{mantissa}e{int(exponent)}"
    return text.replace("-", "−")


def width(text: str, size: float = 14.0) -> float:
    """Return a safe estimate of how wide a text is; full-width characters count one em."""
    hundredths = 0
    for character in text:
        if unicodedata.east_asian_width(character) in "WF":
            hundredths += 100
        elif not unicodedata.combining(character):
            hundredths += _WIDTHS.get(character, _OTHER)
    return hundredths * size / 100


def harmless(text: str) -> str:
    """Return a label as text that no reader can take for anything else.

    What XML 1.0 forbids becomes a replacement character, controls of the writing direction
    become visible, white space becomes one space, and the length is capped.

    >>> harmless("a\\x00b\\u202ec")
    'a�b⟨U+202E⟩c'
    """
    shown = []
    for character in text[: LONGEST + 1]:
        code = ord(character)
        if character in "\t\n\r":
            shown.append(" ")
        elif (
            code < 0x20 or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000 or code & 0xFFFE == 0xFFFE
        ):
            shown.append("�")
        elif code in _BIDI:
            shown.append(f"⟨U+{code:04X}⟩")
        else:
            shown.append(character)
    capped = "".join(shown)
    return capped[: LONGEST - 1] + "…" if len(text) > LONGEST else capped


def whole(name: str) -> str:
    """Return a name in brackets where it would fall apart behind a ∂.

    >>> whole("x"), whole("X·W")
    ('x', '(X·W)')
    """
    return f"({name})" if any(sign in name for sign in "·+−-×*/ ,") else name


def escaped(text: str) -> str:
    """Return a text for XML or HTML, as content or in an attribute.

    >>> escaped('</svg><svg onload="x">')
    '&lt;/svg&gt;&lt;svg onload=&quot;x&quot;&gt;'
    """
    for character, entity in (
        ("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;"),
    ):  # fmt: skip
        text = text.replace(character, entity)
    return text

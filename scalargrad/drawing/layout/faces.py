"""How wide the characters of a serif face are: those of Times, measured."""

from __future__ import annotations

import unicodedata

#: other faces may be a little wider
_SAFE = 1.03
_OTHER = 600


def _widths(table: dict[int, str]) -> dict[str, int]:
    return {sign: wide for wide, signs in table.items() for sign in signs}


# by thousandths of the size
_ROMAN = _widths({
    200: "|'", 250: " ,.", 278: "/:;\\ijlt", 333: "!()-I[]`fr·⌊⌋⌈⌉", 389: "Js", 425: "τζε",
    444: "?acezγχξν", 485: "θλδ{}^∂", 500: "0123456789_bdghknopquvxy#$*ρυκπβη", 540: "~σμα√≤≥",
    556: "FPS", 570: "+<=>−×φΣ", 611: "ELTZ", 660: "ψΔωBCR", 722: "ADGHKNOQUVXYw∞ΦΩ", 778: "m&",
    833: "%", 900: "M@", 944: "W", 1000: "…→",
})  # fmt: skip
_BOLD = _widths({
    220: "|", 250: " ,.", 278: "'/\\il", 333: "!()-:;[]`fjt·⌊⌋⌈⌉", 389: "Is", 444: "cerzεζξντχγ",
    500: "0123456789?J_agovxyλδυθ∂{}#$*", 556: "Sbdhknpquβρσπ√≤≥καμη", 580: "+<=>−×^~", 611: "FP",
    640: "φΔΣ", 667: "BELTZψ", 722: "ACDNRUVXYw∞ω", 778: "GHKOQ", 833: "&mΩΦ", 944: "M@",
    1000: "W%…→",
})  # fmt: skip


def advance(text: str, size: float, *, bold: bool = False) -> float:
    """Return how wide a text is; full-width characters count one em.

    >>> advance("00", 10.0), advance("りんご", 10.0)
    (10.3, 30.9)
    """
    face, thousandths = _BOLD if bold else _ROMAN, 0
    for character in text:
        if unicodedata.east_asian_width(character) in "WF":
            thousandths += 1000
        elif not unicodedata.combining(character):
            thousandths += face.get(character, _OTHER)
    return round(thousandths * size * _SAFE / 1000, 4)

"""Pieces of type as mathematics of TeX; what a user typed is inert text in it.

Everything is ASCII that pdfTeX can set; letters of other writings stay as they are.
"""

from __future__ import annotations

import re
import unicodedata

from ..words.pieces import GREEK, Sign

#: signs that are mathematics wherever they stand
_SIGNS = {
    "−": "-", "×": r"\times", "·": r"\cdot", "÷": r"\div", "±": r"\pm", "∂": r"\partial",
    "√": r"\surd", "∞": r"\infty", "≤": r"\leq", "≥": r"\geq", "≠": r"\neq", "≈": r"\approx",
    "→": r"\rightarrow", "←": r"\leftarrow", "∑": r"\textstyle\sum", "∏": r"\textstyle\prod",
    "∫": r"\textstyle\int", "∇": r"\nabla", "∈": r"\in", "°": r"^{\circ}", "′": "'", "¬": r"\neg",
    "⌊": r"\lfloor", "⌋": r"\rfloor", "⌈": r"\lceil", "⌉": r"\rceil", "⟨": r"\langle",
    "⟩": r"\rangle", "|": r"\vert", "<": "<", ">": ">", "µ": r"\mu", "ℓ": r"\ell",
    "ε": r"\varepsilon", "φ": r"\varphi", "ϵ": r"\epsilon", "ϕ": r"\phi", "ι": r"\iota",
    "ϑ": r"\vartheta", "υ": r"\upsilon", "Ξ": r"\Xi", "Π": r"\Pi", "Υ": r"\Upsilon",
}  # fmt: skip
_SIGNS = {letter: rf"\{name}" for name, letter in GREEK.items()} | _SIGNS
#: characters of a text that TeX does not take as they are, or draws otherwise
_CHARACTERS = {
    "\\": r"\(\backslash\)", "{": r"\(\{\)", "}": r"\(\}\)", "$": r"\(\mathdollar\)", "%": r"\%",
    "#": r"\#", "&": r"\&", "_": r"\_", "^": r"\^{}", "~": r"\~{}", '"': r"\char34{}",
    "`": r"\char96{}",
    "'": "'{}", "-": "-{}", ",": ",{}", "!": "!{}", "?": "?{}", " ": r"\ ", "\u00a0": "~",
    "–": "--{}", "—": "---{}", "‘": "`{}", "’": "'{}", "“": "``{}", "”": "''{}", "…": r"\dots{}",
    "ß": r"\ss{}", "æ": r"\ae{}", "œ": r"\oe{}", "ø": r"\o{}", "ł": r"\l{}", "ı": r"\i{}",
    "Æ": r"\AE{}", "Œ": r"\OE{}", "Ø": r"\O{}", "Ł": r"\L{}", "¡": "!`{}", "¿": "?`{}",
    "§": r"\(\mathsection\)", "¶": r"\(\mathparagraph\)", "£": r"\(\mathsterling\)",
    "\ufffd": r"{\fboxsep=0pt\fbox{?}}",
}  # fmt: skip
#: what stands above or below a letter, in mathematics and in a text
_ACCENTS = {
    "\u0300": ("grave", "`"), "\u0301": ("acute", "'"), "\u0302": ("hat", "^"),
    "\u0303": ("tilde", "~"), "\u0304": ("bar", "="), "\u0306": ("breve", "u"),
    "\u0307": ("dot", "."), "\u0308": ("ddot", '"'), "\u030a": ("mathring", "r"),
    "\u030b": ("", "H"), "\u030c": ("check", "v"), "\u0327": ("", "c"), "\u20d7": ("vec", ""),
}  # fmt: skip
#: what needs no text in the midst of mathematics
_WORD = r"[A-Za-z]+"
_PLAIN = re.compile(rf"{_WORD}|[ 0-9.,:;/()\[\]+=!*']|[{re.escape(''.join(_SIGNS))}]")
_OPERATORS = {"+", "-", "="}


class Mathematics:
    """Writes the pieces of a formula as TeX does, between two $."""

    def sign(self, sign: Sign) -> str:
        """Write characters of one kind."""
        if sign.faint:
            return rf"\textcolor{{sggrey}}{{{text(sign.plain)}}}"
        if sign.space >= 0.2 and sign.plain in "+−":  # between two operands
            return _SIGNS.get(sign.plain, sign.plain)
        if sign.space and sign.plain == "·":
            return r"\by "
        return _characters(sign.plain, italic=sign.italic)

    def row(self, parts: list[str]) -> str:
        """Write pieces side by side."""
        return "".join(parts)

    def over(self, top: str, bottom: str, rise: float, fall: float) -> str:
        """Write a fraction, whose parts stand as near to its bar as they are low and tall."""
        return rf"\frac{{{top}}}{{{bottom}}}"

    def script(self, base: str, above: str | None, below: str | None, rise: float) -> str:
        """Write what has something small above or below."""
        raised = f"^{{{above}}}" if above is not None else ""
        lowered = f"_{{{below}}}" if below is not None else ""
        return f"{base if len(base) == 1 else f'{{{base}}}'}{lowered}{raised}"

    def root(self, inner: str, index: str, up: float, down: float) -> str:
        """Write a root."""
        return rf"\sqrt[{index}]{{{inner}}}" if index else rf"\sqrt{{{inner}}}"

    def bracketed(self, inner: str, tall: float, foot: float) -> str:
        """Write brackets, as tall as what stands in them where that is tall."""
        return rf"\left({inner}\right)" if tall > 1.0 else f"({inner})"


def text(characters: str, *, italic: bool = False) -> str:
    r"""Return a text that TeX sets as it is, whatever is in it.

    >>> print(text(r"50% \input{x}_1"))
    \text{50\%\ \(\backslash\)input\(\{\)x\(\}\)\_1}
    """
    shape = r"\itshape " if italic else ""
    return rf"\text{{{shape}{''.join(map(_character, _clusters(characters)))}}}"


def _characters(plain: str, *, italic: bool) -> str:
    """Return characters as mathematics; as a text where they are none."""
    clusters = _clusters(plain)
    if len(clusters) == 1 and len(clusters[0]) > 1:
        return _accented(clusters[0], mathematics=True)
    tokens = _PLAIN.findall(plain)
    words = [token for token in tokens if token[0].isascii() and token[0].isalpha()]
    ends = "'" not in plain.rstrip("'")  # a prime, not an apostrophe
    if "".join(tokens) != plain or (words and " " in plain) or not ends:
        return text(plain, italic=italic)
    return "".join(_token(token, italic) for token in tokens)


def _token(token: str, italic: bool) -> str:
    if token[0].isascii() and token[0].isalpha():
        if italic:
            return token if len(token) == 1 else rf"\mathit{{{token}}}"
        return rf"\mathrm{{{token}}}"
    if token == " ":
        return r"\ "
    if token == "*":
        return text(token)
    written = _SIGNS.get(token, token)
    alone = written in _OPERATORS or token in ",;:!<>×·÷±≤≥≠≈→←∈|⌊⌋⌈⌉⟨⟩"
    return f"{{{written}}}" if alone else written + " " * written[-1].isalpha()


def _clusters(characters: str) -> list[str]:
    """Return letters, each with what stands above or below it, and other characters.

    >>> _clusters("xé")
    ['x', 'e\u0301']
    """
    clusters: list[str] = []
    for character in characters:
        parts = unicodedata.normalize("NFD", character)
        known = parts[0].isascii() and all(part in _ACCENTS for part in parts[1:])
        if clusters and unicodedata.combining(character):
            clusters[-1] += character
        else:
            clusters.append(parts if known else character)
    return clusters


def _character(cluster: str) -> str:
    """Return a character of a text, with its accents."""
    if len(cluster) > 1:
        return _accented(cluster, mathematics=False)
    if cluster in _SIGNS:
        return rf"\({_SIGNS[cluster]}\)"
    return _CHARACTERS.get(cluster, cluster)


def _accented(cluster: str, *, mathematics: bool) -> str:
    """Return a letter with its accents: as mathematics also in a text where no face has it."""
    common = not mathematics and len(unicodedata.normalize("NFC", cluster)) == 1
    written = cluster[0] if mathematics else _character(cluster[0])
    for mark in cluster[1:]:
        in_mathematics, in_text = _ACCENTS.get(mark, ("", ""))
        if common and in_text:
            written = rf"\{in_text}{{{written}}}"
        elif in_mathematics:
            inner = written if mathematics else rf"\text{{{written}}}"
            accented = rf"\{in_mathematics}{{{inner}}}"
            written = accented if mathematics else rf"\({accented}\)"
        else:
            written += mark  # of another writing
    return written

"""Pieces of type: a formula as a tree that can be set, and the plain text that says the same."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_RAISED = str.maketrans("0123456789−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_SMALL = str.maketrans("₀₁₂₃₄₅₆₇₈₉⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁽⁾", "0123456789" * 2 + "−()")
_SCRIPTS = re.compile("([₀-₉]+|[⁰¹²³⁴-⁹⁻⁽⁾]+)")
_ABOVE = re.compile("[⁰¹²³⁴-⁹⁻⁽⁾]+")
#: letters that are typed by their names
GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ",
    "eta": "η", "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ",
    "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
    "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ",
    "Omega": "Ω",
}  # fmt: skip
#: a letter, with the accents upon it that are signs of their own: x̂
_LETTER = r"[^\W\d_][\u0300-\u036f]*"
#: a letter or two, and what stands below or above: W_11, x1, a^{(1)}_1
_NAME = re.compile(
    rf"(?P<base>{'|'.join(GREEK)}|{_LETTER}(?:{_LETTER})?'*|(?:{_LETTER})+(?=_(?:\d|\{{)))"
    r"(?:\^\{(?P<above>[^{}]{1,12})\})?"
    r"(?:_\{(?P<braced>[^{}]{1,12})\}|_(?P<below>[^\W_]{1,3})|(?P<digits>\d{1,4}))?"
    r"(?:\^\{(?P<after>[^{}]{1,12})\})?"
)


#: how a remark begins: what is so at this point
HERE = "here "


@dataclass(frozen=True)
class Sign:
    """Characters of one kind in a row; `space` is what stands on either side, over the size."""

    plain: str
    italic: bool = False
    space: float = 0.0
    faint: bool = field(default=False, repr=False)  # grey: it belongs to no number


@dataclass(frozen=True)
class Beside:
    """Pieces side by side."""

    parts: tuple[Piece, ...]

    @property
    def plain(self) -> str:
        """What it says, on one line of plain text."""
        return "".join(part.plain for part in self.parts)


@dataclass(frozen=True)
class Over:
    """A fraction; inside of another one it stands in a row."""

    top: Piece
    bottom: Piece
    row: Beside  # with a slash, and brackets where they are needed

    @property
    def plain(self) -> str:
        """What it says, on one line of plain text."""
        return self.row.plain


@dataclass(frozen=True)
class Script:
    """What has something small above or below."""

    base: Piece
    plain: str
    above: Piece | None = None
    below: Piece | None = None


@dataclass(frozen=True)
class Root:
    """What stands under a root, with the small 3 of a cube root."""

    inner: Piece
    plain: str
    index: str = ""


Piece = Sign | Beside | Over | Script | Root


class Typeset(str):
    """A text that can be set in type: by itself the plain one, and every line as a piece."""

    __slots__ = ("lines",)
    lines: tuple[Piece, ...]

    def __new__(cls, lines: Iterable[Piece]) -> Typeset:
        """Make the text of some lines."""
        known = tuple(lines)
        made = super().__new__(cls, "\n".join(line.plain for line in known))
        made.lines = known
        return made


def lines_of(text: str) -> tuple[Piece, ...]:
    """Return the lines of a text as pieces of type."""
    return text.lines if isinstance(text, Typeset) else tuple(map(plain, text.split("\n")))


def stacked(*texts: str) -> Typeset:
    """Return texts, each on lines of its own."""
    return Typeset([line for text in texts for line in lines_of(text)])


def parted(text: str) -> tuple[str, list[str]]:
    """Return a text without its remarks, and those.

    >>> parted("0\\nhere x ≤ 0")
    ('0', ['here x ≤ 0'])
    """
    lines = [Typeset([line]) for line in lines_of(text)]
    remarks = [line for line in lines if line.startswith(HERE)]
    return stacked(*(line for line in lines if line not in remarks)), [*remarks]


def beside(*texts: str) -> Typeset:
    """Return texts of one line side by side."""
    return Typeset([Beside(tuple(lines_of(text)[0] for text in texts))])


def typeset(name: str) -> Typeset:
    """Return a name that is set as one."""
    return Typeset([named(name)])


def equation(name: str, text: str) -> Typeset:
    """Return that a name is what a text says.

    >>> equation("v₁", "x+y")
    'v₁ = x+y'
    """
    return beside(typeset(name), " = ", text)


def summed(terms: Sequence[str]) -> Typeset:
    """Return a sum with a line a term.

    >>> summed(["x", "y", "z"])
    'x\\n+ y\\n+ z'
    """
    lines = [lines_of(terms[0])[0]]
    for term in terms[1:]:
        line = lines_of(term)[0]
        minus = term.startswith("−")
        parts = line.parts[minus:] if isinstance(line, Beside) else (line,)
        lines.append(Beside((Sign("− " if minus else "+ "), *parts)))
    return Typeset(lines)


def level(label: str) -> str:
    """Return a label without what is raised or lowered in it: x₁, x_1 and x1 are one name.

    >>> level("x₁"), level("W_{1,2}")
    ('x1', 'W1,2')
    """
    return "".join(sign for sign in label.translate(_SMALL) if sign not in "_{}^")


def plain(text: str, *, italic: bool = False) -> Piece:
    """Return a text as a piece, with the small digits that are in it: many fonts lack ₁ or ⁴.

    >>> plain("x₁²").plain, plain("x₁²").above
    ('x₁²', Sign(plain='2', italic=False, space=0.0))
    """
    pieces: list[Piece] = []
    for part in filter(None, _SCRIPTS.split(text)):
        small = part.translate(_SMALL)
        if small == part or not pieces:
            pieces.append(Sign(part if small == part else small, italic))
            continue
        base, inner = pieces.pop(), Sign(small)
        whole = base.plain + part
        below, above = getattr(base, "below", None), getattr(base, "above", None)
        if isinstance(base, Script):
            base = base.base
        if part[0] in "₀₁₂₃₄₅₆₇₈₉":
            pieces.append(Script(base, whole, above, inner))
        else:
            pieces.append(Script(base, whole, inner, below))
    return pieces[0] if len(pieces) == 1 else Beside(tuple(pieces))


def named(label: str) -> Piece:
    """Return a name as a piece: in italics, with what its digits and underscores lower.

    >>> named("x\\u03021").below
    Sign(plain='1', italic=False, space=0.0)
    >>> named("W_11").below, named("x1").below, named("a^{(1)}_1").above
    (Sign(plain='11', italic=False, space=0.0), Sign(plain='1', italic=False, space=0.0), \
Sign(plain='(1)', italic=False, space=0.0))
    """
    typed = label
    if "_{" in label:  # W⁽²⁾_{3,12}: a comma has no small sign
        typed = _ABOVE.sub(lambda found: f"^{{{found[0].translate(_SMALL)}}}", label)
    match = None if _SCRIPTS.search(typed) else _NAME.fullmatch(typed)
    if match is None:
        return plain(label, italic=True)
    below = match["braced"] or match["below"] or match["digits"]
    above = match["above"] or match["after"]
    base = Sign(GREEK.get(match["base"], match["base"]), italic=True)
    if base.plain == label:
        return base
    return Script(base, label, _small(above) if above else None, _small(below) if below else None)


def _small(text: str) -> Sign:
    return Sign(text.replace("-", "−"), italic=text.isalpha() and len(text) == 1)


def lowered(number: int | Sequence[int]) -> str:
    """Return digits as small ones below: ₁₂, with a comma where one of several is long.

    >>> lowered(3), lowered([1, 2]), lowered([1, 12])
    ('₃', '₁₂', '_{1,12}')
    """
    numbers = [number] if isinstance(number, int) else list(number)
    if len(numbers) > 1 and max(numbers) > 9:
        return "_{" + ",".join(map(str, numbers)) + "}"
    return "".join(map(str, numbers)).translate(_LOWERED)


def raised(text: str) -> str:
    """Return digits as small ones above, anything else behind a sign.

    >>> raised("2"), raised("−1"), raised("2/3"), raised("x")
    ('²', '⁻¹', '^(2/3)', '^x')
    """
    if text.lstrip("−").isdigit():
        return text.translate(_RAISED)
    return f"^{text}" if text.isalnum() and len(text) == 1 else f"^({text})"

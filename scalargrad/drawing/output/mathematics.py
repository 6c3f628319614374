"""Pieces of type as a language of mathematics writes them: the tree of a formula, walked once.

What stands in a row instead of stacked, and how far its parts stand from the baseline, is decided
by `layout.setting`; how wide they are, by the face in which a document sets them.
"""

from __future__ import annotations

from typing import Protocol

from ..layout import setting
from ..words.pieces import Beside, Over, Piece, Root, Script, Sign


class Language(Protocol):
    """How a language writes each kind of piece; distances are over the size of type, down."""

    def sign(self, sign: Sign) -> str:
        """Write characters of one kind."""

    def row(self, parts: list[str]) -> str:
        """Write pieces side by side."""

    def over(self, top: str, bottom: str, rise: float, fall: float) -> str:
        """Write a fraction whose parts have their baselines at two distances."""

    def script(self, base: str, above: str | None, below: str | None, rise: float) -> str:
        """Write what has something small at a distance above, or below."""

    def root(self, inner: str, index: str, up: float, down: float) -> str:
        """Write a root over what reaches so far up and down."""

    def bracketed(self, inner: str, tall: float, foot: float) -> str:
        """Write brackets of a size around what is tall, their baseline at a distance."""


def formula(piece: Piece, language: Language, *, bold: bool = False) -> str:
    """Return a piece of type in a language of mathematics."""
    return _formula(piece, language, bold, inside=False)


def _formula(piece: Piece, language: Language, bold: bool, *, inside: bool) -> str:
    match piece:
        case Sign():
            return language.sign(piece)
        case Beside((Sign("("), *inner, Sign(")"))) if not inside and inner:
            row = Beside(tuple(inner))
            laid = setting.laid(row, 1.0, bold=bold)
            tall, foot = setting.bracket(laid, 1.0)
            return language.bracketed(_formula(row, language, bold, inside=False), tall, foot)
        case Beside(parts):
            pairs = zip(parts, setting.within(parts), strict=True)
            return language.row(
                [_formula(part, language, bold, inside=inside or deep) for part, deep in pairs]
            )
        case Over(_, _, row) if inside:
            return _formula(row, language, bold, inside=True)
        case Over(top, bottom):
            rise, fall = setting.levels(
                setting.laid(top, setting.PART, bold=bold, inside=True),
                setting.laid(bottom, setting.PART, bold=bold, inside=True),
                1.0,
            )
            above, below = (_formula(p, language, bold, inside=True) for p in (top, bottom))
            return language.over(above, below, rise, fall)
        case Script(base, _, above, below):
            laid = setting.laid(base, 1.0, bold=bold, inside=inside)
            over, under = (
                None if small is None else _formula(small, language, bold, inside=True)
                for small in (above, below)
            )
            written = _formula(base, language, bold, inside=inside)
            return language.script(written, over, under, setting.raised(laid, 1.0))
        case Root(inner, _, index):
            laid = setting.laid(inner, 1.0, bold=bold, inside=inside)
            written = _formula(inner, language, bold, inside=inside)
            return language.root(written, index, laid.ascent, laid.descent)
    raise AssertionError(piece)

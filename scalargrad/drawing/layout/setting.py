"""Setting type: a piece becomes characters and strokes around a baseline, with its measures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from ..words.pieces import Beside, Over, Piece, Root, Script, Sign, Typeset
from .faces import advance

#: of a face, over its size: what reaches above and below the baseline, and where a minus stands
ASCENT, DESCENT, AXIS = 0.72, 0.24, 0.27
#: sizes of what is small, of the parts of a fraction, and how far a small sign is moved
SMALL, PART, RAISED, LOWERED = 0.7, 0.92, 0.36, 0.2
#: around the bar of a fraction, over the size; how far it reaches beyond its parts
BAR_GAP, BAR_MORE, BAR_ROOM = 0.12, 0.1, 0.1
#: the sign of a root: its width, and the room under its bar
HOOK, ROOT_GAP = 0.5, 0.1
STROKE, BOLD_STROKE = 0.065, 0.1


@dataclass(frozen=True)
class Glyphs:
    """Characters of one size and slope, from a position to the right."""

    x: float
    y: float  # of the baseline, down
    text: str
    size: float
    italic: bool = False
    faint: bool = False
    follows: bool = False  # whether it begins where the run before it ends, in any face


@dataclass(frozen=True)
class Stroke:
    """A bar or the sign of a root: a line through some points."""

    points: tuple[tuple[float, float], ...]
    width: float


@dataclass(frozen=True)
class Laid:
    """A piece that was set: its origin is the left end of its baseline."""

    width: float
    ascent: float
    descent: float
    runs: tuple[Glyphs, ...] = ()
    strokes: tuple[Stroke, ...] = ()

    def moved(self, x: float, y: float) -> Laid:
        """Return it at another place; its measures are those of the new baseline."""
        runs = tuple(
            Glyphs(run.x + x, run.y + y, run.text, run.size, run.italic, run.faint, run.follows)
            for run in self.runs
        )
        strokes = tuple(
            Stroke(tuple((a + x, b + y) for a, b in stroke.points), stroke.width)
            for stroke in self.strokes
        )
        return Laid(self.width, self.ascent - y, self.descent + y, runs, strokes)


@lru_cache(maxsize=4096)
def block(piece: Piece, size: float, *, bold: bool = False) -> Laid:
    """Return a piece as it is set; `width`, `ascent` and `descent` are what others need of it.

    >>> from ..words.pieces import lines_of
    >>> round(block(lines_of("x+y")[0], 10.0).width, 1)
    16.2
    """
    made = laid(piece, size, bold=bold)
    return replace(made, runs=_merged(made.runs, bold))


def _merged(runs: tuple[Glyphs, ...], bold: bool) -> tuple[Glyphs, ...]:
    """Return runs, those that follow each other as one: they need no positions of their own."""
    merged: list[Glyphs] = []
    for run in runs:
        last = merged[-1] if merged else None
        if last is not None and replace(last, x=run.x, text=run.text) == run:
            end = last.x + advance(last.text, last.size, bold=bold)
            if abs(end - run.x) < 0.01:
                merged[-1] = replace(last, text=last.text + run.text)
                continue
        merged.append(run)
    return tuple(merged)


def is_set(text: str) -> bool:
    """Tell whether a text holds a fraction or a root, which one line of characters is not."""
    return isinstance(text, Typeset) and any(block(line, 1.0).strokes for line in text.lines)


@lru_cache(maxsize=4096)
def laid(piece: Piece, size: float, *, bold: bool, inside: bool = False) -> Laid:
    """Set a piece; `inside` of a fraction, a bracket or what is small, a fraction has a slash."""
    match piece:
        case Sign(text, italic, space, faint):
            room = space * size
            run = Glyphs(room, 0.0, text, size, italic, faint)
            wide = advance(text, size, bold=bold) + 2 * room
            return Laid(wide, *_reach(text, size), (run,))
        case Beside((Sign("("), *inner, Sign(")"))) if not inside and inner:
            return _bracketed(laid(Beside(tuple(inner)), size, bold=bold), size, bold)
        case Beside(parts):
            pairs = zip(parts, within(parts), strict=True)
            return _row([
                laid(part, size, bold=bold, inside=inside or deep)
                for part, deep in pairs
            ])  # fmt: skip
        case Over(top, bottom, row):
            if inside:
                return laid(row, size, bold=bold, inside=True)
            return _over(top, bottom, size, bold)
        case Script():
            return _script(piece, size, bold, inside)
        case Root(inner, _, index):
            return _root(laid(inner, size, bold=bold, inside=inside), index, size, bold)
    raise AssertionError(piece)


def _bracketed(inner: Laid, size: float, bold: bool) -> Laid:
    """Set brackets around what was set, as tall as what stands in them."""
    tall, foot = bracket(inner, size)
    left, right = (
        Laid(advance(sign, tall, bold=bold), ASCENT * tall - foot, DESCENT * tall + foot,
             (Glyphs(0.0, foot, sign, tall),))
        for sign in "()"
    )  # fmt: skip
    return _row([left, inner, right])


def bracket(inner: Laid, size: float) -> tuple[float, float]:
    """Return the size of brackets around what was set, and their baseline."""
    tall = max(size, (inner.ascent + inner.descent) / (ASCENT + DESCENT))
    return tall, 0.0 if tall == size else inner.descent - DESCENT * tall


def within(parts: tuple[Piece, ...]) -> list[bool]:
    """Tell of each piece whether it stands in brackets, which do not grow."""
    depth, within = 0, []
    for part in parts:
        depth -= part.plain.startswith(")")
        within.append(depth > 0)
        depth += part.plain.endswith("(")
    return within


def _reach(text: str, size: float) -> tuple[float, float]:
    """Return how far characters reach above and below the baseline."""
    below = any(sign in "gjpqy,;()[]|⌊⌋⌈⌉βγζημξρφχψ/" for sign in text)
    return ASCENT * size, (DESCENT if below else 0.04) * size


def _row(blocks: list[Laid]) -> Laid:
    x = 0.0
    runs: list[Glyphs] = []
    strokes: list[Stroke] = []
    for one in blocks:
        placed = one.moved(x, 0.0)
        runs += placed.runs
        strokes += placed.strokes
        x += one.width
    up, down = (max(map(reach, blocks), default=0.0) for reach in (_up, _down))
    return Laid(x, up, down, tuple(runs), tuple(strokes))


def _up(one: Laid) -> float:
    return one.ascent


def _down(one: Laid) -> float:
    return one.descent


def _over(top: Piece, bottom: Piece, size: float, bold: bool) -> Laid:
    above, below = (laid(part, PART * size, bold=bold, inside=True) for part in (top, bottom))
    room, more = BAR_ROOM * size, BAR_MORE * size
    wide = max(above.width, below.width) + 2 * more
    stroke, axis = (BOLD_STROKE if bold else STROKE) * size, -AXIS * size
    rise, fall = levels(above, below, size)
    bar = Stroke(((room, axis), (room + wide, axis)), stroke)
    parts = [
        above.moved(room + (wide - above.width) / 2, rise),
        below.moved(room + (wide - below.width) / 2, fall),
    ]
    runs = tuple(run for part in parts for run in part.runs)
    strokes = (bar, *(line for part in parts for line in part.strokes))
    return Laid(wide + 2 * room, parts[0].ascent, parts[1].descent, runs, strokes)


def levels(above: Laid, below: Laid, size: float) -> tuple[float, float]:
    """Return the baselines of the two parts of a fraction."""
    axis, gap = -AXIS * size, BAR_GAP * size
    return axis - gap - above.descent, axis + gap + below.ascent


def _script(piece: Script, size: float, bold: bool, inside: bool) -> Laid:
    base = laid(piece.base, size, bold=bold, inside=inside)
    parts, wide = [base], base.width
    if piece.above is not None:
        small = _joined(piece, laid(piece.above, SMALL * size, bold=bold, inside=True))
        parts.append(small.moved(base.width + 0.03 * size, raised(base, size)))
        wide = max(wide, base.width + small.width + 0.06 * size)
    if piece.below is not None:
        small = _joined(piece, laid(piece.below, SMALL * size, bold=bold, inside=True))
        parts.append(small.moved(base.width, LOWERED * size))
        wide = max(wide, base.width + small.width + 0.03 * size)
    runs = tuple(run for part in parts for run in part.runs)
    strokes = tuple(line for part in parts for line in part.strokes)
    return Laid(wide, max(map(_up, parts)), max(map(_down, parts)), runs, strokes)


def raised(base: Laid, size: float) -> float:
    """Return the baseline of what is small above a base."""
    return -max(RAISED * size, base.ascent - 0.36 * size)


def _joined(piece: Script, small: Laid) -> Laid:
    """Return what is small, close to a word or number: its width is but a safe estimate."""
    match piece.base:
        case Sign(text, italic=False) if len(text) > 1 and None in (piece.above, piece.below):
            if len(small.runs) == 1:
                return replace(small, runs=(replace(small.runs[0], follows=True),))
    return small


def _root(inner: Laid, index: str, size: float, bold: bool) -> Laid:
    hook, gap = HOOK * size, ROOT_GAP * size
    top, bottom = -inner.ascent - gap * 0.5, max(inner.descent, 0.1 * size)
    stroke = (BOLD_STROKE if bold else STROKE) * size
    small = advance(index, 0.6 * size, bold=bold) * 0.5 if index else 0.0
    x = small
    points = (
        (x, -0.26 * size), (x + 0.12 * size, -0.33 * size), (x + 0.29 * size, bottom),
        (x + hook, top), (x + hook + inner.width + 0.08 * size, top),
    )  # fmt: skip
    placed = inner.moved(x + hook + 0.03 * size, 0.0)
    runs = placed.runs
    if index:
        runs = (Glyphs(0.0, -0.45 * size, index, 0.6 * size), *runs)
    wide = x + hook + inner.width + 0.14 * size
    strokes = (Stroke(points, stroke), *placed.strokes)
    return Laid(wide, -top + stroke, bottom + stroke / 2, runs, strokes)

"""From a picture to SVG: a fixed list of elements and attributes, nothing that can act."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from ...core.markup import escaped
from ..layout import measures as m
from ..layout.measures import BLACK, GREY, IDLE, PALE, RED, WHITE
from ..layout.picture import Arrow, Blank, Picture, Position, Shape, Text
from ..layout.setting import Laid, block
from ..words.pieces import Piece, Typeset, lines_of
from .outlines import open_edges, rounded
from .outlines import short as _n

FONT = (
    "'Times New Roman', 'Liberation Serif', 'Nimbus Roman', 'IPAPMincho', 'Hiragino Mincho ProN',"
    " 'Yu Mincho', 'Noto Serif CJK JP', serif"
)
_LOWERED, _RAISED = "₀₁₂₃₄₅₆₇₈₉", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁽⁾"
#: what a coordinate of one decimal does not need
_WHOLE = re.compile(r"\.0(?![0-9])")
_SMALL = re.compile(f"([{_LOWERED}]+|[{_RAISED}]+)")
_DIGITS = str.maketrans(_LOWERED + _RAISED, "0123456789" * 2 + "−()")
_STYLES = {
    "forward": f'fill="{BLACK}"',
    "backward": f'fill="{RED}" font-weight="bold"',
    "name": f'fill="{BLACK}" font-style="italic"',
    "symbol": f'fill="{BLACK}"',
    "mirror": f'fill="{RED}" font-weight="bold"',
    "frame title": f'fill="{GREY}"',
    "title": f'fill="{BLACK}"',
    "note": f'fill="{GREY}"',
}


_HALO = f' stroke="{WHITE}" stroke-width="3" stroke-linejoin="round" paint-order="stroke"'
_FAINT = f' fill="{GREY}"'
_SLOPES = {True: ' font-style="italic"', False: ""}

#: what an element is, what it is about, and its side: to the attributes that say so
_Hook = Callable[..., str]


def render(picture: Picture, *, hooks: bool = False, typeset: bool = False) -> str:
    """Return the SVG text of a picture.

    With `hooks`, every element says what it is (`data-kind`), what it stands for (`data-about`,
    see `Picture`) and whether it goes forward or backward (`data-side`), for the script and the
    style sheet of a page. A script writes other numbers there, so that values stay plain texts,
    unless they are `typeset`.
    """
    hook: _Hook = _hook if hooks else _no_hook
    left, top, right, bottom = picture.box
    wide, tall = _n(right - left), _n(bottom - top)
    label = escaped(picture.title or picture.summary)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{tall}"'
        f' viewBox="{_n(left)} {_n(top)} {wide} {tall}" role="img" aria-label="{label}"'
        f' font-family="{FONT}">',
        f"<desc>{escaped(picture.summary)}</desc>",
        f'<rect x="{_n(left)}" y="{_n(top)}" width="{wide}" height="{tall}" fill="{WHITE}"'
        f"{hook('paper')}/>",
    ]
    parts += [_frame(frame, hook) for frame in picture.frames]
    parts += [_shape(shape, hook("shape", shape.about)) for shape in picture.shapes]
    for backward in (True, False):  # black over red where they cross
        parts += [_line(line, hook) for line in picture.arrows if line.backward is backward]
    parts += [
        f'<circle cx="{_n(dot.x)}" cy="{_n(dot.y)}" r="{m.DOT}" fill="{BLACK}"'
        f"{hook('dot', dot.about, 'forward')}/>"
        for dot in picture.dots
    ]
    plain = hooks and not typeset
    parts += [_text(text, hook, plain=plain) for text in picture.texts]
    parts += [_blank(blank) for blank in picture.blanks]
    return "\n".join([*parts, "</svg>"]) + "\n"


def formulas(content: str, size: float) -> list[str]:
    """Return each line of a text as a small picture of its own, with the hooks of `render`."""
    return [_formula(line, size) for line in lines_of(content)]


def _formula(line: Piece, size: float) -> str:
    text = Text(0.0, 0.0, Typeset([line]), "forward", size, "start")
    made = block(line, size)
    wide, tall = _n(made.width + 2.0), _n(made.ascent + made.descent + 2.0)
    inner = _typeset(text, made, _hook("value", side="forward"), _hook("bar", side="forward"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{tall}"'
        f' viewBox="-1 {_n(-made.ascent - 1.0)} {wide} {tall}" role="img"'
        f' aria-label="{escaped(line.plain)}" font-family="{FONT}">\n{inner}\n</svg>\n'
    )


def _no_hook(kind: str, about: str = "", side: str = "") -> str:
    return ""


def _hook(kind: str, about: str = "", side: str = "") -> str:
    values = {"kind": kind, "about": about, "side": side}
    return "".join(f' data-{name}="{escaped(value)}"' for name, value in values.items() if value)


def _shape(shape: Shape, hook: str) -> str:
    dashes = ' stroke-dasharray="4 3"' if shape.dashed else ""
    fill = IDLE if shape.idle else WHITE
    return _rect(shape, f'fill="{fill}" stroke="{BLACK}" stroke-width="1.2"{dashes}{hook}')


def _frame(frame: Shape, hook: _Hook) -> str:
    """Return a frame; one that goes on in another line is open there."""
    style = f'stroke="{GREY}" stroke-width="0.8"'
    if not any(frame.cut):
        return _rect(frame, f'fill="{PALE}" {style}{hook("frame")}')
    ground = replace(frame, corner=m.CORNER)
    edge = f'fill="none" {style}{hook("edge")}'
    return "\n".join(
        [
            _rect(ground, f'fill="{PALE}" stroke="none"{hook("ground")}'),
            *(f'<path d="{_rounded(points)}" {edge}/>' for points in open_edges(frame)),
        ]
    )


def _rect(shape: Shape, style: str) -> str:
    left, top, right, bottom = shape.box()
    return (
        f'<rect x="{_n(left)}" y="{_n(top)}" width="{_n(right - left)}" height="{_n(bottom - top)}"'
        f' rx="{_n(shape.corner)}" {style}/>'
    )


def _line(line: Arrow, hook: _Hook) -> str:
    about, side = line.about, "backward" if line.backward else "forward"
    colour, stroke = (RED, line.stroke) if line.backward else (BLACK, m.FORWARD_STROKE)
    shaft = (
        f'<path d="{_rounded(line.points)}" fill="none" stroke="{colour}" stroke-width="{stroke}"'
        f"{hook('line', about, side)}/>"
    )
    return shaft + "\n" + _head(line, colour, hook("head", about, side))


def _head(line: Arrow, colour: str, hook: str) -> str:
    (ax, ay), (bx, by), (cx, cy) = line.corners()
    points = _WHOLE.sub("", f"{ax:.1f},{ay:.1f} {bx:.1f},{by:.1f} {cx:.1f},{cy:.1f}")
    fill = RED if line.backward else WHITE
    outline = "" if line.backward else f' stroke="{colour}" stroke-width="{m.FORWARD_STROKE}"'
    return f'<polygon points="{points}" fill="{fill}"{outline}{hook}/>'


def _rounded(points: tuple[Position, ...]) -> str:
    """Return path data with round corners."""
    data, letter = "", "M"
    for piece in rounded(points):
        data += "Q" if len(piece) == 2 else letter
        data += " ".join(f"{x:.1f} {y:.1f}" for x, y in piece)
        letter = "L"
    return _WHOLE.sub("", data)


def _blank(blank: Blank) -> str:
    left, top, right, bottom = blank.box()
    colour = RED if blank.backward else BLACK
    size = m.BLANK_NUMBER_SIZE
    return (
        f'<rect x="{_n(left)}" y="{_n(top)}" width="{_n(right - left)}" height="{_n(bottom - top)}"'
        f' fill="{WHITE}" stroke="{colour}" stroke-width="1.2"/>\n'
        f'<text x="{_n(left + 3)}" y="{_n(top + size)}" font-size="{_n(size)}" fill="{GREY}">'
        f"{blank.number}</text>"
    )


def _text(text: Text, hook: _Hook, *, plain: bool = False) -> str:
    valued = text.style in ("forward", "backward")
    said = hook("value", text.about, text.style) if valued else hook(text.style, text.about)
    made = None if valued and plain else text.block()
    if made is not None:
        side = text.style if valued else ""
        return _typeset(text, made, said, hook("bar", text.about, side))
    halo = ""
    if text.style in ("forward", "backward", "name"):
        halo = _HALO
    return (
        f'<text x="{_n(text.x)}" y="{_n(text.y)}" font-size="{_n(text.size)}"'
        f' text-anchor="{text.anchor}" {_STYLES[text.style]}{halo}{said}>'
        f"{_content(text, hook('number') if valued and plain else '')}</text>"
    )


def _typeset(text: Text, made: Laid, said: str, barred: str) -> str:
    """Return what was set: characters at their places, and the bars of fractions and roots."""
    placed = made.moved(text.start, text.y)
    spans, level = "", text.y
    for run in placed.runs:
        place = f'dy="{_n(run.y - level)}"' if run.follows else f'x="{_n(run.x)}" y="{_n(run.y)}"'
        spans += (
            f'<tspan {place} font-size="{_n(run.size)}"'
            f"{_SLOPES[run.italic]}{_FAINT * run.faint}>{escaped(run.text)}</tspan>"
        )
        level = run.y
    style = _STYLES[text.style].replace(' font-style="italic"', "")
    colour = RED if text.style == "backward" else BLACK
    plain = f'aria-label="{escaped(text.content)}"'
    lines = [
        f'<text font-size="{_n(text.size)}" {plain} {style}{_HALO}{said}>{spans}</text>',
    ]
    lines += [
        f'<path d="M{"L".join(f"{_n(x)} {_n(y)}" for x, y in stroke.points)}" fill="none"'
        f' stroke="{colour}" stroke-width="{_n(stroke.width)}"{barred}/>'
        for stroke in placed.strokes
    ]
    return "\n".join(lines)


def _content(text: Text, hook: str) -> str:
    """Return a text with small digits set by hand: many fonts lack ₁ or ⁴.

    With a hook, a number that stands after a name is marked by it.
    """
    parts, shift = [], 0.0
    named, equals, number = text.content.rpartition(" = ") if hook else (text.content, "", "")
    for part in _SMALL.split(named + equals):
        if not part:
            continue
        digits = part.translate(_DIGITS)
        target = 0.0
        if digits != part:
            target = 0.22 * text.size if part[0] in _LOWERED else -0.34 * text.size
        move = f' dy="{_n(target - shift)}"' if target != shift else ""
        small = f' font-size="{_n(0.7 * text.size)}"' if target else ""
        shown = escaped(digits if target else part)
        parts.append(f"<tspan{move}{small}>{shown}</tspan>" if move or small else shown)
        shift = target
    if equals:
        move = f' dy="{_n(-shift)}"' if shift else ""
        number = f"<tspan{move}{hook}>{escaped(number)}</tspan>"
    return "".join([*parts, number])

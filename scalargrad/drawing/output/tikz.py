"""From a picture to TikZ: the positions of the SVG, the type of the document it stands in."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

from ..layout import measures as m
from ..layout import setting
from ..layout.measures import BLACK, GREY, IDLE, PALE, RED, WHITE
from ..layout.picture import Arrow, Blank, Picture, Position, Shape, Text
from .mathematics import formula
from .outlines import open_edges, rounded, short
from .tex_type import Mathematics
from .themes import THEMES

#: wider, and TeX has no lengths for it; a wider picture has smaller units
WIDEST = 14_000.0
#: how much wider than its room type may be before it is made narrow
_MORE = 8.0
#: the size in which all type is set before it is scaled: one that every face has
_SET = 10.0

_STYLES = {
    "forward": "black", "backward": "red", "name": "black", "symbol": "black", "mirror": "red",
    "frame title": "grey", "title": "black", "note": "grey",
}  # fmt: skip
_ANCHORS = {"start": ", start", "middle": "", "end": ", end"}
_INKS = {
    "sgblack": BLACK, "sgred": RED, "sggrey": GREY, "sgpale": PALE, "sgpaper": WHITE,
    "sgidle": IDLE,
}  # fmt: skip
#: for letters that pdfTeX does not know: the first of these faces that is there
_FACES = (
    "Noto Serif CJK JP", "Hiragino Mincho ProN", "Yu Mincho", "HaranoAjiMincho-Regular.otf",
    "IPAPMincho", "IPAexMincho", "FreeSerif", "DejaVu Serif",
)  # fmt: skip
_LANGUAGE = Mathematics()

_HEAD = r"""% A picture by scalargrad. It compiles by itself, with @ENGINE@. It also stands in a
% document, where \input names this file, if \usepackage{amsmath,tikz} is in the preamble.
\makeatletter
\ifx\@nodocument\relax\let\sgend\relax\else
\documentclass{article}
\usepackage{amsmath,tikz}
\usepackage[papersize={@WIDE@pt,@TALL@pt},margin=0pt,nohead,nofoot]{geometry}
@FONTS@\pagestyle{empty}\parindent=0pt\def\sgend{\end{document}}
\begin{document}
\fi
\makeatother
"""
_OTHER_LETTERS = r"""\ifdefined\Umathcode\else
\errmessage{This picture has letters that pdflatex does not know: compile it with lualatex}\@@end
\fi
\usepackage{fontspec}\tracinglostchars=3
\def\sgface#1{\setmainfont{#1}[ItalicFont=*,BoldFont=*,BoldItalicFont=*]}
"""
_BEGIN = r"""\begin{tikzpicture}[x=@UNIT@pt, y=-@UNIT@pt, pen/.style={line width=@UNIT@*#1pt},
  corner/.style={rounded corners=@UNIT@*#1pt},
  set/.style={inner sep=0pt, outer sep=0pt, anchor=base, scale=@UNIT@*#1/10, font=\sgtype},
  black/.style={set=#1, text=sgblack}, grey/.style={set=#1, text=sggrey},
  red/.style={set=#1, text=sgred, font=\sgtype\bfseries\boldmath},
  start/.style={anchor=base west}, end/.style={anchor=base east}, centre/.style={anchor=center}]
\def\by{\mkern2mu{\cdot}\mkern2mu}
\def\sgtype{\normalfont\fontsize{10}{12}\selectfont}
% a fraction whose parts are nearly as large as what stands beside it, and near to its bar
\def\frac#1#2{{\setbox0\hbox{\scalebox{@PART@}{$#1$}}\setbox2\hbox{\scalebox{@PART@}{$#2$}}%
  \dimen0=\ifdim\wd0>\wd2 \wd0\else\wd2\fi\advance\dimen0 by @MORE@pt\kern@ROOM@pt
  \rlap{\raise\dimexpr @AXIS@pt+@GAP@pt+\dp0\relax\hbox to\dimen0{\hss\box0\hss}}%
  \rlap{\vrule width\dimen0 height\dimexpr @AXIS@pt+.4pt\relax depth-\dimexpr @AXIS@pt-.3pt\relax}%
  \lower\dimexpr\ht2+@GAP@pt-@AXIS@pt\relax\hbox to\dimen0{\hss\box2\hss}\kern@ROOM@pt}}
% what is wider than its room is made narrow
\def\fit#1#2{\setbox4\hbox{#2}\ifdim\wd4>#1pt\resizebox{#1pt}{\height}{\box4}\else\box4\fi}
"""


def render(picture: Picture, theme: str = "light") -> str:
    """Return a picture as a file of LaTeX that compiles by itself, and can be input."""
    colours = THEMES[theme]
    body = "".join(f"{line}\n" for line in _body(picture, colours))
    left, top, right, bottom = picture.box
    unit = _unit(max(right - left, bottom - top))
    head = _filled(
        _HEAD,
        engine="pdflatex or lualatex" if body.isascii() else "lualatex",
        wide=f"{unit * float(short(right - left)):.2f}",
        tall=f"{unit * float(short(bottom - top)):.2f}",
        fonts="" if body.isascii() else _fonts(),
    )
    begin = _filled(
        _BEGIN,
        unit=f"{unit:g}",
        part=f"{setting.PART:g}",
        axis=f"{_SET * setting.AXIS:g}",
        gap=f"{_SET * setting.BAR_GAP:g}",
        more=f"{2 * _SET * setting.BAR_MORE:g}",
        room=f"{_SET * setting.BAR_ROOM:g}",
    )
    return f"{head}{begin}{body}\\end{{tikzpicture}}\\sgend\n"


def _unit(size: float) -> float:
    """Return how many points a unit has: one that TeX multiplies without an error, if it may."""
    unit = min(1.0, WIDEST / size)
    return math.floor(64 * unit) / 64 or unit


def _filled(template: str, **values: str) -> str:
    for name, value in values.items():
        template = template.replace(f"@{name.upper()}@", value)
    return template


def _fonts() -> str:
    """Return what chooses a face for letters of other writings."""
    choice = ""
    for face in reversed(_FACES):
        choice = rf"\IfFontExistsTF{{{face}}}{{\sgface{{{face}}}}}{{{choice}}}"
    return f"{_OTHER_LETTERS}{choice}\n"


def _body(picture: Picture, colours: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines between the ends of a picture, from the back to the front."""
    for name, ink in _INKS.items():
        shown = colours.get(ink, ink)
        if shown != "none":
            yield rf"\definecolor{{{name}}}{{HTML}}{{{_digits(shown)}}}"
    left, top, right, bottom = picture.box
    x, y, wide, tall = map(float, map(short, (left, top, right - left, bottom - top)))
    paper = _options(_filling(WHITE, colours), "use as bounding box")
    yield rf"\path{paper} {_corners((x, y), (x + wide, y + tall))};"
    for frame in picture.frames:
        yield from _frame(frame, colours)
    for shape in picture.shapes:
        fill = _filling(IDLE if shape.idle else WHITE, colours)
        yield _shape(shape, "draw=sgblack", "pen=1.2", fill)
    for backward in (True, False):  # black over red where they cross
        for arrow in picture.arrows:
            if arrow.backward is backward:
                yield from _arrow(arrow, colours)
    for dot in picture.dots:
        yield rf"\fill[sgblack] {_at((dot.x, dot.y))} circle[radius={m.DOT}];"
    for text in picture.texts:
        yield _text(text)
    for blank in picture.blanks:
        yield from _blank(blank, colours)


def _digits(colour: str) -> str:
    digits = colour[1:].upper()
    return digits if len(digits) == 6 else "".join(2 * digit for digit in digits)


def _filling(ink: str, colours: Mapping[str, str]) -> str:
    """Return the option that fills with an ink of a theme, where it has it."""
    name = next(name for name, known in _INKS.items() if known == ink)
    return "" if colours.get(ink) == "none" else f"fill={name}"


def _options(*options: str) -> str:
    return f"[{', '.join(filter(None, options))}]"


def _at(position: Position) -> str:
    return f"({short(position[0])},{short(position[1])})"


def _corners(one: Position, other: Position) -> str:
    return f"{_at(one)} rectangle {_at(other)}"


def _shape(shape: Shape, *style: str) -> str:
    left, top, right, bottom = shape.box()
    dashes = "dash pattern=on 4pt off 3pt" if shape.dashed else ""
    if shape.width == shape.height == 2 * shape.corner:
        middle = _at((shape.x, shape.y))
        return rf"\path{_options(*style, dashes)} {middle} circle[radius={short(shape.corner)}];"
    style = *style, dashes, f"corner={short(shape.corner)}"
    return rf"\path{_options(*style)} {_corners((left, top), (right, bottom))};"


def _frame(frame: Shape, colours: Mapping[str, str]) -> Iterator[str]:
    """Yield a frame; one that goes on in another line is open there."""
    fill = _filling(PALE, colours)
    if not any(frame.cut):
        yield _shape(frame, "draw=sggrey", "pen=0.8", fill)
        return
    yield _shape(replace(frame, corner=m.CORNER), fill)
    for edge in open_edges(frame):
        yield rf"\draw[sggrey, pen=0.8] {_curved(edge)};"


def _arrow(arrow: Arrow, colours: Mapping[str, str]) -> Iterator[str]:
    """Yield the shaft of an arrow, then its head."""
    colour, stroke = ("sgred", arrow.stroke) if arrow.backward else ("sgblack", m.FORWARD_STROKE)
    yield rf"\draw[{colour}, pen={stroke}] {_curved(arrow.points)};"
    head = " -- ".join(map(_at, arrow.corners()))
    if arrow.backward:
        yield rf"\fill[sgred] {head} -- cycle;"
    else:
        style = _options("draw=sgblack", f"pen={m.FORWARD_STROKE}", _filling(WHITE, colours))
        yield rf"\path{style} {head} -- cycle;"


def _curved(points: tuple[Position, ...]) -> str:
    """Return a path with round corners; TikZ has two control points where SVG has one."""
    path, (x, y) = "", points[0]
    for piece in rounded(points):
        if len(piece) == 2:
            (cx, cy), (ex, ey) = piece
            controls = [((p + 2 * cx) / 3, (q + 2 * cy) / 3) for p, q in ((x, y), (ex, ey))]
            first, second = (f"({p:.2f},{q:.2f})" for p, q in controls)
            path += f" .. controls {first} and {second} .. {_at(piece[1])}"
        else:
            path += f"{' -- ' if path else ''}{_at(piece[0])}"
        x, y = piece[-1]
    return path


def _text(text: Text) -> str:
    style = f"{_STYLES[text.style]}={short(text.size)}{_ANCHORS[text.anchor]}"
    y = text.y
    if text.style == "symbol" and len(text.content) == 1:  # in the midst of its circle
        style, y = f"{style}, centre", text.y - m.SIGN_MIDDLE * text.size
    content = f"${formula(text.piece, _LANGUAGE, bold=text.style == 'backward')}$"
    if (made := text.block()) is not None:
        content = rf"\fit{{{(made.width + _MORE) / text.size * _SET:.1f}}}{{{content}}}"
    return rf"\node[{style}] at {_at((text.x, y))} {{{content}}};"


def _blank(blank: Blank, colours: Mapping[str, str]) -> Iterator[str]:
    """Yield an empty box, then its number."""
    left, top, right, bottom = blank.box()
    colour = "sgred" if blank.backward else "sgblack"
    style = _options(f"draw={colour}", "pen=1.2", _filling(WHITE, colours))
    yield rf"\path{style} {_corners((left, top), (right, bottom))};"
    size = m.BLANK_NUMBER_SIZE
    place = _at((left + 3, top + size))
    yield rf"\node[grey={short(size)}, start] at {place} {{${blank.number}$}};"

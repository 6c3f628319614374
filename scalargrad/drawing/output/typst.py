"""From a picture to Typst: the positions of the SVG, the face of the document it stands in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..layout import measures as m
from ..layout import setting
from ..layout.measures import BLACK, GREY, IDLE, PALE, RED, WHITE
from ..layout.picture import Arrow, Blank, Picture, Position, Shape, Text
from .mathematics import formula
from .outlines import open_edges, rounded, short
from .themes import THEMES
from .typst_type import Strings

#: how much wider than its room type may be before it is made narrow
_MORE = 8.0
_INKS = {"ink": BLACK, "flow": RED, "grey": GREY, "pale": PALE, "paper": WHITE, "idle": IDLE}
_STYLES = {
    "forward": "", "backward": "backward", "name": "", "symbol": "", "mirror": "backward",
    "frame title": "quiet", "title": "", "note": "quiet",
}  # fmt: skip
_SIDES = {"start": "side: 0", "middle": "", "end": "side: 1"}
_LANGUAGE = Strings()

_HEAD = """\
// A picture by scalargrad. It compiles by itself. It also stands in a document that says
//   #import "this file": picture
// and #picture where it stands, or #scale(50%, reflow: true, picture).
#let picture = {
"""
_FUNCTIONS = """\
  set text(top-edge: "bounds", bottom-edge: "bounds")
  set par(first-line-indent: 0pt, hanging-indent: 0pt, justify: false)
  // type
  let it(body) = text(style: "italic", body)
  let faint(body) = text(fill: grey, body)
  let apart(room, body) = h(room) + body + h(room)
  let bar() = if text.weight == "bold" { @BOLD@em } else { @BAR@em }
  let over(above, below, rise, fall) = context {
    let (above, below) = (above, below).map(part => box(text(@PART@em, part)))
    let (one, other) = (above, below).map(part => measure(part).width)
    let wide = calc.max(one, other) + 2 * @MORE@em.to-absolute()
    box({
      h(@ROOM@em + (wide - one) / 2)
      box(baseline: rise, above)
      h(-(one + other) / 2)
      box(baseline: fall, below)
      h(-(wide + other) / 2)
      box(width: wide, height: bar(), baseline: -@AXIS@em + bar() / 2, fill: text.fill)
      h(@ROOM@em)
    })
  }
  let script(base, above: "", below: "", rise: 0em) = context {
    let (above, below) = (above, below).map(part => box(text(@SMALL@em, part)))
    let (one, other) = (above, below).map(part => measure(part).width)
    box({
      base
      h(0.06em)
      box(baseline: rise, above)
      h(-one)
      box(baseline: @LOWERED@em, below)
      h(calc.max(one, other) - other)
    })
  }
  let root(inner, up, down, index: "") = context {
    let em = 1em.to-absolute()
    let (wide, up, down) = (measure(inner).width, up.to-absolute(), down.to-absolute())
    let (top, foot) = (up + 0.05 * em, calc.max(down, 0.1 * em))
    if index != "" {
      box(baseline: -0.45em, text(0.6em, index))
      h(-measure(text(0.6em, index)).width / 2)
    }
    box(width: @HOOK@em, height: top + foot, baseline: foot, place(std.top + left, curve(
      stroke: bar() + text.fill,
      curve.move((0em, top - 0.26 * em)),
      curve.line((0.12em, top - 0.33 * em)),
      curve.line((0.29em, top + foot)),
      curve.line((@HOOK@em, 0em)),
      curve.line((@HOOK@em + wide + 0.08em, 0em)),
    )))
    h(0.03em)
    box(inner)
    h(0.11em)
  }
  // a text with its baseline at y; wider than its room it is made narrow
  let word(x, y, size, body, fill: ink, weight: "regular", side: 0.5, room: none) = context {
    let line = box(text(size * 1pt, fill: fill, weight: weight, body))
    let wide = measure(line).width
    let part = if room == none { 1 } else { calc.min(1, room * 1pt / wide) }
    let strut = box(width: 0pt, height: 9 * size * 1pt)
    let row = block(width: wide + 1pt, align(left, strut + line))
    let row = if part < 1 { scale(x: part * 100%, origin: left, row) } else { row }
    place(top + left, dx: x * 1pt - side * part * wide, dy: (y - 9 * size) * 1pt, row)
  }
  let backward = word.with(fill: flow, weight: "bold")
  let quiet = word.with(fill: grey)
  let sign(x, y, size, body) = context {
    let line = box(text(size * 1pt, fill: ink, body))
    let room = measure(line)
    place(top + left, dx: x * 1pt - room.width / 2, dy: y * 1pt - room.height / 2, line)
  }
  // shapes and lines
  let slab(a, b, c, d, ..look) = place(top + left, dx: a * 1pt, dy: b * 1pt,
    rect(width: (c - a) * 1pt, height: (d - b) * 1pt, ..look))
  let disc(x, y, r, ..look) = place(top + left, dx: (x - r) * 1pt, dy: (y - r) * 1pt,
    circle(radius: r * 1pt, ..look))
  let shaft(stroke, ..points) = place(top + left, curve(stroke: stroke,
    ..points.pos().enumerate().map(((index, point)) => {
      let (x, y, ..end) = point.map(number => number * 1pt)
      if index == 0 { curve.move((x, y)) }
      else if end.len() == 0 { curve.line((x, y)) }
      else { curve.quad((x, y), (end.at(0), end.at(1))) }
    })))
  let head(fill, stroke, ..points) = place(top + left, polygon(fill: fill, stroke: stroke,
    ..points.pos().map(point => point.map(number => number * 1pt))))
"""
_TAIL = """\
#set page(width: auto, height: auto, margin: 0pt, fill: none)
#picture
"""


def render(picture: Picture, theme: str = "light") -> str:
    """Return a picture as a file of Typst that compiles by itself, and can be imported."""
    functions = _FUNCTIONS
    for name, value in {
        "BOLD": setting.BOLD_STROKE, "BAR": setting.STROKE, "PART": setting.PART,
        "MORE": setting.BAR_MORE, "ROOM": setting.BAR_ROOM, "AXIS": setting.AXIS,
        "SMALL": setting.SMALL, "LOWERED": setting.LOWERED, "HOOK": setting.HOOK,
    }.items():  # fmt: skip
        functions = functions.replace(f"@{name}@", f"{value:g}")
    colours = {ink: THEMES[theme].get(ink, ink) for ink in _INKS.values()}
    inks = "".join(f"  let {name} = {_colour(colours[ink])}\n" for name, ink in _INKS.items())
    left, top, right, bottom = picture.box
    body = "".join(f"    {line}\n" for line in _body(picture))
    box = f"width: {short(right - left)}pt, height: {short(bottom - top)}pt, fill: paper"
    moved = f"dx: {short(-left)}pt, dy: {short(-top)}pt"
    placed = f"  box({box}, place(std.top + left, {moved}, {{\n{body}  }}))\n}}\n"
    return f"{_HEAD}{inks}{functions}{placed}{_TAIL}"


def _colour(colour: str) -> str:
    return colour if colour == "none" else f'rgb("{colour}")'


def _body(picture: Picture) -> Iterator[str]:
    """Yield the calls that draw, from the back to the front."""
    for frame in picture.frames:
        yield from _frame(frame)
    for shape in picture.shapes:
        stroke = "(paint: ink, thickness: 1.2pt, dash: (4pt, 3pt))"
        outline = stroke if shape.dashed else "1.2pt + ink"
        yield _shape(shape, f"fill: {'idle' if shape.idle else 'paper'}, stroke: {outline}")
    for backward in (True, False):  # black over red where they cross
        for arrow in picture.arrows:
            if arrow.backward is backward:
                yield from _arrow(arrow)
    for dot in picture.dots:
        yield f"disc({_numbers(dot.x, dot.y)}, {m.DOT}, fill: ink)"
    for text in picture.texts:
        yield _text(text)
    for blank in picture.blanks:
        yield from _blank(blank)


def _numbers(*numbers: float) -> str:
    return ", ".join(map(short, numbers))


def _shape(shape: Shape, look: str) -> str:
    if shape.width == shape.height == 2 * shape.corner:
        return f"disc({_numbers(shape.x, shape.y, shape.corner)}, {look})"
    return f"slab({_numbers(*shape.box())}, radius: {short(shape.corner)}pt, {look})"


def _frame(frame: Shape) -> Iterator[str]:
    """Yield a frame; one that goes on in another line is open there."""
    stroke = "0.8pt + grey"
    if not any(frame.cut):
        yield _shape(frame, f"fill: pale, stroke: {stroke}")
        return
    yield _shape(replace(frame, corner=m.CORNER), "fill: pale")
    for edge in open_edges(frame):
        yield f"shaft({stroke}, {', '.join(map(_point, rounded(edge)))})"


def _arrow(arrow: Arrow) -> Iterator[str]:
    """Yield the shaft of an arrow, then its head."""
    stroke = f"{arrow.stroke}pt + flow" if arrow.backward else f"{m.FORWARD_STROKE}pt + ink"
    pieces = ", ".join(map(_point, rounded(arrow.points)))
    yield f"shaft({stroke}, {pieces})"
    corners = ", ".join(_point((corner,)) for corner in arrow.corners())
    yield f"head({'flow, none' if arrow.backward else f'paper, {stroke}'}, {corners})"


def _point(piece: tuple[Position, ...]) -> str:
    """Return where a piece of a line leads, behind its control point if it has one."""
    return f"({_numbers(*(number for position in piece for number in position))})"


def _text(text: Text) -> str:
    body = formula(text.piece, _LANGUAGE, bold=text.style == "backward")
    if text.style == "symbol" and len(text.content) == 1:  # in the midst of its circle
        middle = text.y - m.SIGN_MIDDLE * text.size
        return f"sign({_numbers(text.x, middle, text.size)}, {body})"
    arguments = [_numbers(text.x, text.y, text.size), body]
    if side := _SIDES[text.anchor]:
        arguments.append(side)
    if (made := text.block()) is not None:
        arguments.append(f"room: {short(made.width + _MORE)}")
    return f"{_STYLES[text.style] or 'word'}({', '.join(arguments)})"


def _blank(blank: Blank) -> Iterator[str]:
    """Yield an empty box, then its number."""
    left, top, right, bottom = blank.box()
    colour = "flow" if blank.backward else "ink"
    yield f"slab({_numbers(left, top, right, bottom)}, fill: paper, stroke: 1.2pt + {colour})"
    size = m.BLANK_NUMBER_SIZE
    yield f'quiet({_numbers(left + 3, top + size, size)}, "{blank.number}", side: 0)'

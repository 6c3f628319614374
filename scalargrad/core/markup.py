"""HTML as a notebook shows it: every text escaped, no script, no style sheet, no colour of paper.

What is drawn takes the colour of the text around it, so that it can be read on black too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

_LINE = "1px solid rgba(127,127,127,.4)"
_CELL = "padding:.15em .8em;vertical-align:middle"
_PLAIN = f"border-collapse:collapse;border:none;border-bottom:{_LINE};margin:.2em 0"

#: of a small curve, in pixels, and at most so many points of it
WIDE, HIGH, POINTS = 160, 28, 160


_BIDI = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C}


class Markup(str):
    """A piece of HTML, which is not escaped again; not every notebook takes it for a text."""

    __slots__ = ()


def visible(text: str) -> str:
    """Return a line of text that no reader can take for anything else.

    What XML 1.0 forbids becomes a replacement character, controls of the writing direction
    become visible, white space becomes one space.

    >>> visible("a\\x00b\\u202ec")
    'a�b⟨U+202E⟩c'
    """
    shown = []
    for character in text:
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
    return "".join(shown)


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


def paragraph(text: str) -> Markup:
    """Return a line of words.

    >>> paragraph("2 < 3")
    '<div>2 &lt; 3</div>'
    """
    return Markup(f"<div>{_content(text)}</div>")


def listing(text: str) -> Markup:
    """Return lines as they are, which scroll where they are wide."""
    style = "margin:.2em 0;overflow-x:auto;white-space:pre;background:none"
    lines = "\n".join(map(_content, text.splitlines()))
    return Markup(f'<pre style="{style}">{lines}</pre>')


def table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> Markup:
    """Return a table: some columns of words on the left, then numbers, then words without a head.

    >>> "<td" in table(["name", "value"], [["x", "1.0"]])
    True
    """
    sides = ["left" if i < left or not title else "right" for i, title in enumerate(head)]
    lines = [_row("th", head, sides, f"border-bottom:{_LINE}")]
    lines += [_row("td", row, sides, "border:none") for row in rows]
    return Markup(f'<table style="{_PLAIN}">{"".join(lines)}</table>')


def _row(kind: str, cells: Sequence[str], sides: Sequence[str], border: str) -> str:
    parts = []
    for cell, side in zip(cells, sides, strict=True):
        style = f"{_CELL};text-align:{side};{border};font-variant-numeric:tabular-nums"
        parts.append(f'<{kind} style="{style}">{_content(cell)}</{kind}>')
    return f'<tr style="background:none">{"".join(parts)}</tr>'


def bar(share: float, text: str) -> Markup:
    """Return a bar of which a share is full, with words beside it."""
    outer = f"display:inline-block;width:16em;height:.7em;border:{_LINE};margin-right:.8em"
    inner = f"display:block;width:{100 * share:.0f}%;height:100%;background:currentColor;opacity:.6"
    return Markup(
        f'<div><span style="{outer}"><span style="{inner}"></span></span>{_content(text)}</div>'
    )


def curve(numbers: Sequence[float]) -> Markup:
    """Return numbers as a small curve of the height of a line of text, with no axes.

    >>> curve([1.0, 0.0, 1.0]).count(" L")
    2
    """
    numbers = [x for x in _thinned(numbers) if math.isfinite(x)]
    low, high = min(numbers, default=0.0), max(numbers, default=0.0)
    span, step = high - low or 1.0, (WIDE - 8) / max(len(numbers) - 1, 1)
    points = [
        (4 + step * index, HIGH - 4 - (HIGH - 8) * (x - low) / span)
        for index, x in enumerate(numbers)
    ]
    path = " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    end = f'<circle cx="{points[-1][0]:.1f}" cy="{points[-1][1]:.1f}" r="2.2"/>' if points else ""
    return Markup(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDE}" height="{HIGH}"'
        f' viewBox="0 0 {WIDE} {HIGH}" fill="currentColor" role="img" aria-label="curve">'
        f'<path d="M{path or "0 0"}" fill="none" stroke="currentColor" stroke-width="1.2"/>'
        f"{end}</svg>"
    )


def _thinned(numbers: Sequence[float]) -> list[float]:
    """Return at most so many numbers: means of neighbours."""
    size = math.ceil(len(numbers) / POINTS) or 1
    parts = (numbers[i : i + size] for i in range(0, len(numbers), size))
    return [sum(part) / len(part) for part in parts]


def html(*parts: str) -> str:
    """Return some pieces below one another, as a plain text.

    >>> html(paragraph("a"), paragraph("b"))
    '<div><div>a</div><div>b</div></div>'
    """
    return f"<div>{''.join(map(_content, parts))}</div>"


def _content(text: str) -> str:
    return text if isinstance(text, Markup) else escaped(visible(text))

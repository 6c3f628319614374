"""A small curve of the results on the way, as SVG that says in words what it shows."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.markup import escaped
from ..drawing.words import text

WIDE, TALL, EDGE = 190.0, 64.0, 9.0
#: numbers of it that are read out, and points that are marked
MOST_SAID, MOST_MARKED = 12, 40


def curve(name: str, results: Sequence[float], digits: int) -> str:
    """Return a line through results at equal distances, the first and the last one in numbers.

    >>> curve("g", [4.0, 1.0], 6).count("<circle")
    2
    """
    low, high = min(results), max(results)
    scale = max(map(abs, results)) or 1.0  # so that no difference is beyond all bounds
    span = high / scale - low / scale

    def point(number: int) -> tuple[float, float]:
        along = number / max(len(results) - 1, 1)
        up = (results[number] / scale - low / scale) / span if span else 0.5
        return along * WIDE, EDGE + (1 - up) * (TALL - 2 * EDGE)

    points = [point(number) for number in range(len(results))]
    ends = [text.number(results[end], digits) for end in (0, -1)]
    left, right = (text.width(end, 16.0) + 10 for end in ends)
    marked = points if len(points) <= MOST_MARKED else [points[0], points[-1]]
    wide = left + WIDE + right
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:.1f}" height="{TALL:g}"'
        f' viewBox="{-left:.1f} 0 {wide:.1f} {TALL:g}" role="img"'
        f' aria-label="{escaped(_said(name, results, digits))}" font-size="16">',
        '<polyline fill="none" stroke-width="1.5" data-kind="line"'
        f' points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>',
        *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" data-kind="dot"/>' for x, y in marked),
    ]
    for end, (x, y), anchor in zip(ends, (points[0], points[-1]), ("end", "start"), strict=True):
        away = x - 8 if anchor == "end" else x + 8
        parts.append(
            f'<text x="{away:.1f}" y="{y + 5:.1f}" text-anchor="{anchor}" data-kind="symbol">'
            f"{escaped(end)}</text>"
        )
    return "".join([*parts, "</svg>"])


def _said(name: str, results: Sequence[float], digits: int) -> str:
    """Return a curve in words: its numbers, of many the first and the last ones."""
    numbers = [text.number(result, digits) for result in results]
    if len(numbers) > MOST_SAID:
        half = MOST_SAID // 2
        numbers = [*numbers[:half], "…", *numbers[-half:]]
    return f"{text.harmless(name)} step by step: {', '.join(numbers)}"

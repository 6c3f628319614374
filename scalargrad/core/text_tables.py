"""Tables of plain ASCII, as a terminal shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


def values_table(
    names: Sequence[str], columns: Mapping[str, Sequence[str]], notes: Sequence[str] = ()
) -> list[str]:
    """Return the lines of a table: names, columns of numbers, and perhaps a note a line.

    >>> values_table(["x"], {"value": ["1.0"]}, ["ok"])
    ['name  value', 'x       1.0  ok']
    """
    cells = [column(["name", *map(ascii_only, names)])]
    cells += [headed(title, points(numbers)) for title, numbers in columns.items()]
    if notes:
        cells.append(["", *notes])
    return [line.rstrip() for line in joined(cells, "  ")]


def column(cells: Iterable[str], *, right: bool = False) -> list[str]:
    """Pad texts to one width.

    >>> column(["x", "abc"]), column(["x", "abc"], right=True)
    (['x  ', 'abc'], ['  x', 'abc'])
    """
    cells = list(cells)
    width = max(map(len, cells), default=0)
    return [cell.rjust(width) if right else cell.ljust(width) for cell in cells]


def points(numbers: Iterable[str]) -> list[str]:
    """Pad numbers so that their points stand below one another.

    >>> points(["1.25", "-12.0", "inf"])
    ['  1.25', '-12.0 ', 'inf   ']
    """
    split = [number.partition(".") for number in numbers]
    before = column((whole for whole, _, _ in split), right=True)
    after = column(point + rest for _, point, rest in split)
    return [left + right for left, right in zip(before, after, strict=True)]


def headed(title: str, cells: Sequence[str]) -> list[str]:
    """Return a column of numbers below its title."""
    width = max(len(title), *map(len, cells))
    return [title.rjust(width), *(cell.rjust(width) for cell in cells)]


def joined(columns: Sequence[Sequence[str]], gap: str) -> list[str]:
    """Join columns to lines."""
    return [gap.join(cells) for cells in zip(*columns, strict=True)]


def ascii_only(text: str) -> str:
    """Return a text that any terminal can show; other characters become escapes.

    >>> ascii_only("θ = 1")
    '\\\\u03b8 = 1'
    """
    shown = text.encode("ascii", "backslashreplace").decode("ascii")
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in shown)

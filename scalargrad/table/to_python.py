"""What is written from the table into files of Python: methods, functions, names of modules.

It stands between two comments, `# == written from the table: <what>` and `# == end of <what>`;
what is around them is written by hand.
"""

from __future__ import annotations

import ast
import math
import re
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path

from . import ops, written
from .row import ROWS, ManyRow, Row, is_plural

_PACKAGE = Path(__file__).parents[1]
_WIDTH = 100


def files() -> dict[Path, str]:
    """Return every file of Python that has something from the table, with its text."""
    return {path: _filled(path) for path in (_METHODS, _FUNCTIONS, _MATH)}


def methods() -> str:
    """Return a method for each public row of one operand.

    >>> methods().splitlines()[0]
    'def exp(self) -> Self: return self._unary(ops.EXP, self)'
    """
    heads = {f"def {row.name}(self) -> Self:": _constant(row) for row in _public(arity=1)}
    bodies = {head: f"return self._unary(ops.{name}, self)" for head, name in heads.items()}
    return _lines(
        f"{head} {body}" if len(head + body) < _WIDTH - 5 else f"{head}\n    {body}"
        for head, body in bodies.items()
    )


def methods_of_numpy() -> str:
    """Return the methods that NumPy asks for when it meets Values in an array of objects.

    >>> methods_of_numpy().splitlines()[0]
    'def fabs(self) -> Self: return self._unary(ops.ABS, self)'
    """
    asked = [(name, row) for row in ROWS.values() for name in getattr(row, "numpy", ())]
    return _lines(
        f"def {name}(self) -> Self: return self._unary(ops.{_constant(row)}, self)"
        if row.arity == 1
        else f"def {name}(self, other: Self | Number) -> Self:\n"
        f"    return self._of_two(ops.{_constant(row)}, other)"
        for name, row in asked
    )


def functions() -> str:
    """Return a function for each public row, with the numbers of its example.

    >>> functions().splitlines()[1]
    'exp: Unary = unary(ops.EXP, 0.5, 1.648721, 1.648721)'
    """
    return _lines(
        f"{row.name}: {_kind(row)}(ops.{_constant(row)}, {', '.join(map(repr, _numbers(row)))})"
        for row in _public()
    )


#: operands of an example: the first that a row's sample has, for a row of one and for one of two
_NICE = {1: ((0.5, 2.5, -0.5),), 2: ((2.5, 0.5, -0.5), (2.0, 0.5, -0.5))}


def _numbers(row: Row | ManyRow) -> list[float]:
    """Return operands of a row, its result there and its partials, to six digits."""
    if isinstance(row, Row):
        point = list(map(_within, _NICE[row.arity], row.sample))
        result, partials = row.step(*point)
    else:
        point = [1.0, 3.0]
        lists = [point, written.SECOND_LIST][: row.lists]
        result, partials = row.step((True, False)[: row.lists])(*lists)
        if is_plural(row):
            result, partials = result[0], partials[0]
    return [*point, *(round(number, 6) for number in (result, *partials))]


def _within(nice: tuple[float, ...], sample: tuple[float, float]) -> float:
    low, high = sample
    return next((number for number in nice if low <= number <= high), (low + high) / 2)


def _kind(row: Row | ManyRow) -> str:
    """Return the type of a row's function, and what makes it."""
    if isinstance(row, Row):
        return ("Unary = unary", "Binary = binary")[row.arity - 1]
    if row.lists == 2:
        return "Pairing = pairing"
    return "Spread = reduction" if is_plural(row) else "Reduction = reduction"


def names() -> str:
    """Return the names of these functions, for `__all__`."""
    return _exported(row.name for row in _public())


def _names_of_math() -> list[str]:
    """Return the rows that Python's `math` has, but for those of which `math.py` has its own."""
    by_hand = {node.name for node in _parsed(_MATH) if isinstance(node, ast.FunctionDef)}
    return _sorted(r.name for r in _public() if hasattr(math, r.name) and r.name not in by_hand)


def math_imports() -> str:
    """Return the import of the functions that `scalargrad.math` has from the table."""
    listed = textwrap.indent(_lines(f"{name}," for name in _names_of_math()), "    ")
    return f"from .functions.elementary import (\n{listed})\n\n"


def math_names() -> str:
    """Return their names, for `__all__`."""
    return _exported(_names_of_math())


_METHODS = _PACKAGE / "core" / "arithmetic.py"
_FUNCTIONS = _PACKAGE / "functions" / "elementary.py"
_MATH = _PACKAGE / "math.py"

_WRITTEN: dict[Path, dict[str, Callable[[], str]]] = {
    _METHODS: {"methods": methods, "methods of NumPy": methods_of_numpy},
    _FUNCTIONS: {"names": names, "functions": functions},
    _MATH: {"imports": math_imports, "names": math_names},
}


def _filled(path: Path) -> str:
    """Return the text of a file, with what is written anew between its comments."""
    text = path.read_text(encoding="utf-8")
    for what, write in _WRITTEN[path].items():
        begin, end = f"# == written from the table: {what}\n", f"# == end of {what}\n"
        before, _, rest = text.partition(begin)
        _, closing, after = rest.partition(end)
        if not closing:
            raise ValueError(f"{path.name} must have the lines {begin.strip()!r}, {end.strip()!r}")
        indent = before[before.rindex("\n") + 1 :]
        text = f"{before}{begin}{textwrap.indent(write(), indent)}{indent}{end}{after}"
    return text


def _public(arity: int | None = None) -> list[Row | ManyRow]:
    """Return the rows whose functions are written, of one operand alone if asked for."""
    rows = [r for r in ROWS.values() if not r.by_hand and not getattr(r, "helper", False)]
    return [r for r in rows if arity is None or (isinstance(r, Row) and r.arity == arity)]


def _constant(row: Row | ManyRow) -> str:
    """Return the name of a row in `ops.py`."""
    return next(name for name, entry in vars(ops).items() if entry is row)


def _parsed(path: Path) -> list[ast.stmt]:
    return ast.parse(path.read_text(encoding="utf-8")).body


def _exported(listed: Iterable[str]) -> str:
    quoted = ", ".join(f'"{name}"' for name in _sorted(listed)) + ","
    packed = textwrap.fill(quoted, _WIDTH, initial_indent="    ", subsequent_indent="    ")
    return f"__all__ += [\n{packed}\n]  # fmt: skip\n"


def _sorted(listed: Iterable[str]) -> list[str]:
    """Sort names, the numbers in them by size: log2 before log10."""
    return sorted(
        listed, key=lambda name: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", name)]
    )


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)

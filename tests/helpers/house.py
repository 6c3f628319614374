"""The picture of the floors, drawn by scalargrad: `python tests/helpers/house.py` writes it.

What stands on top of the package is a scope, what it imports are its operands; an import that
another one brings anyway is left out.
"""

from __future__ import annotations

import ast
import math
from pathlib import Path

import scalargrad as sg

PACKAGE = Path(sg.__file__).parent
PICTURE = PACKAGE.parent / "examples" / "pictures" / "house.svg"

#: what each entry hands to those above it, where that is not its own name
HANDS = {
    "table": "rows", "core": "fields", "_python": "Value", "_native": "Value", "_engine": "Value",
    "functions": "tanh", "calculus": "grad", "drawing": "draw", "tape": "compile",
    "expressions": "expression", "learning": "fit",
}  # fmt: skip


def imports() -> dict[str, set[str]]:
    """Return what each entry imports; the exceptions, which all do, are left out."""
    used: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        first, *inside = path.relative_to(PACKAGE).parts
        name = first.removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == len(inside) + 1:
                modules = [node.module] if node.module else [alias.name for alias in node.names]
                used.setdefault(name, set()).update(m.split(".")[0] for m in modules)
    used["table"] = set()
    return {n: used[n] - {n, "errors"} for n in sorted(used) if not n.startswith("__")}


def below(used: dict[str, set[str]], name: str) -> set[str]:
    """Return all that an entry brings along."""
    return used[name].union(*(below(used, other) for other in used[name]))


def picture() -> sg.drawing.Drawing:
    """Draw the entries as boxes, each with arrows from those that it imports itself."""
    used = imports()
    values: dict[str, sg.Value] = {}
    for name in sorted(used, key=lambda name: (len(below(used, name)), name)):
        brought = set().union(*(below(used, other) for other in used[name]))
        operands = [values[other] for other in values if other in used[name] - brought]
        with sg.scope(name):
            values[name] = sg.sum(operands or [sg.Value(1.0, label="operation"), 0.0])
        values[name].label = HANDS.get(name, name)
    imported = set().union(*used.values())
    with sg.scope("__init__"):
        top = sg.sum([value for name, value in values.items() if name not in imported])
    top.label = "scalargrad"
    return sg.draw(top, fold=True, gradients=False, symbols=True, width=math.inf)


if __name__ == "__main__":
    picture().save(PICTURE)

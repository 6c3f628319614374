"""The house as one sees it: a name means one thing, few entries on top, no long function in C."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import scalargrad as sg

PACKAGE = Path(sg.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
C_FILES = sorted(path for path in PACKAGE.rglob("*") if path.suffix in (".c", ".h", ".inc"))

#: what two files may both have: each engine has its own, or the book names a layer so
TWINS = {"Tracer", "Affine", "Sigmoid"}
#: not told apart yet
STILL_TWICE = {"Box", "Kind", "Line", "Path", "Place", "Point", "Side", "Step"}

LONGEST = 70  # lines of a function in C
STILL_LONG = {"find_groups", "run_lanes"}  # not divided yet
MOST_ENTRIES = 25  # files and packages on top


def is_alias(name: str, value: ast.expr) -> bool:
    """Tell whether an assignment gives a type another name: a capital, small letters, no call."""
    return bool(re.fullmatch("_?[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*", name)) and not isinstance(
        value, (ast.Call, ast.Constant)
    )


def types_of(path: Path) -> Iterator[str]:
    """Yield the names of all classes of a file, and of the aliases of types on its top level."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    yield from (node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    for node in tree.body:
        match node:
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield from [name] * is_alias(name, value)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield from [name] * is_alias(name, value)


def twice(named: Iterator[tuple[str, Path]]) -> dict[str, list[str]]:
    """Return every name that stands in several files, and those files."""
    found = defaultdict(set)
    for name, path in named:
        found[name].add(path.relative_to(PACKAGE).as_posix())
    return {name: sorted(paths) for name, paths in found.items() if len(paths) > 1}


def functions_of(text: str) -> Iterator[tuple[str, int]]:
    """Yield the head of each function of a file of C, and its lines: braces stand in column 0."""
    lines = text.splitlines()
    start = 0
    for place, line in enumerate(lines):
        if line == "{":
            start = place - 1
        elif line == "}":
            yield lines[start], place - start + 1


def test_no_class_and_no_alias_of_a_type_has_the_name_of_another() -> None:
    found = twice((name, path) for path in FILES for name in types_of(path))

    assert {name: paths for name, paths in found.items() if name not in TWINS | STILL_TWICE} == {}
    assert found.keys() >= TWINS  # no twin is listed that is none


def test_no_file_has_the_name_of_another() -> None:
    found = twice((p.stem, p) for p in FILES if p.name not in ("__init__.py", "__main__.py"))

    assert found == {}


def test_few_entries_stand_on_top() -> None:
    entries = [
        path.name
        for path in PACKAGE.iterdir()
        if path.suffix in (".py", ".md") or (path / "__init__.py").exists()
    ]

    assert len(entries) <= MOST_ENTRIES, sorted(entries)


def test_no_function_in_c_is_long() -> None:
    functions = [(path.name, *f) for path in C_FILES for f in functions_of(path.read_text("utf-8"))]

    assert len(functions) > 400
    long = [f"{file}: {head}" for file, head, lines in functions if lines > LONGEST]
    assert [line for line in long if not any(f"{name}(" in line for name in STILL_LONG)] == []

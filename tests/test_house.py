"""The house as one sees it: a name means one thing, few entries on top, no long function in C."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import house
import pytest

import scalargrad as sg

PACKAGE = Path(sg.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
C_FILES = sorted(path for path in PACKAGE.rglob("*") if path.suffix in (".c", ".h", ".inc"))

#: what two files may both have: each engine has its own, or the book names a layer so
TWINS = {"Tracer", "Affine", "Sigmoid", "TwoLayerNet", "Value", "Module", "Neuron", "Layer", "MLP"}
#: not told apart yet
STILL_TWICE: set[str] = set()

LONGEST = 70  # lines of a function in C
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

    assert {name: paths for name, paths in found.items() if name not in TWINS} == {}
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
    assert long == []


# -- the page that says where things stand ---------------------------------------------------------

PAGE = (PACKAGE / "README.md").read_text(encoding="utf-8")
#: a file of the package, and perhaps what is defined in it
NAMED = re.findall(r"`([\w/]+\.(?:py|c|h|inc|def|js|css|html))(?::([\w.]+))?`", PAGE)


def definitions(path: Path) -> set[str]:
    """Return what a file defines, what is inside a class with its name before it."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return set(re.findall(r"(\w+)\(", text))
    found = set()
    todo = [("", node) for node in ast.parse(text).body]
    for prefix, node in todo:
        match node:
            case ast.FunctionDef(name=name):
                found.add(prefix + name)
            case ast.ClassDef(name=name, body=body):
                found.add(prefix + name)
                todo += [(f"{prefix}{name}.", inner) for inner in body]
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                found.add(prefix + name)
    return found


@pytest.mark.parametrize(("file", "name"), NAMED, ids=[":".join(pair) for pair in NAMED])
def test_page_names_what_is_there(file: str, name: str) -> None:
    path = PACKAGE / file

    assert path.exists()
    assert not name or name in definitions(path)


def test_listing_has_every_package_with_its_own_sentence() -> None:
    rows = dict(re.findall(r"^\|[ \d]*\| `([\w/.]+)` \| (.*) \|$", PAGE, flags=re.MULTILINE))
    folders = [path.parent for path in FILES if path.name == "__init__.py"]
    files = [path for path in FILES if path.parent == PACKAGE and not path.name.startswith("__")]

    assert set(rows) == {
        *(f"{folder.relative_to(PACKAGE).as_posix()}/" for folder in folders if folder != PACKAGE),
        *(path.name for path in files),
    }
    for name, sentence in rows.items():
        path = PACKAGE / name / "__init__.py" if name.endswith("/") else PACKAGE / name
        words = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        assert words.split("\n")[0] == sentence, f"{name} says otherwise than the listing"


def test_picture_of_the_floors_is_what_is_imported() -> None:
    drawn = house.PICTURE.read_text(encoding="utf-8")

    assert drawn == house.picture().svg, "run python3 tests/helpers/house.py"


def test_floors_of_the_listing_are_those_of_the_contract() -> None:
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    contract = {name: len(layers) - i for i, s in enumerate(layers) for name in s.split(" | ")}
    listing, floor = {}, 0
    for number, name in re.findall(r"^\| ?(\d*) ?\| `(\w+)[/.\w]*` \|", PAGE, flags=re.MULTILINE):
        floor = int(number or floor)
        listing.setdefault(name, floor)

    assert len(layers) <= 16
    assert listing == {name: n for name, n in contract.items() if not name.startswith("__")}

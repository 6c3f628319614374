"""What a user meets by a press of Tab: the public names, and the words of each."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import scalargrad as sg

PUBLIC = [sg, sg.datasets, sg.errors, sg.linalg, sg.math, sg.nn, sg.nn.book, sg.optim, sg.plots]
MODULES = [module.__name__ for module in PUBLIC]

#: what a docstring may say after its first line, in this order
PARTS = ["Maths", "Shapes", "Domain", "Raises", "Source"]

#: prints what dir() lists in a process that has done nothing else
LISTING = """
import importlib, json, sys
print(json.dumps({name: dir(importlib.import_module(name)) for name in sys.argv[1:]}))
"""

#: prints what `import scalargrad` brought along
BROUGHT = """
import sys
before = set(sys.modules)
import scalargrad
print(*set(sys.modules) - before)
"""

#: what every program needs of the package
CORE = ["core", "table", "functions", "functions.elementary", "errors"]
ENGINES = ["_engine", "_python", "_native"]

#: what only some of its parts need
FOR_SOME = {
    "argparse", "ast", "concurrent.futures", "dataclasses", "difflib", "graphviz", "hashlib",
    "html", "inspect", "json", "logging", "matplotlib", "numpy", "pathlib", "tempfile", "textwrap",
    "tokenize", "tqdm", "urllib.parse",
}  # fmt: skip

#: asks for every public name by a star, in a process where nothing was loaded yet
STAR = """
from scalargrad import *
import scalargrad
assert all(globals()[name] is vars(scalargrad)[name] for name in scalargrad.__all__)
"""


def alone(code: str, *arguments: str) -> str:
    """Return what some code prints in a process that has done nothing else."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True,
        cwd=Path(sg.__file__).parents[1],
    )  # fmt: skip
    return done.stdout


def words() -> list[tuple[str, Any]]:
    """Return every public class and function by its full name."""
    named = {f"{m.__name__}.{name}": getattr(m, name) for m in PUBLIC for name in m.__all__}
    return [
        (name, thing)
        for name, thing in named.items()
        if str(getattr(thing, "__module__", "")).startswith("scalargrad")
    ]


@pytest.mark.parametrize("module", PUBLIC, ids=MODULES)
def test_dir_lists_the_public_names_and_nothing_else(module: ModuleType) -> None:
    for info in pkgutil.walk_packages(sg.__path__, "scalargrad."):
        if not info.name.endswith("__main__") and "._native" not in info.name:
            importlib.import_module(info.name)  # each becomes an attribute of its package

    assert dir(module) == sorted(module.__all__)
    assert len(set(module.__all__)) == len(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)


def test_dir_lists_the_same_in_a_fresh_process() -> None:
    listed = json.loads(alone(LISTING, *MODULES))

    assert listed == {m.__name__: sorted(m.__all__) for m in PUBLIC}


def test_import_brings_only_what_every_program_needs() -> None:
    brought = set(alone(BROUGHT).split())
    parts = {name.removeprefix("scalargrad.") for name in brought if "scalargrad." in name}

    assert {"_engine", "table.ops", "functions.elementary"} <= parts
    assert {
        p for p in parts if p not in CORE and p.split(".")[0] not in (*CORE[:2], *ENGINES)
    } == set()
    assert brought & FOR_SOME == set()


def test_names_that_are_loaded_later_are_those_that_type_checkers_read() -> None:
    tree = ast.parse(Path(sg.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    read = {
        alias.name: statement.module
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }

    assert {name: home for name, home in read.items() if home} == sg._HOMES
    assert {name for name, home in read.items() if not home} <= sg._LATER.keys()
    assert read.keys() <= set(sg.__all__)


def test_star_brings_every_public_name() -> None:
    alone(STAR)


def test_name_that_is_not_there_is_told_as_by_any_module() -> None:
    with pytest.raises(AttributeError, match="module 'scalargrad' has no attribute 'tahn'") as got:
        sg.tahn  # noqa: B018 - reading it is what is tried

    assert (got.value.name, got.value.obj) == ("tahn", sg)


def test_every_public_module_is_a_name_of_the_package() -> None:
    modules = {name for name in sg.__all__ if isinstance(getattr(sg, name), ModuleType)}

    assert modules == {m.__name__.split(".")[1] for m in PUBLIC if m is not sg}


@pytest.mark.parametrize(("name", "thing"), words(), ids=[name for name, _ in words()])
def test_docstring_has_the_parts_of_the_template_in_order(name: str, thing: Any) -> None:
    first, *rest = (inspect.getdoc(thing) or "").split("\n")
    parts = re.findall(r"^([A-Z]\w+): ", "\n".join(rest), flags=re.MULTILINE)

    assert first.endswith("."), f"{name}: the first line is a whole sentence"
    assert rest[:1] in ([], [""]), f"{name}: an empty line follows the first"
    assert parts == [part for part in PARTS if part in parts], f"{name}: {parts}"


@pytest.mark.parametrize(
    ("name", "thing"),
    [pytest.param(*pair, id=pair[0]) for pair in words() if inspect.isroutine(pair[1])],
)
def test_function_is_told_by_a_verb(name: str, thing: Any) -> None:
    first = (inspect.getdoc(thing) or "").split()[0].strip(":,")

    assert re.fullmatch(r"[A-Z][a-z]+", first), name
    assert first not in ("A", "An", "The", "This"), name
    assert not first.endswith("s") or first.endswith("ss"), f"{name}: {first}, not as a command"

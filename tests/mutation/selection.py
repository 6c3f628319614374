"""Which tests are run for a bug, and in what order: those that are near its file first.

Which tests run a line could be measured, but that takes longer than the bugs of a day. What stands
in the tests' folder of the same name, and names what stands in the file, finds most bugs at once;
a bug lives only when all the others have been run too, or as many as there is time for.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .tree import is_table

#: tests of texts and of the sources as such, of whole programs, or that take minutes
LEFT_OUT = (
    "tests/test_house.py", "tests/test_docs.py", "tests/test_types.py", "tests/examples",
    "tests/engine/test_native_sources.py", "tests/engine/test_native_build.py",
    "tests/calculus/test_against_jax.py", "tests/tape/test_machine_readme.py",
)  # fmt: skip
#: they build the package or open pages, and are run for bugs of these files alone
COSTLY = {
    "tests/table/test_new_operation.py": "scalargrad/table/",
    "tests/table/test_javascript.py": "scalargrad/table/",
    "tests/drawing/test_walkthrough_page.py": "scalargrad/drawing/words/walkthrough.py",
}
#: where the tests of a file stand that do not stand as the file does; the longest prefix holds
NEAR = {
    "scalargrad/_native/machine": (
        "tests/tape/",
        "tests/engine/test_engines.py",
        "tests/engine/test_hostile_entries.py",
    ),
    "scalargrad/calculus/solutions.py": (
        "tests/calculus/test_equations.py",
        "tests/calculus/test_equation_systems.py",
        "tests/tape/test_compile_equations.py",
    ),
    "scalargrad/_native": ("tests/engine/", "tests/core/"),
    "scalargrad/_native/__init__.py": ("tests/tape/", "tests/functions/test_gathering.py"),
    "scalargrad/_native/bulk.c": ("tests/tape/test_calls_like_earlier.py", "tests/learning/"),
    "scalargrad/_native/sifting.c": ("tests/drawing/test_layout.py",),
    "scalargrad/_native/value.c": ("tests/engine/", "tests/core/", "tests/micrograd/"),
    "scalargrad/_native/tracer.c": ("tests/tape/", "tests/functions/test_gathering.py"),
    "scalargrad/_native/kin.c": ("tests/micrograd/",),
    "scalargrad/core/kin.py": ("tests/micrograd/",),
    "scalargrad/_python.py": ("tests/engine/", "tests/core/"),
    "scalargrad/core": ("tests/core/", "tests/engine/"),
    "scalargrad/core/tracer.py": ("tests/tape/",),
    "scalargrad/core/readable_tracer.py": ("tests/tape/", "tests/functions/test_gathering.py"),
    "scalargrad/functions": ("tests/functions/", "tests/test_linalg.py", "tests/calculus/"),
    "scalargrad/math.py": ("tests/functions/",),
    "scalargrad/optim.py": ("tests/test_optim.py", "tests/learning/"),
    "scalargrad/table/ops.py": ("tests/table/", "tests/calculus/", "tests/functions/"),
    "scalargrad/table/optimizers.py": ("tests/test_optim.py", "tests/engine/test_engines.py"),
}
NAMES = re.compile(r'\b(?:def|class) _?(\w+)|\{"_?(\w+)", |^#define (\w+)', re.M)


def test_files(root: Path) -> list[str]:
    """Return the files of tests, and those of the package that have examples in docstrings."""
    tests = sorted(root.glob("tests/**/test_*.py"))
    texts = [p for p in sorted(root.glob("scalargrad/**/*.py")) if ">>> " in p.read_text("utf-8")]
    names = [str(path.relative_to(root)) for path in tests + texts]
    return [name for name in names if not name.startswith(LEFT_OUT)]


def nearest(root: Path, file: str) -> tuple[list[str], list[str]]:
    """Return the files of tests that are near a file, and the others.

    Near are those of its package, and those whose name has the file's. In each, those come first
    that name most of what stands in the file.
    """
    prefix = max((each for each in NEAR if file.startswith(each)), key=len, default="")
    parts = Path(file).parts
    own = f"tests/{parts[1]}/" if len(parts) > 2 else f"tests/test_{Path(file).stem}"
    near = (file, *NEAR.get(prefix, (own,)))
    text = (root / file).read_text(encoding="utf-8")
    stem = Path(file).stem
    words = {stem, *(name for names in NAMES.findall(text) for name in names if name)}
    tests = [t for t in test_files(root) if file.startswith(COSTLY.get(t, ""))]

    def is_of_it(test: str) -> bool:
        return f"_{stem}_" in f"{Path(test).stem}_"

    def named(test: str) -> tuple[bool, int]:
        text = (root / test).read_text(encoding="utf-8")
        return is_of_it(test), len(words & set(re.findall(r"\w+", text)))

    tests.sort(key=named, reverse=True)
    close = [test for test in tests if test.startswith(near) or is_of_it(test)]
    return close, [test for test in tests if test not in close]


def words_of(file: str, source: str, line: int) -> set[str]:
    """Return the names of the rows that are made with a line of the table, else nothing."""
    if not is_table(file):
        return set()
    statements = ast.parse(source).body
    changed: set[str] = set()
    found: set[str] = set()
    for each in statements:  # what a formula is used in stands behind it
        given = _given(each)
        used = {node.id for node in ast.walk(each) if isinstance(node, ast.Name)}
        if each.lineno <= line <= (each.end_lineno or 0) or changed & used:
            changed |= given
            value = getattr(each, "value", None)
            if isinstance(value, ast.Call) and value.args:
                found |= {a.value for a in value.args[:1] if isinstance(a, ast.Constant)}
    return found


def _given(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.FunctionDef):
        return {statement.name}
    nodes = [n for target in getattr(statement, "targets", ()) for n in ast.walk(target)]
    return {node.id for node in nodes if isinstance(node, ast.Name)}


class Memory:
    """What was seen while other bugs were tried: how long tests take, and which found bugs."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.found: Counter[tuple[str, str]] = Counter()  # of a package, by a test

    def best(self, of: str) -> set[str]:
        """Return the few tests that found most of the bugs in a package."""
        found = [t for (package, t), _ in self.found.most_common() if package == of and "::" in t]
        return set(found[:8])

    def order(self, items: Sequence[Any], files: Sequence[str], words: set[str], of: str) -> Any:
        """Return the tests of some files, those first that find a bug in this package soonest."""
        place = {file: number for number, file in enumerate(files)}
        whole = re.compile(rf"(?<![a-z\d_])(?:{'|'.join(sorted(words)) or '(?!)'})(?![a-z\d_])")

        def rank(item: Any) -> tuple[Any, ...]:
            test = item.nodeid
            guess = 2.0 if item.get_closest_marker("hypothesis") else 0.1
            seconds = self.seconds.get(test, guess)
            called = whole.search(test.partition("::")[2].lower())
            file = place[test.split("::")[0]]
            return not called, -self.found[of, test], seconds > 1, file, seconds

        return sorted((i for i in items if i.nodeid.split("::")[0] in place), key=rank)

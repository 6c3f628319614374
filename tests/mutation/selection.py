"""Which tests run a line: measured once, by coverage.py for Python and by gcov for C.

Every test file runs in a process of its own. coverage.py tells the lines of each test (its dynamic
contexts); gcov, the lines of C that a test file ran.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .tree import Tree

#: tests of texts and of the sources as such, of whole programs, or that take minutes
LEFT_OUT = (
    "tests/test_house.py", "tests/test_docs.py", "tests/test_types.py", "tests/examples",
    "tests/drawing/test_walkthrough_page.py", "tests/table/test_javascript.py",
    "tests/table/test_new_operation.py", "tests/engine/test_native_sources.py",
    "tests/calculus/test_against_jax.py", "tests/tape/test_machine_readme.py",
)  # fmt: skip
PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "addopts=")
DURATION = re.compile(r"^([\d.]+)s (?:call|setup|teardown) +(\S.*?) *$", re.M)

Map = dict[str, Any]


def test_files(root: Path) -> list[str]:
    """Return the files of tests, and those of the package that have examples in docstrings."""
    tests = sorted(root.glob("tests/**/test_*.py"))
    texts = [p for p in sorted(root.glob("scalargrad/**/*.py")) if ">>> " in p.read_text("utf-8")]
    names = [str(path.relative_to(root)) for path in tests + texts]
    return [name for name in names if not name.startswith(LEFT_OUT)]


def measure(tree: Tree, target: Path) -> Map:
    """Run all tests in a tree built with `--coverage`; return which tests run which lines."""
    files = test_files(tree.root)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = list(pool.map(lambda each: _measure(tree, *each), enumerate(files)))
    lines: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    durations: dict[str, float] = {}
    for file, (python, c, seconds) in zip(files, parts, strict=True):
        for source, line, test in python:
            lines[source][line].add(test)
        for source, line in c:
            lines[source][line].add(file)
        durations[file] = sum(seconds.values())
        durations.update(seconds)
    known = {
        "lines": {f: {str(n): sorted(t) for n, t in by.items()} for f, by in lines.items()},
        "durations": durations,
        "root": str(tree.root),
    }
    target.write_text(json.dumps(known), encoding="utf-8")
    return known


def _measure(tree: Tree, index: int, file: str) -> tuple[Any, Any, dict[str, float]]:
    """Run one test file; return (file, line, test) of Python, (file, line) of C, seconds."""
    import coverage

    folder = tree.root / "measured" / str(index)
    folder.mkdir(parents=True)
    for note in tree.objects.glob("*.gcno"):
        (folder / note.name).symlink_to(note)
    depth = len(tree.objects.parts) - 1
    environment = {
        **os.environ, "GCOV_PREFIX": str(folder), "GCOV_PREFIX_STRIP": str(depth),
        "COVERAGE_FILE": str(folder / "coverage"), "PYTHONPATH": _path(tree.root),
        "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    options = ("--doctest-modules", "--cov=scalargrad", "--cov-context=test", "--cov-report=")
    run = subprocess.run(
        [sys.executable, *PYTEST, *options, "--durations=0", "--durations-min=0", "-vv", file],
        cwd=tree.root, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    (folder / "log").write_text(run.stdout + run.stderr, encoding="utf-8")
    seconds: dict[str, float] = defaultdict(float)
    for duration, test in DURATION.findall(run.stdout):
        seconds[test] += float(duration)
    data = coverage.CoverageData(str(folder / "coverage"))
    data.read()
    python = [
        (str(Path(source).relative_to(tree.root)), line, context.split("|")[0])
        for source in data.measured_files()
        for line, contexts in data.contexts_by_lineno(source).items()
        for context in contexts
        if context
    ]
    return python, list(_lines_of_c(tree.root, folder)), dict(seconds)


def _path(root: Path) -> str:
    return os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])


def _lines_of_c(root: Path, folder: Path) -> Iterable[tuple[str, int]]:
    counts = sorted(path.name for path in folder.glob("*.gcda"))
    if not counts:
        return
    command = ["gcov", "--json-format", "--stdout", *counts]
    listed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    for text in listed.stdout.splitlines():
        for source in json.loads(text)["files"]:
            path = Path(source["file"])
            if path.is_relative_to(root):
                for line in source["lines"]:
                    if line["count"]:
                        yield str(path.relative_to(root)), line["line_number"]


#: where the tests of a file stand that does not stand as its tests do
MIRRORED = {
    "scalargrad/_native/machine": "tests/tape", "scalargrad/_native": "tests/engine",
    "scalargrad/_python.py": "tests/engine", "scalargrad/math.py": "tests/functions",
}  # fmt: skip


def mirrored(file: str) -> str:
    """Return how the names of a file's own tests begin."""
    for prefix, folder in MIRRORED.items():
        if file.startswith(prefix):
            return folder
    parts = Path(file).parts
    return f"tests/{parts[1]}/" if len(parts) > 2 else f"tests/test_{Path(file).stem}"


def as_measured(known: Map, file: str, source: str, lines: Iterable[int]) -> set[int]:
    """Return where lines stood when it was measured, for a file may have changed since."""
    path = Path(known["root"]) / file
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if before == source:
        return set(lines)
    matcher = difflib.SequenceMatcher(None, before.splitlines(), source.splitlines(), False)
    blocks = matcher.get_matching_blocks()
    return {
        block.a + line - block.b
        for line in lines
        for block in blocks
        if block.b < line <= block.b + block.size
    }


def choose(known: Map, file: str, lines: Iterable[int], seconds: float) -> list[str]:
    """Return the tests that run a line, or the file at least: those of its package first.

    In C they are files of tests. A line that runs when a module is imported, or once for all
    tests, has none of its own.
    """
    durations, by_line = known["durations"], known["lines"].get(file, {})
    near = mirrored(file)

    def order(tests: Iterable[str]) -> list[str]:
        return sorted(tests, key=lambda t: (not t.startswith(near), durations.get(t, 0.1)))

    of_line = {test for line in lines for test in by_line.get(str(line), ())}
    of_file = {test for tests in by_line.values() for test in tests} - of_line
    of_package = {t for t in durations if t.startswith(near) and ("::" in t) != _is_c(file)}
    if of_line:  # some line of an expression over several may have none: then those of the file
        of_package &= of_file
    chosen, left = [], seconds
    for test in [*order(of_line), *order(of_file), *order(of_package - of_file - of_line)]:
        left -= durations.get(test, 0.1)
        if test not in of_line and left < seconds / 2 and of_line:
            break
        if left < 0 and chosen:
            break
        chosen.append(test)
    return chosen


def _is_c(file: str) -> bool:
    return file.endswith((".c", ".h", ".inc"))

"""One mutant on trial: the tests that run its lines, in a child of this process."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from .mutant import Mutant, read
from .selection import PYTEST, Map, as_measured, choose
from .tree import CHECKOUT, BuildError, Tree, is_table

#: seconds of tests for a mutant, the first stage and all
FIRST, ALL = 4.0, 60.0
MEMORY = 8 << 30  # bytes of addresses: a bug that fills the memory ends itself alone


class Chosen:
    """A plugin of pytest that runs chosen tests only, in the order in which they were chosen."""

    def __init__(self, tests: Sequence[str]) -> None:
        self.place = {test: place for place, test in enumerate(tests)}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        def place(item: Any) -> int:
            by_file = self.place.get(item.nodeid.split("::")[0], -1)
            return self.place.get(item.nodeid, by_file)

        items[:] = sorted((item for item in items if place(item) >= 0), key=place)


def preload() -> None:
    """Import what tests import, once for all children; the package itself, each child imports."""
    for name in ("hypothesis.strategies", "mpmath", "numpy", "xml.dom.minidom", "graphviz"):
        with contextlib.suppress(ImportError):
            __import__(name)


def judge(mutant: Mutant, tree: Tree, known: Map) -> tuple[str, str]:
    """Plant a bug in a tree, and tell what becomes of it, by which test.

    "killed", "timeout", "survived", "untested", or "no bug" where it does not compile.
    """
    source = read(CHECKOUT, mutant.file)
    lines = as_measured(known, mutant.file, source, mutant.lines(source))
    tests = choose(known, mutant.file, lines, ALL)
    tests = [test for test in tests if (tree.root / test.split("::")[0]).exists()]
    if not tests:
        return "untested", ""
    try:
        compile_check(mutant, source)
        tree.write(mutant.file, mutant.apply(source))
        return _stages(mutant, tree, known, tests)
    except BuildError as error:
        return "no bug", str(error)
    finally:
        tree.write(mutant.file, source)


def compile_check(mutant: Mutant, source: str) -> None:
    """Refuse what is no Python.

    Raises: `BuildError`.
    """
    if mutant.file.endswith(".py"):
        try:
            compile(mutant.apply(source), mutant.file, "exec")
        except (SyntaxError, ValueError) as error:
            raise BuildError(str(error)) from error


def _stages(mutant: Mutant, tree: Tree, known: Map, tests: Sequence[str]) -> tuple[str, str]:
    """Run the first few tests, and the others if those see nothing."""
    durations = known["durations"]
    seconds, first = 0.0, 0
    while first < len(tests) and (first == 0 or seconds < FIRST):
        seconds += durations.get(tests[first], 0.1)
        first += 1
    for stage in (tests[:first], tests[first:]):
        if stage:
            expected = sum(durations.get(test, 0.1) for test in stage)
            outcome = run(tree, stage, 15 + 3 * expected, is_table(mutant.file))
            if outcome[0] != "survived":
                return outcome
    return "survived", ""


def run(tree: Tree, tests: Sequence[str], seconds: float, readable: bool) -> tuple[str, str]:
    """Run tests in a child until one fails: "killed" by which, "timeout", or "survived"."""
    log = tree.root / "log"
    child = os.fork()
    if child == 0:
        _be_child(tree, tests, seconds, readable, log)
    end = time.monotonic() + 8 * seconds + 60  # of the clock: others may be at work
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        if time.monotonic() > end:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "timeout", "hangs"
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # what it started
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGXCPU:
        return "timeout", ""
    if code in (0, 5):  # 5: none of the tests is one of this engine
        return "survived", ""
    if code == 99:  # the child never came to the tests
        raise RuntimeError(log.read_text(encoding="utf-8", errors="replace"))
    return "killed", _reason(log, code)


def _be_child(tree: Tree, tests: Sequence[str], seconds: float, readable: bool, log: Path) -> None:
    """Become a run of pytest in a tree; never return."""
    code: int = 99
    try:
        os.setpgid(0, 0)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 60))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        os.chdir(tree.root)
        sys.path.insert(0, str(tree.root))
        os.environ["PYTHONPATH"] = os.pathsep.join([str(tree.root), *_others()])
        os.environ.pop("CI", None)  # there a native engine must be
        if readable:  # the native engine was built from another table
            os.environ["SCALARGRAD_ENGINE"] = "python"
        files = list(dict.fromkeys(test.split("::")[0] for test in tests))
        options = [
            *PYTEST[2:],
            "-W",
            "ignore:Module already imported",
            "-x",
            "--tb=line",
            "--doctest-modules",
            "-p",
            "no:pytest_cov",
        ]
        code = int(pytest.main([*options, *files], plugins=[Chosen(tests)]))
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _others() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


def _reason(log: Path, code: int) -> str:
    """Return the test that failed, or the signal."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    named = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    return named[0] if named else f"code {code}: {' '.join(lines[-2:])}"[:200]

"""One mutant on trial: tests run in a child of this process, until one fails."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from .mutant import Mutant, read
from .selection import Memory, nearest, words_of
from .tree import CHECKOUT, BuildError, GeneratorError, Tree

#: files of tests that are collected first; with those of a whole package it takes seconds
FEW = 6
#: seconds of the processor after which a test hangs
HANGS = 60.0
ROOM = 6 << 30  # bytes that are written to: a bug that fills the memory ends itself alone
PYTEST = (
    "-q", "-x", "--tb=line", "--doctest-modules", "-o", "addopts=", "-p", "no:cacheprovider",
    "-p", "no:xdist", "-p", "no:pytest_cov", "-W", "ignore:Module already imported",
)  # fmt: skip


@dataclass
class Judge:
    """Tries mutants in a tree, with so many seconds of tests for each."""

    tree: Tree
    seconds: float
    memory: Memory = field(default_factory=Memory)
    sound: set[str] = field(default_factory=set)  # tests that fail with a bug only
    broken: set[str] = field(default_factory=set)  # those that fail without one, in a copy

    def judge(self, mutant: Mutant) -> tuple[str, str]:
        """Plant a bug, and tell what becomes of it, by which test.

        "killed", "timeout", "survived", or "no bug" where it does not compile.
        """
        outcome, test, how = self._once(mutant)
        while test and test not in self.sound:
            if self._run([file_of(test)], set(), "", {test}, HANGS)[0] == "survived":
                self.sound.add(test)
            else:  # whatever is planted
                self.broken.add(test)
                outcome, test, how = self._once(mutant)
        if test:
            self.memory.found[package(mutant.file), test] += 1
        return outcome, test or how

    def _once(self, mutant: Mutant) -> tuple[str, str, str]:
        source = read(CHECKOUT, mutant.file)
        planted = mutant.apply(source)
        try:
            if mutant.file.endswith(".py"):
                compile(planted, mutant.file, "exec")
            self.tree.plant(mutant.file, planted)
            return self._stages(mutant, source)
        except (BuildError, SyntaxError, ValueError) as error:
            return "no bug", "", str(error)
        except GeneratorError as error:
            return "killed", "", str(error)
        finally:
            self.tree.restore()

    def _stages(self, mutant: Mutant, source: str) -> tuple[str, str, str]:
        """Run what found bugs like this one, the nearest tests, those that are near, the others."""
        near, far = nearest(self.tree.root, mutant.file)
        words = words_of(mutant.file, source, mutant.lines(source)[0])
        few = len(near) if words else FEW
        done: set[str] = set(self.broken)
        left = self.seconds
        best = self.memory.best(package(mutant.file))
        stages = (
            (sorted({file_of(test) for test in best}), best, 1.0), (near[:few], None, 0.5),
            (near, None, 0.8), (near + far, None, 1.0),
        )  # fmt: skip
        for files, only, part in stages:
            if not files:
                continue
            outcome = self._run(files, words, package(mutant.file), only, left * part, done)
            if outcome[0] != "survived":
                return outcome
            left = self.seconds - sum(self.memory.seconds.get(t, 0.0) for t in done - self.broken)
            if left <= 0:
                break
        return "survived", "", ""

    def _run(
        self, files: Sequence[str], words: set[str], of: str, only: set[str] | None,
        seconds: float, done: set[str] | None = None,
    ) -> tuple[str, str, str]:  # fmt: skip
        """Run tests in a child; return what became of them, the last test, and how it failed.

        Adds to `done` those that ran, and remembers how long they took.
        """
        done = set() if done is None else done
        record = self.tree.root / "record"
        record.write_text("", encoding="utf-8")
        chosen = Chosen(self.memory, files, words, of, only, frozenset(done), seconds, record)
        outcome, how = run(self.tree, chosen)
        test = ""
        for line in record.read_text(encoding="utf-8").splitlines():
            took, _, test = line.partition(" ")
            done.add(test)
            if took != "begin":
                self.memory.seconds[test] = float(took)
        return outcome, test if outcome != "survived" else "", how


def package(file: str) -> str:
    """Return the folder of a file, whose bugs the same tests find."""
    return str(Path(file).parent)


def file_of(test: str) -> str:
    return test.split("::")[0]


class Chosen:
    """A plugin of pytest: which tests run, in what order, and until when."""

    def __init__(
        self, memory: Memory, files: Sequence[str], words: set[str], of: str,
        only: set[str] | None, done: frozenset[str], seconds: float, record: Path,
    ) -> None:  # fmt: skip
        self.memory, self.files, self.words, self.of = memory, files, words, of
        self.only, self.done, self.seconds, self.path = only, done, seconds, record
        self.used = self.begin = 0.0

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        wanted = [
            item
            for item in items
            if item.nodeid not in self.done and (self.only is None or item.nodeid in self.only)
        ]
        items[:] = self.memory.order(wanted, self.files, self.words, self.of)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self) -> bool | None:
        return True if self.used > self.seconds else None  # True: it is not run

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.begin = _processor_time()
        signal.setitimer(signal.ITIMER_PROF, HANGS)
        self._say("begin", nodeid)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        took = _processor_time() - self.begin
        self.used += took
        self._say(f"{took:.3f}", nodeid)

    def _say(self, what: str, nodeid: str) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{what} {nodeid}\n")


def _processor_time() -> float:
    return sum(os.times()[:4])


def preload() -> None:
    """Import what tests import, once for all children; the package itself, each child imports."""
    for name in ("hypothesis.strategies", "mpmath", "numpy", "xml.dom.minidom", "graphviz"):
        with contextlib.suppress(ImportError):
            __import__(name)


def run(tree: Tree, chosen: Chosen) -> tuple[str, str]:
    """Run tests in a child until one fails: "killed" and how, "timeout", or "survived"."""
    log = tree.root / "log"
    child = os.fork()
    if child == 0:
        _be_child(tree, chosen, log)
    end = time.monotonic() + 10 * (chosen.seconds + HANGS)  # of the clock: others may be at work
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        if time.monotonic() > end:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "timeout", "waits"
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # what it started
    code = os.waitstatus_to_exitcode(status)
    if code in (-signal.SIGXCPU, -signal.SIGPROF):
        return "timeout", "runs without end"
    if code in (0, 5):  # 5: none of the tests is one of this engine
        return "survived", ""
    if code == 99:  # the child never came to the tests
        raise RuntimeError(log.read_text(encoding="utf-8", errors="replace"))
    return "killed", _reason(log, code)


def _be_child(tree: Tree, chosen: Chosen, log: Path) -> None:
    """Become a run of pytest in a tree; never return."""
    code: int = 99
    try:
        os.setpgid(0, 0)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        limit = int(chosen.seconds + 2 * HANGS)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 60))
        resource.setrlimit(resource.RLIMIT_DATA, (ROOM, ROOM))
        os.chdir(tree.root)
        sys.path.insert(0, str(tree.root))
        others = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
        os.environ["PYTHONPATH"] = os.pathsep.join([str(tree.root), *others])
        os.environ.pop("CI", None)  # there a native engine must be
        code = int(pytest.main([*PYTEST, *chosen.files], plugins=[chosen]))
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _reason(log: Path, code: int) -> str:
    """Return how a test failed, or the signal."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    named = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    return (named[0] if named else f"code {code}: {' '.join(lines[-2:])}")[:200]

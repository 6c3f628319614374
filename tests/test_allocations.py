"""Every allocation of the native engine may fail; `helpers/failing_memory.py` lets each of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import scalargrad as sg

if sg.engine != "native" or sys.platform != "linux":
    pytest.skip("only C asks for memory itself, caught as Linux does", allow_module_level=True)

import failing_memory

#: allocations tried of each entry; all of them where this is set
MOST = os.environ.get("SCALARGRAD_ALLOCATIONS", "4")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("failing")
    try:
        failing_memory.library(folder)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no compiler: {error}")
    return folder


#: not called once it is loaded; or not by an entry: how Python makes objects, and asks for sizes
NOT_REACHED = {
    "_core.create", "_core.short_cut", "_core.leave_threads", "_machine.add_fast",
    "_machine.use_access",
    "Value.__new__", "Value.__sizeof__",
}  # fmt: skip
PARTS = 3


def tried(folder: Path, names: list[str]) -> list[str]:
    """Try entries, each process going on behind what ended the last one; return what is wrong."""
    wrong: list[str] = []
    while names:
        done = failing_memory.run(folder, "--most", MOST, *names)
        lines = done.stdout.splitlines()
        wrong += [line for line in lines if line.startswith("FAULT")]
        finished = sum(line.startswith("tried") for line in lines)
        if finished < len(names):
            wrong += [f"ended by {done.returncode}", *lines[-1:], done.stderr[-3000:]]
        names = names[finished + 1 :]
    return wrong


@pytest.mark.parametrize("part", range(PARTS))
def test_call_that_lacks_memory_raises_and_changes_nothing(folder: Path, part: int) -> None:
    assert tried(folder, list(failing_memory.entries())[part::PARTS]) == []


def test_every_function_in_c_is_an_entry_or_called_by_one() -> None:
    reached = failing_memory.reached(failing_memory.entries())

    assert failing_memory.functions_of_c() - reached == NOT_REACHED


def test_no_block_is_lost_or_half_done_unseen() -> None:
    """The harness sees what it is for: a part done, another result, another exception."""
    calls: list[int] = []

    class Library:
        """Fails nothing, but says so."""

        def fail(self, first: int, last: int) -> None: ...

        def stop(self) -> int:
            return 1

        def failures(self) -> int:
            return 1

        def blocks_held(self) -> int:
            return len(calls) * 2

    def half(world: failing_memory.World) -> None:
        calls.append(1)
        world.x.grad += 1.0
        if len(calls) == 3:
            raise MemoryError
        world.y.grad += 1.0

    def other(world: failing_memory.World) -> int:
        calls.append(1)
        return min(len(calls), 3)

    def strange(world: failing_memory.World) -> None:
        calls.append(1)
        if len(calls) > 2:
            raise SystemError("returned a result with an exception set")

    expected = {half: "a part was done", other: "another result", strange: "SystemError"}
    for action, fault in expected.items():
        calls.clear()
        trial = failing_memory.Trial("leaf", Library(), action=action)
        assert fault in trial.attempt(1, 1)[0]
        assert action is not other or trial.leaks(1, 1)

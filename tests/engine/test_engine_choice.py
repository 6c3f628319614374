"""Which engine is chosen, and what is said where it is not the native one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from engines import ENGINES, engine_class

import scalargrad as sg

CHECKOUT = Path(__file__).parents[2]


def test_native_engine_is_there_and_chosen_unless_another_is_asked_for():
    # it may be missing on a machine without a compiler, but not where everything is checked
    if os.environ.get("CI"):
        assert "native" in ENGINES, sg._engine.why
    wanted = os.environ.get("SCALARGRAD_ENGINE") or next(reversed(ENGINES))
    assert sg.engine == wanted
    assert sg.Value is engine_class(wanted)


def started(program: str, engine: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True,
        cwd=CHECKOUT, env={**os.environ, "SCALARGRAD_ENGINE": engine},
    )  # fmt: skip


WITHOUT_NATIVE = 'import sys; sys.modules["scalargrad._native._core"] = None\n'
OF_ANOTHER_TABLE = """
import sys, types
core = sys.modules["scalargrad._native._core"] = types.ModuleType("_core")
core.digest, core.create, core.short_cut = 0, None, None
"""
NOT_BUILT = """
import importlib.machinery
find = importlib.machinery.FileFinder.find_spec
def find_others(self, name, target=None):
    return None if name.endswith("._core") else find(self, name, target)
importlib.machinery.FileFinder.find_spec = find_others
"""
OF_OTHER_SOURCES = """
import sys, types
core = sys.modules["scalargrad._native._core"] = types.ModuleType("_core")
class Digest(int):
    def __ne__(self, other):
        return False
core.digest = Digest()
core.__getattr__ = lambda name: None  # whatever else it has
core.create = lambda bases, docs, rows, rules, tools: tools["what is gone"]
"""
COMMAND = """
import sys
sys.argv = ["scalargrad", *{}]
from scalargrad.cli.main import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (WITHOUT_NATIVE, "the native engine was not built; with a C compiler there, run"),
        (NOT_BUILT, "the native engine was not built; with a C compiler there, run"),
        (
            OF_OTHER_SOURCES,
            "the native engine was built from other sources: it asks for 'what is gone'; with a",
        ),
        (OF_ANOTHER_TABLE, "the native engine was built from another table; with a C compiler"),
    ],
)
def test_readable_engine_takes_the_place_of_a_native_one_that_cannot_be_loaded(broken, reason):
    done = started(broken + "import scalargrad as sg; x = sg.Value(3.0); (x * x).backward();"
                   "print(sg.engine, x.grad)")  # fmt: skip
    assert (done.stdout, done.stderr, done.returncode) == ("python 6.0\n", "", 0)

    version = started(broken + COMMAND.format(["--version"]))
    assert " ".join(version.stdout.split()).startswith(
        f"scalargrad {sg.__version__} (engine: python; {reason}"
    )


def test_native_engine_that_is_asked_for_and_missing_is_an_error():
    done = started(WITHOUT_NATIVE + "import scalargrad", "native")
    assert done.returncode == 1
    assert "EngineError: SCALARGRAD_ENGINE: the native engine was not built; " in done.stderr

    done = started(WITHOUT_NATIVE + COMMAND.format(["x * 2", "x=1"]), "native")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("scalargrad: SCALARGRAD_ENGINE: the native engine was not built")

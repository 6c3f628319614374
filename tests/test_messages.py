"""Every message says what to do, and doing it works."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from engines import ENGINES
from remedies import Case, Site, follow, is_said, missed, native_texts, read_cases, refuse

HELPERS = Path(__file__).parent / "helpers"

#: places whose message no case can bring about here, and why
WITHOUT_A_CASE = {
    "raise EngineError": "before there is anything to call: test_engine_choice.py",
    "refusals.unknown_operation('record')": "record itself has refused by then",
    "raise errors.GradientError": "a table of what differs, and no sentence",
    "missing_extra(": "the extra is installed: tests take it away one by one",
    "open: {limit}": "a graph of 100,000 nodes: test_open_fold.py",
    "got another version of scalargrad": "a pickle of another version: test_compile_copies.py",
    "got another version": "the same",
    "self.refused(errors.shown(thing), self.remedy)": "an array in a process without NumPy",
    "Paths.after: ": "what fast kernels computed otherwise: test_compile_fast.py",
    "is not to be found": "a pickle in a process without its module: test_compile_copies.py",
    "'pickle', must, sizes": "a tape that nothing here writes: test_damaged_tapes.py",
    "_wrong(": "a tape that nothing here writes: test_compile_tapes.py",
}


#: of a tape that nothing here writes, and of an engine that is not there yet
REMADE = [
    "the native engine does not know the row %R; after a change of the table run"
    " python -m scalargrad.table and build it anew",
]


@pytest.mark.parametrize("case", list(read_cases()), ids=lambda case: case.where)
def test_what_a_message_says_works(case: Case) -> None:
    error, _ = refuse(case)
    assert is_said(case, error), f"{type(error).__name__}: {error}"
    follow(case)


def run_all(engine: str) -> dict[str, list[str]]:
    """Return what running all cases in an engine's own process gives."""
    environment = {
        **os.environ,
        "SCALARGRAD_ENGINE": engine,
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    command = [sys.executable, str(HELPERS / "remedies.py")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    return json.loads(done.stdout)


def test_every_message_has_a_case_and_every_engine_says_the_same() -> None:
    results = [run_all(engine) for engine in ENGINES]
    assert [result["failures"] for result in results] == [[]] * len(results)
    hits = [tuple(hit) for result in results for hit in result["hits"]]
    left = [site for site in missed(hits) if not reason(site)]
    assert not left, "\n".join(map(str, left))


def test_no_message_in_c_has_a_remedy_that_is_not_tried() -> None:
    # what C says to users comes from Python; the rest says what an engine's own call wants
    assert [text for text in native_texts() if re.search("; (?!got)", text)] == REMADE


def reason(site: Site) -> str:
    """Return why a place needs no case, or an empty text."""
    return next((why for text, why in WITHOUT_A_CASE.items() if text in str(site)), "")

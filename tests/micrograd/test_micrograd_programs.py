"""Programs written for micrograd run with their imports changed, to the same numbers and texts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import gpt_scripts
import micrograd.engine
import micrograd.nn
import micrograd_programs
import pytest
from engines import ENGINES

from scalargrad.micrograd import engine, nn

HELPER = Path(micrograd_programs.__file__)
NUMBER = re.compile(r"-?\d+\.\d+(?:e[+-]?\d+)?")


def agree(came: Any, stated: Any) -> bool:
    """Tell whether two results are the same, floats but for their last bits, ints exactly."""
    if isinstance(stated, list):
        return len(came) == len(stated) and all(map(agree, came, stated))
    if isinstance(stated, str) and isinstance(came, str):  # as in the text of a Value
        numbers = [list(map(float, NUMBER.findall(text))) for text in (came, stated)]
        return NUMBER.sub("#", came) == NUMBER.sub("#", stated) and agree(*numbers)
    if isinstance(stated, float):
        return type(came) is float and came == pytest.approx(stated, rel=1e-11, abs=1e-13)
    return type(came) is type(stated) and came == stated


@pytest.mark.parametrize("name", micrograd_programs.BOTH)
def test_program_gives_what_micrograd_gives(name: str) -> None:
    theirs = micrograd_programs.results(micrograd.engine, micrograd.nn, [name])[name]
    ours = micrograd_programs.results(engine, nn, [name])[name]

    assert agree(ours, theirs), (ours, theirs)


@pytest.mark.parametrize("name", micrograd_programs.OURS)
def test_program_that_micrograd_cannot_run_gives_what_is_right(name: str) -> None:
    _, stated = micrograd_programs.OURS[name]

    assert agree(came := micrograd_programs.results(engine, nn, [name])[name], stated), came


class Slotted(engine.Value):
    """A subclass with places of its own, as the Values of GPT scripts have."""

    __slots__ = ("m", "v")


@pytest.mark.parametrize("kind", [engine.Value, Slotted])
@pytest.mark.parametrize("script", gpt_scripts.SCRIPTS)
def test_script_gives_what_it_gives_with_a_value_of_its_own(script: Any, kind: Any) -> None:
    assert script(kind) == pytest.approx(script(gpt_scripts.Cell), rel=1e-10, abs=1e-12)


def test_every_engine_gives_the_same() -> None:
    found = []
    for name in ENGINES:
        environment = {**os.environ, "SCALARGRAD_ENGINE": name, "PYTHONPATH": ":".join(sys.path)}
        command = [sys.executable, str(HELPER)]
        done = subprocess.run(command, capture_output=True, env=environment, check=True)
        found.append(json.loads(done.stdout))

    for name, result in found[0].items():
        assert all(agree(other[name], result) for other in found), [f[name] for f in found]

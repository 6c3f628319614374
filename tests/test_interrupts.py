"""Interrupts at any position of any entry point; `helpers/interrupted.py` tries them all."""

from __future__ import annotations

import interrupted
import pytest

from scalargrad.core import modes, turns

#: of these the positions are many, and each takes long
LONG = ("draw", "draw, symbols and opened", "walkthrough", "save a picture")


@pytest.mark.parametrize("name", interrupted.ENTRIES)
def test_everything_works_behind_an_interrupt(name: str) -> None:
    tried = list(interrupted.sweep(name, most=2 if name in LONG else 15))

    assert [(where, failure) for where, failure in tried if failure] == []
    assert not turns._queue


def test_probe_finds_a_block_that_was_left_open() -> None:
    mode = modes.Mode(None, None, recording=False)
    token = modes.variable.set(mode)
    modes.active.add(mode)
    try:
        with pytest.raises(AssertionError):
            interrupted.works()
    finally:
        modes.active.discard(mode)
        modes.variable.reset(token)


def test_probe_finds_a_turn_that_never_ends() -> None:
    def inside() -> None:
        with pytest.raises(AssertionError, match="another thread waits for ever"):
            interrupted.works(patience=0.2)

    turns.take_turn(inside)

"""Interrupts at any position of any entry point; `helpers/interrupted.py` tries them all."""

from __future__ import annotations

import contextlib

import interrupted
import positions
import pytest

import scalargrad as sg
from scalargrad.core import modes, turns

#: of these the positions are many, and each takes long
LONG = ("draw", "draw, symbols and opened", "walkthrough", "save a picture")


@pytest.mark.parametrize("name", interrupted.ENTRIES)
def test_everything_works_behind_an_interrupt(name: str) -> None:
    tried = list(interrupted.sweep(name, most=2 if name in LONG else 15))

    assert [(where, failure) for where, failure in tried if failure] == []
    assert not turns._queue


def is_before_leaving(where: str) -> bool:
    """Tell whether a position is before the `try` of `__exit__`, where only C cannot be stopped."""
    line = int(where.partition(":")[2].partition(" ")[0])
    return "(Block.__exit__, " in where and line <= modes.Block.__exit__.__code__.co_firstlineno + 7


@pytest.mark.parametrize("fails", [False, True])
def test_interrupt_leaves_no_with_block_open(fails: bool) -> None:
    block = sg.no_grad()

    def action() -> None:
        with contextlib.suppress(ZeroDivisionError), block, sg.scope("inner"), block:
            if fails:
                raise ZeroDivisionError

    for position in range(1, positions.count(action) + 1):
        where = positions.interrupt(action, position)
        if sg.engine == "python" and is_before_leaving(where):
            modes.active.clear()
        assert not modes.active, where
        assert (sg.Value(2.0) * 3.0).scope is None
        assert (sg.Value(2.0) * 3.0).parents


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

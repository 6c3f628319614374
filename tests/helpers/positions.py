"""Raises an error at any position of an action: where a function is called, at a line, a step.

A position is where Python may stop: the call of a function of this package, each of its lines, and
behind each call that a line makes, where the interpreter looks for signals.
"""

from __future__ import annotations

import dis
import functools
import gc
import itertools
import os
import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

import scalargrad

_PACKAGE = os.path.dirname(scalargrad.__file__) + os.sep

#: raises an error as a line of this package does: what is ours is told by the file it came from
_SOURCE = compile("def plant(error): raise error", f"{_PACKAGE}planted.py", "exec")
_PLANTED: dict[str, Any] = {}
exec(_SOURCE, _PLANTED)

#: tells by frame and event whether to raise there
Choice = Callable[[FrameType, str], bool]


def run_until(
    choice: Choice, action: Callable[[], Any], error: BaseException, *, steps: bool = True
) -> bool:
    """Run an action, raising where the choice says so; tell whether it came to that.

    Without `steps` it is asked at calls of functions only.
    """
    raised = False

    def watch(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal raised
        if event == "call":
            if not frame.f_code.co_filename.startswith((_PACKAGE, "<formula")):
                return None
            frame.f_trace_opcodes = steps
        elif event == "opcode" and frame.f_lasti not in _behind_calls(frame.f_code):
            return watch
        if event in ("call", "line", "opcode") and choice(frame, event):
            raised = True
            sys.settrace(None)
            _PLANTED["plant"](error)
        return watch if steps else None

    before, hook = sys.gettrace(), sys.unraisablehook
    sys.unraisablehook = lambda unraisable: None  # a generator that is dropped may be a position
    gc.disable()  # or the position may fall into the finaliser of a stranger
    sys._getframe().f_trace_opcodes = True  # Python 3.12 looks for it when tracing begins
    sys.settrace(watch)
    try:
        action()
    except type(error) as heard:
        if heard is not error:
            raise
    finally:
        sys.settrace(before)
        sys.unraisablehook = hook
        gc.enable()
    return raised


@functools.cache
def _behind_calls(code: CodeType) -> frozenset[int]:
    """Return where the instructions stand that come after a call."""
    instructions = list(dis.get_instructions(code))
    pairs = itertools.pairwise(instructions)
    return frozenset(after.offset for one, after in pairs if one.opname.startswith("CALL"))


def count(action: Callable[[], Any]) -> int:
    """Return how many positions an action has."""
    counted = 0

    def add(frame: FrameType, event: str) -> bool:
        nonlocal counted
        counted += 1
        return False

    run_until(add, action, KeyboardInterrupt())
    return counted


def interrupt(action: Callable[[], Any], position: int) -> str:
    """Run an action with an interrupt at a position, from 1; return where that is."""
    counted, where = 0, ""

    def is_there(frame: FrameType, event: str) -> bool:
        nonlocal counted, where
        counted += 1
        if counted == position:
            name = os.path.relpath(frame.f_code.co_filename, _PACKAGE)
            where = f"{name}:{frame.f_lineno} ({frame.f_code.co_qualname}, {event})"
        return counted == position

    run_until(is_there, action, KeyboardInterrupt())
    return where


def functions_of(action: Callable[[], Any]) -> list[CodeType]:
    """Return the functions of this package that an action calls, in the order of their first."""
    seen: dict[CodeType, None] = {}

    def note(frame: FrameType, event: str) -> bool:
        if event == "call" and frame.f_code.co_filename.startswith(_PACKAGE):  # no fresh formula
            seen[frame.f_code] = None
        return False

    run_until(note, action, KeyboardInterrupt(), steps=False)
    return list(seen)


def is_heard(code: CodeType, action: Callable[[], Any], error: BaseException) -> bool:
    """Run an action in which a function raises when it is first called; tell if that comes out."""
    heard = False

    def listened() -> None:
        nonlocal heard
        try:
            action()
        except Exception:  # also another one that it led to
            heard = True

    run_until(lambda frame, event: frame.f_code is code, listened, error, steps=False)
    return heard

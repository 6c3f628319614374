"""Lets one thread at a time do what the others wait for, whatever interrupts it.

A lock can stay shut: an interrupt may come behind its `acquire`, or where a block is left. Here a
turn lasts as long as a call in a context of its own, which C enters and leaves: a turn is over when
its context can be entered again. So nothing has to be put right after an interrupt; what it leaves
in the queue is dropped by whoever comes next.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

#: between two looks at the queue, in seconds
PAUSE = 0.001


class _Turn:
    """One call: the context that it runs in, and its thread."""

    __slots__ = ("context", "thread")

    def __init__(self, context: Context) -> None:
        self.context, self.thread = context, threading.get_ident()

    def is_over(self) -> bool:
        """Tell whether the call has ended."""
        try:
            self.context.run(int)  # only one call can be in a context
        except RuntimeError:
            return False
        return True


#: those whose turn it is or will be, the first being at work; a dict, as it keeps the order
_queue: dict[_Turn, None] = {}


def take_turn(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a function when no other thread is in such a call; inside of one, call it at once.

    It runs in a copy of the context: a context variable that it sets is as before afterwards.
    """
    turn = _Turn(copy_context())
    result: R = turn.context.run(_called, turn, function, *args, **kwargs)
    return result


def _called(turn: _Turn, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    _queue[turn] = None
    try:
        while not _may_begin(turn):
            time.sleep(PAUSE)
        return function(*args, **kwargs)
    finally:
        _queue.pop(turn, None)


def _may_begin(turn: _Turn) -> bool:
    for other in list(_queue):
        if other is turn:
            break
        if not other.is_over():
            return other.thread == turn.thread  # nobody waits for himself
        _queue.pop(other, None)
    return True


def _keep_own() -> None:
    """Drop the turns of other threads: a fork has none of them."""
    for turn in list(_queue):
        if turn.thread != threading.get_ident():
            _queue.pop(turn, None)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_keep_own)

"""What must be done after a call, whatever interrupts it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

R = TypeVar("R")


def call_and(after: Callable[[], object], function: Callable[[], R]) -> R:
    """Call a function, and then, also where it raises, another one that may be called twice.

    An interrupt can come at the beginning of a `finally`, and what stands in it is left then: the
    outer one does it once more. Blocks and the inputs around spell this out, for speed.

    >>> call_and(lambda: print("after"), lambda: 1)
    after
    after
    1
    """
    try:
        try:
            return function()
        finally:
            after()
    finally:
        after()

"""Free a long graph node by node where each call within a call counts: in a browser.

Elsewhere Python itself takes care that a node which frees its parents, which free theirs, is no
deep recursion. In WebAssembly it cannot see the end of the stack, and the interpreter would die.
"""

from __future__ import annotations

import sys
from typing import Any

#: whether nodes are to be freed with `let_go`; it costs time, so not where Python does better
STACK_IS_SHORT = sys.platform in ("emscripten", "wasi")  # one thread is all there is

_waiting: list[Any] = []
_is_at_work = False


def let_go(node: Any) -> None:
    """Drop what a node was computed from: the first call does so for all that go with it."""
    global _is_at_work
    _waiting.append((getattr(node, "operands", ()), getattr(node, "parents", ())))
    node.operands = node.parents = ()
    if _is_at_work:
        return
    _is_at_work = True
    try:
        while _waiting:
            _waiting.pop()  # here the parents go, each with a call of its own, which just waits
    finally:
        _is_at_work = False

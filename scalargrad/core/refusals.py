"""What must not be done while a function is traced, in one sentence each, for both engines."""

from __future__ import annotations

import re

from .. import errors
from .source_lines import running_line_text
from .tracer import refusal


def _here() -> str:
    return f"at {running_line_text()}"


def frozen_read(field: str) -> errors.StateError:
    """Return the error for a number that is read out of a Value."""
    text = running_line_text()
    _, _, line = text.partition(": ")
    rewritten = re.sub(r"\.data\b", ".detach()", line) if field == "data" else line
    return refusal(
        f"compile: .{field} must not be read while the function is recorded, the number would be"
        f" the same at every later call; got a Value at {text}; compute with the Value itself, or"
        " with its .detach()" + (f": {rewritten}" if rewritten != line else "")
    )


def frozen_text() -> errors.StateError:
    """Return the error for a number that is written as text."""
    return refusal(
        "compile: numbers must not become text while the function is recorded, it would be the same"
        f" at every later call; got a format {_here()}; write it outside of the function"
    )


def frozen_write(field: str) -> errors.StateError:
    """Return the error for a number that is put into a Value."""
    return refusal(
        f"compile: .{field} must not be changed while the function is recorded, later calls would"
        f" not do it; got an assignment {_here()}; change it outside of the function"
    )


def frozen_pass() -> errors.StateError:
    """Return the error for a backward pass."""
    return refusal(
        "compile: gradients must not be computed as numbers while the function is recorded, later"
        f" calls would not do it; got a pass {_here()}; use f.value_and_grad or f.backward, or"
        " scalargrad.grad inside the function"
    )


def unknown_operation(op: str) -> errors.StateError:
    """Return the error for a node whose numbers nothing on the tape can compute anew.

    It is raised once all is traced: until then `custom` may tell how.
    """
    return errors.StateError(
        f"compile: every operation must be one of the table or of custom; got {op!r}, whose numbers"
        f" would be the same at every later call, {_here()}; write it with scalargrad.custom, or"
        " as steps of a loop"
    )


def frozen_copy() -> errors.StateError:
    """Return the error for a copy or a pickle of a Value."""
    return refusal(
        "compile: Values must not be copied while the function is recorded, the copy would have the"
        f" same number at every later call; got a copy {_here()}; compute with the Value itself"
    )


def lost_copy() -> errors.StateError:
    """Return the error for a copy or a pickle of what a function is differentiated by."""
    return errors.StateError(
        "copy: a Value must not be copied or pickled while a function is differentiated by what it"
        f" depends on, the copy would have the gradient 0; got a copy {_here()}; compute with the"
        " Value itself, or copy its .detach()"
    )


def beyond_doubles(whole: int) -> errors.StateError:
    """Return the error for an argument that is wanted as an int, which its double is not."""
    return refusal(
        "compile: an int that is an argument must be below 2**53 where Python wants it as an int,"
        f" doubles hold no others; got {whole} {_here()}; pass it in two parts, or use it as a"
        " number only"
    )


def frozen_call(name: str, remedy: str) -> errors.StateError:
    """Return the error for a call that gives plain numbers."""
    return refusal(
        f"compile: {name} must not be called while a function is recorded, the results would be the"
        f" same at every later call; got a call {_here()}; {remedy}"
    )

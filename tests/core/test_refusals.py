"""What is refused while a function is recorded, or differentiated, in one sentence."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import scalargrad as sg
from scalargrad import errors


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (
            lambda x: sg.record(1.0, [x], [1.0], op="own"),
            "one of the table or of custom; got 'own'",
        ),
        (lambda x: x * x.data, r"\.data must not be read while"),
        (lambda x: f"{x:g}", "numbers must not become text while"),
        (lambda x: copy.copy(x), "Values must not be copied while"),
        (lambda x: (x * x).backward(), "gradients must not be computed as numbers while"),
    ],
)
def test_what_no_later_call_would_do_is_refused(function: Any, words: str) -> None:
    with pytest.raises(errors.StateError, match=words):
        sg.compile(function)(1.0)

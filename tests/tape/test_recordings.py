"""A function that is recorded at each call says so, with the line and what to write."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pytest

import scalargrad as sg
from scalargrad.tape.recordings import TIMES_IN_A_ROW

TABLE = [[sg.Value(0.5 * row), sg.Value(0.1)] for row in range(9)]


def along(look: Callable[[int], Any]) -> Callable[[list[int]], Any]:
    """Return a function of a sequence of ints, which goes along it row by row."""

    def total(sequence: list[int]) -> Any:
        state = 0.0
        for i in sequence:
            row = look(i)
            state = sg.tanh(row[0] * state + row[1])
        return state

    return total


def call_each(function: Callable[..., Any], calls: list[Any]) -> list[Any]:
    """Call a function with each of some arguments."""
    return [function(*args) if isinstance(args, tuple) else function(args) for args in calls]


def sequences(count: int) -> list[list[int]]:
    """Return sequences of ints, no two of them alike."""
    return [[k % 9, k // 9, 3] for k in range(count)]


@pytest.mark.parametrize(
    "way",
    [
        lambda f, s: f(s),
        lambda f, s: f.backward(s),
        lambda f, s: f.value_and_grad(s),
    ],
)
def test_rows_by_brackets_say_their_line_and_take_says_nothing(way: Any) -> None:
    by_brackets = sg.compile(along(lambda i: TABLE[i]))

    with pytest.warns(UserWarning, match="recorded") as caught:
        call_each(way, [(by_brackets, sequence) for sequence in sequences(TIMES_IN_A_ROW + 5)])

    (warning,) = caught
    assert warning.filename == __file__
    text = str(warning.message)
    assert text.startswith("total: a compiled function should seldom be recorded, it is slower")
    assert f"{__file__}:" in text
    assert "TABLE[i]" in text
    assert text.endswith("; write sg.take(rows, i) for rows[i]")
    assert text.count("; ") == 2
    by_take = sg.compile(along(lambda i: sg.take(TABLE, i)))
    for sequence in sequences(3 * TIMES_IN_A_ROW):
        way(by_take, sequence)
    assert len(by_take.tapes) == 1
    assert by_take(sequences(30)[-1]) == by_brackets(sequences(30)[-1])


def test_a_call_that_records_nothing_begins_anew() -> None:
    by_brackets = sg.compile(along(lambda i: TABLE[i]))
    known = [0, 0, 0]
    by_brackets(known)

    for sequence in sequences(2 * TIMES_IN_A_ROW)[1:]:
        by_brackets(sequence)
        by_brackets(known)  # as do those that are answered in C
        by_brackets(known)


@pytest.mark.parametrize(
    ("calls", "message"),
    [
        (
            (sg.compile(lambda xs: sg.sum(xs)), [[1.0] * k for k in range(1, 40)]),
            "for lists of other lengths; fill them up to one length",
        ),
        (
            (
                sg.compile(lambda x, day: x, static="day"),
                [(1.0, date(2024, 1, k)) for k in range(1, 30)],
            ),
            "for another day; pass as static what is one of a few",
        ),
        (
            (
                sg.compile(lambda x: sg.sum([x if x > k else -x for k in range(40)])),
                [k + 0.5 for k in range(40)],
            ),
            "x if x > k else -x .*; write sg.where",
        ),
    ],
)
def test_other_reasons_are_named(calls: Any, message: str) -> None:
    function, arguments = calls

    with pytest.warns(UserWarning, match=message):
        call_each(function, arguments)


def test_one_batch_of_many_rows_is_no_reason_to_warn() -> None:
    by_brackets = sg.compile(along(lambda i: TABLE[i]))
    batch = [np.array(column) for column in zip(*sequences(40), strict=True)]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(TIMES_IN_A_ROW + 1):
            sg.compile(lambda i, j, k: by_brackets.function([i, j, k]))(*batch)


def test_gradients_of_a_compiled_function_count_too() -> None:
    gradient = sg.grad(sg.compile(lambda x: sg.sum([x if x > k else -x for k in range(40)])))

    with pytest.warns(UserWarning, match="should seldom be recorded"):
        slopes = call_each(gradient, [k + 0.5 for k in range(40)])

    assert slopes == [2 * (k + 1) - 40 for k in range(40)]

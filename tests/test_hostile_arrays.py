"""Arrays of every kind for whatever takes arrays: the numbers of a list, or one clear sentence."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import hostile_arrays
import numpy as np
import pytest
import taking
from fuzzing.arguments import CALLABLES
from hostile_arrays import LIARS, NONE, OTHERS, WAYS, LieError

import scalargrad as sg

COLUMN = [1.0, 2.0, 0.0, 3.0, 1.0, 4.0]
ROWS = [[1.0, 0.0], [2.0, 1.0], [3.0, 2.0], [0.0, 4.0], [1.0, 3.0], [2.0, 2.0]]
SQUARE = [[4.0, 1.0], [1.0, 3.0]]
CLASSES = [0, 0, 1, 1, 1, 0]

Case = tuple[Callable[[Any], Any], Any]


def cases() -> dict[str, Case]:
    """Return all that takes arrays, and what numbers it may be given."""
    found: dict[str, Case] = {}
    for name, f in {**taking.OF_COLUMNS, **taking.MORE_COLUMNS}.items():
        found[f"column: {name}"] = f, COLUMN
    for name, f in {**taking.OF_ROWS, **taking.MORE_ROWS}.items():
        found[f"rows: {name}"] = f, ROWS
    for name, f in taking.SQUARES.items():
        found[f"square: {name}"] = f, SQUARE
    for name, of_both in taking.OF_SAMPLES.items():
        found[f"inputs: {name}"] = (lambda xs, f=of_both: f(xs, taking.CLASSES)), ROWS
        found[f"targets: {name}"] = (lambda ts, f=of_both: f(ROWS, ts)), CLASSES
    return found


CASES = cases()


def outcome(function: Callable[[Any], Any], thing: Any) -> tuple[str, Any]:
    """Return "gave" and what, or "refused" and the error, or "raised" and another error."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return "gave", bits(taking.plain(function(thing)))
        except sg.ScalargradError as error:
            return "refused", error
        except Exception as error:
            return "raised", error


def bits(thing: Any) -> Any:
    """Return a result so that two are equal if every bit of them is; a nan is a nan."""
    if isinstance(thing, (bool, np.bool_)):
        return bool(thing)
    if isinstance(thing, (int, float, np.number)):
        return "nan" if thing != thing else float(thing).hex()
    if isinstance(thing, (list, tuple)):
        return [bits(x) for x in thing]
    if isinstance(thing, dict):
        return [bits(x) for x in thing.values()]
    return repr(thing)


#: of these some tries do: each takes long
#: of every public callable; a new one is among them by itself
EVERYWHERE = {**WAYS, **OTHERS, **NONE, **LIARS}
SLOW = ("fit", "validation", "decision_boundary", "gradient", "loss", "curves", "evaluate", "split")
#: takes classes or elements as they are, whatever they are
ANYTHING = ("decision_boundary", "split", "take", "check_answers")
#: a table of no rows still has columns; and a record is a row of its fields
ALLOWED = {("empty", "gave")}


def ways(table: dict[str, hostile_arrays.Way], case: str) -> list[tuple[str, hostile_arrays.Way]]:
    """Return what to try with a case."""
    is_slow = any(word in case for word in SLOW)
    start = sum(map(ord, case)) % 6 if is_slow else 0
    return list(table.items())[start :: 6 if is_slow else 1]


def is_ours(error: BaseException) -> bool:
    """Tell whether an error arose in the package itself, not in what was given to it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and "/scalargrad/" in trace.tb_frame.f_code.co_filename


def is_fault(got: tuple[str, Any]) -> bool:
    """Tell whether something was raised that is no clear sentence, or no exception of its own."""
    released = "released memoryview"  # Python says that clearly itself
    return got[0] == "raised" and is_ours(got[1]) and released not in str(got[1])


@pytest.mark.parametrize("case", CASES)
def test_array_gives_what_a_list_of_its_numbers_gives(case: str) -> None:
    function, numbers = CASES[case]
    if case.endswith("labels of hinge"):
        numbers = [1.0] * 6
    right = outcome(function, numbers)
    assert right[0] == "gave", right
    wrong = {}
    for name, make in ways(WAYS, case):
        got = outcome(function, make(numbers))
        # 1.0 and 1 are written otherwise; a result has the type that the first guess had
        may_differ = case.endswith(("decision_boundary", "fixed_point", "newton", "take"))
        if is_fault(got) or (got[0] == "gave" and got != right and not may_differ):
            wrong[name] = got

    assert wrong == {}


@pytest.mark.parametrize("case", CASES)
def test_other_numbers_are_those_of_the_array(case: str) -> None:
    function, numbers = CASES[case]
    wrong = {}
    for name, make in ways(OTHERS, case):
        thing = make(numbers)
        right, got = outcome(function, thing.tolist()), outcome(function, thing)
        differs = got[0] == "gave" and right[0] != "raised" and got != right
        if is_fault(got) or (differs and (name, got[0]) not in ALLOWED):
            wrong[name] = got, right

    assert wrong == {}


@pytest.mark.parametrize("case", CASES)
def test_what_holds_no_numbers_is_refused(case: str) -> None:
    function, numbers = CASES[case]
    place = case.partition(": ")[2]
    wrong = {}
    for name, make in ways(NONE, case):
        got = outcome(function, make(numbers))
        is_taken = got[0] == "gave" and not any(word in place for word in ANYTHING)
        if is_fault(got) or (is_taken and "record" not in name):
            wrong[name] = got

    assert wrong == {}


@pytest.mark.parametrize("case", CASES)
def test_what_lies_does_no_harm(case: str) -> None:
    function, numbers = CASES[case]
    wrong = {}
    for name, make in ways(LIARS, case):
        got = outcome(function, make(numbers))
        if is_fault(got) and not isinstance(got[1], (LieError, ValueError, MemoryError)):
            wrong[name] = got

    assert wrong == {}


def calls(name: str) -> list[Callable[[Any], Any]]:
    """Return how a public callable, or a method of a new object, can be given one thing or two."""

    def of(thing: Any) -> Any:
        f = CALLABLES[name]
        return getattr(f[0](), f[1]) if isinstance(f, tuple) else f

    return [lambda x: of(x)(x), lambda x: of(x)(x, x), lambda x: of(x)(lambda *xs: xs[0], x)]


@pytest.mark.parametrize("name", CALLABLES)
def test_every_public_callable_takes_an_array_or_says_why_not(name: str) -> None:
    tries = list(EVERYWHERE.items())[sum(map(ord, name)) % 4 :: 4]
    wrong = {}
    for way, make in tries:
        for call in calls(name):
            got = outcome(call, make([1.0, 2.0, 0.0, 3.0, 1.0, 4.0]))
            if is_fault(got) and not isinstance(
                got[1], (LieError, TypeError, ValueError, MemoryError)
            ):
                wrong[way] = got

    assert wrong == {}

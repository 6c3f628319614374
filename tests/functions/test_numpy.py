"""NumPy on Values does what the guide says: its tables are what the functions do when tried."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy_functions import (
    INSTEAD,
    VERSION,
    flat,
    functions,
    loses_a_nan,
    numbers_of,
    outcome,
    points,
    ufuncs,
)

import scalargrad as sg

PAGE = Path(__file__).parents[2] / "examples" / "guide" / "9-numpy.md"
WORDS = {"yes": "yes", "plain numbers": "plain", "no": "no", "–": ""}
NAMES = re.compile(r"`([\w.]+)`")


def told() -> dict[str, tuple[str, str]]:
    """Return what the table of the guide says of each function."""
    rows = re.findall(
        r"^\| (`.*`) \| ([^|]+) \| ([^|]+) \|$", PAGE.read_text("utf-8"), re.MULTILINE
    )
    return {
        name: (WORDS[many], WORDS[one])
        for names, many, one in rows
        for name in NAMES.findall(names)
    }


CALLS = functions()


@pytest.mark.parametrize("name", sorted(CALLS))
def test_function_of_numpy_does_on_values_what_the_guide_says(name: str) -> None:
    if name not in told() and tuple(map(int, np.__version__.split(".")[:2])) > VERSION:
        pytest.skip("newer than the table")
    assert (outcome(name, CALLS[name], False), outcome(name, CALLS[name], True)) == told()[name]


def test_guide_names_the_functions_that_lose_a_nan() -> None:
    paragraph = re.search(r"among floats, in\n\n(.*?)\n\n", PAGE.read_text("utf-8"), re.DOTALL)
    assert paragraph
    lose = {
        name for name, (many, _) in told().items()
        if name in CALLS and many in ("yes", "plain") and loses_a_nan(name, CALLS[name])
    }  # fmt: skip
    assert lose == set(NAMES.findall(paragraph[1])) & set(CALLS)


def test_guide_has_a_way_for_each_function_that_numpy_finds_none_for() -> None:
    ways = re.findall(r"^\| `([\w.]+)` \| `(.*)` \|$", PAGE.read_text("utf-8"), re.MULTILINE)

    assert dict(ways) == INSTEAD
    assert {name for name, pair in told().items() if "no" in pair} == set(INSTEAD)


@pytest.mark.parametrize("name", sorted(set(INSTEAD) & set(CALLS)))
def test_what_the_guide_writes_instead_gives_the_numbers_of_numpy(name: str) -> None:
    x, y = map(np.array, points(name))
    vs, ws = (np.array(list(map(sg.Value, numbers))) for numbers in (x, y))
    names: dict[str, Any] = {
        "v": vs[0], "w": ws[0], "vs": vs, "ws": ws, "matrix": vs.reshape(2, 2), "np": np, "sg": sg,
        "xs": [-1.0, 0.5, 2.0], "ys": [1.0, 3.0, -1.0],
    }  # fmt: skip
    code = INSTEAD[name]

    found = numbers_of(flat(eval(code, names)))

    expected = flat(CALLS[name](x, y) if re.search("vs|matrix", code) else CALLS[name](x[0], y[0]))
    if name == "corrcoef":
        expected = [expected[1]]
    if name == "gradient":  # the inner ones: at the ends NumPy takes differences to one side
        expected = expected[1:-1]
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-14)


def test_every_ufunc_of_numpy_is_tried() -> None:
    assert {name for name, _ in ufuncs()} <= set(CALLS)

"""Sixty formulas of textbooks are drawn, and the result in the picture is the right one."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from formula_reader import is_said, said
from formulas import FORMULAS, Formula
from mpmath import mp, mpf

import scalargrad as sg
from scalargrad.drawing.options import view
from scalargrad.drawing.words.answers import Answer, read_text

#: of terms that cancel, a difference quotient keeps twelve digits
CLOSE = 1e-11
FUNCTIONS = {
    name: getattr(mp, name)
    for name in ("sqrt", "exp", "log", "log10", "sin", "cos", "asin", "tanh")
}
CONSTANTS = {"pi": float(mp.pi), "e": float(mp.e)}


def exactly(formula: Formula, *numbers: Any) -> Any:
    """Evaluate by Python's own grammar, in fifty digits."""
    text = re.sub(r"\blambda\b", "lambda_", formula.text)
    names = [name.replace("lambda", "lambda_") for name in formula.values]
    own = {
        "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
        "relu": lambda x: max(x, 0),
        "log2": lambda x: mp.log(x, 2),
        "sum": lambda *terms: mp.fsum(terms),
    }
    return eval(text, FUNCTIONS | own | CONSTANTS | dict(zip(names, numbers, strict=True)))


def read(text: str) -> Answer:
    """Return the number that a picture shows."""
    answer = read_text(text)
    assert answer is not None
    return answer


def drawn(formula: Formula) -> tuple[sg.Value, list[sg.Value]]:
    """Return the result and its leaves, in the order of the values."""
    expression = sg.expression(formula.text)
    leaves = {name: sg.Value(x, label=name) for name, x in formula.values.items()}
    result = expression(**leaves)
    result.backward()
    return result, list(leaves.values())


def test_there_are_sixty_different_ones() -> None:
    assert len({formula.text for formula in FORMULAS.values()}) == len(FORMULAS) == 60


@pytest.mark.parametrize("formula", FORMULAS.values(), ids=FORMULAS)
def test_picture_shows_the_result_of_the_formula(formula: Formula) -> None:
    result, leaves = drawn(formula)
    with mp.workdps(50):
        point = [mpf(x) for x in formula.values.values()]
        value = float(exactly(formula, *point))

        picture = ET.fromstring(sg.draw(result).svg)
        told = picture.findtext("{http://www.w3.org/2000/svg}desc") or ""
        [shown] = re.findall(r"result = (\S+) from", told)
        assert result.data == pytest.approx(value, rel=CLOSE)
        assert read(shown).number == pytest.approx(value, rel=1e-5)
        for place, leaf in enumerate(leaves):
            order = tuple(int(place == i) for i in range(len(point)))
            slope = float(mp.diff(lambda *x: exactly(formula, *x), tuple(point), order))
            assert leaf.grad == pytest.approx(slope, rel=CLOSE, abs=abs(value) * 1e-15), leaf.label
    texts = said(view("draw", result, symbols=True))
    for text, number, reader in texts:
        assert is_said(text, number, reader), (text, number)
    red = ET.tostring(ET.fromstring(sg.draw(result, symbols="chain").svg), "unicode")
    assert re.search(r"∂([LE])/∂\1", red)

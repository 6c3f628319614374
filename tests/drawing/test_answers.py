"""Answers: what is read, what is right, and that the page's script says the same."""

from __future__ import annotations

import itertools
import math
import random
from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import browser
import numpy
import pytest

import scalargrad.drawing.page
from scalargrad.drawing.words.answers import LEAST, NOISE, Answer, read_answer, read_text

INF, NAN = math.inf, math.nan
open_page = browser.open_page
SCRIPT = Path(scalargrad.drawing.page.__file__ or "").with_name("answers.js")

# -- reading ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "number", "unit"),
    [
        ("2.2", 2.2, 0.1), ("2,2", 2.2, 0.1), ("1.50", 1.5, 0.01), ("1.", 1.0, 1.0),
        (".5", 0.5, 0.1), (",5", 0.5, 0.1), ("+7", 7.0, 1.0), ("007", 7.0, 1.0),
        ("−3", -3.0, 1.0), ("–3", -3.0, 1.0), ("- 3", -3.0, 1.0), ("－３．５", -3.5, 0.1),
        ("1300", 1300.0, 100.0), ("1300.", 1300.0, 1.0), ("1300.0", 1300.0, 0.1),
        ("1.3e3", 1300.0, 100.0), ("130e1", 1300.0, 100.0), ("1,30E+3", 1300.0, 10.0),
        ("1.3×10³", 1300.0, 100.0), ("10⁻²", 0.01, 0.01), ("−2 · 10⁸", -2e8, 1e8),
        ("1e-3", 1e-3, 1e-3), ("1e−7", 1e-7, 1e-7), ("5e-324", 5e-324, 0.0), ("1,300", 1.3, 1e-3),
        (" \t\u00a0\u30002\ufeff\n", 2.0, 1.0), ("0", 0.0, 10.0), ("-0.00", -0.0, 0.01),
        ("27/3", 9.0, 0.0), ("1 / 3", 1 / 3, 0.0), ("−1,5/2", -0.75, 0.0), ("１／４", 0.25, 0.0),
        ("2/-4", -0.5, 0.0), ("0/5", 0.0, 0.0), ("1e-3/2", 5e-4, 0.0),
        ("∞", INF, 0.0), ("−∞", -INF, 0.0), ("+ inf", INF, 0.0), ("-Infinity", -INF, 0.0),
    ],
)  # fmt: skip
def test_a_number_is_read_with_the_unit_of_its_last_digit(text, number, unit):
    answer = read_text(text)

    assert answer is not None
    assert (answer.number, answer.unit) == (number, unit)
    assert math.copysign(1, answer.number) == math.copysign(1, number)


NO_NUMBERS = [
    "", " ", "-", ".", "e5", "two", "1.2.3", "1.234,5", "1,234.5", "1 300", "2 2", "0x10", "1_000",
    "--1", "+-1", "1e", "1e1.5", "1e 3", "1/0", "0/0", "1/", "/2", "1/2/3", "½", "3²", "50%", "٣",
    "2j", "1e400", "-1e400", "1e-400", "1e-300/1e300", "1e300/1e-300", "1e999999", "inf/2", "nan/2",
    "a(1)", "1" * 101, "infinit", "NaNs", "=1+1",
]  # fmt: skip


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_number_of_a_double_is_not_read(text):
    assert read_text(text) is None


def test_nan_is_read():
    answer = read_text("NaN")

    assert answer is not None
    assert math.isnan(answer.number)
    assert answer.is_right(NAN)
    assert not answer.is_right(1.0)


@pytest.mark.parametrize(
    ("given", "text", "unit"),
    [
        (650, "650", 10.0), (650.0, "650", 10.0), (2.5, "2.5", 0.1), (1e-3, "0.001", 1e-3),
        (1e22, "1e+22", 1e22), (-3, "−3", 1.0), (INF, "inf", 0.0), (Fraction(27, 3), "9", 1.0),
        (Decimal("1.50"), "1.50", 0.01), (numpy.float32(0.1), "0.1", 0.1), (numpy.int64(7), "7", 1),
        (numpy.float64(3.3), "3.3", 0.1), (numpy.float16(0.1), "0.1", 0.1),
    ],
)  # fmt: skip
def test_a_number_of_any_library_shows_the_digits_that_it_has(given, text, unit):
    answer = read_answer("check_answers", "it", given)

    assert answer is not None
    assert (answer.text, answer.unit) == (text, unit)


@pytest.mark.parametrize("given", [True, numpy.True_, [1.0], numpy.ones(2), b"1", 1j, object()])
def test_what_is_neither_number_nor_text_is_refused(given):
    with pytest.raises((TypeError, ValueError), match="check_answers: it must be a number; got "):
        read_answer("check_answers", "it", given)


# -- marking ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value", "right"),
    [
        ("0", 0.0, True), ("-0", 0.0, True), ("0.000", -0.0, True), ("0", 1e-9, False),
        ("0.00", 0.001, False), ("0", -5e-324, False), ("1e-9", 0.0, False),
        ("2.2", 2.2499, True), ("2.2", 2.2501, False), ("2.2", 2.1501, True), ("-2.2", 2.2, False),
        ("2", 2.2, False), ("2", 2.04, True), ("0.5", 0.54, False), ("0.003", 0.00312, False),
        ("1.50", 1.504, True), ("1.50", 1.506, False), ("1.5", 1.506, True),
        ("2.2", 2.25, True), ("2.3", 2.25, True), ("1.00", 1.005, True), ("1.01", 1.005, True),
        ("1300", 1296.3, True), ("1300", 1249.9, False), ("1300.", 1296.3, False),
        ("1000", 1049.0, True), ("1000", 1051.0, False), ("100", 95.1, False), ("100", 99.6, True),
        ("100.0", 99.96, True), ("10", 9.96, True), ("10", 9.94, False), ("1", 0.96, False),
        ("0.33", 1 / 3, True), ("0.3", 1 / 3, False), ("1/3", 1 / 3, True), ("1/3", 0.333, False),
        ("0.30000000000000004", 0.3, True), ("715", 715.0000000000001, True),
        ("3.14159265358979", math.pi, True), ("3.14159265", math.pi, True),
        ("3.1415927", math.pi, True), ("3.1415926", math.pi, False),
        ("1e23", 1e23, True), ("1.8e308", 1.7976931348623157e308, False), ("5e-324", 5e-324, True),
        ("1.7e308", -1.7e308, False), ("1.80e307", 1.7976931348623157e307, True),
        ("∞", INF, True), ("-∞", INF, False), ("1e308", INF, False), ("∞", 1e308, False),
        ("nan", INF, False), ("1", NAN, False), ("0", NAN, False), ("0", INF, False),
    ],
)  # fmt: skip
def test_an_answer_is_right_as_far_as_its_digits_show(text, value, right):
    answer = read_text(text) or Answer(NAN, 0.0, "")  # 1.8e308 is none

    assert answer.is_right(value) == right
    negative = read_text(f"-{text}".replace("--", "")) or Answer(NAN, 0.0, "")
    assert negative.is_right(-value) == right


def number(chance: random.Random) -> float:
    """Return a number as graphs hold them: of any size, whole, or on the middle between two."""
    return chance.choice([1, -1]) * chance.choice(
        [
            chance.uniform(0.1, 10) * 10.0 ** chance.randint(-300, 300),
            chance.uniform(0.1, 10) * 10.0 ** chance.randint(-6, 6),
            float(chance.randint(0, 10**6)),
            chance.randint(0, 10**5) / 2 ** chance.randint(0, 5),
            chance.randint(0, 10**5) / 10 ** chance.randint(0, 5),
        ]
    )


def near(chance: random.Random, value: float) -> str:
    """Return a text of a number near the value, rounded, or beside what is rounded."""
    exact = Decimal(value)
    place = Decimal(1).scaleb(exact.adjusted() - chance.randint(0, 8))
    rounding = chance.choice([ROUND_HALF_UP, ROUND_HALF_DOWN])
    units = int((exact / place).to_integral_value(rounding))
    rounded = (units + chance.choice([0, 0, 0, 1, -1, 2])) * place
    if abs(rounded) > 10**9 or place < Decimal("1e-9"):
        return f"{rounded:e}"
    whole = f"{rounded:.0f}" if rounded == int(rounded) else f"{rounded:e}"
    return chance.choice([f"{rounded:f}", f"{rounded:e}", whole])


def rounded_alike(text: str, value: float) -> bool | None:
    """Tell by decimals whether rounding gives the text; None where floats cannot tell."""
    answer, exact = Decimal(text), Decimal(value)
    if not exact:
        return not answer
    last = answer.normalize() if "." not in text.partition("e")[0] else answer
    place = min(int(last.as_tuple().exponent), exact.adjusted() - 1)
    unit = Decimal(1).scaleb(place)
    modes = ROUND_HALF_UP, ROUND_HALF_DOWN
    if abs(abs(answer - exact) - unit / 2) <= abs(exact) * Decimal(NOISE):
        return None  # too near the middle, or on it
    return answer in [(exact / unit).to_integral_value(mode) * unit for mode in modes]


def test_marks_are_those_of_decimals() -> None:
    chance = random.Random(8)
    told: dict[bool | None, int] = {True: 0, False: 0, None: 0}
    for _ in range(20_000):
        value = number(chance)
        text = near(chance, value) if value else chance.choice(["0", "0.0", "0.01"])
        answer = read_text(text)
        right = rounded_alike(text, value)
        told[right] += 1
        if answer is not None and right is not None:
            assert answer.is_right(value) == right, (text, value)
    assert told[True] > 5000
    assert told[False] > 5000


def test_half_a_unit_may_be_rounded_to_either_side() -> None:
    for units, places in itertools.product(range(100, 1000, 7), range(5)):
        value = (units + 0.5) / 10**places  # 101.5, 10.15, ..., as floats have it
        for neighbour in (units, units + 1):
            text = f"{Decimal(neighbour).scaleb(-places):f}" + "." * (places == 0)
            answer = read_text(text)
            assert answer is not None
            assert answer.is_right(value), (text, value)


@pytest.mark.parametrize(
    ("text", "value", "coarse"),
    [
        ("2", 2.2, True), ("0.5", 0.54, True), ("0.003", 0.00312, True), ("1/3", 0.3, False),
        ("100", 110.0, False), ("0", 0.3, False), ("3", 2.2, False), ("20", 21.0, False),
        ("-2", 2.2, False), ("∞", 1e308, False),
    ],
)  # fmt: skip
def test_an_answer_with_too_few_digits_is_told_from_a_wrong_one(text, value, coarse):
    answer = read_text(text)

    assert answer is not None
    assert not answer.is_right(value)
    assert answer.is_coarse(value) == coarse


# -- the page --------------------------------------------------------------------------------------

#: verdicts on texts, each with its value; numbers travel as texts, which know -0 and nan
RUN = """([pairs, least, noise]) => pairs.map(([text, value, digits]) => {
    const answer = readAnswer(text);
    if (!answer) return null;
    const {number, unit} = answer;
    const shown = (x) => Object.is(x, -0) ? "-0" : String(x);
    return [shown(number), shown(unit), answer.text,
            isRight(answer, Number(value), digits, noise), isCoarse(answer, Number(value), noise)];
})"""
_PIECES = [*"0123456789" * 2, *"..,,--+−–/ee E  ∞１．／－", "inf", "nan", "\u00a0", "00", "e-", "x"]


def soup(chance: random.Random) -> str:
    """Return a text that is a number sometimes."""
    return "".join(chance.choices(_PIECES, k=chance.randint(0, 9)))


def read(text: str) -> float:
    return float(text.replace("Infinity", "inf"))


def same(x: float, y: float) -> bool:
    return (x != x and y != y) or (x == y and math.copysign(1, x) == math.copysign(1, y))


def test_page_reads_and_marks_as_python_does(open_page: browser.Opener) -> None:
    chance = random.Random(14)
    texts = [*NO_NUMBERS, "0", "-0", "1300", "1300.", "1e-3", "27/3", "∞", "-inf", "nan", "1,50"]
    pairs: list[tuple[str, str, int]] = [
        (text, repr(value), digits)
        for text in texts
        for value in (0.0, -0.0, 1e-9, 9.0, 1296.3, 5e-324, INF, -INF, NAN)
        for digits in (1, LEAST, 17)
    ]
    for _ in range(8000):
        value = number(chance)
        text = near(chance, value) if value and chance.random() < 0.8 else soup(chance)
        pairs.append((text, repr(value), chance.choice([1, 2, 2, 2, 3, 6])))
    sent = [[t, v.replace("inf", "Infinity").replace("nan", "NaN"), d] for t, v, d in pairs]

    html = f"<!doctype html><script>{SCRIPT.read_text(encoding='utf-8')}</script>"
    with open_page(html) as visit:
        found: list[Any] = visit.page.evaluate(RUN, [sent, LEAST, NOISE])
        assert visit.is_quiet

    verdicts = {True: 0, False: 0, None: 0}
    for (text, value, digits), got in zip(pairs, found, strict=True):
        answer = read_text(text)
        if answer is None or got is None:
            assert answer is got, (text, got)
            verdicts[None] += 1
            continue
        number_, unit, shown, right, coarse = got
        assert same(answer.number, read(number_)), (text, got)
        assert same(answer.unit, read(unit)), (text, got)
        assert answer.text == shown
        assert answer.is_right(float(value), digits) == right, (text, value, digits)
        assert answer.is_coarse(float(value)) == coarse, (text, value)
        verdicts[right] += 1
    assert min(verdicts.values()) > 1000, verdicts

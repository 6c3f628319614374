"""What a notebook shows of models, histories, tapes and checks: text stays text, on any paper."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from typing import Any

import browser
import pytest

import scalargrad as sg
from scalargrad.core import markup

open_page = browser.open_page

HOSTILE = "</td></pre><script>alert(1)</script><img src=x onerror=alert(1)>\u202e"
ELEMENTS = {"div", "table", "tr", "th", "td", "pre", "span", "svg", "path", "circle"}
ATTRIBUTES = {
    "style", "width", "height", "viewBox", "fill", "stroke", "stroke-width", "d", "cx", "cy", "r",
    "role", "aria-label",
}  # fmt: skip


def hostile_model() -> sg.nn.Module:
    model = sg.nn.Module()
    setattr(model, HOSTILE, sg.Value(1.0))
    model.inner = sg.nn.Affine(2, 3)
    return model


def hostile_tape() -> Any:
    def f(x: Any) -> Any:
        return x * 2 if x > 0 else x

    f.__name__ = HOSTILE
    compiled = sg.compile(f)
    compiled(1.0)
    return compiled.tape


SHOWN: dict[str, Callable[[], str]] = {
    "model": lambda: hostile_model()._repr_html_(),
    "history": lambda: sg.History(
        steps=[2.0, 1.0], loss=[1.5, 1.0], accuracy=[0.5, 1.0], why_not_replayed=HOSTILE
    )._repr_html_(),
    "tape": lambda: hostile_tape()._repr_html_(),
    "check": lambda: sg.check_gradients(lambda x: x[HOSTILE] ** 2, {HOSTILE: 2.0})._repr_html_(),
    "bar": lambda: markup.html(markup.bar(0.5, HOSTILE)),
}


@pytest.mark.parametrize("name", SHOWN)
def test_text_stays_text_and_colours_are_those_of_the_notebook(name: str) -> None:
    html = SHOWN[name]()

    assert type(html) is str  # some notebooks take a subclass for something else
    root = ET.fromstring(html)
    assert {tag(node) for node in root.iter()} <= ELEMENTS
    assert {key for node in root.iter() for key in node.attrib} <= ATTRIBUTES
    assert "<script>alert(1)</script><img" in "".join(root.itertext())
    assert "⟨U+202E⟩" in html or "\\u202e" in html
    assert "\u202e" not in html
    styles = " ".join(node.get("style", "") for node in root.iter())
    assert not re.search(r"(?<![\w-])color:|#[0-9a-f]{3}|url\(", styles)
    paints = {node.get(side) for node in root.iter() for side in ("fill", "stroke")}
    assert paints <= {None, "none", "currentColor"}


def tag(node: ET.Element) -> str:
    return node.tag.rpartition("}")[2]


@pytest.mark.parametrize(
    ("paper", "ink"), [("#fff", "rgb(17, 17, 17)"), ("#111", "rgb(238, 238, 238)")]
)
def test_a_page_lends_its_ink_and_complains_of_nothing(
    open_page: browser.Opener, paper: str, ink: str
) -> None:
    pieces = "".join(show() for show in SHOWN.values())
    page = f'<!doctype html><body style="background:{paper};color:{ink}">{pieces}'
    with open_page(page) as visit:
        asked = "[...document.querySelectorAll('td, pre')].map(e => getComputedStyle(e).color)"
        assert set(visit.page.evaluate(asked)) == {ink}
        line = "getComputedStyle(document.querySelector('svg path')).stroke"
        assert visit.page.evaluate(line) == ink
        assert visit.is_quiet


@pytest.mark.parametrize(
    ("numbers", "count"),
    [
        ([], 0),
        ([2.0], 1),
        ([1.0, math.nan, math.inf, 3.0], 2),
        ([5.0] * 3, 3),
        ([0.5] * 10_000, 159),
    ],
)
def test_curve_keeps_what_is_finite_inside_its_frame(numbers: list[float], count: int) -> None:
    path = ET.fromstring(markup.curve(numbers))[0].get("d") or ""

    points = [*map(float, re.findall(r"[\d.]+", path))] if numbers else []
    assert len(points) == 2 * count
    assert all(0 <= x <= markup.WIDE for x in points[::2])
    assert all(0 <= y <= markup.HIGH for y in points[1::2])


def test_curve_goes_up_where_numbers_do() -> None:
    heights = re.findall(r"[ML][\d.]+ ([\d.]+)", markup.curve([1.0, 2.0, 4.0]))

    first, second, third = map(float, heights)
    assert first > second > third
    assert first - second == pytest.approx((second - third) / 2, abs=0.2)


def lines(html: str) -> Iterator[list[str]]:
    """Yield the texts of the cells of each row."""
    for row in ET.fromstring(html).iter("tr"):
        yield ["".join(cell.itertext()) for cell in row]


def test_table_of_a_check_has_the_rows_of_its_text() -> None:
    check = sg.check_gradients(lambda x, y: x * y + abs(y), 2.0, 0.0)

    assert list(lines(check._repr_html_())) == [
        ["name", "gradient", "difference", ""],
        ["y", "2.0", "2.0", "kink"],
        ["x", "0.0", "0.0", "ok"],
    ]
    for sentence in repr(check).splitlines()[-2:]:
        assert sentence in check._repr_html_()


def test_history_shows_first_and_last_numbers_and_a_curve_each() -> None:
    history = sg.History(steps=[3.0, 1.0], loss=[2.0], validation_accuracy=[0.5])
    longer = sg.History(steps=[3.0, 1.0], loss=[2.0, 1.0])

    assert list(lines(history._repr_html_())) == [
        ["", "first", "last", ""],
        ["loss of each step", "3", "1", ""],
        ["loss", "", "2", ""],
        ["validation accuracy", "", "0.5", ""],
    ]
    assert history._repr_html_().count("<svg") == 1  # a single number has no curve
    assert repr(history) == "History(1 epoch, 2 steps, loss 2, validation accuracy 0.5)"
    assert [cells[0] for cells in lines(longer._repr_html_())] == ["", "loss"]
    assert sg.History()._repr_html_() == "<div><div>0 epochs, 0 steps</div></div>"


def test_tape_shows_the_lines_that_it_prints() -> None:
    f = sg.compile(lambda x, y: sg.tanh(x) * y if x < y else x)
    f(1.0, 2.0)

    assert "".join(ET.fromstring(f.tape._repr_html_()).itertext()) == str(f.tape)

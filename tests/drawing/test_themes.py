"""Pictures on black and on nothing, and arrows as thick as their gradients."""

from __future__ import annotations

import re

import pytest

import scalargrad as sg
from scalargrad.drawing.layout.measures import BLACK, GREY, IDLE, PALE, RED, WHITE
from scalargrad.drawing.output.themes import THEMES


def graph() -> sg.Value:
    x, y = sg.values(x=0.5, y=-2.0)
    with sg.scope("group"):
        inner = sg.relu(x * y) + sg.sigmoid(20.0 * x)
    root = inner * x + sg.tanh(y) * 3.0
    root.label = 'fill="#111"'
    root.backward()
    return root


def colours(svg: str) -> set[str]:
    return set(re.findall(r'(?:fill|stroke)="([^"]*)"', svg))


def luminance(colour: str) -> float:
    """Return how bright a colour is, by the formula of the web's guidelines."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    bright, dark = sorted([luminance(one), luminance(other)], reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_theme_changes_colours_and_nothing_else() -> None:
    root = graph()
    plain = sg.draw(root, thickness=True).svg

    assert colours(plain) == {BLACK, RED, GREY, PALE, WHITE, IDLE, "none"}
    for theme in ("dark", "transparent"):
        svg = sg.draw(root, thickness=True, theme=theme).svg
        mapped = {THEMES[theme].get(colour, colour) for colour in colours(plain)}
        assert colours(svg) == mapped
        shape = re.compile(r'(fill|stroke)="(#[^"]*|none)"')
        assert shape.sub("", svg) == shape.sub("", plain)
        assert "fill=&quot;#111&quot;" in svg  # what a label says stays
    assert sg.draw(root, theme="light").svg == sg.draw(root).svg


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_is_written_can_be_read(theme: str) -> None:
    shown = {colour: THEMES[theme].get(colour, colour) for colour in (BLACK, RED, GREY)}
    for paper in (WHITE, PALE):
        back = THEMES[theme].get(paper, paper)
        assert all(contrast(colour, back) >= 4.4 for colour in shown.values())
    assert contrast(shown[BLACK], THEMES[theme].get(IDLE, IDLE)) >= 4.5


def test_graphviz_has_the_colours_of_the_theme() -> None:
    root = graph()

    assert "bgcolor" not in sg.draw_dot(root).source
    dark = THEMES["dark"]
    source = sg.draw_dot(root, theme="dark").source
    assert f'bgcolor="{dark[WHITE]}"' in source
    assert RED not in source
    assert dark[RED] in source
    assert "bgcolor=transparent" in sg.draw_dot(root, theme="transparent").source


def test_arrows_are_as_thick_as_their_gradients() -> None:
    x, y, z = sg.values(x=1.0, y=1.0, z=1.0)
    root = 4.0 * x + y + 0.0 * z
    root.backward()

    def strokes(**options: object) -> dict[str, set[float]]:
        picture = sg.draw(root, **options).picture
        found: dict[str, set[float]] = {}
        for text in picture.texts:
            if text.style == "backward":
                found.setdefault(text.content, set()).update(
                    arrow.stroke for arrow in picture.arrows
                    if arrow.backward and arrow.about == text.about
                )  # fmt: skip
        return found

    assert strokes() == {"4": {2.6}, "1": {2.6}, "0": {2.6}}
    assert strokes(thickness=True) == {"4": {5.2}, "1": {3.0}, "0": {0.8}}
    exercise = sg.draw(root, thickness=True, exercise="backward").picture
    assert {arrow.stroke for arrow in exercise.arrows if arrow.backward} <= {2.6, 3.0}


def test_thickness_without_gradients_draws_as_ever() -> None:
    x, y = sg.values(x=1.0, y=1.0)
    root = sg.relu(-x) * y

    assert sg.draw(root, thickness=True).svg == sg.draw(root).svg
    root.backward(float("nan"))
    assert "nan" in sg.draw(root, thickness=True).svg


@pytest.mark.parametrize(
    ("name", "at", "grey"),
    [
        ("relu", -1.0, True), ("relu", 0.0, True), ("relu", 1.0, False),
        ("sigmoid", 5.0, True), ("sigmoid", -5.0, True), ("sigmoid", 3.0, False),
        ("tanh", 3.0, True), ("tanh", 1.0, False), ("silu", -9.0, True), ("exp", -50.0, False),
    ],
)  # fmt: skip
def test_unit_that_lets_nothing_back_is_grey(name: str, at: float, grey: bool) -> None:
    (x,) = sg.values(x=at)
    root = getattr(sg, name)(x) * 2.0
    root.backward()
    picture = sg.draw(root, thickness=True).picture

    assert [shape.idle for shape in picture.shapes] == [grey, False]
    notes = [text.content for text in picture.texts if text.style == "note"]
    assert notes == ["grey units let nothing back, or almost nothing"] * grey
    assert not any(shape.idle for shape in sg.draw(root).picture.shapes)

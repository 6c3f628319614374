"""Where terms cancel, a picture says 0: what rounding left there is no number of the graph."""

from __future__ import annotations

import pytest

import scalargrad as sg
from scalargrad.drawing.options import view
from scalargrad.drawing.words.cancelling import NOTE, is_left_over


def texts(value: sg.Value, style: str, **options: object) -> list[str]:
    picture = sg.draw(value, **options).picture
    return [str(text.content) for text in picture.texts if text.style == style]


def test_sum_that_cancels_is_a_marked_0_which_a_note_explains() -> None:
    x, y, z = sg.values(x=0.1, y=0.2, z=0.3)
    root = x + y - z

    assert root.data != 0.0
    assert texts(root, "forward")[-1] == "0*"
    assert texts(root, "note") == [NOTE]
    assert 'fill="#555">*</tspan>' in sg.draw(root).svg
    assert "0*" in sg.draw_dot(root).source


@pytest.mark.parametrize(
    ("made", "marked"),
    [
        (lambda x, y: sg.sum([x, y, -(x + y) * (1 + 2**-52)]), True),
        (lambda x, y: sg.dot([x, x], [0.7, -0.7000000000000001]), True),
        (lambda x, y: sg.mean([x, -x * (1 + 2**-52)]), True),
        (lambda x, y: x * 1e-17, False),
        (lambda x, y: x - x * (1 + 1e-12), False),
        (lambda x, y: x - x, False),
        (lambda x, y: 1e-20 * x - 3e-20 * y, False),
        (lambda x, y: (x - x * (1 + 2**-52)) * y, False),
    ],
)  # fmt: skip
def test_small_product_is_a_number_like_any_other(made: object, marked: bool) -> None:
    root = made(*sg.values(x=0.1, y=0.2))  # type: ignore[operator]

    assert (texts(root, "forward")[-1] == "0*") is marked


def test_gradient_of_parts_that_cancel_is_a_marked_0() -> None:
    (x,) = sg.values(x=2.0)
    root = x * 0.1 + x * 0.2 - x * 0.3
    root.backward()

    assert x.grad != 0.0
    assert "0*" in texts(root, "backward")
    assert "0*" in [text.split("\n")[-1] for text in texts(root, "backward", symbols="both")]
    assert texts(root, "note", symbols=True) == []  # no number, no mark
    with sg.scope("all"):
        boxed = x * 0.1 + x * 0.2 - x * 0.3
    boxed.backward()
    assert texts(boxed, "backward", fold=True)[0] == "0*"


def test_0_is_the_right_answer_where_terms_cancel() -> None:
    (x,) = sg.values(x=2.0)
    root = x * 0.1 + x * 0.2 - x * 0.3
    root.backward()
    answers = sg.draw(root, exercise="both").answers

    assert 0.0 in answers.values()
    assert sg.check_answers(root, answers, exercise="both")
    assert "= 0\n" in sg.draw(root, exercise="both").answer_sheet


def test_page_whose_numbers_change_has_no_marks() -> None:
    x, y, z = sg.values(x=0.1, y=0.2, z=0.3)

    assert view("walkthrough", x + y - z, upstream=1.0).note == ""
    assert NOTE not in sg.walkthrough(x + y - z).html


@pytest.mark.parametrize("terms", [[float("nan"), 1.0, -1.0], [float("inf"), -1.0], [], [1e-300]])
def test_what_is_no_number_is_not_left_over(terms: list[float]) -> None:
    assert not is_left_over(sum(terms), terms)

"""Exercises: what is left empty, what belongs there, and how answers are marked."""
# ruff: noqa: N803 - Value is a class

from __future__ import annotations

import csv
import math
import re
from itertools import pairwise

import pytest

import scalargrad as sg


def fruit(Value: type):
    """Return figure 5-17 of the book, after its backward pass."""
    apple, apples, orange, oranges, tax = map(Value, (100, 2, 150, 3, 1.1))
    price = (apple * apples + orange * oranges) * tax
    price.label = "price"
    price.backward()
    return price


def test_backward_exercise_asks_for_what_figure_5_15_leaves_blank(Value):
    drawing = sg.draw(fruit(Value), exercise="backward")

    assert list(drawing.answers) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert sorted(round(x, 9) for x in drawing.answers.values()) == sorted(
        [2.2, 110.0, 3.3, 165.0, 650.0, 1.1, 1.1, 1.1]
    )


def test_picture_of_an_exercise_shows_the_given_and_not_the_answers(Value):
    svg = sg.draw(fruit(Value), exercise="backward").svg

    texts = re.findall(r">([^<>]+)</text>", svg)
    assert sorted(texts) == sorted(
        ["100", "2", "150", "3", "1.1", "200", "450", "650", "715", "price", "1"]  # 1: upstream
        + ["×"] * 3 + ["+"] + list("12345678")
    )  # fmt: skip


def test_forward_exercise_asks_for_every_result_and_no_leaf(Value):
    drawing = sg.draw(fruit(Value), exercise="forward")

    assert list(drawing.answers.values()) == [200.0, 450.0, 650.0, 715.0000000000001]
    assert ">715<" not in drawing.svg
    assert ">2.2<" in drawing.svg


def test_value_used_twice_asks_for_each_fork_and_for_their_sum(Value):
    x = Value(3.0)
    root = x * x
    root.backward(2.0)

    drawing = sg.draw(root, exercise="backward")

    assert list(drawing.answers.values()) == [6.0, 6.0, 12.0]
    assert "branch: the sum of what comes back = 6 + 6 = 12" in drawing.answer_sheet


def test_forks_do_not_tell_what_the_stem_leaves_empty(Value):
    h = Value(3.0) + 1.0
    root = h * h + 0.5

    drawing = sg.draw(root, exercise="forward")

    assert list(drawing.answers.values()) == [4.0, 16.0, 16.5]
    assert ">4<" not in drawing.svg


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 1.0])  # 0.3 of 12 is nearest to 4
def test_share_is_drawn_by_its_seed(Value, share):
    root = fruit(Value)

    once, again, other = (
        sg.draw(root, exercise="both", share=share, seed=seed).answers for seed in (3, 3, 4)
    )

    assert len(once) == {0.01: 1, 0.3: 4, 0.5: 6, 1.0: 12}[share]
    assert once == again
    assert list(once) == list(range(1, len(once) + 1))
    assert share != 0.5 or once != other


def test_answers_are_marked_with_the_rule_that_was_missed(Value):
    marks = sg.check_answers(fruit(Value), [1.1, 650, 1.1, 2.2, None, 110, 3.3, 165])

    assert not marks
    assert (marks.right, len(marks)) == (6, 8)
    assert repr(marks).splitlines()[0] == "6 of 8 right"
    assert "2.2   not right; +: upstream, unchanged = 1.1" in repr(marks)
    assert "left empty; ×: upstream × the other operand = 1.1 × 2 = 2.2" in repr(marks)


def test_answers_are_true_as_far_as_their_digits_show(Value):
    root = fruit(Value)
    answers = sg.draw(root, exercise="backward").answers

    assert sg.check_answers(root, answers)
    assert sg.check_answers(root, [round(x, 3) for x in answers.values()])
    assert not sg.check_answers(root, answers | {7: 3.31})
    assert sg.check_answers(root, answers | {7: 3.31}, tolerance=0.01)
    assert not sg.check_answers(root, answers | {7: 3})


def test_nothing_but_0_is_answered_by_0(Value):
    x, y = Value(0.0003), Value(0.0)
    root = x * y
    root.backward()

    assert [mark.right for mark in sg.check_answers(root, [0, 0]).marks] == [True, False]
    assert [mark.right for mark in sg.check_answers(root, [3e-4, 3e-4]).marks] == [False, True]


def test_more_digits_are_wanted_on_request(Value):
    root = Value(3.14159).log()
    root.backward()  # 0.318310155...

    wanted = {text: [sg.check_answers(root, [text], digits=digits).right for digits in range(1, 7)]
              for text in ("0.3", "0.32", "0.318", "0.3183")}  # fmt: skip
    assert wanted == {
        "0.3": [1, 0, 0, 0, 0, 0],
        "0.32": [1, 1, 0, 0, 0, 0],
        "0.318": [1, 1, 1, 0, 0, 0],
        "0.3183": [1, 1, 1, 1, 0, 0],
    }
    shown = repr(sg.check_answers(root, [0.3]))
    assert shown.splitlines()[1].startswith("  1           0.3   too few digits; log: upstream × ")


def test_answers_are_read_from_the_texts_of_a_table(Value):
    root = fruit(Value)
    row = next(csv.reader(["1.1;650;22/20;2,2;;−110; 330e-2 ;１６５"], delimiter=";"))

    marks = sg.check_answers(root, row)

    assert [mark.right for mark in marks.marks] == [
        True,
        True,
        True,
        False,
        False,
        False,
        True,
        True,
    ]
    assert repr(marks).splitlines()[4:7] == [
        "  4           2.2   not right; +: upstream, unchanged = 1.1",
        "  5                 left empty; ×: upstream × the other operand = 1.1 × 2 = 2.2",
        "  6          −110   not right; ×: upstream × the other operand = 1.1 × 100 = 110",
    ]
    by_number = {"1": "1.1", " 2": "650", **dict.fromkeys("345678", "")}
    assert sg.check_answers(root, by_number).right == 2


def test_answers_may_be_any_iterable(Value):
    root = fruit(Value)
    answers = sg.draw(root, exercise="backward").answers

    assert sg.check_answers(root, (answers[number] for number in range(1, 9)))
    assert sg.check_answers(root, answers.values())


@pytest.mark.parametrize("options", [{}, {"branches": True}])
def test_boxes_are_numbered_by_columns_from_the_result_and_from_top_to_bottom(Value, options):
    x = Value(0.5)
    root = (x * x + sg.exp(x)) * fruit(Value)
    root.backward()

    drawing = sg.draw(root, exercise="both", **options)

    blanks = sorted(drawing.picture.blanks, key=lambda blank: blank.number)
    forward = [blank.x for blank in blanks if not blank.backward]
    backward = [blank.x for blank in blanks if blank.backward]
    assert [blank.backward for blank in blanks] == sorted(blank.backward for blank in blanks)
    assert all(right > left - 40 for left, right in pairwise(forward))
    assert all(right < left + 40 for left, right in pairwise(backward))
    for a, b in pairwise(blanks):
        assert a.backward != b.backward or abs(a.x - b.x) > 20 or a.y < b.y
    assert sg.check_answers(root, drawing.answers, exercise="both", **options)
    assert [blank.number for blank in blanks] == list(drawing.answers)


def test_exercise_of_figure_5_15_reads_its_first_column_from_top_to_bottom(Value):
    answers = sg.draw(fruit(Value), exercise="backward").answers

    found = [round(answers[number], 9) for number in range(1, 9)]
    assert found == [1.1, 650.0, 1.1, 1.1, 2.2, 110.0, 3.3, 165.0]


def test_answers_need_the_options_of_the_exercise(Value):
    root = fruit(Value)
    options = {"exercise": "both", "share": 0.4, "seed": 9}
    answers = sg.draw(root, **options).answers

    assert sg.check_answers(root, answers, **options)
    assert sg.check_answers(root, list(answers.values()), **options)


def test_one_answer_may_stand_alone(Value):
    root = Value(3.0).exp()
    root.backward()

    assert sg.check_answers(root, math.exp(3.0))


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda x: -x, "−: upstream with the other sign = −1"),
        (lambda x: x + 1, "+: upstream, unchanged = 1"),
        (lambda x: x.tanh(),
         "tanh: upstream × 1−z² (z is its own output) = 1 × 0.419974 = 0.419974"),
        (lambda x: x / 2, "/: upstream × 1/2 = 1 × 0.5 = 0.5"),
        (lambda x: 1 / (x * 2), "/: upstream × −z² (z is its own output) = 1 × −0.25 = −0.25"),
        (lambda x: (x - 1).exp(), "exp: upstream × its own output = 1 × 1 = 1"),
        (lambda x: sg.dot([x], [4.0]), "·: upstream × the other operand = 1 × 4 = 4"),
        (lambda x: sg.record(1.0, [x], [7.0], op="mine"),
         "mine: upstream × the derivative by this operand = 1 × 7 = 7"),
    ],
)  # fmt: skip
def test_rule_is_told_in_words_and_numbers(Value, make, rule):
    root = make(Value(1.0))
    root.backward()

    assert rule in sg.draw(root, exercise="backward").answer_sheet


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda y, x: y / x, "upstream × −y/x² = 1 × −0.125 = −0.125"),  # no letters of the table
        (lambda y, x: y**x, "upstream × x·y^(x−1) = 1 × 32 = 32"),
        (lambda y, x: y**-2, "upstream × (−2)·y^((−2)−1) = 1 × −0.25 = −0.25"),
        (lambda y, x: sg.log(y), "upstream × 1/y = 1 × 0.5 = 0.5"),
        (lambda y, x: sg.hypot(y, 3), "upstream × "),
    ],
)  # fmt: skip
def test_rule_has_the_names_of_its_operands(Value, make, rule):
    root = make(Value(2.0, label="y"), Value(4.0, label="x"))
    root.label = "g"
    root.backward()
    sheet = sg.draw(root, exercise="backward").answer_sheet

    assert rule in sheet
    assert "operand" not in sheet


def test_numbers_that_are_not_finite_can_be_answered(Value):
    root = Value(0.0).log()
    root.backward()

    assert sg.check_answers(root, [math.inf])
    assert not sg.check_answers(root, [-math.inf])
    assert not sg.check_answers(root, [math.nan])


@pytest.mark.parametrize(
    ("use", "kind", "message"),
    [
        (lambda v: sg.draw(v, exercise="sideways"), ValueError, 'must be "backward", "forward"'),
        (lambda v: sg.draw(v, exercise=True), ValueError, "got True"),
        (lambda v: sg.draw(v, exercise="both", share=0), ValueError, "share must be above 0"),
        (lambda v: sg.draw(v, exercise="both", share="all"), TypeError, "share must be a number"),
        (lambda v: sg.draw(v, exercise="both", seed=-1), ValueError, "seed must be a whole number"),
        (lambda v: sg.draw(v * 2, exercise="backward"), RuntimeError, "without gradients"),
        (lambda v: sg.draw(v.parents[0], exercise="forward"), ValueError, "without a result"),
        (lambda v: sg.check_answers(v, [1.0]), ValueError, "got 1 answers for 3 boxes"),
        (lambda v: sg.check_answers(v, {9: 1.0}), ValueError, "1 to 3, each once; got 9 (int)"),
        (lambda v: sg.check_answers(v, {1: 1.0, "1": 2.0}), ValueError, "each once; got '1' (str)"),
        (lambda v: sg.check_answers(v, {True: 1.0}), ValueError, "each once; got True (bool)"),
        (lambda v: sg.check_answers(v, "1 2 3"), TypeError, "or a dict from box to number; got"),
        (lambda v: sg.check_answers(v, [1, 2, "six"]), ValueError,
         "the answer in box 3 must be a number; got 'six' (str); write e.g. 2.2 or 27/3, or leave"),
        (lambda v: sg.check_answers(v, [1, 2, [3]]), TypeError, "the answer in box 3 must be"),
        (lambda v: sg.check_answers(v, [1, 2, v]), TypeError, "pass its .data"),
        (lambda v: sg.check_answers(v, [1, 2, "1e999"]), ValueError, "got '1e999' (str)"),
        (lambda v: sg.check_answers(v, [1, 2, 3], digits=0), ValueError, "digits must be a whole"),
        (lambda v: sg.check_answers(v, [1, 2, 3], digits=18), ValueError, "digits must be at most"),
        (lambda v: sg.check_answers(v, [1, 2, True]), TypeError, "must be a number; got True"),
        (lambda v: sg.check_answers(v, (x for x in "1")), ValueError, "got 1 answers for 3 boxes"),
        (lambda v: sg.check_answers(sg.draw(v), [1]), TypeError, "wants the Value that was drawn"),
        (lambda v: sg.check_answers(v, [1, 2, 3], tolerance=-1), ValueError, "tolerance must be"),
        (lambda v: sg.check_answers(1.0, [1.0]), TypeError, "check_answers: wants a Value"),
    ],
)  # fmt: skip
def test_mistakes_get_one_clear_sentence(Value, use, kind, message):
    x = Value(3.0)
    root = x * x
    root.backward()

    with pytest.raises(kind, match=re.escape(message)) as caught:
        use(root)

    assert isinstance(caught.value, sg.ScalargradError)
    assert "\n" not in str(caught.value)

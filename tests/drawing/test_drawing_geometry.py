"""Nothing in a picture covers anything else: checked on the positions, not on pixels."""

from __future__ import annotations

import dataclasses
import itertools
import math
import random
from fractions import Fraction

import pytest
from figures import FIGURES, hairball
from formulas import FORMULAS
from geometry import collisions, meets

import scalargrad as sg
from scalargrad.drawing.layout import frame_titles, grid
from scalargrad.drawing.layout.isotonic import isotonic
from scalargrad.drawing.layout.picture import Arrow, Picture

BEFORE = "before backward"


def drawn(name: str, when: str) -> Picture:
    value = FIGURES[name]()
    return sg.draw(value, gradients=when != BEFORE, title=name).picture


@pytest.mark.parametrize("when", [BEFORE, "after backward"])
@pytest.mark.parametrize("name", FIGURES)
def test_picture_has_no_collisions(name: str, when: str) -> None:
    assert collisions(drawn(name, when)) == []


@pytest.mark.parametrize("kind", ["backward", "forward", "both"])
@pytest.mark.parametrize("name", [name for name, make in FIGURES.items() if make().parents])
def test_exercise_has_no_collisions(name: str, kind: str) -> None:
    picture = sg.draw(FIGURES[name](), exercise=kind, share=0.7, seed=1).picture

    assert picture.blanks
    assert collisions(picture) == []


def test_title_of_a_box_stands_inside_it() -> None:
    (x,) = sg.values(x=0.5)
    with sg.scope("every hidden layer of another rather lengthy network"):
        y = (x * 2.0).tanh()
    picture = sg.draw(y, fold=True).picture

    (box,) = picture.shapes
    left, top, right, bottom = box.box()
    titles = [text for text in picture.texts if text.style == "symbol"]
    assert len(titles) > 4
    for text in titles:
        x0, y0, x1, y1 = text.box()
        assert left < x0 < x1 < right
        assert top < y0 < y1 < bottom


@pytest.mark.parametrize("seed", range(3))
def test_random_graph_has_no_collisions(seed: int) -> None:
    assert collisions(sg.draw(hairball(60, seed)).picture) == []


@pytest.mark.parametrize("seed", range(20))
def test_title_gives_way_to_lines_that_no_axis_separates_from_it(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(300):  # small whole numbers: many lines only touch a corner or an edge
        left, top, ax, ay, bx, by = (rng.randint(-4, 4) for _ in range(6))
        box = left, top, left + rng.randint(1, 4), top + rng.randint(1, 4)

        assert frame_titles.meets(box, (ax, ay), (bx, by)) == meets(box, (ax, ay), (bx, by))


@pytest.mark.parametrize("seed", range(5))
def test_pieces_of_a_line_near_a_title_are_those_that_meet_its_strip(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(300):
        xs = sorted((rng.randint(-9, 9) for _ in range(4)), reverse=rng.random() < 0.5)
        points = [(float(x), float(rng.randint(-4, 4))) for x in xs]
        left, top = rng.randint(-4, 4), rng.randint(-4, 4)
        strip = left, top, left + rng.randint(1, 4), top + rng.randint(1, 4)

        line = Arrow(tuple(points[:3]), backward=False, head=(points[2], points[3]))
        near = list(frame_titles._legs_near(strip, line))
        assert near == [leg for leg in itertools.pairwise(points) if meets(strip, *leg)]


@pytest.mark.parametrize("seed", range(50))
def test_isotonic_numbers_are_those_of_the_minimax_formula(seed: int) -> None:
    rng = random.Random(seed)
    targets = [rng.randint(-9, 9) for _ in range(rng.randint(1, 9))]
    weights = [rng.randint(1, 5) for _ in targets]
    end = len(targets)

    def mean(first: int, last: int) -> Fraction:
        span = range(first, last + 1)
        return Fraction(sum(targets[i] * weights[i] for i in span), sum(weights[i] for i in span))

    exact = [
        max(min(mean(first, last) for last in range(i, end)) for first in range(i + 1))
        for i in range(end)
    ]

    assert isotonic(targets, weights) == pytest.approx(list(map(float, exact)))


def test_collisions_are_found_when_a_text_is_moved_onto_another() -> None:
    picture = drawn("xyz", "after backward")
    picture.texts.append(picture.texts[0])
    assert collisions(picture)


def test_names_are_left_of_their_arrows_and_the_result_right() -> None:
    picture = drawn("xyz", "after backward")
    starts = {text.content: text for text in picture.texts if text.style == "name"}
    assert starts["x"].x < min(shape.box()[0] for shape in picture.shapes)
    assert starts["g"].x > max(shape.box()[2] for shape in picture.shapes)


def test_operator_with_one_operator_input_sits_level_with_it() -> None:
    plus, times = drawn("xyz", "after backward").shapes
    assert plus.y == times.y


def test_forward_runs_above_backward_in_the_opposite_direction() -> None:
    picture = drawn("square", "after backward")
    forward = [line for line in picture.arrows if not line.backward][-1]
    backward = [line for line in picture.arrows if line.backward][-1]
    assert forward.points[0][1] < backward.points[0][1]
    assert forward.head[1][0] > forward.points[0][0]
    assert backward.head[1][0] < backward.points[0][0]


def test_all_arrow_heads_end_at_the_rim_of_their_circle() -> None:
    picture = drawn("fruit", "after backward")
    circles = [(shape.x, shape.y) for shape in picture.shapes]
    for line in picture.arrows:
        tip = line.head[1]
        near = min(((tip[0] - x) ** 2 + (tip[1] - y) ** 2) ** 0.5 for x, y in circles)
        assert near > 17.0
    forward = [line.head[1] for line in picture.arrows if not line.backward]
    touching = [
        tip for tip in forward
        if any(abs(((tip[0] - x) ** 2 + (tip[1] - y) ** 2) ** 0.5 - 18.2) < 0.1 for x, y in circles)
    ]  # fmt: skip
    assert len(touching) == len(forward) - 1  # all but the one to the result


def test_collisions_are_found_when_a_title_is_moved_to_an_arrow_and_a_frame_to_a_head() -> None:
    x, y = sg.values(x=1, y=2)
    with sg.scope("both"):
        z = sg.tanh(x * y)
    picture = sg.draw(z).picture
    assert collisions(picture) == []
    (title,) = (text for text in picture.texts if text.style == "frame title")
    (frame,) = picture.frames
    (tip, _) = picture.arrows[0].head[1]

    picture.texts.append(dataclasses.replace(title, y=picture.arrows[-1].points[0][1] + 12.0))
    assert any("near an arrow" in found for found in collisions(picture))
    del picture.texts[-1]
    shift = tip - 4.0 - frame.box()[0]
    picture.frames[0] = dataclasses.replace(frame, x=frame.x + shift)
    assert any("an arrow head on the edge" in found for found in collisions(picture))


def test_title_of_a_frame_gives_way_to_an_arrow_from_above() -> None:
    u, w = sg.values(u=0.8, w=0.5)
    h = sg.Value(0.1, "h")
    for time in (1, 2, 3):
        with sg.scope(f"time {time}"):
            h = sg.tanh(u * h + w)
    h.backward()

    picture = sg.draw(h, width=math.inf).picture

    lefts = {frame.box()[0] for frame in picture.frames}
    titles = [text for text in picture.texts if text.style == "frame title"]
    assert len(titles) == 3
    assert any(min(abs(text.x - left - 8.0) for left in lefts) > 3.0 for text in titles)
    assert collisions(picture) == []


@pytest.mark.parametrize("uses", [2, 3, 5])
@pytest.mark.parametrize("branches", [False, True])
def test_every_red_fork_ends_in_a_head_at_the_branch(uses: int, branches: bool) -> None:
    (x,) = sg.values(x=2)
    root = sg.sum([sg.exp(x) if place else sg.tanh(x) for place in range(uses)])
    root.backward()

    picture = sg.draw(root, branches=branches).picture

    if branches:
        left = min(picture.shapes, key=lambda shape: shape.x).box()
        edge, middle, reach = left[2], (left[1] + left[3]) / 2, (left[3] - left[1]) / 2
    else:
        ((edge, middle),) = ((dot.x, dot.y) for dot in picture.dots)
        reach = 26.0
    forks = [
        line.head for line in picture.arrows if line.backward and -10 < line.head[1][0] - edge < 30
    ]
    assert len(forks) == uses
    for neck, tip in forks:
        assert math.dist(neck, tip) == pytest.approx(10.0)
        assert tip[0] - edge < 26.0
        assert abs(tip[1] - middle) <= reach + 4.0
    for (_, a), (_, b) in itertools.combinations(forks, 2):
        assert a != b


def test_opened_sigmoid_lies_on_one_level() -> None:
    (x,) = sg.values(x=0.5)
    y = sg.sigmoid(x)
    y.backward()

    shapes = sg.draw(y, open="sigmoid", symbols=True).picture.shapes

    assert len({shape.y for shape in shapes}) == 1


@pytest.mark.parametrize("seed", range(4))
def test_long_arrows_of_large_pictures_pass_below_all_others(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = hairball(60, seed)
    short = sg.draw(root).picture
    monkeypatch.setattr(grid, "MANY", 10)
    monkeypatch.setattr(grid, "LONG", 3)

    picture = sg.draw(root).picture

    lowest = max(shape.box()[3] for shape in picture.shapes)
    levels = [
        (a[0], b[0], a[1]) for line in picture.arrows if not line.backward
        for a, b in itertools.pairwise(line.points) if abs(a[1] - b[1]) < 1e-6 and a[1] > lowest
    ]  # fmt: skip
    assert len(levels) > 2
    assert len(picture.arrows) == len(short.arrows)
    for one, other in itertools.combinations(levels, 2):
        assert abs(one[2] - other[2]) > 18.0 or one[1] < other[0] or other[1] < one[0]
    assert collisions(picture) == []


@pytest.mark.parametrize("name", FORMULAS)
def test_formula_has_no_collisions(name: str) -> None:
    formula = FORMULAS[name]
    f = sg.expression(formula.text)
    root = f(**{name: sg.Value(formula.values.get(name, 0.4), name) for name in f.names})
    root.backward()

    assert collisions(sg.draw(root).picture) == []

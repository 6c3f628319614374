"""Nothing in a picture covers anything else: checked on the positions, not on pixels."""

from __future__ import annotations

import dataclasses
import itertools
import math

import pytest
from figures import FIGURES, hairball

import scalargrad as sg
from scalargrad.drawing.layout.picture import Blank, Box, Line, Picture, Point, Shape, Text

BEFORE = "before backward"


def drawn(name: str, when: str) -> Picture:
    value = FIGURES[name]()
    return sg.draw(value, gradients=when != BEFORE, title=name).picture


def overlap(a: Box, b: Box) -> bool:
    wide = min(a[2], b[2]) - max(a[0], b[0])
    return wide > 0.01 and min(a[3], b[3]) - max(a[1], b[1]) > 0.01


def straddles(box: Box, frame: Box) -> bool:
    """Tell whether a box stands on the edge of a frame: neither inside nor outside."""
    inside = frame[0] <= box[0] and frame[1] <= box[1] and box[2] <= frame[2] and box[3] <= frame[3]
    around = box[0] <= frame[0] and box[1] <= frame[1] and frame[2] <= box[2] and frame[3] <= box[3]
    return overlap(box, frame) and not inside and not around


def meets(box: Box, a: Point, b: Point) -> bool:
    """Tell whether a straight line meets a box (Liang and Barsky's clipping)."""
    enter, leave = 0.0, 1.0
    dx, dy = b[0] - a[0], b[1] - a[1]
    for p, q in (
        (-dx, a[0] - box[0]),
        (dx, box[2] - a[0]),
        (-dy, a[1] - box[1]),
        (dy, box[3] - a[1]),
    ):
        if p == 0:
            if q < 0:
                return False
        elif p < 0:
            enter = max(enter, q / p)
        else:
            leave = min(leave, q / p)
    return enter <= leave


def enters(shape: Shape, a: Point, b: Point) -> bool:
    """Tell whether a line runs inside an operator: a circle, or one stretched along one axis."""
    radius = min(shape.width, shape.height) / 2
    wide, tall = shape.width / 2 - radius, shape.height / 2 - radius
    for step in range(41):
        x, y = a[0] + (b[0] - a[0]) * step / 40, a[1] + (b[1] - a[1]) * step / 40
        dx = max(abs(x - shape.x) - wide, 0.0)
        dy = max(abs(y - shape.y) - tall, 0.0)
        if math.hypot(dx, dy) < radius - 0.5:
            return True
    return False


def near(title: Text, line: Line) -> bool:
    """Tell whether a line or its head comes too near to the title of a frame."""
    left, top, right, bottom = title.box()
    room = left - 2.0, top - 2.0, right + 2.0, bottom + 2.0
    legs = itertools.pairwise((*line.points, line.head[1]))
    return overlap(room, line.box()) or any(meets(room, a, b) for a, b in legs)


class Boxed:
    """An empty box, as a text that covers nothing and is not covered."""

    style = "blank"

    def __init__(self, blank: Blank) -> None:
        self.content, self.box = f"box {blank.number}", blank.box


def collisions(picture: Picture) -> list[str]:
    found = []
    texts = [text for text in picture.texts if text.content]
    texts += [Boxed(blank) for blank in picture.blanks]
    for a, b in itertools.combinations(texts, 2):
        if overlap(a.box(), b.box()):
            found.append(f"{a.content!r} on {b.content!r}")
    for a, b in itertools.combinations(picture.shapes, 2):
        if overlap(a.box(), b.box()):
            found.append(f"operator on operator at {a.x}, {a.y}")
    for text in texts:
        for shape in picture.shapes:
            if text.style not in ("symbol", "mirror") and overlap(text.box(), shape.box()):
                found.append(f"{text.content!r} on an operator")
        for line in picture.lines:
            if any(meets(text.box(), a, b) for a, b in itertools.pairwise(line.points)):
                found.append(f"{text.content!r} on a line")
    for shape in picture.shapes:
        for line in picture.lines:
            if any(enters(shape, a, b) for a, b in itertools.pairwise(line.points)):
                found.append(f"a line through the operator at {shape.x}, {shape.y}")
    for frame in picture.frames:
        for thing in (*texts, *picture.shapes, *picture.frames):
            if straddles(thing.box(), frame.box()):
                found.append(f"{getattr(thing, 'content', 'an operator')!r} on the edge of a frame")
        for line in picture.lines:
            if straddles(line.box(), frame.box()):
                found.append(f"an arrow head on the edge of the frame at {frame.x}, {frame.y}")
    for text in texts:
        if text.style == "frame title":
            found += [
                f"{text.content!r} near an arrow" for line in picture.lines if near(text, line)
            ]
    left, top, right, bottom = picture.box
    for thing in (*texts, *picture.shapes, *picture.frames):
        box = thing.box()
        if box[0] < left or box[1] < top or box[2] > right or box[3] > bottom:
            found.append("something outside the canvas")
    return found


@pytest.mark.parametrize("when", [BEFORE, "after backward"])
@pytest.mark.parametrize("name", FIGURES)
def test_picture_has_no_collisions(name: str, when: str) -> None:
    assert collisions(drawn(name, when)) == []


@pytest.mark.parametrize("kind", ["backward", "forward", "both"])
@pytest.mark.parametrize("name", [name for name, make in FIGURES.items() if make().parents])
def test_exercise_has_no_collisions(name: str, kind: str) -> None:
    value = FIGURES[name]()
    if value._grad is None:
        value.backward()

    picture = sg.draw(value, exercise=kind, share=0.7, seed=1).picture

    assert picture.blanks
    assert collisions(picture) == []


@pytest.mark.parametrize("seed", range(3))
def test_random_graph_has_no_collisions(seed: int) -> None:
    assert collisions(sg.draw(hairball(60, seed)).picture) == []


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
    forward = [line for line in picture.lines if not line.backward][-1]
    backward = [line for line in picture.lines if line.backward][-1]
    assert forward.points[0][1] < backward.points[0][1]
    assert forward.head[1][0] > forward.points[0][0]
    assert backward.head[1][0] < backward.points[0][0]


def test_all_arrow_heads_end_at_the_rim_of_their_circle() -> None:
    picture = drawn("fruit", "after backward")
    circles = [(shape.x, shape.y) for shape in picture.shapes]
    for line in picture.lines:
        tip = line.head[1]
        near = min(((tip[0] - x) ** 2 + (tip[1] - y) ** 2) ** 0.5 for x, y in circles)
        assert near > 17.0
    forward = [line.head[1] for line in picture.lines if not line.backward]
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
    (tip, _) = picture.lines[0].head[1]

    picture.texts.append(dataclasses.replace(title, y=picture.lines[-1].points[0][1] + 12.0))
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

    picture = sg.draw(h).picture

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
        line.head for line in picture.lines if line.backward and -10 < line.head[1][0] - edge < 30
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

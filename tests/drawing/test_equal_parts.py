"""Equal parts of a picture look equal: what corresponds has one column."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable

import pytest

import scalargrad as sg
from scalargrad.drawing.layout.columns import arrange
from scalargrad.drawing.layout.twins import twins


def samples() -> sg.Value:
    """Return the mean error of three samples, with a penalty."""
    w, v, b = sg.values(w=0.5, v=-1, b=0.2)
    errors = [(w * (i + 1.0) + v * (2.0 - i) + b - (i - 1.0)) ** 2 for i in range(3)]
    return (errors[0] + errors[1] + errors[2]) / 3 + (w**2 + v**2) * 0.1


def likelihood() -> sg.Value:
    """Return a loss of three samples, of which one has another target."""
    w, b = sg.values(w=0.5, b=-0.2)
    p = [sg.sigmoid(w * x + b) for x in (1.0, 2.0, -1.0)]
    return -(sg.log(p[0]) + sg.log(1 - p[1]) + sg.log(p[2])) / 3


def entropy() -> sg.Value:
    """Return a sum of terms in each of which a value is used twice."""
    p = sg.values(p=0.2, q=0.3, r=0.5)
    return -(p[0] * sg.log(p[0]) + sg.log(p[1]) * p[1] + p[2] * sg.log(p[2]))


def gates() -> sg.Value:
    """Return the state of a cell with four gates."""
    x, h, c = sg.values(x=0.5, h=0.1, c=-0.3)

    def gate(name: str) -> sg.Value:
        w, u, b = (sg.Value(0.3, kind + name) for kind in "WUb")
        return w * x + u * h + b

    state = sg.sigmoid(gate("f")) * c + sg.sigmoid(gate("i")) * sg.tanh(gate("g"))
    return sg.sigmoid(gate("o")) * sg.tanh(state)


def columns(root: sg.Value) -> dict[str, list[float]]:
    """Return where the operators of each sign stand, from left to right."""
    root.backward()
    picture = sg.draw(root, width=math.inf).picture
    found = defaultdict(list)
    for text in picture.texts:
        if text.style == "symbol":
            found[text.content].append(text.x)
    return {sign: sorted(places) for sign, places in found.items()}


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        # how many of each sign stand in the columns that have any
        (samples, {"×": [6, 1], "−": [3], "**": [2, 3]}),
        (likelihood, {"×": [3], "sigmoid": [3]}),
        (entropy, {"×": [3], "log": [3]}),
        (gates, {"sigmoid": [3], "×": [8, 2, 1]}),
    ],
)
def test_what_corresponds_has_one_column(
    make: Callable[[], sg.Value], expected: dict[str, list[int]]
) -> None:
    found = columns(make())

    for sign, counts in expected.items():
        assert [len(list(same)) for _, same in itertools.groupby(found[sign])] == counts


def groups(root: sg.Value) -> list[set[str]]:
    """Return the names of leaves that go to what corresponds."""
    items = sg.draw(root)._scene.items
    named = defaultdict(set)
    for item in items:
        for link in item.links:
            if item.kind == "leaf":
                named[id(link.target)].add(item.text)
    found = [set().union(*(named[id(item)] for item in group)) for group in twins(items)]
    return [names for names in found if names]


def test_operands_of_sums_and_products_may_change_places_and_others_not() -> None:
    a, b, c, d, e, f = sg.values(a=1, b=2, c=3, d=4, e=5, f=6)

    assert groups((a * b - c) * (d - e * f)) == []
    assert {"a", "b", "e", "f"} in groups((a * b + c) * (d + e * f))


def test_what_many_parts_share_is_the_same_in_equal_ones() -> None:
    w, v = sg.values(w=1, v=2)
    xs = [sg.Value(float(i), f"x{i}") for i in range(6)]
    twice = [sg.tanh(w * x) for x in xs[:3]] + [sg.tanh(v * x) for x in xs[3:]]

    assert groups(sg.sum(twice)) == [{"w", "x0", "x1", "x2"}, {"v", "x3", "x4", "x5"}]


def test_a_step_after_a_step_has_a_column_of_its_own() -> None:
    h, w, u = sg.values(h=0.1, w=0.5, u=0.3)
    for _ in range(4):
        h = sg.tanh(u * h + w)

    found = columns(h)

    assert len(set(found["tanh"])) == len(set(found["×"])) == 4


def test_equal_parts_are_given_up_where_arrows_cross_less_without() -> None:
    xs = list(sg.values(x=0.1, y=0.2))
    for layer in range(2):
        totals = [sg.Value(0.1, f"b{layer}{i}") for i in range(4)]
        for x in xs:
            totals = [total + sg.Value(0.1, f"w{layer}{i}") * x for i, total in enumerate(totals)]
        xs = [sg.tanh(total) for total in totals]
    scene = sg.draw(xs[0] + xs[1] + xs[2] + xs[3])._scene
    alike = [item.rank for item in scene.items]
    arrange(scene)

    assert [item.rank for item in scene.items] != alike

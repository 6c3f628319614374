"""Columns and their order: against all there are, where they are few."""

from __future__ import annotations

import itertools
import random
from array import array
from collections.abc import Sequence

import pytest
from engines import ENGINES
from formulas import FORMULAS

import scalargrad as sg
from scalargrad import _engine
from scalargrad.drawing.layout import sifting
from scalargrad.drawing.layout.columns import arrange, crossings
from scalargrad.drawing.layout.compact import Compact
from scalargrad.drawing.layout.grid import build
from scalargrad.drawing.layout.ordering import improve
from scalargrad.drawing.layout.ranking import Edge, shortest
from scalargrad.drawing.layout.sifting import CROSSING, Order


def total(edges: list[Edge], ranks: tuple[int, ...] | list[int]) -> int:
    return sum((ranks[edge.target] - ranks[edge.source]) * edge.weight for edge in edges)


@pytest.mark.parametrize("seed", range(60))
def test_ranks_have_the_least_total_length(seed: int) -> None:
    chance = random.Random(seed)
    count = chance.randint(2, 6)
    edges = [
        Edge(a, b, chance.choice([1, 1, 2]), chance.choice([1, 1, 3]))
        for b in range(count) for a in range(b) if chance.random() < 0.5
    ]  # fmt: skip

    ranks = shortest(count, edges)

    assert all(ranks[edge.target] - ranks[edge.source] >= edge.least for edge in edges)
    most = 2 * (count - 1)
    fitting = (
        other for other in itertools.product(range(most + 1), repeat=count)
        if all(other[edge.target] - other[edge.source] >= edge.least for edge in edges)
    ) if most**count < 50_000 else iter([])  # fmt: skip
    assert total(edges, ranks) <= min((total(edges, other) for other in fitting), default=10**9)


def tangle(seed: int, size: int = 5, columns: int = 4, frames: bool = False) -> Order:
    """Return columns of nodes with random arrows between them, some into ports."""
    chance = random.Random(seed)
    numbers = iter(range(size * columns))
    nodes = [[next(numbers) for _ in range(size)] for _ in range(columns)]
    inside = [("f",) if frames and node % size in (1, 2) else () for node in range(size * columns)]
    order = Order(nodes, inside)
    order.ordered = [chance.random() < 0.4 for _ in inside]
    made = chance.sample(range(len(inside)), len(inside))
    order.numbers = [-1 if chance.random() < 0.3 else number for number in made]
    for left, right in itertools.pairwise(nodes):
        for target in right:
            for port, source in enumerate(chance.choices(left, k=chance.randint(1, 3))):
                order.join(source, target, port, port / 3 - 0.5)
    return order


def cost(order: Order) -> int:
    """Count by trying each pair of arrows."""
    arrows = [
        (order.place[source], order.place[target], port, target, left)
        for left, column in enumerate(order.columns) for source in column
        for target, port in order.down[source]
    ]  # fmt: skip
    found = 0
    for a, b in itertools.permutations(arrows, 2):
        if a[4] == b[4] and a[0] < b[0]:
            found += CROSSING * (a[1] > b[1])
            if a[3] == b[3] and a[2] > b[2]:
                found += 2 * CROSSING if order.ordered[a[3]] else 2
    for column in order.columns:
        numbers = [order.numbers[node] for node in column if order.numbers[node] >= 0]
        found += sum(a > b for a, b in itertools.combinations(numbers, 2))
    return found


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("is_native", [False, True])
def test_cost_and_gain_are_those_of_counted_pairs(
    seed: int, is_native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_native:
        monkeypatch.setattr(sifting, "sift", lambda *blocks, rounds, window: None)
    order = tangle(seed)
    assert order.cost() == cost(order)

    for index, column in enumerate(order.columns):
        for place in range(len(column) - 1):
            before, gain = cost(order), order.gain(*column[place : place + 2])
            keys = list(range(len(column)))
            keys[place : place + 2] = place + 1, place
            order.sort(index, keys)
            assert before - cost(order) == gain


@pytest.mark.parametrize("seed", range(30))
def test_few_nodes_come_into_the_best_order(seed: int) -> None:
    order = tangle(seed, size=4, columns=2)
    order.restore(order.columns)
    best = min(
        (order.restore([list(left), list(right)]), cost(order))[1]
        for left in itertools.permutations(range(4))
        for right in itertools.permutations(range(4, 8))
    )  # fmt: skip

    improve(order)

    assert order.cost() // CROSSING == best // CROSSING


@pytest.mark.skipif("native" not in ENGINES, reason="no native engine was built")
@pytest.mark.parametrize("seed", range(20))
def test_sifting_in_c_gives_the_same_order(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from scalargrad._native import _core

    def native(*blocks: array[int], rounds: int, window: int) -> int:
        return _core.sift(*blocks, rounds, window)  # type: ignore[call-arg, arg-type]

    found = []
    for way in (native, lambda *blocks, rounds, window: None):
        monkeypatch.setattr(sifting, "sift", way)
        order = tangle(seed, size=9, columns=6, frames=seed % 2 == 1)
        order.sift(5, 4)
        sifted = order.saved()
        improve(order)
        found.append((sifted, order.columns, order.cost()))

    assert found[0] == found[1]
    assert _engine.sift


@pytest.mark.skipif("native" not in ENGINES, reason="no native engine was built")
@pytest.mark.parametrize("block", range(11))
def test_sifting_in_c_refuses_what_are_no_columns(block: int) -> None:
    from scalargrad._native import _core

    def blocks() -> list[array[int]]:
        whole = ([0, 1, 3], [0] * 3, [0, 1, 2], [0] * 3, [0, 0, 1, 2], [0, 0], [0, 2, 2, 2],
                 [1, 2], [0, 0], [0, 2, 1], [0, 1, 0])  # fmt: skip
        return [array("i", numbers) for numbers in whole]

    _core.sift(*blocks(), 2, 3)  # type: ignore[call-arg]
    wrong_ones = [array("i", [0] * 9), array("i"), array("d", [0.0])]
    if block not in (1, 2, 3):  # these are no indices
        wrong_ones += [array("i", [-1, *numbers[1:]]) for numbers in blocks()[block : block + 1]]
    for wrong in wrong_ones:
        given = blocks()
        given[block] = wrong
        with pytest.raises(ValueError, match="sift"):
            _core.sift(*given, 2, 3)  # type: ignore[call-arg]
    given = blocks()
    given[block] = memoryview(b"")  # type: ignore[call-overload]
    with pytest.raises((ValueError, BufferError)):
        _core.sift(*given, 2, 3)  # type: ignore[call-arg]


def test_no_node_may_stand_in_two_columns() -> None:
    core = pytest.importorskip("scalargrad._native._core")
    starts, order, place = array("i", [0, 1, 3]), array("i", [0, 0, 1]), array("i", [0, 1, 0])
    none = array("i", [0] * 4)
    with pytest.raises(ValueError, match="no columns"):
        core.sift(starts, *[array("i", [0] * 3)] * 3, none, array("i"), none, *[array("i")] * 2,
                  order, place, 1, 1)  # fmt: skip


def crossings_of(root: sg.Value) -> int:
    scene = sg.draw(root, fold=False, max_nodes=10_000)._scene
    return crossings(arrange(scene).columns)


def mlp(*sizes: int) -> sg.Value:
    """Return what a network gives, written in + and ×."""
    xs = [sg.Value(0.1, f"x{i}") for i in range(sizes[0])]
    for size in sizes[1:]:
        totals = [sg.Value(0.1, "b") for _ in range(size)]
        for x in xs:
            totals = [total + sg.Value(0.1, "w") * x for total in totals]
        xs = [sg.tanh(total) for total in totals]
    return sg.sum(xs)


@pytest.mark.parametrize(("sizes", "most"), [((2, 4, 4, 1), 20), ((3, 6, 6, 1), 80)])
def test_networks_have_few_crossings(sizes: tuple[int, ...], most: int) -> None:
    assert crossings_of(mlp(*sizes)) <= most


def typed(text: str, **values: float) -> sg.Value:
    """Return the value of a formula at a point."""
    f = sg.expression(text)
    root = f(**{name: sg.Value(values.get(name, 0.4), name) for name in f.names})
    assert isinstance(root, sg.Value)
    return root


def between(order: Order, left: Sequence[int], right: Sequence[int]) -> int:
    """Count the crossings of arrows between two columns in an order, by pairs."""
    place = {node: position for position, node in enumerate(right)}
    ends = [
        [(place[target], port if order.ordered[target] else 0) for target, port in order.down[node]]
        for node in left
    ]  # fmt: skip
    return sum(
        1 if a[0] > b[0] else 2 * (a[0] == b[0] and a[1] > b[1])
        for above, below in itertools.combinations(ends, 2) for a in above for b in below
    )  # fmt: skip


def fewest(order: Order) -> int:
    """Return how few crossings there are in the best of all orders, column after column."""
    least = dict.fromkeys(itertools.permutations(order.columns[0]), 0)
    for column in order.columns[1:]:
        least = {
            turned: min(found + between(order, left, turned) for left, found in least.items())
            for turned in itertools.permutations(column)
        }
    return min(least.values())


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas_have_the_fewest_crossings_that_their_columns_allow(name: str) -> None:
    formula = FORMULAS[name]
    scene = sg.draw(typed(formula.text, **formula.values), fold=False)._scene
    arrange(scene)
    order = Compact(build(scene)).order
    improve(order)
    found = order.cost() // CROSSING
    tall = max(map(len, order.columns)) > 5  # too many orders

    assert tall or not found or found == fewest(order)


@pytest.mark.parametrize(
    "text",
    [
        "x + P/(P+q)*(q-x)",
        "sqrt(a**2 + b**2 - 2*a*b*cos(c))",
        "a*b/(a*b + c*(1-b))",
        "v*sin(a)*t - g*t**2/2 + v*cos(a)*t",  # t goes around all that a and v go to
        "b**2 + 2*a*b",
    ],
)
def test_what_needs_no_crossing_has_none(text: str) -> None:
    assert crossings_of(typed(text)) == 0


def test_leaves_begin_further_left_only_where_fewer_arrows_cross() -> None:
    w, v = sg.values(w=0.5, v=-0.3)
    squares = [
        (sg.Value(0.1, "y") - (w * sg.Value(0.2, "x") + v * sg.Value(0.3, "z"))) ** 2
        for _ in range(3)
    ]
    ridge = sg.sum(squares) + (w**2 + v**2) / 2

    assert crossings_of(ridge) <= 2
    scene = sg.draw(typed("x*y + x*z"), fold=False)._scene
    ranks = [item.rank for item in scene.items]
    arrange(scene)
    assert [item.rank for item in scene.items] == ranks


def test_what_goes_to_the_same_operators_stands_side_by_side() -> None:
    x, y = sg.values(x=1, y=2)
    root = sg.sum([sg.dot([x, y], sg.values(v=0.1, w=0.2)) for _ in range(4)])
    scene = sg.draw(root)._scene
    arrange(scene)

    ranks = {item.text: item.rank for item in scene.items}
    assert ranks["x"] == ranks["y"]

"""A graph is walked once for one picture, through one accessor."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from figures import hairball

import scalargrad as sg
from scalargrad import drawing
from scalargrad.drawing.options import view
from scalargrad.drawing.select import survey


@pytest.fixture
def visits(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """Return how often each node was asked for its parents, by its id."""
    visits: Counter[int] = Counter()
    ask = survey.parents_of

    def counted(node: Any) -> Any:
        visits[id(node)] += 1
        return ask(node)

    monkeypatch.setattr(survey, "parents_of", counted)
    return visits


def size(root: Any) -> tuple[int, int]:
    """Return how many nodes and edges there are below a root."""
    nodes = {id(root): root}
    waiting = [root]
    while waiting:
        for parent in waiting.pop().parents:
            if id(parent) not in nodes:
                nodes[id(parent)] = parent
                waiting.append(parent)
    return len(nodes), sum(len(node.parents) for node in nodes.values())


def network(samples: int = 6) -> sg.Value:
    """Return the loss of a layer and a second one, in scopes, over some samples."""
    w = [sg.Value(0.1 * i, f"w{i}") for i in range(4)]
    losses = []
    for sample in range(samples):
        with sg.scope("Affine"):
            hidden = sg.dot(w[:3], [1.0, 0.5 * sample, -1.0])
        with sg.scope("Sigmoid"):
            hidden = sg.sigmoid(hidden)
        with sg.scope("Loss"):
            losses.append((hidden * w[3] - 1.0) ** 2)
    loss = sg.sum(losses)
    loss.backward()
    return loss


def one(root: Any) -> Any:
    """Return a node in the middle."""
    return root.parents[0].parents[0]


@pytest.mark.parametrize("build", [network, lambda: hairball(60)], ids=["network", "hairball"])
@pytest.mark.parametrize(
    "show",
    [
        lambda v: sg.draw(v).svg,
        lambda v: sg.draw(v, fold=True, branches=True).svg,
        lambda v: sg.draw(v, fold=False, max_nodes=7).svg,
        lambda v: sg.draw(v, symbols="both").svg,
        lambda v: sg.draw(v, around=one(v), depth=2).svg,
        lambda v: sg.draw(v, exercise="both").answer_sheet,
        lambda v: sg.check_answers(v, {1: 0.0}),
        lambda v: sg.draw_dot(v).source,
        lambda v: sg.walkthrough(v).html,
        lambda v: sg.walkthrough(v, fold=True).html,
    ],
    ids=[
        "plain",
        "folded",
        "cut",
        "symbols",
        "around",
        "exercise",
        "marks",
        "dot",
        "page",
        "boxes",
    ],
)
def test_picture_asks_every_node_once_for_its_parents(
    build: Callable[[], Any], show: Callable[[Any], Any], visits: Counter[int]
) -> None:
    root = build()
    nodes, edges = size(root)

    show(root)

    assert visits.total() == len(visits) == nodes
    assert visits.total() <= nodes + edges


@pytest.mark.parametrize("show", [sg.draw, sg.walkthrough, sg.draw_dot])
def test_opened_picture_asks_every_node_of_both_graphs_once(
    show: Callable[..., Any], visits: Counter[int]
) -> None:
    root = network()
    opened = view("draw", root, open=True).graph.root
    visits.clear()

    show(root, open=True)

    assert visits.total() == size(root)[0] + size(opened)[0]
    assert visits.total() <= sum(size(root)) + sum(size(opened))


def test_huge_graph_is_asked_as_far_as_it_is_counted(
    visits: Counter[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "COUNT_LIMIT", 50)
    (v,) = sg.values(x=1)
    for _ in range(200):
        v = v + 0.5

    sg.draw(v, fold=True)

    assert visits.total() == len(visits) == 50


def test_nothing_walks_a_graph_but_its_survey() -> None:
    folder = Path(drawing.__file__).parent
    walks = re.compile(r"(?<!survey)(?<!self)\.parents\b|\b(post|interior)_order\b")

    walkers = [
        path.name for path in folder.rglob("*.py") if walks.search(path.read_text(encoding="utf-8"))
    ]

    assert sorted(walkers) == ["survey.py", "together.py"]  # which finds what a graph of several is

"""Opened operations, folded scopes, neighbourhoods: the same numbers at their edges."""

from __future__ import annotations

import ast
import math
import random
import re
from itertools import pairwise
from typing import Any

import pytest
from geometry import collisions

import scalargrad as sg
from scalargrad.core.modes import recording_in
from scalargrad.drawing.options import view
from scalargrad.drawing.select.survey import Survey
from scalargrad.functions.elementary import apply_many, apply_unary
from scalargrad.table.row import ROWS, Row

DEFINED = [name for name, row in ROWS.items() if row.definition]


def texts(drawing: Any, style: str | None = None) -> list[str]:
    return [text.content for text in drawing.picture.texts if style in (None, text.style)]


def applied(name: str, rng: random.Random) -> tuple[sg.Value, list[sg.Value]]:
    """Return a value made by one operation, squared if it is one of several, and its leaves."""
    row = ROWS[name]
    count = row.arity if isinstance(row, Row) else 3 * row.lists
    numbers = [
        rng.uniform(*row.sample[0 if isinstance(row, Row) else i // 3]) for i in range(count)
    ]
    leaves = [sg.Value(number, f"a{i}") for i, number in enumerate(numbers)]
    if isinstance(row, Row):
        return apply_unary(row, leaves[0]), leaves
    lists = [leaves[3 * i : 3 * i + 3] for i in range(row.lists)]
    result = apply_many(row, *lists)
    return (sg.sum([y * y for y in result]) if isinstance(result, list) else result), leaves


# -- opening ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DEFINED)
def test_opened_operation_has_the_same_value_and_the_same_red_numbers_at_its_edge(
    name: str,
) -> None:
    rng = random.Random(7)
    for _ in range(5):
        value, leaves = applied(name, rng)
        value.backward()

        graph = view("draw", value, open=name).graph

        assert graph.root.data == pytest.approx(value.data, rel=1e-12)
        assert all(vertex.node.op != name for vertex in graph.vertices)
        for leaf in leaves:
            assert graph.gradients.get(leaf, 0.0) == pytest.approx(leaf.grad, rel=1e-10, abs=1e-14)


def test_opening_changes_nothing_in_the_graph() -> None:
    x, y = sg.values(x=1, y=2)
    total = sg.sum([x]) + sg.sigmoid(sg.silu(y)) * x
    total.label = "L"
    total.backward()
    before = [(n.op, n.data, n.grad, n.label, n.scope, n.parents) for n in walk(total)]

    sg.draw(total, open=True)

    assert [(n.op, n.data, n.grad, n.label, n.scope, n.parents) for n in walk(total)] == before


def walk(root: sg.Value) -> list[sg.Value]:
    found = [root]
    for node in found:
        found += [parent for parent in node.parents if all(parent is not n for n in found)]
    return found


def test_sigmoid_opens_into_the_books_four_circles_in_a_frame() -> None:
    (x,) = sg.values(x=0.5)
    y = sg.sigmoid(x)
    y.backward()

    drawing = sg.draw(y, open=["sigmoid"])

    assert texts(drawing, "symbol") == ["×", "exp", "+", "/"]
    assert texts(drawing, "frame title") == ["sigmoid"]
    assert collisions(drawing.picture) == []


def test_dot_opens_into_products_and_sums() -> None:
    xs, ws = sg.values(x1=1, x2=2, x3=3), sg.values(w1=4, w2=5, w3=6)

    drawing = sg.draw(sg.dot(xs, ws), open="dot")

    assert sorted(texts(drawing, "symbol")) == ["+", "+", "×", "×", "×"]


def test_nested_definitions_open_where_both_are_named() -> None:
    (x,) = sg.values(x=0.5)

    assert texts(sg.draw(sg.silu(x) * x, open="silu"), "frame title") == ["silu"]
    both = sg.draw(sg.silu(x) * x, open=["silu", "sigmoid"])
    assert sorted(texts(both, "frame title")) == ["sigmoid", "silu"]
    assert collisions(both.picture) == []


def test_operation_of_many_results_opens_once() -> None:
    scores = sg.values(a=0.5, b=-1.0)
    outputs = sg.softmax(scores)
    total = outputs[0] * outputs[1]
    total.backward()

    drawing = sg.draw(total, open="softmax")

    assert texts(drawing, "symbol").count("exp") == 2
    assert texts(drawing, "frame title") == ["softmax"]


def test_results_of_an_opened_operation_keep_their_places_when_they_are_equal() -> None:
    scores = sg.values(a=1.0, b=1.0)
    outputs = sg.softmax(scores)
    total = 3 * outputs[0] + 5 * outputs[1]
    total.backward()

    graph = view("draw", total, open="softmax").graph

    for score in scores:
        assert graph.gradients[score] == pytest.approx(score.grad)


def test_opening_works_inside_no_grad() -> None:
    y = sg.sigmoid(sg.Value(0.5))
    with sg.no_grad():
        assert texts(sg.draw(y, open="sigmoid"), "symbol") == ["×", "exp", "+", "/"]


def test_exercise_of_an_opened_graph_is_marked_with_the_same_option() -> None:
    (x,) = sg.values(x=0.5)
    y = sg.sigmoid(x)
    y.backward()
    drawing = sg.draw(y, open="sigmoid", exercise="backward")

    assert sg.check_answers(y, drawing.answers, open="sigmoid")


# -- folding ---------------------------------------------------------------------------------


def layered() -> tuple[sg.Value, dict[str, Any]]:
    xs = list(sg.values(x1=0.5, x2=-1.0))
    net = sg.nn.TwoLayerNet(2, 3, 2, weight_init_std=1.0, seed=1)
    loss = net.loss(xs, 1)
    loss.label = "L"
    loss.backward()
    return loss, {"X": xs, **net.params}


def test_folded_layers_have_the_red_numbers_of_what_crosses_their_border() -> None:
    loss, names = layered()
    graph = view("draw", loss, fold=True).graph

    assert [v.title for v in graph.vertices if v.is_box] == [
        "Affine 2\u00a0→\u00a03", "ReLU", "Affine 3\u00a0→\u00a02", "Softmax with Loss",
    ]  # fmt: skip
    for x in names["X"]:
        (flow,) = [flow for flow in graph.flows if flow.values == [x]]
        assert [use.backward for use in flow.uses] == [pytest.approx(x.grad)]


def test_named_matrices_show_name_and_shape() -> None:
    loss, names = layered()

    drawing = sg.draw(loss, fold=True, names=names)

    assert {"X", "W1", "b1", "W2", "b2"} <= set(texts(drawing, "name"))
    assert {"(2,)", "(2, 3)", "(3,)", "(3, 2)"} <= set(texts(drawing, "forward"))
    assert "∂L/∂W1 (2, 3)" in texts(drawing, "backward")
    assert collisions(drawing.picture) == []


def test_name_may_bring_a_shape_in_letters() -> None:
    loss, names = layered()

    drawing = sg.draw(loss, fold=True, names={"X (n,)": names["X"]})

    assert "(n,)" in texts(drawing, "forward")
    assert "X" in texts(drawing, "name")


def test_element_of_a_named_list_that_is_drawn_by_itself_shows_its_place() -> None:
    w = [[sg.Value(1.0), sg.Value(2.0)]]

    assert set(texts(sg.draw(w[0][0] * w[0][1], names={"W": w}), "name")) == {"W₁₁", "W₁₂"}


def test_scopes_fold_by_name_and_the_others_stay_open_in_frames() -> None:
    loss, _ = layered()

    drawing = sg.draw(loss, fold="ReLU")

    assert texts(drawing, "symbol").count("ReLU") == 1
    assert texts(drawing, "frame title") == [
        "Affine 2\u00a0→\u00a03", "Affine 3\u00a0→\u00a02"
    ]  # fmt: skip


def test_outermost_folded_scope_holds_the_inner_ones() -> None:
    x, y = sg.values(x=1, y=2)
    with sg.scope("outer"):
        with sg.scope("inner"):
            h = x * y + x
        z = h * h

    assert texts(sg.draw(z, fold=True), "symbol") == ["outer"]
    assert texts(sg.draw(z, fold="inner"), "symbol") == ["inner", "×"]
    assert sg.draw(z, fold="inner").picture.frames  # the outer one stays as a frame


def test_group_named_by_a_sign_is_a_circle() -> None:
    x = sg.values(a=1, b=2, c=3, d=4, e=5)
    with sg.scope("+"):
        sums = [v + 1.0 for v in x]
    drawing = sg.draw(sg.dot(sums, sums), fold="+")

    assert "+" in texts(drawing, "symbol")
    assert "(5,)" in texts(drawing, "forward")


def test_large_graph_folds_by_itself_and_says_so() -> None:
    net = sg.nn.TwoLayerNet(30, 20, 10)
    loss = net.loss([0.5] * 30, 3)
    loss.backward()

    drawing = sg.draw(loss)

    assert {"Affine", "ReLU"} <= set(texts(drawing, "symbol"))
    assert "nodes are folded into boxes; fold=False shows them" in texts(drawing, "note")[0]
    assert "nodes are folded into boxes" not in "".join(texts(sg.draw(loss, fold=True), "note"))


def test_one_layer_applied_to_many_samples_is_one_box() -> None:
    net = sg.nn.MLP(2, [4, 1], seed=1)
    inputs, labels = sg.datasets.moons(10, seed=1)
    loss = sg.hinge([net(x) for x in inputs], [2 * label - 1 for label in labels])
    loss.backward()

    drawing = sg.draw(loss, fold=True)

    assert texts(drawing, "symbol") == [
        "Layer 2\u00a0→\u00a04", "×10", "Layer 4\u00a0→\u00a01", "×10", "hinge"
    ]  # fmt: skip
    assert {"(10, 2)", "(10, 4)", "(10,)"} <= set(texts(drawing, "forward"))
    assert collisions(drawing.picture) == []


def test_steps_in_time_with_shared_weights_stay_boxes_of_their_own() -> None:
    w, h = sg.Value(0.5, "w"), sg.Value(0.1, "h")
    for _ in range(6):
        with sg.scope("step"):
            h = (w * h).tanh()

    assert texts(sg.draw(h, fold=True, width=math.inf), "symbol") == ["step"] * 6


def test_group_that_needs_its_own_outcome_from_outside_is_not_folded() -> None:
    (x,) = sg.values(x=2)
    with sg.scope("torn"):
        first = x * 3.0
    between = first + 1.0
    with recording_in(first.scope):  # the same entry once more
        last = between * first

    assert sorted(texts(sg.draw(last, fold="torn"), "symbol")) == ["+", "×", "×"]


def test_constants_have_no_red() -> None:
    x, t = sg.values(x=2, t=3)
    z = x * t
    z.backward()

    assert sorted(texts(sg.draw(z, constants=[t]), "backward")) == ["1", "3"]
    assert sg.draw(z, constants=[t], exercise="backward").answers == {1: 3.0}


def test_dot_has_a_cluster_for_every_frame_and_a_box_for_every_folded_scope() -> None:
    (x,) = sg.values(x=0.5)

    source = sg.draw_dot(sg.silu(x) * x, open=["silu", "sigmoid"]).source
    assert source.count("subgraph cluster") == 2
    assert source.index("label=silu") < source.index("label=sigmoid")  # one inside the other

    loss, _ = layered()
    folded = sg.draw_dot(loss, fold="Affine").source
    assert re.findall(r'label="(Affine.*)" shape=box', folded) == [
        "Affine 2\u00a0→\u00a03", "Affine 3\u00a0→\u00a02"
    ]  # fmt: skip


# -- neighbourhoods --------------------------------------------------------------------------


def test_neighbourhood_shows_what_is_near_and_says_what_is_not() -> None:
    values = [sg.Value(1.0, "start")]
    for _ in range(1000):
        values.append(values[-1] * 1.001)
    values[-1].backward()

    drawing = sg.draw(values[-1], around=values[500], depth=3)

    assert len(drawing.picture.shapes) == 7
    assert "…" in texts(drawing, "name")
    assert "994 other nodes are not near; depth= shows more" in texts(drawing, "note")[0]


def test_neighbourhood_keeps_the_red_of_what_is_not_shown() -> None:
    (x,) = sg.values(x=3)
    h = x * 2
    far = h.exp().log().sin()
    total = h * h + far
    total.backward()
    graph = view("draw", total, around=x, depth=1).graph

    flow = next(flow for flow in graph.flows if flow.value is h)
    assert [use.target for use in flow.uses] == [None]
    assert flow.uses[0].backward == pytest.approx(graph.gradients[h])


def test_neighbourhood_of_the_result_is_the_end_of_the_graph() -> None:
    x, y = sg.values(x=3, y=4)
    z = (x * y).exp()
    z.label = "z"

    assert texts(sg.draw(z, around=z, depth=1), "name") == ["z"]


# -- branches, sums, broadcasts --------------------------------------------------------------


def test_branch_is_a_node_whose_mirror_is_a_sum() -> None:
    x, y = sg.values(x=3, y=5)
    z = x * y + x
    z.backward()

    drawing = sg.draw(z, branches=True)

    assert sorted(texts(drawing, "mirror")) == ["branch", "sum"]
    assert {"branch", "+"} <= set(texts(drawing, "symbol"))
    assert sorted(texts(drawing, "backward")) == sorted(["1", "1", "1", "5", "3", "6"])
    assert collisions(drawing.picture) == []


def test_bias_of_a_batch_is_broadcast() -> None:
    rows = [[sg.Value(float(i + j)) for j in range(3)] for i in range(4)]
    bias = [sg.Value(0.5) for _ in range(3)]
    with sg.scope("+"):
        out = [[x + b for x, b in zip(row, bias, strict=True)] for row in rows]
    total = sg.sum([v for row in out for v in row])
    total.backward()

    names = {"X": rows, "B": bias, "Y": out}
    drawing = sg.draw(total, fold="+", names=names, branches=True)

    assert "broadcast" in texts(drawing, "symbol")
    assert [b.grad for b in bias] == [4.0, 4.0, 4.0]
    assert texts(drawing, "forward").count("(4, 3)") == 2
    assert collisions(drawing.picture) == []


# -- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"open": "sigmoidd"}, ValueError, "there is no operation 'sigmoidd'"),
        ({"open": "add"}, ValueError, "'add' is not made of simpler operations"),
        ({"open": 3}, TypeError, "open must be a list of names"),
        ({"fold": "Afine"}, ValueError, "no node was made in the scope 'Afine'"),
        (
            {"fold": "Affin"},
            ValueError,
            "'Affin'; this graph has no scopes; name them with sg.scope",
        ),
        ({"fold": [3]}, TypeError, "fold must be a list of names"),
        ({"names": ["W"]}, TypeError, "names must be a dict"),
        ({"names": {"W": ["x"]}}, TypeError, "must hold Values or numbers"),
        ({"names": {"W": [[1.0], [1.0, 2.0]]}}, ValueError, "must be equally long"),
        ({"names": {"W": [[1.0, 2.0], 3.0]}}, ValueError, "must be equally long"),
        ({"constants": 3.0}, TypeError, "constants must be Values"),
        ({"around": sg.Value(1.0)}, ValueError, "around must be a Value of the graph"),
        ({"around": "x"}, TypeError, "around must be a Value"),
        ({"depth": 0}, ValueError, "depth must be from 1"),
        ({"depth": 3}, ValueError, "depth goes with around; got 3 (int)"),
        ({"open": "gelu"}, ValueError, "open: no 'gelu' is in this graph"),
        ({"branches": 1}, TypeError, "branches must be True or False"),
        ({"loss": 1}, TypeError, "loss must be a text"),
    ],
)
def test_draw_refuses_in_one_sentence(
    options: dict[str, object], error: type[Exception], says: str
) -> None:
    x, y = sg.values(x=1, y=2)
    with pytest.raises(error, match=r"^draw: ") as caught:
        sg.draw(sg.sigmoid(x * y), **options)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("function", [sg.draw_dot, lambda v, **o: sg.check_answers(v, [1], **o)])
def test_unknown_option_is_refused_by_name(function: Any) -> None:
    with pytest.raises(TypeError, match=r"its options are gradients, .*; got 'colour'"):
        function(sg.Value(1.0), colour="blue")


def test_exercise_on_backward_values_needs_them_in_the_picture() -> None:
    x, y = sg.values(x=1, y=2)
    z = x * y
    z.backward()
    with pytest.raises(RuntimeError, match="got gradients=False"):
        sg.draw(z, exercise="both", gradients=False)


def test_graph_that_is_too_large_is_not_opened() -> None:
    value = sg.Value(1.0)
    for _ in range(100_001):
        value = value * 1.0
    with pytest.raises(ValueError, match="at most 100,000 nodes"):
        sg.draw(value.sigmoid(), open="sigmoid")


# -- geometry --------------------------------------------------------------------------------


def random_net(seed: int) -> tuple[sg.Value, dict[str, Any]]:
    rng = random.Random(seed)
    sizes = [rng.randint(1, 3) for _ in range(3)]
    layers: list[Any] = []
    for nin, nout in pairwise(sizes):
        layers += [sg.nn.Affine(nin, nout, seed=seed), rng.choice([sg.nn.Sigmoid, sg.nn.Tanh])()]
    x = [sg.Value(rng.uniform(-1, 1), f"x{i}") for i in range(sizes[0])]
    out = sg.nn.Sequential(*layers)(x)
    loss = sg.mse(out, [0.5] * len(out))
    loss.label = "L"
    loss.backward()
    return loss, {"x": x}


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(
    "options",
    [
        {}, {"fold": True}, {"open": True}, {"open": True, "symbols": True}, {"branches": True},
        {"open": ["sigmoid", "dot"], "symbols": "both"}, {"fold": ["Affine"], "open": "sigmoid"},
        {"fold": True, "symbols": "chain"},
    ],
    ids=str,
)  # fmt: skip
def test_picture_of_a_random_network_has_no_collisions(seed: int, options: dict[str, Any]) -> None:
    loss, _ = random_net(seed)
    if "'sigmoid'" in str(options) and not any(node.op == "sigmoid" for node in Survey(loss).nodes):
        options = ast.literal_eval(str(options).replace("sigmoid", "tanh"))  # what this net has
    drawing = sg.draw(loss, **options, max_nodes=400)
    clusters = sg.draw_dot(loss, **options, max_nodes=400).source.count("subgraph")
    assert collisions(drawing.picture) == []
    begun = [frame for frame in drawing.picture.frames if not frame.cut[0]]
    assert len(begun) == clusters  # none had to be left out


def test_variables_stand_outside_of_a_frame_and_plain_numbers_inside() -> None:
    x = sg.values(a=1, b=2, c=3, d=4)
    with sg.scope("chain"):
        total = ((x[0] * 7 + x[1]) * x[2] + 9) * x[3]
    total.backward()

    for backward in (True, False):
        picture = sg.draw(total, gradients=backward).picture
        (frame,) = picture.frames
        left, top, right, bottom = frame.box()
        names = [text for text in picture.texts if text.style == "name"]
        assert [text.content for text in names] == list("abcd")
        assert all(text.x < left for text in names)
        constants = [text for text in picture.texts if not text.about]
        numbers = [text for text in constants if text.content in ("7", "9")]
        assert len(numbers) == 2
        assert all(left < t.x < right and top < t.y < bottom for t in numbers)
        assert collisions(picture) == []


def test_arrows_cross_a_frame_only_at_its_sides() -> None:
    x = sg.values(a=1, b=2, c=3, d=4)
    total = sg.sum(x)
    total.backward()

    picture = sg.draw(total, open="sum").picture

    (frame,) = picture.frames
    left, top, right, bottom = frame.box()
    for line in picture.arrows:
        for a, b in pairwise((*line.points, line.head[1])):
            for level in (top, bottom):
                if (a[1] - level) * (b[1] - level) < 0:
                    x_there = a[0] + (b[0] - a[0]) * (level - a[1]) / (b[1] - a[1])
                    assert not left < x_there < right


def test_constant_before_the_first_operator_stands_in_its_frame() -> None:
    (x,) = sg.values(x=0.5)
    y = sg.sigmoid(sg.exp(x))
    y.backward()

    picture = sg.draw(y, open="sigmoid").picture

    (frame,) = picture.frames
    (minus,) = (text for text in picture.texts if text.content == "−1" and text.style == "forward")
    assert frame.box()[0] < minus.x < frame.box()[2]
    assert min(shape.x for shape in picture.shapes) < frame.box()[0]  # exp stays outside
    assert collisions(picture) == []


def test_opening_what_comes_up_only_by_opening_is_no_mistake() -> None:
    loss = sg.cross_entropy(sg.values(a=1, b=2), 0)

    sg.draw(loss, open=["cross_entropy", "sum"])  # which has a sum in it
    with pytest.raises(ValueError, match="no 'sum' is in this graph"):
        sg.draw(loss, open="sum")
    sg.draw(loss, open=True)
    sg.draw(loss.parents[0], open=True)


@pytest.mark.parametrize("option", ["fold", "open"])
def test_names_are_texts_each_of_them(option: str) -> None:
    with sg.scope("Affine"):
        value = sg.sigmoid(sg.Value(1.0))
    with pytest.raises(TypeError, match=f"{option} must be a list of names"):
        sg.draw(value, **{option: ["Affine", 3]})

"""Parameters of layers have names in pictures, and names are never the user's."""

from __future__ import annotations

from pathlib import Path

import pytest

import scalargrad as sg
from scalargrad import nn
from scalargrad.drawing.options import view
from scalargrad.drawing.words.inventing import Inventor


def names(value: sg.Value, **options: object) -> dict[str, float]:
    """Return what stands at the beginning of the arrows of leaves, with the numbers."""
    seen = view("draw", value, **options)
    leaves = [flow for flow in seen.graph.flows if flow.source.is_leaf]
    return {seen.wording.name(flow): flow.value.data for flow in leaves}


def test_weights_have_the_indices_of_input_and_output() -> None:
    layer = nn.Affine(2, 3, seed=1)

    found = names(sg.sum(layer([1.0, 2.0])))

    weights = {f"W{'₁₂'[i]}{'₁₂₃'[j]}": layer.W[i][j].data for i in (0, 1) for j in (0, 1, 2)}
    assert found == {**weights, "b₁": 0.0, "b₂": 0.0, "b₃": 0.0}


def test_layers_of_a_network_are_numbered() -> None:
    model = nn.MLP(2, [2, 1], seed=1)
    x = sg.values(x1=1, x2=2)

    found = names(model(list(x)))

    first, second = model.layers
    assert found["W⁽¹⁾₂₁"] == first.neurons[0].w[1].data
    assert found["W⁽¹⁾₁₂"] == first.neurons[1].w[0].data
    assert found["W⁽²⁾₂₁"] == second.neurons[0].w[1].data
    assert {"b⁽¹⁾₁", "b⁽¹⁾₂", "b⁽²⁾₁", "x1", "x2"} < found.keys()
    assert "" not in found


def test_plain_texts_have_the_names_of_the_weights(tmp_path: Path) -> None:
    model = nn.MLP(2, [2, 1], seed=1)
    root = model(list(sg.values(x1=1, x2=2)))
    root.backward()
    svg = sg.draw(root, symbols=True).svg
    sg.walkthrough(root).save(tmp_path / "a.html")

    said = svg.partition("<desc>")[2].partition("</desc>")[0]
    assert "W⁽²⁾₁₁ = −0.00912983" in said
    assert "b⁽¹⁾₂ = 0" in said
    assert "unnamed" not in said
    for text in (svg, sg.draw_dot(root).source, (tmp_path / "a.html").read_text("utf-8")):
        assert "W⁽¹⁾₂₁" in text
        assert "^{(" not in text


def test_long_indices_stand_in_braces_beside_the_number_of_the_layer() -> None:
    model = nn.MLP(12, [2, 1], seed=1)
    drawing = sg.draw(model([1.0] * 12), fold=False, max_nodes=400)

    name = next(text for text in drawing.picture.texts if text.content == "W⁽¹⁾_{12,1}")
    made = name.block()
    assert made is not None
    assert [run.text for run in made.runs] == ["W", "(1)", "12,1"]


def test_samples_of_a_batch_share_the_names_of_the_weights() -> None:
    layer = nn.Affine(2, 1, seed=1)
    rows = layer([[1.0, 2.0], [3.0, 4.0]])

    assert names(rows[0][0] * rows[1][0]).keys() == {"W₁₁", "W₂₁", "b₁"}


def test_inputs_without_labels_are_told_from_weights() -> None:
    layer, x = nn.Affine(2, 2, seed=1), [sg.Value(1.0), sg.Value(2.0)]

    found = names(sg.sum(layer(x)))

    assert found["W₁₂"] == layer.W[0][1].data
    assert found[""] in (1.0, 2.0)


def test_labels_of_the_user_stay_and_no_name_is_given_twice() -> None:
    layer = nn.Affine(2, 1, seed=1)
    layer.W[0][0].label = "W₂₁"

    assert "W₁₁" not in names(layer([1.0, 2.0])[0])


def titles(value: sg.Value) -> list[str]:
    """Return the titles of the frames of a picture."""
    drawn = view("draw", value, fold=True).graph.vertices
    return [vertex.title.replace("\u00a0", " ") for vertex in drawn if vertex.is_box]


def test_layers_say_how_many_inputs_and_outputs_they_have() -> None:
    model = nn.Sequential(nn.Affine(2, 8, seed=1), nn.Tanh(), nn.Affine(8, 1, seed=1))

    assert titles(model([1.0, 2.0])[0]) == ["Affine 2 → 8", "Tanh", "Affine 8 → 1"]
    assert titles(sg.sum([row[0] for row in model([[1.0, 2.0], [3.0, 4.0]])]))[::2] == [
        "Affine 2 → 8", "Affine 8 → 1",
    ]  # fmt: skip
    assert titles(nn.MLP(3, [2, 1], seed=1)([1.0, 2.0, 3.0])) == ["Layer 3 → 2", "Layer 2 → 1"]


def test_layer_that_somebody_wrote_says_its_size_only_where_it_is_sure() -> None:
    w, x = sg.values(a=1, b=2), sg.values(x=3, y=4)
    with sg.scope("Affine"):
        plain = sg.dot(w, [3.0, 4.0]) + sg.dot([1.0, 0.5], w)
    with sg.scope("Affine"):
        unsure = sg.dot(w, x) + 1.0
    with sg.scope("my layer"):
        named = sg.dot([5.0, 6.0], w) * 2

    assert titles(plain) == ["Affine 2 → 1"]
    assert titles(unsure) == ["Affine"]
    assert titles(named) == ["my layer"]


def test_named_matrices_give_their_elements_the_names_of_paper() -> None:
    net = nn.TwoLayerNet(2, 3, 2, seed=1)
    x = [sg.Value(1.0), sg.Value(2.0)]

    found = names(net.loss(x, 1), names={"x": x, **net.params})

    assert found["W⁽¹⁾₂₃"] == net.params["W1"][1][2].data
    assert {"x₁", "x₂", "b⁽¹⁾₃", "W⁽²⁾₃₂"} <= found.keys()


def test_parameters_of_a_folded_layer_are_its_matrices() -> None:
    model = nn.MLP(2, [4, 1], seed=1)
    loss = sg.mean([model(row) for row in [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]])
    loss.backward()
    seen = view("draw", loss, fold=True)

    found = {seen.wording.name(f): seen.wording.flow(f) for f in seen.graph.flows}

    assert {"W⁽¹⁾", "b⁽¹⁾", "W⁽²⁾", "b⁽²⁾"} <= found.keys()
    assert found["W⁽¹⁾"].forward == "(2, 4)"
    assert found["W⁽¹⁾"].backward == "∂L/∂W⁽¹⁾ (2, 4)"
    assert found["b⁽¹⁾"].forward == "(4,)"


def test_few_parameters_of_a_folded_layer_keep_an_arrow_each() -> None:
    layer = nn.Affine(2, 1, seed=1)

    assert names(layer([1.0, 2.0])[0], fold=True).keys() == {"W₁₁", "W₂₁", "b₁"}
    wide = nn.Affine(3, 2, seed=1)
    wide.W[0][0].label = "W"  # a name that is taken
    assert "b" not in names(sg.sum(wide([1.0, 2.0, 3.0])), fold=True)


def test_operands_of_a_dot_enter_in_pairs() -> None:
    w, x = sg.values(w1=1, w2=2, w3=3), sg.values(x1=4, x2=5, x3=6)
    drawn = view("draw", sg.dot(w, x))
    ways = next(vertex for vertex in drawn.graph.vertices if not vertex.is_leaf).inputs

    assert [drawn.wording.name(way.flow) for way in ways] == ["w1", "x1", "w2", "x2", "w3", "x3"]


def test_long_layers_have_a_comma_between_the_indices() -> None:
    layer = nn.Affine(10, 2, seed=1)

    assert {"W_{10,2}", "W₁₁"} < names(sg.sum(layer([1.0] * 10))).keys()


@pytest.mark.parametrize("label", ["v1", "v₁", "v_1", "v_{1}"])
def test_invented_name_is_none_of_the_users(label: str) -> None:
    x, y = sg.values(x=1.0, y=2.0)
    long = sg.exp(x + y) * sg.sin(x * y) + sg.cos(x) * sg.tanh(y) + sg.Value(3.0, label)
    root = sg.log(long**2 + 1)
    root.backward()
    seen = view("draw", root, symbols=True)

    texts = [seen.wording.flow(flow).forward for flow in seen.graph.flows]

    invented = [text.partition(" = ")[0] for text in texts if " = " in text]
    assert "v₂" in invented
    assert "v₁" not in invented


def test_inventor_leaves_out_what_is_taken_whatever_is_lowered() -> None:
    inventor = Inventor(["v₁", "v_{2}", "y"])

    assert [inventor.name(), inventor.name()] == ["v₃", "v₄"]
    assert [inventor.result("a", 0), inventor.result("a", 1), inventor.result("b", 0)] == [
        "p₁", "p₂", "q₁",
    ]  # fmt: skip


def test_result_without_a_label_begins_with_what_backward_was_given() -> None:
    x, y = sg.values(x=2.0, y=3.0)
    root = x * y
    root.backward(1.3)
    seen = view("draw", root, symbols=True)

    red = {seen.wording.flow(f).forward: seen.wording.flow(f).backward for f in seen.graph.flows}

    assert red == {"x": "1.3y", "y": "1.3x", "x·y": "1.3"}


def test_variable_that_is_called_as_the_loss_leaves_it_another_name() -> None:
    length, g = sg.values(L=2.0, g=9.81)
    root = sg.sqrt(length / g)
    root.label = "T"
    root.backward()
    seen = view("draw", root, symbols=True)

    red = [seen.wording.flow(flow).backward for flow in seen.graph.flows]

    assert red[-1] == "∂E/∂T"


def test_every_name_in_red_stands_in_black() -> None:
    model = nn.MLP(2, [3, 3, 1], seed=3)
    root = model(list(sg.values(x1=0.5, x2=-1.5)))
    root.backward()
    seen = view("draw", root, symbols=True)
    flows = list(seen.graph.flows)
    black = {seen.wording.flow(flow).forward.partition(" = ")[0] for flow in flows}
    black |= {seen.wording.name(flow) for flow in flows}

    red = [seen.wording.use(use).backward or "" for flow in flows for use in flow.uses]

    named = {part.split("·")[0].split("\n")[0] for text in red for part in text.split("∂L/∂")[1:]}
    assert named <= black
    assert any(name.startswith("v") for name in named)

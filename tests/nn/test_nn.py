"""Layers and networks: what they compute, hold, save and refuse."""

import json
import math
import os
import random

import micrograd.nn
import numpy
import pandas
import pytest

import scalargrad as sg
from scalargrad import Value, nn


def data(tree):
    """Return nested lists of Values as nested lists of numbers."""
    return [data(branch) for branch in tree] if isinstance(tree, list) else tree.data


def set_data(tree, numbers):
    if isinstance(tree, list):
        for branch, part in zip(tree, numbers, strict=True):
            set_data(branch, part)
    else:
        tree.data = numbers


# -- modules --------------------------------------------------------------------------------


class Nested(nn.Module):
    def __init__(self):
        self.scale = Value(1.0)
        self.table = {"a": [Value(2.0), Value(3.0)], "b": (Value(4.0),)}
        self.parts = [nn.Neuron(1, seed=0), "no parameter", 7]
        self.again = self.scale  # shared
        self.sum = self.scale + 1.0  # computed, so no parameter
        self._hidden = Value(9.0)


def test_parameters_come_once_in_the_order_of_the_attributes():
    module = Nested()

    names = [name for name, _ in module.named_parameters()]

    assert names == ["scale", "table.a.0", "table.a.1", "table.b.0", "parts.0.w.0", "parts.0.b"]
    assert [p.data for p in module.parameters()][:4] == [1.0, 2.0, 3.0, 4.0]
    assert repr(module) == "Nested(6 parameters)"


def test_parameters_end_when_a_module_holds_one_above_it():
    outer, inner = nn.Module(), nn.Module()
    outer.inner, inner.outer, inner.w = inner, outer, Value(1.0)

    assert outer.parameters() == [inner.w]


@pytest.mark.parametrize(
    "held", [{1: Value(1.0), "1": Value(2.0)}, {"a.b": Value(1.0), "a": {"b": Value(2.0)}}]
)
def test_two_parameters_of_one_path_are_both_found_and_not_saved_as_one(held):
    module = nn.Module()
    module.held = held

    assert [p.data for p in module.parameters()] == [1.0, 2.0]
    with pytest.raises(ValueError, match="Module: each parameter needs a path of its own; got 'h"):
        module.state_dict()


def test_a_list_that_contains_itself_is_refused():
    module = nn.Module()
    module.held = [Value(1.0)]
    module.held.append(module.held)

    with pytest.raises(ValueError, match="Module: no list may contain itself; got") as caught:
        module.parameters()

    assert isinstance(caught.value, sg.ScalargradError)


def test_zero_grad_clears_every_parameter():
    layer = nn.Affine(2, 2, seed=0)
    sg.sum(layer([1.0, 2.0])).backward()
    assert any(p.grad for p in layer.parameters())

    layer.zero_grad()

    assert [p.grad for p in layer.parameters()] == [0.0] * 6


def test_state_dict_and_load_state_dict_carry_all_numbers():
    first, second = nn.MLP(2, [3, 1], seed=0), nn.MLP(2, [3, 1], seed=1)

    second.load_state_dict(first.state_dict())

    assert [p.data for p in second.parameters()] == [p.data for p in first.parameters()]
    assert list(first.state_dict())[:2] == ["layers.0.neurons.0.w", "layers.0.neurons.0.b"]


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (lambda s: s.pop("b"), ValueError, "got missing 'b'; build it as it was saved"),
        (lambda s: s.update(c=1.0), ValueError, "those of Affine; got unknown 'c'"),
        (lambda s: s.update(b=[1.0]), ValueError, "b must be a list of 2; got 1 elements"),
        (lambda s: s.update(b=1.0), ValueError, "b must be a list of 2; got 1.0 (float)"),
        (lambda s: s["b"].__setitem__(1, "x"), TypeError, "b.1 must be a number; got 'x' (str)"),
    ],
)
def test_load_state_dict_refuses_and_leaves_the_module_alone(change, kind, message):
    layer, state = nn.Affine(2, 2, seed=0), nn.Affine(2, 2, seed=1).state_dict()
    before = layer.state_dict()
    change(state)

    with pytest.raises(kind) as caught:
        layer.load_state_dict(state)

    assert message in str(caught.value)
    assert isinstance(caught.value, sg.ScalargradError)
    assert layer.state_dict() == before


@pytest.mark.parametrize(
    "given",
    [
        lambda state: {key: numpy.array(held) for key, held in state.items()},
        lambda state: {"W": [*map(numpy.array, state["W"])], "b": tuple(state["b"])},
        lambda state: {"W": pandas.DataFrame(state["W"]), "b": pandas.Series(state["b"], [7, 5])},
        lambda state: {
            "W.0.0": state["W"][0][0], "W.0.1": state["W"][0][1], "W.1.0": state["W"][1][0],
            "W.1.1": numpy.float64(state["W"][1][1]), "b.0": state["b"][0], "b.1": state["b"][1],
        },
    ],
)  # fmt: skip
def test_load_state_dict_takes_arrays_and_the_names_of_parameters(given):
    first, second = nn.Affine(2, 2, seed=1), nn.Affine(2, 2, seed=2)

    second.load_state_dict(given(first.state_dict()))

    assert second.state_dict() == first.state_dict()
    by_name = {name: p.data for name, p in first.named_parameters()}
    nn.Affine(2, 2).load_state_dict(by_name)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (numpy.zeros((2, 3)), "W.0 must be a list of 2; got 3 elements"),
        (numpy.zeros(2), r"W.0 must be a list of 2; got 0.0 \(float\)"),
        (numpy.array([[1.0, 2.0], [3.0, 4.0 + 1j]]), "W.0.0 must be a number; got"),
        (numpy.array(2.0), "W must be a list of 2; got"),
    ],
)
def test_load_state_dict_refuses_arrays_that_do_not_fit(wrong, message):
    layer = nn.Affine(2, 2, seed=1)
    before = layer.state_dict()

    with pytest.raises(sg.ScalargradError, match=message):
        layer.load_state_dict({"W": wrong, "b": [5.0, 5.0]})

    assert layer.state_dict() == before


def test_load_state_dict_refuses_what_is_no_dict():
    with pytest.raises(TypeError, match=r"load_state_dict: wants a dict; got 3 \(int\)"):
        nn.Affine(1, 1).load_state_dict(3)


def test_save_and_load_bring_numbers_back_bit_for_bit(tmp_path):
    numbers = [[0.1, -0.0, 5e-324], [1.7976931348623157e308, math.inf, -math.inf]]
    first, second = nn.Affine(2, 3), nn.Affine(2, 3)
    set_data(first.W, numbers)
    first.b[0].data = math.nan

    first.save(tmp_path / "model.json")
    second.load(tmp_path / "model.json")

    assert [list(map(float.hex, row)) for row in data(second.W)] == [
        list(map(float.hex, row)) for row in numbers
    ]
    assert math.isnan(second.b[0].data)
    json.loads((tmp_path / "model.json").read_text(), parse_constant=pytest.fail)  # strict JSON
    assert os.listdir(tmp_path) == ["model.json"]


def test_save_leaves_the_old_file_when_it_fails(tmp_path, monkeypatch):
    layer = nn.Affine(1, 1, init=0.0)
    layer.save(tmp_path / "model.json")
    old = (tmp_path / "model.json").read_bytes()
    layer.b[0].data = 1.0

    def fail(*paths):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(ValueError, match=r"save: the file cannot be written \(disk full\)"):
        layer.save(tmp_path / "model.json")

    assert (tmp_path / "model.json").read_bytes() == old
    assert os.listdir(tmp_path) == ["model.json"]


@pytest.mark.parametrize(
    "text", ["", "[]", "3", '{"a": 1}', '{"scalargrad": "state"}', '{"scalargrad": "state", "par']
)
def test_load_refuses_another_file_and_names_it(tmp_path, text):
    (tmp_path / "other.json").write_text(text)

    with pytest.raises(ValueError, match=r"load: wants a whole file that save\(\) wrote.*json"):
        nn.Affine(1, 1).load(tmp_path / "other.json")


def test_load_reads_files_without_a_version_and_refuses_another_one(tmp_path):
    path = tmp_path / "model.json"
    layer = nn.Affine(1, 1, init=0.5)
    layer.save(path)
    document = json.loads(path.read_text())
    assert document.pop("version") == 1

    path.write_text(json.dumps(document))
    other = nn.Affine(1, 1, init=0.0)
    other.load(path)
    assert other.state_dict() == layer.state_dict()

    path.write_text(json.dumps({"scalargrad": "state", "version": 2, "numbers": []}))
    with pytest.raises(
        sg.errors.InputError, match=r"load: .* version 1, .*; got 2 \(int\); save it"
    ):
        other.load(path)
    layer.save(path)  # what the message says
    other.load(path)


# -- micrograd's three ----------------------------------------------------------------------


def test_mlp_draws_from_random_in_micrograds_order():
    random.seed(1337)
    expected = []
    for nin, nout in ((3, 4), (4, 2), (2, 1)):
        for _ in range(nout):
            expected += [random.uniform(-1, 1) for _ in range(nin)] + [0.0]

    random.seed(1337)
    model = nn.MLP(3, [4, 2, 1])

    assert [p.data for p in model.parameters()] == expected


def test_mlp_equals_micrograd_in_values_and_gradients():
    random.seed(7)
    theirs = micrograd.nn.MLP(3, [5, 4, 1])
    random.seed(7)
    ours = nn.MLP(3, [5, 4, 1])
    x = [0.3, -1.2, 2.0]

    theirs(x).backward()
    ours(x).backward()

    assert repr(ours) == repr(theirs)
    assert ours(x).data == pytest.approx(theirs(x).data, rel=1e-13)
    assert [p.grad for p in ours.parameters()] == pytest.approx(
        [p.grad for p in theirs.parameters()], rel=1e-12
    )


def test_neuron_adds_the_bias_last_and_rectifies():
    neuron = nn.Neuron(2, seed=0)
    set_data(neuron.w, [2.0, -1.0])
    neuron.b.data = 0.5

    assert neuron([3.0, 4.0]).data == 2.5
    assert neuron([0.0, 4.0]).data == 0.0
    assert neuron([3.0, 4.0]).op == "relu"
    assert nn.Neuron(2, nonlin=False)([1.0, 2.0]).op == "add"


def test_layer_gives_one_value_for_one_neuron_and_a_list_for_more():
    assert isinstance(nn.Layer(2, 1)([1.0, 2.0]), Value)
    assert len(nn.Layer(2, 3)([1.0, 2.0])) == 3


def test_seed_gives_the_same_weights_again_and_different_neurons():
    first, second = nn.Layer(2, 2, seed=5), nn.Layer(2, 2, seed=5)

    assert data(first.neurons[0].w) == data(second.neurons[0].w)
    assert data(first.neurons[0].w) != data(first.neurons[1].w)
    assert data(nn.Layer(2, 2, seed=6).neurons[0].w) != data(first.neurons[0].w)


def test_seed_leaves_pythons_random_alone():
    random.seed(3)
    expected = random.random()
    random.seed(3)

    nn.MLP(2, [2, 1], seed=0)
    nn.TwoLayerNet(2, 2, 2, seed=0)

    assert random.random() == expected


def test_sizes_and_seeds_may_be_numpys():
    two = numpy.int64(2)

    assert data(nn.Affine(two, two, seed=two).W) == data(nn.Affine(2, 2, seed=2).W)


@pytest.mark.parametrize("seed", ["0", 1.5, True])
def test_seed_must_be_an_integer(seed):
    with pytest.raises(TypeError, match="Neuron: seed must be an integer, a"):
        nn.Neuron(2, seed=seed)


@pytest.mark.parametrize(
    "x",
    [
        [1.0, 2.0],
        (1, 2),
        [Value(1.0), 2.0],
        numpy.array([1.0, 2.0]),
        numpy.array([1, 2], dtype=numpy.float32),
        numpy.array([Value(1.0), Value(2.0)]),
    ],
    ids=["list", "tuple", "values", "array", "float32", "objects"],
)
def test_inputs_may_be_lists_values_and_arrays(x):
    model, layer = nn.MLP(2, [3, 1], seed=0), nn.Affine(2, 1, seed=0)

    assert model(x).data == model([1.0, 2.0]).data
    assert layer(x)[0].data == layer([1.0, 2.0])[0].data


@pytest.mark.parametrize("x", [2.0, 2, Value(2.0), numpy.float64(2.0), numpy.int32(2)])
def test_a_lone_number_is_an_input_of_one(x):
    assert nn.MLP(1, [1, 1], seed=3)(x).data == nn.MLP(1, [1, 1], seed=3)([2.0]).data


@pytest.mark.parametrize(
    ("make", "who"),
    [
        (lambda: nn.Neuron(2)([1.0]), "Neuron"),
        (lambda: nn.Layer(2, 2)([1.0]), "Layer"),
        (lambda: nn.MLP(2, [2, 1])([1.0]), "Layer"),
        (lambda: nn.Affine(2, 2)([1.0]), "Affine"),
        (lambda: nn.Affine(2, 2)([[1.0, 2.0], [1.0]]), "Affine"),
    ],
)
def test_a_wrong_input_length_is_one_sentence(make, who):
    message = f"^{who}: needs 2 inputs a sample; got 1; pass 2, or build it for 1$"
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Neuron(0), "Neuron: nin must be a whole number from 1; got 0"),
        (lambda: nn.Layer(2, "3"), "Layer: nout must be a whole number from 1; got '3'"),
        (lambda: nn.MLP(2, []), r"MLP: needs at least one layer; got \[\]"),
        (lambda: nn.Affine(2, True), "Affine: nout must be a whole number from 1; got True"),
        (lambda: nn.Affine(2, 2.0), "Affine: nout must be a whole number from 1; got 2.0"),
        (lambda: nn.Affine(2, 2, init="best"), "init must be \"he\", .* or a number; got 'best'"),
        (lambda: nn.Affine(2, 2, init=-1.0), "a deviation is at least 0; got -1.0"),
    ],
)
def test_unfit_sizes_and_initialisations_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# -- the book's layers ----------------------------------------------------------------------


def test_affine_gives_the_books_gradients_for_a_batch():
    layer, x = nn.Affine(2, 3), [[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]]
    set_data(layer.W, W := [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    set_data(layer.b, [0.1, 0.2, 0.3])
    upstream = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]

    y = layer(x)
    sg.sum(sg.dot(row, up) for row, up in zip(y, upstream, strict=True)).backward()

    X, dY = numpy.array(data(x)), numpy.array(upstream)
    assert data(y) == (X @ W + [0.1, 0.2, 0.3]).tolist()
    assert [[w.grad for w in row] for row in layer.W] == (X.T @ dY).tolist()
    assert [b.grad for b in layer.b] == dY.sum(axis=0).tolist()
    assert [[v.grad for v in row] for row in x] == (dY @ numpy.array(W).T).tolist()


@pytest.mark.parametrize(
    ("init", "deviation"),
    [("he", math.sqrt(2 / 50)), ("xavier", math.sqrt(2 / 150)), (0.01, 0.01),
     ("uniform", 1 / math.sqrt(3 * 50))],
)  # fmt: skip
def test_affine_draws_weights_with_the_deviation_of_the_initialisation(init, deviation):
    weights = numpy.array(data(nn.Affine(50, 100, init=init, seed=0).W))

    assert weights.std() == pytest.approx(deviation, rel=0.03)
    assert abs(weights.mean()) < 4 * deviation / math.sqrt(weights.size)
    if init == "uniform":
        assert abs(weights).max() <= 1 / math.sqrt(50)


@pytest.mark.parametrize("layer", [nn.ReLU(), nn.Sigmoid(), nn.Tanh(), nn.Softmax()])
def test_layers_take_a_sample_and_a_batch(layer):
    batch = [[1.0, -0.5], [-2.0, 3.0]]
    function = getattr(sg, type(layer).__name__.lower())
    expected = [
        function(x) if isinstance(layer, nn.Softmax) else [*map(function, x)] for x in batch
    ]

    assert layer(batch) == expected
    assert layer(batch[0]) == expected[0]
    assert data([*map(list, layer(numpy.array([[Value(1.0), Value(-0.5)]])))]) == expected[:1]
    assert repr(layer) == f"{type(layer).__name__}()"


@pytest.mark.parametrize(
    ("layer", "name"),
    [(nn.Affine(2, 2), "Affine"), (nn.ReLU(), "ReLU"), (nn.Softmax(), "Softmax"),
     (nn.Layer(2, 2), "Layer")],
)  # fmt: skip
def test_layers_group_what_they_compute(layer, name):
    first, second = layer([Value(1.0), Value(2.0)])

    assert first.scope.name == name
    assert first.scope is second.scope


def test_sequential_chains_layers_and_functions():
    model = nn.Sequential(nn.Affine(2, 3, seed=0), nn.Tanh(), sg.sum)

    assert repr(model) == "Sequential(Affine(2, 3), Tanh(), sum)"
    assert len(model) == 3
    assert model([1.0, 2.0]).data == sg.sum(model[1](model[0]([1.0, 2.0]))).data
    assert list(model.state_dict()) == ["layers.0.W", "layers.0.b"]
    with pytest.raises(TypeError, match="Sequential: layers must be callable; got 3"):
        nn.Sequential(3)


# -- the book's network ---------------------------------------------------------------------


def network():
    net = nn.TwoLayerNet(3, 4, 2, weight_init_std=0.5, seed=0)
    x = [[0.2, -0.4, 1.0], [1.5, 0.3, -0.7], [-0.6, 0.8, 0.1]]
    return net, x, [1, 0, 1]


def flat(tree):
    return [leaf for branch in tree for leaf in flat(branch)] if isinstance(tree, list) else [tree]


def test_two_layer_net_has_the_books_parameters():
    net = nn.TwoLayerNet(784, 50, 10, seed=0)

    assert len(net.parameters()) == 39_760
    assert list(net.params) == ["W1", "b1", "W2", "b2"]
    assert (len(net.params["W1"]), len(net.params["W1"][0])) == (784, 50)
    assert numpy.std(data(net.params["W1"])) == pytest.approx(0.01, rel=0.02)
    assert data(net.params["b1"]) == [0.0] * 50
    assert repr(net) == "TwoLayerNet(784, 50, 10)"
    with pytest.raises(TypeError):
        net.params["W1"] = []


def test_two_layer_net_predicts_scores():
    net, x, _ = network()
    W1, b1, W2, b2 = (numpy.array(data(net.params[key])) for key in ("W1", "b1", "W2", "b2"))

    expected = numpy.maximum(numpy.array(x) @ W1 + b1, 0.0) @ W2 + b2

    assert numpy.array(data(net.predict(x))) == pytest.approx(expected, rel=1e-13)
    assert data(net.predict(x[0])) == pytest.approx(list(expected[0]), rel=1e-13)


def test_two_layer_net_takes_classes_and_one_hot_targets():
    net, x, t = network()
    one_hot = [[1.0 if place == c else 0.0 for place in range(2)] for c in t]

    assert net.loss(x, one_hot).data == net.loss(x, t).data
    assert net.loss(numpy.array(x), numpy.array(t)).data == net.loss(x, t).data
    assert net.accuracy(x, one_hot) == net.accuracy(numpy.array(x), numpy.array(t))
    assert net.loss(x[0], 1).data == pytest.approx(
        -math.log(sg.softmax(data(net.predict(x[0])))[1]), rel=1e-12
    )


def test_two_layer_net_accuracy_counts_the_largest_score():
    net, x, _ = network()
    found = [scores.index(max(scores)) for scores in data(net.predict(x))]

    assert net.accuracy(x, found) == 1.0
    assert net.accuracy(x, [1 - found[0], *found[1:]]) == pytest.approx(2 / 3)
    assert net.accuracy(x[0], found[0]) == 1.0
    with pytest.raises(ValueError, match="got 3 samples and 2 targets"):
        net.accuracy(x, [0, 1])


def test_two_layer_net_gradients_agree():
    net, x, t = network()

    exact, numerical = net.gradient(x, t), net.numerical_gradient(x, t)

    assert numerical == net.numerical_gradient(x, t, h=1e-4)  # as in the book
    assert exact.keys() == numerical.keys() == {"W1", "b1", "W2", "b2"}
    for key, gradient in exact.items():
        assert len(gradient) == len(net.params[key])
        assert flat(gradient) == pytest.approx(flat(numerical[key]), abs=1e-8)
        assert any(flat(gradient))


def test_two_layer_net_gradients_change_no_number_and_no_gradient():
    net, x, t = network()
    inputs = [[Value(number) for number in row] for row in x]
    targets = [[Value(float(place == c)) for place in range(2)] for c in t]
    values = [*net.parameters(), *flat(inputs), *flat(targets)]
    for place, value in enumerate(values):
        value.grad = float(place)
    before = net.state_dict()

    net.gradient(inputs, targets)
    net.numerical_gradient(inputs, targets)

    assert net.state_dict() == before
    assert [value.grad for value in values] == [float(place) for place in range(len(values))]


def test_two_layer_net_numerical_gradient_restores_the_number_when_interrupted(monkeypatch):
    net, x, t = network()
    before = net.state_dict()

    def interrupted(self, x, t):
        raise KeyboardInterrupt

    monkeypatch.setattr(nn.TwoLayerNet, "loss", interrupted)
    with pytest.raises(KeyboardInterrupt):
        net.numerical_gradient(x, t)

    assert net.state_dict() == before


@pytest.mark.parametrize("h", [0, 0.0, -1e-4, math.nan, math.inf])
def test_two_layer_net_numerical_gradient_refuses_a_step_that_is_not_above_0(h):
    net, x, t = network()

    with pytest.raises(ValueError, match="numerical_gradient: h must be above 0 and finite; got"):
        net.numerical_gradient(x, t, h)


def test_two_layer_net_gradient_is_refused_inside_no_grad():
    net, x, t = network()

    with sg.no_grad(), pytest.raises(RuntimeError, match="gradient: nothing is recorded"):
        net.gradient(x, t)

"""The network of the book under the book's programs, beside the book's own matrices of NumPy."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict

import numpy as np
import pytest

import scalargrad as sg
from scalargrad.nn.book import TwoLayerNet

KEYS = ("W1", "b1", "W2", "b2")


class Matrices:
    """The network as matrix products, written from the formulas of the book."""

    def __init__(self, params):
        self.params = {key: array.copy() for key, array in params.items()}

    def hidden_and_scores(self, x):
        hidden = np.maximum(x @ self.params["W1"] + self.params["b1"], 0.0)
        return hidden, hidden @ self.params["W2"] + self.params["b2"]

    def loss_and_gradient(self, x, t):
        hidden, scores = self.hidden_and_scores(x)
        y = np.exp(scores - scores.max(axis=1, keepdims=True))
        y /= y.sum(axis=1, keepdims=True)
        down = (y - t) / len(x)
        through = (down @ self.params["W2"].T) * (hidden > 0)
        grads = {"W1": x.T @ through, "b1": through.sum(axis=0)}
        grads |= {"W2": hidden.T @ down, "b2": down.sum(axis=0)}
        return -np.sum(t * np.log(y)) / len(x), grads


def digits():
    images, labels = sg.datasets.digits()
    return np.array(images), np.array(labels)


@pytest.fixture
def network():
    return TwoLayerNet(input_size=64, hidden_size=12, output_size=10, weight_init_std=0.1, seed=1)


def test_training_loop_of_the_book_takes_the_steps_of_its_matrices(network):
    x_train, labels = digits()
    t_train = np.eye(10)[labels]
    other, random, learning_rate = Matrices(network.params), np.random.default_rng(0), 0.1
    train_loss_list = []

    for _ in range(20):
        batch_mask = random.choice(len(x_train), 30)
        x_batch, t_batch = x_train[batch_mask], t_train[batch_mask]
        grad = network.gradient(x_batch, t_batch)
        for key in ("W1", "b1", "W2", "b2"):
            network.params[key] -= learning_rate * grad[key]
        train_loss_list.append(network.loss(x_batch, t_batch))

        _, grads = other.loss_and_gradient(x_batch, t_batch)
        for key in KEYS:
            other.params[key] -= learning_rate * grads[key]
        expected, _ = other.loss_and_gradient(x_batch, t_batch)
        assert train_loss_list[-1] == pytest.approx(expected, rel=1e-12)

    for key in KEYS:
        np.testing.assert_allclose(network.params[key], other.params[key], rtol=1e-11, atol=1e-14)
    scores = other.hidden_and_scores(x_train)[1]
    part = np.mean(scores.argmax(axis=1) == labels)
    assert network.accuracy(x_train, t_train) == network.accuracy(x_train, labels) == part
    assert type(train_loss_list[-1]) is float


def test_gradient_check_of_the_book(network):
    x_train, labels = digits()
    x_batch, t_batch = x_train[:3], np.eye(10)[labels[:3]]

    grad_numerical = network.numerical_gradient(x_batch, t_batch)
    grad_backprop = network.gradient(x_batch, t_batch)

    for key in grad_numerical.keys():  # noqa: SIM118 - as the book writes it
        diff = np.average(np.abs(grad_backprop[key] - grad_numerical[key]))
        assert diff < 1e-8 < np.abs(grad_backprop[key]).max()
        assert grad_backprop[key].shape == network.params[key].shape


def test_shapes_are_those_of_chapter_4():
    net = TwoLayerNet(input_size=7, hidden_size=5, output_size=3)
    x, t = np.random.rand(9, 7), np.random.rand(9, 3)

    shapes = [net.params[key].shape for key in KEYS]
    grads = net.gradient(x, t)

    assert shapes == [(7, 5), (5,), (5, 3), (3,)] == [grads[key].shape for key in KEYS]
    y = net.predict(x)
    assert y.shape == (9, 3)
    np.testing.assert_allclose(y, Matrices(net.params).hidden_and_scores(x)[1], rtol=1e-13)


def test_layers_are_gone_through_by_hand_as_the_book_does(network):
    x, labels = (part[:6] for part in digits())
    network.params["W1"] = network.params["W1"] + 0.01

    for _ in range(2):
        out = x
        for layer in network.layers.values():
            out = layer.forward(out)
        loss, dout = network.lastLayer.forward(out, labels), 1
        for layer in [network.lastLayer, *reversed(list(network.layers.values()))]:
            dout = layer.backward(dout)

        assert list(network.layers) == ["Affine1", "Relu1", "Affine2"]
        assert loss == pytest.approx(network.loss(x, labels), rel=1e-12)
        grads, first, _, second = network.gradient(x, labels), *network.layers.values()
        by_hand = {"W1": first.dW, "b1": first.db, "W2": second.dW, "b2": second.db}
        for key in KEYS:
            np.testing.assert_allclose(by_hand[key], grads[key], rtol=1e-9, atol=1e-15)
            network.params[key] -= 0.1 * by_hand[key]


def test_optimizers_of_chapter_6_change_the_arrays(network):
    x, labels = (part[:50] for part in digits())
    before, momentum, squares = network.loss(x, labels), {}, {}

    for _ in range(20):
        grads = network.gradient(x, labels)
        for key, val in network.params.items():
            momentum.setdefault(key, np.zeros_like(val))
            squares.setdefault(key, np.zeros_like(val))
            momentum[key] = 0.9 * momentum[key] - 0.01 * grads[key]
            squares[key] += grads[key] * grads[key]
            network.params[key] += momentum[key]
            network.params[key] -= 0.01 * grads[key] / (np.sqrt(squares[key]) + 1e-7)

    assert network.loss(x, labels) < 0.8 * before


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p["b2"].__setitem__(3, 7.0),
        lambda p: p.__setitem__("b2", np.arange(10.0)),
        lambda p: p.__setitem__("b2", list(range(10))),
        lambda p: p.__setitem__("b2", np.arange(10, dtype=np.float32)),
    ],
)
def test_params_are_read_at_each_call(network, change):
    x = digits()[0][:2]
    hidden = Matrices(network.params).hidden_and_scores(x)[0]

    change(network.params)

    expected = hidden @ network.params["W2"] + np.array(network.params["b2"])
    np.testing.assert_allclose(network.predict(x), expected, rtol=1e-12)


def test_one_sample_lists_and_images_are_taken(network):
    x, labels = digits()

    assert network.predict(x[0]).shape == (10,)
    assert network.loss(x[0].tolist(), 3) == network.loss(x[:1], [3])
    assert network.accuracy(x[0], np.eye(10)[labels[0]]) == network.accuracy(x[0], labels[0])
    images = x[:4].reshape(4, 1, 8, 8)
    assert network.predict(images).tolist() == network.predict(x[:4]).tolist()


def test_copies_and_pickles_learn_on_their_own(network):
    x, labels = (part[:5] for part in digits())
    lost = network.loss(x, labels)

    for other in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        other.params["b2"][labels[0]] += 5.0
        assert other.loss(x, labels) != lost == network.loss(x, labels)
        assert repr(other) == "TwoLayerNet(64, 12, 10)"
        assert "Affine(64, 12)" in other._repr_html_()


def test_what_does_not_fit_is_refused_and_changes_nothing(network):
    x, labels = (part[:5] for part in digits())
    scores = network.predict(x).tolist()

    for key, wrong, kind, message in [
        ("b1", np.zeros(3), ValueError, "TwoLayerNet.params: b1 must be a list of 12; got 3"),
        ("W2", np.full((12, 10), "x"), TypeError, r"params: W2.0.0 must be a number; got 'x'"),
        ("W3", np.zeros(3), ValueError, "params: the keys must be those of TwoLayerNet; got unkn"),
    ]:
        kept = dict(network.params)
        network.params["W1"] = network.params["W1"] + 1.0
        network.params[key] = wrong
        with pytest.raises(kind, match=message):
            network.gradient(x, labels)
        network.params = kept
    assert network.predict(x).tolist() == scores
    with pytest.raises(ValueError, match="accuracy: needs one target a sample; got 5 samples and"):
        network.accuracy(x, labels[:4])
    with pytest.raises(ValueError, match="numerical_gradient: h must be above 0 and finite"):
        network.numerical_gradient(x, labels, h=0.0)


def test_numerical_gradient_leaves_every_number(network):
    x, labels = (part[:2] for part in digits())
    before = OrderedDict((key, array.tolist()) for key, array in network.params.items())

    found = network.numerical_gradient(x, labels)

    assert {key: array.tolist() for key, array in network.params.items()} == before
    assert network.loss(x, labels) == pytest.approx(
        Matrices(network.params).loss_and_gradient(x, np.eye(10)[labels])[0], rel=1e-12
    )
    of_the_book = network.numerical_gradient(x, labels, h=1e-4)
    assert all((found[key] == of_the_book[key]).all() for key in KEYS)
